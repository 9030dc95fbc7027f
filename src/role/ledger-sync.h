/*
 * ledger-sync: fdatasync in a thread of its own, so that records which need not
 * wait for the disk do not.  One sync covers everything written before it
 * began; what arrives meanwhile shares the next.  A failed sync is final.
 */
#ifndef LEDGER_SYNC_H
#define LEDGER_SYNC_H

#include "base/base.h"

struct syncer;
/* Starts the thread; everything up to seq is durable.  event: an eventfd,
 * kicked after every sync; it, and fd, stay the caller's.  enter (may be NULL)
 * runs in the thread first. */
NODISCARD enum err syncer_new(int fd, int event, uint64_t seq,
    enum err (*enter)(struct note *why), struct syncer **out, struct note *why);
/* Everything up to seq is written. */
void syncer_written(struct syncer *s, uint64_t seq);
/* Sync what is written now; returns at once. */
void syncer_kick(struct syncer *s);
/* From now on fd; the old one is synced once more and closed by the thread. */
void syncer_switch(struct syncer *s, int fd);
/* Everything up to *seq is durable.  ERR_OS: a sync has failed. */
NODISCARD enum err syncer_done(struct syncer *s, uint64_t *seq);
void syncer_free(struct syncer *s); /* ends the thread; no last sync */

#endif
