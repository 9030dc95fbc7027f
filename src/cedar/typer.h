/*
 * typer: what the validator's files share: types computed for expressions, and
 * what is known to exist where (capabilities).  All of it lives in the arena
 * that the caller of cedar_validate gives.
 */
#ifndef CEDAR_TYPER_H
#define CEDAR_TYPER_H

#include "cedar/schema.h"

/*
 * A fact that a condition has established: "on.path[0]...path[n-1] is there",
 * or, with tag, "on has that tag".  A set of facts is a tree of unions, so that
 * joining two costs nothing; empty is NULL.
 */
struct caps {
	const struct caps *left, *right; /* a union; else a fact: */
	const struct ast_expr *on;
	const struct str *path;
	size_t path_n;
	const struct ast_expr *tag;
};

struct typer {
	const struct cedar_schema *s;
	struct arena *a;
	bool strict;
	const struct ast_policy *p;
	/* The request that is assumed: one principal type, action, resource
	 * type at a time. */
	const struct sc_entity *principal, *resource;
	const struct sc_action *action;
	/* Findings, those of p from mine on. */
	struct cedar_finding *first, *last, *mine;
	size_t mine_n;
	bool failed; /* p has an error */
};

/* The type of an expression, and what is known when it is true.  ty NULL: it
 * has none, and that was reported. */
struct typed {
	const struct ty *ty;
	const struct caps *caps;
};
struct typed typer_expr(
    struct typer *t, const struct ast_expr *e, const struct caps *prior);
/* "a in b" for these types; b_uid: the ids of b when it is written out, and a
 * is an action (else NULL). */
const struct ty *typer_in_types(
    const struct typer *t, const struct ty *a, const struct ty *b);

/* What an operand may be, any of the bits. */
enum {
	WANT_BOOL = 1,
	WANT_LONG = 2,
	WANT_STRING = 4,
	WANT_ENTITY = 8,
	WANT_RECORD = 16,
	WANT_SET = 32,
	WANT_ENTITIES = 64, /* a set of entities */
	WANT_EXT = 128,	    /* shifted by enum ty_ext */
};
struct typed typer_want(struct typer *t, const struct ast_expr *e,
    const struct caps *prior, unsigned want);
bool typer_fits(const struct ty *ty, unsigned want);

/* Operators with a rule of their own; typer-op.c. */
struct typed typer_call(
    struct typer *t, const struct ast_expr *e, const struct caps *prior);
struct typed typer_get_tag(
    struct typer *t, const struct ast_expr *e, const struct caps *prior);
struct typed typer_has_tag(
    struct typer *t, const struct ast_expr *e, const struct caps *prior);
struct typed typer_get(
    struct typer *t, const struct ast_expr *e, const struct caps *prior);
struct typed typer_has(
    struct typer *t, const struct ast_expr *e, const struct caps *prior);
struct typed typer_in(
    struct typer *t, const struct ast_expr *e, const struct caps *prior);
struct typed typer_is(
    struct typer *t, const struct ast_expr *e, const struct caps *prior);

/* The parts of && for those that have no node of it. */
struct typed typer_and(struct typer *t, struct typed x, struct typed y);

/* ---- types; ty.c ---- */
bool ty_sub(const struct ty *x, const struct ty *y, bool strict);
/* NULL: they have none in common, or the arena is spent. */
const struct ty *ty_join(
    struct arena *a, const struct ty *x, const struct ty *y, bool strict);
const struct ty *ty_set_of(struct arena *a, const struct ty *el);
bool ty_has_entity(const struct ty *t, const struct sc_entity *e);
/* The attributes of an entity type (of several: what they have in common). */
const struct ty *ty_attrs_of(struct arena *a, const struct ty *entity);

/* ---- facts; caps.c ---- */
const struct caps *caps_both(
    struct arena *a, const struct caps *x, const struct caps *y);
const struct caps *caps_either(
    struct arena *a, const struct caps *x, const struct caps *y);
bool caps_have(const struct caps *c, const struct caps *fact);

/* ---- findings; validate.c ---- */
void typer_error(struct typer *t, struct ast_pos pos, const char *fmt, ...)
    PRINTF(3, 4);
/* ", did you mean ...?" for a name nearly like one of n; else "". */
struct guess {
	char text[80];
	size_t far; /* how far the best one is */
};
void guess_try(struct guess *g, struct str wrong, struct str right);
/* A type for a sentence. */
struct shown {
	char text[80];
};
const char *show_ty(struct shown *room, const struct ty *t);

#endif
