/*
 * ctl-evidence: "gatehouse verify evidence|observed-effect".  A failure of
 * processing is never a verdict: it is said as one and exits with 4.
 */
#include "checkpoint/checkpoint.h"
#include "crypto/crypto.h"
#include "ctl/tlog-dir.h"
#include "evidence/evidence.h"
#include "sys/sys.h"

static int
slurp(struct ctl *c, const char *path, struct buf *out)
{
	struct note why = { "" };

	out->max = EVIDENCE_MAX;
	if (path != NULL && file_read(path, out->max, out, &why) != OK)
		return ctl_say(c, CTL_FAILED, "%s", why.text);
	return CTL_YES;
}

/* ---- containment evidence ---- */

static int
evidence_text(enum err e, const struct cosai_found *f, const struct note *why)
{
	struct buf b = { .max = 65536 };

	buf_fmt(&b,
	    "%llu entries: %llu decisions, %llu outcomes, %llu decisions of "
	    "unknown outcome\n",
	    (unsigned long long)f->entries, (unsigned long long)f->decisions,
	    (unsigned long long)f->outcomes, (unsigned long long)f->unknown);
	if (e == OK) {
		buf_str(&b, STR("checkpoint signed by "));
		put_shown(&b, str_of(f->signer));
		buf_str(&b, f->pinned ? STR(", the key given\n")
				      : STR(", which is the record's own word: "
					    "name the key with --signer\n"));
		buf_str(&b, STR("valid: the record is whole and unchanged\n"));
	} else {
		buf_str(&b, STR("NOT valid: "));
		put_shown(&b, str_of(why->text));
		buf_ch(&b, '\n');
	}
	return ctl_put(&b);
}

static int
evidence_json(enum err e, const struct cosai_found *f, const struct note *why)
{
	struct buf tape = { .max = 65536 };
	struct members m = members_begin(&tape);

	member_bool(&m, "valid", e == OK);
	member_u64(&m, "entries", f->entries);
	member_u64(&m, "decisions", f->decisions);
	member_u64(&m, "outcomes", f->outcomes);
	member_u64(&m, "unknown", f->unknown);
	if (e == OK) {
		member_str(&m, "signer", str_of(f->signer));
		member_bool(&m, "pinned", f->pinned);
	} else {
		member_u64(&m, "first_bad", f->first_bad);
		member_str(&m, "why", str_of(why->text));
	}
	members_end(&m);
	return tape_print(&tape);
}

/* --signer: the key in base64url, or as "keys show" prints it. */
static struct str
signer_of(const struct ctl *c, char room[static 48])
{
	const struct str given = str_of(ctl_option(c, "--signer"));
	struct buf b = { .max = 48 };
	struct note unused;
	struct vkey key;

	if (vkey_of(given, &key, &unused) != OK)
		return given;
	base64url_put(&b, (struct str){ (const char *)key.pub, VKEY_PUB });
	(void)snprintf(room, 48, "%.*s", STR_ARG(buf_view(&b)));
	buf_done(&b);
	return str_of(room);
}

int
ctl_verify_evidence(struct ctl *c)
{
	struct buf text = { .max = 0 };
	char room[48];
	struct cosai_found f;
	struct note why = { "" };
	int status = slurp(c, c->arg[0], &text);
	enum err e;

	if (status != CTL_YES)
		return status;
	e = cosai_check(buf_view(&text), signer_of(c, room), &f, &why);
	buf_done(&text);
	if (e != OK && e != ERR_DENIED)
		return ctl_say(c, CTL_FAILED, "%s: %s", c->arg[0], why.text);
	status =
	    c->json ? evidence_json(e, &f, &why) : evidence_text(e, &f, &why);
	return status != CTL_YES ? status : e == OK ? CTL_YES : CTL_NO;
}

/* ---- observed effect ---- */

struct effect_in {
	struct ctl *c;
	struct buf text, tape, record, blob;
	struct jv input;
};

static int
effect_exit(enum effect_result r)
{
	static const int exits[] = { [EFFECT_MALFORMED] = CTL_FAILED,
		[EFFECT_UNSUPPORTED] = CTL_FAILED,
		[EFFECT_BAD_INPUT] = CTL_FAILED,
		[EFFECT_NOT_ESTABLISHED] = CTL_NO,
		[EFFECT_PENDING] = CTL_NO,
		[EFFECT_PASS] = CTL_YES,
		[EFFECT_FAIL] = CTL_NO,
		[EFFECT_PRESENT] = CTL_YES,
		[EFFECT_ABSENT] = CTL_YES };

	return exits[r];
}

static void
codes_put(struct members *m, const char *code)
{
	size_t list;

	if (code[0] == '\0')
		return;
	tape_key(m->tape, STR("codes"));
	list = tape_arr(m->tape);
	tape_str(m->tape, utf8_ok(str_of(code)) ? str_of(code) : STR("?"));
	tape_end(m->tape, list, 1);
	m->n++;
}

/* What was asked, so that an answer cannot be held against another question. */
static void
echo_part(struct members *m, const char *key, struct jv from,
    const char *const *names)
{
	struct members part;

	tape_key(m->tape, str_of(key));
	part = members_begin(m->tape);
	for (; *names != NULL; names++) {
		tape_key(m->tape, str_of(*names));
		tape_copy(m->tape, jv_get(from, str_of(*names)));
		part.n++;
	}
	members_end(&part);
	m->n++;
}

static void
echo(struct members *m, struct jv input)
{
	static const char *const property[] = { "name", "scope", NULL };
	static const char *const context[] = { "claim_ref",
		"observer_public_key", "anchored_commitment_digest",
		"producer_capability", "producer", "independence_evidence",
		NULL };
	struct members all;

	tape_key(m->tape, STR("evaluation"));
	all = members_begin(m->tape);
	echo_part(&all, "property", jv_get(input, STR("property")), property);
	echo_part(&all, "context", jv_get(input, STR("context")), context);
	members_end(&all);
	m->n++;
}

static int
effect_json(const struct effect_in *in, const struct effect *e)
{
	struct buf tape = { .max = 4 * (size_t)EVIDENCE_MAX };
	struct members m = members_begin(&tape);
	const bool state = e->result == EFFECT_PENDING ||
			   e->result == EFFECT_PRESENT ||
			   e->result == EFFECT_ABSENT;
	const bool failed = effect_exit(e->result) == CTL_FAILED;

	tape_key(&tape, state ? STR("outcome") : STR("verdict"));
	if (failed)
		tape_null(&tape);
	else
		tape_str(&tape, str_of(effect_name(e->result)));
	m.n++;
	if (failed) {
		member_str(
		    &m, "processing_failure", str_of(effect_name(e->result)));
	} else {
		tape_key(&tape, STR("unmet_obligation"));
		if (e->obligation == NULL)
			tape_null(&tape);
		else
			tape_str(&tape, str_of(e->obligation));
		m.n++;
	}
	if (failed)
		codes_put(&m, e->code);
	else if (e->code[0] != '\0') /* of a record that was refused */
		member_str(&m, "refused_for", str_of(e->code));
	member_str(&m, "reason", str_of(e->reason.text));
	echo(&m, in->input);
	members_end(&m);
	return tape_print(&tape);
}

static int
effect_text(const struct effect *e)
{
	struct buf b = { .max = 4096 };

	if (effect_exit(e->result) == CTL_FAILED)
		buf_str(&b, STR("failure of processing: "));
	buf_str(&b, str_of(effect_name(e->result)));
	if (e->obligation != NULL)
		buf_fmt(&b, ", for want of %s", e->obligation);
	if (e->code[0] != '\0') {
		buf_str(&b, STR(" ("));
		put_shown(&b, str_of(e->code));
		buf_ch(&b, ')');
	}
	buf_fmt(&b, ": %s\n", e->reason.text);
	return ctl_put(&b);
}

static int
effect_say(const struct effect_in *in, const struct effect *e)
{
	const int status = in->c->json ? effect_json(in, e) : effect_text(e);

	return status != CTL_YES ? status : effect_exit(e->result);
}

/* The record, from where it is; it must be the one the input names. */
static bool
record_of(struct effect_in *in, struct effect *e)
{
	const struct jv evidence = jv_get(in->input, STR("evidence"));
	const struct jv text = jv_get(evidence, STR("envelope"));
	const struct jv want = jv_at(evidence, "observed_effect/sha256");
	unsigned char sum[SHA256_N], named[SHA256_N];

	if (in->record.n == 0)
		buf_str(&in->record, jv_str(text));
	*e = (struct effect){ .result = EFFECT_BAD_INPUT };
	note_set(&e->reason, "the record is missing: name its file with "
			     "--record, or have its text as evidence.envelope");
	if (in->record.n == 0)
		return false;
	sha256(buf_view(&in->record), STR(""), sum);
	note_set(&e->reason,
	    "the record is not the one that evidence.observed_effect names");
	return jv_is(want, J_NONE) ||
	       (hex_bytes(jv_str(want), named, sizeof(named)) == OK &&
		   memcmp(sum, named, sizeof(sum)) == 0);
}

static int
effect_ask(struct effect_in *in)
{
	struct note why = { "" };
	struct effect e;
	struct jv doc;

	if (json_parse(buf_view(&in->text), &json_default, &in->tape, &why) !=
	    OK) {
		e = (struct effect){ .result = EFFECT_BAD_INPUT,
			.reason = why };
		return effect_say(in, &e);
	}
	doc = jv_of(buf_view(&in->tape));
	in->input = jv_get(doc, STR("checker_input"));
	if (jv_is(in->input, J_NONE))
		in->input = doc;
	if (record_of(in, &e))
		effect_check(
		    in->input, buf_view(&in->record), buf_view(&in->blob), &e);
	return effect_say(in, &e);
}

/* Is the record in FILE admissible under this key? */
static int
effect_admissible(struct effect_in *in, const char *hex)
{
	static const struct {
		const char *word;
		int status;
	} words[] = { [EFFECT_VALID] = { "valid", CTL_YES },
		[EFFECT_INVALID] = { "invalid", CTL_NO },
		[EFFECT_ILL_FORMED] = { "malformed", CTL_FAILED } };
	unsigned char key[ED25519_KEY];
	char code[80];
	struct buf b = { .max = 4096 };
	enum effect_admission r;
	int status;

	if (hex_bytes(str_of(hex), key, sizeof(key)) != OK)
		return ctl_say(in->c, CTL_MISUSE,
		    "--key is a public key in 64 hex digits");
	r = effect_admit(buf_view(&in->text), key, buf_view(&in->blob), code);
	if (in->c->json) {
		struct members m = members_begin(&b);

		member_str(&m, "admission", str_of(words[r].word));
		codes_put(&m, code);
		members_end(&m);
		status = tape_print(&b);
	} else {
		buf_str(&b, str_of(words[r].word));
		buf_str(&b, code[0] == '\0' ? STR("") : STR(": "));
		put_shown(&b, str_of(code));
		buf_ch(&b, '\n');
		status = ctl_put(&b);
	}
	return status != CTL_YES ? status : words[r].status;
}

int
ctl_verify_effect(struct ctl *c)
{
	const char *key = ctl_option(c, "--key");
	struct effect_in in = { .c = c,
		.tape = { .max = 4 * (size_t)EVIDENCE_MAX } };
	int status = slurp(c, c->arg[0], &in.text);

	if (status == CTL_YES)
		status = slurp(c, ctl_option(c, "--record"), &in.record);
	if (status == CTL_YES)
		status = slurp(c, ctl_option(c, "--blob"), &in.blob);
	if (status == CTL_YES)
		status =
		    key != NULL ? effect_admissible(&in, key) : effect_ask(&in);
	buf_done(&in.text);
	buf_done(&in.tape);
	buf_done(&in.record);
	buf_done(&in.blob);
	return status;
}
