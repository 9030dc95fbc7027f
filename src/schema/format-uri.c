/* format-uri: the grammars of RFC 3986 (URI), 3987 (IRI) and 6570 (templates
 * of URIs). */
#include "schema/format-in.h"

/* Characters of a part: unreserved, sub-delims, what `more` has, percent. */
static bool
is_part(struct str s, const char *more, bool wide)
{
	for (size_t i = 0; i < s.n; i++) {
		const char c = s.p[i];

		if (c == '%') {
			if (s.n - i < 3 || !is_hex(s.p[i + 1]) ||
			    !is_hex(s.p[i + 2]))
				return false;
			i += 2;
		} else if (!is_alpha(c) && !is_digit(c) &&
			   !one_of(c, "-._~!$&'()*+,;=") && !one_of(c, more) &&
			   !(wide && (uint8_t)c >= 0x80)) {
			return false;
		}
	}
	return true;
}

static bool
is_scheme(struct str s)
{
	if (s.n == 0 || !is_alpha(s.p[0]))
		return false;
	for (size_t i = 1; i < s.n; i++)
		if (!is_alpha(s.p[i]) && !is_digit(s.p[i]) &&
		    !one_of(s.p[i], "+-."))
			return false;
	return true;
}

/* "[v1.x]" or "[::1]". */
static bool
is_literal(struct str s)
{
	size_t dot;

	if (s.n < 2 || s.p[s.n - 1] != ']')
		return false;
	s = str_sub(s, 1, s.n - 2);
	if (!eats(&s, 'v') && !eats(&s, 'V'))
		return is_ipv6(s);
	dot = str_find(s, '.');
	if (dot == 0 || dot + 1 >= s.n)
		return false;
	for (size_t i = 0; i < dot; i++)
		if (!is_hex(s.p[i]))
			return false;
	s = str_sub(s, dot + 1, s.n);
	return str_find(s, '%') == s.n && is_part(s, ":", false);
}

static bool
is_authority(struct str s, bool wide)
{
	const size_t at = str_find(s, '@');
	size_t port;

	if (at < s.n) {
		if (!is_part(str_sub(s, 0, at), ":", wide))
			return false;
		s = str_sub(s, at + 1, s.n);
	}
	port = s.n;
	while (port > 0 && is_digit(s.p[port - 1]))
		port--;
	if (port > 0 && s.p[port - 1] == ':')
		s = str_sub(s, 0, port - 1);
	return s.n > 0 && s.p[0] == '[' ? is_literal(s) : is_part(s, "", wide);
}

static bool
is_reference(struct str s, bool wide, bool absolute)
{
	struct uri u;
	size_t colon, slash;

	uri_split(s, &u);
	if (u.scheme.n > 0 ? !is_scheme(u.scheme) : absolute)
		return false;
	if (u.has_authority && !is_authority(u.authority, wide))
		return false;
	colon = str_find(u.path, ':');
	slash = str_find(u.path, '/');
	/* Else what is before the colon would be a scheme. */
	if (u.scheme.n == 0 && !u.has_authority && colon < u.path.n &&
	    colon < slash)
		return false;
	return is_part(u.path, ":@/", wide) && is_part(u.query, ":@/?", wide) &&
	       is_part(u.fragment, ":@/?", wide);
}

bool
is_uri(struct str s)
{
	return is_reference(s, false, true);
}

bool
is_uri_reference(struct str s)
{
	return is_reference(s, false, false);
}

bool
is_iri(struct str s)
{
	return is_reference(s, true, true);
}

bool
is_iri_reference(struct str s)
{
	return is_reference(s, true, false);
}

/* ---- templates ---- */

static bool
is_varname(struct str s)
{
	bool dot = true;

	for (size_t i = 0; i < s.n; i++) {
		if (s.p[i] == '.' && dot)
			return false;
		dot = s.p[i] == '.';
		if (s.p[i] == '%') {
			if (s.n - i < 3 || !is_hex(s.p[i + 1]) ||
			    !is_hex(s.p[i + 2]))
				return false;
			i += 2;
		} else if (!dot && !is_alpha(s.p[i]) && !is_digit(s.p[i]) &&
			   s.p[i] != '_') {
			return false;
		}
	}
	return !dot;
}

/* A name, with "*" or ":" and a length behind it. */
static bool
is_varspec(struct str s)
{
	const size_t colon = str_find(s, ':');
	unsigned v;

	if (s.n > 0 && s.p[s.n - 1] == '*')
		return is_varname(str_sub(s, 0, s.n - 1));
	if (colon < s.n) {
		struct str length = str_sub(s, colon + 1, s.n);

		if (length.n == 0 || length.p[0] == '0' ||
		    eat_digits(&length, 4, &v) == 0 || length.n > 0)
			return false;
	}
	return is_varname(str_sub(s, 0, colon));
}

static bool
is_expression(struct str s)
{
	struct str one;

	if (s.n > 0 && one_of(s.p[0], "+#./;?&=,!@|"))
		s = str_sub(s, 1, s.n);
	if (s.n == 0 || s.p[s.n - 1] == ',')
		return false;
	while (str_split(&s, ',', &one))
		if (!is_varspec(one))
			return false;
	return true;
}

bool
is_uri_template(struct str s)
{
	while (s.n > 0) {
		const uint8_t c = (uint8_t)s.p[0];

		if (c == '{') {
			const size_t end = str_find(s, '}');

			if (end == s.n ||
			    !is_expression(str_sub(s, 1, end - 1)))
				return false;
			s = str_sub(s, end + 1, s.n);
			continue;
		}
		if (c <= ' ' || c == 0x7f || one_of((char)c, "\"<>\\^`|}"))
			return false;
		if (c == '%' && (s.n < 3 || !is_hex(s.p[1]) || !is_hex(s.p[2])))
			return false;
		s = str_sub(s, 1, s.n);
	}
	return true;
}
