/*
 * eval: one expression over one request.  Walks the nodes of a checked image;
 * what it needs for new sets and records it carves from the caller's arena.
 * It may recurse: code_check bounds how deep nodes go, makers of values how
 * deep those go.
 */
#include "cedar/eval.h"

#include <stdarg.h>

static const struct cedar_value none = { 0 };

struct cedar_value
ev_fail(struct ev *ev, const struct code_node *n, const char *fmt, ...)
{
	const struct ast_pos pos = ev->e->pos[n - ev->e->node];
	char *to = ev->note.text;
	size_t room = sizeof(ev->note.text);
	int at;
	va_list ap;

	at = pos.line == 0 ? 0
			   : snprintf(to, room, "%u:%u: ", pos.line, pos.col);
	va_start(ap, fmt);
	if (at >= 0 && (size_t)at < room)
		(void)vsnprintf(to + at, room - (size_t)at, fmt, ap);
	va_end(ap);
	return none;
}

struct cedar_value
ev_wrong(struct ev *ev, const struct code_node *n, const char *expected,
    struct cedar_value found)
{
	return ev_fail(ev, n, "expected %s, found %s", expected,
	    cedar_type_name(found.type));
}

struct cedar_value
ev_spent(struct ev *ev)
{
	ev->spent = true;
	note_set(&ev->note, "too little memory");
	return none;
}

static struct cedar_value
ev_const(struct ev *ev, const struct code_node *n)
{
	return ev->e->konst[n->a];
}

static struct cedar_value
ev_var(struct ev *ev, const struct code_node *n)
{
	return n->x == AST_CONTEXT ? ev->r->context
				   : cedar_entity(ev->r->var[n->x]);
}

/* A bool, or none after having said why not. */
static struct cedar_value
truth(struct ev *ev, uint32_t at)
{
	const struct cedar_value v = ev_node(ev, at);

	if (v.type == CEDAR_BOOL || v.type == CEDAR_NONE)
		return v;
	return ev_wrong(ev, &ev->e->node[at], "bool", v);
}

static struct cedar_value
ev_if(struct ev *ev, const struct code_node *n)
{
	const uint32_t *kid = &ev->e->list[n->a];
	const struct cedar_value test = truth(ev, kid[0]);

	if (test.type == CEDAR_NONE)
		return test;
	return ev_node(ev, test.i ? kid[1] : kid[2]);
}

/* Ends at the first that is false (and) or true (or). */
static struct cedar_value
ev_chain(struct ev *ev, const struct code_node *n)
{
	const uint32_t *kid = &ev->e->list[n->a];
	const int64_t end = n->op == OP_OR;

	for (uint32_t i = 0; i < n->n; i++) {
		const struct cedar_value v = truth(ev, kid[i]);

		if (v.type == CEDAR_NONE || v.i == end)
			return v;
	}
	return cedar_bool(!end);
}

static struct cedar_value
ev_not(struct ev *ev, const struct code_node *n)
{
	const struct cedar_value v = truth(ev, n->a);

	return v.type == CEDAR_NONE ? v : cedar_bool(!v.i);
}

static struct cedar_value
ev_set(struct ev *ev, const struct code_node *n)
{
	struct cedar_value *v = arena_alloc(ev->a, n->n * sizeof(*v)), set;

	if (v == NULL)
		return ev_spent(ev);
	for (uint32_t i = 0; i < n->n; i++) {
		v[i] = ev_node(ev, ev->e->list[n->a + i]);
		if (v[i].type == CEDAR_NONE)
			return none;
	}
	set = cedar_set_in(v, n->n, ev->a);
	return set.type == CEDAR_NONE ? ev_spent(ev) : set;
}

static struct cedar_value
ev_record(struct ev *ev, const struct code_node *n)
{
	struct cedar_field *f = arena_alloc(ev->a, n->n * sizeof(*f));
	struct cedar_value rec;

	if (f == NULL)
		return ev_spent(ev);
	for (uint32_t i = 0; i < n->n; i++) {
		const uint32_t *p = &ev->e->list[n->a + 2 * i];

		f[i].key = ev->e->str[p[0]];
		f[i].v = ev_node(ev, p[1]);
		if (f[i].v.type == CEDAR_NONE)
			return none;
	}
	rec = cedar_record_in(f, n->n, ev->a);
	if (rec.type == CEDAR_NONE)
		return arena_spent(ev->a)
			   ? ev_spent(ev)
			   : ev_fail(ev, n, "a record has a key twice");
	return rec;
}

typedef struct cedar_value (*ev_fn)(struct ev *, const struct code_node *);
static const ev_fn ops[OP__N] = {
	[OP_CONST] = ev_const,
	[OP_VAR] = ev_var,
	[OP_IF] = ev_if,
	[OP_AND] = ev_chain,
	[OP_OR] = ev_chain,
	[OP_NOT] = ev_not,
	[OP_NEG] = ev_neg,
	[OP_EQ] = ev_equal,
	[OP_NE] = ev_equal,
	[OP_LT] = ev_order,
	[OP_LE] = ev_order,
	[OP_GT] = ev_order,
	[OP_GE] = ev_order,
	[OP_IN] = ev_within,
	[OP_ADD] = ev_arith,
	[OP_SUB] = ev_arith,
	[OP_MUL] = ev_arith,
	[OP_CONTAINS] = ev_sets,
	[OP_CONTAINS_ALL] = ev_sets,
	[OP_CONTAINS_ANY] = ev_sets,
	[OP_GET_TAG] = ev_tag,
	[OP_HAS_TAG] = ev_tag,
	[OP_IS_EMPTY] = ev_empty,
	[OP_GET] = ev_get,
	[OP_HAS] = ev_has,
	[OP_LIKE] = ev_like,
	[OP_IS] = ev_is,
	[OP_IS_IN] = ev_is_in,
	[OP_SET] = ev_set,
	[OP_RECORD] = ev_record,
	[OP_CALL] = ev_call,
};

struct cedar_value
ev_node(struct ev *ev, uint32_t at)
{
	const struct code_node *n = &ev->e->node[at];

	return ops[n->op](ev, n);
}
