/* check-in: what the files of the evaluator share. */
#ifndef CHECK_IN_H
#define CHECK_IN_H

#include "schema/schema-in.h"

/* Where in the value we are, from the innermost outwards. */
struct spot {
	const struct spot *outer;
	struct str key; /* .p NULL: an element */
	uint32_t index;
};
/* The dynamic scope: resources entered, from the innermost outwards. */
struct scope {
	const struct scope *outer;
	uint32_t resource;
};
/* Which members or elements of one value were judged: bits of run.bits. */
struct track {
	size_t at, words;
};
enum { NEAR = 32 };
struct run {
	const struct schema *s;
	uint64_t *steps;
	unsigned depth, quiet;
	struct schema_faults *out; /* NULL: nobody wants to know */
	struct regex_room room;
	struct buf key; /* a member's name as a value */
	uint64_t *bits;
	size_t bits_n, bits_cap;
	uint64_t near[NEAR];
};
/* One node and one value. */
struct ctx {
	struct jv v;
	enum jtype t;
	uint32_t node;
	const struct spot *spot;
	const struct scope *scope;
	const struct track *track; /* NULL: nobody asks */
};
/* An operation: p are its n operands.  False: the value does not conform, or
 * the steps are spent. */
typedef bool check_op(
    struct run *r, const struct ctx *c, const uint8_t *p, uint32_t n);

bool check_node(struct run *r, uint32_t node, struct jv v,
    const struct spot *spot, const struct scope *scope,
    const struct track *track);
/* The node on the same value; what it judged counts only if it conforms. */
bool check_branch(struct run *r, const struct ctx *c, uint32_t node);
/* Goes on past a fault: somebody wants to know of more. */
bool check_goes_on(const struct run *r);
/* Notes a fault of the node, if anybody wants to know; gives false. */
bool check_fault(struct run *r, const struct ctx *c, enum op op,
    const char *fmt, ...) PRINTF(4, 5);
/* The same of a member or element, and of a keyword that shares an op. */
bool check_fault_at(struct run *r, const struct ctx *c, const struct spot *spot,
    const char *keyword, const char *fmt, ...) PRINTF(5, 6);

struct track track_new(struct run *r, size_t n);
void track_drop(struct run *r, struct track t);
static inline void
track_mark(struct run *r, const struct track *t, size_t i)
{
	if (t != NULL && i / 64 < t->words)
		r->bits[t->at + i / 64] |= UINT64_C(1) << i % 64;
}
static inline bool
track_has(const struct run *r, const struct track *t, size_t i)
{
	return i / 64 < t->words &&
	       (r->bits[t->at + i / 64] >> i % 64 & 1) != 0;
}

static inline struct str
op_string(const struct run *r, const uint8_t *p, size_t i)
{
	return (struct str){ (const char *)r->s->pool + word(p, i),
		word(p, i + 1) };
}

/* ---- check-value.c, check-apply.c, check-object.c ---- */
check_op check_type, check_const, check_enum, check_multiple, check_max,
    check_xmax, check_min, check_xmin, check_maxlen, check_minlen,
    check_pattern, check_format, check_maxitems, check_minitems, check_unique,
    check_maxprops, check_minprops;
check_op check_items, check_contains, check_ref, check_dynref, check_allof,
    check_anyof, check_oneof, check_not, check_if, check_uneval_items;
check_op check_object, check_propnames, check_depreq, check_depschema,
    check_uneval_props;

#endif
