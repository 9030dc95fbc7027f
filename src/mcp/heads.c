/*
 * heads: what the modern era mirrors into HTTP headers: how a value is
 * written there, which arguments a tool wants mirrored, and whether headers
 * and arguments agree.
 */
#include "mcp/mcp-in.h"

enum {
	TOOL_HEADS_MAX = 32, /* mirrored arguments of one tool */
	PATH_MAX_ = 512,     /* bytes of one path to an argument */
	SCHEMA_DEPTH = 128,  /* deeper than any tape may be */
};

static const struct str mark_open = STR_INIT("=?base64?");
static const struct str mark_shut = STR_INIT("?=");

static bool
is_sentinel(struct str v)
{
	return v.n >= mark_open.n + mark_shut.n && str_starts(v, mark_open) &&
	       str_ends(v, mark_shut);
}

static bool
is_visible(struct str v)
{
	for (size_t i = 0; i < v.n; i++)
		if (v.p[i] < 0x20 || v.p[i] > 0x7e)
			return false;
	return true;
}

bool
head_is_plain(struct str v)
{
	return is_visible(v) && str_trim(v).n == v.n && !is_sentinel(v);
}

void
mcp_head_encode(struct str value, struct buf *out)
{
	if (head_is_plain(value)) {
		buf_str(out, value);
		return;
	}
	buf_str(out, mark_open);
	base64_put(out, value);
	buf_str(out, mark_shut);
}

NODISCARD enum err
mcp_head_decode(struct str value, struct buf *out)
{
	const size_t old = out->n;
	const size_t ends = mark_open.n + mark_shut.n;

	if (!is_sentinel(value)) {
		for (size_t i = 0; i < value.n; i++)
			if (value.p[i] != '\t' &&
			    (value.p[i] < 0x20 || value.p[i] > 0x7e))
				return ERR_SYNTAX;
		buf_str(out, value);
		return buf_end(out);
	}
	value = str_sub(value, mark_open.n, value.n - ends);
	if (base64_get(value, out) != OK ||
	    !utf8_ok(str_sub(buf_view(out), old, out->n))) {
		out->n = old;
		return ERR_SYNTAX;
	}
	return buf_end(out);
}

/* ---- which arguments a tool mirrors (N4) ---- */

struct walk {
	struct buf *tape;
	struct note *why;
	struct str name[TOOL_HEADS_MAX];
	size_t n;
	char path[PATH_MAX_];
};

static bool
is_token(struct str s)
{
	static const char marks[] = "!#$%&'*+-.^_`|~";

	for (size_t i = 0; i < s.n; i++) {
		const char c = s.p[i];

		if (!((c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') ||
			(c >= 'A' && c <= 'Z') ||
			(c != '\0' && strchr(marks, c) != NULL)))
			return false;
	}
	return s.n > 0;
}

static bool
is_mirrored_type(struct jv schema)
{
	const struct jv t = jv_get(schema, STR("type"));
	const struct str s = jv_str(t);

	return jv_is(t, J_STR) &&
	       (str_eq(s, STR("string")) || str_eq(s, STR("integer")) ||
		   str_eq(s, STR("boolean")));
}

static enum err
bad(struct walk *w, const char *why)
{
	note_set(w->why, "x-mcp-header %s", why);
	return ERR_SYNTAX;
}

static enum err
add_head(struct walk *w, struct jv schema, struct jv name, size_t path_n)
{
	const struct str s = jv_str(name);

	if (path_n == 0)
		return bad(w, "is not on a property reached by properties");
	if (!jv_is(name, J_STR) || !is_token(s) || s.n > 64)
		return bad(w, "is not a short header token");
	if (!is_mirrored_type(schema))
		return bad(w, "is not on a string, integer or boolean");
	if (w->n == TOOL_HEADS_MAX)
		return bad(w, "is there too often");
	for (size_t i = 0; i < w->n; i++)
		if (str_ieq(w->name[i], s))
			return bad(w, "is there twice");
	w->name[w->n++] = s;
	tape_key(w->tape, (struct str){ w->path, path_n });
	tape_str(w->tape, s);
	return OK;
}

/* Appends "/name" (no slash first), escaped; 0 when it does not fit. */
static size_t
path_add(struct walk *w, size_t n, struct str name)
{
	if (n > 0)
		w->path[n++] = '/';
	for (size_t i = 0; i < name.n; i++) {
		const char c = name.p[i];

		if (n + 3 > sizeof(w->path))
			return 0;
		if (c == '~' || c == '/') {
			w->path[n++] = '~';
			w->path[n++] = c == '~' ? '0' : '1';
		} else {
			w->path[n++] = c;
		}
	}
	return n + 2 < sizeof(w->path) ? n : 0;
}

/* Members that hold data, not schemas: a look-alike in there means nothing. */
static bool
is_data(struct str key)
{
	return str_eq(key, STR("const")) || str_eq(key, STR("enum")) ||
	       str_eq(key, STR("default")) || str_eq(key, STR("examples"));
}

/* A schema reached by `properties` alone has path_n > 0, or is the root. */
struct at {
	size_t path_n;
	size_t depth;
	bool reached;
};
static enum err walk_schema(struct walk *w, struct jv schema, struct at at);

static enum err
walk_properties(struct walk *w, struct jv props, struct at at)
{
	struct jit it = jit_of(props);
	struct str key;
	struct jv v;

	if (!jv_is(props, J_OBJ))
		return OK;
	while (jit_next(&it, &key, &v)) {
		struct at in = { 0, at.depth + 1, at.reached };

		if (at.reached) {
			in.path_n = path_add(w, at.path_n, key);
			in.reached = in.path_n > 0;
		}
		TRY(walk_schema(w, v, in));
	}
	return OK;
}

/* NOLINTNEXTLINE(misc-no-recursion): bounded by SCHEMA_DEPTH */
static enum err
walk_schema(struct walk *w, struct jv schema, struct at at)
{
	struct jit it = jit_of(schema);
	const bool obj = jv_is(schema, J_OBJ);
	struct str key;
	struct jv v;

	if (at.depth > SCHEMA_DEPTH)
		return bad(w, "is sought in too deep a schema");
	while (jit_next(&it, &key, &v)) {
		struct at in = { 0, at.depth + 1, false };

		if (obj && str_eq(key, STR("x-mcp-header")))
			TRY(add_head(w, schema, v, at.path_n));
		else if (obj && str_eq(key, STR("properties")))
			TRY(walk_properties(w, v, at));
		else if (!obj || !is_data(key))
			TRY(walk_schema(w, v, in));
	}
	return OK;
}

NODISCARD enum err
mcp_tool_headers(struct jv input_schema, struct buf *tape, struct note *why)
{
	struct walk w = { .tape = tape, .why = why };
	const size_t old = tape->n, mark = tape_obj(tape);
	const enum err e =
	    walk_schema(&w, input_schema, (struct at){ 0, 0, true });

	if (e) {
		tape->n = old;
		return e;
	}
	tape_end(tape, mark, w.n);
	return buf_end(tape);
}

/* ---- arguments and headers ---- */

/* The argument at an escaped path; J_NONE when a step is missing. */
static struct jv
arg_at(struct jv v, struct str path)
{
	struct str rest = path, step;

	while (str_split(&rest, '/', &step)) {
		char name[PATH_MAX_];
		size_t n = 0;

		for (size_t i = 0; i < step.n && n < sizeof(name); i++) {
			char c = step.p[i];

			if (c == '~' && i + 1 < step.n)
				c = step.p[++i] == '1' ? '/' : '~';
			name[n++] = c;
		}
		v = jv_get(v, (struct str){ name, n });
	}
	return v;
}

/* Header names fold; two that fold alike were made null by who read them. */
static struct jv
head_at(struct jv heads, struct str name)
{
	struct jit it = jit_of(heads);
	struct str key;
	struct jv v;

	if (jv_is(heads, J_OBJ))
		while (jit_next(&it, &key, &v))
			if (str_ieq(key, name))
				return v;
	return (struct jv){ NULL, 0 };
}

/* The grammar of a JSON number, loosely: jv_i64 has the last word on those
 * characters, so what is not a number must not reach it. */
static bool
is_number(struct str s)
{
	size_t i = s.n > 0 && s.p[0] == '-' ? 1 : 0, digits = i;

	while (i < s.n && s.p[i] >= '0' && s.p[i] <= '9')
		i++;
	if (i == digits || i > 20)
		return false;
	if (i == s.n)
		return true;
	if (s.p[i++] != '.' || i == s.n || s.n - i > 20)
		return false;
	for (; i < s.n; i++)
		if (s.p[i] != '0') /* a fraction that changes the value */
			return false;
	return true;
}

static bool
same_integer(struct jv arg, struct str text)
{
	struct str whole = str_sub(text, 0, str_find(text, '.'));
	const bool minus = whole.n > 0 && whole.p[0] == '-';
	const struct str digits =
	    str_sub(whole, minus ? 1 : 0, whole.n - (minus ? 1 : 0));
	int64_t want;
	uint64_t got;

	if (!is_number(text) || jv_i64(arg, &want) || str_u64(digits, &got) ||
	    got > INT64_MAX)
		return false;
	return want == (minus ? -(int64_t)got : (int64_t)got);
}

static bool
same_value(struct jv arg, struct jv head)
{
	const struct str text = jv_str(head);

	if (!jv_is(head, J_STR))
		return false;
	switch (jv_type(arg)) {
	case J_STR:
		return str_eq(jv_str(arg), text);
	case J_NUM:
		return same_integer(arg, text);
	case J_TRUE:
		return str_eq(text, STR("true"));
	case J_FALSE:
		return str_eq(text, STR("false"));
	case J_NONE:
	case J_NULL:
	case J_ARR:
	case J_OBJ:
		break;
	}
	return false;
}

static bool
is_given(struct jv arg)
{
	return !jv_is(arg, J_NONE) && !jv_is(arg, J_NULL);
}

NODISCARD enum err
mcp_heads_agree(struct jv tool_headers, struct jv arguments, struct jv heads,
    struct note *why)
{
	struct jit it = jit_of(tool_headers);
	struct str path;
	struct jv name;

	while (jit_next(&it, &path, &name)) {
		const struct jv arg = arg_at(arguments, path);
		const struct jv head = head_at(heads, jv_str(name));

		if (!is_given(arg) && jv_is(head, J_NONE))
			continue;
		if (is_given(arg) && same_value(arg, head))
			continue;
		note_set(why, "Mcp-Param-%.*s %s", STR_ARG(jv_str(name)),
		    jv_is(head, J_NONE) ? "is missing"
					: "does not match the body");
		return ERR_SYNTAX;
	}
	return OK;
}

void
mcp_heads_make(struct jv tool_headers, struct jv arguments, struct buf *tape)
{
	struct jit it = jit_of(tool_headers);
	const size_t mark = tape_obj(tape);
	size_t n = 0;
	struct str path;
	struct jv name;

	while (jit_next(&it, &path, &name)) {
		const struct jv arg = arg_at(arguments, path);
		const enum jtype t = jv_type(arg);
		char dec[24];
		struct str text = jv_str(arg);
		int64_t i;

		if (t == J_TRUE || t == J_FALSE) {
			text = t == J_TRUE ? STR("true") : STR("false");
		} else if (t == J_NUM && jv_i64(arg, &i) == OK) {
			text.n = (size_t)snprintf(
			    dec, sizeof(dec), "%lld", (long long)i);
			text.p = dec;
		} else if (t != J_STR) {
			continue; /* absent, null, or not of the schema's type
				   */
		}
		tape_key(tape, jv_str(name));
		tape_str(tape, text);
		n++;
	}
	tape_end(tape, mark, n);
}
