/* line: the door.  Which file takes which message is the table below. */
#include "line/budget-in.h"
#include "line/commit-in.h"

static uint64_t
limit(const struct line *l, const char *key, uint64_t fallback)
{
	int64_t v;

	if (jv_i64(jv_get(jv_get(l->image, STR("limits")), str_of(key)), &v) !=
		OK ||
	    v < 0)
		return fallback;
	return (uint64_t)v;
}

/* A cell knows no other's sessions, so each has its part, rounded up. */
static uint64_t
part(const struct line *l, uint64_t of_all)
{
	return (of_all + l->cells - 1) / l->cells;
}

static void
read_limits(struct line *l)
{
	const struct jv d = jv_get(l->image, STR("durability"));
	const struct jv a = jv_get(l->image, STR("answers"));
	int64_t cells;

	if (jv_i64(jv_get(l->image, STR("cells")), &cells) != OK || cells < 1)
		cells = 1;
	l->cells = (unsigned)cells;
	l->plans = jv_true(jv_get(l->image, STR("plans")));
	l->batch = str_eq(jv_str(d), STR("batch"));
	l->answers_durable = str_eq(jv_str(a), STR("durable"));
	l->max_body = limit(l, "body", 4U << 20);
	l->max_sessions = limit(l, "sessions", 1000);
	l->own_sessions = part(l, limit(l, "principal_sessions", 1024));
	l->max_inflight = limit(l, "inflight", 256);
	l->rate = limit(l, "rate", 0);
	l->call_ns = limit(l, "call_ms", 60000) * 1000000;
	l->call_max_ns = limit(l, "call_max_ms", 600000) * 1000000;
	l->session_idle_ns = limit(l, "session_idle_ms", 1800000) * 1000000;
	l->max_replay = limit(l, "replay", 256);
	l->max_refusals = limit(l, "refusals", 100);
	l->max_tasks = limit(l, "tasks", 64);
	l->budget_ns = limit(l, "budget_ms", 1000) * 1000000;
	l->task_ms = limit(l, "task_ttl_ms", 3600000);
}

/* Who has no credential any more is told nothing more either. */
static void
end_unknown(struct line *l)
{
	void *v;

	for (size_t at = 0; map_next(l->sessions, &at, NULL, &v);)
		if (!((struct session *)v)->principal->known) {
			session_end(l, v, "the credential is withdrawn");
			at = 0;
		}
	for (uint32_t i = 0; i < l->turns.n; i++) {
		struct turn *t = l->turns.at[i].p;

		if (t != NULL && t->principal != NULL && !t->principal->known)
			turn_cancel(l, t, "the credential is withdrawn");
	}
}

enum err
line_image(struct line *l, struct jv image, struct note *why)
{
	struct policy *p;

	const struct jv old = l->image;
	enum err e;

	TRY(policy_new(image, &p, why));
	l->image = image;
	read_limits(l);
	e = facts_setup(l, p, why);
	if (!e)
		e = admit_setup(l, why);
	if (!e)
		e = budget_setup(l, why);
	if (!e)
		e = boundary_setup(l, why);
	if (e != OK) { /* a broken image changes nothing */
		l->image = old;
		read_limits(l);
		policy_free(p);
		return e;
	}
	l->work.max = l->work2.max = WORK_MAX;
	policy_free(l->policy);
	l->policy = p;
	l->policy_digest = jv_str(jv_get(image, STR("policy_digest")));
	l->policy_told = false;
	map_free(l->reported);
	l->reported = map_new(0);
	record_boundary(l);
	commit_setup(l);
	record_policy(l);
	end_unknown(l);
	if (l->tasks != NULL)
		tasks_tick(l, false);
	return OK;
}

enum err
line_new(struct jv image, unsigned cell, const struct line_ports *ports,
    struct line **out, struct note *why)
{
	struct line *l = mem_get(sizeof(*l));
	enum err e;

	l->cell = cell;
	l->port = *ports;
	l->sessions = map_new(0);
	l->hops = map_new(0);
	l->refs = map_new(0);
	l->tasks = map_new(0);
	l->reported = map_new(0);
	l->rec.max = 1 << 20;
	own_setup(l);
	e = line_image(l, image, why);
	if (e == OK)
		e = route_setup(l, why);
	if (e != OK) {
		line_free(l);
		return e;
	}
	*out = l;
	return OK;
}

static void
free_pools(struct line *l)
{
	while (l->turn_free != NULL) {
		struct turn *t = l->turn_free;

		l->turn_free = t->free_next;
		arena_free(t->mem);
		buf_done(&t->out);
		buf_done(&t->inputs);
		mem_free(t);
	}
	while (l->leg_free != NULL) {
		struct leg *g = l->leg_free;

		l->leg_free = g->next;
		buf_done(&g->out);
		buf_done(&g->all);
		mem_free(g);
	}
}

void
line_free(struct line *l)
{
	if (l == NULL)
		return;
	if (l->names != NULL)
		record_folded(l);
	record_lost(l);
	for (uint32_t i = 0; i < l->turns.n; i++)
		if (l->turns.at[i].p != NULL)
			turn_over(l, l->turns.at[i].p);
	for (size_t at = 0;;) {
		void *v;

		at = 0;
		if (!map_next(l->sessions, &at, NULL, &v))
			break;
		session_end(l, v, "the line ends");
	}
	for (size_t at = 0;;) {
		void *v;

		at = 0;
		if (!map_next(l->hops, &at, NULL, &v))
			break;
		hop_end(l, v, false, "the line ends");
	}
	tasks_tick(l, true);
	free_pools(l);
	map_free(l->tasks);
	map_free(l->sessions);
	map_free(l->hops);
	map_free(l->refs);
	policy_free(l->policy);
	route_done(l);
	own_done(l);
	budget_done(l);
	admit_done(l);
	slab_done(&l->turns);
	slab_done(&l->legs);
	slab_done(&l->hop_ids);
	buf_done(&l->rec);
	buf_done(&l->work);
	buf_done(&l->work2);
	commit_done(l);
	facts_done(l);
	map_free(l->reported);
	mem_free(l);
}

static void
gone(struct line *l, unsigned front, const struct msg *m)
{
	const uint64_t ref = msg_num(m, F_REF);
	size_t at = 0;
	void *v;

	turn_gone(l, front, ref);
	while (map_next(l->sessions, &at, NULL, &v)) {
		struct session *s = v;

		if (s->has_stream && !s->stdio && s->front == front &&
		    s->stream_ref == ref)
			s->has_stream = false;
	}
}

/* A front refused a malformed message by itself. */
static void
refused(struct line *l, unsigned front, const struct msg *m)
{
	struct principal *p = principal_of(l, m);
	struct note text, words;
	struct fact f = { .kind = "refusal", .verdict = "deny" };

	(void)front;
	if (msg_num(m, F_STATUS) == 0) { /* of TLS: there was no request */
		note_words(&words, msg_text(m, F_TEXT));
		credential_refused(l, KNOCK_TLS, words.text);
		return;
	}
	if (record_folds(l, p))
		return;
	note_set(&text, "%u %.*s", (unsigned)msg_num(m, F_STATUS),
	    STR_ARG(msg_text(m, F_TEXT)));
	note_words(&words, str_of(text.text));
	f.reason = words.text;
	if (p != NULL)
		f.principal = p->name;
	(void)record_fact(l, &f);
}

static const struct from_front {
	enum msg_kind kind;
	void (*take)(struct line *l, unsigned front, const struct msg *m);
} from_front[] = {
	{ MSG_REQUEST, turn_start },
	{ MSG_NOTICE, session_notice },
	{ MSG_REPLY, agent_reply },
	{ MSG_STREAM, session_stream },
	{ MSG_CLOSE, session_close },
	{ MSG_GONE, gone },
	{ MSG_REFUSED, refused },
};

void
line_from_front(struct line *l, unsigned front, const struct msg *m)
{
	for (size_t i = 0; i < countof(from_front); i++)
		if (from_front[i].kind == m->kind)
			from_front[i].take(l, front, m);
}

static void
hop_lost(struct line *l, const struct msg *m)
{
	struct hop *h = slab_get(&l->hop_ids, msg_num(m, F_HOP));
	struct note why;

	if (h == NULL)
		return;
	note_words(&why, msg_text(m, F_TEXT));
	upstream_failed(l, h->up, why.text,
	    "its session ended; calls under way may have been carried out");
	hop_end(l, h, false, why.text);
}

static const struct from_back {
	enum msg_kind kind;
	void (*take)(struct line *l, const struct msg *m);
} from_back[] = {
	{ MSG_UP_ANSWER, leg_answer },
	{ MSG_UP_EVENT, up_event },
	{ MSG_HOP_OPENED, hop_opened },
	{ MSG_HOP_LOST, hop_lost },
};

/* A back may only speak of its own hops and legs. */
static bool
own(struct line *l, unsigned upstream, const struct msg *m)
{
	const struct hop *h = NULL;
	const struct leg *g;

	if (msg_has(m, F_HOP))
		h = slab_get(&l->hop_ids, msg_num(m, F_HOP));
	if (msg_has(m, F_CALL)) {
		g = slab_get(&l->legs, msg_num(m, F_CALL));
		if (g == NULL || g->hop == NULL)
			return !msg_has(m, F_HOP) ||
			       (h != NULL && h->up->index == upstream);
		if (h != NULL && g->hop != h)
			return false;
		h = g->hop;
	}
	return h != NULL && h->up->index == upstream;
}

void
line_from_back(struct line *l, unsigned upstream, const struct msg *m)
{
	if (!own(l, upstream, m))
		return;
	for (size_t i = 0; i < countof(from_back); i++)
		if (from_back[i].kind == m->kind)
			from_back[i].take(l, m);
}

void
line_from_ledger(struct line *l, const struct msg *m)
{
	if (m->kind == MSG_RECORDED)
		record_ack(l, m);
}

void
line_from_keys(struct line *l, const struct msg *m)
{
	if (m->kind == MSG_SEALED || m->kind == MSG_UNSEALED)
		seal_came(l, m);
}

void
line_from_desk(struct line *l, const struct msg *m)
{
	if (m->kind == MSG_ASK)
		evaluations_ask(l, m);
}

void
line_desk_lost(struct line *l)
{
	evaluations_drop(l, false); /* its next one counts from one again */
}

void
line_from_budget(struct line *l, const struct msg *m)
{
	if (m->kind == MSG_RESERVED)
		reserved(l, m);
}

void
line_budget_lost(struct line *l)
{
	budget_lost(l);
}

void
line_front_lost(struct line *l, unsigned front)
{
	for (uint32_t i = 0; i < l->turns.n; i++) {
		struct turn *t = l->turns.at[i].p;

		if (t != NULL && t->attached && t->front == front)
			turn_gone(l, front, t->ref);
	}
	for (size_t at = 0;;) {
		void *v;

		if (!map_next(l->sessions, &at, NULL, &v))
			break;
		if (((struct session *)v)->front != front)
			continue;
		((struct session *)v)->has_stream = false;
		if (((struct session *)v)->stdio) {
			session_end(l, v, "the agent is gone");
			at = 0;
		}
	}
}

void
line_back_lost(struct line *l, unsigned upstream)
{
	for (size_t at = 0;;) {
		void *v;

		if (!map_next(l->hops, &at, NULL, &v))
			break;
		if (((struct hop *)v)->up->index == upstream) {
			hop_end(l, v, false,
			    "its process ended: the outcome is unknown");
			at = 0;
		}
	}
}

void
line_ledger_lost(struct line *l)
{
	record_lost(l);
}

bool
line_tick(struct line *l)
{
	const uint64_t now = line_now(l);

	for (uint32_t i = 0; i < l->turns.n; i++) {
		struct turn *t = l->turns.at[i].p;

		if (t != NULL && t->until != 0 && now > t->until)
			turn_late(l, t);
	}
	tasks_tick(l, false);
	record_boundary(l);
	record_policy(l);
	record_folded(l);
	seldom_write(l, false);
	sessions_tick(l);
	return hops_tick(l) || l->reserving > 0;
}

bool
line_hurries(const struct line *l)
{
	return l->reserving > 0;
}

size_t
line_busy(const struct line *l)
{
	size_t n = l->busy;

	for (const struct turn *t = l->listens; t != NULL; t = t->l_next)
		n--; /* they would last for ever */
	return n;
}
