/*
 * open: an image that somebody else made.  Each node's operations are walked
 * by the table of operands, each block they point to is checked, so that
 * check.c follows them without asking.  That a check ends is not asked here:
 * its steps and its depth see to it.
 */
#include "schema/schema-in.h"

/* Of work, for blocks that are pointed to often; some 30 ms. */
#define OPEN_STEPS UINT64_C(4000000)

struct opening {
	struct schema s;
	uint64_t steps;
	uint32_t at, end; /* the operands not yet read, words of the code */
};

static uint32_t
take(struct opening *o)
{
	return word(o->s.code, o->at++);
}

static uint32_t
left(const struct opening *o)
{
	return o->end - o->at;
}

static bool
node_ok(struct opening *o)
{
	return left(o) > 0 && take(o) < o->s.nodes_n;
}

static bool
node_or_none(struct opening *o)
{
	uint32_t n;

	if (left(o) == 0)
		return false;
	n = take(o);
	return n == NONE || n < o->s.nodes_n;
}

static bool
number_ok(struct opening *o)
{
	return left(o) > 0 && (take(o), true);
}

static bool
pool_ok(const struct opening *o, uint32_t at, uint32_t n)
{
	return at <= o->s.pool_n && n <= o->s.pool_n - at;
}

static bool
string_at(struct opening *o, uint32_t at, uint32_t n)
{
	if (!pool_ok(o, at, n))
		return false;
	spend(&o->steps, 1 + n / 16);
	return o->steps > 0 &&
	       utf8_ok((struct str){ (const char *)o->s.pool + at, n });
}

static bool
string_ok(struct opening *o)
{
	uint32_t at;

	if (left(o) < 2)
		return false;
	at = take(o);
	return string_at(o, at, take(o));
}

static bool
value_ok(struct opening *o)
{
	const struct json_limits lim = { JSON_DEPTH_MAX, UINT32_MAX,
		UINT32_MAX };
	uint32_t at, n;

	if (left(o) < 2)
		return false;
	at = take(o);
	n = take(o);
	if (!pool_ok(o, at, n))
		return false;
	spend(&o->steps, 1 + n);
	return o->steps > 0 &&
	       tape_check(
		   (struct str){ (const char *)o->s.pool + at, n }, &lim) == OK;
}

/* The value that two operands name. */
static struct jv
value_at(const struct opening *o, uint32_t at)
{
	return jv_of(
	    (struct str){ (const char *)o->s.pool + word(o->s.code, at),
		word(o->s.code, at + 1) });
}

/* A number that multipleOf and the others can use. */
static bool
decimal_ok(struct opening *o)
{
	const uint32_t at = o->at;
	struct number num;
	struct jv v;

	if (!value_ok(o))
		return false;
	v = value_at(o, at);
	if (!jv_is(v, J_NUM) || !number_read(jv_str(v), &num))
		return false;
	return (word(o->s.code, at - 1) & 0xff) != OP_MULTIPLE ||
	       (num.n > 0 && num.n <= MULTIPLE_DIGITS);
}

static bool
program_ok(struct opening *o)
{
	return left(o) > 0 && regex_ok(o->s.code, o->s.code_n, take(o),
				  o->s.program, &o->steps);
}

static bool
types_ok(struct opening *o)
{
	return left(o) > 0 && (take(o) & ~(uint32_t)TYPE_ALL) == 0;
}

static bool
format_number_ok(struct opening *o)
{
	return left(o) > 0 && take(o) < SCHEMA_FORMATS;
}

static bool
dyn_ok(struct opening *o)
{
	return left(o) > 0 && take(o) < o->s.dyns_n;
}

/* A table of names: a power of two, one slot empty, so that a search ends. */
static bool
names_at(struct opening *o, uint32_t at)
{
	const uint8_t *p = o->s.code + 4 * (size_t)at;
	uint32_t size, required = 0, empty = 0;

	if (at > o->s.code_n || o->s.code_n - at < NAMES)
		return false;
	size = word(p, NAMES_SIZE);
	if (size == 0 || (size & (size - 1)) != 0 ||
	    size > (o->s.code_n - at - NAMES) / SLOT)
		return false;
	spend(&o->steps, size);
	for (uint32_t i = 0; i < size && o->steps > 0; i++) {
		const uint8_t *s = p + 4 * (size_t)(NAMES + SLOT * i);
		const uint32_t node = word(s, S_NODE);

		if (word(s, S_KEY) == NONE) {
			empty++;
			continue;
		}
		if (!string_at(o, word(s, S_KEY), word(s, S_KEY_N)) ||
		    (node != NONE && node >= o->s.nodes_n) ||
		    word(s, S_REQUIRED) > 1)
			return false;
		required += word(s, S_REQUIRED);
	}
	return o->steps > 0 && empty > 0 && required == word(p, NAMES_REQUIRED);
}

static bool
names_ok(struct opening *o)
{
	return left(o) > 0 && names_at(o, take(o));
}

static bool
nodes_ok(struct opening *o)
{
	while (left(o) > 0)
		if (!node_ok(o))
			return false;
	return true;
}

/* Hashes in order, for the search. */
static bool
values_ok(struct opening *o)
{
	uint32_t before = 0;

	while (left(o) > 0) {
		const uint32_t hash = take(o);

		if (hash < before || !value_ok(o) ||
		    value_hash(value_at(o, o->at - 2), &o->steps) != hash)
			return false;
		before = hash;
	}
	return true;
}

static bool
pairs_ok(struct opening *o)
{
	while (left(o) > 0) {
		if (!string_ok(o)) /* who needs */
			return false;
		if (!string_ok(o)) /* what is needed */
			return false;
	}
	return true;
}

static bool
schemas_ok(struct opening *o)
{
	while (left(o) > 0)
		if (!string_ok(o) || !node_ok(o))
			return false;
	return true;
}

static bool
patterns_ok(struct opening *o)
{
	while (left(o) > 0)
		if (!program_ok(o) || !node_ok(o))
			return false;
	return true;
}

static const struct {
	char letter;
	bool (*ok)(struct opening *o);
} operands[] = {
	{ 'n', node_ok },
	{ 'N', nodes_ok },
	{ 'u', number_ok },
	{ 's', string_ok },
	{ '#', decimal_ok },
	{ 'v', value_ok },
	{ 'V', values_ok },
	{ 'p', program_ok },
	{ 'y', dyn_ok },
	{ 'f', format_number_ok },
	{ 'T', types_ok },
	{ 'm', names_ok },
	{ 'D', pairs_ok },
	{ 'S', schemas_ok },
	{ 'P', patterns_ok },
	{ 'o', node_or_none },
};

static bool
operand_ok(struct opening *o, char letter)
{
	for (size_t i = 0; i < countof(operands); i++)
		if (operands[i].letter == letter)
			return operands[i].ok(o);
	return false;
}

static bool
code_ok(struct opening *o, uint32_t at)
{
	while (at < o->s.code_n && o->steps > 0) {
		const uint32_t w = word(o->s.code, at++), op = w & 0xff;
		const char *letter;

		spend(&o->steps, 1);
		if (op >= OP__N || w >> 8 > o->s.code_n - at)
			return false;
		if (op == OP_END)
			return w == OP_END;
		o->at = at;
		o->end = at + (w >> 8);
		for (letter = op_rows[op].operands; *letter != '\0'; letter++)
			if (!operand_ok(o, *letter))
				return false;
		if (left(o) != 0)
			return false;
		at = o->end;
	}
	return false;
}

static bool
dyns_ok(struct opening *o)
{
	const struct schema *s = &o->s;

	if (s->dyns > s->code_n || s->dyns_n > s->code_n - s->dyns)
		return false;
	for (uint32_t i = 0; i < s->dyns_n; i++) {
		const uint32_t at = word(s->code, s->dyns + i);
		uint32_t n;

		if (at >= s->code_n)
			return false;
		n = word(s->code, at);
		if (n > (s->code_n - at - 1) / 2)
			return false;
		spend(&o->steps, n);
		for (uint32_t k = 0; k < n && o->steps > 0; k++)
			if (word(s->code, at + 2 + 2 * k) >= s->nodes_n)
				return false;
	}
	return o->steps > 0;
}

/* The parts of an image, if it has them. */
static bool
parts(struct str image, struct schema *s)
{
	const uint8_t *p = (const uint8_t *)image.p;
	uint64_t size;

	if (image.n < 4 * HEAD || word(p, H_MAGIC) != IMAGE_MAGIC ||
	    word(p, H_SIZE) != image.n)
		return false;
	*s = (struct schema){ .nodes = p + 4 * (size_t)HEAD,
		.nodes_n = word(p, H_NODES),
		.code_n = word(p, H_CODE),
		.pool_n = word(p, H_POOL),
		.root = word(p, H_ROOT),
		.dyns = word(p, H_DYNS),
		.dyns_n = word(p, H_DYNS_N),
		.program = word(p, H_PROGRAM) };
	size = 4 * ((uint64_t)HEAD + (uint64_t)NODE * s->nodes_n + s->code_n) +
	       s->pool_n;
	if (size != image.n || s->nodes_n < NODE_FIRST || s->root >= s->nodes_n)
		return false;
	s->code = s->nodes + 4 * (size_t)NODE * s->nodes_n;
	s->pool = s->code + 4 * (size_t)s->code_n;
	return true;
}

enum err
schema_open(struct str image, struct schema *out)
{
	struct opening o = { .steps = OPEN_STEPS + image.n };

	if (!parts(image, &o.s) || !dyns_ok(&o))
		return ERR_SYNTAX;
	for (uint32_t i = 0; i < o.s.nodes_n; i++) {
		const uint8_t *n = o.s.nodes + 4 * (size_t)NODE * i;

		if (!string_at(&o, word(n, N_WHERE), word(n, N_WHERE_N)) ||
		    !code_ok(&o, word(n, N_CODE)))
			return ERR_SYNTAX;
	}
	*out = o.s;
	return OK;
}
