/* fuzz-evidence: a containment record, a question, an in-toto statement, from
 * anywhere.  The statement is put into an envelope and the record's hashes are
 * whatever they are: what is tried is that nothing is read outside, and that a
 * failure of processing is never a verdict. */
#include "evidence/admit.h"

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);

static const unsigned char key[32] = { 0x8a, 0x88, 0xe3, 0xdd, 0x74, 0x09, 0xf1,
	0x95, 0xfd, 0x52, 0xdb, 0x2d, 0x3c, 0xba, 0x5d, 0x72, 0xca, 0x67, 0x09,
	0xbf, 0x1d, 0x94, 0x12, 0x1b, 0xf3, 0x74, 0x88, 0x01, 0xb4, 0x0f, 0x6f,
	0x5c };

static void
envelope_of(struct str statement, struct buf *out)
{
	buf_str(out, STR("{\"payloadType\":\"t\",\"payload\":\""));
	base64_put(out, statement);
	buf_str(out, STR("\",\"signatures\":[{\"sig\":\"AAAA\"}]}"));
}

static void
question(struct str text, struct str envelope)
{
	struct buf tape = { .max = 1 << 24 };
	struct effect e;

	if (json_parse(text, &json_default, &tape, NULL) == OK) {
		effect_check(jv_of(buf_view(&tape)), envelope, STR("blob"), &e);
		BUG_ON(effect_name(e.result) == NULL);
		BUG_ON(
		    (e.result == EFFECT_NOT_ESTABLISHED ||
			e.result == EFFECT_PENDING) != (e.obligation != NULL));
		BUG_ON(e.result == EFFECT_MALFORMED && e.code[0] == '\0');
	}
	buf_done(&tape);
}

int
LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	const struct str s = { (const char *)p, n };
	const size_t cut = str_search(s, STR("\n\n"));
	const struct str statement =
	    cut < n ? str_sub(s, cut + 2, n) : str_sub(s, 0, n);
	struct buf envelope = { .max = 1 << 24 };
	struct cosai_found f;
	struct note why;
	char code[80];
	enum effect_admission a;
	const enum err e = cosai_check(s, STR(""), &f, &why);

	BUG_ON(e == OK && f.first_bad != f.entries);
	BUG_ON(f.first_bad > f.entries);
	envelope_of(statement, &envelope);
	a = effect_admit(buf_view(&envelope), key, STR("blob"), code);
	BUG_ON(a == EFFECT_VALID); /* nobody has signed it */
	BUG_ON(code[0] == '\0');
	question(str_sub(s, 0, cut), buf_view(&envelope));
	(void)effect_admit(s, key, STR(""), code);
	buf_done(&envelope);
	return 0;
}
