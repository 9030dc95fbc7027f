/*
 * test-load.c: role load alone in its jail: configurations, and logs as they
 * are found after a first start, an end, a crash, and somebody's hand.
 */
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "ledger/ledger.h"
#include "role/role.h"

#include "base/tap.h"

static struct loop *loop;
static char dir[64], config[96];
/* what load said */
static struct {
	bool said;
	uint64_t status;
	char text[512], digest[80];
	int fd;
} heard;

static void
got(struct chan *c, const struct msg *m)
{
	(void)c;
	if (m->kind != MSG_IMAGE)
		return;
	heard.said = true;
	heard.status = msg_num(m, F_STATUS);
	heard.fd = m->fd[0];
	(void)snprintf(heard.text, sizeof(heard.text), "%.*s",
	    STR_ARG(msg_text(m, F_TEXT)));
	heard.text[strcspn(heard.text, "\n")] = '\0';
	(void)snprintf(heard.digest, sizeof(heard.digest), "%.*s",
	    STR_ARG(msg_text(m, F_BYTES)));
}

static void
lost(struct chan *c)
{
	(void)c;
}

static void
post(struct chan *c, struct msg m)
{
	if (chan_send(c, &m) != OK)
		printf("# cannot send\n");
	chan_flush(c);
}

/* Runs load on the configuration, or on an image when fd is one.  Its image,
 * or J_NONE. */
static struct jv
load_run(int fd)
{
	static const struct chan_ops ops = { got, lost };
	char prog[] = "test", word[] = "role", name[] = "load", zero[] = "0";
	char *argv[] = { prog, word, name, zero, NULL };
	struct msg m = msg_of(MSG_IMAGE);
	struct str bytes = { NULL, 0 };
	struct chan_fds a, b;
	struct chan *c;
	pid_t p;

	(void)fflush(stdout);
	if (chan_pair(false, &a, &b) != OK)
		return (struct jv){ NULL, 0 };
	p = fork();
	if (p == 0) {
		if (b.sock == 3 ? fcntl(3, F_SETFD, 0) < 0
				: dup2(b.sock, 3) < 0)
			_exit(127);
		(void)execv("/proc/self/exe", argv);
		_exit(127);
	}
	chan_fds_done(&b);
	c = chan_new(loop, &a, ROLE_PARENT, ROLE_LOAD, 0, &ops, NULL);
	heard.said = false;
	heard.fd = -1;
	if (fd >= 0)
		m.fd[0] = fd;
	else
		msg_set_text(&m, F_TEXT, str_of(config));
	post(c, m);
	post(c, msg_of(MSG_GO));
	for (int i = 0; i < 400 && !heard.said; i++)
		loop_once(loop, 25000000);
	chan_free(c);
	(void)waitpid(p, NULL, 0);
	if (heard.fd >= 0 && fd_map_ro(heard.fd, &bytes) != OK)
		bytes.n = 0;
	return jv_of(bytes);
}

static bool
write_file(const char *path, const void *p, size_t n)
{
	const int fd =
	    open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

	return fd >= 0 && write(fd, p, n) == (ssize_t)n && close(fd) == 0;
}

static bool
config_write(const char *text)
{
	return write_file(config, text, strlen(text));
}

static const char good[] =
    "listen: 127.0.0.1:18642\nstate: ./state\ncells: 1\nanonymous: me\n"
    "servers:\n  fs:\n    command: [cat]\nrules:\n  - allow: {server: fs}\n";

static void
test_config(void)
{
	struct jv image, none;

	ok(config_write(good), "a good configuration");
	image = load_run(-1);
	ok(heard.said && heard.status == 0 && jv_is(image, J_OBJ),
	    "is an image %s", heard.text);
	ok(strlen(heard.digest) == 64 &&
		str_eq(
		    jv_str(jv_get(image, STR("digest"))), str_of(heard.digest)),
	    "with its digest");
	ok(jv_count(jv_get(image, STR("ledger"))) == 1, "and the log's end");
	ok(fcntl(heard.fd, F_GET_SEALS) ==
		(F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE),
	    "nobody can change it");
	ok(jv_is(load_run(heard.fd), J_OBJ) && heard.status == 0,
	    "an image alone is enough to find the log's end");
	ok(config_write("listen: 127.0.0.1:18642\nlisten: x\nserver: {}\n"),
	    "a bad configuration");
	none = load_run(-1);
	ok(heard.said && heard.status != 0 && jv_is(none, J_NONE) &&
		strstr(heard.text, "config.yaml:") != NULL,
	    "is refused by line: %.60s", heard.text);
	(void)unlink(config);
	(void)load_run(-1);
	ok(heard.said && heard.status != 0, "one that is not there too");
}

/* ---- logs ---- */

struct file {
	struct disk disk;
	struct buf bytes;
};

static enum err
file_write(struct disk *d, struct str s)
{
	struct file *f = (struct file *)(void *)d;

	buf_str(&f->bytes, s);
	return buf_end(&f->bytes);
}

static enum err
file_sync(struct disk *d)
{
	(void)d;
	return OK;
}

static void
segment_path(unsigned number, char out[static 160])
{
	(void)snprintf(
	    out, 160, "%s/state/ledger/cell-0-%06u.seg", dir, number);
}

/* A segment of n records behind *tree, its last `cut` bytes torn off. */
static bool
segment_write(unsigned number, unsigned n, size_t cut, struct tlog_range *tree)
{
	struct file f = { { file_write, file_sync }, { .max = 1 << 20 } };
	struct buf rec = { .max = 256 };
	char name[32], path[160];
	struct ledger *l;
	bool done;

	(void)snprintf(name, sizeof(name), "cell-0-%06u", number);
	l = ledger_new(&f.disk, str_of(name), tree);
	tape_end(&rec, tape_obj(&rec), 0);
	for (unsigned i = 0; i < n; i++)
		if (ledger_stage(l, ledger_size(l) + 1, 1000 + i,
			jv_of(buf_view(&rec)), NULL, (struct jv){ NULL, 0 }))
			return false;
	if (ledger_write(l) != OK)
		return false;
	*tree = *ledger_tree(l);
	segment_path(number, path);
	done = write_file(path, f.bytes.p, f.bytes.n - cut);
	ledger_free(l);
	buf_done(&rec);
	buf_done(&f.bytes);
	return done;
}

static int64_t
end_of(struct jv image, const char *member)
{
	struct jit it = jit_of(jv_get(image, STR("ledger")));
	struct jv v;
	int64_t n = -1;

	if (!jit_next(&it, NULL, &v) ||
	    jv_i64(jv_get(v, str_of(member)), &n) != OK)
		return -1;
	return n;
}

static void
test_logs(void)
{
	struct tlog_range tree = { .size = 0 }, torn;
	char path[160];
	struct jv image;
	struct stat st;

	ok(config_write(good), "a configuration again");
	image = load_run(-1);
	ok(end_of(image, "segment") == 0 && end_of(image, "size") == 0,
	    "no log yet");
	(void)snprintf(path, sizeof(path), "%s/state", dir);
	(void)mkdir(path, 0700);
	(void)snprintf(path, sizeof(path), "%s/state/ledger", dir);
	(void)mkdir(path, 0700);
	ok(segment_write(1, 3, 0, &tree) && segment_write(2, 4, 0, &tree),
	    "two segments");
	image = load_run(-1);
	ok(end_of(image, "segment") == 2 && end_of(image, "seq") == 7,
	    "the log's end is found over both");
	torn = tree;
	ok(segment_write(3, 2, 5, &torn), "a third with a torn end");
	image = load_run(-1);
	ok(heard.status == 0 && end_of(image, "segment") == 3 &&
		end_of(image, "seq") == 8,
	    "ends with its last whole record");
	segment_path(4, path);
	ok(write_file(path, "", 0), "a fourth, opened and never written");
	image = load_run(-1);
	ok(heard.status == 0 && end_of(image, "segment") == 4 &&
		end_of(image, "seq") == 8,
	    "changes nothing but the number: %s", heard.text);
	segment_path(2, path);
	ok(stat(path, &st) == 0 && truncate(path, st.st_size / 2) == 0,
	    "half of the second is gone");
	image = load_run(-1);
	ok(heard.said && heard.status != 0 && jv_is(image, J_NONE),
	    "that is no start: %.80s", heard.text);
	ok(unlink(path) == 0 && mkfifo(path, 0600) == 0, "a FIFO instead");
	(void)load_run(-1);
	ok(heard.said && heard.status != 0 &&
		strstr(heard.text, "regular file") != NULL,
	    "it is not waited for: %.80s", heard.text);
	ok(unlink(path) == 0, "all of the second is gone");
	(void)load_run(-1);
	ok(heard.said && heard.status != 0, "nor is that: %.80s", heard.text);
}

int
main(int argc, char **argv)
{
	static const struct role *const table[ROLE__N] = {
		[ROLE_LOAD] = &role_load,
	};

	if (argc > 1 && strcmp(argv[1], "role") == 0)
		return role_main_with(table, argc, argv);
	(void)alarm(120);
	(void)snprintf(dir, sizeof(dir), "/tmp/gatehouse-load-XXXXXX");
	ok(mkdtemp(dir) != NULL, "a place to be");
	(void)snprintf(config, sizeof(config), "%s/config.yaml", dir);
	loop = loop_new();
	loop_hooks(loop, chan_flush_all, chan_busy_any, NULL);
	test_config();
	test_logs();
	loop_free(loop);
	tap_remove(dir);
	return tap_done();
}
