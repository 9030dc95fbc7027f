/*
 * judge-pen: how a judge writes its cell's log.  Records are staged as they
 * come, all of a round go to the segment in one write, and role ledger is asked
 * to sync.  heard() is told what the line must know, as RECORDED.
 */
#ifndef JUDGE_PEN_H
#define JUDGE_PEN_H

#include "role/role.h"

struct pen_ops {
	/* Ask role ledger; ERR_GONE: it is not there. */
	enum err (*sync)(const struct msg *m);
	void (*heard)(const struct msg *m);
};
/* Where the log ends is in the image, the segment among what was given.  Writes
 * what every process begins with. */
NODISCARD enum err pen_begin(
    struct role_env *e, const struct pen_ops *ops, struct note *why);
/* Stages what m, a RECORD, says; on error nothing is staged. */
NODISCARD enum err pen_record(const struct msg *m);
/* The end of a round: writes what is staged, and what that sets off. */
void pen_flush(void);
/* The next segment, from the parent; takes fd. */
void pen_segment(uint64_t number, struct str name, int fd);
/* Role ledger: it is gone, it said something. */
void pen_ledger_lost(void);
void pen_ledger_said(const struct msg *m);

#endif
