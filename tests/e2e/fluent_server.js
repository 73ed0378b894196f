// The forward server of the npm package @fluent-org/logger: prints a line for each entry. Arguments: port, shared key.
"use strict";
const { FluentServer } = require("@fluent-org/logger");

const [port, key] = process.argv.slice(2);
const options = { listenOptions: { port: Number(port), host: "127.0.0.1" } };
if (key) options.security = { serverHostname: "server", sharedKey: key, authorize: false, userDict: {} };
const server = new FluentServer(options);
server.on("entry", (tag, time, record) => console.log(`${tag} ${record.http.request_id} ${record.platform}`));
server.listen().then(() => console.log("listening"));
