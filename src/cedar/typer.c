/*
 * typer: the type of an expression for one assumed request.  Booleans that are
 * known have types of their own, and what is only evaluated when they are
 * otherwise is not looked at: "principal is User && principal.name" is checked
 * for users alone.
 */
#include "cedar/typer.h"

static const struct typed none = { NULL, NULL };

static struct typed
of(const struct ty *ty)
{
	return (struct typed){ ty, NULL };
}

static struct typed
of_bool(enum ty_kind kind)
{
	return of(&ty_prim[kind]);
}

static bool
is(struct typed x, enum ty_kind kind)
{
	return x.ty != NULL && x.ty->kind == kind;
}

bool
typer_fits(const struct ty *ty, unsigned want)
{
	static const unsigned simple[] = { [TY_NEVER] = ~0u,
		[TY_BOOL] = WANT_BOOL,
		[TY_TRUE] = WANT_BOOL,
		[TY_FALSE] = WANT_BOOL,
		[TY_LONG] = WANT_LONG,
		[TY_STRING] = WANT_STRING,
		[TY_ENTITY] = WANT_ENTITY,
		[TY_SET] = WANT_SET,
		[TY_RECORD] = WANT_RECORD };

	if (ty->kind == TY_EXT)
		return (want & (unsigned)WANT_EXT << ty->ext) != 0;
	if (ty->kind == TY_SET && (want & WANT_ENTITIES) != 0)
		return ty->el->kind == TY_ENTITY || ty->el->kind == TY_NEVER;
	return (want & simple[ty->kind]) != 0;
}

static void
put_want(struct buf *b, unsigned want)
{
	static const char *const words[] = { "Bool", "Long", "String",
		"an entity", "a record", "a set", "a set of entities",
		"decimal", "ipaddr", "datetime", "duration" };
	bool more = false;

	for (unsigned i = 0; i < countof(words); i++) {
		if ((want & 1u << i) == 0)
			continue;
		if (more)
			buf_str(b, STR(" or "));
		buf_str(b, str_of(words[i]));
		more = true;
	}
}

struct typed
typer_want(struct typer *t, const struct ast_expr *e, const struct caps *prior,
    unsigned want)
{
	const struct typed x = typer_expr(t, e, prior);
	struct buf b = { .max = 200 };
	struct shown room;

	if (x.ty == NULL || typer_fits(x.ty, want))
		return x;
	put_want(&b, want);
	typer_error(t, e->pos, "expected %.*s, found %s", (int)b.n, b.p,
	    show_ty(&room, x.ty));
	buf_done(&b);
	return none;
}

/* ---- literals and variables ---- */

static struct typed
check_bool(struct typer *t, const struct ast_expr *e, const struct caps *prior)
{
	(void)t, (void)prior;
	return of_bool(e->i != 0 ? TY_TRUE : TY_FALSE);
}

static struct typed
check_long(struct typer *t, const struct ast_expr *e, const struct caps *prior)
{
	(void)t, (void)e, (void)prior;
	return of_bool(TY_LONG);
}

static struct typed
check_string(
    struct typer *t, const struct ast_expr *e, const struct caps *prior)
{
	(void)t, (void)e, (void)prior;
	return of_bool(TY_STRING);
}

/* What is not declared was reported once for the policy, by validate.c. */
static struct typed
check_uid(struct typer *t, const struct ast_expr *e, const struct caps *prior)
{
	const struct sc_entity *type = schema_entity(t->s, e->uid.type);

	(void)prior;
	if (type == NULL ||
	    (type->action && schema_action(t->s, e->uid) == NULL)) {
		t->failed = true;
		return none;
	}
	return of(&type->self);
}

static struct typed
check_var(struct typer *t, const struct ast_expr *e, const struct caps *prior)
{
	const struct ty *const by_var[] = { [AST_PRINCIPAL] =
						&t->principal->self,
		[AST_ACTION] = &t->action->type->self,
		[AST_RESOURCE] = &t->resource->self,
		[AST_CONTEXT] = t->action->context };

	(void)prior;
	return of(by_var[e->var]);
}

/* ---- conditions ---- */

static struct typed
check_if(struct typer *t, const struct ast_expr *e, const struct caps *prior)
{
	const struct typed test = typer_want(t, e->kid[0], prior, WANT_BOOL);
	struct typed yes, no, out;
	struct shown a, b;

	if (is(test, TY_FALSE))
		return typer_expr(t, e->kid[2], prior);
	yes = typer_expr(t, e->kid[1], caps_both(t->a, prior, test.caps));
	yes.caps = caps_both(t->a, yes.caps, test.caps);
	if (is(test, TY_TRUE))
		return yes;
	no = typer_expr(t, e->kid[2], prior);
	if (test.ty == NULL || yes.ty == NULL || no.ty == NULL)
		return none;
	out.ty = ty_join(t->a, yes.ty, no.ty, t->strict);
	out.caps = caps_either(t->a, yes.caps, no.caps);
	if (out.ty == NULL)
		typer_error(t, e->pos,
		    "both sides of an if must have one type; these have %s and "
		    "%s",
		    show_ty(&a, yes.ty), show_ty(&b, no.ty));
	return out;
}

struct typed
typer_and(struct typer *t, struct typed x, struct typed y)
{
	if (x.ty == NULL || y.ty == NULL)
		return none;
	if (is(y, TY_FALSE))
		return of_bool(TY_FALSE);
	return (struct typed){ is(y, TY_TRUE)	? x.ty
			       : is(x, TY_TRUE) ? y.ty
						: &ty_prim[TY_BOOL],
		caps_both(t->a, x.caps, y.caps) };
}

static struct typed
check_and(struct typer *t, const struct ast_expr *e, const struct caps *prior)
{
	struct typed x = typer_want(t, e->kid[0], prior, WANT_BOOL);

	for (uint32_t i = 1; i < e->n && !is(x, TY_FALSE); i++) {
		const struct typed y = typer_want(
		    t, e->kid[i], caps_both(t->a, prior, x.caps), WANT_BOOL);

		x = typer_and(t, x, y);
	}
	return x;
}

static struct typed
or_two(struct typer *t, struct typed x, struct typed y)
{
	if (x.ty == NULL || y.ty == NULL)
		return none;
	if (is(y, TY_TRUE) || is(x, TY_FALSE))
		return y;
	if (is(y, TY_FALSE))
		return x;
	return (struct typed){ &ty_prim[TY_BOOL],
		caps_either(t->a, x.caps, y.caps) };
}

static struct typed
check_or(struct typer *t, const struct ast_expr *e, const struct caps *prior)
{
	struct typed x = typer_want(t, e->kid[0], prior, WANT_BOOL);

	for (uint32_t i = 1; i < e->n && !is(x, TY_TRUE); i++)
		x = or_two(t, x, typer_want(t, e->kid[i], prior, WANT_BOOL));
	return x;
}

static struct typed
flip(struct typed x)
{
	if (x.ty == NULL)
		return none;
	return of_bool(is(x, TY_TRUE)	 ? TY_FALSE
		       : is(x, TY_FALSE) ? TY_TRUE
					 : TY_BOOL);
}

static struct typed
check_not(struct typer *t, const struct ast_expr *e, const struct caps *prior)
{
	return flip(typer_want(t, e->kid[0], prior, WANT_BOOL));
}

/* ---- comparison ---- */

static const struct cedar_uid *
literal_uid(const struct typer *t, const struct ast_expr *e)
{
	if (e->kind == AST_VAR && e->var == AST_ACTION)
		return &t->action->uid;
	return e->kind == AST_UID ? &e->uid : NULL;
}

/* Both written out: TY_TRUE or TY_FALSE; else TY_BOOL. */
static enum ty_kind
literal_eq(
    const struct typer *t, const struct ast_expr *x, const struct ast_expr *y)
{
	const struct cedar_uid *xu = literal_uid(t, x), *yu = literal_uid(t, y);
	bool same = false;

	if ((xu == NULL && x->kind > AST_STRING) ||
	    (yu == NULL && y->kind > AST_STRING))
		return TY_BOOL;
	if (xu != NULL && yu != NULL)
		same = str_eq(xu->type, yu->type) && str_eq(xu->id, yu->id);
	else if (xu == NULL && yu == NULL && x->kind == y->kind)
		same =
		    x->kind == AST_STRING ? str_eq(x->s, y->s) : x->i == y->i;
	return same ? TY_TRUE : TY_FALSE;
}

static bool
disjoint(const struct ty *x, const struct ty *y)
{
	if (x->kind != TY_ENTITY || y->kind != TY_ENTITY)
		return false;
	for (uint32_t i = 0; i < x->n; i++)
		if (ty_has_entity(y, x->ety[i]))
			return false;
	return true;
}

/* In strict mode two things that are compared have a type in common. */
static struct typed
compared(struct typer *t, const struct ast_expr *e, const struct ty *x,
    const struct ty *y, enum ty_kind result)
{
	struct shown a, b;

	if (!t->strict || result != TY_BOOL ||
	    ty_join(t->a, x, y, true) != NULL)
		return of_bool(result);
	typer_error(t, e->pos,
	    "%s and %s can never be equal; strict validation wants one type "
	    "here",
	    show_ty(&a, x), show_ty(&b, y));
	return none;
}

static struct typed
check_eq(struct typer *t, const struct ast_expr *e, const struct caps *prior)
{
	const struct typed x = typer_expr(t, e->kid[0], prior);
	const struct typed y = typer_expr(t, e->kid[1], prior);
	enum ty_kind result = TY_FALSE;
	struct typed out;

	if (x.ty == NULL || y.ty == NULL)
		return none;
	if (!disjoint(x.ty, y.ty))
		result = literal_eq(t, e->kid[0], e->kid[1]);
	out = compared(t, e, x.ty, y.ty, result);
	return e->kind == AST_NE ? flip(out) : out;
}

static bool
has_order(const struct ty *x)
{
	return x->kind == TY_LONG || x->kind == TY_NEVER ||
	       (x->kind == TY_EXT &&
		   (x->ext == TY_DATETIME || x->ext == TY_DURATION));
}

static struct typed
check_less(struct typer *t, const struct ast_expr *e, const struct caps *prior)
{
	const struct typed x = typer_expr(t, e->kid[0], prior);
	const struct typed y = typer_expr(t, e->kid[1], prior);
	struct shown a, b;

	if (x.ty == NULL || y.ty == NULL)
		return none;
	if (has_order(x.ty) && has_order(y.ty) &&
	    (x.ty->kind != TY_NEVER || y.ty->kind != TY_NEVER) &&
	    (ty_sub(x.ty, y.ty, true) || ty_sub(y.ty, x.ty, true)))
		return of_bool(TY_BOOL);
	typer_error(t, e->pos,
	    "only two Long, two datetime or two duration have an order; these "
	    "are %s and %s",
	    show_ty(&a, x.ty), show_ty(&b, y.ty));
	return none;
}

/* ---- arithmetic, text, sets, records ---- */

static struct typed
check_long_op(
    struct typer *t, const struct ast_expr *e, const struct caps *prior)
{
	bool good = true;

	for (uint32_t i = 0; i < e->n; i++)
		good &= typer_want(t, e->kid[i], prior, WANT_LONG).ty != NULL;
	return good ? of_bool(TY_LONG) : none;
}

static struct typed
check_like(struct typer *t, const struct ast_expr *e, const struct caps *prior)
{
	return typer_want(t, e->kid[0], prior, WANT_STRING).ty != NULL
		   ? of_bool(TY_BOOL)
		   : none;
}

static struct typed
check_is_empty(
    struct typer *t, const struct ast_expr *e, const struct caps *prior)
{
	return typer_want(t, e->kid[0], prior, WANT_SET).ty != NULL
		   ? of_bool(TY_BOOL)
		   : none;
}

static struct typed
check_contains(
    struct typer *t, const struct ast_expr *e, const struct caps *prior)
{
	const struct typed x = typer_want(t, e->kid[0], prior, WANT_SET);
	const struct typed y = typer_expr(t, e->kid[1], prior);

	if (x.ty == NULL || y.ty == NULL)
		return none;
	if (x.ty->kind != TY_SET) /* TY_NEVER */
		return of_bool(TY_BOOL);
	return compared(t, e, x.ty->el, y.ty, TY_BOOL);
}

static struct typed
check_contains_many(
    struct typer *t, const struct ast_expr *e, const struct caps *prior)
{
	const struct typed x = typer_want(t, e->kid[0], prior, WANT_SET);
	const struct typed y = typer_want(t, e->kid[1], prior, WANT_SET);

	if (x.ty == NULL || y.ty == NULL)
		return none;
	return compared(t, e, x.ty, y.ty, TY_BOOL);
}

static struct typed
check_set(struct typer *t, const struct ast_expr *e, const struct caps *prior)
{
	const struct ty *all = &ty_prim[TY_NEVER];
	bool good = true;

	if (e->n == 0 && t->strict) {
		typer_error(t, e->pos,
		    "the type of [] is not known: strict validation has no "
		    "empty sets");
		return none;
	}
	for (uint32_t i = 0; i < e->n; i++) {
		const struct typed x = typer_expr(t, e->kid[i], prior);
		const struct ty *next;
		struct shown a, b;

		good &= x.ty != NULL;
		if (!good)
			continue;
		next = ty_join(t->a, all, x.ty, t->strict);
		if (next == NULL) {
			typer_error(t, e->pos,
			    "the elements of a set must have one type; these "
			    "have %s and %s",
			    show_ty(&a, all), show_ty(&b, x.ty));
			good = false;
			continue;
		}
		all = next;
	}
	return good ? of(ty_set_of(t->a, all)) : none;
}

static struct typed
check_record(
    struct typer *t, const struct ast_expr *e, const struct caps *prior)
{
	struct ty_attr *p = arena_alloc(t->a, ((size_t)e->n + 1) * sizeof(*p));
	struct ty *out = arena_alloc(t->a, sizeof(*out));
	const void *twice;
	bool good = p != NULL && out != NULL;

	for (uint32_t i = 0; i < e->n && p != NULL; i++) {
		p[i].name = e->key[i];
		p[i].required = true;
		p[i].type = typer_expr(t, e->kid[i], prior).ty;
		good &= p[i].type != NULL;
	}
	if (!good)
		return none;
	(void)schema_sort(p, e->n, sizeof(*p), &twice);
	out->kind = TY_RECORD;
	out->attr = p;
	out->n = e->n;
	return of(out);
}

typedef struct typed check_fn(
    struct typer *t, const struct ast_expr *e, const struct caps *prior);
static check_fn *const checks[AST__N] = {
	[AST_BOOL] = check_bool,
	[AST_LONG] = check_long,
	[AST_STRING] = check_string,
	[AST_UID] = check_uid,
	[AST_VAR] = check_var,
	[AST_IF] = check_if,
	[AST_AND] = check_and,
	[AST_OR] = check_or,
	[AST_NOT] = check_not,
	[AST_NEG] = check_long_op,
	[AST_EQ] = check_eq,
	[AST_NE] = check_eq,
	[AST_LT] = check_less,
	[AST_LE] = check_less,
	[AST_GT] = check_less,
	[AST_GE] = check_less,
	[AST_IN] = typer_in,
	[AST_ADD] = check_long_op,
	[AST_SUB] = check_long_op,
	[AST_MUL] = check_long_op,
	[AST_CONTAINS] = check_contains,
	[AST_CONTAINS_ALL] = check_contains_many,
	[AST_CONTAINS_ANY] = check_contains_many,
	[AST_GET_TAG] = typer_get_tag,
	[AST_HAS_TAG] = typer_has_tag,
	[AST_IS_EMPTY] = check_is_empty,
	[AST_GET] = typer_get,
	[AST_HAS] = typer_has,
	[AST_LIKE] = check_like,
	[AST_IS] = typer_is,
	[AST_SET] = check_set,
	[AST_RECORD] = check_record,
	[AST_CALL] = typer_call,
};

struct typed
typer_expr(struct typer *t, const struct ast_expr *e, const struct caps *prior)
{
	if (arena_spent(t->a))
		return none; /* asked at the end, once */
	return checks[e->kind](t, e, prior);
}
