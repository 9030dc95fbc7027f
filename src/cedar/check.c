/*
 * check: an image that came from elsewhere is walked once and every number in
 * it compared with what it counts, so that the evaluator need not look.  Kids
 * lie before their node and each has one parent: trees, of bounded depth.
 */
#include "cedar/code.h"

/* What the operands of a node are. */
enum operand {
	IS_ZERO,
	IS_NODE,
	IS_CONST,
	IS_STR,
	IS_NODES, /* a list of n nodes */
	IS_STRS,  /* a list of n strings */
	IS_PAIRS, /* a list of n strings and nodes */
	IS_COUNT, /* belongs to a list */
	IS_THREE, /* a count that is 3 */
	IS_SOME,  /* a count that is not 0 */
};
struct shape {
	uint8_t a, b, n;
};
static const struct shape shapes[OP__N] = {
	[OP_CONST] = { IS_CONST, IS_ZERO, IS_ZERO },
	[OP_VAR] = { IS_ZERO, IS_ZERO, IS_ZERO },
	[OP_IF] = { IS_NODES, IS_ZERO, IS_THREE },
	[OP_AND] = { IS_NODES, IS_ZERO, IS_SOME },
	[OP_OR] = { IS_NODES, IS_ZERO, IS_SOME },
	[OP_NOT] = { IS_NODE, IS_ZERO, IS_ZERO },
	[OP_NEG] = { IS_NODE, IS_ZERO, IS_ZERO },
	[OP_EQ] = { IS_NODE, IS_NODE, IS_ZERO },
	[OP_NE] = { IS_NODE, IS_NODE, IS_ZERO },
	[OP_LT] = { IS_NODE, IS_NODE, IS_ZERO },
	[OP_LE] = { IS_NODE, IS_NODE, IS_ZERO },
	[OP_GT] = { IS_NODE, IS_NODE, IS_ZERO },
	[OP_GE] = { IS_NODE, IS_NODE, IS_ZERO },
	[OP_IN] = { IS_NODE, IS_NODE, IS_ZERO },
	[OP_ADD] = { IS_NODE, IS_NODE, IS_ZERO },
	[OP_SUB] = { IS_NODE, IS_NODE, IS_ZERO },
	[OP_MUL] = { IS_NODE, IS_NODE, IS_ZERO },
	[OP_CONTAINS] = { IS_NODE, IS_NODE, IS_ZERO },
	[OP_CONTAINS_ALL] = { IS_NODE, IS_NODE, IS_ZERO },
	[OP_CONTAINS_ANY] = { IS_NODE, IS_NODE, IS_ZERO },
	[OP_GET_TAG] = { IS_NODE, IS_NODE, IS_ZERO },
	[OP_HAS_TAG] = { IS_NODE, IS_NODE, IS_ZERO },
	[OP_IS_EMPTY] = { IS_NODE, IS_ZERO, IS_ZERO },
	[OP_GET] = { IS_NODE, IS_STR, IS_ZERO },
	[OP_HAS] = { IS_NODE, IS_STRS, IS_SOME },
	[OP_LIKE] = { IS_NODE, IS_STRS, IS_SOME },
	[OP_IS] = { IS_NODE, IS_STR, IS_ZERO },
	[OP_IS_IN] = { IS_NODE, IS_NODE, IS_STR },
	[OP_SET] = { IS_NODES, IS_ZERO, IS_COUNT },
	[OP_RECORD] = { IS_PAIRS, IS_ZERO, IS_COUNT },
	[OP_CALL] = { IS_NODES, IS_ZERO, IS_COUNT },
};

struct checker {
	const struct cedar_engine *e;
	uint8_t *depth; /* of each node; 0: it has a parent already */
};

static bool
list_ok(const struct cedar_engine *e, uint32_t at, uint64_t n)
{
	return at <= e->n[SEC_LIST] && n <= e->n[SEC_LIST] - at;
}

static bool
list_of(const struct cedar_engine *e, uint32_t at, uint32_t n, enum code_sec s)
{
	if (!list_ok(e, at, n))
		return false;
	for (uint32_t i = 0; i < n; i++)
		if (e->list[at + i] >= e->n[s])
			return false;
	return true;
}

/* Takes node kid, which lies before its parent at and has no other. */
static bool
take(struct checker *c, uint32_t at, uint32_t kid, uint8_t *deepest)
{
	if (kid >= at || c->depth[kid] == 0)
		return false;
	if (c->depth[kid] > *deepest)
		*deepest = c->depth[kid];
	c->depth[kid] = 0;
	return true;
}

static bool
operand_ok(
    struct checker *c, uint32_t at, uint8_t what, uint32_t v, uint8_t *deepest)
{
	const struct cedar_engine *e = c->e;
	const uint32_t n = e->node[at].n;
	const uint64_t step = what == IS_PAIRS ? 2 : 1;

	if (what == IS_ZERO)
		return v == 0;
	if (what == IS_NODE)
		return take(c, at, v, deepest);
	if (what == IS_CONST)
		return v < e->n[SEC_CONST];
	if (what == IS_STR)
		return v < e->n[SEC_STR];
	if (what == IS_STRS)
		return list_of(e, v, n, SEC_STR);
	if (what != IS_NODES && what != IS_PAIRS)
		return (what != IS_THREE || v == 3) &&
		       (what != IS_SOME || v > 0);
	if (!list_ok(e, v, step * n))
		return false;
	for (uint64_t i = 0; i < n; i++) {
		const uint32_t *p = &e->list[v + step * i];

		if (what == IS_PAIRS && p[0] >= e->n[SEC_STR])
			return false;
		if (!take(c, at, p[step - 1], deepest))
			return false;
	}
	return true;
}

static bool
nodes_ok(struct checker *c)
{
	const struct cedar_engine *e = c->e;

	for (uint32_t i = 0; i < e->n[SEC_NODE]; i++) {
		const struct code_node *n = &e->node[i];
		uint8_t deepest = 0;

		if (n->op >= OP__N || n->zero != 0 ||
		    n->x >= (n->op == OP_CALL	  ? AST_FN__N
				: n->op == OP_VAR ? 4
						  : 1) ||
		    !operand_ok(c, i, shapes[n->op].a, n->a, &deepest) ||
		    !operand_ok(c, i, shapes[n->op].b, n->b, &deepest) ||
		    !operand_ok(c, i, shapes[n->op].n, n->n, &deepest) ||
		    deepest >= CODE_DEPTH)
			return false;
		c->depth[i] = (uint8_t)(deepest + 1);
	}
	return true;
}

static bool
scope_ok(const struct cedar_engine *e, const struct code_scope *s)
{
	static const uint32_t least[] = { [AST_SCOPE_EQ] = 1,
		[AST_SCOPE_IN] = 1,
		[AST_SCOPE_IS_IN] = 1,
		[AST_SCOPE_IS] = 0 };

	if (s->op > AST_SCOPE_IS_IN || s->type >= e->n[SEC_STR])
		return false;
	return (s->op == AST_SCOPE_IN_LIST || s->n == least[s->op]) &&
	       list_of(e, s->uid, s->n, SEC_UID);
}

static bool
policy_ok(struct checker *c, const struct code_policy *p)
{
	const struct cedar_engine *e = c->e;
	uint8_t deepest = 0;

	if (p->id >= e->n[SEC_STR] || p->from >= e->n[SEC_STR] ||
	    p->forbid > 1 || !scope_ok(e, &p->scope[0]) ||
	    !scope_ok(e, &p->scope[1]) || !scope_ok(e, &p->scope[2]))
		return false;
	if (!list_ok(e, p->cond, p->cond_n) ||
	    !list_ok(e, p->note, 2 * (uint64_t)p->note_n) ||
	    !list_of(e, p->note, 2 * p->note_n, SEC_STR))
		return false;
	for (uint32_t i = 0; i < p->cond_n; i++)
		if (!take(c, e->n[SEC_NODE], e->list[p->cond + i], &deepest))
			return false;
	return true;
}

bool
code_check(const struct cedar_engine *e, struct arena *tmp)
{
	struct checker c = { .e = e };

	c.depth = arena_alloc(tmp, e->n[SEC_NODE]);
	if (c.depth == NULL || !nodes_ok(&c))
		return false;
	for (uint32_t i = 0; i < e->n[SEC_POLICY]; i++)
		if (!policy_ok(&c, &e->policy[i]))
			return false;
	return true;
}
