/* judge-side: what a judge sends to the side store, for judge.c. */
#ifndef JUDGE_SIDE_H
#define JUDGE_SIDE_H

#include "line/line.h"
#include "role/role.h"

/* Of a record that was staged: its content, if it has any.  Never waits. */
void side_take(const struct msg *record);
void side_chan(struct chan *tiles); /* it is there; NULL: it is gone */
void side_said(const struct msg *m);
/* Once a second, and before the end: sends what was gathered, and has the line
 * record what was lost. */
void side_tick(struct line *l);
/* An erasure or a pruning that tiles tells of, and records that are durable up
 * to seq. */
void side_erase_said(struct line *l, const struct msg *m);
void side_durable(uint64_t seq);

#endif
