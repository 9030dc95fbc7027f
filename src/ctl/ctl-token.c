/*
 * ctl-token: a new bearer token, shown once.  The configuration keeps its
 * SHA-256 alone, so whoever reads the file cannot call.
 */
#include "ctl/ctl.h"

#include <openssl/evp.h>

#include "sys/sys.h"
#include "json/json.h"

enum { TOKEN_BYTES = 32 }; /* 256 bits: no salt and no stretching needed */

static bool
name_ok(struct str s)
{
	if (s.n == 0 || s.n > 64)
		return false;
	for (size_t i = 0; i < s.n; i++)
		if (!((s.p[i] >= 'a' && s.p[i] <= 'z') ||
			(s.p[i] >= 'A' && s.p[i] <= 'Z') ||
			(s.p[i] >= '0' && s.p[i] <= '9') || s.p[i] == '.' ||
			s.p[i] == '_' || s.p[i] == '@' || s.p[i] == '-'))
			return false;
	return true;
}

int
ctl_token_new(struct ctl *c)
{
	const struct str name = str_of(c->arg[0]);
	unsigned char raw[TOKEN_BYTES], digest[32];
	struct buf token = { .max = 128 }, hash = { .max = 64 };
	struct buf b = { .max = 4096 };
	unsigned int n = sizeof(digest);
	int status;

	if (!name_ok(name))
		return ctl_say(c, CTL_MISUSE,
		    "a principal's name is 1 to 64 "
		    "of A-Z a-z 0-9 . _ @ -");
	random_bytes(raw, sizeof(raw));
	buf_str(&token, STR("gh_"));
	buf_hex(&token, (struct str){ (char *)raw, sizeof(raw) });
	if (EVP_Digest(token.p, token.n, digest, &n, EVP_sha256(), NULL) != 1)
		return ctl_say(c, CTL_FAILED, "SHA-256 failed");
	buf_hex(&hash, (struct str){ (char *)digest, sizeof(digest) });
	if (c->json)
		buf_fmt(&b,
		    "{\"name\":\"%.*s\",\"token\":\"%.*s\","
		    "\"token_sha256\":\"%.*s\"}\n",
		    STR_ARG(name), STR_ARG(buf_view(&token)),
		    STR_ARG(buf_view(&hash)));
	else
		buf_fmt(&b,
		    "%.*s\n\n"
		    "That is the token, shown once: the agent sends it "
		    "as \"Authorization: Bearer TOKEN\".\n"
		    "In gatehouse.yaml, under principals:\n\n"
		    "  %.*s: { token_sha256: \"%.*s\" }\n",
		    STR_ARG(buf_view(&token)), STR_ARG(name),
		    STR_ARG(buf_view(&hash)));
	mem_wipe(raw, sizeof(raw));
	mem_wipe(token.p, token.n);
	status = ctl_put(&b);
	buf_done(&token);
	buf_done(&hash);
	return status;
}
