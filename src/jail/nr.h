/*
 * nr: calls that one of the machines, or an older header, has no number for; a
 * row of -1 is left out of the filter.
 */
#ifndef NR_H
#define NR_H

#include <sys/syscall.h>

#ifndef __NR_epoll_wait
#define __NR_epoll_wait (-1)
#endif
#ifndef __NR_poll
#define __NR_poll (-1)
#endif
#ifndef __NR_open
#define __NR_open (-1)
#endif
#ifndef __NR_stat
#define __NR_stat (-1)
#endif
#ifndef __NR_lstat
#define __NR_lstat (-1)
#endif
#ifndef __NR_access
#define __NR_access (-1)
#endif
#ifndef __NR_readlink
#define __NR_readlink (-1)
#endif
#ifndef __NR_iopl
#define __NR_iopl (-1)
#endif
#ifndef __NR_ioperm
#define __NR_ioperm (-1)
#endif
#ifndef __NR_lookup_dcookie
#define __NR_lookup_dcookie (-1)
#endif
#ifndef __NR_process_madvise
#define __NR_process_madvise (-1)
#endif
#ifndef __NR_mount_setattr
#define __NR_mount_setattr (-1)
#endif
#ifndef __NR_faccessat2
#define __NR_faccessat2 (-1)
#endif
#ifndef __NR_newfstatat
#define __NR_newfstatat (-1)
#endif

#endif
