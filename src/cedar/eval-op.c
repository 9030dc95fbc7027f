/*
 * eval-op: operators over values: comparison, arithmetic, sets, hierarchy,
 * attributes, tags and patterns.
 */
#include "cedar/eval.h"

static const struct cedar_value none = { 0 };

/* Both operands, left first; false: one of them failed. */
static bool
both(struct ev *ev, const struct code_node *n, struct cedar_value *l,
    struct cedar_value *r)
{
	*l = ev_node(ev, n->a);
	if (l->type == CEDAR_NONE)
		return false;
	*r = ev_node(ev, n->b);
	return r->type != CEDAR_NONE;
}

struct cedar_value
ev_equal(struct ev *ev, const struct code_node *n)
{
	struct cedar_value l, r;

	if (!both(ev, n, &l, &r))
		return none;
	return cedar_bool(cedar_same(l, r) == (n->op == OP_EQ));
}

static bool
has_order(struct cedar_value v)
{
	return v.type == CEDAR_LONG || v.type == CEDAR_DATETIME ||
	       v.type == CEDAR_DURATION;
}

struct cedar_value
ev_order(struct ev *ev, const struct code_node *n)
{
	struct cedar_value l, r;

	if (!both(ev, n, &l, &r))
		return none;
	if (!has_order(l))
		return ev_wrong(ev, n, "long, datetime or duration", l);
	if (r.type != l.type)
		return ev_wrong(ev, n, cedar_type_name(l.type), r);
	return cedar_bool(n->op == OP_LT   ? l.i < r.i
			  : n->op == OP_LE ? l.i <= r.i
			  : n->op == OP_GT ? l.i > r.i
					   : l.i >= r.i);
}

struct cedar_value
ev_arith(struct ev *ev, const struct code_node *n)
{
	struct cedar_value l, r;
	int64_t v;
	bool over;

	if (!both(ev, n, &l, &r))
		return none;
	if (l.type != CEDAR_LONG)
		return ev_wrong(ev, n, "long", l);
	if (r.type != CEDAR_LONG)
		return ev_wrong(ev, n, "long", r);
	over = n->op == OP_ADD	 ? __builtin_add_overflow(l.i, r.i, &v)
	       : n->op == OP_SUB ? __builtin_sub_overflow(l.i, r.i, &v)
				 : __builtin_mul_overflow(l.i, r.i, &v);
	if (over)
		return ev_fail(ev, n, "%lld %c %lld overflows", (long long)l.i,
		    n->op == OP_ADD   ? '+'
		    : n->op == OP_SUB ? '-'
				      : '*',
		    (long long)r.i);
	return cedar_long(v);
}

struct cedar_value
ev_neg(struct ev *ev, const struct code_node *n)
{
	const struct cedar_value v = ev_node(ev, n->a);
	int64_t i;

	if (v.type == CEDAR_NONE)
		return v;
	if (v.type != CEDAR_LONG)
		return ev_wrong(ev, n, "long", v);
	if (__builtin_sub_overflow(0, v.i, &i))
		return ev_fail(ev, n, "-(%lld) overflows", (long long)v.i);
	return cedar_long(i);
}

/* ---- entities ---- */

/* What is known of an entity; the request's own are looked up once. */
static const struct entity *
find(struct ev *ev, const struct cedar_ref *ref)
{
	for (int i = 0; i < 3; i++)
		if (ref == ev->r->var[i])
			return ev->own[i];
	return ev->es == NULL ? NULL : store_find(ev->es, ref);
}

bool
ev_in(struct ev *ev, const struct cedar_ref *x, const struct cedar_ref *y)
{
	return ref_same(x, y) || entity_under(find(ev, x), y);
}

static struct cedar_value
in_value(struct ev *ev, const struct code_node *n, const struct cedar_ref *x,
    struct cedar_value r)
{
	bool is = false;

	if (r.type == CEDAR_ENTITY)
		return cedar_bool(ev_in(ev, x, r.ref));
	if (r.type != CEDAR_SET)
		return ev_wrong(ev, n, "entity or set of entities", r);
	for (uint32_t i = 0; i < r.n; i++)
		if (r.el[i].type != CEDAR_ENTITY)
			return ev_wrong(ev, n, "entity in the set", r.el[i]);
	for (uint32_t i = 0; i < r.n && !is; i++)
		is = ev_in(ev, x, r.el[i].ref);
	return cedar_bool(is);
}

struct cedar_value
ev_within(struct ev *ev, const struct code_node *n)
{
	struct cedar_value l, r;

	if (!both(ev, n, &l, &r))
		return none;
	if (l.type != CEDAR_ENTITY)
		return ev_wrong(ev, n, "entity", l);
	return in_value(ev, n, l.ref, r);
}

struct cedar_value
ev_is(struct ev *ev, const struct code_node *n)
{
	const struct cedar_value v = ev_node(ev, n->a);

	if (v.type == CEDAR_NONE)
		return v;
	if (v.type != CEDAR_ENTITY)
		return ev_wrong(ev, n, "entity", v);
	return cedar_bool(str_eq(v.ref->uid.type, ev->e->str[n->b]));
}

struct cedar_value
ev_is_in(struct ev *ev, const struct code_node *n)
{
	const struct cedar_value v = ev_node(ev, n->a);
	struct cedar_value r;

	if (v.type == CEDAR_NONE)
		return v;
	if (v.type != CEDAR_ENTITY)
		return ev_wrong(ev, n, "entity", v);
	if (!str_eq(v.ref->uid.type, ev->e->str[n->n]))
		return cedar_bool(false);
	r = ev_node(ev, n->b);
	return r.type == CEDAR_NONE ? r : in_value(ev, n, v.ref, r);
}

/* ---- attributes and tags ---- */

/* The record that v's attributes are in; NULL: v is no such thing, and why is
 * said; an absent entity has none and says so only when absent is not NULL. */
static bool
attrs_of(struct ev *ev, const struct code_node *n, struct cedar_value v,
    struct cedar_value *out, bool *absent)
{
	const struct entity *e;

	*out = v;
	*absent = false;
	if (v.type == CEDAR_RECORD)
		return true;
	if (v.type != CEDAR_ENTITY) {
		(void)ev_wrong(ev, n, "record or entity", v);
		return false;
	}
	e = find(ev, v.ref);
	*absent = e == NULL;
	*out = e == NULL ? none : e->attrs;
	return true;
}

static struct cedar_value
absent_entity(
    struct ev *ev, const struct code_node *n, const struct cedar_ref *ref)
{
	return ev_fail(ev, n, "entity %.*s::\"%.*s\" does not exist",
	    STR_ARG(ref->uid.type), STR_ARG(ref->uid.id));
}

static struct cedar_value
get(struct ev *ev, const struct code_node *n)
{
	const struct str name = ev->e->str[n->b];
	const struct cedar_value v = ev_node(ev, n->a);
	const struct cedar_value *found;
	struct cedar_value rec;
	bool absent;

	if (v.type == CEDAR_NONE || !attrs_of(ev, n, v, &rec, &absent))
		return none;
	if (absent)
		return absent_entity(ev, n, v.ref);
	found = cedar_get(rec, name);
	if (found == NULL)
		return ev_fail(ev, n, "%s has no attribute \"%.*s\"",
		    cedar_type_name(v.type), STR_ARG(name));
	return *found;
}

struct cedar_value
ev_get(struct ev *ev, const struct code_node *n)
{
	const uint32_t slot = ev->e->slot[n - ev->e->node];
	const uint32_t at = slot % EV_KEPT;
	struct cedar_value v;

	if (slot == 0)
		return get(ev, n);
	if (ev->kept->slot[at] == slot)
		return ev->kept->v[at];
	v = get(ev, n);
	if (v.type != CEDAR_NONE) {
		ev->kept->slot[at] = slot;
		ev->kept->v[at] = v;
	}
	return v;
}

/* e has a.b.c: each must be there for the next to be looked at. */
struct cedar_value
ev_has(struct ev *ev, const struct code_node *n)
{
	struct cedar_value v = ev_node(ev, n->a), rec;
	bool absent;

	if (v.type == CEDAR_NONE)
		return v;
	for (uint32_t i = 0; i < n->n; i++) {
		const struct str name = ev->e->str[ev->e->list[n->b + i]];
		const struct cedar_value *found;

		if (!attrs_of(ev, n, v, &rec, &absent))
			return none;
		found = absent ? NULL : cedar_get(rec, name);
		if (found == NULL)
			return cedar_bool(false);
		v = *found;
	}
	return cedar_bool(true);
}

struct cedar_value
ev_tag(struct ev *ev, const struct code_node *n)
{
	struct cedar_value l, r;
	const struct cedar_value *found;
	const struct entity *e;

	if (!both(ev, n, &l, &r))
		return none;
	if (l.type != CEDAR_ENTITY)
		return ev_wrong(ev, n, "entity", l);
	if (r.type != CEDAR_STRING)
		return ev_wrong(ev, n, "string", r);
	e = find(ev, l.ref);
	found = e == NULL ? NULL : cedar_get(e->tags, cedar_text(r));
	if (n->op == OP_HAS_TAG)
		return cedar_bool(found != NULL);
	if (e == NULL)
		return absent_entity(ev, n, l.ref);
	if (found == NULL)
		return ev_fail(ev, n, "entity has no tag \"%.*s\"",
		    STR_ARG(cedar_text(r)));
	return *found;
}

/* ---- sets ---- */
static bool
has_all(struct cedar_value set, struct cedar_value part)
{
	if (part.n > set.n)
		return false;
	for (uint32_t i = 0; i < part.n; i++)
		if (!cedar_has(set, part.el[i]))
			return false;
	return true;
}

static bool
has_any(struct cedar_value a, struct cedar_value b)
{
	const struct cedar_value few = a.n < b.n ? a : b;
	const struct cedar_value many = a.n < b.n ? b : a;

	for (uint32_t i = 0; i < few.n; i++)
		if (cedar_has(many, few.el[i]))
			return true;
	return false;
}

struct cedar_value
ev_sets(struct ev *ev, const struct code_node *n)
{
	struct cedar_value l, r;

	if (!both(ev, n, &l, &r))
		return none;
	if (l.type != CEDAR_SET)
		return ev_wrong(ev, n, "set", l);
	if (n->op == OP_CONTAINS)
		return cedar_bool(cedar_has(l, r));
	if (r.type != CEDAR_SET)
		return ev_wrong(ev, n, "set", r);
	return cedar_bool(
	    n->op == OP_CONTAINS_ALL ? has_all(l, r) : has_any(l, r));
}

struct cedar_value
ev_empty(struct ev *ev, const struct code_node *n)
{
	const struct cedar_value v = ev_node(ev, n->a);

	if (v.type == CEDAR_NONE)
		return v;
	if (v.type != CEDAR_SET)
		return ev_wrong(ev, n, "set", v);
	return cedar_bool(v.n == 0);
}

/* ---- patterns ---- */

/* The first part is at the start, the last at the end, the others in between
 * as early as they can be: what is left is then as long as it can be. */
static bool
matches(struct str s, const struct str *str, const uint32_t *part, uint32_t n)
{
	const struct str first = str[part[0]], last = str[part[n - 1]];

	if (n == 1)
		return str_eq(s, first);
	if (!str_starts(s, first))
		return false;
	s = str_sub(s, first.n, s.n);
	if (!str_ends(s, last))
		return false;
	s.n -= last.n;
	for (uint32_t i = 1; i + 1 < n; i++) {
		const struct str p = str[part[i]];
		const size_t at = str_search(s, p);

		if (at == s.n && p.n > 0)
			return false;
		s = str_sub(s, at + p.n, s.n);
	}
	return true;
}

struct cedar_value
ev_like(struct ev *ev, const struct code_node *n)
{
	const struct cedar_value v = ev_node(ev, n->a);

	if (v.type == CEDAR_NONE)
		return v;
	if (v.type != CEDAR_STRING)
		return ev_wrong(ev, n, "string", v);
	return cedar_bool(
	    matches(cedar_text(v), ev->e->str, &ev->e->list[n->b], n->n));
}
