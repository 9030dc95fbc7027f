/* fuzz-conf: any text is refused with a position or gives a whole tape; no
 * file of the machine is touched. */
#include "conf/conf-in.h"

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);
const char *__lsan_default_suppressions(void);

/* libfyaml 0.7.12 loses 4 KiB on some broken keys; who reads a configuration
 * is gone a moment later.  A leak of ours is still reported. */
const char *
__lsan_default_suppressions(void)
{
	return "leak:libfyaml";
}

static enum err
fuzz_look(void *arg, const char *path, bool *shared, struct note *why)
{
	(void)arg;
	*shared = path[0] != '\0' && path[1] == 's';
	note_set(why, "no");
	return strlen(path) % 2 == 0 ? OK : ERR_OS;
}

static enum err
fuzz_read(
    void *arg, const char *path, size_t max, struct buf *out, struct note *why)
{
	const struct str *inventory = arg;

	(void)max;
	note_set(why, "no");
	if (inventory != NULL && strcmp(path, "/d/i") == 0) {
		buf_str(out, *inventory);
		return OK;
	}
	buf_str(out, STR("-----BEGIN CERTIFICATE-----\n"));
	return strlen(path) % 2 == 0 ? OK : ERR_OS;
}

static enum err
fuzz_list(void *arg, const char *path, struct buf *names, struct note *why)
{
	(void)arg;
	note_set(why, "no");
	if (strlen(path) % 3 == 0)
		return strlen(path) % 2 == 0 ? ERR_MORE : ERR_OS;
	buf_put(names, path, strlen(path) + 1);
	buf_str(names, STR("b.cedar\0a.cedar\0"));
	return OK;
}

/* Behind a form feed, which YAML has not, stands the inventory "i". */
static struct str
split(struct str *text)
{
	const size_t at = str_find(*text, '\f');
	const struct str rest = str_sub(*text, at + 1, text->n);

	*text = str_sub(*text, 0, at);
	return rest;
}

int
LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	struct str text = { (const char *)p, n };
	struct str inventory = split(&text);
	const struct conf_files files = { .read = fuzz_read,
		.look = fuzz_look,
		.list = fuzz_list,
		.arg = &inventory };
	struct conf_error at[4] = { 0 };
	struct conf_job j = {
		.a = arena_new(CONF_ARENA),
		.files = &files,
		.dir = STR("/d"),
		.at = at,
		.max = countof(at),
		.sources = { .max = CONF_TEXT_MAX },
	};
	struct buf image = { .max = 16 * 1024 * 1024 };
	const enum err e = conf_build(&j, text, &image);

	BUG_ON(e == OK && tape_check(buf_view(&image), &json_default) != OK);
	BUG_ON(e == OK && j.errors > 0);
	BUG_ON(e != OK && image.n > 0);
	BUG_ON(e == ERR_SYNTAX && j.n == 0);
	buf_done(&image);
	buf_done(&j.sources);
	arena_free(j.a);
	return 0;
}
