/*
 * uri.c: is a URI spelled the one way that it has?  Policies compare the URIs
 * of resources as text, and servers read them by RFC 3986:
 * "file:///srv/x/../y", "FILE:///srv/y" and "file:///srv/%79" are all /srv/y to
 * them.  Only the form that sections 6.2.2 and 6.2.3 call normal is let
 * through; of file: URIs (RFC 8089) the one with no host, whose query nobody
 * reads.
 */
#include "facts/facts-in.h"

static bool
is_upper(char ch)
{
	return ch >= 'A' && ch <= 'Z';
}

/* %XX at `at`: in capitals, of what had to be escaped, and of no escape. */
static bool
escape_plain(struct str s, size_t at, char *out)
{
	unsigned v;

	if (s.n - at < 3 || !is_hex(s.p[at + 1]) || !is_hex(s.p[at + 2]))
		return false;
	for (size_t i = 1; i <= 2; i++)
		if (is_alpha(s.p[at + i]) && !is_upper(s.p[at + i]))
			return false;
	v = hex_of(s.p[at + 1]) << 4 | hex_of(s.p[at + 2]);
	*out = (char)v;
	if (v < 0x20 || v == 0x7f)
		return false;
	if (v == '%')
		return s.n - at < 5 || !is_hex(s.p[at + 3]) ||
		       !is_hex(s.p[at + 4]);
	return v >= 0x80 || (!is_alpha(*out) && !is_digit(*out) &&
				!is_among(*out, STR("-._~")));
}

/* Escapes, and no backslash, to the end. */
static bool
text_plain(struct str s)
{
	char unused;

	for (size_t i = 0; i < s.n; i++)
		if (s.p[i] == '\\' ||
		    (s.p[i] == '%' && !escape_plain(s, i, &unused)))
			return false;
	return !has_control(s);
}

/* No part is . or .. ; a slash in disguise parts as well. */
static bool
parts_plain(struct str s, bool empty_ok)
{
	size_t n = 0, dots = 0; /* of this part */

	for (size_t i = 0; i <= s.n; i++) {
		char ch = i < s.n ? s.p[i] : '/';

		if (ch == '%' && escape_plain(s, i, &ch))
			i += 2;
		if (ch != '/' && ch != '\\') {
			n++;
			dots += ch == '.';
			continue;
		}
		if (n == dots && n > 0 && n <= 2)
			return false;
		if (n == 0 && !empty_ok && i < s.n)
			return false;
		n = dots = 0;
	}
	return true;
}

bool
uri_plain(struct str s)
{
	const size_t colon = str_find(s, ':');
	const struct str scheme = str_sub(s, 0, colon);
	const bool file = colon < s.n && str_eq(scheme, STR("file"));

	for (size_t i = 0; colon < s.n && i < scheme.n; i++)
		if (is_upper(scheme.p[i]))
			return false;
	if (!text_plain(s))
		return false;
	if (file && (!str_starts(s, STR("file:///")) ||
			str_find(s, '?') < s.n || str_find(s, '#') < s.n))
		return false;
	s = str_sub(s, file ? STR("file:///").n : 0, s.n);
	s = str_sub(s, 0, str_find(s, '?'));
	return parts_plain(str_sub(s, 0, str_find(s, '#')), !file);
}
