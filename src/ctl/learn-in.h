/*
 * learn-in: what was seen of calls alike, and the least condition that all of
 * it meets.  "policy learn" proposes; it never applies.
 */
#ifndef LEARN_IN_H
#define LEARN_IN_H

#include "facts/facts.h"
#include "json/json.h"

enum {
	SEEN_VALUES = 256, /* distinct values kept of one fact */
	SEEN_FEW = 16,	   /* more are no list but anything */
	SEEN_FACTS = 16,
	SEEN_ARGS = 32,
};
/* How closely a proposal fits what was seen. */
enum fit {
	FIT_LOOSE, /* directories of paths, hosts of URLs, verbs of SQL */
	FIT_EXACT, /* these values and no others */
	FIT_NONE,  /* not proposed: something refused looks the same */
};

/* One fact of an argument, or the argument as it is. */
struct seen_fact {
	struct str name; /* empty: the argument itself; ours */
	enum fact_type type;
	bool mixed;		  /* values of several types */
	uint64_t n;		  /* calls that had it */
	bool yes, no;		  /* FACT_BOOL */
	int64_t least, most;	  /* FACT_LONG */
	struct map *value;	  /* texts, or members of sets: distinct */
	bool many;		  /* more than SEEN_VALUES */
	struct buf dir[SEEN_FEW]; /* FIT_LOOSE of paths: common directories */
	size_t dir_n;
	bool wide; /* too many of them */
};
struct seen_arg {
	struct str name;     /* ours */
	enum fact_kind kind; /* FACT_NONE: as it is */
	uint64_t there, gone, unknown;
	struct seen_fact fact[SEEN_FACTS];
	size_t n;
};
struct seen_args {
	struct seen_arg arg[SEEN_ARGS];
	size_t n;
	uint64_t calls;
};
/* Adds a call: what is known of its arguments, names that it certainly had not,
 * and whether there was nothing else. */
struct sample {
	struct jv arguments, absent, facts;
	bool whole;
};
void seen_add(struct seen_args *s, const struct sample *x, struct arena *a);
void seen_done(struct seen_args *s);
/* Clauses that every call seen meets.  plain: also of arguments as they are, by
 * context.input. */
void seen_put(
    const struct seen_args *s, enum fit fit, bool plain, struct buf *out);
/* Arguments of which nothing can be said, as comments. */
void seen_put_gaps(const struct seen_args *s, struct buf *out);

#endif
