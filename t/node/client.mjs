/*
 * client: the client side of the conformance suite, on the v2 SDK.  The suite
 * starts a server, names the scenario in the environment and appends the URL:
 *
 *   client.mjs [--bearer TOKEN] URL
 *
 * Each scenario is a row of the table below: what a client does there.
 */
import { Client, StreamableHTTPClientTransport }
	from "@modelcontextprotocol/client";

const args = process.argv.slice(2);
const bearer = args[0] === "--bearer" ? args.splice(0, 2)[1] : undefined;
const url = new URL(args[0]);
const scenario = process.env.MCP_CONFORMANCE_SCENARIO ?? "initialize";
const version = process.env.MCP_CONFORMANCE_PROTOCOL_VERSION ?? "2025-11-25";
const context = JSON.parse(process.env.MCP_CONFORMANCE_CONTEXT ?? "{}");
const modern = version >= "2026-07-28";

const transport = () => new StreamableHTTPClientTransport(url, bearer === undefined
	? {} : { requestInit: { headers: { Authorization: `Bearer ${bearer}` } } });

async function connect() {
	const client = new Client({ name: "gatehouse-lab", version: "1.0.0" }, {
		capabilities: { sampling: {}, roots: { listChanged: true },
			elicitation: { form: { applyDefaults: true } } },
		versionNegotiation: { mode: modern ? { pin: version } : "legacy" },
	});
	client.setRequestHandler("elicitation/create", ({ params }) => ({
		action: "accept",
		content: scenario.startsWith("elicitation") ? {}
			: Object.fromEntries(Object.entries(
				params.requestedSchema?.properties ?? {}).map(
				([k, p]) => [k, p.type === "boolean" ? true : "x"])),
	}));
	client.setRequestHandler("sampling/createMessage", () => ({
		role: "assistant", model: "none",
		content: { type: "text", text: "hello" } }));
	client.setRequestHandler("roots/list", () => ({ roots: [] }));
	await client.connect(transport());
	return client;
}

/* Something a schema would take, for the tools that we know nothing of. */
function sample(schema) {
	const of = (p) => ({ number: 1, integer: 1, boolean: true, array: [],
		object: {}, null: null })[p.type] ?? "x";
	return Object.fromEntries(Object.entries(schema?.properties ?? {})
		.map(([k, p]) => [k, of(p)]));
}

async function callAll(client) {
	const { tools } = await client.listTools();
	for (const t of tools)
		await client.callTool({ name: t.name,
			arguments: sample(t.inputSchema) });
}

async function standardHeaders(client) {
	await callAll(client);
	const { resources } = await client.listResources();
	for (const r of resources)
		await client.readResource({ uri: r.uri });
	const { prompts } = await client.listPrompts();
	for (const p of prompts)
		await client.getPrompt({ name: p.name });
}

async function givenCalls(client) {
	await client.listTools();
	for (const c of context.toolCalls ?? [])
		await client.callTool({ name: c.name, arguments: c.arguments });
}

/* Calls whose rounds overlap: state of one must not leak into another. */
async function isolated(client) {
	await client.listTools();
	const call = (name) => client.callTool({ name, arguments: {} });
	await Promise.all([call("test_mrtr_echo_state"),
		call("test_mrtr_unrelated")]);
	await call("test_mrtr_no_state");
	/* This SDK refuses an answer without resultType: stricter, and fine. */
	await call("test_mrtr_no_result_type").catch(() => {});
}

async function preserve(client) {
	const { tools } = await client.listTools();
	const rich = tools.find((t) => t.name === "json_schema_2020_12_tool");
	const echo = tools.find((t) => t.name !== rich.name);
	await client.callTool({ name: echo.name,
		arguments: { schema: rich.inputSchema } });
}

const scenarios = {
	"initialize": (c) => c.listTools(),
	"tools_call": async (c) => {
		await c.listTools();
		await c.callTool({ name: "add_numbers", arguments: { a: 5, b: 3 } });
	},
	"elicitation-sep1034-client-defaults": callAll,
	"sse-retry": callAll,
	"request-metadata": (c) => c.listTools(),
	"sep-2322-client-request-state": isolated,
	"http-standard-headers": standardHeaders,
	"http-custom-headers": givenCalls,
	"http-invalid-tool-headers": callAll,
	"json-schema-ref-no-deref": (c) => c.listTools(),
	"json-schema-2020-12-preservation": preserve,
};

const run = scenarios[scenario];
if (run === undefined) {
	process.stderr.write(`client: no such scenario: ${scenario}\n`);
	process.exit(2);
}
const client = await connect();
await run(client);
await client.close();
