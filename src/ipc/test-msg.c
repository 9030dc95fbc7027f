/* The codec: what is sent comes back, what a row does not permit does not. */
#include "ipc/ipc.h"

#include "base/tap.h"

static struct buf wire = { .max = CHAN_MSG_MAX };

static enum err
back(enum role_id from, enum role_id to, struct msg *out)
{
	struct note why;

	return msg_decode(buf_view(&wire), from, to, out, &why);
}

static void
encode(const struct msg *m)
{
	buf_clear(&wire);
	msg_encode(m, &wire);
}

/* A REQUEST with every kind of field. */
static struct msg
request(struct jv id)
{
	struct msg m = msg_of(MSG_REQUEST);

	msg_set(&m, F_REF, UINT64_MAX);
	msg_set(&m, F_WHERE, 0);
	msg_set(&m, F_ERA, 1);
	msg_set(&m, F_METHOD, 7);
	msg_set_text(&m, F_NAME, STR("tools/call"));
	msg_set_text(&m, F_TEXT, (struct str){ NULL, 0 });
	msg_set_tree(&m, F_ID, id);
	msg_set_tree(&m, F_PARAMS, (struct jv){ NULL, 0 });
	return m;
}

static void
test_round(void)
{
	struct buf tape = { .max = 100 };
	struct msg m, r;

	tape_str(&tape, STR("id-1"));
	m = request(jv_of(buf_view(&tape)));
	encode(&m);
	ok(buf_end(&wire) == OK, "encoded, %zu bytes", wire.n);
	ok(back(ROLE_FRONT, ROLE_JUDGE, &r) == OK, "decoded");
	ok(r.kind == MSG_REQUEST && r.has == m.has, "kind and fields");
	ok(msg_num(&r, F_REF) == UINT64_MAX && msg_num(&r, F_METHOD) == 7,
	    "scalars");
	ok(str_eq(msg_text(&r, F_NAME), STR("tools/call")), "texts");
	ok(msg_has(&r, F_TEXT) && msg_text(&r, F_TEXT).n == 0, "empty text");
	ok(str_eq(jv_str(msg_tree(&r, F_ID)), STR("id-1")), "trees");
	ok(!msg_has(&r, F_PARAMS), "an absent tree is an absent field");
	ok(msg_num(&r, F_TIME) == 0 && msg_text(&r, F_CRED).n == 0 &&
		msg_tree(&r, F_CAPS).p == NULL && r.fd[0] == -1,
	    "what is absent is empty");
	ok(msg_num(&r, F_NAME) == 0 && msg_text(&r, F_REF).n == 0 &&
		msg_tree(&r, F_NAME).p == NULL,
	    "asked as another type: empty");
	buf_done(&tape);
}

static void
test_table(void)
{
	struct buf tape = { .max = 100 };
	struct msg m, r;

	tape_i64(&tape, 1);
	m = request(jv_of(buf_view(&tape)));
	encode(&m);
	ok(back(ROLE_BACK, ROLE_JUDGE, &r) == ERR_SYNTAX, "wrong sender");
	ok(back(ROLE_FRONT, ROLE_LEDGER, &r) == ERR_SYNTAX, "wrong receiver");
	m.has &= ~(1U << F_REF);
	encode(&m);
	ok(back(ROLE_FRONT, ROLE_JUDGE, &r) == ERR_SYNTAX, "a must is absent");
	msg_set(&m, F_REF, 1);
	msg_set(&m, F_HOP, 1);
	encode(&m);
	ok(back(ROLE_FRONT, ROLE_JUDGE, &r) == ERR_SYNTAX, "a field too many");
	m = request(jv_of(buf_view(&tape)));
	m.kind = MSG_NONE;
	encode(&m);
	ok(back(ROLE_FRONT, ROLE_JUDGE, &r) == ERR_SYNTAX, "kind 0");
	m.kind = (enum msg_kind)(MSG__N);
	encode(&m);
	ok(back(ROLE_FRONT, ROLE_JUDGE, &r) == ERR_SYNTAX, "kind unknown");
	m.kind = (enum msg_kind)(-1);
	encode(&m);
	ok(back(ROLE_FRONT, ROLE_JUDGE, &r) == ERR_SYNTAX, "kind absurd");
	m = request(jv_of(buf_view(&tape)));
	m.has |= 1U << 31;
	m.has &= ~(1U << 31);
	encode(&m);
	ok(back(ROLE_FRONT, ROLE_JUDGE, &r) == OK, "and the twin passes");
	wire.p[7] = (char)0x80; /* a field bit beyond the last */
	ok(back(ROLE_FRONT, ROLE_JUDGE, &r) == ERR_SYNTAX, "unknown field");
	buf_done(&tape);
}

static void
test_bytes(void)
{
	struct buf tape = { .max = 100 };
	struct msg m, r;
	size_t n, bad = 0;
	uint32_t len = UINT32_MAX;

	tape_str(&tape, STR("x"));
	m = request(jv_of(buf_view(&tape)));
	encode(&m);
	n = wire.n;
	for (wire.n = 0; wire.n < n; wire.n++)
		bad += back(ROLE_FRONT, ROLE_JUDGE, &r) != ERR_SYNTAX;
	ok(bad == 0, "every shorter message is refused");
	buf_ch(&wire, 0);
	ok(back(ROLE_FRONT, ROLE_JUDGE, &r) == ERR_SYNTAX, "and a longer one");
	wire.n = n;
	ok(back(ROLE_FRONT, ROLE_JUDGE, &r) == OK, "the whole one is not");
	memcpy(wire.p + 8 + 4 * 8, &len, 4);
	ok(back(ROLE_FRONT, ROLE_JUDGE, &r) == ERR_SYNTAX, "length 2^32-1");
	msg_set_text(&m, F_ID, STR("not a tape"));
	encode(&m);
	ok(back(ROLE_FRONT, ROLE_JUDGE, &r) == ERR_SYNTAX, "a broken tree");
	msg_set_text(&m, F_ID, STR(""));
	encode(&m);
	ok(back(ROLE_FRONT, ROLE_JUDGE, &r) == ERR_SYNTAX, "an empty tree");
	buf_done(&tape);
}

static void
test_limit(void)
{
	struct msg m = msg_of(MSG_SEAL);
	char *big = mem_get(CHAN_MSG_MAX);

	msg_set(&m, F_CALL, 1);
	msg_set_text(&m, F_BYTES, (struct str){ big, CHAN_MSG_MAX - 20 });
	encode(&m);
	ok(buf_end(&wire) == OK && wire.n == CHAN_MSG_MAX, "the largest");
	msg_set_text(&m, F_BYTES, (struct str){ big, CHAN_MSG_MAX - 19 });
	encode(&m);
	ok(buf_end(&wire) == ERR_LIMIT, "one more byte is refused");
	mem_free(big);
}

/* A tree as deep as an end may read, wrapped by the judge, still passes. */
static void
test_wrapped(void)
{
	static const size_t depth[] = { 64 + 8, 129 };

	for (size_t k = 0; k < countof(depth); k++) {
		struct buf tape = { .max = 65536 };
		size_t at[129];
		struct msg m, r;

		for (size_t i = 0; i < depth[k]; i++)
			at[i] = tape_arr(&tape);
		for (size_t i = depth[k]; i-- > 0;)
			tape_end(&tape, at[i], i + 1 < depth[k]);
		m = request(jv_of(buf_view(&tape)));
		encode(&m);
		ok(back(ROLE_FRONT, ROLE_JUDGE, &r) ==
			(k == 0 ? OK : ERR_SYNTAX),
		    "a tree %zu deep", depth[k]);
		buf_done(&tape);
	}
}

int
main(void)
{
	struct buf text = { .max = 65536 };

	test_round();
	test_table();
	test_bytes();
	test_limit();
	test_wrapped();
	msg_table(&text);
	ok(str_search(buf_view(&text), STR("\nRECORD judge judge seq,rec "
					   "flags,time,name,bytes,result 0 "
					   "append")) < text.n,
	    "the table prints");
	ok(strcmp(msg_name(MSG_REQUEST), "REQUEST") == 0 &&
		strcmp(msg_name(MSG__N), "?") == 0 &&
		strcmp(role_name(ROLE_KEYS), "keys") == 0,
	    "names");
	buf_done(&text);
	buf_done(&wire);
	return tap_done();
}
