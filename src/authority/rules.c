/*
 * rules.c: the shorthand of gatehouse.yaml as Cedar.  A rule is a permit or a
 * forbid with globs; what it says plainly goes to the scope, where the engine
 * finds it by index, and a glob becomes `like`.
 */
#include "authority/authority-in.h"

/* Four times the largest policy that we know of. */
enum { RULES_MAX = 10000 };

enum part { P_PRINCIPAL, P_SERVER, P_METHOD, P_NAME, P__N };
static const struct str part_name[P__N] = {
	[P_PRINCIPAL] = STR_INIT("principal"),
	[P_SERVER] = STR_INIT("server"),
	[P_METHOD] = STR_INIT("method"),
	[P_NAME] = STR_INIT("name"),
};
/* What a glob is compared with. */
static const struct str part_at[P__N] = {
	[P_PRINCIPAL] = STR_INIT("principal.name"),
	[P_SERVER] = STR_INIT("resource.server"),
	[P_METHOD] = STR_INIT("context.call.method"),
	[P_NAME] = STR_INIT("context.call.name"),
};

struct rule {
	bool allow;
	struct str part[P__N];
	struct str id, reason;
};

/* ---- reading ---- */

/* A member's text goes where its name says; NULL: no rule has this member. */
static struct str *
member_at(struct str key, struct str *effect, struct rule *r)
{
	for (size_t i = 0; i < P__N; i++)
		if (str_eq(key, part_name[i]))
			return &r->part[i];
	if (str_eq(key, STR("effect")))
		return effect;
	if (str_eq(key, STR("id")))
		return &r->id;
	if (str_eq(key, STR("reason")))
		return &r->reason;
	return NULL;
}

/* Every member must be there: what a lost one meant cannot be guessed, and
 * "everything" would open the door. */
static enum err
rule_read(struct jv v, size_t nr, struct rule *out, struct note *why)
{
	struct str effect = { NULL, 0 }, key;
	struct rule r = { .allow = false };
	struct jit it = jit_of(v);
	struct jv val;
	size_t n = 0;

	if (!jv_is(v, J_OBJ)) {
		note_set(why, "rule %zu is not an object", nr);
		return ERR_SYNTAX;
	}
	for (; jit_next(&it, &key, &val); n++) {
		struct str *at = member_at(key, &effect, &r);

		if (at == NULL || !jv_is(val, J_STR) || at->p != NULL) {
			note_set(why, "rule %zu: %s member \"%.*s\"", nr,
			    at == NULL	    ? "unknown"
			    : at->p != NULL ? "repeated"
					    : "not a text:",
			    (int)(key.n > 40 ? 40 : key.n), key.p);
			return ERR_SYNTAX;
		}
		*at = jv_str(val);
	}
	r.allow = str_eq(effect, STR("allow"));
	/* none repeats, so seven known ones are all of them */
	if (n != P__N + 3 || r.id.n == 0 ||
	    (!r.allow && !str_eq(effect, STR("deny")))) {
		note_set(why,
		    "rule %zu: needs effect (allow or deny), principal, "
		    "server, method, name, id and reason",
		    nr);
		return ERR_SYNTAX;
	}
	*out = r;
	return OK;
}

/* ---- writing ---- */

enum glob { ANY, WORD, WALK };

static enum glob
glob_of(struct str s)
{
	if (str_eq(s, STR("*")))
		return ANY;
	return str_find(s, '*') == s.n ? WORD : WALK;
}

/* A Cedar string, or a pattern: in both only \ and " need a backslash, and
 * what does not print is written by its number. */
static void
put_text(struct buf *b, struct str s)
{
	buf_ch(b, '"');
	for (size_t i = 0; i < s.n; i++) {
		const char ch = s.p[i];

		if (ch == '"' || ch == '\\')
			buf_ch(b, '\\');
		if ((unsigned char)ch < 0x20 || ch == 0x7f)
			buf_fmt(b, "\\u{%x}", (unsigned)(unsigned char)ch);
		else
			buf_ch(b, ch);
	}
	buf_ch(b, '"');
}

static void
put_scope(struct buf *b, const struct rule *r, const char *action)
{
	buf_str(b, STR("@id("));
	put_text(b, r->id);
	buf_str(b, STR(")\n@reason("));
	put_text(b, r->reason);
	buf_fmt(b, ")\n%s (", r->allow ? "permit" : "forbid");
	buf_str(b, STR("principal"));
	if (glob_of(r->part[P_PRINCIPAL]) == WORD) {
		buf_str(b, STR(" == " NS "Agent::"));
		put_text(b, r->part[P_PRINCIPAL]);
	}
	buf_fmt(b, ", %s, resource", action);
	if (glob_of(r->part[P_SERVER]) == WORD) {
		buf_str(b, STR(" in " NS "Server::"));
		put_text(b, r->part[P_SERVER]);
	}
	buf_ch(b, ')');
}

/* Names are in scope when they can be; the rest are conditions. */
static void
put_conditions(struct buf *b, const struct rule *r, unsigned parts)
{
	for (size_t i = 0; i < P__N; i++) {
		const enum glob g = glob_of(r->part[i]);

		if ((parts & 1u << i) == 0 || g == ANY ||
		    (g == WORD && (i == P_PRINCIPAL || i == P_SERVER)))
			continue;
		buf_fmt(b, "\nwhen { %.*s %s ", STR_ARG(part_at[i]),
		    g == WORD ? "==" : "like");
		put_text(b, r->part[i]);
		buf_str(b, STR(" }"));
	}
	buf_str(b, STR(";\n"));
}

static enum err
add(struct cedar_policies *ps, struct str id, const struct buf *text,
    struct note *why)
{
	struct cedar_why at;
	enum err e = buf_end(text);

	if (!e)
		e = cedar_policy_parse(ps, id, buf_view(text), &at);
	if (e)
		note_set(why, "rule %.*s: %s", STR_ARG(id), at.note.text);
	return e;
}

/* May the principal come to this server at all?  A permit for anything there
 * says yes, a forbid for every name of the method no. */
static enum err
add_reach(struct cedar_policies *ps, const struct rule *r, struct buf *b,
    struct note *why)
{
	struct buf id = { .max = 256 };
	unsigned parts = 1u << P_PRINCIPAL | 1u << P_SERVER;
	enum err e;

	if (!r->allow && glob_of(r->part[P_NAME]) != ANY)
		return OK;
	if (!r->allow)
		parts |= 1u << P_METHOD;
	buf_clear(b);
	put_scope(b, r, "action == " NS "Action::\"" A_REACH "\"");
	put_conditions(b, r, parts);
	buf_fmt(&id, "reach:%.*s", STR_ARG(r->id));
	e = add(ps, buf_view(&id), b, why);
	buf_done(&id);
	return e;
}

enum err
rules_compile(
    struct jv rules, bool list, struct cedar_policies *ps, struct note *why)
{
	struct jit it = jit_of(rules);
	struct buf b = { .max = 64 << 10 };
	struct jv v;
	enum err e = OK;

	if (!jv_is(rules, J_ARR)) {
		note_set(why, "the image has no rules");
		return ERR_SYNTAX;
	}
	if (jv_count(rules) > RULES_MAX) {
		note_set(why, "more than %d rules", RULES_MAX);
		return ERR_LIMIT;
	}
	for (size_t nr = 1; !e && jit_next(&it, NULL, &v); nr++) {
		struct rule r;

		e = rule_read(v, nr, &r, why);
		if (e)
			break;
		buf_clear(&b);
		put_scope(&b, &r, "action");
		put_conditions(&b, &r, ~0u);
		e = add(ps, r.id, &b, why);
		if (!e && list)
			e = add_reach(ps, &r, &b, why);
	}
	buf_done(&b);
	return e;
}
