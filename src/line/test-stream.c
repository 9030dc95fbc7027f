/*
 * test-stream: what a legacy agent sees of its server's stream: that it can be
 * resumed, when to come back, and what it missed.
 */
#include "line/test-in.h"

static uint64_t call_ref;

/* A session of this version, and a call of it with a progress token. */
static struct line *
calling(const char *version, uint64_t flags, char id[static 64])
{
	struct line *l = fresh();
	struct msg m = msg_of(MSG_REQUEST);
	struct buf n = { .max = 64 };
	char hello[64], cred[32];
	struct said s = { .where = 1,
		.era = MCP_LEGACY,
		.flags = flags,
		.name = "initialize",
		.params = hello };

	(void)snprintf(
	    hello, sizeof(hello), "{\"protocolVersion\":\"%s\"}", version);
	say(l, &s);
	ack(l, true);
	opened(l, MCP_LEGACY, "{\"tools\":{}}");
	ack(l, false);
	session_name(id);
	call_ref = next_ref++;
	memset(cred, 'a', sizeof(cred));
	tape_i64(&n, 1);
	msg_set(&m, F_REF, call_ref);
	msg_set(&m, F_WHERE, 1);
	msg_set(&m, F_ERA, MCP_LEGACY);
	msg_set(&m, F_METHOD, MCP_TOOLS_CALL);
	msg_set(&m, F_FLAGS, MF_CRED | MF_PROGRESS | flags);
	msg_set_text(&m, F_NAME, STR("tools/call"));
	msg_set_text(&m, F_CRED, (struct str){ cred, sizeof(cred) });
	if (flags == 0)
		msg_set_text(&m, F_SESSION, str_of(id));
	msg_set_text(&m, F_ID, buf_view(&n));
	msg_set_tree(&m, F_PARAMS, tape("{\"name\":\"read\"}"));
	msg_set_tree(&m, F_TOKEN, tape("\"mine\""));
	line_from_front(l, 0, &m);
	ack(l, true);
	buf_done(&n);
	return l;
}

/* The back says this of the call that is out. */
static void
event(struct line *l, const char *name, uint64_t flags, uint64_t ms,
    const char *params)
{
	struct msg m = msg_of(MSG_UP_EVENT);

	for (size_t i = 0; i < outs_n; i++)
		if (outs[i].m.kind == MSG_UP_CALL) {
			msg_set(&m, F_HOP, msg_num(&outs[i].m, F_HOP));
			msg_set(&m, F_CALL, msg_num(&outs[i].m, F_CALL));
		}
	msg_set_text(&m, F_NAME, str_of(name));
	msg_set(&m, F_FLAGS, flags);
	msg_set(&m, F_TIME, ms);
	if (params != NULL)
		msg_set_tree(&m, F_PARAMS, tape(params));
	line_from_back(l, 0, &m);
}

static size_t
accepted_n(void)
{
	size_t n = 0;

	for (size_t i = 0; i < outs_n; i++)
		n += outs[i].m.kind == MSG_ACCEPTED &&
		     (msg_num(&outs[i].m, F_FLAGS) & MF_STREAM) != 0;
	return n;
}

static void
test_mirror(void)
{
	static const struct {
		uint64_t said, seen;
	} t[] = { { 0, 50 }, { 50, 50 }, { 700, 700 }, { 30000, 30000 },
		{ 30001, 30000 }, { UINT64_MAX, 30000 } };
	char id[64];

	for (size_t i = 0; i < countof(t); i++) {
		struct line *l = calling("2025-11-25", 0, id);

		event(l, "stream", MF_STREAM, t[i].said, NULL);
		ok(accepted_n() == 1 &&
			msg_num(sent(MSG_ACCEPTED), F_REF) == call_ref &&
			msg_text(sent(MSG_ACCEPTED), F_EVENT).n > 0 &&
			msg_num(sent(MSG_ACCEPTED), F_TIME) == t[i].seen,
		    "a stream that can be resumed is one for the agent");
		ok(sent(MSG_END) == NULL, "and stays open");
		event(l, "stream", MF_STREAM | MF_FINAL, t[i].said, NULL);
		ok(sent(MSG_END) != NULL &&
			msg_num(sent(MSG_END), F_REF) == call_ref &&
			msg_num(sent(MSG_END), F_TIME) == t[i].seen,
		    "closed for now: so is the agent's, for a bounded time");
		ok(line_busy(l) == 1 && sent(MSG_UP_CANCEL) == NULL,
		    "and the call goes on");
		event(l, "stream", MF_STREAM | MF_FINAL, 1, NULL);
		ok(sent_n(MSG_END) == 1, "a stream ends once");
		forget();
		line_free(l);
	}
}

static void
test_call_is_short(void)
{
	char id[64];
	struct line *l = calling("2025-11-25", 0, id);

	l->call_ns = UINT64_C(2000000000);
	event(l, "stream", MF_STREAM | MF_FINAL, 20000, NULL);
	ok(msg_num(sent(MSG_END), F_TIME) == 2000,
	    "nobody is sent away for longer than the call may last");
	forget();
	line_free(l);
}

static void
test_not_mirrored(void)
{
	static const struct {
		const char *version, *what;
		uint64_t flags;
	} t[] = {
		{ "2025-06-18", "an agent that knows of no such thing", 0 },
		{ "2025-11-25", "an agent behind a pipe", MF_STDIO },
	};
	char id[64];

	for (size_t i = 0; i < countof(t); i++) {
		struct line *l = calling(t[i].version, t[i].flags, id);

		event(l, "stream", MF_STREAM, 100, NULL);
		event(l, "stream", MF_STREAM | MF_FINAL, 100, NULL);
		ok(accepted_n() == 0 && sent(MSG_END) == NULL,
		    "%s sees nothing of it", t[i].what);
		answered(l, 0, "{\"content\":[]}");
		ack(l, true);
		ok(sent(MSG_ANSWER) != NULL, "and gets its answer");
		forget();
		line_free(l);
	}
}

static const char *
shown_params(size_t nth, const char *key)
{
	static char text[64];

	text[0] = '\0';
	for (size_t i = 0; i < outs_n; i++) {
		const struct msg *m = &outs[i].m;
		struct jv v;

		if (m->kind != MSG_EVENT || nth-- > 0)
			continue;
		v = jv_get(msg_tree(m, F_PARAMS), str_of(key));
		if (jv_is(v, J_STR))
			(void)snprintf(
			    text, sizeof(text), "%.*s", STR_ARG(jv_str(v)));
		break;
	}
	return text;
}

static void
resume(struct line *l, const char *id, const char *event_id)
{
	struct msg m = msg_of(MSG_STREAM);
	char cred[32];

	memset(cred, 'a', sizeof(cred));
	msg_set(&m, F_REF, 5000);
	msg_set(&m, F_WHERE, 1);
	msg_set_text(&m, F_SESSION, str_of(id));
	msg_set_text(&m, F_CRED, (struct str){ cred, sizeof(cred) });
	msg_set_text(&m, F_EVENT, str_of(event_id));
	line_from_front(l, 0, &m);
}

#define PROGRESS "notifications/progress"

static void
test_progress(void)
{
	char id[64], at[64];
	struct line *l = calling("2025-11-25", 0, id);

	event(l, "stream", MF_STREAM, 100, NULL);
	(void)snprintf(at, sizeof(at), "%.*s",
	    STR_ARG(msg_text(sent(MSG_ACCEPTED), F_EVENT)));
	event(l, "stream", MF_STREAM | MF_FINAL, 100, NULL);
	event(l, PROGRESS, 0, 0, "{\"progress\":1,\"message\":\"missed\"}");
	ok(sent(MSG_EVENT) == NULL, "nobody is there to hear of progress");
	resume(l, id, at);
	ok(sent_n(MSG_EVENT) == 1 && msg_num(sent(MSG_EVENT), F_REF) == 5000 &&
		strcmp(shown_params(0, "message"), "missed") == 0 &&
		strcmp(shown_params(0, "progressToken"), "mine") == 0,
	    "who comes back is told, under its own token");
	event(l, PROGRESS, 0, 0, "{\"progress\":2,\"message\":\"live\"}");
	ok(sent_n(MSG_EVENT) == 2 && msg_num(sent(MSG_EVENT), F_REF) == 5000 &&
		strcmp(shown_params(1, "message"), "live") == 0 &&
		strcmp(shown_params(1, "progressToken"), "mine") == 0,
	    "and of what follows");
	answered(l, 0, "{\"content\":[]}");
	ack(l, true);
	ok(sent(MSG_ANSWER) != NULL && msg_num(sent(MSG_ANSWER), F_REF) == 5000,
	    "the answer comes there");
	forget();
	line_free(l);
}

int
main(void)
{
	test_mirror();
	test_call_is_short();
	test_not_mirrored();
	test_progress();
	return tap_done();
}
