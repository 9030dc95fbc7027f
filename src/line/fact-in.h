/* fact-in: what goes on record by itself, what does so seldom, and what lists
 * were shown. */
#ifndef FACT_IN_H
#define FACT_IN_H

#include "base/base.h"

/* What goes on record by itself: record.c. */
struct fact {
	const char *kind, *verdict, *status, *reason;
	const char *failed, *followed; /* of a failure */
	struct str principal, server, method, name;
	uint64_t count;	   /* 0: one */
	uint64_t decision; /* that it is about; 0: none */
};

/* One thing that can happen often: seldom.c. */
struct seldom {
	uint64_t told;	    /* when it was on record last; 0: never */
	uint64_t count;	    /* since then */
	struct fact fact;   /* as the last time */
	struct note reason; /* of that */
};

/* Digests of the lists that were shown last, and of which others before them
 * differed: fields.c. */
enum { SHOWN_KINDS = 4, SUM_TEXT = 64 /* a digest's hexadecimal */ };
struct shown {
	unsigned is;	/* bit: of this kind there is one */
	unsigned mixed; /* bit: there were others */
	char sum[SHOWN_KINDS][SUM_TEXT];
};

#endif
