/* test-sse: every case whole, then split at every byte, then byte by byte. */
#include "base/tap.h"
#include "wire/wire.h"

enum { MAX = 64 };

static void
show(void *arg, const struct sse_event *e)
{
	struct buf *out = arg;

	buf_str(out, STR("<"));
	buf_str(out, e->event);
	buf_str(out, STR("|"));
	if (e->has_data)
		buf_str(out, e->data);
	else
		buf_str(out, STR("-"));
	buf_str(out, STR("|"));
	if (e->has_id)
		buf_str(out, e->id);
	else
		buf_str(out, STR("-"));
	if (e->retry != UINT64_MAX)
		buf_fmt(out, "|%llu", (unsigned long long)e->retry);
	buf_str(out, STR(">"));
}

static enum err
read_split(struct str in, size_t at, size_t step, struct buf *out)
{
	struct sse s;
	enum err e;

	sse_init(&s, MAX);
	e = sse_read(&s, str_sub(in, 0, at), show, out);
	for (size_t i = at; i < in.n; i += step)
		e = sse_read(&s, str_sub(in, i, step), show, out);
	sse_done(&s);
	return e;
}

#define X16 "xxxxxxxxxxxxxxxx"
static const struct {
	struct str in, want;
	enum err e;
	const char *name;
} cases[] = {
	{ STR_INIT("data: a\n\n"), STR_INIT("<|a|->"), OK, "LF" },
	{ STR_INIT("data: a\r\r"), STR_INIT("<|a|->"), OK, "CR" },
	{ STR_INIT("data: a\r\n\r\n"), STR_INIT("<|a|->"), OK, "CRLF" },
	{ STR_INIT("data: a\r\n\ndata: b\n\r\n"), STR_INIT("<|a|-><|b|->"), OK,
	    "mixed" },
	{ STR_INIT("\xef\xbb\xbf"
		   "data: a\n\n"),
	    STR_INIT("<|a|->"), OK, "a BOM is dropped" },
	{ STR_INIT("data: a\n\n\xef\xbb\xbf"
		   "data: b\n\n"),
	    STR_INIT("<|a|->"), OK, "but only the first" },
	{ STR_INIT(": hello\n\n:\n\n"), STR_INIT(""), OK, "comments" },
	{ STR_INIT("data: a\ndata: b\n\n"), STR_INIT("<|a\nb|->"), OK,
	    "two lines of data" },
	{ STR_INIT("data\ndata\n\ndata:\n\n"), STR_INIT("<|\n|-><||->"), OK,
	    "empty data is data" },
	{ STR_INIT("data:a\n\ndata:  a\n\n"), STR_INIT("<|a|-><| a|->"), OK,
	    "one space is dropped" },
	{ STR_INIT("event: m\ndata: a\nid: 7\nretry: 10\n\ndata: b\n\n"),
	    STR_INIT("<m|a|7|10><|b|->"), OK, "all fields, then none of them" },
	{ STR_INIT("id: 7\n\n"), STR_INIT("<|-|7>"), OK, "an id alone" },
	{ STR_INIT("id\ndata: a\n\n"), STR_INIT("<|a|>"), OK, "an empty id" },
	{ STR_INIT("id: 7\0x\ndata: a\n\n"), STR_INIT("<|a|->"), OK,
	    "an id with NUL is ignored" },
	{ STR_INIT("retry: 5x\nretry: -1\nretry:\ndata: a\n\n"),
	    STR_INIT("<|a|->"), OK, "a retry that is no number" },
	{ STR_INIT("retry: 9999999999999999\ndata: a\n\n"), STR_INIT("<|a|->"),
	    OK, "a retry too long" },
	{ STR_INIT("retry: 0\n\n"), STR_INIT("<|-|-|0>"), OK, "retry alone" },
	{ STR_INIT("event: m\n\ndata: a\n\n"), STR_INIT("<|a|->"), OK,
	    "a type alone is no event" },
	{ STR_INIT("Data: a\ndatax: b\n data: c\ndata : d\n\n"), STR_INIT(""),
	    OK, "names are exact" },
	{ STR_INIT("data: a: b\n\n"), STR_INIT("<|a: b|->"), OK,
	    "a colon in data" },
	{ STR_INIT("data: a\n"), STR_INIT(""), OK, "not ended: no event" },
	{ STR_INIT("data: a"), STR_INIT(""), OK, "not even the line" },
	{ STR_INIT(""), STR_INIT(""), OK, "nothing" },
	{ STR_INIT("data: " X16 X16 X16 "xxxxxxxxxx\n\ndata: b\n\n"),
	    STR_INIT("<|" X16 X16 X16 "xxxxxxxxxx|-><|b|->"), OK,
	    "a line of the maximum" },
	{ STR_INIT("data: a\n\ndata: " X16 X16 X16 "xxxxxxxxxxx\n\ndata:b\n\n"),
	    STR_INIT("<|a|->"), ERR_LIMIT, "a line over it; it stays broken" },
	{ STR_INIT("data: " X16 "\ndata: " X16 "\ndata: " X16 "\n\n"),
	    STR_INIT("<|" X16 "\n" X16 "\n" X16 "|->"), OK,
	    "three lines below the maximum" },
	{ STR_INIT(
	      "data: " X16 "\nid: " X16 "\nevent: " X16 "\ndata: " X16 "\n\n"),
	    STR_INIT(""), ERR_LIMIT, "an event over it in parts" },
	{ STR_INIT("\xef\xbb\xbf"
		   "data: " X16 X16 X16 "xxxxxxxx\n\n"),
	    STR_INIT(""), ERR_LIMIT, "a first line over it by its BOM" },
	{ STR_INIT(": " X16 X16 X16 X16), STR_INIT(""), ERR_LIMIT,
	    "an endless comment" },
};

static void
test_reader(void)
{
	for (size_t i = 0; i < countof(cases); i++) {
		const struct str in = cases[i].in;
		size_t good = 0;

		for (size_t at = 0; at <= in.n; at++) {
			struct buf out = { .max = 4096 };
			const enum err e =
			    read_split(in, at, at == 0 ? 1 : in.n, &out);

			good += e == cases[i].e &&
				str_eq(buf_view(&out), cases[i].want);
			buf_done(&out);
		}
		ok(good == in.n + 1, "%s", cases[i].name);
	}
}

static const struct {
	struct sse_event e;
	struct str want;
	const char *name;
} writes[] = {
	{ { .data = STR_INIT("a"), .retry = UINT64_MAX },
	    STR_INIT("data: a\n\n"), "data" },
	{ { .event = STR_INIT("m"),
	      .data = STR_INIT("a\nb"),
	      .id = STR_INIT("7"),
	      .retry = 10 },
	    STR_INIT("event: m\nid: 7\nretry: 10\ndata: a\ndata: b\n\n"),
	    "all fields" },
	{ { .data = STR_INIT("a\rid: 9\r\nevent: x\n") },
	    STR_INIT("data: a\ndata: id: 9\ndata: event: x\ndata: \n\n"),
	    "no line end in data begins a field" },
	{ { .data = STR_INIT("a"),
	      .id = STR_INIT("7\ndata: b"),
	      .event = STR_INIT("m\rdata: c") },
	    STR_INIT("data: a\n\n"), "an id of two lines is left out" },
	{ { .has_data = true, .has_id = true }, STR_INIT("id: \ndata: \n\n"),
	    "empty ones" },
	{ { .data = STR_INIT(" a") }, STR_INIT("data:  a\n\n"),
	    "a leading space lives" },
};

static void
test_writer(void)
{
	for (size_t i = 0; i < countof(writes); i++) {
		struct buf out = { .max = 4096 };

		sse_write(&out, &writes[i].e);
		ok(str_eq(buf_view(&out), writes[i].want), "write: %s",
		    writes[i].name);
		buf_done(&out);
	}
}

int
main(void)
{
	test_reader();
	test_writer();
	return tap_done();
}
