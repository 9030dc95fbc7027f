/* checkpoint: a tree head as text (C2SP tlog-checkpoint), and a proof with one
 * as a file (C2SP tlog-proof). */
#include "checkpoint/checkpoint.h"

/* A decimal without leading zeros. */
static bool
decimal(struct str s, uint64_t *out)
{
	return (s.n == 1 || (s.n > 1 && s.p[0] != '0')) &&
	       str_u64(s, out) == OK;
}

static bool
hash_line(struct str s, struct tlog_hash *out)
{
	struct buf b = { .max = TLOG_HASH };
	const bool good = base64_get(s, &b) == OK && b.n == TLOG_HASH;

	if (good)
		memcpy(out->b, b.p, TLOG_HASH);
	buf_done(&b);
	return good;
}

enum err
checkpoint_of(struct str text, struct checkpoint *out, struct note *why)
{
	struct str rest = text, size = { NULL, 0 }, root = { NULL, 0 }, line;
	struct checkpoint c = { .size = 0 };

	if (text.n == 0 || text.p[text.n - 1] != '\n') {
		note_set(why, "a checkpoint ends in a newline");
		return ERR_SYNTAX;
	}
	if (!str_split(&rest, '\n', &c.origin) || c.origin.n == 0 ||
	    !str_split(&rest, '\n', &size) || !decimal(size, &c.size) ||
	    !str_split(&rest, '\n', &root) || !hash_line(root, &c.root)) {
		note_set(why, "a checkpoint is an origin, a size and a root in "
			      "base64, a line each");
		return ERR_SYNTAX;
	}
	c.extensions = rest;
	while (rest.n > 0)
		if (!str_split(&rest, '\n', &line) || line.n == 0) {
			note_set(why, "an empty extension line");
			return ERR_SYNTAX;
		}
	if (c.size > TLOG_SIZE_MAX) {
		note_set(why, "a log has at most 2^62 entries");
		return ERR_LIMIT;
	}
	*out = c;
	return OK;
}

void
checkpoint_put(struct str origin, uint64_t size, const struct tlog_hash *root,
    struct buf *out)
{
	buf_str(out, origin);
	buf_ch(out, '\n');
	buf_dec(out, size);
	buf_ch(out, '\n');
	base64_put(out, (struct str){ (const char *)root->b, TLOG_HASH });
	buf_ch(out, '\n');
}

/* ---- tlog-proof ---- */

#define PROOF_HEAD STR("c2sp.org/tlog-proof@v1")

static bool
word_line(struct str line, struct str word, struct str *value)
{
	if (!str_starts(line, word))
		return false;
	*value = str_sub(line, word.n, line.n);
	return true;
}

static bool
is_base64(struct str s)
{
	struct buf b = { .max = SIGNED_MAX };
	const bool good = s.n > 0 && base64_get(s, &b) == OK;

	buf_done(&b);
	return good;
}

/* The first lines, up to the index. */
static enum err
proof_head(struct str *rest, struct proof_file *p, struct note *why)
{
	struct str line = { NULL, 0 }, index;

	if (!str_split(rest, '\n', &line) || !str_eq(line, PROOF_HEAD)) {
		note_set(why, "a proof begins with %.*s", STR_ARG(PROOF_HEAD));
		return ERR_SYNTAX;
	}
	if (!str_split(rest, '\n', &line))
		line = STR("");
	if (word_line(line, STR("extra "), &p->extra)) {
		if (!is_base64(p->extra)) {
			note_set(why, "what is extra is no base64");
			return ERR_SYNTAX;
		}
		if (!str_split(rest, '\n', &line))
			line = STR("");
	}
	if (!word_line(line, STR("index "), &index) ||
	    !decimal(index, &p->index)) {
		note_set(why, "the line \"index N\" is missing");
		return ERR_SYNTAX;
	}
	return OK;
}

enum err
proof_of(struct str text, struct proof_file *out, struct note *why)
{
	struct proof_file p = { .index = 0 };
	struct str rest = text, line = { NULL, 0 };

	if (text.n > SIGNED_MAX) {
		note_set(why, "a proof of more than %d bytes", SIGNED_MAX);
		return ERR_LIMIT;
	}
	TRY(proof_head(&rest, &p, why));
	while (str_split(&rest, '\n', &line) && line.n > 0) {
		if (p.proof.n == TLOG_PROOF_MAX ||
		    !hash_line(line, &p.proof.at[p.proof.n])) {
			note_set(why,
			    "line %zu of the proof is no hash in "
			    "base64",
			    p.proof.n + 1);
			return ERR_SYNTAX;
		}
		p.proof.n++;
	}
	if (rest.n == 0) {
		note_set(why, "no checkpoint after a blank line");
		return ERR_SYNTAX;
	}
	p.checkpoint = rest;
	*out = p;
	return OK;
}

void
proof_put(uint64_t index, const struct tlog_proof *p, struct str checkpoint,
    struct buf *out)
{
	buf_str(out, PROOF_HEAD);
	buf_fmt(out, "\nindex %llu\n", (unsigned long long)index);
	for (size_t i = 0; i < p->n; i++) {
		base64_put(
		    out, (struct str){ (const char *)p->at[i].b, TLOG_HASH });
		buf_ch(out, '\n');
	}
	buf_ch(out, '\n');
	buf_str(out, checkpoint);
}

enum err
proof_check(const struct proof_file *p, const struct tlog_hash *leaf,
    const struct trust *t, struct trust_view *out, struct note *why)
{
	struct signed_note *n = mem_get(sizeof(*n));
	enum err e = signed_parse(p->checkpoint, n, why);

	if (!e)
		e = trust_check(t, n, out, why);
	mem_free(n);
	if (e)
		return e;
	if (tlog_check_inclusion(
		p->index, out->at.size, leaf, &p->proof, &out->at.root) != OK) {
		note_set(why,
		    "the proof does not lead from this entry, as number %llu "
		    "of %llu, to the checkpoint's root",
		    (unsigned long long)p->index,
		    (unsigned long long)out->at.size);
		return ERR_DENIED;
	}
	return OK;
}
