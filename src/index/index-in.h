/* index-in: what the files of this room share. */
#ifndef INDEX_IN_H
#define INDEX_IN_H

#include <sqlite3.h>

#include "index/index.h"

/* Statements that filling prepares once. */
enum stmt {
	PUT_RECORD,
	PUT_DIGEST,
	PUT_SUBJECT,
	PUT_WORD,
	GET_WORD,
	GET_CALL,
	PUT_CELL,
	STMT__N
};
struct index {
	sqlite3 *db;
	sqlite3_stmt *stmt[STMT__N];
	struct map *words; /* text -> its id, as a pointer; a cache */
	bool filled;	   /* the indexes of the tables are made */
	bool open;	   /* a transaction */
};

/* A record's id: its cell and its seq. */
enum { SEQ_BITS = 40 };

struct map *index_words(void);
/* What SQLite's last error was, in our words; never OK. */
enum err index_fault(sqlite3 *db, struct note *why);
NODISCARD enum err index_run(sqlite3 *db, const char *sql, struct note *why);
/* Indexes of the tables: after a first filling, which is faster without. */
NODISCARD enum err index_indexes(sqlite3 *db, struct note *why);
/* First eight bytes of a digest, as the key that it is found by. */
int64_t index_key(const unsigned char digest[static LEDGER_HASH]);
/* Every digest in a record but its policy's, every subject of it; an error of
 * got ends it and is returned. */
typedef enum err (*index_digest_got)(
    void *arg, const unsigned char digest[static LEDGER_HASH]);
typedef enum err (*index_subject_got)(void *arg, struct str name);
NODISCARD enum err index_digests(
    struct jv rec, index_digest_got got, void *arg);
NODISCARD enum err index_subjects(
    struct jv rec, index_subject_got got, void *arg);
void index_bind(sqlite3_stmt *s, int at, struct str text); /* or NULL */

#endif
