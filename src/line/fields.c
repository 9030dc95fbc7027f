/*
 * fields: what a decision record says besides the decision (CoSAI agent
 * containment, s.7.1): who acts and for whom, and how that is known; which list
 * the agent saw; which statement of the boundary stands.
 *
 * A field is never silently left out.  What has no value is "absent", when it
 * is known that there is none; {"not_established":PREMISE}, when that is not
 * known; {"not_available":REASON}, when nothing here can know it.
 */
#include "line/commit-in.h"

#include "crypto/crypto.h"

size_t
field_absent(struct buf *b, const char *key)
{
	tape_key(b, str_of(key));
	tape_str(b, STR("absent"));
	return 1;
}

static size_t
field_state(struct buf *b, const char *key, const char *state, const char *why)
{
	size_t o;

	tape_key(b, str_of(key));
	o = tape_obj(b);
	tape_key(b, str_of(state));
	tape_str(b, str_of(why));
	tape_end(b, o, 1);
	return 1;
}

size_t
field_unknown(struct buf *b, const char *key, const char *premise)
{
	return field_state(b, key, "not_established", premise);
}

size_t
field_unavailable(struct buf *b, const char *key, const char *why)
{
	return field_state(b, key, "not_available", why);
}

/* ---- who ---- */

static const char nobody_knows[] = "no credential of the configuration came";

static void
put_how(struct buf *b, struct str provenance, bool verified)
{
	tape_key(b, STR("provenance"));
	tape_str(b, provenance);
	tape_key(b, STR("verified"));
	tape_bool(b, verified);
}

/* The closed list of CoSAI's s.7.1; nothing here verifies signed claims. */
static struct str
provenance(bool claim, bool sure)
{
	return claim  ? STR("unsigned-request-claim")
	       : sure ? STR("connection-credential")
		      : STR("absent");
}

static void
put_party(
    struct buf *b, const char *member, struct str name, bool claim, bool sure)
{
	const size_t o = tape_obj(b);

	tape_key(b, str_of(member));
	tape_str(b, name);
	put_how(b, provenance(claim, sure), !claim && sure);
	tape_end(b, o, 3);
}

/* Of nobody that is known: with a credential, or without. */
size_t
field_actor(const struct turn *t, struct buf *b)
{
	size_t o;

	if (t->principal != NULL)
		return 0; /* the identity record says it */
	tape_key(b, STR("actor"));
	o = tape_obj(b);
	put_how(b, provenance(false, t->cred_came), false);
	tape_end(b, o, 2);
	return 1;
}

size_t
field_principal(const struct turn *t, struct buf *b)
{
	if (t->principal == NULL)
		return field_unknown(b, "principal", nobody_knows);
	tape_key(b, STR("principal"));
	tape_str(b, t->principal->name);
	return 1;
}

/* On whose behalf, as policy was asked; what was refused before, or names
 * nothing that policy is asked of, is looked up for the record. */
const struct call *
chain_of(const struct line *l, const struct turn *t, struct call *own,
    struct note *why)
{
	struct note said = { "" };

	if (t->asked.chained)
		return &t->asked;
	if (t->principal == NULL) {
		note_set(why, "%s", nobody_knows);
		return NULL;
	}
	*own = (struct call){ .principal = t->principal->name,
		.params = t->params };
	if (policy_chain(l->policy, own, &said) == OK)
		return own;
	note_words(why, str_of(said.text));
	return NULL;
}

/* Nearest first; c NULL: why says what is not known.  Of nobody: 0. */
size_t
field_chain(const struct line *l, const struct principal *p,
    const struct call *c, const struct note *why, struct buf *b)
{
	const bool sure = p != l->anonymous;
	size_t m;

	if (c == NULL)
		return field_unknown(b, "chain", why->text);
	if (c->chain_n == 0)
		return 0;
	tape_key(b, STR("chain"));
	m = tape_arr(b);
	for (size_t i = 0; i < c->chain_n; i++)
		put_party(
		    b, "name", c->chain[i], i >= c->chain_n - c->claimed, sure);
	tape_end(b, m, c->chain_n);
	return 1;
}

/* For whom in the end: the last whom the credential stands for; where it
 * stands for nobody, the last whom the request names. */
size_t
field_subject(const struct line *l, const struct principal *p,
    const struct call *c, const struct note *why, struct buf *b)
{
	size_t at;

	if (c == NULL)
		return field_unknown(b, "subject", why->text);
	if (c->chain_n == 0)
		return 0;
	at = c->chain_n > c->claimed ? c->chain_n - c->claimed : c->chain_n;
	tape_key(b, STR("subject"));
	put_party(b, "id", c->chain[at - 1], c->chain_n == c->claimed,
	    p != l->anonymous);
	return 1;
}

/* Of somebody that an enforcement point asks about: all is its word. */
size_t
field_asked(const struct line *l, const struct asked *a, struct buf *b,
    enum asked_field which)
{
	struct note why = { "no such principal" };
	struct call c = { .params = a->params };
	bool known = a->principal != NULL;

	if (known) {
		c.principal = a->principal->name;
		known = policy_chain(l->policy, &c, &why) == OK;
	}
	c.claimed = c.chain_n;
	if (which == ASKED_ACTOR && a->principal == NULL)
		return field_unknown(b, "actor", why.text);
	if (which == ASKED_ACTOR) {
		tape_key(b, STR("actor"));
		put_party(b, "id", a->principal->name, true, false);
		return 1;
	}
	if (known && c.chain_n == 0)
		return field_absent(
		    b, which == ASKED_CHAIN ? "chain" : "subject");
	return which == ASKED_CHAIN
		   ? field_chain(l, l->anonymous, known ? &c : NULL, &why, b)
		   : field_subject(l, l->anonymous, known ? &c : NULL, &why, b);
}

/* Whose decisions name it by its sequence: who acts, and for whom, as far as
 * the credential and the inventory say.  Before the first decision of each
 * principal, and again when the configuration changed. */
static void
identity_tape(const struct line *l, const struct principal *p, struct buf *b)
{
	struct call c = { .principal = p->name };
	struct note why = { "" };
	const bool known = policy_chain(l->policy, &c, &why) == OK;
	const struct call *of = known ? &c : NULL;
	size_t o, n = 4;

	buf_clear(b);
	o = tape_obj(b);
	tape_key(b, STR("actor"));
	put_party(b, "id", p->name, false, p != l->anonymous);
	tape_key(b, STR("cell"));
	tape_i64(b, (int64_t)l->cell);
	n += known && c.chain_n == 0 ? field_absent(b, "chain")
				     : field_chain(l, p, of, &why, b);
	tape_key(b, STR("kind"));
	tape_str(b, STR("identity"));
	tape_key(b, STR("principal"));
	tape_str(b, p->name);
	n += known && c.chain_n == 0 ? field_absent(b, "subject")
				     : field_subject(l, p, of, &why, b);
	tape_end(b, o, n);
}

bool
record_identity(struct line *l, struct principal *p)
{
	struct msg m = msg_of(MSG_RECORD);

	if (p == NULL || p->identity != 0)
		return true;
	identity_tape(l, p, &l->rec);
	msg_set(&m, F_SEQ, l->seq + 1);
	msg_set_text(&m, F_REC, buf_view(&l->rec));
	if (buf_end(&l->rec) != OK || !l->ledger_ok ||
	    l->port.ledger(l->port.arg, &m) != OK)
		return false;
	p->identity = ++l->seq;
	return true;
}

/* ---- the request ---- */

/* What the commitments cover is said by the start record, unless there are
 * none. */
size_t
field_covers(const struct line *l, struct jv params, struct buf *b)
{
	if (jv_is(params, J_NONE))
		return field_absent(b, "covers");
	if (commit_any(l))
		return 0;
	return field_unavailable(b, "covers",
	    "what is not in this record its class of data lets nothing be said "
	    "of");
}

size_t
field_boundary(const struct line *l, struct buf *b)
{
	if (l->boundary_told == 0)
		return field_unknown(
		    b, "boundary", "its record could not be written");
	tape_key(b, STR("boundary"));
	tape_i64(b, (int64_t)l->boundary_told);
	return 1;
}

/* ---- the effect ---- */

/* A server's answer shows that it was there for the call; that it did what was
 * asked is its own word.  What left and was not answered may have happened. */
size_t
field_observed(const struct turn *t, struct str status, struct buf *b)
{
	const bool over = t->failed != NULL || t->dead;
	const bool goes_on = str_eq(status, STR("continued")) ||
			     (t->method == MCP_TOOLS_CALL && t->task.n > 0);

	if (over && t->sent)
		return field_unknown(b, "observed", t->why.text);
	tape_key(b, STR("observed"));
	tape_str(b, over      ? STR("absent")
		    : goes_on ? STR("pending")
			      : STR("present"));
	return 1;
}

/* ---- the list that the agent saw ---- */

enum { SHOWS_TOOLS, SHOWS_PROMPTS, SHOWS_RESOURCES, SHOWS_TEMPLATES };

static const struct {
	const char *items;
	enum mcp_method list;
	unsigned kind;
} shows[] = {
	{ "tools", MCP_TOOLS_LIST, SHOWS_TOOLS },
	{ "prompts", MCP_PROMPTS_LIST, SHOWS_PROMPTS },
	{ "resources", MCP_RESOURCES_LIST, SHOWS_RESOURCES },
	{ "resourceTemplates", MCP_TEMPLATES_LIST, SHOWS_TEMPLATES },
};

/* Of this session, or of this principal at this endpoint. */
static const struct shown *
shown_to(const struct line *l, const struct turn *t)
{
	if (t->session != NULL)
		return &t->session->shown;
	if (t->principal == NULL || t->principal->shown == NULL ||
	    t->endpoint == NULL)
		return NULL;
	return &t->principal->shown[t->endpoint - l->endpoint];
}

static unsigned
drawn_from(const struct turn *t, const struct shown *s)
{
	const bool uri = t->method == MCP_RESOURCES_READ ||
			 t->method == MCP_SUBSCRIBE ||
			 t->method == MCP_UNSUBSCRIBE ||
			 (t->method == MCP_COMPLETE &&
			     !jv_is(jv_at(t->params, "ref/uri"), J_NONE));

	if (uri)
		return s->is & 1U << SHOWS_RESOURCES ? SHOWS_RESOURCES
						     : SHOWS_TEMPLATES;
	return t->method == MCP_PROMPTS_GET || t->method == MCP_COMPLETE
		   ? SHOWS_PROMPTS
		   : SHOWS_TOOLS;
}

static size_t
put_sum(struct buf *b, const char *key, const char sum[static SUM_TEXT])
{
	tape_key(b, str_of(key));
	tape_str(b, (struct str){ sum, SUM_TEXT });
	return 1;
}

/* Agents without a session are known by their credential alone: which of them
 * was sent what nobody knows but they, where it was not the same. */
static size_t
put_catalogue(const struct line *l, const struct turn *t, const struct shown *s,
    unsigned kind, struct buf *b)
{
	const bool mixed = (s->mixed & 1U << kind) != 0;

	if (t->session != NULL || (!mixed && l->cells < 2))
		return put_sum(b, "catalogue", s->sum[kind]);
	(void)field_unknown(b, "catalogue",
	    mixed ? "without a session, different lists were sent under this "
		    "credential"
		  : "without a session, another cell may have sent another "
		    "list");
	return 1 + put_sum(b, "catalogue_sent", s->sum[kind]);
}

size_t
field_catalogue(const struct line *l, const struct turn *t, struct buf *b)
{
	const struct shown *s = shown_to(l, t);
	unsigned kind;

	if (s != NULL) {
		kind = drawn_from(t, s);
		if (s->is & 1U << kind)
			return put_catalogue(l, t, s, kind, b);
	}
	if (t->session != NULL)
		return field_absent(b, "catalogue");
	return field_unknown(
	    b, "catalogue", "no such list was sent to it here");
}

/* The digest of what a list shows: of its items, or of what was shown before
 * and the items of a further page. */
size_t
field_shown(const struct line *l, struct turn *t, struct buf *b)
{
	const struct shown *s = shown_to(l, t);
	unsigned char was[SHA256_N], sum[SHA256_N];
	struct str before = { NULL, 0 };
	struct buf text = { .max = 4 * (size_t)ANSWER_MAX };
	struct buf hex = { .cap = SUM_TEXT, .max = SUM_TEXT };
	struct jv items;
	size_t i = 0;

	while (i < countof(shows) && shows[i].list != t->method)
		i++;
	if (i == countof(shows) || t->failed != NULL || t->is_error)
		return 0;
	hex.p = t->list_sum = arena_alloc(t->mem, SUM_TEXT);
	if (t->list_sum == NULL)
		return field_unknown(b, "catalogue", "the turn has no room");
	t->list_kind = shows[i].kind;
	items = jv_get(jv_of(buf_view(&t->out)), str_of(shows[i].items));
	if (s != NULL && s->is & 1U << t->list_kind &&
	    !jv_is(jv_get(t->params, STR("cursor")), J_NONE) &&
	    hex_bytes((struct str){ s->sum[t->list_kind], SUM_TEXT }, was,
		sizeof(was)) == OK)
		before = (struct str){ (const char *)was, sizeof(was) };
	/* What JCS cannot say exactly is digested as it stands in the tape. */
	if (json_jcs(items, &text) == OK && !text.full)
		sha256(before, buf_view(&text), sum);
	else
		sha256(before, jv_bytes(items), sum);
	buf_done(&text);
	buf_hex(&hex, (struct str){ (const char *)sum, sizeof(sum) });
	return put_sum(b, "catalogue", t->list_sum);
}

/* The answer is on its way: that is what it sees from here on. */
void
shown_keep(const struct line *l, const struct turn *t)
{
	struct shown *s = NULL;
	unsigned kind;

	if (t->list_sum == NULL)
		return;
	if (t->session != NULL) {
		s = &t->session->shown;
	} else if (t->principal != NULL && t->endpoint != NULL) {
		if (t->principal->shown == NULL)
			t->principal->shown = mem_get(
			    l->endpoint_n * sizeof(*t->principal->shown));
		s = &t->principal->shown[t->endpoint - l->endpoint];
	}
	if (s == NULL)
		return;
	kind = 1U << t->list_kind;
	if (!jv_is(jv_get(t->params, STR("cursor")), J_NONE) ||
	    ((s->is & kind) != 0 &&
		memcmp(s->sum[t->list_kind], t->list_sum, SUM_TEXT) != 0))
		s->mixed |= kind;
	memcpy(s->sum[t->list_kind], t->list_sum, SUM_TEXT);
	s->is |= kind;
}
