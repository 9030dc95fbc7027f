/*
 * ctl-inspect: "inspect": items on standard input, one JSON object a line, and
 * what the rules make of each.  "rules": their own cases, their cost, and why
 * they are there.
 */
#include "ctl/ctl-inspect.h"

#include "ctl/ctl.h"

enum { OUT_MAX = 64 * 1024, TAPE_MAX = 64 * 1024 * 1024 };

/* ---- inspect ---- */

struct run {
	struct ctl *c;
	struct rule_files files;
	struct inspect *look;
	struct buf tape, out;
};

static void
run_done(struct run *r)
{
	inspect_free(r->look);
	rule_files_done(&r->files);
	buf_done(&r->tape);
	buf_done(&r->out);
}

static int
run_open(struct run *r)
{
	const int status = rule_files_read(r->c, &r->files);

	r->tape.max = TAPE_MAX;
	r->out.max = OUT_MAX;
	if (status != CTL_YES)
		return status;
	r->look = inspect_new(r->files.rules);
	return r->look != NULL
		   ? CTL_YES
		   : ctl_say(r->c, CTL_FAILED, "no memory for the rules");
}

static void
put_report(
    struct run *r, struct jv item, const struct inspect_report *p, uint64_t ns)
{
	struct buf *b = &r->out;

	buf_str(b, STR("{\"id\":"));
	json_write(jv_get(item, STR("id")), b);
	buf_fmt(b, ",\"score\":%u.%02u,\"action\":\"%.*s\",\"rules\":[",
	    p->score / 100, p->score % 100,
	    STR_ARG(inspect_action_name(p->action)));
	for (size_t k = 0; k < p->found_n; k++) {
		const struct inspect_rule rule =
		    inspect_rules_at(r->files.rules, p->found[k]);

		buf_fmt(b, "%s\"%.*s\"", k == 0 ? "" : ",", STR_ARG(rule.id));
	}
	buf_fmt(b, "],%s\"microseconds\":%llu.%llu}\n",
	    p->unscanned ? "\"unscanned\":true," : "",
	    (unsigned long long)(ns / 1000),
	    (unsigned long long)(ns % 1000 / 100));
}

static int
one_line(struct run *r, struct str line, size_t nr)
{
	struct note why = { "" };
	struct inspect_report p;
	struct jv item;
	uint64_t t;

	buf_clear(&r->tape);
	if (json_parse(line, &json_default, &r->tape, &why) != OK)
		return ctl_say(r->c, CTL_NO, "line %zu: %s", nr, why.text);
	item = jv_of(buf_view(&r->tape));
	t = rules_clock();
	if (inspect_item(r->look, item, &p) != OK)
		return ctl_say(r->c, CTL_NO,
		    "line %zu: kind is tool_description, tool_result, "
		    "tool_arguments, user_prompt or tools_list_change",
		    nr);
	put_report(r, item, &p, rules_clock() - t);
	return ctl_put(&r->out);
}

int
ctl_inspect(struct ctl *c)
{
	__attribute__((cleanup(run_done))) struct run r = { .c = c };
	char *line = NULL;
	size_t cap = 0, nr = 0;
	ssize_t n;
	int status, worst = CTL_YES;

	if (ctl_option(c, "--jsonl") == NULL)
		return ctl_say(c, CTL_MISUSE,
		    "--jsonl is missing: items come as one JSON object a "
		    "line");
	status = run_open(&r);
	while (status == CTL_YES && (n = getline(&line, &cap, stdin)) > 0) {
		const struct str s = { line, (size_t)n };

		nr++;
		if (s.n < 2)
			continue;
		status = one_line(&r, s, nr);
		if (status == CTL_NO) { /* said; the others still count */
			worst = CTL_NO;
			status = CTL_YES;
		}
	}
	free(line);
	return status == CTL_YES ? worst : status;
}

/* ---- rules ---- */

static enum inspect_plane
first_plane(unsigned planes)
{
	enum inspect_plane p = 0;

	while ((planes >> p & 1) == 0)
		p++;
	return p;
}

/* What a case is: a text where the rule's first plane is, or what it says. */
static struct inspect_text
text_of(struct jv one, unsigned planes)
{
	struct inspect_text t = { first_plane(planes), jv_str(one),
		jv_str(jv_get(one, STR("tool"))),
		jv_str(jv_get(one, STR("key"))) };

	if (!jv_is(one, J_OBJ))
		return t;
	t.text = jv_str(jv_get(one, STR("text")));
	for (enum inspect_plane p = 0; p < INSPECT_PLANES; p++)
		if (str_eq(inspect_plane_name(p),
			jv_str(jv_get(one, STR("plane")))))
			t.plane = p;
	return t;
}

static size_t
try_cases(struct run *r, size_t rule, bool find, size_t *tried)
{
	const struct inspect_rule x = inspect_rules_at(r->files.rules, rule);
	struct jit it = jit_of(jv_get(x.all, find ? STR("find") : STR("miss")));
	size_t bad = 0;
	struct jv one;

	while (jit_next(&it, NULL, &one)) {
		const struct inspect_text t = text_of(one, x.planes);
		struct inspect_report p;
		bool found = false;

		inspect_look(r->look, &t, 1, &p);
		for (size_t k = 0; k < p.found_n; k++)
			found = found || p.found[k] == rule;
		++*tried;
		if (found == find)
			continue;
		bad++;
		printf("FAIL %s: %.*s %s this\n",
		    rule_place(&r->files, one).text, STR_ARG(x.id),
		    find ? "does not find" : "must not find");
	}
	return bad;
}

int
ctl_rules_test(struct ctl *c)
{
	__attribute__((cleanup(run_done))) struct run r = { .c = c };
	const int status = run_open(&r);
	size_t bad = 0, tried = 0, n;

	if (status != CTL_YES)
		return status;
	n = inspect_rules_n(r.files.rules);
	for (size_t i = 0; i < n; i++) {
		bad += try_cases(&r, i, true, &tried);
		bad += try_cases(&r, i, false, &tried);
	}
	if (c->json)
		printf("{\"rules\":%zu,\"cases\":%zu,\"failed\":%zu}\n", n,
		    tried, bad);
	else
		printf("%zu rules, %zu cases, %zu failed\n", n, tried, bad);
	return bad == 0 ? CTL_YES : CTL_NO;
}

int
ctl_rules_bench(struct ctl *c)
{
	__attribute__((cleanup(run_done))) struct run r = { .c = c };
	const int status = run_open(&r);

	if (status != CTL_YES)
		return status;
	for (size_t i = 0; i < inspect_rules_n(r.files.rules); i++) {
		const struct inspect_rule x =
		    inspect_rules_at(r.files.rules, i);

		if (c->json)
			printf("{\"id\":\"%.*s\",\"ns_per_kb\":%llu}\n",
			    STR_ARG(x.id), (unsigned long long)x.ns_kb);
		else
			printf("%8llu ns/KB  %.*s\n",
			    (unsigned long long)x.ns_kb, STR_ARG(x.id));
	}
	return CTL_YES;
}

static void
put_rule(const struct rule_files *f, const struct inspect_rule *x, bool json)
{
	struct buf b = { .max = TAPE_MAX };

	if (!json) {
		buf_fmt(&b, "%.*s, revision %lld: %.*s\n", STR_ARG(x->id),
		    (long long)x->revision, STR_ARG(x->what));
		buf_fmt(&b, "%s, action %.*s, score %u, %llu ns/KB\n",
		    rule_place(f, x->all).text,
		    STR_ARG(x->action == INSPECT_NOTE
				? STR("note")
				: inspect_action_name(x->action)),
		    x->score, (unsigned long long)x->ns_kb);
	}
	json_write(x->all, &b);
	buf_ch(&b, '\n');
	(void)ctl_put(&b);
	buf_done(&b);
}

int
ctl_rules_explain(struct ctl *c)
{
	__attribute__((cleanup(run_done))) struct run r = { .c = c };
	const int status = run_open(&r);

	if (status != CTL_YES)
		return status;
	for (size_t i = 0; i < inspect_rules_n(r.files.rules); i++) {
		const struct inspect_rule x =
		    inspect_rules_at(r.files.rules, i);

		if (str_eq(x.id, str_of(c->arg[0]))) {
			put_rule(&r.files, &x, c->json);
			return CTL_YES;
		}
	}
	return ctl_say(c, CTL_NO, "%s: there is no rule of that id", c->arg[0]);
}
