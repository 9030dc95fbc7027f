/*
 * regex-make: a tree to programs.  A look-around is a program of its own: one
 * that looks behind reads forward and notes where it may end; one that looks
 * ahead is written backwards, reads the text backwards, and notes where it may
 * begin.  So each costs one pass, however often it is asked.
 */
#include "schema/regex-in.h"

struct maker {
	struct regex *r;
	struct buf inst; /* of the program being written */
	uint32_t n, most;
	bool backwards;
};

static uint32_t
emit(struct maker *m, enum inst op, uint32_t x, uint32_t y)
{
	if (m->n >= m->most)
		regex_bad(m->r, ERR_LIMIT,
		    "the pattern is too long with its repeats written out: "
		    "more than %u instructions",
		    m->most);
	if (m->r->err)
		return 0;
	buf_u32(&m->inst, op);
	buf_u32(&m->inst, x);
	buf_u32(&m->inst, y);
	return m->n++;
}

static void
patch(struct maker *m, uint32_t inst, unsigned operand, uint32_t to)
{
	if (!m->r->err)
		word_set(m->inst.p + 4 * (INST * inst + operand), to);
}

static void make(struct maker *m, uint32_t node);

static void
make_cat(struct maker *m, const struct rnode *n)
{
	uint32_t i = m->backwards ? n->last : n->first;

	while (i != NONE && !m->r->err) {
		make(m, i);
		i = m->backwards ? rnode(m->r, i)->prev : rnode(m->r, i)->next;
	}
}

/* Each arm but the last: split to it or the next, and a jump to the end; the
 * jumps are chained through their own operands until the end is known. */
static void
make_alt(struct maker *m, const struct rnode *n)
{
	uint32_t i = n->first, jump = NONE;

	while (i != NONE && !m->r->err) {
		const uint32_t next = rnode(m->r, i)->next;
		uint32_t split = 0;

		if (next != NONE)
			split = emit(m, I_SPLIT, m->n + 1, 0);
		make(m, i);
		if (next != NONE) {
			jump = emit(m, I_JUMP, jump, 0);
			patch(m, split, INST_Y, m->n);
		}
		i = next;
	}
	while (jump != NONE && !m->r->err) {
		const uint32_t before =
		    word((const uint8_t *)m->inst.p, INST * jump + INST_X);

		patch(m, jump, INST_X, m->n);
		jump = before;
	}
}

static void
make_repeat(struct maker *m, const struct rnode *n)
{
	const uint32_t min = n->min, max = n->max, sub = n->first;
	uint32_t split, chain = NONE;

	for (uint32_t i = 0; i < min && !m->r->err; i++) {
		const uint32_t before = m->n;

		make(m, sub);
		if (m->n == before)
			return; /* nothing, so often it may be */
	}
	if (max == NONE) {
		split = emit(m, I_SPLIT, m->n + 1, 0);
		make(m, sub);
		(void)emit(m, I_JUMP, split, 0);
		patch(m, split, INST_Y, m->n);
		return;
	}
	for (uint32_t i = min; i < max && !m->r->err; i++) {
		chain = emit(m, I_SPLIT, m->n + 1, chain);
		make(m, sub);
	}
	while (chain != NONE && !m->r->err) {
		const uint32_t before =
		    word((const uint8_t *)m->inst.p, INST * chain + INST_Y);

		patch(m, chain, INST_Y, m->n);
		chain = before;
	}
}

static void
make_look(struct maker *m, const struct rnode *n)
{
	(void)emit(m, I_LOOK, n->x, m->r->look[n->x].negative);
}

static void
make(struct maker *m, uint32_t node)
{
	static const enum inst plain[] = {
		[R_CHAR] = I_CHAR,
		[R_CLASS] = I_CLASS,
		[R_BEGIN] = I_BEGIN,
		[R_END] = I_END,
		[R_WORD] = I_WORD,
	};
	static void (*const makers[])(struct maker *, const struct rnode *) = {
		[R_CAT] = make_cat,
		[R_ALT] = make_alt,
		[R_REPEAT] = make_repeat,
		[R_LOOK] = make_look,
	};
	const struct rnode n = *rnode(m->r, node); /* nodes do not move now */

	if (n.kind < R_CAT)
		(void)emit(m, plain[n.kind], n.x, 0);
	else
		makers[n.kind](m, &n);
}

/* Appends a program to the code; gives its place. */
static uint32_t
program(struct maker *m, uint32_t tree, bool backwards, const uint32_t *looks)
{
	struct buf *code = m->r->code;
	const uint32_t looks_n = looks == NULL ? 0 : m->r->looks;
	uint32_t place;

	m->n = 0;
	m->backwards = backwards;
	buf_clear(&m->inst);
	make(m, tree);
	(void)emit(m, I_MATCH, 0, 0);
	place = (uint32_t)(code->n / 4);
	buf_u32(code, m->n);
	buf_u32(code, looks_n);
	for (uint32_t i = 0; i < looks_n; i++) {
		buf_u32(code, looks[i]);
		buf_u32(code, m->r->look[i].behind);
	}
	buf_str(code, buf_view(&m->inst));
	return place;
}

enum err
regex_make(struct str pattern, uint32_t most, struct buf *code, uint32_t *at,
    uint32_t *longest, struct note *why)
{
	struct regex r = { .p = pattern.p,
		.start = pattern.p,
		.end = pattern.p + pattern.n,
		.code = code,
		.why = why };
	const uint32_t tree = regex_tree(&r);
	struct maker m = { .r = &r,
		.inst = { .max = 4 * INST * ((size_t)most + 1) },
		.most = most };
	uint32_t looks[LOOKS_MAX] = { 0 }, place;

	for (uint32_t i = 0; i < r.looks && !r.err; i++) {
		looks[i] = program(&m, r.look[i].sub, !r.look[i].behind, NULL);
		if (m.n > *longest)
			*longest = m.n;
	}
	if (!r.err) {
		place = program(&m, tree, false, looks);
		*at = place;
		if (m.n > *longest)
			*longest = m.n;
	}
	buf_done(&m.inst);
	buf_done(&r.nodes);
	buf_done(&r.ranges);
	if (!r.err && code->full) {
		note_set(why, "the image is too long");
		return ERR_LIMIT;
	}
	return r.err;
}
