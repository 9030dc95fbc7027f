/*
 * keys-tls: what role keys does for TLS.  It holds the listener's private key
 * and signs one thing with it: the content of a server's CertificateVerify
 * (RFC 8446 s.4.4.3), which it builds itself around the transcript hash.  So
 * whoever may ask can be a server of this name for a moment, and nothing else:
 * no other protocol, no client's role, no chosen bytes.
 */
#ifndef KEYS_TLS_H
#define KEYS_TLS_H

#include "base/base.h"

enum { KEYS_TLS_SIGNATURE_MAX = 1024 }; /* RSA of 8192 bits */

struct keys_tls;
/* pem: an unencrypted private key: P-256, P-384, Ed25519 or RSA of 2048 bits
 * and more.  Signs once, so that all the library needs is there before the
 * process is confined.  ERR_SYNTAX and why. */
NODISCARD enum err keys_tls_new(
    struct str pem, struct keys_tls **out, struct note *why);
void keys_tls_free(struct keys_tls *k); /* NULL is fine */
/* scheme is the TLS SignatureScheme.  ERR_DENIED: not this key's scheme, or a
 * hash that is not of 32 or 48 bytes.  Appends the signature to out. */
NODISCARD enum err keys_tls_sign(const struct keys_tls *k, unsigned scheme,
    struct str transcript_hash, struct buf *out);

#endif
