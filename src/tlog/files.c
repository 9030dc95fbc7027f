/* files: names and bytes of tiles and bundles (C2SP tlog-tiles). */
#include "tlog/tlog-in.h"

static const unsigned level_most = 63;

void
tlog_tile_path(struct tlog_tile t, char out[static TLOG_PATH_MAX])
{
	char groups[TLOG_PATH_MAX];
	size_t at = sizeof(groups);
	uint64_t n = t.n;
	int len;

	groups[--at] = '\0';
	for (bool last = true; last || n > 0; last = false, n /= 1000) {
		groups[--at] = (char)('0' + n % 10);
		groups[--at] = (char)('0' + n / 10 % 10);
		groups[--at] = (char)('0' + n / 100 % 10);
		if (!last)
			groups[--at] = 'x';
		groups[--at] = '/';
	}
	if (t.level == TLOG_ENTRIES)
		len =
		    snprintf(out, TLOG_PATH_MAX, "tile/entries%s", groups + at);
	else
		len = snprintf(
		    out, TLOG_PATH_MAX, "tile/%d%s", t.level, groups + at);
	BUG_ON(len < 0 || len >= TLOG_PATH_MAX - 8);
	if (t.width < TLOG_TILE)
		(void)snprintf(
		    out + len, (size_t)(TLOG_PATH_MAX - len), ".p/%u", t.width);
}

/* "x001/x234/067"; what is not canonical does not survive being written. */
static bool
number_of(struct str s, uint64_t *out)
{
	struct str group;
	uint64_t n = 0;

	while (str_split(&s, '/', &group)) {
		uint64_t v;

		if (group.n == 4 && group.p[0] == 'x')
			group = str_sub(group, 1, 3);
		if (group.n != 3 || str_u64(group, &v) != OK ||
		    n > UINT64_MAX / 1000 - 1)
			return false;
		n = n * 1000 + v;
	}
	*out = n;
	return true;
}

enum err
tlog_tile_of(struct str path, struct tlog_tile *out)
{
	struct tlog_tile t = { .width = TLOG_TILE };
	struct str rest = path, word;
	char again[TLOG_PATH_MAX];
	const size_t part = str_search(path, STR(".p/"));
	uint64_t v;

	if (part < path.n) {
		if (str_u64(str_sub(path, part + 3, path.n), &v) != OK ||
		    v == 0 || v >= TLOG_TILE)
			return ERR_SYNTAX;
		t.width = (unsigned)v;
		rest = str_sub(path, 0, part);
	}
	if (path.n >= TLOG_PATH_MAX - 8 || !str_split(&rest, '/', &word) ||
	    !str_eq(word, STR("tile")) || !str_split(&rest, '/', &word))
		return ERR_SYNTAX;
	if (str_eq(word, STR("entries")))
		t.level = TLOG_ENTRIES;
	else if (word.n > 2 || str_u64(word, &v) != OK || v > level_most)
		return ERR_SYNTAX;
	else
		t.level = (int)v;
	if (rest.n == 0 || !number_of(rest, &t.n))
		return ERR_SYNTAX;
	tlog_tile_path(t, again);
	if (!str_eq(path, str_of(again)))
		return ERR_SYNTAX;
	*out = t;
	return OK;
}

unsigned
tlog_tile_width(int level, uint64_t n, uint64_t size)
{
	const unsigned shift = level <= 0 ? 0 : 8 * (unsigned)level;
	const uint64_t hashes = shift > 63 ? 0 : size >> shift;

	return n < hashes / TLOG_TILE	 ? TLOG_TILE
	       : n == hashes / TLOG_TILE ? (unsigned)(hashes % TLOG_TILE)
					 : 0;
}

uint64_t
tlog_tile_end(int level, uint64_t n)
{
	const unsigned shift = level <= 0 ? 8 : 8 * ((unsigned)level + 1);

	return shift > 63 || n >= UINT64_MAX >> shift ? UINT64_MAX
						      : (n + 1) << shift;
}

bool
tlog_entry_next(struct str *rest, struct str *entry, bool *bad)
{
	const uint8_t *p = (const uint8_t *)rest->p;
	size_t n;

	if (rest->n == 0)
		return false;
	*bad = true;
	if (rest->n < 2)
		return false;
	n = (size_t)p[0] << 8 | p[1];
	if (rest->n - 2 < n)
		return false;
	*bad = false;
	*entry = str_sub(*rest, 2, n);
	*rest = str_sub(*rest, 2 + n, rest->n);
	return true;
}

/* Reads the file of t; of a partial one that is gone, the full one's. */
static enum err
file_read(struct tlog_store *s, struct tlog_tile t, struct buf *out,
    char path[static TLOG_PATH_MAX], struct note *why)
{
	enum err e;

	tlog_tile_path(t, path);
	e = s->read(s, str_of(path), out);
	if (e == ERR_GONE && t.width < TLOG_TILE) {
		char full[TLOG_PATH_MAX];

		t.width = TLOG_TILE;
		tlog_tile_path(t, full);
		e = s->read(s, str_of(full), out);
		if (e != ERR_GONE)
			memcpy(path, full, TLOG_PATH_MAX);
	}
	if (e == ERR_GONE)
		note_set(why, "%s is missing", path);
	else if (e == ERR_LIMIT)
		note_set(why, "%s is too long", path);
	else if (e)
		note_set(why, "%s cannot be read", path);
	return e == ERR_LIMIT ? ERR_SYNTAX : e;
}

enum err
tile_read(struct tlog_store *s, struct tlog_tile t, struct tile *out,
    struct note *why)
{
	struct buf b = { .max = TLOG_TILE * TLOG_HASH };
	char path[TLOG_PATH_MAX];
	const size_t want = (size_t)t.width * TLOG_HASH;
	enum err e = file_read(s, t, &b, path, why);

	if (!e && b.n != want && b.n != TLOG_TILE * TLOG_HASH) {
		note_set(why, "%s has %zu bytes, not %zu", path, b.n, want);
		e = ERR_SYNTAX;
	}
	if (!e) {
		out->width = t.width;
		memcpy(out->at, b.p, want);
	}
	buf_done(&b);
	return e;
}

struct tlog_hash
tile_node(const struct tile *t, unsigned from, unsigned height)
{
	struct tlog_range r = { .size = 0 };

	BUG_ON(from + (1U << height) > t->width);
	for (unsigned i = 0; i < 1U << height; i++)
		tlog_range_add(&r, &t->at[from + i]);
	return tlog_range_root(&r);
}

enum err
bundle_read(
    struct tlog_store *s, struct tlog_tile t, struct buf *out, struct note *why)
{
	char path[TLOG_PATH_MAX];

	return file_read(s, t, out, path, why);
}
