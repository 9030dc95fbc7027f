/*
 * front-stdio: one agent on two descriptors, one JSON message a line.  It is
 * one implicit session.  When its input ends, what it asked is still answered,
 * what it was asked is not any more, then the session is closed, then the role
 * ends.
 */
#include "role/front-in.h"

#include <stddef.h>

enum { PENDING_MAX = 64 * 1024 * 1024 };
/* How long the judge may take to close what the agent has left. */
#define CLOSE_NS (5000 * FRONT_MS)

static void
stdio_gone(struct stdio *s)
{
	s->gone = s->eof = true;
	buf_clear(&s->pending);
	loop_unwatch(s->f->loop, &s->out);
	fd_close(&s->out.fd);
}

static void
stdio_flush(struct stdio *s)
{
	size_t n;

	while (s->pending.n > 0) {
		const enum err e =
		    fd_write(s->out.fd, buf_view(&s->pending), &n);

		if (e == ERR_MORE)
			return;
		if (e != OK) {
			stdio_gone(s);
			return;
		}
		buf_drop(&s->pending, n);
	}
	buf_done(&s->pending);
}

/* One write a line: who reads may see it at once, and never half of it twice.
 */
void
stdio_line(struct front *f, struct str json)
{
	struct stdio *s = f->stdio;
	size_t n = 0;
	enum err e = ERR_MORE;

	if (s->gone || json.n == 0)
		return;
	if (s->pending.n == 0)
		e = fd_write2(s->out.fd, json, STR("\n"), &n);
	if (e != OK && e != ERR_MORE) {
		stdio_gone(s);
		return;
	}
	if (n == json.n + 1)
		return;
	buf_str(&s->pending, str_sub(json, n, json.n));
	buf_ch(&s->pending, '\n');
	if (s->pending.full)
		stdio_gone(s); /* it reads nothing */
}

/* ---- what servers ask ---- */

static struct jv
asked_id(const struct stdio *s, size_t i)
{
	return (struct jv){ s->asked[i], s->asked_n[i] };
}

bool
stdio_asked(struct front *f, struct jv id)
{
	struct stdio *s = f->stdio;
	const struct str bytes = jv_bytes(id);
	const unsigned i = s->asked_next++ % STDIO_ASKED;

	if (s->eof || bytes.n > REQ_TAPE)
		return false;
	memcpy(s->asked[i], bytes.p, bytes.n);
	s->asked_n[i] = (uint16_t)bytes.n;
	return true;
}

void
stdio_answered(struct front *f, struct jv id)
{
	struct stdio *s = f->stdio;

	for (size_t i = 0; i < STDIO_ASKED; i++)
		if (s->asked_n[i] > 0 && jv_same(asked_id(s, i), id))
			s->asked_n[i] = 0;
}

/* No line comes any more: neither an answer. */
static void
stdio_eof(struct stdio *s)
{
	s->eof = true;
	for (size_t i = 0; i < STDIO_ASKED; i++) {
		if (s->asked_n[i] > 0)
			turn_no_answer(s->f, asked_id(s, i));
		s->asked_n[i] = 0;
	}
}

static void
got_line(void *arg, struct str line)
{
	struct stdio *s = arg;

	if (str_trim(line).n > 0)
		turn_line(s->f, line);
}

static void
stdio_read(struct stdio *s)
{
	/* a file is read a part a round: it is always ready */
	unsigned parts = s->unwatched ? 1 : UINT32_MAX;

	while (parts-- > 0 && !s->eof) {
		size_t n = 0;
		enum err e = fd_read(s->in.fd, s->f->read, FRONT_READ, &n);

		if (e == ERR_MORE)
			return;
		if (e == OK)
			e = lines_read(&s->lines, (struct str){ s->f->read, n },
			    got_line, s);
		if (e == ERR_LIMIT)
			log_line(LOG_WARN, "stdio", "a line over the limit");
		if (e != OK)
			stdio_eof(s);
	}
	if (!s->eof)
		loop_timer(s->f->loop, &s->t, 0);
}

static bool
calls_wait(const struct stdio *s)
{
	for (const struct req *r = s->reqs; r != NULL; r = r->next)
		if (r->kind == REQ_CALL && r->method != MCP_LISTEN)
			return true;
	return false;
}

static bool
close_waits(const struct stdio *s)
{
	for (const struct req *r = s->reqs; r != NULL; r = r->next)
		if (r->kind == REQ_CLOSE)
			return true;
	return false;
}

/* After the last line: answers, then the end of the session, then ours. */
void
stdio_check(struct front *f)
{
	struct stdio *s = f->stdio;

	if (s->closed || !(s->eof || f->draining))
		return;
	if (!s->closing) {
		if (!s->gone && (calls_wait(s) || s->pending.n > 0)) {
			if (s->t.at == 0) /* judges end every call by then */
				loop_timer(f->loop, &s->t, f->conf.call_ns);
			return;
		}
		s->closing = f->draining = true;
		loop_timer(f->loop, &f->again, CLOSE_NS);
		turn_eof(f);
	}
	s->closed = !close_waits(s);
}

static void
stdio_in(struct watch *w, unsigned what)
{
	char *p = (char *)w;
	struct stdio *s = (void *)(p - offsetof(struct stdio, in));

	if ((what & (SYS_IN | SYS_HUP)) != 0 && !s->eof)
		stdio_read(s);
	front_drain_check(s->f);
}

static void
stdio_out(struct watch *w, unsigned what)
{
	char *p = (char *)w;
	struct stdio *s = (void *)(p - offsetof(struct stdio, out));

	if ((what & SYS_OUT) != 0 && !s->gone)
		stdio_flush(s);
	else if ((what & SYS_HUP) != 0 && !s->gone)
		stdio_gone(s);
	front_drain_check(s->f);
}

static void
stdio_timer(struct timer *t)
{
	char *p = (char *)t;
	struct stdio *s = (void *)(p - offsetof(struct stdio, t));

	if (!s->eof)
		stdio_read(s);
	else
		s->gone = true;
	front_drain_check(s->f);
}

void
stdio_start(struct front *f, int in, int out)
{
	struct stdio *s = mem_get(sizeof(*s));
	const size_t n = jv_count(f->conf.endpoints);

	f->stdio = s;
	s->f = f;
	s->in = (struct watch){ .fd = in, .ready = stdio_in };
	s->out = (struct watch){ .fd = out, .ready = stdio_out };
	s->t.fire = stdio_timer;
	s->lines.part.max = (size_t)f->conf.body;
	s->pending.max = PENDING_MAX;
	/* One server alone keeps its own names: its endpoint is the second. */
	s->head = (struct front_head){ .where = n == 2 ? 1 : 0, .sse = true };
	(void)!fd_nonblock(in);
	(void)!fd_nonblock(out);
	s->unwatched = loop_watch(f->loop, &s->in) != OK;
	if (s->unwatched) /* a file; pipes and terminals can be watched */
		loop_timer(f->loop, &s->t, 0);
	(void)!loop_watch(f->loop, &s->out); /* a file never has to wait */
}

void
stdio_done(struct front *f)
{
	struct stdio *s = f->stdio;

	if (s == NULL)
		return;
	while (s->reqs != NULL)
		req_free(f, s->reqs);
	loop_timer_off(f->loop, &s->t);
	loop_unwatch(f->loop, &s->in);
	loop_unwatch(f->loop, &s->out);
	fd_close(&s->in.fd);
	fd_close(&s->out.fd);
	buf_done(&s->lines.part);
	buf_done(&s->pending);
	mem_free(s);
	f->stdio = NULL;
}
