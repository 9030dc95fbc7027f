/*
 * probe.c: tries one thing from inside a jail.  Promises that an answer comes
 * from the kernel, not from the table: the thing is really attempted.  What
 * the attempt needs is opened before the door falls shut, as it would be in a
 * role that an attacker took over.
 */
#include "jail/jail-in.h"

#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

const char *
jail_result_name(enum jail_result r)
{
	static const char *const names[] = { "unknown", "allowed", "refused",
		"killed" };

	return (unsigned)r < countof(names) ? names[r] : "?";
}

/* In the child.  The status is the answer, but an exec that succeeds speaks
 * through /bin/true. */
static _Noreturn void
attempt(enum role_id r, size_t act, pid_t victim, const char *dir)
{
	const struct rlimit no_core = { 0, 0 };
	struct note why;
	struct stat st;

	/* A log that is a file loosens the limit of file sizes: not here. */
	if (fstat(STDERR_FILENO, &st) < 0 || S_ISREG(st.st_mode))
		(void)dup2(
		    open("/dev/null", O_WRONLY | O_CLOEXEC), STDERR_FILENO);
	(void)setrlimit(RLIMIT_CORE, &no_core);
	if (chdir(dir) < 0 || chdir("log") < 0)
		_exit(2);
	if (!acts_prepare(victim) ||
	    (r != ROLE_PARENT && jail_enter(r, &why) != OK))
		_exit(2);
	_exit(act_try(act) ? 0 : 1);
}

/* A process that does nothing until its end of the pipe closes. */
static pid_t
victim_new(int *hold)
{
	int p[2];
	pid_t v;
	char c;

	if (pipe2(p, O_CLOEXEC) < 0)
		return -1;
	v = fork();
	if (v == 0) {
		(void)close(p[1]);
		_exit(read(p[0], &c, 1) < 0);
	}
	(void)close(p[0]);
	*hold = p[1];
	return v;
}

/* A log and a ledger beside it, as a state directory has them. */
static bool
places_make(char dir[static 64])
{
	char path[96];
	int fd;

	(void)snprintf(dir, 64, "/tmp/gatehouse-probe-XXXXXX");
	if (mkdtemp(dir) == NULL)
		return false;
	(void)snprintf(path, sizeof(path), "%s/log", dir);
	if (mkdir(path, 0700) < 0)
		return false;
	(void)snprintf(path, sizeof(path), "%s/ledger", dir);
	if (mkdir(path, 0700) < 0)
		return false;
	(void)snprintf(path, sizeof(path), "%s/ledger/segment", dir);
	fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
	fd_close(&fd);
	return true;
}

static void
places_remove(const char *dir)
{
	static const char *const in[] = { "/ledger/segment", "/ledger",
		"/log/new", "/log/old", "/log", "" };
	char path[96];

	for (size_t i = 0; i < countof(in); i++) {
		(void)snprintf(path, sizeof(path), "%s%s", dir, in[i]);
		(void)remove(path);
	}
}

static enum jail_result
result_of(int status)
{
	if (WIFSIGNALED(status))
		return WTERMSIG(status) == SIGSYS ? JAIL_KILLED : JAIL_REFUSED;
	if (WEXITSTATUS(status) == 0)
		return JAIL_ALLOWED;
	return WEXITSTATUS(status) == 1 ? JAIL_REFUSED : JAIL_UNKNOWN;
}

enum jail_result
jail_probe(enum role_id r, const char *act)
{
	int status = 0, hold = -1;
	char dir[64];
	pid_t p, v;
	size_t i = 0;

	while (jail_act(i) != NULL && strcmp(jail_act(i), act) != 0)
		i++;
	if (jail_act(i) == NULL || (unsigned)r >= ROLE__N)
		return JAIL_UNKNOWN;
	v = places_make(dir) ? victim_new(&hold) : -1;
	if (v < 0)
		return JAIL_UNKNOWN;
	(void)fflush(stdout); /* or the child's copy is written too */
	p = fork();
	if (p == 0)
		attempt(r, i, v, dir);
	if (p < 0 || waitpid(p, &status, 0) < 0)
		status = 2 << 8;
	(void)kill(v, SIGKILL);
	fd_close(&hold);
	(void)waitpid(v, NULL, 0);
	places_remove(dir);
	return result_of(status);
}
