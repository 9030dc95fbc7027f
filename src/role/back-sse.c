/*
 * back-sse.c: the HTTP+SSE transport of 2024-11-05, which servers still speak:
 * one GET is the session, its first event names where messages are posted, and
 * every answer comes on that one stream.  It is tried where initialize is
 * refused as no such thing (400, 404, 405) and never with a modern server.
 *
 * The endpoint is a server's word about where our messages and our credential
 * go: only this upstream's own origin is taken.
 */
#include "role/back-in.h"

/* Without the port that goes without saying. */
static struct str
origin_of(struct str authority, bool tls)
{
	const struct str port = tls ? STR(":443") : STR(":80");

	if (str_ends(authority, port))
		authority = str_sub(authority, 0, authority.n - port.n);
	return authority;
}

static bool
plain(struct str s)
{
	for (size_t i = 0; i < s.n; i++)
		if (s.p[i] <= ' ' || s.p[i] > '~' || s.p[i] == '#' ||
		    s.p[i] == '\\')
			return false;
	return s.n > 0 && s.n <= ENDPOINT_MAX;
}

/* "http://host/path": the path, if the rest is ours. */
static enum err
absolute(const struct back *b, struct str uri, struct buf *path)
{
	const bool tls = b->tls != NULL;
	const struct str scheme = tls ? STR("https://") : STR("http://");
	struct str rest;
	size_t at;

	if (!str_ieq(str_sub(uri, 0, scheme.n), scheme))
		return ERR_DENIED;
	uri = str_sub(uri, scheme.n, uri.n);
	at = str_find(uri, '/');
	if (str_find(uri, '?') < at)
		at = str_find(uri, '?');
	rest = str_sub(uri, at, uri.n);
	if (!str_ieq(origin_of(str_sub(uri, 0, at), tls),
		origin_of(b->authority, tls)))
		return ERR_DENIED;
	if (rest.n == 0 || rest.p[0] != '/')
		buf_ch(path, '/');
	buf_str(path, rest);
	return buf_end(path);
}

/* Relative to where the stream came from. */
static enum err
relative(const struct back *b, struct str uri, struct buf *path)
{
	struct str base = str_sub(b->path, 0, str_find(b->path, '?'));

	if (uri.p[0] != '?')
		while (base.n > 0 && base.p[base.n - 1] != '/')
			base.n--;
	buf_str(path, base);
	buf_str(path, uri);
	return buf_end(path);
}

NODISCARD enum err
sse_endpoint(const struct back *b, struct str uri, struct buf *path)
{
	const size_t colon = str_find(uri, ':');

	buf_clear(path);
	if (!plain(uri) || str_starts(uri, STR("//")))
		return ERR_DENIED;
	if (uri.p[0] == '/') {
		buf_str(path, uri);
		return buf_end(path);
	}
	if (colon < str_find(uri, '/') && colon < str_find(uri, '?'))
		return absolute(b, uri, path);
	return relative(b, uri, path);
}

/* initialize was answered so: may it be a server of that age?  Then the call
 * is over and the stream asked for. */
bool
sse_begins(struct xch *x, enum err e)
{
	struct call *c = x->call;
	struct hop *h = x->hop;

	if (c->kind != CALL_INIT || h->sse != SSE_NO || e != OK ||
	    (x->status != 400 && x->status != 404 && x->status != 405))
		return false;
	x->call = NULL;
	c->x = NULL;
	xch_free(x);
	call_drop(c);
	h->sse = SSE_ASKED;
	h->b->by->reach(h);
	return true;
}

/* A post was taken; the answer comes on the stream. */
bool
sse_posted(struct xch *x, enum err e)
{
	if (x->hop->sse != SSE_OPEN || e != OK || x->status < 200 ||
	    x->status > 299)
		return false;
	x->call->x = NULL;
	x->call = NULL;
	xch_free(x);
	return true;
}

/* Its first event; later ones change nothing. */
void
sse_named(struct xch *x, struct str uri)
{
	struct hop *h = x->hop;

	if (h->sse != SSE_ASKED)
		return;
	if (sse_endpoint(h->b, uri, &h->post_to) != OK) {
		note_set(&x->why, "the endpoint it names is not its own");
		x->broken = true;
		return;
	}
	loop_timer_off(h->b->loop, &x->t);
	h->sse = SSE_OPEN;
	hop_can_talk(h);
}

/* The stream is the session. */
void
sse_ended(struct xch *x, const char *why)
{
	struct hop *h = x->hop;
	struct note words;

	if (x->broken)
		note_set(&words, "%s", x->why.text);
	else if (why == NULL)
		note_set(&words, "its event stream ended");
	else
		note_set(&words, "%s", why);
	xch_free(x);
	if (h == NULL)
		return;
	h->stream = NULL;
	if (h->state == HOP_UP)
		hop_lost(h, words.text);
	else
		hop_sse_failed(h, words.text);
}
