/*
 * jcs: a tape in the one form of RFC 8785: members sorted by the UTF-16 code
 * units of their keys, numbers as ECMAScript writes them.  Who signs or
 * compares digests reads numbers as doubles; a number that no double stands
 * for is refused, so that two calls that differ do not share a digest.
 */
#include "json/json-in.h"

enum { MEMBERS_HERE = 32 };
struct jcs {
	struct sink s;
	const uint8_t *safe;
	struct member *m; /* members of the objects we are inside of */
	size_t n, cap;
	struct member *more; /* where they are once there are many */
};

static enum err value(struct jcs *j, struct jv v, size_t depth);

/*
 * UTF-8 sorts by code point.  UTF-16 differs in one thing: what needs two
 * units begins with d800 to dbff and so comes before e000 to ffff.
 */
static int
by_utf16(const struct member *a, const struct member *b)
{
	const size_t n = a->n < b->n ? a->n : b->n;
	size_t i = 0;

	while (n - i >= 8 && memcmp(a->key + i, b->key + i, 8) == 0)
		i += 8;
	while (i < n && a->key[i] == b->key[i])
		i++;
	if (i == n)
		return a->n < b->n ? -1 : a->n > b->n;
	if (a->key[i] >= 0xee && b->key[i] >= 0xee &&
	    (a->key[i] >= 0xf0) != (b->key[i] >= 0xf0))
		return a->key[i] >= 0xf0 ? -1 : 1;
	return a->key[i] < b->key[i] ? -1 : 1;
}

static enum err
put(struct jcs *j, const char *p, size_t n)
{
	if (!sink_room(&j->s, n))
		return ERR_LIMIT;
	memcpy(j->s.o, p, n);
	j->s.o += n;
	return OK;
}

static enum err
quoted(struct jcs *j, struct str s)
{
	return put_quoted(&j->s, s, j->safe);
}

/* A short integer is already as ECMAScript writes it, and so is a short
 * fraction from 1 up that does not end in 0.  "-0" is not. */
static bool
is_plain(struct str s)
{
	size_t i = s.p[0] == '-';
	bool whole = true;

	if (s.n > 15 || s.p[i] == '0')
		return s.n == 1;
	for (; i < s.n; i++)
		if (s.p[i] == '.')
			whole = false;
		else if ((uint8_t)(s.p[i] - '0') > 9)
			return false;
	return whole || s.p[s.n - 1] != '0';
}

static enum err
number(struct jcs *j, struct str s)
{
	char t[NUM_TEXT];
	size_t n;

	if (!num_ok((const uint8_t *)s.p, s.n))
		return ERR_SYNTAX;
	if (is_plain(s))
		return put(j, s.p, s.n);
	TRY(num_jcs(s, t, &n));
	return put(j, t, n);
}

static enum err
array(struct jcs *j, struct jv v, size_t depth)
{
	struct jit it = jit_of(v);
	struct jv one;

	TRY(put(j, "[", 1));
	for (bool first = true; it.p < it.end; first = false) {
		if (!jit_next(&it, NULL, &one))
			return ERR_SYNTAX;
		if (!first)
			TRY(put(j, ",", 1));
		TRY(value(j, one, depth + 1));
	}
	return put(j, "]", 1);
}

static void
push(struct jcs *j, struct member m)
{
	if (j->n == j->cap) {
		const size_t cap = 2 * j->cap;
		const bool here = j->more == NULL;

		j->more = mem_more(
		    j->more, here ? 0 : j->cap * sizeof(m), cap * sizeof(m));
		if (here)
			memcpy(j->more, j->m, j->n * sizeof(m));
		j->m = j->more;
		j->cap = cap;
	}
	j->m[j->n++] = m;
}

static enum err
object(struct jcs *j, struct jv v, size_t depth)
{
	const uint8_t *end = v.p + v.n;
	const size_t base = j->n;
	struct jit it = jit_of(v);
	struct str k;

	while (it.p < it.end) {
		if (!jit_next(&it, &k, NULL))
			return ERR_SYNTAX;
		push(j,
		    (struct member){ .key = (const uint8_t *)k.p, .n = k.n });
	}
	if (j->n > base)
		members_sort(j->m + base, j->n - base, by_utf16);
	TRY(put(j, "{", 1));
	for (size_t i = base; i < j->n; i++) {
		const struct member m = j->m[i];
		const uint8_t *at = m.key + m.n;

		if (i > base)
			TRY(put(j, ",", 1));
		TRY(quoted(j, (struct str){ (const char *)m.key, m.n }));
		TRY(put(j, ":", 1));
		TRY(value(j,
		    (struct jv){ at, tape_size(at, (size_t)(end - at)) },
		    depth + 1));
	}
	j->n = base;
	return put(j, "}", 1);
}

static enum err
value(struct jcs *j, struct jv v, size_t depth)
{
	if (depth == JSON_DEPTH_MAX && jv_type(v) >= J_ARR)
		return ERR_LIMIT;
	switch (jv_type(v)) {
	case J_NULL:
		return put(j, "null", 4);
	case J_FALSE:
		return put(j, "false", 5);
	case J_TRUE:
		return put(j, "true", 4);
	case J_NUM:
		return number(j, jv_str(v));
	case J_STR:
		return quoted(j, jv_str(v));
	case J_ARR:
		return array(j, v, depth);
	case J_OBJ:
		return object(j, v, depth);
	case J_NONE:
	default:
		return ERR_SYNTAX;
	}
}

enum err
json_jcs(struct jv v, struct buf *out)
{
	__attribute__((uninitialized)) struct member here[MEMBERS_HERE];
	struct jcs j = { .s = sink_of(out), .m = here, .cap = MEMBERS_HERE };
	enum err e;

	if (v.n == 0 || tape_size(v.p, v.n) != v.n)
		return ERR_SYNTAX;
	j.safe = v.p + v.n;
	if (!sink_more(&j.s, 1, v.n + v.n / 8))
		return ERR_LIMIT;
	e = value(&j, v, 0);
	mem_free(j.more);
	if (e)
		sink_drop(&j.s);
	else
		sink_keep(&j.s);
	return e;
}
