/*
 * loop.c: one thread, one epoll set, a heap of timers.  Every descriptor is
 * registered once, edge-triggered, for everything; nothing is re-armed.
 *
 * Promises that a watch or timer taken away during a round is not called later
 * in that round, and that the flush hook runs before every sleep.  It does not
 * know what the descriptors carry.
 */
#include "sys/sys.h"

#include <errno.h>
#include <signal.h>
#include <sys/epoll.h>
#include <unistd.h>

enum { LOOP_EVENTS = 256 }; /* one round's fairness, and 3 KiB of events */

struct loop {
	int ep;
	bool stop;
	uint64_t now;
	struct epoll_event ev[LOOP_EVENTS];
	int ev_at, ev_n;     /* the batch being dispatched */
	struct timer **heap; /* heap[0] fires first; slot is index + 1 */
	size_t heap_n, heap_cap;
	void (*flush)(void *arg);
	bool (*busy)(void *arg);
	void *arg;
};

struct loop *
loop_new(void)
{
	struct loop *l = mem_get(sizeof(*l));

	/* A peer that left is an error of write, not the end of this role. */
	(void)signal(SIGPIPE, SIG_IGN);
	l->ep = epoll_create1(EPOLL_CLOEXEC);
	if (l->ep < 0) {
		mem_free(l);
		return NULL;
	}
	l->now = now_mono();
	return l;
}

void
loop_free(struct loop *l)
{
	if (l == NULL)
		return;
	fd_close(&l->ep);
	mem_free(l->heap);
	mem_free(l);
}

NODISCARD enum err
loop_watch(struct loop *l, struct watch *w)
{
	struct epoll_event ev = {
		.events = EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET,
		.data.ptr = w,
	};

	return epoll_ctl(l->ep, EPOLL_CTL_ADD, w->fd, &ev) < 0 ? ERR_OS : OK;
}

void
loop_unwatch(struct loop *l, struct watch *w)
{
	if (w->fd < 0)
		return;
	(void)epoll_ctl(l->ep, EPOLL_CTL_DEL, w->fd, NULL);
	for (int i = l->ev_at; i < l->ev_n; i++)
		if (l->ev[i].data.ptr == w)
			l->ev[i].data.ptr = NULL;
}

/* ---- timers: a binary heap by time ---- */

static void
heap_place(struct loop *l, size_t i, struct timer *t)
{
	l->heap[i] = t;
	t->slot = i + 1;
}

static void
heap_up(struct loop *l, size_t i, struct timer *t)
{
	while (i > 0 && t->at < l->heap[(i - 1) / 2]->at) {
		heap_place(l, i, l->heap[(i - 1) / 2]);
		i = (i - 1) / 2;
	}
	heap_place(l, i, t);
}

static void
heap_down(struct loop *l, size_t i, struct timer *t)
{
	for (size_t kid = 2 * i + 1; kid < l->heap_n; kid = 2 * i + 1) {
		if (kid + 1 < l->heap_n &&
		    l->heap[kid + 1]->at < l->heap[kid]->at)
			kid++;
		if (t->at <= l->heap[kid]->at)
			break;
		heap_place(l, i, l->heap[kid]);
		i = kid;
	}
	heap_place(l, i, t);
}

void
loop_timer_off(struct loop *l, struct timer *t)
{
	struct timer *last;
	size_t i;

	if (t->at == 0)
		return;
	i = t->slot - 1;
	BUG_ON(t->slot == 0 || i >= l->heap_n || l->heap[i] != t);
	t->at = 0;
	t->slot = 0;
	last = l->heap[--l->heap_n];
	if (last == t)
		return;
	if (i > 0 && last->at < l->heap[(i - 1) / 2]->at)
		heap_up(l, i, last);
	else
		heap_down(l, i, last);
}

void
loop_timer(struct loop *l, struct timer *t, uint64_t after_ns)
{
	const uint64_t far = UINT64_MAX - l->now;

	loop_timer_off(l, t);
	if (l->heap_n == l->heap_cap) {
		const size_t cap = l->heap_cap ? 2 * l->heap_cap : 64;

		l->heap = mem_more(l->heap, l->heap_cap * sizeof(*l->heap),
		    cap * sizeof(*l->heap));
		l->heap_cap = cap;
	}
	t->at = l->now + (after_ns < far ? after_ns : far);
	heap_up(l, l->heap_n++, t);
}

static void
timers_fire(struct loop *l)
{
	/* Armed with 0 while firing means next round: never spin in here. */
	const uint64_t until = l->now;
	size_t most = l->heap_n;

	while (most-- > 0 && l->heap_n > 0 && l->heap[0]->at <= until) {
		struct timer *t = l->heap[0];

		loop_timer_off(l, t);
		t->fire(t);
	}
}

/* ---- rounds ---- */

void
loop_hooks(struct loop *l, void (*flush)(void *arg), bool (*busy)(void *arg),
    void *arg)
{
	l->flush = flush;
	l->busy = busy;
	l->arg = arg;
}

/* Milliseconds to sleep, rounded up: a timer must not find itself early. */
static int
sleep_ms(const struct loop *l, uint64_t most_ns)
{
	uint64_t ns = most_ns;

	if (l->heap_n > 0) {
		const uint64_t at = l->heap[0]->at;
		const uint64_t now = now_mono();
		const uint64_t wait = at > now ? at - now : 0;

		if (wait < ns)
			ns = wait;
	}
	if (ns == UINT64_MAX)
		return -1;
	ns = ns / 1000000 + (ns % 1000000 != 0);
	return ns > 3600000 ? 3600000 : (int)ns;
}

static void
dispatch(struct loop *l)
{
	while (l->ev_at < l->ev_n) {
		const struct epoll_event *e = &l->ev[l->ev_at++];
		struct watch *w = e->data.ptr;
		unsigned what = 0;

		if (w == NULL)
			continue; /* taken away by an earlier one */
		if ((e->events & EPOLLIN) != 0)
			what |= SYS_IN;
		if ((e->events & EPOLLOUT) != 0)
			what |= SYS_OUT;
		if ((e->events & (EPOLLRDHUP | EPOLLHUP | EPOLLERR)) != 0)
			what |= SYS_HUP;
		w->ready(w, what);
	}
	l->ev_at = 0;
	l->ev_n = 0;
}

void
loop_once(struct loop *l, uint64_t timeout_ns)
{
	int ms = 0;
	int n;

	/* What timers or the caller wrote since the last round goes first. */
	if (l->flush != NULL)
		l->flush(l->arg);
	if (l->busy == NULL || !l->busy(l->arg))
		ms = sleep_ms(l, timeout_ns);
	else if (l->flush != NULL)
		l->flush(l->arg);
	n = epoll_wait(l->ep, l->ev, LOOP_EVENTS, ms);
	l->now = now_mono();
	if (n < 0) {
		BUG_ON(errno != EINTR);
		n = 0;
	}
	l->ev_n = n;
	dispatch(l);
	timers_fire(l);
	if (l->flush != NULL)
		l->flush(l->arg);
}

void
loop_run(struct loop *l)
{
	l->stop = false;
	while (!l->stop)
		loop_once(l, UINT64_MAX);
}

void
loop_stop(struct loop *l)
{
	l->stop = true;
}

uint64_t
loop_now(const struct loop *l)
{
	return l->now;
}
