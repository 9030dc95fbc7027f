/*
 * upstream: a tool server that costs next to nothing, for measuring what is
 * before it.  It answers tools/call, tools/list, server/discover and the
 * legacy handshake from fixed bytes with the caller's id in them.  It promises
 * the same answer of the same size always; it checks nothing and must never
 * face anything but a benchmark.
 *
 *   upstream --http PORT [THREADS]     HTTP/1.1 on 127.0.0.1, kept alive
 *   upstream --stdio                   one JSON message a line
 */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

enum {
	BODY = 1551,	     /* bytes of an answer to tools/call, id "1" */
	IN_MAX = 256 * 1024, /* a request larger than this ends it */
	OUT_MAX = 8192,
	EVENTS = 256,
};

#define TOOL                                                                   \
	"{\"name\":\"echo\",\"description\":\"answers\","                      \
	"\"inputSchema\":{\"type\":\"object\",\"properties\":"                 \
	"{\"text\":{\"type\":\"string\"}}}}"
#define CACHE                                                                  \
	"\"resultType\":\"complete\",\"ttlMs\":0,\"cacheScope\":\"private\""
#define INFO "{\"name\":\"bench-upstream\",\"version\":\"1\"}"

/* What comes after {"jsonrpc":"2.0","id":ID, by method; first match wins. */
static const struct {
	const char *method;
	const char *rest;
} answers[] = {
	{ "tools/list", "\"result\":{\"tools\":[" TOOL "]," CACHE "}}" },
	{ "server/discover",
	    "\"result\":{\"supportedVersions\":[\"2026-07-28\"],"
	    "\"capabilities\":{\"tools\":{}}," CACHE
	    ",\"_meta\":{\"io.modelcontextprotocol/serverInfo\":" INFO "}}}" },
	{ "initialize",
	    "\"result\":{\"protocolVersion\":\"2025-11-25\",\"capabilities\":"
	    "{\"tools\":{}},\"serverInfo\":" INFO "}}" },
	{ "ping", "\"result\":{}}" },
};
static char call_rest[BODY + 1]; /* the same for tools/call, padded */

static void
call_rest_make(void)
{
	static const char head[] = "\"result\":{\"content\":[{\"type\":"
				   "\"text\",\"text\":\"bench-answer ";
	static const char tail[] = "\"}],\"resultType\":\"complete\"}}";
	const size_t before = strlen("{\"jsonrpc\":\"2.0\",\"id\":1,");
	const size_t pad =
	    BODY - before - (sizeof(head) - 1) - (sizeof(tail) - 1);
	char *p = call_rest;

	memcpy(p, head, sizeof(head) - 1);
	p += sizeof(head) - 1;
	for (size_t i = 0; i < pad; i++)
		*p++ = "the quick brown fox jumps over the lazy dog "[i % 44];
	memcpy(p, tail, sizeof(tail));
}

struct span {
	const char *p;
	size_t n;
};

/* Just past the string that opens at p. */
static const char *
skip_string(const char *p, const char *end)
{
	for (p++; p < end && *p != '"'; p++)
		if (*p == '\\')
			p++;
	return p < end ? p + 1 : end;
}

/* The value of member `key` of the object at the start, as it is written. */
static struct span
member(const char *p, const char *end, const char *key)
{
	const size_t n = strlen(key);
	int depth = 0;

	while (p < end) {
		const char *s = p;

		if (*p != '"') {
			depth += (*p == '{' || *p == '[');
			depth -= (*p == '}' || *p == ']');
			p++;
			continue;
		}
		p = skip_string(p, end);
		if (depth != 1 || (size_t)(p - s) != n + 2 ||
		    memcmp(s + 1, key, n) != 0 || p >= end || *p != ':')
			continue;
		s = ++p;
		if (p < end && *p == '"')
			p = skip_string(p, end);
		else
			while (p < end && *p != ',' && *p != '}')
				p++;
		return (struct span){ s, (size_t)(p - s) };
	}
	return (struct span){ NULL, 0 };
}

/* The JSON answer to one message; 0 when it is a notification. */
static size_t
answer(const char *body, size_t n, char *out)
{
	const struct span id = member(body, body + n, "id");
	const struct span method = member(body, body + n, "method");
	const char *rest = call_rest;

	if (id.p == NULL || method.p == NULL || id.n > 128)
		return 0;
	for (size_t i = 0; i < sizeof(answers) / sizeof(answers[0]); i++)
		if (method.n == strlen(answers[i].method) + 2 &&
		    memcmp(method.p + 1, answers[i].method, method.n - 2) == 0)
			rest = answers[i].rest;
	return (size_t)snprintf(out, OUT_MAX,
	    "{\"jsonrpc\":\"2.0\",\"id\":%.*s,%s", (int)id.n, id.p, rest);
}

/* ---- HTTP ---- */
struct conn {
	int fd;
	size_t n;
	char in[IN_MAX];
};

/* Value of a header by name, or NULL; the head ends in an empty line. */
static const char *
header(const char *head, const char *end, const char *name)
{
	const size_t n = strlen(name);

	for (const char *p = head; p < end;) {
		const char *eol = memchr(p, '\n', (size_t)(end - p));

		if (eol == NULL)
			return NULL;
		if ((size_t)(eol - p) > n && p[n] == ':' &&
		    strncasecmp(p, name, n) == 0)
			return p + n + 1;
		p = eol + 1;
	}
	return NULL;
}

/* Chunks to one body in place; bytes of the whole message, 0 for not yet. */
static size_t
unchunk(char *body, const char *end, size_t *len)
{
	char *out = body, *p = body;

	for (;;) {
		char *eol = memmem(p, (size_t)(end - p), "\r\n", 2);
		const size_t size = eol ? strtoul(p, NULL, 16) : 0;

		if (eol == NULL || (size_t)(end - eol) < size + 4)
			return 0;
		p = eol + 2;
		if (size == 0) {
			*len = (size_t)(out - body);
			return (size_t)(p + 2 - body);
		}
		memmove(out, p, size);
		out += size;
		p += size + 2;
	}
}

static bool
send_all(int fd, const char *p, size_t n)
{
	while (n > 0) {
		const ssize_t k = send(fd, p, n, MSG_NOSIGNAL);

		if (k < 0 && (errno == EAGAIN || errno == EINTR))
			continue;
		if (k <= 0)
			return false;
		p += k;
		n -= (size_t)k;
	}
	return true;
}

static bool
reply(int fd, const char *body, size_t n)
{
	char json[OUT_MAX], out[OUT_MAX + 256];
	const size_t k = answer(body, n, json);
	int h;

	if (k == 0)
		h = snprintf(out, sizeof(out),
		    "HTTP/1.1 202 Accepted\r\nContent-Length: 0\r\n\r\n");
	else
		h = snprintf(out, sizeof(out),
		    "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"
		    "Content-Length: %zu\r\n\r\n%.*s",
		    k, (int)k, json);
	return send_all(fd, out, (size_t)h);
}

/* One request from the start of c->in: 1 served, 0 incomplete, -1 over. */
static int
serve_one(struct conn *c)
{
	char *end = c->in + c->n;
	char *gap = memmem(c->in, c->n, "\r\n\r\n", 4);
	const char *v;
	char *body;
	size_t len = 0, whole;

	if (gap == NULL)
		return c->n == IN_MAX ? -1 : 0;
	body = gap + 4;
	if (c->in[0] != 'P') { /* GET and DELETE: not here */
		static const char no[] = "HTTP/1.1 405 No\r\nContent-Length: "
					 "0\r\n\r\n";
		whole = 0;
		if (!send_all(c->fd, no, sizeof(no) - 1))
			return -1;
	} else {
		v = header(c->in, body, "transfer-encoding");
		if (v != NULL) {
			whole = unchunk(body, end, &len);
			if (whole == 0)
				return c->n == IN_MAX ? -1 : 0;
		} else {
			v = header(c->in, body, "content-length");
			len = whole = v ? strtoul(v, NULL, 10) : 0;
			if ((size_t)(end - body) < len)
				return c->n == IN_MAX ? -1 : 0;
		}
		if (!reply(c->fd, body, len))
			return -1;
	}
	whole += (size_t)(body - c->in);
	c->n -= whole;
	memmove(c->in, c->in + whole, c->n);
	return 1;
}

static void
readable(struct conn *c)
{
	const ssize_t k = recv(c->fd, c->in + c->n, IN_MAX - c->n, 0);
	int r = 0;

	if (k < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	if (k > 0) {
		c->n += (size_t)k;
		do
			r = serve_one(c);
		while (r == 1 && c->n > 0);
	}
	if (k <= 0 || r < 0) {
		(void)close(c->fd);
		free(c);
	}
}

static int
listen_on(uint16_t port)
{
	const int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	const int one = 1;
	const struct sockaddr_in a = { .sin_family = AF_INET,
		.sin_port = htons(port),
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK) };

	(void)setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
	(void)setsockopt(fd, SOL_SOCKET, SO_REUSEPORT, &one, sizeof(one));
	if (bind(fd, (const struct sockaddr *)&a, sizeof(a)) != 0 ||
	    listen(fd, 1024) != 0) {
		perror("upstream: listen");
		exit(1);
	}
	return fd;
}

static void *
serve(void *arg)
{
	const int ls = listen_on(*(const uint16_t *)arg);
	const int ep = epoll_create1(EPOLL_CLOEXEC);
	struct epoll_event ev = { .events = EPOLLIN, .data.ptr = NULL };
	struct epoll_event got[EVENTS];

	(void)epoll_ctl(ep, EPOLL_CTL_ADD, ls, &ev);
	for (;;) {
		const int n = epoll_wait(ep, got, EVENTS, -1);

		for (int i = 0; i < n; i++) {
			struct conn *c = got[i].data.ptr;
			const int one = 1;

			if (c != NULL) {
				readable(c);
				continue;
			}
			c = malloc(sizeof(*c));
			if (c == NULL)
				abort();
			c->n = 0;
			c->fd = accept4(
			    ls, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
			(void)setsockopt(
			    c->fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
			ev.events = EPOLLIN;
			ev.data.ptr = c;
			if (c->fd < 0 ||
			    epoll_ctl(ep, EPOLL_CTL_ADD, c->fd, &ev) != 0)
				free(c);
		}
	}
}

static int
stdio(void)
{
	static char line[IN_MAX], out[OUT_MAX];

	while (fgets(line, sizeof(line), stdin) != NULL) {
		size_t n = answer(line, strlen(line), out);

		if (n == 0)
			continue;
		out[n++] = '\n';
		if (write(STDOUT_FILENO, out, n) != (ssize_t)n)
			return 1;
	}
	return 0;
}

int
main(int argc, char **argv)
{
	static uint16_t port;
	int threads = argc > 3 ? (int)strtol(argv[3], NULL, 10) : 1;

	call_rest_make();
	if (argc == 2 && strcmp(argv[1], "--stdio") == 0)
		return stdio();
	if (argc < 3 || strcmp(argv[1], "--http") != 0) {
		(void)fprintf(stderr,
		    "usage: upstream --http PORT [THREADS] | --stdio\n");
		return 2;
	}
	port = (uint16_t)strtoul(argv[2], NULL, 10);
	while (--threads > 0) {
		pthread_t t;

		if (pthread_create(&t, NULL, serve, &port) != 0)
			return 1;
	}
	(void)serve(&port);
	return 0;
}
