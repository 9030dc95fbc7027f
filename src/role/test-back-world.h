/*
 * test-back-world.h: what the world around one role back consists of, and the
 * judge's end of it.
 */
#ifndef TEST_BACK_WORLD_H
#define TEST_BACK_WORLD_H

#include "role/role.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <stddef.h>
#include <sys/socket.h>
#include <unistd.h>

#include "mcp/mcp.h"
#include "wire/wire.h"

#include "base/tap.h"

#define OWNER(p, type, member)                                                 \
	((type *)(void *)((char *)(p)-offsetof(type, member)))

enum { SEEN_MAX = 256, PEERS_MAX = 64 };

struct seen { /* one message to the judge */
	struct buf bytes;
	struct msg m;
};

/* One connection of an upstream, or the two pipes of a tool server. */
struct peer {
	struct watch w, err;
	struct world *of;
	int to; /* where answers go */
	uint64_t ref;
	struct buf in;
	struct tls *tls;
	struct buf plain, cipher;
	char head[4096];
	struct str body; /* or the line */
	bool open;
};

struct world {
	struct role_env env;
	struct buf image;
	struct chan *judge, *dial, *launch, *keys;
	struct watch listener;
	int port;
	struct seen seen[SEEN_MAX];
	size_t seen_n;
	struct peer peer[PEERS_MAX];
	size_t peers, launches, ends, asked;
	bool refuse, shy; /* no connections; does not watch the listener */
	struct tls_ctx *tls;
	/* A whole request or line is in p->head and p->body. */
	void (*heard)(struct world *w, struct peer *p);
	int n; /* the test's own */
};

static struct loop *lp;

/* ---- tapes for the judge's messages ---- */

static inline struct jv
tape(const char *json)
{
	static struct buf ring[16];
	static unsigned at;
	struct buf *b = &ring[at++ % 16];

	b->max = 1 << 26;
	buf_clear(b);
	if (json_parse(str_of(json), &json_default, b, NULL) != OK)
		abort();
	return jv_of(buf_view(b));
}

static inline struct str
text_of(struct jv v)
{
	static struct buf ring[8];
	static unsigned at;
	struct buf *b = &ring[at++ % 8];

	b->max = 1 << 26;
	buf_clear(b);
	if (v.p != NULL)
		json_write(v, b);
	return buf_view(b);
}

static inline bool
is(struct jv v, const char *json)
{
	return str_eq(text_of(v), str_of(json));
}

/* ---- the judge ---- */

static inline void
judge_got(struct chan *c, const struct msg *m)
{
	struct world *w = chan_owner(c);
	struct seen *s = &w->seen[w->seen_n % SEEN_MAX];

	w->seen_n++;
	s->bytes.max = CHAN_MSG_MAX;
	buf_clear(&s->bytes);
	msg_encode(m, &s->bytes);
	if (msg_decode(
		buf_view(&s->bytes), ROLE_BACK, ROLE_JUDGE, &s->m, NULL) != OK)
		abort();
}

static inline void
gone(struct chan *c)
{
	(void)c;
}

static inline struct msg *
find(struct world *w, enum msg_kind kind, enum msg_field f, uint64_t v)
{
	for (size_t i = 0; i < w->seen_n && i < SEEN_MAX; i++)
		if (w->seen[i].m.kind == kind && msg_num(&w->seen[i].m, f) == v)
			return &w->seen[i].m;
	return NULL;
}

static inline struct msg *
answer(struct world *w, uint64_t call)
{
	return find(w, MSG_UP_ANSWER, F_CALL, call);
}

static inline size_t
events(struct world *w, const char *name)
{
	size_t n = 0;

	for (size_t i = 0; i < w->seen_n && i < SEEN_MAX; i++)
		n += w->seen[i].m.kind == MSG_UP_EVENT &&
		     str_eq(msg_text(&w->seen[i].m, F_NAME), str_of(name));
	return n;
}

static inline struct msg *
event_at(struct world *w, const char *name)
{
	for (size_t i = 0; i < w->seen_n && i < SEEN_MAX; i++)
		if (w->seen[i].m.kind == MSG_UP_EVENT &&
		    str_eq(msg_text(&w->seen[i].m, F_NAME), str_of(name)))
			return &w->seen[i].m;
	return NULL;
}

/* Turns the loop until it is so, or for ten seconds. */
#define UNTIL(cond)                                                            \
	do {                                                                   \
		const uint64_t until_ = now_mono() + UINT64_C(10000000000);    \
		while (!(cond) && now_mono() < until_)                         \
			loop_once(lp, UINT64_C(20000000));                     \
	} while (0)

static inline void
spin(uint64_t ms)
{
	const uint64_t until = now_mono() + ms * 1000000;

	while (now_mono() < until)
		loop_once(lp, UINT64_C(5000000));
}

static inline void
tell(struct world *w, const struct msg *m)
{
	if (chan_send(w->judge, m) != OK)
		abort();
}

static inline void
hop_open_for(struct world *w, uint64_t hop, const char *principal)
{
	struct msg m = msg_of(MSG_HOP_OPEN);

	msg_set(&m, F_HOP, hop);
	msg_set(&m, F_WHERE, 0);
	msg_set_text(&m, F_NAME, str_of(principal));
	msg_set_tree(&m, F_CAPS, tape("{\"roots\":{}}"));
	msg_set_tree(
	    &m, F_INFO, tape("{\"name\":\"agent\",\"version\":\"3\"}"));
	tell(w, &m);
}

static inline void
hop_open(struct world *w, uint64_t hop)
{
	hop_open_for(w, hop, "al");
}

static inline struct msg *
opened(struct world *w, uint64_t hop)
{
	UNTIL(find(w, MSG_HOP_OPENED, F_HOP, hop) != NULL);
	return find(w, MSG_HOP_OPENED, F_HOP, hop);
}

static inline bool
hop_is_open(struct world *w, uint64_t hop, enum mcp_era era)
{
	const struct msg *m = opened(w, hop);

	return m != NULL && msg_num(m, F_STATUS) == 0 &&
	       msg_num(m, F_ERA) == (uint64_t)era;
}

static inline void
call(struct world *w, uint64_t hop, uint64_t num, enum mcp_method method,
    const char *params, uint64_t flags)
{
	struct msg m = msg_of(MSG_UP_CALL);

	msg_set(&m, F_CALL, num);
	msg_set(&m, F_HOP, hop);
	msg_set(&m, F_METHOD, (uint64_t)method);
	msg_set(&m, F_FLAGS, flags);
	msg_set_tree(&m, F_CAPS, tape("{\"elicitation\":{}}"));
	if (params != NULL)
		msg_set_tree(&m, F_PARAMS, tape(params));
	tell(w, &m);
}

static inline void
hop_say(struct world *w, enum msg_kind kind, enum msg_field f, uint64_t v)
{
	struct msg m = msg_of(kind);

	msg_set(&m, f, v);
	tell(w, &m);
}

/* Is call `num` answered with this result? */
static inline bool
result_is(struct world *w, uint64_t num, const char *json)
{
	UNTIL(answer(w, num) != NULL);
	return answer(w, num) != NULL &&
	       is(msg_tree(answer(w, num), F_RESULT), json);
}

/* ... or failed with this status and these words somewhere? */
static inline bool
failed_with(struct world *w, uint64_t num, uint64_t status, const char *words)
{
	const struct msg *m;
	struct str s;

	UNTIL(answer(w, num) != NULL);
	m = answer(w, num);
	if (m == NULL || msg_num(m, F_STATUS) != status)
		return false;
	s = msg_text(m, F_TEXT);
	if (str_search(s, str_of(words)) < s.n)
		return true;
	printf("# it said: %.*s\n", STR_ARG(s));
	return false;
}

#endif
