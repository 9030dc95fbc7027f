/*
 * log.c: the operational log, one JSON object a line on standard error, and
 * the counters.  Everything that is not plain ASCII text leaves as an escape,
 * so a peer can neither forge a line nor move a terminal's cursor.
 */
#include "sys/sys.h"

#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <stdarg.h>
#include <sys/stat.h>
#include <unistd.h>

enum {
	LOG_MSG_MAX = 1024,   /* longer messages are cut: a log is no store */
	LINE_MOST = PIPE_BUF, /* what a pipe takes whole or not at all */
	LINE_END = 16,	      /* room for an escape and the closing */
};

static struct {
	char role[16];
	int instance;
	enum log_level least;
	unsigned long lost; /* lines, since one was last taken */
} self = { .role = "main", .least = LOG_INFO };

static const char *const level_names[] = { "debug", "info", "warn", "error" };

static uint64_t private_page[CNT__N];
uint64_t *counters = private_page;

static const struct {
	const char *name, *help;
} counter_rows[CNT__N] = {
#define COUNTER(id, name, help) { name, help },
#include "sys/counters.h"
#undef COUNTER
};

/* One code point of UTF-8 off the front, or -1 and one byte eaten. */
static int32_t
code_point(struct str *s)
{
	static const uint32_t least[] = { 0, 0x80, 0x800, 0x10000 };
	const unsigned char *p = (const unsigned char *)s->p;
	const unsigned b = p[0];
	const size_t more = b < 0x80	   ? 0
			    : b >> 5 == 6  ? 1
			    : b >> 4 == 14 ? 2
			    : b >> 3 == 30 ? 3
					   : 4;
	uint32_t v = more == 0 ? b : more < 4 ? b & (0x3FU >> more) : 0;

	for (size_t i = 1; i <= more; i++) {
		if (more == 4 || i >= s->n || (p[i] & 0xC0) != 0x80) {
			s->p++, s->n--;
			return -1;
		}
		v = v << 6 | (p[i] & 0x3FU);
	}
	if (v < least[more] || v > 0x10FFFF || (v >= 0xD800 && v < 0xE000)) {
		s->p++, s->n--;
		return -1;
	}
	s->p += more + 1;
	s->n -= more + 1;
	return (int32_t)v;
}

static void
put_text(struct buf *b, struct str s)
{
	while (s.n > 0 && b->n < LINE_MOST - LINE_END) {
		const int32_t v = code_point(&s);

		if (v == '"' || v == '\\') {
			buf_ch(b, '\\');
			buf_ch(b, (char)v);
		} else if (v >= 0x20 && v < 0x7F) {
			buf_ch(b, (char)v);
		} else if (v >= 0x10000) {
			const unsigned u = (unsigned)v - 0x10000;

			buf_fmt(b, "\\u%04x\\u%04x", 0xD800 + (u >> 10),
			    0xDC00 + (u & 0x3FF));
		} else {
			buf_fmt(b, "\\u%04x", v < 0 ? 0xFFFD : (unsigned)v);
		}
	}
}

/* One write, so lines of several roles do not mix; false: nobody takes it. */
static bool
line_out(const struct buf *line)
{
	struct pollfd p = { STDERR_FILENO, POLLOUT, 0 };

	return poll(&p, 1, 0) == 1 && (p.revents & POLLOUT) != 0 &&
	       write(STDERR_FILENO, line->p, line->n) == (ssize_t)line->n;
}

static void
line_of(struct buf *line, enum log_level lv, const char *event, struct str msg)
{
	char when[25];

	buf_clear(line);
	buf_fmt(line, "{\"time\":\"%s\",\"level\":\"%s\",\"role\":\"%s\",",
	    time_text(now_wall(), when).p, level_names[lv], self.role);
	buf_fmt(line, "\"instance\":%d,\"event\":\"", self.instance);
	put_text(line, str_of(event));
	buf_str(line, STR("\",\"msg\":\""));
	put_text(line, msg);
	buf_str(line, STR("\"}\n"));
}

static void
tell_lost(struct buf *line)
{
	char text[64];
	const int n = snprintf(text, sizeof(text),
	    "%lu lines here were lost: nobody took them", self.lost);

	line_of(line, LOG_WARN, "log-lost", (struct str){ text, (size_t)n });
	if (line_out(line))
		self.lost = 0;
}

void
log_line(enum log_level lv, const char *event, const char *fmt, ...)
{
	static struct buf line = { .max = LINE_MOST };
	char msg[LOG_MSG_MAX];
	va_list ap;
	size_t n;
	int len;

	if (lv < self.least)
		return;
	va_start(ap, fmt);
	len = vsnprintf(msg, sizeof(msg), fmt, ap);
	va_end(ap);
	if (len < 0)
		len = 0;
	n = (size_t)len < sizeof(msg) ? (size_t)len : sizeof(msg) - 1;
	if (self.lost > 0)
		tell_lost(&line);
	line_of(&line, lv, event, (struct str){ msg, n });
	if (!line_out(&line)) {
		self.lost++;
		count(CNT_LINES_LOST);
	}
}

void
log_never_waits(void)
{
	struct stat st;
	int fd, flags;

	if (fstat(STDERR_FILENO, &st) < 0 || S_ISREG(st.st_mode))
		return;
	/* Others may hold this descriptor and want to wait: opened anew, it is
	 * ours alone.  A socket cannot be: it is a service manager's for us. */
	fd = open("/proc/self/fd/2",
	    O_WRONLY | O_APPEND | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
	flags = fcntl(STDERR_FILENO, F_GETFL);
	if (fd >= 0)
		(void)dup2(fd, STDERR_FILENO);
	else if (S_ISSOCK(st.st_mode) && flags >= 0)
		(void)fcntl(STDERR_FILENO, F_SETFL, flags | O_NONBLOCK);
	fd_close(&fd);
}

void
log_setup(const char *role, int instance, enum log_level least)
{
	(void)snprintf(self.role, sizeof(self.role), "%s", role);
	self.instance = instance;
	self.least = least;
}

void
counters_at(void *page)
{
	counters = page;
}

const char *
counter_name(enum counter c)
{
	return counter_rows[c].name;
}

const char *
counter_help(enum counter c)
{
	return counter_rows[c].help;
}
