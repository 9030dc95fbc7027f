/* parent-pin.c: on which cores a role runs. */
#include <sched.h>

#include "role/parent-in.h"

/* The cell's core: the n-th of those that we may use. */
static void
pin_cell(unsigned cell)
{
	const struct sched_param param = { .sched_priority = 0 };
	cpu_set_t may, one;
	unsigned n;

	/* Batch: a role sleeps at once when it has nothing to do; being woken
	 * more eagerly would only split its batches. */
	(void)sched_setscheduler(0, SCHED_BATCH, &param);
	if (sched_getaffinity(0, sizeof(may), &may) < 0 || CPU_COUNT(&may) == 0)
		return;
	n = cell % (unsigned)CPU_COUNT(&may);
	for (size_t i = 0; i < CPU_SETSIZE; i++) {
		if (!CPU_ISSET(i, &may) || n-- > 0)
			continue;
		CPU_ZERO(&one);
		CPU_SET(i, &one);
		(void)sched_setaffinity(0, sizeof(one), &one);
		return;
	}
}

/* Where there are cores that no cell has: the rest of its slice there would be
 * a call's wait here. */
static void
pin_apart(void)
{
	cpu_set_t may;
	unsigned n = house.cells;

	if (sched_getaffinity(0, sizeof(may), &may) < 0 ||
	    n >= (unsigned)CPU_COUNT(&may))
		return;
	for (size_t i = 0; i < CPU_SETSIZE && n > 0; i++) {
		n -= (unsigned)CPU_ISSET(i, &may);
		CPU_CLR(i, &may);
	}
	(void)sched_setaffinity(0, sizeof(may), &may);
}

void
pin(const struct proc *p)
{
	if (p->cell >= 0)
		pin_cell((unsigned)p->cell);
	else if (p->id == ROLE_TILES)
		pin_apart(); /* its rounds are the longest */
}
