/*
 * line: the order of steps.  A turn is one message of an agent on its way to a
 * server, and its answer on the way back; the steps are one table (turn.c).
 * Typed messages come in, typed messages go out: no bytes are parsed here, no
 * system call is made, so the whole of it runs in a test without a process.
 *
 * Promise: no UP_CALL leaves before its decision record is acknowledged; no
 * answer leaves before its outcome record is written; whatever is not decided
 * is refused; whatever cannot be recorded is refused.
 *
 * Who owns what.  The line owns sessions, hops (upstream sessions), turns and
 * legs (one upstream call of a turn).  Messages are borrowed during a call.
 */
#ifndef LINE_H
#define LINE_H

#include "base/base.h"
#include "ipc/ipc.h"

/* Where messages go; ERR_GONE when that peer is not there just now. */
struct line_ports {
	enum err (*front)(void *arg, unsigned front, const struct msg *m);
	enum err (*back)(void *arg, unsigned upstream, const struct msg *m);
	enum err (*ledger)(void *arg, const struct msg *m);
	enum err (*keys)(void *arg, const struct msg *m);
	enum err (*desk)(void *arg, const struct msg *m);
	enum err (*budget)(void *arg, const struct msg *m);
	uint64_t (*now)(void *arg);  /* monotonic, ns */
	uint64_t (*wall)(void *arg); /* since 1970, ns */
	void (*random)(void *p, size_t n);
	void *arg;
};
struct line;
/* Images must outlive the line. ERR_SYNTAX + why. */
NODISCARD enum err line_new(struct jv image, unsigned cell,
    const struct line_ports *ports, struct line **out, struct note *why);
void line_free(struct line *l);
/* A new image after a reload: rules, principals, limits. */
NODISCARD enum err line_image(
    struct line *l, struct jv image, struct note *why);

void line_from_front(struct line *l, unsigned front, const struct msg *m);
void line_from_back(struct line *l, unsigned upstream, const struct msg *m);
void line_from_ledger(struct line *l, const struct msg *m);
void line_from_keys(struct line *l, const struct msg *m);
void line_from_budget(struct line *l, const struct msg *m);
/* ASK: what would be decided?  Answered by TOLD, to desk. */
void line_from_desk(struct line *l, const struct msg *m);
void line_front_lost(struct line *l, unsigned front);
void line_back_lost(struct line *l, unsigned upstream);
void line_ledger_lost(struct line *l);
void line_desk_lost(struct line *l); /* what it asked is nobody's now */
void line_budget_lost(struct line *l);
/* Of so many records, from first to last, what was to be kept is lost; false:
 * that cannot be recorded now. */
bool line_content_lost(
    struct line *l, uint64_t first, uint64_t last, uint64_t n);
/* Records what somebody else saw, as a record of `kind`, with the members that
 * this kind has; its seq, or 0: it cannot be now.  Of role tiles: erasure,
 * prune; of the parent: configuration, credential, failure, role. */
uint64_t line_told(struct line *l, struct str kind, struct jv said);
/* The last record of this process: what was only counted goes before it. */
uint64_t line_stop(struct line *l, struct str why);
/* Time passes: expiries.  Call about once a second; in a tenth of one while
 * it is true that calls wait for budgets or servers that are being opened. */
bool line_tick(struct line *l);
/* Does a call wait for role budget?  It waits no longer than it may if ticks
 * come in tenths of a second from now on. */
bool line_hurries(const struct line *l);
/* Turns that will finish by themselves; drain waits for zero. */
size_t line_busy(const struct line *l);

#endif
