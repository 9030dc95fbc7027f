/*
 * tls-sign: an OpenSSL provider for keys that are elsewhere.  Its keys hold a
 * public half and a function; its one signature algorithm hands the whole
 * to-be-signed content of a TLS 1.3 CertificateVerify to that function, so
 * that who holds the private key can see, and say, what it signs.
 *
 * Refuses to know how the function signs, and every operation but signing a
 * message in one call: no digests, no decryption, no private export.
 */
#include "wire/wire-in.h"

#include <openssl/core_dispatch.h>
#include <openssl/core_names.h>
#include <openssl/provider.h>
#include <openssl/rsa.h>

#define PROVIDER "gatehouse-remote"
#define SIGNATURE "GATEHOUSE-REMOTE-SIGN" /* no other provider's name */
#define KEY_PARAM "gatehouse-remote-key"

struct remote {
	EVP_PKEY *pub;
	sign_fn sign;
	void *arg;
};

/* TLS SignatureScheme by key type and digest (RFC 8446 s.4.2.3). */
static const struct scheme {
	const char *type, *bits; /* of SHA-2 */
	unsigned id;
} schemes[] = {
	{ "EC", "256", 0x0403 },
	{ "EC", "384", 0x0503 },
	{ "RSA", "256", 0x0804 }, /* the three of PSS */
	{ "RSA", "384", 0x0805 },
	{ "RSA", "512", 0x0806 },
	{ "ED25519", "", 0x0807 },
};

static bool
type_known(const EVP_PKEY *pub, const char **type)
{
	for (size_t i = 0; i < countof(schemes); i++)
		if (EVP_PKEY_is_a(pub, schemes[i].type)) {
			*type = schemes[i].type;
			return true;
		}
	return false;
}

/* ---- keys ---- */
static void *
key_new(void *provctx)
{
	(void)provctx;
	return mem_get(sizeof(struct remote));
}

static void
key_free(void *key)
{
	struct remote *r = key;

	if (r == NULL)
		return;
	EVP_PKEY_free(r->pub);
	mem_free(r);
}

/* The one way in: a pointer to a struct remote, from remote_key below. */
static int
key_import(void *key, int selection, const OSSL_PARAM params[])
{
	const OSSL_PARAM *p = OSSL_PARAM_locate_const(params, KEY_PARAM);
	struct remote *r = key;
	const void *from = NULL;
	size_t n = 0;

	(void)selection;
	if (p == NULL || !OSSL_PARAM_get_octet_ptr(p, &from, &n) ||
	    n != sizeof(*r) || r->pub != NULL)
		return 0;
	memcpy(r, from, sizeof(*r));
	return EVP_PKEY_up_ref(r->pub);
}

static const OSSL_PARAM *
key_import_types(int selection)
{
	static const OSSL_PARAM types[] = {
		OSSL_PARAM_octet_ptr(KEY_PARAM, NULL, 0), OSSL_PARAM_END
	};

	(void)selection;
	return types;
}

/* Only the public half ever leaves, whatever was selected. */
static int
key_export(void *key, int selection, OSSL_CALLBACK *cb, void *arg)
{
	const struct remote *r = key;

	(void)selection;
	return EVP_PKEY_export(r->pub, EVP_PKEY_PUBLIC_KEY, cb, arg);
}

static const OSSL_PARAM *
key_export_types(int selection)
{
	static const OSSL_PARAM types[] = {
		OSSL_PARAM_octet_string(OSSL_PKEY_PARAM_PUB_KEY, NULL, 0),
		OSSL_PARAM_utf8_string(OSSL_PKEY_PARAM_GROUP_NAME, NULL, 0),
		OSSL_PARAM_BN(OSSL_PKEY_PARAM_RSA_N, NULL, 0),
		OSSL_PARAM_BN(OSSL_PKEY_PARAM_RSA_E, NULL, 0), OSSL_PARAM_END
	};

	(void)selection;
	return types;
}

static int
key_has(const void *key, int selection)
{
	const struct remote *r = key;

	(void)selection;
	return r->pub != NULL;
}

static int
key_match(const void *a, const void *b, int selection)
{
	const struct remote *x = a, *y = b;

	(void)selection;
	return EVP_PKEY_eq(x->pub, y->pub) == 1;
}

static int
key_params(void *key, OSSL_PARAM params[])
{
	const struct remote *r = key;

	return EVP_PKEY_get_params(r->pub, params);
}

static const OSSL_PARAM *
key_params_known(void *provctx)
{
	static const OSSL_PARAM known[] = { OSSL_PARAM_int(
						OSSL_PKEY_PARAM_BITS, NULL),
		OSSL_PARAM_int(OSSL_PKEY_PARAM_SECURITY_BITS, NULL),
		OSSL_PARAM_int(OSSL_PKEY_PARAM_MAX_SIZE, NULL),
		OSSL_PARAM_utf8_string(OSSL_PKEY_PARAM_GROUP_NAME, NULL, 0),
		OSSL_PARAM_utf8_string(OSSL_PKEY_PARAM_DEFAULT_DIGEST, NULL, 0),
		OSSL_PARAM_utf8_string(
		    OSSL_PKEY_PARAM_MANDATORY_DIGEST, NULL, 0),
		OSSL_PARAM_END };

	(void)provctx;
	return known;
}

static const char *
key_operation(int operation)
{
	return operation == OSSL_OP_SIGNATURE ? SIGNATURE : NULL;
}

/* ---- signing ---- */
struct signing {
	struct remote *key; /* lives as long as the key that is used */
	const struct scheme *scheme;
	bool padded; /* RSA: PSS was asked for */
};

static void *
sign_new(void *provctx, const char *properties)
{
	(void)provctx;
	(void)properties;
	return mem_get(sizeof(struct signing));
}

static void
sign_free(void *ctx)
{
	mem_free(ctx);
}

/* The bits in a SHA-2 name, which OpenSSL spells in three ways. */
static struct str
digest_bits(const char *name)
{
	static const struct str before[] = { STR_INIT("SHA2-"),
		STR_INIT("SHA-"), STR_INIT("SHA") };
	const struct str s = str_of(name);

	for (size_t i = 0; i < countof(before); i++)
		if (str_starts(s, before[i]))
			return str_sub(s, before[i].n, s.n);
	return s;
}

static const struct scheme *
scheme_of(const EVP_PKEY *pub, const char *digest)
{
	const struct str bits = digest_bits(digest);

	for (size_t i = 0; i < countof(schemes); i++)
		if (EVP_PKEY_is_a(pub, schemes[i].type) &&
		    str_eq(bits, str_of(schemes[i].bits)))
			return &schemes[i];
	return NULL;
}

/* PSS with a salt of the digest's length, and nothing else, may be asked. */
static int
sign_set(void *ctx, const OSSL_PARAM params[])
{
	struct signing *s = ctx;
	const OSSL_PARAM *pad, *salt;
	int n = 0;

	if (params == NULL)
		return 1;
	pad = OSSL_PARAM_locate_const(params, OSSL_SIGNATURE_PARAM_PAD_MODE);
	if (pad != NULL && pad->data_type == OSSL_PARAM_INTEGER)
		s->padded =
		    OSSL_PARAM_get_int(pad, &n) && n == RSA_PKCS1_PSS_PADDING;
	else if (pad != NULL && pad->data_type == OSSL_PARAM_UTF8_STRING)
		s->padded =
		    str_eq(str_of(pad->data), STR(OSSL_PKEY_RSA_PAD_MODE_PSS));
	if (pad != NULL && !s->padded)
		return 0;
	salt =
	    OSSL_PARAM_locate_const(params, OSSL_SIGNATURE_PARAM_PSS_SALTLEN);
	if (salt == NULL)
		return 1;
	if (salt->data_type == OSSL_PARAM_INTEGER)
		return OSSL_PARAM_get_int(salt, &n) &&
		       n == RSA_PSS_SALTLEN_DIGEST;
	return salt->data_type == OSSL_PARAM_UTF8_STRING &&
	       (str_eq(str_of(salt->data),
		    STR(OSSL_PKEY_RSA_PSS_SALT_LEN_DIGEST)) ||
		   str_eq(str_of(salt->data), STR("-1")));
}

static const OSSL_PARAM *
sign_settable(void *ctx, void *provctx)
{
	static const OSSL_PARAM known[] = {
		OSSL_PARAM_utf8_string(OSSL_SIGNATURE_PARAM_PAD_MODE, NULL, 0),
		OSSL_PARAM_utf8_string(
		    OSSL_SIGNATURE_PARAM_PSS_SALTLEN, NULL, 0),
		OSSL_PARAM_END
	};

	(void)ctx;
	(void)provctx;
	return known;
}

static int
sign_init(void *ctx, const char *digest, void *key, const OSSL_PARAM params[])
{
	struct signing *s = ctx;

	if (key != NULL)
		s->key = key;
	if (s->key == NULL)
		return 0;
	s->scheme = scheme_of(s->key->pub, digest);
	return s->scheme != NULL && sign_set(ctx, params);
}

static int
sign_message(void *ctx, unsigned char *out, size_t *n, size_t room,
    const unsigned char *tbs, size_t tbs_n)
{
	const struct signing *s = ctx;
	const int max = EVP_PKEY_get_size(s->key->pub);
	size_t got = room;

	if (max <= 0 || (EVP_PKEY_is_a(s->key->pub, "RSA") && !s->padded))
		return 0;
	if (out == NULL) {
		*n = (size_t)max;
		return 1;
	}
	if (s->key->sign(s->key->arg, s->scheme->id,
		(struct str){ (const char *)tbs, tbs_n }, out, &got) != OK ||
	    got > room)
		return 0;
	*n = got;
	return 1;
}

/* ---- the tables that OpenSSL walks ---- */
#define FN(id, f)                                                              \
	{                                                                      \
		id, (void (*)(void))(f)                                        \
	}
#define END                                                                    \
	{                                                                      \
		0, NULL                                                        \
	}
static const OSSL_DISPATCH key_functions[] = {
	FN(OSSL_FUNC_KEYMGMT_NEW, key_new),
	FN(OSSL_FUNC_KEYMGMT_FREE, key_free),
	FN(OSSL_FUNC_KEYMGMT_IMPORT, key_import),
	FN(OSSL_FUNC_KEYMGMT_IMPORT_TYPES, key_import_types),
	FN(OSSL_FUNC_KEYMGMT_EXPORT, key_export),
	FN(OSSL_FUNC_KEYMGMT_EXPORT_TYPES, key_export_types),
	FN(OSSL_FUNC_KEYMGMT_HAS, key_has),
	FN(OSSL_FUNC_KEYMGMT_MATCH, key_match),
	FN(OSSL_FUNC_KEYMGMT_GET_PARAMS, key_params),
	FN(OSSL_FUNC_KEYMGMT_GETTABLE_PARAMS, key_params_known),
	FN(OSSL_FUNC_KEYMGMT_QUERY_OPERATION_NAME, key_operation),
	END,
};
static const OSSL_DISPATCH sign_functions[] = {
	FN(OSSL_FUNC_SIGNATURE_NEWCTX, sign_new),
	FN(OSSL_FUNC_SIGNATURE_FREECTX, sign_free),
	FN(OSSL_FUNC_SIGNATURE_DIGEST_SIGN_INIT, sign_init),
	FN(OSSL_FUNC_SIGNATURE_DIGEST_SIGN, sign_message),
	FN(OSSL_FUNC_SIGNATURE_SET_CTX_PARAMS, sign_set),
	FN(OSSL_FUNC_SIGNATURE_SETTABLE_CTX_PARAMS, sign_settable),
	END,
};
#define PROP "provider=" PROVIDER
static const OSSL_ALGORITHM key_types[] = {
	{ "EC:id-ecPublicKey:1.2.840.10045.2.1", PROP, key_functions, NULL },
	{ "RSA:rsaEncryption:1.2.840.113549.1.1.1", PROP, key_functions, NULL },
	{ "ED25519:1.3.101.112", PROP, key_functions, NULL },
	{ NULL, NULL, NULL, NULL },
};
static const OSSL_ALGORITHM signatures[] = {
	{ SIGNATURE, PROP, sign_functions, NULL },
	{ NULL, NULL, NULL, NULL },
};

static const OSSL_ALGORITHM *
provider_query(void *provctx, int operation, int *no_cache)
{
	(void)provctx;
	*no_cache = 0;
	if (operation == OSSL_OP_KEYMGMT)
		return key_types;
	return operation == OSSL_OP_SIGNATURE ? signatures : NULL;
}

static int
provider_init(const OSSL_CORE_HANDLE *handle, const OSSL_DISPATCH *in,
    const OSSL_DISPATCH **out, void **provctx)
{
	static const OSSL_DISPATCH functions[] = {
		FN(OSSL_FUNC_PROVIDER_QUERY_OPERATION, provider_query),
		END,
	};
	static char nothing; /* a context must not be NULL */

	(void)handle;
	(void)in;
	*out = functions;
	*provctx = &nothing;
	return 1;
}

enum err
remote_load(OSSL_LIB_CTX *lib, OSSL_PROVIDER **out, struct note *why)
{
	OSSL_PROVIDER *p = NULL;

	if (OSSL_PROVIDER_add_builtin(lib, PROVIDER, provider_init) == 1)
		p = OSSL_PROVIDER_load(lib, PROVIDER);
	if (p == NULL) {
		note_set(why, "the library refuses keys that are elsewhere");
		return ERR_LIMIT;
	}
	*out = p;
	return OK;
}

enum err
remote_key(
    OSSL_LIB_CTX *lib, EVP_PKEY *pub, sign_fn sign, void *arg, EVP_PKEY **out)
{
	struct remote r = { .pub = pub, .sign = sign, .arg = arg };
	void *at = &r;
	OSSL_PARAM params[] = { OSSL_PARAM_octet_ptr(KEY_PARAM, &at, sizeof(r)),
		OSSL_PARAM_END };
	EVP_PKEY *key = NULL;
	const char *type;
	EVP_PKEY_CTX *c;

	if (!type_known(pub, &type))
		return ERR_SYNTAX;
	c = EVP_PKEY_CTX_new_from_name(lib, type, PROP);
	if (c == NULL)
		return ERR_LIMIT;
	if (EVP_PKEY_fromdata_init(c) != 1 ||
	    EVP_PKEY_fromdata(c, &key, EVP_PKEY_KEYPAIR, params) != 1)
		key = NULL;
	EVP_PKEY_CTX_free(c);
	if (key == NULL)
		return ERR_LIMIT;
	*out = key;
	return OK;
}
