/*
 * text.c: characters, escapes and the parts of a path.
 *
 * A ".." takes away the part before it, so where a reader splits parts decides
 * where a path leads: to who decodes "/w/a%2fb/../../x" it is /w/x, to who does
 * not it is /x.  Parts are taken only where every reader comes to the same.
 */
#include "facts/facts-in.h"

bool
is_among(char ch, struct str set)
{
	for (size_t i = 0; i < set.n; i++)
		if (set.p[i] == ch)
			return true;
	return false;
}

bool
is_alpha(char ch)
{
	return (ch >= 'a' && ch <= 'z') || (ch >= 'A' && ch <= 'Z');
}

bool
is_digit(char ch)
{
	return ch >= '0' && ch <= '9';
}

bool
is_hex(char ch)
{
	return is_digit(ch) || (ch >= 'a' && ch <= 'f') ||
	       (ch >= 'A' && ch <= 'F');
}

unsigned
hex_of(char ch)
{
	if (is_digit(ch))
		return (unsigned)(ch - '0');
	return (unsigned)((ch | 32) - 'a') + 10;
}

bool
is_space(char ch)
{
	return ch == ' ' || (ch >= '\t' && ch <= '\r');
}

bool
is_word(char ch)
{
	return is_alpha(ch) || is_digit(ch) || ch == '_' || (ch & 0x80) != 0;
}

bool
has_control(struct str s)
{
	for (size_t i = 0; i < s.n; i++)
		if ((unsigned char)s.p[i] < 0x20 || s.p[i] == 0x7f)
			return true;
	return false;
}

static struct str
folded(struct arena *a, struct str s, char from, char to, int by)
{
	size_t first = 0;
	char *p;

	while (first < s.n && (s.p[first] < from || s.p[first] > to))
		first++;
	if (first == s.n) /* as it is, mostly */
		return s.p == NULL ? STR("") : s;
	p = arena_alloc(a, s.n + 1);
	if (p == NULL)
		return (struct str){ NULL, 0 };
	for (size_t i = 0; i < s.n; i++) {
		const bool is = s.p[i] >= from && s.p[i] <= to;

		p[i] = (char)(is ? s.p[i] + by : s.p[i]);
	}
	return (struct str){ p, s.n };
}

struct str
lower(struct arena *a, struct str s)
{
	return folded(a, s, 'A', 'Z', 'a' - 'A');
}

struct str
upper(struct arena *a, struct str s)
{
	return folded(a, s, 'a', 'z', 'A' - 'a');
}

struct str
join3(struct arena *a, struct str x, struct str y, struct str z)
{
	char *p = arena_alloc(a, x.n + y.n + z.n + 1);

	if (p == NULL)
		return (struct str){ NULL, 0 };
	if (x.n)
		memcpy(p, x.p, x.n);
	if (y.n)
		memcpy(p + x.n, y.p, y.n);
	if (z.n)
		memcpy(p + x.n + y.n, z.p, z.n);
	return (struct str){ p, x.n + y.n + z.n };
}

/* One round.  A '%' that begins no escape stays what it is. */
static enum err
unpercent_once(struct arena *a, struct str in, struct str *out, bool *changed)
{
	char *p = arena_alloc(a, in.n + 1);
	size_t n = 0;

	*changed = false;
	if (p == NULL)
		return ERR_LIMIT;
	for (size_t i = 0; i < in.n; i++) {
		if (in.p[i] == '%' && in.n - i > 2 && is_hex(in.p[i + 1]) &&
		    is_hex(in.p[i + 2])) {
			p[n++] = (char)(hex_of(in.p[i + 1]) << 4 |
					hex_of(in.p[i + 2]));
			i += 2;
			*changed = true;
		} else {
			p[n++] = in.p[i];
		}
	}
	*out = (struct str){ p, n };
	return OK;
}

enum err
unpercent(struct arena *a, struct str in, struct str *out, bool *changed)
{
	bool more = str_find(in, '%') < in.n;

	*changed = false;
	*out = in;
	for (int round = 0; more; round++) {
		if (round == 4)
			return ERR_SYNTAX;
		TRY(unpercent_once(a, *out, out, &more));
		*changed |= more;
	}
	return utf8_ok(*out) && str_find(*out, 0) == out->n ? OK : ERR_SYNTAX;
}

/* One more than it has slashes, but for those that no path may have. */
static size_t
most_parts(struct str path)
{
	size_t n = 1;

	for (size_t i = 0; i < path.n && n < SET_MAX; i++)
		n += path.p[i] == '/';
	return n;
}

enum err
parts_of(struct arena *a, struct str path, struct parts *out)
{
	struct str part;

	out->n = 0;
	out->climbs = false;
	out->v = arena_alloc(a, most_parts(path) * sizeof(*out->v));
	if (out->v == NULL)
		return ERR_LIMIT;
	while (str_split(&path, '/', &part)) {
		if (part.n == 0 || str_eq(part, STR(".")))
			continue;
		if (str_eq(part, STR(".."))) {
			if (out->n > 0)
				out->n--;
			else
				out->climbs = true;
			continue;
		}
		if (out->n == SET_MAX)
			return ERR_SYNTAX;
		out->v[out->n++] = part;
	}
	return OK;
}

struct str
parts_text(struct arena *a, struct str root, const struct parts *parts,
    struct str *above, size_t *above_n)
{
	size_t all = root.n, n = 0, k = 0;
	char *p;

	for (size_t i = 0; i < parts->n; i++)
		all += parts->v[i].n + 1;
	p = arena_alloc(a, all + 1);
	if (p == NULL)
		return (struct str){ NULL, 0 };
	if (root.n > 0) {
		memcpy(p, root.p, root.n);
		n = root.n;
	}
	if (n > 0 && above != NULL)
		above[k++] = (struct str){ p, n };
	for (size_t i = 0; i < parts->n; i++) {
		if (n > 0 && p[n - 1] != '/')
			p[n++] = '/';
		memcpy(p + n, parts->v[i].p, parts->v[i].n);
		n += parts->v[i].n;
		if (above != NULL)
			above[k++] = (struct str){ p, n };
	}
	if (above_n != NULL)
		*above_n = k;
	return (struct str){ p, n };
}

static struct str
replaced(struct arena *a, struct str s, char from, char to)
{
	char *p = arena_alloc(a, s.n + 1);

	if (p == NULL)
		return (struct str){ NULL, 0 };
	for (size_t i = 0; i < s.n; i++)
		p[i] = s.p[i] == from ? to : s.p[i];
	return (struct str){ p, s.n };
}

/* Browsers decode these alone: %2e%2e climbs, %2f parts nothing. */
static struct str
dots(struct arena *a, struct str s)
{
	char *p = arena_alloc(a, s.n + 1);
	size_t n = 0;

	if (p == NULL)
		return (struct str){ NULL, 0 };
	for (size_t i = 0; i < s.n; i++) {
		const bool dot = str_ieq(str_sub(s, i, 3), STR("%2e"));

		p[n++] = dot ? '.' : s.p[i];
		i += dot ? 2 : 0;
	}
	return (struct str){ p, n };
}

static bool
same_parts(const struct parts *x, const struct parts *y)
{
	for (size_t i = 0; i < x->n && i < y->n; i++)
		if (!str_eq(x->v[i], y->v[i]))
			return false;
	return x->n == y->n;
}

/* Everything decoded. */
static enum err
parts_last(struct arena *a, struct str s, bool backslash, struct parts *out)
{
	bool changed;

	TRY(unpercent(a, s, &s, &changed));
	if (backslash)
		s = replaced(a, s, '\\', '/');
	return s.p == NULL ? ERR_LIMIT : parts_of(a, s, out);
}

/* He who sees s as it stands, and somebody after him who decodes the rest. */
static enum err
agrees(struct arena *a, struct str s, bool backslash, const struct parts *want)
{
	struct parts p;
	bool climbs;

	if (s.p == NULL)
		return ERR_LIMIT;
	TRY(parts_of(a, s, &p));
	climbs = p.climbs;
	s = parts_text(
	    a, STR("/"), &p, NULL, NULL); /* "." and ".." taken out */
	if (s.p == NULL)
		return ERR_LIMIT;
	TRY(parts_last(a, s, backslash, &p));
	climbs |= p.climbs;
	return climbs == want->climbs && same_parts(&p, want) ? OK : ERR_SYNTAX;
}

enum err
parts_agree(struct arena *a, struct str s, bool backslash)
{
	struct parts want;
	bool more = true;

	TRY(parts_last(a, s, backslash, &want));
	while (more) {
		for (int i = 0; i < (backslash ? 2 : 1); i++) {
			const struct str seen =
			    i ? replaced(a, s, '\\', '/') : s;

			TRY(agrees(a, seen, backslash, &want));
			TRY(agrees(a, dots(a, seen), backslash, &want));
		}
		TRY(unpercent_once(a, s, &s, &more));
	}
	return OK;
}
