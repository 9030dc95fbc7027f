/*
 * uses: which budgets a call is about, and what it would use of each: calls,
 * bytes, money, hosts, agents.  What cannot be told is refused, never taken for
 * nothing.
 */
#include "line/budget-in.h"

#include <openssl/sha.h>

enum { LINKS_MAX = 1 + CHAIN_MAX };

/* ---- what a call uses ---- */

/* Who acts, then on whose behalf, as the inventory declares it.  What an agent
 * only claims is charged to nobody: it would spend another one's budget. */
static size_t
links_of(const struct call *c, struct str out[static LINKS_MAX])
{
	const size_t n = c->chain_n - c->claimed;

	out[0] = c->principal;
	memcpy(out + 1, c->chain, n * sizeof(*out));
	return 1 + n;
}

/* What a thing is called in totals and records, which need not know it. */
static struct str
item_of(struct str thing, struct arena *a)
{
	unsigned char sum[SHA256_DIGEST_LENGTH];
	char room[BUDGET_ITEM];
	struct buf hex = {
		.p = room, .cap = sizeof(room), .max = sizeof(room)
	};

	(void)SHA256((const unsigned char *)thing.p, thing.n, sum);
	buf_hex(&hex, (struct str){ (const char *)sum, BUDGET_ITEM / 2 });
	return arena_str(a, buf_view(&hex));
}

static enum err
item_add(struct spent *s, struct str thing, struct arena *a)
{
	if (s->item == NULL)
		s->item = arena_alloc(a, BUDGET_ITEMS_MAX * sizeof(*s->item));
	if (s->item == NULL || s->item_n == BUDGET_ITEMS_MAX)
		return ERR_LIMIT;
	s->item[s->item_n] = item_of(thing, a);
	return s->item[s->item_n++].n == BUDGET_ITEM ? OK : ERR_LIMIT;
}

static uint64_t
argument_bytes(struct line *l, const struct call *c)
{
	const struct jv args = jv_get(c->params, STR("arguments"));

	if (jv_is(args, J_NONE))
		return 0;
	buf_clear(&l->work);
	json_write(args, &l->work);
	return l->work.full ? UINT64_MAX : l->work.n;
}

static bool
in_group(const struct call *c, const char *group)
{
	for (size_t i = 0; i < c->risk_n; i++)
		if (str_eq(c->risk[i], str_of(group)))
			return true;
	return false;
}

struct use {
	struct line *l;
	struct turn *t;
	struct call c;
	struct str link[LINKS_MAX];
	size_t links;
	struct note why;
};

static enum err
use_spend(struct use *u, struct spent *s)
{
	size_t n = 0;

	TRY(call_spend(
	    &u->c, s->b.currency, u->t->mem, &s->amount, &n, &u->why));
	if (n == 0 && in_group(&u->c, "money")) {
		note_set(&u->why, "the call does not say how much it spends");
		return ERR_SYNTAX;
	}
	return n == 0 ? ERR_GONE : OK;
}

static enum err
use_hosts(struct use *u, struct spent *s)
{
	struct str host[CALL_HOSTS_MAX];
	char own[64];
	size_t n = 0;

	TRY(call_hosts(&u->c, u->t->mem, host, &n, &u->why));
	if (n == 0 && in_group(&u->c, "egress")) {
		const int len = snprintf(
		    own, sizeof(own), "server/%.*s", STR_ARG(u->c.server));

		host[n++] = (struct str){ own, (size_t)len };
	}
	for (size_t i = 0; i < n; i++)
		TRY(item_add(s, host[i], u->t->mem));
	return n == 0 ? ERR_GONE : OK;
}

/* Whom the owner of this total delegated to: the links nearer than it. */
static enum err
use_agents(const struct use *u, size_t owner, struct spent *s)
{
	for (size_t i = 0; i < owner; i++)
		TRY(item_add(s, u->link[i], u->t->mem));
	return s->item_n == 0 ? ERR_GONE : OK;
}

/* ERR_GONE: the budget is not about this call. */
static enum err
use_of(struct use *u, size_t owner, struct spent *s)
{
	note_set(&u->why, "it cannot be told what the call uses");
	switch (s->b.of) {
	case BUDGET_CALLS:
		s->amount = 1;
		return OK;
	case BUDGET_BYTES:
		s->amount = argument_bytes(u->l, &u->c);
		return OK;
	case BUDGET_SPEND:
		return use_spend(u, s);
	case BUDGET_DESTINATIONS:
		return use_hosts(u, s);
	case BUDGET_AGENTS:
		return use_agents(u, owner, s);
	case BUDGET_DEPTH:
		s->amount = s->b.subtree ? owner : u->links - 1;
		return OK;
	case BUDGET__N:
		break;
	}
	return ERR_GONE;
}

/* ---- saying no ---- */

static struct str
rule_of(const struct turn *t, struct str budget)
{
	char text[8 + BUDGET_NAME_MAX];
	const int n =
	    snprintf(text, sizeof(text), "budget:%.*s", STR_ARG(budget));

	return arena_str(t->mem, (struct str){ text, (size_t)n });
}

enum err
uses_refused(
    const struct line *l, struct turn *t, struct str rule, const char *words)
{
	leases_back(l, t);
	for (size_t i = 0; i < t->spent_n; i++)
		t->spent[i].known = false;
	t->verdict = (struct verdict){ .effect = DENY, .rule = rule };
	t->verdict.reason = arena_str(t->mem, str_of(words));
	return turn_fail(
	    t, 0, MCP_E_DENIED, "denied by %.*s: %s", STR_ARG(rule), words);
}

static const char *
unit_of(enum budget_of of)
{
	static const char *const units[] = { [BUDGET_CALLS] = "calls",
		[BUDGET_BYTES] = "bytes of arguments",
		[BUDGET_SPEND] = "minor units",
		[BUDGET_DESTINATIONS] = "destinations",
		[BUDGET_AGENTS] = "agents",
		[BUDGET_DEPTH] = "links of delegation" };

	return of < BUDGET__N ? units[of] : "";
}

/* 3600000 as 1h: in the largest unit that is exact. */
static void
put_time(struct buf *b, uint64_t ms)
{
	static const struct {
		uint64_t ms;
		const char *name;
	} units[] = { { 86400000, "d" }, { 3600000, "h" }, { 60000, "m" },
		{ 1000, "s" }, { 1, "ms" } };
	size_t i = 0;

	while (ms % units[i].ms != 0)
		i++;
	buf_dec(b, ms / units[i].ms);
	buf_str(b, str_of(units[i].name));
}

enum err
uses_over(const struct line *l, struct turn *t, struct spent *s)
{
	const uint64_t needs = budget_distinct(s->b.of) ? s->item_n : s->amount;
	struct buf b = { .max = 220 }; /* what a note holds */
	enum err e;

	buf_fmt(&b, "%.*s has used %llu of %llu %s",
	    (int)(s->key.n > 64 ? 64 : s->key.n), s->key.p,
	    (unsigned long long)s->used, (unsigned long long)s->b.limit,
	    unit_of(s->b.of));
	if (s->b.window > 0) {
		buf_str(&b, STR(" in "));
		put_time(&b, s->b.window);
	}
	buf_fmt(&b, "; this call needs %llu", (unsigned long long)needs);
	buf_ch(&b, '\0');
	e = uses_refused(l, t, rule_of(t, s->b.name), b.full ? "" : b.p);
	buf_done(&b);
	s->known = true;
	return e;
}

/* ---- all of them ---- */

/* One total of a budget that is about the call. */
static enum err
collect_one(struct use *u, const struct budget *b, size_t owner)
{
	const struct line *l = u->l;
	struct turn *t = u->t;
	struct spent *s;
	enum err e;

	if (!str_glob(b->principal, u->link[owner]))
		return OK;
	if (t->spent == NULL)
		t->spent =
		    arena_alloc(t->mem, BUDGET_CHARGES_MAX * sizeof(*t->spent));
	if (t->spent == NULL || t->spent_n == BUDGET_CHARGES_MAX)
		return uses_refused(l, t, STR("budget"),
		    "more budgets are about this call than can be counted");
	s = &t->spent[t->spent_n];
	*s = (struct spent){ .b = *b, .key = u->link[owner] };
	e = use_of(u, owner, s);
	if (e == ERR_GONE)
		return OK;
	if (e)
		return uses_refused(l, t, rule_of(t, b->name), u->why.text);
	if (b->of == BUDGET_DEPTH && s->amount <= b->limit)
		return OK; /* nothing is used up by it */
	t->spent_n++;
	return b->of == BUDGET_DEPTH ? uses_over(l, t, s) : OK;
}

enum err
uses_collect(struct line *l, struct turn *t, const struct call *c)
{
	const struct budgets *all = &l->budgets;
	struct use use = { .l = l, .t = t, .c = *c }, *u = &use;

	u->links = links_of(c, u->link);
	for (size_t i = 0; i < all->n; i++) {
		const struct budget *b = &all->at[i];

		if (!budget_matches(
			b, u->c.server, u->c.name, u->c.risk, u->c.risk_n))
			continue;
		for (size_t k = 0; k < (b->subtree ? u->links : 1); k++)
			TRY(collect_one(u, b, k));
	}
	return OK;
}
