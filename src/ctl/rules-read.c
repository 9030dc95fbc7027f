/*
 * rules-read: the rules of inspection, from files.
 */
#include "ctl/ctl-inspect.h"

#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "ctl/ctl.h"
#include "ctl/names.h"
#include "ctl/yaml-tape.h"
#include "sys/sys.h"

enum { PATH = 4096, FILE_MAX = 4 * 1024 * 1024 };

uint64_t
rules_clock(void)
{
	struct timespec t;

	(void)clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000000000U + (uint64_t)t.tv_nsec;
}

static bool
is_dir(const char *path)
{
	struct stat st;

	return stat(path, &st) == 0 && S_ISDIR(st.st_mode);
}

/* Where an installation has them, and where a build has. */
static bool
beside_program(char out[static PATH])
{
	static const char *const from[] = { "../share/gatehouse/rules",
		"../../rules", "../rules" };
	char exe[PATH];
	const ssize_t n = readlink("/proc/self/exe", exe, sizeof(exe) - 1);
	char *slash;

	if (n <= 0)
		return false;
	exe[n] = '\0';
	slash = strrchr(exe, '/');
	if (slash == NULL)
		return false;
	*slash = '\0';
	for (size_t k = 0; k < countof(from); k++)
		if (snprintf(out, PATH, "%s/%s", exe, from[k]) < PATH &&
		    is_dir(out))
			return true;
	return false;
}

static int
one_file(struct ctl *c, struct rule_files *out, const char *path)
{
	struct rule_file *f = &out->v[out->n++];
	struct buf text = { .max = FILE_MAX };
	struct inspect_fault why = { .at = { NULL, 0 } };
	enum err e;

	f->path = mem_get(strlen(path) + 1);
	memcpy(f->path, path, strlen(path));
	f->tape.max = f->lines.max = FILE_MAX * 4;
	e = file_read(path, FILE_MAX, &text, &why.why);
	if (e != OK) {
		buf_done(&text);
		return ctl_say(c, CTL_FAILED, "%s", why.why.text);
	}
	e = yaml_tape(buf_view(&text), &f->tape, &f->lines, &why.why);
	buf_done(&text);
	if (e != OK)
		return ctl_say(c, CTL_NO, "%s: %s", path, why.why.text);
	if (inspect_rules_add(out->rules, jv_of(buf_view(&f->tape)), &why) !=
	    OK)
		return ctl_say(c, CTL_NO, "%s: %s",
		    rule_place(out, why.at).text, why.why.text);
	return CTL_YES;
}

struct note
rule_place(const struct rule_files *f, struct jv at)
{
	struct note n = { "" };

	for (size_t i = 0; i < f->n; i++) {
		const unsigned line =
		    yaml_line(buf_view(&f->v[i].tape), &f->v[i].lines, at);

		if (line > 0)
			note_set(&n, "%s:%u", f->v[i].path, line);
	}
	return n;
}

int
rule_files_read(struct ctl *c, struct rule_files *out)
{
	__attribute__((cleanup(names_done))) struct names l = { NULL, 0 };
	const char *dir = ctl_option(c, "--rules");
	struct inspect_fault why = { .at = { NULL, 0 } };
	char near[PATH], path[PATH];
	int status = CTL_YES;

	if (dir == NULL && is_dir("rules"))
		dir = "rules";
	if (dir == NULL && beside_program(near))
		dir = near;
	if (dir == NULL || names_of(dir, &l) != OK)
		return ctl_say(c, CTL_UNREACHABLE,
		    "%s: there are no rules; --rules DIR says where they are",
		    dir == NULL ? "rules" : dir);
	out->v = mem_get((l.n + 1) * sizeof(*out->v));
	out->rules = inspect_rules_new();
	for (size_t i = 0; i < l.n && status == CTL_YES; i++)
		if (str_ends(str_of(l.v[i]), STR(".yaml")) &&
		    snprintf(path, PATH, "%s/%s", dir, l.v[i]) < PATH)
			status = one_file(c, out, path);
	if (status == CTL_YES && out->n == 0)
		status = ctl_say(c, CTL_UNREACHABLE,
		    "%s: has no file that ends in .yaml", dir);
	if (status == CTL_YES &&
	    inspect_rules_ready(out->rules, rules_clock, &why) != OK)
		status = ctl_say(c, CTL_NO, "%s: %s",
		    rule_place(out, why.at).text, why.why.text);
	return status;
}

void
rule_files_done(struct rule_files *f)
{
	inspect_rules_free(f->rules);
	for (size_t i = 0; i < f->n; i++) {
		mem_free(f->v[i].path);
		buf_done(&f->v[i].tape);
		buf_done(&f->v[i].lines);
	}
	mem_free(f->v);
}
