/*
 * test-back-say.h: what the fake upstreams of test-back.h can say: bytes, HTTP
 * answers, event streams.
 */
#ifndef TEST_BACK_SAY_H
#define TEST_BACK_SAY_H

#include "role/test-back-world.h"

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

/* What an upstream does when a tool is called. */
struct tool {
	const char *name;
	void (*does)(struct peer *p);
	unsigned status; /* 0: a result */
	const char *words;
};

static inline void
use_tool(struct peer *p, const struct tool *t, size_t n, const char *result)
{
	const struct str name = jv_str(member(p, "params/name"));

	for (size_t i = 0; i < n; i++)
		if (str_eq(name, str_of(t[i].name))) {
			t[i].does(p);
			return;
		}
	http_result(p, "", result);
}

#endif
