/*
 * regex-run: a program over a text: all its states at once (Thompson), one
 * pass, so time is their number times the length of the text.  A program in an
 * image is checked by regex_ok before; here nothing is asked twice.
 */
#include "schema/schema-in.h"

struct sim {
	const uint8_t *code, *inst; /* of the program */
	uint32_t n;		    /* instructions */
	struct str text;
	const uint8_t *looks; /* a row of bits for each look-around */
	size_t row;	      /* bytes of a row */
	uint32_t *raw, *list, *mark, *stack;
	uint32_t raws, lists, stacks, turn;
	bool matched;
};

static bool
is_word(const struct sim *s, size_t at)
{
	const char c = at < s->text.n ? s->text.p[at] : ' ';

	return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') ||
	       (c >= 'A' && c <= 'Z') || c == '_';
}

static void
push(struct sim *s, uint32_t pc)
{
	if (s->mark[pc] == s->turn)
		return;
	s->mark[pc] = s->turn;
	s->stack[s->stacks++] = pc;
}

/* Does what the instruction asks of the place hold there? */
static bool
holds(const struct sim *s, uint32_t op, uint32_t x, uint32_t y, size_t at)
{
	const bool before = at > 0 && is_word(s, at - 1);

	if (op == I_BEGIN)
		return at == 0;
	if (op == I_END)
		return at == s->text.n;
	if (op == I_WORD)
		return (before != is_word(s, at)) == (x == 1);
	BUG_ON(s->looks == NULL); /* a program that looks has places to look */
	return ((s->looks[x * s->row + at / 8] >> at % 8 & 1) != 0) == (y == 0);
}

/* Follows all that takes no character. */
static void
follow(struct sim *s, size_t at)
{
	while (s->stacks > 0) {
		const uint32_t pc = s->stack[--s->stacks];
		const uint8_t *i = s->inst + 4 * (size_t)INST * pc;
		const uint32_t op = word(i, INST_OP), x = word(i, INST_X);

		if (op == I_CHAR || op == I_CLASS) {
			s->list[s->lists++] = pc;
		} else if (op == I_MATCH) {
			s->matched = true;
		} else if (op == I_JUMP) {
			push(s, x);
		} else if (op == I_SPLIT) {
			push(s, word(i, INST_Y));
			push(s, x);
		} else if (holds(s, op, x, word(i, INST_Y), at)) {
			push(s, pc + 1);
		}
	}
}

static bool
in_class(const uint8_t *c, uint32_t ch)
{
	uint32_t lo = 0, hi = word(c, CLASS_N);

	if (ch < 128)
		return (word(c, ch / 32) >> ch % 32 & 1) != 0;
	while (lo < hi) {
		const uint32_t mid = (lo + hi) / 2;

		if (ch < word(c, CLASS + 2 * mid))
			hi = mid;
		else if (ch > word(c, CLASS + 2 * mid + 1))
			lo = mid + 1;
		else
			return true;
	}
	return false;
}

static void
eat(struct sim *s, uint32_t ch)
{
	s->raws = 0;
	for (uint32_t k = 0; k < s->lists; k++) {
		const uint32_t pc = s->list[k];
		const uint8_t *i = s->inst + 4 * (size_t)INST * pc;
		const uint32_t x = word(i, INST_X);

		if (word(i, INST_OP) == I_CHAR
			? x == ch
			: in_class(s->code + 4 * (size_t)x, ch))
			s->raw[s->raws++] = pc + 1;
	}
}

/* The character on the way, and the place behind it. */
static size_t
next(const struct sim *s, size_t at, bool backwards, uint32_t *ch)
{
	const char *p = s->text.p + at, *end = s->text.p + s->text.n;

	if (!backwards) {
		*ch = utf8_next(&p, end);
		return (size_t)(p - s->text.p);
	}
	end = p--;
	while (p > s->text.p && (*p & 0xc0) == 0x80 && end - p < 4)
		p--;
	at = (size_t)(p - s->text.p);
	*ch = utf8_next(&p, end);
	return at;
}

/* One pass.  With bits, a bit for each place where a match ends; without, it
 * stops at the first. */
static bool
pass(struct sim *s, bool backwards, uint8_t *bits, uint64_t *steps)
{
	const size_t n = s->text.n, last = backwards ? 0 : n;
	const bool anchored = !backwards && word(s->inst, INST_OP) == I_BEGIN;
	size_t at = backwards ? n : 0;
	uint32_t ch;

	memset(s->mark, 0, s->n * sizeof(*s->mark));
	s->raws = 0;
	s->turn = 0;
	for (;;) {
		s->turn++;
		s->lists = 0;
		s->matched = false;
		for (uint32_t k = 0; k < s->raws; k++)
			push(s, s->raw[k]);
		if (!anchored || at == 0)
			push(s, 0);
		follow(s, at);
		spend(steps, 1 + s->lists);
		if (s->matched && bits == NULL)
			return true;
		if (s->matched)
			bits[at / 8] |= (uint8_t)(1U << at % 8);
		if (at == last || *steps == 0 || (anchored && s->lists == 0))
			return false;
		at = next(s, at, backwards, &ch);
		eat(s, ch);
	}
}

static void
program_of(struct sim *s, uint32_t at, uint32_t *looks, const uint8_t **look)
{
	const uint8_t *p = s->code + 4 * (size_t)at;

	s->n = word(p, PROG_N);
	*looks = word(p, PROG_LOOKS);
	*look = p + 4 * (size_t)PROG;
	s->inst = *look + 4 * (size_t)LOOK * *looks;
}

static void
room_for(struct sim *s, struct regex_room *room)
{
	if (room->most < s->n) {
		mem_free(room->p);
		room->p = mem_get(4 * sizeof(uint32_t) * s->n);
		room->most = s->n;
	}
	s->raw = room->p;
	s->list = s->raw + s->n;
	s->mark = s->list + s->n;
	s->stack = s->mark + s->n;
}

bool
regex_run(const uint8_t *code, uint32_t at, struct str text,
    struct regex_room *room, uint64_t *steps)
{
	struct sim s = { .code = code, .text = text, .row = text.n / 8 + 1 };
	const uint8_t *look, *other;
	uint8_t *bits = NULL;
	uint32_t looks, none;
	bool found;

	program_of(&s, at, &looks, &look);
	spend(steps, looks * s.row / 16);
	if (looks > 0 && *steps > 0)
		s.looks = bits = mem_get(looks * s.row);
	for (uint32_t i = 0; i<looks && * steps> 0; i++) {
		program_of(&s, word(look, LOOK * i + LOOK_PROG), &none, &other);
		room_for(&s, room);
		(void)pass(&s, word(look, LOOK * i + LOOK_BEHIND) == 0,
		    bits + i * s.row, steps);
	}
	program_of(&s, at, &looks, &look);
	room_for(&s, room);
	found = *steps > 0 && pass(&s, false, NULL, steps);
	mem_free(bits);
	return found;
}
