/*
 * markup: what HTML and Markdown do not show, and links and images that carry
 * data away by being shown.  No parser of HTML: a reader of comments, and of
 * tags whose attributes hide what is in them, which is what is used.
 */
#include "inspect/inspect-in.h"

enum { HIDDEN_MAX = 8 * 1024, PIECES_MAX = 200, QUERY_LEAST = 24 };

/* Attributes that hide, without spaces, small letters. */
static const struct str hides[] = { STR_INIT("display:none"),
	STR_INIT("visibility:hidden"), STR_INIT("font-size:0"),
	STR_INIT("font-size:1px"), STR_INIT("opacity:0"),
	STR_INIT("color:white"), STR_INIT("color:#fff"),
	STR_INIT("color:transparent"), STR_INIT("left:-9999"),
	STR_INIT("width:0"), STR_INIT("aria-hidden=\"true\""),
	STR_INIT("hidden>"), STR_INIT("hidden=") };

static bool
tag_hides(struct str tag)
{
	char small[256];
	size_t n = 0;

	for (size_t i = 0; i < tag.n && n < sizeof(small); i++) {
		const char c = tag.p[i];

		if (c == ' ' || c == '\n' || c == '\t')
			continue;
		small[n++] = c >= 'A' && c <= 'Z' ? (char)(c + 32) : c;
	}
	for (size_t k = 0; k < countof(hides); k++)
		if (str_search((struct str){ small, n }, hides[k]) != n)
			return true;
	return false;
}

/* From `at`, the bytes before `what`; the rest when it never comes. */
static struct str
before(struct str s, size_t at, struct str what)
{
	const struct str rest = str_sub(s, at, HIDDEN_MAX);

	return str_sub(rest, 0, str_search(rest, what));
}

static void
hidden(struct inspect *i, struct str s, size_t at)
{
	saw(i, DET_HIDDEN, at);
	look_hidden(i, s, at);
}

/* A tag or comment at `at`; the bytes it takes. */
static size_t
tag_at(struct inspect *i, struct str s, size_t at)
{
	struct str in;

	if (str_starts(str_sub(s, at, 4), STR("<!--"))) {
		in = before(s, at + 4, STR("-->"));
		hidden(i, in, at);
		return in.n + 4;
	}
	in = str_sub(s, at, 400);
	in = str_sub(in, 0, str_find(in, '>') + 1);
	if (in.n < 8 || !tag_hides(in))
		return 1;
	hidden(i, before(s, at + in.n, STR("</")), at);
	return in.n;
}

/* [//]: # (text), [comment]: <> (text): Markdown that shows nothing. */
static void
comment_at(struct inspect *i, struct str s, size_t at)
{
	const struct str in = str_sub(s, at, 24);

	if (str_starts(in, STR("[//]:")) || str_starts(in, STR("[comment]:")))
		hidden(i, before(s, at, STR("\n")), at);
}

static bool
web(struct str s)
{
	return str_starts(s, STR("http://")) || str_starts(s, STR("https://"));
}

/* A link whose query is a template to be filled, or an image with a long one:
 * shown, it sends. */
static void
link_at(struct inspect *i, struct str s, size_t at, bool image)
{
	struct str to = str_sub(s, at, 600);
	size_t q;

	to = str_sub(to, 0, str_find(to, ')'));
	to = str_sub(to, 0, str_find(to, ' '));
	q = str_find(to, '?');
	if (!web(to) || q == to.n)
		return;
	to = str_sub(to, q + 1, to.n);
	if (str_find(to, '{') != to.n || str_find(to, '<') != to.n ||
	    str_search(to, STR("[")) != to.n ||
	    (image && to.n >= QUERY_LEAST &&
		token_end(to, str_find(to, '=') + 1) >
		    str_find(to, '=') + QUERY_LEAST))
		saw(i, DET_CARRY, at);
}

void
look_markup(struct inspect *i, struct str s)
{
	size_t pieces = 0;

	for (size_t at = 0; at < s.n; at++) {
		const char c = s.p[at];

		if (c != '<' && c != '[' && c != ']')
			continue;
		if (c == '<' && at + 3 < s.n) {
			const size_t used = tag_at(i, s, at);

			pieces += used > 1;
			at += used - 1;
		} else if (c == '[') {
			comment_at(i, s, at);
		} else if (at + 2 < s.n && s.p[at + 1] == '(') {
			const struct str text = str_sub(s, 0, at);
			size_t open = at;

			while (open > 0 && at - open < 200 &&
			       text.p[open - 1] != '[')
				open--;
			link_at(
			    i, s, at + 2, open > 1 && text.p[open - 2] == '!');
		}
		if (pieces > PIECES_MAX) {
			i->unscanned = true;
			return;
		}
	}
}
