/* totals-in: what the files of room budget share. */
#ifndef TOTALS_IN_H
#define TOTALS_IN_H

#include "budget/budget.h"

/* One total as it is, for who writes it down. */
struct state {
	struct charge c; /* budget, key, of, window, used */
	uint64_t newest;
	const uint64_t *slot; /* by part % slots */
	size_t slots;
	const struct map *items;
};
struct state_item {
	struct str key;
	uint64_t part, uses;
};
void totals_set_time(struct totals *t, uint64_t now); /* it is that late */
void totals_trim(struct totals *t);
NODISCARD enum err totals_walk(struct totals *t,
    enum err (*f)(void *arg, const struct state *s), void *arg);
bool state_item(const struct state *s, size_t *at, struct state_item *out);

/* From records.  ERR_SYNTAX: no state of ours; ERR_LIMIT: too many. */
NODISCARD enum err totals_part(struct totals *t, const struct charge *c,
    uint64_t now, uint64_t part, uint64_t amount);
NODISCARD enum err totals_item(struct totals *t, const struct charge *c,
    uint64_t now, const struct state_item *i);
NODISCARD enum err totals_add(
    struct totals *t, uint64_t at, const struct charge *c);

#endif
