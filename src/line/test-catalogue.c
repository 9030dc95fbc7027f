/*
 * test-catalogue: mirrored headers are judged before the call is, against a
 * list that is on record before it is asked for.
 */
#include "line/test-in.h"

static const char http_text[] =
    "{\"durability\":\"strict\",\"answers\":\"written\","
    "\"limits\":{\"body\":100000,\"sessions\":4,\"inflight\":8,\"rate\":0},"
    "\"principals\":[{\"name\":\"alice\",\"cred\":\"61616161616161616161616161"
    "61616161616161616161616161616161616161\"}],"
    "\"anonymous\":\"\",\"servers\":[{\"name\":\"web\",\"kind\":\"http\"},"
    "{\"name\":\"old\",\"kind\":\"http\",\"era\":\"legacy\"}],"
    "\"endpoints\":[{\"path\":\"/mcp\",\"servers\":[0,1]},"
    "{\"path\":\"/s/web/mcp\",\"servers\":[0]},"
    "{\"path\":\"/s/old/mcp\",\"servers\":[1]}],"
    "\"rules\":[{\"effect\":\"deny\",\"principal\":\"*\",\"server\":\"*\","
    "\"method\":\"*\",\"name\":\"write\",\"id\":\"no-write\",\"reason\":\"never"
    "\"},{\"effect\":\"allow\",\"principal\":\"alice\",\"server\":\"*\","
    "\"method\":\"*\",\"name\":\"*\",\"id\":\"all\",\"reason\":\"\"}]}";
static const char listed[] =
    "{\"tools\":[{\"name\":\"read\",\"inputSchema\":{\"type\":\"object\","
    "\"properties\":{\"region\":{\"type\":\"string\",\"x-mcp-header\":"
    "\"Region\"}}}}]}";
static const char eu[] =
    "{\"name\":\"read\",\"arguments\":{\"region\":\"eu\"}}";

static void
call(struct line *l, const char *params, const char *heads)
{
	const struct said s = { .where = 1,
		.era = MCP_MODERN,
		.name = "tools/call",
		.params = params,
		.heads = heads };

	forget();
	say(l, &s);
}

static bool
asked(enum mcp_method m)
{
	return sent(MSG_UP_CALL) != NULL &&
	       msg_num(sent(MSG_UP_CALL), F_METHOD) == m;
}

static struct line *
learned(void)
{
	struct line *l = fresh_of(http_text);

	call(l, eu, "{\"Region\":\"eu\"}");
	ack(l, true);
	opened(l, MCP_MODERN, "{\"tools\":{}}");
	answered(l, 0, listed);
	ack(l, true);
	answered(l, 0, "{\"content\":[]}");
	ack(l, true);
	return l;
}

static void
test_first(void)
{
	struct line *l = fresh_of(http_text);

	call(l, eu, "{\"Region\":\"eu\"}");
	ok(record_has("kind", "catalogue") && record_has("verdict", "allow"),
	    "an unknown tool: that the list is asked for is recorded");
	ack(l, false);
	ok(sent(MSG_HOP_OPEN) == NULL, "and nothing leaves before it is");
	ack(l, true);
	ok(sent(MSG_HOP_OPEN) != NULL, "then the server is opened");
	opened(l, MCP_MODERN, "{\"tools\":{}}");
	ok(asked(MCP_TOOLS_LIST) && !record_has("kind", "decision"),
	    "it is asked for its list before the call is decided");
	answered(l, 0, listed);
	ok(record_has("kind", "decision") && record_has("verdict", "allow") &&
		!asked(MCP_TOOLS_CALL),
	    "headers that agree: the call is decided");
	ack(l, true);
	ok(asked(MCP_TOOLS_CALL), "recorded, and sent");
	answered(l, 0, "{\"content\":[]}");
	ack(l, true);
	ok(sent(MSG_ANSWER) != NULL && line_busy(l) == 0, "and answered");
	forget();
	line_free(l);
}

static void
test_first_lies(void)
{
	struct line *l = fresh_of(http_text);

	call(l, eu, "{\"Region\":\"us\"}");
	ack(l, true);
	opened(l, MCP_MODERN, "{\"tools\":{}}");
	answered(l, 0, listed);
	ok(record_has("kind", "decision") && record_has("verdict", "deny") &&
		record_has("rule", "mirrored-headers") &&
		!record_has("step", ""),
	    "headers that lie, schema just learned: a recorded denial");
	ack(l, true);
	ok(error_code() == MCP_E_HEADERS && sent_n(MSG_UP_CALL) == 1 &&
		line_busy(l) == 0,
	    "and the call is never sent");
	forget();
	line_free(l);
}

static void
test_known(void)
{
	static const struct {
		const char *params, *heads;
		bool good;
		const char *what;
	} t[] = {
		{ eu, "{\"Region\":\"eu\"}", true, "agrees" },
		{ eu, "{\"Region\":\"us\"}", false, "differs" },
		{ eu, "{}", false, "is missing" },
		{ "{\"name\":\"read\"}", "{\"Region\":\"eu\"}", false,
		    "has nothing to mirror" },
		{ "{\"name\":\"read\"}", "{}", true, "is absent on both" },
		{ eu, "{\"Region\":\"eu\",\"Other\":\"x\"}", true,
		    "comes with an unknown one" },
	};
	struct line *l = learned();

	for (size_t i = 0; i < countof(t); i++) {
		const struct str want = STR("Region");
		struct str reason;

		call(l, t[i].params, t[i].heads);
		ok(record_has("kind", "decision") &&
			record_has("verdict", t[i].good ? "allow" : "deny"),
		    "a known tool, and a header that %s: decided at once",
		    t[i].what);
		reason = jv_str(
		    jv_get(msg_tree(sent(MSG_RECORD), F_REC), STR("reason")));
		ok(t[i].good || str_search(reason, want) < reason.n,
		    "a denial names the header");
		ack(l, true);
		ok(asked(MCP_TOOLS_CALL) == t[i].good, "sent if it is true");
		if (t[i].good) {
			answered(l, 0, "{\"content\":[]}");
			ack(l, true);
		}
		ok(line_busy(l) == 0 && sent(MSG_ANSWER) != NULL, "answered");
	}
	forget();
	line_free(l);
}

/* What policy refuses makes nobody ask a server for anything. */
static void
test_denied(void)
{
	struct line *l = fresh_of(http_text);

	call(l, "{\"name\":\"write\"}", NULL);
	ok(record_has("kind", "decision") && record_has("rule", "no-write"),
	    "a denied tool is denied by its rule");
	ack(l, true);
	ok(sent(MSG_HOP_OPEN) == NULL && sent(MSG_ANSWER) != NULL,
	    "and no list is asked for");
	forget();
	line_free(l);
}

static void
test_no_list(void)
{
	static const char refused[] = "{\"code\":-32603,\"message\":\"no\"}";
	struct line *l = fresh_of(http_text);
	struct msg m = msg_of(MSG_UP_ANSWER);

	call(l, eu, NULL);
	ack(l, true);
	opened(l, MCP_MODERN, "{\"tools\":{}}");
	msg_set(&m, F_CALL, msg_num(sent(MSG_UP_CALL), F_CALL));
	msg_set_tree(&m, F_ERROR, tape(refused));
	line_from_back(l, 0, &m);
	ok(record_has("kind", "decision") && record_has("verdict", "allow"),
	    "a server without a list checks its headers alone");
	forget();
	line_free(l);
	l = fresh_of(http_text);
	call(l, eu, NULL);
	ack(l, true);
	opened(l, MCP_MODERN, "{\"tools\":{}}");
	line_back_lost(l, 0);
	ok(record_has("kind", "decision") && record_has("verdict", "deny") &&
		record_has("step", "fetch"),
	    "a server that is lost over it: the call is refused");
	ack(l, true);
	ok(msg_num(sent(MSG_ANSWER), F_STATUS) == 504 && line_busy(l) == 0,
	    "and answered");
	forget();
	call(l, eu, NULL);
	ok(record_has("kind", "catalogue"), "the next call asks again");
	line_ledger_lost(l);
	ok(sent(MSG_HOP_OPEN) == NULL && line_busy(l) == 0 &&
		msg_num(sent(MSG_ANSWER), F_STATUS) == 503,
	    "unrecorded: not asked, refused");
	forget();
	line_free(l);
}

static void
test_pages(void)
{
	struct line *l = fresh_of(http_text);

	call(l, eu, "{}");
	ack(l, true);
	opened(l, MCP_MODERN, "{\"tools\":{}}");
	answered(l, 0, "{\"tools\":[],\"nextCursor\":\"two\"}");
	ok(asked(MCP_TOOLS_LIST) &&
		str_eq(jv_str(jv_get(msg_tree(sent(MSG_UP_CALL), F_PARAMS),
			   STR("cursor"))),
		    STR("two")),
	    "every page of the list is asked for");
	answered(l, 0, listed);
	ok(record_has("verdict", "deny"), "the last page counts as well");
	ack(l, true);
	forget();
	line_free(l);
}

static void
test_gone(void)
{
	struct line *l = fresh_of(http_text);

	call(l, eu, NULL);
	gone(l, 0, next_ref - 1);
	ack(l, true);
	ok(sent(MSG_HOP_OPEN) == NULL && line_busy(l) == 0,
	    "gone while it was recorded: nothing is asked");
	call(l, eu, NULL);
	ack(l, true);
	opened(l, MCP_MODERN, "{\"tools\":{}}");
	gone(l, 0, next_ref - 1);
	ok(sent(MSG_UP_CANCEL) != NULL && line_busy(l) == 0,
	    "gone while the list was asked for: it is cancelled");
	forget();
	line_free(l);
}

static void
test_legacy(void)
{
	struct said s = { .where = 2,
		.era = MCP_MODERN,
		.name = "tools/call",
		.params = eu };
	struct line *l = fresh_of(http_text);

	say(l, &s);
	ok(record_has("kind", "decision"),
	    "a legacy server mirrors nothing: decided at once");
	forget();
	line_free(l);
	l = fresh_of(http_text);
	s.where = 1;
	say(l, &s);
	ack(l, true);
	opened(l, MCP_LEGACY, "{\"tools\":{}}");
	ok(record_has("kind", "decision") && sent(MSG_UP_CALL) == NULL,
	    "one that turns out to be is not asked for its list");
	forget();
	say(l, &s);
	ok(record_has("kind", "decision"), "nor is the next call delayed");
	forget();
	line_free(l);
}

/* A legacy agent mirrors nothing: its headers are made. */
static void
test_made(void)
{
	struct line *l = fresh_of(http_text);
	char id[64];

	begin_session_at(l, MCP_MODERN, "{\"tools\":{}}");
	session_name(id);
	forget();
	legacy(l, id, "tools/call", eu, 'a');
	ok(record_has("kind", "catalogue"), "a legacy agent's first call");
	ack(l, true);
	ok(asked(MCP_TOOLS_LIST), "waits for the list");
	answered(l, 0, listed);
	ok(record_has("verdict", "allow"), "needs no header");
	ack(l, true);
	ok(asked(MCP_TOOLS_CALL) &&
		str_eq(jv_str(jv_get(msg_tree(sent(MSG_UP_CALL), F_HEADS),
			   STR("Region"))),
		    STR("eu")),
	    "the server gets one");
	forget();
	line_free(l);
}

int
main(void)
{
	test_first();
	test_first_lies();
	test_known();
	test_denied();
	test_no_list();
	test_pages();
	test_gone();
	test_legacy();
	test_made();
	return tap_done();
}
