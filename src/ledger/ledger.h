/*
 * ledger: what is written down and how.  Records are JCS objects, one leaf
 * each (RFC 6962 s.2.1 hashing); a segment is an append-only file of them.
 * This room makes no system call: it writes through a struct disk.  Byte
 * layout: doc/formats/ledger.md.
 */
#ifndef LEDGER_H
#define LEDGER_H

#include "base/base.h"
#include "json/json.h"

struct disk {
	enum err (*write)(
	    struct disk *d, struct str s); /* append, whole or err */
	enum err (*sync)(struct disk *d);
};
struct ledger;
/* A writer at the start of a fresh segment. name: "cell-0-000001". prev: root
 * and size of the stream before it. */
struct ledger *ledger_new(struct disk *d, struct str segment,
    const unsigned char prev_root[32], uint64_t prev_size);
void ledger_free(struct ledger *l);
/* Stages one record: `rec` tape fields plus seq, time, and the digest of
 * `content` (JCS SHA-256) as `content_name`, when not J_NONE. */
NODISCARD enum err ledger_stage(struct ledger *l, uint64_t seq, uint64_t time,
    struct jv rec, const char *content_name, struct jv content);
/* Writes all staged records in one write. */
NODISCARD enum err ledger_write(struct ledger *l);
uint64_t ledger_bytes(const struct ledger *l);
uint64_t ledger_size(const struct ledger *l); /* leaves so far, all segments */
void ledger_root(const struct ledger *l, unsigned char out[static 32]);

/* Reading: walks a segment's bytes; a torn tail ends it with ERR_MORE and
 * *good bytes that are whole; anything else wrong is ERR_SYNTAX + why. */
struct ledger_seen {
	uint64_t seq, size;
	unsigned char root[32];
	size_t good;
};
NODISCARD enum err ledger_read(struct str bytes, struct ledger_seen *state,
    void (*got)(void *arg, uint64_t index, struct str jcs), void *arg,
    struct note *why);

#endif
