/*
 * task: what a task may look like in both eras, and who declared that it can
 * follow one.  Legacy: the experimental core of 2025-11-25.  Modern: the
 * extension io.modelcontextprotocol/tasks of 2026-07-28.  They are not bridged:
 * a task is followed in the era it was made in.
 */
#include "mcp/mcp-in.h"

bool
mcp_tasks_ext(struct jv caps)
{
	return jv_is(
	    jv_get(jv_get(caps, STR("extensions")), MCP_EXT_TASKS), J_OBJ);
}

void
mcp_tasks_missing(struct buf *tape)
{
	const size_t data = tape_obj(tape);
	size_t caps, ext;

	tape_key(tape, STR("requiredCapabilities"));
	caps = tape_obj(tape);
	tape_key(tape, STR("extensions"));
	ext = tape_obj(tape);
	tape_key(tape, MCP_EXT_TASKS);
	tape_end(tape, tape_obj(tape), 0);
	tape_end(tape, ext, 1);
	tape_end(tape, caps, 1);
	tape_end(tape, data, 1);
}

static const struct mcp_task_word {
	struct str text;
	bool over;
} words[] = {
	{ STR_INIT("working"), false },
	{ STR_INIT("input_required"), false },
	{ STR_INIT("completed"), true },
	{ STR_INIT("failed"), true },
	{ STR_INIT("cancelled"), true },
};

static const struct mcp_task_word *
word_of(struct jv task)
{
	const struct jv v = jv_get(task, STR("status"));

	for (size_t i = 0; jv_is(v, J_STR) && i < countof(words); i++)
		if (str_eq(words[i].text, jv_str(v)))
			return &words[i];
	return NULL;
}

/* null is no end; what is no time at all is a fault. */
static bool
read_ttl(struct jv v, uint64_t *ms)
{
	int64_t n;

	*ms = UINT64_MAX;
	if (is_none(v) || jv_is(v, J_NULL))
		return true;
	if (jv_i64(v, &n) != OK || n < 0)
		return false;
	*ms = (uint64_t)n;
	return true;
}

NODISCARD enum err
mcp_task_read(
    enum mcp_era era, struct jv task, struct mcp_task *out, struct note *why)
{
	const struct jv id = jv_get(task, STR("taskId"));
	const struct mcp_task_word *w = word_of(task);
	const struct jv ttl = jv_get(task, mcp_task_ttl(era));
	struct mcp_task t = { 0 };

	if (!jv_is(id, J_STR) || jv_str(id).n == 0 ||
	    jv_str(id).n > MCP_TASK_ID_MAX) {
		note_set(why, "a task without a usable taskId");
		return ERR_SYNTAX;
	}
	if (w == NULL) {
		note_set(why, "a task of an unknown status");
		return ERR_SYNTAX;
	}
	if (!read_ttl(ttl, &t.ttl_ms)) {
		note_set(why, "a task whose ttl is no time");
		return ERR_SYNTAX;
	}
	t.id = jv_str(id);
	t.over = w->over;
	*out = t;
	return OK;
}

struct str
mcp_task_ttl(enum mcp_era era)
{
	return era == MCP_MODERN ? STR("ttlMs") : STR("ttl");
}

NODISCARD enum err
mcp_task_detail(struct jv task, struct jv caps, struct note *why)
{
	const struct jv want = jv_get(task, STR("inputRequests"));
	const struct jv result = jv_get(task, STR("result"));
	const struct jv error = jv_get(task, STR("error"));
	struct jit it = jit_of(want);
	struct jv v;

	if (!object_or_absent(want) || !object_or_absent(error) ||
	    !object_or_absent(result)) {
		note_set(why, "a task whose inputRequests, result or error is "
			      "no object");
		return ERR_SYNTAX;
	}
	while (jit_next(&it, NULL, &v))
		if (!input_ok(v, caps, why))
			return ERR_SYNTAX;
	if (is_none(result))
		return OK;
	/* what it asks for is asked by tasks/get, never by its result */
	return mcp_result_check(MCP_LEGACY, MCP_TOOLS_CALL, result, caps, why);
}
