/* test-clients: each client's file, wrapped as t/clients says and unwrapped to
 * the byte; what is refused; and the commands with files, state and backups. */
#include "ctl/test-run.h"

#include <errno.h>
#include <glob.h>

#include "ctl/clients.h"

static const char gateway[] = "/usr/bin/gatehouse";

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
	struct client_edit in = { cl, text, a, &t->why };

	memset(t, 0, sizeof(*t));
	t->out.max = t->back.max = TREE_BYTES;
	t->wrap = clients_wrap(&in, str_of(gateway), &t->out, &t->done);
	in.text = buf_view(&t->out);
	if (t->wrap == OK)
		t->unwrap =
		    clients_unwrap(&in, t->done, false, &t->back, &t->left);
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
	struct note why;
	size_t left = 9;

	edit(&t, cl, STR(before), a);
	ok(clients_unwrap(&(struct client_edit){ cl, STR(now), a, &why },
	       t.done, false, &out, &left) == OK &&
		left == 0 && str_eq(buf_view(&out), STR(want)),
	    "a rewritten file is unwrapped entry by entry");
	buf_clear(&out);
	ok(clients_unwrap(&(struct client_edit){ cl, STR(drifted), a, &why },
	       t.done, false, &out, &left) == OK &&
		left == 1 && str_eq(buf_view(&out), STR(drifted)),
	    "an entry that drifted stays");
	buf_clear(&out);
	ok(clients_unwrap(&(struct client_edit){ cl, STR(drifted), a, &why },
	       t.done, true, &out, &left) == OK &&
		left == 0 &&
		str_eq(buf_view(&out),
		    STR("{\"mcpServers\": {\"a\": {\"command\": \"x\", "
			"\"args\": [\"-v\"]}}}")),
	    "unless forced, and then keeps what was added");
	buf_done(&out);
	edit_done(&t);
	arena_free(a);
}

/* ---- the commands ---- */
static void
copy_in(const char *client, const char *to)
{
	struct buf in = { .max = 1 };
	struct note why;
	char path[4200];

	(void)snprintf(path, sizeof(path), "%s/t/clients/%s.in", repo, client);
	slurp(path, &in);
	if (file_replace(to, buf_view(&in), 0640, &why) != OK)
		printf("# %s\n", why.text);
	buf_done(&in);
}

static bool
same_file(const char *a, const char *client)
{
	struct buf x = { .max = 1 }, y = { .max = 1 };
	char path[4200];
	bool same;

	(void)snprintf(path, sizeof(path), "%s/t/clients/%s.in", repo, client);
	slurp(a, &x);
	slurp(path, &y);
	same = x.n > 0 && str_eq(buf_view(&x), buf_view(&y));
	buf_done(&x);
	buf_done(&y);
	return same;
}

static size_t
backups(void)
{
	glob_t g;
	size_t n = 0;

	if (glob(".cursor/*.bak", 0, NULL, &g) == 0) {
		n = g.gl_pathc;
		globfree(&g);
	}
	return n;
}

static void
append(const char *path, const char *from, const char *to)
{
	struct buf b = { .max = 1 }, out = { .max = 1024 * 1024 };
	struct note why;
	size_t at;

	slurp(path, &b);
	at = str_search(buf_view(&b), str_of(from));
	buf_put(&out, b.p, at);
	buf_str(&out, str_of(to));
	if (at < b.n)
		buf_str(&out, str_sub(buf_view(&b), at + strlen(from), b.n));
	if (file_replace(path, buf_view(&out), 0640, &why) != OK)
		printf("# %s\n", why.text);
	buf_done(&b);
	buf_done(&out);
}

static void
test_commands(void)
{
	struct ran r = { .status = 0 };
	struct stat st = { .st_mode = 0 };

	run(&r, "clients status");
	ok(r.status == CTL_YES && has(&r.out, "No known client"),
	    "status of nobody");
	(void)mkdir(".cursor", 0700);
	copy_in("cursor", ".cursor/mcp.json");
	run(&r, "clients status");
	ok(r.status == CTL_NO &&
		has(&r.out, "mcpServers.a (npx): not wrapped") &&
		has(&r.out, "mcpServers.b: reached by HTTP, not covered"),
	    "status before");
	run(&r, "clients wrap --dry-run");
	ok(r.status == CTL_YES && has(&r.out, "would be wrapped") &&
		same_file(".cursor/mcp.json", "cursor") && backups() == 0,
	    "a dry run writes nothing");
	run(&r, "clients wrap");
	ok(r.status == CTL_YES && has(&r.out, "wrapped now") &&
		!same_file(".cursor/mcp.json", "cursor") && backups() == 1,
	    "wrap writes, and keeps a backup");
	ok(stat(".cursor/mcp.json", &st) == 0 && (st.st_mode & 0777) == 0640,
	    "the mode is kept");
	run(&r, "clients status --json");
	ok(r.status == CTL_YES && has(&r.out, "\"wrapped\":true"),
	    "status after");
	run(&r, "clients wrap");
	ok(r.status == CTL_YES && backups() == 1, "wrap again writes nothing");
	run(&r, "clients unwrap");
	ok(r.status == CTL_YES && same_file(".cursor/mcp.json", "cursor") &&
		backups() == 2,
	    "unwrap restores the file");
	run(&r, "clients unwrap");
	ok(r.status == CTL_YES && backups() == 2, "and once is enough");
	buf_done(&r.out);
	buf_done(&r.err);
}

static void
test_drift(void)
{
	struct ran r = { .status = 0 };

	run(&r, "clients wrap");
	append(".cursor/mcp.json", "\"-y\",\"a\"", "\"-y\",\"other\"");
	run(&r, "clients unwrap");
	ok(r.status == CTL_NO && has(&r.out, "changed since it was wrapped") &&
		has(&r.out, "mcpServers.c (c): unwrapped now"),
	    "a changed entry is left, another is not");
	run(&r, "clients unwrap --force");
	append(".cursor/mcp.json", "\"-y\",\"other\"", "\"-y\",\"a\"");
	ok(r.status == CTL_YES && same_file(".cursor/mcp.json", "cursor"),
	    "--force unwraps it too");
	run(&r, "clients wrap");
	append(".cursor/mcp.json", "\"c\":{",
	    "\"new\":{\"command\":\"n\"},\"c\":{");
	run(&r, "clients status");
	ok(r.status == CTL_NO && has(&r.out, "mcpServers.new (n): not wrapped"),
	    "a server added later is seen");
	run(&r, "clients wrap");
	run(&r, "clients unwrap");
	append(".cursor/mcp.json", "\"new\":{\"command\":\"n\"},", "");
	ok(r.status == CTL_YES && same_file(".cursor/mcp.json", "cursor"),
	    "and wrapped and unwrapped with the rest");
	buf_done(&r.out);
	buf_done(&r.err);
}

static void
link_to(const char *target)
{
	if (symlink(target, ".cursor/mcp.json") < 0)
		printf("# symlink: %s\n", strerror(errno));
}

static void
test_refused(void)
{
	struct ran r = { .status = 0 };

	put_file(".cursor/mcp.json", "{ \"mcpServers\": ");
	run(&r, "clients wrap");
	ok(r.status == CTL_NO && has(&r.out, "line 1: "),
	    "a broken file is named and left");
	(void)unlink(".cursor/mcp.json");
	(void)mkdir("outside", 0700);
	copy_in("cursor", "outside/mcp.json");
	link_to("../outside/mcp.json");
	run(&r, "clients wrap");
	ok(r.status == CTL_YES && has(&r.out, " -> /") &&
		!same_file("outside/mcp.json", "cursor"),
	    "a link within one's own directories is followed, and said");
	run(&r, "clients unwrap");
	(void)unlink(".cursor/mcp.json");
	link_to("/etc/hostname");
	run(&r, "clients wrap");
	ok(r.status == CTL_NO && has(&r.out, "leads out of your directories"),
	    "a link out of them is not");
	(void)unlink(".cursor/mcp.json");
	run(&r, "clients wrap --client cursor --file outside/mcp.json");
	ok(r.status == CTL_YES && !same_file("outside/mcp.json", "cursor"),
	    "a named file is wrapped");
	run(&r, "clients wrap --file outside/mcp.json");
	ok(r.status == CTL_MISUSE, "but needs its client");
	run(&r, "clients wrap --client cursor --file nowhere");
	ok(r.status == CTL_NO && has(&r.err, "no such file"), "and must exist");
	run(&r, "clients wrap --client nobody");
	ok(r.status == CTL_MISUSE && has(&r.err, "claude-desktop"),
	    "an unknown client is misuse");
	buf_done(&r.out);
	buf_done(&r.err);
}

/* Called with arguments this program is gatehouse itself: a copy of it that
 * has the name, because the name is how wrapped entries are recognised. */
static bool
become_program(void)
{
	struct buf b = { .max = 256 * 1024 * 1024 };
	struct note why;
	enum err e = file_read("/proc/self/exe", b.max, &b, &why);

	(void)snprintf(program, sizeof(program), "%s/gatehouse", dir);
	if (e == OK)
		e = file_replace(program, buf_view(&b), 0700, &why);
	buf_done(&b);
	return e == OK;
}

int
main(int argc, char **argv)
{
	char *home = dir;

	if (argc > 1)
		return ctl_main(argc, argv);
	if (!begin() || !become_program())
		return 1;
	for (size_t i = 0; i < clients_n; i++)
		test_golden(&clients[i]);
	test_unfit();
	test_texts();
	test_reformatted();
	/* The commands look for files under HOME. */
	for (char **e = environ; *e != NULL; e++)
		if (strncmp(*e, "HOME=", 5) == 0) {
			static char own[64];

			(void)snprintf(own, sizeof(own), "HOME=%s", home);
			*e = own;
		} else if (strncmp(*e, "XDG_STATE_HOME=", 15) == 0) {
			(*e)[0] = '_';
		}
	test_commands();
	test_drift();
	test_refused();
	return end();
}
