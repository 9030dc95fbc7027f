/*
 * eval: what the files of the evaluator share.  A node gives a value or, when
 * it fails, CEDAR_NONE with the first failure kept in struct ev: the answer
 * says which policy failed where and why.
 */
#ifndef CEDAR_EVAL_H
#define CEDAR_EVAL_H

#include "cedar/code.h"

/* Values of attribute paths, by the lowest bits of their slot (slots.c). */
enum { EV_KEPT = 64 };
struct ev_kept {
	uint32_t slot[EV_KEPT];	       /* 0: none */
	struct cedar_value v[EV_KEPT]; /* where slot is not 0 */
};

struct ev {
	const struct cedar_engine *e;
	const struct cedar_request *r;
	const struct cedar_entities *es;
	const struct entity *own[3]; /* the request's entities, or NULL */
	struct arena *a;
	bool spent; /* a is: nothing that comes out may be believed */
	struct note note;
	struct ev_kept *kept;
};

/* ---- eval.c ---- */
struct cedar_value ev_node(struct ev *ev, uint32_t at);
/* Keeps why node n fails; gives none. */
struct cedar_value ev_fail(struct ev *ev, const struct code_node *n,
    const char *fmt, ...) PRINTF(3, 4);
/* "expected X, found Y" */
struct cedar_value ev_wrong(struct ev *ev, const struct code_node *n,
    const char *expected, struct cedar_value found);
struct cedar_value ev_spent(struct ev *ev);
bool ev_in(struct ev *ev, const struct cedar_ref *x, const struct cedar_ref *y);

/* ---- eval-call.c: extension functions ---- */
struct cedar_value ev_call(struct ev *ev, const struct code_node *n);
/* By values, for JSON too: none when they do not fit, with a sentence. */
struct cedar_value ext_call(enum ast_fn fn, const struct cedar_value *arg,
    uint32_t n, struct arena *a, struct note *why);

/* ---- eval-op.c: operators ---- */
struct cedar_value ev_equal(struct ev *ev, const struct code_node *n);
struct cedar_value ev_order(struct ev *ev, const struct code_node *n);
struct cedar_value ev_arith(struct ev *ev, const struct code_node *n);
struct cedar_value ev_neg(struct ev *ev, const struct code_node *n);
struct cedar_value ev_within(struct ev *ev, const struct code_node *n);
struct cedar_value ev_sets(struct ev *ev, const struct code_node *n);
struct cedar_value ev_empty(struct ev *ev, const struct code_node *n);
struct cedar_value ev_tag(struct ev *ev, const struct code_node *n);
struct cedar_value ev_get(struct ev *ev, const struct code_node *n);
struct cedar_value ev_has(struct ev *ev, const struct code_node *n);
struct cedar_value ev_like(struct ev *ev, const struct code_node *n);
struct cedar_value ev_is(struct ev *ev, const struct code_node *n);
struct cedar_value ev_is_in(struct ev *ev, const struct code_node *n);

#endif
