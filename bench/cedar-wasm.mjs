// The reference implementation on the requests that bench-cedar --write left in
// a directory: policies and schema parsed once, each request with the few
// entities that it needs.  Checks every decision; prints one JSON object.
//
//     node bench/cedar-wasm.mjs DIR HOW_MANY
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";

const [dir, many] = process.argv.slice(2);
const top = new URL("../t/node/", import.meta.url);
const cedar = createRequire(top)("@cedar-policy/cedar-wasm/nodejs");
const read = (name) => readFileSync(`${dir}/${name}`, "utf8");
const good = (answer) => {
	if (answer.type !== "success")
		throw new Error(JSON.stringify(answer.errors));
	return answer;
};

const calls = read("requests.jsonl").trim().split("\n").map((line) => {
	const { entities, allow, ...request } = JSON.parse(line);
	return { call: { ...request, entities, preparsedPolicySetId: "p",
		preparsedSchemaName: "s", validateRequest: false }, allow };
});
const begin = performance.now();
good(cedar.preparsePolicySet("p", { staticPolicies: read("policies.cedar") }));
good(cedar.preparseSchema("s", read("schema.cedarschema")));
const loaded = performance.now() - begin;

let wrong = 0;
const once = ({ call, allow }) => {
	const { response } = good(cedar.statefulIsAuthorized(call));
	if ((response.decision === "allow") !== allow)
		wrong++;
};
for (let i = 0; i < 200; i++)
	once(calls[i]);
const took = [];
for (let i = 0; i < Number(many); i++) {
	const t = performance.now();
	once(calls[i * 7919 % calls.length]);
	took.push((performance.now() - t) * 1000);
}
took.sort((a, b) => a - b);
console.log(JSON.stringify({
	ns: took.reduce((a, b) => a + b, 0) / took.length * 1000,
	p50_us: took[took.length >> 1],
	p99_us: took[Math.floor(took.length * 0.99)],
	load_ms: loaded, n: took.length, wrong,
	version: cedar.getCedarSDKVersion?.() ?? cedar.getCedarVersion(),
}));
