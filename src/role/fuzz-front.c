/*
 * fuzz-front: the whole front on any bytes.  The first byte says how the judge
 * behaves, the second how the bytes are cut; the rest is what an agent sends.
 * The judge here is strict: a message that breaks the table would end us.
 */
#include "role/front-in.h"

#include <sys/socket.h>

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);

static struct loop *loop;
static struct front *front;
static struct chan *judge;
static struct buf tape = { .max = 1 << 16 };
static unsigned mood;

static void
say(enum msg_kind kind, uint64_t ref, bool event_id)
{
	struct msg m = msg_of(kind);

	msg_set(&m, F_REF, ref);
	if (kind == MSG_EVENT)
		msg_set_text(&m, F_NAME, STR("notifications/progress"));
	if (kind == MSG_EVENT && (mood & 1) != 0) {
		msg_set(&m, F_FLAGS, MF_REQUEST);
		msg_set_text(&m, F_ID, STR("\4\1\0\0\0005"));
	}
	if (kind == MSG_ANSWER && (mood & 2) != 0) {
		msg_set_text(&m, F_RESULT, STR("\7\0\0\0\0\0\0\0\0"));
		msg_set(&m, F_FLAGS, MF_FINAL);
	} else if (kind == MSG_ANSWER) {
		msg_set(&m, F_STATUS, 404);
	}
	if (event_id && kind != MSG_END)
		msg_set_text(&m, F_EVENT, STR("1.2"));
	(void)!chan_send(judge, &m);
}

static void
judge_got(struct chan *c, const struct msg *m)
{
	static const enum msg_kind kinds[] = { MSG_ANSWER, MSG_EVENT,
		MSG_ACCEPTED, MSG_END };
	const uint64_t ref = msg_num(m, F_REF);

	(void)c;
	if (!msg_has(m, F_REF) || m->kind == MSG_GONE)
		return;
	say(kinds[mood >> 2 & 3], ref, (mood & 64) != 0);
	say(kinds[mood >> 4 & 3], ref, (mood & 128) != 0);
}

static void
judge_lost(struct chan *c)
{
	(void)c;
	BUG_ON(front != NULL); /* the front broke the table */
}

static void
begin(void)
{
	static const struct chan_ops ops = { .got = judge_got,
		.lost = judge_lost };
	static const char image[] =
	    "{\"hosts\":[\"h\"],\"origins\":[\"http://o\"],\"tls\":null,"
	    "\"limits\":{\"body\":4096,\"head\":2048,\"depth\":16,"
	    "\"members\":200,\"string\":4096,\"connections\":4},"
	    "\"plans\":true,\"endpoints\":[{\"path\":\"/"
	    "mcp\",\"servers\":[0]}]}";
	struct chan_fds a, b;

	BUG_ON(json_parse(str_of(image), &json_default, &tape, NULL) != OK);
	loop = loop_new();
	loop_hooks(loop, chan_flush_all, chan_busy_any, NULL);
	front = front_new(loop, jv_of(buf_view(&tape)), 0, 1);
	BUG_ON(chan_pair(true, &a, &b) != OK);
	front_link(front, 0, &a);
	judge = chan_new(loop, &b, ROLE_JUDGE, ROLE_FRONT, 0, &ops, NULL);
}

static void
spin(int fd)
{
	char eaten[4096];
	size_t n;

	for (int i = 0; i < 3; i++)
		loop_once(loop, 0);
	while (fd_read(fd, eaten, sizeof(eaten), &n) == OK)
		continue;
}

int
LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	int sv[2];
	size_t cut, at = 2;

	if (front == NULL)
		begin();
	if (n < 3 || n > 16384 ||
	    socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, sv) < 0)
		return 0;
	mood = p[0];
	cut = p[1] == 0 ? n : p[1];
	conn_new(front, sv[1]);
	for (unsigned parts = 0; at < n; parts++) {
		const size_t part = parts < 16 && cut < n - at ? cut : n - at;
		size_t put = 0;

		if (fd_write(sv[0], (struct str){ (const char *)p + at, part },
			&put) != OK)
			break;
		at += put;
		spin(sv[0]);
	}
	spin(sv[0]);
	fd_close(&sv[0]);
	for (int i = 0; i < 4 || (i < 1000 && front->conn_n > 0); i++)
		loop_once(loop, i < 4 ? 0 : FRONT_MS);
	BUG_ON(front->conn_n != 0 || front->req_n != 0 || front->stream_n != 0);
	return 0;
}
