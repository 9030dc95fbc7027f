/* test-front-posts: which requests reach the judge, with what, and which not.
 */
#include "role/test-front.h"

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
	ok(strcmp(seen.token, "\"p\"") == 0, "which goes beside them");
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

int
main(void)
{
	world_begin();
	test_posts();
	test_others();
	test_fields();
	world_end();
	return tap_done();
}
