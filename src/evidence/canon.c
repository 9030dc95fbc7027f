/* canon: canonical text and digests over it. */
#include "evidence/evidence-in.h"

enum err
jcs_without(struct jv obj, struct str member, struct buf *out)
{
	struct buf tape = { .max = obj.n + 64 };
	const size_t mark = tape_obj(&tape);
	struct jit it = jit_of(obj);
	struct str key;
	struct jv v;
	size_t n = 0;
	enum err e;

	while (jit_next(&it, &key, &v)) {
		if (str_eq(key, member))
			continue;
		tape_key(&tape, key);
		tape_copy(&tape, v);
		n++;
	}
	tape_end(&tape, mark, n);
	e = tape.full ? ERR_LIMIT : json_jcs(jv_of(buf_view(&tape)), out);
	buf_done(&tape);
	return e;
}

enum err
digest_without(struct jv obj, struct str member, struct buf *hex)
{
	unsigned char sum[SHA256_N];
	struct buf text = { .max = EVIDENCE_MAX };
	const enum err e = jcs_without(obj, member, &text);

	if (e == OK) {
		sha256(buf_view(&text), STR(""), sum);
		buf_str(hex, STR("sha256:"));
		buf_hex(hex, (struct str){ (const char *)sum, sizeof(sum) });
	}
	buf_done(&text);
	return e;
}
