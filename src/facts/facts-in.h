/* facts-in.h: what the extractors share. */
#ifndef FACTS_IN_H
#define FACTS_IN_H

#include "facts/facts.h"

/* One reading under way. */
struct reading {
	const struct fact_value *v;
	struct str text; /* = v->text */
	struct arena *a;
	struct facts *out;
	struct note *why;
};

/* Best in order of their names' length, then bytes: records are kept so. */
void put_is(struct reading *r, struct str name, bool is);
void put_long(struct reading *r, struct str name, int64_t n);
void put_text(struct reading *r, struct str name, struct str s);
void put_ip(struct reading *r, struct str name, struct str s);

/* A set under construction: distinct, bounded. */
enum { SET_MAX = 256 };
struct fset {
	struct arena *a;
	struct str *v;
	size_t n, room;
	bool full; /* something was left out */
};
struct fset *fset_new(struct reading *r); /* NULL: the arena is spent */
void fset_add(struct fset *s, struct str member);
bool fset_has(const struct fset *s, struct str member);
void put_fset(struct reading *r, struct str name, const struct fset *s);

/* ERR_SYNTAX with the sentence; so "return no(r, ...)". */
enum err no(struct reading *r, const char *fmt, ...) PRINTF(2, 3);

/* Text helpers.  A NULL .p means the arena is spent. */
struct str lower(struct arena *a, struct str s); /* ASCII */
struct str upper(struct arena *a, struct str s);
struct str join3(struct arena *a, struct str x, struct str y, struct str z);
bool is_among(char ch, struct str set);
bool is_alpha(char ch);
bool is_digit(char ch);
bool is_hex(char ch);
unsigned hex_of(char ch);
bool is_space(char ch);
bool is_word(char ch); /* letter, digit, '_' or not ASCII */
bool has_control(struct str s);

/* %XX until nothing changes.  *changed: there was something to decode.
 * ERR_SYNTAX: a bad escape, a NUL, not UTF-8, or still changing after 3. */
NODISCARD enum err unpercent(
    struct arena *a, struct str in, struct str *out, bool *changed);
/* Takes "." and ".." and empty parts out of what stands between slashes.
 * *climbs: ".." went above the start.  Parts, in order, at most SET_MAX. */
struct parts {
	struct str *v;
	size_t n;
	bool climbs;
};
NODISCARD enum err parts_of(
    struct arena *a, struct str path, struct parts *out);
/* Do all who may read s come to the same parts, however much of its escapes
 * they decode and, where `backslash`, whether \ is a slash to them? ERR_SYNTAX:
 * no, as in "/w/a%2fb/../../x": /w/x to one and /x to another. */
NODISCARD enum err parts_agree(struct arena *a, struct str s, bool backslash);
/* The parts after root, with slashes between.  above (or NULL) gets root, if
 * there is one, and the text up to each part: parts->n + 1 at most. */
struct str parts_text(struct arena *a, struct str root,
    const struct parts *parts, struct str *above, size_t *above_n);

/* An address, 4 or 16 bytes. */
struct ip {
	uint8_t b[16];
	int bits; /* 32 or 128 */
};
bool ip_parse(struct str s, struct ip *out);  /* strict: as it is written */
bool ip4_loose(struct str s, struct ip *out); /* 0x7f.1, 017700000001, ... */
struct str ip_text(struct arena *a, const struct ip *ip); /* RFC 5952 */
bool ip_private(const struct ip *ip); /* not a public unicast address */
bool net_private(const struct ip *ip, int prefix); /* holds one of those */
void ip_mask(struct ip *ip, int prefix);

/* A host: a name or an address, in canonical form. */
struct host {
	struct str name; /* lower case, no final dot; an address's text */
	bool is_ip;
	struct ip ip;
	bool private;
};
NODISCARD enum err host_parse(
    struct reading *r, struct str s, struct host *out);
void put_host(struct reading *r, const struct host *h);	 /* ip host */
void put_above(struct reading *r, const struct host *h); /* domains private */

enum err read_path(struct reading *r);
enum err read_url(struct reading *r);
enum err read_email(struct reading *r);
enum err read_host(struct reading *r);
enum err read_cidr(struct reading *r);
enum err read_sql(struct reading *r);
enum err read_shell(struct reading *r);
enum err read_money(struct reading *r);
enum err read_size(struct reading *r);
enum err read_count(struct reading *r);
enum err read_secret(struct reading *r);
enum err read_hash(struct reading *r);

#endif
