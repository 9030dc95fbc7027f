/*
 * wire: bytes to frames and back.  HTTP/1.1 (RFC 9112) both faces, server-sent
 * events, stdio lines, TLS 1.3 over memory.  No sockets: bytes in, frames out.
 *
 * Strict: bare LF or CR in a head, obs-fold, space before the colon, both
 * Transfer-Encoding and Content-Length, two lengths, a length that is not
 * digits, any transfer coding but exactly "chunked", trailers that name a
 * framing field, a request target that is not origin-form, an HTTP version
 * other than 1.1 (1.0 is refused), heads over the limit: ERR_SYNTAX or
 * ERR_LIMIT with the status to answer; the connection is then closed.
 *
 * Who owns what.  Parsed heads point into the caller's input bytes.
 */
#ifndef WIRE_H
#define WIRE_H

#include "base/base.h"

enum { HTTP_HEADERS_MAX = 64, HTTP_HEAD_MAX = 16384 };
struct http_header {
	struct str name, value; /* value trimmed of OWS */
};
struct http_head {
	bool response;
	struct str method, target; /* request */
	unsigned status;	   /* response, or what to answer on error */
	struct http_header at[HTTP_HEADERS_MAX];
	size_t n;
	uint64_t length; /* Content-Length; UINT64_MAX: chunked; for responses
			    UINT64_MAX - 1: until close */
	bool close;	 /* the connection ends after this message */
	bool expect;	 /* Expect: 100-continue */
};
enum { HTTP_CHUNKED = -1, HTTP_UNTIL_CLOSE = -2 }; /* of (int64_t)length */

/* Looks for one whole head at the start of `in`.  OK: *used bytes of head;
 * ERR_MORE: incomplete; ERR_SYNTAX/ERR_LIMIT: h->status to answer (400, 417,
 * 431, 501, 505; of a response: 502) and why.  max_head bounds it.  An answer
 * to HEAD is not known here: its length is that of the body it does not have.
 */
NODISCARD enum err http_head_read(struct str in, bool response, size_t max_head,
    struct http_head *h, size_t *used, struct note *why);
/* The only value, or empty with *many set when it repeats; names fold case. */
struct str http_get(const struct http_head *h, struct str name, bool *many);

/* Body: feed bytes, get body bytes. */
struct http_body {
	uint64_t left; /* of this chunk or length */
	uint64_t total, max;
	int state;		   /* 0 is not begun: use http_body_of */
	uint32_t count, at, match; /* the reader's own */
};
struct http_body http_body_of(const struct http_head *h, uint64_t max);
/* Consumes from `in`; *used bytes eaten, *data the body bytes among them (a
 * view into in).  OK: body complete; ERR_MORE: call again (with more bytes when
 * *used == in.n); ERR_SYNTAX (400); ERR_LIMIT: over max (413), as soon as that
 * is known.  At the connection's end _eof: OK only if the body was whole. */
NODISCARD enum err http_body_read(
    struct http_body *b, struct str in, size_t *used, struct str *data);
NODISCARD enum err http_body_eof(const struct http_body *b);

/* Server-sent events (WHATWG HTML s.9.2): CR, LF, CRLF even when split, BOM,
 * comments, multi-line data, id, retry, event. */
struct sse_event {
	struct str event, data, id; /* data without the last newline */
	uint64_t retry;		    /* UINT64_MAX when absent */
	bool has_id, has_data;
};
struct sse {
	struct buf line, data, event, id; /* set .max of each before use */
	uint64_t retry;
	bool has_id, has_data, cr, begun, bad;
};
void sse_init(struct sse *s, size_t max_event);
void sse_done(struct sse *s);
/* Calls got for every complete event. ERR_LIMIT: an event over the maximum. */
NODISCARD enum err sse_read(struct sse *s, struct str in,
    void (*got)(void *arg, const struct sse_event *e), void *arg);
/* Writes one event; any field may be empty; data with LF becomes more lines. */
void sse_write(struct buf *out, const struct sse_event *e); /* retry 0: none */

/* stdio: one JSON text a line, LF; a CR before it is dropped.  Calls got for
 * every whole line; ERR_LIMIT past max bytes without LF. */
struct lines {
	struct buf part; /* set .max */
};
NODISCARD enum err lines_read(struct lines *l, struct str in,
    void (*got)(void *arg, struct str line), void *arg);

/* ---- TLS 1.3 over memory (OpenSSL); see tls.c for what is checked ---- */
struct tls_ctx;
struct tls;
struct tls_setup {
	bool server;
	struct str cert_pem;  /* own chain; client: optional */
	struct str key_pem;   /* empty when sign is given */
	struct str trust_pem; /* CAs: client: of the server; server: of client
				 certificates, empty: none are asked for.  A
				 client with empty trust uses the system's */
	bool need_client_cert;
	/* Signs elsewhere: out of *n bytes (in: room).  scheme is the TLS
	 * SignatureScheme.  tbs is all that is signed (RFC 8446 s.4.4.3). */
	enum err (*sign)(void *arg, unsigned scheme, struct str tbs,
	    unsigned char *out, size_t *n);
	void *arg;
};
NODISCARD enum err tls_ctx_new(
    const struct tls_setup *s, struct tls_ctx **out, struct note *why);
void tls_ctx_free(struct tls_ctx *c);
/* name: the server's name or address to verify (client), else empty.  The
 * context must outlive the connection. */
NODISCARD enum err tls_new(
    struct tls_ctx *c, struct str name, struct tls **out);
void tls_free(struct tls *t);
/* Wire bytes in -> plain bytes appended to plain, wire bytes appended to out.
 * OK, ERR_MORE (handshake goes on), ERR_GONE (close_notify), ERR_SYNTAX,
 * ERR_DENIED (certificate refused; why says which check), ERR_LIMIT (no room:
 * plain needs wire.n + 16 KiB).  After a failure send what is in out, the
 * alert, and close.  A client calls it with nothing to begin. */
NODISCARD enum err tls_in(struct tls *t, struct str wire, struct buf *plain,
    struct buf *out, struct note *why);
NODISCARD enum err tls_out(struct tls *t, struct str plain, struct buf *out);
void tls_bye(struct tls *t, struct buf *out); /* close_notify */
bool tls_ready(const struct tls *t);	      /* handshake finished */
/* SHA-256 of the peer's certificate (DER), 32 bytes, or false. */
bool tls_peer_digest(const struct tls *t, unsigned char out[static 32]);

#endif
