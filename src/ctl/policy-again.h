/*
 * policy-again: a walk through a ledger that asks some policies about each
 * decision again.  What "policy replay" tells and what "policy learn" proves
 * its proposal by.
 */
#ifndef POLICY_AGAIN_H
#define POLICY_AGAIN_H

#include "ctl/policy-past.h"

struct again {
	struct past_reader past;
	struct partly_set *set;
	struct arena *a;
	struct buf missing; /* why the last one is not established */
	bool broken;	    /* the ledger is not valid */
	/* For each decision of policy, and each refusal elsewhere (then v is
	 * NULL); sure: it is established. */
	void (*got)(void *arg, struct again *g, const struct past *p,
	    const struct verdict *v, bool sure);
	void *arg;
};
/* Asks the policies of image about every decision in dir.  disclosures as
 * past_open.  CTL_YES, or what is wrong is said: CTL_NO (the policies),
 * CTL_UNREACHABLE (no ledger), CTL_FAILED. */
int again_walk(struct again *g, const struct ctl *c, const char *dir,
    const char *disclosures, struct jv image, bool conf);

#endif
