/*
 * sse: server-sent events (WHATWG HTML s.9.2), both ways.  The stream is
 * hostile: an event is bounded in bytes, a broken stream stays broken, and
 * what is written can never grow a field that its data did not have.
 *
 * Unlike a browser it also reports events without data that carry an id or a
 * retry, because a relay must pass these on; has_data tells them apart.
 */
#include "wire/wire.h"

enum { RETRY_DIGITS = 15 }; /* 31,000 years in milliseconds */

void
sse_init(struct sse *s, size_t max_event)
{
	*s = (struct sse){
		.line.max = max_event,
		.data.max = max_event,
		.event.max = max_event,
		.id.max = max_event,
		.retry = UINT64_MAX,
	};
}

void
sse_done(struct sse *s)
{
	buf_done(&s->line);
	buf_done(&s->data);
	buf_done(&s->event);
	buf_done(&s->id);
}

/* Everything of one event together stays below the one maximum. */
static bool
too_much(const struct sse *s, size_t more)
{
	const size_t held = s->data.n + s->event.n + s->id.n;

	return held > s->data.max || more > s->data.max - held;
}

static void
take_data(struct sse *s, struct str v)
{
	if (s->has_data)
		buf_ch(&s->data, '\n');
	buf_str(&s->data, v);
	s->has_data = true;
}

static void
take_event(struct sse *s, struct str v)
{
	buf_clear(&s->event);
	buf_str(&s->event, v);
}

static void
take_id(struct sse *s, struct str v)
{
	if (str_find(v, '\0') != v.n)
		return;
	buf_clear(&s->id);
	buf_str(&s->id, v);
	s->has_id = true;
}

static void
take_retry(struct sse *s, struct str v)
{
	uint64_t n = 0;

	if (v.n == 0 || v.n > RETRY_DIGITS)
		return;
	for (size_t i = 0; i < v.n; i++) {
		if (v.p[i] < '0' || v.p[i] > '9')
			return;
		n = n * 10 + (uint64_t)(v.p[i] - '0');
	}
	s->retry = n;
}

static const struct field {
	struct str name;
	void (*take)(struct sse *s, struct str value);
} fields[] = {
	{ STR_INIT("data"), take_data },
	{ STR_INIT("event"), take_event },
	{ STR_INIT("id"), take_id },
	{ STR_INIT("retry"), take_retry },
};

static void
field_line(struct sse *s, struct str line)
{
	const size_t colon = str_find(line, ':');
	const struct str name = { line.p, colon };
	struct str value = str_sub(line, colon + 1, line.n);

	if (value.n > 0 && value.p[0] == ' ')
		value = str_sub(value, 1, value.n);
	for (size_t i = 0; i < countof(fields); i++)
		if (str_eq(name, fields[i].name))
			fields[i].take(s, value);
}

static void
event_end(
    struct sse *s, void (*got)(void *arg, const struct sse_event *e), void *arg)
{
	const struct sse_event e = {
		.event = buf_view(&s->event),
		.data = buf_view(&s->data),
		.id = buf_view(&s->id),
		.retry = s->retry,
		.has_id = s->has_id,
		.has_data = s->has_data,
	};

	if (e.has_data || e.has_id || e.retry != UINT64_MAX)
		got(arg, &e);
	buf_clear(&s->data);
	buf_clear(&s->event);
	buf_clear(&s->id);
	s->retry = UINT64_MAX;
	s->has_id = s->has_data = false;
}

static void
line_end(struct sse *s, struct str line,
    void (*got)(void *arg, const struct sse_event *e), void *arg)
{
	if (too_much(s, line.n)) {
		s->bad = true;
		return;
	}
	if (!s->begun && str_starts(line, STR("\xef\xbb\xbf")))
		line = str_sub(line, 3, line.n);
	s->begun = true;
	if (line.n == 0)
		event_end(s, got, arg);
	else
		field_line(s, line);
}

/*
 * Where lines end.  Each of the two positions is looked for again only when it
 * was passed, so a stream of nothing but CR costs no more than any other.
 */
struct ends {
	struct str in;
	size_t at, cr, lf;
};

static struct ends
ends_of(struct str in)
{
	return (struct ends){ in, 0, str_find(in, '\r'), str_find(in, '\n') };
}

/* The line at e->at, up to the first CR or LF. */
static struct str
ends_line(struct ends *e)
{
	const struct str rest = str_sub(e->in, e->at, e->in.n);

	if (e->cr < e->at)
		e->cr = e->at + str_find(rest, '\r');
	if (e->lf < e->at)
		e->lf = e->at + str_find(rest, '\n');
	return str_sub(rest, 0, (e->cr < e->lf ? e->cr : e->lf) - e->at);
}

/* CR or LF at e->at, else NUL. */
static char
ends_char(const struct ends *e)
{
	if (e->at == e->in.n || (e->at != e->cr && e->at != e->lf))
		return '\0';
	return e->in.p[e->at];
}

enum err
sse_read(struct sse *s, struct str in,
    void (*got)(void *arg, const struct sse_event *e), void *arg)
{
	struct ends e = ends_of(in);

	while (e.at < in.n && !s->bad) {
		struct str line;

		if (s->cr && in.p[e.at] == '\n') { /* the rest of a CRLF */
			s->cr = false;
			e.at++;
			continue;
		}
		line = ends_line(&e);
		e.at += line.n;
		s->cr = ends_char(&e) == '\r';
		if (e.at == in.n || s->line.n > 0) {
			buf_str(&s->line, line);
			s->bad = s->line.full || too_much(s, s->line.n);
		}
		if (e.at < in.n && !s->bad) {
			line_end(s, s->line.n > 0 ? buf_view(&s->line) : line,
			    got, arg);
			buf_clear(&s->line);
		}
		e.at++;
	}
	return s->bad ? ERR_LIMIT : OK;
}

static bool
one_line(struct str s)
{
	return str_find(s, '\n') == s.n && str_find(s, '\r') == s.n &&
	       str_find(s, '\0') == s.n;
}

static void
write_data(struct buf *out, struct str data)
{
	struct ends e = ends_of(data);

	for (;;) {
		const struct str line = ends_line(&e);

		buf_str(out, STR("data: "));
		buf_str(out, line);
		buf_ch(out, '\n');
		e.at += line.n;
		if (e.at == data.n)
			return;
		e.at += str_starts(str_sub(data, e.at, 2), STR("\r\n")) ? 2 : 1;
	}
}

void
sse_write(struct buf *out, const struct sse_event *e)
{
	if (e->event.n > 0 && one_line(e->event)) {
		buf_str(out, STR("event: "));
		buf_str(out, e->event);
		buf_ch(out, '\n');
	}
	if ((e->has_id || e->id.n > 0) && one_line(e->id)) {
		buf_str(out, STR("id: "));
		buf_str(out, e->id);
		buf_ch(out, '\n');
	}
	if (e->retry != UINT64_MAX && e->retry != 0) {
		buf_str(out, STR("retry: "));
		buf_dec(out, e->retry);
		buf_ch(out, '\n');
	}
	if (e->has_data || e->data.n > 0)
		write_data(out, e->data);
	buf_ch(out, '\n');
}
