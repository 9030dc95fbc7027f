/* test-inventory: what is declared and what is not, datasets and labels, on
 * whose behalf, models, and the facts of a session. */
#include "authority/authority.h"

#include "base/tap.h"

#define OPEN                                                                   \
	"{\"rules\":[],\"principals\":[{\"name\":\"alice\"},{\"name\":"        \
	"\"bob\"},{\"name\":\"eve\"}],\"anonymous\":\"\",\"servers\":[{"       \
	"\"name\":\"fs\",\"facts\":{\"read\":{\"path\":\"path\"}}}],"
#define INVENTORY                                                              \
	"\"inventory\":{\"file\":\"inv.yaml\",\"listed_models\":true,"         \
	"\"agents\":[{\"id\":\"alice\",\"class\":\"lab\",\"owner\":\"team\","  \
	"\"acts_for\":\"ann\",\"models\":[\"m*\"]},{\"id\":\"bob\",\"models\"" \
	":null,\"acts_for\":\"alice\"},{\"id\":\"carl\",\"models\":null}],"    \
	"\"users\":[{\"id\":\"ann\",\"environment\":\"prod\"},{\"id\":"        \
	"\"ben\"}],\"servers\":[{\"id\":\"fs\",\"classification\":"            \
	"\"internal\"}],\"tools\":[{\"id\":\"fs/read\",\"version\":\"1\"},"    \
	"{\"id\":\"fs/list_*\"}],\"prompts\":[{\"id\":\"fs/hi\"}],"            \
	"\"resources\":[{\"id\":\"file:///srv/*\"}],\"models\":[{\"id\":"      \
	"\"m1\",\"purpose\":\"chat\"},{\"id\":\"n1\"}],\"datasets\":["         \
	"{\"id\":\"people\",\"classification\":\"private\",\"resources\":["    \
	"\"file:///srv/people/*\"],\"arguments\":[{\"server\":\"fs\","         \
	"\"tool\":\"read\",\"argument\":\"path\",\"fact\":\"under\","          \
	"\"values\":[\"/srv/people\"],\"line\":1,\"column\":1}]},"             \
	"{\"id\":\"named\",\"resources\":[],\"arguments\":[{\"server\":"       \
	"\"fs\",\"tool\":\"*\",\"argument\":\"n\",\"values\":[\"a*\",\"7\"],"  \
	"\"line\":1,\"column\":1}]}]},"
#define POLICY(text) "\"policies\":[{\"name\":\"p\",\"text\":\"" text "\"}]}"
#define ALL "@id(\\\"all\\\") permit (principal, action, resource);"
#define WHEN(id, what)                                                         \
	"@id(\\\"" id                                                          \
	"\\\") forbid (principal, action, resource) when { " what " };"

static struct buf image = { .max = 1 << 20 };
static struct policy *policy;

static bool
opens(const char *json)
{
	struct note why = { "" };
	struct buf *b = &image;

	policy_free(policy);
	policy = NULL;
	buf_clear(b);
	if (json_parse(str_of(json), &json_default, b, &why) == OK &&
	    policy_new(jv_of(buf_view(b)), &policy, &why) == OK)
		return true;
	printf("# %s\n", why.text);
	return false;
}

static struct jv
tape(const char *json)
{
	static struct buf keep[8];
	static size_t n;
	struct buf *b = &keep[n++ % countof(keep)];

	buf_done(b);
	b->max = 1 << 16;
	BUG_ON(json_parse(str_of(json), &json_default, b, NULL) != OK);
	return jv_of(buf_view(b));
}

struct asked {
	const char *who, *method, *name, *params, *session;
};

static struct verdict
ask(const struct asked *q)
{
	static struct arena *a;
	struct call c = { .principal = str_of(q->who),
		.server = STR("fs"),
		.method = str_of(q->method ? q->method : "tools/call"),
		.name = str_of(q->name ? q->name : "read") };

	if (a == NULL)
		a = arena_new(1 << 20);
	arena_reset(a);
	if (q->params != NULL)
		c.params = tape(q->params);
	if (q->session != NULL)
		c.session = tape(q->session);
	if (str_eq(c.name, STR("read")))
		c.facts = tape("{\"path\":\"path\"}");
	return policy_decide(policy, &c, a);
}

static bool
is(const struct asked *q, enum effect effect, const char *rule,
    const char *says)
{
	const struct verdict v = ask(q);
	const bool good =
	    v.effect == effect && str_eq(v.rule, str_of(rule)) &&
	    (says == NULL || str_search(v.reason, str_of(says)) < v.reason.n);

	if (!good)
		printf("# %d by %.*s: %.*s\n", v.effect, STR_ARG(v.rule),
		    STR_ARG(v.reason));
	return good;
}

static const struct {
	const char *what;
	struct asked q;
	const char *says; /* NULL: allowed */
} declarations[] = {
	{ "a declared agent, server and tool", { .who = "alice" }, NULL },
	{ "an agent that is not declared", { .who = "eve" },
	    "declares no agent \"eve\"" },
	{ "a tool that a glob declares", { .who = "alice", .name = "list_all" },
	    NULL },
	{ "a tool that is not declared", { .who = "alice", .name = "write" },
	    "declares no tool \"fs/write\"" },
	{ "a task of it",
	    { .who = "alice", .method = "tasks/get", .name = "write" },
	    "no tool \"fs/write\"" },
	{ "a prompt", { .who = "alice", .method = "prompts/get", .name = "hi" },
	    NULL },
	{ "another prompt",
	    { .who = "alice", .method = "prompts/get", .name = "read" },
	    "no prompt \"fs/read\"" },
	{ "a resource",
	    { .who = "alice",
		.method = "resources/read",
		.name = "file:///srv/x" },
	    NULL },
	{ "another resource",
	    { .who = "alice",
		.method = "resources/read",
		.name = "file:///etc/x" },
	    "no resource \"file:///etc/x\"" },
	{ "a list", { .who = "alice", .method = "tools/list", .name = "" },
	    NULL },
	{ "a model that a server names",
	    { .who = "alice",
		.method = "sampling/createMessage",
		.name = "n1" },
	    NULL },
	{ "another model",
	    { .who = "alice", .method = "sampling/createMessage", .name = "x" },
	    "no model \"x\"" },
	{ "a model that the agent names",
	    { .who = "alice",
		.params = "{\"_meta\":{\"io.gatehouse/model\":\"m1\"}}" },
	    NULL },
	{ "a model that nobody declared",
	    { .who = "alice",
		.params = "{\"_meta\":{\"io.gatehouse/model\":\"m2\"}}" },
	    "no model \"m2\"" },
	{ "a model that is not this agent's",
	    { .who = "alice",
		.params = "{\"_meta\":{\"io.gatehouse/model\":\"n1\"}}" },
	    "agent \"alice\" run on model \"n1\"" },
	{ "a model of an agent that may have any",
	    { .who = "bob",
		.params = "{\"_meta\":{\"io.gatehouse/model\":\"n1\"}}" },
	    NULL },
};

static void
test_declared(void)
{
	struct call c = { .principal = STR("alice"),
		.server = STR("fs"),
		.method = STR("tools/call"),
		.name = STR("read") };

	ok(opens(OPEN INVENTORY POLICY(ALL)), "an inventory opens");
	for (size_t i = 0; i < countof(declarations); i++)
		ok(is(&declarations[i].q,
		       declarations[i].says == NULL ? ALLOW : DENY,
		       declarations[i].says == NULL ? "all" : "undeclared",
		       declarations[i].says),
		    "%s", declarations[i].what);
	ok(policy_shows(policy, &c), "a declared tool is shown");
	c.name = STR("write");
	ok(!policy_shows(policy, &c), "what is not declared is not shown");
	ok(policy_reaches(policy, STR("alice"), STR("fs"), STR("tools/list")) &&
		!policy_reaches(
		    policy, STR("eve"), STR("fs"), STR("tools/list")) &&
		!policy_reaches(
		    policy, STR("alice"), STR("web"), STR("tools/list")),
	    "only declared agents come to declared servers");
	ok(opens(OPEN POLICY(ALL)), "without one");
	ok(is(&(struct asked){ .who = "eve", .name = "write" }, ALLOW, "all",
	       NULL),
	    "everything counts as declared");
}

static void
test_entities(void)
{
	ok(opens(OPEN INVENTORY POLICY(
	       "@id(\\\"lab\\\") permit (principal in "
	       "Gatehouse::AgentClass::\\\"lab\\\", action, resource) when { "
	       "principal.owner == \\\"team\\\" };"
	       "@id(\\\"ann\\\") permit (principal == "
	       "Gatehouse::User::\\\"ann\\\", action, resource) when { "
	       "principal.environment == \\\"prod\\\" && resource has version "
	       "&& resource.version == \\\"1\\\" };")),
	    "policies about declarations");
	ok(is(&(struct asked){ .who = "alice" }, ALLOW, "lab", NULL),
	    "class and attributes of an agent, a user, a tool");
	ok(is(&(struct asked){ .who = "alice", .name = "list_x" }, DENY,
	       "default-deny", NULL),
	    "another tool has no version");
	ok(is(&(struct asked){ .who = "bob" }, DENY, "default-deny", NULL),
	    "another agent is not of that class");
	ok(opens(OPEN INVENTORY POLICY(
	       "@id(\\\"ann\\\") permit (principal in "
	       "Gatehouse::User::\\\"ann\\\", action, resource);")),
	    "one policy for a user and the agents that act for it");
	ok(is(&(struct asked){ .who = "alice" }, ALLOW, "ann", NULL), "holds");
}

static void
test_datasets(void)
{
#define PEOPLE "context.datasets.contains(Gatehouse::Dataset::\\\"people\\\")"
	static const struct {
		const char *what, *params;
		bool hit;
	} rows[] = {
		{ "under the directory",
		    "{\"arguments\":{\"path\":\"/srv/people/a\"}}", true },
		{ "by another way",
		    "{\"arguments\":{\"path\":\"/srv/x/../people/a\"}}", true },
		{ "beside it", "{\"arguments\":{\"path\":\"/srv/peoples/a\"}}",
		    false },
		{ "no such argument", "{\"arguments\":{}}", false },
	};
	static const struct {
		const char *what, *params;
		bool hit;
	} plain[] = {
		{ "a text", "{\"arguments\":{\"n\":\"ab\"}}", true },
		{ "another text", "{\"arguments\":{\"n\":\"b\"}}", false },
		{ "a number", "{\"arguments\":{\"n\":7}}", true },
		{ "a list with it", "{\"arguments\":{\"n\":[\"b\",\"a\"]}}",
		    true },
		{ "a list without it", "{\"arguments\":{\"n\":[\"b\"]}}",
		    false },
		{ "a list in a list", "{\"arguments\":{\"n\":[[\"b\"]]}}",
		    true },
		{ "an object might be it", "{\"arguments\":{\"n\":{}}}", true },
		{ "null is none of it", "{\"arguments\":{\"n\":null}}", false },
	};

	ok(opens(OPEN INVENTORY POLICY(ALL WHEN("people", PEOPLE))),
	    "a policy about a dataset");
	for (size_t i = 0; i < countof(rows); i++)
		ok(is(&(struct asked){ .who = "alice",
			  .params = rows[i].params },
		       rows[i].hit ? DENY : ALLOW,
		       rows[i].hit ? "people" : "all", NULL),
		    "%s", rows[i].what);
	ok(is(&(struct asked){ .who = "alice",
		  .method = "resources/read",
		  .name = "file:///srv/people/x" },
	       DENY, "people", NULL),
	    "a resource in it");
	ok(is(&(struct asked){ .who = "alice",
		  .method = "resources/read",
		  .name = "file:///srv/x" },
	       ALLOW, "all", NULL),
	    "a resource beside it");
	ok(opens(OPEN INVENTORY POLICY(
	       ALL WHEN("named", "context.datasets.contains(Gatehouse::Dataset:"
				 ":\\\"named\\\")"))),
	    "a dataset by its values");
	for (size_t i = 0; i < countof(plain); i++)
		ok(is(&(struct asked){ .who = "alice",
			  .name = "list_x",
			  .params = plain[i].params },
		       plain[i].hit ? DENY : ALLOW,
		       plain[i].hit ? "named" : "all", NULL),
		    "%s", plain[i].what);
}

static void
test_labels(void)
{
	struct verdict v;
	uint64_t private = 0, internal = 0;

	ok(opens(OPEN INVENTORY POLICY(
	       ALL WHEN("no", "context.labels.contains(\\\"private\\\")"))),
	    "a policy about labels");
	for (unsigned i = 0; policy_label(policy, i).n > 0; i++) {
		if (str_eq(policy_label(policy, i), STR("private")))
		private = UINT64_C(1) << i;
		if (str_eq(policy_label(policy, i), STR("internal")))
			internal = UINT64_C(1) << i;
	}
	v = ask(&(struct asked){ .who = "alice",
	    .params = "{\"arguments\":{\"path\":\"/srv/people/a\"}}" });
	ok(private && internal && v.effect == DENY &&
		v.labels == (private | internal),
	    "of the dataset and of the server");
	v = ask(&(struct asked){ .who = "alice" });
	ok(v.effect == ALLOW && v.labels == internal, "of the server alone");
}

#define FOR(names) "{\"_meta\":{\"io.gatehouse/onBehalfOf\":" names "}}"

static void
test_chain(void)
{
	struct call c = { .principal = STR("bob") };
	struct note why;

	ok(opens(OPEN INVENTORY POLICY(ALL
	       "@id(\\\"not-ann\\\") @reason(\\\"Not for her.\\\") forbid "
	       "(principal == Gatehouse::User::\\\"ann\\\", action, resource) "
	       "when { resource.name == \\\"read\\\" };"
	       "@id(\\\"ask-ben\\\") @requestable(\\\"ben\\\") forbid "
	       "(principal == Gatehouse::User::\\\"ben\\\", action, "
	       "resource);")),
	    "policies about users");
	ok(policy_chain(policy, &c, &why) == OK && c.chain_n == 2 &&
		str_eq(c.chain[0], STR("alice")) &&
		str_eq(c.chain[1], STR("ann")) && c.claimed == 0,
	    "the declared chain, nearest first");
	ok(is(&(struct asked){ .who = "alice" }, DENY, "not-ann",
	       "For ann, on whose behalf it is: Not for her."),
	    "what is forbidden to whom it acts for");
	ok(is(&(struct asked){ .who = "bob" }, DENY, "not-ann", "For ann"),
	    "through another agent");
	ok(is(&(struct asked){ .who = "alice", .name = "list_x" }, ALLOW, "all",
	       NULL),
	    "what is allowed to all of them");
	ok(is(&(struct asked){ .who = "carl" }, ALLOW, "all", NULL),
	    "an agent that acts for nobody");
	ok(is(&(struct asked){ .who = "carl", .params = FOR("\"ann\"") }, DENY,
	       "not-ann", "For ann"),
	    "a claim takes away");
	ok(is(&(struct asked){ .who = "alice", .params = FOR("[]") }, DENY,
	       "not-ann", NULL),
	    "a claim gives nothing");
	ok(is(&(struct asked){ .who = "carl", .params = FOR("[\"ben\"]") },
	       HOLD, "ask-ben", "For ben"),
	    "the stricter of allow and hold");
	ok(is(&(struct asked){ .who = "carl",
		  .params = FOR("[\"ben\",\"ann\"]") },
	       DENY, "not-ann", "For ann"),
	    "the strictest of all");
	ok(is(&(struct asked){ .who = "carl", .params = FOR("[\"bob\"]") },
	       DENY, "not-ann", "For ann"),
	    "whom a claimed agent acts for");
	ok(is(&(struct asked){ .who = "carl",
		  .name = "list_x",
		  .params = FOR("[\"zoe\"]") },
	       DENY, "delegation", "Nobody knows \"zoe\""),
	    "a name that nobody knows");
	ok(is(&(struct asked){ .who = "carl",
		  .name = "list_x",
		  .params = FOR("[\"ann\"]") },
	       ALLOW, "all", NULL),
	    "its twin");
	ok(is(
	       &(struct asked){
		   .who = "carl", .name = "list_x", .params = FOR("7") },
	       DENY, "delegation", "a name, or a list"),
	    "a claim that is no name");
}

/* What policies read of the chain may be a claim: it opens nothing either. */
static void
test_claims(void)
{
	ok(opens(OPEN INVENTORY POLICY(
	       "@id(\\\"for-ann\\\") permit (principal, action, resource) when "
	       "{ context has on_behalf_of && context.on_behalf_of == "
	       "Gatehouse::User::\\\"ann\\\" };"
	       "@id(\\\"deep\\\") forbid (principal, action, resource) when { "
	       "context.chain_depth > 1 };")),
	    "policies about on whose behalf");
	ok(is(&(struct asked){ .who = "alice" }, ALLOW, "for-ann", NULL),
	    "who is declared to act for her");
	ok(is(&(struct asked){ .who = "carl", .params = FOR("\"ann\"") }, DENY,
	       "default-deny", NULL),
	    "who says so");
	ok(is(&(struct asked){ .who = "alice", .params = FOR("\"ben\"") }, DENY,
	       "deep", NULL),
	    "what is forbidden to who says so");
}

static void
test_chain_ends(void)
{
	struct buf b = { .max = 1 << 16 };
	struct call c = { .principal = STR("alice"),
		.server = STR("fs"),
		.method = STR("tools/call"),
		.name = STR("list_x") };

	ok(opens(OPEN POLICY(
	       ALL "@id(\\\"no-bob\\\") forbid (principal == "
		   "Gatehouse::Agent::\\\"bob\\\", action, resource);")),
	    "without an inventory");
	ok(is(&(struct asked){ .who = "alice", .params = FOR("\"bob\"") }, DENY,
	       "no-bob", "For bob"),
	    "principals are known");
	ok(is(&(struct asked){ .who = "alice", .params = FOR("\"ann\"") }, DENY,
	       "delegation", NULL),
	    "and nobody else");
	for (int n = 8; n <= 9; n++) {
		buf_clear(&b);
		buf_str(&b, STR(OPEN "\"inventory\":{\"file\":\"i\","
				     "\"agents\":["));
		for (int i = 0; i < n; i++)
			buf_fmt(&b, "{\"id\":\"a%d\",\"acts_for\":\"a%d\"},", i,
			    i + 1);
		buf_fmt(&b, "{\"id\":\"a%d\"}]},%s", n, POLICY(ALL));
		buf_ch(&b, '\0');
		ok(opens(b.p) == (n == 8), "a chain of %d", n);
	}
	buf_done(&b);
	ok(opens(OPEN INVENTORY POLICY(
	       ALL "@id(\\\"not-ann\\\") forbid (principal == "
		   "Gatehouse::User::\\\"ann\\\", action, resource == "
		   "Gatehouse::Tool::\\\"fs/list_x\\\");")),
	    "a tool that is not for everybody");
	ok(!policy_shows(policy, &c), "is not shown to who acts for them");
	c.principal = STR("carl");
	ok(policy_shows(policy, &c), "is shown to others");
}

static void
test_context(void)
{
	ok(opens(OPEN INVENTORY POLICY(
	       ALL WHEN("deep", "context.chain_depth > 1")
		   WHEN("ben", "context has on_behalf_of && "
			       "context.on_behalf_of == "
			       "Gatehouse::User::\\\"ben\\\"") WHEN("bob",
		       "context.chain_agents.contains(Gatehouse::Agent::"
		       "\\\"bob\\\")")
		       WHEN("chat", "context has model && context.model has "
				    "purpose && context.model.purpose == "
				    "\\\"chat\\\""))),
	    "policies about the chain and the model");
	ok(is(&(struct asked){ .who = "alice" }, ALLOW, "all", NULL),
	    "one user");
	ok(is(&(struct asked){ .who = "bob" }, DENY, "deep", NULL), "depth");
	ok(is(&(struct asked){ .who = "carl", .params = FOR("\"ben\"") }, DENY,
	       "ben", NULL),
	    "the user at its end");
	ok(is(&(struct asked){ .who = "alice",
		  .params = "{\"_meta\":{\"io.gatehouse/model\":\"m1\"}}" },
	       DENY, "chat", NULL),
	    "the model, as it is declared");
	ok(opens(OPEN INVENTORY POLICY(
	       ALL WHEN("bob", "context.chain_agents.contains(Gatehouse::Agent:"
			       ":\\\"bob\\\")"))),
	    "a policy about the agents of the chain");
	ok(is(&(struct asked){ .who = "carl", .params = FOR("\"bob\"") }, DENY,
	       "bob", NULL) &&
		is(&(struct asked){ .who = "carl" }, ALLOW, "all", NULL),
	    "holds of it alone");
}

static void
test_session(void)
{
	static const struct {
		const char *what, *when, *session;
		bool hit;
	} rows[] = {
		{ "a label", "context.session.labels.contains(\\\"x\\\")",
		    "{\"labels\":[\"x\"]}", true },
		{ "no session is an empty one",
		    "context.session.labels.contains(\\\"x\\\") || "
		    "context.session.calls > 0 || "
		    "context.session.risk.egress > 0",
		    NULL, false },
		{ "a counter of risk", "context.session.risk.egress > 1",
		    "{\"risk\":{\"egress\":2}}", true },
		{ "the others are 0", "context.session.risk.write > 0",
		    "{\"risk\":{\"egress\":2}}", false },
		{ "Saturday, 23:59 UTC",
		    "context.session.weekday == 6 && context.session.hour == "
		    "23",
		    "{\"now\":1795910399999}", true },
		{ "Sunday, 0:00",
		    "context.session.weekday == 7 && context.session.hour == 0",
		    "{\"now\":\"2026-11-29T00:00:00Z\"}", true },
		{ "a time",
		    "context.session.now > datetime(\\\"2026-01-01\\\")",
		    "{\"now\":1795910399999}", true },
		{ "the context as a whole", "context has session", NULL, true },
	};
	struct buf b = { .max = 1 << 16 };

	for (size_t i = 0; i < countof(rows); i++) {
		buf_clear(&b);
		buf_fmt(&b,
		    OPEN POLICY(ALL "@id(\\\"no\\\") forbid (principal, "
				    "action, resource) when { %s };"),
		    rows[i].when);
		buf_ch(&b, '\0');
		ok(opens(b.p) &&
			is(&(struct asked){ .who = "eve",
			       .session = rows[i].session },
			    rows[i].hit ? DENY : ALLOW,
			    rows[i].hit ? "no" : "all", NULL) &&
			(policy_reads(policy) & READS_SESSION),
		    "%s", rows[i].what);
	}
	buf_done(&b);
	ok(is(&(struct asked){ .who = "eve", .session = "{\"now\":\"soon\"}" },
	       DENY, "arguments", "no such facts"),
	    "a time that is none");
	ok(opens(OPEN POLICY(ALL)) && !(policy_reads(policy) & READS_SESSION),
	    "nobody reads it");
}

static void
test_refused(void)
{
	ok(!opens(OPEN
	       "\"inventory\":{\"file\":\"i.yaml\",\"datasets\":[{"
	       "\"id\":\"d\",\"arguments\":[{\"server\":\"fs\","
	       "\"tool\":\"read\",\"argument\":\"path\",\"fact\":"
	       "\"undr\",\"values\":[],\"line\":4,\"column\":9}]}]}," POLICY(
		   ALL)),
	    "a fact that its kind has not");
}

int
main(void)
{
	test_declared();
	test_entities();
	test_datasets();
	test_labels();
	test_chain();
	test_claims();
	test_chain_ends();
	test_context();
	test_session();
	test_refused();
	policy_free(policy);
	buf_done(&image);
	return tap_done();
}
