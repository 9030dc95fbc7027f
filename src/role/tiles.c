/*
 * tiles.c: the role that makes one transparency log of what the cells wrote:
 * RFC 6962 tree, tiles, entry bundles, checkpoints (C2SP), as static files that
 * others' tools read.  It runs behind the calls, none of which waits for it.
 * Promises that a checkpoint is asked for only of what is on the disk, and put
 * in its place only when role keys signed it, and the witnesses that must have
 * cosigned it (tiles-head.c).  It sees records and knows none
 * of what they mean; what it gets wrong every proof shows.
 */
#include <unistd.h>

#include "role/side.h"
#include "role/tiles-in.h"

enum { ROUND_MS = 1000, ROUND_RECORDS = 20000, SOON_MS = 10, LAST_MS = 200 };

static struct {
	struct role_env *env;
	struct merge *merge;
	struct chan *keys, *fetch;
	struct timer round, last;
	uint64_t asked; /* of keys: a size */
	bool ending;
} tiles;

static void
ask(void)
{
	const struct tlog_hash root = merge_root(tiles.merge);
	struct msg m = msg_of(MSG_CHECKPOINT);

	if (tiles.keys == NULL || head_busy() ||
	    merge_size(tiles.merge) <= head_signed())
		return;
	msg_set(&m, F_SEQ, merge_size(tiles.merge));
	msg_set_text(
	    &m, F_BYTES, (struct str){ (const char *)root.b, sizeof(root.b) });
	if (chan_send(tiles.keys, &m) == OK) {
		const struct ledger_counts of = merge_counts(tiles.merge);

		tiles.asked = merge_size(tiles.merge);
		prune_asked(&of);
	}
}

static void
end_if_done(void)
{
	if (tiles.ending && !head_busy() && vault_quiet() &&
	    (tiles.keys == NULL || head_signed() == merge_size(tiles.merge)))
		loop_stop(tiles.env->loop);
}

static void
round_fire(struct timer *t)
{
	struct note why = { .text = "" };
	bool more = false;

	if (merge_some(tiles.merge, ROUND_RECORDS, &more, &why) != OK) {
		/* What the files hold is not known: begin anew from there. */
		log_line(LOG_ERROR, "log-broken", "%s", why.text);
		_exit(4);
	}
	gauge(CNT_LOG_ENTRIES, merge_size(tiles.merge));
	head_tick();
	vault_round();
	if (!tiles.ending)
		prune_round();
	if (tiles.asked < merge_size(tiles.merge) ||
	    (tiles.asked > head_signed() && !more))
		ask();
	if (!more)
		end_if_done();
	loop_timer(tiles.env->loop, t,
	    (uint64_t)(more ? SOON_MS : ROUND_MS) * 1000000);
}

static void
keys_said(struct chan *c, const struct msg *m)
{
	(void)c;
	if (m->kind != MSG_CHECKPOINTED || msg_num(m, F_STATUS) != 0 ||
	    msg_num(m, F_SEQ) <= head_signed() ||
	    msg_num(m, F_SEQ) > tiles.asked)
		return;
	if (head_take(msg_num(m, F_SEQ), msg_text(m, F_TEXT)) != OK) {
		log_line(LOG_ERROR, "log-broken", "checkpoint not written");
		return;
	}
	prune_signed(msg_num(m, F_SEQ));
	end_if_done();
}

static void
keys_lost(struct chan *c)
{
	chan_free(c);
	tiles.keys = NULL;
	tiles.asked = head_signed();
	end_if_done();
}

static void
fetch_said(struct chan *c, const struct msg *m)
{
	(void)c;
	if (m->kind != MSG_POSTED)
		return;
	head_posted(m);
	end_if_done();
}

static void
fetch_lost(struct chan *c)
{
	chan_free(c);
	tiles.fetch = NULL;
	head_fetch(NULL);
}

static void
link_to(struct role_env *e, enum role_id peer, unsigned instance,
    struct chan_fds *fds)
{
	static const struct chan_ops ops = { keys_said, keys_lost };
	static const struct chan_ops others = { fetch_said, fetch_lost };

	if (peer == ROLE_FETCH) {
		if (tiles.fetch != NULL)
			fetch_lost(tiles.fetch);
		tiles.fetch = chan_new(
		    e->loop, fds, ROLE_TILES, peer, instance, &others, NULL);
		head_fetch(tiles.fetch);
	}
	if (peer == ROLE_JUDGE)
		vault_link(e, instance, fds);
	if (peer != ROLE_KEYS)
		return;
	if (tiles.keys != NULL)
		keys_lost(tiles.keys);
	tiles.keys =
	    chan_new(e->loop, fds, ROLE_TILES, peer, instance, &ops, NULL);
}

/* The first round opens what there is: nothing is read before the walls. */
static void
open_fire(struct timer *t)
{
	struct note why = { .text = "" };

	if (merge_open(tiles.env->cells, &tiles_disk, &tiles.merge, &why) !=
	    OK) {
		log_line(LOG_ERROR, "log-broken", "%s", why.text);
		_exit(4);
	}
	prune_left();
	t->fire = round_fire;
	round_fire(t);
}

static enum err
prepare(struct role_env *e, struct note *why)
{
	tiles.env = e;
	TRY(head_prepare(e, why));
	for (size_t i = 0; i < e->given_n; i++)
		if (strcmp(e->given[i].name, "log") == 0 &&
		    fchdir(e->given[i].fd[0]) == 0) {
			vault_open(e);
			prune_open(e);
			role_links(e, link_to);
			tiles.round.fire = open_fire;
			loop_timer(e->loop, &tiles.round, 0);
			return OK;
		}
	note_set(why, "no directory for the log");
	return ERR_OS;
}

/* What witnesses have not said by now the next life asks them again. */
static void
last_fire(struct timer *t)
{
	(void)t;
	loop_stop(tiles.env->loop);
}

static void
drain(struct role_env *e)
{
	tiles.ending = true;
	tiles.last.fire = last_fire;
	loop_timer(e->loop, &tiles.last, (uint64_t)LAST_MS * 1000000);
	loop_timer(e->loop, &tiles.round, 0);
}

const struct role role_tiles = {
	.id = ROLE_TILES,
	.prepare = prepare,
	.link = link_to,
	.drain = drain,
};
