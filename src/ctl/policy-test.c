/*
 * policy-test: "policy test": calls in a file against the policies, by the same
 * engine that decides in the gateway, and without one.
 */
#include "ctl/policy-in.h"

#include "cedar/cedar.h"

/* ---- test ---- */

struct run {
	const struct ctl *c;
	const char *path;
	struct str name;
	struct jv image, tools; /* tools: of servers, or absent */
	struct policy *policy;
	struct arena *a;
	struct buf *out;
	size_t passed, failed;
};

static bool
is_by(const struct verdict *v, struct str id)
{
	if (str_eq(v->rule, id))
		return true;
	for (size_t i = 0; i < v->by_n; i++)
		if (str_eq(v->by[i], id))
			return true;
	return false;
}

/* needs: all approvals that it needs, in any order; or absent. */
static bool
is_held_for(const struct verdict *v, struct jv needs)
{
	struct jit it = jit_of(needs);
	size_t found = 0;
	struct jv one;

	if (jv_is(needs, J_NONE))
		return true;
	while (jit_next(&it, NULL, &one))
		for (size_t i = 0; i < v->needs.n; i++)
			found += str_eq(v->needs.at[i], jv_str(one));
	return found == v->needs.n && found == jv_count(needs);
}

static bool
as_expected(
    const struct verdict *v, struct str want, struct str by, struct jv needs)
{
	return str_eq(want, str_of(policy_effect(v->effect))) &&
	       (by.n == 0 || is_by(v, by)) && is_held_for(v, needs);
}

static void
put_needs(struct buf *out, const struct verdict *v)
{
	for (size_t i = 0; i < v->needs.n; i++)
		buf_fmt(out, "%s%.*s", i == 0 ? ", needs " : " and ",
		    STR_ARG(v->needs.at[i]));
}

static void
put_case(struct run *r, size_t nr, struct jv one, const struct verdict *v,
    bool good, struct str want)
{
	const struct str what = jv_str(jv_get(one, STR("case")));
	const struct str name = jv_str(jv_get(one, STR("name")));
	const struct str by = jv_str(jv_get(one, STR("by")));
	struct buf *out = r->out;

	if (r->c->json) {
		buf_str(out, STR("{\"run\":"));
		json_quote(r->name, out);
		buf_fmt(out, ",\"nr\":%zu,\"case\":", nr);
		json_quote(what.n > 0 ? what : name, out);
		buf_fmt(out, ",\"passed\":%s,\"effect\":\"%s\",\"by\":",
		    good ? "true" : "false", policy_effect(v->effect));
		json_quote(v->rule, out);
		buf_str(out, STR(",\"reason\":"));
		json_quote(v->reason, out);
		buf_str(out, STR(",\"needs\":"));
		policy_put_list(out, v->needs.at, v->needs.n);
		buf_str(out, STR("}\n"));
		return;
	}
	buf_fmt(out, "%s %zu %.*s%s%.*s: %s by %.*s", good ? "ok" : "FAILED",
	    nr, STR_ARG(r->name), r->name.n ? ": " : "",
	    STR_ARG(what.n > 0 ? what : name), policy_effect(v->effect),
	    STR_ARG(v->rule));
	put_needs(out, v);
	buf_ch(out, '\n');
	if (!good)
		buf_fmt(out, "    expected %.*s%s%.*s; got: %.*s\n",
		    STR_ARG(want), by.n ? " by " : "", STR_ARG(by),
		    STR_ARG(v->reason));
}

static bool
is_effect(struct str s)
{
	return str_eq(s, STR("allow")) || str_eq(s, STR("deny")) ||
	       str_eq(s, STR("hold"));
}

/* expect: of the whole run, instead of what each case says; or empty. */
static int
run_case(struct run *r, size_t nr, struct jv one, struct str expect)
{
	const struct jv tool = policy_tool_of(r->tools, one);
	struct str want = expect, by = STR("");
	struct jv needs = { NULL, 0 };
	struct typed *typed = NULL;
	struct verdict v;
	struct note why;
	struct call call;
	bool good;

	if (want.n == 0) {
		want = jv_str(jv_get(one, STR("expect")));
		by = jv_str(jv_get(one, STR("by")));
		needs = jv_get(one, STR("needs"));
	}
	if (!is_effect(want))
		return ctl_say(r->c, CTL_NO,
		    "%s: case %zu: expect must be allow, deny or hold", r->path,
		    nr);
	if (!policy_call_of(r->image, one, tool, &call, &why))
		return ctl_say(
		    r->c, CTL_NO, "%s: case %zu: %s", r->path, nr, why.text);
	if (policy_typed(r->image, r->policy, tool, &call, &typed, &why) != OK)
		return ctl_say(
		    r->c, CTL_NO, "%s: case %zu: %s", r->path, nr, why.text);
	arena_reset(r->a);
	call.typed = typed;
	v = policy_decide(r->policy, &call, r->a);
	typed_free(typed);
	good = as_expected(&v, want, by, needs);
	put_case(r, nr, one, &v, good, want);
	*(good ? &r->passed : &r->failed) += 1;
	return CTL_YES;
}

static int
run_cases(struct run *r, struct jv cases, struct str expect)
{
	struct jit it = jit_of(cases);
	int status = CTL_YES;
	struct jv one;

	if (!jv_is(cases, J_ARR) || jv_count(cases) == 0)
		return ctl_say(r->c, CTL_NO,
		    "%s: there are no cases: cases is a list, calls the name "
		    "of a file of them",
		    r->path);
	for (size_t nr = 1; status == CTL_YES && jit_next(&it, NULL, &one);
	     nr++)
		status = run_case(r, nr, one, expect);
	return status;
}

/* A member of the run, or of the file around it. */
static struct jv
member(struct jv run, struct jv file, struct str key)
{
	const struct jv v = jv_get(run, key);

	return jv_is(v, J_NONE) ? jv_get(file, key) : v;
}

/* The cases of a run: in the file, or in a file of their own. */
static int
cases_of(struct run *r, struct jv run, struct jv file, struct buf *tape,
    struct jv *out)
{
	const struct str calls = jv_str(member(run, file, STR("calls")));
	char path[4096];
	int status;

	*out = member(run, file, STR("cases"));
	if (calls.n == 0)
		return CTL_YES;
	if (!policy_beside(r->path, calls, path))
		return ctl_say(
		    r->c, CTL_NO, "%s: the path is too long", r->path);
	status = policy_slurp(r->c, path, tape);
	*out = jv_of(buf_view(tape));
	return status;
}

/* tools: {SERVER: FILE}, beside; without it those of the ledger, when the
 * policies are the configuration's. */
static int
tools_of(const struct run *r, struct jv files, bool conf, struct buf *out)
{
	struct jit it = jit_of(files);
	int status = CTL_YES;
	struct str server;
	char path[4096];
	struct jv v;
	size_t m;

	if (jv_is(files, J_NONE) && conf)
		return policy_pins(r->c, r->image, out);
	out->max = POLICY_BYTES;
	m = tape_obj(out);
	while (status == CTL_YES && jit_next(&it, &server, &v)) {
		struct buf one = { 0 };

		if (!policy_beside(r->path, jv_str(v), path))
			return ctl_say(
			    r->c, CTL_NO, "%s: the path is too long", r->path);
		status = policy_slurp(r->c, path, &one);
		tape_key(out, server);
		tape_copy(out, policy_tools_in(jv_of(buf_view(&one))));
		buf_done(&one);
	}
	tape_end(out, m, jv_count(files));
	return status;
}

static int
run_one(struct run *r, struct jv run, struct jv file)
{
	const struct jv files = member(run, file, STR("policies"));
	const struct jv servers = member(run, file, STR("servers"));
	struct buf image = { 0 }, tape = { 0 }, tools = { 0 };
	struct jv cases = { NULL, 0 };
	struct note why = { "" };
	int status = jv_is(files, J_NONE) ? policy_image_conf(r->c, &image)
					  : policy_image_of(r->c, r->path,
						files, servers, &image);

	r->name = jv_str(jv_get(run, STR("run")));
	r->image = jv_of(buf_view(&image));
	if (status == CTL_YES)
		status = tools_of(r, member(run, file, STR("tools")),
		    jv_is(files, J_NONE), &tools);
	r->tools = jv_of(buf_view(&tools));
	if (status == CTL_YES)
		status = cases_of(r, run, file, &tape, &cases);
	if (status == CTL_YES && policy_new(r->image, &r->policy, &why) != OK)
		status = ctl_say(r->c, CTL_NO, "%s", why.text);
	if (status == CTL_YES)
		status =
		    run_cases(r, cases, jv_str(jv_get(run, STR("expect"))));
	policy_free(r->policy);
	r->policy = NULL;
	buf_done(&image);
	buf_done(&tools);
	buf_done(&tape);
	return status;
}

static int
run_file(struct run *r, struct jv file)
{
	const struct jv runs = jv_get(file, STR("runs"));
	const struct jv none = { NULL, 0 };
	struct jit it = jit_of(runs);
	int status = CTL_YES;
	struct jv run;

	if (!jv_is(runs, J_ARR))
		return run_one(r, none, file);
	while (status == CTL_YES && jit_next(&it, NULL, &run))
		status = run_one(r, run, file);
	return status;
}

int
ctl_policy_test(struct ctl *c)
{
	struct buf tape = { 0 }, out = { .max = POLICY_BYTES };
	struct run r = { .c = c, .path = c->arg[0], .out = &out };
	int status = policy_slurp(c, r.path, &tape), put;

	r.a = arena_new(POLICY_ROOM);
	if (status == CTL_YES)
		status = run_file(&r, jv_of(buf_view(&tape)));
	if (!c->json)
		buf_fmt(&out, "%s: %zu passed, %zu failed\n", r.path, r.passed,
		    r.failed);
	put = ctl_put(&out);
	buf_done(&out);
	buf_done(&tape);
	arena_free(r.a);
	if (status == CTL_YES && r.failed > 0)
		status = CTL_NO;
	return put != CTL_YES ? put : status;
}
