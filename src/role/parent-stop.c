/*
 * parent-stop.c: the end of the house.  First no new work, then what runs is
 * finished, then the roles that served it; each stage waits for the one before.
 * Promises an end within ten seconds, drained or not.
 */
#include "role/parent-in.h"

#include <signal.h>

#define R(role) (1U << ROLE_##role)
/* Each stage has its time, below ten seconds in all; who is left is killed. */
static const struct {
	unsigned roles, ms;
} stop_order[] = {
	{ R(FRONT), 5500 }, /* no new calls; answers go out (5 s of its own) */
	{ R(JUDGE), 400 },  /* what is open now has nobody to answer to */
	{ R(BACK), 400 },
	/* a server that heard no EOF hears TERM after 1 s, KILL after 3 */
	{ R(LAUNCH) | R(LEDGER) | R(BUDGET) | R(WITNESS), 3000 },
	{ R(TILES), 300 }, /* the last records come into the tree */
	{ R(KEYS) | R(FETCH) | R(DIAL) | R(COSIGN), 100 },
	{ R(DESK), 200 }, /* health says "stopping" until here */
};

static bool
any_left(unsigned roles)
{
	for (size_t i = 0; i < house.procs_n; i++)
		if ((roles >> house.procs[i].id & 1U) != 0 &&
		    house.procs[i].state != PROC_GONE)
			return true;
	return false;
}

static void
ask(unsigned roles)
{
	struct msg stop = msg_of(MSG_STOP);

	msg_set(&stop, F_FLAGS, MF_DRAIN);
	msg_set_text(&stop, F_TEXT, house.why);
	for (size_t i = 0; i < house.procs_n; i++) {
		struct proc *p = &house.procs[i];

		if ((roles >> p->id & 1U) != 0 && p->state != PROC_GONE &&
		    proc_post(p, &stop) != OK)
			proc_kill(p, SIGKILL);
	}
}

static void
waited_enough(struct timer *t)
{
	const unsigned roles = stop_order[house.stage].roles;

	(void)t;
	for (size_t i = 0; i < house.procs_n; i++) {
		const struct proc *p = &house.procs[i];

		if ((roles >> p->id & 1U) == 0 || p->state == PROC_GONE)
			continue;
		log_line(LOG_WARN, "stop", "%s %u was not done in time",
		    role_name(p->id), p->instance);
		proc_kill(p, SIGKILL);
	}
}

static void
stage_begin(void)
{
	ask(stop_order[house.stage].roles);
	house.deadline.fire = waited_enough;
	loop_timer(house.loop, &house.deadline, MS(stop_order[house.stage].ms));
}

void
stop_next(void)
{
	while (house.stage < (int)countof(stop_order)) {
		if (any_left(stop_order[house.stage].roles))
			return;
		house.stage++;
		if (house.stage < (int)countof(stop_order) && !house.killed)
			stage_begin();
	}
	loop_stop(house.loop);
}

static void
give_up(struct timer *t)
{
	(void)t;
	loop_stop(house.loop);
}

void
house_stop(const char *why)
{
	if (house.stage >= 0)
		return;
	log_line(LOG_INFO, "stopping", "%s", why);
	house.stage = 0;
	house.why = str_of(why);
	restarts_off();
	proc_kill(&house.load, SIGKILL);
	/* Fronts serve who waits in the sockets and close them; were ours open,
	 * others could come to wait there for nobody. */
	for (unsigned c = 0; c < house.cells; c++)
		fd_close(&house.cell[c].agents);
	stage_begin();
	stop_next();
}

void
house_kill(void)
{
	house.killed = true;
	if (house.stage < 0) {
		house.stage = 0;
		restarts_off();
	}
	for (size_t i = 0; i < house.procs_n; i++)
		proc_kill(&house.procs[i], SIGKILL);
	proc_kill(&house.load, SIGKILL);
	house.deadline.fire = give_up;
	loop_timer(house.loop, &house.deadline, MS(1000));
	stop_next();
}
