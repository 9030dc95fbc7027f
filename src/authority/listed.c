/*
 * listed.c: facts of an argument that is a list ("path*").  A policy cannot go
 * over a list, so what it would ask of each element is made for it:
 *
 *   each.F  the set of what fact F is of any element: what must not be among
 *           them, or must be all there is ([true].containsAll(...))
 *   all.F   of facts that are sets: what every element has
 *   n       how many elements there are
 *
 * A fact that may be absent is in `each` when every element has it, so none
 * hides behind another.  An element that is not of its kind refuses the call.
 */
#include "authority/authority-in.h"

enum { ELEMENTS_MAX = 256, SHARED_STEPS = 1 << 20 };

struct row { /* what the elements are by one fact */
	const struct fact *of[ELEMENTS_MAX];
	size_t there;
};
struct listed {
	struct arena *a;
	const struct fact_shape *shape;
	size_t shapes, n;
	struct row *row;
};

static enum err
read_all(struct listed *l, enum fact_kind k, struct str arg, struct jv list,
    struct note *why)
{
	struct jit it = jit_of(list);
	struct jv v;

	for (size_t i = 0; jit_next(&it, NULL, &v); i++) {
		const struct fact_value fv = fact_value_of(v);
		struct facts *got = arena_alloc(l->a, sizeof(*got));
		struct note what = { "" };

		if (got == NULL)
			return ERR_LIMIT;
		if (facts_read(k, &fv, l->a, got, &what) != OK) {
			note_set(why, "argument %.*s[%zu]: %s",
			    (int)(arg.n > 60 ? 60 : arg.n), arg.p, i,
			    what.text);
			return ERR_SYNTAX;
		}
		for (size_t s = 0; s < l->shapes; s++) {
			const struct fact *f = fact_get(got, l->shape[s].name);

			l->row[s].of[i] = f;
			l->row[s].there += f != NULL;
		}
	}
	return OK;
}

/* What any element has. */
static struct cedar_value
any_of(const struct listed *l, const struct row *r)
{
	struct cedar_value *el;
	size_t n = 0;

	for (size_t i = 0; i < l->n; i++)
		n += r->of[i]->type == FACT_SET ? r->of[i]->set_n : 1;
	el = arena_alloc(l->a, (n + 1) * sizeof(*el));
	if (el == NULL)
		return (struct cedar_value){ .type = CEDAR_NONE };
	n = 0;
	for (size_t i = 0; i < l->n; i++) {
		const struct fact *f = r->of[i];

		for (size_t k = 0; f->type == FACT_SET && k < f->set_n; k++)
			el[n++] = cedar_string(f->set[k]);
		if (f->type != FACT_SET)
			el[n++] = fact_as_value(f, l->a);
	}
	return cedar_set_in(el, n, l->a);
}

/* Mostly at the same place: directories stand in order. */
static bool
has(const struct fact *f, struct str s, size_t at, size_t *steps)
{
	if (at < f->set_n && str_eq(f->set[at], s))
		return true;
	for (size_t i = 0; i<f->set_n && * steps> 0; i++, (*steps)--)
		if (str_eq(f->set[i], s))
			return true;
	return false;
}

/* What every element has; of no elements, nothing. */
static enum err
shared_by(const struct listed *l, const struct row *r, struct cedar_value *out)
{
	const struct fact *first = l->n > 0 ? r->of[0] : NULL;
	const size_t most = first != NULL ? first->set_n : 0;
	struct cedar_value *el = arena_alloc(l->a, (most + 1) * sizeof(*el));
	size_t n = 0, steps = SHARED_STEPS;

	if (el == NULL)
		return ERR_LIMIT;
	for (size_t k = 0; k < most; k++) {
		size_t i = 1;

		while (i < l->n && has(r->of[i], first->set[k], k, &steps))
			i++;
		if (i == l->n)
			el[n++] = cedar_string(first->set[k]);
	}
	*out = cedar_set_in(el, n, l->a);
	return steps == 0 ? ERR_LIMIT : OK;
}

static enum err
put_all(const struct listed *l, struct cedar_value *out)
{
	struct cedar_field *each =
	    arena_alloc(l->a, (l->shapes + 1) * sizeof(*each));
	struct cedar_field *all =
	    arena_alloc(l->a, (l->shapes + 1) * sizeof(*all));
	struct cedar_field f[3] = { { STR("n"), cedar_long((int64_t)l->n) } };
	size_t each_n = 0, all_n = 0;

	if (each == NULL || all == NULL)
		return ERR_LIMIT;
	for (size_t s = 0; s < l->shapes; s++) {
		const struct row *r = &l->row[s];

		if (r->there < l->n || (l->n == 0 && l->shape[s].optional))
			continue;
		each[each_n++] =
		    (struct cedar_field){ l->shape[s].name, any_of(l, r) };
		if (l->shape[s].type != FACT_SET)
			continue;
		all[all_n].key = l->shape[s].name;
		TRY(shared_by(l, r, &all[all_n++].v));
	}
	f[1] =
	    (struct cedar_field){ STR("all"), cedar_record(all, all_n, l->a) };
	f[2] = (struct cedar_field){ STR("each"),
		cedar_record(each, each_n, l->a) };
	*out = cedar_record(f, countof(f), l->a);
	return out->type == CEDAR_NONE || arena_spent(l->a) ? ERR_LIMIT : OK;
}

static enum err
bad(struct str arg, const char *what, struct note *why)
{
	note_set(why, "argument %.*s: %s", (int)(arg.n > 60 ? 60 : arg.n),
	    arg.p, what);
	return ERR_SYNTAX;
}

enum err
derived_list(enum fact_kind k, struct str arg, struct jv v, struct arena *a,
    struct cedar_value *out, struct note *why)
{
	struct listed l = { .a = a, .n = jv_count(v) };
	enum err e;

	if (!jv_is(v, J_ARR))
		return bad(arg, "must be a list", why);
	if (l.n > ELEMENTS_MAX)
		return bad(arg, "more than 256 elements", why);
	l.shape = fact_shapes(k, &l.shapes);
	l.row = arena_alloc(a, l.shapes * sizeof(*l.row));
	if (l.row == NULL)
		return bad(arg, "too large for policies", why);
	for (size_t s = 0; s < l.shapes; s++)
		l.row[s].there = 0;
	e = read_all(&l, k, arg, v, why);
	if (!e)
		e = put_all(&l, out);
	return e == ERR_LIMIT ? bad(arg, "too large for policies", why) : e;
}
