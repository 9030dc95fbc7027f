/*
 * seal: requestState, which an agent carries for us and must not read, change,
 * swap or keep too long.  Role keys seals and opens; what is bound in is here:
 * principal, server, method, name and arguments of the call.
 *
 *   'P' digest[32] state   the state of a modern server
 *   'H' turn u64           a call that is held open at a legacy server
 */
#include "line/line-in.h"

#include <openssl/sha.h>

enum { SEAL_DIGEST = 32 };

static void
put(struct buf *b, struct str s)
{
	buf_u32(b, (uint32_t)s.n);
	buf_str(b, s);
}

/* What must be the same when the agent comes back. */
static void
binding(const struct turn *t, unsigned char out[static SEAL_DIGEST])
{
	struct buf b = { .max = SIZE_MAX / 4 };

	put(&b, t->principal->name);
	put(&b, t->target[0]->name);
	put(&b, t->method_text);
	put(&b, t->name);
	put(&b, jv_bytes(jv_get(t->params, STR("arguments"))));
	(void)SHA256((const unsigned char *)b.p, b.n, out);
	buf_done(&b);
}

static enum err
ask_keys(struct line *l, struct turn *t, struct str state)
{
	struct msg m = msg_of(MSG_SEAL);

	msg_set(&m, F_CALL, t->id);
	msg_set_text(&m, F_BYTES, state);
	msg_set(&m, F_TIME, HELD_S * UINT64_C(1000000000));
	if (l->port.keys(l->port.arg, &m) != OK)
		return ERR_GONE;
	t->sealing = true;
	if (t->asks_open == 0)
		t->until = line_now(l) + GRACE_S * UINT64_C(1000000000);
	return OK;
}

/* A legacy server wants something of a modern agent: answer and hold. */
void
seal_hold(struct line *l, struct turn *t)
{
	struct buf b = { .max = 64 };

	if (!t->attached || t->sealing || t->dead)
		return; /* said when the agent comes back */
	buf_ch(&b, 'H');
	buf_u64(&b, t->id);
	if (ask_keys(l, t, buf_view(&b)) != OK) {
		(void)turn_fail(t, 503, MCP_E_STATE, "no key to seal with");
		turn_resume(l, t, ERR_GONE);
	}
	buf_done(&b);
}

/* A modern server's input_required on its way to a modern agent (N10, N11). */
enum err
step_seal(struct line *l, struct turn *t)
{
	const struct jv r = jv_of(buf_view(&t->out));
	const struct jv state = jv_get(r, STR("requestState"));
	unsigned char d[SEAL_DIGEST];
	struct buf b = { .max = t->out.max };
	enum err e;

	if (t->era != MCP_MODERN || t->is_error ||
	    !str_eq(
		jv_str(jv_get(r, STR("resultType"))), STR("input_required")))
		return OK;
	if (!jv_is(state, J_STR))
		return OK;
	binding(t, d);
	buf_ch(&b, 'P');
	buf_put(&b, d, sizeof(d));
	buf_str(&b, jv_str(state));
	e = buf_end(&b) != OK ? ERR_LIMIT : ask_keys(l, t, buf_view(&b));
	buf_done(&b);
	if (e != OK)
		return turn_fail(t, 503, MCP_E_STATE, "no key to seal with");
	return ERR_MORE;
}

enum err
step_unseal(struct line *l, struct turn *t)
{
	const struct jv state = jv_get(t->params, STR("requestState"));
	struct msg m = msg_of(MSG_UNSEAL);
	struct str text;

	if (t->era != MCP_MODERN || jv_type(state) == J_NONE)
		return OK;
	if (!jv_is(state, J_STR) || !(mcp_row(t->method)->flags & M_MRTR))
		return turn_fail(
		    t, 400, MCP_E_PARAMS, "requestState has no place here");
	msg_set(&m, F_CALL, t->id);
	text = jv_str(state); /* CELL-sealed */
	msg_set_text(
	    &m, F_TEXT, str_sub(text, str_find(text, '-') + 1, text.n));
	if (l->port.keys(l->port.arg, &m) != OK)
		return turn_fail(t, 503, MCP_E_STATE, "no key to open with");
	t->sealing = true;
	t->until = line_now(l) + GRACE_S * UINT64_C(1000000000);
	return ERR_MORE;
}

/* ---- the answers of keys ---- */

/* The front that gets it back finds the cell that gave it. */
static void
put_state(const struct line *l, struct str sealed, struct buf *b)
{
	buf_dec(b, l->cell);
	buf_ch(b, '-');
	buf_str(b, sealed);
}

static void
sealed_state(struct line *l, struct turn *t, struct str text)
{
	struct buf s = { .max = text.n + 64 }, named = { .max = text.n + 32 };

	put_state(l, text, &named);
	tape_str(&s, buf_view(&named));
	buf_done(&named);
	buf_clear(&l->work2);
	tape_with(&l->work2, jv_of(buf_view(&t->out)), STR("requestState"),
	    jv_of(buf_view(&s)));
	buf_clear(&t->out);
	buf_str(&t->out, buf_view(&l->work2));
	buf_done(&s);
	turn_resume(l, t, buf_end(&t->out));
}

static void
send_inputs(struct line *l, struct turn *t, struct str text)
{
	struct buf b = { .max = ANSWER_MAX };
	struct buf named = { .max = text.n + 32 };
	struct msg m = msg_of(MSG_ANSWER);
	const size_t o = tape_obj(&b);
	size_t in, n = 0;
	char key[8];

	tape_key(&b, STR("resultType"));
	tape_str(&b, STR("input_required"));
	tape_key(&b, STR("inputRequests"));
	in = tape_obj(&b);
	for (size_t i = 0; i < countof(t->ask); i++) {
		const struct ask *a = &t->ask[i];
		size_t r;

		if (a->no == 0)
			continue;
		(void)snprintf(key, sizeof(key), "r%u", (unsigned)a->no);
		tape_key(&b, str_of(key));
		r = tape_obj(&b);
		tape_key(&b, STR("method"));
		tape_str(&b, a->method);
		tape_key(&b, STR("params"));
		tape_copy(&b, jv_of(a->params));
		tape_end(&b, r, 2);
		n++;
	}
	tape_end(&b, in, n);
	tape_key(&b, STR("requestState"));
	put_state(l, text, &named);
	tape_str(&b, buf_view(&named));
	buf_done(&named);
	tape_end(&b, o, 3);
	msg_set(&m, F_REF, t->ref);
	msg_set(&m, F_FLAGS, MF_FINAL);
	msg_set(&m, F_METHOD, t->method);
	msg_set_text(&m, F_RESULT, buf_view(&b));
	if (buf_end(&b) != OK) {
		buf_done(&b);
		(void)turn_fail(t, 502, MCP_E_UPSTREAM,
		    "the server asks more than can be said");
		turn_resume(l, t, ERR_LIMIT);
		return;
	}
	t->held = true;
	t->until = line_now(l) + HELD_S * UINT64_C(1000000000);
	if (t->attached)
		(void)l->port.front(l->port.arg, t->front, &m);
	turn_detach(l, t);
	buf_done(&b);
}

static enum err
opened_held(struct line *l, struct turn *t, struct str s)
{
	struct cur c = cur_of(s.p, s.n);
	const struct turn *h = slab_get(&l->turns, cur_u64(&c));

	if (cur_end(&c) != OK || h == NULL || !h->held || h->dead ||
	    h->principal != t->principal || h->endpoint != t->endpoint ||
	    h->method != t->method ||
	    !jv_same(jv_get(h->params, STR("name")),
		jv_get(t->params, STR("name"))) ||
	    !jv_same(
		jv_get(h->params, STR("uri")), jv_get(t->params, STR("uri"))) ||
	    !jv_same(jv_get(h->params, STR("arguments")),
		jv_get(t->params, STR("arguments"))))
		return turn_fail(t, 400, MCP_E_PARAMS,
		    "requestState belongs to no such call");
	t->retry_of = h->id;
	return OK;
}

/* Checked against the binding in bound_ok(), when the route is known. */
static void
opened_state(struct line *l, struct turn *t, struct str s)
{
	struct buf b = { .max = s.n + 64 };

	tape_str(&b, str_sub(s, SEAL_DIGEST, s.n));
	buf_clear(&l->work2);
	tape_with(
	    &l->work2, t->params, STR("requestState"), jv_of(buf_view(&b)));
	t->bound = arena_str(t->mem, str_sub(s, 0, SEAL_DIGEST));
	t->params = jv_of(arena_str(t->mem, buf_view(&l->work2)));
	buf_done(&b);
}

/* Was the state that came back given for this very call? */
enum err
bound_ok(struct turn *t)
{
	unsigned char d[SEAL_DIGEST];

	if (t->bound.n == 0)
		return OK;
	binding(t, d);
	if (t->bound.n != sizeof(d) || !mem_same(t->bound.p, d, sizeof(d)))
		return turn_fail(t, 400, MCP_E_PARAMS,
		    "requestState was given for another call");
	return OK;
}

void
seal_came(struct line *l, const struct msg *m)
{
	struct turn *t = slab_get(&l->turns, msg_num(m, F_CALL));
	const struct str s = msg_text(m, F_BYTES);
	enum err e = OK;

	if (t == NULL || !t->sealing)
		return;
	t->sealing = false;
	if (t->dead) {
		turn_cancel(l, t, "cancelled by the agent");
	} else if (msg_num(m, F_STATUS) != 0) {
		(void)turn_fail(
		    t, 400, MCP_E_PARAMS, "requestState is not ours");
		turn_resume(l, t, ERR_DENIED);
	} else if (m->kind == MSG_SEALED && t->asks_open > 0) {
		send_inputs(l, t, msg_text(m, F_TEXT));
	} else if (m->kind == MSG_SEALED) {
		sealed_state(l, t, msg_text(m, F_TEXT));
	} else if (s.n > 0 && s.p[0] == 'H') {
		e = opened_held(l, t, str_sub(s, 1, s.n));
		turn_resume(l, t, e);
	} else if (s.n > SEAL_DIGEST && s.p[0] == 'P') {
		opened_state(l, t, str_sub(s, 1, s.n));
		turn_resume(l, t, arena_spent(t->mem) ? ERR_LIMIT : OK);
	} else {
		(void)turn_fail(
		    t, 400, MCP_E_PARAMS, "requestState is not ours");
		turn_resume(l, t, ERR_DENIED);
	}
}

/* The retry brought inputs: give them to the held call, which goes on with the
 * retry's connection; what the server still wants is asked again. */
enum err
bridge_retry(struct line *l, struct turn *t)
{
	struct turn *h = slab_get(&l->turns, t->retry_of);
	const struct jv in = jv_get(t->params, STR("inputResponses"));
	char key[8];

	if (h == NULL || !h->held)
		return turn_fail(t, 400, MCP_E_PARAMS, "that call is over");
	turn_detach(l, t);
	t->dead = true; /* the held turn answers in its place */
	h->held = false;
	h->until =
	    line_now(l) + l->call_max_ns + GRACE_S * UINT64_C(1000000000);
	turn_attach(l, h, t->front, t->ref);
	for (size_t i = 0; i < countof(h->ask); i++) {
		struct ask *a = &h->ask[i];
		struct hop *hop = slab_get(&l->hop_ids, a->hop);
		struct msg m = msg_of(MSG_UP_REPLY);
		struct jv r;

		if (a->no == 0)
			continue;
		(void)snprintf(key, sizeof(key), "r%u", (unsigned)a->no);
		r = jv_get(in, str_of(key));
		if (!jv_is(r, J_OBJ) || hop == NULL)
			continue;
		msg_set(&m, F_HOP, hop->id);
		msg_set_text(&m, F_ID, a->id);
		msg_set_tree(&m, F_RESULT, r);
		(void)l->port.back(l->port.arg, hop->up->index, &m);
		drop(&a->id);
		drop(&a->method);
		drop(&a->params);
		*a = (struct ask){ 0 };
		h->asks_open--;
	}
	if (h->pending == 0)
		turn_resume(l, h, OK); /* answered while the agent was away */
	else if (h->asks_open > 0)
		seal_hold(l, h);
	return OK;
}
