/*
 * boundary: the statement of what calls this gateway stands before and which
 * ways to the same effects it does not see (CoSAI agent containment, s.3 and
 * s.7.1).  Made of the configuration alone, so the same configuration has the
 * same digest; each decision carries it, and the record of kind "boundary" what
 * it is the digest of.
 */
#include "line/line-in.h"

#include "crypto/crypto.h"

enum { STATEMENT_MAX = 32768 }; /* it is recorded whole */

/* What its server may do that no call shows. */
static const struct {
	struct str sandbox;
	const char *excluded;
} beyond[] = {
	{ STR_INIT("remote"), "is not on this machine: what it does besides "
			      "answering is not seen" },
	{ STR_INIT("off"), "runs without a sandbox: what it does besides "
			   "answering is not seen" },
	{ STR_INIT("net"), "may use the network itself: where it goes is not "
			   "seen" },
};

static size_t
put_covered(struct buf *b, struct jv servers)
{
	struct jit it = jit_of(servers);
	size_t n = 0;
	struct jv v;

	for (; jit_next(&it, NULL, &v); n++) {
		const struct str url = jv_str(jv_get(v, STR("url")));
		const size_t o = tape_obj(b);

		tape_key(b, STR("sandbox"));
		tape_str(b, jv_str(jv_get(v, STR("sandbox"))));
		tape_key(b, STR("server"));
		tape_str(b, jv_str(jv_get(v, STR("name"))));
		if (url.n > 0) {
			tape_key(b, STR("url"));
			tape_str(b, url);
		}
		tape_end(b, o, 2 + (url.n > 0));
	}
	return n;
}

static bool
put_beyond(struct buf *b, struct jv server)
{
	const struct str sandbox = jv_str(jv_get(server, STR("sandbox")));
	const struct str name = jv_str(jv_get(server, STR("name")));
	struct note text;

	for (size_t i = 0; i < countof(beyond); i++)
		if (str_eq(sandbox, beyond[i].sandbox)) {
			note_set(&text, "server %.*s %s", STR_ARG(name),
			    beyond[i].excluded);
			tape_str(b, str_of(text.text));
			return true;
		}
	return false;
}

static size_t
put_excluded(struct buf *b, struct jv image)
{
	struct jit it = jit_of(jv_get(image, STR("servers")));
	size_t n = 1;
	struct jv v;

	tape_str(b, STR("what an agent does without asking this gateway"));
	while (jit_next(&it, NULL, &v))
		n += put_beyond(b, v);
	it = jit_of(jv_get(image, STR("excluded")));
	while (jit_next(&it, NULL, &v)) {
		tape_copy(b, v);
		n++;
	}
	return n;
}

/* Members in the order of JCS: it is recorded as it is. */
static void
statement(struct jv image, struct buf *b)
{
	const size_t o = tape_obj(b);
	size_t m;

	tape_key(b, STR("allow_fallback")); /* what cannot be decided or
					       recorded is refused */
	tape_str(b, STR("absent"));
	tape_key(b, STR("covered"));
	m = tape_arr(b);
	tape_end(b, m, put_covered(b, jv_get(image, STR("servers"))));
	tape_key(b, STR("excluded"));
	m = tape_arr(b);
	tape_end(b, m, put_excluded(b, image));
	tape_key(b, STR("listen"));
	tape_str(b, jv_str(jv_get(image, STR("listen"))));
	tape_end(b, o, 4);
}

enum err
boundary_setup(struct line *l, struct note *why)
{
	struct buf tape = { .max = 1 << 20 }, text = { .max = 1 << 20 };
	unsigned char sum[SHA256_N];
	struct buf hex = { .p = l->boundary,
		.cap = sizeof(l->boundary) - 1,
		.max = sizeof(l->boundary) - 1 };

	enum err e;

	statement(l->image, &tape);
	e = buf_end(&tape);
	if (!e)
		e = json_jcs(jv_of(buf_view(&tape)), &text);
	if (!e && text.n > STATEMENT_MAX)
		e = ERR_LIMIT;
	if (e) {
		note_set(why,
		    "the boundary cannot be stated in %d bytes (setting "
		    "excluded): %s",
		    STATEMENT_MAX, err_name(e));
	} else {
		sha256(buf_view(&text), STR(""), sum);
		buf_hex(&hex, (struct str){ (const char *)sum, sizeof(sum) });
		l->boundary[2 * SHA256_N] = '\0';
		l->boundary_told = 0;
	}
	buf_done(&tape);
	buf_done(&text);
	return e;
}

void
record_boundary(struct line *l)
{
	struct msg m = msg_of(MSG_RECORD);
	struct buf *b = &l->rec;
	size_t o;

	if (l->boundary_told != 0 || !l->ledger_ok)
		return;
	buf_clear(b);
	o = tape_obj(b);
	tape_key(b, STR("boundary"));
	tape_str(b, str_of(l->boundary));
	tape_key(b, STR("cell"));
	tape_i64(b, (int64_t)l->cell);
	tape_key(b, STR("kind"));
	tape_str(b, STR("boundary"));
	tape_key(b, STR("start"));
	tape_i64(b, (int64_t)l->start);
	tape_key(b, STR("statement"));
	statement(l->image, b);
	tape_end(b, o, 5);
	msg_set(&m, F_SEQ, l->seq + 1);
	msg_set_text(&m, F_REC, buf_view(b));
	if (buf_end(b) != OK || l->port.ledger(l->port.arg, &m) != OK)
		return;
	l->boundary_told = ++l->seq;
}
