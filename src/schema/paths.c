/*
 * paths: the nodes that judge one value, counted along all the ways from one to
 * another: so a tower of allOf and a $ref that never leaves its value are
 * refused before any value comes.
 */
#include "schema/compile-in.h"

struct visit {
	uint32_t edge, last; /* next edge to follow, and behind the last */
	uint64_t paths;	     /* 0: not visited */
	bool open;
};

static bool
visit_done(
    struct unit *u, struct visit *v, const uint32_t *stack, uint32_t depth)
{
	struct visit *here = &v[stack[depth]];

	here->open = false;
	if (here->paths <= u->lim.paths) {
		if (depth > 0)
			v[stack[depth - 1]].paths += here->paths;
		return true;
	}
	u->node = stack[depth];
	unit_bad(u, ERR_LIMIT, NULL,
	    "one value would be judged in more than %u ways", u->lim.paths);
	return false;
}

static void
visit_from(struct unit *u, struct visit *v, uint32_t *stack, uint32_t from)
{
	uint32_t depth = 0;

	stack[0] = from;
	v[from].paths = 1;
	v[from].open = true;
	while (unit_spend(u, 1)) {
		struct visit *here = &v[stack[depth]];
		uint32_t to;

		if (here->edge == here->last) {
			if (!visit_done(u, v, stack, depth) || depth-- == 0)
				return;
			continue;
		}
		to = UNIT_AT(u->edges, struct edge, here->edge++)->to;
		if (v[to].open) {
			u->node = to;
			unit_bad(u, ERR_SYNTAX, NULL,
			    "it comes back to itself without going into the "
			    "value");
			return;
		}
		if (v[to].paths > 0) {
			here->paths += v[to].paths;
			continue;
		}
		stack[++depth] = to;
		v[to].paths = 1;
		v[to].open = true;
	}
}

void
paths_count(struct unit *u)
{
	const uint32_t n = UNIT_N(u->places, struct place);
	const uint32_t edges = UNIT_N(u->edges, struct edge);
	struct visit *v = mem_get(n * sizeof(*v));
	uint32_t *stack = mem_get(n * sizeof(*stack));

	for (uint32_t i = 0; i < edges; i++) { /* in order of from */
		struct visit *from =
		    &v[UNIT_AT(u->edges, struct edge, i)->from];

		if (from->last == 0)
			from->edge = i;
		from->last = i + 1;
	}
	for (uint32_t i = 0; i < n && !u->err; i++)
		if (v[i].paths == 0)
			visit_from(u, v, stack, i);
	mem_free(stack);
	mem_free(v);
	u->node = NONE;
}
