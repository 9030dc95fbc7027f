/*
 * ledger-feed: the records of a ledger one by one, log by log (a cell's, or
 * LEDGER_BUDGETS: that of role budget) or over all by time, without holding
 * them: segments are mapped, and what was read stays valid until feed_free.
 * Each record is held against its mark, its chain value and its number; a
 * cell's records end where one is not so.
 */
#ifndef LEDGER_FEED_H
#define LEDGER_FEED_H

#include "ledger/ledger.h"

struct feed_record {
	unsigned cell, segment;
	uint64_t seq;
	size_t at; /* of its head, in its segment */
	struct str text;
	unsigned char leaf[LEDGER_HASH];
	struct jv rec;	  /* until its cell's next */
	uint64_t time_us; /* its own word; 0: none */
};
struct feed_cell; /* one log, and how far it was read */
struct feed;
/* Errors as ledger_places.  Without cells there are no budgets. */
NODISCARD enum err feed_open(
    const char *dir, struct feed **out, struct note *why);
void feed_free(struct feed *f); /* NULL is fine */
const char *feed_dir(const struct feed *f);
size_t feed_cells(const struct feed *f);
struct feed_cell *feed_cell(struct feed *f, size_t i);

unsigned feed_number(const struct feed_cell *c); /* of the cell, or
						    LEDGER_BUDGETS */
/* The first segment that is here, and records that were pruned before it (once
 * it was read). */
unsigned feed_first(const struct feed_cell *c);
uint64_t feed_pruned(const struct feed_cell *c);
/* How far it is: the segment being read, and what its records came to. */
unsigned feed_segment(const struct feed_cell *c);
const struct ledger_seen *feed_seen(const struct feed_cell *c);
/* Goes on after what `seen` says was read of a segment, whose file must have
 * the same chain value there; before the first feed_next.  ERR_GONE: there is
 * no such segment; ERR_DENIED: it is shorter or another. */
NODISCARD enum err feed_resume(struct feed_cell *c, unsigned segment,
    const struct ledger_seen *seen, struct note *why);
void feed_rewind(struct feed *f); /* from the first record again, as opened */
/* The next record of the cell; false: the end, or feed_bad. */
bool feed_cell_next(struct feed_cell *c, struct feed_record *out);
/* The same, of its text alone, which is not read as JSON. */
bool feed_cell_text(struct feed_cell *c, uint64_t *seq, struct str *text);
/* Of all cells the one that was written first; in a cell the order stands. */
bool feed_next(struct feed *f, struct feed_record *out);
/* Is something wrong with the cell?  Then its first bad record is
 * feed_seen()->tree.size + 1, and this says what is; else NULL.  A torn end is
 * not wrong: a crash, or a write under way. */
const char *feed_bad(const struct feed_cell *c);
const struct feed_cell *feed_first_bad(const struct feed *f); /* or NULL */
/* Looks for what was written since; feed_next then goes on.  After nothing was
 * wrong but a write under way it is asked again. */
NODISCARD enum err feed_again(struct feed *f, struct note *why);
/* The record at *r's cell, segment and place, if its leaf is r's: r->text.
 * ERR_GONE: no such segment; ERR_DENIED: another record, or none. */
NODISCARD enum err feed_fetch(
    struct feed *f, struct feed_record *r, struct note *why);
/* What is on record of all: bytes in all segments, for progress. */
uint64_t feed_bytes(const struct feed *f);
uint64_t feed_bytes_read(const struct feed *f);

#endif
