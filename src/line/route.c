/*
 * route: which servers does it concern, under which name, and may it?
 *
 * A list or a handshake concerns every server of the endpoint that some rule
 * lets the principal reach, and what it shows is cut to what may be used; a
 * call concerns one.
 */
#include "line/line-in.h"

/* What the configuration says of a tool, and what it says of itself. */
static void
declared(const struct line *l, const struct upstream *u, struct call *c)
{
	const struct tool *k = map_get(u->tools, c->name);
	const struct jv none = { NULL, 0 };

	call_terms(&u->terms, k != NULL ? jv_of(k->definition) : none, c);
	if (k != NULL && types_matter(l, u, c->name))
		c->typed = k->typed;
}

bool
may(const struct line *l, const struct principal *p, const struct upstream *u,
    struct str method, struct str name)
{
	struct call c = { .principal = p->name,
		.server = u->name,
		.method = method,
		.name = name };

	if (str_eq(method, mcp_row(MCP_TOOLS_CALL)->text))
		declared(l, u, &c);
	return policy_shows(l->policy, &c);
}

bool
may_use(const struct line *l, const struct principal *p,
    const struct upstream *u, struct str method, struct str name)
{
	struct call c = { .principal = p->name,
		.server = u->name,
		.method = method,
		.name = name };

	if (str_eq(method, mcp_row(MCP_TOOLS_CALL)->text))
		declared(l, u, &c);
	c.typed = NULL; /* there are no arguments */
	return policy_decide(l->policy, &c, NULL).effect == ALLOW;
}

const struct upstream *
upstream_named(const struct line *l, struct str name)
{
	for (size_t i = 0; i < l->up_n; i++)
		if (str_eq(l->up[i].name, name))
			return &l->up[i];
	return NULL;
}

/* server___name */
static struct upstream *
split_name(const struct endpoint *e, struct str *name)
{
	const size_t at = str_search(*name, STR("___"));

	if (!e->aggregate)
		return e->up[0];
	for (size_t i = 0; at < name->n && i < e->n; i++)
		if (str_eq(e->up[i]->name, str_sub(*name, 0, at))) {
			*name = str_sub(*name, at + 3, name->n);
			return e->up[i];
		}
	return NULL;
}

/* A completion of a template names it whole. */
static struct upstream *
split_uri(const struct line *l, struct turn *t, size_t *n)
{
	struct endpoint *e = t->endpoint;

	*n = 1;
	return !e->aggregate ? e->up[0]
			     : uri_owner(l, e, t->principal, t->name,
				   t->method == MCP_COMPLETE, n);
}

static enum err
claimed_twice(struct turn *t)
{
	t->verdict.rule = STR("uri-collision");
	return turn_fail(t, 0, MCP_E_DENIED,
	    "several servers of this endpoint show it: ask one by its own "
	    "endpoint");
}

/* What a completion is for is what its type says, and only that is there. */
static struct jv
completed(struct jv ref, bool *by_name)
{
	const struct str type = jv_str(jv_get(ref, STR("type")));
	const struct jv name = jv_get(ref, STR("name"));
	const struct jv uri = jv_get(ref, STR("uri"));

	*by_name = str_eq(type, STR("ref/prompt"));
	if (*by_name && jv_type(uri) == J_NONE)
		return name;
	if (str_eq(type, STR("ref/resource")) && jv_type(name) == J_NONE)
		return uri;
	return (struct jv){ NULL, 0 };
}

/* The one server that a named request concerns. */
static enum err
route_one(struct line *l, struct turn *t)
{
	struct upstream *u = NULL;
	size_t n = 0;
	struct jv name;
	bool by_name =
	    t->method == MCP_TOOLS_CALL || t->method == MCP_PROMPTS_GET;

	if (t->method == MCP_COMPLETE)
		name = completed(jv_get(t->params, STR("ref")), &by_name);
	else
		name = jv_get(t->params, by_name ? STR("name") : STR("uri"));
	if (!jv_is(name, J_STR) || jv_str(name).n == 0)
		return turn_fail(
		    t, 0, MCP_E_PARAMS, "the request names nothing");
	if (jv_str(name).n > NAME_MAX_N)
		return turn_fail(
		    t, 0, MCP_E_PARAMS, "the request's name is too long");
	t->name = jv_str(name);
	if (own_is(l, t, t->name))
		return own_route(l, t);
	u = by_name ? split_name(t->endpoint, &t->name) : split_uri(l, t, &n);
	if (n > 1)
		return claimed_twice(t);
	if (u == NULL || t->name.n == 0)
		return turn_fail(t, 0,
		    t->era == MCP_LEGACY && t->method == MCP_RESOURCES_READ
			? MCP_E_NO_RESOURCE
			: MCP_E_PARAMS,
		    "no server of this endpoint has it");
	t->target[t->target_n++] = u;
	return bound_ok(t);
}

static bool
named(enum mcp_method m)
{
	return m == MCP_TOOLS_CALL || m == MCP_PROMPTS_GET ||
	       m == MCP_RESOURCES_READ || m == MCP_SUBSCRIBE ||
	       m == MCP_UNSUBSCRIBE || m == MCP_COMPLETE;
}

enum err
step_route(struct line *l, struct turn *t)
{
	if (t->method == MCP_PING)
		return OK;
	if (task_method(t->method))
		return task_route(l, t);
	if (t->method == MCP_TASKS_LIST ||
	    (t->method == MCP_LISTEN &&
		jv_type(jv_at(t->params, "notifications/taskIds")) != J_NONE))
		TRY(task_spoken(l, t));
	TRY(task_wanted(l, t));
	if (named(t->method))
		return route_one(l, t);
	if (t->method == MCP_SET_LEVEL &&
	    (!jv_is(jv_get(t->params, STR("level")), J_STR) ||
		jv_str(jv_get(t->params, STR("level"))).n > LEVEL_MAX))
		return turn_fail(t, 0, MCP_E_PARAMS, "no such log level");
	if (t->endpoint->aggregate &&
	    (mcp_row(t->method)->flags & M_LIST) != 0 &&
	    jv_type(jv_get(t->params, STR("cursor"))) != J_NONE)
		return turn_fail(t, 0, MCP_E_PARAMS,
		    "bad cursor: lists of this endpoint have one page");
	for (size_t i = 0; i < t->endpoint->n; i++)
		if (policy_reaches(l->policy, t->principal->name,
			t->endpoint->up[i]->name, t->method_text))
			t->target[t->target_n++] = t->endpoint->up[i];
	return OK;
}

static struct verdict
reached(bool any)
{
	if (any)
		return (struct verdict){ .effect = ALLOW,
			.rule = STR("reachable"),
			.reason = STR("a rule reaches these servers") };
	return (struct verdict){ .rule = STR("default-deny"),
		.reason = STR("no rule lets this principal reach a server of "
			      "this endpoint") };
}

/* The steps that every agent needs before it can call anything. */
static enum err
decide_general(struct turn *t)
{
	t->verdict = reached(t->method == MCP_PING || t->target_n > 0);
	if (t->verdict.effect == ALLOW)
		return OK;
	return turn_fail(
	    t, 403, MCP_E_DENIED, "denied: %.*s", STR_ARG(t->verdict.reason));
}

struct verdict
decide_reach(const struct line *l, const struct principal *p,
    const struct upstream *u, enum mcp_method m)
{
	return reached(m == MCP_PING || policy_reaches(l->policy, p->name,
					    u->name, mcp_row(m)->text));
}

/* What policy is asked of it. */
static struct call
call_of(const struct line *l, const struct asked *a, struct arena *mem)
{
	struct call c = { .principal = a->principal->name,
		.server = a->up->name,
		.method = mcp_row(a->method)->text,
		.name = a->name,
		.params = a->params,
		.session = facts_of(l, a, mem),
		.budget = a->budget };

	if (a->method == MCP_TOOLS_CALL || task_method(a->method))
		declared(l, a->up, &c);
	if (a->method == MCP_COMPLETE)
		/* Completing tells of it: it must be free to use as well. */
		c.also = mcp_row(jv_type(jv_at(a->params, "ref/uri")) != J_NONE
				     ? MCP_RESOURCES_READ
				     : MCP_PROMPTS_GET)
			     ->text;
	if (task_method(a->method)) {
		c.also = policy_also(c.method);
		/* It is that call still, and has no arguments. */
		c.facts = (struct jv){ NULL, 0 };
		c.typed = NULL;
	}
	return c;
}

struct verdict
decide_named(const struct line *l, const struct asked *a, struct call *call,
    struct arena *mem)
{
	struct note unused;
	struct verdict v;

	*call = call_of(l, a, mem);
	/* Where that fails the verdict says so. */
	(void)!policy_chain(l->policy, call, &unused);
	if (a->method == MCP_TOOLS_CALL && call->typed == NULL &&
	    !types_known(l, a->up, a->name, &v) &&
	    policy_shows(l->policy, call))
		return v;
	return policy_decide(l->policy, call, mem);
}

struct asked
asked_of(const struct turn *t)
{
	return (struct asked){ .principal = t->principal,
		.session = t->session,
		.up = t->target[0],
		.method = t->method,
		.name = t->name,
		.params = t->params,
		.budget = t->budget };
}

struct call
turn_call(const struct line *l, const struct turn *t)
{
	const struct asked a = asked_of(t);

	return call_of(l, &a, t->mem);
}

/* Held, and nobody here can approve: says all that it would need. */
static enum err
unapproved(struct turn *t)
{
	const struct verdict *v = &t->verdict;
	struct note needs = { "" };

	for (size_t i = 0; i < v->needs.n; i++) {
		const struct note so_far = needs;

		note_set(&needs, "%s%s%.*s", so_far.text, i > 0 ? ", " : "",
		    STR_ARG(v->needs.at[i]));
	}
	return turn_fail(t, 0, MCP_E_DENIED,
	    "denied by rule %.*s: approval_unavailable (%s): %.*s",
	    STR_ARG(v->rule), needs.text, STR_ARG(v->reason));
}

enum err
step_decide(struct line *l, struct turn *t)
{
	struct asked a;

	if (!named(t->method) && !task_method(t->method))
		return decide_general(t);
	a = asked_of(t);
	t->verdict = decide_named(l, &a, &t->asked, t->mem);
	facts_note(l, t);
	if (t->verdict.effect == ALLOW)
		return OK;
	if (t->verdict.effect == HOLD)
		return unapproved(t);
	return turn_fail(t, 0, MCP_E_DENIED, "denied by rule %.*s: %.*s",
	    STR_ARG(t->verdict.rule), STR_ARG(t->verdict.reason));
}

static enum err
endpoint_setup(struct line *l, struct endpoint *e, struct jv v)
{
	struct jit it = jit_of(jv_get(v, STR("servers")));
	struct jv s;
	int64_t i;

	e->path = jv_str(jv_get(v, STR("path")));
	e->aggregate = str_eq(e->path, STR("/mcp"));
	e->claims = map_new(0);
	while (jit_next(&it, NULL, &s)) {
		if (jv_i64(s, &i) != OK || i < 0 || (size_t)i >= l->up_n ||
		    e->n == SERVERS_MAX)
			return ERR_SYNTAX;
		e->up[e->n++] = &l->up[i];
	}
	return OK;
}

enum err
route_setup(struct line *l, struct note *why)
{
	struct jit it = jit_of(jv_get(l->image, STR("servers")));
	const struct jv ends = jv_get(l->image, STR("endpoints"));
	struct jv v;

	while (jit_next(&it, NULL, &v)) {
		struct upstream *u = &l->up[l->up_n];

		if (l->up_n == SERVERS_MAX) {
			note_set(why, "more than %d servers", SERVERS_MAX);
			return ERR_LIMIT;
		}
		u->index = (unsigned)l->up_n++;
		u->name = str_keep(jv_str(jv_get(v, STR("name"))));
		u->conf = v;
		u->terms = terms_of(v);
		u->data = jv_get(v, STR("data"));
		u->results = jv_get(v, STR("results"));
		u->subject = jv_get(v, STR("subject"));
		u->http = str_eq(jv_str(jv_get(v, STR("kind"))), STR("http"));
		if (str_eq(jv_str(jv_get(v, STR("era"))), STR("legacy")))
			u->speaks[0] = u->speaks[1] = SPEAKS_LEGACY;
		u->tools = map_new(0);
	}
	l->endpoint = mem_get((jv_count(ends) + 1) * sizeof(*l->endpoint));
	it = jit_of(ends);
	while (jit_next(&it, NULL, &v))
		if (endpoint_setup(l, &l->endpoint[l->endpoint_n++], v) != OK) {
			note_set(why, "an endpoint of the image is broken");
			return ERR_SYNTAX;
		}
	return OK;
}

void
route_done(struct line *l)
{
	for (size_t i = 0; i < l->endpoint_n; i++)
		uris_done(&l->endpoint[i]);
	mem_free(l->endpoint);
	for (size_t i = 0; i < l->up_n; i++) {
		size_t at = 0;
		void *v;

		while (map_next(l->up[i].tools, &at, NULL, &v))
			tool_free(v);
		map_free(l->up[i].tools);
		drop(&l->up[i].name);
	}
}
