/* test-keep: what records keep for a later question of policy. */
#include "line/test-in.h"

static const char kept_image[] =
    "{\"durability\":\"strict\",\"answers\":\"written\",\"policy_digest\":"
    "\"d1\",\"limits\":{\"body\":100000,\"sessions\":4,\"inflight\":64},"
    "\"principals\":[{\"name\":\"alice\",\"cred\":\"61616161616161616161616161"
    "61616161616161616161616161616161616161\"}],"
    "\"anonymous\":\"\",\"servers\":[{\"name\":\"fs\",\"read_only\":[],"
    "\"facts\":{\"read\":{\"path\":\"path\"}},\"risk\":{\"read\":[\"read\","
    "\"egress\"],\"rm\":[\"destructive\"]},\"data\":{\"read\":{\"path\":"
    "\"safe\",\"mode\":\"safe\",\"n\":\"safe\"},\"whole\":{\"a\":\"safe\"}}"
    "}],"
    "\"endpoints\":[{\"path\":\"/mcp\",\"servers\":[0]},"
    "{\"path\":\"/s/fs/mcp\",\"servers\":[0]}],\"rules\":[],"
    "\"policies\":[{\"name\":\"p.cedar\",\"sha256\":\"aa\",\"text\":"
    "\"permit (principal, action, resource); @id(\\\"held\\\") "
    "@requestable(\\\"destructive\\\") forbid (principal, action in "
    "Gatehouse::Action::\\\"destructive\\\", resource); %s\"}]}";
static const char asks_session[] =
    "forbid (principal, action, resource) when { context has session && "
    "context.session has bad };";

static struct line *
line_with(const char *more)
{
	static char text[4096];

	(void)snprintf(text, sizeof(text), kept_image, more);
	return fresh_of(text);
}

/* The newest record as JSON. */
static const char *
record_text(void)
{
	static struct buf b = { .max = 1 << 20 };
	const struct msg *r = sent(MSG_RECORD);

	buf_clear(&b);
	if (r != NULL)
		json_write(msg_tree(r, F_REC), &b);
	buf_ch(&b, '\0');
	return b.p;
}

static bool
says(const char *what)
{
	return strstr(record_text(), what) != NULL;
}

static void
call(struct line *l, const char *params)
{
	forget();
	request(l, 1, MCP_MODERN, "tools/call", params, 'a');
}

static void
test_kept(void)
{
	struct line *l = line_with("");

	call(l, "{\"name\":\"read\",\"arguments\":{\"path\":\"/a\",\"token\":"
		"\"SECRET\",\"mode\":{\"b\":1,\"a\":[true,null]}}}");
	ok(says("\"kept\":{\"path\":\"/a\",\"mode\":{\"b\":1,\"a\":[true,null]}"
		"}"),
	    "declared arguments are kept: %s", record_text());
	ok(!says("SECRET") && says("\"withheld\":1"),
	    "others are counted and not kept");
	ok(says("\"absent\":[\"n\"]"), "what was not there is named");
	ok(says("\"facts\":{\"path\":\"path\"}") &&
		says("\"risk\":[\"read\",\"egress\"]") &&
		says("\"policy\":\"d1\""),
	    "kinds, groups and the digest of the set");
	ok(!says("session_facts"), "nothing of a session that nobody asks for");
	call(l, "{\"name\":\"read\",\"arguments\":{\"path\":\"/a\"}}");
	ok(says("\"kept\":{\"path\":\"/a\"}") && !says("withheld") &&
		!says("\"absent\":["),
	    "all is kept: nothing is withheld, the rest was not there");
	call(l, "{\"name\":\"other\",\"arguments\":{\"path\":\"/a\"}}");
	ok(!says("/a") && !says("kept") && !says("facts") && !says("risk") &&
		says("\"withheld\":1"),
	    "of a tool that declares nothing nothing is kept");
	call(l,
	    "{\"name\":\"other\",\"_meta\":{\"io.gatehouse/model\":\"m\","
	    "\"io.gatehouse/onBehalfOf\":[\"alice\",1e3],\"x\":\"SECRET\"}}");
	ok(says("\"claims\":{\"model\":\"m\",\"on_behalf_of\":null}") &&
		!says("SECRET"),
	    "claims of the request are kept, when they are names");
	call(l, "{\"name\":\"other\"}");
	ok(!says("claims"), "none are none");
	ok(!says("withheld"), "no arguments, none withheld");
	line_free(l);
}

static void
test_exact(void)
{
	static const struct {
		const char *value;
		bool kept;
	} row[] = {
		{ "1", true },
		{ "-7", true },
		{ "1.5", true },
		{ "1.0", false },
		{ "1e2", false },
		{ "9007199254740993", false },
		{ "[1,[2,{\"x\":3.0}]]", false },
		{ "[1,[2,{\"x\":3}]]", true },
		{ "\"\\u0000\\n\"", true },
	};
	struct line *l = line_with("");
	char text[256];

	for (size_t i = 0; i < countof(row); i++) {
		(void)snprintf(text, sizeof(text),
		    "{\"name\":\"whole\",\"arguments\":{\"a\":%s}}",
		    row[i].value);
		call(l, text);
		ok(says("\"kept\"") == row[i].kept &&
			says("\"withheld\":1") != row[i].kept,
		    "%s is %s: %s", row[i].value, row[i].kept ? "kept" : "not",
		    record_text());
	}
	line_free(l);
}

static void
test_bound(void)
{
	struct line *l = line_with("");
	char text[9000];

	for (size_t n = 3000; n <= 6000; n += 3000) {
		(void)snprintf(text, sizeof(text),
		    "{\"name\":\"read\",\"arguments\":{\"path\":\"/%0*d\","
		    "\"mode\":\"m\"}}",
		    (int)n, 0);
		call(l, text);
		ok(says("\"path\":\"/0") == (n == 3000) && says("\"mode\":"),
		    "a value of %zu bytes is %s", n,
		    n == 3000 ? "kept" : "withheld, the next one is not");
	}
	line_free(l);
}

static void
test_session(void)
{
	struct line *l = line_with(asks_session);

	call(l, "{\"name\":\"read\"}");
	ok(says("\"session_facts\":{\"calls\":0,\"labels\":[],"),
	    "a policy asks of the session: what was known is kept");
	call(l, "{\"name\":\"rm\"}");
	ok(says("\"needs\":[\"destructive\"]") && says("\"verdict\":\"deny\""),
	    "what would have been held says what may lift it");
	line_free(l);
}

static void
test_policy(void)
{
	struct line *l = line_with(asks_session);
	struct buf other = { .max = 1 << 20 };
	static char text[4096];
	struct note why;

	/* fresh_of forgets what the first word wrote: begin again */
	forget();
	first_word(l);
	ok(sent(MSG_RECORD) == NULL, "one start, one policy record");
	(void)snprintf(text, sizeof(text), kept_image, "");
	memcpy(strstr(text, "\"d1\""), "\"d2\"", 4);
	BUG_ON(json_parse(str_of(text), &json_default, &other, NULL) != OK);
	ok(line_image(l, jv_of(buf_view(&other)), &why) == OK &&
		record_has("kind", "policy") && record_has("policy", "d2") &&
		says("\"files\":[{\"name\":\"p.cedar\"") &&
		says("\"reads\":[]"),
	    "a reload is recorded: %s", record_text());
	call(l, "{\"name\":\"read\"}");
	ok(record_has("policy", "d2"), "what is decided then says so");
	forget();
	buf_clear(&other);
	memcpy(strstr(text, "permit"), "permut", 6);
	BUG_ON(json_parse(str_of(text), &json_default, &other, NULL) != OK);
	ok(line_image(l, jv_of(buf_view(&other)), &why) != OK &&
		sent(MSG_RECORD) == NULL,
	    "a set that does not compile changes and records nothing");
	call(l, "{\"name\":\"read\"}");
	ok(record_has("policy", "d2"), "the old set decides on");
	line_free(l);
	buf_done(&other);
}

/* The ledger is away when the set changes: the record is its first. */
static void
test_late(void)
{
	struct line *l = line_with("");
	struct buf other = { .max = 1 << 20 };
	static char text[4096];
	struct note why;

	(void)snprintf(text, sizeof(text), kept_image, asks_session);
	BUG_ON(json_parse(str_of(text), &json_default, &other, NULL) != OK);
	line_ledger_lost(l);
	forget();
	ok(line_image(l, jv_of(buf_view(&other)), &why) == OK &&
		sent(MSG_RECORD) == NULL,
	    "no ledger, no record yet");
	first_word(l);
	ok(record_has("kind", "policy") && says("\"reads\":[\"session\"]"),
	    "it is the first when the ledger is there again");
	line_free(l);
	buf_done(&other);
}

int
main(void)
{
	test_kept();
	test_exact();
	test_bound();
	test_session();
	test_policy();
	test_late();
	forget();
	return tap_done();
}
