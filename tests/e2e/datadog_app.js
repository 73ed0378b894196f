// A service with the tracer of Datadog. Argument: the URL that it calls for each request.
"use strict";
const tracer = require("dd-trace").init({ flushInterval: 100 });
const http = require("http");

const server = http.createServer((req, res) => {
    http.get(process.argv[2], answer => {
        answer.resume();
        answer.on("end", () => res.end(tracer.scope().active().context().toTraceId()));
    });
});
server.listen(0, "127.0.0.1", () => console.log(server.address().port));
