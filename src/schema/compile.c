/*
 * compile: a schema to an image.  Nodes wait in a list; compiling one appends
 * those it needs, so nothing recurses.
 */
#include <stdarg.h>

#include "schema/compile-in.h"

const struct schema_limits schema_default = { 20000, 4 * 1024 * 1024, 4000,
	10000, 5000000 };

const struct op_row op_rows[OP__N] = {
#define OP_ROW(op, keyword, operands) [op] = { keyword, operands },
	OPS(OP_ROW)
};

enum { STRINGS = 4 * 1024 * 1024 }; /* URIs and names while compiling */

static struct str
where(const struct unit *u, uint32_t node)
{
	const uint8_t *h =
	    (const uint8_t *)u->heads.p + 4 * (size_t)NODE * node;

	return (struct str){ u->pool.p + word(h, N_WHERE), word(h, N_WHERE_N) };
}

bool
unit_has(const struct unit *u, enum keyword k)
{
	return !jv_is(u->kw[k], J_NONE);
}

void
unit_bad(struct unit *u, enum err e, const char *keyword, const char *fmt, ...)
{
	struct str at = { NULL, 0 };
	char text[200];
	va_list ap;

	if (u->err)
		return;
	u->err = e;
	if (u->why == NULL)
		return;
	va_start(ap, fmt);
	(void)vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	if (u->node != NONE)
		at = where(u, u->node);
	if (at.n > 60)
		at = str_sub(at, at.n - 60, 60);
	note_set(u->why, "%.*s%s%s: %s", STR_ARG(at),
	    keyword == NULL ? "" : "/", keyword == NULL ? "" : keyword, text);
}

bool
unit_spend(struct unit *u, uint64_t n)
{
	spend(&u->steps, n);
	if (u->steps == 0)
		unit_bad(u, ERR_LIMIT, NULL, "it takes too long to compile");
	return !u->err;
}

static void
image_full(struct unit *u)
{
	unit_bad(u, ERR_LIMIT, NULL, "its image would be longer than %u bytes",
	    u->lim.image);
}

uint32_t
unit_pool(struct unit *u, struct str s)
{
	const uint32_t at = (uint32_t)u->pool.n;

	buf_str(&u->pool, s);
	if (u->pool.full)
		image_full(u);
	return at;
}

size_t
op_begin(struct unit *u, enum op op)
{
	const size_t mark = u->ops.n;

	if (op == OP_UNEVAL_ITEMS || op == OP_UNEVAL_PROPS)
		word_set(
		    u->heads.p + 4 * ((size_t)NODE * u->node + N_TRACKS), 1);
	buf_u32(&u->ops, op);
	return mark;
}

void
op_word(struct unit *u, uint32_t w)
{
	buf_u32(&u->ops, w);
}

void
op_str(struct unit *u, struct str s)
{
	op_word(u, unit_pool(u, s));
	op_word(u, (uint32_t)s.n);
}

void
op_end(struct unit *u, size_t mark)
{
	const size_t n = (u->ops.n - mark) / 4 - 1;

	if (u->ops.full || n >= 1U << 24) {
		image_full(u);
		return;
	}
	word_set(u->ops.p + mark,
	    word((const uint8_t *)u->ops.p + mark, 0) | (uint32_t)n << 8);
}

/* ---- nodes ---- */

static uint32_t
node_new(struct unit *u, struct place p, uint32_t at, uint32_t n)
{
	const uint32_t head[NODE] = { 0, p.resource, 0, at, n };

	if (UNIT_N(u->places, struct place) >= u->lim.nodes)
		unit_bad(u, ERR_LIMIT, NULL, "more than %u subschemas",
		    u->lim.nodes);
	buf_put(&u->places, &p, sizeof(p));
	for (size_t i = 0; i < NODE; i++)
		buf_u32(&u->heads, head[i]);
	if (u->places.full || u->heads.full)
		image_full(u);
	return UNIT_N(u->places, struct place) - 1;
}

/* Members with schemas in them: {} judges nothing. */
static bool
is_empty(struct jv v)
{
	return jv_is(v, J_OBJ) && jv_count(v) == 0;
}

/* A number in the map. */
static void *
as_pointer(uint32_t i)
{
	return (void *)(uintptr_t)i; /* NOLINT(performance-*) */
}

/* The node of v, made if need be.  Its place is in the pool already, from
 * `at`, unless another has it. */
static uint32_t
node_of(
    struct unit *u, struct jv v, uint32_t resource, bool closed, uint32_t at)
{
	const struct place p = { v, resource, closed };
	char key[sizeof(v.p) + 1];
	uint32_t node;
	void *known;

	if (u->err)
		return NODE_FALSE;
	memcpy(key, &v.p, sizeof(v.p));
	key[sizeof(v.p)] = (char)closed;
	known = map_get(u->seen, (struct str){ key, sizeof(key) });
	if (known != NULL) {
		u->pool.n = at; /* its place has been said */
		return (uint32_t)(uintptr_t)known - 1;
	}
	node = node_new(u, p, at, (uint32_t)u->pool.n - at);
	if (!u->err)
		(void)map_put(u->seen, (struct str){ key, sizeof(key) },
		    as_pointer(node + 1));
	return node;
}

/* A schema that is true, false or {} has a node already. */
static bool
is_trivial(struct unit *u, struct jv v, enum keyword k, uint32_t *node)
{
	*node = jv_is(v, J_FALSE) ? NODE_FALSE : NODE_TRUE;
	if (jv_is(v, J_TRUE) || jv_is(v, J_FALSE) || is_empty(v))
		return true;
	if (!jv_is(v, J_OBJ))
		unit_bad(u, ERR_SYNTAX,
		    k == K__N ? NULL : keyword_rows[k].name.p,
		    "a schema must be an object, true or false");
	return u->err != OK;
}

static void
put_key(struct buf *b, struct str key)
{
	for (size_t i = 0; i < key.n; i++) {
		if (key.p[i] == '~')
			buf_str(b, STR("~0"));
		else if (key.p[i] == '/')
			buf_str(b, STR("~1"));
		else
			buf_ch(b, key.p[i]);
	}
}

/* The resource that v begins; else the one it stands in. */
static uint32_t
resource_at(struct unit *u, struct jv v, uint32_t resource)
{
	uint32_t own = NONE;

	if (jv_is(jv_get(v, STR("$id")), J_STR))
		own = scan_root(u, v);
	return own == NONE ? resource : own;
}

static void
edge(struct unit *u, uint32_t to)
{
	const struct edge e = { u->node, to };

	buf_put(&u->edges, &e, sizeof(e));
	if (u->edges.full)
		image_full(u);
}

uint32_t
unit_child(struct unit *u, struct jv v, struct step s)
{
	const uint32_t at = (uint32_t)u->pool.n;
	const struct str here = where(u, u->node);
	uint32_t node;

	if (is_trivial(u, v, s.keyword, &node) || !unit_spend(u, 1))
		return node;
	(void)buf_room(&u->pool, here.n + s.key.n * 2 + 64); /* may move it */
	buf_str(&u->pool, where(u, u->node));
	buf_ch(&u->pool, '/');
	buf_str(&u->pool, keyword_rows[s.keyword].name);
	if (s.key.p != NULL || s.index != NONE)
		buf_ch(&u->pool, '/');
	if (s.key.p != NULL)
		put_key(&u->pool, s.key);
	else if (s.index != NONE)
		buf_dec(&u->pool, s.index);
	if (u->pool.full)
		image_full(u);
	node = node_of(u, v, resource_at(u, v, u->place.resource),
	    u->opts->closed && !s.same, at);
	if (s.same)
		edge(u, node);
	return node;
}

static uint32_t
target_node(struct unit *u, const struct target *t, struct str fragment)
{
	const uint32_t at = (uint32_t)u->pool.n;
	uint32_t node;

	if (is_trivial(u, t->v, K__N, &node))
		return node;
	buf_str(
	    &u->pool, UNIT_AT(u->resources, struct resource, t->resource)->uri);
	buf_ch(&u->pool, '#');
	buf_str(&u->pool, fragment);
	if (u->pool.full)
		image_full(u);
	return node_of(u, t->v, resource_at(u, t->v, t->resource), false, at);
}

uint32_t
unit_ref(struct unit *u, const struct target *t, struct str ref, bool same)
{
	struct uri parts;
	uint32_t node;

	uri_split(ref, &parts);
	node = target_node(u, t, parts.fragment);
	if (same)
		edge(u, node);
	return node;
}

uint32_t
unit_dyn(struct unit *u, struct str name)
{
	const uint32_t n = UNIT_N(u->dyns, struct str);

	(void)unit_spend(u, n + 1);
	for (uint32_t i = 0; i < n; i++)
		if (str_eq(*UNIT_AT(u->dyns, struct str, i), name))
			return i;
	buf_put(&u->dyns, &name, sizeof(name));
	if (u->dyns.full)
		unit_bad(u, ERR_LIMIT, NULL, "too many names of $dynamicRef");
	return n;
}

/* ---- one node ---- */

static void
words_of(struct unit *u)
{
	const struct resource *r =
	    UNIT_AT(u->resources, struct resource, u->place.resource);
	struct jit it = jit_of(u->place.v);
	struct str key;
	struct jv one;

	memset(u->kw, 0, sizeof(u->kw));
	while (jit_next(&it, &key, &one)) {
		const enum keyword k = keyword_of(key);

		if (k == K__N ||
		    (keyword_rows[k].vocabulary & r->vocabularies) == 0 ||
		    (keyword_rows[k].dialects & r->dialect) == 0)
			continue;
		u->kw[k] = one;
	}
	if (r->dialect == D_07 && !jv_is(u->kw[K_REF], J_NONE)) {
		one = u->kw[K_REF]; /* it stands alone there */
		memset(u->kw, 0, sizeof(u->kw));
		u->kw[K_REF] = one;
	}
}

static void
compile_node(struct unit *u, uint32_t node)
{
	uint32_t at;

	u->node = node;
	u->place = *UNIT_AT(u->places, struct place, node);
	scan_dialect(u, u->place.resource);
	UNIT_AT(u->resources, struct resource, u->place.resource)->entered =
	    true;
	if (!unit_spend(u, 1 + jv_count(u->place.v)))
		return;
	words_of(u);
	buf_clear(&u->ops);
	emit_validation(u);
	emit_applicators(u);
	buf_u32(&u->ops, OP_END);
	at = (uint32_t)(u->code.n / 4);
	buf_str(&u->code, buf_view(&u->ops));
	if (u->ops.full || u->code.full)
		image_full(u);
	if (u->err)
		return;
	word_set(u->heads.p + 4 * ((size_t)NODE * node + N_CODE), at);
}

/* Anchors that a $dynamicRef may come to, in resources that are entered. */
static void
dynamic_nodes(struct unit *u)
{
	const uint32_t n = UNIT_N(u->anchors, struct anchor);

	u->node = NONE;
	for (uint32_t i = 0; i < UNIT_N(u->dyns, struct str); i++)
		for (uint32_t k = 0; k < n && unit_spend(u, 1); k++) {
			struct anchor *a =
			    UNIT_AT(u->anchors, struct anchor, k);
			const struct target t = { a->at, a->resource, k };

			if (a->node != NONE || !a->dynamic ||
			    !UNIT_AT(u->resources, struct resource, a->resource)
				 ->entered ||
			    !str_eq(*UNIT_AT(u->dyns, struct str, i), a->name))
				continue;
			a->node = target_node(u, &t, a->name);
		}
}

static void
compile_nodes(struct unit *u)
{
	uint32_t i = NODE_FIRST, before;

	do {
		for (; !u->err && i < UNIT_N(u->places, struct place); i++)
			compile_node(u, i);
		before = i;
		if (!u->err && UNIT_N(u->dyns, struct str) > 0)
			dynamic_nodes(u);
	} while (!u->err && UNIT_N(u->places, struct place) > before);
	u->node = NONE;
}

/* ---- the image ---- */

/* The lists of $dynamicRef: for each name, resources and their nodes. */
static uint32_t
put_dyns(struct unit *u)
{
	const uint32_t n = UNIT_N(u->dyns, struct str);
	const uint32_t anchors = UNIT_N(u->anchors, struct anchor);
	struct buf places = { .max = u->lim.image };
	uint32_t at;

	for (uint32_t i = 0; i < n; i++) {
		const size_t mark = u->code.n;
		uint32_t count = 0;

		buf_u32(&places, (uint32_t)(mark / 4));
		buf_u32(&u->code, 0);
		for (uint32_t k = 0; k < anchors; k++) {
			const struct anchor *a =
			    UNIT_AT(u->anchors, struct anchor, k);

			if (a->node == NONE ||
			    !str_eq(a->name, *UNIT_AT(u->dyns, struct str, i)))
				continue;
			buf_u32(&u->code, a->resource);
			buf_u32(&u->code, a->node);
			count++;
		}
		if (!u->code.full)
			word_set(u->code.p + mark, count);
	}
	at = (uint32_t)(u->code.n / 4);
	buf_str(&u->code, buf_view(&places));
	if (u->code.full || places.full)
		image_full(u);
	buf_done(&places);
	return at;
}

static void
put_image(struct unit *u, uint32_t root, struct buf *image)
{
	const uint32_t dyns = put_dyns(u), n = UNIT_N(u->places, struct place);
	const size_t size =
	    4 * (size_t)HEAD + u->heads.n + u->code.n + u->pool.n;
	const size_t before = image->n;
	const uint32_t head[HEAD] = { IMAGE_MAGIC, (uint32_t)size, n,
		(uint32_t)(u->code.n / 4), (uint32_t)u->pool.n, root, dyns,
		UNIT_N(u->dyns, struct str), u->program };
	struct schema check;

	if (u->err)
		return;
	if (size > u->lim.image) {
		image_full(u);
		return;
	}
	for (size_t i = 0; i < HEAD; i++)
		buf_u32(image, head[i]);
	buf_str(image, buf_view(&u->heads));
	buf_str(image, buf_view(&u->code));
	buf_str(image, buf_view(&u->pool));
	/* What nobody could open is no image: open has a limit of its own. */
	if (image->full)
		unit_bad(u, ERR_LIMIT, NULL, "the image does not fit");
	else if (schema_open(str_sub(buf_view(image), before, size), &check))
		unit_bad(u, ERR_LIMIT, NULL, "its patterns are too long");
	if (u->err) {
		image->full = false;
		image->n = before;
	}
}

static void
done(struct unit *u)
{
	struct buf *all[] = { &u->resources, &u->anchors, &u->places, &u->edges,
		&u->dyns, &u->heads, &u->code, &u->pool, &u->ops };

	for (size_t i = 0; i < countof(all); i++)
		buf_done(all[i]);
	for (size_t i = 0; i < u->metas_n; i++)
		buf_done(&u->metas[i]);
	map_free(u->seen);
	arena_free(u->arena);
}

/* NODE_TRUE and NODE_FALSE, and what leads to the root. */
static uint32_t
begin(struct unit *u, struct jv schema)
{
	const struct place none = { { NULL, 0 }, 0, false };
	uint32_t at, root;

	buf_u32(&u->code, OP_END);
	buf_u32(&u->code, OP_FALSE);
	buf_u32(&u->code, OP_END);
	(void)node_new(u, none, 0, 0);
	(void)node_new(u, none, 0, 0);
	if (!u->err)
		word_set(u->heads.p + 4 * (NODE * NODE_FALSE + N_CODE), 1);
	scan_document(u, u->opts->base, schema);
	for (size_t i = 0; i < u->opts->docs_n && !u->err; i++)
		scan_document(u, u->opts->docs[i].uri, u->opts->docs[i].root);
	if (is_trivial(u, schema, K__N, &root))
		return root;
	at = unit_pool(u, STR("#"));
	return node_of(
	    u, schema, resource_at(u, schema, 0), u->opts->closed, at);
}

enum err
schema_compile(struct jv schema, const struct schema_opts *opts,
    struct buf *image, struct note *why)
{
	static const struct schema_opts none = { 0 };
	const struct schema_limits *lim = opts == NULL || opts->limits == NULL
					      ? &schema_default
					      : opts->limits;
	const size_t max = lim->image;
	struct unit u = { .opts = opts == NULL ? &none : opts,
		.lim = *lim,
		.steps = lim->steps,
		.why = why,
		.node = NONE,
		.arena = arena_new(STRINGS),
		.seen = map_new(0),
		.resources = { .max = max },
		.anchors = { .max = max },
		.places = { .max = sizeof(struct place) * (lim->nodes + 3UL) },
		.edges = { .max = max },
		.dyns = { .max = max },
		.heads = { .max = max },
		.code = { .max = max },
		.pool = { .max = max },
		.ops = { .max = max } };
	const uint32_t root = begin(&u, schema);

	if (!u.err)
		compile_nodes(&u);
	if (!u.err)
		paths_count(&u);
	put_image(&u, root, image);
	done(&u);
	return u.err;
}
