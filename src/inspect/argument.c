/*
 * argument: one value of a call's arguments: what it is for, and what no
 * pattern says of it: a path that climbs, an address that is inside.
 */
#include "inspect/inspect-in.h"

#include "facts/facts.h"

enum { ARENA = 256 * 1024, CLIMB_LEAST = 3 };

static const struct str role_names[ROLES] = { STR_INIT("other"),
	STR_INIT("shell"), STR_INIT("sql"), STR_INIT("body"), STR_INIT("path"),
	STR_INIT("url") };

bool
role_by_name(struct str name, enum role *out)
{
	for (size_t k = 0; k < ROLES; k++)
		if (str_eq(role_names[k], name)) {
			*out = (enum role)k;
			return true;
		}
	return false;
}

/* A part of an argument's name, and of its tool's; the first row that fits.
 * An empty tool fits every tool. */
static const struct {
	struct str tool, key;
	enum role role;
} guesses[] = {
	{ STR_INIT(""), STR_INIT("command"), ROLE_SHELL },
	{ STR_INIT(""), STR_INIT("cmd"), ROLE_SHELL },
	{ STR_INIT("shell"), STR_INIT(""), ROLE_SHELL },
	{ STR_INIT("bash"), STR_INIT(""), ROLE_SHELL },
	{ STR_INIT("terminal"), STR_INIT(""), ROLE_SHELL },
	{ STR_INIT("command"), STR_INIT(""), ROLE_SHELL },
	{ STR_INIT("exec"), STR_INIT("arg"), ROLE_SHELL },
	{ STR_INIT(""), STR_INIT("sql"), ROLE_SQL },
	{ STR_INIT("sql"), STR_INIT("query"), ROLE_SQL },
	{ STR_INIT("database"), STR_INIT("query"), ROLE_SQL },
	{ STR_INIT(""), STR_INIT("statement"), ROLE_SQL },
	{ STR_INIT(""), STR_INIT("content"), ROLE_BODY },
	{ STR_INIT(""), STR_INIT("code"), ROLE_BODY },
	{ STR_INIT(""), STR_INIT("script"), ROLE_BODY },
	{ STR_INIT(""), STR_INIT("patch"), ROLE_BODY },
	{ STR_INIT(""), STR_INIT("diff"), ROLE_BODY },
	{ STR_INIT(""), STR_INIT("new_str"), ROLE_BODY },
	{ STR_INIT(""), STR_INIT("old_str"), ROLE_BODY },
	{ STR_INIT(""), STR_INIT("newtext"), ROLE_BODY },
	{ STR_INIT(""), STR_INIT("oldtext"), ROLE_BODY },
	{ STR_INIT(""), STR_INIT("message"), ROLE_BODY },
	{ STR_INIT("write"), STR_INIT("text"), ROLE_BODY },
	{ STR_INIT(""), STR_INIT("url"), ROLE_URL },
	{ STR_INIT(""), STR_INIT("endpoint"), ROLE_URL },
	{ STR_INIT(""), STR_INIT("uri"), ROLE_PATH },
	{ STR_INIT(""), STR_INIT("path"), ROLE_PATH },
	{ STR_INIT(""), STR_INIT("file"), ROLE_PATH },
	{ STR_INIT(""), STR_INIT("dir"), ROLE_PATH },
	{ STR_INIT("view"), STR_INIT("target"), ROLE_PATH },
	{ STR_INIT("read"), STR_INIT("target"), ROLE_PATH },
};

static bool
has(struct str s, struct str part)
{
	for (size_t i = 0; i + part.n <= s.n; i++)
		if (str_ieq(str_sub(s, i, part.n), part))
			return true;
	return false;
}

enum role
role_of(struct str tool, struct str key)
{
	for (size_t k = 0; k < countof(guesses); k++)
		if (has(tool, guesses[k].tool) && has(key, guesses[k].key))
			return guesses[k].role;
	return ROLE_OTHER;
}

/* How many more times up than down, at its worst; back slashes are slashes. */
static size_t
climbs(struct str s)
{
	size_t up = 0, down = 0, worst = 0;

	for (size_t at = 0, end; at <= s.n; at = end + 1) {
		for (end = at;
		     end < s.n && s.p[end] != '/' && s.p[end] != '\\';)
			end++;
		const struct str part = str_sub(s, at, end - at);

		if (str_eq(part, STR("..")))
			up++;
		else if (part.n > 0 && !str_eq(part, STR(".")))
			down++;
		if (up > down && up - down > worst)
			worst = up - down;
	}
	return worst;
}

/* Does an address lead inside: this machine, a private net, metadata? */
static void
address(struct inspect *i, struct str s)
{
	struct arena *a;
	struct facts f = { .n = 0 };
	struct note why;
	const size_t space = str_find(s, ' ');

	if (space > 0 && space < s.n)
		s = str_sub(s, 0, space);
	if (str_search(s, STR("://")) == s.n)
		return;
	a = arena_new(ARENA);
	if (facts_read(FACT_URL, &(struct fact_value){ FACT_OF_TEXT, s, 0 }, a,
		&f, &why) == OK) {
		const struct fact *is = fact_get(&f, STR("private"));

		if (is != NULL && is->is)
			saw(i, DET_INTERNAL, 0);
	}
	arena_free(a);
}

void
look_argument(struct inspect *i, struct str s)
{
	struct buf *plain = &i->plain[INSPECT_DEPTH];
	struct str clear;

	if (!pay(i, s.n))
		return;
	unescape(s, plain);
	clear = buf_view(plain);
	if (i->role != ROLE_BODY && i->role != ROLE_SHELL) {
		const size_t up = climbs(clear);

		if (up > climbs(s))
			saw(i, DET_ENCODED_DOTS, 0);
		if (up >= CLIMB_LEAST)
			saw(i, DET_CLIMB, 0);
		address(i, clear);
	}
	look_inside(i, s, 0, 0);
	if (!str_eq(s, clear))
		look_inside(i, clear, 0, 1);
}
