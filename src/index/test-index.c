/* test-index: what is found, that what agents write stays text, and that a file
 * which is not ours to the letter is refused. */
#include <sqlite3.h>
#include <unistd.h>

#include "base/tap.h"
#include "index/index.h"

static struct buf tape = { .max = 1 << 20 };
static struct note why;

static struct jv
json(const char *text)
{
	buf_clear(&tape);
	if (json_parse(str_of(text), &json_default, &tape, NULL) != OK)
		exit(1);
	return jv_of(buf_view(&tape));
}

static void
leaf_of(uint64_t seq, unsigned char out[static LEDGER_HASH])
{
	memset(out, (int)seq, LEDGER_HASH);
}

static enum err
add(struct index *x, uint64_t seq, const char *text)
{
	struct index_place p = { .cell = 1, .segment = 2, .seq = seq };

	p.at = 1000 + seq;
	leaf_of(seq, p.leaf);
	return index_add(x, &p, json(text), &why);
}

#define A64 "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
#define B64 "bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb"
#define INJECT "x' OR '1'='1"
#define ANSI "\\u001b[2J\\u0000"

static const char *const records[] = {
	"{\"kind\":\"start\",\"time\":10}",
	"{\"kind\":\"policy\",\"policy\":\"" A64 "\",\"time\":20}",
	"{\"chain\":[{\"name\":\"ann\"},{\"name\":\"bob\"}],\"digest\":\"" B64
	"\",\"kind\":\"decision\",\"method\":\"tools/call\",\"name\":\"read\","
	"\"policy\":\"" A64 "\",\"principal\":\"robot\",\"server\":\"files\","
	"\"session\":\"s1\",\"time\":30,\"verdict\":\"allow\"}",
	"{\"decision\":3,\"digest\":\"" A64
	"\",\"kind\":\"outcome\",\"status\":\"answered\",\"time\":40}",
	"{\"kind\":\"decision\",\"method\":\"tools/call\",\"name\":\"" INJECT
	"\",\"policy\":\"" A64 "\",\"principal\":\"" ANSI
	"\",\"server\":\"files\",\"session\":\"s2\",\"time\":50,"
	"\"verdict\":\"deny\"}",
	"{\"kind\":\"evaluation\",\"name\":\"read\",\"principal\":\"robot\","
	"\"server\":\"files\",\"time\":60,\"verdict\":\"allow\"}",
	"{\"chain\":\"absent\",\"kind\":\"identity\",\"subject\":{\"id\":"
	"\"dora\"},"
	"\"time\":65}",
	"{\"identity\":7,\"kind\":\"decision\",\"subject\":{"
	"\"not_established\":\"x\"},\"time\":66,\"verdict\":\"deny\"}",
	"{\"decision\":8,\"kind\":\"outcome\",\"time\":67}",
	"{\"deep\":{\"er\":[1,{\"sha256\":\"sha256:" B64 "\"}]},"
	"\"kind\":\"never heard of\",\"name\":7,\"subject\":{\"subject_id\":"
	"\"carl\"},\"time\":70}",
};

static struct index *
filled(const char *path)
{
	struct index *x = NULL;
	struct index_cell cell = { .cell = 1, .segment = 2 };
	struct tlog_range *t = &cell.seen.tree;

	if (index_new(path, &x, &why) != OK || index_begin(x, &why) != OK)
		exit(1);
	for (size_t i = 0; i < countof(records); i++)
		if (add(x, i + 1, records[i]) != OK)
			exit(1);
	t->size = 4;
	memset(&t->node[2], 9, LEDGER_HASH);
	cell.seen.good = 77;
	cell.seen.first = 3;
	cell.first = 6;
	cell.before = 7;
	memset(cell.seen.chain, 5, LEDGER_HASH);
	if (index_set_cell(x, &cell, &why) != OK || index_end(x, &why) != OK)
		exit(1);
	return x;
}

/* ---- asking ---- */

struct answer {
	char seqs[64]; /* of places, "3 4" */
	struct index_row row;
	char text[4][128]; /* the first texts of the last row */
	unsigned rows;
};

static bool
got(void *arg, const struct index_row *row)
{
	struct answer *a = arg;
	const size_t n = strlen(a->seqs);

	a->rows++;
	a->row = *row;
	for (size_t i = 0; i < row->n && i < 4; i++)
		(void)snprintf(a->text[i], sizeof(a->text[i]), "%.*s",
		    STR_ARG(row->at[i].s));
	if (row->n == 0)
		(void)snprintf(a->seqs + n, sizeof(a->seqs) - n, "%s%llu",
		    n == 0 ? "" : " ", (unsigned long long)row->place.seq);
	return true;
}

static const struct index_query *
query(const char *name)
{
	for (size_t i = 0; i < index_queries_n; i++)
		if (strcmp(index_queries[i].name, name) == 0)
			return &index_queries[i];
	exit(1);
}

static const char *
ask(struct index *x, const char *name, enum index_by by, const char *value)
{
	static struct answer a;
	struct index_filter f = { .since = 0 };

	a = (struct answer){ .rows = 0 };
	if (by != INDEX_BY__N)
		f.by[by] = str_of(value);
	if (index_ask(x, query(name), &f, got, &a, &why) != OK)
		return why.text;
	return a.seqs;
}

static void
test_places(struct index *x)
{
	static const struct {
		const char *query;
		enum index_by by;
		const char *value, *want;
	} cases[] = {
		{ "session", INDEX_SESSION, "s1", "3 4" },
		{ "session", INDEX_SESSION, "s3", "" },
		{ "tool", INDEX_TOOL, "read", "3 4 6" },
		{ "tool", INDEX_TOOL, INJECT, "5" },
		{ "tool", INDEX_TOOL, "x' OR '1'='2", "" },
		{ "tool", INDEX_TOOL, "7", "" },
		{ "subject", INDEX_SUBJECT, "bob", "3 4" },
		{ "subject", INDEX_SUBJECT, "carl", "10" },
		{ "subject", INDEX_SUBJECT, "dora", "7 8 9" },
		{ "subject", INDEX_SUBJECT, "absent", "" },
		{ "digest", INDEX_DIGEST, B64, "3 10" },
		{ "digest", INDEX_DIGEST, "sha256:" B64, "3 10" },
		{ "digest", INDEX_DIGEST, A64, "2 3 4 5" },
		{ "digest", INDEX_DIGEST,
		    "0505050505050505050505050505050505050505050505050505050505"
		    "050505",
		    "5" },
		{ "records", INDEX_AGENT, "robot", "3 4 6" },
		{ "records", INDEX_KIND, "never heard of", "10" },
		{ "records", INDEX_VERDICT, "allow", "3 6" },
		{ "records", INDEX_BY__N, "", "1 2 3 4 5 6 7 8 9 10" },
		{ "approvals", INDEX_BY__N, "", "" },
	};

	for (size_t i = 0; i < countof(cases); i++) {
		const char *is =
		    ask(x, cases[i].query, cases[i].by, cases[i].value);

		ok(strcmp(is, cases[i].want) == 0, "%s %s: %s", cases[i].query,
		    cases[i].value, is);
	}
}

static void
test_tables(struct index *x)
{
	struct index_filter f = { .since = 0 };
	struct answer a = { .rows = 0 };

	ok(index_ask(x, query("agents"), &f, got, &a, &why) == OK &&
		a.rows == 2 && strcmp(a.text[0], "robot") == 0 &&
		a.row.at[1].i == 3 && a.row.at[2].i == 1 &&
		a.row.at[3].i == 1 && a.row.at[6].i == 30 &&
		a.row.at[7].i == 60,
	    "an evaluation is activity, and allows nothing");
	a = (struct answer){ .rows = 0 };
	ok(index_ask(x, query("allowed"), &f, got, &a, &why) == OK &&
		a.rows == 1 && strcmp(a.text[1], "files") == 0 &&
		strcmp(a.text[3], "read") == 0 && a.row.at[5].i == 1,
	    "what was allowed, and no denial");
	a = (struct answer){ .rows = 0 };
	f.until = 50;
	ok(index_ask(x, query("policies"), &f, got, &a, &why) == OK &&
		a.rows == 1 && a.row.at[1].i == 20 && a.row.at[2].i == 1 &&
		a.row.at[4].i == 0,
	    "in force from, and only before the time that was given");
	f = (struct index_filter){ .since = 50 };
	a = (struct answer){ .rows = 0 };
	ok(index_ask(x, query("kinds"), &f, got, &a, &why) == OK && a.rows == 5,
	    "and since");
}

/* The same questions to the records themselves. */
static bool
matches(const struct index_filter *f, struct index_view *v, size_t i,
    struct jv decision)
{
	v->rec = json(records[i]);
	v->decision = decision;
	return index_matches(f, v);
}

static void
test_matches(void)
{
	unsigned char leaf[LEDGER_HASH];
	struct buf decided = { .max = 1 << 16 };
	struct index_filter f = { .since = 0 };
	const struct jv none = { NULL, 0 };
	struct jv d;
	struct index_view v = { none, none, none, leaf };

	leaf_of(4, leaf);
	(void)json(records[2]);
	buf_str(&decided, buf_view(&tape));
	d = jv_of(buf_view(&decided));
	f.by[INDEX_SESSION] = STR("s1");
	ok(!matches(&f, &v, 3, none) && matches(&f, &v, 3, d),
	    "an outcome is of its decision's session");
	f.by[INDEX_VERDICT] = STR("allow");
	ok(!matches(&f, &v, 3, d) && matches(&f, &v, 2, none),
	    "but no decision itself");
	f = (struct index_filter){ .since = 40 };
	f.by[INDEX_SUBJECT] = STR("ann");
	ok(matches(&f, &v, 3, d) && !matches(&f, &v, 2, none), "since");
	f = (struct index_filter){ .by = { [INDEX_DIGEST] = STR(A64) } };
	ok(matches(&f, &v, 3, none) && matches(&f, &v, 1, none) &&
		!matches(&f, &v, 0, none),
	    "a digest, the policy's too");
	buf_done(&decided);
}

static void
test_digests(void)
{
	static const struct {
		const char *text;
		bool is;
	} cases[] = { { A64, true }, { "sha256:" A64, true }, { "", false },
		{ "sha256:", false }, { A64 "a", false },
		{ "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA", true },
		{ "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAB", false },
		{ "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA+A", false },
		{ "gggggggggggggggggggggggggggggggggggggggggggggggggggggggggg"
		  "gggggg",
		    false } };
	unsigned char sum[LEDGER_HASH];

	for (size_t i = 0; i < countof(cases); i++)
		ok(index_digest_of(str_of(cases[i].text), sum) == cases[i].is,
		    "\"%.50s\" %s a digest", cases[i].text,
		    cases[i].is ? "is" : "is not");
}

/* ---- files ---- */

static void
change(const char *path, const char *sql)
{
	sqlite3 *db = NULL;

	if (sqlite3_open(path, &db) != SQLITE_OK ||
	    sqlite3_exec(db, sql, NULL, NULL, NULL) != SQLITE_OK)
		exit(1);
	(void)sqlite3_close(db);
}

static bool
opens(const char *path)
{
	struct index *x = NULL;
	const enum err e = index_open(path, &x, &why);

	index_free(x);
	return e == OK;
}

static void
test_files(const char *path)
{
	static const char *const changes[] = {
		"CREATE TRIGGER t AFTER INSERT ON records BEGIN DELETE FROM "
		"records; END",
		"CREATE VIEW v AS SELECT 1",
		"DROP INDEX by_tool",
		"DROP TABLE subjects; CREATE VIEW subjects AS SELECT 1 AS "
		"word, 2 AS record",
		"PRAGMA user_version=999",
		"PRAGMA application_id=1",
	};
	struct index *x = filled(path);
	struct index_cell cell[2];
	uint64_t size = 0;
	size_t n = 0;

	index_free(x);
	x = NULL;
	ok(index_open(path, &x, &why) == OK &&
		index_size(x, &size, &why) == OK && size == countof(records) &&
		index_cells(x, cell, 2, &n, &why) == OK && n == 1 &&
		cell[0].cell == 1 && cell[0].segment == 2 &&
		cell[0].seen.tree.size == 4 && cell[0].seen.good == 77 &&
		cell[0].seen.first == 3 && cell[0].first == 6 &&
		cell[0].before == 7 && cell[0].seen.chain[31] == 5 &&
		cell[0].seen.tree.node[2].b[0] == 9,
	    "what it was built from stands in it");
	ok(index_begin(x, &why) == OK && add(x, 11, records[2]) == OK &&
		index_end(x, &why) == OK &&
		strcmp(ask(x, "session", INDEX_SESSION, "s1"), "3 11 4") == 0,
	    "and it goes on");
	ok(index_begin(x, &why) == OK && add(x, 11, records[2]) == ERR_SYNTAX,
	    "a record comes once");
	index_free(x);
	ok(opens(path), "what was begun and not ended is undone");
	for (size_t i = 0; i < countof(changes); i++) {
		(void)unlink(path);
		index_free(filled(path));
		change(path, changes[i]);
		ok(!opens(path), "refused: %.40s", changes[i]);
	}
	(void)unlink(path);
	ok(!opens(path), "none there: none is made");
	index_free(filled(path));
	change(path, "UPDATE cells SET seen=zeroblob(9)");
	x = NULL;
	ok(index_open(path, &x, &why) == OK &&
		index_cells(x, cell, 2, &n, &why) == ERR_SYNTAX,
	    "a damaged word of what it was built from");
	index_free(x);
}

int
main(void)
{
	char dir[] = "/tmp/gatehouse-index-XXXXXX", path[64];
	struct index *x = filled("");

	test_places(x);
	test_tables(x);
	index_free(x);
	test_matches();
	test_digests();
	if (mkdtemp(dir) == NULL)
		return 1;
	(void)snprintf(path, sizeof(path), "%s/x", dir);
	test_files(path);
	tap_remove(dir);
	buf_done(&tape);
	return tap_done();
}
