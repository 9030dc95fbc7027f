/*
 * chan.c: one channel, either transport: queueing, reassembly, dispatch, death.
 * Promises that a message is decoded from private memory only, that a peer that
 * breaks a rule is dropped and never crashes us, and that a channel may be
 * freed at any time, also by its own callbacks.  It does not know what is said.
 */
#include "ipc/ipc-in.h"

#include <poll.h>
#include <stddef.h>
#include <sys/mman.h>
#include <sys/stat.h>

#include <fcntl.h>

/* Every channel of this process, for the loop's hooks. */
static struct {
	struct chan *first;
	unsigned walking; /* callbacks run below us: free nothing */
	bool dead;	  /* some wait to be freed */
} all;

/* ---- birth and death ---- */

static void
chan_end(struct chan *c)
{
	buf_done(&c->out);
	buf_done(&c->in);
	if (c->page != NULL)
		(void)munmap(c->page, sizeof(*c->page));
	mem_free(c);
}

static void
walk_begin(void)
{
	all.walking++;
}

static void
walk_end(void)
{
	struct chan **at = &all.first;

	if (--all.walking > 0 || !all.dead)
		return;
	all.dead = false;
	while (*at != NULL) {
		struct chan *c = *at;

		if (c->dead) {
			*at = c->next;
			chan_end(c);
		} else {
			at = &c->next;
		}
	}
}

void
chan_close_in_fds(struct chan *c)
{
	for (size_t i = 0; i < MSG_FDS; i++)
		fd_close(&c->in_fd[i]);
	c->in_fd_n = 0;
}

void
chan_break(struct chan *c, const char *why)
{
	if (c->broken)
		return;
	log_line(LOG_WARN, "peer-dropped", "%s %u: %s", role_name(c->peer),
	    c->instance, why);
	c->broken = true;
	c->more = true; /* lost() is told from the loop, not from here */
}

static void pump(struct chan *c);

static void
sock_ready(struct watch *w, unsigned what)
{
	struct chan *c = (struct chan *)(void *)w; /* its first member */

	if ((what & SYS_IN) != 0)
		c->readable = true;
	if ((what & SYS_HUP) != 0)
		c->hup = c->readable = true;
	if ((what & SYS_OUT) != 0)
		chan_flush(c);
	if ((what & (SYS_IN | SYS_HUP)) != 0)
		pump(c);
}

static void
wake_ready(struct watch *w, unsigned what)
{
	char *p = (char *)w;
	struct chan *c = (void *)(p - offsetof(struct chan, wake));

	(void)what; /* the eventfd is never read: each kick is an edge */
	chan_flush(c);
	pump(c);
}

static bool
ring_map(struct chan *c, int fd, int side)
{
	struct stat st;
	void *p;

	if (fstat(fd, &st) < 0 || st.st_size != (off_t)sizeof(*c->page))
		return false;
	p = mmap(
	    NULL, sizeof(*c->page), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (p == MAP_FAILED)
		return false;
	c->page = p;
	c->tx = &c->page->half[side];
	c->rx = &c->page->half[1 - side];
	c->tx_bytes = c->page->bytes[side];
	c->rx_bytes = c->page->bytes[1 - side];
	return true;
}

/* Seven parameters, each given once: a struct for them would be filled and read
 * in one place. */
struct chan *
/* NOLINTNEXTLINE(readability-function-size) */
chan_new(struct loop *l, struct chan_fds *f, enum role_id me, enum role_id peer,
    unsigned peer_instance, const struct chan_ops *ops, void *owner)
{
	struct chan *c = mem_get(sizeof(*c));

	c->sock = (struct watch){ .fd = f->sock, .ready = sock_ready };
	c->wake = (struct watch){ .fd = f->wake_me, .ready = wake_ready };
	c->wake_peer = f->wake_peer;
	f->sock = f->wake_me = f->wake_peer = -1;
	c->loop = l;
	c->me = me;
	c->peer = peer;
	c->instance = peer_instance;
	c->ops = ops;
	c->owner = owner;
	/* Twice: as much again may be taken already, not yet moved away. */
	c->out.max = 2 * CHAN_PENDING + CHAN_MSG_MAX + 64;
	c->in.max = CHAN_MSG_MAX + 2 * CHAN_RING;
	for (size_t i = 0; i < MSG_FDS; i++)
		c->in_fd[i] = -1;
	c->more = true; /* look once: the peer may have spoken already */
	c->readable = true;
	c->next = all.first;
	all.first = c;
	if ((f->ring >= 0 && (!ring_map(c, f->ring, f->side != 0) ||
				 loop_watch(l, &c->wake) != OK)) ||
	    loop_watch(l, &c->sock) != OK) {
		chan_fds_done(f);
		chan_free(c);
		return NULL;
	}
	chan_fds_done(f);
	return c;
}

void
chan_free(struct chan *c)
{
	if (c == NULL || c->dead)
		return;
	walk_begin();
	chan_flush(c); /* last words */
	c->dead = all.dead = true;
	loop_unwatch(c->loop, &c->sock);
	loop_unwatch(c->loop, &c->wake);
	fd_close(&c->sock.fd);
	fd_close(&c->wake.fd);
	fd_close(&c->wake_peer);
	chan_close_in_fds(c);
	for (size_t i = 0; i < c->fdq_n; i++)
		for (size_t k = 0; k < MSG_FDS; k++)
			fd_close(&c->fdq[i].fd[k]);
	c->fdq_n = 0;
	walk_end();
}

void *
chan_owner(const struct chan *c)
{
	return c->owner;
}

enum role_id
chan_peer(const struct chan *c)
{
	return c->peer;
}

unsigned
chan_peer_instance(const struct chan *c)
{
	return c->instance;
}

/* ---- sending ---- */

/* Copies of m's descriptors, to leave with the next byte of the stream. */
static enum err
queue_fds(struct chan *c, const struct msg *m)
{
	struct fd_note note = { .fd = { -1, -1, -1, -1 } };

	if (m->fd[0] < 0)
		return OK;
	BUG_ON(c->page != NULL); /* descriptors need a socket */
	if (c->fdq_n == CHAN_FDS_QUEUED)
		return ERR_LIMIT;
	note.at = c->out_pos + (c->out.n - c->out_at);
	while (note.n < msg_rows[m->kind].fds && m->fd[note.n] >= 0) {
		const int fd = fcntl(m->fd[note.n], F_DUPFD_CLOEXEC, 3);

		if (fd < 0) {
			while (note.n > 0)
				fd_close(&note.fd[--note.n]);
			return ERR_OS;
		}
		note.fd[note.n++] = fd;
	}
	c->fdq[c->fdq_n++] = note;
	return OK;
}

NODISCARD enum err
chan_send(struct chan *c, const struct msg *m)
{
	const size_t begun = c->out.n;
	uint32_t len;

	/* Our own mistake: the peer would only drop us for it. */
	BUG_ON(msg_row_check((uint32_t)m->kind, m->has, c->me, c->peer, NULL));
	if (c->dead || c->hup || c->broken)
		return ERR_GONE;
	if (c->out.n - c->out_at > CHAN_PENDING)
		return ERR_LIMIT;
	TRY(queue_fds(c, m));
	buf_u32(&c->out, 0);
	msg_encode(m, &c->out);
	if (c->out.full) {
		c->out.full = false;
		c->out.n = begun;
		if (m->fd[0] >= 0)
			for (size_t k = 0, i = --c->fdq_n; k < MSG_FDS; k++)
				fd_close(&c->fdq[i].fd[k]);
		return ERR_LIMIT;
	}
	len = (uint32_t)(c->out.n - begun - 4);
	memcpy(c->out.p + begun, &len, 4);
	return OK;
}

size_t
chan_pending(const struct chan *c)
{
	return c->out.n - c->out_at;
}

/* The transport took n bytes. */
void
chan_out_taken(struct chan *c, size_t n)
{
	c->out_at += n;
	c->out_pos += n;
	if (c->out_at == c->out.n) {
		c->out_at = 0;
		buf_clear(&c->out);
		if (c->out.cap > 4 * CHAN_RING)
			buf_done(&c->out); /* one big message; not for ever */
	} else if (c->out_at > CHAN_RING && c->out_at > c->out.n / 2) {
		buf_drop(&c->out, c->out_at);
		c->out_at = 0;
	}
}

void
chan_flush(struct chan *c)
{
	if (c->out_at == c->out.n || c->dead || c->hup || c->broken)
		return;
	if (c->page != NULL)
		ring_drain(c);
	else
		sock_drain(c);
}

/* ---- receiving ---- */

/* The bytes of the next whole message.  ERR_MORE: not all of it is here. */
static enum err
next_message(struct chan *c, struct str *out)
{
	const size_t left = c->in.n - c->in_at;
	uint32_t len;

	if (left < 4)
		return ERR_MORE;
	memcpy(&len, c->in.p + c->in_at, 4);
	if (len > CHAN_MSG_MAX) {
		chan_break(c, "a message over the limit");
		return ERR_LIMIT;
	}
	if (left - 4 < len)
		return ERR_MORE;
	*out = (struct str){ c->in.p + c->in_at + 4, len };
	c->in_at += 4 + (size_t)len;
	return OK;
}

/* Keeps only what is not yet read, so that the next fill has room. */
static bool
fill(struct chan *c)
{
	if (c->in_at == c->in.n) {
		buf_clear(&c->in);
		if (c->in.cap > 4 * CHAN_RING)
			buf_done(&c->in);
	} else if (c->in_at > 0) {
		buf_drop(&c->in, c->in_at);
	}
	c->in_at = 0;
	return c->page != NULL ? ring_fill(c) : sock_fill(c);
}

/* Bytes to message; descriptors that came are the message's.  On failure the
 * peer is to be dropped. */
static enum err
decode(struct chan *c, struct str bytes, struct msg *m)
{
	struct note why;

	if (msg_decode(bytes, c->peer, c->me, m, &why) != OK) {
		chan_break(c, why.text);
		return ERR_SYNTAX;
	}
	if (c->in_fd_n > msg_rows[m->kind].fds) {
		chan_break(c, "descriptors that nobody asked for");
		return ERR_SYNTAX;
	}
	for (unsigned i = 0; i < c->in_fd_n; i++) {
		m->fd[i] = c->in_fd[i];
		c->in_fd[i] = -1;
	}
	c->in_fd_n = 0;
	return OK;
}

static void
tell_lost(struct chan *c)
{
	c->broken = true;
	c->more = false;
	chan_close_in_fds(c);
	if (c->told)
		return;
	c->told = true;
	c->ops->lost(c);
}

/* Hands over what is there, a bounded number of messages. */
static void
pump(struct chan *c)
{
	unsigned msgs = 0, fills = 0;
	bool dry = false;

	walk_begin();
	while (!c->dead && !c->broken && msgs < CHAN_BATCH) {
		struct str bytes;
		struct msg m;
		enum err e = next_message(c, &bytes);

		if (e == ERR_MORE) {
			if (fills++ == CHAN_FILLS)
				break;
			if (!fill(c)) {
				dry = true;
				break;
			}
		}
		if (e != OK)
			continue;
		msgs++;
		if (decode(c, bytes, &m) == OK)
			c->ops->got(c, &m);
	}
	if (!c->dead) {
		c->more = !dry;
		if (c->broken || (c->hup && dry))
			tell_lost(c);
	}
	walk_end();
}

/* ---- the loop's hooks ---- */

void
chan_flush_all(void *unused)
{
	(void)unused;
	for (struct chan *c = all.first; c != NULL; c = c->next)
		chan_flush(c);
}

static bool
has_work(const struct chan *c)
{
	if (c->dead || c->told)
		return false;
	return c->more || (c->page != NULL && ring_waits(c));
}

bool
chan_busy_any(void *unused)
{
	bool any = false;

	(void)unused;
	walk_begin();
	for (struct chan *c = all.first; c != NULL; c = c->next) {
		if (has_work(c)) {
			any = true;
			pump(c);
		}
	}
	if (!any) {
		/* About to sleep: say so, then look once more, for a peer that
		 * wrote before it could see it. */
		for (struct chan *c = all.first; c != NULL; c = c->next)
			if (c->page != NULL && !c->told)
				__atomic_store_n(
				    &c->rx->sleeping, 1, __ATOMIC_RELAXED);
		__atomic_thread_fence(__ATOMIC_SEQ_CST);
		for (struct chan *c = all.first; c != NULL; c = c->next)
			any = any || has_work(c);
	}
	walk_end();
	return any;
}

/* ---- before the loop runs ---- */

NODISCARD enum err
chan_wait(
    struct chan *c, uint64_t timeout_ns, struct buf *scratch, struct msg *out)
{
	const uint64_t begun = now_mono();
	struct str bytes;
	enum err e;

	BUG_ON(c->page != NULL);
	chan_flush(c);
	for (;;) {
		struct pollfd p = { .fd = c->sock.fd, .events = POLLIN };
		const uint64_t spent = now_mono() - begun;

		if (c->broken)
			return ERR_SYNTAX;
		e = next_message(c, &bytes);
		if (e == OK)
			break;
		c->readable = true;
		if (e != ERR_MORE || fill(c))
			continue;
		if (c->hup)
			return ERR_GONE;
		if (spent >= timeout_ns)
			return ERR_LIMIT;
		(void)poll(&p, 1, timeout_ns - spent < 1000000 ? 1 : 100);
		chan_flush(c);
	}
	buf_clear(scratch);
	buf_put(scratch, bytes.p, bytes.n);
	TRY(buf_end(scratch));
	c->more = true; /* the loop takes over where this stops */
	return decode(c, buf_view(scratch), out);
}
