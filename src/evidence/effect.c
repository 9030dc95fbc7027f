/*
 * effect: what an observed effect is evidence enough for (RFC-189; the rule of
 * containment 7.4).  A write that was seen settles "there was one" alone; that
 * there was none needs an independent observer, the whole scope and interval,
 * and sight of the producer's writes, all bound to this claim.
 */
#include "evidence/admit.h"

static const char *const result_names[] = {
	[EFFECT_MALFORMED] = "MalformedEvidence",
	[EFFECT_UNSUPPORTED] = "UnsupportedVerification",
	[EFFECT_BAD_INPUT] = "CandidateInputError",
	[EFFECT_NOT_ESTABLISHED] = "not_established",
	[EFFECT_PENDING] = "pending",
	[EFFECT_PASS] = "pass",
	[EFFECT_FAIL] = "fail",
	[EFFECT_PRESENT] = "present",
	[EFFECT_ABSENT] = "absent",
};

const char *
effect_name(enum effect_result r)
{
	return result_names[r];
}

struct question {
	struct jv property, context, scope;
	struct str name, claim;
	unsigned char key[32];
	struct effect *out;
};

static bool
settle(struct question *q, enum effect_result r, const char *obligation,
    const char *reason)
{
	q->out->result = r;
	q->out->obligation = obligation;
	note_set(&q->out->reason, "%s", reason);
	return false; /* no more to ask */
}

static bool
bad_input(struct question *q, const char *reason)
{
	return settle(q, EFFECT_BAD_INPUT, NULL, reason);
}

static bool
open_question(struct question *q, const char *obligation, const char *reason)
{
	return settle(q, EFFECT_NOT_ESTABLISHED, obligation, reason);
}

/* ---- is the question put as it must be? ---- */

static bool
filled(struct jv v)
{
	return jv_is(v, J_STR) && jv_str(v).n > 0;
}

/* A list of absolute paths. */
static bool
paths_ok(struct jv list)
{
	struct jit it = jit_of(list);
	struct jv v;

	while (jit_next(&it, NULL, &v))
		if (!jv_is(v, J_STR) || !str_starts(jv_str(v), STR("/")))
			return false;
	return jv_is(list, J_ARR);
}

static bool
digest_ok(struct jv v)
{
	return lower_hex(v) && jv_str(v).n == 64;
}

static bool
optional(struct jv v)
{
	return jv_is(v, J_NONE) || jv_is(v, J_NULL);
}

static bool
capability_ok(struct question *q)
{
	const struct jv c = get(q->context, "producer_capability");

	if (optional(c))
		return true;
	if (!jv_is(c, J_OBJ) || !filled(get(c, "claim_ref")) ||
	    !paths_ok(get(c, "visible_write_paths")))
		return bad_input(q, "context.producer_capability is an object "
				    "with claim_ref and visible_write_paths, "
				    "a list of absolute paths");
	return true;
}

static bool
question_ok(struct question *q, struct jv input)
{
	const struct jv anchor =
	    get(get(input, "context"), "anchored_commitment_digest");

	q->property = get(input, "property");
	q->context = get(input, "context");
	q->scope = get(q->property, "scope");
	q->name = jv_str(get(q->property, "name"));
	q->claim = jv_str(get(q->context, "claim_ref"));
	if (!jv_is(q->property, J_OBJ) || !jv_is(q->context, J_OBJ))
		return bad_input(q, "property and context are objects");
	if (!filled(get(q->property, "name")))
		return bad_input(q, "property.name is missing");
	if (!paths_ok(q->scope) || jv_count(q->scope) == 0)
		return bad_input(
		    q, "property.scope is a list of absolute paths");
	if (!filled(get(q->context, "claim_ref")))
		return bad_input(q, "context.claim_ref is missing: coverage "
				    "is bound to one claim");
	if (hex_bytes(jv_str(get(q->context, "observer_public_key")), q->key,
		sizeof(q->key)) != OK)
		return bad_input(q, "context.observer_public_key is the "
				    "observer's Ed25519 key, 64 hex digits, "
				    "known from elsewhere than the record");
	if (!optional(anchor) && !digest_ok(anchor))
		return bad_input(q, "context.anchored_commitment_digest is 64 "
				    "lowercase hex digits");
	return capability_ok(q);
}

/* ---- the record's word ---- */

/* p is under q when it is q, or begins with q and a slash. */
static bool
under(struct str p, struct str q)
{
	if (str_eq(p, q))
		return true;
	if (!str_starts(p, q))
		return false;
	return (q.n > 0 && q.p[q.n - 1] == '/') || p.p[q.n] == '/';
}

static bool
under_any(struct str p, struct jv list)
{
	struct jit it = jit_of(list);
	struct jv v;

	while (jit_next(&it, NULL, &v))
		if (under(p, jv_str(v)))
			return true;
	return false;
}

/* Is all of the scope under something of the list? */
static bool
scope_under(const struct question *q, struct jv list)
{
	struct jit it = jit_of(q->scope);
	struct jv v;

	while (jit_next(&it, NULL, &v))
		if (!under_any(jv_str(v), list))
			return false;
	return true;
}

static const struct {
	const char *code, *obligation;
} refusals[] = {
	{ "authoritative-vantage-not-independent", "observation_vantage" },
	{ "commitment-keyid-not-disjoint", "observation_vantage" },
	{ "commitment-not-prior", "observation_vantage" },
	{ "commitment-signature-invalid", "observation_vantage" },
	{ "authoritative-coverage-incomplete", "observation_coverage" },
	{ "authoritative-empty-path-scope", "observation_scope" },
	{ "authoritative-without-observed-rows", "observation_scope" },
};

/* A record that is refused supports neither yes nor no. */
static bool
admitted(
    struct question *q, struct admit *a, struct str envelope, struct buf *tape)
{
	const char *obligation = "admissible_observation";

	switch (admit(a, envelope, tape)) {
	case EFFECT_VALID:
		return true;
	case EFFECT_ILL_FORMED:
		return settle(
		    q, EFFECT_MALFORMED, NULL, "the record is malformed");
	case EFFECT_INVALID:
		break;
	}
	for (size_t i = 0; i < countof(refusals); i++)
		if (strcmp(refusals[i].code, a->code) == 0)
			obligation = refusals[i].obligation;
	return open_question(q, obligation,
	    "the record's own rules refuse its claim: it supports neither "
	    "pass nor fail");
}

static bool
same_claim(struct question *q, const struct admit *a)
{
	return (jv_is(get(a->pred, "intervalId"), J_STR) &&
		   str_eq(jv_str(get(a->pred, "intervalId")), q->claim)) ||
	       open_question(q, "observation_coverage",
		   "the record covers another interval than the claim's");
}

static bool
independent(struct question *q, const struct admit *a)
{
	return below(a) ||
	       open_question(q, "observation_vantage",
		   "the observer stands where the observed party reaches it");
}

/* ---- that there was no write ---- */

static bool
bound(struct question *q, const struct admit *a)
{
	const struct jv want = get(q->context, "anchored_commitment_digest");
	const struct jv got = get(a->commitment, "commitmentDigest");

	return (!optional(want) && jv_same(want, got)) ||
	       open_question(q, "invocation_binding",
		   "the record's prior commitment is not the one that is known "
		   "from elsewhere for this invocation");
}

static bool
write_in_scope(const struct question *q, const struct admit *a)
{
	struct jit it = rows(a, "writes");
	struct jv row;

	while (jit_next(&it, NULL, &row))
		if (under_any(jv_str(get(row, "path")), q->scope))
			return true;
	return false;
}

/* Does a gap touch the scope, from above or below? */
static bool
blind(const struct question *q, const struct admit *a)
{
	struct jit gaps = jit_of(get(a->coverage, "gaps"));
	struct jv gap, v;

	if (jv_true(get(a->coverage, "scopeComplete")))
		return false;
	while (jit_next(&gaps, NULL, &gap)) {
		struct jit it = jit_of(q->scope);

		while (jit_next(&it, NULL, &v))
			if (under(jv_str(gap), jv_str(v)) ||
			    under(jv_str(v), jv_str(gap)))
				return true;
	}
	return false;
}

static bool
sighted(struct question *q)
{
	const struct jv c = get(q->context, "producer_capability");
	const char *why = NULL;

	if (optional(c))
		why = "that the producer's writes can be seen is not "
		      "established";
	else if (!str_eq(jv_str(get(c, "claim_ref")), q->claim))
		why = "sight of writes was established for another claim";
	else if (!scope_under(q, get(c, "visible_write_paths")))
		why = "sight of writes does not cover the scope";
	return why == NULL ||
	       open_question(q, "producer_capability_coverage", why);
}

static void
no_write(struct question *q, struct admit *a)
{
	if (!same_claim(q, a))
		return;
	if (!scope_under(q, get(a->pred, "pathScope")))
		(void)open_question(q, "observation_coverage",
		    "the question is wider than what was observed");
	else if (!independent(q, a) || !bound(q, a))
		return;
	else if (write_in_scope(q, a))
		(void)settle(
		    q, EFFECT_FAIL, NULL, "a write in the scope was observed");
	else if (blind(q, a))
		(void)open_question(q, "observation_coverage",
		    "the record names a gap in the scope");
	else if (sighted(q))
		(void)settle(q, EFFECT_PASS, NULL,
		    "no write in the scope, seen whole, from a place that the "
		    "producer does not reach");
}

/* The same evidence as a state of the action: what is open stays pending, also
 * after the window has ended. */
static void
outcome(struct question *q, struct admit *a)
{
	struct note why;

	no_write(q, a);
	if (q->out->result == EFFECT_FAIL) {
		q->out->result = EFFECT_PRESENT;
	} else if (q->out->result == EFFECT_PASS) {
		q->out->result = EFFECT_ABSENT;
	} else {
		q->out->result = EFFECT_PENDING;
		why = q->out->reason;
		note_set(&q->out->reason,
		    "not verified by the end of the window: %.180s", why.text);
	}
}

/* ---- that the observer is independent of the producer ---- */

static const struct {
	const char *name, *obligation;
} conditions[] = { { "trust_domain", "observer_trust_domain" },
	{ "identity_basis", "observer_identity_basis" },
	{ "key_control", "observer_key_control" } };
static const char *const fields[] = { "controlled_by", "established_by",
	"evidence_ref", "basis", NULL };

static bool
independence_ok(struct question *q)
{
	const struct jv all = get(q->context, "independence_evidence");
	struct jit it = jit_of(all);
	struct str name, field;
	struct jv entry, v;

	if (!filled(get(q->context, "producer")) || !jv_is(all, J_OBJ))
		return bad_input(q, "observer_independence needs "
				    "context.producer and "
				    "context.independence_evidence");
	while (jit_next(&it, &name, &entry)) {
		struct jit in = jit_of(entry);
		bool known = false;

		for (size_t i = 0; i < countof(conditions); i++)
			known =
			    known || str_eq(name, str_of(conditions[i].name));
		if (!known || !jv_is(entry, J_OBJ))
			return bad_input(q, "context.independence_evidence has "
					    "an unknown condition");
		while (jit_next(&in, &field, &v)) {
			known = false;
			for (size_t i = 0; fields[i] != NULL; i++)
				known =
				    known || str_eq(field, str_of(fields[i]));
			if (!known || !jv_is(v, J_STR))
				return bad_input(q, "an unknown member in "
						    "independence_evidence");
		}
	}
	return true;
}

static void
independence(struct question *q, struct admit *a)
{
	const struct str producer = jv_str(get(q->context, "producer"));
	const struct jv all = get(q->context, "independence_evidence");

	if (!same_claim(q, a) || !independent(q, a))
		return;
	for (size_t i = 0; i < countof(conditions); i++) {
		const struct jv entry = get(all, conditions[i].name);

		for (size_t k = 0; k < 3; k++)
			if (!filled(get(entry, fields[k]))) {
				(void)open_question(q, conditions[i].obligation,
				    "nothing establishes this condition; a "
				    "declaration does not");
				return;
			}
		for (size_t k = 0; k < 2; k++)
			if (str_eq(jv_str(get(entry, fields[k])), producer)) {
				(void)open_question(q, conditions[i].obligation,
				    "the producer vouches for its own "
				    "observer");
				return;
			}
	}
	(void)settle(q, EFFECT_PASS, NULL,
	    "each condition is established by evidence that the producer "
	    "neither controls nor issued");
}

static const struct {
	struct str name;
	bool (*ok)(struct question *q); /* of its own members, or NULL */
	void (*ask)(struct question *q, struct admit *a);
} properties[] = {
	{ STR_INIT("no_write_in_scope"), NULL, no_write },
	{ STR_INIT("action_outcome"), NULL, outcome },
	{ STR_INIT("observer_independence"), independence_ok, independence },
};

void
effect_check(
    struct jv input, struct str envelope, struct str blob, struct effect *out)
{
	struct question q = { .out = out };
	struct admit a = { .blob = blob, .key = q.key, .code = out->code };
	struct buf tape = { .max = 4 * (size_t)EVIDENCE_MAX };
	size_t i = 0;

	*out = (struct effect){ .result = EFFECT_BAD_INPUT };
	if (!question_ok(&q, input))
		return;
	while (i < countof(properties) && !str_eq(q.name, properties[i].name))
		i++;
	if (i == countof(properties)) {
		(void)settle(&q, EFFECT_UNSUPPORTED, NULL,
		    "no such property is verified here");
		return;
	}
	if (properties[i].ok != NULL && !properties[i].ok(&q))
		return;
	if (admitted(&q, &a, envelope, &tape))
		properties[i].ask(&q, &a);
	else if (out->result == EFFECT_NOT_ESTABLISHED &&
		 properties[i].ask == outcome)
		out->result = EFFECT_PENDING;
	buf_done(&tape);
}
