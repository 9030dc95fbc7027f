/*
 * budget: what a call uses is reserved before it is decided, and stays charged
 * once it has left.  Role budget owns the totals; a cell takes calls that are
 * only counted ahead from it (lease.c), so that not each of them asks.
 *
 * Promises that no call leaves that a budget is about and that was not charged
 * first; that what was charged goes back only where the call never left; and
 * that no answer in time is a refusal.
 */
#include "line/budget-in.h"

/* ---- setting up ---- */

/* After a reload limits are others: what was taken ahead is used up. */
enum err
budget_setup(struct line *l, struct note *why)
{
	struct budgets fresh;

	TRY(budgets_of(l->image, &fresh, why));
	l->budgets = fresh;
	leases_drop(l);
	l->leases = map_new(0);
	return OK;
}

void
budget_done(struct line *l)
{
	leases_drop(l);
}

/* ---- asking ---- */

static void
put_one(const struct line *l, struct buf *b, const struct spent *s,
    const struct turn *t)
{
	const size_t o = tape_obj(b);
	size_t m;

	tape_key(b, STR("amount"));
	tape_i64(b, s->amount > BUDGET_MOST ? BUDGET_MOST : (int64_t)s->amount);
	tape_key(b, STR("budget"));
	tape_str(b, s->b.name);
	tape_key(b, STR("items"));
	m = tape_arr(b);
	for (size_t i = 0; i < s->item_n; i++)
		tape_str(b, s->item[i]);
	tape_end(b, m, s->item_n);
	tape_key(b, STR("key"));
	tape_str(b, s->key);
	tape_key(b, STR("lease"));
	tape_bool(b, lease_wanted(l, s, t));
	tape_end(b, o, 5);
}

static enum err
late(struct line *l, struct turn *t, const char *words)
{
	count(CNT_BUDGET_LATE);
	budget_failed(l, words);
	return uses_refused(l, t, STR("budget-late"), words);
}

/* All that no lease gave; OK: there is nothing to ask. */
static enum err
ask(struct line *l, struct turn *t)
{
	struct msg m = msg_of(MSG_RESERVE);
	size_t o, n = 0;

	buf_clear(&l->rec);
	o = tape_arr(&l->rec);
	for (size_t i = 0; i < t->spent_n; i++)
		if (!t->spent[i].leased) {
			put_one(l, &l->rec, &t->spent[i], t);
			n++;
		}
	tape_end(&l->rec, o, n);
	if (n == 0)
		return OK;
	msg_set(&m, F_CALL, t->id);
	msg_set_text(&m, F_REC, buf_view(&l->rec));
	if (l->port.budget == NULL || buf_end(&l->rec) != OK ||
	    l->port.budget(l->port.arg, &m) != OK)
		return late(l, t, "the role that counts budgets is not there");
	t->reserve_at = line_now(l);
	t->until = t->reserve_at + l->budget_ns;
	l->reserving++;
	return ERR_MORE;
}

static void
waits_no_more(struct line *l, struct turn *t)
{
	if (t->reserve_at == 0)
		return;
	t->reserve_at = t->until = 0;
	l->reserving--;
}

/* ---- the facts ---- */

/* The tightest of its totals, where a budget has several. */
static bool
is_tightest(const struct turn *t, size_t at)
{
	const struct spent *s = &t->spent[at];

	for (size_t i = 0; i < t->spent_n; i++)
		if (str_eq(t->spent[i].b.name, s->b.name) &&
		    (t->spent[i].left < s->left ||
			(i < at && t->spent[i].left == s->left)))
			return false;
	return true;
}

static enum err
facts(struct turn *t)
{
	struct buf b = { .max = 1 << 16 };
	const size_t o = tape_obj(&b);
	size_t n = 0;

	for (size_t i = 0; i < t->spent_n; i++) {
		const struct spent *s = &t->spent[i];
		size_t m;

		if (!is_tightest(t, i))
			continue;
		tape_key(&b, s->b.name);
		m = tape_obj(&b);
		tape_key(&b, STR("left"));
		tape_i64(&b, (int64_t)s->left);
		tape_key(&b, STR("used"));
		tape_i64(&b, (int64_t)s->used);
		tape_end(&b, m, 2);
		n++;
	}
	tape_end(&b, o, n);
	t->budget = jv_of(arena_str(t->mem, buf_view(&b)));
	buf_done(&b);
	return jv_is(t->budget, J_OBJ) ? OK : ERR_LIMIT;
}

/* ---- the step ---- */

static enum err
take(struct line *l, struct turn *t)
{
	enum err e;

	t->held_units = true;
	for (size_t i = 0; i < t->spent_n; i++)
		if (!t->spent[i].leased)
			(void)lease_take(l, &t->spent[i]);
	e = ask(l, t);
	return e == OK ? facts(t) : e;
}

enum err
step_reserve(struct line *l, struct turn *t)
{
	struct note why;
	struct call c;

	/* Inputs that come back are for the call that asked for them: that one
	 * leaves again, and is reserved for again. */
	if (l->budgets.n == 0 || t->method != MCP_TOOLS_CALL ||
	    t->retry_of != 0)
		return OK;
	t->spent = NULL;
	t->spent_n = 0;
	t->budget = (struct jv){ NULL, 0 };
	c = turn_call(l, t);
	if (policy_chain(l->policy, &c, &why) != OK)
		return OK; /* which is what it is denied for, next */
	if (!policy_shows(l->policy, &c))
		return OK; /* no arguments make it one that may be made */
	/* Who declares no amounts has no budget of them: money is declared. */
	if (c.guessed)
		risk_assume(&c, RISK_ALL & ~RISK_MONEY);
	TRY(uses_collect(l, t, &c));
	t->counted = true;
	return t->spent_n == 0 ? OK : take(l, t);
}

/* ---- the answer ---- */

static void
settle(const struct line *l, uint64_t reservation, uint64_t flags)
{
	struct msg m = msg_of(MSG_SETTLE);

	if (reservation == 0 || l->port.budget == NULL)
		return;
	msg_set(&m, F_SEQ, reservation);
	if (flags != 0)
		msg_set(&m, F_FLAGS, flags);
	/* Nobody there: what was reserved stays charged. */
	(void)l->port.budget(l->port.arg, &m);
}

static uint64_t
num(struct jv v, const char *key)
{
	int64_t n = 0;

	return jv_i64(jv_get(v, str_of(key)), &n) == OK && n > 0 ? (uint64_t)n
								 : 0;
}

static enum err
granted(struct line *l, struct turn *t, const struct msg *m)
{
	struct jit it = jit_of(msg_tree(m, F_REC));
	struct jv v;

	t->reservation = msg_num(m, F_SEQ);
	for (size_t i = 0; i < t->spent_n; i++) {
		struct spent *s = &t->spent[i];

		if (s->leased)
			continue;
		if (!jit_next(&it, NULL, &v))
			return ERR_SYNTAX; /* it answered something else */
		s->used = num(v, "used");
		s->left = num(v, "left");
		s->from = t->reservation;
		s->known = true;
		lease_got(l, t, s, num(v, "ahead"), num(v, "ms"));
	}
	return facts(t);
}

/* Another call may have brought units since this one asked. */
static enum err
refused(struct line *l, struct turn *t, const struct msg *m)
{
	struct jit it = jit_of(msg_tree(m, F_REC));
	struct jv v = { NULL, 0 };

	if (msg_num(m, F_STATUS) != ERR_DENIED || !jit_next(&it, NULL, &v))
		return late(
		    l, t, "the role that counts budgets cannot count it");
	for (size_t i = 0; i < t->spent_n; i++) {
		struct spent *s = &t->spent[i];

		if (s->leased ||
		    !str_eq(s->b.name, jv_str(jv_get(v, STR("budget")))) ||
		    !str_eq(s->key, jv_str(jv_get(v, STR("key")))))
			continue;
		if (lease_take(l, s))
			return take(l, t); /* and asks for the rest */
		s->used = num(v, "used");
		s->left = num(v, "left");
		return uses_over(l, t, s);
	}
	return late(l, t, "the role that counts budgets cannot count it");
}

void
reserved(struct line *l, const struct msg *m)
{
	const bool good = msg_num(m, F_STATUS) == OK;
	struct turn *t = slab_get(&l->turns, msg_num(m, F_CALL));
	enum err e;

	if (t == NULL || t->reserve_at == 0) { /* refused since, or gone */
		if (good)
			settle(l, msg_num(m, F_SEQ), MF_UNDO);
		return;
	}
	if (good) {
		e = granted(l, t, m);
		waits_no_more(l, t);
	} else {
		waits_no_more(l, t);
		e = refused(l, t, m);
	}
	if (e != ERR_MORE)
		turn_resume(l, t, e);
}

void
budget_late(struct line *l, struct turn *t)
{
	waits_no_more(l, t);
	turn_resume(l, t,
	    late(l, t, "the role that counts budgets did not answer in time"));
}

/* What it charged stays charged; those that wait are refused. */
void
budget_lost(struct line *l)
{
	for (uint32_t i = 0; i < l->turns.n && l->reserving > 0; i++) {
		struct turn *t = l->turns.at[i].p;

		if (t == NULL || t->reserve_at == 0)
			continue;
		waits_no_more(l, t);
		turn_resume(l, t,
		    late(l, t, "the role that counts budgets is not there"));
	}
}

/* ---- what became of it ---- */

/* It has left: whatever its outcome, it stays charged. */
void
budget_sent(struct line *l, struct turn *t)
{
	settle(l, t->reservation, 0);
	t->reservation = 0;
	t->held_units = false;
}

void
budget_over(struct line *l, struct turn *t)
{
	waits_no_more(l, t);
	settle(l, t->reservation, MF_UNDO);
	t->reservation = 0;
	leases_back(l, t);
}

/* ---- the record ---- */

static void
member_num(struct buf *b, const char *key, uint64_t v)
{
	tape_key(b, str_of(key));
	tape_i64(b, (int64_t)v);
}

/* A call that will not leave is charged nothing. */
static void
put_spent(struct buf *b, const struct spent *s, bool leaves)
{
	const size_t o = tape_obj(b);
	const uint64_t amount =
	    budget_distinct(s->b.of) ? s->item_n : s->amount;

	member_num(b, "charged", leaves ? amount : 0);
	tape_key(b, STR("key"));
	tape_str(b, s->key);
	member_num(b, "left", s->left);
	tape_key(b, STR("name"));
	tape_str(b, s->b.name);
	member_num(b, "reservation", s->from);
	member_num(b, "used", s->used);
	tape_end(b, o, 6);
}

/* The member "budget". */
size_t
budget_tape(const struct line *l, const struct turn *t, struct buf *b)
{
	size_t m, n = 0;

	for (size_t i = 0; i < t->spent_n; i++)
		n += t->spent[i].known;
	if (n == 0 && l->budgets.n > 0 && t->method == MCP_TOOLS_CALL &&
	    !t->counted)
		return field_unknown(
		    b, "budget", "its budgets were not asked about");
	if (n == 0)
		return field_absent(b, "budget");
	tape_key(b, STR("budget"));
	m = tape_arr(b);
	for (size_t i = 0; i < t->spent_n; i++)
		if (t->spent[i].known)
			put_spent(b, &t->spent[i], t->failed == NULL);
	tape_end(b, m, n);
	return 1;
}
