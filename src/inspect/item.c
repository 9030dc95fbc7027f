/*
 * item: one line of a corpus, as texts with their places.
 */
#include "inspect/inspect-in.h"

enum { TEXTS_MAX = 512 };

struct texts {
	struct inspect_text v[TEXTS_MAX];
	size_t n;
	bool cut;
	enum inspect_plane plane; /* of all of them */
	struct str tool;
};

static void
add(struct texts *t, struct str s, struct str key)
{
	if (s.n == 0)
		return;
	if (t->n == TEXTS_MAX) {
		t->cut = true;
		return;
	}
	t->v[t->n++] = (struct inspect_text){ t->plane, s, t->tool, key };
}

/* Every text in a value; not what `old` has at the same place. */
static void
walk(
    struct texts *t, struct jv v, struct jv old, struct str key, unsigned depth)
{
	struct jit it = jit_of(v);
	struct str name;
	struct jv in;

	if (depth > JSON_DEPTH_MAX || jv_same(v, old))
		return;
	if (jv_is(v, J_STR))
		add(t, jv_str(v), key);
	while (jit_next(&it, &name, &in)) {
		if (t->plane == INSPECT_METADATA && jv_is(v, J_OBJ) &&
		    jv_is(jv_get(old, name), J_NONE))
			add(t, name, key);
		walk(t, in, jv_get(old, name), jv_is(v, J_OBJ) ? name : key,
		    depth + 1);
	}
}

static const struct {
	struct str kind;
	enum inspect_plane plane;
} kinds[] = {
	{ STR_INIT("tool_description"), INSPECT_METADATA },
	{ STR_INIT("tools_list_change"), INSPECT_METADATA },
	{ STR_INIT("tool_result"), INSPECT_RESULT },
	{ STR_INIT("tool_arguments"), INSPECT_ARGUMENT },
	{ STR_INIT("user_prompt"), INSPECT_PROMPT },
};

enum err
inspect_item(struct inspect *i, struct jv item, struct inspect_report *out)
{
	const struct jv json = jv_get(item, STR("json"));
	const struct str kind = jv_str(jv_get(item, STR("kind")));
	const struct str none = { "", 0 };
	const struct jv absent = { NULL, 0 };
	struct texts *t;
	size_t k = 0;

	while (k < countof(kinds) && !str_eq(kinds[k].kind, kind))
		k++;
	if (k == countof(kinds))
		return ERR_SYNTAX;
	t = mem_get(sizeof(*t));
	t->plane = kinds[k].plane;
	if (t->plane == INSPECT_ARGUMENT)
		t->tool = jv_str(jv_get(json, STR("name")));
	if (str_eq(kind, STR("tools_list_change")) && jv_is(json, J_OBJ))
		walk(t, jv_get(json, STR("after")), jv_get(json, STR("before")),
		    none, 0);
	else if (t->plane == INSPECT_ARGUMENT && jv_is(json, J_OBJ))
		walk(t,
		    jv_is(jv_get(json, STR("arguments")), J_NONE)
			? json
			: jv_get(json, STR("arguments")),
		    absent, none, 0);
	else if (jv_is(jv_get(item, STR("text")), J_STR))
		add(t, jv_str(jv_get(item, STR("text"))), none);
	else
		walk(t, json, absent, none, 0);
	inspect_look(i, t->v, t->n, out);
	out->unscanned = out->unscanned || t->cut;
	mem_free(t);
	return OK;
}
