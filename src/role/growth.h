/*
 * growth: what role witness says to role cosign of one request, besides the
 * fields of its message: one number of hashes (a byte), the root, the hashes of
 * the proof, and up to GROWTH_SIGS signatures of the log, each as the ID of its
 * key (4 bytes, high one first) and 64 bytes of Ed25519.  Everything has its
 * exact size: nothing of it is parsed as text.
 */
#ifndef GROWTH_H
#define GROWTH_H

#include "checkpoint/checkpoint.h"

enum { GROWTH_SIGS = 8, GROWTH_SIG = 4 + 64 };
struct grown {
	struct tlog_hash root;
	struct tlog_proof proof;
	unsigned char sig[GROWTH_SIGS][GROWTH_SIG];
	size_t sigs;
};
void grown_put(const struct grown *g, struct buf *out);
/* ERR_SYNTAX: not of that form. */
NODISCARD enum err grown_of(struct str bytes, struct grown *out);
/* The signatures in n whose name is the origin; others are not passed on.
 * false: there are more than GROWTH_SIGS. */
bool grown_sigs(
    const struct signed_note *n, struct str origin, struct grown *out);
/* The ID of the key that is said to have made signature i. */
uint32_t grown_sig_id(const struct grown *g, size_t i);
/* The note again: the text of these parts, then the signatures. */
NODISCARD enum err grown_note(const struct grown *g, struct str origin,
    uint64_t size, struct str extensions, struct buf *out);

#endif
