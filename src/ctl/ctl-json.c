/*
 * ctl-json: does the JSON room read what it must and refuse what it must?
 * The answers are in the names of the files.  One rule is ours: an object with
 * the same member twice is refused, though the grammar allows it, so the files
 * that must be read and have such an object count as files to refuse.
 */
#include "ctl/ctl-json.h"

#include "ctl/names.h"
#include "sys/sys.h"
#include "json/json.h"

enum {
	ROOM = 64 * 1024 * 1024, /* of one file and of what becomes of it */
	DEEP = 8,		 /* directories in directories */
	PATH = 4096,
};

enum verdict { FAILED, PASSED, EITHER };
static const char *const verdicts[] = { "FAIL", "pass", "either" };

struct suite {
	bool json;
	size_t count[countof(verdicts)], cases;
	struct buf list; /* tape of the cases, when json */
	struct buf text, tape, out, again, want;
};

static void
suite_done(struct suite *s)
{
	buf_done(&s->list);
	buf_done(&s->text);
	buf_done(&s->tape);
	buf_done(&s->out);
	buf_done(&s->again);
	buf_done(&s->want);
}

static struct str
utf8_or(struct str s, struct str otherwise)
{
	return utf8_ok(s) ? s : otherwise;
}

/* On paper, what passed as expected is left out unless it has a remark. */
static void
report(struct suite *s, enum verdict v, const char *path, const char *words)
{
	size_t mark;

	s->count[v]++;
	if (!s->json) {
		if (v != PASSED || words[0] != '\0')
			printf("%s %s: %s\n", verdicts[v], path, words);
		return;
	}
	s->cases++;
	mark = tape_obj(&s->list);
	tape_key(&s->list, STR("file"));
	tape_str(&s->list, utf8_or(str_of(path), STR("(not UTF-8)")));
	tape_key(&s->list, STR("verdict"));
	tape_str(&s->list, str_of(verdicts[v]));
	tape_key(&s->list, STR("words"));
	tape_str(&s->list, str_of(words));
	tape_end(&s->list, mark, 3);
}

/* The file as a tape in s->tape. */
static enum err
file_parse(struct suite *s, const char *path, struct note *why)
{
	buf_clear(&s->text);
	buf_clear(&s->tape);
	TRY(file_read(path, ROOM, &s->text, why));
	return json_parse(buf_view(&s->text), &json_default, &s->tape, why);
}

/* What was read must come back from its own text. */
static bool
survives(struct suite *s)
{
	buf_clear(&s->out);
	buf_clear(&s->again);
	json_write(jv_of(buf_view(&s->tape)), &s->out);
	return tape_check(buf_view(&s->tape), &json_default) == OK &&
	       json_parse(buf_view(&s->out), &json_default, &s->again, NULL) ==
		   OK &&
	       str_eq(buf_view(&s->tape), buf_view(&s->again));
}

static void
reading(struct suite *s, const char *path, struct str name)
{
	const bool twice = str_starts(name, STR("y_object_duplicated_key"));
	struct note why = { "" };
	const enum err e = file_parse(s, path, &why);
	char words[sizeof(why.text) + 64];

	if (e != OK && e != ERR_SYNTAX && e != ERR_LIMIT) {
		report(s, FAILED, path, why.text);
	} else if (e == OK && !survives(s)) {
		report(s, FAILED, path, "was read but not written back");
	} else if (name.p[0] == 'i') {
		(void)snprintf(words, sizeof(words), "%s%s",
		    e ? "refused, " : "read", why.text);
		report(s, EITHER, path, words);
	} else if (twice) {
		(void)snprintf(words, sizeof(words),
		    "must be refused here: no member comes twice (%s)",
		    e ? why.text : "it was read");
		report(s, e ? PASSED : FAILED, path, words);
	} else if (name.p[0] == 'n') {
		report(s, e ? PASSED : FAILED, path, e ? "" : "was read");
	} else {
		report(s, e ? FAILED : PASSED, path, why.text);
	}
}

/* "7b 22\n..." as bytes. */
static enum err
hex_file(struct suite *s, const char *path, struct note *why)
{
	struct str v;

	buf_clear(&s->text);
	TRY(file_read(path, ROOM, &s->text, why));
	v = buf_view(&s->text);
	buf_clear(&s->want);
	while (v.n >= 2) {
		uint8_t c;

		if (v.p[0] == ' ' || v.p[0] == '\n' || v.p[0] == '\r') {
			v = str_sub(v, 1, v.n - 1);
			continue;
		}
		TRY(hex_bytes(str_sub(v, 0, 2), &c, 1));
		buf_u8(&s->want, c);
		v = str_sub(v, 2, v.n - 2);
	}
	return buf_end(&s->want);
}

/* dir/input/name must become dir/output/name, and dir/outhex/name.txt if there
 * is an outhex. */
static void
canonical(struct suite *s, const char *dir, const char *name)
{
	const struct str stem = str_sub(str_of(name), 0, strlen(name) - 5);
	struct note why = { "" };
	char path[PATH];
	enum err e;

	(void)snprintf(path, sizeof(path), "%s/input/%s", dir, name);
	e = file_parse(s, path, &why);
	buf_clear(&s->out);
	if (e == OK) {
		e = json_jcs(jv_of(buf_view(&s->tape)), &s->out);
		note_set(&why, "has no canonical form (%s)", err_name(e));
	}
	if (e != OK) {
		report(s, FAILED, path, why.text);
		return;
	}
	(void)snprintf(path, sizeof(path), "%s/output/%s", dir, name);
	buf_clear(&s->want);
	e = file_read(path, ROOM, &s->want, &why);
	report(s,
	    e == OK && str_eq(buf_view(&s->out), buf_view(&s->want)) ? PASSED
								     : FAILED,
	    path, e ? why.text : "canonical form");
	(void)snprintf(
	    path, sizeof(path), "%s/outhex/%.*s.txt", dir, STR_ARG(stem));
	e = hex_file(s, path, &why);
	report(s,
	    e == OK && str_eq(buf_view(&s->out), buf_view(&s->want)) ? PASSED
								     : FAILED,
	    path, e ? why.text : "canonical form, byte by byte");
}

static bool
names_has(const struct names *l, struct str name)
{
	for (size_t i = 0; i < l->n; i++)
		if (str_eq(str_of(l->v[i]), name))
			return true;
	return false;
}

static void
vectors(struct suite *s, const char *dir)
{
	__attribute__((cleanup(names_done))) struct names l = { NULL, 0 };
	char path[PATH];

	(void)snprintf(path, sizeof(path), "%s/input", dir);
	if (names_of(path, &l) != OK)
		return;
	for (size_t i = 0; i < l.n; i++)
		if (str_ends(str_of(l.v[i]), STR(".json")))
			canonical(s, dir, l.v[i]);
}

static bool
is_case(struct str name)
{
	return name.n > 7 && name.p[1] == '_' &&
	       (name.p[0] == 'y' || name.p[0] == 'n' || name.p[0] == 'i') &&
	       str_ends(name, STR(".json"));
}

static enum err
directory(struct suite *s, const char *dir, size_t depth)
{
	__attribute__((cleanup(names_done))) struct names l = { NULL, 0 };
	bool jcs;

	if (depth == DEEP)
		return ERR_LIMIT;
	TRY(names_of(dir, &l));
	jcs = names_has(&l, STR("input")) && names_has(&l, STR("output"));
	if (jcs)
		vectors(s, dir);
	for (size_t i = 0; i < l.n; i++) {
		char path[PATH];
		const int n =
		    snprintf(path, sizeof(path), "%s/%s", dir, l.v[i]);

		if (n < 0 || (size_t)n >= sizeof(path))
			return ERR_LIMIT;
		if (is_case(str_of(l.v[i])))
			reading(s, path, str_of(l.v[i]));
		else if (!jcs)
			(void)directory(s, path, depth + 1); /* or no dir */
	}
	return OK;
}

static void
summary_json(struct suite *s, size_t array)
{
	struct buf all = { .max = ROOM };
	size_t mark;

	tape_end(&s->list, array, s->cases);
	mark = tape_obj(&all);
	tape_key(&all, STR("cases"));
	tape_copy(&all, jv_of(buf_view(&s->list)));
	tape_key(&all, STR("either"));
	tape_i64(&all, (int64_t)s->count[EITHER]);
	tape_key(&all, STR("passed"));
	tape_i64(&all, (int64_t)s->count[PASSED]);
	tape_key(&all, STR("failed"));
	tape_i64(&all, (int64_t)s->count[FAILED]);
	tape_end(&all, mark, 4);
	buf_clear(&s->out);
	json_write(jv_of(buf_view(&all)), &s->out);
	printf("%.*s\n", STR_ARG(buf_view(&s->out)));
	buf_done(&all);
}

int
ctl_json_check(const char *dir, bool json)
{
	__attribute__((cleanup(suite_done))) struct suite s = {
		.json = json,
		.list = { .max = ROOM },
		.text = { .max = ROOM },
		.tape = { .max = ROOM },
		.out = { .max = ROOM },
		.again = { .max = ROOM },
		.want = { .max = ROOM },
	};
	const size_t array = tape_arr(&s.list);
	const enum err e = directory(&s, dir, 0);

	if (e || s.count[PASSED] + s.count[FAILED] + s.count[EITHER] == 0) {
		(void)fprintf(stderr, "%s: %s\n", dir,
		    e ? "cannot be read" : "no test files in it");
		return 3;
	}
	if (json)
		summary_json(&s, array);
	else
		printf("%zu may be either\n%zu passed, %zu failed\n",
		    s.count[EITHER], s.count[PASSED], s.count[FAILED]);
	return s.count[FAILED] == 0 ? 0 : 1;
}
