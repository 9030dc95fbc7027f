/*
 * ctl-side.c: "ledger show --disclose": what is kept of a record's content,
 * each value held against what the record commits to; and where none is kept,
 * what became of it.
 */
#include "ctl/ctl-side.h"

#include "ctl/ctl-ledger.h"
#include "ctl/ledger-walk.h"
#include "sys/sys.h"

int
side_beside(const struct ctl *c, const char *dir, struct side_reader **out)
{
	static const char *const at[] = { "side", "../side" };
	struct note why = { "" };
	enum err e = ERR_GONE;

	*out = NULL;
	for (size_t i = 0; i < countof(at) && e == ERR_GONE; i++) {
		char path[4200];

		(void)snprintf(path, sizeof(path), "%.4000s/%s", dir, at[i]);
		e = side_reader_new(path, out, &why);
	}
	return e == OK || e == ERR_GONE
		   ? CTL_YES
		   : ctl_say(c, CTL_FAILED, "%s", why.text);
}

void
held_of(
    const struct side_reader *r, unsigned cell, uint64_t seq, struct held *out)
{
	struct buf text = { .max = SIDE_CONTENT_MAX };
	struct note why;

	out->tape = (struct buf){ .max = 4 * SIDE_CONTENT_MAX };
	out->content.disclosures = out->content.hiddens = 0;
	out->found = side_read(r, cell, seq, now_wall() / 1000000000, &text);
	if (out->found == SIDE_FOUND &&
	    (json_parse(buf_view(&text), &json_default, &out->tape, NULL) !=
		    OK ||
		content_of(jv_of(buf_view(&out->tape)), &out->content, &why) !=
		    OK)) {
		out->found = SIDE_DAMAGED;
		out->content.disclosures = out->content.hiddens = 0;
	}
	buf_done(&text);
}

void
held_done(struct held *h)
{
	if (h->tape.p != NULL)
		mem_wipe(h->tape.p, h->tape.n);
	buf_done(&h->tape);
}

/* ---- the record, and the erasure that names it ---- */

struct seek {
	struct sought of;
	struct buf tape;    /* the record */
	struct buf erasure; /* text of a record; empty: none names it */
	char name[48];	    /* "0/12", as erasures name it */
};

static bool
names(struct jv erasure, const char *name)
{
	struct jit it = jit_of(jv_get(erasure, STR("records")));
	struct jv v;

	while (jit_next(&it, NULL, &v))
		if (str_eq(jv_str(v), str_of(name)))
			return true;
	return false;
}

static void
seek_record(
    void *arg, unsigned cell, uint64_t seq, struct str jcs, struct jv rec)
{
	struct seek *s = arg;

	if (cell == s->of.cell && seq == s->of.seq && !s->of.found) {
		s->of.found = true;
		tape_copy(&s->tape, rec);
	}
	if (s->erasure.n == 0 &&
	    str_eq(jv_str(jv_get(rec, STR("kind"))), STR("erasure")) &&
	    names(rec, s->name))
		buf_str(&s->erasure, jcs);
}

static void
seek_cell(void *arg, const struct walk_cell *c)
{
	struct seek *s = arg;

	sought_cell(&s->of, c);
}

/* ---- saying it ---- */

static const char *
state_word(enum side_found f, bool recorded)
{
	switch (f) {
	case SIDE_FOUND:
		return "kept";
	case SIDE_IS_ERASED:
		return recorded ? "erased" : "erased, not recorded";
	case SIDE_ENDED:
		return "ended: the retention of its class is over";
	case SIDE_DAMAGED:
		return "damaged: it is not what was written";
	case SIDE_NOTHING:
	default:
		return recorded ? "erased"
				: "not_established: nothing is kept of it";
	}
}

static void
say_value(struct buf *b, struct jv pair)
{
	const struct jv name = jv_get(pair, STR("name"));

	buf_str(b, STR("disclosed "));
	json_write(name, b);
	buf_str(b, STR(": "));
	json_write(jv_get(pair, STR("value")), b);
	buf_ch(b, '\n');
}

static void
say_hidden(struct buf *b, struct jv hidden)
{
	struct jit it = jit_of(hidden);
	struct jv v;

	(void)jit_next(&it, NULL, &v); /* its salt is nobody's business here */
	buf_str(b, STR("committed "));
	for (bool first = true; jit_next(&it, NULL, &v); first = false) {
		buf_str(b, first ? STR("") : STR("."));
		buf_str(b, jv_str(v));
	}
	buf_str(b, STR(": the value is not kept\n"));
}

static void
say_people(struct buf *b, const struct seek *s, const struct held *h,
    const struct buf *list)
{
	struct jit it = jit_of(jv_of(buf_view(list)));
	struct jv v;

	buf_fmt(b, "content: %s\n", state_word(h->found, s->erasure.n > 0));
	while (jit_next(&it, NULL, &v))
		say_value(b, v);
	for (size_t i = 0; i < h->content.hiddens; i++)
		say_hidden(b, h->content.hidden[i]);
	if (s->erasure.n > 0)
		buf_fmt(b, "erasure: %.*s\n", STR_ARG(buf_view(&s->erasure)));
}

static void
say_json(struct buf *b, const struct seek *s, const struct held *h)
{
	buf_fmt(b, "{\"cell\":%u,\"content\":", s->of.cell);
	json_quote(str_of(state_word(h->found, s->erasure.n > 0)), b);
	buf_str(b, STR(",\"disclosures\":["));
	for (size_t i = 0; i < h->content.disclosures; i++)
		buf_fmt(b, "%s\"%.*s\"", i > 0 ? "," : "",
		    STR_ARG(h->content.disclosure[i]));
	buf_str(b, STR("],\"erasure\":"));
	buf_str(b, s->erasure.n > 0 ? buf_view(&s->erasure) : STR("null"));
	buf_str(b, STR(",\"hidden\":["));
	for (size_t i = 0; i < h->content.hiddens; i++) {
		struct jit it = jit_of(h->content.hidden[i]);
		struct jv v;

		(void)jit_next(&it, NULL, &v);
		buf_str(b, i > 0 ? STR(",[") : STR("["));
		for (bool first = true; jit_next(&it, NULL, &v);
		     first = false) {
			buf_str(b, first ? STR("") : STR(","));
			json_quote(jv_str(v), b);
		}
		buf_ch(b, ']');
	}
	buf_fmt(b, "],\"seq\":%llu}\n", (unsigned long long)s->of.seq);
}

static int
say(struct ctl *c, const struct seek *s, const struct held *h)
{
	struct buf b = { .max = 64 << 20 }, list = { .max = 64 << 20 };
	struct opened *o = NULL;
	struct note why = { "" };

	if (opened_new(jv_of(buf_view(&s->tape)), h->content.disclosure,
		h->content.disclosures, &o, &why) != OK)
		return ctl_say(c, CTL_NO,
		    "what is kept is not what the record commits to: %s",
		    why.text);
	opened_list(o, &list);
	if (c->json)
		say_json(&b, s, h);
	else
		say_people(&b, s, h, &list);
	opened_free(o);
	buf_done(&list);
	return ctl_put(&b);
}

static int
disclose(struct ctl *c, unsigned cell, uint64_t seq)
{
	struct seek s = { .of = { .cell = cell, .seq = seq },
		.tape = { .max = 1 << 20 },
		.erasure = { .max = 1 << 20 } };
	const struct walk w = { &s, seek_record, seek_cell, NULL };
	struct held *h = mem_get(sizeof(*h));
	struct side_reader *r = NULL;
	struct note why = { "" };
	int status = side_beside(c, c->arg[0], &r);
	enum err e = OK;

	(void)snprintf(
	    s.name, sizeof(s.name), "%u/%llu", cell, (unsigned long long)seq);
	if (status == CTL_YES)
		e = ledger_walk(c->arg[0], &w, &why);
	if (e != OK)
		status =
		    ctl_say(c, e == ERR_GONE ? CTL_UNREACHABLE : CTL_FAILED,
			"%s", why.text);
	if (status == CTL_YES)
		status = sought_end(&s.of);
	if (status == CTL_YES) {
		held_of(r, cell, seq, h);
		status = say(c, &s, h);
		held_done(h);
	}
	side_reader_free(r);
	buf_done(&s.tape);
	buf_done(&s.erasure);
	mem_free(h);
	return status;
}

/* A number of an option; `otherwise` when it is absent. */
static bool
number(const char *text, uint64_t otherwise, uint64_t *out)
{
	*out = otherwise;
	return text == NULL || str_u64(str_of(text), out) == OK;
}

int
ctl_ledger_show_one(struct ctl *c)
{
	uint64_t cell, seq;
	int status = CTL_YES;

	if (!number(ctl_option(c, "--cell"), 0, &cell) || cell > 9999 ||
	    !number(c->arg[1], 0, &seq) || seq == 0)
		return ctl_say(c, CTL_MISUSE,
		    "SEQ is a record's number, from 1; --cell a cell's, "
		    "from 0");
	if (ctl_option(c, "--disclose") == NULL || !c->json)
		status =
		    ctl_ledger_show(c->arg[0], (unsigned)cell, seq, c->json);
	if (ctl_option(c, "--disclose") == NULL || status != CTL_YES)
		return status;
	(void)fflush(stdout);
	return disclose(c, (unsigned)cell, seq);
}
