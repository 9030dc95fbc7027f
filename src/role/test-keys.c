/* test-keys: the role in this process, asked by judges, fronts and backs that
 * are played by hand. */
#include "base/tap.h"
#include "role/role.h"

#include <openssl/pem.h>

enum { SERVERS = 3 };
static struct role_env env;
static struct buf image = { .max = 1 << 16 };

/* ---- who asks ---- */
struct asker {
	struct chan *chan;
	enum msg_kind kind;
	uint64_t ref, status;
	struct buf bytes;
	unsigned answers;
};

static void
asker_got(struct chan *c, const struct msg *m)
{
	struct asker *a = chan_owner(c);
	const struct str s =
	    msg_has(m, F_TEXT) ? msg_text(m, F_TEXT) : msg_text(m, F_BYTES);

	a->kind = m->kind;
	a->ref = msg_has(m, F_CALL) ? msg_num(m, F_CALL) : msg_num(m, F_REF);
	a->status = msg_num(m, F_STATUS);
	buf_clear(&a->bytes);
	buf_str(&a->bytes, s);
	a->answers++;
}

static void
asker_lost(struct chan *c)
{
	(void)c;
}

static const struct chan_ops asker_ops = { asker_got, asker_lost };

static void
asker_new(struct asker *a, enum role_id as, unsigned instance, bool later)
{
	struct chan_fds ours, its;

	*a = (struct asker){ .bytes = { .max = 1 << 24 } };
	if (chan_pair(false, &ours, &its) != OK)
		exit(1);
	a->chan = chan_new(env.loop, &its, as, ROLE_KEYS, 0, &asker_ops, a);
	if (later) {
		role_keys.link(&env, as, instance, &ours);
	} else {
		env.link[env.link_n].peer = as;
		env.link[env.link_n].instance = instance;
		env.link[env.link_n++].fds = ours;
	}
}

/* Sends and runs rounds until it is answered. */
static bool
ask(struct asker *a, const struct msg *m)
{
	const unsigned before = a->answers;

	if (chan_send(a->chan, m) != OK)
		return false;
	for (int i = 0; i < 200 && a->answers == before; i++)
		loop_once(env.loop, 5000000);
	return a->answers == before + 1;
}

static struct asker judge, judge2, front, back0, back1, back2, back4;

/* ---- sealing ---- */
static bool
seal(struct asker *a, uint64_t call, struct str state, uint64_t ns)
{
	struct msg m = msg_of(MSG_SEAL);

	msg_set(&m, F_CALL, call);
	msg_set_text(&m, F_BYTES, state);
	if (ns != 0)
		msg_set(&m, F_TIME, ns);
	return ask(a, &m) && a->kind == MSG_SEALED && a->ref == call;
}

static bool
unseal(struct asker *a, struct str text)
{
	struct msg m = msg_of(MSG_UNSEAL);

	msg_set(&m, F_CALL, 77);
	msg_set_text(&m, F_TEXT, text);
	return ask(a, &m) && a->kind == MSG_UNSEALED && a->ref == 77;
}

static bool
opens(struct asker *a, struct str text)
{
	return unseal(a, text) && a->status == 0;
}

static const uint64_t minute = UINT64_C(60) * 1000000000;

static void
test_seal(void)
{
	struct buf text = { .max = 1 << 22 };
	unsigned opened = 0;

	ok(seal(&judge, 5, STR("state"), minute) && judge.status == 0,
	    "a state is sealed");
	buf_str(&text, buf_view(&judge.bytes));
	ok(opens(&judge, buf_view(&text)) &&
		str_eq(buf_view(&judge.bytes), STR("state")),
	    "and opens");
	ok(opens(&judge2, buf_view(&text)), "also for another judge");
	ok(str_find(buf_view(&text), '=') == text.n &&
		str_find(buf_view(&text), '+') == text.n &&
		str_find(buf_view(&text), '/') == text.n,
	    "the text is base64url without padding");
	for (size_t i = 0; i < text.n; i++) {
		const char was = text.p[i];

		text.p[i] = was == 'A' ? 'B' : 'A';
		opened += opens(&judge, buf_view(&text));
		text.p[i] = was;
	}
	ok(opened == 0, "no changed letter of %zu opens", text.n);
	for (size_t n = 0; n < text.n; n++)
		opened += opens(&judge, str_sub(buf_view(&text), 0, n));
	ok(opened == 0, "nor does any part of it");
	buf_ch(&text, '=');
	ok(!opens(&judge, buf_view(&text)), "nor the same with padding");
	text.n--;
	ok(opens(&judge, buf_view(&text)), "unchanged it still does");
	ok(seal(&judge, 6, STR("state"), minute) &&
		!str_eq(buf_view(&judge.bytes), buf_view(&text)),
	    "sealing twice gives two texts");
	ok(seal(&judge, 7, STR(""), minute) &&
		(buf_clear(&text), buf_str(&text, buf_view(&judge.bytes)),
		    opens(&judge, buf_view(&text))) &&
		judge.bytes.n == 0,
	    "nothing can be sealed too");
	buf_done(&text);
}

static void
test_seal_limits(void)
{
	struct buf big = { .max = 1 << 22 }, text = { .max = 1 << 22 };

	ok(seal(&judge, 8, STR("state"), 1), "a state for one nanosecond");
	buf_str(&text, buf_view(&judge.bytes));
	ok(!opens(&judge, buf_view(&text)) && judge.status == ERR_DENIED &&
		judge.bytes.n == 0,
	    "is too old already");
	ok(seal(&judge, 9, STR("state"), UINT64_MAX) &&
		(buf_clear(&text), buf_str(&text, buf_view(&judge.bytes)),
		    opens(&judge, buf_view(&text))),
	    "a time beyond all clocks does not wrap");
	while (big.n < 1024 * 1024)
		buf_ch(&big, 's');
	ok(seal(&judge, 10, buf_view(&big), 0) && judge.status == 0,
	    "1 MiB can be sealed");
	buf_clear(&text);
	buf_str(&text, buf_view(&judge.bytes));
	ok(opens(&judge, buf_view(&text)) && judge.bytes.n == big.n,
	    "and opens");
	buf_ch(&big, 's');
	ok(seal(&judge, 11, buf_view(&big), 0) && judge.status == ERR_LIMIT,
	    "no more");
	buf_done(&big);
	buf_done(&text);
}

/* ---- credentials ---- */
static uint64_t
want(struct asker *a, uint64_t where)
{
	struct msg m = msg_of(MSG_WANT_CRED);

	msg_set(&m, F_WHERE, where);
	return ask(a, &m) && a->kind == MSG_CRED ? a->status : 99;
}

static void
test_creds(void)
{
	ok(want(&back1, 1) == OK &&
		str_eq(buf_view(&back1.bytes), STR("token-of-web")),
	    "a back gets its credential, without the newline");
	ok(want(&back4, 1) == OK &&
		str_eq(buf_view(&back4.bytes), STR("token-of-web")),
	    "so does the back of another cell");
	ok(want(&back0, 1) == ERR_DENIED && back0.bytes.n == 0,
	    "not the back of another upstream");
	ok(want(&back1, 2) == ERR_DENIED && back1.bytes.n == 0,
	    "nor the same one for another upstream");
	ok(want(&back1, 4) == ERR_DENIED, "nor for one that is not there");
	ok(want(&back0, 0) == ERR_GONE && back0.bytes.n == 0,
	    "an upstream without a credential has none");
}

/* ---- signing ---- */
static void
test_sign(void)
{
	struct msg m = msg_of(MSG_SIGN);
	char hash[32] = { 1, 2, 3 };

	msg_set(&m, F_REF, 3);
	msg_set(&m, F_FLAGS, 0x0403); /* ecdsa_secp256r1_sha256 */
	msg_set_text(&m, F_BYTES, (struct str){ hash, 32 });
	ok(ask(&front, &m) && front.kind == MSG_SIGNED && front.ref == 3 &&
		front.status == 0 && front.bytes.n > 60,
	    "a transcript hash is signed");
	msg_set_text(&m, F_BYTES, (struct str){ hash, 31 });
	ok(ask(&front, &m) && front.status == ERR_DENIED && front.bytes.n == 0,
	    "what is no hash is not");
	msg_set_text(&m, F_BYTES, (struct str){ hash, 32 });
	msg_set(&m, F_FLAGS, 0x10403);
	ok(ask(&front, &m) && front.status == ERR_DENIED,
	    "nor under a scheme that does not exist");
}

static uint64_t
sign_for(struct asker *a)
{
	struct msg m = msg_of(MSG_SIGN);
	char hash[32] = { 1, 2, 3 };

	msg_set(&m, F_REF, 4);
	msg_set(&m, F_FLAGS, 0x0403);
	msg_set_text(&m, F_BYTES, (struct str){ hash, 32 });
	return ask(a, &m) && a->kind == MSG_SIGNED ? a->status : 99;
}

static void
test_sign_client(void)
{
	ok(sign_for(&back1) == OK && back1.bytes.n > 60,
	    "a back gets its upstream's signature");
	ok(sign_for(&back4) == OK && back4.bytes.n > 60,
	    "so does the back of another cell");
	ok(sign_for(&back0) == ERR_GONE && back0.bytes.n == 0,
	    "not the back of an upstream without a key");
	ok(sign_for(&back2) == ERR_GONE && back2.bytes.n == 0,
	    "nor that of the next");
}

/* ---- beginning ---- */
static void
secret(const char *name, struct str bytes)
{
	struct msg m = msg_of(MSG_SECRET);

	msg_set_text(&m, F_NAME, str_of(name));
	msg_set_text(&m, F_BYTES, bytes);
	role_keys.from_parent(&env, &m);
}

static void
image_make(void)
{
	static const char *const name[SERVERS] = { "fs", "web", "mail" };
	const size_t top = tape_obj(&image);
	size_t arr;

	tape_key(&image, STR("servers"));
	arr = tape_arr(&image);
	for (size_t i = 0; i < SERVERS; i++) {
		const size_t o = tape_obj(&image);

		tape_key(&image, STR("name"));
		tape_str(&image, str_of(name[i]));
		tape_end(&image, o, 1);
	}
	tape_end(&image, arr, SERVERS);
	tape_end(&image, top, 1);
	env.image = jv_of(buf_view(&image));
}

static void
pem_make(const char *name)
{
	EVP_PKEY *k = EVP_EC_gen("P-256");
	BIO *b = BIO_new(BIO_s_mem());
	char *p = NULL;
	long n;

	if (k == NULL || b == NULL ||
	    PEM_write_bio_PrivateKey(b, k, NULL, NULL, 0, NULL, NULL) != 1)
		exit(1);
	n = BIO_get_mem_data(b, &p);
	secret(name, (struct str){ p, (size_t)n });
	BIO_free(b);
	EVP_PKEY_free(k);
}

int
main(void)
{
	struct note why = { "" };

	env.id = ROLE_KEYS;
	env.loop = loop_new();
	loop_hooks(env.loop, chan_flush_all, chan_busy_any, NULL);
	image_make();
	pem_make("tls");
	pem_make("client/web");
	secret("server/web", STR("token-of-web\n"));
	secret("server/mail", STR("token-of-mail"));
	asker_new(&judge, ROLE_JUDGE, 0, false);
	asker_new(&front, ROLE_FRONT, 0, false);
	asker_new(&back0, ROLE_BACK, 0, false);
	asker_new(&back1, ROLE_BACK, 1, false);
	ok(role_keys.prepare(&env, &why) == OK, "the role prepares %s",
	    why.text);
	ok(env.link_n == 0, "and took every link");
	asker_new(&back2, ROLE_BACK, 2, true);
	asker_new(&judge2, ROLE_JUDGE, 1, true);
	asker_new(&back4, ROLE_BACK, 4, true);
	test_seal();
	test_seal_limits();
	test_creds();
	test_sign();
	test_sign_client();
	secret("server/fs", STR("two\nlines"));
	ok(role_keys.prepare(&env, &why) == ERR_SYNTAX &&
		strstr(why.text, "one line") != NULL,
	    "a credential of two lines is refused at start");
	return tap_done();
}
