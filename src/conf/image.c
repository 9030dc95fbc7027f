/*
 * image: the checked tree as the tape that every role reads.  Every member is
 * always there.  Files are read here, last, so that a configuration with a
 * spelling mistake reads none.
 */
#include "conf/conf-in.h"

#include <sched.h>

#define KEY(lit) tape_key(b, STR(lit))

/* ---- files ---- */
bool
image_path(struct str path, char z[static 4096])
{
	if (path.n == 0 || path.n >= 4096)
		return false;
	memcpy(z, path.p, path.n);
	z[path.n] = '\0';
	return true;
}

void
image_pem(struct conf_job *j, const struct node *n, struct buf *b)
{
	struct buf pem = { .max = CONF_PEM_MAX };
	struct note why;
	char z[4096];
	enum err e;

	if (n == NULL) {
		tape_str(b, STR(""));
		return;
	}
	if (!image_path(conf_path(j, n->text), z)) {
		conf_bad(j, n, "the path is too long");
		return;
	}
	e = j->files->read(j->files->arg, z, CONF_PEM_MAX, &pem, &why);
	if (e != OK)
		conf_bad(j, n, "%s", why.text);
	else if (str_search(buf_view(&pem),
		     STR("-----BEGIN CERTIFICATE-----")) == pem.n)
		conf_bad(j, n,
		    "holds no PEM certificate (-----BEGIN "
		    "CERTIFICATE-----)");
	conf_source(j, n->text, buf_view(&pem));
	tape_str(b, buf_view(&pem));
	buf_done(&pem);
}

/* A gateway that is a witness and nothing else has none. */
static const struct node *
servers_of(const struct conf_job *j)
{
	static const struct node none;
	const struct node *all = node_get(j->root, "servers");

	return all == NULL ? &none : all;
}

/* A secret is looked at, never read. */
static bool
put_secret(
    struct conf_job *j, struct str name, const struct node *n, struct buf *b)
{
	const struct str path = n == NULL ? STR("") : conf_path(j, n->text);
	struct note why;
	bool shared = false;
	char z[4096];
	size_t m;

	if (n == NULL)
		return false;
	if (!image_path(path, z)) {
		conf_bad(j, n, "the path is too long");
		return false;
	}
	if (j->files->look(j->files->arg, z, &shared, &why) != OK) {
		conf_bad(j, n, "%s", why.text);
		return false;
	}
	if (shared)
		conf_warn(j, n, "other users can read this file; chmod 600 it");
	m = tape_obj(b);
	KEY("name");
	tape_str(b, name);
	KEY("path");
	tape_str(b, path);
	tape_end(b, m, 2);
	return true;
}

static bool
put_secret_of(struct conf_job *j, const char *kind, const struct node *server,
    const char *key, struct buf *b)
{
	char name[48];
	const int len =
	    snprintf(name, sizeof(name), "%s/%.*s", kind, STR_ARG(server->key));

	return put_secret(
	    j, (struct str){ name, (size_t)len }, node_get(server, key), b);
}

static void
put_secrets(struct conf_job *j, struct buf *b)
{
	const struct node *s = servers_of(j);
	const size_t m = tape_arr(b);
	size_t n = 0;

	n += put_secret(j, STR("tls"), node_at(j->root, "tls.key"), b);
	for (s = s->first; s != NULL; s = s->next) {
		n += put_secret_of(j, "server", s, "credential_file", b);
		n += put_secret_of(j, "client", s, "client_key", b);
	}
	tape_end(b, m, n);
}

/* ---- lists ---- */
static void
put_list(struct buf *b, const struct node *list)
{
	const size_t m = tape_arr(b);

	for (const struct node *n = list == NULL ? NULL : list->first;
	     n != NULL; n = n->next)
		tape_str(b, n->text);
	tape_end(b, m, list == NULL ? 0 : list->count);
}

static void
put_paths(struct conf_job *j, struct buf *b, const struct node *list)
{
	const size_t m = tape_arr(b);

	for (const struct node *n = list == NULL ? NULL : list->first;
	     n != NULL; n = n->next)
		tape_str(b, conf_path(j, n->text));
	tape_end(b, m, list == NULL ? 0 : list->count);
}

/* What programs need to run at all; never a home directory. */
static const struct str readable[] = {
	STR_INIT("/usr"),
	STR_INIT("/lib"),
	STR_INIT("/lib64"),
	STR_INIT("/bin"),
	STR_INIT("/sbin"),
	STR_INIT("/etc"),
	STR_INIT("/opt"),
};

bool
image_readable(struct str path)
{
	for (size_t i = 0; i < countof(readable); i++)
		if (str_starts(path, readable[i]) && path.n > readable[i].n &&
		    path.p[readable[i].n] == '/')
			return true;
	return false;
}

static void
put_read(struct conf_job *j, const struct node *s, struct buf *b)
{
	const struct node *list = node_at(s, "sandbox.read");
	const struct node *cwd = node_get(s, "cwd");
	size_t m;

	if (list != NULL || node_get(s, "command") == NULL) {
		put_paths(j, b, list);
		return;
	}
	m = tape_arr(b);
	for (size_t i = 0; i < countof(readable); i++)
		tape_str(b, readable[i]);
	if (cwd != NULL)
		tape_str(b, conf_path(j, cwd->text));
	tape_end(b, m, countof(readable) + (cwd != NULL ? 1 : 0));
}

/* A program named by a relative path is beside the configuration. */
static void
put_argv(struct conf_job *j, const struct node *argv, struct buf *b)
{
	const size_t m = tape_arr(b);

	for (const struct node *n = argv == NULL ? NULL : argv->first;
	     n != NULL; n = n->next)
		if (n == argv->first && str_find(n->text, '/') < n->text.n)
			tape_str(b, conf_path(j, n->text));
		else
			tape_str(b, n->text);
	tape_end(b, m, argv == NULL ? 0 : argv->count);
}

static void
put_texts(const struct node *env, struct buf *b)
{
	const size_t m = tape_obj(b);

	for (const struct node *n = env == NULL ? NULL : env->first; n != NULL;
	     n = n->next) {
		tape_key(b, n->key);
		tape_str(b, n->text);
	}
	tape_end(b, m, env == NULL ? 0 : env->count);
}

/* ---- servers ---- */
#define SERVER(key) node_text(s, key, "servers.NAME." key)

static void
put_stdio(struct conf_job *j, const struct node *s, struct buf *b)
{
	KEY("argv");
	put_argv(j, node_get(s, "command"), b);
	KEY("env");
	put_texts(node_get(s, "env"), b);
	KEY("cwd");
	tape_str(b, conf_path(j, SERVER("cwd")));
	KEY("sandbox");
	tape_str(b, SERVER("sandbox.mode"));
	KEY("read");
	put_read(j, s, b);
	KEY("write");
	put_paths(j, b, node_at(s, "sandbox.write"));
	KEY("net");
	tape_bool(b, node_num(s, "sandbox.net", "servers.NAME.sandbox.net"));
}

static void
put_http(struct conf_job *j, const struct node *s, struct buf *b)
{
	const struct str url = SERVER("url");
	struct conf_url u = { .port = 0 };
	struct note why;

	if (url.n > 0 && url_parse(url, &u, &why) != OK)
		conf_bad(j, s, "%s", why.text);
	KEY("url");
	tape_str(b, url);
	KEY("host");
	tape_str(b, u.host);
	KEY("port");
	tape_i64(b, u.port);
	KEY("path");
	tape_str(b, u.path);
	KEY("tls");
	tape_bool(b, u.tls);
	KEY("ca");
	image_pem(j, node_get(s, "ca"), b);
	KEY("client_cert");
	image_pem(j, node_get(s, "client_cert"), b);
	KEY("credential");
	tape_bool(b, node_get(s, "credential_file") != NULL);
}

/* How far its program is kept in: closed has no network. */
static struct str
sandbox_of(const struct node *s)
{
	if (node_get(s, "url") != NULL)
		return STR("remote");
	if (str_eq(SERVER("sandbox.mode"), STR("off")))
		return STR("off");
	return node_num(s, "sandbox.net", "servers.NAME.sandbox.net")
		   ? STR("net")
		   : STR("closed");
}

static void
put_servers(struct conf_job *j, struct buf *b)
{
	const struct node *all = servers_of(j);
	const size_t m = tape_arr(b);

	for (const struct node *s = all->first; s != NULL; s = s->next) {
		const size_t o = tape_obj(b);

		KEY("name");
		tape_str(b, s->key);
		KEY("kind");
		tape_str(b, node_get(s, "url") ? STR("http") : STR("stdio"));
		put_http(j, s, b);
		KEY("sharing");
		tape_str(b, SERVER("sharing"));
		KEY("era");
		tape_str(b, SERVER("era"));
		KEY("annotations");
		tape_str(b, SERVER("annotations"));
		KEY("arguments");
		tape_str(b, SERVER("arguments"));
		KEY("read_only");
		put_list(b, node_get(s, "read_only"));
		KEY("facts");
		put_facts(node_get(s, "facts"), b);
		KEY("risk");
		put_lists(node_get(s, "risk"), b);
		KEY("data");
		put_server_data(s, b);
		KEY("results");
		put_texts(node_get(s, "results"), b);
		KEY("subject");
		put_texts(node_get(s, "subject"), b);
		KEY("sandbox");
		tape_str(b, sandbox_of(s));
		tape_end(b, o, 21);
	}
	tape_end(b, m, all->count);
}

/* Apart from the servers, because only one role may have it. */
static void
put_launch(struct conf_job *j, struct buf *b)
{
	const struct node *all = servers_of(j);
	const size_t m = tape_arr(b);

	for (const struct node *s = all->first; s != NULL; s = s->next) {
		size_t o;

		if (node_get(s, "command") == NULL) {
			tape_null(b);
			continue;
		}
		o = tape_obj(b);
		KEY("name");
		tape_str(b, s->key);
		put_stdio(j, s, b);
		tape_end(b, o, 8);
	}
	tape_end(b, m, all->count);
}

static void
put_endpoint(struct buf *b, struct str path, size_t first, size_t n)
{
	const size_t o = tape_obj(b);
	size_t m;

	KEY("path");
	tape_str(b, path);
	KEY("servers");
	m = tape_arr(b);
	for (size_t i = 0; i < n; i++)
		tape_i64(b, (int64_t)(first + i));
	tape_end(b, m, n);
	tape_end(b, o, 2);
}

static void
put_endpoints(struct conf_job *j, struct buf *b)
{
	const struct node *all = servers_of(j);
	const size_t m = tape_arr(b);
	size_t i = 0;

	put_endpoint(b, STR("/mcp"), 0, all->count);
	for (const struct node *s = all->first; s != NULL; s = s->next, i++) {
		char path[64];
		const int n = snprintf(
		    path, sizeof(path), "/s/%.*s/mcp", STR_ARG(s->key));

		put_endpoint(b, (struct str){ path, (size_t)n }, i, 1);
	}
	tape_end(b, m, all->count + 1);
}

/* ---- who and what ---- */
static void
put_principals(struct conf_job *j, struct buf *b)
{
	const struct node *all = node_get(j->root, "principals");
	const size_t m = tape_arr(b);

	for (const struct node *p = all == NULL ? NULL : all->first; p != NULL;
	     p = p->next) {
		const size_t o = tape_obj(b);

		KEY("name");
		tape_str(b, p->key);
		KEY("cred");
		tape_str(b, node_text(p, "token_sha256",
				"principals.NAME.token_sha256"));
		KEY("evaluates");
		tape_bool(b,
		    node_num(p, "evaluates", "principals.NAME.evaluates") != 0);
		tape_end(b, o, 3);
	}
	tape_end(b, m, all == NULL ? 0 : all->count);
}

/* ---- the top ---- */
static void
put_hosts(struct conf_job *j, struct buf *b)
{
	const struct node *list = node_get(j->root, "hosts");
	const struct str listen = node_text(j->root, "listen", "listen");
	struct conf_addr a = { .port = 0 };
	struct note why;
	char text[3][300];
	size_t m, n = 0;

	if (list != NULL || addr_parse(listen, &a, &why) != OK) {
		put_list(b, list);
		return;
	}
	(void)snprintf(text[0], sizeof(text[0]), a.v6 ? "[%.*s]:%u" : "%.*s:%u",
	    STR_ARG(a.host), a.port);
	(void)snprintf(text[1], sizeof(text[1]), "localhost:%u", a.port);
	(void)snprintf(text[2], sizeof(text[2]),
	    a.v6 ? "127.0.0.1:%u" : "[::1]:%u", a.port);
	m = tape_arr(b);
	for (; n < (a.loopback ? 3U : 1U); n++)
		tape_str(b, str_of(text[n]));
	tape_end(b, m, n);
}

static void
put_tls(struct conf_job *j, struct buf *b)
{
	const struct node *tls = node_get(j->root, "tls");
	size_t o;

	if (tls == NULL) {
		tape_null(b);
		return;
	}
	o = tape_obj(b);
	KEY("cert");
	image_pem(j, node_get(tls, "cert"), b);
	KEY("client_ca");
	image_pem(j, node_get(tls, "client_ca"), b);
	KEY("need_client_cert");
	tape_bool(
	    b, node_num(tls, "need_client_cert", "tls.need_client_cert") != 0);
	tape_end(b, o, 3);
}

unsigned
image_cells(unsigned processors, size_t servers)
{
	unsigned n = processors / 2;

	if (n > 4)
		n = 4;
	while (n > 1 && n * (servers + 2) > 240)
		n--;
	return n < 1 ? 1 : n;
}

static int64_t
cells_of(struct conf_job *j)
{
	const uint64_t said = node_num(j->root, "cells", "cells");
	cpu_set_t may;
	int have = 1;

	if (said > 0)
		return (int64_t)said;
	if (sched_getaffinity(0, sizeof(may), &may) == 0)
		have = CPU_COUNT(&may);
	return image_cells((unsigned)have, servers_of(j)->count);
}

/* An address, or "" for none. */
static struct str
address(struct conf_job *j, const char *key)
{
	const struct str s = node_text(j->root, key, key);

	return str_eq(s, STR("none")) ? STR("") : s;
}

static struct str
control_of(struct conf_job *j)
{
	const struct node *at = node_get(j->root, "control");
	struct str path;

	if (at != NULL)
		return conf_path(j, at->text);
	path = conf_path_from(j,
	    conf_path(j, node_text(j->root, "state", "state")),
	    STR("control.sock"));
	if (path.n > 107 && !j->wrap)
		conf_bad(j, node_get(j->root, "state"),
		    "is too long a path for the control socket in it; set "
		    "control: to a shorter one");
	return path.n > 107 ? STR("") : path;
}

static void
put_digest(struct conf_job *j, struct buf *b)
{
	unsigned char d[32];
	struct buf hex = { .max = 64 };

	if (conf_sha256(buf_view(&j->sources), d) != OK)
		conf_bad(j, NULL, "SHA-256 failed");
	buf_hex(&hex, (struct str){ (char *)d, sizeof(d) });
	tape_str(b, buf_view(&hex));
	buf_done(&hex);
}

/* It is recorded whole, with what is said of the servers. */
enum { EXCLUDED_MAX = 16384 };

static void
put_excluded(struct conf_job *j, struct buf *b)
{
	const struct node *list = node_get(j->root, "excluded");
	size_t total = 0;

	for (const struct node *n = list == NULL ? NULL : list->first;
	     n != NULL; n = n->next)
		total += n->text.n;
	if (total > EXCLUDED_MAX)
		conf_bad(
		    j, list, "is longer than %d bytes in all", EXCLUDED_MAX);
	put_list(b, list);
}

static void
put_top(struct conf_job *j, struct buf *b)
{
	KEY("listen");
	tape_str(b, address(j, "listen"));
	KEY("desk");
	tape_str(b, address(j, "desk"));
	KEY("desk_url");
	tape_str(b, node_text(j->root, "desk_url", "desk_url"));
	KEY("control");
	tape_str(b, control_of(j));
	KEY("state");
	tape_str(b, conf_path(j, node_text(j->root, "state", "state")));
	KEY("cells");
	tape_i64(b, cells_of(j));
	KEY("durability");
	tape_str(b, node_text(j->root, "durability", "durability"));
	KEY("answers");
	tape_str(b, node_text(j->root, "answers", "answers"));
	KEY("tls");
	put_tls(j, b);
	KEY("hosts");
	put_hosts(j, b);
	KEY("origins");
	put_list(b, node_get(j->root, "origins"));
	KEY("plans");
	tape_bool(b, node_num(j->root, "plans", "plans") != 0);
	KEY("excluded");
	put_excluded(j, b);
	KEY("limits");
	put_limits(j, b);
	KEY("data");
	put_data(j, b);
}

enum err
image_build(struct conf_job *j, struct buf *b)
{
	const size_t o = tape_obj(b);

	put_top(j, b);
	KEY("principals");
	put_principals(j, b);
	KEY("anonymous");
	tape_str(b, node_text(j->root, "anonymous", "anonymous"));
	KEY("servers");
	put_servers(j, b);
	KEY("launch");
	put_launch(j, b);
	KEY("endpoints");
	put_endpoints(j, b);
	KEY("budgets");
	put_budgets(j, b);
	KEY("rules");
	put_rules(j, b);
	KEY("policies");
	put_policies(j, b);
	KEY("inventory");
	put_inventory(j, b);
	KEY("log");
	put_log(j, b);
	KEY("witness");
	put_witness(j, b);
	KEY("secrets");
	put_secrets(j, b);
	KEY("digest");
	put_digest(j, b);
	tape_end(b, o, 28);
	return buf_end(b);
}
