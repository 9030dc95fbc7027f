/*
 * index-file: the index of one ledger, as a file of the person who asks:
 * brought up to date before every answer, made anew when it is missing,
 * damaged, of another version, or was touched by anything but this program.
 */
#ifndef INDEX_FILE_H
#define INDEX_FILE_H

#include "ctl/ctl.h"
#include "ctl/ledger-feed.h"
#include "index/index.h"

struct index_file {
	struct feed *feed;
	struct index *x;
	struct index_cell *had; /* cells that it had, when it was opened */
	size_t had_n;
	char path[4096]; /* of the database */
	int lock;
	bool made;	      /* anew, because of why */
	struct note made_why; /* empty: it was asked for, or there was none */
	uint64_t records, added;
	bool quiet; /* no progress */
	bool bad;   /* the ledger is not valid; the index has what is before */
};
/*
 * Options of c: --index DIR, where it is kept ($XDG_CACHE_HOME/gatehouse/index
 * or ~/.cache/gatehouse/index); --rebuild.  Waits while another uses it.
 * CTL_NO: the ledger no longer begins with what the index was built from.
 */
NODISCARD int index_file_open(
    struct ctl *c, const char *dir, struct index_file *out);
void index_file_close(struct index_file *f);

#endif
