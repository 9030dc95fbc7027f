/* test-facts: what policy is told of a session, and what records say of it, of
 * delegation, of what is not declared, and of models. */
#include "line/test-in.h"

static const char text[] =
    "{\"durability\":\"strict\",\"answers\":\"written\",\"limits\":{\"body\":"
    "100000,\"sessions\":9,\"inflight\":64,\"session_idle_ms\":60000},"
    "\"principals\":[{\"name\":\"alice\",\"cred\":\"61616161616161616161616161"
    "61616161616161616161616161616161616161\"},{\"name\":\"bob\",\"cred\":\"626"
    "2626262626262626262626262626262626262626262626262626262626262\"}],"
    "\"anonymous\":\"\",\"servers\":[{\"name\":\"fs\",\"read_only\":[],"
    "\"sandbox\":\"net\",\"risk\":{\"send\":[\"egress\",\"write\"]}},{\"name\":"
    "\"web\",\"read_only\":[],\"sandbox\":\"remote\"}],"
    "\"endpoints\":[{\"path\":\"/mcp\",\"servers\":[0,1]},{\"path\":"
    "\"/s/fs/mcp\",\"servers\":[0]},{\"path\":\"/s/web/mcp\",\"servers\":[1]}],"
    "\"inventory\":{\"file\":\"i\",\"listed_models\":true,\"agents\":[{\"id\":"
    "\"alice\",\"acts_for\":\"ann\"},{\"id\":\"bob\"}],\"users\":[{\"id\":"
    "\"ann\"}],\"servers\":[{\"id\":\"fs\"},{\"id\":\"web\"}],\"tools\":[{"
    "\"id\":\"fs/read\"},{\"id\":\"fs/send\"},{\"id\":\"web/get\"}],"
    "\"prompts\":[],\"resources\":[],\"models\":[{\"id\":\"m1\"},{\"id\":"
    "\"m2\"}],\"datasets\":[{\"id\":\"d\",\"classification\":\"%s\","
    "\"resources\":[],\"arguments\":[{\"server\":\"fs\",\"tool\":\"read\","
    "\"argument\":\"path\",\"values\":[\"/p/*\"],\"line\":1,\"column\":1}]}]},"
    "\"rules\":[],\"policies\":[{\"name\":\"p\",\"text\":\"@id(\\\"all\\\") "
    "permit (principal, action, resource); @id(\\\"no\\\") forbid (principal, "
    "action == Gatehouse::Action::\\\"fs___send\\\", resource) when { "
    "context.session.labels.contains(\\\"private\\\") }; @id(\\\"m2\\\") "
    "forbid (principal, action == Gatehouse::Action::\\\"use_model\\\", "
    "resource == Gatehouse::Model::\\\"m2\\\");\"}]}";

static struct line *
line_of(void)
{
	static char image[4096];

	(void)snprintf(image, sizeof(image), text, "private");
	return fresh_of(image);
}

static struct jv
record(void)
{
	const struct msg *r = sent(MSG_RECORD);

	return r == NULL ? (struct jv){ NULL, 0 } : msg_tree(r, F_REC);
}

static const char *
record_text(void)
{
	static struct buf b = { .max = 1 << 20 };

	buf_clear(&b);
	json_write(record(), &b);
	buf_ch(&b, '\0');
	return b.p;
}

static bool
says(const char *what)
{
	return strstr(record_text(), what) != NULL;
}

/* A modern call of who at fs; its decision is what is asked about. */
static void
call(struct line *l, const char *params, char who)
{
	forget();
	request(l, 1, MCP_MODERN, "tools/call", params, who);
}
#define READ(path) "{\"name\":\"read\",\"arguments\":{\"path\":\"" path "\"}}"
#define SEND "{\"name\":\"send\"}"

static void
test_labels(void)
{
	struct line *l = line_of();

	call(l, READ("/q/x"), 'a');
	call(l, SEND, 'a');
	ok(record_has("verdict", "allow"), "what is not in the dataset");
	call(l, READ("/p/x"), 'a');
	ok(record_has("verdict", "allow") &&
		says("\"session_facts\":{\"calls\":2,\"labels\":[],"),
	    "a call is told of those before it: %s", record_text());
	call(l, SEND, 'a');
	ok(record_has("verdict", "deny") && record_has("rule", "no") &&
		says("\"labels\":[\"private\"]"),
	    "what has read it sends nothing");
	call(l, SEND, 'b');
	ok(record_has("verdict", "allow") && says("\"labels\":[]"),
	    "another principal has not read it");
	clock_ns += UINT64_C(59000000000);
	call(l, SEND, 'a');
	ok(record_has("verdict", "deny"), "it stays");
	clock_ns += UINT64_C(61000000000);
	call(l, SEND, 'a');
	ok(record_has("verdict", "allow") && says("\"calls\":0"),
	    "until the principal was silent for limits.session_idle");
	line_free(l);
}

static void
test_refused_reads(void)
{
	struct line *l = line_of();

	call(l, "{\"name\":\"gone\",\"arguments\":{\"path\":\"/p/x\"}}", 'a');
	ok(record_has("rule", "undeclared") &&
		record_has(
		    "reason", "The inventory declares no tool \"fs/gone\"."),
	    "what is not declared is refused and on record");
	call(l, SEND, 'a');
	ok(record_has("verdict", "allow") && says("\"labels\":[],") &&
		says("\"refusals\":1"),
	    "a refused call has read nothing, and is counted");
	line_free(l);
}

static void
test_counters(void)
{
	struct line *l = line_of();
	char want[512];

	call(l, SEND, 'a');
	request(l, 2, MCP_MODERN, "tools/call", "{\"name\":\"get\"}", 'a');
	ok(says("\"sandbox\":\"remote\",\"servers\":1}"),
	    "servers before, sandbox of this one");
	call(l, READ("/q"), 'a'); /* get: nobody declared what it may do */
	(void)snprintf(want, sizeof(want),
	    "{\"calls\":2,\"labels\":[],\"now\":%llu,\"plan\":\"absent\","
	    "\"refusals\":0,\"risk\":{"
	    "\"destructive\":1,\"egress\":2,\"money\":1,\"read\":1,"
	    "\"write\":2},\"sandbox\":\"net\",\"servers\":2}",
	    (unsigned long long)(the_wall(NULL) / 1000000));
	ok(says(want), "calls, groups, servers, time: %s", record_text());
	line_free(l);
}

/* A legacy agent that opens another session is not rid of its labels. */
static void
test_sessions(void)
{
	struct line *l = line_of();
	char one[64], two[64];

	begin_session(l, "{\"tools\":{}}");
	session_name(one);
	forget();
	legacy(l, one, "tools/call", READ("/p/x"), 'a');
	ok(record_has("verdict", "allow"), "a session reads");
	begin_session(l, "{\"tools\":{}}");
	session_name(two);
	forget();
	legacy(l, two, "tools/call", SEND, 'a');
	ok(strcmp(one, two) != 0 && record_has("rule", "no") &&
		says("\"calls\":0,"),
	    "another one of the principal knows: %s", record_text());
	clock_ns += UINT64_C(61000000000);
	legacy(l, one, "tools/call", SEND, 'a');
	ok(record_has("rule", "no") && says("\"calls\":1,"),
	    "the session itself never forgets: %s", record_text());
	line_free(l);
}

static void
test_reload(void)
{
	struct line *l = line_of();
	struct buf b[70];
	struct note why = { "" };
	bool good = true;
	char image[4096], name[16];

	call(l, READ("/p/x"), 'a');
	for (size_t i = 0; i < countof(b); i++) {
		b[i] = (struct buf){ .max = 1 << 20 };
		(void)snprintf(name, sizeof(name), "c%zu", i);
		(void)snprintf(image, sizeof(image), text, name);
		BUG_ON(json_parse(str_of(image), &json_default, &b[i], NULL) !=
		       OK);
		good &= (line_image(l, jv_of(buf_view(&b[i])), &why) == OK) ==
			(i < 63);
	}
	ok(good && strstr(why.text, "restart") != NULL,
	    "64 labels since the start, the next needs another");
	call(l, SEND, 'a');
	ok(record_has("rule", "no"),
	    "a label that the new inventory has not stays: %s", record_text());
	line_free(l);
	for (size_t i = 0; i < countof(b); i++)
		buf_done(&b[i]);
}

static void
test_chain(void)
{
	struct line *l = line_of();

	call(l, READ("/q"), 'a');
	ok(says("\"chain\":[{\"name\":\"ann\",\"provenance\":"
		"\"connection-credential\",\"verified\":true}]"),
	    "whom the credential stands for");
	call(l,
	    "{\"name\":\"read\",\"_meta\":{\"io.gatehouse/onBehalfOf\":"
	    "\"ann\"}}",
	    'b');
	ok(record_has("verdict", "allow") &&
		says("\"chain\":[{\"name\":\"ann\",\"provenance\":"
		     "\"unsigned-request-claim\",\"verified\":false}]"),
	    "what a request only says");
	call(l, READ("/q"), 'b');
	ok(!says("\"chain\""), "nobody");
	call(l,
	    "{\"name\":\"read\",\"_meta\":{\"io.gatehouse/onBehalfOf\":"
	    "\"eve\"}}",
	    'b');
	ok(record_has("rule", "delegation") && record_has("verdict", "deny"),
	    "a name that nobody knows");
	line_free(l);
}

/* A legacy server asks while it works. */
static void
asks(struct line *l, const char *params)
{
	const struct msg *c = sent(MSG_UP_CALL);
	struct msg m = msg_of(MSG_UP_EVENT);

	BUG_ON(c == NULL);
	msg_set(&m, F_HOP, msg_num(c, F_HOP));
	msg_set(&m, F_CALL, msg_num(c, F_CALL));
	msg_set(&m, F_FLAGS, MF_REQUEST);
	msg_set_text(&m, F_NAME, STR("sampling/createMessage"));
	msg_set_tree(&m, F_ID, tape("\"q\""));
	msg_set_tree(&m, F_PARAMS, tape(params));
	line_from_back(l, 0, &m);
}
#define HINT(name)                                                             \
	"{\"messages\":[],\"modelPreferences\":{\"hints\":[{\"name\":\"" name  \
	"\"}]}}"

static void
test_sampling(void)
{
	static const struct {
		const char *what, *params, *says;
	} rows[] = {
		{ "a declared model", HINT("m1"), "\"verdict\":\"allow\"" },
		{ "no model at all", "{\"messages\":[]}",
		    "\"verdict\":\"allow\"" },
		{ "one that is not declared", HINT("m9"),
		    "model m9 is denied by rule undeclared" },
		{ "one that is forbidden", HINT("m2"),
		    "model m2 is denied by rule m2" },
	};
	struct line *l = line_of();
	struct said s = { .where = 1,
		.era = MCP_MODERN,
		.name = "tools/call",
		.params = READ("/q"),
		.caps = "{\"sampling\":{}}" };

	say(l, &s);
	ack(l, true);
	opened(l, MCP_LEGACY, "{\"tools\":{}}");
	for (size_t i = 0; i < countof(rows); i++) {
		asks(l, rows[i].params);
		ok(record_has("kind", "ask") && says(rows[i].says), "%s: %s",
		    rows[i].what, record_text());
	}
	line_free(l);
}

/* A modern server wants it before it answers. */
static void
test_wanted(void)
{
	static const char *const names[] = { "m1", "m9" };

	for (size_t i = 0; i < countof(names); i++) {
		struct line *l = line_of();
		struct said s = { .where = 1,
			.era = MCP_MODERN,
			.name = "tools/call",
			.params = READ("/q"),
			.caps = "{\"sampling\":{}}" };
		char result[512];

		(void)snprintf(result, sizeof(result),
		    "{\"resultType\":\"input_required\",\"inputRequests\":{"
		    "\"k\":{\"method\":\"sampling/createMessage\",\"params\":{"
		    "\"messages\":[],\"maxTokens\":5,\"modelPreferences\":{"
		    "\"hints\":[{\"name\":\"%s\"}]}}}}}",
		    names[i]);
		say(l, &s);
		ack(l, true);
		opened(l, MCP_MODERN, "{\"tools\":{}}");
		answered(l, 0, result);
		ok(record_has("status", "answered") == (i == 0) &&
			says("asks for a model: model m9") == (i == 1),
		    "%s: %s", i == 0 ? "a declared one" : "another",
		    record_text());
		line_free(l);
	}
}

int
main(void)
{
	test_labels();
	test_refused_reads();
	test_counters();
	test_sessions();
	test_reload();
	test_chain();
	test_sampling();
	test_wanted();
	forget();
	return tap_done();
}
