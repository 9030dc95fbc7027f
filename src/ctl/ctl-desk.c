/*
 * ctl-desk: one word to the running gateway's control socket, and its answer:
 * "WORD\n" one way, one JSON line the other.
 */
#include "ctl/ctl-conf.h"

#include <errno.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "sys/sys.h"
#include "json/json.h"

enum { ANSWER_MAX = 1024 * 1024, PATIENCE_MS = 10000 };

/* --control PATH, or what the configuration says. */
static int
control_path(struct ctl *c, char out[static 4096])
{
	const char *given = ctl_option(c, "--control");
	const char *file = ctl_config_path(c);
	struct ctl_reading r = { .n = 0 };
	struct buf b = { .max = 1024 * 1024 };
	struct str path;

	if (given != NULL) {
		(void)snprintf(out, 4096, "%s", given);
		return CTL_YES;
	}
	if (ctl_config_read(file, &r) != OK) {
		ctl_put_findings(&b, file, &r);
		(void)ctl_say(c, CTL_NO,
		    "cannot tell the control socket from "
		    "%s: %s%.*s",
		    file, r.why.text, STR_ARG(buf_view(&b)));
		buf_done(&b);
		ctl_reading_done(&r);
		return CTL_NO;
	}
	path = jv_str(jv_get(jv_of(buf_view(&r.image)), STR("control")));
	(void)snprintf(out, 4096, "%.*s", STR_ARG(path));
	ctl_reading_done(&r);
	return CTL_YES;
}

static bool
connect_to(int fd, const char *path)
{
	struct sockaddr_un a = { .sun_family = AF_UNIX };

	if (strlen(path) >= sizeof(a.sun_path)) {
		errno = ENAMETOOLONG;
		return false;
	}
	memcpy(a.sun_path, path, strlen(path));
	return connect(fd, (const struct sockaddr *)&a, sizeof(a)) == 0;
}

/* One line within PATIENCE_MS; the peer may send it in pieces. */
static bool
read_line(int fd, struct buf *out)
{
	const uint64_t until = now_mono() + PATIENCE_MS * UINT64_C(1000000);

	while (str_find(buf_view(out), '\n') == out->n) {
		struct pollfd p = { .fd = fd, .events = POLLIN };
		const uint64_t now = now_mono();
		char part[4096];
		ssize_t n;

		if (now >= until ||
		    poll(&p, 1, (int)((until - now) / 1000000) + 1) <= 0)
			return false;
		n = read(fd, part, sizeof(part));
		if (n <= 0)
			return false;
		buf_put(out, part, (size_t)n);
		if (out->full)
			return false;
	}
	out->n = str_find(buf_view(out), '\n');
	return true;
}

static void
put_value(struct buf *b, struct jv v)
{
	if (jv_is(v, J_STR))
		buf_str(b, jv_str(v));
	else
		json_write(v, b);
}

/* A row of a list: {"role":"keys","ready":true} as "role keys, ready true". */
static void
put_row(struct buf *b, struct str path, struct jv v)
{
	struct jit it = jit_of(v);
	struct str key;
	struct jv m;

	buf_fmt(b, "%.*s:", STR_ARG(path));
	for (bool first = true; jit_next(&it, &key, &m); first = false) {
		buf_fmt(b, "%s %.*s ", first ? "" : ",", STR_ARG(key));
		put_value(b, m);
	}
	buf_ch(b, '\n');
}

/* {"a":1,"b":{"c":2}} as "a: 1" and "b.c: 2", a list of objects as rows. */
static void
put_plain(struct buf *b, struct str path, struct jv v, unsigned depth)
{
	struct jit it = jit_of(v);
	struct str key;
	struct jv m;
	unsigned at = 0;

	if (depth > 8 || jv_type(v) < J_ARR || jv_count(v) == 0) {
		buf_fmt(b, "%.*s: ", STR_ARG(path));
		put_value(b, v);
		buf_ch(b, '\n');
		return;
	}
	while (jit_next(&it, &key, &m)) {
		char sub[256];
		int n;

		if (jv_is(v, J_ARR) && jv_is(m, J_OBJ)) {
			put_row(b, path, m);
			continue;
		}
		if (jv_is(v, J_ARR))
			n = snprintf(
			    sub, sizeof(sub), "%.*s[%u]", STR_ARG(path), at++);
		else
			n = snprintf(sub, sizeof(sub), "%.*s%s%.*s",
			    STR_ARG(path), path.n == 0 ? "" : ".",
			    STR_ARG(key));
		if (n < 0 || (size_t)n >= sizeof(sub))
			continue;
		put_plain(b, str_of(sub), m, depth + 1);
	}
}

/* Control characters of an answer do not reach the terminal. */
static void
tame(struct buf *b)
{
	for (size_t i = 0; i < b->n; i++)
		if (((unsigned char)b->p[i] < 0x20 && b->p[i] != '\n') ||
		    b->p[i] == 0x7f)
			b->p[i] = '?';
}

/* good: the answer that means yes; NULL: any that is no error. */
static int
show(struct ctl *c, struct str line, const char *good)
{
	struct buf tape = { .max = 4 * ANSWER_MAX },
		   b = { .max = 4 * ANSWER_MAX };
	struct note why;
	struct jv v;
	int status;

	if (json_parse(line, &json_default, &tape, &why) != OK) {
		buf_done(&tape);
		return ctl_say(
		    c, CTL_FAILED, "the answer is not JSON: %s", why.text);
	}
	v = jv_of(buf_view(&tape));
	status = CTL_YES;
	if (!jv_is(jv_get(v, STR("error")), J_NONE) ||
	    (good != NULL &&
		!str_eq(jv_str(jv_get(v, STR("answer"))), str_of(good))))
		status = CTL_NO;
	if (c->json) {
		buf_str(&b, line);
		buf_ch(&b, '\n');
	} else {
		put_plain(&b, STR(""), v, 0);
		tame(&b);
	}
	buf_done(&tape);
	return ctl_put(&b) == CTL_YES ? status : CTL_FAILED;
}

static int
ask(struct ctl *c, const char *word, const char *good)
{
	__attribute__((cleanup(fd_close))) int fd = -1;
	struct buf answer = { .max = ANSWER_MAX };
	char path[4096], line[32];
	int n, status = control_path(c, path);

	if (status != CTL_YES)
		return status;
	if (path[0] == '\0')
		return ctl_say(c, CTL_UNREACHABLE,
		    "there is no control "
		    "socket in this "
		    "configuration");
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd < 0 || !connect_to(fd, path))
		return ctl_say(c, CTL_UNREACHABLE,
		    "no gateway answers at %s: %s", path, strerror(errno));
	n = snprintf(line, sizeof(line), "%s\n", word);
	if (send(fd, line, (size_t)n, MSG_NOSIGNAL) != n ||
	    !read_line(fd, &answer))
		status = ctl_say(c, CTL_UNREACHABLE,
		    "the gateway at %s gave no answer", path);
	else
		status = show(c, buf_view(&answer), good);
	buf_done(&answer);
	return status;
}

int
ctl_status(struct ctl *c)
{
	return ask(c, "status", NULL);
}

int
ctl_reload(struct ctl *c)
{
	return ask(c, "reload", "reloaded");
}

int
ctl_stop(struct ctl *c)
{
	return ask(c, "stop", "stopping");
}
