/*
 * log.c: the operational log, one JSON object a line on standard error, and
 * the counters.  Everything that is not plain ASCII text leaves as an escape,
 * so a peer can neither forge a line nor move a terminal's cursor.
 */
#include "sys/sys.h"

#include <stdarg.h>
#include <unistd.h>

enum { LOG_MSG_MAX = 1024 }; /* longer messages are cut: a log is no store */

static struct {
	char role[16];
	int instance;
	enum log_level least;
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
	while (s.n > 0) {
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

void
log_line(enum log_level lv, const char *event, const char *fmt, ...)
{
	/* Every byte of a message may become six; the rest is short. */
	static struct buf line = { .max = 6 * LOG_MSG_MAX + 256 };
	char msg[LOG_MSG_MAX];
	char when[25];
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
	buf_clear(&line);
	buf_fmt(&line, "{\"time\":\"%s\",\"level\":\"%s\",\"role\":\"%s\",",
	    time_text(now_wall(), when).p, level_names[lv], self.role);
	buf_fmt(&line, "\"instance\":%d,\"event\":\"", self.instance);
	put_text(&line, str_of(event));
	buf_str(&line, STR("\",\"msg\":\""));
	put_text(&line, (struct str){ msg, n });
	buf_str(&line, STR("\"}\n"));
	/* One write, so lines of several roles do not mix.  If nobody can
	 * take the line there is nobody to tell. */
	if (write(STDERR_FILENO, line.p, line.n) < 0)
		return;
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
