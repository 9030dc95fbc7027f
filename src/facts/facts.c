/*
 * facts.c: the kinds as one table - name, extractor, and what its record
 * holds - and the small tools that extractors share.
 */
#include "facts/facts-in.h"

#include <stdarg.h>

#define F(nm, ty, hlp)                                                         \
	{                                                                      \
		STR_INIT(nm), ty, false, hlp                                   \
	}
#define OPT(nm, ty, hlp)                                                       \
	{                                                                      \
		STR_INIT(nm), ty, true, hlp                                    \
	}

static const struct fact_shape path_facts[] = {
	F("canonical", FACT_TEXT, "decoded, no . and .., one slash"),
	F("absolute", FACT_BOOL, "begins at a root"),
	F("climbs", FACT_BOOL, ".. leads above where it starts"),
	F("under", FACT_SET, "itself and every directory above it"),
	F("name", FACT_TEXT, "last part"),
	F("extension", FACT_TEXT, "after the last dot of the name"),
	F("hidden", FACT_BOOL, "a part begins with a dot"),
	F("encoded", FACT_BOOL, "percent escapes were decoded"),
	F("expands", FACT_BOOL, "~, $ or %NAME% that a shell would replace"),
	F("lookalike", FACT_BOOL, "characters that look like . / or \\"),
};
#define HOST_FACTS                                                             \
	F("host", FACT_TEXT, "name in lower case, or address"),                \
	    OPT("ip", FACT_IP, "when the host is an address in any form"),     \
	    F("private", FACT_BOOL, "not a public host"),                      \
	    F("domains", FACT_SET, "the name and every domain above it")
static const struct fact_shape url_facts[] = {
	F("canonical", FACT_TEXT, "the whole, rebuilt"),
	F("scheme", FACT_TEXT, "in lower case"),
	HOST_FACTS,
	F("port", FACT_LONG, "also when implied; 0 unknown"),
	F("origin", FACT_TEXT, "scheme://host:port"),
	F("path", FACT_TEXT, "without . and .."),
	F("query", FACT_BOOL, "carries a query"),
	F("userinfo", FACT_BOOL, "carries user:password@"),
};
static const struct fact_shape email_facts[] = {
	F("address", FACT_TEXT, "domain in lower case"),
	F("local", FACT_TEXT, "before the @"),
	HOST_FACTS,
};
static const struct fact_shape host_facts[] = {
	HOST_FACTS,
	F("port", FACT_LONG, "0: none"),
};
static const struct fact_shape cidr_facts[] = {
	F("canonical", FACT_TEXT, "network/prefix"),
	F("network", FACT_IP, "the same as an ip"),
	F("prefix", FACT_LONG, "bits"),
	F("private", FACT_BOOL, "holds addresses that are not public"),
};
static const struct fact_shape sql_facts[] = {
	F("verbs", FACT_SET, "SELECT, DELETE, ... wherever they stand"),
	F("tables", FACT_SET, "names after FROM, JOIN, INTO, UPDATE, TABLE"),
	F("functions", FACT_SET, "names before a parenthesis"),
	F("statements", FACT_LONG, "how many"),
	F("read_only", FACT_BOOL, "certain, and every verb only reads"),
	F("unbounded", FACT_BOOL, "an UPDATE or DELETE without WHERE"),
	F("comments", FACT_BOOL, "there is a comment"),
	F("certain", FACT_BOOL, "all of it was understood"),
};
static const struct fact_shape shell_facts[] = {
	F("commands", FACT_SET, "programs it starts, also through others"),
	F("words", FACT_SET, "every word, unquoted"),
	F("chains", FACT_BOOL, "more than one command"),
	F("pipes", FACT_BOOL, "a pipe"),
	F("redirects", FACT_BOOL, "reads or writes files by < or >"),
	F("substitutes", FACT_BOOL, "$(...) or `...`"),
	F("expands", FACT_BOOL, "$NAME, ~, * or other expansion"),
	F("certain", FACT_BOOL, "all of it was understood"),
};
static const struct fact_shape money_facts[] = {
	F("minor", FACT_LONG, "in the smallest unit: cents"),
	F("currency", FACT_TEXT, "ISO 4217; empty: not said"),
};
static const struct fact_shape size_facts[] = {
	F("bytes", FACT_LONG, "in bytes"),
};
static const struct fact_shape count_facts[] = {
	F("n", FACT_LONG, "members, characters, or the number itself"),
};
static const struct fact_shape secret_facts[] = {
	F("present", FACT_BOOL, "looks like a credential"),
	F("kinds", FACT_SET, "which"),
	F("certain", FACT_BOOL, "all of it was looked at"),
};
static const struct fact_shape hash_facts[] = {
	F("algorithm", FACT_TEXT, "sha256, ..."),
	F("hex", FACT_TEXT, "in lower case"),
};

/* A kind is one row: its name, how it is read, what comes out. */
static const struct kind {
	struct str name;
	enum err (*read)(struct reading *r);
	bool numbers; /* takes a JSON number as well as text */
	bool lists;   /* takes a list as a whole */
	const struct fact_shape *shapes;
	size_t n;
} kinds[FACT_KINDS] = {
#define K(nm, num, lst)                                                        \
	{                                                                      \
		STR_INIT(#nm), read_##nm, num, lst, nm##_facts,                \
		    countof(nm##_facts)                                        \
	}
	[FACT_PATH] = K(path, false, false),
	[FACT_URL] = K(url, false, false),
	[FACT_EMAIL] = K(email, false, false),
	[FACT_HOST] = K(host, false, false),
	[FACT_CIDR] = K(cidr, false, false),
	[FACT_SQL] = K(sql, false, false),
	[FACT_SHELL] = K(shell, false, false),
	[FACT_MONEY] = K(money, true, false),
	[FACT_SIZE] = K(size, true, false),
	[FACT_COUNT] = K(count, true, true),
	[FACT_SECRET] = K(secret, false, false),
	[FACT_HASH] = K(hash, false, false),
};

struct str
fact_kind_name(enum fact_kind k)
{
	return k < FACT_KINDS ? kinds[k].name : STR("");
}

enum fact_kind
fact_kind_of(struct str name)
{
	for (int k = 1; k < FACT_KINDS; k++)
		if (str_eq(kinds[k].name, name))
			return (enum fact_kind)k;
	return FACT_NONE;
}

bool
fact_of_list(struct str *name)
{
	if (name->n < 2 || name->p[name->n - 1] != '*')
		return false;
	name->n--;
	return true;
}

const struct fact_shape *
fact_shapes(enum fact_kind k, size_t *n)
{
	*n = k < FACT_KINDS ? kinds[k].n : 0;
	return k < FACT_KINDS ? kinds[k].shapes : NULL;
}

const struct fact *
fact_get(const struct facts *f, struct str name)
{
	for (size_t i = 0; i < f->n; i++)
		if (str_eq(f->v[i].name, name))
			return &f->v[i];
	return NULL;
}

static bool
takes(const struct kind *k, enum fact_of of)
{
	return of == FACT_OF_TEXT || (of == FACT_OF_NUMBER && k->numbers) ||
	       (of == FACT_OF_LIST && k->lists);
}

enum err
facts_read(enum fact_kind k, const struct fact_value *v, struct arena *a,
    struct facts *out, struct note *why)
{
	struct reading r;

	out->n = 0;
	r = (struct reading){ v, v->text, a, out, why };
	BUG_ON(k <= FACT_NONE || k >= FACT_KINDS);
	if (!takes(&kinds[k], v->of))
		return no(
		    &r, "a %.*s is written as text", STR_ARG(kinds[k].name));
	if (v->of != FACT_OF_LIST && v->text.n > FACT_TEXT_MAX) {
		note_set(why, "longer than %d bytes", FACT_TEXT_MAX);
		return ERR_LIMIT;
	}
	TRY(kinds[k].read(&r));
	if (arena_spent(a)) {
		note_set(why, "more facts than a call has room for");
		return ERR_LIMIT;
	}
	return OK;
}

static struct fact *
put(struct reading *r, struct str name, enum fact_type type)
{
	struct fact *f = &r->out->v[r->out->n];

	BUG_ON(r->out->n == FACTS_MAX);
	r->out->n++;
	*f = (struct fact){ .name = name, .type = type };
	return f;
}

void
put_is(struct reading *r, struct str name, bool is)
{
	put(r, name, FACT_BOOL)->is = is;
}

void
put_long(struct reading *r, struct str name, int64_t n)
{
	put(r, name, FACT_LONG)->n = n;
}

void
put_text(struct reading *r, struct str name, struct str s)
{
	put(r, name, FACT_TEXT)->text = s;
}

void
put_ip(struct reading *r, struct str name, struct str s)
{
	put(r, name, FACT_IP)->text = s;
}

struct fset *
fset_new(struct reading *r)
{
	struct fset *s = arena_alloc(r->a, sizeof(*s));

	if (s != NULL)
		s->a = r->a;
	return s;
}

bool
fset_has(const struct fset *s, struct str member)
{
	for (size_t i = 0; i < s->n; i++)
		if (str_eq(s->v[i], member))
			return true;
	return false;
}

static bool
fset_more(struct fset *s)
{
	const size_t room = s->room == 0 ? 8 : 2 * s->room;
	struct str *v = NULL;

	s->full = s->full || s->n == SET_MAX;
	if (s->n < SET_MAX)
		v = arena_alloc(s->a, room * sizeof(*v));
	if (v == NULL)
		return false;
	if (s->n > 0)
		memcpy(v, s->v, s->n * sizeof(*v));
	s->v = v;
	s->room = room;
	return true;
}

void
fset_add(struct fset *s, struct str member)
{
	if (member.p == NULL || fset_has(s, member))
		return;
	if (s->n < s->room || fset_more(s))
		s->v[s->n++] = member;
}

void
put_fset(struct reading *r, struct str name, const struct fset *s)
{
	struct fact *f = put(r, name, FACT_SET);

	f->set = s->v;
	f->set_n = s->n;
}

enum err
no(struct reading *r, const char *fmt, ...)
{
	char text[200];
	va_list ap;

	va_start(ap, fmt);
	(void)vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	note_set(r->why, "%s", text);
	return ERR_SYNTAX;
}
