/*
 * again: what a legacy session had set at a server, said once more when that
 * server's session is opened again: its log level and what it follows.  Servers
 * forget both with the session, and agents are not told that it was lost.
 */
#include "line/line-in.h"

static struct str
sub_key(const struct upstream *u, struct str uri, struct buf *b)
{
	buf_clear(b);
	buf_u32(b, u->index);
	buf_str(b, uri);
	return buf_view(b);
}

/* The server has said yes to this turn. */
void
again_note(struct line *l, const struct turn *t)
{
	struct session *s = t->session;
	struct str key;

	if (s == NULL ||
	    (t->method != MCP_SUBSCRIBE && t->method != MCP_UNSUBSCRIBE))
		return;
	key = sub_key(t->target[0], t->name, &l->work);
	if (s->subs == NULL)
		s->subs = map_new(0);
	if (t->method == MCP_UNSUBSCRIBE)
		(void)map_del(s->subs, key);
	else if (t->name.n <= URI_MAX && map_count(s->subs) < LISTEN_URIS)
		(void)map_put(s->subs, key, t->target[0]);
}

static void
say_level(struct line *l, struct hop *h)
{
	struct msg m = msg_of(MSG_UP_CALL);
	struct leg *g;
	size_t o;

	if (h->session->level.n == 0 || !hop_cap(h, "logging"))
		return;
	g = leg_new(l, NULL, h);
	g->state = LEG_SENT;
	buf_clear(&l->work);
	o = tape_obj(&l->work);
	tape_key(&l->work, STR("level"));
	tape_str(&l->work, h->session->level);
	tape_end(&l->work, o, 1);
	msg_set(&m, F_CALL, g->id);
	msg_set(&m, F_HOP, h->id);
	msg_set(&m, F_METHOD, MCP_SET_LEVEL);
	msg_set_text(&m, F_NAME, mcp_row(MCP_SET_LEVEL)->text);
	msg_set_text(&m, F_PARAMS, buf_view(&l->work));
	(void)l->port.back(l->port.arg, h->up->index, &m);
}

/* Of what is followed, what is this server's and still allowed. */
static size_t
subs_at(const struct line *l, const struct hop *h, struct buf *b)
{
	const struct session *s = h->session;
	const size_t a = tape_arr(b);
	struct str key;
	size_t n = 0;
	void *v;

	for (size_t at = 0;
	     s->subs != NULL && map_next(s->subs, &at, &key, &v);)
		if (v == h->up &&
		    may_use(l, s->principal, h->up, STR("resources/subscribe"),
			str_sub(key, 4, key.n))) {
			tape_str(b, str_sub(key, 4, key.n));
			n++;
		}
	tape_end(b, a, n);
	return n;
}

static void
say_subs(struct line *l, struct hop *h, struct jv uris)
{
	struct jit it = jit_of(uris);
	struct jv v;

	if (h->era == MCP_LEGACY) {
		listen_legacy(l, h, uris);
		return;
	}
	while (jit_next(&it, NULL, &v))
		if (!listen_uri(l, h->session, h, jv_str(v), true))
			break; /* too many: as many as it may */
}

/* Nothing was set, or nothing can be recorded: nothing is said. */
void
again_say(struct line *l, struct hop *h)
{
	const struct session *s = h->session;
	const struct fact f = { .kind = "again",
		.verdict = "allow",
		.reason = "the session's log level and what it follows, said "
			  "again to a server that lost them",
		.principal = h->principal->name,
		.server = h->up->name };
	const bool level = s->level.n > 0 && h->era == MCP_LEGACY;
	struct buf b = { .max = WORK_MAX };
	const size_t n = subs_at(l, h, &b);

	if ((level || n > 0) && record_fact(l, &f)) {
		if (level)
			say_level(l, h);
		say_subs(l, h, jv_of(buf_view(&b)));
	}
	buf_done(&b);
}
