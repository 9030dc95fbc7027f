/*
 * turn: the table of steps, and how a turn walks it.
 *
 * A step returns OK (next), ERR_MORE (parked: somebody calls turn_resume), or
 * an error.  An error before the decision is recorded becomes a recorded
 * refusal; after it, a recorded outcome; and if recording itself fails, the
 * agent is refused with nothing done.  There is no path to leg_go that does
 * not pass step_record.
 */
#include "line/budget-in.h"

#include <stdarg.h>

static const struct step {
	const char *name;
	enum err (*run)(struct line *l, struct turn *t);
} steps[] = {
	{ "admit", step_admit },
	{ "unseal", step_unseal },
	{ "route", step_route },
	{ "state", step_state },
	{ "learn", step_learn },
	{ "fetch", step_fetch },
	{ "agree", step_agree },
	{ "reserve", step_reserve },
	{ "decide", step_decide },
	{ "record", step_record },
	{ "dispatch", step_dispatch },
	{ "merge", step_merge },
	{ "seal", step_seal },
	{ "outcome", step_outcome },
	{ "reply", step_reply },
};
enum {
	AT_LEARN = 4,
	AT_RESERVE = 7,
	AT_DECIDE = 8,
	AT_RECORD = 9,
	AT_DISPATCH = 10,
	AT_OUTCOME = 13,
	AT_REPLY = 14
};

/* Where a failure of this step goes on: it must be recorded, then told. */
static size_t
after_failure(size_t step)
{
	if (step < AT_RECORD)
		return AT_RECORD;
	if (step == AT_RECORD || step >= AT_OUTCOME)
		return AT_REPLY;
	return AT_OUTCOME;
}

/* Nothing upstream and nobody asked may come back to this turn. */
static void
settle(struct line *l, struct turn *t)
{
	while (t->legs != NULL)
		leg_drop(l, t->legs);
	t->pending = 0;
	asks_forget(t);
}

static void
failed(struct line *l, struct turn *t, enum err e)
{
	if (t->failed == NULL) {
		t->failed = steps[t->step].name;
		if (t->why.text[0] == '\0') /* the step said nothing itself */
			(void)turn_fail(t, e == ERR_LIMIT ? 413 : 500,
			    MCP_E_INTERNAL, "step %s failed: %s", t->failed,
			    err_name(e));
	}
	if (t->step < AT_RECORD)
		t->verdict.effect = DENY;
	t->step = after_failure(t->step);
	settle(l, t);
}

void
turn_run(struct line *l, struct turn *t)
{
	while (t->step < countof(steps)) {
		enum err e;

		if (t->due != NULL && t->step >= AT_DECIDE)
			break; /* nobody calls anything */
		e = steps[t->step].run(l, t);

		if (e == ERR_MORE)
			return;
		if (e != OK)
			failed(l, t, e);
		else if (t->step == AT_RECORD && t->failed != NULL)
			t->step = AT_REPLY;
		else
			t->step++;
	}
	turn_over(l, t);
}

void
turn_resume(struct line *l, struct turn *t, enum err how)
{
	if (t->wait_seq != 0)
		return; /* only the ledger's word takes it up again */
	if (how != OK) {
		failed(l, t, how);
	} else if (t->dead && t->step < AT_RECORD) {
		t->step = countof(steps); /* nothing was decided yet */
	} else if (t->dead && t->step == AT_RECORD && t->failed == NULL) {
		(void)turn_fail(t, 499, MCP_E_STATE, "cancelled by the agent");
		t->failed = "cancel"; /* decided, recorded, never sent */
		t->step = AT_OUTCOME;
	} else if (t->step == AT_RECORD && t->failed != NULL) {
		t->step = AT_REPLY;
	} else {
		t->step++;
	}
	turn_run(l, t);
}

/* The call leaves once more with an agent's inputs: its first answer is
 * recorded, and it is reserved for, decided and recorded anew. */
void
turn_again(struct line *l, struct turn *t)
{
	if (arena_spent(t->mem)) {
		(void)turn_fail(
		    t, 413, MCP_E_REQUEST, "the inputs are too large");
		turn_resume(l, t, ERR_LIMIT);
		return;
	}
	record_continued(l, t);
	settle(l, t);
	buf_clear(&t->out);
	t->is_error = false;
	t->since = line_now(l);
	t->step = AT_RESERVE;
	turn_run(l, t);
}

enum err
turn_fail(struct turn *t, unsigned status, int code, const char *fmt, ...)
{
	char text[sizeof(t->why.text)];
	va_list ap;

	va_start(ap, fmt);
	(void)vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	note_words(&t->why, str_of(text));
	t->status = status;
	t->code = code;
	t->is_error = true;
	buf_clear(&t->out);
	if (code == MCP_E_DENIED && t->method == MCP_TOOLS_CALL) {
		size_t o, a, i; /* a refusal that the model can react to */

		t->is_error = false;
		o = tape_obj(&t->out);
		tape_key(&t->out, STR("content"));
		a = tape_arr(&t->out);
		i = tape_obj(&t->out);
		tape_key(&t->out, STR("type"));
		tape_str(&t->out, STR("text"));
		tape_key(&t->out, STR("text"));
		tape_str(&t->out, str_of(t->why.text));
		tape_end(&t->out, i, 2);
		tape_end(&t->out, a, 1);
		tape_key(&t->out, STR("isError"));
		tape_bool(&t->out, true);
		tape_end(&t->out, o, 2);
	} else if (code != 0) {
		mcp_error_tape(
		    &t->out, code, str_of(t->why.text), (struct jv){ 0 });
	}
	return ERR_DENIED;
}

static struct str
ref_key(unsigned front, uint64_t ref, char out[static 12])
{
	const uint32_t f = front;

	memcpy(out, &f, sizeof(f));
	memcpy(out + sizeof(f), &ref, sizeof(ref));
	return (struct str){ out, sizeof(f) + sizeof(ref) };
}

void
turn_attach(struct line *l, struct turn *t, unsigned front, uint64_t ref)
{
	char k[12];

	turn_detach(l, t);
	turn_gone(l, front, ref); /* a ref is said once */
	t->front = front;
	t->ref = ref;
	t->attached = true;
	(void)map_put(l->refs, ref_key(front, ref, k), t);
}

void
turn_detach(struct line *l, struct turn *t)
{
	char k[12];

	if (t->attached)
		(void)map_del(l->refs, ref_key(t->front, t->ref, k));
	t->attached = false;
}

static struct turn *
turn_new(struct line *l)
{
	struct turn *t = l->turn_free;
	struct arena *mem;
	struct buf out, inputs;

	if (t == NULL) {
		t = mem_get(sizeof(*t));
		t->mem = arena_new((size_t)l->max_body * 4 + 65536);
		t->out.max = t->inputs.max = ANSWER_MAX;
	} else {
		l->turn_free = t->free_next;
		l->turn_free_n--;
	}
	mem = t->mem;
	out = t->out;
	inputs = t->inputs;
	*t = (struct turn){ .mem = mem, .out = out, .inputs = inputs };
	buf_clear(&t->out);
	buf_clear(&t->inputs);
	t->id = slab_add(&l->turns, t);
	t->born = t->since = line_now(l);
	l->busy++;
	return t;
}

static struct jv
copy_tree(struct turn *t, const struct msg *m, enum msg_field f)
{
	return jv_of(arena_str(t->mem, jv_bytes(msg_tree(m, f))));
}

/* Only what this house relays may be asked of an agent, so only that is said
 * to servers: of the extensions, tasks; of tasks, what the era has. */
static size_t
relayed_tasks(const struct turn *t, struct buf *b, struct jv caps)
{
	const int v =
	    mcp_version(jv_str(jv_get(t->params, STR("protocolVersion"))));
	size_t o;

	if (t->era == MCP_LEGACY) /* older ones have none */
		return v < 0 || v >= MCP_V_2025_11_25 ? task_put_client(b, caps)
						      : 0;
	if (!mcp_tasks_ext(caps))
		return 0;
	tape_key(b, STR("extensions"));
	o = tape_obj(b);
	tape_key(b, MCP_EXT_TASKS);
	tape_end(b, tape_obj(b), 0);
	tape_end(b, o, 1);
	return 1;
}

static struct jv
relayed_caps(struct turn *t, struct jv caps)
{
	static const char *const relayed[] = { "sampling", "elicitation",
		"roots" };
	struct buf b = { .max = caps.n + 256 };
	size_t o, n = 0;
	struct jv v;

	if (!jv_is(caps, J_OBJ))
		return (struct jv){ NULL, 0 };
	o = tape_obj(&b);
	for (size_t i = 0; i < countof(relayed); i++) {
		v = jv_get(caps, str_of(relayed[i]));
		if (!jv_is(v, J_OBJ))
			continue;
		tape_key(&b, str_of(relayed[i]));
		tape_copy(&b, v);
		n++;
	}
	n += relayed_tasks(t, &b, caps);
	tape_end(&b, o, n);
	v = jv_of(arena_str(t->mem, buf_view(&b)));
	buf_done(&b);
	return v;
}

/* A modern agent does not ask for tasks; its server makes them as it likes. */
static struct jv
plain_params(struct turn *t, const struct msg *m)
{
	const struct jv p = msg_tree(m, F_PARAMS);
	struct buf b = { .max = p.n + 64 };
	struct jit it = jit_of(p);
	size_t o, n = 0;
	struct str k;
	struct jv v;

	if (t->method != MCP_TOOLS_CALL || t->era == MCP_LEGACY ||
	    jv_type(jv_get(p, STR("task"))) == J_NONE)
		return copy_tree(t, m, F_PARAMS);
	o = tape_obj(&b);
	while (jit_next(&it, &k, &v)) {
		if (str_eq(k, STR("task")))
			continue;
		tape_key(&b, k);
		tape_copy(&b, v);
		n++;
	}
	tape_end(&b, o, n);
	v = jv_of(arena_str(t->mem, buf_view(&b)));
	buf_done(&b);
	return v;
}

static void
turn_fill(struct turn *t, const struct msg *m)
{
	const uint64_t k = msg_num(m, F_METHOD);
	struct note name;

	t->era = msg_num(m, F_ERA) == MCP_LEGACY ? MCP_LEGACY : MCP_MODERN;
	t->method = k < MCP__N ? (enum mcp_method)k : MCP_UNKNOWN;
	t->stdio = (msg_num(m, F_FLAGS) & MF_STDIO) != 0;
	t->cred_came = (msg_num(m, F_FLAGS) & MF_CRED) != 0;
	t->progress = (msg_num(m, F_FLAGS) & MF_PROGRESS) != 0;
	/* A known method is called by our name for it: that is what is judged
	 * and what the back sends. */
	if (t->method != MCP_UNKNOWN) {
		t->method_text = mcp_row(t->method)->text;
	} else {
		note_words(&name, msg_text(m, F_NAME));
		t->method_text = arena_str(t->mem, str_of(name.text));
	}
	t->version = arena_str(t->mem, msg_text(m, F_VERSION));
	t->level = arena_str(t->mem, msg_text(m, F_TEXT));
	t->session_id = arena_str(t->mem, msg_text(m, F_SESSION));
	t->id_tape = copy_tree(t, m, F_ID);
	t->params = plain_params(t, m);
	t->caps = relayed_caps(t, msg_tree(m, F_CAPS));
	t->info = copy_tree(t, m, F_INFO);
	t->heads = copy_tree(t, m, F_HEADS);
	if (msg_text(m, F_TOKEN).n <= ASK_ID_MAX)
		t->token = copy_tree(t, m, F_TOKEN);
}

void
turn_start(struct line *l, unsigned front, const struct msg *m)
{
	const uint64_t where = msg_num(m, F_WHERE);
	struct turn *t;

	if (l->busy >= TURNS_MAX) {
		count(CNT_DENIED);
		refuse_ref(l, front, msg_num(m, F_REF), 503, MCP_E_BUSY,
		    "too many open requests");
		return;
	}
	t = turn_new(l);
	count(CNT_CALLS);
	turn_attach(l, t, front, msg_num(m, F_REF));
	turn_fill(t, m);
	t->endpoint = where < l->endpoint_n ? &l->endpoint[where] : NULL;
	t->principal = principal_here(l, m);
	if (msg_num(m, F_ERA) > MCP_MODERN)
		(void)turn_fail(t, 400, MCP_E_REQUEST, "no such era");
	else if (msg_has(m, F_PARAMS) && !jv_is(t->params, J_OBJ) &&
		 !arena_spent(t->mem))
		(void)turn_fail(t, 400, MCP_E_REQUEST, "params is no object");
	else if (arena_spent(t->mem))
		(void)turn_fail(
		    t, 413, MCP_E_REQUEST, "the message is too large");
	if (t->status != 0) {
		t->failed = steps[0].name;
		t->step = AT_RECORD;
	}
	turn_run(l, t);
}

void
turn_ask(struct line *l, const struct asked *a, struct due *d)
{
	struct turn *t = turn_new(l);

	t->due = d;
	t->era = MCP_MODERN;
	t->method = a->method;
	t->method_text = mcp_row(a->method)->text;
	t->endpoint = l->endpoint; /* the first is that of all servers */
	t->principal = map_get(l->names, a->principal->name);
	t->target[t->target_n++] = &l->up[a->up->index];
	t->name = arena_str(t->mem, a->name);
	t->params = jv_of(arena_str(t->mem, jv_bytes(a->params)));
	if (arena_spent(t->mem)) {
		(void)turn_fail(t, 413, 0, "the call is too large");
		t->failed = steps[AT_LEARN].name;
	}
	t->step = t->failed != NULL ? AT_RECORD : AT_LEARN;
	turn_run(l, t);
}

/* Every end passes here: legs and links go, the struct is kept for reuse. */
void
turn_over(struct line *l, struct turn *t)
{
	struct due *due = t->due;

	if (due != NULL)
		evaluations_decide(l, t);
	turn_detach(l, t);
	budget_over(l, t);
	while (t->legs != NULL)
		leg_drop(l, t->legs);
	asks_forget(t);
	listen_over(l, t);
	if (t->session != NULL) {
		if (t->s_prev != NULL)
			t->s_prev->s_next = t->s_next;
		else
			t->session->turns = t->s_next;
		if (t->s_next != NULL)
			t->s_next->s_prev = t->s_prev;
	}
	if (t->method == MCP_INITIALIZE && t->failed != NULL &&
	    t->session != NULL) { /* what did not open need not stay */
		struct session *s = t->session;

		t->session = NULL;
		session_end(l, s, "initialize failed");
	}
	if (t->principal != NULL && t->principal->inflight > 0 && t->queued)
		t->principal->inflight--;
	slab_del(&l->turns, t->id);
	l->busy--;
	arena_reset(t->mem);
	if (t->out.cap > KEEP_MAX)
		buf_done(&t->out);
	buf_done(&t->inputs);
	if (l->turn_free_n < pool_max) {
		t->free_next = l->turn_free;
		l->turn_free = t;
		l->turn_free_n++;
	} else {
		arena_free(t->mem);
		buf_done(&t->out);
		mem_free(t);
	}
	if (due != NULL)
		evaluations_go(l, due);
}

/* Parked in a record queue: it must stay until the ledger has spoken. */
void
turn_cancel(struct line *l, struct turn *t, const char *why)
{
	t->dead = true;
	if (t->attached) /* there will be no answer */
		stream_end(l, t->front, t->ref);
	turn_detach(l, t);
	settle(l, t);
	if (t->wait_seq != 0 || t->sealing)
		return;
	if (t->step >= AT_RECORD) {
		(void)turn_fail(t, 499, MCP_E_STATE, "%s", why);
		t->step = AT_OUTCOME;
	} else {
		t->step = countof(steps);
	}
	turn_run(l, t);
}

/* Whoever it waits for had its time. */
void
turn_late(struct line *l, struct turn *t)
{
	if (t->wait_seq != 0)
		return;
	if (t->held) {
		turn_cancel(l, t, "the agent did not come back");
		return;
	}
	if (t->reserve_at != 0) {
		budget_late(l, t);
		return;
	}
	t->sealing = false;
	(void)turn_fail(t, 504, MCP_E_UPSTREAM, "no answer came in time");
	turn_resume(l, t, ERR_GONE);
}

/*
 * The agent's connection is closed.  Modern: that cancels.  Legacy: it does
 * not (2025-11-25 transports, "SHOULD NOT be interpreted as cancelling").
 */
void
turn_gone(struct line *l, unsigned front, uint64_t ref)
{
	char k[12];
	struct turn *t = map_get(l->refs, ref_key(front, ref, k));

	if (t == NULL)
		return;
	turn_detach(l, t);
	if (t->era == MCP_MODERN && !t->held)
		turn_cancel(l, t, "the agent closed the connection");
}

struct turn *
turn_by_id(const struct session *s, struct jv id)
{
	for (struct turn *t = s->turns; t != NULL; t = t->s_next)
		if (!t->dead && jv_same(t->id_tape, id))
			return t;
	return NULL;
}

static unsigned
http_status(const struct turn *t)
{
	int64_t code = 0;

	if (t->status != 0)
		return t->status == 499 ? 500 : t->status;
	if (!t->is_error ||
	    jv_i64(jv_get(jv_of(buf_view(&t->out)), STR("code")), &code) != OK)
		return 200;
	return mcp_error_status(t->era, (int)code);
}

enum err
step_reply(struct line *l, struct turn *t)
{
	struct msg m = msg_of(MSG_ANSWER);
	const unsigned status = http_status(t);

	if (t->dead)
		return OK;
	shown_keep(l, t);
	msg_set(&m, F_REF, t->ref);
	msg_set(&m, F_FLAGS, MF_FINAL);
	msg_set(&m, F_METHOD, t->method);
	if (status != 200)
		msg_set(&m, F_STATUS, status);
	if (t->out.n > 0)
		msg_set_text(
		    &m, t->is_error ? F_ERROR : F_RESULT, buf_view(&t->out));
	if (t->method == MCP_INITIALIZE && t->session != NULL &&
	    t->failed == NULL)
		msg_set_text(&m, F_SESSION, t->session->id);
	if (t->session != NULL && jv_type(t->id_tape) != J_NONE)
		msg_set_tree(&m, F_ID, t->id_tape);
	if (t->session != NULL)
		stream_emit(l, t->session, t, &m);
	else if (t->attached)
		(void)l->port.front(l->port.arg, t->front, &m);
	return OK;
}
