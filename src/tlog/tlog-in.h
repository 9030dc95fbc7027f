/* tlog-in: what the files of this room share. */
#ifndef TLOG_IN_H
#define TLOG_IN_H

#include "tlog/tlog.h"

/* Adds a whole subtree of 2^height leaves; the size must be a multiple. */
void range_push(struct tlog_range *r, unsigned height, struct tlog_hash h);

/* The hashes of one tile. */
struct tile {
	unsigned width;
	struct tlog_hash at[TLOG_TILE];
};
/* Reads a hash tile; a partial one that is gone, from the full one.  Errors as
 * tlog_reader. */
NODISCARD enum err tile_read(struct tlog_store *s, struct tlog_tile t,
    struct tile *out, struct note *why);
/* The root of hashes [from, from + 2^height) of a tile. */
struct tlog_hash tile_node(
    const struct tile *t, unsigned from, unsigned height);
/* The bytes of bundle n, t.width entries of it at least. */
NODISCARD enum err bundle_read(struct tlog_store *s, struct tlog_tile t,
    struct buf *out, struct note *why);

enum { BUNDLE_MAX = TLOG_TILE * (2 + TLOG_ENTRY_MAX) };

#endif
