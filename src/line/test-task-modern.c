/* Tasks of modern servers: whose they are, what they bring, who is told. */
#include "line/test-task.h"

static struct msg *
event_from(struct line *l, const char *name, const char *params, bool request)
{
	struct msg m = msg_of(MSG_UP_EVENT);
	uint64_t hop = 0;

	for (uint32_t i = 0; i < l->hop_ids.n; i++)
		if (l->hop_ids.at[i].p != NULL)
			hop = ((struct hop *)l->hop_ids.at[i].p)->id;
	msg_set(&m, F_HOP, hop);
	msg_set_text(&m, F_NAME, str_of(name));
	msg_set_tree(&m, F_PARAMS, tape(params));
	if (request) {
		msg_set(&m, F_FLAGS, MF_REQUEST);
		msg_set_tree(&m, F_ID, tape("\"srv-1\""));
	}
	line_from_back(l, 0, &m);
	return sent(MSG_EVENT);
}

/* ---- modern ---- */

static void
ask_modern(struct line *l, const char *method, const char *params,
    const char *caps, char who)
{
	const struct said s = { .where = 1,
		.era = MCP_MODERN,
		.name = method,
		.params = params,
		.caps = caps,
		.who = who };

	forget();
	say(l, &s);
	ack(l, true);
	if (sent(MSG_HOP_OPEN) != NULL)
		opened(l, MCP_MODERN, EXT);
}

static void
make_modern(struct line *l)
{
	ask_modern(
	    l, "tools/call", "{\"name\":\"read\",\"task\":{}}", EXT, 'a');
	ok(jv_count(msg_tree(sent(MSG_UP_CALL), F_PARAMS)) == 1,
	    "a modern call asks for no task");
	answered(l, 0,
	    "{\"resultType\":\"task\",\"taskId\":\"m1\",\"status\":\"working\","
	    "\"ttlMs\":60000}");
	ack(l, true);
	keep_shown(result("taskId"));
}

static void
test_modern_life(void)
{
	struct line *l = fresh();

	make_modern(l);
	ok(same(result("resultType"), "task") && strlen(shown) == 34,
	    "a modern server makes a task");
	ask_modern(l, "tasks/get", about(""), "{}", 'a');
	ok(error_code() == MCP_E_CAPABILITY && sent(MSG_UP_CALL) == NULL &&
		jv_count(jv_at(msg_tree(sent(MSG_ANSWER), F_ERROR),
		    "data/requiredCapabilities/extensions")) == 1,
	    "whoever did not declare them has no tasks");
	ask_modern(l, "tasks/get", about(""), EXT, 'b');
	ok(error_code() == MCP_E_PARAMS && sent(MSG_UP_CALL) == NULL,
	    "another principal's task is unknown");
	ask_modern(l, "tasks/get", about(""), EXT, 'a');
	ok(same(up_param("taskId"), "m1"), "its own is asked for");
	answered(l, 0,
	    "{\"taskId\":\"m1\",\"status\":\"input_required\",\"ttlMs\":1,"
	    "\"inputRequests\":{\"k\":{\"method\":\"elicitation/create\"}}}");
	ack(l, true);
	ok(error_code() == MCP_E_UPSTREAM,
	    "a task may not want what was not declared");
	ask_modern(
	    l, "tasks/update", about(",\"inputResponses\":{}"), EXT, 'a');
	ok(same(up_param("taskId"), "m1"), "inputs are brought to it");
	answered(l, 0, "{\"resultType\":\"complete\"}");
	ack(l, true);
	ok(sent(MSG_ANSWER) != NULL && error_code() == 0, "and taken");
	ask_modern(l, "tasks/get", about(""), EXT, 'a');
	answered(l, 0,
	    "{\"taskId\":\"m1\",\"status\":\"completed\",\"ttlMs\":null,"
	    "\"result\":{\"content\":[]}}");
	ack(l, true);
	ok(jv_is(result("result/content"), J_ARR) &&
		same(result("taskId"), shown),
	    "the result comes with the task");
	ask_modern(l, "tasks/cancel", about(""), EXT, 'a');
	answered(l, 0, "{}");
	ack(l, true);
	ok(error_code() == 0, "cancel is acknowledged");
	forget();
	line_free(l);
}

static void
test_modern_undeclared(void)
{
	struct line *l = fresh();

	ask_modern(l, "tools/call", "{\"name\":\"read\"}", "{}", 'a');
	answered(l, 0,
	    "{\"resultType\":\"task\",\"taskId\":\"m1\","
	    "\"status\":\"working\"}");
	ack(l, true);
	ok(error_code() == MCP_E_UPSTREAM,
	    "a task for an agent that has none fails the call");
	l->max_tasks = 1;
	make_modern(l);
	ask_modern(l, "tools/call", "{\"name\":\"read\"}", EXT, 'a');
	ok(jv_count(msg_tree(sent(MSG_UP_CALL), F_CAPS)) == 0,
	    "who may keep no more says so to the server");
	answered(l, 0,
	    "{\"resultType\":\"task\",\"taskId\":\"m2\","
	    "\"status\":\"working\"}");
	ok(msg_num(sent(MSG_UP_CALL), F_METHOD) == MCP_TASKS_CANCEL &&
		same(up_param("taskId"), "m2"),
	    "a task that cannot be kept is cancelled");
	ack(l, true);
	ok(error_code() == MCP_E_BUSY, "and the call refused");
	forget();
	line_free(l);
}

static void
test_modern_listen(void)
{
	struct line *l = fresh();
	char params[256];
	const struct msg *e;

	make_modern(l);
	(void)snprintf(params, sizeof(params),
	    "{\"notifications\":{\"taskIds\":[\"%s\",\"m1\",\"else\"]}}",
	    shown);
	ask_modern(l, "subscriptions/listen", params, "{}", 'a');
	ok(error_code() == MCP_E_CAPABILITY, "listening needs the extension");
	ask_modern(l, "subscriptions/listen", params, EXT, 'a');
	e = sent(MSG_EVENT);
	ok(e != NULL && jv_count(jv_at(msg_tree(e, F_PARAMS),
			    "notifications/taskIds")) == 1,
	    "only the agent's own tasks are followed");
	ok(jv_count(up_param("notifications/taskIds")) == 1 &&
		str_search(msg_text(sent(MSG_UP_CALL), F_PARAMS), STR("m1")) <
		    msg_text(sent(MSG_UP_CALL), F_PARAMS).n,
	    "under the server's id");
	forget();
	e = event_from(l, "notifications/tasks",
	    "{\"taskId\":\"m9\",\"status\":\"working\"}", false);
	ok(e == NULL, "others are not told of");
	e = event_from(l, "notifications/tasks",
	    "{\"taskId\":\"m1\",\"status\":\"completed\",\"result\":{}}",
	    false);
	ok(e != NULL &&
		same(jv_get(msg_tree(e, F_PARAMS), STR("taskId")), shown) &&
		in_record("task") && sent(MSG_RECORD) != NULL,
	    "a task's end is told and recorded");
	forget();
	line_free(l);
}

int
main(void)
{
	test_modern_life();
	test_modern_undeclared();
	test_modern_listen();
	return tap_done();
}
