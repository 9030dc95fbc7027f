/* fuzz-receipt: a receipt from anywhere, with its digest line made right so
 * that the rest is reached.  What is read is what would be written. */
#include "evidence/evidence-in.h"

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);

enum { DIGEST_AT = 21 + 7, BODY_AT = DIGEST_AT + 65 };

static void
mend(struct buf *b)
{
	unsigned char sum[SHA256_N];
	const size_t n = b->n;

	if (n < BODY_AT)
		return;
	sha256(str_sub(buf_view(b), BODY_AT, n), STR(""), sum);
	b->n = DIGEST_AT;
	buf_hex(b, (struct str){ (const char *)sum, sizeof(sum) });
	b->n = n;
}

int
LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	static struct receipt r;
	static struct trust t;
	struct buf b = { .max = 1 << 20 }, again = { .max = 1 << 21 },
		   tape = { .max = 1 << 24 };
	struct trust_view v;
	struct note why;
	uint64_t index;

	if (t.logs == 0)
		BUG_ON(
		    trust_of(STR("log gatehouse.example/log+d5ecfb75+AYqI4910"
				 "CfGV/VLbLTy6XXLKZwm/HZQSG/N0iAG0D29c\n"
				 "quorum none\n"),
			&t, &why) != OK);
	buf_put(&b, p, n);
	mend(&b);
	if (receipt_of(buf_view(&b), &r, &why) == OK) {
		BUG_ON(receipt_put(&r, &again, &why) != OK);
		BUG_ON(!str_eq(buf_view(&b), buf_view(&again)));
		(void)!receipt_check(&r, &t, &v, &index, &tape, &why);
	}
	buf_done(&b);
	buf_done(&again);
	buf_done(&tape);
	return 0;
}
