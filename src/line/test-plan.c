/* test-plan: what agents state, what of it stands, and what becomes of a call
 * that is outside of it. */
#include "line/test-in.h"

static const char plan_image[] =
    "{\"durability\":\"strict\",\"answers\":\"written\",\"limits\":{\"body\":"
    "%d,\"sessions\":9,\"inflight\":64,\"session_idle_ms\":60000},"
    "\"plans\":%s,"
    "\"principals\":[{\"name\":\"alice\",\"cred\":\"61616161616161616161616161"
    "61616161616161616161616161616161616161\"},{\"name\":\"bob\",\"cred\":\"626"
    "2626262626262626262626262626262626262626262626262626262626262\"}],"
    "\"anonymous\":\"\",\"servers\":[{\"name\":\"fs\",\"read_only\":[],"
    "\"sandbox\":\"closed\",\"risk\":{\"read\":[\"read\"],\"rm\":[\"write\"]}}]"
    ",\"endpoints\":[{\"path\":\"/mcp\",\"servers\":[0]},{\"path\":"
    "\"/s/fs/mcp\",\"servers\":[0]}],\"rules\":[],\"policies\":[{\"name\":"
    "\"p\",\"text\":\"permit (principal == Gatehouse::Agent::\\\"alice\\\", "
    "action, resource); permit (principal, action == Gatehouse::Action::"
    "\\\"fs___read\\\", resource); @id(\\\"planned\\\") forbid (principal, "
    "action in Gatehouse::Action::\\\"write\\\", resource) unless { "
    "context.session.plan == \\\"inside\\\" };\"}]}";

static struct line *
line_of(int body, const char *plans)
{
	static char text[4096];

	(void)snprintf(text, sizeof(text), plan_image, body, plans);
	return fresh_of(text);
}

static struct line *
line_with(const char *plans)
{
	return line_of(200000, plans);
}

static size_t outside; /* findings of calls outside the plan */

/* Such a finding stands behind the decision that it is about. */
static void
pass_finding(void)
{
	size_t i = outs_n;

	if (!record_has("kind", "finding") || !record_has("verdict", "outside"))
		return;
	while (outs[--i].m.kind != MSG_RECORD)
		;
	outs[i].m.kind = MSG_NONE;
	outside++;
}

static const char *
record_text(void)
{
	static struct buf b = { .max = 1 << 20 };
	const struct msg *r = sent(MSG_RECORD);

	buf_clear(&b);
	if (r != NULL)
		json_write(msg_tree(r, F_REC), &b);
	buf_ch(&b, '\0');
	return b.p;
}

static bool
says(const char *what)
{
	return strstr(record_text(), what) != NULL;
}

/* The newest record of this kind, or nothing. */
static struct jv
record_of(const char *kind)
{
	for (size_t i = outs_n; i-- > 0;) {
		const struct jv r = outs[i].m.kind == MSG_RECORD
					? msg_tree(&outs[i].m, F_REC)
					: (struct jv){ NULL, 0 };

		if (str_eq(jv_str(jv_get(r, STR("kind"))), str_of(kind)))
			return r;
	}
	return (struct jv){ NULL, 0 };
}

static void
call(struct line *l, const char *name, const char *meta, char who)
{
	char params[9000];

	(void)snprintf(params, sizeof(params),
	    "{\"name\":\"%s\",\"arguments\":{},\"_meta\":{%s}}", name, meta);
	forget();
	request(l, 1, MCP_MODERN, "tools/call", params, who);
	pass_finding();
}

#define PLAN(steps) "\"io.gatehouse/plan\":[" steps "]"
#define ONE(s, t) "{\"step\":\"" s "\",\"tool\":\"" t "\"}"
#define STEP(s) "\"io.gatehouse/planStep\":\"" s "\""

static void
test_meta(void)
{
	struct line *l = line_with("false");
	const struct msg *r;
	size_t i = 0;

	call(l, "read", "", 'a');
	ok(says("\"plan\":\"absent\""), "no plan is absent");
	call(l, "rm", "", 'a');
	ok(record_has("rule", "planned") && record_has("verdict", "deny"),
	    "and policy can want one");
	call(l, "rm",
	    "\"io.gatehouse/input\":\"clean NEEDLE up\"," PLAN(
		ONE("a", "rm") "," ONE("b", "read")) "," STEP("a"),
	    'a');
	ok(jv_count(jv_get(record_of("plan"), STR("steps"))) == 2,
	    "a plan is recorded");
	while (i < outs_n &&
	       !str_eq(jv_str(jv_get(msg_tree(&outs[i].m, F_REC), STR("kind"))),
		   STR("input")))
		i++;
	r = &outs[i].m;
	ok(i < outs_n &&
		str_eq(jv_str(jv_get(msg_tree(r, F_REC), STR("provenance"))),
		    STR("unsigned-request-claim")) &&
		jv_count(jv_at(msg_tree(r, F_REC), "params/_sd")) == 1,
	    "an input is, as a claim that is committed to");
	ok(str_search(jv_bytes(msg_tree(r, F_REC)), STR("NEEDLE")) ==
		jv_bytes(msg_tree(r, F_REC)).n,
	    "its text is not");
	ok(record_has("verdict", "allow") &&
		says("\"says\":\"inside\",\"step\":\"a\""),
	    "the call is in it: %s", record_text());
	ack(l, true);
	opened(l, MCP_MODERN, "{\"tools\":{}}");
	ok(jv_count(jv_at(msg_tree(sent(MSG_UP_CALL), F_PARAMS), "_meta")) == 0,
	    "what it states is not the server's to read");
	ok(outside == 0, "and no finding");
	call(l, "read", STEP("a"), 'a');
	ok(record_has("verdict", "allow") && says("\"says\":\"outside\""),
	    "a step of another tool is not this one");
	ok(outside == 1, "which is a finding");
	call(l, "read", STEP("z"), 'a');
	ok(says("\"says\":\"outside\",\"step\":\"z\""), "nor one of no plan");
	call(l, "read", "", 'a');
	ok(says("\"says\":\"inside\""), "none named: any of this tool will do");
	call(l, "read", "", 'b');
	ok(says("\"plan\":\"absent\""), "a plan is its principal's alone");
	call(l, "other", "", 'a');
	ok(says("\"says\":\"outside\""), "a tool of no step is outside");
	call(l, "rm", PLAN(""), 'a');
	ok(says("\"says\":\"outside\"") && record_has("verdict", "deny"),
	    "an empty plan takes the place of the last");
	clock_ns += UINT64_C(61) * 1000000000;
	call(l, "read", "", 'a');
	ok(says("\"plan\":\"absent\""), "it ends when its agent is silent");
	line_free(l);
}

#define TEXT64                                                                 \
	"0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"
#define TEXT256 TEXT64 TEXT64 TEXT64 TEXT64

static void
test_malformed(void)
{
	static const struct {
		const char *meta;
		bool good;
	} row[] = {
		{ PLAN(ONE("a", "rm")), true },
		{ "\"io.gatehouse/plan\":{}", false },
		{ "\"io.gatehouse/plan\":\"rm\"", false },
		{ PLAN("7"), false },
		{ PLAN("{\"step\":\"a\"}"), false },
		{ PLAN("{\"step\":\"a\",\"tool\":\"b\",\"why\":\"c\"}"), true },
		{ PLAN("{\"step\":\"a\",\"tool\":\"b\",\"who\":\"c\"}"),
		    false },
		{ PLAN("{\"step\":\"a\",\"tool\":\"b\",\"why\":7}"), false },
		{ PLAN("{\"step\":\"\",\"tool\":\"b\"}"), false },
		{ PLAN("{\"step\":1,\"tool\":\"b\"}"), false },
		{ PLAN(ONE("a", "x") "," ONE("a", "y")), false },
		{ PLAN(ONE("a", "x") "," ONE("b", "x")), true },
		{ PLAN(ONE(TEXT64, TEXT256)), true },
		{ PLAN(ONE(TEXT64 "x", "x")), false },
		{ PLAN(ONE("x", TEXT256 "x")), false },
		{ PLAN(ONE("\\u0000\\n", "\\ud83d\\ude00")), true },
		{ "\"io.gatehouse/input\":\"x\"", true },
		{ "\"io.gatehouse/input\":\"\"", false },
		{ "\"io.gatehouse/input\":[\"x\"]", false },
		{ STEP("a"), true },
		{ "\"io.gatehouse/planStep\":7", false },
		{ STEP(TEXT64), true },
		{ STEP(TEXT64 "x"), false },
	};
	struct line *l = line_with("false");

	for (size_t i = 0; i < countof(row); i++) {
		call(l, "read", row[i].meta, 'a');
		ok(record_has("verdict", row[i].good ? "allow" : "deny") &&
			record_has("step", row[i].good ? "" : "state"),
		    "%.60s %s: %s", row[i].meta,
		    row[i].good ? "stands" : "is refused", record_text());
		ok(row[i].good || (jv_is(record_of("plan"), J_NONE) &&
				      jv_is(record_of("input"), J_NONE)),
		    "and recorded only then");
		if (i % 8 == 7) { /* calls that wait are few */
			line_free(l);
			l = line_with("false");
		}
	}
	line_free(l);
}

static void
steps(char *to, size_t max, int n)
{
	size_t at = (size_t)snprintf(to, max, "\"io.gatehouse/plan\":[");

	for (int i = 0; i < n; i++)
		at += (size_t)snprintf(to + at, max - at,
		    "%s{\"step\":\"%d\",\"tool\":\"t\"}", i == 0 ? "" : ",", i);
	(void)snprintf(to + at, max - at, "]");
}

static void
test_limits(void)
{
	struct line *l = line_with("false");
	char meta[8192];

	for (int n = 64; n <= 65; n++) {
		steps(meta, sizeof(meta), n);
		call(l, "read", meta, 'a');
		ok(record_has("verdict", n == 64 ? "allow" : "deny"),
		    "a plan of %d steps", n);
	}
	line_free(l);
	l = line_with("false");
	for (int n = 1; n <= 65; n++) {
		call(l, "nothing", "\"io.gatehouse/input\":\"x\"", 'b');
		if (n >= 64)
			ok(record_has("step", n == 64 ? "decide" : "state"),
			    "statement %d: %s", n, record_text());
		ack(l, true);
	}
	call(l, "read", "\"io.gatehouse/input\":\"x\"", 'a');
	ok(record_has("verdict", "allow"), "another one's are its own");
	clock_ns += UINT64_C(61) * 1000000000;
	call(l, "read", "\"io.gatehouse/input\":\"x\"", 'b');
	ok(record_has("verdict", "allow"), "and they come back with time");
	line_free(l);
}

#define TOOL(args) "{\"name\":\"gatehouse___plan\",\"arguments\":" args "}"

static void
own(struct line *l, const char *params, char who)
{
	forget();
	request(l, 0, MCP_MODERN, "tools/call", params, who);
}

static void
test_tool(void)
{
	struct line *l = line_with("true");

	own(l, TOOL("{\"plan\":[{\"step\":\"1\",\"tool\":\"fs___rm\"}]}"), 'b');
	ok(record_has("verdict", "deny") && record_has("server", "gatehouse") &&
		record_has("name", "plan"),
	    "whom policy does not let state anything does not: %s",
	    record_text());
	ack(l, true);
	ok(jv_is(record_of("plan"), J_NONE), "and nothing is recorded as said");
	own(l, TOOL("{\"plan\":[{\"step\":\"1\",\"tool\":\"fs___rm\"}]}"), 'a');
	ok(record_has("verdict", "allow") && jv_is(record_of("plan"), J_NONE) &&
		!says("\"says\":"),
	    "the call is decided and recorded first");
	ack(l, true);
	ok(!jv_is(record_of("plan"), J_NONE) && record_has("kind", "outcome") &&
		sent(MSG_ANSWER) == NULL,
	    "then the plan, then the outcome: %s", record_text());
	ack(l, true);
	ok(sent(MSG_ANSWER) != NULL && sent(MSG_UP_CALL) == NULL &&
		sent(MSG_HOP_OPEN) == NULL && line_busy(l) == 0,
	    "answered here, nobody else is asked");
	call(l, "rm", "", 'a');
	ok(says("\"says\":\"inside\"") && record_has("verdict", "allow"),
	    "the plan holds at a server's own endpoint too");
	own(l, TOOL("{\"plan\":7}"), 'a');
	ack(l, true);
	ok(record_has("kind", "outcome") && record_has("status", "failed"),
	    "a bad plan: the call was allowed, and failed");
	own(l, TOOL("{}"), 'a');
	ack(l, true);
	ok(record_has("status", "failed"), "and so is nothing");
	request(l, 1, MCP_MODERN, "tools/call", TOOL("{\"input\":\"x\"}"), 'a');
	ok(record_has("server", "fs"),
	    "at a server's own endpoint the name is the server's");
	line_free(l);
	l = line_with("false");
	own(l, TOOL("{\"input\":\"x\"}"), 'a');
	ok(record_has("verdict", "deny") && record_has("step", "route"),
	    "not offered: there is none");
	line_free(l);
}

static void
test_list(void)
{
	static const struct {
		const char *plans;
		char who;
		size_t n;
	} row[] = { { "true", 'a', 2 }, { "true", 'b', 1 },
		{ "false", 'a', 1 } };

	for (size_t i = 0; i < countof(row); i++) {
		struct line *l = line_with(row[i].plans);

		forget();
		request(l, 0, MCP_MODERN, "tools/list", "{}", row[i].who);
		ack(l, true);
		opened(l, MCP_MODERN, "{\"tools\":{}}");
		answered(l, 0,
		    "{\"tools\":[{\"name\":\"read\",\"inputSchema\":{\"type\":"
		    "\"object\"}}]}");
		ack(l, true);
		ok(sent(MSG_ANSWER) != NULL &&
			jv_count(jv_get(msg_tree(sent(MSG_ANSWER), F_RESULT),
			    STR("tools"))) == row[i].n,
		    "plans %s, %c: %zu tools", row[i].plans, row[i].who,
		    row[i].n);
		line_free(l);
	}
}

static void
test_session(void)
{
	struct line *l = line_with("false");
	char id[64];

	begin_session(l, "{\"tools\":{}}");
	session_name(id);
	forget();
	legacy(l, id, "tools/call",
	    "{\"name\":\"rm\",\"_meta\":{" PLAN(ONE("a", "rm")) "}}", 'a');
	ok(says("\"says\":\"inside\"") && says("\"session_seq\":2"),
	    "a session's plan is the first of its records: %s", record_text());
	call(l, "rm", "", 'a');
	ok(says("\"plan\":\"absent\""), "and not its principal's elsewhere");
	line_free(l);
}

/* What finds no room in the turn's memory (four bodies and 64 KiB) does not
 * become a call without params, or a claim that commits to nothing. */
static void
test_large(void)
{
	static const struct {
		int n;
		bool fits;
	} row[] = { { 20000, true }, { 40000, false } };
	char params[50000];

	for (size_t i = 0; i < countof(row); i++) {
		struct line *l = line_of(1000, "false");

		(void)snprintf(params, sizeof(params),
		    "{\"name\":\"read\",\"arguments\":{\"x\":\"%0*d\"},"
		    "\"_meta\":{" STEP("a") "}}",
		    row[i].n, 0);
		forget();
		request(l, 1, MCP_MODERN, "tools/call", params, 'a');
		ok(record_has("verdict", "allow"), "a call that is large");
		ack(l, true);
		opened(l, MCP_MODERN, "{\"tools\":{}}");
		ok((sent(MSG_UP_CALL) != NULL) == row[i].fits &&
			(sent(MSG_UP_CALL) == NULL ||
			    msg_has(sent(MSG_UP_CALL), F_PARAMS)),
		    "leaves with its params, or not at all");
		ok(row[i].fits || record_has("status", "failed"),
		    "which is on record: %s", record_text());
		line_free(l);
		l = line_of(1000, "false");
		(void)snprintf(params, sizeof(params),
		    "{\"name\":\"read\",\"_meta\":{\"io.gatehouse/input\":"
		    "\"%0*d\"}}",
		    row[i].n, 0);
		forget();
		request(l, 1, MCP_MODERN, "tools/call", params, 'a');
		ok(record_has("verdict", row[i].fits ? "allow" : "deny") &&
			!jv_is(record_of("input"), J_NONE) == row[i].fits,
		    "a claim with its commitment, or none");
		ok(row[i].fits || says("too large"), "and why: %.200s",
		    record_text());
		line_free(l);
	}
}

int
main(void)
{
	test_meta();
	test_malformed();
	test_limits();
	test_tool();
	test_list();
	test_session();
	test_large();
	forget();
	return tap_done();
}
