/*
 * pair.c: making the two ends of a channel and passing them on.  Only the
 * parent makes pairs; the memory is sealed in size, so no peer can pull it away
 * from under another.
 */
#include "ipc/ipc-in.h"

#include <fcntl.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

static const struct chan_fds no_fds = { -1, -1, -1, -1, 0 };

void
chan_fds_done(struct chan_fds *f)
{
	fd_close(&f->sock);
	fd_close(&f->ring);
	fd_close(&f->wake_me);
	fd_close(&f->wake_peer);
}

static bool
ring_pair(struct chan_fds *a, struct chan_fds *b)
{
	a->ring = memfd_create("ring", MFD_CLOEXEC | MFD_ALLOW_SEALING);
	a->wake_me = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	b->wake_me = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (a->ring < 0 || a->wake_me < 0 || b->wake_me < 0)
		return false;
	if (ftruncate(a->ring, (off_t)sizeof(struct ring_page)) < 0 ||
	    fcntl(a->ring, F_ADD_SEALS,
		F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL) < 0)
		return false;
	b->ring = fcntl(a->ring, F_DUPFD_CLOEXEC, 3);
	a->wake_peer = fcntl(b->wake_me, F_DUPFD_CLOEXEC, 3);
	b->wake_peer = fcntl(a->wake_me, F_DUPFD_CLOEXEC, 3);
	return b->ring >= 0 && a->wake_peer >= 0 && b->wake_peer >= 0;
}

NODISCARD enum err
chan_pair(bool ring, struct chan_fds *a, struct chan_fds *b)
{
	struct chan_fds x = no_fds, y = no_fds;
	int s[2];

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK,
		0, s) < 0)
		return ERR_OS;
	x.sock = s[0];
	y.sock = s[1];
	y.side = 1;
	if (ring && !ring_pair(&x, &y)) {
		chan_fds_done(&x);
		chan_fds_done(&y);
		return ERR_OS;
	}
	*a = x;
	*b = y;
	return OK;
}

struct msg
chan_link_msg(const struct chan_fds *f, enum role_id peer, unsigned instance)
{
	struct msg m = msg_of(MSG_LINK);

	msg_set(&m, F_PEER, (uint64_t)peer << 16 | (instance & 0xFFFF));
	msg_set(&m, F_FLAGS,
	    (f->ring >= 0 ? (uint64_t)MF_RING : 0) |
		(f->side != 0 ? (uint64_t)MF_SIDE_B : 0));
	m.fd[0] = f->sock;
	m.fd[1] = f->ring;
	m.fd[2] = f->wake_me;
	m.fd[3] = f->wake_peer;
	return m;
}

NODISCARD enum err
chan_link_take(const struct msg *m, enum role_id *peer, unsigned *instance,
    struct chan_fds *out)
{
	struct chan_fds f = { m->fd[0], m->fd[1], m->fd[2], m->fd[3],
		(msg_num(m, F_FLAGS) & MF_SIDE_B) != 0 };
	const uint64_t who = msg_num(m, F_PEER);
	const bool ring = (msg_num(m, F_FLAGS) & MF_RING) != 0;

	if (f.sock < 0 || who >> 16 >= ROLE__N || (f.ring >= 0) != ring ||
	    (f.wake_me >= 0) != ring || (f.wake_peer >= 0) != ring) {
		chan_fds_done(&f);
		return ERR_SYNTAX;
	}
	*peer = (enum role_id)(who >> 16);
	*instance = (unsigned)(who & 0xFFFF);
	*out = f;
	return OK;
}
