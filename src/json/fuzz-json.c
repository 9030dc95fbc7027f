/* fuzz-json: what is read survives check, writing and canonical form. */
#include "json/json.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { ROOM = 16 * 1024 * 1024 };

static void
same_again(struct str text, const struct buf *tape, struct buf *out)
{
	buf_clear(out);
	BUG_ON(json_parse(text, &json_default, out, NULL) != OK);
	BUG_ON(!str_eq(buf_view(tape), buf_view(out)));
}

/* A canonical text is its own canonical text. */
static void
canonical(struct jv v, struct buf *one, struct buf *tape)
{
	struct buf two = { .max = ROOM };

	buf_clear(one);
	if (json_jcs(v, one) != OK)
		return;
	buf_clear(tape);
	BUG_ON(json_parse(buf_view(one), &json_default, tape, NULL) != OK);
	BUG_ON(json_jcs(jv_of(buf_view(tape)), &two) != OK);
	BUG_ON(!str_eq(buf_view(one), buf_view(&two)));
	buf_done(&two);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const struct str text = { (const char *)data, size };
	struct buf tape = { .max = ROOM }, out = { .max = ROOM };
	struct buf b = { .max = ROOM }, tight = { .max = 64 };
	struct note why;
	enum err e;

	e = json_parse(text, &json_default, &tape, &why);
	BUG_ON(e != OK && (tape.n != 0 || tape.full || why.text[0] == '\0'));
	if (json_parse(text, &json_default, &tight, NULL) == OK)
		BUG_ON(!str_eq(buf_view(&tight), buf_view(&tape)));
	else
		BUG_ON(tight.n != 0 || (e == OK && tape.n <= tight.max));
	if (e == OK) {
		const struct jv v = jv_of(buf_view(&tape));
		int64_t i;

		BUG_ON(tape_check(buf_view(&tape), &json_default) != OK);
		json_write(v, &out);
		BUG_ON(out.full);
		same_again(buf_view(&out), &tape, &b);
		canonical(v, &out, &b);
		if (jv_i64(v, &i) == OK) {
			buf_clear(&b);
			tape_i64(&b, i);
			BUG_ON(tape_check(buf_view(&b), &json_default) != OK);
		}
	}
	buf_done(&tape);
	buf_done(&out);
	buf_done(&b);
	buf_done(&tight);
	return 0;
}
