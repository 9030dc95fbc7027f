/*
 * tls-remote: a front's or back's half of a key that it does not have.
 * tls_remote_sign is the sign callback of struct tls_setup; it asks role keys
 * and waits.
 *
 * It waits in place, because the library asks in the midst of a handshake: the
 * role stands still for the one signature (0.1 ms with P-256), and for at most
 * REMOTE_SIGN_NS when keys does not answer; then that handshake fails.
 */
#ifndef TLS_REMOTE_H
#define TLS_REMOTE_H

#include "base/base.h"
#include "ipc/ipc.h"

#define REMOTE_SIGN_NS UINT64_C(2000000000)

struct tls_remote {
	struct chan *keys; /* NULL while there is none: refuses */
	uint64_t ref;	   /* of the last request */
	uint64_t timeout_ns;
	bool client; /* the side it signs for */
	struct buf scratch;
};
/* keys has no ring; what else comes on it during a wait is dropped, so nothing
 * else may be awaited then: a back begins no handshake before it has its
 * credential. */
void tls_remote_init(struct tls_remote *r, struct chan *keys);
void tls_remote_done(struct tls_remote *r); /* the channel is the caller's */
/* arg: struct tls_remote.  ERR_SYNTAX: not this side's CertificateVerify;
 * ERR_DENIED: keys refused; ERR_LIMIT: no answer, no room; ERR_GONE. */
NODISCARD enum err tls_remote_sign(
    void *arg, unsigned scheme, struct str tbs, unsigned char *out, size_t *n);

#endif
