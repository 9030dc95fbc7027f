/* merged.c: refuses to go on with a ledger that was rolled back. */
#include "role/merged.h"

#include "checkpoint/checkpoint.h"

enum err
merged_holds(
    const struct ledger_counts *m, struct str checkpoint, struct note *why)
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
	if (e != OK || m->number >= c.size)
		return e;
	note_set(why,
	    "log/merged speaks of %llu entries, and a checkpoint of %llu was "
	    "signed: the log was rolled back; restore it",
	    (unsigned long long)m->number, (unsigned long long)c.size);
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
