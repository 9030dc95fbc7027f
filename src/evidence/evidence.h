/*
 * evidence: what can be checked by somebody who was not there: a receipt of one
 * record, a containment evidence record, an observed effect.  Reads text and
 * says what holds; keeps no key, opens no file.
 *
 * Who owns what.  A struct str in what was parsed is a view into the parsed
 * text, which must outlive it.  *why (never NULL) gets a sentence on an error.
 * Throughout: ERR_SYNTAX malformed, ERR_LIMIT larger than this room takes (both
 * are failures of processing), ERR_DENIED well-formed and not so.
 */
#ifndef EVIDENCE_H
#define EVIDENCE_H

#include "base/base.h"
#include "checkpoint/checkpoint.h"
#include "disclose/disclose.h"
#include "json/json.h"

enum { EVIDENCE_MAX = 16 * 1024 * 1024 }; /* bytes of any of them */

/* ---- receipts (doc/formats/receipt.md) ---- */
struct receipt {
	struct str record; /* one JCS object: the log's entry */
	struct str disclosure[DISCLOSURES_MAX];
	size_t disclosures;
	struct str proof; /* a tlog-proof */
};
/* ERR_DENIED: its digest line is not that of what follows. */
NODISCARD enum err receipt_of(
    struct str text, struct receipt *out, struct note *why);
/* ERR_SYNTAX: a part would not be read again. */
NODISCARD enum err receipt_put(
    const struct receipt *r, struct buf *out, struct note *why);
/*
 * Is the record canonical, does it commit to each disclosure (RFC 9901, s.4.2),
 * is it logged under a checkpoint that counts?  tape gets two values: the
 * record, and an array of {"name","value"} for the disclosures, name null for
 * an element of an array.
 */
NODISCARD enum err receipt_check(const struct receipt *r, const struct trust *t,
    struct trust_view *out, uint64_t *index, struct buf *tape,
    struct note *why);

/* ---- CoSAI containment evidence record ---- */
struct cosai_found {
	uint64_t entries, decisions, outcomes;
	uint64_t unknown;   /* decisions to allow that no outcome refers to */
	uint64_t first_bad; /* on ERR_DENIED: index of an entry, or entries when
			     * it is the checkpoint */
	bool pinned;	    /* the checkpoint's key is the one given */
	char signer[48];    /* that key, base64url, where it has signed */
};
/*
 * Verifies the record: chain, digests, boundary, references, the thirteen
 * fields of each decision, checkpoint and its Ed25519 signature.  signer: the
 * key that must have signed, base64url, or empty: then the one in the record is
 * believed and pinned stays false.
 */
NODISCARD enum err cosai_check(struct str text, struct str signer,
    struct cosai_found *out, struct note *why);

/*
 * Writing one: begin, entries as they come, end.  out is a buf of the caller's
 * of at most EVIDENCE_MAX; what is full is ERR_LIMIT, and of no use then.
 */
struct cosai_writer {
	struct buf *out;
	uint64_t n;    /* entries */
	char last[80]; /* entry_hash of the last */
};
void cosai_begin(struct cosai_writer *w, struct str software, struct buf *out);
/* entry: an object without index, prev_hash and entry_hash. */
NODISCARD enum err cosai_add(struct cosai_writer *w, struct jv entry);
struct cosai_scope {
	struct str id, declared; /* of the sequence; what it collects */
	struct str none_omitted; /* why nothing was left out before it */
};
/* Signs the checkpoint with the key of this seed (VKEY_SEED bytes). */
NODISCARD enum err cosai_end(struct cosai_writer *w,
    const struct cosai_scope *s, const unsigned char seed[static 32]);

/* ---- observed effect, and what it is evidence enough for (RFC-189) ---- */
enum effect_result {
	EFFECT_MALFORMED,   /* the record; *code tells */
	EFFECT_UNSUPPORTED, /* no such property is checked here */
	EFFECT_BAD_INPUT,   /* the question is not put as it must be */
	EFFECT_NOT_ESTABLISHED,
	EFFECT_PENDING,
	EFFECT_PASS,
	EFFECT_FAIL,
	EFFECT_PRESENT,
	EFFECT_ABSENT
};
const char *effect_name(enum effect_result r);
struct effect {
	enum effect_result result;
	const char *obligation; /* the unmet one; NULL where none is named */
	char code[80];		/* of a malformed or refused record; or "" */
	struct note reason;
};
/*
 * input: {"property":{...},"context":{...}}.  envelope: a DSSE envelope with an
 * in-toto statement of the observed-effect predicate, as bytes.  blob: bytes
 * that a read row may speak of, or empty.  Failures of processing are results
 * of their own and never "not established".
 */
void effect_check(
    struct jv input, struct str envelope, struct str blob, struct effect *out);
/* The record alone, under the observer's key: is it admissible? */
enum effect_admission { EFFECT_VALID, EFFECT_INVALID, EFFECT_ILL_FORMED };
enum effect_admission effect_admit(struct str envelope,
    const unsigned char key[static 32], struct str blob, char code[static 80]);

#endif
