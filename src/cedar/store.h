/*
 * store: what the files of this room share about entities and requests.
 */
#ifndef CEDAR_STORE_H
#define CEDAR_STORE_H

#include "cedar/cedar.h"

enum {
	/* All ancestors of all entities of one store: a chain of n entities
	 * has n * n / 2 of them. */
	STORE_CLOSURE_MAX = 16 * 1024 * 1024,
	STORE_ENTITIES_MAX = 4 * 1024 * 1024,
	/* Values inside values, as read or built. */
	STORE_DEPTH = 64,
};

/*
 * An entity.  parent is what was given; up, a hash table of all ancestors, is
 * made when the store is closed or, over a base, when it is added.
 */
struct entity {
	const struct cedar_ref *ref;
	struct cedar_value attrs, tags;	 /* records */
	const struct cedar_ref **parent; /* as given */
	size_t parent_n;
	const struct cedar_ref **up; /* up_mask + 1 slots, NULL: empty */
	size_t up_n, up_mask;
	const struct entity *next; /* in order of addition */
	uint8_t colour;		   /* while the closure is made */
};

struct cedar_entities {
	struct arena *a;
	bool own;			   /* a dies with the store */
	bool done;			   /* closed: nothing is added */
	const struct cedar_entities *base; /* what this lies over, or NULL */
	struct entity **slot;
	size_t cap, n;
	struct entity *first, *last;
};

bool ref_same(const struct cedar_ref *a, const struct cedar_ref *b);
const struct entity *store_find(
    const struct cedar_entities *es, const struct cedar_ref *ref);
/* Adds to a closed store one that nobody in it has for an ancestor yet. */
NODISCARD enum err store_add_closed(
    struct cedar_entities *es, const struct cedar_new_entity *x);
/* Is anc an ancestor of e (not e itself)?  e may be NULL. */
bool entity_under(const struct entity *e, const struct cedar_ref *anc);
struct cedar_request {
	const struct cedar_ref *var[3]; /* by AST_PRINCIPAL, ... */
	struct cedar_value context;	/* a record */
	struct cedar_ref ref[3];
};

#endif
