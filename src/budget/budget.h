/*
 * budget: how much a principal may use, and how much it has used.  A *budget*
 * is a row of the configuration; a *total* is what one key (a principal, or the
 * root of a delegation subtree) has used of one budget.  Totals are the sum of
 * records: a record is made of every charge before it counts, and reading the
 * records again gives the same totals (doc/formats/ledger.md, "budget").  There
 * is no clock here, no file and no second truth: who calls says what time it
 * is, in milliseconds since 1970.
 *
 * Windows slide.  A window has BUDGET_PARTS parts; what is charged in one
 * counts until as many further parts have begun, so for a window at least and a
 * part more at most: no stretch of time as long as the window sees more than
 * the limit.  Time never goes back: an earlier time than the last is the last.
 * Nothing else gives anything back but totals_release, for what is known not to
 * have happened (CoSAI WS4 containment R4.1 to R4.3).
 *
 * Memory: struct totals owns all that is in it; texts in a struct charge are
 * the caller's.
 */
#ifndef BUDGET_H
#define BUDGET_H

#include "base/base.h"
#include "ledger/ledger.h"
#include "json/json.h"

enum budget_of {
	BUDGET_CALLS,
	BUDGET_BYTES,	     /* of arguments */
	BUDGET_SPEND,	     /* minor units of one currency */
	BUDGET_DESTINATIONS, /* distinct hosts */
	BUDGET_AGENTS,	     /* distinct agents that somebody delegated to */
	BUDGET_DEPTH, /* of a delegation chain; there is no total of it */
	BUDGET__N
};
struct str budget_word(enum budget_of of); /* "calls"; as it is configured */

enum {
	BUDGETS_MAX = 64,
	BUDGET_CHARGES_MAX = 32, /* of one call */
	BUDGET_ITEMS_MAX = 32,	 /* distinct things of one charge */
	BUDGET_ITEM = 32,	 /* bytes of one: hex of a digest's first 16 */
	BUDGET_NAME_MAX = 240,	 /* bytes of a budget's name, and of a key */
	BUDGET_PARTS = 16,
	BUDGET_TOTALS_MAX = 1 << 20,
};
#define BUDGET_MOST INT64_C(9007199254740991) /* what JSON holds exactly */

struct budget {
	struct str name;
	enum budget_of of;
	bool subtree;	 /* every link of the chain has a total, not the last */
	uint64_t limit;	 /* at most BUDGET_MOST */
	uint64_t window; /* ms; 0: for ever */
	uint64_t lease;	 /* units that a cell may take ahead; 1: none */
	struct str currency;		    /* of SPEND */
	struct str principal, server, tool; /* globs */
	struct jv risk; /* names of risk groups; empty: every call */
};
struct budgets {
	struct budget at[BUDGETS_MAX];
	size_t n;
};
/* image.budgets; texts point into it.  ERR_SYNTAX, ERR_LIMIT: *why. */
NODISCARD enum err budgets_of(
    struct jv image, struct budgets *out, struct note *why);
const struct budget *budget_find(
    const struct budgets *b, struct str name); /* NULL: none */
/* Is the budget about calls of this tool?  risk: the tool's groups. */
bool budget_matches(const struct budget *b, struct str server, struct str tool,
    const struct str *risk, size_t risk_n);

/* One budget's part of a call.  budget and key: 1 to BUDGET_NAME_MAX bytes. */
struct charge {
	struct str budget, key;
	enum budget_of of;
	uint64_t window, limit;
	uint64_t amount;		   /* of things that are counted */
	struct str item[BUDGET_ITEMS_MAX]; /* of distinct things: each one */
	size_t item_n;
	uint64_t used; /* out: after it */
};
/* Is it one of distinct things? */
bool budget_distinct(enum budget_of of);

struct totals;
struct totals *totals_new(void);
void totals_free(struct totals *t);	      /* NULL is fine */
uint64_t totals_time(const struct totals *t); /* the latest that it was told */
/*
 * All of them or none, at `now`.  ERR_DENIED: c[*over] does not fit, and its
 * `used` says what is used without it; ERR_LIMIT: no more totals can be kept.
 */
NODISCARD enum err totals_charge(
    struct totals *t, uint64_t now, struct charge *c, size_t n, size_t *over);
/* Adds what fits, up to c->amount, to a counted charge: what is taken ahead.
 * c->amount becomes what was added. */
void totals_more(struct totals *t, uint64_t now, struct charge *c);
/* Takes back what was charged at `at`.  What its window has forgotten, or was
 * never charged, is not given again. */
void totals_release(
    struct totals *t, uint64_t at, const struct charge *c, size_t n);
/* c: budget, key, of, window.  Sets used. */
void totals_read(struct totals *t, uint64_t now, struct charge *c);
/* When the part of a window that `now` is in ends, in ms from now; 0: never.
 * What was charged now may be used until then and is still counted after. */
uint64_t budget_part_left(uint64_t window, uint64_t now);
/* Every total at `now`; f's charge is valid during the call. */
void totals_each(struct totals *t, uint64_t now,
    void (*f)(void *arg, const struct charge *c), void *arg);

/* ---- records ---- */
struct entry {
	uint64_t at; /* of a release: when it was charged */
	unsigned cell;
	uint64_t of; /* number of the charge that is released; 0: a charge */
};
/* A record's members, sorted: kind "charge", or "release" of one. */
void charges_put(
    struct buf *tape, const struct entry *e, const struct charge *c, size_t n);
/* The state as records: kind "total", one or more for each, then one of kind
 * "totals" that says it is whole.  put: ERR stops. */
NODISCARD enum err totals_put(struct totals *t, uint64_t now,
    enum err (*put)(void *arg, struct jv rec), void *arg);
/* Takes a record up again.  Of another kind: OK, nothing.  ERR_SYNTAX: it is
 * none of ours.  *whole: it was the one that ends a state.  *over: a charge
 * stands there that its own limit did not allow: somebody miscounted. */
NODISCARD enum err totals_take(
    struct totals *t, struct jv rec, bool *whole, bool *over);

/* ---- the log ---- */
struct budget_segment {
	uint64_t number;
	struct str bytes;
};
/*
 * The totals that the newest segments of a log come to, oldest first: of the
 * newest whole state and what came after it.  end: where the log ends.  *over:
 * how many charges their own limits did not allow.  ERR_GONE: none holds a
 * state, and they do not begin with the first; ERR_SYNTAX: damaged; *why.
 */
NODISCARD enum err totals_from(const struct budget_segment *seg, size_t n,
    struct totals *t, struct ledger_seen *end, uint64_t *over,
    struct note *why);

#endif
