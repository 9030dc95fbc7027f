/*
 * log.c: who cosigns checkpoints of the log, where they are published, and the
 * witness that this gateway is to others.  Keys are texts here: role tiles and
 * role cosign know what they mean.
 */
#include "conf/conf-in.h"

#define KEY(lit) tape_key(b, STR(lit))

static const struct node *
first_of(const struct node *n)
{
	return n == NULL ? NULL : n->first;
}

static size_t
count_of(const struct node *n)
{
	return n == NULL ? 0 : n->count;
}

/* ---- what must hold ---- */

/* The url was read before, as every url. */
static bool
is_tls(const struct node *url)
{
	return str_starts(url->text, STR("https://"));
}

static void
check_remote(struct conf_job *j, const struct node *n)
{
	const struct node *url = node_get(n, "url"), *ca = node_get(n, "ca");

	if (ca != NULL && (url == NULL || !is_tls(url)))
		conf_bad(j, ca, "means nothing without https://");
}

static void
check_witnesses(struct conf_job *j, const struct node *all)
{
	for (const struct node *n = first_of(all); n != NULL; n = n->next) {
		const struct node *url = node_get(n, "url");
		const struct node *key = node_get(n, "key");

		if (url == NULL || key == NULL) {
			conf_bad_key(j, n, "needs url and key");
			continue;
		}
		check_remote(j, n);
		if (str_find(url->text, '?') < url->text.n)
			conf_bad(j, url, "is a prefix, so it has no query");
		for (const struct node *m = all->first; m != n; m = m->next) {
			const struct node *other = node_get(m, "key");

			if (other != NULL && str_eq(other->text, key->text))
				conf_bad(j, key,
				    "is the key of %.*s too; one witness "
				    "counts once",
				    STR_ARG(m->key));
		}
	}
}

static void
check_witness(struct conf_job *j, const struct node *w)
{
	const struct node *at = node_get(w, "listen");
	struct conf_addr a;
	struct note why;

	if (at == NULL || node_get(w, "logs") == NULL) {
		conf_bad_key(j, w, "needs listen and logs");
		return;
	}
	if (addr_parse(at->text, &a, &why) != OK || a.port == 0)
		conf_bad(j, at, "needs an address with a port that is not 0");
	if (str_eq(at->text, node_text(j->root, "listen", "listen")) ||
	    str_eq(at->text, node_text(j->root, "desk", "desk")))
		conf_bad(j, at,
		    "is an address that is in use; give it "
		    "another port");
}

void
check_log(struct conf_job *j)
{
	const struct node *log = node_get(j->root, "log");
	const struct node *all = node_get(log, "witnesses");
	const struct node *w = node_get(j->root, "witness");

	check_witnesses(j, all);
	if (node_num(log, "quorum", "log.quorum") > count_of(all))
		conf_bad(j, node_get(log, "quorum"),
		    "is more than the %zu witnesses there are", count_of(all));
	for (const struct node *n = first_of(node_get(log, "publish"));
	     n != NULL; n = n->next) {
		if ((node_get(n, "file") == NULL) ==
		    (node_get(n, "url") == NULL))
			conf_bad_key(j, n, "needs exactly one of file and url");
		check_remote(j, n);
	}
	if (w != NULL)
		check_witness(j, w);
}

/* ---- the image ---- */

/* key: the witness's; else it is a place to publish in. */
static void
put_remote(struct conf_job *j, const struct node *n, struct buf *b)
{
	const struct node *key = node_get(n, "key");
	struct str url = node_get(n, "url")->text;
	struct conf_url u = { .port = 0 };
	struct buf path = { .max = 4096 };
	const size_t o = tape_obj(b);
	struct note why;

	BUG_ON(url_parse(url, &u, &why) != OK);
	while (key != NULL && str_ends(u.path, STR("/")))
		u.path.n--;
	buf_str(&path, u.path);
	buf_str(&path, key != NULL ? STR("/add-checkpoint") : STR(""));
	KEY("name");
	tape_str(b, n->key);
	KEY("key");
	tape_str(b, key == NULL ? STR("") : key->text);
	KEY("url");
	tape_str(b, url);
	KEY("host");
	tape_str(b, u.host);
	KEY("port");
	tape_i64(b, u.port);
	KEY("path");
	tape_str(b, buf_view(&path));
	KEY("tls");
	tape_bool(b, u.tls);
	KEY("ca");
	image_pem(j, node_get(n, "ca"), b);
	tape_end(b, o, 8);
	buf_done(&path);
}

static void
put_remotes(struct conf_job *j, const struct node *log, struct buf *b)
{
	const size_t m = tape_arr(b);
	const struct node *n = first_of(node_get(log, "witnesses"));
	size_t count = 0;

	for (; n != NULL; n = n->next, count++)
		put_remote(j, n, b);
	for (n = first_of(node_get(log, "publish")); n != NULL; n = n->next)
		if (node_get(n, "url") != NULL) {
			put_remote(j, n, b);
			count++;
		}
	tape_end(b, m, count);
}

static void
put_files(struct conf_job *j, const struct node *log, struct buf *b)
{
	const size_t m = tape_arr(b);
	const struct node *n = first_of(node_get(log, "publish"));
	size_t count = 0;

	for (; n != NULL; n = n->next)
		if (node_get(n, "file") != NULL) {
			tape_str(b, conf_path(j, node_get(n, "file")->text));
			count++;
		}
	tape_end(b, m, count);
}

void
put_log(struct conf_job *j, struct buf *b)
{
	const struct node *log = node_get(j->root, "log");
	const size_t o = tape_obj(b);

	KEY("remotes");
	put_remotes(j, log, b);
	KEY("quorum");
	tape_i64(b, (int64_t)node_num(log, "quorum", "log.quorum"));
	KEY("files");
	put_files(j, log, b);
	KEY("retention_ms");
	tape_i64(b, (int64_t)node_num(log, "retention", "log.retention"));
	tape_end(b, o, 4);
}

void
put_witness(struct conf_job *j, struct buf *b)
{
	const struct node *w = node_get(j->root, "witness");
	size_t o, m;

	if (w == NULL) {
		tape_null(b);
		return;
	}
	o = tape_obj(b);
	KEY("listen");
	tape_str(b, node_get(w, "listen")->text);
	KEY("logs");
	m = tape_arr(b);
	for (const struct node *n = first_of(node_get(w, "logs")); n != NULL;
	     n = n->next)
		tape_str(b, n->text);
	tape_end(b, m, count_of(node_get(w, "logs")));
	tape_end(b, o, 2);
}
