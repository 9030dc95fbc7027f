/*
 * dial.c: the role that resolves names and connects.  Promises that a back gets
 * connections to its own upstream and to nothing else, and that what flows on
 * them is never read here.  Name servers are asked one after the other, in the
 * C library's own time: a slow one delays new connections, not calls.
 */
#include "role/role.h"

#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <nss.h>
#include <stddef.h>
#include <sys/socket.h>
#include <unistd.h>

enum {
	DIALS_MAX = 256,   /* at once, all backs together */
	DIAL_SECONDS = 10, /* all addresses of one name together */
};

/* One connection being made. */
struct dial {
	struct watch watch;
	struct timer timer;
	struct chan *back; /* NULL: free */
	uint64_t ref;
	struct addrinfo *all, *at;
};

static struct dial dials[DIALS_MAX];
static struct role_env *env;

static void
answer(struct chan *back, uint64_t ref, enum err e, const char *text, int fd)
{
	struct msg m = msg_of(MSG_DIALED);

	msg_set(&m, F_REF, ref);
	msg_set(&m, F_STATUS, (uint64_t)e);
	if (e != OK)
		msg_set_text(&m, F_TEXT, str_of(text));
	m.fd[0] = fd;
	if (chan_send(back, &m) != OK)
		log_line(LOG_WARN, "dial", "%s %u does not listen",
		    role_name(chan_peer(back)), chan_peer_instance(back));
}

static void
close_socket(struct dial *d)
{
	if (d->watch.fd >= 0)
		loop_unwatch(env->loop, &d->watch);
	fd_close(&d->watch.fd);
}

static void
dial_end(struct dial *d)
{
	close_socket(d);
	loop_timer_off(env->loop, &d->timer);
	if (d->all != NULL)
		freeaddrinfo(d->all);
	d->all = d->at = NULL;
	d->back = NULL;
}

static void
dial_done(struct dial *d, enum err e, const char *text)
{
	answer(d->back, d->ref, e, text, e == OK ? d->watch.fd : -1);
	dial_end(d);
}

/* Begins with the address at d->at, or the next that can be begun with. */
static void
next_address(struct dial *d, int error)
{
	const int on = 1;

	for (; d->at != NULL; d->at = d->at->ai_next) {
		const int fd = socket(d->at->ai_family,
		    SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

		if (fd < 0) {
			error = errno;
			continue;
		}
		(void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
		d->watch.fd = fd;
		if ((connect(fd, d->at->ai_addr, d->at->ai_addrlen) == 0 ||
			errno == EINPROGRESS) &&
		    loop_watch(env->loop, &d->watch) == OK)
			return; /* the watch tells how it went */
		error = errno;
		fd_close(&d->watch.fd);
	}
	dial_done(d, ERR_GONE, strerrordesc_np(error));
}

static void
connected(struct watch *w, unsigned what)
{
	char *p = (char *)w;
	struct dial *d = (void *)(p - offsetof(struct dial, watch));
	int error = 0;
	socklen_t n = sizeof(error);

	if ((what & (SYS_OUT | SYS_HUP)) == 0)
		return;
	if (getsockopt(w->fd, SOL_SOCKET, SO_ERROR, &error, &n) < 0)
		error = errno;
	if (error == 0) {
		dial_done(d, OK, "");
		return;
	}
	close_socket(d);
	d->at = d->at->ai_next;
	next_address(d, error);
}

static void
too_late(struct timer *t)
{
	char *p = (char *)t;
	struct dial *d = (void *)(p - offsetof(struct dial, timer));

	dial_done(d, ERR_LIMIT, "no connection in time");
}

/* ---- what a back or role fetch may ask for ---- */

/* The witness, or the place that checkpoints are published in; or J_NONE. */
static struct jv
remote(uint64_t where)
{
	const struct jv log = jv_get(env->image, STR("log"));
	struct jit it = jit_of(jv_get(log, STR("remotes")));
	struct jv v = { NULL, 0 };

	for (uint64_t i = 0; i <= where; i++)
		if (!jit_next(&it, NULL, &v))
			return (struct jv){ NULL, 0 };
	return v;
}

/* The server of this back, or J_NONE when it is none that one dials. */
static struct jv
upstream(const struct chan *back, uint64_t where)
{
	const struct jv servers = jv_get(env->image, STR("servers"));
	const size_t n = jv_count(servers);
	struct jit it = jit_of(servers);
	struct jv s = { NULL, 0 };

	if (n == 0 || where >= n || chan_peer_instance(back) % n != where)
		return s;
	for (uint64_t i = 0; i <= where; i++)
		if (!jit_next(&it, NULL, &s))
			return (struct jv){ NULL, 0 };
	if (!str_eq(jv_str(jv_get(s, STR("kind"))), STR("http")))
		return (struct jv){ NULL, 0 };
	return s;
}

static int
resolve(struct jv server, struct addrinfo **out)
{
	const struct str name = jv_str(jv_get(server, STR("host")));
	struct addrinfo hints = { .ai_socktype = SOCK_STREAM };
	char host[256], port[8];
	int64_t n = 0;
	int e;

	if (name.n == 0 || name.n >= sizeof(host) ||
	    jv_i64(jv_get(server, STR("port")), &n) != OK || n < 1 ||
	    n > UINT16_MAX)
		return EAI_NONAME;
	(void)snprintf(host, sizeof(host), "%.*s", STR_ARG(name));
	(void)snprintf(port, sizeof(port), "%u", (unsigned)n);
	/* Never asked of a name server (RFC 6761 s.6.3), which on a machine
	 * without /etc/hosts could send us anywhere. */
	if (str_ieq(name, STR("localhost"))) {
		hints.ai_flags = AI_NUMERICSERV;
		return getaddrinfo(NULL, port, &hints, out);
	}
	hints.ai_flags = AI_NUMERICSERV | AI_NUMERICHOST;
	e = getaddrinfo(host, port, &hints, out);
	if (e != EAI_NONAME)
		return e;
	hints.ai_flags = AI_NUMERICSERV | AI_ADDRCONFIG;
	e = getaddrinfo(host, port, &hints, out);
	if (e != EAI_NONAME)
		return e;
	/* A machine with loopback alone has, to AI_ADDRCONFIG, no address. */
	hints.ai_flags = AI_NUMERICSERV;
	return getaddrinfo(host, port, &hints, out);
}

static struct dial *
free_dial(void)
{
	for (size_t i = 0; i < DIALS_MAX; i++)
		if (dials[i].back == NULL)
			return &dials[i];
	return NULL;
}

static void
back_got(struct chan *c, const struct msg *m)
{
	const uint64_t ref = msg_num(m, F_REF);
	const uint64_t where = msg_num(m, F_WHERE);
	const struct jv server =
	    chan_peer(c) == ROLE_FETCH ? remote(where) : upstream(c, where);
	struct dial *d = free_dial();
	int e;

	if (jv_is(server, J_NONE)) {
		log_line(LOG_WARN, "dial-refused",
		    "%s %u asked for what is not its upstream",
		    role_name(chan_peer(c)), chan_peer_instance(c));
		answer(c, ref, ERR_DENIED, "not the upstream of this back", -1);
		return;
	}
	if (d == NULL) {
		answer(c, ref, ERR_LIMIT, "too many connections begun", -1);
		return;
	}
	e = resolve(server, &d->all);
	if (e != 0) {
		d->all = NULL;
		answer(c, ref, ERR_GONE, gai_strerror(e), -1);
		return;
	}
	d->back = c;
	d->ref = ref;
	d->at = d->all;
	d->watch = (struct watch){ .fd = -1, .ready = connected };
	d->timer.fire = too_late;
	loop_timer(env->loop, &d->timer, DIAL_SECONDS * UINT64_C(1000000000));
	next_address(d, EADDRNOTAVAIL);
}

static void
back_lost(struct chan *c)
{
	for (size_t i = 0; i < DIALS_MAX; i++)
		if (dials[i].back == c)
			dial_end(&dials[i]);
	chan_free(c);
}

static void
dial_link(struct role_env *e, enum role_id peer, unsigned instance,
    struct chan_fds *fds)
{
	static const struct chan_ops ops = { back_got, back_lost };

	if (chan_new(e->loop, fds, ROLE_DIAL, peer, instance, &ops, NULL) ==
	    NULL)
		log_line(LOG_ERROR, "dial", "no channel to %s %u",
		    role_name(peer), instance);
}

static enum err
dial_prepare(struct role_env *e, struct note *why)
{
	env = e;
	/* Files and name servers, nothing that would load code later. */
	if (__nss_configure_lookup("hosts", "files dns") != 0) {
		note_set(why, "the resolver: %s", strerrordesc_np(errno));
		return ERR_OS;
	}
	role_links(e, dial_link);
	return OK;
}

const struct role role_dial = {
	.id = ROLE_DIAL,
	.prepare = dial_prepare,
	.link = dial_link,
};
