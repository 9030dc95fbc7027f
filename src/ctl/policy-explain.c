/*
 * policy-explain: "policy show" what decides, "policy explain" why one call is
 * decided as it is.
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
	for (size_t i = 0; i < v->needs.n; i++)
		buf_fmt(out, "    %s approval: %.*s\n",
		    i == 0 ? "what would lift it:" : "               and",
		    STR_ARG(v->needs.at[i]));
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
	buf_fmt(out, "{\"effect\":\"%s\",\"by\":", policy_effect(v->effect));
	policy_put_list(out, v->by, v->by_n);
	buf_str(out, STR(",\"rule\":"));
	json_quote(v->rule, out);
	buf_str(out, STR(",\"reason\":"));
	json_quote(v->reason, out);
	buf_str(out, STR(",\"needs\":"));
	policy_put_list(out, v->needs.at, v->needs.n);
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
		 policy_typed(image, p, tool, &call, &typed, &why) != OK)
		status = ctl_say(c, CTL_NO, "%s", why.text);
	if (status == CTL_YES) {
		call.typed = typed;
		v = policy_decide(p, &call, a);
		if (v.assumed != 0)
			risk_assume(&call, v.assumed);
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
