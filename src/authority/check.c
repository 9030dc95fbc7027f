/*
 * check.c: policies held against the tools there are, strictly, and against
 * what people rarely mean (lint.c).  For people and for role load: a policy
 * that names what is not there, or asks of it what it has not, does not start.
 */
#include "authority/authority-in.h"

enum { ROOM = 256 << 20 };

void
check_say(const struct checking *k, struct str file, const struct cedar_why *at,
    struct str policy, bool warning)
{
	const struct policy_finding f = { .file = file,
		.policy = policy,
		.line = at->line,
		.col = at->col,
		.warning = warning,
		.note = at->note };

	k->to->got(k->to->arg, &f);
}

struct str
check_name(const struct cedar_policies *ps, struct str id)
{
	struct str name = id;
	size_t i;

	if (cedar_policy_find(ps, id, &i) &&
	    (!cedar_policy_annotation(ps, i, STR("id"), &name) || name.n == 0))
		name = id;
	return name;
}

struct jv
check_est(const struct cedar_policies *ps, struct str id, struct buf *tape)
{
	struct buf text = { .max = CHECK_BYTES };
	struct note unused;
	enum err e;

	tape->max = CHECK_BYTES;
	e = est_of(ps, id, &text, tape, &unused);
	buf_done(&text);
	return e ? (struct jv){ NULL, 0 } : jv_of(buf_view(tape));
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

/* The server of an action or a tool that a policy names and that nobody has
 * shown the tools of; empty: none. */
static struct str
unseen(const struct checking *k, struct jv est)
{
	const struct str type = jv_str(jv_get(est, STR("type")));
	const struct str id = jv_str(jv_get(est, STR("id")));
	const struct str server = str_sub(id, 0, str_search(id, STR("___")));
	struct jit it = jit_of(est);
	struct str found;
	struct jv v;

	if (str_eq(type, STR(NS "Action")) && server.n < id.n &&
	    has_server(k->image, server) &&
	    jv_is(jv_get(k->tools, server), J_NONE))
		return server;
	while (jit_next(&it, NULL, &v)) {
		found = unseen(k, v);
		if (found.n > 0)
			return found;
	}
	return STR("");
}

/* A policy about tools that are not known cannot be right or wrong yet. */
static bool
is_open(const struct checking *k, struct str file,
    const struct cedar_policies *ps, struct str id)
{
	struct buf tape = { 0 };
	const struct str server = unseen(k, check_est(ps, id, &tape));
	struct cedar_policy_info info = { .line = 0 };
	struct cedar_why at = { .line = 0 };
	size_t i;

	if (server.n > 0 && cedar_policy_find(ps, id, &i) &&
	    cedar_policy_info(ps, i, &info)) {
		at.line = info.line;
		at.col = info.col;
		note_set(&at.note,
		    "not checked: the tools of server %.*s are not known yet",
		    STR_ARG(server));
		check_say(k, file, &at, check_name(ps, id), true);
	}
	buf_done(&tape);
	return server.n > 0;
}

static enum err
validate(const struct checking *k, struct str file,
    const struct cedar_policies *ps, struct note *why)
{
	struct arena *a = arena_new(ROOM);
	const struct cedar_finding *f = NULL;
	const enum err e = cedar_validate(k->schema, ps, CEDAR_STRICT, a, &f);
	struct str last = { NULL, 0 };
	bool open = false;

	if (e)
		note_set(why, "the policies are too many to check");
	for (; !e && f != NULL; f = f->next) {
		if (last.p == NULL || !str_eq(last, f->policy))
			open = is_open(k, file, ps, f->policy);
		last = f->policy;
		if (!open)
			check_say(k, file, &f->why, check_name(ps, f->policy),
			    f->warning);
	}
	arena_free(a);
	return e;
}

static enum err
check_file(const struct checking *k, struct str file,
    const struct cedar_policies *ps, struct note *why)
{
	if (k->schema != NULL)
		TRY(validate(k, file, ps, why));
	if (!k->to->strict_only)
		lint_file(k, file, ps);
	return OK;
}

/* Each file is a set of its own: places are its. */
static enum err
check_all(struct checking *k, struct jv files, struct note *why)
{
	struct jit it = jit_of(files);
	struct lint all = { 0 };
	enum err e = OK;
	struct jv v;

	/* cppcheck-suppress autoVariables ; it goes with this function */
	k->all = &all;
	while (!k->to->strict_only && jit_next(&it, NULL, &v))
		lint_add(&all, jv_str(jv_get(v, STR("name"))),
		    jv_str(jv_get(v, STR("text"))));
	it = jit_of(files);
	while (!e && jit_next(&it, NULL, &v)) {
		struct cedar_policies *ps = cedar_policies_new();
		struct cedar_why at = { .line = 0 };
		const struct str file = jv_str(jv_get(v, STR("name")));

		if (cedar_policies_parse(
			ps, jv_str(jv_get(v, STR("text"))), &at) != OK)
			check_say(k, file, &at, STR(""), false);
		else
			e = check_file(k, file, ps, why);
		cedar_policies_free(ps);
	}
	k->all = NULL;
	lint_done(&all);
	return e;
}

enum err
policy_check(struct jv image, struct jv tools, const struct policy_check *to,
    struct note *why)
{
	struct checking k = { .image = image, .tools = tools, .to = to };
	enum err e = OK;

	if (jv_count(tools) > 0)
		e = schema_new(image, tools, to, &k.schema, why);
	if (!e && !to->strict_only)
		lint_terms(&k);
	if (!e)
		e = check_all(&k, jv_get(image, STR("policies")), why);
	cedar_schema_free(k.schema);
	return e;
}
