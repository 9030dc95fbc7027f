/* tree: hashing, the compact range, and what a proof proves.  No files. */
#include "crypto/crypto.h"
#include "tlog/tlog-in.h"

bool
tlog_same(const struct tlog_hash *a, const struct tlog_hash *b)
{
	return memcmp(a->b, b->b, TLOG_HASH) == 0;
}

static struct str
view(const struct tlog_hash *h)
{
	return (struct str){ (const char *)h->b, TLOG_HASH };
}

struct tlog_hash
tlog_leaf(struct str entry)
{
	struct tlog_hash h = { { 0 } };

	sha256_tagged(0, entry, STR(""), h.b);
	return h;
}

struct tlog_hash
tlog_node(const struct tlog_hash *left, const struct tlog_hash *right)
{
	struct tlog_hash h = { { 0 } };

	sha256_tagged(1, view(left), view(right), h.b);
	return h;
}

void
range_push(struct tlog_range *r, unsigned height, struct tlog_hash h)
{
	unsigned i = height;

	for (; (r->size >> i & 1) != 0; i++)
		h = tlog_node(&r->node[i], &h);
	r->node[i] = h;
	r->size += UINT64_C(1) << height;
}

void
tlog_range_add(struct tlog_range *r, const struct tlog_hash *leaf)
{
	range_push(r, 0, *leaf);
}

struct tlog_hash
tlog_range_root(const struct tlog_range *r)
{
	struct tlog_hash h = { { 0 } };
	bool begun = false;

	if (r->size == 0)
		sha256(STR(""), STR(""), h.b);
	for (unsigned i = 0; i < 64; i++) {
		if ((r->size >> i & 1) == 0)
			continue;
		h = begun ? tlog_node(&r->node[i], &h) : r->node[i];
		begun = true;
	}
	return h;
}

/* ---- proofs (RFC 9162 s.2.1.3.2, s.2.1.4.2) ---- */

/* Both proofs climb from node fn of a level whose last node is sn. */
struct climb {
	uint64_t fn, sn;
};

/* One level up; true: the next hash of the proof is the left sibling. */
static bool
left_sibling(struct climb *c)
{
	const bool left = (c->fn & 1) != 0 || c->fn == c->sn;

	if (left)
		while ((c->fn & 1) == 0 && c->fn != 0) {
			c->fn >>= 1;
			c->sn >>= 1;
		}
	c->fn >>= 1;
	c->sn >>= 1;
	return left;
}

enum err
tlog_check_inclusion(uint64_t index, uint64_t size,
    const struct tlog_hash *leaf, const struct tlog_proof *p,
    const struct tlog_hash *root)
{
	struct climb c = { index, size - 1 };
	struct tlog_hash h = *leaf;

	if (index >= size || p->n > TLOG_PROOF_MAX)
		return ERR_SYNTAX;
	for (size_t i = 0; i < p->n; i++) {
		if (c.sn == 0)
			return ERR_SYNTAX;
		h = left_sibling(&c) ? tlog_node(&p->at[i], &h)
				     : tlog_node(&h, &p->at[i]);
	}
	if (c.sn != 0)
		return ERR_SYNTAX;
	return tlog_same(&h, root) ? OK : ERR_DENIED;
}

enum err
tlog_check_consistency(uint64_t old, uint64_t size,
    const struct tlog_hash *old_root, const struct tlog_hash *root,
    const struct tlog_proof *p)
{
	struct climb c = { old - 1, size - 1 };
	struct tlog_hash a = *old_root, b = *old_root;
	size_t i = 0;

	if (old == 0 || old > size || p->n > TLOG_PROOF_MAX)
		return ERR_SYNTAX;
	if (old == size) {
		if (p->n != 0)
			return ERR_SYNTAX;
		return tlog_same(old_root, root) ? OK : ERR_DENIED;
	}
	for (; (c.fn & 1) != 0; c.fn >>= 1)
		c.sn >>= 1;
	if (c.fn != 0) { /* the old root is no node of the new tree */
		if (p->n == 0)
			return ERR_SYNTAX;
		a = b = p->at[i++];
	}
	for (; i < p->n; i++) {
		if (c.sn == 0)
			return ERR_SYNTAX;
		if (left_sibling(&c)) {
			a = tlog_node(&p->at[i], &a);
			b = tlog_node(&p->at[i], &b);
		} else {
			b = tlog_node(&b, &p->at[i]);
		}
	}
	if (c.sn != 0)
		return ERR_SYNTAX;
	return tlog_same(&a, old_root) && tlog_same(&b, root) ? OK : ERR_DENIED;
}

enum err
tlog_check_growth(uint64_t old, uint64_t size, const struct tlog_hash *old_root,
    const struct tlog_hash *root, const struct tlog_proof *p)
{
	const struct tlog_range none = { .size = 0 };
	const struct tlog_hash empty = tlog_range_root(&none);

	if (old != 0)
		return tlog_check_consistency(old, size, old_root, root, p);
	if (p->n != 0)
		return ERR_SYNTAX;
	if (!tlog_same(old_root, &empty) ||
	    (size == 0 && !tlog_same(root, &empty)))
		return ERR_DENIED;
	return OK;
}
