/*
 * test-front.h: the world around one role front, all in one process and one
 * loop: an agent made of bytes, and a judge made of messages that keeps the
 * last one it saw and answers when it is told to.
 */
#ifndef TEST_FRONT_H
#define TEST_FRONT_H

#include "role/front-in.h"

#include "base/tap.h"

#include <arpa/inet.h>
#include <sys/socket.h>
#include <unistd.h>

static struct loop *loop;
static struct front *front;
static struct chan *judge;
static struct buf image_tape = { .max = 1 << 16 };
static bool drained;

/* ---- the judge: keeps the last message, answers when told to ---- */

static struct {
	unsigned n; /* messages of any kind but REFUSED and GONE */
	unsigned refused, gone, lost;
	enum msg_kind kind;
	uint64_t ref, flags, era, method, where;
	char name[64], session[64], version[32], id[64], params[256];
	char heads[128], event[32], token[32];
	unsigned char cred[32];
	bool has_cred, has_ref;
} seen;

static inline void
text_of(char *to, size_t cap, struct str s)
{
	(void)snprintf(to, cap, "%.*s", STR_ARG(s));
}

static inline void
tree_of(char *to, size_t cap, struct jv v)
{
	struct buf b = { .max = cap - 1 };

	to[0] = '\0';
	if (jv_is(v, J_NONE))
		return;
	json_write(v, &b);
	text_of(to, cap, buf_view(&b));
	buf_done(&b);
}

static inline void
judge_got(struct chan *c, const struct msg *m)
{
	const struct str cred = msg_text(m, F_CRED);

	(void)c;
	if (m->kind == MSG_REFUSED || m->kind == MSG_GONE) {
		seen.refused += m->kind == MSG_REFUSED;
		seen.gone += m->kind == MSG_GONE;
		return;
	}
	seen.n++;
	seen.kind = m->kind;
	seen.ref = msg_num(m, F_REF);
	seen.has_ref = msg_has(m, F_REF);
	seen.flags = msg_num(m, F_FLAGS);
	seen.era = msg_num(m, F_ERA);
	seen.method = msg_num(m, F_METHOD);
	seen.where = msg_num(m, F_WHERE);
	text_of(seen.name, sizeof(seen.name), msg_text(m, F_NAME));
	text_of(seen.session, sizeof(seen.session), msg_text(m, F_SESSION));
	text_of(seen.version, sizeof(seen.version), msg_text(m, F_VERSION));
	text_of(seen.event, sizeof(seen.event), msg_text(m, F_EVENT));
	tree_of(seen.id, sizeof(seen.id), msg_tree(m, F_ID));
	tree_of(seen.params, sizeof(seen.params), msg_tree(m, F_PARAMS));
	tree_of(seen.heads, sizeof(seen.heads), msg_tree(m, F_HEADS));
	tree_of(seen.token, sizeof(seen.token), msg_tree(m, F_TOKEN));
	seen.has_cred = cred.n == 32;
	if (seen.has_cred)
		memcpy(seen.cred, cred.p, 32);
}

static inline void
judge_lost(struct chan *c)
{
	chan_free(c);
	judge = NULL;
}

static const struct chan_ops judge_ops = { .got = judge_got,
	.lost = judge_lost };

static inline void
judge_begin(void)
{
	struct chan_fds a, b;

	if (chan_pair(true, &a, &b) != OK)
		exit(1);
	front_link(front, 0, &a);
	judge = chan_new(loop, &b, ROLE_JUDGE, ROLE_FRONT, 0, &judge_ops, NULL);
}

static inline void
judge_says(struct msg *m)
{
	if (chan_send(judge, m) != OK)
		printf("# the judge could not send\n");
}

/* An ANSWER, EVENT, ACCEPTED or END with one tree of JSON text. */
static inline void
judge_send(enum msg_kind kind, uint64_t ref, enum msg_field field,
    const char *json, uint64_t flags)
{
	struct buf t = { .max = 1 << 16 };
	struct msg m = msg_of(kind);

	msg_set(&m, F_REF, ref);
	if (flags != 0)
		msg_set(&m, F_FLAGS, flags);
	if (json != NULL) {
		if (json_parse(str_of(json), &json_default, &t, NULL) != OK)
			exit(1);
		msg_set_tree(&m, field, jv_of(buf_view(&t)));
	}
	if (kind == MSG_EVENT)
		msg_set_text(&m, F_NAME, STR("notifications/progress"));
	judge_says(&m);
	buf_done(&t);
}

static inline void
answer(const char *result)
{
	judge_send(MSG_ANSWER, seen.ref, F_RESULT, result, MF_FINAL);
}

/* ---- the agent ---- */

static int agent = -1;
static char got[1 << 20];
static size_t got_n;

static inline void
spin(void)
{
	for (int i = 0; i < 6; i++)
		loop_once(loop, 0);
}

static inline void
agent_new(void)
{
	int sv[2];

	if (agent >= 0)
		(void)close(agent);
	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, sv) < 0)
		exit(1);
	spin(); /* the end of the last one is seen */
	agent = sv[0];
	conn_new(front, sv[1]);
	got_n = 0;
	got[0] = '\0';
}

static inline bool
agent_read(void)
{
	size_t n;
	enum err e;

	while ((e = fd_read(agent, got + got_n, sizeof(got) - 1 - got_n, &n)) ==
	       OK)
		got_n += n;
	got[got_n] = '\0';
	return e != ERR_GONE;
}

static inline void
agent_write(const char *p, size_t n)
{
	while (n > 0) {
		size_t put = 0;
		const enum err e = fd_write(agent, (struct str){ p, n }, &put);

		if (e != OK && e != ERR_MORE)
			return;
		p += put;
		n -= put;
		loop_once(loop, 0);
	}
}

/* Writes, lets the house work, reads.  False: the connection has ended. */
static inline bool
agent_says(const char *text)
{
	got_n = 0;
	agent_write(text, strlen(text));
	spin();
	return agent_read();
}

static inline bool
agent_hears(void)
{
	got_n = 0;
	spin();
	return agent_read();
}

static inline int
status(void)
{
	return got_n > 12 ? (int)strtol(got + 9, NULL, 10) : 0;
}

static inline const char *
body(void)
{
	const char *p = strstr(got, "\r\n\r\n");

	return p == NULL ? "" : p + 4;
}

static inline bool
has(const char *text)
{
	return strstr(got, text) != NULL;
}

/* ---- requests ---- */

#define HOST "Host: h:1\r\n"
#define JSON "Content-Type: application/json\r\n"
#define SESSION "Mcp-Session-Id: 0-abc\r\n"
#define PING "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"ping\"}"
#define CALL(rest)                                                             \
	"{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"tools/call\",\"params\":{" \
	"\"name\":\"x\"" rest "}}"
#define META                                                                   \
	"\"_meta\":{\"io.modelcontextprotocol/protocolVersion\":"              \
	"\"2026-07-28\",\"io.modelcontextprotocol/clientCapabilities\":{}}"

/* A POST with the right length. */
static inline const char *
post(const char *heads, const char *text)
{
	static char b[70000];

	(void)snprintf(b, sizeof(b),
	    "POST /mcp HTTP/1.1\r\n%sContent-Length: %zu\r\n\r\n%s", heads,
	    strlen(text), text);
	return b;
}

/* ---- a front from begin to end ---- */

static inline void
on_drained(struct front *f)
{
	(void)f;
	drained = true;
}

static inline void
begin(void)
{
	static const char image[] =
	    "{\"hosts\":[\"h:1\"],\"origins\":[\"http://ok\"],\"tls\":null,"
	    "\"limits\":{\"body\":65536,\"head\":8192,\"depth\":8,"
	    "\"members\":1000,\"string\":65536,\"connections\":4,"
	    "\"streams\":8,\"idle_ms\":60000},"
	    "\"endpoints\":[{\"path\":\"/mcp\",\"servers\":[0,1]},"
	    "{\"path\":\"/s/fs/mcp\",\"servers\":[0]},"
	    "{\"path\":\"/s/w/mcp\",\"servers\":[1]}]}";

	buf_clear(&image_tape);
	if (json_parse(str_of(image), &json_default, &image_tape, NULL) != OK)
		exit(1);
	front = front_new(loop, jv_of(buf_view(&image_tape)), 0, 1);
	front->drained = on_drained;
	drained = false;
	judge_begin();
}

static inline void
end(void)
{
	if (agent >= 0)
		(void)close(agent);
	agent = -1;
	front_free(front);
	spin();
	chan_free(judge);
	judge = NULL;
}

static inline void
world_begin(void)
{
	loop = loop_new();
	loop_hooks(loop, chan_flush_all, chan_busy_any, NULL);
	begin();
}

static inline void
world_end(void)
{
	end();
	loop_free(loop);
	buf_done(&image_tape);
}

#endif
