/*
 * budget-book: the log of role budget, and the totals that are its sum.  What
 * is charged is first staged here, then written and synced with all that the
 * round brought, and only then told to anybody.
 */
#ifndef BUDGET_BOOK_H
#define BUDGET_BOOK_H

#include "budget/budget.h"
#include "role/role.h"

/* Takes the segments of e->given: those to read are mapped, not read. */
NODISCARD enum err book_begin(struct role_env *e, struct note *why);
/* Behind the walls: reads them, and writes the state to the new segment.
 * ERR_*: nothing is known, and book_totals() is NULL from here on. */
NODISCARD enum err book_open(struct note *why);
struct totals *book_totals(void); /* NULL: they are not known */
/* ms since 1970; never back, whatever the wall clock does. */
uint64_t book_now(void);
/* Stages a record; *seq is its number.  ERR_GONE: the log is broken. */
NODISCARD enum err book_stage(struct jv rec, uint64_t *seq);
uint64_t book_next(void); /* the number of the next record */
/* What was staged is on the disk.  ERR_OS: it is not, and the book is closed:
 * what the file holds is not known. */
NODISCARD enum err book_sync(void);
/* A later segment. */
void book_segment(uint64_t number, struct str name, int fd);

#endif
