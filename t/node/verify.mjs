/* verify.mjs PAGE < lines: runs the verifier of the page under Node, as it
 * stands there, on what comes on stdin: each line two base64 texts, receipt and
 * trust file.  A line of JSON for each. */
import { readFileSync } from "node:fs";
import { createInterface } from "node:readline";
import vm from "node:vm";

const page = readFileSync(process.argv[2], "utf8");
const [, script] = page.match(/<script id="verifier">\n([\s\S]*?)<\/script>/);
vm.runInThisContext(script, { filename: process.argv[2] });
for await (const line of createInterface({ input: process.stdin })) {
  const [receipt, trust] = line.split(" ").map((s) => new Uint8Array(Buffer.from(s ?? "", "base64")));
  console.log(JSON.stringify(await globalThis.verifyReceipt(receipt, trust)));
}
