/*
 * policy-check: "policy check": every policy file of the configuration, each
 * finding with its file, line and column.  That they parse is what reading the
 * configuration says; here they are held against the tools there are, and
 * against what people rarely mean.
 */
#include "ctl/policy-in.h"

#include "cedar/cedar.h"

struct check {
	struct ctl *c;
	struct cedar_schema *schema; /* NULL: no tools were given */
	struct arena *a;
	struct buf *out;
	size_t errors, warnings;
};

static void
finding(struct check *k, struct str file, const struct cedar_why *at,
    struct str policy, bool warning)
{
	struct buf *out = k->out;

	*(warning ? &k->warnings : &k->errors) += 1;
	if (!k->c->json) {
		buf_fmt(out, "%.*s:%u:%u: %.*s: %s%s\n", STR_ARG(file),
		    at->line, at->col, STR_ARG(policy),
		    warning ? "warning: " : "", at->note.text);
		return;
	}
	buf_str(out, STR("{\"file\":"));
	json_quote(file, out);
	buf_fmt(out,
	    ",\"line\":%u,\"column\":%u,\"level\":\"%s\",\"policy\":", at->line,
	    at->col, warning ? "warning" : "error");
	json_quote(policy, out);
	buf_str(out, STR(",\"text\":"));
	json_quote(str_of(at->note.text), out);
	buf_str(out, STR("}\n"));
}

static struct str
name_of(const struct cedar_policies *ps, struct cedar_policy_info info)
{
	struct str id = info.id;
	size_t i;

	if (cedar_policy_find(ps, info.id, &i) &&
	    (!cedar_policy_annotation(ps, i, STR("id"), &id) || id.n == 0))
		id = info.id;
	return id;
}

static void
validate(struct check *k, struct str file, const struct cedar_policies *ps)
{
	const struct cedar_finding *f = NULL;

	if (k->schema == NULL ||
	    cedar_validate(k->schema, ps, CEDAR_STRICT, k->a, &f) != OK)
		return;
	for (; f != NULL; f = f->next)
		finding(k, file, &f->why,
		    name_of(ps, (struct cedar_policy_info){ .id = f->policy }),
		    f->warning);
}

/* ---- what is legal and rarely meant ---- */

static struct jv
est_of(const struct cedar_policies *ps, struct str id, struct buf *tape)
{
	struct buf text = { .max = POLICY_BYTES };
	enum err e = cedar_policy_to_json(ps, id, &text);

	tape->max = POLICY_BYTES;
	if (!e)
		e = json_parse(buf_view(&text), &json_default, tape, NULL);
	buf_done(&text);
	return e ? (struct jv){ NULL, 0 } : jv_of(buf_view(tape));
}

static bool
is_all(struct jv p, struct str part)
{
	return str_eq(jv_str(jv_get(jv_get(p, part), STR("op"))), STR("All"));
}

static bool
covers(struct jv forbid, struct jv permit)
{
	static const struct str parts[] = { STR_INIT("principal"),
		STR_INIT("action"), STR_INIT("resource") };

	if (jv_count(jv_get(forbid, STR("conditions"))) > 0)
		return false;
	for (size_t i = 0; i < countof(parts); i++)
		if (!is_all(forbid, parts[i]) &&
		    !jv_same(
			jv_get(forbid, parts[i]), jv_get(permit, parts[i])))
			return false;
	return true;
}

static void
warn(struct check *k, struct str file, const struct cedar_policies *ps,
    struct cedar_policy_info info, const char *what)
{
	struct cedar_why at = { .line = info.line, .col = info.col };

	note_set(&at.note, "%s", what);
	finding(k, file, &at, name_of(ps, info), true);
}

static void
lint_permit(struct check *k, struct str file, const struct cedar_policies *ps,
    struct cedar_policy_info info)
{
	struct buf mine = { 0 }, other = { 0 };
	const struct jv p = est_of(ps, info.id, &mine);
	struct cedar_policy_info f;
	struct note why;

	if (is_all(p, STR("principal")) && is_all(p, STR("action")) &&
	    is_all(p, STR("resource")) &&
	    jv_count(jv_get(p, STR("conditions"))) == 0)
		warn(k, file, ps, info,
		    "permits everything to everyone; name who, what or where");
	for (size_t i = 0; cedar_policy_info(ps, i, &f); i++) {
		buf_clear(&other);
		if (!f.forbid || !covers(est_of(ps, f.id, &other), p))
			continue;
		note_set(&why, "never permits: %.*s forbids all of it",
		    STR_ARG(name_of(ps, f)));
		warn(k, file, ps, info, why.text);
		break;
	}
	buf_done(&mine);
	buf_done(&other);
}

static void
check_file(struct check *k, struct jv v)
{
	const struct str file = jv_str(jv_get(v, STR("name")));
	struct cedar_policies *ps = cedar_policies_new();
	struct cedar_policy_info info;
	struct cedar_why why = { .line = 0 };

	if (cedar_policies_parse(ps, jv_str(jv_get(v, STR("text"))), &why)) {
		finding(k, file, &why, STR(""), false);
	} else {
		validate(k, file, ps);
		for (size_t i = 0; cedar_policy_info(ps, i, &info); i++)
			if (!info.forbid)
				lint_permit(k, file, ps, info);
	}
	cedar_policies_free(ps);
}

int
ctl_policy_check(struct ctl *c)
{
	struct buf image = { 0 }, out = { .max = POLICY_BYTES };
	struct check k = { .c = c, .out = &out };
	int status = policy_image_conf(c, &image), put;
	struct jit it;
	struct jv v;

	k.a = arena_new((size_t)4 * POLICY_BYTES);
	if (status == CTL_YES && c->argc > 0)
		status = policy_schema(c, jv_of(buf_view(&image)), &k.schema);
	it = jit_of(jv_get(jv_of(buf_view(&image)), STR("policies")));
	while (status == CTL_YES && jit_next(&it, NULL, &v))
		check_file(&k, v);
	if (status == CTL_YES && !c->json)
		buf_fmt(&out, "%s; errors: %zu, warnings: %zu%s\n",
		    k.errors > 0 ? "not valid" : "valid", k.errors, k.warnings,
		    k.schema == NULL
			? "; types were not checked: give SERVER=TOOLS.json"
			: "");
	put = ctl_put(&out);
	if (status == CTL_YES && k.errors > 0)
		status = CTL_NO;
	cedar_schema_free(k.schema);
	arena_free(k.a);
	buf_done(&out);
	buf_done(&image);
	return put != CTL_YES ? put : status;
}
