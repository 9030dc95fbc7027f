/*
 * eval-call: the functions of the extension types, one row each: what they
 * take, what they give.
 */
#include "cedar/eval.h"
#include "cedar/ext.h"

static const struct cedar_value none = { 0 };

/* A failure that is not a wrong type is said in *why. */
struct call {
	const struct cedar_value *arg;
	struct arena *a;
	struct note *why;
};

static struct cedar_value
made(const struct call *c, struct cedar_value v, const char *what)
{
	if (v.type == CEDAR_NONE)
		note_set(c->why, "\"%.*s\" is no %s",
		    STR_ARG(cedar_text(*c->arg)), what);
	return v;
}

static struct cedar_value
fn_decimal(const struct call *c)
{
	return made(c, cedar_decimal_of(cedar_text(*c->arg)), "decimal");
}

static struct cedar_value
fn_ip(const struct call *c)
{
	return made(c, cedar_ip_of(cedar_text(*c->arg), c->a), "ipaddr");
}

static struct cedar_value
fn_datetime(const struct call *c)
{
	return made(c, cedar_datetime_of(cedar_text(*c->arg)), "datetime");
}

static struct cedar_value
fn_duration(const struct call *c)
{
	return made(c, cedar_duration_of(cedar_text(*c->arg)), "duration");
}

static struct cedar_value
fn_less(const struct call *c)
{
	return cedar_bool(c->arg[0].i < c->arg[1].i);
}

static struct cedar_value
fn_less_equal(const struct call *c)
{
	return cedar_bool(c->arg[0].i <= c->arg[1].i);
}

static struct cedar_value
fn_greater(const struct call *c)
{
	return cedar_bool(c->arg[0].i > c->arg[1].i);
}

static struct cedar_value
fn_greater_equal(const struct call *c)
{
	return cedar_bool(c->arg[0].i >= c->arg[1].i);
}

static struct cedar_value
fn_is_v4(const struct call *c)
{
	return cedar_bool(!c->arg->v6);
}

static struct cedar_value
fn_is_v6(const struct call *c)
{
	return cedar_bool(c->arg->v6);
}

static struct cedar_value
fn_is_loopback(const struct call *c)
{
	return cedar_bool(ext_ip_loopback(*c->arg));
}

static struct cedar_value
fn_is_multicast(const struct call *c)
{
	return cedar_bool(ext_ip_multicast(*c->arg));
}

static struct cedar_value
fn_is_in_range(const struct call *c)
{
	return cedar_bool(ext_ip_within(c->arg[0], c->arg[1]));
}

static struct cedar_value
fn_offset(const struct call *c)
{
	int64_t ms;

	if (__builtin_add_overflow(c->arg[0].i, c->arg[1].i, &ms)) {
		note_set(c->why, "offset overflows");
		return none;
	}
	return cedar_datetime(ms);
}

static struct cedar_value
fn_duration_since(const struct call *c)
{
	int64_t ms;

	if (__builtin_sub_overflow(c->arg[0].i, c->arg[1].i, &ms)) {
		note_set(c->why, "durationSince overflows");
		return none;
	}
	return cedar_duration(ms);
}

static struct cedar_value
fn_to_date(const struct call *c)
{
	int64_t ms;

	if (!ext_midnight(c->arg->i, &ms)) {
		note_set(c->why, "toDate overflows");
		return none;
	}
	return cedar_datetime(ms);
}

static struct cedar_value
fn_to_time(const struct call *c)
{
	return cedar_duration(ext_since_midnight(c->arg->i));
}

static struct cedar_value
fn_to_ms(const struct call *c)
{
	return cedar_long(c->arg->i);
}

static struct cedar_value
fn_to_seconds(const struct call *c)
{
	return cedar_long(c->arg->i / 1000);
}

static struct cedar_value
fn_to_minutes(const struct call *c)
{
	return cedar_long(c->arg->i / 60000);
}

static struct cedar_value
fn_to_hours(const struct call *c)
{
	return cedar_long(c->arg->i / 3600000);
}

static struct cedar_value
fn_to_days(const struct call *c)
{
	return cedar_long(c->arg->i / EXT_DAY);
}

struct fn {
	struct cedar_value (*run)(const struct call *c);
	uint8_t type[2]; /* of the arguments; NONE: there is no second */
};
static const struct fn fns[AST_FN__N] = {
	[AST_FN_DECIMAL] = { fn_decimal, { CEDAR_STRING } },
	[AST_FN_IP] = { fn_ip, { CEDAR_STRING } },
	[AST_FN_DATETIME] = { fn_datetime, { CEDAR_STRING } },
	[AST_FN_DURATION] = { fn_duration, { CEDAR_STRING } },
	[AST_FN_LESS_THAN] = { fn_less, { CEDAR_DECIMAL, CEDAR_DECIMAL } },
	[AST_FN_LESS_THAN_OR_EQUAL] = { fn_less_equal,
	    { CEDAR_DECIMAL, CEDAR_DECIMAL } },
	[AST_FN_GREATER_THAN] = { fn_greater,
	    { CEDAR_DECIMAL, CEDAR_DECIMAL } },
	[AST_FN_GREATER_THAN_OR_EQUAL] = { fn_greater_equal,
	    { CEDAR_DECIMAL, CEDAR_DECIMAL } },
	[AST_FN_IS_IPV4] = { fn_is_v4, { CEDAR_IP } },
	[AST_FN_IS_IPV6] = { fn_is_v6, { CEDAR_IP } },
	[AST_FN_IS_LOOPBACK] = { fn_is_loopback, { CEDAR_IP } },
	[AST_FN_IS_MULTICAST] = { fn_is_multicast, { CEDAR_IP } },
	[AST_FN_IS_IN_RANGE] = { fn_is_in_range, { CEDAR_IP, CEDAR_IP } },
	[AST_FN_OFFSET] = { fn_offset, { CEDAR_DATETIME, CEDAR_DURATION } },
	[AST_FN_DURATION_SINCE] = { fn_duration_since,
	    { CEDAR_DATETIME, CEDAR_DATETIME } },
	[AST_FN_TO_DATE] = { fn_to_date, { CEDAR_DATETIME } },
	[AST_FN_TO_TIME] = { fn_to_time, { CEDAR_DATETIME } },
	[AST_FN_TO_MILLISECONDS] = { fn_to_ms, { CEDAR_DURATION } },
	[AST_FN_TO_SECONDS] = { fn_to_seconds, { CEDAR_DURATION } },
	[AST_FN_TO_MINUTES] = { fn_to_minutes, { CEDAR_DURATION } },
	[AST_FN_TO_HOURS] = { fn_to_hours, { CEDAR_DURATION } },
	[AST_FN_TO_DAYS] = { fn_to_days, { CEDAR_DURATION } },
};

struct cedar_value
ext_call(enum ast_fn fn, const struct cedar_value *arg, uint32_t n,
    struct arena *a, struct note *why)
{
	const struct fn *f = &fns[fn];
	const struct call c = { arg, a, why };
	const uint32_t want = f->type[1] == CEDAR_NONE ? 1 : 2;
	struct cedar_value got;

	if (n != want) {
		note_set(why, "%.*s takes %u argument%s, not %u",
		    STR_ARG(ast_fns[fn].name), want, want == 1 ? "" : "s", n);
		return none;
	}
	for (uint32_t i = 0; i < n; i++)
		if (arg[i].type != f->type[i]) {
			note_set(why, "expected %s, found %s",
			    cedar_type_name(f->type[i]),
			    cedar_type_name(arg[i].type));
			return none;
		}
	got = f->run(&c);
	/* cppcheck-suppress returnDanglingLifetime ; it is what f made */
	return got;
}

struct cedar_value
ev_call(struct ev *ev, const struct code_node *n)
{
	struct cedar_value arg[2], v;
	struct note why;

	why.text[0] = '\0';
	for (uint32_t i = 0; i < n->n; i++) {
		v = ev_node(ev, ev->e->list[n->a + i]);
		if (v.type == CEDAR_NONE)
			return v;
		if (i < countof(arg))
			arg[i] = v;
	}
	v = ext_call(n->x, arg, n->n, ev->a, &why);
	if (v.type != CEDAR_NONE)
		return v;
	if (arena_spent(ev->a))
		return ev_spent(ev);
	return ev_fail(ev, n, "%s", why.text);
}
