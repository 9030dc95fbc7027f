/*
 * filter.c: from rows of calls.h to a system call filter.  Promises that a
 * filter checks the machine's calling convention first, that what no row allows
 * ends the process, and that every thread gets it.  It does not know the roles.
 */
#include "jail/jail-in.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/sched.h>
#include <linux/seccomp.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stddef.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <termios.h>
#include <unistd.h>

#include "jail/nr.h"

#if defined(__x86_64__)
#define ARCH AUDIT_ARCH_X86_64
#elif defined(__aarch64__)
#define ARCH AUDIT_ARCH_AARCH64
#else
#error "no filter for this machine: add its AUDIT_ARCH and run the tests"
#endif
enum { X32_BIT = 0x40000000 }; /* x86-64's second calling convention */
/* Both machines number alike since 424.  A list of what is denied cannot know
 * what comes later: it is not there, and libraries take the older way. */
enum { NEWEST_CALL = 462 }; /* mseal, Linux 6.10 */

#define CALL(r, name) { R_##r, #name, __NR_##name, CALL_ANY, 0, 0 },
#define CALL_IS(r, name, arg, v)                                               \
	{ R_##r, #name, __NR_##name, CALL_VALUE, arg, (uint32_t)(v) },
#define CALL_BUT(r, name, arg, m)                                              \
	{ R_##r, #name, __NR_##name, CALL_MASK, arg, (uint32_t)(m) },
#define CALL_SELF(r, name, arg) { R_##r, #name, __NR_##name, CALL_OWN, arg, 0 },
const struct call_row call_rows[] = {
#include "jail/calls.h"
};
const size_t call_rows_n = countof(call_rows);

#define DENY(name, code) { #name, __NR_##name, code },
const struct deny_row deny_rows[] = {
#include "jail/denied.h"
};
const size_t deny_rows_n = countof(deny_rows);

/* What the hand needs to make the sandbox and the server in it must not have.
 */
static const struct deny_row tool_rows[] = { DENY(mount, EPERM) DENY(umount2,
    EPERM) DENY(pivot_root, EPERM) DENY(move_mount, EPERM) DENY(open_tree,
    EPERM) DENY(fsopen, EPERM) DENY(fsconfig, EPERM) DENY(fsmount, EPERM)
	    DENY(fspick, EPERM) DENY(mount_setattr, EPERM) DENY(unshare, EPERM)
		DENY(setns, EPERM) DENY(chroot, EPERM) DENY(clone3, ENOSYS) };

/* A program being written.  Too many rows is our own mistake. */
enum { PROG_MAX = 1024 };
struct prog {
	struct sock_filter op[PROG_MAX];
	unsigned short n;
};

static void
op(struct prog *p, unsigned code, uint32_t k, uint8_t yes, uint8_t no)
{
	BUG_ON(p->n == PROG_MAX);
	p->op[p->n++] = (struct sock_filter){ (uint16_t)code, yes, no, k };
}

static void
load(struct prog *p, size_t offset)
{
	op(p, BPF_LD | BPF_W | BPF_ABS, (uint32_t)offset, 0, 0);
}

static void
give(struct prog *p, uint32_t verdict)
{
	op(p, BPF_RET | BPF_K, verdict, 0, 0);
}

/* Both machines are little-endian: the low half comes first. */
static size_t
arg_low(unsigned arg)
{
	return offsetof(struct seccomp_data, args) + arg * sizeof(uint64_t);
}

static void
begin(struct prog *p)
{
	load(p, offsetof(struct seccomp_data, arch));
	op(p, BPF_JMP | BPF_JEQ | BPF_K, ARCH, 1, 0);
	give(p, SECCOMP_RET_KILL_PROCESS);
	load(p, offsetof(struct seccomp_data, nr));
	op(p, BPF_JMP | BPF_JGE | BPF_K, X32_BIT, 0, 1);
	give(p, SECCOMP_RET_KILL_PROCESS);
}

/* The call number is in the accumulator before and after. */
static void
row(struct prog *p, const struct call_row *r)
{
	const uint32_t nr = (uint32_t)r->nr;

	switch (r->test) {
	case CALL_ANY:
		op(p, BPF_JMP | BPF_JEQ | BPF_K, nr, 0, 1);
		give(p, SECCOMP_RET_ALLOW);
		return;
	case CALL_MASK:
		op(p, BPF_JMP | BPF_JEQ | BPF_K, nr, 0, 4);
		load(p, arg_low(r->arg));
		op(p, BPF_JMP | BPF_JSET | BPF_K, r->value, 1, 0);
		give(p, SECCOMP_RET_ALLOW);
		break;
	case CALL_VALUE:
	case CALL_OWN:
		op(p, BPF_JMP | BPF_JEQ | BPF_K, nr, 0, 6);
		load(p, arg_low(r->arg) + sizeof(uint32_t));
		op(p, BPF_JMP | BPF_JEQ | BPF_K, 0, 0, 3);
		load(p, arg_low(r->arg));
		op(p, BPF_JMP | BPF_JEQ | BPF_K,
		    r->test == CALL_OWN ? (uint32_t)getpid() : r->value, 0, 1);
		give(p, SECCOMP_RET_ALLOW);
		break;
	}
	load(p, offsetof(struct seccomp_data, nr));
}

static void
deny(struct prog *p, const struct deny_row *r)
{
	if (r->nr < 0)
		return;
	op(p, BPF_JMP | BPF_JEQ | BPF_K, (uint32_t)r->nr, 0, 1);
	give(p, SECCOMP_RET_ERRNO | (uint32_t)r->code);
}

static void
deny_all(struct prog *p)
{
	op(p, BPF_JMP | BPF_JGT | BPF_K, NEWEST_CALL, 0, 1);
	give(p, SECCOMP_RET_ERRNO | ENOSYS);
	for (size_t i = 0; i < deny_rows_n; i++)
		deny(p, &deny_rows[i]);
}

/* Calls without a condition come first: the kernel then remembers that they
 * are always allowed and does not run the program for them. */
static void
rows(struct prog *p, unsigned rights, bool plain)
{
	for (size_t i = 0; i < call_rows_n; i++) {
		const struct call_row *r = &call_rows[i];

		if ((r->right & rights) == 0 || r->nr < 0)
			continue;
		if ((r->test == CALL_ANY) == plain)
			row(p, r);
	}
}

static enum err
install(const struct prog *p, struct note *why)
{
	union {
		const struct sock_filter *in;
		struct sock_filter *out;
	} ops = { p->op }; /* the kernel only reads it */
	struct sock_fprog f = { p->n, ops.out };
	long r;

	r = syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER,
	    SECCOMP_FILTER_FLAG_TSYNC, &f);
	if (r > 0) {
		note_set(why, "thread %ld has a filter of its own", r);
		return ERR_OS;
	}
	return r < 0 ? os_fail(why, "seccomp") : OK;
}

/* ---- naming what was denied ---- */

static const char *
call_name(int nr)
{
	for (size_t i = 0; i < call_rows_n; i++)
		if (call_rows[i].nr == nr)
			return call_rows[i].name;
	for (size_t i = 0; i < deny_rows_n; i++)
		if (deny_rows[i].nr == nr)
			return deny_rows[i].name;
	return "not in calls.h";
}

static void
denied(int sig, siginfo_t *info, void *context)
{
	char text[96];
	int n;

	(void)sig, (void)context;
	n = snprintf(text, sizeof(text), "jail: denied system call %d (%s)\n",
	    info->si_syscall, call_name(info->si_syscall));
	if (n > 0 && write(STDERR_FILENO, text, (size_t)n) < 0)
		_exit(127);
	(void)signal(SIGSYS, SIG_DFL);
	(void)raise(SIGSYS);
	_exit(127);
}

NODISCARD enum err
filter_enter(unsigned rights, struct note *why)
{
	struct prog p = { .n = 0 };
	uint32_t otherwise = SECCOMP_RET_KILL_PROCESS;

	begin(&p);
	if ((rights & R_DENYLIST) != 0) {
		deny_all(&p);
		give(&p, SECCOMP_RET_ALLOW);
		return install(&p, why);
	}
	rows(&p, rights, true);
	rows(&p, rights, false);
	if (jail_word("trap")) {
		struct sigaction sa = { .sa_flags = SA_SIGINFO };

		sa.sa_sigaction = denied;
		if (sigaction(SIGSYS, &sa, NULL) < 0)
			return os_fail(why, "sigaction");
		otherwise = SECCOMP_RET_TRAP;
	}
	give(&p, otherwise);
	return install(&p, why);
}

/* ---- tool servers ---- */

enum {
	NEW_SPACES = CLONE_NEWNS | CLONE_NEWCGROUP | CLONE_NEWUTS |
		     CLONE_NEWIPC | CLONE_NEWUSER | CLONE_NEWPID | CLONE_NEWNET
};

/* Denied when the low half of arg has a bit of mask (or is v). */
static void
deny_arg(struct prog *p, int nr, unsigned arg, bool mask, uint32_t v)
{
	op(p, BPF_JMP | BPF_JEQ | BPF_K, (uint32_t)nr, 0, 4);
	load(p, arg_low(arg));
	op(p, BPF_JMP | (mask ? BPF_JSET : BPF_JEQ) | BPF_K, v, 0, 1);
	give(p, SECCOMP_RET_ERRNO | EPERM);
	load(p, offsetof(struct seccomp_data, nr));
}

NODISCARD enum err
filter_tool(bool net, struct note *why)
{
	struct prog p = { .n = 0 };

	begin(&p);
	deny_all(&p);
	for (size_t i = 0; i < countof(tool_rows); i++)
		deny(&p, &tool_rows[i]);
	deny_arg(&p, __NR_clone, 0, true, NEW_SPACES);
	deny_arg(&p, __NR_ioctl, 1, false, TIOCSTI);
	deny_arg(&p, __NR_ioctl, 1, false, 0x541C); /* TIOCLINUX */
	if (!net) {
		/* Only AF_UNIX: every other family reaches out, or into the
		 * kernel's rarer corners. */
		op(&p, BPF_JMP | BPF_JEQ | BPF_K, __NR_socket, 0, 4);
		load(&p, arg_low(0));
		op(&p, BPF_JMP | BPF_JEQ | BPF_K, AF_UNIX, 1, 0);
		give(&p, SECCOMP_RET_ERRNO | EACCES);
		load(&p, offsetof(struct seccomp_data, nr));
	}
	give(&p, SECCOMP_RET_ALLOW);
	return install(&p, why);
}
