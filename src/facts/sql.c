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
	bool fresh; /* at the beginning of a statement */
	bool table; /* the next name is a table */
	bool open;  /* an UPDATE or DELETE waits for its WHERE */
	bool unbounded;
	struct str last; /* the word just read, in case "(" follows */
};

/* --- tokens ------------------------------------------------------------- */

static char
look(const struct lexer *x, size_t ahead)
{
	return ahead < x->s.n - x->at ? x->s.p[x->at + ahead] : 0;
}

static void
line_comment(struct lexer *x)
{
	x->comments = true;
	while (x->at < x->s.n && look(x, 0) != '\n')
		x->at++;
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
	else if (look(x, 0) == '-' && look(x, 1) == '-')
		line_comment(x);
	else if (look(x, 0) == '#') {
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
		return (struct tok){ NAME, quoted(x, ']') };
	if (ch == '$' && dollar_quoted(x))
		return (struct tok){ STRING, STR("") };
	if (!is_word(ch)) {
		x->at++;
		return (struct tok){ MARK, str_sub(x->s, from, 1) };
	}
	while (x->at < x->s.n && (is_word(look(x, 0)) || look(x, 0) == '$'))
		x->at++;
	return (struct tok){ is_digit(ch) ? NUMBER : WORD,
		str_sub(x->s, from, x->at - from) };
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
	{ STR_INIT("INSERT"), WRITES },
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
};
static const struct str before_tables[] = { STR_INIT("FROM"), STR_INIT("JOIN"),
	STR_INIT("INTO"), STR_INIT("TABLE"), STR_INIT("USING") };
/* Words that may stand between a verb and its table. */
static const struct str between[] = { STR_INIT("ONLY"), STR_INIT("IF"),
	STR_INIT("NOT"), STR_INIT("EXISTS"), STR_INIT("TABLE"),
	STR_INIT("LATERAL"), STR_INIT("LOW_PRIORITY"), STR_INIT("IGNORE"),
	STR_INIT("QUICK") };

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
}

/* schema.table: the whole, in lower case. */
static void
take_table(struct reading *r, struct sql *q, struct str first)
{
	struct str whole = lower(r->a, first);

	while (look(&q->lx, 0) == '.' && whole.p != NULL) {
		struct tok t;

		q->lx.at++;
		t = next(&q->lx);
		if (t.kind != WORD && t.kind != NAME)
			break;
		whole = join3(r->a, whole, STR("."), lower(r->a, t.text));
	}
	fset_add(q->tables, whole);
	q->table = false;
}

static void
take_word(struct reading *r, struct sql *q, struct str w)
{
	const struct verb *v = verb_of(w);

	if (q->fresh)
		q->statements++;
	if (v != NULL && (q->fresh || !(v->is & START))) {
		fset_add(q->verbs, v->word);
		q->open |= (v->is & BOUND) != 0;
		q->table = (v->is & TABLE) != 0;
	} else if (q->fresh) { /* a verb that the table does not have */
		fset_add(q->verbs, upper(r->a, w));
	} else if (str_ieq(w, STR("WHERE"))) {
		q->open = q->table = false;
	} else if (among(w, before_tables, countof(before_tables))) {
		q->table = true;
	} else if (q->table && !among(w, between, countof(between))) {
		take_table(r, q, w);
	}
	q->fresh = false;
	q->last = w;
}

static void
take(struct reading *r, struct sql *q, struct tok t)
{
	const struct str before = q->last;

	q->last = STR("");
	if (t.kind == WORD) {
		take_word(r, q, t.text);
	} else if (t.kind == NAME && q->table) {
		take_table(r, q, t.text);
	} else if (t.kind == NAME) {
		q->last = t.text;
	} else if (t.kind == MARK && t.text.p[0] == ';') {
		statement_over(q);
	} else if (t.kind == MARK && t.text.p[0] == '(') {
		q->table = false;
		if (before.n && verb_of(before) == NULL)
			fset_add(q->functions, lower(r->a, before));
	} else if (q->fresh && t.kind != MARK) {
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
	put_fset(r, "verbs", q.verbs);
	put_fset(r, "tables", q.tables);
	put_fset(r, "functions", q.functions);
	put_long(r, "statements", q.statements);
	put_is(r, "read_only", certain && only_reads(&q) && !into);
	put_is(r, "unbounded", q.unbounded || !certain);
	put_is(r, "comments", q.lx.comments);
	put_is(r, "certain", certain);
	return OK;
}
