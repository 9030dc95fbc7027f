/*
 * session: what a legacy agent and we remember of each other.  The id is ours,
 * random, and carries the number of its cell so that any front can route to
 * it; it is bound to the principal and the endpoint that opened it.
 */
#include "line/line-in.h"

void
accepted(struct line *l, unsigned front, uint64_t ref, unsigned status)
{
	struct msg m = msg_of(MSG_ACCEPTED);

	msg_set(&m, F_REF, ref);
	msg_set(&m, F_STATUS, status);
	(void)l->port.front(l->port.arg, front, &m);
}

void
refuse_ref(struct line *l, unsigned front, uint64_t ref, unsigned status,
    int code, const char *text)
{
	struct buf b = { .max = 4096 };
	struct msg m = msg_of(MSG_ANSWER);

	mcp_error_tape(&b, code, str_of(text), (struct jv){ 0 });
	msg_set(&m, F_REF, ref);
	msg_set(&m, F_STATUS, status);
	msg_set(&m, F_FLAGS, MF_FINAL);
	msg_set_text(&m, F_ERROR, buf_view(&b));
	(void)l->port.front(l->port.arg, front, &m);
	buf_done(&b);
}

static struct str
make_id(const struct line *l, bool stdio, unsigned front, struct buf *b)
{
	unsigned char raw[16];

	buf_clear(b);
	if (stdio) {
		buf_fmt(b, "stdio-%u", front);
		return buf_view(b);
	}
	l->port.random(raw, sizeof(raw));
	buf_dec(b, l->cell);
	buf_ch(b, '-');
	buf_hex(b, (struct str){ (char *)raw, sizeof(raw) });
	return buf_view(b);
}

/* One principal's sessions must not be the end of the others'. */
enum err
session_room(const struct line *l, struct turn *t)
{
	if (map_count(l->sessions) >= l->max_sessions)
		return turn_fail(
		    t, 503, MCP_E_BUSY, "too many sessions are open");
	if (t->principal->sessions >= l->own_sessions)
		return turn_fail(t, 429, MCP_E_BUSY,
		    "too many sessions of this principal are open");
	return OK;
}

/* A stdio agent's place is taken again by the next; the decision that opened
 * the session is nobody else's. */
static struct str
label_of(const struct turn *t, struct str id)
{
	char text[64];
	int n;

	if (!t->stdio)
		return str_keep(id);
	n = snprintf(text, sizeof(text), "%.*s-%llu", STR_ARG(id),
	    (unsigned long long)t->decision);
	return str_keep((struct str){ text, (size_t)n });
}

enum err
session_new(struct line *l, struct turn *t)
{
	struct session *s;
	const struct str id = make_id(l, t->stdio, t->front, &l->work);
	int v = mcp_version(jv_str(jv_get(t->params, STR("protocolVersion"))));

	if (map_get(l->sessions, id) != NULL)
		return turn_fail(t, 400, MCP_E_REQUEST, "already initialized");
	TRY(session_room(l, t)); /* others came while this was recorded */
	if (v < 0 || v >= MCP_V_2026_07_28)
		v = MCP_V_2025_11_25;
	s = mem_get(sizeof(*s));
	s->id = str_keep(id);
	s->label = label_of(t, id);
	s->principal = t->principal;
	s->endpoint = t->endpoint;
	s->front = t->front;
	s->stdio = t->stdio;
	s->has_stream = t->stdio;
	s->version = v;
	s->caps = keep_tape(t->caps);
	s->info = keep_tape(t->info);
	s->used = line_now(l);
	(void)map_put(l->sessions, s->id, s);
	s->principal->sessions++;
	t->session = s;
	s->turns = t;
	count(CNT_SESSIONS);
	return OK;
}

struct session *
session_get(struct line *l, struct str id, bool stdio, unsigned front)
{
	struct session *s;

	if (stdio)
		id = make_id(l, true, front, &l->work);
	s = map_get(l->sessions, id);
	return s == NULL || s->stdio != stdio ? NULL : s;
}

/* Its calls are cancelled, its hops closed; what runs is recorded. */
void
session_end(struct line *l, struct session *s, const char *why)
{
	(void)map_del(l->sessions, s->id);
	s->principal->sessions--;
	while (s->turns != NULL) {
		struct turn *t = s->turns;

		s->turns = t->s_next;
		if (s->turns != NULL)
			s->turns->s_prev = NULL;
		t->session = NULL;
		t->s_next = t->s_prev = NULL;
		turn_cancel(l, t, why);
	}
	for (size_t i = 0; i < l->up_n; i++)
		if (s->hop[i] != NULL)
			hop_end(l, s->hop[i], true, why);
	if (s->has_stream && !s->stdio)
		stream_end(l, s->front, s->stream_ref);
	replay_clear(s);
	for (size_t i = 0; i < countof(s->ask); i++) {
		drop(&s->ask[i].id);
		drop(&s->ask[i].method);
		drop(&s->ask[i].params);
	}
	drop(&s->id);
	drop(&s->label);
	plan_drop(&s->plan);
	drop(&s->caps);
	drop(&s->info);
	drop(&s->level);
	given_done(s);
	map_free(s->subs);
	mem_free(s);
}

/* NULL and answered, when the message may not touch a session. */
struct session *
session_checked(struct line *l, unsigned front, const struct msg *m)
{
	const uint64_t where = msg_num(m, F_WHERE);
	const bool stdio = (msg_num(m, F_FLAGS) & MF_STDIO) != 0;
	const struct str version = msg_text(m, F_VERSION);
	struct principal *p = principal_here(l, m);
	struct session *s =
	    session_get(l, msg_text(m, F_SESSION), stdio, front);
	unsigned status = 0;

	if (p == NULL)
		status = 401;
	else if (msg_text(m, F_SESSION).n == 0 && !stdio)
		status = 400;
	else if (s == NULL || s->principal != p || where >= l->endpoint_n ||
		 s->endpoint != &l->endpoint[where])
		status = 404;
	else if (version.n > 0 && mcp_version(version) != s->version)
		status = 400;
	if (status == 0) {
		s->used = line_now(l);
		return s;
	}
	if (msg_has(m, F_REF))
		refuse_ref(l, front, msg_num(m, F_REF), status,
		    status == 401 ? MCP_E_AUTH : MCP_E_STATE,
		    status == 401   ? "unknown credential"
		    : status == 404 ? "no such session"
				    : "bad session or version header");
	return NULL;
}

/* Which notifications of an agent go on to servers. */
static bool
passes(enum mcp_method m)
{
	return m == MCP_ROOTS_CHANGED;
}

static void
cancelled(struct line *l, struct session *s, const struct msg *m)
{
	const struct jv id = jv_get(msg_tree(m, F_PARAMS), STR("requestId"));
	struct turn *t = turn_by_id(s, id);

	if (t != NULL && t->method != MCP_INITIALIZE)
		turn_cancel(l, t, "cancelled by the agent");
}

/* A modern stdio agent cancels by the request's id. */
static void
modern_notice(struct line *l, unsigned front, const struct msg *m)
{
	const struct jv id = jv_get(msg_tree(m, F_PARAMS), STR("requestId"));
	const struct principal *p = principal_here(l, m);
	size_t at = 0;
	void *v;

	if (p == NULL) {
		if (msg_has(m, F_REF))
			refuse_ref(l, front, msg_num(m, F_REF), 401, MCP_E_AUTH,
			    "unknown credential");
		return;
	}
	if (msg_num(m, F_METHOD) == MCP_CANCELLED &&
	    (msg_num(m, F_FLAGS) & MF_STDIO))
		while (map_next(l->refs, &at, NULL, &v)) {
			struct turn *t = v;

			if (t->stdio && t->front == front &&
			    t->principal == p && t->era == MCP_MODERN &&
			    jv_same(t->id_tape, id)) {
				turn_cancel(l, t, "cancelled by the agent");
				break;
			}
		}
	if (msg_has(m, F_REF))
		accepted(l, front, msg_num(m, F_REF), 202);
}

static void
tell_hop(struct line *l, const struct hop *h, enum mcp_method method,
    const struct msg *m)
{
	struct msg up = msg_of(MSG_UP_NOTICE);

	if (h->era != MCP_LEGACY || h->state != HOP_OPEN)
		return;
	msg_set(&up, F_HOP, h->id);
	msg_set(&up, F_METHOD, method);
	msg_set_text(&up, F_NAME, mcp_row(method)->text);
	if (msg_has(m, F_PARAMS))
		msg_set_tree(&up, F_PARAMS, msg_tree(m, F_PARAMS));
	(void)l->port.back(l->port.arg, h->up->index, &up);
}

void
session_notice(struct line *l, unsigned front, const struct msg *m)
{
	const uint64_t k = msg_num(m, F_METHOD);
	const enum mcp_method method =
	    k < MCP__N ? (enum mcp_method)k : MCP_UNKNOWN;
	struct session *s;
	struct fact f = { .kind = "notice", .verdict = "allow" };

	if (msg_num(m, F_ERA) == MCP_MODERN) {
		modern_notice(l, front, m);
		return;
	}
	s = session_checked(l, front, m);
	if (s == NULL)
		return;
	f.principal = s->principal->name;
	f.method = mcp_row(method)->text;
	if (method == MCP_CANCELLED) {
		cancelled(l, s, m);
	} else if (method == MCP_TASK_STATUS) {
		struct hop *h = task_hop(l, s, msg_tree(m, F_PARAMS));

		if (h != NULL && rate_ok(l, s->principal, 1) &&
		    record_fact(l, &f))
			tell_hop(l, h, method, m);
	} else if (method == MCP_INITIALIZED) {
		s->ready = true;
		asks_flush(l, s);
	} else if (passes(method) && rate_ok(l, s->principal, 1) &&
		   record_fact(l, &f)) {
		for (size_t i = 0; i < l->up_n; i++)
			if (s->hop[i] != NULL)
				tell_hop(l, s->hop[i], method, m);
	}
	if (msg_has(m, F_REF))
		accepted(l, front, msg_num(m, F_REF), 202);
}

/* GET: the session's own stream, or the resumption of any of its streams. */
void
session_stream(struct line *l, unsigned front, const struct msg *m)
{
	struct session *s = session_checked(l, front, m);
	const struct str event = msg_text(m, F_EVENT);
	const uint64_t ref = msg_num(m, F_REF);

	if (s == NULL)
		return;
	if (event.n > 0) {
		if (!replay_from(l, s, event, front, ref))
			refuse_ref(l, front, ref, 404, MCP_E_STATE,
			    "that event is not known any more");
		return;
	}
	if (s->has_stream) /* the newest wins: the old one may be half-open */
		stream_end(l, s->front, s->stream_ref);
	s->has_stream = true;
	s->front = front;
	s->stream_ref = ref;
	stream_prime(l, s, NULL);
	asks_flush(l, s);
}

void
session_close(struct line *l, unsigned front, const struct msg *m)
{
	struct session *s = session_checked(l, front, m);

	if (s == NULL)
		return;
	session_end(l, s, "the agent ended the session");
	accepted(l, front, msg_num(m, F_REF), 200);
}

bool
session_event(
    struct line *l, struct session *s, struct turn *related, struct msg *m)
{
	if (related == NULL && s->has_stream) {
		stream_emit(l, s, NULL, m);
		return true;
	}
	if (related == NULL) /* no stream of its own: the newest request's */
		for (related = s->turns; related != NULL;
		     related = related->s_next)
			if (related->attached && !related->dead)
				break;
	if (related == NULL || related->dead)
		return false;
	stream_emit(l, s, related, m);
	return true;
}

void
sessions_tick(struct line *l)
{
	const uint64_t now = line_now(l);
	struct session *old;
	size_t at;
	void *v;

	do {
		old = NULL;
		for (at = 0; map_next(l->sessions, &at, NULL, &v);) {
			struct session *s = v;

			if (s->turns == NULL && !s->has_stream &&
			    !tasks_open(l, s->principal, NULL, s) &&
			    now - s->used > l->session_idle_ns) {
				old = s;
				break;
			}
		}
		if (old != NULL)
			session_end(l, old, "idle for too long");
	} while (old != NULL);
}
