/*
 * facts: what an argument really says.  Policy languages compare values; they
 * cannot tell that %2e%2e/etc climbs, that 0x7f000001 is this machine, or that
 * "WITH x AS (DELETE ...) SELECT 1" deletes.  Each extractor here reads one
 * argument as one kind of thing and gives its canonical form and a handful of
 * facts.  Pure, bounded, without regular expressions: the judge runs it on the
 * very tree that the back will send.
 *
 * A kind that has a grammar (path, url, email, host, cidr, money, size, count,
 * hash) refuses what is not of it: ERR_SYNTAX and a sentence; the call is
 * then denied.  Where every text is one (sql, shell, secret) it always answers
 * and says in `certain` whether it understood the whole.  When in doubt a fact
 * errs to the side that policies forbid.
 *
 * Memory is the caller's arena: facts live as long as it does, and may point
 * into the text.
 */
#ifndef FACTS_H
#define FACTS_H

#include "base/base.h"

enum fact_kind {
	FACT_NONE = 0,
	FACT_PATH,
	FACT_URL,
	FACT_EMAIL,
	FACT_HOST,
	FACT_CIDR,
	FACT_SQL,
	FACT_SHELL,
	FACT_MONEY,
	FACT_SIZE,
	FACT_COUNT,
	FACT_SECRET,
	FACT_HASH,
	FACT_KINDS
};
struct str fact_kind_name(enum fact_kind k);  /* "path"; "" for none */
enum fact_kind fact_kind_of(struct str name); /* FACT_NONE: no such kind */
/* "path*" says of each element of a list what it is: takes the * off. */
bool fact_of_list(struct str *name);

/* IP: text that Cedar's ip() takes, "10.0.0.0/8" or "2001:db8::1". */
enum fact_type { FACT_BOOL, FACT_LONG, FACT_TEXT, FACT_SET, FACT_IP };

/* What a kind's record holds, for the schema that policies are checked with.
 * `optional`: may be absent, so a policy asks `has` first. */
struct fact_shape {
	struct str name;
	enum fact_type type;
	bool optional;
	const char *help; /* what it means, one line */
};
const struct fact_shape *fact_shapes(enum fact_kind k, size_t *n);

struct fact {
	struct str name;
	enum fact_type type;
	bool is;	       /* FACT_BOOL */
	int64_t n;	       /* FACT_LONG */
	struct str text;       /* FACT_TEXT, FACT_IP */
	const struct str *set; /* FACT_SET: distinct, in order of first sight */
	size_t set_n;
};
enum { FACTS_MAX = 16 }; /* more than any kind has */
struct facts {
	struct fact v[FACTS_MAX];
	size_t n;
};
/* NULL: absent. */
const struct fact *fact_get(const struct facts *f, struct str name);

/* One JSON value as an extractor sees it. */
enum fact_of { FACT_OF_TEXT, FACT_OF_NUMBER, FACT_OF_LIST, FACT_OF_OTHER };
struct fact_value {
	enum fact_of of;
	struct str text; /* decoded text, or the number as it was written */
	size_t count;	 /* FACT_OF_LIST: its members */
};

enum { FACT_TEXT_MAX = 64 * 1024 }; /* longer: ERR_LIMIT */
/*
 * Reads `v` as a `k`.  ERR_SYNTAX: it is none, *why says what is wrong;
 * ERR_LIMIT: longer than FACT_TEXT_MAX, or the arena is spent.  Then *out is
 * whatever was read until there.
 */
NODISCARD enum err facts_read(enum fact_kind k, const struct fact_value *v,
    struct arena *a, struct facts *out, struct note *why);

/* Is it the one way to write that URI (RFC 3986 section 6.2.2)?  No: a scheme
 * in capitals, . or .. as a part, an escape of what needs none, a backslash, a
 * control character; of file: URIs a host, a query, or an empty part. */
bool uri_plain(struct str s);

#endif
