/* uri: RFC 3986: a reference taken apart (section 3, appendix B) and resolved
 * against a base (section 5.2).  Nothing is judged here; format.c does. */
#include "schema/schema-in.h"

/* Takes what stands before the first of `stops` off *rest. */
static struct str
until(struct str *rest, const char *stops)
{
	struct str out = *rest;

	for (size_t i = 0; i < rest->n; i++)
		if (strchr(stops, rest->p[i]) != NULL && rest->p[i] != '\0') {
			out.n = i;
			break;
		}
	*rest = str_sub(*rest, out.n, rest->n);
	return out;
}

static bool
takes(struct str *rest, const char *word)
{
	const struct str w = str_of(word);

	if (!str_starts(*rest, w))
		return false;
	*rest = str_sub(*rest, w.n, rest->n);
	return true;
}

void
uri_split(struct str s, struct uri *out)
{
	struct uri u = { 0 };
	struct str rest = s, scheme = until(&rest, ":/?#");

	if (rest.n > 0 && rest.p[0] == ':' && scheme.n > 0) {
		u.scheme = scheme;
		rest = str_sub(rest, 1, rest.n);
	} else {
		rest = s;
	}
	u.has_authority = takes(&rest, "//");
	if (u.has_authority)
		u.authority = until(&rest, "/?#");
	u.path = until(&rest, "?#");
	u.has_query = takes(&rest, "?");
	if (u.has_query)
		u.query = until(&rest, "#");
	u.has_fragment = takes(&rest, "#");
	if (u.has_fragment)
		u.fragment = rest;
	*out = u;
}

/* Takes the last segment, its slash too, off what was written since start. */
static void
back(struct buf *b, size_t start)
{
	while (b->n > start && b->p[b->n - 1] != '/')
		b->n--;
	if (b->n > start)
		b->n--;
}

/* Section 5.2.4: removes dot segments while it appends. */
static void
put_path(struct buf *b, struct str in)
{
	const size_t start = b->n;

	while (in.n > 0 && !b->full) {
		struct str seg;

		if (takes(&in, "../") || takes(&in, "./"))
			continue;
		if (str_starts(in, STR("/./")) || str_eq(in, STR("/."))) {
			in = str_sub(in, 2, in.n);
			if (in.n == 0)
				in = STR("/");
		} else if (str_starts(in, STR("/../")) ||
			   str_eq(in, STR("/.."))) {
			in = str_sub(in, 3, in.n);
			if (in.n == 0)
				in = STR("/");
			back(b, start);
		} else if (str_eq(in, STR(".")) || str_eq(in, STR(".."))) {
			break;
		} else {
			buf_ch(b, in.p[0]);
			in = str_sub(in, 1, in.n);
			seg = until(&in, "/");
			buf_str(b, seg);
		}
	}
}

static void
put_merged(struct buf *b, const struct uri *base, struct str path)
{
	struct buf whole = { .max = b->max };
	size_t last = base->path.n;

	if (base->has_authority && base->path.n == 0)
		buf_ch(&whole, '/');
	while (last > 0 && base->path.p[last - 1] != '/')
		last--;
	buf_str(&whole, str_sub(base->path, 0, last));
	buf_str(&whole, path);
	put_path(b, buf_view(&whole));
	buf_done(&whole);
}

void
uri_resolve(struct str base, struct str ref, struct buf *out)
{
	struct uri b, r;
	const struct uri *from;

	uri_split(base, &b);
	uri_split(ref, &r);
	from = r.scheme.n > 0 || r.has_authority ? &r : &b;
	if (r.scheme.n == 0)
		r.scheme = b.scheme;
	if (r.scheme.n > 0) {
		buf_str(out, r.scheme);
		buf_ch(out, ':');
	}
	if (from->has_authority) {
		buf_str(out, STR("//"));
		buf_str(out, from->authority);
	}
	if (from == &b && r.path.n == 0) {
		buf_str(out, b.path);
		if (!r.has_query) {
			r.has_query = b.has_query;
			r.query = b.query;
		}
	} else if (from == &r || r.path.p[0] == '/') {
		put_path(out, r.path);
	} else {
		put_merged(out, &b, r.path);
	}
	if (r.has_query) {
		buf_ch(out, '?');
		buf_str(out, r.query);
	}
}
