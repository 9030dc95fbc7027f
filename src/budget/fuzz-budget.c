/*
 * fuzz-budget: records from anywhere, one JSON text a line.  What is taken must
 * stay what it is when it is written and read again, and the first charge after
 * it must keep its limit.
 */
#include "budget/budget.h"

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);

static enum err
take_again(void *arg, struct jv rec)
{
	struct totals *u = arg;
	bool whole = false, over = false;
	const enum err e = totals_take(u, rec, &whole, &over);

	BUG_ON(e != OK); /* we wrote it */
	return e;
}

struct other {
	struct totals *t;
	uint64_t now;
};
static void
compare(void *arg, const struct charge *c)
{
	const struct other *o = arg;
	struct charge d = *c;

	totals_read(o->t, o->now, &d);
	BUG_ON(d.used != c->used);
}

static void
charge_once(struct totals *t, uint64_t now)
{
	struct charge c = { .budget = STR("b"),
		.key = STR("k"),
		.of = BUDGET_CALLS,
		.limit = 7,
		.amount = 3 };
	size_t over = 0;

	if (totals_charge(t, now, &c, 1, &over) == OK)
		BUG_ON(c.used < 3 || c.used > 7);
}

int
LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	struct str rest = { (const char *)p, n }, line;
	struct totals *t = totals_new(), *u = totals_new();
	struct buf tape = { .max = 1 << 20 };
	bool whole = false, over = false;
	struct other o = { .t = u };

	while (str_split(&rest, '\n', &line)) {
		buf_clear(&tape);
		if (json_parse(line, &json_default, &tape, NULL) == OK &&
		    totals_take(t, jv_of(buf_view(&tape)), &whole, &over) != OK)
			break; /* so does the role */
	}
	buf_done(&tape);
	o.now = totals_time(t);
	BUG_ON(totals_put(t, o.now, take_again, u) != OK);
	totals_each(t, o.now, compare, &o);
	charge_once(t, o.now);
	totals_free(t);
	totals_free(u);
	return 0;
}
