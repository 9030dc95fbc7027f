/*
 * checkpoint: signed notes, and what a transparency log says with them:
 * checkpoints, cosignatures, trust policies, proofs as files (C2SP signed-note,
 * tlog-checkpoint, tlog-cosignature, tlog-witness, tlog-policy, tlog-proof).
 * Ed25519 alone: signature types 0x01 and 0x04.  Reads text, makes text, keeps
 * no key.
 *
 * Who owns what.  A struct str in what was parsed is a view into the parsed
 * text, which must outlive it.  *why (never NULL) gets a sentence on an error.
 * Throughout: ERR_SYNTAX malformed, ERR_LIMIT larger than this room takes,
 * ERR_DENIED well-formed and not so.
 */
#ifndef CHECKPOINT_H
#define CHECKPOINT_H

#include "base/base.h"
#include "tlog/tlog.h"

enum {
	SIGNED_MAX = 1024 * 1024, /* bytes of a note, a proof or a policy */
	SIGNED_LINES_MAX = 128,	  /* 16 is the least one must take */
	VKEY_NAME_MAX = 255,
	VKEY_PUB = 32,
	VKEY_SEED = 32
};
enum vkey_type { VKEY_ED25519 = 0x01, VKEY_COSIGNATURE = 0x04 };

/* ---- keys (signed-note, "Verifier keys") ---- */
struct vkey {
	struct str name;
	uint32_t id;
	enum vkey_type type;
	unsigned char pub[VKEY_PUB];
};
/* "name+hex id+base64 of type and key".  ERR_SYNTAX also when the id is not the
 * one that name, type and key have; ERR_LIMIT for a type not known here. */
NODISCARD enum err vkey_of(struct str vkey, struct vkey *out, struct note *why);
/* Of a seed; the name must be one.  ERR_OS: the library failed. */
NODISCARD enum err vkey_make(struct str name, enum vkey_type type,
    const unsigned char seed[static VKEY_SEED], struct vkey *out,
    struct note *why);
void vkey_put(const struct vkey *k, struct buf *out);
/* "PRIVATE+KEY+name+hex id+base64 of type and seed", as Go's note package has
 * it, of either type.  The caller wipes text and seed.  Errors as vkey_make. */
void skey_put(const struct vkey *k, const unsigned char seed[static VKEY_SEED],
    struct buf *out);
NODISCARD enum err skey_of(struct str text, struct vkey *out,
    unsigned char seed[static VKEY_SEED], struct note *why);

/* ---- notes ---- */
struct signed_line {
	struct str name, base64; /* base64: of id and signature, checked */
	uint32_t id;
};
struct signed_note {
	struct str text; /* with its last newline; what is signed */
	struct signed_line line[SIGNED_LINES_MAX];
	size_t lines;
};
NODISCARD enum err signed_parse(
    struct str s, struct signed_note *out, struct note *why);
/*
 * Is there a signature by k?  OK: yes, and it is good; *time (may be NULL) gets
 * a cosignature's POSIX seconds, else 0.  ERR_GONE: none of that name and id.
 * ERR_DENIED: there is one and it is not good: the whole note is to be refused.
 */
NODISCARD enum err signed_check(const struct signed_note *n,
    const struct vkey *k, uint64_t *time, struct note *why);
/* Appends the line "— name base64" that signs text.  time: of a cosignature, at
 * most 2^63 - 1.  ERR_SYNTAX: text cannot be a note's; ERR_OS. */
NODISCARD enum err signed_add(const struct vkey *k,
    const unsigned char seed[static VKEY_SEED], uint64_t time, struct str text,
    struct buf *out, struct note *why);

/* ---- checkpoints ---- */
struct checkpoint {
	struct str origin;
	uint64_t size;
	struct tlog_hash root;
	struct str extensions; /* lines with their newlines, or empty */
};
/* Of a note's text.  ERR_LIMIT: more entries than TLOG_SIZE_MAX. */
NODISCARD enum err checkpoint_of(
    struct str text, struct checkpoint *out, struct note *why);
/* The text; no extension lines. */
void checkpoint_put(struct str origin, uint64_t size,
    const struct tlog_hash *root, struct buf *out);

/* ---- trust: whose checkpoints count (tlog-policy) ---- */
enum { TRUST_MAX = 64 }; /* logs, witnesses, groups: of each */
struct trust_node {	 /* a witness, or a group of what came before it */
	struct str name;
	bool group;
	struct vkey key;    /* of a witness */
	struct str url;	    /* may be empty */
	unsigned need;	    /* of a group: how many members */
	uint64_t member[2]; /* of a group: bits by index */
};
struct trust {
	struct {
		struct vkey key;
		struct str url;
	} log[TRUST_MAX];
	size_t logs;
	struct trust_node node[2 * TRUST_MAX]; /* in the order of the file */
	size_t nodes, witnesses, groups;
	bool any;      /* quorum none */
	size_t quorum; /* index of a node, unless any */
};
/* *why names the line. */
NODISCARD enum err trust_of(
    struct str text, struct trust *out, struct note *why);

struct trust_view { /* what trust_check saw */
	struct checkpoint at;
	struct str log; /* name of the log's key */
	uint64_t
	    cosigned[2]; /* bits by index of trust.node: good cosignatures */
	unsigned cosignatures, unknown; /* good; signatures by keys not in it */
	uint64_t newest; /* POSIX seconds of the latest of them; 0 none */
};
/*
 * Is this checkpoint signed by a log of the trust file whose name is its
 * origin, and cosigned by the quorum?  A signature that is bad under a key of
 * the file refuses all (signed-note).  Times are reported, not judged.
 */
NODISCARD enum err trust_check(const struct trust *t,
    const struct signed_note *n, struct trust_view *out, struct note *why);

/* ---- log and witness (tlog-witness, "add-checkpoint") ---- */
struct growth { /* what a log sends */
	uint64_t old;
	struct tlog_proof proof;
	struct str checkpoint; /* the whole note, not looked at */
};
NODISCARD enum err growth_of(
    struct str body, struct growth *out, struct note *why);
void growth_put(uint64_t old, const struct tlog_proof *p, struct str checkpoint,
    struct buf *out);
struct witness_last { /* what was cosigned last of an origin; size 0: nothing */
	uint64_t size;
	struct tlog_hash root;
};
struct witness_asked {
	const struct signed_note *note;
	const struct checkpoint *at; /* of its text */
	uint64_t old;
	const struct tlog_proof *proof;
};
/* The HTTP status that a witness answers with: 200 (it cosigns, once what was
 * asked is its last one and durable), 400, 403, 404, 409 or 422, and why.
 * keys: of all logs it knows. */
unsigned witness_judge(const struct vkey *keys, size_t n,
    const struct witness_asked *a, const struct witness_last *last,
    struct note *why);
enum { COSIGNATURE = 8 + 64 }; /* time, signature (tlog-cosignature) */
/* k's cosignature out of a witness's answer; it is not checked.  ERR_GONE: none
 * of k; ERR_SYNTAX, ERR_LIMIT. */
NODISCARD enum err cosignature_of(struct str lines, const struct vkey *k,
    unsigned char out[static COSIGNATURE], struct note *why);
/* The line again. */
void cosignature_put(const struct vkey *k,
    const unsigned char sig[static COSIGNATURE], struct buf *out);

/* ---- a proof as a file (tlog-proof) ---- */
struct proof_file {
	struct str extra; /* base64 as it stands; not authenticated; or empty */
	uint64_t index;
	struct tlog_proof proof;
	struct str checkpoint; /* the note that follows */
};
NODISCARD enum err proof_of(
    struct str text, struct proof_file *out, struct note *why);
/* checkpoint: the whole note. */
void proof_put(uint64_t index, const struct tlog_proof *p,
    struct str checkpoint, struct buf *out);
/* Is this leaf logged, as the trust file wants it?  Steps 2 to 4 of tlog-proof,
 * "Verifying a tlog proof"; errors as trust_check. */
NODISCARD enum err proof_check(const struct proof_file *p,
    const struct tlog_hash *leaf, const struct trust *t, struct trust_view *out,
    struct note *why);

#endif
