/*
 * secret.c: texts that look like credentials, and digests.  Fixed fronts and
 * shapes only; the inspection room has the full set.
 */
#include "facts/facts-in.h"

/* A credential with a known front, and how many characters follow at least. */
static const struct shape {
	struct str kind, front;
	size_t more;
} shapes[] = {
	{ STR_INIT("aws"), STR_INIT("AKIA"), 16 },
	{ STR_INIT("aws"), STR_INIT("ASIA"), 16 },
	{ STR_INIT("github"), STR_INIT("ghp_"), 30 },
	{ STR_INIT("github"), STR_INIT("gho_"), 30 },
	{ STR_INIT("github"), STR_INIT("ghu_"), 30 },
	{ STR_INIT("github"), STR_INIT("ghs_"), 30 },
	{ STR_INIT("github"), STR_INIT("ghr_"), 30 },
	{ STR_INIT("github"), STR_INIT("github_pat_"), 30 },
	{ STR_INIT("gitlab"), STR_INIT("glpat-"), 16 },
	{ STR_INIT("slack"), STR_INIT("xoxb-"), 20 },
	{ STR_INIT("slack"), STR_INIT("xoxp-"), 20 },
	{ STR_INIT("slack"), STR_INIT("xapp-"), 20 },
	{ STR_INIT("google"), STR_INIT("AIza"), 30 },
	{ STR_INIT("stripe"), STR_INIT("sk_live_"), 16 },
	{ STR_INIT("stripe"), STR_INIT("rk_live_"), 16 },
	{ STR_INIT("anthropic"), STR_INIT("sk-ant-"), 20 },
	{ STR_INIT("openai"), STR_INIT("sk-proj-"), 20 },
	{ STR_INIT("openai"), STR_INIT("sk-"), 40 },
	{ STR_INIT("npm"), STR_INIT("npm_"), 30 },
	{ STR_INIT("pypi"), STR_INIT("pypi-"), 30 },
	{ STR_INIT("huggingface"), STR_INIT("hf_"), 30 },
	{ STR_INIT("jwt"), STR_INIT("eyJ"), 40 },
};

static bool
token_char(char ch)
{
	return is_alpha(ch) || is_digit(ch) || is_among(ch, STR("_-.+/="));
}

static size_t
run(struct str s, size_t at)
{
	size_t n = 0;

	while (at + n < s.n && token_char(s.p[at + n]))
		n++;
	return n;
}

static void
look_at(struct str s, size_t at, struct fset *kinds)
{
	const struct str rest = str_sub(s, at, s.n);

	for (size_t i = 0; i < countof(shapes); i++)
		if (str_starts(rest, shapes[i].front) &&
		    run(s, at + shapes[i].front.n) >= shapes[i].more)
			fset_add(kinds, shapes[i].kind);
	if (str_starts(rest, STR("-----BEGIN ")) &&
	    str_search(str_sub(rest, 0, 64), STR("PRIVATE KEY-----")) <
		(rest.n < 64 ? rest.n : 64))
		fset_add(kinds, STR("private_key"));
}

enum err
read_secret(struct reading *r)
{
	struct fset *kinds = fset_new(r);

	if (kinds == NULL)
		return ERR_LIMIT;
	for (size_t i = 0; i < r->text.n; i++)
		if (i == 0 || !is_word(r->text.p[i - 1]))
			look_at(r->text, i, kinds);
	put_is(r, STR("present"), kinds->n > 0);
	put_fset(r, STR("kinds"), kinds);
	put_is(r, STR("certain"), true);
	return OK;
}

static const struct digest {
	struct str name;
	size_t hex;
} digests[] = {
	{ STR_INIT("md5"), 32 },
	{ STR_INIT("sha1"), 40 },
	{ STR_INIT("sha256"), 64 },
	{ STR_INIT("sha384"), 96 },
	{ STR_INIT("sha512"), 128 },
};

/* sha256:HEX, sha256-HEX or HEX alone, told by its length. */
enum err
read_hash(struct reading *r)
{
	size_t at = r->text.n;
	struct str hex, front;

	while (at > 0 && is_hex(r->text.p[at - 1]))
		at--;
	hex = str_sub(r->text, at, r->text.n);
	front = lower(r->a, str_sub(r->text, 0, at));
	for (size_t i = 0; i < countof(digests); i++) {
		const struct str name = digests[i].name;

		if (digests[i].hex != hex.n)
			continue;
		if (front.n &&
		    !(front.n == name.n + 1 && str_starts(front, name) &&
			is_among(front.p[name.n], STR(":-"))))
			continue;
		put_text(r, STR("algorithm"), name);
		put_text(r, STR("hex"), lower(r->a, hex));
		return OK;
	}
	return no(r, "no digest in hexadecimal that has a known length");
}
