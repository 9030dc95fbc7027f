/*
 * data.c: what becomes of the content of calls and answers: classes of data,
 * and which arguments are of which.  servers.NAME.keep is the short way of
 * saying "safe"; the image knows classes alone.
 */
#include "conf/conf-in.h"

#define KEY(lit) tape_key(b, STR(lit))
#define CLASS(key) node_text(n, key, "data.classes.NAME." key)

/* There without being configured, each named for what it does. */
static const struct str own[] = { STR_INIT("safe"), STR_INIT("keep"),
	STR_INIT("commit"), STR_INIT("redact"), STR_INIT("drop") };

static bool
is_own(struct str name)
{
	for (size_t i = 0; i < countof(own); i++)
		if (str_eq(own[i], name))
			return true;
	return false;
}

static void
check_class(struct conf_job *j, const struct node *n)
{
	if (n == NULL || n->kind != N_TEXT || is_own(n->text) ||
	    node_named(node_at(j->root, "data.classes"), n->text) != NULL)
		return;
	conf_bad(j, n,
	    "is no class of data.classes, nor one of safe, keep, commit, "
	    "redact, drop");
}

/* One argument, one class. */
static void
check_keep(struct conf_job *j, const struct node *server)
{
	const struct node *keep = node_get(server, "keep");

	for (const struct node *t = keep == NULL ? NULL : keep->first;
	     t != NULL; t = t->next)
		for (const struct node *a = t->first; a != NULL; a = a->next)
			if (node_named(
				node_named(node_get(server, "data"), t->key),
				a->text) != NULL)
				conf_bad(j, a,
				    "has a class in data already: keep is the "
				    "same as the class safe there");
}

static void
check_server(struct conf_job *j, const struct node *server)
{
	const struct node *data = node_get(server, "data");
	const struct node *results = node_get(server, "results");

	for (const struct node *t = data == NULL ? NULL : data->first;
	     t != NULL; t = t->next)
		for (const struct node *a = t->first; a != NULL; a = a->next)
			check_class(j, a);
	for (const struct node *t = results == NULL ? NULL : results->first;
	     t != NULL; t = t->next)
		check_class(j, t);
	check_keep(j, server);
}

static void
check_retention(struct conf_job *j, const struct node *n)
{
	const struct node *r = node_get(n, "retention");

	if (r != NULL && !str_eq(CLASS("do"), STR("keep")))
		conf_bad(j, r,
		    "is for classes that keep: of the others no value is "
		    "kept");
}

void
check_data(struct conf_job *j)
{
	const struct node *classes = node_at(j->root, "data.classes");
	const struct node *servers = node_get(j->root, "servers");

	for (const struct node *n = classes == NULL ? NULL : classes->first;
	     n != NULL; n = n->next) {
		if (is_own(n->key))
			conf_bad_key(j, n,
			    "is there already and does what its name says; "
			    "take another name");
		check_retention(j, n);
	}
	check_class(j, node_at(j->root, "data.arguments"));
	check_class(j, node_at(j->root, "data.results"));
	for (const struct node *n = servers == NULL ? NULL : servers->first;
	     n != NULL; n = n->next)
		check_server(j, n);
}

/* ---- the image ---- */

void
put_data(struct conf_job *j, struct buf *b)
{
	const struct node *data = node_get(j->root, "data");
	const struct node *classes = node_get(data, "classes");
	const size_t o = tape_obj(b);
	size_t m;

	KEY("classes");
	m = tape_arr(b);
	for (const struct node *n = classes == NULL ? NULL : classes->first;
	     n != NULL; n = n->next) {
		const size_t c = tape_obj(b);

		KEY("name");
		tape_str(b, n->key);
		KEY("do");
		tape_str(b, CLASS("do"));
		KEY("retention_ms");
		tape_i64(b, (int64_t)node_num(
				n, "retention", "data.classes.NAME.retention"));
		tape_end(b, c, 3);
	}
	tape_end(b, m, classes == NULL ? 0 : classes->count);
	KEY("arguments");
	tape_str(b, node_text(data, "arguments", "data.arguments"));
	KEY("results");
	tape_str(b, node_text(data, "results", "data.results"));
	KEY("store");
	tape_i64(b, (int64_t)node_num(data, "store", "data.store"));
	tape_end(b, o, 4);
}

/* {argument: class} of one tool, from data and keep. */
static void
put_tool(const struct node *data, const struct node *keep, struct buf *b)
{
	const size_t o = tape_obj(b);
	size_t n = 0;

	for (const struct node *a = data == NULL ? NULL : data->first;
	     a != NULL; a = a->next, n++) {
		tape_key(b, a->key);
		tape_str(b, a->text);
	}
	for (const struct node *a = keep == NULL ? NULL : keep->first;
	     a != NULL; a = a->next) {
		bool again = false;

		for (const struct node *e = keep->first; e != a; e = e->next)
			again |= str_eq(e->text, a->text);
		if (again)
			continue;
		tape_key(b, a->text);
		tape_str(b, STR("safe"));
		n++;
	}
	tape_end(b, o, n);
}

void
put_server_data(const struct node *server, struct buf *b)
{
	const struct node *data = node_get(server, "data");
	const struct node *keep = node_get(server, "keep");
	const size_t o = tape_obj(b);
	size_t n = 0;

	for (const struct node *t = data == NULL ? NULL : data->first;
	     t != NULL; t = t->next, n++) {
		tape_key(b, t->key);
		put_tool(t, node_named(keep, t->key), b);
	}
	for (const struct node *t = keep == NULL ? NULL : keep->first;
	     t != NULL; t = t->next)
		if (node_named(data, t->key) == NULL) {
			tape_key(b, t->key);
			put_tool(NULL, t, b);
			n++;
		}
	tape_end(b, o, n);
}
