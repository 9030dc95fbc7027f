/*
 * index: where a ledger's records are, by what they say.  An SQLite database
 * that is derived from records which verified, holds none of them, and can be
 * thrown away: it finds a record's place, and whoever shows the record reads it
 * there and holds it against the leaf that is kept here.  The only system calls
 * are SQLite's own, on the one file that it is given (doc/why/0019).
 *
 * Who owns what.  A struct index is the caller's until index_free.  What a
 * callback gets is valid during the call.  *why (never NULL) gets a sentence.
 * Throughout: ERR_SYNTAX the file is no index of this version, or damaged: make
 * it anew; ERR_OS SQLite says that the machine failed.
 */
#ifndef INDEX_H
#define INDEX_H

#include "base/base.h"
#include "ledger/ledger.h"
#include "json/json.h"

struct index;
/* A new one at path, where nothing may be; "" is one in memory.  ERR_OS. */
NODISCARD enum err index_new(
    const char *path, struct index **out, struct note *why);
/* One that is there.  Its schema must be ours to the letter.  ERR_GONE: there
 * is none. */
NODISCARD enum err index_open(
    const char *path, struct index **out, struct note *why);
/* NULL is fine.  What was begun and not ended is undone. */
void index_free(struct index *x);

/* ---- filling ---- */

/* How far a cell's log is in it: what it was built from. */
struct index_cell {
	unsigned cell, segment; /* number of the segment that was read last */
	unsigned first;		/* of the first one, and records before it: */
	uint64_t before;
	struct ledger_seen seen;
};
/* Cells that it holds something of, in order; at most n go to out.  Returns how
 * many there are. */
NODISCARD enum err index_cells(struct index *x, struct index_cell *out,
    size_t n, size_t *count, struct note *why);

/* Where a record is.  at: of its head, in its segment. */
struct index_place {
	unsigned cell, segment;
	uint64_t seq, at;
	unsigned char leaf[LEDGER_HASH];
};
/* All that follows is one transaction, until index_end. */
NODISCARD enum err index_begin(struct index *x, struct note *why);
/* Records of a cell come in their order.  Members that are not known here are
 * no error, and every digest is found, whatever member holds it. */
NODISCARD enum err index_add(struct index *x, const struct index_place *p,
    struct jv rec, struct note *why);
NODISCARD enum err index_set_cell(
    struct index *x, const struct index_cell *c, struct note *why);
NODISCARD enum err index_end(struct index *x, struct note *why);
/* Records in it. */
NODISCARD enum err index_size(struct index *x, uint64_t *out, struct note *why);

/* ---- asking ---- */

/* What narrows an answer; the strings by enum index_by, an empty one does
 * not.  Times are microseconds since 1970; until 0: no end. */
enum index_by {
	INDEX_AGENT,
	INDEX_SESSION,
	INDEX_SERVER,
	INDEX_TOOL,
	INDEX_VERDICT,
	INDEX_POLICY, /* digest of the set, 64 hexadecimal digits */
	INDEX_KIND,   /* "accounting": of the budgets' log, but its starts */
	INDEX_SUBJECT,
	INDEX_DIGEST, /* 64 hexadecimal digits */
	INDEX_BY__N
};
struct index_filter {
	struct str by[INDEX_BY__N];
	uint64_t since, until;
};

/* One question that can be asked.  arg: which of the filter's strings it needs
 * (then it is about that alone), or INDEX_BY__N. */
struct index_query {
	const char *name, *arg_name, *help;
	enum index_by arg;
	bool places;	 /* its rows are places, not columns */
	const char *sql; /* between them stand the filter's conditions */
	const char *tail;
};
extern const struct index_query index_queries[];
extern const size_t index_queries_n;

enum { INDEX_COLUMNS = 16 };
struct index_value {
	const char *name;
	bool number; /* else text */
	int64_t i;
	struct str s; /* UTF-8; absent: .p NULL */
};
struct index_row {
	size_t n; /* columns; 0 where the query has places */
	struct index_value at[INDEX_COLUMNS];
	struct index_place place;
};
/*
 * Rows in the query's order until got says false.  A place whose record was
 * found by INDEX_DIGEST may be of another digest with the same first eight
 * bytes: the record's own text decides.
 */
NODISCARD enum err index_ask(struct index *x, const struct index_query *q,
    const struct index_filter *f,
    bool (*got)(void *arg, const struct index_row *row), void *arg,
    struct note *why);

/*
 * The same without an index, of a record that is at hand: is it meant?  Of an
 * outcome (or what else names a decision), that decision, from which it has
 * what it does not say itself; and the record of kind identity that either
 * names, which says for whom.  Else J_NONE.
 */
struct index_view {
	struct jv rec, decision, identity;
	const unsigned char *leaf; /* LEDGER_HASH bytes */
};
bool index_matches(const struct index_filter *f, const struct index_view *v);

/* Is it a kind that only role budget's log has?  "accounting" stands for all of
 * them where a kind is asked for. */
enum { INDEX_ACCOUNTING = 4 };
extern const char *const index_accounting[INDEX_ACCOUNTING];
bool index_accounts(struct str kind);

/* Is this a digest as records write them: 64 hexadecimal digits, perhaps after
 * "sha256:", or 43 of base64url?  Then its 32 bytes. */
bool index_digest_of(struct str s, unsigned char out[static LEDGER_HASH]);

#endif
