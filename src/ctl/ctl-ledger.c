/*
 * ctl-ledger.c: what people ask of a ledger.  Promises that "valid" is said
 * only when every byte of every segment was read and is as it was written, and
 * that a call without an outcome is called unknown, never a success.
 */
#include "ctl/ctl-ledger.h"

#include "ctl/ledger-order.h"
#include "ctl/ledger-print.h"
#include "ctl/ledger-tree.h"
#include "ctl/ledger-walk.h"
#include "sys/sys.h"

/* ---- verify ---- */

/* What a decision is, and whether an outcome named it; by seq, a byte each. */
enum { IS_ALLOW = 1, HAS_OUTCOME = 2 };

struct pairs {
	struct buf mark;
	uint64_t decisions, allowed, outcomes, unmatched, unknown, others;
	uint64_t from; /* the first record that is here */
};

struct verify {
	struct pairs pairs; /* of the cell being read */
	struct order order; /* likewise */
	struct buf cells;   /* json: an array's elements */
	size_t cells_n;
	uint64_t segments, records, unknown;
	bool json, bad, entry;	     /* entry: first_bad is one of the log */
	struct note bad_log;	     /* whose */
	struct buf budgets;	     /* json: an object, or empty */
	struct buf log;		     /* likewise */
	struct ledger_counts pruned; /* as records of it say */
	uint64_t first_bad;
	struct note why;
	struct progress at;
};

static uint8_t *
mark_of(struct pairs *p, uint64_t seq)
{
	while (p->mark.n <= seq && !p->mark.full) {
		static const char zeros[4096];

		buf_put(&p->mark, zeros, sizeof(zeros));
	}
	return p->mark.full ? NULL : (uint8_t *)p->mark.p + seq;
}

static void
outcome_seen(struct pairs *p, uint64_t seq, struct jv rec)
{
	int64_t of = 0;
	uint8_t *m = NULL;

	p->outcomes++;
	if (jv_i64(jv_get(rec, STR("decision")), &of) == OK && of > 0 &&
	    (uint64_t)of < seq)
		m = mark_of(p, (uint64_t)of);
	if (of > 0 && (uint64_t)of < p->from)
		return; /* its decision was pruned */
	if (m == NULL || *m != IS_ALLOW) {
		p->unmatched++;
		return;
	}
	*m |= HAS_OUTCOME;
}

static void
most(uint64_t *n, uint64_t other)
{
	*n = other > *n ? other : *n;
}

/* All that records of any cell say was pruned. */
static void
prune_seen(struct verify *v, struct str jcs)
{
	struct ledger_counts c = { .number = 0 };
	struct note unused;

	if (ledger_counts_of(jcs, "minimum", &c, &unused) != OK)
		return;
	most(&v->pruned.number, c.number);
	most(&v->pruned.budget, c.budget);
	for (unsigned i = 0; i < LEDGER_CELLS_MAX; i++)
		most(&v->pruned.cell[i], c.cell[i]);
}

static void
verify_record(
    void *arg, unsigned cell, uint64_t seq, struct str jcs, struct jv rec)
{
	struct verify *v = arg;
	struct pairs *p = &v->pairs;
	const struct str kind = jv_str(jv_get(rec, STR("kind")));
	const struct str verdict = jv_str(jv_get(rec, STR("verdict")));

	(void)cell;
	order_take(&v->order, seq, rec);
	p->from = p->from == 0 ? seq : p->from;
	if (str_eq(kind, STR("prune"))) {
		p->others++;
		prune_seen(v, jcs);
	} else if (str_eq(kind, STR("outcome"))) {
		outcome_seen(p, seq, rec);
	} else if (!str_eq(kind, STR("decision"))) {
		p->others++;
	} else {
		p->decisions++;
		if (str_eq(verdict, STR("allow"))) {
			uint8_t *m = mark_of(p, seq);

			p->allowed++;
			if (m != NULL)
				*m = IS_ALLOW;
		}
	}
}

static void
pairs_count(struct pairs *p)
{
	for (size_t i = 0; i < p->mark.n; i++)
		p->unknown += p->mark.p[i] == IS_ALLOW;
}

static void
cell_text(const struct walk_cell *c, const struct pairs *p, struct str root)
{
	printf("cell %u: %u segments, %llu bytes, %llu records, root %.*s\n",
	    c->cell, c->segments, (unsigned long long)c->bytes,
	    (unsigned long long)c->seen.tree.size, STR_ARG(root));
	printf("  decisions %llu (allow %llu), outcomes %llu, of unknown "
	       "outcome %llu, other records %llu\n",
	    (unsigned long long)p->decisions, (unsigned long long)p->allowed,
	    (unsigned long long)p->outcomes, (unsigned long long)p->unknown,
	    (unsigned long long)p->others);
	if (p->unmatched > 0)
		printf("  outcomes that no allowed decision waits for: %llu\n",
		    (unsigned long long)p->unmatched);
	if (c->pruned > 0)
		printf("  records 1 to %llu were pruned: their tree is in the "
		       "header of the first segment that is here\n",
		    (unsigned long long)c->pruned);
	if (c->torn_segments > 0)
		printf("  torn ends %zu: %s (a crash, or a write under way)\n",
		    c->torn_segments, c->torn.text);
	if (c->bad)
		printf("  NOT valid from record %llu on: %s\n",
		    (unsigned long long)c->first_bad, c->why.text);
}

static void
put_num(struct buf *b, size_t *n, const char *key, uint64_t v)
{
	tape_key(b, str_of(key));
	tape_i64(b, (int64_t)v);
	(*n)++;
}

static void
put_str(struct buf *b, size_t *n, const char *key, struct str s)
{
	tape_key(b, str_of(key));
	tape_str(b, utf8_ok(s) ? s : STR("?"));
	(*n)++;
}

static void
put_bool(struct buf *b, size_t *n, const char *key, bool v)
{
	tape_key(b, str_of(key));
	tape_bool(b, v);
	(*n)++;
}

static void
cell_json(const struct walk_cell *c, const struct pairs *p, struct str root,
    struct buf *b)
{
	const size_t mark = tape_obj(b);
	size_t n = 0;

	put_num(b, &n, "cell", c->cell);
	put_bool(b, &n, "valid", !c->bad);
	put_num(b, &n, "segments", c->segments);
	put_num(b, &n, "bytes", c->bytes);
	put_num(b, &n, "records", c->seen.tree.size);
	put_str(b, &n, "root", root);
	put_num(b, &n, "decisions", p->decisions);
	put_num(b, &n, "allowed", p->allowed);
	put_num(b, &n, "outcomes", p->outcomes);
	put_num(b, &n, "unknown", p->unknown);
	put_num(b, &n, "unmatched_outcomes", p->unmatched);
	put_num(b, &n, "torn_segments", c->torn_segments);
	put_num(b, &n, "pruned", c->pruned);
	if (c->bad) {
		put_num(b, &n, "first_bad", c->first_bad);
		put_str(b, &n, "why", str_of(c->why.text));
	}
	tape_end(b, mark, n);
}

/* Whole bytes, and yet a session's record is left out or there twice. */
static void
verify_order(const struct order *o, struct walk_cell *c)
{
	if (o->bad == 0 || (c->bad && c->first_bad <= o->bad))
		return;
	c->bad = true;
	c->first_bad = o->bad;
	c->why = o->why;
}

static void
verify_cell(void *arg, const struct walk_cell *read)
{
	struct walk_cell own = *read, *c = &own;
	struct verify *v = arg;
	struct tlog_hash root;
	struct buf hex = { .max = 2 * LEDGER_HASH };

	progress_done(&v->at);
	verify_order(&v->order, c);
	order_done(&v->order);
	pairs_count(&v->pairs);
	root = tlog_range_root(&c->seen.tree);
	buf_hex(&hex, (struct str){ (const char *)root.b, LEDGER_HASH });
	if (v->json)
		cell_json(c, &v->pairs, buf_view(&hex), &v->cells);
	else
		cell_text(c, &v->pairs, buf_view(&hex));
	buf_done(&hex);
	v->cells_n++;
	v->segments += c->segments;
	v->records += c->seen.tree.size;
	v->unknown += v->pairs.unknown;
	if (c->bad && !v->bad) {
		v->bad = true;
		note_set(&v->bad_log, "cell %u", c->cell);
		v->first_bad = c->first_bad;
		v->why = c->why;
	}
	buf_clear(&v->pairs.mark);
	v->pairs = (struct pairs){ .mark = v->pairs.mark };
}

/* What its records say is for "gatehouse budgets"; here: are they whole? */
static void
verify_budgets(void *arg, const struct walk_cell *c)
{
	struct verify *v = arg;
	struct tlog_hash root;
	struct buf hex = { .max = 2 * LEDGER_HASH };
	size_t mark, n = 0;

	progress_done(&v->at);
	root = tlog_range_root(&c->seen.tree);
	buf_hex(&hex, (struct str){ (const char *)root.b, LEDGER_HASH });
	if (v->json) {
		mark = tape_obj(&v->budgets);
		put_bool(&v->budgets, &n, "valid", !c->bad);
		put_num(&v->budgets, &n, "segments", c->segments);
		put_num(&v->budgets, &n, "bytes", c->bytes);
		put_num(&v->budgets, &n, "records", c->seen.tree.size);
		put_str(&v->budgets, &n, "root", buf_view(&hex));
		tape_end(&v->budgets, mark, n);
	} else {
		printf("budgets: %u segments, %llu bytes, %llu records, root "
		       "%.*s\n",
		    c->segments, (unsigned long long)c->bytes,
		    (unsigned long long)c->seen.tree.size,
		    STR_ARG(buf_view(&hex)));
		if (c->torn_segments > 0)
			printf("  torn ends %zu: %s (a crash, or a write "
			       "under way)\n",
			    c->torn_segments, c->torn.text);
		if (c->bad)
			printf("  NOT valid from record %llu on: %s\n",
			    (unsigned long long)c->first_bad, c->why.text);
	}
	buf_done(&hex);
	if (c->bad && !v->bad) {
		v->bad = true;
		note_set(&v->bad_log, "budgets");
		v->first_bad = c->first_bad;
		v->why = c->why;
	}
}

/* ---- the tree ---- */

static void
tree_text(const struct ledger_tree_found *t)
{
	printf("log: %llu entries, %llu of them under a checkpoint%s",
	    (unsigned long long)t->entries, (unsigned long long)t->under,
	    t->trusted || t->under == 0 ? "" : " (its signature is not known)");
	if (t->compared && !t->bad)
		printf(", each the record that the segments have; %llu records "
		       "are not in it yet",
		    (unsigned long long)t->waiting);
	printf("\n");
	if (!t->compared)
		printf("  not held against the segments, which do not hold\n");
	if (t->pruned > 0)
		printf("  entries 0 to %llu were pruned\n",
		    (unsigned long long)t->pruned - 1);
	if (t->bad)
		printf("  NOT valid from entry %llu on: %s\n",
		    (unsigned long long)t->first_bad, t->why.text);
}

static void
tree_json(const struct ledger_tree_found *t, struct buf *b)
{
	const size_t mark = tape_obj(b);
	size_t n = 0;

	put_bool(b, &n, "valid", !t->bad);
	put_bool(b, &n, "signed", t->trusted);
	put_bool(b, &n, "compared", t->compared);
	put_num(b, &n, "entries", t->entries);
	put_num(b, &n, "under_checkpoint", t->under);
	put_num(b, &n, "pruned", t->pruned);
	put_num(b, &n, "waiting", t->waiting);
	if (t->bad) {
		put_num(b, &n, "first_bad", t->first_bad);
		put_str(b, &n, "why", str_of(t->why.text));
	}
	tape_end(b, mark, n);
}

/* The segments hold by themselves; who wrote them anew is found here. */
static enum err
verify_tree(struct verify *v, const char *dir, struct note *why)
{
	struct progress at = { .off = v->json, .what = "entries" };
	struct ledger_tree_found t;
	enum err e;

	e = ledger_tree_check(dir, !v->bad, &at, &t, why);
	progress_done(&at);
	TRY(e);
	if (!t.there)
		return OK;
	if (v->json)
		tree_json(&t, &v->log);
	else
		tree_text(&t);
	if (t.bad && !v->bad) {
		v->bad = v->entry = true;
		note_set(&v->bad_log, "log");
		v->first_bad = t.first_bad;
		v->why = t.why;
	}
	return OK;
}

static void
verify_json(const struct verify *v)
{
	struct buf b = { .max = SIZE_MAX / 4 }, text = { .max = SIZE_MAX / 4 };
	const size_t mark = tape_obj(&b);
	size_t n = 0, arr;

	put_bool(&b, &n, "valid", !v->bad);
	put_num(&b, &n, "segments", v->segments);
	put_num(&b, &n, "records", v->records);
	put_num(&b, &n, "unknown", v->unknown);
	tape_key(&b, STR("cells"));
	arr = tape_arr(&b);
	buf_str(&b, buf_view(&v->cells));
	tape_end(&b, arr, v->cells_n);
	if (v->budgets.n > 0) {
		tape_key(&b, STR("budgets"));
		buf_str(&b, buf_view(&v->budgets));
		n++;
	}
	if (v->log.n > 0) {
		tape_key(&b, STR("log"));
		buf_str(&b, buf_view(&v->log));
		n++;
	}
	tape_end(&b, mark, n + 1);
	json_write(jv_of(buf_view(&b)), &text);
	printf("%.*s\n", STR_ARG(buf_view(&text)));
	buf_done(&b);
	buf_done(&text);
}

/* No more than the record says, which is written first. */
static bool
is_covered(const struct ledger_counts *kept, const struct ledger_counts *said)
{
	bool good =
	    kept->number <= said->number && kept->budget <= said->budget;

	for (unsigned i = 0; i < LEDGER_CELLS_MAX; i++)
		good = good && kept->cell[i] <= said->cell[i];
	return good;
}

/* What is gone must be gone by a record: a file that says so is nobody's
 * word. */
static enum err
verify_pruned(struct verify *v, const char *dir, struct note *why)
{
	struct ledger_places p = { .n = 0 };
	struct ledger_counts kept = { .number = 0 };
	enum err e = ledger_places(dir, false, &p, why);

	mem_free(p.at);
	if (e == OK)
		e = ledger_kept(p.dir, &kept, why);
	if (e == OK && !v->bad && !is_covered(&kept, &v->pruned)) {
		v->bad = true;
		note_set(&v->bad_log, "log/pruned");
		v->first_bad = 1;
		note_set(&v->why, "it says more than the last record of kind "
				  "\"prune\"");
	}
	return e;
}

static int
cannot(enum err e, const struct note *why)
{
	(void)fprintf(stderr, "gatehouse: %s\n", why->text);
	return e == ERR_GONE ? 3 : 4;
}

int
ctl_ledger_verify(const char *dir, bool json)
{
	struct verify v = { .json = json,
		.at = { .off = json },
		.cells = { .max = SIZE_MAX / 4 },
		.budgets = { .max = 1 << 16 },
		.log = { .max = 1 << 16 },
		.pairs = { .mark = { .max = SIZE_MAX / 4 } } };
	const struct walk w = { &v, verify_record, verify_cell, &v.at };
	const struct walk budgets = { &v, NULL, verify_budgets, &v.at };
	struct note why = { "" };
	enum err e = ledger_walk(dir, &w, &why);

	if (!e)
		e = ledger_walk_budgets(dir, &budgets, &why);
	progress_done(&v.at);
	if (e == ERR_GONE && v.cells_n > 0)
		e = OK; /* there are none */
	if (e == OK)
		e = verify_pruned(&v, dir, &why);
	if (e == OK)
		e = verify_tree(&v, dir, &why);
	if (e == OK && json)
		verify_json(&v);
	else if (e == OK && v.bad)
		printf("NOT valid: %s, %s %llu: %s\n", v.bad_log.text,
		    v.entry ? "entry" : "record",
		    (unsigned long long)v.first_bad, v.why.text);
	else if (e == OK)
		printf("valid: %zu cells, %llu segments, %llu records, %llu "
		       "calls of unknown outcome\n",
		    v.cells_n, (unsigned long long)v.segments,
		    (unsigned long long)v.records,
		    (unsigned long long)v.unknown);
	buf_done(&v.cells);
	buf_done(&v.budgets);
	buf_done(&v.log);
	buf_done(&v.pairs.mark);
	if (e != OK)
		return cannot(e, &why);
	return v.bad ? 1 : 0;
}
