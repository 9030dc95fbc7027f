/*
 * policy-map: "policy map": every principal against every object: tools,
 * prompts, resources, models and datasets; what it may do, where it may never
 * go, and which policy says so.  Arguments and sessions are not known here, so
 * the question is what holds whatever they are.
 */
#include "ctl/policy-in.h"

enum { NAME_MAX_N = 8192 };

struct map_of {
	struct ctl *c;
	struct jv image, tools;
	struct partly_set *set;
	struct arena *a;
	struct buf *out;
	size_t rows;
};

/* One square of the map. */
struct square {
	const char *kind;
	struct str who, object;	   /* as the row names it */
	struct str server, name;   /* of the call */
	struct str method;	   /* empty: tools/call */
	struct jv tool, arguments; /* or absent */
};

static struct str
text(struct jv v, const char *key)
{
	return jv_str(jv_get(v, str_of(key)));
}

/* ---- one answer ---- */

static bool
is_one_of(struct str s, const char *const *words, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (str_eq(s, str_of(words[i])))
			return true;
	return false;
}

/* What a denial is: nobody declared it, nothing permits it, or something
 * forbids it and nobody lifts that. */
static const char *
denied(struct str rule)
{
	static const char *const unsaid[] = { "default-deny", "policy-error",
		"unknown-obligation", "arguments", "delegation", "approvals" };

	if (str_eq(rule, STR("undeclared")))
		return "undeclared";
	return is_one_of(rule, unsaid, countof(unsaid)) ? "never" : "forbidden";
}

static void
put_action(struct buf *b, const struct square *s)
{
	if (s->method.n > 0)
		buf_str(b, policy_action(s->method));
	else
		buf_fmt(b, "%.*s___%.*s", STR_ARG(s->server), STR_ARG(s->name));
}

static void
put_row(
    struct map_of *m, const struct square *s, const char *may, struct str by)
{
	struct buf action = { .max = NAME_MAX_N };

	put_action(&action, s);
	m->rows++;
	if (m->c->json) {
		buf_str(m->out, STR("{\"principal\":"));
		json_quote(s->who, m->out);
		buf_fmt(m->out, ",\"kind\":\"%s\",\"object\":", s->kind);
		json_quote(s->object, m->out);
		buf_str(m->out, STR(",\"server\":"));
		json_quote(s->server, m->out);
		buf_str(m->out, STR(",\"action\":"));
		json_quote(buf_view(&action), m->out);
		buf_fmt(m->out, ",\"may\":\"%s\",\"by\":", may);
		json_quote(by, m->out);
		if (strcmp(s->kind, "dataset") == 0) {
			buf_str(m->out, STR(",\"name\":"));
			json_quote(s->name, m->out);
			buf_str(m->out, STR(",\"arguments\":"));
			json_write(s->arguments, m->out);
		}
		buf_str(m->out, STR("}\n"));
	} else {
		buf_fmt(m->out,
		    "%-16.*s %-8s %-10.*s %-28.*s %-24.*s %-10s %.*s\n",
		    STR_ARG(s->who), s->kind, STR_ARG(s->server),
		    STR_ARG(s->object), STR_ARG(buf_view(&action)), may,
		    STR_ARG(by));
	}
	buf_done(&action);
}

/* The call as "policy test" has them. */
static void
put_call(struct buf *b, const struct square *s)
{
	const size_t o = tape_obj(b);
	size_t n = 3;

	tape_key(b, STR("principal"));
	tape_str(b, s->who);
	tape_key(b, STR("server"));
	tape_str(b, s->server);
	tape_key(b, STR("name"));
	tape_str(b, s->name);
	if (s->method.n > 0) {
		tape_key(b, STR("method"));
		tape_str(b, s->method);
		n++;
	}
	if (!jv_is(s->arguments, J_NONE)) {
		tape_key(b, STR("arguments"));
		tape_copy(b, s->arguments);
		n++;
	}
	tape_end(b, o, n);
}

/* Arguments are taken to be what they should be: as policies know them. */
static bool
ask(struct map_of *m, const struct square *s, struct buf *tape,
    struct partly *out)
{
	struct note why;
	struct partly k = { .exact = true };

	put_call(tape, s);
	if (!policy_call_of(
		m->image, jv_of(buf_view(tape)), s->tool, &k.call, &why)) {
		(void)ctl_say(m->c, 0, "%s", why.text);
		return false;
	}
	k.read = k.call.facts;
	*out = k;
	return true;
}

static void
map_one(struct map_of *m, const struct square *s)
{
	struct buf tape = { .max = 64 << 10 }, missing = { .max = 4096 };
	struct verdict v;
	struct partly k;
	const char *may;

	arena_reset(m->a);
	if (ask(m, s, &tape, &k)) {
		if (!partly_decide(m->set, &k, m->a, &v, &missing)) {
			put_row(m, s, "depends", buf_view(&missing));
		} else {
			may = v.effect == DENY ? denied(v.rule)
					       : policy_effect(v.effect);
			put_row(m, s, may, v.rule);
		}
	}
	buf_done(&missing);
	buf_done(&tape);
}

/* Which names a glob stands for nobody knows, and a policy may name one. */
static void
map_square(struct map_of *m, const struct square *s)
{
	if (str_find(s->object, '*') < s->object.n)
		put_row(m, s, "depends", STR("on the name"));
	else
		map_one(m, s);
}

/* Principals of the configuration, and anonymous. */
static void
map_everyone(struct map_of *m, struct square *s)
{
	const struct str anon = jv_str(jv_get(m->image, STR("anonymous")));
	struct jit it = jit_of(jv_get(m->image, STR("principals")));
	struct jv v;

	while (jit_next(&it, NULL, &v)) {
		s->who = text(v, "name");
		map_square(m, s);
	}
	if (anon.n > 0) {
		s->who = anon;
		map_square(m, s);
	}
}

/* ---- objects ---- */

static struct jv
declared(const struct map_of *m, const char *kind)
{
	return jv_get(jv_get(m->image, STR("inventory")), str_of(kind));
}

static bool
has_server(const struct map_of *m, struct str name)
{
	struct jit it = jit_of(jv_get(m->image, STR("servers")));
	struct jv v;

	while (jit_next(&it, NULL, &v))
		if (str_eq(text(v, "name"), name))
			return true;
	return false;
}

static struct jv
tool_of(const struct map_of *m, struct str server, struct str name)
{
	struct jit it = jit_of(jv_get(m->tools, server));
	struct jv v;

	while (jit_next(&it, NULL, &v))
		if (str_eq(text(v, "name"), name))
			return v;
	return (struct jv){ NULL, 0 };
}

/* SERVER/NAME */
static bool
split(const struct map_of *m, struct str id, struct square *s)
{
	const size_t at = str_find(id, '/');

	s->object = id;
	s->server = str_sub(id, 0, at);
	s->name = str_sub(id, at + 1, id.n);
	return has_server(m, s->server);
}

static void
map_tools(struct map_of *m)
{
	struct jit it = jit_of(jv_get(m->image, STR("servers")));
	struct square s = { .kind = "tool" };
	struct jv v, tool;

	while (jit_next(&it, NULL, &v)) {
		struct jit in = jit_of(jv_get(m->tools, text(v, "name")));
		struct buf object = { .max = NAME_MAX_N };

		s.server = text(v, "name");
		if (jv_is(jv_get(m->tools, s.server), J_NONE))
			(void)ctl_say(m->c, 0,
			    "server %.*s: its tools are not known",
			    STR_ARG(s.server));
		while (jit_next(&in, NULL, &tool)) {
			buf_clear(&object);
			s.name = text(tool, "name");
			buf_fmt(&object, "%.*s/%.*s", STR_ARG(s.server),
			    STR_ARG(s.name));
			s.object = buf_view(&object);
			s.tool = tool;
			map_everyone(m, &s);
		}
		buf_done(&object);
	}
}

/* Tools that are declared and were not seen. */
static void
map_declared_tools(struct map_of *m)
{
	struct jit it = jit_of(declared(m, "tools"));
	struct square s = { .kind = "tool" };
	struct jv v;

	while (jit_next(&it, NULL, &v))
		if (str_find(text(v, "id"), '*') == text(v, "id").n &&
		    split(m, text(v, "id"), &s) &&
		    jv_is(tool_of(m, s.server, s.name), J_NONE))
			map_everyone(m, &s);
}

static void
map_prompts(struct map_of *m)
{
	struct jit it = jit_of(declared(m, "prompts"));
	struct square s = { .kind = "prompt", .method = STR("prompts/get") };
	struct jv v;

	while (jit_next(&it, NULL, &v))
		if (split(m, text(v, "id"), &s))
			map_everyone(m, &s);
}

/* What belongs to no server is asked at each. */
static void
map_at_all(struct map_of *m, const char *kind, struct square *s)
{
	struct jit it = jit_of(declared(m, kind));
	struct jv v, server;

	while (jit_next(&it, NULL, &v)) {
		struct jit at = jit_of(jv_get(m->image, STR("servers")));

		s->object = s->name = text(v, "id");
		while (jit_next(&at, NULL, &server)) {
			s->server = text(server, "name");
			map_everyone(m, s);
		}
	}
}

/* ---- datasets ---- */

/* A text that a glob matches. */
static struct str
matching(struct arena *a, struct str glob)
{
	char *p = arena_alloc(a, glob.n + 1);

	for (size_t i = 0; p != NULL && i < glob.n; i++)
		p[i] = glob.p[i] == '*' ? 'x' : glob.p[i];
	return (struct str){ p, p == NULL ? 0 : glob.n };
}

/* A call of one tool that touches the dataset by this location; where no such
 * call can be made up from its value, nothing is said. */
static void
map_touching(struct map_of *m, struct jv at, struct square *s)
{
	struct buf args = { .max = NAME_MAX_N }, tape = { .max = 64 << 10 };
	struct jit it = jit_of(jv_get(at, STR("values")));
	const struct str argument = text(at, "argument");
	const struct str dataset = s->object;
	struct arena *a = arena_new(NAME_MAX_N);
	struct jv value = { NULL, 0 };
	struct partly k;
	size_t o;

	if (argument.n > 0) {
		o = tape_obj(&args);
		tape_key(&args, argument);
		tape_str(&args, jit_next(&it, NULL, &value)
				    ? matching(a, jv_str(value))
				    : STR("x"));
		tape_end(&args, o, 1);
		s->arguments = jv_of(buf_view(&args));
	}
	s->who = STR("x"); /* touching is nobody's */
	if (ask(m, s, &tape, &k) &&
	    policy_touches(partly_policy(m->set), &k.call, dataset))
		map_everyone(m, s);
	else
		(void)ctl_say(m->c, 0,
		    "dataset %.*s: no call of %.*s/%.*s could be made up that "
		    "touches it",
		    STR_ARG(dataset), STR_ARG(s->server), STR_ARG(s->name));
	arena_free(a);
	buf_done(&tape);
	buf_done(&args);
}

static void
map_location(struct map_of *m, struct jv at, struct str dataset)
{
	const struct str glob = text(at, "tool");
	struct square s = { .kind = "dataset",
		.object = dataset,
		.server = text(at, "server") };
	struct jit it = jit_of(jv_get(m->tools, s.server));
	struct jv v;

	while (jit_next(&it, NULL, &v)) {
		s.name = text(v, "name");
		s.tool = v;
		if (str_glob(glob, s.name))
			map_touching(m, at, &s);
	}
	s.tool = (struct jv){ NULL, 0 };
	s.name = glob;
	if (str_find(glob, '*') == glob.n &&
	    jv_is(tool_of(m, s.server, glob), J_NONE))
		map_touching(m, at, &s);
}

static void
map_datasets(struct map_of *m)
{
	struct jit it = jit_of(declared(m, "datasets"));
	struct arena *a = arena_new(POLICY_ROOM);
	struct jv v, at;

	while (jit_next(&it, NULL, &v)) {
		struct jit uris = jit_of(jv_get(v, STR("resources")));
		struct jit in = jit_of(jv_get(v, STR("arguments")));
		struct square s = { .kind = "dataset",
			.method = STR("resources/read") };

		while (jit_next(&uris, NULL, &at)) {
			struct jit to =
			    jit_of(jv_get(m->image, STR("servers")));
			struct jv server;

			s.object = text(v, "id");
			s.name = matching(a, jv_str(at));
			while (jit_next(&to, NULL, &server)) {
				s.server = text(server, "name");
				map_everyone(m, &s);
			}
		}
		while (jit_next(&in, NULL, &at))
			map_location(m, at, text(v, "id"));
	}
	arena_free(a);
}

/* ---- the command ---- */

static void
map_all(struct map_of *m)
{
	struct square resource = { .kind = "resource",
		.method = STR("resources/read") };
	struct square model = { .kind = "model",
		.method = STR("sampling/createMessage") };

	if (!m->c->json)
		buf_fmt(m->out, "%-16s %-8s %-10s %-28s %-24s %-10s %s\n",
		    "principal", "kind", "server", "object", "action", "may",
		    "by");
	map_tools(m);
	map_declared_tools(m);
	map_prompts(m);
	map_at_all(m, "resources", &resource);
	map_at_all(m, "models", &model);
	map_datasets(m);
}

int
ctl_policy_map(struct ctl *c)
{
	struct buf image = { 0 }, tools = { 0 }, out = { .max = POLICY_BYTES };
	struct map_of m = { .c = c, .out = &out };
	struct note why = { "" };
	int status = policy_image_conf(c, &image);

	m.image = jv_of(buf_view(&image));
	m.a = arena_new(POLICY_ROOM);
	if (status == CTL_YES && partly_new(m.image, &m.set, &why) != OK)
		status = ctl_say(c, CTL_NO, "%s", why.text);
	if (status == CTL_YES)
		status = policy_tools(c, m.image, &tools);
	if (status == CTL_YES) {
		m.tools = jv_of(buf_view(&tools));
		map_all(&m);
		status = ctl_put(&out);
	}
	partly_free(m.set);
	buf_done(&tools);
	buf_done(&out);
	buf_done(&image);
	arena_free(m.a);
	return status;
}
