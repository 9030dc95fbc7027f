/*
 * tree-yaml: YAML by libfyaml's events, which say where in the bytes things
 * begin and end.  Anchors, aliases and tags are marked odd: whoever edits
 * leaves what has them alone.
 */
#include "ctl/tree.h"

#include <libfyaml.h>

#include "conf/conf.h"

struct reader {
	struct str s;
	struct arena *a;
	struct note *why;
	struct yaml in;
	struct tree *open[TREE_DEPTH + 1];
	size_t depth, documents, nodes;
	bool keyed; /* key is read and waits for its value */
	struct str key;
	size_t key_at;
	struct tree *root;
};

enum { NODES_MAX = 200000 };

static void
reader_done(struct reader *r)
{
	yaml_done(&r->in);
}

/* Quotes belong to the bytes of a text; the library leaves them out. */
static bool
span(const struct reader *r, struct fy_event *e, size_t *at, size_t *end)
{
	const struct fy_mark *from = fy_event_start_mark(e);
	const struct fy_mark *to = fy_event_end_mark(e);
	size_t quote = 0;

	if (from == NULL || to == NULL)
		return false;
	if (e->type == FYET_SCALAR) {
		const enum fy_scalar_style s =
		    fy_token_scalar_style(e->scalar.value);

		quote = s == FYSS_SINGLE_QUOTED || s == FYSS_DOUBLE_QUOTED;
	}
	if (from->input_pos < quote || to->input_pos + quote > r->s.n ||
	    to->input_pos < from->input_pos)
		return false;
	*at = from->input_pos - quote;
	*end = to->input_pos + quote;
	return true;
}

static bool
wants_key(const struct reader *r)
{
	return r->depth > 0 && !r->keyed &&
	       r->open[r->depth - 1]->kind == TREE_MAP;
}

static enum err
node(struct reader *r, struct fy_event *e, enum tree_kind kind,
    struct tree **out)
{
	struct tree *up = r->depth == 0 ? NULL : r->open[r->depth - 1];
	struct tree *t = tree_new(r->a, up, kind);

	if (t == NULL || ++r->nodes > NODES_MAX)
		return ERR_LIMIT;
	if (up == NULL)
		r->root = t;
	if (r->keyed) {
		t->key = r->key;
		t->key_at = r->key_at;
		r->keyed = false;
	}
	t->odd = !span(r, e, &t->at, &t->end) || e->type == FYET_ALIAS ||
		 fy_event_get_anchor_token(e) != NULL ||
		 fy_event_get_tag_token(e) != NULL;
	*out = t;
	return OK;
}

static enum err
scalar(struct reader *r, struct fy_event *e)
{
	struct tree *t;
	struct str s = STR("");
	size_t n = 0, end;
	const char *p = e->scalar.value == NULL
			    ? NULL
			    : fy_token_get_text(e->scalar.value, &n);

	if (p != NULL)
		s = arena_str(r->a, (struct str){ p, n });
	if (s.p == NULL)
		return ERR_LIMIT;
	if (wants_key(r)) {
		if (!span(r, e, &r->key_at, &end))
			r->key_at = 0;
		r->key = s;
		r->keyed = true;
		return OK;
	}
	TRY(node(r, e, TREE_TEXT, &t));
	t->text = s;
	if (t->odd || fy_token_scalar_style(e->scalar.value) == FYSS_LITERAL ||
	    fy_token_scalar_style(e->scalar.value) == FYSS_FOLDED ||
	    str_find(str_sub(r->s, t->at, t->end - t->at), '\n') <
		t->end - t->at)
		t->kind = TREE_OTHER;
	if (!t->odd && t->end - t->at == n &&
	    (str_eq(s, STR("~")) || str_eq(s, STR("null"))))
		t->kind = TREE_OTHER;
	return OK;
}

static enum err
open_one(struct reader *r, struct fy_event *e)
{
	struct tree *t;

	if (wants_key(r) || r->depth == TREE_DEPTH) {
		note_set(r->why, "a key that is a map, or too much nesting");
		return ERR_SYNTAX;
	}
	TRY(node(
	    r, e, e->type == FYET_MAPPING_START ? TREE_MAP : TREE_LIST, &t));
	t->flow = !t->odd && t->at < r->s.n &&
		  (r->s.p[t->at] == '{' || r->s.p[t->at] == '[') &&
		  t->end > t->at;
	r->open[r->depth++] = t;
	return OK;
}

static enum err
close_one(struct reader *r, struct fy_event *e)
{
	const struct fy_mark *to = fy_event_end_mark(e);

	if (r->depth == 0)
		return ERR_SYNTAX;
	if (to != NULL)
		r->open[r->depth - 1]->end = to->input_pos;
	r->depth--;
	return OK;
}

static enum err
got(struct reader *r, struct fy_event *e)
{
	struct tree *t;

	switch ((int)e->type) {
	case FYET_DOCUMENT_START:
		if (r->documents++ == 0)
			return OK;
		note_set(r->why, "a second document");
		return ERR_SYNTAX;
	case FYET_SCALAR:
		return scalar(r, e);
	case FYET_ALIAS:
		if (!wants_key(r))
			return node(r, e, TREE_OTHER, &t);
		note_set(r->why, "a key that is an alias");
		return ERR_SYNTAX;
	case FYET_MAPPING_START:
	case FYET_SEQUENCE_START:
		return open_one(r, e);
	case FYET_MAPPING_END:
	case FYET_SEQUENCE_END:
		return close_one(r, e);
	default:
		return OK;
	}
}

enum err
tree_yaml(struct str s, struct arena *a, struct tree **root, struct note *why)
{
	__attribute__((cleanup(
	    reader_done))) struct reader r = { .s = s, .a = a, .why = why };
	struct fy_event *e;
	enum err err = OK;

	note_set(why, "this is not YAML");
	if (!yaml_open(&r.in, s))
		return ERR_OS;
	while (err == OK && (e = fy_parser_parse(r.in.parser)) != NULL) {
		err = got(&r, e);
		fy_parser_event_free(r.in.parser, e);
	}
	if (err == OK && fy_parser_get_stream_error(r.in.parser))
		err = ERR_SYNTAX;
	if (err == OK && r.root == NULL)
		err = ERR_SYNTAX;
	if (err == OK)
		*root = r.root;
	return err;
}
