/*
 * tasks: an agent on the v1 SDK follows tasks of server-everything, and runs
 * one for it.  One line a check: "ok NAME" or "not ok NAME: what was seen".
 *
 *   tasks.mjs URL [PREFIX]
 */
import { Client } from "@modelcontextprotocol/sdk/client/index.js";
import { StreamableHTTPClientTransport }
	from "@modelcontextprotocol/sdk/client/streamableHttp.js";
import { InMemoryTaskStore }
	from "@modelcontextprotocol/sdk/experimental/tasks/stores/in-memory.js";
import { CallToolResultSchema, CreateMessageRequestSchema,
	ElicitRequestSchema } from "@modelcontextprotocol/sdk/types.js";

const [url, prefix = ""] = process.argv.slice(2);
const research = `${prefix}simulate-research-query`;
const sampling = `${prefix}trigger-sampling-request-async`;

function check(name, good, seen) {
	console.log(good ? `ok ${name}`
		: `not ok ${name}: ${JSON.stringify(seen)}`);
}

const client = new Client({ name: "gatehouse-tasks", version: "1.0.0" }, {
	capabilities: { elicitation: { form: {} }, sampling: {},
		tasks: { list: {}, cancel: {}, requests: {
			sampling: { createMessage: {} },
			elicitation: { create: {} } } } },
	taskStore: new InMemoryTaskStore() });
let asked = 0;
client.setRequestHandler(ElicitRequestSchema, () => {
	asked++;
	return { action: "accept", content: { interpretation: "technical" } };
});
client.setRequestHandler(CreateMessageRequestSchema, async (request, extra) => {
	const answer = { role: "assistant", model: "none",
		content: { type: "text", text: "sampled" } };
	if (!request.params.task)
		return answer;
	const task = await extra.taskStore.createTask({ ttl: 60000 });
	setTimeout(() => extra.taskStore.storeTaskResult(
		task.taskId, "completed", answer), 500);
	return { task };
});
await client.connect(new StreamableHTTPClientTransport(new URL(url)));
const caps = client.getServerCapabilities();
check("tasks are offered", caps.tasks?.requests?.tools?.call, caps);
const { tools } = await client.listTools();
check("a tool wants to be a task", tools.find((t) => t.name === research)
	?.execution?.taskSupport === "required", tools.map((t) => t.name));

async function follow(ambiguous) {
	let task, result, error;
	for await (const m of client.experimental.tasks.callToolStream(
		{ name: research, arguments: { topic: "python", ambiguous } },
		CallToolResultSchema, { task: { ttl: 60000 } })) {
		task ??= m.task;
		result = m.result ?? result;
		error = m.error ?? error;
	}
	return { task, result, text: result?.content?.[0]?.text ?? "", error };
}
const plain = await follow(false);
check("a task is followed to its result",
	plain.text.startsWith("# Research Report: python"), plain);
check("its id is the gateway's",
	/^\d+-[0-9a-f]{32}$/.test(plain.task?.taskId), plain.task);
const clear = await follow(true);
check("a task asks its agent on the way", asked === 1 &&
	clear.text.includes("(technical)"), clear);
const { tasks } = await client.experimental.tasks.listTasks();
check("tasks are listed", tasks.some((t) => t.taskId === plain.task.taskId),
	tasks);
const made = await client.request({ method: "tools/call", params: {
	name: research, arguments: { topic: "x" }, task: {} } },
	(await import("@modelcontextprotocol/sdk/types.js"))
		.CreateTaskResultSchema);
const gone = await client.experimental.tasks.cancelTask(made.task.taskId);
check("a task is cancelled", gone.status === "cancelled", gone);
if (tools.some((t) => t.name === sampling)) {
	const r = await client.callTool({ name: sampling,
		arguments: { prompt: "hello" } });
	check("an agent runs a task for its server",
		r.content[0].text.startsWith("[COMPLETED]") &&
		r.content[0].text.includes("sampled"), r);
} else {
	check("an agent runs a task for its server", false, "no such tool");
}
await client.close();
process.exit(0); /* its store keeps timers */
