/*
 * fuzz-tape: hostile tapes.  Walking never leaves the bytes, checked or not;
 * writing says no or writes JSON; what tape_check lets through is a tape that
 * json_parse could have made.
 */
#include "json/json.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { ROOM = 16 * 1024 * 1024, STEPS = 100000 };

static uint64_t
touch(struct str s)
{
	return hash64(s, 1);
}

/* Reads every byte the walk hands out; returns something that needs them. */
static uint64_t
walk(struct jv v, size_t depth, size_t *steps)
{
	uint64_t sum = touch(jv_bytes(v)) ^ touch(jv_str(v)) ^ jv_count(v);
	struct jit it = jit_of(v);
	struct str k;
	struct jv val;
	int64_t i;

	if (jv_i64(v, &i) == OK)
		sum ^= (uint64_t)i;
	while (depth < 300 && ++*steps < STEPS && jit_next(&it, &k, &val)) {
		sum ^= touch(k) ^ walk(val, depth + 1, steps);
		if (it.obj && *steps < 100)
			sum ^= jv_get(v, k).n;
	}
	return sum ^ jv_at(v, "a/b").n;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	/* An exact copy, so that one byte too far is seen. */
	char *exact =
	    size == 0 ? mem_get(0) : memcpy(mem_get(size), data, size);
	const struct str bytes = { exact, size };
	const struct jv v = jv_of(bytes);
	struct buf out = { .max = ROOM }, again = { .max = ROOM };
	struct note why;
	size_t steps = 0;
	volatile uint64_t sum = walk(v, 0, &steps);
	const bool good = tape_check(bytes, &json_default) == OK;
	enum err e;

	(void)sum;
	json_write(v, &out);
	BUG_ON(good && (out.full || v.n != size));
	e = json_parse(buf_view(&out), &json_default, &again, &why);
	BUG_ON(good && (e != OK || !str_eq(bytes, buf_view(&again))));
	/* What is not well and yet written has nothing worse than this. */
	BUG_ON(!out.full && e == ERR_SYNTAX &&
	       strstr(why.text, "a duplicate member") == NULL);
	buf_clear(&out);
	e = json_jcs(v, &out);
	BUG_ON(good && e == ERR_SYNTAX);
	buf_clear(&out);
	tape_copy(&out, v);
	BUG_ON(good && !str_eq(bytes, buf_view(&out)));
	buf_done(&out);
	buf_done(&again);
	mem_free(exact);
	return 0;
}
