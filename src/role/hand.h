/*
 * hand: the one process that can start programs.  Role launch forks it before
 * its own door falls shut and then has no other way to start anything: it asks
 * by number, in messages of one size, and so whoever takes launch over through
 * what backs send can start the configured servers and nothing else.
 *
 * The hand owns the servers' templates (their environment too), which launch
 * does not keep; it starts each server in the sandbox, ends and reaps it.  It
 * ends when launch does and its servers end with it.  When the hand is gone,
 * launch ends too, and the parent starts both again.
 */
#ifndef HAND_H
#define HAND_H

#include "base/base.h"
#include "json/json.h"

enum { HAND_SERVERS_MAX = 1024 }; /* running at once, all upstreams together */

enum hand_act { HAND_START = 1, HAND_END };
struct hand_ask {
	uint64_t number;  /* launch's own, of this server */
	uint32_t act, at; /* at: which template, for START */
};

enum hand_news { HAND_STARTED = 1, HAND_FAILED, HAND_GONE };
struct hand_tell { /* with STARTED: its stdin, stdout and stderr */
	uint64_t number;
	uint32_t news;
	int32_t status; /* of GONE: as waitpid gives it */
	char text[240]; /* why, how; ends with NUL */
};

/* Forks it, confined as ROLE_HAND; *sock is launch's end, SEQPACKET and
 * non-blocking.  templates: image.launch, mapped; the caller unmaps it. */
NODISCARD enum err hand_fork(struct jv templates, int *sock, struct note *why);
NODISCARD enum err hand_send(int sock, const struct hand_ask *a);
/* OK, ERR_MORE: nothing is there; ERR_GONE: it is gone or talks nonsense.
 * fd: -1 where there is none; else the caller's. */
NODISCARD enum err hand_recv(int sock, struct hand_tell *t, int fd[static 3]);

#endif
