/* prune-in: what the files of "gatehouse ledger prune" share. */
#ifndef PRUNE_IN_H
#define PRUNE_IN_H

#include "checkpoint/checkpoint.h"
#include "ctl/ledger-walk.h"
#include "ctl/tlog-dir.h"
#include "sys/sys.h"

enum { PATH = 4096 };

struct prune {
	struct ctl *c;
	const char *state;
	uint64_t before; /* microseconds since 1970 */
	int lock;
	struct tlog_dir log;
	char log_dir[PATH], ledger_dir[PATH];
	struct checkpoint at;
	struct ledger_counts merged, old, kept;
	uint64_t segments, bytes, records; /* that go */
	struct note why;
};

void prune_path(const struct prune *p, const char *log, unsigned n,
    char out[static 2 * PATH]);
/* Fills in what goes and what is kept.  An exit status; said why. */
int prune_plan(struct prune *p);

#endif
