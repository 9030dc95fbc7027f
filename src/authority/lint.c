/*
 * lint.c: what is legal and rarely meant: permits for everything, policies that
 * add nothing, principals that nobody is, conditions that lists cannot ask.
 * Says less rather than more: a warning here is nearly always right.
 */
#include "authority/authority-in.h"

static const struct str parts[] = { STR_INIT("principal"), STR_INIT("action"),
	STR_INIT("resource") };
enum { OF_PRINCIPAL, OF_ACTION, OF_RESOURCE };

static struct str
text(struct jv v, const char *key)
{
	return jv_str(jv_get(v, str_of(key)));
}

static bool
is_all(struct jv scope)
{
	return str_eq(text(scope, "op"), STR("All"));
}

static bool
is_bare(struct jv p)
{
	return jv_count(jv_get(p, STR("conditions"))) == 0;
}

static void
warn(const struct checking *k, struct str file, const struct cedar_policies *ps,
    struct cedar_policy_info info, const struct note *note)
{
	const struct cedar_why at = {
		.line = info.line, .col = info.col, .note = *note
	};

	check_say(k, file, &at, check_name(ps, info.id), true);
}

/* ---- what covers what ---- */

/* Of all policies those without conditions that nobody can lift, as JSON. */
void
lint_add(struct lint *l, struct str file, struct str policies)
{
	struct cedar_policies *ps = cedar_policies_new();
	struct cedar_policy_info info;

	if (cedar_policies_parse(ps, policies, NULL) != OK)
		policies = STR("");
	for (size_t i = 0; policies.n > 0 && cedar_policy_info(ps, i, &info);
	     i++) {
		struct buf tape = { 0 };
		const struct jv p = check_est(ps, info.id, &tape);
		struct str unused;
		struct bare *b;

		if (!is_bare(p) || l->n == LINT_MAX ||
		    cedar_policy_annotation(
			ps, i, STR("requestable"), &unused)) {
			buf_done(&tape);
			continue;
		}
		l->at =
		    mem_more(l->at, l->n * sizeof(*b), (l->n + 1) * sizeof(*b));
		b = &l->at[l->n++];
		*b = (struct bare){ .file = file,
			.line = info.line,
			.forbid = info.forbid,
			.id = { .max = 1 << 16 },
			.tape = tape };
		buf_str(&b->id, check_name(ps, info.id));
	}
	cedar_policies_free(ps);
}

void
lint_done(struct lint *l)
{
	for (size_t i = 0; i < l->n; i++) {
		buf_done(&l->at[i].tape);
		buf_done(&l->at[i].id);
	}
	mem_free(l->at);
}

static struct str
id_of(struct jv scope)
{
	return text(jv_get(scope, STR("entity")), "id");
}

/* in "call_tool" has every tool's action; in a server are its tools. */
static bool
holds(struct jv wide, struct jv narrow, int part)
{
	const struct str id = id_of(narrow);

	if (is_all(wide) || jv_same(wide, narrow))
		return true;
	if (!str_eq(text(wide, "op"), STR("in")) ||
	    !str_eq(text(narrow, "op"), STR("==")))
		return false;
	if (part == OF_ACTION)
		return str_eq(id_of(wide), STR(A_CALL_TOOL)) &&
		       str_search(id, STR("___")) < id.n;
	return part == OF_RESOURCE &&
	       str_eq(text(jv_get(wide, STR("entity")), "type"),
		   STR(NS "Server")) &&
	       str_eq(text(jv_get(narrow, STR("entity")), "type"),
		   STR(NS "Tool")) &&
	       str_eq(id_of(wide), str_sub(id, 0, str_find(id, '/')));
}

static bool
covers(struct jv wide, struct jv narrow)
{
	for (int i = 0; i < (int)countof(parts); i++)
		if (!holds(jv_get(wide, parts[i]), jv_get(narrow, parts[i]), i))
			return false;
	return true;
}

/* Does b make p needless?  Of two that say the same, the later one is. */
static bool
makes_needless(const struct bare *b, struct str file,
    struct cedar_policy_info info, struct jv p)
{
	const struct jv wide = jv_of(buf_view(&b->tape));
	const bool here = str_eq(b->file, file);

	if ((info.forbid && !b->forbid) || !covers(wide, p))
		return false;
	if (b->forbid != info.forbid || !is_bare(p) || !covers(p, wide))
		return !here || b->line != info.line;
	return here && b->line < info.line;
}

static void
lint_covered(const struct checking *k, struct str file,
    const struct cedar_policies *ps, size_t at, struct jv p)
{
	struct cedar_policy_info info;
	struct note note;
	struct str unused;

	if (!cedar_policy_info(ps, at, &info))
		return;
	for (size_t i = 0; i < k->all->n; i++) {
		const struct bare *b = &k->all->at[i];

		if (!makes_needless(b, file, info, p) ||
		    (!b->forbid && cedar_policy_annotation(
				       ps, at, STR("obligation"), &unused)))
			continue;
		if (b->forbid && !info.forbid)
			note_set(&note,
			    "unreachable, it never permits: %.*s forbids all "
			    "of it",
			    STR_ARG(buf_view(&b->id)));
		else
			note_set(&note,
			    "shadowed, it adds nothing: %.*s %s all of it",
			    STR_ARG(buf_view(&b->id)),
			    b->forbid ? "forbids" : "permits");
		warn(k, file, ps, info, &note);
		return;
	}
}

/* ---- each alone ---- */

static void
lint_broad(const struct checking *k, struct str file,
    const struct cedar_policies *ps, struct cedar_policy_info info, struct jv p)
{
	struct note note;

	for (size_t i = 0; i < countof(parts); i++)
		if (!is_all(jv_get(p, parts[i])))
			return;
	if (info.forbid || !is_bare(p))
		return;
	note_set(&note,
	    "too broad, it permits everything to everyone; name who, what or "
	    "where");
	warn(k, file, ps, info, &note);
}

static bool
is_somebody(struct jv image, struct str name)
{
	struct jit it = jit_of(jv_get(image, STR("principals")));
	struct jv v;

	if (str_eq(name, jv_str(jv_get(image, STR("anonymous")))))
		return true;
	while (jit_next(&it, NULL, &v))
		if (str_eq(name, jv_str(jv_get(v, STR("name")))))
			return true;
	return false;
}

static void
lint_nobody(const struct checking *k, struct str file,
    const struct cedar_policies *ps, struct cedar_policy_info info, struct jv p)
{
	const struct jv scope = jv_get(p, parts[OF_PRINCIPAL]);
	const struct str type = text(jv_get(scope, STR("entity")), "type");
	struct note note;

	if (!str_eq(text(scope, "op"), STR("==")) ||
	    !str_eq(type, STR(NS "Agent")) ||
	    jv_is(jv_get(k->image, STR("principals")), J_NONE) ||
	    is_somebody(k->image, id_of(scope)))
		return;
	note_set(&note,
	    "unreachable: no principal of the configuration is %.*s",
	    (int)(id_of(scope).n > 64 ? 64 : id_of(scope).n), id_of(scope).p);
	warn(k, file, ps, info, &note);
}

/* A clause that also asks of the arguments is not asked when a list is made:
 * then what it says of the rest is not heard either. */
static void
lint_lists(const struct checking *k, struct str file,
    const struct cedar_policies *ps, struct cedar_policy_info info, struct jv p)
{
	struct jit it = jit_of(jv_get(p, STR("conditions")));
	struct note note;
	struct jv v;

	while (jit_next(&it, NULL, &v)) {
		const unsigned got = asks(v, 0);

		if (info.forbid || !(got & ASKS_CONTEXT) ||
		    !(got & (ASKS_PRINCIPAL | ASKS_OTHER)))
			continue;
		note_set(&note,
		    "lists do not ask a clause of this: it reads a field that "
		    "does not exist at list time; put what it says of who and "
		    "where into a when of its own");
		warn(k, file, ps, info, &note);
		return;
	}
}

/* Annotations that mean something, and in whose hands alone. */
static const struct {
	struct str name;
	bool forbid, permit;
	const char *wrong;
} marks[] = {
	{ STR_INIT("id"), true, true, "" },
	{ STR_INIT("reason"), true, true, "" },
	{ STR_INIT("owner"), true, true, "" },
	{ STR_INIT("control"), true, true, "" },
	{ STR_INIT("requestable"), true, false,
	    "@requestable says nothing of a permit: a person can lift a forbid "
	    "alone" },
	{ STR_INIT("obligation"), false, true,
	    "@obligation says nothing of a forbid: what it denies is not "
	    "done" },
};

/* False: it is right, or somebody else's. */
static bool
mark_wrong(struct str name, struct str value, bool forbid, struct note *note)
{
	for (size_t i = 0; i < countof(marks); i++) {
		if (!str_eq(marks[i].name, name))
			continue;
		note_set(note, "%s", marks[i].wrong);
		if (forbid ? !marks[i].forbid : !marks[i].permit)
			return true;
		note_set(note,
		    "it permits nothing: nobody here can do what @obligation "
		    "says, %.*s",
		    STR_ARG(value));
		return str_eq(name, STR("obligation")) &&
		       !obligations_met(value);
	}
	for (size_t i = 0; i < countof(marks); i++) {
		note_set(note, "@%.*s says nothing here; did you mean @%.*s?",
		    STR_ARG(name), STR_ARG(marks[i].name));
		if (str_ieq(name, marks[i].name) ||
		    (name.n > 3 && str_distance(name, marks[i].name) <= 2))
			return true;
	}
	return false;
}

static void
lint_marks(const struct checking *k, struct str file,
    const struct cedar_policies *ps, size_t at, struct cedar_policy_info info)
{
	struct str name, value;
	struct note note;

	for (size_t i = 0; cedar_policy_annotation_at(ps, at, i, &name, &value);
	     i++)
		if (mark_wrong(name, value, info.forbid, &note))
			warn(k, file, ps, info, &note);
}

/* The action of one tool, and another tool as the resource. */
static void
lint_other_tool(const struct checking *k, struct str file,
    const struct cedar_policies *ps, struct cedar_policy_info info, struct jv p)
{
	const struct jv action = jv_get(p, parts[OF_ACTION]);
	const struct jv on = jv_get(p, parts[OF_RESOURCE]);
	const struct str type = text(jv_get(on, STR("entity")), "type");
	const struct str does = id_of(action), tool = id_of(on);
	const size_t at = str_search(does, STR("___"));
	const size_t slash = str_find(tool, '/');
	struct note note;

	if (!str_eq(text(action, "op"), STR("==")) || at == does.n ||
	    !str_eq(text(on, "op"), STR("==")) ||
	    (str_eq(type, STR(NS "Tool")) &&
		str_eq(str_sub(does, 0, at), str_sub(tool, 0, slash)) &&
		str_eq(str_sub(does, at + 3, does.n),
		    str_sub(tool, slash + 1, tool.n))))
		return;
	note_set(&note,
	    "unreachable: action %.*s is done to its own tool alone",
	    (int)(does.n > 100 ? 100 : does.n), does.p);
	warn(k, file, ps, info, &note);
}

void
lint_file(
    const struct checking *k, struct str file, const struct cedar_policies *ps)
{
	static const struct note never = {
		"this policy can never hold: it asks that one expression is "
		"two different things, or above what it is to be below"
	};
	struct cedar_policy_info info;

	for (size_t i = 0; cedar_policy_info(ps, i, &info); i++) {
		struct buf tape = { 0 };
		const struct jv p = check_est(ps, info.id, &tape);

		lint_broad(k, file, ps, info, p);
		lint_covered(k, file, ps, i, p);
		lint_nobody(k, file, ps, info, p);
		lint_lists(k, file, ps, info, p);
		lint_marks(k, file, ps, i, info);
		lint_other_tool(k, file, ps, info, p);
		if (lint_never(p))
			warn(k, file, ps, info, &never);
		buf_done(&tape);
	}
}
