/*
 * test-hands.c: the roles launch and dial, each alone and in its jail, with
 * this program as their parent and as the backs that ask them.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "role/role.h"

#include "base/tap.h"

static struct loop *loop;
static struct chan *role_chan, *backs[2];
static pid_t role_pid;
/* the last message of each back, copied */
static struct heard {
	enum msg_kind kind;
	uint64_t ref, status;
	char text[128];
	int fd[MSG_FDS];
} heard[2];
static bool ready;

static void
got(struct chan *c, const struct msg *m)
{
	struct heard *h;

	if (c == role_chan) {
		ready = ready || m->kind == MSG_READY;
		return;
	}
	h = &heard[c == backs[1]];
	h->kind = m->kind;
	h->ref = msg_num(m, F_REF);
	h->status = msg_num(m, F_STATUS);
	(void)snprintf(
	    h->text, sizeof(h->text), "%.*s", STR_ARG(msg_text(m, F_TEXT)));
	for (size_t i = 0; i < MSG_FDS; i++)
		h->fd[i] = m->fd[i];
}

static void
lost(struct chan *c)
{
	(void)c;
}

static const struct chan_ops ops = { got, lost };

static void
post(struct chan *c, struct msg m)
{
	if (chan_send(c, &m) != OK)
		printf("# cannot send\n");
	chan_flush(c);
}

static void
give_templates(struct jv list)
{
	struct msg m = msg_of(MSG_LISTEN);

	ok(memfd_of("launch", jv_bytes(list), &m.fd[0]) == OK, "templates");
	msg_set_text(&m, F_NAME, STR("launch"));
	post(role_chan, m);
	(void)close(m.fd[0]);
}

/* Both backs are linked; instance 0 is of server 0, 1 of server 1. */
static void
give(enum role_id id, const char *image)
{
	struct buf tape = { .max = 1 << 16 };
	struct msg m = msg_of(MSG_IMAGE);
	struct note why = { .text = "" };

	ok(json_parse(str_of(image), &json_default, &tape, &why) == OK &&
		memfd_of("image", buf_view(&tape), &m.fd[0]) == OK,
	    "an image for %s %s", role_name(id), why.text);
	post(role_chan, m);
	(void)close(m.fd[0]);
	if (id == ROLE_LAUNCH)
		give_templates(jv_get(jv_of(buf_view(&tape)), STR("launch")));
	buf_done(&tape);
	for (unsigned i = 0; i < 2; i++) {
		struct chan_fds a, b;

		if (chan_pair(false, &a, &b) != OK)
			return;
		post(role_chan, chan_link_msg(&b, ROLE_BACK, i));
		chan_fds_done(&b);
		backs[i] = chan_new(loop, &a, ROLE_BACK, id, 0, &ops, NULL);
	}
	post(role_chan, msg_of(MSG_GO));
}

static bool
role_start(enum role_id id, const char *image)
{
	struct chan_fds a, b;
	char prog[] = "test", word[] = "role", zero[] = "0", name[16];
	char path[] = "PATH=/usr/bin:/bin", leak[] = "SECRET_OF_OURS=leak";
	char *argv[] = { prog, word, name, zero, NULL };
	char *envp[] = { path, leak, NULL };

	(void)snprintf(name, sizeof(name), "%s", role_name(id));
	(void)fflush(stdout);
	if (chan_pair(false, &a, &b) != OK)
		return false;
	role_pid = fork();
	if (role_pid == 0) {
		if (b.sock == 3 ? fcntl(3, F_SETFD, 0) < 0
				: dup2(b.sock, 3) < 0)
			_exit(127);
		(void)execve("/proc/self/exe", argv, envp);
		_exit(127);
	}
	chan_fds_done(&b);
	ready = false;
	role_chan = chan_new(loop, &a, ROLE_PARENT, id, 0, &ops, NULL);
	give(id, image);
	for (int i = 0; i < 400 && !ready; i++)
		loop_once(loop, 25000000);
	return ready;
}

static void
role_end(void)
{
	int status = -1;

	post(role_chan, msg_of(MSG_STOP));
	ok(waitpid(role_pid, &status, 0) == role_pid && status == 0,
	    "the role stops when told");
	chan_free(role_chan);
	chan_free(backs[0]);
	chan_free(backs[1]);
}

/* Asks as back i and waits for the answer of that number. */
static const struct heard *
ask(unsigned i, enum msg_kind kind, uint64_t ref, uint64_t where)
{
	struct msg m = msg_of(kind);

	msg_set(&m, F_REF, ref);
	if (kind != MSG_LAUNCH_END)
		msg_set(&m, F_WHERE, where);
	heard[i] = (struct heard){ .kind = MSG_NONE };
	post(backs[i], m);
	for (int n = 0; n < 600; n++) {
		if (heard[i].kind != MSG_NONE && heard[i].ref == ref)
			break;
		loop_once(loop, 25000000);
	}
	return &heard[i];
}

static void
wait_gone(unsigned i)
{
	for (int n = 0; n < 600 && heard[i].kind != MSG_LAUNCH_GONE; n++)
		loop_once(loop, 25000000);
}

static bool
line_is(int fd, const char *want)
{
	struct pollfd p = { .fd = fd, .events = POLLIN };
	char text[256] = "";
	size_t n = 0;
	ssize_t got_n;

	while (n < strlen(want) && poll(&p, 1, 10000) == 1) {
		got_n = read(fd, text + n, sizeof(text) - 1 - n);
		if (got_n <= 0)
			break;
		n += (size_t)got_n;
	}
	if (strcmp(text, want) == 0)
		return true;
	printf("# read: %s\n", text);
	return false;
}

static void
fds_done(const struct heard *h)
{
	for (size_t i = 0; i < MSG_FDS; i++)
		if (h->fd[i] > 2)
			(void)close(h->fd[i]);
}

/* ---- launch ---- */

static const char tools[] =
    "{\"cells\":1,\"servers\":[{\"kind\":\"stdio\"},{\"kind\":\"stdio\"}],"
    "\"launch\":[{\"name\":\"echo\","
    "\"argv\":[\"sh\",\"-c\",\"echo $GREETING $SECRET_OF_OURS; echo err >&2; "
    "exec cat\"],\"env\":{\"GREETING\":\"hello\"},\"cwd\":\"/\",\"sandbox\":"
    "\"on\",\"read\":[\"/usr\",\"/bin\",\"/lib\",\"/lib64\"],\"write\":[],"
    "\"net\":false},{\"name\":\"none\",\"argv\":"
    "[\"/no/such/program\"],\"env\":{},\"cwd\":\"\",\"sandbox\":\"off\","
    "\"read\":[],\"write\":[],\"net\":false}]}";

static void
test_echo(void)
{
	struct heard h = *ask(0, MSG_LAUNCH, 7, 0);

	ok(h.kind == MSG_LAUNCHED && h.status == 0 && h.fd[2] >= 0,
	    "a server is started: %s", h.text);
	ok(line_is(h.fd[1], "hello\n"), "it has its environment and not ours");
	ok(line_is(h.fd[2], "err\n"), "its errors have a pipe of their own");
	ok(write(h.fd[0], "ping\n", 5) == 5 && line_is(h.fd[1], "ping\n"),
	    "it hears and answers");
	heard[0].kind = MSG_NONE;
	fds_done(&h);
	wait_gone(0);
	ok(heard[0].kind == MSG_LAUNCH_GONE && heard[0].ref == 7 &&
		heard[0].status == 0,
	    "it ends when its input does, and its back hears: %s",
	    heard[0].text);
}

static void
test_stubborn(void)
{
	struct heard h = *ask(0, MSG_LAUNCH, 8, 0);

	ok(h.kind == MSG_LAUNCHED && h.status == 0, "another is started");
	h = *ask(0, MSG_LAUNCH, 8, 0);
	ok(h.kind == MSG_LAUNCHED && h.status != 0,
	    "the same number twice is refused");
	heard[0].kind = MSG_NONE;
	(void)ask(0, MSG_LAUNCH_END, 8, 0);
	wait_gone(0);
	ok(heard[0].kind == MSG_LAUNCH_GONE && heard[0].status != 0,
	    "one whose input stays open is ended by signal: %s", heard[0].text);
}

static void
test_launch(void)
{
	const struct heard *h;

	ok(role_start(ROLE_LAUNCH, tools), "launch is ready");
	test_echo();
	h = ask(0, MSG_LAUNCH, 1, 1);
	ok(h->kind == MSG_LAUNCHED && h->status == ERR_DENIED && h->fd[0] < 0,
	    "a back may not start another's server");
	h = ask(0, MSG_LAUNCH, 1, 2);
	ok(h->status == ERR_DENIED, "nor one that is not there");
	h = ask(1, MSG_LAUNCH, 1, 1);
	ok(h->kind == MSG_LAUNCHED && h->status != 0 && h->fd[0] < 0,
	    "a program that is not there is said so: %s", h->text);
	test_stubborn();
	role_end();
}

/* ---- dial ---- */

static int
listener(unsigned *port)
{
	struct sockaddr_in a = { .sin_family = AF_INET };
	socklen_t n = sizeof(a);
	const int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	a.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	if (bind(fd, (const struct sockaddr *)&a, sizeof(a)) < 0 ||
	    getsockname(fd, (struct sockaddr *)&a, &n) < 0)
		return -1;
	*port = ntohs(a.sin_port);
	return fd;
}

static void
test_dial(void)
{
	unsigned here = 0, closed = 0;
	char image[256];
	/* bound, not listening: nobody else can have its number */
	int fd = listener(&here), mute = listener(&closed), there;
	struct heard h;

	ok(fd >= 0 && mute >= 0 && listen(fd, 4) == 0, "two ports");
	(void)snprintf(image, sizeof(image),
	    "{\"cells\":1,\"servers\":[{\"kind\":\"http\",\"host\":"
	    "\"localhost\",\"port\":%u},{\"kind\":\"http\",\"host\":"
	    "\"127.0.0.1\",\"port\":%u}]}",
	    here, closed);
	ok(role_start(ROLE_DIAL, image), "dial is ready");
	h = *ask(0, MSG_DIAL, 5, 0);
	there = h.status == 0 ? accept4(fd, NULL, NULL, SOCK_CLOEXEC) : -1;
	ok(h.kind == MSG_DIALED && h.status == 0 && h.fd[0] >= 0 && there >= 0,
	    "a name is resolved and connected to: %s", h.text);
	ok(write(h.fd[0], "ping\n", 5) == 5 && line_is(there, "ping\n"),
	    "the connection is the back's");
	fds_done(&h);
	h = *ask(0, MSG_DIAL, 6, 1);
	ok(h.status == ERR_DENIED && h.fd[0] < 0,
	    "a back gets no connection to another's upstream");
	h = *ask(0, MSG_DIAL, 6, 99);
	ok(h.status == ERR_DENIED, "nor to one that is not there");
	h = *ask(1, MSG_DIAL, 7, 1);
	ok(h.kind == MSG_DIALED && h.status == ERR_GONE && h.fd[0] < 0,
	    "a refused connection is said so: %s", h.text);
	role_end();
	(void)close(there);
	(void)close(fd);
	(void)close(mute);
}

int
main(int argc, char **argv)
{
	static const struct role *const table[ROLE__N] = {
		[ROLE_LAUNCH] = &role_launch,
		[ROLE_DIAL] = &role_dial,
	};

	if (argc > 1 && strcmp(argv[1], "role") == 0)
		return role_main_with(table, argc, argv);
	(void)alarm(120);
	loop = loop_new();
	loop_hooks(loop, chan_flush_all, chan_busy_any, NULL);
	test_launch();
	test_dial();
	loop_free(loop);
	return tap_done();
}
