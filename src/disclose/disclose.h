/*
 * disclose: what a record commits to without saying it, and what opens that.
 * A commitment is the digest of a salted disclosure (SD-JWT, RFC 9901): the
 * record holds digests alone, so its content can be erased and the record
 * stands.  The side store (doc/formats/side.md) keeps disclosures, sealed under
 * a key for each data subject.  No system call is made here and no file known.
 *
 * Who owns what.  A struct str in what was read is a view into what it was
 * read from.  *why (never NULL) gets a sentence on an error.
 */
#ifndef DISCLOSE_H
#define DISCLOSE_H

#include "base/base.h"
#include "crypto/crypto.h"
#include "json/json.h"

/* ---- making (RFC 9901, s.4.2) ---- */
enum {
	SALT_N = 16,	      /* 128 random bits, as s.9.3 wants them */
	SALT_TEXT = 22,	      /* base64url of them */
	COMMITMENT_N = 43,    /* base64url of a SHA-256 */
	DISCLOSURES_MAX = 256 /* of one record */
};
/* Appends base64url of ["SALT","name",value]; the value as json_write has it.
 * work is scratch.  out is marked full when it does not fit, or v is no JSON.
 */
void disclosure_put(struct buf *out, const unsigned char salt[static SALT_N],
    struct str name, struct jv v, struct buf *work);
/* What the record commits to it by. */
void disclosure_digest(struct str disclosure, char out[static COMMITMENT_N]);

/* ---- reading (s.7.1) ---- */
/* Each disclosure at the digest that stands for it in a record, or in the value
 * of another one. */
struct opened;
/*
 * ERR_SYNTAX: a disclosure is no base64url of [salt, name, value] or [salt,
 * value]; ERR_LIMIT: too many, too deep, or _sd_alg is not sha-256; ERR_DENIED:
 * one is not committed to, or comes twice, or a digest does.  record and text
 * outlive *out.
 */
NODISCARD enum err opened_new(struct jv record, const struct str *text,
    size_t n, struct opened **out, struct note *why);
void opened_free(struct opened *o); /* NULL is fine */
/* An array of {"name","value"}; name is null for an element of an array. */
void opened_list(const struct opened *o, struct buf *tape);
/* The record with every value in its place, and without digests; tape is full
 * where that is deeper than JSON_DEPTH_MAX. */
void opened_record(const struct opened *o, struct buf *tape);
/* Which disclosure stands at this member of an object (a view into the record
 * or a disclosure's value)?  False: none does. */
bool opened_at(
    const struct opened *o, struct jv object, struct str name, size_t *which);

/* ---- one record's content, as it is kept ---- */
/*
 * JSON: an array; a string is a disclosure, an array of texts is one whose
 * value is not kept: where it stands in the record ("params", "arguments",
 * "path"), and before that its salt.
 */
struct content {
	struct str disclosure[DISCLOSURES_MAX];
	size_t disclosures;
	struct jv hidden[DISCLOSURES_MAX]; /* [salt, where, ...] */
	size_t hiddens;
};
/* json_parse's tape of it; ERR_SYNTAX, ERR_LIMIT. */
NODISCARD enum err content_of(
    struct jv v, struct content *out, struct note *why);

/* ---- the side store (doc/formats/side.md) ---- */
enum {
	SIDE_SUBJECT_MAX = 256,	    /* bytes of a subject's name */
	SIDE_CONTENT_MAX = 1 << 20, /* of one record */
	SIDE_KEY_MAX = 65536,	    /* keys of one segment */
	SIDE_HEAD = 64,		    /* bytes of an entry before its content */
	SIDE_START = 8,		    /* of either file before the first */
	SIDE_SLOT = 48		    /* of a key, besides the subject's name */
};
/* What goes to the store with one record. */
struct side_item {
	uint64_t seq, until; /* until: seconds since 1970; 0: no end */
	struct str subject, content;
};
/* From judge to store, several in one text.  next: false at the end; *bad: the
 * rest is no such text. */
void side_item_put(struct buf *b, const struct side_item *i);
bool side_item_next(struct cur *c, struct side_item *out, bool *bad);

/* A file of entries and one of keys begin with these. */
struct str side_start(void);
struct str side_key_start(void);

enum side_state { SIDE_KEPT, SIDE_ERASED, SIDE_EXPIRED };
struct side_entry {
	enum side_state state;
	unsigned cell;
	uint64_t seq, until;
	uint32_t key;	   /* which one of this segment's, from 0 */
	size_t at;	   /* where it begins in the file */
	struct str sealed; /* zeros once erased or expired */
};
/* Appends an entry.  Errors as aead_seal; *out is then as before. */
NODISCARD enum err side_seal(struct aead *a,
    const unsigned char key[static AEAD_KEY],
    const unsigned char nonce[static AEAD_NONCE], const struct side_entry *e,
    struct str content, struct buf *out);
/* The content; ERR_DENIED: it is not as it was written, or another key's. */
NODISCARD enum err side_open(struct aead *a,
    const unsigned char key[static AEAD_KEY], const struct side_entry *e,
    struct buf *out);
/*
 * The entry at *at in a whole file, and where the next one is.  False: no more;
 * *torn (bytes after the last whole one) is then 0 or what a crash left, which
 * is not read.  *at is 0 at first; a file that does not begin as side_start is
 * all torn.
 */
bool side_next(
    struct str file, size_t *at, struct side_entry *out, size_t *torn);
/* To erase one: this state over the byte at `at` + SIDE_STATE, then zeros over
 * its sealed part.  Either alone is seen as what it is. */
enum { SIDE_STATE = 4 };

struct side_key {
	unsigned char key[AEAD_KEY];
	struct str subject;
	size_t at, n; /* where it stands in the file; how long it is */
	bool erased;  /* or damaged: there is no key any more */
};
void side_key_put(struct buf *b, const unsigned char key[static AEAD_KEY],
    struct str subject);
/* As side_next; an erased one keeps its length, and so its number. */
bool side_key_next(
    struct str file, size_t *at, struct side_key *out, size_t *torn);
/* What is written over one that is erased: its n bytes. */
void side_key_blank(const struct side_key *k, struct buf *b);

#endif
