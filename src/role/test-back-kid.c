/* Role back before tool servers behind pipes, both eras. */
#include "role/test-back.h"

static char lines[16][8192]; /* what the server was told, but the opening */
static unsigned lines_n, probes, inits;
static struct peer *who[16];
static long ids[16];
static bool dies_on_probe, babbles;

static const char found[] =
    "{\"supportedVersions\":[\"2026-07-28\"],\"capabilities\":{},"
    "\"resultType\":\"complete\",\"ttlMs\":0,\"cacheScope\":\"private\"}";

static void
sayf(struct peer *p, const char *fmt, long id)
{
	static char out[8192];
	const char *at = strstr(fmt, "ID");

	if (at == NULL)
		(void)snprintf(out, sizeof(out), "%s\n", fmt);
	else
		(void)snprintf(out, sizeof(out), "%.*s%ld%s\n", (int)(at - fmt),
		    fmt, id, at + 2);
	say(p, out);
}

static void
note(struct peer *p)
{
	const unsigned i = lines_n++ % 16;

	(void)snprintf(lines[i], sizeof(lines[i]), "%.*s", STR_ARG(p->body));
	who[i] = p;
	ids[i] = id_of(p);
}

static void
result(struct peer *p, long id, const char *json)
{
	char text[4096];

	(void)snprintf(text, sizeof(text),
	    "{\"jsonrpc\":\"2.0\",\"id\":ID,\"result\":%s}", json);
	sayf(p, text, id);
}

static void
modern(struct world *w, struct peer *p)
{
	(void)w;
	if (asks(p, "server/discover")) {
		probes++;
		result(p, id_of(p), found);
	} else {
		note(p);
	}
}

static void
legacy(struct world *w, struct peer *p)
{
	(void)w;
	if (asks(p, "server/discover")) {
		probes++;
		if (dies_on_probe)
			hang_up(p);
		else
			sayf(p,
			    "{\"jsonrpc\":\"2.0\",\"id\":ID,\"error\":{\"code\""
			    ":-32601,\"message\":\"what?\"}}",
			    id_of(p));
	} else if (asks(p, "initialize")) {
		inits++;
		if (babbles)
			for (int i = 0; i < 200; i++)
				say(p, "Listening on port 3000\n");
		else
			result(p, id_of(p),
			    "{\"protocolVersion\":\"2025-11-25\","
			    "\"capabilities\":{},\"serverInfo\":{\"name\":"
			    "\"k\"}}");
	} else {
		note(p);
	}
}

/* ---- who shares a server, modern ---- */

/* Two sessions of one principal, one of another: how many servers by then. */
static void
test_apart(const char *word, const unsigned want[3])
{
	static const char *const names[] = { "al", "al", "bo" };
	struct world *w;
	char more[64];
	size_t ends;

	(void)snprintf(more, sizeof(more), ",\"sharing\":\"%s\"", word);
	w = world_new(false, more, modern);
	for (uint64_t i = 0; i < countof(names); i++) {
		hop_open_for(w, i + 1, names[i]);
		ok(hop_is_open(w, i + 1, MCP_MODERN), "%s: a session of %s",
		    word, names[i]);
		ok(w->launches == want[i], "%s: %u servers", word, want[i]);
	}
	ends = w->ends;
	hop_say(w, MSG_HOP_CLOSE, F_HOP, 3);
	if (want[2] > want[1]) {
		UNTIL(w->ends > ends);
		ok(w->ends == ends + 1, "%s: it ends with its last", word);
	} else {
		spin(50);
		ok(w->ends == ends, "%s: it stays for the others", word);
	}
}

/* ---- one server for all, modern ---- */

static void
test_shared(struct world *w)
{
	struct peer *p;

	hop_open(w, 1);
	hop_open(w, 2);
	ok(hop_is_open(w, 1, MCP_MODERN) && hop_is_open(w, 2, MCP_MODERN),
	    "two sessions of the modern era");
	ok(w->launches == 1, "share one server");
	lines_n = 0;
	call(w, 1, 71, MCP_TOOLS_CALL, "{\"name\":\"a\"}", MF_PROGRESS);
	call(w, 2, 72, MCP_TOOLS_CALL, "{\"name\":\"b\\nc\"}", MF_PROGRESS);
	UNTIL(lines_n == 2);
	p = who[0];
	ok(who[1] == p && ids[0] != ids[1], "different ids on one pipe");
	ok(strstr(lines[0], "protocolVersion\":\"2026-07-28\"") != NULL &&
		strstr(lines[1], "b\\nc") != NULL,
	    "each one line, with its _meta");
	sayf(p,
	    "{\"jsonrpc\":\"2.0\",\"method\":\"notifications/progress\","
	    "\"params\":{\"progressToken\":72,\"progress\":1}}",
	    0);
	sayf(p,
	    "{\"jsonrpc\":\"2.0\",\"method\":\"notifications/message\","
	    "\"params\":{\"level\":\"info\",\"data\":\"whose?\"}}",
	    0);
	result(p, ids[1], "{\"b\":1}");
	result(p, ids[1], "{\"again\":1}");
	result(p, 999999, "{\"stranger\":1}");
	result(p, ids[0], "{\"a\":1}");
	ok(result_is(w, 71, "{\"a\":1}") && result_is(w, 72, "{\"b\":1}"),
	    "answers find their calls, in any order");
	ok(events(w, "notifications/progress") == 1 &&
		msg_num(event_at(w, "notifications/progress"), F_HOP) == 2 &&
		msg_num(event_at(w, "notifications/progress"), F_CALL) == 72,
	    "progress finds its call");
	ok(events(w, "notifications/message") == 0,
	    "what is nobody's reaches nobody");
}

static void
test_noise(struct world *w)
{
	struct peer *p;
	char pad[3001];

	lines_n = 0;
	w->seen_n = 0;
	call(w, 1, 80, MCP_TOOLS_CALL, "{\"name\":\"a\"}", 0);
	UNTIL(lines_n == 1);
	p = who[0];
	memset(pad, 'e', sizeof(pad) - 1);
	pad[sizeof(pad) - 1] = '\0';
	for (int i = 0; i < 20; i++)
		if (write(p->err.fd, pad, sizeof(pad) - 1) < 0)
			break;
	say(p, "Server ready!\n\n{\"jsonrpc\":\"2.0\"}\n");
	sayf(p, "{\"jsonrpc\":\"2.0\",\"id\":3,\"method\":\"roots/list\"}", 0);
	sayf(p,
	    "{\"jsonrpc\":\"2.0\",\"method\":\"notifications/message\","
	    "\"params\":{\"level\":\"info\",\"data\":\"mine\"}}",
	    0);
	say(p, "{\"jsonrpc\":\"2.0\",");
	spin(20);
	sayf(p, "\"id\":ID,\"result\":{}}\r", ids[0]);
	ok(result_is(w, 80, "{}"), "junk, a request, a line in two parts");
	ok(events(w, "roots/list") == 0, "no request in this era");
	ok(events(w, "notifications/message") == 1 &&
		msg_num(event_at(w, "notifications/message"), F_CALL) == 80,
	    "a log message is the only caller's");
}

static void
test_cancel(struct world *w)
{
	char want[256];

	lines_n = 0;
	call(w, 1, 90, MCP_TOOLS_CALL, "{\"name\":\"a\"}", 0);
	UNTIL(lines_n == 1);
	hop_say(w, MSG_UP_CANCEL, F_CALL, 90);
	UNTIL(lines_n == 2);
	(void)snprintf(want, sizeof(want),
	    "{\"jsonrpc\":\"2.0\",\"method\":\"notifications/cancelled\","
	    "\"params\":{\"requestId\":%ld}}",
	    ids[0]);
	ok(strcmp(lines[1], want) == 0, "cancel is said");
	result(who[0], ids[0], "{}");
	call(w, 1, 91, MCP_LISTEN, "{\"notifications\":{}}", 0);
	call(w, 2, 92, MCP_LISTEN, "{\"notifications\":{}}", 0);
	UNTIL(lines_n == 4);
	sayf(who[0],
	    "{\"jsonrpc\":\"2.0\",\"method\":\"notifications/tools/list_"
	    "changed\",\"params\":{\"_meta\":{\"io.modelcontextprotocol/"
	    "subscriptionId\":ID}}}",
	    ids[3]);
	UNTIL(events(w, "notifications/tools/list_changed") == 1);
	ok(msg_num(event_at(w, "notifications/tools/list_changed"), F_CALL) ==
		92,
	    "a change goes to the subscription it names");
	sayf(who[0],
	    "{\"jsonrpc\":\"2.0\",\"method\":\"notifications/cancelled\","
	    "\"params\":{\"requestId\":ID}}",
	    ids[2]);
	ok(failed_with(w, 91, 502, "cancelled"), "the server ends one");
	ok(answer(w, 90) == NULL && answer(w, 92) == NULL, "and no other");
	hop_say(w, MSG_UP_CANCEL, F_CALL, 92);
	UNTIL(lines_n == 5);
}

static void
test_death(struct world *w)
{
	struct peer *p;

	lines_n = 0;
	call(w, 1, 100, MCP_TOOLS_CALL, "{\"name\":\"a\"}", 0);
	call(w, 2, 101, MCP_TOOLS_CALL, "{\"name\":\"a\"}", 0);
	UNTIL(lines_n == 2);
	p = who[0];
	result(p, ids[1], "{\"last\":1}");
	hang_up(p);
	ok(failed_with(w, 100, 502, "closed its output"),
	    "a dead server: 502, with words");
	ok(result_is(w, 101, "{\"last\":1}"), "its last words count");
	call(w, 1, 102, MCP_TOOLS_LIST, NULL, 0);
	ok(failed_with(w, 102, 502, "pause"), "who dies young gets a pause");
	spin(300);
	lines_n = 0;
	call(w, 1, 103, MCP_TOOLS_LIST, NULL, 0);
	UNTIL(lines_n == 1);
	result(who[0], ids[0], "{\"tools\":[]}");
	ok(result_is(w, 103, "{\"tools\":[]}") && w->launches == 2,
	    "then a fresh one answers");
	ok(find(w, MSG_HOP_LOST, F_HOP, 1) == NULL,
	    "the modern era loses no session");
	ok(w->ends == 1, "the launcher was told to clean up");
}

/* ---- one server a session, legacy ---- */

static void
test_legacy(struct world *w)
{
	struct peer *p, *q;

	probes = inits = 0;
	hop_open(w, 1);
	ok(hop_is_open(w, 1, MCP_LEGACY) && w->launches == 1 && probes == 1 &&
		inits == 1,
	    "an error to the probe: initialize, on the same server");
	hop_open(w, 2);
	ok(hop_is_open(w, 2, MCP_LEGACY) && w->launches == 2 && probes == 1,
	    "a second session has its own, unprobed");
	lines_n = 0;
	call(w, 1, 1, MCP_TOOLS_CALL, "{\"name\":\"a\"}", 0);
	call(w, 2, 2, MCP_TOOLS_CALL, "{\"name\":\"b\"}", 0);
	UNTIL(lines_n == 2);
	p = who[0];
	q = who[1];
	ok(p != q, "two pipes");
	result(p, ids[1], "{\"stolen\":1}");
	sayf(p, "{\"jsonrpc\":\"2.0\",\"id\":5,\"method\":\"roots/list\"}", 0);
	result(p, ids[0], "{\"a\":1}");
	ok(result_is(w, 1, "{\"a\":1}"), "an answer");
	spin(20);
	ok(answer(w, 2) == NULL, "a server cannot answer another's call");
	ok(events(w, "roots/list") == 1 &&
		msg_num(event_at(w, "roots/list"), F_HOP) == 1,
	    "a request is an event of its session");
	hang_up(q);
	ok(failed_with(w, 2, 502, "closed its output"), "it dies: 502");
	UNTIL(find(w, MSG_HOP_LOST, F_HOP, 2) != NULL);
	ok(find(w, MSG_HOP_LOST, F_HOP, 2) != NULL, "and its session is lost");
	w->ends = 0;
	hop_say(w, MSG_HOP_CLOSE, F_HOP, 1);
	UNTIL(!p->open && w->ends == 1);
	ok(!p->open && w->ends == 1, "closing the session ends its server");
}

static void
test_openings(void)
{
	struct world *w = world_new(false, "", legacy);

	dies_on_probe = true;
	hop_open(w, 1);
	ok(hop_is_open(w, 1, MCP_LEGACY) && w->launches == 2,
	    "who dies of the probe is started again, and not probed");
	dies_on_probe = false;
	w = world_new(false, "", legacy);
	w->refuse = true;
	hop_open(w, 1);
	ok(opened(w, 1) != NULL && msg_num(opened(w, 1), F_STATUS) == 502 &&
		str_search(msg_text(opened(w, 1), F_TEXT),
		    STR("no such program")) < msg_text(opened(w, 1), F_TEXT).n,
	    "no start: no session, with words");
	w->refuse = false;
	babbles = true;
	hop_open(w, 2);
	ok(opened(w, 2) != NULL && msg_num(opened(w, 2), F_STATUS) == 502,
	    "one that only babbles: no session");
	babbles = false;
	hop_open(w, 3);
	ok(hop_is_open(w, 3, MCP_LEGACY), "one that does not: a session");
}

/* More than a channel takes: dropped, and the answers still come. */
static void
test_flood(void)
{
	struct world *w = world_new(false, "", legacy);

	hop_open(w, 1);
	ok(hop_is_open(w, 1, MCP_LEGACY), "a session");
	lines_n = 0;
	call(w, 1, 1, MCP_TOOLS_CALL, "{\"name\":\"a\"}", 0);
	UNTIL(lines_n == 1);
	for (int i = 0; i < 3000; i++)
		sayf(who[0],
		    "{\"jsonrpc\":\"2.0\",\"method\":\"notifications/message\","
		    "\"params\":{\"level\":\"info\",\"data\":\"x\"}}",
		    0);
	result(who[0], ids[0], "{}");
	UNTIL(w->seen_n > 900);
	spin(50);
	ok(w->seen_n < 1500, "a flood is cut: %zu of 3000", w->seen_n);
	w->seen_n = 0;
	call(w, 1, 2, MCP_TOOLS_CALL, "{\"name\":\"a\"}", 0);
	UNTIL(lines_n == 2);
	result(who[1], ids[1], "{\"after\":1}");
	ok(result_is(w, 2, "{\"after\":1}"), "what was asked is answered");
}

int
main(void)
{
	struct world *w;

	loop_begin();
	test_apart("session", (const unsigned[]){ 1, 2, 3 });
	test_apart("principal", (const unsigned[]){ 1, 1, 2 });
	test_apart("all", (const unsigned[]){ 1, 1, 1 });
	w = world_new(false, ",\"sharing\":\"all\"", modern);
	test_shared(w);
	test_noise(w);
	test_cancel(w);
	test_death(w);
	test_legacy(world_new(false, "", legacy));
	test_openings();
	test_flood();
	return tap_done();
}
