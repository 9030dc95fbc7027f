/*
 * Texts of the extension types: read or refused; what is read is written so
 * that it reads back to the same.
 */
#include "cedar/cedar.h"

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);

typedef struct cedar_value (*maker)(struct str s, struct arena *a);

static struct cedar_value
decimal(struct str s, struct arena *a)
{
	(void)a;
	return cedar_decimal_of(s);
}

static struct cedar_value
datetime(struct str s, struct arena *a)
{
	(void)a;
	return cedar_datetime_of(s);
}

static struct cedar_value
duration(struct str s, struct arena *a)
{
	(void)a;
	return cedar_duration_of(s);
}

/* What stands in the nth pair of quotes. */
static struct str
quoted(struct str s, int n)
{
	struct str one = { NULL, 0 };

	for (int i = 0; i < 2 * n; i++)
		BUG_ON(!str_split(&s, '"', &one));
	return one;
}

int
LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	static const maker makers[] = { decimal, cedar_ip_of, duration,
		datetime };
	const struct str text = { (const char *)p, n };
	struct arena *a = arena_new(4096);
	struct buf out = { .max = 4096 };

	for (size_t i = 0; i < countof(makers); i++) {
		const struct cedar_value v = makers[i](text, a);
		struct cedar_value back;

		if (v.type == CEDAR_NONE)
			continue;
		buf_clear(&out);
		cedar_value_put(&out, v);
		if (v.type == CEDAR_DATETIME) {
			back = duration(quoted(buf_view(&out), 2), a);
			BUG_ON(back.type != CEDAR_DURATION || back.i != v.i);
			continue;
		}
		back = makers[i](quoted(buf_view(&out), 1), a);
		BUG_ON(!cedar_same(v, back));
	}
	buf_done(&out);
	arena_free(a);
	return 0;
}
