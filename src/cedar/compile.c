/*
 * compile: from the tree of policies to an image.  Texts, names and constants
 * are kept once; sets, records and extension values made of literals are
 * made here and not at each call.
 */
#include "cedar/code.h"

const uint8_t code_size[SEC__N] = {
	[SEC_NODE] = sizeof(struct code_node),
	[SEC_POS] = sizeof(struct ast_pos),
	[SEC_LIST] = sizeof(uint32_t),
	[SEC_CONST] = sizeof(struct code_const),
	[SEC_UID] = sizeof(struct code_span),
	[SEC_STR] = sizeof(struct code_span),
	[SEC_POLICY] = sizeof(struct code_policy),
	[SEC_BYTE] = 1,
};

struct maker {
	struct buf sec[SEC__N];
	struct map *strs, *uids; /* to places, one more than they are */
	struct arena *tmp;
	bool full;
};

static uint32_t
add(struct maker *m, enum code_sec s, const void *p)
{
	struct buf *b = &m->sec[s];
	const size_t at = b->n / code_size[s];

	buf_put(b, p, code_size[s]);
	if (b->full || at >= CODE_COUNT_MAX)
		m->full = true;
	return (uint32_t)at;
}

/* Places are kept in pointers, which maps hold; none is NULL.  Nothing is ever
 * read through them. */
static void *
to_ptr(uint32_t i)
{
	return (void *)((uintptr_t)i + 1); /* NOLINT(performance-*) */
}

static uint32_t
from_ptr(const void *p)
{
	return (uint32_t)((uintptr_t)p - 1);
}

static uint32_t
add_str(struct maker *m, struct str s)
{
	const void *old = map_get(m->strs, s);
	struct code_span span = { (uint32_t)m->sec[SEC_BYTE].n, (uint32_t)s.n };
	uint32_t at;

	if (old != NULL)
		return from_ptr(old);
	buf_put(&m->sec[SEC_BYTE], s.p, s.n);
	m->full = m->full || m->sec[SEC_BYTE].full;
	at = add(m, SEC_STR, &span);
	(void)map_put(m->strs, s, to_ptr(at));
	return at;
}

static uint32_t
add_uid(struct maker *m, struct cedar_uid u)
{
	const struct code_span uid = { add_str(m, u.type), add_str(m, u.id) };
	const struct str key = { (const char *)&uid, sizeof(uid) };
	const void *old = map_get(m->uids, key);
	uint32_t at;

	if (old != NULL)
		return from_ptr(old);
	at = add(m, SEC_UID, &uid);
	(void)map_put(m->uids, key, to_ptr(at));
	return at;
}

/* n places in a row of the list. */
static uint32_t
add_list(struct maker *m, const uint32_t *v, size_t n)
{
	const uint32_t at = (uint32_t)(m->sec[SEC_LIST].n / sizeof(uint32_t));

	for (size_t i = 0; i < n; i++)
		(void)add(m, SEC_LIST, &v[i]);
	return at;
}

static uint32_t *
numbers(struct maker *m, size_t n)
{
	uint32_t *v = arena_alloc(m->tmp, n * sizeof(*v));

	m->full = m->full || v == NULL;
	return v;
}

/* ---- constants ---- */
static bool fold(struct maker *m, const struct ast_expr *e, uint32_t *out);

static bool
fold_many(struct maker *m, const struct ast_expr *e, uint32_t *out)
{
	const bool record = e->kind == AST_RECORD;
	const size_t step = record ? 2 : 1;
	struct code_const c = { .type = record ? CEDAR_RECORD : CEDAR_SET,
		.n = e->n };
	uint32_t *v = numbers(m, step * e->n);

	if (v == NULL)
		return false;
	for (uint32_t i = 0; i < e->n; i++) {
		if (!fold(m, e->kid[i], &v[step * i + step - 1]))
			return false;
		if (record)
			v[step * i] = add_str(m, e->key[i]);
	}
	c.i = add_list(m, v, step * e->n);
	*out = add(m, SEC_CONST, &c);
	return true;
}

/* A constructor with a text that it takes; one that it refuses is left to
 * fail when it is reached. */
static bool
fold_call(struct maker *m, const struct ast_expr *e, uint32_t *out)
{
	struct code_const c = { 0 };
	struct cedar_value v;
	struct str text;

	if (e->fn > AST_FN_DURATION || e->n != 1 ||
	    e->kid[0]->kind != AST_STRING)
		return false;
	text = e->kid[0]->s;
	v = e->fn == AST_FN_DECIMAL    ? cedar_decimal_of(text)
	    : e->fn == AST_FN_IP       ? cedar_ip_of(text, m->tmp)
	    : e->fn == AST_FN_DATETIME ? cedar_datetime_of(text)
				       : cedar_duration_of(text);
	if (v.type == CEDAR_NONE)
		return false;
	c.type = v.type;
	c.i = v.type == CEDAR_IP ? add_str(m, text) : v.i;
	*out = add(m, SEC_CONST, &c);
	return true;
}

static bool
fold_neg(struct maker *m, const struct ast_expr *e, uint32_t *out)
{
	struct code_const c = { .type = CEDAR_LONG };

	if (e->kid[0]->kind != AST_LONG ||
	    __builtin_sub_overflow(0, e->kid[0]->i, &c.i))
		return false;
	*out = add(m, SEC_CONST, &c);
	return true;
}

/* Is e a constant?  Recursion: as deep as the tree (AST_DEPTH). */
static bool
fold(struct maker *m, const struct ast_expr *e, uint32_t *out)
{
	struct code_const c = { 0 };

	if (e->kind == AST_SET || e->kind == AST_RECORD)
		return fold_many(m, e, out);
	if (e->kind == AST_CALL)
		return fold_call(m, e, out);
	if (e->kind == AST_NEG)
		return fold_neg(m, e, out);
	if (e->kind == AST_BOOL || e->kind == AST_LONG) {
		c.type = e->kind == AST_BOOL ? CEDAR_BOOL : CEDAR_LONG;
		c.i = e->i;
	} else if (e->kind == AST_STRING) {
		c.type = CEDAR_STRING;
		c.i = add_str(m, e->s);
	} else if (e->kind == AST_UID) {
		c.type = CEDAR_ENTITY;
		c.i = add_uid(m, e->uid);
	} else {
		return false;
	}
	*out = add(m, SEC_CONST, &c);
	return true;
}

/* ---- nodes ---- */
static uint32_t
add_node(struct maker *m, struct code_node n, struct ast_pos pos)
{
	(void)add(m, SEC_POS, &pos);
	return add(m, SEC_NODE, &n);
}

static uint32_t make(struct maker *m, const struct ast_expr *e);

/* Kinds whose node has a list of all its kids. */
static const uint8_t list_op[AST__N] = {
	[AST_IF] = OP_IF,
	[AST_AND] = OP_AND,
	[AST_OR] = OP_OR,
	[AST_SET] = OP_SET,
	[AST_CALL] = OP_CALL,
};

static struct code_node
make_kids(struct maker *m, const struct ast_expr *e)
{
	struct code_node c = { .op = list_op[e->kind],
		.x = e->kind == AST_CALL ? e->fn : 0,
		.n = e->n };
	uint32_t *v = numbers(m, e->n);

	for (uint32_t i = 0; v != NULL && i < e->n; i++)
		v[i] = make(m, e->kid[i]);
	if (v != NULL)
		c.a = add_list(m, v, e->n);
	return c;
}

static struct code_node
make_record(struct maker *m, const struct ast_expr *e)
{
	struct code_node c = { .op = OP_RECORD, .n = e->n };
	uint32_t *v = numbers(m, 2 * (size_t)e->n);

	for (uint32_t i = 0; v != NULL && i < e->n; i++) {
		v[2 * i] = add_str(m, e->key[i]);
		v[2 * i + 1] = make(m, e->kid[i]);
	}
	if (v != NULL)
		c.a = add_list(m, v, 2 * (size_t)e->n);
	return c;
}

static struct code_node
make_has(struct maker *m, const struct ast_expr *e)
{
	struct code_node c = { .op = OP_HAS, .n = (uint32_t)e->path_n };
	uint32_t *v = numbers(m, e->path_n);

	c.a = make(m, e->kid[0]);
	for (size_t i = 0; v != NULL && i < e->path_n; i++)
		v[i] = add_str(m, e->path[i]);
	if (v != NULL)
		c.b = add_list(m, v, e->path_n);
	return c;
}

static size_t
put_utf8(char *to, uint32_t cp)
{
	static const uint8_t lead[] = { 0, 0, 0xc0, 0xe0, 0xf0 };
	const size_t n = cp < 0x80 ? 1 : cp < 0x800 ? 2 : cp < 0x10000 ? 3 : 4;

	if (n == 1) {
		to[0] = (char)cp;
		return 1;
	}
	for (size_t i = n - 1; i > 0; i--, cp >>= 6)
		to[i] = (char)(0x80 | (cp & 0x3f));
	to[0] = (char)(lead[n] | cp);
	return n;
}

/* A pattern as the texts between its wildcards.  UTF-8 needs no code points to
 * compare: no character's bytes are found inside another's. */
static struct code_node
make_like(struct maker *m, const struct ast_expr *e)
{
	const struct ast_pattern p = e->pattern;
	struct code_node c = { .op = OP_LIKE };
	uint32_t *v = numbers(m, p.n + 1);
	char *text = arena_alloc(m->tmp, 4 * p.n + 1);
	size_t n = 0, at = 0;

	c.a = make(m, e->kid[0]);
	if (v == NULL || text == NULL) {
		m->full = true;
		return c;
	}
	for (size_t i = 0; i < p.n; i++) {
		if (p.el[i] != AST_ANY) {
			at += put_utf8(text + at, p.el[i]);
			continue;
		}
		v[n++] = add_str(m, (struct str){ text, at });
		at = 0;
	}
	v[n++] = add_str(m, (struct str){ text, at });
	c.n = (uint32_t)n;
	c.b = add_list(m, v, n);
	return c;
}

static struct code_node
make_is(struct maker *m, const struct ast_expr *e)
{
	struct code_node c = { .op = e->n == 2 ? OP_IS_IN : OP_IS };

	c.a = make(m, e->kid[0]);
	if (e->n == 2) {
		c.b = make(m, e->kid[1]);
		c.n = add_str(m, e->s);
	} else {
		c.b = add_str(m, e->s);
	}
	return c;
}

static struct code_node
make_get(struct maker *m, const struct ast_expr *e)
{
	struct code_node c = { .op = OP_GET };

	c.a = make(m, e->kid[0]);
	c.b = add_str(m, e->s);
	return c;
}

/* Which operation a kind is, for those whose operands are nodes alone. */
static const uint8_t plain_op[AST__N] = {
	[AST_NOT] = OP_NOT,
	[AST_NEG] = OP_NEG,
	[AST_EQ] = OP_EQ,
	[AST_NE] = OP_NE,
	[AST_LT] = OP_LT,
	[AST_LE] = OP_LE,
	[AST_GT] = OP_GT,
	[AST_GE] = OP_GE,
	[AST_IN] = OP_IN,
	[AST_ADD] = OP_ADD,
	[AST_SUB] = OP_SUB,
	[AST_MUL] = OP_MUL,
	[AST_CONTAINS] = OP_CONTAINS,
	[AST_CONTAINS_ALL] = OP_CONTAINS_ALL,
	[AST_CONTAINS_ANY] = OP_CONTAINS_ANY,
	[AST_GET_TAG] = OP_GET_TAG,
	[AST_HAS_TAG] = OP_HAS_TAG,
	[AST_IS_EMPTY] = OP_IS_EMPTY,
};

static struct code_node
make_plain(struct maker *m, const struct ast_expr *e)
{
	struct code_node c = { .op = plain_op[e->kind] };

	c.a = make(m, e->kid[0]);
	if (e->n > 1)
		c.b = make(m, e->kid[1]);
	return c;
}

typedef struct code_node (*make_fn)(struct maker *, const struct ast_expr *);
static const make_fn makers[AST__N] = {
	[AST_IF] = make_kids,
	[AST_SET] = make_kids,
	[AST_CALL] = make_kids,
	[AST_AND] = make_kids,
	[AST_OR] = make_kids,
	[AST_RECORD] = make_record,
	[AST_HAS] = make_has,
	[AST_LIKE] = make_like,
	[AST_IS] = make_is,
	[AST_GET] = make_get,
};

/* Recursion: as deep as the tree (AST_DEPTH).  Kids come before their node. */
static uint32_t
make(struct maker *m, const struct ast_expr *e)
{
	struct code_node c = { .op = OP_CONST };

	if (e->kind == AST_VAR) {
		c.op = OP_VAR;
		c.x = e->var;
	} else if (!fold(m, e, &c.a)) {
		c = makers[e->kind] != NULL ? makers[e->kind](m, e)
					    : make_plain(m, e);
	}
	return add_node(m, c, e->pos);
}

/* ---- policies ---- */
static struct code_scope
make_scope(struct maker *m, const struct ast_scope *s)
{
	struct code_scope c = { .op = s->op, .n = (uint32_t)s->n };
	uint32_t *v = numbers(m, s->n);

	if (s->op == AST_SCOPE_IS || s->op == AST_SCOPE_IS_IN)
		c.type = add_str(m, s->type);
	for (size_t i = 0; v != NULL && i < s->n; i++)
		v[i] = add_uid(m, s->uid[i]);
	if (v != NULL)
		c.uid = add_list(m, v, s->n);
	return c;
}

static uint32_t
make_notes(struct maker *m, const struct ast_policy *p)
{
	uint32_t *v = numbers(m, 2 * p->note_n);

	for (size_t i = 0; v != NULL && i < p->note_n; i++) {
		v[2 * i] = add_str(m, p->note[i].name);
		v[2 * i + 1] = add_str(m, p->note[i].value);
	}
	return v == NULL ? 0 : add_list(m, v, 2 * p->note_n);
}

static void
make_policy(struct maker *m, const struct ast_policy *p)
{
	struct code_policy c = { .pos = p->pos, .forbid = p->forbid };
	uint32_t *v = numbers(m, p->cond_n);

	c.id = add_str(m, p->id);
	c.from = add_str(m, p->from == NULL ? STR("") : p->from->id);
	for (int i = 0; i < 3; i++)
		c.scope[i] = make_scope(m, &p->scope[i]);
	for (size_t i = 0; v != NULL && i < p->cond_n; i++) {
		struct code_node no = { .op = OP_NOT };

		v[i] = no.a = make(m, p->cond[i].expr);
		if (p->cond[i].unless)
			v[i] = add_node(m, no, p->cond[i].pos);
	}
	c.cond_n = (uint32_t)p->cond_n;
	c.cond = v == NULL ? 0 : add_list(m, v, p->cond_n);
	c.note_n = (uint32_t)p->note_n;
	c.note = make_notes(m, p);
	(void)add(m, SEC_POLICY, &c);
}

static void
put_image(const struct maker *m, struct buf *image)
{
	struct code_head head = { .magic = CODE_MAGIC };
	static const char zeros[8] = { 0 };

	for (int s = 0; s < SEC__N; s++)
		head.n[s] = (uint32_t)(m->sec[s].n / code_size[s]);
	buf_put(image, &head, sizeof(head));
	for (int s = 0; s < SEC__N; s++) {
		buf_str(image, buf_view(&m->sec[s]));
		buf_put(image, zeros, (8 - image->n % 8) % 8);
	}
}

enum err
code_compile(
    const struct cedar_policies *ps, struct buf *image, struct cedar_why *why)
{
	struct maker m = { .strs = map_new(1), .uids = map_new(2) };

	m.tmp = arena_new(CODE_IMAGE_MAX);
	for (int s = 0; s < SEC__N; s++)
		m.sec[s].max = CODE_IMAGE_MAX;
	for (size_t i = 0; i < ps->pol_n && !m.full; i++) {
		make_policy(&m, ps->pol[i]);
		arena_reset(m.tmp);
	}
	if (!m.full)
		put_image(&m, image);
	for (int s = 0; s < SEC__N; s++)
		buf_done(&m.sec[s]);
	arena_free(m.tmp);
	map_free(m.strs);
	map_free(m.uids);
	if (m.full || image->full)
		return ast_fail(ERR_LIMIT, why, (struct ast_pos){ 0 },
		    "the policies are too large to compile");
	return OK;
}
