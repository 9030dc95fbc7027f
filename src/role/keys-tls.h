/*
 * keys-tls: what role keys does for TLS.  It holds a private key and signs one
 * thing with it: the content of a CertificateVerify (RFC 8446 s.4.4.3), which
 * it builds itself around the transcript hash.  A key serves one side for good:
 * the listener's signs as a server, an upstream's as a client.  So whoever may
 * ask can be that one for a moment, and nothing else: no other protocol, not
 * the other side, no chosen bytes.
 */
#ifndef KEYS_TLS_H
#define KEYS_TLS_H

#include "base/base.h"

enum { KEYS_TLS_SIGNATURE_MAX = 1024 }; /* RSA of 8192 bits */

enum keys_tls_side { KEYS_TLS_SERVER, KEYS_TLS_CLIENT };
struct keys_tls;
/* pem: an unencrypted private key: P-256, P-384, Ed25519 or RSA of 2048 bits
 * and more.  Signs once, so that all the library needs is there before the
 * process is confined.  ERR_SYNTAX and why. */
NODISCARD enum err keys_tls_new(struct str pem, enum keys_tls_side side,
    struct keys_tls **out, struct note *why);
/* Is it the key of the first certificate in this PEM text? */
bool keys_tls_is_of(const struct keys_tls *k, struct str cert_pem);
void keys_tls_free(struct keys_tls *k); /* NULL is fine */
/* scheme is the TLS SignatureScheme.  ERR_DENIED: not this key's scheme, or a
 * hash that is not of 32 or 48 bytes.  Appends the signature to out. */
NODISCARD enum err keys_tls_sign(const struct keys_tls *k, unsigned scheme,
    struct str transcript_hash, struct buf *out);

#endif
