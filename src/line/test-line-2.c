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

static void
denied_by(struct line *l, const struct said *s, const char *what)
{
	forget();
	say(l, s);
	if (sent(MSG_RECORD) != NULL)
		ack(l, true);
	ok(sent(MSG_ANSWER) != NULL && sent(MSG_HOP_OPEN) == NULL &&
		sent(MSG_UP_CALL) == NULL && line_busy(l) == 0,
	    "%s", what);
}

/* A front that is owned says in each field what it likes. */
static void
test_hostile_front(void)
{
	static const struct {
		struct said s;
		const char *what;
	} t[] = {
		{ { .where = 1,
		      .era = 7,
		      .name = "tools/call",
		      .params = "{\"name\":\"read\"}" },
		    "an era that is none" },
		{ { .where = 1,
		      .era = 7,
		      .name = "initialize",
		      .params = "{\"protocolVersion\":\"2025-06-18\"}" },
		    "an era that is none opens no session" },
		{ { .where = 0,
		      .era = MCP_MODERN,
		      .method = MCP_TOOLS_CALL,
		      .name = "resources/read",
		      .params = "{\"name\":\"web___rm\"}",
		      .who = 'b' },
		    "policy judges the method that is sent" },
		{ { .where = 1,
		      .era = MCP_MODERN,
		      .method = MCP__N,
		      .name = "tools/call",
		      .params = "{\"name\":\"read\"}" },
		    "a method beyond the table" },
		{ { .where = 0,
		      .era = MCP_MODERN,
		      .name = "tools/list",
		      .params = "[1,2]" },
		    "params that are no object" },
		{ { .where = 1,
		      .era = MCP_MODERN,
		      .method = UINT64_MAX,
		      .name = "\xff\xfe",
		      .params = "{\"name\":\"read\"}" },
		    "a method that is no text" },
	};
	struct line *l = fresh();

	for (size_t i = 0; i < countof(t); i++) {
		denied_by(l, &t[i].s, t[i].what);
		ok(sent(MSG_RECORD) != NULL && error_code() != MCP_E_LEDGER,
		    "%s: and it is recorded", t[i].what);
	}
	ok(map_count(l->sessions) == 0, "no session was opened");
	forget();
	line_free(l);
}

static void
test_ref_twice(void)
{
	const struct said s = { .where = 1,
		.ref = 7,
		.era = MCP_MODERN,
		.name = "tools/call",
		.params = "{\"name\":\"read\"}" };
	struct line *l = fresh();

	say(l, &s);
	ack(l, true);
	opened(l, MCP_MODERN, "{}");
	say(l, &s);
	ok(sent(MSG_UP_CANCEL) != NULL, "a ref said again ends the old call");
	gone(l, 0, 7);
	ack(l, true);
	ack(l, true);
	ok(line_busy(l) == 0, "and one GONE ends the new one");
	say(l, &s);
	ack(l, true);
	say(l, &s);
	line_front_lost(l, 0);
	ack(l, true);
	ack(l, true);
	ok(line_busy(l) == 0, "a lost front leaves nothing behind");
	forget();
	line_free(l);
}

/* What is judged is what the server will look at. */
static void
test_names(void)
{
	static const struct {
		const char *method, *params, *what;
	} t[] = {
		{ "completion/complete",
		    "{\"ref\":{\"type\":\"ref/resource\",\"name\":\"read\","
		    "\"uri\":\"write\"}}",
		    "a completion with two names" },
		{ "tools/call", "{\"name\":\"\"}", "an empty name" },
		{ "completion/complete",
		    "{\"ref\":{\"type\":\"ref/other\",\"name\":\"read\"}}",
		    "a completion of an unknown kind" },
		{ "completion/complete",
		    "{\"ref\":{\"type\":\"ref/resource\",\"uri\":\"write\"}}",
		    "a completion of a denied resource" },
	};
	struct line *l = fresh();
	struct said s = { .where = 1, .era = MCP_MODERN };
	static char big[400000];

	for (size_t i = 0; i < countof(t); i++) {
		s.name = t[i].method;
		s.params = t[i].params;
		denied_by(l, &s, t[i].what);
	}
	(void)snprintf(big, sizeof(big), "{\"uri\":\"%0*d\"}", 300000, 7);
	s.where = 0;
	s.name = "resources/read";
	s.params = big;
	denied_by(l, &s, "a URI of 300000 bytes");
	ok(error_code() == MCP_E_PARAMS &&
		jv_str(jv_get(msg_tree(sent(MSG_RECORD), F_REC), STR("name")))
			.n < 10000,
	    "is refused as such, and its record is short");
	forget();
	line_free(l);
}

/* Words of a server, cut in the middle of a letter, or no words at all. */
static void
test_words(void)
{
	struct line *l = fresh();
	struct buf b = { .max = 4096 };
	struct msg m = msg_of(MSG_UP_ANSWER);

	request(l, 1, MCP_MODERN, "tools/call", "{\"name\":\"read\"}", 'a');
	ack(l, true);
	opened(l, MCP_MODERN, "{}");
	buf_str(&b, STR("{\"code\":-5,\"message\":\""));
	for (int i = 0; i < 300; i++)
		buf_str(&b, STR("\xc3\xa9"));
	buf_str(&b, STR("\"}"));
	buf_ch(&b, '\0');
	msg_set(&m, F_CALL, msg_num(sent(MSG_UP_CALL), F_CALL));
	msg_set_tree(&m, F_ERROR, tape(b.p));
	line_from_back(l, 0, &m);
	ack(l, true);
	ok(error_code() == -5, "an error with long words is passed on");
	forget();
	request(l, 1, MCP_MODERN, "tools/call", "{\"name\":\"read\"}", 'a');
	ack(l, true);
	m = msg_of(MSG_UP_ANSWER);
	msg_set(&m, F_CALL, msg_num(sent(MSG_UP_CALL), F_CALL));
	msg_set(&m, F_STATUS, 401);
	msg_set_text(&m, F_TEXT, STR("\xff\xfe"));
	line_from_back(l, 0, &m);
	ack(l, true);
	ok(error_code() == MCP_E_UPSTREAM &&
		msg_num(sent(MSG_ANSWER), F_STATUS) == 502,
	    "no words and a status of its own: 502");
	buf_done(&b);
	forget();
	line_free(l);
}

static void
list_changed(struct line *l, uint64_t hop)
{
	struct msg m = msg_of(MSG_UP_EVENT);

	msg_set(&m, F_HOP, hop);
	msg_set_text(&m, F_NAME, STR("notifications/prompts/list_changed"));
	line_from_back(l, 0, &m);
}

/* Servers that load as they start tell of it before they are asked. */
static void
test_early_change(void)
{
	struct msg n = msg_of(MSG_NOTICE);
	struct line *l = fresh();
	uint64_t hop;
	char cred[32];

	request(l, 1, MCP_LEGACY, "initialize",
	    "{\"protocolVersion\":\"2025-06-18\"}", 'a');
	ack(l, true);
	hop = msg_num(sent(MSG_HOP_OPEN), F_HOP);
	list_changed(l, hop);
	opened(l, MCP_LEGACY, "{\"prompts\":{\"listChanged\":true}}");
	list_changed(l, hop);
	ack(l, false);
	list_changed(l, hop);
	ok(sent(MSG_ANSWER) != NULL && sent(MSG_EVENT) == NULL,
	    "a change before initialized is nobody's news");
	memset(cred, 'a', sizeof(cred));
	msg_set(&n, F_WHERE, 1);
	msg_set(&n, F_ERA, MCP_LEGACY);
	msg_set(&n, F_METHOD, MCP_INITIALIZED);
	msg_set_text(&n, F_SESSION, msg_text(sent(MSG_ANSWER), F_SESSION));
	msg_set_text(&n, F_CRED, (struct str){ cred, sizeof(cred) });
	line_from_front(l, 0, &n);
	{
		struct msg m = msg_of(MSG_STREAM);

		msg_set(&m, F_REF, next_ref++);
		msg_set(&m, F_WHERE, 1);
		msg_set_text(
		    &m, F_SESSION, msg_text(sent(MSG_ANSWER), F_SESSION));
		msg_set_text(&m, F_CRED, (struct str){ cred, sizeof(cred) });
		line_from_front(l, 0, &m);
	}
	list_changed(l, hop);
	ok(sent(MSG_EVENT) != NULL &&
		str_eq(msg_text(sent(MSG_EVENT), F_NAME),
		    STR("notifications/prompts/list_changed")),
	    "a change after it is told");
	forget();
	line_free(l);
}

static struct jv
up_param(const char *key)
{
	return jv_get(msg_tree(sent(MSG_UP_CALL), F_PARAMS), str_of(key));
}

/* A modern server wants nothing but its state back: no agent need know. */
static void
test_state_only(void)
{
	struct line *l = fresh();
	char id[64], more[96];

	begin_session_at(l, MCP_MODERN, "{\"tools\":{}}");
	session_name(id);
	forget();
	legacy(l, id, "tools/call", "{\"name\":\"read\",\"x\":1}", 'a');
	ack(l, true);
	answered(l, 0, asks_two);
	reply(l, id, 1, "{\"action\":\"accept\"}");
	reply(l, id, 2, "{\"action\":\"accept\"}");
	ack(l, true);
	ok(str_eq(jv_str(up_param("requestState")), STR("s")) &&
		jv_count(up_param("inputResponses")) == 2,
	    "inputs go back with their state");
	for (int i = 0; i <= ROUNDS_MAX; i++) {
		(void)snprintf(more, sizeof(more),
		    "{\"resultType\":\"input_required\","
		    "\"requestState\":\"s%d\"}",
		    i);
		answered(l, 0, more);
		if (i == ROUNDS_MAX)
			break;
		ok(record_has("kind", "decision") &&
			record_has("verdict", "allow"),
		    "a state alone: the call is decided anew");
		ack(l, true);
		ok(jv_type(up_param("x")) == J_NUM &&
			jv_str(up_param("requestState")).n == 2 &&
			jv_type(up_param("inputResponses")) == J_NONE,
		    "and sent with it, without what an earlier round had");
	}
	ack(l, true);
	ok(error_code() == MCP_E_UPSTREAM && line_busy(l) == 0,
	    "but not without end");
	forget();
	legacy(l, id, "tools/call", "{\"name\":\"read\"}", 'a');
	ack(l, true);
	answered(
	    l, 0, "{\"resultType\":\"input_required\",\"requestState\":\"t\"}");
	ack(l, true);
	answered(l, 0, "{\"content\":[],\"done\":\"yes\"}");
	ack(l, true);
	ok(result_has("done", "yes"), "a server that then answers is heard");
	forget();
	line_free(l);
}

int
main(void)
{
	test_state_only();
	test_hostile_front();
	test_ref_twice();
	test_names();
	test_words();
	test_refused_twice();
	test_asks_end();
	test_seal_fails();
	test_answer_while_sealing();
	test_early_change();
	return tap_done();
}
