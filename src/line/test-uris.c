/*
 * test-uris: on the endpoint of all servers a resource is read from the server
 * that showed it, and what several show is read from none.
 */
#include "line/test-in.h"

static const char both_text[] =
    "{\"durability\":\"strict\",\"answers\":\"written\","
    "\"limits\":{\"body\":100000,\"sessions\":4,\"inflight\":8,\"rate\":0},"
    "\"principals\":[{\"name\":\"alice\",\"cred\":\"61616161616161616161616161"
    "61616161616161616161616161616161616161\"},{\"name\":\"bob\",\"cred\":\"626"
    "2626262626262626262626262626262626262626262626262626262626262\"}],"
    "\"anonymous\":\"\",\"servers\":[{\"name\":\"evil\"},{\"name\":\"good\"}],"
    "\"endpoints\":[{\"path\":\"/mcp\",\"servers\":[0,1]},"
    "{\"path\":\"/s/good/mcp\",\"servers\":[1]}],"
    "\"rules\":[{\"effect\":\"allow\",\"principal\":\"alice\",\"server\":\"*\","
    "\"method\":\"*\",\"name\":\"*\",\"id\":\"all\",\"reason\":\"\"},"
    "{\"effect\":\"allow\",\"principal\":\"bob\",\"server\":\"good\","
    "\"method\":\"*\",\"name\":\"*\",\"id\":\"bobs\",\"reason\":\"\"}]}";

/* What a server answers the list; NULL: it cannot. */
static void
list_of_up(struct line *l, unsigned up, const char *result)
{
	const struct msg *o = NULL;
	struct msg m = msg_of(MSG_HOP_OPENED);

	for (size_t i = 0; i < outs_n; i++)
		if (outs[i].m.kind == MSG_HOP_OPEN && outs[i].who == up)
			o = &outs[i].m;
	if (o != NULL) {
		msg_set(&m, F_HOP, msg_num(o, F_HOP));
		msg_set(&m, F_STATUS, result == NULL ? 502 : 0);
		msg_set(&m, F_ERA, MCP_MODERN);
		msg_set_tree(
		    &m, F_CAPS, tape("{\"resources\":{\"subscribe\":true}}"));
		line_from_back(l, up, &m);
	}
	if (result == NULL && o != NULL)
		return;
	for (size_t i = outs_n; i-- > 0;)
		if (outs[i].m.kind == MSG_UP_CALL && outs[i].who == up) {
			m = msg_of(MSG_UP_ANSWER);
			msg_set(&m, F_CALL, msg_num(&outs[i].m, F_CALL));
			if (result == NULL)
				msg_set(&m, F_STATUS, 502);
			else
				msg_set_tree(&m, F_RESULT, tape(result));
			line_from_back(l, up, &m);
			return;
		}
}

static void
list(struct line *l, const char *method, char who, const char *evil,
    const char *good)
{
	forget();
	request(l, 0, MCP_MODERN, method, "{}", who);
	ack(l, true);
	if (who == 'a')
		list_of_up(l, 0, evil);
	list_of_up(l, 1, good);
	ack(l, false);
}

static size_t
shown(const char *items)
{
	const struct msg *a = sent(MSG_ANSWER);

	return a == NULL
		   ? 99
		   : jv_count(jv_get(msg_tree(a, F_RESULT), str_of(items)));
}

/* 0, 1: sent to that server; -1: refused, recorded as a denial. */
static int
goes_to(struct line *l, const char *method, const char *params, char who)
{
	int at = -2;

	forget();
	request(l, 0, MCP_MODERN, method, params, who);
	if (record_has("verdict", "deny")) {
		ack(l, false);
		return sent(MSG_UP_CALL) == NULL &&
			       sent(MSG_HOP_OPEN) == NULL &&
			       sent(MSG_ANSWER) != NULL
			   ? -1
			   : -3;
	}
	ack(l, true);
	if (sent(MSG_HOP_OPEN) != NULL)
		opened(l, MCP_MODERN, "{\"resources\":{}}");
	for (size_t i = 0; i < outs_n; i++)
		if (outs[i].m.kind == MSG_UP_CALL)
			at = (int)outs[i].who;
	if (at >= 0)
		answered(l, (unsigned)at, "{\"contents\":[]}");
	ack(l, true);
	return at;
}

static int
read_at(struct line *l, const char *params, char who)
{
	return goes_to(l, "resources/read", params, who);
}

#define TWO(a, b) "{\"resources\":[{\"uri\":\"" a "\"},{\"uri\":\"" b "\"}]}"
#define ONE(a) "{\"resources\":[{\"uri\":\"" a "\"}]}"
#define TEMPLATE(a) "{\"resourceTemplates\":[{\"uriTemplate\":\"" a "\"}]}"
#define URI(a) "{\"uri\":\"" a "\"}"

static void
test_collision(void)
{
	struct line *l = fresh_of(both_text);

	list(l, "resources/list", 'a', TWO("x://both", "x://evil"),
	    TWO("x://both", "x://good"));
	ok(shown("resources") == 2, "what two servers show is not shown");
	ok(sent_n(MSG_RECORD) == 5 && record_has("kind", "outcome"),
	    "and that is on record, once for each");
	ok(read_at(l, URI("x://both"), 'a') == -1 &&
		record_has("rule", "uri-collision"),
	    "reading it is a denial");
	ok(error_code() == MCP_E_DENIED, "with its own code");
	ok(read_at(l, URI("x://evil"), 'a') == 0, "its own: it is asked");
	ok(read_at(l, URI("x://good"), 'a') == 1, "the other's: that one is");
	ok(read_at(l, URI("x://none"), 'a') == -1, "nobody's: refused");
	forget();
	line_free(l);
}

static void
test_first(void)
{
	struct line *l = fresh_of(both_text);

	list(l, "resources/list", 'a', ONE("x://a"), NULL);
	ok(read_at(l, URI("x://a"), 'a') == 0,
	    "shown by one, while the other is away: that one is asked");
	list(l, "resources/list", 'a', ONE("x://a"), ONE("x://a"));
	ok(shown("resources") == 0 && read_at(l, URI("x://a"), 'a') == -1,
	    "who was first has no right to it");
	list(l, "resources/list", 'a', ONE("x://b"), ONE("x://a"));
	ok(shown("resources") == 2 && read_at(l, URI("x://a"), 'a') == 1,
	    "who shows it no more has none either");
	list(l, "resources/list", 'a', ONE("x://a"), NULL);
	ok(read_at(l, URI("x://a"), 'a') == -1,
	    "who is away for a moment keeps what it showed");
	forget();
	line_free(l);
}

static void
test_principals(void)
{
	struct line *l = fresh_of(both_text);

	list(l, "resources/list", 'a', ONE("x://a"), ONE("x://a"));
	ok(read_at(l, URI("x://a"), 'a') == -1, "alice sees both");
	list(l, "resources/list", 'b', NULL, ONE("x://a"));
	ok(shown("resources") == 1 && read_at(l, URI("x://a"), 'b') == 1,
	    "bob sees one of them, which is asked");
	ok(read_at(l, URI("x://a"), 'a') == -1, "for alice nothing changed");
	forget();
	line_free(l);
}

static void
test_templates(void)
{
	struct line *l = fresh_of(both_text);

	list(l, "resources/templates/list", 'a', TEMPLATE("e://{x}"),
	    TEMPLATE("f://{path}"));
	ok(shown("resourceTemplates") == 2 &&
		read_at(l, URI("f://etc/passwd"), 'a') == 1 &&
		read_at(l, URI("e://1"), 'a') == 0,
	    "each template is its server's");
	list(l, "resources/templates/list", 'a', TEMPLATE("f://etc/{x}"),
	    TEMPLATE("f://{path}"));
	ok(read_at(l, URI("f://etc/passwd"), 'a') == -1,
	    "a longer template takes nothing away");
	ok(read_at(l, URI("f://home"), 'a') == 1, "outside of it all is well");
	list(l, "resources/templates/list", 'a', TEMPLATE("x{y}"),
	    TEMPLATE("f://{path}"));
	list(l, "resources/list", 'a', ONE("f://etc/passwd"), ONE("g://1"));
	ok(read_at(l, URI("f://etc/passwd"), 'a') == -1,
	    "nor does one exact resource");
	ok(read_at(l, URI("g://1"), 'a') == 1, "the twin is read");
	list(l, "resources/list", 'a', ONE("f://etc/passwd"), ONE("g://1"));
	ok(shown("resources") == 1, "and is shown alone");
	list(l, "resources/templates/list", 'a', TEMPLATE("f://{any}"),
	    TEMPLATE("f://{path}"));
	ok(shown("resourceTemplates") == 0, "the same template twice");
	forget();
	line_free(l);
}

static void
test_complete(void)
{
	static const char ref[] =
	    "{\"ref\":{\"type\":\"ref/resource\",\"uri\":\"f://{path}\"},"
	    "\"argument\":{\"name\":\"path\",\"value\":\"\"}}";
	struct line *l = fresh_of(both_text);

	list(l, "resources/templates/list", 'a', TEMPLATE("e://{x}"),
	    TEMPLATE("f://{path}"));
	ok(goes_to(l, "completion/complete", ref, 'a') == 1,
	    "a template is completed by its server");
	list(l, "resources/templates/list", 'a', TEMPLATE("f://{x}"),
	    TEMPLATE("f://{path}"));
	ok(goes_to(l, "completion/complete", ref, 'a') == -1,
	    "and by none, if several show it");
	forget();
	line_free(l);
}

static void
test_flood(void)
{
	struct line *l = fresh_of(both_text);
	struct buf b = { .max = 1 << 20 };

	buf_str(&b, STR("{\"resources\":["));
	for (unsigned i = 0; i < URIS_MAX / 2 + 100; i++)
		buf_fmt(&b, "%s{\"uri\":\"u%u\"}", i == 0 ? "" : ",", i);
	buf_str(&b, STR("]}"));
	buf_ch(&b, '\0');
	list(l, "resources/list", 'a', b.p, ONE("x://good"));
	ok(read_at(l, URI("x://good"), 'a') == 1,
	    "a server with too many resources leaves room for the others");
	ok(read_at(l, URI("u7"), 'a') == 0 &&
		read_at(l, URI("u25050"), 'a') == -1,
	    "and has its share");
	buf_done(&b);
	forget();
	line_free(l);
}

static void
test_listen(void)
{
	struct line *l = fresh_of(both_text);
	struct msg m = msg_of(MSG_UP_EVENT);
	bool told_evil = false, told_good = false;

	list(l, "resources/list", 'a', ONE("x://evil"), ONE("x://good"));
	forget();
	request(l, 0, MCP_MODERN, "subscriptions/listen",
	    "{\"notifications\":{\"resourceSubscriptions\":[\"x://good\","
	    "\"x://evil\"]}}",
	    'a');
	ack(l, true);
	for (size_t i = 0; i < outs_n; i++) {
		const struct msg *c = &outs[i].m;
		const struct str want = STR("x://good");
		const struct str p = msg_text(c, F_PARAMS);

		if (c->kind != MSG_UP_CALL)
			continue;
		if (outs[i].who == 0)
			told_evil = str_search(p, want) < p.n;
		else
			told_good = str_search(p, want) < p.n;
		if (outs[i].who == 0)
			msg_set(&m, F_HOP, msg_num(c, F_HOP));
	}
	ok(told_good && !told_evil, "a server hears of its own resources");
	ok(jv_count(jv_at(msg_tree(sent(MSG_EVENT), F_PARAMS),
	       "notifications/resourceSubscriptions")) == 2,
	    "and the agent follows those of all servers");
	forget();
	msg_set_text(&m, F_NAME, STR("notifications/resources/updated"));
	msg_set_tree(&m, F_PARAMS, tape(URI("x://good")));
	line_from_back(l, 0, &m);
	ok(sent(MSG_EVENT) == NULL, "another server has no news of them");
	msg_set_tree(&m, F_PARAMS, tape(URI("x://evil")));
	line_from_back(l, 0, &m);
	ok(sent(MSG_EVENT) != NULL, "but of its own");
	forget();
	line_free(l);
}

int
main(void)
{
	test_collision();
	test_first();
	test_principals();
	test_templates();
	test_complete();
	test_flood();
	test_listen();
	return tap_done();
}
