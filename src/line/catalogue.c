/*
 * catalogue: what is known of a server's tools.  The headers that mirror
 * arguments (2026-07-28) can only be checked, or made, by who knows the schema,
 * and so can arguments that policies read: a server is asked for its list
 * before the first call of a tool that no list has shown.
 */
#include "line/line-in.h"

/* Into work2: its x-mcp-headers. */
bool
tool_heads(struct line *l, struct jv tool, struct note *why)
{
	note_set(why, "too many headers");
	buf_clear(&l->work2);
	return mcp_tool_headers(
		   jv_get(tool, STR("inputSchema")), &l->work2, why) == OK &&
	       buf_view(&l->work2).n <= HEADS_MAX;
}

void
tool_learn(struct line *l, struct upstream *u, struct jv tool,
    const struct learning *how)
{
	const struct str name = jv_str(jv_get(tool, STR("name")));
	struct tool *known = map_get(u->tools, name);
	struct note why;

	if (!tool_heads(l, tool, &why)) {
		const struct fact f = { .kind = "finding",
			.reason = why.text,
			.server = u->name,
			.name = name,
			.verdict = how->modern ? "hidden" : "shown" };

		if ((*how->found)++ < FINDINGS_MAX) /* of one list: no flood */
			(void)record_fact(l, &f);
		if (how->modern)
			return;
		buf_clear(&l->work2); /* to a legacy server it means nothing */
		tape_end(&l->work2, tape_obj(&l->work2), 0);
	}
	if (known == NULL) {
		if (map_count(u->tools) > 10000)
			return;
		known = mem_get(sizeof(*known));
		(void)map_put(u->tools, name, known);
	}
	if (!str_eq(known->heads, buf_view(&l->work2))) {
		drop(&known->heads);
		known->heads = str_keep(buf_view(&l->work2));
	}
	definition_seen(l, u, known, tool, how);
}

void
tools_came(struct line *l, const struct leg *g, const struct msg *m)
{
	struct jit it = jit_of(jv_get(msg_tree(m, F_RESULT), STR("tools")));
	const struct str images = msg_text(m, F_BYTES);
	struct cur c = cur_of(images.p, images.n);
	struct map *seen = map_new(0);
	unsigned found = 0;
	struct bounds b;
	const struct learning how = { g->era == MCP_MODERN, &b, &found };
	struct jv v;

	while (jit_next(&it, NULL, &v)) {
		const struct str name = jv_str(jv_get(v, STR("name")));

		(void)bounds_next(&c, &b);
		if (name.n > 0 && name.n <= TOOL_NAME_MAX &&
		    map_put(seen, name, l) == NULL) /* twice: the first */
			tool_learn(l, g->hop->up, v, &how);
	}
	map_free(seen);
}

/* Are a call's arguments held against its tool's schema? */
bool
types_matter(const struct line *l, const struct upstream *u, struct str tool)
{
	return u->terms.always || policy_types(l->policy, u->name, tool);
}

static bool
is_known(const struct upstream *u, struct str name)
{
	const struct tool *k = map_get(u->tools, name);

	return k != NULL && k->seen;
}

/* Servers may have other tools for others, and not say when they change. */
static bool
may_be_new(const struct line *l, const struct upstream *u)
{
	return !u->listed || u->asked == 0 ||
	       line_now(l) - u->asked > ASK_AGAIN_S * UINT64_C(1000000000);
}

/* Only a modern server over HTTP is told of arguments in headers; what types
 * arguments must be known of any. */
static bool
unlisted(const struct line *l, const struct turn *t)
{
	const struct upstream *u = t->target[0];

	if (t->method != MCP_TOOLS_CALL || t->retry_of != 0)
		return false;
	if ((!u->http || u->listed ||
		u->speaks[t->session == NULL] == SPEAKS_LEGACY) &&
	    (!types_matter(l, u, t->name) || is_known(u, t->name) ||
		!may_be_new(l, u)))
		return false;
	return may(l, t->principal, u, t->method_text, t->name);
}

/* That a server is opened and asked is on record before it is. */
enum err
step_learn(struct line *l, struct turn *t)
{
	struct fact f = { .kind = "catalogue",
		.verdict = "allow",
		.reason = "asked by the gateway, to check arguments",
		.method = mcp_row(MCP_TOOLS_LIST)->text };

	if (!unlisted(l, t))
		return OK;
	f.principal = t->principal->name;
	f.server = t->target[0]->name;
	return record_first(l, t, &f);
}

enum err
step_fetch(struct line *l, struct turn *t)
{
	struct leg *g;
	struct hop *h;

	if (!unlisted(l, t)) /* or others have it meanwhile */
		return OK;
	h = hop_for(l, t, t->target[0]);
	if (h == NULL)
		return hops_full(t, t->target[0]);
	t->until = call_end(l);
	t->pending = 1; /* ours, so that no leg resumes the turn from here */
	g = leg_new(l, t, h);
	g->learning = true;
	leg_go(l, g);
	return --t->pending == 0 ? catalogue_had(t) : ERR_MORE;
}

enum err
catalogue_had(struct turn *t)
{
	return t->legs->status == 0 ? OK : leg_failed(t, t->legs);
}

/* What no list shows has no types, and cannot be judged by its arguments. */
bool
types_known(const struct line *l, const struct upstream *u, struct str name,
    struct verdict *why)
{
	const struct tool *k = map_get(u->tools, name);

	if (!types_matter(l, u, name) || (k != NULL && k->typed != NULL))
		return true;
	*why = (struct verdict){ .rule = STR("arguments"),
		.reason = STR("the server's list does not show this tool, so "
			      "nobody knows what its arguments are") };
	if (k != NULL && k->seen)
		why->reason = str_of(k->why.text);
	return false;
}

/* A header that contradicts the arguments refuses the call (N2). */
enum err
step_agree(struct line *l, struct turn *t)
{
	const struct upstream *u;
	const struct tool *known;
	struct note why;

	while (t->legs != NULL)
		leg_drop(l, t->legs);
	if (t->method != MCP_TOOLS_CALL || t->era != MCP_MODERN || t->stdio ||
	    t->retry_of != 0 || t->due != NULL) /* who asks has no headers */
		return OK;
	u = t->target[0];
	known = map_get(u->tools, t->name);
	if (known == NULL || u->speaks[1] == SPEAKS_LEGACY ||
	    mcp_heads_agree(jv_of(known->heads),
		jv_get(t->params, STR("arguments")), t->heads, &why) == OK)
		return OK;
	/* Who may not see the tool is refused by policy, not by its schema. */
	if (!may(l, t->principal, u, t->method_text, t->name))
		return OK;
	t->verdict.rule = STR("mirrored-headers");
	return turn_fail(t, 400, MCP_E_HEADERS, "%s", why.text);
}

/* The hop is open: the next page, unless there is nothing to ask for. */
void
catalogue_ask(struct line *l, struct leg *g)
{
	const struct session *s = g->turn->session;
	const struct jv caps = s != NULL ? jv_of(s->caps) : g->turn->caps;
	const struct jv next =
	    jv_get(jv_of(buf_view(&g->out)), STR("nextCursor"));
	struct msg m = msg_of(MSG_UP_CALL);
	size_t o;

	g->hop->up->asked = line_now(l);
	if ((g->hop->era != MCP_MODERN &&
		!types_matter(l, g->hop->up, g->turn->name)) ||
	    !hop_cap(g->hop, "tools")) {
		g->hop->up->listed = g->hop->era == MCP_MODERN;
		leg_done(l, g);
		return;
	}
	buf_clear(&l->work);
	o = tape_obj(&l->work);
	if (jv_is(next, J_STR)) {
		tape_key(&l->work, STR("cursor"));
		tape_copy(&l->work, next);
	}
	tape_end(&l->work, o, jv_is(next, J_STR));
	msg_set(&m, F_CALL, g->id);
	msg_set(&m, F_HOP, g->hop->id);
	msg_set(&m, F_METHOD, MCP_TOOLS_LIST);
	msg_set_text(&m, F_NAME, mcp_row(MCP_TOOLS_LIST)->text);
	msg_set(&m, F_TIME, call_left(l, g->turn));
	msg_set_text(&m, F_PARAMS, buf_view(&l->work));
	if (g->hop->era == MCP_MODERN && jv_type(caps) != J_NONE)
		msg_set_tree(&m, F_CAPS, caps);
	g->state = LEG_SENT;
	g->era = g->hop->era;
	if (l->port.back(l->port.arg, g->hop->up->index, &m) != OK) {
		g->status = 502;
		note_set(&g->why, "the upstream's process is not there");
		leg_done(l, g);
	}
}

/* An answer that is no list is no reason to refuse: the server checks too. */
void
catalogue_came(struct line *l, struct leg *g, const struct msg *m)
{
	const struct jv r = msg_tree(m, F_RESULT);

	buf_clear(&g->out);
	buf_str(&g->out, jv_bytes(r));
	if (jv_is(jv_get(r, STR("nextCursor")), J_STR) &&
	    ++g->pages < PAGES_MAX) {
		catalogue_ask(l, g);
		return;
	}
	g->hop->up->listed = true;
	leg_done(l, g);
}

static bool
mirrored(struct jv known, struct str name)
{
	struct jit it = jit_of(known);
	struct jv v;

	while (jit_next(&it, NULL, &v))
		if (str_ieq(jv_str(v), name))
			return true;
	return false;
}

/* What the schema mirrors is made from the arguments; what it does not know
 * goes on as it came (2026-07-28, custom headers). */
void
catalogue_heads(struct line *l, struct jv known, struct turn *t)
{
	struct buf made = { .max = 1 << 20 };
	struct jit it;
	struct str name;
	struct jv v;
	size_t o, n = 0;

	mcp_heads_make(known, jv_get(t->params, STR("arguments")), &made);
	buf_clear(&l->work2);
	o = tape_obj(&l->work2);
	it = jit_of(jv_of(buf_view(&made)));
	for (; jit_next(&it, &name, &v); n++) {
		tape_key(&l->work2, name);
		tape_copy(&l->work2, v);
	}
	it = jit_of(t->heads);
	while (jit_next(&it, &name, &v)) {
		if (!jv_is(v, J_STR) || mirrored(known, name))
			continue;
		tape_key(&l->work2, name);
		tape_copy(&l->work2, v);
		n++;
	}
	tape_end(&l->work2, o, n);
	buf_done(&made);
}
