/* format-in: what the files of formats share: a text read from the front. */
#ifndef FORMAT_IN_H
#define FORMAT_IN_H

#include "schema/schema-in.h"

static inline bool
is_digit(char c)
{
	return c >= '0' && c <= '9';
}

static inline bool
is_alpha(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

static inline bool
is_hex(char c)
{
	return is_digit(c) || ((c | 0x20) >= 'a' && (c | 0x20) <= 'f');
}

static inline bool
eats(struct str *s, char c)
{
	if (s->n == 0 || s->p[0] != c)
		return false;
	*s = str_sub(*s, 1, s->n);
	return true;
}

static inline bool
one_of(char c, const char *set)
{
	return c != '\0' && strchr(set, c) != NULL;
}

/* At most `most` digits off the front; how many, and their value. */
size_t eat_digits(struct str *s, size_t most, unsigned *value);

bool is_ipv4(struct str s), is_ipv6(struct str s), is_hostname(struct str s);
bool is_uri(struct str s), is_uri_reference(struct str s);
bool is_iri(struct str s), is_iri_reference(struct str s);
bool is_uri_template(struct str s);

#endif
