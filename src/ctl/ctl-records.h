/*
 * ctl-records: records of a ledger in the order of time: all, the newest, those
 * that options mean, those that come.
 */
#ifndef CTL_RECORDS_H
#define CTL_RECORDS_H

#include "ctl/ctl.h"
#include "ctl/ledger-print.h"
#include "index/index.h"

struct listing {
	const char *dir; /* the state directory, or ledger in it */
	struct index_filter filter;
	struct str text; /* must stand in the record; empty: any */
	size_t newest;	 /* so many of them; 0: all */
	enum print_format format;
	bool json, follow, search; /* search: to find nothing is exit 1 */
};
/* Prints them; an exit status.  When a cell's log is not valid from some record
 * on, says so on stderr and returns CTL_NO. */
int ledger_list(const struct listing *l);

int ctl_ledger_tail(struct ctl *c);
int ctl_ledger_grep(struct ctl *c);
int ctl_ledger_export(struct ctl *c);
/* ctl-export.c: what l means, as CoSAI's record, signed with the log's key. */
int ctl_export_cosai(struct ctl *c, const struct listing *l);
int ctl_ledger_index(struct ctl *c); /* ctl-index.c */
int ctl_ledger_query(struct ctl *c);

#endif
