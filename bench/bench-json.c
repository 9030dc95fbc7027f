/*
 * bench-json: nanoseconds per KB of text for what every call pays: reading,
 * checking a tape, writing, canonical form.  Method: each line is the median
 * of 21 rounds of about a millisecond on warm buffers, with the fastest round
 * beside it; texts are made here, so every machine measures the same bytes.
 */
#include "json/json.h"

#include "bench-in.h"

enum { ROOM = 16 * 1024 * 1024, ROUND_NS = 1000000 };

static void
text_call(struct buf *b)
{
	buf_str(
	    b, STR("{\"jsonrpc\":\"2.0\",\"id\":4711,\"method\":\"tools/call\","
		   "\"params\":{\"name\":\"search_files\",\"arguments\":{"
		   "\"path\":\"/srv/project/source\",\"pattern\":\"*.c\","
		   "\"limit\":100,\"recursive\":true,\"exclude\":[\"build\","
		   "\".git\",\"node_modules\"],\"query\":\""));
	for (int i = 0; i < 20; i++)
		buf_str(b, STR("where is the record made durable, and who "
			       "waits for it? "));
	buf_str(b,
	    STR("\"},\"_meta\":{\"progressToken\":\"p-81\",\"traceparent\":"
		"\"00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01\"}}"
		"}"));
}

static void
text_list(struct buf *b)
{
	buf_str(
	    b, STR("{\"jsonrpc\":\"2.0\",\"id\":1,\"result\":{\"tools\":["));
	for (int i = 0; i < 40; i++)
		buf_fmt(b,
		    "%s{\"name\":\"tool_%d\",\"title\":\"Tool %d\","
		    "\"description\":\"Does one thing to one file, and "
		    "says what it did.\",\"inputSchema\":{\"type\":"
		    "\"object\",\"properties\":{\"path\":{\"type\":"
		    "\"string\"},\"depth\":{\"type\":\"integer\","
		    "\"minimum\":0,\"maximum\":64},\"mode\":{\"enum\":"
		    "[\"a\",\"b\"]}},\"required\":[\"path\"],"
		    "\"additionalProperties\":false},\"annotations\":{"
		    "\"readOnlyHint\":true,\"openWorldHint\":false}}",
		    i == 0 ? "" : ",", i, i);
	buf_str(b, STR("]}}"));
}

static void
text_of(struct buf *b, const char *word, size_t n)
{
	buf_ch(b, '"');
	while (b->n < n)
		buf_str(b, str_of(word));
	buf_ch(b, '"');
}

static void
text_plain(struct buf *b)
{
	text_of(b, "plain text of the kind that files are made of ", 65536);
}

static void
text_source(struct buf *b)
{
	text_of(b, "\\tif (n == 0)\\n\\t\\treturn \\\"none\\\";\\n", 65536);
}

static void
text_chinese(struct buf *b)
{
	text_of(b, "\xe6\x96\x87\xe5\xad\x97\xe5\xbd\xa2\xe5\xbc\x8f", 65536);
}

static void
text_numbers(struct buf *b)
{
	buf_ch(b, '[');
	for (int i = 0; i < 4000; i++)
		buf_fmt(
		    b, "%s%d,%d.%d", i == 0 ? "" : ",", i * 7919, i, i % 97);
	buf_ch(b, ']');
}

static void
text_doubles(struct buf *b)
{
	buf_ch(b, '[');
	for (int i = 1; i < 4000; i++)
		buf_fmt(b, "%s%.17g", i == 1 ? "" : ",", 1.0 / i);
	buf_ch(b, ']');
}

static void
text_indented(struct buf *b)
{
	buf_str(b, STR("[\n"));
	for (int i = 0; i < 500; i++)
		buf_fmt(b,
		    "%s    {\n        \"id\": %d,\n        \"name\": "
		    "\"member %d\",\n        \"ok\": true\n    }",
		    i == 0 ? "" : ",\n", i, i);
	buf_str(b, STR("\n]\n"));
}

static void
text_wide(struct buf *b)
{
	buf_ch(b, '{');
	for (int i = 0; i < 5000; i++)
		buf_fmt(b, "%s\"member_%d\":%d", i == 0 ? "" : ",", i, i);
	buf_ch(b, '}');
}

static const struct {
	const char *name;
	void (*make)(struct buf *b);
} texts[] = {
	{ "call", text_call },
	{ "list", text_list },
	{ "plain", text_plain },
	{ "source", text_source },
	{ "chinese", text_chinese },
	{ "numbers", text_numbers },
	{ "doubles", text_doubles },
	{ "indented", text_indented },
	{ "wide", text_wide },
};

struct job {
	struct buf text, tape, out;
};

static void
job_parse(void *arg)
{
	struct job *j = arg;

	buf_clear(&j->tape);
	BUG_ON(json_parse(buf_view(&j->text), &json_default, &j->tape, NULL));
}

static void
job_check(void *arg)
{
	struct job *j = arg;

	BUG_ON(tape_check(buf_view(&j->tape), &json_default));
}

static void
job_write(void *arg)
{
	struct job *j = arg;

	buf_clear(&j->out);
	json_write(jv_of(buf_view(&j->tape)), &j->out);
	BUG_ON(j->out.full);
}

static void
job_jcs(void *arg)
{
	struct job *j = arg;

	buf_clear(&j->out);
	BUG_ON(json_jcs(jv_of(buf_view(&j->tape)), &j->out));
}

static const struct {
	const char *name;
	void (*run)(void *job);
} kinds[] = {
	{ "parse", job_parse },
	{ "check", job_check },
	{ "write", job_write },
	{ "jcs", job_jcs },
};

static void
measure(struct job *j, const char *text, size_t kind)
{
	const double kb = (double)j->text.n / 1024;
	double best, ns = bench_ns(kinds[kind].run, j, ROUND_NS, &best);

	printf("json %-8s %-5s %7zu B %9.1f ns/KB (best %.1f) %6.2f GB/s\n",
	    text, kinds[kind].name, j->text.n, ns / kb, best / kb,
	    1024 / (ns / kb));
}

int
main(void)
{
	struct job j = { { .max = ROOM }, { .max = ROOM }, { .max = ROOM } };

	for (size_t i = 0; i < countof(texts); i++) {
		buf_clear(&j.text);
		texts[i].make(&j.text);
		for (size_t k = 0; k < countof(kinds); k++)
			measure(&j, texts[i].name, k);
	}
	buf_done(&j.text);
	buf_done(&j.tape);
	buf_done(&j.out);
	return 0;
}
