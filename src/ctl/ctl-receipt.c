/*
 * ctl-receipt: "gatehouse ledger receipt": one record of a log with all that it
 * takes to believe it, as a receipt (doc/formats/receipt.md).  What is printed
 * leads to the checkpoint's root, or nothing is printed.
 */
#include "checkpoint/checkpoint.h"
#include "ctl/ctl-side.h"
#include "ctl/ledger-walk.h"
#include "ctl/tlog-dir.h"
#include "evidence/evidence.h"
#include "sys/sys.h"

struct search {
	struct tlog_reader *r;
	struct str disclose; /* names, by commas; empty: none */
	struct held *held;
	unsigned cell;
	int64_t seq;
	struct buf entry, tape;
	struct note why;
};

/* Whose record is entry i, and which of its? */
static enum err
look(struct search *s, uint64_t i, unsigned *cell, int64_t *seq)
{
	struct jv v;

	buf_clear(&s->entry);
	buf_clear(&s->tape);
	TRY(tlog_entry(s->r, i, &s->entry, &s->why));
	TRY(json_parse(buf_view(&s->entry), &json_default, &s->tape, &s->why));
	v = jv_of(buf_view(&s->tape));
	*cell = ledger_of(v);
	return jv_i64(jv_get(v, STR("seq")), seq);
}

/* A log's records stand in its order, others' between them: halve what is
 * left, and from its middle look for the next one of this log. */
static enum err
find(struct search *s, uint64_t from, uint64_t size, uint64_t *index)
{
	uint64_t to = size;

	while (from < to) {
		const uint64_t middle = from + (to - from) / 2;
		unsigned cell = 0;
		int64_t seq = 0;
		uint64_t i = middle;

		for (; i < to; i++) {
			TRY(look(s, i, &cell, &seq));
			if (cell == s->cell)
				break;
		}
		if (i < to && seq == s->seq) {
			*index = i;
			return OK;
		}
		if (i == to || seq > s->seq)
			to = middle;
		else
			from = i + 1;
	}
	note_set(&s->why,
	    "no such record is under the newest checkpoint, or it was pruned");
	return ERR_GONE;
}

/* Is it one of the names?  Each that is asked for must be found. */
static bool
one_of(struct str names, struct str name)
{
	struct str one;

	while (str_split(&names, ',', &one))
		if (str_eq(one, name))
			return true;
	return false;
}

/* The disclosures whose names were asked for. */
static enum err
choose(struct search *s, struct receipt *r)
{
	const struct content *c = &s->held->content;
	struct buf list = { .max = 64 << 20 };
	struct opened *o = NULL;
	struct str names = s->disclose, one;
	enum err e;
	struct jit it;
	struct jv v;

	e = opened_new(jv_of(buf_view(&s->tape)), c->disclosure, c->disclosures,
	    &o, &s->why);
	if (e == OK)
		opened_list(o, &list);
	it = jit_of(jv_of(buf_view(&list)));
	for (size_t i = 0; e == OK && jit_next(&it, NULL, &v); i++)
		if (one_of(names, jv_str(jv_get(v, STR("name")))))
			r->disclosure[r->disclosures++] = c->disclosure[i];
	while (e == OK && str_split(&names, ',', &one)) {
		bool there = false;

		it = jit_of(jv_of(buf_view(&list)));
		while (jit_next(&it, NULL, &v))
			there |= str_eq(jv_str(jv_get(v, STR("name"))), one);
		if (there)
			continue;
		note_set(&s->why,
		    "nothing is kept of \"%.*s\" that could be disclosed: "
		    "\"ledger show --disclose\" says what is",
		    (int)(one.n > 60 ? 60 : one.n), one.p);
		e = ERR_GONE;
	}
	opened_free(o);
	buf_done(&list);
	return e;
}

/* The entry's proof, which must hold: files may have been changed. */
static enum err
prove_entry(struct search *s, uint64_t index, const struct checkpoint *at,
    struct tlog_proof *out)
{
	const struct tlog_hash leaf = tlog_leaf(buf_view(&s->entry));

	TRY(tlog_prove_inclusion(s->r, index, out, &s->why));
	if (tlog_check_inclusion(index, at->size, &leaf, out, &at->root) == OK)
		return OK;
	note_set(&s->why,
	    "the log's files do not prove entry %llu: \"gatehouse ledger "
	    "fsck\" says what holds",
	    (unsigned long long)index);
	return ERR_DENIED;
}

static enum err
receipt(struct search *s, uint64_t minimum, const struct checkpoint *at,
    struct str note, struct buf *out)
{
	struct buf proof = { .max = SIGNED_MAX };
	struct receipt r = { .disclosures = 0 };
	struct tlog_proof p;
	uint64_t index = 0;
	enum err e = find(s, minimum, at->size, &index);

	if (e == OK)
		e = prove_entry(s, index, at, &p);
	if (e == OK) {
		proof_put(index, &p, note, &proof);
		r.record = buf_view(&s->entry);
		r.proof = buf_view(&proof);
		if (s->disclose.n > 0)
			e = choose(s, &r);
	}
	if (e == OK)
		e = receipt_put(&r, out, &s->why);
	buf_done(&proof);
	return e;
}

static int
prove(struct ctl *c, struct search *s, struct tlog_dir *dir)
{
	struct buf note = { .max = SIGNED_MAX }, out = { .max = EVIDENCE_MAX };
	struct signed_note *n = mem_get(sizeof(*n));
	struct checkpoint at = { .size = 0 };
	enum err e = dir->s.read(&dir->s, STR("checkpoint"), &note);
	int status = CTL_YES;

	if (e == ERR_GONE)
		note_set(&s->why, "%s: no checkpoint there yet", dir->dir);
	if (e == OK)
		e = signed_parse(buf_view(&note), n, &s->why);
	if (e == OK)
		e = checkpoint_of(n->text, &at, &s->why);
	if (e == OK)
		s->r = tlog_reader_new(&dir->s, at.size);
	if (e == OK)
		e = receipt(s, dir->s.minimum, &at, buf_view(&note), &out);
	if (e == OK)
		status = ctl_put(&out);
	else
		status = ctl_say(c, e == ERR_GONE ? CTL_NO : CTL_FAILED, "%s",
		    s->why.text[0] ? s->why.text : err_name(e));
	tlog_reader_free(s->r);
	buf_done(&note);
	buf_done(&out);
	mem_free(n);
	return status;
}

int
ctl_ledger_receipt(struct ctl *c)
{
	struct search s = { .entry = { .max = TLOG_ENTRY_MAX },
		.tape = { .max = 1 << 20 } };
	const char *cell = ctl_option(c, "--cell");
	uint64_t seq = 0, number = 0;
	struct side_reader *side = NULL;
	struct tlog_dir dir;
	char path[4096];
	int status = CTL_YES;

	if (str_u64(str_of(c->arg[1]), &seq) != OK || seq == 0 ||
	    seq > INT64_MAX)
		return ctl_say(c, CTL_MISUSE, "SEQ is a record's number");
	if (cell != NULL &&
	    (str_u64(str_of(cell), &number) != OK || number >= LEDGER_BUDGETS))
		return ctl_say(c, CTL_MISUSE, "--cell is a cell's number");
	s.seq = (int64_t)seq;
	s.cell = ctl_option(c, "--budgets") != NULL ? LEDGER_BUDGETS
						    : (unsigned)number;
	(void)snprintf(path, sizeof(path), "%.4000s/log", c->arg[0]);
	dir = tlog_dir_of(path);
	s.disclose = str_of(ctl_option(c, "--disclose"));
	s.held = mem_get(sizeof(*s.held));
	if (s.disclose.n > 0)
		status = side_beside(c, c->arg[0], &side);
	if (s.disclose.n > 0 && s.cell != LEDGER_BUDGETS)
		held_of(side, s.cell, (uint64_t)s.seq, s.held);
	if (status == CTL_YES)
		status = prove(c, &s, &dir);
	held_done(s.held);
	mem_free(s.held);
	side_reader_free(side);
	buf_done(&s.entry);
	buf_done(&s.tape);
	return status;
}
