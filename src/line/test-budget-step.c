/*
 * test-budget-step: the step "reserve" with role budget played by hand: what
 * is asked, what becomes of each answer, and of none; and what goes back.
 */
#include "line/budget-in.h"
#include "line/test-in.h"

static const uint64_t ms = 1000000;

#define BUDGET(name, of, limit, more)                                          \
	"{\"name\":\"" name "\",\"of\":\"" of "\",\"limit\":" limit            \
	",\"window_ms\":0,\"per\":\"principal\",\"principal\":\"*\","          \
	"\"server\":\"*\"," more "}"
#define ANY "\"currency\":\"\",\"tool\":\"*\",\"risk\":[],\"lease\":"

/* The usual image with these budgets. */
static struct line *
with(const char *budgets)
{
	static char text[8192];

	(void)snprintf(text, sizeof(text), "{\"budgets\":[%s],%s", budgets,
	    image_text + 1);
	budget_here = true;
	return fresh_of(text);
}

static void
call(struct line *l, char who)
{
	forget();
	request(l, 1, MCP_MODERN, "tools/call",
	    "{\"name\":\"read\",\"arguments\":{\"a\":1}}", who);
}

/* What a budget is asked, as JSON. */
static bool
asked(const char *json)
{
	const struct msg *q = sent(MSG_RESERVE);
	struct buf b = { .max = 1 << 16 };
	bool same;

	if (q == NULL)
		return false;
	json_write(msg_tree(q, F_REC), &b);
	same = str_eq(buf_view(&b), str_of(json));
	if (!same)
		printf("# asked %.*s\n", (int)b.n, b.p);
	buf_done(&b);
	return same;
}

static struct msg
reserved_msg(const char *rec, enum err status, uint64_t seq)
{
	const struct msg *q = sent(MSG_RESERVE);
	struct msg m = msg_of(MSG_RESERVED);

	BUG_ON(q == NULL);
	msg_set(&m, F_CALL, msg_num(q, F_CALL));
	if (status != OK)
		msg_set(&m, F_STATUS, (uint64_t)status);
	else
		msg_set(&m, F_SEQ, seq);
	if (rec != NULL)
		msg_set_tree(&m, F_REC, tape(rec));
	return m;
}

static void
grant(struct line *l, const char *rec, uint64_t seq)
{
	const struct msg m = reserved_msg(rec, OK, seq);

	line_from_budget(l, &m);
}

static void
no(struct line *l, const char *rec, enum err status)
{
	const struct msg m = reserved_msg(rec, status, 0);

	line_from_budget(l, &m);
}

static bool
settled(uint64_t seq, bool undone)
{
	const struct msg *s = sent(MSG_SETTLE);

	return s != NULL && msg_num(s, F_SEQ) == seq &&
	       ((msg_num(s, F_FLAGS) & MF_UNDO) != 0) == undone;
}

static bool
record_budget(const char *json)
{
	const struct msg *r = sent(MSG_RECORD);
	struct buf b = { .max = 1 << 16 };
	bool same;

	if (r == NULL)
		return false;
	json_write(jv_get(msg_tree(r, F_REC), STR("budget")), &b);
	same = str_eq(buf_view(&b), str_of(json));
	if (!same)
		printf("# recorded %.*s\n", (int)b.n, b.p);
	buf_done(&b);
	return same;
}

#define GRANT(left, used)                                                      \
	"[{\"ahead\":0,\"left\":" left ",\"ms\":0,\"used\":" used "}]"

static void
test_granted(void)
{
	struct line *l = with(BUDGET("few", "calls", "9", ANY "1"));

	call(l, 'a');
	ok(asked("[{\"amount\":1,\"budget\":\"few\",\"items\":[],\"key\":"
		 "\"alice\",\"lease\":false}]"),
	    "a call asks first");
	ok(sent(MSG_RECORD) == NULL && sent(MSG_UP_CALL) == NULL &&
		sent(MSG_HOP_OPEN) == NULL,
	    "and until it is answered nothing is recorded or sent");
	grant(l, GRANT("5", "4"), 77);
	ok(record_has("verdict", "allow") &&
		record_budget("[{\"charged\":1,\"key\":\"alice\",\"left\":5,"
			      "\"name\":\"few\",\"reservation\":77,\"used\":"
			      "4}]"),
	    "then it is, with what it was charged");
	ack(l, true);
	ok(sent(MSG_SETTLE) == NULL, "it has not left yet");
	opened(l, MCP_MODERN, "{}");
	ok(sent(MSG_UP_CALL) != NULL && settled(77, false),
	    "once it has left it is settled");
	answered(l, 0, "{\"content\":[]}");
	ack(l, false);
	ok(sent(MSG_ANSWER) != NULL && sent_n(MSG_SETTLE) == 1 &&
		line_busy(l) == 0,
	    "and that is all");
	line_free(l);
}

static void
test_over(void)
{
	struct line *l = with(BUDGET("few", "calls", "9", ANY "1"));

	call(l, 'a');
	no(l, "[{\"budget\":\"few\",\"key\":\"alice\",\"left\":0,\"used\":9}]",
	    ERR_DENIED);
	ok(record_has("verdict", "deny") && record_has("rule", "budget:few") &&
		record_has("step", "reserve") &&
		record_has("reason",
		    "alice has used 9 of 9 calls; this call needs 1") &&
		record_budget("[{\"charged\":0,\"key\":\"alice\",\"left\":0,"
			      "\"name\":\"few\",\"reservation\":0,\"used\":9}"
			      "]"),
	    "what is over is refused, in words, and recorded");
	ack(l, false);
	ok(sent(MSG_ANSWER) != NULL && sent(MSG_SETTLE) == NULL &&
		sent(MSG_UP_CALL) == NULL,
	    "and nothing leaves");
	line_free(l);
}

static void
test_never_left(void)
{
	struct line *l = with(BUDGET("few", "calls", "9", ANY "1"));
	struct msg m = msg_of(MSG_HOP_OPENED);

	call(l, 'a');
	grant(l, GRANT("5", "4"), 78);
	ack(l, true);
	msg_set(&m, F_HOP, msg_num(sent(MSG_HOP_OPEN), F_HOP));
	msg_set(&m, F_STATUS, 502);
	msg_set_text(&m, F_TEXT, STR("no connection"));
	line_from_back(l, 0, &m);
	ack(l, false);
	ok(settled(78, true), "a server that cannot be reached: taken back");
	call(l, 'a');
	grant(l, GRANT("5", "4"), 79);
	line_ledger_lost(l);
	ok(settled(79, true), "a call that is not recorded: taken back");
	line_free(l);
}

static void
test_unknown(void)
{
	struct line *l = with(BUDGET("few", "calls", "9", ANY "1"));

	call(l, 'a');
	grant(l, GRANT("5", "4"), 80);
	ack(l, true);
	opened(l, MCP_MODERN, "{}");
	line_back_lost(l, 0);
	ack(l, false);
	ok(settled(80, false) && sent_n(MSG_SETTLE) == 1,
	    "its server is lost after it left: it stays charged");
	line_free(l);
}

static void
test_denied(void)
{
	struct line *l = with(BUDGET("few", "calls", "9", ANY "1"));

	request(l, 1, MCP_MODERN, "tools/call", "{\"name\":\"write\"}", 'a');
	ok(sent(MSG_RESERVE) == NULL && record_has("rule", "no-write"),
	    "what no arguments could make allowed reserves nothing");
	forget();
	request(l, 1, MCP_MODERN, "resources/read", "{\"uri\":\"x:y\"}", 'a');
	ok(sent(MSG_RESERVE) == NULL, "nor does what is no call of a tool");
	line_free(l);
}

static void
test_late(void)
{
	struct line *l = with(BUDGET("few", "calls", "9", ANY "1"));
	struct msg late;

	call(l, 'a');
	ok(line_hurries(l), "a call that waits is looked at often");
	clock_ns += 999 * ms;
	(void)line_tick(l);
	ok(sent(MSG_RECORD) == NULL, "it waits");
	clock_ns += 2 * ms;
	(void)line_tick(l);
	ok(record_has("rule", "budget-late") && record_has("verdict", "deny"),
	    "and no longer than it may");
	ok(!line_hurries(l), "nobody waits");
	late = reserved_msg(GRANT("5", "4"), OK, 81);
	line_from_budget(l, &late);
	ok(settled(81, true), "what comes later is taken back");
	ack(l, false);
	ok(sent(MSG_ANSWER) != NULL && line_busy(l) == 0, "it is answered");
	line_from_budget(l, &late);
	ok(sent_n(MSG_SETTLE) == 2, "also when nobody knows the call any more");
	line_free(l);
}

static void
test_lost(void)
{
	struct line *l = with(BUDGET("few", "calls", "9", ANY "1"));

	call(l, 'a');
	budget_here = false;
	line_budget_lost(l);
	ok(record_has("rule", "budget-late"), "those that wait are refused");
	ack(l, false);
	call(l, 'a');
	ok(record_has("rule", "budget-late"), "and those that come");
	ack(l, false);
	budget_here = true;
	call(l, 'a');
	no(l, NULL, ERR_OS);
	ok(record_has("rule", "budget-late"), "a log that is broken refuses");
	ack(l, false);
	call(l, 'a');
	grant(l, "[]", 82);
	ok(record_has("verdict", "deny") && !line_hurries(l),
	    "an answer that is not to the question refuses");
	ack(l, false);
	ok(settled(82, true), "and is taken back");
	line_free(l);
}

static void
test_cancelled(void)
{
	struct line *l = with(BUDGET("few", "calls", "9", ANY "1"));
	struct msg late;

	call(l, 'a');
	late = reserved_msg(GRANT("5", "4"), OK, 83);
	gone(l, 0, next_ref - 1);
	ok(line_busy(l) == 0 && !line_hurries(l), "the agent hangs up");
	line_from_budget(l, &late);
	ok(settled(83, true), "what was charged for it is taken back");
	line_free(l);
}

static void
run_call(struct line *l)
{
	ack(l, true);
	if (sent(MSG_HOP_OPEN) != NULL)
		opened(l, MCP_MODERN, "{}");
	answered(l, 0, "{\"content\":[]}");
	ack(l, false);
}

static void
test_lease(void)
{
	struct line *l = with(BUDGET("few", "calls", "90", ANY "8"));

	call(l, 'a');
	ok(asked("[{\"amount\":1,\"budget\":\"few\",\"items\":[],\"key\":"
		 "\"alice\",\"lease\":true}]"),
	    "a cell asks for more than one call");
	grant(l, "[{\"ahead\":2,\"left\":80,\"ms\":5000,\"used\":10}]", 90);
	ok(record_budget("[{\"charged\":1,\"key\":\"alice\",\"left\":82,"
			 "\"name\":\"few\",\"reservation\":90,\"used\":8}]"),
	    "what it took ahead is not used by this one");
	run_call(l);
	call(l, 'a');
	ok(sent(MSG_RESERVE) == NULL && record_has("verdict", "allow") &&
		record_budget("[{\"charged\":1,\"key\":\"alice\",\"left\":81,"
			      "\"name\":\"few\",\"reservation\":90,\"used\":9}"
			      "]"),
	    "the next does not ask");
	run_call(l);
	ok(sent(MSG_SETTLE) == NULL, "and there is nothing to settle");
	call(l, 'a');
	ok(sent(MSG_RESERVE) == NULL, "nor does the one after");
	ack(l, true);
	line_back_lost(l, 0);
	forget();
	call(l, 'a');
	ok(sent(MSG_RESERVE) != NULL, "two were taken ahead, not three");
	line_free(l);
}

static void
test_lease_back(void)
{
	struct line *l = with(BUDGET("few", "calls", "90", ANY "8"));
	struct msg m = msg_of(MSG_HOP_OPENED);

	call(l, 'a');
	grant(l, "[{\"ahead\":1,\"left\":80,\"ms\":0,\"used\":10}]", 91);
	ack(l, true);
	opened(l, MCP_MODERN, "{}");
	answered(l, 0, "{\"content\":[]}");
	ack(l, false);
	line_back_lost(l, 0);
	call(l, 'a');
	ok(sent(MSG_RESERVE) == NULL, "a call by what was taken ahead");
	ack(l, true);
	msg_set(&m, F_HOP, msg_num(sent(MSG_HOP_OPEN), F_HOP));
	msg_set(&m, F_STATUS, 502);
	line_from_back(l, 0, &m);
	ack(l, false);
	call(l, 'a');
	ok(sent(MSG_RESERVE) == NULL, "never left: the next one has it");
	line_free(l);
}

static void
test_lease_ends(void)
{
	struct line *l = with(BUDGET("few", "calls", "90", ANY "8"));
	struct note why = { "" };

	call(l, 'a');
	clock_ns += 100 * ms;
	grant(l, "[{\"ahead\":7,\"left\":80,\"ms\":500,\"used\":10}]", 92);
	run_call(l);
	clock_ns += 398 * ms;
	call(l, 'a');
	ok(sent(MSG_RESERVE) == NULL, "good for its part of the window");
	run_call(l);
	clock_ns += 2 * ms;
	call(l, 'a');
	ok(sent(MSG_RESERVE) != NULL,
	    "which is counted from when it was asked for");
	grant(l, "[{\"ahead\":7,\"left\":80,\"ms\":500,\"used\":10}]", 93);
	run_call(l);
	ok(line_image(l, l->image, &why) == OK, "a reload");
	call(l, 'a');
	ok(sent(MSG_RESERVE) != NULL, "takes what was taken ahead away");
	line_free(l);
}

/* Two calls under way: one asks for more; the other, refused, finds it. */
static void
test_lease_meanwhile(void)
{
	struct line *l = with(BUDGET("few", "calls", "90", ANY "8"));
	struct msg first, second;

	call(l, 'a');
	first = reserved_msg(
	    "[{\"ahead\":1,\"left\":0,\"ms\":0,\"used\":90}]", OK, 94);
	request(l, 1, MCP_MODERN, "tools/call", "{\"name\":\"read\"}", 'a');
	ok(asked("[{\"amount\":1,\"budget\":\"few\",\"items\":[],\"key\":"
		 "\"alice\",\"lease\":false}]"),
	    "one at a time asks for more");
	second = reserved_msg(
	    "[{\"budget\":\"few\",\"key\":\"alice\",\"left\":0,\"used\":90}]",
	    ERR_DENIED, 0);
	line_from_budget(l, &first);
	line_from_budget(l, &second);
	ok(record_has("verdict", "allow"), "refused, it takes what came");
	line_free(l);
}

static void
test_several(void)
{
	struct line *l = with(BUDGET("few", "calls", "90", ANY "8") "," BUDGET(
	    "out", "bytes", "9000", ANY "1"));

	call(l, 'a');
	ok(asked("[{\"amount\":1,\"budget\":\"few\",\"items\":[],\"key\":"
		 "\"alice\",\"lease\":true},{\"amount\":7,\"budget\":\"out\","
		 "\"items\":[],\"key\":\"alice\",\"lease\":false}]"),
	    "all that a call needs is asked for at once");
	grant(l,
	    "[{\"ahead\":3,\"left\":80,\"ms\":0,\"used\":10},"
	    "{\"ahead\":0,\"left\":8993,\"ms\":0,\"used\":7}]",
	    95);
	run_call(l);
	call(l, 'a');
	ok(asked("[{\"amount\":7,\"budget\":\"out\",\"items\":[],\"key\":"
		 "\"alice\",\"lease\":false}]"),
	    "what was taken ahead is not asked for");
	no(l,
	    "[{\"budget\":\"out\",\"key\":\"alice\",\"left\":3,\"used\":8997}]",
	    ERR_DENIED);
	ok(record_has("rule", "budget:out") &&
		record_budget("[{\"charged\":0,\"key\":\"alice\",\"left\":3,"
			      "\"name\":\"out\",\"reservation\":0,\"used\":"
			      "8997}]"),
	    "one says no: none is charged");
	ack(l, false);
	call(l, 'a');
	grant(l, "[{\"ahead\":0,\"left\":8986,\"ms\":0,\"used\":14}]", 96);
	ok(record_budget("[{\"charged\":1,\"key\":\"alice\",\"left\":82,"
			 "\"name\":\"few\",\"reservation\":95,\"used\":8},"
			 "{\"charged\":7,\"key\":\"alice\",\"left\":8986,"
			 "\"name\":\"out\",\"reservation\":96,\"used\":14}]"),
	    "and what was taken for the refused one is there again");
	line_free(l);
}

int
main(void)
{
	test_granted();
	test_over();
	test_never_left();
	test_unknown();
	test_denied();
	test_late();
	test_lost();
	test_cancelled();
	test_lease();
	test_lease_back();
	test_lease_ends();
	test_lease_meanwhile();
	test_several();
	return tap_done();
}
