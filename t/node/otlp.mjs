/* otlp.mjs < lines: each line, a LogsData in JSON, is read by OpenTelemetry's
 * own transformer into its protobuf message, encoded, decoded and written as
 * JSON again.  A line for each: "same", or what is not. */
import { createInterface } from "node:readline";
import { isDeepStrictEqual } from "node:util";
import root from "@opentelemetry/otlp-transformer/build/src/generated/root.js";

// An empty list has no bytes, so it cannot come back.
const said = (v) =>
  Array.isArray(v)
    ? v.map(said)
    : v !== null && typeof v === "object"
      ? Object.fromEntries(
          Object.entries(v)
            .filter(([, x]) => !(Array.isArray(x) && x.length === 0))
            .map(([k, x]) => [k, said(x)]),
        )
      : v;
const { ExportLogsServiceRequest: Request } =
  root.opentelemetry.proto.collector.logs.v1;
for await (const line of createInterface({ input: process.stdin })) {
  try {
    const given = JSON.parse(line);
    const bytes = Request.encode(Request.fromObject(given)).finish();
    const back = Request.toObject(Request.decode(bytes), {
      longs: String,
      enums: Number,
    });
    console.log(
      isDeepStrictEqual(JSON.parse(JSON.stringify(back)), said(given))
        ? "same"
        : `other: ${JSON.stringify(back).slice(0, 2000)}`,
    );
  } catch (e) {
    console.log(`refused: ${e.message}`);
  }
}
