/*
 * ipc: how roles talk.  One message type with optional fields, one table of
 * kinds that says who may send what to whom, one checked codec, one channel.
 *
 * A channel is a SEQPACKET pair, and for hot paths two byte rings in shared
 * memory besides.  A received message is copied to private memory before it
 * is decoded, so the sender cannot change it under the reader.  A message that
 * breaks the table is ERR_SYNTAX: drop that peer.
 */
#ifndef IPC_H
#define IPC_H

#include "base/base.h"
#include "sys/sys.h"
#include "json/json.h"

enum role_id {
	ROLE_PARENT,
	ROLE_LOAD,
	ROLE_FRONT,
	ROLE_JUDGE,
	ROLE_BACK,
	ROLE_LEDGER,
	ROLE_DIAL,
	ROLE_KEYS,
	ROLE_LAUNCH,
	ROLE_DESK,
	ROLE_BUDGET,
	ROLE_TILES,
	ROLE_FETCH,
	ROLE_WITNESS,
	ROLE_COSIGN,
	ROLE_HAND, /* launch's; it has no channel */
	ROLE__N
};
const char *role_name(enum role_id r);

/* The kinds: rows in messages.h. */
enum msg_kind {
	MSG_NONE,
#define MESSAGE(id, from, to, must, may, help) MSG_##id,
#include "ipc/messages.h"
#undef MESSAGE
	MSG__N
};

/* Fields.  Scalars are u64; texts are bytes; trees are tapes, checked. */
enum msg_field {
	/* scalars */
	F_REF,	  /* the sender's or receiver's handle of an agent request */
	F_CALL,	  /* the judge's number of a turn or upstream call */
	F_HOP,	  /* the judge's number of an upstream session */
	F_WHERE,  /* endpoint index (front), upstream index (back) */
	F_ERA,	  /* enum mcp_era */
	F_METHOD, /* enum mcp_method */
	F_STATUS, /* HTTP status, or enum err of a failed step */
	F_CODE,	  /* JSON-RPC error code, as two's complement */
	F_FLAGS,  /* MF_* */
	F_SEQ,	  /* ledger sequence, event number */
	F_TIME,	  /* nanoseconds; deadlines are relative */
	F_PEER,	  /* role and instance: role << 16 | instance */
	/* texts */
	F_SESSION, /* legacy session id */
	F_TEXT0 = F_SESSION,
	F_VERSION, /* protocol version text */
	F_NAME,	 /* method text, server name, host name, whatever the kind says
		  */
	F_TEXT,	 /* words for people: reason, message */
	F_CRED,	 /* 32 bytes SHA-256 of the bearer token as presented */
	F_EVENT, /* Last-Event-ID; SSE event id to write */
	F_BYTES, /* opaque: sealed state, signature input, credential */
	/* trees */
	F_ID, /* JSON-RPC id: STR or NUM */
	F_TREE0 = F_ID,
	F_PARAMS, /* params of a request or notification */
	F_RESULT, /* result */
	F_ERROR,  /* JSON-RPC error object */
	F_CAPS,	  /* client (down) or server (up) capabilities */
	F_INFO,	  /* clientInfo or serverInfo */
	F_HEADS,  /* Mcp-Param-* headers: {"name": "decoded value"} */
	F_REC,	  /* fields of a record */
	F_TOKEN,  /* the agent's progressToken: STR or NUM */
	F__N
};

/* Flags. */
enum {
	MF_FINAL = 1,	  /* ANSWER: nothing follows on this ref */
	MF_REQUEST = 2,	  /* EVENT: is a server request and wants a reply */
	MF_STRICT = 4,	  /* RECORD: acknowledge only when durable */
	MF_PROGRESS = 8,  /* the agent gave a progress token */
	MF_STREAM = 16,	  /* agent accepts text/event-stream */
	MF_STDIO = 32,	  /* the agent side is stdio */
	MF_RESUME = 64,	  /* stream is resumable: number its events */
	MF_DRAIN = 128,	  /* stop taking new work */
	MF_CRED = 256,	  /* a bearer token was presented */
	MF_RING = 512,	  /* LINK: a ring comes with it */
	MF_UNDO = 2048,	  /* SETTLE: the call did not happen */
	MF_SIDE_B = 1024, /* LINK: the receiver holds side b of the pair */
	MF_MANY = 2048,	  /* ASK: it may hold many evaluations */
};

enum { MSG_FDS = 4 }; /* sock, ring, two eventfds: a whole channel end */
struct msg {
	enum msg_kind kind;
	uint32_t has; /* bit per msg_field */
	uint64_t num[F_TEXT0];
	struct str
	    text[F__N - F_TEXT0]; /* texts and trees, by field - F_TEXT0 */
	int fd[MSG_FDS]; /* -1 when none came; kinds whose row says FDS only.
			    Sent: the caller keeps them (sent as copies).
			    Received: the receiver's to close */
};
static inline bool
msg_has(const struct msg *m, enum msg_field f)
{
	return (m->has >> f & 1U) != 0;
}
uint64_t msg_num(const struct msg *m, enum msg_field f);    /* 0 when absent */
struct str msg_text(const struct msg *m, enum msg_field f); /* empty: absent */
struct jv msg_tree(const struct msg *m, enum msg_field f);  /* J_NONE: absent */
/* Building: fields point at the caller's bytes until chan_send returns. */
struct msg msg_of(enum msg_kind kind);
void msg_set(struct msg *m, enum msg_field f, uint64_t v);
void msg_set_text(
    struct msg *m, enum msg_field f, struct str s); /* or tape bytes */
void msg_set_tree(struct msg *m, enum msg_field f, struct jv v);

/* The codec, also a fuzz target.  decode checks the table: kind known, sent
 * by `from` to `to`, every must-field there, none that the row does not name,
 * trees well-formed. */
void msg_encode(const struct msg *m, struct buf *out);
NODISCARD enum err msg_decode(struct str bytes, enum role_id from,
    enum role_id to, struct msg *out, struct note *why);
const char *msg_name(enum msg_kind k);
/* Prints the table of kinds for `gatehouse jail show`. */
void msg_table(struct buf *out);

/* ---- channels ---- */
enum { CHAN_MSG_MAX = 24 * 1024 * 1024, CHAN_RING = 256 * 1024 };
struct chan;
struct chan_fds {
	int sock;      /* SEQPACKET end */
	int ring;      /* memfd, or -1 */
	int wake_me;   /* eventfd I sleep on, or -1 */
	int wake_peer; /* eventfd I kick, or -1 */
	int side;      /* 0: a, 1: b */
};
/* Both ends, for the parent to pass on. ERR_OS. */
NODISCARD enum err chan_pair(bool ring, struct chan_fds *a, struct chan_fds *b);
void chan_fds_done(struct chan_fds *f); /* closes what is open */
/* One end as MSG_LINK to and from (PEER, FLAGS, descriptors).  link_take moves
 * the descriptors out of m; ERR_SYNTAX: not a whole end (m's are closed). */
struct msg chan_link_msg(
    const struct chan_fds *f, enum role_id peer, unsigned instance);
NODISCARD enum err chan_link_take(const struct msg *m, enum role_id *peer,
    unsigned *instance, struct chan_fds *out);
struct chan_ops {
	/* m and all it points to are valid during the call only */
	void (*got)(struct chan *c, const struct msg *m);
	void (*lost)(struct chan *c); /* peer is gone or broke the table; the
					 owner calls chan_free when it likes */
};
/* Takes the descriptors.  me is the `to` of what arrives; side 0 is `a`. */
/* NULL: the ring cannot be mapped, or the loop is full. */
struct chan *chan_new(struct loop *l, struct chan_fds *f, enum role_id me,
    enum role_id peer, unsigned peer_instance, const struct chan_ops *ops,
    void *owner);
void chan_free(struct chan *c); /* also within its own got; NULL is fine */
void *chan_owner(const struct chan *c);
enum role_id chan_peer(const struct chan *c);
unsigned chan_peer_instance(const struct chan *c);
/* Queues; ERR_LIMIT when the peer does not read (over 64 MiB pending),
 * ERR_GONE.  fds are only for channels without a ring. */
NODISCARD enum err chan_send(struct chan *c, const struct msg *m);
/* Bytes sent that the peer has not taken: who makes more waits. */
size_t chan_pending(const struct chan *c);
/* Publishes what was sent and wakes the peer; a loop hook calls it for all. */
void chan_flush(struct chan *c);
/* Flush/busy for loop_hooks over every channel of this process. */
void chan_flush_all(void *unused);
bool chan_busy_any(void *unused);
/* Blocking receive on a SEQPACKET channel, before the loop runs (boot).  Sends
 * what waits first.  out points into scratch.  ERR_LIMIT: time is up. */
NODISCARD enum err chan_wait(
    struct chan *c, uint64_t timeout_ns, struct buf *scratch, struct msg *out);

#endif
