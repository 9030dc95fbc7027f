/*
 * test-cedar-slots: what the evaluator keeps of one policy for the next is what
 * that would have found by itself: policies decided together are decided as
 * each alone, with the same failures at their own places.
 */
#include "cedar/code.h"

#include "base/tap.h"

enum { NAMES = 150, POLICIES = 200, ROUNDS = 40 };

static uint64_t dice = 42;

static unsigned
roll(unsigned n)
{
	dice = dice * 6364136223846793005U + 1442695040888963407U;
	return (unsigned)(dice >> 33) % n;
}

/* context.a7.b or principal.a7: about every third is not there. */
static void
put_path(struct buf *b)
{
	const unsigned n = roll(NAMES);

	if (roll(4) == 0)
		buf_fmt(b, "principal.a%u", n);
	else
		buf_fmt(b, "context.a%u.%s", n, roll(3) ? "b" : "c");
}

static void
put_policy(struct buf *b)
{
	buf_fmt(b, "%s(principal, action, resource) when { ",
	    roll(3) ? "permit" : "forbid");
	put_path(b);
	buf_fmt(b, " < %u || ", roll(3));
	put_path(b);
	buf_fmt(b, " == %u || context has a%u.b || !(", roll(4), roll(NAMES));
	put_path(b);
	buf_fmt(b, " > %u) };\n", roll(3));
}

static void
put_context(struct buf *b)
{
	buf_str(b, STR("{\"x\":0"));
	for (unsigned i = 0; i < NAMES; i++)
		if (roll(3))
			buf_fmt(b, ",\"a%u\":{\"b\":%u,\"%s\":%u}", i, roll(4),
			    roll(2) ? "c" : "d", roll(4));
	buf_str(b, STR("}"));
}

static void
put_principal(struct buf *b)
{
	buf_str(b, STR("[{\"uid\":{\"type\":\"U\",\"id\":\"u\"},\"parents\":[],"
		       "\"attrs\":{\"x\":0"));
	for (unsigned i = 0; i < NAMES; i++)
		if (roll(3))
			buf_fmt(b, ",\"a%u\":%u", i, roll(4));
	buf_str(b, STR("}}]"));
}

static struct cedar_engine *
engine_of(struct str text)
{
	struct cedar_policies *ps = cedar_policies_new();
	struct cedar_engine *e = NULL;

	if (cedar_policies_parse(ps, text, NULL) == OK)
		(void)!cedar_engine_new(ps, &e, NULL);
	cedar_policies_free(ps);
	return e;
}

struct round {
	struct cedar_entities *es;
	struct cedar_request *r;
	struct arena *a;
	struct cedar_engine *all;
	struct buf text[POLICIES];
};

static const struct cedar_failed *
failed(const struct cedar_answer *ans, uint32_t policy)
{
	for (size_t i = 0; i < ans->error_n; i++)
		if (ans->error[i].policy == policy)
			return &ans->error[i];
	return NULL;
}

/* After "line:column: " of a failure's sentence. */
static const char *
said(const struct cedar_failed *f)
{
	const char *p = f == NULL ? NULL : strstr(f->note.text, ": ");

	return p == NULL ? "" : p;
}

/* Policy i alone says of itself what it says among the others. */
static bool
alone(struct round *x, uint32_t i, const struct cedar_answer *got,
    size_t *failures)
{
	struct cedar_engine *one = engine_of(buf_view(&x->text[i]));
	const struct cedar_failed *f = failed(got, i);
	char line[16];
	struct cedar_answer ans = { .error_n = 0 };
	bool same =
	    one != NULL && cedar_authorize(one, x->r, x->es, x->a, &ans) == OK;
	bool among = false;

	for (size_t k = 0; k < got->reason_n; k++)
		among = among || got->reason[k] == i;
	*failures += f != NULL;
	(void)snprintf(line, sizeof(line), "%u:", i + 1);
	same = same && (f == NULL) == (ans.error_n == 0) &&
	       strcmp(said(f), said(failed(&ans, 0))) == 0 &&
	       (f == NULL || strncmp(f->note.text, line, strlen(line)) == 0);
	/* Reasons of an answer are of one effect: absence says nothing. */
	same = same && (!among || ans.reason_n == 1);
	cedar_engine_free(one);
	return same;
}

static bool
round_of(struct round *x, size_t *failures, size_t *reasons)
{
	const struct cedar_uid par[3] = { { STR("U"), STR("u") },
		{ STR("Action"), STR("go") }, { STR("R"), STR("r") } };
	struct buf all = { .max = 1 << 20 }, json = { .max = 1 << 20 },
		   es = { .max = 1 << 20 };
	struct cedar_answer got = { .error_n = 0 }, twice;
	bool same;

	for (int i = 0; i < POLICIES; i++) {
		x->text[i] = (struct buf){ .max = 4096 };
		put_policy(&x->text[i]);
		buf_str(&all, buf_view(&x->text[i]));
	}
	put_context(&json);
	put_principal(&es);
	x->all = engine_of(buf_view(&all));
	same =
	    x->all != NULL &&
	    cedar_entities_from_json(buf_view(&es), NULL, &x->es, NULL) == OK &&
	    cedar_request_new(par, buf_view(&json), NULL, x->a, &x->r, NULL) ==
		OK &&
	    cedar_authorize(x->all, x->r, x->es, x->a, &got) == OK &&
	    cedar_authorize(x->all, x->r, x->es, x->a, &twice) == OK &&
	    got.reason_n == twice.reason_n && got.error_n == twice.error_n;
	for (uint32_t i = 0; same && i < POLICIES; i++)
		same = alone(x, i, &got, failures);
	*reasons += got.reason_n;
	for (int i = 0; i < POLICIES; i++)
		buf_done(&x->text[i]);
	cedar_engine_free(x->all);
	cedar_entities_free(x->es);
	buf_done(&all);
	buf_done(&json);
	buf_done(&es);
	return same;
}

int
main(void)
{
	struct round x = { .a = arena_new(1 << 26) };
	size_t failures = 0, reasons = 0;
	int good = 0;

	for (int i = 0; i < ROUNDS; i++) {
		arena_reset(x.a);
		x.es = NULL;
		good += round_of(&x, &failures, &reasons);
	}
	ok(good == ROUNDS, "together as alone: %d of %d sets", good, ROUNDS);
	ok(failures > ROUNDS && reasons > ROUNDS,
	    "%zu failures and %zu reasons were among them", failures, reasons);
	arena_free(x.a);
	return tap_done();
}
