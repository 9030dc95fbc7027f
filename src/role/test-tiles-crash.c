/*
 * test-tiles-crash: power loss under role tiles.  Two cells and role budget
 * append and sync, their segments rotate; the merge takes what it finds, keys
 * signs, the checkpoint is put in its place.  Between any two operations the
 * power goes: of every file the synced bytes are left and of the rest any
 * sectors, of every name what it was at its last sync or anything since.
 *
 * Of each such image: no log is taken for a forgery; every record that was
 * synced is there, nothing that was never written; the start goes on (merged
 * holds, every log reaches it); the checkpoint is the last that was put or one
 * that was signed since; under it every entry and every tile holds.  Some
 * images live on: at their end the tree holds each record of each log once, in
 * its order.  A disk that lies about a sync must be caught.
 *
 *	IMAGES=n    crash images (5,000)
 *	SEED=n      of the first run
 */
#include "base/tap.h"

#include <stdlib.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "checkpoint/checkpoint.h"
#include "role/keys-log.h"
#include "role/merged.h"
#include "role/test-tiles-logs.h"

enum {
	LOGS = 3,
	LIVES = 3,
	ROUNDS = 40,	   /* of a life */
	RECORDS_MAX = 700, /* of a run: over two full tiles */
	SIGNED_KEPT = 512
};

struct tally {
	unsigned images, torn, published, full, forged, lost, invented, refused,
	    unsigned_, unsound, disorder, lives, failed;
	char why[512];
};
static struct tally *tally; /* of all runs */

struct world {
	struct sim *sim;
	struct log log[LOGS];
	struct merge *m;
	bool looking;  /* an image is being looked at */
	bool too_soon; /* a writer that begins a segment before it synced */
	unsigned odds; /* of a crash, one in so many operations */
	uint64_t put;  /* size of the checkpoint that is durably in place */
	struct buf note[SIGNED_KEPT]; /* signed and not put yet, or put last */
	unsigned notes;
};

static void
wrong(unsigned *count, const char *what, const char *why)
{
	if (tally->why[0] == '\0')
		(void)snprintf(
		    tally->why, sizeof(tally->why), "%s: %s", what, why);
	++*count;
}

/* ---- logs ---- */

/* What a cell or role budget does next. */
static void
log_step(struct world *w)
{
	struct log *g = &w->log[rnd(LOGS)];
	struct tlog_range tree;
	const uint32_t what = rnd(24);

	if (g->written > RECORDS_MAX / LOGS)
		return;
	if (what == 0 || w->sim->file[g->disk.file].n > FILE_MAX / 2) {
		tree = *ledger_tree(g->l);
		if (!w->too_soon)
			log_sync(g); /* and only then the next one begins */
		log_segment(w->sim, g, &tree);
	} else if (what < 6) {
		log_sync(g);
	} else {
		for (uint32_t i = rnd(6); i > 0; i--)
			log_append(g);
	}
}

/* ---- what an image must be ---- */

static void
look_at_logs(
    const struct world *w, struct sim *img, const struct ledger_counts *at)
{
	struct note why = { .text = "" };
	bool torn = false;

	for (unsigned i = 0; i < LOGS; i++) {
		const struct log *g = &w->log[i];
		struct ledger_seen seen = { .good = 0 };
		const uint64_t in = i < 2 ? at->cell[i] : at->budget;
		unsigned n;

		if (log_read(img, g->name, &seen, &n, &torn, &why) != OK)
			wrong(&tally->forged, g->name, why.text);
		else if (seen.tree.size < g->acked)
			wrong(&tally->lost, g->name, "a synced record");
		else if (merged_log_holds(g->name, seen.tree.size, in, &why))
			wrong(&tally->refused, g->name, why.text);
		if (seen.tree.size > g->written)
			wrong(&tally->invented, g->name, "a record");
	}
	tally->torn += torn;
}

/* OK: *c is the checkpoint there; ERR_GONE: none was promised. */
static enum err
look_at_note(const struct world *w, struct str note, struct checkpoint *c)
{
	struct signed_note *n = mem_get(sizeof(*n));
	struct note why = { .text = "" };
	bool ours = false;

	for (unsigned i = 0; i < w->notes; i++)
		ours |= str_eq(note, buf_view(&w->note[i]));
	if (note.n == 0 && w->put == 0) {
		mem_free(n);
		return ERR_GONE;
	}
	if (!ours || signed_parse(note, n, &why) != OK ||
	    checkpoint_of(n->text, c, &why) != OK || c->size < w->put) {
		wrong(&tally->unsigned_, "checkpoint", why.text);
		mem_free(n);
		return ERR_DENIED;
	}
	mem_free(n);
	return OK;
}

static void
look_at_tree(struct sim *img, const struct checkpoint *c, bool there)
{
	struct tiles_store store;
	struct tlog_found found = { .sound = false };
	struct note why = { .text = "" };
	struct merge *m = NULL;

	tiles_store_open(&store, &img->disk);
	if (there) {
		if (tlog_judge(&store.s, c->size, &c->root, NULL, &found,
			&why) != OK ||
		    !found.sound || found.tiles_bad > 0)
			wrong(&tally->unsound, found.why.text, found.tile.text);
		tally->published++;
		tally->full += c->size >= TLOG_TILE;
	}
	if (merge_open(2, &img->disk, &m, &why) != OK)
		wrong(&tally->refused, "tiles", why.text);
	merge_free(m);
	tiles_store_done(&store);
}

static void
look(struct world *w)
{
	struct sim *img = sim_crash(w->sim);
	struct buf note = { .max = 8192 }, text = { .max = 8192 };
	struct checkpoint c = { .size = 0 };
	struct note why = { .text = "" };
	struct ledger_counts at;
	enum err e;

	w->looking = true;
	tally->images++;
	(void)!sim_read(&img->disk, "checkpoint", &note);
	(void)!sim_read(&img->disk, "merged", &text);
	if (ledger_counts_of(buf_view(&text), "size", &at, &why) != OK ||
	    merged_holds(&at, buf_view(&note), &why) != OK)
		wrong(&tally->refused, "merged", why.text);
	look_at_logs(w, img, &at);
	e = look_at_note(w, buf_view(&note), &c);
	look_at_tree(img, &c, e == OK);
	buf_done(&note);
	buf_done(&text);
	sim_free(img);
	w->looking = false;
}

/* Between any two operations of tiles the others go on, and the power goes. */
static void
tick(void *arg)
{
	struct world *w = arg;

	if (w->looking)
		return;
	if (rnd(3) == 0)
		log_step(w);
	if (rnd(w->odds) == 0)
		look(w);
}

/* ---- a life ---- */

static bool
publish(struct world *w)
{
	const struct tlog_hash root = merge_root(w->m);
	const uint64_t size = merge_size(w->m);
	struct buf out = { .max = 8192 };
	struct note why = { .text = "" };

	if (keys_log_sign(size,
		(struct str){ (const char *)root.b, sizeof(root.b) }, &out,
		&why) != OK) {
		wrong(&tally->unsigned_, "keys", why.text);
		return false;
	}
	BUG_ON(w->notes == SIGNED_KEPT);
	w->note[w->notes++] = out;
	if (tiles_put(&w->sim->disk, "checkpoint", buf_view(&out)) != OK)
		return false;
	w->put = size;
	for (w->notes--; w->notes > 0;) /* it took the place of these */
		buf_done(&w->note[--w->notes]);
	w->note[w->notes++] = out;
	return true;
}

/* As load, keys and tiles find it; ERR_GONE: not to be gone on from. */
static enum err
begin(struct world *w)
{
	static const char *const names[] = { "cell-0", "cell-1", "budget" };
	struct buf note = { .max = 8192 };
	struct note why = { .text = "" };
	bool torn = false;
	enum err e = OK;

	for (unsigned i = 0; i < LOGS; i++) {
		struct log *g = &w->log[i];
		struct ledger_seen seen = { .good = 0 };

		(void)snprintf(g->name, sizeof(g->name), "%s", names[i]);
		TRY(log_read(
		    w->sim, names[i], &seen, &g->segment, &torn, &why));
		g->written = g->acked = seen.tree.size;
		log_segment(w->sim, g, &seen.tree);
	}
	(void)!sim_read(&w->sim->disk, "checkpoint", &note);
	if (note.n > 0) {
		e = keys_log_last(buf_view(&note), &why);
		w->note[w->notes++] = note;
	}
	TRY(e);
	return merge_open(2, &w->sim->disk, &w->m, &why);
}

static void
end(struct world *w)
{
	merge_free(w->m);
	for (unsigned i = 0; i < LOGS; i++)
		ledger_free(w->log[i].l);
	for (unsigned i = 0; i < w->notes; i++)
		buf_done(&w->note[i]);
	sim_free(w->sim);
	mem_free(w);
}

/* The records of a log, in order. */
struct texts {
	struct buf all;
	struct str rest;
};
static void
text_got(void *arg, uint64_t seq, struct str jcs, struct jv rec)
{
	struct texts *t = arg;

	(void)seq;
	(void)rec;
	buf_str(&t->all, jcs);
	buf_ch(&t->all, '\n');
}

/* Each record of each log once, in its order, and nothing else. */
static void
look_at_order(struct world *w)
{
	struct texts t[LOGS];
	struct tiles_store store;
	struct tlog_reader *r = NULL;
	uint64_t want = 0;
	struct buf entry = { .max = TLOG_ENTRY_MAX };
	struct note why = { .text = "" };
	bool good = true;

	tiles_store_open(&store, &w->sim->disk);
	r = tlog_reader_new(&store.s, w->put);

	for (unsigned i = 0; i < LOGS; i++) {
		struct ledger_seen seen = { .good = 0 };

		t[i] = (struct texts){ .all = { .max = 1 << 24 } };
		for (unsigned n = 1; n <= w->log[i].segment; n++) {
			char path[64];
			int f;

			segment_path(&w->log[i], n, path);
			f = sim_open(&w->sim->disk, path);
			if (f < 0 || sim_size(&w->sim->file[f]) == 0)
				continue;
			(void)!ledger_read((struct str){ w->sim->file[f].p,
					       sim_size(&w->sim->file[f]) },
			    &seen, text_got, &t[i], &why);
		}
		want += w->log[i].written;
		t[i].rest = buf_view(&t[i].all);
	}
	good = want == w->put;
	for (uint64_t at = 0; at < w->put && good; at++) {
		unsigned i = 0;

		buf_clear(&entry);
		good = tlog_entry(r, at, &entry, &why) == OK;
		for (; i < LOGS && good; i++)
			if (str_starts(t[i].rest, buf_view(&entry)) &&
			    t[i].rest.p[entry.n] == '\n')
				break;
		good = good && i < LOGS;
		if (good)
			t[i].rest = str_sub(
			    t[i].rest, entry.n + 1, t[i].rest.n - entry.n - 1);
	}
	if (!good)
		wrong(&tally->disorder, "the tree",
		    "is not each record once, in its order");
	for (unsigned i = 0; i < LOGS; i++)
		buf_done(&t[i].all);
	buf_done(&entry);
	tiles_store_done(&store);
	tlog_reader_free(r);
}

/* One life on this disk; then, without a crash, to its end. */
static struct sim *
life(struct sim *sim, int lies, unsigned odds, bool too_soon)
{
	struct world *w = mem_get(sizeof(*w));
	struct sim *next = NULL;
	struct note why = { .text = "" };
	bool more = false, on = true;

	w->sim = sim;
	w->odds = odds;
	w->too_soon = too_soon;
	if (begin(w) != OK) {
		wrong(&tally->refused, "a life", "it does not begin");
		end(w);
		return NULL;
	}
	sim->tick = tick;
	sim->arg = w;
	sim->lies = (unsigned)lies;
	for (unsigned i = 0; i < ROUNDS && on; i++) {
		for (uint32_t k = rnd(4); k > 0; k--)
			log_step(w);
		on = merge_some(w->m, 1 + rnd(200), &more, &why) == OK;
		if (on && merge_size(w->m) > w->put && rnd(2) == 0)
			on = publish(w);
	}
	next = sim_crash(sim);
	sim->tick = NULL;
	for (more = true; more && on;)
		on = merge_some(w->m, 1000, &more, &why) == OK;
	if (on && merge_size(w->m) > 0 && publish(w) && lies == LIES_NONE)
		look_at_order(w);
	if (!on)
		wrong(&tally->failed, "a life", why.text);
	tally->lives++;
	end(w);
	return next;
}

/* A process of its own: role keys remembers what it signed. */
static void
run(uint64_t seed, int lies, unsigned odds, bool too_soon)
{
	const pid_t pid = fork();
	struct sim *sim = NULL;
	int status = 0;

	BUG_ON(pid < 0);
	if (pid > 0) {
		BUG_ON(waitpid(pid, &status, 0) != pid);
		if (status != 0)
			wrong(&tally->failed, "a run", "it ended early");
		return;
	}
	sim_state = seed * 2654435761U + 88172645463325252U;
	sim = sim_new();
	for (unsigned n = 0; n < LIVES && sim != NULL; n++)
		sim = life(sim, lies, odds, too_soon);
	_exit(0);
}

static void
key_take(void)
{
	static const unsigned char seed[VKEY_SEED] = { 7 };
	struct buf text = { .max = 1024 };
	struct note why;
	struct vkey key;

	BUG_ON(vkey_make(STR("example.com/log"), VKEY_ED25519, seed, &key,
		   &why) != OK);
	skey_put(&key, seed, &text);
	buf_ch(&text, '\n');
	BUG_ON(keys_log_take(buf_view(&text), &why) != OK);
	buf_done(&text);
}

static uint64_t
number(const char *name, uint64_t otherwise)
{
	const char *s = getenv(name);
	uint64_t n = otherwise;

	return s != NULL && str_u64(str_of(s), &n) == OK ? n : otherwise;
}

static unsigned
found(const struct tally *t)
{
	return t->forged + t->lost + t->invented + t->refused + t->unsigned_ +
	       t->unsound + t->disorder + t->failed;
}

/* A disk, or a writer, that does not keep its word must be noticed. */
static void
liars(uint64_t seed)
{
	static const struct {
		const char *what;
		int lies;
		bool too_soon;
	} row[] = {
		{ "of all files", LIES_ALL, false },
		{ "of a small file", LIES_FILE, false },
		{ "of names", LIES_NAMES, false },
		{ "of a segment that was taken", LIES_SEGMENT, false },
		{ "of a segment before the next begins", LIES_NONE, true },
	};

	for (size_t i = 0; i < countof(row); i++) {
		*tally = (struct tally){ .images = 0 };
		for (uint64_t n = 0; n < 40 && found(tally) == 0; n++)
			run(seed + n, row[i].lies, 2, row[i].too_soon);
		ok(found(tally) > 0, "without a sync %s it is caught: %s",
		    row[i].what, tally->why);
	}
}

int
main(void)
{
	const uint64_t seed = number("SEED", 1);
	const uint64_t images = number("IMAGES", 5000);
	struct tally *t;

	tally = mmap(NULL, sizeof(*tally), PROT_READ | PROT_WRITE,
	    MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	BUG_ON(tally == MAP_FAILED);
	t = tally;
	key_take();
	for (uint64_t n = 0; t->images < images && t->failed == 0; n++)
		run(seed + n, LIES_NONE, 2, false);
	printf("# seed %llu: %u crash images, %u of them torn, %u with a "
	       "checkpoint, %u of those over full tiles; %u lives to their "
	       "end%s%s\n",
	    (unsigned long long)seed, t->images, t->torn, t->published, t->full,
	    t->lives, t->why[0] ? "; first wrong: " : "", t->why);
	ok(t->images >= images && t->torn > images / 20 &&
		t->published > images / 2 && t->full > images / 20,
	    "as many images as were asked for, of every sort");
	ok(t->forged == 0, "no crash is taken for a forgery (%u)", t->forged);
	ok(t->lost == 0, "no synced record is lost (%u)", t->lost);
	ok(t->invented == 0, "nothing is there that was never written");
	ok(t->refused == 0, "each start goes on (%u refused)", t->refused);
	ok(t->unsigned_ == 0, "the checkpoint is one that was signed (%u)",
	    t->unsigned_);
	ok(t->unsound == 0, "and all under it is there (%u)", t->unsound);
	ok(t->disorder == 0 && t->failed == 0,
	    "in the end the tree has each record once, in order");
	liars(seed);
	return tap_done();
}
