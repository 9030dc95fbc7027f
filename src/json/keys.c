/*
 * keys: members sorted, and the refusal of duplicates.  A sort rather than a
 * hash table: there is no seed to keep and no flood to fear.
 */
#include "json/json-in.h"

static void
sift(struct member *m, size_t at, size_t n, member_order *order)
{
	const struct member top = m[at];

	for (;;) {
		size_t kid = 2 * at + 1;

		if (kid >= n)
			break;
		if (kid + 1 < n && order(&m[kid], &m[kid + 1]) < 0)
			kid++;
		if (order(&m[kid], &top) <= 0)
			break;
		m[at] = m[kid];
		at = kid;
	}
	m[at] = top;
}

static void
sort_few(struct member *m, size_t n, member_order *order)
{
	for (size_t i = 1; i < n; i++) {
		const struct member one = m[i];
		size_t k = i;

		for (; k > 0 && order(&m[k - 1], &one) > 0; k--)
			m[k] = m[k - 1];
		m[k] = one;
	}
}

void
members_sort(struct member *m, size_t n, member_order *order)
{
	if (n <= 2 * KEYS_NEAR) {
		sort_few(m, n, order);
		return;
	}
	for (size_t i = n / 2; i-- > 0;)
		sift(m, i, n, order);
	while (n-- > 1) {
		const struct member last = m[n];

		m[n] = m[0];
		m[0] = last;
		sift(m, 0, n, order);
	}
}

bool
keys_clash(const struct keys *k, const uint8_t *base, size_t at)
{
	const size_t n = get32(base + at);

	for (size_t i = 0; i < k->n; i++)
		if (get32(base + k->at[i]) == n &&
		    memcmp(base + k->at[i] + WORD, base + at + WORD, n) == 0)
			return true;
	return false;
}

static int
by_hash(const struct member *a, const struct member *b)
{
	if (a->hash != b->hash)
		return a->hash < b->hash ? -1 : 1;
	if (a->n != b->n)
		return a->n < b->n ? -1 : 1;
	return memcmp(a->key, b->key, a->n);
}

bool
keys_far(const uint8_t *p, const uint8_t *end, size_t count)
{
	struct member *m = mem_get(count * sizeof(*m));
	size_t n = 0;
	bool good = true;

	for (; n < count && p < end; n++) {
		m[n].n = get32(p);
		m[n].key = p + WORD;
		m[n].hash =
		    hash64((struct str){ (const char *)m[n].key, m[n].n }, 0);
		p += WORD + m[n].n;
		p += tape_size(p, (size_t)(end - p));
	}
	members_sort(m, n, by_hash);
	for (size_t i = 1; good && i < n; i++)
		good = by_hash(&m[i - 1], &m[i]) != 0;
	mem_free(m);
	return good;
}
