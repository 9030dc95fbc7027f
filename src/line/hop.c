/*
 * hop: one upstream session.  A legacy agent's session has its own hop to each
 * server, because a legacy server keeps state; modern calls share one hop per
 * principal, server and declared capabilities, never across principals.
 */
#include "line/line-in.h"

bool
hop_cap(const struct hop *h, const char *cap)
{
	return jv_type(jv_get(jv_of(h->caps), str_of(cap))) == J_OBJ;
}

static void
make_key(const struct turn *t, const struct upstream *u, struct buf *b)
{
	buf_clear(b);
	buf_u32(b, u->index);
	if (t->session != NULL) {
		buf_ch(b, 's');
		buf_str(b, t->session->id);
	} else {
		buf_ch(b, 'p');
		buf_u32(b, (uint32_t)t->principal->name.n);
		buf_str(b, t->principal->name);
		buf_str(b, jv_bytes(t->caps));
	}
}

/* Nobody waits for it; what we only subscribed to may be left unanswered. */
static bool
is_idle(const struct line *l, const struct hop *h)
{
	for (const struct leg *g = h->legs; g != NULL; g = g->hop_next)
		if (g->turn != NULL)
			return false;
	return !listen_needs(l, h);
}

/* Every set of capabilities is a hop of its own, and often a process. */
static bool
room_for_hop(struct line *l, const struct principal *p, unsigned upstream)
{
	struct hop *idle = NULL;
	size_t at = 0, n = 0;
	void *v;

	while (map_next(l->hops, &at, NULL, &v)) {
		struct hop *h = v;

		if (h->session != NULL || h->principal != p ||
		    h->up->index != upstream)
			continue;
		n++;
		if (is_idle(l, h) && (idle == NULL || h->used < idle->used))
			idle = h;
	}
	if (n < HOPS_MAX)
		return true;
	if (idle != NULL)
		hop_end(l, idle, true, "another one is needed");
	return idle != NULL;
}

struct hop *
hop_known(struct line *l, const struct turn *t, const struct upstream *u)
{
	if (t->session != NULL)
		return t->session->hop[u->index];
	make_key(t, u, &l->work);
	return map_get(l->hops, buf_view(&l->work));
}

struct hop *
hop_for(struct line *l, struct turn *t, struct upstream *u)
{
	struct hop *h = hop_known(l, t, u);

	if (h != NULL)
		return h;
	if (t->session == NULL && !room_for_hop(l, t->principal, u->index))
		return NULL;
	make_key(t, u, &l->work);
	h = mem_get(sizeof(*h));
	h->id = slab_add(&l->hop_ids, h);
	h->key = str_keep(buf_view(&l->work));
	h->up = u;
	h->session = t->session;
	h->principal = t->principal;
	h->used = line_now(l);
	if (t->session != NULL)
		t->session->hop[u->index] = h;
	(void)map_put(l->hops, h->key, h);
	return h;
}

static void
session_here(struct line *l, struct hop *h)
{
	listen_session(l, h->session, h);
	again_say(l, h);
}

void
hop_opened(struct line *l, const struct msg *m)
{
	struct hop *h = slab_get(&l->hop_ids, msg_num(m, F_HOP));

	if (h != NULL && h->state == HOP_OPEN && h->session != NULL &&
	    msg_num(m, F_STATUS) == 0) { /* the back opened it once more */
		again_say(l, h);
		return;
	}
	if (h == NULL || h->state != HOP_OPENING)
		return;
	if (msg_num(m, F_STATUS) != 0) {
		struct note why;

		note_words(&why, msg_text(m, F_TEXT));
		upstream_failed(
		    l, h->up, why.text, "what waited for it is refused");
		hop_end(l, h, false, why.text);
		return;
	}
	h->state = HOP_OPEN;
	h->era = msg_num(m, F_ERA) == MCP_MODERN ? MCP_MODERN : MCP_LEGACY;
	h->up->speaks[h->session == NULL] =
	    h->era == MCP_MODERN ? SPEAKS_MODERN : SPEAKS_LEGACY;
	drop(&h->caps);
	drop(&h->info);
	drop(&h->text);
	if (msg_text(m, F_CAPS).n <= HOP_WORDS)
		h->caps = keep_tape(msg_tree(m, F_CAPS));
	if (msg_text(m, F_INFO).n <= HOP_WORDS)
		h->info = keep_tape(msg_tree(m, F_INFO));
	if (msg_text(m, F_TEXT).n <= HOP_WORDS && utf8_ok(msg_text(m, F_TEXT)))
		h->text = str_keep(msg_text(m, F_TEXT));
	if (h->session != NULL)
		session_here(l, h);
	/* Legs are pushed at the front while we walk: start over each time. */
	for (struct leg *g = h->legs; g != NULL;) {
		if (g->state == LEG_WAITS) {
			leg_go(l, g);
			if (slab_get(&l->hop_ids, msg_num(m, F_HOP)) != h)
				return;
			g = h->legs;
		} else {
			g = g->hop_next;
		}
	}
}

/* Its calls have no answer: unknown, never success. */
void
hop_end(struct line *l, struct hop *h, bool tell, const char *why)
{
	const uint64_t id = h->id;

	if (tell && h->state != HOP_NEW) {
		struct msg m = msg_of(MSG_HOP_CLOSE);

		msg_set(&m, F_HOP, id);
		(void)l->port.back(l->port.arg, h->up->index, &m);
	}
	slab_del(&l->hop_ids, id);
	(void)map_del(l->hops, h->key);
	if (h->session != NULL)
		h->session->hop[h->up->index] = NULL;
	asks_drop(l, h);
	tasks_drop(l, h);
	while (h->legs != NULL) {
		struct leg *g = h->legs;

		if (g->turn == NULL) {
			leg_drop(l, g);
			continue;
		}
		g->status = g->state == LEG_WAITS ? 502 : 504;
		note_set(&g->why, "%s", why);
		leg_done(l, g);
	}
	drop(&h->key);
	drop(&h->caps);
	drop(&h->info);
	drop(&h->text);
	mem_free(h);
}

/* Who waits for a server to open has no more time than for its answer; the
 * server may have: it goes on opening, for the next call. */
static struct leg *
waited_enough(const struct line *l, const struct hop *h)
{
	const uint64_t now = line_now(l);

	for (struct leg *g = h->legs; g != NULL; g = g->hop_next)
		if (g->state == LEG_WAITS && g->turn != NULL &&
		    now - g->turn->since >= l->call_ns)
			return g;
	return NULL;
}

/* True: some hop is being opened, and calls may wait for it. */
static bool
openings_tick(struct line *l)
{
	bool any = false;
	void *v;

	for (size_t at = 0; map_next(l->hops, &at, NULL, &v);) {
		struct hop *h = v;
		struct leg *g;

		if (h->state != HOP_OPENING)
			continue;
		any |= h->legs != NULL;
		g = waited_enough(l, h);
		if (g == NULL)
			continue;
		g->status = 504;
		note_set(&g->why, "it did not open in time");
		count(CNT_UPSTREAM_FAIL);
		upstream_failed(l, h->up, g->why.text, "the call is refused");
		leg_done(l, g);
		at = 0; /* the map may be another now */
	}
	return any;
}

/* Shared hops that nobody uses are closed; sessions look after their own. */
bool
hops_tick(struct line *l)
{
	const bool opening = openings_tick(l);
	const uint64_t now = line_now(l);
	struct hop *idle;
	size_t at;
	void *v;

	for (at = 0; map_next(l->hops, &at, NULL, &v);) {
		struct hop *h = v;

		if (h->state != HOP_OPENING ||
		    now - h->since <= HOP_OPEN_S * UINT64_C(1000000000))
			continue;
		upstream_failed(l, h->up, "it did not open in time",
		    "what waited for it is refused");
		hop_end(l, h, true, "it did not open in time");
		at = 0;
	}
	do {
		idle = NULL;
		for (at = 0; map_next(l->hops, &at, NULL, &v);) {
			struct hop *h = v;

			if (h->session == NULL && is_idle(l, h) &&
			    !tasks_open(l, h->principal, h->up, NULL) &&
			    now - h->used > HOP_IDLE_S * UINT64_C(1000000000)) {
				idle = h;
				break;
			}
		}
		if (idle != NULL)
			hop_end(l, idle, true, "idle");
	} while (idle != NULL);
	return opening;
}
