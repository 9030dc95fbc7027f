/* test-fields: that no evidence field of a decision is ever left out, and what
 * each says when there is nothing to say. */
#include "line/test-in.h"

#include "crypto/crypto.h"

static const char fields_image[] =
    "{\"durability\":\"strict\",\"answers\":\"written\",\"limits\":{\"body\":"
    "100000,\"sessions\":9,\"inflight\":64},\"listen\":\"127.0.0.1:1\","
    "\"excluded\":[\"the operator's shell\"],%s"
    "\"principals\":[{\"name\":\"alice\",\"cred\":\"61616161616161616161616161"
    "61616161616161616161616161616161616161\"},{\"name\":\"bob\",\"cred\":\"626"
    "2626262626262626262626262626262626262626262626262626262626262\"}],"
    "\"anonymous\":\"nn\",\"servers\":[{\"name\":\"fs\",\"read_only\":[],"
    "\"sandbox\":\"closed\"},{\"name\":\"web\",\"read_only\":[],\"url\":"
    "\"https://w\",\"sandbox\":\"remote\"}],"
    "\"endpoints\":[{\"path\":\"/mcp\",\"servers\":[0,1]},{\"path\":"
    "\"/s/fs/mcp\",\"servers\":[0]},{\"path\":\"/s/web/mcp\",\"servers\":[1]}],"
    "\"inventory\":{\"file\":\"i\",\"agents\":[{\"id\":\"alice\",\"acts_for\":"
    "\"ann\"},{\"id\":\"bob\"},{\"id\":\"nn\"}],\"users\":[{\"id\":\"ann\"},{"
    "\"id\":\"joe\"}],\"servers\":[{\"id\":\"fs\"},{\"id\":\"web\"}],"
    "\"tools\":[{\"id\":\"fs/*\"}],\"prompts\":[],\"resources\":[],\"models\":"
    "[],\"datasets\":[]},\"rules\":[{\"effect\":\"allow\",\"principal\":\"*\","
    "\"server\":\"*\",\"method\":\"*\",\"name\":\"*\",\"id\":\"all\","
    "\"reason\":\"\"}]}";

static struct line *
line_with(const char *more)
{
	static char text[4096];

	(void)snprintf(text, sizeof(text), fields_image, more);
	return fresh_of(text);
}

static struct jv
record(void)
{
	const struct msg *r = sent(MSG_RECORD);

	return r == NULL ? (struct jv){ NULL, 0 } : msg_tree(r, F_REC);
}

static const char *
record_text(void)
{
	static struct buf b = { .max = 1 << 20 };

	buf_clear(&b);
	json_write(record(), &b);
	buf_ch(&b, '\0');
	return b.p;
}

static bool
says(const char *what)
{
	return strstr(record_text(), what) != NULL;
}

static void
call(struct line *l, const char *method, const char *params, char who)
{
	forget();
	request(l, 1, MCP_MODERN, method, params, who);
}

/* Every field that is required, whatever became of the call. */
static void
whole(const char *what)
{
	static const char *const field[] = { "boundary", "budget", "catalogue",
		"cell", "kind", "principal", "reason", "session_seq", "turn",
		"verdict" };

	ok(record_has("kind", "decision"), "%s: decided", what);
	for (size_t i = 0; i < countof(field); i++)
		if (jv_is(jv_get(record(), str_of(field[i])), J_NONE))
			ok(0, "%s: has no %s: %s", what, field[i],
			    record_text());
	/* Who and for whom: here, or in the record that it names. */
	ok(!jv_is(jv_get(record(), STR("identity")), J_NONE) ||
		(!jv_is(jv_get(record(), STR("actor")), J_NONE) &&
		    !jv_is(jv_get(record(), STR("chain")), J_NONE) &&
		    !jv_is(jv_get(record(), STR("subject")), J_NONE)),
	    "%s: who", what);
}

static void
test_never_left_out(void)
{
	static const struct {
		const char *method, *params;
		char who;
	} row[] = {
		{ "tools/call", "{\"name\":\"read\",\"arguments\":{}}", 'a' },
		{ "tools/call", "{\"name\":\"read\",\"arguments\":{}}", 'x' },
		{ "tools/call", "{}", 'b' },
		{ "tools/list", "{}", 'b' },
		{ "resources/read", "{\"uri\":\"f://a\"}", 'a' },
		{ "server/discover", "{}", 'a' },
		{ "nonsense", "{}", 'a' },
		{ "tools/call",
		    "{\"name\":\"read\",\"_meta\":{\"io.gatehouse/onBehalfOf\":"
		    "\"eve\"}}",
		    'a' },
		{ "tools/call",
		    "{\"name\":\"read\",\"_meta\":{\"io.gatehouse/onBehalfOf\":"
		    "[1,\"\\u0000\"]}}",
		    'b' },
	};
	struct line *l = line_with("");

	for (size_t i = 0; i < countof(row); i++) {
		call(l, row[i].method, row[i].params, row[i].who);
		whole(row[i].method);
	}
	line_free(l);
}

/* The record that the newest decision names, when it was just written. */
static bool
identity(const char *want)
{
	struct buf b = { .max = 1 << 20 };
	bool same = false;
	int64_t at = 0;

	(void)!jv_i64(jv_get(record(), STR("identity")), &at);
	for (size_t i = 0; i < outs_n; i++)
		if (outs[i].m.kind == MSG_RECORD &&
		    msg_num(&outs[i].m, F_SEQ) == (uint64_t)at) {
			json_write(msg_tree(&outs[i].m, F_REC), &b);
			same = str_eq(buf_view(&b), str_of(want));
			printf("# %.*s\n", (int)b.n, b.p);
		}
	buf_done(&b);
	return same;
}

static void
test_who(void)
{
	struct line *l = line_with("");
	struct msg m = msg_of(MSG_REQUEST);

	call(l, "tools/call", "{\"name\":\"read\"}", 'a');
	ok(identity("{\"actor\":{\"id\":\"alice\",\"provenance\":"
		    "\"connection-credential\",\"verified\":true},\"cell\":0,"
		    "\"chain\":[{\"name\":\"ann\",\"provenance\":\"connection-"
		    "credential\",\"verified\":true}],\"kind\":\"identity\","
		    "\"principal\":\"alice\",\"subject\":{\"id\":\"ann\","
		    "\"provenance\":\"connection-credential\",\"verified\":"
		    "true}}"),
	    "the actor is whom the credential stands for");
	ok(says("\"subject\":{\"id\":\"ann\",\"provenance\":\"connection-"
		"credential\",\"verified\":true}") &&
		says("\"chain\":[{\"name\":\"ann\","),
	    "the subject is whom it acts for");
	call(l, "tools/list",
	    "{\"_meta\":{\"io.gatehouse/onBehalfOf\":\"joe\"}}", 'a');
	ok(says("\"subject\":{\"id\":\"ann\"") &&
		says("{\"name\":\"joe\",\"provenance\":\"unsigned-request-"
		     "claim\",\"verified\":false}"),
	    "a claim stands in the chain, a list's too, and displaces nobody");
	call(l, "tools/call",
	    "{\"name\":\"read\",\"_meta\":{\"io.gatehouse/onBehalfOf\":\"joe\"}"
	    "}",
	    'b');
	ok(says("\"subject\":{\"id\":\"joe\",\"provenance\":\"unsigned-request-"
		"claim\",\"verified\":false}"),
	    "a claim alone is a subject that nobody vouches for");
	call(l, "tools/call", "{\"name\":\"read\"}", 'b');
	ok(!says("\"chain\"") && !says("\"subject\"") &&
		sent_n(MSG_RECORD) == 1,
	    "and for nobody but itself: nothing more, and it is known already");
	call(l, "tools/call",
	    "{\"name\":\"read\",\"_meta\":{\"io.gatehouse/onBehalfOf\":\"eve\"}"
	    "}",
	    'b');
	ok(says("\"chain\":{\"not_established\":\"Nobody knows ") &&
		says("\"subject\":{\"not_established\":"),
	    "a claim that cannot be followed: not established, and why");
	call(l, "tools/call", "{\"name\":\"read\"}", 'x');
	ok(says("\"actor\":{\"provenance\":\"connection-credential\","
		"\"verified\":false}") &&
		says("\"principal\":{\"not_established\":") &&
		says("\"chain\":{\"not_established\":"),
	    "a credential that nobody knows");
	forget();
	msg_set(&m, F_REF, next_ref++);
	msg_set(&m, F_WHERE, 1);
	msg_set(&m, F_ERA, MCP_MODERN);
	msg_set(&m, F_METHOD, MCP_TOOLS_CALL);
	line_from_front(l, 0, &m);
	ok(identity("{\"actor\":{\"id\":\"nn\",\"provenance\":\"absent\","
		    "\"verified\":false},\"cell\":0,\"chain\":\"absent\","
		    "\"kind\":\"identity\",\"principal\":\"nn\",\"subject\":"
		    "\"absent\"}") &&
		record_has("covers", "absent"),
	    "none came at all, and no params: %s", record_text());
	line_free(l);
}

static void
hex(struct str before, struct str text, char out[static 65])
{
	struct buf b = { .p = out, .cap = 64, .max = 64 };
	unsigned char sum[32];

	sha256(before, text, sum);
	buf_hex(&b, (struct str){ (char *)sum, sizeof(sum) });
	out[64] = '\0';
}

static void
list(struct line *l, const char *params, const char *tools)
{
	call(l, "tools/list", params, 'a');
	ack(l, true);
	if (sent(MSG_HOP_OPEN) != NULL)
		opened(l, MCP_MODERN, "{\"tools\":{}}");
	answered(l, 0, tools);
	ack(l, true);
}

static void
test_catalogue(void)
{
	static const char first[] = "[{\"inputSchema\":{},\"name\":\"read\"}]";
	struct line *l = line_with("");
	char want[65], page[65];
	unsigned char sum[32];

	call(l, "tools/call", "{\"name\":\"read\"}", 'a');
	ok(says("\"catalogue\":{\"not_established\":\"no such list"),
	    "no session, and nothing shown here yet: who knows");
	ack(l, true);
	opened(l, MCP_MODERN, "{\"tools\":{}}");
	list(l, "{}",
	    "{\"tools\":[{\"name\":\"read\",\"inputSchema\":{}}],"
	    "\"nextCursor\":\"2\"}");
	hex(STR(""), str_of(first), want);
	ok(record_has("kind", "outcome") && record_has("catalogue", want),
	    "what a list showed: the digest of its items: %s", record_text());
	call(l, "tools/call", "{\"name\":\"read\"}", 'a');
	ok(record_has("catalogue", want) && !says("\"catalogue_sent\""),
	    "a call is made from it: all under this credential was sent it");
	list(l, "{\"cursor\":\"2\"}", "{\"tools\":[]}");
	sha256(STR(""), str_of(first), sum);
	hex((struct str){ (char *)sum, 32 }, STR("[]"), page);
	ok(record_has("catalogue", page), "a further page goes on from it: %s",
	    record_text());
	list(l, "{}", "{\"tools\":[]}");
	hex(STR(""), STR("[]"), page);
	call(l, "tools/call", "{\"name\":\"read\"}", 'a');
	ok(says("\"catalogue\":{\"not_established\":\"without a session, "
		"different lists") &&
		record_has("catalogue_sent", page),
	    "after another list under the same credential it is not known "
	    "which one this agent saw");
	call(l, "prompts/get", "{\"name\":\"p\"}", 'a');
	ok(says("\"catalogue\":{\"not_established\""),
	    "one made from another list is not");
	call(l, "tools/call", "{\"name\":\"read\"}", 'b');
	ok(says("\"catalogue\":{\"not_established\""),
	    "nor what another one asks");
	request(
	    l, 0, MCP_MODERN, "tools/call", "{\"name\":\"fs___read\"}", 'a');
	ok(says("\"catalogue\":{\"not_established\""),
	    "nor at another endpoint");
	line_free(l);
}

/* What is sent without a session is known to the cell that sent it. */
static void
test_cells(void)
{
	struct line *l = line_with("\"cells\":2,");

	call(l, "tools/call", "{\"name\":\"read\"}", 'a');
	ack(l, true);
	opened(l, MCP_MODERN, "{\"tools\":{}}");
	list(l, "{}", "{\"tools\":[]}");
	call(l, "tools/call", "{\"name\":\"read\"}", 'a');
	ok(says("\"catalogue\":{\"not_established\":\"without a session, "
		"another cell") &&
		says("\"catalogue_sent\":\"") &&
		says("\"plan\":{\"not_established\":"),
	    "of several cells each knows what it sent and heard itself: %s",
	    record_text());
	line_free(l);
}

/* The list was never sent: the agent cannot have seen it. */
static void
test_not_shown(void)
{
	struct line *l = line_with("");

	call(l, "tools/list", "{}", 'a');
	ack(l, true);
	opened(l, MCP_MODERN, "{\"tools\":{}}");
	answered(l, 0, "{\"tools\":[]}");
	gone(l, 0, next_ref - 1);
	ack(l, true);
	call(l, "tools/call", "{\"name\":\"read\"}", 'a');
	ok(says("\"catalogue\":{\"not_established\""),
	    "a list that did not leave was not seen");
	line_free(l);
}

static void
test_session(void)
{
	struct line *l = line_with("");
	char id[64];

	begin_session(l, "{\"tools\":{}}");
	session_name(id);
	forget();
	legacy(l, id, "tools/call", "{\"name\":\"read\"}", 'a');
	ok(record_has("session", id) && record_has("catalogue", "absent") &&
		says("\"session_seq\":1"),
	    "a session counts from one, and was shown nothing: that is known");
	legacy(l, id, "tools/call", "{\"name\":\"read\"}", 'a');
	ok(says("\"session_seq\":2"), "and goes on");
	call(l, "tools/call", "{\"name\":\"read\"}", 'a');
	ok(says("\"session_seq\":2") && !says("\"session\":"),
	    "initialize was the first of those without a session");
	call(l, "tools/call", "{\"name\":\"read\"}", 'b');
	ok(says("\"session_seq\":1"), "each principal has its own");
	line_free(l);
}

static void
test_budget(void)
{
	struct line *l = line_with(
	    "\"budgets\":[{\"name\":\"b\",\"of\":\"calls\",\"limit\":9,"
	    "\"window_ms\":0,\"per\":\"principal\",\"principal\":\"alice\","
	    "\"server\":\"*\",\"currency\":\"\",\"tool\":\"*\",\"risk\":[],"
	    "\"lease\":1}],");

	call(l, "tools/call", "{\"name\":\"read\"}", 'b');
	ok(record_has("budget", "absent"), "no budget is about it");
	call(l, "tools/call", "{\"name\":7}", 'b');
	ok(says("\"budget\":{\"not_established\":"),
	    "refused before that was known");
	line_free(l);
}

/* It would be cut, and the digest be of what nobody can see. */
static void
long_statement(struct line *l, const char *image)
{
	static char text[60000];
	struct buf other = { .max = 1 << 20 };
	struct note why;

	(void)snprintf(text, sizeof(text), "{\"excluded\":[\"%040000d\"],%s", 0,
	    strstr(image, "\"principals\""));
	BUG_ON(json_parse(str_of(text), &json_default, &other, NULL) != OK);
	ok(line_image(l, jv_of(buf_view(&other)), &why) == ERR_LIMIT,
	    "a statement that is too long to record: %s", why.text);
	buf_done(&other);
}

/* What is known of a call's effect, by what became of it. */
static void
test_observed(void)
{
	struct line *l = line_with("");
	const struct msg *up;
	struct msg m = msg_of(MSG_UP_ANSWER);

	call(l, "tools/call", "{\"name\":\"read\"}", 'a');
	ack(l, true);
	opened(l, MCP_MODERN, "{\"tools\":{}}");
	answered(l, 0, "{\"content\":[]}");
	ok(record_has("kind", "outcome") && record_has("observed", "present"),
	    "an answer came: present");
	ack(l, true);
	call(l, "tools/call", "{\"name\":\"read\"}", 'a');
	ack(l, true);
	up = sent(MSG_UP_CALL);
	BUG_ON(up == NULL);
	msg_set(&m, F_CALL, msg_num(up, F_CALL));
	msg_set(&m, F_STATUS, 504);
	msg_set_text(&m, F_TEXT, STR("no answer in time"));
	line_from_back(l, 0, &m);
	ok(record_has("status", "failed") &&
		says("\"observed\":{\"not_established\":\"upstream fs: no "
		     "answer in time\"}"),
	    "it left and none came: not established, never absent: %s",
	    record_text());
	ack(l, true);
	call(l, "tools/call", "{\"name\":\"read\"}", 'a');
	ack(l, true);
	gone(l, 0, next_ref - 1);
	ok(record_has("status", "cancelled") &&
		says("\"observed\":{\"not_established\":"),
	    "it left and was cancelled: likewise");
	ack(l, true);
	call(l, "tools/call", "{\"name\":\"read\"}", 'a');
	gone(l, 0, next_ref - 1);
	ack(l, true);
	ok(record_has("kind", "outcome") && record_has("observed", "absent"),
	    "it was cancelled before it left: absent: %s", record_text());
	ack(l, true);
	line_free(l);
}

static void
test_boundary(void)
{
	struct line *l;
	struct buf other = { .max = 1 << 20 }, text = { .max = 1 << 20 };
	struct buf rec = { .max = 1 << 20 };
	int64_t was = 0, now = 0;
	char sum[65];
	static char image[4096];
	struct note why;
	size_t i = 0;

	l = line_with("");
	call(l, "tools/call", "{\"name\":\"read\"}", 'a');
	ok(jv_i64(jv_get(record(), STR("boundary")), &was) == OK && was == 42,
	    "a decision names the record of the boundary");
	(void)snprintf(image, sizeof(image), fields_image, "");
	memcpy(strstr(image, "shell"), "Shell", 5);
	BUG_ON(json_parse(str_of(image), &json_default, &other, NULL) != OK);
	forget();
	ok(line_image(l, jv_of(buf_view(&other)), &why) == OK, "a reload");
	while (i < outs_n && outs[i].m.kind != MSG_RECORD)
		i++;
	BUG_ON(i == outs_n);
	buf_str(&rec, jv_bytes(msg_tree(&outs[i].m, F_REC)));
	BUG_ON(json_jcs(jv_get(jv_of(buf_view(&rec)), STR("statement")),
		   &text) != OK);
	hex(STR(""), buf_view(&text), sum);
	now = (int64_t)msg_num(&outs[i].m, F_SEQ);
	ok(str_eq(jv_str(jv_get(jv_of(buf_view(&rec)), STR("boundary"))),
	       str_of(sum)),
	    "a new statement is recorded, and its digest is what it says");
	ok(str_eq(buf_view(&text),
	       STR("{\"allow_fallback\":\"absent\",\"covered\":[{\"sandbox\":"
		   "\"closed\",\"server\":\"fs\"},{\"sandbox\":\"remote\","
		   "\"server\":\"web\",\"url\":\"https://w\"}],\"excluded\":["
		   "\"what an agent does without asking this "
		   "gateway\",\"server "
		   "web is not on this machine: what it does besides answering "
		   "is not seen\",\"the operator's Shell\"],\"listen\":"
		   "\"127.0.0.1:1\"}")),
	    "covered and excluded: %.*s", (int)text.n, text.p);
	long_statement(l, image);
	call(l, "tools/call", "{\"name\":\"read\"}", 'a');
	ok(jv_i64(jv_get(record(), STR("boundary")), &was) == OK && was == now,
	    "decisions from here on name that one");
	line_free(l);
	buf_done(&other);
	buf_done(&text);
	buf_done(&rec);
}

int
main(void)
{
	test_never_left_out();
	test_who();
	test_catalogue();
	test_cells();
	test_not_shown();
	test_session();
	test_budget();
	test_observed();
	test_boundary();
	forget();
	return tap_done();
}
