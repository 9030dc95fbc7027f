/*
 * keys-log: the part of role keys that signs checkpoints of the log.  It puts
 * the text together itself, so nothing else can be had signed, and a log never
 * gets smaller, nor another root at one size, than it has signed before.
 */
#ifndef KEYS_LOG_H
#define KEYS_LOG_H

#include "base/base.h"

/* Takes the signing keys, one a line: the first names the log, the others sign
 * too (a key that was followed by another, until it is retired); all have one
 * name.  text must stay.  ERR_SYNTAX. */
NODISCARD enum err keys_log_take(struct str text, struct note *why);
/* The newest checkpoint of an earlier life: the least that is signed from now
 * on.  ERR_DENIED: it is not signed by one of the keys. */
NODISCARD enum err keys_log_last(struct str note, struct note *why);
/* Appends the signed checkpoint of this size and root (32 bytes).  ERR_GONE: no
 * key; ERR_SYNTAX; ERR_DENIED: it goes back behind one that was signed. */
NODISCARD enum err keys_log_sign(
    uint64_t size, struct str root, struct buf *out, struct note *why);
/* Signs once, so that all that the library loads is there.  false: it cannot.
 * True when there is no key. */
bool keys_log_try(void);

#endif
