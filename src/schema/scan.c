/*
 * scan: what can be named.  Walks a document where keywords say there are
 * schemas, and nowhere else (a $id in an enum is a value), for $id and anchors;
 * finds what a reference names; finds out what a dialect means.
 */
#include "schema/compile-in.h"

const struct keyword_row keyword_rows[K__N] = {
#define KEYWORD_ROW(k, name, vocabulary, dialects, sub)                        \
	[k] = { STR_INIT(name), vocabulary, dialects, sub },
	KEYWORDS(KEYWORD_ROW)
};

const char *
keyword_name(enum keyword k)
{
	return keyword_rows[k].name.p;
}

enum keyword
keyword_of(struct str name)
{
	unsigned k = 0;

	while (k < K__N && !str_eq(keyword_rows[k].name, name))
		k++;
	return (enum keyword)k;
}

static struct resource *
resource(struct unit *u, uint32_t i)
{
	return UNIT_AT(u->resources, struct resource, i);
}

/* A document's own $id comes after the URI it was given as, and counts. */
uint32_t
scan_root(struct unit *u, struct jv v)
{
	uint32_t i = UNIT_N(u->resources, struct resource);

	if (!unit_spend(u, i / 8 + 1))
		return NONE;
	while (i-- > 0)
		if (resource(u, i)->root.p == v.p)
			return i;
	return NONE;
}

static uint32_t
by_uri(struct unit *u, struct str uri)
{
	const uint32_t n = UNIT_N(u->resources, struct resource);

	if (!unit_spend(u, n / 4 + 1))
		return NONE;
	for (uint32_t i = 0; i < n; i++)
		if (str_eq(resource(u, i)->uri, uri))
			return i;
	return NONE;
}

static struct str
resolved(struct unit *u, struct str base, struct str ref)
{
	struct buf b = { .max = 65536 };
	struct str s;

	(void)unit_spend(u, 1 + (base.n + ref.n) / 16);
	uri_resolve(base, ref, &b);
	if (b.full)
		unit_bad(
		    u, ERR_LIMIT, NULL, "a URI is longer than 65,536 bytes");
	s = arena_str(u->arena, buf_view(&b));
	buf_done(&b);
	if (arena_spent(u->arena))
		unit_bad(u, ERR_LIMIT, NULL, "the URIs in it are too long");
	return s;
}

static uint32_t
resource_new(struct unit *u, struct str uri, struct jv root, uint32_t parent,
    uint32_t doc)
{
	const struct jv schema = jv_get(root, STR("$schema"));
	const uint32_t same = by_uri(u, uri);
	struct resource r = { .uri = uri, .root = root, .doc = doc };

	if (same != NONE && resource(u, same)->doc == doc &&
	    resource(u, same)->root.p != root.p && uri.n > 0)
		unit_bad(u, ERR_SYNTAX, "$id", "%.*s stands for two schemas",
		    STR_ARG(uri));
	if (jv_is(schema, J_STR))
		r.schema = jv_str(schema);
	else if (parent != NONE)
		r.schema = resource(u, parent)->schema;
	buf_put(&u->resources, &r, sizeof(r));
	if (u->resources.full)
		unit_bad(u, ERR_LIMIT, NULL, "too many $id");
	return UNIT_N(u->resources, struct resource) - 1;
}

static void
anchor_new(
    struct unit *u, uint32_t res, struct str name, struct jv at, bool dynamic)
{
	const struct anchor a = { res, name, at, dynamic, NONE };

	buf_put(&u->anchors, &a, sizeof(a));
	if (u->anchors.full)
		unit_bad(u, ERR_LIMIT, NULL, "too many anchors");
}

/* The resource that v begins, if its $id says so; else the one it is in. */
static uint32_t
identity(struct unit *u, struct jv v, uint32_t res)
{
	const struct str id = jv_str(jv_get(v, STR("$id")));
	struct uri parts;

	if (id.n == 0 || !jv_is(jv_get(v, STR("$id")), J_STR))
		return res;
	uri_split(id, &parts);
	if (parts.fragment.p == id.p + 1) { /* "#name", as draft-07 has it */
		if (parts.fragment.n > 0)
			anchor_new(u, res, parts.fragment, v, false);
		return res;
	}
	return resource_new(u, resolved(u, resource(u, res)->uri, id), v, res,
	    resource(u, res)->doc);
}

static void scan(struct unit *u, struct jv v, uint32_t res);

static void
scan_under(struct unit *u, enum sub sub, struct jv v, uint32_t res)
{
	struct jit it = jit_of(v);
	struct jv one;

	if (sub == SUB_ONE || (sub == SUB_EITHER && !jv_is(v, J_ARR))) {
		scan(u, v, res);
		return;
	}
	if (sub == SUB_NONE || jv_is(v, J_OBJ) != (sub == SUB_MAP))
		return;
	while (!u->err && jit_next(&it, NULL, &one))
		scan(u, one, res);
}

static void
scan(struct unit *u, struct jv v, uint32_t res)
{
	struct jit it = jit_of(v);
	struct str key;
	struct jv one;

	if (!jv_is(v, J_OBJ) || !unit_spend(u, 1 + jv_count(v)))
		return;
	res = identity(u, v, res);
	while (!u->err && jit_next(&it, &key, &one)) {
		const enum keyword k = keyword_of(key);

		if (k == K__N)
			continue;
		if (k == K_ANCHOR && jv_is(one, J_STR))
			anchor_new(u, res, jv_str(one), v, false);
		else if (k == K_DYNAMIC_ANCHOR && jv_is(one, J_STR))
			anchor_new(u, res, jv_str(one), v, true);
		else if (k == K_RECURSIVE_ANCHOR && jv_true(one))
			anchor_new(u, res, STR(""), v, true);
		else
			scan_under(u, keyword_rows[k].sub, one, res);
	}
}

void
scan_document(struct unit *u, struct str uri, struct jv root)
{
	const uint32_t doc = UNIT_N(u->resources, struct resource);

	scan(u, root, resource_new(u, uri, root, NONE, doc));
}

/* ---- references ---- */

/* The document of a meta-schema, once it is asked for. */
static uint32_t
meta(struct unit *u, struct str uri)
{
	const struct str text = meta_text(uri);
	struct buf *tape = &u->metas[u->metas_n];

	if (text.n == 0 || u->metas_n == countof(u->metas))
		return NONE;
	tape->max = 65536;
	BUG_ON(json_parse(text, &json_default, tape, NULL) != OK);
	u->metas_n++;
	scan_document(u, uri, jv_of(buf_view(tape)));
	return by_uri(u, uri);
}

static int
hex_of(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	c = (char)(c | 0x20);
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* A fragment without its percent signs. */
static struct str
plain(struct unit *u, struct str s)
{
	char *to;
	size_t n = 0;

	if (str_find(s, '%') == s.n)
		return s;
	to = arena_alloc(u->arena, s.n);
	for (size_t i = 0; to != NULL && i < s.n; i++) {
		if (s.p[i] == '%' && s.n - i > 2 && hex_of(s.p[i + 1]) >= 0 &&
		    hex_of(s.p[i + 2]) >= 0) {
			to[n++] = (char)(hex_of(s.p[i + 1]) * 16 +
					 hex_of(s.p[i + 2]));
			i += 2;
		} else {
			to[n++] = s.p[i];
		}
	}
	return (struct str){ to, to == NULL ? 0 : n };
}

/* ~0 and ~1 of a JSON pointer. */
static struct str
token(struct unit *u, struct str s)
{
	char *to;
	size_t n = 0;

	if (str_find(s, '~') == s.n)
		return s;
	to = arena_alloc(u->arena, s.n);
	for (size_t i = 0; to != NULL && i < s.n; i++) {
		const bool esc = s.p[i] == '~' && i + 1 < s.n;

		to[n++] = !esc ? s.p[i] : s.p[i + 1] == '1' ? '/' : '~';
		i += esc;
	}
	return (struct str){ to, to == NULL ? 0 : n };
}

static struct jv
go(struct unit *u, struct jv v, struct str t)
{
	struct jit it = jit_of(v);
	struct jv one = { NULL, 0 };
	uint64_t i;

	if (!unit_spend(u, 1 + jv_count(v) / 4))
		return one;
	if (jv_is(v, J_OBJ))
		return jv_get(v, token(u, t));
	if (!jv_is(v, J_ARR) || str_u64(t, &i) != OK || i >= jv_count(v))
		return one;
	do
		(void)jit_next(&it, NULL, &one);
	while (i-- > 0);
	return one;
}

static void
follow(struct unit *u, struct str pointer, struct target *t)
{
	while (!u->err && pointer.n > 0) {
		const struct str rest = str_sub(pointer, 1, pointer.n);
		const size_t n = str_find(rest, '/');
		uint32_t res;

		t->v = go(u, t->v, str_sub(rest, 0, n));
		pointer = str_sub(rest, n, rest.n);
		res = scan_root(u, t->v);
		if (res != NONE)
			t->resource = res;
	}
}

static void
find_anchor(struct unit *u, struct str name, struct target *t)
{
	const uint32_t n = UNIT_N(u->anchors, struct anchor);

	(void)unit_spend(u, n / 4 + 1);
	t->v = (struct jv){ NULL, 0 };
	for (uint32_t i = 0; i < n; i++) {
		const struct anchor *a = UNIT_AT(u->anchors, struct anchor, i);

		if (a->resource != t->resource || !str_eq(a->name, name))
			continue;
		t->v = a->at;
		t->anchor = i;
		return;
	}
}

/* A place that no keyword says is a schema may begin a resource, too. */
static void
maybe_scan(struct unit *u, struct target *t)
{
	uint32_t res;

	if (!jv_is(jv_get(t->v, STR("$id")), J_STR) ||
	    scan_root(u, t->v) != NONE)
		return;
	scan(u, t->v, t->resource);
	res = scan_root(u, t->v);
	if (res != NONE)
		t->resource = res;
}

bool
scan_target_from(
    struct unit *u, uint32_t from, struct str ref, struct target *out)
{
	struct target t = { .resource = from, .anchor = NONE };
	struct str uri, fragment;
	struct uri parts;

	uri_split(ref, &parts);
	if (!parts.has_fragment || parts.fragment.p - 1 != ref.p) {
		uri = resolved(u, resource(u, from)->uri, ref);
		t.resource = by_uri(u, uri);
		if (t.resource == NONE && !u->err)
			t.resource = meta(u, uri);
		if (t.resource == NONE || u->err)
			return false;
	}
	fragment = plain(u, parts.fragment);
	t.v = resource(u, t.resource)->root;
	t.resource = scan_root(u, t.v); /* by whichever URI it was found */
	if (u->err)
		return false;
	if (fragment.n > 0 && fragment.p[0] == '/')
		follow(u, fragment, &t);
	else if (fragment.n > 0)
		find_anchor(u, fragment, &t);
	if (jv_is(t.v, J_NONE) || u->err)
		return false;
	maybe_scan(u, &t);
	*out = t;
	return true;
}

bool
scan_target(struct unit *u, struct str ref, struct target *out)
{
	return scan_target_from(u, u->place.resource, ref, out);
}

/* ---- dialects ---- */

static const struct {
	struct str uri;
	unsigned dialect;
} dialects[] = {
	{ STR_INIT("https://json-schema.org/draft/2020-12/schema"), D_2020 },
	{ STR_INIT("https://json-schema.org/draft/2019-09/schema"), D_2019 },
	{ STR_INIT("http://json-schema.org/draft-07/schema"), D_07 },
	{ STR_INIT("https://json-schema.org/draft-07/schema"), D_07 },
	{ STR_INIT("http://json-schema.org/draft-06/schema"), D_07 },
};

#define VOCABULARY_2020 "https://json-schema.org/draft/2020-12/vocab/"
#define VOCABULARY_2019 "https://json-schema.org/draft/2019-09/vocab/"
static const struct {
	struct str uri;
	unsigned dialect, bits;
} vocabularies[] = {
	{ STR_INIT(VOCABULARY_2020 "core"), D_2020, V_CORE },
	{ STR_INIT(VOCABULARY_2020 "applicator"), D_2020, V_APPLICATOR },
	{ STR_INIT(VOCABULARY_2020 "unevaluated"), D_2020, V_UNEVALUATED },
	{ STR_INIT(VOCABULARY_2020 "validation"), D_2020, V_VALIDATION },
	{ STR_INIT(VOCABULARY_2020 "format-annotation"), D_2020, V_FORMAT },
	{ STR_INIT(VOCABULARY_2020 "format-assertion"), D_2020, V_ASSERT },
	{ STR_INIT(VOCABULARY_2020 "content"), D_2020, V_NOTE },
	{ STR_INIT(VOCABULARY_2020 "meta-data"), D_2020, V_NOTE },
	{ STR_INIT(VOCABULARY_2019 "core"), D_2019, V_CORE },
	{ STR_INIT(VOCABULARY_2019 "applicator"), D_2019,
	    V_APPLICATOR | V_UNEVALUATED },
	{ STR_INIT(VOCABULARY_2019 "validation"), D_2019, V_VALIDATION },
	{ STR_INIT(VOCABULARY_2019 "format"), D_2019, V_FORMAT },
	{ STR_INIT(VOCABULARY_2019 "content"), D_2019, V_NOTE },
	{ STR_INIT(VOCABULARY_2019 "meta-data"), D_2019, V_NOTE },
};

static void
one_vocabulary(
    struct unit *u, struct str uri, bool required, struct resource *r)
{
	for (size_t i = 0; i < countof(vocabularies); i++) {
		if (!str_eq(vocabularies[i].uri, uri))
			continue;
		r->vocabularies |= vocabularies[i].bits;
		r->dialect = vocabularies[i].dialect;
		return;
	}
	if (required)
		unit_bad(u, ERR_SYNTAX, "$schema",
		    "requires the vocabulary %.*s, which is not known here",
		    STR_ARG(uri));
}

/* What a meta-schema among the documents says of its vocabularies. */
static void
custom(struct unit *u, struct jv meta, struct resource *r)
{
	struct jit it = jit_of(jv_get(meta, STR("$vocabulary")));
	struct str uri;
	struct jv required;

	r->dialect = D_2020;
	if (!it.obj)
		r->vocabularies = V_ALL;
	while (!u->err && jit_next(&it, &uri, &required))
		one_vocabulary(u, uri, jv_true(required), r);
	r->vocabularies |= V_CORE;
}

void
scan_dialect(struct unit *u, uint32_t res)
{
	struct resource *r = resource(u, res), found;
	struct str uri = r->schema;
	uint32_t meta;

	if (r->dialect != 0)
		return;
	if (str_ends(uri, STR("#")))
		uri.n--;
	if (uri.n == 0)
		uri = dialects[0].uri;
	for (size_t i = 0; i < countof(dialects); i++)
		if (str_eq(dialects[i].uri, uri)) {
			r->dialect = dialects[i].dialect;
			r->vocabularies = V_ALL;
			return;
		}
	meta = by_uri(u, uri);
	if (meta == NONE) {
		unit_bad(u, ERR_SYNTAX, "$schema",
		    "%.*s is not known here: 2020-12, 2019-09, draft-07 are, "
		    "and meta-schemas given as documents",
		    STR_ARG(uri));
		return;
	}
	found = *r;
	custom(u, resource(u, meta)->root, &found);
	*resource(u, res) = found;
}
