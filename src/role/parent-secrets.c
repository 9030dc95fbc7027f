/*
 * parent-secrets.c: what role keys is given, and the key of the log, which is
 * made at the first start.  Promises that secrets stay in locked memory and
 * that no bytes of theirs are looked at here.
 */
#include "role/parent-in.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "checkpoint/checkpoint.h"

static enum err
fail(struct note *why, const char *what)
{
	note_set(why, "%s: %s", what, strerrordesc_np(errno));
	return ERR_OS;
}

/*
 * Kept for the day role keys must be started again, in memory that is locked,
 * not dumped and not inherited.  Refused: reading the files again (they may
 * by then hold another key than the certificate in the image), and a memory
 * file (its pages can be swapped out, and every child could inherit it).
 */
enum { SECRET_BYTES = 64 * 1024 };
static struct {
	char *room; /* SECRET_BYTES each */
	size_t n;
	struct {
		struct str name, bytes;
	} at[PARENT_SECRETS_MAX];
} secrets;

static enum err
secrets_room(size_t n, struct note *why)
{
	const size_t size = n * SECRET_BYTES;
	void *p = mmap(NULL, size, PROT_READ | PROT_WRITE,
	    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (p == MAP_FAILED)
		return fail(why, "secrets");
	(void)madvise(p, size, MADV_DONTDUMP);
	(void)madvise(p, size, MADV_DONTFORK);
	if (mlock(p, size) < 0)
		log_line(LOG_WARN, "secrets", "memory cannot be locked: %s",
		    strerrordesc_np(errno));
	secrets.room = p;
	return OK;
}

/* The next secret is what stands in this file. */
static enum err
secret_keep(struct str name, int fd, const char *z, struct note *why)
{
	char *to = secrets.room + secrets.n * SECRET_BYTES;
	size_t n = 0, got = 0;
	enum err e = OK;

	while (n < SECRET_BYTES && e == OK) {
		e = fd_read(fd, to + n, SECRET_BYTES - n, &got);
		n += e == OK ? got : 0;
	}
	if (e != ERR_GONE) {
		note_set(why, "%s: %s", z,
		    e == OK ? "too large for a secret"
			    : strerrordesc_np(errno));
		return ERR_LIMIT;
	}
	secrets.at[secrets.n].name = name;
	secrets.at[secrets.n++].bytes = (struct str){ to, n };
	return OK;
}

static enum err
secret_read(struct jv item, struct note *why)
{
	const struct str path = jv_str(jv_get(item, STR("path")));
	__attribute__((cleanup(fd_close))) int fd = -1;
	char z[PATH_MAX];

	(void)snprintf(z, sizeof(z), "%.*s", STR_ARG(path));
	fd = open(z, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
	if (fd < 0)
		return fail(why, z);
	return secret_keep(jv_str(jv_get(item, STR("name"))), fd, z, why);
}

/* ---- the key of the log ---- */

static const struct own_key {
	const char *file, *path, *secret, *whose;
	enum vkey_type type;
} log_own = { "log.key", "keys/log.key", "log", "log", VKEY_ED25519 },
  witness_own = { "witness.key", "keys/witness.key", "witness", "witness",
	  VKEY_COSIGNATURE };

/* All of it under its name, or nothing: no start goes on from half a key. */
static enum err
key_put(int dir, const struct own_key *own, struct str text, struct note *why)
{
	__attribute__((cleanup(fd_close))) int fd = -1;
	char tmp[32];
	size_t n = 0;

	(void)snprintf(tmp, sizeof(tmp), "%s.new", own->file);
	(void)unlinkat(dir, tmp, 0); /* of a start that was killed */
	fd = openat(dir, tmp, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	if (fd < 0 || fd_write(fd, text, &n) != OK || n != text.n ||
	    fsync(fd) < 0 || renameat(dir, tmp, dir, own->file) < 0 ||
	    fsync(dir) < 0)
		return fail(why, own->path);
	return OK;
}

/* What has no name of its operator's choosing gets one that nobody else has:
 * what signs under it must never be taken for another's. */
static enum err
key_make(int dir, const struct own_key *own, struct note *why)
{
	unsigned char seed[VKEY_SEED], word[8];
	struct buf name = { .max = 64 }, text = { .max = 512 };
	struct vkey k;
	enum err e;

	random_bytes(seed, sizeof(seed));
	random_bytes(word, sizeof(word));
	buf_str(&name, STR("gatehouse.invalid/"));
	buf_hex(&name, (struct str){ (const char *)word, sizeof(word) });
	e = vkey_make(buf_view(&name), own->type, seed, &k, why);
	if (e == OK) {
		skey_put(&k, seed, &text);
		buf_ch(&text, '\n');
		e = key_put(dir, own, buf_view(&text), why);
	}
	if (e == OK)
		log_line(LOG_INFO, "log-key", "a key for the %s %.*s was made",
		    own->whose, STR_ARG(k.name));
	mem_wipe(seed, sizeof(seed));
	if (text.p != NULL)
		mem_wipe(text.p, text.n);
	buf_done(&text);
	buf_done(&name);
	return e;
}

static enum err
key_read(const struct own_key *own, struct note *why)
{
	__attribute__((cleanup(fd_close))) int dir = -1, fd = -1;

	if (mkdirat(house.state_dir, "keys", 0700) < 0 && errno != EEXIST)
		return fail(why, "keys");
	dir = openat(house.state_dir, "keys",
	    O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
	if (dir < 0)
		return fail(why, "keys");
	if (faccessat(dir, own->file, F_OK, AT_SYMLINK_NOFOLLOW) < 0)
		TRY(key_make(dir, own, why));
	fd = openat(dir, own->file, O_RDONLY | O_CLOEXEC | O_NOCTTY);
	if (fd < 0)
		return fail(why, own->path);
	return secret_keep(str_of(own->secret), fd, own->path, why);
}

/* A checkpoint of an earlier life.  ERR_GONE: there is none. */
static enum err
log_last(const char *file, struct buf *out)
{
	__attribute__((cleanup(fd_close))) int fd =
	    openat(house.log_dir, file, O_RDONLY | O_CLOEXEC);
	char part[4096];
	size_t n = 0;
	enum err e = fd < 0 ? ERR_GONE : OK;

	while (e == OK) {
		e = fd_read(fd, part, sizeof(part), &n);
		if (e == OK)
			buf_put(out, part, n);
	}
	return fd >= 0 && e == ERR_GONE ? buf_end(out) : e;
}

NODISCARD enum err
secrets_read(struct note *why)
{
	const struct jv list = jv_get(house.image, STR("secrets"));
	struct jit it = jit_of(list);
	struct jv item;

	if (jv_count(list) >= PARENT_SECRETS_MAX) {
		note_set(why, "more than %d secrets", PARENT_SECRETS_MAX);
		return ERR_LIMIT;
	}
	TRY(secrets_room(jv_count(list) + 2, why));
	while (jit_next(&it, NULL, &item))
		TRY(secret_read(item, why));
	TRY(key_read(&log_own, why));
	return house.witness < 0 ? OK : key_read(&witness_own, why);
}

/* What keys signed last, whether it counts yet or not; after the keys that it
 * must be signed by. */
static enum err
last_give(struct proc *p)
{
	struct buf last = { .max = 64 * 1024 };
	struct msg m = msg_of(MSG_SECRET);
	enum err e = log_last("signed", &last);

	if (e == ERR_GONE)
		e = log_last("checkpoint", &last);
	if (e == OK) {
		msg_set_text(&m, F_NAME, STR("log-last"));
		msg_set_text(&m, F_BYTES, buf_view(&last));
		e = proc_post(p, &m);
	}
	buf_done(&last);
	return e == ERR_GONE ? OK : e;
}

enum err
secrets_give(struct proc *p)
{
	const bool witness = p->id == ROLE_COSIGN;

	for (size_t i = 0; i < secrets.n; i++) {
		struct msg m = msg_of(MSG_SECRET);

		if (str_eq(secrets.at[i].name, str_of(witness_own.secret)) !=
		    witness)
			continue;
		msg_set_text(&m, F_NAME, secrets.at[i].name);
		msg_set_text(&m, F_BYTES, secrets.at[i].bytes);
		TRY(proc_post(p, &m));
	}
	return witness ? OK : last_give(p);
}
