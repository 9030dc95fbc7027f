/* map: open addressing with linear probing and tombstone-free deletion. */
#include "base/base.h"

enum { SMALL = 16 }; /* keys of handles and numbers need no allocation */

struct slot {
	uint64_t hash;
	void *v; /* NULL: empty */
	size_t n;
	union {
		char small[SMALL];
		char *p;
	} key;
};

static struct str
key_of(const struct slot *s)
{
	return (struct str){ s->n <= SMALL ? s->key.small : s->key.p, s->n };
}

static void
key_set(struct slot *s, struct str key)
{
	char *to = s->key.small;

	s->n = key.n;
	if (key.n > SMALL)
		to = s->key.p = mem_get(key.n);
	if (key.n > 0)
		memcpy(to, key.p, key.n);
}

static void
key_drop(struct slot *s)
{
	if (s->v != NULL && s->n > SMALL)
		mem_free(s->key.p);
}

struct map {
	struct slot *slot;
	size_t cap, n; /* cap is a power of two */
	uint64_t seed;
};

struct map *
map_new(uint64_t seed)
{
	struct map *m = mem_get(sizeof(*m));

	m->cap = 16;
	m->slot = mem_get(m->cap * sizeof(*m->slot));
	m->seed = seed;
	return m;
}

void
map_free(struct map *m)
{
	if (m == NULL)
		return;
	for (size_t i = 0; i < m->cap; i++)
		key_drop(&m->slot[i]);
	mem_free(m->slot);
	mem_free(m);
}

/* The slot of key, or the empty one where it would go. */
static size_t
find(const struct map *m, struct str key, uint64_t hash)
{
	size_t i = hash & (m->cap - 1);

	while (m->slot[i].v != NULL &&
	       (m->slot[i].hash != hash || !str_eq(key_of(&m->slot[i]), key)))
		i = (i + 1) & (m->cap - 1);
	return i;
}

void *
map_get(const struct map *m, struct str key)
{
	return m->slot[find(m, key, hash64(key, m->seed))].v;
}

static void
grow(struct map *m)
{
	struct slot *old = m->slot;
	const size_t old_cap = m->cap;

	m->cap *= 2;
	m->slot = mem_get(m->cap * sizeof(*m->slot));
	for (size_t i = 0; i < old_cap; i++)
		if (old[i].v != NULL)
			m->slot[find(m, key_of(&old[i]), old[i].hash)] = old[i];
	mem_free(old);
}

void *
map_put(struct map *m, struct str key, void *v)
{
	const uint64_t hash = hash64(key, m->seed);
	struct slot *s;
	void *old;

	BUG_ON(v == NULL);
	if (m->n + 1 > m->cap / 4 * 3)
		grow(m);
	s = &m->slot[find(m, key, hash)];
	old = s->v;
	if (s->v == NULL) {
		key_set(s, key);
		s->hash = hash;
		m->n++;
	}
	s->v = v;
	return old;
}

/* Close the gap so that no probe chain breaks. */
static void
close_gap(struct map *m, size_t hole)
{
	const size_t mask = m->cap - 1;

	for (size_t i = (hole + 1) & mask; m->slot[i].v != NULL;
	     i = (i + 1) & mask) {
		const size_t home = m->slot[i].hash & mask;

		if (((i - home) & mask) < ((i - hole) & mask))
			continue;
		m->slot[hole] = m->slot[i];
		m->slot[i] = (struct slot){ 0 };
		hole = i;
	}
}

void *
map_del(struct map *m, struct str key)
{
	const size_t i = find(m, key, hash64(key, m->seed));
	void *v = m->slot[i].v;

	if (v == NULL)
		return NULL;
	key_drop(&m->slot[i]);
	m->slot[i] = (struct slot){ 0 };
	m->n--;
	close_gap(m, i);
	return v;
}

size_t
map_count(const struct map *m)
{
	return m->n;
}

bool
map_next(const struct map *m, size_t *at, struct str *key, void **v)
{
	for (; *at < m->cap; (*at)++) {
		const struct slot *s = &m->slot[*at];

		if (s->v == NULL)
			continue;
		if (key != NULL)
			*key = key_of(s);
		*v = s->v;
		(*at)++;
		return true;
	}
	return false;
}
