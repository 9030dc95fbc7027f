/*
 * ledger-role.c: the process that writes one cell's log.  In a round of the
 * loop every record that arrived is staged, all are written at once, and what
 * need not be durable is acknowledged; the rest when a sync has covered it.
 *
 * Promises that nothing is acknowledged that is not written, nothing as durable
 * that no sync covered, and nothing at all after a write or a sync has failed:
 * what the disk then holds is not known.  It refuses to know what records mean.
 */
#include <fcntl.h>
#include <signal.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "jail/jail.h"
#include "ledger/ledger.h"
#include "role/ledger-sync.h"
#include "role/role.h"

enum { SEGMENT_FULL = 64 * 1024 * 1024 };
/* A sync of what need not be durable begins within 5 ms: the loop may round a
 * timer up by one. */
static const uint64_t batch_ns = 4000000;

static struct ledger_role {
	struct role_env *env;
	struct disk disk;
	struct ledger *ledger;
	struct syncer *sync;
	struct watch synced;
	struct timer batch;
	struct chan *judge;
	bool refused;	    /* this judge: it broke the numbering */
	uint64_t strict;    /* its last record that waits for a sync; 0 none */
	uint64_t plain;	    /* its last of this round that does not */
	uint64_t segment;   /* its number */
	uint64_t asked_at;  /* bytes of it when the next was asked for */
	uint64_t written;   /* last record that write() took */
	uint64_t durable;   /* last record that a sync covered */
	uint64_t sync_want; /* last record that a sync under way will cover */
	int fd;
	bool broken;
} role = { .fd = -1 };

/* ---- the disk ---- */

static enum err
disk_write(struct disk *d, struct str s)
{
	(void)d;
	while (s.n > 0) {
		size_t n = 0;
		const enum err e = fd_write(role.fd, s, &n);

		if (e != OK)
			return ERR_OS;
		s = str_sub(s, n, s.n - n);
	}
	return OK;
}

static enum err
disk_sync(struct disk *d)
{
	(void)d;
	count(CNT_SYNCS);
	return fdatasync(role.fd) < 0 ? ERR_OS : OK;
}

/* ---- what the judge is told ---- */

static void
tell(uint64_t seq, uint64_t flags, enum err status)
{
	struct msg m = msg_of(MSG_RECORDED);

	if (role.judge == NULL)
		return;
	msg_set(&m, F_SEQ, seq);
	if (flags != 0)
		msg_set(&m, F_FLAGS, flags);
	if (status != OK)
		msg_set(&m, F_STATUS, (uint64_t)status);
	if (chan_send(role.judge, &m) != OK)
		role.refused = true; /* it does not read: its channel ends */
}

static void
refuse(enum err status)
{
	role.refused = true;
	role.strict = role.plain = 0;
	tell(role.written, 0, status);
}

static void
break_down(const char *what)
{
	if (role.broken)
		return;
	role.broken = true;
	counters[CNT_LEDGER_BROKEN] = 1;
	log_line(LOG_ERROR, "ledger-broken",
	    "%s: nothing is recorded until this role is started again", what);
	refuse(ERR_OS);
}

/* ---- syncing ---- */

static void
sync_begin(void)
{
	if (role.sync_want > role.durable)
		return; /* one is under way; its end looks again */
	role.sync_want = role.written;
	loop_timer_off(role.env->loop, &role.batch);
	syncer_kick(role.sync);
}

static void
sync_ended(struct watch *w, unsigned what)
{
	(void)w;
	(void)what; /* the eventfd is never read: each kick is an edge */
	if (role.broken)
		return;
	if (syncer_done(role.sync, &role.durable) != OK) {
		break_down("a sync failed");
		return;
	}
	if (role.strict != 0)
		tell(role.durable, MF_STRICT, OK);
	if (role.strict <= role.durable)
		role.strict = 0;
	if (role.strict != 0)
		sync_begin();
	else if (role.written > role.durable && role.batch.at == 0)
		loop_timer(role.env->loop, &role.batch, batch_ns);
}

static void
batch_due(struct timer *t)
{
	(void)t;
	if (!role.broken && role.written > role.durable)
		sync_begin();
}

/* ---- a round ---- */

static void
ask_next_segment(void)
{
	struct msg m = msg_of(MSG_FULL);
	const uint64_t bytes = ledger_bytes(role.ledger);

	if (bytes < role.asked_at + SEGMENT_FULL)
		return;
	role.asked_at = bytes;
	msg_set(&m, F_SEQ, role.segment);
	if (chan_send(role.env->parent, &m) != OK)
		log_line(LOG_ERROR, "ledger-full", "the parent does not hear");
}

/* Writes what is staged and acknowledges what need not be durable. */
static void
round_end(void)
{
	const uint64_t size = ledger_size(role.ledger);

	if (role.broken || size == role.written)
		return;
	if (ledger_write(role.ledger) != OK) {
		break_down("a write failed");
		return;
	}
	role.written = size;
	syncer_written(role.sync, size);
	if (role.plain != 0)
		tell(size, 0, OK);
	role.plain = 0;
	if (role.strict != 0)
		sync_begin();
	else if (role.batch.at == 0)
		loop_timer(role.env->loop, &role.batch, batch_ns);
	ask_next_segment();
}

static void
flush(void *unused)
{
	round_end();
	chan_flush_all(unused);
}

static void
record(const struct msg *m)
{
	const uint64_t seq = msg_num(m, F_SEQ);
	const struct jv params = msg_tree(m, F_PARAMS);
	enum err e;

	if (role.refused || role.broken) {
		refuse(role.broken ? ERR_OS : ERR_DENIED);
		return;
	}
	e = ledger_stage(role.ledger, seq, now_wall(), msg_tree(m, F_REC),
	    "digest", jv_is(params, J_NONE) ? msg_tree(m, F_RESULT) : params);
	if (e != OK) {
		log_line(LOG_ERROR, "record-refused",
		    "record %llu after %llu: %s", (unsigned long long)seq,
		    (unsigned long long)ledger_size(role.ledger), err_name(e));
		refuse(e);
		return;
	}
	count(CNT_RECORDS);
	if ((msg_num(m, F_FLAGS) & MF_STRICT) != 0)
		role.strict = seq;
	else
		role.plain = seq;
}

/* ---- the judge ---- */

static void
got(struct chan *c, const struct msg *m)
{
	(void)c;
	if (m->kind == MSG_RECORD)
		record(m);
}

static void
lost(struct chan *c)
{
	chan_free(c);
	role.judge = NULL;
	role.refused = false;
	role.strict = role.plain = 0;
}

/* What the last judge still had on its way is not staged any more, so the
 * numbering goes on from what is.  The first word says where. */
static void
link_to(struct role_env *e, enum role_id peer, unsigned instance,
    struct chan_fds *fds)
{
	static const struct chan_ops ops = { .got = got, .lost = lost };

	if (peer != ROLE_JUDGE || instance != e->instance)
		return;
	if (role.judge != NULL)
		lost(role.judge);
	round_end();
	role.judge =
	    chan_new(e->loop, fds, ROLE_LEDGER, peer, instance, &ops, NULL);
	if (role.broken)
		refuse(ERR_OS);
	else
		tell(role.written, 0, OK);
}

/* ---- segments ---- */

static enum err
segment_begin(
    int fd, struct str name, uint64_t number, const struct ledger_tree *tree)
{
	struct ledger *l = ledger_new(&role.disk, name, tree);

	if (l == NULL)
		return ERR_SYNTAX;
	role.ledger = l;
	role.fd = fd;
	role.segment = number;
	role.asked_at = 0;
	return OK;
}

static void
segment_next(const struct msg *m)
{
	struct ledger *last = role.ledger;

	round_end();
	if (role.broken || m->fd[0] < 0 ||
	    segment_begin(m->fd[0], msg_text(m, F_NAME), msg_num(m, F_SEQ),
		ledger_tree(last)) != OK) {
		int fd = m->fd[0];

		fd_close(&fd);
		return;
	}
	ledger_free(last);
	syncer_switch(role.sync, role.fd);
}

static void
from_parent(struct role_env *e, const struct msg *m)
{
	(void)e;
	if (m->kind == MSG_SEGMENT)
		segment_next(m);
}

/* ---- beginning and end ---- */

static enum err
stage_own(struct buf *tape)
{
	enum err e = buf_end(tape);

	if (!e)
		e = ledger_stage(role.ledger, ledger_size(role.ledger) + 1,
		    now_wall(), jv_of(buf_view(tape)), "digest",
		    (struct jv){ NULL, 0 });
	buf_done(tape);
	return e;
}

static enum err
record_start(const struct role_env *e)
{
	struct buf b = { .max = 4096 };
	const size_t mark = tape_obj(&b);

	tape_key(&b, STR("cell"));
	tape_i64(&b, e->instance);
	tape_key(&b, STR("config"));
	tape_str(&b, jv_str(jv_get(e->image, STR("digest"))));
	tape_key(&b, STR("kind"));
	tape_str(&b, STR("start"));
	tape_end(&b, mark, 3);
	return stage_own(&b);
}

static enum err
record_recovery(const struct role_env *e, struct jv end)
{
	struct buf b = { .max = 4096 };
	const size_t mark = tape_obj(&b);

	tape_key(&b, STR("cell"));
	tape_i64(&b, e->instance);
	tape_key(&b, STR("kind"));
	tape_str(&b, STR("recovery"));
	tape_key(&b, STR("torn_segment"));
	tape_copy(&b, jv_get(end, STR("segment")));
	tape_key(&b, STR("whole_bytes"));
	tape_copy(&b, jv_get(end, STR("good")));
	tape_end(&b, mark, 4);
	return stage_own(&b);
}

/* Where this cell's log ends, as load found it. */
static enum err
log_end(const struct role_env *e, struct jv *end, struct ledger_seen *seen)
{
	struct jit it = jit_of(jv_get(e->image, STR("ledger")));
	int64_t cell;
	struct jv v;

	while (jit_next(&it, NULL, &v)) {
		if (jv_i64(jv_get(v, STR("cell")), &cell) != OK ||
		    cell != (int64_t)e->instance)
			continue;
		*end = v;
		return ledger_seen_of(v, seen);
	}
	return ERR_GONE;
}

/* Landlock and capabilities are a thread's own. */
static enum err
thread_enter(struct note *why)
{
	return jail_changes_user(ROLE_LEDGER) ? OK
					      : jail_thread(ROLE_LEDGER, why);
}

static enum err
begin(struct role_env *e, struct note *why)
{
	struct ledger_seen *seen = mem_get(sizeof(*seen));
	struct jv end = { NULL, 0 };
	enum err r = log_end(e, &end, seen);

	if (r != OK)
		note_set(why, "the image does not say where the log ends");
	if (r == OK &&
	    segment_begin(e->given[0].fd[0], str_of(e->given[0].name),
		e->given[0].seq, &seen->tree) != OK) {
		note_set(why, "not a segment's name: %s", e->given[0].name);
		r = ERR_SYNTAX;
	}
	if (r == OK)
		r = record_start(e);
	if (r == OK && seen->torn > 0)
		r = record_recovery(e, end);
	if (r == OK && (ledger_write(role.ledger) != OK ||
			   role.disk.sync(&role.disk) != OK)) {
		note_set(why, "the ledger cannot be written");
		r = ERR_OS;
	}
	mem_free(seen);
	return r;
}

static enum err
prepare(struct role_env *e, struct note *why)
{
	struct chan_fds fds;
	int event;

	counters[CNT_LEDGER_BROKEN] = 0;
	role.env = e;
	role.disk = (struct disk){ disk_write, disk_sync };
	role.batch.fire = batch_due;
	(void)signal(SIGXFSZ, SIG_IGN); /* too large is an error of write */
	if (e->given_n != 1 || e->given[0].kind != MSG_SEGMENT) {
		note_set(why, "no segment to write to");
		return ERR_GONE;
	}
	TRY(begin(e, why));
	role.written = role.durable = ledger_size(role.ledger);
	role.sync_want = role.durable;
	event = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (event < 0)
		return ERR_OS;
	role.synced = (struct watch){ .fd = event, .ready = sync_ended };
	TRY(loop_watch(e->loop, &role.synced));
	TRY(syncer_new(
	    role.fd, event, role.written, thread_enter, &role.sync, why));
	loop_hooks(e->loop, flush, chan_busy_any, NULL);
	if (role_link(e, ROLE_JUDGE, e->instance, &fds) == OK)
		link_to(e, ROLE_JUDGE, e->instance, &fds);
	return OK;
}

/* The judge has said its last: make it durable and end. */
static void
drain(struct role_env *e)
{
	round_end();
	if (!role.broken && role.disk.sync(&role.disk) != OK)
		break_down("the last sync failed");
	if (!role.broken && role.strict != 0)
		tell(role.written, MF_STRICT, OK);
	loop_stop(e->loop);
}

const struct role role_ledger = {
	.id = ROLE_LEDGER,
	.prepare = prepare,
	.link = link_to,
	.from_parent = from_parent,
	.drain = drain,
};
