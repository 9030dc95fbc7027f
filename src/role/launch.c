/*
 * launch.c: the role that starts tool servers.  Promises that only what the
 * image names is started, each in the sandbox, and that every server is ended
 * and reaped: when its back says so, when its back is gone, when launch is.
 * It never reads what a server says.
 */
#include "role/role.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stddef.h>
#include <stdlib.h>
#include <sys/pidfd.h>
#include <sys/wait.h>
#include <unistd.h>

#include "jail/jail.h"

enum {
	SERVERS_MAX = 1024, /* running at once, all upstreams together */
	WORDS_MAX = 1024,   /* of argv, env, read or write; as conf allows */
	TERM_AFTER_S = 1,   /* EOF on its input came first */
	KILL_AFTER_S = 2,
};
#define SECONDS(n) ((uint64_t)(n)*UINT64_C(1000000000))

struct server {
	struct watch end; /* its pidfd */
	struct timer next;
	struct chan *back; /* NULL: nobody is waiting for it any more */
	uint64_t ref;
	pid_t pid;  /* 0: free; also its process group */
	int signal; /* what the timer sends next; 0: nothing yet */
};

static struct server servers[SERVERS_MAX];
static struct jv templates; /* how each server of the image is started */
static struct role_env *env;

/* ---- answers ---- */

static void
say(struct chan *back, const struct msg *m)
{
	if (back != NULL && chan_send(back, m) != OK)
		log_line(LOG_WARN, "launch", "back %u does not listen",
		    chan_peer_instance(back));
}

static void
refuse(struct chan *back, uint64_t ref, enum err e, const char *text)
{
	struct msg m = msg_of(MSG_LAUNCHED);

	msg_set(&m, F_REF, ref);
	msg_set(&m, F_STATUS, (uint64_t)e);
	msg_set_text(&m, F_TEXT, str_of(text));
	log_line(LOG_WARN, "launch-failed", "back %u: %s",
	    chan_peer_instance(back), text);
	say(back, &m);
}

/* ---- the end of a server ---- */

static void
all_ended(void)
{
	if (!env->draining)
		return;
	for (size_t i = 0; i < SERVERS_MAX; i++)
		if (servers[i].pid != 0)
			return;
	loop_stop(env->loop);
}

static void
signal_next(struct timer *t)
{
	char *p = (char *)t;
	struct server *s = (void *)(p - offsetof(struct server, next));

	(void)kill(-s->pid, s->signal);
	if (s->signal == SIGKILL)
		return;
	s->signal = SIGKILL;
	loop_timer(env->loop, t, SECONDS(KILL_AFTER_S));
}

static void
server_end(struct server *s)
{
	if (s->pid == 0 || s->signal != 0)
		return;
	s->signal = SIGTERM;
	loop_timer(env->loop, &s->next, SECONDS(TERM_AFTER_S));
}

static void
server_ended(struct watch *w, unsigned what)
{
	struct server *s = (struct server *)(void *)w; /* its first member */
	struct msg m = msg_of(MSG_LAUNCH_GONE);
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
	loop_unwatch(env->loop, &s->end);
	loop_timer_off(env->loop, &s->next);
	fd_close(&s->end.fd);
	log_line(
	    LOG_INFO, "server-gone", "process %d %s", (int)s->pid, how.text);
	msg_set(&m, F_REF, s->ref);
	msg_set(&m, F_STATUS, (uint64_t)(unsigned)status);
	msg_set_text(&m, F_TEXT, str_of(how.text));
	say(s->back, &m);
	*s = (struct server){ .pid = 0 };
	all_ended();
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

/* Nothing comes when exec closed the other end; else why there was none. */
static bool
exec_failed(int fd, struct note *why)
{
	struct note said = { .text = "" };
	size_t n = 0, got = 0;

	while (
	    n < sizeof(said.text) - 1 &&
	    fd_read(fd, said.text + n, sizeof(said.text) - 1 - n, &got) == OK)
		n += got;
	if (n > 0)
		*why = said;
	return n > 0;
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
	if (p > 0 && exec_failed(up[0], why)) {
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
	if (s->end.fd >= 0 && loop_watch(env->loop, &s->end) == OK) {
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

/* ---- what a back may ask for ---- */

/* The server of this back, or J_NONE when it is none that one starts. */
static struct jv
upstream(const struct chan *back, uint64_t where)
{
	const size_t n = jv_count(templates);
	struct jit it = jit_of(templates);
	struct jv s = { NULL, 0 };

	if (n == 0 || where >= n || chan_peer_instance(back) % n != where)
		return s;
	for (uint64_t i = 0; i <= where; i++)
		if (!jit_next(&it, NULL, &s))
			return (struct jv){ NULL, 0 };
	if (jv_count(jv_get(s, STR("argv"))) == 0)
		return (struct jv){ NULL, 0 };
	return s;
}

static struct server *
server_find(const struct chan *back, uint64_t ref)
{
	for (size_t i = 0; i < SERVERS_MAX; i++)
		if (servers[i].pid != 0 && servers[i].back == back &&
		    servers[i].ref == ref)
			return &servers[i];
	return NULL;
}

static struct server *
server_free(void)
{
	for (size_t i = 0; i < SERVERS_MAX; i++)
		if (servers[i].pid == 0)
			return &servers[i];
	return NULL;
}

static void
launch(struct chan *back, uint64_t ref, uint64_t where)
{
	const struct jv server = upstream(back, where);
	struct server *s = server_free();
	struct msg m = msg_of(MSG_LAUNCHED);
	struct note why = { .text = "" };
	int ours[3] = { -1, -1, -1 };
	enum err e;

	if (jv_is(server, J_NONE)) {
		refuse(back, ref, ERR_DENIED, "not the upstream of this back");
		return;
	}
	if (server_find(back, ref) != NULL) {
		refuse(back, ref, ERR_DENIED, "that number is in use");
		return;
	}
	if (s == NULL || env->draining) {
		refuse(back, ref, ERR_LIMIT, "no more servers");
		return;
	}
	e = server_start(s, server, ours, &why);
	if (e != OK) {
		refuse(back, ref, e, why.text);
	} else {
		s->back = back;
		s->ref = ref;
		msg_set(&m, F_REF, ref);
		for (int i = 0; i < 3; i++)
			m.fd[i] = ours[i];
		log_line(LOG_INFO, "server-started", "%.*s is process %d",
		    STR_ARG(jv_str(jv_get(server, STR("name")))), (int)s->pid);
		say(back, &m);
	}
	pipes_close(ours);
}

static void
back_got(struct chan *c, const struct msg *m)
{
	const uint64_t ref = msg_num(m, F_REF);
	struct server *s;

	if (m->kind == MSG_LAUNCH) {
		launch(c, ref, msg_num(m, F_WHERE));
		return;
	}
	s = server_find(c, ref); /* NULL: it ended by itself meanwhile */
	if (s != NULL)
		server_end(s);
}

static void
back_lost(struct chan *c)
{
	for (size_t i = 0; i < SERVERS_MAX; i++)
		if (servers[i].pid != 0 && servers[i].back == c) {
			servers[i].back = NULL;
			server_end(&servers[i]);
		}
	chan_free(c);
}

static void
launch_link(struct role_env *e, enum role_id peer, unsigned instance,
    struct chan_fds *fds)
{
	static const struct chan_ops ops = { back_got, back_lost };

	if (chan_new(e->loop, fds, ROLE_LAUNCH, peer, instance, &ops, NULL) ==
	    NULL)
		log_line(LOG_ERROR, "launch", "no channel to %s %u",
		    role_name(peer), instance);
}

static enum err
launch_prepare(struct role_env *e, struct note *why)
{
	env = e;
	for (size_t i = 0; i < e->given_n; i++)
		if (strcmp(e->given[i].name, "launch") == 0 &&
		    role_image_map(e->given[i].fd[0], &templates) != OK)
			templates = (struct jv){ NULL, 0 };
	if (!jv_is(templates, J_ARR)) {
		note_set(why, "no word on how servers are started");
		return ERR_SYNTAX;
	}
	while (e->link_n > 0) {
		e->link_n--;
		launch_link(e, e->link[e->link_n].peer,
		    e->link[e->link_n].instance, &e->link[e->link_n].fds);
	}
	return OK;
}

static void
launch_drain(struct role_env *e)
{
	(void)e;
	for (size_t i = 0; i < SERVERS_MAX; i++)
		server_end(&servers[i]);
	all_ended();
}

const struct role role_launch = {
	.id = ROLE_LAUNCH,
	.prepare = launch_prepare,
	.link = launch_link,
	.drain = launch_drain,
};
