// A service with the SDK of AWS X-Ray: of each request it makes a segment, with the call that it makes itself as a remote subsegment.
// Argument: the URL that it calls. Its answer is what the propagator of OpenTelemetry finds in the headers of the request.
"use strict";
const http = require("http");
const xray = require("aws-xray-sdk-core");
const { ROOT_CONTEXT, defaultTextMapGetter, trace } = require("@opentelemetry/api");
const { AWSXRayPropagator } = require("@opentelemetry/propagator-aws-xray");

xray.captureHTTPsGlobal(http);
xray.middleware.setDefaultName("shop");
xray.middleware.disableCentralizedSampling();

function serve(req, res) {
    const found = trace.getSpanContext(new AWSXRayPropagator().extract(ROOT_CONTEXT, req.headers, defaultTextMapGetter));
    http.get(process.argv[2], answer => {
        answer.resume();
        answer.on("end", () => {
            res.writeHead(Number(req.headers["x-status"] || 200));
            res.end(JSON.stringify(found));
        });
    });
}

const server = http.createServer((req, res) => {
    const segment = xray.middleware.traceRequestResponseCycle(req, res);
    const space = xray.getNamespace();
    space.bindEmitter(req);
    space.bindEmitter(res);
    space.run(() => {
        xray.setSegment(segment);
        serve(req, res);
    });
});
server.listen(0, "127.0.0.1", () => console.log(server.address().port));
