/*
 * calls: the system calls, by the right that brings them.
 *   CALL(right, name)               any arguments
 *   CALL_IS(right, name, arg, value)    only when argument arg is value
 *   CALL_BUT(right, name, arg, mask)    only when it has no bit of mask
 *   CALL_SELF(right, name, arg)     only when it is the own process id
 * Several rows of one call are alternatives.  filter.c turns the rows of a role
 * into a filter; what no row allows ends the process.
 */
/* ---- BASE: memory, time, waiting, bytes over descriptors one was given ---- */
CALL(BASE, epoll_wait)
CALL(BASE, epoll_pwait)
CALL(BASE, read)
CALL(BASE, write)
CALL(BASE, sendmsg)
CALL(BASE, recvmsg)
CALL(BASE, recvfrom)
CALL(BASE, readv)
CALL(BASE, writev)
CALL(BASE, futex)
CALL(BASE, close)
CALL(BASE, epoll_ctl)
CALL(BASE, clock_gettime)
CALL(BASE, gettimeofday)
CALL(BASE, clock_nanosleep)
CALL(BASE, poll)
CALL(BASE, ppoll)
CALL(BASE, getrandom)
CALL(BASE, brk)
CALL(BASE, munmap)
CALL(BASE, mremap)
CALL(BASE, madvise)
CALL(BASE, fstat)
CALL(BASE, newfstatat)
CALL(BASE, getpid)
CALL(BASE, gettid)
CALL(BASE, sched_yield)
CALL(BASE, sched_getaffinity)
CALL(BASE, sysinfo)
CALL(BASE, restart_syscall)
CALL(BASE, rt_sigreturn)
CALL(BASE, rt_sigprocmask)
CALL(BASE, rt_sigaction)
CALL(BASE, exit)
CALL(BASE, exit_group)
CALL_BUT(BASE, mmap, 2, PROT_EXEC)
CALL_BUT(BASE, mprotect, 2, PROT_EXEC)
CALL_IS(BASE, sendto, 4, 0) /* no address: over a connection only */
CALL_IS(BASE, fcntl, 1, F_GETFL)
CALL_IS(BASE, fcntl, 1, F_GETFD)
CALL_SELF(BASE, tgkill, 0) /* abort() */
#ifdef JAIL_SANITIZED
CALL(BASE, sigaltstack) /* of the sanitizers' runtime, in builds with them */
#endif
/* No role has F_SETFL: the flags belong to the open file, which a peer or the
 * ledger's segment may share; whoever opens or passes one on makes it
 * non-blocking before.  Nor F_SETOWN and the like, which send signals. */
/* ---- DUP: a second descriptor, to pass on while the first is closed ---- */
CALL_IS(DUP, fcntl, 1, F_DUPFD_CLOEXEC)
/* ---- SOCK: look at and end connections ---- */
CALL(SOCK, shutdown)
CALL(SOCK, getsockname)
CALL(SOCK, getpeername)
CALL(SOCK, getsockopt)
CALL_IS(SOCK, setsockopt, 2, TCP_NODELAY) /* of SOL_SOCKET: SO_DEBUG */
/* ---- ACCEPT: from a listening socket one was given ---- */
CALL(ACCEPT, accept4)
/* ---- SYNC ---- */
CALL(SYNC, fdatasync)
CALL(SYNC, fsync)
CALL_IS(SYNC, fadvise64, 3, POSIX_FADV_DONTNEED)
/* ---- LOCK: keep memory from swap ---- */
CALL(LOCK, mlock)
CALL(LOCK, munlock)
/* ---- DIAL: names and connections ---- */
CALL_IS(DIAL, socket, 0, AF_INET)
CALL_IS(DIAL, socket, 0, AF_INET6)
CALL_IS(DIAL, socket, 0, AF_NETLINK) /* getaddrinfo() sorts by own addresses */
CALL_IS(DIAL, socket, 0, AF_UNIX)    /* nscd; refused later, but asked for */
CALL(DIAL, connect)
CALL(DIAL, bind)
CALL(DIAL, sendto)
CALL(DIAL, sendmmsg)
CALL(DIAL, recvmmsg)
CALL(DIAL, uname)
CALL_IS(DIAL, ioctl, 1, FIONREAD)
/* ---- READ: files, read-only (openat's flags are checked) ---- */
CALL_BUT(READ, openat, 2, O_WRONLY | O_RDWR | O_CREAT | O_TRUNC)
CALL_BUT(READ, open, 1, O_WRONLY | O_RDWR | O_CREAT | O_TRUNC)
CALL(READ, lseek)
CALL(READ, pread64)
CALL(READ, getdents64)
CALL(READ, stat)
CALL(READ, lstat)
CALL(READ, statx)
CALL(READ, access)
CALL(READ, faccessat)
CALL(READ, faccessat2)
CALL(READ, readlink)
CALL(READ, readlinkat)
CALL(READ, getcwd)
CALL(READ, getuid)
CALL(READ, geteuid)
CALL_IS(READ, ioctl, 1, TCGETS) /* stdio asks whether it is a terminal */
/* ---- STORE: files of its own; Landlock says where ---- */
CALL(STORE, openat)
CALL(STORE, mkdirat)
CALL(STORE, renameat)
CALL(STORE, renameat2)
CALL(STORE, unlinkat)
CALL(STORE, syncfs)
/* ---- IMAGE: make a sealed memory file ---- */
CALL(IMAGE, memfd_create)
CALL(IMAGE, ftruncate)
CALL_IS(IMAGE, fcntl, 1, F_ADD_SEALS)
