/*
 * ctl-ledger: "gatehouse ledger verify|show": reading what was written.
 * DIR is the state directory or the directory ledger in it.  Each prints to
 * stdout and returns the exit status: 0 yes, 1 no (something is wrong with the
 * ledger; the record is not there), 3 nothing can be read there, 4 failed.
 */
#ifndef CTL_LEDGER_H
#define CTL_LEDGER_H

#include "base/base.h"

/* Every segment of every cell; the last line says whether all is well, and if
 * not names the first bad record.  json: one object. */
int ctl_ledger_verify(const char *dir, bool json);
/* One record as it stands, with its leaf hash; json: the record alone. */
int ctl_ledger_show(const char *dir, unsigned cell, uint64_t seq, bool json);

/* One record that a walk looks for. */
struct sought {
	unsigned cell;
	uint64_t seq;
	bool found, bad; /* bad: the cell is not valid up to it */
};
struct walk_cell;
/* For the walk's end of each cell. */
void sought_cell(struct sought *s, const struct walk_cell *c);
/* 0: it is there and sure; else 1, and said why. */
int sought_end(const struct sought *s);

#endif
