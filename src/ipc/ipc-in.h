/* ipc-in: what the files of room ipc share. */
#ifndef IPC_IN_H
#define IPC_IN_H

#include "ipc/ipc.h"

/* One row of the table of kinds. */
struct msg_row {
	const char *name;
	uint32_t from, to;  /* bit per role */
	uint32_t must, may; /* bit per field */
	unsigned fds;	    /* descriptors it may carry, at most */
	const char *help;
};
extern const struct msg_row msg_rows[MSG__N];
/* May a `from` send this kind with these fields to a `to`? */
NODISCARD enum err msg_row_check(uint32_t kind, uint32_t has, enum role_id from,
    enum role_id to, struct note *why);

/*
 * One direction of a ring pair, in shared memory.  head and tail count bytes
 * and run freely.  Each index is written by one side and lies on a cache line
 * of its own.  Nothing here is believed: both sides keep their own index in
 * private memory and check the other's at every look.
 */
enum { LINE = 64 };
struct ring_half {
	_Alignas(LINE) uint64_t head;	  /* producer's */
	_Alignas(LINE) uint64_t tail;	  /* consumer's */
	_Alignas(LINE) uint32_t sleeping; /* consumer waits for a kick */
	_Alignas(LINE) uint32_t starved;  /* producer waits for room */
};
struct ring_page {
	struct ring_half half[2]; /* 0: a to b, 1: b to a */
	_Alignas(4096) uint8_t bytes[2][CHAN_RING];
};

enum {
	CHAN_PENDING = 64 * 1024 * 1024, /* a peer that does not read costs us
					    this much, then its messages */
	CHAN_PACKET = 60 * 1024, /* a third of the kernel's default buffer */
	CHAN_BATCH = 64,	 /* messages a round: the others' turn comes */
	CHAN_FILLS = 4,		 /* looks at the transport a round */
	CHAN_FDS_QUEUED = 64,	 /* messages with descriptors, unsent */
};

/* Descriptors that leave with the byte at position `at` of the stream. */
struct fd_note {
	uint64_t at;
	int fd[MSG_FDS];
	unsigned n;
};

struct chan {
	struct watch sock, wake;
	struct chan *next;
	struct loop *loop;
	enum role_id me, peer;
	unsigned instance;
	const struct chan_ops *ops;
	void *owner;

	/* Both transports carry one stream: u32 length, message, ... */
	struct buf out; /* not yet taken by the transport, from out_at */
	size_t out_at;
	uint64_t out_pos; /* stream position of out_at */
	struct fd_note fdq[CHAN_FDS_QUEUED];
	size_t fdq_n;
	struct buf in; /* copied from the transport, from in_at */
	size_t in_at;
	int in_fd[MSG_FDS]; /* came with the message at in_at */
	unsigned in_fd_n;

	struct ring_page *page; /* NULL: the socket carries the stream */
	struct ring_half *tx, *rx;
	uint8_t *tx_bytes, *rx_bytes;
	uint64_t head, tail; /* of tx, of rx: ours; the page has copies */
	int wake_peer;

	bool readable; /* the socket may hold more */
	bool more;     /* work is left for the next round */
	bool hup;      /* the peer is gone; what it left is still read */
	bool broken;   /* nothing more is read or sent */
	bool told;     /* lost() was called */
	bool dead;     /* freed; storage goes when nobody walks */
};

/* Moves waiting bytes into `in`; false: none there. */
bool sock_fill(struct chan *c);
bool ring_fill(struct chan *c);
/* Gives waiting bytes of `out` to the transport. */
void sock_drain(struct chan *c);
void ring_drain(struct chan *c);
bool ring_waits(const struct chan *c); /* bytes to read are there */
void chan_out_taken(struct chan *c, size_t n);
void chan_break(struct chan *c, const char *why);
void chan_close_in_fds(struct chan *c);

#endif
