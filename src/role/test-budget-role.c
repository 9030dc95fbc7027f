/*
 * test-budget-role: role budget with judges and a parent played by hand, and
 * real files.  A life of it is a process; what the next one knows is what it
 * reads from the segments that are there.
 */
#include <fcntl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/tap.h"
#include "budget/budget.h"
#include "role/role.h"

static char dir[40];
static unsigned segments; /* that are there: 1 to this */

/* ---- one life ---- */

enum { STEPS_MAX = 24 };
struct step { /* what a judge says; or, kind PARENT: it gets a segment */
	enum msg_kind kind;
	unsigned cell;
	const char *rec;
	uint64_t seq, flags;
};
/* What came back of each step. */
struct got {
	uint64_t answers, status, seq, used, left, ahead, ms;
};
struct life {
	struct got at[STEPS_MAX];
	uint64_t synced, broken, overruns;
	bool prepared;
};

static struct role_env env;
static struct chan *judge[2];
static struct got now;
static uint64_t parent_synced, parent_unwritten;

static uint64_t
num(struct jv v, const char *key)
{
	int64_t n = 0;

	return jv_i64(jv_get(v, str_of(key)), &n) == OK ? (uint64_t)n : 0;
}

static void
judge_got(struct chan *c, const struct msg *m)
{
	struct jit it = jit_of(msg_tree(m, F_REC));
	struct jv v = { NULL, 0 };

	(void)c;
	(void)jit_next(&it, NULL, &v);
	now.answers++;
	now.status = msg_num(m, F_STATUS);
	now.seq = msg_num(m, F_SEQ);
	now.used = num(v, "used");
	now.left = num(v, "left");
	now.ahead = num(v, "ahead");
	now.ms = num(v, "ms");
}

static void
parent_got(struct chan *c, const struct msg *m)
{
	(void)c;
	if (m->kind == MSG_SYNCED)
		parent_synced = msg_num(m, F_SEQ);
	if (m->kind == MSG_FULL && msg_num(m, F_STATUS) != 0)
		parent_unwritten++;
}

static void
nobody_lost(struct chan *c)
{
	(void)c;
}

static struct chan_fds
judge_new(unsigned cell)
{
	static const struct chan_ops ops = { judge_got, nobody_lost };
	struct chan_fds ours, its;

	chan_free(judge[cell]);
	if (chan_pair(false, &ours, &its) != OK)
		exit(9);
	judge[cell] =
	    chan_new(env.loop, &its, ROLE_JUDGE, ROLE_BUDGET, cell, &ops, NULL);
	return ours;
}

static void
parent_new(void)
{
	static const struct chan_ops ops = { parent_got, nobody_lost };
	struct chan_fds ours, its;

	if (chan_pair(false, &ours, &its) != OK)
		exit(9);
	env.parent =
	    chan_new(env.loop, &ours, ROLE_BUDGET, ROLE_PARENT, 0, &ops, NULL);
	(void)chan_new(env.loop, &its, ROLE_PARENT, ROLE_BUDGET, 0, &ops, NULL);
}

static int
segment_open(unsigned n, int flags)
{
	char path[80];

	(void)snprintf(path, sizeof(path), "%s/budget-%06u.seg", dir, n);
	return open(path, flags | O_CLOEXEC, 0600);
}

static void
given(unsigned n, bool old)
{
	const size_t at = env.given_n++;

	env.given[at].kind = MSG_SEGMENT;
	env.given[at].seq = n;
	env.given[at].flags = old ? MF_RESUME : 0;
	env.given[at].fd[0] =
	    segment_open(n, old ? O_RDONLY : O_WRONLY | O_APPEND | O_CREAT);
	(void)snprintf(
	    env.given[at].name, sizeof(env.given[at].name), "budget-%06u", n);
}

static const char image_text[] =
    "{\"digest\":\"d\",\"budgets\":["
    "{\"name\":\"few\",\"of\":\"calls\",\"limit\":20,\"lease\":8,%s},"
    "{\"name\":\"to\",\"of\":\"destinations\",\"limit\":2,\"lease\":1,%s}]}";
#define REST                                                                   \
	"\"window_ms\":0,\"currency\":\"\",\"per\":\"principal\","             \
	"\"principal\":\"*\",\"server\":\"*\",\"tool\":\"*\",\"risk\":[]"

static struct jv
tape(const char *json, struct buf *b)
{
	buf_clear(b);
	b->max = 1 << 16;
	if (json_parse(str_of(json), &json_default, b, NULL) != OK)
		exit(8);
	return jv_of(buf_view(b));
}

static bool
boot(unsigned first)
{
	static struct buf image;
	char text[1024];
	struct note why = { "" };

	(void)snprintf(text, sizeof(text), image_text, REST, REST);
	env.id = ROLE_BUDGET;
	env.cells = 2;
	env.image = tape(text, &image);
	env.loop = loop_new();
	parent_new();
	for (unsigned n = first; n <= segments; n++)
		given(n, true);
	given(segments + 1, false);
	for (unsigned i = 0; i < 2; i++) {
		env.link[i].peer = ROLE_JUDGE;
		env.link[i].instance = i;
		env.link[i].fds = judge_new(i);
	}
	env.link_n = 2;
	return role_budget.prepare(&env, &why) == OK;
}

static void
rounds(int n)
{
	while (n-- > 0)
		loop_once(env.loop, 1000000);
}

static void
step(const struct step *s)
{
	static struct buf b;
	struct msg m = msg_of(s->kind);

	if (s->kind == MSG_SEGMENT) {
		msg_set(&m, F_SEQ, ++segments + 1);
		msg_set_text(&m, F_NAME, STR("budget-000099"));
		m.fd[0] =
		    segment_open(segments + 1, O_WRONLY | O_APPEND | O_CREAT);
		role_budget.from_parent(&env, &m);
	} else if (s->kind == MSG_LINK) { /* the judge died; its successor */
		struct chan_fds f = judge_new(s->cell);

		role_budget.link(&env, ROLE_JUDGE, s->cell, &f);
	} else if (s->kind == MSG_RESERVE) {
		msg_set(&m, F_CALL, 7);
		msg_set_tree(&m, F_REC, tape(s->rec, &b));
		BUG_ON(chan_send(judge[s->cell], &m) != OK);
	} else {
		msg_set(&m, F_SEQ, s->seq);
		msg_set(&m, F_FLAGS, s->flags);
		BUG_ON(chan_send(judge[s->cell], &m) != OK);
	}
	rounds(8);
}

/* In a child: boots on the segments from `first` on, does the steps, dies. */
static struct life
life(unsigned first, const struct step *s, size_t n)
{
	struct life l = { .prepared = false };
	int p[2], status = 0;
	pid_t pid;

	if (pipe(p) < 0 || (pid = fork()) < 0)
		exit(9);
	if (pid == 0) {
		l.prepared = boot(first);
		if (l.prepared)
			rounds(8);
		for (size_t i = 0; i < n && l.prepared; i++) {
			now = (struct got){ .answers = 0 };
			step(&s[i]);
			l.at[i] = now;
		}
		l.synced = parent_synced;
		l.broken = parent_unwritten;
		l.overruns = counters[CNT_BUDGET_OVERRUN];
		if (write(p[1], &l, sizeof(l)) != sizeof(l))
			_exit(9);
		_exit(0); /* as SIGKILL would */
	}
	(void)close(p[1]);
	if (read(p[0], &l, sizeof(l)) != sizeof(l))
		l.prepared = false;
	(void)close(p[0]);
	(void)waitpid(pid, &status, 0);
	ok(status == 0, "a life of the role");
	while (access(dir, F_OK) == 0) {
		char path[80];

		(void)snprintf(path, sizeof(path), "%s/budget-%06u.seg", dir,
		    segments + 1);
		if (access(path, F_OK) != 0)
			break;
		segments++;
	}
	return l;
}
#define LIFE(first, steps) life(first, steps, countof(steps))

static void
begin(void)
{
	(void)snprintf(dir, sizeof(dir), "/tmp/gatehouse-budget-XXXXXX");
	if (mkdtemp(dir) == NULL)
		exit(9);
	segments = 0;
}

#define FEW(n)                                                                 \
	"[{\"amount\":" n ",\"budget\":\"few\",\"items\":[],\"key\":\"al\","   \
	"\"lease\":false}]"
#define LEASE                                                                  \
	"[{\"amount\":1,\"budget\":\"few\",\"items\":[],\"key\":\"al\","       \
	"\"lease\":true}]"
#define HOST(c)                                                                \
	"[{\"amount\":0,\"budget\":\"to\",\"items\":["                         \
	"\"0000000000000000000000000000000" c                                  \
	"\"],\"key\":\"al\",\"lease\":false}]"
#define ASK(cell, rec)                                                         \
	{                                                                      \
		MSG_RESERVE, cell, rec, 0, 0                                   \
	}

static void
test_counts(void)
{
	static const struct step first[] = { ASK(0, FEW("3")), ASK(1, FEW("4")),
		ASK(0, FEW("14")), ASK(1, HOST("1")), ASK(0, HOST("2")),
		ASK(0, HOST("1")), ASK(0, HOST("3")) };
	static const struct step second[] = { ASK(1, FEW("13")),
		ASK(0, FEW("1")), ASK(0, FEW("0")), ASK(0, HOST("2")),
		ASK(0, HOST("3")) };
	struct life l;

	begin();
	l = LIFE(1, first);
	ok(l.prepared && l.synced == 1, "its state is on the disk");
	ok(l.at[0].answers == 1 && l.at[0].status == 0 && l.at[0].used == 3 &&
		l.at[1].used == 7 && l.at[1].left == 13,
	    "two cells, one total");
	ok(l.at[2].status == ERR_DENIED && l.at[2].used == 7 &&
		l.at[2].left == 13 && l.at[2].seq == 0,
	    "what does not fit is refused, and told what does");
	ok(l.at[4].used == 2 && l.at[5].used == 2 && l.at[5].status == 0 &&
		l.at[6].status == ERR_DENIED,
	    "hosts are counted once each");
	ok(l.at[0].seq > 0 && l.at[1].seq == l.at[0].seq + 1,
	    "a reservation is the number of its record");
	l = LIFE(1, second);
	ok(l.synced == 2 && l.at[0].status == 0 && l.at[0].used == 20,
	    "its successor knows them");
	ok(l.at[1].status == ERR_DENIED && l.at[2].status == 0,
	    "to the last one");
	ok(l.at[3].status == 0 && l.at[4].status == ERR_DENIED,
	    "and the hosts");
	l = LIFE(2, second);
	ok(l.at[0].status == ERR_DENIED && l.at[0].used == 20,
	    "also from its newest segment alone");
	tap_remove(dir);
}

static void
test_lease(void)
{
	static const struct step s[] = { ASK(0, LEASE), ASK(1, LEASE),
		ASK(0, FEW("15")), ASK(0, FEW("14")), ASK(0, LEASE),
		ASK(0, LEASE) };
	static const struct step again[] = { ASK(0, FEW("2")),
		ASK(0, FEW("1")) };
	struct life l;

	begin();
	l = LIFE(1, s);
	ok(l.at[0].ahead == 1 && l.at[0].used == 2 && l.at[0].ms == 0,
	    "a part of what is left is taken ahead");
	ok(l.at[1].ahead == 1 && l.at[1].used == 4, "by each cell");
	ok(l.at[2].status == 0 && l.at[2].used == 19,
	    "what was taken ahead is used");
	ok(l.at[3].status == ERR_DENIED && l.at[4].status == 0 &&
		l.at[4].ahead == 0 && l.at[4].used == 20 &&
		l.at[5].status == ERR_DENIED,
	    "near the end nothing is taken ahead");
	l = LIFE(1, again);
	ok(l.at[0].status == ERR_DENIED && l.at[1].status == ERR_DENIED,
	    "who dies with what it took ahead gives nothing back");
	tap_remove(dir);
}

/* Numbers: a segment begins with start and totals, so the first charge of a
 * first life is record 3. */
static void
test_settle(void)
{
	static const struct step s[] = { ASK(0, FEW("5")),
		{ MSG_SETTLE, 1, NULL, 3, MF_UNDO }, ASK(0, FEW("0")),
		{ MSG_SETTLE, 0, NULL, 3, MF_UNDO }, ASK(0, FEW("0")),
		{ MSG_SETTLE, 0, NULL, 3, MF_UNDO }, ASK(0, FEW("0")),
		ASK(0, FEW("7")), { MSG_SETTLE, 0, NULL, 8, 0 },
		{ MSG_SETTLE, 0, NULL, 8, MF_UNDO }, ASK(0, FEW("0")),
		{ MSG_SETTLE, 0, NULL, 999, MF_UNDO }, ASK(1, FEW("6")),
		{ MSG_LINK, 1, NULL, 0, 0 },
		{ MSG_SETTLE, 1, NULL, 10, MF_UNDO }, ASK(1, FEW("0")) };
	static const struct step again[] = {
		{ MSG_SETTLE, 0, NULL, 10, MF_UNDO }, ASK(0, FEW("0"))
	};
	struct life l;

	begin();
	l = LIFE(1, s);
	ok(l.at[0].seq == 3 && l.at[2].used == 5,
	    "another cell cannot take it back");
	ok(l.at[4].used == 0, "its own can");
	ok(l.at[6].used == 0, "once");
	ok(l.at[7].seq == 8 && l.at[10].used == 7,
	    "what has left is not taken back");
	ok(l.at[12].seq == 10 && l.at[12].used == 13 && l.at[15].used == 13,
	    "what a judge that died had reserved stays charged");
	l = LIFE(1, again);
	ok(l.at[1].used == 13, "and what we had, when we died");
	tap_remove(dir);
}

static void
test_hostile(void)
{
	static const char *const odd[] = { "{}", "[]", "[1]", "[{}]", "null",
		"[{\"amount\":-1,\"budget\":\"few\",\"items\":[],\"key\":"
		"\"al\"}]",
		"[{\"amount\":1.5,\"budget\":\"few\",\"items\":[],\"key\":"
		"\"al\"}]",
		"[{\"amount\":1,\"budget\":\"few\",\"items\":[],\"key\":\"\"}]",
		"[{\"amount\":1,\"budget\":\"no\",\"items\":[],\"key\":\"al\"}"
		"]",
		"[{\"amount\":1,\"budget\":\"to\",\"items\":[\"x\"],\"key\":"
		"\"al\"}]",
		"[{\"amount\":1,\"budget\":\"few\",\"items\":[],\"key\":\"al\"}"
		","
		"{\"amount\":20,\"budget\":\"few\",\"items\":[],\"key\":\"al\"}"
		"]",
		FEW("21"), FEW("9007199254740993"),
		FEW("9223372036854775807") };
	struct step s[countof(odd) + 2];
	struct life l;

	begin();
	for (size_t i = 0; i < countof(odd); i++)
		s[i] = (struct step)ASK(0, odd[i]);
	s[countof(odd)] = (struct step)ASK(0, FEW("20"));
	s[countof(odd) + 1] = (struct step)ASK(0, FEW("1"));
	l = LIFE(1, s);
	for (size_t i = 0; i < countof(odd); i++)
		ok(l.at[i].answers == 1 && l.at[i].status != 0 &&
			l.at[i].seq == 0,
		    "refused: %.60s", odd[i]);
	ok(l.at[countof(odd)].status == 0 && l.at[countof(odd)].used == 20 &&
		l.at[countof(odd) + 1].status == ERR_DENIED,
	    "and nothing was charged by it");
	tap_remove(dir);
}

static void
damage(unsigned n, off_t at, bool cut)
{
	char byte = 0;
	const int fd = segment_open(n, O_RDWR);

	if (fd < 0 || (cut && ftruncate(fd, at) < 0) ||
	    (!cut && (pread(fd, &byte, 1, at) != 1 ||
			 (byte ^= 1, pwrite(fd, &byte, 1, at) != 1))))
		exit(9);
	(void)close(fd);
}

static off_t
size_of(unsigned n)
{
	const int fd = segment_open(n, O_RDONLY);
	struct stat st;

	if (fd < 0 || fstat(fd, &st) < 0)
		exit(9);
	(void)close(fd);
	return st.st_size;
}

/* Ends that a crash leaves; a state that was begun and not ended. */
static void
test_torn(void)
{
	static const struct step s[] = { ASK(0, FEW("5")), ASK(0, FEW("6")) };
	static const struct step none[] = { ASK(0, FEW("0")) };
	struct life l;

	begin();
	l = LIFE(1, s);
	damage(1, size_of(1) - 3, true);
	l = LIFE(1, none);
	ok(l.at[0].status == 0 && l.at[0].used == 5,
	    "of a torn end what is whole counts");
	damage(2, 150, true);
	l = LIFE(1, none);
	ok(l.at[0].used == 5, "a header that is not whole is passed over");
	damage(3, size_of(3) - 60, true);
	l = LIFE(1, none);
	ok(l.at[0].used == 5, "and a state that is not");
	damage(4, 0, true);
	l = LIFE(1, none);
	ok(l.at[0].used == 5 && l.synced == 5, "and an empty one");
	l = LIFE(4, none);
	ok(l.at[0].used == 5, "the newest whole state is enough");
	tap_remove(dir);
}

static void
test_damaged(void)
{
	static const struct step s[] = { ASK(0, FEW("5")), ASK(0, FEW("6")) };
	struct life l;

	begin();
	l = LIFE(1, s);
	damage(1, size_of(1) - 60, false);
	l = LIFE(1, s);
	ok(l.prepared && l.at[0].answers == 1 && l.at[0].status == ERR_OS &&
		l.synced == 0 && l.broken == 0,
	    "a changed log grants nothing");
	tap_remove(dir);
	begin();
	l = LIFE(1, s);
	damage(1, 150, true);
	segments = 1;
	l = LIFE(1, s);
	ok(l.at[0].status == 0 && l.at[0].used == 5,
	    "a first life that did not get far had granted nothing");
	damage(2, 150, true);
	l = LIFE(2, s);
	ok(l.at[0].status == ERR_OS,
	    "no state in the newest segments: nothing is granted");
	tap_remove(dir);
}

/* A new segment in the middle, and a disk that is full. */
static void
test_segments(void)
{
	static const struct step s[] = { ASK(0, FEW("5")),
		{ MSG_SEGMENT, 0, NULL, 0, 0 }, ASK(0, FEW("6")) };
	static const struct step none[] = { ASK(0, FEW("0")) };
	struct rlimit r, old;
	struct life l;

	begin();
	l = LIFE(1, s);
	ok(l.synced == 2 && l.at[2].used == 11, "a next segment");
	l = LIFE(2, none);
	ok(l.at[0].used == 11, "begins with what was before");
	(void)getrlimit(RLIMIT_FSIZE, &old);
	r = (struct rlimit){ 700, old.rlim_max };
	(void)setrlimit(RLIMIT_FSIZE, &r);
	l = LIFE(2, s);
	(void)setrlimit(RLIMIT_FSIZE, &old);
	ok(l.broken == 1 && l.at[0].status == ERR_OS &&
		l.at[2].status == ERR_OS,
	    "a full disk: nothing is granted, and the parent hears");
	l = LIFE(2, none);
	ok(l.at[0].status == 0 && l.at[0].used == 11,
	    "the next life knows what was");
	tap_remove(dir);
}

int
main(void)
{
	test_counts();
	test_lease();
	test_settle();
	test_hostile();
	test_torn();
	test_damaged();
	test_segments();
	return tap_done();
}
