/*
 * compile: patterns to automata, by Vectorscan.  Each pattern is compiled
 * alone first and reads a fixed text, so that who writes a slow one is told.
 */
#include "inspect/inspect-in.h"

enum { ROUNDS = 5, WIDTH_MAX = 80 };

/* What texts are made of: prose, code, data; no rule's words. */
static const char *const words[] = { "the ", "value of ", "a list\n", "when ",
	"request ", "returns ", "id=42 ", "{\"name\": \"x\", ", "foo_bar(",
	"https://example.org/path?q=1 ", "2026-11-28T10:00:00Z ",
	"error: ", "user@example.org ", "/usr/share/doc ", "0x7f3a ",
	"    if (n > 0) ", "please see ",
	"QmFzZTY0IHRleHQgaGVyZQ== ", "deadbeefcafebabe ", "don't ", "you can ",
	"should be ", "file ", "$HOME/x ", "<b>bold</b> " };

void
timed_text(char *p, size_t n)
{
	uint32_t x = 1;

	for (size_t i = 0; i < n;) {
		struct str w;

		x = x * 1664525U + 1013904223U;
		w = str_of(words[(x >> 16) % countof(words)]);
		for (size_t k = 0; k < w.n && i < n; k++)
			p[i++] = w.p[k];
	}
}

static int
nothing(unsigned id, unsigned long long from, unsigned long long to,
    unsigned flags, void *arg)
{
	(void)id, (void)from, (void)to, (void)flags, (void)arg;
	return 0;
}

/* Nanoseconds a KB: the least of some rounds, the others were disturbed. */
static uint64_t
time_one(hs_database_t *db, hs_scratch_t *scratch, const char *text,
    uint64_t (*now)(void))
{
	uint64_t best = UINT64_MAX;

	for (int k = 0; k < ROUNDS; k++) {
		const uint64_t t = now();

		(void)hs_scan(
		    db, text, INSPECT_TIMED, 0, scratch, nothing, NULL);
		const uint64_t took = now() - t;

		best = took < best ? took : best;
	}
	return best * 1024 / INSPECT_TIMED;
}

/* As C wants it: with a NUL. */
static char *
z_of(struct str s)
{
	char *z = mem_get(s.n + 1);

	if (s.n > 0)
		memcpy(z, s.p, s.n);
	return z;
}

/* How long what it matches may be: where the next part may begin. */
static void
widths(struct pattern *p, const char *z)
{
	hs_expr_info_t *info = NULL;
	hs_compile_error_t *bad = NULL;

	if (hs_expression_info(z, HS_FLAG_DOTALL, &info, &bad) != HS_SUCCESS) {
		(void)hs_free_compile_error(bad);
		return;
	}
	p->least = info->min_width;
	p->most = info->max_width < WIDTH_MAX ? info->max_width : WIDTH_MAX;
	free(info);
}

static enum err
try_one(struct pattern *p, struct inspect_rules *r, const char *text,
    uint64_t (*now)(void), struct inspect_fault *why)
{
	hs_database_t *db = NULL;
	hs_compile_error_t *bad = NULL;
	hs_scratch_t *scratch = NULL;
	char *z = z_of(p->text);
	const hs_error_t e =
	    hs_compile(z, HS_FLAG_DOTALL, HS_MODE_BLOCK, NULL, &db, &bad);
	enum err result = OK;
	uint64_t ns = 0;

	if (e == HS_SUCCESS)
		widths(p, z);
	mem_free(z);
	why->at = p->at;
	if (e != HS_SUCCESS) {
		note_set(&why->why, "no pattern: %.180s",
		    bad == NULL ? "out of memory" : bad->message);
		(void)hs_free_compile_error(bad);
		return ERR_SYNTAX;
	}
	if (now != NULL && hs_alloc_scratch(db, &scratch) == HS_SUCCESS)
		ns = time_one(db, scratch, text, now);
	rules_at(r, p->rule)->ns_kb += ns;
	if (ns > INSPECT_SLOW) {
		note_set(&why->why,
		    "this pattern takes %llu ns a KB, %d are the most; begin "
		    "it with letters that are rare",
		    (unsigned long long)ns, INSPECT_SLOW);
		result = ERR_LIMIT;
	}
	(void)hs_free_scratch(scratch);
	(void)hs_free_database(db);
	return result;
}

/* All patterns of a view, as one automaton. */
static enum err
compile_view(struct inspect_rules *r, enum view v, struct inspect_fault *why)
{
	const size_t most = PATTERN_N(r) + 1;
	char **z = mem_get(most * sizeof(*z));
	unsigned *ids = mem_get(most * sizeof(*ids));
	unsigned *flags = mem_get(most * sizeof(*flags));
	hs_compile_error_t *bad = NULL;
	hs_error_t e = HS_SUCCESS;
	unsigned n = 0;

	for (size_t i = 0; i < PATTERN_N(r); i++) {
		const struct pattern *p = PATTERN_AT(r, i);

		if (rules_at(r, p->rule)->view != v)
			continue;
		z[n] = z_of(p->text);
		ids[n] = (unsigned)i;
		flags[n++] = HS_FLAG_DOTALL;
	}
	if (n > 0)
		e = hs_compile_multi((const char *const *)z, flags, ids, n,
		    HS_MODE_BLOCK, NULL, &r->db[v], &bad);
	if (e != HS_SUCCESS) {
		why->at = (struct jv){ NULL, 0 };
		note_set(&why->why, "all patterns together: %.180s",
		    bad == NULL ? "out of memory" : bad->message);
		(void)hs_free_compile_error(bad);
	}
	for (unsigned i = 0; i < n; i++)
		mem_free(z[i]);
	mem_free(z);
	mem_free(ids);
	mem_free(flags);
	return e == HS_SUCCESS ? OK : ERR_SYNTAX;
}

enum err
inspect_rules_ready(
    struct inspect_rules *r, uint64_t (*now)(void), struct inspect_fault *why)
{
	char *text = mem_get(INSPECT_TIMED);
	enum err e = OK;

	timed_text(text, INSPECT_TIMED);
	for (size_t i = 0; e == OK && i < PATTERN_N(r); i++)
		e = try_one(PATTERN_AT(r, i), r, text, now, why);
	mem_free(text);
	for (enum view v = 0; e == OK && v < VIEWS; v++)
		e = compile_view(r, v, why);
	return e;
}
