/* format: is a string what its format says?  RFC 3339 for times and durations,
 * 5321 for mail, 1123 for hosts, 4122, 6901, and ECMA-262. */
#include "schema/format-in.h"

size_t
eat_digits(struct str *s, size_t most, unsigned *value)
{
	size_t n = 0;

	*value = 0;
	while (n < most && n < s->n && is_digit(s->p[n]))
		*value = *value % 100000000 * 10 + (unsigned)(s->p[n++] - '0');
	*s = str_sub(*s, n, s->n);
	return n;
}

/* ---- times ---- */

static bool
eat_date(struct str *s)
{
	static const unsigned days[] = { 31, 29, 31, 30, 31, 30, 31, 31, 30, 31,
		30, 31 };
	unsigned y, m, d;

	if (eat_digits(s, 4, &y) != 4 || !eats(s, '-') ||
	    eat_digits(s, 2, &m) != 2 || !eats(s, '-') ||
	    eat_digits(s, 2, &d) != 2 || m < 1 || m > 12 || d < 1 ||
	    d > days[m - 1])
		return false;
	return m != 2 || d < 29 ||
	       (y % 4 == 0 && (y % 100 != 0 || y % 400 == 0));
}

/* Minutes east of Greenwich. */
static bool
eat_offset(struct str *s, int *minutes)
{
	const bool west = s->n > 0 && s->p[0] == '-';
	unsigned h, m;

	*minutes = 0;
	if (eats(s, 'Z') || eats(s, 'z'))
		return true;
	if ((!eats(s, '+') && !eats(s, '-')) || eat_digits(s, 2, &h) != 2 ||
	    !eats(s, ':') || eat_digits(s, 2, &m) != 2 || h > 23 || m > 59)
		return false;
	*minutes = (int)(h * 60 + m) * (west ? -1 : 1);
	return true;
}

/* A leap second is the last of a day of Greenwich. */
static bool
eat_time(struct str *s)
{
	unsigned h, m, sec, fraction;
	int east, utc;

	if (eat_digits(s, 2, &h) != 2 || !eats(s, ':') ||
	    eat_digits(s, 2, &m) != 2 || !eats(s, ':') ||
	    eat_digits(s, 2, &sec) != 2 || h > 23 || m > 59 || sec > 60)
		return false;
	if (eats(s, '.') && eat_digits(s, SIZE_MAX, &fraction) == 0)
		return false;
	if (!eat_offset(s, &east))
		return false;
	utc = ((int)(h * 60 + m) - east + 2 * 1440) % 1440;
	return sec < 60 || utc == 1439;
}

static bool
is_date(struct str s)
{
	return eat_date(&s) && s.n == 0;
}

static bool
is_time(struct str s)
{
	return eat_time(&s) && s.n == 0;
}

static bool
is_date_time(struct str s)
{
	return eat_date(&s) && (eats(&s, 'T') || eats(&s, 't')) &&
	       eat_time(&s) && s.n == 0;
}

/* Numbers with these units, each followed by the next one or none. */
static bool
eat_units(struct str *s, const char *units)
{
	const char *next = units;
	unsigned v;
	bool any = false;

	while (s->n > 0 && is_digit(s->p[0])) {
		const char *at;

		(void)eat_digits(s, SIZE_MAX, &v);
		at = s->n > 0 && s->p[0] != 'T' ? strchr(next, s->p[0]) : NULL;
		if (at == NULL || *at == '\0' || (any && at != next))
			return false;
		next = at + 1;
		any = true;
		*s = str_sub(*s, 1, s->n);
	}
	return any;
}

static bool
is_duration(struct str s)
{
	struct str week = s;
	bool any;

	if (!eats(&s, 'P'))
		return false;
	week = s;
	if (eat_units(&week, "W") && week.n == 0)
		return true;
	any = s.n > 0 && s.p[0] != 'T';
	if (any && !eat_units(&s, "YMD"))
		return false;
	if (eats(&s, 'T'))
		return eat_units(&s, "HMS") && s.n == 0;
	return any && s.n == 0;
}

/* ---- hosts and mail ---- */

bool
is_ipv4(struct str s)
{
	for (int i = 0; i < 4; i++) {
		const char *first;
		unsigned v;
		size_t n;

		if (i > 0 && !eats(&s, '.'))
			return false;
		first = s.p;
		n = eat_digits(&s, 3, &v);
		if (n == 0 || v > 255 || (n > 1 && *first == '0'))
			return false;
	}
	return s.n == 0;
}

bool
is_ipv6(struct str s)
{
	unsigned groups = 0;
	bool gap = false;

	if (str_starts(s, STR("::"))) {
		gap = true;
		s = str_sub(s, 2, s.n);
	}
	while (s.n > 0) {
		size_t n = 0;

		while (n < s.n && n < 5 && is_hex(s.p[n]))
			n++;
		if (n < s.n && s.p[n] == '.')
			return is_ipv4(s) && (gap ? groups <= 5 : groups == 6);
		if (n == 0 || n > 4)
			return false;
		groups++;
		s = str_sub(s, n, s.n);
		if (s.n == 0)
			break;
		if (!eats(&s, ':') || s.n == 0)
			return false;
		if (s.p[0] == ':') {
			if (gap)
				return false;
			gap = true;
			s = str_sub(s, 1, s.n);
		}
	}
	return gap ? groups <= 7 : groups == 8;
}

/* Labels of letters, digits and hyphens within; with wide, of others too. */
static bool
labels(struct str s, bool wide)
{
	struct str label;
	size_t dots = 0, seen = 0;

	if (s.n == 0 || s.n > 253)
		return false;
	for (size_t i = 0; i < s.n; i++)
		dots += s.p[i] == '.';
	while (str_split(&s, '.', &label)) {
		seen++;
		if (label.n == 0 || label.n > 63 || label.p[0] == '-' ||
		    label.p[label.n - 1] == '-')
			return false;
		/* Hyphens in third and fourth place are for xn-- alone. */
		if (!wide && label.n >= 4 && label.p[2] == '-' &&
		    label.p[3] == '-' &&
		    !str_ieq(str_sub(label, 0, 2), STR("xn")))
			return false;
		for (size_t i = 0; i < label.n; i++)
			if (!is_alpha(label.p[i]) && !is_digit(label.p[i]) &&
			    label.p[i] != '-' &&
			    !(wide && (uint8_t)label.p[i] >= 0x80))
				return false;
	}
	return seen == dots + 1;
}

bool
is_hostname(struct str s)
{
	return labels(s, false);
}

static bool
is_quoted(struct str s, bool wide)
{
	if (s.n < 2 || s.p[0] != '"' || s.p[s.n - 1] != '"')
		return false;
	s = str_sub(s, 1, s.n - 2);
	for (size_t i = 0; i < s.n; i++) {
		if (s.p[i] == '\\' && ++i == s.n)
			return false;
		if (((uint8_t)s.p[i] < ' ' || s.p[i] == 0x7f) ||
		    (!wide && (uint8_t)s.p[i] >= 0x80) ||
		    (s.p[i] == '"' && s.p[i - 1] != '\\'))
			return false;
	}
	return true;
}

static bool
is_dot_atom(struct str s, bool wide)
{
	bool dot = true;

	for (size_t i = 0; i < s.n; i++) {
		if (s.p[i] == '.' && dot)
			return false;
		dot = s.p[i] == '.';
		if (!dot && !is_alpha(s.p[i]) && !is_digit(s.p[i]) &&
		    !one_of(s.p[i], "!#$%&'*+-/=?^_`{|}~") &&
		    !(wide && (uint8_t)s.p[i] >= 0x80))
			return false;
	}
	return !dot;
}

static bool
is_mail(struct str s, bool wide)
{
	size_t at = s.n;
	struct str local, host;

	while (at > 0 && s.p[at - 1] != '@')
		at--;
	if (at == 0)
		return false;
	local = str_sub(s, 0, at - 1);
	host = str_sub(s, at, s.n);
	if (!is_quoted(local, wide) && !is_dot_atom(local, wide))
		return false;
	if (!eats(&host, '['))
		return labels(host, wide);
	if (host.n == 0 || host.p[--host.n] != ']')
		return false;
	if (str_ieq(str_sub(host, 0, 5), STR("IPv6:")))
		return is_ipv6(str_sub(host, 5, host.n));
	return is_ipv4(host);
}

static bool
is_email(struct str s)
{
	return is_mail(s, false);
}

static bool
is_idn_email(struct str s)
{
	return is_mail(s, true);
}

/* ---- names and pointers ---- */

static bool
is_uuid(struct str s)
{
	if (s.n != 36)
		return false;
	for (size_t i = 0; i < s.n; i++) {
		const bool dash = i == 8 || i == 13 || i == 18 || i == 23;

		if (dash ? s.p[i] != '-' : !is_hex(s.p[i]))
			return false;
	}
	return true;
}

static bool
is_pointer(struct str s)
{
	if (s.n > 0 && s.p[0] != '/')
		return false;
	for (size_t i = 0; i < s.n; i++)
		if (s.p[i] == '~' &&
		    (i + 1 == s.n || (s.p[i + 1] != '0' && s.p[i + 1] != '1')))
			return false;
	return true;
}

static bool
is_relative_pointer(struct str s)
{
	const bool zero = s.n > 0 && s.p[0] == '0';
	unsigned v;
	const size_t n = eat_digits(&s, SIZE_MAX, &v);

	if (n == 0 || (zero && n > 1))
		return false;
	return str_eq(s, STR("#")) || is_pointer(s);
}

static bool
is_regex(struct str s)
{
	struct buf code = { .max = 1024 * 1024 };
	uint32_t at, longest = 0;
	const bool is = regex_make(s, schema_default.pattern, &code, &at,
			    &longest, NULL) != ERR_SYNTAX;

	buf_done(&code);
	return is;
}

static const struct {
	struct str name;
	bool (*is)(struct str s);
} formats[SCHEMA_FORMATS] = {
	[SCHEMA_DATE_TIME] = { STR_INIT("date-time"), is_date_time },
	[SCHEMA_DATE] = { STR_INIT("date"), is_date },
	[SCHEMA_TIME] = { STR_INIT("time"), is_time },
	[SCHEMA_DURATION] = { STR_INIT("duration"), is_duration },
	[SCHEMA_EMAIL] = { STR_INIT("email"), is_email },
	[SCHEMA_IDN_EMAIL] = { STR_INIT("idn-email"), is_idn_email },
	[SCHEMA_HOSTNAME] = { STR_INIT("hostname"), is_hostname },
	[SCHEMA_IPV4] = { STR_INIT("ipv4"), is_ipv4 },
	[SCHEMA_IPV6] = { STR_INIT("ipv6"), is_ipv6 },
	[SCHEMA_URI] = { STR_INIT("uri"), is_uri },
	[SCHEMA_URI_REFERENCE] = { STR_INIT("uri-reference"),
	    is_uri_reference },
	[SCHEMA_IRI] = { STR_INIT("iri"), is_iri },
	[SCHEMA_IRI_REFERENCE] = { STR_INIT("iri-reference"),
	    is_iri_reference },
	[SCHEMA_URI_TEMPLATE] = { STR_INIT("uri-template"), is_uri_template },
	[SCHEMA_UUID] = { STR_INIT("uuid"), is_uuid },
	[SCHEMA_JSON_POINTER] = { STR_INIT("json-pointer"), is_pointer },
	[SCHEMA_RELATIVE_JSON_POINTER] = { STR_INIT("relative-json-pointer"),
	    is_relative_pointer },
	[SCHEMA_REGEX] = { STR_INIT("regex"), is_regex },
};

enum schema_format
schema_format_of(struct str name)
{
	unsigned f = 0;

	while (f < SCHEMA_FORMATS && !str_eq(formats[f].name, name))
		f++;
	return (enum schema_format)f;
}

const char *
format_name(enum schema_format f)
{
	return formats[f].name.p;
}

bool
format_ok(enum schema_format f, struct str s)
{
	return formats[f].is(s);
}
