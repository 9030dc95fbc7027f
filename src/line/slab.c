/* slab: numbers that stand for structs across messages.  A stale or invented
 * number finds nothing, so a peer cannot name what is not its own any more. */
#include "line/line-in.h"

enum { INDEX_BITS = 20, SLAB_MAX = 1 << INDEX_BITS };

uint64_t
slab_add(struct slab *s, void *p)
{
	uint32_t i = s->free;

	BUG_ON(p == NULL);
	if (i == 0) {
		if (s->n == s->cap) {
			const uint32_t cap = s->cap == 0 ? 64 : s->cap * 2;

			BUG_ON(cap > SLAB_MAX);
			s->at = mem_more(s->at, s->cap * sizeof(*s->at),
			    cap * sizeof(*s->at));
			s->cap = cap;
		}
		i = ++s->n;
	} else {
		s->free = s->at[i - 1].next;
	}
	s->at[i - 1].p = p;
	s->used++;
	s->at[i - 1].gen++;
	return (uint64_t)s->at[i - 1].gen << INDEX_BITS | (i - 1);
}

static struct slab_slot *
slot_of(const struct slab *s, uint64_t h)
{
	const uint64_t i = h & (SLAB_MAX - 1);

	if (i >= s->n || s->at[i].gen != h >> INDEX_BITS)
		return NULL;
	return &s->at[i];
}

void *
slab_get(const struct slab *s, uint64_t h)
{
	const struct slab_slot *t = slot_of(s, h);

	return t == NULL ? NULL : t->p;
}

void
slab_del(struct slab *s, uint64_t h)
{
	struct slab_slot *t = slot_of(s, h);

	if (t == NULL || t->p == NULL)
		return;
	t->p = NULL;
	s->used--;
	t->next = s->free;
	s->free = (uint32_t)(t - s->at) + 1;
}

void
slab_done(struct slab *s)
{
	mem_free(s->at);
	*s = (struct slab){ 0 };
}

struct str
keep_tape(struct jv v)
{
	return jv_type(v) == J_NONE ? (struct str){ NULL, 0 }
				    : str_keep(jv_bytes(v));
}

void
note_words(struct note *n, struct str s)
{
	struct str t = str_sub(s, 0, sizeof(n->text) - 1);

	for (size_t cut = 0; cut < 3 && !utf8_ok(t); cut++)
		t.n -= t.n > 0; /* a letter may be cut through */
	if (!utf8_ok(t))
		t = STR("(no text)");
	note_set(n, "%.*s", STR_ARG(t));
}

void
drop(struct str *s)
{
	union {
		const char *c;
		void *v;
	} u = { .c = s->p };

	mem_free(u.v);
	*s = (struct str){ NULL, 0 };
}
