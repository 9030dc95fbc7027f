/* admit-claim: rules about what a record says: reads, coverage, commitment,
 * facts, tier. */
#include "evidence/admit.h"

enum { BLOB_LEN = 32 };

static bool
integer(struct jv v, int64_t *out)
{
	const struct str s = jv_str(v);

	return jv_is(v, J_NUM) && str_find(s, '.') == s.n &&
	       str_find(s, 'e') == s.n && str_find(s, 'E') == s.n &&
	       jv_i64(v, out) == OK;
}

static bool
span_of(struct admit *a, struct jv row, int64_t *start, int64_t *end)
{
	static const char *const names[] = { "start", "end", NULL };
	const struct jv span = get(row, "byteRange");
	const struct jv s = get(span, "start"), e = get(span, "end");

	if (!required(a, span, names))
		return false;
	if (!integer(s, start) || !integer(e, end))
		return malformed(a, "byte-range-not-integer", "");
	if (*start < 0)
		return malformed(a, "byte-range-negative", "");
	return *end > *start || malformed(a, "byte-range-empty", "");
}

bool
rule_reads(struct admit *a)
{
	static const char *const names[] = { "path", "preStateDigest",
		"blobDigest", "readState", NULL };
	static const char *const range[] = { "byteRange", "rangeDigest", NULL };
	static const char *const read_states[] = { "bytes-read",
		"no-bytes-read", "unavailable", NULL };
	struct jit it = rows(a, "reads");
	struct jv row;
	int64_t start = 0, end = 0;

	while (jit_next(&it, NULL, &row)) {
		if (!required(a, row, names))
			return false;
		if (!one_of(get(row, "readState"), read_states))
			return malformed(a, "read-state-unknown", "");
		if (!is(row, "readState", "bytes-read")) {
			if (has(row, "byteRange") || has(row, "rangeDigest"))
				return malformed(
				    a, "read-state-carries-range", "");
			continue;
		}
		if (!required(a, row, range) || !span_of(a, row, &start, &end))
			return false;
	}
	return true;
}

/* What a read row says of bytes that the verifier has. */
static bool
range_good(const struct admit *a, struct jv row, int64_t start, int64_t end)
{
	char head[BLOB_LEN * 3];
	unsigned char sum[SHA256_N];
	int n;

	if ((uint64_t)end > a->blob.n)
		return false;
	n = snprintf(head, sizeof(head), "%zu%c%lld%c%lld%c", a->blob.n, 0,
	    (long long)start, 0, (long long)end, 0);
	sha256((struct str){ head, (size_t)n },
	    str_sub(a->blob, (size_t)start, (size_t)(end - start)), sum);
	return hex_is(get(row, "rangeDigest"), sum);
}

bool
rule_range(struct admit *a)
{
	struct jit it = rows(a, "reads");
	unsigned char sum[SHA256_N];
	struct jv row;
	int64_t start = 0, end = 0;

	if (a->blob.n == 0)
		return true;
	sha256(a->blob, STR(""), sum);
	while (jit_next(&it, NULL, &row)) {
		if (!is(row, "readState", "bytes-read") ||
		    !hex_is(get(row, "blobDigest"), sum))
			continue;
		if (!span_of(a, row, &start, &end))
			return false;
		if (!range_good(a, row, start, end))
			return malformed(a, "range-digest-preimage-wrong", "");
	}
	return true;
}

bool
rule_read_chain(struct admit *a)
{
	struct jit it = rows(a, "reads");
	struct jv row, write;

	while (jit_next(&it, NULL, &row)) {
		const struct jv at = get(row, "preStateDigest");
		struct jit writes = rows(a, "writes");
		bool found = jv_same(at, get(a->interval, "beforeRoot"));

		while (!found && jit_next(&writes, NULL, &write))
			found = jv_same(at, get(write, "postStateDigest"));
		if (!found)
			return malformed(
			    a, "read-pre-state-not-in-interval", "");
	}
	return true;
}

bool
rule_empty_read(struct admit *a)
{
	const struct jv before = get(a->interval, "beforeRoot");
	struct jit it = rows(a, "reads");
	struct jv row;

	if (!is_empty_tree(a, before))
		return true;
	while (jit_next(&it, NULL, &row))
		if (is(row, "readState", "bytes-read") &&
		    jv_same(get(row, "preStateDigest"), before))
			return malformed(
			    a, "bytes-read-from-the-empty-tree", "");
	return true;
}

bool
rule_coverage(struct admit *a)
{
	static const char *const names[] = { "scopeComplete", "gaps", NULL };
	struct jit it = jit_of(get(a->coverage, "gaps"));
	const struct jv whole = get(a->coverage, "scopeComplete");
	struct jv gap;

	if (!required(a, a->coverage, names))
		return false;
	if ((!jv_is(whole, J_TRUE) && !jv_is(whole, J_FALSE)) ||
	    !jv_is(get(a->coverage, "gaps"), J_ARR))
		return shape(a);
	while (jit_next(&it, NULL, &gap))
		if (!jv_is(gap, J_STR))
			return shape(a);
	return !jv_true(whole) || !gap_in_scope(a) ||
	       malformed(a, "coverage-self-contradictory", "");
}

bool
rule_gaps_named(struct admit *a)
{
	return jv_true(get(a->coverage, "scopeComplete")) ||
	       jv_count(get(a->coverage, "gaps")) > 0 ||
	       malformed(a, "coverage-incomplete-without-gaps", "");
}

bool
rule_origin(struct admit *a)
{
	return !below(a) || is(a->observed, "origin", "first-hand") ||
	       malformed(a, "origin-cannot-carry-below-observed-vantage", "");
}

bool
rule_platform(struct admit *a)
{
	static const char *const imports[] = { "third-party-control-plane",
		"log-import", NULL };

	return !one_of(get(a->observed, "origin"), imports) ||
	       is(get(a->observed, "runtime"), "platform", "software-only") ||
	       malformed(
		   a, "import-origin-requires-software-only-platform", "");
}

bool
rule_committed(struct admit *a)
{
	return !below(a) || jv_is(a->commitment, J_OBJ) ||
	       malformed(a, "prior-commitment-absent-for-vantage", "");
}

/* What the observer signed before the interval; false: not all are strings. */
bool
rule_commitment(struct admit *a)
{
	static const char *const names[] = { "committedAt", "witnessNonce",
		"commitmentDigest", "keyid", "sig", NULL };
	struct buf text = { .max = EVIDENCE_MAX };
	unsigned char sum[SHA256_N];
	bool good;

	if (!jv_is(a->commitment, J_OBJ))
		return true;
	if (!required(a, a->commitment, names))
		return false;
	good = preimage(a, &text);
	sha256(buf_view(&text), STR(""), sum);
	buf_done(&text);
	if (!good)
		return shape(a);
	return hex_is(get(a->commitment, "commitmentDigest"), sum) ||
	       malformed(a, "commitment-digest-mismatch", "");
}

bool
rule_keyids(struct admit *a)
{
	struct jit it = jit_of(get(a->observed, "observedSigners"));
	struct jv v;

	while (jit_next(&it, NULL, &v))
		if (!lower_hex(v))
			return malformed(a, "keyid-not-lowercase-hex", "");
	return !jv_is(a->commitment, J_OBJ) ||
	       lower_hex(get(a->commitment, "keyid")) ||
	       malformed(a, "keyid-not-lowercase-hex", "");
}

bool
rule_signature_form(struct admit *a)
{
	const struct jv sig = get(a->commitment, "sig");

	return !jv_is(a->commitment, J_OBJ) ||
	       (lower_hex(sig) && jv_str(sig).n == 2 * ED25519_SIG) ||
	       malformed(a, "commitment-signature-malformed", "");
}

bool
rule_agreement(struct admit *a)
{
	static const char *const names[] = { "fact", "observedValue",
		"reportedValue", "agreement", NULL };
	static const char *const words[] = { "agree", "disagree", "one-sided",
		NULL };
	struct jit it = rows(a, "dualValues");
	struct jv row;

	while (jit_next(&it, NULL, &row)) {
		const struct jv o = get(row, "observedValue"),
				r = get(row, "reportedValue");
		const bool no_o = jv_is(o, J_STR) && jv_str(o).n == 0,
			   no_r = jv_is(r, J_STR) && jv_str(r).n == 0;

		if (!required(a, row, names))
			return false;
		if (!one_of(get(row, "agreement"), words))
			return malformed(a, "agreement-unknown", "");
		if (no_o && no_r)
			return malformed(a, "dual-value-carries-no-value", "");
		if (!is(row, "agreement",
			no_o || no_r	? "one-sided"
			: jv_same(o, r) ? "agree"
					: "disagree"))
			return malformed(a, "agreement-not-derivable", "");
	}
	return true;
}

/* Facts that the statement can be asked itself. */
static bool
derivable(const struct admit *a, struct str fact, struct str *value,
    char room[static 24])
{
	static const char *const counts[] = { "writes", "reads", "pathScope" };
	static const char *const roots[] = { "beforeRoot", "afterRoot" };

	for (size_t i = 0; i < countof(counts); i++) {
		char name[32];

		(void)snprintf(name, sizeof(name), "%s.count", counts[i]);
		if (str_eq(fact, str_of(name))) {
			(void)snprintf(
			    room, 24, "%zu", jv_count(get(a->pred, counts[i])));
			*value = str_of(room);
			return true;
		}
	}
	for (size_t i = 0; i < countof(roots); i++) {
		char name[32];

		(void)snprintf(name, sizeof(name), "interval.%s", roots[i]);
		if (str_eq(fact, str_of(name))) {
			*value = jv_str(get(a->interval, roots[i]));
			return true;
		}
	}
	*value = jv_str(get(a->pred, "authorityDigest"));
	return str_eq(fact, STR("authorityDigest"));
}

bool
rule_dual(struct admit *a)
{
	struct jit it = rows(a, "dualValues");
	struct jv row;

	while (jit_next(&it, NULL, &row)) {
		const struct jv o = get(row, "observedValue");
		char room[24];
		struct str value;

		if (derivable(a, jv_str(get(row, "fact")), &value, room) &&
		    (!jv_is(o, J_STR) || !str_eq(jv_str(o), value)))
			return malformed(a, "dual-value-not-recomputable", "");
	}
	return true;
}

bool
rule_commitment_signed(struct admit *a)
{
	struct buf text = { .max = EVIDENCE_MAX };
	unsigned char sig[ED25519_SIG];
	bool good;

	if (!jv_is(a->commitment, J_OBJ))
		return true;
	good = hex_bytes(jv_str(get(a->commitment, "sig")), sig, sizeof(sig)) ==
		   OK &&
	       preimage(a, &text) && ed25519_good(a->key, buf_view(&text), sig);
	buf_done(&text);
	return good || invalid(a, "commitment-signature-invalid");
}

bool
rule_prior(struct admit *a)
{
	return !jv_is(a->commitment, J_OBJ) ||
	       compare(get(a->commitment, "committedAt"),
		   get(a->interval, "openedAt")) < 0 ||
	       invalid(a, "commitment-not-prior");
}

bool
rule_disjoint(struct admit *a)
{
	struct jit it = jit_of(get(a->observed, "observedSigners"));
	struct jv v;

	while (jv_is(a->commitment, J_OBJ) && jit_next(&it, NULL, &v))
		if (jv_same(v, get(a->commitment, "keyid")))
			return invalid(a, "commitment-keyid-not-disjoint");
	return true;
}

bool
rule_write_scope(struct admit *a)
{
	struct jit it = rows(a, "writes");
	struct jv row;

	while (jit_next(&it, NULL, &row)) {
		const bool in = in_scope(a, get(row, "path"));

		if (in != jv_true(get(row, "inScope")))
			return invalid(a, "write-in-scope-mislabelled");
		if (!in && is(a->pred, "tier", "authoritative"))
			return invalid(a, "write-outside-path-scope");
	}
	return true;
}

bool
rule_tier(struct admit *a)
{
	const struct {
		const char *code;
		bool held;
	} clause[] = { { "authoritative-vantage-not-independent", below(a) },
		{ "authoritative-empty-path-scope",
		    jv_count(get(a->pred, "pathScope")) > 0 },
		{ "authoritative-coverage-incomplete",
		    jv_true(get(a->coverage, "scopeComplete")) ||
			!gap_in_scope(a) } };
	const bool claimed = is(a->pred, "tier", "authoritative");
	bool all = true;

	for (size_t i = 0; i < countof(clause); i++) {
		if (claimed && !clause[i].held)
			return invalid(a, clause[i].code);
		all = all && clause[i].held;
	}
	return claimed == all || invalid(a, "tier-recompute-mismatch");
}

bool
rule_rows(struct admit *a)
{
	return !is(a->pred, "tier", "authoritative") ||
	       jv_count(get(a->pred, "reads")) > 0 ||
	       jv_count(get(a->pred, "writes")) > 0 ||
	       invalid(a, "authoritative-without-observed-rows");
}
