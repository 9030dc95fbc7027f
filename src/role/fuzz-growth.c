/* fuzz-growth: what role cosign hears from a role that reads the network. */
#include "role/growth.h"

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);

int
LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	static struct grown g;
	struct buf b = { .max = 64 * 1024 };

	if (grown_of((struct str){ (const char *)p, n }, &g) != OK)
		return 0;
	grown_put(&g, &b);
	BUG_ON(!str_eq(buf_view(&b), (struct str){ (const char *)p, n }));
	buf_clear(&b);
	BUG_ON(grown_note(&g, STR("a.example"), n, STR(""), &b) != OK);
	buf_done(&b);
	return 0;
}
