/* canon: base64url. */
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
