/* side: the side store's files (doc/formats/side.md), for role tiles, which
 * writes them.  What others may do with them is in role.h. */
#ifndef SIDE_H
#define SIDE_H

#include "role/role.h"

enum { SIDE_PATH = 32 }; /* bytes of a file's name */
/* "000001.seg", "000001.key" */
void side_name(unsigned n, const char *ext, char out[static SIDE_PATH]);
/* Every name in the directory.  ERR_GONE, ERR_OS. */
NODISCARD enum err side_names(
    int dir, void (*got)(void *arg, const char *name), void *arg);
/* Numbers of the first and the last segment; 0: there is none. */
NODISCARD enum err side_range(int dir, unsigned *first, unsigned *last);
/* Bytes at that place of a file, durable when it returns.  ERR_OS. */
NODISCARD enum err side_write_at(int fd, size_t at, struct str bytes);
/* Zeros over the keys, then the files go.  ERR_OS. */
NODISCARD enum err side_remove(int dir, unsigned n);
/* Erases what ended before `now` (seconds).  next: when the next one does, 0:
 * none will.  A segment of which nothing is left goes, but for `open`. */
NODISCARD enum err side_sweep(
    int dir, uint64_t now, unsigned open, uint64_t *next);

/* tiles-side.c, of tiles.c: the store behind judges and requests to erase. */
void vault_open(struct role_env *e);
void vault_link(struct role_env *e, unsigned cell, struct chan_fds *fds);
void vault_round(void); /* once a second */
bool vault_quiet(void); /* no judge is there that could say more */

#endif
