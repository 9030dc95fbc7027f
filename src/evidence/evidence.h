/*
 * evidence: what can be checked by somebody who was not there: a receipt of one
 * record.  Reads text and says what holds; keeps no key, opens no file.
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
#include "json/json.h"

enum { EVIDENCE_MAX = 16 * 1024 * 1024 }; /* bytes of any of them */

/* ---- receipts (doc/formats/receipt.md) ---- */
enum { RECEIPT_DISCLOSED_MAX = 256 };
struct receipt {
	struct str record; /* one JCS object: the log's entry */
	struct str disclosure[RECEIPT_DISCLOSED_MAX];
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

#endif
