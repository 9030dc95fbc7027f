/* merged.c: what of the logs is in the tree, and refuses to go on with a
 * ledger that was rolled back. */
#include "role/merged.h"

#include "checkpoint/checkpoint.h"
#include "json/json.h"

static enum err
number_of(struct jv v, uint64_t *out, struct note *why)
{
	int64_t n = 0;

	if (jv_i64(v, &n) != OK || n < 0) {
		note_set(why, "log/merged: not a number of records");
		return ERR_SYNTAX;
	}
	*out = (uint64_t)n;
	return OK;
}

static enum err
members_of(struct jv top, struct merged *out, struct note *why)
{
	struct jit it = jit_of(jv_get(top, STR("cells")));
	const struct jv budget = jv_get(top, STR("budget"));
	struct jv v;

	TRY(number_of(jv_get(top, STR("size")), &out->size, why));
	if (!jv_is(budget, J_NONE))
		TRY(number_of(budget, &out->budget, why));
	while (jit_next(&it, NULL, &v)) {
		if (out->cells == MERGED_CELLS_MAX) {
			note_set(
			    why, "log/merged: over %d cells", MERGED_CELLS_MAX);
			return ERR_LIMIT;
		}
		TRY(number_of(v, &out->cell[out->cells++], why));
	}
	return OK;
}

enum err
merged_of(struct str text, struct merged *out, struct note *why)
{
	struct buf tape = { .max = MERGED_MAX };
	struct note what = { .text = "" };
	enum err e = OK;

	*out = (struct merged){ .size = 0 };
	if (text.n == 0)
		return OK;
	e = json_parse(text, &json_default, &tape, &what);
	if (e != OK)
		note_set(why, "log/merged: %s", what.text);
	else
		e = members_of(jv_of(buf_view(&tape)), out, why);
	buf_done(&tape);
	return e;
}

void
merged_put(const struct merged *m, struct buf *out)
{
	buf_fmt(
	    out, "{\"budget\":%llu,\"cells\":[", (unsigned long long)m->budget);
	for (unsigned i = 0; i < m->cells; i++)
		buf_fmt(out, "%s%llu", i > 0 ? "," : "",
		    (unsigned long long)m->cell[i]);
	buf_fmt(out, "],\"size\":%llu}\n", (unsigned long long)m->size);
}

enum err
merged_holds(const struct merged *m, struct str checkpoint, struct note *why)
{
	struct signed_note *n;
	struct checkpoint c = { .size = 0 };
	struct note what = { .text = "" };
	enum err e;

	if (checkpoint.n == 0)
		return OK;
	n = mem_get(sizeof(*n));
	e = signed_parse(checkpoint, n, &what);
	if (e == OK)
		e = checkpoint_of(n->text, &c, &what);
	mem_free(n);
	if (e != OK)
		note_set(why, "log/checkpoint: %s", what.text);
	if (e != OK || m->size >= c.size)
		return e;
	note_set(why,
	    "log/merged speaks of %llu entries, and a checkpoint of %llu was "
	    "signed: the log was rolled back; restore it",
	    (unsigned long long)m->size, (unsigned long long)c.size);
	return ERR_DENIED;
}

enum err
merged_log_holds(
    const char *log, uint64_t size, uint64_t in_tree, struct note *why)
{
	if (in_tree <= size)
		return OK;
	note_set(why,
	    "ledger, %s: it ends at record %llu, and record %llu is in the "
	    "log already: it was rolled back; restore it",
	    log, (unsigned long long)size, (unsigned long long)in_tree);
	return ERR_DENIED;
}
