/*
 * log.c: totals as records and back.  Promises that what is read is what was
 * written: a record that is not of these shapes is refused, never guessed.
 */
#include "budget/totals-in.h"

enum { ITEMS_A_RECORD = 256 }; /* well below what one record holds */

/* ---- writing ---- */

static void
put_str(struct buf *b, const char *key, struct str v)
{
	tape_key(b, str_of(key));
	tape_str(b, v);
}

static void
put_num(struct buf *b, const char *key, uint64_t v)
{
	tape_key(b, str_of(key));
	tape_i64(b, (int64_t)v);
}

static void
put_items(struct buf *b, const struct charge *c)
{
	size_t m;

	tape_key(b, STR("items"));
	m = tape_arr(b);
	for (size_t i = 0; i < c->item_n; i++)
		tape_str(b, c->item[i]);
	tape_end(b, m, c->item_n);
}

static void
put_charge(struct buf *b, const struct charge *c)
{
	const size_t o = tape_obj(b);
	const bool items = budget_distinct(c->of);

	if (!items)
		put_num(b, "amount", c->amount);
	put_str(b, "budget", c->budget);
	if (items)
		put_items(b, c);
	put_str(b, "key", c->key);
	put_num(b, "limit", c->limit);
	put_str(b, "of", budget_word(c->of));
	put_num(b, "used", c->used);
	put_num(b, "window_ms", c->window);
	tape_end(b, o, 7);
}

void
charges_put(
    struct buf *b, const struct entry *e, const struct charge *c, size_t n)
{
	const size_t o = tape_obj(b);
	size_t m;

	put_num(b, "at", e->at);
	put_num(b, "cell", e->cell);
	tape_key(b, STR("charges"));
	m = tape_arr(b);
	for (size_t i = 0; i < n; i++)
		put_charge(b, &c[i]);
	tape_end(b, m, n);
	put_str(b, "kind", e->of > 0 ? STR("release") : STR("charge"));
	if (e->of > 0)
		put_num(b, "of", e->of);
	tape_end(b, o, e->of > 0 ? 5 : 4);
}

struct writing {
	uint64_t now, totals;
	enum err (*put)(void *arg, struct jv rec);
	void *arg;
};

static enum err
emit(struct writing *w, struct buf *b)
{
	enum err e = buf_end(b);

	if (!e)
		e = w->put(w->arg, jv_of(buf_view(b)));
	buf_done(b);
	return e;
}

static size_t
put_parts(struct buf *b, const struct state *s)
{
	const size_t m = tape_arr(b);
	uint64_t part = s->newest < s->slots ? 0 : s->newest + 1 - s->slots;
	size_t n = 0;

	for (; part <= s->newest; part++) {
		const uint64_t v = s->slot[part % s->slots];
		size_t pair;

		if (v == 0)
			continue;
		pair = tape_arr(b);
		tape_i64(b, (int64_t)part);
		tape_i64(b, (int64_t)v);
		tape_end(b, pair, 2);
		n++;
	}
	tape_end(b, m, n);
	return n;
}

/* Up to so many from *at on. */
static size_t
put_state_items(struct buf *b, const struct state *s, size_t *at)
{
	const size_t m = tape_arr(b);
	struct state_item i;
	size_t n = 0;

	while (n < ITEMS_A_RECORD && state_item(s, at, &i)) {
		const size_t one = tape_arr(b);

		tape_str(b, i.key);
		tape_i64(b, (int64_t)i.part);
		tape_i64(b, (int64_t)i.uses);
		tape_end(b, one, 3);
		n++;
	}
	tape_end(b, m, n);
	return n;
}

static enum err
put_total(void *arg, const struct state *s)
{
	struct writing *w = arg;
	size_t at = 0, n;

	w->totals++;
	do {
		struct buf b = { .max = 1 << 16 };
		const size_t o = tape_obj(&b);

		put_num(&b, "at", w->now);
		put_str(&b, "budget", s->c.budget);
		if (s->items != NULL)
			tape_key(&b, STR("items"));
		n = s->items == NULL ? 0 : put_state_items(&b, s, &at);
		put_str(&b, "key", s->c.key);
		put_str(&b, "kind", STR("total"));
		put_str(&b, "of", budget_word(s->c.of));
		if (s->items == NULL) {
			tape_key(&b, STR("parts"));
			(void)put_parts(&b, s);
		}
		put_num(&b, "window_ms", s->c.window);
		tape_end(&b, o, 7);
		TRY(emit(w, &b));
	} while (n == ITEMS_A_RECORD);
	return OK;
}

enum err
totals_put(struct totals *t, uint64_t now,
    enum err (*put)(void *arg, struct jv rec), void *arg)
{
	struct writing w = { .put = put, .arg = arg };
	struct buf b = { .max = 1 << 12 };
	size_t o;

	w.now = now > totals_time(t) ? now : totals_time(t);
	totals_trim(t);
	TRY(totals_walk(t, put_total, &w));
	o = tape_obj(&b);
	put_num(&b, "at", w.now);
	put_str(&b, "kind", STR("totals"));
	put_num(&b, "totals", w.totals);
	tape_end(&b, o, 3);
	return emit(&w, &b);
}

/* ---- reading ---- */

static bool
get_num(struct jv v, const char *key, uint64_t *out)
{
	int64_t n;

	if (jv_i64(jv_get(v, str_of(key)), &n) != OK || n < 0 ||
	    n > BUDGET_MOST)
		return false;
	*out = (uint64_t)n;
	return true;
}

static bool
get_of(struct jv v, enum budget_of *out)
{
	const struct str s = jv_str(v);

	for (unsigned i = 0; i < BUDGET__N; i++)
		if (str_eq(s, budget_word((enum budget_of)i))) {
			*out = (enum budget_of)i;
			return true;
		}
	return false;
}

/* Of a charge and of a total: whose it is. */
static bool
get_head(struct jv v, struct charge *c)
{
	c->budget = jv_str(jv_get(v, STR("budget")));
	c->key = jv_str(jv_get(v, STR("key")));
	return c->budget.n > 0 && c->budget.n <= BUDGET_NAME_MAX &&
	       c->key.n > 0 && c->key.n <= BUDGET_NAME_MAX &&
	       get_of(jv_get(v, STR("of")), &c->of) &&
	       get_num(v, "window_ms", &c->window);
}

static bool
get_items(struct jv v, struct charge *c)
{
	struct jit it = jit_of(v);
	struct jv i;

	if (!jv_is(v, J_ARR) || jv_count(v) > BUDGET_ITEMS_MAX)
		return false;
	while (jit_next(&it, NULL, &i)) {
		if (!jv_is(i, J_STR) || jv_str(i).n != BUDGET_ITEM)
			return false;
		c->item[c->item_n++] = jv_str(i);
	}
	return true;
}

static bool
get_charge(struct jv v, struct charge *c)
{
	*c = (struct charge){ .amount = 0 };
	if (!get_head(v, c) || !get_num(v, "limit", &c->limit) ||
	    !get_num(v, "used", &c->used))
		return false;
	return budget_distinct(c->of) ? get_items(jv_get(v, STR("items")), c)
				      : get_num(v, "amount", &c->amount);
}

static enum err
take_charges(struct totals *t, struct jv rec, bool back, bool *over)
{
	const struct jv list = jv_get(rec, STR("charges"));
	struct jit it = jit_of(list);
	uint64_t at;
	struct jv v;

	if (!get_num(rec, "at", &at) || !jv_is(list, J_ARR))
		return ERR_SYNTAX;
	while (jit_next(&it, NULL, &v)) {
		struct charge c;

		if (!get_charge(v, &c))
			return ERR_SYNTAX;
		if (back) {
			totals_release(t, at, &c, 1);
			continue;
		}
		TRY(totals_add(t, at, &c));
		*over |= c.used > c.limit;
	}
	return OK;
}

/* [number, number] or [text, number, number] */
static bool
get_tuple(struct jv v, struct str *text, uint64_t num[static 2])
{
	const size_t first = text == NULL ? 0 : 1;
	struct jit it = jit_of(v);
	struct jv e;
	int64_t n;

	num[0] = num[1] = 0;
	if (!jv_is(v, J_ARR) || jv_count(v) != first + 2)
		return false;
	for (size_t i = 0; jit_next(&it, NULL, &e); i++) {
		if (i < first) {
			*text = jv_str(e);
			continue;
		}
		if (jv_i64(e, &n) != OK || n < 0 || n > BUDGET_MOST)
			return false;
		num[i - first] = (uint64_t)n;
	}
	return true;
}

static enum err
take_total(struct totals *t, struct jv rec)
{
	struct charge c = { .amount = 0 };
	struct state_item i = { .part = 0 };
	uint64_t at, num[2];
	struct jit it;
	struct jv v;

	if (!get_head(rec, &c) || !get_num(rec, "at", &at))
		return ERR_SYNTAX;
	it = jit_of(jv_get(rec, STR("parts")));
	while (jit_next(&it, NULL, &v)) {
		if (!get_tuple(v, NULL, num))
			return ERR_SYNTAX;
		TRY(totals_part(t, &c, at, num[0], num[1]));
	}
	it = jit_of(jv_get(rec, STR("items")));
	while (jit_next(&it, NULL, &v)) {
		if (!get_tuple(v, &i.key, num) || i.key.n != BUDGET_ITEM)
			return ERR_SYNTAX;
		i.part = num[0];
		i.uses = num[1];
		TRY(totals_item(t, &c, at, &i));
	}
	return OK;
}

enum err
totals_take(struct totals *t, struct jv rec, bool *whole, bool *over)
{
	const struct str kind = jv_str(jv_get(rec, STR("kind")));
	uint64_t n;

	if (str_eq(kind, STR("charge")))
		return take_charges(t, rec, false, over);
	if (str_eq(kind, STR("release")))
		return take_charges(t, rec, true, over);
	if (str_eq(kind, STR("total")))
		return take_total(t, rec);
	if (!str_eq(kind, STR("totals")))
		return OK;
	if (!get_num(rec, "at", &n))
		return ERR_SYNTAX;
	totals_set_time(t, n);
	*whole = true;
	return OK;
}
