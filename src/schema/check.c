/*
 * check: an image asked about a value.  A node is a row of operations; each
 * is a function.  What is found wrong is only noted in a second pass, so that
 * what conforms, and who does not ask, pays nothing for it.
 */
#include <stdarg.h>

#include "schema/check-in.h"

/* A schema that is false. */
static bool
check_false(struct run *r, const struct ctx *c, const uint8_t *p, uint32_t n)
{
	(void)p;
	(void)n;
	return check_fault(r, c, OP_FALSE, "no value is allowed here");
}

static check_op *const ops[OP__N] = {
	[OP_FALSE] = check_false,
	[OP_TYPE] = check_type,
	[OP_CONST] = check_const,
	[OP_ENUM] = check_enum,
	[OP_MULTIPLE] = check_multiple,
	[OP_MAX] = check_max,
	[OP_XMAX] = check_xmax,
	[OP_MIN] = check_min,
	[OP_XMIN] = check_xmin,
	[OP_MAXLEN] = check_maxlen,
	[OP_MINLEN] = check_minlen,
	[OP_PATTERN] = check_pattern,
	[OP_FORMAT] = check_format,
	[OP_MAXITEMS] = check_maxitems,
	[OP_MINITEMS] = check_minitems,
	[OP_UNIQUE] = check_unique,
	[OP_ITEMS] = check_items,
	[OP_CONTAINS] = check_contains,
	[OP_MAXPROPS] = check_maxprops,
	[OP_MINPROPS] = check_minprops,
	[OP_OBJECT] = check_object,
	[OP_PROPNAMES] = check_propnames,
	[OP_DEPREQ] = check_depreq,
	[OP_DEPSCHEMA] = check_depschema,
	[OP_REF] = check_ref,
	[OP_DYNREF] = check_dynref,
	[OP_ALLOF] = check_allof,
	[OP_ANYOF] = check_anyof,
	[OP_ONEOF] = check_oneof,
	[OP_NOT] = check_not,
	[OP_IF] = check_if,
	[OP_UNEVAL_ITEMS] = check_uneval_items,
	[OP_UNEVAL_PROPS] = check_uneval_props,
};

/* ---- which members were judged ---- */

struct track
track_new(struct run *r, size_t n)
{
	const struct track t = { r->bits_n, n / 64 + 1 };
	size_t cap = r->bits_cap;

	spend(r->steps, t.words);
	while (cap - r->bits_n < t.words)
		cap *= 2;
	if (cap > r->bits_cap && r->bits == r->near) {
		r->bits = mem_get(cap * sizeof(*r->bits));
		memcpy(r->bits, r->near, sizeof(r->near));
	} else if (cap > r->bits_cap) {
		r->bits = mem_more(r->bits, r->bits_cap * sizeof(*r->bits),
		    cap * sizeof(*r->bits));
	}
	r->bits_cap = cap;
	r->bits_n += t.words;
	memset(r->bits + t.at, 0, t.words * sizeof(*r->bits));
	return t;
}

void
track_drop(struct run *r, struct track t)
{
	r->bits_n = t.at;
}

static void
track_join(struct run *r, const struct track *to, struct track from)
{
	for (size_t i = 0; to != NULL && i < to->words && i < from.words; i++)
		r->bits[to->at + i] |= r->bits[from.at + i];
}

/* ---- faults ---- */

bool
check_goes_on(const struct run *r)
{
	return r->out != NULL && r->quiet == 0 &&
	       r->out->n<SCHEMA_FAULTS && * r->steps> 0;
}

/* The pointer to a spot; what does not fit is left out before the end. */
static void
pointer(const struct spot *spot, struct note *out)
{
	const struct spot *way[SCHEMA_DEPTH];
	struct buf b = { .max = sizeof(out->text) - 4 };
	size_t n = 0, fits = 0;

	for (; spot != NULL && n < countof(way); spot = spot->outer)
		way[n++] = spot;
	while (n-- > 0 && !b.full) {
		fits = b.n;
		buf_ch(&b, '/');
		for (size_t i = 0; i < way[n]->key.n; i++) {
			const char ch = way[n]->key.p[i];

			if (ch == '~' || ch == '/')
				buf_str(&b, ch == '~' ? STR("~0") : STR("~1"));
			else
				buf_ch(&b, ch);
		}
		if (way[n]->key.p == NULL)
			buf_dec(&b, way[n]->index);
	}
	note_set(out, "%.*s%s", (int)(b.full ? fits : b.n), b.p ? b.p : "",
	    b.full ? "/..." : "");
	buf_done(&b);
}

static bool fault(struct run *r, const struct ctx *c, const struct spot *spot,
    const char *keyword, const char *fmt, va_list ap) PRINTF(5, 0);
static bool
fault(struct run *r, const struct ctx *c, const struct spot *spot,
    const char *keyword, const char *fmt, va_list ap)
{
	const uint8_t *node = r->s->nodes + 4 * (size_t)NODE * c->node;
	struct schema_fault *f;

	if (!check_goes_on(r))
		return false;
	f = &r->out->v[r->out->n++];
	pointer(spot, &f->at);
	note_set(&f->where, "%.*s", STR_ARG(op_string(r, node, N_WHERE)));
	f->keyword = keyword;
	(void)vsnprintf(f->why.text, sizeof(f->why.text), fmt, ap);
	return false;
}

bool
check_fault(
    struct run *r, const struct ctx *c, enum op op, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	(void)fault(r, c, c->spot, op_rows[op].keyword, fmt, ap);
	va_end(ap);
	return false;
}

bool
check_fault_at(struct run *r, const struct ctx *c, const struct spot *spot,
    const char *keyword, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	(void)fault(r, c, spot, keyword, fmt, ap);
	va_end(ap);
	return false;
}

/* ---- nodes ---- */

static bool
operations(struct run *r, const struct ctx *c, const uint8_t *p)
{
	bool good = true;

	for (;;) {
		const uint32_t w = word(p, 0), n = w >> 8;

		if (w == OP_END)
			return good;
		if (!ops[w & 0xff](r, c, p + 4, n)) {
			good = false;
			if (!check_goes_on(r))
				return false;
		}
		p += 4 * ((size_t)n + 1);
	}
}

bool
check_node(struct run *r, uint32_t node, struct jv v, const struct spot *spot,
    const struct scope *scope, const struct track *track)
{
	const uint8_t *head = r->s->nodes + 4 * (size_t)NODE * node;
	const struct scope here = { scope, word(head, N_RESOURCE) };
	struct ctx c = { v, jv_type(v), node, spot, scope, track };
	struct track own;
	bool good, tracks;

	if (node == NODE_TRUE)
		return true;
	spend(r->steps, 1);
	if (r->depth == SCHEMA_DEPTH)
		*r->steps = 0;
	if (*r->steps == 0)
		return false;
	if (scope == NULL || scope->resource != here.resource)
		c.scope = &here;
	tracks = word(head, N_TRACKS) == 1 && c.t >= J_ARR;
	if (tracks) {
		own = track_new(r, jv_count(v));
		c.track = &own;
	}
	r->depth++;
	good = operations(r, &c, r->s->code + 4 * (size_t)word(head, N_CODE));
	r->depth--;
	if (tracks) {
		if (good)
			track_join(r, track, own);
		track_drop(r, own);
	}
	return good;
}

bool
check_branch(struct run *r, const struct ctx *c, uint32_t node)
{
	struct track own;
	bool good;

	if (c->track == NULL)
		return check_node(r, node, c->v, c->spot, c->scope, NULL);
	own = track_new(r, jv_count(c->v));
	good = check_node(r, node, c->v, c->spot, c->scope, &own);
	if (good)
		track_join(r, c->track, own);
	track_drop(r, own);
	return good;
}

enum err
schema_check(const struct schema *s, struct jv value, uint64_t *steps,
    struct schema_faults *faults)
{
	struct run r = { .s = s, .steps = steps, .bits_cap = NEAR };
	uint64_t left;
	bool good;

	r.key.max = (size_t)UINT32_MAX + 16;
	r.bits = r.near;
	if (faults != NULL)
		faults->n = 0;
	good = check_node(&r, s->root, value, NULL, NULL, NULL);
	left = *steps;
	if (!good && left > 0 && faults != NULL) {
		r.out = faults;
		(void)check_node(&r, s->root, value, NULL, NULL, NULL);
		if (*steps == 0)
			*steps = 1; /* what is known stays known */
	}
	if (r.bits != r.near)
		mem_free(r.bits);
	mem_free(r.room.p);
	buf_done(&r.key);
	if (left == 0)
		return ERR_LIMIT;
	return good ? OK : ERR_SYNTAX;
}
