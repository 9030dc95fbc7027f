/*
 * shell.c: what a command line may start.  A reader of words, quotes and
 * operators as a POSIX shell has them, that also looks into substitutions and
 * behind programs that start others (sudo, env, sh -c).  It executes nothing
 * and expands nothing; what it cannot know makes `certain` false.
 */
#include "facts/facts-in.h"

enum { DEPTH_MAX = 4 };

struct shell {
	struct reading *r;
	struct fset *commands, *words;
	int64_t started;
	bool chains, pipes, redirects, substitutes, expands, doubt;
};

struct scan {
	struct shell *sh;
	struct str s;
	size_t at;
	int depth;
	bool head;    /* the next word is a program */
	bool file;    /* the next word is a redirection's file */
	bool through; /* the program starts another: options may follow */
	bool options; /* they did: which word is the program, who knows */
	bool script;  /* a shell: -c is followed by code */
	bool code;    /* the next word is code */
};

static void scan_all(struct shell *sh, struct str s, int depth);

/* Programs that run what their arguments name. */
static const struct str carriers[] = { STR_INIT("sudo"), STR_INIT("doas"),
	STR_INIT("env"), STR_INIT("nohup"), STR_INIT("nice"), STR_INIT("time"),
	STR_INIT("timeout"), STR_INIT("xargs"), STR_INIT("exec"),
	STR_INIT("command"), STR_INIT("builtin"), STR_INIT("setsid"),
	STR_INIT("stdbuf"), STR_INIT("ionice"), STR_INIT("chroot"),
	STR_INIT("unshare"), STR_INIT("busybox"), STR_INIT("strace"),
	STR_INIT("watch"), STR_INIT("parallel"), STR_INIT("npx"),
	STR_INIT("coproc"), STR_INIT("then"), STR_INIT("do"), STR_INIT("else"),
	STR_INIT("if"), STR_INIT("while"), STR_INIT("until"), STR_INIT("elif"),
	STR_INIT("!"), STR_INIT("{") };
static const struct str shells[] = { STR_INIT("sh"), STR_INIT("bash"),
	STR_INIT("dash"), STR_INIT("zsh"), STR_INIT("ksh"), STR_INIT("ash"),
	STR_INIT("fish"), STR_INIT("su"), STR_INIT("python"), STR_INIT("pypy"),
	STR_INIT("perl"), STR_INIT("ruby"), STR_INIT("node"), STR_INIT("eval"),
	STR_INIT("source"), STR_INIT("."), STR_INIT("awk"), STR_INIT("ssh"),
	STR_INIT("find"), STR_INIT("case"), STR_INIT("for"),
	STR_INIT("function"), STR_INIT("trap"), STR_INIT("select"),
	STR_INIT("gawk"), STR_INIT("mawk"), STR_INIT("php"), STR_INIT("lua"),
	STR_INIT("luajit"), STR_INIT("tclsh"), STR_INIT("pwsh"),
	STR_INIT("deno"), STR_INIT("bun"), STR_INIT("gdb"), STR_INIT("script"),
	STR_INIT("flock"), STR_INIT("nsenter"), STR_INIT("runuser"),
	STR_INIT("taskset"), STR_INIT("chrt"), STR_INIT("setarch"),
	STR_INIT("unbuffer") };

static bool
among(struct str w, const struct str *v, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (str_eq(v[i], w))
			return true;
	return false;
}

static char
look(const struct scan *x, size_t ahead)
{
	return ahead < x->s.n - x->at ? x->s.p[x->at + ahead] : 0;
}

static struct str
base_name(struct str s)
{
	size_t at = s.n;

	while (at > 0 && s.p[at - 1] != '/')
		at--;
	return str_sub(s, at, s.n);
}

static bool
is_assignment(struct str w)
{
	const size_t at = str_find(w, '=');

	if (at == 0 || at == w.n || is_digit(w.p[0]))
		return false;
	for (size_t i = 0; i < at; i++)
		if (!is_word(w.p[i]))
			return false;
	return true;
}

/* What stands inside $( ) or ` `, which is where x->at is, to its end. */
static struct str
inside(struct scan *x, char open, char close)
{
	const size_t from = x->at;
	int depth = 1;

	for (; x->at < x->s.n; x->at++) {
		if (look(x, 0) == '\\')
			x->at += look(x, 1) != 0;
		else if (look(x, 0) == close && --depth == 0)
			return str_sub(x->s, from, x->at++ - from);
		else if (look(x, 0) == open && open != close)
			depth++;
	}
	x->sh->doubt = true;
	x->at = x->s.n;
	return str_sub(x->s, from, x->s.n);
}

/* $... at x->at; true when it took more than the sign. */
static void
dollar(struct scan *x)
{
	x->sh->expands = true;
	x->at++;
	if (look(x, 0) != '(')
		return;
	x->at++;
	x->sh->substitutes = true;
	scan_all(x->sh, inside(x, '(', ')'), x->depth + 1);
}

static void
backtick(struct scan *x)
{
	x->at++;
	x->sh->substitutes = true;
	scan_all(x->sh, inside(x, '`', '`'), x->depth + 1);
}

static void
double_quoted(struct scan *x, struct buf *w)
{
	for (x->at++; x->at < x->s.n && look(x, 0) != '"';) {
		if (look(x, 0) == '\\' && look(x, 1) != 0) {
			buf_ch(w, look(x, 1));
			x->at += 2;
		} else if (look(x, 0) == '$') {
			dollar(x);
		} else if (look(x, 0) == '`') {
			backtick(x);
		} else {
			buf_ch(w, look(x, 0));
			x->at++;
		}
	}
	x->sh->doubt |= x->at >= x->s.n;
	x->at++;
}

static void
single_quoted(struct scan *x, struct buf *w)
{
	const size_t n = str_find(str_sub(x->s, x->at + 1, x->s.n), '\'');

	buf_str(w, str_sub(x->s, x->at + 1, n));
	x->at += n + 2;
	x->sh->doubt |= x->at > x->s.n;
}

static bool
ends_word(char ch)
{
	return is_space(ch) || is_among(ch, STR(";&|<>()"));
}

/* One word with its quotes taken off; *plain: it had none. */
static void
read_word(struct scan *x, struct buf *w)
{
	while (x->at < x->s.n && !ends_word(look(x, 0))) {
		const char ch = look(x, 0);

		if (ch == '\'') {
			single_quoted(x, w);
		} else if (ch == '"') {
			double_quoted(x, w);
		} else if (ch == '$') {
			x->sh->doubt |= look(x, 1) == '\'';
			dollar(x);
		} else if (ch == '`') {
			backtick(x);
		} else if (ch == '\\') {
			if (look(x, 1) != '\n' && look(x, 1) != 0)
				buf_ch(w, look(x, 1));
			x->at += 2;
		} else {
			x->sh->expands |= is_among(ch, STR("*?[~{"));
			buf_ch(w, ch);
			x->at++;
		}
	}
	if (x->at > x->s.n)
		x->at = x->s.n;
}

/* python3.11 is a python. */
static struct str
unversioned(struct str s)
{
	while (s.n > 1 && is_among(s.p[s.n - 1], STR("0123456789.")))
		s.n--;
	return s;
}

static void
program(struct scan *x, struct str w)
{
	const struct str name = base_name(w);

	x->sh->doubt |= name.n == 0; /* the name comes from an expansion */
	fset_add(x->sh->commands, name);
	x->head = false;
	x->through = among(name, carriers, countof(carriers));
	x->script = among(unversioned(name), shells, countof(shells));
	x->sh->doubt |= x->script;
}

static void
take_word(struct scan *x, struct str w, bool expanded)
{
	if (w.p == NULL)
		return;
	if (w.n)
		fset_add(x->sh->words, w);
	if (x->file) {
		x->file = false;
	} else if (x->code) {
		x->code = false;
		scan_all(x->sh, w, x->depth + 1);
	} else if (x->head && is_assignment(w)) {
		return;
	} else if (x->head) {
		x->sh->chains |= x->sh->started++ > 0;
		x->sh->doubt |= expanded;
		program(x, w);
	} else if (x->through && w.n && w.p[0] == '-') {
		x->options = x->sh->doubt = true;
	} else if (x->through && w.n && !is_assignment(w) &&
		   !is_digit(w.p[0])) {
		program(x, w);
		x->through |= x->options;
	} else if (x->script && str_starts(w, STR("-")) &&
		   str_ends(w, STR("c"))) {
		x->code = true;
	}
}

/* An operator; a command ends, or a file's name follows. */
static void
operate(struct scan *x)
{
	struct shell *sh = x->sh;
	const char ch = look(x, 0);

	x->at++;
	if (ch == '<' || ch == '>') {
		sh->redirects = true;
		sh->doubt |= ch == '<' && look(x, 0) == '<';
		sh->substitutes |= look(x, 0) == '(';
		while (is_among(look(x, 0), STR("<>&|")))
			x->at++;
		x->file = look(x, 0) != '(';
		return;
	}
	if (ch == '|' && look(x, 0) != '|')
		sh->pipes = true;
	if (ch == look(x, 0) && (ch == '|' || ch == '&'))
		x->at++;
	if (ch == '(')
		sh->doubt |= !x->head; /* a function, or an array */
	x->head = true;
	x->through = x->options = x->script = x->file = x->code = false;
}

static void
scan_words(struct scan *x)
{
	struct buf w = { .max = FACT_TEXT_MAX };

	while (x->at < x->s.n) {
		const char ch = look(x, 0);
		const bool before = x->sh->expands;

		if (ch == '\n' || is_among(ch, STR(";&|<>()"))) {
			operate(x);
		} else if (is_space(ch)) {
			x->at++;
		} else if (ch == '#') {
			while (x->at < x->s.n && look(x, 0) != '\n')
				x->at++;
		} else {
			buf_clear(&w);
			x->sh->expands = false;
			read_word(x, &w);
			take_word(x, arena_str(x->sh->r->a, buf_view(&w)),
			    x->sh->expands);
			x->sh->expands |= before;
		}
	}
	buf_done(&w);
}

static void
scan_all(struct shell *sh, struct str s, int depth)
{
	struct scan x = { .sh = sh, .s = s, .depth = depth, .head = true };

	if (depth > DEPTH_MAX) {
		sh->doubt = true;
		return;
	}
	scan_words(&x);
}

enum err
read_shell(struct reading *r)
{
	struct shell sh = { .r = r };

	sh.commands = fset_new(r);
	sh.words = fset_new(r);
	if (sh.commands == NULL || sh.words == NULL)
		return ERR_LIMIT;
	if (!utf8_ok(r->text) || memchr(r->text.p, 0, r->text.n) != NULL)
		sh.doubt = true;
	scan_all(&sh, r->text, 0);
	put_fset(r, STR("commands"), sh.commands);
	put_fset(r, STR("words"), sh.words);
	put_is(r, STR("chains"), sh.chains);
	put_is(r, STR("pipes"), sh.pipes);
	put_is(r, STR("redirects"), sh.redirects);
	put_is(r, STR("substitutes"), sh.substitutes);
	put_is(r, STR("expands"), sh.expands);
	put_is(r, STR("certain"),
	    !sh.doubt && !sh.commands->full && !sh.words->full);
	return OK;
}
