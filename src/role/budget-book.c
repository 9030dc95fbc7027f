/*
 * budget-book.c: role budget's hand on its log.  Promises that totals are what
 * the log says and nothing else: every life begins by reading the newest state
 * and what came after it.  Where that cannot be read there are no totals, and
 * nothing is granted.
 */
#include "role/budget-book.h"

#include <signal.h>
#include <unistd.h>

#include "ledger/ledger.h"

enum {
	BOOK_FULL = 16 * 1024 * 1024, /* of a segment: read at every start */
	STATE_PART = 2000,	      /* records of a state in one write */
};

static struct book {
	struct role_env *env;
	struct budget_segment old[ROLE_FDS_MAX]; /* oldest first */
	size_t olds;
	struct disk disk;
	struct ledger *ledger;
	int fd;
	uint64_t segment, asked_at;
	uint64_t clock, mono; /* what time it was, and when we knew */
	struct totals *totals;
	unsigned in_write;
	bool broken;
} book = { .fd = -1 };

struct totals *
book_totals(void)
{
	return book.broken ? NULL : book.totals;
}

/* The wall clock is asked once; from there on time is what has passed. */
uint64_t
book_now(void)
{
	return book.clock + (now_mono() - book.mono) / 1000000;
}

static void
clock_begin(void)
{
	const uint64_t wall = now_wall() / 1000000;
	const uint64_t last = totals_time(book.totals);

	if (wall < last)
		log_line(LOG_WARN, "budget-clock",
		    "the clock is %llu ms before the last charge: windows "
		    "stand still as long",
		    (unsigned long long)(last - wall));
	book.clock = wall > last ? wall : last;
	book.mono = now_mono();
}

/* ---- writing ---- */

static enum err
disk_write(struct disk *d, struct str s)
{
	(void)d;
	while (s.n > 0) {
		size_t n = 0;

		if (fd_write(book.fd, s, &n) != OK)
			return ERR_OS;
		s = str_sub(s, n, s.n - n);
	}
	return OK;
}

static void
tell_parent(enum msg_kind kind, enum err status)
{
	struct msg m = msg_of(kind);

	msg_set(&m, F_SEQ, book.segment);
	if (status != OK)
		msg_set(&m, F_STATUS, (uint64_t)status);
	if (chan_send(book.env->parent, &m) != OK)
		log_line(LOG_WARN, "budget", "the parent does not hear");
}

/* The parent starts us anew once the disk takes records again. */
static void
break_down(const char *what)
{
	book.broken = true;
	counters[CNT_LEDGER_BROKEN] = 1;
	log_line(LOG_ERROR, "budget-broken",
	    "%s: nothing is granted until the disk takes records again", what);
	tell_parent(MSG_FULL, ERR_OS);
}

uint64_t
book_next(void)
{
	return ledger_size(book.ledger) + 1;
}

enum err
book_stage(struct jv rec, uint64_t *seq)
{
	const uint64_t next = book_next();

	if (book.broken)
		return ERR_GONE;
	TRY(ledger_stage(book.ledger, next, now_wall(), rec, "digest",
	    (struct jv){ NULL, 0 }));
	*seq = next;
	return OK;
}

static void
ask_next_segment(void)
{
	const uint64_t bytes = ledger_bytes(book.ledger);

	if (bytes < book.asked_at + BOOK_FULL)
		return;
	book.asked_at = bytes;
	tell_parent(MSG_FULL, OK);
}

enum err
book_sync(void)
{
	if (book.broken)
		return ERR_OS;
	if (ledger_write(book.ledger) != OK) {
		break_down("a write failed");
		return ERR_OS;
	}
	count(CNT_SYNCS);
	if (fdatasync(book.fd) < 0) {
		break_down("a sync failed");
		return ERR_OS;
	}
	ask_next_segment();
	return OK;
}

/* ---- a segment's beginning ---- */

static enum err
put_state(void *arg, struct jv rec)
{
	uint64_t seq;

	(void)arg;
	TRY(book_stage(rec, &seq));
	if (++book.in_write % STATE_PART == 0)
		TRY(ledger_write(book.ledger));
	return OK;
}

static enum err
record_start(void)
{
	struct buf b = { .max = 4096 };
	const size_t o = tape_obj(&b);
	enum err e;

	tape_key(&b, STR("config"));
	tape_str(&b, jv_str(jv_get(book.env->image, STR("digest"))));
	tape_key(&b, STR("kind"));
	tape_str(&b, STR("start"));
	tape_end(&b, o, 2);
	e = put_state(NULL, jv_of(buf_view(&b)));
	buf_done(&b);
	return e;
}

/* The state is whole on the disk before the parent may forget older ones. */
static enum err
segment_begin(
    uint64_t number, struct str name, int fd, const struct tlog_range *tree)
{
	struct ledger *l = ledger_new(&book.disk, name, tree);

	if (l == NULL)
		return ERR_SYNTAX;
	ledger_free(book.ledger);
	fd_close(&book.fd);
	book.ledger = l;
	book.fd = fd;
	book.segment = number;
	book.asked_at = 0;
	TRY(record_start());
	TRY(totals_put(book.totals, book_now(), put_state, NULL));
	TRY(book_sync());
	tell_parent(MSG_SYNCED, OK);
	return OK;
}

void
book_segment(uint64_t number, struct str name, int fd)
{
	struct tlog_range tree;

	if (fd < 0 || book_totals() == NULL || book_sync() != OK) {
		fd_close(&fd);
		return;
	}
	tree = *ledger_tree(book.ledger);
	if (segment_begin(number, name, fd, &tree) != OK && !book.broken)
		break_down("a segment cannot be begun");
}

/* ---- the beginning ---- */

enum err
book_begin(struct role_env *e, struct note *why)
{
	counters[CNT_LEDGER_BROKEN] = 0;
	book.env = e;
	book.disk = (struct disk){ disk_write, NULL };
	(void)signal(SIGXFSZ, SIG_IGN); /* too large is an error of write */
	note_set(why, "no segment to write to");
	if (e->given_n == 0 || e->given_n > countof(book.old))
		return ERR_GONE;
	for (size_t i = 0; i + 1 < e->given_n; i++) {
		if ((e->given[i].flags & MF_RESUME) == 0 ||
		    fd_map_ro(e->given[i].fd[0], &book.old[i].bytes) != OK ||
		    fdatasync(e->given[i].fd[0]) < 0) {
			note_set(why, "segment %s cannot be read and synced",
			    e->given[i].name);
			return ERR_OS;
		}
		fd_close(&e->given[i].fd[0]);
		book.old[i].number = e->given[i].seq;
		book.olds++;
	}
	return (e->given[book.olds].flags & MF_RESUME) == 0 ? OK : ERR_GONE;
}

enum err
book_open(struct note *why)
{
	const size_t last = book.olds;
	struct ledger_seen *seen = mem_get(sizeof(*seen));
	uint64_t over = 0;
	enum err e;

	book.totals = totals_new();
	e = totals_from(book.old, last, book.totals, seen, &over, why);
	if (over > 0)
		log_line(LOG_ERROR, "budget-overrun",
		    "%llu charges on record are over their limits",
		    (unsigned long long)over);
	counters[CNT_BUDGET_OVERRUN] = over;
	while (book.olds > 0)
		fd_unmap(book.old[--book.olds].bytes);
	book.broken = e != OK;
	if (!e) {
		clock_begin();
		note_set(why, "the budgets' log cannot be written");
		e = segment_begin(book.env->given[last].seq,
		    str_of(book.env->given[last].name),
		    book.env->given[last].fd[0], &seen->tree);
	}
	if (e && !book.broken)
		break_down("a segment cannot be begun");
	mem_free(seen);
	return e;
}
