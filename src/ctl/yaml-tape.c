/*
 * yaml-tape: YAML as a tape, by libfyaml's events, and the line of each value,
 * for whoever has to say where something is wrong.
 */
#include "ctl/yaml-tape.h"

#include <libfyaml.h>

#include "conf/conf.h"

enum { DEPTH_MAX = 48 };

struct open {
	size_t mark, n;
	bool map;
};
struct reader {
	struct buf *b, *lines; /* lines: NULL when nobody asks */
	struct open open[DEPTH_MAX];
	size_t depth;
	bool keyed; /* a key waits for its value */
};

/* What plain words are besides texts. */
static bool
put_plain(struct buf *b, struct str s)
{
	const struct json_limits lim = { 1, 1, 64 };

	if (s.n == 0 || str_eq(s, STR("~"))) {
		tape_null(b);
		return true;
	}
	if (s.n > 40 || s.p[0] == '"' || s.p[0] == '[' || s.p[0] == '{')
		return false;
	return json_parse(s, &lim, b, NULL) == OK;
}

/* The line of every value, in the order of the tape. */
static void
note_line(struct reader *r, struct fy_event *e)
{
	const struct fy_mark *m = fy_event_start_mark(e);

	if (r->lines != NULL)
		buf_u32(r->lines, m == NULL ? 1 : (uint32_t)m->line + 1);
}

static bool
got_scalar(struct reader *r, struct fy_event *e)
{
	struct open *up = r->depth == 0 ? NULL : &r->open[r->depth - 1];
	struct str s = { "", 0 };
	const char *p = NULL;

	if (e->scalar.value != NULL)
		p = fy_token_get_text(e->scalar.value, &s.n);
	if (p != NULL)
		s.p = p;
	if (up != NULL && up->map && !r->keyed) {
		tape_key(r->b, s);
		r->keyed = true;
		return true;
	}
	r->keyed = false;
	if (up != NULL)
		up->n++;
	note_line(r, e);
	if (e->scalar.value != NULL &&
	    fy_token_scalar_style(e->scalar.value) != FYSS_PLAIN)
		tape_str(r->b, s);
	else if (!put_plain(r->b, s))
		tape_str(r->b, s);
	return true;
}

static bool
got_open(struct reader *r, struct fy_event *e, bool map)
{
	struct open *up = r->depth == 0 ? NULL : &r->open[r->depth - 1];

	if (r->depth == DEPTH_MAX || (up != NULL && up->map && !r->keyed))
		return false;
	r->keyed = false;
	if (up != NULL)
		up->n++;
	note_line(r, e);
	r->open[r->depth++] =
	    (struct open){ map ? tape_obj(r->b) : tape_arr(r->b), 0, map };
	return true;
}

static bool
got_close(struct reader *r)
{
	struct open *o = &r->open[--r->depth];
	size_t n = o->n;

	tape_end(r->b, o->mark, n);
	return true;
}

static bool
got(struct reader *r, struct fy_event *e)
{
	switch ((int)e->type) {
	case FYET_SCALAR:
		return got_scalar(r, e);
	case FYET_MAPPING_START:
		return got_open(r, e, true);
	case FYET_SEQUENCE_START:
		return got_open(r, e, false);
	case FYET_MAPPING_END:
	case FYET_SEQUENCE_END:
		return got_close(r);
	case FYET_ALIAS:
		return false;
	default:
		return true;
	}
}

enum err
yaml_tape(
    struct str text, struct buf *tape, struct buf *lines, struct note *why)
{
	struct reader r = { .b = tape, .lines = lines };
	struct fy_event *e;
	struct yaml y;
	bool good = utf8_ok(text) && yaml_open(&y, text);
	void *walk = NULL;
	const struct fy_diag_error *d;

	if (!good) {
		note_set(why, "this is not UTF-8, or not YAML");
		return ERR_SYNTAX;
	}
	while (good && (e = fy_parser_parse(y.parser)) != NULL) {
		good = got(&r, e);
		fy_parser_event_free(y.parser, e);
	}
	d = fy_diag_errors_iterate(y.diag, &walk);
	if (d != NULL)
		note_set(why, "line %d: %s", d->line, d->msg);
	else if (!good)
		note_set(why, "aliases and maps as keys are refused");
	good = good && d == NULL && r.depth == 0;
	yaml_done(&y);
	/* twice the same member is refused by the check */
	if (good && tape_check(buf_view(tape), &json_default) != OK) {
		note_set(why, "a member is there twice, or it is too large");
		good = false;
	}
	return good ? OK : ERR_SYNTAX;
}

/* Values before `at`, going through the tape as it lies. */
static bool
count_to(struct jv v, struct jv at, size_t *n)
{
	struct jit it = jit_of(v);
	struct jv in;

	if (v.p == at.p)
		return true;
	++*n;
	while (jit_next(&it, NULL, &in))
		if (count_to(in, at, n))
			return true;
	return false;
}

unsigned
yaml_line(struct str tape, const struct buf *lines, struct jv at)
{
	size_t n = 0;
	struct cur c;

	if (at.p == NULL || !count_to(jv_of(tape), at, &n) || lines->n / 4 <= n)
		return 0;
	c = cur_of(lines->p + n * 4, 4);
	return cur_u32(&c);
}
