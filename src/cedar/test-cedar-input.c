/*
 * Arguments as values: what each type of a tool takes, what it refuses and
 * where, and that all that is taken conforms to the schema that policies are
 * validated with.
 */
#include "cedar/cedar.h"

#include "base/tap.h"
#include "json/json.h"

struct row {
	const char *type; /* of the argument a, which is required */
	const char *args;
	const char *is; /* Cedar's text for the record; or of the error */
	bool bad;
};
#define A(type, json, is)                                                      \
	{                                                                      \
		type, "{\"a\":" json "}", "{\"a\": " is "}", false             \
	}
#define BAD(type, json, says)                                                  \
	{                                                                      \
		type, "{\"a\":" json "}", says, true                           \
	}
#define T(t) "{\"type\":\"" t "\"}"
#define FORMAT(f) "{\"type\":\"string\",\"format\":\"" f "\"}"
#define OBJ(props, more)                                                       \
	"{\"type\":\"object\",\"properties\":{" props "}" more "}"
#define NS "Gatehouse::s___t::Input::"

static const struct row rows[] = {
	A(T("string"), "\"x\"", "\"x\""),
	BAD(T("string"), "7", "argument a: must be a string"),
	A(T("boolean"), "true", "true"),
	BAD(T("boolean"), "\"true\"", "must be a boolean"),
	A(T("integer"), "9223372036854775807", "9223372036854775807"),
	A(T("integer"), "1e2", "100"),
	A(T("integer"), "3.0", "3"),
	BAD(T("integer"), "9223372036854775808", "must be an integer"),
	BAD(T("integer"), "1.5", "must be an integer"),
	BAD(T("integer"), "\"1\"", "must be an integer"),
	A(T("number"), "12.3456", "decimal(\"12.3456\")"),
	BAD(T("number"), "12.34567", "argument a: must be a number"),
	A(T("number"), "12.345600", "decimal(\"12.3456\")"),
	A(T("number"), "5", "decimal(\"5.0000\")"),
	A(T("number"), "-0.5", "decimal(\"-0.5000\")"),
	A(T("number"), "1.5e3", "decimal(\"1500.0000\")"),
	A(T("number"), "1e-4", "decimal(\"0.0001\")"),
	BAD(T("number"), "1e-5", "must be a number"),
	BAD(T("number"), "1e15", "must be a number"),
	A(T("number"), "922337203685477.5807",
	    "decimal(\"922337203685477.5807"
	    "\")"),
	A(T("number"), "-922337203685477.5808",
	    "decimal(\"-922337203685477.5808\")"),
	BAD(T("number"), "922337203685477.5808", "must be a number"),
	A(T("number"), "0e99999", "decimal(\"0.0000\")"),
	BAD(T("number"), "1e999999999999999999999", "must be a number"),
	A(T("null"), "null", "Gatehouse::Null::\"null\""),
	BAD(T("null"), "0", "must be null"),
	A("{}", "[1,\"x\"]", "Gatehouse::Unknown::\"[1,\\\"x\\\"]\""),
	A(FORMAT("decimal"), "\"1.50\"", "decimal(\"1.5000\")"),
	BAD(FORMAT("decimal"), "\"1.55555\"", "four decimals"),
	BAD(FORMAT("decimal"), "\"\"", "four decimals"),
	BAD(FORMAT("decimal"), "\"x\"", "four decimals"),
	BAD(FORMAT("decimal"), "\"1.\"", "four decimals"),
	BAD(FORMAT("decimal"), "\"+1\"", "four decimals"),
	A(FORMAT("decimal"), "\"10000000000000000000000e-20\"",
	    "decimal(\"100.0000\")"),
	A(FORMAT("date"), "\"2024-02-29\"",
	    "datetime(\"1970-01-01\").offset(duration(\"1709164800000ms\"))"),
	BAD(FORMAT("date"), "\"2023-02-29\"", "a date"),
	A(FORMAT("date-time"), "\"2024-02-29T12:00:00.5+01:00\"",
	    "datetime(\"1970-01-01\").offset(duration(\"1709204400500ms\"))"),
	A(FORMAT("date-time"), "\"2024-02-29t12:00:00.123000z\"",
	    "datetime(\"1970-01-01\").offset(duration(\"1709208000123ms\"))"),
	BAD(FORMAT("date-time"), "\"2024-02-29T12:00:00.1234Z\"",
	    "to the millisecond"),
	BAD(FORMAT("date-time"), "\"2024-02-29T12:00:00\"", "RFC 3339"),
	BAD(FORMAT("date-time"), "\"2024-02-29T12:00:00+0100\"", "RFC 3339"),
	BAD(FORMAT("date-time"), "\"2024-02-29T12:00:00.Z\"", "RFC 3339"),
	A(FORMAT("duration"), "\"P1DT2H3M4S\"", "duration(\"93784000ms\")"),
	A(FORMAT("duration"), "\"P2W\"", "duration(\"1209600000ms\")"),
	BAD(FORMAT("duration"), "\"P1M\"", "without years and months"),
	BAD(FORMAT("duration"), "\"P2W1D\"", "RFC 3339"),
	BAD(FORMAT("duration"), "\"PT\"", "RFC 3339"),
	BAD(FORMAT("duration"), "\"1h\"", "RFC 3339"),
	BAD(FORMAT("duration"), "\"P99999999999999999D\"", "RFC 3339"),
	A(FORMAT("ipv4"), "\"10.0.0.1\"", "ip(\"10.0.0.1\")"),
	A(FORMAT("ipv6"), "\"::1\"", "ip(\"0:0:0:0:0:0:0:1\")"),
	BAD(FORMAT("ipv4"), "\"10.0.0.0/8\"", "an IP address"),
	BAD(FORMAT("ipv4"), "\"10.0.0\"", "an IP address"),
	A(FORMAT("email"), "\"x\"", "\"x\""),
	A("{\"type\":\"string\",\"enum\":[\"slow\",\"fast\"]}", "\"fast\"",
	    NS "a::\"fast\""),
	BAD("{\"type\":\"string\",\"enum\":[\"slow\",\"fast\"]}", "\"quick\"",
	    "argument a: must be one of the texts"),
	A("{\"type\":\"array\",\"items\":" T("integer") "}", "[3,3,1]",
	    "[1, 3]"),
	BAD("{\"type\":\"array\",\"items\":" T("integer") "}", "[1,\"x\"]",
	    "argument a[1]: must be an integer"),
	BAD("{\"type\":\"array\",\"items\":" T("integer") "}", "1",
	    "must be an array"),
	A("{\"type\":\"array\",\"items\":false,\"prefixItems\":[" T(
	      "string") "," T("integer") "]}",
	    "[\"x\",1]", "{\"proj0\": \"x\", \"proj1\": 1}"),
	BAD("{\"type\":\"array\",\"items\":false,\"prefixItems\":[" T(
		"string") "]}",
	    "[\"x\",1]", "as many as"),
	A("{\"type\":[\"string\",\"null\"]}", "null",
	    "{\"typeChoice1\": Gatehouse::Null::\"null\"}"),
	A("{\"anyOf\":[" T("integer") "," T("number") "]}", "1.5",
	    "{\"typeChoice1\": decimal(\"1.5000\")}"),
	BAD("{\"anyOf\":[" T("integer") "," T("null") "]}", "\"x\"",
	    "argument a: must be of one of the types"),
	A(OBJ("\"b\":" T("integer"), ""), "{\"b\":1}", "{\"b\": 1}"),
	A(OBJ("\"b\":" T("integer"), ""), "{}", "{}"),
	BAD(OBJ("\"b\":" T("integer"), ""), "{\"b\":\"x\"}",
	    "argument a.b: must be an integer"),
	BAD(OBJ("\"b\":" T("integer"), ""), "{\"c\":1}",
	    "argument a.c: the tool does not declare it"),
	BAD(OBJ("\"b\":" T("integer"), ",\"required\":[\"b\"]"), "{}",
	    "argument a.b: is missing"),
	BAD(OBJ("", ""), "[]", "must be an object"),
	A(OBJ("\"b\":" T("integer"), ",\"additionalProperties\":" T("string")),
	    "{\"b\":1,\"c\":\"x\"}", NS "a::\"0\""),
	BAD(OBJ("", ",\"additionalProperties\":" T("string")), "{\"c\":1}",
	    "argument a.c: must be a string"),
	A("{\"$ref\":\"#/$defs/D\"}", "[\"x\"]", "[\"x\"]"),
	/* A type within itself, and one that is nowhere, are unknown. */
	A("{\"$ref\":\"#/$defs/L\"}", "1", "Gatehouse::Unknown::\"1\""),
	A("{\"$ref\":\"#/$defs/M\"}", "{\"l\":{\"l\":null}}",
	    "{\"l\": Gatehouse::Unknown::\"{\\\"l\\\":null}\"}"),
	A("{\"$ref\":\"#/$defs/None\"}", "1", "Gatehouse::Unknown::\"1\""),
	{ T("string"), "{}", "argument a: is missing", true },
	{ T("string"), "{\"a\":\"x\",\"b\":1}", "argument b: the tool does not",
	    true },
	{ T("string"), "[]", "arguments: must be an object", true },
	{ T("string"), "", "argument a: is missing", true },
	{ T("string"), "{\"a\":\"x\",\"o-p\":1}", "{\"a\": \"x\", \"o-p\": 1}",
	    false },
};

struct tool {
	struct buf text, tape;
	struct cedar_mcp_input *in;
	struct cedar_schema *schema;
};

/* ,"NAME":SCHEMA ...; larger than what a schema of Cedar may be. */
static const char *defs_more = "";
static const char stub[] = "namespace Gatehouse { @mcp_principal entity P;"
			   "@mcp_resource entity R; entity Null; "
			   "@mcp_action action all; }";

static void
open_tool(struct tool *t, const char *type, const char *more)
{
	static const struct cedar_mcp_options o = { .objects_as_records = true,
		.numbers_as_decimal = true,
		.lenient = true };
	struct buf out = { .max = 1 << 20 };
	struct cedar_why why = { 0 };
	struct cedar_mcp_server s = { .name = STR("s") };

	*t = (struct tool){ .text = { .max = 1 << 16 },
		.tape = { .max = 1 << 16 } };
	buf_fmt(&t->text,
	    "{\"name\":\"t\",\"inputSchema\":{\"type\":\"object\",\"$defs\":{"
	    "\"D\":{\"type\":\"array\",\"items\":{\"type\":\"string\"}},"
	    "\"L\":{\"anyOf\":[{\"$ref\":\"#/$defs/M\"},{\"type\":\"null\"}]},"
	    "\"M\":{\"type\":\"object\",\"properties\":{\"l\":{\"$ref\":"
	    "\"#/$defs/L\"}}}%s},\"required\":[\"a\"],\"properties\":{\"a\":%s,"
	    "\"o-p\":{\"type\":\"integer\"}}%s}}",
	    defs_more, type, more);
	BUG_ON(json_parse(buf_view(&t->text), &json_default, &t->tape, NULL));
	if (cedar_mcp_input_new(buf_view(&t->tape), STR("Gatehouse"),
		STR("s___t"), &t->in, &why) != OK)
		ok(0, "%s: %s", type, why.note.text);
	s.tools = buf_view(&t->text);
	if (defs_more[0] == '\0' &&
	    (cedar_mcp_schema_of(str_of(stub), &s, 1, &o, &out, &why) != OK ||
		cedar_schema_parse(buf_view(&out), &t->schema, &why) != OK))
		ok(0, "%s: %s", type, why.note.text);
	buf_done(&out);
}

static void
close_tool(struct tool *t)
{
	cedar_mcp_input_free(t->in);
	cedar_schema_free(t->schema);
	buf_done(&t->text);
	buf_done(&t->tape);
}

/* Typed, and what came of it conforms. */
static enum err
ask(const struct tool *t, const char *args, bool open, struct buf *out,
    struct cedar_why *why)
{
	const struct cedar_uid par[3] = { { STR("Gatehouse::P"), STR("p") },
		{ STR("Gatehouse::Action"), STR("s___t") },
		{ STR("Gatehouse::R"), STR("r") } };
	struct buf tape = { .max = 1 << 16 };
	struct arena *a = arena_new(1 << 20);
	struct cedar_entities *es = cedar_entities_over(NULL, a);
	struct cedar_field f = { .key = STR("input") };
	struct cedar_request *r = NULL;
	struct cedar_why said = { 0 };
	enum err e;

	if (args[0] != '\0')
		BUG_ON(json_parse(str_of(args), &json_default, &tape, NULL));
	e = cedar_mcp_input_value(t->in,
	    (struct cedar_mcp_given){ buf_view(&tape), open }, es, a, &f.v,
	    why);
	if (e == OK) {
		cedar_value_put(out, f.v);
		if (t->schema != NULL &&
		    (cedar_request_of(par, cedar_record(&f, 1, a), a, &r) ||
			cedar_request_check(t->schema, r, &said) != OK))
			ok(0, "%s conforms: %s", args, said.note.text);
	}
	arena_free(a);
	buf_done(&tape);
	return e;
}

static void
test_rows(void)
{
	for (size_t i = 0; i < countof(rows); i++) {
		const struct row *r = &rows[i];
		struct buf out = { .max = 1 << 16 };
		struct cedar_why why = { 0 };
		struct tool t;
		struct str got;
		enum err e;

		open_tool(&t, r->type, "");
		e = ask(&t, r->args, false, &out, &why);
		got = e == OK ? buf_view(&out) : str_of(why.note.text);
		ok(e == (r->bad ? ERR_SYNTAX : OK) &&
			(r->bad ? str_search(got, str_of(r->is)) < got.n
				: str_eq(got, str_of(r->is))),
		    "%s of %s: %.*s", r->args, r->type, STR_ARG(got));
		close_tool(&t);
		buf_done(&out);
	}
}

/* Others may come: only where the tool lets them, and nobody sees them. */
static void
test_open(void)
{
	static const char args[] = "{\"a\":\"x\",\"b\":7}";
	struct buf out = { .max = 4096 };
	struct cedar_why why = { 0 };
	struct tool t;

	open_tool(&t, T("string"), "");
	ok(ask(&t, args, true, &out, &why) == OK &&
		str_eq(buf_view(&out), STR("{\"a\": \"x\"}")),
	    "left out where the tool's schema does not say");
	close_tool(&t);
	open_tool(&t, T("string"), ",\"additionalProperties\":false");
	ok(ask(&t, args, true, &out, &why) == ERR_SYNTAX &&
		strcmp(why.note.text,
		    "argument b: the tool does not declare it") == 0,
	    "refused where it says no");
	close_tool(&t);
	buf_done(&out);
}

/* Tags can be asked for. */
static void
test_tags(void)
{
	static const char policy[] =
	    "permit (principal, action, resource) when { "
	    "context.input.a.hasTag(\"k\") && context.input.a.getTag(\"k\") == "
	    "\"v\" && context.input.a.b == 1 };";
	const struct cedar_uid par[3] = { { STR("P"), STR("p") },
		{ STR("A"), STR("a") }, { STR("R"), STR("r") } };
	struct cedar_policies *ps = cedar_policies_new();
	struct buf tape = { .max = 4096 };
	struct cedar_engine *engine = NULL;
	struct arena *a = arena_new(1 << 20);
	struct cedar_entities *es = cedar_entities_over(NULL, a);
	struct cedar_field f = { .key = STR("input") };
	struct cedar_answer ans = { .decision = CEDAR_DENY };
	struct cedar_request *r = NULL;
	struct tool t;

	open_tool(&t,
	    OBJ("\"b\":" T("integer"),
		",\"additionalProperties\":" T("string")),
	    "");
	BUG_ON(json_parse(
	    STR("{\"a\":{\"k\":\"v\",\"b\":1}}"), &json_default, &tape, NULL));
	ok(cedar_policies_parse(ps, str_of(policy), NULL) == OK &&
		cedar_engine_new(ps, &engine, NULL) == OK &&
		cedar_mcp_input_value(t.in,
		    (struct cedar_mcp_given){ buf_view(&tape), false }, es, a,
		    &f.v, NULL) == OK &&
		cedar_request_of(par, cedar_record(&f, 1, a), a, &r) == OK &&
		cedar_authorize(engine, r, es, a, &ans) == OK &&
		ans.decision == CEDAR_ALLOW,
	    "members of any name are tags, declared ones attributes");
	cedar_engine_free(engine);
	cedar_policies_free(ps);
	close_tool(&t);
	buf_done(&tape);
	arena_free(a);
}

/* Choices in choices: N1 is one of three objects with an N0, and so on. */
static void
choices(struct buf *defs, int n)
{
	buf_str(defs, STR(",\"N0\":{\"type\":\"integer\"}"));
	for (int i = 0; i < n; i++) {
		buf_fmt(defs, ",\"N%d\":{\"anyOf\":[", i + 1);
		for (int k = 0; k < 3; k++)
			buf_fmt(defs,
			    "%s{\"type\":\"object\",\"properties\":{\"x\":{"
			    "\"$ref\":\"#/$defs/N%d\"}}}",
			    k > 0 ? "," : "", i);
		buf_str(defs, STR("]}"));
	}
	buf_u8(defs, 0);
}

/* Whatever a server writes and an agent sends, there is an end. */
static void
test_bounds(void)
{
	static const struct {
		int choices, nested;
		enum err e;
		const char *says;
	} t[] = {
		{ 3, 3, OK, "" },
		{ 12, 12, ERR_LIMIT, "too large for policies" },
		{ 3, 40, ERR_SYNTAX, "one of the types" },
	};

	for (size_t i = 0; i < countof(t); i++) {
		struct buf defs = { .max = 1 << 16 }, args = { .max = 4096 };
		struct buf out = { .max = 4096 };
		struct cedar_why why = { 0 };
		struct tool tool;
		char type[64];

		choices(&defs, t[i].choices);
		defs_more = defs.p;
		(void)snprintf(type, sizeof(type), "{\"$ref\":\"#/$defs/N%d\"}",
		    t[i].choices);
		open_tool(&tool, type, "");
		defs_more = "";
		buf_str(&args, STR("{\"a\":"));
		for (int k = 0; k < t[i].nested; k++)
			buf_str(&args, STR("{\"x\":"));
		buf_str(&args, t[i].e == OK ? STR("7") : STR("\"no\""));
		for (int k = 0; k < t[i].nested; k++)
			buf_ch(&args, '}');
		buf_str(&args, STR("}"));
		buf_u8(&args, 0);
		ok(ask(&tool, args.p, false, &out, &why) == t[i].e &&
			strstr(why.note.text, t[i].says) != NULL,
		    "%d choices, %d deep: %s", t[i].choices, t[i].nested,
		    why.note.text);
		close_tool(&tool);
		buf_done(&defs);
		buf_done(&args);
		buf_done(&out);
	}
}

/* What no type can be made of is an error, and the tool is named. */
static void
test_no_types(void)
{
	static const char *const tools[] = {
		"{\"name\":\"t\"}",
		"{\"name\":\"t\",\"inputSchema\":7}",
		"{\"name\":\"t\",\"inputSchema\":{\"required\":[1],"
		"\"properties\":{\"a\":{}}}}",
		"{\"name\":7,\"inputSchema\":{}}",
		"{\"tools\":[]}",
	};

	for (size_t i = 0; i < countof(tools); i++) {
		struct buf tape = { .max = 4096 };
		struct cedar_mcp_input *in = NULL;
		struct cedar_why why = { 0 };

		BUG_ON(
		    json_parse(str_of(tools[i]), &json_default, &tape, NULL));
		ok(cedar_mcp_input_new(buf_view(&tape), STR("Gatehouse"),
		       STR("s___t"), &in, &why) == ERR_SYNTAX &&
			why.note.text[0] != '\0' && in == NULL,
		    "%s: %s", tools[i], why.note.text);
		buf_done(&tape);
	}
}

int
main(void)
{
	test_rows();
	test_open();
	test_tags();
	test_bounds();
	test_no_types();
	return tap_done();
}
