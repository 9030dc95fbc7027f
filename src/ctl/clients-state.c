/*
 * clients-state: what "clients wrap" did to a file, kept under the state home
 * and not in the client's file, because strict clients refuse keys they do not
 * know.  It holds the file's old bytes, so nobody else may read it.
 */
#include "ctl/clients-in.h"

#include <errno.h>
#include <openssl/evp.h>
#include <sys/stat.h>
#include <unistd.h>

#include "sys/sys.h"

enum { STATE_MAX = 3 * TREE_BYTES };
static const struct json_limits limits = { 8, 2000000, STATE_MAX };

NODISCARD enum err
sha_hex(struct str s, char out[static 65])
{
	unsigned char d[32];
	unsigned int n = sizeof(d);

	if (EVP_Digest(s.p, s.n, d, &n, EVP_sha256(), NULL) != 1)
		return ERR_OS;
	for (size_t i = 0; i < sizeof(d); i++)
		(void)snprintf(out + 2 * i, 3, "%02x", d[i]);
	return OK;
}

/* STATE/clients/<first half of the hash of the path>.json */
static enum err
state_path(struct str real, bool make, char out[static 4200], struct note *why)
{
	char home[4096], hash[65], dir[4150];

	note_set(why, "neither XDG_STATE_HOME nor HOME is set");
	if (!ctl_state_home(home))
		return ERR_OS;
	TRY(sha_hex(real, hash));
	(void)snprintf(dir, sizeof(dir), "%s/clients", home);
	if (make && !ctl_make_dirs(dir)) {
		note_set(why, "%s: %s", dir, strerror(errno));
		return ERR_OS;
	}
	(void)snprintf(out, 4200, "%s/%.32s.json", dir, hash);
	return OK;
}

static enum err
words_of(struct jv list, struct arena *a, struct str **words, size_t *n)
{
	struct jit it = jit_of(list);
	struct jv v;
	size_t at = 0;

	*n = jv_count(list);
	*words = arena_alloc(a, (*n + 1) * sizeof(**words));
	if (*words == NULL)
		return ERR_LIMIT;
	while (at < *n && jit_next(&it, NULL, &v))
		(*words)[at++] = arena_str(a, jv_str(v));
	return OK;
}

static enum err
entries_of(struct jv list, struct arena *a, struct entry_done **out)
{
	struct jit it = jit_of(list);
	struct jv v;

	*out = NULL;
	while (jit_next(&it, NULL, &v)) {
		struct entry_done *d = arena_alloc(a, sizeof(*d));

		if (d == NULL)
			return ERR_LIMIT;
		d->where = arena_str(a, jv_str(jv_get(v, STR("where"))));
		d->bare = jv_true(jv_get(v, STR("bare")));
		d->literal = arena_str(a, jv_str(jv_get(v, STR("literal"))));
		d->url = arena_str(a, jv_str(jv_get(v, STR("url"))));
		TRY(words_of(
		    jv_get(v, STR("words")), a, &d->words, &d->words_n));
		d->next = *out;
		*out = d;
	}
	return arena_spent(a) ? ERR_LIMIT : OK;
}

static enum err
state_read(
    struct jv v, struct str real, struct arena *a, struct client_state *out)
{
	struct buf original = { .max = TREE_BYTES };
	const enum err e =
	    base64_get(jv_str(jv_get(v, STR("original"))), &original);

	if (e != OK || !str_eq(jv_str(jv_get(v, STR("file"))), real)) {
		buf_done(&original);
		return ERR_SYNTAX;
	}
	out->original = arena_str(a, buf_view(&original));
	out->wrapped = arena_str(a, jv_str(jv_get(v, STR("wrapped_sha256"))));
	buf_done(&original);
	return entries_of(jv_get(v, STR("entries")), a, &out->done);
}

enum err
state_load(struct str real, struct arena *a, struct client_state *out,
    struct note *why)
{
	struct buf text = { .max = STATE_MAX }, tape = { .max = 2 * STATE_MAX };
	char path[4200];
	enum err e;

	TRY(state_path(real, false, path, why));
	if (access(path, F_OK) < 0)
		return ERR_GONE;
	e = file_read(path, STATE_MAX, &text, why);
	if (e == OK)
		e = json_parse(buf_view(&text), &limits, &tape, why);
	if (e == OK) {
		note_set(why, "%s is not what was written there", path);
		e = state_read(jv_of(buf_view(&tape)), real, a, out);
	}
	buf_done(&text);
	buf_done(&tape);
	return e;
}

static void
put_entry(const struct entry_done *d, struct buf *b)
{
	buf_str(b, STR("{\"where\":"));
	json_quote(d->where, b);
	buf_fmt(b, ",\"bare\":%s,\"words\":[", d->bare ? "true" : "false");
	for (size_t i = 0; i < d->words_n; i++) {
		if (i > 0)
			buf_ch(b, ',');
		json_quote(d->words[i], b);
	}
	buf_ch(b, ']');
	if (d->literal.n > 0) {
		buf_str(b, STR(",\"literal\":"));
		json_quote(d->literal, b);
		buf_str(b, STR(",\"url\":"));
		json_quote(d->url, b);
	}
	buf_ch(b, '}');
}

enum err
state_save(const struct client_file *f, struct str original,
    const struct entry_done *done, struct note *why)
{
	struct buf b = { .max = STATE_MAX };
	char path[4200], hash[65], when[25];
	const char *comma = "";
	enum err e;

	TRY(state_path(f->real, true, path, why));
	TRY(sha_hex(buf_view(&f->after), hash));
	buf_fmt(&b,
	    "{\"client\":\"%s\",\"time\":\"%.*s\",\"file\":", f->cl->name,
	    STR_ARG(time_text(now_wall(), when)));
	json_quote(f->real, &b);
	buf_fmt(&b, ",\"wrapped_sha256\":\"%s\",\"original\":\"", hash);
	base64_put(&b, original);
	buf_str(&b, STR("\",\"entries\":["));
	for (; done != NULL; done = done->next, comma = ",") {
		buf_str(&b, str_of(comma));
		put_entry(done, &b);
	}
	buf_str(&b, STR("]}\n"));
	note_set(why, "%s: too large", path);
	e = buf_end(&b);
	if (e == OK)
		e = file_replace(path, buf_view(&b), 0600, why);
	buf_done(&b);
	return e;
}

enum err
state_forget(struct str real, struct note *why)
{
	char path[4200];

	TRY(state_path(real, false, path, why));
	if (unlink(path) < 0 && errno != ENOENT) {
		note_set(why, "%s: %s", path, strerror(errno));
		return ERR_OS;
	}
	return OK;
}
