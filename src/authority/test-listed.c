/* test-listed: facts of arguments that are lists, for policies and budgets. */
#include "authority/test-in.h"

static struct arena *arena;

static struct call
call_with(const char *kind, const char *list)
{
	static char params[1 << 18], facts[64];

	(void)snprintf(
	    params, sizeof(params), "{\"arguments\":{\"a\":%s}}", list);
	(void)snprintf(facts, sizeof(facts), "{\"a\":\"%s\"}", kind);
	return (struct call){ .principal = STR("ann"),
		.server = STR("fs"),
		.method = STR("tools/call"),
		.name = STR("t"),
		.params = json(params),
		.facts = json(facts) };
}

#define A "context.derived.a"
#define WHEN(x)                                                                \
	"@id(\"p\") permit (principal, action, resource) when { " x " };"
#define NOT(x)                                                                 \
	"@id(\"all\") permit (principal, action, resource);"                   \
	"@id(\"f\") forbid (principal, action, resource) when { " x " };"
#define UNDER                                                                  \
	WHEN(A ".all.under.contains(\"/w\") && "                               \
	       "!" A ".each.climbs.contains(true)")
#define HOSTS WHEN("[\"a.example\"].containsAll(" A ".each.host)")
#define IPS                                                                    \
	WHEN(A ".each has ip && [ip(\"10.0.0.1\")].containsAll(" A ".each."    \
	       "ip)")

static void
test_policies(void)
{
	static const struct {
		const char *policy, *kind, *list;
		enum effect effect;
		const char *rule, *says;
	} t[] = {
		{ UNDER, "path*", "[\"/w/a\",\"/w/b/../c\"]", ALLOW, "p", "" },
		{ UNDER, "path*", "[\"/w/a\",\"/etc/passwd\"]", DENY,
		    "default-deny", "" },
		{ UNDER, "path*", "[\"/w/a\",\"/w/../etc/x\"]", DENY,
		    "default-deny", "" },
		{ UNDER, "path*", "[\"/w/a\"]", ALLOW, "p", "" },
		{ UNDER, "path*", "[]", DENY, "default-deny", "" },
		{ UNDER, "path*", "\"/w/a\"", DENY, "arguments",
		    "argument a: must be a list" },
		{ UNDER, "path*", "[\"/w/a\",7]", DENY, "arguments",
		    "argument a[1]: a path is written as text" },
		{ UNDER, "path*", "[\"/w/a\",[\"/w/b\"]]", DENY, "arguments",
		    "argument a[1]: " },
		{ UNDER, "path*", "[\"/w/a\",\"/w/a%2fb/../../x\"]", DENY,
		    "arguments", "argument a[1]: " },
		{ UNDER, "path", "[\"/w/a\"]", DENY, "arguments",
		    "argument a: a path is written as text" },
		{ NOT(A ".each.under.contains(\"/etc\")"), "path*",
		    "[\"/w/a\",\"/etc/passwd\",\"/w/b\"]", DENY, "f", "" },
		{ NOT(A ".each.under.contains(\"/etc\")"), "path*",
		    "[\"/w/a\",\"/w/etc\",\"/w/b\"]", ALLOW, "all", "" },
		{ HOSTS, "url*",
		    "[\"https://a.example/x\",\"https://A.EXAMPLE/\"]", ALLOW,
		    "p", "" },
		{ HOSTS, "url*",
		    "[\"https://a.example/x\",\"https://b.example/\"]", DENY,
		    "default-deny", "" },
		{ IPS, "host*", "[\"10.0.0.1\",\"0x0a000001\"]", ALLOW, "p",
		    "" },
		{ IPS, "host*", "[\"10.0.0.1\",\"a.example\"]", DENY,
		    "default-deny", "" },
		{ WHEN(A ".n == 2"), "count*", "[1,5]", ALLOW, "p", "" },
		{ WHEN(A ".n == 2"), "count*", "[1,5,6]", DENY, "default-deny",
		    "" },
		{ NOT("!" A ".all.tables.contains(\"t\")"), "sql*",
		    "[\"SELECT 1 FROM t\",\"SELECT 2 FROM u, t\"]", ALLOW,
		    "all", "" },
		{ NOT("!" A ".all.tables.contains(\"t\")"), "sql*",
		    "[\"SELECT 1 FROM t\",\"SELECT 2 FROM u\"]", DENY, "f",
		    "" },
	};

	for (size_t i = 0; i < countof(t); i++) {
		struct policy *p = policies(t[i].policy);
		const struct call c = call_with(t[i].kind, t[i].list);
		struct verdict v;

		arena_reset(arena);
		v = policy_decide(p, &c, arena);
		ok(v.effect == t[i].effect &&
			str_eq(v.rule, str_of(t[i].rule)) &&
			(t[i].says[0] == '\0' ||
			    str_search(v.reason, str_of(t[i].says)) <
				v.reason.n),
		    "%s %s: %.*s", t[i].kind, t[i].list, STR_ARG(v.reason));
		policy_free(p);
	}
}

/* So many, and no more; each of them is read. */
static void
test_many(void)
{
	struct policy *p = policies(UNDER);

	for (int n = 256; n <= 257; n++) {
		struct buf list = { .max = 1 << 16 };
		struct call c;
		struct verdict v;

		for (int i = 0; i < n; i++)
			buf_fmt(&list, "%s\"/w/d%d\"", i > 0 ? "," : "[", i);
		buf_str(&list, STR("]"));
		buf_ch(&list, '\0');
		c = call_with("path*", list.p);
		arena_reset(arena);
		v = policy_decide(p, &c, arena);
		ok(v.effect == (n == 256 ? ALLOW : DENY), "%d: %.*s", n,
		    STR_ARG(v.reason));
		buf_done(&list);
	}
	policy_free(p);
}

static void
test_budgets(void)
{
	struct str host[CALL_HOSTS_MAX];
	uint64_t minor = 0;
	struct call c;
	size_t n = 0;

	arena_reset(arena);
	c = call_with("money*", "[\"1.50 EUR\",\"2 EUR\"]");
	ok(call_spend(&c, STR("EUR"), arena, &minor, &n, &why) == OK &&
		n == 2 && minor == 350,
	    "amounts of a list are added: %llu", (unsigned long long)minor);
	c = call_with("money*", "[\"1.50 EUR\",\"2 USD\"]");
	ok(call_spend(&c, STR("EUR"), arena, &minor, &n, &why) == ERR_SYNTAX,
	    "one in another currency refuses: %s", why.text);
	c = call_with("url*",
	    "[\"https://a.example\",\"https://b.example\",\"http://"
	    "a.example/x\"]");
	ok(call_hosts(&c, arena, host, &n, &why) == OK && n == 2,
	    "each host of a list counts, once");
	c = call_with("url*", "[]");
	ok(call_hosts(&c, arena, host, &n, &why) == OK && n == 0,
	    "of none, none");
}

int
main(void)
{
	arena = arena_new(4 << 20);
	test_policies();
	test_many();
	test_budgets();
	arena_free(arena);
	return tap_done();
}
