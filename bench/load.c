/*
 * load: agents that do nothing but call.  N kept-alive connections, each with
 * one tools/call under way at any time.  Every answer is checked: status, id,
 * the upstream's marker, no error.  It takes commands on stdin, so that many
 * targets can be measured in turn over connections that stay open:
 *
 *   load PORT PATH TOOL CONNECTIONS [--token T] [--legacy]
 *
 *   go MS     call for MS milliseconds, then print one JSON object
 *   rate N MS N calls a second, sent when they are due whatever becomes of
 *             those before; each is timed from when it was due, so a wait for
 *             a free connection counts
 *   quit      (or end of file)
 */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum {
	BODY = 574, /* bytes of the request's JSON */
	IN_MAX = 64 * 1024,
	OUT_MAX = 4096,
	SLOTS = 64 * 32, /* of the histogram: 32 to each power of two */
};

struct conn {
	int fd;
	bool busy, lost;
	uint64_t id, sent_ns;
	size_t n;
	char in[IN_MAX];
};

static struct {
	uint16_t port;
	const char *path, *tool, *token;
	char session[160]; /* header lines of a legacy session, or "" */
	bool legacy;
	unsigned n;
	int ep;
	struct conn *conn;
	uint64_t next_id;
} l;

static struct {
	uint64_t calls, errors, slot[SLOTS];
	char why[160];
} tally;

static uint64_t
now_ns(void)
{
	struct timespec t;

	(void)clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

/* ---- histogram: nanoseconds, 3 % wide slots ---- */
static size_t
slot_of(uint64_t ns)
{
	const unsigned top = ns < 32 ? 5 : 63u - (unsigned)__builtin_clzll(ns);

	return (size_t)(top * 32 + ((ns >> (top - 5)) & 31));
}

static double
quantile_us(double q)
{
	uint64_t want = (uint64_t)((double)tally.calls * q), seen = 0;

	for (size_t i = 0; i < SLOTS; i++) {
		seen += tally.slot[i];
		if (seen > want)
			return (double)((32 + i % 32) << (i / 32 - 5)) / 1000;
	}
	return 0;
}

/* ---- requests ---- */
#define META                                                                   \
	"\"_meta\":{\"io.modelcontextprotocol/protocolVersion\":"              \
	"\"2026-07-28\",\"io.modelcontextprotocol/clientInfo\":"               \
	"{\"name\":\"bench-load\",\"version\":\"1.0.0\"},"                     \
	"\"io.modelcontextprotocol/clientCapabilities\":{}},"

static size_t
body_make(uint64_t id, char out[static OUT_MAX])
{
	int n = snprintf(out, OUT_MAX,
	    "{\"jsonrpc\":\"2.0\",\"id\":%llu,\"method\":\"tools/call\","
	    "\"params\":{%s\"name\":\"%s\",\"arguments\":{\"text\":\"",
	    (unsigned long long)id, l.legacy ? "" : META, l.tool);

	while (n < BODY - 4) {
		out[n] = "pack my box with five dozen jugs "[n % 33];
		n++;
	}
	memcpy(out + n, "\"}}}", 5);
	return (size_t)n + 4;
}

static size_t
request_make(uint64_t id, char out[static 2 * OUT_MAX])
{
	char body[OUT_MAX], modern[256] = "";
	const size_t n = body_make(id, body);

	if (!l.legacy)
		(void)snprintf(modern, sizeof(modern),
		    "MCP-Protocol-Version: 2026-07-28\r\n"
		    "Mcp-Method: tools/call\r\nMcp-Name: %s\r\n",
		    l.tool);
	return (size_t)snprintf(out, 2 * OUT_MAX,
	    "POST %s HTTP/1.1\r\nHost: 127.0.0.1:%u\r\n%s%s%s%s%s"
	    "Content-Type: application/json\r\n"
	    "Accept: application/json, text/event-stream\r\n"
	    "Content-Length: %zu\r\n\r\n%s",
	    l.path, (unsigned)l.port, l.token ? "Authorization: Bearer " : "",
	    l.token ? l.token : "", l.token ? "\r\n" : "", l.session, modern, n,
	    body);
}

static void
went_wrong(struct conn *c, const char *what)
{
	tally.errors++;
	if (tally.why[0] == '\0')
		(void)snprintf(tally.why, sizeof(tally.why), "%s", what);
	for (char *p = tally.why; *p != '\0'; p++)
		if (*p < ' ' || *p == '"' || *p == '\\')
			*p = '.';
	if (c != NULL && !c->lost) {
		(void)close(c->fd);
		c->lost = true;
		c->busy = false;
	}
}

static void
send_call(struct conn *c, uint64_t due_ns)
{
	char out[2 * OUT_MAX];
	const size_t n = request_make(c->id = ++l.next_id, out);

	c->sent_ns = due_ns;
	c->busy = true;
	c->n = 0;
	if (send(c->fd, out, n, MSG_NOSIGNAL) != (ssize_t)n)
		went_wrong(c, "send failed");
}

/* ---- answers ---- */
/* Bytes of the body once all of it is there, else -1. */
static ssize_t
body_is_whole(const char *head, const char *body, const char *end)
{
	const char *v;
	size_t len;

	v = strcasestr(head, "\r\ncontent-length:");
	if (v != NULL && v < body) {
		len = strtoul(v + 17, NULL, 10);
		return (size_t)(end - body) >= len ? (ssize_t)len : -1;
	}
	if (end - body >= 5 && memcmp(end - 5, "0\r\n\r\n", 5) == 0)
		return end - body;
	return -1;
}

static void
check(struct conn *c, const char *body)
{
	char id[48];
	const uint64_t ns = now_ns() - c->sent_ns;

	(void)snprintf(
	    id, sizeof(id), "\"id\":%llu", (unsigned long long)c->id);
	if (strncmp(c->in, "HTTP/1.1 200", 12) != 0 ||
	    strstr(body, id) == NULL || strstr(body, "bench-answer") == NULL ||
	    strstr(body, "\"isError\":true") != NULL) {
		went_wrong(NULL, c->in);
		return;
	}
	tally.calls++;
	tally.slot[slot_of(ns)]++;
}

static void
readable(struct conn *c, bool again)
{
	const ssize_t k = recv(c->fd, c->in + c->n, IN_MAX - 1 - c->n, 0);
	char *gap;

	if (k < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	if (k <= 0) {
		went_wrong(c, k == 0 ? "closed" : "reset");
		return;
	}
	c->n += (size_t)k;
	c->in[c->n] = '\0';
	gap = strstr(c->in, "\r\n\r\n");
	if (gap == NULL || body_is_whole(c->in, gap + 4, c->in + c->n) < 0) {
		if (c->n == IN_MAX - 1)
			went_wrong(c, "answer too large");
		return;
	}
	c->busy = false;
	check(c, gap + 4);
	if (again)
		send_call(c, now_ns());
}

/* ---- connections ---- */
static int
dial(void)
{
	const int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	const int one = 1;
	const struct sockaddr_in a = { .sin_family = AF_INET,
		.sin_port = htons(l.port),
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK) };

	if (fd < 0 ||
	    connect(fd, (const struct sockaddr *)&a, sizeof(a)) != 0) {
		perror("load: connect");
		exit(1);
	}
	(void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
	return fd;
}

static void
connect_all(void)
{
	for (unsigned i = 0; i < l.n; i++) {
		struct conn *c = &l.conn[i];
		struct epoll_event ev = { .events = EPOLLIN, .data.ptr = c };

		if (c->fd > 0 && !c->lost)
			continue;
		c->fd = dial();
		c->lost = c->busy = false;
		if (epoll_ctl(l.ep, EPOLL_CTL_ADD, c->fd, &ev) != 0)
			exit(1);
	}
}

/* initialize and initialized, for a server that wants a session. */
static void
open_session(void)
{
	static const char init[] =
	    "{\"jsonrpc\":\"2.0\",\"id\":0,\"method\":\"initialize\","
	    "\"params\":{\"protocolVersion\":\"2025-11-25\",\"capabilities\":"
	    "{},\"clientInfo\":{\"name\":\"bench-load\",\"version\":\"1\"}}}";
	static const char done[] =
	    "{\"jsonrpc\":\"2.0\",\"method\":\"notifications/initialized\"}";
	const char *bodies[] = { init, done };
	char out[OUT_MAX], in[IN_MAX];

	for (int i = 0; i < 2; i++) {
		const int fd = dial();
		const struct timeval t = { .tv_sec = 5 };
		const char *v;
		ssize_t k;

		(void)setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &t, sizeof(t));
		k = snprintf(out, sizeof(out),
		    "POST %s HTTP/1.1\r\nHost: 127.0.0.1:%u\r\n%s"
		    "Content-Type: application/json\r\nAccept: application/"
		    "json, text/event-stream\r\nContent-Length: %zu\r\n\r\n%s",
		    l.path, (unsigned)l.port, l.session, strlen(bodies[i]),
		    bodies[i]);
		if (send(fd, out, (size_t)k, MSG_NOSIGNAL) != k)
			exit(1);
		k = recv(fd, in, sizeof(in) - 1, 0);
		in[k > 0 ? k : 0] = '\0';
		v = strcasestr(in, "\r\nmcp-session-id:");
		if (i == 0 && v != NULL)
			(void)snprintf(l.session, sizeof(l.session),
			    "Mcp-Session-Id: %.*s\r\nMCP-Protocol-Version: "
			    "2025-11-25\r\n",
			    (int)strcspn(v + 17 + (v[17] == ' '), "\r\n"),
			    v + 17 + (v[17] == ' '));
		(void)close(fd);
	}
}

/* ---- a slice ---- */
static unsigned
turn(uint64_t ns, bool again)
{
	struct epoll_event got[256];
	const struct timespec t = { (time_t)(ns / 1000000000),
		(long)(ns % 1000000000) };
	const int n = epoll_pwait2(l.ep, got, 256, &t, NULL);
	unsigned busy = 0;

	for (int i = 0; i < n; i++) {
		struct conn *c = got[i].data.ptr;

		if (!c->lost)
			readable(c, again);
	}
	for (unsigned i = 0; i < l.n; i++)
		busy += l.conn[i].busy;
	return busy;
}

static void
ended(uint64_t took)
{
	/* What is under way is awaited, so that the next slice starts clean. */
	for (int i = 0; i < 500 && turn(10000000, false) > 0; i++)
		;
	for (unsigned i = 0; i < l.n; i++)
		if (l.conn[i].busy)
			went_wrong(&l.conn[i], "no answer within 5 s");
	(void)printf("{\"calls\":%llu,\"errors\":%llu,\"seconds\":%.4f,"
		     "\"p50_us\":%.1f,\"p99_us\":%.1f,\"why\":\"%s\"}\n",
	    (unsigned long long)tally.calls, (unsigned long long)tally.errors,
	    (double)took / 1e9, quantile_us(0.5), quantile_us(0.99), tally.why);
	(void)fflush(stdout);
}

static void
slice(unsigned ms)
{
	uint64_t start;

	memset(&tally, 0, sizeof(tally));
	connect_all();
	start = now_ns();
	for (unsigned i = 0; i < l.n; i++)
		send_call(&l.conn[i], now_ns());
	while (now_ns() - start < ms * 1000000ull)
		if (turn(10000000, true) == 0)
			break;
	ended(now_ns() - start);
}

/* The next connection without a call under way; NULL: there is none. */
static struct conn *
idle_conn(void)
{
	static unsigned at;

	for (unsigned i = 0; i < l.n; i++) {
		struct conn *c = &l.conn[at++ % l.n];

		if (!c->busy && !c->lost)
			return c;
	}
	return NULL;
}

static void
paced(unsigned rate, unsigned ms)
{
	const uint64_t start = now_ns(), each = 1000000000u / rate;
	uint64_t due = start, now = start;

	memset(&tally, 0, sizeof(tally));
	connect_all();
	while (now - start < ms * 1000000ull) {
		struct conn *c = due <= now ? idle_conn() : NULL;

		if (c != NULL) {
			send_call(c, due);
			due += each;
		} else {
			(void)turn(due > now ? due - now : 100000, false);
		}
		now = now_ns();
	}
	ended(now - start);
}
int
main(int argc, char **argv)
{
	char line[64];

	if (argc < 5)
		return 2;
	l.port = (uint16_t)strtoul(argv[1], NULL, 10);
	l.path = argv[2];
	l.tool = argv[3];
	l.n = (unsigned)strtoul(argv[4], NULL, 10);
	for (int i = 5; i < argc; i++) {
		if (strcmp(argv[i], "--legacy") == 0)
			l.legacy = true;
		else if (strcmp(argv[i], "--token") == 0 && i + 1 < argc)
			l.token = argv[++i];
		else
			return 2;
	}
	l.conn = calloc(l.n, sizeof(*l.conn));
	l.ep = epoll_create1(EPOLL_CLOEXEC);
	if (l.conn == NULL || l.ep < 0)
		return 1;
	if (l.legacy)
		open_session();
	connect_all();
	while (fgets(line, sizeof(line), stdin) != NULL) {
		char *rest = line;

		if (strncmp(line, "rate ", 5) == 0) {
			const unsigned rate =
			    (unsigned)strtoul(line + 5, &rest, 10);

			if (rate == 0)
				break;
			paced(rate, (unsigned)strtoul(rest, NULL, 10));
		} else if (strncmp(line, "go ", 3) == 0) {
			slice((unsigned)strtoul(line + 3, NULL, 10));
		} else {
			break;
		}
	}
	return 0;
}
