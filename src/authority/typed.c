/*
 * typed.c: what a server's tools mean for a call: the types of its arguments,
 * and the groups that its action is in.  A server's word about itself may take
 * away and never give: types refuse what does not fit, and what a tool says of
 * its risk counts only where the operator trusts that server's annotations.
 */
#include "authority/authority-in.h"

/* ---- types ---- */

struct typed {
	struct cedar_mcp_input *input;
	struct buf image;     /* what bounds points into; empty: none */
	struct schema bounds; /* what the values may be */
};

enum err
typed_new(struct jv tool, struct str server, const struct bounds *b,
    struct typed **out, struct note *why)
{
	struct buf action = { .max = 64 << 10 };
	struct typed *t = mem_get(sizeof(*t));
	struct cedar_why at = { .line = 0 };
	enum err e;

	buf_str(&action, server);
	buf_str(&action, STR("___"));
	buf_str(&action, jv_str(jv_get(tool, STR("name"))));
	e = buf_end(&action);
	if (!e)
		e = cedar_mcp_input_new(jv_bytes(tool), STR("Gatehouse"),
		    buf_view(&action), &t->input, &at);
	buf_done(&action);
	if (e)
		*why = at.note;
	else if (b != NULL)
		e = bounds_new(b, &t->bounds, &t->image, why);
	if (e)
		typed_free(t);
	else
		*out = t;
	return e;
}

enum err
typed_compile(struct jv tool, struct str server, bool open, struct typed **out,
    struct note *why)
{
	struct buf list = { .max = 1 << 20 }, entry = { .max = 1 << 20 };
	const size_t m = tape_arr(&list);
	struct bounds b;
	struct cur c;
	enum err e;

	tape_copy(&list, tool);
	tape_end(&list, m, 1);
	if (buf_end(&list) == OK)
		bounds_put(jv_of(buf_view(&list)), open, &entry);
	c = cur_of(entry.p, entry.n);
	(void)bounds_next(&c, &b);
	e = typed_new(tool, server, &b, out, why);
	buf_done(&list);
	buf_done(&entry);
	return e;
}

void
typed_free(struct typed *t)
{
	if (t == NULL)
		return;
	cedar_mcp_input_free(t->input);
	buf_done(&t->image);
	mem_free(t);
}

/* The arguments, by the tool's schema where it is known. */
enum err
call_input(
    const struct call *c, struct arena *a, struct known *k, struct note *why)
{
	const struct jv args = jv_get(c->params, STR("arguments"));
	struct cedar_why at = { .line = 0 };
	struct cedar_entities *es;
	enum err e;

	if (c->typed == NULL)
		return input_of(args, a, &k->input, why);
	es = cedar_entities_over(k->base, a);
	if (es == NULL)
		return ERR_LIMIT;
	k->base = es; /* what lies over it sees what the input names */
	e = cedar_mcp_input_value(c->typed->input,
	    (struct cedar_mcp_given){ jv_bytes(args), c->open }, es, a,
	    &k->input, &at);
	if (e) {
		*why = at.note;
		return e;
	}
	return c->typed->image.n == 0
		   ? OK
		   : bounds_check(&c->typed->bounds, args, why);
}

/* ---- risk ---- */

const struct str risk_groups[RISK_MAX] = { STR_INIT("read"), STR_INIT("write"),
	STR_INIT("destructive"), STR_INIT("egress"), STR_INIT("money") };

static void
add(struct call *c, const char *group)
{
	c->risk[c->risk_n++] = str_of(group);
}

void
risk_assume(struct call *c, unsigned groups)
{
	c->risk_n = 0;
	for (size_t i = 0; i < RISK_MAX; i++)
		if (groups >> i & 1)
			c->risk[c->risk_n++] = risk_groups[i];
}

/*
 * A forbid or permit whose scope names groups applies the more, the more of
 * them the tool is in: none and all of them are the two that matter.  What
 * conditions ask for may be asked for the other way (unless, !): there each
 * set of groups is a guess of its own.
 */
bool
risk_guess(const struct policy *p, unsigned i, struct call *c)
{
	const bool scopes = p->risk_scope != 0;
	unsigned groups = 0, rest = i >> scopes;

	for (size_t g = 0; g < RISK_MAX; g++)
		if (p->risk_asked >> g & 1) {
			groups |= (rest & 1) << g;
			rest >>= 1;
		}
	if (scopes && (i & 1))
		groups |= p->risk_scope;
	risk_assume(c, groups);
	return rest == 0;
}

unsigned
risk_mask(const struct call *c)
{
	unsigned groups = 0;

	for (size_t i = 0; i < c->risk_n; i++)
		for (size_t g = 0; g < RISK_MAX; g++)
			if (str_eq(c->risk[i], risk_groups[g]))
				groups |= 1U << g;
	return groups;
}

/* MCP, ToolAnnotations: what is not said is not read-only, destructive and of
 * an open world. */
static void
risk_said(struct call *c, struct jv says)
{
	const bool reads = jv_true(jv_get(says, STR("readOnlyHint")));

	add(c, reads ? "read" : "write");
	if (!reads && !jv_is(jv_get(says, STR("destructiveHint")), J_FALSE))
		add(c, "destructive");
	if (!jv_is(jv_get(says, STR("openWorldHint")), J_FALSE))
		add(c, "egress");
}

struct terms
terms_of(struct jv server)
{
	const struct str args = jv_str(jv_get(server, STR("arguments")));

	return (struct terms){ .facts = jv_get(server, STR("facts")),
		.risk = jv_get(server, STR("risk")),
		.open = str_eq(args, STR("open")),
		.always = str_eq(args, STR("always")),
		.trusted = str_eq(jv_str(jv_get(server, STR("annotations"))),
		    STR("trusted")) };
}

void
call_terms(const struct terms *d, struct jv tool, struct call *c)
{
	const struct jv risk = jv_get(d->risk, c->name);
	struct jit it = jit_of(risk);
	struct jv v, says = { NULL, 0 };

	c->facts = jv_get(d->facts, c->name);
	c->open = d->open;
	c->risk_n = 0;
	c->guessed = false;
	while (c->risk_n < RISK_MAX && jit_next(&it, NULL, &v))
		c->risk[c->risk_n++] = jv_str(v);
	if (jv_is(risk, J_ARR) || str_eq(c->server, OWN_SERVER))
		return;
	if (d->trusted)
		says = jv_get(tool, STR("annotations"));
	if (jv_is(says, J_OBJ))
		risk_said(c, says);
	else
		c->guessed = true;
}

/* Entities Action::"destructive" and so on, anywhere in a policy's JSON. */
unsigned
names_risk(struct jv est)
{
	unsigned got = 0;

	struct jit it = jit_of(est);
	const struct str type = jv_str(jv_get(est, STR("type")));
	const struct str id = jv_str(jv_get(est, STR("id")));
	struct jv v;

	for (size_t i = 0; i < RISK_MAX; i++)
		if (str_eq(id, risk_groups[i]) &&
		    str_eq(type, STR(NS "Action")))
			got |= 1U << i;
	while (jit_next(&it, NULL, &v))
		got |= names_risk(v);
	return got;
}
