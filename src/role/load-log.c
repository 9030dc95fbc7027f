/* load-log.c: refuses to go on with a ledger that was rolled back. */
#include "role/load-log.h"

#include <limits.h>
#include <stdio.h>
#include <unistd.h>

#include "checkpoint/checkpoint.h"
#include "sys/sys.h"
#include "json/json.h"

enum { MERGED_MAX = 64 * 1024 };

enum err
load_log_holds(
    const char *log, uint64_t size, uint64_t merged, struct note *why)
{
	if (merged <= size)
		return OK;
	note_set(why,
	    "ledger, %s: it ends at record %llu, and record %llu is in the "
	    "log already: it was rolled back; restore it",
	    log, (unsigned long long)size, (unsigned long long)merged);
	return ERR_DENIED;
}

static enum err
number_read(struct jv v, uint64_t *out, struct note *why)
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
merged_read(struct jv top, struct load_log *out, size_t cells, struct note *why)
{
	struct jit it = jit_of(jv_get(top, STR("cells")));
	const struct jv budget = jv_get(top, STR("budget"));
	struct jv v;

	for (size_t i = 0; i < cells && jit_next(&it, NULL, &v); i++)
		TRY(number_read(v, &out->cell[i], why));
	/* without it nothing was taken of that log */
	return jv_is(budget, J_NONE) ? OK
				     : number_read(budget, &out->budget, why);
}

/* The size of the newest checkpoint; 0: none.  Whose it is, role keys asks. */
static enum err
signed_size(const char *state, uint64_t *out, struct note *why)
{
	struct buf text = { .max = SIGNED_MAX };
	struct signed_note *n = NULL;
	struct checkpoint c = { .size = 0 };
	char path[PATH_MAX];
	enum err e = OK;

	(void)snprintf(path, sizeof(path), "%.4000s/log/checkpoint", state);
	if (access(path, F_OK) == 0) {
		n = mem_get(sizeof(*n));
		e = file_read(path, SIGNED_MAX, &text, why);
		if (e == OK)
			e = signed_parse(buf_view(&text), n, why);
		if (e == OK)
			e = checkpoint_of(n->text, &c, why);
	}
	*out = c.size;
	mem_free(n);
	buf_done(&text);
	return e;
}

enum err
load_log_read(
    const char *state, size_t cells, struct load_log *out, struct note *why)
{
	struct buf text = { .max = MERGED_MAX }, tape = { .max = MERGED_MAX };
	struct jv top = { NULL, 0 };
	uint64_t last = 0;
	int64_t size = 0;
	char path[PATH_MAX];
	enum err e = signed_size(state, &last, why);

	(void)snprintf(path, sizeof(path), "%.4000s/log/merged", state);
	if (e == OK && access(path, F_OK) == 0) {
		e = file_read(path, MERGED_MAX, &text, why);
		if (e == OK)
			e = json_parse(
			    buf_view(&text), &json_default, &tape, why);
		top = jv_of(buf_view(&tape));
		if (e == OK)
			e = jv_i64(jv_get(top, STR("size")), &size);
	}
	if (e == OK && (size < 0 || (uint64_t)size < last)) {
		note_set(why,
		    "log/merged speaks of %lld entries, and a checkpoint of "
		    "%llu was signed: the log was rolled back; restore it",
		    (long long)size, (unsigned long long)last);
		e = ERR_DENIED;
	}
	*out = (struct load_log){ .budget = 0 };
	if (e == OK)
		e = merged_read(top, out, cells, why);
	buf_done(&text);
	buf_done(&tape);
	return e;
}
