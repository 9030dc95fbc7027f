/*
 * judge: what of a log's files holds under a root.  First the right edge, whose
 * hashes make the root; then from each of those down: a tile whose hashes make
 * what is above it is believed, and so are its hashes.  A tile that does not,
 * or is gone, is made again from what is below it.
 */
#include "tlog/tlog-in.h"

struct judge {
	struct tlog_store *s;
	uint64_t size;
	const struct tlog_told *told; /* or NULL */
	struct tlog_found *found;
	struct tlog_run open; /* not told yet */
	struct buf bundle;
	struct note last; /* of the last entry that was compared */
	enum err os;	  /* the store's own failure: then all is over */
};

/* Where a tile's hashes may come from, best first. */
enum source { FROM_FILE, FROM_TILES, FROM_ENTRIES, SOURCE__N };

static void
tell(struct judge *j, uint64_t n, enum tlog_state state)
{
	struct tlog_found *f = j->found;

	if (n == 0)
		return;
	if (state != TLOG_HOLDS && state != TLOG_PRUNED && f->sound) {
		f->sound = false;
		f->first_bad = j->open.to;
		f->why = j->last;
	}
	f->count[state] += n;
	if (j->open.from == j->open.to)
		j->open.state = state;
	if (j->open.state != state) {
		if (j->told != NULL)
			j->told->run(j->told->arg, &j->open);
		j->open.from = j->open.to;
		j->open.state = state;
	}
	j->open.to += n;
}

static void
tile_bad(struct judge *j, const struct note *why)
{
	if (j->found->tiles_bad++ == 0)
		j->found->tile = *why;
}

static struct tlog_tile
tile_at(const struct judge *j, int level, uint64_t n)
{
	return (
	    struct tlog_tile){ level, n, tlog_tile_width(level, n, j->size) };
}

/* May the file of this full tile or bundle be gone? */
static bool
may_be_pruned(const struct judge *j, int level, uint64_t n)
{
	return tlog_tile_end(level, n) <= j->s->minimum &&
	       tlog_tile_width(level, n, j->size) == TLOG_TILE;
}

/* Reads a bundle into j->bundle.  ERR_GONE, ERR_SYNTAX, ERR_OS. */
static enum err
bundle(struct judge *j, uint64_t n, struct note *why)
{
	enum err e;

	buf_clear(&j->bundle);
	e = bundle_read(j->s, tile_at(j, TLOG_ENTRIES, n), &j->bundle, why);
	if (e == ERR_OS)
		j->os = e;
	return e;
}

static bool make(struct judge *j, int level, uint64_t n, enum source from,
    struct tile *out, struct note *why);

/* The root of one full tile, from below. */
static bool
root_of(struct judge *j, int level, uint64_t n, enum source from,
    struct tlog_hash *out, struct note *why)
{
	struct tile t;

	if (!make(j, level, n, from, &t, why))
		return false;
	*out = tile_node(&t, 0, 8);
	return true;
}

static bool
hashes_of_bundle(
    struct judge *j, uint64_t n, struct tile *out, struct note *why)
{
	struct str rest, entry;
	bool bad = false;
	unsigned i = 0;

	out->width = tlog_tile_width(0, n, j->size);
	if (bundle(j, n, why) != OK)
		return false;
	rest = buf_view(&j->bundle);
	while (i < out->width && tlog_entry_next(&rest, &entry, &bad))
		out->at[i++] = tlog_leaf(entry);
	return i == out->width;
}

/* The hashes of a tile by one way of getting them; false: there is none. */
static bool
make(struct judge *j, int level, uint64_t n, enum source from, struct tile *out,
    struct note *why)
{
	const enum source below = from == FROM_TILES ? FROM_FILE : FROM_ENTRIES;
	enum err e;

	if (j->os)
		return false;
	if (from == FROM_FILE) {
		e = tile_read(j->s, tile_at(j, level, n), out, why);
		if (e == ERR_OS)
			j->os = e;
		return e == OK;
	}
	if (level == 0)
		return from == FROM_ENTRIES && hashes_of_bundle(j, n, out, why);
	out->width = tlog_tile_width(level, n, j->size);
	for (unsigned i = 0; i < out->width; i++)
		if (!root_of(j, level - 1, n * TLOG_TILE + i, below,
			&out->at[i], why))
			return false;
	return true;
}

/* ---- entries against hashes that are believed ---- */

/* After its entries nothing may follow, unless it is the full bundle of a
 * longer log, standing in for a partial one. */
static void
bundle_rest(struct judge *j, uint64_t n, unsigned i, struct str rest)
{
	struct note why;
	struct str entry;
	bool bad = rest.n > 0 && i == TLOG_TILE;

	if (rest.n == 0)
		return;
	while (!bad && tlog_entry_next(&rest, &entry, &bad))
		i++;
	if (!bad && i == TLOG_TILE)
		return;
	note_set(&why, "bundle %llu has bytes after its last entry",
	    (unsigned long long)n);
	tile_bad(j, &why);
}

static void
entries(struct judge *j, uint64_t n, const struct tile *t)
{
	struct str rest, entry;
	bool bad = false;
	unsigned i = 0;
	const enum err e = bundle(j, n, &j->last);

	if (e != OK) {
		if (!j->os)
			tell(j, t->width,
			    e == ERR_GONE && may_be_pruned(j, TLOG_ENTRIES, n)
				? TLOG_PRUNED
				: TLOG_MISSING);
		return;
	}
	rest = buf_view(&j->bundle);
	for (; i < t->width && tlog_entry_next(&rest, &entry, &bad); i++) {
		const struct tlog_hash h = tlog_leaf(entry);
		const bool same = tlog_same(&h, &t->at[i]);

		if (!same)
			note_set(&j->last,
			    "the entry is not the one under the root");
		tell(j, 1, same ? TLOG_HOLDS : TLOG_CHANGED);
	}
	if (i == t->width) {
		bundle_rest(j, n, i, rest);
		return;
	}
	note_set(
	    &j->last, "its bundle ends %s", bad ? "inside it" : "before it");
	tell(j, bad, TLOG_CHANGED);
	tell(j, t->width - i - bad, TLOG_MISSING);
}

static void down(struct judge *j, int level, uint64_t n, const struct tile *t);

/* All entries under full tile n, whose root is believed to be `want`. */
static void
under(struct judge *j, int level, uint64_t n, const struct tlog_hash *want)
{
	const uint64_t each = UINT64_C(1) << (8 * (level + 1));
	struct tile *t = mem_get(sizeof(*t));
	struct note unused = { "" };
	bool good = false;

	/* What is below a tile that was pruned was pruned with it. */
	if (may_be_pruned(j, level, n) &&
	    tile_read(j->s, tile_at(j, level, n), t, &unused) == ERR_GONE) {
		tell(j, each, TLOG_PRUNED);
		mem_free(t);
		return;
	}
	for (unsigned from = FROM_FILE; from < SOURCE__N && !good; from++) {
		struct note why = { "" };
		struct tlog_hash root;

		if (!make(j, level, n, from, t, &why)) {
			if (from == FROM_FILE)
				tile_bad(j, &why);
			continue;
		}
		root = tile_node(t, 0, 8);
		good = tlog_same(&root, want);
		if (!good && from == FROM_FILE) {
			char path[TLOG_PATH_MAX];

			tlog_tile_path(tile_at(j, level, n), path);
			note_set(&why, "%s is not under the root", path);
			tile_bad(j, &why);
		}
	}
	if (j->os) {
		/* nothing more is said */
	} else if (good) {
		down(j, level, n, t);
	} else {
		note_set(&j->last, "neither its tile nor its bundle makes the "
				   "hash above them");
		tell(j, each, TLOG_UNKNOWN);
	}
	mem_free(t);
}

static void
down(struct judge *j, int level, uint64_t n, const struct tile *t)
{
	if (level == 0)
		entries(j, n, t);
	else
		for (unsigned i = 0; i < t->width && !j->os; i++)
			under(j, level - 1, n * TLOG_TILE + i, &t->at[i]);
}

/* ---- the right edge ---- */

struct edge {
	uint64_t n; /* of the tile of this level */
	unsigned width;
	bool has[SOURCE__N];
	struct tile by[SOURCE__N];
	enum source chosen;
};

/* The root that the edges give as they are chosen. */
static struct tlog_hash
edges_root(const struct edge e[static TLOG_LEVELS])
{
	struct tlog_range r = { .size = 0 };

	for (int l = TLOG_LEVELS - 1; l >= 0; l--)
		for (unsigned i = 0; i < e[l].width; i++)
			range_push(
			    &r, 8 * (unsigned)l, e[l].by[e[l].chosen].at[i]);
	return tlog_range_root(&r);
}

/* Tries every choice of sources until one gives the root. */
static bool
edges_fit(
    struct edge e[static TLOG_LEVELS], int level, const struct tlog_hash *root)
{
	if (level == TLOG_LEVELS) {
		const struct tlog_hash h = edges_root(e);

		return tlog_same(&h, root);
	}
	if (e[level].width == 0)
		return edges_fit(e, level + 1, root);
	for (unsigned from = 0; from < SOURCE__N; from++) {
		e[level].chosen = from;
		if (e[level].has[from] && edges_fit(e, level + 1, root))
			return true;
	}
	return false;
}

static void
edge_tile_bad(struct judge *j, int level, const struct edge *e)
{
	struct note why = { "" };
	char path[TLOG_PATH_MAX];

	if (e->chosen == FROM_FILE)
		return;
	tlog_tile_path(tile_at(j, level, e->n), path);
	note_set(&why, "%s is %s", path,
	    e->has[FROM_FILE] ? "not under the root"
			      : "missing or of another length");
	tile_bad(j, &why);
}

static bool
edges_find(struct judge *j, struct edge *e, const struct tlog_hash *root)
{
	unsigned most = FROM_FILE;
	bool fit = false;

	for (; most < SOURCE__N && !fit; most++) {
		for (int l = 0; l < TLOG_LEVELS && !j->os; l++) {
			struct note unused = { "" };

			e[l].n = j->size >> (8 * (l + 1) - 1) >> 1;
			e[l].width = tlog_tile_width(l, e[l].n, j->size);
			e[l].has[most] =
			    e[l].width > 0 &&
			    make(j, l, e[l].n, most, &e[l].by[most], &unused);
		}
		fit = !j->os && edges_fit(e, 0, root);
	}
	return fit;
}

static void
judge_all(struct judge *j, const struct tlog_hash *root)
{
	struct edge *e = mem_get(TLOG_LEVELS * sizeof(*e));

	if (edges_find(j, e, root)) {
		for (int l = 0; l < TLOG_LEVELS; l++)
			if (e[l].width > 0)
				edge_tile_bad(j, l, &e[l]);
		for (int l = TLOG_LEVELS - 1; l >= 0 && !j->os; l--)
			if (e[l].width > 0)
				down(j, l, e[l].n, &e[l].by[e[l].chosen]);
	} else if (!j->os) {
		note_set(&j->last, "neither the tiles nor the bundles at the "
				   "log's end make the root");
		tell(j, j->size, TLOG_UNKNOWN);
		j->found->sound = false; /* of no entries, too */
		j->found->why = j->last;
	}
	mem_free(e);
}

enum err
tlog_judge(struct tlog_store *s, uint64_t size, const struct tlog_hash *root,
    const struct tlog_told *told, struct tlog_found *out, struct note *why)
{
	struct judge j = { .s = s,
		.size = size,
		.told = told,
		.found = out,
		.bundle = { .max = BUNDLE_MAX } };

	*out = (struct tlog_found){ .sound = true };
	if (size > TLOG_SIZE_MAX) {
		note_set(why, "a log has at most 2^62 entries");
		return ERR_LIMIT;
	}
	judge_all(&j, root);
	if (j.open.from < j.open.to && told != NULL && !j.os)
		told->run(told->arg, &j.open);
	buf_done(&j.bundle);
	if (j.os)
		note_set(why, "a file of the log cannot be read");
	return j.os;
}
