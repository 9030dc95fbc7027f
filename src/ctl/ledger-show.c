/*
 * ledger-show.c: one record for a reader.  A decision names by digest and by
 * sequence what does not change between calls; here those records are looked up
 * and said beside it, and so is what became of the call: a call without an
 * outcome is called unknown.  Promises to say only what it found.
 */
#include "ctl/ctl-ledger.h"
#include "ctl/ledger-walk.h"

#include <stdio.h>

/* What a decision refers to. */
enum ref_kind {
	REF_START,
	REF_IDENTITY,
	REF_POLICY,
	REF_BOUNDARY,
	REF_CATALOGUE,
	REF_OUTCOME,
	REF__N
};
static const struct ref {
	const char *name;
	const char *of;	  /* the decision's member; NULL: what is last */
	const char *kind; /* of the record that it leads to */
	const char *by;	  /* that one's member that must be the same */
} refs[REF__N] = {
	[REF_START] = { "start", NULL, "start", "cell" },
	[REF_IDENTITY] = { "identity", "identity", "identity", "seq" },
	[REF_POLICY] = { "policy", "policy", "policy", "policy" },
	[REF_BOUNDARY] = { "boundary", "boundary", "boundary", "seq" },
	[REF_CATALOGUE] = { "catalogue", "catalogue", "outcome", "catalogue" },
	[REF_OUTCOME] = { "outcome", "seq", "outcome", "decision" },
};

struct show {
	struct sought of;
	bool json;
	struct buf tape; /* of the record */
	struct found {
		uint64_t seq;
		struct buf text;
	} at[REF__N];
};

static void
show_record(
    void *arg, unsigned cell, uint64_t seq, struct str jcs, struct jv rec)
{
	struct show *s = arg;
	struct tlog_hash leaf;
	struct buf hex = { .max = 2 * LEDGER_HASH };

	if (cell != s->of.cell || seq != s->of.seq || s->of.found)
		return;
	s->of.found = true;
	printf("%.*s\n", STR_ARG(jcs));
	buf_str(&s->tape, jv_bytes(rec));
	if (s->json)
		return;
	leaf = tlog_leaf(jcs);
	buf_hex(&hex, (struct str){ (const char *)leaf.b, LEDGER_HASH });
	printf("leaf %.*s\n", STR_ARG(buf_view(&hex)));
	buf_done(&hex);
}

void
sought_cell(struct sought *s, const struct walk_cell *c)
{
	if (c->cell == s->cell)
		s->bad = c->bad && s->seq >= c->first_bad;
}

int
sought_end(const struct sought *s)
{
	if (s->bad)
		(void)fprintf(stderr,
		    "gatehouse: the ledger is not valid up to this "
		    "record: see \"gatehouse ledger verify\"\n");
	else if (!s->found)
		(void)fprintf(stderr, "gatehouse: cell %u has no record %llu\n",
		    s->cell, (unsigned long long)s->seq);
	return s->found && !s->bad ? 0 : 1;
}

static void
show_cell(void *arg, const struct walk_cell *c)
{
	struct show *s = arg;

	sought_cell(&s->of, c);
}

/* The last one before the record, and the first outcome after it. */
static void
look_for(struct show *s, enum ref_kind k, uint64_t seq, struct str jcs,
    struct jv rec)
{
	const struct ref *r = &refs[k];
	struct found *f = &s->at[k];

	if (k == REF_OUTCOME ? seq <= s->of.seq || f->seq != 0
			     : seq >= s->of.seq)
		return;
	if (!str_eq(jv_str(jv_get(rec, STR("kind"))), str_of(r->kind)) ||
	    (r->of != NULL &&
		!jv_same(jv_get(rec, str_of(r->by)),
		    jv_get(jv_of(buf_view(&s->tape)), str_of(r->of)))))
		return;
	f->seq = seq;
	buf_clear(&f->text);
	buf_str(&f->text, jcs);
}

static void
resolve_record(
    void *arg, unsigned cell, uint64_t seq, struct str jcs, struct jv rec)
{
	struct show *s = arg;

	if (cell != s->of.cell)
		return;
	for (enum ref_kind k = 0; k < REF__N; k++)
		look_for(s, k, seq, jcs, rec);
}

static void
show_found(const struct show *s, enum ref_kind k)
{
	const struct ref *r = &refs[k];
	const struct found *f = &s->at[k];
	struct jv v = { NULL, 0 };

	if (r->of != NULL)
		v = jv_get(jv_of(buf_view(&s->tape)), str_of(r->of));
	if (f->seq != 0)
		printf("%s: %.*s\n", r->name, STR_ARG(buf_view(&f->text)));
	else if (k != REF_OUTCOME && (jv_is(v, J_NUM) || jv_is(v, J_STR)) &&
		 !str_eq(jv_str(v), STR("absent")))
		printf(
		    "%s: no record before this one says what it is\n", r->name);
}

static void
show_resolved(const struct show *s)
{
	const struct jv rec = jv_of(buf_view(&s->tape));

	for (enum ref_kind k = 0; k < REF__N; k++)
		show_found(s, k);
	if (s->at[REF_OUTCOME].seq != 0)
		return;
	if (str_eq(jv_str(jv_get(rec, STR("verdict"))), STR("allow")))
		printf("outcome: unknown\n");
	else
		printf("outcome: absent, the call did not leave\n");
}

static bool
is_decision(const struct show *s)
{
	return str_eq(jv_str(jv_get(jv_of(buf_view(&s->tape)), STR("kind"))),
	    STR("decision"));
}

static enum err
show_walk(struct show *s, const char *dir, struct note *why)
{
	const struct walk first = { s, show_record, show_cell, NULL };
	const struct walk again = { s, resolve_record, NULL, NULL };

	TRY(ledger_walk(dir, &first, why));
	if (!s->of.found || s->json || !is_decision(s))
		return OK;
	TRY(ledger_walk(dir, &again, why));
	show_resolved(s);
	return OK;
}

int
ctl_ledger_show(const char *dir, unsigned cell, uint64_t seq, bool json)
{
	struct show s = { .of = { .cell = cell, .seq = seq },
		.json = json,
		.tape = { .max = 1 << 20 } };
	struct note why = { "" };
	enum err e;

	for (enum ref_kind k = 0; k < REF__N; k++)
		s.at[k].text.max = 1 << 20;
	e = show_walk(&s, dir, &why);
	for (enum ref_kind k = 0; k < REF__N; k++)
		buf_done(&s.at[k].text);
	buf_done(&s.tape);
	if (e != OK) {
		(void)fprintf(stderr, "gatehouse: %s\n", why.text);
		return e == ERR_GONE ? 3 : 4;
	}
	return sought_end(&s.of);
}
