/*
 * entities: the store.  Entities are found by the hash of their name; all
 * ancestors of each are computed once, when the store is closed, so that "in"
 * is one look-up.  A call's own entities lie over a shared store, which they
 * hide where names are equal.
 */
#include "cedar/store.h"

enum { STORE_ARENA = 1024 * 1024 * 1024 };
enum { WHITE, GREY, BLACK }; /* not yet seen, being seen, closed */

bool
ref_same(const struct cedar_ref *a, const struct cedar_ref *b)
{
	return a == b || (a->hash == b->hash && str_eq(a->uid.id, b->uid.id) &&
			     str_eq(a->uid.type, b->uid.type));
}

struct cedar_entities *
cedar_entities_new(void)
{
	struct cedar_entities *es = mem_get(sizeof(*es));

	es->a = arena_new(STORE_ARENA);
	es->own = true;
	return es;
}

struct cedar_entities *
cedar_entities_over(const struct cedar_entities *base, struct arena *a)
{
	struct cedar_entities *es = arena_alloc(a, sizeof(*es));

	if (es == NULL)
		return NULL;
	es->a = a;
	es->base = base;
	return es;
}

void
cedar_entities_free(struct cedar_entities *es)
{
	if (es == NULL)
		return;
	BUG_ON(!es->own);
	arena_free(es->a);
	mem_free(es);
}

struct arena *
cedar_entities_arena(struct cedar_entities *es)
{
	return es->a;
}

/* ---- finding ---- */
static size_t
place(const struct cedar_entities *es, const struct cedar_ref *ref)
{
	size_t i = ref->hash & (es->cap - 1);

	while (es->slot[i] != NULL && !ref_same(es->slot[i]->ref, ref))
		i = (i + 1) & (es->cap - 1);
	return i;
}

const struct entity *
store_find(const struct cedar_entities *es, const struct cedar_ref *ref)
{
	for (; es != NULL; es = es->base) {
		const struct entity *e =
		    es->cap == 0 ? NULL : es->slot[place(es, ref)];

		if (e != NULL)
			return e;
	}
	return NULL;
}

static bool
up_has(const struct entity *e, const struct cedar_ref *ref)
{
	size_t i;

	if (e->up == NULL)
		return false;
	for (i = ref->hash & e->up_mask; e->up[i] != NULL;
	     i = (i + 1) & e->up_mask)
		if (ref_same(e->up[i], ref))
			return true;
	return false;
}

bool
entity_under(const struct entity *e, const struct cedar_ref *anc)
{
	return e != NULL && up_has(e, anc);
}

/* ---- ancestors ---- */
static void
up_add(struct entity *e, const struct cedar_ref *ref)
{
	size_t i = ref->hash & e->up_mask;

	while (e->up[i] != NULL && !ref_same(e->up[i], ref))
		i = (i + 1) & e->up_mask;
	if (e->up[i] == NULL)
		e->up_n++;
	e->up[i] = ref;
}

/* The ancestors of e, whose parents have theirs; *left is how many may be. */
static enum err
gather(const struct cedar_entities *es, struct entity *e, size_t *left)
{
	size_t most = e->parent_n, cap = 2;

	for (size_t i = 0; i < e->parent_n; i++) {
		const struct entity *p = store_find(es, e->parent[i]);

		most += p == NULL ? 0 : p->up_n;
	}
	if (most == 0)
		return OK;
	if (most > *left)
		return ERR_LIMIT;
	while (cap < 2 * most)
		cap *= 2;
	e->up = arena_alloc(es->a, cap * sizeof(struct cedar_ref *));
	if (e->up == NULL)
		return ERR_LIMIT;
	e->up_mask = cap - 1;
	for (size_t i = 0; i < e->parent_n; i++) {
		const struct entity *p = store_find(es, e->parent[i]);

		up_add(e, e->parent[i]);
		for (size_t k = 0;
		     p != NULL && p->up != NULL && k <= p->up_mask; k++)
			if (p->up[k] != NULL)
				up_add(e, p->up[k]);
	}
	*left -= e->up_n;
	return OK;
}

/* ---- adding ---- */

static bool
grow(struct cedar_entities *es)
{
	struct entity **old = es->slot;
	const size_t old_cap = es->cap, cap = old_cap == 0 ? 16 : 2 * old_cap;

	es->slot = arena_alloc(es->a, cap * sizeof(struct entity *));
	if (es->slot == NULL) {
		es->slot = old;
		return false;
	}
	es->cap = cap;
	for (size_t i = 0; i < old_cap; i++)
		if (old[i] != NULL)
			es->slot[place(es, old[i]->ref)] = old[i];
	return true;
}

static bool
set_parents(struct cedar_entities *es, struct entity *e,
    const struct cedar_uid *parent, size_t n)
{
	struct cedar_ref *ref;

	e->parent_n = n;
	if (n == 0)
		return true;
	e->parent = arena_alloc(es->a, n * sizeof(struct cedar_ref *));
	ref = arena_alloc(es->a, n * sizeof(*ref));
	if (e->parent == NULL || ref == NULL)
		return false;
	for (size_t i = 0; i < n; i++) {
		ref[i] = cedar_ref_of(parent[i]);
		e->parent[i] = &ref[i];
	}
	return true;
}

/* The same entity again is no fault; another of its name is. */
static bool
same_entity(const struct entity *e, const struct cedar_new_entity *x)
{
	if (!cedar_same(e->attrs, x->attrs) || !cedar_same(e->tags, x->tags) ||
	    e->parent_n != x->parent_n)
		return false;
	for (size_t i = 0; i < x->parent_n; i++) {
		const struct cedar_ref ref = cedar_ref_of(x->parent[i]);
		bool found = false;

		for (size_t k = 0; k < e->parent_n; k++)
			found = found || ref_same(e->parent[k], &ref);
		if (!found)
			return false;
	}
	return true;
}

static const struct cedar_value no_fields = { .type = CEDAR_RECORD };

static enum err
add(struct cedar_entities *es, const struct cedar_new_entity *given, bool whole)
{
	struct cedar_new_entity x = *given;
	const struct cedar_ref ref = cedar_ref_of(x.uid);
	struct cedar_ref *own;
	struct entity *e;
	size_t left = STORE_CLOSURE_MAX;

	if (x.attrs.type == CEDAR_NONE)
		x.attrs = no_fields;
	if (x.tags.type == CEDAR_NONE)
		x.tags = no_fields;
	if (x.attrs.type != CEDAR_RECORD || x.tags.type != CEDAR_RECORD)
		return ERR_SYNTAX;
	if (es->n >= STORE_ENTITIES_MAX)
		return ERR_LIMIT;
	if (es->n >= es->cap / 2 && !grow(es))
		return ERR_LIMIT;
	e = es->slot[place(es, &ref)];
	if (e != NULL)
		return same_entity(e, &x) ? OK : ERR_SYNTAX;
	e = arena_alloc(es->a, sizeof(*e));
	if (e == NULL || !set_parents(es, e, x.parent, x.parent_n))
		return ERR_LIMIT;
	own = arena_alloc(es->a, sizeof(*own));
	if (own == NULL)
		return ERR_LIMIT;
	*own = ref;
	e->ref = own;
	e->attrs = x.attrs;
	e->tags = x.tags;
	if (whole)
		TRY(gather(es, e, &left));
	es->slot[place(es, &ref)] = e;
	es->n++;
	if (es->last == NULL)
		es->first = e;
	else
		es->last->next = e;
	es->last = e;
	return OK;
}

enum err
cedar_entities_add(struct cedar_entities *es, const struct cedar_new_entity *x)
{
	BUG_ON(es->done);
	return add(es, x, !es->own);
}

enum err
store_add_closed(struct cedar_entities *es, const struct cedar_new_entity *x)
{
	BUG_ON(!es->done);
	return add(es, x, true);
}

/* ---- closing ---- */
struct closing {
	struct cedar_entities *es;
	struct entity **stack; /* each entity is on it at most once */
	size_t n, left;
};

static struct entity *
mutable_find(const struct cedar_entities *es, const struct cedar_ref *ref)
{
	return es->slot[place(es, ref)]; /* there is at least one */
}

/* A parent of e that is still to be closed goes on the stack. */
static enum err
close_step(struct closing *c, bool *cycle)
{
	struct entity *e = c->stack[c->n - 1];

	e->colour = GREY;
	while (e->up_n < e->parent_n) { /* up_n counts those looked at */
		struct entity *p = mutable_find(c->es, e->parent[e->up_n]);

		if (p != NULL && p->colour == GREY) {
			*cycle = true;
			return ERR_SYNTAX;
		}
		e->up_n++;
		if (p != NULL && p->colour == WHITE) {
			c->stack[c->n++] = p;
			return OK;
		}
	}
	e->up_n = 0;
	e->colour = BLACK;
	c->n--;
	return gather(c->es, e, &c->left);
}

enum err
cedar_entities_close(struct cedar_entities *es, struct cedar_why *why)
{
	struct closing c = { .es = es, .left = STORE_CLOSURE_MAX };
	bool cycle = false;

	BUG_ON(es->done || !es->own);
	c.stack = arena_alloc(es->a, (es->n + 1) * sizeof(struct entity *));
	if (c.stack == NULL)
		return ERR_LIMIT;
	for (size_t i = 0; i < es->cap; i++) {
		if (es->slot[i] == NULL || es->slot[i]->colour != WHITE)
			continue;
		c.stack[c.n++] = es->slot[i];
		while (c.n > 0) {
			const struct entity *e = c.stack[c.n - 1];
			const enum err bad = close_step(&c, &cycle);

			if (bad && why != NULL)
				note_set(&why->note,
				    cycle ? "entity %.*s::\"%.*s\" is its own "
					    "ancestor"
					  : "too many ancestors at "
					    "%.*s::\"%.*s\"",
				    STR_ARG(e->ref->uid.type),
				    STR_ARG(e->ref->uid.id));
			if (bad)
				return bad;
		}
	}
	es->done = true;
	return OK;
}
