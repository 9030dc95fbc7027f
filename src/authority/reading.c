/*
 * reading.c: what policies read of a call, as far as it costs something to
 * make: noted while they are compiled, and carried beside their engines.
 */
#include "authority/authority-in.h"

/* A chain of a hundred && nests two hundred deep in JSON. */
const struct json_limits own_limits = { JSON_DEPTH_MAX, 10000000, 8 << 20 };

enum { TOOLS_BYTES = 16 << 20, ACTION_MAX = 9000 };

/* ---- compiling ---- */

static void
add_action(struct reading *r, struct jv uid)
{
	const struct str id = jv_str(jv_get(uid, STR("id")));

	if (str_search(id, STR("___")) == id.n) {
		r->any = true; /* a group of actions */
		return;
	}
	r->tools.max = TOOLS_BYTES;
	buf_u32(&r->tools, (uint32_t)id.n);
	buf_str(&r->tools, id);
}

void
reading_add(struct reading *r, struct jv est)
{
	const struct jv scope = jv_get(est, STR("action"));
	const struct jv list = jv_get(scope, STR("entities"));
	struct jit it = jit_of(list);
	const unsigned what = reads_of(est);
	struct jv v;

	r->what |= what;
	r->risk_asked |= names_risk(jv_get(est, STR("conditions")));
	r->risk_scope |= names_risk(scope);
	if ((what & READS_INPUT) == 0)
		return;
	if (jv_is(jv_get(scope, STR("entity")), J_OBJ))
		add_action(r, jv_get(scope, STR("entity")));
	else if (!jv_is(list, J_ARR))
		r->any = true;
	while (jit_next(&it, NULL, &v))
		add_action(r, v);
}

enum err
est_of(const struct cedar_policies *ps, struct str id, struct buf *text,
    struct buf *tape, struct note *why)
{
	enum err e = cedar_policy_to_json(ps, id, text);

	if (!e)
		e = json_parse(buf_view(text), &own_limits, tape, NULL);
	if (e)
		note_set(why,
		    "too large, or nested too deeply: a chain of more than "
		    "100 && or || is one; use several when {}, a set, or two "
		    "policies");
	return e;
}

void
note_file(struct jv image, size_t i, struct note *why)
{
	struct cedar_policies *ps = cedar_policies_new();
	struct jit it = jit_of(jv_get(image, STR("policies")));
	const struct note was = *why;
	struct jv v;

	while (cedar_policies_count(ps) <= i && jit_next(&it, NULL, &v)) {
		/* It was parsed before. */
		(void)!cedar_policies_parse(
		    ps, jv_str(jv_get(v, STR("text"))), NULL);
		note_set(why, "%.*s:%s",
		    STR_ARG(jv_str(jv_get(v, STR("name")))), was.text);
	}
	cedar_policies_free(ps);
}

void
reading_put(const struct reading *r, struct buf *out)
{
	const bool any = r->any || r->tools.full;

	buf_u8(out, (uint8_t)r->what);
	buf_u8(out, (uint8_t)(r->risk_scope & ~r->risk_asked));
	buf_u8(out, (uint8_t)r->risk_asked);
	buf_u8(out, any);
	buf_u32(out, any ? 0 : (uint32_t)r->tools.n);
	if (!any)
		buf_str(out, buf_view(&r->tools));
}

void
reading_done(struct reading *r)
{
	buf_done(&r->tools);
}

/* ---- opening, asking ---- */

enum err
reading_get(struct cur *c, struct policy *p)
{
	struct str tools;
	struct cur at;

	p->reads = cur_u8(c);
	p->risk_scope = cur_u8(c) & RISK_ALL;
	p->risk_asked = cur_u8(c) & RISK_ALL;
	p->typed_any = cur_u8(c) != 0;
	tools = cur_str(c, cur_u32(c));
	at = cur_of(tools.p, tools.n);
	p->typed = map_new(0);
	while (cur_left(&at) > 0) {
		const struct str id = cur_str(&at, cur_u32(&at));

		if (!at.bad)
			(void)map_put(p->typed, id, p);
	}
	return c->bad ? ERR_SYNTAX : cur_end(&at);
}

unsigned
policy_reads(const struct policy *p)
{
	return p->reads;
}

bool
policy_types(const struct policy *p, struct str server, struct str tool)
{
	char key[ACTION_MAX];
	const size_t n = server.n + 3 + tool.n;

	if (p->typed_any || map_count(p->typed) == 0)
		return p->typed_any;
	if (n > sizeof(key))
		return true;
	memcpy(key, server.p, server.n);
	memset(key + server.n, '_', 3);
	memcpy(key + server.n + 3, tool.p, tool.n);
	return map_get(p->typed, (struct str){ key, n }) != NULL;
}
