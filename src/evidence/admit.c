/*
 * admit: is an observed-effect record one that may be reasoned from?  A DSSE
 * envelope of an in-toto statement; the predicate's rules are a table, in the
 * order in which the first one broken gives its name.  A broken form is
 * malformed; a claim that its own rules refuse is invalid.
 */
#include "evidence/admit.h"

bool
malformed(struct admit *a, const char *code, const char *which)
{
	(void)snprintf(a->code, ADMIT_CODE, "%s%s%s", code,
	    which[0] == '\0' ? "" : ":", which);
	return false;
}

bool
invalid(struct admit *a, const char *code)
{
	a->invalid = true;
	return malformed(a, code, "");
}

bool
shape(struct admit *a)
{
	return malformed(a, "unhandled-shape", "");
}

struct jv
get(struct jv obj, const char *key)
{
	return jv_get(obj, str_of(key));
}

bool
has(struct jv obj, const char *key)
{
	return !jv_is(get(obj, key), J_NONE);
}

bool
is(struct jv obj, const char *key, const char *value)
{
	const struct jv v = get(obj, key);

	return jv_is(v, J_STR) && str_eq(jv_str(v), str_of(value));
}

/* Names end with NULL. */
bool
required(struct admit *a, struct jv obj, const char *const *names)
{
	for (; *names != NULL; names++)
		if (!has(obj, *names))
			return malformed(a, "required-member-absent", *names);
	return true;
}

bool
one_of(struct jv v, const char *const *words)
{
	for (; *words != NULL; words++)
		if (jv_is(v, J_STR) && str_eq(jv_str(v), str_of(*words)))
			return true;
	return false;
}

bool
lower_hex(struct jv v)
{
	const struct str s = jv_str(v);

	for (size_t i = 0; i < s.n; i++)
		if (strchr("0123456789abcdef", s.p[i]) == NULL ||
		    s.p[i] == '\0')
			return false;
	return jv_is(v, J_STR) && s.n > 0;
}

/* Absolute, and no segment empty, "." or "..". */
/* At a segment's boundary, never by the beginning of a name. */
static bool
covered(struct jv scope, struct str path)
{
	struct jit it = jit_of(scope);
	struct jv v;

	while (jit_next(&it, NULL, &v)) {
		struct str s = jv_str(v);

		while (s.n > 0 && s.p[s.n - 1] == '/')
			s.n--;
		if (str_eq(path, s) ||
		    (str_starts(path, s) && path.n > s.n && path.p[s.n] == '/'))
			return true;
	}
	return false;
}

bool
in_scope(const struct admit *a, struct jv path)
{
	return jv_is(path, J_STR) &&
	       covered(get(a->pred, "pathScope"), jv_str(path));
}

/* Walks the rows of reads, writes or dualValues. */
struct jit
rows(const struct admit *a, const char *which)
{
	return jit_of(get(a->pred, which));
}

bool
is_empty_tree(const struct admit *a, struct jv root)
{
	return str_eq(jv_str(root),
	    is(a->pred, "hashAlgorithm", "sha1")
		? STR("4b825dc642cb6eb9a060e54bf8d69288fbee4904")
		: STR("6ef19b41225c5369f1c104d45d8d85efa9b057b53b14b4b9b939dd74"
		      "decc5321"));
}

int
compare(struct jv a, struct jv b)
{
	return str_cmp(jv_str(a), jv_str(b));
}

bool
hex_is(struct jv v, const unsigned char sum[static SHA256_N])
{
	struct buf hex = { .max = 2 * SHA256_N };
	bool same;

	buf_hex(&hex, (struct str){ (const char *)sum, SHA256_N });
	same = jv_is(v, J_STR) && str_eq(jv_str(v), buf_view(&hex));
	buf_done(&hex);
	return same;
}

bool
gap_in_scope(const struct admit *a)
{
	struct jit it = jit_of(get(a->coverage, "gaps"));
	struct jv gap;

	while (jit_next(&it, NULL, &gap))
		if (in_scope(a, gap))
			return true;
	return false;
}

bool
below(const struct admit *a)
{
	return is(a->observed, "vantage", "below-observed");
}

bool
preimage(const struct admit *a, struct buf *out)
{
	const struct {
		const char *name;
		struct jv v;
	} part[] = { { "authorityDigest", get(a->pred, "authorityDigest") },
		{ "beforeRoot", get(a->interval, "beforeRoot") },
		{ "intervalId", get(a->pred, "intervalId") },
		{ "witnessNonce", get(a->commitment, "witnessNonce") } };
	struct buf tape = { .max = EVIDENCE_MAX };
	const size_t mark = tape_obj(&tape);
	bool good = true;

	for (size_t i = 0; i < countof(part); i++) {
		good = good && jv_is(part[i].v, J_STR);
		tape_key(&tape, str_of(part[i].name));
		tape_copy(&tape, part[i].v);
	}
	tape_end(&tape, mark, countof(part));
	good = good && json_jcs(jv_of(buf_view(&tape)), out) == OK;
	buf_done(&tape);
	return good;
}

/* ---- the whole ---- */

static admit_rule *const rules[] = { rule_numbers, rule_predicate_type,
	rule_required, rule_vocabularies, rule_timestamps, rule_order,
	rule_base, rule_empty_tree, rule_scope_literal, rule_paths,
	rule_mutation, rule_write_chain, rule_subject, rule_code_digest,
	rule_reads, rule_range, rule_read_chain, rule_empty_read, rule_coverage,
	rule_gaps_named, rule_origin, rule_platform, rule_committed,
	rule_commitment, rule_keyids, rule_signature_form, rule_agreement,
	rule_dual, rule_commitment_signed, rule_prior, rule_disjoint,
	rule_write_scope, rule_tier, rule_rows };

static enum effect_admission
refused(struct admit *a, const char *code)
{
	(void)malformed(a, code, "");
	return EFFECT_ILL_FORMED;
}

/* JSON as a tape; a member that comes twice has a code of its own. */
static const char *
parse(struct str text, struct buf *tape)
{
	struct note why = { "" };

	if (json_parse(text, &json_default, tape, &why) == OK)
		return NULL;
	return strstr(why.text, "a duplicate member") != NULL
		   ? "duplicate-member"
		   : "not-parseable";
}

/* DSSE's pre-authentication encoding. */
static void
pae(struct str type, struct str payload, struct buf *out)
{
	buf_fmt(out, "DSSEv1 %zu ", type.n);
	buf_str(out, type);
	buf_fmt(out, " %zu ", payload.n);
	buf_str(out, payload);
}

static enum effect_admission
signed_by(struct admit *a, struct jv envelope, struct str payload)
{
	struct jit it = jit_of(get(envelope, "signatures"));
	struct buf sig = { .max = ED25519_SIG }, text = { .max = SIZE_MAX / 4 };
	const struct jv type = get(envelope, "payloadType");
	struct jv first = { NULL, 0 };
	enum effect_admission r = EFFECT_VALID;

	(void)jit_next(&it, NULL, &first);
	if (!jv_is(type, J_STR) || !jv_is(get(first, "sig"), J_STR) ||
	    base64_get(jv_str(get(first, "sig")), &sig) == ERR_SYNTAX) {
		r = refused(a, "envelope-signature-unreadable");
	} else {
		pae(jv_str(type), payload, &text);
		if (sig.n != ED25519_SIG ||
		    !ed25519_good(a->key, buf_view(&text),
			(const unsigned char *)sig.p)) {
			(void)invalid(a, "envelope-signature-invalid");
			r = EFFECT_INVALID;
		}
	}
	buf_done(&sig);
	buf_done(&text);
	return r;
}

static enum effect_admission
judge(struct admit *a, struct jv envelope, struct str payload)
{
	if (!is(a->statement, "_type", "https://in-toto.io/Statement/v1"))
		return refused(a, "statement-type-unexpected");
	a->pred = get(a->statement, "predicate");
	if (!jv_is(a->pred, J_OBJ))
		return refused(a, "unhandled-shape:predicate");
	for (size_t i = 0; i < countof(rules); i++)
		if (!rules[i](a))
			return a->invalid ? EFFECT_INVALID : EFFECT_ILL_FORMED;
	return signed_by(a, envelope, payload);
}

enum effect_admission
admit(struct admit *a, struct str text, struct buf *tape)
{
	struct buf envelope = { .max = 4 * (size_t)EVIDENCE_MAX },
		   payload = { .max = EVIDENCE_MAX };
	enum effect_admission r = EFFECT_ILL_FORMED;
	struct jv env;
	const char *code =
	    text.n > EVIDENCE_MAX ? "not-parseable" : parse(text, &envelope);

	env = jv_of(buf_view(&envelope));
	if (code == NULL &&
	    (!jv_is(get(env, "payload"), J_STR) ||
		base64_get(jv_str(get(env, "payload")), &payload) != OK))
		code = "not-parseable";
	if (code == NULL)
		code = parse(buf_view(&payload), tape);
	a->statement = jv_of(buf_view(tape));
	if (code == NULL && !jv_is(a->statement, J_OBJ))
		code = "not-parseable";
	r = code != NULL ? refused(a, code) : judge(a, env, buf_view(&payload));
	buf_done(&envelope);
	buf_done(&payload);
	return r;
}

enum effect_admission
effect_admit(struct str envelope, const unsigned char key[static 32],
    struct str blob, char code[static 80])
{
	struct admit a = { .blob = blob, .key = key, .code = code };
	struct buf tape = { .max = 4 * (size_t)EVIDENCE_MAX };
	enum effect_admission r;

	code[0] = '\0';
	r = admit(&a, envelope, &tape);
	buf_done(&tape);
	return r;
}
