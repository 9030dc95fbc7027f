/*
 * ctl-keys: "gatehouse keys show|init|rotate": the key that signs checkpoints
 * of the log, in STATE/keys/log.key, a key a line: the first is the one in use,
 * the others sign beside it until they are retired.  With --witness it is the
 * key by which this gateway is a witness to others, in keys/witness.key.
 */
#include <errno.h>
#include <sys/stat.h>
#include <unistd.h>

#include "checkpoint/checkpoint.h"
#include "ctl/ctl-conf.h"
#include "ctl/tlog-dir.h"
#include "sys/sys.h"

enum { KEY_FILE_MAX = 4096, KEYS_MAX = 4 };

static const char *
file_of(const struct ctl *c)
{
	return ctl_option(c, "--witness") != NULL ? "witness.key" : "log.key";
}

static enum vkey_type
type_of(const struct ctl *c)
{
	return ctl_option(c, "--witness") != NULL ? VKEY_COSIGNATURE
						  : VKEY_ED25519;
}

struct keyring {
	struct buf text;
	size_t n;
	struct vkey key[KEYS_MAX];
	struct str line[KEYS_MAX];
	char path[4096];
};

static void
ring_done(struct keyring *r)
{
	if (r->text.p != NULL)
		mem_wipe(r->text.p, r->text.n);
	buf_done(&r->text);
}

static int
ring_read(struct ctl *c, struct keyring *r)
{
	unsigned char seed[VKEY_SEED];
	struct str rest, line = { NULL, 0 };
	struct note why = { "" };

	(void)snprintf(
	    r->path, sizeof(r->path), "%.4000s/keys/%s", c->arg[0], file_of(c));
	r->text.max = KEY_FILE_MAX;
	if (file_read(r->path, KEY_FILE_MAX, &r->text, &why) != OK)
		return ctl_say(c, CTL_UNREACHABLE,
		    "%s; the first \"gatehouse run\" makes it, or \"gatehouse "
		    "keys init\"",
		    why.text);
	rest = buf_view(&r->text);
	while (str_split(&rest, '\n', &line)) {
		if (line.n == 0)
			continue;
		if (r->n == KEYS_MAX ||
		    skey_of(line, &r->key[r->n], seed, &why) != OK ||
		    r->key[r->n].type != type_of(c)) {
			mem_wipe(seed, sizeof(seed));
			return ctl_say(c, CTL_FAILED, "%s: %s", r->path,
			    r->n == KEYS_MAX	  ? "too many keys"
			    : why.text[0] != '\0' ? why.text
						  : "a key of another type");
		}
		r->line[r->n++] = line;
	}
	mem_wipe(seed, sizeof(seed));
	return r->n > 0 ? CTL_YES
			: ctl_say(c, CTL_FAILED, "%s: no key", r->path);
}

/* Whose cosignatures the configuration asks for, as tlog-policy has it. */
static void
witnesses_put(struct jv log, struct buf *out)
{
	struct buf names = { .max = 8192 };
	struct jit it = jit_of(jv_get(log, STR("remotes")));
	int64_t quorum = 0;
	unsigned n = 0;
	struct jv v;

	(void)!jv_i64(jv_get(log, STR("quorum")), &quorum);
	while (jit_next(&it, NULL, &v)) {
		const struct str key = jv_str(jv_get(v, STR("key")));
		const struct str name = jv_str(jv_get(v, STR("name")));
		const struct str url = jv_str(jv_get(v, STR("url")));

		if (key.n == 0)
			continue;
		buf_fmt(out, "witness %.*s %.*s %.*s\n", STR_ARG(name),
		    STR_ARG(key), STR_ARG(url));
		buf_fmt(&names, " %.*s", STR_ARG(name));
		n++;
	}
	/* No witness can have this name. */
	if (quorum > 0)
		buf_fmt(out, "group %d-of-%u:witnesses %d%.*s\n", (int)quorum,
		    n, (int)quorum, STR_ARG(buf_view(&names)));
	if (quorum > 0)
		buf_fmt(out, "quorum %d-of-%u:witnesses\n", (int)quorum, n);
	else
		buf_str(out, STR("quorum none\n"));
	buf_done(&names);
}

static int
trust_put(struct ctl *c, struct buf *out)
{
	struct ctl_reading r = { .n = 0 };
	const char *path = ctl_option(c, "-c");
	int status = CTL_YES;

	if (path != NULL && ctl_config_read(path, &r) != OK)
		status = ctl_say(c, CTL_NO,
		    "%s: not a valid configuration; \"gatehouse check\" says "
		    "more",
		    path);
	witnesses_put(jv_get(jv_of(buf_view(&r.image)), STR("log")), out);
	ctl_reading_done(&r);
	return status;
}

static int
show(struct ctl *c, const struct keyring *r)
{
	const bool trust = ctl_option(c, "--trust") != NULL;
	struct buf out = { .max = 65536 }, key = { .max = 1024 };
	int status = CTL_YES;

	buf_str(&out, c->json ? STR("{\"keys\":[") : STR(""));
	for (size_t i = 0; i < r->n; i++) {
		buf_clear(&key);
		vkey_put(&r->key[i], &key);
		if (c->json)
			buf_str(&out, i > 0 ? STR(",\"") : STR("\""));
		else if (trust)
			buf_str(&out, STR("log "));
		buf_str(&out, buf_view(&key));
		buf_ch(&out, c->json ? '"' : '\n');
	}
	if (c->json)
		buf_str(&out, STR("]}\n"));
	else if (trust)
		status = trust_put(c, &out);
	status = status == CTL_YES ? ctl_put(&out) : status;
	buf_done(&out);
	buf_done(&key);
	return status;
}

int
ctl_keys_show(struct ctl *c)
{
	struct keyring r = { .n = 0 };
	int status = ring_read(c, &r);

	if (status == CTL_YES)
		status = show(c, &r);
	ring_done(&r);
	return status;
}

/* A new key of this name, as a line. */
static int
key_line(struct ctl *c, struct str name, struct buf *out)
{
	unsigned char seed[VKEY_SEED];
	struct note why = { "" };
	struct vkey k;
	enum err e;

	random_bytes(seed, sizeof(seed));
	e = vkey_make(name, type_of(c), seed, &k, &why);
	if (e == OK) {
		skey_put(&k, seed, out);
		buf_ch(out, '\n');
	}
	mem_wipe(seed, sizeof(seed));
	return e == OK ? CTL_YES : ctl_say(c, CTL_MISUSE, "%s", why.text);
}

static int
ring_write(struct ctl *c, const char *path, struct buf *text)
{
	struct note why = { "" };
	const enum err e = buf_end(text) == OK
			       ? file_replace(path, buf_view(text), 0600, &why)
			       : ERR_LIMIT;

	mem_wipe(text->p, text->n);
	buf_done(text);
	return e == OK ? CTL_YES
		       : ctl_say(c, CTL_FAILED, "%s: %s", path,
			     e == ERR_LIMIT ? "too long" : why.text);
}

int
ctl_keys_init(struct ctl *c)
{
	struct buf text = { .max = KEY_FILE_MAX };
	char path[4096];
	int status;

	(void)snprintf(path, sizeof(path), "%.4000s/keys", c->arg[0]);
	if (!ctl_make_dirs(path))
		return ctl_say(
		    c, CTL_FAILED, "%s: %s", path, strerrordesc_np(errno));
	(void)snprintf(
	    path, sizeof(path), "%.4000s/keys/%s", c->arg[0], file_of(c));
	if (access(path, F_OK) == 0)
		return ctl_say(c, CTL_NO,
		    "%s is there: a log keeps its name; \"gatehouse keys "
		    "rotate\" gives it another key",
		    path);
	status = key_line(c, str_of(c->arg[1]), &text);
	if (status == CTL_YES)
		status = ring_write(c, path, &text);
	return status == CTL_YES ? ctl_keys_show(c) : status;
}

/* A start goes on only from what a key of the file signed: an older key must
 * stay until the newest has signed all that a start may read. */
static int
newest_signs(struct ctl *c, const struct keyring *r)
{
	static const char *const files[] = { "checkpoint", "signed" };
	struct signed_note *n = mem_get(sizeof(*n));
	struct buf text = { .max = SIGNED_MAX };
	struct note why = { "" };
	int status = CTL_YES;

	for (size_t i = 0; i < 2 && status == CTL_YES; i++) {
		char path[4096];

		(void)snprintf(
		    path, sizeof(path), "%.4000s/log/%s", c->arg[0], files[i]);
		buf_clear(&text);
		if (access(path, F_OK) != 0 && errno == ENOENT)
			continue;
		if (file_read(path, SIGNED_MAX, &text, &why) != OK)
			status = ctl_say(c, CTL_FAILED, "%s", why.text);
		else if (signed_parse(buf_view(&text), n, &why) != OK ||
			 signed_check(n, &r->key[0], NULL, &why) != OK)
			status = ctl_say(c, CTL_NO,
			    "%s is not signed by the newest key yet, and no "
			    "start would go on from it: let \"gatehouse run\" "
			    "sign with both first",
			    path);
	}
	buf_done(&text);
	mem_free(n);
	return status;
}

int
ctl_keys_rotate(struct ctl *c)
{
	const bool retire = ctl_option(c, "--retire") != NULL;
	struct buf text = { .max = KEY_FILE_MAX };
	struct keyring r = { .n = 0 };
	int status = ring_read(c, &r);

	if (status == CTL_YES && retire && r.n == 1)
		status = ctl_say(c, CTL_NO, "there is no older key to retire");
	if (status == CTL_YES && retire && r.key[0].type == VKEY_ED25519)
		status = newest_signs(c, &r);
	if (status == CTL_YES && !retire && r.n == KEYS_MAX)
		status = ctl_say(c, CTL_NO,
		    "%d keys sign already: retire the older ones first",
		    KEYS_MAX);
	if (status == CTL_YES && !retire)
		status = key_line(c, r.key[0].name, &text);
	for (size_t i = 0; i < (retire ? 1 : r.n) && status == CTL_YES; i++) {
		buf_str(&text, r.line[i]);
		buf_ch(&text, '\n');
	}
	if (status == CTL_YES)
		status = ring_write(c, r.path, &text);
	ring_done(&r);
	return status == CTL_YES ? ctl_keys_show(c) : status;
}
