/* evidence-in: what the files of this room share. */
#ifndef EVIDENCE_IN_H
#define EVIDENCE_IN_H

#include "crypto/crypto.h"
#include "evidence/evidence.h"

extern const char cosai_format[]; /* its record_format */
/* "sha256:" and hex of the JCS text of obj without one member; J_NONE-safe.
 * ERR_SYNTAX: it has no canonical form. */
NODISCARD enum err digest_without(
    struct jv obj, struct str member, struct buf *hex);
/* The JCS text of obj without one member. */
NODISCARD enum err jcs_without(
    struct jv obj, struct str member, struct buf *out);

#endif
