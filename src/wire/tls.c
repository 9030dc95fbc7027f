/*
 * tls: TLS 1.3 and nothing older, over memory.  Bytes of the wire go in, plain
 * bytes come out, and the other way round; who reads sockets is elsewhere.
 *
 * What is checked.  A client checks the server's chain to the given authorities
 * (else the system's), its dates, its purpose, and its name: a DNS name or an
 * address in subjectAltName; never the common name.  A server with authorities
 * asks for a client certificate, and with need_client_cert insists.  There is
 * no resumption, no early data, no renegotiation, and no check of revocation.
 *
 * The library keeps no buffer for an idle connection, and this file none.
 * Each context has an OpenSSL library context of its own, so nothing here is
 * global; its memory and everything it reads from files is there when
 * tls_ctx_new returns, so it works on behind the tightest sandbox.
 */
#include "wire/wire-in.h"

#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/provider.h>
#include <openssl/rand.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>

enum {
	RECORD_MAX = 16384,	/* plain bytes of one record (RFC 8446 s.5.1) */
	READ_MIN = 1024,	/* an answer's usual size */
	CERTS_MAX = 32 * 1024,	/* of the peer's chain; real ones have 3 to 8 */
	DEPTH_MAX = 6,		/* authorities between the leaf and the root */
	NAME_MAX_BYTES = 253,	/* of a DNS name */
	OWN_CERTS_MAX = 16,	/* in cert_pem */
	TRUST_CERTS_MAX = 4096, /* in trust_pem; the system ships 150 */
};
#define SYSTEM_TRUST "/etc/ssl/certs/ca-certificates.crt"
#define SUITES                                                                 \
	"TLS_AES_128_GCM_SHA256:TLS_AES_256_GCM_SHA384:"                       \
	"TLS_CHACHA20_POLY1305_SHA256"
#define GROUPS "X25519:P-256:P-384"
/* The last three are for signatures inside certificates alone. */
#define SIGALGS                                                                \
	"ECDSA+SHA256:ECDSA+SHA384:ed25519:RSA-PSS+SHA256:RSA-PSS+SHA384:"     \
	"RSA-PSS+SHA512:RSA+SHA256:RSA+SHA384:RSA+SHA512"
static const unsigned char alpn_http[] = "\x08http/1.1";

struct tls_ctx {
	OSSL_LIB_CTX *lib;
	OSSL_PROVIDER *own, *remote;
	BIO_METHOD *method;
	SSL_CTX *ssl;
	bool server;
};

struct tls {
	const struct tls_ctx *ctx;
	SSL *ssl;
	struct str in;	 /* of the call that runs */
	struct buf *out; /* likewise */
	bool ready, gone, bad;
};

/* ---- a BIO over the bytes of the call that runs: it keeps none itself ---- */
static int
bio_read(BIO *b, char *to, size_t room, size_t *n)
{
	struct tls *t = BIO_get_data(b);

	BIO_clear_retry_flags(b);
	if (t->in.n == 0) {
		BIO_set_retry_read(b);
		return 0;
	}
	*n = room < t->in.n ? room : t->in.n;
	memcpy(to, t->in.p, *n);
	t->in = str_sub(t->in, *n, t->in.n);
	return 1;
}

static int
bio_write(BIO *b, const char *from, size_t n, size_t *done)
{
	const struct tls *t = BIO_get_data(b);

	BIO_clear_retry_flags(b);
	if (t->out == NULL)
		return 0;
	buf_put(t->out, from, n);
	if (t->out->full)
		return 0;
	*done = n;
	return 1;
}

static long
bio_ctrl(BIO *b, int cmd, long num, void *ptr)
{
	(void)b;
	(void)num;
	(void)ptr;
	return cmd == BIO_CTRL_FLUSH ? 1 : 0;
}

static BIO_METHOD *
method_new(void)
{
	BIO_METHOD *m = BIO_meth_new(BIO_TYPE_SOURCE_SINK, "view");

	if (m != NULL && BIO_meth_set_read_ex(m, bio_read) == 1 &&
	    BIO_meth_set_write_ex(m, bio_write) == 1 &&
	    BIO_meth_set_ctrl(m, bio_ctrl) == 1)
		return m;
	BIO_meth_free(m);
	return NULL;
}

/* ---- contexts ---- */
static enum err
broken(struct note *why, const char *what)
{
	const char *lib = ERR_reason_error_string(ERR_peek_last_error());

	note_set(why, "%s%s%s", what, lib == NULL ? "" : ": ",
	    lib == NULL ? "" : lib);
	ERR_clear_error();
	return ERR_SYNTAX;
}

/* OpenSSL's pem_password_cb: its form is not ours to choose. */
static int /* NOLINTNEXTLINE(readability-non-const-parameter) */
no_password(char *buf, int size, int rwflag, void *arg)
{
	(void)buf;
	(void)size;
	(void)rwflag;
	(void)arg;
	return -1; /* and never ask the terminal */
}

static int
alpn_choose(SSL *s, const unsigned char **out, unsigned char *n,
    const unsigned char *in, unsigned in_n, void *arg)
{
	unsigned char *got;

	(void)s;
	(void)arg;
	if (SSL_select_next_proto(&got, n, alpn_http, sizeof(alpn_http) - 1, in,
		in_n) != OPENSSL_NPN_NEGOTIATED)
		return SSL_TLSEXT_ERR_ALERT_FATAL;
	*out = got;
	return SSL_TLSEXT_ERR_OK;
}

/* Calls got for each certificate of a PEM text. */
static enum err
each_cert(struct tls_ctx *c, struct str pem, size_t max,
    bool (*got)(struct tls_ctx *c, X509 *x, size_t i))
{
	BIO *b = pem.n > INT32_MAX ? NULL : BIO_new_mem_buf(pem.p, (int)pem.n);
	enum err e = OK;
	size_t n = 0;

	for (; e == OK && n <= max; n++) {
		X509 *x = X509_new_ex(c->lib, NULL);

		if (b == NULL || x == NULL ||
		    PEM_read_bio_X509(b, &x, no_password, NULL) == NULL) {
			X509_free(x);
			break;
		}
		if (n == max || !got(c, x, n))
			e = ERR_SYNTAX;
		X509_free(x);
	}
	BIO_free(b);
	if (n == 0 ||
	    ERR_GET_REASON(ERR_peek_last_error()) != PEM_R_NO_START_LINE)
		e = ERR_SYNTAX;
	if (e == OK)
		ERR_clear_error();
	return e;
}

static bool
own_cert(struct tls_ctx *c, X509 *x, size_t i)
{
	return i == 0 ? SSL_CTX_use_certificate(c->ssl, x) == 1
		      : SSL_CTX_add1_chain_cert(c->ssl, x) == 1;
}

static bool
trust_cert(struct tls_ctx *c, X509 *x, size_t i)
{
	(void)i;
	return X509_STORE_add_cert(SSL_CTX_get_cert_store(c->ssl), x) == 1 &&
	       (!c->server || SSL_CTX_add_client_CA(c->ssl, x) == 1);
}

static enum err
own_key(struct tls_ctx *c, const struct tls_setup *s, struct note *why)
{
	EVP_PKEY *key = NULL;
	BIO *b;
	bool good;

	if (s->sign != NULL) {
		const X509 *x = SSL_CTX_get0_certificate(c->ssl);

		TRY(remote_load(c->lib, &c->remote, why));
		if (remote_key(c->lib, X509_get0_pubkey(x), s->sign, s->arg,
			&key) != OK)
			return broken(why, "the certificate's key has no use");
	} else if (s->key_pem.n <= INT32_MAX) {
		b = BIO_new_mem_buf(s->key_pem.p, (int)s->key_pem.n);
		if (b != NULL)
			key = PEM_read_bio_PrivateKey_ex(
			    b, NULL, no_password, NULL, c->lib, NULL);
		BIO_free(b);
	}
	good = key != NULL && SSL_CTX_use_PrivateKey(c->ssl, key) == 1 &&
	       SSL_CTX_check_private_key(c->ssl) == 1;
	EVP_PKEY_free(key);
	return good ? OK : broken(why, "the private key");
}

static enum err
own(struct tls_ctx *c, const struct tls_setup *s, struct note *why)
{
	if (s->cert_pem.n == 0) {
		if (s->server)
			return broken(why, "a server needs a certificate");
		return OK;
	}
	if (each_cert(c, s->cert_pem, OWN_CERTS_MAX, own_cert) != OK)
		return broken(why, "the certificate");
	return own_key(c, s, why);
}

static enum err
trust(struct tls_ctx *c, const struct tls_setup *s, struct note *why)
{
	int mode = SSL_VERIFY_PEER;

	if (s->server && s->trust_pem.n == 0) {
		if (s->need_client_cert)
			return broken(why, "nobody to trust for clients");
		return OK;
	}
	if (s->server && s->need_client_cert)
		mode |= SSL_VERIFY_FAIL_IF_NO_PEER_CERT;
	SSL_CTX_set_verify(c->ssl, mode, NULL);
	SSL_CTX_set_verify_depth(c->ssl, DEPTH_MAX);
	if (s->trust_pem.n > 0) {
		if (each_cert(c, s->trust_pem, TRUST_CERTS_MAX, trust_cert) !=
		    OK)
			return broken(why, "the trusted certificates");
		return OK;
	}
	if (SSL_CTX_load_verify_file(c->ssl, SYSTEM_TRUST) != 1 &&
	    SSL_CTX_load_verify_file(c->ssl, X509_get_default_cert_file()) != 1)
		return broken(why, "the system's trusted certificates");
	return OK;
}

static bool
rules(SSL_CTX *x, bool server)
{
	char groups[] = GROUPS,
	     sigalgs[] = SIGALGS; /* macros cast const away */

	(void)SSL_CTX_set_options(
	    x, SSL_OP_NO_TICKET | SSL_OP_NO_RENEGOTIATION |
		   SSL_OP_NO_COMPRESSION | SSL_OP_CIPHER_SERVER_PREFERENCE);
	(void)SSL_CTX_set_mode(x, SSL_MODE_RELEASE_BUFFERS);
	(void)SSL_CTX_set_session_cache_mode(x, SSL_SESS_CACHE_OFF);
	SSL_CTX_set_max_cert_list(x, CERTS_MAX);
	SSL_CTX_set_security_level(x, 2);
	if (server)
		SSL_CTX_set_alpn_select_cb(x, alpn_choose, NULL);
	else if (SSL_CTX_set_alpn_protos(x, alpn_http, sizeof(alpn_http) - 1) !=
		 0)
		return false;
	return SSL_CTX_set_min_proto_version(x, TLS1_3_VERSION) == 1 &&
	       SSL_CTX_set_max_proto_version(x, TLS1_3_VERSION) == 1 &&
	       SSL_CTX_set_ciphersuites(x, SUITES) == 1 &&
	       SSL_CTX_set1_groups_list(x, groups) == 1 &&
	       SSL_CTX_set1_sigalgs_list(x, sigalgs) == 1 &&
	       SSL_CTX_set_num_tickets(x, 0) == 1;
}

static enum err
ctx_fill(struct tls_ctx *c, const struct tls_setup *s, struct note *why)
{
	const time_t epoch = 0;
	unsigned char seed[1];
	struct tm tm;

	(void)gmtime_r(&epoch, &tm); /* reads the time zone's file, once */
	(void)OPENSSL_init_ssl(OPENSSL_INIT_NO_LOAD_CONFIG, NULL);
	ERR_clear_error();
	c->server = s->server;
	c->lib = OSSL_LIB_CTX_new();
	c->method = method_new();
	if (c->lib == NULL || c->method == NULL ||
	    (c->own = OSSL_PROVIDER_load(c->lib, "default")) == NULL ||
	    RAND_bytes_ex(c->lib, seed, sizeof(seed), 0) != 1)
		return broken(why, "the TLS library");
	c->ssl = SSL_CTX_new_ex(c->lib, NULL,
	    s->server ? TLS_server_method() : TLS_client_method());
	if (c->ssl == NULL || !rules(c->ssl, s->server))
		return broken(why, "the TLS library");
	TRY(own(c, s, why));
	return trust(c, s, why);
}

enum err
tls_ctx_new(const struct tls_setup *s, struct tls_ctx **out, struct note *why)
{
	struct tls_ctx *c = mem_get(sizeof(*c));
	const enum err e = ctx_fill(c, s, why);

	if (e)
		tls_ctx_free(c);
	else
		*out = c;
	return e;
}

void
tls_ctx_free(struct tls_ctx *c)
{
	if (c == NULL)
		return;
	SSL_CTX_free(c->ssl);
	BIO_meth_free(c->method);
	if (c->remote != NULL)
		(void)OSSL_PROVIDER_unload(c->remote);
	if (c->own != NULL)
		(void)OSSL_PROVIDER_unload(c->own);
	OSSL_LIB_CTX_free(c->lib);
	mem_free(c);
}

/* ---- connections ---- */
static bool
name_check(SSL *ssl, struct str name)
{
	char z[NAME_MAX_BYTES + 1] = "";

	if (name.n >= 2 && name.p[0] == '[' && name.p[name.n - 1] == ']')
		name = str_sub(name, 1, name.n - 2);
	else if (name.n > 1 && name.p[name.n - 1] == '.')
		name.n--; /* certificates name no root */
	if (name.n == 0 || name.n > NAME_MAX_BYTES ||
	    str_find(name, '\0') != name.n)
		return false;
	memcpy(z, name.p, name.n);
	if (X509_VERIFY_PARAM_set1_ip_asc(SSL_get0_param(ssl), z) == 1)
		return true;
	ERR_clear_error();
	SSL_set_hostflags(ssl, X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS |
				   X509_CHECK_FLAG_NEVER_CHECK_SUBJECT);
	return SSL_set1_host(ssl, z) == 1 &&
	       SSL_set_tlsext_host_name(ssl, z) == 1;
}

enum err
tls_new(struct tls_ctx *c, struct str name, struct tls **out)
{
	struct tls *t = mem_get(sizeof(*t));
	BIO *b;

	ERR_clear_error();
	t->ctx = c;
	t->ssl = SSL_new(c->ssl);
	b = t->ssl == NULL ? NULL : BIO_new(c->method);
	if (b == NULL) {
		tls_free(t);
		return ERR_LIMIT;
	}
	BIO_set_data(b, t);
	BIO_set_init(b, 1);
	SSL_set_bio(t->ssl, b, b);
	if (c->server) {
		SSL_set_accept_state(t->ssl);
	} else if (name_check(t->ssl, name)) {
		SSL_set_connect_state(t->ssl);
	} else {
		tls_free(t);
		return ERR_SYNTAX;
	}
	*out = t;
	return OK;
}

void
tls_free(struct tls *t)
{
	if (t == NULL)
		return;
	SSL_free(t->ssl);
	mem_free(t);
}

/* Alerts by which a peer refuses a certificate (RFC 8446 s.6.2). */
static bool
is_cert_alert(int reason)
{
	const int alert = reason - SSL_AD_REASON_OFFSET;

	return (alert >= SSL_AD_BAD_CERTIFICATE &&
		   alert <= SSL_AD_CERTIFICATE_UNKNOWN) ||
	       alert == SSL_AD_UNKNOWN_CA || alert == SSL_AD_ACCESS_DENIED ||
	       alert == TLS13_AD_CERTIFICATE_REQUIRED;
}

/* Why the last call failed; the connection is over. */
static enum err
failed(struct tls *t, struct note *why)
{
	const long verdict = SSL_get_verify_result(t->ssl);
	const unsigned long code = ERR_peek_error();
	const int reason = ERR_GET_REASON(code);
	const char *words = ERR_reason_error_string(code);
	const bool full = t->out != NULL && t->out->full;

	t->bad = true;
	ERR_clear_error();
	if (full) {
		note_set(why, "no room for the answer");
		return ERR_LIMIT;
	}
	if (verdict != X509_V_OK) {
		note_set(why, "certificate refused: %s",
		    X509_verify_cert_error_string(verdict));
		return ERR_DENIED;
	}
	note_set(why, "%s", words == NULL ? "TLS failed" : words);
	if (is_cert_alert(reason) ||
	    reason == SSL_R_PEER_DID_NOT_RETURN_A_CERTIFICATE)
		return ERR_DENIED;
	return ERR_SYNTAX;
}

static enum err
shake(struct tls *t, struct note *why)
{
	const unsigned char *alpn;
	unsigned n;
	int r;

	if (t->ready)
		return OK;
	r = SSL_do_handshake(t->ssl);
	if (r != 1 && SSL_get_error(t->ssl, r) == SSL_ERROR_WANT_READ)
		return ERR_MORE;
	if (r != 1)
		return failed(t, why);
	SSL_get0_alpn_selected(t->ssl, &alpn, &n);
	if (n != 0 &&
	    !str_eq((struct str){ (const char *)alpn, n }, STR("http/1.1"))) {
		t->bad = true;
		note_set(why, "the peer chose another protocol");
		return ERR_SYNTAX;
	}
	t->ready = true;
	return OK;
}

/* Bytes to read next: what may come, not what a record could hold at most. */
static size_t
read_want(const struct tls *t, const struct buf *plain)
{
	const size_t left = plain->max - plain->n;
	size_t want = t->in.n < READ_MIN ? READ_MIN : t->in.n;

	want = want < RECORD_MAX ? want : RECORD_MAX;
	return want < left ? want : left;
}

/* Every whole record there is. */
static enum err
read_all(struct tls *t, struct buf *plain, struct note *why)
{
	while (t->in.n > 0 || SSL_has_pending(t->ssl)) {
		const size_t want = read_want(t, plain);
		char *to = want == 0 ? NULL : buf_room(plain, want);
		size_t n = 0;
		int r;

		if (to == NULL) {
			note_set(why, "no room for plain bytes");
			t->bad = true;
			return ERR_LIMIT;
		}
		r = SSL_read_ex(t->ssl, to, want, &n);
		if (r == 1) {
			buf_add(plain, n);
			continue;
		}
		r = SSL_get_error(t->ssl, r);
		if (r == SSL_ERROR_WANT_READ)
			return OK;
		if (r != SSL_ERROR_ZERO_RETURN)
			return failed(t, why);
		t->gone = true;
		return ERR_GONE;
	}
	return OK;
}

enum err
tls_in(struct tls *t, struct str wire, struct buf *plain, struct buf *out,
    struct note *why)
{
	enum err e;

	if (t->gone)
		return ERR_GONE;
	if (t->bad) {
		note_set(why, "TLS failed before");
		return ERR_SYNTAX;
	}
	ERR_clear_error();
	t->in = wire;
	t->out = out;
	e = shake(t, why);
	if (!e)
		e = read_all(t, plain, why);
	t->in = (struct str){ NULL, 0 };
	t->out = NULL;
	return e;
}

enum err
tls_out(struct tls *t, struct str plain, struct buf *out)
{
	enum err e = OK;
	size_t n;

	if (!t->ready)
		return ERR_MORE;
	if (t->bad)
		return ERR_SYNTAX;
	if (plain.n == 0)
		return OK;
	ERR_clear_error();
	t->out = out;
	if (SSL_write_ex(t->ssl, plain.p, plain.n, &n) != 1)
		e = failed(t, NULL);
	t->out = NULL;
	return e;
}

void
tls_bye(struct tls *t, struct buf *out)
{
	if (!t->ready || t->bad)
		return;
	ERR_clear_error();
	t->out = out;
	(void)SSL_shutdown(t->ssl);
	t->out = NULL;
	ERR_clear_error();
}

bool
tls_ready(const struct tls *t)
{
	return t->ready;
}

bool
tls_peer_digest(const struct tls *t, unsigned char out[static 32])
{
	X509 *x = t->ready ? SSL_get0_peer_certificate(t->ssl) : NULL;
	unsigned char *der = NULL;
	const int n = x == NULL ? -1 : i2d_X509(x, &der);
	size_t got = 0;
	bool good = false;

	if (n > 0)
		good = EVP_Q_digest(t->ctx->lib, "SHA256", NULL, der, (size_t)n,
			   out, &got) == 1;
	OPENSSL_free(der);
	return good && got == 32;
}
