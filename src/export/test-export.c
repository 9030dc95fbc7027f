/* test-export: what becomes of a record, in each format; that a value is not
 * made up where a record has none; that the same record gives the same bytes.
 */
#include "base/tap.h"
#include "export/export.h"

static struct buf room[6];

/* A value of its own room, until the same one is used again. */
static struct jv
json(size_t i, const char *text)
{
	room[i].max = 1 << 20;
	buf_clear(&room[i]);
	if (json_parse(str_of(text), &json_default, &room[i], NULL) != OK)
		exit(1);
	return jv_of(buf_view(&room[i]));
}

static const unsigned char leaf[32] = { 1 };

static struct export_view
view(const char *rec)
{
	return (struct export_view){ .cell = 2,
		.seq = 9,
		.text = str_of(rec),
		.leaf = leaf,
		.rec = json(0, rec) };
}

static struct buf text = { .max = 1 << 20 };
static struct buf tape = { .max = 1 << 20 };

static struct jv
ocsf(const struct export_view *v)
{
	buf_clear(&text);
	buf_clear(&tape);
	export_ocsf(v, &text);
	if (text.full || json_parse(str_sub(buf_view(&text), 0, text.n - 1),
			     &json_default, &tape, NULL) != OK)
		return (struct jv){ NULL, 0 };
	return jv_of(buf_view(&tape));
}

static bool
has(struct jv v, const char *path, const char *want)
{
	return str_eq(jv_str(jv_at(v, path)), str_of(want));
}

static void
test_kinds(void)
{
	static const struct {
		const char *rec, *class, *status;
	} cases[] = {
		{ "{\"kind\":\"decision\",\"verdict\":\"allow\"}", "6003",
		    "Unknown" },
		{ "{\"kind\":\"decision\",\"verdict\":\"deny\"}", "6003",
		    "Failure" },
		{ "{\"kind\":\"decision\",\"verdict\":\"hold\"}", "6003",
		    "Other" },
		{ "{\"kind\":\"outcome\",\"status\":\"answered\"}", "6003",
		    "Success" },
		{ "{\"kind\":\"refusal\"}", "6003", "Failure" },
		{ "{\"kind\":\"finding\"}", "2004", "New" },
		{ "{\"kind\":\"definition\"}", "3004", "Unknown" },
		{ "{\"kind\":\"start\"}", "6002", "Unknown" },
		{ "{\"kind\":\"new\"}", "0", "Unknown" },
		{ "{}", "0", "Unknown" },
	};

	for (size_t i = 0; i < countof(cases); i++) {
		const struct export_view v = view(cases[i].rec);
		const struct jv e = ocsf(&v);
		const bool held = strcmp(cases[i].status, "Other") == 0;

		ok(has(e, "class_uid", cases[i].class) &&
			has(e, "status", held ? "hold" : cases[i].status) &&
			has(e, "raw_data", cases[i].rec),
		    "%s: class %s, %s", cases[i].rec, cases[i].class,
		    cases[i].status);
	}
}

static void
test_inherits(void)
{
	struct export_view v =
	    view("{\"decision\":7,\"kind\":\"outcome\",\"time\":5000000}");
	struct jv e, path;

	v.decision = json(1, "{\"kind\":\"decision\",\"method\":\"tools/call\","
			     "\"name\":\"read\",\"principal\":\"robot\"}");
	v.decision_seq = 7;
	v.identity =
	    json(2, "{\"chain\":[{\"name\":\"ann\"},{\"name\":\"bob\"}]"
		    ",\"subject\":{\"id\":\"bob\"}}");
	v.start = json(3, "{\"runtime\":{\"not_available\":\"x\"}}");
	e = ocsf(&v);
	path = jv_at(e, "unmapped/delegation_path");
	ok(has(e, "unmapped/correlation_id", "2/7") &&
		has(e, "unmapped/mcp_name", "read") &&
		has(e, "unmapped/attestation_state", "not_available") &&
		has(e, "actor/user/name", "bob") && has(e, "time", "5000"),
	    "an outcome has what its decision and its identity say");
	ok(jv_count(path) == 3 &&
		has(e, "unmapped/delegation_state", "present"),
	    "the path of delegation ends with who acts");
	v.identity = (struct jv){ NULL, 0 };
	e = ocsf(&v);
	ok(has(e, "unmapped/delegation_state", "not_established") &&
		jv_is(jv_at(e, "actor/user"), J_NONE),
	    "and is not made up");
}

static void
test_otlp(void)
{
	struct export_otlp o = { .tape = { .max = 1 << 20 } };
	struct buf again = { .max = 1 << 20 };
	const struct export_view v =
	    view("{\"kind\":\"finding\",\"time\":1795865996281467}");

	buf_clear(&text);
	export_otlp_flush(&o, &text);
	ok(text.n == 0, "nothing was put: no line");
	for (unsigned i = 0; i < 2; i++) {
		export_otlp_put(&o, &v);
		export_otlp_put(&o, &v);
		export_otlp_flush(&o, i == 0 ? &text : &again);
	}
	ok(!text.full && str_eq(buf_view(&text), buf_view(&again)),
	    "the same bytes");
	ok(str_search(buf_view(&text),
	       STR("\"timeUnixNano\":\"1795865996281467000\"")) < text.n &&
		str_search(buf_view(&text), STR("\"severityText\":\"WARN\"")) <
		    text.n &&
		str_search(buf_view(&text),
		    STR("\"eventName\":\"gatehouse.finding\"")) < text.n,
	    "time, severity and name of a log record");
	export_otlp_done(&o);
	buf_done(&again);
}

static struct jv
entry(const struct export_view *v, enum export_entry kind)
{
	buf_clear(&tape);
	if (!export_evidence(v, kind, STR("sha256:x"), &tape))
		return (struct jv){ NULL, 0 };
	return jv_of(buf_view(&tape));
}

static void
test_evidence(void)
{
	struct export_view v = view("{\"budget\":\"absent\",\"kind\":"
				    "\"decision\",\"time\":951782400000001,"
				    "\"verdict\":\"allow\"}");
	struct jv e = entry(&v, EXPORT_DECISION);

	ok(has(e, "recorded_at", "2000-02-29T00:00:00.000001Z"),
	    "a time, on a day that is not in every year");
	ok(has(e, "principal/id/status", "not_established") &&
		has(e, "principal/id/missing_premise",
		    "the record does not say") &&
		has(e, "subject/provenance", "absent") &&
		has(e, "assurance_boundary/statement/status",
		    "not_established") &&
		has(e, "decision/outcome/status", "pending"),
	    "what is not there has its state");
	e = entry(&v, EXPORT_ACCOUNTING);
	ok(has(e, "budget/applicable/status", "absent") &&
		has(e, "decision/verdict", "allowed") &&
		has(e, "references/action_id", "2/9"),
	    "no budget is a determined absence");
	ok(jv_is(entry(&v, EXPORT_OUTCOME), J_NONE), "it is no outcome");
	v = view("{\"decision\":7,\"kind\":\"outcome\",\"status\":\"failed\"}");
	v.decision_seq = 7;
	e = entry(&v, EXPORT_OUTCOME);
	ok(has(e, "references/action_id", "2/7") &&
		has(e, "outcome/status", "failed"),
	    "an outcome");
	ok(jv_is(entry(&v, EXPORT_DECISION), J_NONE), "is no decision");
}

int
main(void)
{
	test_kinds();
	test_inherits();
	test_otlp();
	test_evidence();
	for (size_t i = 0; i < countof(room); i++)
		buf_done(&room[i]);
	buf_done(&text);
	buf_done(&tape);
	return tap_done();
}
