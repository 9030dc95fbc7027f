/*
 * ctl-jsonschema: "gatehouse schema check": are the values in files as a
 * schema says?  One line a fault: file, place in the value, what is wrong,
 * and where the schema says so.
 */
#include "ctl/ctl-jsonschema.h"

#include "ctl/ctl.h"
#include "ctl/names.h"
#include "sys/sys.h"

enum {
	FILE_MAX = 64 * 1024 * 1024,
	TAPE_MAX = 512 * 1024 * 1024, /* of small values: longer than text */
	DEEP = 16,
	PATH = 4096,
};

int
json_file(struct ctl *c, const char *path, struct buf *tape)
{
	struct buf text = { .max = FILE_MAX };
	struct note why = { "" };
	enum err e = file_read(path, FILE_MAX, &text, &why);
	int status = CTL_FAILED;

	if (!e) {
		tape->max = TAPE_MAX;
		e = json_parse(buf_view(&text), &json_default, tape, &why);
		status = CTL_NO;
	}
	buf_done(&text);
	if (!e)
		return CTL_YES;
	return ctl_say(c, status, "%s: %s", path, why.text);
}

void
docs_done(struct docs *d)
{
	for (size_t i = 0; i < d->n; i++)
		buf_done(&d->tapes[i]);
	arena_free(d->names);
	mem_free(d->v);
	mem_free(d->tapes);
	*d = (struct docs){ NULL, 0, NULL, NULL };
}

static int
doc_read(struct ctl *c, const char *path, const char *uri, struct docs *out)
{
	const size_t n = out->n;
	int status;
	struct str name;

	out->v =
	    mem_more(out->v, n * sizeof(*out->v), (n + 1) * sizeof(*out->v));
	out->tapes = mem_more(
	    out->tapes, n * sizeof(*out->tapes), (n + 1) * sizeof(*out->tapes));
	status = json_file(c, path, &out->tapes[n]);
	if (status != CTL_YES) {
		buf_done(&out->tapes[n]);
		return status;
	}
	out->v[n].root = jv_of(buf_view(&out->tapes[n]));
	name = uri != NULL ? str_of(uri)
			   : jv_str(jv_get(out->v[n].root, STR("$id")));
	if (name.n == 0) {
		buf_done(&out->tapes[n]);
		return CTL_YES;
	}
	out->v[n].uri = arena_str(out->names, name);
	if (arena_spent(out->names)) {
		buf_done(&out->tapes[n]);
		return ctl_say(c, CTL_NO, "%s: too many documents", path);
	}
	out->n++;
	return CTL_YES;
}

static int
read_under(struct ctl *c, const char *dir, const char *prefix, struct docs *out,
    unsigned depth)
{
	__attribute__((cleanup(names_done))) struct names l = { NULL, 0 };
	int status = CTL_YES;

	if (depth == DEEP || names_of(dir, &l) != OK)
		return depth == 0 ? ctl_say(c, CTL_UNREACHABLE,
					"%s: cannot be read", dir)
				  : CTL_YES;
	for (size_t i = 0; i < l.n && status == CTL_YES; i++) {
		char path[PATH], uri[PATH];

		(void)snprintf(path, sizeof(path), "%s/%s", dir, l.v[i]);
		(void)snprintf(
		    uri, sizeof(uri), "%s%s", prefix ? prefix : "", l.v[i]);
		if (str_ends(str_of(path), STR(".json"))) {
			status = doc_read(c, path, prefix ? uri : NULL, out);
			continue;
		}
		(void)snprintf(
		    uri, sizeof(uri), "%s%s/", prefix ? prefix : "", l.v[i]);
		status =
		    read_under(c, path, prefix ? uri : NULL, out, depth + 1);
	}
	return status;
}

int
docs_read(struct ctl *c, const char *dir, const char *prefix, struct docs *out)
{
	int status;

	out->names = arena_new(TAPE_MAX);
	status = read_under(c, dir, prefix, out, 0);
	if (status != CTL_YES)
		docs_done(out);
	return status;
}

/* ---- check ---- */

static void
member(struct buf *b, struct str key, const char *text)
{
	const struct str s = str_of(text);

	tape_key(b, key);
	tape_str(b, utf8_ok(s) ? s : STR("(not UTF-8)"));
}

static void
put_json(struct buf *out, const char *path, enum err e,
    const struct schema_faults *f)
{
	struct buf b = { .max = 1024 * 1024 };
	const size_t mark = tape_obj(&b);
	size_t list;

	member(&b, STR("file"), path);
	member(&b, STR("verdict"),
	    e == OK	     ? "valid"
	    : e == ERR_LIMIT ? "unknown"
			     : "invalid");
	tape_key(&b, STR("faults"));
	list = tape_arr(&b);
	for (size_t i = 0; i < f->n; i++) {
		const size_t one = tape_obj(&b);

		member(&b, STR("at"), f->v[i].at.text);
		member(&b, STR("keyword"), f->v[i].keyword);
		member(&b, STR("schema"), f->v[i].where.text);
		member(&b, STR("why"), f->v[i].why.text);
		tape_end(&b, one, 4);
	}
	tape_end(&b, list, f->n);
	tape_end(&b, mark, 3);
	json_write(jv_of(buf_view(&b)), out);
	buf_ch(out, '\n');
	buf_done(&b);
}

static void
put_text(struct buf *out, const char *path, enum err e,
    const struct schema_faults *f)
{
	if (e == OK)
		buf_fmt(out, "%s: valid\n", path);
	if (e == ERR_LIMIT)
		buf_fmt(out,
		    "%s: unknown: judging it takes more than %d steps, or it "
		    "is nested too deeply\n",
		    path, SCHEMA_STEPS);
	for (size_t i = 0; i < f->n && e == ERR_SYNTAX; i++)
		buf_fmt(out, "%s: %s%s%s (%s, %s)\n", path, f->v[i].at.text,
		    f->v[i].at.text[0] ? ": " : "", f->v[i].why.text,
		    f->v[i].keyword, f->v[i].where.text);
}

/* CTL_YES valid, CTL_NO not, CTL_FAILED not to be said. */
static int
check_file(
    struct ctl *c, const struct schema *s, const char *path, struct buf *out)
{
	struct schema_faults f = { .n = 0 };
	struct buf tape = { .max = TAPE_MAX };
	uint64_t steps = SCHEMA_STEPS;
	int status = json_file(c, path, &tape);
	enum err e;

	if (status == CTL_YES) {
		e = schema_check(s, jv_of(buf_view(&tape)), &steps, &f);
		(c->json ? put_json : put_text)(out, path, e, &f);
		status = e == OK	  ? CTL_YES
			 : e == ERR_LIMIT ? CTL_FAILED
					  : CTL_NO;
	}
	buf_done(&tape);
	return status;
}

static int
check_files(struct ctl *c, const struct schema *s)
{
	struct buf out = { .max = 64 * 1024 * 1024 };
	int status = CTL_YES;

	for (int i = 1; i < c->argc; i++) {
		const int one = check_file(c, s, c->arg[i], &out);

		if (one > status)
			status = one;
	}
	if (ctl_put(&out) != CTL_YES)
		status = CTL_FAILED;
	buf_done(&out);
	return status;
}

static int
with_docs(struct ctl *c, const struct docs *docs, struct jv schema)
{
	const struct schema_opts opts = { .docs = docs->v,
		.docs_n = docs->n,
		.formats = ctl_option(c, "--formats") ? SCHEMA_ALL_FORMATS : 0,
		.closed = ctl_option(c, "--closed") != NULL };
	struct buf image = { .max = 16 * 1024 * 1024 };
	struct note why = { "" };
	struct schema s;
	int status;

	if (schema_compile(schema, &opts, &image, &why) != OK)
		status = ctl_say(c, CTL_NO, "%s: %s", c->arg[0], why.text);
	else if (schema_open(buf_view(&image), &s) != OK)
		status = ctl_say(
		    c, CTL_FAILED, "%s: its own image is refused", c->arg[0]);
	else
		status = check_files(c, &s);
	buf_done(&image);
	return status;
}

int
ctl_schema_check(struct ctl *c)
{
	const char *dir = ctl_option(c, "--docs");
	struct docs docs = { NULL, 0, NULL, NULL };
	struct buf tape = { .max = TAPE_MAX };
	int status = json_file(c, c->arg[0], &tape);

	if (status == CTL_YES && dir != NULL)
		status = docs_read(c, dir, NULL, &docs);
	if (status == CTL_YES)
		status = with_docs(c, &docs, jv_of(buf_view(&tape)));
	docs_done(&docs);
	buf_done(&tape);
	return status;
}
