/*
 * budget.c: the role that owns what spans cells.  Judges ask it to charge; it
 * charges all that a call needs or nothing, writes that down, syncs it, and
 * answers.  Promises that no budget is exceeded whatever the cells do at once,
 * that nothing is granted that is not on the disk, and that a charge is taken
 * back only when the judge that made it says that its call did not happen.
 */
#include "role/budget-book.h"

enum {
	CELLS_MAX = 256,
	ANSWERS_MAX = 1024, /* of one round; then they go out */
	OPEN_MAX = 65536,   /* reservations that may still be taken back */
	SHARE = 8, /* of what is left a cell takes a part of this ahead */
};

struct answer {
	struct chan *judge;
	uint64_t call, seq;
	enum err status;
	struct buf rec;
};
/* A reservation whose call has neither left nor failed. */
struct held {
	unsigned cell;
	struct str undo; /* the record that takes it back */
};

static struct counting {
	struct role_env *env;
	struct budgets budgets;
	struct chan *judge[CELLS_MAX];
	struct answer answer[ANSWERS_MAX];
	size_t answers;
	bool staged;
	struct map *open; /* number of the charge, 8 bytes -> struct held */
	struct timer begin;
	bool begun;
} me;

/* ---- answers ---- */

static void
answer_send(struct answer *a)
{
	struct msg m = msg_of(MSG_RESERVED);

	msg_set(&m, F_CALL, a->call);
	if (a->status != OK)
		msg_set(&m, F_STATUS, (uint64_t)a->status);
	else
		msg_set(&m, F_SEQ, a->seq);
	if (a->rec.n > 0)
		msg_set_text(&m, F_REC, buf_view(&a->rec));
	if (a->judge != NULL && chan_send(a->judge, &m) != OK)
		log_line(LOG_WARN, "budget", "cell %u does not hear",
		    chan_peer_instance(a->judge));
	buf_clear(&a->rec);
}

/* What was charged in this round is durable before anybody is told. */
static void
answers_send(void)
{
	const enum err e = me.staged ? book_sync() : OK;

	me.staged = false;
	for (size_t i = 0; i < me.answers; i++) {
		struct answer *a = &me.answer[i];

		if (e != OK && a->status == OK) {
			a->status = e;
			buf_clear(&a->rec);
		}
		answer_send(a);
	}
	me.answers = 0;
}

static struct answer *
answer_new(struct chan *c, uint64_t call)
{
	struct answer *a;

	if (me.answers == ANSWERS_MAX)
		answers_send();
	a = &me.answer[me.answers++];
	a->judge = c;
	a->call = call;
	a->seq = 0;
	a->status = OK;
	a->rec.max = 1 << 16;
	return a;
}

static void
flush(void *unused)
{
	answers_send();
	chan_flush_all(unused);
}

/* ---- the question ---- */

struct ask {
	struct charge c[BUDGET_CHARGES_MAX];
	bool lease[BUDGET_CHARGES_MAX];
	uint64_t ahead[BUDGET_CHARGES_MAX];
	const struct budget *row[BUDGET_CHARGES_MAX];
	size_t n;
};

static bool
items_of(struct jv v, struct charge *c)
{
	struct jit it = jit_of(v);
	struct jv i;

	if (jv_count(v) > BUDGET_ITEMS_MAX)
		return false;
	while (jit_next(&it, NULL, &i)) {
		if (jv_str(i).n != BUDGET_ITEM)
			return false;
		c->item[c->item_n++] = jv_str(i);
	}
	return true;
}

/* ERR_GONE: there is no such budget (any more, or yet). */
static enum err
ask_one(struct jv v, struct ask *a)
{
	struct charge *c = &a->c[a->n];
	const struct budget *b =
	    budget_find(&me.budgets, jv_str(jv_get(v, STR("budget"))));
	int64_t amount = 0;

	if (b == NULL)
		return ERR_GONE;
	*c = (struct charge){ .budget = b->name,
		.key = jv_str(jv_get(v, STR("key"))),
		.of = b->of,
		.window = b->window,
		.limit = b->limit };
	if (c->key.n == 0 || c->key.n > BUDGET_NAME_MAX ||
	    !items_of(jv_get(v, STR("items")), c))
		return ERR_SYNTAX;
	if (!budget_distinct(b->of) &&
	    (jv_i64(jv_get(v, STR("amount")), &amount) != OK || amount < 0))
		return ERR_SYNTAX;
	c->amount = (uint64_t)amount;
	a->row[a->n] = b;
	a->lease[a->n] =
	    b->of == BUDGET_CALLS && jv_true(jv_get(v, STR("lease")));
	a->n++;
	return OK;
}

static enum err
ask_of(struct jv list, struct ask *a)
{
	struct jit it = jit_of(list);
	struct jv v;

	a->n = 0;
	if (!jv_is(list, J_ARR) || jv_count(list) == 0 ||
	    jv_count(list) > BUDGET_CHARGES_MAX)
		return ERR_SYNTAX;
	while (jit_next(&it, NULL, &v))
		TRY(ask_one(v, a));
	return OK;
}

/* ---- the answer's words ---- */

static uint64_t
left(const struct charge *c)
{
	return c->limit > c->used ? c->limit - c->used : 0;
}

static void
num(struct buf *b, const char *key, uint64_t v)
{
	tape_key(b, str_of(key));
	tape_i64(b, (int64_t)v);
}

static void
put_refused(struct buf *b, const struct charge *c)
{
	const size_t m = tape_arr(b), o = tape_obj(b);

	tape_key(b, STR("budget"));
	tape_str(b, c->budget);
	tape_key(b, STR("key"));
	tape_str(b, c->key);
	num(b, "left", left(c));
	num(b, "used", c->used);
	tape_end(b, o, 4);
	tape_end(b, m, 1);
}

static void
put_granted(struct buf *b, const struct ask *a, uint64_t now)
{
	const size_t m = tape_arr(b);

	for (size_t i = 0; i < a->n; i++) {
		const size_t o = tape_obj(b);

		num(b, "ahead", a->ahead[i]);
		num(b, "left", left(&a->c[i]));
		num(b, "ms", budget_part_left(a->c[i].window, now));
		num(b, "used", a->c[i].used);
		tape_end(b, o, 4);
	}
	tape_end(b, m, a->n);
}

/* ---- charging ---- */

static struct str
open_key(const uint64_t *seq)
{
	return (struct str){ (const char *)seq, sizeof(*seq) };
}

static void
hold(uint64_t seq, unsigned cell, const struct buf *undo)
{
	struct held *h;

	if (undo->full || map_count(me.open) >= OPEN_MAX)
		return; /* it stays charged, whatever becomes of it */
	h = mem_get(sizeof(*h));
	h->cell = cell;
	h->undo = str_keep(buf_view(undo));
	(void)map_put(me.open, open_key(&seq), h);
}

/* So that not every call asks: a part of what is left, used up from now on. */
static void
take_ahead(struct ask *a, size_t i, uint64_t now)
{
	struct charge more = a->c[i];
	const uint64_t part = left(&more) / (SHARE * (uint64_t)me.env->cells);

	if (!a->lease[i] || a->row[i]->lease < 2 || part == 0)
		return;
	more.amount = part < a->row[i]->lease ? part : a->row[i]->lease - 1;
	totals_more(book_totals(), now, &more);
	a->ahead[i] = more.amount;
	a->c[i].amount += more.amount;
	a->c[i].used = more.used;
	count(CNT_BUDGET_LEASES);
}

static enum err
charge(struct ask *a, unsigned cell, struct answer *out)
{
	const uint64_t now = book_now();
	struct buf rec = { .max = 1 << 18 }, undo = { .max = 1 << 18 };
	size_t over = 0;
	enum err e = totals_charge(book_totals(), now, a->c, a->n, &over);

	if (e) {
		put_refused(&out->rec, &a->c[over]);
		return e;
	}
	/* What was asked for can be taken back; what is taken ahead cannot. */
	charges_put(
	    &undo, &(struct entry){ now, cell, book_next() }, a->c, a->n);
	for (size_t i = 0; i < a->n; i++)
		take_ahead(a, i, now);
	charges_put(&rec, &(struct entry){ now, cell, 0 }, a->c, a->n);
	e = buf_end(&rec);
	if (!e)
		e = book_stage(jv_of(buf_view(&rec)), &out->seq);
	if (!e)
		hold(out->seq, cell, &undo);
	buf_done(&rec);
	buf_done(&undo);
	me.staged = true;
	put_granted(&out->rec, a, now);
	return e;
}

static void
reserve(struct chan *c, const struct msg *m)
{
	struct answer *out = answer_new(c, msg_num(m, F_CALL));
	struct ask *a = mem_get(sizeof(*a));

	out->status = ask_of(msg_tree(m, F_REC), a);
	if (book_totals() == NULL)
		out->status = ERR_OS;
	if (out->status == OK)
		out->status = charge(a, chan_peer_instance(c), out);
	count(out->status == OK ? CNT_BUDGET_CHARGES : CNT_BUDGET_REFUSED);
	mem_free(a);
}

/* ---- what became of it ---- */

static void
held_free(struct held *h)
{
	union {
		const char *in;
		void *out;
	} undo = { h->undo.p };

	mem_free(undo.out);
	mem_free(h);
}

static void
undo(const struct held *h)
{
	bool whole = false, over = false;
	uint64_t seq;

	if (book_totals() == NULL || book_stage(jv_of(h->undo), &seq) != OK)
		return;
	me.staged = true;
	count(CNT_BUDGET_RELEASED);
	if (totals_take(book_totals(), jv_of(h->undo), &whole, &over) != OK)
		log_line(LOG_ERROR, "budget", "a release of ours is odd");
}

static void
settle(const struct chan *c, const struct msg *m)
{
	const uint64_t seq = msg_num(m, F_SEQ);
	struct held *h = map_get(me.open, open_key(&seq));

	if (h == NULL || h->cell != chan_peer_instance(c))
		return; /* not known (any more): it stays charged */
	(void)map_del(me.open, open_key(&seq));
	if ((msg_num(m, F_FLAGS) & MF_UNDO) != 0)
		undo(h);
	held_free(h);
}

/* ---- judges ---- */

static void
got(struct chan *c, const struct msg *m)
{
	if (m->kind == MSG_RESERVE)
		reserve(c, m);
	else if (m->kind == MSG_SETTLE)
		settle(c, m);
}

/* What its calls came to is not known: all of it stays charged. */
static void
forget_open(unsigned cell)
{
	struct str key;
	size_t at = 0;
	void *v;

	while (map_next(me.open, &at, &key, &v)) {
		if (((const struct held *)v)->cell != cell)
			continue;
		(void)map_del(me.open, key);
		held_free(v);
		at--; /* another one may stand there now */
	}
}

static void
lost(struct chan *c)
{
	const unsigned cell = chan_peer_instance(c);

	for (size_t i = 0; i < me.answers; i++)
		if (me.answer[i].judge == c)
			me.answer[i].judge = NULL;
	if (me.judge[cell] == c)
		me.judge[cell] = NULL;
	forget_open(cell);
	chan_free(c);
}

static void
link_to(struct role_env *e, enum role_id peer, unsigned instance,
    struct chan_fds *fds)
{
	static const struct chan_ops ops = { .got = got, .lost = lost };

	if (peer != ROLE_JUDGE || instance >= CELLS_MAX)
		return;
	if (me.judge[instance] != NULL)
		lost(me.judge[instance]);
	me.judge[instance] =
	    chan_new(e->loop, fds, ROLE_BUDGET, peer, instance, &ops, NULL);
}

/* ---- beginning and end ---- */

/* The log is read behind the walls, before the first judge is heard. */
static void
begin(struct timer *t)
{
	struct note why = { "" };

	(void)t;
	if (me.begun)
		return;
	if (book_open(&why) != OK)
		log_line(LOG_ERROR, "budget-log", "%s", why.text);
	me.begun = true;
	role_links(me.env, link_to);
}

static void
link_later(struct role_env *e, enum role_id peer, unsigned instance,
    struct chan_fds *fds)
{
	begin(&me.begin); /* if it has not */
	link_to(e, peer, instance, fds);
}

static void
from_parent(struct role_env *e, const struct msg *m)
{
	(void)e;
	if (m->kind != MSG_SEGMENT)
		return;
	answers_send();
	book_segment(msg_num(m, F_SEQ), msg_text(m, F_NAME), m->fd[0]);
}

static enum err
prepare(struct role_env *e, struct note *why)
{
	me.env = e;
	me.open = map_new(0);
	TRY(budgets_of(e->image, &me.budgets, why));
	TRY(book_begin(e, why));
	loop_hooks(e->loop, flush, chan_busy_any, NULL);
	me.begin.fire = begin;
	loop_timer(e->loop, &me.begin, 0);
	return OK;
}

static void
image(struct role_env *e, struct jv fresh)
{
	struct budgets b;
	struct note why;

	(void)e;
	if (budgets_of(fresh, &b, &why) == OK)
		me.budgets = b;
	else
		log_line(LOG_ERROR, "image", "%s", why.text);
}

static void
drain(struct role_env *e)
{
	answers_send();
	loop_stop(e->loop);
}

const struct role role_budget = {
	.id = ROLE_BUDGET,
	.prepare = prepare,
	.link = link_later,
	.from_parent = from_parent,
	.image = image,
	.drain = drain,
};
