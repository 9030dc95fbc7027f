/*
 * test-line-2: peers that break the rules: a front, a back or an agent that
 * says what it should not, twice, late, or too much of.
 */
#include "line/test-in.h"

static const char asks_two[] =
    "{\"resultType\":\"input_required\",\"inputRequests\":{"
    "\"k\":{\"method\":\"elicitation/create\",\"params\":{\"message\":\"a\"}},"
    "\"m\":{\"method\":\"elicitation/create\",\"params\":{\"message\":\"b\"}}},"
    "\"requestState\":\"s\"}";

/* A modern server asks a legacy agent twice, and both are refused. */
static void
test_refused_twice(void)
{
	struct line *l = fresh();
	char id[64];

	begin_session_at(l, MCP_MODERN, "{\"tools\":{}}");
	session_name(id);
	forget();
	legacy(l, id, "tools/call", "{\"name\":\"read\"}", 'a');
	ack(l, true);
	answered(l, 0, asks_two);
	ok(sent_n(MSG_EVENT) == 2, "two questions go to the agent");
	reply(l, id, 1, NULL);
	ok(sent(MSG_ANSWER) == NULL, "a refusal waits for its outcome record");
	reply(l, id, 2, NULL);
	ok(sent(MSG_ANSWER) == NULL, "a second refusal does not overtake it");
	ack(l, false);
	ok(sent_n(MSG_ANSWER) == 1 && line_busy(l) == 0, "answered once");
	forget();
	line_free(l);
}

/* Questions of a call that is over are nobody's any more. */
static void
test_asks_end(void)
{
	struct line *l = fresh();
	char id[64];

	begin_session_at(l, MCP_MODERN, "{\"tools\":{}}");
	session_name(id);
	for (int i = 0; i < ASKS_MAX; i++) {
		forget();
		legacy(l, id, "tools/call", "{\"name\":\"read\"}", 'a');
		ack(l, true);
		answered(l, 0, asks_two);
		if (i == 0)
			ok(sent_n(MSG_EVENT) == 2, "asked");
		reply(l, id, (int64_t)i * 2 + 1, NULL);
		ack(l, false);
	}
	ok(sent_n(MSG_EVENT) == 2 && sent_n(MSG_ANSWER) == 1,
	    "refused calls do not use up the places for questions");
	forget();
	line_free(l);
}

/* The held state cannot be sealed, and then the server answers after all. */
static void
test_seal_fails(void)
{
	struct line *l = fresh();
	struct msg m = msg_of(MSG_SEALED);
	uint64_t call;

	request(l, 1, MCP_MODERN, "tools/call", "{\"name\":\"read\"}", 'a');
	ack(l, true);
	opened(l, MCP_LEGACY, "{\"tools\":{}}");
	call = msg_num(sent(MSG_UP_CALL), F_CALL);
	server_asks_now(l, "elicitation/create", true);
	msg_set(&m, F_CALL, msg_num(sent(MSG_SEAL), F_CALL));
	msg_set(&m, F_STATUS, 1);
	line_from_keys(l, &m);
	ok(sent(MSG_ANSWER) == NULL && sent(MSG_UP_CANCEL) != NULL,
	    "no seal: the call is taken back and the outcome recorded");
	answered(l, 0, "{\"late\":true}");
	ok(sent(MSG_ANSWER) == NULL && call > 0,
	    "a late answer does not overtake the record");
	ack(l, false);
	ok(sent_n(MSG_ANSWER) == 1 && line_busy(l) == 0, "answered once");
	forget();
	line_free(l);
}

/* The server does not wait for what it asked for. */
static void
test_answer_while_sealing(void)
{
	struct line *l = fresh();
	struct str state;

	request(l, 1, MCP_MODERN, "tools/call", "{\"name\":\"read\"}", 'a');
	ack(l, true);
	opened(l, MCP_LEGACY, "{\"tools\":{}}");
	server_asks_now(l, "elicitation/create", true);
	answered(l, 0, "{\"done\":\"yes\"}");
	keys_say(l, MSG_SEALED, F_TEXT, STR("opaque"));
	ok(sent(MSG_ANSWER) == NULL, "nothing leaves before the outcome");
	ack(l, false);
	ok(result_has("done", "yes") && sent_n(MSG_ANSWER) == 1,
	    "the answer is the server's, not the question");
	forget();
	request(l, 1, MCP_MODERN, "tools/call", "{\"name\":\"read\"}", 'a');
	ack(l, true);
	server_asks_now(l, "elicitation/create", true);
	state = str_keep(msg_text(sent(MSG_SEAL), F_BYTES));
	keys_say(l, MSG_SEALED, F_TEXT, STR("opaque"));
	answered(l, 0, "{\"done\":\"kept\"}");
	forget();
	request(l, 1, MCP_MODERN, "tools/call",
	    "{\"name\":\"read\",\"requestState\":\"opaque\","
	    "\"inputResponses\":{\"r1\":{}}}",
	    'a');
	keys_say(l, MSG_UNSEALED, F_BYTES, state);
	ack(l, true);
	ack(l, false);
	ok(result_has("done", "kept"), "an answer meanwhile is kept for it");
	ack(l, false);
	ok(line_busy(l) == 0, "and nothing is left over");
	drop(&state);
	forget();
	line_free(l);
}

int
main(void)
{
	test_refused_twice();
	test_asks_end();
	test_seal_fails();
	test_answer_while_sealing();
	return tap_done();
}
