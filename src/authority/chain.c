/*
 * chain.c: on whose behalf.  The inventory says for whom an agent acts; a
 * request may claim more, and since nobody vouches for a claim it can only take
 * away: whoever is named must be allowed the call as well, and a name that
 * nobody knows denies.
 */
#include "authority/inventory.h"

static bool
is_there(const struct call *c, struct str name)
{
	if (str_eq(c->principal, name))
		return true;
	for (size_t i = 0; i < c->chain_n; i++)
		if (str_eq(c->chain[i], name))
			return true;
	return false;
}

/* Adds it and whom it acts for in turn. */
static enum err
add(const struct inventory *v, struct call *c, struct str name, bool claim,
    struct note *why)
{
	while (name.n > 0 && !is_there(c, name)) {
		const struct declared *d;

		if (c->chain_n == CHAIN_MAX) {
			note_set(why,
			    "The call is on behalf of more than %d others.",
			    CHAIN_MAX);
			return ERR_LIMIT;
		}
		c->chain[c->chain_n++] = name;
		c->claimed += claim;
		d = inventory_find(v, K_AGENT, name);
		name = d == NULL ? (struct str){ NULL, 0 } : d->acts_for;
	}
	return OK;
}

static bool
is_known(const struct inventory *v, struct str name)
{
	if (v->is)
		return inventory_find(v, K_AGENT, name) != NULL ||
		       inventory_find(v, K_USER, name) != NULL;
	return map_get(v->names, name) != NULL;
}

static enum err
claim(
    const struct inventory *v, struct call *c, struct jv name, struct note *why)
{
	const struct str s = jv_str(name);

	if (!jv_is(name, J_STR) || s.n == 0) {
		note_set(why,
		    "%s names whom the call is for: a name, or a list "
		    "of names.",
		    META_ON_BEHALF_OF);
		return ERR_SYNTAX;
	}
	if (!is_known(v, s)) {
		note_set(why,
		    "Nobody knows \"%.*s\", on whose behalf the call is said "
		    "to be.",
		    (int)(s.n > 100 ? 100 : s.n), s.p);
		return ERR_DENIED;
	}
	return add(v, c, s, true, why);
}

enum err
chain_fill(const struct inventory *v, struct call *c, struct note *why)
{
	const struct jv said =
	    jv_get(jv_get(c->params, STR("_meta")), STR(META_ON_BEHALF_OF));
	const struct declared *d = inventory_find(v, K_AGENT, c->principal);
	struct jit it = jit_of(said);
	struct jv name;

	c->chain_n = c->claimed = 0;
	c->chained = false;
	if (d != NULL)
		TRY(add(v, c, d->acts_for, false, why));
	if (!jv_is(said, J_NONE) && !jv_is(said, J_ARR))
		TRY(claim(v, c, said, why));
	while (jv_is(said, J_ARR) && jit_next(&it, NULL, &name))
		TRY(claim(v, c, name, why));
	c->chained = true;
	return OK;
}

enum err
policy_chain(const struct policy *p, struct call *c, struct note *why)
{
	return chain_fill(p->inv, c, why);
}

/* ---- claims ---- */

bool
chain_is_read(const struct policy *p, const struct call *c)
{
	return c->claimed > 0 && (p->reads & READS_CHAIN) != 0;
}

struct call
chain_unclaimed(const struct call *c)
{
	struct call less = *c;

	less.chain_n -= less.claimed;
	less.claimed = 0;
	return less;
}

/* ---- verdicts of all links ---- */

void
chain_link(const struct inventory *v, struct str link, struct known *k)
{
	k->who = inventory_find(v, K_AGENT, link);
	k->user = k->who == NULL && v->is;
	if (k->user)
		k->who = inventory_find(v, K_USER, link);
}

static int
strictness(enum effect e)
{
	return e == DENY ? 2 : e == HOLD ? 1 : 0;
}

static void
say_for(struct verdict *v, struct str link, struct arena *a)
{
	struct str words;
	struct note said;

	note_set(&said, "For %.*s, on whose behalf it is: %.*s",
	    (int)(link.n > 64 ? 64 : link.n), link.p, STR_ARG(v->reason));
	words = arena_str(a, str_of(said.text));
	v->link = link;
	if (words.p != NULL)
		v->reason = words;
}

/* The stricter one stands, and says for whom it is so; link empty: nobody. */
void
chain_join(struct verdict *v, const struct verdict *of, struct str link,
    struct arena *a)
{
	if (strictness(of->effect) <= strictness(v->effect)) {
		verdict_join(v, of);
		return;
	}
	*v = *of;
	if (link.n > 0)
		say_for(v, link, a);
}
