/*
 * bench-schema: what it costs to judge the arguments of a call by its tool's
 * schema.  Method: as bench-json; the value is 2 KB of JSON text, the schema
 * has what schemas of tools have: types, bounds, an enum, a pattern, lists,
 * objects in objects, no other members.  --json prints one object.
 */
#include "schema/schema.h"

#include "bench-in.h"

enum { ROOM = 1 << 20, ROUND_NS = 1000000 };

static const char schema_text[] =
    "{\"type\":\"object\",\"properties\":{"
    "\"path\":{\"type\":\"string\",\"minLength\":1,\"maxLength\":4096},"
    "\"pattern\":{\"type\":\"string\"},"
    "\"ref\":{\"type\":\"string\",\"pattern\":\"^[a-z0-9][a-z0-9/"
    "_.-]{0,60}$\"},"
    "\"limit\":{\"type\":\"integer\",\"minimum\":1,\"maximum\":1000},"
    "\"ratio\":{\"type\":\"number\",\"exclusiveMinimum\":0,\"maximum\":1},"
    "\"recursive\":{\"type\":\"boolean\",\"default\":false},"
    "\"mode\":{\"enum\":[\"read\",\"write\",\"append\"]},"
    "\"exclude\":{\"type\":\"array\",\"items\":{\"type\":\"string\"},"
    "\"maxItems\":100,\"uniqueItems\":true},"
    "\"query\":{\"type\":\"string\",\"maxLength\":10000},"
    "\"edits\":{\"type\":\"array\",\"items\":{\"type\":\"object\","
    "\"properties\":{"
    "\"line\":{\"type\":\"integer\",\"minimum\":0},\"text\":{\"type\":"
    "\"string\"},"
    "\"dry\":{\"type\":\"boolean\"}},\"required\":[\"line\",\"text\"],"
    "\"additionalProperties\":false}},"
    "\"author\":{\"type\":\"object\",\"properties\":{\"name\":{\"type\":"
    "\"string\"},"
    "\"id\":{\"type\":[\"string\",\"null\"]}},\"required\":[\"name\"]}},"
    "\"required\":[\"path\",\"query\"],\"additionalProperties\":false}";

static void
text_call(struct buf *b)
{
	buf_str(b, STR("{\"path\":\"/srv/project/source\",\"pattern\":\"*.c\","
		       "\"ref\":\"feature/long-branch-name\",\"limit\":100,"
		       "\"ratio\":0.25,\"recursive\":true,\"mode\":\"append\","
		       "\"exclude\":[\"build\",\".git\",\"node_modules\","
		       "\"dist\"],\"author\":{\"name\":\"Alice\",\"id\":null},"
		       "\"edits\":["));
	for (int i = 0; i < 8; i++)
		buf_fmt(b,
		    "%s{\"line\":%d,\"text\":\"\\tif (n == 0)\",\"dry\":true}",
		    i == 0 ? "" : ",", i * 17);
	buf_str(b, STR("],\"query\":\""));
	while (b->n < 2046)
		buf_str(b, STR("where is it made durable? "));
	b->n = 2046;
	buf_str(b, STR("\"}"));
}

struct job {
	struct buf schema, value, image;
	struct schema s;
	bool check;
};

static void
job_run(void *arg)
{
	struct job *j = arg;
	uint64_t steps = SCHEMA_STEPS;

	if (j->check) {
		BUG_ON(schema_check(
		    &j->s, jv_of(buf_view(&j->value)), &steps, NULL));
		return;
	}
	buf_clear(&j->image);
	BUG_ON(
	    schema_compile(jv_of(buf_view(&j->schema)), NULL, &j->image, NULL));
}

int
main(int argc, char **argv)
{
	const bool json = argc > 1 && strcmp(argv[1], "--json") == 0;
	struct job j = { .schema = { .max = ROOM },
		.value = { .max = ROOM },
		.image = { .max = ROOM } };
	struct buf text = { .max = ROOM };
	double compile, check, best;

	text_call(&text);
	BUG_ON(json_parse(str_of(schema_text), &json_default, &j.schema, NULL));
	BUG_ON(json_parse(buf_view(&text), &json_default, &j.value, NULL));
	compile = bench_ns(job_run, &j, ROUND_NS, &best);
	if (!json)
		printf(
		    "schema compile %zu B of schema to %zu B of image: %.1f us "
		    "(best %.1f)\n",
		    sizeof(schema_text) - 1, j.image.n, compile / 1000,
		    best / 1000);
	BUG_ON(schema_open(buf_view(&j.image), &j.s));
	j.check = true;
	check = bench_ns(job_run, &j, ROUND_NS, &best);
	if (json)
		printf("{\"check_us\":%.3f,\"compile_us\":%.3f}\n",
		    check / 1000, compile / 1000);
	else
		printf("schema check %zu B of call: %.2f us (best %.2f), "
		       "%.0f checks/s\n",
		    text.n, check / 1000, best / 1000, 1e9 / check);
	buf_done(&text);
	buf_done(&j.schema);
	buf_done(&j.value);
	buf_done(&j.image);
	return 0;
}
