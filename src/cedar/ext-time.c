/*
 * ext-time: what the texts of datetime and duration mean.  A datetime is a
 * count of milliseconds of the proleptic Gregorian calendar without leap
 * seconds; it knows no time zone once it is read.
 */
#include "cedar/ext.h"

/* ---- datetime ---- */

/* n digits at *at, which moves on. */
static bool
field(struct str s, size_t *at, size_t n, int *out)
{
	int v = 0;

	if (s.n - *at < n || !ext_digits(str_sub(s, *at, n)))
		return false;
	for (size_t i = 0; i < n; i++)
		v = v * 10 + (s.p[*at + i] - '0');
	*at += n;
	*out = v;
	return true;
}

static bool
mark(struct str s, size_t *at, char ch)
{
	if (*at >= s.n || s.p[*at] != ch)
		return false;
	(*at)++;
	return true;
}

static int
days_of_month(int year, int month)
{
	static const int days[] = { 31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30,
		31 };
	const bool leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);

	return days[month - 1] + (month == 2 && leap);
}

/* Days from 1970-01-01; years begin in March so that leap days come last. */
static int64_t
days_since_1970(int year, int month, int day)
{
	const int y = month <= 2 ? year - 1 : year;
	const int era = (y >= 0 ? y : y - 399) / 400;
	const int of_era = y - era * 400;
	const int of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;

	return (int64_t)era * 146097 + of_era * 365 + of_era / 4 -
	       of_era / 100 + of_year - 719468;
}

static bool
read_date(struct str s, size_t *at, int64_t *ms)
{
	int y, m, d;

	if (!field(s, at, 4, &y) || !mark(s, at, '-') || !field(s, at, 2, &m) ||
	    !mark(s, at, '-') || !field(s, at, 2, &d))
		return false;
	if (m < 1 || m > 12 || d < 1 || d > days_of_month(y, m))
		return false;
	*ms = days_since_1970(y, m, d) * EXT_DAY;
	return true;
}

/* Thh:mm:ss[.SSS] */
static bool
read_clock(struct str s, size_t *at, int64_t *ms)
{
	int h, m, sec, milli = 0;

	if (!mark(s, at, 'T') || !field(s, at, 2, &h) || !mark(s, at, ':') ||
	    !field(s, at, 2, &m) || !mark(s, at, ':') ||
	    !field(s, at, 2, &sec) || h > 23 || m > 59 || sec > 59)
		return false;
	if (mark(s, at, '.') && !field(s, at, 3, &milli))
		return false;
	*ms += ((h * 60 + m) * 60 + sec) * INT64_C(1000) + milli;
	return true;
}

/* Z, +hhmm or -hhmm: how far the clock is ahead. */
static bool
read_offset(struct str s, size_t *at, int64_t *ms)
{
	bool east;
	int h, m;

	if (mark(s, at, 'Z'))
		return true;
	east = mark(s, at, '+');
	if (!east && !mark(s, at, '-'))
		return false;
	if (!field(s, at, 2, &h) || !field(s, at, 2, &m) || h > 23 || m > 59)
		return false;
	*ms += (east ? -1 : 1) * (h * 60 + m) * INT64_C(60000);
	return true;
}

struct cedar_value
cedar_datetime_of(struct str s)
{
	const struct cedar_value none = { 0 };
	size_t at = 0;
	int64_t ms;

	if (!read_date(s, &at, &ms))
		return none;
	if (at == s.n)
		return cedar_datetime(ms);
	if (!read_clock(s, &at, &ms) || !read_offset(s, &at, &ms) || at != s.n)
		return none;
	return cedar_datetime(ms);
}

bool
ext_midnight(int64_t ms, int64_t *out)
{
	return !__builtin_sub_overflow(ms, ext_since_midnight(ms), out);
}

int64_t
ext_since_midnight(int64_t ms)
{
	const int64_t rest = ms % EXT_DAY;

	return rest < 0 ? rest + EXT_DAY : rest;
}

/* ---- duration ---- */
struct unit {
	struct str name;
	int64_t ms;
};
static const struct unit units[] = {
	/* in the order that texts must have */
	{ STR_INIT("d"), EXT_DAY },
	{ STR_INIT("h"), 60 * 60 * 1000 },
	{ STR_INIT("m"), 60 * 1000 },
	{ STR_INIT("s"), 1000 },
	{ STR_INIT("ms"), 1 },
};

/* The unit at the start of s, no earlier than from; countof: none. */
static size_t
unit_at(struct str s, size_t from)
{
	for (size_t i = from; i < countof(units); i++)
		if (str_starts(s, units[i].name) &&
		    !(i == 2 && str_starts(s, STR("ms"))))
			return i;
	return countof(units);
}

struct cedar_value
cedar_duration_of(struct str s)
{
	const struct cedar_value none = { 0 };
	const bool minus = s.n > 0 && s.p[0] == '-';
	struct str rest = str_sub(s, minus ? 1 : 0, s.n);
	size_t from = 0;
	int64_t sum = 0, v;

	if (rest.n == 0)
		return none;
	while (rest.n > 0) {
		size_t n = 0, u;

		while (n < rest.n && rest.p[n] >= '0' && rest.p[n] <= '9')
			n++;
		u = unit_at(str_sub(rest, n, rest.n), from);
		if (u == countof(units) ||
		    !ext_minus(str_sub(rest, 0, n), &v) ||
		    __builtin_mul_overflow(v, units[u].ms, &v) ||
		    __builtin_add_overflow(sum, v, &sum))
			return none;
		from = u + 1;
		n += units[u].name.n;
		rest = str_sub(rest, n, rest.n);
	}
	return ext_sign(minus, sum, &v) ? cedar_duration(v) : none;
}
