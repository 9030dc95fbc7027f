/*
 * fold: text as its reader sees it.  Look-alikes (full width, mathematical
 * letters, circled letters, accents, Cyrillic and Greek letters inside Latin
 * words) become the letter they look like; what has no width goes away.
 * Sources: Unicode 15 code charts; UTS 39 for the idea, the table is our own
 * and holds what is used to evade.
 */
#include "inspect/inspect-in.h"

uint32_t
utf8_next(const unsigned char *p, size_t n, size_t *used)
{
	const unsigned c = p[0];
	const size_t k = c < 0x80   ? 1
			 : c < 0xc2 ? 0
			 : c < 0xe0 ? 2
			 : c < 0xf0 ? 3
			 : c < 0xf5 ? 4
				    : 0;
	uint32_t v = k == 2 ? c & 31 : k == 3 ? c & 15 : c & 7;

	*used = 1;
	if (k == 1)
		return c;
	if (k == 0 || k > n)
		return 0xfffd;
	for (size_t i = 1; i < k; i++) {
		if ((p[i] & 0xc0) != 0x80)
			return 0xfffd;
		v = v << 6 | (p[i] & 63U);
	}
	*used = k;
	return v;
}

void
utf8_put(struct buf *b, uint32_t c)
{
	if (c < 0x80) {
		buf_ch(b, (char)c);
	} else if (c < 0x800) {
		buf_ch(b, (char)(0xc0 | c >> 6));
		buf_ch(b, (char)(0x80 | (c & 63)));
	} else if (c < 0x10000) {
		buf_ch(b, (char)(0xe0 | c >> 12));
		buf_ch(b, (char)(0x80 | (c >> 6 & 63)));
		buf_ch(b, (char)(0x80 | (c & 63)));
	} else {
		buf_ch(b, (char)(0xf0 | (c >> 18 & 7)));
		buf_ch(b, (char)(0x80 | (c >> 12 & 63)));
		buf_ch(b, (char)(0x80 | (c >> 6 & 63)));
		buf_ch(b, (char)(0x80 | (c & 63)));
	}
}

/* U+00C0 to U+017F without accents; '.' stays as it is. */
static const char latin[] = "aaaaaaaceeeeiiiidnooooo.ouuuuy.s"
			    "aaaaaaaceeeeiiiidnooooo.ouuuuy.y"
			    "aaaaaaccccccccddddeeeeeeeeeegggg"
			    "gggghhhhiiiiiiiiii..jjkkklllllll"
			    "lllnnnnnnnnnoooooo..rrrrrrssssss"
			    "ssttttttuuuuuuuuuuuuwwyyyzzzzzzs";

/* Letters of other scripts that look like a Latin one. */
static const struct {
	uint32_t c;
	char as;
} alike[] = {
	{ 0x391, 'a' },
	{ 0x392, 'b' },
	{ 0x395, 'e' },
	{ 0x396, 'z' },
	{ 0x397, 'h' },
	{ 0x399, 'i' },
	{ 0x39a, 'k' },
	{ 0x39c, 'm' },
	{ 0x39d, 'n' },
	{ 0x39f, 'o' },
	{ 0x3a1, 'p' },
	{ 0x3a4, 't' },
	{ 0x3a5, 'y' },
	{ 0x3a7, 'x' },
	{ 0x3b1, 'a' },
	{ 0x3b9, 'i' },
	{ 0x3ba, 'k' },
	{ 0x3bd, 'v' },
	{ 0x3bf, 'o' },
	{ 0x3c1, 'p' },
	{ 0x3c5, 'u' },
	{ 0x3f2, 'c' },
	{ 0x405, 's' },
	{ 0x406, 'i' },
	{ 0x408, 'j' },
	{ 0x410, 'a' },
	{ 0x412, 'b' },
	{ 0x415, 'e' },
	{ 0x41a, 'k' },
	{ 0x41c, 'm' },
	{ 0x41d, 'h' },
	{ 0x41e, 'o' },
	{ 0x420, 'p' },
	{ 0x421, 'c' },
	{ 0x422, 't' },
	{ 0x423, 'y' },
	{ 0x425, 'x' },
	{ 0x430, 'a' },
	{ 0x435, 'e' },
	{ 0x43a, 'k' },
	{ 0x43e, 'o' },
	{ 0x440, 'p' },
	{ 0x441, 'c' },
	{ 0x443, 'y' },
	{ 0x445, 'x' },
	{ 0x455, 's' },
	{ 0x456, 'i' },
	{ 0x458, 'j' },
	{ 0x475, 'v' },
	{ 0x4bb, 'h' },
	{ 0x4cf, 'l' },
	{ 0x501, 'd' },
	{ 0x51b, 'q' },
	{ 0x51d, 'w' },
	{ 0x555, 'o' },
	{ 0x585, 'o' },
	{ 0x578, 'n' },
	{ 0x57d, 'u' },
	{ 0x251, 'a' },
	{ 0x261, 'g' },
	{ 0x26a, 'i' },
	{ 0x131, 'i' },
};

static uint32_t
ascii_of(uint32_t c)
{
	if (c >= 0xff01 && c <= 0xff5e)
		c -= 0xfee0;
	else if (c >= 0x1d400 && c <= 0x1d6a3)
		c = 'a' + (c - 0x1d400) % 26;
	else if (c >= 0x1d7ce && c <= 0x1d7ff)
		c = '0' + (c - 0x1d7ce) % 10;
	else if (c >= 0x24b6 && c <= 0x24e9)
		c = 'a' + (c - 0x24b6) % 26;
	else if (c >= 0x1f130 && c <= 0x1f189)
		c = 'a' + (c - 0x1f130) % 32 % 26;
	else if (c >= 0xc0 && c <= 0x17f && latin[c - 0xc0] != '.')
		c = (uint32_t)(unsigned char)latin[c - 0xc0];
	else if (c == 0x2018 || c == 0x2019 || c == 0x2032 || c == 0x2bc)
		c = '\'';
	else if (c == 0x201c || c == 0x201d)
		c = '"';
	else if (c >= 0x2010 && c <= 0x2015)
		c = '-';
	else if (c == 0x2024 || c == 0x3002)
		c = '.';
	else if (c == 0x2215 || c == 0x2044)
		c = '/';
	if (c >= 0x410 && c <= 0x42f) /* small Cyrillic */
		return c + 32;
	return c >= 'A' && c <= 'Z' ? c + 32 : c;
}

static bool
is_space(uint32_t c)
{
	return c == ' ' || (c >= 9 && c <= 13) || c == 0xa0 || c == 0x1680 ||
	       (c >= 0x2000 && c <= 0x200a) || c == 0x2028 || c == 0x2029 ||
	       c == 0x202f || c == 0x205f || c == 0x3000;
}

/* No width: not for a reader's eyes. */
static bool
is_nothing(uint32_t c)
{
	return c == 0xad || c == 0x34f || c == 0x61c || c == 0x115f ||
	       c == 0x1160 || c == 0x17b4 || c == 0x17b5 ||
	       (c >= 0x180b && c <= 0x180f) || (c >= 0x200b && c <= 0x200f) ||
	       (c >= 0x202a && c <= 0x202e) || (c >= 0x2060 && c <= 0x206f) ||
	       c == 0x3164 || (c >= 0xfe00 && c <= 0xfe0f) || c == 0xfeff ||
	       c == 0xffa0 || (c >= 0xe0000 && c <= 0xe0fff) ||
	       (c >= 0x300 && c <= 0x36f) || c == 0 || c == 8 || c == 0x7f;
}

static bool
is_letter(unsigned char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

bool
sign_alike(uint32_t c)
{
	for (size_t k = 0; k < countof(alike); k++)
		if (alike[k].c == c)
			return true;
	return false;
}

/* Beside a Latin letter a look-alike is meant as one. */
static uint32_t
in_latin(
    uint32_t c, const struct buf *out, const unsigned char *next, size_t left)
{
	const bool latin_near =
	    (out->n > 0 && is_letter((unsigned char)out->p[out->n - 1])) ||
	    (left > 0 && is_letter(*next));

	for (size_t k = 0; latin_near && k < countof(alike); k++)
		if (alike[k].c == c)
			return (uint32_t)alike[k].as;
	return c;
}

static void
put_one(uint32_t c, struct buf *out, const unsigned char *next, size_t left)
{
	if (is_space(c)) {
		if (out->n > 0 && out->p[out->n - 1] != ' ')
			buf_ch(out, ' ');
	} else if (!is_nothing(c)) {
		c = ascii_of(c);
		utf8_put(out, c < 0x80 ? c : in_latin(c, out, next, left));
	}
}

/* Is the star at p[i] there to make a word bold? */
static bool
is_bold(const unsigned char *p, size_t n, size_t i)
{
	const unsigned char before = i > 0 ? p[i - 1] : ' ';
	const unsigned char after = i + 1 < n ? p[i + 1] : ' ';

	return is_letter(before) ||
	       ((is_letter(after) || after == '*') && before != '/' &&
		   !(before >= '0' && before <= '9'));
}

/* How ASCII folds: itself, a small letter, a space, or nothing (0). */
static unsigned char
ascii_fold(unsigned char c)
{
	if (c >= 'A' && c <= 'Z')
		return (unsigned char)(c + 32);
	if (c == ' ' || (c >= 9 && c <= 13))
		return ' ';
	return c < 32 || c == 0x7f ? 0 : c;
}

bool
fold(struct str s, struct buf *out)
{
	const unsigned char *p = (const unsigned char *)s.p;
	bool plain = true;

	for (size_t i = 0; i < s.n;) {
		char *to = buf_room(out, s.n - i);
		size_t n = 0, used;
		bool space = out->n == 0 || out->p[out->n - 1] == ' ';

		if (to == NULL)
			return plain;
		for (; i < s.n && p[i] < 0x80; i++) {
			const unsigned char c = ascii_fold(p[i]);

			plain = plain && (p[i] >= 32 || c == ' ');
			if (c == 0 || (space && c == ' ') ||
			    (c == '*' && is_bold(p, s.n, i)))
				continue;
			space = c == ' ';
			to[n++] = (char)c;
		}
		buf_add(out, n);
		if (i == s.n)
			break;
		plain = false;
		const uint32_t c = utf8_next(p + i, s.n - i, &used);

		i += used;
		put_one(c, out, p + i, s.n - i);
	}
	return plain;
}

/* ---- what a reader of paths, addresses and queries would decode ---- */

static int
hex_of(unsigned char c)
{
	return c >= '0' && c <= '9'   ? c - '0'
	       : c >= 'a' && c <= 'f' ? c - 'a' + 10
	       : c >= 'A' && c <= 'F' ? c - 'A' + 10
				      : -1;
}

/* An escape at p: its value and length; false: none. */
static bool
escape_at(const unsigned char *p, size_t n, uint32_t *c, size_t *used)
{
	if (n >= 6 && (p[0] == '%' || p[0] == '\\') &&
	    (p[1] == 'u' || p[1] == 'U')) {
		*c = 0;
		for (size_t k = 2; k < 6; k++) {
			if (hex_of(p[k]) < 0)
				return false;
			*c = *c << 4 | (uint32_t)hex_of(p[k]);
		}
		*used = 6;
		return true;
	}
	if (n >= 4 && p[0] == '\\' && p[1] == 'x' && hex_of(p[2]) >= 0 &&
	    hex_of(p[3]) >= 0) {
		*c = (uint32_t)(hex_of(p[2]) << 4 | hex_of(p[3]));
		*used = 4;
		return true;
	}
	if (n < 3 || p[0] != '%' || hex_of(p[1]) < 0 || hex_of(p[2]) < 0)
		return false;
	*c = (uint32_t)(hex_of(p[1]) << 4 | hex_of(p[2]));
	*used = 3;
	return true;
}

static void
unescape_once(struct str s, struct buf *out)
{
	const unsigned char *p = (const unsigned char *)s.p;
	uint32_t c = 0;
	size_t used = 0;

	for (size_t i = 0; i < s.n; i += used) {
		if (!escape_at(p + i, s.n - i, &c, &used)) {
			buf_ch(out, s.p[i]);
			used = 1;
			continue;
		}
		/* overlong forms: %c0%ae is a dot to a careless reader */
		if ((c == 0xc0 || c == 0xc1) && i + 6 <= s.n) {
			uint32_t low = 0;
			size_t more = 0;

			if (escape_at(p + i + 3, s.n - i - 3, &low, &more) &&
			    low >= 0x80 && low < 0xc0) {
				c = (c & 1) << 6 | (low & 63);
				used += more;
			}
		}
		if (c < 0x100)
			buf_ch(out, (char)c);
		else
			utf8_put(out, c);
	}
}

void
unescape(struct str s, struct buf *out)
{
	struct buf half = { .max = out->max };

	buf_clear(out);
	unescape_once(s, out);
	for (int round = 0; round < 4; round++) {
		const size_t before = out->n;

		buf_clear(&half);
		buf_str(&half, buf_view(out));
		buf_clear(out);
		unescape_once(buf_view(&half), out);
		if (out->n == before)
			break;
	}
	buf_done(&half);
}
