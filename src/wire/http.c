/*
 * http: one HTTP/1.1 head (RFC 9112), bytes to a struct http_head.
 *
 * Every head is read twice and both readings must be the same: once here, by
 * a reader that knows only the one spelling it accepts, and once by llhttp,
 * which many have attacked for years.  A head over which two parsers could
 * disagree is how requests are smuggled, so disagreement is a refusal.
 *
 * Promises: no byte is looked at twice by this reader in one call; what is
 * refused is refused as soon as the offending line is there; nothing is
 * copied.  Refuses to know what any field means beyond framing.
 */
#include "wire/wire.h"

#include <llhttp.h>

enum {
	STATUS_BAD = 400,
	STATUS_EXPECT = 417,
	STATUS_FIELDS = 431,
	STATUS_UNKNOWN = 501,
	STATUS_GATEWAY = 502,
	STATUS_VERSION = 505,
	DIGITS_MAX = 18, /* of Content-Length: always below 2^63 */
};

struct reading {
	struct http_head *h;
	struct note *why;
	unsigned seen;	 /* bit k: framing[k] was there */
	uint64_t length; /* Content-Length as read */
};

/*
 * What each byte may be part of.  A host has no comma, which would hide a
 * joined repeat, and no at sign, which would hide user information.
 */
enum { C_TOKEN = 1, C_TARGET = 2, C_HOST = 4, C_HEX = 8 };
enum { T = C_TOKEN, P = C_TARGET, H = C_HOST };
enum { S = P | H, A = T | P | H, X = A | C_HEX };
/* clang-format off */
static const uint8_t class_of[256] = {
	[0x20] = 0, A, 0, T, A, A, A, A, S, S, A, A, P, A, A, P,
	[0x30] = X, X, X, X, X, X, X, X, X, X, S, S, 0, S, 0, P,
	[0x40] = P, X, X, X, X, X, X, A, A, A, A, A, A, A, A, A,
	[0x50] = A, A, A, A, A, A, A, A, A, A, A, H, 0, H, T, A,
	[0x60] = T, X, X, X, X, X, X, A, A, A, A, A, A, A, A, A,
	[0x70] = A, A, A, A, A, A, A, A, A, A, A, 0, T, 0, A, 0,
};
/* clang-format on */

static bool
is(char ch, unsigned what)
{
	return (class_of[(unsigned char)ch] & what) != 0;
}

static bool
all(struct str s, unsigned what)
{
	unsigned got = what;

	for (size_t i = 0; i < s.n; i++)
		got &= class_of[(unsigned char)s.p[i]];
	return got != 0;
}

static enum err
refuse(const struct reading *r, unsigned status, const char *what)
{
	r->h->status = r->h->response ? STATUS_GATEWAY : status;
	note_set(r->why, "%s", what);
	return status == STATUS_FIELDS ? ERR_LIMIT : ERR_SYNTAX;
}

/* True when a byte of the eight may be a control byte (never misses one). */
static bool
any_control(const char *p)
{
	const uint64_t ones = UINT64_MAX / 255, high = ones << 7;
	uint64_t w, del;

	memcpy(&w, p, sizeof(w));
	del = w ^ ones * 0x7f;
	return ((((w - ones * 0x20) & ~w) | ((del - ones) & ~del)) & high) != 0;
}

/* The next line of in, without its CRLF; *at moves behind it. */
static enum err
line_next(const struct reading *r, struct str in, size_t *at, struct str *line)
{
	size_t i = *at;

	for (;;) {
		while (in.n - i >= 8 && !any_control(in.p + i))
			i += 8;
		while (i < in.n && ((unsigned char)in.p[i] >= 0x20) &&
		       in.p[i] != 0x7f)
			i++;
		if (i == in.n)
			return ERR_MORE;
		if (in.p[i] != '\t')
			break;
		i++;
	}
	if (in.p[i] == '\n')
		return refuse(r, STATUS_BAD, "a line feed alone");
	if (in.p[i] != '\r')
		return refuse(r, STATUS_BAD, "a control byte in the head");
	if (i + 1 == in.n)
		return ERR_MORE;
	if (in.p[i + 1] != '\n')
		return refuse(r, STATUS_BAD, "a carriage return alone");
	*line = (struct str){ in.p + *at, i - *at };
	*at = i + 2;
	return OK;
}

static enum err
target_check(const struct reading *r, struct str t)
{
	if (t.n == 0 || t.p[0] != '/')
		return refuse(r, STATUS_BAD, "the target is not a path");
	if (str_find(t, '#') != t.n)
		return refuse(r, STATUS_BAD, "a fragment in the target");
	if (!all(t, C_TARGET))
		return refuse(r, STATUS_BAD, "a bad byte in the target");
	for (size_t i = str_find(t, '%'); i < t.n; i++)
		if (t.p[i] == '%' && (t.n - i < 3 || !is(t.p[i + 1], C_HEX) ||
					 !is(t.p[i + 2], C_HEX)))
			return refuse(
			    r, STATUS_BAD, "a bad escape in the target");
	return OK;
}

static enum err
version_check(const struct reading *r, struct str v)
{
	const bool shape = v.n == 8 && str_starts(v, STR("HTTP/")) &&
			   v.p[6] == '.' && v.p[5] >= '0' && v.p[5] <= '9' &&
			   v.p[7] >= '0' && v.p[7] <= '9';

	if (!shape)
		return refuse(r, STATUS_BAD, "the start line has no version");
	if (v.p[5] != '1' || v.p[7] != '1')
		return refuse(r, STATUS_VERSION, "only HTTP/1.1 is spoken");
	return OK;
}

static enum err
request_line(struct reading *r, struct str line)
{
	struct str rest = line, method, target;

	if (line.n == 0)
		return refuse(
		    r, STATUS_BAD, "an empty line before the request");
	if (!str_split(&rest, ' ', &method) || !str_split(&rest, ' ', &target))
		return refuse(r, STATUS_BAD, "the request line has no version");
	if (method.n == 0 || !all(method, C_TOKEN))
		return refuse(r, STATUS_BAD, "the method is not a token");
	TRY(version_check(r, rest));
	TRY(target_check(r, target));
	r->h->method = method;
	r->h->target = target;
	return OK;
}

static enum err
status_line(struct reading *r, struct str line)
{
	const struct str code = str_sub(line, 9, 3);
	unsigned n = 0;

	TRY(version_check(r, str_sub(line, 0, 8)));
	if (line.n < 13 || line.p[8] != ' ' || line.p[12] != ' ')
		return refuse(r, STATUS_BAD, "the status line is malformed");
	for (size_t i = 0; i < code.n; i++) {
		if (code.p[i] < '0' || code.p[i] > '9')
			return refuse(r, STATUS_BAD, "the status is no number");
		n = n * 10 + (unsigned)(code.p[i] - '0');
	}
	if (n < 100 || n > 599)
		return refuse(r, STATUS_BAD, "the status is out of range");
	if (n == 101)
		return refuse(r, STATUS_BAD, "a protocol switch nobody wanted");
	r->h->status = n;
	return OK;
}

static enum err
take_host(struct reading *r, struct str v)
{
	if (!r->h->response && (v.n == 0 || !all(v, C_HOST)))
		return refuse(r, STATUS_BAD, "Host is malformed");
	return OK;
}

static enum err
take_length(struct reading *r, struct str v)
{
	uint64_t n = 0;

	if (v.n == 0 || v.n > DIGITS_MAX || (v.n > 1 && v.p[0] == '0'))
		return refuse(r, STATUS_BAD, "Content-Length is malformed");
	for (size_t i = 0; i < v.n; i++) {
		if (v.p[i] < '0' || v.p[i] > '9')
			return refuse(
			    r, STATUS_BAD, "Content-Length is no number");
		n = n * 10 + (uint64_t)(v.p[i] - '0');
	}
	r->length = n;
	return OK;
}

static enum err
take_coding(struct reading *r, struct str v)
{
	if (!str_ieq(v, STR("chunked")))
		return refuse(r, STATUS_UNKNOWN,
		    "a transfer coding other than exactly chunked");
	return OK;
}

static enum err
take_connection(struct reading *r, struct str v)
{
	struct str rest = v, one;

	while (str_split(&rest, ',', &one)) {
		one = str_trim(one);
		if (one.n > 0 && !all(one, C_TOKEN))
			return refuse(r, STATUS_BAD, "Connection is malformed");
		if (str_ieq(one, STR("close")))
			r->h->close = true;
	}
	return OK;
}

static enum err
take_expect(struct reading *r, struct str v)
{
	if (r->h->response)
		return OK;
	if (!str_ieq(v, STR("100-continue")))
		return refuse(r, STATUS_EXPECT, "an expectation nobody knows");
	r->h->expect = true;
	return OK;
}

static const struct framing {
	struct str name;
	bool once;
	enum err (*take)(struct reading *r, struct str value);
	const char *twice; /* what is said of a repeat */
} framing[] = {
	{ STR_INIT("host"), true, take_host, "Host twice" },
	{ STR_INIT("content-length"), true, take_length, "two lengths" },
	{ STR_INIT("transfer-encoding"), true, take_coding, "two codings" },
	{ STR_INIT("connection"), false, take_connection, NULL },
	{ STR_INIT("expect"), true, take_expect, "Expect twice" },
};
enum { SEEN_HOST = 1, SEEN_LENGTH = 2, SEEN_CODING = 4 };

static enum err
framing_take(struct reading *r, const struct http_header *f)
{
	for (size_t k = 0; k < countof(framing); k++) {
		if (f->name.n != framing[k].name.n ||
		    !str_ieq(f->name, framing[k].name))
			continue;
		if (framing[k].once && (r->seen >> k & 1) != 0)
			return refuse(r, STATUS_BAD, framing[k].twice);
		r->seen |= 1U << k;
		return framing[k].take(r, f->value);
	}
	return OK;
}

static enum err
field_line(struct reading *r, struct str line)
{
	struct http_header *f;
	size_t colon = 0;

	if (line.p[0] == ' ' || line.p[0] == '\t')
		return refuse(r, STATUS_BAD, "a folded line");
	while (colon < line.n && is(line.p[colon], C_TOKEN))
		colon++;
	if (colon == line.n)
		return refuse(r, STATUS_BAD, "a header line without a colon");
	if (line.p[colon] == ' ' || line.p[colon] == '\t')
		return refuse(r, STATUS_BAD, "a space before the colon");
	if (line.p[colon] != ':')
		return refuse(r, STATUS_BAD, "a bad byte in a header name");
	if (colon == 0)
		return refuse(r, STATUS_BAD, "a header without a name");
	if (r->h->n == HTTP_HEADERS_MAX)
		return refuse(r, STATUS_FIELDS, "too many headers");
	f = &r->h->at[r->h->n++];
	f->name = (struct str){ line.p, colon };
	f->value = str_trim(str_sub(line, colon + 1, line.n));
	return framing_take(r, f);
}

/* RFC 9112 s.6.3, without the cases that were refused before. */
static enum err
length_decide(struct reading *r)
{
	struct http_head *h = r->h;
	const bool sized = (r->seen & SEEN_LENGTH) != 0;
	const bool chunked = (r->seen & SEEN_CODING) != 0;
	const bool bare = h->response && (h->status < 200 || h->status == 204);

	if (sized && chunked)
		return refuse(r, STATUS_BAD, "a length and a transfer coding");
	if (!h->response && (r->seen & SEEN_HOST) == 0)
		return refuse(r, STATUS_BAD, "no Host");
	if (bare && (chunked || r->length > 0))
		return refuse(r, STATUS_BAD, "a body where none may be");
	h->length = 0;
	if (bare || (h->response && h->status == 304))
		return OK;
	if (chunked)
		h->length = (uint64_t)HTTP_CHUNKED;
	else if (sized)
		h->length = r->length;
	else if (h->response)
		h->length = (uint64_t)HTTP_UNTIL_CLOSE;
	if (h->length == (uint64_t)HTTP_UNTIL_CLOSE)
		h->close = true;
	return OK;
}

/* ---- the second reader ---- */
struct second {
	const struct http_head *h;
	struct str name, value;
	size_t n; /* headers that were the same */
	bool target;
};

static bool
same_bytes(struct str a, struct str b) /* the very same place, not equal text */
{
	return a.n == b.n && (a.n == 0 || a.p == b.p);
}

static int
on_method(llhttp_t *p, const char *at, size_t n)
{
	const struct second *s = p->data;

	return same_bytes((struct str){ at, n }, s->h->method) ? 0 : HPE_USER;
}

static int
on_url(llhttp_t *p, const char *at, size_t n)
{
	struct second *s = p->data;

	s->target = same_bytes((struct str){ at, n }, s->h->target);
	return s->target ? 0 : HPE_USER;
}

static int
on_name(llhttp_t *p, const char *at, size_t n)
{
	struct second *s = p->data;

	s->name = (struct str){ at, n };
	s->value = (struct str){ NULL, 0 };
	return 0;
}

static int
on_value(llhttp_t *p, const char *at, size_t n)
{
	struct second *s = p->data;

	s->value = (struct str){ at, n };
	return 0;
}

static int
on_field(llhttp_t *p)
{
	struct second *s = p->data;
	const struct http_header *f = &s->h->at[s->n];

	if (s->n == s->h->n || !same_bytes(s->name, f->name) ||
	    !same_bytes(str_trim(s->value), f->value))
		return HPE_USER;
	s->n++;
	return 0;
}

static int
on_head(llhttp_t *p)
{
	(void)p;
	return HPE_PAUSED;
}

static const llhttp_settings_t second_reader = {
	.on_method = on_method,
	.on_url = on_url,
	.on_header_field = on_name,
	.on_header_value = on_value,
	.on_header_value_complete = on_field,
	.on_headers_complete = on_head,
};

static enum err
agree(const struct reading *r, struct str head)
{
	const struct http_head *h = r->h;
	struct second s = { .h = h, .target = h->response };
	const bool chunked = (r->seen & SEEN_CODING) != 0;
	llhttp_t p;
	llhttp_errno_t e;

	llhttp_init(
	    &p, h->response ? HTTP_RESPONSE : HTTP_REQUEST, &second_reader);
	p.data = &s;
	e = llhttp_execute(&p, head.p, head.n);
	if (e == HPE_INVALID_METHOD)
		return refuse(r, STATUS_UNKNOWN, "an unknown method");
	if (e != HPE_PAUSED || s.n != h->n || !s.target || p.http_major != 1 ||
	    p.http_minor != 1 || ((p.flags & F_CHUNKED) != 0) != chunked ||
	    p.content_length != r->length ||
	    (h->response && p.status_code != h->status))
		return refuse(r, STATUS_BAD, "two readings of the head differ");
	return OK;
}

static enum err
head_lines(struct reading *r, struct str in, size_t *at)
{
	struct str line;

	TRY(line_next(r, in, at, &line));
	TRY(r->h->response ? status_line(r, line) : request_line(r, line));
	for (;;) {
		TRY(line_next(r, in, at, &line));
		if (line.n == 0)
			return OK;
		TRY(field_line(r, line));
	}
}

enum err
http_head_read(struct str in, bool response, size_t max_head,
    struct http_head *h, size_t *used, struct note *why)
{
	struct reading r = { .h = h, .why = why };
	size_t at = 0;
	enum err e;

	h->response = response;
	h->method = h->target = (struct str){ NULL, 0 };
	h->status = 0;
	h->n = 0;
	h->length = 0;
	h->close = h->expect = false;
	e = head_lines(&r, str_sub(in, 0, max_head), &at);
	if (e == ERR_MORE && in.n >= max_head)
		return refuse(&r, STATUS_FIELDS, "the head is too long");
	TRY(e);
	TRY(length_decide(&r));
	TRY(agree(&r, (struct str){ in.p, at }));
	*used = at;
	return OK;
}

struct str
http_get(const struct http_head *h, struct str name, bool *many)
{
	struct str got = { NULL, 0 };
	size_t n = 0;

	for (size_t i = 0; i < h->n; i++)
		if (h->at[i].name.n == name.n && str_ieq(h->at[i].name, name) &&
		    n++ == 0)
			got = h->at[i].value;
	if (many != NULL)
		*many = n > 1;
	return n == 1 ? got : (struct str){ NULL, 0 };
}
