/*
 * policy-check: "policy check": every policy file of the configuration, each
 * finding with its file, line and column.  That they parse is what reading the
 * configuration says; here they are held against the tools there are, as given
 * or as the ledger has them, and against what people rarely mean.
 */
#include "ctl/policy-in.h"

#include "conf/conf.h"

enum { GUARDS_MAX = 64 };

struct check {
	struct ctl *c;
	struct buf *out;
	size_t errors, warnings;
};

static void
put_json(struct buf *out, const struct policy_finding *f)
{
	buf_str(out, STR("{\"file\":"));
	json_quote(f->file, out);
	buf_fmt(out,
	    ",\"line\":%u,\"column\":%u,\"level\":\"%s\",\"policy\":", f->line,
	    f->col, f->warning ? "warning" : "error");
	json_quote(f->policy, out);
	if (f->server.n > 0) {
		buf_str(out, STR(",\"server\":"));
		json_quote(f->server, out);
		buf_str(out, STR(",\"tool\":"));
		json_quote(f->tool, out);
	}
	buf_str(out, STR(",\"text\":"));
	json_quote(str_of(f->note.text), out);
	buf_str(out, STR("}\n"));
}

void
policy_put_finding(struct buf *out, const struct policy_finding *f)
{
	const char *level = f->warning ? "warning: " : "";

	if (f->file.n > 0)
		buf_fmt(out, "%.*s:%u:%u: %.*s: %s%s\n", STR_ARG(f->file),
		    f->line, f->col, STR_ARG(f->policy), level, f->note.text);
	else
		buf_fmt(out, "server %.*s, tool %.*s: %s%s\n",
		    STR_ARG(f->server), STR_ARG(f->tool), level, f->note.text);
}

static void
finding(void *arg, const struct policy_finding *f)
{
	struct check *k = arg;

	*(f->warning ? &k->warnings : &k->errors) += 1;
	if (k->c->json)
		put_json(k->out, f);
	else
		policy_put_finding(k->out, f);
}

/* Whose tools nobody knows. */
static void
put_unknown(struct buf *out, struct jv image, struct jv tools)
{
	struct jit it = jit_of(jv_get(image, STR("servers")));
	struct jv v;

	while (jit_next(&it, NULL, &v)) {
		const struct str name = jv_str(jv_get(v, STR("name")));

		if (jv_is(jv_get(tools, name), J_NONE))
			buf_fmt(out,
			    "server %.*s: its tools are not known: give "
			    "%.*s=TOOLS.json, or let the gateway see its "
			    "tools/list\n",
			    STR_ARG(name), STR_ARG(name));
	}
}

/* Who else may write the files: whoever can decides what is allowed. */
static void
put_guard(struct check *k, struct jv image)
{
	const char *path = ctl_option(k->c, "-c");
	struct conf_error at[GUARDS_MAX];
	size_t n = 0;

	conf_guard(
	    path == NULL ? "gatehouse.yaml" : path, image, at, countof(at), &n);
	for (size_t i = 0; i < n; i++) {
		const struct policy_finding f = { .file =
						      str_of(at[i].file.text),
			.warning = true,
			.note = at[i].text };

		if (k->c->json)
			put_json(k->out, &f);
		else
			buf_fmt(k->out, "%.*s: warning: %s\n", STR_ARG(f.file),
			    f.note.text);
	}
	k->warnings += n;
}

int
ctl_policy_check(struct ctl *c)
{
	struct buf image = { 0 }, tools = { 0 }, out = { .max = POLICY_BYTES };
	struct check k = { .c = c, .out = &out };
	const struct policy_check to = { .arg = &k, .got = finding };
	struct note why = { "" };
	int status = policy_image_conf(c, &image), put;
	const struct jv conf = jv_of(buf_view(&image));
	struct jv known;

	if (status == CTL_YES)
		status = policy_tools(c, conf, &tools);
	known = jv_of(buf_view(&tools));
	if (status == CTL_YES && policy_check(conf, known, &to, &why) != OK)
		status = ctl_say(c, CTL_NO, "%s", why.text);
	if (status == CTL_YES)
		put_guard(&k, conf);
	if (status == CTL_YES && !c->json) {
		put_unknown(&out, conf, known);
		buf_fmt(&out, "%s; errors: %zu, warnings: %zu%s\n",
		    k.errors > 0 ? "not valid" : "valid", k.errors, k.warnings,
		    jv_count(known) == 0 ? "; types were not checked" : "");
	}
	put = ctl_put(&out);
	if (status == CTL_YES && k.errors > 0)
		status = CTL_NO;
	buf_done(&out);
	buf_done(&tools);
	buf_done(&image);
	return put != CTL_YES ? put : status;
}
