/*
 * test-budget: limits, windows, taking back, and that the records alone give
 * the same totals.  The property tests charge at random and look at every
 * stretch of time as long as the window.
 */
#include "budget/totals-in.h"

#include "base/tap.h"

static const char item_a[] = "00000000000000000000000000000001";
static const char item_b[] = "00000000000000000000000000000002";
static const char item_c[] = "00000000000000000000000000000003";

static struct charge
of(const char *budget, enum budget_of what, uint64_t limit, uint64_t window,
    uint64_t amount)
{
	return (struct charge){ .budget = str_of(budget),
		.key = STR("alice"),
		.of = what,
		.limit = limit,
		.window = window,
		.amount = amount };
}

static struct charge
to(const char *item, uint64_t limit, uint64_t window)
{
	struct charge c = of("hosts", BUDGET_DESTINATIONS, limit, window, 0);

	c.item[0] = str_of(item);
	c.item_n = 1;
	return c;
}

static enum err
one(struct totals *t, uint64_t now, struct charge c)
{
	size_t over = 9;

	return totals_charge(t, now, &c, 1, &over);
}

static uint64_t
left_used(struct totals *t, uint64_t now, struct charge c)
{
	totals_read(t, now, &c);
	return c.used;
}

static void
test_limit(void)
{
	struct totals *t = totals_new();
	const struct charge c = of("calls", BUDGET_CALLS, 3, 0, 1);
	struct charge other = c;

	ok(one(t, 5, c) == OK && one(t, 5, c) == OK && one(t, 6, c) == OK,
	    "three of three");
	ok(one(t, 7, c) == ERR_DENIED, "not a fourth");
	ok(one(t, UINT64_C(1) << 40, c) == ERR_DENIED, "not in 30 years");
	other.key = STR("bob");
	ok(one(t, 8, other) == OK, "another key has its own");
	other = of("other", BUDGET_CALLS, 3, 0, 1);
	ok(one(t, 8, other) == OK, "another budget has its own");
	ok(one(t, 8, of("calls", BUDGET_BYTES, 3, 0, 1)) == OK,
	    "another unit is another total");
	ok(one(t, 8, of("calls", BUDGET_CALLS, 5, 0, 3)) == ERR_DENIED &&
		one(t, 8, of("calls", BUDGET_CALLS, 5, 0, 2)) == OK,
	    "a raised limit counts what was used");
	ok(one(t, 8, of("calls", BUDGET_CALLS, 1, 0, 0)) == OK,
	    "nothing fits where nothing is left");
	totals_free(t);
}

static void
test_all_or_none(void)
{
	struct totals *t = totals_new();
	struct charge c[3] = { of("a", BUDGET_CALLS, 9, 0, 4),
		of("b", BUDGET_BYTES, 9, 0, 4),
		of("a", BUDGET_CALLS, 9, 0, 6) };
	size_t over = 9;

	ok(totals_charge(t, 1, c, 3, &over) == ERR_DENIED && over == 2,
	    "the third does not fit beside the first");
	ok(c[2].used == 4, "it is told what is used");
	ok(left_used(t, 1, c[0]) == 0 && left_used(t, 1, c[1]) == 0,
	    "and nothing is charged");
	c[2].amount = 5;
	ok(totals_charge(t, 1, c, 3, &over) == OK && c[2].used == 9 &&
		left_used(t, 1, c[1]) == 4,
	    "a smaller one fits");
	totals_free(t);
}

static void
test_numbers(void)
{
	struct totals *t = totals_new();
	const uint64_t most = (uint64_t)BUDGET_MOST;

	ok(one(t, 1, of("n", BUDGET_SPEND, most, 0, UINT64_MAX)) == ERR_DENIED,
	    "the largest number does not wrap");
	ok(one(t, 1, of("n", BUDGET_SPEND, most, 0, most)) == OK &&
		one(t, 1, of("n", BUDGET_SPEND, most, 0, 1)) == ERR_DENIED &&
		one(t, 1, of("n", BUDGET_SPEND, most, 0, UINT64_MAX)) ==
		    ERR_DENIED,
	    "nor do sums");
	totals_free(t);
}

static void
test_window(void)
{
	struct totals *t = totals_new();
	const struct charge c = of("w", BUDGET_CALLS, 1, 1600, 1);

	ok(one(t, 100000, c) == OK && one(t, 101599, c) == ERR_DENIED,
	    "it counts for a window");
	ok(one(t, 101699, c) == ERR_DENIED, "and to the end of its part");
	ok(one(t, 101700, c) == OK, "and then no longer");
	ok(one(t, 500000, c) == OK, "nor after a long silence");
	ok(one(t, 499000, c) == ERR_DENIED && one(t, 1, c) == ERR_DENIED,
	    "time that goes back frees nothing");
	ok(one(t, 501700, c) == OK, "time that goes on does");
	ok(budget_part_left(1600, 100001) == 99 && budget_part_left(0, 5) == 0,
	    "what is taken ahead is good to the end of its part");
	totals_free(t);
}

static void
test_distinct(void)
{
	struct totals *t = totals_new();
	struct charge c;

	ok(one(t, 1, to(item_a, 2, 0)) == OK &&
		one(t, 1, to(item_b, 2, 0)) == OK &&
		one(t, 1, to(item_a, 2, 0)) == OK,
	    "two hosts, one of them twice");
	ok(one(t, 1, to(item_c, 2, 0)) == ERR_DENIED, "not a third");
	c = to(item_a, 2, 0);
	totals_release(t, 1, &c, 1);
	ok(one(t, 1, to(item_c, 2, 0)) == ERR_DENIED,
	    "one of two calls did not happen: the host was used");
	totals_release(t, 1, &c, 1);
	ok(one(t, 1, to(item_c, 2, 0)) == OK, "neither did the other");
	ok(one(t, 1600, to(item_a, 1, 1600)) == ERR_DENIED,
	    "a new window counts what is known as used now");
	ok(one(t, 3300, to(item_a, 1, 1600)) == OK &&
		left_used(t, 3300, to(item_a, 1, 1600)) == 1,
	    "and forgets it with time");
	c = to(item_b, 1, 1600);
	c.item[1] = c.item[0];
	c.item_n = 2;
	ok(one(t, 9000, c) == OK, "one host said twice is one");
	totals_free(t);
}

static void
test_release(void)
{
	struct totals *t = totals_new();
	struct charge c = of("r", BUDGET_CALLS, 2, 1600, 1);

	ok(one(t, 1000, c) == OK && one(t, 2500, c) == OK, "two of two");
	totals_release(t, 1000, &c, 1);
	ok(left_used(t, 2500, c) == 1, "one is taken back");
	totals_release(t, 1000, &c, 1);
	ok(left_used(t, 2500, c) == 1, "twice is once");
	totals_release(t, 2600, &c, 1);
	ok(left_used(t, 2500, c) == 1, "what is of another time is not there");
	ok(one(t, 4000, c) == OK && one(t, 4000, c) == ERR_DENIED, "one left");
	totals_release(t, 1000, &c, 1);
	ok(one(t, 4000, c) == ERR_DENIED,
	    "what the window has forgotten frees nothing");
	c.key = STR("nobody");
	totals_release(t, 4000, &c, 1);
	ok(left_used(t, 4000, c) == 0, "who was never charged stays at none");
	totals_free(t);
}

static void
test_more(void)
{
	struct totals *t = totals_new();
	struct charge c = of("m", BUDGET_CALLS, 10, 0, 1);

	ok(one(t, 1, c) == OK, "one");
	c.amount = 6;
	totals_more(t, 1, &c);
	ok(c.amount == 6 && c.used == 7, "six ahead");
	totals_more(t, 1, &c);
	ok(c.amount == 3 && c.used == 10, "three are left");
	c.amount = 6;
	totals_more(t, 1, &c);
	ok(c.amount == 0 &&
		one(t, 1, of("m", BUDGET_CALLS, 10, 0, 1)) == ERR_DENIED,
	    "none are");
	totals_free(t);
}

/* ---- properties ---- */

static uint64_t seed = 88172645463325252;
static uint64_t
dice(uint64_t n)
{
	seed ^= seed << 13;
	seed ^= seed >> 7;
	seed ^= seed << 17;
	return seed % n;
}

enum { EVENTS = 4000 };
static struct event {
	uint64_t at, amount;
} events[EVENTS];

/* The most that any stretch as long as the window saw. */
static uint64_t
densest(size_t n, uint64_t window)
{
	uint64_t most = 0;

	for (size_t i = 0; i < n; i++) {
		uint64_t sum = 0;

		for (size_t k = i;
		     k < n && events[k].at - events[i].at < window; k++)
			sum += events[k].amount;
		most = sum > most ? sum : most;
	}
	return most;
}

static void
test_any_stretch(void)
{
	static const uint64_t windows[] = { 16, 100, 1000, 7777 };

	for (size_t w = 0; w < countof(windows); w++) {
		struct totals *t = totals_new();
		uint64_t now = 1000, refused = 0, most;
		size_t n = 0;

		for (size_t i = 0; i < EVENTS; i++) {
			const uint64_t amount = 1 + dice(9);

			now += dice(windows[w] / 8);
			if (one(t, now,
				of("p", BUDGET_BYTES, 50, windows[w],
				    amount)) == OK)
				events[n++] = (struct event){ now, amount };
			else
				refused++;
		}
		most = densest(n, windows[w]);
		ok(most <= 50 && most > 40 && refused > 100,
		    "window %llu: at most %llu of 50, %llu refused",
		    (unsigned long long)windows[w], (unsigned long long)most,
		    (unsigned long long)refused);
		totals_free(t);
	}
}

/* ---- records ---- */

static struct log {
	struct buf b[8192];
	size_t n;
} the_log;

static enum err
keep(void *arg, struct jv rec)
{
	struct log *l = arg;
	struct buf *b = &l->b[l->n++];

	BUG_ON(l->n == countof(l->b));
	buf_done(b);
	b->max = 1 << 20;
	buf_str(b, jv_bytes(rec));
	return buf_end(b);
}

static void
keep_charges(uint64_t of, uint64_t at, const struct charge *c, size_t n)
{
	struct buf b = { .max = 1 << 16 };

	charges_put(&b, &(struct entry){ .at = at, .of = of }, c, n);
	ok(tape_check(buf_view(&b), &json_default) == OK,
	    "a %s is a whole tape", of > 0 ? "release" : "charge");
	(void)!keep(&the_log, jv_of(buf_view(&b)));
	buf_done(&b);
}

static struct totals *
again(size_t from, bool *whole)
{
	struct totals *t = totals_new();
	bool over = false;

	*whole = false;
	for (size_t i = from; i < the_log.n; i++)
		if (totals_take(
			t, jv_of(buf_view(&the_log.b[i])), whole, &over) != OK)
			ok(0, "record %zu is taken", i);
	ok(!over, "nobody miscounted");
	return t;
}

struct both {
	struct totals *other;
	size_t n, same;
	uint64_t now;
};
static void
compare(void *arg, const struct charge *c)
{
	struct both *b = arg;
	struct charge d = *c;

	totals_read(b->other, b->now, &d);
	b->n += c->used > 0;
	b->same += c->used > 0 && d.used == c->used;
}

static void
same_totals(struct totals *a, struct totals *b, uint64_t now, const char *what)
{
	struct both x = { .other = b, .now = now },
		    y = { .other = a, .now = now };

	totals_each(a, now, compare, &x);
	totals_each(b, now, compare, &y);
	ok(x.n == x.same && y.n == y.same && x.n == y.n && x.n > 0,
	    "%s: %zu totals are the same", what, x.n);
}

static void
random_call(struct totals *t, uint64_t now)
{
	static const char *const keys[] = { "alice", "bob", "c" };
	static const uint64_t windows[] = { 0, 1000, 50000 };
	const uint64_t w = windows[dice(3)];
	char name[16], item[2][BUDGET_ITEM + 1];
	struct charge c[2];
	size_t over;

	(void)snprintf(name, sizeof(name), "w%u", (unsigned)w);
	c[0] = of(name, BUDGET_BYTES, 400, w, dice(20));
	c[1] = to(item_a, 40, w);
	c[0].key = c[1].key = str_of(keys[dice(3)]);
	c[1].budget = str_of(name);
	for (size_t i = 0; i < 2; i++) {
		(void)snprintf(
		    item[i], sizeof(item[i]), "%032u", (unsigned)dice(45));
		c[1].item[i] = str_of(item[i]);
	}
	c[1].item_n = 2;
	if (totals_charge(t, now, c, 2, &over) != OK)
		return;
	keep_charges(0, now, c, 2);
	if (dice(5) > 0)
		return;
	totals_release(t, now, c, 2);
	keep_charges(1, now, c, 2);
}

static void
test_records(void)
{
	struct totals *t = totals_new(), *u;
	uint64_t now = UINT64_C(1700000000000);
	size_t state;
	bool whole;

	for (int i = 0; i < 1000; i++)
		random_call(t, now += dice(400));
	u = again(0, &whole);
	ok(!whole, "no state was written yet");
	same_totals(t, u, now, "from charges");
	totals_free(u);
	state = the_log.n;
	ok(totals_put(t, now, keep, &the_log) == OK, "the state is written");
	u = again(state, &whole);
	ok(whole, "and is whole");
	same_totals(t, u, now, "from a state");
	ok(totals_time(u) == now, "it knows how late it was");
	totals_free(u);
	for (int i = 0; i < 300; i++)
		random_call(t, now += dice(400));
	u = again(state, &whole);
	same_totals(t, u, now, "from a state and what came after");
	same_totals(t, u, now + 50000 + 3125, "and when windows have passed");
	totals_free(u);
	totals_free(t);
}

static void
test_state_of_many(void)
{
	struct totals *t = totals_new(), *u;
	const size_t from = the_log.n;
	bool whole;

	for (unsigned i = 0; i < 1000; i++) {
		char item[BUDGET_ITEM + 1];

		(void)snprintf(item, sizeof(item), "%032u", i);
		ok(one(t, 9, to(item, 1000, 0)) == OK, "host %u", i);
	}
	ok(totals_put(t, 9, keep, &the_log) == OK && the_log.n - from == 5,
	    "many hosts need several records");
	u = again(from, &whole);
	same_totals(t, u, 9, "a thousand hosts");
	totals_free(u);
	totals_free(t);
}

static struct jv
tape(const char *json)
{
	static struct buf b = { .max = 1 << 16 };

	buf_clear(&b);
	BUG_ON(json_parse(str_of(json), &json_default, &b, NULL) != OK);
	return jv_of(buf_view(&b));
}

#define CHARGE(amount, key, of, used)                                          \
	"{\"at\":5,\"cell\":0,\"charges\":[{\"amount\":" amount                \
	",\"budget\":\"b\",\"key\":\"" key "\",\"limit\":9,\"of\":\"" of       \
	"\",\"used\":" used ",\"window_ms\":0}],\"kind\":\"charge\"}"
static const struct {
	const char *text;
	enum err e;
	bool over;
	const char *what;
} odd[] = {
	{ CHARGE("1", "k", "calls", "1"), OK, false, "a charge" },
	{ CHARGE("1", "k", "calls", "10"), OK, true, "one over its limit" },
	{ CHARGE("-1", "k", "calls", "1"), ERR_SYNTAX, false,
	    "less than none" },
	{ CHARGE("1.5", "k", "calls", "1"), ERR_SYNTAX, false,
	    "a part of one" },
	{ CHARGE("\"1\"", "k", "calls", "1"), ERR_SYNTAX, false, "a text" },
	{ CHARGE("1", "", "calls", "1"), ERR_SYNTAX, false, "nobody's" },
	{ CHARGE("1", "k", "cells", "1"), ERR_SYNTAX, false, "an odd unit" },
	{ CHARGE("1", "k", "agents", "1"), ERR_SYNTAX, false, "no items" },
	{ "{\"kind\":\"charge\",\"at\":1}", ERR_SYNTAX, false, "no charges" },
	{ "{\"kind\":\"decision\"}", OK, false, "another's record" },
	{ "{\"kind\":\"totals\"}", ERR_SYNTAX, false, "no time" },
	{ "{\"at\":5,\"budget\":\"b\",\"key\":\"k\",\"kind\":\"total\",\"of\":"
	  "\"calls\",\"parts\":[[0,3]],\"window_ms\":0}",
	    OK, false, "a total" },
	{ "{\"at\":5,\"budget\":\"b\",\"key\":\"k\",\"kind\":\"total\",\"of\":"
	  "\"calls\",\"parts\":[[7,3]],\"window_ms\":0}",
	    ERR_SYNTAX, false, "a part that cannot be" },
	{ "{\"at\":5,\"budget\":\"b\",\"key\":\"k\",\"kind\":\"total\",\"of\":"
	  "\"calls\",\"items\":[[\"x\",0,1]],\"window_ms\":0}",
	    ERR_SYNTAX, false, "a host that is none" },
};

static void
test_odd_records(void)
{
	for (size_t i = 0; i < countof(odd); i++) {
		struct totals *t = totals_new();
		bool whole = false, over = false;

		ok(totals_take(t, tape(odd[i].text), &whole, &over) ==
			    odd[i].e &&
			over == odd[i].over && !whole,
		    "record: %s", odd[i].what);
		totals_free(t);
	}
}

/* ---- rows ---- */

#define ROW(of, limit, per)                                                    \
	"{\"budgets\":[{\"name\":\"b\",\"of\":\"" of "\",\"limit\":" limit     \
	",\"per\":\"" per                                                      \
	"\",\"window_ms\":0,\"lease\":1,\"currency\":\"\",\"principal\":"      \
	"\"*\",\"server\":\"f*\",\"tool\":\"*\",\"risk\":[\"egress\"]}]}"
static void
test_rows(void)
{
	const struct str read = STR("read"), egress = STR("egress");
	struct budgets b;
	struct note why;

	ok(budgets_of(tape("{}"), &b, &why) == OK && b.n == 0, "no budgets");
	ok(budgets_of(tape(ROW("calls", "5", "subtree")), &b, &why) == OK &&
		b.n == 1 && b.at[0].limit == 5 && b.at[0].subtree &&
		budget_find(&b, STR("b")) == &b.at[0] &&
		budget_find(&b, STR("c")) == NULL,
	    "a row");
	ok(budget_matches(&b.at[0], STR("fs"), STR("x"), &egress, 1) &&
		!budget_matches(&b.at[0], STR("gs"), STR("x"), &egress, 1) &&
		!budget_matches(&b.at[0], STR("fs"), STR("x"), &read, 1) &&
		!budget_matches(&b.at[0], STR("fs"), STR("x"), NULL, 0),
	    "is about what it says");
	ok(budgets_of(tape(ROW("cells", "5", "subtree")), &b, &why) != OK &&
		budgets_of(tape(ROW("calls", "-1", "subtree")), &b, &why) !=
		    OK &&
		budgets_of(tape(ROW("calls", "5", "house")), &b, &why) != OK,
	    "broken rows are refused");
}

int
main(void)
{
	test_limit();
	test_all_or_none();
	test_numbers();
	test_window();
	test_distinct();
	test_release();
	test_more();
	test_any_stretch();
	test_records();
	test_state_of_many();
	test_odd_records();
	test_rows();
	return tap_done();
}
