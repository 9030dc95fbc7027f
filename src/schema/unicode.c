/* unicode: which code points \p{...} means.  The tables are made by
 * tool/unicode; automata carry ranges, so only a compiler looks here. */
#include "schema/schema-in.h"

#include "schema/unicode-category.h"
#include "schema/unicode-script.h"

enum { CODE_POINTS = 0x110000 };

/* Groups of categories: by the first letter, and the one that is two. */
static const struct {
	struct uni_name name;
	const char *of; /* short names, one after another */
} groups[] = {
	{ { STR_INIT("C"), STR_INIT("Other") }, "Cc Cf Cn Co Cs" },
	{ { STR_INIT("L"), STR_INIT("Letter") }, "Ll Lm Lo Lt Lu" },
	{ { STR_INIT("LC"), STR_INIT("Cased_Letter") }, "Ll Lt Lu" },
	{ { STR_INIT("M"), STR_INIT("Mark") }, "Mc Me Mn" },
	{ { STR_INIT("M"), STR_INIT("Combining_Mark") }, "Mc Me Mn" },
	{ { STR_INIT("N"), STR_INIT("Number") }, "Nd Nl No" },
	{ { STR_INIT("P"), STR_INIT("Punctuation") }, "Pc Pd Pe Pf Pi Po Ps" },
	{ { STR_INIT("P"), STR_INIT("punct") }, "Pc Pd Pe Pf Pi Po Ps" },
	{ { STR_INIT("S"), STR_INIT("Symbol") }, "Sc Sk Sm So" },
	{ { STR_INIT("Z"), STR_INIT("Separator") }, "Zl Zp Zs" },
	{ { STR_INIT("Cc"), STR_INIT("cntrl") }, "Cc" },
	{ { STR_INIT("Nd"), STR_INIT("digit") }, "Nd" },
	{ { STR_INIT("Assigned"), STR_INIT("Assigned") },
	    "Cc Cf Co Cs Ll Lm Lo Lt Lu Mc Me Mn Nd Nl No Pc Pd Pe Pf Pi Po Ps "
	    "Sc Sk Sm So Zl Zp Zs" },
};

static bool
is_named(const struct uni_name *n, struct str name)
{
	return str_eq(n->brief, name) || str_eq(n->full, name);
}

struct table {
	const struct uni_name *names;
	const uint32_t *runs;
	size_t names_n, runs_n;
};
static const struct table category = { category_names, category_runs,
	countof(category_names), countof(category_runs) };
static const struct table script = { script_names, script_runs,
	countof(script_names), countof(script_runs) };

static bool
one(const struct table *t, struct str name, range_add *add, void *arg)
{
	uint32_t k = 0, next;

	while (k < t->names_n && !is_named(&t->names[k], name))
		k++;
	if (k == t->names_n)
		return false;
	for (size_t i = 0; i < t->runs_n; i++) {
		next = i + 1 < t->runs_n ? t->runs[i + 1] >> 8 : CODE_POINTS;
		if ((t->runs[i] & 0xff) == k)
			add(arg, t->runs[i] >> 8, next - 1);
	}
	return true;
}

static bool
categories(struct str name, range_add *add, void *arg)
{
	struct str rest, part;

	if (one(&category, name, add, arg))
		return true;
	for (size_t i = 0; i < countof(groups); i++) {
		if (!is_named(&groups[i].name, name))
			continue;
		rest = str_of(groups[i].of);
		while (str_split(&rest, ' ', &part))
			(void)one(&category, part, add, arg);
		return true;
	}
	return false;
}

bool
unicode_ranges(struct str name, struct str value, range_add *add, void *arg)
{
	if (value.n == 0) {
		if (str_eq(name, STR("Any")))
			add(arg, 0, CODE_POINTS - 1);
		else if (str_eq(name, STR("ASCII")))
			add(arg, 0, 0x7f);
		else
			return categories(name, add, arg);
		return true;
	}
	if (str_eq(name, STR("General_Category")) || str_eq(name, STR("gc")))
		return categories(value, add, arg);
	return (str_eq(name, STR("Script")) || str_eq(name, STR("sc"))) &&
	       one(&script, value, add, arg);
}
