/*
 * replay: the numbered events of a legacy agent's streams, kept within a bound
 * so that a lost connection can be taken up again (2025-11-25 transports,
 * "Resumability").  An event id is STREAM.N: the turn's number, or 0 for the
 * session's own stream.  Only that stream is ever replayed.
 */
#include "line/line-in.h"

enum {
	RETRY_MS = 1000, /* how soon a client comes back: a call's pause */
	RETRY_MIN_MS = 50,
	RETRY_MAX_MS = 30000,
};

static void
forget_first(struct session *s)
{
	struct replay_event *e = s->replay;

	s->replay = e->next;
	if (s->replay == NULL)
		s->replay_last = NULL;
	s->replay_bytes -= e->bytes.n;
	s->replay_n--;
	drop(&e->bytes);
	mem_free(e);
}

void
replay_clear(struct session *s)
{
	while (s->replay != NULL)
		forget_first(s);
}

static void
keep(const struct line *l, struct session *s, uint64_t stream, uint64_t seq,
    const struct msg *m)
{
	struct buf b = { .max = REPLAY_BYTES };
	struct replay_event *e;

	msg_encode(m, &b);
	if (buf_end(&b) == OK && b.n > 0) {
		e = mem_get(sizeof(*e));
		e->stream = stream;
		e->seq = seq;
		e->bytes = str_keep(buf_view(&b));
		if (s->replay_last != NULL)
			s->replay_last->next = e;
		else
			s->replay = e;
		s->replay_last = e;
		s->replay_bytes += e->bytes.n;
		s->replay_n++;
		while (s->replay_bytes > REPLAY_BYTES ||
		       s->replay_n > l->max_replay)
			forget_first(s);
	}
	buf_done(&b);
}

/* On a turn's stream, or with t NULL on the session's own. */
void
stream_emit(struct line *l, struct session *s, struct turn *t, struct msg *m)
{
	uint64_t *const seq = t != NULL ? &t->seq : &s->stream_seq;
	const bool event = m->kind == MSG_EVENT;
	struct buf id = { .max = 64 };

	/* an answer alone on its connection needs no number; one that finds
	 * nobody waiting is kept for who comes back */
	if (!s->stdio && (event || *seq > 0 || (t != NULL && !t->attached))) {
		(*seq)++;
		buf_dec(&id, t != NULL ? t->id : 0);
		buf_ch(&id, '.');
		buf_dec(&id, *seq);
		msg_set_text(m, F_EVENT, buf_view(&id));
		keep(l, s, t != NULL ? t->id : 0, *seq, m);
	}
	if (t == NULL || t->attached) {
		msg_set(m, F_REF, t != NULL ? t->ref : s->stream_ref);
		(void)l->port.front(
		    l->port.arg, t != NULL ? t->front : s->front, m);
	}
	buf_done(&id);
}

static void
stream_say(struct line *l, struct session *s, struct turn *t, uint64_t retry_ms,
    uint64_t flags)
{
	struct buf id = { .max = 64 };
	struct msg m = msg_of(MSG_ACCEPTED);

	if (t != NULL && (!t->attached || s->version < MCP_V_2025_11_25))
		return;
	msg_set(&m, F_REF, t != NULL ? t->ref : s->stream_ref);
	msg_set(&m, F_STATUS, 200);
	if (flags != 0)
		msg_set(&m, F_FLAGS, flags);
	if (s->version >= MCP_V_2025_11_25) {
		buf_dec(&id, t != NULL ? t->id : 0);
		buf_ch(&id, '.');
		buf_dec(&id, t != NULL ? t->seq : s->stream_seq);
		msg_set_text(&m, F_EVENT, buf_view(&id));
		msg_set(&m, F_TIME, retry_ms);
	}
	(void)l->port.front(l->port.arg, t != NULL ? t->front : s->front, &m);
	buf_done(&id);
}

/*
 * Should this stream be opened, it begins with an event that says where it can
 * be taken up again (2025-11-25; older clients would read it as a message).
 */
void
stream_prime(struct line *l, struct session *s, struct turn *t)
{
	stream_say(l, s, t, RETRY_MS, 0);
}

/* A server may say when to come back, but not so late that its call is over,
 * nor so soon that nothing else is done. */
static uint64_t
back_in_time(const struct line *l, uint64_t ms)
{
	const uint64_t call_ms = l->call_ns / 1000000;
	const uint64_t most = call_ms < RETRY_MAX_MS ? call_ms : RETRY_MAX_MS;

	if (ms < RETRY_MIN_MS)
		ms = RETRY_MIN_MS;
	return ms < most ? ms : most;
}

/*
 * The server streams its answer so that it can be resumed, and may close the
 * stream until it is polled (SSE polling, 2025-11-25): an agent of that version
 * sees the same of us.
 */
void
stream_mirror(struct line *l, struct turn *t, const struct msg *m)
{
	struct msg end = msg_of(MSG_END);
	const uint64_t retry_ms = back_in_time(l, msg_num(m, F_TIME));

	if (t->session == NULL || t->session->stdio || !t->attached ||
	    t->dead || t->session->version < MCP_V_2025_11_25)
		return;
	if ((msg_num(m, F_FLAGS) & MF_FINAL) == 0) {
		stream_say(l, t->session, t, retry_ms, MF_STREAM);
		return;
	}
	msg_set(&end, F_REF, t->ref);
	msg_set(&end, F_TIME, retry_ms);
	(void)l->port.front(l->port.arg, t->front, &end);
	turn_detach(l, t);
}

static bool
parse_event(struct str event, uint64_t *stream, uint64_t *seq)
{
	const size_t dot = str_find(event, '.');

	return dot < event.n && str_u64(str_sub(event, 0, dot), stream) == OK &&
	       str_u64(str_sub(event, dot + 1, event.n), seq) == OK;
}

static bool
known(struct session *s, uint64_t stream)
{
	for (const struct replay_event *e = s->replay; e != NULL; e = e->next)
		if (e->stream == stream)
			return true;
	return false;
}

/* One message is on one stream: the one that was taken up elsewhere ends. */
void
stream_end(struct line *l, unsigned front, uint64_t ref)
{
	struct msg m = msg_of(MSG_END);

	msg_set(&m, F_REF, ref);
	(void)l->port.front(l->port.arg, front, &m);
}

bool
replay_from(struct line *l, struct session *s, struct str event, unsigned front,
    uint64_t ref)
{
	uint64_t stream, seq;
	struct turn *t;

	if (!parse_event(event, &stream, &seq))
		return false;
	t = slab_get(&l->turns, stream);
	if (t != NULL && t->session != s)
		return false;
	if (t != NULL && t->dead)
		t = NULL; /* nothing follows */
	if (stream != 0 && t == NULL && !known(s, stream))
		return false;
	accepted(l, front, ref, 200);
	if (stream == 0 && s->has_stream)
		stream_end(l, s->front, s->stream_ref);
	if (stream != 0 && t != NULL && t->attached)
		stream_end(l, t->front, t->ref);
	if (stream == 0) {
		s->has_stream = true;
		s->front = front;
		s->stream_ref = ref;
	} else if (t != NULL) {
		turn_attach(l, t, front, ref);
	}
	for (const struct replay_event *e = s->replay; e != NULL; e = e->next) {
		struct msg m;

		if (e->stream != stream || e->seq <= seq ||
		    msg_decode(e->bytes, ROLE_JUDGE, ROLE_FRONT, &m, NULL) !=
			OK)
			continue;
		msg_set(&m, F_REF, ref);
		(void)l->port.front(l->port.arg, front, &m);
	}
	if (stream != 0 && t == NULL)
		stream_end(l, front, ref);
	return true;
}
