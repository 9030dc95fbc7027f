/*
 * est-get: policies, templates and links from the JSON policy format.
 */
#include "cedar/est-in.h"
#include "cedar/set-in.h"

/* ---- scope ---- */
static enum err
entity_or_slot(
    struct est_reader *r, unsigned var, struct jv v, struct ast_scope *s)
{
	const struct jv entity = jv_get(v, STR("entity"));
	const struct jv slot = jv_get(v, STR("slot"));
	struct cedar_uid *u;

	if ((jv_type(entity) == J_NONE) == (jv_type(slot) == J_NONE))
		return est_wrong(r, "expected either entity or slot");
	if (jv_type(slot) != J_NONE) {
		if (var == AST_ACTION)
			return est_wrong(r, "an action cannot be a slot");
		if (jv_str(slot).n < 2 || jv_str(slot).p[0] != '?' ||
		    !str_eq(str_sub(jv_str(slot), 1, jv_str(slot).n),
			str_of(est_vars[var])))
			return est_wrong(r, "this is not the slot of its part");
		s->slot = true;
		return OK;
	}
	TRY(ast_alloc(r->a, 1, sizeof(*u), r->why, &u));
	TRY(est_uid(r, entity, u));
	s->uid = u;
	s->n = 1;
	return OK;
}

static enum err
entities(struct est_reader *r, struct jv v, struct ast_scope *s)
{
	struct jit it = jit_of(v);
	struct cedar_uid *u;
	struct jv el;

	if (!jv_is(v, J_ARR))
		return est_wrong(r, "expected an array of entities");
	TRY(ast_alloc(r->a, jv_count(v), sizeof(*u), r->why, &u));
	while (jit_next(&it, NULL, &el))
		TRY(est_uid(r, el, &u[s->n++]));
	s->op = AST_SCOPE_IN_LIST;
	s->uid = u;
	return OK;
}

static enum err
scope_is(struct est_reader *r, unsigned var, struct jv v, struct ast_scope *s)
{
	static const struct est_member ok[] = { { "op", true },
		{ "entity_type", true }, { "in", false } };
	static const struct est_member inner[] = { { "entity", false },
		{ "slot", false } };
	const struct jv in = jv_get(v, STR("in"));

	if (var == AST_ACTION)
		return est_wrong(r, "\"is\" is not for actions");
	TRY(est_shaped(r, v, ok, countof(ok)));
	TRY(est_type_name(r, jv_get(v, STR("entity_type")), &s->type));
	s->op = AST_SCOPE_IS;
	if (jv_type(in) == J_NONE)
		return OK;
	TRY(est_shaped(r, in, inner, countof(inner)));
	s->op = AST_SCOPE_IS_IN;
	return entity_or_slot(r, var, in, s);
}

static enum err
scope_of(struct est_reader *r, unsigned var, struct jv v, struct ast_scope *s)
{
	static const struct est_member ok[] = { { "op", true },
		{ "entity", false }, { "slot", false }, { "entities", false } };
	const struct str op = jv_str(jv_get(v, STR("op")));
	const struct jv list = jv_get(v, STR("entities"));

	if (str_eq(op, STR("is")))
		return scope_is(r, var, v, s);
	if (str_eq(op, STR("All")) || str_eq(op, STR("all")))
		return est_shaped(r, v, ok, 1);
	TRY(est_shaped(r, v, ok, countof(ok)));
	if (str_eq(op, STR("in")) && var == AST_ACTION &&
	    jv_type(list) != J_NONE) {
		if (jv_count(v) != 2)
			return est_wrong(
			    r, "expected either entity or entities");
		return entities(r, list, s);
	}
	if (jv_type(list) != J_NONE)
		return est_wrong(r, "entities are for action and \"in\" only");
	s->op = str_eq(op, STR("in")) ? AST_SCOPE_IN : AST_SCOPE_EQ;
	if (s->op == AST_SCOPE_EQ && !str_eq(op, STR("==")))
		return est_wrong(r, "op is All, ==, in or is");
	return entity_or_slot(r, var, v, s);
}

static enum err
scope(struct est_reader *r, unsigned var, struct jv policy, struct ast_scope *s)
{
	const struct str name = str_of(est_vars[var]);
	const size_t was = est_enter(r, name);

	TRY(scope_of(r, var, jv_get(policy, name), s));
	for (size_t i = 0; var == AST_ACTION && i < s->n; i++)
		if (!ast_is_action(s->uid[i].type))
			return est_wrong(r,
			    "the type of an action is Action, or ends in "
			    "::Action");
	est_leave(r, was);
	return OK;
}

/* ---- policies ---- */
static enum err
note(struct est_reader *r, struct str name, struct jv v, struct ast_note *n)
{
	const size_t was = est_enter(r, name);

	if (!ast_is_word(name))
		return est_wrong(r, "the name of an annotation is a word");
	n->name = arena_str(r->a, name);
	n->has_value = !jv_is(v, J_NULL);
	if (n->has_value)
		TRY(est_text(r, v, &n->value));
	est_leave(r, was);
	return OK;
}

static enum err
notes(struct est_reader *r, struct jv v, struct ast_policy *p)
{
	const size_t was = est_enter(r, STR("annotations"));
	struct jit it = jit_of(v);
	struct ast_note *n;
	struct str name;
	struct jv val;

	if (jv_type(v) != J_NONE && !jv_is(v, J_OBJ))
		return est_wrong(r, "expected an object");
	if (jv_count(v) > AST_NOTES_MAX)
		return est_wrong(r, "there are too many annotations");
	TRY(ast_alloc(r->a, jv_count(v), sizeof(*n), r->why, &n));
	while (jit_next(&it, &name, &val))
		TRY(note(r, name, val, &n[p->note_n++]));
	p->note = n;
	est_leave(r, was);
	return OK;
}

static enum err
condition(struct est_reader *r, struct jv v, struct ast_cond *c)
{
	static const struct est_member ok[] = { { "kind", true },
		{ "body", true } };
	const struct str kind = jv_str(jv_get(v, STR("kind")));
	size_t was;

	TRY(est_shaped(r, v, ok, countof(ok)));
	c->unless = str_eq(kind, STR("unless"));
	if (!c->unless && !str_eq(kind, STR("when")))
		return est_wrong(r, "kind is when or unless");
	was = est_enter(r, STR("body"));
	TRY(est_expr(r, jv_get(v, STR("body")), &c->expr));
	est_leave(r, was);
	return OK;
}

static enum err
conditions(struct est_reader *r, struct jv v, struct ast_policy *p)
{
	const size_t was = est_enter(r, STR("conditions"));
	struct jit it = jit_of(v);
	struct ast_cond *c;
	struct jv el;

	if (!jv_is(v, J_ARR))
		return est_wrong(r, "expected an array");
	TRY(ast_alloc(r->a, jv_count(v), sizeof(*c), r->why, &c));
	while (jit_next(&it, NULL, &el)) {
		char num[24];
		const int n = snprintf(num, sizeof(num), "%zu", p->cond_n);
		const size_t here =
		    est_enter(r, (struct str){ num, (size_t)n });

		TRY(condition(r, el, &c[p->cond_n++]));
		est_leave(r, here);
	}
	p->cond = c;
	est_leave(r, was);
	return OK;
}

static enum err
policy(struct est_reader *r, struct jv v, struct ast_policy *p)
{
	static const struct est_member ok[] = { { "effect", true },
		{ "principal", true }, { "action", true }, { "resource", true },
		{ "conditions", true }, { "annotations", false } };
	const struct str effect = jv_str(jv_get(v, STR("effect")));

	TRY(est_shaped(r, v, ok, countof(ok)));
	p->forbid = str_eq(effect, STR("forbid"));
	if (!p->forbid && !str_eq(effect, STR("permit")))
		return est_wrong(r, "effect is permit or forbid");
	for (unsigned i = 0; i < countof(p->scope); i++)
		TRY(scope(r, i, v, &p->scope[i]));
	TRY(conditions(r, jv_get(v, STR("conditions")), p));
	return notes(r, jv_get(v, STR("annotations")), p);
}

static enum err
add(struct est_reader *r, struct cedar_policies *ps, struct str id, struct jv v,
    const bool *template)
{
	struct ast_policy *p;

	TRY(ast_alloc(ps->a, 1, sizeof(*p), r->why, &p));
	TRY(policy(r, v, p));
	if (template != NULL && *template != set_is_template(p))
		return est_wrong(r, *template ? "a template has a slot"
					      : "a static policy has no slot");
	p->id = arena_str(ps->a, id);
	return set_add(ps, p, r->why);
}

static enum err
group(struct est_reader *r, struct cedar_policies *ps, struct jv set,
    const char *name, bool template)
{
	const size_t was = est_enter(r, str_of(name));
	const struct jv v = jv_get(set, str_of(name));
	struct jit it = jit_of(v);
	struct str id;
	struct jv el;

	if (!jv_is(v, J_OBJ))
		return est_wrong(r, "expected an object");
	while (jit_next(&it, &id, &el)) {
		const size_t here = est_enter(r, id);

		TRY(add(r, ps, id, el, &template));
		est_leave(r, here);
	}
	est_leave(r, was);
	return OK;
}

static enum err
link(struct est_reader *r, struct cedar_policies *ps, struct jv v)
{
	static const struct est_member ok[] = { { "templateId", true },
		{ "newId", true }, { "values", true } };
	static const struct est_member slots[] = { { "?principal", false },
		{ "?resource", false } };
	const struct jv values = jv_get(v, STR("values"));
	struct cedar_uid uid[2];
	const struct cedar_uid *given[2] = { NULL, NULL };
	struct str template, id;

	TRY(est_shaped(r, v, ok, countof(ok)));
	TRY(est_text(r, jv_get(v, STR("templateId")), &template));
	TRY(est_text(r, jv_get(v, STR("newId")), &id));
	TRY(est_shaped(r, values, slots, countof(slots)));
	for (size_t i = 0; i < countof(slots); i++) {
		const struct jv one = jv_get(values, str_of(slots[i].name));

		if (jv_type(one) == J_NONE)
			continue;
		TRY(est_uid(r, one, &uid[i]));
		given[i] = &uid[i];
	}
	return cedar_policies_link(
	    ps, template, id, given[0], given[1], r->why);
}

static enum err
set(struct est_reader *r, struct cedar_policies *ps, struct jv v)
{
	static const struct est_member ok[] = { { "staticPolicies", true },
		{ "templates", true }, { "templateLinks", true } };
	const struct jv links = jv_get(v, STR("templateLinks"));
	struct jit it = jit_of(links);
	struct jv el;

	TRY(est_shaped(r, v, ok, countof(ok)));
	TRY(group(r, ps, v, "staticPolicies", false));
	TRY(group(r, ps, v, "templates", true));
	(void)est_enter(r, STR("templateLinks"));
	if (!jv_is(links, J_ARR))
		return est_wrong(r, "expected an array");
	while (jit_next(&it, NULL, &el))
		TRY(link(r, ps, el));
	return OK;
}

enum err
cedar_policies_from_json(struct cedar_policies *ps, struct str id,
    struct str source, struct cedar_why *why)
{
	static const struct json_limits lim = { JSON_DEPTH_MAX, 10000000,
		AST_TEXT_MAX };
	struct est_reader r = { .a = ps->a, .why = why };
	const struct set_mark before = set_mark(ps);
	struct buf tape = { .max = AST_BUDGET };
	enum err e;

	if (why != NULL)
		why->line = why->col = 0;
	if (source.n > AST_TEXT_MAX || !utf8_ok(id))
		return ast_fail(ERR_LIMIT, why, (struct ast_pos){ 0 },
		    "at most %d bytes, and an id in UTF-8", AST_TEXT_MAX);
	e = json_parse(source, &lim, &tape, why == NULL ? NULL : &why->note);
	if (e == OK && id.n > 0)
		e = add(&r, ps, id, jv_of(buf_view(&tape)), NULL);
	else if (e == OK)
		e = set(&r, ps, jv_of(buf_view(&tape)));
	buf_done(&tape);
	if (e != OK)
		set_undo(ps, before);
	return e;
}
