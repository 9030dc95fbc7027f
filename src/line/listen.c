/*
 * listen: change notifications in both eras.  A modern agent opens a listen
 * request and says what it wants; a legacy agent hears everything on its own
 * stream.  A modern server is listened to with a leg of the turn (or of the
 * session); a legacy server just speaks.
 */
#include "line/line-in.h"

#define SUBSCRIPTION STR("io.modelcontextprotocol/subscriptionId")

static const struct wish {
	const char *key, *cap;
	unsigned bit;
	enum mcp_method event;
} wishes[] = {
	{ "toolsListChanged", "tools", LISTEN_TOOLS, MCP_TOOLS_CHANGED },
	{ "promptsListChanged", "prompts", LISTEN_PROMPTS,
	    MCP_PROMPTS_CHANGED },
	{ "resourcesListChanged", "resources", LISTEN_RESOURCES,
	    MCP_RESOURCES_CHANGED },
};

static bool
offers(const struct hop *h, const char *cap, const char *flag)
{
	return jv_true(
	    jv_get(jv_get(jv_of(h->caps), str_of(cap)), str_of(flag)));
}

static size_t
put_wishes(struct buf *b, unsigned listen, struct jv uris, struct jv tasks)
{
	const size_t o = tape_obj(b);
	size_t n = 0;

	for (size_t i = 0; i < countof(wishes); i++)
		if (listen & wishes[i].bit) {
			tape_key(b, str_of(wishes[i].key));
			tape_bool(b, true);
			n++;
		}
	if (jv_count(uris) > 0) {
		tape_key(b, STR("resourceSubscriptions"));
		tape_copy(b, uris);
		n++;
	}
	if (jv_count(tasks) > 0) {
		tape_key(b, STR("taskIds"));
		tape_copy(b, tasks);
		n++;
	}
	tape_end(b, o, n);
	return n;
}

/* A leg that carries our own subscriptions/listen to a modern server. */
static void
send_listen(struct line *l, struct leg *g, struct jv caps, unsigned listen,
    struct jv uris, struct jv tasks)
{
	struct msg m = msg_of(MSG_UP_CALL);
	size_t o;

	buf_clear(&l->work);
	o = tape_obj(&l->work);
	tape_key(&l->work, STR("notifications"));
	(void)put_wishes(&l->work, listen, uris, tasks);
	tape_end(&l->work, o, 1);
	msg_set(&m, F_CALL, g->id);
	msg_set(&m, F_HOP, g->hop->id);
	msg_set(&m, F_METHOD, MCP_LISTEN);
	msg_set_text(&m, F_NAME, mcp_row(MCP_LISTEN)->text);
	msg_set_text(&m, F_PARAMS, buf_view(&l->work));
	if (jv_type(caps) != J_NONE)
		msg_set_tree(&m, F_CAPS, caps);
	g->state = LEG_SENT;
	(void)l->port.back(l->port.arg, g->hop->up->index, &m);
}

static void
send_ack(struct line *l, struct turn *t)
{
	struct buf b = { .max = 1 << 20 };
	struct msg m = msg_of(MSG_EVENT);
	const size_t o = tape_obj(&b);
	size_t meta;

	tape_key(&b, STR("notifications"));
	(void)put_wishes(&b, t->listen, t->uris, t->tasks);
	tape_key(&b, STR("_meta"));
	meta = tape_obj(&b);
	tape_key(&b, SUBSCRIPTION);
	tape_copy(&b, t->id_tape);
	tape_end(&b, meta, 1);
	tape_end(&b, o, 2);
	msg_set(&m, F_REF, t->ref);
	msg_set_text(&m, F_NAME, mcp_row(MCP_LISTEN_ACK)->text);
	msg_set_text(&m, F_PARAMS, buf_view(&b));
	if (t->attached && buf_end(&b) == OK)
		(void)l->port.front(l->port.arg, t->front, &m);
	buf_done(&b);
}

/* Of these resources, the ones of this server that the agent may follow: a
 * view into work2. */
static struct jv
uris_at(
    struct line *l, const struct turn *t, const struct hop *h, struct jv uris)
{
	struct jit it = jit_of(uris);
	size_t n = 0, a;
	struct jv v;

	buf_clear(&l->work2);
	a = tape_arr(&l->work2);
	while (offers(h, "resources", "subscribe") && n < LISTEN_URIS &&
	       jit_next(&it, NULL, &v)) {
		if (!jv_is(v, J_STR) || jv_str(v).n > URI_MAX ||
		    !may_use(l, t->principal, h->up, STR("resources/subscribe"),
			jv_str(v)) ||
		    !uri_may_be(l, t->endpoint, t->principal, h->up, jv_str(v)))
			continue;
		tape_copy(&l->work2, v);
		n++;
	}
	tape_end(&l->work2, a, n);
	return jv_of(buf_view(&l->work2));
}

/* Of these tasks, the ones at this server that are the agent's; theirs: under
 * the server's own names.  A view into work2. */
static struct jv
tasks_at(struct line *l, const struct turn *t, const struct hop *h,
    struct jv wanted, bool theirs)
{
	struct jit it = jit_of(wanted);
	size_t n = 0, a;
	struct jv v;

	buf_clear(&l->work2);
	a = tape_arr(&l->work2);
	while (n < LISTEN_TASKS && jit_next(&it, NULL, &v)) {
		const struct task *k =
		    jv_is(v, J_STR) ? task_find(l, t, jv_str(v)) : NULL;

		if (k == NULL || k->up != h->up || !task_between(t, h) ||
		    !task_told(l, k))
			continue;
		tape_str(&l->work2, theirs ? k->theirs : k->id);
		n++;
	}
	tape_end(&l->work2, a, n);
	return jv_of(buf_view(&l->work2));
}

/* Each server has some of them. */
static void
honour_tasks(struct line *l, struct turn *t, const struct hop *h, struct jv all)
{
	const struct jv some = tasks_at(l, t, h, all, false);
	struct buf b = { .max = some.n + t->tasks.n + 64 };
	const size_t a = tape_arr(&b);
	struct jit had = jit_of(t->tasks), more = jit_of(some);
	size_t n = 0;
	struct jv v;

	for (; jit_next(&had, NULL, &v); n++)
		tape_copy(&b, v);
	for (; jit_next(&more, NULL, &v) && n < LISTEN_TASKS; n++)
		tape_copy(&b, v);
	tape_end(&b, a, n);
	if (n > 0)
		t->tasks = jv_of(arena_str(t->mem, buf_view(&b)));
	buf_done(&b);
}

/* Subscriptions of our own at a legacy server. */
void
listen_legacy(struct line *l, struct hop *h, struct jv uris)
{
	struct jit it = jit_of(uris);
	struct jv v;

	while (jit_next(&it, NULL, &v)) {
		struct msg m = msg_of(MSG_UP_CALL);
		struct leg *g;
		size_t o;

		if (l->legs.used > LEGS_OWN)
			return; /* a back that never answers */
		g = leg_new(l, NULL, h);
		buf_clear(&l->work);
		o = tape_obj(&l->work);
		tape_key(&l->work, STR("uri"));
		tape_copy(&l->work, v);
		tape_end(&l->work, o, 1);
		g->state = LEG_SENT;
		msg_set(&m, F_CALL, g->id);
		msg_set(&m, F_HOP, h->id);
		msg_set(&m, F_METHOD, MCP_SUBSCRIBE);
		msg_set_text(&m, F_NAME, mcp_row(MCP_SUBSCRIBE)->text);
		msg_set_text(&m, F_PARAMS, buf_view(&l->work));
		(void)l->port.back(l->port.arg, h->up->index, &m);
	}
}

static bool
among(struct jv uris, struct str uri)
{
	struct jit it = jit_of(uris);
	struct jv v;

	while (jit_next(&it, NULL, &v))
		if (str_eq(jv_str(v), uri))
			return true;
	return false;
}

static void
add_uris(struct turn *t, struct jv more)
{
	struct buf b = { .max = t->uris.n + more.n + 64 };
	const size_t a = tape_arr(&b);
	struct jit it = jit_of(t->uris);
	size_t n = 0;
	struct jv v;

	for (; jit_next(&it, NULL, &v); n++)
		tape_copy(&b, v);
	it = jit_of(more);
	while (n < LISTEN_URIS && jit_next(&it, NULL, &v))
		if (!among(t->uris, jv_str(v))) {
			tape_copy(&b, v);
			n++;
		}
	tape_end(&b, a, n);
	if (n > 0)
		t->uris = jv_of(arena_str(t->mem, buf_view(&b)));
	buf_done(&b);
}

/* What one server adds to what is honoured. */
static void
honour(struct line *l, struct turn *t, const struct hop *h, struct jv wanted)
{
	const struct jv all = jv_get(wanted, STR("resourceSubscriptions"));

	for (size_t i = 0; i < countof(wishes); i++)
		if (jv_true(jv_get(wanted, str_of(wishes[i].key))) &&
		    offers(h, wishes[i].cap, "listChanged"))
			t->listen |= wishes[i].bit;
	add_uris(t, uris_at(l, t, h, all));
	honour_tasks(l, t, h, jv_get(wanted, STR("taskIds")));
}

/* Its end says which subscription it was (2026-07-28). */
void
listen_result(struct turn *t)
{
	const size_t o = tape_obj(&t->out);
	size_t meta;

	tape_key(&t->out, STR("_meta"));
	meta = tape_obj(&t->out);
	tape_key(&t->out, SUBSCRIPTION);
	tape_copy(&t->out, t->id_tape);
	tape_end(&t->out, meta, 1);
	tape_end(&t->out, o, 1);
}

static void
listen_modern(struct line *l, struct turn *t, struct hop *h)
{
	struct buf tasks = { .max = ANSWER_MAX };
	const struct jv ids = tasks_at(l, t, h, t->tasks, true);
	struct jv uris;

	buf_str(&tasks, jv_bytes(ids)); /* work2 is needed again */
	uris = uris_at(l, t, h, t->uris);
	if (t->listen != 0 || jv_count(uris) > 0 ||
	    jv_count(jv_of(buf_view(&tasks))) > 0)
		send_listen(l, leg_new(l, t, h), t->caps, t->listen, uris,
		    jv_of(buf_view(&tasks)));
	buf_done(&tasks);
}

/* Parks the turn until the agent goes or the server ends it. */
enum err
listen_start(struct line *l, struct turn *t)
{
	const struct jv wanted = jv_get(t->params, STR("notifications"));
	bool any = false;

	for (size_t i = 0; i < t->target_n; i++) {
		const struct hop *h = hop_known(l, t, t->target[i]);

		if (h == NULL || h->state != HOP_OPEN)
			continue;
		any = true;
		honour(l, t, h, wanted);
	}
	if (!any)
		return turn_fail(t, 502, MCP_E_UPSTREAM,
		    "no server of this endpoint can be reached");
	send_ack(l, t);
	t->l_next = l->listens;
	l->listens = t;
	while (t->legs != NULL)
		leg_drop(l, t->legs);
	t->listening = true;
	t->until = 0;
	t->pending = 1; /* not reached by the legs below; see leg_done */
	for (size_t i = 0; i < t->target_n; i++) {
		struct hop *h = hop_known(l, t, t->target[i]);

		if (h == NULL || h->state != HOP_OPEN)
			continue;
		if (h->era == MCP_MODERN)
			listen_modern(l, t, h);
		else
			listen_legacy(l, h, uris_at(l, t, h, t->uris));
	}
	return ERR_MORE;
}

void
listen_over(struct line *l, struct turn *t)
{
	struct turn **at = &l->listens;

	if (t->method != MCP_LISTEN)
		return;
	while (*at != NULL && *at != t)
		at = &(*at)->l_next;
	if (*at == t)
		*at = t->l_next;
}

static bool
wants(const struct turn *t, enum mcp_method m, struct jv params)
{
	for (size_t i = 0; i < countof(wishes); i++)
		if (wishes[i].event == m)
			return (t->listen & wishes[i].bit) != 0;
	return m == MCP_RESOURCE_UPDATED &&
	       among(t->uris, jv_str(jv_get(params, STR("uri"))));
}

/* params with _meta naming the agent's own subscription. */
static void
put_tagged(struct buf *b, struct jv params, struct jv id)
{
	struct jit it = jit_of(params);
	const size_t o = tape_obj(b);
	size_t n = 1, meta;
	struct str k;
	struct jv v;

	while (jit_next(&it, &k, &v)) {
		if (str_eq(k, STR("_meta")))
			continue;
		tape_key(b, k);
		tape_copy(b, v);
		n++;
	}
	tape_key(b, STR("_meta"));
	meta = tape_obj(b);
	tape_key(b, SUBSCRIPTION);
	tape_copy(b, id);
	tape_end(b, meta, 1);
	tape_end(b, o, n);
}

static bool
concerns(const struct turn *t, const struct hop *h)
{
	if (!t->attached || t->principal != h->principal)
		return false;
	for (size_t i = 0; i < t->target_n; i++)
		if (t->target[i] == h->up)
			return true;
	return false;
}

/* A legacy server just speaks: no leg keeps this hop. */
bool
listen_needs(const struct line *l, const struct hop *h)
{
	for (const struct turn *t = l->listens; t != NULL; t = t->l_next)
		if (concerns(t, h))
			return true;
	return false;
}

/* May this server speak of this resource to this principal? */
bool
told(const struct line *l, struct endpoint *e, const struct hop *h,
    enum mcp_method m, struct jv params)
{
	const struct str uri = jv_str(jv_get(params, STR("uri")));

	return m != MCP_RESOURCE_UPDATED ||
	       (may_use(
		    l, h->principal, h->up, STR("resources/subscribe"), uri) &&
		   uri_may_be(l, e, h->principal, h->up, uri));
}

void
listen_event(struct line *l, struct hop *h, enum mcp_method m, struct str name,
    struct jv params)
{
	for (struct turn *t = l->listens; t != NULL; t = t->l_next) {
		struct buf b = { .max = 1 << 20 };
		struct msg e = msg_of(MSG_EVENT);

		if (!concerns(t, h) || !wants(t, m, params) ||
		    !told(l, t->endpoint, h, m, params))
			continue;
		put_tagged(&b, params, t->id_tape);
		msg_set(&e, F_REF, t->ref);
		msg_set_text(&e, F_NAME, name);
		msg_set_text(&e, F_PARAMS, buf_view(&b));
		if (buf_end(&b) == OK)
			(void)l->port.front(l->port.arg, t->front, &e);
		buf_done(&b);
	}
}

static bool
follows(const struct turn *t, struct str id)
{
	struct jit it = jit_of(t->tasks);
	struct jv v;

	while (jit_next(&it, NULL, &v))
		if (str_eq(jv_str(v), id))
			return true;
	return false;
}

/* notifications/tasks: it may carry the call's answer, so it is one: checked
 * as one and recorded. */
void
listen_task(struct line *l, struct hop *h, struct str name, struct jv params)
{
	const struct jv id = jv_get(params, STR("taskId"));

	for (struct turn *t = l->listens; t != NULL; t = t->l_next) {
		struct task *k = jv_is(id, J_STR)
				     ? task_theirs(h, t->endpoint, jv_str(id))
				     : NULL;
		struct buf b = { .max = ANSWER_MAX };
		struct msg e = msg_of(MSG_EVENT);
		struct note why;
		struct mcp_task m;

		if (k == NULL || !concerns(t, h) || !follows(t, k->id) ||
		    !task_told(l, k) ||
		    mcp_task_read(MCP_MODERN, params, &m, &why) != OK ||
		    mcp_task_detail(params, t->caps, &why) != OK ||
		    !record_task(l, k, params))
			continue;
		k->over |= m.over;
		k->taken |= m.over;
		buf_clear(&l->work2);
		task_show(l, &l->work2, params, k, MCP_MODERN);
		put_tagged(&b, jv_of(buf_view(&l->work2)), t->id_tape);
		msg_set(&e, F_REF, t->ref);
		msg_set_text(&e, F_NAME, name);
		msg_set_text(&e, F_PARAMS, buf_view(&b));
		if (buf_end(&b) == OK)
			(void)l->port.front(l->port.arg, t->front, &e);
		buf_done(&b);
	}
}

/* A legacy session before a modern server: one listen with what it offers. */
void
listen_session(struct line *l, struct session *s, struct hop *h)
{
	unsigned listen = 0;

	for (size_t i = 0; i < countof(wishes); i++)
		if (offers(h, wishes[i].cap, "listChanged"))
			listen |= wishes[i].bit;
	if (h->era == MCP_MODERN && listen != 0)
		send_listen(l, leg_new(l, NULL, h), jv_of(s->caps), listen,
		    (struct jv){ 0 }, (struct jv){ 0 });
}

/* resources/subscribe of a legacy session at a modern server. */
bool
listen_uri(
    struct line *l, struct session *s, struct hop *h, struct str uri, bool on)
{
	struct buf b = { .max = uri.n + 64 };
	struct leg *g = h->legs;
	size_t a, n = 0;

	while (g != NULL && !(g->turn == NULL && str_eq(g->uri, uri))) {
		n += g->turn == NULL;
		g = g->hop_next;
	}
	if (on && g == NULL && (n > LISTEN_URIS || l->legs.used > LEGS_OWN))
		return false; /* each is a stream of its own */
	if (!on && g != NULL)
		leg_drop(l, g);
	if (on && g == NULL) {
		g = leg_new(l, NULL, h);
		g->uri = str_keep(uri);
		a = tape_arr(&b);
		tape_str(&b, uri);
		tape_end(&b, a, 1);
		send_listen(l, g, jv_of(s->caps), 0, jv_of(buf_view(&b)),
		    (struct jv){ 0 });
		buf_done(&b);
	}
	return true;
}
