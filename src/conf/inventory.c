/*
 * inventory: the file that declares who and what there is.  It is read as
 * gatehouse.yaml is: the same reader, the rows below "inventory" of the same
 * table, findings with its own name.  What a declaration means is authority's
 * business; here it is whole, and it is held against what is configured.
 */
#include "conf/conf-in.h"

#define KEY(lit) tape_key(b, STR(lit))

enum { LABELS_MAX = 64 }; /* different classifications: a session's are bits */

static const char *const kinds[] = { "agents", "users", "servers", "tools",
	"prompts", "resources", "models", "datasets" };
static const char *const common[] = { "version", "owner", "sponsor", "purpose",
	"environment", "classification" };

static const struct node *
first_of(const struct node *map, const char *key)
{
	const struct node *n = node_get(map, key);

	return n == NULL ? NULL : n->first;
}

/* ---- in itself ---- */

static void
check_sponsors(struct conf_job *j)
{
	const struct node *users = node_get(j->root, "users");

	for (size_t i = 0; i < countof(kinds); i++)
		for (const struct node *n = first_of(j->root, kinds[i]);
		     n != NULL; n = n->next) {
			const struct node *s = node_get(n, "sponsor");

			if (s != NULL && node_named(users, s->text) == NULL)
				conf_bad(j, s,
				    "there is no such user; declare it under "
				    "users or correct the name");
		}
}

static const struct node *
acts_for(const struct conf_job *j, struct str agent)
{
	return node_get(
	    node_named(node_get(j->root, "agents"), agent), "acts_for");
}

static void
check_agents(struct conf_job *j)
{
	const struct node *agents = node_get(j->root, "agents");
	const struct node *users = node_get(j->root, "users");

	for (const struct node *n = first_of(j->root, "agents"); n != NULL;
	     n = n->next) {
		const struct node *to = node_get(n, "acts_for");
		const struct node *next = to;
		size_t steps = 0;

		if (node_named(users, n->key) != NULL)
			conf_bad_key(j, n,
			    "is the name of a user too; records name both, so "
			    "each needs its own");
		if (to != NULL && node_named(users, to->text) == NULL &&
		    node_named(agents, to->text) == NULL) {
			conf_bad(j, to,
			    "there is no such user or agent; declare it or "
			    "correct the name");
			continue;
		}
		while (next != NULL && steps++ <= agents->count)
			next = acts_for(j, next->text);
		if (next != NULL)
			conf_bad(j, to, "leads back to where it began");
	}
}

static void
check_labels(struct conf_job *j)
{
	struct str label[LABELS_MAX];
	size_t n = 0;

	for (size_t i = 0; i < countof(kinds); i++)
		for (const struct node *m = first_of(j->root, kinds[i]);
		     m != NULL; m = m->next) {
			const struct node *c = node_get(m, "classification");
			size_t at = 0;

			if (c == NULL)
				continue;
			while (at < n && !str_eq(label[at], c->text))
				at++;
			if (at == LABELS_MAX) {
				conf_bad(j, c,
				    "is one classification too many; the most "
				    "is %d different ones",
				    LABELS_MAX);
				return;
			}
			label[at] = c->text;
			n += at == n;
		}
}

/* ---- against what is configured ---- */

/* Is some tool that matches declared to have this argument as a fact? */
static bool
has_fact(const struct node *server, struct str tool, struct str argument)
{
	for (const struct node *n = first_of(server, "facts"); n != NULL;
	     n = n->next)
		if (str_glob(tool, n->key) && node_named(n, argument) != NULL)
			return true;
	return false;
}

static void
check_location(
    struct conf_job *j, const struct node *n, const struct node *servers)
{
	const struct node *server = node_get(n, "server");
	const struct node *argument = node_get(n, "argument");
	const struct node *fact = node_get(n, "fact");
	const struct node *values = node_get(n, "values");
	const struct node *conf;

	if (server == NULL) {
		conf_bad(j, n, "needs server");
		return;
	}
	conf = node_named(servers, server->text);
	if (conf == NULL)
		conf_bad(j, server,
		    "there is no such server; correct the name, or add it "
		    "under servers of gatehouse.yaml");
	if (argument == NULL && (fact != NULL || values != NULL))
		conf_bad(j, n, "needs argument: which one is compared?");
	if (fact != NULL && values == NULL)
		conf_bad(j, fact, "needs values to be compared with");
	if (conf != NULL && fact != NULL && argument != NULL &&
	    !has_fact(conf,
		node_text(
		    n, "tool", "inventory.datasets.NAME.arguments[].tool"),
		argument->text))
		conf_bad(j, fact,
		    "the argument has no facts; declare what it is in "
		    "servers.%.*s.facts of gatehouse.yaml",
		    STR_ARG(server->text));
}

static void
check_datasets(struct conf_job *j, const struct node *servers)
{
	for (const struct node *d = first_of(j->root, "datasets"); d != NULL;
	     d = d->next) {
		if (node_get(d, "resources") == NULL &&
		    node_get(d, "arguments") == NULL)
			conf_bad_key(j, d,
			    "needs resources or arguments: nothing touches it");
		for (const struct node *n = first_of(d, "arguments"); n != NULL;
		     n = n->next)
			check_location(j, n, servers);
	}
}

static bool
declares(const struct node *map, struct str key)
{
	for (const struct node *n = map == NULL ? NULL : map->first; n != NULL;
	     n = n->next)
		if (str_glob(n->key, key))
			return true;
	return false;
}

/* What is configured and not declared is refused: that is worth a word. */
static void
missed(struct conf_job *own, const struct conf_job *j, const char *key,
    const char *kind)
{
	for (const struct node *n = first_of(own->root, key); n != NULL;
	     n = n->next)
		if (node_named(node_get(j->root, kind), n->key) == NULL)
			conf_warn(own, n,
			    "is not declared under %s of the inventory: it "
			    "is refused",
			    kind);
}

static void
missed_tools(struct conf_job *own, const struct conf_job *j)
{
	static const char *const said[] = { "facts", "risk" };
	const struct node *tools = node_get(j->root, "tools");

	for (const struct node *s = first_of(own->root, "servers"); s != NULL;
	     s = s->next)
		for (size_t i = 0; i < countof(said); i++)
			for (const struct node *n = first_of(s, said[i]);
			     n != NULL; n = n->next) {
				char id[1200];
				const int k = snprintf(id, sizeof(id),
				    "%.*s/%.*s", STR_ARG(s->key),
				    (int)(n->key.n > 1024 ? 1024 : n->key.n),
				    n->key.p);

				if (!declares(
					tools, (struct str){ id, (size_t)k }))
					conf_warn(own, n,
					    "is not declared under tools of "
					    "the inventory: it is refused");
			}
}

/* The server of SERVER/NAME; "*" is every one. */
static void
unserved(struct conf_job *j, const char *kind, const struct node *servers)
{
	for (const struct node *n = first_of(j->root, kind); n != NULL;
	     n = n->next) {
		const struct str s = str_sub(n->key, 0, str_find(n->key, '/'));

		if (!str_eq(s, STR("*")) && !str_eq(s, CONF_OWN) &&
		    node_named(servers, s) == NULL)
			conf_warn(
			    j, n, "is of no server that gatehouse.yaml has");
	}
}

/* What is configured and not declared, and the other way round. */
static void
compare_own(struct conf_job *own, const struct conf_job *j)
{
	const struct node *anon = node_get(own->root, "anonymous");

	missed(own, j, "principals", "agents");
	missed(own, j, "servers", "servers");
	missed_tools(own, j);
	if (anon != NULL &&
	    node_named(node_get(j->root, "agents"), anon->text) == NULL)
		conf_warn(own, anon,
		    "is not declared under agents of the inventory: it is "
		    "refused");
}

/* It need not call by itself. */
static bool
is_acted_for(const struct conf_job *j, struct str agent)
{
	for (const struct node *n = first_of(j->root, "agents"); n != NULL;
	     n = n->next) {
		const struct node *to = node_get(n, "acts_for");

		if (to != NULL && str_eq(to->text, agent))
			return true;
	}
	return false;
}

static void
compare_file(struct conf_job *j, const struct conf_job *own)
{
	const struct node *anon = node_get(own->root, "anonymous");
	const struct node *who = node_get(own->root, "principals");
	const struct node *servers = node_get(own->root, "servers");

	for (const struct node *n = first_of(j->root, "agents"); n != NULL;
	     n = n->next)
		if (node_named(who, n->key) == NULL &&
		    (anon == NULL || !str_eq(anon->text, n->key)) &&
		    !is_acted_for(j, n->key))
			conf_warn(
			    j, n, "is no principal that gatehouse.yaml has");
	for (const struct node *n = first_of(j->root, "servers"); n != NULL;
	     n = n->next)
		if (!str_eq(n->key, CONF_OWN) &&
		    node_named(servers, n->key) == NULL)
			conf_warn(j, n, "is no server that gatehouse.yaml has");
	unserved(j, "tools", servers);
	unserved(j, "prompts", servers);
}

/* ---- into the image ---- */

static size_t
put_texts(struct buf *b, const struct node *n, const char *const *key, size_t k)
{
	size_t put = 0;

	for (size_t i = 0; i < k; i++) {
		const struct node *v = node_get(n, key[i]);

		if (v == NULL)
			continue;
		tape_key(b, str_of(key[i]));
		tape_str(b, v->text);
		put++;
	}
	return put;
}

static void
put_globs(struct buf *b, const struct node *list)
{
	const size_t m = tape_arr(b);

	for (const struct node *n = list == NULL ? NULL : list->first;
	     n != NULL; n = n->next)
		tape_str(b, n->text);
	tape_end(b, m, list == NULL ? 0 : list->count);
}

static void
put_location(struct buf *b, const struct node *n)
{
	static const char *const texts[] = { "server", "argument", "fact" };
	const size_t o = tape_obj(b);
	const size_t put = put_texts(b, n, texts, countof(texts));

	KEY("tool");
	tape_str(b,
	    node_text(n, "tool", "inventory.datasets.NAME.arguments[].tool"));
	KEY("values");
	put_globs(b, node_get(n, "values"));
	KEY("line");
	tape_i64(b, n->line);
	KEY("column");
	tape_i64(b, n->column);
	tape_end(b, o, put + 4);
}

static size_t
put_dataset(struct buf *b, const struct node *n)
{
	const struct node *list = node_get(n, "arguments");
	size_t m;

	KEY("resources");
	put_globs(b, node_get(n, "resources"));
	KEY("arguments");
	m = tape_arr(b);
	for (const struct node *x = list == NULL ? NULL : list->first;
	     x != NULL; x = x->next)
		put_location(b, x);
	tape_end(b, m, list == NULL ? 0 : list->count);
	return 2;
}

static size_t
put_agent(struct buf *b, const struct node *n)
{
	static const char *const texts[] = { "class", "acts_for" };
	const struct node *models = node_get(n, "models");
	const size_t put = put_texts(b, n, texts, countof(texts));

	KEY("models");
	if (models == NULL)
		tape_null(b);
	else
		put_globs(b, models);
	return put + 1;
}

static void
put_kind(struct conf_job *j, const char *kind, struct buf *b)
{
	const struct node *all = node_get(j->root, kind);
	const size_t m = tape_arr(b);

	for (const struct node *n = all == NULL ? NULL : all->first; n != NULL;
	     n = n->next) {
		const size_t o = tape_obj(b);
		size_t put;

		KEY("id");
		tape_str(b, n->key);
		put = 1 + put_texts(b, n, common, countof(common));
		if (strcmp(kind, "agents") == 0)
			put += put_agent(b, n);
		if (strcmp(kind, "datasets") == 0)
			put += put_dataset(b, n);
		tape_end(b, o, put);
	}
	tape_end(b, m, all == NULL ? 0 : all->count);
}

static void
put_all(struct conf_job *j, struct buf *b)
{
	const size_t o = tape_obj(b);

	KEY("file");
	tape_str(b, j->file);
	KEY("listed_models");
	tape_bool(b, node_get(j->root, "models") != NULL);
	for (size_t i = 0; i < countof(kinds); i++) {
		tape_key(b, str_of(kinds[i]));
		put_kind(j, kinds[i], b);
	}
	tape_end(b, o, 2 + countof(kinds));
}

/* Findings of a file are counted with those of the other. */
static void
read_into(struct conf_job *own, struct str name, struct str text, struct buf *b)
{
	struct conf_job j = *own;

	j.root = NULL;
	j.top = setting_find(STR("inventory"));
	j.file = name;
	if (yaml_read(&j, text) == OK)
		check_tree(&j);
	if (j.errors == 0) {
		check_agents(&j);
		check_sponsors(&j);
		check_labels(&j);
		check_datasets(&j, node_get(own->root, "servers"));
	}
	own->n = j.n;
	own->errors = j.errors;
	if (j.errors > 0)
		return;
	put_all(&j, b);
	compare_own(own, &j);
	j.n = own->n;
	compare_file(&j, own);
	own->n = j.n;
}

void
put_inventory(struct conf_job *j, struct buf *b)
{
	const struct node *at = node_get(j->root, "inventory");
	struct buf text = { .max = CONF_TEXT_MAX };
	struct note why;
	char z[4096];

	if (at == NULL) {
		tape_null(b);
		return;
	}
	if (!image_path(conf_path(j, at->text), z)) {
		conf_bad(j, at, "the path is too long");
	} else if (j->files->read(
		       j->files->arg, z, CONF_TEXT_MAX, &text, &why) != OK) {
		conf_bad(j, at, "%s", why.text);
	} else {
		conf_source(j, at->text, buf_view(&text));
		read_into(j, at->text, buf_view(&text), b);
	}
	buf_done(&text);
}
