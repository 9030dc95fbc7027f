/*
 * write: a tape as JSON text.  It trusts no tape: a string that is not UTF-8,
 * a number that is none, a value that does not fit marks the buf full.
 */
#include "json/json-in.h"

/* How a byte that may not stand in a string is written. */
static size_t
escape(uint8_t c, char out[static 6])
{
	static const char hex[] = "0123456789abcdef";
	static const char name[256] = { ['"'] = '"',
		['\\'] = '\\',
		['\b'] = 'b',
		['\f'] = 'f',
		['\n'] = 'n',
		['\r'] = 'r',
		['\t'] = 't' };
	const char u[6] = { '\\', 'u', '0', '0', hex[c >> 4], hex[c & 15] };

	if (name[c] == 0) {
		memcpy(out, u, 6);
		return 6;
	}
	out[0] = '\\';
	out[1] = name[c];
	return 2;
}

enum err
put_quoted(struct sink *s, struct str text, const uint8_t *safe)
{
	const uint8_t *p = (const uint8_t *)text.p;
	struct run r = { .p = p, .end = p + text.n, .safe = safe };
	char e[6];
	size_t n;

	if (!sink_room(s, text.n + 2))
		return ERR_LIMIT;
	*s->o++ = '"';
	for (run_copy(&r, s); r.p < r.end; run_copy(&r, s)) {
		n = escape(*r.p++, e);
		if (!sink_room(s, n + (size_t)(r.end - r.p) + 1))
			return ERR_LIMIT;
		memcpy(s->o, e, n);
		s->o += n;
	}
	*s->o++ = '"';
	return r.high == 0 || utf8_ok(text) ? OK : ERR_SYNTAX;
}

struct wr {
	struct sink s;
	const uint8_t *safe;
};

static enum err value(struct wr *w, struct jv v, size_t depth);

static inline enum err
put(struct wr *w, const void *p, size_t n)
{
	if (!sink_room(&w->s, n))
		return ERR_LIMIT;
	memcpy(w->s.o, p, n);
	w->s.o += n;
	return OK;
}

static enum err
number(struct wr *w, struct str s)
{
	if (!num_ok((const uint8_t *)s.p, s.n))
		return ERR_SYNTAX;
	return put(w, s.p, s.n);
}

static enum err
tree(struct wr *w, struct jv v, size_t depth)
{
	const bool obj = v.p[0] == J_OBJ;
	struct jit it = jit_of(v);
	struct str key;
	struct jv val;

	if (depth == JSON_DEPTH_MAX)
		return ERR_LIMIT;
	TRY(put(w, obj ? "{" : "[", 1));
	for (bool first = true; it.p < it.end; first = false) {
		if (!jit_next(&it, &key, &val))
			return ERR_SYNTAX;
		if (!first)
			TRY(put(w, ",", 1));
		if (obj) {
			TRY(put_quoted(&w->s, key, w->safe));
			TRY(put(w, ":", 1));
		}
		TRY(value(w, val, depth + 1));
	}
	return put(w, obj ? "}" : "]", 1);
}

static enum err
value(struct wr *w, struct jv v, size_t depth)
{
	switch (jv_type(v)) {
	case J_NULL:
		return put(w, "null", 4);
	case J_FALSE:
		return put(w, "false", 5);
	case J_TRUE:
		return put(w, "true", 4);
	case J_NUM:
		return number(w, jv_str(v));
	case J_STR:
		return put_quoted(&w->s, jv_str(v), w->safe);
	case J_ARR:
	case J_OBJ:
		return tree(w, v, depth);
	case J_NONE:
	default:
		return ERR_SYNTAX;
	}
}

static void
finish(struct sink *s, enum err e)
{
	if (e == OK) {
		sink_keep(s);
		return;
	}
	sink_drop(s);
	s->b->full = true;
}

static enum err
whole(struct wr *w, struct jv v)
{
	if (tape_size(v.p, v.n) != v.n)
		return ERR_SYNTAX;
	if (!sink_more(&w->s, 1, v.n + v.n / 8))
		return ERR_LIMIT;
	return value(w, v, 0);
}

void
json_write(struct jv v, struct buf *out)
{
	struct wr w = { .s = sink_of(out) };

	if (v.n == 0) {
		buf_str(out, STR("null"));
		return;
	}
	w.safe = v.p + v.n;
	finish(&w.s, whole(&w, v));
}

void
json_quote(struct str s, struct buf *out)
{
	struct sink to = sink_of(out);

	if (s.p == NULL) /* an empty text may have no address */
		s = STR("");
	finish(&to, put_quoted(&to, s, (const uint8_t *)s.p + s.n));
}
