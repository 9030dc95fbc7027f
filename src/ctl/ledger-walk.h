/*
 * ledger-walk: every record of a ledger's directory, cell by cell, segment by
 * segment.  Goes on after what is wrong, so that all of it can be told.
 */
#ifndef LEDGER_WALK_H
#define LEDGER_WALK_H

#include "ledger/ledger.h"

/* One cell, when all its segments are read. */
struct walk_cell {
	unsigned cell, segments;
	uint64_t bytes;
	struct ledger_seen seen; /* after the last whole record */
	size_t torn_segments;	 /* ends as a crash leaves them */
	struct note torn;	 /* the last of them */
	bool bad;
	uint64_t first_bad; /* number of the first record that is wrong */
	struct note why;
};
struct walk {
	void *arg;
	void (*record)(void *arg, unsigned cell, uint64_t seq, struct str jcs,
	    struct jv rec);
	void (*cell)(void *arg, const struct walk_cell *c); /* may be NULL */
};
/* ERR_GONE: no directory or no segment there; ERR_OS: it cannot be read. */
NODISCARD enum err ledger_walk(
    const char *dir, const struct walk *w, struct note *why);
/* The log of role budget, as cell 0.  Errors alike. */
NODISCARD enum err ledger_walk_budgets(
    const char *dir, const struct walk *w, struct note *why);

#endif
