/*
 * ledger-walk.c: finds the segments, puts them in order and reads them.  Says
 * of each cell what is first wrong with it.  It refuses to follow links and to
 * guess what is in a gap.
 */
#include "ctl/ledger-walk.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "ctl/ledger-print.h"
#include "index/index.h"
#include "sys/sys.h"

enum { PATH_ROOM = LEDGER_DIR_ROOM, SEGMENTS_MAX = 1000000 };

const char *
ledger_whose(unsigned cell, char out[static LEDGER_WHOSE])
{
	if (cell == LEDGER_BUDGETS)
		return "budgets";
	(void)snprintf(out, LEDGER_WHOSE, "%u", cell);
	return out;
}

const char *
ledger_log(unsigned cell, char out[static LEDGER_WHOSE])
{
	if (cell == LEDGER_BUDGETS)
		return "budgets";
	(void)snprintf(out, LEDGER_WHOSE, "cell %u", cell);
	return out;
}

void
ledger_segment(unsigned cell, unsigned number, char out[static LEDGER_SEGMENT])
{
	if (cell == LEDGER_BUDGETS)
		(void)snprintf(out, LEDGER_SEGMENT, "budget-%06u", number);
	else
		(void)snprintf(
		    out, LEDGER_SEGMENT, "cell-%u-%06u", cell, number);
}

unsigned
ledger_of(struct jv rec)
{
	int64_t cell = LEDGER_BUDGETS;

	if (index_accounts(jv_str(jv_get(rec, STR("kind")))) ||
	    jv_i64(jv_get(rec, STR("cell")), &cell) != OK || cell < 0 ||
	    cell > LEDGER_BUDGETS)
		return LEDGER_BUDGETS;
	return (unsigned)cell;
}

static bool
number_of(struct str s, size_t digits, unsigned *out)
{
	uint64_t v = 0;

	if (s.n < digits || s.n > 9 || str_u64(s, &v) != OK)
		return false;
	*out = (unsigned)v;
	return true;
}

/* "cell-N-NNNNNN.seg", or "budget-NNNNNN.seg" */
static bool
place_of(const char *file, bool budgets, struct ledger_place *out)
{
	struct str s = str_of(file), cell;

	out->cell = LEDGER_BUDGETS;
	if (budgets)
		return str_starts(s, STR("budget-")) &&
		       str_ends(s, STR(".seg")) && s.n > 11 &&
		       number_of(str_sub(s, 7, s.n - 11), 6, &out->number);
	if (!str_starts(s, STR("cell-")) || !str_ends(s, STR(".seg")))
		return false;
	s = str_sub(s, 5, s.n - 5 - 4);
	return str_split(&s, '-', &cell) && s.p != NULL &&
	       number_of(cell, 1, &out->cell) && number_of(s, 6, &out->number);
}

static void
places_add(struct ledger_places *p, struct ledger_place at)
{
	if (p->n == p->cap) {
		const size_t cap = p->cap == 0 ? 64 : 2 * p->cap;

		p->at = mem_more(
		    p->at, p->cap * sizeof(*p->at), cap * sizeof(*p->at));
		p->cap = cap;
	}
	p->at[p->n++] = at;
}

static int
place_cmp(const void *a, const void *b)
{
	const struct ledger_place *x = a, *y = b;

	if (x->cell != y->cell)
		return x->cell < y->cell ? -1 : 1;
	return x->number < y->number ? -1 : x->number > y->number;
}

enum err
ledger_places(
    const char *dir, bool budgets, struct ledger_places *out, struct note *why)
{
	const struct dirent *e;
	struct ledger_place at;
	DIR *d;

	out->n = 0;
	if (strlen(dir) >= PATH_ROOM - 16) {
		note_set(why, "the path is too long");
		return ERR_GONE;
	}
	(void)snprintf(out->dir, sizeof(out->dir), "%s/ledger", dir);
	if (access(out->dir, F_OK) != 0)
		(void)snprintf(out->dir, sizeof(out->dir), "%s", dir);
	d = opendir(out->dir);
	if (d == NULL) {
		note_set(why, "%s: %s", out->dir, strerrordesc_np(errno));
		return errno == ENOENT || errno == ENOTDIR ? ERR_GONE : ERR_OS;
	}
	while ((e = readdir(d)) != NULL && out->n < SEGMENTS_MAX)
		if (place_of(e->d_name, budgets, &at))
			places_add(out, at);
	(void)closedir(d);
	if (out->n > 0)
		qsort(out->at, out->n, sizeof(*out->at), place_cmp);
	else
		note_set(why, "%s: no segment of a ledger", out->dir);
	return out->n > 0 ? OK : ERR_GONE;
}

enum err
ledger_kept(const char *ledger_dir, struct ledger_counts *out, struct note *why)
{
	struct buf text = { .max = LEDGER_COUNTS_MAX };
	char path[PATH_ROOM + 64];
	enum err e = OK;

	(void)snprintf(path, sizeof(path), "%s/../log/pruned", ledger_dir);
	if (access(path, F_OK) == 0)
		e = file_read(path, LEDGER_COUNTS_MAX, &text, why);
	if (e == OK)
		e = ledger_counts_of(buf_view(&text), "minimum", out, why);
	buf_done(&text);
	return e;
}

unsigned
ledger_first(const struct ledger_counts *kept, unsigned cell)
{
	const uint64_t n = cell == LEDGER_BUDGETS ? kept->budget
			   : cell < kept->cells	  ? kept->cell[cell]
						  : 0;

	return n > 1 ? (unsigned)n : 1;
}

/* ---- one cell ---- */

struct walking {
	const struct walk *w;
	struct walk_cell c; /* the one that is read */
	uint64_t done, of;  /* bytes */
	unsigned first;	    /* segment that must be here */
};

static void
pass_on(void *arg, uint64_t seq, struct str jcs, struct jv rec)
{
	struct walking *k = arg;

	if (k->w->record != NULL)
		k->w->record(k->w->arg, k->c.cell, seq, jcs, rec);
}

static void
blame(struct walk_cell *c, const struct note *why)
{
	if (c->bad)
		return;
	c->bad = true;
	c->first_bad = c->seen.tree.size + 1;
	c->why = *why;
}

/* After something wrong the next segment's own word is all there is. */
static void
restart(struct walk_cell *c, struct str bytes)
{
	struct ledger_seen fresh;
	struct note unused;

	if (ledger_start(bytes, &fresh, &unused) == OK)
		c->seen = fresh;
}

static void
segment_bytes(struct walking *k, const char *name, struct str bytes)
{
	struct walk_cell *c = &k->c;
	struct note why = { "" }, told;
	enum err e;

	if (c->segments == 1 && k->first > 1) { /* what was before was pruned */
		restart(c, bytes);
		c->pruned = c->seen.tree.size;
	}
	e = ledger_read(bytes, &c->seen, pass_on, k, &why);

	note_set(&told, "segment %s: %s", name, why.text);
	if (e == ERR_MORE && bytes.n > 0) {
		c->torn_segments++;
		c->torn = told;
	}
	if (e != ERR_SYNTAX && c->seen.good > 0 &&
	    strcmp(c->seen.segment, name) != 0) {
		note_set(&told, "segment %s is another's, named %s", name,
		    c->seen.segment);
		e = ERR_SYNTAX;
	}
	if (e != ERR_SYNTAX)
		return;
	blame(c, &told);
	if (c->seen.good == 0) { /* it did not follow: what does it hold? */
		restart(c, bytes);
		(void)!ledger_read(bytes, &c->seen, pass_on, k, &why);
	}
}

static void
unmap(struct str bytes)
{
	union {
		const char *in;
		void *out;
	} p = { bytes.p };

	if (bytes.n > 0)
		(void)munmap(p.out, bytes.n);
}

static enum err
segment_walk(
    struct walking *k, const char *dir, unsigned number, struct note *why)
{
	__attribute__((cleanup(fd_close))) int fd = -1;
	struct str bytes = { NULL, 0 };
	char name[LEDGER_SEGMENT], path[PATH_ROOM + 64];

	ledger_segment(k->c.cell, number, name);
	(void)snprintf(path, sizeof(path), "%s/%s.seg", dir, name);
	TRY(file_open(path, false, &fd, why));
	if (fd_map_ro(fd, &bytes) != OK) {
		note_set(why, "%s: %s", path, strerrordesc_np(errno));
		return ERR_OS;
	}
	k->c.segments++;
	k->c.bytes += bytes.n;
	if (k->w->progress != NULL)
		progress_at(k->w->progress, k->done + k->c.bytes, k->of);
	segment_bytes(k, name, bytes);
	unmap(bytes);
	return OK;
}

static enum err
cell_walk(struct walking *k, const char *dir, const struct ledger_place *at,
    size_t n, struct note *why)
{
	struct walk_cell *c = &k->c;
	unsigned next = k->first;
	enum err e = OK;

	*c = (struct walk_cell){ .cell = at[0].cell };
	for (size_t i = 0; i < n && e == OK; i++) {
		struct note gap;

		if (at[i].number < k->first)
			continue; /* a pruning that was ended left it */
		if (at[i].number != next) {
			note_set(&gap, "segments %u to %u are missing", next,
			    at[i].number - 1);
			blame(c, &gap);
		}
		next = at[i].number + 1;
		e = segment_walk(k, dir, at[i].number, why);
	}
	k->done += c->bytes;
	if (e == OK && k->w->cell != NULL)
		k->w->cell(k->w->arg, c);
	return e;
}

static uint64_t
size_of(const struct ledger_places *p)
{
	uint64_t n = 0;

	for (size_t i = 0; i < p->n; i++) {
		char name[LEDGER_SEGMENT], path[PATH_ROOM + 64];
		struct stat st;

		ledger_segment(p->at[i].cell, p->at[i].number, name);
		(void)snprintf(path, sizeof(path), "%s/%s.seg", p->dir, name);
		if (stat(path, &st) == 0)
			n += (uint64_t)st.st_size;
	}
	return n;
}

static enum err
walk(const char *dir, const struct walk *w, bool budgets, struct note *why)
{
	struct walking k = { .w = w };
	struct ledger_counts kept = { .number = 0 };
	struct ledger_places p = { .n = 0 };
	enum err e = ledger_places(dir, budgets, &p, why);

	if (e == OK)
		e = ledger_kept(p.dir, &kept, why);
	if (e == OK && w->progress != NULL)
		k.of = size_of(&p);
	for (size_t i = 0, n; i < p.n && e == OK; i += n) {
		for (n = 1; i + n < p.n && p.at[i + n].cell == p.at[i].cell;)
			n++;
		k.first = ledger_first(&kept, p.at[i].cell);
		e = cell_walk(&k, p.dir, p.at + i, n, why);
	}
	mem_free(p.at);
	return e;
}

enum err
ledger_walk(const char *dir, const struct walk *w, struct note *why)
{
	return walk(dir, w, false, why);
}

enum err
ledger_walk_budgets(const char *dir, const struct walk *w, struct note *why)
{
	return walk(dir, w, true, why);
}
