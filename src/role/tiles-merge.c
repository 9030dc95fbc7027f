/*
 * tiles-merge.c: the logs of the cells and of role budget become one tree.
 * Each log's records stand in its order, without a gap; between logs they stand
 * as they were found.  What stands where is settled once "merged" says so:
 * files of a larger tree that a crash left behind are written over, and no
 * checkpoint was signed of them.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "role/tiles-in.h"
#include "json/json.h"

enum {
	STRIKES = 10, /* looks at bytes that were being written each time */
	MERGED_MAX = 64 * 1024,
	SEGMENTS_MAX = 999999
};

struct source {
	char name[16];	  /* "cell-0", "budget" */
	unsigned segment; /* the open one; 0: none yet */
	int fd;
	struct ledger_seen seen;
	uint64_t merged; /* records of it that are in the tree */
	size_t at;	 /* bytes when it was last looked at */
	unsigned strikes;
	bool stuck;
};
struct merge {
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
	struct buf text = { .max = MERGED_MAX }, tape = { .max = MERGED_MAX };
	enum err e = tiles_store.read(&tiles_store, STR("merged"), &text);
	int64_t n = 0;
	struct jv list, v;
	struct jit it;

	*size = 0;
	note_set(why, "log/merged cannot be read");
	if (e == OK)
		e = json_parse(buf_view(&text), &json_default, &tape, why);
	if (e == OK) {
		list = jv_get(jv_of(buf_view(&tape)), STR("cells"));
		e = jv_i64(jv_get(jv_of(buf_view(&tape)), STR("size")), &n);
		*size = (uint64_t)n;
		it = jit_of(list);
		for (unsigned i = 0;
		     i < TILES_CELLS_MAX && e == OK && jit_next(&it, NULL, &v);
		     i++) {
			e = jv_i64(v, &n);
			m->cell[i].merged = (uint64_t)n;
			m->cells = i < m->cells ? m->cells : i + 1;
		}
		/* who wrote no such member took nothing of that log */
		if (jv_i64(jv_get(jv_of(buf_view(&tape)), STR("budget")), &n) ==
		    OK)
			m->budget.merged = (uint64_t)n;
	}
	buf_done(&text);
	buf_done(&tape);
	return e == ERR_GONE ? OK : e;
}

static enum err
merged_write(const struct merge *m)
{
	struct buf text = { .max = MERGED_MAX };
	enum err e;

	buf_fmt(&text, "{\"budget\":%llu,\"cells\":[",
	    (unsigned long long)m->budget.merged);
	for (unsigned i = 0; i < m->cells; i++)
		buf_fmt(&text, "%s%llu", i > 0 ? "," : "",
		    (unsigned long long)m->cell[i].merged);
	buf_fmt(&text, "],\"size\":%llu}\n", (unsigned long long)merge_size(m));
	e = tiles_put("merged", buf_view(&text));
	buf_done(&text);
	return e;
}

/* ---- segments ---- */

static int
segment_fd(const struct source *c, unsigned n)
{
	char path[64];

	(void)snprintf(path, sizeof(path), "../ledger/%s-%06u.seg", c->name, n);
	return open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
}

/* Opens segment n, whose header must go on from what was seen; `start`: from
 * wherever it says. */
static enum err
segment_take(struct source *c, unsigned n, bool start, struct note *why)
{
	__attribute__((cleanup(fd_close))) int fd = segment_fd(c, n);
	struct str bytes = { NULL, 0 };
	enum err e = ERR_GONE;

	if (fd < 0)
		return ERR_GONE;
	if (fd_map_ro(fd, &bytes) != OK)
		return ERR_MORE; /* empty: its header is yet to come */
	e = start ? ledger_start(bytes, &c->seen, why) : OK;
	if (e == OK)
		e = ledger_open(bytes, &c->seen, why);
	fd_unmap(bytes);
	if (e != OK)
		return e;
	fd_close(&c->fd);
	c->fd = fd;
	c->segment = n;
	c->at = 0;
	fd = -1; /* NOLINT(clang-analyzer-deadcode.DeadStores): for cleanup */
	return OK;
}

/* How many records stand before segment n. */
static enum err
records_before(
    const struct source *c, unsigned n, uint64_t *out, struct note *why)
{
	__attribute__((cleanup(fd_close))) int fd = segment_fd(c, n);
	struct ledger_seen seen = { .good = 0 };
	struct str bytes = { NULL, 0 };
	enum err e;

	if (fd < 0)
		return ERR_GONE;
	if (fd_map_ro(fd, &bytes) != OK)
		return ERR_MORE;
	e = ledger_start(bytes, &seen, why);
	fd_unmap(bytes);
	*out = seen.tree.size;
	return e;
}

/* The newest segment that begins at or before what is merged. */
static enum err
segment_find(struct source *c, struct note *why)
{
	unsigned last = 0, from = 0;

	for (unsigned n = 1; n <= SEGMENTS_MAX; n++) {
		uint64_t before = 0;
		const enum err e = records_before(c, n, &before, why);

		if (e == ERR_GONE && (last > 0 || n > 1))
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

	fd_close(&fd);
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
take(void *arg, uint64_t seq, struct str jcs,
    const unsigned char leaf[static LEDGER_HASH])
{
	const struct taking *t = arg;
	struct tlog_hash h;

	if (seq <= t->c->merged)
		return true; /* of an earlier life */
	if (t->m->left == 0 || t->m->bad)
		return false;
	memcpy(h.b, leaf, sizeof(h.b));
	t->m->bad = tlog_add_leaf(t->m->w, jcs, &h);
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

/* What stands in the open segment and is on the disk.  *quiet: it all was
 * taken, and it did not grow. */
static enum err
segment_follow(struct merge *m, struct source *c, bool *quiet)
{
	struct taking t = { m, c };
	struct str bytes = { NULL, 0 };
	struct note why = { .text = "" };
	const size_t good = c->seen.good;
	enum err e;

	if (fdatasync(c->fd) < 0 || fd_map_ro(c->fd, &bytes) != OK)
		return ERR_OS;
	e = ledger_follow(bytes, &c->seen, take, &t, &why);
	*quiet = c->seen.good == good && m->left > 0;
	c->at = bytes.n;
	fd_unmap(bytes);
	if (e == ERR_OS || m->bad)
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
merge_open(unsigned cells, struct merge **out, struct note *why)
{
	struct merge *m = mem_get(sizeof(*m));
	uint64_t size = 0;
	enum err e;

	m->budget = (struct source){ .name = "budget", .fd = -1 };
	for (unsigned i = 0; i < TILES_CELLS_MAX; i++) {
		struct source *c = &m->cell[i];

		c->fd = -1;
		(void)snprintf(c->name, sizeof(c->name), "cell-%u", i);
		/* also a cell's of a life that had more of them */
		if (i < cells || segment_there(c, 1))
			m->cells = i + 1;
	}
	e = merged_read(m, &size, why);
	if (e == OK)
		e = tlog_writer_new(&tiles_store, size, &m->w, why);
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
		fd_close(&m->cell[i].fd);
	fd_close(&m->budget.fd);
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
	TRY(tiles_sync());
	return merged_write(m);
}

uint64_t
merge_size(const struct merge *m)
{
	return tlog_writer_range(m->w)->size;
}

struct tlog_hash
merge_root(const struct merge *m)
{
	return tlog_range_root(tlog_writer_range(m->w));
}
