/*
 * sys: every system call of the house.  The loop (edge-triggered epoll),
 * clocks, timers, files, sockets, randomness, the operational log, counters.
 *
 * Who owns what.  A struct watch and a struct timer live inside their owner's
 * struct; the loop only points at them.  Descriptors belong to whoever opened
 * them; fd_close() sets them to -1.
 */
#ifndef SYS_H
#define SYS_H

#include "base/base.h"

#include <sys/types.h>

/* Time.  Monotonic and wall clock in nanoseconds. */
uint64_t now_mono(void);
uint64_t now_wall(void); /* since 1970, UTC */
/* RFC 3339 with milliseconds, "2026-11-23T18:00:00.000Z", 24 bytes. */
struct str time_text(uint64_t wall_ns, char out[static 25]);

void random_bytes(void *p, size_t n); /* getrandom; the end if it fails */

/* ---- the loop ---- */
enum { SYS_IN = 1, SYS_OUT = 2, SYS_HUP = 4 };
struct loop;
struct watch {
	int fd;
	/* ready is a mask of SYS_*; edge-triggered: read until EAGAIN */
	void (*ready)(struct watch *w, unsigned what);
};
struct timer {
	uint64_t at; /* 0 while idle */
	size_t slot; /* the heap's own */
	void (*fire)(struct timer *t);
};
struct loop *loop_new(void);
void loop_free(struct loop *l);
NODISCARD enum err loop_watch(
    struct loop *l, struct watch *w);		    /* IN|OUT|RDHUP|ET */
void loop_unwatch(struct loop *l, struct watch *w); /* before closing w->fd */
void loop_timer(
    struct loop *l, struct timer *t, uint64_t after_ns); /* re-arms */
void loop_timer_off(struct loop *l, struct timer *t);
/* Run after every batch of events and before sleeping: flush what the batch
 * wrote.  `idle` returns true when there is work already (do not sleep). */
void loop_hooks(struct loop *l, void (*flush)(void *arg),
    bool (*busy)(void *arg), void *arg);
void loop_run(struct loop *l); /* until loop_stop */
void loop_stop(struct loop *l);
/* One round, waiting at most timeout_ns; for tests and drains. */
void loop_once(struct loop *l, uint64_t timeout_ns);
uint64_t loop_now(const struct loop *l); /* monotonic at this round's start */

/* ---- descriptors ---- */
void fd_close(int *fd); /* -1 is fine; leaves -1 */
/* n bytes, ERR_MORE = would block, ERR_GONE = end or reset, ERR_OS. */
NODISCARD enum err fd_read(int fd, void *p, size_t cap, size_t *n);
NODISCARD enum err fd_write(int fd, struct str s, size_t *n);
NODISCARD enum err fd_write2(int fd, struct str a, struct str b, size_t *n);
/* A whole regular file; ERR_LIMIT past max. */
/* What a child wrote before it ended or became another program: why it could
 * not; false when there is nothing. */
bool fd_said(int fd, struct note *why);
/* Opens a regular file to read, and nothing else that may stand there. */
NODISCARD enum err file_open(
    const char *path, bool follow, int *fd, struct note *why);
NODISCARD enum err file_read(
    const char *path, size_t max, struct buf *out, struct note *why);
/* Atomic: temporary, fsync, rename, mode kept or `mode`. */
NODISCARD enum err file_replace(
    const char *path, struct str s, mode_t mode, struct note *why);
NODISCARD enum err fd_nonblock(int fd);
/* The next connection, non-blocking, TCP without delay.  ERR_MORE: none waits;
 * ERR_LIMIT: no descriptor or memory is left, try again later; ERR_OS. */
NODISCARD enum err fd_accept(int listening, int *fd);
void fd_shut(int fd);  /* we will send no more */
bool fd_quiet(int fd); /* a socket that has nothing to read and not ended */
/* A sealed read-only memory file holding s; for images. */
NODISCARD enum err memfd_of(const char *name, struct str s, int *fd);
NODISCARD enum err fd_map_ro(
    int fd, struct str *out); /* whole file, read-only */
void fd_unmap(struct str mapped);

/* ---- operational log: one JSON object a line on stderr ---- */
enum log_level { LOG_DEBUG, LOG_INFO, LOG_WARN, LOG_ERROR };
/* Everything foreign is escaped here.  fmt makes the "msg"; event is a short
 * fixed word.  Never tokens, never arguments.  A line that nobody takes at once
 * is lost, counted, and told of before the next one: nothing waits for a log.
 */
COLD void log_line(enum log_level lv, const char *event, const char *fmt, ...)
    PRINTF(3, 4);
/* Once, by the first process, before it writes: so that two who write at one
 * moment to a pipe with room for one do not wait either. */
void log_never_waits(void);
void log_setup(const char *role, int instance, enum log_level least);

/* ---- counters: one shared page a role; desk reads all of them ---- */
enum counter {
#define COUNTER(id, name, help) CNT_##id,
#include "sys/counters.h"
#undef COUNTER
	CNT__N
};
extern uint64_t *counters; /* points at private memory until counters_at() */
static inline void
count(enum counter c)
{
	__atomic_fetch_add(&counters[c], 1, __ATOMIC_RELAXED);
}
/* For those that are no total: the last word counts. */
static inline void
gauge(enum counter c, uint64_t value)
{
	__atomic_store_n(&counters[c], value, __ATOMIC_RELAXED);
}
void counters_at(void *page); /* page of at least CNT__N u64 */
const char *counter_name(enum counter c);
const char *counter_help(enum counter c);

#endif
