/*
 * authority: the first policy, ordered rules of globs.  Rules are taken apart
 * once; a decision walks two arrays, denies before allows, and allocates
 * nothing.  It refuses to know what a tool is or what its arguments mean.
 */
#include "authority/authority.h"

/* Four times the largest policy that we know of; a decision is linear in it. */
enum { RULES_MAX = 4096 };

enum part { P_PRINCIPAL, P_SERVER, P_METHOD, P_NAME, P__N };
static const struct str part_name[P__N] = {
	[P_PRINCIPAL] = STR_INIT("principal"),
	[P_SERVER] = STR_INIT("server"),
	[P_METHOD] = STR_INIT("method"),
	[P_NAME] = STR_INIT("name"),
};

/* Most patterns are "*" or a plain word; only the rest need the walk. */
enum glob_kind { GLOB_ANY, GLOB_WORD, GLOB_WALK };
struct glob {
	enum glob_kind kind;
	struct str text;
};
struct rule {
	enum effect effect;
	struct glob part[P__N];
	struct str id, reason;
};
struct policy {
	size_t n, denies; /* rule[0..denies) deny, the rest allow */
	struct rule *rule;
};

static struct glob
glob_of(struct str s)
{
	if (str_eq(s, STR("*")))
		return (struct glob){ GLOB_ANY, s };
	if (str_find(s, '*') == s.n)
		return (struct glob){ GLOB_WORD, s };
	return (struct glob){ GLOB_WALK, s };
}

static bool
glob_fits(const struct glob *g, struct str s)
{
	if (g->kind == GLOB_ANY)
		return true;
	if (g->kind == GLOB_WORD)
		return str_eq(g->text, s);
	return str_glob(g->text, s);
}

/* A member's text goes where its name says; NULL: no rule has this member. */
static struct str *
member_at(struct str key, struct str text[static P__N], struct str *effect,
    struct rule *r)
{
	for (size_t i = 0; i < P__N; i++)
		if (str_eq(key, part_name[i]))
			return &text[i];
	if (str_eq(key, STR("effect")))
		return effect;
	if (str_eq(key, STR("id")))
		return &r->id;
	if (str_eq(key, STR("reason")))
		return &r->reason;
	return NULL;
}

static enum err
effect_of(struct str s, enum effect *out)
{
	if (!str_eq(s, STR("allow")) && !str_eq(s, STR("deny")))
		return ERR_SYNTAX;
	*out = str_eq(s, STR("allow")) ? ALLOW : DENY;
	return OK;
}

/* Every member must be there: what a lost one meant cannot be guessed, and
 * "everything" would open the door. */
static enum err
rule_read(struct jv v, size_t nr, struct rule *out, struct note *why)
{
	struct str text[P__N] = { { NULL, 0 } };
	struct str effect = { NULL, 0 }, key;
	struct rule r = { .effect = DENY };
	struct jit it = jit_of(v);
	struct jv val;
	size_t n = 0;

	if (!jv_is(v, J_OBJ)) {
		note_set(why, "rule %zu is not an object", nr);
		return ERR_SYNTAX;
	}
	for (; jit_next(&it, &key, &val); n++) {
		struct str *at = member_at(key, text, &effect, &r);

		if (at == NULL || !jv_is(val, J_STR) || at->p != NULL) {
			note_set(why, "rule %zu: %s member \"%.*s\"", nr,
			    at == NULL	    ? "unknown"
			    : at->p != NULL ? "repeated"
					    : "not a text:",
			    (int)(key.n > 40 ? 40 : key.n), key.p);
			return ERR_SYNTAX;
		}
		*at = jv_str(val);
	}
	/* none repeats, so seven known ones are all of them */
	if (n != P__N + 3 || r.id.n == 0 || effect_of(effect, &r.effect)) {
		note_set(why,
		    "rule %zu: needs effect (allow or deny), principal, "
		    "server, method, name, id and reason",
		    nr);
		return ERR_SYNTAX;
	}
	for (size_t i = 0; i < P__N; i++)
		r.part[i] = glob_of(text[i]);
	*out = r;
	return OK;
}

/* Denies first, allows after them, each kind in the order it was written. */
static void
rules_sort(struct policy *p, const struct rule *in)
{
	size_t at = 0;

	for (size_t i = 0; i < p->n; i++)
		if (in[i].effect == DENY)
			p->rule[at++] = in[i];
	p->denies = at;
	for (size_t i = 0; i < p->n; i++)
		if (in[i].effect != DENY)
			p->rule[at++] = in[i];
}

enum err
policy_new(struct jv image, struct policy **out, struct note *why)
{
	const struct jv rules = jv_get(image, STR("rules"));
	struct jit it = jit_of(rules);
	const size_t n = jv_count(rules);
	struct policy *p;
	struct rule *in;
	struct jv v;
	enum err e = OK;

	if (!jv_is(rules, J_ARR)) {
		note_set(why, "the image has no rules");
		return ERR_SYNTAX;
	}
	if (n > RULES_MAX) {
		note_set(why, "more than %d rules", RULES_MAX);
		return ERR_LIMIT;
	}
	in = mem_get((n + 1) * sizeof(*in));
	for (size_t i = 0; i < n && !e && jit_next(&it, NULL, &v); i++)
		e = rule_read(v, i + 1, &in[i], why);
	if (!e) {
		p = mem_get(sizeof(*p));
		p->rule = mem_get((n + 1) * sizeof(*in));
		p->n = n;
		rules_sort(p, in);
		*out = p;
	}
	mem_free(in);
	return e;
}

void
policy_free(struct policy *p)
{
	if (p == NULL)
		return;
	mem_free(p->rule);
	mem_free(p);
}

static bool
rule_fits(const struct rule *r, const struct call *c)
{
	return glob_fits(&r->part[P_PRINCIPAL], c->principal) &&
	       glob_fits(&r->part[P_SERVER], c->server) &&
	       glob_fits(&r->part[P_METHOD], c->method) &&
	       glob_fits(&r->part[P_NAME], c->name);
}

struct verdict
policy_decide(const struct policy *p, const struct call *c)
{
	const struct verdict none = { DENY, STR("default-deny"),
		STR("No rule allows this call.") };
	const struct verdict nobody = { DENY, STR("default-deny"),
		STR("The call has no principal.") };

	if (c->principal.n == 0) /* "*" means anyone, not no one */
		return nobody;
	for (size_t i = 0; p != NULL && i < p->n; i++) {
		const struct rule *r = &p->rule[i];

		if (rule_fits(r, c))
			return (struct verdict){ r->effect, r->id, r->reason };
	}
	return none;
}

bool
policy_reaches(const struct policy *p, struct str principal, struct str server,
    struct str method)
{
	for (size_t i = 0; principal.n > 0 && p != NULL && i < p->n; i++) {
		const struct rule *r = &p->rule[i];

		if (!glob_fits(&r->part[P_PRINCIPAL], principal) ||
		    !glob_fits(&r->part[P_SERVER], server))
			continue;
		if (i >= p->denies)
			return true;
		if (r->part[P_NAME].kind == GLOB_ANY &&
		    glob_fits(&r->part[P_METHOD], method))
			return false;
	}
	return false;
}
