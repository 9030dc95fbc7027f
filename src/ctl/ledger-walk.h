/*
 * ledger-walk: every record of a ledger's directory, cell by cell, segment by
 * segment.  Goes on after what is wrong, so that all of it can be told.
 */
#ifndef LEDGER_WALK_H
#define LEDGER_WALK_H

#include "ledger/ledger.h"

/* The log of role budget, where else a cell's number says whose log it is. */
enum { LEDGER_BUDGETS = UINT16_MAX };
enum { LEDGER_WHOSE = 16 };
/* "cell 0", "budgets": for people.  "0", "budgets": before "/12". */
const char *ledger_log(unsigned cell, char out[static LEDGER_WHOSE]);
const char *ledger_whose(unsigned cell, char out[static LEDGER_WHOSE]);
/* The name of a segment: "cell-0-000001", "budget-000001". */
enum { LEDGER_SEGMENT = 32 };
void ledger_segment(
    unsigned cell, unsigned number, char out[static LEDGER_SEGMENT]);

/* Whose record it is, by what it says: a cell's number, or LEDGER_BUDGETS,
 * which names cells too (doc/formats/ledger.md, "The log"). */
unsigned ledger_of(struct jv rec);

/* The segments in a ledger's directory, by cell and number.  dir: the state
 * directory or ledger in it; out->dir is the latter.  ERR_GONE: no directory or
 * no segment; ERR_OS.  at is mem_free's, and may be used again. */
enum { LEDGER_DIR_ROOM = 4096 };
struct ledger_place {
	unsigned cell, number;
};
struct ledger_places {
	char dir[LEDGER_DIR_ROOM];
	struct ledger_place *at;
	size_t n, cap;
};
NODISCARD enum err ledger_places(
    const char *dir, bool budgets, struct ledger_places *out, struct note *why);

/* What of each log is still here, as log/pruned beside this directory of
 * segments says.  ERR_SYNTAX, ERR_OS. */
NODISCARD enum err ledger_kept(
    const char *ledger_dir, struct ledger_counts *out, struct note *why);
/* The first segment of a cell that must be here. */
unsigned ledger_first(const struct ledger_counts *kept, unsigned cell);

/* One cell, when all its segments are read. */
struct walk_cell {
	unsigned cell, segments;
	uint64_t pruned; /* records before the first segment that is here */
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
	struct progress *progress; /* of ledger-print.h; may be NULL */
};
/* ERR_GONE: no directory or no segment there; ERR_OS: it cannot be read. */
NODISCARD enum err ledger_walk(
    const char *dir, const struct walk *w, struct note *why);
/* The log of role budget.  Errors alike. */
NODISCARD enum err ledger_walk_budgets(
    const char *dir, const struct walk *w, struct note *why);

#endif
