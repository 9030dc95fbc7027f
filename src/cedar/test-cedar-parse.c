/* Policies from text: what is read, what is refused and where, and that what
 * is printed is read again as the same. */
#include "cedar/set-in.h"

#include "base/tap.h"

#define ALL "permit(principal, action, resource)"
#define WHEN(expr) ALL " when { " expr " };"
#define NEST10(a, z) a a a a a a a a a a z z z z z z z z z z

static bool
same_sets(const struct cedar_policies *x, const struct cedar_policies *y)
{
	if (x->pol_n != y->pol_n || x->tmpl_n != y->tmpl_n)
		return false;
	for (size_t i = 0; i < x->pol_n; i++)
		if (!ast_same_policy(x->pol[i], y->pol[i]))
			return false;
	for (size_t i = 0; i < x->tmpl_n; i++)
		if (!ast_same_policy(x->tmpl[i], y->tmpl[i]))
			return false;
	return true;
}

/* ---- read, and read again after printing and after JSON ---- */
static const char *const good[] = {
	"",
	"// nothing but words",
	ALL ";",
	"forbid(principal, action, resource,);",
	"@id(\"a\") @if @note(\"\\u{1F600}\\n\") " ALL ";",
	"permit(principal == User::\"a\", action == A::Action::\"x\", resource "
	"in N::M::F::\"\");",
	"permit(principal in ?principal, action in [], resource == "
	"?resource);",
	"permit(principal is A::B, action in [Action::\"x\", "
	"Action::\"y\",], resource is C in ?resource);",
	"permit(principal == (User::\"a\"), action in Action::\"x\", "
	"resource);",
	ALL " when { true } unless { false } when { 1 == 2 };",
	WHEN("-9223372036854775808 < 9223372036854775807"),
	WHEN("----1 == -(-(-(-(-1))))"),
	WHEN("!!!!true || !(!true)"),
	WHEN("!(-1 == 1) && -(1) < -1.a && (-1).a < 2"),
	WHEN("1 - (2 - 3) * 4 - -5 == (1 + 2) * 3"),
	WHEN("(a::\"b\" in [a::\"c\",]) == true"),
	WHEN("principal is A::B in [C::\"d\"] && principal is A"),
	WHEN("principal has a.b.c && principal has \"a b\" && context has "
	     "context"),
	WHEN("if true then if false then 1 == 1 else true else if true then "
	     "false else true"),
	WHEN("(if true then 1 else 2) == {a: 1, \"if\": {}, \"b\": [],}.a"),
	WHEN("\"a\\\"\\\\\\0\\x7f\\u{1_0}\" like \"\\**\\u{2a}x\\n\""),
	WHEN("resource[\"a b\"].c[\"in\"].contains([1, [2]])"),
	WHEN("ip(\"1.2.3.4\").isInRange(ip(\"::/0\"),) || decimal() == "
	     "decimal(1, 2)"),
	WHEN("principal.getTag(\"a\").containsAll([]) && "
	     "principal.hasTag(\"b\") && [].isEmpty()"),
	WHEN("true && (false && true) && ((true && true) && true)"),
	WHEN("principal.permit.when.principal == Permit::\"x\""),
	WHEN("\"\xc3\xa9\" == \"two\nlines\""),
	"permit\xc2\xa0(principal,\r\n\taction,// c\r resource) ;",
	WHEN(NEST10("(", "") "true" NEST10("", ")")),
};

static void
test_good(const char *text)
{
	struct cedar_policies *x = cedar_policies_new();
	struct cedar_policies *y = cedar_policies_new();
	struct cedar_policies *z = cedar_policies_new();
	struct buf out = { .max = 65536 }, json = { .max = 65536 };
	struct cedar_why why = { 0 };

	ok(cedar_policies_parse(x, str_of(text), &why) == OK, "read: %s (%s)",
	    text, why.note.text);
	cedar_policies_put(x, &out);
	ok(cedar_policies_parse(y, buf_view(&out), &why) == OK &&
		same_sets(x, y),
	    "printed, it is the same (%s)", why.note.text);
	cedar_policies_to_json(x, &json);
	ok(cedar_policies_from_json(z, STR(""), buf_view(&json), &why) == OK &&
		same_sets(x, z),
	    "as JSON, it is the same (%s)", why.note.text);
	buf_done(&out);
	buf_done(&json);
	cedar_policies_free(x);
	cedar_policies_free(y);
	cedar_policies_free(z);
}

/* ---- refused, with place and a word of the sentence ---- */
static const struct {
	const char *text;
	uint32_t line, col;
	const char *word;
} bad[] = {
	{ "allow(principal, action, resource);", 1, 1, "permit" },
	{ ALL, 1, 36, "when, unless or ;, found the end" },
	{ "permit(principal, action);", 1, 25, "expected ," },
	{ "permit(action, principal, resource);", 1, 8, "principal" },
	{ "permit(principal, action, resource, context);", 1, 37, ")" },
	{ "permit(principal: User, action, resource);", 1, 17, "is" },
	{ "permit(principal = User::\"a\", action, resource);", 1, 18, "==" },
	{ "permit(principal == User, action, resource);", 1, 25, "\"id\"" },
	{ "permit(principal == \"a\", action, resource);", 1, 21, "type" },
	{ "permit(principal in [A::\"a\"], action, resource);", 1, 21, "list" },
	{ "permit(principal == ?resource, action, resource);", 1, 21,
	    "?principal" },
	{ "permit(principal, action == ?action, resource);", 1, 29, "slot" },
	{ "permit(principal, action == User::\"a\", resource);", 1, 29,
	    "Action" },
	{ "permit(principal, action in [Action::\"a\", B::\"b\"], "
	  "resource);",
	    1, 43, "Action" },
	{ "permit(principal, action is Action, resource);", 1, 29, "actions" },
	{ "permit(principal is A == A::\"b\", action, resource);", 1, 23,
	    "in" },
	{ "permit(principal in A::\"b\" is A, action, resource);", 1, 28,
	    "before" },
	{ "permit(principal is in::B, action, resource);", 1, 21, "reserved" },
	{ "@a @a " ALL ";", 1, 4, "already" },
	{ "@a() " ALL ";", 1, 4, "value" },
	{ ALL " when { };", 1, 44, "expression" },
	{ ALL " while { true };", 1, 37, "when" },
	{ ALL ";\n" WHEN("1 +\n  )"), 3, 3, "expression" },
	{ WHEN("1 < 2 < 3"), 1, 50, "chain" },
	{ WHEN("a == 1"), 1, 44, "variable" },
	{ WHEN("1 = 1"), 1, 46, "==" },
	{ WHEN("1 / 2"), 1, 46, "/" },
	{ WHEN("1 % 2"), 1, 46, "%" },
	{ WHEN("1 & 2"), 1, 46, "&&" },
	{ WHEN("'a'"), 1, 44, "double quotes" },
	{ WHEN("!!!!!true"), 1, 48, "at most 4" },
	{ WHEN("-----1"), 1, 48, "at most 4" },
	{ WHEN("!-1 == 1"), 1, 45, "expression" },
	{ WHEN("9223372036854775808 > 1"), 1, 44, "range" },
	{ WHEN("-9223372036854775809 < 1"), 1, 45, "range" },
	{ WHEN("-(9223372036854775808) < 1"), 1, 46, "range" },
	{ WHEN("99999999999999999999999 > 1"), 1, 44, "range" },
	{ WHEN("principal.in"), 1, 54, "reserved" },
	{ WHEN("principal.__cedar"), 1, 54, "reserved" },
	{ WHEN("principal has 1"), 1, 58, "attribute" },
	{ WHEN("principal has \"a\".b"), 1, 61, "operator" },
	{ WHEN("principal has if"), 1, 58, "reserved" },
	{ WHEN("principal like principal"), 1, 59, "pattern" },
	{ WHEN("principal is \"A\""), 1, 57, "type" },
	{ WHEN("principal[1]"), 1, 54, "string" },
	{ WHEN("principal()"), 1, 53, "function" },
	{ WHEN("principal.a()"), 1, 54, "no method" },
	{ WHEN("principal.ip()"), 1, 54, "function" },
	{ WHEN("isIpv4(1)"), 1, 44, "method" },
	{ WHEN("contains(1, 2)"), 1, 44, "method" },
	{ WHEN("foo(1)"), 1, 44, "no function" },
	{ WHEN("[1].contains()"), 1, 48, "1 argument" },
	{ WHEN("[1].isEmpty(1)"), 1, 48, "0 arguments" },
	{ WHEN("{a: 1, \"a\": 2}"), 1, 51, "already" },
	{ WHEN("{if: 1}"), 1, 45, "reserved" },
	{ WHEN("{1: 1}"), 1, 45, "attribute" },
	{ WHEN("[1 2]"), 1, 47, "comma" },
	{ WHEN("?principal == 1"), 1, 44, "slot" },
	{ WHEN("true && if true then true else true"), 1, 52, "paren" },
	{ WHEN("if true then true"), 1, 62, "else" },
	{ WHEN("\"\\q\""), 1, 45, "escape" },
	{ WHEN("\"\\xff\""), 1, 45, "7F" },
	{ WHEN("\"\\u{}\""), 1, 45, "hex" },
	{ WHEN("\"\\u{d800}\""), 1, 45, "Unicode" },
	{ WHEN("\"\\u{1234567}\""), 1, 45, "hex" },
	{ WHEN("\"\\*\""), 1, 45, "like" },
	{ WHEN("\"a\r\""), 1, 46, "\\r" },
	{ WHEN("\"a"), 1, 44, "closing" },
	{ WHEN("A::{a: 1}"), 1, 47, "Type" },
	{ WHEN("\"\xff\""), 0, 0, "UTF-8" },
};

static void
test_bad(const char *text, uint32_t line, uint32_t col, const char *word)
{
	struct cedar_policies *x = cedar_policies_new();
	struct cedar_why why = { 0 };
	enum err e = cedar_policies_parse(x, STR(ALL ";"), &why);

	ok(e == OK, "beside a good one");
	e = cedar_policies_parse(x, str_of(text), &why);
	ok(e == ERR_SYNTAX && why.line == line && why.col == col &&
		strstr(why.note.text, word) != NULL,
	    "refused: %u:%u %s", why.line, why.col, why.note.text);
	ok(x->pol_n == 1 && x->next == 1 && map_count(x->by_id) == 1,
	    "and nothing of it is kept");
	cedar_policies_free(x);
}

/* ---- depth ---- */
static enum err
parse_nested(const char *open, size_t n, const char *inner, const char *close)
{
	struct cedar_policies *x = cedar_policies_new();
	struct buf b = { .max = 1024 * 1024 };
	struct cedar_why why = { 0 };
	enum err e;

	buf_str(&b, STR(ALL " when { "));
	for (size_t i = 0; i < n; i++)
		buf_str(&b, str_of(open));
	buf_str(&b, str_of(inner));
	for (size_t i = 0; i < n; i++)
		buf_str(&b, str_of(close));
	buf_str(&b, STR(" };"));
	e = cedar_policies_parse(x, buf_view(&b), &why);
	buf_done(&b);
	cedar_policies_free(x);
	return e;
}

static void
test_depth(void)
{
	static const struct {
		const char *open, *inner, *close;
		size_t fits;
	} deep[] = {
		{ "(", "1", ")", AST_DEPTH - 1 },
		{ "[", "1", "]", AST_DEPTH - 1 },
		{ "{a:", "1", "}", AST_DEPTH - 1 },
		{ "!(", "1", ")", AST_DEPTH - 1 },
		{ "ip(", "1", ")", AST_DEPTH - 1 },
		{ "if true then 1 else ", "1", "", AST_DEPTH - 1 },
		{ "", "principal", ".a", AST_DEPTH - 1 },
		{ "1 + ", "1", "", AST_DEPTH - 1 },
		{ "1 * ", "1", "", AST_DEPTH - 1 },
	};

	for (size_t i = 0; i < countof(deep); i++) {
		ok(parse_nested(deep[i].open, deep[i].fits, deep[i].inner,
		       deep[i].close) == OK,
		    "%zu deep is read: %s%s", deep[i].fits, deep[i].open,
		    deep[i].close);
		ok(parse_nested(deep[i].open, deep[i].fits + 1, deep[i].inner,
		       deep[i].close) == ERR_LIMIT,
		    "one more is not");
		ok(parse_nested(deep[i].open, 20000, deep[i].inner,
		       deep[i].close) == ERR_LIMIT,
		    "nor are 20000");
	}
	ok(parse_nested("true && ", 20000, "true", "") == OK,
	    "a chain of one operator may be long");
}

/* ---- sets ---- */
static void
test_ids(void)
{
	struct cedar_policies *x = cedar_policies_new();
	struct cedar_policy_info info;
	struct cedar_why why = { 0 };
	struct str v = { 0 };
	size_t at = 99;

	ok(cedar_policy_parse(x, STR("policy1"), STR(ALL ";"), NULL) == OK,
	    "a policy under an id of one's own");
	ok(cedar_policies_parse(x, STR("@owner(\"me\") @x " ALL ";\n\n forbid"),
	       NULL) == ERR_SYNTAX,
	    "half a text adds nothing");
	ok(cedar_policies_parse(x,
	       STR("@owner(\"me\") @x " ALL ";\n forbid(principal == "
		   "?principal, action, resource);" ALL ";"),
	       &why) == OK,
	    "two policies and a template (%s)", why.note.text);
	ok(cedar_policies_count(x) == 3 && cedar_template_info(x, 0, &info) &&
		!cedar_template_info(x, 1, &info),
	    "are counted apart");
	ok(cedar_policy_info(x, 1, &info) && str_eq(info.id, STR("policy0")) &&
		!info.forbid && info.template_id.n == 0 && info.line == 1 &&
		info.col == 17,
	    "ids count up");
	ok(cedar_policy_info(x, 2, &info) && str_eq(info.id, STR("policy3")),
	    "over templates and ids that are taken");
	ok(!cedar_policy_info(x, 3, &info), "there is no fourth");
	ok(cedar_policy_find(x, STR("policy3"), &at) && at == 2, "found by id");
	ok(!cedar_policy_find(x, STR("policy2"), &at), "a template is not");
	ok(cedar_policy_annotation(x, 1, STR("owner"), &v) &&
		str_eq(v, STR("me")),
	    "an annotation has its value");
	ok(cedar_policy_annotation(x, 1, STR("x"), &v) && v.n == 0,
	    "or an empty one");
	ok(!cedar_policy_annotation(x, 1, STR("y"), &v), "or is not there");
	ok(cedar_policy_parse(x, STR("policy0"), STR(ALL ";"), &why) ==
		ERR_SYNTAX,
	    "an id is given once");
	ok(cedar_policy_parse(x, STR("z"), STR(ALL ";" ALL ";"), &why) ==
		ERR_SYNTAX,
	    "one policy is not two");
	cedar_policies_free(x);
}

static void
test_links(void)
{
	const struct cedar_uid bob = { STR_INIT("User"), STR_INIT("bob") };
	const struct cedar_uid odd = { STR_INIT("a b"), STR_INIT("bob") };
	struct cedar_policies *x = cedar_policies_new();
	const struct str t = STR("policy0");
	struct cedar_policy_info info = { 0 };
	struct cedar_why why = { 0 };

	ok(cedar_policies_parse(x,
	       STR("@a permit(principal is U in ?principal, action, resource "
		   "== ?resource); " ALL ";"),
	       NULL) == OK,
	    "a template and a policy");
	ok(cedar_policies_link(x, t, STR("l"), &bob, NULL, &why) ==
		    ERR_SYNTAX &&
		strstr(why.note.text, "?resource") != NULL,
	    "a slot must be given");
	ok(cedar_policies_link(x, t, STR("l"), &bob, &odd, &why) == ERR_SYNTAX,
	    "an entity must be one");
	ok(cedar_policies_link(x, STR("policy1"), STR("l"), &bob, &bob, &why) ==
		ERR_SYNTAX,
	    "a policy is no template");
	ok(cedar_policies_link(x, t, STR("l"), &bob, &bob, &why) == OK,
	    "all given, it is linked");
	ok(cedar_policies_link(x, t, STR("l"), &bob, &bob, &why) == ERR_SYNTAX,
	    "once under an id");
	ok(cedar_policy_info(x, 1, &info) && str_eq(info.id, STR("l")) &&
		str_eq(info.template_id, t) && info.line == 1,
	    "it knows its template");
	ok(x->pol[1]->scope[AST_RESOURCE].n == 1 &&
		!x->pol[1]->scope[AST_RESOURCE].slot &&
		str_eq(x->pol[1]->scope[AST_RESOURCE].uid[0].id, STR("bob")),
	    "its slots are filled");
	ok(x->tmpl[0]->scope[AST_RESOURCE].slot, "the template's are not");
	cedar_policies_free(x);
}

static void
test_uid(void)
{
	struct arena *a = arena_new(4096);
	struct cedar_uid uid = { { 0 }, { 0 } };
	struct buf b = { .max = 256 };
	struct cedar_why why = { 0 };

	ok(cedar_uid_parse(STR(" A :: B::\"\\u{e9}\\n\" "), a, &uid, &why) ==
		    OK &&
		str_eq(uid.type, STR("A::B")) &&
		str_eq(uid.id, STR("\xc3\xa9\n")),
	    "an entity is read");
	cedar_uid_put(&b, uid);
	ok(str_eq(buf_view(&b), STR("A::B::\"\xc3\xa9\\n\"")), "and written");
	ok(cedar_uid_parse(STR("A"), a, &uid, &why) == ERR_SYNTAX,
	    "a type alone is none");
	ok(cedar_uid_parse(STR("A::\"b\" c"), a, &uid, &why) == ERR_SYNTAX &&
		why.col == 8,
	    "nothing may follow");
	buf_done(&b);
	arena_free(a);
}

int
main(void)
{
	for (size_t i = 0; i < countof(good); i++)
		test_good(good[i]);
	for (size_t i = 0; i < countof(bad); i++)
		test_bad(bad[i].text, bad[i].line, bad[i].col, bad[i].word);
	test_depth();
	test_ids();
	test_links();
	test_uid();
	return tap_done();
}
