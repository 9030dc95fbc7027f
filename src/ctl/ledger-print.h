/*
 * ledger-print: a record for whoever reads it: a line for people, its own text,
 * or an event of a format.  Nothing of a record reaches a terminal as more than
 * letters.
 */
#ifndef LEDGER_PRINT_H
#define LEDGER_PRINT_H

#include "ctl/ctl.h"
#include "ctl/ledger-feed.h"

struct printer;
/* json: records as they stand; on a terminal what is not ASCII is escaped, as
 * JSON can.  Colours where stdout is a terminal and NO_COLOR is not set. */
struct printer *printer_new(bool json);
void printer_put(struct printer *p, const struct feed_record *r);
NODISCARD int printer_flush(struct printer *p); /* to stdout; an exit status */
void printer_free(struct printer *p);

/* "12 % of 734 MB" on stderr, where that is a terminal, once work takes more
 * than a second, twice a second; done: wipes the line. */
struct progress {
	uint64_t started, told;
	bool shown;
};
void progress_at(struct progress *p, uint64_t n, uint64_t of);
void progress_done(struct progress *p);

#endif
