/* budget.c: the rows of the configuration, and which calls they are about. */
#include "budget/budget.h"

static const struct str words[BUDGET__N] = {
	[BUDGET_CALLS] = STR_INIT("calls"),
	[BUDGET_BYTES] = STR_INIT("bytes"),
	[BUDGET_SPEND] = STR_INIT("spend"),
	[BUDGET_DESTINATIONS] = STR_INIT("destinations"),
	[BUDGET_AGENTS] = STR_INIT("agents"),
	[BUDGET_DEPTH] = STR_INIT("depth"),
};

struct str
budget_word(enum budget_of of)
{
	return (unsigned)of < BUDGET__N ? words[of] : STR("");
}

bool
budget_distinct(enum budget_of of)
{
	return of == BUDGET_DESTINATIONS || of == BUDGET_AGENTS;
}

static bool
word_of(struct str s, enum budget_of *out)
{
	for (unsigned i = 0; i < BUDGET__N; i++)
		if (str_eq(words[i], s)) {
			*out = (enum budget_of)i;
			return true;
		}
	return false;
}

static bool
number(struct jv v, const char *key, uint64_t *out)
{
	int64_t n;

	if (jv_i64(jv_get(v, str_of(key)), &n) != OK || n < 0 ||
	    n > BUDGET_MOST)
		return false;
	*out = (uint64_t)n;
	return true;
}

static enum err
row_of(struct jv v, struct budget *b)
{
	const struct str per = jv_str(jv_get(v, STR("per")));

	b->name = jv_str(jv_get(v, STR("name")));
	b->subtree = str_eq(per, STR("subtree"));
	b->currency = jv_str(jv_get(v, STR("currency")));
	b->principal = jv_str(jv_get(v, STR("principal")));
	b->server = jv_str(jv_get(v, STR("server")));
	b->tool = jv_str(jv_get(v, STR("tool")));
	b->risk = jv_get(v, STR("risk"));
	if (b->name.n == 0 || b->name.n > BUDGET_NAME_MAX ||
	    b->principal.n == 0 || b->server.n == 0 || b->tool.n == 0 ||
	    !jv_is(b->risk, J_ARR) ||
	    (!b->subtree && !str_eq(per, STR("principal"))) ||
	    !word_of(jv_str(jv_get(v, STR("of"))), &b->of) ||
	    !number(v, "limit", &b->limit) ||
	    !number(v, "window_ms", &b->window) ||
	    !number(v, "lease", &b->lease) || b->lease == 0)
		return ERR_SYNTAX;
	return OK;
}

enum err
budgets_of(struct jv image, struct budgets *out, struct note *why)
{
	struct jit it = jit_of(jv_get(image, STR("budgets")));
	struct jv v;

	*out = (struct budgets){ .n = 0 };
	while (jit_next(&it, NULL, &v)) {
		if (out->n == BUDGETS_MAX) {
			note_set(why, "more than %d budgets", BUDGETS_MAX);
			return ERR_LIMIT;
		}
		if (row_of(v, &out->at[out->n]) != OK) {
			note_set(why, "budget %zu of the image is broken",
			    out->n + 1);
			return ERR_SYNTAX;
		}
		out->n++;
	}
	return OK;
}

const struct budget *
budget_find(const struct budgets *b, struct str name)
{
	for (size_t i = 0; i < b->n; i++)
		if (str_eq(b->at[i].name, name))
			return &b->at[i];
	return NULL;
}

static bool
risks(struct jv wanted, const struct str *risk, size_t n)
{
	struct jit it = jit_of(wanted);
	struct jv v;

	while (jit_next(&it, NULL, &v))
		for (size_t i = 0; i < n; i++)
			if (str_eq(jv_str(v), risk[i]))
				return true;
	return jv_count(wanted) == 0;
}

bool
budget_matches(const struct budget *b, struct str server, struct str tool,
    const struct str *risk, size_t risk_n)
{
	return str_glob(b->server, server) && str_glob(b->tool, tool) &&
	       risks(b->risk, risk, risk_n);
}
