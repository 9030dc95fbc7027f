/*
 * cosai: entries of CoSAI's containment evidence record (its reference format;
 * agent containment paper, s.7.1).  A field that a record has no value for is
 * one of the paper's states, with the premise or the reason that it must name.
 */
#include "crypto/crypto.h"
#include "export/export-in.h"

/* A state in the paper's words. */
static void
put_state(struct obj *o, const char *key, struct jv v)
{
	struct str why;
	const struct str state = state_of(v, &why);
	struct obj s = obj_in(o, key);

	if (str_eq(state, STR("not_established"))) {
		obj_str(&s, "status", state);
		obj_str(&s, "missing_premise", why);
	} else if (str_eq(state, STR("not_available"))) {
		obj_lit(&s, "status", "not-available");
		obj_str(&s, "reason", why);
	} else if (str_eq(state, STR("pending"))) {
		obj_str(&s, "status", state);
	} else {
		obj_lit(&s, "status", "absent");
		obj_lit(&s, "reason", "it is known that there is none");
	}
	obj_end(&s);
}

/* A text, or its state. */
static void
put_text(struct obj *o, const char *key, struct jv v)
{
	if (jv_is(v, J_STR) && jv_str(v).n > 0 &&
	    !str_eq(jv_str(v), STR("absent")) &&
	    !str_eq(jv_str(v), STR("pending")))
		obj_str(o, key, jv_str(v));
	else
		put_state(o, key, v);
}

static void
put_digest(struct obj *o, const char *key, struct jv v)
{
	struct buf b = { .max = 1 << 17 };

	if (!jv_is(v, J_STR) || jv_str(v).n != 64) {
		put_text(o, key, v);
		return;
	}
	buf_str(&b, STR("sha256:"));
	buf_str(&b, jv_str(v));
	obj_str(o, key, buf_view(&b));
	buf_done(&b);
}

static struct jv
of(const struct export_view *v, const char *key)
{
	const struct jv own = jv_get(v->rec, str_of(key));

	return jv_is(own, J_NONE) ? jv_get(v->identity, str_of(key)) : own;
}

/* ---- who ---- */

static void
put_principal(struct obj *o, const struct facts *f)
{
	struct obj p = obj_in(o, "principal"), h;
	struct jit it = jit_of(f->chain);
	struct buf *b;
	size_t mark, n = 0;
	struct jv e;

	put_text(&p, "id", jv_get(f->v->rec, STR("principal")));
	if (jv_count(f->chain) == 0) {
		put_state(&p, "delegation_chain", of(f->v, "chain"));
	} else {
		b = obj_key(&p, "delegation_chain");
		mark = tape_arr(b);
		while (jit_next(&it, NULL, &e)) {
			h = obj_begin(b);
			obj_num(&h, "hop", (int64_t)n++);
			put_text(&h, "on_behalf_of", jv_get(e, STR("name")));
			put_text(
			    &h, "provenance", jv_get(e, STR("provenance")));
			obj_bool(&h, "verified",
			    jv_true(jv_get(e, STR("verified"))));
			obj_end(&h);
		}
		tape_end(b, mark, n);
	}
	h = obj_in(&p, "correlation_key");
	put_text(&h, "subtree", jv_get(f->v->rec, STR("principal")));
	obj_end(&h);
	obj_end(&p);
}

/* Actor or subject: {"id","provenance","verified"}, or a state. */
static void
put_party(struct obj *o, const char *key, const char *id, struct jv v)
{
	struct obj p = obj_in(o, key), s;
	const struct jv provenance = jv_get(v, STR("provenance"));

	put_text(&p, id,
	    jv_is(v, J_OBJ) && jv_is(provenance, J_STR) ? jv_get(v, STR("id"))
							: v);
	obj_str(&p, "provenance",
	    jv_is(provenance, J_STR) ? jv_str(provenance) : STR("absent"));
	s = obj_in(&p, "verification");
	if (jv_is(provenance, J_STR)) {
		obj_lit(&s, "status",
		    jv_true(jv_get(v, STR("verified"))) ? "verified"
							: "not_verified");
	} else {
		obj_lit(&s, "status", "not_established");
		obj_lit(&s, "missing_premise",
		    "nobody is named whom a credential could stand for");
	}
	obj_end(&s);
	obj_end(&p);
}

/* ---- under what ---- */

static void
put_boundary(struct obj *o, const struct export_view *v)
{
	const struct jv statement = jv_get(v->boundary, STR("statement"));
	struct buf tape = { .max = 1 << 18 }, text = { .max = 1 << 18 };
	struct obj b = obj_in(o, "assurance_boundary"), s;
	unsigned char sum[SHA256_N];

	if (jv_is(statement, J_OBJ)) {
		tape_copy(&tape, statement);
	} else {
		s = obj_begin(&tape);
		obj_lit(&s, "status", "not_established");
		obj_lit(&s, "missing_premise",
		    "the decision names no record of a boundary");
		obj_end(&s);
	}
	if (json_jcs(jv_of(buf_view(&tape)), &text) == OK) {
		buf_clear(&tape);
		sha256(buf_view(&text), STR(""), sum);
		buf_hex(&tape, (struct str){ (const char *)sum, SHA256_N });
		buf_clear(&text);
		buf_str(&text, STR("sha256:"));
		buf_str(&text, buf_view(&tape));
		obj_str(&b, "statement_digest", buf_view(&text));
	}
	obj_lit(
	    &b, "identified_by", "digest of statement in its RFC 8785 form");
	if (jv_is(statement, J_OBJ)) {
		tape_copy(obj_key(&b, "statement"), statement);
	} else {
		s = obj_in(&b, "statement");
		obj_lit(&s, "status", "not_established");
		obj_lit(&s, "missing_premise",
		    "the decision names no record of a boundary");
		obj_end(&s);
	}
	obj_end(&b);
	buf_done(&tape);
	buf_done(&text);
}

/* What is committed to by: salted digests (doc/formats/ledger.md), in a ledger
 * of before them a plain one; else why there is none. */
static void
put_commitment(struct obj *o, const char *key, struct jv salted,
    struct jv plain, struct jv otherwise)
{
	if (jv_is(salted, J_OBJ) && jv_count(salted) > 0)
		tape_copy(obj_key(o, key), salted);
	else
		put_digest(o, key, jv_is(plain, J_NONE) ? otherwise : plain);
}

static void
put_keyed(struct obj *o, bool salted)
{
	struct obj k = obj_in(o, "keyed");

	if (salted) {
		obj_lit(&k, "alg",
		    "SHA-256 of disclosures with 128 bits of salt each (RFC "
		    "9901)");
		obj_lit(&k, "key_holder", "whoever holds the disclosures");
		obj_lit(
		    &k, "why", "a value that can be guessed cannot be checked");
	} else {
		obj_lit(&k, "status", "absent");
		obj_lit(&k, "reason", "nothing is committed to by a salt");
	}
	obj_end(&k);
}

static void
put_request(struct obj *o, const struct export_view *v)
{
	const struct jv digest = jv_get(v->rec, STR("digest"));
	const struct jv params = jv_get(v->rec, STR("params"));
	struct obj r = obj_in(o, "request_digest");
	struct jv covers = jv_get(v->rec, STR("covers"));
	struct jv form = jv_get(v->rec, STR("digest_form"));

	if (jv_is(covers, J_NONE))
		covers = jv_get(v->start, STR("covers"));
	if (jv_is(form, J_NONE))
		form = jv_get(v->start, STR("canonicalization"));
	put_commitment(&r, "commitment", params, digest, covers);
	put_text(&r, "covers", covers);
	obj_lit(&r, "covered_as",
	    "the request as it was sent, before anything is left out");
	if (str_eq(jv_str(form), STR("jcs")))
		obj_lit(&r, "canonicalization", "RFC 8785");
	else
		put_text(&r, "canonicalization", form);
	put_keyed(&r, jv_is(params, J_OBJ));
	obj_end(&r);
}

static void
put_decision(struct obj *o, const struct facts *f)
{
	struct obj d = obj_in(o, "decision"), r;

	obj_str(&d, "verdict", f->verdict);
	r = obj_in(&d, "reason");
	obj_lit(&r, "code",
	    f->rule.n > 0 ? "policy.rule.matched" : "policy.no.rule");
	obj_str(&r, "rule", f->rule);
	obj_str(&r, "detail", f->reason);
	put_digest(&r, "policy_version", jv_get(f->v->rec, STR("policy")));
	obj_end(&r);
	obj_lit(&d, "enforcement_point", "gatehouse#judge");
	r = obj_in(&d, "outcome");
	obj_lit(&r, "status", "pending");
	obj_lit(&r, "note",
	    "a later entry refers to this one; until then it is unknown");
	obj_end(&r);
	obj_end(&d);
}

/* RFC 3339, UTC; the day by the rules of the Gregorian calendar, from a year
 * that begins in March. */
static void
put_time(struct buf *b, int64_t us)
{
	const int64_t day = us / 86400000000, in_day = us % 86400000000;
	const int64_t z = day + 719468, era = z / 146097, doe = z % 146097;
	const int64_t yoe =
	    (doe - doe / 1460 + doe / 36524 - doe / 146096) / 365;
	const int64_t doy = doe - (365 * yoe + yoe / 4 - yoe / 100);
	const int64_t mp = (5 * doy + 2) / 153;
	const int64_t month = mp < 10 ? mp + 3 : mp - 9;

	buf_fmt(b, "%04d-%02d-%02dT%02d:%02d:%02d.%06dZ",
	    (int)(yoe + era * 400 + (month <= 2)), (int)month,
	    (int)(doy - (153 * mp + 2) / 5 + 1), (int)(in_day / 3600000000),
	    (int)(in_day / 60000000 % 60), (int)(in_day / 1000000 % 60),
	    (int)(in_day % 1000000));
}

static void
put_recorded(struct obj *o, const char *kind, const struct facts *f)
{
	struct buf text = { .max = 64 };

	put_time(&text, f->time_us < 0 ? 0 : f->time_us);
	obj_lit(o, "kind", kind);
	obj_str(o, "recorded_at", buf_view(&text));
	buf_done(&text);
}

static void
enforcement(const struct facts *f, struct buf *tape)
{
	struct obj o = obj_begin(tape), p;
	const struct export_view *v = f->v;

	put_recorded(&o, "enforcement_decision", f);
	obj_bool(&o, "sequenced_before_dispatch", true);
	put_principal(&o, f);
	put_party(&o, "actor", "actor_id", of(v, "actor"));
	put_party(&o, "subject", "subject_id", of(v, "subject"));
	p = obj_in(&o, "policy");
	put_digest(&p, "version", jv_get(v->rec, STR("policy")));
	obj_lit(&p, "identified_by", "digest of the set that decided");
	obj_lit(&p, "enforcement_mode", "enforce");
	obj_end(&p);
	put_boundary(&o, v);
	p = obj_in(&o, "tool_catalog");
	put_digest(&p, "version", jv_get(v->rec, STR("catalogue")));
	obj_lit(&p, "identified_by", "digest of the list as the agent saw it");
	obj_end(&p);
	obj_lit(&o, "action_id", f->correlation);
	p = obj_in(&o, "action");
	obj_str(&p, "method", f->method);
	obj_str(&p, "server", f->server);
	obj_str(&p, "name", f->name);
	obj_end(&p);
	put_request(&o, v);
	p = obj_in(&o, "runtime");
	obj_lit(&p, "platform", "software-only");
	put_text(&p, "attestation", jv_get(v->start, STR("runtime")));
	obj_end(&p);
	put_decision(&o, f);
	obj_end(&o);
}

/* ---- what refers to it ---- */

static void
put_references(struct obj *o, const struct facts *f, struct str decision_hash)
{
	struct obj r = obj_in(o, "references");

	obj_str(&r, "decision_entry_hash", decision_hash);
	obj_lit(&r, "action_id", f->correlation);
	obj_end(&r);
}

static const char *
accounted(struct str verdict)
{
	return str_eq(verdict, STR("allow"))  ? "allowed"
	       : str_eq(verdict, STR("hold")) ? "held"
					      : "refused";
}

/* What was charged: the list is kept as it is, one budget an element. */
static void
accounting(const struct facts *f, struct str hash, struct buf *tape)
{
	const struct jv budget = jv_get(f->v->rec, STR("budget"));
	const bool some = jv_is(budget, J_ARR) && jv_count(budget) > 0;
	struct obj o = obj_begin(tape), p, r;

	put_recorded(&o, "accounting_decision", f);
	put_references(&o, f, hash);
	obj_lit(&o, "authority", "gatehouse#budget");
	put_text(&o, "principal", jv_get(f->v->rec, STR("principal")));
	put_text(&o, "subtree", jv_get(f->v->rec, STR("principal")));
	p = obj_in(&o, "decision");
	obj_lit(&p, "verdict", accounted(f->verdict));
	r = obj_in(&p, "reason");
	obj_lit(&r, "code", some ? "budget.charged" : "budget.not_applicable");
	obj_str(&r, "detail", f->reason);
	obj_end(&r);
	obj_end(&p);
	p = obj_in(&o, "budget");
	if (some)
		tape_copy(obj_key(&p, "charges"), budget);
	else
		put_state(&p, "applicable", budget);
	obj_end(&p);
	if (some) {
		char ref[64];

		(void)snprintf(
		    ref, sizeof(ref), "reservation:%s", f->correlation);
		obj_lit(&o, "reservation_ref", ref);
	} else {
		put_state(&o, "reservation_ref", budget);
	}
	obj_end(&o);
}

static void
outcome(const struct facts *f, struct str hash, struct buf *tape)
{
	struct obj o = obj_begin(tape), p;

	put_recorded(&o, "outcome", f);
	put_references(&o, f, hash);
	p = obj_in(&o, "outcome");
	put_text(&p, "status", jv_get(f->v->rec, STR("status")));
	obj_str(&p, "detail", f->error);
	put_commitment(&p, "answer_digest", jv_get(f->v->rec, STR("result")),
	    jv_get(f->v->rec, STR("digest")), (struct jv){ NULL, 0 });
	obj_end(&p);
	p = obj_in(&o, "egress_observed");
	obj_lit(&p, "status", "not_established");
	obj_lit(&p, "missing_premise",
	    "the gateway sees the answer and not what the server did");
	obj_end(&p);
	obj_end(&o);
}

bool
export_evidence(const struct export_view *v, enum export_entry kind,
    struct str decision_hash, struct buf *tape)
{
	struct facts f;

	export_facts(v, &f);
	if (str_eq(f.kind, kind == EXPORT_OUTCOME ? STR("outcome")
						  : STR("decision")) == false)
		return false;
	if (kind == EXPORT_DECISION)
		enforcement(&f, tape);
	else if (kind == EXPORT_ACCOUNTING)
		accounting(&f, decision_hash, tape);
	else
		outcome(&f, decision_hash, tape);
	return true;
}
