/* ctl-inspect: rules of inspection, and items judged by them. */
#ifndef CTL_INSPECT_H
#define CTL_INSPECT_H

#include "inspect/inspect.h"

struct ctl;
int ctl_inspect(struct ctl *c); /* ctl-inspect.c */
int ctl_rules_test(struct ctl *c);
int ctl_rules_bench(struct ctl *c);
int ctl_rules_explain(struct ctl *c);

/* ---- rules-read.c ---- */

/* The rule files of a directory. */
struct rule_file {
	char *path;
	struct buf tape, lines;
};
struct rule_files {
	struct rule_file *v;
	size_t n;
	struct inspect_rules *rules;
};
/* Reads, compiles and times every *.yaml of the directory that --rules names,
 * or of the one that comes with the program.  What is wrong is said with file
 * and line; CTL_YES, CTL_NO, CTL_UNREACHABLE. */
int rule_files_read(struct ctl *c, struct rule_files *out);
void rule_files_done(struct rule_files *f);
/* FILE:LINE of a value; "" when it is none of theirs. */
struct note rule_place(const struct rule_files *f, struct jv at);
uint64_t rules_clock(void); /* monotonic, in nanoseconds */

#endif
