/*
 * parse-expr: operators, by recursive descent; a level of the grammar is a
 * function.  Depth is counted where the grammar comes back to its beginning:
 * in parser_expr.
 */
#include "cedar/parse-in.h"

/* ---- operators ---- */
enum { UNARY_MAX = 4 };

/*
 * After n minus signs and before a number: the last sign belongs to it, unless
 * an access follows, which binds closer.
 */
static enum err
signed_number(struct parser *p, unsigned *n, const struct ast_expr **out)
{
	const struct parser before = *p;

	if (*n == 0)
		return parser_member(p, out);
	TRY(parser_number(p, true, out));
	if (!parser_at(p, ".") && !parser_at(p, "[") && !parser_at(p, "(")) {
		--*n;
		return OK;
	}
	*p = before;
	return parser_member(p, out);
}

static enum err
unary(struct parser *p, const struct ast_expr **out)
{
	const bool minus = parser_at(p, "-");
	const char *sign = minus ? "-" : "!";
	struct ast_expr proto = { .kind = minus ? AST_NEG : AST_NOT,
		.pos = p->tok.pos };
	unsigned n = 0;

	for (; parser_at(p, sign); n++) {
		if (n == UNARY_MAX)
			return ast_fail(ERR_SYNTAX, p->why, p->tok.pos,
			    "at most %d %s in a row", UNARY_MAX, sign);
		TRY(parser_next(p));
	}
	if (minus && p->tok.kind == TOK_NUMBER)
		TRY(signed_number(p, &n, out));
	else
		TRY(parser_member(p, out));
	for (; n > 0; n--) {
		const struct ast_expr *of = *out;

		TRY(ast_make(p->a, &proto, &of, 1, p->why, out));
	}
	return OK;
}

static enum err
binary(struct parser *p, enum ast_kind kind, struct ast_pos pos,
    const struct ast_expr *right, const struct ast_expr **left)
{
	const struct ast_expr proto = { .kind = (uint8_t)kind, .pos = pos };
	const struct ast_expr *both[] = { *left, right };

	return ast_make(p->a, &proto, both, 2, p->why, left);
}

static enum err
product(struct parser *p, const struct ast_expr **out)
{
	TRY(unary(p, out));
	while (parser_at(p, "*")) {
		const struct ast_pos pos = p->tok.pos;
		const struct ast_expr *right;

		TRY(parser_next(p));
		TRY(unary(p, &right));
		TRY(binary(p, AST_MUL, pos, right, out));
	}
	if (parser_at(p, "/") || parser_at(p, "%"))
		return ast_fail(ERR_SYNTAX, p->why, p->tok.pos,
		    "the language has no %.*s", STR_ARG(p->tok.s));
	return OK;
}

static enum err
sum(struct parser *p, const struct ast_expr **out)
{
	TRY(product(p, out));
	while (parser_at(p, "+") || parser_at(p, "-")) {
		const enum ast_kind kind =
		    parser_at(p, "+") ? AST_ADD : AST_SUB;
		const struct ast_pos pos = p->tok.pos;
		const struct ast_expr *right;

		TRY(parser_next(p));
		TRY(product(p, &right));
		TRY(binary(p, kind, pos, right, out));
	}
	return OK;
}

/* After "has": a.b.c or "a". */
static enum err
has(struct parser *p, struct ast_pos pos, const struct ast_expr **e)
{
	struct ast_expr proto = { .kind = AST_HAS, .pos = pos };
	const struct ast_expr *of = *e;
	const bool quoted = p->tok.kind == TOK_STRING;
	struct pile path = { 0 };
	struct str name;

	for (;;) {
		if (!quoted && p->tok.kind != TOK_WORD)
			return parser_want(p, "an attribute name");
		TRY(parser_key(p, &name));
		TRY(pile_add(p, &path, sizeof(name), &name));
		if (path.n > AST_DEPTH)
			return ast_fail(ERR_LIMIT, p->why, pos,
			    "more than %d attributes after has", AST_DEPTH);
		if (quoted || !parser_at(p, "."))
			break;
		TRY(parser_next(p));
	}
	proto.path = path.v;
	proto.path_n = path.n;
	return ast_make(p->a, &proto, &of, 1, p->why, e);
}

static enum err
like(struct parser *p, struct ast_pos pos, const struct ast_expr **e)
{
	struct ast_expr proto = { .kind = AST_LIKE, .pos = pos };
	const struct ast_expr *of = *e;

	if (p->tok.kind != TOK_STRING)
		return parser_want(p, "a pattern in quotes");
	TRY(ast_unescape_pattern(&p->tok, p->a, &proto.pattern, p->why));
	TRY(parser_next(p));
	return ast_make(p->a, &proto, &of, 1, p->why, e);
}

static enum err
is(struct parser *p, struct ast_pos pos, const struct ast_expr **e)
{
	struct ast_expr proto = { .kind = AST_IS, .pos = pos };
	const struct ast_expr *both[] = { *e, NULL };

	TRY(parser_name(p, &proto.s));
	if (!parser_at(p, "in"))
		return ast_make(p->a, &proto, both, 1, p->why, e);
	TRY(parser_next(p));
	TRY(sum(p, &both[1]));
	return ast_make(p->a, &proto, both, 2, p->why, e);
}

static const struct {
	const char *sign;
	enum ast_kind kind;
} relations[] = {
	{ "==", AST_EQ },
	{ "!=", AST_NE },
	{ "<", AST_LT },
	{ "<=", AST_LE },
	{ ">", AST_GT },
	{ ">=", AST_GE },
	{ "in", AST_IN },
};
static const struct {
	const char *word;
	enum err (*read)(
	    struct parser *p, struct ast_pos pos, const struct ast_expr **e);
} tests[] = {
	{ "has", has },
	{ "like", like },
	{ "is", is },
};

/* One relation, if there is one; *found says. */
static enum err
relate(struct parser *p, const struct ast_expr **out, bool *found)
{
	const struct ast_pos pos = p->tok.pos;
	const struct ast_expr *right;

	*found = true;
	for (size_t i = 0; i < countof(relations); i++)
		if (parser_at(p, relations[i].sign)) {
			TRY(parser_next(p));
			TRY(sum(p, &right));
			return binary(p, relations[i].kind, pos, right, out);
		}
	for (size_t i = 0; i < countof(tests); i++)
		if (parser_at(p, tests[i].word)) {
			TRY(parser_next(p));
			return tests[i].read(p, pos, out);
		}
	*found = false;
	if (parser_at(p, "="))
		return ast_fail(
		    ERR_SYNTAX, p->why, pos, "equality is written ==");
	return OK;
}

static enum err
relation(struct parser *p, const struct ast_expr **out)
{
	const struct ast_expr *ignored;
	struct ast_pos pos;
	bool found;

	TRY(sum(p, out));
	TRY(relate(p, out, &found));
	if (!found)
		return OK;
	pos = p->tok.pos;
	ignored = *out;
	TRY(relate(p, &ignored, &found));
	return found ? ast_fail(ERR_SYNTAX, p->why, pos,
			   "comparisons do not chain: put parentheses around "
			   "one, or && between")
		     : OK;
}

/* A chain of one operator, one node.  What stood in parentheses at its left is
 * the same chain. */
static enum err
chain(struct parser *p, enum ast_kind kind, const char *sign,
    enum err (*below)(struct parser *, const struct ast_expr **),
    const struct ast_expr **out)
{
	struct ast_expr proto = { .kind = (uint8_t)kind };
	struct pile kids = { 0 };

	TRY(below(p, out));
	if (!parser_at(p, sign))
		return OK;
	proto.pos = p->tok.pos;
	if ((*out)->kind == kind)
		for (size_t i = 0; i < (*out)->n; i++)
			TRY(parser_kid(p, &kids, (*out)->kid[i]));
	else
		TRY(parser_kid(p, &kids, *out));
	while (parser_at(p, sign)) {
		const struct ast_expr *e;

		TRY(parser_next(p));
		TRY(below(p, &e));
		TRY(parser_kid(p, &kids, e));
	}
	return parser_make(p, &proto, &kids, out);
}

static enum err
conjunction(struct parser *p, const struct ast_expr **out)
{
	return chain(p, AST_AND, "&&", relation, out);
}

static enum err
conditional(struct parser *p, const struct ast_expr **out)
{
	struct ast_expr proto = { .kind = AST_IF, .pos = p->tok.pos };
	const struct ast_expr *kid[3];

	TRY(parser_next(p));
	TRY(parser_expr(p, &kid[0]));
	TRY(parser_need(p, "then"));
	TRY(parser_expr(p, &kid[1]));
	TRY(parser_need(p, "else"));
	TRY(parser_expr(p, &kid[2]));
	return ast_make(p->a, &proto, kid, 3, p->why, out);
}

enum err
parser_expr(struct parser *p, const struct ast_expr **out)
{
	if (p->depth == AST_DEPTH)
		return ast_fail(ERR_LIMIT, p->why, p->tok.pos,
		    "expressions nest more than %d deep here", AST_DEPTH);
	p->depth++;
	if (parser_at(p, "if"))
		TRY(conditional(p, out));
	else
		TRY(chain(p, AST_OR, "||", conjunction, out));
	p->depth--;
	return OK;
}

enum err
ast_parse_expr(struct str text, struct arena *a, const struct ast_expr **out,
    struct cedar_why *why)
{
	const struct ast_expr *e = NULL;
	struct parser p;

	TRY(parser_init(&p, text, a, why));
	TRY(parser_expr(&p, &e));
	if (p.tok.kind != TOK_END)
		return parser_want(&p, "an operator or the end");
	*out = e;
	return OK;
}
