/* ctl-conf: "check" and "config example": what is wrong with gatehouse.yaml. */
#include "ctl/ctl-conf.h"

#include "authority/authority.h"
#include "conf/conf.h"
#include "ctl/policy-in.h"
#include "role/role.h"
#include "sys/sys.h"

enum { FILE_MAX = 2 * 1024 * 1024, IMAGE_MAX = 64 * 1024 * 1024 };

const char *
ctl_config_path(const struct ctl *c)
{
	const char *path = ctl_option(c, "-c");

	if (path != NULL)
		return path;
	return c->argc > 0 ? c->arg[0] : "gatehouse.yaml";
}

/* Will the policies do?  What they are made into is load's business. */
static enum err
policies_read(struct ctl_reading *r)
{
	struct buf decide = { .max = IMAGE_MAX }, list = { .max = IMAGE_MAX };
	const enum err e = policy_compile(
	    jv_of(buf_view(&r->image)), &decide, &list, &r->policy);

	buf_done(&decide);
	buf_done(&list);
	return e;
}

/* Reads and compiles; the findings are in r. */
enum err
ctl_config_read(const char *path, struct ctl_reading *r)
{
	struct buf text = { .max = FILE_MAX };
	char real[4096];
	struct str dir;
	enum err e;

	r->image.max = IMAGE_MAX;
	if (!ctl_absolute(path, real)) {
		note_set(&r->why,
		    "%s: there is no such file; \"gatehouse "
		    "config example\" prints one to begin with",
		    path);
		return ERR_OS;
	}
	TRY(file_read(real, FILE_MAX, &text, &r->why));
	dir = str_of(real);
	while (dir.n > 1 && dir.p[dir.n - 1] != '/')
		dir.n--;
	if (dir.n > 1)
		dir.n--;
	e = conf_read(
	    buf_view(&text), dir, &r->image, r->at, CTL_FINDINGS, &r->n);
	buf_done(&text);
	conf_guard(
	    real, jv_of(buf_view(&r->image)), r->at, CTL_FINDINGS, &r->n);
	if (e == OK)
		e = role_log_keys(jv_of(buf_view(&r->image)), &r->policy);
	return e == OK ? policies_read(r) : e;
}

void
ctl_reading_done(struct ctl_reading *r)
{
	buf_done(&r->image);
}

static size_t
warnings_in(const struct ctl_reading *r)
{
	size_t n = 0;

	for (size_t i = 0; i < r->n; i++)
		n += r->at[i].warning ? 1 : 0;
	return n;
}

static int
put_json(const char *path, const struct ctl_reading *r, enum err e)
{
	struct buf b = { .max = 1024 * 1024 };

	buf_str(&b, STR("{\"file\":"));
	json_quote(str_of(path), &b);
	buf_fmt(&b,
	    ",\"valid\":%s,\"errors\":%zu,\"warnings\":%zu,"
	    "\"findings\":[",
	    e == OK ? "true" : "false",
	    r->n - warnings_in(r) + (r->policy.text[0] != '\0'),
	    warnings_in(r));
	for (size_t i = 0; i < r->n; i++) {
		buf_fmt(&b, "%s{\"file\":", i == 0 ? "" : ",");
		json_quote(
		    str_of(r->at[i].file.text[0] ? r->at[i].file.text : path),
		    &b);
		buf_fmt(&b,
		    ",\"line\":%u,\"column\":%u,\"level\":\"%s\","
		    "\"text\":",
		    r->at[i].line, r->at[i].column,
		    r->at[i].warning ? "warning" : "error");
		json_quote(str_of(r->at[i].text.text), &b);
		buf_ch(&b, '}');
	}
	if (r->policy.text[0] != '\0') {
		buf_fmt(&b,
		    "%s{\"line\":0,\"column\":0,\"level\":\"error\","
		    "\"text\":",
		    r->n == 0 ? "" : ",");
		json_quote(str_of(r->policy.text), &b);
		buf_ch(&b, '}');
	}
	buf_str(&b, STR("]}\n"));
	return ctl_put(&b);
}

static void
put_finding(struct buf *b, const char *path, const struct conf_error *e)
{
	buf_str(b, str_of(e->file.text[0] != '\0' ? e->file.text : path));
	if (e->line > 0)
		buf_fmt(b, ":%u:%u", e->line, e->column);
	buf_fmt(
	    b, ": %s: %s\n", e->warning ? "warning" : "error", e->text.text);
}

static void
put_summary(struct buf *b, const char *path, struct jv image)
{
	const struct str listen = jv_str(jv_get(image, STR("listen")));

	buf_fmt(b,
	    "%s: valid; servers: %zu, principals: %zu, rules: %zu; "
	    "listens on %.*s%s\n",
	    path, jv_count(jv_get(image, STR("servers"))),
	    jv_count(jv_get(image, STR("principals"))),
	    jv_count(jv_get(image, STR("rules"))), STR_ARG(listen),
	    jv_is(jv_get(image, STR("tls")), J_NULL) ? "" : " with TLS");
}

/* The first that does not fit the tools that the ledger has seen. */
static void
fit_said(void *arg, const struct policy_finding *f)
{
	struct ctl_reading *r = arg;

	if (!f->warning && r->policy.text[0] == '\0')
		note_set(&r->policy, "%.*s:%u:%u: policy %.*s: %s",
		    STR_ARG(f->file), f->line, f->col, STR_ARG(f->policy),
		    f->note.text);
}

static enum err
policies_fit(const struct ctl *c, struct ctl_reading *r)
{
	const struct policy_check to = {
		.strict_only = true, .arg = r, .got = fit_said
	};
	const struct jv image = jv_of(buf_view(&r->image));
	struct buf tools = { 0 };
	enum err e = OK;

	if (jv_count(jv_get(image, STR("policies"))) > 0 &&
	    policy_pins(c, image, &tools) == CTL_YES)
		e = policy_check(
		    image, jv_of(buf_view(&tools)), &to, &r->policy);
	buf_done(&tools);
	return e == OK && r->policy.text[0] != '\0' ? ERR_SYNTAX : e;
}

/* Findings go to stdout: they are what was asked for. */
void
ctl_put_findings(struct buf *b, const char *path, const struct ctl_reading *r)
{
	for (size_t i = 0; i < r->n; i++)
		put_finding(b, path, &r->at[i]);
	if (r->policy.text[0] != '\0')
		buf_fmt(b, "%s\n", r->policy.text);
}

int
ctl_check(struct ctl *c)
{
	struct ctl_reading r = { .n = 0 };
	const char *path = ctl_config_path(c);
	enum err e = ctl_config_read(path, &r);
	struct buf b = { .max = 1024 * 1024 };
	int status;

	if (e == OK)
		e = policies_fit(c, &r);
	if (e != OK && r.n == 0 && r.policy.text[0] == '\0') {
		ctl_reading_done(&r);
		return ctl_say(c, CTL_FAILED, "%s",
		    r.why.text[0] != '\0' ? r.why.text : err_name(e));
	}
	if (c->json) {
		status = put_json(path, &r, e);
	} else {
		ctl_put_findings(&b, path, &r);
		if (e == OK)
			put_summary(&b, path, jv_of(buf_view(&r.image)));
		status = ctl_put(&b);
	}
	ctl_reading_done(&r);
	if (status != CTL_YES)
		return status;
	return e == OK ? CTL_YES : CTL_NO;
}

int
ctl_config_example(struct ctl *c)
{
	struct buf b = { .max = 1024 * 1024 };

	(void)c;
	conf_example(&b);
	return ctl_put(&b);
}
