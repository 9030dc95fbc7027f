/*
 * check: the tree against the table.  Every key is known, every value is of
 * its type and in its range, every name is well formed.  What spans several
 * keys is cross.c's business.
 */
#include "conf/conf-in.h"

/* ---- numbers ---- */
struct unit {
	struct str name;
	uint64_t times;
};
static const struct unit size_units[] = {
	{ STR_INIT(""), 1 },
	{ STR_INIT("B"), 1 },
	{ STR_INIT("KiB"), 1024 },
	{ STR_INIT("MiB"), 1024 * 1024 },
	{ STR_INIT("GiB"), 1024 * 1024 * 1024 },
};
/* A bare number is no time: nobody can tell 60 from 60. */
static const struct unit time_units[] = {
	{ STR_INIT("ms"), 1 },
	{ STR_INIT("s"), 1000 },
	{ STR_INIT("m"), 60 * 1000 },
	{ STR_INIT("h"), 60 * 60 * 1000 },
	{ STR_INIT("d"), 24 * 60 * 60 * 1000 },
};
static const struct unit no_units[] = { { STR_INIT(""), 1 } };

struct number {
	const struct unit *unit;
	size_t n;
	const char *must;
};

static struct number
number_of(enum conf_type t)
{
	if (t == C_SIZE)
		return (struct number){ size_units, countof(size_units),
			"a size, as 64KiB or 4MiB" };
	if (t == C_TIME)
		return (struct number){ time_units, countof(time_units),
			"a time with its unit, as 500ms, 60s or 10m" };
	return (struct number){ no_units, 1, "a number" };
}

static enum err
in_range(const struct setting *s, uint64_t v, struct note *why)
{
	const char *unit = s->type == C_TIME ? "ms" : s->unit;

	if (v >= s->min && v <= s->max)
		return OK;
	note_set(why,
	    "%llu %s is out of range; the least is %llu, the most "
	    "%llu",
	    (unsigned long long)v, unit, (unsigned long long)s->min,
	    (unsigned long long)s->max);
	return ERR_SYNTAX;
}

enum err
value_u64(
    const struct setting *s, struct str text, uint64_t *out, struct note *why)
{
	const struct number k = number_of(s->type);
	size_t digits = 0;
	uint64_t v;

	while (
	    digits < text.n && text.p[digits] >= '0' && text.p[digits] <= '9')
		digits++;
	for (size_t i = 0; i < k.n; i++) {
		if (!str_eq(k.unit[i].name, str_sub(text, digits, text.n)) ||
		    str_u64(str_sub(text, 0, digits), &v))
			continue;
		if (v > UINT64_MAX / k.unit[i].times)
			v = UINT64_MAX / k.unit[i].times;
		v *= k.unit[i].times;
		TRY(in_range(s, v, why));
		*out = v;
		return OK;
	}
	note_set(why, "must be %s", k.must);
	return ERR_SYNTAX;
}

static void
check_number(struct conf_job *j, struct node *n)
{
	struct note why;

	if (n->row->type == C_INT && n->quoted)
		conf_bad(j, n, "must be a number; remove the quotes");
	else if (value_u64(n->row, n->text, &n->num, &why))
		conf_bad(j, n, "%s", why.text);
}

static void
check_bool(struct conf_job *j, struct node *n)
{
	if (n->quoted ||
	    (!str_eq(n->text, STR("true")) && !str_eq(n->text, STR("false"))))
		conf_bad(j, n, "must be true or false, without quotes");
	n->num = str_eq(n->text, STR("true"));
}

/* ---- texts ---- */
static bool
printable(struct str s)
{
	for (size_t i = 0; i < s.n; i++)
		if ((unsigned char)s.p[i] < 0x20 || s.p[i] == 0x7f)
			return false;
	return true;
}

static void
check_text(struct conf_job *j, struct node *n)
{
	const struct setting *s = n->row;

	if (!printable(n->text))
		conf_bad(j, n, "must be one line without control characters");
	else if (n->text.n < s->min || n->text.n > s->max)
		conf_bad(j, n, "must be %llu to %llu bytes long",
		    (unsigned long long)s->min, (unsigned long long)s->max);
}

static bool
in_set(char ch, const char *set)
{
	return ch != '\0' && strchr(set, ch) != NULL;
}

#define SMALL "abcdefghijklmnopqrstuvwxyz"
#define LARGE "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
#define DIGIT "0123456789"
static bool
made_of(struct str s, const char *set)
{
	for (size_t i = 0; i < s.n; i++)
		if (!in_set(s.p[i], set))
			return false;
	return true;
}

static void
check_name(struct conf_job *j, struct node *n)
{
	check_text(j, n);
	if (!made_of(n->text, SMALL LARGE DIGIT "._@-"))
		conf_bad(j, n, "may hold A-Z a-z 0-9 . _ @ - only");
}

static void
check_addr(struct conf_job *j, struct node *n)
{
	struct conf_addr a;
	struct note why;

	if (str_eq(n->text, STR("none")))
		return;
	if (addr_parse(n->text, &a, &why))
		conf_bad(j, n, "%s", why.text);
}

static void
check_url(struct conf_job *j, struct node *n)
{
	struct conf_url u;
	struct note why;

	check_text(j, n);
	if (url_parse(n->text, &u, &why))
		conf_bad(j, n, "%s", why.text);
}

/* Says nothing of the value: it may be a token pasted by mistake. */
static void
check_hash(struct conf_job *j, struct node *n)
{
	if (n->text.n != 64 || !made_of(n->text, DIGIT "abcdef"))
		conf_bad(j, n,
		    "must be 64 lower-case hex digits, never the "
		    "token itself; \"gatehouse token new NAME\" "
		    "prints the line");
}

static void
check_word(struct conf_job *j, struct node *n)
{
	struct str rest = str_of(n->row->unit), word;
	struct str best = STR("");
	unsigned least = 3;

	while (str_split(&rest, '|', &word)) {
		const unsigned d = str_distance(word, n->text);

		if (d == 0)
			return;
		if (d < least) {
			least = d;
			best = word;
		}
	}
	if (best.n > 0)
		conf_bad(j, n, "must be one of %s; did you mean \"%.*s\"?",
		    n->row->unit, STR_ARG(best));
	else
		conf_bad(j, n, "must be one of %s", n->row->unit);
}

/* ---- lists and maps ---- */
static void
check_count(struct conf_job *j, struct node *n)
{
	if (n->count < n->row->min || n->count > n->row->max)
		conf_bad(j, n, "holds %zu; the least is %llu, the most %llu",
		    n->count, (unsigned long long)n->row->min,
		    (unsigned long long)n->row->max);
}

static void
check_texts(struct conf_job *j, struct node *n)
{
	check_count(j, n);
	for (struct node *m = n->first; m != NULL; m = m->next) {
		if (m->kind != N_TEXT)
			conf_bad(j, m, "must be a text; quote it if it is one");
		else if (n->row->type == C_PATHS && m->text.n == 0)
			conf_bad(j, m, "must be a path");
		if (n->row->type == C_TEXTS &&
		    (made_of(m->key, DIGIT) ||
			!made_of(m->key, SMALL LARGE DIGIT "_")))
			conf_bad_key(j, m,
			    "is no name of an environment "
			    "variable: A-Z a-z 0-9 _ only");
	}
}

/* {tool: {argument: kind or class}}; the names are the server's, so any text is
 * one. */
static void
check_facts(struct conf_job *j, struct node *n)
{
	check_count(j, n);
	for (struct node *tool = n->first; tool != NULL; tool = tool->next) {
		if (tool->kind != N_MAP)
			conf_bad(j, tool,
			    "must hold arguments and what they are, as {path: "
			    "%s}",
			    n->row->type == C_CLASSES ? "safe" : "path");
		for (struct node *m = tool->first; m != NULL; m = m->next) {
			m->row = n->row;
			if (m->kind != N_TEXT && n->row->type == C_CLASSES)
				conf_bad(j, m, "must be the name of a class");
			else if (m->kind != N_TEXT)
				conf_bad(
				    j, m, "must be one of %s", n->row->unit);
			else if (n->row->type == C_FACTS)
				check_word(j, m);
		}
	}
}

/* {tool: [group, ...]}, or [argument, ...]: any text is one. */
static void
check_lists(struct conf_job *j, struct node *n)
{
	const bool words = n->row->type == C_RISKS;

	check_count(j, n);
	for (struct node *tool = n->first; tool != NULL; tool = tool->next) {
		if (tool->kind != N_LIST)
			conf_bad(j, tool, "must be a list, as [%s]",
			    words ? "write" : "path");
		for (struct node *m = tool->first;
		     tool->kind == N_LIST && m != NULL; m = m->next) {
			m->row = n->row;
			if (m->kind != N_TEXT && words)
				conf_bad(
				    j, m, "must be one of %s", n->row->unit);
			else if (m->kind != N_TEXT || m->text.n == 0)
				conf_bad(j, m, "must be an argument's name");
			else if (words)
				check_word(j, m);
		}
	}
}

static void check_value(
    struct conf_job *j, struct node *n, const struct setting *row);

/* A key that looks like a secret gets the remedy that matters. */
static void
unknown_key(struct conf_job *j, struct node *n, const struct setting *up)
{
	const char *near = setting_near(up, n->key);

	if (up != NULL && strcmp(up->path, "principals") == 0 &&
	    str_search(n->key, STR("token")) < n->key.n)
		conf_bad_key(j, n,
		    "unknown key; tokens are kept as "
		    "token_sha256 only: run \"gatehouse token "
		    "new NAME\"");
	else if (near != NULL)
		conf_bad_key(j, n, "unknown key; did you mean \"%s\"?", near);
	else
		conf_bad_key(j, n, "unknown key; %s shows every key",
		    j->top == NULL ? "\"gatehouse config example\""
				   : "gatehouse.yaml(5)");
}

static void
check_members(struct conf_job *j, struct node *map, const struct setting *up)
{
	for (struct node *n = map->first; n != NULL; n = n->next) {
		const struct setting *row = setting_below(up, n->key);

		if (row == NULL)
			unknown_key(j, n, up);
		else
			check_value(j, n, row);
	}
}

static void
check_section(struct conf_job *j, struct node *n)
{
	check_members(j, n, n->row);
}

static bool
server_name_ok(struct str s)
{
	return s.n >= 1 && s.n <= 32 && made_of(s, SMALL DIGIT "-");
}

static bool
own_name_ok(struct str s)
{
	return s.n <= 64 && made_of(s, SMALL LARGE DIGIT "._@-");
}

static bool
any_name_ok(struct str s)
{
	return s.n <= 1024 && printable(s);
}

/* SERVER/NAME: servers have their own tools, so a glob begins behind it. */
static bool
thing_name_ok(struct str s)
{
	const size_t at = str_find(s, '/');
	const struct str server = str_sub(s, 0, at);

	return at + 1 < s.n && any_name_ok(s) &&
	       (str_eq(server, STR("*")) || server_name_ok(server));
}

/* By the row's unit; what has no row is a name that people chose. */
static const struct name_rule {
	const char *unit, *must;
	bool (*good)(struct str s);
} name_rules[] = {
	{ "server", "a server's name is 1 to 32 of a-z 0-9 -", server_name_ok },
	{ "tool", "a tool is SERVER/TOOL, as fs/read_file or fs/*",
	    thing_name_ok },
	{ "prompt", "a prompt is SERVER/PROMPT, as fs/review or fs/*",
	    thing_name_ok },
	{ "resource", "a URI is 1 to 1024 bytes on one line", any_name_ok },
	{ "model", "a model is 1 to 1024 bytes on one line", any_name_ok },
	{ NULL, "a name is 1 to 64 of A-Z a-z 0-9 . _ @ -", own_name_ok },
};

static void
check_named(struct conf_job *j, struct node *n)
{
	const struct name_rule *rule = name_rules;

	while (rule->unit != NULL && strcmp(rule->unit, n->row->unit) != 0)
		rule++;
	check_count(j, n);
	for (struct node *m = n->first; m != NULL; m = m->next) {
		if (!rule->good(m->key))
			conf_bad_key(j, m, "%s", rule->must);
		if (m->kind != N_MAP)
			conf_bad(j, m, "must hold keys, one on each line");
		else
			check_members(j, m, n->row);
	}
}

static void
check_listof(struct conf_job *j, struct node *n)
{
	check_count(j, n);
	for (struct node *m = n->first; m != NULL; m = m->next) {
		if (m->kind != N_MAP)
			conf_bad(j, m,
			    "must hold keys, as \"- %s{server: fs}\"",
			    setting_is_inventory(n->row) ? "" : "allow: ");
		else
			check_members(j, m, n->row);
	}
}

/* ---- the types ---- */
struct kind {
	enum node_kind kind;
	void (*check)(struct conf_job *j, struct node *n);
	const char *must;
};
static const struct kind kinds[C__N] = {
	[C_SECTION] = { N_MAP, check_section, "hold keys" },
	[C_NAMED] = { N_MAP, check_named, "hold names, one on each line" },
	[C_LISTOF] = { N_LIST, check_listof, "be a list; begin each with -" },
	[C_TEXT] = { N_TEXT, check_text, "be a text" },
	[C_NAME] = { N_TEXT, check_name, "be a name" },
	[C_GLOB] = { N_TEXT, check_text,
	    "be one text; write a second rule "
	    "for a second value" },
	[C_ADDR] = { N_TEXT, check_addr, "be ADDRESS:PORT" },
	[C_PATH] = { N_TEXT, check_text, "be a path" },
	[C_PEM] = { N_TEXT, check_text, "be the path of a PEM file" },
	[C_SECRET] = { N_TEXT, check_text, "be the path of a file" },
	[C_URL] = { N_TEXT, check_url, "be a url" },
	[C_HASH] = { N_TEXT, check_hash, "be 64 hex digits" },
	[C_WORD] = { N_TEXT, check_word, "be a word" },
	[C_BOOL] = { N_TEXT, check_bool, "be true or false" },
	[C_INT] = { N_TEXT, check_number, "be a number" },
	[C_SIZE] = { N_TEXT, check_number, "be a size, as 4MiB" },
	[C_TIME] = { N_TEXT, check_number, "be a time, as 60s" },
	[C_LIST] = { N_LIST, check_texts, "be a list, as [a, b]" },
	[C_PATHS] = { N_LIST, check_texts, "be a list of paths, as [/a, /b]" },
	[C_TEXTS] = { N_MAP, check_texts, "hold names and texts, as {A: b}" },
	[C_FACTS] = { N_MAP, check_facts,
	    "hold tools and their arguments, as {read_file: {path: path}}" },
	[C_RISKS] = { N_MAP, check_lists,
	    "hold tools and their groups, as {send_mail: [egress]}" },
	[C_ARGS] = { N_MAP, check_lists,
	    "hold tools and their arguments, as {read_file: [path]}" },
	[C_CLASSES] = { N_MAP, check_facts,
	    "hold tools and their arguments, as {read_file: {path: safe}}" },
	[C_BYTOOL] = { N_MAP, check_texts, "hold tools, as {read_file: x}" },
	[C_FILE] = { N_TEXT, check_text, "be the path of a file" },
};

/* Depth is that of the table: an unknown key is not walked into. */
static void
check_value(struct conf_job *j, struct node *n, const struct setting *row)
{
	const struct kind *k = &kinds[row->type];

	n->row = row;
	if (n->kind == N_NULL)
		conf_bad(j, n, "has no value; give it one or remove the key");
	else if (n->kind != k->kind)
		conf_bad(j, n, "must %s", k->must);
	else
		k->check(j, n);
}

void
check_tree(struct conf_job *j)
{
	if (j->root == NULL || j->root->kind == N_NULL) {
		conf_bad(j, NULL, "the file is empty%s",
		    j->top == NULL ? "; \"gatehouse config example\" prints "
				     "one to begin with"
				   : "");
		return;
	}
	if (j->root->kind != N_MAP) {
		conf_bad(j, j->root, "the file must hold keys, as \"%s\"",
		    j->top == NULL ? "listen: 127.0.0.1:8642"
				   : "agents: {alice: {}}");
		return;
	}
	check_members(j, j->root, j->top);
}
