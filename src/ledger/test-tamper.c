/* test-tamper: whatever is done to a segment, the first bad record is named.
 * Every byte flipped; every record dropped, doubled, swapped, spliced in from
 * elsewhere; every length; every segment left out or exchanged. */
#include "base/tap.h"
#include "ledger/test-disk.h"

enum { RECORDS = 24, SEGMENTS = 3, EACH = RECORDS / SEGMENTS };

struct log {
	struct mem_disk d[SEGMENTS];
	size_t at[SEGMENTS][EACH + 1]; /* where each record begins; the end */
};

/* Two logs of the same shape differ in `who` alone. */
static void
log_make(struct log *g, const char *who)
{
	struct tlog_range tree = { .size = 0 };
	uint64_t seq = 0;
	char name[32];
	bool good = true;

	for (unsigned s = 0; s < SEGMENTS; s++) {
		struct ledger *l;

		mem_disk_init(&g->d[s]);
		(void)snprintf(name, sizeof(name), "cell-0-%06u", s + 1);
		l = ledger_new(&g->d[s].disk, str_of(name), &tree);
		for (unsigned i = 0; i < EACH; i++) {
			g->at[s][i] = (size_t)ledger_bytes(l);
			good &=
			    rec_stage(l, ++seq, "decision", str_of(who)) == OK;
		}
		good &= ledger_write(l) == OK;
		g->at[s][EACH] = g->d[s].b.n;
		tree = *ledger_tree(l);
		ledger_free(l);
	}
	ok(good, "a log of %d records for %s", RECORDS, who);
}

static void
log_done(struct log *g)
{
	for (unsigned s = 0; s < SEGMENTS; s++)
		buf_done(&g->d[s].b);
}

/* Reads segment s whose bytes are b, after the untouched ones before it. */
static enum err
read_at(const struct log *g, unsigned s, struct str b, uint64_t *bad)
{
	struct ledger_seen seen = { .good = 0 };
	struct note why;
	enum err e = OK;

	for (unsigned i = 0; i < s && !e; i++)
		e = ledger_read(buf_view(&g->d[i].b), &seen, NULL, NULL, &why);
	if (!e)
		e = ledger_read(b, &seen, NULL, NULL, &why);
	*bad = seen.tree.size + 1;
	return e;
}

/* The record that byte `at` of segment s belongs to; header: its first. */
static uint64_t
record_of(const struct log *g, unsigned s, size_t at)
{
	uint64_t i = 0;

	while (i + 1 < EACH && at >= g->at[s][i + 1])
		i++;
	return s * EACH + i + 1;
}

static void
test_flips(const struct log *g)
{
	unsigned missed = 0, misnamed = 0, torn = 0, flips = 0;

	for (unsigned s = 0; s < SEGMENTS; s++) {
		const struct str b = buf_view(&g->d[s].b);
		struct buf copy = { .max = 1 << 20 };

		buf_str(&copy, b);
		for (size_t at = 0; at < b.n; at++) {
			uint64_t bad;
			enum err e;

			copy.p[at] ^= (char)(1U << at % 8);
			e = read_at(g, s, buf_view(&copy), &bad);
			copy.p[at] = b.p[at];
			missed += e == OK;
			torn += e == ERR_MORE;
			misnamed += bad != record_of(g, s, at);
			flips++;
		}
		buf_done(&copy);
	}
	ok(missed == 0 && flips > 3000, "each of %u flipped bytes is found",
	    flips);
	ok(misnamed == 0, "and the record it is in is named");
	ok(torn == 0, "and none is taken for a crash");
}

static void
put(struct buf *to, const struct log *g, unsigned s, unsigned i)
{
	buf_put(to, g->d[s].b.p + g->at[s][i], g->at[s][i + 1] - g->at[s][i]);
}

enum trick { DROP, TWICE, SWAP, SPLICE, OLDER, TRICK__N };
static const char *const trick_name[TRICK__N] = {
	[DROP] = "dropped",
	[TWICE] = "doubled",
	[SWAP] = "swapped with the next",
	[SPLICE] = "taken from another log",
	[OLDER] = "taken from another segment",
};

static void
trick_play(enum trick t, const struct log *g, const struct log *other,
    unsigned s, unsigned i, struct buf *to)
{
	buf_clear(to);
	buf_put(to, g->d[s].b.p, g->at[s][0]);
	for (unsigned k = 0; k < EACH; k++) {
		if (t == SWAP && (k == i || k == i + 1))
			put(to, g, s, k == i ? i + 1 : i);
		else if (k != i || t == TWICE)
			put(to, g, s, k);
		if (t == TWICE && k == i)
			put(to, g, s, k);
		if (t == SPLICE && k == i)
			put(to, other, s, k);
		if (t == OLDER && k == i)
			put(to, g, (s + 1) % SEGMENTS, k);
	}
}

/* A double is wrong where it comes again.  The first record of two logs has
 * the same place, so there it is the record after it that does not fit. */
static uint64_t
first_bad(enum trick t, unsigned s, unsigned i)
{
	const bool fits = t == TWICE || (t == SPLICE && s == 0 && i == 0);

	return (uint64_t)s * EACH + i + 1 + fits;
}

static void
test_tricks(const struct log *g, const struct log *other)
{
	struct buf b = { .max = 1 << 20 };

	for (enum trick t = DROP; t < TRICK__N; t++) {
		unsigned missed = 0, misnamed = 0;

		for (unsigned s = 0; s < SEGMENTS; s++)
			for (unsigned i = 0; i + 1 < EACH; i++) {
				uint64_t bad;
				enum err e;

				trick_play(t, g, other, s, i, &b);
				e = read_at(g, s, buf_view(&b), &bad);
				missed += e == OK;
				misnamed += bad != first_bad(t, s, i);
			}
		ok(missed == 0 && misnamed == 0, "each record %s is named",
		    trick_name[t]);
	}
	buf_done(&b);
}

/* A cut last segment cannot be told from a crash: it must read as one, and
 * its whole records must stand.  A cut earlier segment is found by the next. */
static void
test_lengths(const struct log *g)
{
	unsigned wrong = 0, unnoticed = 0;

	for (size_t n = 0; n < g->d[1].b.n; n++) {
		const struct str cut = str_sub(buf_view(&g->d[1].b), 0, n);
		struct ledger_seen seen = { .good = 0 };
		unsigned whole = 0;
		struct note why;
		enum err e;

		e = ledger_read(buf_view(&g->d[0].b), &seen, NULL, NULL, &why);
		if (!e)
			e = ledger_read(cut, &seen, NULL, NULL, &why);
		while (whole < EACH && g->at[1][whole + 1] <= n)
			whole++;
		wrong +=
		    e !=
		    (n >= g->at[1][0] && n == g->at[1][whole] ? OK : ERR_MORE);
		wrong += seen.tree.size != EACH + whole;
		wrong += seen.good + seen.torn != n;
		unnoticed += ledger_read(buf_view(&g->d[2].b), &seen, NULL,
				 NULL, &why) != ERR_SYNTAX;
	}
	ok(wrong == 0, "every length reads as what is whole of it");
	ok(unnoticed == 0, "and the next segment shows that it was cut");
}

static void
test_whole_segments(const struct log *g, const struct log *other)
{
	uint64_t bad;

	ok(read_at(g, 1, buf_view(&g->d[2].b), &bad) == ERR_SYNTAX,
	    "a segment left out");
	ok(read_at(g, 2, buf_view(&g->d[1].b), &bad) == ERR_SYNTAX,
	    "a segment twice");
	ok(read_at(g, 1, buf_view(&other->d[1].b), &bad) == ERR_SYNTAX,
	    "a segment of another log");
	ok(read_at(g, 0, STR("GHLEDGE"), &bad) == ERR_MORE,
	    "half a magic is a torn header");
	ok(read_at(g, 0, STR("GHLEDGES and more"), &bad) == ERR_SYNTAX,
	    "another magic is not");
	ok(read_at(g, 2, buf_view(&g->d[2].b), &bad) == OK,
	    "untouched, all is well");
}

int
main(void)
{
	static struct log alice, eve;

	log_make(&alice, "alice");
	log_make(&eve, "eve");
	test_flips(&alice);
	test_tricks(&alice, &eve);
	test_lengths(&alice);
	test_whole_segments(&alice, &eve);
	log_done(&alice);
	log_done(&eve);
	return tap_done();
}
