/*
 * bench-cedar: what a decision costs with 100 policies that have conditions on
 * arguments, over 10,000 requests of which no two are alike; no answer is kept.
 *
 * Method.  "typed call": from the call's tape to the answer, one after the
 * other: input as the schema types it, derived facts, the context record, an
 * entity of the call's own, the request, the decision.  "bare": requests made
 * beforehand.  Figures are the median of 21 rounds of 2,000 decisions each;
 * p99 is of single decisions, which includes reading the clock twice.  "load":
 * text of 10,000 such policies to an engine that can be asked.
 *
 *   bench-cedar [--json | --write DIR]
 *
 * --write gives another implementation the same policies, entities and
 * requests, with the decisions that were made here.
 */
#include <stdarg.h>

#include "cedar/cedar.h"
#include "json/json.h"

#include "bench-in.h"

enum {
	TOOLS = 25,
	PER_TOOL = 4,
	CLASSES = 8,
	AGENTS = 200,
	REQUESTS = 10000,
	SLICE = 2000,
	ROOM = 1 << 28,
};

struct call {
	struct cedar_uid uid[3], server;
	struct str tape;
	struct str host;
	int64_t size;
};

struct bench {
	struct arena *keep, *a;
	struct cedar_schema *s;
	struct cedar_entities *es;
	struct cedar_engine *e;
	struct call call[REQUESTS];
	struct cedar_request *made[REQUESTS];
	struct cedar_entities *over[REQUESTS];
	size_t next, allowed, failed;
};

static void
fail(const char *what, const struct cedar_why *why)
{
	(void)fprintf(stderr, "bench-cedar: %s: %u:%u: %s\n", what, why->line,
	    why->col, why->note.text);
	exit(1);
}

static struct str PRINTF(2, 3) text(struct bench *b, const char *fmt, ...)
{
	char room[128];
	va_list ap;

	va_start(ap, fmt);
	(void)vsnprintf(room, sizeof(room), fmt, ap);
	va_end(ap);
	return arena_str(b->keep, str_of(room));
}

/* ---- policies ---- */
static void
put_schema(struct buf *out)
{
	buf_str(out,
	    STR("namespace G {\nentity Class;\nentity Agent in [Class] = { "
		"level: Long };\nentity Server;\nentity Tool in [Server];\n"
		"action \"read\", \"write\", \"egress\";\n"));
	for (unsigned t = 0; t < TOOLS; t++)
		buf_fmt(out,
		    "action \"srv___tool_%u\" in [Action::\"%s\"%s] appliesTo "
		    "{ principal: Agent, resource: Tool, context: { input: { "
		    "path: String, limit: Long, amount: Long, cost: "
		    "__cedar::decimal, recursive?: Bool, tags: Set<String> }, "
		    "derived: { size: Long, host: String, under: Set<String> "
		    "} } };\n",
		    t, t % 2 ? "read" : "write",
		    t % 3 ? "" : ", Action::\"egress\"");
	buf_str(out, STR("}\n"));
}

static void
put_tool(struct buf *out, unsigned t, unsigned k)
{
	buf_fmt(out,
	    "permit(principal in G::Class::\"c%u\", action == "
	    "G::Action::\"srv___tool_%u\", resource in G::Server::\"s%u\")\n"
	    "when { context.input.path like \"/srv/team-%u/*\" && "
	    "context.input.limit <= %u };\n",
	    k % CLASSES, t, t % 3, k % 7, 50 + k % 50);
	buf_fmt(out,
	    "forbid(principal, action == G::Action::\"srv___tool_%u\", "
	    "resource)\nwhen { context.input.amount > %u && principal.level < "
	    "5 };\n",
	    t, 9000 + k % 100);
	buf_fmt(out,
	    "permit(principal is G::Agent, action == "
	    "G::Action::\"srv___tool_%u\", resource)\nwhen { "
	    "context.derived.size < %u && context.input.tags.containsAny([\""
	    "t%u\", \"t%u\"]) && context.input.cost.lessThan(decimal(\"%u.5"
	    "\")) };\n",
	    t, 500 + k % 500, k % 5, 3 + k % 4, 10 + k % 80);
	buf_fmt(out,
	    "forbid(principal, action in G::Action::\"%s\", resource)\n"
	    "unless { principal.level > 2 || context.derived.host == "
	    "\"h%u.example\" || "
	    "context.derived.host == \"\" || !(context.input has recursive "
	    "&& context.input.recursive) || principal in "
	    "G::Class::\"c%u\" };\n",
	    t % 3 ? "egress" : "write", k % 10, k % CLASSES);
}

static struct cedar_engine *
load(struct str policies)
{
	struct cedar_policies *ps = cedar_policies_new();
	struct cedar_engine *e = NULL;
	struct cedar_why why = { 0 };

	if (cedar_policies_parse(ps, policies, &why) != OK ||
	    cedar_engine_new(ps, &e, &why) != OK)
		fail("policies", &why);
	cedar_policies_free(ps);
	return e;
}

/* ---- entities and calls ---- */
static void
add_entities(struct bench *b)
{
	struct cedar_uid *parent =
	    arena_alloc(b->keep, AGENTS * 2 * sizeof(*parent));
	struct cedar_why why = { 0 };

	b->es = cedar_entities_new();
	for (unsigned i = 0; i < AGENTS; i++) {
		const struct cedar_field level = { STR_INIT("level"),
			cedar_long(i % 10) };
		const struct cedar_new_entity x = {
			.uid = { STR("G::Agent"), text(b, "agent-%u", i) },
			.attrs = cedar_record(&level, 1, b->keep),
			.parent = parent + (size_t)2 * i,
			.parent_n = 2,
		};

		for (unsigned k = 0; k < 2; k++)
			parent[2 * i + k] = (struct cedar_uid){ STR("G::Class"),
				text(b, "c%u", (i * (k + 3) + k) % CLASSES) };
		if (cedar_entities_add(b->es, &x) != OK)
			fail("entities", &why);
	}
	for (unsigned t = 0; t < TOOLS; t++) {
		struct cedar_uid *up = arena_alloc(b->keep, 2 * sizeof(*up));
		const struct cedar_new_entity x = {
			.uid = { STR("G::Action"),
			    text(b, "srv___tool_%u", t) },
			.parent = up,
			.parent_n = t % 3 ? 1 : 2,
		};

		up[0] = (struct cedar_uid){ STR("G::Action"),
			t % 2 ? STR("read") : STR("write") };
		up[1] = (struct cedar_uid){ STR("G::Action"), STR("egress") };
		if (cedar_entities_add(b->es, &x) != OK)
			fail("actions", &why);
	}
	if (cedar_entities_close(b->es, &why) != OK)
		fail("entities", &why);
}

static void
put_args(struct bench *b, struct buf *tape, unsigned i)
{
	const size_t all = tape_obj(tape);
	size_t list;

	tape_key(tape, STR("path"));
	tape_str(tape, text(b, "/srv/team-%u/src/file-%u.c",
			   i % 9 ? i % TOOLS % 7 : 9, i));
	tape_key(tape, STR("limit"));
	tape_i64(tape, i % 120);
	tape_key(tape, STR("amount"));
	tape_i64(tape, i % 9200);
	tape_key(tape, STR("cost"));
	tape_str(tape, text(b, "%u.%02u", i % 100, i % 97));
	if (i % 4 == 0) {
		tape_key(tape, STR("recursive"));
		tape_bool(tape, i % 8 == 0);
	}
	tape_key(tape, STR("tags"));
	list = tape_arr(tape);
	for (unsigned k = 0; k < 3; k++)
		tape_str(tape, text(b, "t%u", (i + k * k) % 11));
	tape_end(tape, list, 3);
	tape_end(tape, all, i % 4 == 0 ? 6 : 5);
}

static void
make_calls(struct bench *b)
{
	struct buf tape = { .max = ROOM };

	for (unsigned i = 0; i < REQUESTS; i++) {
		struct call *c = &b->call[i];

		c->uid[0] = (struct cedar_uid){ STR("G::Agent"),
			text(b, "agent-%u", i * 7 % AGENTS) };
		c->uid[1] = (struct cedar_uid){ STR("G::Action"),
			text(b, "srv___tool_%u", i % TOOLS) };
		c->uid[2] = (struct cedar_uid){ STR("G::Tool"),
			text(b, "srv/tool_%u", i % TOOLS) };
		c->server = (struct cedar_uid){ STR("G::Server"),
			text(b, "s%u", i % TOOLS % 3) };
		c->host = i % 5 ? text(b, "h%u.example", i % 13) : STR("");
		c->size = i % 1100;
		buf_clear(&tape);
		put_args(b, &tape, i);
		c->tape = arena_str(b->keep, buf_view(&tape));
	}
	buf_done(&tape);
}

/* ---- one decision ---- */
static struct cedar_request *
make_request(struct bench *b, const struct call *c, struct arena *a,
    struct cedar_entities **over)
{
	const struct cedar_member input = { b->s, c->uid[1],
		STR_INIT("input") };
	const struct cedar_new_entity tool = {
		.uid = c->uid[2], .parent = &c->server, .parent_n = 1
	};
	const struct cedar_value under = cedar_string(STR("/srv"));
	struct cedar_field derived[3] = {
		{ STR_INIT("size"), cedar_long(c->size) },
		{ STR_INIT("host"), cedar_string(c->host) },
		{ STR_INIT("under"), cedar_set(&under, 1, a) },
	};
	struct cedar_field field[2] = { { STR_INIT("input"), { 0 } },
		{ STR_INIT("derived"), cedar_record(derived, 3, a) } };
	struct cedar_why why = { 0 };
	struct cedar_request *r = NULL;

	*over = cedar_entities_over(b->es, a);
	if (cedar_value_of_tape(c->tape, &input, a, &field[0].v, &why) != OK ||
	    *over == NULL || cedar_entities_add(*over, &tool) != OK ||
	    cedar_request_of(c->uid, cedar_record(field, 2, a), a, &r) != OK)
		fail("request", &why);
	return r;
}

static bool
decide(struct bench *b, const struct cedar_request *r,
    const struct cedar_entities *es)
{
	struct cedar_answer got;

	if (cedar_authorize(b->e, r, es, b->a, &got) != OK)
		fail("decision", &(struct cedar_why){ 0 });
	b->allowed += got.decision == CEDAR_ALLOW;
	b->failed += got.error_n;
	return got.decision == CEDAR_ALLOW;
}

static void
one_typed(struct bench *b)
{
	struct cedar_entities *over;
	struct cedar_request *r;

	arena_reset(b->a);
	r = make_request(b, &b->call[b->next], b->a, &over);
	(void)decide(b, r, over);
	b->next = (b->next + 1) % REQUESTS;
}

static void
one_bare(struct bench *b)
{
	arena_reset(b->a);
	(void)decide(b, b->made[b->next], b->over[b->next]);
	b->next = (b->next + 1) % REQUESTS;
}

static void
slice_typed(void *arg)
{
	for (int i = 0; i < SLICE; i++)
		one_typed(arg);
}

static void
slice_bare(void *arg)
{
	for (int i = 0; i < SLICE; i++)
		one_bare(arg);
}

/* Microseconds that this share of single decisions took at most. */
static double
quantile(struct bench *b, double share)
{
	double *ns = mem_get(5 * REQUESTS * sizeof(*ns)), got;

	for (int i = 0; i < 5 * REQUESTS; i++) {
		const uint64_t t = bench_now();

		one_typed(b);
		ns[i] = (double)(bench_now() - t);
	}
	qsort(ns, 5 * REQUESTS, sizeof(*ns), bench_by_size);
	got = ns[(size_t)(share * (5 * REQUESTS - 1))] / 1000;
	mem_free(ns);
	return got;
}

static void
load_many(void *arg)
{
	cedar_engine_free(load(*(const struct str *)arg));
}

/* ---- for others ---- */
static void
write_file(const char *dir, const char *name, const struct buf *b)
{
	char path[4096];
	FILE *f;

	(void)snprintf(path, sizeof(path), "%s/%s", dir, name);
	f = fopen(path, "w");
	if (f == NULL || fwrite(b->p, 1, b->n, f) != b->n || fclose(f) != 0) {
		perror(path);
		exit(1);
	}
}

static void
put_uid(struct buf *out, const char *key, struct cedar_uid u)
{
	buf_fmt(out, "%s{\"type\":\"%.*s\",\"id\":\"%.*s\"}", key,
	    STR_ARG(u.type), STR_ARG(u.id));
}

/* A line is {request, entities: what it needs, decision}. */
static void
put_call(struct bench *b, struct buf *out, unsigned i)
{
	const struct call *c = &b->call[i];
	const unsigned agent = i * 7 % AGENTS, t = i % TOOLS;

	put_uid(out, "{\"principal\":", c->uid[0]);
	put_uid(out, ",\"action\":", c->uid[1]);
	put_uid(out, ",\"resource\":", c->uid[2]);
	buf_str(out, STR(",\"context\":{\"input\":"));
	json_write(jv_of(c->tape), out);
	buf_fmt(out,
	    ",\"derived\":{\"size\":%lld,\"host\":\"%.*s\",\"under\":"
	    "[\"/srv\"]}},\"entities\":[",
	    (long long)c->size, STR_ARG(c->host));
	put_uid(out, "{\"uid\":", c->uid[0]);
	buf_fmt(out,
	    ",\"attrs\":{\"level\":%u},\"parents\":[{\"type\":\"G::Class\","
	    "\"id\":\"c%u\"},{\"type\":\"G::Class\",\"id\":\"c%u\"}]},",
	    agent % 10, agent * 3 % CLASSES, (agent * 4 + 1) % CLASSES);
	put_uid(out, "{\"uid\":", c->uid[2]);
	put_uid(out, ",\"attrs\":{},\"parents\":[", c->server);
	put_uid(out, "]},{\"uid\":", c->uid[1]);
	buf_fmt(out,
	    ",\"attrs\":{},\"parents\":[{\"type\":\"G::Action\",\"id\":\"%s\"}"
	    "%s]}],\"allow\":%s}\n",
	    t % 2 ? "read" : "write",
	    t % 3 ? "" : ",{\"type\":\"G::Action\",\"id\":\"egress\"}",
	    decide(b, b->made[i], b->over[i]) ? "true" : "false");
	arena_reset(b->a);
}

static void
write_all(struct bench *b, const char *dir, const struct buf *policies,
    const struct buf *schema)
{
	struct buf out = { .max = ROOM };

	for (unsigned i = 0; i < REQUESTS; i++)
		put_call(b, &out, i);
	write_file(dir, "requests.jsonl", &out);
	write_file(dir, "policies.cedar", policies);
	write_file(dir, "schema.cedarschema", schema);
	buf_done(&out);
}

static void
report(struct bench *b, bool json, double load_ns)
{
	double best, typed, bare, p50, p99;
	const double all = TOOLS * PER_TOOL;

	bare = bench_ns(slice_bare, b, 1, &best) / SLICE;
	b->next = b->allowed = b->failed = 0;
	for (int i = 0; i < REQUESTS; i++)
		one_typed(b);
	typed = bench_ns(slice_typed, b, 1, &best) / SLICE;
	p50 = quantile(b, 0.5);
	p99 = quantile(b, 0.99);
	if (json) {
		printf("{\"typed_ns\":%.0f,\"bare_ns\":%.0f,\"p50_us\":%.2f,"
		       "\"p99_us\":%.2f,\"load_ms\":%.0f}\n",
		    typed, bare, p50, p99, load_ns / 1e6);
		return;
	}
	printf("cedar, %.0f policies, %d requests, no result kept\n", all,
	    REQUESTS);
	printf("  from the typed call  %9.0f decisions/s  p50 %.2f us  p99 "
	       "%.2f us\n",
	    1e9 / typed, p50, p99);
	printf("  bare evaluator       %9.0f decisions/s\n", 1e9 / bare);
	printf("  load 10,000 policies %9.0f ms\n", load_ns / 1e6);
}

int
main(int argc, char **argv)
{
	static struct bench b;
	struct buf policies = { .max = ROOM }, schema = { .max = ROOM },
		   many = { .max = ROOM };
	struct cedar_why why = { 0 };
	struct str v;
	double best;

	b.keep = arena_new(ROOM);
	b.a = arena_new(1 << 20);
	put_schema(&schema);
	for (unsigned t = 0; t < TOOLS; t++)
		put_tool(&policies, t, t);
	for (unsigned k = 0; k < 10000 / PER_TOOL; k++)
		put_tool(&many, k % TOOLS, k);
	if (cedar_schema_parse(buf_view(&schema), &b.s, &why) != OK)
		fail("schema", &why);
	b.e = load(buf_view(&policies));
	add_entities(&b);
	make_calls(&b);
	for (int i = 0; i < REQUESTS; i++)
		b.made[i] = make_request(&b, &b.call[i], b.keep, &b.over[i]);
	v = buf_view(&many);
	if (argc == 3 && strcmp(argv[1], "--write") == 0)
		write_all(&b, argv[2], &policies, &schema);
	else
		report(&b, argc > 1, bench_ns(load_many, &v, 1, &best));
	return 0;
}
