/* test-ledger-role: the role in this process, with a judge and a parent played
 * by hand, and files that can be synced or not. */
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/tap.h"
#include "role/role.h"

static struct role_env env;

static struct {
	struct chan *chan;
	uint64_t words, durable, status;
} judge;
static struct {
	struct chan *chan;
	uint64_t synced, broken;
} parent;

static void
judge_got(struct chan *c, const struct msg *m)
{
	(void)c;
	judge.words++;
	judge.status = msg_num(m, F_STATUS);
	if ((msg_num(m, F_FLAGS) & MF_STRICT) != 0)
		judge.durable = msg_num(m, F_SEQ);
}

static void
parent_got(struct chan *c, const struct msg *m)
{
	(void)c;
	if (m->kind == MSG_SYNCED)
		parent.synced = msg_num(m, F_SEQ);
	if (m->kind == MSG_FULL && msg_num(m, F_STATUS) != 0)
		parent.broken = msg_num(m, F_SEQ);
}

static void
nobody_lost(struct chan *c)
{
	(void)c;
}

static struct chan_fds
judge_new(void)
{
	static const struct chan_ops judge_ops = { judge_got, nobody_lost };
	struct chan_fds ours, its;

	chan_free(judge.chan);
	memset(&judge, 0, sizeof(judge));
	if (chan_pair(true, &ours, &its) != OK)
		exit(1);
	judge.chan = chan_new(
	    env.loop, &its, ROLE_JUDGE, ROLE_LEDGER, 0, &judge_ops, NULL);
	return ours;
}

static void
parent_new(void)
{
	static const struct chan_ops parent_ops = { parent_got, nobody_lost };
	struct chan_fds ours, its;

	if (chan_pair(false, &ours, &its) != OK)
		exit(1);
	env.parent = chan_new(
	    env.loop, &ours, ROLE_LEDGER, ROLE_PARENT, 0, &parent_ops, NULL);
	parent.chan = chan_new(
	    env.loop, &its, ROLE_PARENT, ROLE_LEDGER, 0, &parent_ops, NULL);
}

static bool
ask(uint64_t seq, uint64_t segment, uint64_t flags)
{
	struct msg m = msg_of(MSG_SYNC);

	msg_set(&m, F_SEQ, seq);
	msg_set(&m, F_REF, segment);
	msg_set(&m, F_FLAGS, flags);
	return chan_send(judge.chan, &m) == OK;
}

/* Rounds until *what is at least `want`; gives up after many. */
static bool
wait_for(const uint64_t *what, uint64_t want)
{
	for (int i = 0; i < 2000 && *what < want; i++)
		loop_once(env.loop, 5000000);
	return *what >= want;
}

static void
rounds(int n)
{
	while (n-- > 0)
		loop_once(env.loop, 1000000);
}

static int
a_file(void)
{
	char path[] = "/tmp/gatehouse-ledger-XXXXXX";
	const int fd = mkostemp(path, O_APPEND | O_CLOEXEC);

	if (fd < 0)
		exit(1);
	(void)unlink(path);
	return fd;
}

static void
segment_give(uint64_t number, int fd)
{
	struct msg m = msg_of(MSG_SEGMENT);

	msg_set(&m, F_SEQ, number);
	msg_set_text(&m, F_NAME, STR("cell-0-000001"));
	m.fd[0] = fd;
	role_ledger.from_parent(&env, &m);
}

static void
test_boot(void)
{
	struct note why = { "" };

	env.id = ROLE_LEDGER;
	env.cells = 1;
	env.loop = loop_new();
	loop_hooks(env.loop, chan_flush_all, chan_busy_any, NULL);
	parent_new();
	for (unsigned i = 0; i < 2; i++) {
		env.given[i].kind = MSG_SEGMENT;
		env.given[i].seq = 3 + i;
		env.given[i].fd[0] = a_file();
	}
	env.given_n = 2;
	env.link[0].peer = ROLE_JUDGE;
	env.link[0].instance = 0;
	env.link[0].fds = judge_new();
	env.link_n = 1;
	ok(role_ledger.prepare(&env, &why) == OK, "the role prepares %s",
	    why.text);
	ok(wait_for(&judge.words, 1) && judge.status == 0 && judge.durable == 0,
	    "its first word says that it is there, and nothing more");
}

static void
test_sync(void)
{
	const uint64_t syncs = counters[CNT_SYNCS];

	ok(ask(5, 4, MF_STRICT) && wait_for(&judge.durable, 5),
	    "what calls wait for is synced");
	ok(wait_for(&parent.synced, 4), "the parent hears what is behind us");
	judge.words = 0;
	for (uint64_t i = 6; i <= 40; i++)
		ok(ask(i, 4, MF_STRICT), "asked for %u", (unsigned)i);
	ok(wait_for(&judge.durable, 40) && judge.words <= 4,
	    "one sync serves all that was written meanwhile (%u)",
	    (unsigned)judge.words);
	ok(counters[CNT_SYNCS] - syncs <= 5, "and no more are made");
	ok(ask(41, 4, 0) && wait_for(&judge.durable, 41),
	    "what nobody waits for is synced by and by");
}

static void
test_segments(void)
{
	ok(ask(50, 5, MF_STRICT), "asked for what lies in the next segment");
	rounds(20);
	ok(judge.durable == 41, "which has not come: that is not synced");
	segment_give(5, a_file());
	ok(wait_for(&judge.durable, 50), "it is as soon as it has");
	ok(wait_for(&parent.synced, 5), "and the one before is told of");
	segment_give(4, a_file());
	ok(ask(51, 5, MF_STRICT) && wait_for(&judge.durable, 51),
	    "an old one that comes late changes nothing");
	for (uint64_t i = 6; i < 50; i++)
		segment_give(i, a_file());
	ok(ask(52, 49, MF_STRICT) && wait_for(&judge.durable, 52) &&
		wait_for(&parent.synced, 49),
	    "many are taken");
}

static void
test_new_judge(void)
{
	const uint64_t syncs = counters[CNT_SYNCS];
	struct chan_fds f;

	ok(ask(60, 49, 0), "asked when the judge dies");
	rounds(2);
	f = judge_new();
	role_ledger.link(&env, ROLE_JUDGE, 0, &f);
	ok(counters[CNT_SYNCS] > syncs, "what it wrote is synced all the same");
	ok(wait_for(&judge.words, 1) && judge.durable == 0,
	    "its successor hears nothing of it");
	f = judge_new();
	role_ledger.link(&env, ROLE_JUDGE, 1, &f);
	rounds(3);
	ok(judge.words == 0, "a judge of another cell has no link");
	chan_fds_done(&f);
	f = judge_new();
	role_ledger.link(&env, ROLE_JUDGE, 0, &f);
	ok(wait_for(&judge.words, 1), "the own one may come again");
}

static uint64_t
size_of(int fd)
{
	struct stat st;

	return fstat(fd, &st) < 0 ? 0 : (uint64_t)st.st_size;
}

/* Says that the judge has written up to byte `bytes` of that segment. */
static bool
ask_at(uint64_t seq, uint64_t segment, uint64_t bytes)
{
	struct msg m = msg_of(MSG_SYNC);

	msg_set(&m, F_SEQ, seq);
	msg_set(&m, F_REF, segment);
	msg_set(&m, F_WHERE, bytes);
	msg_set(&m, F_FLAGS, MF_STRICT);
	if (chan_send(judge.chan, &m) != OK || !wait_for(&judge.durable, seq))
		return false;
	rounds(2);
	return true;
}

/* Zeros ahead of a judge whose syncs are small, behind what it wrote. */
static void
test_room(void)
{
	enum { KIB = 1024, STEP = 512 * KIB };
	const int fd = a_file(), own = dup(fd);
	char first[3] = { 0 };
	uint64_t size;

	ok(write(fd, "abc", 3) == 3, "a segment with a record");
	segment_give(60, fd);
	ok(ask_at(61, 60, 3) && size_of(own) == 3,
	    "a small segment gets no room");
	ok(ask_at(62, 60, 100 * KIB) && size_of(own) == 3,
	    "nor one whose syncs are large");
	ok(ask_at(63, 59, 101 * KIB) && size_of(own) == 3,
	    "nor for what was written to the one before");
	ok(ask_at(64, 60, 101 * KIB) && ask_at(65, 60, 102 * KIB),
	    "small syncs in a large one");
	size = size_of(own);
	ok(size >= 102 * KIB + STEP / 2 && size <= 102 * KIB + 2 * STEP,
	    "room is made (%llu bytes)", (unsigned long long)size);
	ok(pread(own, first, 3, 0) == 3 && memcmp(first, "abc", 3) == 0,
	    "behind what was there");
	ok(ask_at(66, 60, 103 * KIB) && size_of(own) == size,
	    "and not again while there is enough");
	ok(ask_at(67, 60, 103 * KIB + UINT32_MAX) &&
		ask_at(68, 60, 103 * KIB + UINT32_MAX) &&
		size_of(own) <= size + 2 * STEP,
	    "a judge that lies gets a step, no more");
	(void)close(own);
}

/* A pipe refuses to be synced. */
static void
test_sync_fails(void)
{
	struct chan_fds f;
	int p[2];

	if (pipe2(p, O_CLOEXEC) < 0)
		exit(1);
	segment_give(70, p[1]);
	judge.durable = 0;
	ok(ask(70, 70, MF_STRICT) && wait_for(&judge.status, 1) &&
		judge.status == ERR_OS && judge.durable == 0,
	    "a sync that fails is never called one");
	ok(counters[CNT_LEDGER_BROKEN] == 1 && wait_for(&parent.broken, 70),
	    "it shows, and the parent hears");
	segment_give(71, a_file());
	judge.status = 0;
	ok(ask(71, 71, MF_STRICT) && wait_for(&judge.status, 1) &&
		judge.durable == 0,
	    "nor is anything after it, in a new segment neither");
	f = judge_new();
	role_ledger.link(&env, ROLE_JUDGE, 0, &f);
	ok(wait_for(&judge.words, 1) && judge.status == ERR_OS,
	    "the next judge is refused at once");
	(void)close(p[0]);
}

int
main(void)
{
	test_boot();
	test_sync();
	test_segments();
	test_new_judge();
	test_room();
	test_sync_fails();
	return tap_done();
}
