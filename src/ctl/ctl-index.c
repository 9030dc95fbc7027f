/* ctl-index: "gatehouse ledger index|query". */
#include "ctl/ctl-records.h"
#include "ctl/index-file.h"
#include "ctl/ledger-filter.h"
#include "ctl/ledger-print.h"
#include "ctl/ledger-walk.h"
#include "ctl/tlog-dir.h"
#include "sys/sys.h"

enum { WIDTH_MAX = 44, ROWS_MAX = 1000000 };

/* ---- index ---- */

static void
cell_put(struct buf *tape, const struct index_cell *c)
{
	struct members m = members_begin(tape);
	struct buf hex = { .max = 2 * LEDGER_HASH };
	const struct tlog_hash root = tlog_range_root(&c->seen.tree);

	buf_hex(&hex, (struct str){ (const char *)root.b, LEDGER_HASH });
	if (c->cell == LEDGER_BUDGETS)
		member_str(&m, "log", STR("budgets"));
	else
		member_u64(&m, "cell", c->cell);
	member_u64(&m, "size", c->seen.tree.size);
	member_str(&m, "root", buf_view(&hex));
	members_end(&m);
	buf_done(&hex);
}

static int
index_say(struct ctl *c, const struct index_file *f,
    const struct index_cell *cell, size_t n)
{
	struct buf tape = { .max = 1 << 24 };
	struct members m = members_begin(&tape);
	size_t list;

	member_str(&m, "index", str_of(f->path));
	member_str(&m, "ledger", str_of(feed_dir(f->feed)));
	member_u64(&m, "records", f->records);
	member_u64(&m, "added", f->added);
	member_bool(&m, "made_anew", f->made);
	member_bool(&m, "valid", !f->bad);
	tape_key(&tape, STR("cells"));
	list = tape_arr(&tape);
	for (size_t i = 0; i < n; i++)
		cell_put(&tape, &cell[i]);
	tape_end(&tape, list, n);
	m.n++;
	members_end(&m);
	if (c->json)
		return tape_print(&tape);
	buf_done(&tape);
	printf("%s: %llu records of %zu logs, %llu of them new%s\n", f->path,
	    (unsigned long long)f->records, n, (unsigned long long)f->added,
	    f->made ? ", made anew" : "");
	return CTL_YES;
}

int
ctl_ledger_index(struct ctl *c)
{
	enum { CELLS = 4096 };
	struct index_cell *cell = NULL;
	struct note why = { "" };
	struct index_file f;
	size_t n = 0;
	int status = index_file_open(c, c->arg[0], &f);

	if (status != CTL_YES)
		return status;
	cell = mem_get(CELLS * sizeof(*cell));
	if (index_cells(f.x, cell, CELLS, &n, &why) != OK)
		status = ctl_say(c, CTL_FAILED, "%s", why.text);
	else
		status = index_say(c, &f, cell, n < CELLS ? n : CELLS);
	if (status == CTL_YES && f.bad)
		status = CTL_NO;
	mem_free(cell);
	index_file_close(&f);
	return status;
}

/* ---- query ---- */

struct asking {
	struct ctl *c;
	const struct index_query *q;
	struct index_filter filter;
	struct index_file file;
	struct printer *printer;
	struct buf tape;     /* of a record; of a table's rows */
	uint64_t most, rows; /* most 0: all */
	struct note why;
	int status;
};

static bool
is_time(const char *column)
{
	static const char *const times[] = { "first", "last", "in_force" };

	for (size_t i = 0; i < countof(times); i++)
		if (strcmp(column, times[i]) == 0)
			return true;
	return false;
}

/* The record itself, out of the ledger; another one of the same first bytes of
 * a digest is passed over. */
static bool
place_got(struct asking *a, const struct index_place *p)
{
	const struct index_filter digest = {
		.by = { [INDEX_DIGEST] = a->filter.by[INDEX_DIGEST] }
	};
	struct feed_record r = { .cell = p->cell,
		.segment = p->segment,
		.seq = p->seq,
		.at = (size_t)p->at };
	struct index_view view = { .leaf = p->leaf };
	int64_t time = 0;

	memcpy(r.leaf, p->leaf, LEDGER_HASH);
	if (feed_fetch(a->file.feed, &r, &a->why) != OK) {
		a->status = ctl_say(a->c, CTL_NO,
		    "%s: see \"gatehouse ledger verify\"", a->why.text);
		return false;
	}
	buf_clear(&a->tape);
	if (json_parse(r.text, &json_default, &a->tape, NULL) != OK)
		return true;
	r.rec = jv_of(buf_view(&a->tape));
	view.rec = r.rec;
	if (!index_matches(&digest, &view))
		return true;
	if (jv_i64(jv_get(r.rec, STR("time")), &time) == OK)
		r.time_us = (uint64_t)time;
	printer_put(a->printer, &r, NULL);
	a->rows++;
	return a->most == 0 || a->rows < a->most;
}

static bool
columns_got(struct asking *a, const struct index_row *row)
{
	struct members m = members_begin(&a->tape);

	for (size_t i = 0; i < row->n; i++) {
		const struct index_value *v = &row->at[i];

		if (v->number && v->i >= 0)
			member_u64(&m, v->name, (uint64_t)v->i);
		else if (v->s.p != NULL)
			member_str(&m, v->name, v->s);
	}
	members_end(&m);
	a->rows++;
	return a->rows != ROWS_MAX && (a->most == 0 || a->rows < a->most);
}

static bool
got(void *arg, const struct index_row *row)
{
	struct asking *a = arg;

	return a->q->places ? place_got(a, &row->place) : columns_got(a, row);
}

/* ---- a table for people ---- */

static struct str
cell_text(const char *name, struct jv v, struct buf *room)
{
	int64_t n = 0;
	char at[25];

	buf_clear(room);
	if (is_time(name) && jv_i64(v, &n) == OK)
		buf_str(room, time_text((uint64_t)n * 1000, at));
	else
		put_printable(room, jv_str(v), SIZE_MAX);
	if (room->n == 0)
		buf_ch(room, '-');
	return buf_view(room);
}

/* Columns are those of the first row that has them: a row leaves out what it
 * does not have. */
struct table {
	const char *name[INDEX_COLUMNS];
	size_t width[INDEX_COLUMNS], n;
	char room[INDEX_COLUMNS][32];
};

static void
table_row(struct table *t, struct jv row)
{
	struct buf text = { .max = 1 << 20 };

	for (size_t i = 0; i < t->n; i++) {
		const size_t n = cell_text(
		    t->name[i], jv_get(row, str_of(t->name[i])), &text)
				     .n;

		if (n > t->width[i])
			t->width[i] = n < WIDTH_MAX ? n : WIDTH_MAX;
	}
	buf_done(&text);
}

static void
put_cells(const struct table *t, struct jv row, struct buf *out)
{
	struct buf text = { .max = 1 << 20 };

	for (size_t i = 0; i < t->n; i++) {
		struct str s = str_of(t->name[i]);

		if (!jv_is(row, J_NONE))
			s = cell_text(
			    t->name[i], jv_get(row, str_of(t->name[i])), &text);
		buf_str(out, s);
		if (i + 1 < t->n)
			buf_fmt(out, "%*s",
			    (int)(s.n < t->width[i] ? t->width[i] - s.n : 0) +
				2,
			    "");
	}
	buf_ch(out, '\n');
	buf_done(&text);
}

static bool
name_got(void *arg, const struct index_row *row)
{
	struct table *t = arg;

	for (size_t i = 0; i < row->n; i++) {
		(void)snprintf(
		    t->room[i], sizeof(t->room[i]), "%s", row->at[i].name);
		t->name[i] = t->room[i];
		t->width[i] = strlen(t->name[i]);
	}
	t->n = row->n;
	return false;
}

static int
table_print(struct asking *a)
{
	struct buf out = { .max = SIZE_MAX / 4 };
	struct table t = { .n = 0 };

	if (!a->c->json &&
	    index_ask(a->file.x, a->q, &a->filter, name_got, &t, &a->why) != OK)
		return ctl_say(a->c, CTL_FAILED, "%s", a->why.text);
	for (unsigned pass = a->c->json ? 1 : 0; pass < 2; pass++) {
		struct str rest = buf_view(&a->tape);

		if (pass == 1 && !a->c->json)
			put_cells(&t, (struct jv){ NULL, 0 }, &out);
		while (rest.n > 0) {
			const struct jv row = jv_of(rest);

			if (pass == 0)
				table_row(&t, row);
			else if (a->c->json)
				json_write(row, &out);
			else
				put_cells(&t, row, &out);
			if (pass == 1 && a->c->json)
				buf_ch(&out, '\n');
			rest = str_sub(rest, row.n, rest.n);
		}
	}
	return a->c->json ? put_json(&out) : ctl_put(&out);
}

/* ---- nothing ---- */

struct held {
	int64_t n;
};

static bool
held_got(void *arg, const struct index_row *row)
{
	struct held *h = arg;

	for (size_t i = 0; i < row->n; i++)
		if (strcmp(row->at[i].name, "held") == 0)
			h->n += row->at[i].i;
	return true;
}

static const struct index_query *
query_of(const char *name)
{
	for (size_t i = 0; i < index_queries_n; i++)
		if (strcmp(index_queries[i].name, name) == 0)
			return &index_queries[i];
	return NULL;
}

/* Why is there nothing?  An empty answer that gives no reason says less than it
 * seems to. */
static int
nothing(struct asking *a)
{
	struct buf tape = { .max = 4096 };
	struct held held = { 0 };
	struct note reason;
	struct members m;
	int status;

	if (strcmp(a->q->name, "approvals") != 0) {
		note_set(&reason, "no record of this ledger is so");
	} else if (index_ask(a->file.x, query_of("policies"), &a->filter,
		       held_got, &held, &a->why) != OK) {
		return ctl_say(a->c, CTL_FAILED, "%s", a->why.text);
	} else {
		note_set(&reason,
		    "no record is an approval: nobody has approved a call; "
		    "%lld were held",
		    (long long)held.n);
	}
	if (!a->c->json) {
		(void)ctl_say(a->c, CTL_YES, "%s", reason.text);
		return CTL_NO;
	}
	m = members_begin(&tape);
	member_str(&m, "query", str_of(a->q->name));
	member_str(&m, "status", STR("absent"));
	member_str(&m, "reason", str_of(reason.text));
	members_end(&m);
	status = tape_print(&tape);
	return status == CTL_YES ? CTL_NO : status;
}

static int
ask(struct asking *a)
{
	enum err e;

	a->printer = printer_new(a->c->json, PRINT_RECORDS);
	e = index_ask(a->file.x, a->q, &a->filter, got, a, &a->why);
	if (e != OK && a->status == CTL_YES)
		a->status = ctl_say(a->c, CTL_FAILED, "%s", a->why.text);
	if (a->status == CTL_YES && a->rows == 0)
		a->status = nothing(a);
	else if (a->status == CTL_YES)
		a->status =
		    a->q->places ? printer_flush(a->printer) : table_print(a);
	else
		(void)!printer_flush(a->printer);
	if (a->status == CTL_YES && a->file.bad)
		a->status = CTL_NO;
	printer_free(a->printer);
	return a->status;
}

static int
which(struct asking *a)
{
	struct buf b = { .max = 4096 };

	for (size_t i = 0; i < index_queries_n; i++) {
		const struct index_query *q = &index_queries[i];

		buf_fmt(&b, "  %-9s %-5s %s\n", q->name,
		    q->arg_name == NULL ? "" : q->arg_name, q->help);
	}
	if (a->c->argc < 2)
		(void)ctl_say(a->c, CTL_MISUSE, "what is asked?\n%.*s",
		    STR_ARG(buf_view(&b)));
	else
		(void)ctl_say(a->c, CTL_MISUSE,
		    "there is no query \"%.40s\"; there are\n%.*s",
		    a->c->arg[1], STR_ARG(buf_view(&b)));
	buf_done(&b);
	return CTL_MISUSE;
}

static int
read_words(struct asking *a)
{
	const char *n = ctl_option(a->c, "-n");
	const int status =
	    ledger_filter_of(a->c, now_wall() / 1000, &a->filter);

	if (status != CTL_YES)
		return status;
	a->q = a->c->argc < 2 ? NULL : query_of(a->c->arg[1]);
	if (a->q == NULL)
		return which(a);
	if ((a->q->arg_name != NULL) != (a->c->argc == 3))
		return ctl_say(a->c, CTL_MISUSE, "%s: %s",
		    a->q->arg_name == NULL ? "this query takes no value"
					   : "this query needs a value",
		    a->q->help);
	if (a->q->arg_name != NULL)
		a->filter.by[a->q->arg] = str_of(a->c->arg[2]);
	if (a->q->arg_name != NULL && !utf8_ok(a->filter.by[a->q->arg]))
		return ctl_say(a->c, CTL_MISUSE, "the value is not UTF-8");
	if (a->q->arg_name != NULL && a->filter.by[a->q->arg].n == 0)
		return ctl_say(a->c, CTL_MISUSE, "the value is empty");
	if (n != NULL && (str_u64(str_of(n), &a->most) != OK || a->most == 0))
		return ctl_say(a->c, CTL_MISUSE, "-n is a number from 1");
	return CTL_YES;
}

int
ctl_ledger_query(struct ctl *c)
{
	struct asking a = { .c = c, .tape = { .max = SIZE_MAX / 4 } };
	unsigned char sum[LEDGER_HASH];
	int status = read_words(&a);

	if (status == CTL_YES && a.filter.by[INDEX_DIGEST].n > 0 &&
	    !index_digest_of(a.filter.by[INDEX_DIGEST], sum))
		status = ctl_say(c, CTL_MISUSE,
		    "a digest is 64 hexadecimal digits or 43 of base64url");
	if (status == CTL_YES)
		status = index_file_open(c, c->arg[0], &a.file);
	if (status == CTL_YES) {
		status = ask(&a);
		index_file_close(&a.file);
	}
	buf_done(&a.tape);
	return status;
}
