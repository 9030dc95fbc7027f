/*
 * Entities and contexts in JSON from anybody, with and without a schema, and
 * images of engines: taken or refused with a sentence; what is taken can be
 * asked.
 */
#include "cedar/cedar.h"

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);

static const char schema_text[] =
    "entity G; entity U in [G] = { name?: String, age?: Long, boss?: U,"
    " ip?: ipaddr, score?: decimal, born?: datetime, ttl?: duration,"
    " set?: Set<G>, rec?: { must: Long, may?: ipaddr } } tags ipaddr;"
    "action all; action read in all appliesTo { principal: U, resource: G,"
    " context: { n?: Long, at?: datetime, u?: U, s?: Set<String> } };";
static const char policy_text[] =
    "permit(principal in G::\"a\", action, resource) when { principal.age < "
    "3 && principal.boss.rec.must == 1 || principal.set.contains(resource) };"
    "forbid(principal, action, resource) when { principal.hasTag(\"t\") && "
    "principal.getTag(\"t\").isInRange(ip(\"::/3\")) };"
    "permit(principal, action == Action::\"read\", resource) when { "
    "context.s.containsAll([\"x\"]) || context.at < "
    "datetime(\"2024-01-01\") || context.u in resource };";

static void
ask(const struct cedar_engine *e, const struct cedar_entities *es,
    struct str context, const struct cedar_schema *s)
{
	const struct cedar_uid par[3] = { { STR("U"), STR("a") },
		{ STR("Action"), STR("read") }, { STR("G"), STR("a") } };
	struct arena *a = arena_new(1 << 24);
	struct cedar_request *r = NULL;
	struct cedar_answer got;
	struct cedar_why why = { 0 };

	if (cedar_request_new(par, context, s, a, &r, &why) != OK)
		BUG_ON(why.note.text[0] == '\0');
	else if (cedar_authorize(e, r, es, a, &got) != OK)
		BUG_ON(got.decision != CEDAR_DENY);
	arena_free(a);
}

static void
take(
    struct str text, const struct cedar_schema *s, const struct cedar_engine *e)
{
	struct cedar_entities *es = NULL;
	struct cedar_why why = { 0 };

	if (cedar_entities_from_json(text, s, &es, &why) != OK)
		BUG_ON(why.note.text[0] == '\0');
	else
		ask(e, es, STR("{}"), s);
	cedar_entities_free(es);
	ask(e, NULL, text, s);
}

int
LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	const struct str text = { (const char *)p, n };
	static struct cedar_policies *ps; /* the same for every input */
	static struct cedar_engine *e;
	static struct cedar_schema *s;
	struct cedar_engine *other = NULL;

	if (ps == NULL) {
		ps = cedar_policies_new();
		BUG_ON(
		    cedar_policies_parse(ps, str_of(policy_text), NULL) != OK ||
		    cedar_engine_new(ps, &e, NULL) != OK ||
		    cedar_schema_parse(str_of(schema_text), &s, NULL) != OK);
	}
	take(text, NULL, e);
	take(text, s, e);
	if (cedar_engine_open(text, &other) == OK)
		ask(other, NULL, STR("{\"n\":1}"), s);
	cedar_engine_free(other);
	return 0;
}
