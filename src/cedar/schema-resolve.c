/*
 * schema-resolve: types with their common types put in.  After OK every type is
 * of bounded depth and size and every reference leads to something declared.
 */
#include "cedar/resolve-in.h"

/* ---- types ---- */

static enum err
grow(struct resolver *r, const struct st *at, struct ty *t,
    const struct ty *part)
{
	if (part->depth >= t->depth)
		t->depth = part->depth + 1;
	t->weight += part->weight;
	if (t->depth > SCHEMA_DEPTH || t->weight > SCHEMA_WEIGHT)
		return ast_fail(ERR_LIMIT, r->why, at->pos,
		    "this type is too deep or too large with its common types "
		    "put in");
	return OK;
}

static enum err
resolve_record(struct resolver *r, const struct schema_ns *ns,
    const struct st *t, struct ty *out)
{
	struct ty_attr *p = arena_alloc(r->a, (t->n + 1) * sizeof(*p));

	if (p == NULL)
		return resolve_spent(r);
	for (size_t i = 0; i < t->n; i++) {
		p[i].name = t->attr[i].name;
		p[i].required = !t->attr[i].optional;
		TRY(resolve_type(r, ns, t->attr[i].type, &p[i].type));
		TRY(grow(r, t, out, p[i].type));
	}
	out->kind = TY_RECORD;
	out->attr = p;
	out->n = t->n;
	return OK;
}

enum err
resolve_common(struct resolver *r, struct common_def *c, struct ast_pos pos)
{
	if (c->type != NULL)
		return OK;
	if (c->busy)
		return resolve_refuse(r, c->decl->pos, "common type", c->full,
		    "is made of itself");
	if (r->chain == CHAIN_MAX)
		return ast_fail(ERR_LIMIT, r->why, pos,
		    "common types name each other in a chain of more than %d",
		    CHAIN_MAX);
	c->busy = true;
	r->chain++;
	TRY(resolve_type(r, c->ns, c->decl->type, &c->type));
	r->chain--;
	c->busy = false;
	return OK;
}

static enum err
resolve_name(struct resolver *r, const struct schema_ns *ns, const struct st *t,
    const struct ty **out)
{
	static const enum wanted by_kind[] = {
		[ST_ENTITY] = ENTITY, [ST_COMMON] = COMMON, [ST_EITHER] = EITHER
	};
	struct target to;

	TRY(resolve_find(r, ns, t->name, by_kind[t->kind], t->pos, &to));
	if (to.common != NULL) {
		TRY(resolve_common(r, to.common, t->pos));
		*out = to.common->type;
	} else {
		*out = to.type;
	}
	return OK;
}

static enum err
resolve_ext(struct resolver *r, const struct st *t, const struct ty **out)
{
	for (size_t i = 0; i < TY_EXT__N; i++)
		if (str_eq(t->name, ty_ext_name[i])) {
			*out = &ty_exts[i];
			return OK;
		}
	return resolve_refuse(r, t->pos, "extension type", t->name,
	    "does not exist: decimal, ipaddr, datetime, duration do");
}

enum err
resolve_type(struct resolver *r, const struct schema_ns *ns, const struct st *t,
    const struct ty **out)
{
	static const enum ty_kind prim[] = { [ST_BOOL] = TY_BOOL,
		[ST_LONG] = TY_LONG,
		[ST_STRING] = TY_STRING };
	struct ty *made;

	if (t->kind <= ST_STRING) {
		*out = &ty_prim[prim[t->kind]];
		return OK;
	}
	if (t->kind == ST_EXT)
		return resolve_ext(r, t, out);
	if (t->kind != ST_SET && t->kind != ST_RECORD)
		return resolve_name(r, ns, t, out);
	made = arena_alloc(r->a, sizeof(*made));
	if (made == NULL)
		return resolve_spent(r);
	made->depth = 1;
	made->weight = 1;
	if (t->kind == ST_RECORD) {
		TRY(resolve_record(r, ns, t, made));
	} else {
		made->kind = TY_SET;
		TRY(resolve_type(r, ns, t->el, &made->el));
		TRY(grow(r, t, made, made->el));
	}
	*out = made;
	return OK;
}

enum err
resolve_record_of(struct resolver *r, const struct schema_ns *ns,
    const struct st *t, const char *what, const struct ty **out)
{
	const struct ty *found = &ty_no_attrs;

	*out = &ty_no_attrs;
	if (t == NULL)
		return OK;
	TRY(resolve_type(r, ns, t, &found));
	if (found->kind != TY_RECORD)
		return ast_fail(
		    ERR_SYNTAX, r->why, t->pos, "%s must be a record", what);
	*out = found;
	return OK;
}
