/*
 * policies: what decides besides the rules: files of Cedar, read as they are,
 * and what is declared of tools and their arguments.  Nothing here knows
 * Cedar: whoever compiles the texts says what is wrong with them.
 */
#include "conf/conf-in.h"

#include <stdlib.h>

#define KEY(lit) tape_key(b, STR(lit))
#define SUFFIX STR(".cedar")

static void
put_rule(const struct node *rule, size_t at, struct buf *b)
{
	static const char *const part[] = { "principal", "server", "method",
		"name" };
	const struct node *allow = node_get(rule, "allow");
	const struct node *what =
	    allow != NULL ? allow : node_get(rule, "deny");
	const struct node *id = node_get(rule, "id");
	const size_t o = tape_obj(b);
	char own[32];
	const int n = snprintf(own, sizeof(own), "rule-%zu", at);

	KEY("effect");
	tape_str(b, allow != NULL ? STR("allow") : STR("deny"));
	for (size_t i = 0; i < countof(part); i++) {
		const struct node *v = node_get(what, part[i]);

		tape_key(b, str_of(part[i]));
		tape_str(b, v == NULL ? STR("*") : v->text);
	}
	KEY("id");
	tape_str(b, id != NULL ? id->text : (struct str){ own, (size_t)n });
	KEY("reason");
	tape_str(b, node_text(rule, "reason", "rules[].reason"));
	tape_end(b, o, 7);
}

void
put_rules(struct conf_job *j, struct buf *b)
{
	const struct node *all = node_get(j->root, "rules");
	const size_t m = tape_arr(b);
	size_t at = 1;

	for (const struct node *r = all == NULL ? NULL : all->first; r != NULL;
	     r = r->next)
		put_rule(r, at++, b);
	tape_end(b, m, all == NULL ? 0 : all->count);
}

struct files {
	struct conf_job *j;
	struct buf *b;
	size_t n;
};

/* The first line that is not UTF-8. */
static size_t
bad_line(struct str text)
{
	struct str line;
	size_t n = 1;

	while (str_split(&text, '\n', &line) && utf8_ok(line))
		n++;
	return n;
}

static void
put_file(struct files *f, const struct node *at, struct str name)
{
	struct conf_job *j = f->j;
	struct buf text = { .max = CONF_POLICY_MAX }, hex = { .max = 64 };
	struct buf *b = f->b;
	unsigned char d[32];
	struct note why;
	char z[4096];
	size_t o;

	if (f->n == CONF_POLICIES_MAX)
		conf_bad(j, at, "there are more than %d files of policies",
		    CONF_POLICIES_MAX);
	if (f->n++ >= CONF_POLICIES_MAX)
		return;
	if (!image_path(conf_path(j, name), z))
		conf_bad(j, at, "the path is too long");
	else if (j->files->read(
		     j->files->arg, z, CONF_POLICY_MAX, &text, &why) != OK)
		conf_bad(j, at, "%s", why.text);
	else if (!utf8_ok(buf_view(&text)) || !utf8_ok(name))
		conf_bad(j, at, "%.*s is not UTF-8, line %zu",
		    (int)(name.n > 100 ? 100 : name.n), name.p,
		    bad_line(buf_view(&text)));
	else if (conf_sha256(buf_view(&text), d) != OK)
		conf_bad(j, at, "SHA-256 failed");
	else {
		conf_source(j, name, buf_view(&text));
		buf_hex(&hex, (struct str){ (char *)d, sizeof(d) });
		o = tape_obj(b);
		KEY("name");
		tape_str(b, name);
		KEY("text");
		tape_str(b, buf_view(&text));
		KEY("sha256");
		tape_str(b, buf_view(&hex));
		tape_end(b, o, 3);
	}
	buf_done(&hex);
	buf_done(&text);
}

static int
by_name(const void *a, const void *b)
{
	const struct str *x = a, *y = b;

	return str_cmp(*x, *y);
}

static bool
is_policy(struct str name)
{
	return name.n > SUFFIX.n && name.p[0] != '.' && str_ends(name, SUFFIX);
}

/* In order of names, whatever the order of the directory. */
static void
put_directory(struct files *f, const struct node *at, struct str names)
{
	const size_t most = names.n / (SUFFIX.n + 2) + 1;
	struct str *name = arena_alloc(f->j->a, most * sizeof(*name));
	struct str rest = names, one;
	size_t n = 0;

	while (name != NULL && str_split(&rest, '\0', &one))
		if (is_policy(one) && n < most)
			name[n++] = one;
	if (n == 0) {
		conf_bad(f->j, at, "holds no file named *.cedar");
		return;
	}
	qsort(name, n, sizeof(*name), by_name);
	for (size_t i = 0; i < n; i++)
		put_file(f, at, conf_path_from(f->j, at->text, name[i]));
}

static void
put_either(struct files *f, const struct node *at)
{
	const struct conf_files *files = f->j->files;
	struct buf names = { .max = CONF_TEXT_MAX };
	struct note why = { .text = "holds too many names" };
	char z[4096];
	enum err e;

	if (!image_path(conf_path(f->j, at->text), z)) {
		conf_bad(f->j, at, "the path is too long");
		return;
	}
	e = files->list(files->arg, z, &names, &why);
	if (e == ERR_MORE)
		put_file(f, at, at->text);
	else if (e != OK)
		conf_bad(f->j, at, "%s", why.text);
	else
		put_directory(f, at, buf_view(&names));
	buf_done(&names);
}

void
put_policies(struct conf_job *j, struct buf *b)
{
	const struct node *all = node_get(j->root, "policies");
	struct files f = { .j = j, .b = b };
	const size_t m = tape_arr(b);

	for (const struct node *n = all == NULL ? NULL : all->first; n != NULL;
	     n = n->next)
		put_either(&f, n);
	tape_end(b, m, f.n);
}

/* ---- what is declared of tools ---- */
void
put_facts(const struct node *facts, struct buf *b)
{
	const size_t o = tape_obj(b);

	for (const struct node *tool = facts == NULL ? NULL : facts->first;
	     tool != NULL; tool = tool->next) {
		size_t m;

		tape_key(b, tool->key);
		m = tape_obj(b);
		for (const struct node *n = tool->first; n != NULL;
		     n = n->next) {
			tape_key(b, n->key);
			tape_str(b, n->text);
		}
		tape_end(b, m, tool->count);
	}
	tape_end(b, o, facts == NULL ? 0 : facts->count);
}

void
put_lists(const struct node *lists, struct buf *b)
{
	const size_t o = tape_obj(b);

	for (const struct node *tool = lists == NULL ? NULL : lists->first;
	     tool != NULL; tool = tool->next) {
		size_t m;

		tape_key(b, tool->key);
		m = tape_arr(b);
		for (const struct node *n = tool->first; n != NULL; n = n->next)
			tape_str(b, n->text);
		tape_end(b, m, tool->count);
	}
	tape_end(b, o, lists == NULL ? 0 : lists->count);
}
