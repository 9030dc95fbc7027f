/* servers: what must hold of one server, and of its files and the others'. */
#include "conf/conf-in.h"

/* The keys that only one kind of server has. */
static const struct {
	const char *key;
	bool stdio;
} only[] = {
	{ "env", true },
	{ "cwd", true },
	{ "sandbox", true },
	{ "sharing", true },
	{ "credential_file", false },
	{ "ca", false },
	{ "client_cert", false },
	{ "client_key", false },
};

static void
check_kind(struct conf_job *j, const struct node *s, bool stdio)
{
	for (size_t i = 0; i < countof(only); i++) {
		const struct node *n = node_get(s, only[i].key);

		if (n != NULL && only[i].stdio != stdio)
			conf_bad_key(j, n,
			    "belongs to servers with %s; this "
			    "one has %s",
			    only[i].stdio ? "command" : "url",
			    stdio ? "command" : "url");
	}
}

/* One is nothing without the other, and both are nothing without TLS. */
static void
check_client_cert(struct conf_job *j, const struct node *s, bool tls)
{
	const struct node *cert = node_get(s, "client_cert");
	const struct node *key = node_get(s, "client_key");
	const struct node *any = cert != NULL ? cert : key;

	if (any != NULL && !tls)
		conf_bad(j, any, "means nothing for http://; use https://");
	else if ((cert == NULL) != (key == NULL))
		conf_bad(j, any, "client_cert and client_key go together");
}

static void
check_http(struct conf_job *j, const struct node *s, const struct node *url)
{
	const struct node *cred = node_get(s, "credential_file");
	struct conf_url u;
	struct note why;

	BUG_ON(url_parse(url->text, &u, &why) != OK);
	check_client_cert(j, s, u.tls);
	if (u.tls)
		return;
	if (node_get(s, "ca") != NULL)
		conf_bad(j, node_get(s, "ca"),
		    "means nothing for http://; use https://");
	if (u.loopback)
		return;
	if (cred != NULL)
		conf_bad(j, cred,
		    "would cross the network in the clear; use "
		    "https:// for this server");
	else
		conf_warn(j, url,
		    "calls and answers cross the network in the "
		    "clear; use https:// where the server can");
}

/* Is path dir itself or below it? */
static bool
covers(struct str dir, struct str path)
{
	while (dir.n > 1 && str_ends(dir, STR("/")))
		dir.n--;
	if (str_eq(dir, STR("/")) || str_eq(dir, path))
		return true;
	return str_starts(path, dir) && path.p[dir.n] == '/';
}

static bool
list_covers(struct conf_job *j, const struct node *list, struct str path)
{
	for (const struct node *n = list == NULL ? NULL : list->first;
	     n != NULL; n = n->next)
		if (covers(conf_path(j, n->text), path))
			return true;
	return false;
}

/* What a server may write must not be what would convict it. */
static void
check_sandbox(struct conf_job *j, const struct node *s)
{
	const struct node *box = node_get(s, "sandbox");
	const struct str state =
	    conf_path(j, node_text(j->root, "state", "state"));

	if (box == NULL ||
	    str_eq(node_text(box, "mode", "servers.NAME.sandbox.mode"),
		STR("off"))) {
		if (box != NULL && !j->wrap)
			conf_warn(j, box,
			    "the server may do all that its "
			    "user may, the ledger included");
		return;
	}
	if (list_covers(j, node_get(box, "write"), state))
		conf_bad(j, node_get(box, "write"),
		    "covers the state directory, so the server could change "
		    "the ledger; name narrower directories");
	if (list_covers(j, node_get(box, "read"), state))
		conf_warn(j, node_get(box, "read"),
		    "covers the state directory, so the server can read the "
		    "ledger");
}

static bool
there(struct conf_job *j, struct str path)
{
	char z[4096];
	struct note why;
	bool shared;

	if (path.n >= sizeof(z))
		return false;
	memcpy(z, path.p, path.n);
	z[path.n] = '\0';
	return j->files->look(j->files->arg, z, &shared, &why) == OK;
}

/* A script that the sandbox hides is the commonest first mistake. */
static void
check_argv(struct conf_job *j, const struct node *s, const struct node *argv)
{
	const struct node *box = node_get(s, "sandbox");
	const struct node *cwd = node_get(s, "cwd");
	const struct str from =
	    conf_path(j, cwd == NULL ? STR(".") : cwd->text);

	if (argv->first->text.n == 0)
		conf_bad(j, argv->first, "must name a program");
	if (str_eq(node_text(box, "mode", "servers.NAME.sandbox.mode"),
		STR("off")))
		return;
	for (const struct node *n = argv->first; n != NULL; n = n->next) {
		const struct str path = conf_path_from(j, from, n->text);

		if (n->text.n == 0 || n->text.p[0] == '-' || !there(j, path) ||
		    image_readable(path) ||
		    (cwd != NULL && covers(from, path)) ||
		    list_covers(j, node_get(box, "read"), path) ||
		    list_covers(j, node_get(box, "write"), path))
			continue;
		if (n == argv->first && str_find(n->text, '/') == n->text.n)
			continue; /* looked up in PATH */
		conf_warn(j, n,
		    "is a file that the sandbox hides from this "
		    "server; name its directory and what programs need, as "
		    "sandbox: {read: [/usr, /lib, /lib64, /bin, /etc, "
		    "DIRECTORY]}");
	}
}

void
check_servers(struct conf_job *j)
{
	const struct node *all = node_get(j->root, "servers");

	if (all == NULL && node_get(j->root, "witness") != NULL)
		return;
	if (all == NULL) {
		conf_bad(j, NULL,
		    "servers: at least one is needed, as "
		    "\"servers: {fs: {command: [...]}}\"");
		return;
	}
	for (struct node *s = all->first; s != NULL; s = s->next) {
		const struct node *argv = node_get(s, "command");
		const struct node *url = node_get(s, "url");

		if (str_eq(s->key, CONF_OWN))
			conf_bad_key(j, s,
			    "is the gateway's own name, for its own tools; "
			    "choose another");
		if ((argv == NULL) == (url == NULL)) {
			conf_bad_key(j, s,
			    "needs exactly one of command and "
			    "url");
			continue;
		}
		check_kind(j, s, argv != NULL);
		if (url != NULL) {
			check_http(j, s, url);
			continue;
		}
		check_sandbox(j, s);
		check_argv(j, s, argv);
	}
}
