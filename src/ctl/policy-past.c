/*
 * policy-past.c: from records to calls.  The facts of arguments are made again
 * by the same extractors from the values that records keep.  A disclosure is
 * believed when the record commits to it.
 */
#include "ctl/policy-past.h"

#include "disclose/disclose.h"
#include "mcp/mcp.h"

struct given {
	struct jv v;
	unsigned line;
	bool used;
};

/* A tool as its server showed it. */
struct shown {
	struct buf tape;	    /* empty: too long for its record */
	struct typed *whole, *part; /* part: as if nothing were required */
};

static void
shown_free(struct shown *s)
{
	typed_free(s->whole);
	typed_free(s->part);
	buf_done(&s->tape);
	mem_free(s);
}

/* A value that was too long for its record. */
static bool
is_cut(struct jv v)
{
	return !jv_is(jv_get(v, STR("cut_bytes")), J_NONE) &&
	       !jv_is(jv_get(v, STR("sha256")), J_NONE);
}

static struct str
text(struct jv rec, const char *key)
{
	return jv_str(jv_get(rec, str_of(key)));
}

/* ---- disclosures ---- */

static struct str
key_of(unsigned cell, uint64_t seq, char out[static 48])
{
	const int n =
	    snprintf(out, 48, "%u/%llu", cell, (unsigned long long)seq);

	return (struct str){ out, (size_t)n };
}

static int
given_add(struct past_reader *r, struct jv v, unsigned line, const char *path)
{
	int64_t cell = 0, seq = 0;
	struct given *g;
	char key[48];

	if (!jv_is(jv_get(v, STR("cell")), J_NONE) &&
	    jv_i64(jv_get(v, STR("cell")), &cell) != OK)
		cell = -1;
	if (cell < 0 || cell > UINT8_MAX ||
	    jv_i64(jv_get(v, STR("seq")), &seq) != OK || seq < 1 ||
	    !jv_is(jv_get(v, STR("disclosures")), J_ARR) ||
	    jv_count(jv_get(v, STR("disclosures"))) > DISCLOSURES_MAX)
		return ctl_say(r->c, CTL_FAILED,
		    "%s: value %u: needs seq (and cell, 0 when left out) of a "
		    "record, and its disclosures, at most %d",
		    path, line, DISCLOSURES_MAX);
	g = mem_get(sizeof(*g));
	*g = (struct given){ .v = v, .line = line };
	mem_free(
	    map_put(r->given, key_of((unsigned)cell, (uint64_t)seq, key), g));
	return CTL_YES;
}

int
past_open(struct past_reader *r, const struct ctl *c, const char *dir,
    const char *disclosures, struct jv image, bool conf)
{
	struct jit it;
	struct jv v;
	int status;

	*r = (struct past_reader){ .c = c,
		.sets = map_new(0),
		.given = map_new(0),
		.tools = map_new(0),
		.tape = { .max = POLICY_BYTES },
		.image = image,
		.conf = conf };
	status = side_beside(c, dir, &r->side);
	if (disclosures == NULL || status != CTL_YES)
		return status;
	status = policy_slurp(c, disclosures, &r->lines);
	v = jv_of(buf_view(&r->lines));
	if (status == CTL_YES && !jv_is(v, J_ARR))
		return ctl_say(c, CTL_FAILED,
		    "%s: a file of JSON lines ends in .jsonl", disclosures);
	it = jit_of(v);
	for (unsigned n = 1; status == CTL_YES && jit_next(&it, NULL, &v); n++)
		status = given_add(r, v, n, disclosures);
	return status == CTL_NO ? CTL_FAILED : status;
}

void
past_done(struct past_reader *r)
{
	size_t at = 0;
	void *v;

	while (r->given != NULL && map_next(r->given, &at, NULL, &v))
		mem_free(v);
	at = 0;
	while (r->tools != NULL && map_next(r->tools, &at, NULL, &v))
		shown_free(v);
	side_reader_free(r->side);
	map_free(r->tools);
	map_free(r->given);
	map_free(r->sets);
	buf_done(&r->tape);
	buf_done(&r->lines);
}

static void
put(struct buf *b, const char *key, struct jv v, size_t *n)
{
	if (jv_is(v, J_NONE))
		return;
	tape_key(b, str_of(key));
	tape_copy(b, v);
	(*n)++;
}

static void
put_meta(struct buf *b, struct jv claims, size_t *n)
{
	size_t m, k = 0;

	if (jv_count(claims) == 0)
		return;
	tape_key(b, STR("_meta"));
	m = tape_obj(b);
	put(b, META_MODEL, jv_get(claims, STR("model")), &k);
	put(b, META_ON_BEHALF_OF, jv_get(claims, STR("on_behalf_of")), &k);
	tape_end(b, m, k);
	(*n)++;
}

static bool
is_whole(struct jv rec, struct jv arguments)
{
	int64_t withheld = 0;

	if (!jv_is(jv_get(rec, STR("withheld")), J_NONE) &&
	    jv_i64(jv_get(rec, STR("withheld")), &withheld) != OK)
		return false;
	return withheld >= 0 && jv_count(arguments) == (uint64_t)withheld;
}

/* Into r->tape what the record keeps and what is disclosed of its params. */
static void
put_params(struct past_reader *r, struct jv rec, struct jv params)
{
	const struct jv args = jv_get(params, STR("arguments"));
	struct buf sent = { .max = POLICY_BYTES }, *b = &sent;
	struct jit lists[] = { jit_of(jv_get(rec, STR("kept"))), jit_of(args) };
	const size_t o = tape_obj(b);
	size_t m, n = 1, k = 0;
	struct str key;
	struct jv v;

	tape_key(b, STR("name"));
	tape_str(b, text(rec, "name"));
	if (jv_is(jv_get(params, STR("_meta")), J_NONE))
		put_meta(b, jv_get(rec, STR("claims")), &n);
	else
		put(b, "_meta", jv_get(params, STR("_meta")), &n);
	tape_key(b, STR("arguments"));
	m = tape_obj(b);
	for (size_t i = 0; i < countof(lists); i++)
		while (jit_next(&lists[i], &key, &v)) {
			tape_key(b, key);
			tape_copy(b, v);
			k++;
		}
	tape_end(b, m, k);
	tape_end(b, o, n + 1);
	mcp_params_canonical(jv_of(buf_view(b)), &r->tape);
	buf_done(b);
}

/* Into r->tape what these open; false: why. */
static bool
put_opened(struct past_reader *r, struct past *p, struct jv rec,
    const struct str *text, size_t n, struct note *why)
{
	struct buf whole = { .max = POLICY_BYTES };
	struct opened *o = NULL;
	struct jv params;

	if (opened_new(rec, text, n, &o, why) != OK)
		return false;
	opened_record(o, &whole);
	params = jv_get(jv_of(buf_view(&whole)), STR("params"));
	put_params(r, rec, params);
	p->k.whole = is_whole(rec, jv_get(params, STR("arguments")));
	p->k.absent = jv_get(rec, STR("absent"));
	opened_free(o);
	buf_done(&whole);
	return true;
}

/* Into r->tape; false: nothing was disclosed of this record, or what was is
 * none of its own. */
static bool
disclosed(struct past_reader *r, struct past *p, struct jv rec)
{
	struct str given[DISCLOSURES_MAX];
	struct note why = { "" };
	char key[48];
	struct given *g = map_get(r->given, key_of(p->cell, p->seq, key));
	struct jit it;
	struct jv v;
	size_t n = 0;

	if (g == NULL)
		return false;
	it = jit_of(jv_get(g->v, STR("disclosures")));
	while (n < countof(given) && jit_next(&it, NULL, &v))
		given[n++] = jv_str(v);
	if (!put_opened(r, p, rec, given, n, &why)) {
		if (r->bad.text[0] == '\0')
			note_set(&r->bad,
			    "value %u of the disclosures is not what record "
			    "%u/%llu commits to: %.120s",
			    g->line, p->cell, (unsigned long long)p->seq,
			    why.text);
		return false;
	}
	r->used += !g->used;
	g->used = true;
	return true;
}

/* The same of what the side store keeps.  What it has wrong is as if it had
 * nothing: not established. */
static bool
held(struct past_reader *r, struct past *p, struct jv rec)
{
	struct held *h;
	struct note why;
	bool good;

	if (r->side == NULL)
		return false;
	h = mem_get(sizeof(*h));
	held_of(r->side, p->cell, p->seq, h);
	good = h->content.disclosures > 0 &&
	       put_opened(r, p, rec, h->content.disclosure,
		   h->content.disclosures, &why);
	held_done(h);
	mem_free(h);
	return good;
}

int
past_end(const struct past_reader *r)
{
	size_t at = 0;
	void *v;

	if (r->bad.text[0] != '\0')
		return ctl_say(r->c, CTL_FAILED, "%s", r->bad.text);
	while (map_next(r->given, &at, NULL, &v))
		if (!((const struct given *)v)->used)
			return ctl_say(r->c, CTL_FAILED,
			    "value %u of the disclosures is about no call in "
			    "this ledger",
			    ((const struct given *)v)->line);
	return CTL_YES;
}

/* ---- records ---- */

/* Sets with policies that read context.input are kept, by digest. */
static void
set_seen(struct past_reader *r, struct jv rec)
{
	struct jit it = jit_of(jv_get(rec, STR("reads")));
	struct jv v;

	while (jit_next(&it, NULL, &v))
		if (str_eq(jv_str(v), STR("input")))
			(void)map_put(r->sets, text(rec, "policy"), r);
}

/* What the record itself keeps of the params. */
static void
kept(struct past_reader *r, struct jv rec, struct past *p)
{
	const struct jv values = jv_get(rec, STR("kept"));
	const bool whole = jv_is(jv_get(rec, STR("withheld")), J_NONE);
	const size_t m = tape_obj(&r->tape);
	size_t n = 0;

	put_meta(&r->tape, jv_get(rec, STR("claims")), &n);
	p->k.whole = whole && !is_cut(values);
	if (jv_is(values, J_OBJ) && !is_cut(values))
		put(&r->tape, "arguments", values, &n);
	tape_end(&r->tape, m, n);
	p->k.absent = jv_get(rec, STR("absent"));
}

static struct jv
server_of(const struct past_reader *r, struct str name)
{
	struct jit it = jit_of(jv_get(r->image, STR("servers")));
	struct jv v;

	while (jit_next(&it, NULL, &v))
		if (str_eq(jv_str(jv_get(v, STR("name"))), name))
			return v;
	return (struct jv){ NULL, 0 };
}

/* ---- what servers showed ---- */

/* server/tool; a server's name has no slash. */
static struct str
tool_key(struct str server, struct str name, struct buf *key)
{
	buf_fmt(key, "%.*s/%.*s", STR_ARG(server), STR_ARG(name));
	return buf_view(key);
}

/* The tool without the member `required` of its inputSchema. */
static void
put_loose(struct buf *b, struct jv v, bool schema)
{
	const size_t m = tape_obj(b);
	struct jit it = jit_of(v);
	struct str key;
	size_t n = 0;
	struct jv val;

	while (jit_next(&it, &key, &val)) {
		if (schema && str_eq(key, STR("required")))
			continue;
		tape_key(b, key);
		if (!schema && str_eq(key, STR("inputSchema")) &&
		    jv_is(val, J_OBJ))
			put_loose(b, val, true);
		else
			tape_copy(b, val);
		n++;
	}
	tape_end(b, m, n);
}

/* The first that a process is shown stands; a new process begins anew. */
static void
tool_seen(struct past_reader *r, struct jv rec)
{
	const struct str server = text(rec, "server"), name = text(rec, "name");
	const struct jv tool = jv_get(rec, STR("definition"));
	struct buf key = { .max = 1 << 16 }, loose = { .max = POLICY_BYTES };
	struct note why;
	struct shown *s;

	if (!str_eq(text(rec, "verdict"), STR("first")))
		return;
	s = mem_get(sizeof(*s));
	s->tape.max = POLICY_BYTES;
	if (jv_is(tool, J_OBJ) && !is_cut(tool)) {
		tape_copy(&s->tape, tool);
		put_loose(&loose, tool, false);
		if (typed_compile(tool, server,
			terms_of(server_of(r, server)).open, &s->whole,
			&why) != OK ||
		    typed_new(jv_of(buf_view(&loose)), server, NULL, &s->part,
			&why) != OK)
			buf_clear(&s->tape); /* no types: as if unknown */
	}
	s = map_put(r->tools, tool_key(server, name, &key), s);
	if (s != NULL)
		shown_free(s);
	buf_done(&loose);
	buf_done(&key);
}

static struct shown *
tool_of(const struct past_reader *r, const struct call *c)
{
	struct buf key = { .max = 1 << 16 };
	struct shown *s = map_get(r->tools, tool_key(c->server, c->name, &key));

	buf_done(&key);
	return s == NULL || s->tape.n == 0 ? NULL : s;
}

/* Kinds and groups: as the new configuration has them, or as it was. */
static void
declared(const struct past_reader *r, struct jv rec, struct past *p,
    const struct terms *terms)
{
	const struct shown *shown = tool_of(r, &p->k.call);
	const struct jv none = { NULL, 0 };
	struct call *c = &p->k.call;
	struct jit it = jit_of(jv_get(rec, STR("risk")));
	struct jv v;

	p->shown = shown != NULL;
	if (r->conf) {
		call_terms(terms,
		    shown == NULL ? none : jv_of(buf_view(&shown->tape)), c);
		if (shown == NULL && terms->trusted && c->guessed)
			p->lacks = "the tool's annotations: its definition is "
				   "not on record";
		return;
	}
	c->facts = jv_get(rec, STR("facts"));
	c->guessed = jv_true(jv_get(rec, STR("guessed")));
	while (c->risk_n < RISK_MAX && jit_next(&it, NULL, &v))
		c->risk[c->risk_n++] = jv_str(v);
}

/* Arguments have types where the new policies read them, or the configuration
 * says always; with policies alone, where they had them then.  Of a part
 * nothing is required. */
static void
typed(const struct past_reader *r, struct jv rec, struct past *p)
{
	const struct terms terms = terms_of(server_of(r, p->k.call.server));
	struct call *c = &p->k.call;
	const struct shown *shown;

	declared(r, rec, p, &terms);
	p->typed = jv_true(jv_get(rec, STR("typed")));
	if (r->policy == NULL ||
	    (!(r->conf ? terms.always : p->typed) &&
		!policy_types(r->policy, c->server, c->name)))
		return;
	p->k.exact = p->typed && p->k.exact;
	shown = tool_of(r, c);
	if (shown != NULL)
		c->typed = p->k.whole ? shown->whole : shown->part;
	else if (p->lacks == NULL && policy_shows(r->policy, c))
		p->lacks = "the types of its arguments: the tool's definition "
			   "is not on record";
}

/* Rules that say that arguments were never read, or not all of them. */
static bool
arguments_read(struct str rule)
{
	static const struct str unread[] = { STR_INIT("arguments"),
		STR_INIT("undeclared"), STR_INIT("delegation") };

	for (size_t i = 0; i < countof(unread); i++)
		if (str_eq(unread[i], rule))
			return false;
	return true;
}

static const char *
lacks(struct jv rec, const struct call *c)
{
	const struct jv claims = jv_get(rec, STR("claims"));

	if (jv_is(jv_get(rec, STR("policy")), J_NONE))
		return "all: the record is of a version that kept nothing";
	if (c->principal.n == 0 || c->server.n == 0 || c->method.n == 0)
		return "principal, server or method";
	if (!jv_is(jv_get(rec, STR("name")), J_STR))
		return "name: it was too long for its record";
	if (is_cut(claims) || jv_is(jv_get(claims, STR("model")), J_NULL) ||
	    jv_is(jv_get(claims, STR("on_behalf_of")), J_NULL))
		return "claims: they are no names";
	return NULL;
}

/* Is on record what policy was told?  *out: that. */
static bool
told(struct jv rec, const char *key, struct jv *out)
{
	const struct jv v = jv_get(rec, str_of(key));

	if (jv_is(v, J_NONE) || is_cut(v))
		return false;
	if (jv_is(v, J_OBJ))
		*out = v;
	return true;
}

static void
asked(struct past_reader *r, struct jv rec, struct past *p)
{
	struct call *c = &p->k.call;

	*c = (struct call){ .principal = text(rec, "principal"),
		.server = text(rec, "server"),
		.method = text(rec, "method"),
		.also = text(rec, "also"),
		.name = text(rec, "name") };
	p->lacks = lacks(rec, c);
	p->facts = jv_get(rec, STR("facts"));
	p->read_input = map_get(r->sets, text(rec, "policy")) != NULL;
	if (arguments_read(p->rule)) {
		p->k.exact =
		    p->read_input || jv_true(jv_get(rec, STR("typed")));
		p->k.read = p->facts;
	}
	p->k.session = told(rec, "session_facts", &c->session);
	p->k.budget = told(rec, "budget_facts", &c->budget);
	buf_clear(&r->tape);
	if (!disclosed(r, p, rec) && !held(r, p, rec))
		kept(r, rec, p);
	if (buf_end(&r->tape) != OK)
		p->lacks = "room: the call is too large";
	c->params = jv_of(buf_view(&r->tape));
	if (str_eq(c->method, STR("tools/call")))
		typed(r, rec, p);
}

static enum effect
effect_of(struct jv rec)
{
	if (!jv_is(jv_get(rec, STR("needs")), J_NONE))
		return HOLD;
	return str_eq(text(rec, "verdict"), STR("allow")) ? ALLOW : DENY;
}

void
past_read(struct past_reader *r, unsigned cell, uint64_t seq, struct jv rec,
    struct past *out)
{
	const struct str kind = text(rec, "kind"), step = text(rec, "step");
	int64_t n = 0;

	*out = (struct past){ .cell = cell,
		.seq = seq,
		.was = effect_of(rec),
		.rule = text(rec, "rule"),
		.endpoint = text(rec, "endpoint") };
	if (str_eq(kind, STR("policy")))
		set_seen(r, rec);
	if (str_eq(kind, STR("definition")))
		tool_seen(r, rec);
	if (str_eq(kind, STR("refusals")) &&
	    jv_i64(jv_get(rec, STR("count")), &n) == OK && n > 0)
		r->folded += (uint64_t)n;
	if (!str_eq(kind, STR("decision")))
		return;
	out->kind = PAST_ELSEWHERE;
	if (step.n > 0 && !str_eq(step, STR("decide")))
		return;
	out->kind =
	    jv_is(jv_get(rec, STR("name")), J_NONE) ? PAST_LIST : PAST_ASKED;
	if (out->kind == PAST_ASKED) {
		asked(r, rec, out);
		return;
	}
	out->k.call = (struct call){ .principal = text(rec, "principal"),
		.server = text(rec, "server"),
		.method = text(rec, "method") };
}
