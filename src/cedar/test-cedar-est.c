/* The JSON policy format: exact bytes out, strict in; and the formatter. */
#include "cedar/set-in.h"

#include "base/tap.h"

#define HEAD                                                                   \
	"{\"effect\":\"permit\",\"principal\":{\"op\":\"All\"},\"action\":"    \
	"{\"op\":\"All\"},\"resource\":{\"op\":\"All\"},\"conditions\":["
#define BODY(e) HEAD "{\"kind\":\"when\",\"body\":" e "}]}"
#define ALL "permit(principal, action, resource)"

/* ---- out: what text becomes ---- */
static const struct {
	const char *text, *json;
} out[] = {
	{ "@a @b(\"\") " ALL ";",
	    HEAD "],\"annotations\":{\"a\":null,\"b\":\"\"}}" },
	{ "forbid(principal == U::\"\\n\", action in [], resource is A::B in "
	  "C::\"d\") unless { false };",
	    "{\"effect\":\"forbid\",\"principal\":{\"op\":\"==\",\"entity\":{"
	    "\"type\":\"U\",\"id\":\"\\n\"}},\"action\":{\"op\":\"in\","
	    "\"entities\":[]},\"resource\":{\"op\":\"is\",\"entity_type\":"
	    "\"A::B\",\"in\":{\"entity\":{\"type\":\"C\",\"id\":\"d\"}}},"
	    "\"conditions\":[{\"kind\":\"unless\",\"body\":{\"Value\":false}}"
	    "]}" },
	{ "permit(principal in ?principal, action in [Action::\"x\"], "
	  "resource is R in ?resource);",
	    "{\"effect\":\"permit\",\"principal\":{\"op\":\"in\",\"slot\":"
	    "\"?principal\"},\"action\":{\"op\":\"in\",\"entity\":{\"type\":"
	    "\"Action\",\"id\":\"x\"}},\"resource\":{\"op\":\"is\","
	    "\"entity_type\":\"R\",\"in\":{\"slot\":\"?resource\"}},"
	    "\"conditions\":[]}" },
	{ ALL " when { true && 1 != -2 && (false && true) };",
	    BODY("{\"&&\":{\"left\":{\"&&\":{\"left\":{\"Value\":true},"
		 "\"right\":{\"!=\":{\"left\":{\"Value\":1},\"right\":{"
		 "\"Value\":-2}}}}},\"right\":{\"&&\":{\"left\":{\"Value\":"
		 "false},\"right\":{\"Value\":true}}}}}") },
	{ ALL " when { principal has a.b && --5 == -(5) };",
	    BODY("{\"&&\":{\"left\":{\"has\":{\"left\":{\"Var\":\"principal\""
		 "},\"attr\":[\"a\",\"b\"]}},\"right\":{\"==\":{\"left\":{"
		 "\"neg\":{\"arg\":{\"Value\":-5}}},\"right\":{\"neg\":{"
		 "\"arg\":{\"Value\":5}}}}}}}") },
	{ ALL " when { context[\"a b\"] like \"a*\\*\" };",
	    BODY("{\"like\":{\"left\":{\".\":{\"left\":{\"Var\":\"context\"},"
		 "\"attr\":\"a b\"}},\"pattern\":[{\"Literal\":\"a\"},"
		 "\"Wildcard\",{\"Literal\":\"*\"}]}}") },
	{ ALL " when { if [1].contains({a: A::\"b\"}) then ip(\"x\").isIpv4()"
	      " else principal is A in [] };",
	    BODY("{\"if-then-else\":{\"if\":{\"contains\":{\"left\":{\"Set\":["
		 "{\"Value\":1}]},\"right\":{\"Record\":{\"a\":{\"Value\":{"
		 "\"__entity\":{\"type\":\"A\",\"id\":\"b\"}}}}}}},\"then\":{"
		 "\"isIpv4\":[{\"ip\":[{\"Value\":\"x\"}]}]},\"else\":{\"is\":"
		 "{\"left\":{\"Var\":\"principal\"},\"entity_type\":\"A\","
		 "\"in\":{\"Set\":[]}}}}}") },
};

static void
test_out(const char *text, const char *json)
{
	struct cedar_policies *x = cedar_policies_new();
	struct cedar_policies *y = cedar_policies_new();
	struct buf b = { .max = 65536 };
	struct cedar_why why = { 0 };
	const struct str id = STR("p");

	ok(cedar_policy_parse(x, id, str_of(text), &why) == OK, "%s", text);
	ok(cedar_policy_to_json(x, id, &b) == OK &&
		str_eq(buf_view(&b), str_of(json)),
	    "is as JSON %.*s", (int)b.n, b.p);
	ok(cedar_policies_from_json(y, id, buf_view(&b), &why) == OK,
	    "which is read (%s)", why.note.text);
	buf_clear(&b);
	ok(cedar_policy_to_json(y, id, &b) == OK &&
		str_eq(buf_view(&b), str_of(json)),
	    "and is itself again");
	buf_done(&b);
	cedar_policies_free(x);
	cedar_policies_free(y);
}

/* ---- in: what text never makes, but JSON may ---- */
static const struct {
	const char *json, *text;
} in[] = {
	{ BODY("{\"Value\":[1,{\"a b\":{\"__entity\":{\"type\":\"A\",\"id\":"
	       "\"b\"}}},{\"__extn\":{\"fn\":\"ip\",\"arg\":\"::\"}}]}"),
	    "[1, {\"a b\": A::\"b\"}, ip(\"::\")]" },
	{ BODY("{\"Value\":{\"__extn\":{\"fn\":\"offset\",\"args\":[1,2]}}}"),
	    "1.offset(2)" },
	{ BODY("{\"has\":{\"left\":{\"Var\":\"principal\"},\"attr\":[\"a b\","
	       "\"c\"]}}"),
	    "principal has \"a b\" && principal[\"a b\"] has c" },
	{ BODY("{\"has\":{\"left\":{\"Var\":\"principal\"},\"attr\":[\"a\"]}"
	       "}"),
	    "principal has a" },
	{ BODY("{\"like\":{\"left\":{\"Value\":\"\"},\"pattern\":[\"Wildcard"
	       "\",{\"Literal\":\"ab*\"},{\"Literal\":\"\"}]}}"),
	    "\"\" like \"*ab\\*\"" },
	{ BODY("{\"neg\":{\"arg\":{\"neg\":{\"arg\":{\"Value\":1}}}}}"),
	    "--(1)" },
	{ BODY("{\"<\":{\"left\":{\"<\":{\"left\":{\"Value\":1},\"right\":{"
	       "\"Value\":2}}},\"right\":{\"||\":{\"left\":{\"Value\":true},"
	       "\"right\":{\"Value\":false}}}}}"),
	    "(1 < 2) < (true || false)" },
	{ BODY("{\"!\":{\"arg\":{\"Value\":-9223372036854775808}}}"),
	    "!(-9223372036854775808)" },
};

static void
test_in(const char *json, const char *text)
{
	struct cedar_policies *x = cedar_policies_new();
	struct buf b = { .max = 65536 };
	struct cedar_why why = { 0 };

	ok(cedar_policies_from_json(x, STR("p"), str_of(json), &why) == OK,
	    "read: %s (%s)", json, why.note.text);
	if (x->pol_n == 1)
		ast_put_expr(&b, x->pol[0]->cond[0].expr);
	ok(str_eq(buf_view(&b), str_of(text)), "it is %.*s", (int)b.n, b.p);
	buf_done(&b);
	cedar_policies_free(x);
}

/* ---- refused, with path ---- */
static const struct {
	const char *json, *path;
} bad[] = {
	{ "[", "byte" },
	{ "[]", "at /: expected an object" },
	{ "{\"effect\":\"permit\"}", "at /principal: this member is missing" },
	{ HEAD "],\"more\":1}", "at /more: the format has no such" },
	{ HEAD "],\"effect\":\"forbid\"}", "" },
	{ "{\"effect\":\"Permit\",\"principal\":{},\"action\":{},\"resource\""
	  ":{},\"conditions\":[]}",
	    "effect is permit or forbid" },
	{ HEAD "],\"annotations\":{\"a b\":\"\"}}", "at /annotations/a b:" },
	{ HEAD "],\"annotations\":{\"a\":1}}", "at /annotations/a:" },
	{ BODY("{}"), "at /conditions/0/body:" },
	{ BODY("{\"Value\":null}"), "at /conditions/0/body/Value: null" },
	{ BODY("{\"Value\":1.0}"), "integers" },
	{ BODY("{\"Value\":9223372036854775808}"), "range" },
	{ BODY("{\"Value\":{\"__expr\":\"1\"}}"), "__expr" },
	{ BODY("{\"Value\":{\"__entity\":{\"type\":\"A\"}}}"), "/id" },
	{ BODY("{\"Value\":{\"__entity\":{\"type\":\"A b\",\"id\":\"\"}}}"),
	    "entity type" },
	{ BODY("{\"Value\":{\"__extn\":{\"fn\":\"no\",\"arg\":1}}}"),
	    "function" },
	{ BODY("{\"Var\":\"Principal\"}"), "/Var: expected principal" },
	{ BODY("{\"Slot\":\"?principal\"}"), "slot" },
	{ BODY("{\"==\":{\"left\":{\"Value\":1}}}"), "/==/right" },
	{ BODY("{\"==\":{\"left\":{\"Value\":1},\"right\":{\"no\":[]}}}"),
	    "/==/right/no: there is no function" },
	{ BODY("{\"isIpv4\":[]}"), "method" },
	{ BODY("{\"ip\":{}}"), "array" },
	{ BODY("{\"Set\":{}}"), "array" },
	{ BODY("{\"Record\":[]}"), "object" },
	{ BODY("{\"is\":{\"left\":{\"Value\":1},\"entity_type\":\"A:: B\"}}"),
	    "entity type" },
	{ BODY("{\"like\":{\"left\":{\"Value\":1},\"pattern\":[\"a\"]}}"),
	    "Wildcard" },
	{ BODY("{\"has\":{\"left\":{\"Value\":1},\"attr\":[]}}"), "attribute" },
};

static void
test_bad(const char *json, const char *path)
{
	struct cedar_policies *x = cedar_policies_new();
	struct cedar_why why = { 0 };
	const enum err e =
	    cedar_policies_from_json(x, STR("p"), str_of(json), &why);

	ok(e == ERR_SYNTAX && strstr(why.note.text, path) != NULL,
	    "refused: %s", why.note.text);
	ok(x->pol_n == 0 && map_count(x->by_id) == 0, "nothing is kept");
	cedar_policies_free(x);
}

/* A JSON scope, by its part. */
static const struct {
	const char *part, *scope;
	bool ok;
} scopes[] = {
	{ "principal", "{\"op\":\"all\"}", true },
	{ "principal", "{\"op\":\"==\",\"slot\":\"?principal\"}", true },
	{ "principal", "{\"op\":\"==\",\"slot\":\"?resource\"}", false },
	{ "principal", "{\"op\":\"==\",\"slot\":\"\"}", false },
	{ "principal", "{\"op\":\"==\"}", false },
	{ "principal", "{\"op\":\"<\"}", false },
	{ "principal",
	    "{\"op\":\"in\",\"entity\":{\"__entity\":{\"type\":\"A\",\"id\":"
	    "\"b\"}}}",
	    true },
	{ "principal", "{\"op\":\"in\",\"entities\":[]}", false },
	{ "principal", "{\"op\":\"is\",\"entity_type\":\"A\"}", true },
	{ "principal", "{\"op\":\"is\",\"entity_type\":\"\"}", false },
	{ "principal", "{\"op\":\"is\",\"entity_type\":\"A\",\"in\":{}}",
	    false },
	{ "action", "{\"op\":\"in\",\"entities\":[]}", true },
	{ "action",
	    "{\"op\":\"in\",\"entities\":[{\"type\":\"A\",\"id\":\"b\"}]}",
	    false },
	{ "action", "{\"op\":\"==\",\"slot\":\"?action\"}", false },
	{ "action", "{\"op\":\"is\",\"entity_type\":\"Action\"}", false },
	{ "resource",
	    "{\"op\":\"==\",\"entity\":{\"type\":\"A\",\"id\":\"b\"}}", true },
	{ "resource",
	    "{\"op\":\"==\",\"entity\":{\"type\":\"A\",\"id\":\"b\"},"
	    "\"slot\":\"?resource\"}",
	    false },
};

static void
test_scopes(void)
{
	static const char *const parts[] = { "principal", "action",
		"resource" };

	for (size_t i = 0; i < countof(scopes); i++) {
		struct cedar_policies *x = cedar_policies_new();
		struct buf b = { .max = 4096 };
		struct cedar_why why = { 0 };
		enum err e;

		buf_str(&b, STR("{\"effect\":\"permit\",\"conditions\":[]"));
		for (size_t k = 0; k < countof(parts); k++)
			buf_fmt(&b, ",\"%s\":%s", parts[k],
			    strcmp(parts[k], scopes[i].part) == 0
				? scopes[i].scope
				: "{\"op\":\"All\"}");
		buf_ch(&b, '}');
		e = cedar_policies_from_json(x, STR("p"), buf_view(&b), &why);
		ok(e == (scopes[i].ok ? OK : ERR_SYNTAX), "%s %s: %s",
		    scopes[i].part, scopes[i].scope, why.note.text);
		buf_done(&b);
		cedar_policies_free(x);
	}
}

/* ---- sets with templates and links ---- */
#define TMPL                                                                   \
	"{\"effect\":\"permit\",\"principal\":{\"op\":\"==\",\"slot\":"        \
	"\"?principal\"},\"action\":{\"op\":\"All\"},\"resource\":{\"op\":"    \
	"\"All\"},\"conditions\":[]}"
#define SET(s, t, l)                                                           \
	"{\"templates\":{" t "},\"staticPolicies\":{" s                        \
	"},\"templateLinks\":[" l "]}"
#define LINK(v) "{\"templateId\":\"t\",\"newId\":\"l\",\"values\":{" v "}}"
#define BOB "\"?principal\":{\"type\":\"U\",\"id\":\"bob\"}"

static void
test_sets(void)
{
	static const struct {
		const char *json;
		bool ok;
	} sets[] = {
		{ SET("\"p\":" HEAD "]}", "\"t\":" TMPL, LINK(BOB)), true },
		{ SET("", "\"t\":" TMPL, LINK("")), false },
		{ SET("", "", LINK(BOB)), false },
		{ SET("\"t\":" TMPL, "", ""), false },
		{ SET("", "\"t\":" HEAD "]}", ""), false },
		{ SET("\"l\":" HEAD "]}", "\"t\":" TMPL, LINK(BOB)), false },
		{ "{\"staticPolicies\":{}}", false },
	};

	for (size_t i = 0; i < countof(sets); i++) {
		struct cedar_policies *x = cedar_policies_new();
		struct buf b = { .max = 4096 };
		struct cedar_why why = { 0 };
		const enum err e = cedar_policies_from_json(
		    x, STR(""), str_of(sets[i].json), &why);

		ok(e == (sets[i].ok ? OK : ERR_SYNTAX), "set %zu: %s", i,
		    why.note.text);
		cedar_policies_to_json(x, &b);
		ok(sets[i].ok ? str_eq(buf_view(&b), str_of(sets[i].json))
			      : x->pol_n + x->tmpl_n == 0,
		    "is what it was, or nothing");
		buf_done(&b);
		cedar_policies_free(x);
	}
}

/* ---- the formatter ---- */
static const struct {
	const char *text, *is;
} lay[] = {
	{ "", "" },
	{ "\n\n// a", "// a\n" },
	{ "// a\n\n\n\n// b", "// a\n\n// b\n" },
	{ "permit(principal,action,resource,);forbid ( principal , action , "
	  "resource ) when{!true};",
	    "permit (principal, action, resource);\n\nforbid (principal, "
	    "action, resource)\nwhen { !true };\n" },
	{ "// head\n\n// one\n@a @b(\"c\")\npermit(principal,// p\n"
	  "action,resource); // end\n// last",
	    "// head\n\n// one\n@a\n@b(\"c\")\npermit (\n  principal, // p\n"
	    "  action,\n  resource\n); // end\n// last\n" },
	{ ALL "when{-1< - -2&&[1,2,].contains( 1 )}unless{{}=={a:1,\"b\":"
	      "principal [\"x\"]}};",
	    "permit (principal, action, resource)\nwhen { -1 < --2 && [1, "
	    "2].contains(1) }\nunless { {} == { a: 1, \"b\": "
	    "principal[\"x\"] } };\n" },
	{ ALL "when{if true// why\nthen 1 else 2};",
	    "permit (principal, action, resource)\nwhen {\n  if true // why\n"
	    "  then 1\n  else 2\n};\n" },
	{ ALL "when{principal.aaaaaaaaaaaaaaaaaaaaaaaaaa && "
	      "(principal.bbbbbbbbbbbbbbbbbbbb || "
	      "principal.cccccccccccccccccccccccccccc || "
	      "principal.ddddddddddddddd)};",
	    "permit (principal, action, resource)\nwhen {\n"
	    "  principal.aaaaaaaaaaaaaaaaaaaaaaaaaa &&\n  (\n"
	    "    principal.bbbbbbbbbbbbbbbbbbbb ||\n"
	    "    principal.cccccccccccccccccccccccccccc ||\n"
	    "    principal.ddddddddddddddd\n  )\n};\n" },
};

static void
test_format(const char *text, const char *is)
{
	struct buf one = { .max = 4096 }, two = { .max = 4096 };

	ok(cedar_format(str_of(text), &one, NULL) == OK &&
		str_eq(buf_view(&one), str_of(is)),
	    "formatted: %.*s", (int)one.n, one.p);
	ok(cedar_format(buf_view(&one), &two, NULL) == OK &&
		str_eq(buf_view(&one), buf_view(&two)),
	    "and stays so");
	buf_done(&one);
	buf_done(&two);
}

int
main(void)
{
	struct buf tight = { .max = 10 };

	for (size_t i = 0; i < countof(out); i++)
		test_out(out[i].text, out[i].json);
	for (size_t i = 0; i < countof(in); i++)
		test_in(in[i].json, in[i].text);
	for (size_t i = 0; i < countof(bad); i++)
		test_bad(bad[i].json, bad[i].path);
	test_scopes();
	test_sets();
	for (size_t i = 0; i < countof(lay); i++)
		test_format(lay[i].text, lay[i].is);
	ok(cedar_format(STR(ALL ";"), &tight, NULL) == ERR_LIMIT &&
		tight.n == 0,
	    "what does not fit is not written");
	ok(cedar_format(STR("permit"), &tight, NULL) == ERR_SYNTAX,
	    "what does not parse is not formatted");
	buf_done(&tight);
	return tap_done();
}
