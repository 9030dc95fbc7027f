/*
 * json-in: what the files of this room share.  Layout of a tape, the one loop
 * that copies plain text, number lexemes, and the search for duplicate keys.
 */
#ifndef JSON_IN_H
#define JSON_IN_H

#include "json/json.h"

#ifdef __SSE2__
#include <emmintrin.h>
#endif

enum {
	WORD = 4,	     /* a length, a count, a size */
	LEAF = 1 + WORD,     /* before the bytes of NUM and STR */
	TREE = 1 + 2 * WORD, /* before the members of ARR and OBJ */
};
/* So that no size on a tape can pass 32 bits: two bytes of text make at most
 * nine of tape. */
enum { JSON_TEXT_MAX = 512 * 1024 * 1024 };

static inline uint32_t
get32(const uint8_t *p)
{
	return (uint32_t)p[0] | (uint32_t)p[1] << 8 | (uint32_t)p[2] << 16 |
	       (uint32_t)p[3] << 24;
}

static inline void
set32(uint8_t *p, size_t v)
{
	p[0] = (uint8_t)v;
	p[1] = (uint8_t)(v >> 8);
	p[2] = (uint8_t)(v >> 16);
	p[3] = (uint8_t)(v >> 24);
}

/* Bytes of the value at p, of which `left` may be read; 0: it does not fit. */
static inline size_t
tape_size(const uint8_t *p, size_t left)
{
	size_t head = LEAF, n;

	if (left == 0 || p[0] < J_NULL || p[0] > J_OBJ)
		return 0;
	if (p[0] <= J_TRUE)
		return 1;
	if (p[0] >= J_ARR)
		head = TREE;
	if (left < head)
		return 0;
	n = get32(p + head - WORD);
	return n > left - head ? 0 : head + n;
}

/* Output that grows in a buf but is written through a bare pointer. */
struct sink {
	uint8_t *o, *end; /* next byte; end of what the buf holds */
	struct buf *b;
	size_t base; /* b->n when we began */
};
struct sink sink_of(struct buf *b);
/* Grows so that n more fit, and by `likely` if the buf's maximum allows it.
 * False, and the buf not marked, when n do not fit. */
bool sink_more(struct sink *s, size_t n, size_t likely);
void sink_keep(struct sink *s); /* what was written becomes the buf's */
void sink_drop(struct sink *s); /* the buf is as before */

static inline bool
sink_room(struct sink *s, size_t n)
{
	return (size_t)(s->end - s->o) >= n || sink_more(s, n, 0);
}

static inline size_t
sink_at(const struct sink *s)
{
	return (size_t)(s->o - (uint8_t *)s->b->p);
}

/* Text being read: p up to end may be copied, up to safe may be touched. */
struct run {
	const uint8_t *p, *end, *safe;
	unsigned high; /* not 0: a byte above 0x7f was copied */
};

/*
 * Copies bytes until the first that JSON escapes in a string (a quote, a
 * backslash, a control), the end of either side, whichever comes first.
 * Sixteen at a time: it stores whole chunks and keeps what counts, which is
 * why short strings need no call to memcpy.
 */
static inline void
run_copy(struct run *r, struct sink *s)
{
#ifdef __SSE2__
	const __m128i quote = _mm_set1_epi8('"'), back = _mm_set1_epi8('\\');
	const __m128i low = _mm_set1_epi8(0x1f);

	while (r->safe - r->p >= 16 && s->end - s->o >= 16) {
		const size_t left = (size_t)(r->end - r->p);
		const __m128i v = _mm_loadu_si128((const void *)r->p);
		/* min(v, 0x1f) == v: unsigned v <= 0x1f */
		const __m128i bad =
		    _mm_or_si128(_mm_cmpeq_epi8(_mm_min_epu8(v, low), v),
			_mm_or_si128(
			    _mm_cmpeq_epi8(v, quote), _mm_cmpeq_epi8(v, back)));
		unsigned stop = (unsigned)_mm_movemask_epi8(bad);
		unsigned n = 16;

		if (left < 16)
			stop |= 1U << left;
		_mm_storeu_si128((void *)s->o, v);
		if (stop != 0)
			n = (unsigned)__builtin_ctz(stop);
		r->high |= (unsigned)_mm_movemask_epi8(v) & ((1U << n) - 1);
		r->p += n;
		s->o += n;
		if (stop != 0)
			return;
	}
#endif
	while (r->p < r->end && s->o < s->end && *r->p >= 0x20 &&
	       *r->p != '"' && *r->p != '\\') {
		r->high |= *r->p & 0x80U;
		*s->o++ = *r->p++;
	}
}

/* Where the number that starts at p ends; NULL when there is none. */
const uint8_t *num_end(const uint8_t *p, const uint8_t *end);
bool num_ok(const uint8_t *p, size_t n); /* all of it is one number */

/* A decimal: 0.ddd times ten to the point; no digits: zero. */
enum { DEC_DIGITS = 20 };
struct dec {
	bool neg;
	bool more; /* it has more digits than fit in d */
	unsigned n;
	int64_t point;
	char d[DEC_DIGITS];
};
void dec_read(struct str lexeme, struct dec *out); /* of a good lexeme */
/* The shortest decimal that reads back as x, which is finite. */
void dec_shortest(double x, struct dec *out);
/* The decimal as ECMAScript's Number::toString writes it; NUM_TEXT bytes. */
enum { NUM_TEXT = 32 };
size_t dec_text(const struct dec *d, char *out);
/* What JCS writes for a lexeme, or ERR_LIMIT. */
NODISCARD enum err num_jcs(struct str lexeme, char *out, size_t *n);

/* The members of one object, by key. */
struct member {
	uint64_t hash;
	const uint8_t *key;
	size_t n;
};
typedef int member_order(const struct member *a, const struct member *b);
void members_sort(struct member *m, size_t n, member_order *order);

/*
 * The first keys of an object, compared pairwise as they come.  `mark` holds
 * length and both ends of a key, so that two keys are hardly ever compared.
 */
enum { KEYS_NEAR = 16 };
struct keys {
	size_t n;
	uint64_t mark[KEYS_NEAR];
	size_t at[KEYS_NEAR]; /* of the key's length word, from the base */
};

/* A key's eight bytes before its end always exist: a header precedes it. */
static inline uint64_t
key_mark(const uint8_t *key, size_t n)
{
	uint64_t tail, head;

	if (n == 0)
		return 0;
	memcpy(&tail, key + n - 8, 8);
	if (n < 8)
		return (tail >> (64 - 8 * n)) ^ n;
	memcpy(&head, key, 8);
	return head ^ (tail << 23 | tail >> 41) ^ n;
}

bool keys_clash(const struct keys *k, const uint8_t *base, size_t at);

/* Notes the key whose length word is at base + at.  False: seen before.  Past
 * KEYS_NEAR it says true, and keys_far() must be asked at the end. */
static inline bool
keys_add(struct keys *k, const uint8_t *base, size_t at)
{
	uint64_t mark, same = 0;

	if (k->n == KEYS_NEAR)
		return true;
	mark = key_mark(base + at + WORD, get32(base + at));
	for (size_t i = 0; i < k->n; i++)
		same |= k->mark[i] == mark;
	if (same != 0 && keys_clash(k, base, at))
		return false;
	k->mark[k->n] = mark;
	k->at[k->n++] = at;
	return true;
}

/* All keys differ, in the members from p to end: n log n, whatever they are. */
bool keys_far(const uint8_t *p, const uint8_t *end, size_t count);

/* One string, quoted and escaped.  ERR_LIMIT: no room; ERR_SYNTAX: not UTF-8.
 * Bytes before safe may be read. */
NODISCARD enum err put_quoted(
    struct sink *s, struct str text, const uint8_t *safe);

#endif
