/*
 * policy-read: the files that the policy commands take: configurations, and
 * cases in YAML or JSON lines with the policies they are about.
 */
#include "ctl/policy-in.h"

#include <dirent.h>
#include <stdlib.h>
#include <sys/stat.h>

#include "conf/conf.h"
#include "ctl/ctl-conf.h"
#include "ctl/yaml-tape.h"
#include "sys/sys.h"

/* One value a line; empty lines are nothing. */
static enum err
lines_tape(struct str text, struct buf *tape, struct note *why)
{
	const size_t m = tape_arr(tape);
	struct str line;
	size_t n = 0, nr = 0;

	while (str_split(&text, '\n', &line)) {
		struct note what;

		nr++;
		if (str_trim(line).n == 0)
			continue;
		if (json_parse(line, &json_default, tape, &what) != OK) {
			note_set(why, "line %zu: %.150s", nr, what.text);
			return ERR_SYNTAX;
		}
		n++;
	}
	tape_end(tape, m, n);
	return buf_end(tape);
}

int
policy_slurp(const struct ctl *c, const char *path, struct buf *tape)
{
	struct buf text = { .max = POLICY_BYTES };
	struct note why = { "" };
	enum err e = file_read(path, POLICY_BYTES, &text, &why);

	if (e != OK) {
		buf_done(&text);
		return ctl_say(c, CTL_FAILED, "%s", why.text);
	}
	tape->max = POLICY_BYTES;
	if (str_ends(str_of(path), STR(".jsonl")))
		e = lines_tape(buf_view(&text), tape, &why);
	else
		e = yaml_tape(buf_view(&text), tape, NULL, &why);
	buf_done(&text);
	return e == OK ? CTL_YES : ctl_say(c, CTL_NO, "%s: %s", path, why.text);
}

bool
policy_beside(const char *path, struct str name, char out[static 4096])
{
	const char *slash = strrchr(path, '/');
	const size_t dir = slash == NULL || (name.n > 0 && name.p[0] == '/')
			       ? 0
			       : (size_t)(slash - path) + 1;

	if (dir + name.n >= 4096)
		return false;
	memcpy(out, path, dir);
	memcpy(out + dir, name.p, name.n);
	out[dir + name.n] = '\0';
	return true;
}

/* ---- images ---- */

static int
put_file(const struct ctl *c, const char *path, struct str name, struct buf *b)
{
	struct buf text = { .max = POLICY_BYTES };
	struct note why = { "" };
	char real[4096];
	size_t o;

	if (!policy_beside(path, name, real))
		return ctl_say(c, CTL_NO, "%s: a path is too long", path);
	if (file_read(real, POLICY_BYTES, &text, &why) != OK) {
		buf_done(&text);
		return ctl_say(c, CTL_FAILED, "%s", why.text);
	}
	o = tape_obj(b);
	tape_key(b, STR("name"));
	tape_str(b, str_of(real));
	tape_key(b, STR("text"));
	tape_str(b, buf_view(&text));
	tape_end(b, o, 2);
	buf_done(&text);
	return CTL_YES;
}

static void
put_server(struct buf *b, struct str name, struct jv v)
{
	const size_t o = tape_obj(b);
	static const struct str members[] = { STR_INIT("facts"),
		STR_INIT("risk") };

	tape_key(b, STR("name"));
	tape_str(b, name);
	for (size_t i = 0; i < countof(members); i++) {
		const struct jv m = jv_get(v, members[i]);

		tape_key(b, members[i]);
		if (jv_is(m, J_OBJ))
			tape_copy(b, m);
		else
			tape_end(b, tape_obj(b), 0);
	}
	tape_end(b, o, 3);
}

int
policy_image_of(const struct ctl *c, const char *path, struct jv policies,
    struct jv servers, struct buf *b)
{
	struct jit it = jit_of(policies);
	struct str name;
	size_t o, m;
	int status = CTL_YES;
	struct jv v;

	b->max = POLICY_BYTES;
	o = tape_obj(b);
	tape_key(b, STR("rules"));
	tape_end(b, tape_arr(b), 0);
	tape_key(b, STR("policies"));
	m = tape_arr(b);
	while (status == CTL_YES && jit_next(&it, NULL, &v))
		status = put_file(c, path, jv_str(v), b);
	tape_end(b, m, jv_count(policies));
	tape_key(b, STR("servers"));
	m = tape_arr(b);
	it = jit_of(servers);
	while (jit_next(&it, &name, &v))
		put_server(b, name, v);
	tape_end(b, m, jv_count(servers));
	tape_end(b, o, 3);
	if (status == CTL_YES && buf_end(b) != OK)
		return ctl_say(c, CTL_NO, "%s: a policy is not UTF-8", path);
	return status;
}

static int
image_of_conf(const char *path, struct buf *image)
{
	struct ctl_reading r = { .n = 0 };
	struct buf said = { .max = 1024 * 1024 };
	enum err e;

	e = ctl_config_read(path, &r);
	image->max = POLICY_BYTES;
	if (e == OK) {
		buf_str(image, buf_view(&r.image));
	} else {
		ctl_put_findings(&said, path, &r);
		if (said.n == 0)
			buf_fmt(&said, "gatehouse: %s\n", r.why.text);
		(void)fprintf(stderr, "%.*s", STR_ARG(buf_view(&said)));
	}
	buf_done(&said);
	ctl_reading_done(&r);
	return e == OK ? CTL_YES : e == ERR_OS ? CTL_FAILED : CTL_NO;
}

int
policy_image_conf(const struct ctl *c, struct buf *image)
{
	const char *path = ctl_option(c, "-c");

	return image_of_conf(path == NULL ? "gatehouse.yaml" : path, image);
}

/* ---- what may come ---- */

enum { FILES_MAX = 256 };

static int
by_name(const void *a, const void *b)
{
	return str_cmp(buf_view(a), buf_view(b));
}

/* Paths of the policy files that path is, or holds, in their order. */
static int
names_of(const struct ctl *c, const char *path, struct buf *tape)
{
	const size_t m = tape_arr(tape);
	struct buf name[FILES_MAX];
	const struct dirent *e;
	DIR *d = opendir(path);
	size_t n = 0;

	if (d == NULL) { /* a file: reading says if it is none */
		tape_str(tape, str_of(path));
		tape_end(tape, m, 1);
		return CTL_YES;
	}
	while (n < FILES_MAX && (e = readdir(d)) != NULL) {
		if (e->d_name[0] == '.' ||
		    !str_ends(str_of(e->d_name), STR(".cedar")))
			continue;
		name[n] = (struct buf){ .max = 8192 };
		buf_fmt(&name[n++], "%s/%s", path, e->d_name);
	}
	(void)closedir(d);
	qsort(name, n, sizeof(*name), by_name);
	for (size_t i = 0; i < n; i++) {
		tape_str(tape, buf_view(&name[i]));
		buf_done(&name[i]);
	}
	tape_end(tape, m, n);
	if (n == FILES_MAX)
		return ctl_say(
		    c, CTL_NO, "%s holds %d files or more", path, FILES_MAX);
	return n > 0
		   ? CTL_YES
		   : ctl_say(c, CTL_NO, "%s holds no file named *.cedar", path);
}

/* base, with the rules and policies of fresh. */
static void
put_replaced(struct buf *b, struct jv base, struct jv fresh)
{
	const size_t m = tape_obj(b);
	struct jit it = jit_of(base);
	struct str key;
	size_t n = 0;
	struct jv v;

	for (; jit_next(&it, &key, &v); n++) {
		const bool ours =
		    str_eq(key, STR("rules")) || str_eq(key, STR("policies"));

		tape_key(b, key);
		tape_copy(b, ours ? jv_get(fresh, key) : v);
	}
	tape_end(b, m, n);
}

int
policy_image_new(
    const struct ctl *c, const char *path, struct buf *image, bool *conf)
{
	const char *base = ctl_option(c, "-c");
	struct buf names = { .max = 1 << 20 }, fresh = { .max = POLICY_BYTES };
	struct buf old = { .max = POLICY_BYTES };
	const struct jv none = { NULL, 0 };
	struct stat st;
	int status;

	image->max = POLICY_BYTES;
	*conf = false;
	if (stat(path, &st) == 0 && !S_ISDIR(st.st_mode) &&
	    !str_ends(str_of(path), STR(".cedar"))) {
		*conf = true;
		return image_of_conf(path, image);
	}
	status = names_of(c, path, &names);
	if (status == CTL_YES)
		status = policy_image_of(
		    c, "", jv_of(buf_view(&names)), none, &fresh);
	if (status == CTL_YES && base != NULL) {
		*conf = true;
		status = image_of_conf(base, &old);
	}
	if (status == CTL_YES && base == NULL)
		buf_str(image, buf_view(&fresh));
	else if (status == CTL_YES)
		put_replaced(
		    image, jv_of(buf_view(&old)), jv_of(buf_view(&fresh)));
	buf_done(&names);
	buf_done(&fresh);
	buf_done(&old);
	return status;
}

/* ---- calls ---- */

const char *
policy_effect(enum effect e)
{
	return e == ALLOW ? "allow" : e == HOLD ? "hold" : "deny";
}

void
policy_put_list(struct buf *out, const struct str *s, size_t n)
{
	buf_ch(out, '[');
	for (size_t i = 0; i < n; i++) {
		buf_str(out, i == 0 ? STR("") : STR(","));
		json_quote(s[i], out);
	}
	buf_ch(out, ']');
}

static struct jv
server_of(struct jv image, struct str name)
{
	struct jit it = jit_of(jv_get(image, STR("servers")));
	struct jv v;

	while (jit_next(&it, NULL, &v))
		if (str_eq(jv_str(jv_get(v, STR("name"))), name))
			return v;
	return (struct jv){ NULL, 0 };
}

static bool
member_known(struct str key)
{
	static const struct str known[] = { STR_INIT("case"),
		STR_INIT("principal"), STR_INIT("server"), STR_INIT("method"),
		STR_INIT("name"), STR_INIT("arguments"), STR_INIT("session"),
		STR_INIT("expect"), STR_INIT("by"), STR_INIT("needs") };

	for (size_t i = 0; i < countof(known); i++)
		if (str_eq(known[i], key))
			return true;
	return false;
}

/* A misspelt member would leave out what was meant. */
static bool
members_ok(struct jv v, struct note *why)
{
	struct jit it = jit_of(v);
	struct str key;

	if (!jv_is(v, J_OBJ)) {
		note_set(why, "a call is an object");
		return false;
	}
	while (jit_next(&it, &key, NULL))
		if (!member_known(key)) {
			note_set(why, "unknown member \"%.*s\"",
			    (int)(key.n > 60 ? 60 : key.n), key.p);
			return false;
		}
	return true;
}

enum err
policy_typed(struct jv image, const struct policy *p, struct jv tool,
    const struct call *c, struct typed **out, struct note *why)
{
	const struct terms t = terms_of(server_of(image, c->server));

	*out = NULL;
	if (jv_is(tool, J_NONE) || !str_eq(c->method, STR("tools/call")) ||
	    (!t.always && !policy_types(p, c->server, c->name)))
		return OK;
	return typed_compile(tool, c->server, t.open, out, why);
}

bool
policy_call_of(struct jv image, struct jv v, struct jv tool, struct call *out,
    struct note *why)
{
	struct call c = { .principal = jv_str(jv_get(v, STR("principal"))),
		.server = jv_str(jv_get(v, STR("server"))),
		.method = jv_str(jv_get(v, STR("method"))),
		.name = jv_str(jv_get(v, STR("name"))),
		.session = jv_get(v, STR("session")),
		.params = v };
	const struct jv server = server_of(image, c.server);
	const struct terms terms = terms_of(server);

	if (!members_ok(v, why))
		return false;
	if (c.principal.n == 0 || c.server.n == 0) {
		note_set(why, "a call needs principal and server");
		return false;
	}
	if (jv_is(server, J_NONE)) {
		note_set(why, "there is no server \"%.*s\"",
		    (int)(c.server.n > 60 ? 60 : c.server.n), c.server.p);
		return false;
	}
	if (c.method.n == 0)
		c.method = STR("tools/call");
	c.also = policy_also(c.method);
	if (str_eq(c.method, STR("tools/call")) || c.also.n > 0)
		call_terms(&terms, tool, &c);
	if (c.also.n > 0) /* which has no arguments */
		c.facts = (struct jv){ NULL, 0 };
	*out = c;
	return true;
}
