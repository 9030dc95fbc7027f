/*
 * sock.c: connections from a listening socket that was handed in.  Promises
 * that what it gives is non-blocking and closed on exec.
 */
#include "sys/sys.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

/* A connection that died in the queue is no reason to stop accepting. */
static bool
is_passing(int e)
{
	return e == EINTR || e == ECONNABORTED || e == EPROTO ||
	       e == ENETDOWN || e == ENOPROTOOPT || e == EHOSTDOWN ||
	       e == ENONET || e == EHOSTUNREACH || e == ENETUNREACH;
}

NODISCARD enum err
fd_accept(int listening, int *fd)
{
	const int on = 1;
	int got;

	do
		got = accept4(
		    listening, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
	while (got < 0 && is_passing(errno));
	if (got < 0 && errno == EAGAIN)
		return ERR_MORE;
	if (got < 0 && (errno == EMFILE || errno == ENFILE ||
			   errno == ENOBUFS || errno == ENOMEM))
		return ERR_LIMIT;
	if (got < 0)
		return ERR_OS;
	/* An answer is one write: waiting to fill a segment only delays it. */
	(void)setsockopt(got, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
	*fd = got;
	return OK;
}

void
fd_shut(int fd)
{
	(void)shutdown(fd, SHUT_WR);
}
