/*
 * keys: members sorted, and the refusal of duplicates.  The hash has no seed,
 * because this room keeps nothing; so a flood of keys that collide is expected,
 * noticed, and answered by sorting.
 */
#include "json/json-in.h"

enum { FEW = 8 };

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

/* Merges the runs a to b and b to c; what is in order already stays. */
static void
merge(struct member *a, struct member *b, struct member *c,
    struct member *spare, member_order *order)
{
	struct member *left = spare, *left_end = spare + (b - a);

	if (order(b - 1, b) <= 0)
		return;
	memcpy(spare, a, (size_t)(b - a) * sizeof(*a));
	while (left < left_end && b < c)
		*a++ = order(left, b) <= 0 ? *left++ : *b++;
	memcpy(a, left, (size_t)(left_end - left) * sizeof(*a));
}

void
members_sort(struct member *m, size_t n, member_order *order)
{
	struct member *spare;

	if (n <= 2 * FEW) {
		sort_few(m, n, order);
		return;
	}
	spare = mem_get(n * sizeof(*m));
	for (size_t i = 0; i < n; i += FEW)
		sort_few(m + i, n - i < FEW ? n - i : FEW, order);
	for (size_t run = FEW; run < n; run *= 2)
		for (size_t i = 0; n - i > run; i += 2 * run) {
			const size_t most = n - i < 2 * run ? n - i : 2 * run;

			merge(m + i, m + i + run, m + i + most, spare, order);
			if (most < 2 * run)
				break;
		}
	mem_free(spare);
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

/* Whoever floods the table pays for a sort, and so do we: not for more. */
static bool
differ_sorted(struct member *m, size_t n)
{
	members_sort(m, n, by_hash);
	for (size_t i = 1; i < n; i++)
		if (by_hash(&m[i - 1], &m[i]) == 0)
			return false;
	return true;
}

static bool
differ(struct member *m, size_t n, uint32_t *slot, size_t mask)
{
	size_t steps = 8 * n; /* eight a key: far from what chance makes */

	for (size_t i = 0; i < n; i++) {
		size_t at = (size_t)(m[i].hash ^ m[i].hash >> 32) & mask;

		for (; slot[at] != 0; at = (at + 1) & mask) {
			if (by_hash(&m[slot[at] - 1], &m[i]) == 0)
				return false;
			if (steps-- == 0)
				return differ_sorted(m, n);
		}
		slot[at] = (uint32_t)i + 1;
	}
	return true;
}

bool
keys_far(const uint8_t *p, const uint8_t *end, size_t count)
{
	struct member *m = mem_get(count * sizeof(*m));
	size_t n = 0, size = 4 * KEYS_NEAR;
	uint32_t *slot;
	bool good;

	for (; n < count && p < end; n++) {
		m[n].n = get32(p);
		m[n].key = p + WORD;
		m[n].hash =
		    hash64((struct str){ (const char *)m[n].key, m[n].n }, 0);
		p += WORD + m[n].n;
		p += tape_size(p, (size_t)(end - p));
	}
	while (size < 2 * n)
		size *= 2;
	slot = mem_get(size * sizeof(*slot));
	good = differ(m, n, slot, size - 1);
	mem_free(slot);
	mem_free(m);
	return good;
}
