/*
 * back-kid.c: tool servers behind pipes, started by role launch.  A legacy
 * session has a server of its own; of the modern era those hops share one that
 * have the same word in h->share, which `sharing` made.  Promises that
 * none of the three pipes can block another, that a line and what waits to be
 * written are bounded, and that ids of several askers never mix.
 */
#include "role/back-in.h"

enum {
	JUNK_MAX = 100,	   /* lines in a row that are not this protocol */
	JUNK_LOGGED = 3,   /* of them are shown */
	WORDS_LINE = 2048, /* of stderr, in one log line */
	WORDS_BURST = 50,  /* log lines of stderr in one second */
	FALLS_MAX = 8,	   /* 100 ms << 8 is the longest pause */
};
#define YOUNG_NS (5 * SECOND) /* who ends before was never well */

static void kid_gone(struct kid *k, const char *why);

/* ---- life ---- */

static void
kid_free(struct kid *k)
{
	buf_done(&k->to);
	buf_done(&k->from.part);
	buf_done(&k->words.part);
	buf_done(&k->share);
	mem_free(k);
}

/* Closes its pipes, which asks it to end; launch sees to it that it does. */
static void
kid_end(struct kid *k)
{
	struct back *b = k->b;
	struct kid **at = &b->kids;
	struct msg m = msg_of(MSG_LAUNCH_END);

	if (k->gone)
		return;
	k->gone = true;
	while (*at != k)
		at = &(*at)->next;
	*at = k->next;
	loop_timer_off(b->loop, &k->again);
	loop_unwatch(b->loop, &k->in);
	loop_unwatch(b->loop, &k->out);
	loop_unwatch(b->loop, &k->err);
	fd_close(&k->in.fd);
	fd_close(&k->out.fd);
	fd_close(&k->err.fd);
	msg_set(&m, F_REF, k->ref);
	if (b->launch != NULL && chan_send(b->launch, &m) != OK)
		log_line(LOG_WARN, "launch-full", "a tool server may stay");
	if (k->busy == 0)
		kid_free(k);
}

static void
leave(struct kid *k)
{
	if (--k->busy == 0 && k->gone)
		kid_free(k);
}

static struct kid *
kid_new(struct back *b, struct hop *h)
{
	struct msg m = msg_of(MSG_LAUNCH);
	struct kid *k;

	msg_set(&m, F_REF, b->last_ref + 1);
	msg_set(&m, F_WHERE, b->where);
	if (b->launch == NULL || chan_send(b->launch, &m) != OK)
		return NULL;
	k = mem_get(sizeof(*k));
	k->b = b;
	k->hop = h;
	k->ref = ++b->last_ref;
	k->born = loop_now(b->loop);
	k->in.fd = k->out.fd = k->err.fd = -1;
	k->to.max = KID_OUT_MAX + CHAN_MSG_MAX;
	k->from.part.max = b->answer_max;
	k->words.part.max = WORDS_LINE;
	k->next = b->kids;
	b->kids = k;
	return k;
}

/* The one that this hop shares with its like, or NULL. */
static struct kid *
shared_of(const struct hop *h)
{
	struct kid *k = h->b->kids;

	while (k != NULL &&
	       !(k->shared && str_eq(buf_view(&k->share), buf_view(&h->share))))
		k = k->next;
	return k;
}

static void
share(struct kid *k, const struct hop *h)
{
	k->hop = NULL;
	k->shared = true;
	k->share.max = h->share.max;
	buf_clear(&k->share);
	buf_str(&k->share, buf_view(&h->share));
}

/* The shared one, started again if it ended; NULL: not now. */
static struct kid *
kid_shared(struct hop *h)
{
	struct kid *k = shared_of(h);

	if (k != NULL || loop_now(h->b->loop) < h->b->not_before)
		return k;
	k = kid_new(h->b, NULL);
	if (k != NULL)
		share(k, h);
	return k;
}

static void
shared_fell(struct back *b, const struct kid *k)
{
	const uint64_t now = loop_now(b->loop);

	b->falls = now - k->born < YOUNG_NS ? b->falls + 1 : 0;
	if (b->falls > 0)
		b->not_before =
		    now +
		    (100 * MS << (b->falls < FALLS_MAX ? b->falls : FALLS_MAX));
}

/* Those who were about to open on it. */
static void
waiters_fail(struct back *b, const struct kid *k, const char *why)
{
	struct hop *h = b->hops;

	while (h != NULL) {
		if (h->waits == k) {
			h->waits = NULL;
			hop_cannot(h, 503, why);
			h = b->hops;
		} else {
			h = h->next;
		}
	}
}

/* It ended, or has to: everybody who waits for it learns why. */
static void
kid_gone(struct kid *k, const char *why)
{
	struct back *b = k->b;
	struct hop *h = k->hop;
	struct note words;

	if (k->gone)
		return;
	k->busy++;
	note_set(&words, "the tool server ended: %s", why);
	if (k->shared)
		shared_fell(b, k);
	kid_end(k);
	if (h != NULL) {
		h->kid = NULL;
		if (h->state == HOP_UP || h->state == HOP_TOLD)
			hop_lost(h, words.text);
		else if (call_alone(b, k) != NULL)
			calls_fail_kid(b, k, words.text);
		else
			hop_cannot(h, 503, words.text);
	} else {
		calls_fail_kid(b, k, words.text);
		waiters_fail(b, k, words.text);
	}
	leave(k);
}

/* ---- writing ---- */

static void
flush(struct kid *k)
{
	while (k->up && !k->gone && k->to_at < k->to.n) {
		size_t n;
		const enum err e = fd_write(k->in.fd,
		    (struct str){ k->to.p + k->to_at, k->to.n - k->to_at }, &n);

		if (e == ERR_MORE)
			return;
		if (e != OK) {
			/* Its last words are still read: they may be answers,
			 * and the end of stdout says that it is over. */
			k->to_at = k->to.n;
			break;
		}
		k->to_at += n;
	}
	if (k->to_at < k->to.n)
		return;
	k->to_at = 0;
	buf_clear(&k->to);
	if (k->to.cap > READ_MAX)
		buf_done(&k->to);
}

/* b->text as one line.  False: it does not read what we write. */
static bool
say(struct kid *k)
{
	struct back *b = k->b;

	if (k->to.n - k->to_at > KID_OUT_MAX)
		return false;
	if (k->to_at > 0 && k->to_at > k->to.n / 2) {
		buf_drop(&k->to, k->to_at);
		k->to_at = 0;
	}
	buf_str(&k->to, buf_view(&b->text));
	buf_ch(&k->to, '\n');
	if (buf_end(&k->to) != OK)
		return false;
	flush(k);
	return true;
}

/* ---- reading ---- */

static void
line(void *arg, struct str s)
{
	struct kid *k = arg;
	struct note why;

	if (k->gone || str_trim(s).n == 0)
		return;
	if (hear(k->b, k->hop, NULL, k, s, &why) == OK) {
		k->junk_n = 0;
		return;
	}
	if (k->gone)
		return;
	if (++k->junk_n <= JUNK_LOGGED)
		log_line(LOG_WARN, "tool-junk", "%.*s: %s", STR_ARG(k->b->name),
		    why.text);
	if (k->junk_n > JUNK_MAX)
		kid_gone(k, "it does not speak the protocol");
}

static void
word(void *arg, struct str s)
{
	struct kid *k = arg;
	const uint64_t now = loop_now(k->b->loop);

	if (now - k->words_at > SECOND) {
		k->words_at = now;
		k->words_n = 0;
	}
	k->words_n++;
	if (k->words_n <= WORDS_BURST)
		log_line(LOG_INFO, "tool-stderr", "%.*s: %.*s",
		    STR_ARG(k->b->name), STR_ARG(str_sub(s, 0, WORDS_LINE)));
	else if (k->words_n == WORDS_BURST + 1)
		log_line(LOG_INFO, "tool-stderr", "%.*s: more is not shown",
		    STR_ARG(k->b->name));
}

/* Reads a while; true: it may hold more. */
static bool
drain(struct kid *k, struct watch *w, struct lines *l,
    void (*got)(void *arg, struct str s))
{
	struct back *b = k->b;

	for (int i = 0; i < READS_MAX && !k->gone; i++) {
		size_t n = 0;
		enum err e;

		if (w == &k->out && back_full(b))
			return true;
		e = fd_read(w->fd, b->read, READ_MAX, &n);

		if (e == ERR_MORE)
			return false;
		if (e != OK && w == &k->out)
			kid_gone(k, "it closed its output");
		if (e != OK)
			return false;
		if (lines_read(l, (struct str){ b->read, n }, got, k) == OK)
			continue;
		if (w == &k->out)
			kid_gone(k, "a line is over the limit");
		buf_clear(&l->part); /* of stderr: the rest is a new line */
	}
	return !k->gone;
}

static void
drain_both(struct kid *k)
{
	bool more = false;

	k->busy++;
	if (k->err.fd >= 0)
		more = drain(k, &k->err, &k->words, word);
	if (!k->gone)
		more = drain(k, &k->out, &k->from, line) || more;
	if (!k->gone && more)
		loop_timer(
		    k->b->loop, &k->again, back_full(k->b) ? FULL_NS : 0);
	leave(k);
}

static void
again(struct timer *t)
{
	drain_both(OWNER(t, struct kid, again));
}

static void
in_ready(struct watch *w, unsigned what)
{
	if ((what & SYS_OUT) != 0)
		flush(OWNER(w, struct kid, in));
}

static void
out_ready(struct watch *w, unsigned what)
{
	if ((what & (SYS_IN | SYS_HUP)) != 0)
		drain_both(OWNER(w, struct kid, out));
}

static void
err_ready(struct watch *w, unsigned what)
{
	if ((what & (SYS_IN | SYS_HUP)) != 0)
		drain_both(OWNER(w, struct kid, err));
}

/* ---- from launch ---- */

static struct kid *
kid_find(struct back *b, uint64_t ref)
{
	struct kid *k = b->kids;

	while (k != NULL && k->ref != ref)
		k = k->next;
	return k;
}

static bool
pipe_watch(struct kid *k, struct watch *w, int fd,
    void (*ready)(struct watch *w, unsigned what))
{
	*w = (struct watch){ .fd = fd, .ready = ready };
	return fd >= 0 && fd_nonblock(fd) == OK &&
	       loop_watch(k->b->loop, w) == OK;
}

/* Everybody who opened before the shared one was there. */
static void
shared_up(struct back *b, const struct kid *k)
{
	struct hop *h = b->hops;

	while (h != NULL) {
		if (h->waits == k) {
			h->waits = NULL;
			hop_can_talk(h);
			h = b->hops;
		} else {
			h = h->next;
		}
	}
}

void
kid_launched(struct back *b, const struct msg *m)
{
	struct kid *k = kid_find(b, msg_num(m, F_REF));
	struct note why;
	bool good;

	if (k == NULL || k->up) {
		for (size_t i = 0; i < MSG_FDS; i++)
			fd_close(&(int){ m->fd[i] });
		return;
	}
	good = pipe_watch(k, &k->in, m->fd[0], in_ready);
	good = pipe_watch(k, &k->out, m->fd[1], out_ready) && good;
	good = pipe_watch(k, &k->err, m->fd[2], err_ready) && good;
	if (!good || msg_num(m, F_STATUS) != 0) {
		note_set(&why, "it did not start: %.*s",
		    STR_ARG(str_sub(msg_text(m, F_TEXT), 0, 150)));
		kid_gone(k, why.text);
		return;
	}
	k->up = true;
	k->again.fire = again;
	k->busy++;
	flush(k);
	if (k->hop != NULL)
		hop_can_talk(k->hop);
	else
		shared_up(b, k);
	if (!k->gone)
		drain_both(k);
	leave(k);
}

void
kid_exited(struct back *b, const struct msg *m)
{
	struct kid *k = kid_find(b, msg_num(m, F_REF));
	struct note why;

	if (k == NULL)
		return;
	k->busy++;
	if (k->up)
		drain_both(k); /* what it said before it went */
	note_set(&why, "exit status %u: %.*s",
	    (unsigned)msg_num(m, F_STATUS) & 0xffff,
	    STR_ARG(str_sub(msg_text(m, F_TEXT), 0, 100)));
	kid_gone(k, why.text);
	leave(k);
}

void
kid_launcher_lost(struct back *b)
{
	struct kid *k = b->kids;

	while (k != NULL) {
		if (k->up) {
			k = k->next; /* its pipes will tell */
		} else {
			kid_gone(k, "the launcher is not there");
			k = b->kids;
		}
	}
}

/* ---- the carrier ---- */

static void
kid_reach(struct hop *h)
{
	struct back *b = h->b;
	struct kid *k = b->era[h->modern] == ERA_MODERN && h->state == HOP_PROBE
			    ? shared_of(h)
			    : NULL;

	if (h->kid != NULL) { /* it answered the probe, in the other era */
		hop_can_talk(h);
		return;
	}
	if (k != NULL && k->up) {
		hop_can_talk(h);
		return;
	}
	if (k != NULL) {
		h->waits = k;
		return;
	}
	h->kid = kid_new(b, h);
	if (h->kid == NULL)
		hop_cannot(h, 503, "the launcher is not there");
}

static void
kid_request(struct call *c)
{
	struct hop *h = c->hop;
	struct kid *k = h->kid != NULL ? h->kid : kid_shared(h);

	if (k == NULL) {
		call_fail(c, 502,
		    "the tool server ended, and is given a pause "
		    "before it is started again");
		return;
	}
	c->kid = k;
	if (say(k)) /* pipes have no streams; ours to the agent can resume */
		tell_stream(c, 0, RETRY_MS);
	else
		call_fail(c, 502, "the tool server does not read its input");
}

static void
kid_post(struct hop *h, void (*sent)(struct hop *h, bool good))
{
	struct kid *k = h->kid != NULL ? h->kid : shared_of(h);
	const bool good = k != NULL && say(k);

	if (sent != NULL)
		sent(h, good);
}

static void
kid_forget(struct call *c)
{
	c->kid = NULL;
}

/* A modern server serves all of its share from now on. */
static void
kid_opened(struct hop *h)
{
	struct kid *k = h->kid;

	if (h->era != ERA_MODERN || k == NULL)
		return;
	h->kid = NULL;
	k->hop = NULL;
	if (shared_of(h) == NULL)
		share(k, h);
	else
		kid_end(k);
}

/* With the last of its share a server ends, but for the one that is all's. */
static void
share_left(struct hop *h)
{
	struct kid *k = shared_of(h);

	if (k == NULL || h->share.n == 0)
		return;
	for (const struct hop *o = h->b->hops; o != NULL; o = o->next)
		if (o != h && str_eq(buf_view(&o->share), buf_view(&h->share)))
			return;
	kid_end(k);
}

static void
kid_end_hop(struct hop *h, bool polite)
{
	struct kid *k = h->kid;

	(void)polite;
	h->kid = NULL;
	h->waits = NULL;
	if (k != NULL)
		kid_end(k);
	share_left(h);
}

const struct carrier carrier_kid = {
	.reach = kid_reach,
	.request = kid_request,
	.post = kid_post,
	.forget = kid_forget,
	.opened = kid_opened,
	.end = kid_end_hop,
};
