/* load-log: does the ledger still hold what is in the log of tiles? */
#ifndef LOAD_LOG_H
#define LOAD_LOG_H

#include "base/base.h"

enum { LOAD_CELLS_MAX = UINT8_MAX };
/* How many records of each log are in the tree of tiles; 0 where none are. */
struct load_log {
	uint64_t cell[LOAD_CELLS_MAX], budget;
};
/*
 * cells: at most LOAD_CELLS_MAX.  Asked before the ledger is looked at, for
 * both may grow meanwhile.  ERR_DENIED: the tree is smaller than one that was
 * signed: it was rolled back.  ERR_SYNTAX, ERR_OS: its files cannot be read.
 * *why names the file and the remedy.
 */
NODISCARD enum err load_log_read(
    const char *state, size_t cells, struct load_log *out, struct note *why);
/* ERR_DENIED: this log ("cell 0", "budgets") ends at record `size`, before
 * `merged`. */
NODISCARD enum err load_log_holds(
    const char *log, uint64_t size, uint64_t merged, struct note *why);

#endif
