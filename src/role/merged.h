/*
 * merged: the file that says how much of each log is in the tree of tiles, and
 * what a start may conclude from it.  Pure: texts in, texts out.
 */
#ifndef MERGED_H
#define MERGED_H

#include "base/base.h"

enum { MERGED_CELLS_MAX = UINT8_MAX, MERGED_MAX = 64 * 1024 };
struct merged {
	uint64_t size; /* of the tree */
	uint64_t cell[MERGED_CELLS_MAX], budget;
	unsigned cells; /* that it speaks of */
};
/* {"budget":n,"cells":[n0,n1,...],"size":N}; without "budget" nothing of that
 * log was taken.  Empty text: a log that is not begun.  ERR_SYNTAX; ERR_LIMIT:
 * more cells than there can be. */
NODISCARD enum err merged_of(
    struct str text, struct merged *out, struct note *why);
void merged_put(const struct merged *m, struct buf *out);
/*
 * Does the tree go on from the newest checkpoint (the note's text; empty: none
 * yet)?  Who signed it, role keys asks.  ERR_DENIED: the tree is smaller than
 * one that was signed: it was rolled back.  ERR_SYNTAX: it is no checkpoint.
 */
NODISCARD enum err merged_holds(
    const struct merged *m, struct str checkpoint, struct note *why);
/* ERR_DENIED: this log ("cell 0", "budgets") ends at record `size`, before
 * `in_tree`. */
NODISCARD enum err merged_log_holds(
    const char *log, uint64_t size, uint64_t in_tree, struct note *why);

#endif
