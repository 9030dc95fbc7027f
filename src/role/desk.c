/*
 * desk.c: the process that people talk to.  A local socket takes control words
 * of the own user and root; a loopback listener shows health and counters.
 * Promises that a word only ever goes to the parent as a word, that a
 * connection is bounded in bytes and time, and that the HTTP side can change
 * nothing.  It refuses to know what is in the ledger.
 */
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include "role/desk-in.h"
#include "role/head.h"

enum { WORD_MAX = 64 };
static const uint64_t http_ns = UINT64_C(10) * 1000000000;
/* What comes after a refusal: closing at once would take the answer back. */
static const uint64_t linger_ns = UINT64_C(1) * 1000000000;
static const uint64_t word_ns = UINT64_C(120) * 1000000000;
/* A parent that takes longer to say how it is, is not well. */
static const uint64_t health_ns = UINT64_C(2) * 1000000000;
static const struct json_limits status_limits = { 8, 200000, 1 << 20 };

struct desk desk = { .http.fd = -1, .control.fd = -1 };

/* ---- connections ---- */

static void
conn_close(struct conn *c)
{
	loop_unwatch(desk.env->loop, &c->w);
	loop_timer_off(desk.env->loop, &c->late);
	fd_close(&c->w.fd);
	buf_done(&c->in);
	buf_done(&c->out);
	buf_done(&c->body);
	c->asked = 0;
	c->posting = c->lingering = false;
}

/* All is said; of a request that has a body the rest may be on its way. */
static void
conn_over(struct conn *c)
{
	if (c->eof || c->page < PAGE_EVALUATION) {
		conn_close(c);
		return;
	}
	fd_shut(c->w.fd);
	c->lingering = true;
	buf_done(&c->in);
	buf_done(&c->body);
	loop_timer(desk.env->loop, &c->late, linger_ns);
}

static void
conn_eat(struct conn *c)
{
	char room[16384];
	enum err e = OK;
	size_t n;

	while (e == OK)
		e = fd_read(c->w.fd, room, sizeof(room), &n);
	if (e != ERR_MORE)
		conn_close(c);
}

void
conn_write(struct conn *c)
{
	while (c->out.n > 0) {
		size_t n = 0;
		const enum err e = fd_write(c->w.fd, buf_view(&c->out), &n);

		if (e == ERR_MORE)
			return; /* the next edge goes on */
		if (e != OK) {
			conn_close(c);
			return;
		}
		buf_drop(&c->out, n);
	}
	if ((c->end || c->eof) && c->asked == 0 && !c->lingering)
		conn_over(c);
}

/* Asks the parent; its answer comes by from_parent(). */
static void
ask(struct conn *c, struct str word)
{
	struct msg m = msg_of(MSG_COMMAND);

	c->asked = ++desk.ref;
	msg_set_text(&m, F_NAME, word);
	msg_set(&m, F_REF, c->asked);
	if (chan_send(desk.env->parent, &m) != OK)
		conn_close(c);
}

/* ---- words ---- */

static void
word_answer(struct conn *c, struct str text, bool good)
{
	struct buf tape = { .max = DESK_OUT };

	if (good && json_parse(text, &status_limits, &tape, NULL) == OK &&
	    jv_is(jv_of(buf_view(&tape)), J_OBJ)) {
		json_write(jv_of(buf_view(&tape)), &c->out);
	} else {
		buf_str(
		    &c->out, good ? STR("{\"answer\":") : STR("{\"error\":"));
		json_quote(text, &c->out);
		buf_ch(&c->out, '}');
	}
	buf_ch(&c->out, '\n');
	buf_done(&tape);
	c->end = c->end || !good || c->out.full;
}

static void
word_take(struct conn *c)
{
	static const char *const words[] = { "status", "reload", "stop" };
	const size_t at = str_find(buf_view(&c->in), '\n');
	const struct str word = str_sub(buf_view(&c->in), 0, at);
	bool known = false;

	if (c->asked != 0 || c->end || (at == c->in.n && !c->in.full))
		return;
	for (size_t i = 0; i < countof(words); i++)
		known = known || str_eq(word, str_of(words[i]));
	if (known) {
		ask(c, word);
		if (c->w.fd >= 0)
			buf_drop(&c->in, at + 1);
		return;
	}
	word_answer(c, STR("the words are status, reload, stop"), false);
	conn_write(c);
}

/* ---- pages ---- */

void
conn_answer(struct conn *c, unsigned status, const char *type, struct str body,
    const char *more)
{
	char lines[2 * DESK_ID + 64];

	(void)snprintf(lines, sizeof(lines), "%s%s%s%s", more,
	    c->id[0] ? "X-Request-ID: " : "", c->id, c->id[0] ? "\r\n" : "");
	desk_http(&c->out, status, type, body, lines);
	c->end = true;
	conn_write(c);
}

void
conn_refuse(struct conn *c, unsigned status, const char *words)
{
	const bool post = c->page >= PAGE_EVALUATION;
	struct buf body = { .max = 512 };

	buf_fmt(&body, "%s\n", words);
	conn_answer(c, status, "text/plain", buf_view(&body),
	    status == 401   ? "WWW-Authenticate: Bearer\r\n"
	    : status != 405 ? ""
	    : post	    ? "Allow: POST\r\n"
			    : "Allow: GET\r\n");
	buf_done(&body);
}

static void
page_answer(struct conn *c, struct jv status)
{
	const struct desk_view v = { status, desk.env->pages,
		desk.env->pages_n };
	struct buf body = { .max = DESK_OUT };
	unsigned code = 200;

	if (c->page == PAGE_METRICS)
		desk_metrics(&v, &body);
	else if (!desk_health(&v, &body))
		code = 503;
	if (body.full)
		code = 503;
	conn_answer(c, code,
	    c->page == PAGE_METRICS ? "text/plain; version=0.0.4"
				    : "application/json",
	    buf_view(&body), "");
	buf_done(&body);
}

/* Without a proxy in front it is found as whoever asks has found it. */
static void
metadata(struct conn *c, const struct http_head *h)
{
	const struct str url = jv_str(jv_get(desk.env->image, STR("desk_url")));
	const struct str host = http_get(h, STR("host"), NULL);
	struct buf base = { .max = 4096 }, body = { .max = 32768 };

	if (url.n > 0)
		buf_str(&base, url);
	else
		buf_fmt(&base, "http://%.*s", STR_ARG(host));
	desk_metadata(buf_view(&base), &body);
	conn_answer(c, 200, "application/json", buf_view(&body), "");
	buf_done(&base);
	buf_done(&body);
}

/* A whole head is there. */
static void
page_begin(struct conn *c, const struct http_head *h)
{
	const struct desk_names names = { .listen = jv_str(jv_get(
					      desk.env->image, STR("desk"))),
		.url = jv_str(jv_get(desk.env->image, STR("desk_url"))),
		.port = desk.port };
	const unsigned code = desk_route(h, &names, &c->page);
	const bool named = desk_request_id(h, c->id);

	if (code != 0) {
		conn_refuse(c, code, "refused");
	} else if (c->page == PAGE_METADATA) {
		metadata(c, h);
	} else if (c->page < PAGE_METADATA) {
		loop_timer(desk.env->loop, &c->late, health_ns);
		ask(c, STR("status"));
	} else if (!named) {
		conn_refuse(c, 400, "X-Request-ID is malformed");
	} else {
		ask_begin(c, h);
	}
}

static void
page_take(struct conn *c)
{
	struct http_head h;
	struct note why;
	size_t used = 0;
	enum err e;

	if (c->asked != 0 || c->end)
		return; /* one answer to a connection */
	if (!c->posting) {
		e = http_head_read(
		    buf_view(&c->in), false, DESK_HEAD, &h, &used, &why);
		if (e == ERR_MORE && !c->in.full)
			return;
		if (e != OK) {
			conn_refuse(
			    c, e == ERR_MORE ? 431 : h.status, "refused");
			return;
		}
		page_begin(c, &h);
		if (c->end || c->w.fd < 0)
			return;
		buf_drop(&c->in, used);
	}
	if (c->posting)
		ask_feed(c);
}

/* ---- bytes ---- */

static void
conn_late(struct timer *t)
{
	char *at = (char *)t;
	struct conn *c = (void *)(at - offsetof(struct conn, late));

	if (!c->http || c->asked == 0) {
		conn_close(c);
		return;
	}
	if (c->posting) {
		ask_late(c);
	} else {
		c->asked = 0;
		page_answer(c, (struct jv){ NULL, 0 });
	}
	if (c->w.fd >= 0 && !c->lingering)
		loop_timer(desk.env->loop, &c->late, http_ns);
}

static void
conn_take(struct conn *c)
{
	if (c->http)
		page_take(c);
	else
		word_take(c);
}

static void
conn_ready(struct watch *w, unsigned what)
{
	struct conn *c = (struct conn *)(void *)w;
	enum err e = OK;

	if (c->lingering) {
		conn_eat(c);
		return;
	}
	while (e == OK && w->fd >= 0 && !c->lingering && !c->in.full) {
		char room[2048];
		size_t n = 0;

		e = fd_read(w->fd, room, sizeof(room), &n);
		if (e != OK)
			break;
		buf_put(&c->in, room, n);
		if (c->http) /* a body is longer than what is kept of it */
			conn_take(c);
	}
	if (c->lingering) {
		conn_eat(c);
		return;
	}
	if (w->fd < 0)
		return;
	c->eof = e == ERR_GONE || e == ERR_OS;
	conn_take(c);
	if (w->fd >= 0 && (c->eof || (what & SYS_OUT) != 0))
		conn_write(c);
}

static struct conn *
conn_spare(void)
{
	for (size_t i = 0; i < DESK_CONNS; i++)
		if (desk.conn[i].w.fd < 0)
			return &desk.conn[i];
	return NULL;
}

static void
conn_new(int fd, bool http)
{
	struct conn *c = conn_spare();

	if (c == NULL) {
		fd_close(&fd);
		return;
	}
	*c = (struct conn){ .w = { .fd = fd, .ready = conn_ready },
		.late = { .fire = conn_late },
		.in = { .max = http ? DESK_HEAD : WORD_MAX },
		.out = { .max = DESK_OUT + 1024 },
		.http = http };
	if (loop_watch(desk.env->loop, &c->w) != OK) {
		conn_close(c);
		return;
	}
	loop_timer(desk.env->loop, &c->late, http ? http_ns : word_ns);
}

/* The socket's mode keeps others out; this is for a directory or a umask that
 * somebody changed. */
static bool
is_ours(int fd)
{
	struct ucred u;
	socklen_t n = sizeof(u);

	if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &u, &n) < 0)
		return false;
	return u.uid == 0 || u.uid == desk.own;
}

static void
accept_all(struct watch *w, unsigned what)
{
	const bool http = w == &desk.http;
	int fd = -1;

	(void)what;
	while (fd_accept(w->fd, &fd) == OK) {
		if (!http && !is_ours(fd)) {
			log_line(LOG_WARN, "control",
			    "a connection of another user was refused");
			fd_close(&fd);
			continue;
		}
		conn_new(fd, http);
	}
}

/* ---- the parent ---- */

struct conn *
conn_asked(uint64_t ref)
{
	for (size_t i = 0; i < DESK_CONNS && ref != 0; i++)
		if (desk.conn[i].w.fd >= 0 && desk.conn[i].asked == ref)
			return &desk.conn[i];
	return NULL;
}

static void
from_parent(struct role_env *e, const struct msg *m)
{
	struct conn *c = conn_asked(msg_num(m, F_REF));
	struct buf tape = { .max = DESK_OUT };

	(void)e;
	if (m->kind != MSG_STATUS || c == NULL || c->posting)
		return;
	c->asked = 0;
	if (c->http) {
		/* what is no status is no health */
		(void)!json_parse(
		    msg_text(m, F_TEXT), &status_limits, &tape, NULL);
		page_answer(c, jv_of(buf_view(&tape)));
	} else {
		word_answer(c, msg_text(m, F_TEXT), true);
		word_take(c); /* the next may have come already */
		if (c->w.fd >= 0)
			conn_write(c);
	}
	buf_done(&tape);
}

/* ---- beginning and end ---- */

static unsigned
port_of(int fd)
{
	union {
		struct sockaddr any;
		struct sockaddr_in in;
		struct sockaddr_in6 in6;
	} a = { .in6 = { .sin6_port = 0 } };
	socklen_t n = sizeof(a);

	if (getsockname(fd, &a.any, &n) < 0)
		return 0;
	return ntohs(
	    a.any.sa_family == AF_INET ? a.in.sin_port : a.in6.sin6_port);
}

static enum err
listen_on(struct watch *w, int fd, struct note *why)
{
	*w = (struct watch){ .fd = fd, .ready = accept_all };
	if (fd_nonblock(fd) != OK || loop_watch(desk.env->loop, w) != OK) {
		note_set(why, "a listening socket cannot be used");
		return ERR_OS;
	}
	return OK;
}

static enum err
prepare(struct role_env *e, struct note *why)
{
	desk.env = e;
	desk.own = geteuid();
	for (size_t i = 0; i < DESK_CONNS; i++)
		desk.conn[i].w.fd = -1;
	if (!head_ready()) {
		note_set(why, "SHA-256 is not there");
		return ERR_OS;
	}
	role_links(e, ask_link);
	for (size_t i = 0; i < e->given_n; i++) {
		const struct str name = str_of(e->given[i].name);
		const bool http = str_eq(name, STR("desk"));

		if (!http && !str_eq(name, STR("control"))) {
			note_set(why, "no use for %s", e->given[i].name);
			return ERR_SYNTAX;
		}
		TRY(listen_on(
		    http ? &desk.http : &desk.control, e->given[i].fd[0], why));
		if (http)
			desk.port = port_of(e->given[i].fd[0]);
	}
	return OK;
}

const struct role role_desk = {
	.id = ROLE_DESK,
	.prepare = prepare,
	.link = ask_link,
	.from_parent = from_parent,
};
