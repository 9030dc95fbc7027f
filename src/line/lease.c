/*
 * lease: calls that a cell has taken ahead.  Role budget has charged them
 * already, so using one needs no hop; one that is not used is used up all the
 * same.  None is good for longer than the part of its window that it was
 * charged in, or a window could see more than its limit.
 */
#include "line/budget-in.h"

enum { KEY_ROOM = 2 * BUDGET_NAME_MAX + 2 };

/* Calls that this cell has taken ahead. */
struct lease {
	uint64_t units, until; /* until: 0 for ever */
	uint64_t used, left;   /* as if all units were used */
	uint64_t from;
	uint64_t asker; /* the turn that is asking for more */
};

static struct str
lease_key(const struct spent *s, char room[static KEY_ROOM])
{
	const int n = snprintf(
	    room, KEY_ROOM, "%.*s\n%.*s", STR_ARG(s->b.name), STR_ARG(s->key));

	return (struct str){ room, (size_t)n };
}

static struct lease *
lease_of(const struct line *l, const struct spent *s, bool make)
{
	char room[KEY_ROOM];
	const struct str key = lease_key(s, room);
	struct lease *k = map_get(l->leases, key);

	if (k == NULL && make) {
		k = mem_get(sizeof(*k));
		(void)map_put(l->leases, key, k);
	}
	if (k != NULL && k->until != 0 && line_now(l) >= k->until)
		k->units = 0; /* they would count for less than a window */
	return k;
}

static void
from_lease(struct spent *s, const struct lease *k)
{
	s->used = k->used - k->units;
	s->left = k->left + k->units;
	s->from = k->from;
	s->known = true;
}

bool
lease_take(const struct line *l, struct spent *s)
{
	struct lease *k;

	if (s->b.of != BUDGET_CALLS || s->b.lease < 2)
		return false;
	k = lease_of(l, s, false);
	if (k == NULL || k->units == 0)
		return false;
	k->units--;
	s->leased = true;
	from_lease(s, k);
	return true;
}

/* The units of a call that will not leave; one that was lost is lost. */
void
leases_back(const struct line *l, struct turn *t)
{
	for (size_t i = 0; t->held_units && i < t->spent_n; i++) {
		struct spent *s = &t->spent[i];
		struct lease *k;

		if (!s->leased)
			continue;
		s->leased = false;
		k = lease_of(l, s, false);
		if (k != NULL && k->from == s->from &&
		    (k->until == 0 || line_now(l) < k->until))
			k->units++;
	}
	t->held_units = false;
}

bool
lease_wanted(const struct line *l, const struct spent *s, const struct turn *t)
{
	struct lease *k;
	const struct turn *asker;

	if (s->b.of != BUDGET_CALLS || s->b.lease < 2)
		return false;
	k = lease_of(l, s, true);
	asker = slab_get(&l->turns, k->asker);
	if (asker != NULL && asker->reserve_at != 0)
		return false; /* one of them is enough */
	k->asker = t->id;
	return true;
}

void
lease_got(const struct line *l, const struct turn *t, struct spent *s,
    uint64_t ahead, uint64_t ms)
{
	struct lease *k;
	uint64_t until = 0;

	if (ahead == 0)
		return;
	if (ms > 0) /* its part of the window, by our clock and not later */
		until = t->reserve_at + (ms - 1) * 1000000;
	k = lease_of(l, s, true);
	if (k->units > 0 && k->until != 0 && k->until < until)
		until = k->until;
	k->units += ahead;
	k->until = until;
	k->used = s->used;
	k->left = s->left;
	k->from = s->from;
	from_lease(s, k);
}

void
leases_drop(struct line *l)
{
	size_t at = 0;
	void *v;

	while (l->leases != NULL && map_next(l->leases, &at, NULL, &v))
		mem_free(v);
	map_free(l->leases);
	l->leases = NULL;
}
