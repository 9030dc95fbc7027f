/*
 * policy-explain: "policy show" what decides, "policy explain" why one call is
 * decided as it is, "policy map" who may do what.
 */
#include "ctl/policy-in.h"

int
ctl_policy_show(struct ctl *c)
{
	struct buf image = { 0 }, out = { .max = POLICY_BYTES };
	struct note why = { "" };
	int status = policy_image_conf(c, &image);

	if (status == CTL_YES &&
	    policy_show(jv_of(buf_view(&image)), &out, &why) != OK)
		status = ctl_say(c, CTL_NO, "%s", why.text);
	if (status == CTL_YES)
		status = ctl_put(&out);
	buf_done(&out);
	buf_done(&image);
	return status;
}

/* ---- explain ---- */

static struct str
text(struct jv v, const char *key)
{
	return jv_str(jv_get(v, str_of(key)));
}

static void
put_policy(struct buf *out, struct jv p)
{
	struct jit it = jit_of(jv_get(p, STR("missed")));
	const bool holds = jv_true(jv_get(p, STR("holds")));
	struct jv m;

	buf_fmt(out, "%.*s %.*s: %s\n", STR_ARG(text(p, "effect")),
	    STR_ARG(text(p, "id")),
	    holds			       ? "holds"
	    : jv_true(jv_get(p, STR("scope"))) ? "does not hold"
					       : "is not about this call");
	while (jit_next(&it, NULL, &m)) {
		const struct str error = text(m, "error");

		buf_fmt(out, "    %s %.*s\n",
		    error.n > 0 ? "cannot be told:" : "not so:",
		    STR_ARG(text(m, "part")));
		if (error.n > 0)
			buf_fmt(out, "        %.*s\n", STR_ARG(error));
	}
}

static void
put_people(struct buf *out, struct jv x, const struct verdict *v)
{
	struct jit it = jit_of(jv_get(x, STR("policies")));
	struct jv p;

	buf_fmt(out, "%s by %.*s: %.*s\n", policy_effect(v->effect),
	    STR_ARG(v->rule), STR_ARG(v->reason));
	for (size_t i = 1; i < v->by_n; i++)
		buf_fmt(out, "    and by %.*s\n", STR_ARG(v->by[i]));
	if (v->needs.n > 0)
		buf_fmt(out, "    what may lift it: %.*s\n", STR_ARG(v->needs));
	if (jv_is(x, J_NONE))
		return;
	buf_fmt(out, "principal %.*s\naction %.*s",
	    STR_ARG(text(x, "principal")), STR_ARG(text(x, "action")));
	it = jit_of(jv_get(x, STR("groups")));
	while (jit_next(&it, NULL, &p))
		buf_fmt(out, ", in %.*s", STR_ARG(jv_str(p)));
	buf_fmt(out, "\nresource %.*s\n", STR_ARG(text(x, "resource")));
	it = jit_of(jv_get(x, STR("policies")));
	while (jit_next(&it, NULL, &p))
		put_policy(out, p);
}

static void
put_json(struct buf *out, struct jv x, const struct verdict *v)
{
	buf_fmt(out, "{\"effect\":\"%s\",\"by\":[", policy_effect(v->effect));
	for (size_t i = 0; i < v->by_n; i++) {
		buf_str(out, i == 0 ? STR("") : STR(","));
		json_quote(v->by[i], out);
	}
	buf_str(out, STR("],\"rule\":"));
	json_quote(v->rule, out);
	buf_str(out, STR(",\"reason\":"));
	json_quote(v->reason, out);
	buf_str(out, STR(",\"needs\":"));
	json_quote(v->needs, out);
	buf_str(out, STR(",\"why\":"));
	json_write(x, out);
	buf_str(out, STR("}\n"));
}

static int
explain(struct ctl *c, struct jv image, struct jv tools, struct jv call_v,
    struct buf *out)
{
	const struct jv tool = policy_tool_of(tools, call_v);
	struct arena *a = arena_new(POLICY_ROOM);
	struct buf tape = { .max = POLICY_BYTES };
	struct policy *p = NULL;
	struct typed *typed = NULL;
	struct note why = { "" };
	struct call call;
	struct verdict v;
	int status = CTL_YES;

	if (!policy_call_of(image, call_v, tool, &call, &why))
		status = ctl_say(c, CTL_NO, "%s: %s", c->arg[0], why.text);
	else if (policy_new(image, &p, &why) != OK ||
		 (!jv_is(tool, J_NONE) &&
		     typed_new(tool, call.server, &typed, &why) != OK))
		status = ctl_say(c, CTL_NO, "%s", why.text);
	if (status == CTL_YES) {
		if (policy_types(p, call.server, call.name))
			call.typed = typed;
		v = policy_decide(p, &call, a);
		if (v.assumed)
			risk_assume(&call);
		/* Refused before any policy was asked: the reason says all. */
		if (policy_explain(image, &call, &tape, &why) != OK)
			buf_clear(&tape);
		(c->json ? put_json : put_people)(
		    out, jv_of(buf_view(&tape)), &v);
	}
	typed_free(typed);
	policy_free(p);
	buf_done(&tape);
	arena_free(a);
	return status;
}

int
ctl_policy_explain(struct ctl *c)
{
	struct buf image = { 0 }, tape = { 0 }, out = { .max = POLICY_BYTES };
	struct buf tools = { 0 };
	int status = policy_slurp(c, c->arg[0], &tape);

	if (status == CTL_YES)
		status = policy_image_conf(c, &image);
	if (status == CTL_YES)
		status = policy_pins(c, jv_of(buf_view(&image)), &tools);
	if (status == CTL_YES)
		status = explain(c, jv_of(buf_view(&image)),
		    jv_of(buf_view(&tools)), jv_of(buf_view(&tape)), &out);
	if (status == CTL_YES)
		status = ctl_put(&out);
	buf_done(&tools);
	buf_done(&out);
	buf_done(&tape);
	buf_done(&image);
	return status;
}

/* ---- map ---- */

struct map_of {
	struct ctl *c;
	struct jv image;
	struct policy *policy;
	struct arena *a;
	struct buf *out;
};

/* What a call without arguments gets, and whether others may get more. */
static void
map_tool(struct map_of *m, struct str who, struct str server, struct jv def)
{
	const struct str tool = jv_str(jv_get(def, STR("name")));
	struct buf tape = { .max = 64 << 10 };
	struct note why;
	struct call call;
	struct verdict v;
	const char *word;
	size_t o;

	o = tape_obj(&tape);
	tape_key(&tape, STR("principal"));
	tape_str(&tape, who);
	tape_key(&tape, STR("server"));
	tape_str(&tape, server);
	tape_key(&tape, STR("name"));
	tape_str(&tape, tool);
	tape_end(&tape, o, 3);
	if (policy_call_of(
		m->image, jv_of(buf_view(&tape)), def, &call, &why)) {
		arena_reset(m->a);
		v = policy_decide(m->policy, &call, m->a);
		word = policy_effect(v.effect);
		if (!policy_shows(m->policy, &call))
			word = "never";
		else if (v.effect == DENY)
			word = "depends";
		if (m->c->json) {
			buf_str(m->out, STR("{\"principal\":"));
			json_quote(who, m->out);
			buf_str(m->out, STR(",\"server\":"));
			json_quote(server, m->out);
			buf_str(m->out, STR(",\"tool\":"));
			json_quote(tool, m->out);
			buf_fmt(m->out, ",\"may\":\"%s\",\"by\":", word);
			json_quote(v.rule, m->out);
			buf_str(m->out, STR("}\n"));
		} else {
			buf_fmt(m->out, "%-20.*s %-12.*s %-28.*s %-8s %.*s\n",
			    STR_ARG(who), STR_ARG(server), STR_ARG(tool), word,
			    STR_ARG(v.rule));
		}
	}
	buf_done(&tape);
}

/* Principals of the configuration, and anonymous. */
static void
map_everyone(struct map_of *m, struct str server, struct jv tool)
{
	const struct str anon = jv_str(jv_get(m->image, STR("anonymous")));
	struct jit it = jit_of(jv_get(m->image, STR("principals")));
	struct jv v;

	while (jit_next(&it, NULL, &v))
		map_tool(m, jv_str(jv_get(v, STR("name"))), server, tool);
	if (anon.n > 0)
		map_tool(m, anon, server, tool);
}

static void
map_servers(struct map_of *m, struct jv tools)
{
	struct jit it = jit_of(jv_get(m->image, STR("servers")));
	struct jv v, tool;

	while (jit_next(&it, NULL, &v)) {
		const struct str name = jv_str(jv_get(v, STR("name")));
		struct jit in = jit_of(jv_get(tools, name));

		if (jv_is(jv_get(tools, name), J_NONE))
			(void)ctl_say(m->c, 0,
			    "server %.*s: its tools are not known",
			    STR_ARG(name));
		while (jit_next(&in, NULL, &tool))
			map_everyone(m, name, tool);
	}
}

int
ctl_policy_map(struct ctl *c)
{
	struct buf image = { 0 }, tools = { 0 }, out = { .max = POLICY_BYTES };
	struct map_of m = { .c = c, .out = &out };
	struct note why = { "" };
	int status = policy_image_conf(c, &image);

	m.image = jv_of(buf_view(&image));
	m.a = arena_new(POLICY_ROOM);
	if (status == CTL_YES && policy_new(m.image, &m.policy, &why) != OK)
		status = ctl_say(c, CTL_NO, "%s", why.text);
	if (status == CTL_YES)
		status = policy_tools(c, m.image, &tools);
	if (status == CTL_YES) {
		map_servers(&m, jv_of(buf_view(&tools)));
		status = ctl_put(&out);
	}
	policy_free(m.policy);
	buf_done(&tools);
	buf_done(&out);
	buf_done(&image);
	arena_free(m.a);
	return status;
}
