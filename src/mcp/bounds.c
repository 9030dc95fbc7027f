/*
 * bounds.c: what tools' inputSchemas ask of arguments, compiled where the
 * server's bytes arrive.
 */
#include "mcp/mcp.h"
#include "schema/schema.h"

enum {
	IMAGE_MAX = 256 << 10, /* of one tool; a usual one has 4 KiB */
	IMAGES_MAX = 6 << 20,  /* of one list: it crosses with it */
	/* What is compiled of a list is bounded by its size: some ten
	 * nanoseconds a step. */
	STEPS_LEAST = 20000,
	STEPS_A_BYTE = 20,
};
enum { HAS_IMAGE, HAS_WHY };

static enum err
compile(struct jv tool, bool open, struct buf *image, struct note *why)
{
	const struct jv schema = jv_get(tool, STR("inputSchema"));
	const struct schema_limits most = { .nodes = schema_default.nodes,
		.image = IMAGE_MAX,
		.pattern = schema_default.pattern,
		.paths = schema_default.paths,
		.steps =
		    STEPS_LEAST + (uint64_t)jv_bytes(schema).n * STEPS_A_BYTE };
	const struct schema_opts o = { .closed = !open, .limits = &most };
	struct note what = { "" };
	enum err e;

	if (!jv_is(schema, J_OBJ)) {
		note_set(why, "inputSchema is no object");
		return ERR_SYNTAX;
	}
	e = schema_compile(schema, &o, image, &what);
	if (e)
		note_set(
		    why, "inputSchema cannot be judged: %.190s", what.text);
	return e;
}

void
bounds_put(struct jv tools, bool open, struct buf *out)
{
	struct jit it = jit_of(tools);
	const size_t from = out->n;
	struct jv v;

	while (jit_next(&it, NULL, &v)) {
		struct buf image = { .max = IMAGE_MAX };
		struct note why = { "the list is too large to be judged" };
		const bool is = out->n - from < IMAGES_MAX &&
				compile(v, open, &image, &why) == OK;
		const struct str s = is ? buf_view(&image) : str_of(why.text);

		buf_u8(out, is ? HAS_IMAGE : HAS_WHY);
		buf_u32(out, (uint32_t)s.n);
		buf_str(out, s);
		buf_done(&image);
	}
}

bool
bounds_next(struct cur *c, struct bounds *out)
{
	const uint8_t kind = cur_u8(c);
	const uint32_t n = cur_u32(c);
	const struct str s = cur_str(c, n);

	*out = (struct bounds){ .image = STR("") };
	if (c->bad || kind > HAS_WHY)
		return false;
	*(kind == HAS_IMAGE ? &out->image : &out->why) = s;
	return true;
}
