/*
 * tiles-merge.c: the logs of the cells and of role budget become one tree.
 * Each log's records stand in its order, without a gap; between logs they stand
 * as they were found.  What stands where is settled once "merged" says so:
 * files of a larger tree that a crash left behind are written over, and no
 * checkpoint was signed of them.
 */
#include <stdio.h>

#include "role/tiles-in.h"

enum {
	STRIKES = 10, /* looks at bytes that were being written each time */
	SEGMENTS_MAX = 999999
};

struct source {
	char name[16];	  /* "cell-0", "budget" */
	unsigned segment; /* the open one; 0: none yet */
	unsigned first;	  /* that is still here */
	struct tiles_disk *disk;
	int fd;
	struct ledger_seen seen;
	uint64_t merged; /* records of it that are in the tree */
	size_t at;	 /* bytes when it was last looked at */
	unsigned strikes;
	bool stuck;
};
struct merge {
	struct tiles_disk *disk;
	struct tiles_store store;
	struct tlog_writer *w;
	struct source cell[TILES_CELLS_MAX], budget;
	unsigned cells;
	size_t left; /* records that this round may take yet */
	enum err bad;
};

/* ---- merged ---- */

static enum err
merged_read(struct merge *m, uint64_t *size, struct note *why)
{
	struct buf text = { .max = LEDGER_COUNTS_MAX };
	struct ledger_counts at = { .number = 0 };
	enum err e = m->disk->read(m->disk, "merged", &text);

	note_set(why, "log/merged cannot be read");
	if (e == OK || e == ERR_GONE)
		e = ledger_counts_of(buf_view(&text), "size", &at, why);
	buf_done(&text);
	TRY(e);
	for (unsigned i = 0; i < TILES_CELLS_MAX && i < at.cells; i++)
		m->cell[i].merged = at.cell[i];
	m->cells = at.cells > m->cells ? at.cells : m->cells;
	m->cells = m->cells < TILES_CELLS_MAX ? m->cells : TILES_CELLS_MAX;
	m->budget.merged = at.budget;
	*size = at.number;
	return OK;
}

struct ledger_counts
merge_counts(const struct merge *m)
{
	struct ledger_counts at = { merge_size(m), { 0 }, m->budget.merged,
		m->cells };

	for (unsigned i = 0; i < m->cells; i++)
		at.cell[i] = m->cell[i].merged;
	return at;
}

static enum err
merged_write(const struct merge *m)
{
	const struct ledger_counts at = merge_counts(m);
	struct buf text = { .max = LEDGER_COUNTS_MAX };
	enum err e;

	ledger_counts_put(&at, "size", &text);
	e = tiles_put(m->disk, "merged", buf_view(&text));
	buf_done(&text);
	return e;
}

/* Where each log begins that is still here. */
static enum err
pruned_read(struct merge *m, struct note *why)
{
	struct buf text = { .max = LEDGER_COUNTS_MAX };
	struct ledger_counts at = { .number = 0 };
	enum err e = m->disk->read(m->disk, "pruned", &text);

	note_set(why, "log/pruned cannot be read");
	if (e == OK || e == ERR_GONE)
		e = ledger_counts_of(buf_view(&text), "minimum", &at, why);
	buf_done(&text);
	TRY(e);
	m->budget.first = (unsigned)at.budget;
	for (unsigned i = 0; i < TILES_CELLS_MAX && i < at.cells; i++)
		m->cell[i].first = (unsigned)at.cell[i];
	return OK;
}

/* ---- segments ---- */

static int
segment_fd(const struct source *c, unsigned n)
{
	char path[64];

	(void)snprintf(path, sizeof(path), "../ledger/%s-%06u.seg", c->name, n);
	return c->disk->open(c->disk, path);
}

/* Opens segment n, whose header must go on from what was seen; `start`: from
 * wherever it says. */
static enum err
segment_take(struct source *c, unsigned n, bool start, struct note *why)
{
	struct ledger_seen seen = c->seen; /* stays, where it cannot be taken */
	struct tiles_disk *d = c->disk;
	int fd = segment_fd(c, n);
	struct str bytes = { NULL, 0 };
	enum err e = ERR_OS;

	if (fd < 0)
		return ERR_GONE;
	if (d->map(d, fd, &bytes) == OK) {
		e = start ? ledger_start(bytes, &seen, why) : OK;
		if (e == OK)
			e = ledger_open(bytes, &seen, why);
		d->unmap(d, bytes);
	}
	if (e != OK) {
		d->close(d, &fd);
		return e;
	}
	d->close(d, &c->fd);
	c->fd = fd;
	c->seen = seen;
	c->segment = n;
	c->at = 0;
	return OK;
}

/* How many records stand before segment n. */
static enum err
records_before(
    const struct source *c, unsigned n, uint64_t *out, struct note *why)
{
	struct tiles_disk *d = c->disk;
	int fd = segment_fd(c, n);
	struct ledger_seen seen = { .good = 0 };
	struct str bytes = { NULL, 0 };
	enum err e = ERR_OS;

	if (fd < 0)
		return ERR_GONE;
	if (d->map(d, fd, &bytes) == OK) {
		e = ledger_start(bytes, &seen, why);
		d->unmap(d, bytes);
	}
	d->close(d, &fd);
	*out = seen.tree.size;
	return e;
}

/* The newest segment that begins at or before what is merged. */
static enum err
segment_find(struct source *c, struct note *why)
{
	const unsigned first = c->first > 1 ? c->first : 1;
	unsigned last = 0, from = 0;

	for (unsigned n = first; n <= SEGMENTS_MAX; n++) {
		uint64_t before = 0;
		const enum err e = records_before(c, n, &before, why);

		if (e == ERR_GONE && (last > 0 || n > first))
			break;
		if (e == ERR_GONE)
			return ERR_GONE;
		last = n;
		if (e == ERR_MORE)
			continue; /* it was opened and never written to */
		if (e != OK)
			return e;
		if (before > c->merged)
			break;
		from = n;
	}
	return from == 0 ? ERR_GONE : segment_take(c, from, true, why);
}

static bool
segment_there(const struct source *c, unsigned n)
{
	int fd = segment_fd(c, n);
	const bool there = fd >= 0;

	c->disk->close(c->disk, &fd);
	return there;
}

/* The one after the open one.  One that stayed empty, for its judge died, is
 * passed over once there is a later one. */
static enum err
segment_next(struct source *c, struct note *why)
{
	unsigned n = c->segment + 1;
	enum err e = segment_take(c, n, false, why);

	while (e == ERR_MORE && segment_there(c, n + 1))
		e = segment_take(c, ++n, false, why);
	return e;
}

/* ---- records ---- */

struct taking {
	struct merge *m;
	struct source *c;
};

static bool
take(void *arg, uint64_t seq, struct str jcs, const struct tlog_hash *leaf)
{
	const struct taking *t = arg;

	if (seq <= t->c->merged)
		return true; /* of an earlier life */
	if (t->m->left == 0 || t->m->bad)
		return false;
	t->m->bad = tlog_add_leaf(t->m->w, jcs, leaf);
	if (t->m->bad)
		return false;
	t->m->left--;
	t->c->merged = seq;
	return true;
}

/* Nothing that follows a damage could be in its place. */
static void
stick(struct source *c, const char *why)
{
	c->stuck = true;
	log_line(LOG_ERROR, "log-stuck",
	    "%s, segment %u: %s: nothing more of this log comes into the "
	    "tree; see \"gatehouse ledger verify\"",
	    c->name, c->segment, why);
}

/* Takes what stands in the open segment, and then makes sure that it is on the
 * disk: what is synced before may have grown until it is looked at.  *quiet: it
 * all was taken, and it did not grow. */
static enum err
segment_follow(struct merge *m, struct source *c, bool *quiet)
{
	struct taking t = { m, c };
	struct tiles_disk *d = c->disk;
	struct str bytes = { NULL, 0 };
	struct note why = { .text = "" };
	const size_t good = c->seen.good;
	enum err e;

	if (d->map(d, c->fd, &bytes) != OK)
		return ERR_OS;
	e = ledger_follow(bytes, &c->seen, take, &t, &why);
	*quiet = c->seen.good == good && m->left > 0;
	c->at = bytes.n;
	d->unmap(d, bytes);
	if (e == ERR_OS || m->bad ||
	    (c->seen.good > good && d->sync(d, c->fd) != OK))
		return ERR_OS;
	c->strikes = e == OK || c->seen.good > good ? 0 : c->strikes + 1;
	if (e == ERR_SYNTAX && c->strikes == STRIKES)
		stick(c, why.text);
	return OK;
}

/* Everything of one log, or as much as is left to take. */
static enum err
source_follow(struct merge *m, struct source *c, struct note *why)
{
	bool quiet = false;
	enum err e = OK;

	if (c->stuck)
		return OK;
	if (c->segment == 0)
		e = segment_find(c, why);
	if (e == ERR_GONE || e == ERR_MORE)
		return OK; /* there is nothing yet */
	while (e == OK && m->left > 0) {
		/* Once the next one is there, this one grows no more. */
		const bool last = !segment_there(c, c->segment + 1);

		e = segment_follow(m, c, &quiet);
		if (last)
			break;
		while (e == OK && m->left > 0 && !quiet)
			e = segment_follow(m, c, &quiet);
		if (e == OK && m->left > 0)
			e = segment_next(c, why);
	}
	if (e == ERR_SYNTAX)
		stick(c, why->text);
	return e == ERR_MORE || e == ERR_SYNTAX ? OK : e;
}

/* ---- the door ---- */

enum err
merge_open(
    unsigned cells, struct tiles_disk *d, struct merge **out, struct note *why)
{
	struct merge *m = mem_get(sizeof(*m));
	uint64_t size = 0;
	enum err e;

	m->disk = d;
	tiles_store_open(&m->store, d);
	m->budget = (struct source){ .name = "budget", .disk = d, .fd = -1 };
	for (unsigned i = 0; i < TILES_CELLS_MAX; i++) {
		struct source *c = &m->cell[i];

		c->fd = -1;
		c->disk = d;
		(void)snprintf(c->name, sizeof(c->name), "cell-%u", i);
		/* also a cell's of a life that had more of them */
		if (i < cells || segment_there(c, 1))
			m->cells = i + 1;
	}
	e = merged_read(m, &size, why);
	if (e == OK)
		e = pruned_read(m, why);
	if (e == OK)
		e = tlog_writer_new(&m->store.s, size, &m->w, why);
	if (e != OK) {
		merge_free(m);
		return e;
	}
	*out = m;
	return OK;
}

void
merge_free(struct merge *m)
{
	if (m == NULL)
		return;
	for (unsigned i = 0; i < m->cells; i++)
		m->disk->close(m->disk, &m->cell[i].fd);
	m->disk->close(m->disk, &m->budget.fd);
	tiles_store_done(&m->store);
	tlog_writer_free(m->w);
	mem_free(m);
}

enum err
merge_some(struct merge *m, size_t most, bool *more, struct note *why)
{
	const uint64_t before = merge_size(m);
	enum err e = OK;

	m->left = most;
	note_set(why, "the log's files cannot be written");
	for (unsigned i = 0; i < m->cells && e == OK; i++)
		e = source_follow(m, &m->cell[i], why);
	if (e == OK)
		e = source_follow(m, &m->budget, why);
	*more = m->left == 0;
	if (e != OK || merge_size(m) == before)
		return e;
	TRY(tlog_flush(m->w));
	TRY(m->disk->sync_all(m->disk));
	TRY(merged_write(m));
	tiles_settled(&m->store);
	return OK;
}

uint64_t
merge_size(const struct merge *m)
{
	return tlog_writer_size(m->w);
}

struct tlog_hash
merge_root(const struct merge *m)
{
	return tlog_range_root(tlog_writer_range(m->w));
}
