/*
 * definition: a tool as its server first showed it, in this process.  That one
 * stands: it types the arguments of every later call.  Each definition that is
 * new goes on record whole; one that is another than before is a finding, and
 * changes nothing here.
 */
#include "crypto/crypto.h"
#include "line/line-in.h"

enum {
	DEFINITION_MAX = 256 * 1024, /* bytes of one that is kept, as a tape */
	DEFINITIONS_MAX = 32 << 20,  /* of one server's */
};

static void
record(struct line *l, const struct upstream *u, struct jv def,
    const char *verdict, const char *reason)
{
	struct buf *b = &l->rec;
	struct msg m = msg_of(MSG_RECORD);
	const bool fits = jv_bytes(def).n <= DEFINITION_MAX;
	size_t n = 5, o;

	buf_clear(b);
	o = tape_obj(b);
	tape_key(b, STR("cell"));
	tape_i64(b, (int64_t)l->cell);
	if (fits) { /* else its digest alone, which the ledger adds */
		tape_key(b, STR("definition"));
		tape_copy(b, def);
		n++;
	}
	tape_key(b, STR("kind"));
	tape_str(b, STR("definition"));
	tape_key(b, STR("name"));
	tape_str(b, jv_str(jv_get(def, STR("name"))));
	if (reason[0] != '\0') {
		tape_key(b, STR("reason"));
		tape_str(b, str_of(reason));
		n++;
	}
	tape_key(b, STR("server"));
	tape_str(b, u->name);
	tape_key(b, STR("verdict"));
	tape_str(b, str_of(verdict));
	tape_end(b, o, n);
	msg_set(&m, F_SEQ, l->seq + 1);
	msg_set_text(&m, F_REC, buf_view(b));
	msg_set_tree(&m, F_RESULT, def);
	if (buf_end(b) == OK && l->ledger_ok &&
	    l->port.ledger(l->port.arg, &m) == OK)
		l->seq++;
}

/* Of its JCS: the order of members and spaces is nobody's change. */
static void
digest(struct line *l, struct jv def, unsigned char out[static LEDGER_HASH])
{
	buf_clear(&l->work);
	if (json_jcs(def, &l->work) != OK) /* an inexact number: as it stands */
		sha256(jv_bytes(def), STR(""), out);
	else
		sha256(buf_view(&l->work), STR(""), out);
}

static void
keep(struct upstream *u, struct tool *k, struct jv def, const struct bounds *b)
{
	const size_t n = jv_bytes(def).n + (b != NULL ? b->image.n : 0);

	note_set(&k->why, "the tool's definition is too large to be kept");
	if (jv_bytes(def).n <= DEFINITION_MAX &&
	    u->definitions + n <= DEFINITIONS_MAX) {
		k->definition = keep_tape(def);
		u->definitions += n;
		(void)!typed_new(
		    jv_of(k->definition), u->name, b, &k->typed, &k->why);
	}
}

void
definition_seen(struct line *l, struct upstream *u, struct tool *k,
    struct jv def, const struct learning *how)
{
	unsigned char now[LEDGER_HASH];

	if (!l->ledger_ok)
		return; /* what cannot be recorded was not seen */
	digest(l, def, now);
	if (!k->seen) {
		k->seen = true;
		keep(u, k, def, how->bounds);
		record(l, u, def, "first", k->typed == NULL ? k->why.text : "");
	} else if (memcmp(now, k->last, sizeof(now)) == 0 ||
		   (*how->found)++ >= FINDINGS_MAX) {
		return; /* of one list: no flood */
	} else {
		record(l, u, def, "changed",
		    "it is another than before: the first one stands");
	}
	memcpy(k->last, now, sizeof(now));
}

void
tool_free(struct tool *k)
{
	drop(&k->heads);
	drop(&k->definition);
	typed_free(k->typed);
	mem_free(k);
}
