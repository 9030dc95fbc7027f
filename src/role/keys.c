/*
 * keys.c: the process that holds what must not leak: the listener's private
 * key, those by which we are known to upstreams, the credentials of upstreams,
 * and the key that seals what agents carry for us.  Promises that a credential
 * goes to the backs of its own upstream only, that a private key signs nothing
 * but the CertificateVerify of its own side of TLS 1.3 and for its own upstream
 * alone, that the log's key signs nothing but checkpoints of a log that only
 * grows (keys-log.c), and that sealed text opens only unchanged and in time.
 * No other duties: this is the worst process to lose.
 *
 * Sealed text: base64url without padding of nonce (12 bytes), ciphertext of
 * {expiry u64, state}, tag (16 bytes); AES-256-GCM under a key made at start,
 * so nothing sealed outlives the process.
 */
#include <sys/mman.h>

#include "crypto/crypto.h"
#include "role/keys-log.h"
#include "role/keys-tls.h"
#include "role/role.h"

enum {
	EXPIRY = 8,
	SERVERS_MAX = 256,
	CRED_MAX = 64 * 1024,	 /* what the parent reads of a file */
	STATE_MAX = 1024 * 1024, /* far over any state that an agent carries */
	SEALED_MAX = STATE_MAX / 3 * 4 + 1024
};
/* Random nonces of 96 bits: after as many the odds of a repeat are 2^-33. */
static const uint64_t seals_max = UINT64_C(1) << 32;
static const uint64_t seal_ns = UINT64_C(3600) * 1000000000;
static const uint64_t seal_most_ns = UINT64_C(24) * 3600 * 1000000000;
/* What is sealed here is for one use; another use takes another word. */
#define NAMESPACE STR("gatehouse-state@v1")

static struct keys {
	unsigned char seal[AEAD_KEY];
	struct {
		struct str server, secret;
	} cred[SERVERS_MAX];
	size_t creds;
	struct {
		struct str server;
		struct keys_tls *tls;
	} client[SERVERS_MAX];
	size_t clients;
	const struct str *secret_of[SERVERS_MAX];   /* by index of the server */
	const struct keys_tls *tls_of[SERVERS_MAX]; /* likewise */
	size_t servers;
	struct keys_tls *tls;
	struct aead *aead;
	uint64_t seals;
	enum err bad; /* of a secret that came before prepare() */
	struct note why;
} keys;

/* ---- secrets ---- */

/* A credential goes into a header: one line, without the file's last newline,
 * and nothing in it that could begin another. */
static enum err
cred_of(struct str s, struct str *out)
{
	while (s.n > 0 && strchr(" \t\r\n", s.p[s.n - 1]) != NULL)
		s.n--;
	if (s.n == 0 || s.n > CRED_MAX)
		return ERR_SYNTAX;
	for (size_t i = 0; i < s.n; i++)
		if (s.p[i] < 0x20 || s.p[i] > 0x7e)
			return ERR_SYNTAX;
	*out = s;
	return OK;
}

static enum err
client_take(struct str server, struct str bytes)
{
	struct note why;
	const enum err e = keys_tls_new(
	    bytes, KEYS_TLS_CLIENT, &keys.client[keys.clients].tls, &why);

	if (e != OK) {
		note_set(&keys.why, "the client_key of \"%.*s\": %s",
		    (int)(server.n > 80 ? 80 : server.n), server.p, why.text);
		return e;
	}
	keys.client[keys.clients++].server = str_keep(server);
	return OK;
}

static enum err
secret_take(struct str name, struct str bytes)
{
	const struct str prefix = STR("server/"), client = STR("client/");

	if (str_eq(name, STR("tls")) && keys.tls == NULL)
		return keys_tls_new(
		    bytes, KEYS_TLS_SERVER, &keys.tls, &keys.why);
	if (str_eq(name, STR("log")))
		return keys_log_take(bytes, &keys.why);
	if (str_eq(name, STR("log-last")))
		return keys_log_last(bytes, &keys.why);
	if (str_starts(name, client) && keys.clients < SERVERS_MAX)
		return client_take(str_sub(name, client.n, name.n), bytes);
	if (!str_starts(name, prefix) || keys.creds == SERVERS_MAX) {
		note_set(&keys.why, "no use for the secret \"%.*s\"",
		    (int)(name.n > 80 ? 80 : name.n), name.p);
		return ERR_SYNTAX;
	}
	if (cred_of(bytes, &bytes) != OK) {
		note_set(&keys.why,
		    "the credential of \"%.*s\" is not one line of ASCII",
		    (int)(name.n > 80 ? 80 : name.n), name.p);
		return ERR_SYNTAX;
	}
	keys.cred[keys.creds].server =
	    str_keep(str_sub(name, prefix.n, name.n));
	keys.cred[keys.creds++].secret = str_keep(bytes);
	return OK;
}

static void
from_parent(struct role_env *e, const struct msg *m)
{
	(void)e;
	if (m->kind == MSG_SECRET && keys.bad == OK)
		keys.bad =
		    secret_take(msg_text(m, F_NAME), msg_text(m, F_BYTES));
}

/* A pair that does not belong together would fail at each handshake, far from
 * here and in words of the other end. */
static enum err
pair_check(const struct keys_tls *k, struct jv of, const char *cert,
    const char *what, struct note *why)
{
	const struct str pem = jv_str(jv_get(of, str_of(cert)));

	if (k == NULL || pem.n == 0 || keys_tls_is_of(k, pem))
		return OK;
	note_set(
	    why, "%s: the private key is not that of the certificate", what);
	return ERR_SYNTAX;
}

static enum err
client_place(struct jv server, struct str name, struct note *why)
{
	char what[64];

	for (size_t i = 0; i < keys.clients; i++)
		if (str_eq(name, keys.client[i].server))
			keys.tls_of[keys.servers] = keys.client[i].tls;
	(void)snprintf(
	    what, sizeof(what), "servers.%.*s.client_key", STR_ARG(name));
	return pair_check(
	    keys.tls_of[keys.servers], server, "client_cert", what, why);
}

static enum err
creds_place(struct jv servers, struct note *why)
{
	struct jit it = jit_of(servers);
	struct jv v;

	while (keys.servers < SERVERS_MAX && jit_next(&it, NULL, &v)) {
		const struct str name = jv_str(jv_get(v, STR("name")));

		for (size_t i = 0; i < keys.creds; i++)
			if (str_eq(name, keys.cred[i].server))
				keys.secret_of[keys.servers] =
				    &keys.cred[i].secret;
		TRY(client_place(v, name, why));
		keys.servers++;
	}
	return OK;
}

/* ---- sealing ---- */

static enum err
seal(struct str state, uint64_t after_ns, struct buf *out)
{
	struct buf plain = { .max = EXPIRY + STATE_MAX };
	struct buf sealed = { .max = EXPIRY + STATE_MAX + AEAD_EXTRA };
	unsigned char nonce[AEAD_NONCE];
	enum err e = ERR_LIMIT;

	if (after_ns == 0)
		after_ns = seal_ns;
	if (after_ns > seal_most_ns)
		after_ns = seal_most_ns;
	buf_u64(&plain, now_mono() + after_ns);
	buf_str(&plain, state);
	if (buf_end(&plain) == OK && keys.seals++ < seals_max) {
		random_bytes(nonce, sizeof(nonce));
		e = aead_seal(keys.aead, keys.seal, nonce, NAMESPACE,
		    buf_view(&plain), &sealed);
	}
	if (e == OK)
		base64url_put(out, buf_view(&sealed));
	mem_wipe(plain.p, plain.n);
	buf_done(&plain);
	buf_done(&sealed);
	return e ? e : buf_end(out);
}

/* One refusal for all that can be wrong: who sends rubbish learns nothing. */
static enum err
unseal(struct str text, struct buf *out)
{
	struct buf sealed = { .max = SEALED_MAX };
	const size_t before = out->n;
	struct cur c;
	bool good;

	good = text.n <= SEALED_MAX && base64url_get(text, &sealed) == OK &&
	       aead_open(keys.aead, keys.seal, NAMESPACE, buf_view(&sealed),
		   out) == OK &&
	       out->n - before >= EXPIRY;
	if (good) {
		c = cur_of(out->p + before, EXPIRY);
		good = now_mono() < cur_u64(&c);
		buf_drop(out, EXPIRY);
	}
	buf_done(&sealed);
	return good ? OK : ERR_DENIED;
}

/* ---- requests ---- */

static void
answer(struct chan *c, struct msg *m, enum msg_field as, enum err e,
    const struct buf *b)
{
	if (e == OK)
		msg_set_text(m, as, buf_view(b));
	else
		msg_set(m, F_STATUS, (uint64_t)e);
	if (chan_send(c, m) != OK)
		log_line(LOG_WARN, "keys", "%s %u does not read",
		    role_name(chan_peer(c)), chan_peer_instance(c));
}

static void
on_seal(struct chan *c, const struct msg *m)
{
	struct msg r = msg_of(MSG_SEALED);
	struct buf b = { .max = SEALED_MAX };
	const enum err e = seal(msg_text(m, F_BYTES), msg_num(m, F_TIME), &b);

	msg_set(&r, F_CALL, msg_num(m, F_CALL));
	answer(c, &r, F_TEXT, e, &b);
	buf_done(&b);
}

static void
on_unseal(struct chan *c, const struct msg *m)
{
	struct msg r = msg_of(MSG_UNSEALED);
	struct buf b = { .max = SEALED_MAX };
	const enum err e = unseal(msg_text(m, F_TEXT), &b);

	msg_set(&r, F_CALL, msg_num(m, F_CALL));
	answer(c, &r, F_BYTES, e, &b);
	mem_wipe(b.p, b.n);
	buf_done(&b);
}

/* The listener's for fronts; a back's own upstream's, by its link. */
static const struct keys_tls *
key_for(const struct chan *c)
{
	if (chan_peer(c) == ROLE_FRONT)
		return keys.tls;
	return keys.servers == 0
		   ? NULL
		   : keys.tls_of[chan_peer_instance(c) % keys.servers];
}

static void
on_sign(struct chan *c, const struct msg *m)
{
	struct msg r = msg_of(MSG_SIGNED);
	struct buf b = { .max = KEYS_TLS_SIGNATURE_MAX };
	const uint64_t scheme = msg_num(m, F_FLAGS);
	const struct keys_tls *k = key_for(c);
	enum err e = ERR_GONE;

	if (k != NULL)
		e = scheme > UINT16_MAX ? ERR_DENIED
					: keys_tls_sign(k, (unsigned)scheme,
					      msg_text(m, F_BYTES), &b);
	msg_set(&r, F_REF, msg_num(m, F_REF));
	answer(c, &r, F_BYTES, e, &b);
	buf_done(&b);
}

/* Which upstream a back belongs to is known from its link, not its words. */
static void
on_want_cred(struct chan *c, const struct msg *m)
{
	const uint64_t where = msg_num(m, F_WHERE);
	struct msg r = msg_of(MSG_CRED);
	struct buf b = { .max = CRED_MAX };
	enum err e = OK;

	if (keys.servers == 0 || where >= keys.servers ||
	    chan_peer_instance(c) % keys.servers != where)
		e = ERR_DENIED;
	else if (keys.secret_of[where] == NULL)
		e = ERR_GONE;
	else
		buf_str(&b, *keys.secret_of[where]);
	if (e == ERR_DENIED)
		log_line(LOG_WARN, "keys",
		    "back %u asked for a credential that is not its own",
		    chan_peer_instance(c));
	msg_set(&r, F_WHERE, where);
	answer(c, &r, F_BYTES, e, &b);
	mem_wipe(b.p, b.n);
	buf_done(&b);
}

static void
on_checkpoint(struct chan *c, const struct msg *m)
{
	struct msg r = msg_of(MSG_CHECKPOINTED);
	struct buf b = { .max = 8192 };
	struct note why = { .text = "there is no key" };
	const enum err e =
	    keys_log_sign(msg_num(m, F_SEQ), msg_text(m, F_BYTES), &b, &why);

	if (e != OK)
		log_line(LOG_ERROR, "log-not-signed", "%s", why.text);
	msg_set(&r, F_SEQ, msg_num(m, F_SEQ));
	answer(c, &r, F_TEXT, e, &b);
	buf_done(&b);
}

static const struct {
	enum msg_kind kind;
	enum role_id from;
	void (*run)(struct chan *c, const struct msg *m);
} duties[] = {
	{ MSG_SEAL, ROLE_JUDGE, on_seal },
	{ MSG_UNSEAL, ROLE_JUDGE, on_unseal },
	{ MSG_SIGN, ROLE_FRONT, on_sign },
	{ MSG_SIGN, ROLE_BACK, on_sign },
	{ MSG_WANT_CRED, ROLE_BACK, on_want_cred },
	{ MSG_CHECKPOINT, ROLE_TILES, on_checkpoint },
};

static void
got(struct chan *c, const struct msg *m)
{
	for (size_t i = 0; i < countof(duties); i++)
		if (duties[i].kind == m->kind && duties[i].from == chan_peer(c))
			duties[i].run(c, m);
}

static void
link_to(struct role_env *e, enum role_id peer, unsigned instance,
    struct chan_fds *fds)
{
	static const struct chan_ops ops = { .got = got, .lost = chan_free };

	if (chan_new(e->loop, fds, ROLE_KEYS, peer, instance, &ops, NULL) ==
	    NULL)
		log_line(LOG_ERROR, "keys", "no channel to %s %u",
		    role_name(peer), instance);
}

/* ---- beginning ---- */

/* Everything that is in memory now, the library's copies too; else at least
 * our own. */
static void
lock_memory(void)
{
	bool good = true;

	if (mlockall(MCL_CURRENT) == 0)
		return;
	good = mlock(&keys, sizeof(keys)) == 0;
	for (size_t i = 0; i < keys.creds; i++)
		good =
		    mlock(keys.cred[i].secret.p, keys.cred[i].secret.n) == 0 &&
		    good;
	log_line(LOG_WARN, "keys", "%s: raise the limit of locked memory",
	    good ? "only a part of the secrets is kept from swap"
		 : "secrets are not kept from swap");
}

/* Once before confinement: all that the library loads is there then. */
static bool
seals_open(void)
{
	struct buf text = { .max = SEALED_MAX }, back = { .max = SEALED_MAX };
	const bool good = seal(NAMESPACE, 0, &text) == OK &&
			  unseal(buf_view(&text), &back) == OK &&
			  str_eq(buf_view(&back), NAMESPACE);

	buf_done(&text);
	buf_done(&back);
	return good;
}

static enum err
prepare(struct role_env *e, struct note *why)
{
	if (keys.bad != OK) {
		*why = keys.why;
		return keys.bad;
	}
	random_bytes(keys.seal, sizeof(keys.seal));
	keys.aead = aead_new();
	if (keys.aead == NULL) {
		note_set(why, "AES-256-GCM cannot be had");
		return ERR_OS;
	}
	if (!keys_log_try()) {
		note_set(why, "the log's key does not sign");
		return ERR_OS;
	}
	if (!seals_open()) {
		note_set(why, "what is sealed does not open");
		return ERR_OS;
	}
	TRY(creds_place(jv_get(e->image, STR("servers")), why));
	TRY(pair_check(
	    keys.tls, jv_get(e->image, STR("tls")), "cert", "tls.key", why));
	role_links(e, link_to);
	lock_memory();
	return OK;
}

const struct role role_keys = {
	.id = ROLE_KEYS,
	.prepare = prepare,
	.link = link_to,
	.from_parent = from_parent,
};
