/* test-front-answers: what a judge says, as the agent reads it. */
#include "role/test-front.h"

static void
test_answers(void)
{
	struct msg m = msg_of(MSG_ANSWER);

	agent_new();
	(void)agent_says(post(HOST JSON SESSION, PING));
	answer("{}");
	(void)agent_hears();
	ok(status() == 200 && has("Content-Type: application/json\r\n") &&
		has("Content-Length: 36\r\n") && has("Date: ") &&
		strcmp(body(),
		    "{\"jsonrpc\":\"2.0\",\"id\":1,\"result\":{}}") == 0,
	    "an answer that comes first is JSON");
	(void)agent_says(post(HOST JSON SESSION "Origin: http://ok\r\n", PING));
	msg_set(&m, F_REF, seen.ref);
	msg_set(&m, F_STATUS, 404);
	judge_says(&m);
	(void)agent_hears();
	ok(status() == 404 && strcmp(body(), "") == 0 &&
		has("Access-Control-Allow-Origin: http://ok\r\n"),
	    "a status alone, and CORS");
	(void)agent_says(post(HOST JSON,
	    "{\"jsonrpc\":\"2.0\",\"id\":\"i\",\"method\":\"initialize\","
	    "\"params\":{\"protocolVersion\":\"2025-11-25\",\"capabilities\":{}"
	    ",\"clientInfo\":{\"name\":\"a\",\"version\":\"1\"}}}"));
	ok(seen.method == MCP_INITIALIZE, "initialize reaches the judge");
	msg_set(&m, F_REF, seen.ref);
	msg_set(&m, F_STATUS, 200);
	msg_set_text(&m, F_SESSION, STR("0-new"));
	msg_set_text(&m, F_RESULT, STR("\7\0\0\0\0\0\0\0\0"));
	judge_says(&m);
	(void)agent_hears();
	ok(has("Mcp-Session-Id: 0-new\r\n") && has("\"id\":\"i\""),
	    "initialize gives a session, and a string id is echoed");
	(void)agent_says(post(HOST JSON SESSION, PING));
	judge_send(MSG_ANSWER, seen.ref, F_ERROR,
	    "{\"code\":-31004,\"message\":\"who?\"}", 0);
	(void)agent_hears();
	ok(status() == 200 && has("-31004"), "an error is an answer");
	(void)agent_says(post(HOST JSON SESSION, PING));
	m = msg_of(MSG_ANSWER);
	msg_set(&m, F_REF, seen.ref);
	msg_set(&m, F_STATUS, 401);
	judge_says(&m);
	(void)agent_hears();
	ok(status() == 401 && has("WWW-Authenticate: Bearer\r\n"),
	    "401 carries a challenge");
	(void)agent_says(post(HOST JSON SESSION,
	    "{\"jsonrpc\":\"2.0\",\"method\":\"notifications/initialized\"}"));
	ok(seen.kind == MSG_NOTICE && seen.has_ref && got_n == 0,
	    "a notification waits for the judge");
	judge_send(MSG_ACCEPTED, seen.ref, F_REF, NULL, 0);
	(void)agent_hears();
	ok(status() == 202 && strcmp(body(), "") == 0, "and is 202");
	(void)agent_says(
	    post(HOST JSON SESSION, "{\"jsonrpc\":\"2.0\",\"id\":9,"
				    "\"result\":{\"a\":1}}"));
	ok(seen.kind == MSG_REPLY && strcmp(seen.id, "9") == 0,
	    "an answer of the agent");
	judge_send(MSG_ACCEPTED, seen.ref, F_REF, NULL, 0);
	(void)agent_hears();
	ok(status() == 202, "is 202");
}

static void
test_streams(void)
{
	struct msg m;
	uint64_t ref;

	agent_new();
	(void)agent_says(
	    post(HOST JSON SESSION, CALL(",\"_meta\":{\"progressToken\":7}")));
	judge_send(MSG_EVENT, seen.ref, F_PARAMS, "{\"progress\":1}", 0);
	(void)agent_hears();
	ok(status() == 200 && has("Content-Type: text/event-stream\r\n") &&
		has("Cache-Control: no-cache\r\n") &&
		has("X-Accel-Buffering: no\r\n") &&
		has("Transfer-Encoding: chunked\r\n"),
	    "an event first opens a stream");
	ok(has("data: {\"jsonrpc\":\"2.0\",\"method\":"
	       "\"notifications/progress\",\"params\":{\"progressToken\":7,"
	       "\"progress\":1}}\n\n\r\n"),
	    "progress carries the agent's own token");
	answer("{\"content\":[]}");
	(void)agent_hears();
	ok(has("\"result\":{\"content\":[]}}\n\n\r\n0\r\n\r\n"),
	    "the answer ends the stream");
	ok(agent_says(post(HOST JSON SESSION, CALL(""))) &&
		front->stream_n == 0,
	    "and the connection goes on");
	ref = seen.ref;
	judge_send(MSG_EVENT, ref, F_PARAMS, "{\"progress\":1}", 0);
	(void)agent_hears();
	ok(got_n == 0, "progress that nobody asked for is dropped");
	m = msg_of(MSG_EVENT);
	msg_set(&m, F_REF, ref);
	msg_set(&m, F_FLAGS, MF_REQUEST);
	msg_set_text(&m, F_NAME, STR("roots/list"));
	msg_set_text(&m, F_ID, STR("\4\1\0\0\0005"));
	msg_set_text(&m, F_EVENT, STR("2.1"));
	judge_says(&m);
	(void)agent_hears();
	ok(has("id: 2.1\ndata: {\"jsonrpc\":\"2.0\",\"id\":5,"
	       "\"method\":\"roots/list\"}\n\n"),
	    "a server's request, with the judge's id and an event id");
	m = msg_of(MSG_END);
	msg_set(&m, F_REF, ref);
	msg_set(&m, F_TIME, 1500);
	judge_says(&m);
	(void)agent_hears();
	ok(has("retry: 1500\n\n") && has("\r\n0\r\n\r\n"),
	    "END closes with a retry");
}

/* What was missed is told on a stream that never asked for it itself. */
static void
test_resumed(void)
{
	agent_new();
	(void)agent_says(
	    "GET /mcp HTTP/1.1\r\n" HOST SESSION "Last-Event-ID: 3.4\r\n\r\n");
	judge_send(MSG_ACCEPTED, seen.ref, F_PARAMS, NULL, 0);
	judge_send(MSG_EVENT, seen.ref, F_PARAMS,
	    "{\"progressToken\":\"t\",\"progress\":2}", 0);
	(void)agent_hears();
	ok(has("\"params\":{\"progressToken\":\"t\",\"progress\":2}}"),
	    "progress goes on where a stream is taken up again");
	judge_send(MSG_EVENT, seen.ref, F_PARAMS, "{\"progress\":3}", 0);
	(void)agent_hears();
	ok(got_n == 0, "without a token it is dropped");
}

/* Waits for a timer of the front, never for longer than ten seconds. */
static void
test_slow_call(void)
{
	struct msg m = msg_of(MSG_ACCEPTED);

	agent_new();
	(void)agent_says(post(HOST JSON SESSION, CALL("")));
	for (int i = 0; i < 100 && got_n == 0; i++) {
		loop_once(loop, 100 * FRONT_MS);
		(void)agent_read();
	}
	ok(status() == 200 && has("text/event-stream") && has("\r\n:\n\n"),
	    "a legacy call that takes long gets a stream, so it can cancel");
	answer("{}");
	(void)agent_hears();
	(void)agent_says(post(HOST JSON SESSION, CALL("")));
	msg_set(&m, F_REF, seen.ref);
	msg_set(&m, F_TIME, 1000);
	msg_set_text(&m, F_EVENT, STR("7.0"));
	judge_says(&m);
	(void)agent_hears();
	ok(got_n == 0, "how a stream would begin opens none");
	for (int i = 0; i < 100 && got_n == 0; i++) {
		loop_once(loop, 100 * FRONT_MS);
		(void)agent_read();
	}
	ok(has("id: 7.0\nretry: 1000\ndata: \n\n"),
	    "when it begins, it does so");
	answer("{}");
	(void)agent_hears();
	ok(has("\"result\":{}") && has("\r\n0\r\n\r\n"), "its answer ends it");
}

static void
test_session_stream(void)
{
	struct msg m = msg_of(MSG_ACCEPTED);
	const unsigned gone = seen.gone;

	agent_new();
	(void)agent_says("GET /mcp HTTP/1.1\r\n" HOST SESSION "\r\n");
	msg_set(&m, F_REF, seen.ref);
	msg_set_text(&m, F_EVENT, STR("0.1"));
	judge_says(&m);
	(void)agent_hears();
	ok(has("id: 0.1\n") && has("data: \n"), "a stream begins primed");
	m = msg_of(MSG_ANSWER);
	msg_set(&m, F_REF, seen.ref);
	msg_set_text(&m, F_RESULT, STR("\7\0\0\0\0\0\0\0\0"));
	msg_set_text(&m, F_ID, STR("\4\1\0\0\0008"));
	judge_says(&m);
	(void)agent_hears();
	ok(has("{\"jsonrpc\":\"2.0\",\"id\":8,\"result\":{}}") &&
		!has("0\r\n\r\n"),
	    "a resumed answer has the judge's id; the stream stays");
	(void)close(agent);
	agent = -1;
	spin();
	ok(seen.gone == gone + 1 && front->stream_n == 0,
	    "a closed connection is told");
}

int
main(void)
{
	world_begin();
	test_answers();
	test_streams();
	test_resumed();
	test_slow_call();
	test_session_stream();
	world_end();
	return tap_done();
}
