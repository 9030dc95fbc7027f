/* Role back before an upstream of the modern era, over HTTP. */
#include "role/test-back.h"

static const char found[] =
    "{\"supportedVersions\":[\"2026-07-28\"],\"capabilities\":{\"tools\":{}},"
    "\"instructions\":\"be kind\",\"resultType\":\"complete\",\"ttlMs\":0,"
    "\"cacheScope\":\"private\",\"_meta\":{\"io.modelcontextprotocol/"
    "serverInfo\":{\"name\":\"srv\"}}}";

static char head[4096], body[65536]; /* of the last request but discover */
static struct peer *last;
static long last_id;

static void
note(struct peer *p)
{
	(void)snprintf(head, sizeof(head), "%s", p->head);
	(void)snprintf(body, sizeof(body), "%.*s", STR_ARG(p->body));
	last = p;
	last_id = id_of(p);
}

/* What the tool named in the call does. */
static void
tool_events(struct peer *p)
{
	const long id = id_of(p);

	sse_begin(p);
	sse_raw(p, ": hello\n\n");
	sse(p, "{\"jsonrpc\":\"2.0\",\"method\":\"notifications/progress\","
	       "\"params\":{\"progressToken\":7,\"progress\":1,\"total\":3,"
	       "\"message\":\"one\"}}");
	sse(p, "{\"jsonrpc\":\"2.0\",\"method\":\"notifications/progress\","
	       "\"params\":{\"progressToken\":7,\"progress\":1}}");
	sse(p, "{\"jsonrpc\":\"2.0\",\"method\":\"notifications/progress\","
	       "\"params\":{\"progressToken\":8,\"progress\":2}}");
	sse(p, "{\"jsonrpc\":\"2.0\",\"method\":\"notifications/progress\","
	       "\"params\":{\"progressToken\":7,\"progress\":2.5}}");
	sse(p, "{\"jsonrpc\":\"2.0\",\"method\":\"notifications/message\","
	       "\"params\":{\"level\":\"info\",\"data\":\"x\"}}");
	sse_result(p, id, "{\"content\":[],\"resultType\":\"complete\"}");
	sse_end(p);
}

static void
tool_asks(struct peer *p)
{
	sse_begin(p);
	sse(p, "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"roots/list\"}");
}

static void
tool_html(struct peer *p)
{
	say(p, "HTTP/1.1 200 OK\r\nContent-Type: text/html\r\n"
	       "Content-Length: 4\r\n\r\n<p/>");
}

static void
tool_500(struct peer *p)
{
	say(p, "HTTP/1.1 500 Oops\r\nContent-Type: text/html\r\n"
	       "Content-Length: 4\r\n\r\n<p/>");
}

static void
tool_notjson(struct peer *p)
{
	http_json(p, "200 OK", "", "{\"jsonrpc\":");
}

static void
tool_wrong_id(struct peer *p)
{
	http_json(
	    p, "200 OK", "", "{\"jsonrpc\":\"2.0\",\"id\":1,\"result\":{}}");
}

static void
tool_error(struct peer *p)
{
	char text[256];

	(void)snprintf(text, sizeof(text),
	    "{\"jsonrpc\":\"2.0\",\"id\":%ld,\"error\":{\"code\":-32602,"
	    "\"message\":\"no such tool\"}}",
	    id_of(p));
	http_json(p, "400 Bad Request", "", text);
}

static void
tool_gzip(struct peer *p)
{
	http_result(p, "Content-Encoding: gzip\r\n", "{}");
}

static void
tool_cut(struct peer *p)
{
	say(p, "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"
	       "Content-Length: 400\r\n\r\n{\"jsonrpc\":");
	hang_up(p);
}

static void
tool_smuggle(struct peer *p)
{
	say(p, "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"
	       "Content-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n");
}

static void
tool_extra(struct peer *p)
{
	static char out[1024];
	char text[256];

	(void)snprintf(text, sizeof(text),
	    "{\"jsonrpc\":\"2.0\",\"id\":%ld,\"result\":{\"a\":1}}", id_of(p));
	(void)snprintf(out, sizeof(out),
	    "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"
	    "Content-Length: %zu\r\n\r\n%sHTTP/1.1 200 OK\r\n",
	    strlen(text), text);
	say(p, out);
}

static void
tool_huge(struct peer *p)
{
	say(p, "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"
	       "Content-Length: 300000\r\n\r\n");
}

static void
tool_long_event(struct peer *p)
{
	static char pad[60001];

	memset(pad, 'x', sizeof(pad) - 1);
	sse_begin(p);
	sse_raw(p, "data: ");
	for (int i = 0; i < 6; i++)
		sse_raw(p, pad);
}

static void
tool_long_head(struct peer *p)
{
	static char pad[20001];

	memset(pad, 'x', sizeof(pad) - 1);
	say(p, "HTTP/1.1 200 OK\r\nX: ");
	say(p, pad);
}

static void
tool_until_close(struct peer *p)
{
	char text[256];

	(void)snprintf(text, sizeof(text),
	    "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\n"
	    "Content-Type: APPLICATION/JSON; charset=utf-8\r\n\r\n"
	    "{\"jsonrpc\":\"2.0\",\"id\":%ld,\"result\":{\"b\":2}}",
	    id_of(p));
	say(p, text);
	hang_up(p);
}

static void
tool_hangs(struct peer *p)
{
	(void)p;
}

static void
tool_slow(struct peer *p)
{
	p->of->n = 1; /* the test goes on when it sees this */
}

static void
tool_ends_early(struct peer *p)
{
	sse_begin(p);
	sse_end(p);
}

static void
tool_202(struct peer *p)
{
	say(p, "HTTP/1.1 202 Accepted\r\nContent-Length: 0\r\n\r\n");
}

static void
tool_401(struct peer *p)
{
	say(p, "HTTP/1.1 401 No\r\nContent-Length: 0\r\n\r\n");
}

static const struct tool tools[] = {
	{ "events", tool_events, 0, NULL },
	{ "asks", tool_asks, 502, "do not send requests" },
	{ "html", tool_html, 502, "neither JSON nor events" },
	{ "500", tool_500, 502, "HTTP 500" },
	{ "notjson", tool_notjson, 502, "refused" },
	{ "wrong-id", tool_wrong_id, 502, "something else" },
	{ "gzip", tool_gzip, 502, "encoded" },
	{ "cut", tool_cut, 502, "ended" },
	{ "smuggle", tool_smuggle, 502, "refused" },
	{ "huge", tool_huge, 502, "too large" },
	{ "long-event", tool_long_event, 502, "over the limit" },
	{ "long-head", tool_long_head, 502, "refused" },
	{ "ends-early", tool_ends_early, 502, "without an answer" },
	{ "202", tool_202, 502, "without an answer" },
	{ "401", tool_401, 502, "credential" },
	{ "hangs", tool_hangs, 504, "in time" },
	{ "error", tool_error, 0, NULL },
	{ "extra", tool_extra, 0, NULL },
	{ "until-close", tool_until_close, 0, NULL },
	{ "slow", tool_slow, 0, NULL },
};

static void
modern(struct world *w, struct peer *p)
{
	(void)w;
	if (asks(p, "server/discover")) {
		http_result(p, "", found);
		return;
	}
	note(p);
	use_tool(p, tools, countof(tools),
	    "{\"content\":[],\"resultType\":\"complete\"}");
}

/* ---- what is sent ---- */

static void
test_open(struct world *w)
{
	const struct msg *m;

	hop_open(w, 1);
	ok(hop_is_open(w, 1, MCP_MODERN), "server/discover: the modern era");
	m = opened(w, 1);
	ok(str_eq(msg_text(m, F_VERSION), STR("2026-07-28")) &&
		is(msg_tree(m, F_CAPS), "{\"tools\":{}}") &&
		is(msg_tree(m, F_INFO), "{\"name\":\"srv\"}") &&
		str_eq(msg_text(m, F_TEXT), STR("be kind")),
	    "version, capabilities, name and words of the upstream");
}

static void
test_sent(struct world *w)
{
	struct msg m = msg_of(MSG_UP_CALL);

	msg_set(&m, F_CALL, 7);
	msg_set(&m, F_HOP, 1);
	msg_set(&m, F_METHOD, MCP_TOOLS_CALL);
	msg_set(&m, F_FLAGS, MF_PROGRESS);
	msg_set_tree(&m, F_CAPS, tape("{\"sampling\":{}}"));
	msg_set_tree(&m, F_INFO, tape("{\"name\":\"a\"}"));
	msg_set_text(&m, F_TEXT, STR("debug"));
	msg_set_tree(
	    &m, F_HEADS, tape("{\"Region\":\"eu\",\"Note\":\"\xc3\xa9\"}"));
	msg_set_tree(&m, F_PARAMS,
	    tape("{\"name\":\"events\",\"arguments\":{\"n\":1.50},"
		 "\"_meta\":{\"x/y\":1}}"));
	tell(w, &m);
	ok(result_is(w, 7, "{\"content\":[],\"resultType\":\"complete\"}"),
	    "an answer at the end of an event stream");
	ok(strstr(head, "POST /mcp HTTP/1.1\r\n") != NULL &&
		strstr(head, "\r\nHost: 127.0.0.1:") != NULL &&
		strstr(head, "\r\nMCP-Protocol-Version: 2026-07-28\r\n") &&
		strstr(head, "\r\nMcp-Method: tools/call\r\n") &&
		strstr(head, "\r\nMcp-Name: events\r\n") &&
		strstr(head, "\r\nMcp-Param-Region: eu\r\n") &&
		strstr(head, "\r\nMcp-Param-Note: =?base64?w6k=?=\r\n") &&
		strstr(head,
		    "\r\nAccept: application/json, text/event-stream\r\n"),
	    "heads are made from what is sent");
	ok(strstr(head, "Authorization") == NULL &&
		strstr(head, "Mcp-Session-Id") == NULL,
	    "no credential and no session");
	ok(strstr(body, "\"arguments\":{\"n\":1.50}") != NULL &&
		strstr(body, "\"x/y\":1,\"progressToken\":7,\"io.modelcontext"
			     "protocol/protocolVersion\":\"2026-07-28\"") &&
		strstr(body, "clientCapabilities\":{\"sampling\":{}}") &&
		strstr(body, "logLevel\":\"debug\"") &&
		strstr(body, "clientInfo\":{\"name\":\"a\"}"),
	    "params as judged, _meta of this hop");
	ok(events(w, "notifications/progress") == 2, "progress goes forward");
	ok(is(msg_tree(event_at(w, "notifications/progress"), F_PARAMS),
	       "{\"progress\":1,\"total\":3,\"message\":\"one\"}") &&
		msg_num(event_at(w, "notifications/progress"), F_CALL) == 7,
	    "of that call, without our token");
	ok(events(w, "notifications/message") == 1 &&
		msg_num(event_at(w, "notifications/message"), F_CALL) == 7,
	    "a log message of that call");
}

static void
test_kept(struct world *w)
{
	const size_t before = w->peers;
	size_t good = 0;

	for (uint64_t i = 0; i < 100; i++) {
		w->seen_n = 0;
		call(w, 1, 1000 + i, MCP_TOOLS_CALL, "{\"name\":\"plain\"}", 0);
		UNTIL(answer(w, 1000 + i) != NULL);
		good += answer(w, 1000 + i) != NULL &&
			!msg_has(answer(w, 1000 + i), F_STATUS);
	}
	ok(good == 100 && w->peers == before,
	    "100 calls over the connections there were");
	w->seen_n = 0;
	for (uint64_t i = 0; i < 20; i++)
		call(w, 1, 2000 + i, MCP_TOOLS_LIST, NULL, 0);
	UNTIL(w->seen_n == 20);
	ok(w->seen_n == 20, "20 at once");
	for (size_t i = before; i < w->peers; i++)
		hang_up(&w->peer[i]);
	spin(20);
	ok(w->peers <= before + 20, "over %zu connections", w->peers);
	call(w, 1, 3000, MCP_TOOLS_CALL, "{\"name\":\"plain\"}", 0);
	ok(result_is(w, 3000, "{\"content\":[],\"resultType\":\"complete\"}"),
	    "an upstream that closed its idle ones costs no call");
}

/* ---- what comes back wrong ---- */

static void
test_tools(struct world *w)
{
	char params[128];
	size_t peers = 0;

	for (size_t i = 1; i < countof(tools); i++) {
		const uint64_t num = 100 + i;

		if (tools[i].status == 0)
			continue;
		(void)snprintf(
		    params, sizeof(params), "{\"name\":\"%s\"}", tools[i].name);
		call(w, 1, num, MCP_TOOLS_CALL, params, 0);
		ok(failed_with(w, num, tools[i].status, tools[i].words),
		    "%s: %u, with words", tools[i].name, tools[i].status);
	}
	call(w, 1, 200, MCP_TOOLS_CALL, "{\"name\":\"error\"}", 0);
	UNTIL(answer(w, 200) != NULL);
	ok(is(msg_tree(answer(w, 200), F_ERROR),
	       "{\"code\":-32602,\"message\":\"no such tool\"}") &&
		!msg_has(answer(w, 200), F_STATUS),
	    "an error of the protocol is an answer, whatever its status");
	call(w, 1, 201, MCP_TOOLS_CALL, "{\"name\":\"until-close\"}", 0);
	ok(result_is(w, 201, "{\"b\":2}"), "until close, after a 100, is fine");
	call(w, 1, 202, MCP_TOOLS_CALL, "{\"name\":\"extra\"}", 0);
	ok(result_is(w, 202, "{\"a\":1}"), "the answer counts");
	spin(20);
	ok(!last->open, "a connection that says more than asked is closed");
	for (size_t i = 0; i < w->peers; i++)
		peers += w->peer[i].open;
	ok(peers <= 20, "%zu connections are left", peers);
	call(w, 99, 203, MCP_TOOLS_CALL, NULL, 0);
	ok(failed_with(w, 203, 502, "no such"), "a hop that is not open: 502");
}

static void
test_cancel(struct world *w)
{
	struct peer *p;

	w->n = 0;
	call(w, 1, 300, MCP_TOOLS_CALL, "{\"name\":\"slow\"}", 0);
	UNTIL(w->n == 1);
	p = last;
	hop_say(w, MSG_UP_CANCEL, F_CALL, 300);
	UNTIL(!p->open);
	ok(!p->open, "cancel closes the stream");
	spin(20);
	ok(answer(w, 300) == NULL, "and has no answer");
	hop_say(w, MSG_UP_CANCEL, F_CALL, 300);
	spin(20);
	call(w, 1, 301, MCP_TOOLS_LIST, NULL, 0);
	UNTIL(answer(w, 301) != NULL);
	ok(answer(w, 301) != NULL, "twice is fine");
}

/* Progress gives more time, but not without end. */
static void
test_time(struct world *w)
{
	const uint64_t begun = now_mono();
	char text[256];

	w->n = 0;
	w->seen_n = 0;
	call(w, 1, 400, MCP_TOOLS_CALL, "{\"name\":\"slow\"}", MF_PROGRESS);
	UNTIL(w->n == 1);
	sse_begin(last);
	for (int i = 1; i < 200 && answer(w, 400) == NULL; i++) {
		(void)snprintf(text, sizeof(text),
		    "{\"jsonrpc\":\"2.0\",\"method\":\"notifications/"
		    "progress\",\"params\":{\"progressToken\":400,"
		    "\"progress\":%d}}",
		    i);
		sse(last, text);
		spin(100);
	}
	ok(failed_with(w, 400, 504, "in time"), "the hard end comes");
	ok(now_mono() - begun > UINT64_C(1500000000) &&
		events(w, "notifications/progress") > 5,
	    "though progress had put it off");
}

static void
test_listen(struct world *w)
{
	struct peer *p;

	w->n = 0;
	w->seen_n = 0;
	call(w, 1, 500, MCP_LISTEN,
	    "{\"name\":\"slow\",\"notifications\":{\"toolsListChanged\":true}}",
	    0);
	UNTIL(w->n == 1);
	p = last;
	sse_begin(p);
	sse(p, "{\"jsonrpc\":\"2.0\",\"method\":\"notifications/subscriptions/"
	       "acknowledged\",\"params\":{\"notifications\":{}}}");
	spin(600); /* longer than a call may be silent */
	sse(p, "{\"jsonrpc\":\"2.0\",\"method\":\"notifications/tools/"
	       "list_changed\"}");
	UNTIL(events(w, "notifications/tools/list_changed") == 1);
	ok(events(w, "notifications/subscriptions/acknowledged") == 1 &&
		msg_num(event_at(w, "notifications/tools/list_changed"),
		    F_CALL) == 500,
	    "a subscription lasts, its events are of its call");
	hop_say(w, MSG_HOP_CLOSE, F_HOP, 1);
	UNTIL(!p->open);
	ok(!p->open, "closing the hop ends it");
}

static void
test_refused(struct world *w)
{
	w->refuse = true;
	for (size_t i = 0; i < w->peers; i++)
		hang_up(&w->peer[i]);
	spin(20);
	hop_open(w, 2);
	ok(opened(w, 2) != NULL && msg_num(opened(w, 2), F_STATUS) == 502 &&
		str_eq(msg_text(opened(w, 2), F_TEXT),
		    STR("the upstream cannot be reached: nobody is there")),
	    "no connection: the hop does not open, with words");
	w->refuse = false;
	hop_open(w, 3);
	ok(hop_is_open(w, 3, MCP_MODERN), "a connection: it does");
}

static void
test_cred(void)
{
	struct world *w = world_new(true, ",\"credential\":true", modern);

	w->refuse = true;
	hop_open(w, 1);
	ok(opened(w, 1) != NULL && msg_num(opened(w, 1), F_STATUS) == 502,
	    "no credential: no session");
	w = world_new(true, ",\"credential\":true", modern);
	hop_open(w, 1);
	hop_open(w, 2);
	ok(hop_is_open(w, 1, MCP_MODERN) && hop_is_open(w, 2, MCP_MODERN),
	    "two wait for it");
	call(w, 1, 1, MCP_TOOLS_LIST, NULL, 0);
	UNTIL(answer(w, 1) != NULL);
	ok(strstr(head, "\r\nAuthorization: Bearer s3cret-token\r\n") != NULL,
	    "it is sent");
}

int
main(void)
{
	struct world *w;

	loop_begin();
	w = world_new(true, "", modern);
	test_open(w);
	test_sent(w);
	test_kept(w);
	test_tools(w);
	test_cancel(w);
	test_time(w);
	test_listen(w);
	test_refused(w);
	test_cred();
	return tap_done();
}
