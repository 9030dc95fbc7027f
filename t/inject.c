/*
 * inject: runs the gateway and does something to one role at chosen system
 * calls, by ptrace.
 *
 *   inject --role NAME [--call NAME]... [--path TEXT] [--plus N] --do WHAT
 *          (--at K,K,... | --every N --times M) [--after FILE]
 *          [--patience S] --report FILE -- PROGRAM ARG...
 *
 * NAME is a role of the gateway, "parent" its first process.  Calls are counted
 * in each life of the role from its exec on; --call and --path leave only
 * calls of these names, and of these those whose descriptor's or argument's
 * path holds the text.
 *   --do kill    SIGKILL before the K-th such call (and N calls) of a life; one
 *                K for each life, then the role is left alone; a life that does
 *                not come so far in S seconds (2) is killed where it is
 *   --do ENOSPC, EIO, short
 *                every N-th such call fails, or writes half, M times in all
 *   --do count   nothing
 * --after: nothing is counted before this file is there.  The report has a line
 * of JSON for each thing done, and at the end what was counted in the longest
 * life.
 */
#ifndef __x86_64__
#include <stdio.h>

int
main(void)
{
	fputs("inject: knows the system calls of x86-64 alone\n", stderr);
	return 2;
}
#else
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/user.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { CALLS_MAX = 16, AT_MAX = 4096, PROCS_MAX = 512 };

static const struct {
	const char *name;
	long nr;
	int path_arg; /* index of the argument that is a path; -1: a descriptor
		       */
} calls[] = {
	{ "write", SYS_write, -1 },
	{ "writev", SYS_writev, -1 },
	{ "fdatasync", SYS_fdatasync, -1 },
	{ "fsync", SYS_fsync, -1 },
	{ "syncfs", SYS_syncfs, -1 },
	{ "openat", SYS_openat, 1 },
	{ "renameat", SYS_renameat, 1 },
	{ "mkdirat", SYS_mkdirat, 1 },
	{ "unlinkat", SYS_unlinkat, 1 },
};
enum { N_CALLS = sizeof(calls) / sizeof(calls[0]) };

enum action { KILL, FAIL, SHORT, COUNT };
static struct {
	const char *role, *path, *report, *after;
	long call[CALLS_MAX];
	size_t call_n;
	enum action what;
	long error, at[AT_MAX], every, times, plus;
	size_t at_n;
	double patience;
} opt = { .patience = 2 };

static FILE *report;
static pid_t first; /* the gateway's parent */
static struct life {
	pid_t pid;   /* 0: none */
	bool in;     /* between the stops of a call */
	long result; /* to put at its end; 0: leave */
	long seen;   /* matching calls */
	long last;   /* of them, before `plus` more */
	double began;
} life;
static size_t lives; /* that were killed */
static long done, most;

static double
now(void)
{
	struct timespec t;

	(void)clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

/* ---- which call is it? ---- */

static int
known(long nr)
{
	for (int i = 0; i < N_CALLS; i++)
		if (calls[i].nr == nr)
			return i;
	return -1;
}

static const char *
name_of(long nr)
{
	static char text[32];
	const int i = known(nr);

	if (i >= 0)
		return calls[i].name;
	(void)snprintf(text, sizeof(text), "%ld", nr);
	return text;
}

static void
path_of(pid_t pid, const struct user_regs_struct *r, char *out, size_t n)
{
	const int i = known((long)r->orig_rax);
	ssize_t got = 0;

	out[0] = '\0';
	if (i < 0)
		return;
	if (calls[i].path_arg < 0) {
		char link[64];

		(void)snprintf(
		    link, sizeof(link), "/proc/%d/fd/%d", pid, (int)r->rdi);
		got = readlink(link, out, n - 1);
	} else {
		union {
			unsigned long long at;
			void *p;
		} from = { .at = r->rsi };
		/* to the end of the page: what follows may not be mapped */
		const size_t most_n = 4096 - (size_t)(r->rsi & 4095);
		struct iovec ours = { out, n - 1 },
			     its = { from.p, most_n < n - 1 ? most_n : n - 1 };

		got = process_vm_readv(pid, &ours, 1, &its, 1, 0);
	}
	out[got > 0 ? got : 0] = '\0';
}

static bool
matches(pid_t pid, const struct user_regs_struct *r)
{
	char path[512];
	bool named = opt.call_n == 0;

	for (size_t i = 0; i < opt.call_n; i++)
		named = named || opt.call[i] == (long)r->orig_rax;
	if (!named || opt.path == NULL)
		return named;
	path_of(pid, r, path, sizeof(path));
	return strstr(path, opt.path) != NULL;
}

static void
say(const struct user_regs_struct *r, const char *what)
{
	char path[512];

	path_of(life.pid, r, path, sizeof(path));
	(void)fprintf(report,
	    "{\"did\":\"%s\",\"life\":%zu,\"k\":%ld,\"call\":\"%s\",\"path\":"
	    "\"%s\"}\n",
	    what, lives, life.seen, name_of((long)r->orig_rax), path);
	(void)fflush(report);
}

/* ---- what is done to it ---- */

static void
kill_it(const struct user_regs_struct *r, const char *what)
{
	say(r, what);
	(void)kill(life.pid, SIGKILL);
	lives++;
	life.pid = 0;
}

/* It must fail without being done and without the role's filter seeing another
 * call: it is asked of a descriptor that cannot be. */
static void
fail_it(struct user_regs_struct *r)
{
	say(r, "fail");
	r->rdi = (unsigned long long)-1;
	life.result = -opt.error;
	(void)ptrace(PTRACE_SETREGS, life.pid, NULL, r);
	done++;
}

static void
shorten_it(struct user_regs_struct *r)
{
	if (r->rdx < 2)
		return;
	say(r, "short");
	r->rdx /= 2;
	(void)ptrace(PTRACE_SETREGS, life.pid, NULL, r);
	done++;
}

static bool
is_time(void)
{
	if (opt.after != NULL && access(opt.after, F_OK) == 0) {
		opt.after = NULL;
		life.began = now();
	}
	return opt.after == NULL;
}

static void
entered(struct user_regs_struct *r)
{
	const bool is = is_time() && matches(life.pid, r);
	const long want = lives < opt.at_n ? opt.at[lives] : 0;

	life.seen += is;
	life.last = life.seen < want || want == 0 ? 0 : life.last + 1;
	most = life.seen > most ? life.seen : most;
	if (opt.what == KILL && want > 0 && is_time()) {
		if (life.last > opt.plus)
			kill_it(r, "kill");
		else if (now() - life.began > opt.patience)
			kill_it(r, "late");
	} else if (is && opt.every > 0 && done < opt.times &&
		   life.seen % opt.every == 0) {
		if (opt.what == FAIL)
			fail_it(r);
		else if (opt.what == SHORT)
			shorten_it(r);
	}
}

static void
stopped_at_call(void)
{
	struct user_regs_struct r;

	if (ptrace(PTRACE_GETREGS, life.pid, NULL, &r) < 0)
		return;
	life.in = !life.in;
	if (life.in) {
		entered(&r);
	} else if (life.result != 0) {
		r.rax = (unsigned long long)life.result;
		life.result = 0;
		(void)ptrace(PTRACE_SETREGS, life.pid, NULL, &r);
	}
}

/* ---- which process is it? ---- */

static bool
is_role(pid_t pid, bool *other)
{
	char path[64], line[512];
	const char *word[4] = { "", "", "", "" };
	ssize_t n;
	int fd;

	(void)snprintf(path, sizeof(path), "/proc/%d/cmdline", pid);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	n = fd < 0 ? 0 : read(fd, line, sizeof(line) - 1);
	if (fd >= 0)
		(void)close(fd);
	line[n > 0 ? n : 0] = '\0';
	for (ssize_t i = 0, w = 0; i < n && w < 4; w++) {
		word[w] = line + i;
		i += (ssize_t)strlen(line + i) + 1;
	}
	*other = strcmp(word[1], "role") == 0 && strcmp(word[2], opt.role) != 0;
	return strcmp(word[1], "role") == 0 && strcmp(word[2], opt.role) == 0 &&
	       strcmp(word[3], "0") == 0;
}

static void
begin(pid_t pid, bool in)
{
	life = (struct life){ .pid = pid, .in = in, .began = now() };
}

/* One stop of one process. */
static void
stopped(pid_t pid, int status)
{
	const int sig = WSTOPSIG(status), event = status >> 16;
	bool other = false;
	long pass = 0;

	if (sig == (SIGTRAP | 0x80)) {
		if (pid == life.pid)
			stopped_at_call();
	} else if (event == PTRACE_EVENT_EXEC) {
		if (is_role(pid, &other))
			begin(pid, true); /* the next stop ends execve */
		else if (other) { /* it is of no interest, nor what it starts */
			(void)ptrace(PTRACE_DETACH, pid, NULL, NULL);
			return;
		}
	} else if (sig != SIGTRAP && sig != SIGSTOP) {
		pass = sig;
	}
	(void)ptrace(
	    pid == life.pid ? PTRACE_SYSCALL : PTRACE_CONT, pid, NULL, pass);
}

static int
watch(void)
{
	int status = 0, exit_status = 0;

	for (;;) {
		const pid_t pid = waitpid(-1, &status, __WALL);

		if (pid < 0 && errno == EINTR)
			continue;
		if (pid < 0)
			return exit_status;
		if (WIFSTOPPED(status)) {
			stopped(pid, status);
			continue;
		}
		if (pid == life.pid)
			life.pid = 0;
		if (pid == first)
			exit_status = WIFEXITED(status)
					  ? WEXITSTATUS(status)
					  : 128 + WTERMSIG(status);
	}
}

/* ---- command line ---- */

static _Noreturn void
misuse(const char *what)
{
	(void)fprintf(stderr, "inject: %s\n", what);
	exit(2);
}

static void
call_add(const char *name)
{
	for (int i = 0; i < N_CALLS; i++)
		if (strcmp(calls[i].name, name) == 0 &&
		    opt.call_n < CALLS_MAX) {
			opt.call[opt.call_n++] = calls[i].nr;
			return;
		}
	misuse(name);
}

static void
action_of(const char *s)
{
	static const struct {
		const char *name;
		enum action what;
		long error;
	} row[] = { { "kill", KILL, 0 }, { "count", COUNT, 0 },
		{ "short", SHORT, 0 }, { "ENOSPC", FAIL, ENOSPC },
		{ "EIO", FAIL, EIO } };

	for (size_t i = 0; i < sizeof(row) / sizeof(row[0]); i++)
		if (strcmp(row[i].name, s) == 0) {
			opt.what = row[i].what;
			opt.error = row[i].error;
			return;
		}
	misuse(s);
}

static void
at_of(char *s)
{
	char *save = NULL;

	for (char *p = strtok_r(s, ",", &save); p != NULL && opt.at_n < AT_MAX;
	     p = strtok_r(NULL, ",", &save))
		opt.at[opt.at_n++] = strtol(p, NULL, 10);
}

static char **
options(int argc, char **argv)
{
	int i = 1;

	for (; i + 1 < argc && strcmp(argv[i], "--") != 0; i += 2) {
		char *v = argv[i + 1];

		if (strcmp(argv[i], "--role") == 0)
			opt.role = v;
		else if (strcmp(argv[i], "--call") == 0)
			call_add(v);
		else if (strcmp(argv[i], "--path") == 0)
			opt.path = v;
		else if (strcmp(argv[i], "--plus") == 0)
			opt.plus = strtol(v, NULL, 10);
		else if (strcmp(argv[i], "--do") == 0)
			action_of(v);
		else if (strcmp(argv[i], "--at") == 0)
			at_of(v);
		else if (strcmp(argv[i], "--every") == 0)
			opt.every = strtol(v, NULL, 10);
		else if (strcmp(argv[i], "--times") == 0)
			opt.times = strtol(v, NULL, 10);
		else if (strcmp(argv[i], "--after") == 0)
			opt.after = v;
		else if (strcmp(argv[i], "--patience") == 0)
			opt.patience = strtod(v, NULL);
		else if (strcmp(argv[i], "--report") == 0)
			opt.report = v;
		else
			misuse(argv[i]);
	}
	if (opt.role == NULL || opt.report == NULL || i + 1 >= argc)
		misuse("--role, --report and a program");
	return argv + i + 1;
}

static void
pass_on(int sig)
{
	(void)kill(first, sig);
}

int
main(int argc, char **argv)
{
	char **program = options(argc, argv);
	int status = 0;

	report = fopen(opt.report, "we");
	if (report == NULL)
		misuse(opt.report);
	first = fork();
	if (first == 0) {
		(void)ptrace(PTRACE_TRACEME, 0, NULL, NULL);
		(void)raise(SIGSTOP);
		(void)execvp(program[0], program);
		_exit(127);
	}
	if (first < 0 || waitpid(first, &status, 0) < 0)
		misuse("fork");
	(void)signal(SIGTERM, pass_on);
	(void)signal(SIGINT, pass_on);
	(void)signal(SIGHUP, pass_on);
	if (ptrace(PTRACE_SETOPTIONS, first, NULL,
		PTRACE_O_TRACEFORK | PTRACE_O_TRACEVFORK | PTRACE_O_TRACECLONE |
		    PTRACE_O_TRACEEXEC | PTRACE_O_TRACESYSGOOD |
		    PTRACE_O_EXITKILL) < 0)
		misuse("ptrace");
	if (strcmp(opt.role, "parent") == 0)
		begin(first, false);
	(void)ptrace(life.pid == first ? PTRACE_SYSCALL : PTRACE_CONT, first,
	    NULL, NULL);
	status = watch();
	(void)fprintf(report, "{\"counted\":%ld,\"lives\":%zu}\n", most, lives);
	(void)fclose(report);
	return status;
}
#endif
