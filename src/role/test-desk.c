/* test-desk: pages for people and words for the parent. */
#include "role/test-desk.h"

static void
test_http(void)
{
	parent.answer = well;
	ok(get("/healthz", own, "") == 200 &&
		strstr(got, "\"ok\":true") != NULL,
	    "well");
	ok(strcmp(parent.word, "status") == 0, "the parent was asked");
	parent.answer = unwell;
	ok(get("/healthz", own, "") == 503 &&
		strstr(got, "\"ok\":false") != NULL &&
		strstr(got, "{\"role\":\"back\",\"instance\":1}") != NULL,
	    "a process that is down");
	parent.answer = "{\"serving\":false,\"roles\":[]}";
	ok(get("/healthz", own, "") == 503, "a house that ends");
	parent.answer = "what?";
	ok(get("/healthz", own, "") == 503, "an answer that is none");
	parent.answer = well;
	pages[1][CNT_LEDGER_BROKEN] = 1;
	ok(get("/healthz", own, "") == 503 &&
		strstr(got, "\"ledgers_broken\":1") != NULL,
	    "a ledger that refuses");
	pages[1][CNT_LEDGER_BROKEN] = 0;
	parent.mute = true;
	ok(get("/healthz", own, "") == 503, "a parent that does not answer");
	parent.mute = false;
	ok(get("/healthz", own, "") == 200, "and all is well again");
}

static void
test_metrics(void)
{
	pages[0][CNT_CALLS] = 40;
	pages[1][CNT_CALLS] = 2;
	ok(get("/metrics", own, "") == 200 &&
		strstr(got, "\ngatehouse_calls_total 42\n") != NULL &&
		strstr(got, "# TYPE gatehouse_calls_total counter\n") != NULL,
	    "counters are summed over all processes");
	ok(strstr(got, "gatehouse_process_restarts_total{role=\"judge\","
		       "instance=\"0\"} 3\n") != NULL &&
		strstr(got, "gatehouse_process_ready{role=\"judge\","
			    "instance=\"0\"} 1\n") != NULL,
	    "restarts are told for each");
	ok(strstr(got, "# TYPE gatehouse_ledger_broken gauge\n") != NULL,
	    "what is no total is a gauge");
}

static void
test_refused(void)
{
	const unsigned before = parent.words;
	char host[64];

	ok(get("/", own, "") == 404, "another path");
	ok(get("/healthz?x=1", own, "") == 404, "a query");
	(void)snprintf(host, sizeof(host), "evil.example:%u", port);
	ok(get("/healthz", host, "") == 403, "another name for this host");
	(void)snprintf(host, sizeof(host), "127.0.0.1:%u", port + 1);
	ok(get("/healthz", host, "") == 403, "another port");
	ok(get("/healthz", own, "Origin: http://evil.example\r\n") == 403,
	    "a page of somebody else");
	ok(http("GET /healthz HTTP/1.1\r\n\r\n") == 400, "no host");
	ok(http("POST /healthz HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n") == 403,
	    "a host without its port");
	ok(http("GET /healthz HTTP/1.1\nHost: x\n\n") == 400, "bare LF");
	(void)snprintf(host, sizeof(host), "LOCALHOST:%u", port);
	ok(parent.words == before, "none of these reached the parent");
	ok(get("/healthz", host, "") == 200, "localhost is a name of ours");
	{
		char text[256];

		(void)snprintf(text, sizeof(text),
		    "DELETE /healthz HTTP/1.1\r\nHost: %s\r\n\r\n", own);
		ok(http(text) == 405 && strstr(got, "Allow: GET") != NULL,
		    "another method");
		(void)snprintf(text, sizeof(text),
		    "GET /healthz HTTP/1.1\r\nHost: %s\r\n"
		    "Content-Length: 3\r\n\r\nabc",
		    own);
		ok(http(text) == 413, "a body");
	}
	{
		static char text[12000];

		memset(text, 'a', sizeof(text) - 1);
		memcpy(text, "GET /", 5);
		ok(http(text) >= 400, "a head without end");
	}
}

static void
test_words(void)
{
	int fd = client(false);

	parent.answer = well;
	ok(talk(fd, "status\n", "]}\n") && got[0] == '{' &&
		strchr(got, '\n') == got + got_n - 1,
	    "status is one line of JSON");
	parent.answer = "stopping";
	ok(talk(fd, "stop\n", "\n") &&
		strcmp(got, "{\"answer\":\"stopping\"}\n") == 0 &&
		strcmp(parent.word, "stop") == 0,
	    "a word of the parent becomes one");
	parent.answer = "{}";
	ok(talk(fd, "reload\nstatus\n", "{}\n{}\n"), "two words at once");
	ok(talk(fd, "quit\n", NULL) && strstr(got, "\"error\"") != NULL,
	    "another word ends it");
	(void)close(fd);
	fd = client(false);
	ok(talk(fd,
	       "status status status status status status status status "
	       "status status",
	       NULL) &&
		strstr(got, "\"error\"") != NULL,
	    "so does a line without end");
	(void)close(fd);
	fd = client(false);
	(void)!write(fd, "sta", 3);
	loop_once(env.loop, 1000000);
	ok(talk(fd, "tus\n", "{}\n"), "a word may come in parts");
	(void)close(fd);
	fd = client(false);
	(void)!write(fd, "status\nstatus\n", 14);
	(void)shutdown(fd, SHUT_WR);
	ok(talk(fd, "", NULL) && strcmp(got, "{}\n{}\n") == 0,
	    "who says no more still gets the answers");
	(void)close(fd);
}

static void
test_many(void)
{
	int fd[80];
	unsigned closed = 0;
	char c;

	for (size_t i = 0; i < countof(fd); i++) {
		fd[i] = client(true);
		loop_once(env.loop, 1000000);
	}
	for (int i = 0; i < 5; i++)
		loop_once(env.loop, 1000000);
	for (size_t i = 0; i < countof(fd); i++)
		closed += read(fd[i], &c, 1) == 0;
	ok(closed == countof(fd) - 64, "of 80 connections 64 are held (%u)",
	    closed);
	for (size_t i = 0; i < countof(fd); i++)
		(void)close(fd[i]);
	for (int i = 0; i < 5; i++)
		loop_once(env.loop, 1000000);
	parent.answer = well;
	ok(get("/healthz", own, "") == 200, "and then there is room again");
}

int
main(void)
{
	begin("{\"desk\":\"127.0.0.1:0\"}");
	test_http();
	test_metrics();
	test_refused();
	test_words();
	test_many();
	(void)unlink(path);
	return tap_done();
}
