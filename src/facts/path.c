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
has_any(struct str s, const struct str *v, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (str_search(s, v[i]) < s.n)
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
	char *p = arena_alloc(a, s.n + 1);

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

/* Writes the canonical form part by part; each prefix is a directory above. */
static struct str
rebuild(struct reading *r, struct str root, const struct parts *parts,
    struct fset *under)
{
	struct str s = root;

	if (root.n)
		fset_add(under, root);
	for (size_t i = 0; i < parts->n; i++) {
		const bool slash = s.n && s.p[s.n - 1] != '/';

		s = join3(r->a, s, slash ? STR("/") : STR(""), parts->v[i]);
		fset_add(under, s);
	}
	return s.n ? s : STR(".");
}

static struct str
extension(struct str name)
{
	for (size_t i = name.n; i > 1; i--)
		if (name.p[i - 1] == '.')
			return str_sub(name, i, name.n);
	return STR("");
}

static enum err
put_parts(struct reading *r, struct str s, struct parts *parts)
{
	const bool drive = has_drive(s);
	const bool absolute = drive || s.p[0] == '/';
	struct fset *under = fset_new(r);
	struct str root = absolute ? STR("/") : STR(""), whole;
	bool hidden = false;

	if (drive)
		root = join3(
		    r->a, upper(r->a, str_sub(s, 0, 1)), STR(":/"), STR(""));
	if (parts_of(drive ? str_sub(s, 2, s.n) : s, parts))
		return no(r, "more than %d parts", SET_MAX);
	for (size_t i = 0; i < parts->n; i++)
		hidden |= parts->v[i].p[0] == '.';
	if (under == NULL || root.p == NULL)
		return ERR_LIMIT;
	if (!absolute && parts->climbs)
		root = STR("..");
	whole = rebuild(r, root, parts, under);
	if (!absolute && parts->climbs)
		under->n = 0; /* above its start: nobody knows where */
	put_text(r, "canonical", whole);
	put_is(r, "absolute", absolute);
	put_is(r, "climbs", parts->climbs);
	put_fset(r, "under", under);
	put_text(r, "name", parts->n ? parts->v[parts->n - 1] : STR(""));
	put_text(r, "extension",
	    parts->n ? extension(parts->v[parts->n - 1]) : STR(""));
	put_is(r, "hidden", hidden);
	return OK;
}

enum err
read_path(struct reading *r)
{
	struct parts *parts = arena_alloc(r->a, sizeof(*parts));
	struct str s = r->text, raw;
	bool encoded;

	if (s.n == 0)
		return no(r, "an empty path");
	if (s.n > PATH_BYTES_MAX)
		return no(r, "a path longer than %d bytes", PATH_BYTES_MAX);
	if (parts == NULL)
		return ERR_LIMIT;
	TRY(without_scheme(r, &s));
	raw = s;
	if (unpercent(r->a, s, &s, &encoded))
		return no(r, "escapes that decode to no text");
	if (has_control(s))
		return no(r, "a control character in a path");
	if ((encoded || str_find(s, '\\') < s.n) &&
	    parts_agree(r->a, raw, true) != OK)
		return no(r, "escapes or backslashes that lead elsewhere for "
			     "who does not decode them");
	s = slashes(r->a, s);
	if (s.p == NULL)
		return ERR_LIMIT;
	TRY(put_parts(r, s, parts));
	put_is(r, "encoded", encoded);
	put_is(r, "expands", expands(s));
	put_is(r, "lookalike", has_any(s, lookalikes, countof(lookalikes)));
	return OK;
}
