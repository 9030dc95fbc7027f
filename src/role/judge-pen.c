/*
 * judge-pen.c: the judge's hand on its cell's log.  It has the newest segment
 * open for writing from its first byte on, and nothing else of the file: its
 * walls let it neither seek nor truncate nor write elsewhere, so the file's
 * position only grows; lines can be added and none changed.
 *
 * Promises that nothing is called written that is not, nothing durable that
 * role ledger did not sync, and nothing at all after a write has failed: what
 * the file then holds is not known.  It refuses to know what records mean.
 */
#include "role/judge-pen.h"

#include <signal.h>
#include <stdio.h>

#include "ledger/ledger.h"

enum { SEGMENT_FULL = 64 * 1024 * 1024 };

static struct pen {
	struct role_env *env;
	const struct pen_ops *ops;
	struct disk disk;
	struct ledger *ledger;
	uint64_t segment;  /* its number */
	uint64_t start;	   /* sequence of this process' first record */
	uint64_t asked_at; /* bytes of it when the next was asked for */
	uint64_t written;  /* last record that write() took */
	uint64_t strict;   /* last record that calls wait for until durable */
	uint64_t asked;	   /* last record that role ledger was asked to sync */
	uint64_t durable;  /* last record that it synced */
	uint64_t hold;	   /* until this one is durable nothing is written */
	struct {
		uint64_t number;
		char name[LEDGER_NAME_MAX + 1];
		int fd; /* -1: there is none */
	} next;		/* a segment that came while the last one was held */
	int fd;
	bool here;  /* role ledger is, and has spoken */
	bool first; /* its first word is yet to come */
	bool broken;
} pen = { .next.fd = -1, .fd = -1 };

static enum err
disk_write(struct disk *d, struct str s)
{
	(void)d;
	while (s.n > 0) {
		size_t n = 0;

		if (fd_write(pen.fd, s, &n) != OK)
			return ERR_OS;
		s = str_sub(s, n, s.n - n);
	}
	return OK;
}

/* ---- what the line is told ---- */

static void
tell_from(uint64_t seq, uint64_t flags, enum err status, uint64_t start)
{
	struct msg m = msg_of(MSG_RECORDED);

	msg_set(&m, F_SEQ, seq);
	if (flags != 0)
		msg_set(&m, F_FLAGS, flags);
	if (status != OK)
		msg_set(&m, F_STATUS, (uint64_t)status);
	if (start != 0)
		msg_set(&m, F_WHERE, start);
	pen.ops->heard(&m);
}

static void
tell(uint64_t seq, uint64_t flags, enum err status)
{
	tell_from(seq, flags, status, 0);
}

static void
break_down(const char *what)
{
	struct msg m = msg_of(MSG_FULL);

	pen.broken = true;
	counters[CNT_LEDGER_BROKEN] = 1;
	log_line(LOG_ERROR, "ledger-broken",
	    "%s: nothing is done until the disk takes records again", what);
	tell(pen.written, 0, ERR_OS);
	msg_set(&m, F_SEQ, pen.segment);
	msg_set(&m, F_STATUS, ERR_OS);
	if (chan_send(pen.env->parent, &m) != OK)
		log_line(
		    LOG_ERROR, "ledger-broken", "the parent does not hear");
}

/* ---- role ledger ---- */

/* Calls that wait ask at once; the rest is asked for when nothing is under way:
 * the answer asks again for what came meanwhile. */
static void
ask_sync(void)
{
	const bool now = pen.strict > pen.asked;
	struct msg m = msg_of(MSG_SYNC);

	if (!pen.here || pen.written <= pen.asked ||
	    (!now && pen.asked > pen.durable))
		return;
	msg_set(&m, F_SEQ, pen.written);
	msg_set(&m, F_REF, pen.segment);
	msg_set(&m, F_WHERE, ledger_bytes(pen.ledger));
	if (now)
		msg_set(&m, F_FLAGS, MF_STRICT);
	if (pen.ops->sync(&m) == OK)
		pen.asked = pen.written;
}

void
pen_ledger_lost(void)
{
	pen.here = false;
	pen.first = true;
	pen.asked = pen.durable; /* what it was asked for, the next one is */
	pen.strict = 0;
}

void
pen_ledger_said(const struct msg *m)
{
	const uint64_t seq = msg_num(m, F_SEQ);

	if (pen.broken || m->kind != MSG_RECORDED)
		return;
	if (msg_num(m, F_STATUS) != 0) {
		pen.here = false; /* until another one comes */
		tell(pen.written, 0, ERR_OS);
		return;
	}
	if (pen.first) {
		pen.first = false;
		pen.here = true;
		/* where the numbering goes on, and where it began */
		tell_from(ledger_size(pen.ledger), 0, OK, pen.start);
	} else if (seq > pen.durable && seq <= pen.asked) {
		pen.durable = seq;
		tell(seq, MF_STRICT, OK);
	}
	ask_sync();
}

/* ---- a round ---- */

static void
ask_next_segment(void)
{
	struct msg m = msg_of(MSG_FULL);
	const uint64_t bytes = ledger_bytes(pen.ledger);

	if (bytes < pen.asked_at + SEGMENT_FULL)
		return;
	pen.asked_at = bytes;
	msg_set(&m, F_SEQ, pen.segment);
	if (chan_send(pen.env->parent, &m) != OK)
		log_line(LOG_ERROR, "ledger-full", "the parent does not hear");
}

/* A segment's header says what came before it.  Were it on the disk before
 * that is, a power loss would leave a log that does not go on from itself. */
static bool
is_held(void)
{
	return pen.durable < pen.hold;
}

/* False: nothing was staged, or it cannot be written (yet). */
static bool
write_staged(void)
{
	const uint64_t size = ledger_size(pen.ledger);

	if (pen.broken || size == pen.written || is_held())
		return false;
	if (ledger_write(pen.ledger) != OK) {
		break_down("a write failed");
		return false;
	}
	pen.written = size;
	return true;
}

NODISCARD enum err
pen_record(const struct msg *m)
{
	const uint64_t seq = msg_num(m, F_SEQ);
	enum err e;

	if (pen.broken || !pen.here)
		return ERR_GONE;
	e = ledger_stage(pen.ledger, seq, now_wall(), msg_tree(m, F_REC),
	    "digest", msg_tree(m, F_RESULT));
	if (e != OK) {
		log_line(LOG_ERROR, "record-refused",
		    "record %llu after %llu: %s", (unsigned long long)seq,
		    (unsigned long long)ledger_size(pen.ledger), err_name(e));
		return e;
	}
	count(CNT_RECORDS);
	if ((msg_num(m, F_FLAGS) & MF_STRICT) != 0)
		pen.strict = seq;
	return OK;
}

/* ---- segments ---- */

static enum err
segment_begin(
    uint64_t number, struct str name, int fd, const struct tlog_range *tree)
{
	struct ledger *l = ledger_new(&pen.disk, name, tree);

	if (l == NULL)
		return ERR_SYNTAX;
	fd_close(&pen.fd);
	pen.ledger = l;
	pen.fd = fd;
	pen.segment = number;
	pen.asked_at = 0;
	return OK;
}

/* What is staged from here on goes into the next segment, once all that went
 * before is durable. */
static bool
next_begin(void)
{
	const struct str name = str_of(pen.next.name);
	struct ledger *last = pen.ledger;

	if (pen.next.fd < 0 || pen.broken || is_held())
		return false;
	if (segment_begin(
		pen.next.number, name, pen.next.fd, ledger_tree(last)) != OK) {
		fd_close(&pen.next.fd);
		return false;
	}
	pen.next.fd = -1;
	ledger_free(last);
	pen.hold = pen.strict = pen.written;
	ask_sync();
	return true;
}

/* What the line hears may make it record more: that too goes out in this round.
 * Each time a turn is a step further, so it ends. */
static void
write_all(void)
{
	while (write_staged()) {
		ask_sync();
		if (pen.here) /* else nobody waits any more */
			tell(pen.written, 0, OK);
		ask_next_segment();
	}
}

void
pen_flush(void)
{
	do
		write_all();
	while (next_begin());
}

void
pen_segment(uint64_t number, struct str name, int fd)
{
	if (pen.broken || fd < 0 || name.n > LEDGER_NAME_MAX) {
		fd_close(&fd);
		return;
	}
	fd_close(&pen.next.fd);
	pen.next.number = number;
	pen.next.fd = fd;
	(void)snprintf(
	    pen.next.name, sizeof(pen.next.name), "%.*s", STR_ARG(name));
	pen_flush(); /* what is staged belongs to the one before */
}

/* ---- the beginning ---- */

static enum err
stage_own(struct buf *tape)
{
	enum err e = buf_end(tape);

	if (!e)
		e = ledger_stage(pen.ledger, ledger_size(pen.ledger) + 1,
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
	size_t o;

	tape_key(&b, STR("canonicalization"));
	tape_str(&b, STR("RFC 9901 s.4.2"));
	tape_key(&b, STR("cell"));
	tape_i64(&b, e->instance);
	tape_key(&b, STR("config"));
	tape_str(&b, jv_str(jv_get(e->image, STR("digest"))));
	tape_key(&b, STR("covers"));
	tape_str(&b, STR("params"));
	tape_key(&b, STR("digests"));
	tape_str(&b, STR("SHA-256, salted"));
	tape_key(&b, STR("kind"));
	tape_str(&b, STR("start"));
	tape_key(&b, STR("program"));
	tape_str(&b, STR("gatehouse " GATEHOUSE_VERSION));
	tape_key(&b, STR("runtime"));
	o = tape_obj(&b);
	tape_key(&b, STR("not_available"));
	tape_str(&b, STR("agents show no attestation to this gateway, and "
			 "it has none of itself"));
	tape_end(&b, o, 1);
	tape_end(&b, mark, 8);
	pen.start = ledger_size(pen.ledger) + 1;
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

static enum err
begin(struct role_env *e, struct ledger_seen *seen, struct note *why)
{
	struct jv end = { NULL, 0 };

	if (log_end(e, &end, seen) != OK) {
		note_set(why, "the image does not say where the log ends");
		return ERR_SYNTAX;
	}
	if (segment_begin(e->given[0].seq, str_of(e->given[0].name),
		e->given[0].fd[0], &seen->tree) != OK) {
		note_set(why, "not a segment's name: %s", e->given[0].name);
		return ERR_SYNTAX;
	}
	if (record_start(e) != OK ||
	    (seen->torn > 0 && record_recovery(e, end) != OK) ||
	    ledger_write(pen.ledger) != OK) {
		note_set(why, "the ledger cannot be written");
		return ERR_OS;
	}
	pen.durable = pen.asked = seen->tree.size;
	pen.written = ledger_size(pen.ledger);
	return OK;
}

NODISCARD enum err
pen_begin(struct role_env *e, const struct pen_ops *ops, struct note *why)
{
	struct ledger_seen *seen;
	enum err r;

	counters[CNT_LEDGER_BROKEN] = 0;
	pen.env = e;
	pen.ops = ops;
	pen.disk = (struct disk){ disk_write, NULL };
	(void)signal(SIGXFSZ, SIG_IGN); /* too large is an error of write */
	pen.first = true;
	/* A second one may have come while this role was starting. */
	while (e->given_n > 1) {
		fd_close(&e->given[0].fd[0]);
		e->given[0] = e->given[--e->given_n];
	}
	if (e->given_n != 1 || e->given[0].kind != MSG_SEGMENT) {
		note_set(why, "no segment to write to");
		return ERR_GONE;
	}
	seen = mem_get(sizeof(*seen));
	r = begin(e, seen, why);
	mem_free(seen);
	return r;
}
