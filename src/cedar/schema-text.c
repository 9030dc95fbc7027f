/*
 * schema-text: schemas as people write them (.cedarschema): declarations and
 * namespaces.  Every word is read here and what names mean is not: that is
 * schema-resolve's.
 */
#include "cedar/text-in.h"

/* What of one namespace is read so far. */
struct draft {
	struct str name;
	struct vec common, entity, action;
	const struct ast_note *note;
	size_t note_n;
	struct ast_pos pos;
};

/* ---- declarations ---- */

typedef enum err item_fn(struct reader *r, struct vec *v);

/* item {"," item}, nothing after the last. */
static enum err
items(struct reader *r, item_fn *item, struct vec *v)
{
	for (;;) {
		TRY(item(r, v));
		if (!text_is(r, ","))
			return OK;
		TRY(text_next(r));
	}
}

static enum err
path_item(struct reader *r, struct vec *v)
{
	struct str *s = vec_add(r->a, v, sizeof(*s));

	return s == NULL ? text_spent(r)
			 : text_path(r, "the name of an entity type", s);
}

static enum err
ident_item(struct reader *r, struct vec *v)
{
	struct str *s = vec_add(r->a, v, sizeof(*s));
	struct str word = { NULL, 0 };

	if (s == NULL)
		return text_spent(r);
	TRY(text_ident(r, "the name of an entity type", &word));
	return text_keep(r, word, s);
}

static enum err
name_item(struct reader *r, struct vec *v)
{
	struct str *s = vec_add(r->a, v, sizeof(*s));

	return s == NULL ? text_spent(r)
			 : text_name(r, "the name of an action", s);
}

static enum err
string_item(struct reader *r, struct vec *v)
{
	struct str *s = vec_add(r->a, v, sizeof(*s));

	if (s == NULL)
		return text_spent(r);
	if (r->t.kind != TOK_STRING)
		return text_wrong(r, "a string, the id of an entity");
	TRY(ast_unescape(&r->t, r->a, s, r->why));
	return text_next(r);
}

/* Ns::Action::"id", "id" or id */
static enum err
parent_item(struct reader *r, struct vec *v)
{
	struct cedar_uid *u = vec_add(r->a, v, sizeof(*u));
	struct str word = { NULL, 0 };
	bool text;

	if (u == NULL)
		return text_spent(r);
	if (r->t.kind == TOK_STRING)
		return text_name(r, "", &u->id);
	TRY(text_ident(r, "the name of an action", &word));
	if (!text_is(r, "::"))
		return text_keep(r, word, &u->id);
	TRY(text_path_rest(r, word, &u->type, &text));
	if (!text)
		return text_wrong(r, "\"::\" and the action's id as a string");
	TRY(ast_unescape(&r->t, r->a, &u->id, r->why));
	return text_next(r);
}

/* One item, or [items]; empty: whether [] will do. */
static enum err
one_or_list(struct reader *r, item_fn *item, bool empty, struct vec *v)
{
	if (!text_is(r, "["))
		return item(r, v);
	TRY(text_next(r));
	if (!(empty && text_is(r, "]")))
		TRY(items(r, item, v));
	return text_want(r, "]", "\",\" or \"]\"");
}

static struct schema_strs
strs_of(const struct vec *v)
{
	return (struct schema_strs){ v->p, v->n };
}

static enum err
enum_body(struct reader *r, struct schema_entity *e)
{
	struct vec v = { 0 };

	TRY(text_next(r));
	TRY(text_want(r, "[", "\"[\" and the ids that exist"));
	TRY(items(r, string_item, &v));
	TRY(text_want(r, "]", "\",\" or \"]\""));
	e->is_enum = true;
	e->choice = strs_of(&v);
	return OK;
}

static enum err
entity_body(struct reader *r, struct schema_entity *e)
{
	struct vec v = { 0 };

	if (text_is(r, "enum"))
		return enum_body(r, e);
	if (text_is(r, "in")) {
		TRY(text_next(r));
		TRY(one_or_list(r, path_item, true, &v));
		e->parent = strs_of(&v);
	}
	if (text_is(r, "=")) {
		TRY(text_next(r));
		if (!text_is(r, "{"))
			return text_wrong(
			    r, "\"{\" and the entity's attributes");
	}
	if (text_is(r, "{"))
		TRY(text_record(r, &e->shape));
	if (text_is(r, "tags")) {
		TRY(text_next(r));
		TRY(text_type(r, &e->tags));
	}
	return OK;
}

static enum err
entity(struct reader *r, struct draft *d, const struct schema_entity *head)
{
	struct schema_entity e = *head;
	struct vec names = { 0 };

	TRY(text_next(r)); /* entity */
	TRY(items(r, ident_item, &names));
	TRY(entity_body(r, &e));
	TRY(text_want(r, ";", "\";\" after the entity"));
	for (size_t i = 0; i < names.n; i++) {
		struct schema_entity *at = vec_add(r->a, &d->entity, sizeof(e));

		if (at == NULL)
			return text_spent(r);
		e.name = VEC_AT(&names, struct str, i);
		*at = e;
	}
	return OK;
}

static enum err
apply_types(struct reader *r, const char *which, struct schema_strs *out)
{
	struct vec v = { 0 };

	if (out->n > 0)
		return ast_fail(ERR_SYNTAX, r->why, r->t.pos,
		    "appliesTo gives \"%s\" twice", which);
	TRY(text_next(r));
	TRY(text_want(r, ":", "\":\" and entity types"));
	if (text_is(r, "["))
		TRY(one_or_list(r, path_item, true, &v));
	else
		TRY(path_item(r, &v));
	if (v.n == 0)
		return ast_fail(ERR_SYNTAX, r->why, r->t.pos,
		    "\"%s\" names no entity type; an action that applies to "
		    "nothing has no appliesTo",
		    which);
	*out = strs_of(&v);
	return OK;
}

static enum err
apply_context(struct reader *r, struct schema_action *x)
{
	struct st *t;

	if (x->context != NULL)
		return ast_fail(ERR_SYNTAX, r->why, r->t.pos,
		    "appliesTo gives \"context\" twice");
	TRY(text_next(r));
	TRY(text_want(r, ":", "\":\" and a record or the name of one"));
	if (text_is(r, "{"))
		return text_record(r, &x->context);
	t = arena_alloc(r->a, sizeof(*t));
	if (t == NULL)
		return text_spent(r);
	t->kind = ST_COMMON;
	t->pos = r->t.pos;
	TRY(text_path(r, "\"{\" or the name of a common type", &t->name));
	x->context = t;
	return OK;
}

static enum err
applies_to(struct reader *r, struct schema_action *x)
{
	const struct ast_pos pos = r->t.pos;

	TRY(text_next(r));
	TRY(text_want(r, "{", "\"{\" after appliesTo"));
	do {
		if (text_is(r, "principal"))
			TRY(apply_types(r, "principal", &x->principal));
		else if (text_is(r, "resource"))
			TRY(apply_types(r, "resource", &x->resource));
		else if (text_is(r, "context"))
			TRY(apply_context(r, x));
		else
			return text_wrong(r, "principal, resource or context");
		if (!text_is(r, ","))
			break;
		TRY(text_next(r));
	} while (!text_is(r, "}"));
	TRY(text_want(r, "}", "\",\" or \"}\""));
	if (x->principal.n == 0 || x->resource.n == 0)
		return ast_fail(ERR_SYNTAX, r->why, pos,
		    "appliesTo lacks \"%s\": it needs principal and resource",
		    x->principal.n == 0 ? "principal" : "resource");
	return OK;
}

static enum err
action_body(struct reader *r, struct schema_action *x)
{
	struct vec v = { 0 };

	if (text_is(r, "in")) {
		TRY(text_next(r));
		TRY(one_or_list(r, parent_item, false, &v));
		x->has_parents = true;
		x->parent = v.p;
		x->parent_n = v.n;
	}
	x->applies = true;
	if (text_is(r, "appliesTo"))
		TRY(applies_to(r, x));
	if (text_is(
		r, "attributes")) { /* of old schemas; nothing may be in it */
		TRY(text_next(r));
		TRY(text_want(r, "{", "\"{\""));
		TRY(text_want(r, "}", "\"}\": actions have no attributes"));
	}
	return OK;
}

static enum err
action(struct reader *r, struct draft *d, const struct schema_action *head)
{
	struct schema_action x = *head;
	struct vec names = { 0 };

	TRY(text_next(r)); /* action */
	TRY(items(r, name_item, &names));
	TRY(action_body(r, &x));
	TRY(text_want(r, ";", "\";\" after the action"));
	for (size_t i = 0; i < names.n; i++) {
		struct schema_action *at = vec_add(r->a, &d->action, sizeof(x));

		if (at == NULL)
			return text_spent(r);
		x.name = VEC_AT(&names, struct str, i);
		*at = x;
	}
	return OK;
}

static enum err
common(struct reader *r, struct draft *d, const struct schema_common *head)
{
	struct schema_common *c = vec_add(r->a, &d->common, sizeof(*c));
	struct str word = { NULL, 0 };

	if (c == NULL)
		return text_spent(r);
	*c = *head;
	TRY(text_next(r)); /* type */
	c->pos = r->t.pos;
	TRY(text_ident(r, "the name of a type", &word));
	TRY(text_keep(r, word, &c->name));
	TRY(text_want(r, "=", "\"=\" after the type's name"));
	TRY(text_type(r, &c->type));
	return text_want(r, ";", "\";\" after the type");
}

static enum err
declaration(struct reader *r, struct draft *d, const struct ast_note *note,
    size_t note_n)
{
	const struct ast_pos pos = r->t.pos;

	if (text_is(r, "entity"))
		return entity(r, d,
		    &(struct schema_entity){
			.note = note, .note_n = note_n, .pos = pos });
	if (text_is(r, "action"))
		return action(r, d,
		    &(struct schema_action){
			.note = note, .note_n = note_n, .pos = pos });
	if (text_is(r, "type"))
		return common(r, d,
		    &(struct schema_common){
			.note = note, .note_n = note_n, .pos = pos });
	return text_wrong(r, "entity, action, type or namespace");
}

static enum err
named_space(struct reader *r, struct draft *d)
{
	d->pos = r->t.pos;
	TRY(text_next(r)); /* namespace */
	TRY(text_path(r, "the name of a namespace", &d->name));
	TRY(text_want(r, "{", "\"{\" after the namespace's name"));
	while (!text_is(r, "}")) {
		const struct ast_note *note;
		size_t note_n;

		TRY(text_notes(r, &note, &note_n));
		if (text_is(r, "namespace"))
			return text_wrong(r, "entity, action or type");
		TRY(declaration(r, d, note, note_n));
	}
	return text_next(r);
}

static enum err
file(struct reader *r, struct draft *nameless, struct vec *drafts)
{
	while (r->t.kind != TOK_END) {
		const struct ast_note *note;
		size_t note_n;
		struct draft *d;

		TRY(text_notes(r, &note, &note_n));
		if (!text_is(r, "namespace")) {
			TRY(declaration(r, nameless, note, note_n));
			continue;
		}
		d = vec_add(r->a, drafts, sizeof(*d));
		if (d == NULL)
			return text_spent(r);
		*d = (struct draft){ .note = note, .note_n = note_n };
		TRY(named_space(r, d));
	}
	return OK;
}

static void
ns_of(const struct draft *d, struct schema_ns *out)
{
	*out = (struct schema_ns){
		.name = d->name,
		.common = d->common.p,
		.common_n = d->common.n,
		.entity = d->entity.p,
		.entity_n = d->entity.n,
		.action = d->action.p,
		.action_n = d->action.n,
		.note = d->note,
		.note_n = d->note_n,
		.pos = d->pos,
	};
}

static enum err
read_all(struct reader *r, struct cedar_schema *s)
{
	struct draft nameless = { 0 };
	struct vec drafts = { 0 };
	struct schema_ns *ns;
	size_t n = 0;

	TRY(text_next(r));
	TRY(file(r, &nameless, &drafts));
	ns = arena_alloc(r->a, (drafts.n + 1) * sizeof(*ns));
	if (ns == NULL)
		return text_spent(r);
	if (nameless.common.n + nameless.entity.n + nameless.action.n > 0)
		ns_of(&nameless, &ns[n++]);
	for (size_t i = 0; i < drafts.n; i++)
		ns_of(&VEC_AT(&drafts, struct draft, i), &ns[n++]);
	s->ns = ns;
	s->ns_n = n;
	return schema_resolve(s, r->why);
}

enum err
cedar_schema_parse(
    struct str text, struct cedar_schema **out, struct cedar_why *why)
{
	struct reader r = { .tmp = { .max = 64 * 1024 }, .why = why };
	struct cedar_schema *s;
	enum err e;

	if (text.n > SCHEMA_TEXT_MAX)
		return ast_fail(ERR_LIMIT, why, (struct ast_pos){ 0, 0 },
		    "the schema is larger than %d bytes", SCHEMA_TEXT_MAX);
	if (!utf8_ok(text))
		return ast_fail(ERR_SYNTAX, why, (struct ast_pos){ 0, 0 },
		    "the schema is not UTF-8");
	r.a = arena_new(SCHEMA_ARENA);
	s = arena_alloc(r.a, sizeof(*s));
	BUG_ON(s == NULL);
	s->a = r.a;
	ast_lex_init(&r.lx, text, why);
	e = read_all(&r, s);
	buf_done(&r.tmp);
	if (e) {
		cedar_schema_free(s);
		return e;
	}
	*out = s;
	return OK;
}
