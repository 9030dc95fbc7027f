/* canon: canonical text, digests over it, base64url. */
#include "evidence/evidence-in.h"

enum err
base64url_get(struct str text, struct buf *out)
{
	struct buf b = { .max = text.n + 3 };
	enum err e;

	for (size_t i = 0; i < text.n; i++) {
		const char ch = text.p[i];

		if (ch == '+' || ch == '/' || ch == '=')
			buf_ch(&b, '!'); /* no digit of either alphabet */
		else
			buf_ch(&b, ch == '-' ? '+' : ch == '_' ? '/' : ch);
	}
	while (b.n % 4 != 0 && !b.full)
		buf_ch(&b, '=');
	e = base64_get(buf_view(&b), out);
	buf_done(&b);
	return e;
}

void
base64url_put(struct buf *out, struct str bytes)
{
	struct buf b = { .max = bytes.n * 2 + 4 };

	base64_put(&b, bytes);
	for (size_t i = 0; i < b.n && b.p[i] != '='; i++)
		buf_ch(out, b.p[i] == '+' ? '-' : b.p[i] == '/' ? '_' : b.p[i]);
	buf_done(&b);
}

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
