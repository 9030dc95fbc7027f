/*
 * regex-ok: are the words of a program well?  Every instruction leads to one
 * of its own program, the last is a match, every class is sorted: so a run
 * (regex-run.c) asks nothing and always ends.
 */
#include "schema/schema-in.h"

struct image {
	const uint8_t *code;
	uint32_t n, most;
	uint64_t *steps;
};

static bool
class_ok(const struct image *m, uint32_t at)
{
	const uint8_t *c = m->code + 4 * (size_t)at;
	uint32_t n, before = 0;

	if (at > m->n || m->n - at < CLASS)
		return false;
	n = word(c, CLASS_N);
	if (n > (m->n - at - CLASS) / 2)
		return false;
	spend(m->steps, 1 + n);
	for (uint32_t i = 0; i<n && * m->steps> 0; i++) {
		const uint32_t first = word(c, CLASS + 2 * i);
		const uint32_t last = word(c, CLASS + 2 * i + 1);

		if (last < first || last > 0x10ffff ||
		    (i > 0 && first <= before))
			return false;
		before = last;
	}
	return *m->steps > 0;
}

static bool
insts_ok(const struct image *m, const uint8_t *inst, uint32_t n, uint32_t looks)
{
	uint32_t good = NONE; /* the class seen last: repeats have one */

	spend(m->steps, n);
	for (uint32_t i = 0; i < n; i++) {
		const uint8_t *p = inst + 4 * (size_t)INST * i;
		const uint32_t op = word(p, INST_OP), x = word(p, INST_X);

		if (op >= I__N || (op != I_MATCH && i + 1 == n) ||
		    ((op == I_JUMP || op == I_SPLIT) && x >= n) ||
		    (op == I_SPLIT && word(p, INST_Y) >= n) ||
		    (op == I_LOOK && x >= looks) ||
		    (op == I_CLASS && x != good && !class_ok(m, x)))
			return false;
		if (op == I_CLASS)
			good = x;
	}
	return *m->steps > 0;
}

static bool
program_ok(const struct image *m, uint32_t at, uint32_t may_look, bool inner)
{
	const uint8_t *p = m->code + 4 * (size_t)at;
	uint32_t n, looks, left;

	if (at > m->n || m->n - at < PROG)
		return false;
	left = m->n - at - PROG;
	n = word(p, PROG_N);
	looks = word(p, PROG_LOOKS);
	if (looks > (inner ? 0 : LOOKS_MAX) || left / LOOK < looks)
		return false;
	left -= LOOK * looks;
	if (n == 0 || n > m->most || n > left / INST)
		return false;
	p += 4 * (size_t)PROG;
	for (uint32_t i = 0; i < looks; i++)
		if (!program_ok(m, word(p, LOOK * i + LOOK_PROG), i, true))
			return false;
	return insts_ok(
	    m, p + 4 * (size_t)LOOK * looks, n, inner ? may_look : looks);
}

bool
regex_ok(const uint8_t *code, uint32_t code_n, uint32_t at, uint32_t most,
    uint64_t *steps)
{
	const struct image m = { code, code_n, most, steps };

	spend(steps, 1);
	return program_ok(&m, at, 0, false);
}
