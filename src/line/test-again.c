/*
 * test-again: what a session had set at a server is set again when the server
 * has lost it, and nothing else is.
 */
#include "line/test-in.h"

static const char caps[] =
    "{\"tools\":{},\"logging\":{},\"resources\":{\"subscribe\":true}}";

static void
done(struct line *l, const char *id, const char *method, const char *params)
{
	legacy(l, id, method, params, 'a');
	ack(l, true);
	if (sent(MSG_UP_CALL) != NULL)
		answered(l, 0, "{}");
	ack(l, true);
	forget();
}

static void
lose(struct line *l)
{
	struct msg m = msg_of(MSG_HOP_LOST);

	msg_set(&m, F_HOP, ((struct hop *)l->hop_ids.at[0].p)->id);
	msg_set_text(&m, F_TEXT, STR("gone"));
	line_from_back(l, 0, &m);
}

/* Calls of this method with this text in their params. */
static size_t
calls(enum mcp_method method, const char *with)
{
	size_t n = 0;

	for (size_t i = 0; i < outs_n; i++) {
		const struct str p = msg_text(&outs[i].m, F_PARAMS);

		n += outs[i].m.kind == MSG_UP_CALL &&
		     msg_num(&outs[i].m, F_METHOD) == method &&
		     str_search(p, str_of(with)) < p.n;
	}
	return n;
}

static size_t
facts(void)
{
	size_t n = 0;

	for (size_t i = 0; i < outs_n; i++)
		n += outs[i].m.kind == MSG_RECORD &&
		     str_eq(jv_str(jv_get(
				msg_tree(&outs[i].m, F_REC), STR("kind"))),
			 STR("again"));
	return n;
}

static struct line *
begun(enum mcp_era era, char id[static 64])
{
	struct line *l = fresh();

	begin_session_at(l, era, caps);
	session_name(id);
	forget();
	return l;
}

static void
test_lost(enum mcp_era era)
{
	const enum mcp_method follow =
	    era == MCP_LEGACY ? MCP_SUBSCRIBE : MCP_LISTEN;
	char id[64];
	struct line *l = begun(era, id);

	done(l, id, "logging/setLevel", "{\"level\":\"debug\"}");
	done(l, id, "resources/subscribe", "{\"uri\":\"x://one\"}");
	done(l, id, "resources/subscribe", "{\"uri\":\"x://two\"}");
	done(l, id, "resources/unsubscribe", "{\"uri\":\"x://two\"}");
	lose(l);
	legacy(l, id, "tools/call", "{\"name\":\"read\"}", 'a');
	ack(l, true);
	opened(l, era, caps);
	ok(facts() == 1, "a session opened again: that is on record");
	ok(calls(MCP_SET_LEVEL, "debug") == (era == MCP_LEGACY),
	    "a legacy server gets its log level, a modern one with each call");
	ok(calls(follow, "x://one") == 1 && calls(follow, "x://two") == 0,
	    "what was followed is followed, what no more was is not");
	ok(calls(MCP_TOOLS_CALL, "read") == 1, "and the call goes on");
	forget();
	lose(l);
	line_ledger_lost(l);
	ok(calls(follow, "x://") == 0, "without a ledger nothing is said");
	forget();
	line_free(l);
}

static void
test_nothing(void)
{
	char id[64];
	struct line *l = begun(MCP_LEGACY, id);

	done(l, id, "tools/call", "{\"name\":\"read\"}");
	lose(l);
	legacy(l, id, "tools/call", "{\"name\":\"read\"}", 'a');
	ack(l, true);
	opened(l, MCP_LEGACY, caps);
	ok(facts() == 0 && sent_n(MSG_UP_CALL) == 1,
	    "who had set nothing sets nothing");
	forget();
	line_free(l);
}

/* The back opens a session that the server does not know any more. */
static void
test_reopened(void)
{
	struct msg m = msg_of(MSG_HOP_OPENED);
	char id[64];
	struct line *l = begun(MCP_LEGACY, id);

	done(l, id, "resources/subscribe", "{\"uri\":\"x://one\"}");
	msg_set(&m, F_HOP, ((struct hop *)l->hop_ids.at[0].p)->id);
	msg_set(&m, F_STATUS, 0);
	msg_set(&m, F_ERA, MCP_LEGACY);
	line_from_back(l, 0, &m);
	ok(facts() == 1 && calls(MCP_SUBSCRIBE, "x://one") == 1,
	    "opened again below us: the same");
	forget();
	line_free(l);
}

/* A refused subscription was none. */
static void
test_refused(void)
{
	struct msg m = msg_of(MSG_UP_ANSWER);
	char id[64];
	struct line *l = begun(MCP_LEGACY, id);

	legacy(l, id, "resources/subscribe", "{\"uri\":\"x://no\"}", 'a');
	ack(l, true);
	msg_set(&m, F_CALL, msg_num(sent(MSG_UP_CALL), F_CALL));
	msg_set_tree(&m, F_ERROR, tape("{\"code\":-32602}"));
	line_from_back(l, 0, &m);
	ack(l, true);
	forget();
	lose(l);
	legacy(l, id, "tools/call", "{\"name\":\"read\"}", 'a');
	ack(l, true);
	opened(l, MCP_LEGACY, caps);
	ok(facts() == 0 && calls(MCP_SUBSCRIBE, "x://no") == 0,
	    "what the server refused is not asked again");
	forget();
	line_free(l);
}

int
main(void)
{
	test_lost(MCP_LEGACY);
	test_lost(MCP_MODERN);
	test_nothing();
	test_reopened();
	test_refused();
	return tap_done();
}
