/* regex-in: a pattern as a tree, between reading it and making programs. */
#ifndef REGEX_IN_H
#define REGEX_IN_H

#include "schema/schema-in.h"

enum rkind {
	R_CHAR,	 /* x: code point */
	R_CLASS, /* x: block in the code */
	R_BEGIN,
	R_END,
	R_WORD,	  /* x: 1 border, 0 none */
	R_CAT,	  /* of children */
	R_ALT,	  /* of children */
	R_REPEAT, /* of one child, min to max times */
	R_LOOK,	  /* x: which */
};
struct rnode {
	enum rkind kind;
	uint32_t x;
	uint32_t min, max;    /* max NONE: any */
	uint32_t first, last; /* children; NONE */
	uint32_t next, prev;  /* siblings */
};
struct rlook {
	uint32_t sub; /* node */
	bool behind, negative;
};

struct regex {
	const char *p, *start, *end; /* the pattern */
	struct buf nodes;	     /* struct rnode */
	struct buf ranges;	     /* struct range of the class being read */
	struct buf *code;
	struct rlook look[LOOKS_MAX];
	uint32_t looks;
	char refers; /* the first back-reference: its digit, or k */
	unsigned depth;
	enum err err;
	struct note *why;
};
struct range {
	uint32_t first, last;
};

static inline struct rnode *
rnode(const struct regex *r, uint32_t i)
{
	return (struct rnode *)(void *)r->nodes.p + i;
}

/* Says why not, once, and ends the reading. */
void regex_bad(struct regex *r, enum err e, const char *fmt, ...) PRINTF(3, 4);
uint32_t regex_node(struct regex *r, enum rkind kind, uint32_t x);
/* The tree of the whole pattern, or NONE and r->err. */
uint32_t regex_tree(struct regex *r);

/* ---- regex-class.c ---- */

/* An escape: a class is added to r->ranges (true), or *c is a character. */
bool class_escape(struct regex *r, uint32_t *c, bool in_class);
uint32_t class_bracket(struct regex *r); /* behind the [ */
uint32_t class_dot(struct regex *r);
uint32_t class_end(struct regex *r, bool negative); /* the block of ranges */

static inline bool
at(const struct regex *r, char c)
{
	return r->p < r->end && *r->p == c;
}

static inline bool
takes(struct regex *r, char c)
{
	const bool is = at(r, c);

	r->p += is;
	return is;
}

#endif
