/* check-apply: operations that ask other nodes, of this value or of elements.
 * Those of members are in check-object.c. */
#include "schema/check-in.h"

/* The node on this value; what it judges counts as judged here. */
static bool
same(struct run *r, const struct ctx *c, uint32_t node)
{
	return check_node(r, node, c->v, c->spot, c->scope, c->track);
}

static bool
element(
    struct run *r, const struct ctx *c, uint32_t node, struct jv v, uint32_t i)
{
	const struct spot s = { c->spot, { NULL, 0 }, i };

	return check_node(r, node, v, &s, c->scope, NULL);
}

bool
check_items(struct run *r, const struct ctx *c, const uint8_t *p, uint32_t n)
{
	const uint32_t rest = word(p, 0);
	struct jit it = jit_of(c->v);
	bool good = true;
	struct jv v;

	if (c->t != J_ARR)
		return true;
	for (uint32_t i = 0; jit_next(&it, NULL, &v); i++) {
		const uint32_t node = i + 1 < n ? word(p, i + 1) : rest;

		if (node == NONE)
			break;
		spend(r->steps, 1);
		good &= element(r, c, node, v, i);
		if (!good && !check_goes_on(r))
			return false;
		track_mark(r, c->track, i);
	}
	return good;
}

bool
check_contains(struct run *r, const struct ctx *c, const uint8_t *p, uint32_t n)
{
	const uint32_t node = word(p, 0), min = word(p, 1), max = word(p, 2);
	const bool all = c->track != NULL || max != NONE;
	struct jit it = jit_of(c->v);
	uint32_t found = 0;
	struct jv v;

	(void)n;
	if (c->t != J_ARR)
		return true;
	r->quiet++;
	for (uint32_t i = 0; (all || found < min) && jit_next(&it, NULL, &v);
	     i++) {
		spend(r->steps, 1);
		if (!element(r, c, node, v, i))
			continue;
		found++;
		track_mark(r, c->track, i);
	}
	r->quiet--;
	if (found < min)
		return check_fault(r, c, OP_CONTAINS,
		    "must have at least %u elements as contains says, has %u",
		    min, found);
	return found <= max ||
	       check_fault(r, c, OP_CONTAINS,
		   "must have at most %u elements as contains says, has %u",
		   max, found);
}

bool
check_uneval_items(
    struct run *r, const struct ctx *c, const uint8_t *p, uint32_t n)
{
	struct jit it = jit_of(c->v);
	bool good = true;
	struct jv v;

	(void)n;
	if (c->t != J_ARR)
		return true;
	if (c->track == NULL)
		*r->steps = 0; /* no image of ours */
	for (uint32_t i = 0; *r->steps > 0 && jit_next(&it, NULL, &v); i++) {
		const struct spot s = { c->spot, { NULL, 0 }, i };

		spend(r->steps, 1);
		if (track_has(r, c->track, i))
			continue;
		if (word(p, 0) == NODE_FALSE)
			good = check_fault_at(r, c, &s, "unevaluatedItems",
			    "no schema allows this element");
		else
			good &= element(r, c, word(p, 0), v, i);
		if (!good && !check_goes_on(r))
			return false;
		track_mark(r, c->track, i);
	}
	return good;
}

bool
check_ref(struct run *r, const struct ctx *c, const uint8_t *p, uint32_t n)
{
	(void)n;
	return same(r, c, word(p, 0));
}

/* The node for a resource in the list of a $dynamicRef's name. */
static uint32_t
listed(const uint8_t *list, uint32_t resource)
{
	const uint32_t n = word(list, 0);

	for (uint32_t i = 0; i < n; i++)
		if (word(list, 1 + 2 * (size_t)i) == resource)
			return word(list, 2 + 2 * (size_t)i);
	return NONE;
}

bool
check_dynref(struct run *r, const struct ctx *c, const uint8_t *p, uint32_t n)
{
	const uint8_t *dyns = r->s->code + 4 * (size_t)r->s->dyns;
	const uint8_t *list = r->s->code + 4 * (size_t)word(dyns, word(p, 1));
	uint32_t node = word(p, 0);

	(void)n;
	/* The outermost has the word. */
	for (const struct scope *s = c->scope; s != NULL && *r->steps > 0;
	     s = s->outer) {
		const uint32_t found = listed(list, s->resource);

		spend(r->steps, 1 + word(list, 0) / 4);
		if (found != NONE)
			node = found;
	}
	return same(r, c, node);
}

bool
check_allof(struct run *r, const struct ctx *c, const uint8_t *p, uint32_t n)
{
	bool good = true;

	for (uint32_t i = 0; i < n; i++) {
		good &= same(r, c, word(p, i));
		if (!good && !check_goes_on(r))
			return false;
	}
	return good;
}

/* No arm conforms.  Says so, and what is wrong with the one that asked most
 * before it gave up: likely the one that was meant. */
static bool
none_of(struct run *r, const struct ctx *c, enum op op, const uint8_t *p,
    uint32_t n)
{
	uint64_t most = 0;
	uint32_t best = 0;

	if (!check_goes_on(r))
		return false;
	(void)check_fault(r, c, op, "must be as one of the %u schemas says", n);
	r->quiet++;
	for (uint32_t i = 0; i<n && * r->steps> 0; i++) {
		const uint64_t before = *r->steps;

		(void)check_branch(r, c, word(p, i));
		if (before - *r->steps > most) {
			most = before - *r->steps;
			best = i;
		}
	}
	r->quiet--;
	(void)check_branch(r, c, word(p, best));
	return false;
}

bool
check_anyof(struct run *r, const struct ctx *c, const uint8_t *p, uint32_t n)
{
	bool good = false;

	r->quiet++;
	for (uint32_t i = 0; i < n && (!good || c->track != NULL); i++)
		good |= check_branch(r, c, word(p, i));
	r->quiet--;
	return good || none_of(r, c, OP_ANYOF, p, n);
}

bool
check_oneof(struct run *r, const struct ctx *c, const uint8_t *p, uint32_t n)
{
	uint32_t good = 0;

	r->quiet++;
	for (uint32_t i = 0; i < n && good < 2; i++)
		good += check_branch(r, c, word(p, i));
	r->quiet--;
	if (good == 1)
		return true;
	return good == 0
		   ? none_of(r, c, OP_ONEOF, p, n)
		   : check_fault(r, c, OP_ONEOF,
			 "must be as exactly one of the %u schemas says, is "
			 "as two",
			 n);
}

bool
check_not(struct run *r, const struct ctx *c, const uint8_t *p, uint32_t n)
{
	bool is;

	(void)n;
	r->quiet++;
	is = check_node(r, word(p, 0), c->v, c->spot, c->scope, NULL);
	r->quiet--;
	return !is || check_fault(r, c, OP_NOT, "must not be as not says");
}

bool
check_if(struct run *r, const struct ctx *c, const uint8_t *p, uint32_t n)
{
	bool is;

	(void)n;
	r->quiet++;
	is = check_branch(r, c, word(p, 0));
	r->quiet--;
	return same(r, c, word(p, is ? 1 : 2));
}
