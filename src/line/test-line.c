/* test-line: what the line promises, step by step. */
#include "line/test-in.h"

static void
test_call(void)
{
	struct line *l = fresh();

	request(l, 0, MCP_MODERN, "tools/call",
	    "{\"name\":\"fs___read\",\"arguments\":{\"p\":1}}", 'a');
	ok(sent(MSG_RECORD) != NULL && sent(MSG_HOP_OPEN) == NULL,
	    "the decision is recorded before anything goes upstream");
	ok(msg_num(sent(MSG_RECORD), F_SEQ) == 44,
	    "numbering goes on, after the boundary and who it is");
	ack(l, false);
	ok(sent(MSG_HOP_OPEN) == NULL, "strict: written is not durable");
	ack(l, true);
	ok(sent(MSG_HOP_OPEN) != NULL, "durable: the hop is opened");
	opened(l, MCP_MODERN, "{\"tools\":{}}");
	ok(sent(MSG_UP_CALL) != NULL &&
		str_eq(jv_str(jv_get(
			   msg_tree(sent(MSG_UP_CALL), F_PARAMS), STR("name"))),
		    STR("read")),
	    "the call goes out under the server's own name");
	answered(l, 0, "{\"content\":[],\"x\":\"y\"}");
	ok(sent(MSG_ANSWER) == NULL, "no answer before its outcome record");
	ack(l, false);
	ok(result_has("x", "y"), "then the answer leaves");
	ok(line_busy(l) == 0, "nothing is left over");
	forget();
	line_free(l);
}

static void
test_denied(void)
{
	static const struct {
		const char *params;
		char who;
		unsigned where;
		const char *what;
	} t[] = {
		{ "{\"name\":\"write\"}", 'a', 1, "a deny rule wins" },
		{ "{\"name\":\"read\"}", 'b', 1, "no rule is a refusal" },
		{ "{\"name\":\"read\"}", 'c', 1, "an unknown credential" },
		{ "{\"name\":\"read\"}", 'a', 9, "no such endpoint" },
		{ "{\"name\":\"nope___read\"}", 'a', 0, "no such server" },
		{ "{\"x\":1}", 'a', 1, "no name" },
	};

	for (size_t i = 0; i < countof(t); i++) {
		struct line *l = fresh();

		request(l, t[i].where, MCP_MODERN, "tools/call", t[i].params,
		    t[i].who);
		ok(sent(MSG_RECORD) != NULL && sent(MSG_ANSWER) == NULL,
		    "%s: recorded first", t[i].what);
		ok(str_eq(jv_str(jv_get(msg_tree(sent(MSG_RECORD), F_REC),
			      STR("verdict"))),
		       STR("deny")),
		    "%s: as a denial", t[i].what);
		ack(l, false);
		ok(sent(MSG_ANSWER) != NULL && sent(MSG_HOP_OPEN) == NULL,
		    "%s: told, and nothing upstream", t[i].what);
		forget();
		line_free(l);
	}
}

static void
test_ledger_lost(void)
{
	struct line *l = fresh();

	line_ledger_lost(l);
	request(l, 1, MCP_MODERN, "tools/call", "{\"name\":\"read\"}", 'a');
	ok(sent(MSG_HOP_OPEN) == NULL && sent(MSG_ANSWER) != NULL &&
		msg_num(sent(MSG_ANSWER), F_STATUS) == 503,
	    "no ledger, no call");
	forget();
	line_free(l);
	l = fresh();
	request(l, 1, MCP_MODERN, "tools/call", "{\"name\":\"read\"}", 'a');
	line_ledger_lost(l);
	ok(sent(MSG_HOP_OPEN) == NULL &&
		msg_num(sent(MSG_ANSWER), F_STATUS) == 503,
	    "lost while it wrote: refused");
	forget();
	line_free(l);
}

static void
test_back_lost(void)
{
	struct line *l = fresh();

	request(l, 1, MCP_MODERN, "tools/call", "{\"name\":\"read\"}", 'a');
	ack(l, true);
	opened(l, MCP_MODERN, "{}");
	line_back_lost(l, 0);
	ack(l, false);
	ok(msg_num(sent(MSG_ANSWER), F_STATUS) == 504,
	    "a lost back: the outcome is unknown");
	ok(line_busy(l) == 0, "and the turn is over");
	forget();
	line_free(l);
}

static void
test_session(void)
{
	struct line *l = fresh();
	char id[64];

	begin_session(l, "{\"tools\":{\"listChanged\":true},\"tasks\":{}}");
	ok(result_has("protocolVersion", "2025-06-18"), "version is kept");
	ok(jv_type(jv_at(msg_tree(sent(MSG_ANSWER), F_RESULT),
	       "capabilities/tools")) == J_OBJ &&
		jv_type(jv_at(msg_tree(sent(MSG_ANSWER), F_RESULT),
		    "capabilities/tasks")) == J_NONE,
	    "capabilities are narrowed");
	session_name(id);
	forget();
	legacy(l, id, "tools/list", "{}", 'a');
	ack(l, true);
	answered(l, 0,
	    "{\"tools\":[{\"name\":\"read\",\"inputSchema\":{}},"
	    "{\"name\":\"write\",\"inputSchema\":{}}]}");
	ack(l, false);
	ok(jv_count(
	       jv_get(msg_tree(sent(MSG_ANSWER), F_RESULT), STR("tools"))) == 1,
	    "a denied tool is not shown");
	forget();
	legacy(l, id, "tools/list", "{}", 'b');
	ack(l, false);
	ok(msg_num(sent(MSG_ANSWER), F_STATUS) == 404,
	    "somebody else's session does not exist");
	forget();
	legacy(l, "0-00", "tools/list", "{}", 'a');
	ack(l, false);
	ok(msg_num(sent(MSG_ANSWER), F_STATUS) == 404, "nor one never opened");
	forget();
	line_free(l);
}

static void
test_ask(void)
{
	struct line *l = fresh();
	struct msg r = msg_of(MSG_REPLY);
	struct buf no = { .max = 64 };
	char id[64], cred[32];

	begin_session(l, "{\"tools\":{}}");
	session_name(id);
	forget();
	legacy(l, id, "tools/call", "{\"name\":\"read\"}", 'a');
	ack(l, true);
	server_asks_now(l, "sampling/createMessage", true);
	ok(sent(MSG_UP_REPLY) != NULL && sent(MSG_EVENT) == NULL,
	    "what the agent did not declare is refused");
	server_asks_now(l, "elicitation/create", true);
	ok(sent(MSG_EVENT) != NULL &&
		(msg_num(sent(MSG_EVENT), F_FLAGS) & MF_REQUEST),
	    "what it declared is asked");
	buf_str(&no, jv_bytes(msg_tree(sent(MSG_EVENT), F_ID)));
	memset(cred, 'a', sizeof(cred));
	msg_set(&r, F_WHERE, 1);
	msg_set(&r, F_ERA, MCP_LEGACY);
	msg_set_text(&r, F_ID, buf_view(&no));
	msg_set_text(&r, F_SESSION, str_of(id));
	msg_set_text(&r, F_CRED, (struct str){ cred, sizeof(cred) });
	msg_set_tree(&r, F_RESULT, tape("{\"action\":\"accept\"}"));
	forget();
	memset(cred, 'b', sizeof(cred));
	line_from_front(l, 0, &r);
	ok(sent(MSG_UP_REPLY) == NULL, "nobody else may answer it");
	memset(cred, 'a', sizeof(cred));
	line_from_front(l, 0, &r);
	ok(sent(MSG_UP_REPLY) != NULL &&
		str_eq(
		    jv_str(msg_tree(sent(MSG_UP_REPLY), F_ID)), STR("srv-0")),
	    "the reply goes back under the server's id");
	forget();
	line_from_front(l, 0, &r);
	ok(sent(MSG_UP_REPLY) == NULL, "and only once");
	buf_done(&no);
	forget();
	line_free(l);
}

/* A legacy server asks a modern agent: the call is held, sealed, continued. */
static void
test_held(void)
{
	struct line *l = fresh();
	struct str state;
	uint64_t first;

	request(l, 1, MCP_MODERN, "tools/call",
	    "{\"name\":\"read\",\"arguments\":{\"a\":1}}", 'a');
	ack(l, true);
	opened(l, MCP_LEGACY, "{\"tools\":{}}");
	first = msg_num(sent(MSG_UP_CALL), F_CALL);
	server_asks_now(l, "elicitation/create", false);
	ok(sent(MSG_SEAL) != NULL, "the state is sealed");
	state = str_keep(msg_text(sent(MSG_SEAL), F_BYTES));
	keys_say(l, MSG_SEALED, F_TEXT, STR("opaque"));
	ok(result_has("resultType", "input_required") &&
		result_has("requestState", "0-opaque"),
	    "the agent is asked for inputs");
	forget();
	request(l, 1, MCP_MODERN, "tools/call",
	    "{\"name\":\"read\",\"arguments\":{\"a\":2},\"requestState\":"
	    "\"0-opaque\",\"inputResponses\":{\"r1\":{\"action\":\"accept\"}}}",
	    'a');
	keys_say(l, MSG_UNSEALED, F_BYTES, state);
	ack(l, false);
	ok(error_code() == -32602, "other arguments: refused");
	forget();
	request(l, 1, MCP_MODERN, "tools/call",
	    "{\"name\":\"read\",\"arguments\":{\"a\":1},\"requestState\":"
	    "\"0-opaque\",\"inputResponses\":{\"r1\":{\"action\":\"accept\"}}}",
	    'a');
	keys_say(l, MSG_UNSEALED, F_BYTES, state);
	ack(l, true);
	ok(sent(MSG_UP_REPLY) != NULL && sent(MSG_UP_CALL) == NULL,
	    "the same call goes on: the server gets its reply");
	{
		struct msg m = msg_of(MSG_UP_ANSWER);

		msg_set(&m, F_CALL, first);
		msg_set_tree(&m, F_RESULT, tape("{\"done\":\"yes\"}"));
		line_from_back(l, 0, &m);
	}
	ack(l, false);
	ok(result_has("done", "yes"), "and its answer is the retry's");
	ok(line_busy(l) == 0, "both turns are over");
	drop(&state);
	forget();
	line_free(l);
}

/* A modern server's state, bound to the call it was given for. */
static void
test_sealed(void)
{
	struct line *l = fresh();
	struct str state;

	request(l, 1, MCP_MODERN, "tools/call",
	    "{\"name\":\"read\",\"arguments\":{\"a\":1}}", 'a');
	ack(l, true);
	opened(l, MCP_MODERN, "{}");
	answered(l, 0,
	    "{\"resultType\":\"input_required\",\"inputRequests\":{\"k\":{"
	    "\"method\":\"elicitation/create\"}},\"requestState\":\"theirs\"}");
	ok(sent(MSG_SEAL) != NULL, "their state is sealed");
	state = str_keep(msg_text(sent(MSG_SEAL), F_BYTES));
	keys_say(l, MSG_SEALED, F_TEXT, STR("ours"));
	ack(l, false);
	ok(result_has("requestState", "0-ours"), "the agent carries ours");
	forget();
	request(l, 1, MCP_MODERN, "tools/call",
	    "{\"name\":\"other\",\"arguments\":{\"a\":1},\"requestState\":"
	    "\"ours\"}",
	    'a');
	keys_say(l, MSG_UNSEALED, F_BYTES, state);
	ack(l, false);
	ok(error_code() == -32602 && sent(MSG_UP_CALL) == NULL,
	    "for another tool it is refused");
	forget();
	request(l, 1, MCP_MODERN, "tools/call",
	    "{\"name\":\"read\",\"arguments\":{\"a\":1},\"requestState\":"
	    "\"ours\"}",
	    'a');
	keys_say(l, MSG_UNSEALED, F_BYTES, state);
	ack(l, true);
	ok(sent(MSG_UP_CALL) != NULL &&
		str_eq(jv_str(jv_get(msg_tree(sent(MSG_UP_CALL), F_PARAMS),
			   STR("requestState"))),
		    STR("theirs")),
	    "for this call the server gets its own back");
	drop(&state);
	forget();
	line_free(l);
}

static void
test_gone(void)
{
	struct line *l = fresh();
	struct msg m = msg_of(MSG_GONE);

	request(l, 1, MCP_MODERN, "tools/call", "{\"name\":\"read\"}", 'a');
	ack(l, true);
	opened(l, MCP_MODERN, "{}");
	msg_set(&m, F_REF, next_ref - 1);
	line_from_front(l, 0, &m);
	ok(sent(MSG_UP_CANCEL) != NULL, "modern: gone is cancelled");
	ack(l, false);
	ok(sent(MSG_ANSWER) == NULL && line_busy(l) == 0,
	    "recorded, not answered");
	forget();
	request(l, 1, MCP_MODERN, "tools/call", "{\"name\":\"read\"}", 'a');
	msg_set(&m, F_REF, next_ref - 1);
	line_from_front(l, 0, &m);
	ack(l, true);
	ack(l, false);
	ok(sent(MSG_UP_CALL) == NULL && line_busy(l) == 0,
	    "gone while it was recorded: never sent");
	forget();
	line_free(l);
}

static void
test_aggregate(void)
{
	struct line *l = fresh();

	request(l, 0, MCP_MODERN, "tools/list", "{}", 'a');
	ack(l, true);
	forget();
	/* hops 0 and 1 were opened in order; open them by hand */
	for (unsigned up = 0; up < 2; up++) {
		struct msg m = msg_of(MSG_HOP_OPENED);

		msg_set(&m, F_HOP,
		    l->hop_ids.at[up].gen == 0
			? 0
			: ((struct hop *)l->hop_ids.at[up].p)->id);
		msg_set(&m, F_STATUS, 0);
		msg_set(&m, F_ERA, MCP_LEGACY);
		msg_set_tree(&m, F_CAPS, tape("{\"tools\":{}}"));
		line_from_back(l, up, &m);
		answered(l, up,
		    up == 0 ? "{\"tools\":[{\"name\":\"read\"},{\"name\":"
			      "\"write\"}]}"
			    : "{\"tools\":[{\"name\":\"get\"},{\"name\":"
			      "\"get\"}]}");
	}
	ack(l, false);
	{
		const struct jv tools =
		    jv_get(msg_tree(sent(MSG_ANSWER), F_RESULT), STR("tools"));
		struct jit it = jit_of(tools);
		struct jv v;

		ok(jv_count(tools) == 2, "cut, merged, doubles dropped");
		ok(jit_next(&it, NULL, &v) &&
			str_eq(
			    jv_str(jv_get(v, STR("name"))), STR("fs___read")),
		    "named by server, in order");
	}
	forget();
	line_free(l);
}

int
main(void)
{
	test_call();
	test_denied();
	test_ledger_lost();
	test_back_lost();
	test_session();
	test_ask();
	test_held();
	test_sealed();
	test_gone();
	test_aggregate();
	return tap_done();
}
