/*
 * totals.c: what was used, by budget and key.  Promises that a charge is whole
 * or not at all, that no window ever sees more than its limit, and that nothing
 * is given back but what was charged and still counts.
 */
#include "budget/totals-in.h"

enum { KEY_ROOM = 512, SLOTS = BUDGET_PARTS + 1 };

struct total {
	struct str budget, key;
	enum budget_of of;
	uint64_t window;
	uint64_t newest;      /* part of time that slot[newest % SLOTS] is of */
	uint64_t slot[SLOTS]; /* counted things; for ever: slot[0] */
	struct map *items;    /* distinct things -> struct item */
};
struct item {
	uint64_t part; /* that it was last used in */
	uint64_t uses; /* that may still be taken back */
};
struct totals {
	struct map *by_key;
	uint64_t now;
};

/* ---- time ---- */

static uint64_t
width(uint64_t window)
{
	return (window + BUDGET_PARTS - 1) / BUDGET_PARTS;
}

static uint64_t
part_at(uint64_t window, uint64_t at)
{
	return window == 0 ? 0 : at / width(window);
}

uint64_t
budget_part_left(uint64_t window, uint64_t now)
{
	return window == 0 ? 0 : width(window) - now % width(window);
}

static uint64_t
later(struct totals *t, uint64_t now)
{
	if (now > t->now)
		t->now = now;
	return t->now;
}

void
totals_set_time(struct totals *t, uint64_t now)
{
	(void)later(t, now);
}

uint64_t
totals_time(const struct totals *t)
{
	return t->now;
}

/* ---- keeping ---- */

struct totals *
totals_new(void)
{
	struct totals *t = mem_get(sizeof(*t));

	t->by_key = map_new(0);
	return t;
}

static void
items_clear(struct total *x)
{
	struct str key;
	size_t at = 0;
	void *v;

	while (x->items != NULL && map_next(x->items, &at, &key, &v))
		mem_free(v);
	map_free(x->items);
	x->items = NULL;
}

static void
total_free(struct total *x)
{
	union {
		const char *in;
		void *out;
	} budget = { x->budget.p }, key = { x->key.p };

	items_clear(x);
	mem_free(budget.out);
	mem_free(key.out);
	mem_free(x);
}

void
totals_free(struct totals *t)
{
	size_t at = 0;
	void *v;

	if (t == NULL)
		return;
	while (map_next(t->by_key, &at, NULL, &v))
		total_free(v);
	map_free(t->by_key);
	mem_free(t);
}

/* One budget's name may mean another thing tomorrow: that is another total. */
static struct str
map_key(const struct charge *c, struct buf *room)
{
	buf_u8(room, (uint8_t)c->of);
	buf_u16(room, (uint16_t)c->budget.n);
	buf_str(room, c->budget);
	buf_str(room, c->key);
	BUG_ON(room->full); /* BUDGET_NAME_MAX of both fit */
	return buf_view(room);
}

/* ---- windows ---- */

static bool
is_past(const struct total *x, const struct item *i)
{
	return x->window > 0 && i->part + BUDGET_PARTS < x->newest;
}

static void
items_prune(struct total *x)
{
	struct str key;
	size_t at = 0;
	void *v;

	while (x->items != NULL && map_next(x->items, &at, &key, &v))
		if (is_past(x, v)) {
			mem_free(map_del(x->items, key));
			at--; /* another one may stand there now */
		}
}

/* To `now`: what is older than a window no longer counts. */
static void
advance(struct total *x, uint64_t now)
{
	const uint64_t part = part_at(x->window, now);

	if (part <= x->newest)
		return;
	for (uint64_t i = 0; i < SLOTS && x->newest < part; i++)
		x->slot[++x->newest % SLOTS] = 0;
	x->newest = part;
	items_prune(x);
}

static uint64_t
used(const struct total *x)
{
	uint64_t n = 0;

	if (x->items != NULL)
		return map_count(x->items);
	for (size_t i = 0; i < SLOTS; i++)
		n += x->slot[i];
	return n;
}

/* The window is another now: what it is known to hold was used this moment. */
static void
rewindow(struct total *x, uint64_t window, uint64_t now)
{
	const uint64_t n = x->items == NULL ? used(x) : 0;
	struct str key;
	size_t at = 0;
	void *v;

	if (x->window == window)
		return;
	memset(x->slot, 0, sizeof(x->slot));
	x->window = window;
	x->newest = part_at(window, now);
	x->slot[x->newest % SLOTS] = n;
	while (x->items != NULL && map_next(x->items, &at, &key, &v))
		((struct item *)v)->part = x->newest;
}

/* The total of c; NULL: there is none, and none is to be made, or can be. */
static struct total *
total_of(struct totals *t, const struct charge *c, uint64_t now, bool make)
{
	char bytes[KEY_ROOM];
	struct buf room = {
		.p = bytes, .cap = sizeof(bytes), .max = sizeof(bytes)
	};
	const struct str key = map_key(c, &room);
	struct total *x = map_get(t->by_key, key);

	if (x == NULL && make && map_count(t->by_key) < BUDGET_TOTALS_MAX) {
		x = mem_get(sizeof(*x));
		x->budget = str_keep(c->budget);
		x->key = str_keep(c->key);
		x->of = c->of;
		x->window = c->window;
		x->newest = part_at(c->window, now);
		if (budget_distinct(c->of))
			x->items = map_new(0);
		(void)map_put(t->by_key, key, x);
	}
	if (x == NULL)
		return NULL;
	advance(x, now);
	rewindow(x, c->window, now);
	return x;
}

/* ---- charging ---- */

static void
item_add(struct total *x, struct str key, uint64_t part, uint64_t uses)
{
	struct item *i = map_get(x->items, key);

	if (i == NULL) {
		i = mem_get(sizeof(*i));
		(void)map_put(x->items, key, i);
	}
	i->uses += uses;
	if (part > i->part)
		i->part = part;
}

/* Whatever its limit says: what is on record happened. */
static void
add(struct total *x, const struct charge *c)
{
	uint64_t *slot = &x->slot[x->newest % SLOTS];

	if (x->items == NULL)
		*slot = *slot > BUDGET_MOST - c->amount ? BUDGET_MOST
							: *slot + c->amount;
	for (size_t i = 0; x->items != NULL && i < c->item_n; i++)
		item_add(x, c->item[i], x->newest, 1);
}

static uint64_t
fresh(const struct total *x, const struct charge *c)
{
	uint64_t n = 0;

	if (x->items == NULL)
		return c->amount;
	for (size_t i = 0; i < c->item_n; i++) {
		bool again = map_get(x->items, c->item[i]) != NULL;

		for (size_t k = 0; k < i && !again; k++)
			again = str_eq(c->item[k], c->item[i]);
		n += !again;
	}
	return n;
}

static enum err
charge_one(struct totals *t, uint64_t now, struct charge *c)
{
	struct total *x = total_of(t, c, now, true);
	uint64_t more;

	if (x == NULL)
		return ERR_LIMIT;
	c->used = used(x);
	more = fresh(x, c);
	if (more > 0 && (more > c->limit || c->used > c->limit - more))
		return ERR_DENIED;
	add(x, c);
	c->used += more;
	return OK;
}

enum err
totals_charge(
    struct totals *t, uint64_t now, struct charge *c, size_t n, size_t *over)
{
	now = later(t, now);
	for (size_t i = 0; i < n; i++) {
		const enum err e = charge_one(t, now, &c[i]);

		if (e == OK)
			continue;
		totals_release(t, now, c, i);
		*over = i;
		return e;
	}
	return OK;
}

void
totals_more(struct totals *t, uint64_t now, struct charge *c)
{
	struct total *x;

	now = later(t, now);
	x = total_of(t, c, now, true);
	if (x == NULL || x->items != NULL) {
		c->amount = 0;
		return;
	}
	c->used = used(x);
	if (c->used >= c->limit)
		c->amount = 0;
	else if (c->amount > c->limit - c->used)
		c->amount = c->limit - c->used;
	add(x, c);
	c->used += c->amount;
}

/* ---- taking back ---- */

static void
item_back(struct total *x, struct str key)
{
	struct item *i = map_get(x->items, key);

	if (i != NULL && (i->uses <= 1 || --i->uses == 0))
		mem_free(map_del(x->items, key));
}

static void
release_one(struct total *x, uint64_t part, const struct charge *c)
{
	uint64_t *slot = &x->slot[part % SLOTS];

	if (part > x->newest || part + BUDGET_PARTS < x->newest)
		return; /* its window has forgotten it already */
	if (x->items == NULL)
		*slot -= c->amount < *slot ? c->amount : *slot;
	for (size_t i = 0; x->items != NULL && i < c->item_n; i++)
		item_back(x, c->item[i]);
}

void
totals_release(struct totals *t, uint64_t at, const struct charge *c, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		struct total *x = total_of(t, &c[i], t->now, false);

		if (x != NULL)
			release_one(x, part_at(x->window, at), &c[i]);
	}
}

/* ---- looking ---- */

void
totals_read(struct totals *t, uint64_t now, struct charge *c)
{
	const struct total *x = total_of(t, c, later(t, now), false);

	c->used = x == NULL ? 0 : used(x);
}

static struct charge
as_charge(const struct total *x)
{
	return (struct charge){ .budget = x->budget,
		.key = x->key,
		.of = x->of,
		.window = x->window,
		.used = used(x) };
}

void
totals_each(struct totals *t, uint64_t now,
    void (*f)(void *arg, const struct charge *c), void *arg)
{
	size_t at = 0;
	void *v;

	now = later(t, now);
	while (map_next(t->by_key, &at, NULL, &v)) {
		struct total *x = v;
		struct charge c;

		advance(x, now);
		c = as_charge(x);
		f(arg, &c);
	}
}

/* ---- the state ---- */

/* What counts nothing any more is forgotten. */
void
totals_trim(struct totals *t)
{
	struct str key;
	size_t at = 0;
	void *v;

	while (map_next(t->by_key, &at, &key, &v)) {
		struct total *x = v;

		advance(x, t->now);
		if (used(x) > 0)
			continue;
		(void)map_del(t->by_key, key);
		total_free(x);
		at--;
	}
}

enum err
totals_walk(struct totals *t, enum err (*f)(void *arg, const struct state *s),
    void *arg)
{
	size_t at = 0;
	void *v;

	while (map_next(t->by_key, &at, NULL, &v)) {
		const struct total *x = v;
		const struct state s = { as_charge(x), x->newest, x->slot,
			SLOTS, x->items };

		TRY(f(arg, &s));
	}
	return OK;
}

bool
state_item(const struct state *s, size_t *at, struct state_item *out)
{
	void *v;

	if (s->items == NULL || !map_next(s->items, at, &out->key, &v))
		return false;
	out->part = ((const struct item *)v)->part;
	out->uses = ((const struct item *)v)->uses;
	return true;
}

enum err
totals_part(struct totals *t, const struct charge *c, uint64_t now,
    uint64_t part, uint64_t amount)
{
	struct total *x = total_of(t, c, later(t, now), true);

	if (x == NULL || x->items != NULL || amount > BUDGET_MOST)
		return ERR_SYNTAX;
	if (part > x->newest || part + BUDGET_PARTS < x->newest)
		return ERR_SYNTAX;
	x->slot[part % SLOTS] = amount;
	return OK;
}

enum err
totals_item(struct totals *t, const struct charge *c, uint64_t now,
    const struct state_item *i)
{
	struct total *x = total_of(t, c, later(t, now), true);

	if (x == NULL || x->items == NULL || i->part > x->newest ||
	    i->uses == 0)
		return ERR_SYNTAX;
	item_add(x, i->key, i->part, i->uses);
	return OK;
}

enum err
totals_add(struct totals *t, uint64_t at, const struct charge *c)
{
	struct total *x = total_of(t, c, later(t, at), true);

	if (x == NULL)
		return ERR_LIMIT;
	add(x, c);
	return OK;
}
