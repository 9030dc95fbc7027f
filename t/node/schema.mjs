// schema: what a published JSON Schema (2020-12) says of JSON values.
//
//   node schema.mjs SCHEMA.json   a value a line in; "ok" or its faults out
import fs from "node:fs";
import readline from "node:readline";
import Ajv2020 from "ajv/dist/2020.js";

const schema = JSON.parse(fs.readFileSync(process.argv[2], "utf8"));
const ajv = new Ajv2020({ allErrors: true, strict: false });
const valid = ajv.compile(schema);
for await (const line of readline.createInterface({ input: process.stdin }))
	console.log(valid(JSON.parse(line)) ? "ok" : ajv.errorsText(valid.errors));
