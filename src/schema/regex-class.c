/* regex-class: escapes and classes of characters (ECMA-262, 22.2.1, flag u):
 * sets of code points, sorted and joined, as blocks of the image. */
#include "schema/regex-in.h"

enum { LAST = 0x10ffff };

static void
add(void *arg, uint32_t first, uint32_t last)
{
	struct regex *r = arg;
	const struct range one = { first, last };

	buf_put(&r->ranges, &one, sizeof(one));
	if (r->ranges.full)
		regex_bad(r, ERR_LIMIT, "a class has too many ranges");
}

static void
add_all(struct regex *r, const struct range *v, size_t n)
{
	for (size_t i = 0; i < n; i++)
		add(r, v[i].first, v[i].last);
}

static const struct range digits[] = { { '0', '9' } };
static const struct range words[] = { { '0', '9' }, { 'A', 'Z' }, { '_', '_' },
	{ 'a', 'z' } };
static const struct range spaces[] = { { '\t', '\r' }, { ' ', ' ' },
	{ 0xa0, 0xa0 }, { 0x1680, 0x1680 }, { 0x2000, 0x200a },
	{ 0x2028, 0x2029 }, { 0x202f, 0x202f }, { 0x205f, 0x205f },
	{ 0x3000, 0x3000 }, { 0xfeff, 0xfeff } };
static const struct range lines[] = { { '\n', '\n' }, { '\r', '\r' },
	{ 0x2028, 0x2029 } };

static int
by_first(const void *a, const void *b)
{
	const struct range *x = a, *y = b;

	return x->first < y->first ? -1 : x->first > y->first;
}

/* Sorts and joins what is in the buf from `from` on; gives how many. */
static size_t
join(struct range *v, size_t n)
{
	size_t k = 0;

	if (n == 0)
		return 0;
	qsort(v, n, sizeof(*v), by_first);
	for (size_t i = 1; i < n; i++) {
		if (v[i].first > v[k].last && v[i].first - v[k].last > 1)
			v[++k] = v[i];
		else if (v[i].last > v[k].last)
			v[k].last = v[i].last;
	}
	return k + 1;
}

static void
cut(struct buf *b, size_t from, size_t n)
{
	b->n = from + n * sizeof(struct range);
}

/* What was added, from a byte on. */
static struct range *
ranges(struct regex *r, size_t from)
{
	char *p = r->ranges.p;

	return p == NULL ? NULL : (void *)(p + from);
}

/* What was added from `from` on is replaced by all else. */
static void
negate(struct regex *r, size_t from)
{
	struct range *v = ranges(r, from), *copy;
	const size_t n = join(v, (r->ranges.n - from) / sizeof(struct range));
	uint32_t next = 0;

	if (r->ranges.full)
		return;
	copy = mem_get((n + 1) * sizeof(*copy));
	if (n > 0)
		memcpy(copy, v, n * sizeof(*copy));
	cut(&r->ranges, from, 0);
	for (size_t i = 0; i < n; i++) {
		if (copy[i].first > next)
			add(r, next, copy[i].first - 1);
		next = copy[i].last + 1;
	}
	if (next <= LAST)
		add(r, next, LAST);
	mem_free(copy);
}

uint32_t
class_end(struct regex *r, bool negative)
{
	const uint32_t place = (uint32_t)(r->code->n / 4);
	struct range *v;
	uint32_t ascii[4] = { 0 };
	size_t n;

	if (negative)
		negate(r, 0);
	v = ranges(r, 0);
	n = join(v, r->ranges.n / sizeof(*v));
	for (size_t i = 0; i < n; i++)
		for (uint32_t c = v[i].first; c <= v[i].last && c < 128; c++)
			ascii[c / 32] |= 1U << c % 32;
	for (size_t i = 0; i < countof(ascii); i++)
		buf_u32(r->code, ascii[i]);
	buf_u32(r->code, (uint32_t)n);
	for (size_t i = 0; i < n; i++) {
		buf_u32(r->code, v[i].first);
		buf_u32(r->code, v[i].last);
	}
	buf_clear(&r->ranges);
	return place;
}

uint32_t
class_dot(struct regex *r)
{
	add_all(r, lines, countof(lines));
	return class_end(r, true);
}

static int
hex_digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	c = (char)(c | 0x20);
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* Exactly n hexadecimal digits; false and nothing taken otherwise. */
static bool
hex(struct regex *r, unsigned n, uint32_t *out)
{
	uint32_t v = 0;

	if ((size_t)(r->end - r->p) < n)
		return false;
	for (unsigned i = 0; i < n; i++) {
		const int d = hex_digit(r->p[i]);

		if (d < 0)
			return false;
		v = v * 16 + (uint32_t)d;
	}
	r->p += n;
	*out = v;
	return true;
}

/* Behind \u: {1F600}, 1234, or two surrogates that are one character. */
static uint32_t
unicode_escape(struct regex *r)
{
	uint32_t v = 0, low;
	const char *back;

	if (takes(r, '{')) {
		while (r->p < r->end && hex_digit(*r->p) >= 0 && v <= LAST)
			v = v * 16 + (uint32_t)hex_digit(*r->p++);
		if (r->p[-1] == '{' || v > LAST || !takes(r, '}'))
			regex_bad(r, ERR_SYNTAX, "\\u{ without a code point");
		return v;
	}
	if (!hex(r, 4, &v))
		regex_bad(r, ERR_SYNTAX, "\\u without four hexadecimal digits");
	back = r->p;
	if (v >= 0xd800 && v < 0xdc00 && takes(r, '\\') && takes(r, 'u') &&
	    hex(r, 4, &low) && low >= 0xdc00 && low < 0xe000)
		return 0x10000 + ((v - 0xd800) << 10) + (low - 0xdc00);
	r->p = back;
	return v;
}

static struct str
property_word(struct regex *r)
{
	struct str s = { r->p, 0 };

	while (r->p < r->end &&
	       (*r->p == '_' || hex_digit(*r->p) >= 0 ||
		   ((*r->p | 0x20) >= 'a' && (*r->p | 0x20) <= 'z')))
		r->p++;
	s.n = (size_t)(r->p - s.p);
	return s;
}

static void
property(struct regex *r)
{
	struct str name, value = { NULL, 0 };

	if (!takes(r, '{')) {
		regex_bad(r, ERR_SYNTAX, "\\p without {property}");
		return;
	}
	name = property_word(r);
	if (takes(r, '='))
		value = property_word(r);
	if (!takes(r, '}')) {
		regex_bad(r, ERR_SYNTAX, "\\p{ without its }");
		return;
	}
	if (!unicode_ranges(name, value, add, r))
		regex_bad(r, ERR_SYNTAX,
		    "\\p{%.*s%s%.*s} is not supported: general categories and "
		    "scripts are",
		    STR_ARG(name), value.n ? "=" : "", STR_ARG(value));
}

/* \d \w \s \p and their opposites. */
static bool
class_of(struct regex *r, char c)
{
	const size_t from = r->ranges.n;

	if (c == 'd' || c == 'D')
		add_all(r, digits, countof(digits));
	else if (c == 'w' || c == 'W')
		add_all(r, words, countof(words));
	else if (c == 's' || c == 'S')
		add_all(r, spaces, countof(spaces));
	else if (c == 'p' || c == 'P')
		property(r);
	else
		return false;
	if (c < 'a')
		negate(r, from);
	return true;
}

/* One character for one letter. */
static const char letters[] = "tnvfr", meaning[] = "\t\n\v\f\r";

static uint32_t
control(struct regex *r)
{
	const char c = r->p < r->end ? (char)(*r->p | 0x20) : '\0';

	if (c < 'a' || c > 'z') {
		regex_bad(r, ERR_SYNTAX, "\\c without a letter");
		return 0;
	}
	return (uint32_t)(*r->p++ & 0x1f);
}

/* Read, so that all else is; the whole is refused at its end. */
static void
back_reference(struct regex *r, char e)
{
	if (r->refers == '\0')
		r->refers = e;
	while (e == 'k' && r->p < r->end && *r->p != '>')
		r->p++;
	if (e == 'k' && !takes(r, '>'))
		regex_bad(r, ERR_SYNTAX, "\\k< without its >");
	while (e != 'k' && r->p < r->end && *r->p >= '0' && *r->p <= '9')
		r->p++;
}

/*
 * More lenient than the flag u in one thing: any ASCII punctuation may be
 * escaped, which many schemas do and which has only one meaning.
 */
bool
class_escape(struct regex *r, uint32_t *c, bool in_class)
{
	const char e = r->p < r->end ? *r->p++ : '\0';
	const char *simple = e ? strchr(letters, e) : NULL;

	*c = (uint8_t)e;
	if (class_of(r, e))
		return true;
	if (simple != NULL)
		*c = (uint8_t)meaning[simple - letters];
	else if (e == 'b' && in_class)
		*c = '\b';
	else if (e == 'c')
		*c = control(r);
	else if (e == 'u')
		*c = unicode_escape(r);
	else if (e == 'x' && !hex(r, 2, c))
		regex_bad(r, ERR_SYNTAX, "\\x without two hexadecimal digits");
	else if (e == '0' && !(r->p < r->end && *r->p >= '0' && *r->p <= '9'))
		*c = 0;
	else if ((e >= '1' && e <= '9') || (e == 'k' && at(r, '<')))
		back_reference(r, e);
	else if (e != 'x' && !(e > ' ' && e < '0') && !(e > '9' && e < 'A') &&
		 !(e > 'Z' && e < 'a') && !(e > 'z' && e < 0x7f))
		regex_bad(r, ERR_SYNTAX, "there is no escape \\%c",
		    e > ' ' && e < 0x7f ? e : '?');
	return false;
}

/* One end of a range, or a whole class (true). */
static bool
class_atom(struct regex *r, uint32_t *c)
{
	if (takes(r, '\\'))
		return class_escape(r, c, true);
	*c = utf8_next(&r->p, r->end);
	return false;
}

uint32_t
class_bracket(struct regex *r)
{
	const bool negative = takes(r, '^');

	while (!r->err && !at(r, ']')) {
		uint32_t from, to;
		bool set;

		if (r->p == r->end) {
			regex_bad(r, ERR_SYNTAX, "[ without its ]");
			break;
		}
		set = class_atom(r, &from);
		to = from;
		if (at(r, '-') && r->p + 1 < r->end && r->p[1] != ']') {
			r->p++;
			if (class_atom(r, &to) || set || to < from) {
				regex_bad(r, ERR_SYNTAX,
				    "a range in [ ] has no order");
				break;
			}
		}
		if (!set)
			add(r, from, to);
	}
	(void)takes(r, ']');
	return class_end(r, negative);
}
