/*
 * ctl-verify: "gatehouse verify receipt|record": is this record logged, under
 * a checkpoint that the trust file lets count?  Opens the files that are named
 * and nothing else.
 */
#include <time.h>

#include "checkpoint/checkpoint.h"
#include "ctl/tlog-dir.h"
#include "evidence/evidence.h"
#include "sys/sys.h"

/* What was found, for people and as JSON. */
struct verdict {
	struct ctl *c;
	const struct trust *trust;
	struct trust_view view;
	uint64_t index;
	struct buf tape; /* of a receipt: the record, then what is disclosed */
	enum err e;
	struct note why;
};

static int
read_file(struct ctl *c, const char *path, size_t max, struct buf *out)
{
	struct note why = { "" };

	out->max = max;
	if (file_read(path, max, out, &why) != OK)
		return ctl_say(c, CTL_FAILED, "%s", why.text);
	return CTL_YES;
}

static int
read_trust(struct ctl *c, struct buf *text, struct trust *t)
{
	const char *path = ctl_option(c, "--trust");
	struct note why = { "" };
	int status;

	if (path == NULL)
		return ctl_say(c, CTL_MISUSE,
		    "--trust FILE is missing: whose checkpoints count, as C2SP "
		    "tlog-policy has it");
	status = read_file(c, path, SIGNED_MAX, text);
	if (status == CTL_YES && trust_of(buf_view(text), t, &why) != OK)
		status = ctl_say(c, CTL_FAILED, "%s: %s", path, why.text);
	return status;
}

static void
time_put(struct buf *b, uint64_t seconds)
{
	const time_t t = (time_t)seconds;
	struct tm tm;
	char text[40] = "?";

	if (gmtime_r(&t, &tm) != NULL)
		(void)strftime(text, sizeof(text), "%Y-%m-%dT%H:%M:%SZ", &tm);
	buf_str(b, str_of(text));
}

static bool
by(const struct verdict *v, size_t i)
{
	return (v->view.cosigned[i / 64] >> (i % 64) & 1) != 0;
}

static void
disclosed_text(struct buf *b, struct jv list)
{
	struct jit it = jit_of(list);
	struct jv one;

	while (jit_next(&it, NULL, &one)) {
		const struct jv name = jv_get(one, STR("name"));
		struct buf text = { .max = EVIDENCE_MAX };

		json_write(jv_get(one, STR("value")), &text);
		buf_str(b, STR("disclosed: "));
		put_shown(b, jv_is(name, J_STR) ? jv_str(name) : STR("-"));
		buf_str(b, STR(" = "));
		put_shown(b, buf_view(&text));
		buf_ch(b, '\n');
		buf_done(&text);
	}
}

static int
verdict_text(struct verdict *v, const char *what)
{
	struct buf b = { .max = SIZE_MAX / 4 };
	const struct jv record = jv_of(buf_view(&v->tape));

	if (v->e) {
		buf_fmt(&b, "NOT valid: %s\n", v->why.text);
		return ctl_put(&b);
	}
	if (v->tape.n > 0) {
		struct buf text = { .max = EVIDENCE_MAX };

		json_write(record, &text);
		put_shown(&b, buf_view(&text));
		buf_ch(&b, '\n');
		buf_done(&text);
		disclosed_text(&b,
		    jv_of(str_sub(buf_view(&v->tape), record.n, v->tape.n)));
	}
	buf_fmt(&b, "entry %llu of %llu in the log ",
	    (unsigned long long)v->index, (unsigned long long)v->view.at.size);
	put_shown(&b, v->view.at.origin);
	buf_ch(&b, '\n');
	for (size_t i = 0; i < v->trust->nodes; i++)
		if (by(v, i)) {
			buf_str(&b, STR("cosigned by "));
			put_shown(&b, v->trust->node[i].name);
			buf_ch(&b, '\n');
		}
	if (v->view.newest > 0) {
		buf_str(&b, STR("newest cosignature at "));
		time_put(&b, v->view.newest);
		buf_ch(&b, '\n');
	}
	if (v->view.unknown > 0)
		buf_fmt(&b,
		    "signatures by keys that are not in the trust file, "
		    "and count for nothing: %u\n",
		    v->view.unknown);
	buf_fmt(
	    &b, "valid: the %s is logged as the trust file wants it\n", what);
	return ctl_put(&b);
}

static void
verdict_members(struct verdict *v, struct members *m)
{
	const struct jv record = jv_of(buf_view(&v->tape));
	size_t list, n = 0;

	member_str(m, "origin", v->view.at.origin);
	member_u64(m, "index", v->index);
	member_u64(m, "size", v->view.at.size);
	tape_key(m->tape, STR("cosigned_by"));
	list = tape_arr(m->tape);
	for (size_t i = 0; i < v->trust->nodes; i++)
		if (by(v, i)) {
			const struct str name = v->trust->node[i].name;

			tape_str(m->tape, utf8_ok(name) ? name : STR("?"));
			n++;
		}
	tape_end(m->tape, list, n);
	m->n++;
	member_u64(m, "newest_cosignature", v->view.newest);
	member_u64(m, "unknown_signatures", v->view.unknown);
	if (v->tape.n == 0)
		return;
	tape_key(m->tape, STR("record"));
	tape_copy(m->tape, record);
	tape_key(m->tape, STR("disclosed"));
	tape_copy(
	    m->tape, jv_of(str_sub(buf_view(&v->tape), record.n, v->tape.n)));
	m->n += 2;
}

static int
verdict_json(struct verdict *v)
{
	struct buf tape = { .max = SIZE_MAX / 4 };
	struct members m = members_begin(&tape);

	member_bool(&m, "valid", v->e == OK);
	if (v->e)
		member_str(&m, "why", str_of(v->why.text));
	else
		verdict_members(v, &m);
	members_end(&m);
	return tape_print(&tape);
}

/* Not so is an answer; what cannot be judged is a failure. */
static int
verdict_say(struct verdict *v, const char *path, const char *what)
{
	int status;

	if (v->e != OK && v->e != ERR_DENIED && v->e != ERR_GONE)
		return ctl_say(v->c, CTL_FAILED, "%s: %s", path, v->why.text);
	status = v->c->json ? verdict_json(v) : verdict_text(v, what);
	return status != CTL_YES ? status : v->e == OK ? CTL_YES : CTL_NO;
}

int
ctl_verify_receipt(struct ctl *c)
{
	struct trust *t = mem_get(sizeof(*t));
	struct receipt *r = mem_get(sizeof(*r));
	struct verdict v = {
		.c = c, .trust = t, .tape = { .max = 4 * (size_t)EVIDENCE_MAX }
	};
	struct buf text = { .max = 0 }, policy = { .max = 0 };
	int status = read_trust(c, &policy, t);

	if (status == CTL_YES)
		status = read_file(c, c->arg[0], EVIDENCE_MAX, &text);
	if (status == CTL_YES) {
		v.e = receipt_of(buf_view(&text), r, &v.why);
		if (v.e == OK)
			v.e = receipt_check(
			    r, t, &v.view, &v.index, &v.tape, &v.why);
		status = verdict_say(&v, c->arg[0], "record");
	}
	buf_done(&text);
	buf_done(&policy);
	buf_done(&v.tape);
	mem_free(r);
	mem_free(t);
	return status;
}

/* A record's text has no newline; a file of one often ends in one. */
static void
record_check(struct verdict *v, struct str proof, struct str text)
{
	struct proof_file p;
	struct tlog_hash leaf = tlog_leaf(text);

	v->e = proof_of(proof, &p, &v->why);
	v->index = p.index;
	if (v->e)
		return;
	v->e = proof_check(&p, &leaf, v->trust, &v->view, &v->why);
	if (v->e == ERR_DENIED && str_ends(text, STR("\n"))) {
		leaf = tlog_leaf(str_sub(text, 0, text.n - 1));
		v->e = proof_check(&p, &leaf, v->trust, &v->view, &v->why);
	}
}

int
ctl_verify_record(struct ctl *c)
{
	const char *proof_path = ctl_option(c, "--proof");
	struct trust *t = mem_get(sizeof(*t));
	struct verdict v = { .c = c, .trust = t };
	struct buf text = { .max = 0 }, policy = { .max = 0 },
		   proof = { .max = 0 };
	int status = CTL_YES;

	if (proof_path == NULL)
		status = ctl_say(c, CTL_MISUSE,
		    "--proof FILE is missing: the record's tlog-proof; a "
		    "receipt carries its own: \"gatehouse verify receipt\"");
	if (status == CTL_YES)
		status = read_trust(c, &policy, t);
	if (status == CTL_YES)
		status = read_file(c, c->arg[0], TLOG_ENTRY_MAX + 1, &text);
	if (status == CTL_YES)
		status = read_file(c, proof_path, SIGNED_MAX, &proof);
	if (status == CTL_YES) {
		record_check(&v, buf_view(&proof), buf_view(&text));
		status = verdict_say(&v, proof_path, "record");
	}
	buf_done(&text);
	buf_done(&policy);
	buf_done(&proof);
	mem_free(t);
	return status;
}

/* ---- whatever it is ---- */

static const struct {
	struct str starts;  /* of a text that is none of JSON */
	const char *member; /* of a JSON object */
	int (*run)(struct ctl *c);
} file_kinds[] = {
	{ STR_INIT("gatehouse receipt "), NULL, ctl_verify_receipt },
	{ { NULL, 0 }, "record_format", ctl_verify_evidence },
	{ { NULL, 0 }, "checker_input", ctl_verify_effect },
	{ { NULL, 0 }, "property", ctl_verify_effect },
};

int
ctl_verify_any(struct ctl *c)
{
	struct buf text = { .max = 0 }, tape = { .max = SIZE_MAX / 4 };
	int (*run)(struct ctl * c) = NULL;
	int status = read_file(c, c->arg[0], EVIDENCE_MAX, &text);

	/* what is no JSON has no members */
	if (json_parse(buf_view(&text), &json_default, &tape, NULL) != OK)
		buf_clear(&tape);
	for (size_t i = 0; i < countof(file_kinds) && run == NULL; i++)
		if (file_kinds[i].member == NULL
			? str_starts(buf_view(&text), file_kinds[i].starts)
			: !jv_is(jv_get(jv_of(buf_view(&tape)),
				     str_of(file_kinds[i].member)),
			      J_NONE))
			run = file_kinds[i].run;
	buf_done(&text);
	buf_done(&tape);
	if (status != CTL_YES)
		return status;
	if (run == NULL)
		return ctl_say(c, CTL_FAILED,
		    "%s: neither a receipt, an evidence record nor an observed "
		    "effect; \"gatehouse help verify\" lists what can be "
		    "verified",
		    c->arg[0]);
	return run(c);
}
