/*
 * policy-learn: "policy learn LEDGER": the least policy that covers what was
 * used.  One permit for each principal and tool (prompt, resource), with what
 * all its calls had in common where records keep it.  It is proposed, never
 * applied.  Before it is printed it is asked about the whole ledger: a permit
 * that lets through what was refused is made to fit closer, and in the end left
 * out.
 */
#include "ctl/policy-again.h"

#include <stdlib.h>

#include "cedar/cedar.h"
#include "ctl/learn-in.h"
#include "sys/sys.h"

enum { GROUPS_MAX = 5000, TEXT_MAX = 16 << 20 };

/* Calls of one principal to one thing. */
struct group {
	struct str who, method, server, name; /* ours */
	struct seen_args args;
	uint64_t calls, withheld;
	unsigned cell; /* of the first */
	uint64_t seq;
	enum fit fit;
};
struct learn {
	struct ctl *c;
	struct map *groups; /* key -> struct group */
	struct group **at;  /* in order of names */
	struct arena *mem;
	uint64_t allowed, refused, lists, over;
	uint64_t inexact; /* calls of which some value may be no value */
	/* of a walk that tries the proposal */
	uint64_t covered, lost_lists, lost;
	bool narrowed;
};

/* ---- the first walk: what was used ---- */

static struct str
key_of(const struct call *c, struct str method, struct buf *key)
{
	buf_clear(key);
	buf_fmt(key, "%.*s%c%.*s%c%.*s%c%.*s", STR_ARG(c->principal), 0,
	    STR_ARG(c->server), 0, STR_ARG(c->name), 0, STR_ARG(method));
	return buf_view(key);
}

static struct group *
group_find(const struct learn *l, const struct call *c, struct str method)
{
	struct buf key = { .max = 1 << 16 };
	struct group *g = map_get(l->groups, key_of(c, method, &key));

	buf_done(&key);
	return g;
}

static struct group *
group_of(struct learn *l, const struct past *p, struct str method)
{
	const struct call *c = &p->k.call;
	struct group *g = group_find(l, c, method);
	struct buf key = { .max = 1 << 16 };

	if (g != NULL || map_count(l->groups) == GROUPS_MAX)
		return g;
	g = mem_get(sizeof(*g));
	*g = (struct group){ .who = str_keep(c->principal),
		.method = str_keep(method),
		.server = str_keep(c->server),
		.name = str_keep(c->name),
		.cell = p->cell,
		.seq = p->seq };
	(void)map_put(l->groups, key_of(c, method, &key), g);
	buf_done(&key);
	return g;
}

static void
learn_as(struct learn *l, const struct past *p, struct str method)
{
	const struct sample x = {
		.arguments = jv_get(p->k.call.params, STR("arguments")),
		.absent = p->k.absent,
		.facts = p->k.call.facts,
		.whole = p->k.whole,
	};
	struct group *g = group_of(l, p, method);

	if (g == NULL) {
		l->over++;
		return;
	}
	g->calls++;
	g->withheld += !p->k.whole;
	l->inexact += !p->k.whole && !p->k.exact;
	arena_reset(l->mem);
	seen_add(&g->args, &x, l->mem);
}

/* Refused by policy: what other policies could have let through. */
static bool
is_refused(const struct past *p)
{
	static const struct str others[] = { STR_INIT("arguments"),
		STR_INIT("undeclared"), STR_INIT("delegation") };

	for (size_t i = 0; i < countof(others); i++)
		if (str_eq(others[i], p->rule))
			return false;
	return p->was != ALLOW;
}

static bool
is_learned(const struct learn *l, const struct past *p)
{
	return p->was == ALLOW ||
	       (is_refused(p) && ctl_option(l->c, "--with-denied") != NULL);
}

static void
first_walk(void *arg, struct again *g, const struct past *p,
    const struct verdict *v, bool sure)
{
	struct learn *l = arg;

	(void)g;
	(void)sure;
	if (v == NULL || p->kind != PAST_ASKED) {
		l->lists += v != NULL && p->was == ALLOW;
		return;
	}
	l->refused += is_refused(p);
	if (!is_learned(l, p))
		return;
	l->allowed++;
	if (p->lacks != NULL)
		return;
	learn_as(l, p, p->k.call.method);
	if (p->k.call.also.n > 0)
		learn_as(l, p, p->k.call.also);
}

/* ---- the proposal ---- */

static int
group_cmp(const void *a, const void *b)
{
	const struct group *x = *(const struct group *const *)a;
	const struct group *y = *(const struct group *const *)b;
	int d = str_cmp(x->who, y->who);

	if (d == 0)
		d = str_cmp(x->server, y->server);
	if (d == 0)
		d = str_cmp(x->method, y->method);
	return d != 0 ? d : str_cmp(x->name, y->name);
}

/* principal == ..., action == ..., resource == ..., as authority names them. */
static bool
put_scope(struct buf *out, const struct group *g)
{
	static const char *const parts[] = { "principal", "action",
		"resource" };
	static const char empty[] = "{\"rules\":[],\"policies\":[]}";
	const struct call c = { .principal = g->who,
		.server = g->server,
		.method = g->method,
		.name = g->name };
	struct buf image = { .max = 4096 }, tape = { .max = 1 << 20 };
	struct note why;
	bool good =
	    json_parse(str_of(empty), &json_default, &image, &why) == OK &&
	    policy_explain(jv_of(buf_view(&image)), &c, &tape, &why) == OK;

	for (size_t i = 0; good && i < countof(parts); i++)
		buf_fmt(out, "%s%s == %.*s", i > 0 ? ", " : "permit (",
		    parts[i],
		    STR_ARG(jv_str(
			jv_get(jv_of(buf_view(&tape)), str_of(parts[i])))));
	buf_str(out, STR(")\n"));
	buf_done(&image);
	buf_done(&tape);
	return good;
}

static bool
put_permit(
    const struct learn *l, struct buf *out, const struct group *g, size_t nr)
{
	bool good;

	buf_fmt(out, "// %llu calls, the first is record %u/%llu\n",
	    (unsigned long long)g->calls, g->cell, (unsigned long long)g->seq);
	seen_put_gaps(&g->args, out);
	if (g->withheld > 0)
		buf_fmt(out,
		    "// %llu of them had arguments that nobody kept: any are "
		    "permitted\n",
		    (unsigned long long)g->withheld);
	if (g->fit == FIT_EXACT)
		buf_str(out, STR("// only what was used: something near it was "
				 "refused\n"));
	buf_fmt(out, "@id(\"learned-%zu\")\n", nr);
	good = put_scope(out, g);
	seen_put(&g->args, g->fit, l->inexact == 0, out);
	buf_str(out, STR(";\n\n"));
	return good;
}

/* The text, laid out.  What is wrong is our fault. */
static int
propose(const struct learn *l, struct buf *out)
{
	struct buf raw = { .max = TEXT_MAX };
	struct cedar_why why = { .line = 0 };
	bool good = true;
	enum err e;

	for (size_t i = 0; i < map_count(l->groups); i++)
		if (l->at[i]->fit != FIT_NONE)
			good = put_permit(l, &raw, l->at[i], i + 1) && good;
	buf_clear(out);
	e = good ? buf_end(&raw) : ERR_SYNTAX;
	if (!e)
		e = cedar_format(buf_view(&raw), out, &why);
	buf_done(&raw);
	return e == OK ? CTL_YES
		       : ctl_say(l->c, CTL_FAILED,
			     "the proposal is no policy: line %u: %s", why.line,
			     why.note.text);
}

/* ---- the walks that try it ---- */

static void
narrow(struct learn *l, const struct call *c, struct str method)
{
	struct group *g = group_find(l, c, method);

	if (g == NULL || g->fit == FIT_NONE)
		return;
	g->fit++;
	l->narrowed = true;
}

/* A call that should be covered, and is or is not. */
static void
lost(struct learn *l, const struct past *p, bool covered)
{
	const struct group *g = group_find(l, &p->k.call, p->k.call.method);

	l->covered += covered;
	l->lost += !covered && g != NULL && g->fit != FIT_NONE;
}

static void
try_walk(void *arg, struct again *g, const struct past *p,
    const struct verdict *v, bool sure)
{
	struct learn *l = arg;

	(void)g;
	if (v == NULL)
		return;
	if (p->kind == PAST_LIST) {
		l->lost_lists +=
		    p->was == ALLOW && !(sure && v->effect == ALLOW);
		return;
	}
	if (is_learned(l, p)) {
		lost(l, p, sure && v->effect == ALLOW);
		return;
	}
	if (!is_refused(p) || (sure && v->effect != ALLOW))
		return;
	narrow(l, &p->k.call, p->k.call.method);
}

/* {"rules":[],"policies":[{"name","text"}]}, over what -c declares. */
static void
image_of(struct str text, struct jv base, struct buf *image)
{
	struct jit it = jit_of(base);
	size_t m, list, one, n = 0;
	struct str key;
	struct jv v;

	buf_clear(image);
	image->max = POLICY_BYTES;
	m = tape_obj(image);
	while (jit_next(&it, &key, &v)) {
		if (str_eq(key, STR("rules")) || str_eq(key, STR("policies")))
			continue;
		tape_key(image, key);
		tape_copy(image, v);
		n++;
	}
	tape_key(image, STR("rules"));
	tape_end(image, tape_arr(image), 0);
	tape_key(image, STR("policies"));
	list = tape_arr(image);
	one = tape_obj(image);
	tape_key(image, STR("name"));
	tape_str(image, STR("learned"));
	tape_key(image, STR("text"));
	tape_str(image, text);
	tape_end(image, one, 2);
	tape_end(image, list, 1);
	tape_end(image, m, n + 2);
}

static int
walk(struct learn *l, struct str text, struct jv base,
    void (*got)(void *arg, struct again *g, const struct past *p,
	const struct verdict *v, bool sure))
{
	struct again g = { .got = got, .arg = l };
	struct buf image = { .max = POLICY_BYTES };
	int status;

	image_of(text, base, &image);
	status = again_walk(&g, l->c, l->c->arg[0],
	    ctl_option(l->c, "--disclosures"), jv_of(buf_view(&image)),
	    jv_count(base) > 0);
	buf_done(&image);
	return status;
}

/* Until nothing that was refused gets through: twice a group at most. */
static int
fit(struct learn *l, struct jv base, struct buf *text)
{
	int status;

	do {
		status = propose(l, text);
		l->covered = l->lost_lists = l->lost = 0;
		l->narrowed = false;
		if (status == CTL_YES)
			status = walk(l, buf_view(text), base, try_walk);
		/* An argument that types refuse, or make something else of:
		 * without asking for any of them. */
		if (!l->narrowed && l->lost > 0 && l->inexact == 0) {
			l->inexact = l->lost;
			l->narrowed = true;
		}
	} while (status == CTL_YES && l->narrowed);
	return status;
}

/* ---- telling ---- */

static void
put_head(const struct learn *l, struct buf *out)
{
	buf_fmt(out,
	    "// Proposed by \"gatehouse policy learn\"; nothing has been "
	    "applied.\n// It permits %llu of %llu calls that %s.\n",
	    (unsigned long long)l->covered, (unsigned long long)l->allowed,
	    ctl_option(l->c, "--with-denied") != NULL
		? "were made, those that were refused too"
		: "were allowed");
	if (l->refused > 0 && ctl_option(l->c, "--with-denied") == NULL)
		buf_fmt(out,
		    "// %llu calls that policy refused or held were not "
		    "learned, and it permits none of them.\n",
		    (unsigned long long)l->refused);
	if (l->lists > 0)
		buf_fmt(out,
		    "// Of %llu lists and handshakes, which follow from what "
		    "may be called, %llu get none or it is not known.\n",
		    (unsigned long long)l->lists,
		    (unsigned long long)l->lost_lists);
	if (l->inexact > 0)
		buf_fmt(out,
		    "// It asks nothing of context.input, which would refuse "
		    "calls whose arguments have not the types of their tool: "
		    "of %llu nobody knows, or they have not.\n",
		    (unsigned long long)l->inexact);
	if (l->over > 0)
		buf_fmt(out,
		    "// %llu calls are of more than %d kinds: left "
		    "out.\n",
		    (unsigned long long)l->over, GROUPS_MAX);
}

static void
put_comment(struct buf *out, struct str s)
{
	for (size_t i = 0; i < s.n && i < 200; i++)
		buf_ch(out, s.p[i] < 0x20 || s.p[i] > 0x7e ? '?' : s.p[i]);
}

/* What could not be had without letting through what was refused. */
static void
put_left_out(const struct learn *l, struct buf *out)
{
	for (size_t i = 0; i < map_count(l->groups); i++) {
		const struct group *g = l->at[i];

		if (g->fit != FIT_NONE)
			continue;
		buf_fmt(out, "// Left out: %llu calls of ",
		    (unsigned long long)g->calls);
		put_comment(out, g->who);
		buf_str(out, STR(" to "));
		put_comment(out, g->server);
		buf_ch(out, '/');
		put_comment(out, g->name);
		buf_str(
		    out, STR(": one that was refused cannot be told from "
			     "them; keep its arguments (servers.NAME.keep), "
			     "or give --disclosures.\n"));
	}
}

static int
tell(struct learn *l, const struct buf *text)
{
	struct buf out = { .max = TEXT_MAX };
	size_t left = 0;

	for (size_t i = 0; i < map_count(l->groups); i++)
		left += l->at[i]->fit == FIT_NONE;
	put_head(l, &out);
	put_left_out(l, &out);
	if (l->c->json) {
		struct buf json = { .max = 2 * TEXT_MAX };

		buf_str(&out, buf_view(text));
		buf_fmt(&json,
		    "{\"allowed\":%llu,\"covered\":%llu,\"refused\":%llu,"
		    "\"permits\":%zu,\"left_out\":%zu,\"policy\":",
		    (unsigned long long)l->allowed,
		    (unsigned long long)l->covered,
		    (unsigned long long)l->refused, map_count(l->groups) - left,
		    left);
		json_quote(buf_view(&out), &json);
		buf_str(&json, STR("}\n"));
		buf_done(&out);
		out = json;
	} else {
		buf_ch(&out, '\n');
		buf_str(&out, buf_view(text));
	}
	return ctl_put(&out);
}

/* ---- the command ---- */

static void
drop(struct str s)
{
	union {
		const char *in;
		void *out;
	} u = { s.p };

	mem_free(u.out);
}

static void
groups_free(struct learn *l)
{
	size_t at = 0;
	void *v;

	while (map_next(l->groups, &at, NULL, &v)) {
		struct group *g = v;

		seen_done(&g->args);
		drop(g->who);
		drop(g->method);
		drop(g->server);
		drop(g->name);
		mem_free(g);
	}
	map_free(l->groups);
	mem_free(l->at);
}

static void
groups_sort(struct learn *l)
{
	size_t at = 0, n = 0;
	void *v;

	l->at = mem_get((map_count(l->groups) + 1) * sizeof(struct group *));
	while (map_next(l->groups, &at, NULL, &v))
		l->at[n++] = v;
	qsort(l->at, n, sizeof(struct group *), group_cmp);
}

int
ctl_policy_learn(struct ctl *c)
{
	struct learn l = {
		.c = c, .groups = map_new(0), .mem = arena_new(POLICY_ROOM)
	};
	struct buf base = { .max = POLICY_BYTES }, text = { .max = TEXT_MAX };
	int status =
	    ctl_option(c, "-c") == NULL ? CTL_YES : policy_image_conf(c, &base);
	int put = CTL_YES;

	if (status == CTL_YES)
		status = walk(&l, STR(""), jv_of(buf_view(&base)), first_walk);
	groups_sort(&l);
	if (status == CTL_YES)
		status = fit(&l, jv_of(buf_view(&base)), &text);
	if (status == CTL_YES)
		put = tell(&l, &text);
	if (status == CTL_YES && l.covered < l.allowed)
		status = CTL_NO;
	groups_free(&l);
	buf_done(&base);
	buf_done(&text);
	arena_free(l.mem);
	return put != CTL_YES ? put : status;
}
