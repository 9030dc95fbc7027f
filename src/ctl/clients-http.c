/*
 * clients-http: entries that are reached by HTTP.  One is covered when its url
 * alone can be replaced: it carries no credential that would then go to
 * somebody else, the gateway has a server of exactly that url, and takes calls
 * without a token, because none is written into a client's file.  All else is
 * left as it is, with the reason.
 */
#include "ctl/clients.h"

#include "conf/conf.h"
#include "json/json.h"

static const char *const urls[] = { "url", "httpUrl", "serverUrl", "uri" };

/* Members that change neither where a call goes nor what goes with it.  One
 * that is not here may be a credential by some client's name for it. */
static const struct {
	const char *key;
	bool empty; /* only with nothing in it */
} harmless[] = {
	{ "name", false },
	{ "type", false },
	{ "description", false },
	{ "display_name", false },
	{ "disabled", false },
	{ "enabled", false },
	{ "required", false },
	{ "bundled", false },
	{ "timeout", false },
	{ "startup_timeout_sec", false },
	{ "startup_timeout_ms", false },
	{ "tool_timeout_sec", false },
	{ "connectionTimeout", false },
	{ "trust", false },
	{ "autoApprove", false },
	{ "alwaysAllow", false },
	{ "tools", false },
	{ "includeTools", false },
	{ "excludeTools", false },
	{ "enabled_tools", false },
	{ "disabled_tools", false },
	{ "disabledTools", false },
	{ "available_tools", false },
	{ "headers", true },
	{ "http_headers", true },
	{ "env_http_headers", true },
	{ "env", true },
	{ "envs", true },
	{ "env_keys", true },
};
/* How clients call the transport that the gateway speaks. */
static const char *const types[] = { "http", "streamable-http",
	"streamableHttp", "streamable_http", "remote" };

static bool
one_of(struct str s, const char *const *list, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (str_eq(s, str_of(list[i])))
			return true;
	return false;
}

static bool
harmless_member(const struct tree *t)
{
	const bool nothing = (t->kind == TREE_MAP || t->kind == TREE_LIST) &&
			     t->count == 0 && !t->odd;

	for (size_t i = 0; i < countof(harmless); i++)
		if (str_eq(t->key, str_of(harmless[i].key)))
			return nothing || !harmless[i].empty;
	return one_of(t->key, urls, countof(urls));
}

/* NUL-terminated, in the arena; NULL when that is spent. */
static const char *
keep(struct arena *a, struct buf *b)
{
	char *p = b->full ? NULL : arena_alloc(a, b->n + 1);

	if (p != NULL)
		memcpy(p, b->p, b->n);
	buf_done(b);
	return p;
}

static const char *
bad_type(const struct client *cl, const struct entry *e)
{
	const struct tree *type = tree_get(e->node, "type");

	if (type != NULL && (type->kind != TREE_TEXT || type->odd ||
				!one_of(type->text, types, countof(types))))
		return "its type is not Streamable HTTP, which is what the "
		       "gateway speaks to agents";
	if (type == NULL && cl->typed && !str_eq(e->url->key, STR("httpUrl")))
		return "without a type this client takes it for another "
		       "transport than Streamable HTTP, which is what the "
		       "gateway speaks to agents; give it one";
	return NULL;
}

enum err
http_classify(const struct client *cl, struct arena *a, struct entry *e)
{
	struct buf b = { .max = 4096 };

	e->kind = ENTRY_HTTP;
	if (e->url->kind == TREE_TEXT) {
		e->words = &e->url->text;
		e->words_n = 1;
	}
	e->why = NULL;
	for (const struct tree *t = e->node->first; t != NULL; t = t->next) {
		if (harmless_member(t))
			continue;
		buf_fmt(&b,
		    "it has \"%.*s\", which may be a credential, and none "
		    "is moved; give the gateway that (credential_file), and "
		    "remove it here",
		    STR_ARG(str_sub(t->key, 0, 64)));
		e->why = keep(a, &b);
		return e->why == NULL ? ERR_LIMIT : OK;
	}
	for (const struct tree *t = e->node->first; t != NULL; t = t->next)
		if (t != e->url && one_of(t->key, urls, countof(urls)))
			e->why = "it has more than one url";
	if (tree_twice(e->node, "type"))
		e->why = "a key is there twice";
	if (e->url->odd || e->node->odd)
		e->why = "it has anchors, aliases or tags";
	else if (e->url->kind != TREE_TEXT)
		e->why = "its url is not a text on one line";
	if (e->why == NULL)
		e->why = bad_type(cl, e);
	return OK;
}

struct tree *
http_url(const struct tree *node)
{
	struct tree *t = NULL;

	for (size_t i = 0; i < countof(urls) && t == NULL; i++)
		t = tree_get(node, urls[i]);
	return t;
}

const struct entry_done *
http_done(const struct entry_done *known, struct str where)
{
	while (known != NULL &&
	       (known->literal.n == 0 || !str_eq(known->where, where)))
		known = known->next;
	return known;
}

bool
http_as_left(const struct entry_done *d, const struct entry *e)
{
	return d != NULL && e->words_n == 1 && d->words_n == 1 && e->clean &&
	       str_eq(d->words[0], e->words[0]);
}

/* Nothing of a url is shown that may be a secret. */
static bool
tells(struct str url)
{
	for (size_t i = 0; i < url.n; i++)
		if (strchr("?@$#{", url.p[i]) != NULL ||
		    (unsigned char)url.p[i] <= 0x20 || url.p[i] == 0x7f)
			return false;
	return url.n > 0 && url.n <= 200;
}

static const char *
no_server(const struct gate *g, const struct entry *e, struct arena *a)
{
	struct buf b = { .max = 8192 };
	char name[33];

	buf_fmt(
	    &b, "%s has no server of this url; add to its servers: ", g->path);
	buf_fmt(&b, "%.*s: { url: ", STR_ARG(conf_wrap_name(e->name, name)));
	if (tells(e->words[0]))
		json_quote(e->words[0], &b);
	else
		buf_str(&b, STR("THE SAME URL"));
	buf_str(&b, STR(" }, and run this again"));
	return keep(a, &b);
}

/* Which of the gateway's servers, or why none. */
static enum err
choose(const struct gate *g, struct arena *a, struct entry *e)
{
	e->why = g->why;
	if (e->why != NULL)
		return OK;
	for (size_t i = 0; i < g->n; i++) {
		if (!str_eq(g->server[i].url, e->words[0]))
			continue;
		if (e->server != NULL)
			e->why = "two servers of the gateway have this url, "
				 "and which is meant cannot be told";
		e->server = &g->server[i];
	}
	if (e->why != NULL)
		e->server = NULL;
	else if (e->server == NULL)
		e->why = no_server(g, e, a);
	return e->server == NULL && e->why == NULL ? ERR_LIMIT : OK;
}

/* Two of one name could not be told apart when they are taken back. */
static bool
named_twice(const struct entries *all, const struct entry *e)
{
	for (const struct entry *o = all->first; o != NULL; o = o->next)
		if (o != e && str_eq(o->where, e->where))
			return true;
	return false;
}

static enum err
cover(const struct entries *all, const struct gate *g,
    const struct entry_done *known, struct arena *a, struct entry *e)
{
	const struct entry_done *d = http_done(known, e->where);

	e->clean = e->why == NULL;
	for (size_t i = 0; i < g->n && e->words_n == 1; i++)
		if (str_eq(g->server[i].at, e->words[0])) {
			e->wrapped = true;
			e->server = &g->server[i];
			e->done = d;
			e->why = NULL;
			return OK;
		}
	if (d != NULL && e->words_n == 1 && str_eq(d->words[0], e->words[0])) {
		e->wrapped = true;
		e->done = d;
		e->why = g->why != NULL
			     ? g->why
			     : "the gateway has no server there any more";
		return OK;
	}
	if (!e->clean)
		return OK;
	TRY(choose(g, a, e));
	if (e->server != NULL && named_twice(all, e)) {
		e->server = NULL;
		e->why = "another entry has its name";
	}
	return OK;
}

enum err
clients_cover(const struct entries *all, const struct gate *g,
    const struct entry_done *known, struct arena *a)
{
	for (struct entry *e = all->first; e != NULL; e = e->next)
		if (e->kind == ENTRY_HTTP)
			TRY(cover(all, g, known, a, e));
	return OK;
}
