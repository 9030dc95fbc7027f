/* write: entries in, bundles and tiles out.  A file goes out when what it
 * names is settled, and the bundle before the tile that hashes it. */
#include "tlog/tlog-in.h"

struct tlog_writer {
	struct tlog_store *s;
	uint64_t size;
	struct tlog_range range; /* as it was when somebody asked */
	struct buf bundle;	 /* of the entries since the last full one */
	struct tile open[TLOG_LEVELS];
	unsigned out[TLOG_LEVELS]; /* so wide their files are */
	enum err bad;
};

/* Of the tree of w->size entries, the right edge of one level. */
static struct tlog_tile
edge(const struct tlog_writer *w, int level)
{
	const unsigned shift = level <= 0 ? 0 : 8 * (unsigned)level;
	const uint64_t n = (w->size >> shift) / TLOG_TILE;

	return (
	    struct tlog_tile){ level, n, tlog_tile_width(level, n, w->size) };
}

/* Goes on where a log of size entries ended. */
static enum err
resume(struct tlog_writer *w, uint64_t size, struct note *why)
{
	struct tlog_reader *r = tlog_reader_new(w->s, size);
	struct tlog_tile t;
	enum err e = r == NULL ? ERR_LIMIT : OK;

	if (e)
		note_set(why, "a log has at most 2^62 entries");
	w->size = size;
	for (int l = 0; l < TLOG_LEVELS && !e; l++) {
		t = edge(w, l);
		if (t.width > 0)
			e = tile_read(w->s, t, &w->open[l], why);
		w->out[l] = t.width;
	}
	t = edge(w, TLOG_ENTRIES);
	if (!e && t.width > 0)
		e = bundle_read(w->s, t, &w->bundle, why);
	tlog_reader_free(r);
	return e;
}

/* The bundle that was read may be a longer one's: only ours is kept. */
static enum err
bundle_cut(struct tlog_writer *w, struct note *why)
{
	struct str rest = buf_view(&w->bundle), entry;
	bool bad = false;

	for (unsigned i = 0; i < w->open[0].width; i++) {
		struct tlog_hash h;

		if (!tlog_entry_next(&rest, &entry, &bad)) {
			note_set(why, "the last bundle lacks entry %u", i);
			return ERR_SYNTAX;
		}
		h = tlog_leaf(entry);
		if (!tlog_same(&h, &w->open[0].at[i])) {
			note_set(why,
			    "entry %u of the last bundle is not "
			    "what its tile says",
			    i);
			return ERR_SYNTAX;
		}
	}
	w->bundle.n -= rest.n;
	return OK;
}

enum err
tlog_writer_new(struct tlog_store *s, uint64_t size, struct tlog_writer **out,
    struct note *why)
{
	struct tlog_writer *w = mem_get(sizeof(*w));
	enum err e;

	w->s = s;
	w->bundle.max = BUNDLE_MAX;
	e = resume(w, size, why);
	if (!e)
		e = bundle_cut(w, why);
	if (e) {
		tlog_writer_free(w);
		return e;
	}
	*out = w;
	return OK;
}

void
tlog_writer_free(struct tlog_writer *w)
{
	if (w != NULL)
		buf_done(&w->bundle);
	mem_free(w);
}

static enum err
put(struct tlog_writer *w, struct tlog_tile t, struct str bytes)
{
	char path[TLOG_PATH_MAX];

	tlog_tile_path(t, path);
	w->bad = w->s->write(w->s, str_of(path), bytes);
	return w->bad;
}

static struct str
tile_bytes(const struct tile *t)
{
	return (
	    struct str){ (const char *)t->at, (size_t)t->width * TLOG_HASH };
}

/* A full tile's root is a hash of the level above, which may be full then. */
static enum err
settle(struct tlog_writer *w, uint64_t index)
{
	for (int l = 0; l < TLOG_LEVELS && w->open[l].width == TLOG_TILE; l++) {
		struct tile *t = &w->open[l];

		TRY(put(w, (struct tlog_tile){ l, index, TLOG_TILE },
		    tile_bytes(t)));
		if (l + 1 < TLOG_LEVELS) {
			struct tile *up = &w->open[l + 1];

			up->at[up->width++] = tile_node(t, 0, 8);
		}
		t->width = w->out[l] = 0;
		index /= TLOG_TILE;
	}
	return OK;
}

enum err
tlog_add(struct tlog_writer *w, struct str entry)
{
	const struct tlog_hash leaf = tlog_leaf(entry);

	return tlog_add_leaf(w, entry, &leaf);
}

enum err
tlog_add_leaf(
    struct tlog_writer *w, struct str entry, const struct tlog_hash *leaf)
{
	const unsigned char len[2] = { (unsigned char)(entry.n >> 8),
		(unsigned char)entry.n };
	const uint64_t n = w->size / TLOG_TILE;

	if (w->bad)
		return w->bad;
	if (entry.n > TLOG_ENTRY_MAX || w->size >= TLOG_SIZE_MAX)
		return ERR_LIMIT;
	buf_put(&w->bundle, len, sizeof(len));
	buf_str(&w->bundle, entry);
	BUG_ON(w->bundle.full);
	w->open[0].at[w->open[0].width++] = *leaf;
	w->size++;
	if (w->open[0].width < TLOG_TILE)
		return OK;
	TRY(put(w, (struct tlog_tile){ TLOG_ENTRIES, n, TLOG_TILE },
	    buf_view(&w->bundle)));
	buf_clear(&w->bundle);
	return settle(w, n);
}

/* A file that is as it should be is left alone: a checkpoint may speak of it,
 * and while it is replaced the power may go. */
enum err
tlog_flush(struct tlog_writer *w)
{
	if (w->bad)
		return w->bad;
	if (w->open[0].width > w->out[0])
		TRY(put(w, edge(w, TLOG_ENTRIES), buf_view(&w->bundle)));
	for (int l = 0; l < TLOG_LEVELS; l++) {
		if (w->open[l].width <= w->out[l])
			continue;
		TRY(put(w, edge(w, l), tile_bytes(&w->open[l])));
		w->out[l] = w->open[l].width;
	}
	return OK;
}

uint64_t
tlog_writer_size(const struct tlog_writer *w)
{
	return w->size;
}

/* The compact range's nodes are nodes of the open tiles, so that no entry is
 * hashed into it twice. */
const struct tlog_range *
tlog_writer_range(struct tlog_writer *w)
{
	w->range.size = w->size;
	for (int l = 0; l < TLOG_LEVELS; l++)
		for (unsigned h = 8, at = 0; h-- > 0;) {
			if ((w->open[l].width >> h & 1) == 0)
				continue;
			w->range.node[8 * l + (int)h] =
			    tile_node(&w->open[l], at, h);
			at += 1U << h;
		}
	return &w->range;
}
