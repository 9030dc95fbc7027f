/* policy-again.c: asking again.  A ledger that is not valid proves nothing, so
 * nothing is said of it but that. */
#include "ctl/policy-again.h"

#include "ctl/ledger-walk.h"

static bool
one_named(struct jv list, struct str name)
{
	struct jit it = jit_of(list);
	struct jv v;

	while (jit_next(&it, NULL, &v))
		if (str_eq(jv_str(jv_get(v, STR("name"))), name))
			return true;
	return false;
}

/* Would a gateway with this configuration know both at all? */
static bool
is_known(const struct again *g, const struct call *c, struct verdict *v)
{
	const struct jv im = g->past.image;

	if (!g->past.conf)
		return true;
	v->rule = STR("no-principal");
	if (!one_named(jv_get(im, STR("principals")), c->principal) &&
	    !str_eq(jv_str(jv_get(im, STR("anonymous"))), c->principal))
		return false;
	v->rule = STR("no-server");
	return c->server.n == 0 || str_eq(c->server, OWN_SERVER) ||
	       one_named(jv_get(im, STR("servers")), c->server);
}

/* A list, or a handshake: does the principal reach a server there? */
static bool
ask_list(struct again *g, const struct past *p, struct verdict *v)
{
	const struct policy *policy = partly_policy(g->set);
	struct jit it = jit_of(jv_get(g->past.image, STR("servers")));
	struct str at = p->endpoint, server;
	bool all = str_eq(at, STR("/mcp")), yes;
	struct jv s;

	v->rule = STR("default-deny");
	if (all && !g->past.conf) {
		buf_str(&g->missing, STR("servers of /mcp: name them by -c"));
		return false;
	}
	if (!all && str_starts(at, STR("/s/"))) {
		at = str_sub(at, 3, at.n);
		(void)str_split(&at, '/', &server);
		yes = policy_reaches(
		    policy, p->k.call.principal, server, p->k.call.method);
	} else {
		yes = !all; /* no endpoint: nothing to be reached */
		while (!yes && jit_next(&it, NULL, &s))
			yes = policy_reaches(policy, p->k.call.principal,
			    jv_str(jv_get(s, STR("name"))), p->k.call.method);
	}
	if (yes || str_eq(p->k.call.method, STR("ping")))
		*v = (struct verdict){ .effect = ALLOW,
			.rule = STR("reachable") };
	return true;
}

/* Refused for its arguments, of which nobody kept which: it is so again where
 * the same facts are read of them and nothing else was. */
static bool
is_refused_again(const struct past *p)
{
	return str_eq(p->rule, STR("arguments")) && !p->k.whole &&
	       jv_same(p->facts, p->k.call.facts) && !p->read_input &&
	       !p->typed && p->shown;
}

static bool
ask(struct again *g, const struct past *p, struct verdict *v)
{
	buf_clear(&g->missing);
	arena_reset(g->a);
	*v = (struct verdict){ .effect = DENY };
	if (p->lacks != NULL) {
		buf_str(&g->missing, str_of(p->lacks));
		return false;
	}
	if (!is_known(g, &p->k.call, v))
		return true;
	if (p->kind == PAST_LIST)
		return ask_list(g, p, v);
	v->rule = STR("arguments");
	if (is_refused_again(p))
		return true;
	return partly_decide(g->set, &p->k, g->a, v, &g->missing);
}

static void
record(void *arg, unsigned cell, uint64_t seq, struct str jcs, struct jv rec)
{
	struct again *g = arg;
	struct verdict v;
	struct past p;
	bool sure;

	(void)jcs;
	past_read(&g->past, cell, seq, rec, &p);
	if (p.kind == PAST_NONE)
		return;
	if (p.kind == PAST_ELSEWHERE) {
		g->got(g->arg, g, &p, NULL, true);
		return;
	}
	sure = ask(g, &p, &v);
	g->got(g->arg, g, &p, &v, sure);
}

static void
cell(void *arg, const struct walk_cell *c)
{
	struct again *g = arg;

	g->broken |= c->bad;
}

static int
walk(struct again *g, const struct ctl *c, const char *dir)
{
	const struct walk w = { g, record, cell, NULL };
	struct note why = { "" };
	const enum err e = ledger_walk(dir, &w, &why);

	if (e != OK)
		return ctl_say(c, e == ERR_GONE ? CTL_UNREACHABLE : CTL_FAILED,
		    "%s", why.text);
	if (g->broken)
		return ctl_say(c, CTL_FAILED,
		    "this ledger is not valid, so nothing follows from it: see "
		    "\"gatehouse ledger verify %s\"",
		    dir);
	return past_end(&g->past);
}

int
again_walk(struct again *g, const struct ctl *c, const char *dir,
    const char *disclosures, struct jv image, bool conf)
{
	struct note why = { "" };
	int status = past_open(&g->past, c, dir, disclosures, image, conf);

	g->missing.max = 4096;
	g->a = arena_new(POLICY_ROOM);
	if (status == CTL_YES && partly_new(image, &g->set, &why) != OK)
		status = ctl_say(c, CTL_NO, "%s", why.text);
	if (status == CTL_YES) {
		g->past.policy = partly_policy(g->set);
		status = walk(g, c, dir);
	}
	partly_free(g->set);
	g->set = NULL;
	arena_free(g->a);
	buf_done(&g->missing);
	past_done(&g->past);
	return status;
}
