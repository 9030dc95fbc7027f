/*
 * test-back.h: the world around one role back, all in one process and one
 * loop: the judge's end of its channel, a dialer, a launcher, keys, and
 * upstreams that say what the test tells them to.
 */
#ifndef TEST_BACK_H
#define TEST_BACK_H

#include "role/test-back-say.h"

/* ---- how upstreams listen ---- */

/* A whole request at the start of in? */
static inline bool
take_request(struct peer *p)
{
	const struct str in = buf_view(&p->in);
	const size_t head = str_search(in, STR("\r\n\r\n"));
	const char *len;
	size_t body = 0;

	if (head >= in.n || head + 4 >= sizeof(p->head))
		return false;
	memcpy(p->head, in.p, head + 2);
	p->head[head + 2] = '\0';
	len = strstr(p->head, "Content-Length: ");
	if (len != NULL)
		body = strtoul(len + 16, NULL, 10);
	if (in.n < head + 4 + body)
		return false;
	p->body = str_keep(str_sub(in, head + 4, body));
	buf_drop(&p->in, head + 4 + body);
	return true;
}

static inline bool
take_line(struct peer *p)
{
	const struct str in = buf_view(&p->in);
	const size_t lf = str_find(in, '\n');

	if (lf == in.n)
		return false;
	p->body = str_keep(str_sub(in, 0, lf));
	buf_drop(&p->in, lf + 1);
	return true;
}

static inline void
peer_bytes(struct peer *p, struct str s)
{
	struct note why;

	if (p->tls == NULL) {
		buf_put(&p->in, s.p, s.n);
	} else {
		if (tls_in(p->tls, s, &p->in, &p->cipher, &why) > ERR_MORE)
			hang_up(p);
		else if (p->cipher.n > 0) {
			size_t n;

			if (fd_write(p->to, buf_view(&p->cipher), &n) == OK)
				buf_clear(&p->cipher);
		}
	}
	while (p->open && (p->of->port != 0 ? take_request(p) : take_line(p))) {
		p->of->asked++;
		if (p->of->heard != NULL)
			p->of->heard(p->of, p);
		mem_free((void *)(uintptr_t)p->body.p);
		p->body = (struct str){ NULL, 0 };
	}
}

static inline void
peer_ready(struct watch *w, unsigned what)
{
	struct peer *p = OWNER(w, struct peer, w);
	char part[16384];
	size_t n = 0;

	(void)what;
	while (p->open) {
		const enum err e = fd_read(w->fd, part, sizeof(part), &n);

		if (e == ERR_MORE)
			return;
		if (e != OK) {
			hang_up(p);
			return;
		}
		peer_bytes(p, (struct str){ part, n });
	}
}

static inline struct peer *
peer_new(struct world *w, int from, int to)
{
	struct peer *p = &w->peer[w->peers++];

	if (w->peers == PEERS_MAX)
		abort();
	buf_done(&p->in);
	buf_done(&p->plain);
	buf_done(&p->cipher);
	(void)fcntl(to, F_SETPIPE_SZ, 1 << 20);
	*p = (struct peer){ .w = { .fd = from, .ready = peer_ready },
		.of = w,
		.to = to,
		.open = true };
	p->in.max = p->plain.max = p->cipher.max = 1 << 26;
	if (w->tls != NULL && tls_new(w->tls, STR(""), &p->tls) != OK)
		abort();
	if (fd_nonblock(from) != OK || loop_watch(lp, &p->w) != OK)
		abort();
	return p;
}

static inline void
accepted(struct watch *l, unsigned what)
{
	struct world *w = OWNER(l, struct world, listener);
	int fd;

	(void)what;
	while ((fd = accept4(l->fd, NULL, NULL, SOCK_CLOEXEC)) >= 0)
		(void)peer_new(w, fd, fd);
}

static inline void
listen_on(struct world *w)
{
	struct sockaddr_in a = { .sin_family = AF_INET,
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	socklen_t n = sizeof(a);

	w->listener.fd =
	    socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	w->listener.ready = accepted;
	if (bind(w->listener.fd, (struct sockaddr *)&a, sizeof(a)) != 0 ||
	    listen(w->listener.fd, 64) != 0 ||
	    getsockname(w->listener.fd, (struct sockaddr *)&a, &n) != 0 ||
	    loop_watch(lp, &w->listener) != OK)
		abort();
	w->port = ntohs(a.sin_port);
}

/* ---- dial, launch, keys ---- */

static inline void
dial_got(struct chan *c, const struct msg *m)
{
	struct world *w = chan_owner(c);
	struct sockaddr_in a = { .sin_family = AF_INET,
		.sin_port = htons((uint16_t)w->port),
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	struct msg r = msg_of(MSG_DIALED);
	int fd = w->refuse ? -1 : socket(AF_INET, SOCK_STREAM, 0);

	msg_set(&r, F_REF, msg_num(m, F_REF));
	if (fd >= 0 && connect(fd, (struct sockaddr *)&a, sizeof(a)) == 0) {
		msg_set(&r, F_STATUS, 0);
		r.fd[0] = fd;
	} else {
		msg_set(&r, F_STATUS, ERR_GONE);
		msg_set_text(&r, F_TEXT, STR("nobody is there"));
	}
	if (chan_send(c, &r) != OK)
		abort();
	fd_close(&fd);
}

static inline void
launch_got(struct chan *c, const struct msg *m)
{
	struct world *w = chan_owner(c);
	struct msg r = msg_of(MSG_LAUNCHED);
	int in[2], out[2], err[2];

	if (m->kind == MSG_LAUNCH_END) {
		w->ends++;
		return;
	}
	w->launches++;
	msg_set(&r, F_REF, msg_num(m, F_REF));
	if (w->refuse) {
		msg_set(&r, F_STATUS, ERR_OS);
		msg_set_text(&r, F_TEXT, STR("no such program"));
	} else if (pipe2(in, O_CLOEXEC) == 0 && pipe2(out, O_CLOEXEC) == 0 &&
		   pipe2(err, O_CLOEXEC) == 0) {
		struct peer *p = peer_new(w, in[0], out[1]);

		p->ref = msg_num(m, F_REF);
		p->err.fd = err[1];
		(void)fcntl(err[1], F_SETPIPE_SZ, 1 << 20);
		r.fd[0] = in[1];
		r.fd[1] = out[0];
		r.fd[2] = err[0];
	}
	if (chan_send(c, &r) != OK)
		abort();
	for (int i = 0; i < 3; i++)
		if (r.fd[i] >= 0)
			(void)close(r.fd[i]);
}

static inline void
keys_got(struct chan *c, const struct msg *m)
{
	struct world *w = chan_owner(c);
	struct msg r = msg_of(MSG_CRED);

	msg_set(&r, F_WHERE, msg_num(m, F_WHERE));
	msg_set(&r, F_STATUS, w->refuse ? ERR_DENIED : OK);
	if (!w->refuse)
		msg_set_text(&r, F_BYTES, STR("s3cret-token"));
	if (chan_send(c, &r) != OK)
		abort();
}

static const struct chan_ops judge_ops = { judge_got, gone };
static const struct chan_ops dial_ops = { dial_got, gone };
static const struct chan_ops launch_ops = { launch_got, gone };
static const struct chan_ops keys_ops = { keys_got, gone };

/* ---- birth ---- */

static inline struct chan *
link_to(struct world *w, enum role_id peer, const struct chan_ops *ops)
{
	struct chan_fds a, b;
	const size_t i = w->env.link_n++;

	if (chan_pair(peer == ROLE_JUDGE, &a, &b) != OK)
		abort();
	w->env.link[i].peer = peer;
	w->env.link[i].instance = 0;
	w->env.link[i].fds = b;
	return chan_new(lp, &a, peer, ROLE_BACK, 0, ops, w);
}

/* How a link is taken here; role.c brings its own. */
static inline void
world_image(struct world *w, const char *server)
{
	static char text[32768];

	(void)snprintf(text, sizeof(text),
	    "{\"limits\":{\"body\":65536,\"head\":16384,\"depth\":64,"
	    "\"members\":100000,\"string\":65536,\"call_ms\":400,"
	    "\"call_max_ms\":2000},\"servers\":[%s]}",
	    server);
	w->image.max = 65536;
	if (json_parse(str_of(text), &json_default, &w->image, NULL) != OK)
		abort();
	w->env.image = jv_of(buf_view(&w->image));
}

/* more: members of the server beside kind and its url. */
static inline struct world *
world_new(
    bool http, const char *more, void (*heard)(struct world *w, struct peer *p))
{
	struct world *w = mem_get(sizeof(*w));
	struct note why = { "" };
	static char server[16384];

	w->heard = heard;
	if (http)
		listen_on(w);
	(void)snprintf(server, sizeof(server),
	    "{\"name\":\"t\",\"kind\":\"%s\",\"host\":\"127.0.0.1\","
	    "\"url\":\"http://127.0.0.1:%d/mcp\",\"path\":\"/mcp\"%s}",
	    http ? "http" : "stdio", w->port, more);
	world_image(w, server);
	w->env.id = ROLE_BACK;
	w->env.loop = lp;
	w->env.cells = 1;
	w->judge = link_to(w, ROLE_JUDGE, &judge_ops);
	w->dial = link_to(w, ROLE_DIAL, &dial_ops);
	w->launch = link_to(w, ROLE_LAUNCH, &launch_ops);
	w->keys = link_to(w, ROLE_KEYS, &keys_ops);
	if (role_back.prepare(&w->env, &why) != OK) {
		printf("# prepare: %s\n", why.text);
		abort();
	}
	return w;
}

static inline void
loop_begin(void)
{
	lp = loop_new();
	loop_hooks(lp, chan_flush_all, chan_busy_any, NULL);
	log_setup("test", 0, LOG_ERROR);
}

#endif
