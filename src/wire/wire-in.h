/*
 * wire-in: what the TLS files of this room share.  Keys that sign elsewhere
 * are an OpenSSL provider of their own; the rest of TLS does not know.
 */
#ifndef WIRE_IN_H
#define WIRE_IN_H

#include "wire/wire.h"

#include <openssl/evp.h>

typedef enum err (*sign_fn)(
    void *arg, unsigned scheme, struct str tbs, unsigned char *out, size_t *n);

/* Makes the provider known to this library context; once a context.  Ended by
 * OSSL_PROVIDER_unload, after the keys. */
NODISCARD enum err remote_load(
    OSSL_LIB_CTX *lib, OSSL_PROVIDER **out, struct note *why);
/*
 * A key that holds the public half `pub` (its own reference is taken) and
 * signs by calling sign.  EVP_PKEY_free ends it.  ERR_SYNTAX: no key of TLS
 * 1.3, ERR_LIMIT: the library refused.
 */
NODISCARD enum err remote_key(
    OSSL_LIB_CTX *lib, EVP_PKEY *pub, sign_fn sign, void *arg, EVP_PKEY **out);

#endif
