/*
 * index: opens the database, sees that it is ours to the letter, and makes it.
 * A file that somebody else made or changed is a stranger's: nothing that its
 * schema says is run.
 */
#include "index/index-in.h"

enum { APPLICATION = 0x47484958 /* "GHIX" */, VERSION = 2 };

/* In the order in which they are made.  Words stand for texts that repeat. */
static const char *const tables[] = {
	"CREATE TABLE cells(cell INTEGER PRIMARY KEY, segment INTEGER, "
	"seen BLOB, chain BLOB, record INTEGER, first INTEGER, "
	"before INTEGER)",
	"CREATE TABLE words(id INTEGER PRIMARY KEY, word TEXT UNIQUE)",
	"CREATE TABLE records(id INTEGER PRIMARY KEY, time INTEGER, "
	"kind INTEGER, principal INTEGER, session INTEGER, server INTEGER, "
	"method INTEGER, name INTEGER, verdict INTEGER, policy INTEGER, "
	"status INTEGER, identity INTEGER, call INTEGER, segment INTEGER, "
	"at INTEGER, leaf BLOB)",
	"CREATE TABLE digests(key INTEGER, record INTEGER)",
	"CREATE TABLE subjects(word INTEGER, record INTEGER)",
};
static const char by_agent[] =
    "CREATE INDEX by_agent ON records(principal, kind, verdict, server, "
    "method, name, policy, time)";
static const char *const indexes[] = {
	by_agent,
	"CREATE INDEX by_session ON records(session, time)",
	"CREATE INDEX by_tool ON records(name, server, time)",
	"CREATE INDEX by_call ON records(call)",
	"CREATE INDEX by_identity ON records(identity)",
	"CREATE INDEX by_digest ON digests(key, record)",
	"CREATE INDEX by_subject ON subjects(word, record)",
};

enum err
index_fault(sqlite3 *db, struct note *why)
{
	const int code = sqlite3_errcode(db) & 0xff;
	const bool machine = code == SQLITE_FULL || code == SQLITE_IOERR ||
			     code == SQLITE_CANTOPEN || code == SQLITE_PERM ||
			     code == SQLITE_READONLY || code == SQLITE_BUSY ||
			     code == SQLITE_LOCKED || code == SQLITE_NOMEM;

	note_set(why, "the index: %s", sqlite3_errmsg(db));
	return machine ? ERR_OS : ERR_SYNTAX;
}

/* Its keys are what agents wrote. */
struct map *
index_words(void)
{
	uint64_t seed = 0;

	sqlite3_randomness(sizeof(seed), &seed);
	return map_new(seed);
}

enum err
index_run(sqlite3 *db, const char *sql, struct note *why)
{
	if (sqlite3_exec(db, sql, NULL, NULL, NULL) != SQLITE_OK)
		return index_fault(db, why);
	return OK;
}

enum err
index_indexes(sqlite3 *db, struct note *why)
{
	for (size_t i = 0; i < countof(indexes); i++)
		TRY(index_run(db, indexes[i], why));
	return OK;
}

/* Nothing in the file may act: no trigger, no view, no function of its
 * schema's, no extension, no other file. */
static enum err
defend(sqlite3 *db, struct note *why)
{
	static const struct {
		int what, on;
	} switches[] = {
		{ SQLITE_DBCONFIG_DEFENSIVE, 1 },
		{ SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0 },
		{ SQLITE_DBCONFIG_ENABLE_TRIGGER, 0 },
		{ SQLITE_DBCONFIG_ENABLE_VIEW, 0 },
		{ SQLITE_DBCONFIG_ENABLE_LOAD_EXTENSION, 0 },
		{ SQLITE_DBCONFIG_DQS_DML, 0 },
		{ SQLITE_DBCONFIG_DQS_DDL, 0 },
	};

	for (size_t i = 0; i < countof(switches); i++)
		if (sqlite3_db_config(db, switches[i].what, switches[i].on,
			NULL) != SQLITE_OK) {
			note_set(why, "SQLite has not all of its defences");
			return ERR_OS;
		}
	(void)sqlite3_limit(db, SQLITE_LIMIT_ATTACHED, 0);
	(void)sqlite3_limit(db, SQLITE_LIMIT_LENGTH, 1 << 20);
	(void)sqlite3_limit(db, SQLITE_LIMIT_SQL_LENGTH, 1 << 14);
	/* It can be made again: a crash may damage it, and its seal then says
	 * so (ctl-index.c). */
	return index_run(db,
	    "PRAGMA cell_size_check=ON; PRAGMA mmap_size=0; "
	    "PRAGMA locking_mode=EXCLUSIVE; PRAGMA journal_mode=MEMORY; "
	    "PRAGMA synchronous=OFF; PRAGMA cache_size=-65536",
	    why);
}

static enum err
start(const char *path, int flags, struct index **out, struct note *why)
{
	struct index *x = mem_get(sizeof(*x));
	enum err e = OK;

	if (sqlite3_open_v2(path[0] == '\0' ? ":memory:" : path, &x->db,
		flags | SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOFOLLOW |
		    SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_PRIVATECACHE |
		    SQLITE_OPEN_EXRESCODE,
		NULL) != SQLITE_OK) {
		note_set(why, "%s: %s", path, sqlite3_errmsg(x->db));
		e = ERR_OS;
	}
	if (e == OK)
		e = defend(x->db, why);
	x->words = index_words();
	if (e == OK)
		*out = x;
	else
		index_free(x);
	return e;
}

enum err
index_new(const char *path, struct index **out, struct note *why)
{
	struct index *x = NULL;
	char sql[96];
	enum err e = start(path, SQLITE_OPEN_CREATE, &x, why);

	if (e != OK)
		return e;
	(void)snprintf(sql, sizeof(sql),
	    "PRAGMA application_id=%d; PRAGMA user_version=%d", APPLICATION,
	    VERSION);
	e = index_run(x->db, sql, why);
	for (size_t i = 0; i < countof(tables) && e == OK; i++)
		e = index_run(x->db, tables[i], why);
	if (e == OK)
		*out = x;
	else
		index_free(x);
	return e;
}

/* ---- is it ours? ---- */

static enum err
number_is(struct index *x, const char *sql, int want, struct note *why)
{
	sqlite3_stmt *s = NULL;
	enum err e = OK;

	if (sqlite3_prepare_v2(x->db, sql, -1, &s, NULL) != SQLITE_OK ||
	    sqlite3_step(s) != SQLITE_ROW)
		e = index_fault(x->db, why);
	else if (sqlite3_column_int(s, 0) != want) {
		note_set(why, "it is no index of this version");
		e = ERR_SYNTAX;
	}
	(void)sqlite3_finalize(s);
	return e;
}

static bool
is_ours(const char *sql)
{
	for (size_t i = 0; i < countof(tables); i++)
		if (strcmp(sql, tables[i]) == 0)
			return true;
	for (size_t i = 0; i < countof(indexes); i++)
		if (strcmp(sql, indexes[i]) == 0)
			return true;
	return false;
}

/* Each of ours once and nothing else; SQLite makes no two of a name. */
static enum err
schema_is_ours(struct index *x, struct note *why)
{
	sqlite3_stmt *s = NULL;
	size_t n = 0;
	bool ours = true;
	int code = SQLITE_ERROR;

	if (sqlite3_prepare_v2(x->db,
		"SELECT sql FROM sqlite_schema WHERE sql IS NOT NULL", -1, &s,
		NULL) == SQLITE_OK)
		while ((code = sqlite3_step(s)) == SQLITE_ROW) {
			const unsigned char *sql = sqlite3_column_text(s, 0);

			ours =
			    ours && sql != NULL && is_ours((const char *)sql);
			n++;
		}
	(void)sqlite3_finalize(s);
	if (code != SQLITE_DONE)
		return index_fault(x->db, why);
	if (ours && n == countof(tables) + countof(indexes)) {
		x->filled = true;
		return OK;
	}
	note_set(why, "its tables are not those of an index");
	return ERR_SYNTAX;
}

enum err
index_open(const char *path, struct index **out, struct note *why)
{
	struct index *x = NULL;
	enum err e = start(path, 0, &x, why);

	if (e != OK)
		return e;
	e = number_is(x, "PRAGMA application_id", APPLICATION, why);
	if (e == OK)
		e = number_is(x, "PRAGMA user_version", VERSION, why);
	if (e == OK)
		e = schema_is_ours(x, why);
	if (e == OK)
		*out = x;
	else
		index_free(x);
	return e;
}

void
index_free(struct index *x)
{
	if (x == NULL)
		return;
	for (size_t i = 0; i < STMT__N; i++)
		(void)sqlite3_finalize(x->stmt[i]);
	if (x->open)
		(void)sqlite3_exec(x->db, "ROLLBACK", NULL, NULL, NULL);
	(void)sqlite3_close(x->db);
	map_free(x->words);
	mem_free(x);
}
