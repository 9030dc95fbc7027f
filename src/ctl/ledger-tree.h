/*
 * ledger-tree: are the entries of the log of tiles the records that stand in
 * the segments, and are they those that were signed?  Either alone may hold
 * while somebody wrote the other anew.
 */
#ifndef LEDGER_TREE_H
#define LEDGER_TREE_H

#include "checkpoint/checkpoint.h"
#include "ctl/ledger-print.h"
#include "ledger/ledger.h"

struct ledger_tree_found {
	bool there;	  /* something was merged: there is a log */
	bool compared;	  /* entry by entry; else why says why not */
	uint64_t entries; /* of the tree, by "merged" */
	uint64_t under;	  /* of them under the checkpoint; 0: there is none */
	bool trusted;	  /* the checkpoint is signed by keys/log.key */
	uint64_t pruned;  /* entries below the minimum index */
	uint64_t waiting; /* records that are in no tree yet */
	bool bad;
	uint64_t first_bad; /* entry, from 0 */
	struct note why;
};
/*
 * dir: the state directory, or ledger in it.  progress may be NULL.  With
 * whole, the segments hold by themselves and are compared.  ERR_OS, ERR_SYNTAX
 * (a small file is damaged): nothing can be said.
 */
NODISCARD enum err ledger_tree_check(const char *dir, bool whole,
    struct progress *progress, struct ledger_tree_found *out, struct note *why);

/* Is the checkpoint *at, which n holds, signed by a key of this state
 * directory?  ERR_DENIED: no; ERR_OS: its keys cannot be read. */
NODISCARD enum err log_signed(const char *state, const struct signed_note *n,
    const struct checkpoint *at, struct note *why);

#endif
