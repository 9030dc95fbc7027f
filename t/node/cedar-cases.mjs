// Random Cedar: policy sets of 1 to 50 policies, entities, requests; what the
// reference implementation makes of them.  One test a line, in the form that
// "gatehouse cedar corpus" judges.
//
//     node cedar-cases.mjs SEED CASES >tests.jsonl
//
// A case is one request against one set; each set has five.  The same seed
// gives the same cases.  Most expressions have a type that fits, some not, so
// that errors are compared too; some texts are damaged, so that what is refused
// is compared.
import { createRequire } from "node:module";

const cedar = createRequire(import.meta.url)("@cedar-policy/cedar-wasm/nodejs");
const [seed, cases] = process.argv.slice(2).map(Number);

// --- dice -------------------------------------------------------------------
let state = (seed ^ 0x9e3779b9) >>> 0;
function roll(n) {
	state = (state + 0x6d2b79f5) >>> 0;
	let t = state;
	t = Math.imul(t ^ (t >>> 15), t | 1);
	t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
	return ((t ^ (t >>> 14)) >>> 0) % n;
}
const one = (list) => list[roll(list.length)];
const chance = (percent) => roll(100) < percent;
const some = (least, most, make) =>
	Array.from({ length: least + roll(most - least + 1) }, make);

// --- words ------------------------------------------------------------------
const TYPES = ["U", "G", "N::D"];
const IDS = ["a", "b", "c", "", "é", "a\"b", "\u0000", "*"];
const ATTRS = ["n", "s", "t", "e", "set", "rec", "ip", "dec", "dt", "dur", "odd key"];
const STRINGS = ["", "a", "ab", "abc", "aXb", "é", "a*b", "\u{1f600}x", "b\\c", "q\"q", "\u0000"];
const LONGS = ["0", "1", "2", "3", "7", "100", "-1", "-3", "9223372036854775807",
	"-9223372036854775808", "4611686018427387904", "9007199254740993"];
const PATTERNS = ["*", "a*", "*b", "a*b", "*X*", "a\\*b", "", "**", "*é", "a*b*c", "*\u{1f600}*"];
const DECIMALS = ["0.0", "1.5", "-1.5", "1.50", "922337203685477.5807", "1.23456", "1", "-0.0"];
const IPS = ["1.2.3.4", "10.0.0.0/8", "10.1.2.3", "::1", "127.0.0.1", "::/0", "ff02::1",
	"224.0.0.1", "1.2.3.4/33", "1::2::3", "0.0.0.0/0", "1:2:3:4:5:6:7::", "10.0.0.1/8"];
const DATES = ["1970-01-01", "2024-02-29", "2024-10-15T11:35:00Z", "2023-02-29",
	"2024-10-15T11:35:00.123+0130", "1969-12-31T23:59:59.999Z", "0000-01-01",
	"9999-12-31T23:59:59Z", "2024-10-15T24:00:00Z"];
const SPANS = ["1d", "-1d", "1d2h3m4s5ms", "0ms", "9223372036854775807ms", "1h", "90m",
	"1s1m", "-1d1ms", "106751991167d"];

const escape = (s) => JSON.stringify(s).replace(/\\u([0-9a-f]{4})/g, "\\u{$1}")
	.replace(/\\[bf]/g, (m) => m === "\\b" ? "\\u{8}" : "\\u{c}");
const uid = (type, id) => `${type}::${escape(id)}`;
const anyUid = () => uid(one(TYPES), one(IDS));
const pattern = () => `"${one(PATTERNS)}"`;

// A set that is to be validated is tidy: mostly of types that fit the schema.
let tidy = false;

// --- expressions ------------------------------------------------------------
const KINDS = ["bool", "long", "string", "entity", "set", "rec", "ip", "dec", "dt", "dur"];
const ATTR_OF = { long: "n", string: "s", bool: "t", entity: "e", set: "set", rec: "rec",
	ip: "ip", dec: "dec", dt: "dt", dur: "dur" };

function literal(kind) {
	switch (kind) {
	case "bool": return one(["true", "false"]);
	case "long": return one(LONGS);
	case "string": return escape(one(STRINGS));
	case "entity": return chance(40) ? one(["principal", "action", "resource"]) : anyUid();
	case "set":
		if (tidy)
			return `[${some(1, 3, () => literal("long")).join(", ")}]`;
		return `[${some(0, 4, () => literal(one(["long", "long", "string", "entity"]))).join(", ")}]`;
	case "rec":
		if (tidy)
			return one(["principal", "resource", "context"]) + ".rec";
		return chance(30) ? "context" : `{${some(0, 3, () => one(["a", "b", "\"c d\""]))
		.filter((k, i, all) => all.indexOf(k) === i)
		.map((k) => `${k}: ${literal(one(["long", "string", "bool"]))}`).join(", ")}}`;
	case "ip": return `ip("${one(IPS)}")`;
	case "dec": return `decimal("${one(DECIMALS)}")`;
	case "dt": return `datetime("${one(DATES)}")`;
	default: return `duration("${one(SPANS)}")`;
	}
}

function has(depth) {
	return `(${expr(one(["entity", "rec"]), depth)} has ${one(["n", "s", "rec", "rec.a", "e.n",
		"rec.a.b", "\"odd key\"", "zz", "e.e.n"])})`;
}

function guarded(depth) {
	const a = one(ATTRS.slice(0, 6));
	const v = one(["context", "principal", "resource"]);
	return `(${v} has ${a} && ${v}.${a} == ${expr(one(KINDS), depth)})`;
}

function boolean(depth) {
	const x = (kind) => expr(kind, depth - 1);
	switch (roll(20)) {
	case 0: return `(${x("bool")} && ${x("bool")})`;
	case 1: return `(${x("bool")} || ${x("bool")})`;
	case 2: return `!${x("bool")}`;
	case 3: { const k = one(KINDS); return `(${x(k)} ${one(["==", "!="])} ${x(k)})`; }
	case 4: return tidy ? guarded(depth - 1) : `(${x(one(KINDS))} == ${x(one(KINDS))})`;
	case 5: case 6: { const k = one(["long", "long", "dt", "dur", "dec"]);
		return `(${x(k)} ${one(["<", "<=", ">", ">="])} ${x(k)})`; }
	case 7: return `(${x("entity")} in ${x("entity")})`;
	case 8: return `(${x("entity")} in [${some(0, 3, () => expr("entity", 0)).join(", ")}])`;
	case 9: return `(${x("string")} like ${pattern()})`;
	case 10: return `(${x("entity")} is ${one(TYPES)}${chance(40) ? ` in ${x("entity")}` : ""})`;
	case 11: return has(depth - 1);
	case 12: return guarded(depth - 1);
	case 13: return `${x("set")}.${one(["containsAll", "containsAny"])}(${x("set")})`;
	case 14: return `${x("set")}.contains(${x(one(["long", "string", "entity", "set"]))})`;
	case 15: return `${x("set")}.isEmpty()`;
	case 16: return `${x("entity")}.hasTag(${x("string")})`;
	case 17: return `${x("ip")}.${one(["isIpv4()", "isIpv6()", "isLoopback()", "isMulticast()",
		`isInRange(${x("ip")})`])}`;
	case 18: return `${x("dec")}.${one(["lessThan", "lessThanOrEqual", "greaterThan",
		"greaterThanOrEqual"])}(${x("dec")})`;
	default: return `(if ${x("bool")} then ${x("bool")} else ${x("bool")})`;
	}
}

function expr(kind, depth) {
	if (roll(1000) < (tidy ? 4 : 40))
		kind = one(KINDS); // of a type that does not fit
	if (depth <= 0 || chance(15))
		return literal(kind);
	const x = (k) => expr(k, depth - 1);
	if (kind === "bool" && !chance(10))
		return boolean(depth);
	if (chance(25))
		return `${one(["context", "principal", "resource", x("entity"), x("rec")])}.${ATTR_OF[kind]}`;
	if (chance(5))
		return `(if ${x("bool")} then ${x(kind)} else ${x(kind)})`;
	if (chance(5))
		return `${x("entity")}.getTag(${escape(one(["t", "u", ""]))})`;
	if (kind === "long")
		return one([() => `(${x("long")} ${one(["+", "-", "*"])} ${x("long")})`,
			() => `-(${x("long")})`, () => `${x("dur")}.${one(["toMilliseconds", "toSeconds",
				"toMinutes", "toHours", "toDays"])}()`])();
	if (kind === "set")
		return tidy ? `[${some(1, 3, () => x("long")).join(", ")}]` : `[${some(0, 3, () => x(one(["long", "string", "entity", "set", "rec"]))).join(", ")}]`;
	if (kind === "rec")
		return tidy ? literal("rec") : `{a: ${x(one(KINDS))}, "n": ${x("long")}}`;
	if (kind === "dt")
		return one([() => `${x("dt")}.offset(${x("dur")})`, () => `${x("dt")}.toDate()`])();
	if (kind === "dur")
		return one([() => `${x("dt")}.durationSince(${x("dt")})`, () => `${x("dt")}.toTime()`])();
	return literal(kind);
}

// --- policies ---------------------------------------------------------------
function scope(name) {
	const u = () => uid(one(TYPES), one(IDS.slice(0, 4)));
	switch (roll(8)) {
	case 0: return `${name} == ${u()}`;
	case 1: return `${name} in ${u()}`;
	case 2: return `${name} is ${one(TYPES)}`;
	case 3: return `${name} is ${one(TYPES)} in ${u()}`;
	default: return name;
	}
}

function actionScope() {
	const u = () => uid("Action", one(IDS.slice(0, 4)));
	switch (roll(6)) {
	case 0: return `action == ${u()}`;
	case 1: return `action in ${u()}`;
	case 2: return `action in [${some(1, 3, u).join(", ")}]`;
	default: return "action";
	}
}

const policy = () => `${one(["permit", "permit", "forbid"])}(${scope("principal")}, ` +
	`${actionScope()}, ${scope("resource")})` +
	some(0, 2, () => ` ${one(["when", "when", "unless"])} { ${expr("bool", 1 + roll(4))} }`).join("") + ";";

// A byte or a token gone, doubled or changed.
function damage(text) {
	const at = roll(text.length);
	const bit = one(["(", ")", "{", "}", "\"", ";", ".", ",", "::", "==", "!", "-", "if", " in ", "\\",
		"?principal", "@a(\"x\")", "0", "9223372036854775808", "//", "has", "is"]);
	return one([() => text.slice(0, at) + text.slice(at + 1), () => text.slice(0, at) + bit + text.slice(at),
		() => text.slice(0, at) + bit + text.slice(at + 1 + roll(4))])();
}

// --- entities and requests: JSON text, numbers as written -------------------
const str = (s) => JSON.stringify(s);
const ref = (t, i) => `{"type":${str(t)},"id":${str(i)}}`;
function json(kind) {
	const fn = { ip: ["ip", IPS], dec: ["decimal", DECIMALS], dt: ["datetime", DATES],
		dur: ["duration", SPANS] }[kind];
	if (fn)
		return roll(900) === 0 ? one(ODD) : `{"__extn":{"fn":"${fn[0]}","arg":"${fn[1][roll(roll(3000) ? 3 : fn[1].length)]}"}}`;
	switch (kind) {
	case "bool": return one(["true", "false"]);
	case "long": return one(chance(20) ? LONGS : LONGS.slice(0, 8));
	case "string": return str(one(STRINGS));
	case "entity": return `{"__entity":${ref(one(TYPES), one(IDS))}}`;
	case "set": return `[${some(0, 4, () => json(one(["long", "string", "entity", "set"]))).join(",")}]`;
	default: return fields([["a", one(KINDS)], ["b", "long"], ["n", "long"]]);
	}
}
// Escapes that are none, or not quite.
const ODD = ["null", "1.5", "1.0", "1e2", "-0", "9223372036854775808", "{}", "[[]]",
	'{"__entity":{"type":"U"}}', '{"__entity":{"type":"U","id":"a","x":1}}',
	'{"__entity":{"type":"U","id":"a"},"x":1}', '{"type":"U","id":"a"}',
	'{"__entity":{"type":"U U","id":"a"}}', '{"__entity":{"type":"if","id":"a"}}',
	'{"__entity":{"type":"__cedar::U","id":"a"}}', '{"__entity":"U"}',
	'{"__extn":{"fn":"ip"}}', '{"__extn":{"fn":"ip","arg":1}}', '{"__extn":{"fn":"zz","arg":"1"}}',
	'{"__extn":{"fn":"ip","arg":"::1","x":2}}', '{"__extn":{"fn":"ip","arg":"::1"},"x":1}',
	'{"__extn":{"fn":"ip","args":["::1"]}}', '{"__extn":{"fn":"ip","args":[]}}',
	'{"__extn":{"fn":"ip","args":["::1","::1"]}}', '{"__extn":1}', '{"__expr":"1"}',
	'{"__expr":1}', '{"__expr":"1","x":1}', '{"fn":"ip","arg":"::1"}', '{"__extn":{"fn":"isIpv4","arg":'
	+ '{"__extn":{"fn":"ip","arg":"::1"}}}}', '{"__extn":{"fn":"offset","args":[{"__extn":{"fn":"datetime",'
	+ '"arg":"2024-01-01"}},{"__extn":{"fn":"duration","arg":"1d"}}]}}'];
const fields = (all) => `{${all.filter(() => chance(70)).map(([k, kind]) =>
	`${str(k)}:${json(chance(95) ? kind : one(KINDS))}`).join(",")}}`;
const attrs = () => fields([...Object.entries(ATTR_OF).map(([kind, name]) => [name, kind]),
	["odd key", "long"]]);

function entities() {
	const all = [];
	for (const [n, type] of [...TYPES, "Action"].entries())
		for (const [m, id] of IDS.entries()) {
			if (chance(35))
				continue;
			// upwards only, but for the few that make a cycle
			const up = IDS.slice(chance(99) ? m + 1 : 0);
			const parents = up.filter(() => chance(25)).map((i) =>
				ref(type === "Action" ? type : n === 0 && chance(60) ? "G" : type, i));
			all.push(`{"uid":${ref(type, id)},"attrs":${type === "Action" ? "{}" : attrs()},` +
				`"parents":[${parents.join(",")}]` +
				(chance(40) ? `,"tags":${fields([["t", one(KINDS)], ["u", "long"], ["", "long"]])}` : "") + "}");
		}
	return `[${all.join(",")}]`;
}

// JSON to what crosses into wasm as JSON text: numbers stay as they are written.
const exact = (text) => JSON.parse(text, (key, value, context) =>
	typeof value === "number" && context.source !== String(value)
		? JSON.rawJSON(context.source) : value);

// --- asking -----------------------------------------------------------------
function ask(call) {
	const got = cedar.statefulIsAuthorized(call);
	if (got.type !== "success")
		return { refused: got.errors[0]?.message ?? "?" };
	return { decision: got.response.decision, reason: got.response.diagnostics.reason,
		errors: got.response.diagnostics.errors.map((e) => e.policyId) };
}

function test(n) {
	let policies = some(1, one([1, 3, 10, 50]), policy).join("\n");
	if (chance(10))
		policies = damage(policies).toWellFormed(); // no half of a pair
	const out = { id: `seed ${seed}, set ${n}`, policies, entities: entities() };
	const parsed = cedar.preparsePolicySet("p", { staticPolicies: policies });
	if (parsed.type !== "success")
		return { ...out, refused: "policies" };
	const requests = [];
	for (let i = 0; i < 5; i++) {
		const context = fields(Object.entries(ATTR_OF).map(([kind, name]) => [name, kind]));
		const [p, a, r] = [ref(one(TYPES), one(IDS)), ref("Action", one(IDS.slice(0, 4))),
			ref(one(TYPES), one(IDS))];
		const got = ask({ preparsedPolicySetId: "p", principal: exact(p), action: exact(a),
			resource: exact(r), context: exact(context), entities: exact(out.entities) });
		requests.push(`{"description":"request ${i}","principal":${p},"action":${a},"resource":${r},` +
			`"context":${context},${JSON.stringify(got).slice(1)}`);
	}
	return { ...out, test: `{"requests":[${requests.join(",")}]}` };
}

// --- the validator ----------------------------------------------------------
const SHAPE = `{ n: Long, s: String, t: Bool, e: U, set: Set<Long>, rec: { a?: Long, b?: Long, n?: Long }, ` +
	`ip: ipaddr, dec: decimal, dt: datetime, dur: duration, "odd key"?: Long }`;
const SCHEMA = `entity G in [G] = ${SHAPE} tags Long;\nentity U in [G, U] = ${SHAPE} tags Long;\n` +
	`namespace N { entity D in [D] = ${SHAPE} tags Long; }\n` +
	IDS.slice(0, 4).map((id, i) => `action ${escape(id)} ${i < 3 ? `in [${IDS.slice(i + 1, 4).map(escape).join(", ")}] ` : ""}` +
		`appliesTo { principal: [U, G, N::D], resource: [U, G, N::D], context: ${SHAPE} };`).join("\n");

function verdict(n) {
	tidy = true;
	const policies = some(1, 2, policy).join("\n");
	tidy = false;
	const got = cedar.validate({ schema: SCHEMA, policies: { staticPolicies: policies } });
	// 4.13 only warns where no action can apply; see doc/cedar-differences.md
	if (got.type !== "success") // as "1 -9223372036854775808": too large a number
		return { id: `seed ${seed}, verdict ${n}`, policies, entities: "[]", refused: "policies" };
	if (
	    got.validationWarnings.some((w) => w.error.message.includes("applicable action")))
		return null;
	return { id: `seed ${seed}, verdict ${n}`, policies, schema: SCHEMA, entities: "[]",
		test: JSON.stringify({ requests: [], shouldValidate: got.validationErrors.length === 0 }) };
}

process.stderr.write(`cedar-wasm ${cedar.getCedarSDKVersion?.() ?? cedar.getCedarVersion()}, ` +
	`seed ${seed}, ${cases} cases\n`);
for (let n = 0; n * 5 < cases; n++) {
	process.stdout.write(JSON.stringify(test(n)) + "\n");
	const v = n % 2 === 0 ? verdict(n) : null;
	if (v)
		process.stdout.write(JSON.stringify(v) + "\n");
}
