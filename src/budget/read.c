/*
 * read.c: a log's newest segments, and what they come to.  Promises that a
 * state that was begun and not ended counts for nothing.
 */
#include "budget/totals-in.h"

struct reading {
	struct totals *totals; /* NULL: only looking for a state */
	bool states;	       /* those of this segment count */
	bool whole;
	uint64_t over, odd; /* odd: number of a record that is not ours */
};

static void
got(void *arg, uint64_t seq, struct str jcs, struct jv rec)
{
	const struct str kind = jv_str(jv_get(rec, STR("kind")));
	struct reading *r = arg;
	bool whole = false, over = false;

	(void)jcs;
	if (r->totals == NULL) {
		r->whole |= str_eq(kind, STR("totals"));
		return;
	}
	if (!r->states && str_starts(kind, STR("total")))
		return;
	if (totals_take(r->totals, rec, &whole, &over) != OK && r->odd == 0)
		r->odd = seq;
	r->over += over;
}

/* What is before a torn end stands. */
static enum err
segment_read(struct str bytes, struct ledger_seen *seen, struct reading *r,
    bool start, struct note *why)
{
	enum err e = OK;

	if (start)
		e = ledger_start(bytes, seen, why);
	if (!e)
		e = ledger_read(bytes, seen, got, r, why);
	return e == ERR_MORE ? OK : e;
}

/* The newest segment with a whole state; n: there is none. */
static size_t
find_state(const struct budget_segment *seg, size_t n)
{
	for (size_t i = n; i-- > 0;) {
		struct ledger_seen seen = { .good = 0 };
		struct reading r = { .totals = NULL };
		struct note why;

		if (seg[i].bytes.n > 0 &&
		    segment_read(seg[i].bytes, &seen, &r, true, &why) == OK &&
		    r.whole)
			return i;
	}
	return n;
}

enum err
totals_from(const struct budget_segment *seg, size_t n, struct totals *t,
    struct ledger_seen *end, uint64_t *over, struct note *why)
{
	struct reading r = { .totals = t, .states = true };
	size_t at = find_state(seg, n);

	if (at == n && n > 0 && seg[0].number > 1) {
		note_set(
		    why, "of its %zu newest segments none holds the totals", n);
		return ERR_GONE;
	}
	if (at == n) /* a first life that did not get far */
		at = 0;
	for (size_t i = at; i < n; i++) {
		TRY(segment_read(
		    seg[i].bytes, end, &r, i == at && seg[i].number > 1, why));
		r.states = false;
	}
	note_set(why, "record %llu is not one of budgets",
	    (unsigned long long)r.odd);
	*over = r.over;
	return r.odd > 0 ? ERR_SYNTAX : OK;
}
