/*
 * fixture: serves surface.mjs to the conformance suite and to Gatehouse.
 *
 *   fixture.mjs --http PORT    Streamable HTTP at /mcp on 127.0.0.1, both eras
 *   fixture.mjs --stdio        both eras on stdin and stdout
 *
 * It prints "ready PORT" on stderr once it serves (PORT 0: any free port).
 */
import { createServer } from "node:http";
import { randomBytes, randomUUID } from "node:crypto";
import { createMcpHandler, isInitializeRequest, isLegacyRequest }
	from "@modelcontextprotocol/server";
import { serveStdio } from "@modelcontextprotocol/server/stdio";
import {
	NodeStreamableHTTPServerTransport, localhostHostValidation,
	localhostOriginValidation, toNodeHandler, toWebRequest,
} from "@modelcontextprotocol/node";
import { surface } from "./surface.mjs";

const KEY = randomBytes(32);

/* Keeps the events of one session, so that a cut stream can be taken up. */
function eventStore() {
	const events = [];
	const streamOf = (id) => id.slice(0, id.lastIndexOf("_"));

	return {
		async storeEvent(stream, message) {
			const id = `${stream}_${String(events.length).padStart(6, "0")}`;
			events.push({ id, stream, message });
			return id;
		},
		async getStreamIdForEventId(id) {
			return events.some((e) => e.id === id) ? streamOf(id) : undefined;
		},
		async replayEventsAfter(last, { send }) {
			const stream = streamOf(last);
			for (const e of events)
				if (e.stream === stream && e.id > last &&
				    Object.keys(e.message).length > 0)
					await send(e.id, e.message);
			return stream;
		},
	};
}

function serveHttp(port) {
	const sessions = new Map();
	const change = {
		tools: (s) => { s.sendToolListChanged(); modern.notify.toolsChanged(); },
		prompts: (s) => {
			s.sendPromptListChanged();
			modern.notify.promptsChanged();
		},
	};
	const build = surface(KEY, change);
	const modern = createMcpHandler(build, { legacy: "reject" });
	const modernNode = toNodeHandler(modern);
	const hostIsFine = localhostHostValidation();
	const originIsFine = localhostOriginValidation();

	async function legacy(req, res, body) {
		const id = req.headers["mcp-session-id"];
		let t = id === undefined ? undefined : sessions.get(id);

		if (t === undefined && id === undefined && isInitializeRequest(body)) {
			t = new NodeStreamableHTTPServerTransport({
				sessionIdGenerator: randomUUID,
				eventStore: eventStore(),
				retryInterval: 1000,
				onsessioninitialized: (s) => void sessions.set(s, t),
				onsessionclosed: (s) => void sessions.delete(s),
			});
			await build({ era: "legacy" }).connect(t);
		}
		if (t !== undefined)
			return t.handleRequest(req, res, body);
		const known = id !== undefined;
		res.writeHead(known ? 404 : 400, { "Content-Type": "application/json" });
		res.end(JSON.stringify({ jsonrpc: "2.0", id: null, error: {
			code: known ? -32001 : -32000,
			message: known ? "Session not found" : "No session" } }));
	}

	async function handle(req, res) {
		if (!hostIsFine(req, res) || !originIsFine(req, res))
			return;
		if (new URL(req.url, "http://x").pathname !== "/mcp")
			return void res.writeHead(404).end();
		if (req.method !== "POST")
			return legacy(req, res, undefined);
		const web = await toWebRequest(req);
		const raw = await web.text();
		let body;
		try {
			body = JSON.parse(raw);
		} catch {
			body = raw;
		}
		const probe = new Request(web.url, { method: "POST",
			headers: web.headers, body: raw });
		if (await isLegacyRequest(probe))
			return legacy(req, res, body);
		return modernNode(req, res, body);
	}

	const server = createServer((req, res) => handle(req, res).catch((e) => {
		process.stderr.write(`fixture: ${e.stack}\n`);
		if (!res.headersSent)
			res.writeHead(500);
		res.end();
	}));
	server.listen(port, "127.0.0.1", () => process.stderr.write(
		`ready ${server.address().port}\n`));
}

const [mode, port] = process.argv.slice(2);
if (mode === "--http") {
	serveHttp(Number(port ?? 0));
} else if (mode === "--stdio") {
	serveStdio(surface(KEY, {
		tools: (s) => s.sendToolListChanged(),
		prompts: (s) => s.sendPromptListChanged(),
	}));
	process.stderr.write("ready stdio\n");
} else {
	process.stderr.write("usage: fixture.mjs --http PORT | --stdio\n");
	process.exit(2);
}
for (const [name, number] of [["SIGTERM", 15], ["SIGINT", 2]])
	process.on(name, () => process.exit(128 + number));
process.stdin.on("end", () => process.stderr.write("input ended\n"));
