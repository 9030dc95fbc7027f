/*
 * rules: a rule from what its file says; what is wrong with it, and where.
 * doc/detection.md has the members.
 */
#include "inspect/inspect-in.h"

enum { SCORE_MAX = 100, WITHIN = 400, WITHIN_MAX = 4000, TEXT_MAX = 2000 };
enum { ROOM = 64 * 1024 * 1024 };

static const struct str planes[INSPECT_PLANES] = { STR_INIT("metadata"),
	STR_INIT("result"), STR_INIT("argument"), STR_INIT("prompt") };
static const struct str actions[] = { STR_INIT("note"), STR_INIT("flag"),
	STR_INIT("deny") };
static const struct str views[VIEWS] = { STR_INIT("folded"), STR_INIT("raw"),
	STR_INIT("hidden") };
static const struct str detectors[DETECTOR_N] = {
#define DETECTOR_NAME(id, name) STR_INIT(name),
	DETECTORS(DETECTOR_NAME)
#undef DETECTOR_NAME
};

struct str
inspect_plane_name(enum inspect_plane p)
{
	return p < INSPECT_PLANES ? planes[p] : STR("");
}

struct str
inspect_action_name(enum inspect_action a)
{
	return a == INSPECT_NOTE ? STR("none") : actions[a];
}

static size_t
among(const struct str *v, size_t n, struct str name)
{
	size_t i = 0;

	while (i < n && !str_eq(v[i], name))
		i++;
	return i;
}

enum detector
detector_by_name(struct str name)
{
	return (enum detector)among(detectors, DETECTOR_N, name);
}

struct rule *
rules_at(const struct inspect_rules *r, size_t i)
{
	return (struct rule *)(void *)r->rules.p + i;
}

size_t
rules_n(const struct inspect_rules *r)
{
	return r->rules.n / sizeof(struct rule);
}

struct inspect_rules *
inspect_rules_new(void)
{
	struct inspect_rules *r = mem_get(sizeof(*r));

	r->rules.max = r->patterns.max = ROOM;
	return r;
}

void
inspect_rules_free(struct inspect_rules *r)
{
	if (r == NULL)
		return;
	for (size_t v = 0; v < VIEWS; v++)
		(void)hs_free_database(r->db[v]);
	buf_done(&r->rules);
	buf_done(&r->patterns);
	mem_free(r);
}

size_t
inspect_rules_n(const struct inspect_rules *r)
{
	return rules_n(r);
}

struct inspect_rule
inspect_rules_at(const struct inspect_rules *r, size_t i)
{
	const struct rule *x = rules_at(r, i);

	return (struct inspect_rule){ .id = x->id,
		.what = x->what,
		.revision = x->revision,
		.planes = x->planes,
		.action = x->action,
		.score = x->score,
		.ns_kb = x->ns_kb,
		.all = x->all };
}

/* ---- a rule's members ---- */

struct reading {
	struct inspect_rules *r;
	struct rule *rule;
	struct jv v; /* the member being read */
	struct inspect_fault *why;
};

#define BAD(rd, ...)                                                           \
	((rd)->why->at = (rd)->v, note_set(&(rd)->why->why, __VA_ARGS__), false)

static bool
get_text(struct reading *rd, struct str *out)
{
	const struct str s = jv_str(rd->v);

	if (!jv_is(rd->v, J_STR) || s.n == 0 || s.n > TEXT_MAX)
		return BAD(rd, "is a text of 1 to %d bytes", TEXT_MAX);
	*out = s;
	return true;
}

static bool
get_id(struct reading *rd)
{
	struct str s;

	if (!get_text(rd, &s))
		return false;
	for (size_t i = 0; i < s.n; i++)
		if (!((s.p[i] >= 'a' && s.p[i] <= 'z') || s.p[i] == '-' ||
			(s.p[i] >= '0' && s.p[i] <= '9')))
			return BAD(rd, "has only a to z, 0 to 9 and -");
	for (size_t i = 0; i < rules_n(rd->r); i++)
		if (str_eq(rules_at(rd->r, i)->id, s))
			return BAD(
			    rd, "%.*s is the id of a rule already", STR_ARG(s));
	rd->rule->id = s;
	return true;
}

static bool
get_what(struct reading *rd)
{
	return get_text(rd, &rd->rule->what);
}

static bool
get_number(struct reading *rd, int64_t least, int64_t most, int64_t *out)
{
	if (jv_i64(rd->v, out) != OK || *out < least || *out > most)
		return BAD(rd, "is a number from %lld to %lld",
		    (long long)least, (long long)most);
	return true;
}

static bool
get_revision(struct reading *rd)
{
	return get_number(rd, 1, 1000000, &rd->rule->revision);
}

static bool
get_score(struct reading *rd)
{
	int64_t n;

	if (!get_number(rd, 0, SCORE_MAX, &n))
		return false;
	rd->rule->score = (unsigned)n;
	return true;
}

static bool
get_within(struct reading *rd)
{
	int64_t n;

	if (!get_number(rd, 1, WITHIN_MAX, &n))
		return false;
	rd->rule->within = (size_t)n;
	return true;
}

static bool
get_entropy(struct reading *rd)
{
	int64_t n;

	if (!get_number(rd, 1, 60, &n))
		return false;
	rd->rule->entropy = (unsigned)n;
	return true;
}

/* One word, or a list of them, as bits. */
static bool
get_bits(struct reading *rd, const struct str *names, size_t n, unsigned *out)
{
	const struct jv all = rd->v;
	struct jit it = jit_of(all);
	struct jv one = all;

	*out = 0;
	while (jv_is(all, J_ARR) ? jit_next(&it, NULL, &one) : *out == 0) {
		const size_t k = among(names, n, jv_str(one));

		if (k == n || !jv_is(one, J_STR)) {
			rd->v = one;
			return BAD(rd, "%.*s is not one of %.*s, %.*s, ...",
			    STR_ARG(str_sub(jv_str(one), 0, 40)),
			    STR_ARG(names[0]), STR_ARG(names[1]));
		}
		*out |= 1U << k;
	}
	return *out != 0 || BAD(rd, "is empty");
}

static bool
get_plane(struct reading *rd)
{
	return get_bits(rd, planes, INSPECT_PLANES, &rd->rule->planes);
}

static bool
get_unless(struct reading *rd)
{
	const struct jv all = rd->v;
	struct jit it = jit_of(all);
	enum role role;

	while (jit_next(&it, NULL, &rd->v)) {
		if (!role_by_name(jv_str(rd->v), &role))
			return BAD(rd,
			    "%.*s is not one of shell, sql, body, "
			    "path, url, other",
			    STR_ARG(str_sub(jv_str(rd->v), 0, 40)));
		rd->rule->unless |= 1U << role;
	}
	rd->v = all;
	return rd->rule->unless != 0 || BAD(rd, "is a list");
}

static bool
get_action(struct reading *rd)
{
	const size_t k = among(actions, countof(actions), jv_str(rd->v));

	if (k == countof(actions))
		return BAD(rd, "is note, flag or deny");
	rd->rule->action = (enum inspect_action)k;
	return true;
}

static bool
get_view(struct reading *rd)
{
	const size_t k = among(views, VIEWS, jv_str(rd->v));

	if (k == VIEWS)
		return BAD(rd, "is folded, raw or hidden");
	rd->rule->view = (enum view)k;
	return true;
}

static bool
get_match(struct reading *rd)
{
	const struct jv all = rd->v;
	struct jit it = jit_of(all);
	struct str text;

	while (jit_next(&it, NULL, &rd->v)) {
		if (!get_text(rd, &text))
			return false;
		if (str_find(text, '\0') != text.n)
			return BAD(rd, "has a NUL");
		if (!parts_add(rd->r, (uint16_t)rules_n(rd->r), text, rd->v))
			return BAD(rd, "its brackets do not match");
	}
	rd->v = all;
	return jv_count(all) != 0 || BAD(rd, "is a list of patterns");
}

static bool
get_detect(struct reading *rd)
{
	const enum detector d = detector_by_name(jv_str(rd->v));

	if (d == DETECTOR_N)
		return BAD(rd, "there is no detector of that name");
	if (rd->r->by_detector[d] != 0)
		return BAD(rd, "another rule has that detector");
	rd->r->by_detector[d] = (uint16_t)(rules_n(rd->r) + 1);
	return true;
}

static bool
get_needs(struct reading *rd)
{
	const struct jv all = rd->v;
	struct jit it = jit_of(all);

	while (jit_next(&it, NULL, &rd->v)) {
		size_t k = 0;

		while (k < rules_n(rd->r) &&
		       !str_eq(rules_at(rd->r, k)->id, jv_str(rd->v)))
			k++;
		if (k == rules_n(rd->r))
			return BAD(rd, "%.*s is no rule before this one",
			    STR_ARG(str_sub(jv_str(rd->v), 0, 60)));
		if (rd->rule->needs_n == NEEDS_MAX)
			return BAD(rd, "more than %d", NEEDS_MAX);
		rd->rule->needs[rd->rule->needs_n++] = (uint16_t)k;
	}
	rd->v = all;
	return rd->rule->needs_n > 1 || BAD(rd, "is a list of two or more");
}

/* ---- taxonomy ---- */

static bool
digits(struct str s, size_t n)
{
	if (s.n != n)
		return false;
	for (size_t i = 0; i < n; i++)
		if (s.p[i] < '0' || s.p[i] > '9')
			return false;
	return true;
}

static bool
upto(struct str s, uint64_t most, size_t width)
{
	uint64_t n;

	return (width == 0 || s.n == width) && str_u64(s, &n) == OK && n > 0 &&
	       n <= most;
}

static bool
is_cosai(struct str s)
{
	return str_starts(s, STR("MCP-T")) && upto(str_sub(s, 5, s.n), 12, 0);
}

static bool
is_atlas(struct str s)
{
	const struct str id = str_sub(s, 5, s.n);

	return str_starts(s, STR("AML.T")) &&
	       (digits(id, 4) ||
		   (digits(str_sub(id, 0, 4), 4) && id.n == 8 &&
		       id.p[4] == '.' && digits(str_sub(id, 5, 3), 3)));
}

static bool
is_owasp(struct str s)
{
	if (str_starts(s, STR("LLM")))
		return str_ends(s, STR(":2025")) &&
		       upto(str_sub(s, 3, s.n - 8), 10, 2);
	return (str_starts(s, STR("ASI")) || str_starts(s, STR("MCP"))) &&
	       upto(str_sub(s, 3, s.n), 10, 2);
}

static bool
is_cwe(struct str s)
{
	return str_starts(s, STR("CWE-")) && upto(str_sub(s, 4, s.n), 9999, 0);
}

static const struct {
	struct str name;
	bool (*is)(struct str s);
	const char *like;
} taxonomies[] = {
	{ STR_INIT("cosai"), is_cosai, "MCP-T1 to MCP-T12" },
	{ STR_INIT("atlas"), is_atlas, "AML.T0051 or AML.T0011.002" },
	{ STR_INIT("owasp"), is_owasp, "LLM01:2025, ASI01 or MCP03" },
	{ STR_INIT("cwe"), is_cwe, "CWE-22" },
};

static bool
get_taxonomy(struct reading *rd)
{
	const struct jv all = rd->v;
	struct jit it = jit_of(all);
	struct jv list;
	struct str key;

	while (jit_next(&it, &key, &list)) {
		struct jit ids = jit_of(list);
		size_t k = 0;

		while (
		    k < countof(taxonomies) && !str_eq(taxonomies[k].name, key))
			k++;
		rd->v = list;
		if (k == countof(taxonomies))
			return BAD(rd, "%.*s is not cosai, atlas, owasp or cwe",
			    STR_ARG(str_sub(key, 0, 40)));
		while (jit_next(&ids, NULL, &rd->v))
			if (!taxonomies[k].is(jv_str(rd->v)))
				return BAD(rd, "%.*s is not an id like %s",
				    STR_ARG(str_sub(jv_str(rd->v), 0, 40)),
				    taxonomies[k].like);
	}
	rd->v = all;
	return !jv_is(jv_get(all, STR("cosai")), J_NONE) ||
	       BAD(rd, "names no threat of CoSAI: cosai: [MCP-T4]");
}

/* A case: a text, or a text and where it stands. */
static bool
get_cases(struct reading *rd)
{
	const struct jv all = rd->v;
	struct jit it = jit_of(all);

	while (jit_next(&it, NULL, &rd->v)) {
		const struct jv text =
		    jv_is(rd->v, J_OBJ) ? jv_get(rd->v, STR("text")) : rd->v;
		const struct jv plane = jv_get(rd->v, STR("plane"));

		if (!jv_is(text, J_STR))
			return BAD(rd, "is a text, or has one; quote it");
		if (!jv_is(plane, J_NONE) &&
		    among(planes, INSPECT_PLANES, jv_str(plane)) ==
			INSPECT_PLANES)
			return BAD(rd, "its plane is none");
	}
	rd->v = all;
	return jv_count(all) != 0 || BAD(rd, "is a list of cases");
}

static const struct {
	struct str name;
	bool (*get)(struct reading *rd);
	bool must;
} members[] = {
	{ STR_INIT("id"), get_id, true },
	{ STR_INIT("revision"), get_revision, true },
	{ STR_INIT("what"), get_what, true },
	{ STR_INIT("plane"), get_plane, true },
	{ STR_INIT("action"), get_action, true },
	{ STR_INIT("score"), get_score, true },
	{ STR_INIT("taxonomy"), get_taxonomy, true },
	{ STR_INIT("find"), get_cases, true },
	{ STR_INIT("miss"), get_cases, true },
	{ STR_INIT("view"), get_view, false },
	{ STR_INIT("match"), get_match, false },
	{ STR_INIT("detect"), get_detect, false },
	{ STR_INIT("needs"), get_needs, false },
	{ STR_INIT("within"), get_within, false },
	{ STR_INIT("unless"), get_unless, false },
	{ STR_INIT("entropy"), get_entropy, false },
};

static bool
get_rule(struct reading *rd)
{
	struct jit it = jit_of(rd->rule->all);
	struct str key;
	unsigned ways = 0;

	while (jit_next(&it, &key, &rd->v)) {
		size_t k = 0;

		while (k < countof(members) && !str_eq(members[k].name, key))
			k++;
		if (k == countof(members))
			return BAD(rd, "%.*s: a rule has no such member",
			    STR_ARG(str_sub(key, 0, 60)));
		if (!members[k].get(rd)) {
			struct note was = rd->why->why;

			note_set(&rd->why->why, "%.*s: %.200s",
			    STR_ARG(members[k].name), was.text);
			return false;
		}
		if (str_eq(key, STR("match")) || str_eq(key, STR("detect")) ||
		    str_eq(key, STR("needs")))
			ways++;
	}
	rd->v = rd->rule->all;
	for (size_t k = 0; k < countof(members); k++)
		if (members[k].must &&
		    jv_is(jv_get(rd->v, members[k].name), J_NONE))
			return BAD(
			    rd, "a rule needs %.*s", STR_ARG(members[k].name));
	return ways == 1 ||
	       BAD(rd, "a rule has one of match, detect and needs");
}

enum err
inspect_rules_add(
    struct inspect_rules *r, struct jv file, struct inspect_fault *why)
{
	const struct jv list = jv_get(file, STR("rules"));
	struct jit it = jit_of(list);
	struct jv one;

	why->at = file;
	note_set(&why->why, "a file of rules is \"rules:\" and a list");
	if (!jv_is(list, J_ARR) || jv_count(file) != 1)
		return ERR_SYNTAX;
	while (jit_next(&it, NULL, &one)) {
		struct rule rule = { .all = one, .within = WITHIN };
		struct reading rd = { r, &rule, one, why };

		if (rules_n(r) == INSPECT_RULES_MAX) {
			why->at = one;
			note_set(
			    &why->why, "more than %d rules", INSPECT_RULES_MAX);
			return ERR_LIMIT;
		}
		if (!jv_is(one, J_OBJ))
			return BAD(&rd, "a rule is a map") ? OK : ERR_SYNTAX;
		if (!get_rule(&rd))
			return ERR_SYNTAX;
		buf_put(&r->rules, &rule, sizeof(rule));
	}
	return buf_end(&r->rules);
}
