/*
 * index: which policies can apply at all.  Each policy is filed under one
 * thing that its scope demands ("action is X", "principal in Y", "resource is
 * a T"): the one that the fewest other policies demand too.  A request asks for
 * all that it has, once each.  What is found is a superset of what applies;
 * the evaluator still tests the whole scope, so a mistake here could only
 * ever leave a policy out, and the tests compare with asking every policy.
 */
#include "cedar/code.h"

uint64_t
code_key(unsigned var, enum code_key kind, uint64_t hash)
{
	const uint64_t k =
	    (hash ^ (var * KEY__N + kind + 1)) * UINT64_C(0x9e3779b97f4a7c15);

	return k ^ k >> 32;
}

static size_t
place(const struct code_index *x, uint64_t key)
{
	size_t i = key & x->mask;

	while (x->slot[i].n != 0 && x->slot[i].key != key)
		i = (i + 1) & x->mask;
	return i;
}

const struct code_slot *
code_index_find(const struct code_index *x, uint64_t key)
{
	return &x->slot[place(x, key)];
}

/* The keys that a scope demands one of: their number, 0: it demands none. */
struct demand {
	unsigned var;
	enum code_key kind;
	uint32_t n;
};

static struct demand
demand_of(const struct code_scope *s, unsigned var)
{
	static const uint8_t kind[] = {
		[AST_SCOPE_ANY] = KEY__N,
		[AST_SCOPE_EQ] = KEY_EQ,
		[AST_SCOPE_IN] = KEY_IN,
		[AST_SCOPE_IN_LIST] = KEY_IN,
		[AST_SCOPE_IS] = KEY_IS,
		[AST_SCOPE_IS_IN] = KEY_IN,
	};
	struct demand d = { var, kind[s->op], s->n };

	if (d.kind == KEY_IS)
		d.n = 1;
	return d;
}

static uint64_t
demand_key(const struct cedar_engine *e, const struct code_scope *s,
    struct demand d, uint32_t i)
{
	const uint64_t hash = d.kind == KEY_IS
				  ? hash64(e->str[s->type], 0)
				  : e->uid[e->list[s->uid + i]].hash;

	return code_key(d.var, d.kind, hash);
}

static void
count(struct code_index *x, uint64_t key)
{
	struct code_slot *s = &x->slot[place(x, key)];

	s->key = key;
	s->n++;
}

/* How often each demand is made, by all policies. */
static void
count_all(const struct cedar_engine *e, struct code_index *x)
{
	for (uint32_t i = 0; i < e->n[SEC_POLICY]; i++)
		for (unsigned var = 0; var < 3; var++) {
			const struct code_scope *s = &e->policy[i].scope[var];
			const struct demand d = demand_of(s, var);

			for (uint32_t k = 0; d.kind != KEY__N && k < d.n; k++)
				count(x, demand_key(e, s, d, k));
		}
}

/* The demand of policy i that the fewest make; kind KEY__N: it makes none. */
static struct demand
choose(const struct cedar_engine *e, const struct code_index *x, uint32_t i)
{
	struct demand best = { 0, KEY__N, 0 };
	uint64_t least = UINT64_MAX;

	for (unsigned var = 0; var < 3; var++) {
		const struct code_scope *s = &e->policy[i].scope[var];
		const struct demand d = demand_of(s, var);
		uint64_t sum = 0;

		if (d.kind == KEY__N)
			continue;
		for (uint32_t k = 0; k < d.n; k++)
			sum += code_index_find(x, demand_key(e, s, d, k))->n;
		if (sum < least) {
			least = sum;
			best = d;
		}
	}
	return best;
}

/* How many policies each bucket will have. */
static void
measure(struct cedar_engine *e, const struct demand *best)
{
	struct code_index *x = &e->index;

	for (uint32_t i = 0; i < e->n[SEC_POLICY]; i++) {
		const struct demand d = best[i];
		const struct code_scope *s = &e->policy[i].scope[d.var];

		if (d.kind == KEY__N) {
			x->any_n++;
			continue;
		}
		x->has[d.var][d.kind] = true;
		for (uint32_t k = 0; k < d.n; k++)
			count(x, demand_key(e, s, d, k));
	}
}

/* Gives each bucket the place where it ends; how many there are in all. */
static uint32_t
lay_out(struct code_index *x)
{
	uint32_t at = 0;

	for (size_t i = 0; i <= x->mask; i++)
		x->slot[i].at = at += x->slot[i].n;
	return x->any = at + x->any_n;
}

/* From the last policy to the first, each bucket from its end. */
static void
fill(struct cedar_engine *e, const struct demand *best)
{
	struct code_index *x = &e->index;

	for (uint32_t i = e->n[SEC_POLICY]; i-- > 0;) {
		const struct demand d = best[i];
		const struct code_scope *s = &e->policy[i].scope[d.var];

		if (d.kind == KEY__N)
			x->pol[--x->any] = i;
		for (uint32_t k = 0; d.kind != KEY__N && k < d.n; k++)
			x->pol[--x->slot[place(x, demand_key(e, s, d, k))].at] =
			    i;
	}
}

static size_t
room_for(const struct cedar_engine *e)
{
	size_t n = 1, cap = 16;

	for (uint32_t i = 0; i < e->n[SEC_POLICY]; i++)
		for (int var = 0; var < 3; var++)
			n += e->policy[i].scope[var].n + 1;
	while (cap < 2 * n)
		cap *= 2;
	return cap;
}

enum err
code_index_make(struct cedar_engine *e)
{
	struct code_index *x = &e->index, all = { 0 };
	const size_t cap = room_for(e);
	struct demand *best =
	    arena_alloc(e->a, e->n[SEC_POLICY] * sizeof(*best));

	all.mask = x->mask = cap - 1;
	all.slot = arena_alloc(e->a, cap * sizeof(*all.slot));
	x->slot = arena_alloc(e->a, cap * sizeof(*x->slot));
	if (best == NULL || all.slot == NULL || x->slot == NULL)
		return ERR_LIMIT;
	count_all(e, &all);
	for (uint32_t i = 0; i < e->n[SEC_POLICY]; i++)
		best[i] = choose(e, &all, i);
	measure(e, best);
	x->pol = arena_alloc(e->a, (lay_out(x) + 1) * sizeof(*x->pol));
	if (x->pol == NULL)
		return ERR_LIMIT;
	fill(e, best);
	return OK;
}
