/*
 * declared.c: where the inventory matters besides calls: what servers show, and
 * the models that they name when they ask an agent to sample.  Where models are
 * declared, each that is named is decided like a call: action use_model upon
 * it.  Which one the agent takes in the end is the agent's choice; a server
 * that names none leaves it to it altogether.
 */
#include "line/line-in.h"

enum {
	HINTS_MAX = 64,	     /* a preference, not a catalogue */
	REPORTED_MAX = 4096, /* things on record as not declared */
};

/* A server shows what nobody declared: on record once, until a reload. */
void
declared_report(struct line *l, const struct turn *t, const struct upstream *u,
    struct str method, struct str name)
{
	const struct call c = { .principal = t->principal->name,
		.server = u->name,
		.method = method,
		.name = name };
	struct buf key = { .max = 16384 };
	struct note why;
	const struct fact f = { .kind = "finding",
		.reason = why.text,
		.principal = c.principal,
		.server = c.server,
		.method = method,
		.name = name,
		.verdict = "hidden" };

	if (policy_declares(l->policy, &c, &why) ||
	    map_count(l->reported) >= REPORTED_MAX)
		return;
	buf_fmt(&key, "%u %.*s %.*s", u->index, STR_ARG(method), STR_ARG(name));
	if (buf_end(&key) == OK &&
	    map_get(l->reported, buf_view(&key)) == NULL && record_fact(l, &f))
		(void)map_put(l->reported, buf_view(&key), l);
	buf_done(&key);
}

static bool
model_ok(
    struct line *l, const struct wants *w, struct str name, struct note *why)
{
	const struct call c = { .principal = w->principal->name,
		.server = w->up->name,
		.method = mcp_row(MCP_SAMPLING)->text,
		.name = name };
	const struct verdict v = policy_decide(l->policy, &c, NULL);

	if (v.effect == ALLOW)
		return true;
	note_set(why, "model %.*s is denied by rule %.*s",
	    (int)(name.n > 80 ? 80 : name.n), name.p, STR_ARG(v.rule));
	return false;
}

bool
models_ok(
    struct line *l, const struct wants *w, struct jv params, struct note *why)
{
	const struct jv hints =
	    jv_get(jv_get(params, STR("modelPreferences")), STR("hints"));
	struct jit it = jit_of(hints);
	struct jv hint;

	if (!policy_lists_models(l->policy))
		return true;
	if (jv_count(hints) > HINTS_MAX) {
		note_set(why, "more than %d models are named", HINTS_MAX);
		return false;
	}
	while (jit_next(&it, NULL, &hint)) {
		const struct jv name = jv_get(hint, STR("name"));

		if (!jv_is(name, J_NONE) && !model_ok(l, w, jv_str(name), why))
			return false;
	}
	return true;
}

/* What a modern server wants before it answers. */
enum err
models_wanted(struct line *l, struct turn *t, struct jv result)
{
	const struct wants w = { t->principal, t->target[0] };
	struct jit it = jit_of(jv_get(result, STR("inputRequests")));
	struct note why;
	struct fact f = { .kind = "ask",
		.verdict = "deny",
		.principal = t->principal->name,
		.server = t->target[0]->name,
		.method = mcp_row(MCP_SAMPLING)->text };
	struct jv v;

	while (jit_next(&it, NULL, &v)) {
		if (!str_eq(jv_str(jv_get(v, STR("method"))), f.method) ||
		    models_ok(l, &w, jv_get(v, STR("params")), &why))
			continue;
		f.reason = why.text;
		(void)record_fact(l, &f);
		return turn_fail(t, 0, MCP_E_DENIED,
		    "the server asks for a model: %s", why.text);
	}
	return OK;
}
