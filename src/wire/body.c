/*
 * body: the bytes of one HTTP/1.1 message body, by length, by chunks or until
 * the connection ends.  Keeps a few numbers and no bytes.
 *
 * Chunks are read in their one strict spelling: 1 to 8 hex digits, CRLF, the
 * data, CRLF.  Extensions are refused: nobody needs them, and readers that
 * skip them differently have been a way to smuggle.  Trailers are bounded,
 * checked and dropped; one that names framing, routing or credentials is
 * refused.
 */
#include "wire/wire.h"

enum phase {
	NOT_BEGUN,
	IDENTITY,
	UNTIL_CLOSE,
	SIZE,	 /* hex digits of a chunk's size */
	SIZE_LF, /* after the CR behind them */
	DATA,	 /* bytes of a chunk */
	DATA_CR, /* behind them */
	DATA_LF,
	LINE,	  /* first byte of a trailer line, or the CR that ends it all */
	NAME,	  /* in a trailer's name */
	VALUE,	  /* in its value */
	VALUE_LF, /* after the CR behind it */
	END_LF,
	DONE,
	BAD,  /* stays bad */
	OVER, /* over the maximum, stays so */
};

enum {
	SIZE_DIGITS = 8, /* 4 GiB in one chunk is already absurd */
	TRAILER_MAX =
	    4096, /* bytes of all trailer lines; a quarter of a head */
};

/* Bit i of b->match: the name so far is how not_a_trailer[i] begins. */
static const struct str not_a_trailer[] = {
	STR_INIT("transfer-encoding"),
	STR_INIT("content-length"),
	STR_INIT("content-encoding"),
	STR_INIT("content-type"),
	STR_INIT("content-range"),
	STR_INIT("connection"),
	STR_INIT("host"),
	STR_INIT("trailer"),
	STR_INIT("te"),
	STR_INIT("upgrade"),
	STR_INIT("authorization"),
	STR_INIT("proxy-authorization"),
	STR_INIT("cookie"),
	STR_INIT("set-cookie"),
	STR_INIT("mcp-session-id"),
	STR_INIT("keep-alive"),
};
enum { MATCH_ALL = (1 << countof(not_a_trailer)) - 1 };

struct http_body
http_body_of(const struct http_head *h, uint64_t max)
{
	struct http_body b = { .max = max, .state = IDENTITY };

	if (h->length == (uint64_t)HTTP_CHUNKED)
		b.state = SIZE;
	else if (h->length == (uint64_t)HTTP_UNTIL_CLOSE)
		b.state = UNTIL_CLOSE;
	else if (h->length > max)
		b.state = OVER;
	else if (h->length == 0)
		b.state = DONE;
	else
		b.left = h->length;
	return b;
}

static int
hex_of(char ch)
{
	if (ch >= '0' && ch <= '9')
		return ch - '0';
	if (ch >= 'a' && ch <= 'f')
		return ch - 'a' + 10;
	if (ch >= 'A' && ch <= 'F')
		return ch - 'A' + 10;
	return -1;
}

static int
size_end(struct http_body *b)
{
	b->count = 0;
	if (b->left == 0)
		return LINE;
	return b->left > b->max - b->total ? OVER : DATA;
}

static int
size_byte(struct http_body *b, char ch)
{
	const int digit = hex_of(ch);

	if (ch == '\r')
		return b->count > 0 ? SIZE_LF : BAD;
	if (digit < 0 || b->count == SIZE_DIGITS)
		return BAD;
	b->count++;
	b->left = b->left << 4 | (uint64_t)digit;
	return SIZE;
}

static bool
is_token(char ch)
{
	return (ch >= '0' && ch <= '9') || (ch >= 'a' && ch <= 'z') ||
	       (ch >= 'A' && ch <= 'Z') ||
	       (ch != '\0' && strchr("!#$%&'*+-.^_`|~", ch) != NULL);
}

static int
name_byte(struct http_body *b, char ch)
{
	const char low = ch >= 'A' && ch <= 'Z' ? (char)(ch | 0x20) : ch;

	for (size_t i = 0; i < countof(not_a_trailer); i++) {
		const struct str s = not_a_trailer[i];

		if ((b->match >> i & 1) == 0)
			continue;
		if (ch == ':' && s.n == b->at)
			return BAD;
		if (ch != ':' && (b->at >= s.n || s.p[b->at] != low))
			b->match &= ~(1U << i);
	}
	if (ch == ':')
		return b->at > 0 ? VALUE : BAD;
	b->at++;
	return is_token(ch) ? NAME : BAD;
}

static int
value_byte(char ch)
{
	if (ch == '\r')
		return VALUE_LF;
	return ((unsigned char)ch < 0x20 && ch != '\t') || ch == 0x7f ? BAD
								      : VALUE;
}

/* One byte of framing; returns the next phase. */
static int
frame_byte(struct http_body *b, char ch)
{
	if (b->state >= LINE && b->state < DONE && ++b->count > TRAILER_MAX)
		return OVER;
	switch ((enum phase)b->state) {
	case SIZE:
		return size_byte(b, ch);
	case SIZE_LF:
		return ch == '\n' ? size_end(b) : BAD;
	case DATA_CR:
		return ch == '\r' ? DATA_LF : BAD;
	case DATA_LF:
		return ch == '\n' ? SIZE : BAD;
	case LINE:
		b->match = MATCH_ALL;
		b->at = 0;
		return ch == '\r' ? END_LF : name_byte(b, ch);
	case NAME:
		return name_byte(b, ch);
	case VALUE:
		return value_byte(ch);
	case VALUE_LF:
		return ch == '\n' ? LINE : BAD;
	case END_LF:
		return ch == '\n' ? DONE : BAD;
	case NOT_BEGUN:
	case IDENTITY:
	case UNTIL_CLOSE:
	case DATA:
	case DONE:
	case BAD:
	case OVER:
		break;
	}
	return BAD;
}

/* Body bytes at in.p; how many. */
static size_t
data_take(struct http_body *b, struct str in)
{
	const uint64_t room =
	    b->state == UNTIL_CLOSE ? b->max - b->total : b->left;
	const size_t n = in.n < room ? in.n : (size_t)room;

	b->total += n;
	if (b->state == UNTIL_CLOSE) {
		if (n < in.n)
			b->state = OVER;
		return n;
	}
	b->left -= n;
	if (b->left == 0)
		b->state = b->state == DATA ? DATA_CR : DONE;
	return n;
}

static enum err
verdict(const struct http_body *b)
{
	if (b->state == DONE)
		return OK;
	if (b->state == OVER)
		return ERR_LIMIT;
	return b->state == BAD ? ERR_SYNTAX : ERR_MORE;
}

enum err
http_body_read(
    struct http_body *b, struct str in, size_t *used, struct str *data)
{
	size_t i = 0;

	BUG_ON(b->state == NOT_BEGUN);
	*data = (struct str){ NULL, 0 };
	while (i < in.n && b->state < DONE) {
		const struct str rest = str_sub(in, i, in.n);

		if (b->state == IDENTITY || b->state == UNTIL_CLOSE ||
		    b->state == DATA) {
			if (data->n > 0)
				break; /* one piece a call */
			*data = (struct str){ rest.p, data_take(b, rest) };
			i += data->n;
			continue;
		}
		b->state = frame_byte(b, in.p[i++]);
	}
	*used = i;
	return verdict(b);
}

enum err
http_body_eof(const struct http_body *b)
{
	return b->state == DONE || b->state == UNTIL_CLOSE ? OK : ERR_SYNTAX;
}
