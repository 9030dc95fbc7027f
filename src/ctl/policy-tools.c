/*
 * policy-tools: the tools that policies are checked with: from files that the
 * user names, or from the ledger, where the judge writes each definition when
 * it is first seen and when it is another.  The last one counts.
 */
#include "ctl/policy-in.h"

#include "ctl/ledger-walk.h"

struct jv
policy_tools_in(struct jv v)
{
	const struct jv result = jv_get(v, STR("result"));

	if (jv_is(v, J_ARR))
		return v;
	return jv_get(jv_is(result, J_OBJ) ? result : v, STR("tools"));
}

static bool
has_server(struct jv image, struct str name)
{
	struct jit it = jit_of(jv_get(image, STR("servers")));
	struct jv v;

	while (jit_next(&it, NULL, &v))
		if (str_eq(jv_str(jv_get(v, STR("name"))), name))
			return true;
	return false;
}

/* ---- from files ---- */

static int
put_file(const struct ctl *c, struct jv image, const char *arg, struct buf *out)
{
	const char *eq = strchr(arg, '=');
	struct buf tape = { 0 };
	struct str name;
	int status;

	if (eq == NULL)
		return ctl_say(c, CTL_MISUSE, "%s: write SERVER=FILE", arg);
	name = (struct str){ arg, (size_t)(eq - arg) };
	if (!has_server(image, name))
		return ctl_say(c, CTL_NO, "%s: there is no such server", arg);
	status = policy_slurp(c, eq + 1, &tape);
	if (status == CTL_YES) {
		tape_key(out, name);
		tape_copy(out, policy_tools_in(jv_of(buf_view(&tape))));
	}
	buf_done(&tape);
	return status;
}

static bool
same_server(const char *x, const char *y)
{
	const size_t n = strcspn(x, "=");

	return n == strcspn(y, "=") && strncmp(x, y, n) == 0;
}

static int
put_files(const struct ctl *c, struct jv image, struct buf *out)
{
	const size_t m = tape_obj(out);
	int status = CTL_YES;

	for (int i = 0; i < c->argc; i++)
		for (int k = 0; k < i; k++)
			if (same_server(c->arg[i], c->arg[k]))
				return ctl_say(c, CTL_MISUSE,
				    "%s: that server is there twice",
				    c->arg[i]);
	for (int i = 0; status == CTL_YES && i < c->argc; i++)
		status = put_file(c, image, c->arg[i], out);
	tape_end(out, m, (size_t)c->argc);
	return status;
}

/* ---- from the ledger ---- */

static void
take(void *arg, unsigned cell, uint64_t seq, struct str jcs, struct jv rec)
{
	(void)cell;
	(void)seq;
	(void)jcs;
	pins_take(arg, rec);
}

/* What is wrong with a cell. */
static void
cell_said(void *arg, const struct walk_cell *c)
{
	(void)arg;
	if (c->bad)
		(void)fprintf(stderr,
		    "gatehouse: ledger, cell %u, record %llu: %s\n", c->cell,
		    (unsigned long long)c->first_bad, c->why.text);
}

int
policy_pins(const struct ctl *c, struct jv image, struct buf *out)
{
	const struct str state = jv_str(jv_get(image, STR("state")));
	struct pins *pins = pins_new();
	const struct walk w = { pins, take, cell_said, NULL };
	struct note why = { "" };
	char dir[4096];
	enum err e;

	out->max = POLICY_BYTES;
	(void)snprintf(dir, sizeof(dir), "%.*s", STR_ARG(state));
	e = ledger_walk(dir, &w, &why);
	pins_put(pins, image, out);
	pins_free(pins);
	if (e == OK || e == ERR_GONE) /* a gateway that never ran */
		return CTL_YES;
	return ctl_say(c, CTL_FAILED, "%s", why.text);
}

int
policy_tools(const struct ctl *c, struct jv image, struct buf *tape)
{
	tape->max = POLICY_BYTES;
	return c->argc > 0 ? put_files(c, image, tape)
			   : policy_pins(c, image, tape);
}

struct jv
policy_tool_of(struct jv tools, struct jv call)
{
	const struct str server = jv_str(jv_get(call, STR("server")));
	struct jit it = jit_of(jv_get(tools, server));
	struct jv v;

	while (jit_next(&it, NULL, &v))
		if (jv_same(jv_get(v, STR("name")), jv_get(call, STR("name"))))
			return v;
	return (struct jv){ NULL, 0 };
}
