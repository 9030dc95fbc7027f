/*
 * test-ledger-tree: whatever is done to the segments, to the log of tiles, or
 * to one of them so well that it holds by itself, is found, and the first bad
 * record or entry is named: random cases (TAMPER, SEED), each of a class.
 */
#include "ctl/test-ledger-tree.h"

enum { CASES = 10000 };

/* ---- what is said ---- */

struct verdict {
	int log; /* whose record is bad first; NONE */
	uint64_t record;
	bool entry; /* or an entry of the tree */
	uint64_t index;
	struct note why;
};

static void
cell_said(void *arg, const struct walk_cell *c)
{
	struct verdict *v = arg;

	if (!c->bad || v->log != NONE)
		return;
	v->record = c->first_bad;
	v->why = c->why;
	for (int i = 0; i < LOGS; i++)
		if (cell_of[i] == c->cell)
			v->log = i;
}

static struct verdict
judge(void)
{
	struct verdict v = { .log = NONE };
	const struct walk w = { &v, NULL, cell_said, NULL };
	struct ledger_tree_found t;
	struct note why = { "" };

	if (ledger_walk(state, &w, &why) != OK ||
	    ledger_walk_budgets(state, &w, &why) != OK ||
	    ledger_tree_check(state, v.log == NONE, NULL, &t, &why) != OK) {
		printf("# %s\n", why.text);
		exit(1);
	}
	v.entry = v.log == NONE && t.bad;
	v.index = t.first_bad;
	if (v.entry)
		v.why = t.why;
	return v;
}

/* ---- the classes: each says what must be said ---- */

struct world {
	struct side good, bad;
	struct buf file;
};

static struct verdict
record_is(unsigned log, unsigned i)
{
	return (struct verdict){ .log = (int)log, .record = i + 1 };
}

static struct verdict
entry_is(unsigned at)
{
	return (struct verdict){ .log = NONE, .entry = true, .index = at };
}

static struct verdict
flip(struct world *w)
{
	const unsigned log = rnd(LOGS), s = rnd(SEGS);
	const struct segment *g = &w->good.seg[log][s];
	const unsigned at = rnd((unsigned)g->b.n);
	unsigned i = 0;
	char path[64];

	segment_path(log, s, path);
	buf_clear(&w->file);
	buf_str(&w->file, buf_view(&g->b));
	w->file.p[at] ^= (char)(1U << rnd(8));
	put(path, buf_view(&w->file));
	while (i + 1 < EACH && at >= g->at[i + 1])
		i++;
	return record_is(log, s * EACH + i);
}

/* Record i of its segment is put where record k was. */
static void
put_moved(struct world *w, unsigned log, unsigned s, unsigned k, int i, int j)
{
	const struct segment *g = &w->good.seg[log][s];
	char path[64];

	segment_path(log, s, path);
	buf_clear(&w->file);
	buf_put(&w->file, g->b.p, g->at[0]);
	for (unsigned n = 0; n < EACH; n++) {
		const int from = n == k ? i : (int)n == i ? j : (int)n;

		if (from != NONE)
			buf_put(&w->file, g->b.p + g->at[from],
			    g->at[from + 1] - g->at[from]);
	}
	put(path, buf_view(&w->file));
}

/* One that is the last of its segment leaves an end that may be a crash's: the
 * next header shows it, or the tree. */
static struct verdict
ended(unsigned log, unsigned s, unsigned k)
{
	return s + 1 < SEGS ? record_is(log, s * EACH + k)
			    : entry_is(index_of[log][s * EACH + k]);
}

static struct verdict
drop(struct world *w)
{
	const unsigned log = rnd(LOGS), s = rnd(SEGS), k = rnd(EACH);

	put_moved(w, log, s, k, NONE, NONE);
	return k + 1 == EACH ? ended(log, s, k) : record_is(log, s * EACH + k);
}

static struct verdict
swap(struct world *w)
{
	const unsigned log = rnd(LOGS), s = rnd(SEGS), k = rnd(EACH - 1);
	const int other = (int)(k + 1 + rnd(EACH - 1 - k));

	put_moved(w, log, s, k, other, (int)k);
	return record_is(log, s * EACH + k);
}

static struct verdict
truncated(struct world *w)
{
	const unsigned log = rnd(LOGS), s = rnd(SEGS), k = rnd(EACH);
	const struct segment *g = &w->good.seg[log][s];
	char path[64];

	segment_path(log, s, path);
	put(path, str_sub(buf_view(&g->b), 0,
		      g->at[k] + rnd((unsigned)(g->at[k + 1] - g->at[k]))));
	return ended(log, s, k);
}

/* A record of the same place in another log. */
static struct verdict
spliced(struct world *w)
{
	const unsigned log = rnd(LOGS), s = rnd(SEGS), k = rnd(EACH);
	const struct segment *g = &w->good.seg[log][s];
	const struct segment *o = &w->good.seg[(log + 1) % LOGS][s];
	char path[64];

	segment_path(log, s, path);
	buf_clear(&w->file);
	buf_put(&w->file, g->b.p, g->at[k]);
	buf_put(&w->file, o->b.p + o->at[k], o->at[k + 1] - o->at[k]);
	buf_put(&w->file, g->b.p + g->at[k + 1], g->b.n - g->at[k + 1]);
	put(path, buf_view(&w->file));
	return record_is(log, s * EACH + k);
}

/* Chain and headers made right again: the segments hold by themselves. */
static struct verdict
rewritten(struct world *w)
{
	const unsigned log = rnd(LOGS), k = rnd(RECORDS);

	side_log(&w->bad, log, (int)k, NONE);
	side_put(&w->bad, log);
	return entry_is(index_of[log][k]);
}

static struct verdict
renumbered(struct world *w)
{
	const unsigned log = rnd(LOGS), k = rnd(RECORDS);

	side_log(&w->bad, log, NONE, (int)k);
	side_put(&w->bad, log);
	return entry_is(index_of[log][k]);
}

/* Tree and checkpoint made anew, by who has the key. */
static struct verdict
resigned(struct world *w)
{
	const unsigned at = rnd(TOTAL);

	tree_put(&w->good, (int)at, NONE, NONE, NONE);
	return entry_is(at);
}

static struct verdict
resigned_drop(struct world *w)
{
	const unsigned at = rnd(TOTAL), i = order[at].i;

	tree_put(&w->good, NONE, (int)at, NONE, NONE);
	return i + 1 < RECORDS ? entry_is(index_of[order[at].log][i + 1] - 1)
			       : entry_is(TOTAL - 1);
}

static struct verdict
resigned_swap(struct world *w)
{
	const unsigned log = rnd(LOGS), a = rnd(RECORDS - 1);
	const unsigned b = a + 1 + rnd(RECORDS - 1 - a);

	tree_put(
	    &w->good, NONE, NONE, (int)index_of[log][a], (int)index_of[log][b]);
	return entry_is(index_of[log][a]);
}

static struct verdict
entry_flip(struct world *w)
{
	const unsigned at = rnd(TOTAL);
	const unsigned first = at / TLOG_TILE * TLOG_TILE;
	const unsigned last =
	    first + TLOG_TILE < TOTAL ? first + TLOG_TILE : TOTAL;
	size_t byte = 0;

	buf_clear(&w->file);
	for (unsigned i = first; i < last; i++) {
		const struct str t = w->good.text[order[i].log][order[i].i];

		if (i == at)
			byte = w->file.n + rnd((unsigned)t.n + 2);
		buf_ch(&w->file, (char)(t.n >> 8));
		buf_ch(&w->file, (char)t.n);
		buf_str(&w->file, t);
	}
	w->file.p[byte] ^= (char)(1U << rnd(8));
	put(first == 0 ? "log/tile/entries/000" : "log/tile/entries/001.p/44",
	    buf_view(&w->file));
	return entry_is(at);
}

static struct verdict
lost(struct world *w)
{
	const unsigned which = rnd(2);
	char path[256];

	(void)w;
	(void)snprintf(path, sizeof(path), "%s/log/tile/entries/%s", state,
	    which == 0 ? "000" : "001.p/44");
	BUG_ON(unlink(path) != 0);
	return entry_is(which * TLOG_TILE);
}

/* By a key that is not the log's. */
static struct verdict
foreign(struct world *w)
{
	struct tlog_range r = { .size = 0 };

	for (unsigned at = 0; at < TOTAL; at++) {
		const struct tlog_hash h =
		    tlog_leaf(w->good.text[order[at].log][order[at].i]);

		tlog_range_add(&r, &h);
	}
	checkpoint_sign(&r, 8);
	return entry_is(0);
}

static struct verdict
counted(struct world *w)
{
	uint64_t counts[LOGS] = { RECORDS, RECORDS, RECORDS };

	(void)w;
	counts[rnd(LOGS)] -= 1 + rnd(RECORDS);
	merged_put(TOTAL, counts);
	return entry_is(TOTAL);
}

static const struct {
	const char *name;
	struct verdict (*run)(struct world *w);
	bool tree; /* the log of tiles must be made again afterwards */
} classes[] = { { "a byte of a segment flipped", flip, false },
	{ "a record dropped", drop, false },
	{ "two records swapped", swap, false },
	{ "a segment truncated", truncated, false },
	{ "a record spliced in", spliced, false },
	{ "a record changed and the segments made right", rewritten, false },
	{ "a record dropped and the segments made right", renumbered, false },
	{ "a byte of an entry flipped", entry_flip, true },
	{ "a bundle lost", lost, true },
	{ "an entry changed and the tree signed again", resigned, true },
	{ "an entry dropped and the tree signed again", resigned_drop, true },
	{ "two entries swapped and the tree signed again", resigned_swap,
	    true },
	{ "the tree signed by another key", foreign, true },
	{ "fewer records said to be merged", counted, true } };

static void
restore(const struct world *w, bool tree)
{
	for (unsigned log = 0; log < LOGS; log++)
		side_put(&w->good, log);
	if (tree)
		tree_put(&w->good, NONE, NONE, NONE, NONE);
}

static bool
is_same(const struct verdict *a, const struct verdict *b)
{
	return a->log == b->log && a->entry == b->entry &&
	       (a->log == NONE || a->record == b->record) &&
	       (!a->entry || a->index == b->index);
}

static uint64_t
number(const char *name, uint64_t otherwise)
{
	const char *s = getenv(name);
	uint64_t n = otherwise;

	return s != NULL && str_u64(str_of(s), &n) == OK ? n : otherwise;
}

static void
test_classes(struct world *w)
{
	const uint64_t cases = number("TAMPER", CASES);
	unsigned n[countof(classes)] = { 0 }, missed[countof(classes)] = { 0 };

	for (uint64_t i = 0; i < cases; i++) {
		const unsigned k = rnd(countof(classes));
		const struct verdict want = classes[k].run(w), got = judge();

		n[k]++;
		if (!is_same(&want, &got) && missed[k]++ == 0)
			printf("# %s: log %d record %llu, entry %d %llu; is "
			       "%d %llu, %d %llu: %s\n",
			    classes[k].name, want.log,
			    (unsigned long long)want.record, want.entry,
			    (unsigned long long)want.index, got.log,
			    (unsigned long long)got.record, got.entry,
			    (unsigned long long)got.index, got.why.text);
		restore(w, classes[k].tree);
	}
	for (size_t k = 0; k < countof(classes); k++)
		ok(missed[k] == 0 && n[k] > cases / 40,
		    "%s: %u times found and the first bad one named",
		    classes[k].name, n[k]);
}

int
main(void)
{
	static struct world w = { .file = { .max = 1 << 20 } };
	struct verdict v;
	char path[256];

	BUG_ON(mkdtemp(state) == NULL);
	seed = number("SEED", 1) * 2654435761U + 88172645463325252U;
	order_make();
	for (unsigned log = 0; log < LOGS; log++)
		side_log(&w.good, log, NONE, NONE);
	restore(&w, true);
	v = judge();
	ok(v.log == NONE && !v.entry, "untouched, all is well: %s", v.why.text);
	test_classes(&w);
	v = judge();
	ok(v.log == NONE && !v.entry, "and it still is: %s", v.why.text);
	(void)snprintf(path, sizeof(path), "%s/keys/log.key", state);
	BUG_ON(unlink(path) != 0);
	v = judge();
	ok(v.log == NONE && !v.entry, "a copy without keys holds too: %s",
	    v.why.text);
	(void)nftw(state, gone, 16, FTW_DEPTH | FTW_PHYS);
	for (unsigned log = 0; log < LOGS; log++)
		for (unsigned s = 0; s < SEGS; s++) {
			buf_done(&w.good.seg[log][s].b);
			buf_done(&w.bad.seg[log][s].b);
		}
	buf_done(&w.file);
	return tap_done();
}
