/* plan-in.h: what an agent states; a part of line-in.h, which includes it. */
#ifndef LINE_PLAN_IN_H
#define LINE_PLAN_IN_H

#include "line/line-in.h"

enum {
	PLAN_STEPS = 64,       /* of one plan */
	PLAN_STEP = 64,	       /* bytes of a step's name */
	PLAN_TOOL = 256,       /* of a tool's name */
	PLAN_WHY = 1024,       /* of what a step is for: digested alone */
	INPUT_MAX = 64 * 1024, /* of an input, likewise */
	STATED_MAX = 64 /* statements of a session in limits.session_idle */
};

/* plan.c */
enum err step_state(struct line *l, struct turn *t);
/* Records what was said; either may be J_NONE.  An error: it does not stand or
 * cannot be recorded, and the turn is refused. */
enum err plan_state(
    struct line *l, struct turn *t, struct jv input, struct jv plan);
/* "absent", "inside" or "outside": a call of this tool, by the plan of its
 * session, or of its principal where it has none. */
struct str plan_says(const struct line *l, const struct asked *a);
/* The member "plan" of a decision about a tool's call. */
size_t field_plan(const struct line *l, const struct turn *t, struct buf *b);
/* A decision about it is outside what was stated. */
bool plan_outside(const struct line *l, const struct turn *t);
/* The params without what was stated: it is not the server's. */
struct jv plan_stripped(struct turn *t, struct jv params);
void plan_drop(struct plan *p);

/* own.c: the gateway's own tool, gatehouse___plan on the endpoint of all */
void own_setup(struct line *l);
void own_done(struct line *l);
bool own_is(const struct line *l, const struct turn *t, struct str name);
enum err own_route(struct line *l, struct turn *t);
enum err own_call(struct line *l, struct turn *t); /* it was decided */
bool own_shown(struct line *l, struct turn *t);	   /* appended to t->out */

#endif
