/*
 * typer-op: the types of what asks the schema: attributes, tags, hierarchies;
 * and of extension functions.
 */
#include "cedar/typer.h"

static const struct typed none = { NULL, NULL };

static struct typed
of_bool(enum ty_kind kind)
{
	return (struct typed){ &ty_prim[kind], NULL };
}

static struct typed
with_fact(struct typer *t, enum ty_kind kind, const struct caps *fact)
{
	struct caps *c = arena_alloc(t->a, sizeof(*c));

	if (c != NULL)
		*c = *fact;
	return (struct typed){ &ty_prim[kind], c };
}

/* ---- attributes ---- */

/* NULL: not declared.  *maybe: it may be there all the same. */
static const struct ty_attr *
look_up(struct typer *t, const struct ty *ty, struct str name, bool *maybe)
{
	const struct ty *rec =
	    ty->kind == TY_ENTITY ? ty_attrs_of(t->a, ty) : ty;
	const struct ty_attr *m;

	*maybe = ty->kind == TY_NEVER;
	if (rec == NULL || rec->kind != TY_RECORD)
		return NULL;
	m = ty_attr(rec, name);
	*maybe = m != NULL || (ty->kind == TY_RECORD && ty->open);
	for (uint32_t i = 0; ty->kind == TY_ENTITY && i < ty->n; i++)
		*maybe |= ty_attr(ty->ety[i]->attrs, name) != NULL;
	return m;
}

static void
no_attr(struct typer *t, struct ast_pos pos, const struct ty *ty,
    struct str name, bool maybe)
{
	const struct ty *rec =
	    ty->kind == TY_ENTITY ? ty_attrs_of(t->a, ty) : ty;
	struct guess g = { "", 0 };
	struct shown room;

	for (uint32_t i = 0;
	     rec != NULL && rec->kind == TY_RECORD && i < rec->n; i++)
		guess_try(&g, name, rec->attr[i].name);
	typer_error(t, pos, "%s has no attribute \"%.*s\"%s%s",
	    show_ty(&room, ty), (int)(name.n < 60 ? name.n : 60), name.p,
	    maybe ? " that is the same for all" : "", g.text);
}

/* The type of .name of something of type ty; safe: known to be there. */
static const struct ty *
get(struct typer *t, struct ast_pos pos, const struct ty *ty, struct str name,
    bool safe)
{
	bool maybe;
	const struct ty_attr *m = look_up(t, ty, name, &maybe);

	if (m == NULL) {
		no_attr(t, pos, ty, name, maybe);
		return NULL;
	}
	if (m->required || safe)
		return m->type;
	typer_error(t, pos,
	    "attribute \"%.*s\" is optional and may be absent: ask with "
	    "\"has\" "
	    "before",
	    (int)(name.n < 80 ? name.n : 80), name.p);
	return NULL;
}

struct typed
typer_get(struct typer *t, const struct ast_expr *e, const struct caps *prior)
{
	const struct typed x =
	    typer_want(t, e->kid[0], prior, WANT_ENTITY | WANT_RECORD);
	const struct caps fact = {
		.on = e->kid[0], .path = &e->s, .path_n = 1
	};

	if (x.ty == NULL)
		return none;
	return (struct typed){
		get(t, e->pos, x.ty, e->s, caps_have(prior, &fact)), NULL
	};
}

/* One step of "has a.b.c": on.path[n - 1] of what has type ty. */
static struct typed
has_one(struct typer *t, const struct ty *ty, const struct caps *fact,
    const struct caps *prior)
{
	const struct str name = fact->path[fact->path_n - 1];
	bool maybe;
	const struct ty_attr *m = look_up(t, ty, name, &maybe);

	if (m == NULL)
		return of_bool(maybe ? TY_BOOL : TY_FALSE);
	/* An entity may be absent, and then it has nothing. */
	if ((m->required && ty->kind == TY_RECORD) || caps_have(prior, fact))
		return with_fact(t, TY_TRUE, fact);
	return with_fact(t, TY_BOOL, fact);
}

struct typed
typer_has(struct typer *t, const struct ast_expr *e, const struct caps *prior)
{
	struct typed x =
	    typer_want(t, e->kid[0], prior, WANT_ENTITY | WANT_RECORD);
	struct caps fact = { .on = e->kid[0], .path = e->path, .path_n = 1 };
	const struct ty *ty = x.ty;
	struct shown room;

	if (ty == NULL)
		return none;
	x = has_one(t, ty, &fact, prior);
	while (fact.path_n < e->path_n && x.ty->kind != TY_FALSE) {
		const struct caps *now = caps_both(t->a, prior, x.caps);

		ty = get(t, e->pos, ty, fact.path[fact.path_n - 1], true);
		if (ty == NULL)
			return none;
		if (!typer_fits(ty, WANT_ENTITY | WANT_RECORD)) {
			typer_error(t, e->pos,
			    "\"%.*s\" is %s, which has no attributes",
			    STR_ARG(fact.path[fact.path_n - 1]),
			    show_ty(&room, ty));
			return none;
		}
		fact.path_n++;
		x = typer_and(t, x, has_one(t, ty, &fact, now));
	}
	return x;
}

/* ---- tags ---- */

/* NULL and *some false: none of these entities has tags. */
static const struct ty *
tag_type(struct typer *t, const struct ty *entity, bool *some)
{
	const struct ty *all = &ty_prim[TY_NEVER];

	*some = false;
	for (uint32_t i = 0; entity->kind == TY_ENTITY && i < entity->n; i++) {
		const struct ty *tags = entity->ety[i]->tags;

		if (tags == NULL)
			continue;
		*some = true;
		all = all == NULL ? NULL : ty_join(t->a, all, tags, t->strict);
	}
	return *some ? all : NULL;
}

struct typed
typer_has_tag(
    struct typer *t, const struct ast_expr *e, const struct caps *prior)
{
	const struct typed x = typer_want(t, e->kid[0], prior, WANT_ENTITY);
	const struct typed y = typer_want(t, e->kid[1], prior, WANT_STRING);
	const struct caps fact = { .on = e->kid[0], .tag = e->kid[1] };
	enum ty_kind kind = TY_BOOL;
	bool some;

	if (x.ty == NULL || y.ty == NULL)
		return none;
	(void)tag_type(t, x.ty, &some);
	if (!some)
		kind = TY_FALSE;
	else if (caps_have(prior, &fact))
		kind = TY_TRUE;
	return with_fact(t, kind, &fact);
}

struct typed
typer_get_tag(
    struct typer *t, const struct ast_expr *e, const struct caps *prior)
{
	const struct typed x = typer_want(t, e->kid[0], prior, WANT_ENTITY);
	const struct typed y = typer_want(t, e->kid[1], prior, WANT_STRING);
	const struct caps fact = { .on = e->kid[0], .tag = e->kid[1] };
	const struct ty *ty;
	struct shown room;
	bool some;

	if (x.ty == NULL || y.ty == NULL)
		return none;
	if (!caps_have(prior, &fact)) {
		typer_error(t, e->pos,
		    "this tag of %s may be absent: ask with hasTag before",
		    show_ty(&room, x.ty));
		return none;
	}
	ty = tag_type(t, x.ty, &some);
	if (!some)
		typer_error(t, e->pos, "%s has no tags", show_ty(&room, x.ty));
	else if (ty == NULL)
		typer_error(t, e->pos, "the tags of %s have different types",
		    show_ty(&room, x.ty));
	return (struct typed){ ty, NULL };
}

/* ---- in, is ---- */

/* Some action of type x is a member of some action of type y. */
static bool
actions_under(
    const struct typer *t, const struct sc_entity *x, const struct sc_entity *y)
{
	const struct cedar_schema *s = t->s;

	for (size_t i = 0; i < s->action_n; i++) {
		const struct sc_action *at = &s->action[i];

		if (at->type != x)
			continue;
		for (size_t k = 0; k < at->up_n; k++)
			if (s->action[at->up[k]].type == y)
				return true;
	}
	return false;
}

static bool
under(const struct typer *t, const struct ty *x, const struct ty *y)
{
	for (uint32_t i = 0; i < x->n; i++)
		for (uint32_t k = 0; k < y->n; k++) {
			const struct sc_entity *a = x->ety[i], *b = y->ety[k];

			if (a == b || schema_entity_under(a, b) ||
			    (a->action && b->action && actions_under(t, a, b)))
				return true;
		}
	return false;
}

const struct ty *
typer_in_types(const struct typer *t, const struct ty *a, const struct ty *b)
{
	const struct ty *to = b->kind == TY_SET ? b->el : b;

	if (a->kind == TY_ENTITY && to->kind == TY_ENTITY && !under(t, a, to))
		return &ty_prim[TY_FALSE];
	return &ty_prim[TY_BOOL];
}

/* The id that an expression is, when that is written. */
static const struct cedar_uid *
literal(const struct typer *t, const struct ast_expr *e)
{
	if (e->kind == AST_VAR && e->var == AST_ACTION)
		return &t->action->uid;
	return e->kind == AST_UID ? &e->uid : NULL;
}

/* One id on the right of "in": 1 is under it, 0 is not, -1 not known. */
static int
action_under(
    const struct typer *t, const struct sc_action *x, const struct ast_expr *e)
{
	const struct cedar_uid *uid = literal(t, e);
	const struct sc_action *to;

	if (uid == NULL)
		return -1;
	if (!schema_is_action_type(uid->type))
		return 0;
	to = schema_action(t->s, *uid);
	if (to == NULL)
		return -1;
	return x == to || schema_action_under(x, to);
}

/* action in Action::"a", action in [...]: known from the schema. */
static const struct ty *
in_actions(
    const struct typer *t, const struct ast_expr *x, const struct ast_expr *y)
{
	const struct cedar_uid *uid = literal(t, x);
	const struct sc_action *act =
	    uid == NULL ? NULL : schema_action(t->s, *uid);
	const struct ast_expr *const *el =
	    y->kind == AST_SET ? (const struct ast_expr *const *)y->kid : &y;
	const uint32_t n = y->kind == AST_SET ? y->n : 1;
	bool any = false;

	if (act == NULL)
		return NULL;
	for (uint32_t i = 0; i < n; i++) {
		const int one = action_under(t, act, el[i]);

		if (one < 0)
			return NULL;
		any |= one > 0;
	}
	return &ty_prim[any ? TY_TRUE : TY_FALSE];
}

static struct typed
check_in(struct typer *t, const struct typed x, const struct ast_expr *xe,
    const struct ast_expr *ye, const struct caps *prior)
{
	const struct typed y =
	    typer_want(t, ye, prior, WANT_ENTITY | WANT_ENTITIES);
	const struct ty *known;

	if (x.ty == NULL || y.ty == NULL)
		return none;
	known = in_actions(t, xe, ye);
	if (known == NULL)
		known = typer_in_types(t, x.ty, y.ty);
	return (struct typed){ known, NULL };
}

struct typed
typer_in(struct typer *t, const struct ast_expr *e, const struct caps *prior)
{
	const struct typed x = typer_want(t, e->kid[0], prior, WANT_ENTITY);

	return check_in(t, x, e->kid[0], e->kid[1], prior);
}

struct typed
typer_is(struct typer *t, const struct ast_expr *e, const struct caps *prior)
{
	const struct typed x = typer_want(t, e->kid[0], prior, WANT_ENTITY);
	const struct sc_entity *type = schema_entity(t->s, e->s);
	struct typed out = of_bool(TY_BOOL);

	if (x.ty == NULL)
		return none;
	if (x.ty->kind == TY_ENTITY) {
		if (type == NULL || !ty_has_entity(x.ty, type))
			out = of_bool(TY_FALSE);
		else if (x.ty->n == 1)
			out = of_bool(TY_TRUE);
	}
	if (e->n == 1 || out.ty->kind == TY_FALSE)
		return out;
	return typer_and(t, out, check_in(t, x, e->kid[0], e->kid[1], prior));
}

/* ---- extension functions ---- */

enum {
	S = WANT_STRING,
	DEC = WANT_EXT << TY_DECIMAL,
	IP = WANT_EXT << TY_IPADDR,
	DAT = WANT_EXT << TY_DATETIME,
	DUR = WANT_EXT << TY_DURATION
};

struct fn_type {
	unsigned arg[2];
	const struct ty *gives;
};
static const struct fn_type fn_types[AST_FN__N] = {
	[AST_FN_DECIMAL] = { { S, 0 }, &ty_exts[TY_DECIMAL] },
	[AST_FN_IP] = { { S, 0 }, &ty_exts[TY_IPADDR] },
	[AST_FN_DATETIME] = { { S, 0 }, &ty_exts[TY_DATETIME] },
	[AST_FN_DURATION] = { { S, 0 }, &ty_exts[TY_DURATION] },
	[AST_FN_LESS_THAN] = { { DEC, DEC }, &ty_prim[TY_BOOL] },
	[AST_FN_LESS_THAN_OR_EQUAL] = { { DEC, DEC }, &ty_prim[TY_BOOL] },
	[AST_FN_GREATER_THAN] = { { DEC, DEC }, &ty_prim[TY_BOOL] },
	[AST_FN_GREATER_THAN_OR_EQUAL] = { { DEC, DEC }, &ty_prim[TY_BOOL] },
	[AST_FN_IS_IPV4] = { { IP, 0 }, &ty_prim[TY_BOOL] },
	[AST_FN_IS_IPV6] = { { IP, 0 }, &ty_prim[TY_BOOL] },
	[AST_FN_IS_LOOPBACK] = { { IP, 0 }, &ty_prim[TY_BOOL] },
	[AST_FN_IS_MULTICAST] = { { IP, 0 }, &ty_prim[TY_BOOL] },
	[AST_FN_IS_IN_RANGE] = { { IP, IP }, &ty_prim[TY_BOOL] },
	[AST_FN_OFFSET] = { { DAT, DUR }, &ty_exts[TY_DATETIME] },
	[AST_FN_DURATION_SINCE] = { { DAT, DAT }, &ty_exts[TY_DURATION] },
	[AST_FN_TO_DATE] = { { DAT, 0 }, &ty_exts[TY_DATETIME] },
	[AST_FN_TO_TIME] = { { DAT, 0 }, &ty_exts[TY_DURATION] },
	[AST_FN_TO_MILLISECONDS] = { { DUR, 0 }, &ty_prim[TY_LONG] },
	[AST_FN_TO_SECONDS] = { { DUR, 0 }, &ty_prim[TY_LONG] },
	[AST_FN_TO_MINUTES] = { { DUR, 0 }, &ty_prim[TY_LONG] },
	[AST_FN_TO_HOURS] = { { DUR, 0 }, &ty_prim[TY_LONG] },
	[AST_FN_TO_DAYS] = { { DUR, 0 }, &ty_prim[TY_LONG] },
};

static bool
constructs(enum ast_fn fn, struct str text, struct arena *a)
{
	struct cedar_value v;

	if (fn == AST_FN_DECIMAL)
		v = cedar_decimal_of(text);
	else if (fn == AST_FN_DATETIME)
		v = cedar_datetime_of(text);
	else if (fn == AST_FN_DURATION)
		v = cedar_duration_of(text);
	else
		v = cedar_ip_of(text, a);
	return v.type != CEDAR_NONE;
}

/* Constructors are run now, so that they cannot fail later. */
static bool
check_constructor(struct typer *t, const struct ast_expr *e)
{
	const struct str name = ast_fns[e->fn].name;
	bool good = true;

	if (e->n > 0 && e->kid[0]->kind == AST_STRING &&
	    !constructs((enum ast_fn)e->fn, e->kid[0]->s, t->a)) {
		const struct str s = e->kid[0]->s;

		typer_error(t, e->pos, "%.*s(\"%.*s\") is no value of its type",
		    STR_ARG(name), (int)(s.n < 60 ? s.n : 60), s.p);
		good = false;
	}
	for (uint32_t i = 0; t->strict && i < e->n; i++) {
		if (e->kid[i]->kind <= AST_UID)
			continue;
		typer_error(t, e->pos,
		    "strict validation wants a literal in %.*s(\"...\")",
		    STR_ARG(name));
		return false;
	}
	return good;
}

struct typed
typer_call(struct typer *t, const struct ast_expr *e, const struct caps *prior)
{
	const struct ast_fn_row *row = &ast_fns[e->fn];
	const struct fn_type *fn = &fn_types[e->fn];
	bool good = true;

	if (e->n != row->args) {
		typer_error(t, e->pos, "%.*s takes %u argument%s, not %u",
		    STR_ARG(row->name),
		    (unsigned)(row->args - (row->method ? 1 : 0)),
		    row->args - (row->method ? 1 : 0) == 1 ? "" : "s",
		    (unsigned)(e->n - (row->method ? 1 : 0)));
		good = false;
	}
	if (e->fn <= AST_FN_DURATION && !check_constructor(t, e))
		good = false;
	for (uint32_t i = 0; i < e->n; i++) {
		const struct typed x =
		    good ? typer_want(t, e->kid[i], prior, fn->arg[i])
			 : typer_expr(t, e->kid[i], prior);

		good &= x.ty != NULL;
	}
	return good ? (struct typed){ fn->gives, NULL } : none;
}
