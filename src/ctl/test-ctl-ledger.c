/* test-ctl-ledger: ledgers written to a directory of our own, whole and
 * tampered with, and what the commands say of them. */
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/tap.h"
#include "ctl/ctl-ledger.h"
#include "ctl/ctl-records.h"
#include "ledger/ledger.h"
#include "json/json.h"

static char dir[64], state[32];

/* ---- writing ---- */
struct file_disk {
	struct disk disk;
	struct buf b;
};

static enum err
file_write(struct disk *d, struct str s)
{
	struct file_disk *f = (struct file_disk *)(void *)d;

	buf_str(&f->b, s);
	return buf_end(&f->b);
}

static enum err
file_sync(struct disk *d)
{
	(void)d;
	return OK;
}

static const char *
path_of(unsigned cell, unsigned number)
{
	static char path[128];

	(void)snprintf(
	    path, sizeof(path), "%s/cell-%u-%06u.seg", dir, cell, number);
	return path;
}

static void
save(const char *path, struct str s)
{
	const int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0600);

	if (fd < 0 || write(fd, s.p, s.n) != (ssize_t)s.n)
		exit(1);
	(void)close(fd);
}

static void
stage(struct ledger *l, const char *text, uint64_t time)
{
	struct buf tape = { .max = 1 << 16 };

	if (json_parse(str_of(text), &json_default, &tape, NULL) != OK ||
	    ledger_stage(l, ledger_size(l) + 1, time, jv_of(buf_view(&tape)),
		"digest", (struct jv){ NULL, 0 }) != OK)
		exit(1);
	buf_done(&tape);
}

/* Two segments: 1 start, 2 allowed, 3 denied, 4 outcome of 2 | 5 allowed,
 * 6 allowed, 7 outcome of 6.  So 5 is unknown. */
static void
log_write(unsigned cell, uint64_t time)
{
	static const char *const lines[] = {
		"{\"kind\":\"start\"}",
		"{\"kind\":\"decision\",\"name\":\"read\\u001b[2J\","
		"\"verdict\":\"allow\"}",
		"{\"kind\":\"decision\",\"reason\":\"no rule\","
		"\"verdict\":\"deny\"}",
		"{\"decision\":2,\"kind\":\"outcome\"}",
		NULL,
		"{\"kind\":\"decision\",\"verdict\":\"allow\"}",
		"{\"kind\":\"decision\",\"verdict\":\"allow\"}",
		"{\"decision\":6,\"kind\":\"outcome\"}",
		NULL,
	};
	struct tlog_range tree = { .size = 0 };
	struct file_disk f = { { file_write, file_sync }, { .max = 1 << 20 } };
	struct ledger *l = NULL;
	unsigned number = 0;
	char name[32];

	for (size_t i = 0; i < countof(lines); i++) {
		if (l == NULL) {
			(void)snprintf(
			    name, sizeof(name), "cell-%u-%06u", cell, ++number);
			l = ledger_new(&f.disk, str_of(name), &tree);
		}
		if (lines[i] != NULL) {
			stage(l, lines[i], time + i * 1000000);
			continue;
		}
		if (ledger_write(l) != OK)
			exit(1);
		tree = *ledger_tree(l);
		ledger_free(l);
		l = NULL;
		save(path_of(cell, number), buf_view(&f.b));
		buf_clear(&f.b);
	}
	buf_done(&f.b);
}

/* ---- listening ---- */
static char said[65536];
static int out_fd = -1;

static void
hear(void)
{
	(void)fflush(stdout);
	out_fd = dup(STDOUT_FILENO);
	(void)snprintf(said, sizeof(said), "%s/said", state);
	(void)dup2(open(said, O_RDWR | O_CREAT | O_TRUNC, 0600), STDOUT_FILENO);
}

static int
heard(int status)
{
	ssize_t n;

	(void)fflush(stdout);
	n = pread(STDOUT_FILENO, said, sizeof(said) - 1, 0);
	said[n < 0 ? 0 : n] = '\0';
	(void)dup2(out_fd, STDOUT_FILENO);
	(void)close(out_fd);
	return status;
}

static int
verify(const char *where, bool json)
{
	hear();
	return heard(ctl_ledger_verify(where, json));
}

static int
tail(size_t n, bool json)
{
	const struct listing l = { .dir = state, .newest = n, .json = json };

	return ledger_list(&l);
}

static void
test_whole(void)
{
	struct buf tape = { .max = 1 << 16 };
	struct jv v, c;
	int64_t n = 0;

	ok(verify(state, false) == 0 &&
		strstr(said, "valid: 2 cells, 4 segments, 14 records, 2 calls "
			     "of unknown outcome\n") != NULL,
	    "a whole ledger is valid");
	ok(strstr(said, "decisions 4 (allow 3), outcomes 2, of unknown "
			"outcome 1, other records 1") != NULL,
	    "with its pairs counted");
	ok(verify(dir, true) == 0, "its directory itself is as good");
	ok(json_parse(str_sub(str_of(said), 0, strlen(said) - 1), &json_default,
	       &tape, NULL) == OK,
	    "--json is one JSON value");
	v = jv_of(buf_view(&tape));
	ok(jv_true(jv_get(v, STR("valid"))) &&
		jv_i64(jv_get(v, STR("records")), &n) == OK && n == 14,
	    "that says the same");
	{
		struct jit it = jit_of(jv_get(v, STR("cells")));

		ok(jit_next(&it, NULL, &c) &&
			jv_i64(jv_get(c, STR("unknown")), &n) == OK && n == 1 &&
			jv_str(jv_get(c, STR("root"))).n == 64,
		    "and the root of each cell");
	}
	buf_done(&tape);
}

static void
test_show(void)
{
	hear();
	ok(heard(ctl_ledger_show(state, 1, 4, true)) == 0 &&
		strstr(said, "{\"decision\":2,\"kind\":\"outcome\",\"seq\":4,"
			     "\"time\":") == said,
	    "a record as it stands");
	hear();
	ok(heard(ctl_ledger_show(state, 1, 4, false)) == 0 &&
		strstr(said, "\nleaf ") != NULL,
	    "with its leaf");
	hear();
	ok(heard(ctl_ledger_show(state, 1, 8, false)) == 1 && said[0] == '\0',
	    "a record that is not there");
	hear();
	ok(heard(ctl_ledger_show(state, 9, 1, false)) == 1,
	    "a cell that is not there");
}

static unsigned
lines_said(void)
{
	unsigned n = 0;

	for (const char *p = said; *p != '\0'; p++)
		n += *p == '\n';
	return n;
}

static void
test_tail(void)
{
	hear();
	ok(heard(tail(5, true)) == 0 && lines_said() == 5,
	    "the newest five over all cells");
	ok(strstr(said, "\"seq\":4") < strstr(said, "\"seq\":7") &&
		strstr(said, "\"seq\":1,") == NULL,
	    "oldest first");
	hear();
	ok(heard(tail(1000, false)) == 0 && lines_said() == 14,
	    "no more than there are");
	hear();
	ok(heard(tail(0, false)) == 0 && lines_said() == 14,
	    "every record when no number is given");
	ok(strstr(said, "2023-11-14T22:13:2") != NULL &&
		strstr(said, " 0/4 outcome of 0/2\n") != NULL &&
		strstr(said, " 0/3 decision deny: no rule\n") != NULL &&
		strchr(said, '\033') == NULL &&
		strstr(said, "read?[2J") != NULL,
	    "for people, and nothing that a terminal obeys");
}

static void
flip(unsigned cell, unsigned number, const char *what)
{
	static char b[1 << 16];
	const int fd = open(path_of(cell, number), O_RDWR);
	const ssize_t n = pread(fd, b, sizeof(b), 0);
	char *at = n <= 0 ? NULL : memmem(b, (size_t)n, what, strlen(what));

	if (at == NULL || pwrite(fd, "X", 1, at - b) != 1)
		exit(1);
	(void)close(fd);
}

static void
test_tampered(void)
{
	struct stat st;

	flip(1, 1, "deny");
	ok(verify(state, false) == 1 &&
		strstr(said, "\nNOT valid: cell 1, record 3: segment "
			     "cell-1-000001") != NULL,
	    "a flipped byte: the record is named");
	ok(strstr(said, "cell 0: 2 segments") != NULL &&
		strstr(said, "cell 1: 2 segments") != NULL,
	    "and the rest is told all the same");
	ok(verify(state, true) == 1 && strstr(said, "\"first_bad\":3") != NULL,
	    "in JSON too");
	hear();
	ok(heard(ctl_ledger_show(state, 1, 2, true)) == 0,
	    "a record before it can be shown");
	hear();
	ok(heard(ctl_ledger_show(state, 1, 5, true)) == 1,
	    "one after it cannot be trusted");
	hear();
	ok(heard(tail(3, true)) == 1, "nor can the newest");
	log_write(1, 1700000000000000000U);
	ok(verify(state, false) == 0, "mended");
	(void)unlink(path_of(1, 1));
	ok(verify(state, false) == 1 &&
		strstr(said, "NOT valid: cell 1, record 1: segments 1 to 1 "
			     "are missing") != NULL,
	    "a segment is gone");
	log_write(1, 1700000000000000000U);
	if (stat(path_of(1, 1), &st) != 0 ||
	    truncate(path_of(1, 1), st.st_size - 3) != 0)
		exit(1);
	ok(verify(state, false) == 1 &&
		strstr(said, "NOT valid: cell 1, record 4: ") != NULL,
	    "an earlier segment was cut: the next one shows it");
	log_write(1, 1700000000000000000U);
	if (stat(path_of(1, 2), &st) != 0 ||
	    truncate(path_of(1, 2), st.st_size - 3) != 0)
		exit(1);
	ok(verify(state, false) == 0 && strstr(said, "torn ends 1: ") != NULL &&
		strstr(said, "13 records") != NULL,
	    "a cut last segment is told as torn");
	log_write(1, 1700000000000000000U);
	{
		char from[128];

		(void)snprintf(from, sizeof(from), "%s", path_of(0, 2));
		if (link(from, path_of(1, 3)) != 0)
			exit(1);
	}
	ok(verify(state, false) == 1, "a segment of another cell");
	(void)unlink(path_of(1, 3));
	if (symlink("cell-0-000001.seg", path_of(1, 3)) != 0)
		exit(1);
	ok(verify(state, false) == 4, "a link is not followed");
	(void)unlink(path_of(1, 3));
	if (mkfifo(path_of(1, 3), 0600) != 0)
		exit(1);
	(void)alarm(60);
	ok(verify(state, false) == 4, "a FIFO is not waited for");
	(void)alarm(0);
	(void)unlink(path_of(1, 3));
}

static void
clean(void)
{
	for (unsigned c = 0; c < 2; c++)
		for (unsigned n = 1; n < 4; n++)
			(void)unlink(path_of(c, n));
	(void)snprintf(said, sizeof(said), "%s/said", state);
	(void)unlink(said);
	ok(rmdir(dir) == 0 && rmdir(state) == 0, "nothing else was written");
}

int
main(void)
{
	(void)snprintf(state, sizeof(state), "/tmp/gatehouse-ctl-XXXXXX");
	if (mkdtemp(state) == NULL)
		return 1;
	ok(verify(state, false) == 3, "an empty directory is no ledger");
	ok(verify("/nonexistent/x", false) == 3, "nor is none");
	(void)snprintf(dir, sizeof(dir), "%s/ledger", state);
	if (mkdir(dir, 0700) != 0)
		return 1;
	log_write(0, 1700000001000000000U);
	log_write(1, 1700000000000000000U);
	test_whole();
	test_show();
	test_tail();
	test_tampered();
	clean();
	return tap_done();
}
