/* test-ctl-json: the suite that judges the reader is judged here: it must be
 * able to fail, and an empty run is no pass. */
#include "ctl/ctl-json.h"

#include <sys/stat.h>
#include <unistd.h>

#include "base/base.h"
#include "base/tap.h"
#include "sys/sys.h"

static char top[] = "/tmp/test-ctl-json-XXXXXX";

static const char *
at(const char *name)
{
	static char path[256];

	(void)snprintf(path, sizeof(path), "%s/%s", top, name);
	return path;
}

static bool
put(const char *name, const char *text)
{
	return file_replace(at(name), str_of(text), 0600, NULL) == OK;
}

static const char *const files[] = { "y_a.json", "n_a.json", "i_a.json",
	"y_object_duplicated_key.json", "d/input/x.json", "d/output/x.json",
	"d/outhex/x.txt" };
static const char *const dirs[] = { "d", "d/input", "d/output", "d/outhex" };

int
main(void)
{
	ok(mkdtemp(top) != NULL, "a directory to fill");
	for (size_t i = 0; i < countof(dirs); i++)
		ok(mkdir(at(dirs[i]), 0700) == 0, "%s", dirs[i]);
	ok(ctl_json_check("/nonexistent", false) == 3, "no directory");
	ok(ctl_json_check(top, false) == 3, "no files");
	ok(put("y_a.json", "[1]") && ctl_json_check(top, false) == 0,
	    "read what must be read");
	ok(put("n_a.json", "[1,]") && ctl_json_check(top, false) == 0,
	    "refused what must be refused");
	ok(put("i_a.json", "\xff") && ctl_json_check(top, false) == 0,
	    "either is either");
	ok(put("n_a.json", "[1]") && ctl_json_check(top, false) == 1,
	    "a file read that must not be");
	ok(put("n_a.json", "[") && put("y_a.json", "[1,]") &&
		ctl_json_check(top, false) == 1,
	    "a file refused that must not be");
	ok(put("y_a.json", "{}") && ctl_json_check(top, true) == 0,
	    "and as JSON");
	ok(put("y_object_duplicated_key.json", "{\"a\":1,\"a\":1}") &&
		ctl_json_check(top, false) == 0,
	    "a member twice is refused");
	ok(put("d/input/x.json", "[ 1.0 ]") && ctl_json_check(top, false) == 1,
	    "a vector without its output fails");
	ok(put("d/output/x.json", "[1]") &&
		put("d/outhex/x.txt", "5b 31\n5d\n") &&
		ctl_json_check(top, false) == 0,
	    "canonical form as it should be");
	ok(put("d/outhex/x.txt", "5b 32 5d") && ctl_json_check(top, false) == 1,
	    "canonical form that differs in a byte");
	for (size_t i = 0; i < countof(files); i++)
		(void)unlink(at(files[i]));
	for (size_t i = countof(dirs); i-- > 0;)
		(void)rmdir(at(dirs[i]));
	ok(rmdir(top) == 0, "nothing left behind");
	return tap_done();
}
