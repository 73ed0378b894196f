// Holds a request of OTLP/HTTP in JSON, from standard input, to the official messages as @opentelemetry/otlp-transformer has them: through
// protobuf and back. Prints what comes out, in the same JSON; what these messages do not have does not come out.
"use strict";
const root = require("@opentelemetry/otlp-transformer/build/src/generated/root.js");

const Request = root.opentelemetry.proto.collector.trace.v1.ExportTraceServiceRequest;
const ids = new Set(["traceId", "spanId", "parentSpanId"]);

// The JSON of OTLP has ids in hex; that of protobuf, which fromObject takes, has bytes in base64.
function recode(value, from, to) {
    if (Array.isArray(value)) return value.map(one => recode(one, from, to));
    if (value === null || typeof value !== "object") return value;
    return Object.fromEntries(Object.entries(value).map(([key, one]) =>
        [key, ids.has(key) ? Buffer.from(one, from).toString(to) : recode(one, from, to)]));
}

const message = Request.fromObject(recode(JSON.parse(require("fs").readFileSync(0, "utf8")), "hex", "base64"));
const wrong = Request.verify(message);
if (wrong) throw new Error(wrong);
const bytes = Request.encode(message).finish();
const decoded = Request.toObject(Request.decode(bytes), { longs: String, bytes: String });
console.log(JSON.stringify(recode(decoded, "base64", "hex")));
