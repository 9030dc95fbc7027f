/* test-typed: arguments by the tool's own schema, groups of risk that nobody
 * declared, and what the ledger says of tools. */
#include "authority/test-in.h"

static struct arena *arena;

/* ---- types ---- */

#define TOOL(props, more)                                                      \
	"{\"name\":\"pay\",\"inputSchema\":{\"type\":\"object\","              \
	"\"properties\":{" props "}" more "}}"
#define LOW "\"amount\":{\"type\":\"number\",\"maximum\":9}"
#define AMOUNT "\"amount\":{\"type\":\"number\"}"
#define SMALL                                                                  \
	"@id(\"small\") permit (principal, action, resource) when { "          \
	"context.input.amount.lessThan(decimal(\"100.0\")) };"

static struct verdict
ask(const struct policy *p, const char *tool, const char *args, bool open)
{
	struct call c = { .principal = STR("ann"),
		.server = STR("bank"),
		.method = STR("tools/call"),
		.name = STR("pay"),
		.params = json(args),
		.open = open };
	struct typed *t = NULL;
	struct verdict v;

	if (typed_compile(json(tool), c.server, c.open, &t, &why) != OK)
		ok(0, "%s: %s", tool, why.text);
	c.typed = t;
	arena_reset(arena);
	v = policy_decide(p, &c, arena);
	typed_free(t);
	return v;
}

static void
test_types(void)
{
	static const struct {
		const char *tool, *args;
		bool open;
		enum effect effect;
		const char *rule, *says;
	} t[] = {
		{ TOOL(AMOUNT, ""), "{\"arguments\":{\"amount\":99.5}}", false,
		    ALLOW, "small", "" },
		{ TOOL(AMOUNT, ""), "{\"arguments\":{\"amount\":99}}", false,
		    ALLOW, "small", "" },
		{ TOOL(AMOUNT, ""), "{\"arguments\":{\"amount\":100}}", false,
		    DENY, "default-deny", "" },
		{ TOOL(AMOUNT, ""), "{\"arguments\":{\"amount\":99.99999}}",
		    false, DENY, "arguments", "argument amount: must be" },
		{ TOOL(AMOUNT, ""), "{\"arguments\":{\"amount\":\"5\"}}", false,
		    DENY, "arguments", "argument amount: must be" },
		{ TOOL(AMOUNT, ""), "{\"arguments\":{\"amount\":5,\"to\":1}}",
		    false, DENY, "arguments",
		    "argument to: the tool does not" },
		{ TOOL(AMOUNT, ""), "{\"arguments\":{\"amount\":5,\"to\":1}}",
		    true, ALLOW, "small", "" },
		{ TOOL(AMOUNT, ",\"additionalProperties\":false"),
		    "{\"arguments\":{\"amount\":5,\"to\":1}}", true, DENY,
		    "arguments", "argument to: the tool does not" },
		{ TOOL(LOW, ""), "{\"arguments\":{\"amount\":9}}", false, ALLOW,
		    "small", "" },
		{ TOOL(LOW, ""), "{\"arguments\":{\"amount\":9.5}}", false,
		    DENY, "arguments", "argument /amount: must be" },
		{ TOOL(LOW, ""), "{\"arguments\":{\"amount\":9.5}}", true, DENY,
		    "arguments", "argument /amount: must be" },
		{ TOOL(AMOUNT, ",\"maxProperties\":1"),
		    "{\"arguments\":{\"amount\":5,\"x\":1}}", true, DENY,
		    "arguments", "arguments: " },
		{ TOOL(AMOUNT, ",\"minProperties\":1"), "{}", false, DENY,
		    "arguments", "arguments: " },
		{ TOOL(AMOUNT, ",\"required\":[\"amount\"]"), "{}", false, DENY,
		    "arguments", "argument amount: is missing" },
	};
	struct policy *p = policies(SMALL);

	for (size_t i = 0; i < countof(t); i++) {
		const struct verdict v =
		    ask(p, t[i].tool, t[i].args, t[i].open);

		ok(v.effect == t[i].effect &&
			str_eq(v.rule, str_of(t[i].rule)) &&
			str_search(v.reason, str_of(t[i].says)) <=
			    v.reason.n - strlen(t[i].says),
		    "%s: %.*s", t[i].args, STR_ARG(v.reason));
	}
	policy_free(p);
}

/* What came beside a definition is another process's word. */
static void
test_images(void)
{
	static const struct bounds bad[] = { { .image = STR_INIT("x") },
		{ .why = STR_INIT("the list is too large") },
		{ .image = STR_INIT("") } };
	struct typed *t = NULL;

	for (size_t i = 0; i < countof(bad); i++)
		ok(typed_new(json(TOOL(AMOUNT, "")), STR("bank"), &bad[i], &t,
		       &why) == ERR_SYNTAX &&
			t == NULL && why.text[0] != '\0',
		    "no image: %s", why.text);
	ok(typed_new(json(TOOL(AMOUNT, "")), STR("bank"), NULL, &t, &why) == OK,
	    "unless none is asked for");
	typed_free(t);
	t = NULL;
	ok(typed_compile(json(TOOL("\"a\":{\"pattern\":\"(a)\\\\1\"}", "")),
	       STR("bank"), false, &t, &why) != OK &&
		t == NULL && strstr(why.text, "back-reference") != NULL,
	    "what cannot be judged has no types: %s", why.text);
}

/* Types are as strict where no policy reads the arguments, if asked for. */
static void
test_always(void)
{
	struct policy *p =
	    policies("@id(\"all\") permit (principal, action, resource);");

	ok(ask(p, TOOL(AMOUNT, ""), "{\"arguments\":{\"amount\":5}}", false)
			.effect == ALLOW &&
		ask(p, TOOL(AMOUNT, ""), "{\"arguments\":{\"amount\":true}}",
		    false)
			.effect == DENY &&
		policy_reads(p) == 0,
	    "a call with types is held against them whatever policies read");
	policy_free(p);
}

/* Two decisions of one call: the entities of its arguments are in both. */
static void
test_entities(void)
{
	static const char tool[] = TOOL("\"m\":{\"type\":\"object\","
					"\"additionalProperties\":{\"type\":"
					"\"string\"}}",
	    "");
	struct policy *p = policies(
	    "@id(\"tag\") permit (principal, action, resource) when { "
	    "context.input.m.hasTag(\"k\") && context.input.m.getTag(\"k\") == "
	    "\"v\" };"
	    "forbid (principal, action in Gatehouse::Action::\"money\", "
	    "resource) unless { context.input.m.hasTag(\"k\") };");
	struct call c = { .principal = STR("ann"),
		.server = STR("bank"),
		.method = STR("tools/call"),
		.name = STR("pay"),
		.params = json("{\"arguments\":{\"m\":{\"k\":\"v\"}}}"),
		.guessed = true };
	struct typed *t = NULL;

	ok(typed_compile(json(tool), c.server, c.open, &t, &why) == OK,
	    "a tool with tags");
	c.typed = t;
	arena_reset(arena);
	ok(policy_decide(p, &c, arena).effect == ALLOW, "is asked for them");
	c.params = json("{\"arguments\":{\"m\":{\"k\":\"w\"}}}");
	arena_reset(arena);
	ok(policy_decide(p, &c, arena).effect == DENY, "and heard");
	typed_free(t);
	policy_free(p);
}

/* ---- risk ---- */

#define IN(group) "action in Gatehouse::Action::\"" group "\""
#define ALL_BUT(group) "forbid (principal, " IN(group) ", resource);"
#define ALL "@id(\"all\") permit (principal, action, resource);"

struct risk_row {
	const char *policy;
	const char *server; /* of the image */
	const char *tool;
	enum effect effect;
	const char *what;
};
static const char reader[] =
    "{\"name\":\"t\",\"annotations\":{\"readOnlyHint\":true,"
    "\"openWorldHint\":false}}";
static const char writer[] =
    "{\"name\":\"t\",\"annotations\":{\"destructiveHint\":false,"
    "\"openWorldHint\":false}}";
static const char silent[] = "{\"name\":\"t\",\"annotations\":{}}";
static const char bare[] = "{\"name\":\"t\"}";
#define TRUST "{\"annotations\":\"trusted\"}"
#define RISK(groups) "{\"risk\":{\"t\":[" groups "]}}"

static const struct risk_row risks[] = {
	{ "permit (principal, " IN("read") ", resource);", RISK("\"read\""),
	    bare, ALLOW, "declared read: what is granted to read" },
	{ "permit (principal, " IN("read") ", resource);", "{}", reader, DENY,
	    "a tool's own claim to read opens nothing" },
	{ "permit (principal, " IN("read") ", resource);", TRUST, reader, ALLOW,
	    "unless its server is trusted" },
	{ "permit (principal, " IN("read") ", resource);", TRUST, silent, DENY,
	    "who is trusted and silent does not read" },
	{ "permit (principal, " IN("write") ", resource);", "{}", bare, DENY,
	    "a tool nobody declared is granted nothing by write" },
	{ "permit (principal, " IN("write") ", resource);", RISK("\"write\""),
	    bare, ALLOW, "a declared one is" },
	{ ALL "forbid (principal, " IN("destructive") ", resource);", "{}",
	    reader, DENY, "nor does a claim to read lift a forbid" },
	{ ALL "forbid (principal, " IN("destructive") ", resource);", "{}",
	    bare, DENY, "which holds where nobody says anything" },
	{ ALL "forbid (principal, " IN("egress") ", resource);", "{}", bare,
	    DENY, "that of egress too" },
	{ ALL "forbid (principal, " IN("money") ", resource);", "{}", bare,
	    DENY, "that of money too: nobody knows" },
	{ ALL "forbid (principal, " IN("money") ", resource);",
	    RISK("\"write\""), bare, ALLOW, "declared, it spends nothing" },
	{ ALL "forbid (principal, " IN("read") ", resource);", "{}", bare, DENY,
	    "and that of read" },
	{ ALL "forbid (principal, action, resource) when { " IN(
	      "write") " && !(" IN("egress") ") };",
	    "{}", bare, DENY, "it may be in one group and not in another" },
	{ ALL "forbid (principal, action, resource) when { " IN(
	      "write") " && !(" IN("egress") ") };",
	    RISK("\"write\",\"egress\""), bare, ALLOW,
	    "declared in both: not forbidden" },
	{ "permit (principal, action, resource) when { " IN("read") " || " IN(
	      "write") " };",
	    "{}", bare, DENY, "no guess wins a permit" },
	{ "permit (principal, action, resource) when { " IN("read") " || !(" IN(
	      "read") ") };" ALL_BUT("money"),
	    "{}", bare, DENY, "scopes and conditions together" },
	{ "permit (principal, action, resource) when { " IN("read") " || !(" IN(
	      "read") ") };" ALL_BUT("money"),
	    RISK(""), bare, ALLOW, "declared in none: all of it holds" },
	{ ALL "forbid (principal, " IN("money") ", resource);",
	    RISK("\"money\""), bare, DENY, "and counts where it is" },
	{ ALL "forbid (principal, " IN("destructive") ", resource);",
	    RISK("\"write\""), bare, ALLOW, "declared otherwise: as declared" },
	{ ALL "forbid (principal, " IN("destructive") ", resource);", RISK(""),
	    bare, ALLOW, "declared to be in none" },
	{ ALL "forbid (principal, " IN("destructive") ", resource);",
	    "{\"risk\":{\"t\":[\"read\"]},\"annotations\":\"trusted\"}", silent,
	    ALLOW, "the operator's word before the tool's" },
	{ ALL "forbid (principal, " IN("destructive") ", resource);", TRUST,
	    writer, ALLOW, "trusted: not destructive when it says so" },
	{ ALL "forbid (principal, " IN("destructive") ", resource);", TRUST,
	    silent, DENY, "destructive when it does not" },
	{ ALL "forbid (principal, " IN("egress") ", resource);", TRUST, silent,
	    DENY, "and of an open world" },
	{ ALL "forbid (principal, " IN("write") ", resource);", TRUST, bare,
	    DENY, "trusted, without annotations: nobody knows" },
	{ ALL "@requestable(\"d\") forbid (principal, " IN(
	      "destructive") ", "
			     "resource);",
	    "{}", bare, HOLD, "what a person may lift is held" },
	{ "permit (principal, action, resource) unless { " IN(
	      "destructive") " };",
	    "{}", bare, DENY, "a permit's exception holds" },
	{ "permit (principal, action, resource) unless { " IN(
	      "destructive") " };",
	    RISK("\"read\""), bare, ALLOW, "and not for who is declared" },
	{ ALL, "{}", bare, ALLOW, "policies without groups ask once" },
};

static void
test_risk(void)
{
	for (size_t i = 0; i < countof(risks); i++) {
		const struct risk_row *r = &risks[i];
		struct policy *p = policies(r->policy);
		const struct terms d = terms_of(json(r->server));
		struct call c = { .principal = STR("ann"),
			.server = STR("s"),
			.method = STR("tools/call"),
			.name = STR("t") };

		call_terms(&d, json(r->tool), &c);
		arena_reset(arena);
		ok(policy_decide(p, &c, arena).effect == r->effect, "%s",
		    r->what);
		ok(policy_shows(p, &c) == (r->effect != DENY),
		    "and lists show it only so");
		policy_free(p);
	}
}

/* ---- what the ledger has ---- */

static void
test_pins(void)
{
	static const char *const records[] = {
		"{\"kind\":\"decision\",\"server\":\"a\",\"name\":\"x\","
		"\"time\":9}",
		"{\"kind\":\"definition\",\"server\":\"a\",\"name\":\"x\","
		"\"time\":5,\"definition\":{\"name\":\"x\",\"v\":5}}",
		"{\"kind\":\"definition\",\"server\":\"a\",\"name\":\"x\","
		"\"time\":4,\"definition\":{\"name\":\"x\",\"v\":4}}",
		"{\"kind\":\"definition\",\"server\":\"b\",\"name\":\"x\","
		"\"time\":4,\"definition\":{\"name\":\"x\"}}",
		"{\"kind\":\"definition\",\"server\":\"a\",\"name\":\"y\","
		"\"time\":4,\"definition\":{\"name\":\"y\"}}",
		"{\"kind\":\"definition\",\"server\":\"a\",\"name\":\"y\","
		"\"time\":6,\"definition\":{\"cut_bytes\":7}}",
		"{\"kind\":\"definition\",\"server\":\"gone\",\"name\":\"y\","
		"\"time\":6,\"definition\":{\"name\":\"y\"}}",
		"{\"kind\":\"definition\",\"server\":\"a\",\"name\":\"z\","
		"\"definition\":{\"name\":\"z\"}}",
	};
	struct pins *p = pins_new();
	struct buf out = { .max = 1 << 16 }, text = { .max = 1 << 16 };

	for (size_t i = 0; i < countof(records); i++)
		pins_take(p, json(records[i]));
	pins_put(p,
	    json("{\"servers\":[{\"name\":\"a\"},{\"name\":\"b\"},{\"name\":"
		 "\"c\"}]}"),
	    &out);
	json_write(jv_of(buf_view(&out)), &text);
	ok(str_eq(buf_view(&text),
	       STR("{\"a\":[{\"name\":\"x\",\"v\":5}],\"b\":[{\"name\":\"x\"}]"
		   "}")),
	    "the newest of each, of servers that there are, as far as it was "
	    "kept: %.*s",
	    STR_ARG(buf_view(&text)));
	pins_free(p);
	buf_done(&out);
	buf_done(&text);
}

int
main(void)
{
	arena = arena_new(1 << 20);
	test_types();
	test_always();
	test_images();
	test_entities();
	test_risk();
	test_pins();
	arena_free(arena);
	return tap_done();
}
