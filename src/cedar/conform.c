/*
 * conform: do values that did not come from JSON (those are checked as they are
 * read) fit the schema?  Says where they do not: context.input.path.
 */
#include "cedar/schema.h"
#include "cedar/store.h"

/* Where one is: frames on the C stack, the innermost first. */
struct at {
	const struct at *up;
	struct str key;
};
struct conform {
	const struct cedar_schema *s;
	struct cedar_why *why;
};

static void
put_at(struct buf *b, const struct at *at)
{
	if (at == NULL)
		return;
	put_at(b, at->up);
	if (at->up != NULL)
		buf_ch(b, '.');
	buf_str(b, at->key);
}

static enum err
no(const struct conform *c, const struct at *at, const char *what,
    struct str which)
{
	struct buf b = { .max = 64 * 1024 };
	enum err e;

	put_at(&b, at);
	e = ast_fail(ERR_SYNTAX, c->why, (struct ast_pos){ 0, 0 },
	    "%.*s: %s%s%.*s", (int)(b.n < 120 ? b.n : 120),
	    b.p == NULL ? "" : b.p, what, which.n > 0 ? " " : "",
	    (int)(which.n < 80 ? which.n : 80), which.p == NULL ? "" : which.p);
	buf_done(&b);
	return e;
}

/* May this entity be named? */
static enum err
exists(const struct conform *c, const struct at *at, struct cedar_uid uid)
{
	const struct sc_entity *type = schema_entity(c->s, uid.type);

	if (type == NULL)
		return no(c, at, "this type is not in the schema:", uid.type);
	if (type->action && schema_action(c->s, uid) == NULL)
		return no(c, at, "this action is not in the schema:", uid.id);
	if (!schema_choice(type, uid.id))
		return no(c, at, "this is none of the type's ids:", uid.id);
	return OK;
}

static enum err fits(const struct conform *c, const struct at *at,
    struct cedar_value v, const struct ty *t);

static enum err
record_fits(const struct conform *c, const struct at *at, struct cedar_value v,
    const struct ty *t)
{
	for (uint32_t i = 0; i < t->n; i++)
		if (t->attr[i].required &&
		    cedar_get(v, t->attr[i].name) == NULL)
			return no(
			    c, at, "this member is required:", t->attr[i].name);
	for (uint32_t i = 0; i < v.n; i++) {
		const struct ty_attr *m = ty_attr(t, v.field[i].key);
		const struct at below = { at, v.field[i].key };

		if (m == NULL)
			return no(c, at, "this member is not in the schema:",
			    v.field[i].key);
		TRY(fits(c, &below, v.field[i].v, m->type));
	}
	return OK;
}

static enum err
entity_fits(const struct conform *c, const struct at *at, struct cedar_value v,
    const struct ty *t)
{
	if (!str_eq(v.ref->uid.type, t->ety[0]->name))
		return no(c, at, "expected an entity of type", t->ety[0]->name);
	return exists(c, at, v.ref->uid);
}

/* As deep as the type, which is bounded. */
static enum err
fits(const struct conform *c, const struct at *at, struct cedar_value v,
    const struct ty *t)
{
	static const uint8_t by_kind[] = { [TY_NEVER] = CEDAR_NONE,
		[TY_BOOL] = CEDAR_BOOL,
		[TY_TRUE] = CEDAR_NONE,
		[TY_FALSE] = CEDAR_NONE,
		[TY_LONG] = CEDAR_LONG,
		[TY_STRING] = CEDAR_STRING,
		[TY_ENTITY] = CEDAR_ENTITY,
		[TY_SET] = CEDAR_SET,
		[TY_RECORD] = CEDAR_RECORD,
		[TY_EXT] = CEDAR_NONE };
	static const uint8_t by_ext[] = { [TY_DECIMAL] = CEDAR_DECIMAL,
		[TY_IPADDR] = CEDAR_IP,
		[TY_DATETIME] = CEDAR_DATETIME,
		[TY_DURATION] = CEDAR_DURATION };
	const uint8_t want =
	    t->kind == TY_EXT ? by_ext[t->ext] : by_kind[t->kind];

	if (v.type == CEDAR_NONE || v.type != want)
		return no(c, at, "expected another type than",
		    str_of(cedar_type_name((enum cedar_type)v.type)));
	if (t->kind == TY_RECORD)
		return record_fits(c, at, v, t);
	if (t->kind == TY_ENTITY)
		return entity_fits(c, at, v, t);
	for (uint32_t i = 0; t->kind == TY_SET && i < v.n; i++) {
		const struct at below = { at, STR("[]") };

		TRY(fits(c, &below, v.el[i], t->el));
	}
	return OK;
}

static enum err
one_of(const struct conform *c, const struct at *at, struct cedar_uid uid,
    const struct sc_entity *const *list, size_t n)
{
	TRY(exists(c, at, uid));
	for (size_t i = 0; i < n; i++)
		if (str_eq(list[i]->name, uid.type))
			return OK;
	return no(c, at, "the action does not apply to type", uid.type);
}

enum err
cedar_request_check(const struct cedar_schema *s, const struct cedar_request *r,
    struct cedar_why *why)
{
	const struct conform c = { s, why };
	const struct at principal = { NULL, STR("principal") };
	const struct at action = { NULL, STR("action") };
	const struct at resource = { NULL, STR("resource") };
	const struct at context = { NULL, STR("context") };
	const struct sc_action *x = schema_action(s, r->var[AST_ACTION]->uid);

	if (x == NULL)
		return no(&c, &action, "this action is not in the schema:",
		    r->var[AST_ACTION]->uid.id);
	TRY(one_of(&c, &principal, r->var[AST_PRINCIPAL]->uid, x->principal,
	    x->principal_n));
	TRY(one_of(&c, &resource, r->var[AST_RESOURCE]->uid, x->resource,
	    x->resource_n));
	return fits(&c, &context, r->context, x->context);
}

static enum err
parents_fit(const struct conform *c, const struct sc_entity *type,
    const struct cedar_new_entity *x)
{
	const struct at at = { NULL, STR("parents") };

	for (size_t i = 0; i < x->parent_n; i++) {
		const struct sc_entity *up =
		    schema_entity(c->s, x->parent[i].type);

		TRY(exists(c, &at, x->parent[i]));
		if (!schema_entity_under(type, up))
			return no(c, &at, "the schema allows no parent of type",
			    up->name);
	}
	return OK;
}

/* An action's parents are exactly the schema's to say. */
static enum err
action_fits(const struct conform *c, const struct cedar_new_entity *x)
{
	const struct at at = { NULL, STR("parents") };
	const struct sc_action *a = schema_action(c->s, x->uid);

	if (x->attrs.n > 0 || x->tags.n > 0)
		return no(
		    c, &at, "actions have no attributes and no tags", STR(""));
	for (size_t i = 0; i < x->parent_n; i++) {
		const struct sc_action *up = schema_action(c->s, x->parent[i]);

		if (up == NULL || !schema_action_under(a, up))
			return no(c, &at,
			    "the schema has no such parent:", x->parent[i].id);
	}
	return OK;
}

static enum err
tags_fit(const struct conform *c, const struct ty *t, struct cedar_value tags)
{
	const struct at at = { NULL, STR("tags") };

	if (tags.type == CEDAR_NONE)
		return OK;
	if (tags.type != CEDAR_RECORD || (t == NULL && tags.n > 0))
		return no(c, &at, "the schema allows none", STR(""));
	for (uint32_t i = 0; i < tags.n; i++) {
		const struct at below = { &at, tags.field[i].key };

		TRY(fits(c, &below, tags.field[i].v, t));
	}
	return OK;
}

enum err
cedar_entity_check(const struct cedar_schema *s,
    const struct cedar_new_entity *x, struct cedar_why *why)
{
	const struct conform c = { s, why };
	const struct at uid = { NULL, STR("uid") };
	const struct at attrs = { NULL, STR("attrs") };
	const struct cedar_value none = { .type = CEDAR_RECORD };
	const struct sc_entity *type;

	TRY(exists(&c, &uid, x->uid));
	type = schema_entity(s, x->uid.type);
	if (type->action)
		return action_fits(&c, x);
	TRY(fits(&c, &attrs, x->attrs.type == CEDAR_NONE ? none : x->attrs,
	    type->attrs));
	TRY(parents_fit(&c, type, x));
	return tags_fit(&c, type->tags, x->tags);
}
