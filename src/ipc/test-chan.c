/* Channels: both transports, in one process and across fork, honest peers and
 * hostile ones. */
#include "ipc/ipc-in.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/tap.h"

static struct loop *lp;

/* One end and what it saw. */
struct seen {
	struct chan *c;
	int got, lost;
	uint64_t last;	/* F_CALL */
	uint64_t bytes; /* of F_BYTES */
	uint64_t hash;	/* of the last F_BYTES */
	bool in_order;
	int fd[MSG_FDS];
	int free_at; /* frees itself at this message */
	bool echo;
};

static void
got(struct chan *c, const struct msg *m)
{
	struct seen *s = chan_owner(c);
	const struct str b = msg_text(m, F_BYTES);

	s->got++;
	if (m->kind == MSG_SEAL || m->kind == MSG_UNSEALED) {
		s->in_order =
		    s->in_order && msg_num(m, F_CALL) == (uint64_t)s->got;
		s->last = msg_num(m, F_CALL);
	}
	s->bytes += b.n;
	s->hash = hash64(b, 1);
	for (size_t i = 0; i < MSG_FDS; i++)
		s->fd[i] = m->fd[i];
	if (s->echo) {
		struct msg r = msg_of(MSG_UNSEALED);

		msg_set(&r, F_CALL, msg_num(m, F_CALL));
		msg_set_text(&r, F_BYTES, b);
		ok(chan_send(c, &r) == OK, "echo");
	}
	if (s->got == s->free_at) {
		chan_free(c);
		s->c = NULL;
		ok(hash64(b, 1) == s->hash, "the message outlives the channel");
	}
}

static void
lost(struct chan *c)
{
	((struct seen *)chan_owner(c))->lost++;
}

static const struct chan_ops ops = { got, lost };

static void
rounds(int n)
{
	while (n-- > 0)
		loop_once(lp, 0);
}

/* judge (a) and keys (b) */
static void
ends(bool ring, struct seen *a, struct seen *b)
{
	struct chan_fds x, y;

	*a = *b = (struct seen){ .in_order = true };
	if (chan_pair(ring, &x, &y) != OK)
		abort();
	a->c = chan_new(lp, &x, ROLE_JUDGE, ROLE_KEYS, 0, &ops, a);
	b->c = chan_new(lp, &y, ROLE_KEYS, ROLE_JUDGE, 3, &ops, b);
	ok(a->c != NULL && b->c != NULL && x.sock == -1 && y.ring == -1,
	    "two ends; the descriptors are taken");
}

static enum err
say(struct chan *c, uint64_t n, struct str bytes)
{
	struct msg m = msg_of(MSG_SEAL);

	msg_set(&m, F_CALL, n);
	msg_set_text(&m, F_BYTES, bytes);
	return chan_send(c, &m);
}

static void
test_plain(bool ring)
{
	const char *how = ring ? "ring" : "socket";
	struct seen a, b;
	char pad[977] = { 0 }; /* odd: the ring's end falls within messages */
	int sent = 0;

	ends(ring, &a, &b);
	ok(chan_peer_instance(b.c) == 3 && chan_peer(b.c) == ROLE_JUDGE,
	    "who the peer is");
	ok(say(a.c, 1, STR("hello")) == OK, "%s: send", how);
	rounds(2);
	ok(b.got == 1 && b.bytes == 5, "%s: arrives", how);
	for (int i = 2; i <= 3000; i++)
		sent += say(a.c, (uint64_t)i,
			    (struct str){ pad, (size_t)i % 977 }) == OK;
	ok(sent == 2999, "%s: many fit", how);
	rounds(1);
	ok(b.got < 200, "%s: a round is bounded (%d)", how, b.got);
	rounds(200);
	ok(b.got == 3000 && b.in_order, "%s: all arrive, in order", how);
	chan_free(a.c);
	rounds(3);
	ok(b.lost == 1, "%s: the end of the peer is told once", how);
	chan_free(b.c);
	chan_free(NULL);
	rounds(1);
}

static void
test_big(bool ring)
{
	const char *how = ring ? "ring" : "socket";
	const size_t n = 20 * 1024 * 1024;
	struct seen a, b;
	char *p = mem_get(n);
	enum err e = OK;

	random_bytes(p, n);
	ends(ring, &a, &b);
	ok(say(a.c, 1, (struct str){ p, n }) == OK, "%s: 20 MiB", how);
	ok(say(a.c, 2, STR("after")) == OK, "%s: and a small one", how);
	for (int i = 0; i < 3000 && b.got < 1; i++)
		rounds(1);
	ok(b.got >= 1, "%s: arrives", how);
	rounds(5);
	ok(b.got == 2 && b.bytes == n + 5 && b.hash == hash64(STR("after"), 1),
	    "%s: whole, and the next too", how);
	a.echo = b.echo = false;
	for (int i = 3; i < 10 && e == OK; i++)
		e = say(a.c, (uint64_t)i, (struct str){ p, n });
	ok(e == ERR_LIMIT, "%s: a peer that does not read: ERR_LIMIT", how);
	chan_free(a.c);
	chan_free(b.c);
	mem_free(p);
	rounds(1);
}

static void
test_last_words(bool ring)
{
	struct seen a, b;

	ends(ring, &a, &b);
	ok(say(a.c, 1, STR("bye")) == OK, "last words");
	chan_free(a.c);
	rounds(3);
	ok(b.got == 1 && b.lost == 1, "are read before the loss is told");
	chan_free(b.c);
	ends(ring, &a, &b);
	b.free_at = 2;
	ok(say(a.c, 1, STR("1")) == OK && say(a.c, 2, STR("22")) == OK &&
		say(a.c, 3, STR("3")) == OK,
	    "three");
	rounds(3);
	ok(b.got == 2 && b.lost == 0, "freed in got: no third, no lost");
	ok(a.lost == 1, "the other end is told");
	ok(say(a.c, 4, STR("")) == ERR_GONE, "and cannot send");
	chan_free(a.c);
	rounds(1);
}

/* ---- descriptors ---- */

static void
test_fds(void)
{
	struct chan_fds x, y, u, v, w;
	struct seen a = { 0 }, b = { 0 };
	struct msg m;
	enum role_id who;
	unsigned inst;
	struct buf scratch = { .max = 4096 };

	ok(chan_pair(false, &x, &y) == OK && chan_pair(true, &u, &v) == OK,
	    "pairs");
	a.c = chan_new(lp, &x, ROLE_PARENT, ROLE_BACK, 0, &ops, &a);
	b.c = chan_new(lp, &y, ROLE_BACK, ROLE_PARENT, 0, &ops, &b);
	m = chan_link_msg(&v, ROLE_JUDGE, 7);
	ok(chan_send(a.c, &m) == OK, "a link is sent");
	m = msg_of(MSG_GO);
	ok(chan_send(a.c, &m) == OK, "and GO");
	chan_flush(a.c);
	ok(chan_wait(b.c, 1000000000, &scratch, &m) == OK && m.kind == MSG_LINK,
	    "chan_wait: the link");
	ok(chan_link_take(&m, &who, &inst, &w) == OK && who == ROLE_JUDGE &&
		inst == 7 && w.side == 1 && w.ring >= 0,
	    "is a whole end");
	ok(chan_wait(b.c, 1000000000, &scratch, &m) == OK && m.kind == MSG_GO &&
		m.fd[0] == -1,
	    "chan_wait: GO");
	ok(chan_wait(b.c, 1000, &scratch, &m) == ERR_LIMIT, "then nothing");
	chan_fds_done(&v);
	{
		struct seen p = { .in_order = true }, q = { .in_order = true };

		p.c = chan_new(lp, &u, ROLE_BACK, ROLE_JUDGE, 0, &ops, &p);
		q.c = chan_new(lp, &w, ROLE_JUDGE, ROLE_BACK, 0, &ops, &q);
		m = msg_of(MSG_HOP_LOST);
		msg_set(&m, F_HOP, 1);
		ok(p.c != NULL && q.c != NULL && chan_send(p.c, &m) == OK,
		    "the passed end works");
		rounds(2);
		ok(q.got == 1, "its message arrives");
		chan_free(p.c);
		chan_free(q.c);
	}
	m = msg_of(MSG_LISTEN); /* for front and desk, not for back */
	m.kind = MSG_IMAGE;
	m.fd[0] = 0;
	ok(chan_send(a.c, &m) == OK && chan_send(a.c, &m) == OK, "two images");
	rounds(3);
	ok(b.got == 2 && b.fd[0] > 2 && b.fd[1] == -1, "each with its file");
	chan_free(a.c);
	ok(chan_wait(b.c, 1000000000, &scratch, &m) == ERR_GONE, "then gone");
	chan_free(b.c);
	buf_done(&scratch);
}

/* A peer that has the descriptors and no manners. */
static void
raw_send(int sock, const void *p, size_t n, int fds)
{
	_Alignas(struct cmsghdr) char room[CMSG_SPACE(8 * sizeof(int))] = { 0 };
	union {
		const void *in;
		void *out;
	} u = { p };
	struct iovec v = { u.out, n };
	struct msghdr h = { .msg_iov = &v, .msg_iovlen = 1 };
	struct cmsghdr *m;

	if (fds > 0) {
		h.msg_control = room;
		h.msg_controllen = CMSG_SPACE((size_t)fds * sizeof(int));
		m = CMSG_FIRSTHDR(&h);
		m->cmsg_level = SOL_SOCKET;
		m->cmsg_type = SCM_RIGHTS;
		m->cmsg_len = CMSG_LEN((size_t)fds * sizeof(int));
		for (int i = 0; i < fds; i++)
			memcpy(CMSG_DATA(m) + (size_t)i * sizeof(int),
			    &(int){ 2 }, sizeof(int));
	}
	if (sendmsg(sock, &h, MSG_NOSIGNAL) < 0)
		ok(0, "sendmsg: %d", errno);
}

static int
open_fds(void)
{
	int n = 0;

	for (int fd = 0; fd < 256; fd++)
		n += fcntl(fd, F_GETFD) >= 0;
	return n;
}

static void
hostile_socket(const char *name, struct str packet, int fds, bool good)
{
	struct chan_fds x, y;
	struct seen b = { 0 };
	const int before = open_fds();

	if (chan_pair(false, &x, &y) != OK)
		abort();
	b.c = chan_new(lp, &y, ROLE_KEYS, ROLE_JUDGE, 0, &ops, &b);
	raw_send(x.sock, packet.p, packet.n, fds);
	rounds(3);
	ok(good ? b.got == 1 && b.lost == 0 : b.got == 0 && b.lost == 1,
	    "socket: %s", name);
	rounds(3);
	ok(b.lost <= 1, "told at most once");
	chan_free(b.c);
	chan_fds_done(&x);
	ok(open_fds() == before, "no descriptor stays");
}

static void
test_hostile_socket(void)
{
	struct buf b = { .max = 4096 };
	struct msg m = msg_of(MSG_SEAL);
	const uint32_t huge = CHAN_MSG_MAX + 1;
	uint32_t len;

	msg_set(&m, F_CALL, 1);
	msg_set_text(&m, F_BYTES, STR("x"));
	buf_u32(&b, 0);
	msg_encode(&m, &b);
	len = (uint32_t)b.n - 4;
	memcpy(b.p, &len, 4);
	hostile_socket("an honest message", buf_view(&b), 0, true);
	hostile_socket("a descriptor nobody asked for", buf_view(&b), 1, false);
	hostile_socket("eight of them", buf_view(&b), 8, false);
	hostile_socket("a length over the limit",
	    (struct str){ (const char *)&huge, 4 }, 0, false);
	b.p[4] = (char)0x99;
	hostile_socket("an unknown kind", buf_view(&b), 0, false);
	b.p[4] = (char)MSG_SEALED;
	hostile_socket("a kind of the other way", buf_view(&b), 0, false);
	memset(b.p, 0, 4);
	hostile_socket("an empty message", buf_view(&b), 0, false);
	buf_done(&b);
}

static struct ring_page *
map(int fd)
{
	void *p = mmap(NULL, sizeof(struct ring_page), PROT_READ | PROT_WRITE,
	    MAP_SHARED, fd, 0);

	return p == MAP_FAILED ? NULL : p;
}

enum spoil { HEAD_FAR, HEAD_BACK, GARBAGE, TAIL_FAR, TAIL_AHEAD, RESIZE };
static void
test_hostile_ring(enum spoil how, const char *name)
{
	struct chan_fds x, y;
	struct seen b = { .in_order = true };
	struct ring_page *p;

	if (chan_pair(true, &x, &y) != OK)
		abort();
	p = map(x.ring);
	b.c = chan_new(lp, &y, ROLE_JUDGE, ROLE_KEYS, 0, &ops, &b);
	rounds(1);
	if (how == HEAD_FAR)
		p->half[0].head = CHAN_RING + 1;
	if (how == HEAD_BACK)
		p->half[0].head = UINT64_MAX;
	if (how == GARBAGE) {
		random_bytes(p->bytes[0], CHAN_RING);
		p->half[0].head = CHAN_RING;
	}
	if (how == TAIL_FAR)
		p->half[1].tail = (uint64_t)0 - CHAN_RING - 1;
	if (how == TAIL_AHEAD)
		p->half[1].tail = 1;
	if (how == RESIZE)
		ok(ftruncate(x.ring, 0) < 0, "cannot be cut away");
	else if (how >= TAIL_FAR)
		ok(say(b.c, 1, STR("x")) == OK, "queued");
	rounds(3);
	ok(how == RESIZE ? b.lost == 0 : b.lost == 1, "ring: %s", name);
	ok(b.got == 0, "nothing was believed");
	chan_free(b.c);
	chan_fds_done(&x);
	(void)munmap(p, sizeof(*p));
	rounds(1);
}

/* ---- across processes ---- */

static int
child(struct chan_fds *y)
{
	struct seen b = { .in_order = true, .echo = false };

	lp = loop_new();
	loop_hooks(lp, chan_flush_all, chan_busy_any, NULL);
	b.c = chan_new(lp, y, ROLE_KEYS, ROLE_JUDGE, 0, &ops, &b);
	while (b.lost == 0) {
		const int before = b.got;

		loop_once(lp, UINT64_MAX);
		if (b.got != before) {
			struct msg r = msg_of(MSG_UNSEALED);

			msg_set(&r, F_CALL, (uint64_t)b.got);
			if (chan_send(b.c, &r) != OK)
				break;
		}
	}
	return b.in_order && b.got == 20000 ? 0 : 1;
}

static void
test_fork(bool ring)
{
	struct chan_fds x, y;
	struct seen a = { 0 };
	char pad[300] = { 0 };
	uint64_t n = 0;
	int status = -1;
	pid_t pid;

	if (chan_pair(ring, &x, &y) != OK)
		abort();
	(void)fflush(stdout);
	pid = fork();
	if (pid == 0) {
		chan_fds_done(&x);
		_exit(child(&y));
	}
	chan_fds_done(&y);
	a.c = chan_new(lp, &x, ROLE_JUDGE, ROLE_KEYS, 0, &ops, &a);
	while (n < 20000) {
		for (int i = 0; i < 100; i++, n++)
			if (say(a.c, n + 1, (struct str){ pad, n % 300 }) != OK)
				break;
		loop_once(lp, n % 300 == 0 ? 1000000 : 0);
	}
	/* Each side sleeps for ever if a kick is lost: this ends only if none
	 * is. */
	alarm(60);
	while (a.lost == 0 && a.last < 20000)
		loop_once(lp, UINT64_MAX);
	chan_free(a.c);
	(void)waitpid(pid, &status, 0);
	alarm(0);
	ok(status == 0, "%s: 20000 across processes, in order",
	    ring ? "ring" : "socket");
	ok(a.got > 0, "and answers came back");
}

/* One question at a time: every hop sleeps and is woken. */
static void
test_ping(void)
{
	struct chan_fds x, y;
	struct seen a = { 0 };
	uint64_t begun;
	pid_t pid;
	int status = -1;

	if (chan_pair(true, &x, &y) != OK)
		abort();
	(void)fflush(stdout);
	pid = fork();
	if (pid == 0) {
		chan_fds_done(&x);
		_exit(child(&y));
	}
	chan_fds_done(&y);
	a.c = chan_new(lp, &x, ROLE_JUDGE, ROLE_KEYS, 0, &ops, &a);
	alarm(60);
	begun = now_mono();
	for (int i = 1; i <= 20000; i++) {
		if (say(a.c, (uint64_t)i, STR("ping")) != OK)
			break;
		while (a.got < i && a.lost == 0)
			loop_once(lp, UINT64_MAX);
	}
	printf("# %.1f us a round trip\n",
	    (double)(now_mono() - begun) / 20000000.0);
	chan_free(a.c);
	(void)waitpid(pid, &status, 0);
	alarm(0);
	ok(a.got == 20000 && status == 0, "20000 round trips, none lost");
}

int
main(void)
{
	lp = loop_new();
	loop_hooks(lp, chan_flush_all, chan_busy_any, NULL);
	log_setup("test", 0, LOG_ERROR);
	for (int ring = 0; ring < 2; ring++) {
		test_plain(ring != 0);
		test_big(ring != 0);
		test_last_words(ring != 0);
		test_fork(ring != 0);
	}
	test_ping();
	test_fds();
	test_hostile_socket();
	test_hostile_ring(HEAD_FAR, "write index too far");
	test_hostile_ring(HEAD_BACK, "write index before the last");
	test_hostile_ring(GARBAGE, "garbage");
	test_hostile_ring(TAIL_FAR, "read index too far behind");
	test_hostile_ring(TAIL_AHEAD, "read index ahead of what was written");
	test_hostile_ring(RESIZE, "the memory keeps its size");
	loop_free(lp);
	return tap_done();
}
