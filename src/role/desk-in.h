/*
 * desk-in: what the files of role desk share and nobody else sees.
 *
 *   desk.c       connections, words for the parent, the role's row
 *   desk-page.c  which page, what is shown, how an answer looks (pure)
 *   desk-ask.c   requests for decisions: to a judge and back
 */
#ifndef DESK_IN_H
#define DESK_IN_H

#include "role/role.h"
#include "wire/wire.h"

enum {
	DESK_CONNS = 64,
	DESK_CELLS = 256,
	DESK_HEAD = 8192,
	DESK_OUT = 4 << 20, /* some thousand roles' metrics */
	DESK_ID = 128,	    /* characters of an X-Request-ID */
};

enum desk_page {
	PAGE_HEALTH,
	PAGE_METRICS,
	PAGE_METADATA,
	PAGE_EVALUATION,
	PAGE_EVALUATIONS
};

struct conn {
	struct watch w; /* first: found from it */
	struct timer late;
	struct buf in, out;
	uint64_t asked; /* REF of what is under way; 0 none */
	enum desk_page page;
	bool http, end; /* end: close when all is written */
	bool eof;	/* it says no more, and may still listen */
	/* of a request for decisions */
	bool posting;	/* its head is read, its body is on its way */
	bool lingering; /* answered; what still comes is not read */
	struct http_body reading;
	struct buf body;
	unsigned cell;
	unsigned char cred[32];
	char id[DESK_ID + 1]; /* its X-Request-ID, or "" */
};

extern struct desk {
	struct role_env *env;
	struct watch http, control;
	struct conn conn[DESK_CONNS];
	struct chan *judge[DESK_CELLS];
	uint64_t ref;
	unsigned port;
	uid_t own; /* who started the house */
} desk;

/* ---- desk.c ---- */
void conn_write(struct conn *c); /* what is in out; it may be closed by it */
struct conn *conn_asked(uint64_t ref);
/* The one answer of an HTTP connection; more: whole header lines. */
void conn_answer(struct conn *c, unsigned status, const char *type,
    struct str body, const char *more);
void conn_refuse(struct conn *c, unsigned status, const char *words);

/* ---- desk-page.c ---- */
/* What desk knows when a page is asked for: the parent's status (J_NONE: it
 * did not answer) and the counter pages. */
struct desk_view {
	struct jv status;
	const uint64_t *pages;
	size_t pages_n;
};
/* The body of /healthz; false: not well. */
bool desk_health(const struct desk_view *v, struct buf *out);
/* The body of /metrics, Prometheus text format 0.0.4. */
void desk_metrics(const struct desk_view *v, struct buf *out);
/* Policy decision point metadata (AuthZEN); base: without a slash at its end.
 */
void desk_metadata(struct str base, struct buf *out);
/* A whole answer; the connection ends after it.  more: header lines. */
void desk_http(struct buf *out, unsigned status, const char *type,
    struct str body, const char *more);
/* Looks at a whole head; 0: a page of ours, *out says which; else the status
 * to refuse with. */
struct desk_names {
	struct str listen, url; /* as configured */
	unsigned port;
};
unsigned desk_route(
    const struct http_head *h, const struct desk_names *n, enum desk_page *out);
/* X-Request-ID into id, "" when there is none; false: it is not printable, too
 * long, or there twice. */
bool desk_request_id(const struct http_head *h, char id[static DESK_ID + 1]);

/* ---- desk-ask.c ---- */
void ask_begin(struct conn *c, const struct http_head *h);
void ask_feed(struct conn *c); /* more of its body may be in c->in */
void ask_late(struct conn *c); /* no judge answered */
void ask_link(struct role_env *e, enum role_id peer, unsigned instance,
    struct chan_fds *fds);

#endif
