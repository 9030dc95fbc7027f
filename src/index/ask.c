/*
 * ask: the questions, a row each.  SQL is made of constants alone; what is
 * asked for is bound.
 */
#include "index/index-in.h"

#define WORD(column, as) "(SELECT word FROM words WHERE id=" column ") AS " as
#define IS(column, word) column "=(SELECT id FROM words WHERE word='" word "')"
#define COUNT(condition, as) "count(CASE WHEN " condition " THEN 1 END) AS " as
#define DECIDED(verdict, as)                                                   \
	COUNT(IS("kind", "decision") " AND " IS("verdict", verdict), as)
#define COUNTS                                                                 \
	COUNT(IS("kind", "decision"), "decisions")                             \
	"," DECIDED("allow", "allowed") "," DECIDED(                           \
	    "deny", "denied") "," DECIDED("hold", "held")
#define PLACE "SELECT id, segment, at, leaf FROM records r WHERE 1"

const struct index_query index_queries[] = {
	{ "agents", NULL, "which agents were active, and what was decided",
	    INDEX_BY__N, false,
	    "SELECT " WORD("principal",
		"agent") ", count(*) AS records," COUNTS ","
			 "min(time) AS first, max(time) AS last "
			 "FROM records r WHERE principal IS NOT NULL",
	    " GROUP BY principal ORDER BY agent" },
	{ "allowed", NULL, "what they were allowed, under which policy",
	    INDEX_BY__N, false,
	    "SELECT " WORD("principal", "agent") "," WORD(
		"server", "server") "," WORD("method",
		"method") "," WORD("name", "name") "," WORD("policy",
		"policy") ", count(*) AS calls,"
			  "min(time) AS first, max(time) AS last "
			  "FROM records r WHERE " IS("kind",
			      "decision") " AND " IS("verdict", "allow"),
	    " GROUP BY principal, server, method, r.name, policy "
	    "ORDER BY agent, server, method, 4, policy" },
	{ "policies", NULL, "which sets of policies decided, and when",
	    INDEX_BY__N, false,
	    "SELECT " WORD("policy",
		"policy") ","
			  "min(CASE WHEN " IS("kind",
			      "policy") " THEN time END) AS in_force," COUNTS
					","
					"min(time) AS first, max(time) AS last "
					"FROM records r WHERE policy IS NOT "
					"NULL",
	    " GROUP BY policy ORDER BY first, policy" },
	{ "kinds", NULL, "how many records there are of each kind", INDEX_BY__N,
	    false,
	    "SELECT " WORD("kind", "kind") ", count(*) AS records,"
					   "min(time) AS first, max(time) AS "
					   "last FROM records r WHERE 1",
	    " GROUP BY kind ORDER BY 1" },
	{ "approvals", NULL, "who approved what", INDEX_BY__N, true,
	    PLACE " AND " IS("kind", "approval"), " ORDER BY time, id" },
	{ "session", "ID", "everything in one session", INDEX_SESSION, true,
	    PLACE, " ORDER BY time, id" },
	{ "tool", "NAME", "everything about one tool, prompt or resource",
	    INDEX_TOOL, true, PLACE, " ORDER BY time, id" },
	{ "subject", "NAME", "everything for one person or data subject",
	    INDEX_SUBJECT, true, PLACE, " ORDER BY time, id" },
	{ "digest", "HEX", "every record that holds a digest, or has it",
	    INDEX_DIGEST, true, PLACE, " ORDER BY time, id" },
	{ "records", NULL, "every record that the options leave", INDEX_BY__N,
	    true, PLACE, " ORDER BY time, id" },
};
const size_t index_queries_n = countof(index_queries);

/* Conditions by enum index_by.  An outcome has its decision's words. */
#define WORD_IS(column, name)                                                  \
	" AND r." column "=(SELECT id FROM words WHERE word=:" name ")"
#define SUBJECT "s.word=(SELECT id FROM words WHERE word=:subject)"
static const struct {
	const char *name, *sql;
} conditions[INDEX_BY__N] = {
	[INDEX_AGENT] = { ":agent", WORD_IS("principal", "agent") },
	[INDEX_SESSION] = { ":session", WORD_IS("session", "session") },
	[INDEX_SERVER] = { ":server", WORD_IS("server", "server") },
	[INDEX_TOOL] = { ":tool", WORD_IS("name", "tool") },
	[INDEX_VERDICT] = { ":verdict", WORD_IS("verdict", "verdict") },
	[INDEX_POLICY] = { ":policy", WORD_IS("policy", "policy") },
	[INDEX_KIND] = { ":kind", WORD_IS("kind", "kind") },
	[INDEX_SUBJECT] = { ":subject",
	    " AND (r.call IN (SELECT q.call FROM records q JOIN subjects s "
	    "ON q.id=s.record WHERE " SUBJECT
	    ") OR r.identity IN (SELECT s.record FROM subjects s "
	    "WHERE " SUBJECT "))" },
	[INDEX_DIGEST] = { ":digest",
	    " AND r.id IN (SELECT record FROM digests WHERE key=:key)" },
};

/* A set of policies is named by a word, which nearly every record has: only
 * where there is that word are they looked through. */
static const char digest_or_policy[] =
    " AND (r.id IN (SELECT record FROM digests WHERE key=:key) "
    "OR r.policy=(SELECT id FROM words WHERE word=:digest))";

static bool
is_word(struct index *x, struct str text)
{
	sqlite3_stmt *s = NULL;
	bool is = false;

	if (sqlite3_prepare_v2(x->db, "SELECT 1 FROM words WHERE word=?1", -1,
		&s, NULL) == SQLITE_OK) {
		index_bind(s, 1, text);
		is = sqlite3_step(s) == SQLITE_ROW;
	}
	(void)sqlite3_finalize(s);
	return is;
}

static void
kind_condition(struct buf *sql)
{
	buf_str(
	    sql, STR(" AND r.kind IN (SELECT id FROM words WHERE word IN ("));
	for (size_t i = 0; i < INDEX_ACCOUNTING; i++)
		buf_fmt(sql, "%s'%s'", i > 0 ? "," : "", index_accounting[i]);
	buf_str(sql, STR("))"));
}

static void
condition(struct index *x, struct buf *sql, const struct index_filter *f,
    struct str hex)
{
	for (size_t i = 0; i < INDEX_BY__N; i++)
		if (i == INDEX_KIND && str_eq(f->by[i], STR("accounting")))
			kind_condition(sql);
		else if (f->by[i].n > 0)
			buf_str(sql, str_of(i == INDEX_DIGEST && is_word(x, hex)
						? digest_or_policy
						: conditions[i].sql));
	if (f->since > 0)
		buf_str(sql, STR(" AND r.time>=:since"));
	if (f->until > 0)
		buf_str(sql, STR(" AND r.time<:until"));
}

static void
bind_number(sqlite3_stmt *s, const char *name, int64_t v)
{
	const int at = sqlite3_bind_parameter_index(s, name);

	if (at > 0)
		(void)sqlite3_bind_int64(s, at, v);
}

/* hex: the digest as records name policies. */
static void
bind_all(sqlite3_stmt *s, const struct index_filter *f, struct str hex)
{
	unsigned char sum[LEDGER_HASH];

	if (index_digest_of(f->by[INDEX_DIGEST], sum))
		bind_number(s, ":key", index_key(sum));
	for (size_t i = 0; i < INDEX_BY__N; i++) {
		const int at =
		    sqlite3_bind_parameter_index(s, conditions[i].name);

		if (at > 0)
			index_bind(s, at, i == INDEX_DIGEST ? hex : f->by[i]);
	}
	bind_number(s, ":since", (int64_t)f->since);
	bind_number(s, ":until", (int64_t)f->until);
}

static bool
place_of(sqlite3_stmt *s, struct index_place *out)
{
	const uint64_t id = (uint64_t)sqlite3_column_int64(s, 0);
	const void *leaf = sqlite3_column_blob(s, 3);

	if (leaf == NULL || sqlite3_column_bytes(s, 3) != LEDGER_HASH)
		return false;
	out->cell = (unsigned)(id >> SEQ_BITS);
	out->seq = id & ((UINT64_C(1) << SEQ_BITS) - 1);
	out->segment = (unsigned)sqlite3_column_int64(s, 1);
	out->at = (uint64_t)sqlite3_column_int64(s, 2);
	memcpy(out->leaf, leaf, LEDGER_HASH);
	return true;
}

static void
columns(sqlite3_stmt *s, struct index_row *row)
{
	const int n = sqlite3_column_count(s);

	row->n = (size_t)n;
	for (int i = 0; i < n && i < INDEX_COLUMNS; i++) {
		struct index_value *v = &row->at[i];
		const int type = sqlite3_column_type(s, i);

		*v = (struct index_value){ .name = sqlite3_column_name(s, i),
			.number = type == SQLITE_INTEGER };
		if (type == SQLITE_INTEGER) {
			v->i = sqlite3_column_int64(s, i);
		} else if (type == SQLITE_TEXT) {
			v->s.p = (const char *)sqlite3_column_text(s, i);
			v->s.n = (size_t)sqlite3_column_bytes(s, i);
		}
		if (v->s.p != NULL && !utf8_ok(v->s))
			v->s = STR("?");
	}
}

static enum err
rows(struct index *x, sqlite3_stmt *s, const struct index_query *q,
    bool (*got)(void *arg, const struct index_row *row), void *arg,
    struct note *why)
{
	int code;

	while ((code = sqlite3_step(s)) == SQLITE_ROW) {
		struct index_row row = { .n = 0 };

		if (!q->places)
			columns(s, &row);
		else if (!place_of(s, &row.place)) {
			note_set(why, "the index: a place without a leaf");
			return ERR_SYNTAX;
		}
		if (!got(arg, &row))
			return OK;
	}
	return code == SQLITE_DONE ? OK : index_fault(x->db, why);
}

enum err
index_ask(struct index *x, const struct index_query *q,
    const struct index_filter *f,
    bool (*got)(void *arg, const struct index_row *row), void *arg,
    struct note *why)
{
	struct buf sql = { .max = 1 << 14 }, hex = { .max = 64 };
	unsigned char sum[LEDGER_HASH];
	sqlite3_stmt *s = NULL;
	enum err e = OK;

	BUG_ON(q->arg != INDEX_BY__N && f->by[q->arg].n == 0);
	if (index_digest_of(f->by[INDEX_DIGEST], sum))
		buf_hex(&hex, (struct str){ (const char *)sum, sizeof(sum) });
	buf_str(&sql, str_of(q->sql));
	condition(x, &sql, f, buf_view(&hex));
	buf_str(&sql, str_of(q->tail));
	if (sql.full ||
	    sqlite3_prepare_v2(x->db, sql.p, (int)sql.n, &s, NULL) != SQLITE_OK)
		e = index_fault(x->db, why);
	if (e == OK) {
		bind_all(s, f, buf_view(&hex));
		e = rows(x, s, q, got, arg, why);
	}
	(void)sqlite3_finalize(s);
	buf_done(&sql);
	buf_done(&hex);
	return e;
}
