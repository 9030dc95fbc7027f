/* commit-in: what a record commits to, and what of it goes to the side store;
 * for the files that write records. */
#ifndef COMMIT_IN_H
#define COMMIT_IN_H

#include "disclose/disclose.h"
#include "line/line-in.h"

/* What becomes of a value.  Zero is the default: its digest alone. */
enum doing {
	DO_COMMIT, /* committed to; its salt is kept, it is not */
	DO_CLEAR,  /* stands in the record: never to be erased */
	DO_KEEP,   /* committed to and kept in the side store */
	DO_REDACT, /* its name stands in the record, nothing is committed to */
	DO_DROP	   /* nothing of it is anywhere */
};
struct data_class {
	enum doing doing;
	uint64_t retention; /* seconds; 0: no end */
};
/* Of an argument of this tool. */
struct data_class class_of(const struct line *l, const struct upstream *u,
    struct str tool, struct str argument);
/* May an argument at this server stand in a record? */
bool class_clear(const struct line *l, const struct upstream *u);

/* Members of the record in b that is being written; each says how many.  What
 * is to be kept is gathered meanwhile and goes with commit_send. */
struct request {
	const struct upstream *up; /* NULL: none, or several */
	enum mcp_method method;
	struct str name, principal; /* either may be empty */
	struct jv params, kept;	    /* kept: arguments that stand in it */
};
/* Before any of its members: what the two then write. */
void commit_request(struct line *l, const struct request *r);
bool commit_any(const struct line *l); /* is there anything to write? */
size_t commit_params(const struct line *l, struct buf *b);   /* "params" */
size_t commit_redacted(const struct line *l, struct buf *b); /* "redacted" */
/* "result"; tool is empty where it is none's. */
size_t commit_answer(struct line *l, const struct upstream *u, struct str tool,
    struct jv result, struct buf *b);
/* With the record goes what was gathered, and whose it is. */
void commit_send(struct line *l, const struct request *r, struct msg *m);
/* A record begins, of which nothing is gathered yet. */
void commit_begin(struct line *l);

void commit_setup(struct line *l); /* of an image */
void commit_done(struct line *l);

#endif
