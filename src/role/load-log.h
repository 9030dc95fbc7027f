/* load-log: does the ledger still hold what is in the log of tiles? */
#ifndef LOAD_LOG_H
#define LOAD_LOG_H

#include "base/base.h"

/*
 * How many records of each cell are in the log, 0 where none are.  Asked before
 * the ledger is looked at, for both may grow meanwhile.  ERR_DENIED: the tree
 * is smaller than one that was signed: it was rolled back.  ERR_SYNTAX, ERR_OS:
 * its files cannot be read.  *why names the file and the remedy.
 */
NODISCARD enum err load_log_read(
    const char *state, uint64_t *merged, size_t cells, struct note *why);
/* ERR_DENIED: this cell's log ends at record `size`, before `merged`. */
NODISCARD enum err load_log_holds(
    unsigned cell, uint64_t size, uint64_t merged, struct note *why);

#endif
