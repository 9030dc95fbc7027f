/*
 * ledger-tree.c: the log of tiles against the segments.  Every entry must be
 * the next record of one of the logs, to the byte; under the checkpoint room
 * tlog says what holds.  One pass, and of each log only the record that is due
 * is held.  It believes neither side: where they differ it says which of them
 * is what was signed, if that can be known.
 */
#include "ctl/ledger-tree.h"

#include <unistd.h>

#include "ctl/ledger-feed.h"
#include "ctl/ledger-walk.h"
#include "ctl/tlog-dir.h"
#include "sys/sys.h"

enum { KEY_FILE_MAX = 4096, BUNDLE_MAX = TLOG_TILE * (TLOG_ENTRY_MAX + 2) };

enum err
log_signed(const char *state, const struct signed_note *n,
    const struct checkpoint *at, struct note *why)
{
	struct buf text = { .max = KEY_FILE_MAX };
	unsigned char seed[VKEY_SEED];
	struct str rest, line = { NULL, 0 };
	char path[LEDGER_DIR_ROOM + 32];
	struct vkey key;
	bool good = false;

	(void)snprintf(path, sizeof(path), "%s/keys/log.key", state);
	if (file_read(path, text.max, &text, why) != OK)
		return ERR_OS;
	rest = buf_view(&text);
	while (str_split(&rest, '\n', &line) && !good)
		good = line.n > 0 && skey_of(line, &key, seed, why) == OK &&
		       str_eq(key.name, at->origin) &&
		       signed_check(n, &key, NULL, why) == OK;
	mem_wipe(seed, sizeof(seed));
	mem_wipe(text.p, text.n);
	buf_done(&text);
	if (!good)
		note_set(why, "log/checkpoint is not signed by keys/log.key");
	return good ? OK : ERR_DENIED;
}

/* ---- a log's next record ---- */

struct due {
	struct feed_cell *c;
	uint64_t seq, taken; /* taken: by the tree, the last of them */
	struct str text;
	bool there;
	bool aligned; /* the tree's next entry of this log is this record */
};
struct comparing {
	struct ledger_tree_found *out;
	struct tlog_dir dir;
	char state[LEDGER_DIR_ROOM], log[LEDGER_DIR_ROOM + 8];
	struct feed *feed;
	struct due *due;
	size_t n, last; /* the log that the entry before was of */
	struct ledger_counts merged;
	struct tlog_found judged;
	struct checkpoint at;
	struct buf bundle, tape;
};

static void
due_next(struct due *d)
{
	d->taken = d->seq;
	d->there = feed_cell_text(d->c, &d->seq, &d->text);
}

static struct due *
due_of(struct comparing *k, unsigned cell)
{
	for (size_t i = 0; i < k->n; i++)
		if (feed_number(k->due[i].c) == cell)
			return &k->due[i];
	return NULL;
}

/* ---- entries ---- */

static void
differ(struct comparing *k, uint64_t index, const char *what)
{
	const struct tlog_found *j = &k->judged;
	const bool under = index < k->out->under;

	if (k->out->bad && k->out->first_bad <= index)
		return;
	k->out->bad = true;
	k->out->first_bad = index;
	note_set(&k->out->why, "%s%s", what,
	    !under	       ? "; it is under no checkpoint yet"
	    : !k->out->trusted ? ""
	    : j->sound || index < j->first_bad
		? "; the log's entry is what was signed: the segment was "
		  "changed"
		: "");
}

/* Whose record it says it is; logs of which the start is gone are found so. */
static bool
entry_align(struct comparing *k, uint64_t index, struct str entry)
{
	struct note why;
	int64_t seq = 0;
	struct due *d;
	struct jv v;
	char text[160], log[LEDGER_WHOSE];

	buf_clear(&k->tape);
	if (json_parse(entry, &json_default, &k->tape, &why) != OK) {
		differ(k, index, "it is no record of a ledger");
		return false;
	}
	v = jv_of(buf_view(&k->tape));
	d = due_of(k, ledger_of(v));
	if (d != NULL && jv_i64(jv_get(v, STR("seq")), &seq) == OK && seq > 0) {
		while (d->there && !d->aligned && d->seq < (uint64_t)seq)
			due_next(d);
		if (d->there && !d->aligned && d->seq > (uint64_t)seq)
			return true; /* its segment was pruned */
		d->aligned = true;
		if (d->there && str_eq(d->text, entry)) {
			due_next(d);
			return true;
		}
	}
	(void)snprintf(text, sizeof(text),
	    "it is not the next record of %s, which is %lld there and %llu in "
	    "the segments",
	    ledger_log(ledger_of(v), log), (long long)seq,
	    d == NULL || !d->there ? 0ULL : (unsigned long long)d->seq);
	differ(k, index,
	    d != NULL && d->there && d->seq == (uint64_t)seq
		? "the record of that number in the segments is another"
		: text);
	return false;
}

static bool
entry_take(struct comparing *k, uint64_t index, struct str entry)
{
	for (size_t i = 0; i < k->n; i++) {
		struct due *d = &k->due[(k->last + i) % k->n];

		if (!d->aligned || !d->there || !str_eq(d->text, entry))
			continue;
		k->last = (k->last + i) % k->n;
		due_next(d);
		return true;
	}
	return entry_align(k, index, entry);
}

/* A bundle as wide as the tree has it, or the full one that took its place. */
static enum err
bundle_read(struct comparing *k, uint64_t n)
{
	struct tlog_tile t = { TLOG_ENTRIES, n,
		tlog_tile_width(TLOG_ENTRIES, n, k->out->entries) };
	char path[TLOG_PATH_MAX];
	enum err e;

	buf_clear(&k->bundle);
	tlog_tile_path(t, path);
	e = k->dir.s.read(&k->dir.s, str_of(path), &k->bundle);
	if (e != ERR_GONE || t.width == TLOG_TILE)
		return e;
	t.width = TLOG_TILE;
	tlog_tile_path(t, path);
	return k->dir.s.read(&k->dir.s, str_of(path), &k->bundle);
}

static bool
bundle_compare(struct comparing *k, uint64_t index)
{
	struct str rest = buf_view(&k->bundle), entry = { NULL, 0 };
	bool bad = false;

	for (; index < k->out->entries && tlog_entry_next(&rest, &entry, &bad);
	     index++)
		if (!entry_take(k, index, entry))
			return false;
	if (index == k->out->entries || (!bad && index % TLOG_TILE == 0))
		return true;
	differ(k, index, "its bundle is damaged");
	return false;
}

static enum err
entries_compare(struct comparing *k, struct note *why)
{
	uint64_t n = k->dir.s.minimum / TLOG_TILE;

	for (; n * TLOG_TILE < k->out->entries; n++) {
		const enum err e = bundle_read(k, n);

		if (e == ERR_GONE) {
			differ(k, n * TLOG_TILE, "its bundle is missing");
			return OK;
		}
		if (e != OK) {
			note_set(why, "%s: %s", k->log, k->dir.why.text);
			return e;
		}
		if (!bundle_compare(k, n * TLOG_TILE))
			return OK;
	}
	return OK;
}

/* Each log is as far in the tree as "merged" says, and what follows waits. */
static void
counts_compare(struct comparing *k)
{
	for (size_t i = 0; i < k->n && !k->out->bad; i++) {
		struct due *d = &k->due[i];
		const unsigned cell = feed_number(d->c);
		const uint64_t in = cell == LEDGER_BUDGETS ? k->merged.budget
				    : cell < LEDGER_CELLS_MAX
					? k->merged.cell[cell]
					: 0;
		char text[120], log[LEDGER_WHOSE];

		(void)snprintf(text, sizeof(text),
		    "the tree has %llu records of %s, and log/merged says %llu",
		    (unsigned long long)d->taken, ledger_log(cell, log),
		    (unsigned long long)in);
		if (d->aligned && d->taken != in)
			differ(k, k->out->entries, text);
		for (; d->there && !k->out->bad; due_next(d))
			k->out->waiting += d->seq > in;
	}
}

/* ---- the whole ---- */

/* How much of each log the tree has. */
static enum err
counts_read(struct comparing *k, struct note *why)
{
	struct buf text = { .max = LEDGER_COUNTS_MAX };
	enum err e = k->dir.s.read(&k->dir.s, STR("merged"), &text);

	k->out->there = e == OK || k->out->under > 0;
	if (e == OK)
		e = ledger_counts_of(buf_view(&text), "size", &k->merged, why);
	else if (e == ERR_GONE)
		e = OK;
	else
		*why = k->dir.why;
	k->out->entries = k->merged.number;
	buf_done(&text);
	return e;
}

/* Before the counts: the tree may be growing. */
static enum err
checkpoint_read(struct comparing *k, struct note *why)
{
	struct signed_note *n = mem_get(sizeof(*n));
	struct buf text = { .max = SIGNED_MAX };
	enum err e = k->dir.s.read(&k->dir.s, STR("checkpoint"), &text), is;

	if (e == OK)
		e = signed_parse(buf_view(&text), n, why);
	if (e == OK)
		e = checkpoint_of(n->text, &k->at, why);
	if (e == OK) {
		is = log_signed(k->state, n, &k->at, why);
		k->out->under = k->at.size;
		k->out->trusted = is == OK;
		if (is == ERR_DENIED) /* a copy has no keys to ask */
			differ(k, 0, why->text);
	}
	k->at.origin = STR(""); /* it pointed into text */
	buf_done(&text);
	mem_free(n);
	return e == ERR_GONE ? OK : e;
}

/* What of the tree's files holds under it. */
static enum err
checkpoint_judge(struct comparing *k, struct note *why)
{
	struct ledger_tree_found *out = k->out;

	if (out->under > out->entries)
		differ(k, out->entries,
		    "log/merged does not know it, and it is under a signed "
		    "checkpoint");
	TRY(tlog_judge(
	    &k->dir.s, out->under, &k->at.root, NULL, &k->judged, why));
	if (!k->judged.sound)
		differ(k, k->judged.first_bad, k->judged.why.text);
	if (k->judged.tiles_bad > 0)
		differ(k, out->entries, k->judged.tile.text);
	return OK;
}

static enum err
compare(struct comparing *k, struct note *why)
{
	enum err e;

	TRY(feed_open(k->state, &k->feed, why));
	k->n = feed_cells(k->feed);
	k->due = mem_get(k->n * sizeof(*k->due));
	for (size_t i = 0; i < k->n; i++) {
		struct due *d = &k->due[i];

		d->c = feed_cell(k->feed, i);
		due_next(d);
		d->aligned = k->dir.s.minimum == 0 && feed_first(d->c) == 1;
	}
	k->out->compared = true;
	e = entries_compare(k, why);
	if (e == OK && !k->out->bad)
		counts_compare(k);
	return e;
}

enum err
ledger_tree_check(const char *dir, bool whole, struct progress *progress,
    struct ledger_tree_found *out, struct note *why)
{
	struct comparing *k = mem_get(sizeof(*k));
	enum err e = OK;

	*out = (struct ledger_tree_found){ .there = false };
	k->out = out;
	k->bundle.max = BUNDLE_MAX;
	k->tape.max = 1 << 20;
	(void)snprintf(k->log, sizeof(k->log), "%.4000s/log", dir);
	(void)snprintf(k->state, sizeof(k->state), "%.4000s", dir);
	if (access(k->log, F_OK) != 0) {
		(void)snprintf(k->log, sizeof(k->log), "%.4000s/../log", dir);
		(void)snprintf(k->state, sizeof(k->state), "%.4000s/..", dir);
	}
	k->dir = tlog_dir_of(k->log);
	k->dir.progress = progress;
	out->pruned = k->dir.s.minimum;
	e = checkpoint_read(k, why);
	if (e == OK)
		e = counts_read(k, why);
	k->dir.of = out->under + out->entries; /* read twice */
	if (e == OK && out->under > 0)
		e = checkpoint_judge(k, why);
	if (e == OK && out->there && whole)
		e = compare(k, why);
	feed_free(k->feed);
	mem_free(k->due);
	buf_done(&k->bundle);
	buf_done(&k->tape);
	mem_free(k);
	return e == ERR_GONE ? OK : e;
}
