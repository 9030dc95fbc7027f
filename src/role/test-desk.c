/* test-desk: the role in this process, a parent played by hand, real sockets
 * on loopback and in a directory of our own. */
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/tap.h"
#include "role/role.h"

static struct role_env env;
static struct buf image = { .max = 1 << 16 };
static char path[64];
static unsigned port;
static uint64_t pages[2][ROLE_PAGE / 8];

/* ---- the parent ---- */
static struct {
	struct chan *chan;
	char word[32];
	unsigned words;
	bool mute;
	const char *answer;
} parent;

static const char well[] =
    "{\"serving\":true,\"roles\":["
    "{\"role\":\"load\",\"instance\":0,\"ready\":false,\"restarts\":0},"
    "{\"role\":\"judge\",\"instance\":0,\"ready\":true,\"restarts\":3}]}";
static const char unwell[] =
    "{\"serving\":true,\"roles\":["
    "{\"role\":\"judge\",\"instance\":0,\"ready\":false,\"restarts\":3},"
    "{\"role\":\"back\",\"instance\":1,\"ready\":false,\"restarts\":0}]}";

/* What desk sends comes here. */
static void
parent_got(struct chan *c, const struct msg *m)
{
	struct msg r = msg_of(MSG_STATUS);

	(void)snprintf(parent.word, sizeof(parent.word), "%.*s",
	    STR_ARG(msg_text(m, F_NAME)));
	parent.words++;
	if (parent.mute)
		return;
	msg_set(&r, F_REF, msg_num(m, F_REF));
	msg_set_text(&r, F_TEXT, str_of(parent.answer));
	if (chan_send(c, &r) != OK)
		exit(1);
}

/* What the parent sends is handed on as role.c does. */
static void
desk_got(struct chan *c, const struct msg *m)
{
	(void)c;
	role_desk.from_parent(&env, m);
}

static void
nobody(struct chan *c)
{
	(void)c;
}

static const struct chan_ops parent_ops = { parent_got, nobody };
static const struct chan_ops desk_ops = { desk_got, nobody };

/* ---- clients ---- */
static int
client(bool http)
{
	struct sockaddr_in in = { .sin_family = AF_INET,
		.sin_port = htons((uint16_t)port),
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	struct sockaddr_un un = { .sun_family = AF_UNIX };
	const int fd =
	    socket(http ? AF_INET : AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	(void)snprintf(un.sun_path, sizeof(un.sun_path), "%s", path);
	if (fd < 0 ||
	    connect(fd,
		http ? (const struct sockaddr *)&in
		     : (const struct sockaddr *)&un,
		http ? sizeof(in) : sizeof(un)) < 0 ||
	    fd_nonblock(fd) != OK)
		exit(1);
	return fd;
}

static char got[65536];
static size_t got_n;

/* Sends, then rounds until the other end closes or `until` was read. */
static bool
talk(int fd, const char *text, const char *until)
{
	const size_t n = strlen(text);

	got_n = 0;
	if (n > 0 && write(fd, text, n) != (ssize_t)n)
		return false;
	for (int i = 0; i < 400; i++) {
		ssize_t r;

		loop_once(env.loop, 5000000);
		r = read(fd, got + got_n, sizeof(got) - 1 - got_n);
		if (r == 0)
			return until == NULL;
		if (r < 0)
			continue;
		got_n += (size_t)r;
		got[got_n] = '\0';
		if (until != NULL && strstr(got, until) != NULL)
			return true;
	}
	return false;
}

/* One request on a connection of its own; the status, 0: no answer. */
static unsigned
http(const char *text)
{
	const int fd = client(true);
	unsigned status = 0;

	got[0] = '\0';
	if (talk(fd, text, NULL))
		(void)sscanf(got, "HTTP/1.1 %u ", &status);
	(void)close(fd);
	return status;
}

static unsigned
get(const char *target, const char *host, const char *more)
{
	char text[1024];

	(void)snprintf(text, sizeof(text),
	    "GET %s HTTP/1.1\r\nHost: %s\r\n%s\r\n", target, host, more);
	return http(text);
}

static char own[32];

static void
test_http(void)
{
	parent.answer = well;
	ok(get("/healthz", own, "") == 200 &&
		strstr(got, "\"ok\":true") != NULL,
	    "well");
	ok(strcmp(parent.word, "status") == 0, "the parent was asked");
	parent.answer = unwell;
	ok(get("/healthz", own, "") == 503 &&
		strstr(got, "\"ok\":false") != NULL &&
		strstr(got, "{\"role\":\"back\",\"instance\":1}") != NULL,
	    "a process that is down");
	parent.answer = "{\"serving\":false,\"roles\":[]}";
	ok(get("/healthz", own, "") == 503, "a house that ends");
	parent.answer = "what?";
	ok(get("/healthz", own, "") == 503, "an answer that is none");
	parent.answer = well;
	pages[1][CNT_LEDGER_BROKEN] = 1;
	ok(get("/healthz", own, "") == 503 &&
		strstr(got, "\"ledgers_broken\":1") != NULL,
	    "a ledger that refuses");
	pages[1][CNT_LEDGER_BROKEN] = 0;
	parent.mute = true;
	ok(get("/healthz", own, "") == 503, "a parent that does not answer");
	parent.mute = false;
	ok(get("/healthz", own, "") == 200, "and all is well again");
}

static void
test_metrics(void)
{
	pages[0][CNT_CALLS] = 40;
	pages[1][CNT_CALLS] = 2;
	ok(get("/metrics", own, "") == 200 &&
		strstr(got, "\ngatehouse_calls_total 42\n") != NULL &&
		strstr(got, "# TYPE gatehouse_calls_total counter\n") != NULL,
	    "counters are summed over all processes");
	ok(strstr(got, "gatehouse_process_restarts_total{role=\"judge\","
		       "instance=\"0\"} 3\n") != NULL &&
		strstr(got, "gatehouse_process_ready{role=\"judge\","
			    "instance=\"0\"} 1\n") != NULL,
	    "restarts are told for each");
	ok(strstr(got, "# TYPE gatehouse_ledger_broken gauge\n") != NULL,
	    "what is no total is a gauge");
}

static void
test_refused(void)
{
	const unsigned before = parent.words;
	char host[64];

	ok(get("/", own, "") == 404, "another path");
	ok(get("/healthz?x=1", own, "") == 404, "a query");
	(void)snprintf(host, sizeof(host), "evil.example:%u", port);
	ok(get("/healthz", host, "") == 403, "another name for this host");
	(void)snprintf(host, sizeof(host), "127.0.0.1:%u", port + 1);
	ok(get("/healthz", host, "") == 403, "another port");
	ok(get("/healthz", own, "Origin: http://evil.example\r\n") == 403,
	    "a page of somebody else");
	ok(http("GET /healthz HTTP/1.1\r\n\r\n") == 400, "no host");
	ok(http("POST /healthz HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n") == 403,
	    "a host without its port");
	ok(http("GET /healthz HTTP/1.1\nHost: x\n\n") == 400, "bare LF");
	(void)snprintf(host, sizeof(host), "LOCALHOST:%u", port);
	ok(parent.words == before, "none of these reached the parent");
	ok(get("/healthz", host, "") == 200, "localhost is a name of ours");
	{
		char text[256];

		(void)snprintf(text, sizeof(text),
		    "DELETE /healthz HTTP/1.1\r\nHost: %s\r\n\r\n", own);
		ok(http(text) == 405 && strstr(got, "Allow: GET") != NULL,
		    "another method");
		(void)snprintf(text, sizeof(text),
		    "GET /healthz HTTP/1.1\r\nHost: %s\r\n"
		    "Content-Length: 3\r\n\r\nabc",
		    own);
		ok(http(text) == 413, "a body");
	}
	{
		static char text[12000];

		memset(text, 'a', sizeof(text) - 1);
		memcpy(text, "GET /", 5);
		ok(http(text) >= 400, "a head without end");
	}
}

static void
test_words(void)
{
	int fd = client(false);

	parent.answer = well;
	ok(talk(fd, "status\n", "]}\n") && got[0] == '{' &&
		strchr(got, '\n') == got + got_n - 1,
	    "status is one line of JSON");
	parent.answer = "stopping";
	ok(talk(fd, "stop\n", "\n") &&
		strcmp(got, "{\"answer\":\"stopping\"}\n") == 0 &&
		strcmp(parent.word, "stop") == 0,
	    "a word of the parent becomes one");
	parent.answer = "{}";
	ok(talk(fd, "reload\nstatus\n", "{}\n{}\n"), "two words at once");
	ok(talk(fd, "quit\n", NULL) && strstr(got, "\"error\"") != NULL,
	    "another word ends it");
	(void)close(fd);
	fd = client(false);
	ok(talk(fd,
	       "status status status status status status status status "
	       "status status",
	       NULL) &&
		strstr(got, "\"error\"") != NULL,
	    "so does a line without end");
	(void)close(fd);
	fd = client(false);
	(void)!write(fd, "sta", 3);
	loop_once(env.loop, 1000000);
	ok(talk(fd, "tus\n", "{}\n"), "a word may come in parts");
	(void)close(fd);
	fd = client(false);
	(void)!write(fd, "status\nstatus\n", 14);
	(void)shutdown(fd, SHUT_WR);
	ok(talk(fd, "", NULL) && strcmp(got, "{}\n{}\n") == 0,
	    "who says no more still gets the answers");
	(void)close(fd);
}

static void
test_many(void)
{
	int fd[80];
	unsigned closed = 0;
	char c;

	for (size_t i = 0; i < countof(fd); i++) {
		fd[i] = client(true);
		loop_once(env.loop, 1000000);
	}
	for (int i = 0; i < 5; i++)
		loop_once(env.loop, 1000000);
	for (size_t i = 0; i < countof(fd); i++)
		closed += read(fd[i], &c, 1) == 0;
	ok(closed == countof(fd) - 64, "of 80 connections 64 are held (%u)",
	    closed);
	for (size_t i = 0; i < countof(fd); i++)
		(void)close(fd[i]);
	for (int i = 0; i < 5; i++)
		loop_once(env.loop, 1000000);
	parent.answer = well;
	ok(get("/healthz", own, "") == 200, "and then there is room again");
}

static void
give(const char *name, int fd)
{
	env.given[env.given_n].kind = MSG_LISTEN;
	(void)snprintf(
	    env.given[env.given_n].name, sizeof(env.given[0].name), "%s", name);
	env.given[env.given_n++].fd[0] = fd;
}

static void
listeners(void)
{
	struct sockaddr_in in = { .sin_family = AF_INET,
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	struct sockaddr_un un = { .sun_family = AF_UNIX };
	socklen_t n = sizeof(in);
	const int h = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	const int c = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	(void)snprintf(
	    path, sizeof(path), "/tmp/gatehouse-desk-%d.sock", (int)getpid());
	(void)snprintf(un.sun_path, sizeof(un.sun_path), "%s", path);
	if (h < 0 || c < 0 ||
	    bind(h, (const struct sockaddr *)&in, sizeof(in)) < 0 ||
	    bind(c, (const struct sockaddr *)&un, sizeof(un)) < 0 ||
	    listen(h, 128) < 0 || listen(c, 128) < 0 ||
	    getsockname(h, (struct sockaddr *)&in, &n) < 0)
		exit(1);
	port = ntohs(in.sin_port);
	(void)snprintf(own, sizeof(own), "127.0.0.1:%u", port);
	give("desk", h);
	give("control", c);
}

int
main(void)
{
	struct note why = { "" };
	struct chan_fds ours, its;
	size_t top;

	top = tape_obj(&image);
	tape_key(&image, STR("desk"));
	tape_str(&image, STR("127.0.0.1:0"));
	tape_end(&image, top, 1);
	env.id = ROLE_DESK;
	env.image = jv_of(buf_view(&image));
	env.loop = loop_new();
	env.pages = pages[0];
	env.pages_n = 2;
	loop_hooks(env.loop, chan_flush_all, chan_busy_any, NULL);
	if (chan_pair(false, &ours, &its) != OK)
		return 1;
	env.parent = chan_new(
	    env.loop, &ours, ROLE_DESK, ROLE_PARENT, 0, &desk_ops, NULL);
	parent.chan = chan_new(
	    env.loop, &its, ROLE_PARENT, ROLE_DESK, 0, &parent_ops, NULL);
	listeners();
	ok(role_desk.prepare(&env, &why) == OK, "the role prepares %s",
	    why.text);
	test_http();
	test_metrics();
	test_refused();
	test_words();
	test_many();
	(void)unlink(path);
	return tap_done();
}
