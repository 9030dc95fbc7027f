/*
 * parse: policies and templates, from text.  Annotations, effect, the three
 * parts of the scope, conditions.  What is read goes to the set at the end of
 * the text, or not at all.
 */
#include "cedar/parse-in.h"
#include "cedar/set-in.h"

/* ---- annotations ---- */
static enum err
annotation(struct parser *p, struct pile *notes)
{
	const struct ast_note *had = notes->v;
	struct ast_note n = { .pos = p->tok.pos };

	TRY(parser_next(p));
	if (p->tok.kind != TOK_WORD)
		return parser_want(p, "the name of an annotation");
	for (size_t i = 0; i < notes->n; i++)
		if (str_eq(had[i].name, p->tok.s))
			return ast_fail(ERR_SYNTAX, p->why, n.pos,
			    "this policy already has an annotation @%.*s",
			    (int)(p->tok.s.n < 80 ? p->tok.s.n : 80),
			    p->tok.s.p);
	n.name = arena_str(p->a, p->tok.s);
	TRY(parser_next(p));
	if (parser_at(p, "(")) {
		TRY(parser_next(p));
		if (p->tok.kind != TOK_STRING)
			return parser_want(p, "the annotation's \"value\"");
		TRY(ast_unescape(&p->tok, p->a, &n.value, p->why));
		n.has_value = true;
		TRY(parser_next(p));
		TRY(parser_need(p, ")"));
	}
	if (notes->n == AST_NOTES_MAX)
		return ast_fail(ERR_LIMIT, p->why, n.pos,
		    "more than %d annotations", AST_NOTES_MAX);
	return pile_add(p, notes, sizeof(n), &n);
}

/* ---- scope ---- */
static const struct {
	const char *name, *slot;
} parts[] = {
	[AST_PRINCIPAL] = { "principal", "?principal" },
	[AST_ACTION] = { "action", NULL },
	[AST_RESOURCE] = { "resource", "?resource" },
};

/* An entity, with parentheses or without. */
static enum err
scope_uid(struct parser *p, struct pile *uids, struct pile *places)
{
	struct cedar_uid uid;
	unsigned open = 0;

	for (; parser_at(p, "("); open++) {
		if (open == AST_DEPTH)
			return ast_fail(ERR_LIMIT, p->why, p->tok.pos,
			    "more than %d parentheses", AST_DEPTH);
		TRY(parser_next(p));
	}
	if (p->tok.kind == TOK_STRING)
		return ast_fail(ERR_SYNTAX, p->why, p->tok.pos,
		    "expected an entity such as User::\"alice\", found a "
		    "string without a type");
	TRY(pile_add(p, places, sizeof(p->tok.pos), &p->tok.pos));
	TRY(parser_uid(p, &uid));
	TRY(pile_add(p, uids, sizeof(uid), &uid));
	for (; open > 0; open--)
		TRY(parser_need(p, ")"));
	return OK;
}

/* A slot or an entity. */
static enum err
scope_one(struct parser *p, enum ast_var var, struct ast_scope *s)
{
	struct pile uids = { 0 }, places = { 0 };

	if (p->tok.kind == TOK_SLOT) {
		if (parts[var].slot == NULL)
			return ast_fail(ERR_SYNTAX, p->why, p->tok.pos,
			    "an action cannot be a slot");
		if (!str_eq(p->tok.s, str_of(parts[var].slot)))
			return ast_fail(ERR_SYNTAX, p->why, p->tok.pos,
			    "the slot of %s is %s", parts[var].name,
			    parts[var].slot);
		TRY(pile_add(p, &places, sizeof(p->tok.pos), &p->tok.pos));
		s->slot = true;
		s->uid_pos = places.v;
		return parser_next(p);
	}
	if (parser_at(p, "["))
		return ast_fail(ERR_SYNTAX, p->why, p->tok.pos,
		    "a list of entities is for \"action in\" only");
	TRY(scope_uid(p, &uids, &places));
	s->uid = uids.v;
	s->uid_pos = places.v;
	s->n = uids.n;
	return OK;
}

/* After the bracket. */
static enum err
scope_list(struct parser *p, struct ast_scope *s)
{
	struct pile uids = { 0 }, places = { 0 };

	s->op = AST_SCOPE_IN_LIST;
	while (!parser_at(p, "]")) {
		TRY(scope_uid(p, &uids, &places));
		if (parser_at(p, "]"))
			break;
		if (!parser_at(p, ","))
			return parser_want(p, "a comma or ]");
		TRY(parser_next(p));
	}
	s->uid = uids.v;
	s->uid_pos = places.v;
	s->n = uids.n;
	return parser_next(p);
}

/* The last part of an action's type is Action. */
bool
ast_is_action(struct str type)
{
	return str_eq(type, STR("Action")) || str_ends(type, STR("::Action"));
}

static enum err
scope_action_types(const struct parser *p, const struct ast_scope *s)
{
	for (size_t i = 0; i < s->n; i++)
		if (!ast_is_action(s->uid[i].type))
			return ast_fail(ERR_SYNTAX, p->why, s->uid_pos[i],
			    "the type of an action is Action, or ends in "
			    "::Action");
	return OK;
}

/* After "is". */
static enum err
scope_is(struct parser *p, enum ast_var var, struct ast_scope *s)
{
	if (var == AST_ACTION)
		return ast_fail(ERR_SYNTAX, p->why, p->tok.pos,
		    "\"is\" is not for actions");
	s->op = AST_SCOPE_IS;
	s->type_pos = p->tok.pos;
	TRY(parser_name(p, &s->type));
	if (parser_at(p, "=="))
		return ast_fail(ERR_SYNTAX, p->why, p->tok.pos,
		    "after \"is\" comes nothing or \"in\"; the entity of an "
		    "== has its type already");
	if (!parser_at(p, "in"))
		return OK;
	s->op = AST_SCOPE_IS_IN;
	TRY(parser_next(p));
	return scope_one(p, var, s);
}

static enum err
scope_in(struct parser *p, enum ast_var var, struct ast_scope *s)
{
	s->op = AST_SCOPE_IN;
	if (var == AST_ACTION && parser_at(p, "[")) {
		TRY(parser_next(p));
		return scope_list(p, s);
	}
	TRY(scope_one(p, var, s));
	if (parser_at(p, "is"))
		return ast_fail(ERR_SYNTAX, p->why, p->tok.pos,
		    "\"is\" comes before \"in\"");
	return OK;
}

static enum err
scope(struct parser *p, enum ast_var var, struct ast_scope *s)
{
	s->pos = p->tok.pos;
	if (!parser_at(p, parts[var].name))
		return parser_want(p, parts[var].name);
	TRY(parser_next(p));
	if (parser_at(p, ":"))
		return ast_fail(ERR_SYNTAX, p->why, p->tok.pos,
		    "a type is tested with \"is\"");
	if (parser_at(p, "is")) {
		TRY(parser_next(p));
		return scope_is(p, var, s);
	}
	if (parser_at(p, "in")) {
		TRY(parser_next(p));
		TRY(scope_in(p, var, s));
		return var == AST_ACTION ? scope_action_types(p, s) : OK;
	}
	if (parser_at(p, "==")) {
		s->op = AST_SCOPE_EQ;
		TRY(parser_next(p));
		TRY(scope_one(p, var, s));
		return var == AST_ACTION ? scope_action_types(p, s) : OK;
	}
	if (parser_at(p, "="))
		return ast_fail(
		    ERR_SYNTAX, p->why, p->tok.pos, "equality is written ==");
	if (!parser_at(p, ",") && !parser_at(p, ")"))
		return parser_want(p, "==, in, is, a comma or )");
	return OK;
}

/* After the parenthesis; a last comma may be. */
static enum err
scopes(struct parser *p, struct ast_policy *pol)
{
	for (unsigned i = 0; i < countof(parts); i++) {
		TRY(scope(p, (enum ast_var)i, &pol->scope[i]));
		if (i + 1 < countof(parts))
			TRY(parser_need(p, ","));
	}
	if (parser_at(p, ","))
		TRY(parser_next(p));
	return parser_need(p, ")");
}

/* ---- conditions ---- */
static enum err
condition(struct parser *p, struct pile *conds)
{
	struct ast_cond c = { .pos = p->tok.pos };

	c.unless = parser_at(p, "unless");
	if (!c.unless && !parser_at(p, "when"))
		return parser_want(p, "when, unless or ;");
	TRY(parser_next(p));
	TRY(parser_need(p, "{"));
	if (parser_at(p, "}"))
		return parser_want(p, "an expression");
	TRY(parser_expr(p, &c.expr));
	if (!parser_at(p, "}"))
		return parser_want(p, "an operator or }");
	TRY(parser_next(p));
	return pile_add(p, conds, sizeof(c), &c);
}

static enum err
policy(struct parser *p, struct ast_policy *pol)
{
	struct pile notes = { 0 }, conds = { 0 };

	while (parser_at(p, "@"))
		TRY(annotation(p, &notes));
	pol->pos = p->tok.pos;
	pol->forbid = parser_at(p, "forbid");
	if (!pol->forbid && !parser_at(p, "permit"))
		return parser_want(p, "permit, forbid or an annotation");
	TRY(parser_next(p));
	TRY(parser_need(p, "("));
	TRY(scopes(p, pol));
	while (!parser_at(p, ";"))
		TRY(condition(p, &conds));
	TRY(parser_next(p));
	pol->note = notes.v;
	pol->note_n = notes.n;
	pol->cond = conds.v;
	pol->cond_n = conds.n;
	return OK;
}

/* Everything of the text, into piles; the caller keeps them or not. */
static enum err
policies(struct parser *p, struct cedar_policies *ps)
{
	while (p->tok.kind != TOK_END) {
		struct ast_policy *pol;

		TRY(ast_alloc(ps->a, 1, sizeof(*pol), p->why, &pol));
		TRY(policy(p, pol));
		TRY(set_number(ps, pol, p->why));
		TRY(set_add(ps, pol, p->why));
	}
	return OK;
}

enum err
cedar_policies_parse(
    struct cedar_policies *ps, struct str text, struct cedar_why *why)
{
	const struct set_mark before = set_mark(ps);
	struct parser p;
	enum err e = parser_init(&p, text, ps->a, why);

	if (e == OK)
		e = policies(&p, ps);
	if (e != OK)
		set_undo(ps, before);
	return e;
}

static enum err
one(struct parser *p, struct cedar_policies *ps, struct str id)
{
	struct ast_policy *pol;

	TRY(ast_alloc(ps->a, 1, sizeof(*pol), p->why, &pol));
	TRY(policy(p, pol));
	if (p->tok.kind != TOK_END)
		return parser_want(p, "the end of the only policy");
	if (!utf8_ok(id))
		return ast_fail(ERR_SYNTAX, p->why, pol->pos,
		    "the id of a policy is UTF-8");
	pol->id = arena_str(ps->a, id);
	return set_add(ps, pol, p->why);
}

enum err
cedar_policy_parse(struct cedar_policies *ps, struct str id, struct str text,
    struct cedar_why *why)
{
	struct parser p;

	TRY(parser_init(&p, text, ps->a, why));
	return one(&p, ps, id);
}
