/*
 * transport.c: how the stream of a channel travels: through a SEQPACKET socket,
 * or through a ring in shared memory.  Promises that nothing the peer writes
 * into the shared page is used before it is checked, and that a kick is sent
 * only to a peer that sleeps.
 */
#include "ipc/ipc-in.h"

#include <errno.h>
#include <sys/socket.h>

/* ---- the socket ---- */

/* The next packet: up to the next descriptors, and those that go with it. */
static size_t
packet_size(const struct chan *c, const struct fd_note **with)
{
	size_t n = c->out.n - c->out_at;
	size_t i = 0;

	if (n > CHAN_PACKET)
		n = CHAN_PACKET;
	*with = NULL;
	if (c->fdq_n > 0 && c->fdq[0].at == c->out_pos)
		*with = &c->fdq[i++];
	if (i < c->fdq_n && c->fdq[i].at - c->out_pos < n)
		n = (size_t)(c->fdq[i].at - c->out_pos);
	return n;
}

static ssize_t
packet_send(struct chan *c, size_t n, const struct fd_note *with)
{
	_Alignas(
	    struct cmsghdr) char room[CMSG_SPACE(MSG_FDS * sizeof(int))] = {
		0
	};
	struct iovec v = { c->out.p + c->out_at, n };
	struct msghdr h = { .msg_iov = &v, .msg_iovlen = 1 };

	if (with != NULL) {
		struct cmsghdr *m;

		h.msg_control = room;
		h.msg_controllen = CMSG_SPACE(with->n * sizeof(int));
		m = CMSG_FIRSTHDR(&h);
		m->cmsg_level = SOL_SOCKET;
		m->cmsg_type = SCM_RIGHTS;
		m->cmsg_len = CMSG_LEN(with->n * sizeof(int));
		memcpy(CMSG_DATA(m), with->fd, with->n * sizeof(int));
	}
	return sendmsg(c->sock.fd, &h, MSG_NOSIGNAL | MSG_DONTWAIT);
}

static void
fdq_pop(struct chan *c)
{
	for (size_t k = 0; k < MSG_FDS; k++)
		fd_close(&c->fdq[0].fd[k]);
	c->fdq_n--;
	memmove(&c->fdq[0], &c->fdq[1], c->fdq_n * sizeof(c->fdq[0]));
}

void
sock_drain(struct chan *c)
{
	while (c->out_at < c->out.n) {
		const struct fd_note *with;
		const size_t n = packet_size(c, &with);

		if (packet_send(c, n, with) < 0) {
			if (errno == EINTR)
				continue;
			if (errno == EAGAIN)
				return; /* SYS_OUT comes */
			c->hup = c->readable = c->more = true;
			return;
		}
		if (with != NULL)
			fdq_pop(c);
		chan_out_taken(c, n);
	}
}

/* Takes the descriptors that came.  Too many, or in the middle of a message:
 * not this protocol. */
static bool
take_fds(struct chan *c, struct msghdr *h)
{
	const bool inside = c->in.n > c->in_at || c->in_fd_n > 0;
	bool good = (h->msg_flags & (MSG_CTRUNC | MSG_TRUNC)) == 0;

	for (struct cmsghdr *m = CMSG_FIRSTHDR(h); m != NULL;
	     m = CMSG_NXTHDR(h, m)) {
		const size_t n = (m->cmsg_len - CMSG_LEN(0)) / sizeof(int);
		int fd[MSG_FDS];

		if (m->cmsg_level != SOL_SOCKET || m->cmsg_type != SCM_RIGHTS)
			continue;
		BUG_ON(n > MSG_FDS); /* the room we gave holds no more */
		memcpy(fd, CMSG_DATA(m), n * sizeof(int));
		for (size_t i = 0; i < n; i++) {
			if (inside || c->in_fd_n == MSG_FDS) {
				fd_close(&fd[i]);
				good = false;
			} else {
				c->in_fd[c->in_fd_n++] = fd[i];
			}
		}
	}
	return good;
}

bool
sock_fill(struct chan *c)
{
	/* Room for MSG_FDS exactly: the kernel cuts what is more. */
	_Alignas(struct cmsghdr) char room[CMSG_SPACE(MSG_FDS * sizeof(int))];
	struct iovec v = { buf_room(&c->in, CHAN_RING), CHAN_RING };
	struct msghdr h = { .msg_iov = &v,
		.msg_iovlen = 1,
		.msg_control = room,
		.msg_controllen = sizeof(room) };
	ssize_t n;

	if (v.iov_base == NULL) { /* in holds no whole message, so it fits */
		chan_break(c, "more than one message can be");
		return false;
	}
	if (!c->readable)
		return false;
	do
		n = recvmsg(c->sock.fd, &h, MSG_CMSG_CLOEXEC | MSG_DONTWAIT);
	while (n < 0 && errno == EINTR);
	if (n < 0 && errno == EAGAIN) {
		c->readable = false;
		return false;
	}
	if (n <= 0) {
		c->hup = true;
		c->readable = false;
		return false;
	}
	if (!take_fds(c, &h)) {
		chan_break(c, "descriptors where none may be");
		return false;
	}
	buf_add(&c->in, (size_t)n);
	return true;
}

/* ---- the ring ---- */

static void
/* NOLINTNEXTLINE(readability-non-const-parameter): it is exchanged below */
kick(struct chan *c, uint32_t *flag)
{
	const uint64_t one = 1;

	/* The flag is the peer's; a hostile one only costs itself a kick. */
	if (__atomic_load_n(flag, __ATOMIC_RELAXED) == 0)
		return;
	if (__atomic_exchange_n(flag, 0, __ATOMIC_RELAXED) == 0)
		return;
	if (fd_write(c->wake_peer,
		(struct str){ (const char *)&one, sizeof(one) },
		&(size_t){ 0 }) != OK)
		return; /* full of kicks already: it is awake */
}

/* Room left for us to write; false: the peer's index is impossible. */
static bool
ring_room(struct chan *c, size_t *room)
{
	const uint64_t tail = __atomic_load_n(&c->tx->tail, __ATOMIC_ACQUIRE);

	if (c->head - tail > CHAN_RING) {
		chan_break(c, "an impossible read index");
		return false;
	}
	*room = CHAN_RING - (size_t)(c->head - tail);
	return true;
}

static void
ring_put(struct chan *c, size_t n)
{
	const size_t at = c->head % CHAN_RING;
	const size_t first = n < CHAN_RING - at ? n : CHAN_RING - at;
	const char *p = c->out.p + c->out_at;

	memcpy(c->tx_bytes + at, p, first);
	memcpy(c->tx_bytes, p + first, n - first);
	c->head += n;
	chan_out_taken(c, n);
}

void
ring_drain(struct chan *c)
{
	size_t room;

	while (c->out_at < c->out.n) {
		const size_t want = c->out.n - c->out_at;

		if (!ring_room(c, &room))
			return;
		if (room == 0) {
			/* Ask for a kick, then look again: Dekker's way. */
			__atomic_store_n(&c->tx->starved, 1, __ATOMIC_RELAXED);
			__atomic_thread_fence(__ATOMIC_SEQ_CST);
			if (!ring_room(c, &room) || room == 0)
				return;
		}
		ring_put(c, want < room ? want : room);
		__atomic_store_n(&c->tx->head, c->head, __ATOMIC_RELEASE);
		__atomic_thread_fence(__ATOMIC_SEQ_CST);
		kick(c, &c->tx->sleeping);
	}
}

bool
ring_waits(const struct chan *c)
{
	return __atomic_load_n(&c->rx->head, __ATOMIC_RELAXED) != c->tail;
}

bool
ring_fill(struct chan *c)
{
	const uint64_t head = __atomic_load_n(&c->rx->head, __ATOMIC_ACQUIRE);
	const size_t n = (size_t)(head - c->tail);
	const size_t at = c->tail % CHAN_RING;
	const size_t first = n < CHAN_RING - at ? n : CHAN_RING - at;
	char *p;

	if (head - c->tail > CHAN_RING) {
		chan_break(c, "an impossible write index");
		return false;
	}
	if (n == 0)
		return false;
	p = buf_room(&c->in, n);
	if (p == NULL) {
		chan_break(c, "more than one message can be");
		return false;
	}
	memcpy(p, c->rx_bytes + at, first);
	memcpy(p + first, c->rx_bytes, n - first);
	buf_add(&c->in, n);
	c->tail = head;
	__atomic_store_n(&c->rx->tail, c->tail, __ATOMIC_RELEASE);
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
	kick(c, &c->rx->starved);
	return true;
}
