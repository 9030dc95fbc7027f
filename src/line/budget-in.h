/* budget-in: the step "reserve", for its own files and those that call it. */
#ifndef BUDGET_IN_H
#define BUDGET_IN_H

#include "line/line-in.h"

/* One budget's part of a call; lives in the turn's arena. */
struct spent {
	struct budget b; /* as it was when the call came */
	struct str key;
	uint64_t amount;
	struct str *item;
	size_t item_n;
	uint64_t used, left; /* with it */
	uint64_t from;	     /* the charge on record that it is of; 0: none */
	bool leased, known;
};

/* uses.c: the budgets that the call is about, and what it uses of them, into
 * t->spent.  ERR_DENIED: refused already; it cannot be told, or is too much. */
NODISCARD enum err uses_collect(
    struct line *l, struct turn *t, const struct call *c);
/* The turn is refused, and has used nothing. */
enum err uses_refused(
    const struct line *l, struct turn *t, struct str rule, const char *words);
/* s, whose used and left are known, does not fit. */
enum err uses_over(const struct line *l, struct turn *t, struct spent *s);

/* lease.c: calls that this cell has taken ahead of role budget. */
bool lease_take(const struct line *l, struct spent *s);
/* The units that it took, for a call that will not leave. */
void leases_back(const struct line *l, struct turn *t);
/* May t ask for some ahead?  One at a time does. */
bool lease_wanted(
    const struct line *l, const struct spent *s, const struct turn *t);
/* What it was given, good for ms (0: for ever) from when it asked. */
void lease_got(const struct line *l, const struct turn *t, struct spent *s,
    uint64_t ahead, uint64_t ms);
void leases_drop(struct line *l); /* they are used up all the same */

/* budget.c */
enum err step_reserve(struct line *l, struct turn *t);
NODISCARD enum err budget_setup(struct line *l, struct note *why);
void budget_done(struct line *l);
void reserved(struct line *l, const struct msg *m);
void budget_lost(struct line *l); /* nobody answers any more */
void budget_late(struct line *l, struct turn *t);
void budget_sent(struct line *l, struct turn *t); /* the call has left */
void budget_over(struct line *l, struct turn *t); /* or it never will */
size_t budget_tape(const struct line *l, const struct turn *t, struct buf *b);

#endif
