/*
 * hidden: signs that a model reads and a person does not see, or sees
 * otherwise.  Each has uses that are right, and those are left alone: joiners
 * in emoji and in Indic and Arabic words, direction marks beside letters that
 * run from right to left, one variation selector after a sign that takes one,
 * flags made of tags, colours of a terminal.
 * Sources: Unicode 15 ch. 23.2 to 23.9; UTR 36; UTS 51 (emoji); ECMA-48.
 */
#include "inspect/inspect-in.h"

enum {
	ZERO_INSIDE = 2, /* zero-width signs inside Latin words */
	ZERO_RUN = 4,	 /* of them in a row: bits of something */
	LATIN_MOST = 3,	 /* letters that make a word Latin */
	TAGS_MAX = 4096, /* bytes of text made of tags */
};

/* A paragraph of signs, as it goes by. */
struct signs {
	struct inspect *i;
	size_t at;
	uint32_t last; /* the sign before */
	unsigned zero_run, zero_inside, var_run, var_odd, bidi;
	unsigned latin, alike;	    /* of the word */
	bool zero_waits, rtl, flag; /* flag: tags go on a black flag */
	struct buf tags;
};

static bool
is_latin(uint32_t c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
	       (c >= '0' && c <= '9');
}

static bool
is_rtl(uint32_t c)
{
	return (c >= 0x590 && c <= 0x8ff) || (c >= 0xfb1d && c <= 0xfdff) ||
	       (c >= 0xfe70 && c <= 0xfefe) || (c >= 0x10800 && c <= 0x10fff) ||
	       (c >= 0x1e800 && c <= 0x1efff);
}

static bool
is_zero(uint32_t c)
{
	return (c >= 0x200b && c <= 0x200d) || (c >= 0x2060 && c <= 0x2064) ||
	       c == 0xfeff || c == 0x180e;
}

static bool
is_variation(uint32_t c)
{
	return (c >= 0xfe00 && c <= 0xfe0f) || (c >= 0xe0100 && c <= 0xe01ef);
}

/* Signs that turn the order around; the isolate of unknown direction (2068) is
 * what programs put around every name they fill in. */
static bool
is_turn(uint32_t c)
{
	return (c >= 0x202a && c <= 0x202e && c != 0x202c) || c == 0x2066 ||
	       c == 0x2067;
}

static void
zero(struct signs *s, uint32_t c)
{
	if (!is_zero(c) || (c == 0xfeff && s->at == 0)) {
		if (s->zero_waits && is_latin(c) &&
		    ++s->zero_inside >= ZERO_INSIDE)
			saw(s->i, DET_ZERO, s->at);
		s->zero_run = 0;
		s->zero_waits = false;
		return;
	}
	s->zero_waits = s->zero_waits || is_latin(s->last);
	if (++s->zero_run >= ZERO_RUN)
		saw(s->i, DET_ZERO, s->at);
}

static void
variation(struct signs *s, uint32_t c)
{
	const uint32_t on = s->last;

	if (!is_variation(c)) {
		s->var_run = 0;
		return;
	}
	/* a letter has no variants; CJK has all of them */
	if ((c >= 0xe0100 && on < 0x2e80) ||
	    (is_latin(on) && !(on >= '0' && on <= '9')) || on == ' ')
		s->var_odd++;
	if (++s->var_run >= 2 || s->var_odd >= 2)
		saw(s->i, DET_VARIATION, s->at);
}

static void
tags(struct signs *s, uint32_t c)
{
	if (c == 0x1f3f4)
		s->flag = true;
	else if (c < 0xe0000 || c > 0xe007f)
		s->flag = false;
	else if (!s->flag) {
		saw(s->i, DET_TAGS, s->at);
		if (c >= 0xe0020 && c < 0xe007f)
			buf_ch(&s->tags, (char)(c - 0xe0000));
	} else if (c == 0xe007f || c < 0xe0030) {
		s->flag = false;
	}
}

static void
turns(struct signs *s, uint32_t c)
{
	s->rtl = s->rtl || is_rtl(c);
	s->bidi += is_turn(c);
}

/* A Latin word with letters of another script in it. */
static void
mixed(struct signs *s, uint32_t c)
{
	if (is_latin(c) && c > '9') {
		s->latin++;
	} else if (sign_alike(c)) {
		s->alike++;
	} else if (!is_zero(c)) {
		if (s->alike > 0 && s->latin >= LATIN_MOST)
			saw(s->i, DET_MIXED, s->at);
		s->latin = s->alike = 0;
	}
}

/* What a terminal obeys.  In an answer colours are left alone, and so is what
 * redraws a line. */
static void
control(struct signs *s, struct str all, uint32_t c)
{
	const struct str rest = str_sub(all, s->at + 1, 12);
	const bool answer = s->i->plane == INSPECT_RESULT;
	size_t k = 1;

	if (c == 8 && is_latin(s->last))
		saw(s->i, DET_CONTROL, s->at);
	if (c != 0x1b && c != 0x9b)
		return;
	if (!answer || (rest.n > 0 && rest.p[0] == ']')) {
		saw(s->i, DET_CONTROL, s->at);
		return;
	}
	while (k < rest.n &&
	       ((rest.p[k] >= '0' && rest.p[k] <= '9') || rest.p[k] == ';'))
		k++;
	if (k < rest.n && rest.p[0] == '[' && rest.p[k] == 'm' &&
	    (str_eq(str_sub(rest, 1, k - 1), STR("8")) ||
		str_ends(str_sub(rest, 1, k - 1), STR(";8"))))
		saw(s->i, DET_CONTROL, s->at);
}

void
look_signs(struct inspect *i, struct str s, unsigned depth)
{
	struct signs g = { .i = i, .last = ' ', .tags = { .max = TAGS_MAX } };
	const unsigned char *p = (const unsigned char *)s.p;
	size_t used;

	for (; g.at < s.n; g.at += used) {
		const uint32_t c = utf8_next(p + g.at, s.n - g.at, &used);

		zero(&g, c);
		variation(&g, c);
		tags(&g, c);
		turns(&g, c);
		mixed(&g, c);
		control(&g, s, c);
		g.last = c;
	}
	mixed(&g, ' ');
	if (g.bidi > 0 && !g.rtl)
		saw(i, DET_BIDI, 0);
	if (g.tags.n > 0)
		look_inside(i, buf_view(&g.tags), 0, depth + 1);
	buf_done(&g.tags);
}
