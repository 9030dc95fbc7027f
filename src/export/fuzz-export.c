/* fuzz-export: any record, with itself as its decision and identity: what comes
 * out is JSON, one line for each event, and the same again. */
#include "export/export.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

static void
is_line(const struct buf *b)
{
	struct buf tape = { .max = 1 << 24 };

	BUG_ON(b->full || b->n == 0 || b->p[b->n - 1] != '\n');
	BUG_ON(json_parse(str_sub(buf_view(b), 0, b->n - 1), &json_default,
		   &tape, NULL) != OK);
	buf_done(&tape);
}

static void
all(const struct export_view *v, struct buf *out)
{
	struct export_otlp o = { .tape = { .max = 1 << 22 } };
	struct buf line = { .max = 1 << 22 }, tape = { .max = 1 << 22 };

	export_ocsf(v, &line);
	is_line(&line);
	buf_str(out, buf_view(&line));
	buf_clear(&line);
	export_otlp_put(&o, v);
	export_otlp_flush(&o, &line);
	is_line(&line);
	buf_str(out, buf_view(&line));
	for (unsigned k = EXPORT_DECISION; k <= EXPORT_OUTCOME; k++)
		if (export_evidence(v, (enum export_entry)k, STR("h"), &tape)) {
			BUG_ON(tape.full);
			BUG_ON(
			    tape_check(buf_view(&tape), &json_default) != OK);
			buf_clear(&tape);
		}
	export_otlp_done(&o);
	buf_done(&line);
	buf_done(&tape);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	static const unsigned char leaf[32];
	struct buf tape = { .max = 1 << 20 }, one = { .max = 1 << 23 },
		   two = { .max = 1 << 23 };
	const struct str text = { (const char *)data, n };
	struct export_view v = { .cell = 1, .seq = 2, .text = text };

	if (n < 65536 && json_parse(text, &json_default, &tape, NULL) == OK) {
		v.leaf = leaf;
		v.rec = v.decision = v.identity = jv_of(buf_view(&tape));
		v.boundary = v.start = v.rec;
		all(&v, &one);
		all(&v, &two);
		BUG_ON(!str_eq(buf_view(&one), buf_view(&two)));
	}
	buf_done(&tape);
	buf_done(&one);
	buf_done(&two);
	return 0;
}
