/*
 * fuzz-http: heads and bodies.  What is accepted is written again in the
 * plainest spelling and must read as the same head; every split of the bytes
 * must come to the same end; and a body comes to the same bytes in one piece,
 * in two, and byte by byte.
 */
#include "wire/wire.h"

enum { SMALL_MAX = 512, BODY_MAX = 4096 };
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

static void
write_head(struct buf *out, const struct http_head *h)
{
	buf_clear(out);
	if (h->response) {
		buf_fmt(out, "HTTP/1.1 %03u \r\n", h->status);
	} else {
		buf_str(out, h->method);
		buf_ch(out, ' ');
		buf_str(out, h->target);
		buf_str(out, STR(" HTTP/1.1\r\n"));
	}
	for (size_t i = 0; i < h->n; i++) {
		buf_str(out, h->at[i].name);
		buf_ch(out, ':');
		buf_str(out, h->at[i].value);
		buf_str(out, STR("\r\n"));
	}
	buf_str(out, STR("\r\n"));
}

static void
same_head(const struct http_head *a, const struct http_head *b)
{
	BUG_ON(!str_eq(a->method, b->method) || !str_eq(a->target, b->target));
	BUG_ON(a->status != b->status || a->n != b->n);
	BUG_ON(a->length != b->length || a->close != b->close);
	BUG_ON(a->expect != b->expect);
	for (size_t i = 0; i < a->n; i++) {
		BUG_ON(!str_eq(a->at[i].name, b->at[i].name));
		BUG_ON(!str_eq(a->at[i].value, b->at[i].value));
	}
}

/* Reads byte by byte; the end must be the one of `whole`. */
static void
check_split(struct str in, bool response, enum err whole, size_t used)
{
	struct http_head h;
	size_t got = 0;
	enum err e = ERR_MORE;

	for (size_t i = 0; i <= in.n && e == ERR_MORE; i++)
		e = http_head_read(
		    str_sub(in, 0, i), response, SMALL_MAX, &h, &got, NULL);
	BUG_ON(e != whole || (e == OK && got != used));
}

static void
check_head(struct str in, bool response)
{
	struct http_head h, again;
	struct note why;
	size_t used = 0, used2 = 0;
	const enum err e =
	    http_head_read(in, response, SMALL_MAX, &h, &used, &why);

	if (in.n <= SMALL_MAX + 8)
		check_split(in, response, e, used);
	if (e == OK) {
		struct buf out = { .max = 2 * SMALL_MAX };

		BUG_ON(used > in.n || used > SMALL_MAX);
		write_head(&out, &h);
		BUG_ON(http_head_read(buf_view(&out), response, SMALL_MAX,
			   &again, &used2, &why) != OK);
		BUG_ON(used2 != out.n);
		same_head(&h, &again);
		buf_done(&out);
	} else if (e != ERR_MORE) {
		BUG_ON(h.status < 400);
	}
}

static enum err
read_body(struct str in, uint64_t length, size_t at, size_t step,
    struct buf *out, size_t *used)
{
	const struct http_head h = { .length = length };
	struct http_body b = http_body_of(&h, BODY_MAX);
	size_t end = at < in.n ? at : in.n, i = 0;
	enum err e;

	for (;;) {
		struct str got;
		size_t n = 0;

		e = http_body_read(&b, str_sub(in, i, end - i), &n, &got);
		BUG_ON(n > end - i || (e == ERR_MORE && n == 0 && i < end));
		buf_str(out, got);
		i += n;
		if (e != ERR_MORE || (i == end && end == in.n))
			break;
		if (i == end)
			end += step < in.n - end ? step : in.n - end;
	}
	*used = i;
	return e;
}

static void
check_body(struct str in, uint64_t length)
{
	static const struct {
		size_t at, step;
	} ways[] = { { 0, 1 }, { 3, 7 } };
	struct buf whole = { .max = 2 * BODY_MAX };
	size_t used;
	const enum err e = read_body(in, length, in.n, 1, &whole, &used);

	BUG_ON(whole.full || whole.n > BODY_MAX);
	for (size_t i = 0; i < countof(ways); i++) {
		struct buf out = { .max = 2 * BODY_MAX };
		size_t used2;
		const enum err e2 = read_body(
		    in, length, ways[i].at, ways[i].step, &out, &used2);

		BUG_ON(e != e2 || (e == OK && used != used2));
		BUG_ON(!str_eq(buf_view(&whole), buf_view(&out)));
		buf_done(&out);
	}
	buf_done(&whole);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	const struct str in = { (const char *)data, n };

	check_head(in, false);
	check_head(in, true);
	check_body(in, (uint64_t)HTTP_CHUNKED);
	check_body(in, (uint64_t)HTTP_UNTIL_CLOSE);
	check_body(in, 100);
	return 0;
}
