/*
 * ledger-role.c: the process that makes one cell's log durable.  The judge
 * appends to the segment itself and says how far it has written; this role
 * syncs, which would block the judge, and says how far that reached.  While it
 * syncs, what the judge says waits in the channel, so the next sync serves all
 * that was written meanwhile.
 *
 * It also makes room: it appends zeros to the newest segment, ahead of the
 * judge, who writes over them.  A sync then finds neither the file's length nor
 * its blocks changed, and has no journal of the file system to wait for.
 *
 * Promises that nothing is called durable that no sync covered, and nothing at
 * all after a sync has failed: the kernel may have dropped the pages, and a
 * second sync would say yes.  It sees no record.
 */
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "role/role.h"

enum {
	FILES_MAX = 32, /* twice what the parent keeps open */
	CROWD = 4, /* records of a sync: two calls were under way, or more */
	GATHER_US = 200,       /* then the others' records are about to come */
	ROOM_FROM = 64 * 1024, /* a segment that stays small gets none */
	ROOM_SYNC = 32 * 1024, /* over this the zeros cost more than they save
				*/
	ROOM_STEP = 512 * 1024,
	ROOM_PART = 64 * 1024,
};
/* A sync that no call waits for begins within 5 ms: the loop may round a timer
 * up by one. */
static const uint64_t batch_ns = 4000000;

static struct ledger_role {
	struct role_env *env;
	struct chan *judge;
	struct timer batch;
	uint64_t asked; /* last record that the judge wrote, and its segment */
	uint64_t segment; /* zero: nothing is asked for */
	uint64_t bytes;	  /* of it that are written */
	uint64_t covered; /* of them by a sync */
	uint64_t room;	  /* the newest file's length, as far as we know */
	bool now;	  /* calls wait for it */
	uint64_t synced;  /* last record that a sync covered */
	uint64_t group;	  /* how many it covered */
	struct {
		uint64_t number;
		int fd;
	} file[FILES_MAX]; /* by number; the last is the newest */
	size_t files;
	bool broken;
} role;

/* ---- what the others are told ---- */

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
		log_line(LOG_WARN, "ledger", "the judge does not hear");
}

/* What a sync that failed leaves in the page cache is called clean and is not
 * on the disk: a next sync would succeed.  So it goes from there, whoever reads
 * next reads the disk, and the cell is started anew on what it finds. */
static void
break_down(void)
{
	struct msg m = msg_of(MSG_FULL);

	role.broken = true;
	counters[CNT_LEDGER_BROKEN] = 1;
	log_line(LOG_ERROR, "ledger-broken",
	    "a sync failed: nothing is recorded until the disk takes records "
	    "again");
	for (size_t i = 0; i < role.files; i++)
		(void)posix_fadvise(role.file[i].fd, 0, 0, POSIX_FADV_DONTNEED);
	tell(0, 0, ERR_OS);
	msg_set(&m, F_STATUS, ERR_OS);
	msg_set(
	    &m, F_SEQ, role.files == 0 ? 0 : role.file[role.files - 1].number);
	if (chan_send(role.env->parent, &m) != OK)
		log_line(LOG_WARN, "ledger", "the parent does not hear");
}

static void
tell_parent(void)
{
	struct msg m = msg_of(MSG_SYNCED);

	msg_set(&m, F_SEQ, role.file[0].number);
	if (chan_send(role.env->parent, &m) != OK)
		log_line(LOG_WARN, "ledger", "the parent does not hear");
}

/* ---- syncing ---- */

/* All files; of those before the newest it was the last time. */
static bool
sync_files(void)
{
	size_t done = 0;

	while (done < role.files && fdatasync(role.file[done].fd) == 0)
		done++;
	count(CNT_SYNCS);
	if (done < role.files)
		return false;
	while (role.files > 1) {
		fd_close(&role.file[0].fd);
		memmove(&role.file[0], &role.file[1],
		    --role.files * sizeof(role.file[0]));
	}
	if (done > 1)
		tell_parent();
	return true;
}

/* Zeros behind what the judge wrote.  Without them (the disk is full) a sync
 * takes longer, and the judge's own write says what is wrong. */
static void
make_room(void)
{
	static const char zeros[ROOM_PART];
	const int fd = role.files == 0 ? -1 : role.file[role.files - 1].fd;
	const uint64_t grown = role.bytes - role.covered;
	struct stat st;
	size_t n = 0;

	role.covered = role.bytes;
	if (role.broken || role.bytes < ROOM_FROM || grown > ROOM_SYNC ||
	    role.bytes + ROOM_STEP / 2 < role.room || fstat(fd, &st) < 0)
		return;
	role.room = (uint64_t)st.st_size;
	/* One step at a time, whatever the judge says. */
	for (size_t i = 0;
	     i < ROOM_STEP / ROOM_PART && role.room < role.bytes + ROOM_STEP;
	     i++) {
		if (fd_write(fd, (struct str){ zeros, sizeof(zeros) }, &n) !=
		    OK) {
			role.room = UINT64_MAX; /* of this one, no more */
			return;
		}
		role.room += n;
	}
}

static bool
is_newest(uint64_t segment)
{
	return role.files > 0 && role.file[role.files - 1].number == segment;
}

/* The judge may be ahead of the parent: what it wrote to a segment that did
 * not arrive here yet is covered by no sync of ours. */
static bool
has_segment(void)
{
	return role.files > 0 &&
	       role.file[role.files - 1].number >= role.segment;
}

static void
sync_asked(void)
{
	const uint64_t seq = role.asked;

	role.group = seq - role.synced;
	role.synced = seq;
	role.now = false;
	role.segment = 0;
	loop_timer_off(role.env->loop, &role.batch);
	if (sync_files())
		tell(seq, MF_STRICT, OK);
	else
		break_down();
}

static void
batch_due(struct timer *t)
{
	(void)t;
	role.now = true;
}

static bool
is_due(void)
{
	return role.now && role.segment != 0 && !role.broken && has_segment();
}

/* The end of a round: all that was said in it is known.  Where many calls are
 * under way a sync that waits a little serves more of them, and every process
 * of the cell wakes less often; a caller by itself does not wait. */
static void
flush(void *unused)
{
	if (is_due() && role.group >= CROWD) {
		(void)usleep(GATHER_US);
		(void)chan_busy_any(NULL);
	}
	if (!is_due()) {
		chan_flush_all(unused);
		return;
	}
	sync_asked();
	chan_flush_all(unused); /* nobody waits for the room */
	make_room();
}

/* ---- the judge ---- */

static void
got(struct chan *c, const struct msg *m)
{
	(void)c;
	if (m->kind != MSG_SYNC)
		return;
	if (role.broken) {
		tell(0, 0, ERR_OS);
		return;
	}
	role.asked = msg_num(m, F_SEQ);
	role.segment = msg_num(m, F_REF);
	role.bytes = is_newest(role.segment) ? msg_num(m, F_WHERE) : 0;
	if ((msg_num(m, F_FLAGS) & MF_STRICT) != 0)
		role.now = true;
	else if (!role.now && role.batch.at == 0)
		loop_timer(role.env->loop, &role.batch, batch_ns);
}

/* What it wrote last is synced all the same: a caller may have its answer. */
static void
lost(struct chan *c)
{
	chan_free(c);
	role.judge = NULL;
	role.segment = role.group = 0;
	role.now = false;
	if (!role.broken && role.files > 0 && !sync_files())
		break_down();
}

/* The first word says that there is somebody who syncs. */
static void
link_to(struct role_env *e, enum role_id peer, unsigned instance,
    struct chan_fds *fds)
{
	static const struct chan_ops ops = { .got = got, .lost = lost };

	if (peer != ROLE_JUDGE || instance != e->instance)
		return;
	if (role.judge != NULL)
		lost(role.judge);
	role.judge =
	    chan_new(e->loop, fds, ROLE_LEDGER, peer, instance, &ops, NULL);
	tell(0, 0, role.broken ? ERR_OS : OK);
}

/* ---- segments ---- */

static void
segment_take(uint64_t number, int fd)
{
	if (fd >= 0 && role.files == FILES_MAX && !role.broken && !sync_files())
		break_down();
	if (fd < 0 || role.broken ||
	    (role.files > 0 && number <= role.file[role.files - 1].number)) {
		fd_close(&fd);
		return;
	}
	role.bytes = role.covered = role.room = 0;
	role.file[role.files].number = number;
	role.file[role.files++].fd = fd;
}

static void
from_parent(struct role_env *e, const struct msg *m)
{
	(void)e;
	if (m->kind == MSG_SEGMENT)
		segment_take(msg_num(m, F_SEQ), m->fd[0]);
}

/* ---- beginning and end ---- */

static enum err
prepare(struct role_env *e, struct note *why)
{
	struct chan_fds fds;

	(void)why;
	counters[CNT_LEDGER_BROKEN] = 0;
	role.env = e;
	role.batch.fire = batch_due;
	for (size_t i = 0; i < e->given_n; i++)
		if (e->given[i].kind == MSG_SEGMENT)
			segment_take(e->given[i].seq, e->given[i].fd[0]);
	loop_hooks(e->loop, flush, chan_busy_any, NULL);
	if (role_link(e, ROLE_JUDGE, e->instance, &fds) == OK)
		link_to(e, ROLE_JUDGE, e->instance, &fds);
	return OK;
}

/* The judge has said its last: make it durable and end. */
static void
drain(struct role_env *e)
{
	if (!role.broken && role.files > 0 && !sync_files())
		break_down();
	loop_stop(e->loop);
}

const struct role role_ledger = {
	.id = ROLE_LEDGER,
	.prepare = prepare,
	.link = link_to,
	.from_parent = from_parent,
	.drain = drain,
};
