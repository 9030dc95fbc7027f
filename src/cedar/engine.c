/*
 * engine: opens an image.  Names get their hashes, constants become values,
 * the index is made; after that nothing in an engine changes.
 */
#include "cedar/code.h"

#define ENGINE_ARENA ((size_t)2 * CODE_IMAGE_MAX)

/* The sections of the image, by place; false: it is not one. */
static bool
find_sections(struct cedar_engine *e, const char *sec[static SEC__N])
{
	struct code_head head;
	size_t at = sizeof(head);

	if (e->image.n < sizeof(head))
		return false;
	memcpy(&head, e->image.p, sizeof(head));
	if (head.magic != CODE_MAGIC)
		return false;
	for (int s = 0; s < SEC__N; s++) {
		const size_t n = (size_t)head.n[s] * code_size[s];
		const size_t all = n + (8 - n % 8) % 8;

		if (all > e->image.n - at)
			return false;
		sec[s] = e->image.p + at;
		e->n[s] = head.n[s];
		at += all;
	}
	return at == e->image.n && e->n[SEC_POS] == e->n[SEC_NODE];
}

static bool
open_strs(struct cedar_engine *e, const struct code_span *span, const char *p)
{
	e->str = arena_alloc(e->a, e->n[SEC_STR] * sizeof(*e->str));
	if (e->str == NULL)
		return false;
	for (uint32_t i = 0; i < e->n[SEC_STR]; i++) {
		if (span[i].at > e->n[SEC_BYTE] ||
		    span[i].n > e->n[SEC_BYTE] - span[i].at)
			return false;
		e->str[i] = (struct str){ p + span[i].at, span[i].n };
	}
	return true;
}

static bool
open_uids(struct cedar_engine *e, const struct code_span *uid)
{
	e->uid = arena_alloc(e->a, e->n[SEC_UID] * sizeof(*e->uid));
	if (e->uid == NULL)
		return false;
	for (uint32_t i = 0; i < e->n[SEC_UID]; i++) {
		if (uid[i].at >= e->n[SEC_STR] || uid[i].n >= e->n[SEC_STR])
			return false;
		e->uid[i] = cedar_ref_of(
		    (struct cedar_uid){ e->str[uid[i].at], e->str[uid[i].n] });
	}
	return true;
}

/* ---- constants ---- */
struct opening {
	struct cedar_engine *e;
	struct arena *tmp;
	uint8_t *depth; /* of each constant; 0: it is in another already */
};

/* What the constant at place is made of lies before it, and in no other: so
 * none is deeper or larger than the image. */
static struct cedar_value
many_of(struct opening *o, const struct code_const *c, uint32_t place)
{
	const struct cedar_engine *e = o->e;
	const bool record = c->type == CEDAR_RECORD;
	const uint64_t step = record ? 2 : 1;
	const struct cedar_value none = { 0 };
	struct cedar_value *v = arena_alloc(o->tmp, c->n * sizeof(*v));
	struct cedar_field *f = arena_alloc(o->tmp, c->n * sizeof(*f));

	if (v == NULL || f == NULL || c->i < 0 || c->i > e->n[SEC_LIST] ||
	    step * c->n > e->n[SEC_LIST] - (uint64_t)c->i)
		return none;
	for (uint32_t i = 0; i < c->n; i++) {
		const uint32_t *p = &e->list[(uint64_t)c->i + step * i];
		const uint32_t kid = p[step - 1];

		if (kid >= place || (record && p[0] >= e->n[SEC_STR]) ||
		    o->depth[kid] == 0 || o->depth[kid] >= CODE_DEPTH)
			return none;
		if (o->depth[place] <= o->depth[kid])
			o->depth[place] = (uint8_t)(o->depth[kid] + 1);
		o->depth[kid] = 0;
		v[i] = f[i].v = e->konst[kid];
		f[i].key = record ? e->str[p[0]] : (struct str){ 0 };
	}
	return record ? cedar_record(f, c->n, e->a) : cedar_set(v, c->n, e->a);
}

static struct cedar_value
const_of(struct opening *o, const struct code_const *c, uint32_t place)
{
	const struct cedar_engine *e = o->e;
	struct cedar_value v = { .type = c->type };
	const struct cedar_value none = { 0 };

	v.i = c->i;
	if (c->type == CEDAR_SET || c->type == CEDAR_RECORD)
		return many_of(o, c, place);
	if (c->type == CEDAR_ENTITY)
		return c->i < 0 || c->i >= e->n[SEC_UID]
			   ? none
			   : cedar_entity(&e->uid[c->i]);
	if (c->type == CEDAR_STRING || c->type == CEDAR_IP) {
		if (c->i < 0 || c->i >= e->n[SEC_STR])
			return none;
		return c->type == CEDAR_IP ? cedar_ip_of(e->str[c->i], e->a)
					   : cedar_string(e->str[c->i]);
	}
	if (c->type == CEDAR_BOOL)
		return cedar_bool(c->i != 0);
	return c->type == CEDAR_LONG || c->type == CEDAR_DECIMAL ||
		       c->type == CEDAR_DATETIME || c->type == CEDAR_DURATION
		   ? v
		   : none;
}

static bool
open_consts(
    struct cedar_engine *e, const struct code_const *c, struct arena *tmp)
{
	const uint32_t n = e->n[SEC_CONST];
	struct opening o = { e, tmp, arena_alloc(e->a, n) };

	e->konst = arena_alloc(e->a, n * sizeof(*e->konst));
	if (e->konst == NULL || o.depth == NULL)
		return false;
	for (uint32_t i = 0; i < n; i++) {
		o.depth[i] = 1;
		e->konst[i] = const_of(&o, &c[i], i);
		if (e->konst[i].type == CEDAR_NONE)
			return false;
		arena_reset(tmp);
	}
	return true;
}

static enum err
open_all(struct cedar_engine *e, struct arena *tmp)
{
	const char *sec[SEC__N];

	if (!find_sections(e, sec))
		return ERR_SYNTAX;
	e->node = (const void *)sec[SEC_NODE];
	e->pos = (const void *)sec[SEC_POS];
	e->list = (const void *)sec[SEC_LIST];
	e->policy = (const void *)sec[SEC_POLICY];
	if (!open_strs(e, (const void *)sec[SEC_STR], sec[SEC_BYTE]) ||
	    !open_uids(e, (const void *)sec[SEC_UID]) ||
	    !open_consts(e, (const void *)sec[SEC_CONST], tmp) ||
	    !code_check(e, tmp))
		return arena_spent(e->a) || arena_spent(tmp) ? ERR_LIMIT
							     : ERR_SYNTAX;
	TRY(code_slots_make(e));
	return code_index_make(e);
}

/* The image is e's from here on. */
static enum err
open_image(struct buf image, struct cedar_engine **out)
{
	struct cedar_engine *e = mem_get(sizeof(*e));
	struct arena *tmp = arena_new(ENGINE_ARENA);
	enum err bad;

	e->a = arena_new(ENGINE_ARENA);
	e->image = image;
	bad = open_all(e, tmp);
	arena_free(tmp);
	if (bad)
		cedar_engine_free(e);
	else
		*out = e;
	return bad;
}

enum err
cedar_engine_open(struct str image, struct cedar_engine **out)
{
	struct buf copy = { .max = CODE_IMAGE_MAX };

	buf_str(&copy, image);
	if (copy.full)
		return ERR_LIMIT;
	return open_image(copy, out);
}

enum err
cedar_engine_new(const struct cedar_policies *ps, struct cedar_engine **out,
    struct cedar_why *why)
{
	struct buf image = { .max = CODE_IMAGE_MAX };
	enum err bad = code_compile(ps, &image, why);

	if (bad) {
		buf_done(&image);
		return bad;
	}
	bad = open_image(image, out);
	BUG_ON(bad == ERR_SYNTAX); /* we wrote it */
	if (bad)
		return ast_fail(bad, why, (struct ast_pos){ 0 },
		    "the policies are too large to index");
	return OK;
}

void
cedar_engine_free(struct cedar_engine *e)
{
	if (e == NULL)
		return;
	arena_free(e->a);
	buf_done(&e->image);
	mem_free(e);
}

struct str
cedar_engine_image(const struct cedar_engine *e)
{
	return buf_view(&e->image);
}

/* ---- what policies say of themselves ---- */
size_t
cedar_engine_count(const struct cedar_engine *e)
{
	return e->n[SEC_POLICY];
}

bool
cedar_engine_policy(
    const struct cedar_engine *e, size_t i, struct cedar_policy_info *out)
{
	const struct code_policy *p;

	if (i >= e->n[SEC_POLICY])
		return false;
	p = &e->policy[i];
	*out = (struct cedar_policy_info){ .id = e->str[p->id],
		.template_id = e->str[p->from],
		.forbid = p->forbid != 0,
		.line = p->pos.line,
		.col = p->pos.col };
	return true;
}

bool
cedar_engine_annotation(const struct cedar_engine *e, size_t i, size_t n,
    struct str *name, struct str *value)
{
	const struct code_policy *p;

	if (i >= e->n[SEC_POLICY] || n >= e->policy[i].note_n)
		return false;
	p = &e->policy[i];
	*name = e->str[e->list[p->note + 2 * n]];
	*value = e->str[e->list[p->note + 2 * n + 1]];
	return true;
}
