/*
 * check: may a tape that another process sent be walked, judged and written?
 * Everything json_parse promises of its tapes is asked again here, duplicate
 * members included: who judges the first and who writes both would disagree.
 */
#include "json/json-in.h"

struct check {
	struct json_limits lim;
	size_t values;
};

static enum err value(
    struct check *c, const uint8_t *p, size_t n, size_t depth);

static enum err
leaf(const struct check *c, const uint8_t *p, size_t n)
{
	const struct str s = { (const char *)p + LEAF, n - LEAF };

	if (s.n > c->lim.string)
		return ERR_LIMIT;
	if (p[0] == J_NUM)
		return num_ok(p + LEAF, s.n) ? OK : ERR_SYNTAX;
	return utf8_ok(s) ? OK : ERR_SYNTAX;
}

static enum err
key(const struct check *c, const uint8_t **at, const uint8_t *end,
    struct keys *seen, const uint8_t *base)
{
	const uint8_t *p = *at;
	size_t n;

	if (end - p < WORD)
		return ERR_SYNTAX;
	n = get32(p);
	if (n > (size_t)(end - p) - WORD)
		return ERR_SYNTAX;
	if (n > c->lim.string)
		return ERR_LIMIT;
	if (!utf8_ok((struct str){ (const char *)p + WORD, n }))
		return ERR_SYNTAX;
	if (!keys_add(seen, base, (size_t)(p - base)))
		return ERR_SYNTAX;
	*at = p + WORD + n;
	return OK;
}

static enum err
tree(struct check *c, const uint8_t *base, size_t size, size_t depth)
{
	__attribute__((uninitialized)) struct keys seen;
	const uint8_t *p = base + TREE, *end = base + size;
	const bool obj = base[0] == J_OBJ;
	const size_t count = get32(base + 1);
	size_t n;

	seen.n = 0;
	if (depth == c->lim.depth || count > c->lim.members - c->values)
		return ERR_LIMIT;
	for (size_t i = 0; i < count; i++) {
		if (obj)
			TRY(key(c, &p, end, &seen, base));
		n = tape_size(p, (size_t)(end - p));
		if (n == 0)
			return ERR_SYNTAX;
		TRY(value(c, p, n, depth + 1));
		p += n;
	}
	if (p != end)
		return ERR_SYNTAX;
	if (obj && count > KEYS_NEAR && !keys_far(base + TREE, end, count))
		return ERR_SYNTAX;
	return OK;
}

static enum err
value(struct check *c, const uint8_t *p, size_t n, size_t depth)
{
	if (c->values == c->lim.members)
		return ERR_LIMIT;
	c->values++;
	if (p[0] <= J_TRUE)
		return OK;
	return p[0] <= J_STR ? leaf(c, p, n) : tree(c, p, n, depth);
}

enum err
tape_check(struct str bytes, const struct json_limits *lim)
{
	const uint8_t *p = (const uint8_t *)bytes.p;
	struct check c = { .lim = *lim };

	if (c.lim.depth > JSON_DEPTH_MAX)
		c.lim.depth = JSON_DEPTH_MAX;
	if (bytes.n == 0 || tape_size(p, bytes.n) != bytes.n)
		return ERR_SYNTAX;
	return value(&c, p, bytes.n, 0);
}
