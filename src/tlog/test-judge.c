/* test-judge: whatever is done to a log's files, the first entry that does not
 * hold is named: 10,000 random cases of each run's seed (TAMPER, SEED). */
#include "tlog/test-store.h"
#include "tlog/tlog-in.h"

enum { SIZE = 700, CASES = 10000 };

static uint64_t
next(uint64_t *seed, uint64_t n)
{
	*seed ^= *seed << 13;
	*seed ^= *seed >> 7;
	*seed ^= *seed << 17;
	return *seed % n;
}

struct told {
	uint64_t next, first_bad;
	bool gap;
};

static void
told_run(void *arg, const struct tlog_run *r)
{
	struct told *t = arg;

	t->gap = t->gap || r->from != t->next || r->to <= r->from;
	t->next = r->to;
	if (r->state != TLOG_HOLDS && r->state != TLOG_PRUNED &&
	    t->first_bad > r->from)
		t->first_bad = r->from;
}

static bool
judged(struct mem_store *m, uint64_t size, const struct tlog_hash *root,
    struct tlog_found *f)
{
	struct told t = { .first_bad = UINT64_MAX };
	const struct tlog_told told = { told_run, &t };
	struct note why = { "" };

	BUG_ON(tlog_judge(&m->s, size, root, &told, f, &why) != OK);
	BUG_ON(t.gap || t.next != size);
	BUG_ON(f->sound != (t.first_bad == UINT64_MAX));
	BUG_ON(!f->sound && f->first_bad != t.first_bad);
	BUG_ON(f->count[0] + f->count[1] + f->count[2] + f->count[3] +
		   f->count[4] !=
	       size);
	return f->sound;
}

/* One entry's place in its bundle. */
struct place {
	struct buf *b;
	size_t from, to;
};

static void
bundle_path(uint64_t index, char path[static TLOG_PATH_MAX])
{
	tlog_tile_path(
	    (struct tlog_tile){ TLOG_ENTRIES, index / TLOG_TILE,
		tlog_tile_width(TLOG_ENTRIES, index / TLOG_TILE, SIZE) },
	    path);
}

static struct place
place_of(struct mem_store *m, uint64_t index)
{
	char path[TLOG_PATH_MAX];
	struct place p;
	struct str rest, entry = { NULL, 0 };
	bool bad;

	bundle_path(index, path);
	p.b = store_file(m, path);
	rest = buf_view(p.b);
	for (uint64_t i = 0; i <= index % TLOG_TILE; i++)
		BUG_ON(!tlog_entry_next(&rest, &entry, &bad));
	p.from = (size_t)(entry.p - p.b->p) - 2;
	p.to = p.from + 2 + entry.n;
	return p;
}

/* Puts bytes in place of [from, to) of a file. */
static void
splice(struct buf *b, size_t from, size_t to, struct str bytes)
{
	struct buf n = { .max = 1 << 24 };

	buf_put(&n, b->p, from);
	buf_str(&n, bytes);
	buf_put(&n, b->p + to, b->n - to);
	buf_clear(b);
	buf_str(b, buf_view(&n));
	buf_done(&n);
}

static struct str
keep(struct place p)
{
	return str_keep((struct str){ p.b->p + p.from, p.to - p.from });
}

/* ---- tricks: each says what the first bad entry must be ---- */

static uint64_t
flip(struct mem_store *m, struct mem_store *other, uint64_t *seed)
{
	const uint64_t i = next(seed, SIZE);
	const struct place p = place_of(m, i);

	(void)other;
	p.b->p[p.from + next(seed, p.to - p.from)] ^=
	    (char)(1U << next(seed, 8));
	return i;
}

static uint64_t
drop(struct mem_store *m, struct mem_store *other, uint64_t *seed)
{
	const uint64_t i = next(seed, SIZE);
	const struct place p = place_of(m, i);

	(void)other;
	splice(p.b, p.from, p.to, STR(""));
	return i;
}

static uint64_t
swap(struct mem_store *m, struct mem_store *other, uint64_t *seed)
{
	uint64_t a = next(seed, SIZE), b = next(seed, SIZE - 1);
	struct place pa, pb;
	struct str ta, tb;

	(void)other;
	b += b >= a;
	if (a > b) {
		const uint64_t t = a;

		a = b;
		b = t;
	}
	pa = place_of(m, a);
	pb = place_of(m, b);
	ta = keep(pa);
	tb = keep(pb);
	splice(pb.b, pb.from, pb.to, ta); /* the later one first */
	splice(pa.b, pa.from, pa.to, tb);
	mem_free((void *)(uintptr_t)ta.p);
	mem_free((void *)(uintptr_t)tb.p);
	return a;
}

static uint64_t
truncated(struct mem_store *m, struct mem_store *other, uint64_t *seed)
{
	const uint64_t i = next(seed, SIZE);
	const struct place p = place_of(m, i);

	(void)other;
	p.b->n = p.from + next(seed, p.to - p.from);
	return i;
}

/* An entry of another log of the same shape. */
static uint64_t
spliced(struct mem_store *m, struct mem_store *other, uint64_t *seed)
{
	const uint64_t i = next(seed, SIZE);
	const struct place p = place_of(m, i);
	const struct str text = keep(place_of(other, next(seed, SIZE)));

	splice(p.b, p.from, p.to, text);
	mem_free((void *)(uintptr_t)text.p);
	return i;
}

/* The bundle and its tile made again as if the entry had been so: what is
 * above it still says otherwise, but no longer of which entry. */
static uint64_t
rehashed(struct mem_store *m, struct mem_store *other, uint64_t *seed)
{
	const uint64_t i = next(seed, SIZE);
	const struct place p = place_of(m, i);
	const struct tlog_tile t = { 0, i / TLOG_TILE,
		tlog_tile_width(0, i / TLOG_TILE, SIZE) };
	char path[TLOG_PATH_MAX];
	struct tlog_hash h;

	(void)other;
	p.b->p[p.from + 2] ^= 1;
	h = tlog_leaf((struct str){ p.b->p + p.from + 2, p.to - p.from - 2 });
	tlog_tile_path(t, path);
	memcpy(
	    store_file(m, path)->p + i % TLOG_TILE * TLOG_HASH, h.b, TLOG_HASH);
	return i >= 512 ? 0 : i / TLOG_TILE * TLOG_TILE;
}

static uint64_t
lost(struct mem_store *m, struct mem_store *other, uint64_t *seed)
{
	const uint64_t i = next(seed, SIZE) / TLOG_TILE * TLOG_TILE;
	char path[TLOG_PATH_MAX];

	(void)other;
	bundle_path(i, path);
	store_drop(m, path);
	return i;
}

/* The whole log written anew with one entry another, as its own key could sign
 * it: a root kept elsewhere shows it, and cannot show which entry it was. */
static uint64_t
resigned(struct mem_store *m, struct mem_store *other, uint64_t *seed)
{
	const uint64_t i = next(seed, SIZE);
	struct tlog_writer *w = NULL;
	struct note why;

	(void)other;
	BUG_ON(tlog_writer_new(&m->s, 0, &w, &why) != OK);
	store_fill(w, "t", 0, i);
	BUG_ON(tlog_add(w, STR("another")) != OK);
	store_fill(w, "t", i + 1, SIZE);
	BUG_ON(tlog_flush(w) != OK);
	tlog_writer_free(w);
	return 0;
}

static const struct {
	const char *name;
	uint64_t (*run)(
	    struct mem_store *m, struct mem_store *other, uint64_t *seed);
} tricks[] = { { "flip", flip }, { "drop", drop }, { "swap", swap },
	{ "truncate", truncated }, { "splice", spliced },
	{ "rehash", rehashed }, { "lose", lost }, { "re-sign", resigned } };

static void
copy(struct mem_store *to, const struct mem_store *from)
{
	struct str key;
	void *v;
	size_t at = 0;

	while (map_next(from->files, &at, &key, &v))
		BUG_ON(store_write(&to->s, key, buf_view(v)) != OK);
}

static void
test_tricks(uint64_t seed, unsigned cases)
{
	struct mem_store log = store_new(), other = store_new();
	const struct tlog_range r = store_log(&log, "t", SIZE);
	const struct tlog_hash root = tlog_range_root(&r);
	unsigned missed[countof(tricks)] = { 0 },
		 wrong[countof(tricks)] = { 0 };
	unsigned n[countof(tricks)] = { 0 };
	struct tlog_found f;

	(void)store_log(&other, "o", SIZE);
	ok(judged(&log, SIZE, &root, &f) && f.tiles_bad == 0,
	    "the untouched log holds");
	for (unsigned i = 0; i < cases; i++) {
		const size_t k = (size_t)next(&seed, countof(tricks));
		struct mem_store m = store_new();
		uint64_t want;

		copy(&m, &log);
		want = tricks[k].run(&m, &other, &seed);
		missed[k] += judged(&m, SIZE, &root, &f);
		wrong[k] += f.first_bad != want;
		n[k]++;
		store_done(&m);
	}
	for (size_t k = 0; k < countof(tricks); k++)
		ok(missed[k] == 0 && wrong[k] == 0 && n[k] > cases / 20,
		    "%s: %u times found and the first bad entry named",
		    tricks[k].name, n[k]);
	store_done(&log);
	store_done(&other);
}

/* What is derived can be damaged and the entries hold all the same. */
static void
test_tiles(void)
{
	static const char *const tiles[] = { "tile/0/000", "tile/0/001",
		"tile/0/002.p/188", "tile/1/000.p/2" };
	struct mem_store m = store_new();
	const struct tlog_range r = store_log(&m, "t", SIZE);
	const struct tlog_hash root = tlog_range_root(&r);
	struct tlog_found f;

	for (size_t i = 0; i < countof(tiles); i++) {
		struct buf *b = store_file(&m, tiles[i]);

		b->p[b->n / 2] ^= 1;
		ok(judged(&m, SIZE, &root, &f) && f.tiles_bad == 1 &&
			strstr(f.tile.text, tiles[i]) != NULL,
		    "all holds without %s: %s", tiles[i], f.tile.text);
		b->p[b->n / 2] ^= 1;
		b->n--;
		ok(judged(&m, SIZE, &root, &f) && f.tiles_bad == 1,
		    "or when it is short: %s", f.tile.text);
		b->n++;
	}
	for (size_t i = 0; i < countof(tiles); i++)
		store_drop(&m, tiles[i]);
	ok(judged(&m, SIZE, &root, &f) && f.tiles_bad == 4,
	    "or with no tile at all: %s", f.tile.text);
	buf_ch(store_file(&m, "tile/entries/001"), 0);
	ok(judged(&m, SIZE, &root, &f) && f.tiles_bad == 5,
	    "what comes after a bundle's entries is told");
	store_done(&m);
}

/* A changed entry hides nothing else: what is beside it is still judged. */
static void
test_rest(void)
{
	struct mem_store m = store_new();
	const struct tlog_range r = store_log(&m, "t", SIZE);
	const struct tlog_hash root = tlog_range_root(&r);
	struct tlog_hash none;
	struct tlog_found f;
	struct place p = place_of(&m, 300);

	p.b->p[p.from + 4] ^= 1;
	ok(!judged(&m, SIZE, &root, &f) && f.first_bad == 300 &&
		f.count[TLOG_CHANGED] == 1 && f.count[TLOG_HOLDS] == SIZE - 1,
	    "one entry changed: %s", f.why.text);
	store_drop(&m, "tile/0/001");
	ok(!judged(&m, SIZE, &root, &f) && f.first_bad == 256 &&
		f.count[TLOG_UNKNOWN] == 256 &&
		f.count[TLOG_HOLDS] == SIZE - 256,
	    "and its tile gone: %s", f.why.text);
	memset(&none, 7, sizeof(none));
	ok(!judged(&m, SIZE, &none, &f) && f.first_bad == 0 &&
		f.count[TLOG_UNKNOWN] == SIZE,
	    "under another root nothing holds: %s", f.why.text);
	ok(!judged(&m, TLOG_SIZE_MAX, &root, &f) && f.first_bad == 0,
	    "nor in a log that is said to be endless");
	store_done(&m);
}

static void
test_empty(void)
{
	struct mem_store m = store_new();
	const struct tlog_range r = { .size = 0 };
	const struct tlog_hash root = tlog_range_root(&r);
	struct tlog_hash other = root;
	struct tlog_found f;
	struct note why = { "" };

	ok(judged(&m, 0, &root, &f), "an empty log holds");
	other.b[0] ^= 1;
	ok(tlog_judge(&m.s, 0, &other, NULL, &f, &why) == OK && !f.sound,
	    "not under another root");
	m.fails = "tile/0/000.p/1";
	ok(tlog_judge(&m.s, 1, &root, NULL, &f, &why) == ERR_OS,
	    "a file that cannot be read is no verdict");
	store_done(&m);
}

/* All that a log may delete at this minimum index. */
static unsigned
prune(struct mem_store *m, uint64_t size, uint64_t minimum)
{
	unsigned gone = 0;

	for (int l = TLOG_ENTRIES; l < 3; l++)
		for (uint64_t n = 0; tlog_tile_end(l, n) <= minimum; n++) {
			char path[TLOG_PATH_MAX];

			tlog_tile_path((struct tlog_tile){ l, n,
					   tlog_tile_width(l, n, size) },
			    path);
			gone += store_file(m, path) != NULL;
			store_drop(m, path);
		}
	return gone;
}

/* What the specification promises of a pruned log ("Pruning"). */
static void
test_pruned(void)
{
	enum { WHOLE = 66100, FROM = 65536 + 256 };
	struct mem_store m = store_new();
	const struct tlog_range r = store_log(&m, "p", WHOLE);
	const struct tlog_hash root = tlog_range_root(&r);
	struct tlog_reader *reader = tlog_reader_new(&m.s, WHOLE);
	struct tlog_hash old = root;
	struct tlog_found f;
	struct tlog_proof p;
	struct note why = { "" };
	bool good = true;

	ok(prune(&m, WHOLE, FROM) == 2 * 257 + 1,
	    "bundles, tiles of level 0, one of level 1 are pruned");
	ok(!judged(&m, WHOLE, &root, &f) && f.first_bad == 0,
	    "without a minimum index they are missing");
	m.s.minimum = FROM;
	ok(judged(&m, WHOLE, &root, &f) && f.count[TLOG_PRUNED] == FROM &&
		f.count[TLOG_HOLDS] == WHOLE - FROM && f.tiles_bad == 0,
	    "with it the rest holds");
	for (uint64_t i = FROM; i < WHOLE; i++) {
		struct buf entry = { .max = 1000 };
		struct tlog_hash leaf;

		good = good && tlog_entry(reader, i, &entry, &why) == OK &&
		       tlog_prove_inclusion(reader, i, &p, &why) == OK;
		leaf = tlog_leaf(buf_view(&entry));
		good = good &&
		       tlog_check_inclusion(i, WHOLE, &leaf, &p, &root) == OK;
		buf_done(&entry);
	}
	ok(good, "each entry that is kept has its proof");
	for (uint64_t n = FROM; n < WHOLE; n += 37)
		good = good && tlog_root(reader, n, &old, &why) == OK &&
		       tlog_prove_consistency(reader, n, &p, &why) == OK &&
		       tlog_check_consistency(n, WHOLE, &old, &root, &p) == OK;
	ok(good, "and each size since then proves that it grew: %s", why.text);
	ok(tlog_prove_inclusion(reader, 7, &p, &why) == ERR_GONE,
	    "what is pruned has none");
	store_drop(&m, "tile/entries/257");
	ok(!judged(&m, WHOLE, &root, &f) && f.first_bad == FROM &&
		f.count[TLOG_PRUNED] == FROM &&
		f.count[TLOG_MISSING] == TLOG_TILE,
	    "a bundle above it is missing and no less: %s", f.why.text);
	tlog_reader_free(reader);
	store_done(&m);
}

int
main(void)
{
	const char *seed = getenv("SEED"), *cases = getenv("TAMPER");

	test_tricks(seed == NULL ? 4711 : strtoull(seed, NULL, 10),
	    cases == NULL ? CASES : (unsigned)strtoul(cases, NULL, 10));
	test_tiles();
	test_rest();
	test_empty();
	test_pruned();
	return tap_done();
}
