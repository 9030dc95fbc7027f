/*
 * fuzz-line: peers that say anything the table of kinds lets them say, in any
 * order: two fronts and a back under an attacker's control, a ledger and keys
 * that answer, die and come back.  Checked besides memory: every message keeps
 * the table of kinds, no call goes upstream without a decision record that the
 * ledger has acknowledged, none that a budget is about without a reservation
 * or a unit taken ahead, every reservation is settled once and none is left, no
 * answer leaves while its record is on the way, and when everybody has gone
 * nothing is left.
 */
#include "line/budget-in.h"
#include "line/fuzz-in.h"

static struct {
	struct buf last_session, last_event;
	uint64_t seq, acked, hop[8], call[8];
	size_t hops, calls, decisions, acked_decisions, sent;
	size_t evaluations, acked_evaluations;
	uint64_t clock, keys_call, ref;
	bool keys_open, ledger;
	uint64_t asked[8], granted[64]; /* by role budget; 0: settled */
	size_t asks, grants;
	struct buf sealed, bytes;
	struct line *line;
} w;

/* The receiver must not drop us for it. */
static void
keeps_table(const struct msg *m, enum role_id to)
{
	struct msg got;
	struct note why;

	buf_clear(&w.bytes);
	msg_encode(m, &w.bytes);
	BUG_ON(buf_end(&w.bytes) != OK);
	BUG_ON(msg_decode(buf_view(&w.bytes), ROLE_JUDGE, to, &got, &why));
	for (unsigned f = F_TREE0; f < F__N; f++) /* its peers trust it */
		BUG_ON(msg_has(m, f) &&
		       jv_bytes(msg_tree(m, f)).n != msg_text(m, f).n);
}

static void
is_recorded(unsigned front, uint64_t ref)
{
	for (uint32_t i = 0; w.line != NULL && i < w.line->turns.n; i++) {
		const struct turn *t = w.line->turns.at[i].p;

		BUG_ON(t != NULL && t->attached && t->front == front &&
		       t->ref == ref && t->wait_seq != 0);
	}
}

static enum err
to_front(void *arg, unsigned who, const struct msg *m)
{
	(void)arg;
	keeps_table(m, ROLE_FRONT);
	if (m->kind == MSG_ANSWER && msg_has(m, F_METHOD)) /* of a turn */
		is_recorded(who, msg_num(m, F_REF));
	if (msg_text(m, F_EVENT).n > 0) {
		buf_clear(&w.last_event);
		buf_str(&w.last_event, msg_text(m, F_EVENT));
	}
	if (msg_text(m, F_SESSION).n > 0) {
		buf_clear(&w.last_session);
		buf_str(&w.last_session, msg_text(m, F_SESSION));
	}
	return OK;
}

/* bob's calls are counted, as image_text says. */
static void
is_reserved(uint64_t call)
{
	const struct leg *g = slab_get(&w.line->legs, call);
	const struct turn *t = g == NULL ? NULL : g->turn;

	if (t == NULL || g->learning || t->method != MCP_TOOLS_CALL ||
	    t->principal != w.line->anonymous)
		return;
	BUG_ON(t->spent_n != 1 || !t->held_units);
	BUG_ON(t->reservation == 0 && !t->spent[0].leased);
}

static enum err
to_budget(void *arg, const struct msg *m)
{
	(void)arg;
	keeps_table(m, ROLE_BUDGET);
	if (m->kind == MSG_RESERVE) {
		w.asked[w.asks++ % countof(w.asked)] = msg_num(m, F_CALL);
		return OK;
	}
	for (size_t i = 0; i < countof(w.granted); i++)
		if (w.granted[i] == msg_num(m, F_SEQ)) {
			w.granted[i] = 0;
			return OK;
		}
	BUG_ON(1); /* never granted, or settled twice */
}

static enum err
to_back(void *arg, unsigned who, const struct msg *m)
{
	(void)arg;
	(void)who;
	keeps_table(m, ROLE_BACK);
	if (m->kind == MSG_HOP_OPEN)
		w.hop[w.hops++ % countof(w.hop)] = msg_num(m, F_HOP);
	if (m->kind != MSG_UP_CALL)
		return OK;
	w.call[w.calls++ % countof(w.call)] = msg_num(m, F_CALL);
	BUG_ON(w.acked_decisions == 0); /* nothing leaves unrecorded */
	if (w.line != NULL)
		is_reserved(msg_num(m, F_CALL));
	return OK;
}

static enum err
to_ledger(void *arg, const struct msg *m)
{
	const struct str kind = jv_str(jv_get(msg_tree(m, F_REC), STR("kind")));

	(void)arg;
	keeps_table(m, ROLE_JUDGE);
	if (!w.ledger)
		return ERR_GONE;
	BUG_ON(msg_num(m, F_SEQ) != w.seq + 1); /* no gap, ever */
	w.seq++;
	w.decisions += str_eq(kind, STR("decision")) ||
		       str_eq(kind, STR("catalogue")); /* ours to ask */
	w.evaluations += str_eq(kind, STR("evaluation"));
	return OK;
}

static enum err
to_keys(void *arg, const struct msg *m)
{
	(void)arg;
	keeps_table(m, ROLE_KEYS);
	w.keys_call = msg_num(m, F_CALL);
	w.keys_open = m->kind == MSG_UNSEAL;
	if (m->kind == MSG_SEAL) {
		buf_clear(&w.sealed);
		buf_str(&w.sealed, msg_text(m, F_BYTES));
	}
	return OK;
}

/* Whatever is decided is written by then. */
static enum err
to_desk(void *arg, const struct msg *m)
{
	(void)arg;
	keeps_table(m, ROLE_DESK);
	BUG_ON(msg_has(m, F_RESULT) && w.acked_evaluations == 0);
	BUG_ON(msg_has(m, F_RESULT) == (msg_num(m, F_STATUS) != 0));
	return OK;
}

static uint64_t
the_clock(void *arg)
{
	(void)arg;
	return w.clock;
}

static void
the_random(void *p, size_t n)
{
	static unsigned char next;

	memset(p, ++next, n);
}

static struct jv
pick(const char *const *from, size_t n, uint8_t i)
{
	static struct buf at[32];
	static size_t next;
	struct buf *b = &at[next++ % countof(at)];

	b->max = 65536;
	buf_clear(b);
	BUG_ON(json_parse(str_of(from[i % n]), &json_default, b, NULL) != OK);
	return jv_of(buf_view(b));
}

static void
agent_fields(struct msg *m, struct cur *c, char cred[static 32])
{
	const uint8_t who = cur_u8(c);

	memset(cred, 'a' + who % 3, 32);
	msg_set(m, F_WHERE, cur_u8(c) % 3);
	msg_set(m, F_ERA, who == 255 ? 7 : who / 3 % 2);
	if (who & 64)
		msg_set(m, F_FLAGS, MF_STDIO | MF_PROGRESS);
	else
		msg_set_text(m, F_CRED, (struct str){ cred, 32 });
	if ((who & 128) == 0 && w.last_session.n > 0)
		msg_set_text(m, F_SESSION, buf_view(&w.last_session));
}

static void
from_agent(struct line *l, struct cur *c)
{
	static const enum msg_kind kinds[] = { MSG_REQUEST, MSG_REQUEST,
		MSG_NOTICE, MSG_REPLY, MSG_STREAM, MSG_CLOSE, MSG_GONE,
		MSG_REFUSED };
	struct msg m = msg_of(kinds[cur_u8(c) % countof(kinds)]);
	const enum mcp_method method = (enum mcp_method)(cur_u8(c) % MCP__N);
	struct buf id = { .max = 64 };
	char cred[32];
	uint8_t n;

	n = cur_u8(c);
	msg_set(&m, F_REF, n % 16);
	if (m.kind != MSG_GONE)
		agent_fields(&m, c, cred);
	tape_i64(&id, n % 8);
	if (m.kind == MSG_REQUEST || m.kind == MSG_NOTICE) {
		msg_set(&m, F_METHOD, n == 255 ? UINT64_MAX : method);
		msg_set_text(
		    &m, F_NAME, n == 254 ? STR("\xff") : mcp_row(method)->text);
		msg_set_tree(
		    &m, F_PARAMS, pick(trees, countof(trees), cur_u8(c)));
	}
	if (m.kind == MSG_REQUEST)
		msg_set_tree(&m, F_CAPS, pick(caps, countof(caps), n));
	if (m.kind == MSG_REPLY)
		msg_set_tree(&m, n & 64 ? F_ERROR : F_RESULT,
		    pick(results, countof(results), n));
	if (m.kind == MSG_REQUEST || m.kind == MSG_REPLY)
		msg_set_text(&m, F_ID, buf_view(&id));
	if (m.kind == MSG_STREAM && (n & 16))
		msg_set_text(
		    &m, F_EVENT, n & 32 ? buf_view(&w.last_event) : STR("0.1"));
	line_from_front(l, n & 1, &m);
	buf_done(&id);
}

static void
from_back(struct line *l, struct cur *c)
{
	static const enum msg_kind kinds[] = { MSG_HOP_OPENED, MSG_UP_ANSWER,
		MSG_UP_EVENT, MSG_UP_EVENT, MSG_HOP_LOST };
	struct msg m = msg_of(kinds[cur_u8(c) % countof(kinds)]);
	const uint8_t n = cur_u8(c), k = cur_u8(c);
	const enum mcp_method method = (enum mcp_method)(k % MCP__N);

	if (m.kind != MSG_UP_ANSWER)
		msg_set(&m, F_HOP, w.hop[n % countof(w.hop)]);
	if (m.kind == MSG_UP_ANSWER || (m.kind == MSG_UP_EVENT && (n & 64)))
		msg_set(&m, F_CALL, w.call[k % countof(w.call)]);
	if (m.kind == MSG_HOP_OPENED) {
		msg_set(&m, F_STATUS, n > 240);
		if (n & 32) {
			msg_set_text(
			    &m, F_TEXT, n & 16 ? STR("\xff") : STR("words"));
			msg_set_tree(&m, F_INFO, pick(caps, countof(caps), k));
		}
		msg_set(&m, F_ERA, k & 1);
		msg_set_tree(&m, F_CAPS, pick(caps, countof(caps), k / 2));
	}
	if (m.kind == MSG_UP_ANSWER && n > 30)
		msg_set_tree(&m, n > 240 ? F_ERROR : F_RESULT,
		    pick(results, countof(results), n));
	if (m.kind == MSG_UP_ANSWER && n <= 30)
		msg_set(&m, F_STATUS, n < 4 ? UINT64_MAX - n : 502);
	if (m.kind == MSG_UP_EVENT) {
		msg_set_text(&m, F_NAME, mcp_row(method)->text);
		msg_set_tree(&m, F_PARAMS, pick(trees, countof(trees), n));
		msg_set_tree(&m, F_ID, pick(trees, countof(trees), 13));
		if (n & 1)
			msg_set(&m, F_FLAGS, MF_REQUEST);
		else if (n & 128)
			msg_set(&m, F_FLAGS, MF_STREAM | (k & MF_FINAL));
	}
	line_from_back(l, n >> 1 & 1, &m);
}

static void
from_ledger(struct line *l, bool whole)
{
	struct msg m = msg_of(MSG_RECORDED);

	w.ledger = true;
	w.acked = w.seq;
	w.acked_decisions = w.decisions;
	w.acked_evaluations = w.evaluations;
	msg_set(&m, F_SEQ, w.seq);
	msg_set(&m, F_FLAGS, whole ? MF_STRICT : 0);
	line_from_ledger(l, &m);
}

static void
from_keys(struct line *l, uint8_t n)
{
	struct msg m = msg_of(w.keys_open ? MSG_UNSEALED : MSG_SEALED);

	msg_set(&m, F_CALL, w.keys_call);
	if (n & 1)
		msg_set(&m, F_STATUS, 4);
	else if (w.keys_open)
		msg_set_text(&m, F_BYTES, buf_view(&w.sealed));
	else
		msg_set_text(&m, F_TEXT, STR("x"));
	line_from_keys(l, &m);
}

/* Grants, with and without calls ahead, refusals, and answers to nobody. */
static void
from_budget(struct line *l, uint8_t n)
{
	static const char *const recs[] = { "{}", "[]", "[{}]",
		"[{\"ahead\":0,\"left\":9,\"ms\":0,\"used\":1}]",
		"[{\"ahead\":3,\"left\":9,\"ms\":90,\"used\":1}]",
		"[{\"budget\":\"b\",\"key\":\"bob\",\"left\":0,\"used\":9}]" };
	struct msg m = msg_of(MSG_RESERVED);
	size_t at = 0;

	msg_set(&m, F_CALL, w.asked[n % countof(w.asked)]);
	msg_set_tree(&m, F_REC, pick(recs, countof(recs), n / 8));
	while (at < countof(w.granted) && w.granted[at] != 0)
		at++;
	if (n >= 192 || at == countof(w.granted)) {
		msg_set(&m, F_STATUS, n & 1 ? ERR_DENIED : ERR_OS);
	} else {
		w.granted[at] = ++w.grants;
		msg_set(&m, F_SEQ, w.grants);
	}
	line_from_budget(l, &m);
}

/* ---- peers that behave: what chance alone does not find ---- */

static void
good_request(struct line *l, uint8_t n)
{
	static const struct {
		enum mcp_method method;
		uint8_t tree;
	} calls[] = {
		{ MCP_TOOLS_CALL, 1 },
		{ MCP_TOOLS_CALL, 3 },
		{ MCP_RESOURCES_READ, 4 },
		{ MCP_RESOURCES_READ, 8 },
		{ MCP_TOOLS_LIST, 0 },
		{ MCP_RESOURCES_LIST, 0 },
		{ MCP_TEMPLATES_LIST, 0 },
		{ MCP_LISTEN, 9 },
		{ MCP_TOOLS_CALL, 18 },
		{ MCP_INITIALIZE, 11 },
	};
	const uint8_t k = n % countof(calls);
	struct msg m = msg_of(MSG_REQUEST);
	struct buf id = { .max = 64 };
	char cred[32];

	memset(cred, 'a', 32);
	tape_i64(&id, (int64_t)++w.ref);
	msg_set(&m, F_REF, w.ref);
	msg_set(&m, F_WHERE, n >> 6 & 1);
	msg_set(&m, F_ERA, n >> 7 ? MCP_LEGACY : MCP_MODERN);
	msg_set(&m, F_METHOD, calls[k].method);
	msg_set_text(&m, F_NAME, mcp_row(calls[k].method)->text);
	msg_set_text(&m, F_CRED, (struct str){ cred, 32 });
	msg_set_text(&m, F_ID, buf_view(&id));
	msg_set_tree(&m, F_PARAMS, pick(trees, countof(trees), calls[k].tree));
	msg_set_tree(&m, F_CAPS, pick(caps, countof(caps), 1));
	if (n >> 7 && w.last_session.n > 0)
		msg_set_text(&m, F_SESSION, buf_view(&w.last_session));
	line_from_front(l, 0, &m);
	from_ledger(l, true);
	buf_done(&id);
}

static struct buf images = { .max = 1 << 20 };

static void
good_back(struct line *l, uint8_t n)
{
	const uint64_t hop = w.hop[(w.hops + 7 - n / 64) % countof(w.hop)];
	const uint64_t call = w.call[(w.calls + 7 - n / 64) % countof(w.call)];
	struct msg m = msg_of(n % 4 == 0   ? MSG_HOP_OPENED
			      : n % 4 == 1 ? MSG_UP_ANSWER
					   : MSG_UP_EVENT);
	const struct leg *g = slab_get(&l->legs, call);
	const struct hop *h = slab_get(&l->hop_ids, hop);

	if (m.kind == MSG_HOP_OPENED) {
		msg_set(&m, F_HOP, hop);
		msg_set(&m, F_STATUS, 0);
		msg_set(&m, F_ERA, n >> 2 & 1);
		msg_set_tree(&m, F_CAPS, pick(caps, countof(caps), 2));
	} else if (m.kind == MSG_UP_ANSWER) {
		msg_set(&m, F_CALL, call);
		msg_set_tree(
		    &m, F_RESULT, pick(results, countof(results), n / 4));
		buf_clear(&images);
		bounds_put(jv_get(msg_tree(&m, F_RESULT), STR("tools")), false,
		    &images);
		if (n & 1)
			msg_set_text(&m, F_BYTES, buf_view(&images));
	} else {
		msg_set(&m, F_HOP, g == NULL || !g->hop ? hop : g->hop->id);
		msg_set(&m, F_CALL, call);
		msg_set(&m, F_FLAGS, MF_REQUEST);
		msg_set_text(&m, F_NAME, STR("elicitation/create"));
		msg_set_tree(&m, F_ID, pick(trees, countof(trees), 16));
	}
	if (m.kind != MSG_HOP_OPENED && g != NULL && g->hop != NULL)
		h = g->hop;
	line_from_back(l, h == NULL ? 0 : h->up->index, &m);
}

#define ALICE "\"subject\":{\"type\":\"agent\",\"id\":\"alice\"},"
#define CALL "\"action\":{\"name\":\"tools/call\"},"
#define READ "\"resource\":{\"type\":\"tool\",\"id\":\"fs/read\"}"

static void
from_desk(struct line *l, uint8_t n)
{
	static const char *const asks[] = { "{" ALICE CALL READ "}",
		"{" ALICE CALL "\"evaluations\":[{" READ "},{},{\"resource\":{"
		"\"type\":\"resource\",\"id\":\"file:///a\"}}]}",
		"{" ALICE READ ",\"action\":{\"name\":\"fs___read\"},"
		"\"context\":{\"arguments\":{\"a\":[1,{\"b\":1e400}]}}}",
		"{\"subject\":{\"type\":\"user\",\"id\":\"bob\"},\"action\":{"
		"\"name\":\"tools/list\"},\"resource\":{\"type\":\"server\","
		"\"id\":\"web\"}}",
		"{" ALICE "\"action\":{\"name\":\"completion/complete\"},"
		"\"resource\":{\"type\":\"resource\",\"id\":\"file:///a\"}}",
		"{" ALICE CALL "\"evaluations\":[{" READ "},{" READ "}],"
		"\"options\":{\"evaluations_semantic\":"
		"\"permit_on_first_permit\"}}",
		"{" CALL READ "}", "7" };
	struct msg m = msg_of(MSG_ASK);
	char cred[32];

	memset(cred, n >> 7 ? 'a' : 'z', 32);
	if (n == 255) {
		line_desk_lost(l);
		return;
	}
	msg_set(&m, F_REF, ++w.ref);
	msg_set(&m, F_FLAGS, n & 64 ? 0 : MF_MANY);
	msg_set_text(&m, F_CRED, (struct str){ cred, 32 });
	msg_set_tree(&m, F_PARAMS, pick(asks, countof(asks), n));
	line_from_desk(l, &m);
}

static void
act(struct line *l, struct cur *c)
{
	const uint8_t a = cur_u8(c);

	w.clock += 1000000;
	if (a < 50)
		from_agent(l, c);
	else if (a < 100)
		from_back(l, c);
	else if (a < 140)
		good_request(l, cur_u8(c));
	else if (a < 180)
		good_back(l, cur_u8(c));
	else if (a < 190)
		from_desk(l, cur_u8(c));
	else if (a < 225)
		from_ledger(l, a & 1);
	else if (a < 236)
		from_keys(l, a);
	else if (a < 240)
		from_budget(l, cur_u8(c));
	else if (a < 244)
		line_back_lost(l, a & 1);
	else if (a < 247)
		line_front_lost(l, a & 1);
	else if (a < 248)
		line_budget_lost(l);
	else if (a < 249) {
		w.ledger = false;
		line_ledger_lost(l);
	} else {
		w.clock += UINT64_C(100000000000) * (a - 248);
		line_tick(l);
	}
}

/* What waits for a peer that says nothing more ends by itself. */
static void
all_gone(struct line *l)
{
	line_front_lost(l, 0);
	line_front_lost(l, 1);
	for (int i = 0; i < 8; i++) {
		from_ledger(l, true);
		from_ledger(l, true); /* the first may only be a greeting */
		w.clock += UINT64_C(3000000000000);
		line_tick(l);
	}
	BUG_ON(l->busy != 0 || l->turns.used != 0 || l->legs.used != 0 ||
	       map_count(l->refs) != 0 || map_count(l->sessions) != 0);
	for (size_t i = 0; i < countof(w.granted); i++)
		BUG_ON(w.granted[i] != 0); /* it would never be taken back */
}

static const char image_text[] =
    "{\"budgets\":[{\"name\":\"b\",\"of\":\"calls\",\"limit\":9,"
    "\"window_ms\":0,\"currency\":\"\",\"per\":\"principal\","
    "\"principal\":\"bob\",\"server\":\"*\",\"tool\":\"*\",\"risk\":[],"
    "\"lease\":4}],\"durability\":\"strict\",\"limits\":{\"body\":20000,"
    "\"sessions\":4,"
    "\"inflight\":8,\"replay\":2000},\"principals\":[{\"name\":\"alice\","
    "\"cred\":"
    "\"6161616161616161616161616161616161616161616161616161616161616161\","
    "\"evaluates\":true}],"
    "\"anonymous\":\"bob\",\"servers\":[{\"name\":\"fs\",\"read_only\":[]},{"
    "\"name\":\"web\",\"kind\":\"http\",\"read_only\":[]}],\"endpoints\":[{"
    "\"path\":\"/mcp\",\"servers\":[0,1]},{\"path\":\"/s/fs/"
    "mcp\",\"servers\":[0]}],\"rules\":[{\"effect\":\"allow\",\"principal\":\"*"
    "\",\"server\":\"*\",\"method\":\"*\",\"name\":\"*\",\"id\":\"all\","
    "\"reason\":\"\"}],\"inventory\":{\"file\":\"i\",\"listed_models\":true,"
    "\"agents\":[{\"id\":\"alice\",\"acts_for\":\"u\"},{\"id\":\"bob\"},{"
    "\"id\":\"al\"}],\"users\":[{\"id\":\"u\"}],\"servers\":[{\"id\":\"fs\"},"
    "{\"id\":\"web\"}],\"tools\":[{\"id\":\"*/*\"}],\"prompts\":[{\"id\":"
    "\"*/*\"}],\"resources\":[{\"id\":\"*\"}],\"models\":[{\"id\":\"m\"}],"
    "\"datasets\":[{\"id\":\"d\",\"classification\":\"c\",\"resources\":["
    "\"file:*\"],\"arguments\":[{\"server\":\"fs\",\"tool\":\"*\","
    "\"argument\":\"a\",\"values\":[\"x\"],\"line\":1,\"column\":1}]}]},"
    "\"policies\":[{\"name\":\"p\",\"text\":\"forbid (principal, action, "
    "resource) when { context.session.calls > 900 || context.chain_depth > 6 "
    "};\"}]}";

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);

int
LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	static const struct line_ports ports = { .front = to_front,
		.back = to_back,
		.ledger = to_ledger,
		.keys = to_keys,
		.desk = to_desk,
		.budget = to_budget,
		.now = the_clock,
		.wall = the_clock,
		.random = the_random };
	static struct buf image;
	struct cur c = cur_of(p, n);
	struct line *l = NULL;

	if (image.n == 0) {
		image.max = 65536;
		BUG_ON(json_parse(
		    str_of(image_text), &json_default, &image, NULL));
	}
	buf_done(&w.last_session);
	buf_done(&w.last_event);
	buf_done(&w.sealed);
	buf_done(&w.bytes);
	memset(&w, 0, sizeof(w));
	w.last_session.max = w.last_event.max = w.sealed.max = 4096;
	w.bytes.max = 32 << 20;
	w.clock = 1000000000;
	w.ref = 1000;
	BUG_ON(line_new(jv_of(buf_view(&image)), 0, &ports, &l, NULL) != OK);
	from_ledger(l, true);
	w.line = l;
	while (cur_left(&c) > 0)
		act(l, &c);
	all_gone(l);
	w.line = NULL;
	line_free(l);
	return 0;
}
