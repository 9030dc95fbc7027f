/* test-ledger-role: the role in this process, with a judge and a parent played
 * by hand, real files and a real syncing thread. */
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/tap.h"
#include "ledger/ledger.h"
#include "role/role.h"

static struct role_env env;
static char dir[32];
static struct buf image = { .max = 1 << 16 };

/* ---- peers ---- */
static struct {
	struct chan *chan;
	uint64_t acks, written, durable, status, strict_acks;
	uint64_t full, fulls;
	bool lost;
} judge, parent;

static void
judge_got(struct chan *c, const struct msg *m)
{
	(void)c;
	judge.acks++;
	if (msg_num(m, F_STATUS) != 0) {
		judge.status = msg_num(m, F_STATUS);
		return;
	}
	judge.written = msg_num(m, F_SEQ);
	if ((msg_num(m, F_FLAGS) & MF_STRICT) != 0) {
		judge.durable = msg_num(m, F_SEQ);
		judge.strict_acks++;
	}
}

static void
judge_lost(struct chan *c)
{
	(void)c;
	judge.lost = true;
}

static void
parent_got(struct chan *c, const struct msg *m)
{
	(void)c;
	if (m->kind == MSG_FULL) {
		parent.full = msg_num(m, F_SEQ);
		parent.fulls++;
	}
}

static const struct chan_ops judge_ops = { judge_got, judge_lost };
static const struct chan_ops parent_ops = { parent_got, judge_lost };

static struct chan_fds
judge_new(void)
{
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
	struct chan_fds ours, its;

	if (chan_pair(false, &ours, &its) != OK)
		exit(1);
	env.parent = chan_new(
	    env.loop, &ours, ROLE_LEDGER, ROLE_PARENT, 0, &parent_ops, NULL);
	parent.chan = chan_new(
	    env.loop, &its, ROLE_PARENT, ROLE_LEDGER, 0, &parent_ops, NULL);
}

static bool
send_record(uint64_t seq, uint64_t flags, size_t bytes)
{
	static char text[60000];
	struct buf rec = { .max = 1 << 17 }, params = { .max = 1 << 12 };
	struct msg m = msg_of(MSG_RECORD);
	const size_t mark = tape_obj(&rec);
	enum err e;

	memset(text, 'x', sizeof(text));
	tape_key(&rec, STR("kind"));
	tape_str(&rec, STR("decision"));
	tape_key(&rec, STR("name"));
	tape_str(&rec, (struct str){ text, bytes });
	tape_end(&rec, mark, 2);
	tape_end(&params, tape_obj(&params), 0);
	msg_set(&m, F_SEQ, seq);
	msg_set(&m, F_FLAGS, flags);
	msg_set_text(&m, F_REC, buf_view(&rec));
	msg_set_text(&m, F_PARAMS, buf_view(&params));
	e = chan_send(judge.chan, &m);
	buf_done(&rec);
	buf_done(&params);
	return e == OK;
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

/* ---- files ---- */
static int
segment_open(const char *name)
{
	char path[256];

	(void)snprintf(path, sizeof(path), "%s/%s", dir, name);
	return open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
}

struct seen_kinds {
	unsigned start, recovery, decision, digests;
};

static void
note_kind(void *arg, uint64_t seq, struct str jcs, struct jv rec)
{
	struct seen_kinds *k = arg;
	const struct str kind = jv_str(jv_get(rec, STR("kind")));

	(void)seq;
	(void)jcs;
	k->start += str_eq(kind, STR("start"));
	k->recovery += str_eq(kind, STR("recovery"));
	k->decision += str_eq(kind, STR("decision"));
	k->digests += jv_is(jv_get(rec, STR("digest")), J_STR);
}

static enum err
segment_read(
    const char *name, struct ledger_seen *seen, struct seen_kinds *kinds)
{
	struct buf b = { .max = 1 << 28 };
	char path[256];
	struct note why = { "" };
	enum err e;

	(void)snprintf(path, sizeof(path), "%s/%s", dir, name);
	e = file_read(path, b.max, &b, &why);
	if (!e)
		e = ledger_read(buf_view(&b), seen, note_kind, kinds, &why);
	if (e)
		printf("# %s: %s\n", name, why.text);
	buf_done(&b);
	return e;
}

/* The image says that the log ends at *seen; torn as it says. */
static void
image_make(const struct ledger_seen *seen, unsigned segment)
{
	const size_t top = tape_obj(&image);
	size_t arr;

	tape_key(&image, STR("cells"));
	tape_i64(&image, 1);
	tape_key(&image, STR("digest"));
	tape_str(&image, STR("d1g357"));
	tape_key(&image, STR("ledger"));
	arr = tape_arr(&image);
	ledger_seen_put(seen, 0, segment, &image);
	tape_end(&image, arr, 1);
	tape_end(&image, top, 3);
	env.image = jv_of(buf_view(&image));
}

/* ---- the tests, one life of the role ---- */
static struct ledger_seen before, end;

static void
test_boot(void)
{
	struct note why = { "" };
	struct chan_fds f;

	(void)snprintf(dir, sizeof(dir), "/tmp/gatehouse-ledger-XXXXXX");
	if (mkdtemp(dir) == NULL)
		exit(1);
	before.torn = 7;
	before.good = 400;
	image_make(&before, 3);
	env.id = ROLE_LEDGER;
	env.cells = 1;
	env.loop = loop_new();
	loop_hooks(env.loop, chan_flush_all, chan_busy_any, NULL);
	parent_new();
	ok(role_ledger.prepare(&env, &why) == ERR_GONE,
	    "without a segment there is no start");
	env.given[0].kind = MSG_SEGMENT;
	(void)snprintf(
	    env.given[0].name, sizeof(env.given[0].name), "cell-0-000004");
	env.given[0].seq = 4;
	env.given[0].fd[0] = segment_open("cell-0-000004");
	env.given_n = 1;
	f = judge_new();
	env.link[0].peer = ROLE_JUDGE;
	env.link[0].instance = 0;
	env.link[0].fds = f;
	env.link_n = 1;
	ok(role_ledger.prepare(&env, &why) == OK, "the role prepares %s",
	    why.text);
	ok(wait_for(&judge.acks, 1) && judge.written == 2 &&
		judge.status == 0 && judge.durable == 0,
	    "its first word is the last number: start and recovery are there");
}

static void
test_acks(void)
{
	bool sent = true;

	for (uint64_t i = 3; i <= 40; i++)
		sent &= send_record(i, 0, 10);
	ok(sent && wait_for(&judge.written, 40) && judge.strict_acks == 0,
	    "plain records are acknowledged when written");
	ok(judge.acks <= 4, "with one word for all of a round (%u)",
	    (unsigned)judge.acks);
	ok(send_record(41, MF_STRICT, 10) && wait_for(&judge.durable, 41),
	    "a strict one when durable");
	for (uint64_t i = 42; i <= 60; i++)
		sent &= send_record(i, i % 2 ? MF_STRICT : 0, 10);
	ok(sent && wait_for(&judge.durable, 59) && wait_for(&judge.written, 60),
	    "mixed ones, each as it asked");
}

static void
test_batch(void)
{
	const uint64_t syncs = counters[CNT_SYNCS];

	ok(send_record(61, 0, 10) && wait_for(&judge.written, 61) &&
		wait_for(&counters[CNT_SYNCS], syncs + 1),
	    "a plain record is synced by and by");
}

static void
test_new_judge(void)
{
	struct chan_fds f = judge_new();

	role_ledger.link(&env, ROLE_JUDGE, 0, &f);
	ok(wait_for(&judge.acks, 1) && judge.written == 61,
	    "a new judge is told where to go on");
	ok(send_record(63, 0, 10) && wait_for(&judge.status, 1),
	    "a judge that skips a number is refused");
	ok(send_record(62, 0, 10) && wait_for(&judge.acks, 3) &&
		judge.written == 61,
	    "and stays so");
	f = judge_new();
	role_ledger.link(&env, ROLE_JUDGE, 0, &f);
	ok(wait_for(&judge.acks, 1) && judge.written == 61 && judge.status == 0,
	    "its successor is not");
	f = judge_new();
	role_ledger.link(&env, ROLE_JUDGE, 1, &f);
	rounds(3);
	ok(judge.acks == 0, "a judge of another cell has no link");
	chan_fds_done(&f);
	f = judge_new();
	role_ledger.link(&env, ROLE_JUDGE, 0, &f);
	ok(wait_for(&judge.acks, 1), "the own one may come again");
}

static void
segment_give(const char *name, uint64_t number, int fd)
{
	struct msg m = msg_of(MSG_SEGMENT);

	msg_set(&m, F_SEQ, number);
	msg_set_text(&m, F_NAME, str_of(name));
	m.fd[0] = fd;
	role_ledger.from_parent(&env, &m);
}

static void
test_full(void)
{
	uint64_t seq = 61;
	bool sent = true;

	for (int i = 0; i < 1200; i++) {
		sent &= send_record(++seq, 0, 60000);
		if (i % 100 == 99)
			sent &= wait_for(&judge.written, seq);
	}
	ok(sent && judge.written == seq, "64 MiB and more are written");
	ok(wait_for(&parent.fulls, 1) && parent.full == 4 && parent.fulls == 1,
	    "the parent is asked, once, for the next segment");
	segment_give("cell-0-000005", 5, segment_open("cell-0-000005"));
	ok(send_record(++seq, MF_STRICT, 10) && wait_for(&judge.durable, seq),
	    "records go on in it");
	ok(segment_read("cell-0-000005", &end, &(struct seen_kinds){ 0 }) ==
		ERR_SYNTAX,
	    "which does not stand alone");
}

static void
test_read_back(void)
{
	struct seen_kinds k = { 0 };

	end = before;
	end.torn = 0;
	ok(segment_read("cell-0-000004", &end, &k) == OK &&
		segment_read("cell-0-000005", &end, &k) == OK,
	    "both segments read back");
	ok(end.tree.size == judge.durable && k.start == 1 && k.recovery == 1 &&
		k.decision == end.tree.size - 2,
	    "with every record that was acknowledged");
	ok(k.digests == k.decision, "and the digest of every content");
}

static void
test_broken(void)
{
	const int full = open("/dev/full", O_WRONLY | O_CLOEXEC);
	struct chan_fds f;

	ok(full >= 0, "a full disk is at hand");
	segment_give("cell-0-000006", 6, full);
	ok(send_record(judge.written + 1, 0, 10) &&
		wait_for(&judge.status, 1) && judge.status == ERR_OS,
	    "a write that fails is never acknowledged");
	ok(counters[CNT_LEDGER_BROKEN] == 1, "and shows");
	f = judge_new();
	role_ledger.link(&env, ROLE_JUDGE, 0, &f);
	ok(wait_for(&judge.acks, 1) && judge.status == ERR_OS,
	    "nor is anything after it: the next judge is refused at once");
	segment_give("cell-0-000007", 7, segment_open("cell-0-000007"));
	ok(send_record(judge.written + 1, 0, 10) && wait_for(&judge.acks, 2) &&
		judge.written == 0,
	    "a new segment does not mend it");
}

/* A pipe takes writes and refuses to be synced. */
static void
test_sync_fails(void)
{
	uint64_t last = judge.durable;
	int p[2];

	if (pipe2(p, O_CLOEXEC) < 0)
		exit(1);
	segment_give("cell-0-000006", 6, p[1]);
	ok(send_record(last + 1, MF_STRICT, 10) && wait_for(&judge.status, 1) &&
		judge.status == ERR_OS && judge.durable == last,
	    "a sync that fails is never acknowledged");
	ok(send_record(last + 1, 0, 10) && wait_for(&judge.acks, 3) &&
		judge.durable == last && judge.written <= last + 1,
	    "nor is anything after it");
	(void)close(p[0]);
}

static void
clean(void)
{
	char path[256];

	for (unsigned i = 4; i <= 7; i++) {
		(void)snprintf(path, sizeof(path), "%s/cell-0-%06u", dir, i);
		(void)unlink(path);
	}
	(void)rmdir(dir);
}

/* The role is one to a process, and both ends of it are final. */
static bool
other_life(void)
{
	int status = -1;
	const pid_t pid = fork();

	if (pid == 0) {
		if (freopen("/dev/null", "w", stdout) == NULL)
			_exit(2);
		test_boot();
		ok(send_record(3, MF_STRICT, 10) && wait_for(&judge.durable, 3),
		    "as yet all is well");
		test_sync_fails();
		clean();
		_exit(tap_bad);
	}
	return waitpid(pid, &status, 0) == pid && status == 0;
}

int
main(void)
{
	ok(other_life(), "a sync that fails is final");
	test_boot();
	test_acks();
	test_batch();
	test_new_judge();
	test_full();
	test_read_back();
	test_broken();
	clean();
	return tap_done();
}
