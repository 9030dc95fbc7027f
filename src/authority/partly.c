/*
 * partly.c: what a call must get of which not everything is known.  Records
 * keep few values; a policy that reads one that nobody kept may go either way.
 *
 * Sound, not complete: each part of a policy that reads only what is known is
 * asked of the engine that decides (no second evaluator that could differ);
 * what reads something unknown may be anything; and both are put together by
 * the rules of && || ! and if.  So an answer here is the answer whatever the
 * unknown values were.  Where every way leads to one effect it is established;
 * elsewhere the first member that is missing is named.
 */
#include "authority/partly-in.h"

/* ---- what all policies together come to ---- */

/* By kind of policy: what may be, what must be; the first that must. */
struct tally {
	bool may, must;
	struct str id;
};
struct sums {
	struct tally error, forbid, hold, permit, lifted, unmet, lifted_unmet;
	struct words needs;
	bool many; /* policies ask for more than a verdict can name */
};

static void
add(struct tally *t, bool may, bool must, struct str id)
{
	t->may |= may;
	if (must && !t->must)
		t->id = id;
	t->must |= must;
}

static void
sum_up(struct sums *s, const struct one *o, unsigned is)
{
	const bool may = (is & IS_T) != 0, must = is == IS_T;

	if (!o->forbid) {
		add(&s->permit, may, must, o->id);
		if (o->needs.n == 0) { /* as the engine `lifted` */
			add(&s->lifted, may, must, o->id);
			if (o->unmet)
				add(&s->lifted_unmet, may, must, o->id);
		}
		if (o->unmet)
			add(&s->unmet, may, must, o->id);
		return;
	}
	add(&s->error, (is & IS_E) != 0, is == IS_E, o->id);
	if (o->needs.n == 0) {
		/* forbids or fails: denied either way */
		add(&s->forbid, may, (is & IS_F) == 0, o->id);
		return;
	}
	if (must)
		(void)words_add(&s->needs, o->needs);
	add(&s->hold, may, must, o->id);
}

enum { SET_DENY = 1, SET_ALLOW = 2, SET_HOLD = 4 };

/* Every effect that some values lead to. */
static unsigned
effects(const struct sums *s)
{
	unsigned got = 0;

	if (s->error.must || s->forbid.must)
		return SET_DENY;
	if (s->error.may || s->forbid.may || !s->permit.must)
		got |= SET_DENY;
	if (s->hold.may && s->lifted.may && !s->lifted_unmet.must)
		got |= SET_HOLD;
	if (s->hold.may && (!s->lifted.must || s->lifted_unmet.may || s->many))
		got |= SET_DENY;
	if (s->hold.must)
		return got;
	if (s->unmet.may)
		got |= SET_DENY;
	if (s->permit.may && !s->unmet.must)
		got |= SET_ALLOW;
	return got;
}

static struct verdict
verdict_of(const struct sums *s, unsigned effect)
{
	struct verdict v = { .effect = DENY, .rule = STR("default-deny") };

	if (effect == SET_ALLOW || effect == SET_HOLD) {
		v.effect = effect == SET_ALLOW ? ALLOW : HOLD;
		v.rule = effect == SET_ALLOW ? s->permit.id : s->hold.id;
		if (effect == SET_HOLD)
			v.needs = s->needs;
	} else if (s->error.must) {
		v.rule = STR("policy-error");
	} else if (s->forbid.must) {
		v.rule = s->forbid.id;
	} else if (s->hold.must) {
		v.rule = s->hold.id;
	} else if (s->unmet.may) {
		v.rule = STR("unknown-obligation");
	}
	return v;
}

/* ---- one call ---- */

/* As the line: what has types is held against them, whoever reads it. */
static unsigned
asked_of(const struct policy *p, const struct call *c)
{
	return policy_reads(p) | (c->typed != NULL ? READS_INPUT : 0u);
}

/* May reading the arguments fail, for all we know? */
static bool
may_be_broken(struct ask *q)
{
	const struct partly *k = q->k;
	struct jit it = jit_of(k->call.facts);
	struct str arg;
	struct jv kind;

	if ((asked_of(q->s->policy, &k->call) & READS_INPUT) && !k->whole &&
	    !k->exact) {
		if (q->missing->n == 0)
			buf_str(q->missing,
			    STR("arguments (do all fit the types?)"));
		return true;
	}
	while (jit_next(&it, &arg, &kind)) {
		if (argument_known(k, arg) ||
		    jv_same(jv_get(k->read, arg), kind))
			continue;
		if (q->missing->n == 0)
			buf_fmt(
			    q->missing, "context.derived.%.*s", STR_ARG(arg));
		return true;
	}
	return false;
}

/* Every effect that is possible for one of those whose call it is. */
static unsigned
possible(struct ask *q, const struct call *c, const struct known *known,
    struct sums *sums)
{
	const struct partly_set *s = q->s;
	struct cedar_answer ans = { .decision = CEDAR_DENY };

	*sums = (struct sums){ .many = s->many };
	if (world_of(c, false, known, q->a, &q->w) != OK ||
	    cedar_authorize(s->scopes, q->w.r, q->w.es, q->a, &ans) != OK) {
		if (q->missing->n == 0)
			buf_str(q->missing, STR("room: the call is too large"));
		return SET_DENY | SET_ALLOW | SET_HOLD;
	}
	for (size_t i = 0; i < ans.reason_n; i++) {
		const struct one *o = &s->one[ans.reason[i]];

		sum_up(sums, o, policy_comes_to(q, o));
	}
	return effects(sums);
}

/* Of two who must both be allowed. */
static unsigned
joined(unsigned x, unsigned y)
{
	unsigned got = (x | y) & SET_DENY;

	if ((x & SET_HOLD && y & (SET_HOLD | SET_ALLOW)) ||
	    (y & SET_HOLD && x & (SET_HOLD | SET_ALLOW)))
		got |= SET_HOLD;
	return got | (x & y & SET_ALLOW);
}

static unsigned
possible_for_all(struct ask *q, const struct call *c, const struct known *k,
    struct verdict *out)
{
	struct sums sums;
	unsigned got = possible(q, c, k, &sums);

	*out = verdict_of(&sums, got);
	for (size_t i = 0; got != SET_DENY && i < c->chain_n; i++) {
		struct call as = *c;
		struct known of = *k;
		struct verdict v;
		unsigned link;

		as.principal = c->chain[i];
		chain_link(q->s->policy->inv, c->chain[i], &of);
		link = possible(q, &as, &of, &sums);
		v = verdict_of(&sums, link);
		if (joined(got, link) != got)
			*out = v;
		else
			verdict_join(out, &v);
		got = joined(got, link);
	}
	return got;
}

static bool
decide_partly(struct ask *q, const struct call *c, struct verdict *out)
{
	const struct policy *p = q->s->policy;
	struct known known;
	struct note why;
	unsigned got;
	const enum err e =
	    known_of(p->inv, c, asked_of(p, c), q->a, &known, &why);

	if (e != OK) {
		*out = (struct verdict){ .rule = e == ERR_DENIED
						     ? STR("undeclared")
						     : STR("arguments") };
		return true;
	}
	got = possible_for_all(q, c, &known, out);
	if (chain_is_read(p, c)) {
		const struct call own = chain_unclaimed(c);
		struct verdict v = { .effect = DENY };
		unsigned less = SET_DENY;

		if (known_of(p->inv, &own, asked_of(p, &own), q->a, &known,
			&why) == OK)
			less = possible_for_all(q, &own, &known, &v);
		if (joined(got, less) != got)
			*out = v;
		else
			verdict_join(out, &v);
		got = joined(got, less);
	}
	if (got != SET_DENY && may_be_broken(q))
		got |= SET_DENY;
	return got == SET_DENY || got == SET_ALLOW || got == SET_HOLD;
}

/* Nothing that these policies could read is missing. */
static bool
is_all_there(const struct partly_set *s, const struct partly *k)
{
	const unsigned reads = policy_reads(s->policy);

	return k->whole && (k->session || (reads & READS_SESSION) == 0) &&
	       (k->budget || (reads & READS_BUDGET) == 0);
}

static bool
decide_one(struct partly_set *s, const struct partly *k, struct arena *a,
    struct verdict *out, struct buf *missing)
{
	struct ask q = { .s = s, .k = k, .a = a, .missing = missing };
	struct call full = k->call;
	struct note why;

	if (is_all_there(s, k)) {
		*out = policy_decide(s->policy, &k->call, a);
		return true;
	}
	if (policy_chain(s->policy, &full, &why) != OK) {
		*out = (struct verdict){ .rule = STR("delegation") };
		return true;
	}
	return decide_partly(&q, &full, out);
}

/* As policy_decide: by each guess; a denial by one is one. */
static bool
decide_risk(struct partly_set *s, const struct partly *k, struct arena *a,
    struct verdict *out, struct buf *missing)
{
	struct partly as = *k;
	bool sure;

	as.call.guessed = false;
	sure = decide_one(s, &as, a, out, missing);
	for (unsigned i = 1;
	     k->call.guessed && !(sure && out->effect == DENY) &&
	     risk_guess(s->policy, i, &as.call);
	     i++) {
		struct verdict v;

		if (!decide_one(s, &as, a, &v, missing)) {
			sure = false;
		} else if (v.effect == DENY) {
			*out = v;
			return true;
		} else if (sure && out->effect == HOLD) {
			verdict_join(out, &v);
		} else {
			*out = v;
		}
	}
	return sure;
}

bool
partly_decide(struct partly_set *s, const struct partly *k, struct arena *a,
    struct verdict *out, struct buf *missing)
{
	struct partly one = *k;
	struct verdict v;
	bool sure;

	one.call.also = STR("");
	sure = decide_risk(s, &one, a, out, missing);
	if (!sure || out->effect == DENY || !also_asked(s->policy, &k->call))
		return sure;
	if (policy_also(k->call.method).n > 0) { /* no call may be made */
		*out = (struct verdict){ .rule = STR("default-deny") };
		return true;
	}
	one.call.method = k->call.also;
	sure = decide_risk(s, &one, a, &v, missing);
	chain_join(&v, out, STR(""), a);
	*out = v;
	return sure;
}

/* ---- the set ---- */

static void
put_scope(struct buf *b, struct jv p)
{
	static const struct str parts[] = { STR_INIT("principal"),
		STR_INIT("action"), STR_INIT("resource") };
	const size_t m = tape_obj(b);

	tape_key(b, STR("effect"));
	tape_str(b, STR("permit"));
	for (size_t i = 0; i < countof(parts); i++) {
		tape_key(b, parts[i]);
		tape_copy(b, jv_get(p, parts[i]));
	}
	tape_key(b, STR("conditions"));
	tape_end(b, tape_arr(b), 0);
	tape_end(b, m, 5);
}

static void
one_fill(const struct partly_set *s, size_t i, struct one *o)
{
	struct cedar_policy_info info = { .forbid = true };
	const struct cedar_policies *ps = s->all;
	struct str must;

	(void)cedar_policy_info(ps, i, &info);
	o->id = info.id;
	o->forbid = info.forbid;
	if (cedar_policy_annotation(ps, i, STR("requestable"), &o->needs) &&
	    o->needs.n == 0)
		o->needs = STR("approval");
	if (cedar_policy_annotation(ps, i, STR("obligation"), &must))
		o->unmet = !obligations_met(must);
}

static enum err
one_read(struct partly_set *s, size_t i, struct cedar_policies *scopes,
    struct note *why)
{
	struct buf text = { .max = PARTLY_ONE_MAX },
		   tape = { .max = PARTLY_ONE_MAX };
	struct one *o = &s->one[i];
	enum err e;

	one_fill(s, i, o);
	o->tape.max = PARTLY_ONE_MAX;
	e = est_of(s->all, o->id, &text, &o->tape, why);
	if (!e) {
		buf_clear(&text);
		put_scope(&tape, jv_of(buf_view(&o->tape)));
		json_write(jv_of(buf_view(&tape)), &text);
		e = cedar_policies_from_json(
		    scopes, o->id, buf_view(&text), NULL);
	}
	buf_done(&text);
	buf_done(&tape);
	return e;
}

static enum err
set_fill(struct partly_set *s, struct jv image, struct note *why)
{
	struct cedar_policies *scopes = cedar_policies_new();
	struct words all = { .n = 0 };
	enum err e = all_compile(image, s->all, why);

	s->n = e ? 0 : cedar_policies_count(s->all);
	s->one = mem_get((s->n + 1) * sizeof(*s->one));
	for (size_t i = 0; !e && i < s->n; i++) {
		e = one_read(s, i, scopes, why);
		if (s->one[i].needs.n > 0 && !words_add(&all, s->one[i].needs))
			s->many = true;
	}
	if (!e)
		e = cedar_engine_new(scopes, &s->scopes, NULL);
	cedar_policies_free(scopes);
	return e;
}

enum err
partly_new(struct jv image, struct partly_set **out, struct note *why)
{
	struct partly_set *s = mem_get(sizeof(*s));
	enum err e;

	s->all = cedar_policies_new();
	s->parts = map_new(0);
	e = policy_new(image, &s->policy, why);
	if (!e)
		e = set_fill(s, image, why);
	if (e) {
		partly_free(s);
		return e;
	}
	*out = s;
	return OK;
}

void
partly_free(struct partly_set *s)
{
	size_t at = 0;
	void *v;

	if (s == NULL)
		return;
	while (map_next(s->parts, &at, NULL, &v))
		cedar_engine_free(v);
	map_free(s->parts);
	for (size_t i = 0; i < s->n; i++)
		buf_done(&s->one[i].tape);
	mem_free(s->one);
	cedar_engine_free(s->scopes);
	cedar_policies_free(s->all);
	policy_free(s->policy);
	mem_free(s);
}

const struct policy *
partly_policy(const struct partly_set *s)
{
	return s->policy;
}
