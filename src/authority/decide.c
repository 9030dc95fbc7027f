/*
 * decide.c: from a call to its verdict.  A verdict and what is known of a call
 * are large: they are filled where they are, not handed around, and what only
 * a refusal needs stands in functions of its own.
 */
#include "authority/inventory.h"

#include <stdarg.h>

static COLD PRINTF(4, 5) void denied(struct verdict *out, const char *rule,
    struct arena *a, const char *fmt, ...)
{
	struct note why;
	va_list ap;

	va_start(ap, fmt);
	(void)vsnprintf(why.text, sizeof(why.text), fmt, ap);
	va_end(ap);
	*out = (struct verdict){ .rule = str_of(rule) };
	out->reason = arena_str(a, str_of(why.text));
	if (out->reason.p == NULL)
		out->reason = STR("The call is too large for its policies.");
}

static COLD void
too_large(struct verdict *out, const char *rule)
{
	*out = (struct verdict){ .rule = str_of(rule),
		.reason = STR("The call is too large for its policies.") };
}

static void
by_fill(
    const struct policy *p, const struct cedar_answer *ans, struct verdict *v)
{
	v->by_n = ans->reason_n < VERDICT_MAX ? ans->reason_n : VERDICT_MAX;
	for (size_t i = 0; i < v->by_n; i++)
		v->by[i] = p->row[ans->reason[i]].id;
	v->rule = p->row[ans->reason[0]].id;
	v->reason = p->row[ans->reason[0]].reason;
}

static void
allowed(const struct policy *p, const struct cedar_answer *ans, struct arena *a,
    struct verdict *out)
{
	struct str unmet;

	out->effect = ALLOW;
	by_fill(p, ans, out);
	for (size_t i = 0; i < ans->reason_n; i++) {
		const struct policy_row *r = &p->row[ans->reason[i]];

		if (obligations_add(&out->must, r->must, &unmet))
			continue;
		denied(out, "unknown-obligation", a,
		    "Policy %.*s obliges to %.*s, which nobody here can do.",
		    STR_ARG(r->id), STR_ARG(unmet));
		return;
	}
}

/* Nobody is asked to approve what will be denied for its obligations. */
static bool
may_be_met(const struct policy *p, const struct cedar_answer *without)
{
	struct str name, value;

	for (size_t i = 0; i < without->reason_n; i++)
		for (size_t k = 0; cedar_engine_annotation(
			 p->lifted, without->reason[i], k, &name, &value);
		     k++)
			if (str_eq(name, STR("obligation")) &&
			    !obligations_met(value))
				return false;
	return true;
}

/* Denied by forbids alone that a person may lift, each of them: held. */
static void
forbidden(const struct policy *p, const struct cedar_answer *ans,
    const struct world *w, struct arena *a, struct verdict *out)
{
	struct cedar_answer without;

	by_fill(p, ans, out);
	for (size_t i = 0; i < ans->reason_n; i++)
		if (p->row[ans->reason[i]].needs.n == 0) {
			out->rule = p->row[ans->reason[i]].id;
			out->reason = p->row[ans->reason[i]].reason;
			return;
		}
	if (cedar_authorize(p->lifted, w->r, w->es, a, &without) != OK ||
	    without.decision != CEDAR_ALLOW || !may_be_met(p, &without))
		return;
	out->effect = HOLD;
	for (size_t i = 0; i < ans->reason_n; i++)
		if (!words_add(&out->needs, p->row[ans->reason[i]].needs)) {
			verdict_approvals(out);
			return;
		}
}

static void
verdict_of(const struct policy *p, const struct world *w, struct arena *a,
    struct verdict *out)
{
	struct cedar_answer ans = { .decision = CEDAR_DENY };

	if (cedar_authorize(p->all, w->r, w->es, a, &ans) != OK) {
		too_large(out, "policy-error");
		return;
	}
	for (size_t i = 0; i < ans.error_n; i++) {
		const struct policy_row *r = &p->row[ans.error[i].policy];

		if (!r->forbid)
			continue;
		denied(out, "policy-error", a,
		    "Policy %.*s forbids some calls and cannot tell of this "
		    "one: %.120s",
		    STR_ARG(r->id), ans.error[i].note.text);
		return;
	}
	*out = (struct verdict){ .effect = DENY };
	if (ans.decision == CEDAR_ALLOW) {
		allowed(p, &ans, a, out);
	} else if (ans.reason_n > 0) {
		forbidden(p, &ans, w, a, out);
	} else {
		out->rule = STR("default-deny");
		out->reason = STR("No rule allows this call.");
	}
}

/* The verdict for one of those whose call it is. */
static void
verdict_for(const struct policy *p, const struct call *c, const struct known *k,
    struct arena *a, struct verdict *out)
{
	struct world w;

	if (world_of(c, false, k, a, &w) == OK)
		verdict_of(p, &w, a, out);
	else
		too_large(out, "arguments");
}

static void
link_joins(const struct policy *p, const struct call *c, const struct known *k,
    struct str link, struct arena *a, struct verdict *out)
{
	struct call as = *c;
	struct known of = *k;
	struct verdict v;

	as.principal = link;
	chain_link(p->inv, link, &of);
	verdict_for(p, &as, &of, a, &v);
	chain_join(out, &v, link, a);
}

static void
verdict_for_all(const struct policy *p, const struct call *c,
    const struct known *k, struct arena *a, struct verdict *out)
{
	verdict_for(p, c, k, a, out);
	for (size_t i = 0; out->effect != DENY && i < c->chain_n; i++)
		link_joins(p, c, k, c->chain[i], a, out);
}

static const char *
rule_of(enum err e)
{
	return e == ERR_DENIED ? "undeclared" : "arguments";
}

/* What both guesses say, or the stricter. */
static void
stricter(struct verdict *out, struct verdict *v)
{
	const size_t needs = out->needs.n;

	if (v->effect == DENY || (v->effect == HOLD && out->effect == ALLOW)) {
		*out = *v;
		return;
	}
	verdict_join(out, v);
	if (out->needs.n != needs)
		out->assumed = v->assumed;
}

/* Nobody declared the groups that it is in. */
static void
assume(const struct policy *p, const struct call *c, const struct known *k,
    struct arena *a, struct verdict *out)
{
	struct call as = *c;

	for (unsigned i = 1; out->effect != DENY && risk_guess(p, i, &as);
	     i++) {
		struct verdict v;

		verdict_for_all(p, &as, k, a, &v);
		v.assumed = risk_mask(&as);
		stricter(out, &v);
	}
}

static void decide(const struct policy *p, const struct call *c,
    struct arena *a, struct verdict *out);

/* Claims can only take away: it must be allowed without them as well. */
static void
decide_unclaimed(const struct policy *p, const struct call *c, struct arena *a,
    struct verdict *out)
{
	const struct call less = chain_unclaimed(c);
	struct verdict v;

	decide(p, &less, a, &v);
	chain_join(out, &v, STR(""), a);
}

static void
decide(const struct policy *p, const struct call *c, struct arena *a,
    struct verdict *out)
{
	const unsigned typed = c->typed != NULL ? READS_INPUT : 0u;
	/* Filled by known_of, as far as they are read. */
	__attribute__((uninitialized)) struct known k;
	__attribute__((uninitialized)) struct note why;
	enum err e;

	if (c->principal.n == 0) { /* no scope means anyone, not no one */
		denied(out, "default-deny", a, "The call has no principal.");
		return;
	}
	e = known_of(p->inv, c, p->reads | typed, a, &k, &why);
	if (e != OK) {
		denied(out, rule_of(e), a, "%s", why.text);
		return;
	}
	verdict_for_all(p, c, &k, a, out);
	if (out->effect != DENY && c->guessed)
		assume(p, c, &k, a, out);
	if (out->effect != DENY && chain_is_read(p, c))
		decide_unclaimed(p, c, a, out);
	out->labels = k.labels;
}

static void
decide_full(const struct policy *p, const struct call *c, struct arena *a,
    struct verdict *out)
{
	struct call full = *c;
	struct verdict v;
	struct note why;
	uint64_t labels;
	bool also;

	if (!c->chained && policy_chain(p, &full, &why) != OK) {
		denied(out, "delegation", a, "%s", why.text);
		return;
	}
	also = also_asked(p, c);
	decide(p, &full, a, out);
	if (out->effect == DENY || !also)
		return;
	full.method = c->also;
	labels = out->labels;
	decide(p, &full, a, &v);
	labels |= v.labels;
	chain_join(&v, out, STR(""), a);
	v.labels = labels;
	*out = v;
}

struct verdict
policy_decide(const struct policy *p, const struct call *c, struct arena *a)
{
	__attribute__((uninitialized)) struct verdict v;

	if (a == NULL) {
		a = p->scratch;
		arena_reset(a);
	}
	/* Mostly there is one question, and nothing need be copied. */
	if (c->chained && c->also.n == 0)
		decide(p, c, a, &v);
	else
		decide_full(p, c, a, &v);
	return v;
}
