/*
 * test-back-era: which era role back finds its upstream to speak, from what it
 * is answered, for agents of both eras; and what it makes of no era at all.
 */
#include "role/test-back.h"

#define VERSIONS(v) "{\"supportedVersions\":[" v "],\"capabilities\":{}}"
#define ERROR(code, data)                                                      \
	"{\"jsonrpc\":\"2.0\",\"id\":%ld,\"error\":{\"code\":" code            \
	",\"message\":\"no\"" data "}}"
#define OLD_HELLO                                                              \
	"{\"protocolVersion\":\"2025-06-18\",\"capabilities\":{},"             \
	"\"serverInfo\":{\"name\":\"s\"}}"

/* How an upstream answers one question: a result, or a status with a body. */
struct say {
	const char *result, *status, *body;
};
static const struct say modern = { VERSIONS("\"2026-07-28\""), NULL, NULL };
static const struct say old = { OLD_HELLO, NULL, NULL };
static const struct say unknown = { NULL, "404 Not Found",
	ERROR("-32601", "") };
static const struct say nothing = { NULL, NULL, NULL };

static struct say discover, discover_again, initialize;
static unsigned discovers, inits;

static void
say_as(struct peer *p, const struct say *s)
{
	char text[1024];

	if (s->result != NULL) {
		http_result(p, "", s->result);
	} else if (s->status != NULL && s->body == NULL) {
		(void)snprintf(text, sizeof(text),
		    "HTTP/1.1 %s\r\nContent-Type: text/html\r\n"
		    "Content-Length: 6\r\n\r\n<html>",
		    s->status);
		say(p, text);
	} else if (s->status != NULL) {
		/* the formats are the ones above, with one number */
		const char *cut = strstr(s->body, "%ld");

		(void)snprintf(text, sizeof(text), "%.*s%ld%s",
		    (int)(cut - s->body), s->body, id_of(p), cut + 3);
		http_json(p, s->status, "", text);
	}
}

static void
upstream(struct world *w, struct peer *p)
{
	(void)w;
	if (asks(p, "server/discover"))
		say_as(p, discovers++ == 0 ? &discover : &discover_again);
	else if (asks(p, "initialize") && ++inits > 0)
		say_as(p, &initialize);
	else if (has_head(p, "POST "))
		say(p, "HTTP/1.1 202 Accepted\r\nContent-Length: 0\r\n\r\n");
	else
		say(p, "HTTP/1.1 405 No\r\nContent-Length: 0\r\n\r\n");
}

static void
open_as(struct world *w, uint64_t hop, bool modern_agent)
{
	struct msg m = msg_of(MSG_HOP_OPEN);

	msg_set(&m, F_HOP, hop);
	msg_set(&m, F_WHERE, 0);
	msg_set_text(&m, F_VERSION,
	    modern_agent ? MCP_MODERN_VERSION : MCP_LATEST_LEGACY);
	tell(w, &m);
	discovers = inits = 0;
}

enum found { FAILS, LEGACY, MODERN };

static const struct {
	const char *what;
	struct say discover, again, initialize;
	enum found modern_agent, legacy_agent;
	unsigned discovers; /* of a modern agent's opening */
} rows[] = {
	{ "both eras: each agent gets its own", modern, modern, old, MODERN,
	    LEGACY, 1 },
	{ "the modern era alone", modern, modern, unknown, MODERN, MODERN, 1 },
	{ "the legacy era alone, an unknown method", unknown, unknown, old,
	    LEGACY, LEGACY, 1 },
	{ "the legacy era alone, a page", { NULL, "400 Bad Request", NULL },
	    unknown, old, LEGACY, LEGACY, 1 },
	{ "the legacy era alone, a failure of its own",
	    { NULL, "500 Oops", NULL }, unknown, old, LEGACY, LEGACY, 1 },
	{ "the legacy era alone, silence", nothing, nothing, old, LEGACY,
	    LEGACY, 1 },
	{ "an answer that names other versions",
	    { VERSIONS("\"2027-01-01\""), NULL, NULL }, unknown, old, LEGACY,
	    LEGACY, 1 },
	{ "a refusal that names ours: asked again",
	    { NULL, "400 Bad Request",
		ERROR("-32022", ",\"data\":{\"supported\":[\"2026-07-28\"]}") },
	    modern, unknown, MODERN, MODERN, 2 },
	{ "a refusal that names ours for ever: twice, not more",
	    { NULL, "400 Bad Request",
		ERROR("-32022", ",\"data\":{\"supported\":[\"2026-07-28\"]}") },
	    { NULL, "400 Bad Request",
		ERROR("-32022", ",\"data\":{\"supported\":[\"2026-07-28\"]}") },
	    old, LEGACY, LEGACY, 2 },
	{ "a modern refusal of the question itself is no other era",
	    { NULL, "400 Bad Request", ERROR("-32020", "") }, unknown, old,
	    FAILS, LEGACY, 1 },
	{ "no era at all", unknown, unknown, unknown, FAILS, FAILS, 1 },
	{ "a hello in an unknown version", unknown, unknown,
	    { "{\"protocolVersion\":\"2099-01-01\",\"capabilities\":{}}", NULL,
		NULL },
	    FAILS, FAILS, 1 },
};

static bool
found_is(struct world *w, uint64_t hop, enum found want)
{
	const struct msg *m = opened(w, hop);

	if (m == NULL)
		return false;
	if (want == FAILS)
		return msg_num(m, F_STATUS) == 502 ||
		       msg_num(m, F_STATUS) == 504;
	return msg_num(m, F_STATUS) == 0 &&
	       msg_num(m, F_ERA) ==
		   (uint64_t)(want == MODERN ? MCP_MODERN : MCP_LEGACY);
}

static void
test_rows(void)
{
	for (size_t i = 0; i < countof(rows); i++) {
		struct world *w = world_new(true, "", upstream);

		discover = rows[i].discover;
		discover_again = rows[i].again;
		initialize = rows[i].initialize;
		open_as(w, 1, true);
		ok(found_is(w, 1, rows[i].modern_agent), "%s: a modern agent",
		    rows[i].what);
		ok(discovers == rows[i].discovers, "%s: asked %u times",
		    rows[i].what, rows[i].discovers);
		w = world_new(true, "", upstream);
		open_as(w, 1, false);
		ok(found_is(w, 1, rows[i].legacy_agent), "%s: a legacy agent",
		    rows[i].what);
	}
}

/* What was found is kept for each kind of agent; what was not, is not. */
static void
test_kept(void)
{
	struct world *w = world_new(true, "", upstream);

	discover = unknown;
	initialize = old;
	open_as(w, 1, true);
	ok(found_is(w, 1, LEGACY) && discovers == 1, "asked once");
	open_as(w, 2, true);
	ok(found_is(w, 2, LEGACY) && discovers == 0, "and then known");
	open_as(w, 3, false);
	ok(found_is(w, 3, LEGACY) && discovers == 0 && inits == 1,
	    "a legacy agent is not kept waiting for it");
	w = world_new(true, "", upstream);
	initialize = unknown;
	open_as(w, 1, true);
	ok(found_is(w, 1, FAILS), "a server that is not ready");
	discover = modern;
	open_as(w, 2, true);
	ok(found_is(w, 2, MODERN), "is asked anew when it is");
	open_as(w, 3, true);
	ok(found_is(w, 3, MODERN) && discovers == 1 && inits == 0,
	    "each session asks what its server can do, in the known era");
	discover = unknown;
	initialize = old;
	open_as(w, 4, true);
	ok(found_is(w, 4, FAILS) && inits == 0,
	    "a server that changed its era: no session");
	open_as(w, 5, true);
	ok(found_is(w, 5, LEGACY), "and the next one finds the new one");
}

/* Nobody there says nothing about an era: both are asked again. */
static void
test_unreached(void)
{
	struct world *w = world_new(true, "", upstream);

	discover = modern;
	initialize = old;
	w->refuse = true;
	open_as(w, 1, true);
	ok(found_is(w, 1, FAILS) && inits == 0,
	    "no connection: no falling back");
	w->refuse = false;
	open_as(w, 2, true);
	ok(found_is(w, 2, MODERN) && discovers == 1, "later it is found");
}

/* While one session finds out, the others wait for what it finds. */
static void
test_together(void)
{
	struct world *w = world_new(true, "", upstream);

	discover = unknown;
	initialize = old;
	open_as(w, 1, true);
	open_as(w, 2, true);
	open_as(w, 3, true);
	ok(found_is(w, 1, LEGACY) && found_is(w, 2, LEGACY) &&
		found_is(w, 3, LEGACY) && discovers == 1 && inits == 3,
	    "the question is asked once, by the first");
	w = world_new(true, "", upstream);
	initialize = unknown;
	open_as(w, 1, true);
	open_as(w, 2, true);
	ok(found_is(w, 1, FAILS) && found_is(w, 2, FAILS) && discovers == 2,
	    "when it found none, the next one asks");
}

int
main(void)
{
	loop_begin();
	test_rows();
	test_kept();
	test_unreached();
	test_together();
	return tap_done();
}
