/* test-policy: what Cedar texts decide of calls with arguments, what is held,
 * what lists show, and what is refused before it can run. */
#include "authority/test-in.h"

static struct buf params = { .max = 1 << 16 };
static struct buf kinds = { .max = 1 << 12 };
static struct arena *arena;

static void
chain(size_t n, bool good)
{
	struct buf text = { .max = 1 << 20 };
	struct policy *p = NULL;
	enum err e;

	buf_str(&text, STR("permit (principal, action, resource);\n permit "
			   "(principal, action, resource) when { true"));
	for (size_t i = 1; i < n; i++)
		buf_str(&text, STR(" && true"));
	buf_str(&text, STR(" };"));
	buf_u8(&text, 0);
	e = policies_try(text.p, &p);
	ok(good ? e == OK
		: e != OK && str_starts(str_of(why.text), STR("a.cedar:2:2: ")),
	    "a chain of %zu && is %s (%s)", n, good ? "taken" : "too long",
	    e ? why.text : "");
	policy_free(p);
	buf_done(&text);
}

static struct jv
json_in(const char *text, struct buf *tape)
{
	buf_clear(tape);
	BUG_ON(json_parse(str_of(text), &json_default, tape, NULL) != OK);
	return jv_of(buf_view(tape));
}

static struct call
call_of(const char *who, const char *tool, const char *args)
{
	char text[512];

	(void)snprintf(text, sizeof(text), "{\"arguments\":%s}", args);
	return (struct call){ .principal = str_of(who),
		.server = STR("fs"),
		.method = STR("tools/call"),
		.name = str_of(tool),
		.params = json_in(text, &params) };
}

static struct verdict
decide(const struct policy *p, struct call c)
{
	arena_reset(arena);
	return policy_decide(p, &c, arena);
}

static bool
is(struct verdict v, enum effect e, const char *rule)
{
	if (v.effect == e && str_eq(v.rule, str_of(rule)))
		return true;
	printf("# got %d by %.*s: %.*s\n", v.effect, STR_ARG(v.rule),
	    STR_ARG(v.reason));
	return false;
}

#define AGENT "principal == Gatehouse::Agent::\"ann\""
#define TOOL(x) "action == Gatehouse::Action::\"fs___" x "\""

static void
test_arguments(void)
{
	struct policy *p = NULL;

	ok(policies_try(
	       "@id(\"small\") permit (" AGENT ", " TOOL(
		   "pay") ", resource) when { context.input.amount < 100 };"
			  "@id(\"never\") @reason(\"Not to him.\") forbid "
			  "(principal, "
			  "action, resource) when { context.input has to && "
			  "context.input.to like \"*mallory*\" };",
	       &p) == OK,
	    "policies load (%s)", why.text);
	ok(is(decide(p, call_of("ann", "pay", "{\"amount\":99}")), ALLOW,
	       "small"),
	    "an amount below the limit");
	ok(is(decide(p, call_of("ann", "pay", "{\"amount\":100}")), DENY,
	       "default-deny"),
	    "one that is not");
	ok(is(decide(p, call_of("bob", "pay", "{\"amount\":99}")), DENY,
	       "default-deny"),
	    "somebody else");
	ok(is(decide(p,
		  call_of("ann", "pay", "{\"amount\":9,\"to\":\"mallory\"}")),
	       DENY, "never"),
	    "a zone that is forbidden");
	ok(is(decide(p, call_of("ann", "pay", "{\"amount\":9,\"to\":7}")), DENY,
	       "policy-error"),
	    "a forbid that cannot tell denies");
	ok(is(decide(p, call_of("ann", "pay", "{\"amount\":\"9\"}")), DENY,
	       "default-deny"),
	    "a permit that cannot tell permits nothing");
	ok(is(decide(
		  p, call_of("ann", "pay", "{\"amount\":9223372036854775808}")),
	       DENY, "arguments"),
	    "a number beyond the type");
	ok(is(decide(p, call_of("ann", "pay",
			    "{\"amount\":9,\"x\":{\"y\":[0.12345]}}")),
	       DENY, "arguments"),
	    "a number that would be rounded, wherever it is");
	ok(str_search(
	       decide(p, call_of("ann", "pay", "{\"a\":{\"y\":[0.12345]}}"))
		   .reason,
	       STR("a.y")) < 30,
	    "... and where it is is said");
	policy_free(p);
}

/* A path is asked for as a whole, and by nothing else. */
static void
test_has(void)
{
	struct policy *p = NULL;

	ok(policies_try(
	       "@id(\"all\") permit (principal, action, resource);"
	       "@id(\"no\") forbid (principal, action, resource) when { "
	       "context has input.a };",
	       &p) == OK,
	    "a policy that asks for a path");
	ok(is(decide(p, call_of("ann", "x", "{\"a\":1}")), DENY, "no"),
	    "it is there");
	ok(is(decide(p, call_of("ann", "x", "{\"b\":1}")), ALLOW, "all"),
	    "it is not");
	policy_free(p);
}

static void
test_derived(void)
{
	struct policy *p = NULL;
	struct call c;

	ok(policies_try(
	       "@id(\"inside\") permit (principal, " TOOL(
		   "read") ", resource) when { "
			   "context.derived.path.under.contains(\"/w\") };",
	       &p) == OK,
	    "a policy of derived facts");
	c = call_of("ann", "read", "{\"path\":\"/w/a/../b\"}");
	c.facts = json_in("{\"path\":\"path\"}", &kinds);
	ok(is(decide(p, c), ALLOW, "inside"), "inside");
	c.params =
	    json_in("{\"arguments\":{\"path\":\"/w/%2e%2e/etc\"}}", &params);
	ok(is(decide(p, c), DENY, "default-deny"), "outside, encoded");
	c.params =
	    json_in("{\"arguments\":{\"path\":\"/w/\\u0000\"}}", &params);
	ok(is(decide(p, c), DENY, "arguments"), "no path at all");
	c.params = json_in("{\"arguments\":{}}", &params);
	ok(is(decide(p, c), DENY, "default-deny"), "no such argument");
	policy_free(p);
}

/* Is held for these classes, in order and divided by spaces? */
static bool
needs(const struct verdict *v, const char *classes)
{
	struct buf b = { .max = 1000 };
	bool same;

	for (size_t i = 0; i < v->needs.n; i++)
		buf_fmt(
		    &b, "%s%.*s", i == 0 ? "" : " ", STR_ARG(v->needs.at[i]));
	same = str_eq(buf_view(&b), str_of(classes));
	buf_done(&b);
	return same;
}

/* Several policies hold it: an approval of one class lifts none of the others.
 */
static void
test_held_by_several(void)
{
	struct policy *p = NULL;
	struct buf b = { .max = 100000 };
	struct verdict v;

	ok(policies_try(
	       "@id(\"any\") permit (" AGENT ", action, resource);"
	       "@id(\"b\") @requestable(\"two-eyes\") forbid (principal, "
	       "action, resource) when { context.input.n > 5 };"
	       "@id(\"c\") @requestable(\"money\") forbid (principal, action, "
	       "resource) when { context.input.n > 6 };"
	       "@id(\"d\") @requestable(\"two-eyes\") forbid (principal, "
	       "action, resource) when { context.input.n > 7 };"
	       "@id(\"e\") @requestable forbid (principal, action, resource) "
	       "when { context.input.n > 8 };",
	       &p) == OK,
	    "policies of which several hold");
	v = decide(p, call_of("ann", "x", "{\"n\":6}"));
	ok(is(v, HOLD, "b") && needs(&v, "two-eyes"), "one holds");
	v = decide(p, call_of("ann", "x", "{\"n\":7}"));
	ok(is(v, HOLD, "b") && needs(&v, "money two-eyes"), "two hold");
	v = decide(p, call_of("ann", "x", "{\"n\":8}"));
	ok(is(v, HOLD, "b") && needs(&v, "money two-eyes"), "a class once");
	v = decide(p, call_of("ann", "x", "{\"n\":9}"));
	ok(is(v, HOLD, "b") && needs(&v, "approval money two-eyes"),
	    "one that no class is named for");
	policy_free(p);
	buf_str(&b, STR("permit (" AGENT ", action, resource);"));
	for (unsigned i = 0; i < 9; i++)
		buf_fmt(&b,
		    "@requestable(\"class%u\") forbid (principal, action, "
		    "resource) when { context.input.n >= %u };",
		    i, i);
	buf_u8(&b, 0);
	ok(policies_try(b.p, &p) == OK, "nine classes");
	v = decide(p, call_of("ann", "x", "{\"n\":7}"));
	ok(v.effect == HOLD && v.needs.n == 8, "eight are kept");
	v = decide(p, call_of("ann", "x", "{\"n\":8}"));
	ok(is(v, DENY, "approvals") && v.needs.n == 0,
	    "what needs more than can be kept is denied");
	policy_free(p);
	buf_done(&b);
}

static void
test_held_for_nothing(void)
{
	struct policy *p = NULL;

	ok(policies_try(
	       "@id(\"a\") @obligation(\"log:full\") permit (" AGENT ", " TOOL(
		   "x") ", resource);"
			"@id(\"b\") @obligation(\"dance\") permit (" AGENT
			", " TOOL("y") ", resource);"
				       "@id(\"c\") @requestable(\"w\") "
				       "forbid (principal, action, resource);",
	       &p) == OK,
	    "what is held would be obliged");
	ok(is(decide(p, call_of("ann", "x", "{}")), HOLD, "c"),
	    "to what can be done: held");
	ok(is(decide(p, call_of("ann", "y", "{}")), DENY, "c"),
	    "to what cannot: nobody is asked");
	policy_free(p);
}

static void
test_held(void)
{
	struct policy *p = NULL;
	struct verdict v;

	ok(policies_try(
	       "@id(\"any\") permit (" AGENT ", action, resource);"
	       "@id(\"big\") @requestable(\"two-eyes\") forbid (principal, "
	       "action, resource) when { context.input.n > 5 };"
	       "@id(\"zone\") forbid (principal, action, resource) when { "
	       "context.input.n > 50 };",
	       &p) == OK,
	    "policies with one that a person may lift");
	ok(is(decide(p, call_of("ann", "x", "{\"n\":5}")), ALLOW, "any"),
	    "below");
	v = decide(p, call_of("ann", "x", "{\"n\":6}"));
	ok(is(v, HOLD, "big") && needs(&v, "two-eyes"), "held");
	ok(is(decide(p, call_of("ann", "x", "{\"n\":51}")), DENY, "zone"),
	    "a forbidden zone nobody lifts");
	ok(is(decide(p, call_of("bob", "x", "{\"n\":6}")), DENY, "big"),
	    "nothing is held that no policy permits");
	policy_free(p);
}

static void
test_obligations(void)
{
	struct policy *p = NULL;
	struct verdict v;

	ok(policies_try(
	       "@id(\"a\") @obligation(\"log:full\") permit (" AGENT
	       ", " TOOL("x") ", resource);"
			      "@id(\"b\") @obligation(\"dance\") permit (" AGENT
			      ", " TOOL("y") ", resource);",
	       &p) == OK,
	    "policies with obligations");
	v = decide(p, call_of("ann", "x", "{}"));
	ok(is(v, ALLOW, "a") && v.must.n == 1 &&
		str_eq(v.must.at[0], STR("log:full")),
	    "one that is met");
	ok(is(decide(p, call_of("ann", "y", "{}")), DENY, "unknown-obligation"),
	    "one that nobody can meet denies");
	policy_free(p);
}

/* Who follows a task reads, or writes, and may still call the tool at all. */
static void
test_tasks(void)
{
	static const struct {
		const char *who, *tool, *risk, *method;
		enum effect effect;
		const char *rule;
	} rows[] = {
		{ "ann", "x", "read", "tasks/get", ALLOW, "reads" },
		{ "ann", "x", "read", "tasks/result", ALLOW, "reads" },
		{ "ann", "x", "read", "tasks/update", DENY, "default-deny" },
		{ "ann", "x", "read", "tasks/cancel", DENY, "default-deny" },
		{ "ann", "y", "write", "tasks/get", DENY, "default-deny" },
		{ "ann", "z", "read", "tasks/get", DENY, "zone" },
		{ "bob", "x", "write", "tasks/get", ALLOW, "reads" },
		{ "bob", "x", "write", "tasks/update", ALLOW, "writes" },
		{ "bob", "x", "write", "tasks/cancel", ALLOW, "writes" },
		{ "bob", "x", "read", "tasks/cancel", ALLOW, "writes" },
		{ "bob", "x", "destructive", "tasks/get", ALLOW, "reads" },
	};
	struct policy *p = NULL;

	ok(policies_try(
	       "@id(\"reads\") permit (principal, action in "
	       "Gatehouse::Action::\"read\", resource);"
	       "@id(\"writes\") permit (principal == "
	       "Gatehouse::Agent::\"bob\", action in "
	       "Gatehouse::Action::\"write\", resource);"
	       "@id(\"paths\") permit (principal == "
	       "Gatehouse::Agent::\"bob\", action in "
	       "Gatehouse::Action::\"call_tool\", resource) when { "
	       "context.derived.path.under.contains(\"/w\") };"
	       "@id(\"eyes\") @requestable(\"two\") forbid (principal, action "
	       "in Gatehouse::Action::\"destructive\", resource);"
	       "@id(\"zone\") forbid (principal, " TOOL("z") ", resource);",
	       &p) == OK,
	    "policies of groups, for tasks");
	for (size_t i = 0; i < countof(rows); i++) {
		struct call c = call_of(rows[i].who, rows[i].tool, "{}");

		c.risk[c.risk_n++] = str_of(rows[i].risk);
		c.method = str_of(rows[i].method);
		c.also = policy_also(c.method);
		ok(is(decide(p, c), rows[i].effect, rows[i].rule),
		    "%s, %s of a task of %s in %s", rows[i].who, rows[i].method,
		    rows[i].tool, rows[i].risk);
	}
	policy_free(p);
}

static void
test_groups(void)
{
	struct policy *p = NULL;
	struct call c = call_of("ann", "x", "{}");

	ok(policies_try("@id(\"reads\") permit (principal, action in "
			"Gatehouse::Action::\"read\", resource in "
			"Gatehouse::Server::\"fs\");"
			"@id(\"tools\") permit (principal == "
			"Gatehouse::Agent::\"bob\", action in "
			"Gatehouse::Action::\"call_tool\", resource == "
			"Gatehouse::Tool::\"fs/x\");",
	       &p) == OK,
	    "policies of groups");
	ok(is(decide(p, c), DENY, "default-deny"), "not in the group");
	c.risk[c.risk_n++] = STR("read");
	ok(is(decide(p, c), ALLOW, "reads"), "in the group");
	c.server = STR("web");
	ok(is(decide(p, c), DENY, "default-deny"), "another server");
	c = call_of("bob", "x", "{}");
	ok(is(decide(p, c), ALLOW, "tools"), "every tool is in call_tool");
	c.method = STR("prompts/get");
	ok(is(decide(p, c), DENY, "default-deny"), "a prompt is none");
	policy_free(p);
}

static void
test_lists(void)
{
	struct policy *p = NULL;
	struct call x, y, z;

	ok(policies_try("permit (" AGENT ", " TOOL(
			    "x") ", resource) when { "
				 "context.input.n < 5 };"
				 "permit (" AGENT ", " TOOL(
				     "y") ", resource);"
					  "forbid (principal, " TOOL(
					      "y") ", resource);"
						   "forbid (principal, " TOOL(
						       "x") ", resource) "
							    "when { "
							    "context."
							    "input.n == "
							    "3 };",
	       &p) == OK,
	    "policies with and without conditions");
	x = call_of("ann", "x", "{}");
	y = call_of("ann", "y", "{}");
	z = call_of("bob", "x", "{}");
	ok(policy_shows(p, &x), "some call of it may be made: shown");
	ok(!policy_shows(p, &y), "none may: hidden");
	ok(!policy_shows(p, &z), "not by him: hidden");
	ok(policy_reaches(p, STR("ann"), STR("fs"), STR("tools/list")),
	    "who may call a tool reaches its server");
	ok(!policy_reaches(p, STR("ann"), STR("web"), STR("tools/list")),
	    "... and no other");
	ok(!policy_reaches(p, STR("bob"), STR("fs"), STR("tools/list")),
	    "who may not does not");
	policy_free(p);
}

static void
test_refused(void)
{
	struct policy *p = NULL;

	ok(policies_try(
	       "permit (principal, action, resource);\npermit (principal",
	       &p) == ERR_SYNTAX &&
		strncmp(why.text, "a.cedar:2:", 10) == 0,
	    "a broken policy names file and line (%s)", why.text);
	ok(policies_try("@id(\"a\") permit (principal, action, resource);"
			"@id(\"a\") forbid (principal, action, resource);",
	       &p) != OK &&
		strncmp(why.text, "a.cedar:1:56: ", 14) == 0,
	    "one id twice (%s)", why.text);
	ok(policies_try("permit (principal, action, resource);\n"
			"forbid (principal == ?principal, action, resource);",
	       &p) != OK &&
		strncmp(why.text, "a.cedar:2:1: a template", 23) == 0,
	    "a template, that nobody fills (%s)", why.text);
	ok(policies_try("@id(\"a\") permit (principal, action, resource);"
			"permit (principal, action, resource);",
	       &p) == OK,
	    "no id is no clash");
	policy_free(p);
	p = NULL;
	ok(policies_try("", &p) == OK &&
		decide(p, call_of("ann", "x", "{}")).effect == DENY,
	    "no policy denies");
	policy_free(p);
}

/* The same resource in another spelling. */
static void
test_uris(void)
{
	static const struct {
		const char *uri;
		enum effect want;
		const char *rule;
	} rows[] = {
		{ "file:///srv/a", ALLOW, "all" },
		{ "file:///srv/key", DENY, "key" },
		{ "file:///srv/a/../key", DENY, "arguments" },
		{ "file:///srv/%6Bey", DENY, "arguments" },
		{ "FILE:///srv/key", DENY, "arguments" },
	};
	struct policy *p = NULL;

	ok(policies_try("@id(\"all\") permit (principal, action, resource);"
			"@id(\"key\") forbid (principal, action, resource == "
			"Gatehouse::Resource::\"file:///srv/key\");",
	       &p) == OK,
	    "a resource that is forbidden");
	for (size_t i = 0; i < countof(rows); i++) {
		struct call c = call_of("ann", rows[i].uri, "{}");
		struct verdict v;

		c.method = STR("resources/read");
		v = decide(p, c);
		ok(v.effect == rows[i].want &&
			str_eq(v.rule, str_of(rows[i].rule)),
		    "%s: %.*s", rows[i].uri, STR_ARG(v.rule));
	}
	policy_free(p);
}

int
main(void)
{
	arena = arena_new(1 << 20);
	test_arguments();
	test_has();
	test_derived();
	test_held();
	test_held_by_several();
	test_held_for_nothing();
	test_obligations();
	test_groups();
	test_tasks();
	test_lists();
	test_refused();
	test_uris();
	chain(120, true);
	chain(200, false);
	arena_free(arena);
	buf_done(&params);
	buf_done(&kinds);
	return tap_done();
}
