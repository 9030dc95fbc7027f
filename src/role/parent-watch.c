/*
 * parent-watch.c: what becomes of the house when a process dies.  Promises that
 * what a process knew and its peers cannot go on without restarts with it (a
 * cell's front, judge and backs as one), that the rest goes on, and that one
 * that dies again and again is started ever more slowly.
 */
#include "role/parent-in.h"

#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

enum {
	QUIET_MS = 10000, /* a life this long forgets the deaths before it */
	FIRST_MS = 25,	  /* the first death costs nothing, the second this */
	LONGEST_MS = 400, /* serving again within a second is promised, and
			     starting takes its time too */
};

/* Counts a death; how long to wait before the next start. */
static uint64_t
delay(unsigned *deaths, uint64_t born)
{
	uint64_t ms = FIRST_MS;

	if (now_mono() - born > MS(QUIET_MS))
		*deaths = 0;
	if ((*deaths)++ == 0)
		return 0;
	for (unsigned i = 2; i < *deaths && ms < LONGEST_MS; i++)
		ms *= 2;
	return MS(ms < LONGEST_MS ? ms : LONGEST_MS);
}

/* ---- one by itself ---- */

static void proc_later(struct proc *p);

static void
proc_again(struct timer *t)
{
	char *at = (char *)t;
	struct proc *p = (void *)(at - offsetof(struct proc, again));
	struct note why;

	if (proc_spawn(p, &why) == OK) {
		procs_link();
		return;
	}
	log_line(LOG_ERROR, "restart", "%s %u: %s", role_name(p->id),
	    p->instance, why.text);
	if (p->state == PROC_GONE)
		proc_later(p);
}

static void
proc_later(struct proc *p)
{
	p->again.fire = proc_again;
	loop_timer(house.loop, &p->again, delay(&p->deaths, p->born));
}

/* ---- a cell as one ---- */

static bool
of_cell(const struct proc *p, const struct cell *c)
{
	return p->cell == (int)c->number && p->id != ROLE_LEDGER;
}

static void
cell_kill(const struct cell *c)
{
	for (size_t i = 0; i < house.procs_n; i++)
		if (of_cell(&house.procs[i], c))
			proc_kill(&house.procs[i], SIGKILL);
}

static bool
cell_spawn(const struct cell *c)
{
	struct note why;

	for (size_t i = 0; i < house.procs_n; i++) {
		struct proc *p = &house.procs[i];

		if (!of_cell(p, c))
			continue;
		loop_timer_off(house.loop, &p->again);
		if (proc_spawn(p, &why) == OK)
			continue;
		log_line(LOG_ERROR, "restart", "%s %u: %s", role_name(p->id),
		    p->instance, why.text);
		return false;
	}
	return true;
}

/* Up again once nobody of the old cell is left and the wait is over: its judge
 * must be told where its log ends, and load finds out. */
static void
cell_try(struct cell *c)
{
	if (!c->down || c->loading || c->again.at != 0)
		return;
	for (size_t i = 0; i < house.procs_n; i++)
		if (of_cell(&house.procs[i], c) &&
		    house.procs[i].state != PROC_GONE)
			return;
	c->loading = true;
	load_want(LOAD_LEDGER, UINT64_C(1) << c->number);
}

static void
cell_start(struct cell *c)
{
	if (cell_spawn(c)) {
		c->down = false;
		c->born = now_mono();
		procs_link();
	} else {
		cell_kill(c);
		loop_timer(house.loop, &c->again, delay(&c->deaths, c->born));
	}
}

void
cells_start(uint64_t cells)
{
	for (unsigned c = 0; c < house.cells; c++) {
		if ((cells >> c & 1U) == 0)
			continue;
		house.cell[c].loading = false;
		cell_start(&house.cell[c]);
	}
}

void
cells_later(uint64_t cells)
{
	for (unsigned i = 0; i < house.cells; i++) {
		struct cell *c = &house.cell[i];

		if ((cells >> i & 1U) == 0)
			continue;
		c->loading = false;
		loop_timer(house.loop, &c->again, delay(&c->deaths, c->born));
	}
}

static void
cell_again(struct timer *t)
{
	char *at = (char *)t;

	cell_try((void *)(at - offsetof(struct cell, again)));
}

static void
cell_down(struct cell *c)
{
	BUG_ON(c == NULL); /* front, judge and back belong to a cell */
	if (!c->down) {
		c->down = true;
		c->again.fire = cell_again;
		cell_kill(c);
		loop_timer(house.loop, &c->again, delay(&c->deaths, c->born));
	}
	cell_try(c);
}

/* ---- a disk that was full, or failed ---- */

enum { ROOM_EACH_MS = 1000, ROOM_BYTES = 256 * 1024 };

static void
room_look(struct timer *t)
{
	char *at = (char *)t;
	struct cell *c = (void *)(at - offsetof(struct cell, room));

	if (c->down && !c->unsynced)
		return; /* it starts anew in any case */
	if (!ledger_room(ROOM_BYTES)) {
		loop_timer(house.loop, &c->room, MS(ROOM_EACH_MS));
		return;
	}
	log_line(LOG_WARN, "ledger-room",
	    "cell %u: the disk takes records again: starting it", c->number);
	if (c->unsynced)
		proc_kill(proc_find(ROLE_LEDGER, c->number), SIGKILL);
	c->unsynced = false;
	cell_down(c);
}

void
cell_unwritten(struct cell *c, bool unsynced)
{
	c->unsynced = c->unsynced || unsynced;
	c->room.fire = room_look;
	loop_timer(house.loop, &c->room, MS(ROOM_EACH_MS));
}

void
restarts_off(void)
{
	loop_timer_off(house.loop, &house.budget_room);
	for (size_t i = 0; i < house.procs_n; i++)
		loop_timer_off(house.loop, &house.procs[i].again);
	for (unsigned c = 0; c < house.cells; c++) {
		loop_timer_off(house.loop, &house.cell[c].again);
		loop_timer_off(house.loop, &house.cell[c].room);
	}
}

/* ---- deaths ---- */

static void
how_ended(const struct proc *p, struct note *out)
{
	if (WIFSIGNALED(p->status))
		note_set(out, "%s %u ended by signal %d%s", role_name(p->id),
		    p->instance, WTERMSIG(p->status),
		    WTERMSIG(p->status) == SIGSYS
			? ": it did what its role may not"
			: "");
	else
		note_set(out, "%s %u exited with status %d", role_name(p->id),
		    p->instance, WEXITSTATUS(p->status));
}

/* Whoever ended with its cell did not fail. */
static void
restart(struct proc *p, const char *how)
{
	struct cell *c = p->cell < 0 ? NULL : &house.cell[p->cell];

	if (c != NULL && of_cell(p, c) && c->down) {
		cell_try(c);
		return;
	}
	p->restarts++;
	count(CNT_RESTARTS);
	if (p->id == ROLE_FRONT || p->id == ROLE_JUDGE)
		cell_down(c);
	else
		proc_later(p);
	tell_died(p, how);
}

static void
gone(struct proc *p)
{
	const bool by_itself = WIFEXITED(p->status) && p->status == 0;
	struct note how;

	p->state = PROC_GONE;
	p->fresh = p->held = false;
	how_ended(p, &how);
	if (p->id == ROLE_JUDGE)
		tell_judge(p);
	if (p->id == ROLE_LOAD) {
		load_ended();
		return;
	}
	if (house.stage >= 0) {
		stop_next();
		return;
	}
	if (house.wrap && p->id == ROLE_FRONT && by_itself) {
		house_stop("the agent is gone");
		return;
	}
	log_line(LOG_WARN, "role-died", "%s", how.text);
	if (!house.serving)
		house_fail(how.text);
	else
		restart(p, how.text);
	fronts_go(); /* nobody waits for the dead */
}

/* Its last words may still lie in the channel: it is gone only when both say
 * so. */
void
proc_ended(struct watch *w, unsigned what)
{
	struct proc *p = (struct proc *)(void *)w; /* its first member */

	(void)what;
	if (p->pid == 0 || waitpid(p->pid, &p->status, WNOHANG) != p->pid)
		return;
	p->pid = 0;
	loop_unwatch(house.loop, &p->end);
	fd_close(&p->end.fd);
	if (p->chan == NULL)
		gone(p);
}

/* It ended, or it broke the table of messages: then it is ended. */
void
proc_lost(struct chan *c)
{
	struct proc *p = chan_owner(c);

	chan_free(c);
	p->chan = NULL;
	if (p->pid != 0)
		proc_kill(p, SIGKILL);
	else
		gone(p);
}
