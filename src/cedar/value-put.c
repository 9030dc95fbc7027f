/*
 * value-put: values as Cedar text, which reads back as the same value.
 */
#include "cedar/ast.h"
#include "cedar/ext.h"

static void
put_long(struct buf *out, int64_t i)
{
	buf_fmt(out, "%lld", (long long)i);
}

static void
put_bool(struct buf *out, struct cedar_value v)
{
	buf_str(out, v.i ? STR("true") : STR("false"));
}

static void
put_number(struct buf *out, struct cedar_value v)
{
	put_long(out, v.i);
}

static void
put_string(struct buf *out, struct cedar_value v)
{
	ast_put_string(out, cedar_text(v));
}

static void
put_entity(struct buf *out, struct cedar_value v)
{
	cedar_uid_put(out, v.ref->uid);
}

static void
put_set(struct buf *out, struct cedar_value v)
{
	buf_ch(out, '[');
	for (uint32_t i = 0; i < v.n; i++) {
		if (i > 0)
			buf_str(out, STR(", "));
		cedar_value_put(out, v.el[i]);
	}
	buf_ch(out, ']');
}

static void
put_record(struct buf *out, struct cedar_value v)
{
	buf_ch(out, '{');
	for (uint32_t i = 0; i < v.n; i++) {
		if (i > 0)
			buf_str(out, STR(", "));
		ast_put_string(out, v.field[i].key);
		buf_str(out, STR(": "));
		cedar_value_put(out, v.field[i].v);
	}
	buf_ch(out, '}');
}

static void
put_decimal(struct buf *out, struct cedar_value v)
{
	const uint64_t u = v.i < 0 ? 0 - (uint64_t)v.i : (uint64_t)v.i;

	buf_fmt(out, "decimal(\"%s%llu.%04llu\")", v.i < 0 ? "-" : "",
	    (unsigned long long)(u / 10000), (unsigned long long)(u % 10000));
}

/* A date that text can say or, far from our days, an offset from one. */
static void
put_datetime(struct buf *out, struct cedar_value v)
{
	buf_fmt(out, "datetime(\"1970-01-01\").offset(duration(\"%lldms\"))",
	    (long long)v.i);
}

static void
put_duration(struct buf *out, struct cedar_value v)
{
	buf_fmt(out, "duration(\"%lldms\")", (long long)v.i);
}

static void
put_ip(struct buf *out, struct cedar_value v)
{
	buf_str(out, STR("ip(\""));
	for (int i = 0; i < 4 && !v.v6; i++)
		buf_fmt(out, i == 0 ? "%u" : ".%u", (unsigned)v.ip[i]);
	for (int i = 0; i < 8 && v.v6; i++)
		buf_fmt(out, i == 0 ? "%x" : ":%x",
		    (unsigned)v.ip[2 * i] << 8 | v.ip[2 * i + 1]);
	if (v.bits != (v.v6 ? 128 : 32))
		buf_fmt(out, "/%u", (unsigned)v.bits);
	buf_str(out, STR("\")"));
}

static void
put_none(struct buf *out, struct cedar_value v)
{
	(void)v;
	buf_str(out, STR("nothing"));
}

void
cedar_value_put(struct buf *out, struct cedar_value v)
{
	static void (*const put[CEDAR_TYPE__N])(
	    struct buf *, struct cedar_value) = {
		[CEDAR_NONE] = put_none,
		[CEDAR_BOOL] = put_bool,
		[CEDAR_LONG] = put_number,
		[CEDAR_STRING] = put_string,
		[CEDAR_ENTITY] = put_entity,
		[CEDAR_SET] = put_set,
		[CEDAR_RECORD] = put_record,
		[CEDAR_DECIMAL] = put_decimal,
		[CEDAR_DATETIME] = put_datetime,
		[CEDAR_DURATION] = put_duration,
		[CEDAR_IP] = put_ip,
	};

	BUG_ON(v.type >= CEDAR_TYPE__N);
	put[v.type](out, v);
}
