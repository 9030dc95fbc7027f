/* ledger-in: what the files of this room share: byte layout, hashes, tree. */
#ifndef LEDGER_IN_H
#define LEDGER_IN_H

#include "ledger/ledger.h"

#include "crypto/crypto.h"

/* Header: magic, version u32, nodes u32, size u64, root, name padded with
 * zeros, the nodes, and the SHA-256 of all that.  Record: length u32, mark
 * u32, JCS text, chain value.  Numbers are little-endian. */
#define LEDGER_MAGIC STR("GHLEDGER")
enum {
	LEDGER_VERSION = 1,
	NAME_ROOM = LEDGER_NAME_MAX + 1,
	HEAD_FIXED = 8 + 4 + 4 + 8 + LEDGER_HASH + NAME_ROOM,
	HEAD_MAX = HEAD_FIXED + 64 * LEDGER_HASH + LEDGER_HASH,
	REC_HEAD = 8,
	REC_EXTRA = REC_HEAD + LEDGER_HASH,
	SECTOR = 512 /* what a disk writes whole or not at all */
};
enum { CHAIN = 2 }; /* RFC 6962 s.2.1 uses 0 and 1 */

static inline struct str
hash_str(const unsigned char h[static LEDGER_HASH])
{
	return (struct str){ (const char *)h, LEDGER_HASH };
}

/* Second half of a record's head: ties its length to its place. */
static inline uint32_t
record_mark(const unsigned char chain[static LEDGER_HASH], uint32_t len)
{
	const uint32_t c = (uint32_t)chain[0] | (uint32_t)chain[1] << 8 |
			   (uint32_t)chain[2] << 16 | (uint32_t)chain[3] << 24;

	return c ^ len;
}

/* The JCS text of a record: what the judge gave and what this room adds. */
struct extra {
	struct str key;
	char value[2 * LEDGER_HASH + 3]; /* JSON text */
	size_t n;
};
enum { EXTRAS_MAX = 4 };
struct extras {
	struct extra at[EXTRAS_MAX]; /* sorted */
	size_t n;
};
NODISCARD enum err record_text(
    struct jv rec, const struct extras *x, struct buf *out);

#endif
