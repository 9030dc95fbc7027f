/*
 * judge: the process around room line, one for each cell.  It sees typed
 * messages only: no socket, no JSON text, and of files one that it may append
 * to (judge-pen.c).  It carries messages between the line, that pen and the
 * channels, and nothing else.
 */
#include "line/line.h"

#include <openssl/sha.h>

#include "role/judge-pen.h"
#include "role/judge-side.h"
#include "role/judge-told.h"

enum { CELLS_MAX = 256, BACKS_MAX = 64 };
static const uint64_t tick_ns = 1000000000, hurry_ns = 100000000;
enum { PATIENCE = 3 }; /* ticks that fronts wait for a start of the ledger */

static struct judge {
	struct role_env *env;
	struct line *line;
	struct chan *front[CELLS_MAX];
	struct chan *back[BACKS_MAX];
	struct chan *ledger, *keys, *desk, *budget, *tiles;
	unsigned servers, ticks, beats;
	struct timer tick;
	/* Agents may speak before role ledger has: until its first word their
	 * fronts are not listened to, or their first call would be refused. */
	struct chan_fds early[CELLS_MAX + 1]; /* the last: desk's */
	bool is_early[CELLS_MAX + 1], open;
} judge;

static enum err
send(struct chan *c, const struct msg *m)
{
	return c == NULL ? ERR_GONE : chan_send(c, m);
}

static enum err
to_front(void *arg, unsigned front, const struct msg *m)
{
	(void)arg;
	return front < CELLS_MAX ? send(judge.front[front], m) : ERR_GONE;
}

static enum err
to_back(void *arg, unsigned upstream, const struct msg *m)
{
	(void)arg;
	return upstream < BACKS_MAX ? send(judge.back[upstream], m) : ERR_GONE;
}

static enum err
to_ledger(void *arg, const struct msg *m)
{
	enum err e;

	(void)arg;
	e = pen_record(m);
	if (e == OK)
		side_take(m);
	return e;
}

static enum err
ask_sync(const struct msg *m)
{
	return send(judge.ledger, m);
}

static void fronts_open(void);

static void
recorded(const struct msg *m)
{
	line_from_ledger(judge.line, m);
	if ((msg_num(m, F_FLAGS) & MF_STRICT) != 0)
		side_durable(msg_num(m, F_SEQ));
	if (msg_num(m, F_STATUS) == 0) {
		told_written(judge.env, msg_num(m, F_SEQ));
		told_tick(judge.line);
	}
	fronts_open();
}

/* What is recorded goes out before what waits for it. */
static void
flush(void *unused)
{
	pen_flush();
	chan_flush_all(unused);
	if (line_hurries(judge.line) &&
	    judge.tick.at > loop_now(judge.env->loop) + hurry_ns)
		loop_timer(judge.env->loop, &judge.tick, hurry_ns);
}

static enum err
to_keys(void *arg, const struct msg *m)
{
	(void)arg;
	return send(judge.keys, m);
}

static enum err
to_desk(void *arg, const struct msg *m)
{
	(void)arg;
	return send(judge.desk, m);
}

static enum err
to_budget(void *arg, const struct msg *m)
{
	(void)arg;
	return send(judge.budget, m);
}

static uint64_t
now(void *arg)
{
	(void)arg;
	return loop_now(judge.env->loop);
}

static uint64_t
wall(void *arg)
{
	(void)arg;
	return now_wall();
}

static unsigned
upstream_of(const struct chan *c)
{
	return chan_peer_instance(c) % (judge.servers == 0 ? 1 : judge.servers);
}

static void
got(struct chan *c, const struct msg *m)
{
	switch (chan_peer(c)) {
	case ROLE_FRONT:
		line_from_front(judge.line, chan_peer_instance(c), m);
		break;
	case ROLE_BACK:
		line_from_back(judge.line, upstream_of(c), m);
		break;
	case ROLE_LEDGER:
		pen_ledger_said(m);
		break;
	case ROLE_KEYS:
		line_from_keys(judge.line, m);
		break;
	case ROLE_DESK:
		line_from_desk(judge.line, m);
		break;
	case ROLE_BUDGET:
		line_from_budget(judge.line, m);
		break;
	case ROLE_TILES:
		if (m->kind == MSG_KEPT)
			side_said(m);
		else if (m->kind == MSG_ERASE || m->kind == MSG_PRUNE)
			side_erase_said(judge.line, m);
		break;
	case ROLE_PARENT:
	case ROLE_LOAD:
	case ROLE_JUDGE:
	case ROLE_DIAL:
	case ROLE_LAUNCH:
	case ROLE_FETCH:
	case ROLE_WITNESS:
	case ROLE_COSIGN:
	case ROLE_HAND:
	case ROLE__N:
		break;
	}
}

/* Where the channel to this peer is kept; NULL: we have no such peer. */
static struct chan **
place(enum role_id peer, unsigned instance)
{
	if (peer == ROLE_FRONT && instance < CELLS_MAX)
		return &judge.front[instance];
	if (peer == ROLE_BACK && judge.servers > 0)
		return &judge.back[instance % judge.servers];
	if (peer == ROLE_LEDGER)
		return &judge.ledger;
	if (peer == ROLE_DESK)
		return &judge.desk;
	if (peer == ROLE_BUDGET)
		return &judge.budget;
	if (peer == ROLE_TILES)
		return &judge.tiles;
	return peer == ROLE_KEYS ? &judge.keys : NULL;
}

static void
tell_lost(enum role_id peer, unsigned instance)
{
	if (peer == ROLE_FRONT)
		line_front_lost(judge.line, instance);
	else if (peer == ROLE_BACK)
		line_back_lost(judge.line, instance % judge.servers);
	else if (peer == ROLE_LEDGER) {
		pen_ledger_lost();
		line_ledger_lost(judge.line);
	} else if (peer == ROLE_DESK)
		line_desk_lost(judge.line);
	else if (peer == ROLE_BUDGET)
		line_budget_lost(judge.line);
	else if (peer == ROLE_TILES)
		side_chan(NULL);
}

static void
lost(struct chan *c)
{
	const enum role_id peer = chan_peer(c);
	const unsigned instance = chan_peer_instance(c);
	struct chan **at = place(peer, instance);

	if (at != NULL && *at == c)
		*at = NULL;
	chan_free(c);
	tell_lost(peer, instance);
}

static const struct chan_ops ops = { .got = got, .lost = lost };

static void
link_to(struct role_env *e, enum role_id peer, unsigned instance,
    struct chan_fds *fds)
{
	struct chan **at = place(peer, instance);

	if (at == NULL) {
		chan_fds_done(fds);
		return;
	}
	if ((peer == ROLE_FRONT || peer == ROLE_DESK) && !judge.open) {
		const unsigned i = peer == ROLE_DESK ? CELLS_MAX : instance;

		if (judge.is_early[i])
			chan_fds_done(&judge.early[i]);
		judge.early[i] = *fds;
		*fds = (struct chan_fds){ -1, -1, -1, -1, 0 }; /* ours now */
		judge.is_early[i] = true;
		return;
	}
	if (*at != NULL) { /* its successor came before its end was seen */
		chan_free(*at);
		*at = NULL;
		tell_lost(peer, instance);
	}
	*at = chan_new(e->loop, fds, ROLE_JUDGE, peer, instance, &ops, NULL);
	if (peer == ROLE_TILES)
		side_chan(*at);
}

static void
fronts_open(void)
{
	if (judge.open)
		return;
	judge.open = true;
	for (unsigned i = 0; i < CELLS_MAX; i++)
		if (judge.is_early[i])
			link_to(judge.env, ROLE_FRONT, i, &judge.early[i]);
	if (judge.is_early[CELLS_MAX])
		link_to(judge.env, ROLE_DESK, 0, &judge.early[CELLS_MAX]);
}

static void
drained(void)
{
	if (!judge.env->draining || line_busy(judge.line) != 0)
		return;
	side_tick(judge.line); /* what is gathered goes before the end */
	told_stop(judge.env, judge.line);
	flush(NULL);
	loop_stop(judge.env->loop);
}

static void
tick(struct timer *t)
{
	const bool hurry = line_tick(judge.line);

	if (++judge.ticks >= PATIENCE)
		fronts_open(); /* they are to be told that nothing is recorded
				*/
	if (++judge.beats % (hurry ? 10 : 1) == 0)
		side_tick(judge.line);
	told_tick(judge.line);
	drained();
	loop_timer(judge.env->loop, t, hurry ? hurry_ns : tick_ns);
}

static void
drain(struct role_env *e)
{
	(void)e;
	drained();
}

static void
from_parent(struct role_env *e, const struct msg *m)
{
	(void)e;
	if (m->kind == MSG_SEGMENT)
		pen_segment(msg_num(m, F_SEQ), msg_text(m, F_NAME), m->fd[0]);
	else if (m->kind == MSG_HAPPENED)
		told_take(judge.line, m);
}

static enum err
prepare(struct role_env *e, struct note *why)
{
	static const struct pen_ops pen = { ask_sync, recorded };
	const struct line_ports ports = { .front = to_front,
		.back = to_back,
		.ledger = to_ledger,
		.keys = to_keys,
		.desk = to_desk,
		.budget = to_budget,
		.now = now,
		.wall = wall,
		.random = random_bytes };

	unsigned char warm[SHA256_DIGEST_LENGTH];

	/* OpenSSL reads its configuration at first use: not behind the wall. */
	(void)SHA256((const unsigned char *)"", 0, warm);
	judge.env = e;
	judge.servers = (unsigned)jv_count(jv_get(e->image, STR("servers")));
	if (judge.servers > BACKS_MAX || e->cells > CELLS_MAX) {
		note_set(why, "more servers or cells than a judge can hold");
		return ERR_LIMIT;
	}
	TRY(line_new(e->image, e->instance, &ports, &judge.line, why));
	TRY(pen_begin(e, &pen, why));
	loop_hooks(e->loop, flush, chan_busy_any, NULL);
	role_links(e, link_to);
	judge.tick.fire = tick;
	loop_timer(e->loop, &judge.tick, tick_ns);
	return OK;
}

/* Rules, principals and limits change; a broken image changes nothing. */
static void
image(struct role_env *e, struct jv fresh)
{
	struct note why = { "" };

	(void)e;
	if (line_image(judge.line, fresh, &why) != OK)
		log_line(LOG_ERROR, "image", "%s", why.text);
}

const struct role role_judge = {
	.id = ROLE_JUDGE,
	.prepare = prepare,
	.link = link_to,
	.from_parent = from_parent,
	.image = image,
	.drain = drain,
};
