/* base64: both alphabets of RFC 4648, written in one go and read strictly:
 * one text for one value. */
#include "base/base.h"

#include <endian.h>
#ifdef __x86_64__
#include <tmmintrin.h>
#endif

struct kind {
	const char *digits;
	bool padded;
};
static const struct kind plain = {
	"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/", true
};
static const struct kind url = {
	"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_",
	false
};

/* Six bytes, of eight that may be read, to eight digits with one write: were
 * they written one by one, each might have changed where the digits are. */
static void
eight(const uint8_t *p, char *to, const char *digits)
{
	uint64_t v;

	memcpy(&v, p, sizeof(v));
	v = be64toh(v);
#define DIGIT(i) digits[v >> (58 - 6 * (i)) & 63]
	const char d[8] = { DIGIT(0), DIGIT(1), DIGIT(2), DIGIT(3), DIGIT(4),
		DIGIT(5), DIGIT(6), DIGIT(7) };
#undef DIGIT
	memcpy(to, d, sizeof(d));
}

#ifdef __x86_64__
/* Twelve bytes, of sixteen that may be read, to sixteen digits: each group of
 * three is spread over four bytes, multiplications move its four times six bits
 * into place, and a table of thirteen ranges says how far a digit is from its
 * number.  Returns how many bytes that did. */
__attribute__((target("ssse3"))) static size_t
sixteens(const uint8_t *p, size_t left, char *to, const char *digits)
{
	const __m128i spread =
	    _mm_setr_epi8(1, 0, 2, 1, 4, 3, 5, 4, 7, 6, 8, 7, 10, 9, 11, 10);
	const char num = '0' - 52;
	const __m128i away = _mm_setr_epi8('a' - 26, num, num, num, num, num,
	    num, num, num, num, num, (char)(digits[62] - 62),
	    (char)(digits[63] - 63), 'A', 0, 0);
	size_t at = 0;

	for (; left - at >= 16; at += 12, to += 16) {
		const __m128i v = _mm_shuffle_epi8(
		    _mm_loadu_si128((const void *)(p + at)), spread);
		const __m128i odd = _mm_mulhi_epu16(
		    _mm_and_si128(v, _mm_set1_epi32(0x0fc0fc00)),
		    _mm_set1_epi32(0x04000040));
		const __m128i even = _mm_mullo_epi16(
		    _mm_and_si128(v, _mm_set1_epi32(0x003f03f0)),
		    _mm_set1_epi32(0x01000010));
		const __m128i six = _mm_or_si128(odd, even);
		/* 0: small letters, 1 to 10: numbers, 11, 12, 13: capitals */
		const __m128i range =
		    _mm_or_si128(_mm_subs_epu8(six, _mm_set1_epi8(51)),
			_mm_and_si128(_mm_cmpgt_epi8(_mm_set1_epi8(26), six),
			    _mm_set1_epi8(13)));

		_mm_storeu_si128((void *)to,
		    _mm_add_epi8(six, _mm_shuffle_epi8(away, range)));
	}
	return at;
}
#endif

/* The long first part, where the processor can. */
static size_t
head(const uint8_t *p, size_t left, char *to, const char *digits)
{
#ifdef __x86_64__
	if (left >= 16 && __builtin_cpu_supports("ssse3"))
		return sixteens(p, left, to, digits);
#endif
	(void)p;
	(void)left;
	(void)to;
	(void)digits;
	return 0;
}

static void
put(struct buf *b, struct str bytes, const struct kind *k)
{
	const uint8_t *p = (const uint8_t *)bytes.p;
	const char *const digits = k->digits;
	size_t left = bytes.n;
	char *to = buf_room(b, 4 * (left / 3 + 1));
	char *const from = to;
	size_t done;
	uint32_t v;

	if (to == NULL)
		return;
	done = head(p, left, to, digits);
	p += done;
	left -= done;
	to += done / 3 * 4;
	for (; left >= 8; left -= 6, p += 6, to += 8)
		eight(p, to, digits);
	for (; left > 0; left -= left < 3 ? left : 3) {
		v = (uint32_t)*p++ << 16;
		v |= left > 1 ? (uint32_t)*p++ << 8 : 0;
		v |= left > 2 ? *p++ : 0;
		*to++ = digits[v >> 18];
		*to++ = digits[v >> 12 & 63];
		if (left > 1 || k->padded)
			*to++ = left > 1 ? digits[v >> 6 & 63] : '=';
		if (left > 2 || k->padded)
			*to++ = left > 2 ? digits[v & 63] : '=';
	}
	buf_add(b, (size_t)(to - from));
}

void
base64_put(struct buf *b, struct str bytes)
{
	put(b, bytes, &plain);
}

void
base64url_put(struct buf *b, struct str bytes)
{
	put(b, bytes, &url);
}

static int
digit(const struct kind *k, char c)
{
	const char *at = c == '\0' ? NULL : strchr(k->digits, c);

	return at == NULL ? -1 : (int)(at - k->digits);
}

/* n digits, 2 to 4, as n - 1 bytes; false: one is none, or bits are left. */
static bool
quad(const struct kind *k, const char *q, size_t n, char out[static 3])
{
	uint32_t v = 0;

	for (size_t i = 0; i < 4; i++) {
		const int d = i < n ? digit(k, q[i]) : 0;

		if (d < 0)
			return false;
		v = v << 6 | (uint32_t)d;
	}
	out[0] = (char)(v >> 16);
	out[1] = (char)(v >> 8);
	out[2] = (char)v;
	return (n != 2 || (v & 0xffff) == 0) && (n != 3 || (v & 0xff) == 0);
}

static enum err
get(struct str text, struct buf *out, const struct kind *k)
{
	const size_t before = out->n;
	char b[3];

	if (k->padded && text.n % 4 != 0)
		return ERR_SYNTAX;
	for (size_t pad = 0; k->padded && pad < 2 && str_ends(text, STR("="));
	     pad++)
		text.n--;
	for (size_t i = 0; i < text.n; i += 4) {
		const size_t n = text.n - i < 4 ? text.n - i : 4;

		if (n < 2 || !quad(k, text.p + i, n, b)) {
			out->n = before;
			return ERR_SYNTAX;
		}
		buf_put(out, b, n - 1);
	}
	return buf_end(out);
}

enum err
base64_get(struct str text, struct buf *out)
{
	return get(text, out, &plain);
}

enum err
base64url_get(struct str text, struct buf *out)
{
	return get(text, out, &url);
}
