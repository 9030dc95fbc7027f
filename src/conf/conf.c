/*
 * conf: the way from text to image, the findings on it, and how the tree is
 * read.  The door of this room.
 */
#include "conf/conf-in.h"

#include <openssl/evp.h>
#include <stdarg.h>

/* ---- findings ---- */
static void
put_path(const struct node *n, struct buf *out)
{
	const struct node *chain[CONF_DEPTH_MAX + 1] = { NULL };
	size_t depth = 0;

	for (; n != NULL && n->up != NULL && depth < countof(chain); n = n->up)
		chain[depth++] = n;
	while (depth-- > 0) {
		const struct node *m = chain[depth];
		unsigned at = 1;

		if (m->up->kind == N_MAP) {
			buf_fmt(out, "%s%.*s", out->n == 0 ? "" : ".",
			    STR_ARG(str_sub(m->key, 0, 40)));
			continue;
		}
		for (const struct node *s = m->up->first; s != m; s = s->next)
			at++;
		buf_fmt(out, "[%u]", at);
	}
	if (out->n > 0)
		buf_put(out, ": ", 2);
}

struct place {
	const struct node *n;
	bool at_key, warning;
};

static void finding(struct conf_job *j, struct place p, const char *fmt,
    va_list ap) __attribute__((format(printf, 3, 0)));

static void
finding(struct conf_job *j, struct place p, const char *fmt, va_list ap)
{
	struct buf path = { .max = 512 };
	struct conf_error *e;
	char text[240];
	int len;

	j->errors += p.warning ? 0 : 1;
	if (j->n == j->max)
		return;
	e = &j->at[j->n++];
	memset(e, 0, sizeof(*e));
	e->warning = p.warning;
	note_set(&e->file, "%.*s", STR_ARG(str_sub(j->file, 0, 200)));
	if (p.n != NULL) {
		e->line = p.at_key ? p.n->key_line : p.n->line;
		e->column = p.at_key ? p.n->key_column : p.n->column;
		put_path(p.n, &path);
	}
	len = vsnprintf(text, sizeof(text), fmt, ap);
	note_set(
	    &e->text, "%.*s%s", STR_ARG(buf_view(&path)), len < 0 ? "?" : text);
	buf_done(&path);
}

void
conf_bad(struct conf_job *j, const struct node *n, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	finding(j, (struct place){ .n = n }, fmt, ap);
	va_end(ap);
}

void
conf_bad_key(struct conf_job *j, const struct node *n, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	finding(
	    j, (struct place){ .n = n, .at_key = n->key_line != 0 }, fmt, ap);
	va_end(ap);
}

void
conf_warn(struct conf_job *j, const struct node *n, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	finding(j, (struct place){ .n = n, .warning = true }, fmt, ap);
	va_end(ap);
}

/* ---- reading the tree ---- */
void
node_append(struct node *up, struct node *n)
{
	if (up->last == NULL)
		up->first = n;
	else
		up->last->next = n;
	up->last = n;
	up->count++;
}

struct node *
node_named(const struct node *map, struct str key)
{
	if (map == NULL || map->kind != N_MAP)
		return NULL;
	for (struct node *n = map->first; n != NULL; n = n->next)
		if (str_eq(n->key, key))
			return n;
	return NULL;
}

struct node *
node_get(const struct node *map, const char *key)
{
	return node_named(map, str_of(key));
}

struct node *
node_at(const struct node *map, const char *path)
{
	struct str rest = str_of(path), part;
	struct node *n = NULL;

	while (str_split(&rest, '.', &part)) {
		char key[32];

		BUG_ON(part.n >= sizeof(key));
		memcpy(key, part.p, part.n);
		key[part.n] = '\0';
		n = node_get(map, key);
		if (n == NULL)
			return NULL;
		map = n;
	}
	return n;
}

struct str
node_text(const struct node *map, const char *key, const char *row_path)
{
	const struct node *n = node_at(map, key);
	const struct setting *s = setting_find(str_of(row_path));

	BUG_ON(s == NULL);
	return n == NULL ? str_of(s->def) : n->text;
}

uint64_t
node_num(const struct node *map, const char *key, const char *row_path)
{
	const struct node *n = node_at(map, key);
	const struct setting *s = setting_find(str_of(row_path));
	struct note why;
	uint64_t v = 0;

	BUG_ON(s == NULL);
	if (n != NULL)
		return n->num;
	if (s->type == C_BOOL)
		return strcmp(s->def, "true") == 0;
	BUG_ON(value_u64(s, str_of(s->def), &v, &why) != OK);
	return v;
}

struct str
conf_path_from(struct conf_job *j, struct str dir, struct str path)
{
	struct buf b = { .max = 16384 };
	struct str out;

	if (path.n == 0 || path.p[0] == '/')
		return path;
	while (str_starts(path, STR("./")))
		path = str_sub(path, 2, path.n);
	buf_str(&b, dir);
	if (path.n > 0 && !str_eq(path, STR("."))) {
		if (!str_ends(dir, STR("/")))
			buf_ch(&b, '/');
		buf_str(&b, path);
	}
	out = arena_str(j->a, buf_view(&b));
	buf_done(&b);
	return out;
}

struct str
conf_path(struct conf_job *j, struct str path)
{
	return conf_path_from(j, j->dir, path);
}

/* ---- the way ---- */
enum err
conf_sha256(struct str s, unsigned char out[static 32])
{
	unsigned int n = 32;

	if (EVP_Digest(s.p, s.n, out, &n, EVP_sha256(), NULL) != 1)
		return ERR_OS;
	return OK;
}

void
conf_source(struct conf_job *j, struct str name, struct str bytes)
{
	unsigned char d[32];

	if (conf_sha256(bytes, d) != OK) {
		conf_bad(j, NULL, "SHA-256 failed");
		return;
	}
	buf_hex(&j->sources, (struct str){ (char *)d, sizeof(d) });
	buf_fmt(&j->sources, "  %.*s\n", STR_ARG(name));
}

enum err
conf_build_tree(struct conf_job *j, struct buf *image)
{
	const size_t before = image->n;
	enum err e;

	check_tree(j);
	if (j->errors == 0)
		check_cross(j);
	if (j->errors > 0)
		return ERR_SYNTAX;
	e = image_build(j, image);
	if (j->errors > 0)
		e = ERR_SYNTAX;
	else if (arena_spent(j->a))
		e = ERR_LIMIT;
	if (e != OK)
		image->n = before;
	return e;
}

enum err
conf_build(struct conf_job *j, struct str yaml, struct buf *image)
{
	conf_source(j, STR("gatehouse.yaml"), yaml);
	TRY(yaml_read(j, yaml));
	return conf_build_tree(j, image);
}

enum err
conf_read(struct str yaml, struct str dir, struct buf *image,
    struct conf_error *at, size_t max, size_t *n)
{
	struct conf_job j = {
		.a = arena_new(CONF_ARENA),
		.files = &conf_files_real,
		.dir = dir,
		.at = at,
		.max = max,
		.sources = { .max = CONF_TEXT_MAX },
	};
	const enum err e = conf_build(&j, yaml, image);

	*n = j.n;
	buf_done(&j.sources);
	arena_free(j.a);
	return e;
}
