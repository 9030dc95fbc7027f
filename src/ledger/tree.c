/* tree: SHA-256 and the Merkle tree of RFC 6962 s.2.1 as a compact range:
 * adding a leaf merges the nodes of the trailing set bits of the size. */
#include "ledger/ledger-in.h"

void
hash_of(struct hasher *h, int prefix, struct str a, struct str b,
    unsigned char out[static LEDGER_HASH])
{
	const unsigned char pre = (unsigned char)prefix;

	BUG_ON(SHA256_Init(&h->ctx) != 1);
	if (prefix != PRE_NONE)
		BUG_ON(SHA256_Update(&h->ctx, &pre, 1) != 1);
	if (a.n > 0)
		BUG_ON(SHA256_Update(&h->ctx, a.p, a.n) != 1);
	if (b.n > 0)
		BUG_ON(SHA256_Update(&h->ctx, b.p, b.n) != 1);
	BUG_ON(SHA256_Final(out, &h->ctx) != 1);
}

void
tree_add(struct ledger_tree *t, struct hasher *h,
    const unsigned char leaf[static LEDGER_HASH])
{
	unsigned char sum[LEDGER_HASH];
	size_t i = 0;

	memcpy(sum, leaf, sizeof(sum));
	for (; (t->size >> i & 1) != 0; i++)
		hash_of(h, PRE_NODE, hash_str(t->node[i]), hash_str(sum), sum);
	memcpy(t->node[i], sum, sizeof(sum));
	t->size++;
}

void
tree_root(const struct ledger_tree *t, struct hasher *h,
    unsigned char out[static LEDGER_HASH])
{
	unsigned char sum[LEDGER_HASH];
	bool begun = false;

	if (t->size == 0)
		hash_of(h, PRE_NONE, STR(""), STR(""), sum);
	for (size_t i = 0; i < 64; i++) {
		if ((t->size >> i & 1) == 0)
			continue;
		if (begun)
			hash_of(h, PRE_NODE, hash_str(t->node[i]),
			    hash_str(sum), sum);
		else
			memcpy(sum, t->node[i], sizeof(sum));
		begun = true;
	}
	memcpy(out, sum, sizeof(sum));
}

bool
tree_same(const struct ledger_tree *a, const struct ledger_tree *b)
{
	if (a->size != b->size)
		return false;
	for (size_t i = 0; i < 64; i++)
		if ((a->size >> i & 1) != 0 &&
		    memcmp(a->node[i], b->node[i], LEDGER_HASH) != 0)
			return false;
	return true;
}

void
ledger_tree_root(
    const struct ledger_tree *t, unsigned char out[static LEDGER_HASH])
{
	struct hasher h;

	tree_root(t, &h, out);
}

void
ledger_leaf(struct str jcs, unsigned char out[static LEDGER_HASH])
{
	struct hasher h;

	hash_of(&h, PRE_LEAF, jcs, STR(""), out);
}
