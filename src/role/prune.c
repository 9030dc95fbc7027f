/*
 * prune.c: what of a ledger may go: only what is under a checkpoint that
 * counts, older than was asked, and read by no start.  What it plans it has
 * looked at: a segment by each of its records, the tree by each entry.
 */
#include <stdio.h>

#include "role/tiles-in.h"

/* ---- segments ---- */

static int
segment_fd(const char *log, uint64_t n)
{
	char path[64];

	(void)snprintf(path, sizeof(path), "../ledger/%s-%06llu.seg", log,
	    (unsigned long long)n);
	return tiles_disk.open(&tiles_disk, path);
}

struct looked {
	uint64_t end;	 /* records up to its last */
	uint64_t newest; /* of their times */
	size_t bytes;
	uint64_t before; /* a record that is not older ends the reading */
	struct buf tape;
	bool young;
};

static bool
look_at(void *arg, uint64_t seq, struct str jcs, const struct tlog_hash *leaf)
{
	struct looked *l = arg;
	int64_t t = 0;

	(void)leaf;
	buf_clear(&l->tape);
	if (json_parse(jcs, &json_default, &l->tape, NULL) != OK ||
	    jv_i64(jv_get(jv_of(buf_view(&l->tape)), STR("time")), &t) != OK ||
	    t < 0 || (uint64_t)t >= l->before) {
		l->young = true; /* or of no known age: it stays */
		return false;
	}
	l->end = seq;
	return true;
}

/* ERR_GONE: there is no such segment.  One that was never written to is as old
 * as any. */
static enum err
segment_look(const char *log, uint64_t n, struct looked *l, struct note *why)
{
	struct tiles_disk *d = &tiles_disk;
	struct ledger_seen seen = { .good = 0 };
	struct str map = { NULL, 0 };
	int fd = segment_fd(log, n);
	struct note what = { "" };
	enum err e = OK;

	if (fd < 0)
		return ERR_GONE;
	if (d->map(d, fd, &map) != OK)
		e = ERR_OS;
	l->bytes = map.n;
	l->end = 0;
	if (e == OK && map.n > 0)
		e = ledger_start(map, &seen, &what);
	if (e == OK && map.n > 0) {
		l->end = seen.tree.size;
		e = ledger_open(map, &seen, &what);
	}
	if (e == OK && map.n > 0)
		e = ledger_follow(map, &seen, look_at, l, &what);
	d->unmap(d, map);
	d->close(d, &fd);
	if (e == ERR_MORE)
		e = OK; /* a torn end; what is before it counts */
	if (e != OK)
		note_set(why,
		    "%s-%06llu.seg: %s; see \"gatehouse ledger verify\"", log,
		    (unsigned long long)n, what.text);
	return e;
}

static size_t
segment_bytes(const char *log, uint64_t n)
{
	struct str map = { NULL, 0 };
	int fd = segment_fd(log, n);
	size_t bytes = 0;

	if (fd >= 0 && tiles_disk.map(&tiles_disk, fd, &map) == OK) {
		bytes = map.n;
		tiles_disk.unmap(&tiles_disk, map);
	}
	tiles_disk.close(&tiles_disk, &fd);
	return bytes;
}

static bool
segment_there(const char *log, uint64_t n)
{
	int fd = segment_fd(log, n);
	const bool there = fd >= 0;

	tiles_disk.close(&tiles_disk, &fd);
	return there;
}

/* The oldest segment that a start may read: load's last bytes of a cell, the
 * parent's last files of role budget. */
static uint64_t
read_back(const char *log, uint64_t first, uint64_t end, bool budgets)
{
	uint64_t bytes = 0;

	if (budgets)
		return end - first > ROLE_FDS_MAX ? end - ROLE_FDS_MAX : first;
	while (end > first && bytes <= LEDGER_READ_BACK)
		bytes += segment_bytes(log, --end);
	return end;
}

/* The first segment of this log that stays. */
static enum err
log_plan(struct prune *p, const char *log, uint64_t in_tree, bool budgets,
    uint64_t *kept, struct note *why)
{
	const uint64_t first = *kept > 0 ? *kept : 1;
	struct looked l = { .before = p->before, .tape = { .max = 1 << 20 } };
	uint64_t end = first, last = 0, most;
	enum err e = OK;

	while (segment_there(log, end))
		end++;
	most = read_back(log, first, end, budgets);
	if (end > first)
		*kept = first;
	for (uint64_t n = first; n < most && e == OK; n++) {
		e = segment_look(log, n, &l, why);
		if (e != OK || l.young || l.end > in_tree)
			break;
		*kept = n + 1;
		p->segments++;
		p->bytes += l.bytes;
		p->records += l.end > last ? l.end - last : 0;
		last = l.end;
	}
	buf_done(&l.tape);
	return e;
}

static enum err
logs_plan(struct prune *p, struct note *why)
{
	for (unsigned i = 0; i < p->merged.cells; i++) {
		char log[32];

		(void)snprintf(log, sizeof(log), "cell-%u", i);
		TRY(log_plan(
		    p, log, p->merged.cell[i], false, &p->kept.cell[i], why));
	}
	if (p->kept.cells < p->merged.cells)
		p->kept.cells = p->merged.cells;
	return log_plan(
	    p, "budget", p->merged.budget, true, &p->kept.budget, why);
}

/* ---- the tree ---- */

/* Are all entries of this full bundle older? */
static enum err
bundle_is_old(const struct prune *p, uint64_t n, struct buf *bytes,
    struct looked *l, bool *old)
{
	char path[TLOG_PATH_MAX];
	struct str rest, entry = { NULL, 0 };
	struct tlog_hash unused = { { 0 } };
	bool bad = false;

	(void)p;
	tlog_tile_path((struct tlog_tile){ TLOG_ENTRIES, n, TLOG_TILE }, path);
	buf_clear(bytes);
	TRY(tiles_disk.read(&tiles_disk, path, bytes));
	rest = buf_view(bytes);
	*old = true;
	while (*old && tlog_entry_next(&rest, &entry, &bad))
		*old = look_at(l, 0, entry, &unused);
	return bad ? ERR_SYNTAX : OK;
}

static enum err
tree_plan(struct prune *p, uint64_t most, struct note *why)
{
	struct buf bytes = { .max = 1 << 25 };
	struct looked l = { .before = p->before, .tape = { .max = 1 << 20 } };
	const uint64_t first = p->old.number / TLOG_TILE;
	uint64_t n = first;
	enum err e = OK;
	bool old = true;

	while (n - first < most && (n + 1) * TLOG_TILE <= p->size) {
		e = bundle_is_old(p, n, &bytes, &l, &old);
		if (e != OK || !old)
			break;
		n++;
	}
	if (e != OK)
		note_set(why,
		    "log: bundle %llu is missing or damaged; see \"gatehouse "
		    "ledger fsck\"",
		    (unsigned long long)n);
	p->kept.number = n * TLOG_TILE;
	buf_done(&bytes);
	buf_done(&l.tape);
	return e;
}

/* ---- the door ---- */

enum err
prune_plan(struct prune *p, uint64_t most, struct note *why)
{
	p->kept = p->old;
	p->segments = p->bytes = p->records = 0;
	TRY(logs_plan(p, why));
	return tree_plan(p, most, why);
}

void
prune_record(const struct prune *p, struct buf *tape)
{
	const size_t mark = tape_obj(tape);
	size_t list;

	tape_key(tape, STR("before"));
	tape_i64(tape, (int64_t)p->before);
	tape_key(tape, STR("budget"));
	tape_i64(tape, (int64_t)p->kept.budget);
	tape_key(tape, STR("cells"));
	list = tape_arr(tape);
	for (unsigned i = 0; i < p->kept.cells; i++)
		tape_i64(tape, (int64_t)p->kept.cell[i]);
	tape_end(tape, list, p->kept.cells);
	tape_key(tape, STR("minimum"));
	tape_i64(tape, (int64_t)p->kept.number);
	tape_end(tape, mark, 4);
}

void
prune_tiles(uint64_t from, uint64_t minimum)
{
	for (int l = TLOG_ENTRIES; l < TLOG_LEVELS; l++) {
		const uint64_t each = tlog_tile_end(l, 0);

		for (uint64_t n = from / each; tlog_tile_end(l, n) <= minimum;
		     n++) {
			char tile[TLOG_PATH_MAX];

			tlog_tile_path(
			    (struct tlog_tile){ l, n, TLOG_TILE }, tile);
			tiles_disk.remove(&tiles_disk, tile);
		}
	}
}
