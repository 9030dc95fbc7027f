/*
 * ledger-order: is the sequence of each session whole?  A writer that leaves a
 * record out, or says one twice, can still chain what it writes; that it
 * counted on is what the sequences show.
 */
#ifndef LEDGER_ORDER_H
#define LEDGER_ORDER_H

#include "json/json.h"

/* Of one cell's log.  Zeroed before its first record. */
struct order {
	struct map *last; /* session, or principal -> its last number */
	bool begun;	  /* a record "start" was there: all are known */
	uint64_t bad;	  /* seq of the first record that is out of order; 0 */
	struct note why;
};
/* The cell's next record.  Those without session_seq are no session's. */
void order_take(struct order *o, uint64_t seq, struct jv rec);
void order_done(struct order *o); /* as zeroed */

#endif
