/* ledger-print: lines, JSON, colours, progress. */
#include "ctl/ledger-print.h"

#include "ctl/ledger-walk.h"

#include <unistd.h>

#include "sys/sys.h"

enum { FLUSH_AT = 64 * 1024, WORD_MAX = 120, OTLP_LINE = 64 };

struct printer {
	bool json, colour;
	enum print_format format;
	struct buf out, tape;
	struct export_otlp otlp;
	int status;
};

bool
print_format_of(const char *name, enum print_format *out)
{
	static const char *const names[] = { [PRINT_OCSF] = "ocsf",
		[PRINT_OTLP] = "otlp-json",
		[PRINT_COSAI] = "cosai-containment" };

	for (size_t i = PRINT_OCSF; i < countof(names); i++)
		if (strcmp(names[i], name) == 0) {
			*out = (enum print_format)i;
			return true;
		}
	return false;
}

struct printer *
printer_new(bool json, enum print_format format)
{
	struct printer *p = mem_get(sizeof(*p));

	p->json = json;
	p->format = format;
	p->otlp.tape.max = SIZE_MAX / 4;
	p->colour = isatty(STDOUT_FILENO) == 1 && getenv("NO_COLOR") == NULL;
	p->out.max = SIZE_MAX / 4;
	p->tape.max = (size_t)8 * LEDGER_RECORD_MAX;
	return p;
}

void
printer_free(struct printer *p)
{
	if (p == NULL)
		return;
	buf_done(&p->out);
	buf_done(&p->tape);
	export_otlp_done(&p->otlp);
	mem_free(p);
}

/* ---- JSON ---- */

/* The same JSON in ASCII: outside of strings there is nothing else. */
static void
put_ascii(struct buf *b, struct str s)
{
	for (size_t i = 0; i < s.n;) {
		const unsigned char ch = (unsigned char)s.p[i];
		const size_t n = ch < 0x80   ? 1
				 : ch < 0xe0 ? 2
				 : ch < 0xf0 ? 3
					     : 4;
		uint32_t v = n == 1 ? ch : ch & (0xffU >> (n + 1));

		for (size_t k = 1; k < n && i + k < s.n; k++)
			v = v << 6 | ((unsigned char)s.p[i + k] & 0x3f);
		i += n;
		if (v >= 0x10000)
			buf_fmt(b, "\\u%04x\\u%04x",
			    0xd800U + ((v - 0x10000) >> 10),
			    0xdc00U + ((v - 0x10000) & 0x3ff));
		else if (v > 0x7e || (v < 0x20 && v != '\n'))
			buf_fmt(b, "\\u%04x", v);
		else
			buf_ch(b, (char)v);
	}
}

int
put_json(struct buf *b)
{
	struct buf ascii = { .max = SIZE_MAX / 4 };

	if (isatty(STDOUT_FILENO) != 1)
		return ctl_put(b);
	put_ascii(&ascii, buf_view(b));
	buf_done(b);
	return ctl_put(&ascii);
}

int
printer_flush(struct printer *p)
{
	if (p->status == CTL_YES)
		p->status = p->json || p->format != PRINT_RECORDS
				? put_json(&p->out)
				: ctl_put(&p->out);
	else
		buf_clear(&p->out);
	return p->status;
}

/* ---- a line for people ---- */

/* A terminal obeys some of what does not print. */
void
put_printable(struct buf *b, struct str s, size_t most)
{
	for (size_t i = 0; i < s.n && i < most; i++)
		buf_ch(b, s.p[i] < 0x20 || s.p[i] > 0x7e ? '?' : s.p[i]);
}

static const char *
colour_of(struct str verdict)
{
	static const struct {
		const char *word, *colour;
	} colours[] = { { "allow", "\033[32m" }, { "deny", "\033[31m" },
		{ "hold", "\033[33m" } };

	for (size_t i = 0; i < countof(colours); i++)
		if (str_eq(verdict, str_of(colours[i].word)))
			return colours[i].colour;
	return NULL;
}

static void
put_word(struct printer *p, struct jv rec, const char *key)
{
	const struct str s = jv_str(jv_get(rec, str_of(key)));
	const char *colour =
	    p->colour && strcmp(key, "verdict") == 0 ? colour_of(s) : NULL;

	if (s.n == 0)
		return;
	buf_ch(&p->out, ' ');
	if (colour != NULL)
		buf_str(&p->out, str_of(colour));
	put_printable(&p->out, s, WORD_MAX);
	if (colour != NULL)
		buf_str(&p->out, STR("\033[0m"));
}

static void
put_line(struct printer *p, const struct feed_record *r, struct jv rec)
{
	static const char *const words[] = { "kind", "verdict", "status",
		"failed", "role", "principal", "server", "method", "name",
		"rule" };
	static const char *const why[] = { "reason", "error" };
	char at[25], whose[LEDGER_WHOSE];
	int64_t of;

	buf_str(&p->out, time_text(r->time_us * 1000, at));
	buf_fmt(&p->out, " %s/%llu", ledger_whose(r->cell, whose),
	    (unsigned long long)r->seq);
	for (size_t i = 0; i < countof(words); i++)
		put_word(p, rec, words[i]);
	if (jv_i64(jv_get(rec, STR("decision")), &of) == OK)
		buf_fmt(&p->out, " of %u/%lld", r->cell, (long long)of);
	for (size_t i = 0; i < countof(why); i++)
		if (jv_str(jv_get(rec, str_of(why[i]))).n > 0) {
			buf_ch(&p->out, ':');
			put_word(p, rec, why[i]);
		}
	buf_ch(&p->out, '\n');
}

/* ---- formats ---- */

void
view_of(const struct feed_record *r, struct matcher *m, struct export_view *out)
{
	struct matcher_view seen;

	matcher_look(m, r, &seen);
	*out = (struct export_view){
		.cell = r->cell == LEDGER_BUDGETS ? EXPORT_BUDGETS : r->cell,
		.seq = r->seq,
		.text = r->text,
		.leaf = r->leaf,
		.rec = r->rec,
		.decision = seen.v.decision,
		.decision_seq = seen.decision_seq,
		.identity = seen.v.identity,
		.boundary = seen.boundary,
		.start = seen.start
	};
}

static void
put_event(struct printer *p, const struct feed_record *r, struct matcher *m)
{
	struct feed_record parsed = *r;
	struct export_view v;

	buf_clear(&p->tape);
	if (json_parse(r->text, &json_default, &p->tape, NULL) != OK)
		return;
	parsed.rec = jv_of(buf_view(&p->tape));
	view_of(&parsed, m, &v);
	if (p->format == PRINT_OCSF)
		export_ocsf(&v, &p->out);
	else
		export_otlp_put(&p->otlp, &v);
	if (p->otlp.n == OTLP_LINE)
		export_otlp_flush(&p->otlp, &p->out);
}

static void
put_record(struct printer *p, const struct feed_record *r)
{
	if (p->json) {
		buf_str(&p->out, r->text);
		buf_ch(&p->out, '\n');
	} else {
		buf_clear(&p->tape);
		if (json_parse(r->text, &json_default, &p->tape, NULL) == OK)
			put_line(p, r, jv_of(buf_view(&p->tape)));
	}
}

void
printer_put(struct printer *p, const struct feed_record *r, struct matcher *m)
{
	if (p->format == PRINT_RECORDS || m == NULL)
		put_record(p, r);
	else
		put_event(p, r, m);
	if (p->out.n > FLUSH_AT)
		(void)!printer_flush(p);
}

int
printer_end(struct printer *p)
{
	export_otlp_flush(&p->otlp, &p->out);
	return printer_flush(p);
}

/* ---- progress ---- */

void
progress_at(struct progress *p, uint64_t n, uint64_t of)
{
	const uint64_t now = now_mono(), second = 1000000000;

	if (p->started == 0)
		p->started = now;
	if (now - p->started < second || now - p->told < second / 2 ||
	    of == 0 || p->off || isatty(STDERR_FILENO) != 1)
		return;
	p->told = now;
	p->shown = true;
	(void)fprintf(stderr, "\rgatehouse: %llu %% of %llu %s \b",
	    (unsigned long long)(n >= of ? 100 : n * 100 / of),
	    (unsigned long long)(p->what == NULL ? of / 1000000 : of),
	    p->what == NULL ? "MB" : p->what);
}

void
progress_done(struct progress *p)
{
	if (p->shown)
		(void)fputs("\r\033[K", stderr);
	p->shown = false;
}
