/* Tasks of both eras: what may pass for one, and who declared them. */
#include "mcp/mcp.h"

#include "base/tap.h"

static struct jv
tape(const char *json)
{
	static struct buf keep[32];
	static size_t n;
	struct buf *b = &keep[n++ % countof(keep)];

	buf_done(b);
	b->max = 1 << 16;
	BUG_ON(json_parse(str_of(json), &json_default, b, NULL) != OK);
	return jv_of(buf_view(b));
}

static const struct row {
	const char *name, *task;
	enum mcp_era era;
	bool good, over;
	uint64_t ttl;
} rows[] = {
	{ "a legacy task",
	    "{\"taskId\":\"a\",\"status\":\"working\",\"ttl\":5}", MCP_LEGACY,
	    true, false, 5 },
	{ "a modern one",
	    "{\"taskId\":\"a\",\"status\":\"failed\",\"ttlMs\":7}", MCP_MODERN,
	    true, true, 7 },
	{ "one without end",
	    "{\"taskId\":\"a\",\"status\":\"completed\","
	    "\"ttl\":null}",
	    MCP_LEGACY, true, true, UINT64_MAX },
	{ "the other era's ttl",
	    "{\"taskId\":\"a\",\"status\":\"cancelled\","
	    "\"ttlMs\":7}",
	    MCP_LEGACY, true, true, UINT64_MAX },
	{ "no id", "{\"status\":\"working\"}", MCP_LEGACY, false, false, 0 },
	{ "an empty id", "{\"taskId\":\"\",\"status\":\"working\"}", MCP_LEGACY,
	    false, false, 0 },
	{ "an id that is no string", "{\"taskId\":1,\"status\":\"working\"}",
	    MCP_LEGACY, false, false, 0 },
	{ "no status", "{\"taskId\":\"a\"}", MCP_LEGACY, false, false, 0 },
	{ "an unknown status", "{\"taskId\":\"a\",\"status\":\"Working\"}",
	    MCP_LEGACY, false, false, 0 },
	{ "a ttl below nothing",
	    "{\"taskId\":\"a\",\"status\":\"working\","
	    "\"ttl\":-1}",
	    MCP_LEGACY, false, false, 0 },
	{ "a ttl that is no whole number",
	    "{\"taskId\":\"a\",\"status\":"
	    "\"working\",\"ttlMs\":0.5}",
	    MCP_MODERN, false, false, 0 },
	{ "no object", "[]", MCP_MODERN, false, false, 0 },
};

static void
test_read(void)
{
	for (size_t i = 0; i < countof(rows); i++) {
		struct mcp_task t = { .ttl_ms = 77 };
		struct note why = { "" };
		const enum err e =
		    mcp_task_read(rows[i].era, tape(rows[i].task), &t, &why);

		if (rows[i].good)
			ok(e == OK && str_eq(t.id, STR("a")) &&
				t.over == rows[i].over &&
				t.ttl_ms == rows[i].ttl,
			    "taken: %s", rows[i].name);
		else
			ok(e == ERR_SYNTAX && why.text[0] != '\0' &&
				t.ttl_ms == 77,
			    "refused: %s", rows[i].name);
	}
}

static void
test_detail(void)
{
	const struct jv asks = tape("{\"inputRequests\":{\"k\":{\"method\":"
				    "\"elicitation/create\"}}}");
	struct note why;

	ok(mcp_task_detail(tape("{}"), tape("{}"), &why) == OK, "nothing more");
	ok(mcp_task_detail(
	       tape("{\"result\":{\"content\":[]}}"), tape("{}"), &why) == OK,
	    "a result");
	ok(mcp_task_detail(tape("{\"result\":{\"resultType\":"
				"\"input_required\"}}"),
	       tape("{}"), &why) == ERR_SYNTAX,
	    "a result that asks");
	ok(mcp_task_detail(tape("{\"result\":7}"), tape("{}"), &why) ==
		ERR_SYNTAX,
	    "a result that is none");
	ok(mcp_task_detail(tape("{\"error\":\"x\"}"), tape("{}"), &why) ==
		ERR_SYNTAX,
	    "an error that is none");
	ok(mcp_task_detail(asks, tape("{\"elicitation\":{}}"), &why) == OK &&
		mcp_task_detail(asks, tape("{}"), &why) == ERR_SYNTAX,
	    "inputs, where they are declared");
}

static void
test_declared(void)
{
	static const char ext[] =
	    "{\"tasks\":{},\"extensions\":{\"io.modelcontextprotocol/tasks\":"
	    "{}}}";
	const struct jv task = tape("{\"resultType\":\"task\"}");
	struct buf b = { .max = 4096 };
	struct note why;

	ok(mcp_tasks_ext(tape(ext)) && !mcp_tasks_ext(tape("{\"tasks\":{}}")),
	    "the extension is no core capability");
	ok(mcp_result_check(
	       MCP_MODERN, MCP_TOOLS_CALL, task, tape(ext), &why) == OK &&
		mcp_result_check(MCP_MODERN, MCP_TOOLS_CALL, task, tape("{}"),
		    &why) == ERR_SYNTAX &&
		mcp_result_check(MCP_MODERN, MCP_PROMPTS_GET, task, tape(ext),
		    &why) == ERR_SYNTAX,
	    "a task is made of a call alone, and of who declared it");
	mcp_caps_out(MCP_LEGACY, tape(ext), &b);
	ok(jv_same(jv_of(buf_view(&b)), tape("{\"tasks\":{}}")),
	    "a legacy server hears of its own kind");
	buf_clear(&b);
	mcp_caps_out(MCP_MODERN, tape(ext), &b);
	ok(jv_count(jv_of(buf_view(&b))) == 1 &&
		mcp_tasks_ext(jv_of(buf_view(&b))),
	    "and a modern one of its");
	buf_clear(&b);
	mcp_tasks_missing(&b);
	ok(mcp_tasks_ext(
	       jv_get(jv_of(buf_view(&b)), STR("requiredCapabilities"))),
	    "what is missing is named");
	buf_done(&b);
}

int
main(void)
{
	test_read();
	test_detail();
	test_declared();
	return tap_done();
}
