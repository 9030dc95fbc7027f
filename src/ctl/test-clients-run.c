/* test-clients-run: "gatehouse clients" with files, state, backups and a
 * configuration. */
#include "ctl/test-run.h"

#include <errno.h>
#include <glob.h>

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

#define SERVED                                                                 \
	"anonymous: local\nlisten: 127.0.0.1:18642\nservers:\n"                \
	"  web: { url: \"http://127.0.0.1:3000/mcp\" }\nrules:\n"              \
	"  - allow: { server: web }\n"
#define SHA "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"
#define ENTRY "{\"mcpServers\":{\"a\": /* my */ {\"url\":"
#define OLD "\"http:\\/\\/127.0.0.1:3000/mcp\""
#define NEW "\"http://127.0.0.1:18642/s/web/mcp\""

static bool
file_is(const char *path, const char *text)
{
	struct buf b = { .max = 1 };
	bool same;

	slurp(path, &b);
	same = str_eq(buf_view(&b), str_of(text));
	buf_done(&b);
	return same;
}

static void
test_http(void)
{
	struct ran r = { .status = 0 };

	(void)unlink(".cursor/mcp.json");
	put_file(".cursor/mcp.json", ENTRY OLD "}}}");
	run(&r, "clients wrap");
	ok(r.status == CTL_YES && has(&r.out, "no gatehouse.yaml here") &&
		file_is(".cursor/mcp.json", ENTRY OLD "}}}"),
	    "without a configuration no url is changed");
	run(&r, "clients wrap -c nowhere.yaml");
	ok(r.status == CTL_NO && has(&r.err, "nowhere.yaml cannot be used"),
	    "one that was named must be there");
	put_file("gatehouse.yaml",
	    "listen: 127.0.0.1:18642\nservers:\n"
	    "  web: { url: \"http://127.0.0.1:3000/mcp\" }\n"
	    "principals:\n  p: { token_sha256: \"" SHA "\" }\nrules:\n"
	    "  - allow: { server: web }\n");
	run(&r, "clients wrap");
	ok(r.status == CTL_YES && has(&r.out, "set \"anonymous\"") &&
		file_is(".cursor/mcp.json", ENTRY OLD "}}}"),
	    "nor where a token would be needed");
	put_file("gatehouse.yaml", SERVED);
	run(&r, "clients status");
	ok(r.status == CTL_NO &&
		has(&r.out, "\"gatehouse clients wrap\" covers"),
	    "with one, status says that it can be covered");
	run(&r, "clients wrap");
	ok(r.status == CTL_YES && has(&r.out, "covered now, as web") &&
		file_is(".cursor/mcp.json", ENTRY NEW "}}}"),
	    "wrap replaces the url and nothing else");
	run(&r, "clients status");
	ok(r.status == CTL_YES && has(&r.out, "covered, as web"),
	    "and status says so");
	(void)unlink("gatehouse.yaml");
	run(&r, "clients wrap");
	ok(r.status == CTL_NO &&
		has(&r.out, "covered by an earlier wrap, but") &&
		file_is(".cursor/mcp.json", ENTRY NEW "}}}"),
	    "without its configuration it stays covered, and that is said");
	run(&r, "clients unwrap");
	ok(r.status == CTL_YES && file_is(".cursor/mcp.json", ENTRY OLD "}}}"),
	    "unwrap puts the old literal back");
	put_file("gatehouse.yaml", SERVED);
	run(&r, "clients unwrap");
	ok(r.status == CTL_YES && file_is(".cursor/mcp.json", ENTRY OLD "}}}"),
	    "and once is enough");
	buf_done(&r.out);
	buf_done(&r.err);
}

/* What was added beside the gateway's url is not sent to the old one. */
static void
test_http_drift(void)
{
	static const char more[] = ENTRY NEW ",\"headers\":{\"X\":\"y\"}}}}";
	struct ran r = { .status = 0 };

	run(&r, "clients wrap");
	put_file(".cursor/mcp.json", more);
	run(&r, "clients wrap");
	run(&r, "clients unwrap");
	ok(r.status == CTL_NO && has(&r.out, "changed since it was covered") &&
		file_is(".cursor/mcp.json", more),
	    "headers that came later keep it where it is");
	run(&r, "clients unwrap --force");
	ok(r.status == CTL_YES && file_is(".cursor/mcp.json", ENTRY OLD
				      ",\"headers\":{\"X\":\"y\"}}}}"),
	    "unless forced");
	put_file(".cursor/mcp.json", ENTRY NEW "}}}");
	run(&r, "clients unwrap --force");
	ok(r.status == CTL_YES && file_is(".cursor/mcp.json", ENTRY NEW "}}}"),
	    "what its owner put there is its owner's");
	put_file(".cursor/mcp.json",
	    ENTRY "\"http://127.0.0.1:3000/?key=s3cret\"}}}");
	run(&r, "clients status");
	ok(r.status == CTL_YES && has(&r.out, "add to its servers: a: ") &&
		!has(&r.out, "s3cret"),
	    "the remedy shows nothing that may be a secret");
	put_file(".cursor/mcp.json", ENTRY "\"http://127.0.0.1:3000/x\"}}}");
	run(&r, "clients status");
	ok(has(&r.out, "a: { url: \"http://127.0.0.1:3000/x\" }"),
	    "and its twin in full");
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
	test_http();
	test_http_drift();
	return end();
}
