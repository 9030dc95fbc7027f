/*
 * task: calls that are answered later.  A server's task id never reaches an
 * agent: it is given one of ours, which names this cell and belongs to one
 * principal, one endpoint, and in the legacy era one session.  Whoever else
 * says it speaks of a task that does not exist.  The map is this process's: a
 * judge that starts anew knows no tasks, and they end at their servers by ttl.
 *
 * Both eras have tasks of their own and are not bridged (task-say.c says what
 * of them is shown to whom).
 */
#include "line/line-in.h"

bool
task_method(enum mcp_method m)
{
	return m == MCP_TASKS_GET || m == MCP_TASKS_RESULT ||
	       m == MCP_TASKS_CANCEL || m == MCP_TASKS_UPDATE;
}

/* Can this agent follow a task at this server? */
bool
task_between(const struct turn *t, const struct hop *h)
{
	if (t->session != NULL)
		return h->era == MCP_LEGACY && session_tasks(t->session) &&
		       mcp_cap(jv_of(h->caps), "tasks/requests/tools/call");
	return t->era == MCP_MODERN && h->era == MCP_MODERN &&
	       mcp_tasks_ext(jv_of(h->caps)) && mcp_tasks_ext(t->caps);
}

bool
session_tasks(const struct session *s)
{
	return s->version >= MCP_V_2025_11_25;
}

/* ---- the table ---- */

static void
task_free(struct line *l, struct task *k)
{
	struct task **at = &k->principal->tasks;

	while (*at != k)
		at = &(*at)->next;
	*at = k->next;
	k->principal->tasks_n--;
	(void)map_del(l->tasks, k->id);
	drop(&k->id);
	drop(&k->theirs);
	drop(&k->tool);
	mem_free(k);
}

struct task *
task_find(const struct line *l, const struct turn *t, struct str id)
{
	struct task *k = map_get(l->tasks, id);

	if (k == NULL || k->principal != t->principal ||
	    k->session != t->session || k->endpoint != t->endpoint ||
	    line_now(l) >= k->until)
		return NULL;
	return k;
}

struct task *
task_theirs(const struct hop *h, const struct endpoint *e, struct str id)
{
	for (struct task *k = h->principal->tasks; k != NULL; k = k->next)
		if (k->up == h->up && k->session == h->session &&
		    (e == NULL || k->endpoint == e) && str_eq(k->theirs, id))
			return k;
	return NULL;
}

/* One that ended and whose end the agent was told makes room. */
static struct task *
evictable(const struct principal *p)
{
	struct task *old = NULL;

	for (struct task *k = p->tasks; k != NULL; k = k->next)
		if (k->over && k->taken)
			old = k; /* newest first: the last one is oldest */
	return old;
}

bool
task_room(const struct line *l, const struct principal *p)
{
	return l->max_tasks > 0 &&
	       (p->tasks_n < l->max_tasks || evictable(p) != NULL);
}

static struct task *
task_add(struct line *l, const struct turn *t, struct str theirs)
{
	struct principal *p = t->principal;
	struct task *old = evictable(p);
	unsigned char raw[16];
	struct buf id = { .max = 64 };
	struct task *k;

	if (p->tasks_n >= l->max_tasks && old != NULL)
		task_free(l, old);
	k = mem_get(sizeof(*k));
	l->port.random(raw, sizeof(raw));
	buf_dec(&id, l->cell);
	buf_ch(&id, '-');
	buf_hex(&id, (struct str){ (char *)raw, sizeof(raw) });
	k->id = str_keep(buf_view(&id));
	buf_done(&id);
	k->theirs = str_keep(theirs);
	k->tool = str_keep(t->name);
	k->up = t->target[0];
	k->session = t->session;
	k->principal = p;
	k->endpoint = t->endpoint;
	k->origin = t->decision;
	k->labels = t->labels;
	k->born = line_now(l);
	k->next = p->tasks;
	p->tasks = k;
	p->tasks_n++;
	(void)map_put(l->tasks, k->id, k);
	return k;
}

/* A session's tasks end with its upstream session. */
void
tasks_drop(struct line *l, const struct hop *h)
{
	struct task *next;

	if (h->session == NULL)
		return;
	for (struct task *k = h->principal->tasks; k != NULL; k = next) {
		next = k->next;
		if (k->session == h->session && k->up == h->up)
			task_free(l, k);
	}
}

static bool
stale(const struct task *k, uint64_t now)
{
	return now >= k->until || !k->principal->known;
}

void
tasks_tick(struct line *l, bool all)
{
	const uint64_t now = line_now(l);
	size_t at = 0;
	void *v;

	while (map_next(l->tasks, &at, NULL, &v))
		if (all || stale(v, now)) {
			task_free(l, v);
			at = 0;
		}
}

/* Does somebody wait for what runs there? */
bool
tasks_open(const struct line *l, const struct principal *p,
    const struct upstream *u, const struct session *s)
{
	for (const struct task *k = p->tasks; k != NULL; k = k->next)
		if (!k->over && k->session == s && (u == NULL || k->up == u) &&
		    line_now(l) < k->until)
			return true;
	return false;
}

/* ---- on the way to the server ---- */

static enum err
undeclared(struct turn *t)
{
	struct buf data = { .max = 1024 };

	(void)turn_fail(t, 400, MCP_E_CAPABILITY,
	    "Missing required client capability: tasks");
	buf_clear(&t->out);
	mcp_tasks_missing(&data);
	mcp_error_tape(&t->out, MCP_E_CAPABILITY, str_of(t->why.text),
	    jv_of(buf_view(&data)));
	buf_done(&data);
	return ERR_DENIED;
}

/* Which of both kinds of tasks, if any, may be spoken of here. */
enum err
task_spoken(const struct line *l, struct turn *t)
{
	if (l->max_tasks == 0)
		return turn_fail(t, t->era == MCP_MODERN ? 404 : 0,
		    MCP_E_METHOD, "tasks are not offered by this gateway");
	if (t->era == MCP_MODERN && !mcp_tasks_ext(t->caps))
		return undeclared(t);
	if (t->session != NULL && !session_tasks(t->session))
		return turn_fail(t, 0, MCP_E_METHOD,
		    "tasks need protocol version 2025-11-25");
	return OK;
}

enum err
task_route(const struct line *l, struct turn *t)
{
	const struct jv id = jv_get(t->params, STR("taskId"));
	const struct task *k;

	TRY(task_spoken(l, t));
	k = jv_is(id, J_STR) ? task_find(l, t, jv_str(id)) : NULL;
	if (k == NULL)
		return turn_fail(t, 0, MCP_E_PARAMS, "no such task");
	t->task = arena_str(t->mem, k->id);
	t->name = arena_str(t->mem, k->tool);
	t->origin = k->origin;
	t->target[t->target_n++] = k->up;
	return arena_spent(t->mem) ? ERR_LIMIT : OK;
}

/* A legacy agent that asks for a task must be able to keep it. */
enum err
task_wanted(const struct line *l, struct turn *t)
{
	if (t->era != MCP_LEGACY || t->method != MCP_TOOLS_CALL ||
	    jv_type(jv_get(t->params, STR("task"))) == J_NONE ||
	    task_room(l, t->principal))
		return OK;
	if (l->max_tasks == 0)
		return OK; /* then it is a call like any other */
	return turn_fail(t, 429, MCP_E_BUSY, "too many tasks are open");
}

/* {ttl}, and not longer than we remember it. */
static void
put_task_param(const struct line *l, struct buf *b, struct jv task)
{
	const size_t o = tape_obj(b);
	size_t n = 0;
	int64_t ttl;

	if (jv_i64(jv_get(task, STR("ttl")), &ttl) == OK && ttl >= 0) {
		tape_key(b, STR("ttl"));
		tape_i64(
		    b, (uint64_t)ttl > l->task_ms ? (int64_t)l->task_ms : ttl);
		n++;
	}
	tape_end(b, o, n);
}

static struct jv
call_params(struct line *l, struct leg *g, struct jv params)
{
	const struct jv task = jv_get(params, STR("task"));
	struct buf b = { .max = params.n + 64 };
	struct jit it = jit_of(params);
	size_t o, n = 0;
	struct str key;
	struct jv v;

	if (jv_type(task) == J_NONE)
		return params;
	g->tasked = g->turn->session != NULL && jv_is(task, J_OBJ) &&
		    l->max_tasks > 0 && task_between(g->turn, g->hop);
	o = tape_obj(&b);
	while (jit_next(&it, &key, &v)) {
		const bool it_is = str_eq(key, STR("task"));

		if (it_is && !g->tasked)
			continue; /* not declared: a call is just a call */
		tape_key(&b, key);
		if (it_is)
			put_task_param(l, &b, v);
		else
			tape_copy(&b, v);
		n++;
	}
	tape_end(&b, o, n);
	v = jv_of(arena_str(g->turn->mem, buf_view(&b)));
	buf_done(&b);
	return v;
}

/* The params as this server knows them. */
struct jv
task_params(struct line *l, struct leg *g, struct jv params)
{
	const struct turn *t = g->turn;
	const struct task *k;
	struct buf b = { .max = params.n + MCP_TASK_ID_MAX + 64 };
	struct buf id = { .max = MCP_TASK_ID_MAX + 64 };
	struct jv v;

	if (t->method == MCP_TOOLS_CALL)
		return call_params(l, g, params);
	if (!task_method(t->method))
		return params;
	k = task_find(l, t, t->task);
	if (k == NULL)
		return params;
	tape_str(&id, k->theirs);
	tape_with(&b, params, STR("taskId"), jv_of(buf_view(&id)));
	v = jv_of(arena_str(t->mem, buf_view(&b)));
	buf_done(&b);
	buf_done(&id);
	return v;
}

/* Over by now, or its server came back as another: nothing to ask for. */
bool
task_lost(const struct line *l, struct leg *g)
{
	const struct turn *t = g->turn;

	if (!task_method(t->method) ||
	    (task_find(l, t, t->task) != NULL && task_between(t, g->hop)))
		return false;
	g->is_error = true;
	mcp_error_tape(
	    &g->out, MCP_E_PARAMS, STR("no such task"), (struct jv){ 0 });
	return true;
}

/* A modern server makes tasks as it likes: of whoever may keep no more it must
 * hear that it may not. */
struct jv
task_caps_now(const struct line *l, struct turn *t, struct jv caps)
{
	struct buf b = { .max = caps.n + 64 };
	struct jv v;

	if (t->era != MCP_MODERN || t->method != MCP_TOOLS_CALL ||
	    !mcp_tasks_ext(caps) || task_room(l, t->principal))
		return caps;
	mcp_caps_out(MCP_LEGACY, caps, &b); /* which has no extensions */
	v = jv_of(arena_str(t->mem, buf_view(&b)));
	buf_done(&b);
	t->no_tasks = true;
	return v;
}

/* ---- on the way back ---- */

/* A task that nobody will ask for. */
static void
task_stop(struct line *l, struct turn *t, struct str theirs)
{
	struct hop *h = hop_known(l, t, t->target[0]);
	struct msg m = msg_of(MSG_UP_CALL);
	struct leg *g;
	size_t o;

	if (h == NULL || h->state != HOP_OPEN || l->legs.used > LEGS_OWN)
		return;
	g = leg_new(l, NULL, h);
	g->state = LEG_SENT;
	buf_clear(&l->work);
	o = tape_obj(&l->work);
	tape_key(&l->work, STR("taskId"));
	tape_str(&l->work, theirs);
	tape_end(&l->work, o, 1);
	msg_set(&m, F_CALL, g->id);
	msg_set(&m, F_HOP, h->id);
	msg_set(&m, F_METHOD, MCP_TASKS_CANCEL);
	msg_set_text(&m, F_NAME, mcp_row(MCP_TASKS_CANCEL)->text);
	msg_set_text(&m, F_PARAMS, buf_view(&l->work));
	if (h->era == MCP_MODERN && jv_type(t->caps) != J_NONE)
		msg_set_tree(&m, F_CAPS, t->caps);
	(void)l->port.back(l->port.arg, h->up->index, &m);
}

static void
remember(const struct line *l, struct task *k, const struct mcp_task *m)
{
	const uint64_t ms = m->ttl_ms < l->task_ms ? m->ttl_ms : l->task_ms;

	k->until = k->born + ms * UINT64_C(1000000);
	k->over |= m->over;
}

static enum err
bad_task(struct turn *t, const struct note *why)
{
	return turn_fail(t, 502, MCP_E_UPSTREAM, "upstream %.*s: %s",
	    STR_ARG(t->target[0]->name), why->text);
}

/* The server made a task of the call: v is it, r the result it came in. */
static enum err
created(struct line *l, struct turn *t, const struct leg *g, struct jv v)
{
	const struct hop *h = hop_known(l, t, t->target[0]);
	struct note why = { "its session ended meanwhile" };
	struct mcp_task m;
	struct task *k;

	if (h == NULL || mcp_task_read(g->era, v, &m, &why) != OK)
		return bad_task(t, &why);
	if (task_theirs(h, NULL, m.id) != NULL) {
		note_set(&why, "a task id that it gave before");
		return bad_task(t, &why);
	}
	if (!task_room(l, t->principal)) {
		task_stop(l, t, m.id);
		return turn_fail(t, 429, MCP_E_BUSY, "too many tasks are open");
	}
	k = task_add(l, t, m.id);
	remember(l, k, &m);
	t->task = arena_str(t->mem, k->id);
	return OK;
}

/* What became of it, as far as this answer says. */
static void
seen(const struct line *l, const struct turn *t, struct task *k,
    const struct mcp_task *m)
{
	if (m != NULL)
		remember(l, k, m);
	if (t->method == MCP_TASKS_RESULT)
		k->over = k->taken = true;
	if (t->method == MCP_TASKS_GET && t->era == MCP_MODERN && k->over)
		k->taken = true;	   /* the result was in it */
	if (t->method == MCP_TASKS_CANCEL) /* modern: nobody need look again */
		k->taken = k->over = true;
}

static enum err
merge_followed(struct line *l, struct turn *t, const struct leg *g)
{
	const struct jv r = jv_of(buf_view(&g->out));
	const bool is_task =
	    t->method == MCP_TASKS_GET ||
	    (t->method == MCP_TASKS_CANCEL && t->era == MCP_LEGACY);
	struct task *k = task_find(l, t, t->task);
	struct note why = { "" };
	struct mcp_task m = { 0 };

	if (k == NULL)
		return turn_fail(t, 0, MCP_E_PARAMS, "no such task");
	if (is_task && (mcp_task_read(g->era, r, &m, &why) != OK ||
			   (t->era == MCP_MODERN &&
			       mcp_task_detail(r, t->caps, &why) != OK)))
		return bad_task(t, &why);
	if (is_task && !str_eq(m.id, k->theirs)) {
		note_set(&why, "it speaks of another task");
		return bad_task(t, &why);
	}
	seen(l, t, k, is_task ? &m : NULL);
	if (is_task)
		task_show(l, &t->out, r, k, t->era);
	else if (t->method == MCP_TASKS_RESULT)
		task_related(&t->out, r, k->id, true);
	else
		buf_str(&t->out, jv_bytes(r));
	return buf_end(&t->out);
}

/* ERR_MORE: no task is in it. */
enum err
task_merge(struct line *l, struct turn *t, const struct leg *g)
{
	const struct jv r = jv_of(buf_view(&g->out));
	const struct jv inner = jv_get(r, STR("task"));
	const struct str type = jv_str(jv_get(r, STR("resultType")));
	struct buf b = { .max = ANSWER_MAX };

	if (task_method(t->method))
		return merge_followed(l, t, g);
	if (t->method != MCP_TOOLS_CALL)
		return ERR_MORE;
	if (g->era == MCP_MODERN && str_eq(type, STR("task"))) {
		TRY(created(l, t, g, r));
		task_show(l, &t->out, r, map_get(l->tasks, t->task), t->era);
		return buf_end(&t->out);
	}
	if (!g->tasked || !jv_is(inner, J_OBJ))
		return ERR_MORE;
	TRY(created(l, t, g, inner));
	task_show(l, &b, inner, map_get(l->tasks, t->task), t->era);
	buf_clear(&l->work);
	task_related(&l->work, r, (struct str){ NULL, 0 }, false);
	tape_with(&t->out, jv_of(buf_view(&l->work)), STR("task"),
	    jv_of(buf_view(&b)));
	buf_done(&b);
	return buf_end(&t->out);
}

/* The server's error, where it means that no task may be made. */
enum err
task_refused(struct turn *t)
{
	int64_t code = 0;

	if (!t->no_tasks ||
	    jv_i64(jv_get(jv_of(buf_view(&t->out)), STR("code")), &code) !=
		OK ||
	    code != MCP_E_CAPABILITY)
		return OK;
	return turn_fail(t, 429, MCP_E_BUSY, "too many tasks are open");
}

void
task_failed(const struct line *l, const struct turn *t)
{
	struct task *k =
	    task_method(t->method) ? task_find(l, t, t->task) : NULL;

	if (k != NULL && t->method == MCP_TASKS_RESULT)
		seen(l, t, k, NULL); /* the call's own error */
}
