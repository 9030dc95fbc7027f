/* head.c: credentials and media types of requests; see head.h. */
#include "role/head.h"

#include <openssl/evp.h>

bool
head_is_token68(struct str s)
{
	for (size_t i = 0; i < s.n; i++) {
		const char c = s.p[i];

		if (!((c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') ||
			(c >= 'A' && c <= 'Z') ||
			(c != '\0' && strchr("-._~+/=", c) != NULL)))
			return false;
	}
	return s.n > 0 && s.n <= HEAD_TOKEN_MAX;
}

unsigned
head_bearer(const struct http_head *h, struct str *token, const char **why)
{
	bool many = false;
	const struct str v = http_get(h, STR("authorization"), &many);

	*token = (struct str){ NULL, 0 };
	if (many) {
		*why = "Authorization twice";
		return 400;
	}
	if (v.p == NULL)
		return 0;
	*token = str_trim(str_sub(v, 7, v.n));
	if (str_ieq(str_sub(v, 0, 7), STR("Bearer ")) &&
	    head_is_token68(*token))
		return 0;
	*why = "Authorization is not a Bearer token";
	return 401;
}

bool
head_is_json(const struct http_head *h, const char **why)
{
	bool many = false, charset = false;
	struct str rest = http_get(h, STR("content-type"), &many), part;

	*why = "Content-Type is not application/json";
	if (many || !str_split(&rest, ';', &part) ||
	    !str_ieq(str_trim(part), STR("application/json")))
		return false;
	while (str_split(&rest, ';', &part)) {
		const struct str p = str_trim(part);

		*why = "only charset=utf-8 is read";
		if (charset || !(str_ieq(p, STR("charset=utf-8")) ||
				   str_ieq(p, STR("charset=\"utf-8\""))))
			return false;
		charset = true;
	}
	rest = http_get(h, STR("content-encoding"), &many);
	*why = "Content-Encoding is not read";
	return !many && (rest.p == NULL || str_ieq(rest, STR("identity")));
}

/* The algorithm is fetched once: that costs more than hashing. */
bool
head_digest(struct str token, unsigned char out[static 32])
{
	static EVP_MD_CTX *ctx;
	static EVP_MD *md;
	unsigned n = 0;

	if (ctx == NULL) {
		ctx = EVP_MD_CTX_new();
		md = EVP_MD_fetch(NULL, "SHA256", NULL);
	}
	return ctx != NULL && md != NULL &&
	       EVP_DigestInit_ex2(ctx, md, NULL) == 1 &&
	       EVP_DigestUpdate(ctx, token.p, token.n) == 1 &&
	       EVP_DigestFinal_ex(ctx, out, &n) == 1 && n == 32;
}

bool
head_ready(void)
{
	unsigned char unused[32];

	return head_digest(STR("x"), unused);
}
