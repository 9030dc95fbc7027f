/*
 * judge-told: what the parent saw and wants on record.  It comes while nothing
 * can be written, too: then it waits here, in order, and the parent says it
 * again to another judge when this one dies first.
 */
#ifndef JUDGE_TOLD_H
#define JUDGE_TOLD_H

#include "line/line.h"
#include "role/role.h"

void told_take(struct line *l, const struct msg *m);
void told_tick(struct line *l); /* what waits is tried again */
/* Records up to seq are written. */
void told_written(const struct role_env *e, uint64_t seq);
/* The last record of this process; nothing of this cell follows. */
void told_stop(const struct role_env *e, struct line *l);

#endif
