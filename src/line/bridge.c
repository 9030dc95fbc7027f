/*
 * bridge: what a server asks of an agent while it works, in both eras.
 *
 *   legacy server, legacy agent   a request on the agent's stream and a reply
 *   legacy server, modern agent   the call is held; the agent is answered
 *                                 input_required and comes back with a retry
 *   modern server, legacy agent   input_required becomes requests; the call is
 *                                 made again with the replies
 *   modern server, modern agent   passes; requestState is sealed (seal.c)
 *
 * A server may only ask what the agent declared it can do.
 */
#include "line/line-in.h"

static bool
cap_ok(enum mcp_method m, struct jv caps, struct jv params)
{
	const struct mcp_row *row = mcp_row(m);
	const bool url = mcp_cap(caps, "elicitation/url");

	if (row->client_cap == NULL || !mcp_cap(caps, row->client_cap))
		return false;
	if (m == MCP_ELICIT) { /* {} means form (2025-11-25) */
		if (str_eq(jv_str(jv_get(params, STR("mode"))), STR("url")))
			return url;
		return !url || mcp_cap(caps, "elicitation/form");
	}
	return m != MCP_SAMPLING ||
	       !jv_is(jv_get(params, STR("tools")), J_ARR) ||
	       mcp_cap(caps, "sampling/tools");
}

static void
answer_server(struct line *l, const struct hop *h, struct jv id,
    struct jv result, struct jv error)
{
	struct msg m = msg_of(MSG_UP_REPLY);

	msg_set(&m, F_HOP, h->id);
	msg_set_tree(&m, F_ID, id);
	if (jv_type(error) != J_NONE)
		msg_set_tree(&m, F_ERROR, error);
	else
		msg_set_tree(&m, F_RESULT, result);
	(void)l->port.back(l->port.arg, h->up->index, &m);
}

static void
refuse_with(struct line *l, const struct hop *h, const struct msg *m, int code,
    const char *why)
{
	struct buf b = { .max = 4096 };
	const struct fact f = { .kind = "ask",
		.verdict = "deny",
		.reason = why,
		.principal = h->principal->name,
		.server = h->up->name,
		.method = msg_text(m, F_NAME) };

	(void)record_fact(l, &f);
	mcp_error_tape(&b, code, str_of(why), (struct jv){ 0 });
	answer_server(
	    l, h, msg_tree(m, F_ID), (struct jv){ 0 }, jv_of(buf_view(&b)));
	buf_done(&b);
}

static void
refuse_server(
    struct line *l, const struct hop *h, const struct msg *m, const char *why)
{
	refuse_with(l, h, m, MCP_E_METHOD, why);
}

static void
ask_clear(struct ask *a)
{
	drop(&a->id);
	drop(&a->method);
	drop(&a->params);
	*a = (struct ask){ 0 };
}

static bool
ask_send(struct line *l, struct session *s, struct ask *a)
{
	struct turn *t = a->turn == 0 ? NULL : slab_get(&l->turns, a->turn);
	struct buf id = { .max = 64 };
	struct msg m = msg_of(MSG_EVENT);

	tape_i64(&id, (int64_t)a->no);
	msg_set_text(&m, F_NAME, a->method);
	msg_set(&m, F_FLAGS, MF_REQUEST);
	msg_set_text(&m, F_ID, buf_view(&id));
	if (a->params.n > 0)
		msg_set_text(&m, F_PARAMS, a->params);
	msg_set(&m, F_REF, 0);
	a->sent = s->ready && session_event(l, s, t, &m);
	buf_done(&id);
	return a->sent;
}

/* Whatever could not be sent before a stream was there. */
void
asks_flush(struct line *l, struct session *s)
{
	for (size_t i = 0; i < countof(s->ask); i++)
		if (s->ask[i].no != 0 && !s->ask[i].sent)
			(void)ask_send(l, s, &s->ask[i]);
}

void
asks_drop(struct line *l, const struct hop *h)
{
	struct session *s = h->session;

	(void)l;
	for (size_t i = 0; s != NULL && i < countof(s->ask); i++)
		if (s->ask[i].no != 0 && s->ask[i].hop == h->id)
			ask_clear(&s->ask[i]);
}

/* What was asked for this turn is moot; a question of a legacy server to a
 * legacy agent is not the turn's. */
void
asks_forget(struct turn *t)
{
	struct session *s = t->session;

	for (size_t i = 0; i < countof(t->ask); i++)
		ask_clear(&t->ask[i]);
	for (size_t i = 0; s != NULL && i < countof(s->ask); i++)
		if (s->ask[i].bridged && s->ask[i].turn == t->id)
			ask_clear(&s->ask[i]);
	if (t->asks_open > 0)
		t->sealing = false;
	t->asks_open = 0;
}

/* An agent need not answer what a finished call wanted: its place is free. */
static struct ask *
ask_new(struct line *l, struct ask *at, size_t n, uint64_t *no)
{
	struct ask *a = NULL;

	for (size_t i = 0; i < n && (a == NULL || a->no != 0); i++)
		if (at[i].no == 0 ||
		    (at[i].turn != 0 &&
			slab_get(&l->turns, at[i].turn) == NULL))
			a = &at[i];
	if (a == NULL)
		return NULL;
	ask_clear(a);
	a->no = ++*no;
	return a;
}

static struct turn *
newest_turn(const struct hop *h)
{
	for (const struct leg *g = h->legs; g != NULL; g = g->hop_next)
		if (g->turn != NULL && g->state == LEG_SENT &&
		    !g->turn->listening)
			return g->turn;
	return NULL;
}

static void
ask_fill(struct line *l, struct ask *a, const struct hop *h,
    const struct turn *t, const struct msg *m)
{
	const struct jv p =
	    task_ask_params(l, h->session, mcp_method_of(msg_text(m, F_NAME)),
		msg_tree(m, F_PARAMS), &a->tasked);

	a->hop = h->id;
	a->turn = t == NULL ? 0 : t->id;
	a->id = keep_tape(msg_tree(m, F_ID));
	a->method = str_keep(msg_text(m, F_NAME));
	a->params = keep_tape(task_down(l, h, p));
}

/* Modern servers answer input_required and never ask (N9); a modern agent is
 * asked by holding a call that may be answered so (N10). */
static bool
askable(const struct hop *h, const struct turn *t)
{
	if (h->era == MCP_MODERN)
		return false;
	if (h->session != NULL)
		return true;
	return t != NULL && !t->listening &&
	       (mcp_row(t->method)->flags & M_MRTR) != 0;
}

static bool
is_task_ask(enum mcp_method m)
{
	return task_method(m) || m == MCP_TASKS_LIST;
}

/* What was declared, and of tasks what was made for this server. */
static bool
ask_ok(struct line *l, const struct hop *h, const struct turn *t,
    const struct msg *m)
{
	const enum mcp_method method = mcp_method_of(msg_text(m, F_NAME));
	const struct session *s = h->session;
	const struct wants w = { h->principal, h->up };
	const char *why = NULL;
	struct note model;

	if (!askable(h, t))
		why = "the agent did not declare this";
	else if (is_task_ask(method))
		why = task_ask(s, h, method, msg_tree(m, F_PARAMS));
	else if (!cap_ok(method, s != NULL ? jv_of(s->caps) : t->caps,
		     msg_tree(m, F_PARAMS)))
		why = "the agent did not declare this";
	else if (method == MCP_SAMPLING &&
		 !models_ok(l, &w, msg_tree(m, F_PARAMS), &model))
		why = model.text;
	if (why == NULL)
		return true;
	refuse_with(l, h, m,
	    str_eq(str_of(why), STR("no such task")) ? MCP_E_PARAMS
						     : MCP_E_METHOD,
	    why);
	return false;
}

static void
server_asks(struct line *l, struct hop *h, struct leg *g, const struct msg *m)
{
	const enum mcp_method method = mcp_method_of(msg_text(m, F_NAME));
	struct session *s = h->session;
	struct turn *t = g != NULL ? g->turn : NULL;
	struct fact f = { .kind = "ask",
		.verdict = "allow",
		.principal = h->principal->name,
		.server = h->up->name,
		.method = msg_text(m, F_NAME) };
	uint64_t no = 0;
	struct ask *a;

	if (t == NULL && s == NULL)
		t = newest_turn(h);
	if (method == MCP_PING) {
		struct buf b = { .max = 64 };

		tape_end(&b, tape_obj(&b), 0);
		answer_server(l, h, msg_tree(m, F_ID), jv_of(buf_view(&b)),
		    (struct jv){ 0 });
		buf_done(&b);
		return;
	}
	if (!ask_ok(l, h, t, m))
		return;
	if (msg_text(m, F_PARAMS).n > l->max_body ||
	    msg_text(m, F_ID).n > ASK_ID_MAX) {
		refuse_server(l, h, m, "the question is too large");
		return;
	}
	if (!record_fact(l, &f)) {
		refuse_server(l, h, m, "it cannot be recorded");
		return;
	}
	a = s != NULL ? ask_new(l, s->ask, countof(s->ask), &s->ask_no)
		      : ask_new(l, t->ask, countof(t->ask), &no);
	if (a == NULL) {
		refuse_server(l, h, m, "too many questions at once");
		return;
	}
	ask_fill(l, a, h, t, m);
	if (s != NULL) {
		(void)ask_send(l, s, a);
		return;
	}
	a->no = (uint64_t)(a - t->ask) + 1;
	t->asks_open++;
	seal_hold(l, t);
}

/* The server no longer wants an answer to its own request. */
static void
server_cancels(struct line *l, struct hop *h, const struct msg *m)
{
	const struct jv id = jv_get(msg_tree(m, F_PARAMS), STR("requestId"));
	struct session *s = h->session;

	for (size_t i = 0; s != NULL && i < countof(s->ask); i++) {
		struct ask *a = &s->ask[i];
		struct buf b = { .max = 128 };
		struct msg e = msg_of(MSG_EVENT);
		size_t o;

		if (a->no == 0 || a->hop != h->id || a->bridged ||
		    !jv_same(jv_of(a->id), id))
			continue;
		o = tape_obj(&b);
		tape_key(&b, STR("requestId"));
		tape_i64(&b, (int64_t)a->no);
		tape_end(&b, o, 1);
		msg_set_text(&e, F_NAME, msg_text(m, F_NAME));
		msg_set_text(&e, F_PARAMS, buf_view(&b));
		msg_set(&e, F_REF, 0);
		if (a->sent)
			(void)session_event(l, s,
			    a->turn ? slab_get(&l->turns, a->turn) : NULL, &e);
		ask_clear(a);
		buf_done(&b);
	}
}

static bool
is_change(enum mcp_method m)
{
	return m == MCP_TOOLS_CHANGED || m == MCP_PROMPTS_CHANGED ||
	       m == MCP_RESOURCES_CHANGED;
}

/* Kept for who takes the stream up again, so it carries its token here. */
static void
session_progress(
    struct line *l, struct session *s, struct turn *t, struct msg *e)
{
	const struct str params = msg_text(e, F_PARAMS);
	struct buf b = { .max = params.n + t->token.n + 128 };

	if (jv_type(t->token) != J_NONE) {
		tape_with(&b, jv_of(params), STR("progressToken"), t->token);
		msg_set_text(e, F_PARAMS, buf_view(&b));
	}
	(void)session_event(l, s, t, e);
	buf_done(&b);
}

static void
server_tells(struct line *l, struct hop *h, struct leg *g, const struct msg *m)
{
	const enum mcp_method method = mcp_method_of(msg_text(m, F_NAME));
	struct turn *t = g != NULL ? g->turn : NULL;
	struct msg e = msg_of(MSG_EVENT);

	if (msg_num(m, F_FLAGS) & MF_STREAM) {
		if (t != NULL)
			stream_mirror(l, t, m);
		return;
	}
	if (method == MCP_CANCELLED) {
		server_cancels(l, h, m);
		return;
	}
	if (method == MCP_LISTEN_ACK || method == MCP_UNKNOWN ||
	    !(mcp_row(method)->flags & M_DOWN))
		return;
	if (method == MCP_PROGRESS && (t == NULL || !t->progress))
		return;
	if (method == MCP_TOOLS_CHANGED)
		h->up->listed = false;
	msg_set(&e, F_REF, 0);
	msg_set_text(&e, F_NAME, msg_text(m, F_NAME));
	if (msg_has(m, F_PARAMS))
		msg_set_tree(&e, F_PARAMS, msg_tree(m, F_PARAMS));
	if (h->session != NULL) {
		const struct jv p = msg_tree(m, F_PARAMS);

		/* Before initialized an agent has no list that could change. */
		if (!h->session->ready && is_change(method))
			return;
		if ((mcp_row(method)->flags & ML) == 0 ||
		    !told(l, h->session->endpoint, h, method, p))
			return;
		if (method == MCP_TASK_STATUS) {
			if (!task_status(l, h, p))
				return; /* not this agent's */
			msg_set_text(&e, F_PARAMS, buf_view(&l->work2));
		} else if (msg_has(m, F_PARAMS)) {
			msg_set_tree(&e, F_PARAMS, task_down(l, h, p));
		}
		if (method == MCP_PROGRESS)
			session_progress(l, h->session, t, &e);
		else
			(void)session_event(l, h->session,
			    method == MCP_MESSAGE ? t : NULL, &e);
		return;
	}
	if (method == MCP_TASK_EVENT) {
		listen_task(l, h, msg_text(m, F_NAME), msg_tree(m, F_PARAMS));
		return;
	}
	if (method != MCP_PROGRESS && method != MCP_MESSAGE) {
		listen_event(
		    l, h, method, msg_text(m, F_NAME), msg_tree(m, F_PARAMS));
		return;
	}
	if (t == NULL)
		t = newest_turn(h);
	if (t == NULL || !t->attached || t->listening ||
	    (method == MCP_MESSAGE && t->level.n == 0))
		return; /* no log message without being asked (2026-07-28) */
	msg_set(&e, F_REF, t->ref);
	(void)l->port.front(l->port.arg, t->front, &e);
}

void
up_event(struct line *l, const struct msg *m)
{
	struct hop *h = slab_get(&l->hop_ids, msg_num(m, F_HOP));
	struct leg *g =
	    msg_has(m, F_CALL) ? slab_get(&l->legs, msg_num(m, F_CALL)) : NULL;

	if (h == NULL || (g != NULL && g->hop != h) ||
	    (msg_has(m, F_PARAMS) && !jv_is(msg_tree(m, F_PARAMS), J_OBJ)))
		return;
	if (msg_num(m, F_FLAGS) & MF_REQUEST)
		server_asks(l, h, g, m);
	else
		server_tells(l, h, g, m);
}

/* ---- legacy agent, modern server ---- */

/* The call once more, with what the server gave and asked for this time and
 * nothing of an earlier round. */
static void
again_with(struct line *l, struct turn *t, struct jv inputs, struct jv state)
{
	struct buf b = { .max = t->inputs.max };
	struct jit it = jit_of(t->params);
	const size_t o = tape_obj(&b);
	size_t n = 0;
	struct str k;
	struct jv v;

	while (jit_next(&it, &k, &v)) {
		if (str_eq(k, STR("inputResponses")) ||
		    str_eq(k, STR("requestState")))
			continue;
		tape_key(&b, k);
		tape_copy(&b, v);
		n++;
	}
	if (jv_is(inputs, J_OBJ)) {
		tape_key(&b, STR("inputResponses"));
		tape_copy(&b, inputs);
		n++;
	}
	if (jv_is(state, J_STR)) {
		tape_key(&b, STR("requestState"));
		tape_copy(&b, state);
		n++;
	}
	tape_end(&b, o, n);
	t->params = jv_of(arena_str(t->mem, buf_view(&b)));
	buf_done(&b);
	turn_again(l, t);
}

static void
input_came(
    struct line *l, struct turn *t, const struct ask *a, const struct msg *m)
{
	const struct jv state =
	    jv_get(jv_of(buf_view(&t->legs->out)), STR("requestState"));
	struct buf r = { .max = t->inputs.max };
	size_t o;

	tape_key(&t->inputs, a->id);
	tape_copy(&t->inputs, msg_tree(m, F_RESULT));
	t->inputs_n++;
	if (--t->asks_open > 0)
		return;
	o = tape_obj(&r);
	buf_str(&r, buf_view(&t->inputs));
	tape_end(&r, o, t->inputs_n);
	buf_clear(&t->inputs);
	t->inputs_n = 0;
	again_with(l, t, jv_of(buf_view(&r)), state);
	buf_done(&r);
}

/* input_required of a modern server becomes requests to a legacy agent. */
enum err
bridge_inputs(struct line *l, struct turn *t, struct leg *g)
{
	const struct jv r = jv_of(buf_view(&g->out));
	struct jit it = jit_of(jv_get(r, STR("inputRequests")));
	struct session *s = t->session;
	struct str key;
	struct jv v;

	if (s == NULL)
		return turn_fail(t, 502, MCP_E_UPSTREAM,
		    "the server wants inputs, and nobody can give them");
	if (jv_count(jv_get(r, STR("inputRequests"))) == 0) {
		if (++t->rounds > ROUNDS_MAX)
			return turn_fail(t, 502, MCP_E_UPSTREAM,
			    "the server wants to be asked without end");
		again_with(l, t, (struct jv){ NULL, 0 },
		    jv_get(r, STR("requestState")));
		return ERR_MORE;
	}
	t->asks_open = 0;
	while (jit_next(&it, &key, &v)) {
		const struct str name = jv_str(jv_get(v, STR("method")));
		const struct jv params = jv_get(v, STR("params"));
		struct ask *a;

		if (!cap_ok(mcp_method_of(name), jv_of(s->caps), params) ||
		    (a = ask_new(l, s->ask, countof(s->ask), &s->ask_no)) ==
			NULL)
			return turn_fail(t, 502, MCP_E_UPSTREAM,
			    "the server asks what the agent cannot give");
		a->bridged = true;
		a->turn = t->id;
		a->id = str_keep(key);
		a->method = str_keep(name);
		a->params = keep_tape(params);
		t->asks_open++;
	}
	asks_flush(l, s);
	t->until = line_now(l) + HELD_S * UINT64_C(1000000000);
	return ERR_MORE;
}

static bool
bridged_reply(struct line *l, struct ask *a, const struct msg *m)
{
	struct turn *t = slab_get(&l->turns, a->turn);

	if (t == NULL || t->dead || t->asks_open == 0 || t->legs == NULL)
		return false;
	if (msg_has(m, F_RESULT)) {
		input_came(l, t, a, m);
		return true;
	}
	(void)turn_fail(t, 0, MCP_E_STATE, "the agent refused an input");
	turn_resume(l, t, ERR_DENIED);
	return true;
}

/* An agent's answer to a server's request. */
void
agent_reply(struct line *l, unsigned front, const struct msg *m)
{
	struct session *s = session_checked(l, front, m);
	struct fact f = { .kind = "reply", .verdict = "allow" };
	int64_t no;

	if (s == NULL)
		return;
	f.principal = s->principal->name;
	if (jv_i64(msg_tree(m, F_ID), &no) != OK)
		no = 0;
	for (size_t i = 0; no > 0 && i < countof(s->ask); i++) {
		struct ask a = s->ask[i];
		struct hop *h;

		if (a.no != (uint64_t)no || !a.sent)
			continue;
		f.method = a.method;
		if (!record_fact(l, &f)) {
			if (msg_has(m, F_REF))
				refuse_ref(l, front, msg_num(m, F_REF), 503,
				    MCP_E_LEDGER, "it cannot be recorded");
			return;
		}
		s->ask[i] = (struct ask){ 0 };
		h = slab_get(&l->hop_ids, a.hop);
		if (a.bridged)
			(void)bridged_reply(l, &a, m);
		else if (h != NULL)
			answer_server(l, h, jv_of(a.id),
			    task_up(l, s, h, &a, msg_tree(m, F_RESULT)),
			    msg_tree(m, F_ERROR));
		ask_clear(&a);
		break;
	}
	if (msg_has(m, F_REF))
		accepted(l, front, msg_num(m, F_REF), 202);
}
