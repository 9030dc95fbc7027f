/*
 * test-front: framing, batches, ends and stdio: a connection of a front from
 * its first byte to its last.
 */
#include "role/test-front.h"

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
	    "\"params\":{\"name\":\"x\",\"arguments\":{\"a\":\"%060000d\"}}}",
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

int
main(void)
{
	world_begin();
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
	ok(sizeof(struct conn) + sizeof(void *) * 2 <= 1024,
	    "an idle connection is below 1 KiB (%zu)", sizeof(struct conn));
	world_end();
	return tap_done();
}
