/*
 * test-tool.c: the sandbox of tool servers, seen from inside by a shell.  Every
 * refusal has a twin that is allowed.
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "jail/jail.h"

#include "base/tap.h"

static char dir[64], inside[80], outside[80];
static const char *const system_dirs[] = { "/usr", "/lib", "/lib64", "/bin",
	"/sbin", "/etc", NULL };
static const char *const everything[] = { "/", NULL };
static const char *const nothing[] = { NULL };
static const char *const own[] = { inside, NULL };

enum { PLAIN, READ_ALL = 1, WRITE_OWN = 2, NET = 4, OFF = 8, OWN_TMP = 16 };

/* The exit status of the script in the sandbox; -1: it did not come to that. */
static int
run(unsigned flags, const char *script)
{
	struct jail_tool t = {
		.read = flags & READ_ALL ? everything : system_dirs,
		.write = flags & WRITE_OWN ? own : nothing,
		.net = (flags & NET) != 0,
		.on = (flags & OFF) == 0,
		.keep_tmp = (flags & OWN_TMP) == 0, /* the place is there */
	};
	char sh[] = "sh", c[] = "-c", text[512];
	char *argv[] = { sh, c, text, NULL };
	struct note why = { .text = "" };
	int status = 0;
	pid_t p;

	(void)snprintf(text, sizeof(text), "%s", script);
	(void)fflush(stdout);
	p = jail_tool_fork(&t, &why);
	if (p == 0) {
		if (jail_tool_enter(&t, &why) == OK)
			(void)execv("/bin/sh", argv);
		(void)fprintf(stderr, "# %s\n", why.text);
		_exit(99);
	}
	if (p < 0 || waitpid(p, &status, 0) != p || !WIFEXITED(status))
		return -1;
	return WEXITSTATUS(status);
}

/* Of each pair the first must fail inside and the second must work. */
static const struct {
	const char *name;
	unsigned refused_with, allowed_with;
	const char *script; /* run in dir */
} pairs[] = {
	{ "write outside its directories", WRITE_OWN, OFF,
	    "echo x >outside/f 2>/dev/null" },
	{ "write without a directory of its own", PLAIN, WRITE_OWN,
	    "echo x >inside/f 2>/dev/null" },
	{ "read what is not listed", PLAIN, READ_ALL,
	    "cat outside/secret >/dev/null 2>&1" },
	{ "remove what it may only read", READ_ALL, OFF,
	    "rm -f outside/victim 2>/dev/null && ! test -e outside/victim" },
	{ "truncate what it may only read", READ_ALL, OFF,
	    "truncate -s 0 outside/secret 2>/dev/null" },
	{ "make an Internet socket", READ_ALL, READ_ALL | NET,
	    "perl -MSocket -e 'socket(S,AF_INET,SOCK_STREAM,0) or exit 1'" },
	{ "see other processes", READ_ALL, OFF, "test -e /proc/$VICTIM" },
	{ "signal other processes", READ_ALL, OFF,
	    "kill -0 $VICTIM 2>/dev/null" },
	{ "make namespaces of its own", READ_ALL | NET, OFF,
	    "unshare -U true 2>/dev/null" },
};

static void
test_pairs(void)
{
	for (size_t i = 0; i < countof(pairs); i++) {
		ok(run(pairs[i].refused_with, pairs[i].script) > 0,
		    "a server may not %s", pairs[i].name);
		ok(run(pairs[i].allowed_with, pairs[i].script) == 0,
		    "its twin may %s", pairs[i].name);
	}
}

static void
test_inside(void)
{
	ok(run(PLAIN, "exit 7") == 7, "the server's own status comes out");
	ok(run(PLAIN, "kill -9 $$") == 137, "so does the signal that ended it");
	ok(run(PLAIN, "echo x >/dev/null") == 0, "/dev/null can be written");
	ok(run(PLAIN, "echo x >/dev/shm/f && cat /dev/shm/f >/dev/null") == 0,
	    "it has a private place for temporary files");
	ok(access("/dev/shm/f", F_OK) < 0, "which is nobody else's");
	ok(run(OWN_TMP, "echo x >/tmp/gatehouse-f && test $(ls /tmp | wc -l) "
			"-eq 1") == 0,
	    "/tmp is another, unless it names something there");
	ok(access("/tmp/gatehouse-f", F_OK) < 0, "nobody else's either");
	ok(run(PLAIN, "test $(ls /proc/self/fd | wc -l) -le 4") == 0,
	    "it holds descriptors 0, 1 and 2 (and ls its directory)");
	ok(run(PLAIN, "grep -q 'CapEff:.0*$' /proc/self/status") == 0,
	    "it holds no capability");
	ok(run(PLAIN, "grep -q 'NoNewPrivs:.1' /proc/self/status") == 0,
	    "and can get none");
}

/* One that ignores TERM and detaches a child; the group and the first process
 * are killed, and nothing of it may be left. */
static void
test_end(void)
{
	struct jail_tool t = {
		.read = system_dirs, .write = own, .on = true, .keep_tmp = true
	};
	char sh[] = "sh", c[] = "-c",
	     text[] =
		 "trap '' TERM; cd inside; setsid sh -c 'while :; do echo x "
		 ">>alive; "
		 "sleep 0.02; done' & echo up >up; while :; do sleep 1; done";
	char *argv[] = { sh, c, text, NULL };
	struct note why = { .text = "" };
	struct stat a, b;
	pid_t p;

	(void)fflush(stdout);
	p = jail_tool_fork(&t, &why);
	if (p == 0) {
		if (jail_tool_enter(&t, &why) == OK)
			(void)execv("/bin/sh", argv);
		_exit(99);
	}
	for (int i = 0; i < 400 && stat("inside/alive", &a) < 0; i++)
		(void)usleep(25000);
	ok(p > 0 && stat("inside/alive", &a) == 0, "a server detached a child");
	ok(kill(-p, SIGTERM) == 0 && usleep(50000) == 0 &&
		waitpid(p, NULL, WNOHANG) == 0,
	    "it ignores TERM");
	ok(kill(-p, SIGKILL) == 0 && waitpid(p, NULL, 0) == p, "it is killed");
	(void)usleep(100000); /* a loop of it would have written by now */
	ok(stat("inside/alive", &a) == 0 && usleep(200000) == 0 &&
		stat("inside/alive", &b) == 0 && a.st_size == b.st_size,
	    "and its detached child with it");
}

static bool
place_make(pid_t victim)
{
	static char var[32], *vars[] = { var, NULL };
	int fd;

	(void)snprintf(dir, sizeof(dir), "/tmp/gatehouse-tool-XXXXXX");
	if (mkdtemp(dir) == NULL || chdir(dir) < 0)
		return false;
	(void)snprintf(inside, sizeof(inside), "%s/inside", dir);
	(void)snprintf(outside, sizeof(outside), "%s/outside", dir);
	if (mkdir(inside, 0700) < 0 || mkdir(outside, 0700) < 0)
		return false;
	(void)snprintf(var, sizeof(var), "VICTIM=%d", (int)victim);
	environ = vars;
	fd = open("outside/secret", O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
	if (fd < 0 || write(fd, "s", 1) != 1 || close(fd) < 0)
		return false;
	fd = open("outside/victim", O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
	return fd >= 0 && close(fd) == 0;
}

/* Without namespaces three promises are weaker: say so instead of failing. */
static bool
has_spaces(void)
{
	struct jail_tool t = { .read = everything, .on = true };
	struct note why;
	int status = 0;
	const pid_t p = jail_tool_fork(&t, &why);

	if (p == 0)
		_exit(t.spaces ? 0 : 1);
	return p > 0 && waitpid(p, &status, 0) == p && status == 0;
}

int
main(void)
{
	pid_t victim;

	(void)alarm(120);
	if (!has_spaces()) {
		printf("1..0 # SKIP this kernel refuses namespaces to this "
		       "user\n");
		return 0;
	}
	(void)fflush(stdout);
	victim = fork();
	if (victim == 0) {
		(void)sleep(100);
		_exit(0);
	}
	ok(place_make(victim), "a place to be");
	test_pairs();
	test_inside();
	test_end();
	(void)kill(victim, SIGKILL);
	tap_remove(dir);
	return tap_done();
}
