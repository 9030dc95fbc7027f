/*
 * surface: the tools, prompts and resources that the conformance suite asks a
 * server for, on the v2 SDK, for both eras.  It knows nothing of transports;
 * fixture.mjs serves it.  Every answer is fixed text, so that what arrives at
 * the far side of a gateway can be compared with what was sent.
 */
import {
	CLIENT_CAPABILITIES_META_KEY, McpServer, ProtocolError, ProtocolErrorCode, ResourceTemplate, acceptedContent,
	createRequestStateCodec, fromJsonSchema, inputRequired, inputResponse,
} from "@modelcontextprotocol/server";

/* One red pixel, and 0.1 ms of silence. */
const PNG = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAIAAACQd1PeAAAADElEQVR4nGP4z8AAAAMBAQDJ/pLvAAAAAElFTkSuQmCC";
const WAV = "UklGRiYAAABXQVZFZm10IBAAAAABAAEAQB8AAEAfAAABAAgAZGF0YQIAAACAgA==";

const text = (t) => ({ type: "text", text: t });
const image = () => ({ type: "image", data: PNG, mimeType: "image/png" });
const says = (...content) => ({ content });
const pause = (ms) => new Promise((go) => setTimeout(go, ms));
const object = (properties = {}, required = Object.keys(properties)) =>
	({ type: "object", properties, required });
const string = (description) => ({ type: "string", description });

/* What this client said it can do: in each call (modern) or once (legacy). */
function declared(server, ctx) {
	return ctx.mcpReq.envelope?.[CLIENT_CAPABILITIES_META_KEY] ??
		server.server.getClientCapabilities() ?? {};
}

/* Values of a form may come back from anyone: only strings are used. */
function field(ctx, key, name) {
	const got = acceptedContent(ctx.mcpReq.inputResponses, key)?.[name];
	return typeof got === "string" ? got : undefined;
}

const ask = {
	name: (message = "What is your name?") => inputRequired.elicit(
		{ message, requestedSchema: object({ name: { type: "string" } }) }),
	yes: () => inputRequired.elicit({ message: "Please confirm",
		requestedSchema: object({ ok: { type: "boolean" } }) }),
	model: (words, maxTokens) => inputRequired.createMessage({ maxTokens,
		messages: [{ role: "user", content: text(words) }] }),
	roots: () => inputRequired.listRoots(),
};

/* Tools that answer at once.  name -> [description, schema, answer] */
const plain = {
	test_simple_text: ["fixed text", object(),
		() => says(text("This is a simple text response for testing."))],
	test_image_content: ["one image", object(), () => says(image())],
	test_audio_content: ["one sound", object(),
		() => says({ type: "audio", data: WAV, mimeType: "audio/wav" })],
	test_embedded_resource: ["one resource", object(),
		() => says({ type: "resource", resource: {
			uri: "test://embedded-resource", mimeType: "text/plain",
			text: "This is an embedded resource content." } })],
	test_multiple_content_types: ["text, image and resource", object(),
		() => says(text("Multiple content types test:"), image(),
			{ type: "resource", resource: {
				uri: "test://mixed-content-resource",
				mimeType: "application/json",
				text: JSON.stringify({ test: "data", value: 123 }) } })],
	test_error_handling: ["always fails", object(), () => {
		throw new Error(
			"This tool intentionally returns an error for testing");
	}],
	test_x_mcp_header: ["takes a mirrored argument", object(
		{ region: { ...string("where"), "x-mcp-header": "Region" } }, []),
		({ region }) => says(text(`region=${region ?? "none"}`))],
	json_schema_2020_12_tool: ["a schema with the wider vocabulary", {
		$schema: "https://json-schema.org/draft/2020-12/schema",
		type: "object",
		$defs: { address: { $anchor: "addressDef", type: "object",
			properties: { street: { type: "string" },
				city: { type: "string" } } } },
		properties: { name: { type: "string" },
			address: { $ref: "#/$defs/address" },
			contactMethod: { enum: ["phone", "email"] },
			phone: { type: "string" }, email: { type: "string" } },
		allOf: [{ anyOf: [{ required: ["phone"] },
			{ required: ["email"] }] }],
		if: { properties: { contactMethod: { const: "phone" } },
			required: ["contactMethod"] },
		then: { required: ["phone"] }, else: { required: ["email"] },
		additionalProperties: false },
		(args) => says(text(JSON.stringify(args)))],
};

async function progress(_args, ctx) {
	const progressToken = ctx.mcpReq._meta?.progressToken;

	for (const done of [0, 50, 100]) {
		if (done > 0)
			await pause(50);
		if (progressToken !== undefined)
			await ctx.mcpReq.notify({ method: "notifications/progress",
				params: { progressToken, progress: done, total: 100,
					message: `Completed step ${done} of 100` } });
	}
	return says(text(String(progressToken ?? "no token")));
}

async function logging(_args, ctx) {
	await ctx.mcpReq.log("info", "Tool execution started");
	await pause(50);
	await ctx.mcpReq.log("info", "Tool processing data");
	await pause(50);
	await ctx.mcpReq.log("info", "Tool execution completed");
	return says(text("Tool with logging executed"));
}

async function reconnection(_args, ctx) {
	ctx.http?.closeSSE?.();
	await pause(200);
	return says(text("answered after the stream was closed"));
}

/* Requests to the person or the model, the legacy way: on the open stream. */
function elicits(message, requestedSchema) {
	return async (args, ctx) => {
		const r = await ctx.mcpReq.elicitInput({ requestedSchema,
			message: args.message ?? message });
		return says(text(`User response: action=${r.action}, ` +
			`content=${JSON.stringify(r.content ?? {})}`));
	};
}

const defaults = object({
	name: { type: "string", default: "John Doe" },
	age: { type: "integer", default: 30 },
	score: { type: "number", default: 95.5 },
	status: { type: "string", enum: ["active", "inactive", "pending"],
		default: "active" },
	verified: { type: "boolean", default: true },
}, []);
const titled = (n, word) => [1, 2, 3].slice(0, n).map((i) =>
	({ const: `value${i}`, title: `${["First", "Second", "Third"][i - 1]} ${word}` }));
const enums = object({
	untitledSingle: { type: "string", enum: ["option1", "option2", "option3"] },
	titledSingle: { type: "string", oneOf: titled(3, "Option") },
	legacyEnum: { type: "string", enum: ["opt1", "opt2", "opt3"],
		enumNames: ["Option One", "Option Two", "Option Three"] },
	untitledMulti: { type: "array",
		items: { type: "string", enum: ["option1", "option2", "option3"] } },
	titledMulti: { type: "array", items: { anyOf: titled(3, "Choice") } },
}, []);

async function sampling({ prompt }, ctx) {
	const r = await ctx.mcpReq.requestSampling({ maxTokens: 100,
		messages: [{ role: "user", content: text(prompt) }] });
	return says(text(`LLM response: ${r.content?.text ?? ""}`));
}

/* Requests the modern way: an answer that asks, and a second call. */
function rounds(server, codec) {
	const seal = async (p, ctx) => codec.mint(p, ctx);
	const whole = async (ctx, inputRequests, payload) => inputRequired(
		{ inputRequests, requestState: await seal(payload, ctx) });
	return {
		elicitation: (_a, ctx) => {
			const name = field(ctx, "user_name", "name");
			return name === undefined
				? inputRequired({ inputRequests: { user_name: ask.name() } })
				: says(text(`Hello, ${name}!`));
		},
		sampling: (_a, ctx) => {
			const r = inputResponse(ctx.mcpReq.inputResponses,
				"capital_question");
			const got = ctx.mcpReq.inputResponses?.capital_question;
			return r === undefined || got?.content === undefined
				? inputRequired({ inputRequests: { capital_question:
					ask.model("What is the capital of France?", 100) } })
				: says(text(`Answer: ${got.content.text ?? ""}`));
		},
		list_roots: (_a, ctx) => {
			const got = ctx.mcpReq.inputResponses?.client_roots;
			return !Array.isArray(got?.roots)
				? inputRequired({ inputRequests:
					{ client_roots: ask.roots() } })
				: says(text(got.roots.map((r) => r.uri).join(" ")));
		},
		request_state: (_a, ctx) =>
			ctx.mcpReq.requestState()?.step === "confirm" &&
			acceptedContent(ctx.mcpReq.inputResponses, "confirm")
				? says(text("state-ok"))
				: whole(ctx, { confirm: ask.yes() }, { step: "confirm" }),
		tampered_state: (_a, ctx) =>
			ctx.mcpReq.requestState()?.step === "sealed"
				? says(text("state was intact"))
				: whole(ctx, { confirm: ask.yes() }, { step: "sealed" }),
		multiple_inputs: (_a, ctx) => {
			const got = ctx.mcpReq.inputResponses ?? {};
			return got.user_name && got.greeting && got.client_roots
				? says(text("all three arrived"))
				: whole(ctx, { user_name: ask.name(),
					greeting: ask.model("Generate a greeting", 50),
					client_roots: ask.roots() }, { step: "all" });
		},
		multi_round: (_a, ctx) => {
			const at = ctx.mcpReq.requestState();
			const name = field(ctx, "step1", "name");
			const color = field(ctx, "step2", "color");
			if (at?.round === 2 && color !== undefined)
				return says(text(`${at.name} likes ${color}`));
			if (at?.round === 1 && name !== undefined)
				return whole(ctx, { step2: inputRequired.elicit({
					message: "Step 2: What is your favorite color?",
					requestedSchema: object(
						{ color: { type: "string" } }) }) },
				{ round: 2, name });
			return whole(ctx, { step1:
				ask.name("Step 1: What is your name?") }, { round: 1 });
		},
		capabilities: (_a, ctx) => {
			const can = declared(server, ctx);
			const inputRequests = {};
			if (can.sampling)
				inputRequests.greeting = ask.model("Say hello", 50);
			if (can.elicitation)
				inputRequests.user_name = ask.name();
			if (can.roots)
				inputRequests.client_roots = ask.roots();
			return Object.keys(inputRequests).length === 0
				? says(text("nothing can be asked"))
				: inputRequired({ inputRequests });
		},
	};
}

function tools(server, codec, change) {
	const add = (name, description, schema, run) => server.registerTool(
		name, { description, inputSchema: fromJsonSchema(schema) }, run);

	for (const [name, [description, schema, run]] of Object.entries(plain))
		add(name, description, schema, run);
	add("test_tool_with_progress", "tells of its progress", object(), progress);
	add("test_tool_with_logging", "logs three lines", object(), logging);
	add("test_logging_tool", "logs three lines", object(), logging);
	add("test_reconnection", "closes the stream, answers later", object(),
		reconnection);
	add("test_sampling", "asks the model",
		object({ prompt: string("what to ask") }), sampling);
	add("test_elicitation", "asks the person",
		object({ message: string("what to ask") }),
		elicits("", object({ username: string("User's response"),
			email: string("User's email address") })));
	add("test_elicitation_sep1034_defaults", "a form with defaults", object(),
		elicits("Please review", defaults));
	add("test_elicitation_sep1330_enums", "a form with choices", object(),
		elicits("Please choose", enums));
	const asks = rounds(server, codec);
	/* Refused by the SDK before it asks: the caller did not declare it. */
	add("test_missing_capability", "needs a model", object(), asks.sampling);
	add("test_streaming_elicitation", "asks, and keeps the stream", object(),
		asks.elicitation);
	for (const [name, run] of Object.entries(asks))
		add(`test_input_required_result_${name}`, "asks, then answers",
			object(), run);
	add("test_trigger_tool_change", "says that tools changed", object(), () => {
		change.tools(server);
		return says(text("told"));
	});
	add("test_trigger_prompt_change", "says that prompts changed", object(),
		() => {
			change.prompts(server);
			return says(text("told"));
		});
}

const user = (content) => ({ role: "user", content });

function prompts(server) {
	const add = (name, args, run) => server.registerPrompt(name,
		{ description: `prompt ${name}`, ...(args &&
			{ argsSchema: fromJsonSchema(args) }) }, run);
	const said = (...contents) => ({ messages: contents.map(user) });

	add("test_simple_prompt", undefined,
		() => said(text("This is a simple prompt for testing.")));
	add("test_prompt_with_arguments", object({
		arg1: string("First test argument"),
		arg2: string("Second test argument") }),
	({ arg1, arg2 }) => said(text(
		`Prompt with arguments: arg1='${arg1}', arg2='${arg2}'`)));
	add("test_prompt_with_embedded_resource",
		object({ resourceUri: string("URI of the resource to embed") }),
		({ resourceUri }) => said({ type: "resource", resource: {
			uri: resourceUri, mimeType: "text/plain",
			text: "Embedded resource content for testing." } },
		text("Please process the embedded resource above.")));
	add("test_prompt_with_image", undefined,
		() => said(image(), text("Please analyze the image above.")));
	add("test_input_required_result_prompt", undefined, (ctx) => {
		const context = field(ctx, "user_context", "context");
		return context !== undefined ? said(text(`In ${context}`))
			: inputRequired({ inputRequests: { user_context:
				inputRequired.elicit({
					message: "What context should the prompt use?",
					requestedSchema: object(
						{ context: { type: "string" } }) }) } });
	});
	server.server.setRequestHandler("completion/complete", ({ params }) => {
		const all = ["paris", "park", "party"];
		const values = all.filter((v) => v.startsWith(params.argument.value));
		return { completion: { values, total: values.length,
			hasMore: false } };
	});
}

function resources(server) {
	const fixed = (name, uri, mimeType, body) => server.registerResource(name,
		uri, { mimeType, description: `resource ${name}` },
		() => ({ contents: [{ uri, mimeType, ...body }] }));

	fixed("static-text", "test://static-text", "text/plain",
		{ text: "This is the content of the static text resource." });
	fixed("static-binary", "test://static-binary", "image/png", { blob: PNG });
	fixed("watched-resource", "test://watched-resource", "text/plain",
		{ text: "watched" });
	server.registerResource("template",
		new ResourceTemplate("test://template/{id}/data", { list: undefined }),
		{ mimeType: "application/json", description: "resource by id" },
		(uri, { id }) => ({ contents: [{ uri: uri.href,
			mimeType: "application/json",
			text: JSON.stringify({ id, templateTest: true,
				data: `Data for ID: ${id}` }) }] }));
}

/* change: { tools(server), prompts(server) } tell whoever listens. */
export function surface(key, change) {
	return ({ era }) => {
		const codec = createRequestStateCodec({ key, ttlSeconds: 600 });
		const server = new McpServer(
			{ name: "gatehouse-fixture", version: "1.0.0" }, {
				capabilities: { logging: {}, completions: {},
					tools: { listChanged: true },
					prompts: { listChanged: true },
					resources: { subscribe: true, listChanged: true } },
				instructions: "A fixture: every answer is fixed text.",
				requestState: { verify: codec.verify },
			});
		tools(server, codec, change);
		prompts(server);
		resources(server);
		if (era === "legacy") {
			const known = (uri) => {
				if (!uri.startsWith("test://"))
					throw new ProtocolError(
						ProtocolErrorCode.InvalidParams, "no such URI");
				return {};
			};
			server.server.setRequestHandler("resources/subscribe",
				({ params }) => known(params.uri));
			server.server.setRequestHandler("resources/unsubscribe",
				({ params }) => known(params.uri));
		}
		return server;
	};
}
