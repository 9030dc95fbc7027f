/*
 * ask: one question from its texts to its answer, with nothing kept.
 */
#include "cedar/cedar.h"

enum { ASK_ROOM = 256 * 1024 * 1024 }; /* for the request and the answer */

struct asked {
	struct cedar_policies *ps;
	struct cedar_engine *e;
	struct cedar_entities *es;
	struct arena *a;
};

static enum err
decide(struct asked *k, const struct cedar_question *q,
    enum cedar_decision *out, struct cedar_why *why)
{
	const struct cedar_uid par[3] = { q->principal, q->action,
		q->resource };
	const struct str es = q->entities.n == 0 ? STR("[]") : q->entities;
	struct cedar_request *r;
	struct cedar_answer answer;

	TRY(cedar_policies_parse(k->ps, q->policies, why));
	TRY(cedar_engine_new(k->ps, &k->e, why));
	TRY(cedar_entities_from_json(es, NULL, &k->es, why));
	TRY(cedar_request_new(par, q->context, NULL, k->a, &r, why));
	TRY(cedar_authorize(k->e, r, k->es, k->a, &answer));
	*out = answer.decision;
	return OK;
}

enum err
cedar_ask(const struct cedar_question *q, enum cedar_decision *out,
    struct cedar_why *why)
{
	struct asked k = { .ps = cedar_policies_new(),
		.a = arena_new(ASK_ROOM) };
	enum err e;

	if (why != NULL)
		*why = (struct cedar_why){ 0 };
	e = decide(&k, q, out, why);
	if (e != OK && why != NULL && why->note.text[0] == '\0')
		note_set(&why->note, "too large to decide");
	cedar_engine_free(k.e);
	cedar_entities_free(k.es);
	cedar_policies_free(k.ps);
	arena_free(k.a);
	return e;
}
