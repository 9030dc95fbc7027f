/*
 * leg: one upstream call of a turn.  A leg waits until its hop is open, goes,
 * and is done once: answered, failed, or dropped with its turn.
 */
#include "line/budget-in.h"

struct leg *
leg_new(struct line *l, struct turn *t, struct hop *h)
{
	struct leg *g = l->leg_free;
	struct buf out, all;

	if (g == NULL) {
		g = mem_get(sizeof(*g));
		g->out.max = g->all.max = ANSWER_MAX;
	} else {
		l->leg_free = g->next;
		l->leg_free_n--;
	}
	out = g->out;
	all = g->all;
	*g = (struct leg){ .out = out, .all = all, .turn = t, .hop = h };
	buf_clear(&g->out);
	buf_clear(&g->all);
	g->id = slab_add(&l->legs, g);
	g->hop_next = h->legs;
	if (h->legs != NULL)
		h->legs->hop_prev = g;
	h->legs = g;
	if (t != NULL) {
		struct leg **at = &t->legs; /* in order of the targets */

		while (*at != NULL)
			at = &(*at)->next;
		*at = g;
		t->pending++;
	}
	return g;
}

static void
leave_hop(struct line *l, struct leg *g)
{
	if (g->hop == NULL)
		return;
	if (g->hop_prev != NULL)
		g->hop_prev->hop_next = g->hop_next;
	else
		g->hop->legs = g->hop_next;
	if (g->hop_next != NULL)
		g->hop_next->hop_prev = g->hop_prev;
	g->hop->used = line_now(l);
	g->hop = NULL;
}

static void
cancel(struct line *l, const struct leg *g)
{
	struct msg m = msg_of(MSG_UP_CANCEL);

	msg_set(&m, F_CALL, g->id);
	(void)l->port.back(l->port.arg, g->hop->up->index, &m);
}

/* Gone for good, cancelled upstream if it is under way. */
void
leg_drop(struct line *l, struct leg *g)
{
	if (g->state == LEG_SENT && g->hop != NULL)
		cancel(l, g);
	leave_hop(l, g);
	if (g->turn != NULL) {
		struct leg **at = &g->turn->legs;

		while (*at != g)
			at = &(*at)->next;
		*at = g->next;
		if (g->state != LEG_DONE)
			g->turn->pending--;
	}
	slab_del(&l->legs, g->id);
	drop(&g->uri);
	if (g->out.cap > KEEP_MAX)
		buf_done(&g->out);
	buf_done(&g->all);
	if (l->leg_free_n >= pool_max) {
		buf_done(&g->out);
		mem_free(g);
		return;
	}
	g->next = l->leg_free;
	l->leg_free = g;
	l->leg_free_n++;
}

void
leg_done(struct line *l, struct leg *g)
{
	struct turn *t = g->turn;

	slab_del(&l->legs, g->id);
	leave_hop(l, g);
	g->state = LEG_DONE;
	if (--t->pending == 1 && t->listening) { /* every server has ended it */
		listen_result(t);
		t->pending = 0;
	}
	if (t->pending > 0 || t->held)
		return; /* held: the answer waits for its agent */
	asks_forget(t);
	turn_resume(l, t, g->learning ? catalogue_had(t) : OK);
}

/* A copy of obj in which key is v; added when it was not there. */
void
tape_with(struct buf *b, struct jv obj, struct str key, struct jv v)
{
	struct jit it = jit_of(obj);
	const size_t o = tape_obj(b);
	size_t n = 0;
	bool seen = false;
	struct str k;
	struct jv w;

	while (jit_next(&it, &k, &w)) {
		const bool same = str_eq(k, key);

		tape_key(b, k);
		tape_copy(b, same ? v : w);
		seen |= same;
		n++;
	}
	if (!seen) {
		tape_key(b, key);
		tape_copy(b, v);
		n++;
	}
	tape_end(b, o, n);
}

static struct jv
string_tape(struct turn *t, struct str s)
{
	struct buf b = { .max = s.n + 16 };
	struct jv v;

	tape_str(&b, s);
	v = jv_of(arena_str(t->mem, buf_view(&b)));
	buf_done(&b);
	return v;
}

/* The agent's params under the names that this server knows. */
static struct jv
local_params(struct line *l, struct turn *t)
{
	struct jv ref = jv_get(t->params, STR("ref"));

	if (!t->endpoint->aggregate)
		return t->params;
	if (t->method == MCP_COMPLETE &&
	    jv_is(jv_get(ref, STR("name")), J_STR)) {
		buf_clear(&l->work2);
		tape_with(&l->work2, ref, STR("name"), string_tape(t, t->name));
		ref = jv_of(arena_str(t->mem, buf_view(&l->work2)));
		buf_clear(&l->work);
		tape_with(&l->work, t->params, STR("ref"), ref);
		return jv_of(buf_view(&l->work));
	}
	if (t->method != MCP_TOOLS_CALL && t->method != MCP_PROMPTS_GET)
		return t->params;
	buf_clear(&l->work);
	tape_with(&l->work, t->params, STR("name"), string_tape(t, t->name));
	return jv_of(buf_view(&l->work));
}

static struct jv
page_params(struct line *l, struct leg *g)
{
	const struct jv next =
	    jv_get(jv_of(buf_view(&g->out)), STR("nextCursor"));

	buf_clear(&l->work);
	tape_with(&l->work, g->turn->params, STR("cursor"), next);
	return jv_of(buf_view(&l->work));
}

/* Mcp-Param headers: from the schema where it is known, else as they came. */
static void
set_heads(struct line *l, struct turn *t, struct leg *g, struct msg *m)
{
	const struct tool *known = map_get(g->hop->up->tools, t->name);

	if (t->method != MCP_TOOLS_CALL || g->hop->era != MCP_MODERN)
		return;
	if (known == NULL) {
		if (jv_count(t->heads) > 0)
			msg_set_tree(m, F_HEADS, t->heads);
		return;
	}
	catalogue_heads(l, jv_of(known->heads), t);
	if (jv_count(jv_of(buf_view(&l->work2))) > 0)
		msg_set_text(m, F_HEADS, buf_view(&l->work2));
}

/* The back looks after a call's times: this is for one that does not. */
uint64_t
call_end(const struct line *l)
{
	return line_now(l) + l->call_ns + l->call_max_ns +
	       GRACE_S * UINT64_C(1000000000);
}

/* What opening and asking took counts as well: all of it is the call. */
uint64_t
call_left(const struct line *l, const struct turn *t)
{
	const uint64_t spent = line_now(l) - t->since;

	return spent + 1000000 < l->call_ns ? l->call_ns - spent : 1000000;
}

/* It was not sent, and here is why. */
static void
unsent(struct line *l, struct leg *g, unsigned status, const char *why)
{
	g->status = status;
	note_words(&g->why, str_of(why));
	leg_done(l, g);
}

static void
send_call(struct line *l, struct leg *g, struct jv params)
{
	struct turn *t = g->turn;
	const struct session *s = t->session;
	const struct jv caps =
	    task_caps_now(l, t, s != NULL ? jv_of(s->caps) : t->caps);
	const struct jv info = s != NULL ? jv_of(s->info) : t->info;
	const struct str level = s != NULL ? s->level : t->level;
	struct msg m = msg_of(MSG_UP_CALL);

	g->tasks = task_between(t, g->hop);
	params = task_params(l, g, params);
	if (t->stated)
		params = plan_stripped(t, params);
	if (arena_spent(t->mem)) { /* a part of it is missing */
		unsent(l, g, 413, "the call is too large");
		return;
	}
	msg_set(&m, F_CALL, g->id);
	msg_set(&m, F_HOP, g->hop->id);
	msg_set(&m, F_METHOD, t->method);
	msg_set_text(&m, F_NAME, t->method_text);
	/* A result is waited for as long as its task may last. */
	msg_set(&m, F_TIME,
	    t->method == MCP_TASKS_RESULT ? l->call_max_ns : call_left(l, t));
	msg_set(&m, F_FLAGS, t->progress ? MF_PROGRESS : 0);
	if (jv_type(params) != J_NONE)
		msg_set_tree(&m, F_PARAMS, params);
	if (g->hop->era == MCP_MODERN) {
		if (jv_type(caps) != J_NONE)
			msg_set_tree(&m, F_CAPS, caps);
		if (jv_type(info) != J_NONE)
			msg_set_tree(&m, F_INFO, info);
		if (level.n > 0)
			msg_set_text(&m, F_TEXT, level);
	}
	set_heads(l, t, g, &m);
	g->state = LEG_SENT;
	g->era = g->hop->era;
	if (l->port.back(l->port.arg, g->hop->up->index, &m) == OK) {
		budget_sent(l, t);
		t->sent = true;
		return;
	}
	unsent(l, g, 502, "the upstream's process is not there");
}

static const char *
needed_cap(enum mcp_method m)
{
	if (m == MCP_TOOLS_LIST)
		return "tools";
	if (m == MCP_PROMPTS_LIST)
		return "prompts";
	if (m == MCP_RESOURCES_LIST || m == MCP_TEMPLATES_LIST)
		return "resources";
	if (m == MCP_TASKS_LIST)
		return "tasks";
	return m == MCP_SET_LEVEL ? "logging" : NULL;
}

static void
hop_open(struct line *l, struct leg *g)
{
	struct hop *h = g->hop;
	const struct turn *t = g->turn;
	const struct session *s = h->session; /* what was said once, counts */
	const struct jv caps = s != NULL ? jv_of(s->caps) : t->caps;
	const struct jv info = s != NULL ? jv_of(s->info) : t->info;
	struct msg m = msg_of(MSG_HOP_OPEN);

	msg_set(&m, F_HOP, h->id);
	msg_set(&m, F_WHERE, h->up->index);
	if (h->principal != NULL)
		msg_set_text(&m, F_NAME, h->principal->name);
	if (jv_type(caps) != J_NONE)
		msg_set_tree(&m, F_CAPS, caps);
	if (jv_type(info) != J_NONE)
		msg_set_tree(&m, F_INFO, info);
	msg_set_text(&m, F_VERSION,
	    s != NULL ? mcp_version_text(s->version) : MCP_MODERN_VERSION);
	h->state = HOP_OPENING;
	h->since = line_now(l);
	if (l->port.back(l->port.arg, h->up->index, &m) != OK)
		hop_end(l, h, false, "the upstream's process is not there");
}

void
leg_go(struct line *l, struct leg *g)
{
	struct turn *t = g->turn;
	const char *cap;

	if (g->hop->state == HOP_OPENING)
		return;
	if (g->hop->state == HOP_NEW) {
		hop_open(l, g);
		return;
	}
	if ((t->method == MCP_SUBSCRIBE || t->method == MCP_UNSUBSCRIBE) &&
	    g->hop->era == MCP_MODERN && t->session != NULL) {
		g->is_error = !listen_uri(
		    l, t->session, g->hop, t->name, t->method == MCP_SUBSCRIBE);
		if (g->is_error)
			mcp_error_tape(&g->out, MCP_E_BUSY,
			    STR("too many subscriptions"), (struct jv){ 0 });
		else
			tape_end(&g->out, tape_obj(&g->out), 0);
		leg_done(l, g);
		return;
	}
	if (g->learning) {
		catalogue_ask(l, g);
		return;
	}
	cap = needed_cap(t->method);
	if (t->method == MCP_INITIALIZE || t->method == MCP_DISCOVER ||
	    t->method == MCP_LISTEN ||
	    (cap != NULL &&
		(t->endpoint->aggregate || t->method == MCP_SET_LEVEL) &&
		(!hop_cap(g->hop, cap) || (t->method == MCP_SET_LEVEL &&
					      g->hop->era == MCP_MODERN))) ||
	    task_lost(l, g)) {
		leg_done(l, g);
		return;
	}
	send_call(l, g, local_params(l, t));
}

static bool
next_page(struct line *l, struct leg *g)
{
	const struct mcp_row *row = mcp_row(g->turn->method);
	const struct jv r = jv_of(buf_view(&g->out));
	struct jit it = jit_of(r);
	struct jv v;

	if (!g->turn->endpoint->aggregate || !(row->flags & M_LIST) ||
	    g->is_error || g->status != 0 ||
	    !jv_is(jv_get(r, STR("nextCursor")), J_STR) ||
	    ++g->pages >= PAGES_MAX)
		return false;
	while (jit_next(&it, NULL, &v)) {
		struct jit in = jit_of(v);
		struct jv item;

		while (jv_is(v, J_ARR) && jit_next(&in, NULL, &item)) {
			tape_copy(&g->all, item);
			g->all_n++;
		}
	}
	g->turn->since = line_now(l); /* it lives */
	send_call(l, g, page_params(l, g));
	return true;
}

/* A server's own error passes, but it cannot speak with our voice. */
static void
put_error(struct buf *b, struct jv e)
{
	int64_t code = 0;

	if (jv_i64(jv_get(e, STR("code")), &code) == OK &&
	    code <= MCP_E_DENIED && code >= MCP_E_STATE)
		mcp_error_tape(b, MCP_E_UPSTREAM,
		    jv_str(jv_get(e, STR("message"))), (struct jv){ 0 });
	else
		buf_str(b, jv_bytes(e));
}

/* What came is no answer, or no list. */
static void
failure_of(struct line *l, const struct leg *g, bool error)
{
	const bool list =
	    g->learning || (mcp_row(g->turn->method)->flags & M_LIST) != 0;

	if (list && (error || g->status != 0))
		list_failed(l, g,
		    g->status != 0 ? g->why.text
				   : "the server answered with an error");
	else if (g->status != 0)
		upstream_failed(l, g->hop->up, g->why.text,
		    "the call failed; it may have been carried out");
}

void
leg_answer(struct line *l, const struct msg *m)
{
	struct leg *g = slab_get(&l->legs, msg_num(m, F_CALL));

	if (g == NULL || g->state != LEG_SENT)
		return;	       /* cancelled: a late answer is dropped */
	if (g->turn == NULL) { /* our own subscription has ended */
		g->state = LEG_DONE;
		leg_drop(l, g);
		return;
	}
	if (msg_num(m, F_STATUS) != 0) {
		g->status = msg_num(m, F_STATUS) == 504 ? 504 : 502;
		count(CNT_UPSTREAM_FAIL);
		note_words(&g->why, msg_text(m, F_TEXT));
	}
	if (g->status == 0 &&
	    (g->learning || g->turn->method == MCP_TOOLS_LIST))
		tools_came(l, g, m);
	failure_of(l, g, msg_has(m, F_ERROR));
	if (g->learning) {
		if (g->status == 0)
			catalogue_came(l, g, m);
		else
			leg_done(l, g);
		return;
	}
	g->is_error = msg_has(m, F_ERROR);
	buf_clear(&g->out);
	if (g->is_error)
		put_error(&g->out, msg_tree(m, F_ERROR));
	else
		buf_str(&g->out, jv_bytes(msg_tree(m, F_RESULT)));
	if (g->status == 0 && g->out.n == 0) {
		g->status = 502;
		note_set(&g->why, "the upstream answered nothing");
	}
	if (!next_page(l, g))
		leg_done(l, g);
}

enum err
hops_full(struct turn *t, const struct upstream *u)
{
	return turn_fail(t, 429, MCP_E_BUSY,
	    "too many sessions at %.*s are in use", STR_ARG(u->name));
}

enum err
step_dispatch(struct line *l, struct turn *t)
{
	if (t->method == MCP_PING)
		return OK;
	if (t->retry_of != 0)
		return bridge_retry(l, t);
	if (t->own)
		return own_call(l, t);
	if (t->method == MCP_SET_LEVEL && t->session != NULL) {
		drop(&t->session->level);
		t->session->level =
		    str_keep(jv_str(jv_get(t->params, STR("level"))));
	}
	if (t->method == MCP_INITIALIZE)
		TRY(session_new(l, t));
	else if (t->session != NULL && !t->stdio)
		stream_prime(l, t->session, t);
	t->pending = 1; /* ours, so that no leg resumes the turn from here */
	t->until = call_end(l);
	for (size_t i = 0; i < t->target_n; i++) {
		struct hop *h = hop_for(l, t, t->target[i]);

		if (h == NULL)
			return hops_full(t, t->target[i]);
		leg_go(l, leg_new(l, t, h));
	}
	return --t->pending == 0 ? OK : ERR_MORE;
}
