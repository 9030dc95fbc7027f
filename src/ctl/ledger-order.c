/*
 * ledger-order.c: session_seq of doc/formats/ledger.md.  Sessions end with
 * their process, so a record "start" forgets all of them.
 */
#include "ctl/ledger-order.h"

static void
forget(struct order *o)
{
	size_t at = 0;
	void *v;

	while (o->last != NULL && map_next(o->last, &at, NULL, &v))
		mem_free(v);
	map_free(o->last);
	o->last = NULL;
}

void
order_done(struct order *o)
{
	forget(o);
	*o = (struct order){ .bad = 0 };
}

/* Foreign text: only what prints. */
static void
blame(
    struct order *o, uint64_t seq, struct str who, uint64_t last, uint64_t said)
{
	char name[64];
	size_t n = who.n < sizeof(name) ? who.n : sizeof(name) - 1;

	for (size_t i = 0; i < n; i++)
		name[i] = who.p[i];
	for (size_t i = 0; i < n; i++)
		if (name[i] < 0x20 || name[i] > 0x7e)
			name[i] = '?';
	name[n] = '\0';
	o->bad = seq;
	note_set(&o->why, "%s: session_seq %llu follows %llu: %s", name,
	    (unsigned long long)said, (unsigned long long)last,
	    said <= last ? "one is there twice" : "records are missing");
}

/* "s" and the session, or "p" and the principal; nobody known is one too. */
static struct str
key_of(struct jv rec, struct buf *b)
{
	const struct str session = jv_str(jv_get(rec, STR("session")));

	buf_ch(b, session.n > 0 ? 's' : 'p');
	buf_str(
	    b, session.n > 0 ? session : jv_str(jv_get(rec, STR("principal"))));
	return buf_view(b);
}

static void
count_on(struct order *o, uint64_t seq, struct jv rec, uint64_t said)
{
	struct buf b = { .max = 1 << 17 };
	const struct str key = key_of(rec, &b);
	uint64_t *last;

	if (o->last == NULL)
		o->last = map_new(0);
	last = map_get(o->last, key);
	if (last == NULL) {
		last = mem_get(sizeof(*last));
		(void)map_put(o->last, key, last);
	}
	if (*last == 0 && !o->begun)
		*last = said - 1; /* what came before is not here */
	if (said != *last + 1 && o->bad == 0)
		blame(o, seq,
		    key.n > 1 ? str_sub(key, 1, key.n) : STR("nobody"), *last,
		    said);
	*last = said;
	buf_done(&b);
}

void
order_take(struct order *o, uint64_t seq, struct jv rec)
{
	const struct jv v = jv_get(rec, STR("session_seq"));
	int64_t said;

	if (str_eq(jv_str(jv_get(rec, STR("kind"))), STR("start"))) {
		forget(o);
		o->begun = true;
	}
	if (jv_is(v, J_NONE))
		return;
	if (jv_i64(v, &said) == OK && said > 0) {
		count_on(o, seq, rec, (uint64_t)said);
	} else if (o->bad == 0) {
		o->bad = seq;
		note_set(&o->why, "session_seq is no number");
	}
}
