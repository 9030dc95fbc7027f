/*
 * test-params: what crosses a hop, by its text; and the mirrored headers.
 */
#include "mcp/mcp.h"

#include "base/tap.h"

static struct jv
parse(struct buf *t, const char *text)
{
	struct note why;

	buf_clear(t);
	t->max = 1 << 20;
	if (json_parse(str_of(text), &json_default, t, &why) != OK)
		return (struct jv){ NULL, 0 };
	return jv_of(buf_view(t));
}

static void
is_text(struct buf *tape, const char *want, const char *name)
{
	struct buf out = { .max = 1 << 20 };

	json_write(jv_of(buf_view(tape)), &out);
	ok(str_eq(buf_view(&out), str_of(want)), "%s", name);
	if (!str_eq(buf_view(&out), str_of(want)))
		printf("# %.*s\n", STR_ARG(buf_view(&out)));
	buf_done(&out);
}

#define NS "io.modelcontextprotocol/"

static void
test_params(void)
{
	struct buf t = { 0 }, o = { .max = 1 << 16 }, c = { 0 };
	struct mcp_out how = { .era = MCP_MODERN, .token = 7 };

	mcp_params_canonical(
	    parse(&t, "{\"name\":\"x\",\"_meta\":{\"progressToken\":1,\"" NS
		      "protocolVersion\":\"v\",\"" NS "clientInfo\":{},\"" NS
		      "clientCapabilities\":{},\"" NS "logLevel\":\"info\","
		      "\"traceparent\":\"t\"},\"arguments\":{\"n\":1.50}}"),
	    &o);
	is_text(&o,
	    "{\"name\":\"x\",\"arguments\":{\"n\":1.50},\"_meta\":"
	    "{\"traceparent\":\"t\"}}",
	    "canonical params lose what is the hop's own, keep the rest");
	buf_clear(&o);
	mcp_params_canonical(
	    parse(&t, "{\"_meta\":{\"progressToken\":1},\"a\":1}"), &o);
	is_text(&o, "{\"a\":1}", "an emptied _meta goes");
	buf_clear(&o);
	mcp_params_canonical((struct jv){ 0 }, &o);
	is_text(&o, "{}", "absent params are empty params");
	buf_clear(&o);
	how.caps = parse(&c, "{\"roots\":{}}");
	how.log_level = STR("info");
	mcp_params_out(
	    parse(&t, "{\"a\":1,\"_meta\":{\"" NS "protocolVersion\":\"lie\","
		      "\"k\":2}}"),
	    &how, &o);
	is_text(&o,
	    "{\"a\":1,\"_meta\":{\"k\":2,\"progressToken\":7,\"" NS
	    "protocolVersion\":\"2026-07-28\",\"" NS
	    "clientCapabilities\":{\"roots\":{}},\"" NS "logLevel\":\"info\"}}",
	    "modern params get this hop's _meta");
	buf_clear(&o);
	how = (struct mcp_out){ .era = MCP_LEGACY };
	mcp_params_out(parse(&t, "{\"a\":1}"), &how, &o);
	is_text(&o, "{\"a\":1}", "legacy params need none");
	buf_done(&t);
	buf_done(&o);
	buf_done(&c);
}

static const struct {
	const char *name;
	enum mcp_era agent;
	enum mcp_method m;
	const char *in, *out;
} results[] = {
	{ "resultType is added", MCP_MODERN, MCP_TOOLS_CALL, "{\"content\":[]}",
	    "{\"content\":[],\"resultType\":\"complete\"}" },
	{ "and kept", MCP_MODERN, MCP_TOOLS_CALL,
	    "{\"resultType\":\"input_required\"}",
	    "{\"resultType\":\"input_required\"}" },
	{ "and taken away", MCP_LEGACY, MCP_TOOLS_CALL,
	    "{\"resultType\":\"complete\",\"content\":[]}",
	    "{\"content\":[]}" },
	{ "cache hints are added", MCP_MODERN, MCP_TOOLS_LIST, "{\"tools\":[]}",
	    "{\"tools\":[],\"ttlMs\":0,\"cacheScope\":\"private\","
	    "\"resultType\":\"complete\"}" },
	{ "public becomes private", MCP_MODERN, MCP_TOOLS_LIST,
	    "{\"tools\":[],\"cacheScope\":\"public\",\"ttlMs\":5}",
	    "{\"tools\":[],\"ttlMs\":5,\"cacheScope\":\"private\","
	    "\"resultType\":\"complete\"}" },
	{ "a negative ttl becomes 0", MCP_MODERN, MCP_TOOLS_LIST,
	    "{\"ttlMs\":-5}",
	    "{\"ttlMs\":0,\"cacheScope\":\"private\",\"resultType\":"
	    "\"complete\"}" },
	{ "cache hints are taken away", MCP_LEGACY, MCP_TOOLS_LIST,
	    "{\"tools\":[],\"cacheScope\":\"public\",\"ttlMs\":5}",
	    "{\"tools\":[]}" },
	{ "ttlMs of a call is data", MCP_LEGACY, MCP_TOOLS_CALL,
	    "{\"ttlMs\":5}", "{\"ttlMs\":5}" },
};

static const struct {
	enum mcp_era agent;
	int in, out;
} codes[] = {
	{ MCP_MODERN, -32002, -32602 },
	{ MCP_LEGACY, -32002, -32002 },
	{ MCP_MODERN, -32042, -32603 },
	{ MCP_LEGACY, -32042, -32042 },
	{ MCP_MODERN, -32020, -32020 },
	{ MCP_LEGACY, -32020, -32603 },
	{ MCP_LEGACY, -32050, -32603 },
	{ MCP_LEGACY, -32601, -32601 },
	{ MCP_MODERN, 42, 42 },
};

static void
test_results(void)
{
	struct buf t = { 0 }, o = { .max = 1 << 16 };
	char text[64];

	for (size_t i = 0; i < countof(results); i++) {
		buf_clear(&o);
		mcp_result_for(results[i].agent, results[i].m,
		    parse(&t, results[i].in), &o);
		is_text(&o, results[i].out, results[i].name);
	}
	for (size_t i = 0; i < countof(codes); i++) {
		int64_t got = 0;

		(void)snprintf(text, sizeof(text),
		    "{\"code\":%d,\"message\":\"m\",\"data\":[1]}",
		    codes[i].in);
		buf_clear(&o);
		mcp_error_for(
		    codes[i].agent, MCP_RESOURCES_READ, parse(&t, text), &o);
		ok(jv_i64(jv_at(jv_of(buf_view(&o)), "code"), &got) == OK &&
			got == codes[i].out,
		    "code %d becomes %d", codes[i].in, codes[i].out);
	}
	ok(mcp_error_status(MCP_MODERN, -32601) == 404 &&
		mcp_error_status(MCP_LEGACY, -32601) == 200,
	    "an unknown method is 404 in the modern era alone");
	buf_done(&t);
	buf_done(&o);
}

static void
test_text(void)
{
	struct buf t = { 0 }, o = { .max = 1 << 16 }, id = { 0 };
	const struct jv v = parse(&t, "{\"a\":\"\\u00e9\\n\"}");

	mcp_write_request(&o, (struct jv){ 0 }, STR("m/n"), v);
	ok(str_eq(buf_view(&o), STR("{\"jsonrpc\":\"2.0\",\"method\":\"m/n\","
				    "\"params\":{\"a\":\"\xc3\xa9\\n\"}}")),
	    "a notification");
	buf_clear(&o);
	mcp_write_result(&o, parse(&id, "9007199254740993"), v);
	ok(str_starts(buf_view(&o), STR("{\"jsonrpc\":\"2.0\","
					"\"id\":9007199254740993,\"result\":")),
	    "an id keeps its lexeme");
	buf_clear(&o);
	buf_clear(&t);
	mcp_error_tape(&t, -32700, STR("no"), (struct jv){ 0 });
	mcp_write_error(&o, (struct jv){ 0 }, jv_of(buf_view(&t)));
	ok(str_eq(buf_view(&o), STR("{\"jsonrpc\":\"2.0\",\"error\":{\"code\":"
				    "-32700,\"message\":\"no\"}}")),
	    "an error without an id");
	buf_done(&t);
	buf_done(&o);
	buf_done(&id);
}

/* ---- headers ---- */

static const struct {
	const char *value, *head;
} encoded[] = {
	{ "us-west1", "us-west1" },
	{ "two words", "two words" },
	{ "", "" },
	{ "Hello, \xe4\xb8\x96\xe7\x95\x8c",
	    "=?base64?SGVsbG8sIOS4lueVjA==?=" },
	{ " padded ", "=?base64?IHBhZGRlZCA=?=" },
	{ "line1\nline2", "=?base64?bGluZTEKbGluZTI=?=" },
	{ "=?base64?literal?=", "=?base64?PT9iYXNlNjQ/bGl0ZXJhbD89?=" },
	{ "=?base64?half", "=?base64?half" },
};

static const struct {
	const char *head, *value; /* NULL: refused */
} decoded[] = {
	{ "=?base64?eA==?=", "x" },
	{ "=?base64?eA?=", NULL },
	{ "=?base64?e$==?=", NULL },
	{ "=?base64?eB==?=", NULL }, /* trailing bits */
	{ "=?base64?/w==?=", NULL }, /* not UTF-8 */
	{ "=?BASE64?eA==?=", "=?BASE64?eA==?=" },
	{ "=?base64?eA==", "=?base64?eA==" },
	{ "caf\xc3\xa9", NULL },
	{ "a\tb", "a\tb" },
	{ "a\x01", NULL },
};

static void
test_values(void)
{
	struct buf o = { .max = 4096 };

	for (size_t i = 0; i < countof(encoded); i++) {
		buf_clear(&o);
		mcp_head_encode(str_of(encoded[i].value), &o);
		ok(str_eq(buf_view(&o), str_of(encoded[i].head)),
		    "written as %s", encoded[i].head);
		buf_clear(&o);
		ok(mcp_head_decode(str_of(encoded[i].head), &o) == OK &&
			str_eq(buf_view(&o), str_of(encoded[i].value)),
		    "and read back");
	}
	for (size_t i = 0; i < countof(decoded); i++) {
		enum err e;

		buf_clear(&o);
		e = mcp_head_decode(str_of(decoded[i].head), &o);
		ok(decoded[i].value == NULL
			? e == ERR_SYNTAX && o.n == 0
			: e == OK &&
			      str_eq(buf_view(&o), str_of(decoded[i].value)),
		    "decode, row %zu", i);
	}
	buf_done(&o);
}

#define P(props) "{\"type\":\"object\",\"properties\":{" props "}}"
static const struct {
	const char *name, *schema, *out; /* NULL: the tool is not shown */
} schemas[] = {
	{ "no annotation", P("\"a\":{\"type\":\"string\"}"), "{}" },
	{ "one", P("\"a\":{\"type\":\"string\",\"x-mcp-header\":\"A\"}"),
	    "{\"a\":\"A\"}" },
	{ "nested",
	    P("\"o\":" P("\"a/b\":{\"type\":\"integer\","
			 "\"x-mcp-header\":\"N\"}")),
	    "{\"o/a~1b\":\"N\"}" },
	{ "a property of that name",
	    P("\"x-mcp-header\":{\"type\":\"string\"}"), "{}" },
	{ "in a default",
	    P("\"a\":{\"type\":\"object\",\"default\":{\"x-mcp-header\":1}}"),
	    "{}" },
	{ "empty", P("\"a\":{\"type\":\"string\",\"x-mcp-header\":\"\"}"),
	    NULL },
	{ "no token", P("\"a\":{\"type\":\"string\",\"x-mcp-header\":\"A B\"}"),
	    NULL },
	{ "CR LF",
	    P("\"a\":{\"type\":\"string\",\"x-mcp-header\":\"A\\r\\nX: y\"}"),
	    NULL },
	{ "not a string", P("\"a\":{\"type\":\"string\",\"x-mcp-header\":1}"),
	    NULL },
	{ "number", P("\"a\":{\"type\":\"number\",\"x-mcp-header\":\"A\"}"),
	    NULL },
	{ "no type", P("\"a\":{\"x-mcp-header\":\"A\"}"), NULL },
	{ "twice, folded",
	    P("\"a\":{\"type\":\"string\",\"x-mcp-header\":\"A\"},"
	      "\"b\":{\"type\":\"string\",\"x-mcp-header\":\"a\"}"),
	    NULL },
	{ "on the root", "{\"type\":\"string\",\"x-mcp-header\":\"A\"}", NULL },
	{ "in items",
	    P("\"a\":{\"type\":\"array\",\"items\":{\"type\":\"string\","
	      "\"x-mcp-header\":\"A\"}}"),
	    NULL },
	{ "in anyOf",
	    "{\"anyOf\":[" P("\"a\":{\"type\":\"string\",\"x-mcp-header\":"
			     "\"A\"}") "]}",
	    NULL },
	{ "in $defs",
	    "{\"$defs\":{\"d\":{\"type\":\"string\",\"x-mcp-header\":\"A\"}}}",
	    NULL },
};

static const struct {
	const char *name, *args, *heads;
	bool agree;
} agreed[] = {
	{ "same string", "{\"s\":\"x\"}", "{\"S\":\"x\"}", true },
	{ "names fold", "{\"s\":\"x\"}", "{\"s\":\"x\"}", true },
	{ "other case of a value", "{\"s\":\"x\"}", "{\"S\":\"X\"}", false },
	{ "missing header", "{\"s\":\"x\"}", "{}", false },
	{ "header without argument", "{}", "{\"S\":\"x\"}", false },
	{ "neither", "{}", "{}", true },
	{ "null argument", "{\"s\":null}", "{}", true },
	{ "null argument, header", "{\"s\":null}", "{\"S\":\"null\"}", false },
	{ "unreadable header", "{\"s\":\"x\"}", "{\"S\":null}", false },
	{ "unknown header", "{}", "{\"Other\":null}", true },
	{ "integer", "{\"o\":{\"n\":42}}", "{\"N\":\"42\"}", true },
	{ "integer, 42.0", "{\"o\":{\"n\":42}}", "{\"N\":\"42.0\"}", true },
	{ "integer, body 4.2e1", "{\"o\":{\"n\":4.2e1}}", "{\"N\":\"42\"}",
	    true },
	{ "integer, 42.5", "{\"o\":{\"n\":42}}", "{\"N\":\"42.5\"}", false },
	{ "integer, 43", "{\"o\":{\"n\":42}}", "{\"N\":\"43\"}", false },
	{ "integer, minus", "{\"o\":{\"n\":-7}}", "{\"N\":\"-7\"}", true },
	{ "integer, words", "{\"o\":{\"n\":42}}", "{\"N\":\"forty\"}", false },
	{ "boolean", "{\"b\":true}", "{\"B\":\"true\"}", true },
	{ "boolean, True", "{\"b\":true}", "{\"B\":\"True\"}", false },
	{ "an object where a string was", "{\"s\":{}}", "{\"S\":\"{}\"}",
	    false },
};

static void
test_tool_heads(void)
{
	struct buf t = { 0 }, o = { .max = 1 << 16 }, a = { 0 }, h = { 0 };
	struct note why;
	struct jv th;

	for (size_t i = 0; i < countof(schemas); i++) {
		enum err e;

		buf_clear(&o);
		e = mcp_tool_headers(parse(&t, schemas[i].schema), &o, &why);
		if (schemas[i].out != NULL)
			is_text(&o, schemas[i].out, schemas[i].name);
		else
			ok(e == ERR_SYNTAX && o.n == 0, "not shown: %s",
			    schemas[i].name);
	}
	th = parse(&t, "{\"s\":\"S\",\"o/n\":\"N\",\"b\":\"B\"}");
	for (size_t i = 0; i < countof(agreed); i++)
		ok((mcp_heads_agree(th, parse(&a, agreed[i].args),
			parse(&h, agreed[i].heads), &why) == OK) ==
			agreed[i].agree,
		    "%s: %s", agreed[i].agree ? "agree" : "differ",
		    agreed[i].name);
	buf_clear(&o);
	mcp_heads_make(th,
	    parse(&a, "{\"s\":\" \xc3\xa9\",\"o\":{\"n\":4.2e1},\"b\":false}"),
	    &o);
	is_text(&o, "{\"S\":\" \xc3\xa9\",\"N\":\"42\",\"B\":\"false\"}",
	    "headers are made from arguments");
	buf_done(&t);
	buf_done(&o);
	buf_done(&a);
	buf_done(&h);
}

int
main(void)
{
	test_params();
	test_results();
	test_text();
	test_values();
	test_tool_heads();
	return tap_done();
}
