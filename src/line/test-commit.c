/* test-commit: what records commit to, what goes to the side store with them,
 * and what classes of data keep out of both. */
#include "line/commit-in.h"
#include "line/test-in.h"

static const char commit_image[] =
    "{\"durability\":\"strict\",\"answers\":\"written\",\"limits\":{\"body\":"
    "100000,\"sessions\":4,\"inflight\":512},"
    "\"principals\":[{\"name\":\"alice\",\"cred\":\"61616161616161616161616161"
    "61616161616161616161616161616161616161\"}],\"anonymous\":\"\","
    "\"data\":{\"classes\":[{\"name\":\"own\",\"do\":\"keep\",\"retention_ms\":"
    "60000},{\"name\":\"long\",\"do\":\"keep\",\"retention_ms\":90000}],"
    "\"arguments\":\"commit\",\"results\":\"own\"},"
    "\"servers\":[{\"name\":\"fs\",\"read_only\":[],\"data\":{\"t\":{\"k\":"
    "\"own\",\"l\":\"long\",\"c\":\"commit\",\"s\":\"safe\",\"r\":\"redact\","
    "\"d\":\"drop\"},\"*\":{\"pin\":\"drop\"},\"all\":{\"*\":\"keep\"}},"
    "\"subject\":{\"t\":\"who\"}}],"
    "\"endpoints\":[{\"path\":\"/mcp\",\"servers\":[0]},"
    "{\"path\":\"/s/fs/mcp\",\"servers\":[0]}],"
    "\"rules\":[{\"effect\":\"allow\",\"principal\":\"*\",\"server\":\"*\","
    "\"method\":\"*\",\"name\":\"*\",\"id\":\"a\",\"reason\":\"\"}]}";

static struct held {
	char record[60000], content[200000], subject[300];
	uint64_t until;
	size_t opened, hidden;
} held;

/* The newest record, and what of it opens with what was to be kept. */
static void
look(void)
{
	const struct msg *r = sent(MSG_RECORD);
	struct buf text = { .max = 1 << 20 }, tape = { .max = 1 << 20 };
	static struct content c;
	struct opened *o = NULL;
	struct note why = { "" };

	c.hiddens = 0;
	held = (struct held){ .until = msg_num(r, F_TIME) };
	json_write(msg_tree(r, F_REC), &text);
	(void)snprintf(
	    held.record, sizeof(held.record), "%.*s", STR_ARG(buf_view(&text)));
	(void)snprintf(held.content, sizeof(held.content), "%.*s",
	    STR_ARG(msg_text(r, F_BYTES)));
	(void)snprintf(held.subject, sizeof(held.subject), "%.*s",
	    STR_ARG(msg_text(r, F_NAME)));
	if (msg_text(r, F_BYTES).n > 0 &&
	    json_parse(msg_text(r, F_BYTES), &json_default, &tape, &why) ==
		OK &&
	    content_of(jv_of(buf_view(&tape)), &c, &why) == OK &&
	    opened_new(msg_tree(r, F_REC), c.disclosure, c.disclosures, &o,
		&why) == OK)
		held.opened = c.disclosures;
	held.hidden = c.hiddens;
	opened_free(o);
	buf_done(&text);
	buf_done(&tape);
}

static void
call(struct line *l, const char *params)
{
	forget();
	request(l, 1, MCP_MODERN, "tools/call", params, 'a');
	look();
}

static bool
nowhere(const char *what)
{
	return strstr(held.record, what) == NULL &&
	       strstr(held.content, what) == NULL;
}

static bool
says(const char *what)
{
	return strstr(held.record, what) != NULL;
}

static void
test_classes(struct line *l)
{
	call(l, "{\"name\":\"t\",\"arguments\":{\"k\":\"~K~\",\"c\":\"~C~\","
		"\"s\":\"~S~\",\"r\":\"~R~\",\"d\":\"~D~\",\"pin\":\"~P~\"}}");
	ok(held.opened == 1 && held.hidden == 1,
	    "one is kept, of one the salt: %s", held.content);
	ok(says("\"kept\":{\"s\":\"~S~\"}") && says("\"redacted\":[\"r\"]"),
	    "one stands in the record, of one its name");
	ok(nowhere("~C~") && nowhere("~R~") && nowhere("~D~") &&
		nowhere("~P~") && !says("~K~") && !says("\"d\"") &&
		!says("pin"),
	    "no other value is anywhere, of what is dropped not the name");
	ok(strcmp(held.subject, "alice") == 0, "about the principal");
	ok(held.until > 0, "as long as its class says");
	call(l, "{\"name\":\"t\",\"arguments\":{\"l\":1,\"k\":2}}");
	ok(held.opened == 2 && held.until > 0, "two classes with an end");
	call(l, "{\"name\":\"all\",\"arguments\":{\"x\":[1],\"y\":1.50}}");
	ok(held.opened == 2 && held.until == 0, "* stands for the others");
	call(l, "{\"name\":\"all\",\"arguments\":{\"pin\":1}}");
	ok(held.opened == 1, "the tool's own word goes before every tool's");
	call(l, "{\"name\":\"other\",\"arguments\":{\"pin\":1}}");
	ok(held.content[0] == '\0' && !says("_sd") &&
		says("\"covers\":{\"not_available\":"),
	    "nothing is committed to, and the record says so: %s", held.record);
}

static void
test_subject(struct line *l)
{
	static char text[900];

	call(l, "{\"name\":\"t\",\"arguments\":{\"k\":1,\"who\":\"w-7\"}}");
	ok(strcmp(held.subject, "who=w-7") == 0, "an argument says whose: %s",
	    held.subject);
	call(l, "{\"name\":\"t\",\"arguments\":{\"k\":1,\"who\":77}}");
	ok(strcmp(held.subject, "who=77") == 0, "a number too");
	call(l, "{\"name\":\"t\",\"arguments\":{\"k\":1,\"who\":[]}}");
	ok(strcmp(held.subject, "alice") == 0, "what is no name is not one");
	(void)snprintf(text, sizeof(text),
	    "{\"name\":\"t\",\"arguments\":{\"k\":1,\"who\":\"%0400d\"}}", 0);
	call(l, text);
	ok(strncmp(held.subject, "who=sha256:", 11) == 0,
	    "a long one by its digest: %s", held.subject);
}

/* Salts: no two alike, and the record of the same call is another. */
static void
test_salts(struct line *l)
{
	static char before[sizeof(held.content)];
	unsigned same = 0;

	for (unsigned i = 0; i < 300; i++) {
		call(l, "{\"name\":\"t\",\"arguments\":{\"c\":true}}");
		same += strcmp(held.content, before) == 0;
		(void)snprintf(before, sizeof(before), "%s", held.content);
	}
	ok(same == 0, "no salt comes twice in a row");
}

static void
test_many(struct line *l)
{
	struct buf b = { .max = 1 << 16 };

	buf_str(&b, STR("{\"name\":\"other\",\"arguments\":{\"a0\":0"));
	for (unsigned i = 1; i < 40; i++)
		buf_fmt(&b, ",\"a%u\":\"v%u\"", i, i);
	buf_str(&b, STR("}}"));
	buf_ch(&b, '\0');
	call(l, b.p);
	ok(held.hidden == 1 && says("\"params\":{\"_sd\":["),
	    "more than 32 arguments are one commitment: %s", held.content);
	buf_clear(&b);
	buf_str(&b, STR("{\"name\":\"other\",\"arguments\":{\"pin\":\"~P~\""));
	for (unsigned i = 1; i < 40; i++)
		buf_fmt(&b, ",\"a%u\":%u", i, i);
	buf_str(&b, STR("}}"));
	buf_ch(&b, '\0');
	call(l, b.p);
	ok(held.content[0] == '\0' && !says("_sd"),
	    "to none where one of them is dropped");
	buf_clear(&b);
	buf_str(&b, STR("{\"name\":\"other\""));
	for (unsigned i = 1; i < 40; i++)
		buf_fmt(&b, ",\"m%u\":%u", i, i);
	buf_str(&b, STR("}"));
	buf_ch(&b, '\0');
	call(l, b.p);
	ok(held.hidden == 1, "nor do many members make many: %s", held.content);
	buf_clear(&b);
	buf_fmt(&b,
	    "{\"name\":\"all\",\"arguments\":{\"x\":\"%040000d\",\"y\":1}}", 0);
	buf_ch(&b, '\0');
	call(l, b.p);
	ok(held.opened == 2, "a long value is kept");
	buf_done(&b);
}

/* What the store says for the record. */
static void
test_said(struct line *l)
{
	struct buf b = { .max = 4096 };

	forget();
	ok(line_content_lost(l, 3, 9, 4), "content that was lost");
	look();
	ok(says("\"kind\":\"content\"") && says("\"from\":3") &&
		says("\"count\":4") && says("\"not_established\":"),
	    "is on record: %s", held.record);
	BUG_ON(
	    json_parse(STR("{\"by\":\"root\",\"entries\":2,\"keys\":0,"
			   "\"kind\":\"decision\",\"reason\":\"x\",\"seq\":1,"
			   "\"records\":[\"0/1\"],\"uid\":\"no\"}"),
		&json_default, &b, NULL) != OK);
	forget();
	ok(line_told(l, STR("erasure"), jv_of(buf_view(&b))) > 0, "an erasure");
	look();
	ok(says("{\"by\":\"root\",\"cell\":0,\"entries\":2,\"keys\":0,\"kind\":"
		"\"erasure\",\"reason\":\"x\",\"records\":[\"0/1\"]}"),
	    "has our members alone, each of its type: %s", held.record);
	ok((msg_num(sent(MSG_RECORD), F_FLAGS) & MF_STRICT) != 0,
	    "and is durable before anybody is told");
	line_ledger_lost(l);
	ok(line_told(l, STR("erasure"), jv_of(buf_view(&b))) == 0 &&
		!line_content_lost(l, 1, 1, 1),
	    "without a ledger nothing is said to be recorded");
	buf_done(&b);
}

int
main(void)
{
	struct line *l = fresh_of(commit_image);

	test_classes(l);
	test_subject(l);
	test_salts(l);
	test_many(l);
	test_said(l);
	line_free(l);
	forget();
	return tap_done();
}
