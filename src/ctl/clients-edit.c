/*
 * clients-edit: an entry behind the gateway and back, as edits of bytes.  What
 * is put in is put in as one piece before the first argument, so taking it out
 * leaves the bytes that were there.  Every result is read again and compared
 * with what was meant before anyone sees it.
 */
#include "ctl/clients.h"

#include "conf/conf.h"

struct edit {
	size_t at, len;
	struct str put;
};
struct editor {
	const struct client *cl; /* these seven as in struct client_edit */
	struct str text;
	struct arena *a;
	struct note *why;
	const struct gate *gate;
	const struct entry_done *known, *kept;
	struct edit *edits;
	size_t n, max;
	struct entries all;
	struct str **want; /* what each entry shall say, and ... */
	size_t *want_n;	   /* ... in how many words */
};

static void
change(struct editor *ed, size_t at, size_t len, struct str put)
{
	BUG_ON(ed->n == ed->max);
	ed->edits[ed->n++] = (struct edit){ at, len, put };
}

/* Reads the entries; what is wanted is what there is. */
static enum err
editor_init(struct editor *ed, const struct client_edit *in)
{
	struct arena *a = in->a;
	size_t i = 0;

	*ed = (struct editor){ .cl = in->cl,
		.text = in->text,
		.a = a,
		.why = in->why,
		.gate = in->gate,
		.known = in->known,
		.kept = in->kept };
	TRY(clients_list(in->cl, in->text, a, &ed->all, in->why));
	TRY(clients_cover(&ed->all, in->gate, in->known, a));
	ed->max = 2 * ed->all.count + 1;
	ed->edits = arena_alloc(a, ed->max * sizeof(*ed->edits));
	ed->want = arena_alloc(a, ed->max * sizeof(*ed->want));
	ed->want_n = arena_alloc(a, ed->max * sizeof(*ed->want_n));
	if (arena_spent(a))
		return ERR_LIMIT;
	for (const struct entry *e = ed->all.first; e != NULL; e = e->next) {
		ed->want[i] = e->words;
		ed->want_n[i++] = e->words_n;
	}
	return OK;
}

static int
by_place(const void *x, const void *y)
{
	const struct edit *p = x, *q = y;

	return p->at < q->at ? -1 : p->at > q->at;
}

static enum err
apply(struct editor *ed, struct buf *out)
{
	size_t at = 0;

	qsort(ed->edits, ed->n, sizeof(*ed->edits), by_place);
	for (size_t i = 0; i < ed->n; i++) {
		const struct edit *e = &ed->edits[i];

		if (e->at < at || e->len > ed->text.n - e->at) {
			note_set(ed->why, "the edits would overlap");
			return ERR_SYNTAX;
		}
		buf_str(out, str_sub(ed->text, at, e->at - at));
		buf_str(out, e->put);
		at = e->at + e->len;
	}
	buf_str(out, str_sub(ed->text, at, ed->text.n));
	return buf_end(out);
}

/* ---- words ---- */
enum { PREFIX = 5 }; /* gatehouse wrap --name N -- */

static enum err
wrapped_words(struct editor *ed, const struct entry *e, struct str gateway,
    struct str **words)
{
	char name[33];
	struct str *w = arena_alloc(ed->a, (e->words_n + PREFIX) * sizeof(*w));

	if (w == NULL)
		return ERR_LIMIT;
	w[0] = gateway;
	w[1] = STR("wrap");
	w[2] = STR("--name");
	w[3] = arena_str(ed->a, conf_wrap_name(e->name, name));
	w[4] = STR("--");
	for (size_t i = 0; i < e->words_n; i++)
		w[PREFIX + i] = e->words[i];
	*words = w;
	return OK;
}

static bool
same_words(const struct str *a, size_t an, const struct str *b, size_t bn)
{
	if (an != bn)
		return false;
	for (size_t i = 0; i < an; i++)
		if (!str_eq(a[i], b[i]))
			return false;
	return true;
}

/* A plain YAML text that stays one wherever it is put. */
static bool
safe_plain(struct str s)
{
	for (size_t i = 0; i < s.n; i++) {
		const char ch = s.p[i];

		if (!((ch >= 'a' && ch <= 'z') || (ch >= 'A' && ch <= 'Z') ||
			(ch >= '0' && ch <= '9') || ch == '/' || ch == '.' ||
			ch == '_' || (i > 0 && ch == '-')))
			return false;
	}
	return s.n > 0;
}

/* The command's own bytes where they mean the same among the arguments. */
static void
put_literal(struct editor *ed, const struct tree *t, struct buf *b)
{
	const struct str raw = str_sub(ed->text, t->at, t->end - t->at);

	if (ed->cl->format != TREE_YAML || raw.p[0] == '"' ||
	    raw.p[0] == '\'' || safe_plain(raw))
		buf_str(b, raw);
	else
		json_quote(t->text, b);
}

static struct str
line_before(struct str text, size_t at)
{
	size_t from = at;

	while (from > 0 && text.p[from - 1] != '\n')
		from--;
	return str_sub(text, from, at - from);
}

/* Where the line of `at` ends, before its line end. */
static size_t
line_stop(struct str text, size_t at)
{
	size_t end = at + str_find(str_sub(text, at, text.n), '\n');

	if (end < text.n && end > at && text.p[end - 1] == '\r')
		end--;
	return end;
}

static struct str
newline_of(struct str text)
{
	const size_t at = str_find(text, '\n');

	return at < text.n && at > 0 && text.p[at - 1] == '\r' ? STR("\r\n")
							       : STR("\n");
}

/* As far in as the column of at: with blanks as they are, the rest spaces. */
static void
put_indent(struct editor *ed, size_t at, struct buf *b)
{
	const struct str line = line_before(ed->text, at);

	for (size_t i = 0; i < line.n; i++)
		buf_ch(b, line.p[i] == '\t' ? '\t' : ' ');
}

/* ---- wrapping ---- */

/* "wrap", "--name", "N", "--" from `from` on, and the old command. */
static void
put_prefix(struct editor *ed, const struct str *words, size_t from,
    const struct tree *old, struct buf *b)
{
	for (size_t i = from; i < PREFIX; i++) {
		json_quote(words[i], b);
		if (i + 1 < PREFIX || old != NULL)
			buf_str(b, STR(", "));
	}
	if (old != NULL)
		put_literal(ed, old, b);
}

static void
put_new_args(struct editor *ed, const struct entry *e, const struct str *words,
    struct buf *b)
{
	const char *colon = ed->cl->format == TREE_TOML ? " = " : ": ";
	const char *quote = ed->cl->format == TREE_JSON ? "\"" : "";

	if (e->node->flow) {
		buf_str(b, STR(", "));
	} else {
		buf_str(b, newline_of(ed->text));
		put_indent(ed, e->command->key_at, b);
	}
	buf_fmt(b, "%sargs%s%s[", quote, quote, colon);
	put_prefix(ed, words, 1, e->command, b);
	buf_ch(b, ']');
}

/* Dashes under dashes. */
static void
put_block(struct editor *ed, const struct entry *e, const struct str *words,
    struct buf *b)
{
	for (size_t i = 1; i <= PREFIX; i++) {
		buf_str(b, STR("- "));
		if (i < PREFIX)
			json_quote(words[i], b);
		else
			put_literal(ed, e->command, b);
		buf_str(b, newline_of(ed->text));
		put_indent(ed, e->args->at, b);
	}
}

static enum err
wrap_one(struct editor *ed, const struct entry *e, const struct str *words)
{
	struct buf b = { .max = 1024 * 1024 };
	struct buf gateway = { .max = 65536 };
	size_t at;

	json_quote(words[0], &gateway);
	if (ed->cl->shape == SHAPE_ARRAY) {
		at = e->command->first->at;
		put_prefix(ed, words, 0, NULL, &b);
		buf_str(&b, STR(", "));
	} else if (e->args == NULL) {
		at = e->node->flow ? e->command->end
				   : line_stop(ed->text, e->command->end);
		put_new_args(ed, e, words, &b);
	} else if (e->args->flow) {
		const bool none = e->args->first == NULL;

		at = none ? e->args->at + 1 : e->args->first->at;
		put_prefix(ed, words, 1, e->command, &b);
		if (!none)
			buf_str(&b, STR(", "));
	} else {
		at = e->args->at;
		put_block(ed, e, words, &b);
	}
	if (ed->cl->shape != SHAPE_ARRAY)
		change(ed, e->command->at, e->command->end - e->command->at,
		    arena_str(ed->a, buf_view(&gateway)));
	change(ed, at, 0, arena_str(ed->a, buf_view(&b)));
	buf_done(&gateway);
	buf_done(&b);
	return arena_spent(ed->a) ? ERR_LIMIT : OK;
}

/* The result, read again, is exactly what was meant. */
static enum err
verify(struct editor *ed, struct str result)
{
	struct entries now;
	const struct entry *e, *o = ed->all.first;
	size_t i = 0;

	TRY(clients_list(ed->cl, result, ed->a, &now, ed->why));
	note_set(ed->why, "this file cannot be edited safely");
	if (now.count != ed->all.count)
		return ERR_SYNTAX;
	for (e = now.first; e != NULL && o != NULL;
	     e = e->next, o = o->next, i++)
		if (e->kind != o->kind || !str_eq(e->where, o->where) ||
		    !same_words(
			e->words, e->words_n, ed->want[i], ed->want_n[i]))
			return ERR_SYNTAX;
	return OK;
}

static enum err
finish(struct editor *ed, struct buf *out)
{
	TRY(apply(ed, out));
	return verify(ed, buf_view(out));
}

/* The i-th entry, and a line about it for the state. */
static enum err
wrap_entry(struct editor *ed, const struct entry *e, size_t i,
    struct str gateway, struct entry_done **done)
{
	struct entry_done *d = arena_alloc(ed->a, sizeof(*d));

	if (d == NULL)
		return ERR_LIMIT;
	TRY(wrapped_words(ed, e, gateway, &ed->want[i]));
	ed->want_n[i] += PREFIX;
	TRY(wrap_one(ed, e, ed->want[i]));
	*d = (struct entry_done){ .next = *done,
		.where = e->where,
		.words = ed->want[i],
		.words_n = ed->want_n[i],
		.bare = ed->cl->shape != SHAPE_ARRAY && e->args == NULL };
	*done = d;
	return OK;
}

/* The gateway's url for it, or none. */
static struct str
url_for(struct editor *ed, const struct entry *e)
{
	const struct entry_done *d = http_done(ed->kept, e->where);

	if (e->server != NULL)
		return e->server->at;
	return d != NULL && e->clean && str_eq(d->url, e->words[0])
		   ? d->words[0]
		   : STR("");
}

/* The url's literal, and nothing else. */
static enum err
wrap_http(struct editor *ed, const struct entry *e, size_t i,
    struct entry_done **done)
{
	struct entry_done *d = arena_alloc(ed->a, sizeof(*d));
	struct str *at = arena_alloc(ed->a, sizeof(*at));
	struct buf b = { .max = 65536 };

	if (d == NULL || at == NULL)
		return ERR_LIMIT;
	if (e->wrapped) { /* what is known of it is not forgotten */
		if (e->done == NULL)
			return OK;
		*d = *e->done;
		d->next = *done;
		*done = d;
		return OK;
	}
	*at = url_for(ed, e);
	if (at->n == 0)
		return OK;
	ed->want[i] = at;
	*d = (struct entry_done){ .next = *done,
		.where = e->where,
		.words = at,
		.words_n = 1,
		.literal =
		    str_sub(ed->text, e->url->at, e->url->end - e->url->at),
		.url = e->words[0] };
	*done = d;
	json_quote(*at, &b);
	change(ed, e->url->at, d->literal.n, arena_str(ed->a, buf_view(&b)));
	buf_done(&b);
	return arena_spent(ed->a) ? ERR_LIMIT : OK;
}

enum err
clients_wrap(const struct client_edit *in, struct str gateway, struct buf *out,
    struct entry_done **done)
{
	struct editor ed;
	size_t i = 0;

	*done = NULL;
	TRY(editor_init(&ed, in));
	for (const struct entry *e = ed.all.first; e != NULL; e = e->next, i++)
		if (e->kind == ENTRY_STDIO && !e->wrapped)
			TRY(wrap_entry(&ed, e, i, gateway, done));
		else if (e->kind == ENTRY_HTTP)
			TRY(wrap_http(&ed, e, i, done));
	return finish(&ed, out);
}

/* ---- unwrapping ---- */
static const struct tree *
nth(const struct tree *list, size_t n)
{
	const struct tree *t = list->first;

	while (t != NULL && n-- > 0)
		t = t->next;
	return t;
}

static const struct tree *
before(const struct tree *t)
{
	const struct tree *p = t->up->first;

	if (p == t)
		return NULL;
	while (p->next != t)
		p = p->next;
	return p;
}

static bool
only(struct str text, size_t from, size_t to, const char *set)
{
	for (size_t i = from; i < to; i++)
		if (text.p[i] == '\0' || strchr(set, text.p[i]) == NULL)
			return false;
	return from <= to;
}

/* Takes the whole of args out; false when that is not clean. */
static bool
drop_args(struct editor *ed, const struct entry *e)
{
	const struct tree *p = before(e->args);
	size_t from = e->args->key_at, to = e->args->end;

	if (e->node->flow) {
		if (p == NULL)
			return false;
		from = p->end;
		if (!only(ed->text, from, e->args->key_at, " \t\r\n,"))
			return false;
	} else {
		const struct str line = line_before(ed->text, from);

		if (line.n == from || !only(line, 0, line.n, " \t"))
			return false;
		from -= line.n + 1;
		if (from > 0 && ed->text.p[from - 1] == '\r')
			from--;
	}
	change(ed, from, to - from, STR(""));
	return true;
}

/* Nothing is left of the list's elements but the list. */
static void
empty_args(struct editor *ed, const struct entry *e)
{
	size_t from = e->args->first->at, to = e->args->last->end;

	if (!e->args->flow) {
		change(ed, e->args->at, to - e->args->at, STR("[]"));
		return;
	}
	for (size_t i = to; i + 1 < e->args->end; i++)
		if (ed->text.p[i] == ',') {
			to = i + 1;
			break;
		} else if (!only(ed->text, i, i + 1, " \t\r\n")) {
			break;
		}
	change(ed, from, to - from, STR(""));
}

/* Where the dash of a block element is. */
static bool
dash_of(struct str text, const struct tree *t, size_t *at)
{
	size_t i = t->at;

	while (i > 0 && text.p[i - 1] == ' ')
		i--;
	if (i == 0 || text.p[i - 1] != '-')
		return false;
	*at = i - 1;
	return true;
}

static bool
unwrap_one(struct editor *ed, const struct entry *e, bool bare)
{
	const struct tree *list =
	    ed->cl->shape == SHAPE_ARRAY ? e->command : e->args;
	const size_t lead = ed->cl->shape == SHAPE_ARRAY ? 0 : 1;
	const struct tree *old = nth(list, e->prefix - lead);
	const struct tree *rest =
	    ed->cl->shape == SHAPE_ARRAY ? old : old->next;
	size_t from = list->first->at, to;

	if (rest != NULL) {
		to = rest->at;
		if (!list->flow && (!dash_of(ed->text, list->first, &from) ||
				       !dash_of(ed->text, rest, &to)))
			return false;
		change(ed, from, to - from, STR(""));
	} else if (!bare || !drop_args(ed, e)) {
		empty_args(ed, e);
	}
	if (lead == 1)
		change(ed, e->command->at, e->command->end - e->command->at,
		    str_sub(ed->text, old->at, old->end - old->at));
	return true;
}

/* Has somebody changed it since?  *bare: it had no arguments before. */
static bool
as_left(const struct entry_done *known, const struct entry *e, bool *bare)
{
	while (known != NULL && !str_eq(known->where, e->where))
		known = known->next;
	*bare = known != NULL && known->bare;
	return known != NULL &&
	       same_words(known->words, known->words_n, e->words, e->words_n);
}

/* true: it stays, and should not.  One that points at the gateway and that we
 * did not put there is its owner's. */
static bool
unwrap_http(struct editor *ed, const struct entry *e, size_t i, bool force)
{
	const struct entry_done *d = e->done;
	struct str *url;

	if (!e->wrapped || d == NULL)
		return false;
	url = arena_alloc(ed->a, sizeof(*url));
	if (url == NULL || e->url->odd || (!force && !http_as_left(d, e)))
		return true;
	*url = d->url;
	ed->want[i] = url;
	change(ed, e->url->at, e->url->end - e->url->at, d->literal);
	return false;
}

static bool
unwrap_stdio(struct editor *ed, const struct entry *e, size_t i, bool force)
{
	bool bare;

	if (!e->wrapped)
		return false;
	if ((!as_left(ed->known, e, &bare) && !force) ||
	    !unwrap_one(ed, e, bare))
		return true;
	ed->want[i] += e->prefix;
	ed->want_n[i] -= e->prefix;
	return false;
}

enum err
clients_unwrap(
    const struct client_edit *in, bool force, struct buf *out, size_t *left)
{
	struct editor ed;
	size_t i = 0, stay = 0;

	TRY(editor_init(&ed, in));
	for (const struct entry *e = ed.all.first; e != NULL; e = e->next, i++)
		if ((e->kind == ENTRY_STDIO &&
			unwrap_stdio(&ed, e, i, force)) ||
		    (e->kind == ENTRY_HTTP && unwrap_http(&ed, e, i, force)))
			stay++;
	TRY(finish(&ed, out));
	*left = stay;
	return OK;
}
