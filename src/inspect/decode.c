/*
 * decode: text in another coat is looked at without it: base64 (RFC 4648, both
 * alphabets), hex, percent escapes, character references of HTML.  What comes
 * out must be text, or it was not meant to be read.  Depth and bytes are
 * bounded by whoever asks (look.c).
 */
#include "inspect/inspect-in.h"

enum {
	B64_LEAST = 24, /* signs; shorter says less than a sentence */
	HEX_LEAST = 32,
	PERCENT_LEAST = 6,
	REFS_LEAST = 6,
	PIECES_MAX = 64, /* in one text */
	PIECE_MAX = 64 * 1024,
};

static int
b64_of(unsigned char c)
{
	if (c >= 'A' && c <= 'Z')
		return c - 'A';
	if (c >= 'a' && c <= 'z')
		return c - 'a' + 26;
	if (c >= '0' && c <= '9')
		return c - '0' + 52;
	return c == '+' || c == '-' ? 62 : c == '/' || c == '_' ? 63 : -1;
}

static int
hex_of(unsigned char c)
{
	return c >= '0' && c <= '9'   ? c - '0'
	       : c >= 'a' && c <= 'f' ? c - 'a' + 10
	       : c >= 'A' && c <= 'F' ? c - 'A' + 10
				      : -1;
}

/* Text for a reader: UTF-8, with a space or some words' worth of letters. */
static bool
is_text(struct str s)
{
	size_t letters = 0, spaces = 0;

	if (s.n < 8 || !utf8_ok(s))
		return false;
	for (size_t i = 0; i < s.n; i++) {
		const unsigned char c = (unsigned char)s.p[i];

		if (c < 32 && c != '\n' && c != '\r' && c != '\t')
			return false;
		letters += (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
			   c >= 0x80;
		spaces += c == ' ';
	}
	return letters + spaces > s.n / 2;
}

static void
base64_out(struct str s, struct buf *out)
{
	uint32_t v = 0;
	unsigned bits = 0;

	for (size_t i = 0; i < s.n; i++) {
		const int d = b64_of((unsigned char)s.p[i]);

		if (d < 0)
			continue;
		v = v << 6 | (uint32_t)d;
		bits += 6;
		if (bits >= 8) {
			bits -= 8;
			buf_ch(out, (char)(v >> bits & 255));
		}
	}
}

static void
hex_out(struct str s, struct buf *out)
{
	for (size_t i = 0; i + 1 < s.n; i += 2)
		buf_ch(out, (char)(hex_of((unsigned char)s.p[i]) << 4 |
				   hex_of((unsigned char)s.p[i + 1])));
}

static void
piece(struct inspect *i, struct str out, size_t at, unsigned depth)
{
	if (!is_text(out))
		return;
	saw(i, DET_ENCODED, at);
	look_inside(i, out, at, depth + 1);
}

/* Runs of signs that base64 or hex is made of. */
static void
runs(struct inspect *i, struct str s, unsigned depth)
{
	struct buf *out = &i->plain[depth];
	size_t pieces = 0;

	for (size_t at = 0, end; at < s.n; at = end + 1) {
		bool hex = true;

		for (end = at; end < s.n; end++) {
			const unsigned char c = (unsigned char)s.p[end];

			if (b64_of(c) < 0)
				break;
			hex = hex && hex_of(c) >= 0;
		}
		if (end - at < B64_LEAST)
			continue;
		if (++pieces > PIECES_MAX || !pay(i, end - at)) {
			i->unscanned = true;
			return;
		}
		buf_clear(out);
		if (hex && end - at >= HEX_LEAST)
			hex_out(str_sub(s, at, end - at), out);
		else
			base64_out(
			    str_sub(s, at,
				end - at > PIECE_MAX ? PIECE_MAX : end - at),
			    out);
		piece(i, buf_view(out), at, depth);
	}
}

/* &#105; and &#x69; */
static size_t
reference(struct str s, uint32_t *c)
{
	const bool hex = s.n > 3 && (s.p[2] == 'x' || s.p[2] == 'X');
	size_t k = hex ? 3 : 2;

	*c = 0;
	if (s.n < 4 || s.p[0] != '&' || s.p[1] != '#')
		return 0;
	for (; k < s.n && k < 10; k++) {
		const int d = hex_of((unsigned char)s.p[k]);

		if (d < 0 || (!hex && d > 9))
			break;
		*c = *c * (hex ? 16 : 10) + (uint32_t)d;
	}
	return k < s.n && s.p[k] == ';' && *c > 0 && *c < 0x110000 &&
		       (*c < 0xd800 || *c > 0xdfff)
		   ? k + 1
		   : 0;
}

static void
references(struct inspect *i, struct str s, unsigned depth)
{
	struct buf *out = &i->plain[depth];
	size_t n = 0, used;
	uint32_t c;

	if (str_search(s, STR("&#")) == s.n || !pay(i, s.n))
		return;
	buf_clear(out);
	for (size_t at = 0; at < s.n; at += used) {
		used = reference(str_sub(s, at, 12), &c);
		n += used > 0;
		if (used > 0) {
			utf8_put(out, c);
		} else {
			buf_ch(out, s.p[at]);
			used = 1;
		}
	}
	if (n >= REFS_LEAST)
		piece(i, buf_view(out), 0, depth);
}

static void
percents(struct inspect *i, struct str s, unsigned depth)
{
	struct buf *out = &i->plain[depth];
	size_t n = 0;

	for (size_t at = 0; at + 2 < s.n; at++)
		n += s.p[at] == '%' &&
		     hex_of((unsigned char)s.p[at + 1]) >= 0 &&
		     hex_of((unsigned char)s.p[at + 2]) >= 0;
	if (n < PERCENT_LEAST || !pay(i, s.n))
		return;
	unescape(s, out);
	piece(i, buf_view(out), 0, depth);
}

void
look_encoded(struct inspect *i, struct str s, unsigned depth)
{
	runs(i, s, depth);
	references(i, s, depth);
	percents(i, s, depth);
}
