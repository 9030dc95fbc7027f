/*
 * test-desk.h: the role in this process, a parent and a judge played by hand,
 * real sockets on loopback and in a directory of our own.
 */
#ifndef TEST_DESK_H
#define TEST_DESK_H

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

/* ---- the judge: keeps what it was asked last ---- */
static struct {
	struct chan *chan;
	unsigned n;
	uint64_t ref, flags;
	char params[4096], request[200];
	unsigned char cred[32];
} judge;

static void
judge_got(struct chan *c, const struct msg *m)
{
	struct buf b = { .max = sizeof(judge.params) };

	(void)c;
	json_write(msg_tree(m, F_PARAMS), &b);
	(void)snprintf(
	    judge.params, sizeof(judge.params), "%.*s", STR_ARG(buf_view(&b)));
	buf_done(&b);
	(void)snprintf(judge.request, sizeof(judge.request), "%.*s",
	    STR_ARG(msg_text(m, F_TEXT)));
	memcpy(judge.cred, msg_text(m, F_CRED).p, 32);
	judge.ref = msg_num(m, F_REF);
	judge.flags = msg_num(m, F_FLAGS);
	judge.n++;
}

static void
judge_lost(struct chan *c)
{
	chan_free(c);
	judge.chan = NULL;
}

static const struct chan_ops judge_ops = { judge_got, judge_lost };

/* A judge of this cell, as the parent would link it. */
static void
judge_link(unsigned cell, bool boot)
{
	struct chan_fds ours, its;

	if (chan_pair(false, &ours, &its) != OK)
		exit(1);
	judge.chan = chan_new(
	    env.loop, &its, ROLE_JUDGE, ROLE_DESK, 0, &judge_ops, NULL);
	if (boot) {
		env.link[0].peer = ROLE_JUDGE;
		env.link[0].instance = cell;
		env.link[0].fds = ours;
		env.link_n = 1;
	} else {
		role_desk.link(&env, ROLE_JUDGE, cell, &ours);
	}
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

static void
begin(const char *image_text)
{
	struct note why = { "" };
	struct chan_fds ours, its;

	if (json_parse(str_of(image_text), &json_default, &image, NULL) != OK)
		exit(1);
	env.id = ROLE_DESK;
	env.cells = 1;
	env.image = jv_of(buf_view(&image));
	env.loop = loop_new();
	env.pages = pages[0];
	env.pages_n = 2;
	loop_hooks(env.loop, chan_flush_all, chan_busy_any, NULL);
	if (chan_pair(false, &ours, &its) != OK)
		exit(1);
	env.parent = chan_new(
	    env.loop, &ours, ROLE_DESK, ROLE_PARENT, 0, &desk_ops, NULL);
	parent.chan = chan_new(
	    env.loop, &its, ROLE_PARENT, ROLE_DESK, 0, &parent_ops, NULL);
	listeners();
	judge_link(0, true);
	ok(role_desk.prepare(&env, &why) == OK, "the role prepares %s",
	    why.text);
}

#endif
