/* map: open addressing with linear probing and tombstone-free deletion. */
#include "base/base.h"

struct slot {
	struct str key; /* p NULL: empty */
	uint64_t hash;
	void *v;
};

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
	for (size_t i = 0; i < m->cap; i++) {
		union {
			const char *c;
			void *v;
		} u = { .c = m->slot[i].key.p };

		mem_free(u.v);
	}
	mem_free(m->slot);
	mem_free(m);
}

/* The slot of key, or the empty one where it would go. */
static size_t
find(const struct map *m, struct str key, uint64_t hash)
{
	size_t i = hash & (m->cap - 1);

	while (m->slot[i].key.p != NULL &&
	       (m->slot[i].hash != hash || !str_eq(m->slot[i].key, key)))
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
		if (old[i].key.p != NULL)
			m->slot[find(m, old[i].key, old[i].hash)] = old[i];
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
	if (s->key.p == NULL) {
		s->key = str_keep(key);
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

	for (size_t i = (hole + 1) & mask; m->slot[i].key.p != NULL;
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
	union {
		const char *c;
		void *v;
	} u = { .c = m->slot[i].key.p };

	if (u.c == NULL)
		return NULL;
	mem_free(u.v);
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

		if (s->key.p == NULL)
			continue;
		if (key != NULL)
			*key = s->key;
		*v = s->v;
		(*at)++;
		return true;
	}
	return false;
}
