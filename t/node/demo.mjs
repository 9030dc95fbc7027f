/*
 * demo: an agent on the official SDK works through Gatehouse.  Each step says
 * what must happen; what happened is printed with its reason and its record.
 *
 *   demo.mjs URL TOKEN DIRECTORY GATEHOUSE
 */
import { execFileSync } from "node:child_process";
import { Client, StreamableHTTPClientTransport }
	from "@modelcontextprotocol/client";

const [url, token, dir, gatehouse] = process.argv.slice(2);
const steps = [
	["reads a file", "files___read_text_file",
		{ path: `${dir}/files/notes.txt` }, true],
	["lists the folder", "files___list_directory",
		{ path: `${dir}/files` }, true],
	["writes a file", "files___write_file",
		{ path: `${dir}/files/notes.txt`, content: "gone" }, false],
	["remembers", "memory___create_entities", { entities: [{
		name: "Ann", entityType: "person", observations: ["likes tea"] }] },
	true],
	["looks it up", "memory___search_nodes", { query: "Ann" }, true],
	["forgets", "memory___delete_entities", { entityNames: ["Ann"] }, false],
	["calls echo", "everything___echo", { message: "hello" }, true],
	["reads the environment", "everything___get-env", {}, false],
];

/* The newest decision in the ledger, as the command line tells it. */
function decision() {
	const lines = execFileSync(gatehouse,
		["ledger", "tail", "--json", "-n", "20", `${dir}/state`],
		{ encoding: "utf8", maxBuffer: 1 << 26 }).trim().split("\n");
	return lines.map((l) => JSON.parse(l))
		.filter((r) => r.kind === "decision" && r.method === "tools/call")
		.sort((a, b) => a.time - b.time).at(-1) ?? {};
}

const client = new Client({ name: "demo-agent", version: "1.0.0" },
	{ versionNegotiation: { mode: "auto" } });
await client.connect(new StreamableHTTPClientTransport(new URL(url),
	{ requestInit: { headers: { Authorization: `Bearer ${token}` } } }));
const { tools } = await client.listTools();
console.log(`The agent sees ${tools.length} tools.\n`);

let wrong = 0;
for (const [what, name, args, expected] of steps) {
	let allowed, said;
	try {
		const r = await client.callTool({ name, arguments: args });
		allowed = !r.isError;
		said = r.content?.[0]?.text ?? "";
	} catch (e) {
		allowed = false;
		said = e.message;
	}
	const d = decision();
	wrong += allowed !== expected;
	console.log(`${allowed ? "ALLOWED" : "REFUSED"}  ${what}: ${name}`);
	console.log(`         ${said.replaceAll("\n", " ").slice(0, 100)}`);
	console.log(`         rule ${d.rule ?? "?"}: ${d.reason ?? "?"}`);
	console.log(`         record ${d.seq ?? "?"} of cell ${d.cell ?? "?"}`);
}
await client.close();
console.log(wrong === 0 ? "\nEvery verdict was as the rules say."
	: `\n${wrong} verdicts were not as expected.`);
process.exit(wrong === 0 ? 0 : 1);
