/* test-lines: every case at every split. */
#include "base/tap.h"
#include "wire/wire.h"

static void
show(void *arg, struct str line)
{
	struct buf *out = arg;

	buf_ch(out, '<');
	buf_str(out, line);
	buf_ch(out, '>');
}

static const struct {
	struct str in, want;
	enum err e;
	const char *name;
} cases[] = {
	{ STR_INIT("{}\n"), STR_INIT("<{}>"), OK, "one" },
	{ STR_INIT("{}\n[]\n"), STR_INIT("<{}><[]>"), OK, "two" },
	{ STR_INIT("{}\r\n"), STR_INIT("<{}>"), OK, "CRLF" },
	{ STR_INIT("{}\r\r\n"), STR_INIT("<{}\r>"), OK, "one CR is dropped" },
	{ STR_INIT("a\rb\n"), STR_INIT("<a\rb>"), OK, "CR inside stays" },
	{ STR_INIT("\n\r\nx\n"), STR_INIT("<><><x>"), OK, "empty lines" },
	{ STR_INIT("{}"), STR_INIT(""), OK, "no end yet" },
	{ STR_INIT("a\0b\n"), STR_INIT("<a\0b>"), OK, "NUL is a byte" },
	{ STR_INIT("12345678\n12345678\n"), STR_INIT("<12345678><12345678>"),
	    OK, "the maximum, twice" },
	{ STR_INIT("1\n123456789\n2\n"), STR_INIT("<1>"), ERR_LIMIT,
	    "over the maximum; it stays broken" },
	{ STR_INIT("123456789"), STR_INIT(""), ERR_LIMIT, "without an end" },
};

int
main(void)
{
	for (size_t i = 0; i < countof(cases); i++) {
		const struct str in = cases[i].in;
		size_t good = 0;

		for (size_t at = 0; at <= in.n; at++) {
			const size_t step = at == 0 ? 1 : in.n;
			struct lines l = { .part.max = 8 };
			struct buf out = { .max = 4096 };
			enum err e =
			    lines_read(&l, str_sub(in, 0, at), show, &out);

			for (size_t k = at; k < in.n; k += step)
				e = lines_read(
				    &l, str_sub(in, k, step), show, &out);
			good += e == cases[i].e &&
				str_eq(buf_view(&out), cases[i].want);
			buf_done(&out);
			buf_done(&l.part);
		}
		ok(good == in.n + 1, "%s", cases[i].name);
	}
	return tap_done();
}
