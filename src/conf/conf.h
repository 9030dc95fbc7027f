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
 *   "desk": "127.0.0.1:8643",        "" when there is none
 *   "desk_url": "https://..." or "",  no slash at its end
 *   "control": "/run/.../control.sock",
 *   "state": "/abs/dir",  "cells": 2,
 *   "durability": "strict"|"batch",  "answers": "written"|"durable",
 *   "tls": {"cert": PEM, "client_ca": PEM or "", "need_client_cert": bool}
 *          or null (the private key never enters the image),
 *   "hosts": ["127.0.0.1:8642", ...],  "origins": [...],
 *   "limits": {"body":n,"head":n,"depth":n,"members":n,"string":n,
 *     "connections":n,"streams":n,"sessions":n,"inflight":n,"rate":n,"principal_sessions":n,
 *     "call_ms":n,"call_max_ms":n,"idle_ms":n,"session_idle_ms":n,"refusals":n,
 *     "replay":n (bytes),"tasks":n,"task_ttl_ms":n,
 *     "budget_ms":n},
 *   "data": {"classes":[{"name":"x","do":"keep","retention_ms":n}],
 *     "arguments":"commit","results":"commit","store":n},
 *   "principals": [{"name":"alice","cred":"<64 hex of SHA-256(token)>",
 *                   "evaluates":bool}],
 *   "anonymous": "name" or "",      principal of calls without a token
 *   "servers": [{"name":"fs","kind":"stdio"|"http",
 *     "url":"","host":"","port":n,"path":"","tls":bool,"ca":PEM or "",
 *     "client_cert":PEM or "", "credential":bool,
 *     "sharing":"session"|"principal"|"all",
 *     "era":"auto"|"legacy"|"modern",
 *     "annotations":"ignored"|"trusted", "arguments":"typed"|"open"|"always",
 *     "read_only":["tool", ...],         may use batch durability
 *     "facts":{"tool":{"argument":"path"}}, "risk":{"tool":["write"]},
 *     "data":{"tool":{"argument":"class"}},    keep is class safe in it
 *     "results":{"tool":"class"}, "subject":{"tool":"argument"},
 *     "sandbox":"closed"|"net"|"off"|"remote"}],  net: it may connect
 *   "launch": [{"name":"fs","argv":[..],"env":{..},"cwd":"/abs",
 *               "sandbox":"on"|"off","read":[..],"write":[..],"net":bool}],
 *              how to start each server, null for those of kind http; paths
 *              are absolute, ["/"] is everything, [] is nothing.  It holds
 *              secrets: load takes it out and only role launch is given it
 *   "endpoints": [{"path":"/mcp","servers":[0,1,2]},   aggregate first
 *                 {"path":"/s/fs/mcp","servers":[0]}],
 *   "budgets": [{"name":"mail","of":"calls"|"bytes"|"spend"|"destinations"|
 *     "agents"|"depth","limit":n,"window_ms":n (0: for ever),"currency":"EUR"
 *     or "","per":"principal"|"subtree","principal":"*","server":"*",
 *     "tool":"*","risk":["egress"] ([]: all),"lease":n}],
 *   "rules": [{"effect":"allow"|"deny","principal":"*","server":"*",
 *              "method":"*","name":"*","id":"...","reason":"..."}],
 *   "policies": [{"name":"policies/a.cedar","text":"...",
 *                 "sha256":"<64 hex>"}], named as the configuration does
 *   "inventory": null, or {"file":"inventory.yaml",
 *     "agents":[{"id":"a", "version":"", "owner":"", "sponsor":"",
 *       "purpose":"", "environment":"", "classification":"", "line":n,
 *       "class":"", "acts_for":"", "models":["glob"] or null}],
 *     "users", "servers", "tools", "prompts", "resources", "models": the
 *       same without the last three,
 *     "listed_models": bool,         is there a list of models at all
 *     "datasets":[{..., "resources":["glob"], "arguments":[{"server":"fs",
 *       "tool":"glob","argument":"","fact":"","values":["glob"],
 *       "line":n,"column":n}]}]},   "" is left out; sorted as it is written
 *   "log": {"remotes":[{"name":"w1","key":"NAME+ID+KEY" or "" (a place to
 *     publish in),"url":"","host":"","port":n,"path":"/add-checkpoint",
 *     "tls":bool,"ca":PEM or ""}], "quorum":n, "files":["/abs/path"]},
 *   "witness": null, or {"listen":"127.0.0.1:8645","logs":["NAME+ID+KEY"]},
 *   "secrets": [{"name":"tls","path":"/abs/key.pem"},       only the paths:
 *               {"name":"server/web","path":"/abs/tok"},   the parent reads
 *               {"name":"client/web","path":"/abs/key"}],  the files and
 *                        sends them to role keys as SECRET
 *   "digest": hex SHA-256 over the lines that sha256sum prints for
 *             gatehouse.yaml and then each PEM, policy and inventory file,
 *             named as it is written }
 *
 * Stdio servers have host, url, path "" and port 0.
 */
#ifndef CONF_H
#define CONF_H

#include "base/base.h"
#include "json/json.h"

struct conf_error {
	struct note file;      /* as it is named; empty: gatehouse.yaml */
	unsigned line, column; /* 0: the file as a whole */
	bool warning;	       /* legal, and probably not what was meant */
	struct note text;      /* the key, what, and the remedy */
};
/* Text of gatehouse.yaml -> image tape.  Relative paths are from dir, which is
 * absolute.  Reads the PEM files it names.  ERR_SYNTAX with up to max findings
 * in at[0..*n); OK may leave warnings there. */
NODISCARD enum err conf_read(struct str yaml, struct str dir, struct buf *image,
    struct conf_error *at, size_t max, size_t *n);

/* Warns of who else may write what an image was made from (path:
 * gatehouse.yaml; policies, inventory) or put another file there: behind the n
 * findings in at[0..max).  On the machine it is asked on, by the user who asks.
 */
void conf_guard(const char *path, struct jv image, struct conf_error *at,
    size_t max, size_t *n);

/* `gatehouse wrap -- argv`: one stdio server, which may do all that its user
 * may, for one stdio agent, principal "local", to whom everything is allowed:
 * the user chose so by wrapping it.  env is NULL-terminated NAME=VALUE. */
struct conf_wrapped {
	char *const *argv; /* NULL-terminated, at least one */
	char *const *env;
	struct str name;       /* of the server; empty: from argv[0] */
	struct str state, cwd; /* absolute */
};
NODISCARD enum err conf_wrap(
    const struct conf_wrapped *w, struct buf *image, struct note *why);
/* What becomes of a name or path as a server's name: [a-z0-9-]{1,32}. */
struct str conf_wrap_name(struct str from, char out[static 33]);

/* One text as libfyaml's events, read the one way for which yaml.c stands: YAML
 * 1.2, errors collected, nothing printed.  text outlives it; yaml_done also
 * after false. */
struct yaml {
	struct fy_diag *diag;
	struct fy_parser *parser;
};
bool yaml_open(struct yaml *y, struct str text);
void yaml_done(struct yaml *y);

void conf_example(struct buf *out); /* the commented example */
void conf_man(struct buf *out);	    /* gatehouse.yaml(5), mdoc */

#endif
