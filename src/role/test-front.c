/*
 * test-front: the front between an agent made of bytes and a judge made of
 * messages, all in one loop.  What the judge saw, and what the agent read.
 */
#include "role/front-in.h"

#include "base/tap.h"

#include <arpa/inet.h>
#include <sys/socket.h>
#include <unistd.h>

static struct loop *loop;
static struct front *front;
static struct chan *judge;
static struct buf image_tape = { .max = 1 << 16 };
static bool drained;

/* ---- the judge: keeps the last message, answers when told to ---- */

static struct {
	unsigned n; /* messages of any kind but REFUSED and GONE */
	unsigned refused, gone, lost;
	enum msg_kind kind;
	uint64_t ref, flags, era, method, where;
	char name[64], session[64], version[32], id[64], params[256];
	char heads[128], event[32];
	unsigned char cred[32];
	bool has_cred, has_ref;
} seen;

static void
text_of(char *to, size_t cap, struct str s)
{
	(void)snprintf(to, cap, "%.*s", STR_ARG(s));
}

static void
tree_of(char *to, size_t cap, struct jv v)
{
	struct buf b = { .max = cap - 1 };

	to[0] = '\0';
	if (jv_is(v, J_NONE))
		return;
	json_write(v, &b);
	text_of(to, cap, buf_view(&b));
	buf_done(&b);
}

static void
judge_got(struct chan *c, const struct msg *m)
{
	const struct str cred = msg_text(m, F_CRED);

	(void)c;
	if (m->kind == MSG_REFUSED || m->kind == MSG_GONE) {
		seen.refused += m->kind == MSG_REFUSED;
		seen.gone += m->kind == MSG_GONE;
		return;
	}
	seen.n++;
	seen.kind = m->kind;
	seen.ref = msg_num(m, F_REF);
	seen.has_ref = msg_has(m, F_REF);
	seen.flags = msg_num(m, F_FLAGS);
	seen.era = msg_num(m, F_ERA);
	seen.method = msg_num(m, F_METHOD);
	seen.where = msg_num(m, F_WHERE);
	text_of(seen.name, sizeof(seen.name), msg_text(m, F_NAME));
	text_of(seen.session, sizeof(seen.session), msg_text(m, F_SESSION));
	text_of(seen.version, sizeof(seen.version), msg_text(m, F_VERSION));
	text_of(seen.event, sizeof(seen.event), msg_text(m, F_EVENT));
	tree_of(seen.id, sizeof(seen.id), msg_tree(m, F_ID));
	tree_of(seen.params, sizeof(seen.params), msg_tree(m, F_PARAMS));
	tree_of(seen.heads, sizeof(seen.heads), msg_tree(m, F_HEADS));
	seen.has_cred = cred.n == 32;
	if (seen.has_cred)
		memcpy(seen.cred, cred.p, 32);
}

static void
judge_lost(struct chan *c)
{
	chan_free(c);
	judge = NULL;
}

static const struct chan_ops judge_ops = { .got = judge_got,
	.lost = judge_lost };

static void
judge_begin(void)
{
	struct chan_fds a, b;

	if (chan_pair(true, &a, &b) != OK)
		exit(1);
	front_link(front, 0, &a);
	judge = chan_new(loop, &b, ROLE_JUDGE, ROLE_FRONT, 0, &judge_ops, NULL);
}

static void
judge_says(struct msg *m)
{
	if (chan_send(judge, m) != OK)
		printf("# the judge could not send\n");
}

/* An ANSWER, EVENT, ACCEPTED or END with one tree of JSON text. */
static void
judge_send(enum msg_kind kind, uint64_t ref, enum msg_field field,
    const char *json, uint64_t flags)
{
	struct buf t = { .max = 1 << 16 };
	struct msg m = msg_of(kind);

	msg_set(&m, F_REF, ref);
	if (flags != 0)
		msg_set(&m, F_FLAGS, flags);
	if (json != NULL) {
		if (json_parse(str_of(json), &json_default, &t, NULL) != OK)
			exit(1);
		msg_set_tree(&m, field, jv_of(buf_view(&t)));
	}
	if (kind == MSG_EVENT)
		msg_set_text(&m, F_NAME, STR("notifications/progress"));
	judge_says(&m);
	buf_done(&t);
}

static void
answer(const char *result)
{
	judge_send(MSG_ANSWER, seen.ref, F_RESULT, result, MF_FINAL);
}

/* ---- the agent ---- */

static int agent = -1;
static char got[1 << 20];
static size_t got_n;

static void
spin(void)
{
	for (int i = 0; i < 6; i++)
		loop_once(loop, 0);
}

static void
agent_new(void)
{
	int sv[2];

	if (agent >= 0)
		(void)close(agent);
	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, sv) < 0)
		exit(1);
	spin(); /* the end of the last one is seen */
	agent = sv[0];
	conn_new(front, sv[1]);
	got_n = 0;
	got[0] = '\0';
}

static bool
agent_read(void)
{
	size_t n;
	enum err e;

	while ((e = fd_read(agent, got + got_n, sizeof(got) - 1 - got_n, &n)) ==
	       OK)
		got_n += n;
	got[got_n] = '\0';
	return e != ERR_GONE;
}

static void
agent_write(const char *p, size_t n)
{
	while (n > 0) {
		size_t put = 0;
		const enum err e = fd_write(agent, (struct str){ p, n }, &put);

		if (e != OK && e != ERR_MORE)
			return;
		p += put;
		n -= put;
		loop_once(loop, 0);
	}
}

/* Writes, lets the house work, reads.  False: the connection has ended. */
static bool
agent_says(const char *text)
{
	got_n = 0;
	agent_write(text, strlen(text));
	spin();
	return agent_read();
}

static bool
agent_hears(void)
{
	got_n = 0;
	spin();
	return agent_read();
}

static int
status(void)
{
	return got_n > 12 ? (int)strtol(got + 9, NULL, 10) : 0;
}

static const char *
body(void)
{
	const char *p = strstr(got, "\r\n\r\n");

	return p == NULL ? "" : p + 4;
}

static bool
has(const char *text)
{
	return strstr(got, text) != NULL;
}

/* ---- requests ---- */

#define HOST "Host: h:1\r\n"
#define JSON "Content-Type: application/json\r\n"
#define SESSION "Mcp-Session-Id: 0-abc\r\n"
#define PING "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"ping\"}"
#define CALL(rest)                                                             \
	"{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"tools/call\",\"params\":{" \
	"\"name\":\"x\"" rest "}}"
#define META                                                                   \
	"\"_meta\":{\"io.modelcontextprotocol/protocolVersion\":"              \
	"\"2026-07-28\",\"io.modelcontextprotocol/clientCapabilities\":{}}"

/* A POST with the right length. */
static const char *
post(const char *heads, const char *text)
{
	static char b[70000];

	(void)snprintf(b, sizeof(b),
	    "POST /mcp HTTP/1.1\r\n%sContent-Length: %zu\r\n\r\n%s", heads,
	    strlen(text), text);
	return b;
}

static const struct {
	const char *name, *heads, *body;
	int status; /* 0: it reaches the judge */
} posts[] = {
	{ "a ping", HOST JSON SESSION, PING, 0 },
	{ "another Host", "Host: evil\r\n" JSON SESSION, PING, 403 },
	{ "Host in capitals", "Host: H:1\r\n" JSON SESSION, PING, 0 },
	{ "an allowed Origin", HOST JSON SESSION "Origin: http://ok\r\n", PING,
	    0 },
	{ "another Origin", HOST JSON SESSION "Origin: http://evil\r\n", PING,
	    403 },
	{ "Origin null", HOST JSON SESSION "Origin: null\r\n", PING, 403 },
	{ "Origin twice",
	    HOST JSON SESSION "Origin: http://ok\r\nOrigin: http://ok\r\n",
	    PING, 403 },
	{ "no Content-Type", HOST SESSION, PING, 415 },
	{ "text/plain", HOST SESSION "Content-Type: text/plain\r\n", PING,
	    415 },
	{ "Application/JSON", HOST SESSION "Content-Type: Application/JSON\r\n",
	    PING, 0 },
	{ "charset=UTF-8",
	    HOST SESSION "Content-Type: application/json; charset=UTF-8\r\n",
	    PING, 0 },
	{ "charset=utf-16",
	    HOST SESSION "Content-Type: application/json; charset=utf-16\r\n",
	    PING, 415 },
	{ "application/jsonx",
	    HOST SESSION "Content-Type: application/jsonx\r\n", PING, 415 },
	{ "Content-Type twice", HOST SESSION JSON JSON, PING, 415 },
	{ "gzip", HOST JSON SESSION "Content-Encoding: gzip\r\n", PING, 415 },
	{ "identity", HOST JSON SESSION "Content-Encoding: identity\r\n", PING,
	    0 },
	{ "Bearer", HOST JSON SESSION "Authorization: Bearer abc\r\n", PING,
	    0 },
	{ "Basic", HOST JSON SESSION "Authorization: Basic abc\r\n", PING,
	    401 },
	{ "Bearer of nothing", HOST JSON SESSION "Authorization: Bearer \r\n",
	    PING, 401 },
	{ "two tokens",
	    HOST JSON SESSION
	    "Authorization: Bearer a\r\nAuthorization: Bearer b\r\n",
	    PING, 400 },
	{ "no JSON", HOST JSON SESSION, "{", 400 },
	{ "empty", HOST JSON SESSION, "", 400 },
	{ "a BOM", HOST JSON SESSION, "\xef\xbb\xbf" PING, 400 },
	{ "a duplicate", HOST JSON SESSION,
	    "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"ping\","
	    "\"method\":\"tools/call\"}",
	    400 },
	{ "trailing bytes", HOST JSON SESSION, PING "x", 400 },
	{ "too deep", HOST JSON SESSION,
	    CALL(",\"arguments\":[[[[[[[[[[[[]]]]]]]]]]]]"), 400 },
	{ "a batch on 2025-11-25",
	    HOST JSON SESSION "MCP-Protocol-Version: 2025-11-25\r\n",
	    "[" PING "]", 400 },
	{ "an empty batch", HOST JSON SESSION, "[]", 400 },
	{ "no session", HOST JSON, PING, 400 },
	{ "modern",
	    HOST JSON
	    "MCP-Protocol-Version: 2026-07-28\r\nMcp-Method: tools/call\r\n"
	    "Mcp-Name: x\r\n",
	    CALL("," META), 0 },
	{ "modern, lying name",
	    HOST JSON
	    "MCP-Protocol-Version: 2026-07-28\r\nMcp-Method: tools/call\r\n"
	    "Mcp-Name: y\r\n",
	    CALL("," META), 400 },
	{ "modern, name twice",
	    HOST JSON
	    "MCP-Protocol-Version: 2026-07-28\r\nMcp-Method: tools/call\r\n"
	    "Mcp-Name: x\r\nMcp-Name: x\r\n",
	    CALL("," META), 400 },
};

static void
test_posts(void)
{
	for (size_t i = 0; i < countof(posts); i++) {
		const unsigned n = seen.n;

		agent_new();
		(void)agent_says(post(posts[i].heads, posts[i].body));
		if (posts[i].status == 0)
			ok(seen.n == n + 1 && got_n == 0, "goes on: %s",
			    posts[i].name);
		else
			ok(seen.n == n && status() == posts[i].status, "%d: %s",
			    posts[i].status, posts[i].name);
		if (posts[i].status != 0 && status() != posts[i].status)
			printf("# %.60s\n", got);
	}
	ok(seen.refused > 5, "what was refused was told to the judge");
}

static const struct {
	const char *name, *text;
	int status; /* 0: it reaches the judge */
} others[] = {
	{ "/mcp/",
	    "POST /mcp/ HTTP/1.1\r\n" HOST JSON "Content-Length: 0\r\n\r\n",
	    404 },
	{ "/MCP",
	    "POST /MCP HTTP/1.1\r\n" HOST JSON "Content-Length: 0\r\n\r\n",
	    404 },
	{ "a query behind a path that is none",
	    "GET /mcp/?x HTTP/1.1\r\n" HOST SESSION "\r\n", 404 },
	{ "a query", "GET /mcp?access_token=a HTTP/1.1\r\n" HOST SESSION "\r\n",
	    0 },
	{ "PUT", "PUT /mcp HTTP/1.1\r\n" HOST JSON "Content-Length: 0\r\n\r\n",
	    405 },
	{ "GET without session", "GET /mcp HTTP/1.1\r\n" HOST "\r\n", 405 },
	{ "GET, modern",
	    "GET /mcp HTTP/1.1\r\n" HOST SESSION
	    "MCP-Protocol-Version: 2026-07-28\r\n\r\n",
	    405 },
	{ "GET, JSON alone",
	    "GET /mcp HTTP/1.1\r\n" HOST SESSION
	    "Accept: application/json\r\n\r\n",
	    406 },
	{ "GET",
	    "GET /mcp HTTP/1.1\r\n" HOST SESSION
	    "Accept: text/event-stream\r\n\r\n",
	    0 },
	{ "GET from another Origin",
	    "GET /mcp HTTP/1.1\r\n" HOST SESSION "Origin: http://evil\r\n\r\n",
	    403 },
	{ "GET with a body",
	    "GET /mcp HTTP/1.1\r\n" HOST SESSION "Content-Length: 1\r\n\r\nx",
	    400 },
	{ "DELETE", "DELETE /mcp HTTP/1.1\r\n" HOST SESSION "\r\n", 0 },
	{ "DELETE without session", "DELETE /mcp HTTP/1.1\r\n" HOST "\r\n",
	    405 },
	{ "DELETE from another Host",
	    "DELETE /mcp HTTP/1.1\r\nHost: evil\r\n" SESSION "\r\n", 403 },
	{ "preflight",
	    "OPTIONS /mcp HTTP/1.1\r\n" HOST "Origin: http://ok\r\n"
	    "Access-Control-Request-Method: POST\r\n\r\n",
	    204 },
	{ "preflight from elsewhere",
	    "OPTIONS /mcp HTTP/1.1\r\n" HOST "Origin: http://evil\r\n"
	    "Access-Control-Request-Method: POST\r\n\r\n",
	    403 },
	{ "OPTIONS of nobody", "OPTIONS /mcp HTTP/1.1\r\n" HOST "\r\n", 405 },
	{ "HTTP/1.0", "POST /mcp HTTP/1.0\r\n" HOST "\r\n", 505 },
	{ "two lengths",
	    "POST /mcp HTTP/1.1\r\n" HOST JSON
	    "Content-Length: 1\r\nContent-Length: 1\r\n\r\nx",
	    400 },
	{ "length and chunked",
	    "POST /mcp HTTP/1.1\r\n" HOST JSON
	    "Content-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
	    400 },
	{ "a bare line feed", "POST /mcp HTTP/1.1\n" HOST "\r\n", 400 },
	{ "a body over the limit",
	    "POST /mcp HTTP/1.1\r\n" HOST JSON "Content-Length: 70000\r\n\r\n",
	    413 },
	{ "a chunked body over the limit",
	    "POST /mcp HTTP/1.1\r\n" HOST JSON
	    "Transfer-Encoding: chunked\r\n\r\n11170\r\n",
	    413 },
	{ "no Host", "POST /mcp HTTP/1.1\r\n" JSON "\r\n", 400 },
};

static void
test_others(void)
{
	char big[9000];

	for (size_t i = 0; i < countof(others); i++) {
		const unsigned n = seen.n;

		agent_new();
		(void)agent_says(others[i].text);
		if (others[i].status == 0)
			ok(seen.n == n + 1 && got_n == 0, "goes on: %s",
			    others[i].name);
		else
			ok(seen.n == n && status() == others[i].status,
			    "%d: %s", others[i].status, others[i].name);
		if (others[i].status != 0 && status() != others[i].status)
			printf("# %.60s\n", got);
	}
	agent_new();
	(void)agent_says(
	    "GET /mcp?access_token=a HTTP/1.1\r\n" HOST SESSION "\r\n");
	ok(!seen.has_cred && (seen.flags & MF_CRED) == 0,
	    "a token in a query is none");
	agent_new();
	memset(big, 'a', sizeof(big) - 1);
	big[sizeof(big) - 1] = '\0';
	(void)agent_says("POST /mcp HTTP/1.1\r\nX: ");
	ok(!agent_says(big) && status() == 431,
	    "431: a head over the limit, and the connection ends");
}

static void
test_fields(void)
{
	static const unsigned char abc[] = { 0xba, 0x78, 0x16, 0xbf };

	agent_new();
	(void)agent_says(post(HOST JSON SESSION
	    "Authorization: bearer abc\r\nMCP-Protocol-Version: 2025-06-18\r\n",
	    CALL(",\"arguments\":{\"n\":1.50},\"_meta\":{\"progressToken\":"
		 "\"p\",\"k\":1}")));
	ok(seen.kind == MSG_REQUEST && seen.method == MCP_TOOLS_CALL &&
		seen.era == MCP_LEGACY && seen.where == 0,
	    "a request reaches the judge");
	ok(seen.has_cred && memcmp(seen.cred, abc, 4) == 0 &&
		(seen.flags & MF_CRED) != 0,
	    "the token's digest, not the token");
	ok(strcmp(seen.session, "0-abc") == 0 &&
		strcmp(seen.version, "2025-06-18") == 0 &&
		strcmp(seen.id, "1") == 0,
	    "session, version, id");
	ok(strcmp(seen.params, "{\"name\":\"x\",\"arguments\":{\"n\":1.50},"
			       "\"_meta\":{\"k\":1}}") == 0 &&
		(seen.flags & MF_PROGRESS) != 0,
	    "params without the progress token");
	agent_new();
	(void)agent_says(post(HOST JSON SESSION
	    "MCP-Protocol-Version: 2026-07-28\r\nMcp-Method: tools/call\r\n"
	    "Mcp-Name: x\r\nMcp-Param-A: =?base64?eA==?=\r\n"
	    "Mcp-Param-B: 1\r\nmcp-param-b: 2\r\n",
	    CALL("," META)));
	ok(seen.era == MCP_MODERN && seen.session[0] == '\0',
	    "a modern request has no session");
	ok(strcmp(seen.heads, "{\"A\":\"x\",\"B\":null}") == 0,
	    "its argument headers are decoded, a repeated one is void");
	agent_new();
	(void)agent_says(
	    "GET /mcp HTTP/1.1\r\n" HOST SESSION "Last-Event-ID: 3.4\r\n\r\n");
	ok(seen.kind == MSG_STREAM && strcmp(seen.event, "3.4") == 0,
	    "GET is a stream that resumes");
	agent_new();
	(void)agent_says("POST /s/fs/mcp HTTP/1.1\r\n" HOST JSON SESSION
			 "Content-Length: 40\r\n\r\n" PING);
	ok(seen.where == 1, "the endpoint is known by its path");
}

/* ---- answers ---- */

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

/* ---- framing ---- */

static void
test_framing(void)
{
	static const char chunked[] =
	    "POST /mcp HTTP/1.1\r\n" HOST JSON SESSION
	    "Transfer-Encoding: chunked\r\n\r\n"
	    "10\r\n{\"jsonrpc\":\"2.0\"\r\n18\r\n,\"id\":1,\"method\":\"ping\"}"
	    "\r\n0\r\n\r\n";
	const char *p = post(HOST JSON SESSION, PING);
	char two[4096];
	unsigned n = seen.n;

	agent_new();
	for (size_t i = 0; p[i] != '\0'; i++) {
		agent_write(p + i, 1);
		spin();
	}
	ok(seen.n == n + 1, "byte by byte");
	answer("{}");
	ok(agent_hears() && status() == 200, "and answered");
	ok(front->conns->in.cap == 0 && front->conns->out.cap == 0,
	    "an idle connection holds no buffer");
	n = seen.n;
	(void)agent_says(chunked);
	ok(seen.n == n + 1 && strcmp(seen.id, "1") == 0, "chunked");
	answer("{}");
	(void)agent_hears();
	for (size_t i = 0; i < sizeof(chunked) - 1; i++) {
		agent_write(chunked + i, 1);
		spin();
	}
	ok(seen.n == n + 2, "chunked, byte by byte");
	answer("{}");
	(void)agent_hears();
	n = seen.n;
	(void)snprintf(two, sizeof(two), "%s%s", p, p);
	(void)agent_says(two);
	ok(seen.n == n + 1 && got_n == 0, "pipelined: one at a time");
	answer("{}");
	(void)agent_hears();
	ok(seen.n == n + 2 && status() == 200, "the next follows the answer");
	answer("{}");
	ok(agent_hears() && status() == 200, "in order");
	n = seen.n;
	(void)agent_says("POST /mcp HTTP/1.1\r\n" HOST JSON SESSION
			 "Expect: 100-continue\r\nContent-Length: 40\r\n\r\n");
	ok(strcmp(got, "HTTP/1.1 100 Continue\r\n\r\n") == 0 && seen.n == n,
	    "100-continue");
	(void)agent_says(PING);
	ok(seen.n == n + 1, "and the body");
	answer("{}");
	(void)agent_hears();
	n = seen.n;
	(void)agent_says(post(HOST JSON SESSION "Connection: close\r\n", PING));
	answer("{}");
	ok(!agent_hears() && has("Connection: close\r\n"),
	    "close closes after the answer");
}

static void
test_big(void)
{
	static char text[65536];
	const unsigned n = seen.n;
	int len = snprintf(text, sizeof(text),
	    "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"tools/call\","
	    "\"params\":{\"name\":\"x\",\"a\":\"%060000d\"}}",
	    1);

	agent_new();
	(void)agent_says(post(HOST JSON SESSION, text));
	ok(len > 60000 && seen.n == n + 1, "a body just below the limit");
	answer("{}");
	ok(agent_hears() && status() == 200, "is answered");
}

static void
test_batch(void)
{
	const unsigned n = seen.n;
	uint64_t first;

	agent_new();
	(void)agent_says(post(HOST JSON SESSION,
	    "[" PING ",{\"jsonrpc\":\"2.0\",\"id\":2,\"method\":\"ping\"},"
	    "{\"jsonrpc\":\"2.0\",\"id\":null,\"method\":\"ping\"}]"));
	ok(seen.n == n + 2 && strcmp(seen.version, "2025-03-26") == 0,
	    "a batch of an old session goes element by element");
	ok(has("-32600"), "what does not stand is answered in the stream");
	first = seen.ref;
	judge_send(MSG_ANSWER, first, F_RESULT, "{}", MF_FINAL);
	(void)agent_hears();
	ok(has("\"id\":2") && !has("\r\n0\r\n\r\n"), "one answer");
	judge_send(
	    MSG_ANSWER, first - (UINT64_C(1) << 24), F_RESULT, "{}", MF_FINAL);
	(void)agent_hears();
	if (!has("\"id\":1")) /* slots are reused: look for the other */
		for (uint64_t slot = 0; slot < 8; slot++)
			judge_send(MSG_ANSWER,
			    (((first >> 24) - 1) << 24) | slot, F_RESULT, "{}",
			    MF_FINAL);
	if (!has("\"id\":1"))
		(void)agent_hears();
	ok(has("\"id\":1") && has("\r\n0\r\n\r\n"), "the last ends the stream");
	(void)agent_says(post(HOST JSON SESSION,
	    "[{\"jsonrpc\":\"2.0\",\"method\":\"notifications/x\"}]"));
	ok(status() == 202, "a batch of notifications is 202");
}

/* ---- ends ---- */

static void
test_gone(void)
{
	unsigned gone = seen.gone;
	uint64_t ref;

	agent_new();
	(void)agent_says(post(HOST JSON SESSION, PING));
	ref = seen.ref;
	(void)close(agent);
	agent = -1;
	spin();
	ok(seen.gone == gone + 1, "an agent that leaves is told to the judge");
	judge_send(MSG_ANSWER, ref, F_RESULT, "{}", MF_FINAL);
	spin();
	ok(front->conn_n == 0 && front->req_n == 0,
	    "a late answer finds nobody");
	agent_new();
	(void)agent_says(post(HOST JSON SESSION, PING));
	chan_free(judge);
	judge = NULL;
	(void)agent_hears();
	ok(status() == 503 && has("\"id\":1"), "a judge that dies is a 503");
	(void)agent_says(post(HOST JSON SESSION, PING));
	ok(status() == 503, "no judge, too");
	judge_begin();
	(void)agent_says(post(HOST JSON SESSION, PING));
	ok(seen.kind == MSG_REQUEST && got_n == 0, "its successor is used");
	answer("{}");
	ok(agent_hears() && status() == 200, "and answers");
}

static void
test_slow_reader(void)
{
	static char result[40000];
	const unsigned gone = seen.gone;

	(void)snprintf(
	    result, sizeof(result), "{\"progress\":1,\"m\":\"%030000d\"}", 1);
	agent_new();
	(void)agent_says(
	    post(HOST JSON SESSION, CALL(",\"_meta\":{\"progressToken\":7}")));
	for (int i = 0; i < 100 && seen.gone == gone; i++) {
		judge_send(MSG_EVENT, seen.ref, F_PARAMS, result, 0);
		spin();
	}
	ok(seen.gone == gone + 1 && front->conn_n == 0,
	    "who does not read is dropped");
}

static void
test_accept(void)
{
	struct sockaddr_in a = { .sin_family = AF_INET };
	socklen_t n = sizeof(a);
	int l = socket(AF_INET, SOCK_STREAM, 0), c[5];
	char b[256];
	size_t got_one = 0;

	a.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	if (bind(l, (struct sockaddr *)&a, n) < 0 || listen(l, 8) < 0 ||
	    getsockname(l, (struct sockaddr *)&a, &n) < 0)
		exit(1);
	ok(front_listen(front, l) == OK, "it listens");
	for (size_t i = 0; i < countof(c); i++) {
		c[i] = socket(AF_INET, SOCK_STREAM, 0);
		if (connect(c[i], (struct sockaddr *)&a, n) < 0)
			exit(1);
	}
	spin();
	ok(front->conn_n == 4, "up to the limit of connections");
	ok(read(c[4], b, sizeof(b)) > 12 && memcmp(b + 9, "503", 3) == 0,
	    "the next is told so");
	for (size_t i = 0; i < countof(c); i++)
		(void)close(c[i]);
	spin();
	ok(front->conn_n == 0, "closed connections are gone");
	(void)got_one;
}

static void
test_drain(void)
{
	agent_new();
	(void)agent_says(post(HOST JSON SESSION, PING));
	front_drain(front);
	spin();
	ok(!drained, "a drain waits for what runs");
	answer("{}");
	ok(!agent_hears() && status() == 200 && has("Connection: close"),
	    "which is answered, and then the connection ends");
	(void)close(agent);
	agent = -1;
	spin();
	ok(drained, "and then it is over");
}

/* ---- stdio ---- */

static void
test_stdio(void)
{
	int in[2], out[2];
	char b[4096];
	size_t n = 0;
	const unsigned before = seen.n;

	if (pipe(in) < 0 || pipe(out) < 0 || fd_nonblock(out[0]) != OK)
		exit(1);
	stdio_start(front, in[0], out[1]);
	agent = in[1];
	agent_write(PING "\n{\n", strlen(PING) + 3);
	spin();
	ok(seen.n == before + 1 && (seen.flags & MF_STDIO) != 0 &&
		seen.kind == MSG_REQUEST && seen.where == 0,
	    "a line is a request");
	ok(fd_read(out[0], b, sizeof(b), &n) == OK && n > 40 &&
		b[n - 1] == '\n' &&
		str_search((struct str){ b, n }, STR("-32700")) < n,
	    "a bad line is answered");
	agent_write(PING "\n", strlen(PING) + 1);
	spin();
	ok(seen.n == before + 1 && fd_read(out[0], b, sizeof(b), &n) == OK &&
		str_search((struct str){ b, n }, STR("-32600")) < n,
	    "an id that still waits is refused");
	judge_send(MSG_EVENT, 0, F_PARAMS, "{}", 0);
	answer("{}");
	spin();
	n = 0;
	(void)!fd_read(out[0], b, sizeof(b) - 1, &n);
	b[n] = '\0';
	ok(strstr(b, "\"notifications/progress\"") != NULL &&
		strstr(b, "{\"jsonrpc\":\"2.0\",\"id\":1,\"result\":{}}\n") !=
		    NULL,
	    "events and answers are lines");
	agent_write(PING "\n", strlen(PING) + 1);
	(void)close(in[1]);
	agent = -1;
	spin();
	ok(seen.kind == MSG_REQUEST && !drained,
	    "after the end of input what was asked still runs");
	answer("{}");
	spin();
	ok(seen.kind == MSG_CLOSE && (seen.flags & MF_STDIO) != 0 && !drained,
	    "then the session is closed");
	judge_send(MSG_ACCEPTED, seen.ref, F_REF, NULL, 0);
	spin();
	ok(drained, "then the role ends");
	(void)close(out[0]);
}

static void
on_drained(struct front *f)
{
	(void)f;
	drained = true;
}

static void
begin(void)
{
	static const char image[] =
	    "{\"hosts\":[\"h:1\"],\"origins\":[\"http://ok\"],\"tls\":null,"
	    "\"limits\":{\"body\":65536,\"head\":8192,\"depth\":8,"
	    "\"members\":1000,\"string\":65536,\"connections\":4,"
	    "\"streams\":8,\"idle_ms\":60000},"
	    "\"endpoints\":[{\"path\":\"/mcp\",\"servers\":[0,1]},"
	    "{\"path\":\"/s/fs/mcp\",\"servers\":[0]},"
	    "{\"path\":\"/s/w/mcp\",\"servers\":[1]}]}";

	buf_clear(&image_tape);
	if (json_parse(str_of(image), &json_default, &image_tape, NULL) != OK)
		exit(1);
	front = front_new(loop, jv_of(buf_view(&image_tape)), 0, 1);
	front->drained = on_drained;
	drained = false;
	judge_begin();
}

static void
end(void)
{
	if (agent >= 0)
		(void)close(agent);
	agent = -1;
	front_free(front);
	spin();
	chan_free(judge);
	judge = NULL;
}

int
main(void)
{
	loop = loop_new();
	loop_hooks(loop, chan_flush_all, chan_busy_any, NULL);
	begin();
	test_posts();
	test_others();
	test_fields();
	test_answers();
	test_streams();
	test_slow_call();
	test_session_stream();
	test_framing();
	test_big();
	test_batch();
	test_gone();
	test_slow_reader();
	test_accept();
	test_drain();
	end();
	begin();
	test_stdio();
	end();
	ok(sizeof(struct conn) + sizeof(void *) * 2 <= 1024,
	    "an idle connection is below 1 KiB (%zu)", sizeof(struct conn));
	loop_free(loop);
	buf_done(&image_tape);
	return tap_done();
}
