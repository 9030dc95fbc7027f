/*
 * cross: what spans several keys.  Each check states one sentence that a
 * running gateway may rely on; the tree is already well typed.
 */
#include "conf/conf-in.h"

/* ---- who listens where ---- */
static void
check_tls(struct conf_job *j, const struct node *tls)
{
	if (tls == NULL)
		return;
	if (node_get(tls, "cert") == NULL || node_get(tls, "key") == NULL)
		conf_bad(j, tls, "needs both cert and key");
	if (node_num(tls, "need_client_cert", "tls.need_client_cert") &&
	    node_get(tls, "client_ca") == NULL)
		conf_bad(j, node_get(tls, "need_client_cert"),
		    "needs client_ca: who may vouch for the agents?");
}

/* Beyond loopback, everybody must be known and nobody overheard. */
static void
check_beyond(struct conf_job *j, const struct node *at)
{
	const struct node *who = node_get(j->root, "principals");
	const struct node *anon = node_get(j->root, "anonymous");

	if (node_get(j->root, "tls") == NULL)
		conf_bad(j, at,
		    "is reachable from other machines and needs "
		    "tls: {cert, key}; or listen on 127.0.0.1");
	if (who == NULL || who->count == 0)
		conf_bad(j, at,
		    "is reachable from other machines and needs "
		    "principals with tokens; \"gatehouse token new "
		    "NAME\" prints one");
	if (anon != NULL)
		conf_bad(j, anon,
		    "is refused while listen is reachable from "
		    "other machines; remove it, or listen on "
		    "127.0.0.1");
}

static void
check_listen(struct conf_job *j)
{
	const struct node *at = node_get(j->root, "listen");
	const struct str text = node_text(j->root, "listen", "listen");
	struct conf_addr a;
	struct note why;

	if (str_eq(text, STR("none"))) {
		if (!j->wrap)
			conf_bad(j, at,
			    "must be an address; only \"gatehouse "
			    "wrap\" serves without one");
		return;
	}
	BUG_ON(addr_parse(text, &a, &why) != OK);
	if (!a.loopback)
		check_beyond(j, at);
	if (a.port == 0)
		conf_bad(j, at, "needs a port that is not 0");
	if (a.any && node_get(j->root, "hosts") == NULL)
		conf_bad(j, at,
		    "listens on every address; list in hosts the "
		    "names that agents use, as [gate.example:%u]",
		    a.port);
}

static void
check_desk(struct conf_job *j)
{
	const struct node *at = node_get(j->root, "desk");
	const struct str text = node_text(j->root, "desk", "desk");
	struct conf_addr a;
	struct note why;

	if (str_eq(text, STR("none")))
		return;
	BUG_ON(addr_parse(text, &a, &why) != OK);
	if (!a.loopback)
		conf_bad(j, at, "must be on loopback, as 127.0.0.1:8643");
	if (a.port == 0)
		conf_bad(j, at, "needs a port that is not 0");
	if (str_eq(text, node_text(j->root, "listen", "listen")))
		conf_bad(j, at == NULL ? node_get(j->root, "listen") : at,
		    "desk and listen are the same address; give one of them "
		    "another port");
}

static bool
is_host(struct str s)
{
	if (s.n == 0 || s.n > 255)
		return false;
	for (size_t i = 0; i < s.n; i++)
		if (s.p[i] <= 0x20 || s.p[i] >= 0x7f || s.p[i] == '/' ||
		    s.p[i] == '@' || s.p[i] == '*')
			return false;
	return true;
}

/* A url whose path is nothing, not even "/". */
static bool
is_origin(struct str text, struct conf_url *u)
{
	struct note why;

	return url_parse(text, u, &why) == OK && str_eq(u->path, STR("/")) &&
	       !str_ends(text, STR("/"));
}

static void
check_desk_url(struct conf_job *j)
{
	const struct node *at = node_get(j->root, "desk_url");
	struct conf_url u;

	if (at == NULL)
		return;
	if (!is_origin(at->text, &u) || !u.tls)
		conf_bad(j, at,
		    "must be https:// without a path, as "
		    "https://decisions.example");
	else if (str_eq(node_text(j->root, "desk", "desk"), STR("none")))
		conf_bad(j, at, "needs desk: the address that is behind it");
}

static void
check_names(struct conf_job *j)
{
	const struct node *hosts = node_get(j->root, "hosts");
	const struct node *origins = node_get(j->root, "origins");
	struct conf_url u;

	for (struct node *n = hosts == NULL ? NULL : hosts->first; n != NULL;
	     n = n->next)
		if (!is_host(n->text))
			conf_bad(j, n,
			    "must be a Host header, as "
			    "gate.example:8642");
	for (struct node *n = origins == NULL ? NULL : origins->first;
	     n != NULL; n = n->next)
		if (!is_origin(n->text, &u))
			conf_bad(j, n,
			    "must be an origin without a path, as "
			    "https://console.example");
}

/* ---- principals ---- */
static void
check_principals(struct conf_job *j)
{
	const struct node *who = node_get(j->root, "principals");

	if ((who == NULL || who->count == 0) &&
	    node_get(j->root, "anonymous") == NULL && !j->wrap)
		conf_warn(j, who,
		    "nobody can call: there are no principals "
		    "and no anonymous");
	for (struct node *n = who == NULL ? NULL : who->first; n != NULL;
	     n = n->next) {
		const struct node *t = node_get(n, "token_sha256");

		if (node_num(n, "evaluates", "principals.NAME.evaluates") &&
		    str_eq(node_text(j->root, "desk", "desk"), STR("none")))
			conf_warn(j, node_get(n, "evaluates"),
			    "there is no desk to ask");
		if (t == NULL) {
			conf_bad_key(j, n,
			    "needs token_sha256; \"gatehouse "
			    "token new NAME\" prints it");
			continue;
		}
		for (struct node *m = who->first; m != n; m = m->next)
			if (str_eq(t->text, node_text(m, "token_sha256",
						"principals.NAME.token_"
						"sha256")))
				conf_bad(j, t,
				    "is the token of %.*s too; each "
				    "principal needs its own",
				    STR_ARG(m->key));
	}
}

/* ---- rules ---- */
static bool
any_matches(const struct node *names, struct str glob)
{
	for (const struct node *n = names == NULL ? NULL : names->first;
	     n != NULL; n = n->next)
		if (str_glob(glob, n->key))
			return true;
	return false;
}

/* A rule for nobody is a spelling mistake: a deny would not deny. */
void
check_who(struct conf_job *j, const struct node *part)
{
	const struct node *n = node_get(part, "principal");
	const struct node *anon = node_get(j->root, "anonymous");

	if (n == NULL || any_matches(node_get(j->root, "principals"), n->text))
		return;
	if (anon != NULL && str_glob(n->text, anon->text))
		return;
	if (str_find(n->text, '*') == n->text.n)
		conf_bad(j, n,
		    "there is no such principal; add it under "
		    "principals or correct the name");
	else if (n->text.n > 1)
		conf_warn(j, n, "matches no principal");
}

void
check_what(struct conf_job *j, const struct node *part)
{
	const struct node *n = node_get(part, "server");

	if (n == NULL || any_matches(node_get(j->root, "servers"), n->text) ||
	    str_glob(n->text, CONF_OWN))
		return;
	if (str_find(n->text, '*') == n->text.n)
		conf_bad(j, n,
		    "there is no such server; add it under servers "
		    "or correct the name");
	else
		conf_warn(j, n, "matches no server");
}

static void
check_rule(struct conf_job *j, const struct node *rules, struct node *rule)
{
	const struct node *allow = node_get(rule, "allow");
	const struct node *deny = node_get(rule, "deny");
	const struct node *id = node_get(rule, "id");

	if ((allow == NULL) == (deny == NULL)) {
		conf_bad(j, rule, "needs exactly one of allow and deny");
		return;
	}
	check_who(j, allow == NULL ? deny : allow);
	check_what(j, allow == NULL ? deny : allow);
	if (id == NULL)
		return;
	if (str_starts(id->text, STR("rule-")) ||
	    str_eq(id->text, STR("default-deny")))
		conf_bad(j, id,
		    "ids that begin with rule- and default-deny "
		    "are the gateway's own; choose another");
	for (struct node *n = rules->first; n != rule; n = n->next)
		if (str_eq(node_text(n, "id", "rules[].id"), id->text))
			conf_bad(j, id,
			    "is the id of another rule too; ids "
			    "are how records name the rule");
}

static void
check_rules(struct conf_job *j)
{
	const struct node *rules = node_get(j->root, "rules");
	const struct node *files = node_get(j->root, "policies");

	if (rules == NULL || rules->count == 0) {
		if (files != NULL && files->count > 0)
			return;
		conf_warn(j, rules,
		    "there are no rules, so every call is "
		    "denied; begin with - allow: {principal: "
		    "NAME, server: NAME}");
		return;
	}
	for (struct node *n = rules->first; n != NULL; n = n->next)
		check_rule(j, rules, n);
}

/* ---- limits ---- */
static void
check_limits(struct conf_job *j)
{
	const struct node *l = node_get(j->root, "limits");
	const uint64_t cells = node_num(j->root, "cells", "cells");
	const struct node *servers = node_get(j->root, "servers");

	if (node_num(l, "call", "limits.call") >
	    node_num(l, "call_max", "limits.call_max"))
		conf_bad(j, l,
		    "call is longer than call_max; make call_max "
		    "the larger");
	if (servers != NULL && cells * (servers->count + 2) > 240)
		conf_bad(j, node_get(j->root, "cells"),
		    "%llu cells with %zu servers are too many processes; "
		    "cells times servers plus two must stay under 240",
		    (unsigned long long)cells, servers->count);
}

/* sun_path of unix(7) holds 107 bytes and its NUL. */
enum { SOCKET_PATH_MAX = 107 };

static void
check_control(struct conf_job *j)
{
	const struct node *at = node_get(j->root, "control");
	struct str path;

	if (at == NULL)
		return; /* beside the state; image.c sees to its length */
	path = conf_path(j, at->text);
	if (path.n > SOCKET_PATH_MAX)
		conf_bad(j, at,
		    "is longer than the %d bytes that a socket's "
		    "path may have",
		    SOCKET_PATH_MAX);
}

static void
check_durability(struct conf_job *j)
{
	const struct node *at = node_get(j->root, "durability");
	const struct node *servers = node_get(j->root, "servers");

	if (at == NULL || !str_eq(at->text, STR("batch")))
		return;
	for (const struct node *n = servers == NULL ? NULL : servers->first;
	     n != NULL; n = n->next)
		if (node_get(n, "read_only") != NULL)
			return;
	conf_warn(j, at,
	    "batch is honoured for read_only tools alone, and no "
	    "server has any: every call is strict");
}

void
check_cross(struct conf_job *j)
{
	check_tls(j, node_get(j->root, "tls"));
	check_listen(j);
	check_desk(j);
	check_names(j);
	check_desk_url(j);
	check_control(j);
	check_servers(j);
	check_principals(j);
	check_budgets(j);
	check_data(j);
	check_rules(j);
	check_limits(j);
	check_durability(j);
	check_log(j);
}
