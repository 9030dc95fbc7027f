/*
 * parent-stop.c: the end of the house.  First no new work, then what runs is
 * finished, then the roles that served it; each stage waits for the one before.
 * Promises an end within STOP_SECONDS, drained or not.
 */
#include "role/parent-in.h"

#include <signal.h>

enum { STOP_SECONDS = 10 };
#define R(role) (1U << ROLE_##role)
static const unsigned stop_order[] = {
	R(FRONT), /* no new calls; answers go out */
	R(JUDGE), R(BACK), R(LAUNCH) | R(DIAL) | R(KEYS) | R(LEDGER),
	R(DESK), /* health says "stopping" until here */
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
	for (size_t i = 0; i < house.procs_n; i++) {
		struct proc *p = &house.procs[i];

		if ((roles >> p->id & 1U) != 0 && p->state != PROC_GONE &&
		    proc_post(p, &stop) != OK)
			proc_kill(p, SIGKILL);
	}
}

void
stop_next(void)
{
	while (house.stage < (int)countof(stop_order)) {
		if (any_left(stop_order[house.stage]))
			return;
		house.stage++;
		if (house.stage < (int)countof(stop_order))
			ask(stop_order[house.stage]);
	}
	loop_stop(house.loop);
}

static void
waited_enough(struct timer *t)
{
	(void)t;
	log_line(LOG_WARN, "stop", "not drained within %d s", STOP_SECONDS);
	house_kill();
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
	restarts_off();
	proc_kill(&house.load, SIGKILL);
	house.deadline.fire = waited_enough;
	loop_timer(house.loop, &house.deadline, MS(1000 * STOP_SECONDS));
	ask(stop_order[0]);
	stop_next();
}

void
house_kill(void)
{
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
