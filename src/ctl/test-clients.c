/* test-clients: each client's file, wrapped as t/clients says and unwrapped to
 * the byte; and what is refused. */
#include "ctl/test-run.h"

#include "ctl/clients.h"

static const char gateway[] = "/usr/bin/gatehouse";

static const struct gate_server servers[] = {
	{ STR_INIT("web"), STR_INIT("https://mcp.example.com/mcp"),
	    STR_INIT("http://127.0.0.1:8642/s/web/mcp") },
	{ STR_INIT("open"), STR_INIT("https://mcp.example.com"),
	    STR_INIT("http://127.0.0.1:8642/s/open/mcp") },
	{ STR_INIT("local"), STR_INIT("http://localhost:3000/sse"),
	    STR_INIT("http://127.0.0.1:8642/s/local/mcp") },
	{ STR_INIT("one"), STR_INIT("https://two.example/mcp"),
	    STR_INIT("http://127.0.0.1:8642/s/one/mcp") },
	{ STR_INIT("two"), STR_INIT("https://two.example/mcp"),
	    STR_INIT("http://127.0.0.1:8642/s/two/mcp") },
};
static const struct gate gate = { "gatehouse.yaml", NULL, servers,
	countof(servers) };

struct edited {
	enum err wrap, unwrap;
	struct buf out, back;
	size_t left;
	struct note why;
	struct entry_done *done;
};

/* text, wrapped and taken back. */
static void
edit(
    struct edited *t, const struct client *cl, struct str text, struct arena *a)
{
	struct client_edit in = {
		.cl = cl, .text = text, .a = a, .why = &t->why, .gate = &gate
	};

	memset(t, 0, sizeof(*t));
	t->out.max = t->back.max = TREE_BYTES;
	t->wrap = clients_wrap(&in, str_of(gateway), &t->out, &t->done);
	in.text = buf_view(&t->out);
	in.known = t->done;
	if (t->wrap == OK)
		t->unwrap = clients_unwrap(&in, false, &t->back, &t->left);
}

static void
edit_done(struct edited *t)
{
	buf_done(&t->out);
	buf_done(&t->back);
}

static void
test_golden(const struct client *cl)
{
	struct arena *a = arena_new(64 * 1024 * 1024);
	struct buf in = { .max = 1 }, want = { .max = 1 };
	struct edited t, again;
	char path[4200];

	(void)snprintf(
	    path, sizeof(path), "%s/t/clients/%s.in", repo, cl->name);
	slurp(path, &in);
	(void)snprintf(
	    path, sizeof(path), "%s/t/clients/%s.out", repo, cl->name);
	slurp(path, &want);
	edit(&t, cl, buf_view(&in), a);
	ok(t.wrap == OK && t.done != NULL && in.n > 0 &&
		str_eq(buf_view(&t.out), buf_view(&want)),
	    "%s: wrapped as t/clients/%s.out says", cl->name, cl->name);
	ok(t.unwrap == OK && t.left == 0 &&
		str_eq(buf_view(&t.back), buf_view(&in)),
	    "%s: unwrapped to the byte", cl->name);
	edit(&again, cl, buf_view(&t.out), a);
	ok(again.wrap == OK && again.done == NULL &&
		str_eq(buf_view(&again.out), buf_view(&t.out)),
	    "%s: wrapping twice is wrapping once", cl->name);
	edit_done(&t);
	edit_done(&again);
	buf_done(&in);
	buf_done(&want);
	arena_free(a);
}

/* What cannot be edited is left alone, and its twin is not. */
static const struct {
	const char *what, *client, *good, *bad;
} unfit[] = {
	{ "a command that is a line", "cursor",
	    "{\"mcpServers\":{\"a\":{\"command\":\"/opt/my tool\"}}}",
	    "{\"mcpServers\":{\"a\":{\"command\":\"npx -y tool\"}}}" },
	{ "a command that is a map", "zed",
	    "{\"context_servers\":{\"a\":{\"command\":\"x\"}}}",
	    "{\"context_servers\":{\"a\":{\"command\":{\"path\":\"x\"}}}}" },
	{ "an argument that is a number", "cursor",
	    "{\"mcpServers\":{\"a\":{\"command\":\"x\",\"args\":[\"1\"]}}}",
	    "{\"mcpServers\":{\"a\":{\"command\":\"x\",\"args\":[1]}}}" },
	{ "arguments that are no list", "cursor",
	    "{\"mcpServers\":{\"a\":{\"command\":\"x\",\"args\":[]}}}",
	    "{\"mcpServers\":{\"a\":{\"command\":\"x\",\"args\":\"y\"}}}" },
	{ "a command twice", "cursor",
	    "{\"mcpServers\":{\"a\":{\"command\":\"x\"}}}",
	    "{\"mcpServers\":{\"a\":{\"command\":\"x\",\"command\":\"y\"}}}" },
	{ "an anchor", "goose", "extensions:\n  a:\n    cmd: x\n",
	    "extensions:\n  a:\n    cmd: &c x\n" },
	{ "an alias", "goose", "extensions:\n  a:\n    cmd: x\n",
	    "x: &c [y]\nextensions:\n  a:\n    cmd: x\n    args: *c\n" },
	{ "an empty args key", "goose",
	    "extensions:\n  a:\n    cmd: x\n    args: []\n",
	    "extensions:\n  a:\n    cmd: x\n    args:\n" },
	{ "dotted keys without args", "codex",
	    "mcp_servers.a.command = \"x\"\nmcp_servers.a.args = []\n",
	    "mcp_servers.a.command = \"x\"\n" },
	{ "an empty command list", "opencode",
	    "{\"mcp\":{\"a\":{\"command\":[\"x\"]}}}",
	    "{\"mcp\":{\"a\":{\"command\":[]}}}" },
	{ "a url beside headers", "cursor",
	    "{\"mcpServers\":{\"a\":{"
	    "\"url\":\"https://mcp.example.com/mcp\",\"headers\":{}"
	    "}}}",
	    "{\"mcpServers\":{\"a\":{"
	    "\"url\":\"https://mcp.example.com/mcp\",\"headers\":{\"X\":\"y\"}"
	    "}}}" },
	{ "a url beside OAuth", "claude-code",
	    "{\"mcpServers\":{\"a\":{"
	    "\"type\":\"http\",\"url\":\"https://mcp.example.com/mcp\""
	    "}}}",
	    "{\"mcpServers\":{\"a\":{"
	    "\"type\":\"http\",\"url\":\"https://mcp.example.com/"
	    "mcp\",\"oauth\":{}"
	    "}}}" },
	{ "a url beside what is not known", "cursor",
	    "{\"mcpServers\":{\"a\":{"
	    "\"url\":\"https://mcp.example.com/mcp\",\"disabled\":false"
	    "}}}",
	    "{\"mcpServers\":{\"a\":{"
	    "\"url\":\"https://mcp.example.com/mcp\",\"authProviderType\":\"x\""
	    "}}}" },
	{ "a url of no server", "cursor",
	    "{\"mcpServers\":{\"a\":{"
	    "\"url\":\"https://mcp.example.com/mcp\""
	    "}}}",
	    "{\"mcpServers\":{\"a\":{"
	    "\"url\":\"https://mcp.example.com/mcp/\""
	    "}}}" },
	{ "a url of two servers", "cursor",
	    "{\"mcpServers\":{\"a\":{"
	    "\"url\":\"https://mcp.example.com/mcp\""
	    "}}}",
	    "{\"mcpServers\":{\"a\":{"
	    "\"url\":\"https://two.example/mcp\""
	    "}}}" },
	{ "a url of the older transport", "cursor",
	    "{\"mcpServers\":{\"a\":{"
	    "\"type\":\"http\",\"url\":\"https://mcp.example.com/mcp\""
	    "}}}",
	    "{\"mcpServers\":{\"a\":{"
	    "\"type\":\"sse\",\"url\":\"https://mcp.example.com/mcp\""
	    "}}}" },
	{ "a url of a client that needs a type", "cline",
	    "{\"mcpServers\":{\"a\":{"
	    "\"type\":\"streamableHttp\",\"url\":\"https://mcp.example.com/"
	    "mcp\""
	    "}}}",
	    "{\"mcpServers\":{\"a\":{"
	    "\"url\":\"https://mcp.example.com/mcp\""
	    "}}}" },
	{ "Gemini's url", "gemini",
	    "{\"mcpServers\":{\"a\":{"
	    "\"httpUrl\":\"https://mcp.example.com/mcp\""
	    "}}}",
	    "{\"mcpServers\":{\"a\":{"
	    "\"url\":\"https://mcp.example.com/mcp\""
	    "}}}" },
	{ "two urls", "windsurf",
	    "{\"mcpServers\":{\"a\":{"
	    "\"serverUrl\":\"https://mcp.example.com/mcp\""
	    "}}}",
	    "{\"mcpServers\":{\"a\":{"
	    "\"serverUrl\":\"https://mcp.example.com/mcp\",\"url\":\"https://"
	    "mcp.example.com/mcp\""
	    "}}}" },
	{ "a url twice", "cursor",
	    "{\"mcpServers\":{\"a\":{"
	    "\"url\":\"https://mcp.example.com/mcp\""
	    "}}}",
	    "{\"mcpServers\":{\"a\":{"
	    "\"url\":\"https://mcp.example.com/mcp\",\"url\":\"https://"
	    "mcp.example.com/mcp\""
	    "}}}" },
	{ "a url that is no text", "cursor",
	    "{\"mcpServers\":{\"a\":{"
	    "\"url\":\"https://mcp.example.com/mcp\""
	    "}}}",
	    "{\"mcpServers\":{\"a\":{"
	    "\"url\":[\"https://mcp.example.com/mcp\"]"
	    "}}}" },
	{ "a url that is the gateway's", "cursor",
	    "{\"mcpServers\":{\"a\":{"
	    "\"url\":\"https://mcp.example.com/mcp\""
	    "}}}",
	    "{\"mcpServers\":{\"a\":{"
	    "\"url\":\"http://127.0.0.1:8642/s/web/mcp\""
	    "}}}" },
	{ "a command and a url", "cursor",
	    "{\"mcpServers\":{\"a\":{"
	    "\"command\":\"x\""
	    "}}}",
	    "{\"mcpServers\":{\"a\":{"
	    "\"command\":\"x\",\"url\":\"https://mcp.example.com/mcp\""
	    "}}}" },
	{ "two entries of one name", "cursor",
	    "{\"mcpServers\":{\"a\":{"
	    "\"url\":\"https://mcp.example.com/mcp\""
	    "}}}",
	    "{\"mcpServers\":{\"a\":{"
	    "\"url\":\"https://mcp.example.com/mcp\""
	    "},\"a\":"
	    "{"
	    "\"url\":\"https://mcp.example.com/mcp\""
	    "}}}" },
	{ "an anchored url", "goose",
	    "extensions:\n  a:\n    type: streamable_http\n"
	    "    uri: https://mcp.example.com/mcp\n",
	    "extensions:\n  a:\n    type: streamable_http\n"
	    "    uri: &u https://mcp.example.com/mcp\n" },
	{ "a url on many lines", "goose",
	    "extensions:\n  a:\n    type: streamable_http\n"
	    "    uri: \"https://mcp.example.com/mcp\"\n",
	    "extensions:\n  a:\n    type: streamable_http\n"
	    "    uri: >-\n      https://mcp.example.com/mcp\n" },
	{ "an entry that is wrapped", "cursor",
	    "{\"mcpServers\":{\"a\":{\"command\":\"gatehouse\",\"args\":"
	    "[\"run\"]}}}",
	    "{\"mcpServers\":{\"a\":{\"command\":\"/x/gatehouse\",\"args\":"
	    "[\"wrap\",\"--state\",\"/s\",\"--\",\"x\"]}}}" },
};

static void
test_unfit(void)
{
	struct arena *a = arena_new(64 * 1024 * 1024);
	struct edited t;

	for (size_t i = 0; i < countof(unfit); i++) {
		const struct client *cl = client_find(unfit[i].client);

		edit(&t, cl, str_of(unfit[i].good), a);
		ok(t.wrap == OK && t.done != NULL && t.unwrap == OK &&
			str_eq(buf_view(&t.back), str_of(unfit[i].good)),
		    "%s: the twin is wrapped and back", unfit[i].what);
		edit_done(&t);
		edit(&t, cl, str_of(unfit[i].bad), a);
		ok(t.wrap == OK && t.done == NULL &&
			str_eq(buf_view(&t.out), str_of(unfit[i].bad)),
		    "%s: left alone", unfit[i].what);
		edit_done(&t);
	}
	arena_free(a);
}

/* Texts that are not what the client could read either. */
static const struct {
	enum tree_format format;
	const char *good, *bad;
} texts[] = {
	{ TREE_JSON, "{\"a\":1,}", "{\"a\":1,,}" },
	{ TREE_JSON, "{\"a\":\"\\u0041\"}", "{\"a\":\"\\x41\"}" },
	{ TREE_JSON, "[1] // end", "[1] end" },
	{ TREE_JSON, "/* x */ {}", "/* x {}" },
	{ TREE_JSON, "{\"a\":[{}]}", "{\"a\":[{]}}" },
	{ TREE_JSON, "\xef\xbb\xbf{}", "" },
	{ TREE_JSON, "{\"a\":\"b\"}", "{\"a\":\"b" },
	{ TREE_JSON, "{\"a\":\"b\"}", "{\"a\":\"\xff\"}" },
	{ TREE_TOML, "a = \"1\"\n[b]\nc = 2\n", "a = \"1\" b = 2\n" },
	{ TREE_TOML, "a = \"\"\"\n[x]\n\"\"\"\n", "a = \"\"\"\n[x]\n\"\"\n" },
	{ TREE_TOML, "[[a]]\nb = 1\n[[a]]\nb = 2\n", "[[a]\nb = 1\n" },
	{ TREE_TOML, "a.b = 1\na.c = 2\n", "a.b = 1\na.b = 2\n" },
	{ TREE_TOML, "a = [1, 2,\n # c\n]\n", "a = [1, 2\n" },
	{ TREE_TOML, "a = 'x\\'\n", "a = 'x\n" },
	{ TREE_TOML, "\"a b\" = 2026-01-01 10:00:00\n", "a b = 1\n" },
	{ TREE_YAML, "a: [b, c]\n", "a: [b, c\n" },
	{ TREE_YAML, "a: b\n", "a: b\n---\nc: d\n" },
	{ TREE_YAML, "a: {b: c}\n", "? {a: b}\n: c\n" },
};

static void
test_texts(void)
{
	struct arena *a = arena_new(64 * 1024 * 1024);
	struct buf deep = { .max = 65536 };
	struct tree *root;
	struct note why;

	for (size_t i = 0; i < countof(texts); i++) {
		ok(tree_read(texts[i].format, str_of(texts[i].good), a, &root,
		       &why) == OK,
		    "read: %zu", i);
		ok(tree_read(texts[i].format, str_of(texts[i].bad), a, &root,
		       &why) == ERR_SYNTAX,
		    "refused: %zu", i);
	}
	for (unsigned i = 0; i < 1000; i++)
		buf_ch(&deep, '[');
	ok(tree_read(TREE_JSON, buf_view(&deep), a, &root, &why) == ERR_SYNTAX,
	    "a thousand brackets");
	buf_done(&deep);
	arena_free(a);
}

static enum err
back(const struct client *cl, struct str now, bool force,
    const struct edited *t, struct buf *out, size_t *left)
{
	struct arena *a = arena_new(64 * 1024 * 1024);
	struct note why;
	const struct client_edit in = { .cl = cl,
		.text = now,
		.a = a,
		.why = &why,
		.gate = &gate,
		.known = t->done };
	const enum err e = clients_unwrap(&in, force, out, left);

	arena_free(a);
	return e;
}

/* The client rewrote the file: other blanks, another order, one key more. */
static void
test_reformatted(void)
{
	static const char before[] =
	    "{\"mcpServers\": {\"a\": {\"command\": \"x\"},\n"
	    " \"b\": {\"command\": \"y\", \"args\": [\"1\"]}}}\n";
	static const char now[] =
	    "{ \"mcpServers\": { \"b\": { \"args\": [ \"wrap\",\n \"--name\",\n"
	    " \"b\", \"--\", \"y\", \"1\" ], \"command\": "
	    "\"/usr/bin/gatehouse\", \"env\": {} },\n"
	    " \"a\": { \"command\": \"/usr/bin/gatehouse\",\n"
	    "   \"args\": [\n \"wrap\", \"--name\", \"a\", \"--\", \"x\" ] } "
	    "} }\n";
	static const char want[] =
	    "{ \"mcpServers\": { \"b\": { \"args\": [ \"1\" ], \"command\": "
	    "\"y\", \"env\": {} },\n \"a\": { \"command\": \"x\" } } }\n";
	static const char drifted[] =
	    "{\"mcpServers\": {\"a\": {\"command\": \"/usr/bin/gatehouse\", "
	    "\"args\": [\"wrap\", \"--name\", \"a\", \"--\", \"x\", \"-v\"]}}}";
	const struct client *cl = client_find("cursor");
	struct arena *a = arena_new(64 * 1024 * 1024);
	struct buf out = { .max = 65536 };
	struct edited t;
	size_t left = 9;

	edit(&t, cl, STR(before), a);
	ok(back(cl, STR(now), false, &t, &out, &left) == OK && left == 0 &&
		str_eq(buf_view(&out), STR(want)),
	    "a rewritten file is unwrapped entry by entry");
	buf_clear(&out);
	ok(back(cl, STR(drifted), false, &t, &out, &left) == OK && left == 1 &&
		str_eq(buf_view(&out), STR(drifted)),
	    "an entry that drifted stays");
	buf_clear(&out);
	ok(back(cl, STR(drifted), true, &t, &out, &left) == OK && left == 0 &&
		str_eq(buf_view(&out),
		    STR("{\"mcpServers\": {\"a\": {\"command\": \"x\", "
			"\"args\": [\"-v\"]}}}")),
	    "unless forced, and then keeps what was added");
	buf_done(&out);
	edit_done(&t);
	arena_free(a);
}

int
main(void)
{
	if (!begin() || chdir(repo) < 0)
		return 1;
	for (size_t i = 0; i < clients_n; i++)
		test_golden(&clients[i]);
	test_unfit();
	test_texts();
	test_reformatted();
	return end();
}
