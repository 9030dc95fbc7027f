/* buf: a writer that grows to its maximum and no further; overflow sticks. */
#include "base/base.h"

#include <stdarg.h>

void
buf_done(struct buf *b)
{
	mem_free(b->p);
	*b = (struct buf){ .max = b->max };
}

void
buf_clear(struct buf *b)
{
	b->n = 0;
	b->full = false;
}

static bool
grow(struct buf *b, size_t need)
{
	size_t cap = b->cap == 0 ? 256 : b->cap;

	while (cap < need)
		cap *= 2;
	if (cap > b->max)
		cap = b->max;
	b->p = mem_more(b->p, cap, cap); /* old_n = new_n: no zeroing */
	b->cap = cap;
	return true;
}

char *
buf_more(struct buf *b, size_t n)
{
	if (b->full || n > b->max || b->n > b->max - n) {
		b->full = true;
		return NULL;
	}
	if (b->cap - b->n < n)
		(void)grow(b, b->n + n);
	return b->p + b->n;
}

void
buf_add(struct buf *b, size_t n)
{
	BUG_ON(n > b->cap - b->n);
	b->n += n;
}

void
buf_str(struct buf *b, struct str s)
{
	buf_put(b, s.p, s.n);
}

void
buf_u8(struct buf *b, uint8_t v)
{
	buf_put(b, &v, 1);
}

void
buf_u16(struct buf *b, uint16_t v)
{
	const uint8_t x[] = { (uint8_t)v, (uint8_t)(v >> 8) };

	buf_put(b, x, sizeof(x));
}

void
buf_u32(struct buf *b, uint32_t v)
{
	const uint8_t x[] = { (uint8_t)v, (uint8_t)(v >> 8), (uint8_t)(v >> 16),
		(uint8_t)(v >> 24) };

	buf_put(b, x, sizeof(x));
}

void
buf_u64(struct buf *b, uint64_t v)
{
	const uint8_t x[] = { (uint8_t)v, (uint8_t)(v >> 8), (uint8_t)(v >> 16),
		(uint8_t)(v >> 24), (uint8_t)(v >> 32), (uint8_t)(v >> 40),
		(uint8_t)(v >> 48), (uint8_t)(v >> 56) };

	buf_put(b, x, sizeof(x));
}

void
buf_fmt(struct buf *b, const char *fmt, ...)
{
	va_list ap, again;
	char small[256];
	char *to;
	int n;

	va_start(ap, fmt);
	va_copy(again, ap);
	n = vsnprintf(small, sizeof(small), fmt, ap);
	va_end(ap);
	if (n < 0) {
		b->full = true;
	} else if ((size_t)n < sizeof(small)) {
		buf_put(b, small, (size_t)n);
	} else if ((to = buf_room(b, (size_t)n + 1)) != NULL) {
		(void)vsnprintf(to, (size_t)n + 1, fmt, again);
		b->n += (size_t)n;
	}
	va_end(again);
}

void
buf_dec(struct buf *b, uint64_t v)
{
	char t[20];
	size_t i = sizeof(t);

	do {
		t[--i] = (char)('0' + v % 10);
		v /= 10;
	} while (v != 0);
	buf_put(b, t + i, sizeof(t) - i);
}

void
buf_hex(struct buf *b, struct str bytes)
{
	static const char digit[] = "0123456789abcdef";
	char *to = bytes.n == 0 || bytes.n > SIZE_MAX / 2
		       ? NULL
		       : buf_room(b, bytes.n * 2);

	if (to == NULL)
		return;
	for (size_t i = 0; i < bytes.n; i++) {
		to[2 * i] = digit[(uint8_t)bytes.p[i] >> 4];
		to[2 * i + 1] = digit[(uint8_t)bytes.p[i] & 15];
	}
	b->n += bytes.n * 2;
}

void
buf_drop(struct buf *b, size_t n)
{
	BUG_ON(n > b->n);
	if (n == 0)
		return;
	memmove(b->p, b->p + n, b->n - n);
	b->n -= n;
}

struct str
buf_view(const struct buf *b)
{
	return (struct str){ b->p, b->n };
}

enum err
buf_end(const struct buf *b)
{
	return b->full ? ERR_LIMIT : OK;
}

static int
hex_digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	if (c >= 'A' && c <= 'F')
		return c - 'A' + 10;
	return -1;
}

enum err
hex_bytes(struct str hex, void *out, size_t n)
{
	uint8_t *to = out;

	if (n > SIZE_MAX / 2 || hex.n != n * 2)
		return ERR_SYNTAX;
	for (size_t i = 0; i < hex.n; i++)
		if (hex_digit(hex.p[i]) < 0)
			return ERR_SYNTAX;
	for (size_t i = 0; i < n; i++)
		to[i] = (uint8_t)((unsigned)hex_digit(hex.p[2 * i]) << 4 |
				  (unsigned)hex_digit(hex.p[2 * i + 1]));
	return OK;
}
