/*
 * validate: policies against a schema.  What a policy names must be declared,
 * some action must apply to what its scope lets through, and its conditions
 * must have types for every request that the scope lets through.
 */
#include "cedar/typer.h"

#include <stdarg.h>
#include <stdio.h>

enum {
	/* Findings kept of one policy; the first says enough. */
	FINDINGS_MAX = 50,
	/* Names longer than this are not guessed at. */
	GUESS_MAX = 40,
};

/* ---- findings ---- */

static bool
have_finding(const struct typer *t, const struct cedar_why *why)
{
	for (const struct cedar_finding *f = t->mine; f != NULL; f = f->next)
		if (f->why.line == why->line && f->why.col == why->col &&
		    strcmp(f->why.note.text, why->note.text) == 0)
			return true;
	return false;
}

/* The same thing under other requests is one finding. */
static void
add(struct typer *t, const struct cedar_why *why, bool warning)
{
	struct cedar_finding *f;

	if (t->mine_n == FINDINGS_MAX || have_finding(t, why))
		return;
	f = arena_alloc(t->a, sizeof(*f));
	if (f == NULL)
		return;
	f->policy = t->p->id;
	f->warning = warning;
	f->why = *why;
	if (t->last == NULL)
		t->first = f;
	else
		t->last->next = f;
	t->last = f;
	if (t->mine == NULL)
		t->mine = f;
	t->mine_n++;
}

void
typer_error(struct typer *t, struct ast_pos pos, const char *fmt, ...)
{
	struct cedar_why why = { .line = pos.line, .col = pos.col };
	va_list ap;

	t->failed = true;
	va_start(ap, fmt);
	(void)vsnprintf(why.note.text, sizeof(why.note.text), fmt, ap);
	va_end(ap);
	add(t, &why, false);
}

static void
warn(struct typer *t, struct ast_pos pos, const char *what)
{
	struct cedar_why why = { .line = pos.line, .col = pos.col };

	note_set(&why.note, "%s", what);
	add(t, &why, true);
}

/* ---- "did you mean" ---- */

static size_t
distance(struct str x, struct str y)
{
	size_t row[GUESS_MAX + 1];

	for (size_t k = 0; k <= y.n; k++)
		row[k] = k;
	for (size_t i = 1; i <= x.n; i++) {
		size_t diagonal = row[0];

		row[0] = i;
		for (size_t k = 1; k <= y.n; k++) {
			size_t best = diagonal + (x.p[i - 1] != y.p[k - 1]);

			if (row[k] + 1 < best)
				best = row[k] + 1;
			if (row[k - 1] + 1 < best)
				best = row[k - 1] + 1;
			diagonal = row[k];
			row[k] = best;
		}
	}
	return row[y.n];
}

void
guess_try(struct guess *g, struct str wrong, struct str right)
{
	size_t far;

	if (wrong.n > GUESS_MAX || right.n > GUESS_MAX || right.n == 0)
		return;
	far = distance(wrong, right);
	if (far > 1 + wrong.n / 4 || far >= right.n ||
	    (g->text[0] != '\0' && far >= g->far))
		return;
	g->far = far;
	(void)snprintf(g->text, sizeof(g->text), "; did you mean \"%.*s\"?",
	    STR_ARG(right));
}

/* ---- what a policy names ---- */

static void
check_type_name(struct typer *t, struct str type, struct ast_pos pos)
{
	struct guess g = { "", 0 };

	if (schema_is_action_type(type) || schema_entity(t->s, type) != NULL)
		return;
	for (size_t i = 0; i < t->s->entity_n; i++)
		if (!t->s->entity[i].action)
			guess_try(&g, type, t->s->entity[i].name);
	typer_error(t, pos, "entity type \"%.*s\" is not in the schema%s",
	    (int)(type.n < 80 ? type.n : 80), type.p, g.text);
}

static void
check_uid_names(
    struct typer *t, const struct cedar_uid *uid, struct ast_pos pos)
{
	const struct sc_entity *type;
	struct guess g = { "", 0 };

	if (schema_is_action_type(uid->type)) {
		if (schema_action(t->s, *uid) != NULL)
			return;
		for (size_t i = 0; i < t->s->action_n; i++)
			guess_try(&g, uid->id, t->s->action[i].uid.id);
		typer_error(t, pos,
		    "action %.*s::\"%.*s\" is not in the schema%s",
		    (int)(uid->type.n < 60 ? uid->type.n : 60), uid->type.p,
		    (int)(uid->id.n < 60 ? uid->id.n : 60), uid->id.p, g.text);
		return;
	}
	check_type_name(t, uid->type, pos);
	type = schema_entity(t->s, uid->type);
	if (type == NULL || schema_choice(type, uid->id))
		return;
	for (size_t i = 0; i < type->choice.n; i++)
		guess_try(&g, uid->id, type->choice.p[i]);
	typer_error(t, pos, "\"%.*s\" is none of the ids of enum entity %.*s%s",
	    (int)(uid->id.n < 60 ? uid->id.n : 60), uid->id.p,
	    (int)(uid->type.n < 60 ? uid->type.n : 60), uid->type.p, g.text);
}

static void
check_expr_names(struct typer *t, const struct ast_expr *e)
{
	if (e->kind == AST_UID)
		check_uid_names(t, &e->uid, e->pos);
	if (e->kind == AST_IS)
		check_type_name(t, e->s, e->pos);
	for (uint32_t i = 0; i < e->n; i++)
		check_expr_names(t, e->kid[i]);
}

static void
check_names(struct typer *t)
{
	for (size_t i = 0; i < 3; i++) {
		const struct ast_scope *s = &t->p->scope[i];

		if (s->op == AST_SCOPE_IS || s->op == AST_SCOPE_IS_IN)
			check_type_name(t, s->type, s->type_pos);
		for (size_t k = 0; !s->slot && k < s->n; k++)
			check_uid_names(t, &s->uid[k], s->uid_pos[k]);
	}
	for (size_t i = 0; i < t->p->cond_n; i++)
		check_expr_names(t, t->p->cond[i].expr);
}

/* What was put in a template's slots; the rest is the template's. */
static void
check_slot_names(struct typer *t)
{
	for (size_t i = 0; i < 3; i++) {
		const struct ast_scope *s = &t->p->scope[i];

		if (t->p->from->scope[i].slot && s->n == 1)
			check_type_name(t, s->uid[0].type, t->p->pos);
	}
}

/* ---- what a scope lets through ---- */

static bool
within(const struct cedar_schema *s, const struct sc_entity *e,
    const struct cedar_uid *uid)
{
	const struct sc_entity *top = schema_entity(s, uid->type);

	return top != NULL && (e == top || schema_entity_under(e, top));
}

/* Can the scope let something of type e through? */
static bool
scope_takes(const struct cedar_schema *s, const struct ast_scope *c,
    const struct sc_entity *e)
{
	switch (c->op) {
	case AST_SCOPE_EQ:
		return c->slot || str_eq(c->uid[0].type, e->name);
	case AST_SCOPE_IN:
		return c->slot || within(s, e, &c->uid[0]);
	case AST_SCOPE_IS:
		return str_eq(c->type, e->name);
	case AST_SCOPE_IS_IN:
		return str_eq(c->type, e->name) &&
		       (c->slot || within(s, e, &c->uid[0]));
	case AST_SCOPE_ANY:
	case AST_SCOPE_IN_LIST:
		break;
	}
	return true;
}

static bool
scope_takes_action(const struct cedar_schema *s, const struct ast_scope *c,
    const struct sc_action *x)
{
	bool any = c->op == AST_SCOPE_ANY;

	for (size_t i = 0; i < c->n; i++) {
		const struct sc_action *to = schema_action(s, c->uid[i]);

		if (to == NULL)
			return false; /* reported; then none is taken */
		any |= x == to ||
		       (c->op != AST_SCOPE_EQ && schema_action_under(x, to));
	}
	return any;
}

static bool
any_takes(const struct cedar_schema *s, const struct ast_scope *c,
    const struct sc_entity *const *e, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (scope_takes(s, c, e[i]))
			return true;
	return false;
}

static bool
applies(const struct typer *t, const struct sc_action *x)
{
	const struct ast_scope *scope = t->p->scope;

	return any_takes(
		   t->s, &scope[AST_PRINCIPAL], x->principal, x->principal_n) &&
	       any_takes(
		   t->s, &scope[AST_RESOURCE], x->resource, x->resource_n);
}

/* The one action of "action == ...", else all. */
static const struct sc_action *
first_action(const struct typer *t, size_t *n)
{
	const struct ast_scope *c = &t->p->scope[AST_ACTION];
	const struct sc_action *x;

	*n = t->s->action_n;
	if (c->op != AST_SCOPE_EQ)
		return t->s->action;
	x = schema_action(t->s, c->uid[0]);
	*n = x == NULL ? 0 : 1;
	return x;
}

static void
check_applies(struct typer *t)
{
	const struct ast_scope *c = &t->p->scope[AST_ACTION];
	size_t n, taken = 0;
	const struct sc_action *x = first_action(t, &n);

	for (size_t i = 0; i < n; i++) {
		if (!scope_takes_action(t->s, c, &x[i]))
			continue;
		if (applies(t, &x[i]))
			return;
		taken++;
	}
	typer_error(t, t->p->pos,
	    taken == 0 ? "no action of the schema is in this policy's scope"
		       : "no action of the schema applies to the principal and "
			 "resource types of this policy's scope");
}

/* ---- conditions ---- */

static struct typed
check_cond(struct typer *t, const struct ast_cond *c, const struct caps *prior)
{
	struct typed x = typer_want(t, c->expr, prior, WANT_BOOL);

	if (c->unless && x.ty != NULL) {
		x.caps = NULL;
		x.ty = &ty_prim[x.ty->kind == TY_TRUE	 ? TY_FALSE
				: x.ty->kind == TY_FALSE ? TY_TRUE
							 : TY_BOOL];
	}
	return x;
}

/* One assumed request.  Returns false when the policy never holds for it. */
static bool
check_request(struct typer *t)
{
	struct typed all = { &ty_prim[TY_BOOL], NULL };
	bool never = false;

	for (size_t i = 0; i < t->p->cond_n && !never; i++) {
		const struct typed x = check_cond(t, &t->p->cond[i], all.caps);

		never = x.ty != NULL && x.ty->kind == TY_FALSE;
		if (x.ty != NULL)
			all.caps = caps_both(t->a, all.caps, x.caps);
	}
	return !never;
}

static bool
check_action(struct typer *t, const struct sc_action *x)
{
	const struct ast_scope *scope = t->p->scope;
	bool ever = false;

	t->action = x;
	for (size_t i = 0; i < x->principal_n; i++) {
		t->principal = x->principal[i];
		if (!scope_takes(t->s, &scope[AST_PRINCIPAL], t->principal))
			continue;
		for (size_t k = 0; k < x->resource_n; k++) {
			t->resource = x->resource[k];
			if (scope_takes(
				t->s, &scope[AST_RESOURCE], t->resource))
				ever |= check_request(t);
		}
	}
	return ever;
}

static void
check_types(struct typer *t)
{
	size_t n;
	const struct sc_action *x = first_action(t, &n);
	bool ever = false;

	for (size_t i = 0; i < n; i++)
		if (scope_takes_action(t->s, &t->p->scope[AST_ACTION], &x[i]))
			ever |= check_action(t, &x[i]);
	if (!ever && !t->failed)
		warn(t, t->p->pos,
		    "this policy can never hold: its condition is false for "
		    "every request that the schema allows");
}

/* Some request gets past the principal, so that the action is looked at. */
static bool
action_is_asked(const struct typer *t)
{
	for (size_t i = 0; i < t->s->action_n; i++) {
		const struct sc_action *x = &t->s->action[i];

		if (x->resource_n > 0 &&
		    any_takes(t->s, &t->p->scope[AST_PRINCIPAL], x->principal,
			x->principal_n))
			return true;
	}
	return false;
}

/* A list of actions is a set, and sets have one type. */
static void
check_list(struct typer *t)
{
	const struct ast_scope *c = &t->p->scope[AST_ACTION];

	if (!t->strict || c->op != AST_SCOPE_IN_LIST || !action_is_asked(t))
		return;
	for (size_t i = 1; i < c->n; i++)
		if (!str_eq(c->uid[i].type, c->uid[0].type)) {
			typer_error(t, c->uid_pos[i],
			    "actions of two namespaces in one list; strict "
			    "validation wants one type");
			return;
		}
}

static void
check_policy(struct typer *t, const struct ast_policy *p)
{
	t->p = p;
	t->mine = NULL;
	t->mine_n = 0;
	t->failed = false;
	if (p->from != NULL) {
		check_slot_names(t);
		check_applies(t);
		return;
	}
	check_names(t);
	check_list(t);
	check_applies(t);
	check_types(t);
	if (t->failed && t->mine_n == 0) /* whoever fails says why; yet: */
		typer_error(t, p->pos, "this policy has no type");
}

enum err
cedar_validate(const struct cedar_schema *s, const struct cedar_policies *ps,
    enum cedar_mode mode, struct arena *a, const struct cedar_finding **out)
{
	struct typer t = { .s = s, .a = a, .strict = mode == CEDAR_STRICT };

	for (size_t i = 0; i < ps->pol_n; i++)
		check_policy(&t, ps->pol[i]);
	for (size_t i = 0; i < ps->tmpl_n; i++)
		check_policy(&t, ps->tmpl[i]);
	if (arena_spent(a))
		return ERR_LIMIT;
	*out = t.first;
	return OK;
}
