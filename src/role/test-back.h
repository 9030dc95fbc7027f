/*
 * test-back.h: the world around one role back, all in one process and one
 * loop: the judge's end of its channel, a dialer, a launcher, keys, and
 * upstreams that say what the test tells them to.
 */
#ifndef TEST_BACK_H
#define TEST_BACK_H

#include "role/role.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <stddef.h>
#include <sys/socket.h>
#include <unistd.h>

#include "mcp/mcp.h"
#include "wire/wire.h"

#include "base/tap.h"

#define OWNER(p, type, member)                                                 \
	((type *)(void *)((char *)(p)-offsetof(type, member)))

enum { SEEN_MAX = 256, PEERS_MAX = 64 };

struct seen { /* one message to the judge */
	struct buf bytes;
	struct msg m;
};

/* One connection of an upstream, or the two pipes of a tool server. */
struct peer {
	struct watch w, err;
	struct world *of;
	int to; /* where answers go */
	uint64_t ref;
	struct buf in;
	struct tls *tls;
	struct buf plain, cipher;
	char head[4096];
	struct str body; /* or the line */
	bool open;
};

struct world {
	struct role_env env;
	struct buf image;
	struct chan *judge, *dial, *launch, *keys;
	struct watch listener;
	int port;
	struct seen seen[SEEN_MAX];
	size_t seen_n;
	struct peer peer[PEERS_MAX];
	size_t peers, launches, ends, asked;
	bool refuse, shy; /* no connections; does not watch the listener */
	struct tls_ctx *tls;
	/* A whole request or line is in p->head and p->body. */
	void (*heard)(struct world *w, struct peer *p);
	int n; /* the test's own */
};

static struct loop *lp;

/* ---- tapes for the judge's messages ---- */

static inline struct jv
tape(const char *json)
{
	static struct buf ring[16];
	static unsigned at;
	struct buf *b = &ring[at++ % 16];

	b->max = 1 << 26;
	buf_clear(b);
	if (json_parse(str_of(json), &json_default, b, NULL) != OK)
		abort();
	return jv_of(buf_view(b));
}

static inline struct str
text_of(struct jv v)
{
	static struct buf ring[8];
	static unsigned at;
	struct buf *b = &ring[at++ % 8];

	b->max = 1 << 26;
	buf_clear(b);
	if (v.p != NULL)
		json_write(v, b);
	return buf_view(b);
}

static inline bool
is(struct jv v, const char *json)
{
	return str_eq(text_of(v), str_of(json));
}

/* ---- the judge ---- */

static inline void
judge_got(struct chan *c, const struct msg *m)
{
	struct world *w = chan_owner(c);
	struct seen *s = &w->seen[w->seen_n % SEEN_MAX];

	w->seen_n++;
	s->bytes.max = CHAN_MSG_MAX;
	buf_clear(&s->bytes);
	msg_encode(m, &s->bytes);
	if (msg_decode(
		buf_view(&s->bytes), ROLE_BACK, ROLE_JUDGE, &s->m, NULL) != OK)
		abort();
}

static inline void
gone(struct chan *c)
{
	(void)c;
}

static inline struct msg *
find(struct world *w, enum msg_kind kind, enum msg_field f, uint64_t v)
{
	for (size_t i = 0; i < w->seen_n && i < SEEN_MAX; i++)
		if (w->seen[i].m.kind == kind && msg_num(&w->seen[i].m, f) == v)
			return &w->seen[i].m;
	return NULL;
}

static inline struct msg *
answer(struct world *w, uint64_t call)
{
	return find(w, MSG_UP_ANSWER, F_CALL, call);
}

static inline size_t
events(struct world *w, const char *name)
{
	size_t n = 0;

	for (size_t i = 0; i < w->seen_n && i < SEEN_MAX; i++)
		n += w->seen[i].m.kind == MSG_UP_EVENT &&
		     str_eq(msg_text(&w->seen[i].m, F_NAME), str_of(name));
	return n;
}

static inline struct msg *
event_at(struct world *w, const char *name)
{
	for (size_t i = 0; i < w->seen_n && i < SEEN_MAX; i++)
		if (w->seen[i].m.kind == MSG_UP_EVENT &&
		    str_eq(msg_text(&w->seen[i].m, F_NAME), str_of(name)))
			return &w->seen[i].m;
	return NULL;
}

/* Turns the loop until it is so, or for ten seconds. */
#define UNTIL(cond)                                                            \
	do {                                                                   \
		const uint64_t until_ = now_mono() + UINT64_C(10000000000);    \
		while (!(cond) && now_mono() < until_)                         \
			loop_once(lp, UINT64_C(20000000));                     \
	} while (0)

static inline void
spin(uint64_t ms)
{
	const uint64_t until = now_mono() + ms * 1000000;

	while (now_mono() < until)
		loop_once(lp, UINT64_C(5000000));
}

static inline void
tell(struct world *w, const struct msg *m)
{
	if (chan_send(w->judge, m) != OK)
		abort();
}

static inline void
hop_open(struct world *w, uint64_t hop)
{
	struct msg m = msg_of(MSG_HOP_OPEN);

	msg_set(&m, F_HOP, hop);
	msg_set(&m, F_WHERE, 0);
	msg_set_tree(&m, F_CAPS, tape("{\"roots\":{}}"));
	msg_set_tree(
	    &m, F_INFO, tape("{\"name\":\"agent\",\"version\":\"3\"}"));
	tell(w, &m);
}

static inline struct msg *
opened(struct world *w, uint64_t hop)
{
	UNTIL(find(w, MSG_HOP_OPENED, F_HOP, hop) != NULL);
	return find(w, MSG_HOP_OPENED, F_HOP, hop);
}

static inline bool
hop_is_open(struct world *w, uint64_t hop, enum mcp_era era)
{
	const struct msg *m = opened(w, hop);

	return m != NULL && msg_num(m, F_STATUS) == 0 &&
	       msg_num(m, F_ERA) == (uint64_t)era;
}

static inline void
call(struct world *w, uint64_t hop, uint64_t num, enum mcp_method method,
    const char *params, uint64_t flags)
{
	struct msg m = msg_of(MSG_UP_CALL);

	msg_set(&m, F_CALL, num);
	msg_set(&m, F_HOP, hop);
	msg_set(&m, F_METHOD, (uint64_t)method);
	msg_set(&m, F_FLAGS, flags);
	msg_set_tree(&m, F_CAPS, tape("{\"elicitation\":{}}"));
	if (params != NULL)
		msg_set_tree(&m, F_PARAMS, tape(params));
	tell(w, &m);
}

static inline void
hop_say(struct world *w, enum msg_kind kind, enum msg_field f, uint64_t v)
{
	struct msg m = msg_of(kind);

	msg_set(&m, f, v);
	tell(w, &m);
}

/* Is call `num` answered with this result? */
static inline bool
result_is(struct world *w, uint64_t num, const char *json)
{
	UNTIL(answer(w, num) != NULL);
	return answer(w, num) != NULL &&
	       is(msg_tree(answer(w, num), F_RESULT), json);
}

/* ... or failed with this status and these words somewhere? */
static inline bool
failed_with(struct world *w, uint64_t num, uint64_t status, const char *words)
{
	const struct msg *m;
	struct str s;

	UNTIL(answer(w, num) != NULL);
	m = answer(w, num);
	if (m == NULL || msg_num(m, F_STATUS) != status)
		return false;
	s = msg_text(m, F_TEXT);
	if (str_search(s, str_of(words)) < s.n)
		return true;
	printf("# it said: %.*s\n", STR_ARG(s));
	return false;
}

/* ---- what upstreams say ---- */

static inline void
raw(struct peer *p, struct str s)
{
	if (!p->open)
		return;
	if (p->tls != NULL) {
		if (tls_out(p->tls, s, &p->cipher) != OK)
			return;
		s = buf_view(&p->cipher);
	}
	while (s.n > 0) {
		size_t n = 0;
		const enum err e = fd_write(p->to, s, &n);

		if (e == ERR_MORE)
			abort(); /* the buffers hold all a test says at once */
		if (e != OK)
			break;
		s = str_sub(s, n, s.n);
	}
	buf_clear(&p->cipher);
}

static inline void
say(struct peer *p, const char *s)
{
	raw(p, str_of(s));
}

static inline void
hang_up(struct peer *p)
{
	if (!p->open)
		return;
	p->open = false;
	loop_unwatch(lp, &p->w);
	if (p->to != p->w.fd)
		fd_close(&p->to);
	fd_close(&p->w.fd);
	if (p->err.fd > 0)
		fd_close(&p->err.fd);
}

/* id of the request in p->body, as text. */
static inline struct jv
member(const struct peer *p, const char *path)
{
	static struct buf b = { .max = 1 << 26 };

	buf_clear(&b);
	if (json_parse(p->body, &json_default, &b, NULL) != OK)
		return (struct jv){ NULL, 0 };
	return jv_at(jv_of(buf_view(&b)), path);
}

static inline bool
asks(const struct peer *p, const char *method)
{
	return str_eq(jv_str(member(p, "method")), str_of(method));
}

static inline long
id_of(const struct peer *p)
{
	int64_t n = -1;

	return jv_i64(member(p, "id"), &n) == OK ? (long)n : -1;
}

/* A whole JSON answer over HTTP. */
static inline void
http_json(
    struct peer *p, const char *status, const char *more, const char *body)
{
	static char out[65536];

	(void)snprintf(out, sizeof(out),
	    "HTTP/1.1 %s\r\nContent-Type: application/json\r\n%s"
	    "Content-Length: %zu\r\n\r\n%s",
	    status, more, strlen(body), body);
	say(p, out);
}

static inline void
http_result(struct peer *p, const char *more, const char *result)
{
	static char out[32768];

	(void)snprintf(out, sizeof(out),
	    "{\"jsonrpc\":\"2.0\",\"id\":%ld,\"result\":%s}", id_of(p), result);
	http_json(p, "200 OK", more, out);
}

static inline void
sse_begin(struct peer *p)
{
	say(p, "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream; "
	       "charset=utf-8\r\nTransfer-Encoding: chunked\r\n\r\n");
}

static inline void
sse_raw(struct peer *p, const char *s)
{
	char len[32];

	(void)snprintf(len, sizeof(len), "%zx\r\n", strlen(s));
	say(p, len);
	say(p, s);
	say(p, "\r\n");
}

static inline void
sse(struct peer *p, const char *json)
{
	static char out[65536];

	(void)snprintf(out, sizeof(out), "event: message\ndata: %s\n\n", json);
	sse_raw(p, out);
}

static inline void
sse_result(struct peer *p, long id, const char *result)
{
	static char out[32768];

	(void)snprintf(out, sizeof(out),
	    "{\"jsonrpc\":\"2.0\",\"id\":%ld,\"result\":%s}", id, result);
	sse(p, out);
}

static inline void
sse_end(struct peer *p)
{
	say(p, "0\r\n\r\n");
}

static inline bool
has_head(const struct peer *p, const char *line)
{
	return strstr(p->head, line) != NULL;
}

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
	static char text[8192];

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
	char server[4096];

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
