/*
 * test-http: every refused shape beside an allowed twin that differs as little
 * as can be.  A head is tried at every split: it must be ERR_MORE until what
 * decides is there, and never change its mind.
 */
#include "base/tap.h"
#include "wire/wire.h"

#define HOST "Host: h\r\n"
#define GET "GET /mcp HTTP/1.1\r\n" HOST
#define POST "POST /mcp HTTP/1.1\r\n" HOST
#define OKAY "HTTP/1.1 200 OK\r\n"

enum { NONE = 0, CHUNKED = -1, CLOSES = -2 };

struct head_case {
	const char *name;
	struct str in;
	unsigned status; /* to answer; of a good response: its own; else 0 */
	int64_t length;
};

/* status 0 is acceptance. */
static const struct head_case requests[] = {
	{ "a plain request", STR_INIT(GET "\r\n"), 0, 0 },
	{ "bare LF after the request line",
	    STR_INIT("GET /mcp HTTP/1.1\n" HOST "\r\n"), 400, 0 },
	{ "bare LF after a header", STR_INIT(GET "A: b\n\r\n"), 400, 0 },
	{ "bare LF as the end", STR_INIT(GET "A: b\r\n\n"), 400, 0 },
	{ "bare LF in a value", STR_INIT(GET "A: b\nc\r\n\r\n"), 400, 0 },
	{ "twin: CRLF throughout", STR_INIT(GET "A: b\r\n\r\n"), 0, 0 },
	{ "bare CR in a value", STR_INIT(GET "A: b\rc\r\n\r\n"), 400, 0 },
	{ "CR CR LF", STR_INIT(GET "A: b\r\r\n\r\n"), 400, 0 },
	{ "CR before the colon", STR_INIT(GET "A\r: b\r\n\r\n"), 400, 0 },
	{ "NUL in a value", STR_INIT(GET "A: b\0c\r\n\r\n"), 400, 0 },
	{ "NUL in a name", STR_INIT(GET "A\0: b\r\n\r\n"), 400, 0 },
	{ "NUL in the target", STR_INIT("GET /a\0 HTTP/1.1\r\n" HOST "\r\n"),
	    400, 0 },
	{ "vertical tab in a value", STR_INIT(GET "A: b\vc\r\n\r\n"), 400, 0 },
	{ "DEL in a value", STR_INIT(GET "A: b\x7f\r\n\r\n"), 400, 0 },
	{ "twin: tab in a value", STR_INIT(GET "A: b\tc\r\n\r\n"), 0, 0 },
	{ "twin: high bytes in a value", STR_INIT(GET "A: \xc3\xbc\r\n\r\n"), 0,
	    0 },
	{ "a folded line", STR_INIT(GET "A: b\r\n c\r\n\r\n"), 400, 0 },
	{ "a line folded by tab", STR_INIT(GET "A: b\r\n\tc\r\n\r\n"), 400, 0 },
	{ "a first header that is folded",
	    STR_INIT("GET /mcp HTTP/1.1\r\n Host: h\r\n\r\n"), 400, 0 },
	{ "a folded empty line", STR_INIT(GET " \r\n\r\n"), 400, 0 },
	{ "space before the colon", STR_INIT(GET "A : b\r\n\r\n"), 400, 0 },
	{ "tab before the colon", STR_INIT(GET "A\t: b\r\n\r\n"), 400, 0 },
	{ "space in a name", STR_INIT(GET "A B: b\r\n\r\n"), 400, 0 },
	{ "twin: spaces around a value", STR_INIT(GET "A: \t b \t\r\n\r\n"), 0,
	    0 },
	{ "twin: no space", STR_INIT(GET "A:b\r\n\r\n"), 0, 0 },
	{ "twin: no value", STR_INIT(GET "A:\r\n\r\n"), 0, 0 },
	{ "an empty name", STR_INIT(GET ": b\r\n\r\n"), 400, 0 },
	{ "no colon", STR_INIT(GET "A\r\n\r\n"), 400, 0 },
	{ "a bad byte in a name", STR_INIT(GET "A@: b\r\n\r\n"), 400, 0 },
	{ "a high byte in a name", STR_INIT(GET "\xc3\xbc: b\r\n\r\n"), 400,
	    0 },
	{ "twin: every punctuation a token has",
	    STR_INIT(GET "!#$%&'*+-.^_`|~: b\r\n\r\n"), 0, 0 },
	/* the request line */
	{ "an empty line first", STR_INIT("\r\n" GET "\r\n"), 400, 0 },
	{ "two spaces", STR_INIT("GET  /mcp HTTP/1.1\r\n" HOST "\r\n"), 400,
	    0 },
	{ "a space in the target",
	    STR_INIT("GET /a b HTTP/1.1\r\n" HOST "\r\n"), 400, 0 },
	{ "a tab in the target", STR_INIT("GET /a\tb HTTP/1.1\r\n" HOST "\r\n"),
	    400, 0 },
	{ "a tab between", STR_INIT("GET\t/a HTTP/1.1\r\n" HOST "\r\n"), 400,
	    0 },
	{ "a trailing space", STR_INIT("GET /a HTTP/1.1 \r\n" HOST "\r\n"), 400,
	    0 },
	{ "a leading space", STR_INIT(" GET /a HTTP/1.1\r\n" HOST "\r\n"), 400,
	    0 },
	{ "absolute form",
	    STR_INIT("GET http://h/mcp HTTP/1.1\r\n" HOST "\r\n"), 400, 0 },
	{ "authority form", STR_INIT("CONNECT h:1 HTTP/1.1\r\n" HOST "\r\n"),
	    400, 0 },
	{ "asterisk form", STR_INIT("OPTIONS * HTTP/1.1\r\n" HOST "\r\n"), 400,
	    0 },
	{ "a relative target", STR_INIT("GET mcp HTTP/1.1\r\n" HOST "\r\n"),
	    400, 0 },
	{ "a fragment", STR_INIT("GET /a#b HTTP/1.1\r\n" HOST "\r\n"), 400, 0 },
	{ "a backslash", STR_INIT("GET /a\\b HTTP/1.1\r\n" HOST "\r\n"), 400,
	    0 },
	{ "a high byte in the target",
	    STR_INIT("GET /\xc3\xbc HTTP/1.1\r\n" HOST "\r\n"), 400, 0 },
	{ "a broken escape", STR_INIT("GET /%2 HTTP/1.1\r\n" HOST "\r\n"), 400,
	    0 },
	{ "an escape that is not hex",
	    STR_INIT("GET /%2g HTTP/1.1\r\n" HOST "\r\n"), 400, 0 },
	{ "twin: query, escape, punctuation",
	    STR_INIT("GET /a/%2F;x=(1)?b=c&d=e,f@g:h!$'*+~ HTTP/1.1\r\n" HOST
		     "\r\n"),
	    0, 0 },
	{ "HTTP/1.0", STR_INIT("GET /a HTTP/1.0\r\n" HOST "\r\n"), 505, 0 },
	{ "HTTP/2.0", STR_INIT("GET /a HTTP/2.0\r\n" HOST "\r\n"), 505, 0 },
	{ "HTTP/0.9", STR_INIT("GET /a\r\n"), 400, 0 },
	{ "the HTTP/2 preface", STR_INIT("PRI * HTTP/2.0\r\n\r\n"), 505, 0 },
	{ "HTTP/1.01", STR_INIT("GET /a HTTP/1.01\r\n" HOST "\r\n"), 400, 0 },
	{ "http/1.1", STR_INIT("GET /a http/1.1\r\n" HOST "\r\n"), 400, 0 },
	{ "an unknown method", STR_INIT("FROB /a HTTP/1.1\r\n" HOST "\r\n"),
	    501, 0 },
	{ "a small method", STR_INIT("get /a HTTP/1.1\r\n" HOST "\r\n"), 501,
	    0 },
	{ "a method that is no token",
	    STR_INIT("G@T /a HTTP/1.1\r\n" HOST "\r\n"), 400, 0 },
	{ "a TLS hello", STR_INIT("\x16\x03\x01\x02"), 400, 0 },
	{ "twin: DELETE", STR_INIT("DELETE /mcp HTTP/1.1\r\n" HOST "\r\n"), 0,
	    0 },
	/* Host */
	{ "no Host", STR_INIT("GET /a HTTP/1.1\r\nA: b\r\n\r\n"), 400, 0 },
	{ "Host twice", STR_INIT(GET "Host: h\r\n\r\n"), 400, 0 },
	{ "Host twice, other case", STR_INIT(GET "hOST: i\r\n\r\n"), 400, 0 },
	{ "Host is empty", STR_INIT("GET /a HTTP/1.1\r\nHost:\r\n\r\n"), 400,
	    0 },
	{ "two in one Host", STR_INIT("GET /a HTTP/1.1\r\nHost: a, b\r\n\r\n"),
	    400, 0 },
	{ "a user in Host", STR_INIT("GET /a HTTP/1.1\r\nHost: a@b\r\n\r\n"),
	    400, 0 },
	{ "a path in Host", STR_INIT("GET /a HTTP/1.1\r\nHost: a/b\r\n\r\n"),
	    400, 0 },
	{ "twin: an address with a port",
	    STR_INIT("GET /a HTTP/1.1\r\nHost: [::1]:80\r\n\r\n"), 0, 0 },
	/* framing */
	{ "length and coding",
	    STR_INIT(POST "Content-Length: 5\r\n"
			  "Transfer-Encoding: chunked\r\n\r\n"),
	    400, 0 },
	{ "coding and length",
	    STR_INIT(POST "Transfer-Encoding: chunked\r\n"
			  "Content-Length: 5\r\n\r\n"),
	    400, 0 },
	{ "coding and length 0",
	    STR_INIT(POST "Transfer-Encoding: chunked\r\n"
			  "Content-Length: 0\r\n\r\n"),
	    400, 0 },
	{ "twin: a coding", STR_INIT(POST "Transfer-Encoding: chunked\r\n\r\n"),
	    0, CHUNKED },
	{ "twin: any case", STR_INIT(POST "transfer-encodinG: cHUNKED\r\n\r\n"),
	    0, CHUNKED },
	{ "twin: a length", STR_INIT(POST "Content-Length: 5\r\n\r\n"), 0, 5 },
	{ "twin: spaces about it", STR_INIT(POST "Content-Length:  5 \r\n\r\n"),
	    0, 5 },
	{ "twin: zero", STR_INIT(POST "Content-Length: 0\r\n\r\n"), 0, 0 },
	{ "two lengths",
	    STR_INIT(POST "Content-Length: 5\r\nContent-Length: 6\r\n\r\n"),
	    400, 0 },
	{ "two equal lengths",
	    STR_INIT(POST "Content-Length: 5\r\nContent-Length: 5\r\n\r\n"),
	    400, 0 },
	{ "two in one length", STR_INIT(POST "Content-Length: 5, 5\r\n\r\n"),
	    400, 0 },
	{ "a length with a sign", STR_INIT(POST "Content-Length: +5\r\n\r\n"),
	    400, 0 },
	{ "a negative length", STR_INIT(POST "Content-Length: -5\r\n\r\n"), 400,
	    0 },
	{ "a hex length", STR_INIT(POST "Content-Length: 0x5\r\n\r\n"), 400,
	    0 },
	{ "a length of ten to the fifth",
	    STR_INIT(POST "Content-Length: 1e5\r\n\r\n"), 400, 0 },
	{ "a length of zeros first",
	    STR_INIT(POST "Content-Length: 05\r\n\r\n"), 400, 0 },
	{ "a fraction", STR_INIT(POST "Content-Length: 5.0\r\n\r\n"), 400, 0 },
	{ "spaces in a length", STR_INIT(POST "Content-Length: 5 5\r\n\r\n"),
	    400, 0 },
	{ "an empty length", STR_INIT(POST "Content-Length:\r\n\r\n"), 400, 0 },
	{ "a huge length",
	    STR_INIT(POST "Content-Length: 18446744073709551616\r\n\r\n"), 400,
	    0 },
	{ "a length that would be a sign",
	    STR_INIT(POST "Content-Length: 18446744073709551615\r\n\r\n"), 400,
	    0 },
	{ "twin: the longest",
	    STR_INIT(POST "Content-Length: "
			  "999999999999999999\r\n\r\n"),
	    0, 999999999999999999 },
	{ "another coding", STR_INIT(POST "Transfer-Encoding: gzip\r\n\r\n"),
	    501, 0 },
	{ "two codings in one",
	    STR_INIT(POST "Transfer-Encoding: gzip, chunked\r\n\r\n"), 501, 0 },
	{ "chunked twice in one",
	    STR_INIT(POST "Transfer-Encoding: chunked, chunked\r\n\r\n"), 501,
	    0 },
	{ "two codings",
	    STR_INIT(POST "Transfer-Encoding: chunked\r\n"
			  "Transfer-Encoding: chunked\r\n\r\n"),
	    400, 0 },
	{ "two codings, one unknown",
	    STR_INIT(POST "Transfer-Encoding: chunked\r\n"
			  "Transfer-Encoding: identity\r\n\r\n"),
	    400, 0 },
	{ "xchunked", STR_INIT(POST "Transfer-Encoding: xchunked\r\n\r\n"), 501,
	    0 },
	{ "chunked in quotes",
	    STR_INIT(POST "Transfer-Encoding: \"chunked\"\r\n\r\n"), 501, 0 },
	{ "chunked with a parameter",
	    STR_INIT(POST "Transfer-Encoding: chunked;q=1\r\n\r\n"), 501, 0 },
	{ "an empty coding", STR_INIT(POST "Transfer-Encoding:\r\n\r\n"), 501,
	    0 },
	{ "identity", STR_INIT(POST "Transfer-Encoding: identity\r\n\r\n"), 501,
	    0 },
	{ "a coding behind a control byte",
	    STR_INIT(POST "Transfer-Encoding: \vchunked\r\n\r\n"), 400, 0 },
	{ "a coding with a space before the colon",
	    STR_INIT(POST "Transfer-Encoding : chunked\r\n\r\n"), 400, 0 },
	{ "twin: a field that only looks like it",
	    STR_INIT(POST "Transfer_Encoding: chunked\r\n\r\n"), 0, 0 },
	/* the rest */
	{ "an expectation nobody knows", STR_INIT(POST "Expect: x\r\n\r\n"),
	    417, 0 },
	{ "Expect twice",
	    STR_INIT(POST "Expect: 100-continue\r\nExpect: x\r\n\r\n"), 400,
	    0 },
	{ "twin: 100-continue", STR_INIT(POST "Expect: 100-Continue\r\n\r\n"),
	    0, 0 },
	{ "Connection is no list", STR_INIT(GET "Connection: a b\r\n\r\n"), 400,
	    0 },
	{ "twin: an upgrade is not taken up",
	    STR_INIT(GET "Connection: Upgrade, HTTP2-Settings\r\n"
			 "Upgrade: h2c\r\nHTTP2-Settings: x\r\n\r\n"),
	    0, 0 },
};

static const struct head_case responses[] = {
	{ "a length", STR_INIT(OKAY "Content-Length: 5\r\n\r\n"), 200, 5 },
	{ "a coding", STR_INIT(OKAY "Transfer-Encoding: chunked\r\n\r\n"), 200,
	    CHUNKED },
	{ "neither", STR_INIT(OKAY "\r\n"), 200, CLOSES },
	{ "no reason", STR_INIT("HTTP/1.1 200 \r\n\r\n"), 200, CLOSES },
	{ "a reason with high bytes and a tab",
	    STR_INIT("HTTP/1.1 404 \xc3\xbc\tx\r\n\r\n"), 404, CLOSES },
	{ "202 without a body",
	    STR_INIT("HTTP/1.1 202 Accepted\r\nContent-Length: 0\r\n\r\n"), 202,
	    0 },
	{ "204", STR_INIT("HTTP/1.1 204 No Content\r\n\r\n"), 204, 0 },
	{ "204 with a length of 0",
	    STR_INIT("HTTP/1.1 204 No Content\r\nContent-Length: 0\r\n\r\n"),
	    204, 0 },
	{ "204 with a body",
	    STR_INIT("HTTP/1.1 204 No Content\r\nContent-Length: 5\r\n\r\n"),
	    502, 0 },
	{ "204 with a coding",
	    STR_INIT("HTTP/1.1 204 x\r\nTransfer-Encoding: chunked\r\n\r\n"),
	    502, 0 },
	{ "304 has the length of what it does not send",
	    STR_INIT("HTTP/1.1 304 x\r\nContent-Length: 5\r\n\r\n"), 304, 0 },
	{ "100", STR_INIT("HTTP/1.1 100 Continue\r\n\r\n"), 100, 0 },
	{ "100 with a body",
	    STR_INIT("HTTP/1.1 100 x\r\nContent-Length: 5\r\n\r\n"), 502, 0 },
	{ "101", STR_INIT("HTTP/1.1 101 x\r\nUpgrade: h2c\r\n\r\n"), 502, 0 },
	{ "length and coding",
	    STR_INIT(OKAY "Content-Length: 5\r\n"
			  "Transfer-Encoding: chunked\r\n\r\n"),
	    502, 0 },
	{ "two lengths",
	    STR_INIT(OKAY "Content-Length: 5\r\nContent-Length: 5\r\n\r\n"),
	    502, 0 },
	{ "another coding", STR_INIT(OKAY "Transfer-Encoding: gzip\r\n\r\n"),
	    502, 0 },
	{ "HTTP/1.0", STR_INIT("HTTP/1.0 200 OK\r\n\r\n"), 502, 0 },
	{ "HTTP/2.0", STR_INIT("HTTP/2.0 200 OK\r\n\r\n"), 502, 0 },
	{ "no HTTP", STR_INIT("ICY 200 OK\r\n\r\n"), 502, 0 },
	{ "no space behind the status", STR_INIT("HTTP/1.1 200\r\n\r\n"), 502,
	    0 },
	{ "a status of four", STR_INIT("HTTP/1.1 2000 OK\r\n\r\n"), 502, 0 },
	{ "a status of two", STR_INIT("HTTP/1.1 20 OK\r\n\r\n"), 502, 0 },
	{ "a status that is a word", STR_INIT("HTTP/1.1 abc OK\r\n\r\n"), 502,
	    0 },
	{ "status 99", STR_INIT("HTTP/1.1 099 OK\r\n\r\n"), 502, 0 },
	{ "status 600", STR_INIT("HTTP/1.1 600 OK\r\n\r\n"), 502, 0 },
	{ "two spaces", STR_INIT("HTTP/1.1  200 OK\r\n\r\n"), 502, 0 },
	{ "bare LF", STR_INIT("HTTP/1.1 200 OK\n\n"), 502, 0 },
	{ "bare CR in a value", STR_INIT(OKAY "A: b\rc\r\n\r\n"), 502, 0 },
	{ "a folded line", STR_INIT(OKAY "A: b\r\n c\r\n\r\n"), 502, 0 },
	{ "space before the colon", STR_INIT(OKAY "A : b\r\n\r\n"), 502, 0 },
	{ "an empty line first", STR_INIT("\r\n" OKAY "\r\n"), 502, 0 },
};

static void
test_head(const struct head_case *c, bool response)
{
	const bool want = response ? c->status != 502 : c->status == 0;
	struct http_head h;
	struct note why = { "" };
	size_t used = 0, early = 0;
	enum err e = ERR_MORE;

	for (size_t n = 0; n <= c->in.n; n++) {
		e = http_head_read(str_sub(c->in, 0, n), response,
		    HTTP_HEAD_MAX, &h, &used, &why);
		if (e == OK && n < c->in.n)
			early++;
		if (e != OK && e != ERR_MORE)
			break;
	}
	ok(early == 0 && e == (want ? OK : ERR_SYNTAX) &&
		(c->status == 0 || h.status == c->status),
	    "%s: %s (%s)", response ? "response" : "request", c->name,
	    e == OK ? "" : why.text);
	if (e != OK || !want)
		return;
	ok(used == c->in.n && h.length == (uint64_t)c->length,
	    "and its length");
}

static void
test_parts(void)
{
	static const char in[] = "POST /a?b HTTP/1.1\r\nHost: h:1\r\n"
				 "Accept: a\r\nx:\r\nACCEPT:\t b c \r\n"
				 "Connection: keep-alive, Close\r\n"
				 "Expect: 100-continue\r\n\r\nGET";
	struct http_head h;
	size_t used;
	bool many = true;

	ok(http_head_read(STR(in), false, HTTP_HEAD_MAX, &h, &used, NULL) == OK,
	    "a head with more behind it");
	ok(used == sizeof(in) - 4, "ends where it ends");
	ok(str_eq(h.method, STR("POST")) && str_eq(h.target, STR("/a?b")),
	    "method and target");
	ok(h.n == 6 && h.close && h.expect, "headers, close, expect");
	ok(str_eq(h.at[3].name, STR("ACCEPT")) &&
		str_eq(h.at[3].value, STR("b c")),
	    "a value is trimmed");
	ok(str_eq(http_get(&h, STR("HOST"), &many), STR("h:1")) && !many,
	    "one value");
	ok(http_get(&h, STR("accept"), &many).n == 0 && many, "two values");
	ok(http_get(&h, STR("X"), &many).n == 0 && !many, "an empty value");
	ok(http_get(&h, STR("y"), NULL).n == 0, "none");
}

/* n headers, then value bytes of one more, then the end. */
static void
many_headers(struct buf *b, size_t n, size_t fill)
{
	buf_clear(b);
	buf_str(b, STR(GET));
	for (size_t i = 1; i < n; i++)
		buf_str(b, STR("A: b\r\n"));
	for (size_t i = 0; i < fill; i++)
		buf_ch(b, 'x');
	buf_str(b, STR("\r\n"));
}

static void
test_limits(void)
{
	struct buf b = { .max = 1 << 20 };
	struct http_head h;
	struct note why;
	size_t used;

	many_headers(&b, HTTP_HEADERS_MAX, 0);
	ok(http_head_read(
	       buf_view(&b), false, HTTP_HEAD_MAX, &h, &used, &why) == OK &&
		h.n == HTTP_HEADERS_MAX,
	    "as many headers as may be");
	ok(http_head_read(buf_view(&b), false, b.n, &h, &used, &why) == OK,
	    "as many bytes as may be");
	ok(http_head_read(buf_view(&b), false, b.n - 1, &h, &used, &why) ==
		    ERR_LIMIT &&
		h.status == 431,
	    "one byte more");
	ok(http_head_read(str_sub(buf_view(&b), 0, b.n - 1), false, b.n, &h,
	       &used, &why) == ERR_MORE,
	    "one byte less");
	many_headers(&b, HTTP_HEADERS_MAX + 1, 0);
	ok(http_head_read(buf_view(&b), false, HTTP_HEAD_MAX, &h, &used,
	       &why) == ERR_LIMIT &&
		h.status == 431,
	    "one header more");
	many_headers(&b, 1, HTTP_HEAD_MAX);
	ok(http_head_read(buf_view(&b), false, HTTP_HEAD_MAX, &h, &used,
	       &why) == ERR_LIMIT &&
		h.status == 431,
	    "a line without end");
	buf_done(&b);
}

/* ---- bodies ---- */
struct body_case {
	const char *name;
	int64_t length;
	struct str in, want;
	enum err e;
	size_t used; /* of in, when OK */
};
enum { BODY_MAX = 32 };

#define BODY(s) STR_INIT(s), STR_INIT("hello")
static const struct body_case bodies[] = {
	{ "by length", 5, BODY("helloGET"), OK, 5 },
	{ "by length, short", 6, BODY("hello"), ERR_MORE, 0 },
	{ "of no length", 0, STR_INIT("GET"), STR_INIT(""), OK, 0 },
	{ "over the maximum", BODY_MAX + 1, STR_INIT("x"), STR_INIT(""),
	    ERR_LIMIT, 0 },
	{ "one chunk", -1, BODY("5\r\nhello\r\n0\r\n\r\nGET"), OK, 15 },
	{ "two chunks", -1, BODY("2\r\nhe\r\n3\r\nllo\r\n0\r\n\r\n"), OK, 20 },
	{ "zeros first", -1, BODY("00000005\r\nhello\r\n000\r\n\r\n"), OK, 24 },
	{ "hex of both cases", -1,
	    STR_INIT("A\r\n0123456789\r\na\r\n"
		     "0123456789\r\n0\r\n\r\n"),
	    STR_INIT("01234567890123456789"), OK, 35 },
	{ "no chunks", -1, STR_INIT("0\r\n\r\n"), STR_INIT(""), OK, 5 },
	{ "not ended", -1, BODY("5\r\nhello\r\n0\r\n"), ERR_MORE, 0 },
	{ "an extension", -1, STR_INIT("5;a\r\nhello\r\n0\r\n\r\n"),
	    STR_INIT(""), ERR_SYNTAX, 0 },
	{ "an extension with a line feed", -1,
	    STR_INIT("5;\nxx\r\nhello\r\n0\r\n\r\n"), STR_INIT(""), ERR_SYNTAX,
	    0 },
	{ "an extension of the last chunk", -1,
	    BODY("5\r\nhello\r\n0;a\r\n\r\n"), ERR_SYNTAX, 0 },
	{ "a space behind the size", -1, STR_INIT("5 \r\nhello\r\n0\r\n\r\n"),
	    STR_INIT(""), ERR_SYNTAX, 0 },
	{ "a space before the size", -1, STR_INIT(" 5\r\nhello\r\n0\r\n\r\n"),
	    STR_INIT(""), ERR_SYNTAX, 0 },
	{ "0x", -1, STR_INIT("0x5\r\nhello\r\n0\r\n\r\n"), STR_INIT(""),
	    ERR_SYNTAX, 0 },
	{ "a sign", -1, STR_INIT("+5\r\nhello\r\n0\r\n\r\n"), STR_INIT(""),
	    ERR_SYNTAX, 0 },
	{ "no size", -1, STR_INIT("\r\nhello\r\n0\r\n\r\n"), STR_INIT(""),
	    ERR_SYNTAX, 0 },
	{ "a size that overflows", -1, STR_INIT("100000005\r\nhello\r\n"),
	    STR_INIT(""), ERR_SYNTAX, 0 },
	{ "a size that overflows more", -1,
	    STR_INIT("10000000000000005\r\nhello\r\n"), STR_INIT(""),
	    ERR_SYNTAX, 0 },
	{ "bare LF behind the size", -1, STR_INIT("5\nhello\r\n0\r\n\r\n"),
	    STR_INIT(""), ERR_SYNTAX, 0 },
	{ "bare CR behind the size", -1, STR_INIT("5\rhello\r\n0\r\n\r\n"),
	    STR_INIT(""), ERR_SYNTAX, 0 },
	{ "a chunk longer than it said", -1, BODY("5\r\nhelloX\r\n0\r\n\r\n"),
	    ERR_SYNTAX, 0 },
	{ "bare LF behind the data", -1, BODY("5\r\nhello\n0\r\n\r\n"),
	    ERR_SYNTAX, 0 },
	{ "two bytes that are not CRLF", -1, BODY("5\r\nhelloXX0\r\n\r\n"),
	    ERR_SYNTAX, 0 },
	{ "bare LF as the end", -1, BODY("5\r\nhello\r\n0\r\n\n"), ERR_SYNTAX,
	    0 },
	{ "a chunk over the maximum", -1, BODY("5\r\nhello\r\n1c\r\n"),
	    ERR_LIMIT, 0 },
	{ "twin: a chunk up to it", -1, BODY("5\r\nhello\r\n1b\r\n"), ERR_MORE,
	    0 },
	{ "a trailer", -1, BODY("5\r\nhello\r\n0\r\nA: b\r\nC:\r\n\r\n"), OK,
	    25 },
	{ "a trailer that is a length", -1,
	    BODY("5\r\nhello\r\n0\r\ncontent-Length: 5\r\n\r\n"), ERR_SYNTAX,
	    0 },
	{ "a trailer that is a coding", -1,
	    BODY("5\r\nhello\r\n0\r\nA: b\r\nTransfer-Encoding: chunked\r\n"
		 "\r\n"),
	    ERR_SYNTAX, 0 },
	{ "a trailer that is a credential", -1,
	    BODY("5\r\nhello\r\n0\r\nAuthorization: x\r\n\r\n"), ERR_SYNTAX,
	    0 },
	{ "twin: trailers that only look like it", -1,
	    BODY("5\r\nhello\r\n0\r\nhos: x\r\nhosts: x\r\nxhost: x\r\n\r\n"),
	    OK, 43 },
	{ "a trailer without a name", -1,
	    BODY("5\r\nhello\r\n0\r\n: b\r\n\r\n"), ERR_SYNTAX, 0 },
	{ "a trailer with a space before the colon", -1,
	    BODY("5\r\nhello\r\n0\r\nA : b\r\n\r\n"), ERR_SYNTAX, 0 },
	{ "a folded trailer", -1, BODY("5\r\nhello\r\n0\r\nA: b\r\n c\r\n\r\n"),
	    ERR_SYNTAX, 0 },
	{ "a control byte in a trailer", -1,
	    BODY("5\r\nhello\r\n0\r\nA: b\0\r\n\r\n"), ERR_SYNTAX, 0 },
	{ "bare LF in a trailer", -1, BODY("5\r\nhello\r\n0\r\nA: b\nC: d\r\n"),
	    ERR_SYNTAX, 0 },
	{ "until the end", -2, BODY("hello"), ERR_MORE, 0 },
	{ "until the end, over the maximum", -2,
	    STR_INIT("0123456789012345678901234567890123"),
	    STR_INIT("01234567890123456789012345678901"), ERR_LIMIT, 0 },
};

/* Feeds in; *used counts what was eaten. */
static enum err
feed(struct http_body *b, struct str in, struct buf *out, size_t *used)
{
	enum err e = ERR_MORE;

	while (e == ERR_MORE && in.n > 0) {
		struct str data;
		size_t n = 0;

		e = http_body_read(b, in, &n, &data);
		buf_str(out, data);
		*used += n;
		in = str_sub(in, n, in.n);
	}
	return e;
}

static void
test_body(const struct body_case *c)
{
	const struct http_head h = { .length = (uint64_t)c->length };
	size_t good = 0;

	for (size_t at = 0; at <= c->in.n; at++) {
		struct http_body b = http_body_of(&h, BODY_MAX);
		struct buf out = { .max = 4096 };
		size_t used = 0, step = at == 0 ? 1 : c->in.n;
		enum err e = feed(&b, str_sub(c->in, 0, at), &out, &used);

		for (size_t i = at; i < c->in.n && e == ERR_MORE; i += step)
			e = feed(&b, str_sub(c->in, i, step), &out, &used);
		good += e == c->e && str_eq(buf_view(&out), c->want) &&
			(e != OK || used == c->used);
		buf_done(&out);
	}
	ok(good == c->in.n + 1, "body: %s", c->name);
}

static void
test_body_ends(void)
{
	struct http_head h = { .length = 5 };
	struct http_body b = http_body_of(&h, 9);
	struct buf out = { .max = 8192 };
	size_t used = 0;

	ok(http_body_eof(&b) == ERR_SYNTAX, "cut short");
	ok(feed(&b, STR("hello"), &out, &used) == OK && http_body_eof(&b) == OK,
	    "whole");
	h.length = (uint64_t)HTTP_UNTIL_CLOSE;
	b = http_body_of(&h, 9);
	ok(http_body_eof(&b) == OK, "until the end");
	h.length = (uint64_t)HTTP_CHUNKED;
	b = http_body_of(&h, 9);
	ok(feed(&b, STR("0\r\n"), &out, &used) == ERR_MORE &&
		http_body_eof(&b) == ERR_SYNTAX,
	    "chunks cut short");
	for (used = 0; used < 4090;)
		if (feed(&b, STR("A: b\r\n"), &out, &used) != ERR_MORE)
			break;
	ok(used >= 4090, "many trailers");
	ok(feed(&b, STR("A: b\r\n"), &out, &used) == ERR_LIMIT,
	    "too many trailers");
	ok(feed(&b, STR("\r\n"), &out, &used) == ERR_LIMIT, "it stays so");
	buf_done(&out);
}

int
main(void)
{
	for (size_t i = 0; i < countof(requests); i++)
		test_head(&requests[i], false);
	for (size_t i = 0; i < countof(responses); i++)
		test_head(&responses[i], true);
	test_parts();
	test_limits();
	for (size_t i = 0; i < countof(bodies); i++)
		test_body(&bodies[i]);
	test_body_ends();
	return tap_done();
}
