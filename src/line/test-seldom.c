/* What can happen often and is recorded seldom; what others tell. */
#include "line/test-in.h"

static size_t
records(const char *kind)
{
	size_t n = 0;

	for (size_t i = 0; i < outs_n; i++)
		n += outs[i].m.kind == MSG_RECORD &&
		     str_eq(jv_str(jv_get(
				msg_tree(&outs[i].m, F_REC), STR("kind"))),
			 str_of(kind));
	return n;
}

static int64_t
counted(void)
{
	int64_t n = 0;

	if (jv_i64(jv_get(msg_tree(sent(MSG_RECORD), F_REC), STR("count")),
		&n) != OK)
		return 0;
	return n;
}

static void
test_seldom(struct line *l)
{
	struct upstream *u = &l->up[0];

	forget();
	upstream_failed(l, u, "it hung up", "the call failed");
	ok(records("failure") == 1 && counted() == 0,
	    "the first failure is recorded at once");
	for (int i = 0; i < 5; i++)
		upstream_failed(l, u, "it hung up again", "the call failed");
	upstream_failed(l, &l->up[1], "another", "the call failed");
	ok(records("failure") == 2, "the next of the same server is not");
	(void)line_tick(l);
	ok(records("failure") == 2, "nor before its minute is over");
	clock_ns += UINT64_C(61000000000);
	(void)line_tick(l);
	ok(records("failure") == 3 && counted() == 5 &&
		str_eq(jv_str(jv_get(
			   msg_tree(sent(MSG_RECORD), F_REC), STR("reason"))),
		    STR("it hung up again")),
	    "then how many, and how the last was");
	(void)line_tick(l);
	ok(records("failure") == 3, "and once");
	credential_refused(l, KNOCK_NONE, "none came");
	credential_refused(l, KNOCK_NONE, "none came");
	ok(records("credential") == 1, "credentials likewise");
	ok(line_stop(l, STR("terminated")) > 0 && records("credential") == 2 &&
		records("stop") == 1,
	    "the end writes what was counted, then that it is the end");
}

static void
test_lost(struct line *l)
{
	line_ledger_lost(l);
	forget();
	clock_ns += UINT64_C(200000000000);
	upstream_failed(l, &l->up[0], "while nothing records", "it failed");
	ok(records("failure") == 0, "without a ledger nothing is recorded");
	ok(line_stop(l, STR("x")) == 0, "nor is it called recorded");
}

int
main(void)
{
	struct line *l = fresh();

	test_seldom(l);
	test_lost(l);
	line_free(l);
	forget();
	return tap_done();
}
