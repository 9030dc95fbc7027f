/*
 * test-definition: what a server first shows of a tool is recorded, stands and
 * types its calls, and a server that was never asked is, before a call that
 * policies read the arguments of.
 */
#include "line/test-in.h"

#define HEAD(server)                                                           \
	"{\"durability\":\"strict\",\"answers\":\"written\","                  \
	"\"limits\":{\"body\":100000,\"sessions\":4,\"inflight\":8,\"rate\":"  \
	"0},\"principals\":[{\"name\":\"alice\",\"cred\":"                     \
	"\"616161616161616161616161616161616161616161616161616161616161616"    \
	"1\"}],\"anonymous\":\"\",\"servers\":[{\"name\":\"bank\"" server      \
	"}],\"endpoints\":[{\"path\":\"/mcp\",\"servers\":[0]},"               \
	"{\"path\":\"/s/bank/mcp\",\"servers\":[0]}],\"rules\":[],"            \
	"\"policies\":[{\"name\":\"a.cedar\",\"text\":\""
#define TAIL "\"}]}"
static const char reads[] =
    HEAD("") "@id(\\\"small\\\") permit (principal, action, resource) when { "
	     "context.call.method != \\\"tools/call\\\" || "
	     "context.input.amount.lessThan(decimal(\\\"100.0\\\")) };" TAIL;
static const char always[] =
    HEAD(",\"arguments\":\"always\"") "@id(\\\"all\\\") permit (principal, "
				      "action, resource);" TAIL;
static const char never[] =
    HEAD("") "@id(\\\"all\\\") permit (principal, action, resource);" TAIL;
static const char trusted[] =
    HEAD(",\"annotations\":\"trusted\"") "@id(\\\"all\\\") permit (principal, "
					 "action, resource);"
					 "@id(\\\"no-write\\\") forbid "
					 "(principal, action in "
					 "Gatehouse::Action::\\\"write\\\", "
					 "resource);" TAIL;

#define PAY(type)                                                              \
	"{\"name\":\"pay\",\"inputSchema\":{\"type\":\"object\","              \
	"\"properties\":{\"amount\":{\"type\":\"" type "\"}}}}"
static const char list[] = "{\"tools\":[" PAY("number") "]}";
static const char other[] = "{\"tools\":[" PAY("string") "]}";
static const char small[] =
    "{\"name\":\"pay\",\"arguments\":{\"amount\":99.5}}";
static const char large[] = "{\"name\":\"pay\",\"arguments\":{\"amount\":100}}";
static const char wrong[] =
    "{\"name\":\"pay\",\"arguments\":{\"amount\":\"99\"}}";
static const char more[] =
    "{\"name\":\"pay\",\"arguments\":{\"amount\":1,\"to\":\"x\"}}";

static void
call(struct line *l, const char *params)
{
	forget();
	request(l, 1, MCP_MODERN, "tools/call", params, 'a');
}

static bool
asked(enum mcp_method m)
{
	return sent(MSG_UP_CALL) != NULL &&
	       msg_num(sent(MSG_UP_CALL), F_METHOD) == m;
}

/* How many records of this kind went out, and the newest of them. */
static size_t
records(const char *kind, struct jv *out)
{
	size_t n = 0;

	for (size_t i = 0; i < outs_n; i++) {
		struct jv rec = { NULL, 0 };

		if (outs[i].m.kind == MSG_RECORD)
			rec = msg_tree(&outs[i].m, F_REC);
		if (!str_eq(jv_str(jv_get(rec, STR("kind"))), str_of(kind)))
			continue;
		*out = rec;
		n++;
	}
	return n;
}

static bool
says(struct jv rec, const char *key, const char *want)
{
	return str_eq(jv_str(jv_get(rec, str_of(key))), str_of(want));
}

static bool
denied(const char *reason)
{
	const struct str r =
	    jv_str(jv_get(msg_tree(sent(MSG_RECORD), F_REC), STR("reason")));

	return record_has("kind", "decision") &&
	       record_has("verdict", "deny") &&
	       record_has("rule", "arguments") &&
	       str_search(r, str_of(reason)) < r.n;
}

static void
end(struct line *l)
{
	ack(l, true);
	if (asked(MCP_TOOLS_CALL) && sent(MSG_ANSWER) == NULL) {
		answered(l, 0, "{\"content\":[]}");
		ack(l, true);
	}
	ok(line_busy(l) == 0, "nothing is left over");
}

/* The first call: asked, on record, typed. */
static struct line *
learned(const char *image, enum mcp_era era, const char *first)
{
	struct line *l = fresh_of(image);

	call(l, first);
	ok(record_has("kind", "catalogue") && sent(MSG_HOP_OPEN) == NULL,
	    "that the list is asked for is recorded first");
	ack(l, true);
	opened(l, era, "{\"tools\":{}}");
	ok(asked(MCP_TOOLS_LIST), "then the server is asked, whatever its era");
	answered(l, 0, list);
	return l;
}

static void
test_first(enum mcp_era era)
{
	struct line *l = learned(reads, era, small);
	struct jv rec = { NULL, 0 };

	ok(records("definition", &rec) == 1 && says(rec, "server", "bank") &&
		says(rec, "name", "pay") && says(rec, "verdict", "first") &&
		jv_same(jv_get(rec, STR("definition")), tape(PAY("number"))) &&
		jv_is(jv_get(rec, STR("reason")), J_NONE),
	    "the definition is recorded whole");
	ok(record_has("kind", "decision") && record_has("verdict", "allow") &&
		record_has("rule", "small"),
	    "and the call is decided by its types");
	end(l);
	call(l, large);
	ok(record_has("kind", "decision") && record_has("rule", "default-deny"),
	    "the next one at once: too much");
	end(l);
	call(l, wrong);
	ok(denied("argument amount: must be a number"), "of another type");
	end(l);
	call(l, more);
	ok(denied("argument to: the tool does not declare it"), "undeclared");
	end(l);
	forget();
	line_free(l);
}

/* A server that shows another definition later changes nothing. */
static void
test_changed(void)
{
	struct line *l = learned(reads, MCP_MODERN, small);
	struct jv rec = { NULL, 0 };

	end(l);
	for (int i = 0; i < 2; i++) {
		forget();
		request(l, 1, MCP_MODERN, "tools/list", "{}", 'a');
		ack(l, true);
		answered(l, 0, other);
		ok(records("definition", &rec) == (i == 0 ? 1 : 0),
		    i == 0 ? "another definition is recorded" : "once");
		ok(i > 0 || (says(rec, "verdict", "changed") &&
				jv_same(jv_get(rec, STR("definition")),
				    tape(PAY("string")))),
		    "as changed");
		ack(l, true);
	}
	call(l, small);
	ok(record_has("verdict", "allow"), "the first one stands");
	end(l);
	call(l, wrong);
	ok(denied("must be a number"), "for what is not of it as well");
	end(l);
	forget();
	line_free(l);
}

/* The same members in another order are the same definition. */
static void
test_order(void)
{
	static const char turned[] =
	    "{\"tools\":[{\"inputSchema\":{\"properties\":{\"amount\":{"
	    "\"type\":\"number\"}},\"type\":\"object\"},\"name\":\"pay\"}]}";
	struct line *l = learned(reads, MCP_MODERN, small);
	struct jv rec = { NULL, 0 };

	end(l);
	forget();
	request(l, 1, MCP_MODERN, "tools/list", "{}", 'a');
	ack(l, true);
	answered(l, 0, turned);
	ok(records("definition", &rec) == 0, "another order is no change");
	ack(l, true);
	forget();
	line_free(l);
}

/* What no list shows cannot be called; asked again, not at every call. */
static void
test_unlisted(void)
{
	static const char hidden[] =
	    "{\"name\":\"hidden\",\"arguments\":{\"amount\":1}}";
	struct line *l = learned(reads, MCP_MODERN, hidden);

	ok(denied("does not show this tool"), "a tool that no list shows");
	end(l);
	call(l, hidden);
	ok(denied("does not show this tool") && sent(MSG_UP_CALL) == NULL,
	    "denied again, and the server is not asked at once");
	end(l);
	clock_ns += UINT64_C(11000000000);
	call(l, hidden);
	ok(record_has("kind", "catalogue"), "but later it is");
	ack(l, true);
	answered(l, 0,
	    "{\"tools\":[{\"name\":\"hidden\",\"inputSchema\":{\"type\":"
	    "\"object\",\"properties\":{\"amount\":{\"type\":\"number\"}}}}]}");
	ok(record_has("kind", "decision") && record_has("verdict", "allow"),
	    "and what it shows by then may be called");
	end(l);
	forget();
	line_free(l);
}

static void
test_untyped(void)
{
	struct line *l = fresh_of(reads);
	struct jv rec = { NULL, 0 };

	call(l, small);
	ack(l, true);
	opened(l, MCP_MODERN, "{\"tools\":{}}");
	answered(l, 0, "{\"tools\":[{\"name\":\"pay\"}]}");
	ok(records("definition", &rec) == 1 &&
		jv_str(jv_get(rec, STR("reason"))).n > 0,
	    "a tool without a schema is recorded, and that it has no types");
	ok(denied("it has no \"inputSchema\""), "and cannot be called");
	end(l);
	forget();
	line_free(l);
}

/* Whether types matter: policies that do not read arguments ask for none. */
static void
test_matter(void)
{
	struct line *l = fresh_of(never);
	struct jv rec = { NULL, 0 };

	call(l, wrong);
	ok(record_has("kind", "decision") && record_has("verdict", "allow"),
	    "no policy reads arguments: decided at once");
	ack(l, true);
	opened(l, MCP_MODERN, "{\"tools\":{}}");
	end(l);
	forget();
	request(l, 1, MCP_MODERN, "tools/list", "{}", 'a');
	ack(l, true);
	answered(l, 0, list);
	ok(records("definition", &rec) == 1,
	    "a list that passes is recorded all the same");
	ack(l, true);
	call(l, wrong);
	ok(record_has("verdict", "allow"), "and binds nobody");
	end(l);
	forget();
	line_free(l);
	l = learned(always, MCP_LEGACY, wrong);
	ok(denied("must be a number"), "unless every call is to be checked");
	end(l);
	call(l, small);
	ok(record_has("verdict", "allow"), "and right");
	end(l);
	forget();
	line_free(l);
}

/* A list without what bounds arguments is none to judge them by. */
static void
test_unbounded(void)
{
	struct line *l = fresh_of(always);
	struct msg m = msg_of(MSG_UP_ANSWER);

	call(l, small);
	ack(l, true);
	opened(l, MCP_MODERN, "{\"tools\":{}}");
	msg_set(&m, F_CALL, msg_num(sent(MSG_UP_CALL), F_CALL));
	msg_set_tree(&m, F_RESULT, tape(list));
	line_from_back(l, 0, &m);
	ok(denied("nothing came that bounds its arguments"),
	    "no image came with the list: denied");
	end(l);
	forget();
	line_free(l);
	l = learned(always, MCP_MODERN, small);
	ok(record_has("verdict", "allow"), "with one: allowed");
	end(l);
	forget();
	line_free(l);
}

/* Annotations: of a trusted server's tool as first seen. */
static void
test_annotations(void)
{
	static const char calls[] = "{\"name\":\"look\"}";
	struct line *l = fresh_of(trusted);

	call(l, calls);
	ok(record_has("verdict", "deny") && record_has("rule", "no-write"),
	    "nobody knows what it does: it may write");
	end(l);
	forget();
	request(l, 1, MCP_MODERN, "tools/list", "{}", 'a');
	ack(l, true);
	opened(l, MCP_MODERN, "{\"tools\":{}}");
	answered(l, 0,
	    "{\"tools\":[{\"name\":\"look\",\"inputSchema\":{\"type\":"
	    "\"object\"},\"annotations\":{\"readOnlyHint\":true}}]}");
	ack(l, true);
	ok(jv_count(
	       jv_get(msg_tree(sent(MSG_ANSWER), F_RESULT), STR("tools"))) == 1,
	    "its list says that it reads, and shows it");
	call(l, calls);
	ok(record_has("verdict", "allow") && record_has("rule", "all"),
	    "then it may be called");
	end(l);
	forget();
	line_free(l);
}

/* What cannot be recorded was not seen. */
static void
test_ledger(void)
{
	struct line *l = learned(reads, MCP_MODERN, small);

	end(l);
	line_ledger_lost(l);
	call(l, small);
	ok(msg_num(sent(MSG_ANSWER), F_STATUS) == 503 && line_busy(l) == 0,
	    "without a ledger nothing is done");
	forget();
	line_free(l);
}

int
main(void)
{
	test_first(MCP_MODERN);
	test_first(MCP_LEGACY);
	test_changed();
	test_order();
	test_unlisted();
	test_untyped();
	test_matter();
	test_unbounded();
	test_annotations();
	test_ledger();
	return tap_done();
}
