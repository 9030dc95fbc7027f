/*
 * tiles-in: what the files of role tiles share.  tiles.c is the role; merge.c
 * what of the logs is in the tree; store.c in which order files are written;
 * disk.c the system calls; prune.c what goes again.
 */
#ifndef TILES_IN_H
#define TILES_IN_H

#include "ledger/ledger.h"
#include "role/role.h"
#include "tlog/tlog.h"

enum { TILES_CELLS_MAX = 64 };

/* ---- tiles-disk.c: what is asked of the operating system ---- */
/*
 * So that a test can take the power away between any two of these
 * (test-tiles-crash.c).  Paths are relative to the log's directory.  Nothing
 * is durable but by a sync: not even that a file has its name.
 */
struct tiles_disk {
	/* Appends the file's bytes.  ERR_GONE: there is none; ERR_OS. */
	enum err (*read)(
	    struct tiles_disk *d, const char *path, struct buf *out);
	/* Makes the file anew with these bytes; sync: they are durable when it
	 * returns.  ERR_OS. */
	enum err (*write)(struct tiles_disk *d, const char *path,
	    struct str bytes, bool sync);
	/* Puts a file in another's place, at once.  ERR_OS. */
	enum err (*rename)(
	    struct tiles_disk *d, const char *from, const char *to);
	void (*make_dir)(struct tiles_disk *d, const char *path);
	void (*remove)(struct tiles_disk *d, const char *path);
	/* Of a tile that is full: path.p and all in it, where there is one. */
	void (*remove_partials)(struct tiles_disk *d, const char *path);
	/* All files and names below the directory; its own names alone. */
	enum err (*sync_all)(struct tiles_disk *d);
	enum err (*sync_names)(struct tiles_disk *d);
	/* A segment to read; -1: there is none, or it cannot be had. */
	int (*open)(struct tiles_disk *d, const char *path);
	void (*close)(struct tiles_disk *d, int *fd);
	/* Its bytes, to be given back; there may be none.  ERR_OS. */
	enum err (*map)(struct tiles_disk *d, int fd, struct str *out);
	void (*unmap)(struct tiles_disk *d, struct str bytes);
	enum err (*sync)(struct tiles_disk *d, int fd); /* what it holds */
};
extern struct tiles_disk tiles_disk; /* of the working directory */
/* A small file in some other directory, durable when it returns; or as it was.
 * ERR_OS. */
NODISCARD enum err tiles_put_at(int dir, const char *name, struct str bytes);

/* ---- tiles-store.c: the log's files ---- */
struct tiles_store {
	struct tlog_store s; /* first: it is cast back */
	struct tiles_disk *disk;
	struct buf full; /* tiles that became full since tiles_settled */
};
void tiles_store_open(struct tiles_store *s, struct tiles_disk *d);
void tiles_store_done(struct tiles_store *s);
/* The tree that the files make is the one to go on from, durably: what its
 * full tiles replace goes. */
void tiles_settled(struct tiles_store *s);
/* A small file, durable when it returns; or as it was.  ERR_OS. */
NODISCARD enum err tiles_put(
    struct tiles_disk *d, const char *path, struct str bytes);

/* ---- tiles-merge.c: the logs of cells and budgets into one tree ---- */
struct merge;
/* Where the tree is, from the file "merged"; a log without one begins.  cells:
 * how many there are; logs of others that are found are taken too.  ERR_OS,
 * ERR_SYNTAX, ERR_GONE: why. */
NODISCARD enum err merge_open(
    unsigned cells, struct tiles_disk *d, struct merge **out, struct note *why);
void merge_free(struct merge *m);
/*
 * Takes at most `most` records into the tree, makes sure that they are on the
 * disk, writes the tree's files and then how far it is.  *more: there are
 * others.  ERR_OS: nothing goes on until the role is started again.
 */
NODISCARD enum err merge_some(
    struct merge *m, size_t most, bool *more, struct note *why);
uint64_t merge_size(const struct merge *m);
struct tlog_hash merge_root(const struct merge *m);

/* What of each log is in the tree. */
struct ledger_counts merge_counts(const struct merge *m);

/* ---- tiles-prune.c: log.retention ---- */
void prune_open(struct role_env *e); /* before the walls */
void prune_left(void);		     /* once, in the log's directory */
/* Keys were asked for a checkpoint of this; one of so many entries is signed.
 */
void prune_asked(const struct ledger_counts *of);
void prune_signed(uint64_t size);
void prune_round(void); /* once a second */
/* To a judge, to be recorded; false: there is none.  tiles-side.c. */
bool vault_prune(const struct prune *p);
void prune_recorded(bool good);

/* ---- tiles-head.c: from a signed checkpoint to one that counts ---- */
/* Before the walls: who cosigns, how many must, where it is published.
 * ERR_SYNTAX: a key is none. */
NODISCARD enum err head_prepare(struct role_env *e, struct note *why);
/* What keys signed: it is kept, the witnesses are asked, and once the quorum
 * has cosigned it takes the place of the last.  ERR_OS: it could not be kept:
 * it counts for nothing. */
NODISCARD enum err head_take(uint64_t size, struct str note);
/* Sizes of the newest that was signed, and that counts. */
uint64_t head_signed(void);
uint64_t head_counts(void);
/* Every witness can go on from this size; without witnesses, head_counts. */
uint64_t head_known(void);
/* Witnesses are being asked about the newest: it is no time for another. */
bool head_busy(void);
/* Once a round: what failed is tried again when its time has come. */
void head_tick(void);
/* Role fetch is there; NULL: it is gone. */
void head_fetch(struct chan *c);
void head_posted(const struct msg *m);

#endif
