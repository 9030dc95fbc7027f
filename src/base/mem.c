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

enum { CHUNK = 16384, UNIT = _Alignof(max_align_t) }; /* most turns fit in */

struct chunk {
	struct chunk *next;
	size_t used, size; /* used: once it is no longer given from */
	_Alignas(max_align_t) unsigned char mem[];
};

/* All that lies ahead of p is zero: what was used is cleared at once, when the
 * turn is over, so an allocation is an addition. */
struct arena {
	unsigned char *p; /* NULL: spent */
	size_t left;	  /* of the chunk and of the budget; whole units */
	struct chunk *first, *now;
	size_t budget, rest; /* rest: of the budget, after this chunk */
};

struct arena *
arena_new(size_t budget)
{
	struct arena *a = mem_get(sizeof(*a));

	a->budget = a->rest = budget;
	a->p = (unsigned char *)a; /* no bytes of it, but not spent */
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

/* Nothing more is given from this chunk. */
static void
leave(struct arena *a)
{
	if (a->now != NULL && a->p != NULL)
		a->now->used = (size_t)(a->p - a->now->mem);
	a->rest += a->left;
	a->left = 0;
}

static void
enter(struct arena *a, struct chunk *c)
{
	const size_t most = a->rest / UNIT * UNIT;

	a->now = c;
	a->p = c->mem;
	a->left = c->size < most ? c->size : most;
	a->rest -= a->left;
}

/* The first chunk stays for the next turn. */
void
arena_reset(struct arena *a)
{
	leave(a);
	a->rest = a->budget;
	a->p = (unsigned char *)a;
	if (a->first == NULL)
		return;
	chunks_free(a->first->next);
	a->first->next = NULL;
	memset(a->first->mem, 0, a->first->used);
	enter(a, a->first);
}

static COLD void *
spend(struct arena *a)
{
	leave(a);
	a->p = NULL;
	return NULL;
}

/* From a further chunk. */
static void *
more(struct arena *a, size_t n)
{
	const size_t whole = n / UNIT * UNIT + (n % UNIT ? UNIT : 0);
	const size_t size = whole > CHUNK ? whole : CHUNK;
	struct chunk *c;

	if (a->p == NULL || n > a->budget || whole > a->rest + a->left)
		return spend(a);
	c = calloc(1, sizeof(*c) + size);
	if (c == NULL)
		return spend(a);
	c->size = size;
	leave(a);
	if (a->now == NULL)
		a->first = c;
	else
		a->now->next = c;
	enter(a, c);
	return arena_alloc(a, n);
}

void *
arena_alloc(struct arena *a, size_t n)
{
	void *p = a->p;

	if (__builtin_expect(n > a->left, 0))
		return more(a, n);
	n = (n + UNIT - 1) / UNIT * UNIT;
	a->p += n;
	a->left -= n;
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
	return a->p == NULL;
}
