/*
 * parent-budget.c: what the parent does for role budget: its log, segment by
 * segment.  Promises that it is given all that it may need to know its totals,
 * to read, and one new segment to append to.
 */
#include "role/parent-in.h"

#include <signal.h>
#include <sys/stat.h>

static enum err
post_budget(struct proc *p, unsigned number, bool fresh, struct note *why)
{
	__attribute__((cleanup(fd_close))) int fd = -1;
	struct msg m = msg_of(MSG_SEGMENT);
	char name[64];

	TRY(open_budget_segment(number, fresh, &fd, why));
	(void)snprintf(name, sizeof(name), "budget-%06u", number);
	msg_set_text(&m, F_NAME, str_of(name));
	msg_set(&m, F_SEQ, number);
	if (!fresh)
		msg_set(&m, F_FLAGS, MF_RESUME);
	m.fd[0] = fd;
	return proc_post(p, &m);
}

/* Its next segment; it begins with all that the ones before came to. */
static enum err
budget_segment(struct proc *p, struct note *why)
{
	return post_budget(p, house.budget_last + 1, true, why);
}

/* Who died before it wrote left nothing to read. */
static bool
has_bytes(unsigned number)
{
	__attribute__((cleanup(fd_close))) int fd = -1;
	struct note unused;
	struct stat st;

	return open_budget_segment(number, false, &fd, &unused) != OK ||
	       fstat(fd, &st) < 0 || st.st_size > 0;
}

/* To read: from the last that it said was whole, or as many as it can take. */
NODISCARD enum err
budget_give(struct proc *p, struct note *why)
{
	enum { READ_MAX = ROLE_FDS_MAX - 1 };
	unsigned some[READ_MAX], n = 0;

	for (unsigned i = house.budget_last;
	     n < READ_MAX && i > 0 && i >= house.budget_first; i--)
		if (has_bytes(i))
			some[n++] = i;
	while (n > 0)
		TRY(post_budget(p, some[--n], false, why));
	return budget_segment(p, why);
}

/* ---- a disk that was full ---- */

enum { ROOM_EACH_MS = 1000, ROOM_BYTES = 256 * 1024 };

/* What its segment holds is not known to it: a new life reads that. */
static void
room_look(struct timer *t)
{
	const struct proc *p = proc_find(ROLE_BUDGET, 0);

	if (!ledger_room(ROOM_BYTES)) {
		loop_timer(house.loop, t, MS(ROOM_EACH_MS));
		return;
	}
	log_line(LOG_WARN, "ledger-room",
	    "budget: the disk takes records again: starting it");
	proc_kill(p, SIGKILL);
}

static void
unwritten(void)
{
	house.budget_room.fire = room_look;
	loop_timer(house.loop, &house.budget_room, MS(ROOM_EACH_MS));
}

/* ---- what it says ---- */

void
budget_said(struct proc *p, const struct msg *m)
{
	const uint64_t number = msg_num(m, F_SEQ);
	struct note why;

	if (number != house.budget_last || house.stage >= 0)
		return;
	if (m->kind == MSG_FULL && msg_num(m, F_STATUS) != 0) {
		tell_disk(p, "a write or a sync failed");
		unwritten();
	} else if (m->kind == MSG_SYNCED) {
		house.budget_first = house.budget_last;
	} else if (budget_segment(p, &why) != OK) {
		log_line(LOG_ERROR, "segment", "budget: %s", why.text);
	}
}
