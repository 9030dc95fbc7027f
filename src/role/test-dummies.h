/*
 * test-dummies.h: roles with nothing in them but links, for test-parent.c.  A
 * caller of the front sets off one chain over every link there is: front,
 * judge, keys, judge, budget, judge, ledger, judge, back, launch, back, judge,
 * front; the caller hears "ok" when the whole house answered.  Each runs in the
 * jail of its role.
 */
#ifndef TEST_DUMMIES_H
#define TEST_DUMMIES_H

#include <stdio.h>
#include <sys/socket.h>
#include <unistd.h>

#include "role/role.h"

static struct role_env *dummy;
static struct chan *dummy_to[ROLE__N]; /* the peer of the own cell */
static unsigned dummy_secrets;

static void dummy_got(struct chan *c, const struct msg *m);

static void
dummy_lost(struct chan *c)
{
	if (dummy_to[chan_peer(c)] == c)
		dummy_to[chan_peer(c)] = NULL;
	chan_free(c);
}

static void
dummy_link(struct role_env *e, enum role_id peer, unsigned instance,
    struct chan_fds *fds)
{
	static const struct chan_ops ops = { dummy_got, dummy_lost };
	struct chan *c = chan_new(e->loop, fds, e->id, peer, instance, &ops, e);
	const bool cells = peer == ROLE_FRONT || peer == ROLE_JUDGE;

	if (!cells || instance == e->instance || e->id == ROLE_BACK)
		dummy_to[peer] = c;
}

static enum err
dummy_prepare(struct role_env *e, struct note *why)
{
	(void)why;
	dummy = e;
	role_links(e, dummy_link);
	return OK;
}

static void
dummy_say(struct chan *c, struct msg m)
{
	if (c != NULL && chan_send(c, &m) != OK)
		log_line(LOG_ERROR, "dummy", "cannot send");
}

/* kind with its one or two numbers */
static struct msg
dummy_msg(enum msg_kind kind, enum msg_field f, uint64_t v, enum msg_field f2,
    uint64_t v2)
{
	struct msg m = msg_of(kind);

	msg_set(&m, f, v);
	msg_set(&m, f2, v2);
	return m;
}

/* ---- front: a caller is a number; its socket waits for the chain ---- */
static struct watch dummy_listener;

static void
dummy_accept(struct watch *w, unsigned what)
{
	int fd;

	(void)what;
	while ((fd = accept4(w->fd, NULL, NULL, SOCK_CLOEXEC)) >= 0) {
		if (dummy_to[ROLE_JUDGE] == NULL) {
			(void)!write(fd, "no", 2);
			(void)close(fd);
			continue;
		}
		dummy_say(dummy_to[ROLE_JUDGE],
		    dummy_msg(MSG_CLOSE, F_REF, (uint64_t)fd, F_WHERE, 0));
	}
}

static enum err
front_prepare(struct role_env *e, struct note *why)
{
	for (size_t i = 0; i < e->given_n; i++)
		if (strcmp(e->given[i].name, "agents") == 0)
			dummy_listener =
			    (struct watch){ e->given[i].fd[0], dummy_accept };
	TRY(dummy_prepare(e, why));
	return loop_watch(e->loop, &dummy_listener);
}

static void
front_hears(const struct msg *m)
{
	const int fd = (int)msg_num(m, F_REF);
	const bool good = msg_num(m, F_STATUS) == 200;

	(void)!write(fd, good ? "ok" : "no", 2);
	(void)close(fd);
}

/* ---- judge: one chain at a time is enough; CALL is the caller ---- */
static uint64_t dummy_seq;

static void
judge_fails(uint64_t ref)
{
	dummy_say(dummy_to[ROLE_FRONT],
	    dummy_msg(MSG_ACCEPTED, F_REF, ref, F_STATUS, 503));
}

/* What the segment is for: a line, and its place on the disk. */
static void
judge_records(void)
{
	static bool asked;
	struct msg full = msg_of(MSG_FULL);

	if (write(dummy->given[0].fd[0], "line\n", 5) == 5)
		dummy_say(dummy_to[ROLE_LEDGER],
		    dummy_msg(MSG_SYNC, F_SEQ, ++dummy_seq, F_REF,
			dummy->given[0].seq));
	msg_set(&full, F_SEQ, dummy->given[0].seq);
	if (!asked)
		dummy_say(dummy->parent, full);
	asked = true;
}

static void
judge_hears(const struct msg *m)
{
	static uint64_t caller;
	struct msg r;

	if (m->kind == MSG_CLOSE) {
		caller = msg_num(m, F_REF);
		r = msg_of(MSG_UNSEAL);
		msg_set(&r, F_CALL, caller);
		msg_set_text(&r, F_TEXT, STR("x"));
		if (dummy_to[ROLE_KEYS] == NULL ||
		    dummy_to[ROLE_BACK] == NULL ||
		    dummy_to[ROLE_LEDGER] == NULL ||
		    dummy_to[ROLE_BUDGET] == NULL)
			judge_fails(caller);
		else
			dummy_say(dummy_to[ROLE_KEYS], r);
	} else if (m->kind == MSG_UNSEALED) {
		r = msg_of(MSG_RESERVE);
		msg_set(&r, F_CALL, caller);
		msg_set_text(&r, F_REC, (struct str){ "\1", 1 }); /* null */
		dummy_say(dummy_to[ROLE_BUDGET], r);
	} else if (m->kind == MSG_RESERVED) {
		judge_records();
	} else if (m->kind == MSG_RECORDED) {
		dummy_say(dummy_to[ROLE_BACK],
		    dummy_msg(MSG_HOP_OPEN, F_HOP, caller, F_WHERE, 0));
	} else if (m->kind == MSG_HOP_OPENED) {
		dummy_say(dummy_to[ROLE_FRONT],
		    dummy_msg(MSG_ACCEPTED, F_REF, msg_num(m, F_HOP), F_STATUS,
			msg_num(m, F_STATUS) == 0 ? 200 : 503));
	}
}

/* ---- the others ---- */
static void
back_hears(const struct msg *m)
{
	if (m->kind == MSG_HOP_OPEN)
		dummy_say(dummy_to[ROLE_LAUNCH],
		    dummy_msg(MSG_LAUNCH, F_REF, msg_num(m, F_HOP), F_WHERE,
			msg_num(m, F_WHERE)));
	else
		dummy_say(dummy_to[ROLE_JUDGE],
		    dummy_msg(MSG_HOP_OPENED, F_HOP, msg_num(m, F_REF),
			F_STATUS, msg_num(m, F_STATUS)));
}

static void
ledger_hears(struct chan *c, const struct msg *m)
{
	const size_t newest = dummy->given_n - 1;
	struct msg r = msg_of(MSG_RECORDED), old = msg_of(MSG_SYNCED);

	if (dummy->given_n == 0 || dummy->given[newest].fd[0] < 0 ||
	    fdatasync(dummy->given[newest].fd[0]) != 0)
		return;
	msg_set(&r, F_SEQ, msg_num(m, F_SEQ));
	dummy_say(c, r);
	msg_set(&old, F_SEQ, dummy->given[newest].seq);
	dummy_say(dummy->parent, old);
}

/* It may write and sync what it was given last, and read what it was before. */
static void
budget_hears(struct chan *c, const struct msg *m)
{
	const size_t newest = dummy->given_n - 1;
	struct msg r = msg_of(MSG_RESERVED), old = msg_of(MSG_SYNCED);
	char byte;

	if (dummy->given_n == 0 ||
	    write(dummy->given[newest].fd[0], "line\n", 5) != 5 ||
	    fdatasync(dummy->given[newest].fd[0]) != 0)
		return;
	for (size_t i = 0; i < newest; i++)
		if ((dummy->given[i].flags & MF_RESUME) == 0 ||
		    dummy->given[i].seq + newest - i !=
			dummy->given[newest].seq ||
		    read(dummy->given[i].fd[0], &byte, 1) < 0)
			return;
	msg_set(&r, F_CALL, msg_num(m, F_CALL));
	dummy_say(c, r);
	msg_set(&old, F_SEQ, dummy->given[newest].seq);
	dummy_say(dummy->parent, old);
}

static void
keys_hears(struct chan *c, const struct msg *m)
{
	struct msg r = msg_of(MSG_UNSEALED);

	/* Without its secret it does not answer, and the chain ends here. */
	msg_set(&r, F_CALL, msg_num(m, F_CALL));
	if (dummy_secrets == 1)
		dummy_say(c, r);
}

static void
keys_secret(struct role_env *e, const struct msg *m)
{
	(void)e;
	if (m->kind == MSG_SECRET && str_eq(msg_text(m, F_NAME), STR("tls")) &&
	    str_eq(msg_text(m, F_BYTES), STR("very secret")))
		dummy_secrets++;
}

static void
dummy_got(struct chan *c, const struct msg *m)
{
	if (dummy->id == ROLE_FRONT)
		front_hears(m);
	else if (dummy->id == ROLE_JUDGE)
		judge_hears(m);
	else if (dummy->id == ROLE_BACK)
		back_hears(m);
	else if (dummy->id == ROLE_LEDGER)
		ledger_hears(c, m);
	else if (dummy->id == ROLE_BUDGET)
		budget_hears(c, m);
	else if (dummy->id == ROLE_KEYS)
		keys_hears(c, m);
	else if (dummy->id == ROLE_LAUNCH)
		dummy_say(c, dummy_msg(MSG_LAUNCHED, F_REF, msg_num(m, F_REF),
				 F_STATUS, 0));
}

/* ---- desk: a caller writes one word and reads one answer ---- */
static void
desk_accept(struct watch *w, unsigned what)
{
	char word[32];
	int fd;

	(void)what;
	while ((fd = accept4(w->fd, NULL, NULL, SOCK_CLOEXEC)) >= 0) {
		const ssize_t n = read(fd, word, sizeof(word));
		struct msg m = msg_of(MSG_COMMAND);

		msg_set(&m, F_REF, (uint64_t)fd);
		msg_set_text(
		    &m, F_NAME, (struct str){ word, n > 0 ? (size_t)n : 0 });
		dummy_say(dummy->parent, m);
	}
}

static void
desk_status(struct role_env *e, const struct msg *m)
{
	const struct str s = msg_text(m, F_TEXT);
	const int fd = (int)msg_num(m, F_REF);

	(void)e;
	if (m->kind == MSG_STATUS) {
		(void)!write(fd, s.p, s.n);
		(void)close(fd);
	}
}

static enum err
desk_prepare(struct role_env *e, struct note *why)
{
	for (size_t i = 0; i < e->given_n; i++)
		if (strcmp(e->given[i].name, "control") == 0)
			dummy_listener =
			    (struct watch){ e->given[i].fd[0], desk_accept };
	if (e->pages_n < 2 || e->pages[ROLE_PAGE_TAG] == 0) {
		note_set(why, "no pages of counters");
		return ERR_SYNTAX;
	}
	TRY(dummy_prepare(e, why));
	return loop_watch(e->loop, &dummy_listener);
}

/* ---- load: the "configuration" is the image as JSON ---- */
static struct timer load_timer;

static void
load_fire(struct timer *t)
{
	struct buf text = { .max = 1 << 16 }, tape = { .max = 1 << 16 };
	struct msg m = msg_of(MSG_IMAGE);
	struct note why = { .text = "" };
	enum err e = OK;
	int fd = -1;

	(void)t;
	if (dummy->config_path.n > 0) {
		e = file_read(dummy->config_path.p, 1 << 16, &text, &why);
		if (e == OK)
			e = json_parse(
			    buf_view(&text), &json_default, &tape, &why);
	} else {
		tape_copy(&tape, dummy->image);
	}
	if (e == OK)
		e = memfd_of("image", buf_view(&tape), &fd);
	msg_set(&m, F_STATUS, (uint64_t)e);
	msg_set_text(&m, F_TEXT, str_of(why.text));
	m.fd[0] = fd;
	dummy_say(dummy->parent, m);
	loop_stop(dummy->loop);
}

static enum err
load_prepare(struct role_env *e, struct note *why)
{
	load_timer.fire = load_fire;
	loop_timer(e->loop, &load_timer, 0);
	return dummy_prepare(e, why);
}

/* A judge that never finishes: the house must end without its consent. */
static void
never_done(struct role_env *e)
{
	(void)e;
}

#define DUMMY(id, prepare, from)                                               \
	static const struct role dummy_##id = { ROLE_##id, prepare,            \
		dummy_link, NULL, from, NULL }
DUMMY(LOAD, load_prepare, NULL);
DUMMY(FRONT, front_prepare, NULL);
static const struct role dummy_JUDGE = { ROLE_JUDGE, dummy_prepare, dummy_link,
	NULL, NULL, never_done };
DUMMY(BACK, dummy_prepare, NULL);
DUMMY(LEDGER, dummy_prepare, NULL);
DUMMY(BUDGET, dummy_prepare, NULL);
DUMMY(KEYS, dummy_prepare, keys_secret);
DUMMY(LAUNCH, dummy_prepare, NULL);
DUMMY(DESK, desk_prepare, desk_status);
DUMMY(TILES, dummy_prepare, NULL);
static const struct role *const dummies[ROLE__N] = {
	[ROLE_LOAD] = &dummy_LOAD,
	[ROLE_FRONT] = &dummy_FRONT,
	[ROLE_JUDGE] = &dummy_JUDGE,
	[ROLE_BACK] = &dummy_BACK,
	[ROLE_LEDGER] = &dummy_LEDGER,
	[ROLE_BUDGET] = &dummy_BUDGET,
	[ROLE_KEYS] = &dummy_KEYS,
	[ROLE_LAUNCH] = &dummy_LAUNCH,
	[ROLE_DESK] = &dummy_DESK,
	[ROLE_TILES] = &dummy_TILES,
};

#endif
