/*
 * fuzz-schema: {"schema": ..., "value": ..., "patch": [place, byte, ...]}.
 * What compiles opens; a verdict is the same with and without faults; a
 * patched image is refused or judges something, and does not leave its bytes.
 */
#include "schema/schema.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { ROOM = 4 * 1024 * 1024, STEPS = 50000 };

static const struct schema_limits limits = { 500, 256 * 1024, 500, 1000,
	200000 };

static enum err
judge(struct str image, struct jv value)
{
	struct schema_faults faults;
	struct schema s;
	uint64_t one = STEPS, two = STEPS;
	enum err e;

	if (schema_open(image, &s) != OK)
		return ERR_DENIED;
	e = schema_check(&s, value, &one, NULL);
	BUG_ON(schema_check(&s, value, &two, &faults) != e);
	BUG_ON(e == OK && faults.n != 0);
	BUG_ON(e == OK && one != two);
	return e;
}

/* An exact copy, so that one byte too far is seen. */
static void
patched(struct str image, struct jv patch, struct jv value)
{
	char *exact = memcpy(mem_get(image.n), image.p, image.n);
	struct jit it = jit_of(patch);
	struct jv at, byte;
	int64_t i, v;

	while (jit_next(&it, NULL, &at) && jit_next(&it, NULL, &byte))
		if (jv_i64(at, &i) == OK && jv_i64(byte, &v) == OK && i >= 0 &&
		    (size_t)i < image.n)
			exact[i] = (char)v;
	(void)judge((struct str){ exact, image.n }, value);
	mem_free(exact);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const struct str text = { (const char *)data, size };
	struct buf tape = { .max = ROOM }, image = { .max = ROOM };
	struct schema_opts opts = { .limits = &limits };
	struct note why = { "" };
	struct jv all, value;
	enum err e;

	if (json_parse(text, &json_default, &tape, NULL) == OK) {
		all = jv_of(buf_view(&tape));
		value = jv_get(all, STR("value"));
		opts.closed = jv_true(jv_get(all, STR("closed")));
		if (jv_true(jv_get(all, STR("formats"))))
			opts.formats = SCHEMA_ALL_FORMATS;
		e = schema_compile(
		    jv_get(all, STR("schema")), &opts, &image, &why);
		BUG_ON((e == OK) != (image.n > 0));
		BUG_ON(e != OK && why.text[0] == '\0');
		if (e == OK) {
			BUG_ON(judge(buf_view(&image), value) == ERR_DENIED);
			patched(
			    buf_view(&image), jv_get(all, STR("patch")), value);
		}
	}
	buf_done(&tape);
	buf_done(&image);
	return 0;
}
