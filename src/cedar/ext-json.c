/*
 * ext-json: extension values from what JSON and its schemas write: numbers, and
 * the date-time and duration of RFC 3339, which Cedar's own constructors do not
 * take as they stand.  Exactly or not at all.
 */
#include "cedar/ext.h"

/* ---- numbers ---- */

enum { DECIMALS = 4, EXPONENT_MAX = 10000 };

/* Digits of a number: value = below zero times ten to the power of ten. */
struct digits {
	int64_t below; /* at or below zero, as ext_minus has it */
	int64_t ten;
	size_t zeros; /* that were seen and may be at the end */
};

/* false: too many for exact. */
static bool
digit(struct digits *d, char ch)
{
	if (ch == '0') {
		d->zeros++;
		return true;
	}
	for (size_t i = 0; i < d->zeros && d->below != 0; i++)
		if (__builtin_mul_overflow(d->below, 10, &d->below))
			return false;
	d->zeros = 0;
	return !__builtin_mul_overflow(d->below, 10, &d->below) &&
	       !__builtin_sub_overflow(d->below, ch - '0', &d->below);
}

/* Digits from *at on, which moves behind them; false: none, or too many. */
static bool
digits(struct str s, size_t *at, struct digits *d)
{
	const size_t from = *at;

	for (; *at < s.n && s.p[*at] >= '0' && s.p[*at] <= '9'; (*at)++)
		if (!digit(d, s.p[*at]))
			return false;
	return *at > from;
}

static bool
exponent(struct str s, int64_t *out)
{
	const bool minus = s.n > 0 && s.p[0] == '-';
	const bool sign = minus || (s.n > 0 && s.p[0] == '+');
	const struct str e = str_sub(s, sign ? 1 : 0, s.n);
	int64_t v;

	if (!ext_digits(e))
		return false;
	if (!ext_minus(e, &v) || v < -EXPONENT_MAX)
		v = -EXPONENT_MAX; /* nothing but zero is exact there */
	*out = minus ? v : -v;
	return true;
}

struct cedar_value
cedar_decimal_of_number(struct str s)
{
	const struct cedar_value none = { 0 };
	const bool minus = s.n > 0 && s.p[0] == '-';
	size_t at = minus ? 1 : 0, point;
	struct digits d = { 0 };
	int64_t e = 0, v;

	if (!digits(s, &at, &d))
		return none;
	if (at < s.n && s.p[at] == '.') {
		point = ++at;
		if (!digits(s, &at, &d))
			return none;
		d.ten -= (int64_t)(at - point);
	}
	if (at < s.n && ((s.p[at] != 'e' && s.p[at] != 'E') ||
			    !exponent(str_sub(s, at + 1, s.n), &e)))
		return none;
	d.ten += (int64_t)d.zeros + e + DECIMALS;
	if (d.below == 0)
		return cedar_decimal(0);
	for (; d.ten > 0; d.ten--)
		if (__builtin_mul_overflow(d.below, 10, &d.below))
			return none;
	return d.ten == 0 && ext_sign(minus, d.below, &v) ? cedar_decimal(v)
							  : none;
}

/* ---- RFC 3339 ---- */

/* .SSS of what may have more digits, if these are zeros; *at moves on. */
static bool
fraction(struct str s, size_t *at, char out[static 4])
{
	size_t n = 0;

	out[0] = '.';
	for (; *at < s.n && s.p[*at] >= '0' && s.p[*at] <= '9'; n++, (*at)++)
		if (n < 3)
			out[1 + n] = s.p[*at];
		else if (s.p[*at] != '0')
			return false;
	for (size_t i = n; i < 3; i++)
		out[1 + i] = '0';
	return n > 0;
}

/* Into the form that Cedar's datetime() takes. */
struct cedar_value
cedar_datetime_of_rfc3339(struct str s)
{
	const struct cedar_value none = { 0 };
	enum { CLOCK = 19 }; /* of 2024-05-06T07:08:09 */
	char text[32];
	size_t at = CLOCK, n = CLOCK;
	struct str zone;

	if (s.n <= CLOCK || (s.p[10] != 'T' && s.p[10] != 't'))
		return none;
	memcpy(text, s.p, CLOCK);
	text[10] = 'T';
	if (s.p[at] == '.') {
		at++;
		if (!fraction(s, &at, &text[n]))
			return none;
		n += 4;
	}
	zone = str_sub(s, at, s.n);
	if (str_ieq(zone, STR("z"))) {
		text[n++] = 'Z';
	} else if (zone.n == 6 && zone.p[3] == ':') {
		memcpy(&text[n], zone.p, 3);
		memcpy(&text[n + 3], zone.p + 4, 2);
		n += 5;
	} else {
		return none;
	}
	return cedar_datetime_of((struct str){ text, n });
}

struct part {
	char unit;
	bool clock; /* after T */
	int64_t ms;
};
static const struct part parts[] = { { 'W', false, INT64_C(7) * EXT_DAY },
	{ 'D', false, EXT_DAY }, { 'H', true, 3600 * 1000 },
	{ 'M', true, 60 * 1000 }, { 'S', true, 1000 } };

/* The part of that unit after part number from; countof: none. */
static size_t
part_at(char unit, bool clock, size_t from)
{
	for (size_t i = from; i < countof(parts); i++)
		if (parts[i].unit == unit && parts[i].clock == clock)
			return i;
	return countof(parts);
}

struct cedar_value
cedar_duration_of_rfc3339(struct str s)
{
	const struct cedar_value none = { 0 };
	size_t at = 1, from = 0;
	bool clock = false;
	int64_t below = 0, v;

	if (s.n < 3 || s.p[0] != 'P')
		return none;
	while (at < s.n) {
		size_t n, p;

		if (!clock && s.p[at] == 'T') {
			clock = true;
			at++;
		}
		for (n = at; n < s.n && s.p[n] >= '0' && s.p[n] <= '9';)
			n++;
		p = n == s.n ? countof(parts) : part_at(s.p[n], clock, from);
		if (p == countof(parts) ||
		    !ext_minus((struct str){ s.p + at, n - at }, &v) ||
		    __builtin_mul_overflow(v, parts[p].ms, &v) ||
		    __builtin_add_overflow(below, v, &below))
			return none;
		from = p == 0 ? countof(parts) : p + 1; /* weeks are alone */
		at = n + 1;
	}
	return ext_sign(false, below, &v) ? cedar_duration(v) : none;
}
