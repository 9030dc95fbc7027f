/*
 * launch.c: the role that backs ask for tool servers.  Promises that a back
 * gets its own upstream's servers and no others, and that a server is ended
 * when its back says so and when its back is gone.  It starts nothing itself:
 * that is the hand's (hand.h), which it asks by number.  It never reads what a
 * server says.
 */
#include "role/role.h"

#include <unistd.h>

#include "role/hand.h"

struct server {
	struct chan *back; /* NULL: nobody is waiting for it any more */
	uint64_t ref;
	uint64_t number; /* 0: free */
	enum { RUN_WANTED, END_WANTED, END_ASKED } wanted;
};
#define AGAIN_NS UINT64_C(50000000)

static struct server servers[HAND_SERVERS_MAX];
static struct role_env *env;
static struct watch hand;
static struct timer again;
static uint64_t last_number;

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

/* ---- the hand ---- */

static void
all_ended(void)
{
	if (!env->draining)
		return;
	for (size_t i = 0; i < HAND_SERVERS_MAX; i++)
		if (servers[i].number != 0)
			return;
	loop_stop(env->loop);
}

static enum err
hand_ask(enum hand_act act, uint64_t number, uint64_t at)
{
	const struct hand_ask a = {
		.act = (uint32_t)act, .at = (uint32_t)at, .number = number
	};

	return hand_send(hand.fd, &a);
}

/* What the hand had no room for is said again: what was started must end. */
static void
end_again(struct timer *t)
{
	bool more = false;

	for (size_t i = 0; i < HAND_SERVERS_MAX; i++) {
		struct server *s = &servers[i];

		if (s->number != 0 && s->wanted == END_WANTED)
			s->wanted = hand_ask(HAND_END, s->number, 0) == OK
					? END_ASKED
					: END_WANTED;
		more = more || (s->number != 0 && s->wanted == END_WANTED);
	}
	if (more)
		loop_timer(env->loop, t, AGAIN_NS);
}

/* The hand does one thing after the other, so this may come before STARTED. */
static void
server_end(struct server *s)
{
	if (s->number == 0 || s->wanted != RUN_WANTED)
		return;
	s->wanted = END_WANTED;
	end_again(&again);
}

static void
server_begun(struct server *s, const int fd[static 3])
{
	struct msg m = msg_of(MSG_LAUNCHED);

	msg_set(&m, F_REF, s->ref);
	for (int i = 0; i < 3; i++)
		m.fd[i] = fd[i];
	say(s->back, &m);
}

static void
server_gone(struct server *s, const struct hand_tell *t)
{
	struct msg m = msg_of(MSG_LAUNCH_GONE);

	msg_set(&m, F_REF, s->ref);
	msg_set(&m, F_STATUS, (uint64_t)(uint32_t)t->status);
	msg_set_text(&m, F_TEXT, str_of(t->text));
	if (t->news == HAND_GONE)
		say(s->back, &m);
	else if (s->back != NULL)
		refuse(s->back, s->ref, ERR_OS, t->text);
	*s = (struct server){ .number = 0 };
	all_ended();
}

static void
told(const struct hand_tell *t, const int fd[static 3])
{
	for (size_t i = 0; i < HAND_SERVERS_MAX; i++) {
		if (servers[i].number == 0 || servers[i].number != t->number)
			continue;
		if (t->news == HAND_STARTED)
			server_begun(&servers[i], fd);
		else
			server_gone(&servers[i], t);
		return;
	}
}

/* Without the hand launch is of no use: the parent starts both again. */
static void
hand_ready(struct watch *w, unsigned what)
{
	struct hand_tell t = { 0 };
	int fd[3];
	enum err e;

	(void)what;
	while ((e = hand_recv(w->fd, &t, fd)) == OK) {
		told(&t, fd);
		for (int i = 0; i < 3; i++)
			fd_close(&fd[i]);
	}
	if (e == ERR_MORE)
		return;
	log_line(LOG_ERROR, "launch", "the hand that starts servers is gone");
	_exit(1);
}

/* ---- what a back may ask for ---- */

/* Is this the upstream of this back, and one that is started? */
static bool
may_start(const struct chan *back, uint64_t where)
{
	const struct jv list = jv_get(env->image, STR("servers"));
	const size_t n = jv_count(list);
	struct jit it = jit_of(list);
	struct jv s = { NULL, 0 };

	if (n == 0 || where >= n || chan_peer_instance(back) % n != where)
		return false;
	for (uint64_t i = 0; i <= where; i++)
		if (!jit_next(&it, NULL, &s))
			return false;
	return str_eq(jv_str(jv_get(s, STR("kind"))), STR("stdio"));
}

static struct server *
server_find(const struct chan *back, uint64_t ref)
{
	for (size_t i = 0; i < HAND_SERVERS_MAX; i++)
		if (servers[i].number != 0 && servers[i].back == back &&
		    servers[i].ref == ref)
			return &servers[i];
	return NULL;
}

static struct server *
server_free(void)
{
	for (size_t i = 0; i < HAND_SERVERS_MAX; i++)
		if (servers[i].number == 0)
			return &servers[i];
	return NULL;
}

static void
launch(struct chan *back, uint64_t ref, uint64_t where)
{
	struct server *s = server_free();

	if (!may_start(back, where)) {
		refuse(back, ref, ERR_DENIED, "not the upstream of this back");
		return;
	}
	if (server_find(back, ref) != NULL) {
		refuse(back, ref, ERR_DENIED, "that number is in use");
		return;
	}
	if (s == NULL || env->draining ||
	    hand_ask(HAND_START, last_number + 1, where) != OK) {
		refuse(back, ref, ERR_LIMIT, "no more servers");
		return;
	}
	*s = (struct server){
		.back = back, .ref = ref, .number = ++last_number
	};
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
	for (size_t i = 0; i < HAND_SERVERS_MAX; i++)
		if (servers[i].number != 0 && servers[i].back == c) {
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
hand_begin(struct role_env *e, struct note *why)
{
	struct str bytes = STR("");
	struct jv templates = { NULL, 0 };
	enum err err = ERR_SYNTAX;

	for (size_t i = 0; i < e->given_n; i++)
		if (strcmp(e->given[i].name, "launch") == 0 &&
		    role_image_map(e->given[i].fd[0], &templates) == OK) {
			bytes = jv_bytes(templates);
			fd_close(&e->given[i].fd[0]);
		}
	note_set(why, "no word on how servers are started");
	if (jv_is(templates, J_ARR))
		err = hand_fork(templates, &hand.fd, why);
	fd_unmap(bytes); /* the hand has it */
	if (err != OK)
		return err;
	hand.ready = hand_ready;
	again.fire = end_again;
	return loop_watch(e->loop, &hand);
}

static enum err
launch_prepare(struct role_env *e, struct note *why)
{
	env = e;
	TRY(hand_begin(e, why));
	role_links(e, launch_link);
	return OK;
}

static void
launch_drain(struct role_env *e)
{
	(void)e;
	for (size_t i = 0; i < HAND_SERVERS_MAX; i++)
		server_end(&servers[i]);
	all_ended();
}

const struct role role_launch = {
	.id = ROLE_LAUNCH,
	.prepare = launch_prepare,
	.link = launch_link,
	.drain = launch_drain,
};
