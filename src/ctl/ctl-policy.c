/*
 * ctl-policy: Cedar policies on the command line, as text and as JSON.  What is
 * wrong with a text is printed as FILE:LINE:COLUMN and a sentence and is a no;
 * a file that cannot be read is a failure.  Without a file, or with "-", they
 * read standard input.
 */
#include "ctl/ctl-policy.h"

#include "cedar/cedar.h"
#include "ctl/ctl.h"
#include "sys/sys.h"
#include "json/json.h"

enum {
	TEXT_MAX = 64 * 1024 * 1024,
	OUT_MAX = 1024 * 1024 * 1024, /* JSON is longer than its text */
};

struct source {
	const char *path; /* for people */
	bool pipe;
	struct buf text;
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
read_pipe(const struct ctl *c, struct buf *out)
{
	enum { STEP = 65536 };
	size_t n;

	do {
		char *p = buf_room(out, STEP);

		if (p == NULL)
			return ctl_say(c, CTL_FAILED,
			    "standard input: more than %d bytes", TEXT_MAX);
		n = fread(p, 1, STEP, stdin);
		buf_add(out, n);
	} while (n > 0);
	if (ferror(stdin))
		return ctl_say(c, CTL_FAILED, "standard input: cannot be read");
	return CTL_YES;
}

static int
read_source(const struct ctl *c, struct source *s)
{
	struct note why = { "" };

	s->text = (struct buf){ .max = TEXT_MAX + 65536 };
	s->pipe = c->argc == 0 || strcmp(c->arg[0], "-") == 0;
	s->path = s->pipe ? "standard input" : c->arg[0];
	if (s->pipe)
		return read_pipe(c, &s->text);
	if (file_read(s->path, TEXT_MAX, &s->text, &why) != OK)
		return ctl_say(c, CTL_FAILED, "%s: %s", s->path, why.text);
	return CTL_YES;
}

/* ---- format ---- */
static int
keep(const struct ctl *c, const struct source *s, struct buf *out)
{
	struct note why = { "" };

	if (s->pipe)
		return ctl_say(c, CTL_MISUSE, "--write needs a FILE");
	if (file_replace(s->path, buf_view(out), 0644, &why) != OK)
		return ctl_say(c, CTL_FAILED, "%s: %s", s->path, why.text);
	return CTL_YES;
}

static int
format(const struct ctl *c, const struct source *s, struct buf *out)
{
	const struct str was = buf_view(&s->text);
	struct cedar_why why = { 0 };

	if (cedar_format(was, out, &why) != OK)
		return complain(c, s->path, &why);
	if (ctl_option(c, "--check") != NULL) {
		const bool same = str_eq(was, buf_view(out));

		buf_clear(out);
		return same ? CTL_YES
			    : ctl_say(c, CTL_NO, "%s: not formatted", s->path);
	}
	if (ctl_option(c, "--write") == NULL)
		return ctl_put(out);
	return str_eq(was, buf_view(out)) ? CTL_YES : keep(c, s, out);
}

int
ctl_cedar_format(struct ctl *c)
{
	struct buf out = { .max = OUT_MAX };
	struct source s;
	int status = read_source(c, &s);

	if (status == CTL_YES)
		status = format(c, &s, &out);
	buf_done(&out);
	buf_done(&s.text);
	return status;
}

/* ---- to-json ---- */
static int
to_json(const struct ctl *c, const struct source *s, struct cedar_policies *ps,
    struct buf *out)
{
	const char *id = ctl_option(c, "--policy");
	struct cedar_why why = { 0 };

	if (cedar_policies_parse(ps, buf_view(&s->text), &why) != OK)
		return complain(c, s->path, &why);
	if (id == NULL)
		cedar_policies_to_json(ps, out);
	else if (cedar_policy_to_json(ps, str_of(id), out) != OK)
		return ctl_say(c, CTL_NO, "%s: there is no %s", s->path, id);
	buf_ch(out, '\n');
	return ctl_put(out);
}

int
ctl_cedar_to_json(struct ctl *c)
{
	struct cedar_policies *ps = cedar_policies_new();
	struct buf out = { .max = OUT_MAX };
	struct source s;
	int status = read_source(c, &s);

	if (status == CTL_YES)
		status = to_json(c, &s, ps, &out);
	buf_done(&out);
	buf_done(&s.text);
	cedar_policies_free(ps);
	return status;
}

/* ---- from-json ---- */

/* One policy has an effect, a set has not. */
static bool
is_one(struct str text)
{
	static const struct json_limits lim = { JSON_DEPTH_MAX, 10000000,
		TEXT_MAX };
	struct buf tape = { .max = OUT_MAX };
	bool one = false;

	if (json_parse(text, &lim, &tape, NULL) == OK)
		one = jv_type(jv_get(jv_of(buf_view(&tape)), STR("effect"))) !=
		      J_NONE;
	buf_done(&tape);
	return one;
}

static int
from_json(const struct ctl *c, const struct source *s,
    struct cedar_policies *ps, struct buf *out)
{
	const struct str text = buf_view(&s->text);
	struct cedar_policy_info info;
	struct cedar_why why = { 0 };

	if (cedar_policies_from_json(
		ps, is_one(text) ? STR("policy0") : STR(""), text, &why) != OK)
		return complain(c, s->path, &why);
	for (size_t i = 0; cedar_policy_info(ps, i, &info); i++)
		if (info.template_id.n > 0)
			return ctl_say(c, CTL_NO,
			    "%s: %.*s is a link, which text cannot hold",
			    s->path, STR_ARG(info.id));
	cedar_policies_put(ps, out);
	return ctl_put(out);
}

int
ctl_cedar_from_json(struct ctl *c)
{
	struct cedar_policies *ps = cedar_policies_new();
	struct buf out = { .max = OUT_MAX };
	struct source s;
	int status = read_source(c, &s);

	if (status == CTL_YES)
		status = from_json(c, &s, ps, &out);
	buf_done(&out);
	buf_done(&s.text);
	cedar_policies_free(ps);
	return status;
}
