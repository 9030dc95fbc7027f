/*
 * path.c: a file's path.  Encoded dots and slashes are decoded and backslashes
 * count as slashes, because some server will read them so: the canonical form
 * is the furthest that a path can reach, and what leads elsewhere for a server
 * that decodes less is refused.  It says nothing of symbolic links: the file
 * system is not here.
 */
#include "facts/facts-in.h"

enum { PATH_BYTES_MAX = 4096 };

/* Characters that a person, or a server that normalises, takes for . / or \ */
static const struct str lookalikes[] = {
	STR_INIT("\xe2\x80\xa4"), /* one dot leader */
	STR_INIT("\xe2\x80\xa5"), /* two dot leader */
	STR_INIT("\xef\xbc\x8e"), /* fullwidth full stop */
	STR_INIT("\xe2\x88\x95"), /* division slash */
	STR_INIT("\xe2\x81\x84"), /* fraction slash */
	STR_INIT("\xef\xbc\x8f"), /* fullwidth solidus */
	STR_INIT("\xe2\x88\x96"), /* set minus */
	STR_INIT("\xef\xbc\xbc"), /* fullwidth reverse solidus */
};

static bool
has_lookalike(struct str s)
{
	/* They begin with one of two bytes that most paths do not have. */
	if (str_find(s, '\xe2') == s.n && str_find(s, '\xef') == s.n)
		return false;
	for (size_t i = 0; i < countof(lookalikes); i++)
		if (str_search(s, lookalikes[i]) < s.n)
			return true;
	return false;
}

/* ~ in front, $NAME, ${NAME}, %NAME% */
static bool
expands(struct str s)
{
	const size_t at = str_find(s, '%');

	if (s.p[0] == '~' || str_find(s, '$') < s.n)
		return true;
	return at < s.n &&
	       str_find(str_sub(s, at + 1, s.n), '%') < s.n - at - 1;
}

/* file:///x and file://localhost/x are x. */
static enum err
without_scheme(struct reading *r, struct str *s)
{
	static const char *const fronts[] = { "file://localhost/", "file:///" };

	if (s->n < 5 || !str_ieq(str_sub(*s, 0, 5), STR("file:")))
		return OK;
	for (size_t i = 0; i < countof(fronts); i++) {
		const struct str f = str_of(fronts[i]);

		if (s->n >= f.n && str_ieq(str_sub(*s, 0, f.n), f)) {
			*s = str_sub(*s, f.n - 1, s->n);
			return OK;
		}
	}
	return no(r, "a file: address of another host is no local path");
}

static struct str
slashes(struct arena *a, struct str s)
{
	char *p;

	if (str_find(s, '\\') == s.n)
		return s;
	p = arena_alloc(a, s.n + 1);
	if (p == NULL)
		return (struct str){ NULL, 0 };
	for (size_t i = 0; i < s.n; i++)
		p[i] = (char)(s.p[i] == '\\' ? '/' : s.p[i]);
	return (struct str){ p, s.n };
}

/* C: in front: an absolute path of Windows. */
static bool
has_drive(struct str s)
{
	return s.n >= 2 && is_alpha(s.p[0]) && s.p[1] == ':';
}

static struct str
extension(struct str name)
{
	for (size_t i = name.n; i > 1; i--)
		if (name.p[i - 1] == '.')
			return str_sub(name, i, name.n);
	return STR("");
}

/* What is found of a path before the facts of it are put in their order. */
struct path {
	bool encoded, expands, lookalike;
};

/* Where the path begins: /, C:/, the unknown that .. leads to, or here. */
static struct str
root_of(struct reading *r, struct str s, bool climbs)
{
	if (has_drive(s))
		return join3(
		    r->a, upper(r->a, str_sub(s, 0, 1)), STR(":/"), STR(""));
	if (s.p[0] == '/')
		return STR("/");
	return climbs ? STR("..") : STR("");
}

static enum err
put_path(struct reading *r, struct str s, const struct path *p)
{
	const bool drive = has_drive(s);
	const bool absolute = drive || s.p[0] == '/';
	struct fset under = { .full = false };
	struct str name = STR(""), root, whole;
	struct parts parts;
	bool hidden = false;
	enum err e;

	e = parts_of(r->a, drive ? str_sub(s, 2, s.n) : s, &parts);
	if (e == ERR_SYNTAX)
		return no(r, "more than %d parts", SET_MAX);
	under.v = arena_alloc(r->a, (parts.n + 1) * sizeof(*under.v));
	root = root_of(r, s, parts.climbs);
	if (e != OK || under.v == NULL || root.p == NULL)
		return ERR_LIMIT;
	whole = parts_text(r->a, root, &parts, under.v, &under.n);
	if (!absolute && parts.climbs)
		under.n = 0; /* above its start: nobody knows where */
	for (size_t i = 0; i < parts.n; i++)
		hidden |= parts.v[i].p[0] == '.';
	if (parts.n > 0)
		name = parts.v[parts.n - 1];
	put_text(r, STR("name"), name);
	put_fset(r, STR("under"), &under);
	put_is(r, STR("climbs"), parts.climbs);
	put_is(r, STR("hidden"), hidden);
	put_is(r, STR("encoded"), p->encoded);
	put_is(r, STR("expands"), p->expands);
	put_is(r, STR("absolute"), absolute);
	put_text(r, STR("canonical"), whole.n > 0 ? whole : STR("."));
	put_text(r, STR("extension"), extension(name));
	put_is(r, STR("lookalike"), p->lookalike);
	return OK;
}

enum err
read_path(struct reading *r)
{
	struct path p = { .encoded = false };
	struct str s = r->text, raw;

	if (s.n == 0)
		return no(r, "an empty path");
	if (s.n > PATH_BYTES_MAX)
		return no(r, "a path longer than %d bytes", PATH_BYTES_MAX);
	TRY(without_scheme(r, &s));
	raw = s;
	if (unpercent(r->a, s, &s, &p.encoded))
		return no(r, "escapes that decode to no text");
	if (has_control(s))
		return no(r, "a control character in a path");
	if ((p.encoded || str_find(s, '\\') < s.n) &&
	    parts_agree(r->a, raw, true) != OK)
		return no(r, "escapes or backslashes that lead elsewhere for "
			     "who does not decode them");
	s = slashes(r->a, s);
	if (s.p == NULL)
		return ERR_LIMIT;
	p.expands = expands(s);
	p.lookalike = has_lookalike(s);
	return put_path(r, s, &p);
}
