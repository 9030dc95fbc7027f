/* ctl-side: what is kept of records beside the ledger, for commands. */
#ifndef CTL_SIDE_H
#define CTL_SIDE_H

#include "ctl/ctl.h"
#include "disclose/disclose.h"
#include "role/role.h"

/* What the store has of one record. */
struct held {
	enum side_found found;
	struct buf tape; /* content is of this */
	struct content content;
};
/* The store beside a ledger; dir as commands take it.  *out is NULL where
 * there is none.  CTL_YES, or said. */
int side_beside(const struct ctl *c, const char *dir, struct side_reader **out);
/* Never fails: what cannot be read is SIDE_DAMAGED. */
void held_of(
    const struct side_reader *r, unsigned cell, uint64_t seq, struct held *out);
void held_done(struct held *h);

int ctl_ledger_show_one(struct ctl *c); /* "ledger show DIR SEQ" */
int ctl_ledger_erase(struct ctl *c);

#endif
