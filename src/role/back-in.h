/*
 * back-in: what the files of role back share.
 *
 *   back.c        messages of judge, dial, launch, keys; start and end
 *   back-hop.c    upstream sessions: finding the era, opening, closing
 *   back-call.c   pending requests: numbers, deadlines, answers
 *   back-say.c    the text of what we send
 *   back-hear.c   what an upstream says, checked and passed on
 *   back-http.c   HTTP exchanges: what is sent, and who waits for it
 *   back-answer.c what came back: JSON, an event stream, a bare status
 *   back-sse.c    the transport of 2024-11-05: a stream and where to post
 *   back-tcp.c    connections: pool, dialing, TLS, bytes
 *   back-kid.c    tool servers behind pipes
 *
 * Who owns what.  A hop owns its session text and its kid (legacy); a call
 * owns nothing but points at the exchange or kid that waits for its answer; an
 * exchange owns its body and what came back; a connection owns its socket.
 */
#ifndef ROLE_BACK_IN_H
#define ROLE_BACK_IN_H

#include <stddef.h>

#include "mcp/mcp.h"
#include "role/role.h"
#include "role/tls-remote.h"
#include "wire/wire.h"

#define OWNER(p, type, member)                                                 \
	((type *)(void *)((char *)(p)-offsetof(type, member)))

#define MS UINT64_C(1000000)
#define SECOND UINT64_C(1000000000)

enum {
	EVENTS_BURST = 1000, /* messages of its own will, of one upstream */
	EVENTS_A_SECOND = 500,
	JUDGE_FULL = 1024 * 1024, /* behind by this much: read no more */
	RETRY_MS = 1000,	  /* where the upstream named no time */
	RETRY_MIN_MS = 50,
	RETRY_MAX_MS = 30000,
	CALLS_MAX = 4096,     /* pending requests of one upstream */
	CALL_CHAINS = 1024,   /* hash chains over them */
	CONNS_MAX = 512,      /* connections to one upstream */
	DIALING_MAX = 32,     /* of them asked for, not there yet: role dial and
				 its channel have room for no flood */
	READ_MAX = 64 * 1024, /* one read */
	READS_MAX = 8,	      /* reads in a row: the others' turn comes */
	SESSION_MAX = 1024,   /* an upstream's session id */
	EVENT_ID_MAX = 1024,  /* an upstream's event id */
	ENDPOINT_MAX = 2048,  /* where an old upstream wants messages */
	BATCH_MAX = 64,	      /* messages of one batch of an upstream */
	RESUMES_MAX = 10,     /* attempts without anything new */
	KID_OUT_MAX = 32 * 1024 * 1024, /* unread by a tool server */
};
#define PROBE_NS (5 * SECOND) /* silence means: not the modern era */
#define OPEN_NS (60 * SECOND) /* a tool server may have to be fetched first */
#define POST_NS                                                                \
	(20 * SECOND)	      /* notifications, replies, the end of a session  \
			       */
#define FULL_NS (2 * MS)      /* how long a full judge is left alone */
#define DIAL_NS (8 * SECOND)  /* TCP and TLS: no answer is a dead server */
#define IDLE_NS (60 * SECOND) /* of a connection, if the upstream is silent */

enum sharing { SHARE_SESSION, SHARE_PRINCIPAL, SHARE_ALL };
enum era { ERA_UNKNOWN, ERA_LEGACY, ERA_MODERN };

struct back;
struct hop;
struct call;

/* ---- pending requests ---- */

enum call_kind { CALL_JUDGE, CALL_DISCOVER, CALL_INIT };
struct call {
	struct timer t; /* first: its callback gets this */
	struct back *b;
	struct hop *hop;
	enum call_kind kind;
	enum mcp_method method;
	uint64_t num; /* the judge's number */
	uint64_t id;  /* ours, as sent upstream; never the same twice */
	bool live;
	uint64_t span, hard_at; /* allowed silence; the end in any case */
	bool progress, progressed;
	double at; /* the last progress */
	struct xch *x;
	struct kid *kid;
	struct call *chain; /* by num; or the next free one */
};

/* ---- upstream sessions ---- */

enum hop_state {
	HOP_WAIT,  /* for the credential, or another hop's probe */
	HOP_PROBE, /* server/discover is out */
	HOP_INIT,  /* initialize is out */
	HOP_TOLD,  /* notifications/initialized is out */
	HOP_UP,
};
struct hop {
	struct timer again; /* first; re-opens the stream */
	struct back *b;
	struct hop *next;
	uint64_t num;
	enum hop_state state;
	bool modern; /* the agent's era: asked for first */
	enum era era;
	bool reopening;	  /* the judge knows it as open */
	bool asked_twice; /* server/discover, after a refusal of its version */
	uint64_t reopened_at;
	unsigned session_n;		/* how many it had */
	int version;			/* MCP_V_* of a legacy session */
	struct buf caps, info, wish;	/* of HOP_OPEN */
	struct buf opened;		/* result of initialize, or discover */
	struct buf session, last_event; /* HTTP */
	enum { SSE_NO, SSE_ASKED, SSE_OPEN } sse; /* of 2024-11-05 */
	struct buf post_to;			  /* then: where to */
	uint64_t retry_ms;
	unsigned stream_tries;
	struct xch *stream;
	struct buf share;  /* hops with the same share a server (modern) */
	struct kid *waits; /* the shared one that is being started */
	struct xch *held;  /* wait until the session is open again */
	struct kid *kid;
};

/* How messages travel: HTTP or pipes.  b->text is the body. */
struct carrier {
	/* Calls hop_can_talk() or hop_cannot(), now or later. */
	void (*reach)(struct hop *h);
	/* b->heads holds header lines (modern). */
	void (*request)(struct call *c);
	/* sent may be NULL */
	void (*post)(struct hop *h, void (*sent)(struct hop *h, bool good));
	void (*forget)(struct call *c); /* nobody waits for it any more */
	void (*opened)(struct hop *h);
	void (*end)(struct hop *h, bool polite);
};
extern const struct carrier carrier_http, carrier_kid;

/* ---- HTTP ---- */

enum xch_kind { X_CALL, X_POST, X_STREAM, X_RESUME, X_DELETE, X_SSE };
enum ctype { CT_NONE, CT_JSON, CT_EVENTS, CT_OTHER };
struct xch {
	struct timer t; /* first */
	struct back *b;
	struct hop *hop; /* NULL: it ended meanwhile */
	struct call *call;
	struct tcp *conn;
	struct xch *next;	    /* in a queue, or the next free one */
	struct xch *all, *all_back; /* of the process */
	enum xch_kind kind;
	struct buf body, heads; /* to send */
	struct str version;	/* MCP-Protocol-Version, static text */
	unsigned session_n;	/* of the hop, when this was sent */
	void (*sent)(struct hop *h, bool good);
	unsigned status;
	enum ctype ctype;
	bool began;    /* bytes of the answer came */
	bool answered; /* the call has its answer */
	bool primed;   /* its stream can be resumed, and the judge knows */
	bool retried, queued, held, sse_on, session_sent, broken;
	bool reading;	 /* its events are being read: it cannot be freed */
	struct note why; /* of broken */
	struct buf got;	 /* of a JSON answer, while incomplete */
	struct sse sse;
	struct buf last_event;
	uint64_t retry_ms;
	unsigned tries;
	bool news;    /* events came since the last try */
	bool waiting; /* for its next try */
};

enum tcp_state { TCP_DIALING, TCP_OPENING, TCP_IDLE, TCP_BUSY };
struct tcp {
	struct watch w;	    /* first */
	struct timer again; /* unread bytes wait for the next round */
	struct back *b;
	struct tcp *next, *prev;
	struct tcp *below; /* in the pool of idle ones */
	enum tcp_state state;
	uint64_t ref, since, idle_ns;
	struct xch *x;
	struct tls *tls;
	struct buf in, out;
	size_t out_at;
	struct http_body body;
	bool in_body, close, gone;
	bool used;     /* it has served before */
	bool touched;  /* bytes of this request left */
	unsigned busy; /* handlers of it run below us */
};

/* ---- tool servers ---- */

struct kid {
	struct watch in, out, err; /* its stdin, stdout, stderr */
	struct timer again;
	struct back *b;
	struct kid *next;
	struct hop *hop; /* NULL: it is shared (modern), or is to be */
	bool shared;
	struct buf share; /* with hops that have the same */
	uint64_t ref, born;
	bool up, gone;
	unsigned busy;
	struct buf to; /* not yet taken */
	size_t to_at;
	struct lines from, words;
	uint64_t words_at;
	unsigned words_n, junk_n;
};

/* ---- the process ---- */

struct back {
	struct role_env *env;
	struct loop *loop;
	struct chan *judge, *dial, *launch, *keys;
	uint64_t where;
	bool going; /* hops_go_on runs */
	const struct carrier *by;
	struct str name, path, authority, host;
	bool http;
	struct tls_ctx *tls;
	struct tls_remote remote; /* where we have a certificate ourselves */
	struct buf cred;
	bool cred_wait;
	struct note cred_why;
	enum era era[2]; /* by the agent's: legacy, modern */
	enum era forced;
	struct hop *hops, *prober;
	size_t hops_n;
	struct json_limits lim;
	size_t answer_max, head_max;
	uint64_t call_ns, call_max_ns;

	struct call *calls, *calls_free, *chain[CALL_CHAINS];
	size_t calls_n, calls_live;
	uint64_t last_ref;

	struct tcp *conns, *pool;
	size_t conns_n, dialing;
	bool serving;
	struct xch *queue, **queue_end, *xchs, *xchs_free;
	size_t queue_n;
	struct timer sweep;

	bool sse; /* its legacy era is of 2024-11-05 */
	struct kid *kids;
	enum sharing sharing;
	bool open;	     /* servers.NAME.arguments */
	uint64_t not_before; /* back-off of shared kids */
	unsigned falls;

	/* Scratch: one message at a time. */
	struct buf tape, text, heads, head, params, plain, prefix, bounds;
	struct http_head parsed;
	char read[READ_MAX];
	uint64_t event_at; /* when its allowance was last reckoned */
	double events;	   /* what is left of it */
	bool muted;
	bool ending;
	struct timer end;
};

/* back.c */
void back_idle(struct back *b); /* a call ended: is the drain done? */
void back_tell(struct back *b, const struct msg *m); /* to the judge */

bool back_full(const struct back *b); /* the judge is behind: read later */
bool back_event_ok(struct back *b);   /* may the upstream say one more? */

/* back-call.c */
struct call *call_new(struct back *b, struct hop *h, enum call_kind kind,
    uint64_t num, uint64_t span);
struct call *call_by_id(struct back *b, struct jv id);
struct call *call_by_num(struct back *b, uint64_t num);
/* The only one that waits at this kid, or NULL. */
struct call *call_alone(struct back *b, const struct kid *k);
/* Arms its time and puts it on its way; b->text and b->heads are it. */
void call_start(struct call *c);
void call_answer(struct call *c, const struct mcp_in *in);
void call_fail(struct call *c, unsigned status, const char *fmt, ...)
    PRINTF(3, 4);
void call_cancel(struct call *c, struct str reason); /* tells the upstream */
void call_drop(struct call *c);			     /* tells nobody */
void call_progress(struct call *c);		     /* it lives: more time */
void calls_fail_hop(struct back *b, struct hop *h, const char *why);
void calls_drop_hop(struct back *b, struct hop *h);
void calls_fail_kid(struct back *b, struct kid *k, const char *why);

/* back-hop.c */
struct hop *hop_find(struct back *b, uint64_t num);
void hop_open(struct back *b, const struct msg *m);
void hop_close(struct hop *h, bool polite); /* frees it */
void hop_can_talk(struct hop *h);
/* A legacy server's answer comes on a stream that can be resumed, or that is
 * closed (MF_FINAL) until it is asked for again: an agent may see the same. */
void tell_stream(const struct call *c, uint64_t flags, uint64_t retry_ms);
void hop_cannot(struct hop *h, unsigned status, const char *why);
void hop_lost(struct hop *h, const char *why); /* tells the judge; frees it */
void hop_session_gone(struct hop *h);	       /* 404: open it once more */
void hop_opening_answer(const struct call *c, const struct mcp_in *in);
void hop_opening_failed(const struct call *c, unsigned status, const char *why);
void hops_go_on(struct back *b); /* those in HOP_WAIT */
void hop_sse_failed(struct hop *h, const char *why);

/* back-say.c: into b->text and b->heads */
NODISCARD enum err say_call(struct call *c, const struct msg *m);
NODISCARD enum err say_discover(struct call *c);
NODISCARD enum err say_initialize(struct call *c);
void say_notice(struct back *b, struct str method, struct jv params);
void say_cancelled(struct back *b, uint64_t id, struct str reason);

/* back-hear.c */
/* One message.  ERR_SYNTAX + why: the upstream broke the protocol.  c is the
 * call whose answer the stream carries, and is over when it was answered. */
NODISCARD enum err hear(struct back *b, struct hop *h, struct call *c,
    struct kid *k, struct str json, struct note *why);

/* back-http.c */
void xch_free(struct xch *x);
void xch_hold(struct xch *x); /* until its hop is open again */
void xch_start(struct xch *x);
void xch_drop(struct xch *x);	   /* gives up; the connection closes */
void xch_head_text(struct xch *x); /* into b->head */
void hop_release(struct hop *h);   /* the exchanges held for it go on */

/* back-answer.c */
NODISCARD enum err xch_head(
    struct xch *x, const struct http_head *h, struct note *why);
/* last: the body ends here. */
NODISCARD enum err xch_data(
    struct xch *x, struct str s, bool last, struct note *why);
/* The answer is complete (OK) or will never be.  x has no connection now. */
void xch_end(struct xch *x, enum err e, const char *why);
/* Nothing came back: may it be sent again?  touched: part of it was sent. */
bool xch_may_repeat(const struct xch *x, bool touched);
void xch_unreached(struct xch *x, const char *why); /* no connection */

/* back-sse.c */
NODISCARD enum err sse_endpoint(/* ERR_DENIED: of another origin */
    const struct back *b, struct str uri, struct buf *path);
bool sse_begins(struct xch *x, enum err e); /* true: x is gone */
bool sse_posted(struct xch *x, enum err e); /* true: x is gone */
void sse_named(struct xch *x, struct str uri);
void sse_ended(struct xch *x, const char *why);

/* back-tcp.c */
/* Exchanges that wait for a connection, in order of arrival. */
void tcp_queue(struct back *b, struct xch *x);
void tcp_unqueue(struct back *b, struct xch *x);
void tcp_serve(struct back *b); /* gives waiting exchanges connections */
void tcp_dialed(struct back *b, const struct msg *m);
void tcp_close(struct tcp *c);
void tcp_dialer_lost(struct back *b);
void tcp_sweep(struct timer *t);

/* back-kid.c */
void kid_launched(struct back *b, const struct msg *m);
void kid_exited(struct back *b, const struct msg *m);
void kid_launcher_lost(struct back *b);

#endif
