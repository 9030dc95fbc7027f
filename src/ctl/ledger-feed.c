/* ledger-feed: maps segments, follows them with room ledger, merges cells. */
#include "ctl/ledger-feed.h"

#include <errno.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <time.h>

#include "ctl/ledger-walk.h"
#include "sys/sys.h"

enum {
	BATCH = 64, /* records found at once */
	TRIES = 3,
	MAP_LEAST = 65 * 1024 * 1024, /* a segment is at most so: it can grow */
	TAPE_MAX = 8 * LEDGER_RECORD_MAX
};
static const struct json_limits limits = {
	.depth = 80, .members = LEDGER_RECORD_MAX, .string = LEDGER_RECORD_MAX
};

struct segment {
	unsigned number;
	struct str map; /* n: mapped, more than the file has */
	size_t n;	/* of the file, when it was last looked at */
};
struct found {
	struct str text;
	size_t at;
	unsigned char leaf[LEDGER_HASH];
};
struct feed_cell {
	struct feed *feed;
	unsigned cell;
	struct segment *seg;
	size_t segs, cap;
	size_t now, next_seg; /* the segment being read; to be opened */
	struct ledger_seen seen,
	    given; /* after the batch; after its last out */
	uint64_t pruned;
	struct found batch[BATCH];
	size_t n, next;
	bool bad, held;
	struct note why;
	struct buf tape;
	struct feed_record head; /* where held */
};
struct feed {
	const char *asked;
	struct ledger_places places, budgets;
	struct ledger_counts kept;
	struct feed_cell **cell;
	size_t cells, cap;
};

/* ---- segments ---- */

static void
segment_path(const struct feed *f, unsigned cell, unsigned number,
    char out[static LEDGER_DIR_ROOM + 64])
{
	char name[LEDGER_SEGMENT];

	ledger_segment(cell, number, name);
	(void)snprintf(
	    out, LEDGER_DIR_ROOM + 64, "%s/%s.seg", f->places.dir, name);
}

static void
segment_unmap(struct segment *s)
{
	union {
		const char *in;
		void *out;
	} p = { s->map.p };

	if (s->map.p != NULL)
		(void)munmap(p.out, s->map.n);
	s->map = (struct str){ NULL, 0 };
}

/* Maps more than there is, so that what is appended is seen. */
static enum err
segment_map(struct feed_cell *c, struct segment *s, struct note *why)
{
	__attribute__((cleanup(fd_close))) int fd = -1;
	char path[LEDGER_DIR_ROOM + 64];
	struct stat st;
	void *p;

	segment_path(c->feed, c->cell, s->number, path);
	TRY(file_open(path, false, &fd, why));
	if (fstat(fd, &st) < 0) {
		note_set(why, "%s: %s", path, strerrordesc_np(errno));
		return ERR_OS;
	}
	s->n = (size_t)st.st_size;
	if (s->map.p != NULL && s->n <= s->map.n)
		return OK;
	/* what points into an older mapping is outlived by it */
	s->map.n = s->n < MAP_LEAST ? MAP_LEAST : s->n;
	p = mmap(NULL, s->map.n, PROT_READ, MAP_SHARED, fd, 0);
	if (p == MAP_FAILED) {
		s->map = (struct str){ NULL, 0 };
		note_set(why, "%s: %s", path, strerrordesc_np(errno));
		return ERR_OS;
	}
	s->map.p = p;
	return OK;
}

static struct segment *
segment_of(struct feed_cell *c, unsigned number)
{
	for (size_t i = c->segs; i > 0; i--)
		if (c->seg[i - 1].number == number)
			return &c->seg[i - 1];
	return NULL;
}

static void
segment_add(struct feed_cell *c, unsigned number)
{
	if (segment_of(c, number) != NULL)
		return;
	if (c->segs == c->cap) {
		const size_t cap = c->cap == 0 ? 16 : 2 * c->cap;

		c->seg = mem_more(
		    c->seg, c->cap * sizeof(*c->seg), cap * sizeof(*c->seg));
		c->cap = cap;
	}
	c->seg[c->segs++] = (struct segment){ .number = number };
}

/* ---- cells ---- */

static struct feed_cell *
cell_of(struct feed *f, unsigned cell)
{
	for (size_t i = 0; i < f->cells; i++)
		if (f->cell[i]->cell == cell)
			return f->cell[i];
	return NULL;
}

static struct feed_cell *
cell_add(struct feed *f, unsigned cell)
{
	struct feed_cell *c = cell_of(f, cell);

	if (c != NULL)
		return c;
	if (f->cells == f->cap) {
		const size_t cap = f->cap == 0 ? 16 : 2 * f->cap;

		f->cell = mem_more(f->cell, f->cap * sizeof(struct feed_cell *),
		    cap * sizeof(struct feed_cell *));
		f->cap = cap;
	}
	c = mem_get(sizeof(*c));
	c->feed = f;
	c->cell = cell;
	c->tape.max = TAPE_MAX;
	f->cell[f->cells++] = c;
	return c;
}

static void
places_take(struct feed *f, const struct ledger_places *places)
{
	for (size_t i = 0; i < places->n; i++) {
		const struct ledger_place *p = &places->at[i];

		if (p->number >= ledger_first(&f->kept, p->cell))
			segment_add(cell_add(f, p->cell), p->number);
	}
}

enum err
feed_again(struct feed *f, struct note *why)
{
	enum err e;

	TRY(ledger_places(f->asked, false, &f->places, why));
	e = ledger_places(f->asked, true, &f->budgets, why);
	if (e != OK && e != ERR_GONE)
		return e;
	TRY(ledger_kept(f->places.dir, &f->kept, why));
	places_take(f, &f->places);
	places_take(f, &f->budgets);
	for (size_t i = 0; i < f->cells; i++) {
		struct feed_cell *c = f->cell[i];

		c->bad = false;
		if (c->seen.good > 0)
			TRY(segment_map(c, &c->seg[c->now], why));
	}
	return OK;
}

enum err
feed_open(const char *dir, struct feed **out, struct note *why)
{
	struct feed *f = mem_get(sizeof(*f));
	enum err e;

	f->asked = dir;
	e = feed_again(f, why);
	if (e == OK)
		*out = f;
	else
		feed_free(f);
	return e;
}

void
feed_free(struct feed *f)
{
	if (f == NULL)
		return;
	for (size_t i = 0; i < f->cells; i++) {
		struct feed_cell *c = f->cell[i];

		for (size_t k = 0; k < c->segs; k++)
			segment_unmap(&c->seg[k]);
		buf_done(&c->tape);
		mem_free(c->seg);
		mem_free(c);
	}
	mem_free(f->cell);
	mem_free(f->places.at);
	mem_free(f->budgets.at);
	mem_free(f);
}

const char *
feed_dir(const struct feed *f)
{
	return f->places.dir;
}

size_t
feed_cells(const struct feed *f)
{
	return f->cells;
}

struct feed_cell *
feed_cell(struct feed *f, size_t i)
{
	return f->cell[i];
}

unsigned
feed_number(const struct feed_cell *c)
{
	return c->cell;
}

unsigned
feed_first(const struct feed_cell *c)
{
	return ledger_first(&c->feed->kept, c->cell);
}

uint64_t
feed_pruned(const struct feed_cell *c)
{
	return c->pruned;
}

unsigned
feed_segment(const struct feed_cell *c)
{
	return c->now < c->segs ? c->seg[c->now].number : 0;
}

const struct ledger_seen *
feed_seen(const struct feed_cell *c)
{
	return &c->given;
}

const char *
feed_bad(const struct feed_cell *c)
{
	return c->bad ? c->why.text : NULL;
}

const struct feed_cell *
feed_first_bad(const struct feed *f)
{
	for (size_t i = 0; i < f->cells; i++)
		if (f->cell[i]->bad)
			return f->cell[i];
	return NULL;
}

/* ---- reading ---- */

static struct str
bytes_of(const struct segment *s)
{
	return (struct str){ s->map.p, s->n };
}

/* What is wrong, and where; the cell ends here. */
static bool
blame(struct feed_cell *c, const char *what)
{
	char name[LEDGER_SEGMENT];

	c->bad = true;
	ledger_segment(
	    c->cell, c->now < c->segs ? c->seg[c->now].number : 0, name);
	note_set(&c->why, "segment %s: %s", name, what);
	return false;
}

static bool
found(void *arg, uint64_t seq, struct str jcs, const struct tlog_hash *leaf)
{
	struct feed_cell *c = arg;
	struct found *f = &c->batch[c->n];

	(void)seq;
	if (c->n == BATCH)
		return false;
	f->text = jcs;
	f->at = c->seen.good;
	memcpy(f->leaf, leaf->b, LEDGER_HASH);
	c->n++;
	return true;
}

/* Opens the next segment.  false: there is none, or it is bad.  One whose
 * header is not whole has no record: it is passed over when another follows,
 * and else looked at again. */
static bool
next_segment(struct feed_cell *c)
{
	const size_t at = c->next_seg;
	const unsigned first = ledger_first(&c->feed->kept, c->cell);
	const bool last = at + 1 == c->segs;
	struct note why = { "" };
	char name[LEDGER_SEGMENT];
	enum err e = OK;

	if (at >= c->segs)
		return false;
	c->now = at;
	if (c->seg[at].number != (at == 0 ? first : c->seg[at - 1].number + 1))
		return blame(c, "the one before it is missing");
	if (segment_map(c, &c->seg[at], &why) != OK)
		return blame(c, why.text);
	if (at == 0 && first > 1) /* what was before was pruned */
		e = ledger_start(bytes_of(&c->seg[at]), &c->seen, &why);
	if (at == 0 && e == OK)
		c->pruned = c->seen.tree.size;
	if (e == OK)
		e = ledger_open(bytes_of(&c->seg[at]), &c->seen, &why);
	if (e == ERR_MORE) {
		c->next_seg += last ? 0 : 1;
		return !last;
	}
	ledger_segment(c->cell, c->seg[at].number, name);
	if (e != OK || strcmp(name, c->seen.segment) != 0)
		return blame(c, e == OK ? "it is another's" : why.text);
	c->next_seg++;
	c->given = c->seen;
	return true;
}

/* What is being written just now may look changed: it is looked at again. */
static enum err
follow(struct feed_cell *c, struct note *why)
{
	struct segment *s = &c->seg[c->now];
	enum err e = OK;

	for (unsigned i = 0; i < TRIES; i++) {
		const struct timespec pause = { .tv_nsec = 20000000 };

		e = ledger_follow(bytes_of(s), &c->seen, found, c, why);
		if (e != ERR_SYNTAX || c->n > 0 || c->now + 1 < c->segs)
			break;
		(void)nanosleep(&pause, NULL);
		TRY(segment_map(c, s, why));
	}
	return e;
}

/* Fills the batch from where the cell is.  false: nothing more, or bad. */
static bool
fill(struct feed_cell *c)
{
	struct note why = { "" };

	c->n = c->next = 0;
	if (c->bad)
		return false;
	do {
		const enum err e = c->seen.good > 0 ? follow(c, &why) : OK;

		if (c->n > 0)
			return true;
		if (e != OK && e != ERR_MORE)
			return blame(c, why.text);
	} while (next_segment(c));
	return false;
}

static bool
read_one(struct feed_cell *c, const struct found *f, struct feed_record *out)
{
	int64_t seq = 0, time = 0;

	buf_clear(&c->tape);
	if (json_parse(f->text, &limits, &c->tape, NULL) != OK)
		return blame(c, "a record that is not JSON");
	out->rec = jv_of(buf_view(&c->tape));
	if (jv_i64(jv_get(out->rec, STR("seq")), &seq) != OK ||
	    (uint64_t)seq != c->given.tree.size + 1)
		return blame(c, "a record whose seq is not its place");
	if (jv_i64(jv_get(out->rec, STR("time")), &time) != OK || time < 0)
		time = 0;
	out->cell = c->cell;
	out->segment = c->seg[c->now].number;
	out->seq = (uint64_t)seq;
	out->at = f->at;
	out->text = f->text;
	out->time_us = (uint64_t)time;
	memcpy(out->leaf, f->leaf, LEDGER_HASH);
	return true;
}

static void
step(struct feed_cell *c)
{
	if (++c->next == c->n)
		c->given = c->seen;
	else
		c->given.tree.size++;
}

bool
feed_cell_next(struct feed_cell *c, struct feed_record *out)
{
	if (c->next == c->n && !fill(c))
		return false;
	if (!read_one(c, &c->batch[c->next], out)) {
		c->n = c->next = 0;
		return false;
	}
	step(c);
	return true;
}

bool
feed_cell_text(struct feed_cell *c, uint64_t *seq, struct str *text)
{
	if (c->next == c->n && !fill(c))
		return false;
	*text = c->batch[c->next].text;
	*seq = c->given.tree.size + 1;
	step(c);
	return true;
}

bool
feed_next(struct feed *f, struct feed_record *out)
{
	struct feed_cell *least = NULL;

	for (size_t i = 0; i < f->cells; i++) {
		struct feed_cell *c = f->cell[i];

		if (!c->held)
			c->held = feed_cell_next(c, &c->head);
		if (c->held &&
		    (least == NULL || c->head.time_us < least->head.time_us))
			least = c;
	}
	if (least == NULL)
		return false;
	*out = least->head;
	least->held = false;
	return true;
}

enum err
feed_resume(struct feed_cell *c, unsigned segment,
    const struct ledger_seen *seen, struct note *why)
{
	struct segment *s = segment_of(c, segment);
	char log[LEDGER_WHOSE];

	if (s == NULL) {
		note_set(why, "%s: there is no segment %u",
		    ledger_log(c->cell, log), segment);
		return ERR_GONE;
	}
	TRY(segment_map(c, s, why));
	if (seen->good < LEDGER_HASH || seen->good > s->n ||
	    memcmp(s->map.p + seen->good - LEDGER_HASH, seen->chain,
		LEDGER_HASH) != 0) {
		note_set(why, "%s: ends before record %llu, or has another",
		    ledger_log(c->cell, log),
		    (unsigned long long)seen->tree.size);
		return ERR_DENIED;
	}
	c->now = (size_t)(s - c->seg);
	c->next_seg = c->now + 1;
	c->seen = *seen;
	ledger_segment(c->cell, segment, c->seen.segment);
	c->given = c->seen;
	return OK;
}

void
feed_rewind(struct feed *f)
{
	for (size_t i = 0; i < f->cells; i++) {
		struct feed_cell *c = f->cell[i];

		c->now = c->next_seg = 0;
		c->seen = c->given = (struct ledger_seen){ .good = 0 };
		c->pruned = 0;
		c->n = c->next = 0;
		c->bad = c->held = false;
	}
}

enum err
feed_fetch(struct feed *f, struct feed_record *r, struct note *why)
{
	struct feed_cell *c = cell_of(f, r->cell);
	struct segment *s = c == NULL ? NULL : segment_of(c, r->segment);
	struct tlog_hash sum = { { 0 } };
	char log[LEDGER_WHOSE];
	struct cur cur;
	uint32_t n;

	if (s == NULL) {
		note_set(why, "%s: there is no segment %u",
		    ledger_log(r->cell, log), r->segment);
		return ERR_GONE;
	}
	if (s->map.p == NULL)
		TRY(segment_map(c, s, why));
	cur = cur_of(s->map.p, s->n);
	(void)cur_str(&cur, r->at);
	n = cur_u32(&cur);
	(void)cur_u32(&cur);
	r->text = cur_str(&cur, n);
	if (!cur.bad)
		sum = tlog_leaf(r->text);
	if (cur.bad || memcmp(sum.b, r->leaf, LEDGER_HASH) != 0) {
		note_set(why,
		    "%s, segment %u: the record at byte %zu was changed",
		    ledger_log(r->cell, log), r->segment, r->at);
		return ERR_DENIED;
	}
	return OK;
}

uint64_t
feed_bytes(const struct feed *f)
{
	char path[LEDGER_DIR_ROOM + 64];
	uint64_t n = 0;
	struct stat st;

	for (size_t i = 0; i < f->cells; i++)
		for (size_t k = 0; k < f->cell[i]->segs; k++) {
			segment_path(f, f->cell[i]->cell,
			    f->cell[i]->seg[k].number, path);
			if (stat(path, &st) == 0)
				n += (uint64_t)st.st_size;
		}
	return n;
}

uint64_t
feed_bytes_read(const struct feed *f)
{
	uint64_t n = 0;

	for (size_t i = 0; i < f->cells; i++) {
		const struct feed_cell *c = f->cell[i];

		for (size_t k = 0; k < c->segs && k < c->now; k++)
			n += c->seg[k].n;
		n += c->seen.good;
	}
	return n;
}
