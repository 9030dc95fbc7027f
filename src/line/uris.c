/*
 * uris: whose resource is it?  On the endpoint of all servers a URI carries no
 * server's name, so a read goes to the server whose list showed it to this
 * principal.  Promises that no server can take what another one shows: what
 * several claim is nobody's, whoever came first and however exact it was.
 */
#include "line/line-in.h"

struct owner {
	uint64_t by; /* bit per server, by its place in the endpoint */
};

struct claims {
	struct map
	    *of[2];	/* URIs, templates up to their first brace -> owner */
	size_t longest; /* of the latter */
};

static unsigned
place_of(const struct endpoint *e, const struct upstream *u)
{
	unsigned i = 0;

	while (i < e->n && e->up[i] != u)
		i++;
	return i;
}

/* Servers choose the keys: they must not know where they go. */
static struct map *
fresh_map(const struct line *l)
{
	uint64_t seed;

	l->port.random(&seed, sizeof(seed));
	return map_new(seed);
}

static struct claims *
claims_of(const struct line *l, struct endpoint *e, const struct principal *p)
{
	struct claims *c = map_get(e->claims, p->name);

	if (c == NULL) {
		c = mem_get(sizeof(*c));
		c->of[0] = fresh_map(l);
		c->of[1] = fresh_map(l);
		(void)map_put(e->claims, p->name, c);
	}
	return c;
}

/* A template stands for all that begins as it does, a resource for itself. */
static struct str
key_of(struct str uri, bool template)
{
	return template ? str_sub(uri, 0, str_find(uri, '{')) : uri;
}

/* This server's list comes anew: what an older one showed counts no more. */
void
uris_forget(const struct line *l, struct endpoint *e, const struct principal *p,
    const struct upstream *u, bool template)
{
	struct map **m = &claims_of(l, e, p)->of[template];
	struct map *rest = fresh_map(l);
	const unsigned at = place_of(e, u);
	const uint64_t bit = UINT64_C(1) << at;
	struct str key;
	void *v;

	for (size_t i = 0; map_next(*m, &i, &key, &v);) {
		struct owner *o = v;

		if ((o->by & bit) != 0)
			e->claimed[at]--;
		o->by &= ~bit;
		if (o->by != 0)
			(void)map_put(rest, key, o);
		else
			mem_free(o);
	}
	map_free(*m);
	*m = rest;
}

/* Each server has its share of the places, so that none can take them all. */
void
uri_claim(const struct line *l, struct endpoint *e, const struct principal *p,
    const struct upstream *u, struct str uri, bool template)
{
	const struct str key = key_of(uri, template);
	struct claims *c = claims_of(l, e, p);
	struct map *m = c->of[template];
	const unsigned at = place_of(e, u);
	const uint64_t bit = UINT64_C(1) << at;
	struct owner *o = map_get(m, key);

	if (key.n == 0 || key.n > URI_MAX ||
	    e->claimed[at] >= URIS_MAX / e->n ||
	    (o != NULL && (o->by & bit) != 0))
		return;
	if (o == NULL) {
		o = mem_get(sizeof(*o));
		(void)map_put(m, key, o);
	}
	o->by |= bit;
	e->claimed[at]++;
	if (template && key.n > c->longest)
		c->longest = key.n;
}

static uint64_t
bits(const struct map *m, struct str key)
{
	const struct owner *o = map_get(m, key);

	return o == NULL ? 0 : o->by;
}

struct upstream *
uri_owner(const struct line *l, struct endpoint *e, const struct principal *p,
    struct str uri, bool template, size_t *n)
{
	const struct str key = key_of(uri, template);
	const struct claims *c = claims_of(l, e, p);
	struct upstream *one = NULL;
	uint64_t by = template ? 0 : bits(c->of[0], key);

	*n = 0;
	for (size_t i = key.n < c->longest ? key.n : c->longest; i > 0; i--)
		by |= bits(c->of[1], str_sub(key, 0, i));
	for (size_t i = 0; i < e->n; i++) {
		if ((by >> i & 1U) == 0 ||
		    !may(l, p, e->up[i], STR("resources/read"), uri))
			continue;
		one = e->up[i];
		++*n;
	}
	return *n == 1 ? one : NULL;
}

bool
uri_may_be(const struct line *l, struct endpoint *e, const struct principal *p,
    const struct upstream *u, struct str uri)
{
	size_t n;

	return !e->aggregate || uri_owner(l, e, p, uri, false, &n) == u ||
	       n == 0;
}

void
uris_done(struct endpoint *e)
{
	size_t at = 0;
	void *v;

	while (e->claims != NULL && map_next(e->claims, &at, NULL, &v)) {
		struct claims *c = v;

		for (size_t k = 0; k < countof(c->of); k++) {
			size_t i = 0;
			void *o;

			while (map_next(c->of[k], &i, NULL, &o))
				mem_free(o);
			map_free(c->of[k]);
		}
		mem_free(c);
	}
	map_free(e->claims);
}
