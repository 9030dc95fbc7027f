/*
 * fuzz-sse: events and lines come out the same however the bytes are split,
 * and an event that is written reads as itself.
 */
#include "wire/wire.h"

enum { EVENT_MAX = 200, OUT_MAX = 1 << 20 };
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

static void
keep(void *arg, const struct sse_event *e)
{
	struct buf *out = arg;

	BUG_ON(e->data.n + e->event.n + e->id.n > EVENT_MAX);
	buf_u8(out, e->has_data);
	buf_u8(out, e->has_id);
	buf_u64(out, e->retry);
	buf_u64(out, e->data.n);
	buf_str(out, e->data);
	buf_u64(out, e->event.n);
	buf_str(out, e->event);
	buf_u64(out, e->id.n);
	buf_str(out, e->id);
}

static void
keep_line(void *arg, struct str line)
{
	struct buf *out = arg;

	BUG_ON(line.n > EVENT_MAX || str_find(line, '\n') != line.n);
	buf_u64(out, line.n);
	buf_str(out, line);
}

static enum err
read_events(struct str in, size_t step, struct buf *out)
{
	struct sse s;
	enum err e = OK;

	sse_init(&s, EVENT_MAX);
	for (size_t i = 0; i < in.n; i += step)
		e = sse_read(&s, str_sub(in, i, step), keep, out);
	sse_done(&s);
	return e;
}

static enum err
read_lines(struct str in, size_t step, struct buf *out)
{
	struct lines l = { .part.max = EVENT_MAX };
	enum err e = OK;

	for (size_t i = 0; i < in.n; i += step)
		e = lines_read(&l, str_sub(in, i, step), keep_line, out);
	buf_done(&l.part);
	return e;
}

static void
check_split(struct str in,
    enum err (*read)(struct str in, size_t step, struct buf *out))
{
	struct buf whole = { .max = OUT_MAX };
	const enum err e = read(in, in.n + 1, &whole);

	for (size_t step = 1; step < 4; step++) {
		struct buf out = { .max = OUT_MAX };

		BUG_ON(read(in, step, &out) != e);
		BUG_ON(!str_eq(buf_view(&whole), buf_view(&out)));
		buf_done(&out);
	}
	buf_done(&whole);
}

/* Counts events; more than one means that data became a field or an end. */
static void
count_event(void *arg, const struct sse_event *e)
{
	size_t *n = arg;

	BUG_ON(!e->has_data || e->has_id || e->event.n > 0);
	BUG_ON(e->retry != UINT64_MAX);
	++*n;
}

static void
check_write(struct str data)
{
	const struct sse_event e = { .data = data, .has_data = true };
	struct buf out = { .max = OUT_MAX };
	struct sse s;
	size_t n = 0;

	sse_write(&out, &e);
	BUG_ON(out.full);
	sse_init(&s, OUT_MAX);
	BUG_ON(sse_read(&s, buf_view(&out), count_event, &n) != OK || n != 1);
	sse_done(&s);
	buf_done(&out);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	const struct str in = { (const char *)data, n };

	check_split(in, read_events);
	check_split(in, read_lines);
	if (n < OUT_MAX / 8)
		check_write(in);
	return 0;
}
