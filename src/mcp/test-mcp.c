/*
 * test-mcp: one row a message: what an agent sends in which era, and what
 * becomes of it.  Every refusal stands beside the message that is let through.
 */
#include "mcp/mcp.h"

#include "base/tap.h"

/* The three modern _meta fields, and a message around params. */
#define V28 "\"io.modelcontextprotocol/protocolVersion\":\"2026-07-28\""
#define CAPS "\"io.modelcontextprotocol/clientCapabilities\":{}"
#define META "\"_meta\":{" V28 "," CAPS "}"
#define RPC(rest) "{\"jsonrpc\":\"2.0\"," rest "}"
#define CALL(rest) RPC("\"id\":1,\"method\":\"tools/call\"," rest)
#define INIT                                                                   \
	"\"protocolVersion\":\"2025-11-25\",\"capabilities\":{},"              \
	"\"clientInfo\":{\"name\":\"a\",\"version\":\"1\"}"

enum { OLD, NEW, BARE, STDIO }; /* headers sent beside the body */

struct row {
	const char *name;
	int heads;
	const char *body;
	int status, code; /* 0: it stands */
	const char *head_method, *head_name, *head_version;
};

#define PLAIN NULL, NULL, NULL /* the headers of that kind */
static const struct row rows[] = {
	/* A6 A8: the shape */
	{ "a legacy call", OLD, CALL("\"params\":{\"name\":\"x\"}"), 0, 0,
	    PLAIN },
	{ "not an object", OLD, "3", 400, -32600, PLAIN },
	{ "a batch", OLD, "[" CALL("\"params\":{\"name\":\"x\"}") "]", 400,
	    -32600, PLAIN },
	{ "no jsonrpc", OLD, "{\"id\":1,\"method\":\"ping\"}", 400, -32600,
	    PLAIN },
	{ "jsonrpc 1.0", OLD,
	    "{\"jsonrpc\":\"1.0\",\"id\":1,"
	    "\"method\":\"ping\"}",
	    400, -32600, PLAIN },
	{ "jsonrpc a number", OLD,
	    "{\"jsonrpc\":2.0,\"id\":1,"
	    "\"method\":\"ping\"}",
	    400, -32600, PLAIN },
	{ "ping", OLD, RPC("\"id\":1,\"method\":\"ping\""), 0, 0, PLAIN },
	{ "id string", OLD, RPC("\"id\":\"a\",\"method\":\"ping\""), 0, 0,
	    PLAIN },
	{ "id null", OLD, RPC("\"id\":null,\"method\":\"ping\""), 400, -32600,
	    PLAIN },
	{ "id 1.5", OLD, RPC("\"id\":1.5,\"method\":\"ping\""), 400, -32600,
	    PLAIN },
	{ "id 1e0", OLD, RPC("\"id\":1e0,\"method\":\"ping\""), 400, -32600,
	    PLAIN },
	{ "id 1.0", OLD, RPC("\"id\":1.0,\"method\":\"ping\""), 400, -32600,
	    PLAIN },
	{ "id true", OLD, RPC("\"id\":true,\"method\":\"ping\""), 400, -32600,
	    PLAIN },
	{ "id 2^63-1", OLD,
	    RPC("\"id\":9223372036854775807,\"method\":\"ping\""), 0, 0,
	    PLAIN },
	{ "id 2^63", OLD, RPC("\"id\":9223372036854775808,\"method\":\"ping\""),
	    400, -32600, PLAIN },
	{ "id -1", OLD, RPC("\"id\":-1,\"method\":\"ping\""), 0, 0, PLAIN },
	{ "request without id", OLD, RPC("\"method\":\"ping\""), 400, -32600,
	    PLAIN },
	{ "notification", OLD, RPC("\"method\":\"notifications/initialized\""),
	    0, 0, PLAIN },
	{ "notification with id", OLD,
	    RPC("\"id\":1,\"method\":\"notifications/initialized\""), 400,
	    -32600, PLAIN },
	{ "params array", OLD,
	    RPC("\"id\":1,\"method\":\"ping\",\"params\":[]"), 400, -32600,
	    PLAIN },
	{ "params null", OLD,
	    RPC("\"id\":1,\"method\":\"ping\",\"params\":null"), 400, -32600,
	    PLAIN },
	{ "_meta a string", OLD,
	    CALL("\"params\":{\"name\":\"x\","
		 "\"_meta\":\"\"}"),
	    400, -32600, PLAIN },
	{ "method and result", OLD,
	    RPC("\"id\":1,\"method\":\"ping\",\"result\":{}"), 400, -32600,
	    PLAIN },
	{ "reply", OLD, RPC("\"id\":1,\"result\":{}"), 0, 0, PLAIN },
	{ "reply with both", OLD,
	    RPC("\"id\":1,\"result\":{},\"error\":"
		"{\"code\":1,\"message\":\"\"}"),
	    400, -32600, PLAIN },
	{ "reply with neither", OLD, RPC("\"id\":1"), 400, -32600, PLAIN },
	{ "reply, error", OLD,
	    RPC("\"id\":1,\"error\":{\"code\":1,\"message\":\"m\"}"), 0, 0,
	    PLAIN },
	{ "reply, code a string", OLD,
	    RPC("\"id\":1,\"error\":{\"code\":\"1\",\"message\":\"m\"}"), 400,
	    -32600, PLAIN },
	{ "reply, no id", OLD, RPC("\"result\":{}"), 400, -32600, PLAIN },
	{ "unknown members are let be", OLD,
	    RPC("\"id\":1,\"method\":\"ping\",\"extra\":1"), 0, 0, PLAIN },
	/* A7: spelt otherwise */
	{ "Method", OLD,
	    RPC("\"id\":1,\"method\":\"ping\",\"Method\":\"tools/call\""), 400,
	    -32600, PLAIN },
	{ "Name", OLD, CALL("\"params\":{\"name\":\"x\",\"Name\":\"y\"}"), 400,
	    -32600, PLAIN },
	{ "Name alone", OLD, CALL("\"params\":{\"Name\":\"y\"}"), 400, -32600,
	    PLAIN },
	{ "a long s", OLD,
	    CALL("\"params\":{\"name\":\"x\",\"argument\xc5\xbf\":{}}"), 400,
	    -32600, PLAIN },
	{ "a Kelvin sign", OLD,
	    CALL("\"params\":{\"name\":\"x\",\"tas\xe2\x84\xaaId\":\"\"}"), 400,
	    -32600, PLAIN },
	{ "taskId itself", OLD,
	    RPC("\"id\":1,\"method\":\"tasks/get\",\"params\":{"
		"\"taskId\":\"\"}"),
	    0, 0, PLAIN },
	{ "Name in arguments is data", OLD,
	    CALL("\"params\":{\"name\":\"x\",\"arguments\":{\"Name\":1}}"), 0,
	    0, PLAIN },
	{ "ProtocolVersion in _meta", STDIO,
	    CALL("\"params\":{\"name\":\"x\",\"_meta\":{"
		 "\"io.modelcontextprotocol/ProtocolVersion\":\"\"}}"),
	    400, -32600, PLAIN },
	/* the legacy era */
	{ "initialize", BARE,
	    RPC("\"id\":0,\"method\":\"initialize\",\"params\":{" INIT "}"), 0,
	    0, PLAIN },
	{ "initialize without clientInfo", BARE,
	    RPC("\"id\":0,\"method\":\"initialize\",\"params\":{"
		"\"protocolVersion\":\"2025-11-25\",\"capabilities\":{}}"),
	    400, -32602, PLAIN },
	{ "no session", BARE, RPC("\"id\":1,\"method\":\"ping\""), 400, -32600,
	    PLAIN },
	{ "no session on stdio", STDIO, RPC("\"id\":1,\"method\":\"ping\""), 0,
	    0, PLAIN },
	{ "unknown version", OLD, RPC("\"id\":1,\"method\":\"ping\""), 400,
	    -32600, NULL, NULL, "1999-01-01" },
	{ "an old version", OLD, RPC("\"id\":1,\"method\":\"ping\""), 0, 0,
	    NULL, NULL, "2025-03-26" },
	{ "no version", OLD, RPC("\"id\":1,\"method\":\"ping\""), 0, 0, NULL,
	    NULL, "" },
	{ "unknown method", OLD, RPC("\"id\":1,\"method\":\"no/such\""), 200,
	    -32601, PLAIN },
	{ "modern method on legacy", OLD,
	    RPC("\"id\":1,\"method\":\"server/discover\""), 200, -32601,
	    PLAIN },
	{ "a server's method", OLD,
	    RPC("\"id\":1,\"method\":\"sampling/createMessage\""), 200, -32601,
	    PLAIN },
	{ "unknown notification", OLD, RPC("\"method\":\"no/such\""), 0, 0,
	    PLAIN },
	{ "call without name", OLD, CALL("\"params\":{}"), 200, -32602, PLAIN },
	{ "call, name a number", OLD, CALL("\"params\":{\"name\":1}"), 200,
	    -32602, PLAIN },
	{ "lying Mcp-Name is not heard", OLD,
	    CALL("\"params\":{\"name\":\"x\"}"), 0, 0, "tools/list", "other",
	    NULL },
	{ "progressToken an object", OLD,
	    CALL("\"params\":{\"name\":\"x\",\"_meta\":"
		 "{\"progressToken\":{}}}"),
	    400, -32602, PLAIN },
	{ "progressToken", OLD,
	    CALL("\"params\":{\"name\":\"x\",\"_meta\":"
		 "{\"progressToken\":\"p\"}}"),
	    0, 0, PLAIN },
	/* members that no policy would have seen */
	{ "a call with a member of no name", OLD,
	    CALL("\"params\":{\"name\":\"x\",\"extra\":1}"), 200, -32602,
	    PLAIN },
	{ "a call with all of its members", OLD,
	    CALL("\"params\":{\"name\":\"x\",\"arguments\":{\"extra\":1},"
		 "\"task\":{},\"_meta\":{\"a/b\":1}}"),
	    0, 0, PLAIN },
	{ "modern, the same", NEW,
	    CALL("\"params\":{\"name\":\"x\",\"extra\":1," META "}"), 400,
	    -32602, "tools/call", "x", NULL },
	{ "a resource with arguments", OLD,
	    RPC("\"id\":1,\"method\":\"resources/read\",\"params\":{"
		"\"uri\":\"a:b\",\"arguments\":{}}"),
	    200, -32602, PLAIN },
	{ "a resource", OLD,
	    RPC("\"id\":1,\"method\":\"resources/read\",\"params\":{"
		"\"uri\":\"a:b\"}"),
	    0, 0, PLAIN },
	{ "a prompt with a member of no name", OLD,
	    RPC("\"id\":1,\"method\":\"prompts/get\",\"params\":{"
		"\"name\":\"p\",\"uri\":\"a:b\"}"),
	    200, -32602, PLAIN },
	{ "a completion with one", OLD,
	    RPC("\"id\":1,\"method\":\"completion/complete\",\"params\":{"
		"\"ref\":{},\"argument\":{},\"name\":\"x\"}"),
	    200, -32602, PLAIN },
	{ "a completion", OLD,
	    RPC("\"id\":1,\"method\":\"completion/complete\",\"params\":{"
		"\"ref\":{},\"argument\":{},\"context\":{}}"),
	    0, 0, PLAIN },
	/* the modern era */
	{ "modern call", NEW, CALL("\"params\":{\"name\":\"x\"," META "}"), 0,
	    0, "tools/call", "x", NULL },
	{ "modern call on stdio", STDIO,
	    CALL("\"params\":{\"name\":\"x\"," META "}"), 0, 0, PLAIN },
	{ "modern header, no _meta", NEW, CALL("\"params\":{\"name\":\"x\"}"),
	    400, -32602, "tools/call", "x", NULL },
	{ "a later version, no _meta", NEW, CALL("\"params\":{\"name\":\"x\"}"),
	    400, -32602, "tools/call", "x", "2027-01-01" },
	{ "version header missing", NEW,
	    CALL("\"params\":{\"name\":\"x\"," META "}"), 400, -32020,
	    "tools/call", "x", "" },
	{ "modern _meta on a legacy session", OLD,
	    CALL("\"params\":{\"name\":\"x\"," META "}"), 400, -32020,
	    "tools/call", "x", NULL },
	{ "version of a body we do not speak", NEW,
	    CALL("\"params\":{\"name\":\"x\",\"_meta\":{"
		 "\"io.modelcontextprotocol/"
		 "protocolVersion\":\"1900-01-01\"," CAPS "}}"),
	    400, -32022, "tools/call", "x", "1900-01-01" },
	{ "Mcp-Method missing", NEW,
	    CALL("\"params\":{\"name\":\"x\"," META "}"), 400, -32020, "", "x",
	    NULL },
	{ "Mcp-Method lies", NEW, CALL("\"params\":{\"name\":\"x\"," META "}"),
	    400, -32020, "tools/list", "x", NULL },
	{ "Mcp-Method in capitals", NEW,
	    CALL("\"params\":{\"name\":\"x\"," META "}"), 400, -32020,
	    "TOOLS/CALL", "x", NULL },
	{ "Mcp-Name missing", NEW, CALL("\"params\":{\"name\":\"x\"," META "}"),
	    400, -32020, "tools/call", "", NULL },
	{ "Mcp-Name lies", NEW, CALL("\"params\":{\"name\":\"x\"," META "}"),
	    400, -32020, "tools/call", "y", NULL },
	{ "Mcp-Name encoded", NEW,
	    CALL("\"params\":{\"name\":\"caf\xc3\xa9\"," META "}"), 0, 0,
	    "tools/call", "=?base64?Y2Fmw6k=?=", NULL },
	{ "Mcp-Name encoded needlessly", NEW,
	    CALL("\"params\":{\"name\":\"x\"," META "}"), 0, 0, "tools/call",
	    "=?base64?eA==?=", NULL },
	{ "Mcp-Name, bad padding", NEW,
	    CALL("\"params\":{\"name\":\"x\"," META "}"), 400, -32020,
	    "tools/call", "=?base64?eA?=", NULL },
	{ "Mcp-Name, capitals are literal", NEW,
	    CALL("\"params\":{\"name\":\"x\"," META "}"), 400, -32020,
	    "tools/call", "=?BASE64?eA==?=", NULL },
	{ "Mcp-Name unencoded UTF-8", NEW,
	    CALL("\"params\":{\"name\":\"caf\xc3\xa9\"," META "}"), 400, -32020,
	    "tools/call", "caf\xc3\xa9", NULL },
	{ "Mcp-Name without a name", NEW, CALL("\"params\":{" META "}"), 400,
	    -32020, "tools/call", "x", NULL },
	{ "Mcp-Name of a resource", NEW,
	    RPC("\"id\":1,\"method\":\"resources/read\",\"params\":"
		"{\"uri\":\"a://b\"," META "}"),
	    0, 0, "resources/read", "a://b", NULL },
	{ "escapes compare decoded", NEW,
	    RPC("\"id\":1,\"method\":\"t\\u006fols/call\",\"params\":"
		"{\"name\":\"\\u0078\"," META "}"),
	    0, 0, "tools/call", "x", NULL },
	{ "no clientCapabilities", NEW,
	    CALL("\"params\":{\"name\":\"x\",\"_meta\":{" V28 "}}"), 400,
	    -32602, "tools/call", "x", NULL },
	{ "clientInfo a string", NEW,
	    CALL("\"params\":{\"name\":\"x\",\"_meta\":{" V28 "," CAPS
		 ",\"io.modelcontextprotocol/clientInfo\":\"\"}}"),
	    400, -32602, "tools/call", "x", NULL },
	{ "logLevel loud", NEW,
	    CALL("\"params\":{\"name\":\"x\",\"_meta\":{" V28 "," CAPS
		 ",\"io.modelcontextprotocol/logLevel\":\"loud\"}}"),
	    400, -32602, "tools/call", "x", NULL },
	{ "logLevel info", NEW,
	    CALL("\"params\":{\"name\":\"x\",\"_meta\":{" V28 "," CAPS
		 ",\"io.modelcontextprotocol/logLevel\":\"info\"}}"),
	    0, 0, "tools/call", "x", NULL },
	{ "modern initialize", NEW,
	    RPC("\"id\":1,\"method\":\"initialize\",\"params\":{" META "}"),
	    404, -32601, "initialize", "", NULL },
	{ "modern ping", NEW,
	    RPC("\"id\":1,\"method\":\"ping\",\"params\":{" META "}"), 404,
	    -32601, "ping", "", NULL },
	{ "modern unknown", NEW,
	    RPC("\"id\":1,\"method\":\"no/such\",\"params\":{" META "}"), 404,
	    -32601, "no/such", "", NULL },
	{ "discover", NEW,
	    RPC("\"id\":1,\"method\":\"server/discover\",\"params\":{" META
		"}"),
	    0, 0, "server/discover", "", NULL },
	{ "modern reply", NEW, RPC("\"id\":1,\"result\":{}"), 400, -32600, "",
	    "", NULL },
	{ "modern notification", NEW,
	    RPC("\"method\":\"notifications/cancelled\""), 0, 0, "", "", NULL },
	{ "modern notification, header lies", NEW,
	    RPC("\"method\":\"notifications/cancelled\""), 400, -32020,
	    "notifications/progress", "", NULL },
};

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

static struct mcp_heads
heads_of(const struct row *r)
{
	struct mcp_heads h = { .http = r->heads != STDIO };

	if (r->heads == OLD) {
		h.version = STR("2025-11-25");
		h.session = STR("0-abc");
	} else if (r->heads == NEW) {
		h.version = STR("2026-07-28");
	}
	if (r->head_version != NULL)
		h.version = str_of(r->head_version);
	h.method = str_of(r->head_method);
	h.name = str_of(r->head_name);
	return h;
}

static void
test_rows(void)
{
	struct buf t = { 0 };

	for (size_t i = 0; i < countof(rows); i++) {
		const struct row *r = &rows[i];
		const struct mcp_heads h = heads_of(r);
		struct mcp_in in = { 0 };
		struct mcp_fail f = { 0 };
		const enum err e =
		    mcp_read_agent(parse(&t, r->body), &h, &in, &f);

		if (r->status == 0)
			ok(e == OK, "stands: %s", r->name);
		else
			ok(e == ERR_SYNTAX && (int)f.status == r->status &&
				f.code == r->code,
			    "refused %d %d: %s", r->status, r->code, r->name);
		if (e != OK && r->status == 0)
			printf("# %u %d %s\n", f.status, f.code, f.why.text);
		else if (e == OK && r->status != 0)
			printf("# it stands\n");
		else if (r->status != 0 && (int)f.status != r->status)
			printf("# %u %d %s\n", f.status, f.code, f.why.text);
		buf_done(&f.data);
	}
	buf_done(&t);
}

static void
test_repeated(void)
{
	struct buf t = { 0 };
	struct mcp_heads h = { .http = true, .repeated = true };
	struct mcp_in in;
	struct mcp_fail f = { 0 };
	struct jv v = parse(&t, CALL("\"params\":{\"name\":\"x\"," META "}"));

	h.version = STR("2026-07-28");
	h.method = STR("tools/call");
	h.name = STR("x");
	ok(mcp_read_agent(v, &h, &in, &f) == ERR_SYNTAX && f.code == -32020,
	    "a repeated header is refused");
	h.repeated = false;
	ok(mcp_read_agent(v, &h, &in, &f) == OK, "and stands when it is not");
	buf_done(&t);
}

/* The text of a tape, compared. */
static bool
is_text(struct buf *tape, const char *want)
{
	struct buf out = { .max = 1 << 20 };
	bool same;

	json_write(jv_of(buf_view(tape)), &out);
	same = str_eq(buf_view(&out), str_of(want));
	if (!same)
		printf("# %.*s\n", STR_ARG(buf_view(&out)));
	buf_done(&out);
	return same;
}

static void
test_fields(void)
{
	struct buf t = { 0 };
	struct mcp_heads h = { .http = true };
	struct mcp_in in = { 0 };
	struct mcp_fail f = { 0 };

	h.version = STR("1900-01-01");
	(void)!mcp_read_agent(
	    parse(&t, CALL("\"params\":{\"name\":\"x\",\"_meta\":{"
			   "\"io.modelcontextprotocol/protocolVersion\":"
			   "\"1900-01-01\"}}")),
	    &h, &in, &f);
	ok(is_text(&f.data,
	       "{\"supported\":[\"2026-07-28\",\"2025-11-25\",\"2025-06-18\","
	       "\"2025-03-26\",\"2024-11-05\"],\"requested\":\"1900-01-01\"}"),
	    "-32022 says what is supported");
	ok(str_eq(jv_str(f.id), STR("1")), "a refusal carries the id");
	mcp_fail_cap(&f, "elicitation/url");
	ok(f.code == -32021 && f.status == 400 &&
		is_text(&f.data, "{\"requiredCapabilities\":{\"elicitation\":{"
				 "\"url\":{}}}}"),
	    "-32021 says which capability");
	h.version = (struct str){ 0 };
	ok(mcp_read_agent(
	       parse(&t, RPC("\"id\":\"i\",\"method\":\"initialize\","
			     "\"params\":{" INIT "}")),
	       &h, &in, &f) == OK &&
		in.era == MCP_LEGACY && in.method == MCP_INITIALIZE &&
		str_eq(in.version, STR("2025-11-25")) &&
		jv_is(in.caps, J_OBJ) && jv_is(in.info, J_OBJ) &&
		in.kind == MCP_REQUEST && str_eq(jv_str(in.id), STR("i")),
	    "initialize is read");
	buf_done(&f.data);
	buf_done(&t);
}

/* ---- a server's messages ---- */

static const struct {
	const char *name, *body;
	enum mcp_era era;
	bool stands;
} down[] = {
	{ "a result", RPC("\"id\":1,\"result\":{}"), MCP_LEGACY, true },
	{ "a result that is no object", RPC("\"id\":1,\"result\":3"),
	    MCP_LEGACY, false },
	{ "a result with id null", RPC("\"id\":null,\"result\":{}"), MCP_LEGACY,
	    false },
	{ "an error with id null",
	    RPC("\"id\":null,\"error\":{\"code\":-32700,\"message\":\"\"}"),
	    MCP_LEGACY, true },
	{ "a legacy request", RPC("\"id\":0,\"method\":\"roots/list\""),
	    MCP_LEGACY, true },
	{ "a modern request", RPC("\"id\":0,\"method\":\"roots/list\""),
	    MCP_MODERN, false },
	{ "an agent's method", RPC("\"id\":0,\"method\":\"tools/call\""),
	    MCP_LEGACY, false },
	{ "a notification",
	    RPC("\"method\":\"notifications/tools/list_changed\""), MCP_MODERN,
	    true },
	{ "an agent's notification",
	    RPC("\"method\":\"notifications/initialized\""), MCP_LEGACY,
	    false },
	{ "an unknown notification", RPC("\"method\":\"x/y\""), MCP_MODERN,
	    true },
	{ "a Result beside", RPC("\"id\":1,\"result\":{},\"Result\":{}"),
	    MCP_LEGACY, false },
	{ "an array", "[]", MCP_LEGACY, false },
};

static const struct {
	const char *name, *result, *caps;
	enum mcp_era hop;
	enum mcp_method m;
	bool stands;
} results[] = {
	{ "no resultType", "{}", "{}", MCP_MODERN, MCP_TOOLS_CALL, true },
	{ "complete", "{\"resultType\":\"complete\"}", "{}", MCP_MODERN,
	    MCP_TOOLS_CALL, true },
	{ "unknown", "{\"resultType\":\"task\"}", "{}", MCP_MODERN,
	    MCP_TOOLS_CALL, false },
	{ "a number", "{\"resultType\":1}", "{}", MCP_MODERN, MCP_TOOLS_CALL,
	    false },
	{ "state alone",
	    "{\"resultType\":\"input_required\",\"requestState\":\"s\"}", "{}",
	    MCP_MODERN, MCP_TOOLS_CALL, true },
	{ "neither", "{\"resultType\":\"input_required\"}", "{}", MCP_MODERN,
	    MCP_TOOLS_CALL, false },
	{ "for a list",
	    "{\"resultType\":\"input_required\",\"requestState\":\"s\"}", "{}",
	    MCP_MODERN, MCP_TOOLS_LIST, false },
	{ "from a legacy hop",
	    "{\"resultType\":\"input_required\",\"requestState\":\"s\"}", "{}",
	    MCP_LEGACY, MCP_TOOLS_CALL, false },
	{ "declared",
	    "{\"resultType\":\"input_required\",\"inputRequests\":{\"a\":"
	    "{\"method\":\"elicitation/create\",\"params\":{}}}}",
	    "{\"elicitation\":{}}", MCP_MODERN, MCP_TOOLS_CALL, true },
	{ "not declared",
	    "{\"resultType\":\"input_required\",\"inputRequests\":{\"a\":"
	    "{\"method\":\"elicitation/create\",\"params\":{}}}}",
	    "{\"sampling\":{}}", MCP_MODERN, MCP_TOOLS_CALL, false },
	{ "an unknown kind",
	    "{\"resultType\":\"input_required\",\"inputRequests\":{\"a\":"
	    "{\"method\":\"tools/call\",\"params\":{}}}}",
	    "{\"elicitation\":{}}", MCP_MODERN, MCP_TOOLS_CALL, false },
};

static void
test_server(void)
{
	struct buf t = { 0 }, c = { 0 };
	struct mcp_in in;
	struct note why;

	for (size_t i = 0; i < countof(down); i++)
		ok((mcp_read_server(parse(&t, down[i].body), down[i].era, &in,
			&why) == OK) == down[i].stands,
		    "server, %s: %s", down[i].stands ? "stands" : "refused",
		    down[i].name);
	for (size_t i = 0; i < countof(results); i++)
		ok((mcp_result_check(results[i].hop, results[i].m,
			parse(&t, results[i].result),
			parse(&c, results[i].caps), &why) == OK) ==
			results[i].stands,
		    "result, %s: %s", results[i].stands ? "stands" : "refused",
		    results[i].name);
	buf_done(&t);
	buf_done(&c);
}

int
main(void)
{
	test_rows();
	test_repeated();
	test_fields();
	test_server();
	return tap_done();
}
