/* Role back before an upstream of the legacy era, over HTTP. */
#include "role/test-back.h"

static char head[4096], body[65536]; /* of the last POST */
static char deleted[4096], got[4096];
static size_t behind; /* bytes behind the last GET: another request */
static struct peer *last, *stream;
static long last_id;
static unsigned inits, initialized, streams;
static bool no_stream = true, session_dead, silent_probe, no_resume;
static const char *version = "2025-06-18";

static void
note(struct peer *p)
{
	(void)snprintf(head, sizeof(head), "%s", p->head);
	(void)snprintf(body, sizeof(body), "%.*s", STR_ARG(p->body));
	last = p;
	last_id = id_of(p);
}

static void
accept_202(struct peer *p)
{
	say(p, "HTTP/1.1 202 Accepted\r\nContent-Length: 0\r\n\r\n");
}

static void
on_init(struct peer *p)
{
	char text[512], session[64];

	inits++;
	(void)snprintf(text, sizeof(text),
	    "{\"protocolVersion\":\"%s\",\"capabilities\":{\"tools\":{}},"
	    "\"serverInfo\":{\"name\":\"old\"},\"instructions\":\"hi\"}",
	    version);
	(void)snprintf(
	    session, sizeof(session), "Mcp-Session-Id: sess-%u\r\n", inits);
	http_result(p, session, text);
}

static void
on_get(struct peer *p)
{
	(void)snprintf(got, sizeof(got), "%s", p->head);
	behind = p->in.n;
	streams++;
	if (has_head(p, "Last-Event-ID: ev-1\r\n")) { /* a call resumes */
		if (no_resume) {
			say(p, "HTTP/1.1 405 No\r\nContent-Length: 0\r\n\r\n");
			return;
		}
		sse_begin(p);
		sse_result(p, last_id, "{\"resumed\":true}");
		sse_end(p);
	} else if (no_stream) {
		say(p, "HTTP/1.1 405 No\r\nContent-Length: 0\r\n\r\n");
	} else {
		stream = p;
		sse_begin(p);
	}
}

static void
tool_asks(struct peer *p)
{
	sse_begin(p);
	sse(p, "{\"jsonrpc\":\"2.0\",\"id\":\"q-1\",\"method\":"
	       "\"roots/list\",\"params\":{\"x\":1}}");
	sse(p, "{\"jsonrpc\":\"2.0\",\"id\":0,\"method\":\"ping\"}");
}

static void
tool_early(struct peer *p)
{
	sse_begin(p);
	sse_raw(p, "id: ev-1\nretry: 60\ndata: \n\n");
	sse_end(p);
}

static void
tool_newline_id(struct peer *p)
{
	sse_begin(p);
	sse_raw(p, "id: ev\x01\nretry: 60\ndata: \n\n");
	sse_end(p);
}

static void
tool_nothing(struct peer *p)
{
	(void)p;
}

static const struct tool tools[] = {
	{ "asks", tool_asks, 0, NULL },
	{ "early", tool_early, 0, NULL },
	{ "newline-id", tool_newline_id, 0, NULL },
	{ "slow", tool_nothing, 0, NULL },
};

static void
legacy(struct world *w, struct peer *p)
{
	char session[64];

	if (has_head(p, "GET ")) {
		on_get(p);
		return;
	}
	if (has_head(p, "DELETE ")) {
		(void)snprintf(deleted, sizeof(deleted), "%s", p->head);
		say(p, "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
		return;
	}
	if (asks(p, "server/discover")) {
		if (!silent_probe)
			http_json(p, "400 Bad Request", "",
			    "{\"jsonrpc\":\"2.0\",\"error\":{\"code\":-32000,"
			    "\"message\":\"no session\"},\"id\":null}");
		return;
	}
	if (asks(p, "initialize")) {
		note(p);
		on_init(p);
		return;
	}
	(void)snprintf(
	    session, sizeof(session), "Mcp-Session-Id: sess-%u\r\n", inits);
	if (!has_head(p, session) || session_dead) {
		session_dead = false;
		say(p, "HTTP/1.1 404 Gone\r\nContent-Type: application/json"
		       "\r\nContent-Length: 2\r\n\r\n{}");
		return;
	}
	note(p);
	w->n++;
	initialized += asks(p, "notifications/initialized");
	if (id_of(p) < 0 || !jv_is(member(p, "method"), J_STR)) {
		accept_202(p);
		return;
	}
	use_tool(p, tools, countof(tools), "{\"content\":[]}");
}

/* ---- opening ---- */

static void
test_open(struct world *w)
{
	const struct msg *m;

	hop_open(w, 1);
	ok(hop_is_open(w, 1, MCP_LEGACY), "an error to the probe: initialize");
	m = opened(w, 1);
	ok(str_eq(msg_text(m, F_VERSION), STR("2025-06-18")) &&
		is(msg_tree(m, F_CAPS), "{\"tools\":{}}") &&
		is(msg_tree(m, F_INFO), "{\"name\":\"old\"}") &&
		str_eq(msg_text(m, F_TEXT), STR("hi")),
	    "version, capabilities, name and words of the upstream");
	ok(inits == 1 && initialized == 1, "initialize and initialized, once");
	UNTIL(streams == 1);
	ok(streams == 1 && strstr(got, "Accept: text/event-stream\r\n") &&
		strstr(got, "Mcp-Session-Id: sess-1\r\n"),
	    "its own stream was asked for; 405 is fine");
	hop_open(w, 2);
	ok(hop_is_open(w, 2, MCP_LEGACY) && inits == 2,
	    "the era is known: no second probe");
	hop_say(w, MSG_HOP_CLOSE, F_HOP, 2);
	UNTIL(deleted[0] != '\0');
	ok(strstr(deleted, "Mcp-Session-Id: sess-2\r\n") != NULL,
	    "closing deletes the session");
	inits = 1;
}

static void
test_sent(struct world *w)
{
	struct msg m = msg_of(MSG_UP_NOTICE);

	call(w, 1, 10, MCP_TOOLS_CALL,
	    "{\"name\":\"x\",\"arguments\":{},\"_meta\":{\"io.modelcontext"
	    "protocol/protocolVersion\":\"2026-07-28\",\"k\":1}}",
	    MF_PROGRESS);
	ok(result_is(w, 10, "{\"content\":[]}"), "a call");
	ok(strstr(head, "MCP-Protocol-Version: 2025-06-18\r\n") != NULL &&
		strstr(head, "Mcp-Session-Id: sess-1\r\n") != NULL &&
		strstr(head, "Mcp-Method") == NULL,
	    "this hop's version and session; nothing is mirrored");
	ok(strstr(body, "\"params\":{\"name\":\"x\",\"arguments\":{},\"_meta\":"
			"{\"k\":1,\"progressToken\":10}}") != NULL,
	    "no modern _meta goes to a legacy server");
	w->n = 0;
	msg_set(&m, F_HOP, 1);
	msg_set(&m, F_METHOD, MCP_ROOTS_CHANGED);
	tell(w, &m);
	UNTIL(w->n == 1);
	ok(strcmp(body, "{\"jsonrpc\":\"2.0\",\"method\":"
			"\"notifications/roots/list_changed\"}") == 0,
	    "a notification");
}

/* ---- what servers ask ---- */

static void
test_asks(struct world *w)
{
	struct peer *p;
	struct msg *e, m = msg_of(MSG_UP_REPLY);
	long id;

	w->n = 0;
	w->seen_n = 0;
	call(w, 1, 20, MCP_TOOLS_CALL, "{\"name\":\"asks\"}", 0);
	UNTIL(w->n == 1);
	p = last;
	id = last_id;
	UNTIL(w->n == 2); /* the ping's answer */
	ok(strcmp(body, "{\"jsonrpc\":\"2.0\",\"id\":0,\"result\":{}}") == 0,
	    "ping is answered here");
	UNTIL(event_at(w, "roots/list") != NULL);
	e = event_at(w, "roots/list");
	ok(e != NULL && msg_num(e, F_FLAGS) == MF_REQUEST &&
		msg_num(e, F_CALL) == 20 && msg_num(e, F_HOP) == 1 &&
		is(msg_tree(e, F_ID), "\"q-1\"") &&
		is(msg_tree(e, F_PARAMS), "{\"x\":1}") &&
		events(w, "ping") == 0,
	    "a request on a call's stream is an event of that call");
	msg_set(&m, F_HOP, 1);
	msg_set_tree(&m, F_ID, tape("\"q-1\""));
	msg_set_tree(&m, F_RESULT, tape("{\"roots\":[]}"));
	tell(w, &m);
	UNTIL(w->n == 3);
	ok(strcmp(body, "{\"jsonrpc\":\"2.0\",\"id\":\"q-1\",\"result\":"
			"{\"roots\":[]}}") == 0,
	    "its answer is posted");
	sse_result(p, id, "{\"ok\":1}");
	sse_end(p);
	ok(result_is(w, 20, "{\"ok\":1}"), "and the call goes on to its end");
}

static void
test_cancel(struct world *w)
{
	char want[256];
	long id;

	w->n = 0;
	call(w, 1, 30, MCP_TOOLS_CALL, "{\"name\":\"slow\"}", 0);
	UNTIL(w->n == 1);
	id = last_id;
	hop_say(w, MSG_UP_CANCEL, F_CALL, 30);
	UNTIL(w->n == 2);
	(void)snprintf(want, sizeof(want),
	    "{\"jsonrpc\":\"2.0\",\"method\":\"notifications/cancelled\","
	    "\"params\":{\"requestId\":%ld}}",
	    id);
	ok(strcmp(body, want) == 0, "cancel is said, with our own id");
	w->n = 0;
	call(w, 1, 31, MCP_TOOLS_CALL, "{\"name\":\"slow\"}", 0);
	ok(failed_with(w, 31, 504, "in time"), "silence: 504");
	UNTIL(w->n == 2);
	ok(strstr(body, "notifications/cancelled") != NULL &&
		strstr(body, "timeout") != NULL,
	    "and the upstream is told");
	ok(answer(w, 30) == NULL, "a cancelled call has no answer");
}

/* ---- resuming ---- */

static void
test_resume(struct world *w)
{
	call(w, 1, 40, MCP_TOOLS_CALL, "{\"name\":\"early\"}", 0);
	ok(result_is(w, 40, "{\"resumed\":true}"),
	    "a stream that ends early is resumed by its last event");
	ok(strstr(got, "MCP-Protocol-Version: 2025-06-18\r\n") != NULL,
	    "in this session");
	ok(behind == 0, "and the call's body is not sent behind it");
	no_resume = true;
	call(w, 1, 41, MCP_TOOLS_CALL, "{\"name\":\"early\"}", 0);
	ok(failed_with(w, 41, 502, "HTTP 405"), "if the upstream can");
	no_resume = false;
	call(w, 1, 42, MCP_TOOLS_CALL, "{\"name\":\"newline-id\"}", 0);
	ok(failed_with(w, 42, 502, "without an answer"),
	    "an event id that cannot be a header is no id");
}

/* ---- lost sessions ---- */

static void
test_session(struct world *w)
{
	session_dead = true;
	call(w, 1, 50, MCP_TOOLS_CALL, "{\"name\":\"x\"}", 0);
	ok(failed_with(w, 50, 502, "was not repeated"),
	    "404 to a tool call: it fails, with words");
	call(w, 1, 51, MCP_TOOLS_CALL, "{\"name\":\"x\"}", 0);
	ok(result_is(w, 51, "{\"content\":[]}") && inits == 2,
	    "the next goes over a new session");
	ok(strstr(head, "Mcp-Session-Id: sess-2\r\n") != NULL, "its own");
	spin(1100); /* a session that dies within a second is not retried */
	session_dead = true;
	call(w, 1, 52, MCP_TOOLS_LIST, NULL, 0);
	ok(result_is(w, 52, "{\"content\":[]}") && inits == 3,
	    "404 to a list: asked again in the new session");
	session_dead = true;
	call(w, 1, 53, MCP_TOOLS_LIST, NULL, 0);
	UNTIL(find(w, MSG_HOP_LOST, F_HOP, 1) != NULL);
	ok(find(w, MSG_HOP_LOST, F_HOP, 1) != NULL &&
		failed_with(w, 53, 502, "sessions"),
	    "sessions that die at once: the hop is lost, its calls fail");
}

/* ---- the session's own stream ---- */

static void
test_stream(void)
{
	struct world *w = world_new(true, ",\"era\":\"legacy\"", legacy);
	struct peer *p;

	inits = 0;
	streams = 0;
	no_stream = false;
	hop_open(w, 1);
	ok(hop_is_open(w, 1, MCP_LEGACY), "legacy by configuration");
	UNTIL(stream != NULL);
	p = stream;
	sse_raw(p, "id: s-9\nretry: 50\ndata: {\"jsonrpc\":\"2.0\",\"method\":"
		   "\"notifications/tools/list_changed\"}\n\n");
	UNTIL(events(w, "notifications/tools/list_changed") == 1);
	ok(!msg_has(event_at(w, "notifications/tools/list_changed"), F_CALL),
	    "an event of the session, of no call");
	sse(p, "{\"jsonrpc\":\"2.0\",\"id\":4097,\"result\":{}}");
	sse_end(p);
	stream = NULL;
	UNTIL(stream != NULL);
	ok(stream != NULL && strstr(got, "Last-Event-ID: s-9\r\n") != NULL,
	    "it is opened again from its last event");
	p = stream;
	hop_say(w, MSG_HOP_CLOSE, F_HOP, 1);
	UNTIL(!p->open);
	ok(!p->open, "and ends with the hop");
	no_stream = true;
}

static void
test_eras(void)
{
	struct world *w = world_new(true, ",\"era\":\"modern\"", legacy);

	hop_open(w, 1);
	ok(opened(w, 1) != NULL && msg_num(opened(w, 1), F_STATUS) == 502,
	    "modern by configuration: no falling back");
	inits = 0;
	silent_probe = true;
	w = world_new(true, "", legacy);
	hop_open(w, 1);
	hop_open(w, 2);
	ok(hop_is_open(w, 1, MCP_LEGACY) && hop_is_open(w, 2, MCP_LEGACY),
	    "silence to the probe: initialize; the second waits for the era");
	silent_probe = false;
	version = "2099-01-01";
	w = world_new(true, ",\"era\":\"legacy\"", legacy);
	hop_open(w, 1);
	ok(opened(w, 1) != NULL && msg_num(opened(w, 1), F_STATUS) == 502,
	    "a version nobody knows: no session");
	version = "2025-11-25";
	hop_open(w, 2);
	ok(hop_is_open(w, 2, MCP_LEGACY), "one we know: a session");
}

int
main(void)
{
	struct world *w;

	loop_begin();
	w = world_new(true, "", legacy);
	test_open(w);
	test_sent(w);
	test_asks(w);
	test_cancel(w);
	test_resume(w);
	test_session(w);
	test_stream();
	test_eras();
	return tap_done();
}
