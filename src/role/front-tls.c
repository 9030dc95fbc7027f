/*
 * front-tls: TLS for agents.  The certificate is in the image; the private key
 * is not: role keys signs, and the front never holds what could speak as it.
 */
#include "role/front-in.h"

#include "role/tls-remote.h"

static struct tls_remote remote; /* of this process */

/* What keys says is read where it was asked; here only stray words arrive. */
static void
keys_got(struct chan *c, const struct msg *m)
{
	(void)c;
	(void)m;
}

static void
keys_lost(struct chan *c)
{
	if (remote.keys == c)
		remote.keys = NULL; /* handshakes fail until its successor */
	chan_free(c);
}

static const struct chan_ops keys_ops = { .got = keys_got, .lost = keys_lost };

void
front_keys(struct front *f, struct chan_fds *fds)
{
	chan_free(remote.keys);
	tls_remote_done(&remote);
	tls_remote_init(&remote,
	    chan_new(f->loop, fds, ROLE_FRONT, ROLE_KEYS, 0, &keys_ops, f));
}

NODISCARD enum err
front_tls(struct front *f, struct jv image, struct note *why)
{
	const struct jv tls = jv_get(image, STR("tls"));
	const struct tls_setup setup = { .server = true,
		.cert_pem = jv_str(jv_get(tls, STR("cert"))),
		.trust_pem = jv_str(jv_get(tls, STR("client_ca"))),
		.need_client_cert =
		    jv_true(jv_get(tls, STR("need_client_cert"))),
		.sign = tls_remote_sign,
		.arg = &remote };

	if (!f->conf.tls)
		return OK;
	return tls_ctx_new(&setup, &f->tls, why);
}
