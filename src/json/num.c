/*
 * num: number lexemes.  A lexeme stays text; this file reads it as a decimal
 * when somebody needs an integer or JCS, and never rounds in silence.
 */
#include "json/json-in.h"

#include <math.h>

static inline bool
digit(const uint8_t *p, const uint8_t *end)
{
	return p < end && (uint8_t)(*p - '0') <= 9;
}

static inline const uint8_t *
digits(const uint8_t *p, const uint8_t *end)
{
	while (digit(p, end))
		p++;
	return p;
}

const uint8_t *
num_end(const uint8_t *p, const uint8_t *end)
{
	if (p < end && *p == '-')
		p++;
	if (!digit(p, end))
		return NULL;
	p = *p == '0' ? p + 1 : digits(p, end);
	if (p < end && *p == '.') {
		if (!digit(++p, end))
			return NULL;
		p = digits(p, end);
	}
	if (p < end && (*p | 0x20) == 'e') {
		p++;
		if (p < end && (*p == '+' || *p == '-'))
			p++;
		if (!digit(p, end))
			return NULL;
		p = digits(p, end);
	}
	return p;
}

bool
num_ok(const uint8_t *p, size_t n)
{
	return n > 0 && num_end(p, p + n) == p + n;
}

/* Saturates far above any count of digits a text can hold. */
enum { EXP_MAX = 1000000000 };
_Static_assert(
    (int)EXP_MAX > (int)JSON_TEXT_MAX, "a saturated exponent must decide");

static int64_t
exponent(struct str s)
{
	const bool neg = s.n > 0 && s.p[0] == '-';
	int64_t v = 0;

	for (size_t i = 0; i < s.n; i++)
		if (s.p[i] >= '0' && s.p[i] <= '9' && v < 2LL * EXP_MAX)
			v = v * 10 + (s.p[i] - '0');
	return neg ? -v : v;
}

static void
dec_digit(struct dec *d, char c)
{
	if (d->n < DEC_DIGITS)
		d->d[d->n++] = c;
	else if (c != '0')
		d->more = true;
}

void
dec_read(struct str lexeme, struct dec *out)
{
	struct dec d = { .neg = lexeme.p[0] == '-' };
	bool fraction = false;

	for (size_t i = d.neg; i < lexeme.n; i++) {
		const char c = lexeme.p[i];

		if (c == '.') {
			fraction = true;
		} else if (c == 'e' || c == 'E') {
			d.point += exponent(
			    (struct str){ lexeme.p + i + 1, lexeme.n - i - 1 });
			break;
		} else if (d.n == 0 && c == '0') {
			d.point -= fraction;
		} else {
			dec_digit(&d, c);
			d.point += !fraction;
		}
	}
	while (!d.more && d.n > 0 && d.d[d.n - 1] == '0')
		d.n--;
	if (d.n == 0)
		d.point = 0;
	*out = d;
}

/* Through the text "ddd...e-12", which no locale changes. */
static double
dec_double(const struct dec *d)
{
	char t[DEC_DIGITS + 8];
	int64_t e = d->point - d->n;
	size_t n = 0;

	if (d->n == 0 || e < -500 || e > 500)
		return d->n == 0 || e < 0 ? 0.0 : HUGE_VAL;
	if (d->neg)
		t[n++] = '-';
	memcpy(t + n, d->d, d->n);
	n += d->n;
	t[n++] = 'e';
	if (e < 0)
		t[n++] = '-';
	e = e < 0 ? -e : e;
	t[n++] = (char)('0' + e / 100);
	t[n++] = (char)('0' + e / 10 % 10);
	t[n++] = (char)('0' + e % 10);
	t[n] = '\0';
	return strtod(t, NULL);
}

/* x, not 0, rounded correctly to n digits, trailing zeros dropped. */
static void
dec_round(double x, unsigned n, struct dec *out)
{
	struct dec d = { .neg = signbit(x) };
	char t[DEC_DIGITS + 32];
	size_t i;

	(void)snprintf(t, sizeof(t), "%.*e", (int)n - 1, fabs(x));
	for (i = 0; t[i] != 'e'; i++)
		if (t[i] >= '0' && t[i] <= '9')
			dec_digit(&d, t[i]);
	d.point = strtol(t + i + 1, NULL, 10) + 1;
	while (d.n > 1 && d.d[d.n - 1] == '0')
		d.n--;
	*out = d;
}

/* One unit more in the n-th digit. */
static void
dec_up(struct dec *d, unsigned n)
{
	while (d->n < n)
		d->d[d->n++] = '0';
	while (d->n > 0 && d->d[d->n - 1] == '9')
		d->n--;
	if (d->n > 0) {
		d->d[d->n - 1]++;
	} else {
		d->d[d->n++] = '1';
		d->point++;
	}
}

/* x rounded to n digits, from what it is at 17: only a 5 that 17 digits may
 * have made themselves needs a second look at x. */
static void
dec_cut(double x, const struct dec *d17, unsigned n, struct dec *out)
{
	struct dec d = *d17;

	if (n < d.n && d.d[n] == '5' && d.n == n + 1) {
		dec_round(x, n, out);
		return;
	}
	if (n < d.n) {
		d.n = n;
		if (d17->d[n] >= '5')
			dec_up(&d, n);
		while (d.n > 1 && d.d[d.n - 1] == '0')
			d.n--;
	}
	*out = d;
}

/*
 * Does a decimal of n digits read back as x?  The nearest does if any does;
 * but below a power of two doubles lie half as far apart as above it, and there
 * the nearest may miss while the one above it reads back.
 */
static bool
dec_reads_back(double x, const struct dec *d17, unsigned n, struct dec *out)
{
	struct dec d;
	int exp;

	dec_cut(x, d17, n, &d);
	if (dec_double(&d) - x != 0) {
		if (fabs(frexp(x, &exp)) - 0.5 != 0)
			return false;
		dec_up(&d, n);
		if (dec_double(&d) - x != 0)
			return false;
	}
	*out = d;
	return true;
}

/*
 * More digits never stop reading back, so the least number is found by
 * halving.  With 15 digits or fewer two decimals never share a normal double:
 * what reads back at 15 is the shortest once its zeros are gone.
 */
void
dec_shortest(double x, struct dec *out)
{
	unsigned lo = isnormal(x) ? 15 : 1, hi = 17;
	struct dec d17;

	if (fpclassify(x) == FP_ZERO) {
		*out = (struct dec){ .neg = signbit(x) };
		return;
	}
	dec_round(x, 17, &d17);
	*out = d17;
	while (lo < hi) {
		const unsigned mid = (lo + hi) / 2;

		if (dec_reads_back(x, &d17, mid, out))
			hi = mid;
		else
			lo = mid + 1;
	}
}

static bool
dec_same(const struct dec *a, const struct dec *b)
{
	return a->n == b->n && a->point == b->point && a->neg == b->neg &&
	       memcmp(a->d, b->d, a->n) == 0;
}

static size_t
zeros(char *out, int64_t n)
{
	if (n <= 0)
		return 0;
	memset(out, '0', (size_t)n);
	return (size_t)n;
}

static size_t
chars(char *out, const char *p, size_t n)
{
	memcpy(out, p, n);
	return n;
}

size_t
dec_text(const struct dec *d, char *out)
{
	const int64_t n = d->n, point = d->point;
	size_t o = 0;

	if (n == 0)
		return chars(out, "0", 1);
	if (d->neg)
		out[o++] = '-';
	if (point > 21 || point <= -6) {
		out[o++] = d->d[0];
		if (n > 1) {
			out[o++] = '.';
			o += chars(out + o, d->d + 1, (size_t)n - 1);
		}
		return o + (size_t)snprintf(
			       out + o, NUM_TEXT - o, "e%+d", (int)point - 1);
	}
	if (point <= 0) {
		o += chars(out + o, "0.", 2);
		o += zeros(out + o, -point);
		return o + chars(out + o, d->d, (size_t)n);
	}
	if (n <= point) {
		o += chars(out + o, d->d, (size_t)n);
		return o + zeros(out + o, point - n);
	}
	o += chars(out + o, d->d, (size_t)point);
	out[o++] = '.';
	return o + chars(out + o, d->d + point, (size_t)(n - point));
}

/*
 * May the double stand for this decimal?  Yes when the text JCS writes for it
 * has the decimal's own value.  Also for a fraction of at most 17 digits, as
 * many as it takes to name any double: who writes so many means the double
 * (the RFC's own example is 333333333.33333329).  Not where doubles thin out
 * towards zero, and never for an integer, whose digits are somebody's id.
 */
static bool
dec_stands(const struct dec *d, double x, const struct dec *shortest)
{
	if (dec_same(d, shortest))
		return true;
	return d->n <= 17 && d->point < (int64_t)d->n && isnormal(x);
}

enum err
num_jcs(struct str lexeme, char *out, size_t *n)
{
	struct dec d, s;
	double x;

	dec_read(lexeme, &d);
	if (d.n > 15 || d.point < -300 || d.point > 300) {
		if (d.more || d.n > 17)
			return ERR_LIMIT;
		x = dec_double(&d);
		if (!isfinite(x) || fpclassify(x) == FP_ZERO)
			return ERR_LIMIT;
		dec_shortest(x, &s);
		if (!dec_stands(&d, x, &s))
			return ERR_LIMIT;
		d = s;
	}
	*n = dec_text(&d, out);
	return OK;
}

/* As integers are mostly written: digits that fit whatever they are. */
static bool
plain(struct str s, int64_t *out)
{
	const bool neg = s.n > 1 && s.p[0] == '-';
	int64_t i = 0;

	if (s.n == 0 || s.n > 18 || (s.p[neg] == '0' && s.n > 1))
		return false;
	for (size_t k = neg; k < s.n; k++) {
		if (s.p[k] < '0' || s.p[k] > '9')
			return false;
		i = i * 10 + (s.p[k] - '0');
	}
	*out = neg ? -i : i;
	return true;
}

enum err
jv_i64(struct jv v, int64_t *out)
{
	const struct str s = jv_str(v);
	struct dec d;
	uint64_t u = 0;

	if (jv_is(v, J_NUM) && plain(s, out))
		return OK;
	if (!jv_is(v, J_NUM) || !num_ok((const uint8_t *)s.p, s.n))
		return ERR_SYNTAX;
	dec_read(s, &d);
	if (d.more || d.point < (int64_t)d.n || d.point > 19)
		return ERR_LIMIT;
	for (int64_t i = 0; i < d.point; i++)
		u = u * 10 + (i < d.n ? (unsigned)(d.d[i] - '0') : 0);
	if (u > (uint64_t)INT64_MAX + d.neg)
		return ERR_LIMIT;
	*out = d.neg ? (int64_t)(0 - u) : (int64_t)u;
	return OK;
}
