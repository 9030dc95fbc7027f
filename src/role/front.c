/*
 * front: the part that all of it hangs on: the requests that wait, the judges
 * that have them, and the end of both.
 */
#include "role/front-in.h"

#include <stddef.h>

/* ---- requests that wait ---- */

enum { SLOT_BITS = 24 };

static size_t
slot_of(uint64_t ref)
{
	return (size_t)(ref & ((1U << SLOT_BITS) - 1));
}

static struct req *
req_spare(struct front *f)
{
	struct req *r = f->req_spare;

	if (r != NULL) {
		f->req_spare = r->next;
		return r;
	}
	if (f->slot_n == FRONT_REQS)
		return NULL;
	if ((f->slot_n & (f->slot_n - 1)) == 0) { /* full at powers of two */
		const size_t cap = f->slot_n == 0 ? 1 : f->slot_n * 2;

		f->slot = mem_more(f->slot, f->slot_n * sizeof(struct req *),
		    cap * sizeof(struct req *));
	}
	r = mem_get(sizeof(*r));
	r->ref = f->slot_n;
	f->slot[f->slot_n++] = r;
	return r;
}

struct req *
req_new(struct front *f, struct conn *c, enum req_kind kind)
{
	struct req *r = req_spare(f);
	struct req **list;
	size_t at;

	if (r == NULL)
		return NULL;
	at = slot_of(r->ref);
	*r = (struct req){ .c = c, .kind = kind };
	r->ref = ++f->ref_last << SLOT_BITS | at;
	list = c != NULL ? &c->reqs : &f->stdio->reqs;
	r->next = *list;
	r->prev = list;
	if (*list != NULL)
		(*list)->prev = &r->next;
	*list = r;
	f->req_n++;
	return r;
}

void
req_free(struct front *f, struct req *r)
{
	*r->prev = r->next;
	if (r->next != NULL)
		r->next->prev = r->prev;
	r->prev = NULL; /* free: its ref is nobody's */
	r->next = f->req_spare;
	f->req_spare = r;
	f->req_n--;
}

static struct req *
req_find(const struct front *f, uint64_t ref)
{
	const size_t at = slot_of(ref);
	struct req *r = at < f->slot_n ? f->slot[at] : NULL;

	return r != NULL && r->prev != NULL && r->ref == ref ? r : NULL;
}

static uint16_t
keep_tape(uint8_t to[static REQ_TAPE], struct jv v)
{
	const struct str b = jv_bytes(v);

	if (jv_is(v, J_NONE) || b.n > REQ_TAPE)
		return 0;
	memcpy(to, b.p, b.n);
	return (uint16_t)b.n;
}

void
req_keep(struct req *r, struct jv id, struct jv token)
{
	r->id_n = keep_tape(r->id, id);
	r->token_n = keep_tape(r->token, token);
}

struct jv
req_id(const struct req *r)
{
	return (struct jv){ r->id_n ? r->id : NULL, r->id_n };
}

struct jv
req_token(const struct req *r)
{
	return (struct jv){ r->token_n ? r->token : NULL, r->token_n };
}

/* ---- judges ---- */

unsigned
front_cell_of(const struct front *f, struct str session)
{
	uint64_t cell;
	const struct str head = str_sub(session, 0, str_find(session, '-'));

	if (head.n < session.n && str_u64(head, &cell) == OK && cell < f->cells)
		return (unsigned)cell;
	return f->cell;
}

NODISCARD enum err
front_send(struct front *f, unsigned cell, const struct msg *m)
{
	if (cell >= FRONT_CELLS || f->judge[cell] == NULL)
		return ERR_GONE;
	return chan_send(f->judge[cell], m);
}

static void
judge_got(struct chan *c, const struct msg *m)
{
	struct front *f = chan_owner(c);

	answer_got(f, m, req_find(f, msg_num(m, F_REF)));
	conn_bury(f);
	front_drain_check(f);
}

/* What that judge had is lost; nobody knows how far it came. */
static void
judge_forget(struct front *f, unsigned cell)
{
	for (size_t i = 0; i < f->slot_n; i++) {
		struct req *r = f->slot[i];

		if (r->prev != NULL && r->judge == cell)
			answer_req_fail(f, r, 503, MCP_E_UPSTREAM,
			    "the gateway restarts a part of itself");
	}
}

static void
judge_lost(struct chan *c)
{
	struct front *f = chan_owner(c);
	const unsigned cell = chan_peer_instance(c);

	if (cell < FRONT_CELLS && f->judge[cell] == c)
		f->judge[cell] = NULL;
	chan_free(c);
	judge_forget(f, cell);
	conn_bury(f);
	front_drain_check(f);
}

static const struct chan_ops judge_ops = { .got = judge_got,
	.lost = judge_lost };

void
front_link(struct front *f, unsigned cell, struct chan_fds *fds)
{
	if (cell >= FRONT_CELLS) {
		chan_fds_done(fds);
		return;
	}
	if (f->judge[cell] != NULL) { /* its successor was quicker */
		chan_free(f->judge[cell]);
		f->judge[cell] = NULL;
		judge_forget(f, cell);
	}
	f->judge[cell] =
	    chan_new(f->loop, fds, ROLE_FRONT, ROLE_JUDGE, cell, &judge_ops, f);
}

/* ---- life ---- */

static void
again(struct timer *t)
{
	char *p = (char *)t;
	struct front *f = (void *)(p - offsetof(struct front, again));

	if (f->draining) { /* what still runs has had its time */
		while (f->conns != NULL)
			conn_close(f->conns);
		conn_bury(f);
		if (f->stdio != NULL)
			f->stdio->closed = true;
		front_drain_check(f);
		return;
	}
	f->full = false;
	conn_accept(&f->listening, SYS_IN);
}

struct front *
front_new(struct loop *l, struct jv image, unsigned cell, unsigned cells)
{
	struct front *f = mem_get(sizeof(*f));

	f->loop = l;
	f->cell = cell;
	f->cells = cells < FRONT_CELLS ? cells : FRONT_CELLS;
	f->listening = (struct watch){ .fd = -1, .ready = conn_accept };
	f->again.fire = again;
	f->read = mem_get(FRONT_READ);
	front_image(f, image);
	return f;
}

void
front_free(struct front *f)
{
	while (f->conns != NULL)
		conn_close(f->conns);
	conn_bury(f);
	stdio_done(f);
	for (size_t i = 0; i < FRONT_CELLS; i++)
		chan_free(f->judge[i]);
	for (size_t i = 0; i < f->slot_n; i++)
		mem_free(f->slot[i]);
	loop_timer_off(f->loop, &f->again);
	loop_unwatch(f->loop, &f->listening);
	fd_close(&f->listening.fd);
	tls_ctx_free(f->tls);
	buf_done(&f->plain);
	buf_done(&f->tape);
	buf_done(&f->params);
	buf_done(&f->heads);
	buf_done(&f->json);
	buf_done(&f->sse);
	buf_done(&f->out);
	buf_done(&f->work);
	buf_done(&f->fail.data);
	mem_free(f->slot);
	mem_free(f->read);
	mem_free(f);
}

void
front_image(struct front *f, struct jv image)
{
	const size_t most = CHAN_MSG_MAX;

	front_conf_of(image, &f->conf);
	f->plain.max = FRONT_READ + 64 * 1024;
	f->tape.max = most - 64 * 1024; /* it has to fit in a message */
	f->params.max = f->tape.max;
	f->heads.max = 4 * HTTP_HEAD_MAX;
	f->json.max = f->sse.max = f->out.max = 4 * most;
	f->work.max = most;
}

NODISCARD enum err
front_listen(struct front *f, int fd)
{
	TRY(fd_nonblock(fd));
	f->listening.fd = fd;
	return loop_watch(f->loop, &f->listening);
}

void
front_drain(struct front *f)
{
	if (f->draining)
		return;
	if (f->listening.fd >= 0) /* who is connected already is served */
		conn_accept(&f->listening, SYS_IN);
	f->draining = true;
	loop_unwatch(f->loop, &f->listening);
	fd_close(&f->listening.fd);
	conn_idle_close(f);
	loop_timer(f->loop, &f->again, FRONT_DRAIN_NS);
	front_drain_check(f);
}

void
front_drain_check(struct front *f)
{
	if (f->stdio != NULL)
		stdio_check(f);
	if (!f->draining || f->conns != NULL ||
	    (f->stdio != NULL && !f->stdio->closed))
		return;
	if (f->drained != NULL)
		f->drained(f);
}
