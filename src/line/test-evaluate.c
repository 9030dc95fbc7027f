/*
 * test-evaluate: who asks for decisions, and what he is told.  What an agent's
 * call is told and what an enforcement point is told of the same call are the
 * same, whatever the policies say.
 */
#include "line/test-in.h"

/* The policies, as JSON has them. */
#define ASKED_POLICIES                                                         \
	"@id(\\\"reads\\\") @obligation(\\\"log:full\\\") permit "             \
	"(principal == Gatehouse::Agent::\\\"alice\\\", action, "              \
	"resource) when { context.call.server == \\\"fs\\\" };"                \
	"@id(\\\"inside\\\") @reason(\\\"only below /data\\\") forbid "        \
	"(principal, action == Gatehouse::Action::\\\"fs___read\\\", "         \
	"resource) unless { context.derived.path.canonical like "              \
	"\\\"/data/*\\\" };"                                                   \
	"@id(\\\"two\\\") @requestable(\\\"two-eyes\\\") forbid "              \
	"(principal, action in Gatehouse::Action::\\\"destructive\\\", "       \
	"resource);"                                                           \
	"@id(\\\"three\\\") @requestable(\\\"destructive\\\") forbid "         \
	"(principal, action in Gatehouse::Action::\\\"destructive\\\", "       \
	"resource);"                                                           \
	"@id(\\\"sum\\\") forbid (principal, action == "                       \
	"Gatehouse::Action::\\\"fs___pay\\\", resource) when { "               \
	"context.input.amount > 100 };"

#define CRED(x) x x x x x x x x x x x x x x x x
static const char asked_text[] =
    "{\"durability\":\"strict\",\"answers\":\"written\","
    "\"limits\":{\"body\":100000,\"inflight\":64,\"rate\":0},"
    "\"principals\":[{\"name\":\"alice\",\"cred\":\"" CRED(
	"6161") "\"},"
		"{\"name\":\"bob\",\"cred\":\"" CRED(
		    "6262") "\"},"
			    "{\"name\":\"pep\",\"evaluates\":true,\"cred\":"
			    "\"" CRED(
				"7070") "\"}],"
					"\"anonymous\":\"\",\"servers\":[{"
					"\"name\":\"fs\",\"read_only\":["
					"\"read\"],"
					"\"facts\":{\"read\":{\"path\":"
					"\"path\"}},"
					"\"risk\":{\"erase\":[\"destructive\"],"
					"\"read\":[\"read\"],\"list\":["
					"\"read\"],\"pay\":[\"money\"],"
					"\"x\":[],\"y\":[]}"
					"},"
					"{\"name\":\"web\",\"read_only\":[],"
					"\"risk\":{\"get\":[\"read\"]}}],"
					"\"endpoints\":[{\"path\":\"/"
					"mcp\",\"servers\":[0,1]},"
					"{\"path\":\"/s/fs/"
					"mcp\",\"servers\":[0]}],"
					"\"rules\":[{\"effect\":\"deny\","
					"\"principal\":\"*\",\"server\":\"fs\","
					"\"method\":\"*\",\"name\":\"write\","
					"\"id\":\"no-write\",\"reason\":"
					"\"never\"},{\"effect\":\"allow\","
					"\"principal\":\"bob\",\"server\":"
					"\"web\",\"method\":\"*\",\"name\":\"*"
					"\",\"id\":\"bobs\",\"reason\":\"\"}],"
					"\"policies\":[{\"name\":\"a.cedar\","
					"\"text\":\"" ASKED_POLICIES "\"}]}";

/* A policy reads the arguments of fs's tool "pay": its list was seen. */
static struct line *
fresh_asked(void)
{
	struct line *l = fresh_of(asked_text);
	const struct learning how = { true, NULL, &(unsigned){ 0 } };

	tool_learn(l, &l->up[0],
	    tape("{\"name\":\"pay\",\"inputSchema\":{\"type\":\"object\","
		 "\"properties\":{\"amount\":{\"type\":\"integer\"}}}}"),
	    &how);
	forget();
	return l;
}

static void
ask_as(struct line *l, char who, bool many, const char *json)
{
	struct msg m = msg_of(MSG_ASK);
	char cred[32];

	memset(cred, who, sizeof(cred));
	msg_set(&m, F_REF, 7);
	msg_set(&m, F_FLAGS, many ? MF_MANY : 0);
	msg_set_text(&m, F_CRED, (struct str){ cred, sizeof(cred) });
	msg_set_text(&m, F_TEXT, STR("req-1"));
	msg_set_tree(&m, F_PARAMS, tape(json));
	line_from_desk(l, &m);
}

/* What desk was told last; J_NONE: nothing, or no decision. */
static struct jv
result(void)
{
	const struct msg *m = sent(MSG_TOLD);

	return m == NULL ? (struct jv){ NULL, 0 } : msg_tree(m, F_RESULT);
}

static bool
result_says(const char *path, const char *want)
{
	return str_eq(jv_str(jv_at(result(), path)), str_of(want));
}

static unsigned
status(void)
{
	const struct msg *m = sent(MSG_TOLD);

	return m == NULL ? 0 : (unsigned)msg_num(m, F_STATUS);
}

/* ---- the same call, both ways ---- */

#define TO(who) "{\"subject\":{\"type\":\"agent\",\"id\":\"" who "\"},"
#define DO(name) "\"action\":{\"name\":\"" name "\"},"
#define ON(type, id) "\"resource\":{\"type\":\"" type "\",\"id\":\"" id "\"}"
#define WITH(args) ",\"context\":{\"arguments\":" args "}"
#define TOOL(name, args) "{\"name\":\"" name "\",\"arguments\":" args "}"
#define DATA "{\"path\":\"/data/x\"}"
#define OUTSIDE "{\"path\":\"/data/../etc/passwd\"}"
#define INEXACT "{\"amount\":0.123456}"

static const struct {
	char who;
	const char *method, *params, *ask;
	const char *rule; /* of both */
	enum effect effect;
} pairs[] = {
	{ 'a', "tools/call", TOOL("fs___read", DATA),
	    TO("alice") DO("tools/call") ON("tool", "fs/read") WITH(DATA) "}",
	    "reads", ALLOW },
	{ 'a', "tools/call", TOOL("fs___read", OUTSIDE),
	    TO("alice") DO("fs___read") ON("tool", "fs___read")
		WITH(OUTSIDE) "}",
	    "inside", DENY },
	{ 'a', "tools/call", "{\"name\":\"fs___read\"}",
	    TO("alice") DO("call_tool") ON("Gatehouse::Tool", "fs/read") "}",
	    "policy-error", DENY },
	{ 'a', "tools/call", TOOL("fs___write", "{}"),
	    TO("alice") DO("tools/call") ON("tool", "fs/write") WITH("{}") "}",
	    "no-write", DENY },
	{ 'a', "tools/call", TOOL("fs___erase", "{}"),
	    TO("alice") DO("tools/call") ON("tool", "fs/erase") WITH("{}") "}",
	    "two", HOLD },
	{ 'a', "tools/call", TOOL("fs___pay", "{\"amount\":100}"),
	    TO("alice") DO("fs___pay") ON("tool", "fs/pay")
		WITH("{\"amount\":100}") "}",
	    "reads", ALLOW },
	{ 'a', "tools/call", TOOL("fs___pay", "{\"amount\":101}"),
	    TO("alice") DO("fs___pay") ON("tool", "fs/pay")
		WITH("{\"amount\":101}") "}",
	    "sum", DENY },
	{ 'a', "tools/call", TOOL("fs___pay", INEXACT),
	    TO("alice") DO("tools/call") ON("tool", "fs/pay") WITH(INEXACT) "}",
	    "arguments", DENY },
	{ 'a', "tools/call", TOOL("web___get", "{}"),
	    TO("alice") DO("tools/call") ON("tool", "web/get") "}",
	    "default-deny", DENY },
	{ 'b', "tools/call", TOOL("web___get", "{}"),
	    "{\"subject\":{\"type\":\"Gatehouse::User\",\"id\":\"bob\"}," DO(
		"tools/call") ON("tool", "web/get") "}",
	    "bobs", ALLOW },
	{ 'a', "tools/call",
	    "{\"name\":\"fs___list\",\"_meta\":{\"io.gatehouse/onBehalfOf\":"
	    "\"bob\"}}",
	    TO("alice") DO("tools/call") ON(
		"tool", "fs/list") ",\"context\":{\"on_behalf_of\":\"bob\"}}",
	    "default-deny", DENY },
	{ 'a', "tools/call",
	    "{\"name\":\"fs___list\",\"_meta\":{\"io.gatehouse/model\":7}}",
	    TO("alice") DO("tools/call")
		ON("tool", "fs/list") ",\"context\":{\"model\":7}}",
	    "arguments", DENY },
	{ 'a', "tools/call", "{\"name\":\"fs___list\"}",
	    TO("alice") DO("tools/call") ON("tool", "fs/list") "}", "reads",
	    ALLOW },
	{ 'a', "prompts/get", "{\"name\":\"fs___p\"}",
	    TO("alice") DO("prompts/get") ON("prompt", "fs/p") "}", "reads",
	    ALLOW },
	{ 'b', "prompts/get", "{\"name\":\"fs___p\"}",
	    TO("bob") DO("get_prompt") ON("Gatehouse::Prompt", "fs/p") "}",
	    "default-deny", DENY },
	{ 'a', "completion/complete",
	    "{\"ref\":{\"type\":\"ref/prompt\",\"name\":\"fs___p\"}}",
	    TO("alice") DO("completion/complete") ON("prompt", "fs/p") "}",
	    "reads", ALLOW },
	{ 'b', "completion/complete",
	    "{\"ref\":{\"type\":\"ref/prompt\",\"name\":\"fs___p\"}}",
	    TO("bob") DO("complete") ON("prompt", "fs/p") "}", "default-deny",
	    DENY },
};

static void
test_same(void)
{
	for (size_t i = 0; i < countof(pairs); i++) {
		struct line *l = fresh_asked();
		struct msg *r;
		char reason[200];

		request(l, 0, MCP_MODERN, pairs[i].method, pairs[i].params,
		    pairs[i].who);
		r = sent(MSG_RECORD);
		(void)snprintf(reason, sizeof(reason), "%.*s",
		    STR_ARG(jv_str(jv_get(msg_tree(r, F_REC), STR("reason")))));
		ok(record_has("kind", "decision") &&
			record_has("rule", pairs[i].rule) &&
			record_has("verdict",
			    pairs[i].effect == ALLOW ? "allow" : "deny"),
		    "an agent: %s", pairs[i].params);
		forget();
		ask_as(l, 'p', false, pairs[i].ask);
		ok(record_has("kind", "evaluation") &&
			record_has("rule", pairs[i].rule) &&
			record_has("reason", reason),
		    "is on record as the other");
		ack(l, true);
		ok(jv_true(jv_get(result(), STR("decision"))) ==
			    (pairs[i].effect == ALLOW) &&
			result_says("context/rule", pairs[i].rule) &&
			result_says("context/message", reason),
		    "who asks: %s", pairs[i].ask);
		forget();
		line_free(l);
	}
}

/* A list is decided by reach: the endpoint of that server alone says so. */
static void
test_reach(void)
{
	static const struct {
		char who;
		const char *ask;
		bool may;
	} rows[] = {
		{ 'a', TO("alice") DO("tools/list") ON("server", "fs") "}",
		    true },
		{ 'b', TO("bob") DO("tools/list") ON("mcp_server", "fs") "}",
		    false },
	};

	for (size_t i = 0; i < countof(rows); i++) {
		struct line *l = fresh_asked();

		request(l, 1, MCP_MODERN, "tools/list", "{}", rows[i].who);
		ok(record_has("verdict", rows[i].may ? "allow" : "deny"),
		    "an agent's list");
		ask_as(l, 'p', false, rows[i].ask);
		ack(l, true);
		ok(jv_true(jv_get(result(), STR("decision"))) == rows[i].may,
		    "and what is told of it");
		forget();
		line_free(l);
	}
}

/* ---- words that are not ours ---- */

static void
test_unknown(void)
{
	static const struct {
		const char *ask, *rule;
	} rows[] = {
		{ TO("nobody") DO("tools/call") ON("tool", "fs/read") "}",
		    "unknown-subject" },
		{ "{\"subject\":{\"type\":\"ship\",\"id\":\"alice\"}," DO(
		      "tools/call") ON("tool", "fs/read") "}",
		    "unknown-subject" },
		{ TO("alice") DO("fly") ON("tool", "fs/read") "}",
		    "unknown-action" },
		{ TO("alice") DO("notifications/initialized")
			ON("server", "fs") "}",
		    "unknown-action" },
		{ TO("alice") DO("sampling/createMessage")
			ON("server", "fs") "}",
		    "unknown-action" },
		{ TO("alice") DO("no___read") ON("tool", "fs/read") "}",
		    "unknown-action" },
		{ TO("alice") DO("tools/call") ON("record", "fs/read") "}",
		    "unknown-resource" },
		{ TO("alice") DO("tools/call") ON("prompt", "fs/read") "}",
		    "unknown-resource" },
		{ TO("alice") DO("tools/call") ON("tool", "read") "}",
		    "unknown-resource" },
		{ TO("alice") DO("tools/call") ON("tool", "fs/") "}",
		    "unknown-resource" },
		{ TO("alice") DO("tools/call") ON("tool", "no/read") "}",
		    "unknown-resource" },
		{ TO("alice") DO("fs___write") ON("tool", "fs/read") "}",
		    "unknown-resource" },
		{ TO("alice") DO("tools/list") ON("server", "no") "}",
		    "unknown-resource" },
		{ TO("alice") DO("resources/read")
			ON("resource", "file:///a") "}",
		    "unknown-resource" },
	};
	struct line *l = fresh_asked();

	for (size_t i = 0; i < countof(rows); i++) {
		ask_as(l, 'p', false, rows[i].ask);
		ok(record_has("rule", rows[i].rule) &&
			record_has("asker", "pep") &&
			record_has("verdict", "deny"),
		    "%s on record: %s", rows[i].rule, rows[i].ask);
		ack(l, false);
		ok(jv_is(jv_get(result(), STR("decision")), J_FALSE) &&
			result_says("context/reason", "policy_denied") &&
			jv_str(jv_at(result(), "context/message")).n > 0,
		    "denied with words");
		forget();
	}
	ask_as(l, 'p', false,
	    TO("alice") DO("resources/read") "\"resource\":{\"type\":"
					     "\"resource\",\"id\":\"file:///"
					     "a\",\"properties\":{\"server\":"
					     "\"fs\"}}}");
	ack(l, true);
	ok(jv_true(jv_get(result(), STR("decision"))) &&
		record_has("server", "fs") && record_has("name", "file:///a"),
	    "a resource of a named server");
	forget();
	line_free(l);
}

/* ---- who may ask ---- */

#define ONE TO("alice") DO("tools/call") ON("tool", "fs/read") WITH(DATA) "}"

static void
test_who(void)
{
	struct line *l = fresh_asked();
	static struct buf image = { .max = 1 << 20 };
	struct note why;

	ask_as(l, 'z', false, ONE);
	ok(status() == 401 && record_has("kind", "refusal"),
	    "an unknown credential is refused, on record");
	ask_as(l, 'a', false, ONE);
	ok(status() == 403 && record_has("principal", "alice"),
	    "so is a principal that may not ask");
	ask_as(l, 'a', false, "7");
	ok(status() == 403, "whatever he says");
	ask_as(l, 'p', false, "7");
	ok(status() == 400 && jv_is(result(), J_NONE), "who may hears more");
	forget();
	ask_as(l, 'p', false, ONE);
	ok(sent(MSG_TOLD) == NULL, "nothing is told before its record is");
	ack(l, false);
	ok(sent(MSG_TOLD) == NULL, "nor a permission before it is durable");
	ack(l, true);
	ok(status() == 0 && jv_true(jv_get(result(), STR("decision"))) &&
		record_has("request", "req-1"),
	    "then it is");
	ok(str_starts(
	       jv_str(jv_at(result(), "context/evaluation_id")), STR("0-")) &&
		jv_count(jv_at(result(), "context/policies")) == 1 &&
		jv_count(jv_at(result(), "context/obligations")) == 1,
	    "with its record's place, policies and obligations");
	forget();
	BUG_ON(json_parse(str_of(image_text), &json_default, &image, NULL));
	ok(line_image(l, jv_of(buf_view(&image)), &why) == OK, "a new image");
	ask_as(l, 'p', false, ONE);
	ok(status() == 401, "in which he is not");
	forget();
	line_free(l);
}

static void
test_held(void)
{
	struct line *l = fresh_asked();

	ask_as(l, 'p', false,
	    TO("alice") DO("tools/call") ON("tool", "fs/erase") "}");
	ok(record_has("verdict", "hold") &&
		jv_count(jv_get(
		    msg_tree(sent(MSG_RECORD), F_REC), STR("needs"))) == 2,
	    "what two persons may lift");
	ack(l, false);
	ok(jv_is(jv_get(result(), STR("decision")), J_FALSE) &&
		result_says("context/reason", "approval_required") &&
		jv_count(jv_at(result(), "context/requestable")) == 2,
	    "is denied, and says what would lift it");
	forget();
	line_free(l);
}

/* ---- lists ---- */

#define LIST(sem)                                                              \
	TO("alice")                                                            \
	DO("tools/call")                                                       \
	"\"options\":{\"evaluations_semantic\":\"" sem "\"},"                  \
	"\"evaluations\":[{" ON("tool", "fs/x") "},{" ON(                      \
	    "tool", "fs/write") "},{},{" ON("tool", "fs/y") "}]}"

static void
test_lists(void)
{
	static const struct {
		const char *ask;
		size_t n;
	} rows[] = { { LIST("execute_all"), 4 },
		{ LIST("deny_on_first_deny"), 2 },
		{ LIST("permit_on_first_permit"), 1 } };
	struct line *l = fresh_asked();

	for (size_t i = 0; i < countof(rows); i++) {
		struct jit it;
		struct jv v;
		bool first = false;

		ask_as(l, 'p', true, rows[i].ask);
		ok(sent_n(MSG_RECORD) == rows[i].n, "%zu records", rows[i].n);
		ack(l, true);
		ok(jv_count(jv_get(result(), STR("evaluations"))) ==
			    rows[i].n &&
			jv_is(jv_get(result(), STR("decision")), J_NONE),
		    "%zu decisions", rows[i].n);
		it = jit_of(jv_get(result(), STR("evaluations")));
		first = jit_next(&it, NULL, &v) &&
			jv_true(jv_get(v, STR("decision")));
		ok(first, "in their order");
		if (rows[i].n == 4) {
			(void)jit_next(&it, NULL, &v);
			(void)jit_next(&it, NULL, &v);
			ok(jv_is(jv_get(v, STR("decision")), J_FALSE) &&
				str_eq(jv_str(jv_at(v, "context/reason")),
				    STR("bad_request")) &&
				str_eq(
				    jv_str(jv_at(v, "context/error/message")),
				    STR("resource is missing")),
			    "a malformed one is denied with its fault");
		}
		forget();
	}
	ask_as(l, 'p', false, LIST("execute_all"));
	ok(status() == 400, "the endpoint of one knows no list");
	forget();
	line_free(l);
}

static void
test_bounds(void)
{
	struct line *l = fresh_asked();
	struct buf b = { .max = 1 << 20 };

	buf_str(&b, STR(TO("alice") DO("tools/call")
			    ON("tool", "fs/x") ",\"context\":{\"x\":\""));
	for (int i = 0; i < 2000; i++)
		buf_ch(&b, 'x');
	buf_str(&b, STR("\"},\"evaluations\":[{}"));
	for (int i = 1; i < 60; i++)
		buf_str(&b, STR(",{}"));
	buf_str(&b, STR("]}"));
	buf_ch(&b, '\0');
	ask_as(l, 'p', true, b.p);
	ok(status() == 413, "what grows large when written out is refused");
	forget();
	l->max_body = 200000;
	ask_as(l, 'p', true, b.p);
	ok(sent_n(MSG_RECORD) == 60, "and within the limit decided");
	forget();
	l->rate = 2;
	clock_ns += UINT64_C(10000000000);
	ask_as(l, 'p', true, LIST("execute_all"));
	ok(status() == 429, "each of a list counts for the rate");
	forget();
	ask_as(l, 'p', false, ONE);
	ok(sent(MSG_TOLD) == NULL && sent_n(MSG_RECORD) == 1, "one may be");
	buf_done(&b);
	forget();
	line_free(l);
}

/* A tool that no list has shown: its server is asked, as before a call. */
static void
test_learned(void)
{
	struct line *l = fresh_of(asked_text);

	ask_as(l, 'p', true,
	    TO("alice") DO("tools/call") "\"evaluations\":[{" ON("tool",
		"fs/pay") WITH("{\"amount\":7}") "},{" ON("tool", "fs/pay")
		WITH("{\"amount\":\"7\"}") "}]}");
	ok(record_has("kind", "catalogue") &&
		record_has("principal", "alice") && sent(MSG_HOP_OPEN) == NULL,
	    "that its server is asked is on record");
	ack(l, true);
	ok(sent(MSG_HOP_OPEN) != NULL && sent_n(MSG_RECORD) == 1,
	    "before it is, and nothing is decided");
	opened(l, MCP_MODERN, "{\"tools\":{}}");
	ok(sent(MSG_UP_CALL) != NULL &&
		msg_num(sent(MSG_UP_CALL), F_METHOD) == MCP_TOOLS_LIST,
	    "for its list alone");
	answered(l, 0,
	    "{\"tools\":[{\"name\":\"pay\",\"inputSchema\":{\"type\":"
	    "\"object\",\"properties\":{\"amount\":{\"type\":\"integer\"}}}"
	    "}]}");
	ok(sent_n(MSG_UP_CALL) == 1, "once, whatever depends on it");
	ack(l, true);
	ok(jv_count(jv_get(result(), STR("evaluations"))) == 2 &&
		record_has("verdict", "deny") &&
		record_has("rule", "arguments"),
	    "then both are decided, the second by the types it has");
	forget();
	line_free(l);
	l = fresh_of(asked_text);
	ask_as(l, 'p', false,
	    TO("alice") DO("tools/call") ON("tool", "fs/pay")
		WITH("{\"amount\":7}") "}");
	ack(l, true);
	line_back_lost(l, 0);
	ack(l, true);
	ok(jv_is(jv_get(result(), STR("decision")), J_FALSE) &&
		result_says("context/rule", "unavailable"),
	    "a server that does not answer: denied");
	forget();
	ask_as(
	    l, 'p', false, TO("bob") DO("tools/call") ON("tool", "fs/pay") "}");
	ok(record_has("kind", "evaluation") && record_has("verdict", "deny") &&
		sent(MSG_HOP_OPEN) == NULL,
	    "for whom nothing is allowed nobody is asked");
	forget();
	line_free(l);
	l = fresh_of(asked_text);
	ask_as(l, 'p', false,
	    TO("alice") DO("tools/call") ON("tool", "fs/pay") "}");
	line_desk_lost(l);
	ack(l, true);
	opened(l, MCP_MODERN, "{}");
	ok(sent(MSG_TOLD) == NULL && line_busy(l) == 0,
	    "who asked is gone meanwhile");
	forget();
	ask_as(l, 'p', false,
	    TO("alice") DO("tools/call") ON("tool", "fs/pay2") "}");
	line_ledger_lost(l);
	ok(line_busy(l) == 0, "so is the ledger");
	first_word(l);
	ask_as(l, 'p', false,
	    TO("alice") DO("tools/call") ON("tool", "fs/pay") "}");
	line_free(l);
	forget();
}

static void
test_lost(void)
{
	struct line *l = fresh_asked();
	struct msg m = msg_of(MSG_RECORDED);

	ask_as(l, 'p', false, ONE);
	ok(line_busy(l) == 1, "what waits for the ledger is under way");
	line_ledger_lost(l);
	ok(status() == 503 && jv_is(result(), J_NONE) && line_busy(l) == 0,
	    "without a ledger nothing is decided");
	forget();
	ask_as(l, 'p', false, ONE);
	ok(status() == 503 && sent(MSG_RECORD) == NULL, "nor asked of policy");
	forget();
	first_word(l);
	ask_as(l, 'p', false, ONE);
	line_desk_lost(l);
	msg_set(&m, F_SEQ, 1000);
	msg_set(&m, F_FLAGS, MF_STRICT);
	line_from_ledger(l, &m);
	ok(sent(MSG_TOLD) == NULL && line_busy(l) == 0,
	    "another desk is not told what the last one asked");
	forget();
	ask_as(l, 'p', false, ONE); /* and one that waits at the end */
	line_free(l);
	forget();
}

int
main(void)
{
	test_same();
	test_reach();
	test_unknown();
	test_who();
	test_held();
	test_lists();
	test_bounds();
	test_learned();
	test_lost();
	return tap_done();
}
