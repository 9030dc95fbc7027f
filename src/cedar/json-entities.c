/*
 * json-entities: entities and requests from JSON.  With a schema an entity has
 * the attributes and tags that its type says, its parents are of types that may
 * be, and the actions of the schema are added; without one anything goes that
 * JSON can say.
 */
#include "cedar/json-in.h"

enum {
	ENTITIES_MEMBERS = 50 * 1000 * 1000,
	CONTEXT_MEMBERS = 1000 * 1000,
};

static const struct cedar_value no_fields = { .type = CEDAR_RECORD };

/* ---- one entity ---- */
static enum err
read_parents(struct json_in *in, struct jv v, struct cedar_new_entity *x,
    const struct sc_entity *type, const struct json_at *at)
{
	const size_t n = jv_count(v);
	const bool action = schema_is_action_type(x->uid.type);
	struct cedar_uid *p = arena_alloc(in->a, n * sizeof(*p));
	struct jit it = jit_of(v);
	struct jv e;

	if (p == NULL)
		return json_in_fail(in, ERR_LIMIT, at, "too many");
	for (size_t i = 0; i < n && jit_next(&it, NULL, &e); i++) {
		const struct sc_entity *up;

		TRY(json_in_uid(in, e, at, &p[i]));
		if (action && !schema_is_action_type(p[i].type))
			return json_in_fail(in, ERR_SYNTAX, at,
			    "an action cannot be in a %.*s",
			    STR_ARG(p[i].type));
		if (in->s == NULL || action)
			continue;
		TRY(json_in_exists(in, p[i], at));
		up = schema_entity(in->s, p[i].type);
		if (up == NULL || !schema_entity_under(type, up))
			return json_in_fail(in, ERR_SYNTAX, at,
			    "%.*s cannot be in %.*s", STR_ARG(x->uid.type),
			    STR_ARG(p[i].type));
	}
	x->parent = p;
	x->parent_n = n;
	return OK;
}

static enum err
read_tags(struct json_in *in, struct jv v, const struct sc_entity *type,
    const struct json_at *at, struct cedar_value *out)
{
	const size_t n = jv_count(v);
	struct cedar_field *f = arena_alloc(in->a, n * sizeof(*f));
	struct jit it = jit_of(v);
	struct jv e;

	if (f == NULL)
		return json_in_fail(in, ERR_LIMIT, at, "too many");
	for (size_t i = 0; i < n && jit_next(&it, &f[i].key, &e); i++) {
		const struct json_at here = { at, f[i].key };

		if (type != NULL && type->tags == NULL)
			return json_in_fail(in, ERR_SYNTAX, at,
			    "%.*s has no tags", STR_ARG(type->name));
		TRY(json_in_value(
		    in, e, type == NULL ? NULL : type->tags, &here, &f[i].v));
	}
	*out = cedar_record_in(f, n, in->a);
	return out->type == CEDAR_NONE
		   ? json_in_fail(in, ERR_LIMIT, at, "too many")
		   : OK;
}

/* The type that the schema gives uid; NULL with OK: none is asked for. */
static enum err
type_of(struct json_in *in, struct cedar_uid uid, const struct json_at *at,
    const struct sc_entity **out)
{
	*out = NULL;
	if (in->s == NULL || schema_is_action_type(uid.type))
		return OK;
	*out = schema_entity(in->s, uid.type);
	if (*out == NULL)
		return json_in_fail(in, ERR_SYNTAX, at,
		    "type %.*s is not in the schema", STR_ARG(uid.type));
	return json_in_exists(in, uid, at);
}

static enum err
read_entity(struct json_in *in, struct jv v, struct cedar_new_entity *x)
{
	const struct json_at none = { NULL, STR("uid") };
	const struct jv attrs = jv_get(v, STR("attrs"));
	const struct jv parents = jv_get(v, STR("parents"));
	const struct jv tags = jv_get(v, STR("tags"));
	struct buf name = { .max = 4096 };
	struct json_at self = { NULL, { NULL, 0 } };
	struct json_at at[3] = { { &self, STR("attrs") },
		{ &self, STR("parents") }, { &self, STR("tags") } };
	const struct sc_entity *type = NULL;
	enum err e;

	TRY(json_in_uid(in, jv_get(v, STR("uid")), &none, &x->uid));
	cedar_uid_put(&name, x->uid);
	self.key = buf_view(&name);
	if (!jv_is(attrs, J_OBJ) || !jv_is(parents, J_ARR) ||
	    (!jv_is(tags, J_OBJ) && !jv_is(tags, J_NONE)))
		e = json_in_fail(in, ERR_SYNTAX, &self,
		    "expected {uid, attrs, parents, tags}");
	else
		e = type_of(in, x->uid, &self, &type);
	if (e == OK)
		e = json_in_record(in, attrs, type == NULL ? NULL : type->attrs,
		    &at[0], &x->attrs);
	if (e == OK)
		e = read_parents(in, parents, x, type, &at[1]);
	if (e == OK)
		e = read_tags(in, tags, type, &at[2], &x->tags);
	buf_done(&name);
	return e;
}

/* ---- all of them ---- */
static enum err
read_all(struct json_in *in, struct jv v, struct cedar_entities *es)
{
	struct jit it = jit_of(v);
	struct jv e;

	if (!jv_is(v, J_ARR))
		return json_in_fail(
		    in, ERR_SYNTAX, NULL, "expected a list of entities");
	while (jit_next(&it, NULL, &e)) {
		struct cedar_new_entity x = { 0 };
		enum err bad;

		TRY(read_entity(in, e, &x));
		bad = cedar_entities_add(es, &x);
		if (bad == ERR_SYNTAX)
			return json_in_fail(in, bad, NULL,
			    "%.*s::\"%.*s\" is there twice",
			    STR_ARG(x.uid.type), STR_ARG(x.uid.id));
		if (bad)
			return json_in_fail(in, bad, NULL, "too many entities");
	}
	return cedar_entities_close(es, in->why);
}

/* An action that is given must be what the schema says. */
static enum err
check_action(struct json_in *in, const struct entity *e)
{
	const struct json_at at = { NULL, e->ref->uid.id };
	const struct sc_action *x = schema_action(in->s, e->ref->uid);
	bool same;

	if (x == NULL)
		return json_in_exists(in, e->ref->uid, &at);
	same = e->attrs.n == 0 && e->tags.n == 0 && e->up_n == x->up_n;
	for (size_t i = 0; i < x->up_n; i++) {
		const struct cedar_ref up =
		    cedar_ref_of(in->s->action[x->up[i]].uid);

		same = same && entity_under(e, &up);
	}
	return same ? OK
		    : json_in_fail(in, ERR_SYNTAX, &at,
			  "this action is not as the schema has it");
}

static enum err
add_action(
    struct json_in *in, const struct sc_action *x, struct cedar_entities *es)
{
	struct cedar_new_entity e = { .attrs = no_fields, .tags = no_fields };
	struct cedar_uid *p = arena_alloc(in->a, x->up_n * sizeof(*p));

	if (p == NULL)
		return json_in_fail(in, ERR_LIMIT, NULL, "too many actions");
	for (size_t i = 0; i < x->up_n; i++) {
		const struct cedar_uid u = in->s->action[x->up[i]].uid;

		p[i].type = arena_str(in->a, u.type);
		p[i].id = arena_str(in->a, u.id);
	}
	e.uid.type = arena_str(in->a, x->uid.type);
	e.uid.id = arena_str(in->a, x->uid.id);
	e.parent = p;
	e.parent_n = x->up_n;
	if (arena_spent(in->a) || store_add_closed(es, &e) != OK)
		return json_in_fail(in, ERR_LIMIT, NULL, "too many actions");
	return OK;
}

static enum err
add_actions(struct json_in *in, struct cedar_entities *es)
{
	for (const struct entity *e = es->first; e != NULL; e = e->next)
		if (schema_is_action_type(e->ref->uid.type))
			TRY(check_action(in, e));
	for (size_t i = 0; i < in->s->action_n; i++) {
		const struct sc_action *x = &in->s->action[i];
		const struct cedar_ref ref = cedar_ref_of(x->uid);

		if (store_find(es, &ref) == NULL)
			TRY(add_action(in, x, es));
	}
	return OK;
}

enum err
cedar_entities_from_json(struct str text, const struct cedar_schema *s,
    struct cedar_entities **out, struct cedar_why *why)
{
	struct cedar_entities *es = cedar_entities_new();
	struct json_in in = { cedar_entities_arena(es), s, why };
	struct jv v;
	enum err e = json_in_text(&in, text, ENTITIES_MEMBERS, &v);

	if (e == OK)
		e = read_all(&in, v, es);
	if (e == OK && s != NULL)
		e = add_actions(&in, es);
	if (e)
		cedar_entities_free(es);
	else
		*out = es;
	return e;
}

/* ---- requests ---- */
static bool
one_of(const struct sc_entity *const *v, size_t n, struct str type)
{
	for (size_t i = 0; i < n; i++)
		if (str_eq(v[i]->name, type))
			return true;
	return false;
}

static enum err
check_uids(struct json_in *in, const struct cedar_uid uid[static 3],
    const struct sc_action **out)
{
	const struct json_at at[3] = { { NULL, STR("principal") },
		{ NULL, STR("action") }, { NULL, STR("resource") } };
	const struct sc_action *x = schema_action(in->s, uid[AST_ACTION]);

	for (int i = 0; i < 3; i++)
		if (i != AST_ACTION &&
		    schema_entity(in->s, uid[i].type) == NULL)
			return json_in_fail(in, ERR_SYNTAX, &at[i],
			    "type %.*s is not in the schema",
			    STR_ARG(uid[i].type));
	if (x == NULL)
		return json_in_fail(in, ERR_SYNTAX, &at[AST_ACTION],
		    "\"%.*s\" is not in the schema",
		    STR_ARG(uid[AST_ACTION].id));
	if (!one_of(x->principal, x->principal_n, uid[AST_PRINCIPAL].type))
		return json_in_fail(in, ERR_SYNTAX, &at[AST_PRINCIPAL],
		    "action \"%.*s\" does not apply to %.*s",
		    STR_ARG(x->uid.id), STR_ARG(uid[AST_PRINCIPAL].type));
	if (!one_of(x->resource, x->resource_n, uid[AST_RESOURCE].type))
		return json_in_fail(in, ERR_SYNTAX, &at[AST_RESOURCE],
		    "action \"%.*s\" does not apply to %.*s",
		    STR_ARG(x->uid.id), STR_ARG(uid[AST_RESOURCE].type));
	TRY(json_in_exists(in, uid[AST_PRINCIPAL], &at[AST_PRINCIPAL]));
	TRY(json_in_exists(in, uid[AST_RESOURCE], &at[AST_RESOURCE]));
	*out = x;
	return OK;
}

enum err
cedar_request_new(const struct cedar_uid par[static 3], struct str context,
    const struct cedar_schema *s, struct arena *a, struct cedar_request **out,
    struct cedar_why *why)
{
	const struct json_at at = { NULL, STR("context") };
	struct json_in in = { a, s, why };
	const struct sc_action *x = NULL;
	struct cedar_value v = no_fields;
	struct cedar_uid uid[3];
	struct jv j;

	for (int i = 0; i < 3; i++) {
		uid[i].type = arena_str(a, par[i].type);
		uid[i].id = arena_str(a, par[i].id);
	}
	if (arena_spent(a))
		return json_in_fail(&in, ERR_LIMIT, NULL, "too large");
	if (s != NULL)
		TRY(check_uids(&in, uid, &x));
	TRY(json_in_text(
	    &in, context.n == 0 ? STR("{}") : context, CONTEXT_MEMBERS, &j));
	if (!jv_is(j, J_OBJ))
		return json_in_fail(&in, ERR_SYNTAX, &at, "expected an object");
	TRY(json_in_record(&in, j, x == NULL ? NULL : x->context, &at, &v));
	return cedar_request_of(uid, v, a, out);
}

static enum err
type_of_member(struct json_in *in, const struct cedar_member *m,
    const struct json_at *at, const struct ty **out)
{
	const struct sc_action *x = schema_action(m->schema, m->action);
	const struct ty_attr *one;

	if (x == NULL)
		return json_in_fail(in, ERR_SYNTAX, at,
		    "action \"%.*s\" is not in the schema",
		    STR_ARG(m->action.id));
	*out = x->context;
	if (m->member.n == 0)
		return OK;
	one = ty_attr(x->context, m->member);
	if (one == NULL)
		return json_in_fail(
		    in, ERR_SYNTAX, at, "the context has no such member");
	*out = one->type;
	return OK;
}

enum err
cedar_value_of_tape(struct str tape, const struct cedar_member *type,
    struct arena *a, struct cedar_value *out, struct cedar_why *why)
{
	const struct json_at at = { NULL, type == NULL || type->member.n == 0
					      ? STR("context")
					      : type->member };
	struct json_in in = { a, type == NULL ? NULL : type->schema, why };
	const struct ty *t = NULL;

	if (type != NULL)
		TRY(type_of_member(&in, type, &at, &t));
	return json_in_value(&in, jv_of(tape), t, &at, out);
}

enum err
cedar_tape_of_json(
    struct str text, struct arena *a, struct str *tape, struct cedar_why *why)
{
	struct json_in in = { a, NULL, why };
	struct jv j;

	TRY(json_in_text(&in, text, CONTEXT_MEMBERS, &j));
	*tape = jv_bytes(j);
	return OK;
}
