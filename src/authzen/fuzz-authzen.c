/* fuzz-authzen: any JSON as a request to either endpoint.  What stands has all
 * that an evaluation needs, and each of a list is like the same one asked
 * alone.
 */
#include "authzen/authzen.h"

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);

static void
check(const struct authzen_request *r, struct jv item)
{
	struct authzen_one o = { .subject = { NULL, 0 } };
	struct note why = { "" };

	if (authzen_one(r, item, &o, &why) != OK) {
		BUG_ON(why.text[0] == '\0' || o.subject.p != NULL);
		return;
	}
	BUG_ON(o.subject.p == NULL || o.subject_type.p == NULL ||
	       o.action.p == NULL || o.resource.p == NULL ||
	       o.resource_type.p == NULL);
	BUG_ON(!jv_is(o.arguments, J_OBJ) && !jv_is(o.arguments, J_NONE));
	BUG_ON(!jv_is(o.properties, J_OBJ) && !jv_is(o.properties, J_NONE));
}

int
LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	static struct buf tape = { .max = 1 << 20 };
	struct authzen_request r;
	struct note why = { "" };
	struct jit it;
	struct jv v;
	size_t seen = 0;

	buf_clear(&tape);
	if (n < 1 || json_parse((struct str){ (const char *)p + 1, n - 1 },
			 &json_default, &tape, NULL) != OK)
		return 0;
	if (authzen_read(jv_of(buf_view(&tape)), p[0] & 1, &r, &why) != OK) {
		BUG_ON(why.text[0] == '\0');
		return 0;
	}
	BUG_ON(r.n < 1 || r.n > AUTHZEN_MAX);
	it = jit_of(r.list);
	while (jit_next(&it, NULL, &v)) {
		check(&r, v);
		seen++;
	}
	if (seen == 0)
		check(&r, r.body);
	BUG_ON(seen != (jv_is(r.list, J_NONE) ? 0 : r.n));
	return 0;
}
