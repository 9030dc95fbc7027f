/*
 * lists.c: what can be asked without a call: what lists show, whom a server
 * lets in, what is declared.
 */
#include "authority/inventory.h"

struct str
policy_label(const struct policy *p, unsigned bit)
{
	return bit < p->inv->label_n ? p->inv->label[bit]
				     : (struct str){ NULL, 0 };
}

bool
policy_lists_models(const struct policy *p)
{
	return p->inv->listed_models;
}

bool
policy_touches(const struct policy *p, const struct call *c, struct str dataset)
{
	const struct inventory *v = p->inv;
	struct known k = { .more_n = 0 };
	struct touched t;
	struct note why;

	arena_reset(p->scratch);
	if (derived_of(c->facts, jv_get(c->params, STR("arguments")),
		p->scratch, &k.derived, &why) != OK)
		return false;
	inventory_touch(v, c, &k, &t);
	for (size_t i = 0; i < v->n[K_DATASET]; i++)
		if (str_eq(v->all[K_DATASET][i].id, dataset))
			return (t.dataset[i / 64] >> i % 64 & 1) != 0;
	return false;
}

bool
policy_declares(const struct policy *p, const struct call *c, struct note *why)
{
	struct known k = { .more_n = 0 };

	arena_reset(p->scratch);
	return inventory_declares(p->inv, c, p->scratch, &k, why) == OK;
}

static bool
shown_to(const struct policy *p, const struct call *c, bool reach,
    const struct known *k)
{
	struct cedar_answer ans;
	struct world w;

	return world_of(c, reach, k, p->scratch, &w) == OK &&
	       cedar_authorize(p->shown, w.r, w.es, p->scratch, &ans) == OK &&
	       ans.decision == CEDAR_ALLOW;
}

/* To it, and to whom it is declared to act for. */
static bool
shown(const struct policy *p, const struct call *c, bool reach)
{
	struct known k = { .more_n = 0 };
	struct call as = *c;
	struct note why;

	arena_reset(p->scratch);
	if (c->principal.n == 0 || chain_fill(p->inv, &as, &why) != OK ||
	    inventory_declares(p->inv, c, p->scratch, &k, &why) != OK ||
	    !shown_to(p, c, reach, &k))
		return false;
	for (size_t i = 0; i < as.chain_n; i++) {
		as.principal = as.chain[i];
		chain_link(p->inv, as.chain[i], &k);
		if (!shown_to(p, &as, reach, &k))
			return false;
	}
	return true;
}

bool
policy_shows(const struct policy *p, const struct call *c)
{
	struct call as = *c;
	bool is = shown(p, c, false);

	for (unsigned i = 1; is && c->guessed && risk_guess(p, i, &as); i++)
		is = shown(p, &as, false);
	return is;
}

bool
also_asked(const struct policy *p, const struct call *c)
{
	struct call call = *c;

	if (c->also.n == 0 || policy_also(c->method).n == 0)
		return c->also.n > 0;
	call.method = c->also;
	return !policy_shows(p, &call);
}

bool
policy_reaches(const struct policy *p, struct str principal, struct str server,
    struct str method)
{
	const struct call c = {
		.principal = principal, .server = server, .method = method
	};

	return shown(p, &c, true);
}
