/*
 * evaluate: what would the line decide?  Somebody who enforces elsewhere names
 * a subject, an action and a resource in words of his own; here they become the
 * call that the gateway would have seen, and the function that decides turns
 * decides it.  No call is sent anywhere, nothing is remembered.
 */
#include "line/line-in.h"

enum thing { TOOL = 1, PROMPT = 2, RESOURCE = 4, SERVER = 8 };
/* What they call a thing: our word, Cedar's, and that of the MCP binding. */
static const struct {
	struct str type;
	enum thing thing;
} things[] = {
	{ STR_INIT("tool"), TOOL },
	{ STR_INIT("prompt"), PROMPT },
	{ STR_INIT("resource"), RESOURCE },
	{ STR_INIT("server"), SERVER },
	{ STR_INIT("mcp_server"), SERVER },
	{ STR_INIT("Gatehouse::Tool"), TOOL },
	{ STR_INIT("Gatehouse::Prompt"), PROMPT },
	{ STR_INIT("Gatehouse::Resource"), RESOURCE },
	{ STR_INIT("Gatehouse::Server"), SERVER },
};
/* Principals have one space of names, whatever they are. */
static const struct str subjects[] = { STR_INIT("agent"), STR_INIT("user"),
	STR_INIT("identity"), STR_INIT("Gatehouse::Agent"),
	STR_INIT("Gatehouse::User") };
/* What a method is done to; every other is done to a server. */
static const struct {
	enum mcp_method method;
	unsigned things;
	bool arguments;
} acts[] = {
	{ MCP_TOOLS_CALL, TOOL, true },
	{ MCP_PROMPTS_GET, PROMPT, true },
	{ MCP_RESOURCES_READ, RESOURCE, false },
	{ MCP_SUBSCRIBE, RESOURCE, false },
	{ MCP_UNSUBSCRIBE, RESOURCE, false },
	{ MCP_COMPLETE, PROMPT | RESOURCE, false },
	{ MCP_TASKS_GET, TOOL, false },
	{ MCP_TASKS_RESULT, TOOL, false },
	{ MCP_TASKS_UPDATE, TOOL, false },
	{ MCP_TASKS_CANCEL, TOOL, false },
};

static bool
no(struct evaluation *v, const char *rule, const char *reason)
{
	v->verdict =
	    (struct verdict){ .rule = str_of(rule), .reason = str_of(reason) };
	return false;
}

static bool
subject_of(struct line *l, const struct authzen_one *one, struct evaluation *v)
{
	bool known = false;

	for (size_t i = 0; i < countof(subjects); i++)
		known = known || str_eq(subjects[i], one->subject_type);
	if (!known)
		return no(v, "unknown-subject",
		    "A subject is of type agent, user or identity.");
	v->asked.principal = map_get(l->names, one->subject);
	if (v->asked.principal != NULL && v->asked.principal->known)
		return true;
	v->asked.principal = NULL;
	return no(v, "unknown-subject", "There is no such principal.");
}

/* server/name as Cedar says it, server___name as agents do; a server's name
 * has neither character. */
static const struct upstream *
split_thing(const struct line *l, struct str id, struct str *name)
{
	size_t n = 0;

	while (n < id.n && id.p[n] != '/' && id.p[n] != '_')
		n++;
	*name = str_sub(id, n, id.n);
	if (str_starts(*name, STR("/")))
		*name = str_sub(*name, 1, name->n);
	else if (str_starts(*name, STR("___")))
		*name = str_sub(*name, 3, name->n);
	else
		return NULL;
	return upstream_named(l, str_sub(id, 0, n));
}

/* An action is a method, by MCP's name or Cedar's, or one tool's. */
static bool
action_of(const struct line *l, const struct authzen_one *one,
    struct evaluation *v, const struct upstream **up, struct str *tool)
{
	enum mcp_method m = mcp_method_of(policy_method(one->action));
	const unsigned flags = mcp_row(m)->flags;

	*up = NULL;
	if (m == MCP_UNKNOWN &&
	    str_search(one->action, STR("___")) < one->action.n) {
		*up = split_thing(l, one->action, tool);
		m = *up != NULL ? MCP_TOOLS_CALL : MCP_UNKNOWN;
	} else if ((flags & M_UP) == 0 || (flags & M_NOTE) != 0) {
		m = MCP_UNKNOWN;
	}
	v->asked.method = m;
	return m != MCP_UNKNOWN ||
	       no(v, "unknown-action",
		   "An action is a method of MCP, or SERVER___TOOL.");
}

static unsigned
things_of(enum mcp_method m)
{
	for (size_t i = 0; i < countof(acts); i++)
		if (acts[i].method == m)
			return acts[i].things;
	return SERVER;
}

/* Whose a URI is, as on the endpoint of all servers. */
static bool
uri_of(struct line *l, const struct authzen_one *one, struct evaluation *v)
{
	const struct jv server = jv_get(one->properties, STR("server"));
	size_t n = 0;

	v->asked.name = one->resource;
	if (jv_is(server, J_STR)) {
		v->asked.up = upstream_named(l, jv_str(server));
		return v->asked.up != NULL ||
		       no(v, "unknown-resource",
			   "resource.properties.server is no server.");
	}
	for (size_t i = 0; i < l->endpoint_n; i++)
		if (l->endpoint[i].aggregate)
			v->asked.up = uri_owner(l, &l->endpoint[i],
			    v->asked.principal, one->resource,
			    v->asked.method == MCP_COMPLETE, &n);
	if (n > 1)
		return no(v, "uri-collision",
		    "Several servers show it: say which in "
		    "resource.properties.server.");
	return v->asked.up != NULL ||
	       no(v, "unknown-resource",
		   "No server has shown it to this subject: say whose it is in "
		   "resource.properties.server.");
}

static bool
thing_of(struct line *l, const struct authzen_one *one, struct evaluation *v,
    unsigned *thing)
{
	*thing = 0;
	for (size_t i = 0; i < countof(things); i++)
		if (str_eq(things[i].type, one->resource_type))
			*thing = things[i].thing;
	if (*thing == 0)
		return no(v, "unknown-resource",
		    "A resource is of type tool, prompt, resource or server.");
	if ((things_of(v->asked.method) & *thing) == 0)
		return no(v, "unknown-resource",
		    "This action is not done to resources of that type.");
	if (one->resource.n > NAME_MAX_N)
		return no(v, "unknown-resource", "The id is too long.");
	if (*thing == RESOURCE)
		return uri_of(l, one, v);
	if (*thing == SERVER)
		v->asked.up = upstream_named(l, one->resource);
	else
		v->asked.up = split_thing(l, one->resource, &v->asked.name);
	return (v->asked.up != NULL &&
		   (*thing == SERVER || v->asked.name.n > 0)) ||
	       no(v, "unknown-resource",
		   "No server of that name, or the id is not SERVER/NAME.");
}

static bool
has_arguments(enum mcp_method m)
{
	for (size_t i = 0; i < countof(acts); i++)
		if (acts[i].method == m)
			return acts[i].arguments;
	return false;
}

/* What a request may claim of itself, said in the context. */
static size_t
meta_put(struct buf *b, struct jv context)
{
	static const struct {
		const char *said, *meta;
	} claims[] = { { "on_behalf_of", META_ON_BEHALF_OF },
		{ "model", META_MODEL } };
	size_t o = 0, n = 0;

	for (size_t i = 0; i < countof(claims); i++) {
		const struct jv v = jv_get(context, str_of(claims[i].said));

		if (jv_is(v, J_NONE))
			continue;
		if (n++ == 0) {
			tape_key(b, STR("_meta"));
			o = tape_obj(b);
		}
		tape_key(b, str_of(claims[i].meta));
		tape_copy(b, v);
	}
	if (n == 0)
		return 0;
	tape_end(b, o, n);
	return 1;
}

static void
ref_put(struct buf *b, struct str key, struct str name)
{
	size_t o;

	tape_key(b, STR("ref"));
	o = tape_obj(b);
	tape_key(b, STR("type"));
	tape_str(b,
	    str_eq(key, STR("uri")) ? STR("ref/resource") : STR("ref/prompt"));
	tape_key(b, key);
	tape_str(b, name);
	tape_end(b, o, 2);
}

/* What an agent would send, as far as anything of it is decided on. */
static bool
params_of(const struct authzen_one *one, unsigned thing, struct evaluation *v,
    struct arena *mem)
{
	struct buf b = { .max = one->context.n + 3 * NAME_MAX_N };
	const struct str key = thing == RESOURCE ? STR("uri") : STR("name");
	const size_t o = tape_obj(&b);
	size_t n = meta_put(&b, one->context);
	bool whole;

	if (v->asked.method == MCP_COMPLETE) {
		ref_put(&b, key, v->asked.name);
		n++;
	} else if (!task_method(v->asked.method)) {
		tape_key(&b, key);
		tape_str(&b, v->asked.name);
		n++;
	}
	if (has_arguments(v->asked.method) && !jv_is(one->arguments, J_NONE)) {
		tape_key(&b, STR("arguments"));
		tape_copy(&b, one->arguments);
		n++;
	}
	tape_end(&b, o, n);
	v->asked.params = jv_of(arena_str(mem, buf_view(&b)));
	whole = buf_end(&b) == OK && !arena_spent(mem);
	buf_done(&b);
	return whole || no(v, "arguments", "The call is too large.");
}

bool
evaluation_of(struct line *l, const struct authzen_one *one,
    struct evaluation *v, struct arena *mem)
{
	const struct upstream *up;
	struct str tool = { NULL, 0 };
	unsigned thing;

	v->asked = (struct asked){ .method = MCP_UNKNOWN };
	if (!subject_of(l, one, v) || !action_of(l, one, v, &up, &tool) ||
	    !thing_of(l, one, v, &thing))
		return false;
	if (up != NULL && (up != v->asked.up || !str_eq(tool, v->asked.name)))
		return no(v, "unknown-resource",
		    "The action is one tool's, and the resource another.");
	return thing == SERVER || params_of(one, thing, v, mem);
}

void
evaluate(struct line *l, struct evaluation *v, struct arena *mem)
{
	struct call call;

	if (things_of(v->asked.method) == SERVER)
		v->verdict = decide_reach(
		    l, v->asked.principal, v->asked.up, v->asked.method);
	else
		v->verdict = decide_named(l, &v->asked, &call, mem);
}
