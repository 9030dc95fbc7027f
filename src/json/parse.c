/*
 * parse: JSON text to a tape in one pass.  Every function takes the place it
 * reads from and returns the place after what it read, or NULL when the text
 * is refused and the reason noted.  Recursion is bounded by the depth limit.
 */
#include "json/json-in.h"

const struct json_limits json_default = {
	.depth = 64,
	.members = 100000,
	.string = 8 * 1024 * 1024,
};

struct rd {
	const uint8_t *text, *end;
	struct sink s;
	struct json_limits lim;
	size_t values;
	enum err err;
	const uint8_t *at; /* of the refusal */
	const char *words;
};
typedef const uint8_t *place;

static place value(struct rd *r, place p, size_t depth);

static place
refuse(struct rd *r, place p, enum err e, const char *words)
{
	r->err = e;
	r->at = p;
	r->words = words;
	return NULL;
}

static place
no_room(struct rd *r, place p)
{
	return refuse(r, p, ERR_LIMIT, "the tape would grow past its maximum");
}

static place
cut_short(struct rd *r)
{
	return refuse(r, r->end, ERR_SYNTAX, "the text ends too early");
}

static inline place
space(const struct rd *r, place p)
{
	while (p < r->end && *p <= ' ' &&
	       (*p == ' ' || *p == '\n' || *p == '\t' || *p == '\r'))
		p++;
	return p;
}

/* Four hexadecimal digits at p, or -1. */
static long
hex4(const struct rd *r, place p)
{
	long v = 0;

	if (r->end - p < 4)
		return -1;
	for (int i = 0; i < 4; i++) {
		const unsigned c = p[i], letter = (c | 0x20) - 'a';

		if (c - '0' <= 9)
			v = v << 4 | (long)(c - '0');
		else if (letter <= 5)
			v = v << 4 | (long)(letter + 10);
		else
			return -1;
	}
	return v;
}

static size_t
utf8_of(long c, uint8_t out[static 4])
{
	if (c < 0x80) {
		out[0] = (uint8_t)c;
		return 1;
	}
	if (c < 0x800) {
		out[0] = (uint8_t)(0xc0 | c >> 6);
		out[1] = (uint8_t)(0x80 | (c & 63));
		return 2;
	}
	if (c < 0x10000) {
		out[0] = (uint8_t)(0xe0 | c >> 12);
		out[1] = (uint8_t)(0x80 | (c >> 6 & 63));
		out[2] = (uint8_t)(0x80 | (c & 63));
		return 3;
	}
	out[0] = (uint8_t)(0xf0 | c >> 18);
	out[1] = (uint8_t)(0x80 | (c >> 12 & 63));
	out[2] = (uint8_t)(0x80 | (c >> 6 & 63));
	out[3] = (uint8_t)(0x80 | (c & 63));
	return 4;
}

/* After "\u". */
static place
escape_u(struct rd *r, place p)
{
	long c = hex4(r, p), low;
	uint8_t u[4];
	size_t n;

	if (c < 0)
		return refuse(r, p, ERR_SYNTAX, "\\u wants four hex digits");
	p += 4;
	if (c >= 0xd800 && c <= 0xdfff) {
		if (c >= 0xdc00 || r->end - p < 2 || p[0] != '\\' ||
		    p[1] != 'u')
			return refuse(r, p, ERR_SYNTAX, "a lone surrogate");
		low = hex4(r, p + 2);
		if (low < 0xdc00 || low > 0xdfff)
			return refuse(r, p, ERR_SYNTAX, "a lone surrogate");
		c = 0x10000 + ((c - 0xd800) << 10) + (low - 0xdc00);
		p += 6;
	}
	n = utf8_of(c, u);
	if (!sink_room(&r->s, n))
		return no_room(r, p);
	memcpy(r->s.o, u, n);
	r->s.o += n;
	return p;
}

/* After the backslash. */
static place
escape(struct rd *r, place p)
{
	static const char plain[256] = { ['"'] = '"',
		['\\'] = '\\',
		['/'] = '/',
		['b'] = '\b',
		['f'] = '\f',
		['n'] = '\n',
		['r'] = '\r',
		['t'] = '\t' };

	if (p == r->end)
		return cut_short(r);
	if (*p == 'u')
		return escape_u(r, p + 1);
	if (plain[*p] == 0)
		return refuse(r, p, ERR_SYNTAX, "no such escape");
	if (!sink_room(&r->s, 1))
		return no_room(r, p);
	*r->s.o++ = (uint8_t)plain[*p];
	return p + 1;
}

/*
 * After the opening quote.  Writes length and bytes.  UTF-8 is looked at once,
 * when the string is whole: what an escape adds is complete in itself, so it
 * cannot mend what was broken around it.
 */
static place
text(struct rd *r, place p)
{
	struct run run = { .p = p, .end = r->end, .safe = r->end };
	struct str s;
	size_t head;

	if (!sink_room(&r->s, WORD))
		return no_room(r, p);
	head = sink_at(&r->s);
	r->s.o += WORD;
	for (;;) {
		run_copy(&run, &r->s);
		if (run.p == r->end)
			return cut_short(r);
		if (*run.p == '"')
			break;
		if (*run.p == '\\') {
			run.p = escape(r, run.p + 1);
			if (run.p == NULL)
				return NULL;
		} else if (*run.p < 0x20) {
			return refuse(r, run.p, ERR_SYNTAX,
			    "a control character in a string");
		} else if (!sink_more(&r->s, 1, (size_t)(r->end - run.p))) {
			return no_room(r, run.p);
		}
	}
	s.p = r->s.b->p + head + WORD;
	s.n = sink_at(&r->s) - head - WORD;
	if (s.n > r->lim.string)
		return refuse(r, p, ERR_LIMIT, "a string is too long");
	if (run.high != 0 && !utf8_ok(s))
		return refuse(r, p, ERR_SYNTAX, "a string is not UTF-8");
	set32((uint8_t *)r->s.b->p + head, s.n);
	return run.p + 1;
}

static place
number(struct rd *r, place p)
{
	const place end = num_end(p, r->end);
	size_t n;

	if (end == NULL)
		return refuse(r, p, ERR_SYNTAX, "no JSON value");
	n = (size_t)(end - p);
	if (n > r->lim.string)
		return refuse(r, p, ERR_LIMIT, "a number is too long");
	if (!sink_room(&r->s, LEAF + n))
		return no_room(r, p);
	*r->s.o = J_NUM;
	set32(r->s.o + 1, n);
	memcpy(r->s.o + LEAF, p, n);
	r->s.o += LEAF + n;
	return end;
}

static place
word(struct rd *r, place p, struct str w, enum jtype tag)
{
	if ((size_t)(r->end - p) < w.n || memcmp(p, w.p, w.n) != 0)
		return refuse(r, p, ERR_SYNTAX, "no JSON value");
	if (!sink_room(&r->s, 1))
		return no_room(r, p);
	*r->s.o++ = (uint8_t)tag;
	return p + w.n;
}

static inline bool
tree_open(struct rd *r, enum jtype tag, size_t *mark)
{
	if (!sink_room(&r->s, TREE))
		return false;
	*mark = sink_at(&r->s);
	*r->s.o = (uint8_t)tag;
	r->s.o += TREE;
	return true;
}

static inline void
tree_close(struct rd *r, size_t mark, size_t count)
{
	uint8_t *p = (uint8_t *)r->s.b->p + mark;

	set32(p + 1, count);
	set32(p + 1 + WORD, (size_t)(r->s.o - p) - TREE);
}

/* After the bracket. */
static place
array(struct rd *r, place p, size_t depth)
{
	size_t mark, count = 0;

	if (!tree_open(r, J_ARR, &mark))
		return no_room(r, p);
	p = space(r, p);
	if (p < r->end && *p == ']') {
		tree_close(r, mark, 0);
		return p + 1;
	}
	for (;; p++) {
		p = value(r, space(r, p), depth);
		if (p == NULL)
			return NULL;
		count++;
		p = space(r, p);
		if (p == r->end)
			return cut_short(r);
		if (*p == ']')
			break;
		if (*p != ',')
			return refuse(r, p, ERR_SYNTAX, "no , or ] here");
	}
	tree_close(r, mark, count);
	return p + 1;
}

/* A key and its colon. */
static inline place
key(struct rd *r, place p, struct keys *seen)
{
	const place from = p;
	const size_t at = sink_at(&r->s);

	if (p == r->end)
		return cut_short(r);
	if (*p != '"')
		return refuse(r, p, ERR_SYNTAX, "a member begins with \"");
	p = text(r, p + 1);
	if (p == NULL)
		return NULL;
	if (!keys_add(seen, (const uint8_t *)r->s.b->p, at))
		return refuse(r, from, ERR_SYNTAX, "a duplicate member");
	p = space(r, p);
	if (p == r->end)
		return cut_short(r);
	if (*p != ':')
		return refuse(r, p, ERR_SYNTAX, "no : here");
	return space(r, p + 1);
}

/* After the brace. */
static place
object(struct rd *r, place p, size_t depth)
{
	__attribute__((uninitialized)) struct keys seen;
	const place from = p;
	size_t mark, count = 0;

	seen.n = 0; /* the rest is written before it is read */
	if (!tree_open(r, J_OBJ, &mark))
		return no_room(r, p);
	p = space(r, p);
	if (p < r->end && *p == '}') {
		tree_close(r, mark, 0);
		return p + 1;
	}
	for (;; p++) {
		p = key(r, space(r, p), &seen);
		if (p == NULL)
			return NULL;
		p = value(r, p, depth);
		if (p == NULL)
			return NULL;
		count++;
		p = space(r, p);
		if (p == r->end)
			return cut_short(r);
		if (*p == '}')
			break;
		if (*p != ',')
			return refuse(r, p, ERR_SYNTAX, "no , or } here");
	}
	if (count > KEYS_NEAR &&
	    !keys_far((const uint8_t *)r->s.b->p + mark + TREE, r->s.o, count))
		return refuse(r, from, ERR_SYNTAX, "a duplicate member");
	tree_close(r, mark, count);
	return p + 1;
}

static place
value(struct rd *r, place p, size_t depth)
{
	if (p == r->end)
		return cut_short(r);
	if (r->values++ == r->lim.members)
		return refuse(r, p, ERR_LIMIT, "too many values");
	if ((*p | 0x20) == '{' && depth == r->lim.depth)
		return refuse(r, p, ERR_LIMIT, "nested too deeply");
	switch (*p) {
	case '"':
		if (!sink_room(&r->s, 1))
			return no_room(r, p);
		*r->s.o++ = J_STR;
		return text(r, p + 1);
	case '{':
		return object(r, p + 1, depth + 1);
	case '[':
		return array(r, p + 1, depth + 1);
	case 't':
		return word(r, p, STR("true"), J_TRUE);
	case 'f':
		return word(r, p, STR("false"), J_FALSE);
	case 'n':
		return word(r, p, STR("null"), J_NULL);
	default:
		return number(r, p);
	}
}

static enum err
whole(struct rd *r)
{
	place p;

	if ((size_t)(r->end - r->text) > JSON_TEXT_MAX) {
		(void)refuse(r, r->text, ERR_LIMIT, "the text is too long");
		return r->err;
	}
	/* Most tapes are a little longer than their text. */
	(void)sink_more(&r->s, 1, (size_t)(r->end - r->text) * 5 / 4 + 64);
	p = value(r, space(r, r->text), 0);
	if (p == NULL)
		return r->err;
	p = space(r, p);
	if (p != r->end)
		(void)refuse(r, p, ERR_SYNTAX, "bytes after the value");
	return r->err;
}

enum err
json_parse(struct str text, const struct json_limits *lim, struct buf *tape,
    struct note *why)
{
	const uint8_t *p = (const uint8_t *)(text.p == NULL ? "" : text.p);
	struct rd r = {
		.text = p,
		.end = p + text.n,
		.s = sink_of(tape),
		.lim = *lim,
		.err = OK,
	};
	enum err e;

	if (r.lim.depth > JSON_DEPTH_MAX)
		r.lim.depth = JSON_DEPTH_MAX;
	e = whole(&r);
	if (e == OK) {
		sink_keep(&r.s);
		return OK;
	}
	sink_drop(&r.s);
	if (why != NULL)
		note_set(why, "byte %zu: %s", (size_t)(r.at - r.text), r.words);
	return e;
}
