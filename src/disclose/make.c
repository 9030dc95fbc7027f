/* make: disclosures and their digests (RFC 9901, s.4.2). */
#include "disclose/disclose.h"

void
disclosure_put(struct buf *out, const unsigned char salt[static SALT_N],
    struct str name, struct jv v, struct buf *work)
{
	buf_clear(work);
	buf_str(work, STR("[\""));
	base64url_put(work, (struct str){ (const char *)salt, SALT_N });
	buf_str(work, STR("\","));
	json_quote(name, work);
	buf_ch(work, ',');
	json_write(v, work);
	buf_ch(work, ']');
	if (work->full)
		out->full = true;
	else
		base64url_put(out, buf_view(work));
}

void
disclosure_digest(struct str disclosure, char out[static COMMITMENT_N])
{
	unsigned char sum[SHA256_N];
	char room[COMMITMENT_N + 1]; /* the last quad, unpadded */
	struct buf b = { .p = room, .cap = sizeof(room), .max = sizeof(room) };

	sha256(disclosure, STR(""), sum);
	base64url_put(&b, (struct str){ (const char *)sum, sizeof(sum) });
	BUG_ON(b.n != COMMITMENT_N);
	memcpy(out, room, COMMITMENT_N);
}
