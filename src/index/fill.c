/*
 * fill: from a record to its rows.  What a record says is found by the names
 * of its members; a kind that is not known here is one like any other.
 */
#include "index/index-in.h"

enum { WORDS_MAX = 100000 };

static const char *const stmts[STMT__N] = {
	[PUT_RECORD] = "INSERT INTO records VALUES"
		       "(?1,?2,?3,?4,?5,?6,?7,?8,?9,?10,?11,?12,?13,?14,?15,"
		       "?16)",
	[PUT_DIGEST] = "INSERT INTO digests VALUES(?1,?2)",
	[PUT_SUBJECT] = "INSERT INTO subjects VALUES(?1,?2)",
	[PUT_WORD] = "INSERT INTO words(word) VALUES(?1)",
	[GET_WORD] = "SELECT id FROM words WHERE word=?1",
	[GET_CALL] = "SELECT principal,session,server,method,name,policy,"
		     "identity,call "
		     "FROM records WHERE id=?1 AND "
		     "kind=(SELECT id FROM words WHERE word='decision')",
	[PUT_CELL] =
	    "INSERT OR REPLACE INTO cells VALUES(?1,?2,?3,?4,?5,?6,?7)",
};

/* The columns that are words, in the table's order from ?3. */
enum column {
	C_KIND,
	C_PRINCIPAL,
	C_SESSION,
	C_SERVER,
	C_METHOD,
	C_NAME,
	C_VERDICT,
	C_POLICY,
	C_STATUS,
	C_WORDS,
	C_IDENTITY = C_WORDS, /* id of the record that says who it is */
	C__N
};
static const struct str members[C_WORDS] = {
	[C_KIND] = STR_INIT("kind"),
	[C_PRINCIPAL] = STR_INIT("principal"),
	[C_SESSION] = STR_INIT("session"),
	[C_SERVER] = STR_INIT("server"),
	[C_METHOD] = STR_INIT("method"),
	[C_NAME] = STR_INIT("name"),
	[C_VERDICT] = STR_INIT("verdict"),
	[C_POLICY] = STR_INIT("policy"),
	[C_STATUS] = STR_INIT("status"),
};
/* What an outcome has from its decision: GET_CALL's columns. */
static const enum column inherited[] = { C_PRINCIPAL, C_SESSION, C_SERVER,
	C_METHOD, C_NAME, C_POLICY, C_IDENTITY };

static enum err
prepared(struct index *x, enum stmt which, sqlite3_stmt **out, struct note *why)
{
	if (x->stmt[which] == NULL &&
	    sqlite3_prepare_v3(x->db, stmts[which], -1,
		SQLITE_PREPARE_PERSISTENT, &x->stmt[which], NULL) != SQLITE_OK)
		return index_fault(x->db, why);
	*out = x->stmt[which];
	(void)sqlite3_reset(*out);
	return OK;
}

static enum err
done(struct index *x, sqlite3_stmt *s, struct note *why)
{
	const bool well = sqlite3_step(s) == SQLITE_DONE;

	return sqlite3_reset(s) == SQLITE_OK && well ? OK
						     : index_fault(x->db, why);
}

void
index_bind(sqlite3_stmt *s, int at, struct str text)
{
	if (text.p == NULL)
		(void)sqlite3_bind_null(s, at);
	else
		(void)sqlite3_bind_text64(
		    s, at, text.p, text.n, SQLITE_STATIC, SQLITE_UTF8);
}

static enum err
number2(
    struct index *x, enum stmt which, int64_t a, int64_t b, struct note *why)
{
	sqlite3_stmt *s = NULL;

	TRY(prepared(x, which, &s, why));
	(void)sqlite3_bind_int64(s, 1, a);
	(void)sqlite3_bind_int64(s, 2, b);
	return done(x, s, why);
}

/* ---- words ---- */

static void
remember(struct index *x, struct str word, int64_t id)
{
	if (map_count(x->words) >= WORDS_MAX) {
		map_free(x->words);
		x->words = index_words();
	}
	/* NOLINTNEXTLINE(performance-no-int-to-ptr): an id, as a value */
	(void)map_put(x->words, word, (void *)(uintptr_t)id);
}

/* The id of a text, a new one if need be; 0: of no text. */
static enum err
word(struct index *x, struct str text, int64_t *id, struct note *why)
{
	const void *known = map_get(x->words, text);
	sqlite3_stmt *s = NULL;
	int code;

	*id = (int64_t)(uintptr_t)known;
	if (*id != 0 || text.n == 0)
		return OK;
	TRY(prepared(x, GET_WORD, &s, why));
	index_bind(s, 1, text);
	code = sqlite3_step(s);
	if (code == SQLITE_ROW)
		*id = sqlite3_column_int64(s, 0);
	(void)sqlite3_reset(s);
	if (code != SQLITE_ROW && code != SQLITE_DONE)
		return index_fault(x->db, why);
	if (*id <= 0) {
		TRY(prepared(x, PUT_WORD, &s, why));
		index_bind(s, 1, text);
		TRY(done(x, s, why));
		*id = sqlite3_last_insert_rowid(x->db);
	}
	remember(x, text, *id);
	return OK;
}

/* ---- what it has many of ---- */

struct filling {
	struct index *x;
	int64_t id;
	struct note *why;
};

static enum err
digest_found(void *arg, const unsigned char digest[static LEDGER_HASH])
{
	const struct filling *f = arg;

	return number2(f->x, PUT_DIGEST, index_key(digest), f->id, f->why);
}

static enum err
subject_found(void *arg, struct str name)
{
	const struct filling *f = arg;
	int64_t w = 0;

	TRY(word(f->x, name, &w, f->why));
	return number2(f->x, PUT_SUBJECT, w, f->id, f->why);
}

/* ---- a record ---- */

/* The id of an earlier record of the cell that a member names; 0: of none. */
static int64_t
refers(const struct index_place *p, struct jv rec, struct str member)
{
	int64_t seq = 0;

	if (jv_i64(jv_get(rec, member), &seq) != OK || seq <= 0 ||
	    (uint64_t)seq >= p->seq)
		return 0;
	return (int64_t)p->cell << SEQ_BITS | seq;
}

/* The decision that an outcome, or what else refers to one, is about. */
static enum err
inherit(struct index *x, const struct index_place *p, struct jv rec,
    int64_t column[static C__N], int64_t *call, struct note *why)
{
	sqlite3_stmt *s = NULL;
	int64_t of = refers(p, rec, STR("decision"));

	if (of == 0)
		of = refers(p, rec, STR("origin"));
	if (of == 0)
		return OK;
	TRY(prepared(x, GET_CALL, &s, why));
	(void)sqlite3_bind_int64(s, 1, of);
	if (sqlite3_step(s) == SQLITE_ROW) {
		for (int i = 0; i < (int)countof(inherited); i++)
			if (column[inherited[i]] == 0)
				column[inherited[i]] =
				    sqlite3_column_int64(s, i);
		*call = sqlite3_column_int64(s, (int)countof(inherited));
	}
	return sqlite3_reset(s) == SQLITE_OK ? OK : index_fault(x->db, why);
}

enum err
index_add(struct index *x, const struct index_place *p, struct jv rec,
    struct note *why)
{
	const int64_t id = (int64_t)p->cell << SEQ_BITS | (int64_t)p->seq;
	struct filling filling = { x, id, why };
	int64_t column[C__N], call = id, time = 0;
	sqlite3_stmt *s = NULL;

	BUG_ON(!x->open);
	if (p->seq >> SEQ_BITS != 0 || p->at > INT64_MAX) {
		note_set(why, "more records in a cell than an index holds");
		return ERR_LIMIT;
	}
	for (size_t i = 0; i < C_WORDS; i++) {
		const struct jv v = jv_get(rec, members[i]);

		column[i] = 0;
		if (jv_is(v, J_STR))
			TRY(word(x, jv_str(v), &column[i], why));
	}
	column[C_IDENTITY] = refers(p, rec, STR("identity"));
	TRY(inherit(x, p, rec, column, &call, why));
	if (jv_i64(jv_get(rec, STR("time")), &time) != OK)
		time = 0;
	TRY(prepared(x, PUT_RECORD, &s, why));
	(void)sqlite3_bind_int64(s, 1, id);
	(void)sqlite3_bind_int64(s, 2, time);
	for (int i = 0; i < C__N; i++)
		if (column[i] != 0)
			(void)sqlite3_bind_int64(s, 3 + i, column[i]);
		else
			(void)sqlite3_bind_null(s, 3 + i);
	(void)sqlite3_bind_int64(s, 13, call);
	(void)sqlite3_bind_int64(s, 14, p->segment);
	(void)sqlite3_bind_int64(s, 15, (int64_t)p->at);
	(void)sqlite3_bind_blob(s, 16, p->leaf, LEDGER_HASH, SQLITE_STATIC);
	TRY(done(x, s, why));
	TRY(digest_found(&filling, p->leaf));
	TRY(index_digests(rec, digest_found, &filling));
	return index_subjects(rec, subject_found, &filling);
}

/* ---- cells, transactions ---- */

enum err
index_begin(struct index *x, struct note *why)
{
	BUG_ON(x->open);
	TRY(index_run(x->db, "BEGIN EXCLUSIVE", why));
	x->open = true;
	return OK;
}

enum err
index_end(struct index *x, struct note *why)
{
	BUG_ON(!x->open);
	if (!x->filled)
		TRY(index_indexes(x->db, why));
	TRY(index_run(x->db, "COMMIT", why));
	x->filled = true;
	x->open = false;
	return OK;
}

enum err
index_set_cell(struct index *x, const struct index_cell *c, struct note *why)
{
	struct buf tape = { .max = 1 << 16 };
	sqlite3_stmt *s = NULL;
	enum err e = prepared(x, PUT_CELL, &s, why);

	ledger_seen_put(&c->seen, c->cell, c->segment, &tape);
	if (e == OK) {
		(void)sqlite3_bind_int64(s, 1, c->cell);
		(void)sqlite3_bind_int64(s, 2, c->segment);
		(void)sqlite3_bind_blob64(s, 3, tape.p, tape.n, SQLITE_STATIC);
		(void)sqlite3_bind_blob(
		    s, 4, c->seen.chain, LEDGER_HASH, SQLITE_STATIC);
		(void)sqlite3_bind_int64(s, 5, (int64_t)c->seen.first);
		(void)sqlite3_bind_int64(s, 6, c->first);
		(void)sqlite3_bind_int64(s, 7, (int64_t)c->before);
		e = done(x, s, why);
		(void)sqlite3_clear_bindings(s);
	}
	buf_done(&tape);
	return e;
}

/* One row of cells; false: it is not what we wrote. */
static bool
cell_of(sqlite3_stmt *s, struct index_cell *out)
{
	const struct str seen = { sqlite3_column_blob(s, 2),
		(size_t)sqlite3_column_bytes(s, 2) };
	const void *chain = sqlite3_column_blob(s, 3);

	*out =
	    (struct index_cell){ .cell = (unsigned)sqlite3_column_int64(s, 0),
		    .segment = (unsigned)sqlite3_column_int64(s, 1) };
	if (tape_check(seen, &json_default) != OK ||
	    ledger_seen_of(jv_of(seen), &out->seen) != OK || chain == NULL ||
	    sqlite3_column_bytes(s, 3) != LEDGER_HASH)
		return false;
	memcpy(out->seen.chain, chain, LEDGER_HASH);
	out->seen.first = (uint64_t)sqlite3_column_int64(s, 4);
	out->first = (unsigned)sqlite3_column_int64(s, 5);
	out->before = (uint64_t)sqlite3_column_int64(s, 6);
	return true;
}

enum err
index_cells(struct index *x, struct index_cell *out, size_t n, size_t *count,
    struct note *why)
{
	sqlite3_stmt *s = NULL;
	int code = SQLITE_ERROR;
	bool well = true;

	*count = 0;
	if (sqlite3_prepare_v2(x->db, "SELECT * FROM cells ORDER BY cell", -1,
		&s, NULL) == SQLITE_OK)
		while ((code = sqlite3_step(s)) == SQLITE_ROW) {
			if (*count < n)
				well = cell_of(s, &out[*count]) && well;
			(*count)++;
		}
	(void)sqlite3_finalize(s);
	if (code != SQLITE_DONE)
		return index_fault(x->db, why);
	if (!well)
		note_set(why, "the index: what it was built from is damaged");
	return well ? OK : ERR_SYNTAX;
}

enum err
index_size(struct index *x, uint64_t *out, struct note *why)
{
	sqlite3_stmt *s = NULL;
	enum err e = OK;

	if (sqlite3_prepare_v2(x->db, "SELECT count(*) FROM records", -1, &s,
		NULL) != SQLITE_OK ||
	    sqlite3_step(s) != SQLITE_ROW)
		e = index_fault(x->db, why);
	else
		*out = (uint64_t)sqlite3_column_int64(s, 0);
	(void)sqlite3_finalize(s);
	return e;
}
