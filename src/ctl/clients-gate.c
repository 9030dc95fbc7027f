/*
 * clients-gate: what of gatehouse.yaml concerns the files of clients: where the
 * gateway answers, whether without a token, and for which urls.
 */
#include "ctl/clients-in.h"

#include <unistd.h>

#include "ctl/ctl-conf.h"

static bool
in_list(struct jv list, struct str s)
{
	struct jit it = jit_of(list);
	struct jv v;

	while (jit_next(&it, NULL, &v))
		if (str_eq(jv_str(v), s))
			return true;
	return false;
}

/* Why no client can be sent there as it is, or NULL. */
static const char *
shut(struct jv image)
{
	const struct str listen = jv_str(jv_get(image, STR("listen")));

	if (listen.n == 0)
		return "the gateway listens on no address";
	if (jv_str(jv_get(image, STR("anonymous"))).n == 0)
		return "the gateway wants a token, and none is written into a "
		       "client's file; set \"anonymous\" in its "
		       "configuration, or the url and a token here by hand";
	if (!jv_is(jv_get(image, STR("tls")), J_NULL))
		return "the gateway answers with TLS, and whether the client "
		       "trusts its certificate cannot be told; set the url "
		       "by hand";
	if (!in_list(jv_get(image, STR("hosts")), listen))
		return "hosts in the gateway's configuration lacks its own "
		       "listen address; add that";
	return NULL;
}

static enum err
take_servers(struct arena *a, struct jv image, struct gate *g)
{
	const struct str listen = jv_str(jv_get(image, STR("listen")));
	const struct jv list = jv_get(image, STR("servers"));
	const bool tls = !jv_is(jv_get(image, STR("tls")), J_NULL);
	struct gate_server *s =
	    arena_alloc(a, (jv_count(list) + 1) * sizeof(*s));
	struct jit it = jit_of(list);
	struct buf at = { .max = 4096 };
	struct jv v;

	g->server = s;
	while (s != NULL && listen.n > 0 && jit_next(&it, NULL, &v)) {
		const struct str url = jv_str(jv_get(v, STR("url")));
		const struct str name = jv_str(jv_get(v, STR("name")));

		if (url.n == 0)
			continue;
		buf_clear(&at);
		buf_fmt(&at, "http%s://%.*s/s/%.*s/mcp", tls ? "s" : "",
		    STR_ARG(listen), STR_ARG(name));
		*s++ = (struct gate_server){ arena_str(a, name),
			arena_str(a, url), arena_str(a, buf_view(&at)) };
		g->n++;
	}
	buf_done(&at);
	return arena_spent(a) ? ERR_LIMIT : OK;
}

/* A configuration that was named must be one; one that just is not here is a
 * reason like others. */
enum err
gate_read(struct ctl *c, struct arena *a, struct gate *g, struct note *why)
{
	struct ctl_reading r = { .n = 0 };
	enum err e = OK;

	*g = (struct gate){ .path = ctl_config_path(c) };
	if (ctl_option(c, "-c") == NULL && access(g->path, F_OK) < 0) {
		g->why = "there is no gatehouse.yaml here; name the gateway's "
			 "configuration with -c";
		return OK;
	}
	if (ctl_config_read(g->path, &r) == OK) {
		g->why = shut(jv_of(buf_view(&r.image)));
		e = take_servers(a, jv_of(buf_view(&r.image)), g);
	} else if (ctl_option(c, "-c") == NULL) {
		g->why = "gatehouse.yaml here cannot be used; \"gatehouse "
			 "check\" says why";
	} else {
		note_set(why,
		    "%s cannot be used; \"gatehouse check %s\" "
		    "says why",
		    g->path, g->path);
		e = ERR_SYNTAX;
	}
	ctl_reading_done(&r);
	return e;
}
