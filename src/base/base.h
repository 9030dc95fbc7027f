/*
 * base: memory, text, bytes and errors.  The bottom room: it includes nothing
 * but the C library, makes no system call of its own and keeps no state.
 *
 * Who owns what.  A struct str never owns its bytes.  What a turn needs is
 * carved from one arena and dies with it.  A struct buf owns its bytes.  Only
 * this room calls malloc; mem_get() is for what outlives a turn.
 */
#ifndef BASE_H
#define BASE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/banned.h"

#define GATEHOUSE_VERSION "0.1.0"
#define COLD __attribute__((cold)) /* where things go wrong: out of the way */
#define NODISCARD __attribute__((warn_unused_result))
#define PRINTF(a, b) __attribute__((format(printf, a, b)))
#define UNUSED __attribute__((unused))
#define countof(a) (sizeof(a) / sizeof((a)[0]))

/* Errors.  OK is 0, so "if (e)" means "if it went wrong".  Each value is a
 * class the caller can act on; the detail for people goes to a struct note. */
enum err {
	OK = 0,
	ERR_MORE,   /* not an error: come back with more bytes */
	ERR_SYNTAX, /* the peer sent what its protocol forbids */
	ERR_LIMIT,  /* a budget of ours is spent (bytes, depth, count, time) */
	ERR_DENIED, /* policy, or a peer's permission, says no */
	ERR_OS,	    /* a system call failed; errno is kept in the note */
	ERR_GONE,   /* the other end is no longer there */
};
const char *err_name(enum err e);

/* The one macro that returns for you. */
#define TRY(expr)                                                              \
	do {                                                                   \
		enum err try_e_ = (expr);                                      \
		if (__builtin_expect(try_e_ != OK, 0))                         \
			return try_e_;                                         \
	} while (0)

/* A broken promise inside our own code.  Never for anything a peer can do. */
#define BUG_ON(cond)                                                           \
	do {                                                                   \
		if (cond)                                                      \
			bug(__FILE__, __LINE__, #cond);                        \
	} while (0)
_Noreturn COLD void bug(const char *file, int line, const char *what);

/* Text and bytes: a pointer and a length, never NUL-terminated. */
struct str {
	const char *p;
	size_t n;
};
#define STR(lit) ((struct str){ (lit), sizeof(lit) - 1 })
#define STR_INIT(lit)                                                          \
	{                                                                      \
		(lit), sizeof(lit) - 1                                         \
	}			     /* for static tables */
#define STR_ARG(s) (int)(s).n, (s).p /* for "%.*s" */
struct str str_of(const char *z); /* of a NUL-terminated string; NULL: empty */
bool bytes_same(const char *a, const char *b, size_t n); /* n > 0 */
static inline bool
str_eq(struct str a, struct str b)
{
	return a.n == b.n &&
	       (a.n == 0 || a.p == NULL || bytes_same(a.p, b.p, a.n));
}
bool str_ieq(struct str a, struct str b); /* ASCII letters fold */
int str_cmp(struct str a, struct str b);  /* bytewise, as memcmp */
bool str_starts(struct str s, struct str prefix);
bool str_ends(struct str s, struct str suffix);
size_t str_find(struct str s, char ch);			 /* s.n when absent */
size_t str_search(struct str s, struct str what);	 /* s.n when absent */
struct str str_sub(struct str s, size_t from, size_t n); /* clipped to s */
struct str str_trim(struct str s); /* spaces and tabs at both ends */
/* Takes the part before sep off *rest; false when *rest was used up. */
bool str_split(struct str *rest, char sep, struct str *out);
bool str_glob(struct str pattern, struct str s); /* only '*' is special */
/* How far apart two words are, in edits; STR_FAR and more are the same. */
enum { STR_FAR = 4 };
unsigned str_distance(struct str a, struct str b);
NODISCARD enum err str_u64(struct str s, uint64_t *out); /* decimal, exact */
bool utf8_ok(struct str s); /* well-formed, no surrogates, no overlong */
uint64_t hash64(struct str s, uint64_t seed); /* tables, never evidence */

/* A sentence for people, of bounded length; always NUL-terminated. */
struct note {
	char text[240];
};
COLD void note_set(struct note *n, const char *fmt, ...) PRINTF(2, 3);

/* What outlives a turn.  Zeroed.  Out of memory is the end of the process. */
void *mem_get(size_t n);
/* Grows, zeroes the rest. */
void *mem_more(void *p, size_t old_n, size_t new_n);
void mem_free(void *p);		   /* NULL is fine */
struct str str_keep(struct str s); /* a copy; mem_free(.p) */
void mem_wipe(void *p, size_t n);  /* not optimised away */
/* In time that depends on n alone. */
bool mem_same(const void *a, const void *b, size_t n);

/* struct arena: many allocations, zeroed, one lifetime, one budget.  Running
 * out is no crash: alloc returns NULL, arena_spent() is true until reset. */
struct arena;
struct arena *arena_new(size_t budget);
void arena_free(struct arena *a); /* NULL is fine */
void arena_reset(struct arena *a);
void *arena_alloc(struct arena *a, size_t n);
/* A copy; .p NULL if spent. */
struct str arena_str(struct arena *a, struct str s);
bool arena_spent(const struct arena *a);

/*
 * struct cur: reading.  A read past the end yields 0 and marks the cursor
 * bad; it stays bad.  So a parser reads like the record's layout, and asks
 * cur_end() once.  Numbers are little-endian unless the name says be.
 */
struct cur {
	const uint8_t *p, *end;
	bool bad;
};
struct cur cur_of(const void *p, size_t n);
uint8_t cur_u8(struct cur *c);
uint16_t cur_u16(struct cur *c);
uint32_t cur_u32(struct cur *c);
uint64_t cur_u64(struct cur *c);
struct str cur_str(struct cur *c, size_t n);
size_t cur_left(const struct cur *c);		 /* 0 when bad */
NODISCARD enum err cur_end(const struct cur *c); /* OK only at the very end */

/*
 * struct buf: writing.  Grows up to max; a write past max writes nothing and
 * marks it full until buf_clear.  {.max = N} is a fresh one.
 */
struct buf {
	char *p;
	size_t n;   /* bytes in use */
	size_t cap; /* bytes held */
	size_t max; /* never more than this */
	bool full;
};
void buf_done(struct buf *b);		 /* frees; the buf is fresh again */
void buf_clear(struct buf *b);		 /* empties; keeps memory */
char *buf_more(struct buf *b, size_t n); /* buf_room when it must grow */
/* n bytes to fill, or NULL; then buf_add: so many were.  Mostly few fit. */
static inline char *
buf_room(struct buf *b, size_t n)
{
	return !b->full && b->cap - b->n >= n ? b->p + b->n : buf_more(b, n);
}
void buf_add(struct buf *b, size_t n);
static inline void
buf_put(struct buf *b, const void *p, size_t n)
{
	char *to = n == 0 ? NULL : buf_room(b, n);

	if (to != NULL) {
		memcpy(to, p, n);
		b->n += n;
	}
}
static inline void
buf_ch(struct buf *b, char ch)
{
	buf_put(b, &ch, 1);
}
void buf_str(struct buf *b, struct str s);
void buf_u8(struct buf *b, uint8_t v), buf_u16(struct buf *b, uint16_t v);
void buf_u32(struct buf *b, uint32_t v), buf_u64(struct buf *b, uint64_t v);
void buf_fmt(struct buf *b, const char *fmt, ...) PRINTF(2, 3);
void buf_dec(struct buf *b, uint64_t v); /* decimal text */
void buf_hex(struct buf *b, struct str bytes);
void buf_drop(struct buf *b, size_t n);		 /* removes the first n bytes */
struct str buf_view(const struct buf *b);	 /* until the next write */
NODISCARD enum err buf_end(const struct buf *b); /* ERR_LIMIT when full */
NODISCARD enum err hex_bytes(struct str hex, void *out, size_t n); /* all n */
/* RFC 4648 s.4, padded, and s.5, not; read strictly: one text for a value. */
void base64_put(struct buf *b, struct str bytes);
void base64url_put(struct buf *b, struct str bytes);
NODISCARD enum err base64_get(struct str text, struct buf *out);
NODISCARD enum err base64url_get(struct str text, struct buf *out);

/* struct map: bytes -> pointer, insertion-ordered nowhere; keys are copied.
 * Hash-flood safe with a random seed. */
struct map;
struct map *map_new(uint64_t seed);
void map_free(struct map *m); /* values are the caller's */
void *map_get(const struct map *m, struct str key);    /* NULL: absent */
void *map_put(struct map *m, struct str key, void *v); /* returns the old */
void *map_del(struct map *m, struct str key);	       /* returns the old */
size_t map_count(const struct map *m);
/* Walk: start with *at = 0; false at the end.  No put while walking. */
bool map_next(const struct map *m, size_t *at, struct str *key, void **v);

#endif
