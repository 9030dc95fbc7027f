/*
 * bench-wire: what bytes to frames and back cost.  Each line is the median of
 * 21 rounds of about 2 ms on warm buffers, with the fastest round beside it;
 * all input is made here.  An idle TLS connection is measured as the growth of
 * the heap over 1000 server ends that have each answered one call.
 */
#include "wire/test-tls.h"

#include "bench-in.h"

#include <malloc.h>

enum { ROUND_NS = 2000000, IDLE = 1000 };

#define REQUEST                                                                \
	"POST /mcp HTTP/1.1\r\nHost: 127.0.0.1:8642\r\n"                       \
	"User-Agent: mcp-client/1.2.3\r\n"                                     \
	"Accept: application/json, text/event-stream\r\n"                      \
	"Content-Type: application/json\r\nContent-Length: 187\r\n"            \
	"Authorization: Bearer 0123456789abcdef0123456789abcdef01234567\r\n"   \
	"Mcp-Session-Id: 0123456789abcdef0123456789abcdef\r\n"                 \
	"Mcp-Protocol-Version: 2025-11-25\r\n"                                 \
	"Connection: keep-alive\r\n\r\n"
#define RESPONSE                                                               \
	"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n"               \
	"Cache-Control: no-cache\r\nDate: Mon, 23 Nov 2026 18:00:00 GMT\r\n"   \
	"Transfer-Encoding: chunked\r\nConnection: keep-alive\r\n\r\n"

struct job {
	struct buf chunks, events, lines, out;
	struct tls_ctx *client, *server;
	struct ends ends;
	struct str kilobyte;
	struct id ca, id;
};

static void
run_request(void *arg)
{
	struct job *j = arg;
	struct http_head h;
	size_t used;

	(void)j;
	BUG_ON(http_head_read(
		   STR(REQUEST), false, HTTP_HEAD_MAX, &h, &used, NULL) != OK);
}

static void
run_response(void *arg)
{
	struct job *j = arg;
	struct http_head h;
	size_t used;

	(void)j;
	BUG_ON(http_head_read(
		   STR(RESPONSE), true, HTTP_HEAD_MAX, &h, &used, NULL) != OK);
}

static void
run_chunks(void *arg)
{
	struct job *j = arg;
	const struct http_head h = { .length = (uint64_t)HTTP_CHUNKED };
	struct http_body b = http_body_of(&h, BUF_MAX);
	struct str in = buf_view(&j->chunks), data;
	enum err e = ERR_MORE;

	while (e == ERR_MORE) {
		size_t n;

		e = http_body_read(&b, in, &n, &data);
		in = str_sub(in, n, in.n);
	}
	BUG_ON(e != OK);
}

static void
see_event(void *arg, const struct sse_event *e)
{
	BUG_ON(arg != NULL || !e->has_data);
}

static void
run_events(void *arg)
{
	struct job *j = arg;
	struct sse s;

	sse_init(&s, BUF_MAX);
	BUG_ON(sse_read(&s, buf_view(&j->events), see_event, NULL) != OK);
	sse_done(&s);
}

static void
run_write(void *arg)
{
	struct job *j = arg;
	const struct sse_event e = { .data = j->kilobyte };

	buf_clear(&j->out);
	sse_write(&j->out, &e);
}

static void
see_line(void *arg, struct str line)
{
	BUG_ON(arg != NULL || line.n == 0);
}

static void
run_lines(void *arg)
{
	struct job *j = arg;
	struct lines l = { .part.max = BUF_MAX };

	BUG_ON(lines_read(&l, buf_view(&j->lines), see_line, NULL) != OK);
	buf_done(&l.part);
}

static void
run_handshake(void *arg)
{
	struct job *j = arg;
	struct ends e;

	BUG_ON(!ends_make(&e, j->client, j->server, STR("tool.example")));
	pump(&e, SIZE_MAX);
	BUG_ON(!tls_ready(e.server));
	ends_done(&e);
}

static void
exchange(struct ends *e, struct str s)
{
	buf_clear(&e->at_server);
	buf_clear(&e->at_client);
	BUG_ON(tls_out(e->client, s, &e->up) != OK);
	pump(e, SIZE_MAX);
	BUG_ON(tls_out(e->server, s, &e->down) != OK);
	pump(e, SIZE_MAX);
	BUG_ON(e->at_client.n != s.n || e->at_server.n != s.n);
}

static void
run_record(void *arg)
{
	struct job *j = arg;

	exchange(&j->ends, j->kilobyte);
}

static const struct {
	const char *name;
	void (*run)(void *job);
} kinds[] = {
	{ "request head, 9 fields", run_request },
	{ "response head, 5 fields", run_response },
	{ "64 chunks of 1 KB", run_chunks },
	{ "64 events of 1 KB", run_events },
	{ "64 lines of 1 KB", run_lines },
	{ "writing an event of 1 KB", run_write },
	{ "TLS handshake, both ends, P-256", run_handshake },
	{ "TLS 1 KB there and back, both ends", run_record },
};

static void
measure(struct job *j, size_t kind)
{
	double best, ns = bench_ns(kinds[kind].run, j, ROUND_NS, &best);

	printf(
	    "wire %-36s %10.0f ns (best %.0f)\n", kinds[kind].name, ns, best);
}

/* Client ends and the wire's buffers are freed; server ends stay. */
static void
measure_idle(struct job *j)
{
	struct tls **held = mem_get(IDLE * sizeof(struct tls *));
	struct mallinfo2 before, after;

	run_handshake(j); /* what the context itself keeps comes first */
	before = mallinfo2();
	for (size_t i = 0; i < IDLE; i++) {
		struct ends e;

		BUG_ON(
		    !ends_make(&e, j->client, j->server, STR("tool.example")));
		pump(&e, SIZE_MAX);
		exchange(&e, j->kilobyte);
		held[i] = e.server;
		e.server = NULL;
		ends_done(&e);
	}
	after = mallinfo2();
	printf("wire %-36s %10zu bytes\n", "an idle TLS connection (server)",
	    (after.uordblks - before.uordblks) / IDLE);
	for (size_t i = 0; i < IDLE; i++)
		tls_free(held[i]);
	mem_free(held);
}

static void
make(struct job *j)
{
	static const struct wish root = { "P-256", "root", NULL, NULL, -9, 99 };
	static const struct wish leaf = { "P-256", "x", "DNS:tool.example",
		NULL, -1, 9 };
	static char kilobyte[1024];
	struct tls_setup c = { 0 }, s = { .server = true };

	memset(kilobyte, 'x', sizeof(kilobyte));
	*j = (struct job){ .chunks.max = BUF_MAX,
		.events.max = BUF_MAX,
		.lines.max = BUF_MAX,
		.out.max = BUF_MAX,
		.kilobyte = { kilobyte, sizeof(kilobyte) } };
	for (int i = 0; i < 64; i++) {
		buf_str(&j->chunks, STR("400\r\n"));
		buf_str(&j->chunks, j->kilobyte);
		buf_str(&j->chunks, STR("\r\n"));
		buf_str(&j->events, STR("event: message\ndata: "));
		buf_str(&j->events, j->kilobyte);
		buf_str(&j->events, STR("\n\n"));
		buf_str(&j->lines, j->kilobyte);
		buf_str(&j->lines, STR("\n"));
	}
	buf_str(&j->chunks, STR("0\r\n\r\n"));
	j->ca = id_make(&root, NULL);
	j->id = id_make(&leaf, &j->ca);
	c.trust_pem = buf_view(&j->ca.cert_pem);
	s.cert_pem = buf_view(&j->id.cert_pem);
	s.key_pem = buf_view(&j->id.key_pem);
	j->client = ctx_make(&c);
	j->server = ctx_make(&s);
	BUG_ON(!ends_make(&j->ends, j->client, j->server, STR("tool.example")));
	pump(&j->ends, SIZE_MAX);
}

int
main(void)
{
	struct job j;
	struct buf *bufs[] = { &j.chunks, &j.events, &j.lines, &j.out };

	make(&j);
	for (size_t k = 0; k < countof(kinds); k++)
		measure(&j, k);
	measure_idle(&j);
	ends_done(&j.ends);
	tls_ctx_free(j.client);
	tls_ctx_free(j.server);
	id_done(&j.id);
	id_done(&j.ca);
	for (size_t i = 0; i < countof(bufs); i++)
		buf_done(bufs[i]);
	return 0;
}
