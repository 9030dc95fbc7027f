/* emit: the keywords that ask something of a value itself (Validation, section
 * 6 and 7).  A keyword whose value is not what it must be is refused. */
#include "schema/compile-in.h"

static uint32_t
type_bits(struct unit *u, struct jv v)
{
	for (size_t i = 0; i < TYPES; i++)
		if (jv_is(v, J_STR) && str_eq(type_rows[i].name, jv_str(v)))
			return type_rows[i].bits;
	unit_bad(u, ERR_SYNTAX, "type",
	    "must be of null, boolean, number, integer, string, array, object");
	return 0;
}

static void
emit_type(struct unit *u)
{
	struct jit it = jit_of(u->kw[K_TYPE]);
	uint32_t bits = 0;
	struct jv one;
	size_t mark;

	if (!unit_has(u, K_TYPE))
		return;
	if (!jv_is(u->kw[K_TYPE], J_ARR))
		bits = type_bits(u, u->kw[K_TYPE]);
	while (!u->err && jit_next(&it, NULL, &one))
		bits |= type_bits(u, one);
	mark = op_begin(u, OP_TYPE);
	op_word(u, bits);
	op_end(u, mark);
}

static void
emit_const(struct unit *u)
{
	size_t mark;

	if (!unit_has(u, K_CONST))
		return;
	mark = op_begin(u, OP_CONST);
	op_str(u, jv_bytes(u->kw[K_CONST]));
	op_end(u, mark);
}

struct one {
	uint32_t hash;
	uint32_t at, n; /* in the pool, where they stand in order */
};

static int
by_hash(const void *a, const void *b)
{
	const struct one *x = a, *y = b;

	return x->hash < y->hash ? -1 : x->hash > y->hash;
}

static void
emit_enum(struct unit *u)
{
	struct jit it = jit_of(u->kw[K_ENUM]);
	const size_t n = jv_count(u->kw[K_ENUM]);
	struct one *all;
	size_t mark, i = 0;
	struct jv v;

	if (!unit_has(u, K_ENUM))
		return;
	if (!jv_is(u->kw[K_ENUM], J_ARR)) {
		unit_bad(u, ERR_SYNTAX, "enum", "must be an array");
		return;
	}
	all = mem_get((n + 1) * sizeof(*all));
	while (i < n && jit_next(&it, NULL, &v)) {
		all[i].hash = value_hash(v, &u->steps);
		all[i].n = (uint32_t)v.n;
		all[i++].at = unit_pool(u, jv_bytes(v));
	}
	(void)unit_spend(u, n); /* or hashes are not what they seem */
	qsort(all, i, sizeof(*all), by_hash);
	mark = op_begin(u, OP_ENUM);
	for (size_t k = 0; k < i; k++) {
		op_word(u, all[k].hash);
		op_word(u, all[k].at);
		op_word(u, all[k].n);
	}
	op_end(u, mark);
	mem_free(all);
}

static void
emit_number(struct unit *u, enum keyword k, enum op op)
{
	struct number num;
	size_t mark;

	if (!unit_has(u, k))
		return;
	if (!jv_is(u->kw[k], J_NUM)) {
		unit_bad(u, ERR_SYNTAX, keyword_name(k), "must be a number");
		return;
	}
	if (!number_read(jv_str(u->kw[k]), &num)) {
		unit_bad(u, ERR_LIMIT, keyword_name(k),
		    "has an exponent of more than 15 digits");
		return;
	}
	if (op == OP_MULTIPLE && (num.n == 0 || num.neg)) {
		unit_bad(u, ERR_SYNTAX, keyword_name(k), "must be more than 0");
		return;
	}
	if (op == OP_MULTIPLE && num.n > MULTIPLE_DIGITS) {
		unit_bad(u, ERR_LIMIT, keyword_name(k),
		    "has more than %d digits", MULTIPLE_DIGITS);
		return;
	}
	mark = op_begin(u, op);
	op_str(u, jv_bytes(u->kw[k]));
	op_end(u, mark);
}

/* A number that counts; one too large to be reached is as good as any. */
static bool
count_of(struct unit *u, enum keyword k, uint32_t *out)
{
	const struct jv v = u->kw[k];
	struct number num;
	uint64_t n = 0;
	const char *p;

	if (!jv_is(v, J_NUM) || !number_read(jv_str(v), &num) ||
	    !number_is_integer(&num) || (num.neg && num.n > 0)) {
		unit_bad(u, ERR_SYNTAX, keyword_name(k),
		    "must be an integer, 0 or more");
		return false;
	}
	p = num.p;
	for (int64_t i = 0; i < num.point && n < NONE; i++) {
		if (p < num.end && *p == '.')
			p++;
		n = n * 10 + (p < num.end ? (unsigned)(*p++ - '0') : 0);
	}
	*out = n < NONE ? (uint32_t)n : NONE - 1;
	return true;
}

static void
emit_count(struct unit *u, enum keyword k, enum op op)
{
	uint32_t n;
	size_t mark;

	if (!unit_has(u, k) || !count_of(u, k, &n))
		return;
	mark = op_begin(u, op);
	op_word(u, n);
	op_end(u, mark);
}

uint32_t
emit_program(struct unit *u, enum keyword k, struct str pattern)
{
	struct note why = { "" };
	uint32_t at = 0;
	enum err e;

	if (!unit_spend(u, 1 + pattern.n / 16))
		return 0;
	e = regex_make(
	    pattern, u->lim.pattern, &u->code, &at, &u->program, &why);
	if (e)
		unit_bad(u, e, keyword_name(k), "%s", why.text);
	(void)unit_spend(u, 1 + u->program);
	return at;
}

static void
emit_pattern(struct unit *u)
{
	const struct str s = jv_str(u->kw[K_PATTERN]);
	uint32_t at;
	size_t mark;

	if (!unit_has(u, K_PATTERN))
		return;
	if (!jv_is(u->kw[K_PATTERN], J_STR)) {
		unit_bad(u, ERR_SYNTAX, "pattern", "must be a string");
		return;
	}
	at = emit_program(u, K_PATTERN, s);
	mark = op_begin(u, OP_PATTERN);
	op_word(u, at);
	op_str(u, s);
	op_end(u, mark);
}

static void
emit_format(struct unit *u)
{
	const struct resource *r =
	    UNIT_AT(u->resources, struct resource, u->place.resource);
	const enum schema_format f = schema_format_of(jv_str(u->kw[K_FORMAT]));
	size_t mark;

	if (!unit_has(u, K_FORMAT))
		return;
	if (!jv_is(u->kw[K_FORMAT], J_STR)) {
		unit_bad(u, ERR_SYNTAX, "format", "must be a string");
		return;
	}
	if (f == SCHEMA_FORMATS || ((r->vocabularies & V_ASSERT) == 0 &&
				       (u->opts->formats >> f & 1) == 0))
		return;
	mark = op_begin(u, OP_FORMAT);
	op_word(u, f);
	op_end(u, mark);
}

static void
emit_unique(struct unit *u)
{
	const struct jv v = u->kw[K_UNIQUE];

	if (jv_is(v, J_TRUE))
		op_end(u, op_begin(u, OP_UNIQUE));
	else if (unit_has(u, K_UNIQUE) && !jv_is(v, J_FALSE))
		unit_bad(u, ERR_SYNTAX, "uniqueItems", "must be true or false");
}

static const struct {
	enum keyword keyword;
	enum op op;
} numbers[] = {
	{ K_MULTIPLE, OP_MULTIPLE },
	{ K_MAX, OP_MAX },
	{ K_XMAX, OP_XMAX },
	{ K_MIN, OP_MIN },
	{ K_XMIN, OP_XMIN },
}, counts[] = {
	{ K_MAXLEN, OP_MAXLEN },
	{ K_MINLEN, OP_MINLEN },
	{ K_MAXITEMS, OP_MAXITEMS },
	{ K_MINITEMS, OP_MINITEMS },
	{ K_MAXPROPS, OP_MAXPROPS },
	{ K_MINPROPS, OP_MINPROPS },
};

void
emit_validation(struct unit *u)
{
	emit_type(u);
	emit_const(u);
	emit_enum(u);
	for (size_t i = 0; i < countof(numbers); i++)
		emit_number(u, numbers[i].keyword, numbers[i].op);
	for (size_t i = 0; i < countof(counts); i++)
		emit_count(u, counts[i].keyword, counts[i].op);
	emit_pattern(u);
	emit_format(u);
	emit_unique(u);
}

bool
emit_count_of(struct unit *u, enum keyword k, uint32_t otherwise, uint32_t *out)
{
	*out = otherwise;
	return !unit_has(u, k) || count_of(u, k, out);
}
