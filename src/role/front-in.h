/*
 * front-in: what the files of role front share and nobody else sees.
 *
 *   front-role.c    the role's row
 *   front.c         its judges, the requests that wait, the end
 *   front-conn.c    connections: bytes in and out, deadlines, TLS
 *   front-http.c    what a head must be (pure)
 *   front-turn.c    a body: JSON, MCP, one typed message to a judge
 *   front-answer.c  a judge's message: one JSON answer, or events
 *   front-event.c   what is stated by POST /v1/events
 *   front-stdio.c   the agent on stdin and stdout
 *   front-tls.c     the certificate; the key is elsewhere
 *
 * Who owns what.  The front owns connections and requests.  A request belongs
 * to one connection (or to stdio) and dies with it or with its answer.  The
 * shared buffers hold one message at a time and nothing between two.
 */
#ifndef FRONT_IN_H
#define FRONT_IN_H

#include "base/base.h"
#include "ipc/ipc.h"
#include "mcp/mcp.h"
#include "role/head.h"
#include "sys/sys.h"
#include "wire/wire.h"
#include "json/json.h"

enum {
	FRONT_CELLS = 256,
	FRONT_READ = 64 * 1024,		    /* one read */
	FRONT_STREAM_BACKLOG = 1024 * 1024, /* unread events; then we drop */
	FRONT_BATCH = 64,		    /* messages of one legacy batch */
	FRONT_REQS = 1 << 20, /* waiting requests; far above connections */
	FRONT_PRIME = 48,     /* an event id of the judge's */
};
#define FRONT_MS UINT64_C(1000000)
#define FRONT_HEAD_NS (10000 * FRONT_MS)  /* a whole head, or a handshake */
#define FRONT_BODY_NS (60000 * FRONT_MS)  /* a whole body */
#define FRONT_STALL_NS (30000 * FRONT_MS) /* a peer that reads nothing */
#define FRONT_BEAT_NS (15000 * FRONT_MS)  /* comment on a silent stream */
/* An answer that is not there by then comes on a stream: an agent that waits
 * for the head can then cancel (legacy), and no proxy between us gives up. */
#define FRONT_OPEN_NS (150 * FRONT_MS)
#define FRONT_LINGER_NS (1000 * FRONT_MS) /* what comes after a refusal */
#define FRONT_DRAIN_NS                                                         \
	(5000 * FRONT_MS) /* what still runs at the end; the                   \
			     parent waits twice as long */

/* ---- heads (front-http.c) ---- */
struct front_conf {
	struct jv hosts, origins, endpoints;
	uint64_t body, head, connections, streams, idle_ns, call_ns;
	struct json_limits json;
	bool tls;
	bool events;	   /* POST /v1/events is served */
	uint64_t pipes[8]; /* endpoints, a bit each, with a stdio server */
};
void front_conf_of(struct jv image, struct front_conf *out);

enum front_verb { VERB_POST, VERB_GET, VERB_DELETE, VERB_OPTIONS };
struct front_head {
	enum front_verb verb;
	size_t where; /* endpoint */
	struct mcp_heads heads;
	struct str origin, token, last_event;
	uint16_t origin_at; /* in conf.origins, from 1; 0: no Origin */
	bool sse;	    /* accepts text/event-stream */
	bool param;	    /* there is an Mcp-Param-* */
	bool event;	    /* /v1/events: a statement, not MCP */
};
/* A refusal before any message was read; code 0: no JSON-RPC body. */
struct front_no {
	unsigned status;
	int code;
	const char *why;
};
/* In the order of mcp.md: Host, Origin, path, method, credentials, body. */
NODISCARD enum err front_head_check(const struct front_conf *c,
    const struct http_head *h, struct front_head *out, struct front_no *no);
/* {"Name": "decoded value" or null} of every Mcp-Param-*. */
void front_param_heads(const struct http_head *h, struct buf *tape);
/* Access-Control-Allow-Headers for what a preflight asks. */
void front_allow_headers(const struct http_head *h, struct buf *out);

/* ---- requests (front.c) ---- */
struct front;
struct conn;
struct stdio;
enum req_kind { REQ_CALL, REQ_NOTICE, REQ_STREAM, REQ_CLOSE };
enum { REQ_TAPE = MCP_ID_MAX + 8 };
struct req {
	uint64_t ref;
	struct conn *c; /* NULL: stdio */
	struct req *next, **prev;
	enum req_kind kind;
	enum mcp_era era;
	enum mcp_method method;
	unsigned judge; /* cell */
	bool sse;	/* the agent takes events */
	bool event;	/* /v1/events: answered without JSON-RPC */
	uint16_t id_n, token_n, prime_n;
	uint64_t retry; /* milliseconds; said when its stream begins */
	uint8_t id[REQ_TAPE], token[REQ_TAPE];
	char prime[FRONT_PRIME]; /* event id that its stream begins with */
};
/* NULL when too many wait.  c NULL: stdio. */
struct req *req_new(struct front *f, struct conn *c, enum req_kind kind);
void req_free(struct front *f, struct req *r);
void req_keep(struct req *r, struct jv id, struct jv token);
struct jv req_id(const struct req *r);
struct jv req_token(const struct req *r);

/* ---- connections (front-conn.c) ---- */
enum conn_mode {
	CONN_READ,   /* between messages, or in one */
	CONN_WAIT,   /* a judge has it */
	CONN_STREAM, /* events go out */
	CONN_LINGER, /* answered for the last time; eats what still comes */
};
struct conn {
	struct watch w;
	struct timer t;
	struct front *f;
	struct conn *next, **prev;
	struct tls *tls;
	struct req *reqs;
	struct buf in, out; /* empty while idle */
	struct http_body body;
	uint64_t deadline;	 /* 0: none */
	uint32_t head_n, body_n; /* of the message that is being read */
	uint16_t origin_at;
	uint8_t mode;
	bool readable, hup, dead;
	bool partial;	/* in a head or body */
	bool asked;	/* a request came on it */
	bool feeding;	/* conn_feed is below us */
	bool last;	/* close after this answer */
	bool ending;	/* linger once out is empty */
	bool continued; /* 100 Continue was sent */
	bool batch;	/* the stream ends when no request is left */
};
/* The idle budget is 1 KiB: this, one block of malloc, one timer slot. */
_Static_assert(sizeof(struct conn) <= 448, "an idle connection is small");

void conn_accept(struct watch *w, unsigned what);
void conn_new(struct front *f, int fd);
void conn_close(struct conn *c); /* requests are told; freed by conn_bury */
void conn_bury(struct front *f);
void conn_push(struct conn *c, struct str bytes);
void conn_deadline(struct conn *c, uint64_t ns);
/* The answer is complete: on to the next message, or the end. */
void conn_answered(struct conn *c);
void conn_idle_close(struct front *f);

/* ---- messages in (front-turn.c) ---- */
struct source {
	struct front *f;
	struct conn *c; /* NULL: stdio */
	const struct front_head *h;
	const struct http_head *raw;
	bool batch;
};
void turn_post(const struct source *s, struct str body);
void turn_stream(const struct source *s);
void turn_close(const struct source *s);
void turn_line(struct front *f, struct str line); /* stdio */
void turn_eof(struct front *f);
/* An agent on a pipe will not answer what it was asked under this id. */
void turn_no_answer(struct front *f, struct jv id);
/* Tells the judge what was refused here, within a rate. */
void turn_refused(struct front *f, const struct front_head *h, unsigned status,
    int code, const char *why);

/* ---- /v1/events (front-event.c) ---- */
/* The call that a statement is. */
void event_call(
    uint64_t no, struct jv said, struct buf *id, struct buf *params);
/* {"cell","record"} of its answer, or {"error":{"code","message"}}, in f->json;
 * a refusal of policy changes *status. */
struct str event_text(struct front *f, const struct msg *m, unsigned *status);

/* ---- messages out (front-answer.c) ---- */
/* r NULL: nobody waits for it any more, or it is for the stdio agent. */
void answer_got(struct front *f, const struct msg *m, struct req *r);
/* Answers that no judge gave. */
void answer_no(struct conn *c, const struct front_no *no);
void answer_fail(const struct source *s, const struct mcp_fail *fail);
void answer_req_fail(
    struct front *f, struct req *r, unsigned status, int code, const char *why);
void answer_preflight(struct conn *c, const struct http_head *h);
void answer_empty(struct conn *c, unsigned status);
void answer_stream_begin(struct conn *c, struct str session);
void answer_stream_end(struct conn *c, uint64_t retry_ms);
void answer_beat(struct conn *c);
void answer_open(struct conn *c); /* waits long: a stream, if it takes one */

/* ---- stdio (front-stdio.c) ---- */
/* Questions of servers that are remembered; those before them may have been
 * withdrawn. */
enum { STDIO_ASKED = 16 };
struct stdio {
	struct front *f;
	struct watch in, out;
	struct timer t;
	struct lines lines;
	struct buf pending;
	struct req *reqs;
	struct front_head head;		      /* what stands for an HTTP head */
	uint8_t asked[STDIO_ASKED][REQ_TAPE]; /* ids; not answered yet */
	uint16_t asked_n[STDIO_ASKED];	      /* their lengths; 0: free */
	unsigned asked_next;
	bool modern;	      /* era of the last request */
	bool unwatched;	      /* a file: read without being woken */
	bool eof, gone;	      /* input over; output over */
	bool closing, closed; /* the judge is told; has answered */
};
void stdio_start(struct front *f, int in, int out);
void stdio_line(struct front *f, struct str json);
/* A server asks the agent; false: who will not answer.  And an answer came. */
NODISCARD bool stdio_asked(struct front *f, struct jv id);
void stdio_answered(struct front *f, struct jv id);
void stdio_check(struct front *f); /* after EOF: is all answered? */
void stdio_done(struct front *f);

/* ---- the role (front.c, front-tls.c) ---- */
NODISCARD enum err front_tls(
    struct front *f, struct jv image, struct note *why);
void front_keys(struct front *f, struct chan_fds *fds);
struct front {
	struct loop *loop;
	struct front_conf conf;
	unsigned cell, cells;
	struct chan *judge[FRONT_CELLS];
	struct watch listening;
	struct timer again; /* accept, drain */
	struct conn *conns, *graves;
	size_t conn_n, stream_n;
	struct tls_ctx *tls;
	struct stdio *stdio;
	struct req **slot, *req_spare;
	size_t slot_n, req_n;
	uint64_t ref_last;
	char *read; /* FRONT_READ bytes */
	struct buf plain, tape, params, heads, json, sse, out, work;
	struct mcp_fail fail;
	uint64_t told_at, told_n; /* rate of turn_refused */
	uint64_t date_at;
	char date[40];
	bool draining, full; /* full: no descriptor was left */
	void (*drained)(struct front *f);
	void *arg;
};
struct front *front_new(
    struct loop *l, struct jv image, unsigned cell, unsigned cells);
void front_free(struct front *f);
void front_image(struct front *f, struct jv image);
void front_link(struct front *f, unsigned cell, struct chan_fds *fds);
NODISCARD enum err front_listen(struct front *f, int fd);
void front_drain(struct front *f);
void front_drain_check(struct front *f);
/* ERR_GONE: that judge is not there; ERR_LIMIT: it does not read. */
NODISCARD enum err front_send(
    struct front *f, unsigned cell, const struct msg *m);
/* The cell that a legacy session lives in; the own for none. */
unsigned front_cell_of(const struct front *f, struct str session);

#endif
