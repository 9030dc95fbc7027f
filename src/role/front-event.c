/*
 * front-event.c: POST /v1/events, by which an agent states input and plan
 * without speaking MCP.  A statement becomes a call of the gateway's own tool,
 * so nothing about it is decided otherwise; its answer is told without
 * JSON-RPC.
 */
#include "role/front-in.h"

#include <stdio.h>

/* no: so that no two that wait in one session have one id. */
void
event_call(uint64_t no, struct jv said, struct buf *id, struct buf *params)
{
	char name[40];
	size_t o;

	(void)snprintf(
	    name, sizeof(name), "event-%llu", (unsigned long long)no);
	tape_str(id, str_of(name));
	o = tape_obj(params);
	tape_key(params, STR("name"));
	tape_str(params, STR("gatehouse___plan"));
	tape_key(params, STR("arguments"));
	tape_copy(params, said);
	tape_end(params, o, 2);
}

/* {"cell","record"}, or {"error":{"code","message"}}. */
struct str
event_text(struct front *f, const struct msg *m, unsigned *status)
{
	const struct jv r = msg_tree(m, F_RESULT);
	struct jit it = jit_of(jv_get(r, STR("content")));
	struct buf *b = &f->work;
	struct jv text = { NULL, 0 };
	size_t o, e;

	buf_clear(b);
	buf_clear(&f->json);
	if (!msg_has(m, F_ERROR) && !jv_true(jv_get(r, STR("isError")))) {
		json_write(jv_get(r, STR("structuredContent")), &f->json);
		return buf_view(&f->json);
	}
	o = tape_obj(b);
	tape_key(b, STR("error"));
	if (msg_has(m, F_ERROR)) {
		*status = *status == 200 ? 400 : *status;
		tape_copy(b, msg_tree(m, F_ERROR));
	} else { /* a refusal that a model would read */
		*status = 403;
		(void)jit_next(&it, NULL, &text);
		e = tape_obj(b);
		tape_key(b, STR("code"));
		tape_i64(b, MCP_E_DENIED);
		tape_key(b, STR("message"));
		tape_str(b, jv_str(jv_get(text, STR("text"))));
		tape_end(b, e, 2);
	}
	tape_end(b, o, 1);
	json_write(jv_of(buf_view(b)), &f->json);
	return buf_view(&f->json);
}
