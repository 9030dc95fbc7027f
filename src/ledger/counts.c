/* counts: the two small files of the log that say a number of each log. */
#include "ledger/ledger-in.h"

static enum err
number_of(struct jv v, uint64_t *out)
{
	int64_t n = 0;

	if (jv_i64(v, &n) != OK || n < 0)
		return ERR_SYNTAX;
	*out = (uint64_t)n;
	return OK;
}

static enum err
members_of(struct jv top, const char *name, struct ledger_counts *out)
{
	struct jit it = jit_of(jv_get(top, STR("cells")));
	const struct jv budget = jv_get(top, STR("budget"));
	struct jv v;

	TRY(number_of(jv_get(top, str_of(name)), &out->number));
	if (!jv_is(budget, J_NONE))
		TRY(number_of(budget, &out->budget));
	while (jit_next(&it, NULL, &v)) {
		if (out->cells == LEDGER_CELLS_MAX)
			return ERR_LIMIT;
		TRY(number_of(v, &out->cell[out->cells++]));
	}
	return OK;
}

enum err
ledger_counts_of(struct str text, const char *name, struct ledger_counts *out,
    struct note *why)
{
	struct buf tape = { .max = LEDGER_COUNTS_MAX };
	enum err e;

	*out = (struct ledger_counts){ .number = 0 };
	if (text.n == 0)
		return OK;
	e = json_parse(text, &json_default, &tape, why);
	if (e == OK) {
		e = members_of(jv_of(buf_view(&tape)), name, out);
		note_set(why, "not a number for \"%s\" and each log", name);
	}
	buf_done(&tape);
	return e;
}

void
ledger_counts_put(
    const struct ledger_counts *c, const char *name, struct buf *out)
{
	buf_fmt(
	    out, "{\"budget\":%llu,\"cells\":[", (unsigned long long)c->budget);
	for (unsigned i = 0; i < c->cells; i++)
		buf_fmt(out, "%s%llu", i > 0 ? "," : "",
		    (unsigned long long)c->cell[i]);
	buf_fmt(out, "],\"%s\":%llu}\n", name, (unsigned long long)c->number);
}
