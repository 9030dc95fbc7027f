/*
 * amount.c: money, sizes and counts, exactly.  A value that the unit cannot
 * hold without rounding is refused: rounding could cross a limit.
 */
#include "facts/facts-in.h"

/* A decimal number as its digits and how many of them follow the point. */
struct decimal {
	int64_t digits;
	int scale;
};

static bool
add_digit(struct decimal *d, char ch)
{
	return !__builtin_mul_overflow(d->digits, 10, &d->digits) &&
	       !__builtin_add_overflow(d->digits, ch - '0', &d->digits);
}

/* -12.340: digits, a point, digits; no exponent, no separators. */
static bool
decimal_read(struct str s, struct decimal *out)
{
	const bool minus = s.n && s.p[0] == '-';
	struct decimal d = { 0, 0 };
	bool point = false, any = false;

	for (size_t i = minus; i < s.n; i++) {
		if (s.p[i] == '.' && !point && any) {
			point = true;
			any = false;
			continue;
		}
		if (!is_digit(s.p[i]) || !add_digit(&d, s.p[i]))
			return false;
		any = true;
		d.scale += point;
	}
	while (d.scale > 0 && d.digits % 10 == 0) { /* 1.50 is 1.5 */
		d.digits /= 10;
		d.scale--;
	}
	d.digits = minus ? -d.digits : d.digits;
	*out = d;
	return any;
}

static bool
scaled(const struct decimal *d, int places, int64_t *out)
{
	int64_t v = d->digits;

	if (d->scale > places)
		return false;
	for (int i = d->scale; i < places; i++)
		if (__builtin_mul_overflow(v, 10, &v))
			return false;
	*out = v;
	return true;
}

/* --- money --------------------------------------------------------------- */

static const struct sign {
	struct str sign;
	struct str code;
} signs[] = {
	{ STR_INIT("$"), STR_INIT("USD") },
	{ STR_INIT("\xe2\x82\xac"), STR_INIT("EUR") },
	{ STR_INIT("\xc2\xa3"), STR_INIT("GBP") },
	{ STR_INIT("\xc2\xa5"), STR_INIT("JPY") },
	{ STR_INIT("\xe2\x82\xb9"), STR_INIT("INR") },
};
/* ISO 4217: whose smallest unit is not a hundredth. */
static const struct minor {
	struct str code;
	int places;
} minors[] = {
	{ STR_INIT("BIF"), 0 },
	{ STR_INIT("CLP"), 0 },
	{ STR_INIT("DJF"), 0 },
	{ STR_INIT("GNF"), 0 },
	{ STR_INIT("ISK"), 0 },
	{ STR_INIT("JPY"), 0 },
	{ STR_INIT("KMF"), 0 },
	{ STR_INIT("KRW"), 0 },
	{ STR_INIT("PYG"), 0 },
	{ STR_INIT("RWF"), 0 },
	{ STR_INIT("UGX"), 0 },
	{ STR_INIT("UYI"), 0 },
	{ STR_INIT("VND"), 0 },
	{ STR_INIT("VUV"), 0 },
	{ STR_INIT("XAF"), 0 },
	{ STR_INIT("XOF"), 0 },
	{ STR_INIT("XPF"), 0 },
	{ STR_INIT("BHD"), 3 },
	{ STR_INIT("IQD"), 3 },
	{ STR_INIT("JOD"), 3 },
	{ STR_INIT("KWD"), 3 },
	{ STR_INIT("LYD"), 3 },
	{ STR_INIT("OMR"), 3 },
	{ STR_INIT("TND"), 3 },
	{ STR_INIT("CLF"), 4 },
	{ STR_INIT("UYW"), 4 },
};

static bool
is_code(struct str s)
{
	return s.n == 3 && is_alpha(s.p[0]) && is_alpha(s.p[1]) &&
	       is_alpha(s.p[2]);
}

/* Takes a sign or a code off either end of *s. */
static struct str
currency(struct reading *r, struct str *s)
{
	for (size_t i = 0; i < countof(signs); i++)
		if (str_starts(*s, signs[i].sign)) {
			*s = str_sub(*s, signs[i].sign.n, s->n);
			return signs[i].code;
		}
	if (s->n > 3 && is_code(str_sub(*s, 0, 3))) {
		const struct str code = str_sub(*s, 0, 3);

		*s = str_sub(*s, 3, s->n);
		return upper(r->a, code);
	}
	if (s->n > 3 && is_code(str_sub(*s, s->n - 3, 3))) {
		const struct str code = str_sub(*s, s->n - 3, 3);

		s->n -= 3;
		return upper(r->a, code);
	}
	return STR("");
}

enum err
read_money(struct reading *r)
{
	struct str s = str_trim(r->text);
	const struct str code = currency(r, &s);
	struct decimal d;
	int64_t minor;
	int places = 2;

	for (size_t i = 0; i < countof(minors); i++)
		if (str_eq(minors[i].code, code))
			places = minors[i].places;
	if (!decimal_read(str_trim(s), &d))
		return no(r, "an amount is digits with at most one point");
	if (!scaled(&d, places, &minor))
		return no(r,
		    "more than %d decimals, or too large: the amount "
		    "cannot be held exactly",
		    places);
	put_long(r, STR("minor"), minor);
	put_text(r, STR("currency"), code);
	return OK;
}

/* --- sizes and counts ------------------------------------------------------
 */

static const struct unit {
	struct str name;
	int64_t bytes;
} units[] = {
	{ STR_INIT(""), 1 },
	{ STR_INIT("b"), 1 },
	{ STR_INIT("bytes"), 1 },
	{ STR_INIT("k"), 1024 }, /* of k and KiB the larger reading */
	{ STR_INIT("kb"), 1024 },
	{ STR_INIT("kib"), 1024 },
	{ STR_INIT("m"), 1 << 20 },
	{ STR_INIT("mb"), 1 << 20 },
	{ STR_INIT("mib"), 1 << 20 },
	{ STR_INIT("g"), 1 << 30 },
	{ STR_INIT("gb"), 1 << 30 },
	{ STR_INIT("gib"), 1 << 30 },
	{ STR_INIT("t"), (int64_t)1 << 40 },
	{ STR_INIT("tb"), (int64_t)1 << 40 },
	{ STR_INIT("tib"), (int64_t)1 << 40 },
};

enum err
read_size(struct reading *r)
{
	struct str s = str_trim(r->text), unit;
	struct decimal d;
	int64_t v;
	size_t at = 0;

	while (at < s.n && (is_digit(s.p[at]) || s.p[at] == '.'))
		at++;
	unit = str_trim(str_sub(s, at, s.n));
	if (!decimal_read(str_sub(s, 0, at), &d))
		return no(r, "a size is a number and a unit, as in 10 MB");
	for (size_t i = 0; i < countof(units); i++) {
		if (!str_ieq(units[i].name, unit))
			continue;
		if (__builtin_mul_overflow(d.digits, units[i].bytes, &v))
			return no(r, "a size beyond 63 bits");
		for (; d.scale > 0; d.scale--) /* up: never less than meant */
			v = v / 10 + (v % 10 != 0);
		put_long(r, STR("bytes"), v);
		return OK;
	}
	return no(r, "'%.*s' is no unit of size", (int)(unit.n & 31), unit.p);
}

static int64_t
characters(struct str s)
{
	int64_t n = 0;

	for (size_t i = 0; i < s.n; i++)
		n += (s.p[i] & 0xc0) != 0x80;
	return n;
}

enum err
read_count(struct reading *r)
{
	struct decimal d;
	int64_t n;

	if (r->v->of == FACT_OF_LIST) {
		put_long(r, STR("n"), (int64_t)r->v->count);
		return OK;
	}
	if (r->v->of == FACT_OF_TEXT) {
		put_long(r, STR("n"), characters(r->text));
		return OK;
	}
	if (!decimal_read(r->text, &d) || !scaled(&d, 0, &n))
		return no(r, "a count is a whole number of at most 63 bits");
	put_long(r, STR("n"), n);
	return OK;
}
