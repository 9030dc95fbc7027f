/*
 * tool.c: the sandbox of a tool server.  Promises that nothing of a server
 * outlives the hand, that it holds no descriptor but 0, 1 and 2, no capability,
 * and no right to files beyond its template.  Where the kernel refuses
 * namespaces the rest still holds, and `spaces` says so.
 */
#include "jail/jail-in.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/sched.h>
#include <signal.h>
#include <stdio.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

enum {
	TOOL_FILES = 4096, /* descriptors: four times a shell's default */
	TOOL_TASKS = 4096, /* of this user, all servers together */
};

static enum err
put_file(const char *path, const char *text, struct note *why)
{
	__attribute__((cleanup(fd_close))) int fd =
	    open(path, O_WRONLY | O_CLOEXEC);
	const size_t n = strlen(text);

	if (fd < 0 || write(fd, text, n) != (ssize_t)n)
		return os_fail(why, path);
	return OK;
}

/* The same user inside as outside: files keep their owners. */
static enum err
map_user(unsigned uid, unsigned gid, struct note *why)
{
	char map[48];

	/* /proc/self belongs to root while the process is undumpable */
	if (prctl(PR_SET_DUMPABLE, 1, 0, 0, 0) < 0)
		return os_fail(why, "dumpable");
	TRY(put_file("/proc/self/setgroups", "deny", why));
	(void)snprintf(map, sizeof(map), "%u %u 1\n", uid, uid);
	TRY(put_file("/proc/self/uid_map", map, why));
	(void)snprintf(map, sizeof(map), "%u %u 1\n", gid, gid);
	TRY(put_file("/proc/self/gid_map", map, why));
	(void)prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
	return OK;
}

/* What the server sees of files and processes. */
static enum err
mounts(struct jail_tool *t, bool pids, struct note *why)
{
	static const char scratch[] = "size=256m,mode=1777";
	const unsigned long plain = MS_NOSUID | MS_NODEV | MS_NOEXEC;

	if (mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0)
		return os_fail(why, "mounts");
	if (pids && mount("proc", "/proc", "proc", plain, NULL) < 0)
		return os_fail(why, "/proc");
	t->private_shm = mount("tmpfs", "/dev/shm", "tmpfs",
			     MS_NOSUID | MS_NODEV, scratch) == 0;
	t->private_tmp =
	    !t->keep_tmp &&
	    mount("tmpfs", "/tmp", "tmpfs", MS_NOSUID | MS_NODEV, scratch) == 0;
	return OK;
}

static void
dies_with_parent(void)
{
	(void)prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0);
}

/* The first process of the namespace: reaps what it inherits and ends with the
 * server's own status; the kernel then ends all the rest.  A signal to the
 * group reaches the server; a first process gets only what it handles. */
static _Noreturn void
first_process(pid_t server)
{
	int status = 0;
	pid_t p;

	(void)close_range(0, ~0U, 0);
	for (;;) {
		p = wait(&status);
		if (p < 0 && errno != EINTR)
			_exit(127);
		if (p == server)
			break;
	}
	_exit(WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status));
}

/* In the new namespaces: set up; with a pid namespace this is its first
 * process, and the server a child of it. */
static enum err
inside(struct jail_tool *t, bool pids, unsigned uid, unsigned gid,
    struct note *why)
{
	pid_t server;

	TRY(map_user(uid, gid, why));
	TRY(mounts(t, pids, why));
	t->spaces = pids;
	if (!pids)
		return OK;
	server = fork();
	if (server < 0)
		return os_fail(why, "fork");
	if (server > 0)
		first_process(server);
	dies_with_parent();
	return OK;
}

/* One try with these namespaces: as fork(), or -1 when they cannot be. */
static pid_t
fork_try(struct jail_tool *t, unsigned long spaces, struct note *why)
{
	const unsigned uid = geteuid(), gid = getegid();
	int up[2];
	pid_t p;

	if (pipe2(up, O_CLOEXEC) < 0) {
		(void)os_fail(why, "pipe");
		return -1;
	}
	p = (pid_t)syscall(SYS_clone, spaces | SIGCHLD, 0, 0, 0, 0);
	if (p == 0) {
		dies_with_parent();
		(void)setsid();
		if (spaces != 0 &&
		    inside(t, (spaces & CLONE_NEWPID) != 0, uid, gid, why)) {
			(void)!write(up[1], why->text, strlen(why->text));
			_exit(127);
		}
		(void)close(up[0]);
		(void)close(up[1]);
		return 0;
	}
	(void)close(up[1]);
	if (p < 0) {
		(void)os_fail(why, "namespaces");
	} else if (fd_said(up[0], why)) {
		(void)waitpid(p, NULL, 0);
		p = -1;
	}
	(void)close(up[0]);
	return p;
}

/* From most to least; what failed once on this machine is not tried again. */
static const unsigned long space_levels[] = {
	CLONE_NEWUSER | CLONE_NEWNS | CLONE_NEWPID | CLONE_NEWIPC |
	    CLONE_NEWUTS,
	CLONE_NEWUSER | CLONE_NEWNS | CLONE_NEWIPC | CLONE_NEWUTS,
};

pid_t
jail_tool_fork(struct jail_tool *t, struct note *why)
{
	static size_t level;
	pid_t p;

	t->spaces = t->private_shm = t->private_tmp = false;
	for (; t->on && level < countof(space_levels); level++) {
		p = fork_try(t,
		    space_levels[level] | (t->net ? 0UL : CLONE_NEWNET), why);
		if (p >= 0)
			return p;
		log_line(
		    LOG_WARN, "sandbox", "fewer namespaces: %s", why->text);
	}
	return fork_try(t, 0, why);
}

static enum err
tool_limit(int what, rlim_t n, struct note *why)
{
	struct rlimit r;

	if (getrlimit((__rlimit_resource_t)what, &r) < 0)
		return os_fail(why, "getrlimit");
	r.rlim_max = n < r.rlim_max ? n : r.rlim_max;
	r.rlim_cur = r.rlim_max;
	if (setrlimit((__rlimit_resource_t)what, &r) < 0)
		return os_fail(why, "setrlimit");
	return OK;
}

NODISCARD enum err
jail_tool_enter(const struct jail_tool *t, struct note *why)
{
	sigset_t none;

	/* An exec keeps what is ignored and blocked; a server expects neither.
	 */
	(void)sigemptyset(&none);
	(void)sigprocmask(SIG_SETMASK, &none, NULL);
	(void)signal(SIGPIPE, SIG_DFL);
	(void)umask(022);
	if (close_range(3, ~0U, CLOSE_RANGE_CLOEXEC) < 0)
		return os_fail(why, "close_range");
	TRY(tool_limit(RLIMIT_CORE, 0, why));
	TRY(tool_limit(RLIMIT_NOFILE, TOOL_FILES, why));
	TRY(tool_limit(RLIMIT_NPROC, TOOL_TASKS, why));
	TRY(caps_drop(0, why));
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)
		return os_fail(why, "no_new_privs");
	if (!t->on)
		return OK;
	TRY(land_tool(t, why));
	return filter_tool(t->net, why);
}
