/*
 * head: what every role that reads requests asks of a head: who it says it is
 * from, and whether its body is JSON.  Pure but for a digest's algorithm, which
 * is fetched once.
 */
#ifndef HEAD_H
#define HEAD_H

#include "base/base.h"
#include "wire/wire.h"

enum { HEAD_TOKEN_MAX = 4096 }; /* a bearer token */

/* *token: the bearer token, empty when there is no Authorization.  0, or the
 * status to refuse with (400, 401) and *why. (RFC 6750 section 2.1) */
unsigned head_bearer(
    const struct http_head *h, struct str *token, const char **why);
/* 1 to HEAD_TOKEN_MAX of the characters that a bearer token is made of. */
bool head_is_token68(struct str s);
/* JSON in UTF-8, and nothing that would have to be undone first; else *why. */
bool head_is_json(const struct http_head *h, const char **why);
/* The library looks for its configuration when it is first asked: call this
 * while files may still be opened.  False: there is no SHA-256. */
bool head_ready(void);
/* SHA-256 of a token, which is all that leaves the process that read it. */
bool head_digest(struct str token, unsigned char out[static 32]);

#endif
