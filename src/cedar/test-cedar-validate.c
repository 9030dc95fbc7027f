/* The validator: every rule with a condition that breaks it and a twin. */
#include "cedar/cedar.h"

#include "base/tap.h"

static const char schema[] =
    "entity Group; entity Team in Group;\n"
    "entity User in [Team] = { name: String, age?: Long, boss?: User,\n"
    "  addr: { city?: String, zip: Long }, born: datetime } tags Long;\n"
    "entity Doc in Folder = { owner: User, open: Bool, ip: ipaddr };\n"
    "entity Folder; entity Color enum [\"red\", \"blue\"];\n"
    "action all; action read in all appliesTo { principal: User, resource:\n"
    "  [Doc, Folder], context: { n: Long, s: Set<String>, d?: decimal } };\n"
    "namespace N { action other; }\n"
    "action write appliesTo { principal: [User, Team], resource: Doc };\n";

struct rule {
	const char *policy;
	char strict, permissive; /* y or n */
	const char *says;	 /* in the first finding; NULL: none */
};
#define WHEN(c)                                                                \
	"permit(principal, action == Action::\"read\", resource) when {" c "}" \
	";"

static const struct rule rules[] = {
	/* what is named */
	{ "permit(principal == User::\"a\", action, resource);", 'y', 'y',
	    NULL },
	{ "permit(principal == Usr::\"a\", action, resource);", 'n', 'n',
	    "did you mean \"User\"" },
	{ "permit(principal, action == Action::\"raed\", resource);", 'n', 'n',
	    "did you mean \"read\"" },
	{ "permit(principal is Group, action, resource);", 'n', 'n',
	    "no action" },
	{ "permit(principal is Team, action, resource);", 'y', 'y', NULL },
	{ "permit(principal is Team, action == Action::\"read\", resource);",
	    'n', 'n', "no action" },
	{ "permit(principal in Group::\"g\", action, resource);", 'y', 'y',
	    NULL },
	{ "permit(principal in Folder::\"g\", action, resource);", 'n', 'n',
	    "no action" },
	{ "permit(principal, action in Action::\"all\", resource);", 'y', 'y',
	    NULL },
	{ "permit(principal, action in [], resource);", 'n', 'n', "no action" },
	{ "permit(principal, action == Action::\"all\", resource);", 'n', 'n',
	    "no action" },
	{ WHEN("Color::\"red\" == Color::\"blue\""), 'y', 'y', "never hold" },
	{ WHEN("Color::\"green\" == Color::\"blue\""), 'n', 'n',
	    "none of the ids" },
	{ WHEN("principal is Nobody"), 'n', 'n', "not in the schema" },
	{ WHEN("false && Nobody::\"a\" == principal"), 'n', 'n',
	    "not in the schema" },
	/* attributes */
	{ WHEN("principal.name == \"a\""), 'y', 'y', NULL },
	{ WHEN("principal.nmae == \"a\""), 'n', 'n', "did you mean \"name\"" },
	{ WHEN("principal.age == 1"), 'n', 'n', "optional" },
	{ WHEN("principal has age && principal.age == 1"), 'y', 'y', NULL },
	{ WHEN("principal has age || principal.age == 1"), 'n', 'n',
	    "optional" },
	{ WHEN("!(principal has age) && principal.age == 1"), 'n', 'n',
	    "optional" },
	{ WHEN("if principal has age then principal.age == 1 else false"), 'y',
	    'y', NULL },
	{ WHEN("if principal has age then true else principal.age == 1"), 'n',
	    'n', "optional" },
	{ WHEN("(principal has age || principal has age) && principal.age == "
	       "1"),
	    'y', 'y', NULL },
	{ WHEN("(principal has age || principal has boss) && principal.age == "
	       "1"),
	    'n', 'n', "optional" },
	{ WHEN("principal has boss.age && principal.boss.age == 1"), 'y', 'y',
	    NULL },
	{ WHEN("principal has boss && principal.boss.age == 1"), 'n', 'n',
	    "optional" },
	{ WHEN("principal.addr has city && principal[\"addr\"].city == \"x\""),
	    'y', 'y', NULL },
	{ WHEN("principal.addr has zip && principal.addr.zip == 1"), 'y', 'y',
	    NULL },
	{ WHEN("resource.open"), 'n', 'n', "Folder has no attribute" },
	{ WHEN("resource is Doc && resource.open"), 'y', 'y', NULL },
	{ WHEN("resource has open && resource.open"), 'y', 'y', NULL },
	{ WHEN("context.n == 1"), 'y', 'y', NULL },
	{ WHEN("context.m == 1"), 'n', 'n', "no attribute" },
	{ WHEN("principal.name.x == 1"), 'n', 'n', "expected an entity" },
	{ WHEN("action has x"), 'y', 'y', "never hold" },
	/* tags */
	{ WHEN("principal.getTag(\"t\") == 1"), 'n', 'n', "hasTag" },
	{ WHEN("principal.hasTag(\"t\") && principal.getTag(\"t\") == 1"), 'y',
	    'y', NULL },
	{ WHEN("principal.hasTag(\"t\") && principal.getTag(\"u\") == 1"), 'n',
	    'n', "hasTag" },
	{ WHEN("principal.hasTag(\"t\") && principal.getTag(\"t\") == \"a\""),
	    'n', 'y', "never be equal" },
	{ WHEN("resource.hasTag(\"t\") && resource.getTag(\"t\") == 1"), 'y',
	    'y', "never hold" },
	/* operands */
	{ WHEN("1 < context.n"), 'y', 'y', NULL },
	{ WHEN("1 < principal.name"), 'n', 'n', "order" },
	{ WHEN("principal.born < datetime(\"2024-01-01\")"), 'y', 'y', NULL },
	{ WHEN("principal.born < duration(\"1h\")"), 'n', 'n', "order" },
	{ WHEN("1 + context.n > 2"), 'y', 'y', NULL },
	{ WHEN("1 + \"a\" > 2"), 'n', 'n', "expected Long" },
	{ WHEN("context.n"), 'n', 'n', "expected Bool" },
	{ WHEN("principal.name like \"a*\""), 'y', 'y', NULL },
	{ WHEN("context.n like \"a*\""), 'n', 'n', "expected String" },
	{ WHEN("context.s.contains(\"a\")"), 'y', 'y', NULL },
	{ WHEN("context.s.contains(1)"), 'n', 'y', "never be equal" },
	{ WHEN("context.s.containsAny([\"a\"])"), 'y', 'y', NULL },
	{ WHEN("context.s.containsAny(\"a\")"), 'n', 'n', "expected a set" },
	{ WHEN("context.s.isEmpty()"), 'y', 'y', NULL },
	{ WHEN("context.n.isEmpty()"), 'n', 'n', "expected a set" },
	{ WHEN("principal in [Team::\"a\", Team::\"b\"]"), 'y', 'y', NULL },
	{ WHEN("principal in [Team::\"a\", Group::\"b\"]"), 'n', 'y',
	    "one type" },
	{ WHEN("principal in \"a\""), 'n', 'n', "expected an entity" },
	/* strict alone */
	{ WHEN("principal == resource"), 'y', 'y', "never hold" },
	{ WHEN("principal.name == context.n"), 'n', 'y', "never be equal" },
	{ WHEN("context.s == []"), 'n', 'y', "empty" },
	{ WHEN("[1, \"a\"].contains(1)"), 'n', 'n', "one type" },
	{ WHEN("(if context.n == 1 then 1 else \"a\") == 1"), 'n', 'n',
	    "one type" },
	{ WHEN("(if context.n == 1 then principal else resource) == principal"),
	    'n', 'y', "one type" },
	{ WHEN("(if true then 1 else \"a\") == 1"), 'y', 'y', NULL },
	/* extension functions */
	{ WHEN("context has d && context.d.lessThan(decimal(\"1.0\"))"), 'y',
	    'y', NULL },
	{ WHEN("decimal(\"1\").lessThan(decimal(\"1.0\"))"), 'n', 'n',
	    "no value" },
	{ WHEN("ip(principal.name).isIpv4()"), 'n', 'y', "literal" },
	{ WHEN("ip(\"1.2.3.4\").isInRange(ip(\"1.0.0.0/8\"))"), 'y', 'y',
	    NULL },
	{ WHEN("ip(\"1.2.3.4\").isInRange(\"1.0.0.0/8\")"), 'n', 'n',
	    "expected ipaddr" },
	/* never and always */
	{ WHEN("1 == 2"), 'y', 'y', "never hold" },
	{ WHEN("1 == 1"), 'y', 'y', NULL },
	{ WHEN("1 == 2 && principal.nmae"), 'y', 'y', "never hold" },
	{ "permit(principal, action, resource) unless { true };", 'y', 'y',
	    "never hold" },
	{ "permit(principal, action == Action::\"read\", resource) when { "
	  "principal has age } when { principal.age == 1 };",
	    'y', 'y', NULL },
	{ "permit(principal, action == Action::\"read\", resource) unless { "
	  "principal has age } when { principal.age == 1 };",
	    'n', 'n', "optional" },
	/* lists of actions */
	{ "permit(principal, action in [Action::\"read\", Action::\"all\"], "
	  "resource);",
	    'y', 'y', NULL },
	{ "permit(principal, action in [Action::\"read\", "
	  "N::Action::\"other\"], resource);",
	    'n', 'y', "two namespaces" },
	/* templates */
	{ "permit(principal == ?principal, action, resource in ?resource);",
	    'y', 'y', NULL },
	{ "permit(principal in ?principal, action, resource) when { "
	  "principal.name };",
	    'n', 'n', "expected Bool" },
};

/* y or n; *says: the first finding, or empty. */
static char
judge(const struct cedar_schema *s, const char *policy, enum cedar_mode mode,
    struct arena *a, struct note *says)
{
	struct cedar_policies *ps = cedar_policies_new();
	const struct cedar_finding *f = NULL;
	struct cedar_why why = { 0 };
	char valid = 'y';

	says->text[0] = '\0';
	if (cedar_policies_parse(ps, str_of(policy), &why) != OK ||
	    cedar_validate(s, ps, mode, a, &f) != OK) {
		*says = why.note;
		cedar_policies_free(ps);
		return '?';
	}
	if (f != NULL)
		*says = f->why.note;
	for (; f != NULL; f = f->next)
		if (!f->warning)
			valid = 'n';
	cedar_policies_free(ps);
	return valid;
}

static void
test_rules(const struct cedar_schema *s)
{
	for (size_t i = 0; i < countof(rules); i++) {
		const struct rule *r = &rules[i];
		struct arena *a = arena_new(1 << 24);
		struct note strict, permissive;
		const char x = judge(s, r->policy, CEDAR_STRICT, a, &strict);
		const char y =
		    judge(s, r->policy, CEDAR_PERMISSIVE, a, &permissive);

		ok(x == r->strict, "strict %c: %s (%s)", r->strict, r->policy,
		    strict.text);
		ok(y == r->permissive, "permissive %c: %s (%s)", r->permissive,
		    r->policy, permissive.text);
		ok(r->says == NULL ? strict.text[0] == '\0'
				   : strstr(strict.text, r->says) != NULL,
		    "says \"%s\": %s", r->says == NULL ? "" : r->says,
		    strict.text);
		arena_free(a);
	}
}

static void
test_place(const struct cedar_schema *s)
{
	struct cedar_policies *ps = cedar_policies_new();
	struct arena *a = arena_new(1 << 20);
	const struct cedar_finding *f = NULL;
	struct cedar_why why;

	ok(cedar_policies_parse(ps,
	       STR("permit(principal, action, resource);\n"
		   "permit(principal, action, resource)\n"
		   "when { 1 + \"a\" == 2 };"),
	       &why) == OK,
	    "two policies");
	ok(cedar_validate(s, ps, CEDAR_STRICT, a, &f) == OK && f != NULL &&
		f->next == NULL,
	    "one finding for all requests");
	ok(f != NULL && str_eq(f->policy, STR("policy1")) && f->why.line == 3 &&
		f->why.col == 12,
	    "policy1 at 3:12");
	arena_free(a);
	a = arena_new(64);
	ok(cedar_validate(s, ps, CEDAR_STRICT, a, &f) == ERR_LIMIT,
	    "without memory nothing is said");
	arena_free(a);
	cedar_policies_free(ps);
}

static void
test_links(const struct cedar_schema *s)
{
	static const struct cedar_uid user = { STR_INIT("User"),
		STR_INIT("a") };
	static const struct cedar_uid doc = { STR_INIT("Doc"), STR_INIT("d") };
	static const struct cedar_uid who = { STR_INIT("Who"), STR_INIT("d") };
	const struct cedar_uid *given[] = { &user, &doc, &who };
	const bool valid[] = { true, false, false };

	for (size_t i = 0; i < countof(given); i++) {
		struct cedar_policies *ps = cedar_policies_new();
		struct arena *a = arena_new(1 << 20);
		const struct cedar_finding *f = NULL;
		struct cedar_why why = { 0 };

		ok(cedar_policy_parse(ps, STR("t"),
		       STR("permit(principal == ?principal, action, "
			   "resource);"),
		       &why) == OK &&
			cedar_policies_link(
			    ps, STR("t"), STR("l"), given[i], NULL, &why) == OK,
		    "a link");
		ok(cedar_validate(s, ps, CEDAR_STRICT, a, &f) == OK &&
			(f == NULL) == valid[i],
		    "is %svalid: %s", valid[i] ? "" : "not ",
		    f == NULL ? "" : f->why.note.text);
		ok(valid[i] || (f != NULL && str_eq(f->policy, STR("l"))),
		    "and says which");
		arena_free(a);
		cedar_policies_free(ps);
	}
}

int
main(void)
{
	struct cedar_schema *s = NULL;
	struct cedar_why why = { 0 };

	ok(cedar_schema_parse(str_of(schema), &s, &why) == OK,
	    "schema: %u:%u %s", why.line, why.col, why.note.text);
	if (s != NULL) {
		test_rules(s);
		test_place(s);
		test_links(s);
	}
	cedar_schema_free(s);
	return tap_done();
}
