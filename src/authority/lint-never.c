/*
 * lint-never.c: conditions that can never hold though each half could: an
 * expression that must be two different things, or above what it is below.
 * Only what is joined by && in `when` is looked at, and only comparisons with
 * a number or a text that is written there.
 */
#include "authority/authority-in.h"

enum { BOUNDS_MAX = 32 }; /* expressions of one policy; the rest is not told */
struct asked_one {
	struct jv of;
	int64_t lo, hi;
	struct str is; /* a text; p NULL: none was asked for */
};
struct asked_all {
	struct asked_one at[BOUNDS_MAX];
	size_t n;
	bool never;
};

/* As it is written, and with its sides changed. */
static const struct {
	struct str op, turned;
} ops[] = {
	{ STR_INIT("=="), STR_INIT("==") },
	{ STR_INIT("<"), STR_INIT(">") },
	{ STR_INIT("<="), STR_INIT(">=") },
	{ STR_INIT(">"), STR_INIT("<") },
	{ STR_INIT(">="), STR_INIT("<=") },
};

static struct asked_one *
bound_of(struct asked_all *b, struct jv of)
{
	for (size_t i = 0; i < b->n; i++)
		if (jv_same(b->at[i].of, of))
			return &b->at[i];
	if (b->n == BOUNDS_MAX)
		return NULL;
	b->at[b->n] =
	    (struct asked_one){ .of = of, .lo = INT64_MIN, .hi = INT64_MAX };
	return &b->at[b->n++];
}

static void
asked_number(struct asked_all *b, struct asked_one *k, struct str op, int64_t v)
{
	const bool below = op.p[0] == '<', above = op.p[0] == '>';
	const bool strict = op.n == 1;

	if ((below && strict && v == INT64_MIN) ||
	    (above && strict && v == INT64_MAX)) {
		b->never = true;
		return;
	}
	if (!above && v - (below && strict) < k->hi)
		k->hi = v - (below && strict);
	if (!below && v + (above && strict) > k->lo)
		k->lo = v + (above && strict);
	b->never = b->never || k->lo > k->hi;
}

static void
asked_of(struct asked_all *b, struct str op, struct jv of, struct jv literal)
{
	struct asked_one *k;
	int64_t v;

	if (jv_is(literal, J_NONE) || !jv_is(jv_get(of, STR("Value")), J_NONE))
		return;
	k = bound_of(b, of);
	if (k == NULL)
		return;
	if (jv_is(literal, J_NUM) && jv_i64(literal, &v) == OK) {
		asked_number(b, k, op, v);
	} else if (jv_is(literal, J_STR) && str_eq(op, STR("=="))) {
		b->never = b->never ||
			   (k->is.p != NULL && !str_eq(k->is, jv_str(literal)));
		k->is = jv_str(literal);
	}
}

static void
collect(struct asked_all *b, struct jv est, unsigned depth)
{
	const struct jv both = jv_get(est, STR("&&"));

	if (depth > JSON_DEPTH_MAX)
		return;
	if (!jv_is(both, J_NONE)) {
		collect(b, jv_get(both, STR("left")), depth + 1);
		collect(b, jv_get(both, STR("right")), depth + 1);
		return;
	}
	for (size_t i = 0; i < countof(ops); i++) {
		const struct jv x = jv_get(est, ops[i].op);
		const struct jv left = jv_get(x, STR("left"));
		const struct jv right = jv_get(x, STR("right"));

		if (jv_is(x, J_NONE))
			continue;
		asked_of(b, ops[i].op, left, jv_get(right, STR("Value")));
		asked_of(b, ops[i].turned, right, jv_get(left, STR("Value")));
	}
}

bool
lint_never(struct jv policy)
{
	struct asked_all b = { .n = 0 };
	struct jit it = jit_of(jv_get(policy, STR("conditions")));
	struct jv v;

	while (jit_next(&it, NULL, &v))
		if (str_eq(jv_str(jv_get(v, STR("kind"))), STR("when")))
			collect(&b, jv_get(v, STR("body")), 0);
	return b.never;
}
