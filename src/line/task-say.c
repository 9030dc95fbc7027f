/*
 * task-say: what is said of tasks, and to whom.  Towards an agent a server's
 * id becomes ours and its ttl no longer than we remember; towards a server the
 * other way round.  A task that an agent runs for a server (sampling,
 * elicitation) keeps the agent's id, and is spoken of by that server alone.
 */
#include "line/line-in.h"

/* ---- capabilities: narrowed to what is relayed ---- */

static size_t
put_flag(struct buf *b, struct jv caps, const char *path, const char *key)
{
	if (!mcp_cap(caps, path))
		return 0;
	tape_key(b, str_of(key));
	tape_end(b, tape_obj(b), 0);
	return 1;
}

static size_t
put_request(struct buf *b, struct jv caps, const char *path, const char *group,
    const char *key)
{
	size_t o;

	if (!mcp_cap(caps, path))
		return 0;
	tape_key(b, str_of(group));
	o = tape_obj(b);
	tape_end(b, o, put_flag(b, caps, path, key));
	return 1;
}

/* What a legacy agent can do as tasks, for its servers. */
size_t
task_put_client(struct buf *b, struct jv caps)
{
	const struct jv t = jv_get(caps, STR("tasks"));
	size_t o, r, n;

	if (!jv_is(t, J_OBJ))
		return 0;
	tape_key(b, STR("tasks"));
	o = tape_obj(b);
	n = put_flag(b, t, "list", "list") + put_flag(b, t, "cancel", "cancel");
	tape_key(b, STR("requests"));
	r = tape_obj(b);
	tape_end(b, r,
	    put_request(b, t, "requests/sampling/createMessage", "sampling",
		"createMessage") +
		put_request(b, t, "requests/elicitation/create", "elicitation",
		    "create"));
	tape_end(b, o, n + 1);
	return 1;
}

static bool
every(const struct turn *t, struct hop *const *hops, const char *path)
{
	for (size_t i = 0; i < t->target_n; i++) {
		const struct hop *h = hops[t->target[i]->index];

		if (h != NULL && task_between(t, h) &&
		    !mcp_cap(jv_of(h->caps), path))
			return false;
	}
	return true;
}

static void
put_server(struct buf *b, const struct turn *t, struct hop *const *hops)
{
	size_t o, r, k, n = 1;

	tape_key(b, STR("tasks"));
	o = tape_obj(b);
	if (every(t, hops, "tasks/list")) { /* all, or a list would lack some */
		tape_key(b, STR("list"));
		tape_end(b, tape_obj(b), 0);
		n++;
	}
	if (every(t, hops, "tasks/cancel")) {
		tape_key(b, STR("cancel"));
		tape_end(b, tape_obj(b), 0);
		n++;
	}
	tape_key(b, STR("requests"));
	r = tape_obj(b);
	tape_key(b, STR("tools"));
	k = tape_obj(b);
	tape_key(b, STR("call"));
	tape_end(b, tape_obj(b), 0);
	tape_end(b, k, 1);
	tape_end(b, r, 1);
	tape_end(b, o, n);
}

/* What we offer of the servers' tasks: those of the agent's own era. */
size_t
task_put_caps(const struct line *l, struct buf *b, const struct turn *t,
    struct hop *const *hops)
{
	bool any = false;
	size_t o;

	for (size_t i = 0; i < t->target_n; i++) {
		const struct hop *h = hops[t->target[i]->index];

		any |= h != NULL &&
		       (t->session != NULL ? task_between(t, h)
					   : h->era == MCP_MODERN &&
						 mcp_tasks_ext(jv_of(h->caps)));
	}
	if (!any || l->max_tasks == 0)
		return 0;
	if (t->session != NULL) {
		put_server(b, t, hops);
		return 1;
	}
	tape_key(b, STR("extensions"));
	o = tape_obj(b);
	tape_key(b, MCP_EXT_TASKS);
	tape_end(b, tape_obj(b), 0);
	tape_end(b, o, 1);
	return 1;
}

/* ---- tools: who cannot be called as a task does not say that it can ---- */

static void
put_execution(struct buf *b, struct jv e)
{
	const size_t o = tape_obj(b);
	struct jit it = jit_of(e);
	size_t n = 0;
	struct str k;
	struct jv v;

	while (jit_next(&it, &k, &v)) {
		if (str_eq(k, STR("taskSupport")))
			continue;
		tape_key(b, k);
		tape_copy(b, v);
		n++;
	}
	tape_end(b, o, n);
}

/* False: it stays as it is. */
bool
task_hide(struct buf *b, struct jv tool)
{
	const struct jv e = jv_get(tool, STR("execution"));
	const struct jv s = jv_get(e, STR("taskSupport"));
	struct buf x = { .max = e.n + 64 };

	if (jv_type(s) == J_NONE || str_eq(jv_str(s), STR("forbidden")))
		return false;
	put_execution(&x, e);
	tape_with(b, tool, STR("execution"), jv_of(buf_view(&x)));
	buf_done(&x);
	return true;
}

/* ---- tasks ---- */

static void
put_meta(struct buf *b, struct jv meta, struct str id)
{
	const size_t o = tape_obj(b);
	struct jit it = jit_of(meta);
	size_t n = 0, r;
	struct str k;
	struct jv v;

	while (jit_next(&it, &k, &v)) {
		if (str_eq(k, MCP_META_TASK))
			continue;
		tape_key(b, k);
		tape_copy(b, v);
		n++;
	}
	if (id.n > 0) {
		tape_key(b, MCP_META_TASK);
		r = tape_obj(b);
		tape_key(b, STR("taskId"));
		tape_str(b, id);
		tape_end(b, r, 1);
		n++;
	}
	tape_end(b, o, n);
}

/* A copy of obj whose _meta relates it to this task, or to none.  add: also
 * where there was no _meta. */
void
task_related(struct buf *b, struct jv obj, struct str id, bool add)
{
	const size_t o = tape_obj(b);
	struct jit it = jit_of(obj);
	size_t n = 0;
	struct str k;
	struct jv v;

	while (jit_next(&it, &k, &v)) {
		tape_key(b, k);
		if (str_eq(k, STR("_meta")) && jv_is(v, J_OBJ)) {
			put_meta(b, v, id);
			add = false;
		} else {
			tape_copy(b, v);
		}
		n++;
	}
	if (add) {
		tape_key(b, STR("_meta"));
		put_meta(b, (struct jv){ NULL, 0 }, id);
		n++;
	}
	tape_end(b, o, n);
}

/* A Task (or a result that is one) as its agent knows it. */
void
task_show(const struct line *l, struct buf *b, struct jv v,
    const struct task *k, enum mcp_era era)
{
	const struct str ttl = mcp_task_ttl(era);
	const size_t o = tape_obj(b);
	struct jit it = jit_of(v);
	size_t n = 0;
	struct str key;
	struct jv w;

	for (; jit_next(&it, &key, &w); n++) {
		int64_t ms;

		tape_key(b, key);
		if (str_eq(key, STR("taskId")))
			tape_str(b, k->id);
		else if (str_eq(key, STR("_meta")) && jv_is(w, J_OBJ))
			put_meta(b, w, (struct str){ NULL, 0 });
		else if (!str_eq(key, ttl) ||
			 (jv_i64(w, &ms) == OK && (uint64_t)ms <= l->task_ms))
			tape_copy(b, w);
		else
			tape_i64(b, (int64_t)l->task_ms);
	}
	tape_end(b, o, n);
}

/* One of a server's list; false: not this agent's. */
bool
task_item(
    struct line *l, struct turn *t, const struct upstream *u, struct jv item)
{
	const struct hop *h = hop_known(l, t, u);
	const struct jv id = jv_get(item, STR("taskId"));
	struct note why;
	struct mcp_task m;
	struct task *k;

	if (h == NULL || !jv_is(id, J_STR))
		return false;
	k = task_theirs(h, t->endpoint, jv_str(id));
	if (k == NULL || mcp_task_read(t->era, item, &m, &why) != OK ||
	    !task_told(l, k))
		return false;
	k->over |= m.over;
	task_show(l, &t->out, item, k, t->era);
	return true;
}

/* May its principal still ask for it? */
bool
task_told(const struct line *l, const struct task *k)
{
	return line_now(l) < k->until &&
	       may_use(l, k->principal, k->up, STR("tasks/get"), k->tool) &&
	       may_use(l, k->principal, k->up, STR("tools/call"), k->tool);
}

/* notifications/tasks/status of a legacy server: into work2. */
bool
task_status(struct line *l, const struct hop *h, struct jv params)
{
	const struct jv id = jv_get(params, STR("taskId"));
	struct task *k = jv_is(id, J_STR) && h->session != NULL
			     ? task_theirs(h, NULL, jv_str(id))
			     : NULL;
	struct note why;
	struct mcp_task m;

	if (k == NULL || !task_told(l, k) ||
	    mcp_task_read(MCP_LEGACY, params, &m, &why) != OK)
		return false;
	k->over |= m.over;
	buf_clear(&l->work2);
	task_show(l, &l->work2, params, k, MCP_LEGACY);
	return buf_end(&l->work2) == OK;
}

static struct jv
related(struct jv v)
{
	return jv_get(
	    jv_get(jv_get(v, STR("_meta")), MCP_META_TASK), STR("taskId"));
}

/* What a server says, under the names that its agent knows: may be work2. */
struct jv
task_down(struct line *l, const struct hop *h, struct jv params)
{
	const struct jv id = related(params);
	const struct task *k;

	if (jv_type(jv_get(jv_get(params, STR("_meta")), MCP_META_TASK)) ==
	    J_NONE)
		return params;
	k = h->session != NULL && jv_is(id, J_STR)
		? task_theirs(h, NULL, jv_str(id))
		: NULL;
	buf_clear(&l->work2);
	task_related(&l->work2, params,
	    k != NULL ? k->id : (struct str){ NULL, 0 }, false);
	return jv_of(buf_view(&l->work2));
}

/* ---- tasks that an agent runs for a server ---- */

static bool
is_given(const struct session *s, const struct hop *h, struct str id)
{
	for (size_t i = 0; s->given != NULL && i < GIVEN_MAX; i++)
		if (s->given[i].hop == h->id && str_eq(s->given[i].id, id))
			return true;
	return false;
}

/* The oldest one is forgotten: its server has to do without. */
static void
give(struct session *s, const struct hop *h, struct str id)
{
	size_t i;

	if (is_given(s, h, id))
		return;
	if (s->given == NULL)
		s->given = mem_get(GIVEN_MAX * sizeof(*s->given));
	i = s->given_n++ % GIVEN_MAX;
	drop(&s->given[i].id);
	s->given[i].id = str_keep(id);
	s->given[i].hop = h->id;
}

static struct jv
caps_of(const struct session *s)
{
	if (s == NULL)
		return (struct jv){ NULL, 0 };
	return jv_of(s->caps);
}

/* May a server ask this of the agent's tasks?  NULL: yes. */
const char *
task_ask(const struct session *s, const struct hop *h, enum mcp_method m,
    struct jv params)
{
	const struct jv id = jv_get(params, STR("taskId"));
	const struct jv caps = caps_of(s);

	if (!mcp_cap(caps, "tasks") ||
	    (m == MCP_TASKS_LIST && !mcp_cap(caps, "tasks/list")) ||
	    (m == MCP_TASKS_CANCEL && !mcp_cap(caps, "tasks/cancel")))
		return "the agent did not declare this";
	if (m == MCP_TASKS_LIST ||
	    (jv_is(id, J_STR) && is_given(s, h, jv_str(id))))
		return NULL;
	return "no such task";
}

static const char *
request_cap(enum mcp_method m)
{
	return m == MCP_SAMPLING ? "tasks/requests/sampling/createMessage"
	       : m == MCP_ELICIT ? "tasks/requests/elicitation/create"
				 : NULL;
}

/* Its params without a task that the agent did not declare: may be work. */
struct jv
task_ask_params(struct line *l, const struct session *s, enum mcp_method m,
    struct jv params, bool *tasked)
{
	const struct jv caps = caps_of(s);
	const char *cap = request_cap(m);
	struct jit it = jit_of(params);
	size_t o, n = 0;
	struct str k;
	struct jv v;

	*tasked = false;
	if (cap == NULL || jv_type(jv_get(params, STR("task"))) == J_NONE)
		return params;
	*tasked = mcp_cap(caps, cap);
	if (*tasked)
		return params;
	buf_clear(&l->work);
	o = tape_obj(&l->work);
	while (jit_next(&it, &k, &v)) {
		if (str_eq(k, STR("task")))
			continue;
		tape_key(&l->work, k);
		tape_copy(&l->work, v);
		n++;
	}
	tape_end(&l->work, o, n);
	return jv_of(buf_view(&l->work));
}

/* The agent's list, cut to what it runs for this server: into work. */
static struct jv
list_up(struct line *l, const struct session *s, const struct hop *h,
    struct jv result)
{
	struct jit it = jit_of(jv_get(result, STR("tasks")));
	struct buf b = { .max = result.n + 64 };
	const size_t a = tape_arr(&b);
	size_t n = 0;
	struct jv v;

	while (jit_next(&it, NULL, &v)) {
		const struct jv id = jv_get(v, STR("taskId"));

		if (!jv_is(id, J_STR) || !is_given(s, h, jv_str(id)))
			continue;
		tape_copy(&b, v);
		n++;
	}
	tape_end(&b, a, n);
	buf_clear(&l->work);
	tape_with(&l->work, result, STR("tasks"), jv_of(buf_view(&b)));
	buf_done(&b);
	return jv_of(buf_view(&l->work));
}

/* An agent's answer to a server, under the names that the server knows. */
struct jv
task_up(struct line *l, struct session *s, const struct hop *h,
    const struct ask *a, struct jv result)
{
	const struct jv made =
	    jv_get(jv_get(result, STR("task")), STR("taskId"));
	const struct jv id = related(result);
	const struct task *k;

	if (mcp_method_of(a->method) == MCP_TASKS_LIST)
		result = list_up(l, s, h, result);
	if (a->tasked && jv_is(made, J_STR) && jv_str(made).n > 0 &&
	    jv_str(made).n <= MCP_TASK_ID_MAX)
		give(s, h, jv_str(made));
	if (jv_type(jv_get(jv_get(result, STR("_meta")), MCP_META_TASK)) ==
		J_NONE ||
	    (jv_is(id, J_STR) && is_given(s, h, jv_str(id))))
		return result;
	k = jv_is(id, J_STR) ? map_get(l->tasks, jv_str(id)) : NULL;
	if (k != NULL && (k->session != s || k->up != h->up))
		k = NULL;
	buf_clear(&l->work2);
	task_related(&l->work2, result,
	    k != NULL ? k->theirs : (struct str){ NULL, 0 }, false);
	return jv_of(buf_view(&l->work2));
}

/* Whom an agent's notifications/tasks/status concerns. */
struct hop *
task_hop(struct line *l, const struct session *s, struct jv params)
{
	const struct jv id = jv_get(params, STR("taskId"));

	for (size_t i = 0;
	     s->given != NULL && jv_is(id, J_STR) && i < GIVEN_MAX; i++)
		if (s->given[i].hop != 0 && str_eq(s->given[i].id, jv_str(id)))
			return slab_get(&l->hop_ids, s->given[i].hop);
	return NULL;
}

void
given_done(struct session *s)
{
	for (size_t i = 0; s->given != NULL && i < GIVEN_MAX; i++)
		drop(&s->given[i].id);
	mem_free(s->given);
}
