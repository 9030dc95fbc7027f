/*
 * slots: which nodes ask for the same.  context.input.path means the same value
 * in every policy that applies to a request, so each attribute path gets a
 * number when an engine is opened, and the evaluator keeps what it found under
 * that number while one request is decided.  A path that failed is not kept:
 * each policy says where it failed.
 */
#include "cedar/code.h"

enum { VARS = 4 }; /* slots 1 to 4: the variables themselves */

enum err
code_slots_make(struct cedar_engine *e)
{
	struct map *seen = map_new(0); /* path -> the slot of its first node */

	e->slot = arena_alloc(e->a, e->n[SEC_NODE] * sizeof(*e->slot));
	for (uint32_t i = 0; e->slot != NULL && i < e->n[SEC_NODE]; i++) {
		const struct code_node *n = &e->node[i];
		const uint32_t path[2] = { e->slot[n->op == OP_GET ? n->a : i],
			n->b };
		const struct str key = { (const char *)path, sizeof(path) };
		const uint32_t *first;

		if (n->op == OP_VAR)
			e->slot[i] = n->x + 1U;
		if (n->op != OP_GET || path[0] == 0)
			continue;
		first = map_get(seen, key);
		e->slot[i] = first != NULL
				 ? *first
				 : (uint32_t)map_count(seen) + VARS + 1;
		if (first == NULL)
			(void)map_put(seen, key, &e->slot[i]);
	}
	map_free(seen);
	return e->slot == NULL ? ERR_LIMIT : OK;
}
