/*
 * tiles-in: what the files of role tiles share.  tiles.c is the role; merge.c
 * what of the logs is in the tree; store.c the files.
 */
#ifndef TILES_IN_H
#define TILES_IN_H

#include "ledger/ledger.h"
#include "role/role.h"
#include "tlog/tlog.h"

enum { TILES_CELLS_MAX = 64 };

/* ---- tiles-store.c: files below the working directory ---- */
extern struct tlog_store tiles_store;
/* Makes all that was written durable.  ERR_OS. */
NODISCARD enum err tiles_sync(void);
/* A small file, durable when it returns; or as it was.  ERR_OS. */
NODISCARD enum err tiles_put(const char *path, struct str bytes);

/* ---- tiles-merge.c: the logs of cells and budgets into one tree ---- */
struct merge;
/* Where the tree is, from the file "merged"; a log without one begins.  cells:
 * how many there are; logs of others that are found are taken too.  ERR_OS,
 * ERR_SYNTAX, ERR_GONE: why. */
NODISCARD enum err merge_open(
    unsigned cells, struct merge **out, struct note *why);
void merge_free(struct merge *m);
/*
 * Takes at most `most` records that are on the disk into the tree, writes its
 * files and then how far it is.  *more: there are others.  ERR_OS: nothing goes
 * on until the role is started again.
 */
NODISCARD enum err merge_some(
    struct merge *m, size_t most, bool *more, struct note *why);
uint64_t merge_size(const struct merge *m);
struct tlog_hash merge_root(const struct merge *m);

#endif
