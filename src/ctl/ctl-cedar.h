/*
 * ctl-cedar: what the files about Cedar share: commands, and tests of the
 * published corpora.
 */
#ifndef CTL_CEDAR_H
#define CTL_CEDAR_H

#include "base/base.h"

struct ctl;
int ctl_cedar_authorize(struct ctl *c);
int ctl_cedar_corpus(struct ctl *c);

/* One test; what it has not is empty. */
struct corpus_test {
	struct str name;
	struct str test; /* JSON: requests and what to expect */
	struct str policies, schema, entities;
	struct str refused;    /* not empty: the policies must be */
	struct str validation; /* JSON: verdicts of the validator */
	struct str parsing;    /* JSON: which entities must be read */
};
struct corpus {
	size_t passed, failed;
	size_t requests, verdicts; /* compared in all */
};
/* Prints each difference, counts the test. */
void corpus_check(struct corpus *c, const struct corpus_test *t);

#endif
