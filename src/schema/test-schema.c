/*
 * test-schema: what the official suite does not say: sentences, limits, closed
 * objects, other dialects, images that others made.  The suite itself runs in
 * make conform, and its heart is here again in a table.
 */
#include "schema/schema-in.h"

#include "base/tap.h"

enum { ROOM = 16 * 1024 * 1024 };

static struct jv
tape(struct buf *b, const char *text)
{
	struct note why = { "" };

	b->max = ROOM;
	buf_clear(b);
	if (json_parse(str_of(text), &json_default, b, &why) != OK)
		printf("# %s: %s\n", text, why.text);
	return jv_of(buf_view(b));
}

struct subject {
	struct buf schema, value, image;
	struct schema s;
	struct note why;
	struct schema_faults faults;
};

static void
done(struct subject *t)
{
	buf_done(&t->schema);
	buf_done(&t->value);
	buf_done(&t->image);
}

static enum err
compile(struct subject *t, const char *schema, const struct schema_opts *opts)
{
	enum err e;

	t->image.max = ROOM;
	buf_clear(&t->image);
	t->why.text[0] = '\0';
	e = schema_compile(tape(&t->schema, schema), opts, &t->image, &t->why);
	if (e == OK)
		BUG_ON(schema_open(buf_view(&t->image), &t->s) != OK);
	return e;
}

static enum err
check(struct subject *t, const char *value)
{
	uint64_t steps = SCHEMA_STEPS, again = SCHEMA_STEPS;
	const struct jv v = tape(&t->value, value);
	const enum err e = schema_check(&t->s, v, &steps, &t->faults);

	BUG_ON(schema_check(&t->s, v, &again, NULL) != e);
	BUG_ON((e == ERR_SYNTAX) != (t->faults.n > 0));
	return e;
}

/* ---- verdicts ---- */

static const struct {
	const char *schema, *yes, *no;
} verdicts[] = {
	{ "true", "1", NULL },
	{ "false", NULL, "1" },
	{ "{}", "1", NULL },
	{ "{\"type\":\"integer\"}", "1.0", "1.5" },
	{ "{\"type\":[\"string\",\"null\"]}", "null", "false" },
	{ "{\"enum\":[1,\"a\",{\"x\":1,\"y\":2}]}", "{\"y\":2.0,\"x\":1}",
	    "{\"x\":1}" },
	{ "{\"const\":9007199254740993}", "9007199254740993",
	    "9007199254740992" },
	{ "{\"const\":[0]}", "[-0.0]", "[false]" },
	{ "{\"multipleOf\":0.01}", "19.99", "19.999" },
	{ "{\"exclusiveMinimum\":0}", "1e-400", "0" },
	{ "{\"maxLength\":2}", "\"\\ud83d\\udca9x\"", "\"abc\"" },
	{ "{\"maxLength\":1e400}", "\"abc\"", NULL },
	{ "{\"minLength\":1e400}", "1", "\"abc\"" },
	{ "{\"uniqueItems\":true}", "[1,\"1\",[1],{\"a\":1}]", "[1,2,1.0]" },
	{ "{\"uniqueItems\":true}", "[{\"a\":1,\"b\":2},{\"a\":2,\"b\":1}]",
	    "[{\"a\":1,\"b\":2},{\"b\":2,\"a\":1}]" },
	{ "{\"contains\":{\"type\":\"null\"},\"maxContains\":1}", "[1,null]",
	    "[null,null]" },
	{ "{\"propertyNames\":{\"pattern\":\"^a\"}}", "{\"ab\":1}",
	    "{\"b\":1}" },
	{ "{\"dependentRequired\":{\"a\":[\"b\"]}}", "{\"a\":1,\"b\":1}",
	    "{\"a\":1}" },
	{ "{\"patternProperties\":{\"^x\":{\"type\":\"null\"}},"
	  "\"additionalProperties\":false}",
	    "{\"x\":null}", "{\"y\":null}" },
	{ "{\"properties\":{\"a\":true},\"allOf\":[{\"properties\":{\"b\":true}"
	  "}],\"unevaluatedProperties\":false}",
	    "{\"a\":1,\"b\":1}", "{\"c\":1}" },
	{ "{\"anyOf\":[{\"properties\":{\"a\":{\"const\":1}},\"required\":["
	  "\"a\"]},{\"properties\":{\"b\":true}}],\"unevaluatedProperties\":"
	  "false}",
	    "{\"a\":1,\"b\":1}", "{\"a\":2}" },
	{ "{\"prefixItems\":[true],\"contains\":{\"type\":\"string\"},"
	  "\"unevaluatedItems\":false}",
	    "[1,\"a\"]", "[1,2,\"a\"]" },
	{ "{\"$ref\":\"#/$defs/a%25b~1c\",\"minimum\":2,\"$defs\":{\"a%b/c\":"
	  "{\"type\":\"integer\"}}}",
	    "2", "1" },
	{ "{\"$ref\":\"https://json-schema.org/draft/2020-12/schema\"}",
	    "{\"type\":\"string\"}", "{\"type\":\"text\"}" },
	{ "{\"$schema\":\"http://json-schema.org/draft-07/schema#\","
	  "\"items\":[{\"type\":\"null\"}],\"additionalItems\":false}",
	    "[null]", "[null,1]" },
	{ "{\"$schema\":\"http://json-schema.org/draft-07/schema#\","
	  "\"properties\":{\"a\":{\"$ref\":\"#/definitions/s\",\"maximum\":1}},"
	  "\"definitions\":{\"s\":{\"type\":\"integer\"}}}",
	    "{\"a\":5}", "{\"a\":\"x\"}" },
	{ "{\"$schema\":\"http://json-schema.org/draft-07/schema#\","
	  "\"dependencies\":{\"a\":[\"b\"],\"c\":{\"required\":[\"d\"]}}}",
	    "{\"c\":1,\"d\":1}", "{\"a\":1}" },
	{ "{\"$schema\":\"https://json-schema.org/draft/2019-09/schema\","
	  "\"$recursiveAnchor\":true,\"properties\":{\"k\":{\"$recursiveRef\":"
	  "\"#\"}},\"additionalProperties\":false}",
	    "{\"k\":{\"k\":{}}}", "{\"k\":{\"x\":{}}}" },
};

static void
all_verdicts(void)
{
	struct subject t = { .s = { 0 } };

	for (size_t i = 0; i < countof(verdicts); i++) {
		const enum err e = compile(&t, verdicts[i].schema, NULL);

		ok(e == OK, "%s %s", verdicts[i].schema, t.why.text);
		if (e != OK)
			continue;
		if (verdicts[i].yes != NULL)
			ok(check(&t, verdicts[i].yes) == OK, "valid: %s",
			    verdicts[i].yes);
		if (verdicts[i].no != NULL)
			ok(check(&t, verdicts[i].no) == ERR_SYNTAX,
			    "invalid: %s", verdicts[i].no);
	}
	done(&t);
}

/* ---- what is no schema ---- */

static const struct {
	const char *schema;
	enum err want;
	const char *words;
} schemas[] = {
	{ "1", ERR_SYNTAX, "object, true or false" },
	{ "{\"properties\":{\"a\":1}}", ERR_SYNTAX, "#/properties" },
	{ "{\"type\":\"text\"}", ERR_SYNTAX, "#/type: must be of" },
	{ "{\"minLength\":-1}", ERR_SYNTAX, "#/minLength: must be an integer" },
	{ "{\"minLength\":0.5}", ERR_SYNTAX, "minLength" },
	{ "{\"multipleOf\":0}", ERR_SYNTAX, "multipleOf" },
	{ "{\"multipleOf\":1.23456789012345678901}", ERR_LIMIT, "18 digits" },
	{ "{\"maximum\":1e1000000000000000}", ERR_LIMIT, "exponent" },
	{ "{\"required\":\"a\"}", ERR_SYNTAX, "required: must be an array" },
	{ "{\"required\":[1]}", ERR_SYNTAX, "strings" },
	{ "{\"allOf\":[]}", ERR_SYNTAX, "allOf" },
	{ "{\"items\":[{}]}", ERR_SYNTAX, "prefixItems" },
	{ "{\"uniqueItems\":1}", ERR_SYNTAX, "uniqueItems" },
	{ "{\"pattern\":\"(\"}", ERR_SYNTAX, "pattern: ( without" },
	{ "{\"pattern\":\"(a)\\\\1\"}", ERR_LIMIT, "back-reference" },
	{ "{\"patternProperties\":{\"[\":true}}", ERR_SYNTAX,
	    "patternProperties" },
	{ "{\"$ref\":\"http://example.com/other\"}", ERR_SYNTAX,
	    "nothing is fetched" },
	{ "{\"$ref\":\"#/$defs/none\"}", ERR_SYNTAX, "#/$defs/none" },
	{ "{\"$ref\":\"#none\"}", ERR_SYNTAX, "#none" },
	{ "{\"$ref\":\"#\"}", ERR_SYNTAX, "comes back to itself" },
	{ "{\"$defs\":{\"a\":{\"$ref\":\"#/$defs/b\"},\"b\":{\"anyOf\":[{"
	  "\"$ref\":\"#/$defs/a\"}]}},\"$ref\":\"#/$defs/a\"}",
	    ERR_SYNTAX, "comes back to itself" },
	{ "{\"properties\":{\"a\":{\"$ref\":\"#\"}}}", OK, "" },
	{ "{\"$schema\":\"http://json-schema.org/draft-04/schema#\","
	  "\"type\":\"string\"}",
	    ERR_SYNTAX, "draft-04" },
	{ "{\"$defs\":{\"a\":{\"$id\":\"x\",\"type\":\"null\"},\"b\":{\"$id\":"
	  "\"x\",\"type\":\"string\"}}}",
	    ERR_SYNTAX, "two schemas" },
	{ "{\"default\":{\"type\":\"text\"},\"x-thing\":{\"allOf\":1}}", OK,
	    "" },
};

static void
all_schemas(void)
{
	struct subject t = { .s = { 0 } };

	for (size_t i = 0; i < countof(schemas); i++) {
		const enum err e = compile(&t, schemas[i].schema, NULL);

		ok(e == schemas[i].want &&
			strstr(t.why.text, schemas[i].words) != NULL,
		    "%s: %s %s", schemas[i].schema, err_name(e), t.why.text);
		ok(e == OK || (t.image.n == 0 && !t.image.full),
		    "nothing is left behind");
	}
	done(&t);
}

/* ---- faults ---- */

static const struct {
	const char *schema, *value, *at, *keyword, *where, *words;
} faults[] = {
	{ "{\"properties\":{\"a\":{\"items\":{\"maximum\":5}}}}",
	    "{\"a\":[1,9]}", "/a/1", "maximum", "#/properties/a/items",
	    "at most 5" },
	{ "{\"required\":[\"path\"]}", "{}", "", "required", "#",
	    "\"path\" is missing" },
	{ "{\"properties\":{\"a/b~\":false}}", "{\"a/b~\":1}", "/a~1b~0",
	    "false", "", "no value" },
	{ "{\"properties\":{\"a\":true},\"additionalProperties\":false}",
	    "{\"b\":1}", "/b", "additionalProperties", "#", "no such member" },
	{ "{\"enum\":[\"read\",\"write\"]}", "\"exec\"", "", "enum", "#",
	    "\"read\", \"write\"" },
	{ "{\"type\":[\"integer\",\"null\"]}", "\"1\"", "", "type", "#",
	    "must be null or integer, is a string" },
	{ "{\"$defs\":{\"d\":{\"minLength\":3}},\"properties\":{\"a\":{\"$ref\""
	  ":\"#/$defs/d\"}}}",
	    "{\"a\":\"x\"}", "/a", "minLength", "#/$defs/d", "3 characters" },
	{ "{\"oneOf\":[{\"type\":\"null\"},{\"type\":\"object\"}]}", "1", "",
	    "oneOf", "#", "2 schemas" },
	{ "{\"pattern\":\"^x\"}", "\"secret\"", "", "pattern", "#", "^x" },
};

static void
all_faults(void)
{
	struct subject t = { .s = { 0 } };

	for (size_t i = 0; i < countof(faults); i++) {
		const struct schema_fault *f = &t.faults.v[0];

		BUG_ON(compile(&t, faults[i].schema, NULL) != OK);
		ok(check(&t, faults[i].value) == ERR_SYNTAX &&
			strcmp(f->at.text, faults[i].at) == 0 &&
			strcmp(f->keyword, faults[i].keyword) == 0 &&
			strcmp(f->where.text, faults[i].where) == 0 &&
			strstr(f->why.text, faults[i].words) != NULL &&
			strstr(f->why.text, "secret") == NULL,
		    "%s: %s: %s (%s, %s)", faults[i].value, f->at.text,
		    f->why.text, f->keyword, f->where.text);
	}
	/* The arm that was meant: what is wrong with it is said too. */
	BUG_ON(compile(&t,
		   "{\"anyOf\":[{\"type\":\"null\"},{\"properties\":{\"kind\":{"
		   "\"const\":\"a\"},\"n\":{\"type\":\"integer\"}}}]}",
		   NULL) != OK);
	ok(check(&t, "{\"kind\":\"a\",\"n\":\"1\"}") == ERR_SYNTAX &&
		t.faults.n == 2 && strcmp(t.faults.v[1].at.text, "/n") == 0,
	    "the nearest arm's fault is said");
	BUG_ON(compile(&t, "{\"items\":{\"type\":\"null\"}}", NULL) != OK);
	ok(check(&t, "[1,2,3,4,5,6,7,8,9,10,11]") == ERR_SYNTAX &&
		t.faults.n == SCHEMA_FAULTS,
	    "no more faults than fit");
	done(&t);
}

/* ---- closed ---- */

static const struct {
	const char *schema, *yes, *no;
} closed[] = {
	{ "{\"properties\":{\"a\":true}}", "{\"a\":1}", "{\"b\":1}" },
	{ "{\"type\":\"object\"}", "{\"b\":1}", "1" },
	{ "{\"properties\":{\"a\":true},\"additionalProperties\":true}",
	    "{\"b\":1}", NULL },
	{ "{\"properties\":{\"a\":true},\"patternProperties\":{\"^x\":true}}",
	    "{\"xy\":1}", "{\"y\":1}" },
	{ "{\"properties\":{\"a\":{\"properties\":{\"b\":true}}}}",
	    "{\"a\":{\"b\":1}}", "{\"a\":{\"c\":1}}" },
	{ "{\"properties\":{\"a\":true},\"allOf\":[{\"properties\":{\"b\":true}"
	  "}]}",
	    "{\"a\":1,\"b\":2}", "{\"c\":1}" },
	{ "{\"$ref\":\"#/$defs/p\",\"$defs\":{\"p\":{\"properties\":{\"a\":"
	  "true}}}}",
	    "{\"a\":1}", "{\"b\":1}" },
	{ "{\"$ref\":\"#/$defs/p\",\"$defs\":{\"p\":{\"type\":\"object\"}}}",
	    "{\"a\":1}", "1" },
	{ "{\"items\":{\"$ref\":\"#/$defs/p\"},\"$defs\":{\"p\":{"
	  "\"properties\":{\"a\":true}}}}",
	    "[{\"a\":1}]", "[{\"b\":1}]" },
	{ "{\"oneOf\":[{\"properties\":{\"a\":true},\"required\":[\"a\"]},{"
	  "\"properties\":{\"b\":true},\"required\":[\"b\"]}]}",
	    "{\"a\":1}", "{\"a\":1,\"c\":1}" },
};

static void
all_closed(void)
{
	const struct schema_opts opts = { .closed = true };
	struct subject t = { .s = { 0 } };

	for (size_t i = 0; i < countof(closed); i++) {
		BUG_ON(compile(&t, closed[i].schema, &opts) != OK);
		ok(check(&t, closed[i].yes) == OK, "closed %s: %s",
		    closed[i].schema, closed[i].yes);
		if (closed[i].no == NULL)
			continue;
		ok(check(&t, closed[i].no) == ERR_SYNTAX, "and not %s",
		    closed[i].no);
		BUG_ON(compile(&t, closed[i].schema, NULL) != OK);
		ok(closed[i].no[0] != '{' || check(&t, closed[i].no) == OK,
		    "which is valid where it is not closed");
	}
	done(&t);
}

/* ---- documents, formats ---- */

static void
documents(void)
{
	struct buf one = { .max = ROOM }, two = { .max = ROOM };
	const struct schema_doc docs[] = {
		{ STR("http://x.example/a.json"),
		    tape(&one, "{\"type\":\"integer\"}") },
		{ STR("http://x.example/dialect"),
		    tape(&two, "{\"$vocabulary\":{\"urn:other\":true}}") },
	};
	const struct schema_opts opts = { .docs = docs,
		.docs_n = countof(docs),
		.base = STR("http://x.example/root.json") };
	struct subject t = { .s = { 0 } };

	ok(compile(&t, "{\"$ref\":\"a.json\"}", &opts) == OK &&
		check(&t, "1") == OK && check(&t, "\"1\"") == ERR_SYNTAX,
	    "a document that was given is referred to, relative to the base");
	ok(compile(&t, "{\"$ref\":\"b.json\"}", &opts) == ERR_SYNTAX,
	    "one that was not is refused");
	ok(compile(&t,
	       "{\"$schema\":\"http://x.example/dialect\",\"type\":\"null\"}",
	       &opts) == ERR_SYNTAX &&
		strstr(t.why.text, "urn:other") != NULL,
	    "a vocabulary that is required and not known: %s", t.why.text);
	buf_done(&one);
	buf_done(&two);
	done(&t);
}

static void
formats(void)
{
	const struct schema_opts some = { .formats = 1U << SCHEMA_IPV4 };
	struct subject t = { .s = { 0 } };

	BUG_ON(compile(&t, "{\"format\":\"ipv4\"}", NULL) != OK);
	ok(check(&t, "\"no\"") == OK, "a format is an annotation");
	BUG_ON(compile(&t, "{\"format\":\"ipv4\"}", &some) != OK);
	ok(check(&t, "\"no\"") == ERR_SYNTAX && check(&t, "\"10.0.0.1\"") == OK,
	    "unless it is asserted");
	BUG_ON(compile(&t, "{\"format\":\"date\"}", &some) != OK);
	ok(check(&t, "\"no\"") == OK, "and no other is");
	ok(schema_format_of(STR("idn-hostname")) == SCHEMA_FORMATS &&
		schema_format_of(STR("uuid")) == SCHEMA_UUID,
	    "formats by name");
	done(&t);
}

/* ---- limits ---- */

/* 2^n ways to judge one value, in a text of 40 n bytes. */
static void
tower(struct buf *b, const char *word, int n)
{
	buf_str(b, STR("{\"$ref\":\"#/$defs/0\",\"$defs\":{"));
	for (int i = 0; i < n; i++)
		buf_fmt(b,
		    "\"%d\":{\"%s\":[{\"$ref\":\"#/$defs/%d\"},{\"$ref\":"
		    "\"#/$defs/%d\"}]},",
		    i, word, i + 1, i + 1);
	buf_fmt(b, "\"%d\":{\"type\":\"null\"}}}", n);
	buf_ch(b, '\0');
}

static void
towers(void)
{
	static const char *const words[] = { "allOf", "anyOf", "oneOf" };
	struct buf b = { .max = ROOM };
	struct subject t = { .s = { 0 } };

	for (size_t i = 0; i < countof(words); i++) {
		buf_clear(&b);
		tower(&b, words[i], 40);
		ok(compile(&t, b.p, NULL) == ERR_LIMIT &&
			strstr(t.why.text, "ways") != NULL,
		    "a tower of %s: %s", words[i], t.why.text);
		buf_clear(&b);
		tower(&b, words[i], 8);
		ok(compile(&t, b.p, NULL) == OK, "a low one is compiled");
	}
	buf_done(&b);
	done(&t);
}

/* A value that takes many steps: unique numbers, a deep list, a bad pattern. */
static void
budgets(void)
{
	struct buf b = { .max = ROOM };
	struct subject t = { .s = { 0 } };
	struct schema_faults f;
	uint64_t steps = 1000;
	struct jv v;

	BUG_ON(compile(&t,
		   "{\"items\":{\"type\":\"integer\"},\"uniqueItems\":"
		   "true}",
		   NULL) != OK);
	buf_ch(&b, '[');
	for (int i = 0; i < 50000; i++)
		buf_fmt(&b, "%s%d", i ? "," : "", i);
	buf_str(&b, STR("]\0"));
	v = tape(&t.value, b.p);
	ok(schema_check(&t.s, v, &steps, &f) == ERR_LIMIT && steps == 0 &&
		f.n == 0,
	    "a thousand steps are too few for 50,000 elements");
	steps = SCHEMA_STEPS;
	ok(schema_check(&t.s, v, &steps, &f) == OK && steps > 0,
	    "the default is enough, %zu are left", (size_t)steps);
	/* A tree that its dynamic anchor keeps on the same value. */
	ok(compile(&t,
	       "{\"$dynamicAnchor\":\"x\",\"allOf\":[{\"$dynamicRef\":\"#x\"}"
	       "]}",
	       NULL) == OK,
	    "where a $dynamicRef goes is not known before");
	steps = SCHEMA_STEPS;
	ok(schema_check(&t.s, tape(&t.value, "1"), &steps, NULL) == ERR_LIMIT,
	    "one that does not leave its value is stopped by depth");
	buf_done(&b);
	done(&t);
}

static void
small_limits(void)
{
	struct schema_limits lim = schema_default;
	struct schema_opts opts = { .limits = &lim };
	struct subject t = { .s = { 0 } };
	static const char schema[] =
	    "{\"properties\":{\"a\":{\"type\":\"null\"},\"b\":{\"pattern\":"
	    "\"a{50}\"}}}";

	ok(compile(&t, schema, &opts) == OK, "within the limits");
	lim.nodes = 4;
	ok(compile(&t, schema, &opts) == ERR_LIMIT, "nodes: %s", t.why.text);
	lim = schema_default;
	lim.image = 300;
	ok(compile(&t, schema, &opts) == ERR_LIMIT, "image: %s", t.why.text);
	lim = schema_default;
	lim.pattern = 50;
	ok(compile(&t, schema, &opts) == ERR_LIMIT, "pattern: %s", t.why.text);
	lim = schema_default;
	lim.steps = 30;
	ok(compile(&t, schema, &opts) == ERR_LIMIT, "steps: %s", t.why.text);
	done(&t);
}

/* ---- images that others made ---- */

/* Every byte of an image changed in turn: refused, or of no harm. */
static void
images(void)
{
	struct subject t = { .s = { 0 } };
	struct buf bad = { .max = ROOM };
	size_t refused = 0, opened = 0;
	struct schema s;
	struct jv v;

	BUG_ON(compile(&t,
		   "{\"type\":\"object\",\"properties\":{\"a\":{\"enum\":[1,"
		   "\"x\"]},\"b\":{\"pattern\":\"^[a-z]+(?=x)\"}},\"required\":"
		   "[\"a\"],\"$dynamicAnchor\":\"r\",\"anyOf\":[{\"items\":{"
		   "\"$dynamicRef\":\"#r\"}}],\"unevaluatedProperties\":{"
		   "\"multipleOf\":0.5},\"dependentRequired\":{\"a\":[\"b\"]}}",
		   NULL) != OK);
	v = tape(&t.value, "{\"a\":1,\"b\":\"abx\",\"c\":1.5}");
	ok(check(&t, "{\"a\":1,\"b\":\"abx\",\"c\":1.5}") == OK &&
		check(&t, "{\"a\":1,\"b\":\"ab\",\"c\":1.5}") == ERR_SYNTAX,
	    "the image judges");
	v = tape(&t.value, "{\"a\":1,\"b\":\"abx\",\"c\":1.5}");
	for (size_t i = 0; i < t.image.n; i++)
		for (int k = 0; k < 8; k++) {
			uint64_t steps = 10000;

			buf_clear(&bad);
			buf_str(&bad, buf_view(&t.image));
			bad.p[i] = (char)(bad.p[i] ^ 1 << k);
			if (schema_open(buf_view(&bad), &s) != OK)
				refused++;
			else
				(void)!schema_check(&s, v, &steps, &t.faults);
		}
	ok(refused > 4 * t.image.n, "%zu of %zu changed images are refused",
	    refused, 8 * t.image.n);
	for (size_t n = 0; n < t.image.n; n++)
		opened +=
		    schema_open(str_sub(buf_view(&t.image), 0, n), &s) == OK;
	ok(opened == 0, "every cut image is refused: %zu of %zu were not",
	    opened, t.image.n);
	buf_done(&bad);
	done(&t);
}

int
main(void)
{
	all_verdicts();
	all_schemas();
	all_faults();
	all_closed();
	documents();
	formats();
	towers();
	budgets();
	small_limits();
	images();
	return tap_done();
}
