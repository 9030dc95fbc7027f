/*
 * ctl-suite: "gatehouse schema suite": the official JSON-Schema-Test-Suite for
 * 2020-12.  A file is a list of groups, a group a schema and values with the
 * verdict each must get.  Three parts are counted apart: what is required,
 * what is optional, and formats, which are asserted only there.
 */
#include "ctl/ctl-jsonschema.h"

#include <sys/stat.h>

#include "ctl/ctl.h"
#include "ctl/names.h"

enum { PATH = 4096, IMAGE = 16 * 1024 * 1024 };
#define REMOTES "http://localhost:1234/"

struct part {
	const char *name, *dir; /* under the tests of the draft */
	uint32_t formats;
	size_t passed, failed;
};
struct suite {
	struct ctl *c;
	struct docs docs;
	struct part *part;
	char path[PATH]; /* of the file */
	struct buf list; /* tape of what failed */
	size_t faults;
};

static struct str
description(struct jv v)
{
	return jv_str(jv_get(v, STR("description")));
}

static void
failed(struct suite *s, struct jv group, struct jv test, const char *got)
{
	const struct str texts[] = { str_of(s->path), description(group),
		description(test), str_of(got) };
	static const struct str keys[] = { STR_INIT("file"), STR_INIT("group"),
		STR_INIT("test"), STR_INIT("got") };
	size_t mark;

	s->part->failed++;
	s->faults++;
	if (!s->c->json) {
		printf("FAIL %s: %.*s: %.*s: %s\n", s->path, STR_ARG(texts[1]),
		    STR_ARG(texts[2]), got);
		return;
	}
	mark = tape_obj(&s->list);
	for (size_t i = 0; i < countof(keys); i++) {
		tape_key(&s->list, keys[i]);
		tape_str(&s->list, texts[i]);
	}
	tape_end(&s->list, mark, countof(keys));
}

static void
one_test(struct suite *s, const struct schema *schema, struct jv group,
    struct jv test)
{
	const bool valid = jv_true(jv_get(test, STR("valid")));
	uint64_t steps = SCHEMA_STEPS;
	const enum err e =
	    schema_check(schema, jv_get(test, STR("data")), &steps, NULL);

	if (e == (valid ? OK : ERR_SYNTAX))
		s->part->passed++;
	else
		failed(s, group, test,
		    e == OK	     ? "valid"
		    : e == ERR_LIMIT ? "unknown"
				     : "invalid");
}

static void
one_group(struct suite *s, struct jv group)
{
	const struct schema_opts opts = { .docs = s->docs.v,
		.docs_n = s->docs.n,
		.formats = s->part->formats };
	struct jit it = jit_of(jv_get(group, STR("tests")));
	struct buf image = { .max = IMAGE };
	struct note why = { "" };
	struct schema schema;
	struct jv test;
	const enum err e =
	    schema_compile(jv_get(group, STR("schema")), &opts, &image, &why);
	const bool good =
	    e == OK && schema_open(buf_view(&image), &schema) == OK;

	while (jit_next(&it, NULL, &test)) {
		if (good)
			one_test(s, &schema, group, test);
		else
			failed(s, group, test,
			    e ? why.text : "its own image is refused");
	}
	buf_done(&image);
}

static int
one_part(struct suite *s, const char *tests)
{
	__attribute__((cleanup(names_done))) struct names l = { NULL, 0 };
	char dir[PATH];
	int status = CTL_YES;

	(void)snprintf(dir, sizeof(dir), "%s%s", tests, s->part->dir);
	if (names_of(dir, &l) != OK)
		return CTL_YES; /* a part may be missing */
	for (size_t i = 0; i < l.n && status == CTL_YES; i++) {
		struct buf tape = { .max = 0 };
		struct jit it;
		struct jv group;

		if (!str_ends(str_of(l.v[i]), STR(".json")) ||
		    snprintf(s->path, PATH, "%s/%s", dir, l.v[i]) >= PATH)
			continue;
		status = json_file(s->c, s->path, &tape);
		it = jit_of(jv_of(buf_view(&tape)));
		while (status == CTL_YES && jit_next(&it, NULL, &group))
			one_group(s, group);
		buf_done(&tape);
	}
	return status;
}

static void
summary_json(struct suite *s, const struct part *parts, size_t n, size_t list)
{
	struct buf all = { .max = IMAGE }, out = { .max = IMAGE };
	size_t mark;

	tape_end(&s->list, list, s->faults);
	mark = tape_obj(&all);
	for (size_t i = 0; i < n; i++) {
		size_t one;

		tape_key(&all, str_of(parts[i].name));
		one = tape_obj(&all);
		tape_key(&all, STR("passed"));
		tape_i64(&all, (int64_t)parts[i].passed);
		tape_key(&all, STR("failed"));
		tape_i64(&all, (int64_t)parts[i].failed);
		tape_end(&all, one, 2);
	}
	tape_key(&all, STR("failures"));
	tape_copy(&all, jv_of(buf_view(&s->list)));
	tape_end(&all, mark, n + 1);
	json_write(jv_of(buf_view(&all)), &out);
	buf_ch(&out, '\n');
	(void)ctl_put(&out);
	buf_done(&all);
	buf_done(&out);
}

static bool
is_dir(const char *path)
{
	struct stat st;

	return stat(path, &st) == 0 && S_ISDIR(st.st_mode);
}

/* DIR is the suite's own, or has its folders: where are tests and remotes? */
static bool
find(const char *dir, char tests[static PATH], char remotes[static PATH])
{
	static const char *const where[] = { "/draft2020-12",
		"/tests/draft2020-12", "" };
	static const char *const beside[] = { "/remotes", "/remotes",
		"/../remotes" };

	for (size_t i = 0; i < countof(where); i++) {
		(void)snprintf(tests, PATH, "%s%s/optional", dir, where[i]);
		(void)snprintf(remotes, PATH, "%s%s", dir, beside[i]);
		if (is_dir(tests)) {
			tests[strlen(tests) - strlen("/optional")] = '\0';
			return true;
		}
	}
	return false;
}

int
ctl_schema_suite(struct ctl *c)
{
	struct part parts[] = {
		{ "required", "", 0, 0, 0 },
		{ "optional", "/optional", 0, 0, 0 },
		{ "optional/format", "/optional/format", SCHEMA_ALL_FORMATS, 0,
		    0 },
	};
	struct suite s = { .c = c, .list = { .max = IMAGE } };
	char tests[PATH], remotes[PATH];
	int status = CTL_YES;
	size_t list;

	if (!find(c->arg[0], tests, remotes))
		return ctl_say(c, CTL_UNREACHABLE,
		    "%s: there is no draft2020-12 in it", c->arg[0]);
	list = tape_arr(&s.list);
	if (is_dir(remotes))
		status = docs_read(c, remotes, REMOTES, &s.docs);
	for (size_t i = 0; i < countof(parts) && status == CTL_YES; i++) {
		s.part = &parts[i];
		status = one_part(&s, tests);
	}
	docs_done(&s.docs);
	if (status == CTL_YES && c->json)
		summary_json(&s, parts, countof(parts), list);
	for (size_t i = countof(parts); i-- > 0 && status == CTL_YES;)
		if (!c->json && i > 0)
			printf("%s: %zu passed, %zu failed\n", parts[i].name,
			    parts[i].passed, parts[i].failed);
		else if (!c->json)
			printf("%zu passed, %zu failed\n", parts[i].passed,
			    parts[i].failed);
	buf_done(&s.list);
	if (status == CTL_YES && parts[0].failed + parts[0].passed == 0)
		return ctl_say(c, CTL_UNREACHABLE, "%s: no tests", tests);
	return status != CTL_YES      ? status
	       : parts[0].failed == 0 ? CTL_YES
				      : CTL_NO;
}
