/*
 * shown.c: from the policies that decide calls, those that decide what a list
 * shows.  When a list is made the call is not there yet, so a policy that asks
 * about it cannot be asked.  A permit loses such conditions, a forbid that has
 * them is left out, and so is one that a person may lift: a list may show too
 * much, for what is shown is decided again when it is called; it never hides
 * what some call could use.  Works on a policy's JSON form (EST).
 */
#include "authority/authority-in.h"

/* { ".": { "left": {"Var": "context"}, "attr": NAME } }, or "has", whose attr
 * may be a path. */
static bool
of_context(struct jv v, struct str *attr)
{
	static const char *const ops[] = { ".", "has" };
	struct jit it;
	struct jv name;

	for (size_t i = 0; i < countof(ops); i++) {
		const struct jv op = jv_get(v, str_of(ops[i]));
		const struct jv var =
		    jv_get(jv_get(op, STR("left")), STR("Var"));

		if (!str_eq(jv_str(var), STR("context")))
			continue;
		name = jv_get(op, STR("attr"));
		it = jit_of(name);
		(void)jit_next(&it, NULL, &name); /* of a path the first */
		*attr = jv_str(name);
		return true;
	}
	return false;
}

static unsigned
asks_var(struct str var)
{
	if (str_eq(var, STR("principal")))
		return ASKS_PRINCIPAL;
	return str_eq(var, STR("context")) ? ASKS_CONTEXT : ASKS_OTHER;
}

unsigned
asks(struct jv v, unsigned depth)
{
	struct jit it = jit_of(v);
	unsigned got = 0;
	struct str key, attr;
	struct jv val;

	if (depth > JSON_DEPTH_MAX)
		return ~0u;
	if (of_context(v, &attr))
		return str_eq(attr, STR("call")) ? ASKS_OTHER : ASKS_CONTEXT;
	while (jit_next(&it, &key, &val))
		if (it.obj && str_eq(key, STR("Var")) && jv_is(val, J_STR))
			got |= asks_var(jv_str(val));
		else if (!str_eq(key, STR("Value")))
			got |= asks(val, depth + 1);
	return got;
}

static unsigned
reads(struct jv v, unsigned depth)
{
	struct jit it = jit_of(v);
	unsigned got = 0;
	struct str key, attr;
	struct jv val;

	if (depth > JSON_DEPTH_MAX)
		return READS_ALL;
	if (of_context(v, &attr))
		return reads_of_member(attr);
	while (jit_next(&it, &key, &val))
		if (it.obj && str_eq(key, STR("Var")) && jv_is(val, J_STR))
			got |=
			    str_eq(jv_str(val), STR("context")) ? READS_ALL : 0;
		else if (!str_eq(key, STR("Value")))
			got |= reads(val, depth + 1);
	return got;
}

unsigned
reads_of(struct jv est)
{
	return reads(est, 0);
}

/* ---- one policy ---- */

static void
put_clauses(struct buf *out, struct jv conditions, unsigned may_ask)
{
	struct jit it = jit_of(conditions);
	const size_t list = tape_arr(out);
	size_t n = 0;
	struct jv v;

	while (jit_next(&it, NULL, &v)) {
		if (asks(v, 0) & ~may_ask)
			continue;
		tape_copy(out, v);
		n++;
	}
	tape_end(out, list, n);
}

static void
put_all(struct buf *out)
{
	const size_t m = tape_obj(out);

	tape_key(out, STR("op"));
	tape_str(out, STR("All"));
	tape_end(out, m, 1);
}

static void
put_uid(struct buf *out, const char *op, struct str type, struct str id)
{
	const size_t m = tape_obj(out);
	size_t e;

	tape_key(out, STR("op"));
	tape_str(out, str_of(op));
	tape_key(out, STR("entity"));
	e = tape_obj(out);
	tape_key(out, STR("type"));
	tape_str(out, type);
	tape_key(out, STR("id"));
	tape_str(out, id);
	tape_end(out, e, 2);
	tape_end(out, m, 2);
}

/* The server that a scope's entity lies in; empty: it does not say. */
static struct str
server_of(struct jv scope, bool action)
{
	const struct jv e = jv_get(scope, STR("entity"));
	const struct str type = jv_str(jv_get(e, STR("type")));
	struct str id = jv_str(jv_get(e, STR("id")));
	size_t at;

	if (!action && str_eq(type, STR(NS "Server")))
		return id;
	if (!action && !str_eq(type, STR(NS "Tool")) &&
	    !str_eq(type, STR(NS "Prompt")))
		return STR("");
	at = action ? str_search(id, STR("___")) : str_find(id, '/');
	return at < id.n ? str_sub(id, 0, at) : STR("");
}

static void
put_server(struct buf *out, struct jv policy)
{
	struct str s = server_of(jv_get(policy, STR("resource")), false);

	if (s.n == 0)
		s = server_of(jv_get(policy, STR("action")), true);
	if (s.n == 0)
		put_all(out);
	else
		put_uid(out, "==", STR(NS "Server"), s);
}

/* The policy with fewer conditions; or what it says of reaching a server. */
static void
put_policy(struct buf *out, struct jv p, bool reach)
{
	const size_t m = tape_obj(out);

	tape_key(out, STR("effect"));
	tape_copy(out, jv_get(p, STR("effect")));
	tape_key(out, STR("principal"));
	tape_copy(out, jv_get(p, STR("principal")));
	tape_key(out, STR("action"));
	if (reach)
		put_uid(out, "==", STR(NS "Action"), STR(A_REACH));
	else
		tape_copy(out, jv_get(p, STR("action")));
	tape_key(out, STR("resource"));
	if (reach)
		put_server(out, p);
	else
		tape_copy(out, jv_get(p, STR("resource")));
	tape_key(out, STR("conditions"));
	put_clauses(out, jv_get(p, STR("conditions")),
	    reach ? ASKS_PRINCIPAL : ASKS_PRINCIPAL | ASKS_OTHER);
	tape_end(out, m, 5);
}

static enum err
add(struct cedar_policies *list, const char *front, struct str id,
    struct jv policy, bool reach, struct note *why)
{
	struct buf tape = { .max = 1 << 20 }, text = { .max = 1 << 20 };
	struct buf name = { .max = 512 };
	struct cedar_why at = { .line = 0 };
	enum err e;

	put_policy(&tape, policy, reach);
	json_write(jv_of(buf_view(&tape)), &text);
	buf_fmt(&name, "%s%.*s", front, STR_ARG(id));
	e = buf_end(&text);
	if (!e)
		e = buf_end(&name);
	if (!e)
		e = cedar_policies_from_json(
		    list, buf_view(&name), buf_view(&text), &at);
	if (e)
		note_set(why, "policy %.*s, for lists: %s", STR_ARG(id),
		    at.note.text);
	buf_done(&tape);
	buf_done(&text);
	buf_done(&name);
	return e;
}

static enum err
shown_one(const struct cedar_policies *files, size_t i, struct jv p,
    struct cedar_policies *list, struct note *why)
{
	struct cedar_policy_info info;
	struct str lifts;

	if (!cedar_policy_info(files, i, &info))
		return ERR_SYNTAX;
	if (info.forbid &&
	    (cedar_policy_annotation(files, i, STR("requestable"), &lifts) ||
		asks(jv_get(p, STR("conditions")), 0) & ASKS_CONTEXT))
		return OK;
	TRY(add(list, "", info.id, p, false, why));
	return info.forbid ? OK : add(list, "reach:", info.id, p, true, why);
}

enum err
shown_compile(const struct cedar_policies *files, struct cedar_policies *list,
    struct note *why)
{
	struct buf text = { .max = 1 << 20 }, tape = { .max = 4 << 20 };
	const size_t n = cedar_policies_count(files);
	enum err e = OK;

	for (size_t i = 0; !e && i < n; i++) {
		struct cedar_policy_info info;

		buf_clear(&text);
		buf_clear(&tape);
		e = cedar_policy_info(files, i, &info) ? OK : ERR_SYNTAX;
		if (!e)
			e = est_of(files, info.id, &text, &tape, why);
		if (!e)
			e = shown_one(
			    files, i, jv_of(buf_view(&tape)), list, why);
	}
	buf_done(&text);
	buf_done(&tape);
	return e;
}
