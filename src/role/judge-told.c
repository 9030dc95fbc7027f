/*
 * judge-told: puts on record what the parent saw.  Promises that NOTED means
 * written, and that what the parent said first is written first.
 */
#include "role/judge-told.h"

enum {
	TOLD_MAX = 1024, /* the parent has no more under way */
	TOLD_BYTES = 1 << 20,
};

static struct {
	struct {
		uint64_t ref;
		struct buf rec; /* a tape */
	} waits[TOLD_MAX];
	size_t n;
	uint64_t ref, seq; /* the last that has a record; 0: it is noted */
} told;

static bool
record(struct line *l, uint64_t ref, struct jv rec)
{
	const uint64_t seq =
	    line_told(l, jv_str(jv_get(rec, STR("kind"))), rec);

	if (seq == 0)
		return false;
	told.ref = ref;
	told.seq = seq;
	return true;
}

void
told_take(struct line *l, const struct msg *m)
{
	if (told.n == 0 && record(l, msg_num(m, F_REF), msg_tree(m, F_REC)))
		return;
	if (told.n == TOLD_MAX) {
		log_line(LOG_ERROR, "told", "more than can wait");
		return;
	}
	told.waits[told.n].ref = msg_num(m, F_REF);
	told.waits[told.n].rec = (struct buf){ .max = TOLD_BYTES };
	buf_str(&told.waits[told.n++].rec, msg_text(m, F_REC));
}

void
told_tick(struct line *l)
{
	size_t done = 0;

	while (done < told.n && record(l, told.waits[done].ref,
				    jv_of(buf_view(&told.waits[done].rec))))
		buf_done(&told.waits[done++].rec);
	told.n -= done;
	memmove(told.waits, told.waits + done, told.n * sizeof(told.waits[0]));
}

void
told_written(const struct role_env *e, uint64_t seq)
{
	struct msg m = msg_of(MSG_NOTED);

	if (told.seq == 0 || seq < told.seq)
		return;
	told.seq = 0;
	msg_set(&m, F_REF, told.ref);
	if (chan_send(e->parent, &m) != OK)
		log_line(LOG_WARN, "told", "the parent does not hear");
}

void
told_stop(const struct role_env *e, struct line *l)
{
	told_tick(l);
	if (line_stop(l, e->why.n > 0 ? e->why : STR("told to")) == 0)
		log_line(LOG_WARN, "stop", "it could not be recorded");
}
