/*
 * sql.c: what a piece of SQL may do.  Not a parser of any dialect: a tokenizer
 * that knows every dialect's quotes and comments, and collects verbs wherever
 * they stand outside them.  Where dialects disagree about where a string ends
 * (backslashes, dollar quotes cut short, executable comments) `certain` is
 * false, and so is `read_only`.
 */
#include "facts/facts-in.h"

enum token { END, WORD, NAME, STRING, NUMBER, MARK };

struct lexer {
	struct str s;
	size_t at;
	bool comments, doubt;
};

struct tok {
	enum token kind;
	struct str text; /* WORD: as written; NAME: without its quotes */
};

struct sql {
	struct lexer lx;
	struct fset *verbs, *tables, *functions;
	int64_t statements;
	uint64_t lists; /* bit n: a comma at depth n parts tables */
	unsigned depth; /* of parentheses */
	bool fresh;	/* at the beginning of a statement */
	bool table;	/* the next name is a table */
	bool open;	/* an UPDATE or DELETE waits for its WHERE */
	bool unbounded;
	struct str last; /* the word just read, in case "(" follows */
};

/* --- tokens ------------------------------------------------------------- */

static char
look(const struct lexer *x, size_t ahead)
{
	return ahead < x->s.n - x->at ? x->s.p[x->at + ahead] : 0;
}

/* A carriage return ends it in PostgreSQL and not in MySQL. */
static void
line_comment(struct lexer *x)
{
	x->comments = true;
	while (x->at < x->s.n && !is_among(look(x, 0), STR("\r\n")))
		x->at++;
	x->doubt |= look(x, 0) == '\r' && look(x, 1) != '\n';
}

/* Nested, as PostgreSQL reads it; others end at the first: doubt. */
static void
block_comment(struct lexer *x)
{
	int depth = 0;

	x->comments = true;
	if (look(x, 2) == '!' || look(x, 2) == '+' || look(x, 2) == 'M')
		x->doubt = true; /* MySQL and MariaDB run what is inside */
	while (x->at < x->s.n) {
		if (look(x, 0) == '/' && look(x, 1) == '*') {
			x->doubt |= depth++ > 0;
			x->at += 2;
		} else if (look(x, 0) == '*' && look(x, 1) == '/') {
			x->at += 2;
			if (--depth == 0)
				return;
		} else {
			x->at++;
		}
	}
	x->doubt = true;
}

static bool
skip_blank(struct lexer *x)
{
	const size_t from = x->at;

	if (is_space(look(x, 0)) && x->at < x->s.n)
		x->at++;
	else if (look(x, 0) == '-' && look(x, 1) == '-') {
		/* MySQL takes 1--1 for two signs. */
		x->doubt |= look(x, 2) != 0 && !is_space(look(x, 2));
		line_comment(x);
	} else if (look(x, 0) == '#') {
		x->doubt = true; /* a comment in MySQL, an operator elsewhere */
		line_comment(x);
	} else if (look(x, 0) == '/' && look(x, 1) == '*')
		block_comment(x);
	return x->at > from;
}

/* After the opening quote.  Doubled quotes stay inside. */
static struct str
quoted(struct lexer *x, char end)
{
	const size_t from = ++x->at;

	for (; x->at < x->s.n; x->at++) {
		if (look(x, 0) == '\\' && end != ']')
			x->doubt = true; /* an escape here, a character there */
		if (look(x, 0) != end)
			continue;
		if (look(x, 1) != end || end == ']')
			return str_sub(x->s, from, x->at++ - from);
		x->at++;
	}
	x->doubt = true; /* never closed */
	return str_sub(x->s, from, x->at - from);
}

/* $tag$ ... $tag$ of PostgreSQL; false: it is none. */
static bool
dollar_quoted(struct lexer *x)
{
	size_t n = 1;
	struct str tag;

	while (is_word(look(x, n)))
		n++;
	if (look(x, n) != '$' || is_digit(look(x, 1)))
		return false;
	tag = str_sub(x->s, x->at, n + 1);
	x->doubt = true; /* in other dialects the inside is code */
	x->at += tag.n;
	n = str_search(str_sub(x->s, x->at, x->s.n), tag);
	x->at += n;
	x->at += x->at < x->s.n ? tag.n : 0;
	return true;
}

/* Of SQL Server and SQLite; the same signs index an array in PostgreSQL. */
static struct str
bracketed(struct lexer *x)
{
	const struct str s = quoted(x, ']');

	for (size_t i = 0; i < s.n; i++)
		x->doubt |= !is_word(s.p[i]) && !is_among(s.p[i], STR(" .-"));
	return s;
}

/* 10, 1.5e3, 0x1f; in "1from x" some read a word after the number. */
static bool
number_ok(struct str s)
{
	const bool hex = s.n > 2 && s.p[0] == '0' && (s.p[1] | 32) == 'x';
	bool e = false;

	for (size_t i = hex ? 2 : 0; i < s.n; i++) {
		const bool first_e = !hex && !e && (s.p[i] | 32) == 'e';

		if (!first_e && s.p[i] != '.' &&
		    !(hex ? is_hex(s.p[i]) : is_digit(s.p[i])))
			return false;
		e |= first_e;
	}
	return true;
}

/* Spaces to some, letters to others: U+0080 to U+00BF, U+1680, U+180E, U+2000
 * to U+206F, U+3000, U+FEFF. */
static bool
has_blank(struct str s)
{
	static const struct str blanks[] = { STR_INIT("\xc2"),
		STR_INIT("\xe1\x9a\x80"), STR_INIT("\xe1\xa0\x8e"),
		STR_INIT("\xe2\x80"), STR_INIT("\xe2\x81"),
		STR_INIT("\xe3\x80\x80"), STR_INIT("\xef\xbb\xbf") };

	for (size_t i = 0; i < countof(blanks); i++)
		if (str_search(s, blanks[i]) < s.n)
			return true;
	return false;
}

static struct tok
word(struct lexer *x)
{
	const size_t from = x->at;
	const bool number = is_digit(look(x, 0));
	struct str s;

	while (x->at < x->s.n && (is_word(look(x, 0)) || look(x, 0) == '$' ||
				     (number && look(x, 0) == '.')))
		x->at++;
	s = str_sub(x->s, from, x->at - from);
	x->doubt |= number ? !number_ok(s) : has_blank(s);
	/* Oracle: q'[it's]' */
	x->doubt |= look(x, 0) == '\'' && (s.p[s.n - 1] | 32) == 'q';
	return (struct tok){ number ? NUMBER : WORD, s };
}

static struct tok
next(struct lexer *x)
{
	const size_t from = x->at;
	const char ch = look(x, 0);

	if (x->at >= x->s.n)
		return (struct tok){ END, STR("") };
	if (ch == '\'')
		return (struct tok){ STRING, quoted(x, '\'') };
	if (ch == '"' || ch == '`')
		return (struct tok){ NAME, quoted(x, ch) };
	if (ch == '[' && (is_word(look(x, 1)) && !is_digit(look(x, 1))))
		return (struct tok){ NAME, bracketed(x) };
	if (ch == '$' && dollar_quoted(x))
		return (struct tok){ STRING, STR("") };
	if (is_word(ch))
		return word(x);
	x->at++;
	x->doubt |= ch == '\\'; /* a client's own command */
	return (struct tok){ MARK, str_sub(x->s, from, 1) };
}

/* --- words that mean something ------------------------------------------- */

enum { READS = 1, WRITES = 2, TABLE = 4, START = 8, BOUND = 16 };
static const struct verb {
	struct str word;
	int is; /* START: a verb only where a statement begins */
} verbs[] = {
	{ STR_INIT("SELECT"), READS },
	{ STR_INIT("WITH"), READS | START },
	{ STR_INIT("VALUES"), READS | START },
	{ STR_INIT("SHOW"), READS | START },
	{ STR_INIT("EXPLAIN"), READS | START },
	{ STR_INIT("DESCRIBE"), READS | START | TABLE },
	{ STR_INIT("DESC"), READS | START | TABLE },
	{ STR_INIT("INSERT"), WRITES | TABLE },
	{ STR_INIT("UPDATE"), WRITES | TABLE | BOUND },
	{ STR_INIT("DELETE"), WRITES | BOUND },
	{ STR_INIT("MERGE"), WRITES },
	{ STR_INIT("REPLACE"), WRITES },
	{ STR_INIT("UPSERT"), WRITES },
	{ STR_INIT("TRUNCATE"), WRITES | TABLE },
	{ STR_INIT("DROP"), WRITES },
	{ STR_INIT("ALTER"), WRITES },
	{ STR_INIT("CREATE"), WRITES },
	{ STR_INIT("GRANT"), WRITES },
	{ STR_INIT("REVOKE"), WRITES },
	{ STR_INIT("COPY"), WRITES | TABLE },
	{ STR_INIT("CALL"), WRITES },
	{ STR_INIT("EXEC"), WRITES },
	{ STR_INIT("EXECUTE"), WRITES },
	{ STR_INIT("ATTACH"), WRITES },
	{ STR_INIT("LOAD"), WRITES },
	{ STR_INIT("OUTFILE"), WRITES },
	{ STR_INIT("DUMPFILE"), WRITES },
	/* SQL Server needs no semicolon before the next statement. */
	{ STR_INIT("SHUTDOWN"), WRITES },
	{ STR_INIT("RECONFIGURE"), WRITES },
	{ STR_INIT("DBCC"), WRITES },
	{ STR_INIT("BACKUP"), WRITES },
	{ STR_INIT("RESTORE"), WRITES },
};
static const struct str before_tables[] = { STR_INIT("FROM"), STR_INIT("JOIN"),
	STR_INIT("STRAIGHT_JOIN"), STR_INIT("INTO"), STR_INIT("TABLE"),
	STR_INIT("USING") };
/* Words that end a list of tables. */
static const struct str after_tables[] = { STR_INIT("WHERE"), STR_INIT("GROUP"),
	STR_INIT("ORDER"), STR_INIT("HAVING"), STR_INIT("LIMIT"),
	STR_INIT("UNION"), STR_INIT("INTERSECT"), STR_INIT("EXCEPT"),
	STR_INIT("SELECT"), STR_INIT("SET"), STR_INIT("VALUES"),
	STR_INIT("RETURNING") };
/* Words that may stand between a verb and its table. */
static const struct str between[] = { STR_INIT("ONLY"), STR_INIT("IF"),
	STR_INIT("NOT"), STR_INIT("EXISTS"), STR_INIT("TABLE"),
	STR_INIT("LATERAL"), STR_INIT("LOW_PRIORITY"), STR_INIT("IGNORE"),
	STR_INIT("QUICK"), STR_INIT("DELAYED"), STR_INIT("HIGH_PRIORITY"),
	STR_INIT("OVERWRITE"), STR_INIT("OR") };

static bool
among(struct str w, const struct str *v, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (str_ieq(v[i], w))
			return true;
	return false;
}

static const struct verb *
verb_of(struct str w)
{
	for (size_t i = 0; i < countof(verbs); i++)
		if (str_ieq(verbs[i].word, w))
			return &verbs[i];
	return NULL;
}

static void
statement_over(struct sql *q)
{
	q->unbounded |= q->open;
	q->open = q->table = false;
	q->fresh = true;
	q->lists = 0;
	q->depth = 0;
}

static void
tables_follow(struct sql *q, bool yes)
{
	q->table = yes;
	if (yes)
		q->lists |= UINT64_C(1) << q->depth;
	else
		q->lists &= ~(UINT64_C(1) << q->depth);
}

/* schema.table: the whole, in lower case.  Its last part may be a function. */
static void
take_table(struct reading *r, struct sql *q, struct str first)
{
	struct str whole = lower(r->a, first);

	q->last = first;
	q->table = false;
	while (whole.p != NULL) {
		struct tok t;

		while (skip_blank(&q->lx))
			;
		if (look(&q->lx, 0) != '.')
			break;
		q->lx.at++;
		while (skip_blank(&q->lx))
			;
		t = next(&q->lx);
		if (t.kind != WORD && t.kind != NAME)
			break;
		whole = join3(r->a, whole, STR("."), lower(r->a, t.text));
		q->last = t.text;
	}
	fset_add(q->tables, whole);
}

static void
take_word(struct reading *r, struct sql *q, struct str w)
{
	const struct verb *v = verb_of(w);
	const bool fresh = q->fresh;

	q->statements += fresh;
	q->fresh = false;
	q->last = w;
	if (among(w, after_tables, countof(after_tables)))
		tables_follow(q, false);
	if (v != NULL && (fresh || !(v->is & START))) {
		fset_add(q->verbs, v->word);
		q->open |= (v->is & BOUND) != 0;
		tables_follow(q, (v->is & TABLE) != 0);
		return;
	}
	if (fresh) /* a verb that the table does not have */
		fset_add(q->verbs, upper(r->a, w));
	if (str_ieq(w, STR("WHERE")))
		q->open = false;
	else if (among(w, before_tables, countof(before_tables)))
		tables_follow(q, true);
	else if (!fresh && q->table && !among(w, between, countof(between)))
		take_table(r, q, w);
}

/* Tables may stand in parentheses; the columns of JOIN ... USING (a, b) are
 * none. */
static void
open_paren(struct reading *r, struct sql *q, struct str before)
{
	const bool columns = str_ieq(before, STR("USING")) &&
			     !fset_has(q->verbs, STR("DELETE")) &&
			     !fset_has(q->verbs, STR("MERGE"));

	if (before.n && verb_of(before) == NULL)
		fset_add(q->functions, lower(r->a, before));
	q->depth++;
	if (q->depth == 64) {
		q->lx.doubt = true;
		q->depth = 63;
	}
	tables_follow(q, q->table && !columns);
}

static void
take_mark(struct reading *r, struct sql *q, char mark, struct str before)
{
	if (mark == ';')
		statement_over(q);
	else if (mark == '(')
		open_paren(r, q, before);
	else if (mark == ')' && q->depth > 0)
		q->depth--;
	else if (mark == ',' && q->lists >> q->depth & 1)
		q->table = true;
}

static void
take(struct reading *r, struct sql *q, struct tok t)
{
	const struct str before = q->last;

	q->last = STR("");
	if (t.kind == WORD) {
		take_word(r, q, t.text);
	} else if ((t.kind == NAME || t.kind == STRING) && q->table) {
		take_table(r, q, t.text); /* SQLite: FROM 'a' */
	} else if (t.kind == NAME) {
		q->last = t.text;
	} else if (t.kind == MARK) {
		take_mark(r, q, t.text.p[0], before);
	} else if (t.kind != END && q->fresh) {
		q->lx.doubt = true; /* a statement that begins with a value */
		q->fresh = false;
		q->statements++;
	}
}

static bool
only_reads(const struct sql *q)
{
	for (size_t i = 0; i < q->verbs->n; i++) {
		const struct verb *v = verb_of(q->verbs->v[i]);

		if (v == NULL || !(v->is & READS))
			return false;
	}
	return q->verbs->n > 0;
}

enum err
read_sql(struct reading *r)
{
	struct sql q = { .lx = { .s = r->text }, .fresh = true };
	bool certain, into = false;
	struct tok t;

	q.verbs = fset_new(r);
	q.tables = fset_new(r);
	q.functions = fset_new(r);
	if (q.verbs == NULL || q.tables == NULL || q.functions == NULL)
		return ERR_LIMIT;
	do {
		while (skip_blank(&q.lx))
			;
		t = next(&q.lx);
		into |= t.kind == WORD && str_ieq(t.text, STR("INTO"));
		take(r, &q, t);
	} while (t.kind != END);
	statement_over(&q);
	certain = !q.lx.doubt && !q.verbs->full && !q.tables->full &&
		  !q.functions->full && utf8_ok(r->text) &&
		  memchr(r->text.p, 0, r->text.n) == NULL;
	put_fset(r, STR("verbs"), q.verbs);
	put_fset(r, STR("tables"), q.tables);
	put_fset(r, STR("functions"), q.functions);
	put_long(r, STR("statements"), q.statements);
	put_is(r, STR("read_only"), certain && only_reads(&q) && !into);
	put_is(r, STR("unbounded"), q.unbounded || !certain);
	put_is(r, STR("comments"), q.lx.comments);
	put_is(r, STR("certain"), certain);
	return OK;
}
