/*
 * test-conf.h: what tests of configurations share: pieces of good files, files
 * that are not there, one reading, and questions about an image.
 */
#ifndef TEST_CONF_H
#define TEST_CONF_H

#include "conf/conf-in.h"

#include "base/tap.h"

#define HEX64 "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"
#define HEX65 "1123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"
#define S "servers: {fs: {command: [/usr/bin/x]}}\n"
#define A "anonymous: local\n"
#define R "rules: [{allow: {}}]\n"
#define P "principals: {al: {token_sha256: \"" HEX64 "\"}}\n"
#define TLS "tls: {cert: c.pem, key: k.pem}\n"

/* Files that exist: c.pem (PEM), k.pem and tok (secret), junk, shared;
 * policies: a.cedar, the directory pol, and bad.cedar, which is not UTF-8. */
static inline enum err
fake_look(void *arg, const char *path, bool *shared, struct note *why)
{
	static const char *const there[] = { "/d/k.pem", "/d/tok", "/d/shared",
		"/d/s.js", "/srv/x.js" };

	(void)arg;
	*shared = strcmp(path, "/d/shared") == 0;
	for (size_t i = 0; i < countof(there); i++)
		if (strcmp(there[i], path) == 0)
			return OK;
	note_set(why, "%s: no such file", path);
	return ERR_OS;
}

static const char *fake_inventory = ""; /* what inv.yaml holds */

static inline enum err
fake_read(
    void *arg, const char *path, size_t max, struct buf *out, struct note *why)
{
	(void)arg, (void)max;
	if (strcmp(path, "/d/c.pem") == 0)
		buf_str(out, STR("-----BEGIN CERTIFICATE-----\nAA==\n"
				 "-----END CERTIFICATE-----\n"));
	else if (strcmp(path, "/d/junk") == 0)
		buf_str(out, STR("junk"));
	else if (strcmp(path, "/d/inv.yaml") == 0)
		buf_str(out, str_of(fake_inventory));
	else if (strcmp(path, "/d/bad.cedar") == 0)
		buf_str(out, STR("//\n\xff"));
	else if (str_ends(str_of(path), STR(".cedar")))
		buf_fmt(out, "// %s\n", path);
	else {
		note_set(why, "%s: no such file", path);
		return ERR_OS;
	}
	return OK;
}

static inline enum err
fake_list(void *arg, const char *path, struct buf *names, struct note *why)
{
	(void)arg;
	if (strcmp(path, "/d/pol") == 0)
		buf_str(names, STR(".\0..\0b.cedar\0.c.cedar\0a.cedar\0x.txt\0"
				   ".cedar\0"));
	else if (strcmp(path, "/d/empty") == 0)
		buf_str(names, STR(".\0..\0"));
	else if (str_ends(str_of(path), STR(".cedar")))
		return ERR_MORE;
	else {
		note_set(why, "%s: no such file", path);
		return ERR_OS;
	}
	return OK;
}

static const struct conf_files fake = {
	.read = fake_read, .look = fake_look, .list = fake_list
};

struct tried {
	enum err e;
	struct conf_error at[16];
	size_t n;
	struct buf image;
};

static inline void
try(const char *yaml, struct tried *t)
{
	struct conf_job j = {
		.a = arena_new(CONF_ARENA),
		.files = &fake,
		.dir = STR("/d"),
		.at = t->at,
		.max = countof(t->at),
		.sources = { .max = CONF_TEXT_MAX },
	};

	memset(t, 0, sizeof(*t));
	t->image.max = 4 * 1024 * 1024;
	t->e = conf_build(&j, str_of(yaml), &t->image);
	t->n = j.n;
	buf_done(&j.sources);
	arena_free(j.a);
}

static inline bool
text_is(struct jv image, const char *path, const char *want)
{
	const bool same = str_eq(jv_str(jv_at(image, path)), str_of(want));

	if (!same)
		printf("# %s is %.*s\n", path,
		    STR_ARG(jv_str(jv_at(image, path))));
	return same;
}

static inline bool
num_is(struct jv image, const char *path, int64_t want)
{
	int64_t v;

	return jv_i64(jv_at(image, path), &v) == OK && v == want;
}

static inline struct jv
nth(struct jv list, size_t n)
{
	struct jit it = jit_of(list);
	struct jv v = { 0 };

	for (size_t i = 0; i <= n; i++)
		if (!jit_next(&it, NULL, &v))
			return (struct jv){ 0 };
	return v;
}

#endif
