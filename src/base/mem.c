/*
 * mem: the only file that calls malloc.  What outlives a turn comes from
 * mem_get; what a turn needs from its arena, whose budget is its limit.
 */
#include "base/base.h"

static void *
must(void *p)
{
	if (p == NULL) {
		(void)fputs("out of memory\n", stderr);
		abort();
	}
	return p;
}

void *
mem_get(size_t n)
{
	return must(calloc(1, n == 0 ? 1 : n));
}

void *
mem_more(void *p, size_t old_n, size_t new_n)
{
	char *q = must(realloc(p, new_n == 0 ? 1 : new_n));

	if (new_n > old_n)
		memset(q + old_n, 0, new_n - old_n);
	return q;
}

void
mem_free(void *p)
{
	free(p);
}

struct str
str_keep(struct str s)
{
	char *p = mem_get(s.n + 1);

	if (s.n > 0)
		memcpy(p, s.p, s.n);
	return (struct str){ p, s.n };
}

void
mem_wipe(void *p, size_t n)
{
	if (n > 0)
		explicit_bzero(p, n);
}

bool
mem_same(const void *a, const void *b, size_t n)
{
	const volatile uint8_t *x = a, *y = b;
	uint8_t diff = 0;

	for (size_t i = 0; i < n; i++)
		diff |= x[i] ^ y[i];
	return diff == 0;
}

enum { CHUNK = 16384 }; /* most turns fit in one */

struct chunk {
	struct chunk *next;
	size_t used, size;
	_Alignas(max_align_t) unsigned char mem[];
};

struct arena {
	struct chunk *first, *now;
	size_t taken, budget;
	bool spent;
};

struct arena *
arena_new(size_t budget)
{
	struct arena *a = mem_get(sizeof(*a));

	a->budget = budget;
	return a;
}

static void
chunks_free(struct chunk *c)
{
	while (c != NULL) {
		struct chunk *next = c->next;

		free(c);
		c = next;
	}
}

void
arena_free(struct arena *a)
{
	if (a == NULL)
		return;
	chunks_free(a->first);
	free(a);
}

/* The first chunk stays for the next turn. */
void
arena_reset(struct arena *a)
{
	if (a->first != NULL) {
		chunks_free(a->first->next);
		a->first->next = NULL;
		a->first->used = 0;
	}
	a->now = a->first;
	a->taken = 0;
	a->spent = false;
}

static struct chunk *
chunk_for(struct arena *a, size_t n)
{
	const size_t size = n > CHUNK ? n : CHUNK;
	struct chunk *c = malloc(sizeof(*c) + size);

	if (c == NULL)
		return NULL;
	c->next = NULL;
	c->used = 0;
	c->size = size;
	if (a->now == NULL)
		a->first = c;
	else
		a->now->next = c;
	a->now = c;
	return c;
}

void *
arena_alloc(struct arena *a, size_t n)
{
	const size_t unit = _Alignof(max_align_t);
	struct chunk *c = a->now;
	void *p;

	if (n > a->budget) {
		a->spent = true;
		return NULL;
	}
	n = (n + unit - 1) / unit * unit;
	if (a->spent || n > a->budget - a->taken) {
		a->spent = true;
		return NULL;
	}
	if (c == NULL || n > c->size - c->used)
		c = chunk_for(a, n);
	if (c == NULL) {
		a->spent = true;
		return NULL;
	}
	p = c->mem + c->used;
	c->used += n;
	a->taken += n;
	memset(p, 0, n);
	return p;
}

struct str
arena_str(struct arena *a, struct str s)
{
	char *p = arena_alloc(a, s.n + 1);

	if (p == NULL)
		return (struct str){ NULL, 0 };
	if (s.n > 0)
		memcpy(p, s.p, s.n);
	return (struct str){ p, s.n };
}

bool
arena_spent(const struct arena *a)
{
	return a->spent;
}
