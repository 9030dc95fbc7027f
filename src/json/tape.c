/* tape: walking and building.  Even on a tape nobody checked, no question
 * reads outside the bytes it was given; it only gets empty answers. */
#include "json/json-in.h"

static const char *
chars(const uint8_t *p)
{
	return (const char *)p;
}

struct jv
jv_of(struct str tape)
{
	const uint8_t *p = (const uint8_t *)tape.p;
	const size_t n = tape_size(p, tape.n);

	return n == 0 ? (struct jv){ NULL, 0 } : (struct jv){ p, n };
}

struct str
jv_bytes(struct jv v)
{
	return (struct str){ chars(v.p), v.n };
}

enum jtype
jv_type(struct jv v)
{
	return v.n == 0 || v.p[0] > J_OBJ ? J_NONE : (enum jtype)v.p[0];
}

bool
jv_is(struct jv v, enum jtype t)
{
	return jv_type(v) == t;
}

size_t
jv_count(struct jv v)
{
	return jv_type(v) >= J_ARR && v.n >= TREE ? get32(v.p + 1) : 0;
}

struct str
jv_str(struct jv v)
{
	const enum jtype t = jv_type(v);

	if ((t != J_STR && t != J_NUM) || v.n < LEAF ||
	    get32(v.p + 1) > v.n - LEAF)
		return (struct str){ NULL, 0 };
	return (struct str){ chars(v.p + LEAF), get32(v.p + 1) };
}

bool
jv_true(struct jv v)
{
	return jv_is(v, J_TRUE);
}

struct jit
jit_of(struct jv v)
{
	const size_t n = jv_type(v) >= J_ARR ? tape_size(v.p, v.n) : 0;

	if (n == 0)
		return (struct jit){ NULL, NULL, false };
	return (struct jit){ v.p + TREE, v.p + n, v.p[0] == J_OBJ };
}

bool
jit_next(struct jit *it, struct str *key, struct jv *val)
{
	const uint8_t *p = it->p;
	struct str k = { NULL, 0 };
	size_t n;

	if (it->obj) {
		if (it->end - p < WORD)
			return false;
		k.n = get32(p);
		p += WORD;
		if (k.n > (size_t)(it->end - p))
			return false;
		k.p = chars(p);
		p += k.n;
	}
	n = tape_size(p, (size_t)(it->end - p));
	if (n == 0)
		return false;
	if (key != NULL)
		*key = k;
	if (val != NULL)
		*val = (struct jv){ p, n };
	it->p = p + n;
	return true;
}

struct jv
jv_get(struct jv obj, struct str key)
{
	struct jit it = jit_of(obj);
	struct str k;
	struct jv v;

	while (it.obj && jit_next(&it, &k, &v))
		if (k.n == key.n && str_eq(k, key))
			return v;
	return (struct jv){ NULL, 0 };
}

struct jv
jv_at(struct jv obj, const char *path)
{
	struct str rest = str_of(path), part;

	while (str_split(&rest, '/', &part))
		obj = jv_get(obj, part);
	return obj;
}

bool
jv_same(struct jv a, struct jv b)
{
	return str_eq(jv_bytes(a), jv_bytes(b));
}

/* ---- building ---- */

static void
head(struct buf *b, enum jtype tag, size_t n)
{
	const uint8_t h[LEAF] = { (uint8_t)tag, (uint8_t)n, (uint8_t)(n >> 8),
		(uint8_t)(n >> 16), (uint8_t)(n >> 24) };

	buf_put(b, h, sizeof(h));
}

static void
leaf(struct buf *b, enum jtype tag, struct str s, bool good)
{
	if (!good || s.n > UINT32_MAX) {
		b->full = true;
		return;
	}
	head(b, tag, s.n);
	buf_str(b, s);
}

static size_t
tree(struct buf *b, enum jtype tag)
{
	const size_t mark = b->n;

	head(b, tag, 0);
	buf_u32(b, 0);
	return mark;
}

size_t
tape_obj(struct buf *b)
{
	return tree(b, J_OBJ);
}

size_t
tape_arr(struct buf *b)
{
	return tree(b, J_ARR);
}

void
tape_end(struct buf *b, size_t mark, size_t count)
{
	uint8_t *p = (uint8_t *)b->p + mark;

	if (b->full)
		return;
	BUG_ON(mark > b->n || b->n - mark < TREE || p[0] < J_ARR);
	if (count > UINT32_MAX || b->n - mark - TREE > UINT32_MAX) {
		b->full = true;
		return;
	}
	set32(p + 1, count);
	set32(p + 1 + WORD, b->n - mark - TREE);
}

void
tape_key(struct buf *b, struct str key)
{
	if (key.n > UINT32_MAX || !utf8_ok(key)) {
		b->full = true;
		return;
	}
	buf_u32(b, (uint32_t)key.n);
	buf_str(b, key);
}

void
tape_str(struct buf *b, struct str s)
{
	leaf(b, J_STR, s, utf8_ok(s));
}

void
tape_num(struct buf *b, struct str lexeme)
{
	leaf(b, J_NUM, lexeme, num_ok((const uint8_t *)lexeme.p, lexeme.n));
}

void
tape_i64(struct buf *b, int64_t v)
{
	uint64_t u = v < 0 ? 0 - (uint64_t)v : (uint64_t)v;
	char t[20];
	size_t i = sizeof(t);

	do {
		t[--i] = (char)('0' + u % 10);
		u /= 10;
	} while (u != 0);
	if (v < 0)
		t[--i] = '-';
	leaf(b, J_NUM, (struct str){ t + i, sizeof(t) - i }, true);
}

void
tape_bool(struct buf *b, bool v)
{
	buf_u8(b, v ? J_TRUE : J_FALSE);
}

void
tape_null(struct buf *b)
{
	buf_u8(b, J_NULL);
}

void
tape_copy(struct buf *b, struct jv v)
{
	const size_t n = tape_size(v.p, v.n);

	if (v.n == 0)
		tape_null(b);
	else if (n == 0)
		b->full = true;
	else
		buf_put(b, v.p, n);
}
