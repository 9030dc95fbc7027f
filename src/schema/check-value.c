/* check-value: operations that ask something of a value itself. */
#include "schema/check-in.h"

/* ---- any value ---- */

static const char *const type_names[] = { "nothing", "null", "false", "true",
	"a number", "a string", "an array", "an object" };
const struct type_row type_rows[TYPES] = {
	{ STR_INIT("null"), 1U << J_NULL },
	{ STR_INIT("boolean"), 1U << J_TRUE | 1U << J_FALSE },
	{ STR_INIT("number"), 1U << J_NUM },
	{ STR_INIT("integer"), TYPE_INTEGER },
	{ STR_INIT("string"), 1U << J_STR },
	{ STR_INIT("array"), 1U << J_ARR },
	{ STR_INIT("object"), 1U << J_OBJ },
};

static bool
read_number(struct run *r, struct jv v, struct number *out)
{
	const struct str s = jv_str(v);

	spend(r->steps, s.n / 16);
	if (number_read(s, out) && *r->steps > 0)
		return true;
	*r->steps = 0;
	return false;
}

bool
check_type(struct run *r, const struct ctx *c, const uint8_t *p, uint32_t n)
{
	const uint32_t bits = word(p, 0);
	struct buf names = { .max = 200 };
	struct number num;

	(void)n;
	if ((bits >> c->t & 1) != 0)
		return true;
	if (c->t == J_NUM && (bits & TYPE_INTEGER) != 0) {
		if (!read_number(r, c->v, &num))
			return false;
		if (number_is_integer(&num))
			return true;
	}
	if (!check_goes_on(r))
		return false;
	for (size_t i = 0; i < TYPES; i++)
		if ((bits & type_rows[i].bits) != 0)
			buf_fmt(&names, "%s%.*s", names.n > 0 ? " or " : "",
			    STR_ARG(type_rows[i].name));
	(void)check_fault(r, c, OP_TYPE, "must be %.*s, is %s",
	    STR_ARG(buf_view(&names)), type_names[c->t]);
	buf_done(&names);
	return false;
}

static struct jv
operand_value(const struct run *r, const uint8_t *p, size_t i)
{
	return jv_of(op_string(r, p, i));
}

bool
check_const(struct run *r, const struct ctx *c, const uint8_t *p, uint32_t n)
{
	struct buf text = { .max = 160 };

	(void)n;
	if (value_same(operand_value(r, p, 0), c->v, r->steps))
		return true;
	if (!check_goes_on(r))
		return false;
	json_write(operand_value(r, p, 0), &text);
	(void)check_fault(r, c, OP_CONST, "must be %.*s%s",
	    STR_ARG(buf_view(&text)), text.full ? "what const says" : "");
	buf_done(&text);
	return false;
}

/* They are sorted by hash; as the schema has them they stand in the pool. */
static uint32_t
enum_after(const uint8_t *p, uint32_t n, uint32_t at)
{
	uint32_t best = NONE;

	for (uint32_t i = 0; i < n; i += 3) {
		const uint32_t v = word(p, i + 1);

		if (v >= at && (best == NONE || v < word(p, best + 1)))
			best = i;
	}
	return best;
}

static bool
enum_fault(struct run *r, const struct ctx *c, const uint8_t *p, uint32_t n)
{
	struct buf text = { .max = 160 };
	uint32_t i = enum_after(p, n, 0);

	while (i != NONE && !text.full) {
		json_write(operand_value(r, p, i + 1), &text);
		i = enum_after(p, n, word(p, i + 1) + 1);
		if (i != NONE)
			buf_str(&text, STR(", "));
	}
	(void)check_fault(r, c, OP_ENUM, "must be one of %.*s%s",
	    STR_ARG(buf_view(&text)), text.full ? "..." : "");
	buf_done(&text);
	return false;
}

bool
check_enum(struct run *r, const struct ctx *c, const uint8_t *p, uint32_t n)
{
	const uint32_t hash = value_hash(c->v, r->steps);
	uint32_t lo = 0, hi = n / 3;

	while (lo < hi) {
		const uint32_t mid = (lo + hi) / 2;

		if (word(p, 3 * (size_t)mid) < hash)
			lo = mid + 1;
		else
			hi = mid;
	}
	for (; lo < n / 3 && word(p, 3 * (size_t)lo) == hash; lo++)
		if (value_same(operand_value(r, p, 3 * (size_t)lo + 1), c->v,
			r->steps))
			return true;
	return check_goes_on(r) && enum_fault(r, c, p, n);
}

/* ---- numbers ---- */

/* How the value compares with the operand; false: it is no number. */
static bool
compared(struct run *r, const struct ctx *c, const uint8_t *p, int *out)
{
	struct number v, bound;

	if (c->t != J_NUM)
		return false;
	*out = 2; /* neither: the steps are spent */
	if (read_number(r, c->v, &v) &&
	    read_number(r, operand_value(r, p, 0), &bound))
		*out = number_cmp(&v, &bound);
	return true;
}

static bool
bound_fault(struct run *r, const struct ctx *c, enum op op, const uint8_t *p,
    const char *words)
{
	return check_fault(r, c, op, "must be %s %.*s", words,
	    STR_ARG(jv_str(operand_value(r, p, 0))));
}

bool
check_max(struct run *r, const struct ctx *c, const uint8_t *p, uint32_t n)
{
	int cmp;

	(void)n;
	return !compared(r, c, p, &cmp) || cmp <= 0 ||
	       bound_fault(r, c, OP_MAX, p, "at most");
}

bool
check_xmax(struct run *r, const struct ctx *c, const uint8_t *p, uint32_t n)
{
	int cmp;

	(void)n;
	return !compared(r, c, p, &cmp) || cmp < 0 ||
	       bound_fault(r, c, OP_XMAX, p, "less than");
}

bool
check_min(struct run *r, const struct ctx *c, const uint8_t *p, uint32_t n)
{
	int cmp;

	(void)n;
	return !compared(r, c, p, &cmp) || cmp == 0 || cmp == 1 ||
	       bound_fault(r, c, OP_MIN, p, "at least");
}

bool
check_xmin(struct run *r, const struct ctx *c, const uint8_t *p, uint32_t n)
{
	int cmp;

	(void)n;
	return !compared(r, c, p, &cmp) || cmp == 1 ||
	       bound_fault(r, c, OP_XMIN, p, "more than");
}

bool
check_multiple(struct run *r, const struct ctx *c, const uint8_t *p, uint32_t n)
{
	struct number v, of;

	(void)n;
	if (c->t != J_NUM)
		return true;
	if (!read_number(r, c->v, &v) ||
	    !read_number(r, operand_value(r, p, 0), &of))
		return false;
	return number_is_multiple(&v, &of) ||
	       bound_fault(r, c, OP_MULTIPLE, p, "a multiple of");
}

/* ---- strings ---- */

/* Code points of a string. */
static size_t
length(struct run *r, const struct ctx *c)
{
	const struct str s = jv_str(c->v);
	size_t n = 0;

	spend(r->steps, s.n / 64);
	for (size_t i = 0; i < s.n; i++)
		n += ((uint8_t)s.p[i] & 0xc0) != 0x80;
	return n;
}

bool
check_maxlen(struct run *r, const struct ctx *c, const uint8_t *p, uint32_t n)
{
	(void)n;
	return c->t != J_STR || length(r, c) <= word(p, 0) ||
	       check_fault(r, c, OP_MAXLEN, "must be at most %u characters",
		   word(p, 0));
}

bool
check_minlen(struct run *r, const struct ctx *c, const uint8_t *p, uint32_t n)
{
	(void)n;
	return c->t != J_STR || length(r, c) >= word(p, 0) ||
	       check_fault(r, c, OP_MINLEN, "must be at least %u characters",
		   word(p, 0));
}

bool
check_pattern(struct run *r, const struct ctx *c, const uint8_t *p, uint32_t n)
{
	(void)n;
	if (c->t != J_STR ||
	    regex_run(r->s->code, word(p, 0), jv_str(c->v), &r->room, r->steps))
		return true;
	return check_fault(r, c, OP_PATTERN, "must match %.*s",
	    STR_ARG(str_sub(op_string(r, p, 1), 0, 180)));
}

bool
check_format(struct run *r, const struct ctx *c, const uint8_t *p, uint32_t n)
{
	const enum schema_format f = (enum schema_format)word(p, 0);

	(void)n;
	if (c->t != J_STR)
		return true;
	spend(r->steps, jv_str(c->v).n);
	return (*r->steps > 0 && format_ok(f, jv_str(c->v))) ||
	       check_fault(
		   r, c, OP_FORMAT, "must be of the format %s", format_name(f));
}

/* ---- counts ---- */

static bool
counts(struct run *r, const struct ctx *c, enum op op, uint32_t bound)
{
	const bool most = op == OP_MAXITEMS || op == OP_MAXPROPS;
	const bool items = op == OP_MAXITEMS || op == OP_MINITEMS;
	const size_t n = jv_count(c->v);

	if (c->t != (items ? J_ARR : J_OBJ) || (most ? n <= bound : n >= bound))
		return true;
	return check_fault(r, c, op, "must have at %s %u %s, has %zu",
	    most ? "most" : "least", bound, items ? "elements" : "members", n);
}

bool
check_maxitems(struct run *r, const struct ctx *c, const uint8_t *p, uint32_t n)
{
	(void)n;
	return counts(r, c, OP_MAXITEMS, word(p, 0));
}

bool
check_minitems(struct run *r, const struct ctx *c, const uint8_t *p, uint32_t n)
{
	(void)n;
	return counts(r, c, OP_MINITEMS, word(p, 0));
}

bool
check_maxprops(struct run *r, const struct ctx *c, const uint8_t *p, uint32_t n)
{
	(void)n;
	return counts(r, c, OP_MAXPROPS, word(p, 0));
}

bool
check_minprops(struct run *r, const struct ctx *c, const uint8_t *p, uint32_t n)
{
	(void)n;
	return counts(r, c, OP_MINPROPS, word(p, 0));
}

bool
check_unique(struct run *r, const struct ctx *c, const uint8_t *p, uint32_t n)
{
	(void)p;
	(void)n;
	return c->t != J_ARR || values_differ(c->v, r->steps) ||
	       check_fault(r, c, OP_UNIQUE, "must not have two elements alike");
}
