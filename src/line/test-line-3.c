/*
 * test-line-3: what is bounded, what ends by itself, and what must not cross
 * from one peer to another.
 */
#include "line/test-in.h"

static const uint64_t second = 1000000000;

static void
test_stdio_session(void)
{
	struct said s = { .where = 1,
		.era = MCP_LEGACY,
		.flags = MF_STDIO,
		.name = "initialize",
		.params = "{\"protocolVersion\":\"2025-06-18\"}" };
	struct line *l = fresh();

	say(l, &s);
	ack(l, true);
	opened(l, MCP_LEGACY, "{}");
	ack(l, false);
	ok(map_count(l->sessions) == 1, "a session on stdio");
	forget();
	legacy(l, "stdio-0", "tools/list", "{}", 'a');
	ack(l, false);
	ok(msg_num(sent(MSG_ANSWER), F_STATUS) == 404,
	    "over HTTP it does not exist");
	line_front_lost(l, 0);
	ok(map_count(l->sessions) == 0, "it ends with its front");
	forget();
	line_free(l);
}

static void
test_many_hops(void)
{
	struct said s = { .where = 1,
		.era = MCP_MODERN,
		.name = "tools/list",
		.params = "{}" };
	struct line *l = fresh();
	char caps[64];
	size_t open = 0, busy = 0;

	for (unsigned i = 0; i < 40; i++) {
		if (i % 8 == 0) /* not more than may be open at once */
			line_back_lost(l, i == 0 ? 1 : 9);
		forget();
		l->max_inflight = 100;
		(void)snprintf(
		    caps, sizeof(caps), "{\"elicitation\":{\"n\":%u}}", i);
		s.caps = caps;
		say(l, &s);
		ack(l, true);
		open += sent_n(MSG_HOP_OPEN);
		ack(l, false);
		busy += sent(MSG_ANSWER) != NULL &&
			msg_num(sent(MSG_ANSWER), F_STATUS) == 429;
	}
	ok(open == HOPS_MAX && busy == 40 - HOPS_MAX,
	    "capabilities of an agent's making open few sessions");
	forget();
	line_free(l);
}

static void
test_caps_relayed(void)
{
	struct said s = { .where = 1,
		.era = MCP_MODERN,
		.name = "tools/call",
		.params = "{\"name\":\"read\",\"task\":{\"ttl\":1}}",
		.caps = "{\"tasks\":{},\"extensions\":{\"x\":{}},"
			"\"elicitation\":{}}" };
	struct line *l = fresh();

	say(l, &s);
	ack(l, true);
	ok(jv_count(msg_tree(sent(MSG_HOP_OPEN), F_CAPS)) == 1,
	    "only what is relayed is said to the server");
	opened(l, MCP_LEGACY, "{}");
	ok(jv_count(msg_tree(sent(MSG_UP_CALL), F_PARAMS)) == 1,
	    "a call is never made as a task");
	answered(l, 0, "{}");
	ack(l, true);
	ok(sent(MSG_ANSWER) != NULL, "and is answered");
	forget();
	line_free(l);
}

static void
test_late(void)
{
	struct line *l = fresh();

	request(l, 1, MCP_MODERN, "tools/call", "{\"name\":\"read\"}", 'a');
	ack(l, true);
	clock_ns += 59 * second;
	ok(line_tick(l) && sent_n(MSG_RECORD) == 2,
	    "a session may take as long to open as a call to answer");
	clock_ns += 2 * second;
	line_tick(l);
	ok(record_has("kind", "outcome") && record_has("status", "failed"),
	    "and no longer: the outcome is recorded");
	ack(l, true);
	ok(msg_num(sent(MSG_ANSWER), F_STATUS) == 504 && line_busy(l) == 0,
	    "the agent is told");
	ok(!line_tick(l) && sent(MSG_HOP_CLOSE) == NULL,
	    "the server goes on opening");
	request(l, 1, MCP_MODERN, "tools/call", "{\"name\":\"read\"}", 'a');
	ack(l, true);
	clock_ns += 20 * second;
	opened(l, MCP_MODERN, "{}");
	ok(sent_n(MSG_HOP_OPEN) == 1 && sent(MSG_UP_CALL) != NULL &&
		msg_num(sent(MSG_UP_CALL), F_TIME) == 40 * second,
	    "the next call has what is left of its time");
	answered(l, 0, "{}");
	ack(l, true);
	forget();
	request(l, 1, MCP_MODERN, "tools/call", "{\"name\":\"read\"}", 'a');
	ack(l, true);
	clock_ns += 600 * second;
	line_tick(l);
	ok(sent(MSG_UP_CANCEL) == NULL, "a long call may be long");
	clock_ns += 200 * second;
	line_tick(l);
	ok(sent(MSG_UP_CANCEL) != NULL, "a back that never answers");
	ack(l, true);
	ok(msg_num(sent(MSG_ANSWER), F_STATUS) == 504 && line_busy(l) == 0,
	    "holds no call for ever");
	forget();
	request(l, 1, MCP_MODERN, "tools/call",
	    "{\"name\":\"read\",\"requestState\":\"x\"}", 'a');
	clock_ns += (GRACE_S + 1) * second;
	line_tick(l);
	ack(l, true);
	ok(sent(MSG_ANSWER) != NULL && line_busy(l) == 0,
	    "nor do keys that never answer");
	forget();
	line_free(l);
}

/* One server that does not open keeps no list of the others. */
static void
test_late_one(void)
{
	const struct said s = { .where = 0,
		.era = MCP_MODERN,
		.name = "tools/list",
		.params = "{}" };
	struct line *l = fresh();

	say(l, &s);
	ack(l, true);
	opened(l, MCP_MODERN, "{\"tools\":{}}");
	answered(l, 1, "{\"tools\":[{\"name\":\"get\"}]}");
	clock_ns += 61 * second;
	line_tick(l);
	ack(l, true);
	ok(jv_count(
	       jv_get(msg_tree(sent(MSG_ANSWER), F_RESULT), STR("tools"))) == 1,
	    "a list of all servers waits for none of them for ever");
	clock_ns += HOP_OPEN_S * second;
	line_tick(l);
	ok(sent(MSG_HOP_CLOSE) != NULL, "nor is one opened for ever");
	forget();
	line_free(l);
}

static void
test_session_caps(void)
{
	struct line *l = fresh();
	struct msg m = msg_of(MSG_HOP_LOST);
	char id[64];

	begin_session(l, "{}");
	session_name(id);
	msg_set(&m, F_HOP, msg_num(sent(MSG_HOP_OPEN), F_HOP));
	msg_set_text(&m, F_TEXT, STR("gone"));
	line_from_back(l, 0, &m);
	forget();
	legacy(l, id, "tools/call", "{\"name\":\"read\"}", 'a');
	ack(l, true);
	ok(jv_count(msg_tree(sent(MSG_HOP_OPEN), F_CAPS)) == 1,
	    "a session opened again says what was said at first");
	forget();
	line_free(l);
}

static void
start_listen(struct line *l, enum mcp_era era, const char *params)
{
	request(l, 1, MCP_MODERN, "subscriptions/listen", params, 'a');
	ack(l, true);
	opened(l, era,
	    "{\"resources\":{\"subscribe\":true,\"listChanged\":true}}");
}

static void
test_listen_policy(void)
{
	static const char wanted[] = "{\"notifications\":{"
				     "\"resourcesListChanged\":true,"
				     "\"resourceSubscriptions\":[\"write\","
				     "\"read\",7]}}";

	for (int era = MCP_LEGACY; era <= MCP_MODERN; era++) {
		struct line *l = fresh();
		struct msg m = msg_of(MSG_UP_EVENT);

		start_listen(l, (enum mcp_era)era, wanted);
		ok(jv_count(jv_at(msg_tree(sent(MSG_EVENT), F_PARAMS),
		       "notifications/resourceSubscriptions")) == 1,
		    "what policy denies is not honoured");
		ok(sent_n(MSG_UP_CALL) == 1 &&
			str_search(
			    jv_bytes(msg_tree(sent(MSG_UP_CALL), F_PARAMS)),
			    STR("write")) ==
			    msg_text(sent(MSG_UP_CALL), F_PARAMS).n,
		    "nor asked of the server");
		ok(line_busy(l) == 0, "who listens does not stop a drain");
		msg_set(&m, F_HOP, msg_num(sent(MSG_UP_CALL), F_HOP));
		msg_set_text(
		    &m, F_NAME, STR("notifications/resources/updated"));
		msg_set_tree(&m, F_PARAMS, tape("{\"uri\":\"write\"}"));
		forget();
		line_from_back(l, 0, &m);
		ok(sent(MSG_EVENT) == NULL, "nor told");
		msg_set_tree(&m, F_PARAMS, tape("{\"uri\":\"read\"}"));
		line_from_back(l, 0, &m);
		ok(sent(MSG_EVENT) != NULL, "the rest is");
		forget();
		msg_set_text(
		    &m, F_NAME, STR("notifications/resources/list_changed"));
		msg_set_tree(&m, F_PARAMS, tape("[1,2]"));
		line_from_back(l, 0, &m);
		ok(sent(MSG_EVENT) == NULL,
		    "params that are no object are not");
		clock_ns += (HOP_IDLE_S + 1) * second;
		line_tick(l);
		ok(sent(MSG_HOP_CLOSE) == NULL,
		    "its session is not closed as idle");
		forget();
		line_free(l);
	}
}

static void
test_listen_many(void)
{
	struct line *l = fresh();
	struct buf b = { .max = 1 << 20 };

	buf_str(&b, STR("{\"notifications\":{\"resourceSubscriptions\":["));
	for (int i = 0; i < 4000; i++)
		buf_fmt(&b, "%s\"a-resource-with-a-long-name-%d\"",
		    i == 0 ? "" : ",", i);
	buf_str(&b, STR("]}}"));
	buf_ch(&b, '\0');
	start_listen(l, MCP_LEGACY, b.p);
	ok(sent(MSG_EVENT) != NULL &&
		jv_count(jv_at(msg_tree(sent(MSG_EVENT), F_PARAMS),
		    "notifications/resourceSubscriptions")) == LISTEN_URIS &&
		sent_n(MSG_UP_CALL) == LISTEN_URIS,
	    "thousands of subscriptions are cut, and said so");
	buf_done(&b);
	forget();
	line_free(l);
}

static void
test_held_uri(void)
{
	struct line *l = fresh();
	struct str state;

	request(l, 1, MCP_MODERN, "resources/read", "{\"uri\":\"x\"}", 'a');
	ack(l, true);
	opened(l, MCP_LEGACY, "{}");
	server_asks_now(l, "elicitation/create", true);
	state = str_keep(msg_text(sent(MSG_SEAL), F_BYTES));
	keys_say(l, MSG_SEALED, F_TEXT, STR("opaque"));
	forget();
	request(l, 1, MCP_MODERN, "resources/read",
	    "{\"uri\":\"y\",\"requestState\":\"opaque\","
	    "\"inputResponses\":{\"r1\":{}}}",
	    'a');
	keys_say(l, MSG_UNSEALED, F_BYTES, state);
	ack(l, true);
	ok(error_code() == MCP_E_PARAMS && sent(MSG_UP_REPLY) == NULL,
	    "a held call goes on only for its own resource");
	drop(&state);
	forget();
	line_free(l);
}

static void
test_asks_refused(void)
{
	struct line *l = fresh();
	char id[64];

	request(l, 1, MCP_MODERN, "tools/call", "{\"name\":\"read\"}", 'a');
	ack(l, true);
	opened(l, MCP_MODERN, "{}");
	server_asks_now(l, "elicitation/create", true);
	ok(sent(MSG_SEAL) == NULL && sent(MSG_UP_REPLY) != NULL,
	    "a modern server may not ask");
	forget();
	line_free(l);
	l = fresh();
	begin_session(l, "{}");
	session_name(id);
	legacy(l, id, "tools/call", "{\"name\":\"read\"}", 'a');
	ack(l, true);
	server_asks_now(l, "elicitation/create", true);
	line_ledger_lost(l);
	reply(l, id, 1, "{}");
	ok(sent(MSG_UP_REPLY) == NULL, "no ledger: no reply goes up");
	server_asks_now(l, "elicitation/create", true);
	ok(sent_n(MSG_EVENT) == 1, "and no question down");
	forget();
	line_free(l);
}

static void
test_decided_anew(void)
{
	static const char none[] =
	    "{\"limits\":{},\"principals\":[{\"name\":\"alice\",\"cred\":"
	    "\"6161616161616161616161616161616161616161616161616161616161616161"
	    "\"}],\"anonymous\":\"\",\"rules\":[]}";
	struct line *l = fresh();
	struct note why;
	char id[64];

	begin_session_at(l, MCP_MODERN, "{}");
	session_name(id);
	legacy(l, id, "tools/call", "{\"name\":\"read\"}", 'a');
	ack(l, true);
	answered(l, 0,
	    "{\"resultType\":\"input_required\",\"inputRequests\":{\"k\":{"
	    "\"method\":\"elicitation/create\"}}}");
	ok(line_image(l, tape("{\"rules\":[],\"principals\":[{}]}"), &why) !=
		    OK &&
		l->max_body == 100000,
	    "a broken image changes nothing");
	ok(line_image(l, tape(none), &why) == OK, "other rules");
	forget();
	reply(l, id, 1, "{}");
	ack(l, true);
	ok(sent(MSG_UP_CALL) == NULL && sent(MSG_ANSWER) != NULL,
	    "inputs do not carry a call past new rules");
	forget();
	line_free(l);
}

static void
test_answers(void)
{
	struct line *l = fresh();
	struct msg m = msg_of(MSG_UP_ANSWER);

	request(l, 0, MCP_MODERN, "tools/list", "{\"cursor\":\"x\"}", 'a');
	ack(l, true);
	ok(error_code() == MCP_E_PARAMS, "a cursor that we never gave");
	forget();
	request(l, 1, MCP_MODERN, "resources/read", "{\"uri\":\"x\"}", 'a');
	ack(l, true);
	opened(l, MCP_MODERN, "{}");
	msg_set(&m, F_CALL, msg_num(sent(MSG_UP_CALL), F_CALL));
	msg_set_tree(&m, F_ERROR, tape("{\"code\":-31004,\"message\":\"no\"}"));
	line_from_back(l, 0, &m);
	ack(l, true);
	ok(error_code() == MCP_E_UPSTREAM,
	    "a server does not speak with our codes");
	forget();
	request(l, 1, MCP_MODERN, "tools/list", "{}", 'a');
	ack(l, true);
	answered(l, 0, "{\"tools\":{\"x\":{\"name\":\"write\"}}}");
	ack(l, true);
	ok(jv_count(msg_tree(sent(MSG_ANSWER), F_RESULT)) == 1 &&
		jv_count(
		    jv_at(msg_tree(sent(MSG_ANSWER), F_RESULT), "tools")) == 0,
	    "a list that is no list shows nothing");
	forget();
	line_free(l);
}

static void
test_subscribe_many(void)
{
	struct line *l = fresh();
	char id[64], uri[64];
	int refused = 0;

	begin_session_at(l, MCP_MODERN, "{\"resources\":{}}");
	session_name(id);
	for (int i = 0; i < LISTEN_URIS + 10; i++) {
		forget();
		(void)snprintf(uri, sizeof(uri), "{\"uri\":\"u%d\"}", i);
		legacy(l, id, "resources/subscribe", uri, 'a');
		ack(l, true);
		ack(l, true);
		refused += error_code() == MCP_E_BUSY;
	}
	ok(refused == 9, "a session subscribes to so many and no more");
	forget();
	line_free(l);
}

static void
test_withdrawn(void)
{
	static const char bob[] =
	    "{\"limits\":{},\"principals\":[{\"name\":\"bob\",\"cred\":"
	    "\"6262626262626262626262626262626262626262626262626262626262626262"
	    "\"}],\"anonymous\":\"\",\"rules\":[]}";
	struct line *l = fresh();
	struct note why;

	begin_session(l, "{}");
	start_listen(l, MCP_LEGACY, "{\"notifications\":{}}");
	ok(l->listens != NULL && map_count(l->sessions) == 1,
	    "a session and a listen");
	ok(line_image(l, tape(bob), &why) == OK, "alice is taken out");
	ack(l, true);
	ok(l->listens == NULL && map_count(l->sessions) == 0 &&
		sent(MSG_END) != NULL,
	    "she hears nothing more");
	forget();
	line_free(l);
}

static void
test_unanswered(void)
{
	struct line *l = fresh();
	char id[64];
	size_t asked = 0;

	begin_session(l, "{}");
	session_name(id);
	for (int i = 0; i < ASKS_MAX + 8; i++) {
		forget();
		legacy(l, id, "tools/call", "{\"name\":\"read\"}", 'a');
		ack(l, true);
		server_asks_now(l, "elicitation/create", true);
		asked += sent_n(MSG_EVENT);
		answered(l, 0, "{}");
		ack(l, true);
	}
	ok(asked == ASKS_MAX + 8, "what nobody answers blocks no question");
	forget();
	line_free(l);
}

static void
test_taken_up(void)
{
	struct msg m = msg_of(MSG_STREAM);
	struct line *l = fresh();
	char id[64], cred[32], event[64];
	uint64_t first;

	begin_session(l, "{}");
	session_name(id);
	first = next_ref;
	legacy(l, id, "tools/call", "{\"name\":\"read\"}", 'a');
	ack(l, true);
	server_asks_now(l, "elicitation/create", true);
	(void)snprintf(event, sizeof(event), "%.*s",
	    STR_ARG(msg_text(sent(MSG_EVENT), F_EVENT)));
	memset(cred, 'a', sizeof(cred));
	msg_set(&m, F_REF, 5000);
	msg_set(&m, F_WHERE, 1);
	msg_set_text(&m, F_SESSION, str_of(id));
	msg_set_text(&m, F_CRED, (struct str){ cred, sizeof(cred) });
	msg_set_text(&m, F_EVENT, str_of(event));
	line_from_front(l, 0, &m);
	ok(sent(MSG_END) != NULL && msg_num(sent(MSG_END), F_REF) == first,
	    "a stream taken up elsewhere ends where it was");
	answered(l, 0, "{}");
	ack(l, true);
	ok(msg_num(sent(MSG_ANSWER), F_REF) == 5000, "and goes on there");
	forget();
	line_free(l);
}

int
main(void)
{
	test_withdrawn();
	test_unanswered();
	test_taken_up();
	test_stdio_session();
	test_many_hops();
	test_caps_relayed();
	test_late();
	test_late_one();
	test_session_caps();
	test_listen_policy();
	test_listen_many();
	test_held_uri();
	test_asks_refused();
	test_decided_anew();
	test_answers();
	test_subscribe_many();
	return tap_done();
}
