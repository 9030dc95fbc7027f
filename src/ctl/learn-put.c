/* learn-put.c: what was seen, as conditions of Cedar. */
#include "ctl/learn-in.h"

#include <stdlib.h>

#include "cedar/cedar.h"

/* Facts by which calls alike are told when the fit is loose; of the others only
 * what is always or never so. */
static const struct str loose[] = { STR_INIT(""), STR_INIT("host"),
	STR_INIT("scheme"), STR_INIT("port"), STR_INIT("verbs"),
	STR_INIT("tables"), STR_INIT("commands"), STR_INIT("minor"),
	STR_INIT("currency"), STR_INIT("bytes"), STR_INIT("n"),
	STR_INIT("kinds"), STR_INIT("algorithm"), STR_INIT("prefix"),
	STR_INIT("canonical") };

static void
put_text(struct buf *out, struct str s)
{
	cedar_value_put(out, cedar_string(s));
}

static bool
is_word(struct str s)
{
	static const struct str taken[] = { STR_INIT("true"), STR_INIT("false"),
		STR_INIT("if"), STR_INIT("then"), STR_INIT("else"),
		STR_INIT("in"), STR_INIT("is"), STR_INIT("like"),
		STR_INIT("has"), STR_INIT("__cedar") };

	for (size_t i = 0; i < countof(taken); i++)
		if (str_eq(taken[i], s))
			return false;
	for (size_t i = 0; i < s.n; i++) {
		const char c = s.p[i];
		const bool letter = (c >= 'a' && c <= 'z') ||
				    (c >= 'A' && c <= 'Z') || c == '_';

		if (!letter && !(i > 0 && c >= '0' && c <= '9'))
			return false;
	}
	return s.n > 0;
}

static void
put_member(struct buf *out, struct str name)
{
	if (is_word(name)) {
		buf_fmt(out, ".%.*s", STR_ARG(name));
		return;
	}
	buf_ch(out, '[');
	put_text(out, name);
	buf_ch(out, ']');
}

/* context.derived.path.host, or context.input.x */
static void
put_fact(struct buf *out, const struct seen_arg *a, const struct seen_fact *f)
{
	buf_fmt(out, "context.%s", a->kind == FACT_NONE ? "input" : "derived");
	put_member(out, a->name);
	if (f->name.n > 0)
		put_member(out, f->name);
}

static int
by_text(const void *a, const void *b)
{
	const struct str *x = a, *y = b;

	return str_cmp(*x, *y);
}

static void
put_values(struct buf *out, const struct seen_fact *f)
{
	struct str *at = mem_get((map_count(f->value) + 1) * sizeof(*at));
	size_t walk = 0, n = 0;
	void *v;

	while (map_next(f->value, &walk, &at[n], &v))
		n++;
	qsort(at, n, sizeof(*at), by_text);
	buf_ch(out, '[');
	for (size_t i = 0; i < n; i++) {
		buf_str(out, i > 0 ? STR(", ") : STR(""));
		if (f->type == FACT_IP) {
			buf_str(out, STR("ip("));
			put_text(out, at[i]);
			buf_ch(out, ')');
		} else {
			put_text(out, at[i]);
		}
	}
	buf_ch(out, ']');
	mem_free(at);
}

static bool
is_loose(struct str name)
{
	for (size_t i = 0; i < countof(loose); i++)
		if (str_eq(loose[i], name))
			return true;
	return false;
}

static void
put_dirs(struct buf *out, const struct seen_arg *a, const struct seen_fact *f)
{
	buf_str(out, STR("context.derived"));
	put_member(out, a->name);
	buf_str(out, STR(".under.containsAny(["));
	for (size_t i = 0; i < f->dir_n; i++) {
		buf_str(out, i > 0 ? STR(", ") : STR(""));
		put_text(out, buf_view(&f->dir[i]));
	}
	buf_str(out, STR("])"));
}

/* One fact that says it all. */
static bool
has_canonical(enum fact_kind k)
{
	return k == FACT_PATH || k == FACT_URL || k == FACT_CIDR;
}

/* Is there something to say of it? */
static bool
is_telling(const struct seen_arg *a, const struct seen_fact *f, enum fit fit)
{
	const size_t n = map_count(f->value);

	if (f->mixed || f->n != a->there)
		return false;
	if (f->type == FACT_BOOL)
		return f->yes != f->no;
	if (a->kind == FACT_PATH && fit == FIT_LOOSE)
		return f->dir_n > 0 && !f->wide;
	if (fit == FIT_LOOSE && !is_loose(f->name))
		return false;
	if (fit == FIT_EXACT && has_canonical(a->kind))
		return !f->many && str_eq(f->name, STR("canonical"));
	if (f->type == FACT_LONG)
		return true;
	return !f->many && (fit == FIT_EXACT || n <= SEEN_FEW);
}

static void
put_one(struct buf *out, const struct seen_arg *a, const struct seen_fact *f,
    enum fit fit)
{
	if (f->type == FACT_BOOL) {
		buf_str(out, f->yes ? STR("") : STR("!"));
		put_fact(out, a, f);
	} else if (f->dir_n > 0 && fit == FIT_LOOSE) {
		put_dirs(out, a, f);
	} else if (f->type == FACT_LONG) {
		put_fact(out, a, f);
		buf_fmt(out, " >= %lld && ", (long long)f->least);
		put_fact(out, a, f);
		buf_fmt(out, " <= %lld", (long long)f->most);
	} else if (f->type == FACT_SET && map_count(f->value) == 0) {
		put_fact(out, a, f);
		buf_str(out, STR(".isEmpty()"));
	} else if (f->type == FACT_SET) {
		put_values(out, f);
		buf_str(out, STR(".containsAll("));
		put_fact(out, a, f);
		buf_ch(out, ')');
	} else {
		put_values(out, f);
		buf_str(out, STR(".contains("));
		put_fact(out, a, f);
		buf_ch(out, ')');
	}
}

static void
put_there(struct buf *out, const struct seen_arg *a)
{
	const char *of = a->kind == FACT_NONE ? "input" : "derived";

	buf_fmt(out, "context has %s && context.%s has ", of, of);
	if (is_word(a->name))
		buf_str(out, a->name);
	else
		put_text(out, a->name);
}

/* " && ..." for each fact that tells. */
static void
put_facts(struct buf *out, const struct seen_arg *a, enum fit fit)
{
	for (size_t i = 0; i < a->n; i++)
		if (is_telling(a, &a->fact[i], fit)) {
			buf_str(out, STR(" && "));
			put_one(out, a, &a->fact[i], fit);
		}
}

static void
put_arg(struct buf *out, const struct seen_arg *a, enum fit fit)
{
	const size_t before = out->n;
	size_t none;

	if (a->unknown > 0)
		return;
	buf_str(out, a->there == 0 ? STR("unless { ")
		     : a->gone > 0 ? STR("when { if ")
				   : STR("when { "));
	put_there(out, a);
	if (a->there > 0 && a->gone > 0) {
		buf_str(out, STR(" then true"));
		none = out->n;
		put_facts(out, a, fit);
		if (out->n == none) { /* it may be there, and be anything */
			out->n = before;
			return;
		}
		buf_str(out, STR(" else true"));
	} else {
		put_facts(out, a, fit);
	}
	buf_str(out, STR(" }\n"));
}

void
seen_put(const struct seen_args *s, enum fit fit, bool plain, struct buf *out)
{
	for (size_t i = 0; i < s->n; i++)
		if (plain || s->arg[i].kind != FACT_NONE)
			put_arg(out, &s->arg[i], fit);
}

void
seen_put_gaps(const struct seen_args *s, struct buf *out)
{
	for (size_t i = 0; i < s->n; i++) {
		const struct seen_arg *a = &s->arg[i];

		if (a->unknown == 0)
			continue;
		buf_str(out, STR("// any value of "));
		put_text(out, a->name);
		buf_fmt(out, ": of %llu of these calls nobody kept it\n",
		    (unsigned long long)a->unknown);
	}
}
