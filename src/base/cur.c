/* cur: a reader that cannot leave its bytes and remembers that it tried. */
#include "base/base.h"

struct cur
cur_of(const void *p, size_t n)
{
	const uint8_t *b = p;

	return (struct cur){ .p = b, .end = n == 0 ? b : b + n };
}

/* The only place that moves a cursor. */
static const uint8_t *
take(struct cur *c, size_t n)
{
	const uint8_t *p = c->p;

	if (c->bad || n > (size_t)(c->end - c->p)) {
		c->bad = true;
		return NULL;
	}
	c->p += n;
	return p;
}

uint8_t
cur_u8(struct cur *c)
{
	const uint8_t *p = take(c, 1);

	return p == NULL ? 0 : p[0];
}

uint16_t
cur_u16(struct cur *c)
{
	const uint8_t *p = take(c, 2);

	if (p == NULL)
		return 0;
	return (uint16_t)(p[0] | p[1] << 8);
}

uint32_t
cur_u32(struct cur *c)
{
	const uint8_t *p = take(c, 4);

	if (p == NULL)
		return 0;
	return (uint32_t)p[0] | (uint32_t)p[1] << 8 | (uint32_t)p[2] << 16 |
	       (uint32_t)p[3] << 24;
}

uint64_t
cur_u64(struct cur *c)
{
	const uint64_t lo = cur_u32(c);
	const uint64_t hi = cur_u32(c);

	return c->bad ? 0 : lo | hi << 32;
}

struct str
cur_str(struct cur *c, size_t n)
{
	const uint8_t *p = take(c, n);

	return p == NULL ? (struct str){ "", 0 }
			 : (struct str){ (const char *)p, n };
}

size_t
cur_left(const struct cur *c)
{
	return c->bad ? 0 : (size_t)(c->end - c->p);
}

enum err
cur_end(const struct cur *c)
{
	return c->bad || c->p != c->end ? ERR_SYNTAX : OK;
}
