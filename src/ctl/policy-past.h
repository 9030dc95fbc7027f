/*
 * policy-past: decisions of a ledger as policy can be asked about them again,
 * with what their records keep and what the operator discloses.  Nothing is
 * guessed: what neither gives is unknown (struct partly).
 */
#ifndef POLICY_PAST_H
#define POLICY_PAST_H

#include "authority/authority.h"
#include "ctl/ctl-side.h"
#include "ctl/policy-in.h"

enum past_kind {
	PAST_NONE = 0, /* no decision: another kind of record */
	PAST_ASKED,    /* policy was asked about this call */
	PAST_LIST,     /* it names no object: may the principal come at all? */
	PAST_ELSEWHERE /* refused before policy was asked, or after */
};
struct past {
	enum past_kind kind;
	unsigned cell;
	uint64_t seq;
	struct partly k;
	enum effect was; /* what policy said then */
	struct str rule; /* by which */
	struct str endpoint;
	struct jv facts;   /* as they were declared then */
	bool typed;	   /* its arguments were read by types */
	bool shown;	   /* the tool's definition is on record */
	bool read_input;   /* the set that decided read context.input */
	const char *lacks; /* a member without which nothing can be asked */
};
/* State of one walk through a ledger.  Zeroed, then past_open. */
struct past_reader {
	const struct ctl *c;
	struct map *sets;	  /* digests of sets that read context.input */
	struct map *given;	  /* "cell/seq" -> struct given */
	struct side_reader *side; /* what is kept beside the ledger, or NULL */
	struct map *tools;	  /* "server/tool" -> struct shown */
	struct buf tape;	  /* params of the last call */
	struct buf lines;	  /* the disclosures */
	uint64_t used,
	    folded;	 /* disclosures; refusals that were counted only */
	struct note bad; /* a disclosure that is not what was recorded */
	struct jv image; /* of the policies that will be asked */
	const struct policy *policy; /* the same; set before the walk */
	bool conf; /* image is a configuration: what it declares holds */
};
/* dir: the ledger's; disclosures: a file of JSON lines, or NULL.  CTL_YES, or
 * what is wrong is said. */
int past_open(struct past_reader *r, const struct ctl *c, const char *dir,
    const char *disclosures, struct jv image, bool conf);
void past_done(struct past_reader *r);
/* The record as *out; its texts live until the next.  kind PAST_NONE: none. */
void past_read(struct past_reader *r, unsigned cell, uint64_t seq,
    struct jv rec, struct past *out);
/* After a walk: every disclosure was what was recorded?  CTL_YES, or said. */
int past_end(const struct past_reader *r);

#endif
