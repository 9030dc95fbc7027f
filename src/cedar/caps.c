/*
 * caps: what conditions have established.  "principal has a" makes principal.a
 * safe in what is only evaluated when that was true.
 */
#include "cedar/typer.h"

const struct caps *
caps_both(struct arena *a, const struct caps *x, const struct caps *y)
{
	struct caps *c;

	if (x == NULL || y == NULL || x == y)
		return x == NULL ? y : x;
	c = arena_alloc(a, sizeof(*c));
	if (c == NULL)
		return x; /* fewer facts refuse more; and spent is asked */
	c->left = x;
	c->right = y;
	return c;
}

/* Takes the last member off an access path: from path, then from a.b nodes. */
static bool
pop(const struct ast_expr **on, const struct str *path, size_t *n,
    struct str *out)
{
	if (*n > 0) {
		*out = path[--*n];
		return true;
	}
	if ((*on)->kind != AST_GET)
		return false;
	*out = (*on)->s;
	*on = (*on)->kid[0];
	return true;
}

static bool
same_fact(const struct caps *x, const struct caps *y)
{
	const struct ast_expr *xe = x->on, *ye = y->on;
	size_t xn = x->path_n, yn = y->path_n;
	struct str xs, ys;

	if ((x->tag == NULL) != (y->tag == NULL))
		return false;
	if (x->tag != NULL)
		return ast_same(x->tag, y->tag) && ast_same(xe, ye);
	while (xn > 0 || yn > 0)
		if (!pop(&xe, x->path, &xn, &xs) ||
		    !pop(&ye, y->path, &yn, &ys) || !str_eq(xs, ys))
			return false;
	return ast_same(xe, ye);
}

/* Unions lean to the left, so recursion is as deep as expressions nest. */
bool
caps_have(const struct caps *c, const struct caps *fact)
{
	for (; c != NULL; c = c->left) {
		if (c->left == NULL)
			return same_fact(c, fact);
		if (caps_have(c->right, fact))
			return true;
	}
	return false;
}

const struct caps *
caps_either(struct arena *a, const struct caps *x, const struct caps *y)
{
	const struct caps *out = NULL;

	if (x == y || y == NULL)
		return y;
	for (; x != NULL; x = x->left) {
		if (x->left == NULL)
			return caps_have(y, x) ? caps_both(a, out, x) : out;
		out = caps_both(a, out, caps_either(a, x->right, y));
	}
	return out;
}
