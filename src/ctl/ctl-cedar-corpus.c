/*
 * ctl-cedar-corpus: finds the tests: one JSON object a line of a file, which
 * may be compressed, or the JSON files of a directory whose other files they
 * name.  cedar-check.c judges each.
 */
#include "ctl/ctl-cedar.h"

#include <dirent.h>
#include <sys/stat.h>
#include <zlib.h>

#include "ctl/ctl.h"
#include "sys/sys.h"
#include "json/json.h"

enum {
	LINE_ROOM = 64 * 1024 * 1024, /* a hundred times the longest */
	DIR_DEPTH = 8,
	UP_MOST = 4, /* directories above a test that its paths may mean */
	PATH_ROOM = 4096,
};

/* ---- lines ---- */
static bool
check_line(struct ctl *c, struct corpus *k, struct str line, struct buf *tape)
{
	struct note why = { "" };
	struct jv v;
	struct corpus_test t = { 0 };

	buf_clear(tape);
	if (json_parse(line, &json_default, tape, &why) != OK) {
		(void)ctl_say(
		    c, CTL_FAILED, "not a line of JSON: %s", why.text);
		return false;
	}
	v = jv_of(buf_view(tape));
	t.name = jv_str(jv_get(v, STR("id")));
	t.test = jv_str(jv_get(v, STR("test")));
	t.policies = jv_str(jv_get(v, STR("policies")));
	t.schema = jv_str(jv_get(v, STR("schema")));
	t.entities = jv_str(jv_get(v, STR("entities")));
	t.refused = jv_str(jv_get(v, STR("refused")));
	t.validation = jv_str(jv_get(v, STR("validation")));
	corpus_check(k, &t);
	return true;
}

/* zlib reads what is not compressed as it is. */
static int
check_lines(struct ctl *c, struct corpus *k, const char *path)
{
	gzFile f = gzopen(path, "rb");
	struct buf line = { .max = LINE_ROOM }, tape = { .max = LINE_ROOM };
	bool good = true;
	int n = 0;

	if (f == NULL)
		return ctl_say(c, CTL_FAILED, "%s: cannot be read", path);
	while (good) {
		char *p = buf_room(&line, 64 * 1024);
		struct str rest, one;

		n = p == NULL ? -1 : gzread(f, p, 64 * 1024);
		if (n <= 0)
			break;
		buf_add(&line, (size_t)n);
		rest = buf_view(&line);
		while (good && str_find(rest, '\n') < rest.n &&
		       str_split(&rest, '\n', &one))
			good = check_line(c, k, one, &tape);
		buf_drop(&line, line.n - rest.n);
	}
	if (good && n == 0 && line.n > 0)
		good = check_line(c, k, buf_view(&line), &tape);
	(void)gzclose(f);
	buf_done(&line);
	buf_done(&tape);
	return good && n >= 0 ? CTL_YES
			      : ctl_say(c, CTL_FAILED,
				    "%s: broken, or a line too long", path);
}

/* ---- files ---- */

/* A path in a test is meant from a directory that the test is somewhere in. */
static bool
read_named(const char *test, struct str name, struct buf *out)
{
	char path[PATH_ROOM];
	struct str dir = str_of(test);
	struct stat st;

	for (int up = 0; up <= UP_MOST; up++) {
		while (dir.n > 0 && dir.p[dir.n - 1] != '/')
			dir.n--;
		if ((size_t)snprintf(path, sizeof(path), "%.*s%.*s",
			STR_ARG(dir), STR_ARG(name)) >= sizeof(path))
			return false;
		if (stat(path, &st) == 0)
			return file_read(path, LINE_ROOM, out, NULL) == OK;
		if (dir.n == 0)
			return false;
		dir.n--;
	}
	return false;
}

static bool
read_parsing(const char *path, struct buf *out)
{
	char other[PATH_ROOM];
	struct stat st;

	(void)snprintf(other, sizeof(other), "%.*s.parsing.json",
	    (int)(strlen(path) - strlen(".json")), path);
	return stat(other, &st) == 0 &&
	       file_read(other, LINE_ROOM, out, NULL) == OK;
}

struct files {
	struct buf test, tape, policies, schema, entities, parsing;
};

static void
check_file(struct ctl *c, struct corpus *k, const char *path, struct files *f)
{
	struct corpus_test t = { .name = str_of(path) };
	struct jv v;
	bool decides;

	if (file_read(path, LINE_ROOM, &f->test, NULL) != OK ||
	    json_parse(buf_view(&f->test), &json_default, &f->tape, NULL) != OK)
		return; /* some other file */
	v = jv_of(buf_view(&f->tape));
	decides = jv_is(jv_get(v, STR("requests")), J_ARR);
	if (!decides && !read_parsing(path, &f->parsing))
		return;
	if (!read_named(path, jv_str(jv_get(v, STR("schema"))), &f->schema) ||
	    !read_named(
		path, jv_str(jv_get(v, STR("entities"))), &f->entities) ||
	    (decides && !read_named(path, jv_str(jv_get(v, STR("policies"))),
			    &f->policies))) {
		(void)ctl_say(c, CTL_FAILED,
		    "%s: a file that it names is "
		    "not there",
		    path);
		k->failed++;
		return;
	}
	t.test = buf_view(&f->test);
	t.policies = buf_view(&f->policies);
	t.schema = buf_view(&f->schema);
	t.entities = buf_view(&f->entities);
	t.parsing = buf_view(&f->parsing);
	corpus_check(k, &t);
}

static void
check_path(struct ctl *c, struct corpus *k, const char *path)
{
	const struct str s = str_of(path);
	struct files f = { .test.max = LINE_ROOM,
		.tape.max = LINE_ROOM,
		.policies.max = LINE_ROOM,
		.schema.max = LINE_ROOM,
		.entities.max = LINE_ROOM,
		.parsing.max = LINE_ROOM };

	if (str_ends(s, STR(".json")) && !str_ends(s, STR(".entities.json")) &&
	    !str_ends(s, STR(".parsing.json")))
		check_file(c, k, path, &f);
	buf_done(&f.test);
	buf_done(&f.tape);
	buf_done(&f.policies);
	buf_done(&f.schema);
	buf_done(&f.entities);
	buf_done(&f.parsing);
}

static bool
check_dir(struct ctl *c, struct corpus *k, const char *path, int depth)
{
	DIR *const d = depth > DIR_DEPTH ? NULL : opendir(path);
	const struct dirent *e;

	if (d == NULL)
		return false;
	while ((e = readdir(d)) != NULL) {
		char sub[PATH_ROOM];
		struct stat st;

		if (e->d_name[0] == '.' ||
		    (size_t)snprintf(sub, sizeof(sub), "%s/%s", path,
			e->d_name) >= sizeof(sub) ||
		    stat(sub, &st) != 0)
			continue;
		if (S_ISDIR(st.st_mode))
			(void)check_dir(c, k, sub, depth + 1);
		else
			check_path(c, k, sub);
	}
	(void)closedir(d);
	return true;
}

int
ctl_cedar_corpus(struct ctl *c)
{
	struct corpus k = { 0 };
	const char *path = c->arg[0];
	struct stat st;
	int bad = CTL_YES;

	if (stat(path, &st) != 0)
		return ctl_say(c, CTL_FAILED, "%s: cannot be read", path);
	if (!S_ISDIR(st.st_mode))
		bad = check_lines(c, &k, path);
	else if (!check_dir(c, &k, path, 0))
		bad = ctl_say(c, CTL_FAILED, "%s: cannot be read", path);
	if (bad != CTL_YES)
		return bad;
	printf("%zu requests, %zu verdicts\n%zu passed, %zu failed\n",
	    k.requests, k.verdicts, k.passed, k.failed);
	if (k.passed + k.failed == 0)
		return ctl_say(c, CTL_FAILED, "%s: no test is there", path);
	return k.failed == 0 ? CTL_YES : CTL_NO;
}
