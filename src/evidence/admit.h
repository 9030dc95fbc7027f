/* admit: what the files of the observed-effect predicate share. */
#ifndef ADMIT_H
#define ADMIT_H

#include "evidence/evidence-in.h"

enum { ADMIT_CODE = 80 };

struct admit {
	struct str blob; /* bytes that a read row may speak of, or empty */
	const unsigned char *key;
	struct jv statement, pred, interval, observed, coverage, commitment;
	bool invalid; /* else what was broken is the form */
	char *code;
};

/* Sets the code and is false: what a rule returns when it is broken. */
bool malformed(struct admit *a, const char *code, const char *which);
bool invalid(struct admit *a, const char *code);
bool shape(struct admit *a); /* a member of a kind nobody described */

struct jv get(struct jv obj, const char *key);
bool has(struct jv obj, const char *key);
bool is(struct jv obj, const char *key, const char *value);
/* Names and words end with NULL. */
bool required(struct admit *a, struct jv obj, const char *const *names);
bool one_of(struct jv v, const char *const *words);
bool lower_hex(struct jv v);
bool hex_is(struct jv v, const unsigned char sum[static SHA256_N]);
bool in_scope(const struct admit *a, struct jv path);
bool gap_in_scope(const struct admit *a);
struct jit rows(const struct admit *a, const char *which);
/* The name of the tree without entries. */
bool is_empty_tree(const struct admit *a, struct jv root);
int compare(struct jv a, struct jv b); /* texts */
bool below(const struct admit *a);     /* observed from below */
/* The bytes whose digest and signature are the prior commitment; false: not all
 * of them are strings. */
bool preimage(const struct admit *a, struct buf *out);

/* One rule of the predicate each; false: it is broken, the code says how. */
typedef bool admit_rule(struct admit *a);
admit_rule rule_numbers, rule_predicate_type, rule_required, rule_vocabularies,
    rule_timestamps, rule_order, rule_base, rule_empty_tree, rule_scope_literal,
    rule_paths, rule_mutation, rule_write_chain, rule_subject, rule_code_digest,
    rule_reads, rule_range, rule_read_chain, rule_empty_read, rule_coverage,
    rule_gaps_named, rule_origin, rule_platform, rule_committed,
    rule_commitment, rule_keyids, rule_signature_form, rule_agreement,
    rule_dual, rule_commitment_signed, rule_prior, rule_disjoint,
    rule_write_scope, rule_tier, rule_rows;

/* Judges an envelope.  Sets a->statement and, when it is one, a->pred, which
 * point into *tape; a->blob, key and code are the caller's. */
enum effect_admission admit(
    struct admit *a, struct str envelope, struct buf *tape);

#endif
