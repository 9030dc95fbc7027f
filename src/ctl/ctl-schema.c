/*
 * ctl-schema: Cedar schemas on the command line.  A text that begins with "{"
 * or "[" is taken for the JSON form.  What is wrong with a text is printed as
 * FILE:LINE:COLUMN and a sentence and is a no; a file that cannot be read is a
 * failure.
 */
#include "ctl/ctl-schema.h"

#include "cedar/cedar.h"
#include "ctl/ctl.h"
#include "sys/sys.h"
#include "json/json.h"

enum {
	TEXT_MAX = 64 * 1024 * 1024,
	FINDINGS_ROOM = 512 * 1024 * 1024,
};

static int
complain(const struct ctl *c, const char *path, const struct cedar_why *why)
{
	if (why->line == 0)
		return ctl_say(c, CTL_NO, "%s: %s", path, why->note.text);
	return ctl_say(c, CTL_NO, "%s:%u:%u: %s", path, why->line, why->col,
	    why->note.text);
}

static int
slurp(const struct ctl *c, const char *path, struct buf *out)
{
	struct note why = { "" };

	*out = (struct buf){ .max = TEXT_MAX };
	if (file_read(path, TEXT_MAX, out, &why) != OK)
		return ctl_say(c, CTL_FAILED, "%s: %s", path, why.text);
	return CTL_YES;
}

static bool
is_json(struct str text)
{
	for (size_t i = 0; i < text.n; i++)
		if (text.p[i] != ' ' && text.p[i] != '\t' &&
		    text.p[i] != '\n' && text.p[i] != '\r')
			return text.p[i] == '{';
	return false;
}

static int
read_schema(const struct ctl *c, const char *path, struct cedar_schema **out)
{
	struct buf text = { 0 };
	struct cedar_why why = { 0 };
	int status = slurp(c, path, &text);
	enum err e;

	if (status == CTL_YES) {
		const struct str s = buf_view(&text);

		e = is_json(s) ? cedar_schema_from_json(s, out, &why)
			       : cedar_schema_parse(s, out, &why);
		if (e)
			status = complain(c, path, &why);
	}
	buf_done(&text);
	return status;
}

static int
read_policies(const struct ctl *c, const char *path, struct cedar_policies *ps)
{
	struct buf text = { 0 };
	struct cedar_why why = { 0 };
	int status = slurp(c, path, &text);
	enum err e;

	if (status == CTL_YES) {
		const struct str s = buf_view(&text);

		e = is_json(s) ? cedar_policies_from_json(ps, STR(""), s, &why)
			       : cedar_policies_parse(ps, s, &why);
		if (e)
			status = complain(c, path, &why);
	}
	buf_done(&text);
	return status;
}

/* ---- validate ---- */

static void
put_people(struct buf *out, const char *path, const struct cedar_finding *f,
    bool valid)
{
	for (; f != NULL; f = f->next) {
		buf_fmt(out, "%s:%u:%u: ", path, f->why.line, f->why.col);
		buf_str(out, f->policy);
		buf_fmt(out, ": %s%s\n", f->warning ? "warning: " : "",
		    f->why.note.text);
	}
	buf_str(out, valid ? STR("valid\n") : STR("not valid\n"));
}

static void
put_json(struct buf *out, const struct cedar_finding *f, bool valid)
{
	buf_fmt(out, "{\"valid\":%s,\"findings\":[", valid ? "true" : "false");
	for (bool more = false; f != NULL; f = f->next, more = true) {
		buf_str(out, more ? STR(",{\"policy\":") : STR("{\"policy\":"));
		json_quote(f->policy, out);
		buf_fmt(out, ",\"warning\":%s,\"line\":%u,\"column\":%u",
		    f->warning ? "true" : "false", f->why.line, f->why.col);
		buf_str(out, STR(",\"message\":"));
		json_quote(str_of(f->why.note.text), out);
		buf_ch(out, '}');
	}
	buf_str(out, STR("]}\n"));
}

static int
validate(struct ctl *c, const struct cedar_schema *s,
    const struct cedar_policies *ps)
{
	const enum cedar_mode mode = ctl_option(c, "--permissive") != NULL
					 ? CEDAR_PERMISSIVE
					 : CEDAR_STRICT;
	struct arena *a = arena_new(FINDINGS_ROOM);
	struct buf out = { .max = TEXT_MAX };
	const struct cedar_finding *first = NULL;
	bool valid = true;
	int status;

	if (cedar_validate(s, ps, mode, a, &first) != OK) {
		arena_free(a);
		return ctl_say(c, CTL_FAILED,
		    "the policies need more memory than there is");
	}
	for (const struct cedar_finding *f = first; f != NULL; f = f->next)
		valid &= f->warning;
	if (c->json)
		put_json(&out, first, valid);
	else
		put_people(&out, ctl_option(c, "--policies"), first, valid);
	status = ctl_put(&out);
	buf_done(&out);
	arena_free(a);
	return status != CTL_YES ? status : valid ? CTL_YES : CTL_NO;
}

int
ctl_cedar_validate(struct ctl *c)
{
	const char *schema = ctl_option(c, "--schema");
	const char *policies = ctl_option(c, "--policies");
	struct cedar_schema *s = NULL;
	struct cedar_policies *ps;
	int status;

	if (schema == NULL || policies == NULL)
		return ctl_say(
		    c, CTL_MISUSE, "--schema and --policies must be given");
	ps = cedar_policies_new();
	status = read_schema(c, schema, &s);
	if (status == CTL_YES)
		status = read_policies(c, policies, ps);
	if (status == CTL_YES)
		status = validate(c, s, ps);
	cedar_policies_free(ps);
	cedar_schema_free(s);
	return status;
}

/* ---- schema-to-json ---- */

int
ctl_cedar_schema_to_json(struct ctl *c)
{
	struct cedar_schema *s = NULL;
	struct buf out = { .max = (size_t)8 * TEXT_MAX };
	int status = read_schema(c, c->arg[0], &s);

	if (status == CTL_YES) {
		cedar_schema_to_json(s, &out);
		buf_ch(&out, '\n');
		status = buf_end(&out) ? CTL_FAILED : ctl_put(&out);
	}
	buf_done(&out);
	cedar_schema_free(s);
	return status;
}

/* ---- mcp-schema ---- */

static int
make(struct ctl *c, struct str stub, struct str tools)
{
	const struct cedar_mcp_options o = {
		.outputs = ctl_option(c, "--include-outputs") != NULL,
		.objects_as_records =
		    ctl_option(c, "--objects-as-records") != NULL,
		.keep_annotations = ctl_option(c, "--keep-annotations") != NULL,
		.flatten = ctl_option(c, "--flatten-namespaces") != NULL,
		.numbers_as_decimal =
		    ctl_option(c, "--numbers-as-decimal") != NULL,
		.lenient = ctl_option(c, "--lenient") != NULL,
		.json = c->json,
	};
	struct buf out = { .max = (size_t)8 * TEXT_MAX };
	struct cedar_why why = { 0 };
	int status = CTL_YES;

	if (cedar_mcp_schema(stub, tools, &o, &out, &why) != OK)
		status = complain(c, c->arg[0], &why);
	else if (c->json)
		buf_ch(&out, '\n');
	if (status == CTL_YES)
		status = ctl_put(&out);
	buf_done(&out);
	return status;
}

int
ctl_cedar_mcp_schema(struct ctl *c)
{
	const char *stub = ctl_option(c, "--stub");
	struct buf text = { 0 }, tools = { 0 };
	int status = slurp(c, c->arg[0], &tools);

	if (status == CTL_YES && stub != NULL)
		status = slurp(c, stub, &text);
	if (status == CTL_YES)
		status = make(c, buf_view(&text), buf_view(&tools));
	buf_done(&text);
	buf_done(&tools);
	return status;
}
