/* Tasks of legacy servers and agents: whose they are, and what is shown of them
 * to whom. */
#include "line/test-task.h"

static char session_id[64];

/* ---- legacy ---- */

/* A session of 2025-11-25 at one server, with these client capabilities. */
static void
open_session(struct line *l, char who, const char *caps, const char *server)
{
	static char params[256];
	struct msg n = msg_of(MSG_NOTICE);
	struct said s = { .where = 1,
		.era = MCP_LEGACY,
		.name = "initialize",
		.params = params,
		.caps = caps,
		.who = who };
	char cred[32];

	(void)snprintf(
	    params, sizeof(params), "{\"protocolVersion\":\"2025-11-25\"}");
	say(l, &s);
	ack(l, true);
	opened(l, MCP_LEGACY, server);
	ack(l, false);
	session_name(session_id);
	memset(cred, who, sizeof(cred));
	msg_set(&n, F_WHERE, 1);
	msg_set(&n, F_ERA, MCP_LEGACY);
	msg_set(&n, F_METHOD, MCP_INITIALIZED);
	msg_set_text(&n, F_SESSION, str_of(session_id));
	msg_set_text(&n, F_CRED, (struct str){ cred, sizeof(cred) });
	line_from_front(l, 0, &n);
}

static void
make_task(struct line *l, const char *theirs)
{
	char text[256];

	legacy(l, session_id, "tools/call",
	    "{\"name\":\"read\",\"task\":{\"ttl\":60000}}", 'a');
	ack(l, true);
	(void)snprintf(text, sizeof(text),
	    "{\"task\":{\"taskId\":\"%s\",\"status\":\"working\",\"ttl\":60000,"
	    "\"createdAt\":\"x\"}}",
	    theirs);
	answered(l, 0, text);
	ack(l, true);
	keep_shown(result("task/taskId"));
}

static void
test_legacy_life(void)
{
	struct line *l = fresh();

	open_session(l, 'a', "{}", OFFERS);
	ok(jv_is(result("capabilities/tasks/requests/tools/call"), J_OBJ) &&
		jv_is(result("capabilities/tasks/list"), J_OBJ),
	    "a server's tasks are offered");
	make_task(l, "theirs-1");
	ok(same(up_param("name"), "read") && jv_is(up_param("task"), J_OBJ),
	    "the call asked for a task");
	ok(str_starts(str_of(shown), STR("0-")) && strlen(shown) == 34,
	    "its id is ours");
	ok(in_record("\"task\"") || in_record(shown), "and is on record");
	forget();
	legacy(l, session_id, "tasks/get", about(""), 'a');
	ok(in_record("origin") && in_record("read") && in_record(shown),
	    "the decision names the call that made it");
	ack(l, true);
	ok(same(up_param("taskId"), "theirs-1"), "the server hears its own id");
	answered(l, 0,
	    "{\"taskId\":\"theirs-1\",\"status\":\"working\",\"ttl\":null}");
	ack(l, true);
	ok(same(result("taskId"), shown), "and the agent ours");
	ok(same(result("status"), "working"), "with the status");
	ok(jv_is(result("ttl"), J_NUM), "no task is remembered for ever");
	forget();
	legacy(l, session_id, "tasks/result", about(""), 'a');
	ack(l, true);
	answered(
	    l, 0, "{\"content\":[]," RELATED "{\"taskId\":\"theirs-1\"}}}");
	ack(l, true);
	ok(same(jv_get(jv_get(result("_meta"), MCP_META_TASK), STR("taskId")),
	       shown),
	    "the result is related to our id");
	forget();
	legacy(l, session_id, "tasks/cancel", about(""), 'a');
	ack(l, true);
	answered(l, 0, "{\"taskId\":\"theirs-1\",\"status\":\"cancelled\"}");
	ack(l, true);
	ok(same(result("status"), "cancelled"), "a task is cancelled");
	forget();
	line_free(l);
}

static void
test_legacy_theft(void)
{
	struct line *l = fresh();
	char mine[64];

	open_session(l, 'a', "{}", OFFERS);
	make_task(l, "theirs-1");
	memcpy(mine, session_id, sizeof(mine));
	open_session(l, 'a', "{}", OFFERS);
	forget();
	legacy(l, session_id, "tasks/get", about(""), 'a');
	ack(l, true);
	ok(sent(MSG_UP_CALL) == NULL && error_code() == MCP_E_PARAMS,
	    "another session of the same principal does not know it");
	forget();
	legacy(l, mine, "tasks/get", "{\"taskId\":\"theirs-1\"}", 'a');
	ack(l, true);
	ok(sent(MSG_UP_CALL) == NULL && error_code() == MCP_E_PARAMS,
	    "nor does the server's own id lead anywhere");
	forget();
	legacy(l, mine, "tasks/get", about(""), 'b');
	ack(l, true);
	ok(sent(MSG_UP_CALL) == NULL, "nor is it another principal's");
	forget();
	legacy(l, mine, "tasks/get", about(""), 'a');
	ack(l, true);
	ok(sent(MSG_UP_CALL) != NULL, "who made it may ask");
	answered(l, 0, "{\"taskId\":\"else\",\"status\":\"working\"}");
	ack(l, true);
	ok(error_code() == MCP_E_UPSTREAM,
	    "a server that answers for another task is refused");
	forget();
	line_free(l);
}

static void
test_legacy_list(void)
{
	struct line *l = fresh();

	open_session(l, 'a', "{}", OFFERS);
	make_task(l, "theirs-1");
	forget();
	legacy(l, session_id, "tasks/list", "{}", 'a');
	ack(l, true);
	answered(l, 0,
	    "{\"tasks\":[{\"taskId\":\"theirs-1\",\"status\":\"working\"},"
	    "{\"taskId\":\"theirs-2\",\"status\":\"working\"}],"
	    "\"nextCursor\":\"c\"}");
	ack(l, true);
	ok(jv_count(result("tasks")) == 1 && same(result("nextCursor"), "c"),
	    "a list shows what is the agent's");
	forget();
	line_free(l);
}

static void
test_not_offered(void)
{
	struct line *l = fresh();

	open_session(l, 'a', "{}", "{\"tools\":{}}");
	ok(jv_type(result("capabilities/tasks")) == J_NONE,
	    "what a server lacks is not offered");
	forget();
	legacy(l, session_id, "tools/call",
	    "{\"name\":\"read\",\"task\":{\"ttl\":1}}", 'a');
	ack(l, true);
	ok(jv_count(msg_tree(sent(MSG_UP_CALL), F_PARAMS)) == 1,
	    "then a call is just a call");
	answered(l, 0, "{\"content\":[]}");
	ack(l, true);
	ok(jv_is(result("content"), J_ARR), "and is answered as one");
	forget();
	line_free(l);
	l = fresh();
	begin_session(l, OFFERS);
	ok(jv_type(result("capabilities/tasks")) == J_NONE,
	    "an older version has no tasks");
	forget();
	line_free(l);
}

static void
test_tools_shown(void)
{
	static const char tools[] =
	    "{\"tools\":[{\"name\":\"read\",\"inputSchema\":{},"
	    "\"execution\":{\"taskSupport\":\"optional\",\"x\":1}}]}";
	struct line *l = fresh();
	struct jv e;

	open_session(l, 'a', "{}", OFFERS);
	legacy(l, session_id, "tools/list", "{}", 'a');
	ack(l, true);
	answered(l, 0, tools);
	ack(l, true);
	e = result("tools");
	ok(jv_count(e) == 1 && e.n > 40 &&
		str_search(jv_bytes(e), STR("taskSupport")) < e.n,
	    "a tool says that it can be a task");
	forget();
	request(l, 1, MCP_MODERN, "tools/list", "{}", 'a');
	ack(l, true);
	opened(l, MCP_LEGACY, OFFERS);
	answered(l, 0, tools);
	ack(l, true);
	e = result("tools");
	ok(jv_count(e) == 1 &&
		str_search(jv_bytes(e), STR("taskSupport")) == e.n,
	    "not to an agent of the other era");
	forget();
	line_free(l);
}

static void
test_bounds(void)
{
	struct line *l = fresh();

	l->max_tasks = 2;
	l->task_ms = 5000;
	open_session(l, 'a', "{}", OFFERS);
	make_task(l, "t1");
	ok(same(up_param("name"), "read") &&
		jv_same(up_param("task/ttl"), tape("5000")),
	    "a ttl is no longer than we remember");
	ok(jv_same(result("task/ttl"), tape("5000")), "and so it is shown");
	make_task(l, "t2");
	forget();
	legacy(l, session_id, "tools/call", "{\"name\":\"read\",\"task\":{}}",
	    'a');
	ack(l, true);
	ok(sent(MSG_UP_CALL) == NULL && error_code() == MCP_E_BUSY,
	    "one too many is refused before it leaves");
	forget();
	legacy(l, session_id, "tools/call", "{\"name\":\"read\"}", 'a');
	ack(l, true);
	ok(sent(MSG_UP_CALL) != NULL, "a call that is no task is made");
	answered(l, 0, "{\"content\":[]}");
	ack(l, true);
	forget();
	legacy(l, session_id, "tasks/result", about(""), 'a');
	ack(l, true);
	answered(l, 0, "{\"content\":[]}");
	ack(l, true);
	make_task(l, "t3");
	ok(jv_is(result("task/taskId"), J_STR) && map_count(l->tasks) == 2,
	    "what was fetched makes room");
	clock_ns += UINT64_C(6000000000);
	line_tick(l);
	ok(map_count(l->tasks) == 0, "tasks are forgotten in time");
	forget();
	legacy(l, session_id, "tasks/get", about(""), 'a');
	ack(l, true);
	ok(error_code() == MCP_E_PARAMS, "and are unknown then");
	make_task(l, "t4");
	ok(map_count(l->tasks) == 1, "a new one is kept");
	line_back_lost(l, 0);
	ok(map_count(l->tasks) == 0, "until its server is gone");
	forget();
	line_free(l);
}

static void
test_bad_tasks(void)
{
	static const char *const bad[] = {
		"{\"task\":{\"status\":\"working\"}}",
		"{\"task\":{\"taskId\":\"\",\"status\":\"working\"}}",
		"{\"task\":{\"taskId\":\"x\",\"status\":\"sleeping\"}}",
		"{\"task\":{\"taskId\":\"x\",\"status\":\"working\","
		"\"ttl\":-1}}",
	};
	struct line *l = fresh();

	open_session(l, 'a', "{}", OFFERS);
	for (size_t i = 0; i < countof(bad); i++) {
		forget();
		legacy(l, session_id, "tools/call",
		    "{\"name\":\"read\",\"task\":{}}", 'a');
		ack(l, true);
		answered(l, 0, bad[i]);
		ack(l, true);
		ok(error_code() == MCP_E_UPSTREAM, "a malformed task");
	}
	make_task(l, "t1");
	ok(jv_is(result("task"), J_OBJ), "a good one");
	make_task(l, "t1");
	ok(error_code() == MCP_E_UPSTREAM, "but not the same one twice");
	forget();
	line_free(l);
}

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

static void
open_stream(struct line *l)
{
	struct msg m = msg_of(MSG_STREAM);
	char cred[32];

	memset(cred, 'a', sizeof(cred));
	msg_set(&m, F_REF, 900);
	msg_set(&m, F_WHERE, 1);
	msg_set_text(&m, F_SESSION, str_of(session_id));
	msg_set_text(&m, F_CRED, (struct str){ cred, sizeof(cred) });
	line_from_front(l, 0, &m);
}

static void
test_legacy_status(void)
{
	struct line *l = fresh();
	const struct msg *e;

	open_session(l, 'a', "{\"elicitation\":{}}", OFFERS);
	make_task(l, "t1");
	open_stream(l);
	forget();
	e = event_from(l, "notifications/tasks/status",
	    "{\"taskId\":\"t2\",\"status\":\"working\"}", false);
	ok(e == NULL, "news of somebody else's task reach nobody");
	e = event_from(l, "notifications/tasks/status",
	    "{\"taskId\":\"t1\",\"status\":\"completed\"}", false);
	ok(e != NULL &&
		same(jv_get(msg_tree(e, F_PARAMS), STR("taskId")), shown),
	    "news of a task come under our id");
	forget();
	e = event_from(l, "elicitation/create",
	    "{\"message\":\"?\"," RELATED "{\"taskId\":\"t1\"}}}", true);
	ok(e != NULL &&
		same(jv_get(jv_get(jv_get(msg_tree(e, F_PARAMS), STR("_meta")),
				MCP_META_TASK),
			 STR("taskId")),
		    shown),
	    "a question is related to our id");
	reply(l, session_id, 1,
	    "{\"action\":\"accept\"," RELATED "{\"taskId\":\"nobody's\"}}}");
	ok(str_search(msg_text(sent(MSG_UP_REPLY), F_RESULT),
	       STR("nobody's")) == msg_text(sent(MSG_UP_REPLY), F_RESULT).n,
	    "a relation that is none is not passed on");
	forget();
	(void)event_from(l, "elicitation/create",
	    "{\"message\":\"?\"," RELATED "{\"taskId\":\"t1\"}}}", true);
	{
		char text[200];

		(void)snprintf(text, sizeof(text),
		    "{\"action\":\"accept\"," RELATED "{\"taskId\":\"%s\"}}}",
		    shown);
		reply(l, session_id, 2, text);
	}
	ok(same(jv_get(jv_get(jv_get(msg_tree(sent(MSG_UP_REPLY), F_RESULT),
				  STR("_meta")),
			   MCP_META_TASK),
		    STR("taskId")),
	       "t1"),
	    "the answer is related to the server's id");
	forget();
	line_free(l);
}

static void
test_agents_tasks(void)
{
	struct line *l = fresh();
	const struct msg *e;

	open_session(l, 'a',
	    "{\"sampling\":{},\"elicitation\":{},\"tasks\":{\"list\":{},"
	    "\"cancel\":{},\"requests\":{\"sampling\":{\"createMessage\":{}},"
	    "\"roots\":{\"list\":{}}}}}",
	    OFFERS);
	e = sent(MSG_HOP_OPEN);
	ok(jv_is(jv_at(msg_tree(e, F_CAPS),
		     "tasks/requests/sampling/createMessage"),
	       J_OBJ) &&
		jv_type(jv_at(msg_tree(e, F_CAPS), "tasks/requests/roots")) ==
		    J_NONE,
	    "what an agent can do as tasks is narrowed and said");
	open_stream(l);
	forget();
	e = event_from(
	    l, "elicitation/create", "{\"message\":\"?\",\"task\":{}}", true);
	ok(e != NULL &&
		jv_type(jv_get(msg_tree(e, F_PARAMS), STR("task"))) == J_NONE,
	    "what it cannot is asked without a task");
	e = event_from(l, "sampling/createMessage",
	    "{\"messages\":[],\"task\":{\"ttl\":5}}", true);
	ok(e != NULL &&
		jv_is(jv_get(msg_tree(e, F_PARAMS), STR("task")), J_OBJ),
	    "what it can is asked as one");
	forget();
	(void)event_from(l, "tasks/get", "{\"taskId\":\"mine\"}", true);
	ok(sent(MSG_EVENT) == NULL && sent(MSG_UP_REPLY) != NULL,
	    "a server may not ask for a task that was not made for it");
	reply(l, session_id, 2,
	    "{\"task\":{\"taskId\":\"mine\",\"status\":\"working\"}}");
	forget();
	e = event_from(l, "tasks/get", "{\"taskId\":\"mine\"}", true);
	ok(e != NULL, "of its own it may");
	forget();
	e = event_from(l, "tasks/list", "{}", true);
	ok(e != NULL, "it may list");
	reply(l, session_id, 4,
	    "{\"tasks\":[{\"taskId\":\"mine\"},{\"taskId\":\"other\"}]}");
	ok(jv_count(jv_get(
	       msg_tree(sent(MSG_UP_REPLY), F_RESULT), STR("tasks"))) == 1,
	    "and sees those that are for it");
	forget();
	line_free(l);
}

int
main(void)
{
	test_legacy_life();
	test_legacy_theft();
	test_legacy_list();
	test_not_offered();
	test_tools_shown();
	test_bounds();
	test_bad_tasks();
	test_legacy_status();
	test_agents_tasks();
	return tap_done();
}
