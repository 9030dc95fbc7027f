/*
 * conf: gatehouse.yaml.  One table of settings (settings.h) from which come the
 * reader, the defaults, the checks, the commented example, the man page and
 * `gatehouse check`.  Unknown keys are errors with line and column.
 *
 * The result is the *image*: one tape, sealed in a memfd by role load and read
 * by the other roles with jv_get.  Its shape (every member always present,
 * defaults filled in; sizes in bytes, times in milliseconds):
 *
 * { "listen": "127.0.0.1:8642",      "" when only stdio is served
 *   "desk": "127.0.0.1:8643",  "control": "/run/.../control.sock",
 *   "state": "/abs/dir",  "cells": 2,
 *   "durability": "strict"|"batch",  "answers": "written"|"durable",
 *   "tls": {"cert": PEM, "client_ca": PEM or "", "need_client_cert": bool}
 *          or null (the private key never enters the image),
 *   "hosts": ["127.0.0.1:8642", ...],  "origins": [...],
 *   "limits": {"body":n,"head":n,"depth":n,"members":n,"string":n,
 *     "connections":n,"streams":n,"sessions":n,"inflight":n,"rate":n,
 *     "call_ms":n,"call_max_ms":n,"idle_ms":n,"session_idle_ms":n,
 *     "replay":n},
 *   "principals": [{"name":"alice","cred":"<64 hex of SHA-256(token)>"}],
 *   "anonymous": "name" or "",      principal of calls without a token
 *   "servers": [{"name":"fs","kind":"stdio"|"http",
 *     "argv":[..],"env":{..},"cwd":"","sandbox":"on"|"off",
 *     "read":[..],"write":[..],"net":bool,     launch's template
 *     "url":"","host":"","port":n,"path":"","tls":bool,"ca":PEM or "",
 *     "client_cert": PEM or "", "credential":bool,
 *     "sharing":"session"|"principal"|"all", "era":"auto"|"legacy"|"modern",
 *     "read_only":["tool", ...]}],       may use batch durability
 *   "endpoints": [{"path":"/mcp","servers":[0,1,2]},   aggregate first
 *                 {"path":"/s/fs/mcp","servers":[0]}],
 *   "rules": [{"effect":"allow"|"deny","principal":"*","server":"*",
 *              "method":"*","name":"*","id":"...","reason":"..."}],
 *   "digest": "<hex SHA-256 of the sources>" }
 */
#ifndef CONF_H
#define CONF_H

#include "base/base.h"
#include "json/json.h"

struct conf_error {
	unsigned line, column;
	struct note text; /* what, and the remedy */
};
/* Text of gatehouse.yaml -> image tape.  Relative paths are from dir.  Reads
 * the PEM files it names.  ERR_SYNTAX with up to max errors in at[0..*n). */
NODISCARD enum err conf_read(struct str yaml, struct str dir, struct buf *image,
    struct conf_error *at, size_t max, size_t *n);
/* The image of `gatehouse wrap -- argv`: one stdio server, stdio agent. */
NODISCARD enum err conf_wrap(
    char *const *argv, struct str state, struct buf *image, struct note *why);
void conf_example(struct buf *out); /* the commented example */
void conf_man(struct buf *out);	    /* gatehouse.yaml(5), mdoc */

#endif
