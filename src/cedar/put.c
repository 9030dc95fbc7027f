/*
 * put: trees to text, on one line.  What is written parses to the same tree:
 * parentheses stand where the grammar needs them and nowhere else.
 */
#include "cedar/put-in.h"
#include "cedar/set-in.h"

/* Levels of the grammar; a deeper one never needs parentheses in a lower. */
enum level { L_EXPR, L_OR, L_AND, L_REL, L_SUM, L_PRODUCT, L_UNARY, L_MEMBER };

static const struct {
	const char *sign;
	uint8_t self, left, right; /* levels */
} ops[AST__N] = {
	[AST_OR] = { " || ", L_OR, L_AND, L_AND },
	[AST_AND] = { " && ", L_AND, L_REL, L_REL },
	[AST_EQ] = { " == ", L_REL, L_SUM, L_SUM },
	[AST_NE] = { " != ", L_REL, L_SUM, L_SUM },
	[AST_LT] = { " < ", L_REL, L_SUM, L_SUM },
	[AST_LE] = { " <= ", L_REL, L_SUM, L_SUM },
	[AST_GT] = { " > ", L_REL, L_SUM, L_SUM },
	[AST_GE] = { " >= ", L_REL, L_SUM, L_SUM },
	[AST_IN] = { " in ", L_REL, L_SUM, L_SUM },
	[AST_ADD] = { " + ", L_SUM, L_SUM, L_PRODUCT },
	[AST_SUB] = { " - ", L_SUM, L_SUM, L_PRODUCT },
	[AST_MUL] = { " * ", L_PRODUCT, L_PRODUCT, L_UNARY },
};

static void put(struct buf *out, const struct ast_expr *e, enum level at);

static void
put_key(struct buf *out, struct str key)
{
	if (ast_is_ident(key))
		buf_str(out, key);
	else
		ast_put_string(out, key);
}

static void
put_operator(struct buf *out, const struct ast_expr *e)
{
	for (size_t i = 0; i < e->n; i++) {
		if (i > 0)
			buf_str(out, str_of(ops[e->kind].sign));
		put(out, e->kid[i],
		    (enum level)(
			i == 0 ? ops[e->kind].left : ops[e->kind].right));
	}
}

/* At most four signs in a row; a sign before a number belongs to it. */
static void
put_unary(struct buf *out, const struct ast_expr *e)
{
	const uint8_t kind = e->kind;
	unsigned n = 0;

	for (; e->kind == kind && n < 4; n++) {
		buf_ch(out, kind == AST_NOT ? '!' : '-');
		e = e->kid[0];
	}
	if (kind == AST_NEG && e->kind == AST_LONG && (e->i >= 0 || n == 4)) {
		buf_ch(out, '(');
		put(out, e, L_EXPR);
		buf_ch(out, ')');
	} else {
		put(out, e,
		    kind == AST_NEG && e->kind == AST_LONG ? L_UNARY
							   : L_MEMBER);
	}
}

static void
put_list(struct buf *out, const struct ast_expr *e, size_t from)
{
	for (size_t i = from; i < e->n; i++) {
		if (i > from)
			buf_str(out, STR(", "));
		put(out, e->kid[i], L_EXPR);
	}
}

static void
put_call(struct buf *out, const struct ast_expr *e)
{
	const bool method = e->kind != AST_CALL || ast_fns[e->fn].method;

	if (method) {
		put(out, e->kid[0], L_MEMBER);
		buf_ch(out, '.');
	}
	for (size_t i = 0; i < ast_methods_n; i++)
		if (ast_methods[i].kind == e->kind)
			buf_str(out, ast_methods[i].name);
	if (e->kind == AST_CALL)
		buf_str(out, ast_fns[e->fn].name);
	buf_ch(out, '(');
	put_list(out, e, method ? 1 : 0);
	buf_ch(out, ')');
}

static void
put_get(struct buf *out, const struct ast_expr *e)
{
	put(out, e->kid[0], L_MEMBER);
	if (ast_is_ident(e->s)) {
		buf_ch(out, '.');
		buf_str(out, e->s);
		return;
	}
	buf_ch(out, '[');
	ast_put_string(out, e->s);
	buf_ch(out, ']');
}

static void
put_test(struct buf *out, const struct ast_expr *e)
{
	put(out, e->kid[0], L_SUM);
	if (e->kind == AST_LIKE) {
		buf_str(out, STR(" like "));
		ast_put_pattern(out, e->pattern);
	} else if (e->kind == AST_IS) {
		buf_str(out, STR(" is "));
		buf_str(out, e->s);
		if (e->n > 1) {
			buf_str(out, STR(" in "));
			put(out, e->kid[1], L_SUM);
		}
	} else {
		buf_str(out, STR(" has "));
		for (size_t i = 0; i < e->path_n; i++) {
			if (i > 0)
				buf_ch(out, '.');
			put_key(out, e->path[i]);
		}
	}
}

static void
put_record(struct buf *out, const struct ast_expr *e)
{
	buf_ch(out, '{');
	for (size_t i = 0; i < e->n; i++) {
		if (i > 0)
			buf_str(out, STR(", "));
		put_key(out, e->key[i]);
		buf_str(out, STR(": "));
		put(out, e->kid[i], L_EXPR);
	}
	buf_ch(out, '}');
}

static void
put_if(struct buf *out, const struct ast_expr *e)
{
	buf_str(out, STR("if "));
	put(out, e->kid[0], L_EXPR);
	buf_str(out, STR(" then "));
	put(out, e->kid[1], L_EXPR);
	buf_str(out, STR(" else "));
	put(out, e->kid[2], L_EXPR);
}

static void
put_set(struct buf *out, const struct ast_expr *e)
{
	buf_ch(out, '[');
	put_list(out, e, 0);
	buf_ch(out, ']');
}

static void
put_leaf(struct buf *out, const struct ast_expr *e)
{
	static const char *const vars[] = { "principal", "action", "resource",
		"context" };

	if (e->kind == AST_BOOL)
		buf_str(out, e->i != 0 ? STR("true") : STR("false"));
	else if (e->kind == AST_LONG)
		buf_fmt(out, "%lld", (long long)e->i);
	else if (e->kind == AST_STRING)
		ast_put_string(out, e->s);
	else if (e->kind == AST_UID)
		cedar_uid_put(out, e->uid);
	else
		buf_str(out, str_of(vars[e->var]));
}

static enum level
level(const struct ast_expr *e)
{
	switch (e->kind) {
	case AST_IF:
		return L_EXPR;
	case AST_HAS:
	case AST_LIKE:
	case AST_IS:
		return L_REL;
	case AST_NOT:
	case AST_NEG:
		return L_UNARY;
	case AST_LONG:
		return e->i < 0 ? L_UNARY : L_MEMBER;
	default:
		return ops[e->kind].sign != NULL ? (enum level)ops[e->kind].self
						 : L_MEMBER;
	}
}

static void (*const putters[AST__N])(
    struct buf *out, const struct ast_expr *e) = {
	[AST_BOOL] = put_leaf,
	[AST_LONG] = put_leaf,
	[AST_STRING] = put_leaf,
	[AST_UID] = put_leaf,
	[AST_VAR] = put_leaf,
	[AST_IF] = put_if,
	[AST_AND] = put_operator,
	[AST_OR] = put_operator,
	[AST_NOT] = put_unary,
	[AST_NEG] = put_unary,
	[AST_EQ] = put_operator,
	[AST_NE] = put_operator,
	[AST_LT] = put_operator,
	[AST_LE] = put_operator,
	[AST_GT] = put_operator,
	[AST_GE] = put_operator,
	[AST_IN] = put_operator,
	[AST_ADD] = put_operator,
	[AST_SUB] = put_operator,
	[AST_MUL] = put_operator,
	[AST_CONTAINS] = put_call,
	[AST_CONTAINS_ALL] = put_call,
	[AST_CONTAINS_ANY] = put_call,
	[AST_GET_TAG] = put_call,
	[AST_HAS_TAG] = put_call,
	[AST_IS_EMPTY] = put_call,
	[AST_GET] = put_get,
	[AST_HAS] = put_test,
	[AST_LIKE] = put_test,
	[AST_IS] = put_test,
	[AST_SET] = put_set,
	[AST_RECORD] = put_record,
	[AST_CALL] = put_call,
};

static void
put(struct buf *out, const struct ast_expr *e, enum level at)
{
	const bool wrap = level(e) < at;

	if (out->full)
		return;
	if (wrap)
		buf_ch(out, '(');
	putters[e->kind](out, e);
	if (wrap)
		buf_ch(out, ')');
}

void
ast_put_expr(struct buf *out, const struct ast_expr *e)
{
	put(out, e, L_EXPR);
}

void
cedar_uid_put(struct buf *out, struct cedar_uid uid)
{
	buf_str(out, uid.type);
	buf_str(out, STR("::"));
	ast_put_string(out, uid.id);
}

/* ---- policies ---- */
static void
put_scope(struct buf *out, const struct ast_scope *s, const char *name)
{
	static const char *const words[] = {
		[AST_SCOPE_ANY] = "",
		[AST_SCOPE_EQ] = " == ",
		[AST_SCOPE_IN] = " in ",
		[AST_SCOPE_IN_LIST] = " in [",
		[AST_SCOPE_IS] = " is ",
		[AST_SCOPE_IS_IN] = " is ",
	};

	buf_str(out, str_of(name));
	buf_str(out, str_of(words[s->op]));
	buf_str(out, s->type);
	if (s->op == AST_SCOPE_IS_IN)
		buf_str(out, STR(" in "));
	if (s->slot) {
		buf_ch(out, '?');
		buf_str(out, str_of(name));
	}
	for (size_t i = 0; i < s->n; i++) {
		if (i > 0)
			buf_str(out, STR(", "));
		cedar_uid_put(out, s->uid[i]);
	}
	if (s->op == AST_SCOPE_IN_LIST)
		buf_ch(out, ']');
}

void
put_policy(struct buf *out, const struct ast_policy *p)
{
	static const char *const names[] = { "principal", "action",
		"resource" };

	for (size_t i = 0; i < p->note_n; i++) {
		buf_ch(out, '@');
		buf_str(out, p->note[i].name);
		if (p->note[i].has_value) {
			buf_ch(out, '(');
			ast_put_string(out, p->note[i].value);
			buf_ch(out, ')');
		}
		buf_ch(out, '\n');
	}
	buf_str(out, p->forbid ? STR("forbid (") : STR("permit ("));
	for (size_t i = 0; i < countof(names); i++) {
		if (i > 0)
			buf_str(out, STR(", "));
		put_scope(out, &p->scope[i], names[i]);
	}
	buf_ch(out, ')');
	for (size_t i = 0; i < p->cond_n; i++) {
		buf_str(out,
		    p->cond[i].unless ? STR(" unless { ") : STR(" when { "));
		ast_put_expr(out, p->cond[i].expr);
		buf_str(out, STR(" }"));
	}
	buf_str(out, STR(";\n"));
}

/* Static policies and templates, in the order in which they were added. */
void
cedar_policies_put(const struct cedar_policies *ps, struct buf *out)
{
	struct buf flat = { .max = out->max };
	size_t i = 0, k = 0;

	while (i < ps->pol_n || k < ps->tmpl_n) {
		const bool t =
		    i == ps->pol_n ||
		    (k < ps->tmpl_n && ps->tmpl[k]->seq < ps->pol[i]->seq);
		const struct ast_policy *p = t ? ps->tmpl[k++] : ps->pol[i++];

		if (p->from == NULL)
			put_policy(&flat, p);
	}
	if (buf_end(&flat) != OK)
		out->full = true;
	else
		format_tokens(buf_view(&flat), out);
	buf_done(&flat);
}
