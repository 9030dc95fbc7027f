/*
 * ctl-cedar-authorize: one request against policies and entities in files, as
 * the authorizer sees it: decision, which policies made it, which failed.
 */
#include "ctl/ctl-cedar.h"

#include "cedar/cedar.h"
#include "ctl/ctl.h"
#include "sys/sys.h"
#include "json/json.h"

enum {
	TEXT_MAX = 256 * 1024 * 1024,
	ROOM = 256 * 1024 * 1024, /* for the request and the answer */
};

struct job {
	struct ctl *c;
	struct buf text;
	struct arena *a;
	struct cedar_policies *ps;
	struct cedar_schema *s;
	struct cedar_entities *es;
	struct cedar_engine *e;
	struct cedar_request *r;
	struct cedar_answer answer;
};

static void
job_done(struct job *j)
{
	cedar_engine_free(j->e);
	cedar_entities_free(j->es);
	cedar_schema_free(j->s);
	cedar_policies_free(j->ps);
	arena_free(j->a);
	buf_done(&j->text);
}

static int
complain(const struct job *j, const char *what, const struct cedar_why *why)
{
	if (why->line == 0)
		return ctl_say(
		    j->c, CTL_FAILED, "%s: %s", what, why->note.text);
	return ctl_say(j->c, CTL_FAILED, "%s:%u:%u: %s", what, why->line,
	    why->col, why->note.text);
}

static int
read_file(struct job *j, const char *path)
{
	struct note why = { "" };

	buf_done(&j->text);
	j->text = (struct buf){ .max = TEXT_MAX };
	if (file_read(path, TEXT_MAX, &j->text, &why) != OK)
		return ctl_say(j->c, CTL_FAILED, "%s: %s", path, why.text);
	return CTL_YES;
}

/* The first byte that is no white space says which of two forms a text is. */
static bool
is_json(struct str s)
{
	size_t i = 0;

	while (i < s.n && (s.p[i] == ' ' || s.p[i] == '\n' || s.p[i] == '\r' ||
			      s.p[i] == '\t'))
		i++;
	return i < s.n && s.p[i] == '{';
}

static int
read_schema(struct job *j)
{
	const char *path = ctl_option(j->c, "--schema");
	struct cedar_why why = { 0 };
	struct str text;
	int bad;

	if (path == NULL)
		return CTL_YES;
	bad = read_file(j, path);
	if (bad)
		return bad;
	text = buf_view(&j->text);
	if ((is_json(text) ? cedar_schema_from_json(text, &j->s, &why)
			   : cedar_schema_parse(text, &j->s, &why)) != OK)
		return complain(j, path, &why);
	return CTL_YES;
}

static int
read_policies(struct job *j)
{
	const char *path = ctl_option(j->c, "--policies");
	struct cedar_why why = { 0 };
	struct str text;
	const int bad = read_file(j, path);

	if (bad)
		return bad;
	text = buf_view(&j->text);
	j->ps = cedar_policies_new();
	if ((is_json(text)
		    ? cedar_policies_from_json(j->ps, STR(""), text, &why)
		    : cedar_policies_parse(j->ps, text, &why)) != OK)
		return complain(j, path, &why);
	if (cedar_engine_new(j->ps, &j->e, &why) != OK)
		return complain(j, path, &why);
	return CTL_YES;
}

static int
read_entities(struct job *j)
{
	const char *path = ctl_option(j->c, "--entities");
	struct cedar_why why = { 0 };
	const int bad = read_file(j, path);

	if (bad)
		return bad;
	if (cedar_entities_from_json(buf_view(&j->text), j->s, &j->es, &why) !=
	    OK)
		return complain(j, path, &why);
	return CTL_YES;
}

static int
read_request(struct job *j)
{
	static const char *const names[3] = { "--principal", "--action",
		"--resource" };
	const char *context = ctl_option(j->c, "--context");
	struct cedar_uid par[3];
	struct cedar_why why = { 0 };
	int bad;

	for (int i = 0; i < 3; i++)
		if (cedar_uid_parse(str_of(ctl_option(j->c, names[i])), j->a,
			&par[i], &why) != OK)
			return ctl_say(j->c, CTL_MISUSE,
			    "%s: %s (write it as Type::\"id\")", names[i],
			    why.note.text);
	buf_clear(&j->text);
	if (context != NULL && (bad = read_file(j, context)) != CTL_YES)
		return bad;
	if (cedar_request_new(
		par, buf_view(&j->text), j->s, j->a, &j->r, &why) != OK)
		return complain(j, "request", &why);
	return CTL_YES;
}

static struct str
policy_name(const struct job *j, uint32_t place)
{
	struct cedar_policy_info info = { 0 };

	(void)cedar_engine_policy(j->e, place, &info);
	return info.id;
}

/* ---- the answer ---- */
static void
put_json(const struct job *j, struct buf *out)
{
	const struct cedar_answer *w = &j->answer;
	struct buf tape = { .max = ROOM };
	const size_t all = tape_obj(&tape);
	size_t list;

	tape_key(&tape, STR("decision"));
	tape_str(
	    &tape, w->decision == CEDAR_ALLOW ? STR("allow") : STR("deny"));
	tape_key(&tape, STR("reason"));
	list = tape_arr(&tape);
	for (size_t i = 0; i < w->reason_n; i++)
		tape_str(&tape, policy_name(j, w->reason[i]));
	tape_end(&tape, list, w->reason_n);
	tape_key(&tape, STR("errors"));
	list = tape_arr(&tape);
	for (size_t i = 0; i < w->error_n; i++) {
		const size_t one = tape_obj(&tape);

		tape_key(&tape, STR("policy"));
		tape_str(&tape, policy_name(j, w->error[i].policy));
		tape_key(&tape, STR("message"));
		tape_str(&tape, str_of(w->error[i].note.text));
		tape_end(&tape, one, 2);
	}
	tape_end(&tape, list, w->error_n);
	tape_end(&tape, all, 3);
	json_write(jv_of(buf_view(&tape)), out);
	buf_ch(out, '\n');
	buf_done(&tape);
}

static void
put_words(const struct job *j, struct buf *out)
{
	const struct cedar_answer *w = &j->answer;

	buf_str(
	    out, w->decision == CEDAR_ALLOW ? STR("ALLOW\n") : STR("DENY\n"));
	for (size_t i = 0; i < w->reason_n; i++)
		buf_fmt(out, "because of %.*s\n",
		    STR_ARG(policy_name(j, w->reason[i])));
	for (size_t i = 0; i < w->error_n; i++)
		buf_fmt(out, "%.*s failed: %s\n",
		    STR_ARG(policy_name(j, w->error[i].policy)),
		    w->error[i].note.text);
}

static int
decide(struct job *j)
{
	struct buf out = { .max = ROOM };
	int bad;

	if (cedar_authorize(j->e, j->r, j->es, j->a, &j->answer) != OK)
		return ctl_say(j->c, CTL_FAILED, "the request is too large");
	if (j->c->json)
		put_json(j, &out);
	else
		put_words(j, &out);
	bad = ctl_put(&out);
	if (bad)
		return bad;
	return j->answer.decision == CEDAR_ALLOW ? CTL_YES : CTL_NO;
}

int
ctl_cedar_authorize(struct ctl *c)
{
	static const char *const needed[] = { "--policies", "--entities",
		"--principal", "--action", "--resource" };
	struct job j = { .c = c };
	int bad = CTL_YES;

	for (size_t i = 0; i < countof(needed); i++)
		if (ctl_option(c, needed[i]) == NULL)
			return ctl_say(
			    c, CTL_MISUSE, "%s is missing", needed[i]);
	j.a = arena_new(ROOM);
	if (bad == CTL_YES)
		bad = read_schema(&j);
	if (bad == CTL_YES)
		bad = read_policies(&j);
	if (bad == CTL_YES)
		bad = read_entities(&j);
	if (bad == CTL_YES)
		bad = read_request(&j);
	if (bad == CTL_YES)
		bad = decide(&j);
	job_done(&j);
	return bad;
}
