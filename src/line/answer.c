/*
 * answer: from what the legs brought to what the agent is shown.  One server's
 * answer passes as it is; lists are cut to what policy would let the agent
 * use, and on the aggregating endpoint merged in the order of the servers.
 */
#include "line/line-in.h"

static const struct list {
	enum mcp_method method;
	const char *items, *key, *use; /* use: the method that policy judges */
} lists[] = {
	{ MCP_TOOLS_LIST, "tools", "name", "tools/call" },
	{ MCP_PROMPTS_LIST, "prompts", "name", "prompts/get" },
	{ MCP_RESOURCES_LIST, "resources", "uri", "resources/read" },
	{ MCP_TEMPLATES_LIST, "resourceTemplates", "uriTemplate",
	    "resources/read" },
	{ MCP_TASKS_LIST, "tasks", "taskId", "tasks/get" },
};

static const struct list *
list_of(enum mcp_method m)
{
	for (size_t i = 0; i < countof(lists); i++)
		if (lists[i].method == m)
			return &lists[i];
	return NULL;
}

void
put_renamed(struct buf *b, struct jv item, const char *key, struct str server)
{
	struct jit it = jit_of(item);
	const size_t o = tape_obj(b);
	size_t n = 0;
	struct str k;
	struct jv v;

	for (; jit_next(&it, &k, &v); n++) {
		tape_key(b, k);
		if (str_eq(k, str_of(key)) && jv_is(v, J_STR)) {
			struct buf name = { .max = 4096 };

			buf_str(&name, server);
			buf_str(&name, STR("___"));
			buf_str(&name, jv_str(v));
			tape_str(b, buf_view(&name));
			buf_done(&name);
		} else {
			tape_copy(b, v);
		}
	}
	tape_end(b, o, n);
}

struct pick {
	struct line *l;
	struct turn *t;
	const struct list *list;
	struct upstream *up;
	enum mcp_era era;
	bool tasks; /* what it says of them holds for this agent */
	struct map *seen;
	unsigned found; /* resources that several show */
};

static bool
of_templates(const struct pick *p)
{
	return p->list->method == MCP_TEMPLATES_LIST;
}

/* What several servers show, none of them may answer for. */
static bool
one_owner(struct pick *p, struct str uri)
{
	const struct turn *t = p->t;
	const struct fact f = { .kind = "finding",
		.reason = "several servers show this resource",
		.principal = t->principal->name,
		.server = p->up->name,
		.name = uri,
		.verdict = "hidden" };
	size_t n;

	(void)uri_owner(
	    p->l, t->endpoint, t->principal, uri, of_templates(p), &n);
	if (n > 1 && p->found++ < FINDINGS_MAX)
		(void)record_fact(p->l, &f);
	return n <= 1;
}

/* A list of resources is claimed whole before any of it is shown. */
static void
claim_items(struct pick *p, struct jv items)
{
	const struct turn *t = p->t;
	struct jit it = jit_of(items);
	struct jv v;

	while (jit_next(&it, NULL, &v)) {
		const struct str id = jv_str(jv_get(v, str_of(p->list->key)));

		if (id.n > 0 && id.n <= TOOL_NAME_MAX &&
		    may(p->l, t->principal, p->up, str_of(p->list->use), id))
			uri_claim(p->l, t->endpoint, t->principal, p->up, id,
			    of_templates(p));
	}
}

static bool
put_item(struct pick *p, struct jv item)
{
	struct endpoint *e = p->t->endpoint;
	const struct str id = jv_str(jv_get(item, str_of(p->list->key)));
	const bool is_name = str_eq(str_of(p->list->key), STR("name"));
	struct note why;

	if (p->list->method == MCP_TASKS_LIST)
		return task_item(p->l, p->t, p->up, item);
	if (id.n == 0 || id.n > TOOL_NAME_MAX)
		return false;
	if (map_get(p->seen, id) != NULL) /* a name twice: the first one */
		return false;
	(void)map_put(p->seen, id, p->up);
	if (p->list->method == MCP_TOOLS_LIST && p->era == MCP_MODERN &&
	    !tool_heads(p->l, item, &why))
		return false;
	if (!may(p->l, p->t->principal, p->up, str_of(p->list->use), id)) {
		declared_report(p->l, p->t, p->up, str_of(p->list->use), id);
		return false;
	}
	if (e->aggregate && !is_name && !one_owner(p, id))
		return false;
	buf_clear(&p->l->work2);
	if (p->list->method == MCP_TOOLS_LIST && !p->tasks &&
	    task_hide(&p->l->work2, item))
		item = jv_of(buf_view(&p->l->work2));
	if (e->aggregate && is_name)
		put_renamed(&p->t->out, item, p->list->key, p->up->name);
	else
		tape_copy(&p->t->out, item);
	return true;
}

static size_t
put_items(struct pick *p, struct jv items)
{
	struct jit it = jit_of(items);
	size_t n = 0;
	struct jv v;

	while (jit_next(&it, NULL, &v))
		n += put_item(p, v);
	return n;
}

/* Earlier pages lie one behind the other in g->all. */
static struct jv
earlier(const struct leg *g, struct buf *arr)
{
	const size_t o = tape_arr(arr);

	buf_str(arr, buf_view(&g->all));
	tape_end(arr, o, g->all_n);
	return jv_of(buf_view(arr));
}

static struct jv
last_page(const struct pick *p, const struct leg *g)
{
	return jv_get(jv_of(buf_view(&g->out)), str_of(p->list->items));
}

static size_t
put_leg(struct pick *p, const struct leg *g)
{
	struct buf arr = { .max = g->all.n + 64 };
	size_t n;

	p->seen = map_new(0);
	n = put_items(p, earlier(g, &arr));
	n += put_items(p, last_page(p, g));
	map_free(p->seen);
	buf_done(&arr);
	return n;
}

/* Whose list did not come shows what it showed before. */
static void
claim_all(struct pick *p)
{
	const struct turn *t = p->t;
	size_t i = 0;

	for (const struct leg *g = t->legs; g != NULL; g = g->next, i++) {
		struct buf arr = { .max = g->all.n + 64 };

		if (g->status != 0 || g->is_error)
			continue;
		p->up = t->target[i];
		uris_forget(
		    p->l, t->endpoint, t->principal, p->up, of_templates(p));
		claim_items(p, earlier(g, &arr));
		claim_items(p, last_page(p, g));
		buf_done(&arr);
	}
}

enum err
leg_failed(struct turn *t, const struct leg *g)
{
	size_t i = 0; /* legs are in order of the targets */

	for (const struct leg *at = t->legs; at != g; at = at->next)
		i++;
	return turn_fail(t, g->status, MCP_E_UPSTREAM, "upstream %.*s: %s",
	    STR_ARG(t->target[i]->name), g->why.text);
}

static enum err
merge_list(struct line *l, struct turn *t, const struct list *list)
{
	struct pick p = { .l = l, .t = t, .list = list };
	struct leg *g = t->legs;
	const struct leg *bad = NULL;
	size_t o, a, n = 0, good = 0;

	if (!str_eq(str_of(list->key), STR("name")))
		claim_all(&p);
	o = tape_obj(&t->out);
	tape_key(&t->out, str_of(list->items));
	a = tape_arr(&t->out);
	for (size_t i = 0; g != NULL; g = g->next, i++) {
		if (g->status != 0 || g->is_error) {
			bad = g;
			continue;
		}
		good++;
		p.up = t->target[i];
		p.era = g->era;
		p.tasks = g->tasks || (p.era == MCP_MODERN && t->era == p.era);
		n += put_leg(&p, g);
	}
	if (list->method == MCP_TOOLS_LIST)
		n += own_shown(l, t);
	tape_end(&t->out, a, n);
	tape_end(&t->out, o, 1);
	if (bad != NULL && good == 0)
		return leg_failed(t, bad);
	return buf_end(&t->out);
}

/* The one server's own result, with its items cut. */
static void
filter_list(
    struct line *l, struct turn *t, const struct list *list, struct jv r)
{
	struct pick p = { .l = l,
		.t = t,
		.list = list,
		.up = t->target[0],
		.era = t->legs->era,
		.tasks = t->legs->tasks ||
			 (t->legs->era == MCP_MODERN && t->era == MCP_MODERN) };
	struct jit it = jit_of(r);
	const size_t o = tape_obj(&t->out);
	size_t n = 0;
	struct str k;
	struct jv v;

	for (; jit_next(&it, &k, &v); n++) {
		tape_key(&t->out, k);
		if (str_eq(k, str_of(list->items))) { /* an array or empty */
			const size_t a = tape_arr(&t->out);

			p.seen = map_new(0);
			tape_end(&t->out, a, put_items(&p, v));
			map_free(p.seen);
		} else {
			tape_copy(&t->out, v);
		}
	}
	tape_end(&t->out, o, n);
}

/* ---- capabilities: narrowed, never widened ---- */
static const char *const shown_caps[] = { "tools", "prompts", "resources",
	"logging", "completions" };

static bool
put_cap(struct buf *b, const struct turn *t, struct hop *const *hops,
    const char *name)
{
	bool any = false, changed = false, sub = false;

	for (size_t i = 0; i < t->target_n; i++) {
		const struct hop *h = hops[t->target[i]->index];
		struct jv caps =
		    jv_of(h == NULL ? (struct str){ NULL, 0 } : h->caps);
		const struct jv c = jv_get(caps, str_of(name));

		any |= jv_is(c, J_OBJ);
		changed |= jv_true(jv_get(c, STR("listChanged")));
		sub |= jv_true(jv_get(c, STR("subscribe")));
	}
	if (any) {
		size_t o;

		tape_key(b, str_of(name));
		o = tape_obj(b);
		if (sub) {
			tape_key(b, STR("subscribe"));
			tape_bool(b, true);
		}
		if (changed) {
			tape_key(b, STR("listChanged"));
			tape_bool(b, true);
		}
		tape_end(b, o, (size_t)sub + changed);
	}
	return any;
}

static void
put_caps(const struct line *l, struct buf *b, const struct turn *t,
    struct hop *const *hops)
{
	const size_t o = tape_obj(b);
	size_t n = 0;

	for (size_t i = 0; i < countof(shown_caps); i++)
		n += put_cap(b, t, hops, shown_caps[i]);
	n += task_put_caps(l, b, t, hops);
	tape_end(b, o, n);
}

static const struct hop *
only_hop(const struct turn *t, struct hop *const *hops)
{
	if (t->endpoint->aggregate || t->target_n != 1)
		return NULL;
	return hops[t->target[0]->index];
}

static void
put_info(struct buf *b, const struct hop *h)
{
	size_t o;

	if (h != NULL && jv_is(jv_of(h->info), J_OBJ)) {
		tape_copy(b, jv_of(h->info));
		return;
	}
	o = tape_obj(b);
	tape_key(b, STR("name"));
	tape_str(b, STR("gatehouse"));
	tape_key(b, STR("version"));
	tape_str(b, STR(GATEHOUSE_VERSION));
	tape_end(b, o, 2);
}

static size_t
put_instructions(struct buf *b, const struct hop *h)
{
	if (h == NULL || h->text.n == 0)
		return 0;
	tape_key(b, STR("instructions"));
	tape_str(b, h->text);
	return 1;
}

static enum err
all_failed(struct turn *t)
{
	const struct leg *bad = NULL;

	for (const struct leg *g = t->legs; g != NULL; g = g->next) {
		if (g->status == 0)
			return OK;
		bad = g;
	}
	return bad == NULL ? OK : leg_failed(t, bad);
}

static enum err
merge_initialize(const struct line *l, struct turn *t)
{
	struct hop *const *hops = t->session->hop;
	const struct hop *h = only_hop(t, hops);
	struct buf *b = &t->out;
	size_t o;

	TRY(all_failed(t));
	o = tape_obj(b);
	tape_key(b, STR("protocolVersion"));
	tape_str(b, mcp_version_text(t->session->version));
	tape_key(b, STR("capabilities"));
	put_caps(l, b, t, hops);
	tape_key(b, STR("serverInfo"));
	put_info(b, h);
	tape_end(b, o, 3 + put_instructions(b, h));
	return buf_end(b);
}

static enum err
merge_discover(struct line *l, struct turn *t)
{
	struct buf *b = &t->out;
	struct hop *hops[SERVERS_MAX] = { NULL };
	const struct hop *h;
	size_t o, a, i;

	TRY(all_failed(t));
	for (i = 0; i < t->target_n; i++)
		hops[t->target[i]->index] = hop_known(l, t, t->target[i]);
	h = only_hop(t, hops);
	o = tape_obj(b);
	tape_key(b, STR("supportedVersions"));
	a = tape_arr(b);
	for (i = MCP_V__N; i-- > 0;)
		tape_str(b, mcp_version_text((int)i));
	tape_end(b, a, MCP_V__N);
	tape_key(b, STR("capabilities"));
	put_caps(l, b, t, hops);
	i = put_instructions(b, h);
	tape_key(b, STR("_meta"));
	a = tape_obj(b);
	tape_key(b, STR("io.modelcontextprotocol/serverInfo"));
	put_info(b, h);
	tape_end(b, a, 1);
	tape_end(b, o, 3 + i);
	return buf_end(b);
}

static enum err
merge_empty(struct turn *t)
{
	tape_end(&t->out, tape_obj(&t->out), 0);
	return OK;
}

enum err
step_merge(struct line *l, struct turn *t)
{
	const struct list *list = list_of(t->method);
	struct leg *g = t->legs;
	struct note why = { "" };
	enum err e;

	if (t->retry_of != 0 || t->own)
		return OK;
	if (t->method == MCP_PING || t->method == MCP_SET_LEVEL)
		return merge_empty(t);
	if (t->method == MCP_LISTEN)
		return listen_start(l, t);
	if (t->method == MCP_INITIALIZE)
		return merge_initialize(l, t);
	if (t->method == MCP_DISCOVER)
		return merge_discover(l, t);
	if (list != NULL && t->endpoint->aggregate)
		return merge_list(l, t, list);
	if (g->status != 0)
		return leg_failed(t, g);
	if (g->is_error) {
		buf_str(&t->out, buf_view(&g->out));
		t->is_error = true;
		note_words(&t->why,
		    jv_str(jv_get(jv_of(buf_view(&g->out)), STR("message"))));
		task_failed(l, t);
		return task_refused(t);
	}
	if (mcp_result_check(g->era, t->method, jv_of(buf_view(&g->out)),
		t->session != NULL ? jv_of(t->session->caps) : t->caps,
		&why) != OK)
		return turn_fail(t, 502, MCP_E_UPSTREAM, "upstream %.*s: %s",
		    STR_ARG(t->target[0]->name), why.text);
	TRY(models_wanted(l, t, jv_of(buf_view(&g->out))));
	if (str_eq(jv_str(jv_get(jv_of(buf_view(&g->out)), STR("resultType"))),
		STR("input_required")) &&
	    t->era == MCP_LEGACY)
		return bridge_inputs(l, t, g);
	e = task_merge(l, t, g);
	if (e != ERR_MORE)
		return e;
	again_note(l, t);
	if (list != NULL)
		filter_list(l, t, list, jv_of(buf_view(&g->out)));
	else
		buf_str(&t->out, buf_view(&g->out));
	return buf_end(&t->out);
}
