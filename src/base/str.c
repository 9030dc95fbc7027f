/* str: text as pointer and length.  Nothing here allocates but str_keep. */
#include "base/base.h"

struct str
str_of(const char *z)
{
	return z == NULL ? (struct str){ NULL, 0 }
			 : (struct str){ z, strlen(z) };
}

enum { SHORT = 32 };

/* Names are short: by eight bytes or four, the last ones twice. */
bool
bytes_same(const char *a, const char *b, size_t n)
{
	uint64_t x, y;
	uint32_t v, w, v2, w2;

	if (n > SHORT)
		return memcmp(a, b, n) == 0;
	if (n >= 8) {
		for (size_t i = 0; i + 8 < n; i += 8) {
			memcpy(&x, a + i, 8);
			memcpy(&y, b + i, 8);
			if (x != y)
				return false;
		}
		memcpy(&x, a + n - 8, 8);
		memcpy(&y, b + n - 8, 8);
		return x == y;
	}
	if (n >= 4) {
		memcpy(&v, a, 4);
		memcpy(&w, b, 4);
		memcpy(&v2, a + n - 4, 4);
		memcpy(&w2, b + n - 4, 4);
		return v == w && v2 == w2;
	}
	return a[0] == b[0] && a[n - 1] == b[n - 1] && a[n / 2] == b[n / 2];
}

static char
lower(char ch)
{
	return ch >= 'A' && ch <= 'Z' ? (char)(ch + ('a' - 'A')) : ch;
}

/* Eight bytes, A to Z as a to z: bit 7 of a sum says "from A" and "past Z",
 * and bit 5 is what they differ in. */
static uint64_t
lower8(const char *p)
{
	const uint64_t ones = UINT64_MAX / 255, high = ones << 7;
	uint64_t w, low;

	memcpy(&w, p, sizeof(w));
	low = w & ~high;
	low = (low + ones * (0x80 - 'A')) ^ (low + ones * (0x7f - 'Z'));
	return w | (low & ~w & high) >> 2;
}

bool
str_ieq(struct str a, struct str b)
{
	size_t i = 0;

	if (a.n != b.n)
		return false;
	for (; a.n - i >= 8; i += 8)
		if (lower8(a.p + i) != lower8(b.p + i))
			return false;
	if (a.n > 8)
		return lower8(a.p + a.n - 8) == lower8(b.p + b.n - 8);
	for (; i < a.n; i++)
		if (lower(a.p[i]) != lower(b.p[i]))
			return false;
	return true;
}

int
str_cmp(struct str a, struct str b)
{
	const size_t n = a.n < b.n ? a.n : b.n;
	int c;

	/* Mostly it is the first byte, and that needs no call. */
	if (n > 0 && a.p[0] != b.p[0])
		return (uint8_t)a.p[0] < (uint8_t)b.p[0] ? -1 : 1;
	c = n == 0 ? 0 : memcmp(a.p, b.p, n);
	if (c != 0)
		return c;
	return a.n < b.n ? -1 : a.n > b.n;
}

bool
str_starts(struct str s, struct str prefix)
{
	return s.n >= prefix.n && str_eq(str_sub(s, 0, prefix.n), prefix);
}

bool
str_ends(struct str s, struct str suffix)
{
	return s.n >= suffix.n &&
	       str_eq(str_sub(s, s.n - suffix.n, suffix.n), suffix);
}

size_t
str_find(struct str s, char ch)
{
	const char *at = s.n == 0 ? NULL : memchr(s.p, ch, s.n);

	return at == NULL ? s.n : (size_t)(at - s.p);
}

size_t
str_search(struct str s, struct str what)
{
	const char *at;

	if (what.n == 0)
		return 0;
	if (s.n < what.n)
		return s.n;
	at = memmem(s.p, s.n, what.p, what.n);
	return at == NULL ? s.n : (size_t)(at - s.p);
}

struct str
str_sub(struct str s, size_t from, size_t n)
{
	if (from > s.n)
		from = s.n;
	if (n > s.n - from)
		n = s.n - from;
	if (s.p == NULL)
		return (struct str){ NULL, 0 };
	return (struct str){ s.p + from, n };
}

struct str
str_trim(struct str s)
{
	while (s.n > 0 && (s.p[0] == ' ' || s.p[0] == '\t'))
		s = str_sub(s, 1, s.n - 1);
	while (s.n > 0 && (s.p[s.n - 1] == ' ' || s.p[s.n - 1] == '\t'))
		s.n--;
	return s;
}

bool
str_split(struct str *rest, char sep, struct str *out)
{
	const size_t at = str_find(*rest, sep);

	if (rest->p == NULL)
		return false;
	*out = str_sub(*rest, 0, at);
	*rest = at == rest->n ? (struct str){ NULL, 0 }
			      : str_sub(*rest, at + 1, rest->n);
	return true;
}

/* Greedy with one point to go back to: linear in practice, never exponential.
 */
bool
str_glob(struct str pattern, struct str s)
{
	size_t p = 0, i = 0, star = SIZE_MAX, back = 0;

	while (i < s.n) {
		if (p < pattern.n && pattern.p[p] == '*') {
			star = p++;
			back = i;
		} else if (p < pattern.n && pattern.p[p] == s.p[i]) {
			p++;
			i++;
		} else if (star != SIZE_MAX) {
			p = star + 1;
			i = ++back;
		} else {
			return false;
		}
	}
	while (p < pattern.n && pattern.p[p] == '*')
		p++;
	return p == pattern.n;
}

enum err
str_u64(struct str s, uint64_t *out)
{
	uint64_t v = 0;

	if (s.n == 0 || s.n > 20)
		return ERR_SYNTAX;
	for (size_t i = 0; i < s.n; i++) {
		const unsigned d = (unsigned)(s.p[i] - '0');

		if (s.p[i] < '0' || s.p[i] > '9')
			return ERR_SYNTAX;
		if (v > (UINT64_MAX - d) / 10)
			return ERR_LIMIT;
		v = v * 10 + d;
	}
	*out = v;
	return OK;
}

enum { WORD_MAX = 32 };

/* Edits between two words: one row of the usual table at a time. */
unsigned
str_distance(struct str a, struct str b)
{
	unsigned row[WORD_MAX + 1];

	if (a.n > WORD_MAX || b.n > WORD_MAX)
		return STR_FAR;
	for (size_t k = 0; k <= b.n; k++)
		row[k] = (unsigned)k;
	for (size_t i = 1; i <= a.n; i++) {
		unsigned slant = row[0];

		row[0] = (unsigned)i;
		for (size_t k = 1; k <= b.n; k++) {
			const unsigned same = a.p[i - 1] == b.p[k - 1] ? 0 : 1;
			unsigned best = slant + same;

			if (row[k] + 1 < best)
				best = row[k] + 1;
			if (row[k - 1] + 1 < best)
				best = row[k - 1] + 1;
			slant = row[k];
			row[k] = best;
		}
	}
	return row[b.n] < STR_FAR ? row[b.n] : STR_FAR;
}

/* The last bytes as one word: of eight and more some again, of fewer all. */
static uint64_t
last_word(const char *p, size_t n)
{
	uint64_t w = 0;
	uint32_t head, tail;

	if (n >= 8) {
		memcpy(&w, p + n - 8, 8);
		return w;
	}
	if (n >= 4) {
		memcpy(&head, p, 4);
		memcpy(&tail, p + n - 4, 4);
		return (uint64_t)head << 32 | tail;
	}
	for (size_t i = 0; i < n; i++)
		w = w << 8 | (uint8_t)p[i];
	return w;
}

/* FNV-1a over 8-byte steps with a final mix: for tables only. */
uint64_t
hash64(struct str s, uint64_t seed)
{
	uint64_t h = seed ^ 0x9e3779b97f4a7c15U ^ s.n;
	uint64_t w;

	for (size_t i = 0; i + 8 < s.n; i += 8) {
		memcpy(&w, s.p + i, 8);
		h = (h ^ w) * 0xff51afd7ed558ccdU;
		h ^= h >> 32;
	}
	h = (h ^ last_word(s.p, s.n)) * 0xff51afd7ed558ccdU;
	h ^= h >> 33;
	h *= 0xc4ceb9fe1a85ec53U;
	return h ^ h >> 33;
}
