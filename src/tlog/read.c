/* read: proofs, roots and entries out of a log's files. */
#include "tlog/tlog-in.h"

struct tlog_reader {
	struct tlog_store *s;
	uint64_t size;
	struct {
		struct tile tile; /* width 0: nothing yet */
		uint64_t n;
	} last[TLOG_LEVELS];
};

struct tlog_reader *
tlog_reader_new(struct tlog_store *s, uint64_t size)
{
	struct tlog_reader *r;

	if (size > TLOG_SIZE_MAX)
		return NULL;
	r = mem_get(sizeof(*r));
	r->s = s;
	r->size = size;
	return r;
}

void
tlog_reader_free(struct tlog_reader *r)
{
	mem_free(r);
}

/* The root of the 2^height entries from index << height on, all in the tree. */
static enum err
node_at(struct tlog_reader *r, unsigned height, uint64_t index,
    struct tlog_hash *out, struct note *why)
{
	const unsigned level = height / 8, in = height % 8;
	const uint64_t first = index << in, n = first / TLOG_TILE;
	const struct tlog_tile t = { (int)level, n,
		tlog_tile_width((int)level, n, r->size) };
	struct tile *tile = &r->last[level].tile;

	BUG_ON(level >= TLOG_LEVELS || t.width == 0);
	if (tile->width == 0 || r->last[level].n != n) {
		tile->width = 0;
		TRY(tile_read(r->s, t, tile, why));
		r->last[level].n = n;
	}
	*out = tile_node(tile, (unsigned)(first % TLOG_TILE), in);
	return OK;
}

/* The root of entries [lo, hi), which RFC 6962 splits off as one subtree. */
static enum err
subtree(struct tlog_reader *r, uint64_t lo, uint64_t hi, struct tlog_hash *out,
    struct note *why)
{
	struct tlog_range range = { .size = 0 };

	for (unsigned h = 64; h-- > 0;) {
		struct tlog_hash node;

		if (((hi - lo) >> h & 1) == 0)
			continue;
		TRY(node_at(r, h, (lo + range.size) >> h, &node, why));
		range_push(&range, h, node);
	}
	*out = tlog_range_root(&range);
	return OK;
}

/* The largest power of two below n, n at least 2. */
static uint64_t
split(uint64_t n)
{
	return UINT64_C(1) << (63 - __builtin_clzll(n - 1));
}

/* A walk from the root down leaves siblings; a proof has them the other way. */
struct span {
	uint64_t lo, hi;
};
static enum err
spans_read(struct tlog_reader *r, const struct span *s, size_t n,
    struct tlog_proof *out, struct note *why)
{
	struct tlog_proof p = { .n = 0 };

	while (n-- > 0)
		TRY(subtree(r, s[n].lo, s[n].hi, &p.at[p.n++], why));
	*out = p;
	return OK;
}

enum err
tlog_prove_inclusion(struct tlog_reader *r, uint64_t index,
    struct tlog_proof *out, struct note *why)
{
	struct span at = { 0, r->size }, side[TLOG_PROOF_MAX];
	size_t n = 0;

	if (index >= r->size) {
		note_set(why, "the tree of %llu entries has no index %llu",
		    (unsigned long long)r->size, (unsigned long long)index);
		return ERR_LIMIT;
	}
	while (at.hi - at.lo > 1) {
		const uint64_t mid = at.lo + split(at.hi - at.lo);

		if (index < mid) {
			side[n++] = (struct span){ mid, at.hi };
			at.hi = mid;
		} else {
			side[n++] = (struct span){ at.lo, mid };
			at.lo = mid;
		}
	}
	return spans_read(r, side, n, out, why);
}

enum err
tlog_prove_consistency(struct tlog_reader *r, uint64_t old,
    struct tlog_proof *out, struct note *why)
{
	struct span at = { 0, r->size }, side[TLOG_PROOF_MAX];
	size_t n = 0;

	if (old == 0 || old > r->size) {
		note_set(why, "no tree of %llu entries begins one of %llu",
		    (unsigned long long)old, (unsigned long long)r->size);
		return ERR_LIMIT;
	}
	while (old < at.hi) {
		const uint64_t mid = at.lo + split(at.hi - at.lo);

		if (old <= mid) {
			side[n++] = (struct span){ mid, at.hi };
			at.hi = mid;
		} else {
			side[n++] = (struct span){ at.lo, mid };
			at.lo = mid;
		}
	}
	if (at.lo != 0) /* else it is the old root itself */
		side[n++] = at;
	return spans_read(r, side, n, out, why);
}

enum err
tlog_root(
    struct tlog_reader *r, uint64_t n, struct tlog_hash *out, struct note *why)
{
	if (n > r->size) {
		note_set(why, "the tree has only %llu entries",
		    (unsigned long long)r->size);
		return ERR_LIMIT;
	}
	return subtree(r, 0, n, out, why);
}

enum err
tlog_entry(
    struct tlog_reader *r, uint64_t index, struct buf *out, struct note *why)
{
	const uint64_t n = index / TLOG_TILE;
	const struct tlog_tile t = { TLOG_ENTRIES, n,
		tlog_tile_width(TLOG_ENTRIES, n, r->size) };
	struct buf b = { .max = BUNDLE_MAX };
	struct str rest, entry = { NULL, 0 };
	bool bad = false;
	enum err e;

	if (index >= r->size) {
		note_set(why, "the tree has only %llu entries",
		    (unsigned long long)r->size);
		return ERR_LIMIT;
	}
	e = bundle_read(r->s, t, &b, why);
	rest = buf_view(&b);
	for (uint64_t i = n * TLOG_TILE; !e && i <= index; i++)
		if (!tlog_entry_next(&rest, &entry, &bad)) {
			note_set(why, "its bundle ends before entry %llu",
			    (unsigned long long)index);
			e = ERR_SYNTAX;
		}
	if (!e)
		buf_str(out, entry);
	buf_done(&b);
	return e ? e : buf_end(out);
}
