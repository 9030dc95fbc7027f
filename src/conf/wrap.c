/*
 * wrap: the image of "gatehouse wrap -- command".  It makes the tree that a
 * person would have written and sends it down the same way as a file's, so
 * defaults and checks are the same ones.
 */
#include "conf/conf-in.h"

static struct node *
add(struct conf_job *j, struct node *up, struct str key, enum node_kind kind)
{
	struct node *n = arena_alloc(j->a, sizeof(*n));

	if (n == NULL)
		return up; /* the arena says so in the end */
	n->kind = kind;
	n->key = key;
	n->up = up;
	if (up == NULL)
		return n;
	node_append(up, n);
	return n;
}

static void
add_text(struct conf_job *j, struct node *up, struct str key, struct str text)
{
	struct node *n = add(j, up, key, N_TEXT);

	if (n != up)
		n->text = text;
}

/* The client's environment is the server's, as it was without us.  Names
 * that no program can ask for (shell functions) and bytes that are no text
 * stay behind. */
static void
add_env(struct conf_job *j, struct node *server, char *const *env)
{
	struct node *map = add(j, server, STR("env"), N_MAP);

	for (; env != NULL && *env != NULL; env++) {
		const struct str s = str_of(*env);
		const size_t eq = str_find(s, '=');
		const struct str name = str_sub(s, 0, eq);
		bool plain = eq > 0 && eq < s.n && utf8_ok(s) &&
			     (name.p[0] < '0' || name.p[0] > '9');

		for (size_t i = 0; i < name.n; i++)
			plain = plain &&
				(name.p[i] == '_' ||
				    (name.p[i] >= '0' && name.p[i] <= '9') ||
				    ((name.p[i] | 0x20) >= 'a' &&
					(name.p[i] | 0x20) <= 'z'));
		for (struct node *n = map->first; plain && n != NULL;
		     n = n->next)
			plain = !str_eq(n->key, name);
		if (plain)
			add_text(j, map, name, str_sub(s, eq + 1, s.n));
	}
}

static void
add_sandbox(struct conf_job *j, struct node *server)
{
	struct node *box = add(j, server, STR("sandbox"), N_MAP);
	struct node *read = add(j, box, STR("read"), N_LIST);
	struct node *write = add(j, box, STR("write"), N_LIST);

	add_text(j, box, STR("mode"), STR("off"));
	add_text(j, read, STR("read"), STR("/"));
	add_text(j, write, STR("write"), STR("/"));
	add_text(j, box, STR("net"), STR("true"));
}

static void
add_server(struct conf_job *j, const struct conf_wrapped *w, struct str name)
{
	struct node *all = add(j, j->root, STR("servers"), N_MAP);
	struct node *server = add(j, all, name, N_MAP);
	struct node *argv = add(j, server, STR("command"), N_LIST);

	for (char *const *p = w->argv; *p != NULL; p++)
		add_text(j, argv, STR("command"), str_of(*p));
	add_text(j, server, STR("cwd"), w->cwd);
	add_env(j, server, w->env);
	add_sandbox(j, server);
}

static void
add_rule(struct conf_job *j)
{
	struct node *all = add(j, j->root, STR("rules"), N_LIST);
	struct node *rule = add(j, all, STR("rules"), N_MAP);
	struct node *allow = add(j, rule, STR("allow"), N_MAP);

	add_text(j, allow, STR("principal"), STR("local"));
	add_text(j, rule, STR("id"), STR("wrapped"));
	add_text(j, rule, STR("reason"),
	    STR("whoever wrapped this server chose to allow all it offers"));
}

struct str
conf_wrap_name(struct str from, char out[static 33])
{
	size_t n = 0;

	for (size_t slash; (slash = str_find(from, '/')) < from.n;)
		from = str_sub(from, slash + 1, from.n);
	for (size_t i = 0; i < from.n && n < 32; i++) {
		const char low = (char)(from.p[i] | 0x20);

		if (low >= 'a' && low <= 'z' && from.p[i] >= 'A')
			out[n++] = low;
		else if (from.p[i] >= '0' && from.p[i] <= '9')
			out[n++] = from.p[i];
		else if (n > 0 && out[n - 1] != '-')
			out[n++] = '-';
	}
	while (n > 0 && out[n - 1] == '-')
		n--;
	out[n] = '\0';
	return n == 0 ? STR("server") : (struct str){ out, n };
}

static enum err
argv_ok(const struct conf_wrapped *w, struct note *why)
{
	if (w->argv == NULL || w->argv[0] == NULL || w->argv[0][0] == '\0') {
		note_set(why, "a command is needed after --");
		return ERR_SYNTAX;
	}
	for (char *const *p = w->argv; *p != NULL; p++)
		if (!utf8_ok(str_of(*p))) {
			note_set(why,
			    "argument %zu of the command is not "
			    "UTF-8",
			    (size_t)(p - w->argv));
			return ERR_SYNTAX;
		}
	return OK;
}

static enum err
wrap_build(struct conf_job *j, const struct conf_wrapped *w, struct buf *image)
{
	char text[33];
	const struct str name =
	    conf_wrap_name(w->name.n > 0 ? w->name : str_of(w->argv[0]), text);

	j->root = add(j, NULL, STR(""), N_MAP);
	if (j->root == NULL)
		return ERR_LIMIT;
	add_text(j, j->root, STR("listen"), STR("none"));
	add_text(j, j->root, STR("desk"), STR("none"));
	add_text(j, j->root, STR("state"), w->state);
	add_text(j, j->root, STR("cells"), STR("1"));
	add_text(j, j->root, STR("anonymous"), STR("local"));
	add_server(j, w, name);
	add_rule(j);
	if (arena_spent(j->a))
		return ERR_LIMIT;
	for (char *const *p = w->argv; *p != NULL; p++)
		conf_source(j, STR("argv"), str_of(*p));
	return conf_build_tree(j, image);
}

enum err
conf_wrap(const struct conf_wrapped *w, struct buf *image, struct note *why)
{
	struct conf_error at[8] = { 0 };
	struct conf_job j = {
		.files = &conf_files_real,
		.dir = w->cwd,
		.at = at,
		.max = countof(at),
		.wrap = true,
		.sources = { .max = CONF_TEXT_MAX },
	};
	enum err e;

	TRY(argv_ok(w, why));
	j.a = arena_new(CONF_ARENA);
	e = wrap_build(&j, w, image);
	if (e != OK)
		note_set(why, "the command or its environment is too large");
	for (size_t i = j.n; i-- > 0;)
		if (e != OK && !at[i].warning)
			*why = at[i].text;
	buf_done(&j.sources);
	arena_free(j.a);
	return e;
}
