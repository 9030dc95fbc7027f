/*
 * test-limits: what one principal may use up: records of its refusals,
 * sessions.
 */
#include "line/test-in.h"

static const uint64_t second = 1000000000;

static size_t
records_of(const char *verdict)
{
	size_t n = 0;

	for (size_t i = 0; i < outs_n; i++)
		n += outs[i].m.kind == MSG_RECORD &&
		     str_eq(jv_str(jv_get(
				msg_tree(&outs[i].m, F_REC), STR("verdict"))),
			 str_of(verdict));
	return n;
}

static uint64_t
counted(void)
{
	int64_t n = 0;

	return record_has("kind", "refusals") &&
		       jv_i64(jv_get(msg_tree(sent(MSG_RECORD), F_REC),
				  STR("count")),
			   &n) == OK
		   ? (uint64_t)n
		   : 0;
}

/* A flood of refusals fills no disk; each is answered, none is lost. */
static void
test_folded(void)
{
	struct line *l = fresh();
	struct msg m = msg_of(MSG_REFUSED);

	l->max_refusals = 3;
	clock_ns += second;
	for (int i = 0; i < 10; i++) {
		request(l, 1, MCP_MODERN, "tools/call", "{\"name\":\"write\"}",
		    'a');
		ack(l, false);
	}
	ok(records_of("deny") == 3 && sent_n(MSG_ANSWER) == 10 &&
		line_busy(l) == 0,
	    "so many refusals are recorded, all are answered");
	for (int i = 0; i < 5; i++) {
		request(
		    l, 1, MCP_MODERN, "tools/call", "{\"name\":\"read\"}", 'a');
		ack(l, true);
	}
	ok(records_of("allow") == 5, "what is allowed is recorded, each of it");
	forget();
	request(l, 1, MCP_MODERN, "tools/call", "{\"name\":\"read\"}", 'b');
	ok(records_of("deny") == 1, "another's refusals are another's");
	ack(l, false);
	line_tick(l);
	ok(counted() == 7 && record_has("principal", "alice"),
	    "the rest is one record with its count");
	forget();
	line_tick(l);
	ok(sent(MSG_RECORD) == NULL, "once");
	clock_ns += second;
	request(l, 1, MCP_MODERN, "tools/call", "{\"name\":\"write\"}", 'a');
	ok(records_of("deny") == 1, "the next second begins anew");
	ack(l, false);
	forget();
	msg_set(&m, F_WHERE, 1);
	msg_set(&m, F_STATUS, 400);
	msg_set_text(&m, F_TEXT, STR("no JSON"));
	for (int i = 0; i < 10; i++)
		line_from_front(l, 0, &m);
	ok(records_of("deny") == 3, "what fronts refuse counts as well");
	forget();
	line_tick(l);
	ok(counted() == 7 && !record_has("principal", "alice"),
	    "to nobody's account where nobody is known");
	l->max_refusals = 0;
	forget();
	for (int i = 0; i < 10; i++)
		line_from_front(l, 0, &m);
	ok(records_of("deny") == 10, "and without a limit each is recorded");
	forget();
	line_free(l);
}

/* What is counted is written at the end as well. */
static void
test_folded_end(void)
{
	struct line *l = fresh();

	l->max_refusals = 1;
	for (int i = 0; i < 3; i++) {
		request(l, 1, MCP_MODERN, "tools/call", "{\"name\":\"write\"}",
		    'a');
		ack(l, false);
	}
	line_ledger_lost(l);
	request(l, 1, MCP_MODERN, "tools/call", "{\"name\":\"write\"}", 'a');
	ok(msg_num(sent(MSG_ANSWER), F_STATUS) == 503,
	    "without a ledger nothing is counted, it is said");
	line_tick(l);
	first_word(l);
	forget();
	line_free(l);
	ok(counted() == 2, "the count outlives the ledger, not the line");
	forget();
}

static unsigned
opens(struct line *l, char who)
{
	forget();
	request(l, 1, MCP_LEGACY, "initialize",
	    "{\"protocolVersion\":\"2025-06-18\"}", who);
	ack(l, true);
	if (sent(MSG_HOP_OPEN) != NULL)
		opened(l, MCP_LEGACY, "{}");
	ack(l, true);
	return (unsigned)msg_num(sent(MSG_ANSWER), F_STATUS);
}

static void
test_own_sessions(void)
{
	struct line *l = fresh();
	const struct session *s;
	size_t at = 0;
	void *v = NULL;

	l->own_sessions = 2;
	ok(opens(l, 'a') == 0 && opens(l, 'a') == 0, "sessions of a principal");
	ok(opens(l, 'a') == 429 && record_has("verdict", "deny"),
	    "one more than its own is refused and recorded");
	ok(opens(l, 'b') != 429, "and is no other's matter");
	ok(map_next(l->sessions, &at, NULL, &v), "there is one");
	s = v;
	ok(s != NULL && s->principal->sessions > 0, "that counts");
	clock_ns += l->session_idle_ns + second;
	line_tick(l);
	ok(opens(l, 'a') == 0, "those that ended leave room");
	forget();
	line_free(l);
}

static void
test_part(void)
{
	static const char image[] =
	    "{\"cells\":4,\"limits\":{\"principal_sessions\":10},"
	    "\"principals\":[],\"anonymous\":\"\",\"servers\":[],"
	    "\"endpoints\":[],\"rules\":[]}";
	struct line *l = fresh_of(image);

	ok(l != NULL && l->own_sessions == 3, "a cell gives its part of ten");
	forget();
	line_free(l);
}

int
main(void)
{
	test_folded();
	test_folded_end();
	test_own_sessions();
	test_part();
	return tap_done();
}
