/*
 * acts.c: the things that probe.c tries from inside a jail, and what they work
 * on, which is opened before the door falls shut.
 */
#include "jail/jail-in.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/filter.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/sendfile.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

static struct {
	int file;    /* a memory file of one page, append-only, writable */
	int unsafe;  /* a socket not connected */
	int pair[2]; /* a connected pair */
	int event, pipe[2];
	int listener; /* a local listening socket, with one caller */
	int caller;
	struct sockaddr_un addr;
	socklen_t addr_n;
	void *page;
	pid_t victim; /* another process */
} with;

static bool
act_read(void)
{
	char c;

	return write(with.pair[0], "x", 1) == 1 &&
	       read(with.pair[1], &c, 1) == 1;
}

static bool
act_sendmsg(void)
{
	char c = 'x';
	struct iovec v = { &c, 1 };
	struct msghdr m = { .msg_iov = &v, .msg_iovlen = 1 };

	return sendmsg(with.pair[0], &m, MSG_NOSIGNAL) == 1 &&
	       recvmsg(with.pair[1], &m, 0) == 1;
}

static bool
act_map(void)
{
	void *p = mmap(NULL, 4096, PROT_READ | PROT_WRITE,
	    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	return p != MAP_FAILED && mprotect(p, 4096, PROT_READ) == 0 &&
	       munmap(p, 4096) == 0;
}

static bool
act_map_exec(void)
{
	return mmap(NULL, 4096, PROT_READ | PROT_EXEC,
		   MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) != MAP_FAILED;
}

static bool
act_protect_exec(void)
{
	return mprotect(with.page, 4096, PROT_READ | PROT_EXEC) == 0;
}

static bool
act_append(void)
{
	return write(with.file, "x", 1) == 1;
}

static bool
act_sync(void)
{
	return fdatasync(with.file) == 0;
}

/* A file of its own, made whole and put in its place, and away again. */
static bool
act_store(void)
{
	const int fd =
	    openat(AT_FDCWD, "new", O_WRONLY | O_CREAT | O_CLOEXEC, 0600);

	return fd >= 0 && write(fd, "x", 1) == 1 && fsync(fd) == 0 &&
	       renameat(AT_FDCWD, "new", AT_FDCWD, "old") == 0 &&
	       unlinkat(AT_FDCWD, "old", 0) == 0;
}

static bool
act_segment_read(void)
{
	return open("../ledger/segment", O_RDONLY | O_CLOEXEC) >= 0;
}

static bool
act_segment_write(void)
{
	return openat(AT_FDCWD, "../ledger/segment", O_WRONLY | O_CLOEXEC) >= 0;
}

static bool
act_segment_unlink(void)
{
	return unlinkat(AT_FDCWD, "../ledger/segment", 0) == 0;
}

static bool
act_accept(void)
{
	return accept4(with.listener, NULL, NULL, SOCK_CLOEXEC) >= 0;
}

static bool
act_sockopt(void)
{
	const int on = 1;

	return setsockopt(
		   with.unsafe, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on)) == 0;
}

/* A filter of one's own: the kernel would run it on every packet. */
static bool
act_attach_filter(void)
{
	struct sock_filter all[] = { { BPF_RET | BPF_K, 0, 0, 4096 } };
	const struct sock_fprog f = { 1, all };

	return setsockopt(with.unsafe, SOL_SOCKET, SO_ATTACH_FILTER, &f,
		   sizeof(f)) == 0;
}

static bool
act_nonblock(void)
{
	return fcntl(with.pair[0], F_SETFL, O_NONBLOCK) == 0;
}

/* A peer sleeps on it and would hang: eventfds are shared. */
static bool
act_block_event(void)
{
	return fcntl(with.event, F_SETFL, 0) == 0;
}

static bool
act_fionbio(void)
{
	int off = 0;

	return ioctl(with.pair[0], FIONBIO, &off) == 0;
}

/* Signals to whom one likes, when bytes arrive. */
static bool
act_set_owner(void)
{
	return fcntl(with.pair[0], F_SETOWN, getpid()) == 0;
}

static bool
act_set_signal(void)
{
	return fcntl(with.pair[0], F_SETSIG, SIGURG) == 0;
}

static bool
act_pipe_size(void)
{
	return fcntl(with.pipe[0], F_SETPIPE_SZ, 4096) >= 0;
}

static bool
act_keep_over_exec(void)
{
	return fcntl(with.pair[0], F_SETFD, 0) == 0;
}

static bool
act_dup(void)
{
	return fcntl(with.pair[0], F_DUPFD_CLOEXEC, 3) >= 0;
}

/* A call that came after the table was written; bad arguments do. */
static bool
act_new_call(void)
{
	const long r = syscall(463, -1, NULL, 0, NULL, NULL, 0);

	return r == 0 || errno != ENOSYS;
}

static bool
act_clear_append(void)
{
	return fcntl(with.file, F_SETFL, 0) == 0;
}

static bool
act_seek(void)
{
	return lseek(with.file, 0, SEEK_SET) == 0;
}

static bool
act_pwrite(void)
{
	return pwrite(with.file, "y", 1, 0) == 1;
}

static bool
act_pwritev(void)
{
	const struct iovec v = { (char[]){ 'y' }, 1 };

	return pwritev(with.file, &v, 1, 0) == 1 &&
	       pwritev2(with.file, &v, 1, 0, 0) == 1;
}

static bool
act_sendfile(void)
{
	off_t from = 0;

	return sendfile(with.pipe[1], with.file, &from, 1) == 1;
}

static bool
act_splice(void)
{
	loff_t from = 0;

	return splice(with.file, &from, with.pipe[1], NULL, 1, 0) == 1;
}

static bool
act_ftruncate(void)
{
	return ftruncate(with.file, 0) == 0;
}

static bool
act_punch(void)
{
	return fallocate(with.file, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE,
		   0, 1) == 0;
}

static bool
act_open(void)
{
	return open("/etc/passwd", O_RDONLY | O_CLOEXEC) >= 0;
}

/* One of those that say how names are found; a bare system has not all. */
static bool
act_open_names(void)
{
	return open("/etc/hosts", O_RDONLY | O_CLOEXEC) >= 0 ||
	       open("/etc/nsswitch.conf", O_RDONLY | O_CLOEXEC) >= 0 ||
	       open("/etc/resolv.conf", O_RDONLY | O_CLOEXEC) >= 0;
}

static bool
act_open_write(void)
{
	return open("/dev/null", O_WRONLY | O_CLOEXEC) >= 0;
}

/* A path where truncation would do nothing. */
static bool
act_truncate(void)
{
	return truncate("/proc/self/comm", 0) == 0;
}

static bool
act_unlink(void)
{
	return unlink("/gatehouse-there-is-no-such-file") == 0 ||
	       errno == ENOENT;
}

static bool
act_socket(void)
{
	return socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0) >= 0;
}

static bool
act_socket_unix(void)
{
	return socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0) >= 0;
}

static bool
act_socket_raw(void)
{
	return socket(AF_PACKET, SOCK_DGRAM | SOCK_CLOEXEC, 0) >= 0;
}

/* Refused by the other end is still allowed by the jail. */
static bool
act_connect(void)
{
	struct sockaddr_in to = { .sin_family = AF_INET };

	to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	to.sin_port = htons(9);
	return connect(with.unsafe, (const struct sockaddr *)&to, sizeof(to)) ==
		   0 ||
	       errno == ECONNREFUSED;
}

static bool
act_bind(void)
{
	struct sockaddr_in at = { .sin_family = AF_INET };

	at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	return bind(with.unsafe, (const struct sockaddr *)&at, sizeof(at)) == 0;
}

static bool
act_exec(void)
{
	char name[] = "true", *argv[] = { name, NULL };

	(void)execv("/bin/true", argv);
	return false;
}

static bool
act_fork(void)
{
	const pid_t p = fork();

	if (p == 0)
		_exit(0);
	return p > 0;
}

static bool
act_ptrace(void)
{
	return ptrace(PTRACE_SEIZE, with.victim, NULL, NULL) == 0;
}

static bool
act_peek(void)
{
	static char there; /* at the same place in a process forked from us */
	char c = 0;
	struct iovec in = { &c, 1 }, out = { &there, 1 };

	return process_vm_readv(with.victim, &in, 1, &out, 1, 0) == 1;
}

static bool
act_kill(void)
{
	return kill(with.victim, SIGCONT) == 0;
}

static bool
act_io_uring(void)
{
	char params[120] = { 0 };

	return syscall(SYS_io_uring_setup, 1, params) >= 0;
}

static bool
act_bpf(void)
{
	/* BPF_MAP_CREATE of nothing: EINVAL when one may ask at all */
	return syscall(SYS_bpf, 0, NULL, 0) == 0 || errno == EINVAL;
}

static bool
act_unshare(void)
{
	return unshare(CLONE_NEWUSER) == 0;
}

static bool
act_mount(void)
{
	return mount(NULL, "/gatehouse-no-such-place", "tmpfs", 0, NULL) == 0 ||
	       errno == ENOENT;
}

static bool
act_memfd(void)
{
	const int fd = memfd_create("probe", MFD_CLOEXEC);

	return fd >= 0 && ftruncate(fd, 4096) == 0;
}

static bool
act_lock(void)
{
	return syscall(SYS_mlock, with.page, 4096) == 0;
}

static const struct {
	const char *name;
	bool (*try)(void);
} acts[] = {
	{ "read", act_read },
	{ "sendmsg", act_sendmsg },
	{ "map", act_map },
	{ "map-exec", act_map_exec },
	{ "protect-exec", act_protect_exec },
	{ "append", act_append },
	{ "sync", act_sync },
	{ "accept", act_accept },
	{ "sockopt", act_sockopt },
	{ "attach-filter", act_attach_filter },
	{ "nonblock", act_nonblock },
	{ "block-event", act_block_event },
	{ "fionbio", act_fionbio },
	{ "set-owner", act_set_owner },
	{ "set-signal", act_set_signal },
	{ "pipe-size", act_pipe_size },
	{ "keep-over-exec", act_keep_over_exec },
	{ "dup", act_dup },
	{ "new-call", act_new_call },
	{ "clear-append", act_clear_append },
	{ "seek", act_seek },
	{ "pwrite", act_pwrite },
	{ "pwritev", act_pwritev },
	{ "sendfile", act_sendfile },
	{ "splice", act_splice },
	{ "ftruncate", act_ftruncate },
	{ "punch-hole", act_punch },
	{ "open", act_open },
	{ "open-names", act_open_names },
	{ "open-write", act_open_write },
	{ "truncate", act_truncate },
	{ "unlink", act_unlink },
	{ "socket", act_socket },
	{ "socket-unix", act_socket_unix },
	{ "socket-raw", act_socket_raw },
	{ "connect", act_connect },
	{ "bind", act_bind },
	{ "exec", act_exec },
	{ "fork", act_fork },
	{ "ptrace", act_ptrace },
	{ "peek", act_peek },
	{ "kill", act_kill },
	{ "io-uring", act_io_uring },
	{ "bpf", act_bpf },
	{ "unshare", act_unshare },
	{ "mount", act_mount },
	{ "memfd", act_memfd },
	{ "store", act_store },
	{ "segment-read", act_segment_read },
	{ "segment-write", act_segment_write },
	{ "segment-unlink", act_segment_unlink },
	{ "lock", act_lock },
};

bool
act_try(size_t i)
{
	return acts[i].try();
}

const char *
jail_act(size_t i)
{
	return i < countof(acts) ? acts[i].name : NULL;
}

/* A listening socket without a name in any file system, and a caller. */
static bool
prepare_listener(void)
{
	with.addr.sun_family = AF_UNIX;
	with.addr_n =
	    sizeof(with.addr.sun_family); /* the kernel picks a name */
	with.listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	with.caller = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (with.listener < 0 || with.caller < 0)
		return false;
	if (bind(with.listener, (struct sockaddr *)&with.addr, with.addr_n) <
		0 ||
	    listen(with.listener, 1) < 0)
		return false;
	with.addr_n = sizeof(with.addr);
	return getsockname(with.listener, (struct sockaddr *)&with.addr,
		   &with.addr_n) == 0 &&
	       connect(with.caller, (struct sockaddr *)&with.addr,
		   with.addr_n) == 0;
}

bool
acts_prepare(pid_t victim)
{
	with.victim = victim;
	with.file = memfd_create("probe", MFD_CLOEXEC);
	with.unsafe = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	with.event = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (with.file < 0 || with.unsafe < 0 || with.event < 0 ||
	    pipe2(with.pipe, O_CLOEXEC) < 0 || ftruncate(with.file, 4096) < 0 ||
	    lseek(with.file, 0, SEEK_END) < 0)
		return false;
	if (fcntl(with.file, F_SETFL, O_APPEND) < 0 ||
	    socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, with.pair) <
		0)
		return false;
	with.page = mmap(NULL, 4096, PROT_READ | PROT_WRITE,
	    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	return with.page != MAP_FAILED && prepare_listener();
}
