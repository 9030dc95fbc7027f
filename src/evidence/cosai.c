/*
 * cosai: CoSAI's containment evidence record: a chain of entries, the fields
 * that each decision must have, and a signed checkpoint.  The key in the record
 * is the record's own word; who verifies says which key it must be.
 */
#include "evidence/evidence-in.h"

const char cosai_format[] = "cosai-ws4/agent-containment/evidence-sample";

enum { DEEP = 64, HEX = 7 + 2 * SHA256_N };

struct cosai {
	struct jv doc, sequence, checkpoint, entries;
	struct cosai_found *found;
	struct note *why;
};

static bool
is_str(struct jv v, struct str s)
{
	return jv_is(v, J_STR) && str_eq(jv_str(v), s);
}

static enum err
wrong(struct cosai *c, const char *what)
{
	if (c->found->first_bad < c->found->entries)
		note_set(c->why, "entry %llu: %s",
		    (unsigned long long)c->found->first_bad, what);
	else
		note_set(c->why, "the checkpoint: %s", what);
	return ERR_DENIED;
}

static bool
digest_is(struct jv want, struct jv obj, struct str without)
{
	struct buf hex = { .max = HEX };
	const bool same = digest_without(obj, without, &hex) == OK &&
			  is_str(want, buf_view(&hex));

	buf_done(&hex);
	return same;
}

/* ---- the thirteen fields of a decision ---- */

static const struct {
	const char *path, *what;
} decision_fields[] = {
	{ "principal/id", "the principal is missing" },
	{ "principal/delegation_chain", "the delegation chain is missing" },
	{ "actor/actor_id", "the actor is missing" },
	{ "actor/provenance", "the actor's provenance is missing" },
	{ "actor/verification/status",
	    "how the actor was verified is missing" },
	{ "subject/subject_id", "the subject is missing" },
	{ "subject/provenance", "the subject's provenance is missing" },
	{ "policy/version", "the policy's digest is missing" },
	{ "assurance_boundary/statement_digest",
	    "the assurance boundary's digest is missing" },
	{ "tool_catalog/version", "the tool catalogue's digest is missing" },
	{ "action_id", "the action is missing" },
	{ "request_digest/commitment", "the request's digest is missing" },
	{ "request_digest/covers", "what the request's digest covers is "
				   "missing" },
	{ "request_digest/canonicalization",
	    "the request's canonicalization is missing" },
	{ "decision/verdict", "the verdict is missing" },
	{ "decision/reason", "the reason is missing" },
	{ "runtime/attestation", "neither an attestation nor why there is "
				 "none" },
};
static const char *const provenances[] = { "connection-credential",
	"signed-request-claim", "unsigned-request-claim", "absent" };

static bool
provenance_known(struct jv v)
{
	for (size_t i = 0; i < countof(provenances); i++)
		if (is_str(v, str_of(provenances[i])))
			return true;
	return false;
}

static bool
present(struct jv v)
{
	if (jv_is(v, J_STR))
		return jv_str(v).n > 0;
	return (jv_is(v, J_ARR) || jv_is(v, J_OBJ)) && jv_count(v) > 0;
}

/* States that must say why, wherever they stand. */
static const char *
states(struct jv v, unsigned deep)
{
	const struct jv status = jv_get(v, STR("status"));
	struct jit it = jit_of(v);
	struct jv e;

	if (deep > DEEP)
		return "it is too deep";
	if (is_str(status, STR("not_established")) &&
	    !present(jv_get(v, STR("missing_premise"))))
		return "a state not_established that names no missing premise";
	if ((is_str(status, STR("not-available")) ||
		is_str(status, STR("absent"))) &&
	    !present(jv_get(v, STR("reason"))))
		return "a state absent or not-available without a reason";
	while (jit_next(&it, NULL, &e)) {
		const char *why = states(e, deep + 1);

		if (why != NULL)
			return why;
	}
	return NULL;
}

static enum err
decision(struct cosai *c, struct jv e)
{
	const struct jv boundary = jv_get(e, STR("assurance_boundary"));
	const struct jv verdict = jv_at(e, "decision/verdict");

	for (size_t i = 0; i < countof(decision_fields); i++)
		if (!present(jv_at(e, decision_fields[i].path)))
			return wrong(c, decision_fields[i].what);
	if (!provenance_known(jv_at(e, "actor/provenance")) ||
	    !provenance_known(jv_at(e, "subject/provenance")))
		return wrong(c, "a provenance of no known kind");
	if (!jv_true(jv_get(e, STR("sequenced_before_dispatch"))))
		return wrong(c, "the decision was not sequenced before "
				"dispatch");
	if (!digest_is(jv_get(boundary, STR("statement_digest")),
		jv_get(boundary, STR("statement")), STR("")))
		return wrong(c, "the assurance boundary's digest is another");
	if (!is_str(verdict, STR("allow")) && !is_str(verdict, STR("deny")) &&
	    !is_str(verdict, STR("hold")))
		return wrong(c, "a verdict that is none of allow, deny, hold");
	c->found->decisions++;
	c->found->unknown += is_str(verdict, STR("allow"));
	return OK;
}

/* ---- what refers to a decision ---- */

/* An earlier entry of a kind whose member at path is this hash. */
static struct jv
earlier(
    const struct cosai *c, const char *path, struct jv hash, struct str kind)
{
	struct jit it = jit_of(c->entries);
	struct jv e;

	for (uint64_t i = 0; i < c->found->first_bad && jit_next(&it, NULL, &e);
	     i++)
		if (jv_is(hash, J_STR) && jv_same(jv_at(e, path), hash) &&
		    is_str(jv_get(e, STR("kind")), kind))
			return e;
	return (struct jv){ NULL, 0 };
}

static enum err
reference(struct cosai *c, struct jv e)
{
	const struct jv of =
	    earlier(c, "entry_hash", jv_at(e, "references/decision_entry_hash"),
		STR("enforcement_decision"));

	if (jv_is(of, J_NONE))
		return wrong(c, "it refers to no earlier decision");
	if (!jv_same(
		jv_get(of, STR("action_id")), jv_at(e, "references/action_id")))
		return wrong(c, "it refers to a decision on another action");
	return OK;
}

static enum err
accounting(struct cosai *c, struct jv e)
{
	static const char *const must[] = { "authority", "principal", "subtree",
		"decision/reason", "budget", "reservation_ref" };
	const struct jv v = jv_at(e, "decision/verdict");

	for (size_t i = 0; i < countof(must); i++)
		if (!present(jv_at(e, must[i])))
			return wrong(c, "an accounting decision needs "
					"authority, principal, subtree, "
					"reason, budget, reservation_ref");
	if (!is_str(v, STR("allowed")) && !is_str(v, STR("refused")) &&
	    !is_str(v, STR("held")))
		return wrong(c, "a verdict that is none of allowed, refused, "
				"held");
	return reference(c, e);
}

static enum err
outcome(struct cosai *c, struct jv e)
{
	const struct jv hash = jv_at(e, "references/decision_entry_hash");
	const struct jv with = jv_at(e, "accounting/reconciled_with");
	struct jv of;

	TRY(reference(c, e));
	if (!present(jv_at(e, "outcome/status")))
		return wrong(c, "an outcome without a status");
	if (!jv_is(with, J_NONE) &&
	    jv_is(earlier(c, "entry_hash", with, STR("accounting_decision")),
		J_NONE))
		return wrong(c, "it is reconciled with no earlier accounting "
				"decision");
	if (!jv_is(earlier(c, "references/decision_entry_hash", hash,
		       STR("outcome")),
		J_NONE))
		return wrong(c, "a second outcome of one decision");
	of = earlier(c, "entry_hash", hash, STR("enforcement_decision"));
	c->found->outcomes++;
	c->found->unknown -=
	    is_str(jv_at(of, "decision/verdict"), STR("allow"));
	return OK;
}

static const struct {
	struct str kind;
	enum err (*check)(struct cosai *c, struct jv e);
} kinds[] = { { STR_INIT("enforcement_decision"), decision },
	{ STR_INIT("accounting_decision"), accounting },
	{ STR_INIT("outcome"), outcome } };

static bool
number_is(struct jv v, uint64_t n)
{
	int64_t i;

	return jv_i64(v, &i) == OK && i >= 0 && (uint64_t)i == n;
}

static enum err
one_entry(struct cosai *c, struct jv e, struct str prev)
{
	const char *why;

	if (!jv_is(e, J_OBJ))
		return wrong(c, "it is no object");
	if (!number_is(jv_get(e, STR("index")), c->found->first_bad))
		return wrong(c, "its index is not its place");
	if (!is_str(jv_get(e, STR("prev_hash")), prev))
		return wrong(c, "it does not follow the entry before it");
	if (!digest_is(jv_get(e, STR("entry_hash")), e, STR("entry_hash")))
		return wrong(c, "its hash is another: it was changed");
	if ((why = states(e, 0)) != NULL)
		return wrong(c, why);
	for (size_t i = 0; i < countof(kinds); i++)
		if (is_str(jv_get(e, STR("kind")), kinds[i].kind))
			return kinds[i].check(c, e);
	return wrong(c, "it is of no known kind");
}

/* ---- the checkpoint ---- */

static enum err
signature(struct cosai *c, struct str signer)
{
	const struct jv sig = jv_get(c->checkpoint, STR("signature"));
	const struct jv key = jv_get(sig, STR("signer"));
	struct buf pub = { .max = ED25519_KEY }, value = { .max = ED25519_SIG },
		   text = { .max = EVIDENCE_MAX };
	const struct str x = jv_str(jv_get(key, STR("x")));
	enum err e = OK;

	c->found->pinned = signer.n > 0;
	if (!is_str(jv_get(sig, STR("alg")), STR("EdDSA")) ||
	    !is_str(jv_get(key, STR("kty")), STR("OKP")) ||
	    !is_str(jv_get(key, STR("crv")), STR("Ed25519")))
		e = wrong(c, "its signature is not EdDSA with Ed25519");
	else if (signer.n > 0 && !str_eq(signer, x))
		e = wrong(c, "it is signed by another key than the one given");
	else if (base64url_get(x, &pub) != OK || pub.n != ED25519_KEY ||
		 base64url_get(jv_str(jv_get(sig, STR("value"))), &value) !=
		     OK ||
		 value.n != ED25519_SIG ||
		 jcs_without(c->checkpoint, STR("signature"), &text) != OK ||
		 !ed25519_good((const unsigned char *)pub.p, buf_view(&text),
		     (const unsigned char *)value.p))
		e = wrong(c, "its signature is not good");
	(void)snprintf(c->found->signer, sizeof(c->found->signer), "%.*s",
	    STR_ARG(e == OK ? x : STR("")));
	buf_done(&pub);
	buf_done(&value);
	buf_done(&text);
	return e;
}

static enum err
checkpoint(struct cosai *c, struct str last_hash, struct str signer)
{
	const uint64_t last = c->found->entries - 1;
	const struct jv scope = jv_get(c->checkpoint, STR("collection_scope"));
	const char *why = states(c->checkpoint, 0);

	if (!jv_is(c->checkpoint, J_OBJ))
		return wrong(c, "there is none");
	if (!present(jv_get(c->sequence, STR("id"))) ||
	    !jv_same(jv_get(c->sequence, STR("id")),
		jv_get(c->checkpoint, STR("sequence_id"))))
		return wrong(c, "it is of another sequence");
	if (!number_is(jv_get(c->checkpoint, STR("index")), last) ||
	    !is_str(jv_get(c->checkpoint, STR("entry_hash")), last_hash))
		return wrong(c, "it does not end at the last entry");
	if (!number_is(
		jv_at(c->checkpoint, "expected_boundaries/first_index"), 0) ||
	    !number_is(
		jv_at(c->checkpoint, "expected_boundaries/last_index"), last))
		return wrong(c, "the entries are not those it expects");
	if (!present(jv_get(scope, STR("declared"))) ||
	    !present(jv_get(scope, STR("omitted_before_recording"))))
		return wrong(c, "it declares no collection scope");
	if (why != NULL)
		return wrong(c, why);
	return signature(c, signer);
}

static enum err
judge(struct cosai *c, struct str signer)
{
	struct jit it = jit_of(c->entries);
	struct str prev = STR("");
	struct jv e;

	while (jit_next(&it, NULL, &e)) {
		TRY(one_entry(c, e, prev));
		prev = jv_str(jv_get(e, STR("entry_hash")));
		c->found->first_bad++;
	}
	return checkpoint(c, prev, signer);
}

enum err
cosai_check(struct str text, struct str signer, struct cosai_found *out,
    struct note *why)
{
	struct buf tape = { .max = 4 * (size_t)EVIDENCE_MAX };
	struct cosai c = { .found = out, .why = why };
	enum err e = text.n > EVIDENCE_MAX
			 ? ERR_LIMIT
			 : json_parse(text, &json_default, &tape, why);

	*out = (struct cosai_found){ .entries = 0 };
	if (text.n > EVIDENCE_MAX)
		note_set(why, "more than %d bytes", EVIDENCE_MAX);
	c.doc = jv_of(buf_view(&tape));
	c.sequence = jv_get(c.doc, STR("sequence"));
	c.checkpoint = jv_get(c.sequence, STR("checkpoint"));
	c.entries = jv_get(c.doc, STR("entries"));
	if (e == OK &&
	    (!is_str(
		 jv_get(c.doc, STR("record_format")), str_of(cosai_format)) ||
		!jv_is(c.entries, J_ARR) || jv_count(c.entries) == 0)) {
		note_set(why,
		    "no evidence record: record_format is \"%s\", "
		    "entries a list",
		    cosai_format);
		e = ERR_SYNTAX;
	}
	out->entries = jv_count(c.entries);
	if (e == OK)
		e = judge(&c, signer);
	buf_done(&tape);
	return e;
}
