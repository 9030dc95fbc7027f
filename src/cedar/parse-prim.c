/*
 * parse-prim: what expressions are made of: literals, names, sets, records,
 * calls, and what follows a dot or a bracket.
 */
#include "cedar/parse-in.h"

/* ---- primaries ---- */

/* Expressions up to the closing sign, which is taken; a last comma may be. */
static enum err
list(struct parser *p, const char *close, struct pile *kids)
{
	while (!parser_at(p, close)) {
		const struct ast_expr *e;

		TRY(parser_expr(p, &e));
		TRY(parser_kid(p, kids, e));
		if (parser_at(p, close))
			break;
		if (!parser_at(p, ","))
			return ast_fail(ERR_SYNTAX, p->why, p->tok.pos,
			    "expected a comma or %s here", close);
		TRY(parser_next(p));
	}
	return parser_next(p);
}

/* Bytes of a table row of n strings. */
static enum err
no_double(
    struct parser *p, const struct str *key, size_t n, const struct ast_pos *at)
{
	struct map *seen;
	enum err e = OK;
	static char mark;

	if (n < 2)
		return OK;
	seen = map_new(n);
	for (size_t i = 0; e == OK && i < n; i++)
		if (map_put(seen, key[i], &mark) != NULL)
			e = ast_fail(ERR_SYNTAX, p->why, at[i],
			    "this record already has an attribute %.*s",
			    (int)(key[i].n < 80 ? key[i].n : 80), key[i].p);
	map_free(seen);
	return e;
}

enum err
parser_key(struct parser *p, struct str *out)
{
	if (p->tok.kind == TOK_STRING) {
		TRY(ast_unescape(&p->tok, p->a, out, p->why));
		return parser_next(p);
	}
	if (p->tok.kind != TOK_WORD)
		return parser_want(p, "an attribute name or \"string\"");
	if (!ast_is_ident(p->tok.s))
		return ast_fail(ERR_SYNTAX, p->why, p->tok.pos,
		    "%.*s is a reserved word; write it in quotes",
		    STR_ARG(p->tok.s));
	*out = arena_str(p->a, p->tok.s);
	if (out->p == NULL)
		return ast_fail(ERR_LIMIT, p->why, p->tok.pos,
		    "there is no memory left in the budget for this");
	return parser_next(p);
}

/* The comma between members, or what comes at their end. */
static enum err
comma(struct parser *p)
{
	if (parser_at(p, "}"))
		return OK;
	if (!parser_at(p, ","))
		return parser_want(p, "a comma or }");
	return parser_next(p);
}

/* After the brace. */
static enum err
record(struct parser *p, struct ast_pos pos, const struct ast_expr **out)
{
	struct ast_expr proto = { .kind = AST_RECORD, .pos = pos };
	struct pile kids = { 0 }, keys = { 0 }, places = { 0 };

	while (!parser_at(p, "}")) {
		const struct ast_expr *e;
		struct str key;

		TRY(pile_add(p, &places, sizeof(p->tok.pos), &p->tok.pos));
		TRY(parser_key(p, &key));
		TRY(parser_need(p, ":"));
		TRY(parser_expr(p, &e));
		TRY(pile_add(p, &keys, sizeof(key), &key));
		TRY(parser_kid(p, &kids, e));
		TRY(comma(p));
	}
	TRY(parser_next(p));
	TRY(no_double(p, keys.v, keys.n, places.v));
	proto.key = keys.v;
	return parser_make(p, &proto, &kids, out);
}

/* name( : after the parenthesis. */
static enum err
function(struct parser *p, struct str name, struct ast_pos pos,
    const struct ast_expr **out)
{
	struct ast_expr proto = { .kind = AST_CALL, .pos = pos };
	const int shown = (int)(name.n < 60 ? name.n : 60);
	struct pile kids = { 0 };
	enum ast_fn fn = AST_FN__N;
	bool method = ast_fn_find(name, &fn) && ast_fns[fn].method;

	for (size_t i = 0; i < ast_methods_n; i++)
		method = method || str_eq(ast_methods[i].name, name);
	if (method)
		return ast_fail(ERR_SYNTAX, p->why, pos,
		    "%.*s is a method: write x.%.*s(...)", shown, name.p, shown,
		    name.p);
	if (fn == AST_FN__N)
		return ast_fail(ERR_SYNTAX, p->why, pos,
		    "there is no function %.*s; there are decimal, ip, "
		    "datetime and duration",
		    shown, name.p);
	proto.fn = (uint8_t)fn;
	TRY(list(p, ")", &kids));
	return parser_make(p, &proto, &kids, out);
}

static const struct str vars[] = {
	[AST_PRINCIPAL] = STR_INIT("principal"),
	[AST_ACTION] = STR_INIT("action"),
	[AST_RESOURCE] = STR_INIT("resource"),
	[AST_CONTEXT] = STR_INIT("context"),
};

/* A word that is neither true, false nor "if". */
static enum err
named(struct parser *p, const struct ast_expr **out)
{
	struct ast_expr proto = { .pos = p->tok.pos };
	bool uid = false;
	struct str name;

	TRY(parser_name_or_uid(p, &name, &uid));
	if (uid) {
		proto.kind = AST_UID;
		proto.uid.type = name;
		TRY(parser_uid_id(p, &proto.uid));
		return ast_make(p->a, &proto, NULL, 0, p->why, out);
	}
	for (unsigned i = 0; i < countof(vars); i++)
		if (str_eq(vars[i], name)) {
			proto.kind = AST_VAR;
			proto.var = (uint8_t)i;
			return ast_make(p->a, &proto, NULL, 0, p->why, out);
		}
	if (parser_at(p, "(")) {
		TRY(parser_next(p));
		return function(p, name, proto.pos, out);
	}
	return ast_fail(ERR_SYNTAX, p->why, proto.pos,
	    "%.*s is no variable: there are principal, action, resource and "
	    "context (an attribute is x.name, a string has quotes)",
	    (int)(name.n < 60 ? name.n : 60), name.p);
}

enum err
parser_number(struct parser *p, bool negative, const struct ast_expr **out)
{
	struct ast_expr proto = { .kind = AST_LONG, .pos = p->tok.pos };
	const uint64_t top = (uint64_t)INT64_MAX + (negative ? 1 : 0);
	uint64_t v = 0;

	for (size_t i = 0; i < p->tok.s.n; i++) {
		const uint64_t d = (uint64_t)(p->tok.s.p[i] - '0');

		if (v > (top - d) / 10)
			return ast_fail(ERR_SYNTAX, p->why, p->tok.pos,
			    "this number is out of range: -9223372036854775808 "
			    "to 9223372036854775807");
		v = v * 10 + d;
	}
	proto.i = negative ? (int64_t)(0 - v) : (int64_t)v;
	TRY(parser_next(p));
	return ast_make(p->a, &proto, NULL, 0, p->why, out);
}

static enum err
word(struct parser *p, const struct ast_expr **out)
{
	struct ast_expr proto = { .kind = AST_BOOL, .pos = p->tok.pos };

	proto.i = parser_at(p, "true");
	if (proto.i != 0 || parser_at(p, "false")) {
		TRY(parser_next(p));
		if (parser_at(p, "::"))
			return ast_fail(ERR_SYNTAX, p->why, proto.pos,
			    "true and false cannot be part of a name");
		return ast_make(p->a, &proto, NULL, 0, p->why, out);
	}
	if (parser_at(p, "if"))
		return ast_fail(ERR_SYNTAX, p->why, proto.pos,
		    "an if within an expression needs parentheses around it");
	return named(p, out);
}

static enum err
string(struct parser *p, const struct ast_expr **out)
{
	struct ast_expr proto = { .kind = AST_STRING, .pos = p->tok.pos };

	TRY(ast_unescape(&p->tok, p->a, &proto.s, p->why));
	TRY(parser_next(p));
	return ast_make(p->a, &proto, NULL, 0, p->why, out);
}

/* What begins with a bracket. */
static enum err
bracket(struct parser *p, const struct ast_expr **out)
{
	const struct ast_expr proto = { .kind = AST_SET, .pos = p->tok.pos };
	const char open = p->tok.s.p[0];
	struct pile kids = { 0 };

	TRY(parser_next(p));
	if (open == '{')
		return record(p, proto.pos, out);
	if (open == '(') {
		TRY(parser_expr(p, out));
		return parser_need(p, ")");
	}
	TRY(list(p, "]", &kids));
	return parser_make(p, &proto, &kids, out);
}

static enum err
primary(struct parser *p, const struct ast_expr **out)
{
	if (p->tok.kind == TOK_WORD)
		return word(p, out);
	if (p->tok.kind == TOK_NUMBER)
		return parser_number(p, false, out);
	if (p->tok.kind == TOK_STRING)
		return string(p, out);
	if (p->tok.kind == TOK_SLOT)
		return ast_fail(ERR_SYNTAX, p->why, p->tok.pos,
		    "a slot stands only in the scope of a template, not in a "
		    "condition");
	if (parser_at(p, "(") || parser_at(p, "[") || parser_at(p, "{"))
		return bracket(p, out);
	return parser_want(p, "an expression");
}

/* ---- members ---- */

/* x.name( : after the parenthesis. */
static enum err
method(struct parser *p, const struct ast_tok *name, const struct ast_expr *of,
    const struct ast_expr **out)
{
	struct ast_expr proto = { .kind = AST_CALL, .pos = name->pos };
	const int shown = (int)(name->s.n < 60 ? name->s.n : 60);
	struct pile kids = { 0 };
	enum ast_fn fn = AST_FN__N;

	TRY(parser_kid(p, &kids, of));
	TRY(list(p, ")", &kids));
	for (size_t i = 0; i < ast_methods_n; i++) {
		const struct ast_method_row *m = &ast_methods[i];

		if (!str_eq(m->name, name->s))
			continue;
		if (kids.n != m->args)
			return ast_fail(ERR_SYNTAX, p->why, name->pos,
			    "%.*s takes %d argument%s, not %zu", shown,
			    name->s.p, m->args - 1, m->args == 2 ? "" : "s",
			    kids.n - 1);
		proto.kind = m->kind;
		return parser_make(p, &proto, &kids, out);
	}
	if (!ast_fn_find(name->s, &fn))
		return ast_fail(ERR_SYNTAX, p->why, name->pos,
		    "there is no method %.*s", shown, name->s.p);
	if (!ast_fns[fn].method)
		return ast_fail(ERR_SYNTAX, p->why, name->pos,
		    "%.*s is a function: write %.*s(...)", shown, name->s.p,
		    shown, name->s.p);
	proto.fn = (uint8_t)fn;
	return parser_make(p, &proto, &kids, out);
}

/* After the dot. */
static enum err
dot(struct parser *p, const struct ast_expr **e)
{
	struct ast_expr proto = { .kind = AST_GET, .pos = p->tok.pos };
	const struct ast_tok name = p->tok;
	const struct ast_expr *of = *e;

	if (name.kind != TOK_WORD)
		return parser_want(p, "an attribute or method name");
	if (!ast_is_ident(name.s))
		return ast_fail(ERR_SYNTAX, p->why, name.pos,
		    "%.*s is a reserved word; write x[\"%.*s\"]",
		    STR_ARG(name.s), STR_ARG(name.s));
	TRY(parser_next(p));
	if (parser_at(p, "(")) {
		TRY(parser_next(p));
		return method(p, &name, of, e);
	}
	proto.s = arena_str(p->a, name.s);
	if (proto.s.p == NULL)
		return ast_fail(ERR_LIMIT, p->why, name.pos,
		    "there is no memory left in the budget for this");
	return ast_make(p->a, &proto, &of, 1, p->why, e);
}

/* After the bracket. */
static enum err
subscript(struct parser *p, const struct ast_expr **e)
{
	struct ast_expr proto = { .kind = AST_GET, .pos = p->tok.pos };
	const struct ast_expr *of = *e;

	if (p->tok.kind != TOK_STRING)
		return parser_want(p, "an attribute as a \"string\"");
	TRY(ast_unescape(&p->tok, p->a, &proto.s, p->why));
	TRY(parser_next(p));
	TRY(parser_need(p, "]"));
	return ast_make(p->a, &proto, &of, 1, p->why, e);
}

static enum err
accesses(struct parser *p, const struct ast_expr **e)
{
	for (;;) {
		if (parser_at(p, ".")) {
			TRY(parser_next(p));
			TRY(dot(p, e));
		} else if (parser_at(p, "[")) {
			TRY(parser_next(p));
			TRY(subscript(p, e));
		} else if (parser_at(p, "(")) {
			return ast_fail(ERR_SYNTAX, p->why, p->tok.pos,
			    "this is no function and cannot be called");
		} else {
			return OK;
		}
	}
}

enum err
parser_member(struct parser *p, const struct ast_expr **out)
{
	TRY(primary(p, out));
	return accesses(p, out);
}
