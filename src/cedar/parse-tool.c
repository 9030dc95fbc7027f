/*
 * parse-tool: the policy parser's tools: tokens, names and entities, lists
 * that grow.
 */
#include "cedar/parse-in.h"

/* ---- the parser's own tools ---- */
enum err
parser_next(struct parser *p)
{
	return ast_lex_next(&p->lx, &p->tok);
}

enum err
parser_init(
    struct parser *p, struct str text, struct arena *a, struct cedar_why *why)
{
	*p = (struct parser){ .a = a, .why = why };
	if (text.n > AST_TEXT_MAX)
		return ast_fail(ERR_LIMIT, why, (struct ast_pos){ 0 },
		    "a text of %zu bytes is too long; %d are allowed", text.n,
		    AST_TEXT_MAX);
	if (!utf8_ok(text))
		return ast_fail(ERR_SYNTAX, why, (struct ast_pos){ 0 },
		    "the text is not UTF-8");
	ast_lex_init(&p->lx, text, why);
	return parser_next(p);
}

enum err
parser_want(const struct parser *p, const char *what)
{
	char room[48];

	return ast_fail(ERR_SYNTAX, p->why, p->tok.pos,
	    "expected %s, found %.*s", what,
	    STR_ARG(ast_tok_show(&p->tok, room)));
}

enum err
parser_need(struct parser *p, const char *punct_or_word)
{
	return parser_at(p, punct_or_word) ? parser_next(p)
					   : parser_want(p, punct_or_word);
}

enum err
pile_add(struct parser *p, struct pile *l, size_t size, const void *thing)
{
	char *v = l->v;

	if (l->n == l->cap) {
		const size_t cap = l->cap == 0 ? 4 : 2 * l->cap;

		TRY(ast_alloc(p->a, cap, size, p->why, &v));
		if (l->n > 0)
			memcpy(v, l->v, l->n * size);
		l->v = v;
		l->cap = cap;
	}
	memcpy(v + l->n * size, thing, size);
	l->n++;
	return OK;
}

enum err
parser_kid(struct parser *p, struct pile *kids, const struct ast_expr *e)
{
	return pile_add(p, kids, sizeof(e), &e);
}

enum err
parser_make(struct parser *p, const struct ast_expr *proto,
    const struct pile *kids, const struct ast_expr **out)
{
	const struct ast_expr **v = kids->v;

	return ast_make(p->a, proto, v, kids->n, p->why, out);
}

/* ---- names ---- */

/* The word at hand, which must not be a reserved one, appended to *name. */
static enum err
name_word(struct parser *p, struct buf *name)
{
	if (p->tok.kind != TOK_WORD)
		return parser_want(p, "a name");
	if (!ast_is_ident(p->tok.s))
		return ast_fail(ERR_SYNTAX, p->why, p->tok.pos,
		    "%.*s is a reserved word and cannot be part of a name",
		    STR_ARG(p->tok.s));
	buf_str(name, p->tok.s);
	return parser_next(p);
}

enum { NAME_MAX_BYTES = 64 * 1024 };

static enum err
name_rest(struct parser *p, struct buf *name, bool *string_follows)
{
	TRY(name_word(p, name));
	*string_follows = false;
	while (parser_at(p, "::")) {
		TRY(parser_next(p));
		if (p->tok.kind == TOK_STRING) {
			*string_follows = true;
			return OK;
		}
		if (parser_at(p, "{"))
			return ast_fail(ERR_SYNTAX, p->why, p->tok.pos,
			    "an entity is written Type::\"id\"");
		buf_str(name, STR("::"));
		TRY(name_word(p, name));
	}
	return OK;
}

/* A name, and whether :: and a string come after it. */
enum err
parser_name_or_uid(struct parser *p, struct str *out, bool *string_follows)
{
	const struct ast_pos pos = p->tok.pos;
	struct buf name = { .max = NAME_MAX_BYTES };
	enum err e = name_rest(p, &name, string_follows);

	if (e == OK && buf_end(&name) != OK)
		e = ast_fail(ERR_LIMIT, p->why, pos, "this name is too long");
	if (e == OK) {
		*out = arena_str(p->a, buf_view(&name));
		if (out->p == NULL)
			e = ast_fail(ERR_LIMIT, p->why, pos,
			    "there is no memory left in the budget for this");
	}
	buf_done(&name);
	return e;
}

enum err
parser_name(struct parser *p, struct str *out)
{
	bool uid = false;

	if (p->tok.kind != TOK_WORD)
		return parser_want(p, "the name of an entity type");
	TRY(parser_name_or_uid(p, out, &uid));
	return uid ? ast_fail(ERR_SYNTAX, p->why, p->tok.pos,
			 "expected an entity type, found an entity")
		   : OK;
}

/* The token at hand is the id. */
enum err
parser_uid_id(struct parser *p, struct cedar_uid *out)
{
	TRY(ast_unescape(&p->tok, p->a, &out->id, p->why));
	return parser_next(p);
}

enum err
parser_uid(struct parser *p, struct cedar_uid *out)
{
	bool uid = false;

	if (p->tok.kind != TOK_WORD)
		return parser_want(p, "an entity such as User::\"alice\"");
	TRY(parser_name_or_uid(p, &out->type, &uid));
	if (!uid)
		return ast_fail(ERR_SYNTAX, p->why, p->tok.pos,
		    "expected an entity such as %.*s::\"id\"; to test for a "
		    "type, use \"is\"",
		    (int)(out->type.n < 100 ? out->type.n : 100), out->type.p);
	return parser_uid_id(p, out);
}

enum err
cedar_uid_parse(struct str text, struct arena *a, struct cedar_uid *out,
    struct cedar_why *why)
{
	struct cedar_uid uid;
	struct parser p;

	TRY(parser_init(&p, text, a, why));
	TRY(parser_uid(&p, &uid));
	if (p.tok.kind != TOK_END)
		return parser_want(&p, "the end");
	*out = uid;
	return OK;
}
