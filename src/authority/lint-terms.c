/*
 * lint-terms.c: what the configuration declares of tools and arguments that
 * their servers do not show.  A fact of an argument that is not there is never
 * made, so a forbid that asks for it never holds.
 */
#include "authority/authority-in.h"

/* The texts that were meant, perhaps. */
struct near {
	struct str said, best;
	unsigned distance;
};

static void
near_take(struct near *n, struct str s)
{
	const unsigned d = str_distance(n->said, s);

	if (d <= 2 && (n->best.n == 0 || d < n->distance)) {
		n->best = s;
		n->distance = d;
	}
}

static void
say(const struct checking *k, struct str server, struct str tool,
    const struct near *n, const char *term, const char *what)
{
	struct policy_finding f = {
		.server = server, .tool = tool, .warning = true
	};
	const bool guess = n->best.n > 0;

	note_set(&f.note, "%s %s%.*s%s%.*s%s", term, what,
	    (int)(n->said.n > 60 ? 60 : n->said.n), n->said.p,
	    guess ? "; did you mean " : "",
	    (int)(n->best.n > 60 ? 60 : n->best.n), n->best.p,
	    guess ? "?" : "");
	k->to->got(k->to->arg, &f);
}

/* Kinds are read from texts; some from numbers, one from lists. */
static bool
kind_takes(enum fact_kind kind, bool list, struct str type)
{
	const bool number =
	    str_eq(type, STR("number")) || str_eq(type, STR("integer"));

	if (list)
		return type.n == 0 || str_eq(type, STR("array"));
	if (type.n == 0 || str_eq(type, STR("string")))
		return true;
	if (kind == FACT_COUNT && str_eq(type, STR("array")))
		return true;
	return number &&
	       (kind == FACT_COUNT || kind == FACT_MONEY || kind == FACT_SIZE);
}

static void
lint_argument(const struct checking *k, struct str server, struct jv tool,
    const char *term, struct str argument, struct str said)
{
	const bool list = fact_of_list(&said);
	const enum fact_kind kind = fact_kind_of(said);

	const struct jv properties =
	    jv_get(jv_get(tool, STR("inputSchema")), STR("properties"));
	const struct jv is = jv_get(properties, argument);
	const struct str type = jv_str(jv_get(is, STR("type")));
	const struct str name = jv_str(jv_get(tool, STR("name")));
	struct near n = { .said = argument };
	struct jit it = jit_of(properties);
	struct str key;

	if (jv_is(is, J_NONE)) {
		while (jit_next(&it, &key, NULL))
			near_take(&n, key);
		say(k, server, name, &n, term,
		    "names an argument that it does "
		    "not have, ");
	} else if (kind != FACT_NONE && !kind_takes(kind, list, type)) {
		say(k, server, name, &n, term,
		    str_eq(type, STR("array"))
			? "says of a list what one value is, so every call "
			  "with it is denied (with a * it is of each "
			  "element): "
			: "says of an argument what its type cannot be, so "
			  "every call with it is denied: ");
	}
}

static struct jv
tool_named(struct jv list, struct near *n)
{
	struct jit it = jit_of(list);
	struct jv v;

	while (jit_next(&it, NULL, &v)) {
		const struct str name = jv_str(jv_get(v, STR("name")));

		if (str_eq(name, n->said))
			return v;
		near_take(n, name);
	}
	return (struct jv){ NULL, 0 };
}

/* {"TOOL":{"ARG":"kind"}}, {"TOOL":{"ARG":"class"}} or {"TOOL":["group"]}. */
static void
lint_term(const struct checking *k, struct jv server, struct jv list,
    const char *member, const char *term)
{
	const struct str name = jv_str(jv_get(server, STR("name")));
	struct jit it = jit_of(jv_get(server, str_of(member)));
	const bool facts = strcmp(member, "facts") == 0;
	struct str tool, argument;
	struct jv said, v;

	while (jit_next(&it, &tool, &said)) {
		struct near n = { .said = tool };
		const struct jv def = tool_named(list, &n);
		struct jit at = jit_of(said);

		if (jv_is(def, J_NONE))
			say(k, name, tool, &n, term,
			    "names a tool that the server does not show, ");
		while (!jv_is(def, J_NONE) && at.obj &&
		       jit_next(&at, &argument, &v))
			lint_argument(k, name, def, term, argument,
			    facts ? jv_str(v) : STR(""));
	}
}

void
lint_terms(const struct checking *k)
{
	static const struct {
		const char *member, *term; /* of the image; of the file */
	} terms[] = { { "facts", "facts" }, { "risk", "risk" },
		{ "data", "data or keep" } };
	struct jit it = jit_of(jv_get(k->image, STR("servers")));
	struct jv server;

	while (jit_next(&it, NULL, &server)) {
		const struct jv list =
		    jv_get(k->tools, jv_str(jv_get(server, STR("name"))));

		for (size_t i = 0; jv_is(list, J_ARR) && i < countof(terms);
		     i++)
			lint_term(
			    k, server, list, terms[i].member, terms[i].term);
	}
}
