/* tls-remote.c: one SIGN out, one SIGNED back, nothing else meanwhile. */
#include "role/tls-remote.h"

enum { PAD = 64, SCRATCH_MAX = 4096 }; /* a SIGNED has below 1100 bytes */
/* With their NUL, which separates them from the hash. */
static const struct str server_words =
    STR_INIT("TLS 1.3, server CertificateVerify\0");
static const struct str client_words =
    STR_INIT("TLS 1.3, client CertificateVerify\0");

void
tls_remote_init(struct tls_remote *r, struct chan *keys)
{
	*r = (struct tls_remote){ .keys = keys,
		.timeout_ns = REMOTE_SIGN_NS,
		.scratch.max = SCRATCH_MAX };
}

void
tls_remote_done(struct tls_remote *r)
{
	buf_done(&r->scratch);
	r->keys = NULL;
}

/* Keys builds the rest again itself; it is not sent. */
static enum err
hash_of(struct str tbs, struct str words, struct str *hash)
{
	const struct str rest = str_sub(tbs, PAD, tbs.n);

	if (tbs.n < PAD || str_trim(str_sub(tbs, 0, PAD)).n != 0 ||
	    !str_starts(rest, words))
		return ERR_SYNTAX;
	*hash = str_sub(rest, words.n, rest.n);
	return hash->n == 32 || hash->n == 48 ? OK : ERR_SYNTAX;
}

/* The answer to r->ref; late answers to others are dropped. */
static enum err
answer(struct tls_remote *r, struct str *sig)
{
	const uint64_t end = now_mono() + r->timeout_ns;
	struct msg m;

	for (;;) {
		const uint64_t now = now_mono();

		if (now >= end)
			return ERR_LIMIT;
		TRY(chan_wait(r->keys, end - now, &r->scratch, &m));
		if (m.kind == MSG_SIGNED && msg_num(&m, F_REF) == r->ref)
			break;
	}
	if (msg_num(&m, F_STATUS) != 0 || !msg_has(&m, F_BYTES))
		return ERR_DENIED;
	*sig = msg_text(&m, F_BYTES);
	return OK;
}

enum err
tls_remote_sign(
    void *arg, unsigned scheme, struct str tbs, unsigned char *out, size_t *n)
{
	struct tls_remote *r = arg;
	struct msg m = msg_of(MSG_SIGN);
	struct str hash, sig;

	if (r->keys == NULL)
		return ERR_GONE;
	TRY(hash_of(tbs, r->client ? client_words : server_words, &hash));
	msg_set(&m, F_REF, ++r->ref);
	msg_set(&m, F_FLAGS, scheme);
	msg_set_text(&m, F_BYTES, hash);
	TRY(chan_send(r->keys, &m));
	chan_flush(r->keys);
	TRY(answer(r, &sig));
	if (sig.n > *n)
		return ERR_LIMIT;
	memcpy(out, sig.p, sig.n);
	*n = sig.n;
	return OK;
}
