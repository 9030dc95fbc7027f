/*
 * lines: stdio framing.  One JSON text a line; what the text is, others know.
 * A line that lies whole in the input is passed on as a view of it; only a
 * part is kept, and never more than the maximum.
 */
#include "wire/wire.h"

static void
line_got(void (*got)(void *arg, struct str line), void *arg, struct str line)
{
	if (line.n > 0 && line.p[line.n - 1] == '\r')
		line.n--;
	got(arg, line);
}

enum err
lines_read(struct lines *l, struct str in,
    void (*got)(void *arg, struct str line), void *arg)
{
	while (in.n > 0 && !l->part.full) {
		const size_t lf = str_find(in, '\n');
		const struct str line = { in.p, lf };

		if (lf == in.n || l->part.n > 0) {
			buf_str(&l->part, line);
		} else if (lf > l->part.max) {
			l->part.full = true; /* sticks, as for a kept part */
		} else {
			line_got(got, arg, line);
		}
		if (lf < in.n && l->part.n > 0 && !l->part.full) {
			line_got(got, arg, buf_view(&l->part));
			buf_clear(&l->part);
		}
		in = str_sub(in, lf + 1, in.n);
	}
	return buf_end(&l->part);
}
