/*
 * ledger: what is written down and how.  Records are JCS objects, one leaf
 * each (RFC 6962 s.2.1 hashing); a segment is an append-only file of them.
 * Every cell has a log of its own; its tree runs over all its segments, and
 * record number SEQ is leaf SEQ - 1.  This room makes no system call: it
 * writes through a struct disk.  Byte layout: doc/formats/ledger.md.
 *
 * Who owns what.  struct disk belongs to the caller and outlives the writer.
 * What a reader's callback gets is valid during the call only.
 */
#ifndef LEDGER_H
#define LEDGER_H

#include "base/base.h"
#include "tlog/tlog.h"
#include "json/json.h"

enum {
	LEDGER_HASH = TLOG_HASH,
	LEDGER_NAME_MAX = 63,	    /* of a segment */
	LEDGER_RECORD_MAX = 65535,  /* what an entry of tlog-tiles can hold */
	LEDGER_READ_BACK = 64 << 20 /* so much of a log's end a start reads */
};

struct disk {
	enum err (*write)(
	    struct disk *d, struct str s); /* append, whole or err */
	enum err (*sync)(struct disk *d);
};

/* ---- writing ---- */
struct ledger;
/* A writer at the start of a fresh segment; name: "cell-0-000001".  prev: the
 * tree so far, all earlier segments.  NULL when the name does not fit.  The
 * header goes out with the first ledger_write. */
struct ledger *ledger_new(
    struct disk *d, struct str segment, const struct tlog_range *prev);
void ledger_free(struct ledger *l);
/* Stages one record: the members of `rec` plus "seq", "time" (microseconds,
 * from nanoseconds since 1970) and, when content is not J_NONE, its SHA-256 as
 * `content_name` and the form that was digested as content_name "_form":
 * "jcs", or "json" where JCS refuses a number.  seq must follow the last one.
 * ERR_SYNTAX: not an object, a member of ours in it, another seq; ERR_LIMIT:
 * too large even with its long strings cut to a digest.  On error nothing is
 * staged. */
NODISCARD enum err ledger_stage(struct ledger *l, uint64_t seq, uint64_t time,
    struct jv rec, const char *content_name, struct jv content);
/* Writes all staged records in one write.  After an error every later call
 * fails: what the file holds is no longer known. */
NODISCARD enum err ledger_write(struct ledger *l);
uint64_t ledger_bytes(const struct ledger *l); /* of this segment, staged too */
uint64_t ledger_size(const struct ledger *l);  /* leaves so far, all segments */
const struct tlog_range *ledger_tree(const struct ledger *l);

/* ---- reading ---- */
/* Where a reader is in one cell's log.  Zeroed before the first segment, then
 * handed from each segment to the next. */
struct ledger_seen {
	struct tlog_range tree;		   /* of every whole record so far */
	char segment[LEDGER_NAME_MAX + 1]; /* last one whose header was whole */
	uint64_t first;			   /* seq of its first record */
	size_t good; /* bytes of the last read segment that are whole */
	size_t torn; /* bytes after them */
	unsigned char chain[LEDGER_HASH]; /* value after the last record */
};
/* Takes the start from the header of `bytes` without asking what came before:
 * for reading on after a gap, or one segment alone.  Errors as ledger_read. */
NODISCARD enum err ledger_start(
    struct str bytes, struct ledger_seen *state, struct note *why);
/*
 * Walks one segment's bytes from its start.  got (may be NULL) gets every
 * whole record, as text and as tape.  ERR_MORE: the end is torn as a crash
 * tears it; what is before it stands.  ERR_SYNTAX: something else is wrong
 * with record state->tree.size + 1, or with the header; why says what.
 */
NODISCARD enum err ledger_read(struct str bytes, struct ledger_seen *state,
    void (*got)(void *arg, uint64_t seq, struct str jcs, struct jv rec),
    void *arg, struct note *why);
/* Takes the segment's header and stops before its first record: state, zeroed
 * or after the segments before, is then what ledger_follow goes on from.
 * Errors as ledger_read. */
NODISCARD enum err ledger_open(
    struct str bytes, struct ledger_seen *state, struct note *why);
/*
 * Goes on in a segment that is still being written, at state->good, for who
 * copies records on: each is held against its mark and chain value, which its
 * writer made, and not read as JSON.  leaf: its hash (RFC 6962 s.2.1).  Stops
 * where got says false: OK.  ERR_MORE, ERR_SYNTAX: as ledger_read; of bytes
 * that are being written just now either may be said, so ask again.
 */
NODISCARD enum err ledger_follow(struct str bytes, struct ledger_seen *state,
    bool (*got)(
	void *arg, uint64_t seq, struct str jcs, const struct tlog_hash *leaf),
    void *arg, struct note *why);
/*
 * Files beside the tree of tiles with a number for each log: "merged", how many
 * records of each the tree of `size` entries holds; "pruned", the first segment
 * of each that is still here, and the tree's `minimum` index.
 *	{"budget":n,"cells":[n0,n1,...],NAME:n}
 * A member "budget" that is not there is 0; an empty text is all zeros.
 * ERR_SYNTAX; ERR_LIMIT: more cells than there can be.
 */
enum { LEDGER_CELLS_MAX = UINT8_MAX, LEDGER_COUNTS_MAX = 64 * 1024 };
struct ledger_counts {
	uint64_t number, cell[LEDGER_CELLS_MAX], budget;
	unsigned cells; /* that it speaks of */
};
NODISCARD enum err ledger_counts_of(struct str text, const char *name,
    struct ledger_counts *out, struct note *why);
void ledger_counts_put(
    const struct ledger_counts *c, const char *name, struct buf *out);
/* Where a cell's log ends, as the object image.ledger[cell] which load makes
 * and role ledger takes: {"cell":n,"good":n,"range":hex,"root":hex,
 * "segment":n,"seq":n,"size":n,"torn":bool}; segment: number of the last file
 * that exists, 0 none.  Range is what the tree goes on from: the nodes of the
 * set bits of size, lowest first.  of: ERR_SYNTAX when range, root and size
 * disagree. */
void ledger_seen_put(const struct ledger_seen *s, unsigned cell,
    unsigned segment, struct buf *tape);
NODISCARD enum err ledger_seen_of(struct jv v, struct ledger_seen *out);

#endif
