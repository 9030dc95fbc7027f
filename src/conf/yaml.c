/*
 * yaml: text of a configuration to a tree with positions.  libfyaml reads the
 * events; this file keeps the part of YAML that people mean: maps with plain
 * keys, lists, scalars.  Anchors, aliases, merge keys, tags, directives and
 * second documents are refused, so that what one reads is what there is.
 */
#include "conf/conf-in.h"

#include <libfyaml.h>

struct reader {
	struct conf_job *j;
	struct yaml in;
	struct node *open[CONF_DEPTH_MAX + 1];
	size_t depth, nodes, documents;
	struct node *key; /* read, and waiting for its value */
};

void
yaml_done(struct yaml *y)
{
	if (y->parser != NULL)
		fy_parser_destroy(y->parser);
	if (y->diag != NULL)
		fy_diag_destroy(y->diag);
	*y = (struct yaml){ NULL, NULL };
}

static void
reader_done(struct reader *r)
{
	yaml_done(&r->in);
}

static void
swallow(struct fy_diag *d, void *user, const char *p, size_t n)
{
	(void)d, (void)user, (void)p,
	    (void)n; /* errors are collected instead */
}

bool
yaml_open(struct yaml *y, struct str text)
{
	struct fy_parse_cfg cfg = {
		.flags =
		    FYPCF_QUIET | FYPCF_JSON_NONE | FYPCF_DEFAULT_VERSION_1_2,
	};
	struct fy_diag_cfg dc;

	fy_diag_cfg_default(&dc);
	dc.fp = NULL;
	dc.output_fn = swallow;
	dc.level = FYET_ERROR;
	y->diag = fy_diag_create(&dc);
	if (y->diag == NULL)
		return false;
	fy_diag_set_collect_errors(y->diag, true);
	cfg.diag = y->diag;
	y->parser = fy_parser_create(&cfg);
	return y->parser != NULL &&
	       fy_parser_set_string(y->parser, text.p, text.n) == 0;
}

/* Where an event is; a value that was left empty is where its key is. */
static void
place(struct reader *r, struct fy_event *e, struct node *n)
{
	const struct fy_mark *m = fy_event_start_mark(e);

	if (m != NULL) {
		n->line = (unsigned)m->line + 1;
		n->column = (unsigned)m->column + 1;
	} else if (r->key != NULL) {
		n->line = r->key->line;
		n->column = r->key->column;
	} else {
		n->line = n->column = 1;
	}
}

static struct node *
node_new(struct reader *r, struct fy_event *e, enum node_kind kind)
{
	struct node *n = arena_alloc(r->j->a, sizeof(*n));

	if (n == NULL || ++r->nodes > CONF_NODES_MAX) {
		conf_bad(r->j, NULL, "this is too large; at most %d values",
		    CONF_NODES_MAX);
		return NULL;
	}
	n->kind = kind;
	place(r, e, n);
	return n;
}

static struct node *
refuse(struct reader *r, struct fy_event *e, const char *what)
{
	struct node here = { .kind = N_NULL };

	place(r, e, &here);
	conf_bad(r->j, &here, "%s", what);
	return NULL;
}

static bool
key_taken(const struct node *map, const struct node *key, unsigned *line)
{
	for (const struct node *n = map->first; n != NULL; n = n->next)
		if (str_eq(n->key, key->text)) {
			*line = n->key_line;
			return true;
		}
	return false;
}

static bool
add_to(struct reader *r, struct node *n)
{
	struct node *up = r->depth == 0 ? NULL : r->open[r->depth - 1];

	n->up = up;
	if (up == NULL) {
		r->j->root = n;
		return true;
	}
	if (up->kind == N_MAP) {
		n->key = r->key->text;
		n->key_line = r->key->line;
		n->key_column = r->key->column;
		r->key = NULL;
	} else {
		n->key = up->key;
	}
	node_append(up, n);
	return true;
}

static bool
take_key(struct reader *r, struct node *map, struct node *key)
{
	unsigned line;

	if (str_eq(key->text, STR("<<")) && !key->quoted) {
		conf_bad(r->j, key,
		    "merge keys are refused; write the members "
		    "out");
		return false;
	}
	if (key->text.n == 0) {
		conf_bad(r->j, key, "a key is empty; give it a name");
		return false;
	}
	if (map->count == CONF_KEYS_MAX) {
		conf_bad(
		    r->j, key, "more than %d keys in one map", CONF_KEYS_MAX);
		return false;
	}
	if (key_taken(map, key, &line)) {
		conf_bad(r->j, key,
		    "%.*s: this key is already on line %u; keep one of them",
		    STR_ARG(str_sub(key->text, 0, 64)), line);
		return false;
	}
	r->key = key;
	return true;
}

/* Does the next node stand where a key does? */
static bool
wants_key(const struct reader *r)
{
	return r->depth > 0 && r->open[r->depth - 1]->kind == N_MAP &&
	       r->key == NULL;
}

static bool
got_scalar(struct reader *r, struct fy_event *e)
{
	struct node *n = node_new(r, e, N_TEXT);
	const enum fy_scalar_style style =
	    e->scalar.value == NULL ? FYSS_PLAIN
				    : fy_token_scalar_style(e->scalar.value);
	size_t len = 0;
	const char *p = e->scalar.value == NULL
			    ? NULL
			    : fy_token_get_text(e->scalar.value, &len);

	if (n == NULL)
		return false;
	n->quoted = style != FYSS_PLAIN;
	if (style == FYSS_SINGLE_QUOTED || style == FYSS_DOUBLE_QUOTED)
		n->column -= n->column > 1; /* the mark is behind the quote */
	n->text = arena_str(r->j->a, (struct str){ p, p == NULL ? 0 : len });
	if (n->text.p == NULL)
		return false;
	if (!utf8_ok(n->text) || str_find(n->text, '\0') != n->text.n)
		return refuse(r, e,
			   "an escape makes a NUL or what is not "
			   "UTF-8; remove it") != NULL;
	if (wants_key(r))
		return take_key(r, r->open[r->depth - 1], n);
	if (!n->quoted && (n->text.n == 0 || str_eq(n->text, STR("~")) ||
			      str_eq(n->text, STR("null"))))
		n->kind = N_NULL;
	return add_to(r, n);
}

static bool
got_open(struct reader *r, struct fy_event *e, enum node_kind kind)
{
	struct node *n;

	if (wants_key(r))
		return refuse(r, e, "a key must be a plain word") != NULL;
	if (r->depth == CONF_DEPTH_MAX)
		return refuse(r, e,
			   "this is nested too deeply; nothing here "
			   "needs it") != NULL;
	n = node_new(r, e, kind);
	if (n == NULL || !add_to(r, n))
		return false;
	r->open[r->depth++] = n;
	return true;
}

static bool
got_document(struct reader *r, struct fy_event *e)
{
	if (r->documents++ > 0)
		return refuse(r, e,
			   "a second document begins here; keep one "
			   "document in the file") != NULL;
	return true;
}

/* false: stop; the finding is made. */
static bool
got(struct reader *r, struct fy_event *e)
{
	if (e->type == FYET_ALIAS)
		return refuse(r, e,
			   "aliases are refused; write the value out") != NULL;
	if (e->type == FYET_SCALAR || e->type == FYET_MAPPING_START ||
	    e->type == FYET_SEQUENCE_START) {
		if (fy_event_get_anchor_token(e) != NULL)
			return refuse(r, e,
				   "anchors are refused; remove the "
				   "&word") != NULL;
		if (fy_event_get_tag_token(e) != NULL)
			return refuse(r, e,
				   "tags are refused; remove the "
				   "!word") != NULL;
	}
	if (e->type == FYET_SCALAR)
		return got_scalar(r, e);
	if (e->type == FYET_MAPPING_START)
		return got_open(r, e, N_MAP);
	if (e->type == FYET_SEQUENCE_START)
		return got_open(r, e, N_LIST);
	if (e->type == FYET_MAPPING_END || e->type == FYET_SEQUENCE_END)
		r->depth--;
	if (e->type == FYET_DOCUMENT_START)
		return got_document(r, e);
	return true;
}

/* The first complaint of the library, with its position. */
static void
complain(struct reader *r)
{
	struct node here = { .line = 1, .column = 1 };
	void *walk = NULL;
	const struct fy_diag_error *e =
	    fy_diag_errors_iterate(r->in.diag, &walk);

	if (e == NULL) {
		conf_bad(r->j, &here, "this is not YAML");
		return;
	}
	if (e->line > 0)
		here.line = (unsigned)e->line;
	if (e->column > 0)
		here.column = (unsigned)e->column;
	conf_bad(r->j, &here, "this is not YAML: %s", e->msg);
}

/* The library drops bad bytes in silence, so they are looked for here. */
static bool
bytes_ok(struct conf_job *j, struct str text)
{
	struct node here = { .line = 1, .column = 1 };

	if (text.n > CONF_TEXT_MAX) {
		conf_bad(j, NULL, "the file is larger than 1 MiB");
		return false;
	}
	for (size_t i = 0; i < text.n; i++) {
		const unsigned char ch = (unsigned char)text.p[i];

		if ((ch < 0x20 && ch != '\n' && ch != '\r' && ch != '\t') ||
		    ch == 0x7f) {
			conf_bad(j, &here,
			    "control character 0x%02x; remove it", ch);
			return false;
		}
		here.column++;
		if (ch == '\n') {
			here.line++;
			here.column = 1;
		}
	}
	if (!utf8_ok(text)) {
		conf_bad(j, NULL, "the file is not UTF-8; save it as UTF-8");
		return false;
	}
	return true;
}

enum err
yaml_read(struct conf_job *j, struct str text)
{
	__attribute__((cleanup(reader_done))) struct reader r = { .j = j };
	struct fy_event *e;
	bool more = true;

	if (!bytes_ok(j, text))
		return ERR_SYNTAX;
	if (!yaml_open(&r.in, text))
		return ERR_OS;
	while (more && (e = fy_parser_parse(r.in.parser)) != NULL) {
		more = got(&r, e);
		fy_parser_event_free(r.in.parser, e);
	}
	if (more && fy_parser_get_stream_error(r.in.parser))
		complain(&r);
	if (arena_spent(j->a))
		return ERR_LIMIT;
	return j->errors > 0 ? ERR_SYNTAX : OK;
}
