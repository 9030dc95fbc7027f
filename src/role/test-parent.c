/*
 * test-parent.c: a whole house of dummies (test-dummies.h) under the real
 * parent, in the real jails: start, calls through every link, every role killed
 * once and back again, reload, drain, and the end of everything when the parent
 * is killed.
 */
#include "role/test-dummies.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>

#include "base/tap.h"

enum { PATIENCE = 400 }; /* looks, 25 ms apart: a bound, not a measure */

static char dir[64], config[96];
static pid_t parent;
static unsigned port;
static unsigned last_segment, last_budget; /* what the dummy load "found" */

/* ---- the house ---- */

static void
config_write(const char *extra)
{
	const int fd =
	    open(config, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

	ok(fd >= 0 &&
		dprintf(fd,
		    "{\"listen\":\"127.0.0.1:0\",\"desk\":\"\",\"control\":"
		    "\"%s/control\",\"state\":\"%s/state\",\"cells\":2,"
		    "\"secrets\":[{\"name\":\"tls\",\"path\":\"%s/key\"}],"
		    "\"budgets\":[1],\"budget_log\":%u,"
		    "\"servers\":[{\"kind\":\"stdio\"}],\"ledger\":["
		    "{\"segment\":%u},{\"segment\":%u}]%s}",
		    dir, dir, dir, last_budget, last_segment, last_segment,
		    extra) > 0,
	    "configuration written%s", extra);
	(void)close(fd);
}

static bool
house_start(void)
{
	struct pollfd p = { .events = POLLIN };
	char line[256] = "", *at;
	int out[2];

	if (pipe(out) < 0)
		return false;
	parent = fork();
	if (parent == 0) {
		(void)dup2(out[1], 1);
		(void)close(out[0]);
		(void)close(out[1]);
		exit(parent_main((struct jv){ NULL, 0 }, config, 0));
	}
	(void)close(out[1]);
	p.fd = out[0];
	if (poll(&p, 1, 10000) != 1 ||
	    read(out[0], line, sizeof(line) - 1) <= 0)
		return false;
	(void)close(out[0]);
	at = strstr(line, "127.0.0.1:");
	port = at == NULL ? 0 : (unsigned)strtoul(at + 10, NULL, 10);
	return port != 0;
}

static bool
answered(int fd, const struct sockaddr *a, socklen_t n, struct str word,
    struct buf *out)
{
	struct pollfd p = { .fd = fd, .events = POLLIN };
	char part[4096];
	ssize_t got = 0;

	if (connect(fd, a, n) < 0 ||
	    (word.n > 0 && write(fd, word.p, word.n) != (ssize_t)word.n))
		return false;
	while (
	    poll(&p, 1, 2000) == 1 && (got = read(fd, part, sizeof(part))) > 0)
		buf_put(out, part, (size_t)got);
	return got == 0 && out->n > 0;
}

/* One call through every link. */
static bool
call(void)
{
	struct sockaddr_in a = { .sin_family = AF_INET };
	struct buf out = { .max = 64 };
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	bool good;

	a.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	a.sin_port = htons((uint16_t)port);
	good = answered(fd, (const struct sockaddr *)&a, sizeof(a),
		   (struct str){ NULL, 0 }, &out) &&
	       str_eq(buf_view(&out), STR("ok"));
	buf_done(&out);
	fd_close(&fd);
	return good;
}

/* The kernel deals calls to the cells: so many reach both. */
static bool
calls(void)
{
	for (int i = 0; i < 12; i++)
		if (!call())
			return false;
	return true;
}

/* The answer to a word over the control socket; its tape, when JSON. */
static bool
ask(const char *word, struct buf *text, struct buf *tape)
{
	struct sockaddr_un a = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	bool good;

	(void)snprintf(a.sun_path, sizeof(a.sun_path), "%s/control", dir);
	buf_clear(text);
	good = answered(
	    fd, (const struct sockaddr *)&a, sizeof(a), str_of(word), text);
	fd_close(&fd);
	if (!good || tape == NULL)
		return good;
	buf_clear(tape);
	return json_parse(buf_view(text), &json_default, tape, NULL) == OK;
}

struct seen {
	char name[32];
	int64_t pid, restarts;
};
struct snap {
	struct seen at[32];
	size_t n;
	int64_t segment[2];
	bool ready;
};

static bool
snap_take(struct snap *out)
{
	struct buf text = { .max = 1 << 16 }, tape = { .max = 1 << 16 };
	struct jit it, seg;
	struct jv v;

	*out = (struct snap){ .ready = true };
	if (!ask("status", &text, &tape)) {
		buf_done(&text);
		buf_done(&tape);
		return false;
	}
	it = jit_of(jv_get(jv_of(buf_view(&tape)), STR("roles")));
	while (jit_next(&it, NULL, &v) && out->n < countof(out->at)) {
		struct seen *s = &out->at[out->n++];

		(void)snprintf(s->name, sizeof(s->name), "%.*s %.*s",
		    STR_ARG(jv_str(jv_get(v, STR("role")))),
		    STR_ARG(jv_str(jv_get(v, STR("instance")))));
		(void)!jv_i64(jv_get(v, STR("process")), &s->pid);
		(void)!jv_i64(jv_get(v, STR("restarts")), &s->restarts);
		out->ready = out->ready && jv_true(jv_get(v, STR("ready")));
	}
	seg = jit_of(jv_get(jv_of(buf_view(&tape)), STR("segments")));
	for (size_t i = 0; i < 2 && jit_next(&seg, NULL, &v); i++)
		(void)!jv_i64(v, &out->segment[i]);
	buf_done(&text);
	buf_done(&tape);
	return out->n > 0;
}

static const struct seen *
seen_of(const struct snap *s, const char *name)
{
	static const struct seen nobody;

	for (size_t i = 0; i < s->n; i++)
		if (strcmp(s->at[i].name, name) == 0)
			return &s->at[i];
	return &nobody;
}

/* Until everybody is ready and `name` is another process than before. */
static bool
back_again(const struct snap *before, const char *name, struct snap *now)
{
	for (int i = 0; i < PATIENCE; i++) {
		if (snap_take(now) && now->ready &&
		    seen_of(now, name)->pid != seen_of(before, name)->pid)
			return true;
		(void)usleep(25000);
	}
	return false;
}

/* ---- the tests ---- */

/* Who is a new process when one is killed. */
static const struct {
	const char *kill;
	const char *new; /* names, commas around each */
} deaths[] = {
	{ "front 0", ",front 0,judge 0,back 0," },
	{ "judge 1", ",front 1,judge 1,back 1," },
	{ "back 0", ",back 0," },
	{ "ledger 1", ",ledger 1," },
	{ "keys 0", ",keys 0," },
	{ "budget 0", ",budget 0," },
	{ "launch 0", ",launch 0," },
	{ "desk 0", ",desk 0," },
};

static void
test_death(const char *name, const char *new)
{
	struct snap before, now;
	bool exact = true;

	ok(snap_take(&before), "status before %s dies", name);
	ok(seen_of(&before, name)->pid > 0 &&
		kill((pid_t)seen_of(&before, name)->pid, SIGKILL) == 0,
	    "%s is killed", name);
	ok(back_again(&before, name, &now), "%s is back", name);
	for (size_t i = 0; i < before.n; i++) {
		const struct seen *b = &before.at[i];
		const bool other = seen_of(&now, b->name)->pid != b->pid;
		char word[40];

		(void)snprintf(word, sizeof(word), ",%s,", b->name);
		if (other != (strstr(new, word) != NULL)) {
			printf("# %s is %s process\n", b->name,
			    other ? "another" : "the same");
			exact = false;
		}
	}
	ok(exact, "%s: who had to was started anew, and nobody else", name);
	ok(seen_of(&now, name)->restarts ==
		seen_of(&before, name)->restarts + 1,
	    "%s: its restart is counted", name);
	if (strcmp(name, "ledger 1") == 0)
		ok(now.segment[1] == before.segment[1] + 1 &&
			now.segment[0] == before.segment[0],
		    "a new ledger begins a new segment");
	if (strcmp(name, "judge 1") == 0)
		ok(now.segment[1] == before.segment[1] + 1 &&
			now.segment[0] == before.segment[0],
		    "a new judge writes a new segment");
	ok(calls(), "%s: every link works again", name);
}

static bool
all_gone(const struct snap *s)
{
	for (int i = 0; i < PATIENCE; i++) {
		size_t left = 0;

		for (size_t k = 0; k < s->n; k++)
			left += kill((pid_t)s->at[k].pid, 0) == 0;
		if (left == 0)
			return true;
		(void)usleep(25000);
	}
	return false;
}

static bool
ended(int *status)
{
	for (int i = 0; i < PATIENCE * 2; i++) {
		if (waitpid(parent, status, WNOHANG) == parent)
			return true;
		(void)usleep(25000);
	}
	return false;
}

static void
test_reload(void)
{
	struct buf text = { .max = 1 << 16 };

	config_write(",\"rules\":[1],\"digest\":\"d2\"");
	ok(ask("reload", &text, NULL) &&
		str_eq(buf_view(&text), STR("reloaded")),
	    "other rules are taken");
	ok(ask("status", &text, NULL) &&
		str_search(buf_view(&text), STR("\"d2\"")) < text.n,
	    "and are in force");
	config_write(",\"rules\":[1],\"digest\":\"d3\",\"tls\":{}");
	ok(ask("reload", &text, NULL) &&
		str_search(buf_view(&text), STR("needs a restart")) < text.n,
	    "what needs a restart is not taken");
	config_write("} no JSON");
	ok(ask("reload", &text, NULL) &&
		!str_eq(buf_view(&text), STR("reloaded")),
	    "a bad file is not taken");
	ok(ask("status", &text, NULL) &&
		str_search(buf_view(&text), STR("\"d2\"")) < text.n,
	    "the old one stays in force");
	ok(calls(), "and serves");
	config_write("");
	buf_done(&text);
}

static void
test_budget_segments(void)
{
	struct stat st;
	char path[160];

	(void)snprintf(
	    path, sizeof(path), "%s/state/ledger/budget-000002.seg", dir);
	ok(stat(path, &st) == 0 && st.st_size > 0 &&
		(st.st_mode & 0777) == 0600,
	    "each life of role budget has a segment of its own");
}

static void
test_segments(void)
{
	struct stat st;
	struct snap s;
	char path[160];

	ok(snap_take(&s) && s.segment[0] >= 2 && s.segment[1] >= 2,
	    "a full segment is followed by the next");
	(void)snprintf(
	    path, sizeof(path), "%s/state/ledger/cell-0-000001.seg", dir);
	ok(stat(path, &st) == 0 && st.st_size > 0 &&
		(st.st_mode & 0777) == 0600,
	    "segments are the owner's alone");
}

/* A second house on the same state must not come up. */
static void
test_lock(void)
{
	const pid_t first = parent;
	int status = -1;

	ok(!house_start(), "a second house on the same state does not serve");
	ok(ended(&status) && WIFEXITED(status) && WEXITSTATUS(status) == 4,
	    "it ends with status 4");
	parent = first;
}

static void
test_ends(void)
{
	struct snap s;
	int status = -1;
	char path[96];
	struct stat st;

	ok(snap_take(&s), "status before the end");
	(void)kill(parent, SIGTERM);
	ok(ended(&status) && WIFEXITED(status) && WEXITSTATUS(status) == 0,
	    "TERM ends with status 0, though a judge would not");
	ok(all_gone(&s), "nobody is left");
	(void)snprintf(path, sizeof(path), "%s/control", dir);
	ok(stat(path, &st) < 0, "the control socket is gone");
	last_segment = 50;
	last_budget = 2;
	config_write("");
	ok(house_start() && calls(), "it starts again on the same state");
	ok(snap_take(&s) && kill(parent, SIGKILL) == 0 && ended(&status),
	    "the parent is killed");
	ok(all_gone(&s), "nobody outlives the parent");
	config_write("} no JSON");
	ok(!house_start(), "a bad configuration is no start");
	ok(ended(&status) && WIFEXITED(status) && WEXITSTATUS(status) == 1,
	    "it ends with status 1");
}

static bool
place_make(void)
{
	char path[96];
	int fd;

	(void)snprintf(dir, sizeof(dir), "/tmp/gatehouse-test-XXXXXX");
	if (mkdtemp(dir) == NULL)
		return false;
	(void)snprintf(config, sizeof(config), "%s/config", dir);
	(void)snprintf(path, sizeof(path), "%s/key", dir);
	fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
	if (fd < 0 || write(fd, "very secret", 11) != 11)
		return false;
	return close(fd) == 0;
}

int
main(int argc, char **argv)
{
	if (argc > 1 && strcmp(argv[1], "role") == 0)
		return role_main_with(dummies, argc, argv);
	(void)alarm(240); /* the whole test ends, whatever hangs */
	(void)setvbuf(stdout, NULL, _IOLBF, 0);
	ok(place_make(), "a place to be");
	config_write("");
	ok(house_start(), "the house starts and says so");
	ok(calls(), "calls go through every link");
	test_segments();
	for (size_t i = 0; i < countof(deaths); i++)
		test_death(deaths[i].kill, deaths[i].new);
	test_budget_segments();
	test_reload();
	test_lock();
	test_ends();
	tap_remove(dir);
	return tap_done();
}
