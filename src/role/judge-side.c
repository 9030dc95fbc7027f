/*
 * judge-side.c: content on its way to the side store.  It is gathered and sent
 * behind the calls, none of which waits for it: what finds no room, or what
 * role tiles does not confirm, is lost, and a record says so.
 */
#include "role/judge-side.h"

enum {
	BATCH = 256 * 1024,	/* sent when it is so large, or a second old */
	GATHERED_MAX = 4 << 20, /* while role tiles is not there */
	PENDING_MAX = 4 << 20,	/* while it does not read */
	UNDER_WAY = 256,	/* batches that are not confirmed */
	ERASURES = 8
};

/* Records whose content is meant. */
struct range {
	uint64_t batch, first, last, n;
};
static struct side {
	struct chan *tiles;
	struct buf gathered;
	struct range now, lost;
	struct range under_way[UNDER_WAY]; /* a ring */
	size_t from, n;
	uint64_t batch;
	struct {
		uint64_t ref, seq;
	} erasure[ERASURES]; /* recorded, not durable */
	size_t erasures;
} side = { .gathered = { .max = GATHERED_MAX } };

static void
lose(const struct range *r)
{
	if (r->n == 0)
		return;
	if (side.lost.n == 0 || r->first < side.lost.first)
		side.lost.first = r->first;
	if (r->last > side.lost.last)
		side.lost.last = r->last;
	side.lost.n += r->n;
}

static void
send_gathered(void)
{
	struct msg m = msg_of(MSG_CONTENT);

	if (side.gathered.n == 0 || side.tiles == NULL)
		return;
	side.now.batch = ++side.batch;
	msg_set(&m, F_SEQ, side.now.batch);
	msg_set_text(&m, F_BYTES, buf_view(&side.gathered));
	if (side.n < UNDER_WAY && chan_pending(side.tiles) < PENDING_MAX &&
	    chan_send(side.tiles, &m) == OK)
		side.under_way[(side.from + side.n++) % UNDER_WAY] = side.now;
	else
		lose(&side.now);
	side.now = (struct range){ .n = 0 };
	mem_wipe(side.gathered.p, side.gathered.n);
	buf_clear(&side.gathered);
}

void
side_take(const struct msg *m)
{
	const struct side_item i = { .seq = msg_num(m, F_SEQ),
		.until = msg_num(m, F_TIME),
		.subject = msg_text(m, F_NAME),
		.content = msg_text(m, F_BYTES) };
	const struct range one = { 0, i.seq, i.seq, 1 };

	if (i.content.n == 0)
		return;
	if (i.content.n + SIDE_SUBJECT_MAX + 32 >
	    GATHERED_MAX - side.gathered.n) {
		lose(&one);
		return;
	}
	side_item_put(&side.gathered, &i);
	if (side.now.n++ == 0)
		side.now.first = i.seq;
	side.now.last = i.seq;
	if (side.gathered.n >= BATCH)
		send_gathered();
}

void
side_chan(struct chan *tiles)
{
	side.tiles = tiles;
	for (; side.n > 0; side.n--)
		lose(&side.under_way[side.from++ % UNDER_WAY]);
	side.from = 0;
}

void
side_said(const struct msg *m)
{
	const bool good = msg_num(m, F_STATUS) == 0;

	while (side.n > 0 &&
	       side.under_way[side.from].batch <= msg_num(m, F_SEQ)) {
		const struct range *r = &side.under_way[side.from];

		if (!good)
			lose(r);
		side.from = (side.from + 1) % UNDER_WAY;
		side.n--;
	}
}

void
side_tick(struct line *l)
{
	send_gathered();
	if (side.lost.n > 0 &&
	    line_content_lost(l, side.lost.first, side.lost.last, side.lost.n))
		side.lost = (struct range){ .n = 0 };
}

/* ---- erasures ---- */

static void
answer(uint64_t ref, uint64_t seq)
{
	struct msg m = msg_of(MSG_ERASED);

	msg_set(&m, F_REF, ref);
	if (seq != 0)
		msg_set(&m, F_SEQ, seq);
	else
		msg_set(&m, F_STATUS, ERR_GONE);
	if (side.tiles != NULL && chan_send(side.tiles, &m) != OK)
		log_line(LOG_WARN, "erase", "role tiles does not read");
}

void
side_erase_said(struct line *l, const struct msg *m)
{
	const uint64_t ref = msg_num(m, F_REF);
	const uint64_t seq =
	    side.erasures < ERASURES
		? line_told(l,
		      m->kind == MSG_PRUNE ? STR("prune") : STR("erasure"),
		      msg_tree(m, F_REC))
		: 0;

	if (seq == 0) {
		answer(ref, 0); /* tiles asks again */
		return;
	}
	side.erasure[side.erasures].ref = ref;
	side.erasure[side.erasures++].seq = seq;
}

void
side_durable(uint64_t seq)
{
	size_t left = 0;

	for (size_t i = 0; i < side.erasures; i++)
		if (side.erasure[i].seq <= seq)
			answer(side.erasure[i].ref, side.erasure[i].seq);
		else
			side.erasure[left++] = side.erasure[i];
	side.erasures = left;
}
