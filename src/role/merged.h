/* merged: what a start may conclude from what of the logs is in the tree. */
#ifndef MERGED_H
#define MERGED_H

#include "ledger/ledger.h"

/*
 * Does the tree go on from the newest checkpoint (the note's text; empty: none
 * yet)?  Who signed it, role keys asks.  ERR_DENIED: the tree is smaller than
 * one that was signed: it was rolled back.  ERR_SYNTAX: it is no checkpoint.
 */
NODISCARD enum err merged_holds(
    const struct ledger_counts *m, struct str checkpoint, struct note *why);
/* ERR_DENIED: this log ("cell 0", "budgets") ends at record `size`, before
 * `in_tree`. */
NODISCARD enum err merged_log_holds(
    const char *log, uint64_t size, uint64_t in_tree, struct note *why);

#endif
