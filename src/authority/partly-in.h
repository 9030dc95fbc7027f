/* partly-in.h: what the files of partly-known calls share. */
#ifndef AUTHORITY_PARTLY_IN_H
#define AUTHORITY_PARTLY_IN_H

#include "authority/inventory.h"

enum {
	PARTLY_ONE_MAX = 4 << 20, /* a policy as a tape */
	/* What a condition may come to. */
	IS_T = 1,
	IS_F = 2,
	IS_E = 4, /* an error */
	MAYBE = IS_T | IS_F | IS_E,
};

struct one {
	struct str id, needs; /* needs: what may lift it */
	struct buf tape;      /* its JSON form */
	bool forbid, unmet;   /* unmet: it obliges to what nobody can do */
};
struct partly_set {
	struct policy *policy;
	struct cedar_policies *all;
	struct cedar_engine *scopes; /* each as a permit without conditions */
	struct one *one;	     /* by place */
	size_t n;
	bool many;	   /* kinds of approval: more than a verdict can name */
	struct map *parts; /* bytes of an expression -> its engine */
};

/* One question. */
struct ask {
	struct partly_set *s;
	const struct partly *k;
	struct world w;
	struct arena *a;
	struct buf *missing; /* the first unknown member that mattered */
};

/* partly-parts.c: what a policy whose scope fits comes to, IS_* */
unsigned policy_comes_to(struct ask *q, const struct one *o);
bool argument_known(const struct partly *k, struct str name);

#endif
