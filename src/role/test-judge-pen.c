/* test-judge-pen: the judge's pen in this process, with a line, a role ledger
 * and a parent played by hand, and real files. */
#include <fcntl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/tap.h"
#include "ledger/ledger.h"
#include "role/judge-pen.h"

static struct role_env env;
static char dir[32];
static struct buf image = { .max = 1 << 16 };

/* ---- peers ---- */
static struct {
	uint64_t words, written, durable, status;
	bool more; /* records one more when it hears of the last */
} line;
static struct {
	uint64_t asks, strict, seq, segment;
	bool gone;
} ledger;
static struct {
	struct chan *chan;
	uint64_t full, fulls, unwritten;
} parent;

static bool record(uint64_t seq, uint64_t flags, size_t bytes);

static void
heard(const struct msg *m)
{
	line.words++;
	line.status = msg_num(m, F_STATUS);
	if (line.status != 0)
		return;
	line.written = msg_num(m, F_SEQ);
	if ((msg_num(m, F_FLAGS) & MF_STRICT) != 0)
		line.durable = line.written;
	if (line.more) {
		line.more = false;
		ok(record(line.written + 1, 0, 10), "recorded while hearing");
	}
}

static enum err
ask(const struct msg *m)
{
	struct note why = { "" };

	if (ledger.gone)
		return ERR_GONE;
	ok(m->kind == MSG_SYNC && msg_has(m, F_SEQ) && msg_has(m, F_REF),
	    "the ledger is asked to sync %s", why.text);
	ledger.asks++;
	ledger.strict += (msg_num(m, F_FLAGS) & MF_STRICT) != 0;
	ledger.seq = msg_num(m, F_SEQ);
	ledger.segment = msg_num(m, F_REF);
	return OK;
}

static void
ledger_says(uint64_t seq, enum err status)
{
	struct msg m = msg_of(MSG_RECORDED);

	msg_set(&m, F_SEQ, seq);
	if (status != OK)
		msg_set(&m, F_STATUS, (uint64_t)status);
	pen_ledger_said(&m);
}

static void
parent_got(struct chan *c, const struct msg *m)
{
	(void)c;
	if (m->kind == MSG_FULL && msg_num(m, F_STATUS) != 0) {
		parent.unwritten++;
	} else if (m->kind == MSG_FULL) {
		parent.full = msg_num(m, F_SEQ);
		parent.fulls++;
	}
}

static void
parent_lost(struct chan *c)
{
	(void)c;
}

static void
parent_new(void)
{
	static const struct chan_ops parent_ops = { parent_got, parent_lost };
	struct chan_fds ours, its;

	if (chan_pair(false, &ours, &its) != OK)
		exit(1);
	env.parent = chan_new(
	    env.loop, &ours, ROLE_JUDGE, ROLE_PARENT, 0, &parent_ops, NULL);
	parent.chan = chan_new(
	    env.loop, &its, ROLE_PARENT, ROLE_JUDGE, 0, &parent_ops, NULL);
}

static bool
record(uint64_t seq, uint64_t flags, size_t bytes)
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
	msg_set_text(&m, F_RESULT, buf_view(&params));
	e = pen_record(&m);
	buf_done(&rec);
	buf_done(&params);
	return e == OK;
}

/* ---- files ---- */
static int
segment_open(const char *name)
{
	char path[256];

	(void)snprintf(path, sizeof(path), "%s/%s", dir, name);
	return open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
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

/* ---- the tests, one life of the pen ---- */
static const struct pen_ops pen_ops = { ask, heard };
static struct ledger_seen before, end;

static void
given_add(const char *name, uint64_t number)
{
	env.given[env.given_n].kind = MSG_SEGMENT;
	(void)snprintf(
	    env.given[env.given_n].name, sizeof(env.given[0].name), "%s", name);
	env.given[env.given_n].seq = number;
	env.given[env.given_n++].fd[0] = segment_open(name);
}

static void
test_boot(void)
{
	struct note why = { "" };

	(void)snprintf(dir, sizeof(dir), "/tmp/gatehouse-pen-XXXXXX");
	if (mkdtemp(dir) == NULL)
		exit(1);
	before.torn = 7;
	before.good = 400;
	image_make(&before, 3);
	env.id = ROLE_JUDGE;
	env.cells = 1;
	env.loop = loop_new();
	loop_hooks(env.loop, chan_flush_all, chan_busy_any, NULL);
	parent_new();
	ok(pen_begin(&env, &pen_ops, &why) == ERR_GONE,
	    "without a segment there is no start");
	given_add("cell-0-000003", 3); /* stays empty: a newer one came */
	given_add("cell-0-000004", 4);
	ok(pen_begin(&env, &pen_ops, &why) == OK, "the pen is ready %s",
	    why.text);
	ok(!record(3, 0, 10) && line.words == 0,
	    "nothing is recorded before role ledger has spoken");
	ledger_says(0, OK);
	ok(line.words == 1 && line.written == 2 && line.status == 0,
	    "the line hears the last number: start and recovery are there");
	ok(ledger.asks == 1 && ledger.seq == 2 && ledger.segment == 4 &&
		ledger.strict == 0,
	    "which are to be synced by and by");
}

static void
test_rounds(void)
{
	bool staged = true;

	line.words = 0;
	for (uint64_t i = 3; i <= 40; i++)
		staged &= record(i, 0, 10);
	ok(staged && line.words == 0, "what is staged is not written");
	pen_flush();
	ok(line.words == 1 && line.written == 40 && line.durable == 0,
	    "a round's records are written with one word for all");
	ok(ledger.asks == 1, "one sync under way is enough");
	ledger_says(2, OK);
	ok(line.durable == 2 && ledger.asks == 2 && ledger.seq == 40,
	    "when it is done the rest is asked for");
	ok(record(41, MF_STRICT, 10), "one that a call waits for");
	pen_flush();
	ok(line.written == 41 && line.durable == 2 && ledger.strict == 1 &&
		ledger.seq == 41,
	    "is asked for at once");
	ledger_says(42, OK);
	ok(line.durable == 2, "a sync of what was not asked for is not heard");
	ledger_says(41, OK);
	ok(line.durable == 41 && ledger.asks == 3, "and one that was is");
	pen_flush();
	ok(ledger.asks == 3, "then there is nothing to ask");
	line.more = true;
	ok(record(42, 0, 10), "a record whose word sets off another");
	pen_flush();
	ok(line.written == 43, "both are written in the same round");
	ok(!record(45, 0, 10) && record(44, 0, 10),
	    "a number that was left out is refused, the right one is not");
	pen_flush();
}

static void
test_new_ledger(void)
{
	const uint64_t asks = ledger.asks;
	const uint64_t words = line.words;

	ok(record(45, MF_STRICT, 10), "staged when role ledger dies");
	ledger.gone = true;
	pen_ledger_lost();
	pen_flush();
	ok(line.words == words, "nobody is told that it is written");
	ok(!record(46, 0, 10), "and nothing more is taken");
	ledger.gone = false;
	ledger_says(0, OK);
	ok(line.written == 45 && line.words == words + 1,
	    "the next one's first word opens the numbering again");
	ok(ledger.asks == asks + 1 && ledger.seq == 45,
	    "and it is asked to sync what the last one may not have");
	ledger_says(45, OK);
	ok(line.durable == 45, "which it says");
	ledger_says(0, ERR_OS);
	ok(line.status == ERR_OS && !record(46, 0, 10),
	    "a sync that failed ends the recording");
	pen_ledger_lost();
	ledger_says(0, OK);
	ok(line.status == 0 && record(46, 0, 10),
	    "until another role ledger is there");
	pen_flush();
}

static void
rounds(int n)
{
	while (n-- > 0)
		loop_once(env.loop, 1000000);
}

static bool
is_empty(const char *name)
{
	struct stat st = { .st_size = -1 };
	char path[256];

	(void)snprintf(path, sizeof(path), "%s/%s", dir, name);
	return stat(path, &st) == 0 && st.st_size == 0;
}

static void
test_full(void)
{
	uint64_t seq = 46;
	bool staged = true;

	for (int i = 0; i < 1200; i++) {
		staged &= record(++seq, 0, 60000);
		if (i % 100 == 99)
			pen_flush();
	}
	rounds(5);
	ok(staged && line.written == seq, "64 MiB and more are written");
	ok(parent.fulls == 1 && parent.full == 4,
	    "the parent is asked, once, for the next segment");
	ok(record(++seq, 0, 10), "staged when it comes");
	pen_segment(5, STR("cell-0-000005"), segment_open("cell-0-000005"));
	ok(line.written == seq && ledger.seq == seq && ledger.segment == 5,
	    "that is written to the one before, and to be synced");
	ok(record(++seq, MF_STRICT, 10), "the next");
	pen_flush();
	ok(line.written == seq - 1 && is_empty("cell-0-000005"),
	    "is not written before all of the one before is durable");
	ledger.gone = true;
	pen_ledger_lost();
	pen_segment(6, STR("cell-0-000006"), segment_open("cell-0-000006"));
	ledger.gone = false;
	ledger_says(0, OK);
	ok(is_empty("cell-0-000005") && is_empty("cell-0-000006"),
	    "whatever comes between");
	ledger_says(seq - 1, OK);
	pen_flush();
	ok(line.written == seq && !is_empty("cell-0-000005") &&
		is_empty("cell-0-000006"),
	    "then it goes on in the new one");
	ok(ledger.seq == seq, "that is to be synced too");
	ok(record(++seq, 0, 10), "one more");
	pen_flush();
	ok(line.written == seq - 1 && is_empty("cell-0-000006"),
	    "before the one that came meanwhile is written to");
	ledger_says(seq - 1, OK);
	pen_flush();
	ok(line.written == seq && !is_empty("cell-0-000006"), "as it is then");
	ledger_says(seq, OK);
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
		segment_read("cell-0-000005", &end, &k) == OK &&
		segment_read("cell-0-000006", &end, &k) == OK,
	    "all segments read back");
	ok(end.tree.size == line.written && k.start == 1 && k.recovery == 1 &&
		k.decision == end.tree.size - 2,
	    "with every record that was called written");
	ok(k.digests == k.decision, "and the digest of every content");
}

static void
test_broken(void)
{
	const int full = open("/dev/full", O_WRONLY | O_CLOEXEC);
	const uint64_t last = line.written;

	ok(full >= 0, "a full disk is at hand");
	pen_segment(7, STR("cell-0-000007"), full);
	ok(record(last + 1, 0, 10), "what it shall take is staged");
	pen_flush();
	ok(line.status == ERR_OS && line.written == last,
	    "a write that fails is never called written");
	ok(counters[CNT_LEDGER_BROKEN] == 1, "and shows");
	rounds(5);
	ok(parent.unwritten == 1, "and the parent is told");
	ok(!record(last + 1, 0, 10), "nothing is taken after it");
	pen_ledger_lost();
	ledger_says(0, OK);
	ok(line.status == ERR_OS && !record(last + 1, 0, 10),
	    "another role ledger does not mend it");
	pen_segment(8, STR("cell-0-000008"), segment_open("cell-0-000008"));
	ok(!record(last + 1, 0, 10), "nor does a new segment");
}

/* The disk takes a part of the round's records and no more. */
static void
test_short(void)
{
	const struct rlimit limit = { 100000, 100000 };
	struct seen_kinds k = { 0 };
	const uint64_t last = line.written;

	ok(setrlimit(RLIMIT_FSIZE, &limit) == 0, "files are limited");
	ok(record(last + 1, 0, 50000) && record(last + 2, 0, 60000),
	    "more than fits is staged");
	pen_flush();
	ok(line.status == ERR_OS && line.written == last,
	    "a write that ends early is called written for none of it");
	end = before;
	end.torn = 0;
	ok(segment_read("cell-0-000004", &end, &k) == ERR_MORE &&
		end.tree.size == last + 1,
	    "what is whole of it reads back, the torn end is seen");
}

static void
clean(void)
{
	char path[256];

	for (unsigned i = 3; i <= 8; i++) {
		(void)snprintf(path, sizeof(path), "%s/cell-0-%06u", dir, i);
		(void)unlink(path);
	}
	(void)rmdir(dir);
}

/* There is one pen to a process, and what breaks it is final. */
static bool
other_life(void)
{
	int status = -1;
	const pid_t pid = fork();

	if (pid == 0) {
		if (freopen("/dev/null", "w", stdout) == NULL)
			_exit(2);
		test_boot();
		test_short();
		clean();
		_exit(tap_bad);
	}
	return waitpid(pid, &status, 0) == pid && status == 0;
}

int
main(void)
{
	ok(other_life(), "a write that ends early is final");
	test_boot();
	test_rounds();
	test_new_ledger();
	test_full();
	test_read_back();
	test_broken();
	clean();
	return tap_done();
}
