/* Role back before an upstream of 2024-11-05: a stream, and where to post. */
#include "role/test-back.h"

static struct peer *stream;
static unsigned streams, inits, wrong;
static const char *endpoint = "/messages?s=1";
static const char *refusal = "405 No";
static bool mute;
static char posted[4096];

static void
taken(struct peer *p)
{
	say(p, "HTTP/1.1 202 Accepted\r\nContent-Length: 8\r\n\r\nAccepted");
}

static void
on_get(struct peer *p)
{
	char text[512];

	streams++;
	sse_begin(p);
	stream = p;
	if (mute)
		return;
	(void)snprintf(
	    text, sizeof(text), "event: endpoint\ndata: %s\n\n", endpoint);
	sse_raw(p, text);
}

static void
on_tool(struct peer *p)
{
	const struct str name = jv_str(member(p, "params/name"));
	const long id = id_of(p);

	if (str_eq(name, STR("early"))) { /* the answer before the 202 */
		sse_result(stream, id, "{\"early\":1}");
		taken(p);
		return;
	}
	if (str_eq(name, STR("lost"))) {
		say(p, "HTTP/1.1 500 No\r\nContent-Length: 0\r\n\r\n");
		return;
	}
	taken(p);
	if (str_eq(name, STR("slow")))
		return;
	if (str_eq(name, STR("asks")))
		sse(stream, "{\"jsonrpc\":\"2.0\",\"id\":7,\"method\":"
			    "\"roots/list\"}");
	sse_result(stream, id + 99, "{\"nobody's\":1}");
	sse_result(stream, id, "{\"content\":[]}");
}

static void
old(struct world *w, struct peer *p)
{
	(void)w;
	(void)snprintf(posted, sizeof(posted), "%s", p->head);
	if (has_head(p, "GET /mcp ")) {
		on_get(p);
	} else if (!has_head(p, "POST /messages?s=1 ")) {
		wrong++;
		(void)snprintf(posted, sizeof(posted),
		    "HTTP/1.1 %s\r\nContent-Length: 0\r\n\r\n", refusal);
		say(p, posted);
	} else if (asks(p, "initialize")) {
		inits++;
		taken(p);
		sse_result(stream, id_of(p),
		    "{\"protocolVersion\":\"2024-11-05\",\"capabilities\":"
		    "{\"tools\":{}},\"serverInfo\":{\"name\":\"old\"}}");
	} else if (asks(p, "tools/call")) {
		on_tool(p);
	} else {
		taken(p);
	}
}

static struct world *
fresh(void)
{
	streams = inits = wrong = 0;
	return world_new(true, ",\"era\":\"legacy\"", old);
}

static void
test_open(struct world *w)
{
	hop_open(w, 1);
	ok(hop_is_open(w, 1, MCP_LEGACY) && streams == 1 && inits == 1,
	    "405 to initialize: the stream is asked for");
	ok(str_eq(msg_text(opened(w, 1), F_VERSION), STR("2024-11-05")),
	    "and the session is of that version");
	ok(wrong == 1, "one attempt at the newer transport");
	hop_open(w, 2);
	ok(hop_is_open(w, 2, MCP_LEGACY) && streams == 2 && wrong == 1,
	    "the next session knows");
	hop_say(w, MSG_HOP_CLOSE, F_HOP, 2);
	UNTIL(!stream->open);
	ok(!stream->open, "closing it ends its stream");
}

static void
test_calls(void)
{
	struct world *w = fresh();

	hop_open(w, 1);
	UNTIL(opened(w, 1) != NULL);
	call(w, 1, 10, MCP_TOOLS_CALL, "{\"name\":\"x\"}", 0);
	ok(result_is(w, 10, "{\"content\":[]}"),
	    "the answer comes on the stream");
	ok(strstr(posted, "POST /messages?s=1 ") != NULL &&
		strstr(posted, "MCP-Protocol-Version") == NULL,
	    "what was asked was posted where the server said");
	call(w, 1, 11, MCP_TOOLS_CALL, "{\"name\":\"early\"}", 0);
	ok(result_is(w, 11, "{\"early\":1}"), "before the post is accepted");
	call(w, 1, 12, MCP_TOOLS_CALL, "{\"name\":\"lost\"}", 0);
	ok(failed_with(w, 12, 502, "HTTP 500"), "a post that is refused");
	call(w, 1, 13, MCP_TOOLS_CALL, "{\"name\":\"slow\"}", 0);
	ok(failed_with(w, 13, 504, "in time"), "silence");
	call(w, 1, 14, MCP_TOOLS_CALL, "{\"name\":\"asks\"}", 0);
	ok(result_is(w, 14, "{\"content\":[]}") &&
		event_at(w, "roots/list") != NULL,
	    "a server asks on the stream");
	call(w, 1, 15, MCP_TOOLS_CALL, "{\"name\":\"slow\"}", 0);
	spin(20);
	sse_end(stream);
	UNTIL(find(w, MSG_HOP_LOST, F_HOP, 1) != NULL);
	ok(failed_with(w, 15, 502, "ended") &&
		find(w, MSG_HOP_LOST, F_HOP, 1) != NULL,
	    "the end of the stream is the end of the session");
	hop_open(w, 3);
	ok(hop_is_open(w, 3, MCP_LEGACY), "another one is opened");
}

static void
test_refused(void)
{
	static const char *const bad[] = { "http://127.0.0.2/messages?s=1",
		"https://127.0.0.1/messages", "//127.0.0.1/messages?s=1",
		"ftp://127.0.0.1/x", "/mess ages", "http://h@127.0.0.1/", "" };
	char own[64];
	struct world *w;

	for (size_t i = 0; i < countof(bad); i++) {
		endpoint = bad[i];
		w = fresh();
		mute = bad[i][0] == '\0';
		hop_open(w, 1);
		if (mute) {
			UNTIL(streams == 1);
			sse_end(stream);
		}
		UNTIL(opened(w, 1) != NULL);
		ok(opened(w, 1) != NULL &&
			msg_num(opened(w, 1), F_STATUS) == 502 && inits == 0,
		    "an endpoint of somebody else's, or none");
	}
	mute = false;
	w = fresh();
	(void)snprintf(
	    own, sizeof(own), "http://127.0.0.1:%d/messages?s=1", w->port);
	endpoint = own;
	hop_open(w, 1);
	ok(hop_is_open(w, 1, MCP_LEGACY), "its own in full is taken");
	w = fresh();
	endpoint = "messages?s=1";
	hop_open(w, 1);
	ok(hop_is_open(w, 1, MCP_LEGACY), "and a relative one");
	refusal = "500 No";
	w = fresh();
	hop_open(w, 1);
	UNTIL(opened(w, 1) != NULL);
	ok(msg_num(opened(w, 1), F_STATUS) == 502 && streams == 0,
	    "an error that is no such thing is an error");
	refusal = "405 No";
}

/* ---- batches of a server ---- */

static const char *agreed;

static void
batches(struct world *w, struct peer *p)
{
	char text[512];

	(void)w;
	if (!has_head(p, "POST ")) {
		say(p, "HTTP/1.1 405 No\r\nContent-Length: 0\r\n\r\n");
	} else if (asks(p, "initialize")) {
		(void)snprintf(text, sizeof(text),
		    "{\"protocolVersion\":\"%s\",\"capabilities\":{},"
		    "\"serverInfo\":{\"name\":\"b\"}}",
		    agreed);
		http_result(p, "", text);
	} else if (id_of(p) < 0) {
		taken(p);
	} else {
		(void)snprintf(text, sizeof(text),
		    "[{\"jsonrpc\":\"2.0\",\"method\":"
		    "\"notifications/tools/list_changed\"},"
		    "{\"jsonrpc\":\"2.0\",\"id\":%ld,\"result\":{\"b\":1}},"
		    "{\"jsonrpc\":\"2.0\",\"method\":"
		    "\"notifications/prompts/list_changed\"}]",
		    id_of(p));
		http_json(p, "200 OK", "", text);
	}
}

static void
test_batches(void)
{
	struct world *w;

	agreed = "2025-03-26";
	w = world_new(true, ",\"era\":\"legacy\"", batches);
	hop_open(w, 1);
	UNTIL(opened(w, 1) != NULL);
	call(w, 1, 10, MCP_TOOLS_CALL, "{\"name\":\"x\"}", 0);
	ok(result_is(w, 10, "{\"b\":1}") &&
		events(w, "notifications/tools/list_changed") == 1 &&
		events(w, "notifications/prompts/list_changed") == 1,
	    "a batch of 2025-03-26 is taken message by message");
	agreed = "2025-06-18";
	w = world_new(true, ",\"era\":\"legacy\"", batches);
	hop_open(w, 1);
	UNTIL(opened(w, 1) != NULL);
	call(w, 1, 10, MCP_TOOLS_CALL, "{\"name\":\"x\"}", 0);
	ok(failed_with(w, 10, 502, "batches"), "of no other version");
}

int
main(void)
{
	struct world *w;

	loop_begin();
	w = fresh();
	test_open(w);
	test_calls();
	test_refused();
	test_batches();
	return tap_done();
}
