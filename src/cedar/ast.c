/*
 * ast: nodes are made here and compared here; functions have their names here.
 * Whatever makes a node comes through ast_make, so no tree is too deep.
 */
#include "cedar/ast.h"

#include <stdarg.h>

/* ---- names ---- */
#define FN(name, args, method)                                                 \
	{                                                                      \
		STR_INIT(name), args, method                                   \
	}
const struct ast_fn_row ast_fns[AST_FN__N] = {
	[AST_FN_DECIMAL] = FN("decimal", 1, false),
	[AST_FN_IP] = FN("ip", 1, false),
	[AST_FN_DATETIME] = FN("datetime", 1, false),
	[AST_FN_DURATION] = FN("duration", 1, false),
	[AST_FN_LESS_THAN] = FN("lessThan", 2, true),
	[AST_FN_LESS_THAN_OR_EQUAL] = FN("lessThanOrEqual", 2, true),
	[AST_FN_GREATER_THAN] = FN("greaterThan", 2, true),
	[AST_FN_GREATER_THAN_OR_EQUAL] = FN("greaterThanOrEqual", 2, true),
	[AST_FN_IS_IPV4] = FN("isIpv4", 1, true),
	[AST_FN_IS_IPV6] = FN("isIpv6", 1, true),
	[AST_FN_IS_LOOPBACK] = FN("isLoopback", 1, true),
	[AST_FN_IS_MULTICAST] = FN("isMulticast", 1, true),
	[AST_FN_IS_IN_RANGE] = FN("isInRange", 2, true),
	[AST_FN_OFFSET] = FN("offset", 2, true),
	[AST_FN_DURATION_SINCE] = FN("durationSince", 2, true),
	[AST_FN_TO_DATE] = FN("toDate", 1, true),
	[AST_FN_TO_TIME] = FN("toTime", 1, true),
	[AST_FN_TO_MILLISECONDS] = FN("toMilliseconds", 1, true),
	[AST_FN_TO_SECONDS] = FN("toSeconds", 1, true),
	[AST_FN_TO_MINUTES] = FN("toMinutes", 1, true),
	[AST_FN_TO_HOURS] = FN("toHours", 1, true),
	[AST_FN_TO_DAYS] = FN("toDays", 1, true),
};

const struct ast_method_row ast_methods[] = {
	{ STR_INIT("contains"), AST_CONTAINS, 2 },
	{ STR_INIT("containsAll"), AST_CONTAINS_ALL, 2 },
	{ STR_INIT("containsAny"), AST_CONTAINS_ANY, 2 },
	{ STR_INIT("getTag"), AST_GET_TAG, 2 },
	{ STR_INIT("hasTag"), AST_HAS_TAG, 2 },
	{ STR_INIT("isEmpty"), AST_IS_EMPTY, 1 },
};
const size_t ast_methods_n = countof(ast_methods);

bool
ast_fn_find(struct str name, enum ast_fn *out)
{
	for (unsigned i = 0; i < AST_FN__N; i++)
		if (str_eq(ast_fns[i].name, name)) {
			*out = (enum ast_fn)i;
			return true;
		}
	return false;
}

/* ---- errors and memory ---- */
/* A sentence quotes what may be hostile and what was cut: no controls, and
 * UTF-8 to its end. */
static void
tidy(char *text)
{
	size_t n = strlen(text);

	for (size_t i = 0; i < n; i++)
		if ((unsigned char)text[i] < 0x20 || text[i] == 0x7f)
			text[i] = ' ';
	if (utf8_ok((struct str){ text, n }))
		return;
	for (size_t i = 0; i < n; i++)
		if ((unsigned char)text[i] >= 0x80)
			text[i] = '?';
}

void
ast_say(struct cedar_why *why, struct ast_pos pos, const char *fmt, ...)
{
	va_list ap;

	if (why == NULL)
		return;
	why->line = pos.line;
	why->col = pos.col;
	va_start(ap, fmt);
	(void)vsnprintf(why->note.text, sizeof(why->note.text), fmt, ap);
	va_end(ap);
	tidy(why->note.text);
}

enum err
ast_alloc(struct arena *a, size_t n, size_t size, struct cedar_why *why,
    void *out_pointer)
{
	void *p = NULL;

	if (n <= SIZE_MAX / size)
		p = arena_alloc(a, n == 0 ? 1 : n * size);
	if (p == NULL)
		return ast_fail(ERR_LIMIT, why, (struct ast_pos){ 0 },
		    "there is no memory left in the budget for this");
	memcpy(out_pointer, &p, sizeof(p));
	return OK;
}

enum err
ast_make(struct arena *a, const struct ast_expr *proto,
    const struct ast_expr *const *kid, size_t n, struct cedar_why *why,
    const struct ast_expr **out)
{
	unsigned depth = 0;
	struct ast_expr *e;

	for (size_t i = 0; i < n; i++)
		if (kid[i]->depth > depth)
			depth = kid[i]->depth;
	if (depth >= AST_DEPTH || n > UINT32_MAX)
		return ast_fail(ERR_LIMIT, why, proto->pos,
		    "this expression is more than %d levels deep", AST_DEPTH);
	TRY(ast_alloc(a, 1, sizeof(*e), why, &e));
	*e = *proto;
	e->depth = (uint8_t)(depth + 1);
	e->n = (uint32_t)n;
	if (n > 0) {
		TRY(ast_alloc(a, n, sizeof(*kid), why, &e->kid));
		memcpy(e->kid, kid, n * sizeof(*kid));
	}
	*out = e;
	return OK;
}

/* ---- comparing ---- */
static bool
same_uid(struct cedar_uid x, struct cedar_uid y)
{
	return str_eq(x.type, y.type) && str_eq(x.id, y.id);
}

static bool
same_words(const struct str *x, const struct str *y, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (!str_eq(x[i], y[i]))
			return false;
	return true;
}

static bool
same_leaf(const struct ast_expr *x, const struct ast_expr *y)
{
	switch (x->kind) {
	case AST_BOOL:
	case AST_LONG:
		return x->i == y->i;
	case AST_STRING:
	case AST_GET:
	case AST_IS:
		return str_eq(x->s, y->s);
	case AST_UID:
		return same_uid(x->uid, y->uid);
	case AST_HAS:
		return x->path_n == y->path_n &&
		       same_words(x->path, y->path, x->path_n);
	case AST_LIKE:
		return x->pattern.n == y->pattern.n &&
		       (x->pattern.n == 0 ||
			   memcmp(x->pattern.el, y->pattern.el,
			       x->pattern.n * sizeof(*x->pattern.el)) == 0);
	case AST_RECORD:
		return same_words(x->key, y->key, x->n);
	default:
		return true;
	}
}

bool
ast_same(const struct ast_expr *x, const struct ast_expr *y)
{
	if (x->kind != y->kind || x->var != y->var || x->fn != y->fn ||
	    x->n != y->n || !same_leaf(x, y))
		return false;
	for (size_t i = 0; i < x->n; i++)
		if (!ast_same(x->kid[i], y->kid[i]))
			return false;
	return true;
}

/* "in [x]" is "in x"; JSON does not tell them apart. */
static bool
same_op(const struct ast_scope *x, const struct ast_scope *y)
{
	return x->op == y->op ||
	       (x->n == 1 && x->op == AST_SCOPE_IN &&
		   y->op == AST_SCOPE_IN_LIST) ||
	       (x->n == 1 && x->op == AST_SCOPE_IN_LIST &&
		   y->op == AST_SCOPE_IN);
}

static bool
same_scope(const struct ast_scope *x, const struct ast_scope *y)
{
	if (!same_op(x, y) || x->slot != y->slot || x->n != y->n ||
	    !str_eq(x->type, y->type))
		return false;
	for (size_t i = 0; i < x->n; i++)
		if (!same_uid(x->uid[i], y->uid[i]))
			return false;
	return true;
}

bool
ast_same_policy(const struct ast_policy *x, const struct ast_policy *y)
{
	if (x->forbid != y->forbid || x->note_n != y->note_n ||
	    x->cond_n != y->cond_n || !str_eq(x->id, y->id))
		return false;
	for (size_t i = 0; i < countof(x->scope); i++)
		if (!same_scope(&x->scope[i], &y->scope[i]))
			return false;
	for (size_t i = 0; i < x->note_n; i++)
		if (!str_eq(x->note[i].name, y->note[i].name) ||
		    !str_eq(x->note[i].value, y->note[i].value) ||
		    x->note[i].has_value != y->note[i].has_value)
			return false;
	for (size_t i = 0; i < x->cond_n; i++)
		if (x->cond[i].unless != y->cond[i].unless ||
		    !ast_same(x->cond[i].expr, y->cond[i].expr))
			return false;
	return true;
}
