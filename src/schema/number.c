/*
 * number: decimals of any length, compared and divided exactly on their text.
 * Time is the length of the text; nothing is rounded and nothing allocated.
 */
#include "schema/schema-in.h"

/* Beyond this an exponent is not read: no text is long enough to matter. */
#define EXPONENT_MAX INT64_C(1000000000000000)

static bool
is_digit(char c)
{
	return c >= '0' && c <= '9';
}

static bool
exponent(const char *p, const char *end, int64_t *out)
{
	const bool neg = p < end && *p == '-';
	int64_t v = 0;

	for (; p < end; p++) {
		if (!is_digit(*p))
			continue;
		v = v * 10 + (*p - '0');
		if (v >= EXPONENT_MAX)
			return false;
	}
	*out = neg ? -v : v;
	return true;
}

bool
number_read(struct str lexeme, struct number *out)
{
	const char *p = lexeme.p, *const end = lexeme.p + lexeme.n;
	struct number d = { .neg = lexeme.n > 0 && p[0] == '-' };
	bool fraction = false;
	size_t zeros = 0; /* after the last digit that is none */
	int64_t e;

	for (p += d.neg; p < end && *p != 'e' && *p != 'E'; p++) {
		if (*p == '.') {
			fraction = true;
			continue;
		}
		if (d.n == 0 && *p == '0') {
			d.point -= fraction;
			continue;
		}
		if (d.n == 0)
			d.p = p;
		d.point += !fraction;
		d.n++;
		zeros = *p == '0' ? zeros + 1 : 0;
		if (*p != '0')
			d.end = p + 1;
	}
	if (p < end) {
		if (!exponent(p + 1, end, &e))
			return false;
		d.point += e;
	}
	d.n -= zeros;
	if (d.n == 0)
		d = (struct number){ 0 };
	*out = d;
	return true;
}

/* The next digit; 0 behind the last. */
static int
digit(const char **p, const char *end)
{
	if (*p < end && **p == '.')
		++*p;
	return *p < end ? *(*p)++ - '0' : 0;
}

/* Of magnitudes. */
static int
compare(const struct number *a, const struct number *b)
{
	const size_t n = a->n > b->n ? a->n : b->n;
	const char *p = a->p, *q = b->p;

	if (a->n == 0 || b->n == 0)
		return (a->n != 0) - (b->n != 0);
	if (a->point != b->point)
		return a->point < b->point ? -1 : 1;
	for (size_t i = 0; i < n; i++) {
		const int x = digit(&p, a->end), y = digit(&q, b->end);

		if (x != y)
			return x < y ? -1 : 1;
	}
	return 0;
}

int
number_cmp(const struct number *a, const struct number *b)
{
	if (a->neg != b->neg)
		return a->neg ? -1 : 1;
	return a->neg ? compare(b, a) : compare(a, b);
}

bool
number_is_integer(const struct number *a)
{
	return a->n == 0 || a->point >= (int64_t)a->n;
}

__extension__ typedef unsigned __int128 u128;

static uint64_t
times(uint64_t a, uint64_t b, uint64_t mod)
{
	return (uint64_t)((u128)a * b % mod);
}

/* (digits of a) x 10^shift modulo mod. */
static uint64_t
rest(const struct number *a, int64_t shift, uint64_t mod)
{
	const char *p = a->p;
	uint64_t r = 0, ten = 10 % mod;

	for (size_t i = 0; i < a->n; i++)
		r = (r * 10 + (unsigned)digit(&p, a->end)) % mod;
	for (; shift > 0; shift /= 2) {
		if (shift % 2 == 1)
			r = times(r, ten, mod);
		ten = times(ten, ten, mod);
	}
	return r;
}

/*
 * a = A x 10^i and b = B x 10^k, neither A nor B with a zero at its end.  For
 * i < k, B x 10^(k-i) ends in a zero, and no multiple of it is A.
 */
bool
number_is_multiple(const struct number *a, const struct number *b)
{
	const int64_t i = a->point - (int64_t)a->n;
	const int64_t k = b->point - (int64_t)b->n;
	const char *p = b->p;
	uint64_t mod = 0;

	if (a->n == 0)
		return true;
	if (i < k)
		return false;
	for (size_t n = 0; n < b->n; n++)
		mod = mod * 10 + (unsigned)digit(&p, b->end);
	BUG_ON(mod == 0);
	return rest(a, i - k, mod) == 0;
}

uint32_t
number_hash(const struct number *a)
{
	uint64_t h = (uint64_t)a->point * 2 + a->neg;
	const char *p = a->p;

	for (size_t i = 0; i < a->n; i++)
		h = (h ^ (unsigned)digit(&p, a->end)) * 0x100000001b3ULL;
	return (uint32_t)(h ^ h >> 32);
}
