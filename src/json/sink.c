/* sink: a buf written through a bare pointer, for the loops that must be fast.
 */
#include "json/json-in.h"

static uint8_t *
bytes_of(struct buf *b)
{
	return (uint8_t *)b->p;
}

struct sink
sink_of(struct buf *b)
{
	struct sink s = { .b = b, .base = b->n };

	if (b->p != NULL && !b->full) {
		s.o = bytes_of(b) + b->n;
		s.end = bytes_of(b) + b->cap;
	}
	return s;
}

bool
sink_more(struct sink *s, size_t n, size_t likely)
{
	struct buf *b = s->b;
	size_t left;

	if (b->p != NULL && !b->full)
		b->n = sink_at(s);
	if (b->full || b->n > b->max || n > b->max - b->n)
		return false;
	left = b->max - b->n;
	if (likely < n)
		likely = n;
	s->o = (uint8_t *)buf_room(b, likely < left ? likely : left);
	s->end = bytes_of(b) + b->cap;
	return true;
}

void
sink_keep(struct sink *s)
{
	if (s->o != NULL)
		s->b->n = sink_at(s);
}

void
sink_drop(struct sink *s)
{
	s->b->n = s->base;
}
