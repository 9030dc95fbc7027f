/*
 * hand.c: starts tool servers for role launch; see hand.h.  Promises that only
 * what the image names is started, each in the sandbox, and that every server
 * is ended and reaped: when launch says so, and when launch is gone.  It never
 * reads what a server says, nor anything that came from one.
 */
#include "role/hand.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stddef.h>
#include <stdlib.h>
#include <sys/pidfd.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "jail/jail.h"
#include "sys/sys.h"

enum {
	WORDS_MAX = 1024, /* of argv, env, read or write; as conf allows */
	TERM_AFTER_S = 1, /* EOF on its input came first */
	KILL_AFTER_S = 2,
	PIPES = 3,
};
#define SECONDS(n) ((uint64_t)(n)*UINT64_C(1000000000))

struct server {
	struct watch end; /* its pidfd; first: found from the watch */
	struct timer next;
	uint64_t number;
	pid_t pid;  /* 0: free; also its process group */
	int signal; /* what the timer sends next; 0: nothing yet */
};

static struct {
	struct server servers[HAND_SERVERS_MAX];
	struct jv templates; /* how each server of the image is started */
	struct loop *loop;
	struct watch launch;
} hand;

/* ---- answers ---- */

/* Launch is always there and reads: else there is nothing left to do. */
static void
tell(const struct hand_tell *t, const int *fd)
{
	union {
		char room[CMSG_SPACE(PIPES * sizeof(int))];
		struct cmsghdr align;
	} ctl = { .room = "" };
	union {
		const struct hand_tell *in;
		void *out;
	} bytes = { t };
	struct iovec v = { bytes.out, sizeof(*t) };
	struct msghdr m = { .msg_iov = &v, .msg_iovlen = 1 };

	if (fd != NULL) {
		ctl.align = (struct cmsghdr){
			.cmsg_len = CMSG_LEN(PIPES * sizeof(int)),
			.cmsg_level = SOL_SOCKET,
			.cmsg_type = SCM_RIGHTS,
		};
		memcpy(CMSG_DATA(&ctl.align), fd, PIPES * sizeof(int));
		m.msg_control = ctl.room;
		m.msg_controllen = sizeof(ctl.room);
	}
	while (sendmsg(hand.launch.fd, &m, MSG_NOSIGNAL) < 0)
		if (errno != EINTR)
			_exit(1);
}

static void
tell_words(enum hand_news news, uint64_t number, int status, const char *words)
{
	struct hand_tell t = {
		.number = number, .news = (uint32_t)news, .status = status
	};

	(void)snprintf(t.text, sizeof(t.text), "%s", words);
	tell(&t, NULL);
}

/* ---- the end of a server ---- */

static void
signal_next(struct timer *t)
{
	char *p = (char *)t;
	struct server *s = (void *)(p - offsetof(struct server, next));

	(void)kill(-s->pid, s->signal);
	if (s->signal == SIGKILL)
		return;
	s->signal = SIGKILL;
	loop_timer(hand.loop, t, SECONDS(KILL_AFTER_S));
}

static void
server_ended(struct watch *w, unsigned what)
{
	struct server *s = (struct server *)(void *)w; /* its first member */
	struct note how = { .text = "" };
	int status = 0;

	(void)what;
	/* While it is not reaped its number is no other's. */
	(void)kill(-s->pid, SIGKILL);
	if (waitpid(s->pid, &status, WNOHANG) != s->pid)
		return;
	if (WIFSIGNALED(status))
		note_set(&how, "ended by signal %d", WTERMSIG(status));
	else
		note_set(&how, "exited with status %d", WEXITSTATUS(status));
	loop_unwatch(hand.loop, &s->end);
	loop_timer_off(hand.loop, &s->next);
	fd_close(&s->end.fd);
	log_line(
	    LOG_INFO, "server-gone", "process %d %s", (int)s->pid, how.text);
	tell_words(HAND_GONE, s->number, status, how.text);
	*s = (struct server){ .pid = 0 };
}

/* ---- the start of one ---- */

/* The strings of an array, for exec: a list that ends with NULL. */
static const char **
words(struct jv list)
{
	const char **w = mem_get((WORDS_MAX + 1) * sizeof(*w));
	struct jit it = jit_of(list);
	struct jv v;
	size_t n = 0;

	while (n < WORDS_MAX && jit_next(&it, NULL, &v))
		w[n++] = str_keep(jv_str(v)).p;
	return w;
}

static void
env_put(const char **out, size_t *n, struct str key, struct str value)
{
	struct buf b = { .max = 1 << 20 };

	buf_str(&b, key);
	buf_ch(&b, '=');
	buf_str(&b, value);
	if (*n < WORDS_MAX && buf_end(&b) == OK)
		out[(*n)++] = str_keep(buf_view(&b)).p;
	buf_done(&b);
}

/* Of our own environment three names; then what the image says. */
static const char **
environment(struct jv server)
{
	static const char *const names[] = { "PATH", "HOME", "LANG" };
	const struct jv own = jv_get(server, STR("env"));
	const char **out = mem_get((WORDS_MAX + 1) * sizeof(*out));
	struct jit it = jit_of(own);
	struct str key;
	struct jv v;
	size_t n = 0;

	for (size_t i = 0; i < countof(names); i++) {
		const char *value = getenv(names[i]);

		if (value != NULL &&
		    jv_is(jv_get(own, str_of(names[i])), J_NONE))
			env_put(out, &n, str_of(names[i]), str_of(value));
	}
	while (jit_next(&it, &key, &v))
		env_put(out, &n, key, jv_str(v));
	return out;
}

static enum err
take_pipes(const int theirs[3], struct note *why)
{
	for (int i = 0; i < 3; i++)
		if (dup2(theirs[i], i) < 0) {
			note_set(why, "pipes: %s", strerrordesc_np(errno));
			return ERR_OS;
		}
	return OK;
}

/* In the child.  Returns only when the server cannot be started. */
static void
become(struct jv server, struct jail_tool *t, const int theirs[3],
    struct note *why)
{
	union {
		const char **in;
		char **out; /* exec does not write to them */
	} argv, envp;
	const char *cwd = str_keep(jv_str(jv_get(server, STR("cwd")))).p;

	argv.in = words(jv_get(server, STR("argv")));
	envp.in = environment(server);
	t->read = words(jv_get(server, STR("read")));
	t->write = words(jv_get(server, STR("write")));
	if (take_pipes(theirs, why) != OK)
		return;
	if (cwd[0] != '\0' && chdir(cwd) < 0) {
		note_set(why, "%s: %s", cwd, strerrordesc_np(errno));
		return;
	}
	environ = envp.out; /* so that its own PATH finds the program */
	if (jail_tool_enter(t, why) != OK)
		return;
	(void)execvp(argv.in[0], argv.out);
	note_set(why, "%s: %s", argv.in[0], strerrordesc_np(errno));
}

/* Three pipes; ours do not block, theirs do. */
static enum err
pipes_new(int ours[3], int theirs[3])
{
	for (int i = 0; i < 3; i++) {
		int p[2];

		if (pipe2(p, O_CLOEXEC) < 0)
			return ERR_OS;
		ours[i] = i == 0 ? p[1] : p[0];
		theirs[i] = i == 0 ? p[0] : p[1];
		TRY(fd_nonblock(ours[i]));
	}
	return OK;
}

static void
pipes_close(int p[3])
{
	for (int i = 0; i < 3; i++)
		fd_close(&p[i]);
}

/* Is a path of the list in /tmp, or above it? */
static bool
any_in_tmp(struct jv list)
{
	struct jit it = jit_of(list);
	struct jv v;

	while (jit_next(&it, NULL, &v))
		if (str_starts(jv_str(v), STR("/tmp")) ||
		    str_eq(jv_str(v), STR("/")))
			return true;
	return false;
}

static bool
needs_tmp(struct jv server)
{
	return any_in_tmp(jv_get(server, STR("argv"))) ||
	       any_in_tmp(jv_get(server, STR("read"))) ||
	       any_in_tmp(jv_get(server, STR("write"))) ||
	       str_starts(jv_str(jv_get(server, STR("cwd"))), STR("/tmp"));
}

static pid_t
server_fork(struct jv server, const int theirs[3], struct note *why)
{
	struct jail_tool t = {
		.keep_tmp = needs_tmp(server),
		.net = jv_true(jv_get(server, STR("net"))),
		.on =
		    !str_eq(jv_str(jv_get(server, STR("sandbox"))), STR("off")),
	};
	int up[2];
	pid_t p;

	if (pipe2(up, O_CLOEXEC) < 0) {
		note_set(why, "pipe: %s", strerrordesc_np(errno));
		return -1;
	}
	p = jail_tool_fork(&t, why);
	if (p == 0) {
		become(server, &t, theirs, why);
		(void)!write(up[1], why->text, strlen(why->text));
		_exit(127);
	}
	(void)close(up[1]);
	if (p > 0 && fd_said(up[0], why)) {
		(void)kill(-p, SIGKILL);
		(void)waitpid(p, NULL, 0);
		p = -1;
	}
	(void)close(up[0]);
	return p;
}

static enum err
server_watch(struct server *s, pid_t pid, struct note *why)
{
	s->end = (struct watch){ pidfd_open(pid, 0), server_ended };
	s->next.fire = signal_next;
	if (s->end.fd >= 0 && loop_watch(hand.loop, &s->end) == OK) {
		s->pid = pid;
		return OK;
	}
	note_set(why, "pidfd: %s", strerrordesc_np(errno));
	fd_close(&s->end.fd);
	(void)kill(-pid, SIGKILL);
	(void)waitpid(pid, NULL, 0);
	return ERR_OS;
}

static enum err
server_start(struct server *s, struct jv server, int ours[3], struct note *why)
{
	int theirs[3] = { -1, -1, -1 };
	pid_t pid;

	if (pipes_new(ours, theirs) != OK) {
		note_set(why, "pipes: %s", strerrordesc_np(errno));
		pipes_close(theirs);
		return ERR_OS;
	}
	pid = server_fork(server, theirs, why);
	pipes_close(theirs);
	if (pid < 0)
		return ERR_OS;
	return server_watch(s, pid, why);
}

/* ---- what launch may ask for ---- */

/* J_NONE when there is none that one starts. */
static struct jv
template_at(uint32_t at)
{
	struct jit it = jit_of(hand.templates);
	struct jv t = { NULL, 0 };

	for (uint64_t i = 0; i <= at; i++)
		if (!jit_next(&it, NULL, &t))
			return (struct jv){ NULL, 0 };
	return jv_is(t, J_OBJ) ? t : (struct jv){ NULL, 0 };
}

static struct server *
server_with(uint64_t number)
{
	for (size_t i = 0; i < HAND_SERVERS_MAX; i++)
		if (hand.servers[i].pid != 0 &&
		    hand.servers[i].number == number)
			return &hand.servers[i];
	return NULL;
}

static struct server *
server_free(void)
{
	for (size_t i = 0; i < HAND_SERVERS_MAX; i++)
		if (hand.servers[i].pid == 0)
			return &hand.servers[i];
	return NULL;
}

static void
on_start(const struct hand_ask *a)
{
	const struct jv template = template_at(a->at);
	const struct hand_tell t = { .number = a->number,
		.news = HAND_STARTED };
	struct server *s = server_free();
	struct note why = { .text = "" };
	int ours[PIPES] = { -1, -1, -1 };

	if (jv_is(template, J_NONE) || s == NULL) {
		tell_words(HAND_FAILED, a->number, 0,
		    s == NULL ? "no more servers" : "no such server");
		return;
	}
	if (server_start(s, template, ours, &why) != OK) {
		tell_words(HAND_FAILED, a->number, 0, why.text);
	} else {
		s->number = a->number;
		log_line(LOG_INFO, "server-started", "%.*s is process %d",
		    STR_ARG(jv_str(jv_get(template, STR("name")))),
		    (int)s->pid);
		tell(&t, ours);
	}
	pipes_close(ours);
}

static void
on_end(const struct hand_ask *a)
{
	struct server *s = server_with(a->number);

	if (s == NULL || s->signal != 0)
		return; /* it ended by itself meanwhile, or is about to */
	s->signal = SIGTERM;
	loop_timer(hand.loop, &s->next, SECONDS(TERM_AFTER_S));
}

static void
asked(struct watch *w, unsigned what)
{
	struct hand_ask a;
	ssize_t n;

	(void)what;
	while ((n = recv(w->fd, &a, sizeof(a), MSG_DONTWAIT)) ==
	       (ssize_t)sizeof(a)) {
		if (a.act == HAND_START)
			on_start(&a);
		else if (a.act == HAND_END)
			on_end(&a);
	}
	if (n >= 0 || (errno != EAGAIN && errno != EINTR))
		_exit(0); /* launch is gone; the servers follow */
}

/* ---- its own life ---- */

/* Of all that launch was given only this stays open; the rest would go on
 * living here, out of reach of who closes it there. */
enum { SOCK_FD = 3 };

static _Noreturn void
be_hand(int sock, pid_t launch)
{
	struct note why = { .text = "" };

	(void)prctl(PR_SET_NAME, "hand", 0, 0, 0);
	log_setup("hand", 0, LOG_INFO);
	if (sock != SOCK_FD && dup2(sock, SOCK_FD) != SOCK_FD)
		_exit(127);
	(void)close_range(SOCK_FD + 1, ~0U, 0);
	(void)fcntl(SOCK_FD, F_SETFD, FD_CLOEXEC);
	hand.loop = loop_new();
	hand.launch = (struct watch){ .fd = SOCK_FD, .ready = asked };
	if (hand.loop == NULL || loop_watch(hand.loop, &hand.launch) != OK ||
	    jail_enter(ROLE_HAND, &why) != OK || getppid() != launch) {
		log_line(LOG_ERROR, "role-failed", "%s", why.text);
		_exit(4);
	}
	tell_words(HAND_STARTED, 0, 0, "");
	loop_run(hand.loop);
	_exit(0);
}

/* The first word: it is confined. */
static enum err
confined(int sock)
{
	struct hand_tell t;
	ssize_t n;

	do {
		n = recv(sock, &t, sizeof(t), 0);
	} while (n < 0 && errno == EINTR);
	return n == (ssize_t)sizeof(t) && t.news == HAND_STARTED ? OK
								 : ERR_GONE;
}

NODISCARD enum err
hand_fork(struct jv templates, int *sock, struct note *why)
{
	const pid_t launch = getpid();
	int s[2];
	pid_t p;

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, s) < 0) {
		note_set(why, "socketpair: %s", strerrordesc_np(errno));
		return ERR_OS;
	}
	hand.templates = templates;
	p = fork();
	if (p == 0) {
		(void)close(s[0]);
		be_hand(s[1], launch);
	}
	hand.templates = (struct jv){ NULL, 0 };
	(void)close(s[1]);
	if (p < 0 || confined(s[0]) != OK || fd_nonblock(s[0]) != OK) {
		note_set(why, "the hand that starts servers did not begin");
		(void)close(s[0]);
		return ERR_OS;
	}
	*sock = s[0];
	return OK;
}

/* ---- launch's side ---- */

NODISCARD enum err
hand_send(int sock, const struct hand_ask *a)
{
	ssize_t n;

	do {
		n = send(sock, a, sizeof(*a), MSG_NOSIGNAL);
	} while (n < 0 && errno == EINTR);
	if (n == (ssize_t)sizeof(*a))
		return OK;
	return n < 0 && errno == EAGAIN ? ERR_LIMIT : ERR_GONE;
}

static void
take_fds(struct msghdr *m, int fd[static 3])
{
	const struct cmsghdr *c = CMSG_FIRSTHDR(m);

	for (int i = 0; i < PIPES; i++)
		fd[i] = -1;
	if (c != NULL && c->cmsg_level == SOL_SOCKET &&
	    c->cmsg_type == SCM_RIGHTS &&
	    c->cmsg_len == CMSG_LEN(PIPES * sizeof(int)))
		memcpy(fd, CMSG_DATA(c), PIPES * sizeof(int));
}

NODISCARD enum err
hand_recv(int sock, struct hand_tell *t, int fd[static 3])
{
	union {
		char room[CMSG_SPACE(PIPES * sizeof(int))];
		struct cmsghdr align;
	} ctl = { .room = "" };
	struct iovec v = { t, sizeof(*t) };
	struct msghdr m = { .msg_iov = &v,
		.msg_iovlen = 1,
		.msg_control = ctl.room,
		.msg_controllen = sizeof(ctl.room) };
	const ssize_t n = recvmsg(sock, &m, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);

	if (n < 0)
		return errno == EAGAIN || errno == EINTR ? ERR_MORE : ERR_GONE;
	take_fds(&m, fd);
	if (n != (ssize_t)sizeof(*t) || (m.msg_flags & MSG_TRUNC) != 0)
		return ERR_GONE;
	t->text[sizeof(t->text) - 1] = '\0';
	return OK;
}
