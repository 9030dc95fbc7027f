/*
 * ledger-print: a record for whoever reads it: a line for people, its own text,
 * or an event of a format.  Nothing of a record reaches a terminal as more than
 * letters.
 */
#ifndef LEDGER_PRINT_H
#define LEDGER_PRINT_H

#include "ctl/ctl.h"
#include "ctl/ledger-feed.h"
#include "ctl/ledger-filter.h"
#include "export/export.h"

enum print_format { PRINT_RECORDS, PRINT_OCSF, PRINT_OTLP, PRINT_COSAI };
/* By its name, "ocsf" and so on; false: there is none. */
bool print_format_of(const char *name, enum print_format *out);

struct printer;
/* json: records as they stand; on a terminal what is not ASCII is escaped, as
 * JSON can.  Colours where stdout is a terminal and NO_COLOR is not set. */
struct printer *printer_new(bool json, enum print_format format);
/* m, which was asked about r: for a format; else it may be NULL. */
void printer_put(
    struct printer *p, const struct feed_record *r, struct matcher *m);
NODISCARD int printer_flush(struct printer *p); /* to stdout; an exit status */
/* The same, and what waits for more to come. */
NODISCARD int printer_end(struct printer *p);
void printer_free(struct printer *p);

/* Of foreign text what prints, as far as most: the rest is '?'. */
void put_printable(struct buf *b, struct str s, size_t most);
/* Writes lines of JSON to stdout and empties b; on a terminal in ASCII, as JSON
 * can be.  An exit status. */
int put_json(struct buf *b);
void view_of(
    const struct feed_record *r, struct matcher *m, struct export_view *out);

/* "12 % of 734 MB" on stderr, where that is a terminal, once work takes more
 * than a second, twice a second; done: wipes the line.  Zeroed to begin with,
 * but for off (nobody reads it: --json) and what it counts besides bytes. */
struct progress {
	uint64_t started, told;
	bool shown, off;
	const char *what; /* NULL: bytes */
};
void progress_at(struct progress *p, uint64_t n, uint64_t of);
void progress_done(struct progress *p);

#endif
