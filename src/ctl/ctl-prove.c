/*
 * ctl-prove: "gatehouse ledger prove": an entry's proof out of a log of tiles,
 * as a file of its own or in a receipt.  What is printed leads to the
 * checkpoint's root, or nothing is printed.
 */
#include "checkpoint/checkpoint.h"
#include "ctl/tlog-dir.h"
#include "evidence/evidence.h"
#include "sys/sys.h"

struct proving {
	struct ctl *c;
	struct tlog_dir dir;
	struct buf note, entry, disclosed, proof;
	struct checkpoint at;
	uint64_t index;
};

static int
failed(const struct proving *p, enum err e, const struct note *why)
{
	const bool os = e == ERR_OS;

	return ctl_say(p->c, e == ERR_LIMIT ? CTL_NO : CTL_FAILED, "%s%s%s",
	    why->text, os ? ": " : "", os ? p->dir.why.text : "");
}

static int
read_checkpoint(struct proving *p)
{
	struct signed_note *n = mem_get(sizeof(*n));
	struct note why = { "" };
	char path[4096];
	int status = CTL_YES;
	enum err e;

	(void)snprintf(path, sizeof(path), "%.4000s/checkpoint", p->c->arg[0]);
	if (file_read(path, SIGNED_MAX, &p->note, &why) != OK) {
		mem_free(n);
		return ctl_say(p->c, CTL_UNREACHABLE, "%s", why.text);
	}
	e = signed_parse(buf_view(&p->note), n, &why);
	if (e == OK)
		e = checkpoint_of(n->text, &p->at, &why);
	if (e != OK)
		status = ctl_say(p->c, CTL_FAILED, "%s: %s", path, why.text);
	mem_free(n);
	return status;
}

/* The entry and its proof, which must hold. */
static int
prove(struct proving *p)
{
	struct tlog_reader *r = tlog_reader_new(&p->dir.s, p->at.size);
	struct tlog_proof proof = { .n = 0 };
	struct note why = { "" };
	struct tlog_hash leaf;
	enum err e = tlog_entry(r, p->index, &p->entry, &why);

	if (e == OK)
		e = tlog_prove_inclusion(r, p->index, &proof, &why);
	tlog_reader_free(r);
	if (e != OK)
		return failed(p, e, &why);
	leaf = tlog_leaf(buf_view(&p->entry));
	if (tlog_check_inclusion(
		p->index, p->at.size, &leaf, &proof, &p->at.root) != OK)
		return ctl_say(p->c, CTL_NO,
		    "the log's files do not prove entry %llu: \"gatehouse "
		    "ledger fsck\" says what holds",
		    (unsigned long long)p->index);
	proof_put(p->index, &proof, buf_view(&p->note), &p->proof);
	return CTL_YES;
}

/* A disclosure a line. */
static int
read_disclosures(struct proving *p, struct receipt *r)
{
	const char *path = ctl_option(p->c, "--disclose");
	struct note why = { "" };
	struct str rest, line;

	if (path == NULL)
		return CTL_YES;
	if (file_read(path, EVIDENCE_MAX, &p->disclosed, &why) != OK)
		return ctl_say(p->c, CTL_FAILED, "%s", why.text);
	rest = buf_view(&p->disclosed);
	while (rest.n > 0 && str_split(&rest, '\n', &line)) {
		if (r->disclosures == DISCLOSURES_MAX)
			return ctl_say(p->c, CTL_FAILED,
			    "%s: more than %d disclosures", path,
			    DISCLOSURES_MAX);
		r->disclosure[r->disclosures++] = line;
	}
	return CTL_YES;
}

static int
print(struct proving *p)
{
	struct receipt *r = mem_get(sizeof(*r));
	struct buf out = { .max = 2 * (size_t)EVIDENCE_MAX };
	struct note why = { "" };
	int status = read_disclosures(p, r);

	r->record = buf_view(&p->entry);
	r->proof = buf_view(&p->proof);
	if (status == CTL_YES && ctl_option(p->c, "--receipt") == NULL)
		buf_str(&out, buf_view(&p->proof));
	else if (status == CTL_YES && receipt_put(r, &out, &why) != OK)
		status = ctl_say(p->c, CTL_FAILED,
		    "this entry cannot stand in a receipt: %s", why.text);
	mem_free(r);
	if (status == CTL_YES)
		return ctl_put(&out);
	buf_done(&out);
	return status;
}

int
ctl_ledger_prove(struct ctl *c)
{
	struct proving p = { .c = c,
		.dir = tlog_dir_of(c->arg[0]),
		.note = { .max = SIGNED_MAX },
		.entry = { .max = TLOG_ENTRY_MAX },
		.disclosed = { .max = EVIDENCE_MAX },
		.proof = { .max = 2 * SIGNED_MAX } };
	int status;

	if (str_u64(str_of(c->arg[1]), &p.index) != OK)
		return ctl_say(c, CTL_MISUSE,
		    "INDEX is an entry's number in the log, from 0");
	if (ctl_option(c, "--disclose") != NULL &&
	    ctl_option(c, "--receipt") == NULL)
		return ctl_say(c, CTL_MISUSE, "--disclose goes with --receipt");
	status = read_checkpoint(&p);
	if (status == CTL_YES)
		status = prove(&p);
	if (status == CTL_YES)
		status = print(&p);
	buf_done(&p.note);
	buf_done(&p.entry);
	buf_done(&p.disclosed);
	buf_done(&p.proof);
	return status;
}
