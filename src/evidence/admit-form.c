/* admit-form: rules about the shape of a record: members, words, times, paths.
 */
#include <stdlib.h>

#include "evidence/admit.h"

enum { DEEP = 64 };

static bool
normalized(struct jv v, bool slash)
{
	struct str rest = jv_str(v), part;

	if (!jv_is(v, J_STR) || !str_starts(rest, STR("/")))
		return false;
	rest = str_sub(rest, 1, rest.n);
	if (rest.n > 0 && rest.p[rest.n - 1] == '/') {
		if (!slash)
			return false;
		rest.n--;
	}
	while (rest.n > 0 && str_split(&rest, '/', &part))
		if (part.n == 0 || str_eq(part, STR(".")) ||
		    str_eq(part, STR("..")) || (rest.p != NULL && rest.n == 0))
			return false;
	return true;
}

static bool
numbers(struct jv v, unsigned deep)
{
	struct jit it = jit_of(v);
	struct jv e;

	if (jv_is(v, J_NUM)) {
		char text[64];
		double d;

		(void)snprintf(text, sizeof(text), "%.*s",
		    STR_ARG(str_sub(jv_str(v), 0, 63)));
		d = strtod(text, NULL);
		return d < 9007199254740992.0 && d > -9007199254740992.0;
	}
	while (deep < DEEP && jit_next(&it, NULL, &e))
		if (!numbers(e, deep + 1))
			return false;
	return true;
}

bool
rule_numbers(struct admit *a)
{
	return numbers(a->statement, 0) ||
	       malformed(a, "integer-not-ijson-safe", "");
}

bool
rule_predicate_type(struct admit *a)
{
	return is(a->statement, "predicateType",
		   "https://probityai.github.io/agent-evidence-vectors/"
		   "predicate/v1/observed-effect") ||
	       malformed(a, "predicate-type-unexpected", "");
}

bool
rule_required(struct admit *a)
{
	static const char *const pred[] = { "intervalId", "tier", "mutation",
		"hashAlgorithm", "interval", "pathScope", "authorityDigest",
		"observation", "reads", "writes", "dualValues", "doesNotAssert",
		"issuedAt", NULL };
	static const char *const interval[] = { "beforeRoot", "afterRoot",
		"baseResolution", "openedAt", "sealedAt", NULL };
	static const char *const observed[] = { "vantage", "coverage",
		"observedSigners", "origin", NULL };
	static const char *const lists[] = { "pathScope", "reads", "writes",
		"dualValues", NULL };

	a->interval = get(a->pred, "interval");
	a->observed = get(a->pred, "observation");
	a->coverage = get(a->observed, "coverage");
	a->commitment = get(a->observed, "priorCommitment");
	if (!jv_is(a->commitment, J_OBJ))
		a->commitment = (struct jv){ NULL, 0 };
	if (!required(a, a->pred, pred) ||
	    !required(a, a->interval, interval) ||
	    !required(a, a->observed, observed))
		return false;
	for (size_t i = 0; lists[i] != NULL; i++)
		if (!jv_is(get(a->pred, lists[i]), J_ARR))
			return shape(a);
	return jv_is(get(a->observed, "observedSigners"), J_ARR) || shape(a);
}

bool
rule_vocabularies(struct admit *a)
{
	static const char *const tiers[] = { "voluntary", "authoritative",
		NULL };
	static const char *const mutations[] = { "observed", "none", NULL };
	static const char *const hashes[] = { "sha256", "sha1", NULL };
	static const char *const vantages[] = { "below-observed", "peer",
		"self", NULL };
	static const char *const origins[] = { "self", "first-hand",
		"third-party-control-plane", "log-import", NULL };

	if (!one_of(get(a->pred, "tier"), tiers))
		return malformed(a, "tier-unknown", "");
	if (!one_of(get(a->pred, "mutation"), mutations))
		return malformed(a, "mutation-unknown", "");
	if (!one_of(get(a->pred, "hashAlgorithm"), hashes))
		return malformed(a, "hash-algorithm-unknown", "");
	if (!one_of(get(a->observed, "vantage"), vantages))
		return malformed(a, "vantage-unknown", "");
	if (!one_of(get(a->observed, "origin"), origins))
		return malformed(a, "origin-unknown", "");
	return true;
}

/* "2026-09-19T00:00:05Z", a day that there is. */
static bool
timestamp(struct jv v)
{
	static const char form[] = "dddd-dd-ddTdd:dd:ddZ";
	static const unsigned days[] = { 31, 28, 31, 30, 31, 30, 31, 31, 30, 31,
		30, 31 };
	const struct str s = jv_str(v);
	unsigned n[6] = { 0 }, at = 0, leap;

	if (!jv_is(v, J_STR) || s.n != sizeof(form) - 1)
		return false;
	for (size_t i = 0; i < s.n; i++) {
		const bool digit = s.p[i] >= '0' && s.p[i] <= '9';

		if (form[i] == 'd' ? !digit : s.p[i] != form[i])
			return false;
		if (digit)
			n[at] = 10 * n[at] + (unsigned)(s.p[i] - '0');
		else
			at++;
	}
	leap =
	    n[1] == 2 && n[0] % 4 == 0 && (n[0] % 100 != 0 || n[0] % 400 == 0);
	return n[0] > 0 && n[1] >= 1 && n[1] <= 12 && n[2] >= 1 &&
	       n[2] <= days[n[1] - 1] + leap && n[3] < 24 && n[4] < 60 &&
	       n[5] < 62;
}

bool
rule_timestamps(struct admit *a)
{
	if (!timestamp(get(a->interval, "openedAt")))
		return malformed(
		    a, "timestamp-not-utc-basic", "interval.openedAt");
	if (!timestamp(get(a->interval, "sealedAt")))
		return malformed(
		    a, "timestamp-not-utc-basic", "interval.sealedAt");
	if (!timestamp(get(a->pred, "issuedAt")))
		return malformed(a, "timestamp-not-utc-basic", "issuedAt");
	if (has(a->commitment, "committedAt") &&
	    !timestamp(get(a->commitment, "committedAt")))
		return malformed(a, "timestamp-not-utc-basic",
		    "priorCommitment.committedAt");
	return true;
}

bool
rule_order(struct admit *a)
{
	const struct jv sealed = get(a->interval, "sealedAt");

	if (compare(get(a->interval, "openedAt"), sealed) >= 0)
		return malformed(a, "interval-not-ordered", "");
	if (compare(get(a->pred, "issuedAt"), sealed) < 0)
		return malformed(a, "issued-before-sealed", "");
	return true;
}

bool
rule_base(struct admit *a)
{
	static const char *const words[] = { "supplied", "recorded-parent",
		"empty-tree", NULL };

	return one_of(get(a->interval, "baseResolution"), words) ||
	       malformed(a, "base-resolution-unknown", "");
}

/* The name of the tree without entries under each algorithm. */
bool
rule_empty_tree(struct admit *a)
{
	return !is(a->interval, "baseResolution", "empty-tree") ||
	       is_empty_tree(a, get(a->interval, "beforeRoot")) ||
	       malformed(a, "empty-tree-constant-wrong-algorithm", "");
}

bool
rule_scope_literal(struct admit *a)
{
	struct jit it = rows(a, "pathScope");
	struct jv v;

	while (jit_next(&it, NULL, &v)) {
		const struct str s = jv_str(v);

		if (!jv_is(v, J_STR) || !str_starts(s, STR("/")))
			return malformed(a, "path-scope-not-absolute", "");
		for (size_t i = 0; i < s.n; i++)
			if (s.p[i] != '\0' && strchr("*?[]{}!", s.p[i]) != NULL)
				return malformed(
				    a, "path-scope-glob-metacharacter", "");
	}
	return true;
}

bool
rule_paths(struct admit *a)
{
	static const char *const lists[] = { "reads", "writes" };
	struct jit it = rows(a, "pathScope");
	struct jv v;

	while (jit_next(&it, NULL, &v))
		if (!normalized(v, true))
			return malformed(a, "path-scope-not-normalized", "");
	for (size_t i = 0; i < countof(lists); i++)
		for (it = rows(a, lists[i]); jit_next(&it, NULL, &v);)
			if (!normalized(get(v, "path"), false))
				return malformed(a, "path-not-normalized", "");
	return true;
}

bool
rule_mutation(struct admit *a)
{
	const size_t writes = jv_count(get(a->pred, "writes"));

	if (!is(a->pred, "mutation", "none"))
		return writes > 0 ||
		       malformed(a, "mutation-observed-without-writes", "");
	if (writes > 0)
		return malformed(a, "mutation-contradicted-by-writes", "");
	return jv_same(get(a->interval, "beforeRoot"),
		   get(a->interval, "afterRoot")) ||
	       malformed(a, "mutation-none-with-moved-root", "");
}

bool
rule_write_chain(struct admit *a)
{
	static const char *const names[] = { "path", "preStateDigest",
		"postStateDigest", "inScope", NULL };
	struct jit it = rows(a, "writes");
	struct jv row, at = get(a->interval, "beforeRoot");

	if (jv_count(get(a->pred, "writes")) == 0)
		return true;
	while (jit_next(&it, NULL, &row)) {
		if (!required(a, row, names))
			return false;
		if (!jv_same(get(row, "preStateDigest"), at))
			return malformed(a, "write-chain-broken", "");
		at = get(row, "postStateDigest");
	}
	return jv_same(at, get(a->interval, "afterRoot")) ||
	       malformed(a, "write-chain-does-not-reach-after-root", "");
}

bool
rule_subject(struct admit *a)
{
	static const char *const names[] = { "name", "digest", NULL };
	const struct jv subject = get(a->statement, "subject");
	struct jit it = jit_of(subject);
	struct jv one, digest, value;

	if (!jv_is(subject, J_ARR) || jv_count(subject) != 1 ||
	    !jit_next(&it, NULL, &one))
		return malformed(a, "subject-not-a-single-member", "");
	if (!required(a, one, names))
		return false;
	digest = get(one, "digest");
	value = jv_get(digest, jv_str(get(a->pred, "hashAlgorithm")));
	if (!jv_is(digest, J_OBJ) || jv_count(digest) != 1 ||
	    jv_is(value, J_NONE))
		return malformed(a, "subject-digest-algorithm-mismatch", "");
	return jv_same(value, get(a->interval, "afterRoot")) ||
	       malformed(a, "subject-not-the-after-root", "");
}

bool
rule_code_digest(struct admit *a)
{
	const struct jv v = get(a->pred, "codeDigest"), d = get(v, "sha256");

	if (jv_is(v, J_NONE))
		return true;
	if (!jv_is(v, J_OBJ) || jv_count(v) != 1 || jv_is(d, J_NONE))
		return malformed(a, "code-digest-shape", "");
	return (lower_hex(d) && jv_str(d).n == 64) ||
	       malformed(a, "code-digest-value", "");
}

/* 1.0 is a number of another kind here. */
