/* trust: whose checkpoints count (C2SP tlog-policy). */
#include "checkpoint/checkpoint.h"

struct reading {
	struct trust *t;
	unsigned line;
	bool quorum;	  /* seen */
	uint64_t used[2]; /* nodes that are members already */
	struct note *why;
};

static enum err
bad(const struct reading *r, enum err e, const char *what, struct str which)
{
	note_set(r->why, "line %u: %s%s%.*s", r->line, what,
	    which.n > 0 ? ": " : "", STR_ARG(str_sub(which, 0, 80)));
	return e;
}

/* The next word; words are separated by spaces and tabs. */
static bool
word(struct str *rest, struct str *out)
{
	size_t from = 0, to;

	while (
	    from < rest->n && (rest->p[from] == ' ' || rest->p[from] == '\t'))
		from++;
	to = from;
	while (to < rest->n && rest->p[to] != ' ' && rest->p[to] != '\t')
		to++;
	*out = str_sub(*rest, from, to - from);
	*rest = str_sub(*rest, to, rest->n);
	return out->n > 0;
}

static bool
bit(const uint64_t b[static 2], size_t i)
{
	return (b[i / 64] >> (i % 64) & 1) != 0;
}

static void
bit_set(uint64_t b[static 2], size_t i)
{
	b[i / 64] |= UINT64_C(1) << (i % 64);
}

/* Index of a name; t->nodes when there is none. */
static size_t
node_of(const struct trust *t, struct str name)
{
	size_t i = 0;

	while (i < t->nodes && !str_eq(t->node[i].name, name))
		i++;
	return i;
}

/* "[URL]" and nothing after it. */
static enum err
url_of(struct reading *r, struct str rest, struct str *url)
{
	struct str more;

	(void)word(&rest, url);
	if (word(&rest, &more))
		return bad(r, ERR_SYNTAX, "one word too many", more);
	return OK;
}

static enum err
key_of(struct reading *r, struct str *rest, struct vkey *out)
{
	struct note why;
	struct str text;
	enum err e;

	if (!word(rest, &text))
		return bad(r, ERR_SYNTAX, "a verifier key is missing", text);
	e = vkey_of(text, out, &why);
	return e ? bad(r, e, why.text, STR("")) : OK;
}

static bool
same_pub(const struct vkey *a, const struct vkey *b)
{
	return memcmp(a->pub, b->pub, VKEY_PUB) == 0;
}

static enum err
log_line(struct reading *r, struct str rest)
{
	struct trust *t = r->t;
	struct vkey k;

	if (t->logs == TRUST_MAX)
		return bad(r, ERR_LIMIT, "more than 64 logs", STR(""));
	TRY(key_of(r, &rest, &k));
	for (size_t i = 0; i < t->logs; i++)
		if (same_pub(&t->log[i].key, &k))
			return bad(r, ERR_SYNTAX,
			    "a log's key for the second "
			    "time",
			    k.name);
	TRY(url_of(r, rest, &t->log[t->logs].url));
	t->log[t->logs++].key = k;
	return OK;
}

/* A name that may be given to a witness or a group. */
static enum err
fresh_name(struct reading *r, struct str *rest, struct str *out)
{
	if (!word(rest, out))
		return bad(r, ERR_SYNTAX, "a name is missing", STR(""));
	if (str_eq(*out, STR("none")) || node_of(r->t, *out) < r->t->nodes)
		return bad(r, ERR_SYNTAX, "a name that is taken", *out);
	return OK;
}

static enum err
witness_line(struct reading *r, struct str rest)
{
	struct trust *t = r->t;
	struct trust_node n = { .group = false };

	if (t->witnesses == TRUST_MAX)
		return bad(r, ERR_LIMIT, "more than 64 witnesses", STR(""));
	TRY(fresh_name(r, &rest, &n.name));
	TRY(key_of(r, &rest, &n.key));
	if (n.key.type != VKEY_COSIGNATURE)
		return bad(r, ERR_SYNTAX,
		    "a witness's key has signature type "
		    "0x04",
		    n.name);
	for (size_t i = 0; i < t->nodes; i++)
		if (!t->node[i].group && same_pub(&t->node[i].key, &n.key))
			return bad(r, ERR_SYNTAX,
			    "a witness's key for the "
			    "second time",
			    n.name);
	TRY(url_of(r, rest, &n.url));
	t->node[t->nodes++] = n;
	t->witnesses++;
	return OK;
}

static enum err
members(
    struct reading *r, struct str rest, struct trust_node *n, unsigned *count)
{
	struct str name;

	for (*count = 0; word(&rest, &name); (*count)++) {
		const size_t i = node_of(r->t, name);

		if (i == r->t->nodes)
			return bad(r, ERR_SYNTAX,
			    "a member that is not "
			    "defined above",
			    name);
		if (bit(r->used, i))
			return bad(r, ERR_SYNTAX,
			    "a member for the second "
			    "time",
			    name);
		bit_set(r->used, i);
		bit_set(n->member, i);
	}
	if (*count == 0)
		return bad(r, ERR_SYNTAX, "a group without members", n->name);
	return OK;
}

static enum err
group_line(struct reading *r, struct str rest)
{
	struct trust *t = r->t;
	struct trust_node n = { .group = true };
	struct str need;
	unsigned count;
	uint64_t k = 0;

	if (t->groups == TRUST_MAX)
		return bad(r, ERR_LIMIT, "more than 64 groups", STR(""));
	TRY(fresh_name(r, &rest, &n.name));
	if (!word(&rest, &need))
		return bad(
		    r, ERR_SYNTAX, "all, any or a number is missing", n.name);
	TRY(members(r, rest, &n, &count));
	if (str_eq(need, STR("all")))
		k = count;
	else if (str_eq(need, STR("any")))
		k = 1;
	else if (need.p[0] == '0' || str_u64(need, &k) != OK || k > count)
		return bad(r, ERR_SYNTAX,
		    "neither all, any nor a number of "
		    "members",
		    need);
	n.need = (unsigned)k;
	t->node[t->nodes++] = n;
	t->groups++;
	return OK;
}

static enum err
quorum_line(struct reading *r, struct str rest)
{
	struct str name, more;

	if (r->quorum)
		return bad(r, ERR_SYNTAX, "a second quorum", STR(""));
	if (!word(&rest, &name) || word(&rest, &more))
		return bad(r, ERR_SYNTAX, "a quorum has one name", STR(""));
	r->quorum = true;
	r->t->any = str_eq(name, STR("none"));
	r->t->quorum = node_of(r->t, name);
	if (!r->t->any && r->t->quorum == r->t->nodes)
		return bad(
		    r, ERR_SYNTAX, "a quorum that is not defined above", name);
	return OK;
}

static const struct {
	struct str word;
	enum err (*read)(struct reading *r, struct str rest);
} lines[] = { { STR_INIT("log"), log_line },
	{ STR_INIT("witness"), witness_line },
	{ STR_INIT("group"), group_line },
	{ STR_INIT("quorum"), quorum_line } };

static enum err
one_line(struct reading *r, struct str line)
{
	struct str first;

	for (size_t i = 0; i < line.n; i++)
		if (((unsigned char)line.p[i] < ' ' && line.p[i] != '\t') ||
		    line.p[i] == 0x7f)
			return bad(
			    r, ERR_SYNTAX, "a control character", STR(""));
	if (!word(&line, &first) || first.p[0] == '#')
		return OK;
	for (size_t i = 0; i < countof(lines); i++)
		if (str_eq(first, lines[i].word))
			return lines[i].read(r, line);
	return bad(r, ERR_SYNTAX, "none of log, witness, group, quorum", first);
}

enum err
trust_of(struct str text, struct trust *out, struct note *why)
{
	struct reading r = { .t = out, .why = why };
	struct str rest = text, line;

	memset(out, 0, sizeof(*out));
	if (text.n > SIGNED_MAX) {
		note_set(why, "more than %d bytes", SIGNED_MAX);
		return ERR_LIMIT;
	}
	if (text.n == 0 || text.p[text.n - 1] != '\n') {
		note_set(why, "the last line does not end");
		return ERR_SYNTAX;
	}
	while (rest.n > 0 && str_split(&rest, '\n', &line)) {
		r.line++;
		TRY(one_line(&r, line));
	}
	if (!r.quorum)
		return bad(&r, ERR_SYNTAX, "there is no quorum line", STR(""));
	return OK;
}

/* ---- judging a checkpoint ---- */

static enum err
log_signed(const struct trust *t, const struct signed_note *n,
    struct trust_view *v, struct note *why)
{
	bool found = false;

	for (size_t i = 0; i < t->logs; i++) {
		const struct vkey *k = &t->log[i].key;
		enum err e;

		if (!str_eq(k->name, v->at.origin))
			continue;
		e = signed_check(n, k, NULL, why);
		if (e != OK && e != ERR_GONE)
			return e;
		found = found || e == OK;
	}
	v->log = v->at.origin;
	if (found)
		return OK;
	note_set(why, "%.*s is not signed by a log that is trusted",
	    STR_ARG(str_sub(v->at.origin, 0, 120)));
	return ERR_DENIED;
}

static bool
known(const struct trust *t, const struct signed_line *l)
{
	for (size_t i = 0; i < t->logs; i++)
		if (l->id == t->log[i].key.id &&
		    str_eq(l->name, t->log[i].key.name))
			return true;
	for (size_t i = 0; i < t->nodes; i++)
		if (!t->node[i].group && l->id == t->node[i].key.id &&
		    str_eq(l->name, t->node[i].key.name))
			return true;
	return false;
}

static enum err
witnesses(const struct trust *t, const struct signed_note *n,
    struct trust_view *v, struct note *why)
{
	for (size_t i = 0; i < t->nodes; i++) {
		uint64_t time;
		enum err e;

		if (t->node[i].group)
			continue;
		e = signed_check(n, &t->node[i].key, &time, why);
		if (e == ERR_GONE)
			continue;
		TRY(e);
		bit_set(v->cosigned, i);
		v->cosignatures++;
		if (time > v->newest)
			v->newest = time;
	}
	for (size_t i = 0; i < n->lines; i++)
		v->unknown += !known(t, &n->line[i]);
	return OK;
}

/* Groups refer to what is before them: one pass settles all. */
static bool
quorate(const struct trust *t, const uint64_t cosigned[static 2])
{
	uint64_t held[2] = { cosigned[0], cosigned[1] };

	for (size_t i = 0; i < t->nodes; i++) {
		const struct trust_node *n = &t->node[i];

		if (n->group &&
		    (unsigned)__builtin_popcountll(held[0] & n->member[0]) +
			    (unsigned)__builtin_popcountll(
				held[1] & n->member[1]) >=
			n->need)
			bit_set(held, i);
	}
	return t->any || bit(held, t->quorum);
}

enum err
trust_check(const struct trust *t, const struct signed_note *n,
    struct trust_view *out, struct note *why)
{
	struct trust_view v = { .cosignatures = 0 };

	TRY(checkpoint_of(n->text, &v.at, why));
	TRY(log_signed(t, n, &v, why));
	TRY(witnesses(t, n, &v, why));
	if (!quorate(t, v.cosigned)) {
		note_set(why, "%u good cosignatures are no quorum of %.*s",
		    v.cosignatures,
		    STR_ARG(str_sub(t->node[t->quorum].name, 0, 80)));
		return ERR_DENIED;
	}
	*out = v;
	return OK;
}
