/* keys-log.c: checkpoints, signed. */
#include "role/keys-log.h"

#include <sys/mman.h>

#include "checkpoint/checkpoint.h"

enum { LOG_KEYS_MAX = 4 };

static struct keys_log {
	struct {
		struct vkey key;
		unsigned char seed[VKEY_SEED];
	} at[LOG_KEYS_MAX];
	size_t n;
	uint64_t size; /* of the newest that is known */
	struct tlog_hash root;
} keys;

static enum err
lines_take(struct str rest, struct note *why)
{
	struct str line = { NULL, 0 };

	while (str_split(&rest, '\n', &line)) {
		if (line.n == 0)
			continue;
		if (keys.n == LOG_KEYS_MAX) {
			note_set(why, "keys/log.key: more than %d keys",
			    LOG_KEYS_MAX);
			return ERR_LIMIT;
		}
		TRY(skey_of(
		    line, &keys.at[keys.n].key, keys.at[keys.n].seed, why));
		keys.n++;
	}
	for (size_t i = 0; i < keys.n; i++)
		if (!str_eq(keys.at[i].key.name, keys.at[0].key.name) ||
		    keys.at[i].key.type != VKEY_ED25519) {
			note_set(why, "keys/log.key: keys of two logs, or of a "
				      "witness");
			return ERR_SYNTAX;
		}
	if (keys.n == 0) {
		note_set(why, "keys/log.key holds no key");
		return ERR_SYNTAX;
	}
	return OK;
}

enum err
keys_log_take(struct str text, struct note *why)
{
	char *own = mem_get(text.n + 1); /* names point there */
	enum err e;

	memcpy(own, text.p, text.n);
	e = lines_take((struct str){ own, text.n }, why);
	if (e == OK)
		return OK;
	keys.n = 0;
	mem_wipe(own, text.n);
	mem_free(own);
	return e;
}

enum err
keys_log_last(struct str note, struct note *why)
{
	struct signed_note n;
	struct checkpoint c;
	struct note what;
	bool ours = false, bad = false;

	if (keys.n == 0 || signed_parse(note, &n, &what) != OK ||
	    checkpoint_of(n.text, &c, &what) != OK ||
	    !str_eq(c.origin, keys.at[0].key.name)) {
		note_set(why, "log/checkpoint is none of this log's");
		return ERR_DENIED;
	}
	for (size_t i = 0; i < keys.n; i++) {
		const enum err e =
		    signed_check(&n, &keys.at[i].key, NULL, &what);

		ours |= e == OK;
		bad |= e == ERR_DENIED;
	}
	if (!ours || bad) {
		note_set(why, "log/checkpoint is not signed by keys/log.key");
		return ERR_DENIED;
	}
	keys.size = c.size;
	keys.root = c.root;
	return OK;
}

enum err
keys_log_sign(uint64_t size, struct str root, struct buf *out, struct note *why)
{
	struct buf text = { .max = 1024 };
	struct tlog_hash h;
	enum err e = OK;

	if (keys.n == 0)
		return ERR_GONE;
	if (root.n != sizeof(h.b) || size > TLOG_SIZE_MAX)
		return ERR_SYNTAX;
	memcpy(h.b, root.p, sizeof(h.b));
	if (size < keys.size ||
	    (size == keys.size && size > 0 && !tlog_same(&h, &keys.root))) {
		note_set(why,
		    "asked for a checkpoint of %llu entries after one of %llu, "
		    "or for another root of them",
		    (unsigned long long)size, (unsigned long long)keys.size);
		return ERR_DENIED;
	}
	checkpoint_put(keys.at[0].key.name, size, &h, &text);
	buf_str(out, buf_view(&text));
	buf_ch(out, '\n');
	for (size_t i = 0; i < keys.n && e == OK; i++)
		e = signed_add(&keys.at[i].key, keys.at[i].seed, 0,
		    buf_view(&text), out, why);
	buf_done(&text);
	TRY(e);
	keys.size = size;
	keys.root = h;
	return buf_end(out);
}

bool
keys_log_try(void)
{
	struct buf out = { .max = 4096 };
	struct note why = { .text = "" };
	bool good = true;

	for (size_t i = 0; i < keys.n; i++)
		good = good && signed_add(&keys.at[i].key, keys.at[i].seed, 0,
				   STR("try\n"), &out, &why) == OK;
	buf_done(&out);
	(void)mlock(&keys, sizeof(keys));
	return good;
}
