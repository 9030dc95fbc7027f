/* The loop, timers, files and the log, with real descriptors. */
#include "sys/sys.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/tap.h"

static struct loop *lp;

struct end {
	struct watch w; /* first: ready() gets this */
	struct end *other;
	int calls;
	unsigned what;
};

static void
end_ready(struct watch *w, unsigned what)
{
	struct end *e = (struct end *)(void *)w;

	e->calls++;
	e->what |= what;
	if (e->other != NULL)
		loop_unwatch(lp, &e->other->w);
}

static void
test_watch(void)
{
	int p[2], q[2];
	struct end a = { .w.ready = end_ready }, b = { .w.ready = end_ready };

	ok(pipe2(p, O_CLOEXEC | O_NONBLOCK) == 0, "a pipe");
	ok(pipe2(q, O_CLOEXEC | O_NONBLOCK) == 0, "another");
	a.w.fd = p[0];
	b.w.fd = q[0];
	ok(loop_watch(lp, &a.w) == OK, "watch");
	loop_once(lp, 0);
	ok(a.calls == 0, "an empty pipe is quiet");
	ok(write(p[1], "x", 1) == 1, "write");
	loop_once(lp, 0);
	ok(a.calls == 1 && (a.what & SYS_IN) != 0, "readable is told");
	loop_once(lp, 0);
	ok(a.calls == 1, "once an edge");
	ok(loop_watch(lp, &b.w) == OK, "watch the other");
	a.other = &b;
	b.other = &a;
	a.calls = 0;
	ok(write(p[1], "x", 1) == 1 && write(q[1], "x", 1) == 1, "both");
	loop_once(lp, 0);
	ok(a.calls + b.calls == 1, "unwatched within the batch: not called");
	a.other = b.other = NULL;
	loop_unwatch(lp, &a.w);
	loop_unwatch(lp, &b.w);
	a.calls = 0;
	a.what = 0;
	ok(loop_watch(lp, &a.w) == OK, "watch again");
	(void)close(p[1]);
	loop_once(lp, 0);
	ok((a.what & SYS_HUP) != 0, "the end of the peer is told");
	loop_unwatch(lp, &a.w);
	a.w.fd = -1;
	ok(loop_watch(lp, &a.w) == ERR_OS, "a bad descriptor is refused");
	(void)close(p[0]);
	(void)close(q[0]);
	(void)close(q[1]);
}

enum { TIMERS = 200 };
static struct rung {
	struct timer t;
	int order;
} rung[TIMERS];
static int fired;
static bool sorted = true;
static uint64_t last_at;
static struct timer *victim;

static void
fire(struct timer *t)
{
	struct rung *r = (struct rung *)(void *)t;

	r->order = ++fired;
	if (r->order == 1 && victim != NULL)
		loop_timer_off(lp, victim);
}

static void
again(struct timer *t)
{
	fired++;
	loop_timer(lp, t, 0);
}

static void
test_timers(void)
{
	uint64_t seed = 42;
	struct rung self = { .t.fire = again };

	for (int i = 0; i < TIMERS; i++) {
		rung[i].t.fire = fire;
		seed = seed * 6364136223846793005U + 1442695040888963407U;
		loop_timer(lp, &rung[i].t, (seed >> 40) % 1000);
	}
	for (int i = 0; i < TIMERS; i += 3)
		loop_timer_off(lp, &rung[i].t);
	for (int i = 0; i < TIMERS; i += 6)
		loop_timer(lp, &rung[i].t, 500 + (uint64_t)i);
	loop_timer_off(lp, &rung[3].t);
	victim = &rung[6].t;
	loop_timer(lp, victim, 2000000);
	while (
	    fired < TIMERS - 34) /* 67 off, 34 on again, one off by another */
		loop_once(lp, 3000000);
	ok(fired == TIMERS - 34, "each armed timer fired once: %d", fired);
	ok(rung[3].order == 0, "an idle timer did not fire");
	ok(rung[6].order == 0, "a timer taken away by another did not fire");
	fired = 0;
	loop_timer(lp, &self.t, 0);
	loop_once(lp, 0);
	ok(fired == 1, "a timer that re-arms with 0 waits for the next round");
	loop_timer_off(lp, &self.t);
	loop_timer_off(lp, &self.t);
	loop_once(lp, 0);
	ok(fired == 1, "off twice is fine");
	loop_timer(lp, &self.t, UINT64_MAX);
	ok(self.t.at == UINT64_MAX, "for ever does not wrap");
	loop_timer_off(lp, &self.t);
}

static void
order_fire(struct timer *t)
{
	const struct rung *r = (const struct rung *)(const void *)t;

	sorted = sorted && r->t.slot == 0 && last_at <= (uint64_t)r->order;
	last_at = (uint64_t)r->order;
	fired++;
}

static void
test_timer_order(void)
{
	uint64_t seed = 7;

	fired = 0;
	for (int i = 0; i < TIMERS; i++) {
		seed = seed * 6364136223846793005U + 1442695040888963407U;
		rung[i].order = (int)((seed >> 40) % 5000);
		rung[i].t.fire = order_fire;
		loop_timer(lp, &rung[i].t, (uint64_t)rung[i].order);
	}
	while (fired < TIMERS)
		loop_once(lp, 1000000);
	ok(sorted, "timers fire in order of time");
}

static int flushes, asks;
static bool work;
static void
flush(void *arg)
{
	flushes += *(int *)arg;
}
static bool
busy(void *arg)
{
	asks += *(int *)arg;
	return work;
}
static void
stop(struct timer *t)
{
	(void)t;
	loop_stop(lp);
}

static void
test_hooks(void)
{
	int one = 1;
	struct timer t = { .fire = stop };

	loop_hooks(lp, flush, busy, &one);
	work = true;
	loop_once(lp, UINT64_MAX);
	ok(flushes > 0 && asks == 1, "busy: no sleep, though told for ever");
	work = false;
	loop_timer(lp, &t, 1000);
	loop_run(lp);
	ok(asks >= 2, "loop_stop ends loop_run");
	loop_hooks(lp, NULL, NULL, NULL);
}

static void
test_files(const char *dir)
{
	struct buf b = { .max = 4096 };
	struct note why;
	char path[256], text[25];
	struct str view;
	struct stat st;
	int fd;

	(void)snprintf(path, sizeof(path), "%s/f", dir);
	ok(file_read(path, 10, &b, &why) == ERR_OS, "no such file");
	ok(file_replace(path, STR("hello"), 0600, &why) == OK, "written");
	ok(file_read(path, 5, &b, &why) == OK &&
		str_eq(buf_view(&b), STR("hello")),
	    "read back");
	buf_clear(&b);
	ok(file_read(path, 4, &b, &why) == ERR_LIMIT && b.n == 0,
	    "over the maximum: nothing");
	ok(chmod(path, 0640) == 0, "chmod");
	ok(file_replace(path, STR("later"), 0600, &why) == OK, "replaced");
	ok(stat(path, &st) == 0 && (st.st_mode & 07777) == 0640, "mode kept");
	ok(file_read(dir, 10, &b, &why) == ERR_DENIED,
	    "a directory is refused");
	(void)unlink(path);
	ok(mkfifo(path, 0600) == 0, "a FIFO");
	ok(file_read(path, 10, &b, &why) == ERR_DENIED, "is refused, no hang");
	(void)unlink(path);

	ok(memfd_of("t", STR("sealed"), &fd) == OK, "memfd");
	ok(fd_map_ro(fd, &view) == OK && str_eq(view, STR("sealed")), "mapped");
	ok(write(fd, "x", 1) < 0 && errno == EPERM, "nobody can write it");
	ok(ftruncate(fd, 0) < 0 && errno == EPERM, "nor cut it");
	fd_close(&fd);
	ok(fd == -1, "fd_close leaves -1");
	ok(str_eq(time_text(1795457640123456789U, text),
	       STR("2026-11-23T18:14:00.123Z")),
	    "time: %s", text);
	ok(str_eq(time_text(951782400000000000U, text),
	       STR("2000-02-29T00:00:00.000Z")),
	    "leap day: %s", text);
	buf_done(&b);
}

static void
test_log(const char *dir)
{
	struct buf b = { .max = 65536 };
	char path[256];
	int fd, keep = dup(2);

	(void)snprintf(path, sizeof(path), "%s/log", dir);
	fd = open(path, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	ok(fd >= 0 && dup2(fd, 2) == 2, "stderr to a file");
	log_setup("test", 3, LOG_INFO);
	log_line(LOG_DEBUG, "quiet", "not said");
	log_line(LOG_WARN, "odd", "a\"b\\c\nd\033[2J\x7f%s",
	    "\xe2\x80\xae\xff\xf0\x9f\x98\x80");
	(void)dup2(keep, 2);
	(void)close(keep);
	(void)close(fd);
	ok(file_read(path, 65536, &b, NULL) == OK, "read it");
	ok(str_ends(buf_view(&b),
	       STR("\"level\":\"warn\",\"role\":\"test\","
		   "\"instance\":3,\"event\":\"odd\",\"msg\":"
		   "\"a\\\"b\\\\c\\u000ad"
		   "\\u001b[2J\\u007f\\u202e\\ufffd\\ud83d\\ude00\"}\n")),
	    "one line, everything foreign escaped: %.*s",
	    STR_ARG(buf_view(&b)));
	ok(str_find(buf_view(&b), '\n') == b.n - 1, "and only one");
	(void)unlink(path);
	buf_done(&b);
}

/* A pipe that is full: lines are lost and counted, and told of afterwards. */
static void
test_log_full(void)
{
	const uint64_t before = counters[CNT_LINES_LOST];
	const int keep = dup(2);
	char text[8192], long_one[1000];
	int p[2];
	ssize_t n;

	memset(long_one, 1, sizeof(long_one) - 1);
	long_one[sizeof(long_one) - 1] = '\0';
	ok(pipe2(p, O_CLOEXEC) == 0 && dup2(p[1], 2) == 2, "stderr to a pipe");
	log_never_waits();
	ok((fcntl(2, F_GETFL) & O_NONBLOCK) != 0 &&
		(fcntl(p[1], F_GETFL) & O_NONBLOCK) == 0,
	    "which waits for nobody, while who made it may");
	log_line(LOG_WARN, "long", "%s", long_one);
	n = read(p[0], text, sizeof(text));
	ok(n > 3000 && n <= PIPE_BUF && memcmp(text + n - 3, "\"}\n", 3) == 0,
	    "a long line is cut, and ends: %zd", n);
	for (int i = 0; i < 100000 && counters[CNT_LINES_LOST] == before; i++)
		log_line(LOG_WARN, "much", "%s", long_one);
	log_line(LOG_WARN, "more", "x");
	ok(counters[CNT_LINES_LOST] == before + 2, "full: two are lost");
	while (fd_nonblock(p[0]) == OK && read(p[0], text, sizeof(text)) > 0)
		continue;
	log_line(LOG_WARN, "room", "again");
	log_line(LOG_WARN, "room", "still");
	(void)dup2(keep, 2);
	(void)close(keep);
	n = read(p[0], text, sizeof(text) - 1);
	text[n > 0 ? n : 0] = '\0';
	ok(strstr(text, "\"again\"") != NULL &&
		strstr(text, "\"log-lost\",\"msg\":\"2 lines") != NULL &&
		strstr(text, "\"still\"") != NULL &&
		strstr(strstr(text, "log-lost") + 1, "log-lost") == NULL,
	    "with room again that is told, once");
	(void)close(p[0]);
	(void)close(p[1]);
}

int
main(void)
{
	char dir[] = "/tmp/test-sys-XXXXXX";
	uint64_t page[CNT__N] = { 0 };
	unsigned char r[2][16];

	lp = loop_new();
	ok(lp != NULL && mkdtemp(dir) != NULL, "set up");
	test_watch();
	test_timers();
	test_timer_order();
	test_hooks();
	test_files(dir);
	test_log(dir);
	test_log_full();
	random_bytes(r[0], 16);
	random_bytes(r[1], 16);
	ok(memcmp(r[0], r[1], 16) != 0, "random bytes differ");
	counters_at(page);
	count(CNT_CALLS);
	ok(page[CNT_CALLS] == 1, "counted in the shared page");
	ok(strcmp(counter_name(CNT_CALLS), "gatehouse_calls_total") == 0,
	    "named");
	loop_free(lp);
	loop_free(NULL);
	(void)rmdir(dir);
	return tap_done();
}
