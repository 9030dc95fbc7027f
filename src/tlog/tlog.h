/*
 * tlog: the tree of a transparency log and its files.  RFC 6962 s.2.1 hashing
 * with SHA-256, proofs of RFC 9162 s.2.1.3 and s.2.1.4, tiles and bundles of
 * C2SP tlog-tiles.  Knows neither signatures nor what an entry means.  Files
 * are reached through a struct tlog_store, so everything runs in a test.
 *
 * Who owns what.  The store is the caller's and outlives what was made with it.
 * Hashes are values.  *why (never NULL where it is taken) gets a sentence.
 */
#ifndef TLOG_H
#define TLOG_H

#include "base/base.h"

enum {
	TLOG_HASH = 32,
	TLOG_TILE = 256,	/* hashes in a full tile, entries in a bundle */
	TLOG_ENTRY_MAX = 65535, /* its length is a uint16 */
	TLOG_PROOF_MAX = 64,
	TLOG_LEVELS = 8, /* of tiles: 256^8 entries */
	TLOG_PATH_MAX = 64
};
/* What the hash of more entries than this would be nobody can ask: sizes are
 * JSON and Go integers too. */
#define TLOG_SIZE_MAX (UINT64_C(1) << 62)

struct tlog_hash {
	unsigned char b[TLOG_HASH];
};
bool tlog_same(const struct tlog_hash *a, const struct tlog_hash *b);
struct tlog_hash tlog_leaf(struct str entry); /* SHA-256(0x00, entry) */
struct tlog_hash tlog_node(
    const struct tlog_hash *left, const struct tlog_hash *right);

/* The tree so far as its compact range: node[h] is the root of the 2^h leaves
 * that bit h of size stands for, and means nothing where it is clear.  Zeroed:
 * empty. */
struct tlog_range {
	uint64_t size;
	struct tlog_hash node[64];
};
void tlog_range_add(struct tlog_range *r, const struct tlog_hash *leaf);
struct tlog_hash tlog_range_root(const struct tlog_range *r);

/* ---- proofs ---- */
struct tlog_proof {
	size_t n;
	struct tlog_hash at[TLOG_PROOF_MAX]; /* from the leaf up */
};
/*
 * Is `leaf` entry `index` of the tree of `size` entries with this root?  (RFC
 * 9162 s.2.1.3.2)  OK yes; ERR_SYNTAX there is no such proof: index not below
 * size, or another number of hashes; ERR_DENIED it leads to another root.
 */
NODISCARD enum err tlog_check_inclusion(uint64_t index, uint64_t size,
    const struct tlog_hash *leaf, const struct tlog_proof *p,
    const struct tlog_hash *root);
/*
 * Is the tree of `old` entries the beginning of the one of `size`?  (RFC 9162
 * s.2.1.4.2)  Errors likewise; old 0 is ERR_SYNTAX: it proves nothing.
 */
NODISCARD enum err tlog_check_consistency(uint64_t old, uint64_t size,
    const struct tlog_hash *old_root, const struct tlog_hash *root,
    const struct tlog_proof *p);
/* What a witness asks (C2SP tlog-witness): the same, and from size 0, whose
 * root must be the empty one, everything grows by an empty proof. */
NODISCARD enum err tlog_check_growth(uint64_t old, uint64_t size,
    const struct tlog_hash *old_root, const struct tlog_hash *root,
    const struct tlog_proof *p);

/* ---- files ---- */
struct tlog_store {
	/* Appends the file at path to *out.  ERR_GONE: there is none;
	 * ERR_LIMIT: it is longer than *out has room for; ERR_OS. */
	enum err (*read)(
	    struct tlog_store *s, struct str path, struct buf *out);
	/* Makes or replaces the file, whole or not at all; NULL in a store that
	 * is only read.  Directories on the way are the store's to make. */
	enum err (*write)(
	    struct tlog_store *s, struct str path, struct str bytes);
	/* The minimum index (tlog-tiles, "Pruning"): full tiles and bundles
	 * that end at it or before may be gone.  0: nothing is pruned. */
	uint64_t minimum;
};
/* How many entries end with the last of full tile n of this level; the tile may
 * be pruned where that is at most the minimum index. */
uint64_t tlog_tile_end(int level, uint64_t n);
enum { TLOG_ENTRIES = -1 }; /* the level whose tiles are entry bundles */
struct tlog_tile {
	int level; /* TLOG_ENTRIES, 0 to 63 */
	uint64_t n;
	unsigned width; /* 1 to 256; 256 is full */
};
/* "tile/0/x001/067.p/3", "tile/entries/000"; NUL-terminated. */
void tlog_tile_path(struct tlog_tile t, char out[static TLOG_PATH_MAX]);
/* The other way, strictly; ERR_SYNTAX. */
NODISCARD enum err tlog_tile_of(struct str path, struct tlog_tile *out);
/* How wide tile n of this level is in a tree of this size; 0: it has none. */
unsigned tlog_tile_width(int level, uint64_t n, uint64_t size);
/* Takes the next entry off a bundle's bytes.  false at the end, and with *bad
 * set where what is left is no entry. */
bool tlog_entry_next(struct str *rest, struct str *entry, bool *bad);

/* ---- reading a log ---- */
struct tlog_reader; /* remembers the last tile of each level */
/* Of the tree of `size` entries, at most TLOG_SIZE_MAX; NULL when it is more.
 * Where a partial tile is gone the full one is read instead (tlog-tiles,
 * "Partial Tiles").  Nothing that is read is authenticated: check the proof. */
struct tlog_reader *tlog_reader_new(struct tlog_store *s, uint64_t size);
void tlog_reader_free(struct tlog_reader *r);
/* ERR_GONE a file is missing, ERR_SYNTAX it has another length, ERR_LIMIT the
 * index is not in the tree, ERR_OS. */
NODISCARD enum err tlog_prove_inclusion(struct tlog_reader *r, uint64_t index,
    struct tlog_proof *out, struct note *why);
/* From the tree of `old` entries to that of the reader; 0 < old <= size. */
NODISCARD enum err tlog_prove_consistency(struct tlog_reader *r, uint64_t old,
    struct tlog_proof *out, struct note *why);
/* Root of the tree's first n entries, n at most its size, from tiles. */
NODISCARD enum err tlog_root(
    struct tlog_reader *r, uint64_t n, struct tlog_hash *out, struct note *why);
/* Appends one entry's bytes. */
NODISCARD enum err tlog_entry(
    struct tlog_reader *r, uint64_t index, struct buf *out, struct note *why);

/* ---- writing a log ---- */
struct tlog_writer;
/* Goes on after `size` entries, whose partial tiles must be there; 0 begins.
 * ERR_GONE, ERR_SYNTAX, ERR_OS as a reader; ERR_LIMIT over TLOG_SIZE_MAX. */
NODISCARD enum err tlog_writer_new(struct tlog_store *s, uint64_t size,
    struct tlog_writer **out, struct note *why);
void tlog_writer_free(struct tlog_writer *w); /* what is not flushed is lost */
/* ERR_LIMIT: over TLOG_ENTRY_MAX bytes, nothing is added.  Full tiles go out
 * at once; after the store's error every later call fails with it. */
NODISCARD enum err tlog_add(struct tlog_writer *w, struct str entry);
/* The same of an entry whose hash, tlog_leaf(entry), the caller has. */
NODISCARD enum err tlog_add_leaf(
    struct tlog_writer *w, struct str entry, const struct tlog_hash *leaf);
/* Writes the partial tiles that are wider than their files, bundles first: only
 * now may a checkpoint of tlog_writer_size() entries be published. */
NODISCARD enum err tlog_flush(struct tlog_writer *w);
uint64_t tlog_writer_size(const struct tlog_writer *w);
/* Its compact range: some hundred hashes.  It stands until the next call. */
const struct tlog_range *tlog_writer_range(struct tlog_writer *w);

/* ---- judging a log ---- */
enum tlog_state {
	TLOG_UNKNOWN, /* nothing that holds says what this entry is */
	TLOG_HOLDS,   /* it is the one under the root */
	TLOG_CHANGED, /* it is there and is not the one under the root */
	TLOG_MISSING, /* it is not there; its hash may be known */
	TLOG_PRUNED,  /* it is not there, and below the minimum index */
	TLOG_STATE__N
};
struct tlog_run { /* entries [from, to) in one state */
	uint64_t from, to;
	enum tlog_state state;
};
struct tlog_told {
	void (*run)(void *arg, const struct tlog_run *r);
	void *arg;
};
struct tlog_found {
	bool sound;	    /* every entry holds, or is pruned */
	uint64_t first_bad; /* else the first that does not */
	uint64_t count[TLOG_STATE__N];
	uint64_t tiles_bad; /* hash tiles that are not what the entries give */
	struct note tile;   /* the first of them */
	struct note why;    /* what is wrong with first_bad */
};
/*
 * Reads every bundle and tile of the tree of `size` entries and says what holds
 * under `root`, which the caller believes.  Bundles are hashed; where that does
 * not give the root, tiles that do are followed down from it, so that a changed
 * entry is told from a changed tile.  told (may be NULL) gets the entries in
 * order.  Errors are the store's alone: ERR_OS; ERR_LIMIT over TLOG_SIZE_MAX.
 */
NODISCARD enum err tlog_judge(struct tlog_store *s, uint64_t size,
    const struct tlog_hash *root, const struct tlog_told *told,
    struct tlog_found *out, struct note *why);

#endif
