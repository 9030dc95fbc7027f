/*
 * test-desk-ask: a request for decisions becomes one message to a judge, and
 * the judge's message the answer; what does not stand reaches no judge.
 */
#include "role/test-desk.h"

#include <openssl/sha.h>

#define TOKEN "Authorization: Bearer tok\r\n"
#define JSON "Content-Type: application/json\r\n"

/* Sends a request with this body; the connection. */
static int
post(const char *target, const char *heads, const char *body)
{
	static char text[16384];
	const int fd = client(true);

	(void)snprintf(text, sizeof(text),
	    "POST %s HTTP/1.1\r\nHost: %s\r\n%sContent-Length: %zu\r\n\r\n%s",
	    target, own, heads, strlen(body), body);
	if (write(fd, text, strlen(text)) != (ssize_t)strlen(text))
		exit(1);
	return fd;
}

/* Rounds until the other end closes; the status, 0: it did not. */
static unsigned
hear(int fd)
{
	unsigned status = 0;

	got[0] = '\0';
	if (talk(fd, "", NULL))
		(void)sscanf(got, "HTTP/1.1 %u ", &status);
	(void)close(fd);
	return status;
}

static unsigned
refused(const char *heads, const char *body)
{
	return hear(post("/access/v1/evaluation", heads, body));
}

static void
say(int fd, const char *text)
{
	if (write(fd, text, strlen(text)) != (ssize_t)strlen(text))
		exit(1);
}

static void
rounds(void)
{
	for (int i = 0; i < 8; i++)
		loop_once(env.loop, 1000000);
}

static void
tell_of(uint64_t ref, unsigned status, const char *text)
{
	struct msg m = msg_of(MSG_TOLD);
	struct buf tape = { .max = 1 << 16 };

	msg_set(&m, F_REF, ref);
	if (status != 0) {
		msg_set(&m, F_STATUS, status);
		msg_set_text(&m, F_TEXT, str_of(text));
	} else {
		if (json_parse(str_of(text), &json_default, &tape, NULL) != OK)
			exit(1);
		msg_set_tree(&m, F_RESULT, jv_of(buf_view(&tape)));
	}
	if (judge.chan == NULL || chan_send(judge.chan, &m) != OK)
		exit(1);
	buf_done(&tape);
	rounds();
}

static void
test_asked(void)
{
	unsigned char want[32];
	int fd = post("/access/v1/evaluation",
	    TOKEN JSON "X-Request-ID: a b-1\r\n", "{ \"a\": [1.50] }");

	rounds();
	(void)SHA256((const unsigned char *)"tok", 3, want);
	ok(judge.n == 1 && strcmp(judge.params, "{\"a\":[1.50]}") == 0 &&
		judge.flags == 0 && strcmp(judge.request, "a b-1") == 0,
	    "the judge is asked");
	ok(memcmp(judge.cred, want, 32) == 0, "with the token's digest");
	tell_of(judge.ref + 1, 0, "{\"decision\":true}");
	tell_of(judge.ref, 0, "{\"decision\":false,\"context\":{}}");
	ok(hear(fd) == 200 &&
		strstr(got, "\r\nX-Request-ID: a b-1\r\n") != NULL &&
		strstr(got, "\r\nContent-Type: application/json\r\n") != NULL &&
		strstr(got, "\r\n\r\n{\"decision\":false,\"context\":{}}") !=
		    NULL,
	    "and what it says is the answer, of this request alone");
	fd = post("/access/v1/evaluations", TOKEN JSON, "{}");
	rounds();
	ok(judge.n == 2 && judge.flags == MF_MANY && judge.request[0] == '\0',
	    "many, and no name");
	tell_of(judge.ref, 403, "not you");
	ok(hear(fd) == 403 && strstr(got, "\r\n\r\nnot you\n") != NULL &&
		strstr(got, "X-Request-ID") == NULL,
	    "a refusal of the judge is one");
	fd = post("/access/v1/evaluation", TOKEN JSON, "7");
	rounds();
	tell_of(judge.ref, 401, "unknown");
	ok(hear(fd) == 401 && strstr(got, "WWW-Authenticate: Bearer") != NULL,
	    "and says how to do better");
}

static void
test_parts(void)
{
	static char big[9000], text[12000];
	int fd = client(true);
	size_t n;

	n = (size_t)snprintf(text, sizeof(text),
	    "POST /access/v1/evaluation HTTP/1.1\r\nHost: %s\r\n" TOKEN JSON
	    "Transfer-Encoding: chunked\r\nExpect: 100-continue\r\n\r\n",
	    own);
	ok(talk(fd, text, "\r\n\r\n") &&
		strcmp(got, "HTTP/1.1 100 Continue\r\n\r\n") == 0,
	    "go on, is said");
	n = judge.n;
	say(fd, "3\r\n{\"a");
	rounds();
	ok(judge.n == n, "half a body is none");
	say(fd, "\r\n5\r\n\":[1]\r\n1\r\n}\r\n0\r\n\r\n");
	for (int i = 0; i < 100 && judge.n == n; i++)
		rounds(); /* the kernel sends when the first is acknowledged */
	ok(judge.n == n + 1 && strcmp(judge.params, "{\"a\":[1]}") == 0,
	    "a body in chunks is whole");
	tell_of(judge.ref, 0, "{}");
	ok(hear(fd) == 200, "and answered");
	memset(big, ' ', sizeof(big) - 1);
	memcpy(big, "{\"b\":2}", 7);
	fd = post("/access/v1/evaluation", TOKEN JSON, big);
	rounds();
	ok(judge.n == n + 2 && strcmp(judge.params, "{\"b\":2}") == 0,
	    "a body is longer than a head may be");
	tell_of(judge.ref, 0, "{}");
	ok(hear(fd) == 200, "and answered as well");
}

static void
test_no(void)
{
	static char big[10300];
	const unsigned before = judge.n;
	static const struct {
		const char *heads, *body;
		unsigned status;
	} rows[] = {
		{ JSON, "{}", 401 },
		{ JSON "Authorization: Basic abc\r\n", "{}", 401 },
		{ TOKEN TOKEN JSON, "{}", 400 },
		{ TOKEN, "{}", 400 },
		{ TOKEN "Content-Type: text/plain\r\n", "{}", 400 },
		{ TOKEN JSON "Content-Encoding: gzip\r\n", "{}", 400 },
		{ TOKEN JSON, "", 400 },
		{ TOKEN JSON, "{\"a\":1", 400 },
		{ TOKEN JSON, "{\"a\":1,\"a\":1}", 400 },
		{ TOKEN JSON, "[[[[[[1]]]]]]", 400 },
		{ TOKEN JSON "Origin: http://x.example\r\n", "{}", 403 },
		{ TOKEN JSON "X-Request-ID: \x01\r\n", "{}", 400 },
		{ TOKEN JSON "X-Request-ID: a\r\nX-Request-ID: a\r\n", "{}",
		    400 },
	};

	for (size_t i = 0; i < countof(rows); i++)
		ok(refused(rows[i].heads, rows[i].body) == rows[i].status,
		    "%u: %s", rows[i].status, rows[i].body);
	memset(big, ' ', sizeof(big) - 1);
	ok(refused(TOKEN JSON, big) == 413, "a body over limits.body");
	ok(get("/access/v1/evaluation", own, TOKEN) == 405 &&
		strstr(got, "Allow: POST") != NULL,
	    "another method");
	ok(hear(post("/access/v1/search/subject", TOKEN JSON, "{}")) == 404,
	    "what is not offered");
	ok(get("/access/v1/evaluation", "evil.example", TOKEN) == 403,
	    "another name for this host");
	ok(judge.n == before, "none of these reached the judge");
}

static void
test_metadata(void)
{
	char want[128];

	(void)snprintf(want, sizeof(want),
	    "{\"policy_decision_point\":\"https://pdp.example\",");
	ok(get("/.well-known/authzen-configuration", "pdp.example",
	       "X-Request-ID: m\r\n") == 200 &&
		strstr(got, want) != NULL &&
		strstr(got, "\r\nX-Request-ID: m\r\n") != NULL &&
		strstr(got, "\"https://pdp.example/access/v1/evaluations\"") !=
		    NULL,
	    "what there is, under the name that a proxy gives it");
	ok(get("/healthz", "pdp.example:443", "") == 403, "and no other name");
}

static void
test_lost(void)
{
	int fd = post("/access/v1/evaluation", TOKEN JSON, "{}");
	uint64_t ref;

	rounds();
	ref = judge.ref;
	chan_free(judge.chan);
	ok(hear(fd) == 503, "a judge that ends decides nothing");
	ok(refused(TOKEN JSON, "{}") == 503, "nor does one that is not there");
	judge_link(0, false);
	fd = post("/access/v1/evaluation", TOKEN JSON, "{}");
	rounds();
	ok(judge.ref > ref, "its successor is asked under another number");
	tell_of(ref, 0, "{\"decision\":true}");
	tell_of(judge.ref, 0, "{\"decision\":false}");
	ok(hear(fd) == 200 && strstr(got, "{\"decision\":false}") != NULL,
	    "and is heard");
	fd = post("/access/v1/evaluation", TOKEN JSON, "{}");
	rounds();
	ref = judge.ref;
	(void)close(fd);
	rounds();
	tell_of(ref, 0, "{\"decision\":true}");
	ok(get("/healthz", own, "") == 200, "who went away is told nothing");
}

int
main(void)
{
	parent.answer = well;
	begin("{\"desk\":\"127.0.0.1:0\",\"desk_url\":\"https://pdp.example\","
	      "\"limits\":{\"body\":10240,\"depth\":5}}");
	test_asked();
	test_parts();
	test_no();
	test_metadata();
	test_lost();
	(void)unlink(path);
	return tap_done();
}
