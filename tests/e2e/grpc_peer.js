// gRPC as bytes on node's http2: `serve` is a target, `call PORT` a client. Lines of JSON on stdin, each answered by one on
// stdout. Serving, the path says what happens: /echo/ answers each message as it comes, /count/ the number of messages at the end,
// /list/ the message three times, /status/N ends with that status and no message, /http/M/N too, with status M of HTTP (and
// without its own where there is no N), /silent/ says nothing, /hold/ begins an answer, /bare/ has no status,
// /own/ ends with the statuses of argv[3] ("14,13") in turns.
//   serve: {} -> {"port": N}; {"get": "counts"} -> {"calls": N, "cancelled": N, "timeouts": [...]}
//   call:  {"path": P, "messages": [...], "timeout": "1S", "wait": true} -> {"http", "status", "message", "messages", "type"}
//          with `wait` each message is sent when the answer to the one before has come
//          {"paths": [...], "times": N} -> {"done": N}, when each path has been called so many times, all at once
'use strict';
const http2 = require('http2');
const readline = require('readline');

const counts = { calls: 0, cancelled: 0, timeouts: [] };
const own = (process.argv[3] || '0').split(',');

function frame(text) {
    const head = Buffer.alloc(5);
    head.writeUInt32BE(Buffer.byteLength(text), 1);
    return Buffer.concat([head, Buffer.from(text)]);
}

// Tells of whole messages of a stream.
function listen(stream, onMessage) {
    let kept = Buffer.alloc(0);
    stream.on('data', (data) => {
        kept = Buffer.concat([kept, data]);
        while (kept.length >= 5 && kept.length >= 5 + kept.readUInt32BE(1)) {
            const len = kept.readUInt32BE(1);
            onMessage(kept.subarray(5, 5 + len).toString());
            kept = kept.subarray(5 + len);
        }
    });
}

function serve(stream, headers) {
    const [, kind, wanted, other] = headers[':path'].split('/');
    let status = wanted || '0', messages = 0;
    counts.calls += 1;
    counts.timeouts.push(headers['grpc-timeout'] || null);
    stream.on('error', () => {});
    stream.on('aborted', () => { counts.cancelled += 1; });
    if (kind === 'own')
        status = own[counts.calls % own.length];
    if (kind === 'status' || kind === 'own') {
        stream.respond({ ':status': 200, 'content-type': 'application/grpc', 'grpc-status': status, 'grpc-message': 'so' },
                       { endStream: true });
        return;
    }
    if (kind === 'http') {
        stream.respond({ ':status': Number(wanted), 'content-type': 'application/grpc', ...(other && { 'grpc-status': other }) },
                       { endStream: true });
        return;
    }
    if (kind === 'hold')
        stream.respond({ ':status': 200, 'content-type': 'application/grpc' });
    if (kind === 'silent' || kind === 'hold') {
        stream.resume();
        return;
    }
    stream.respond({ ':status': 200, 'content-type': 'application/grpc' }, { waitForTrailers: true });
    stream.on('wantTrailers', () => {
        if (kind === 'bare')
            stream.close();
        else
            stream.sendTrailers({ 'grpc-status': status, 'google.detail-bin': 'AAA' });
    });
    listen(stream, (message) => {
        messages += 1;
        if (kind === 'echo')
            stream.write(frame(message));
        if (kind === 'list')
            for (let i = 0; i < 3; i++)
                stream.write(frame(message));
    });
    stream.on('end', () => {
        if (kind === 'count')
            stream.write(frame(String(messages)));
        stream.end();
    });
}

function call(session, order, done) {
    const headers = { ':method': 'POST', ':path': order.path, te: 'trailers', 'content-type': 'application/grpc+test' };
    if (order.timeout)
        headers['grpc-timeout'] = order.timeout;
    const stream = session.request(headers, { endStream: false });
    const left = [...order.messages || []];
    const got = { messages: [], trailers: {} };
    const say = () => { left.length ? stream.write(frame(left.shift())) : stream.end(); };
    const note = (fields) => {
        got.status = fields['grpc-status'] ?? got.status;
        got.message = fields['grpc-message'] ?? got.message;
    };
    stream.on('response', (fields) => {
        got.http = fields[':status'];
        got.type = fields['content-type'];
        note(fields);
    });
    stream.on('trailers', (fields) => { note(fields); got.trailers = Object.keys(fields); });
    stream.on('error', (error) => { got.error = error.message; });
    listen(stream, (message) => {
        got.messages.push(message);
        if (order.wait)
            say();
    });
    stream.on('close', () => done(got));
    if (order.cancel) // once the answer has begun
        stream.on('response', () => stream.close(http2.constants.NGHTTP2_CANCEL));
    if (order.wait)
        say();
    else
        while (!stream.writableEnded)
            say();
}

function callAll(session, order, done) {
    let left = order.paths.length * order.times;
    const total = left;
    for (let i = 0; i < order.times; i++)
        for (const path of order.paths)
            call(session, { path, messages: ['a'] }, () => { if (--left === 0) done({ done: total }); });
}

const lines = readline.createInterface({ input: process.stdin });
const print = (value) => process.stdout.write(JSON.stringify(value) + '\n');
if (process.argv[2] === 'serve') {
    const server = http2.createServer();
    server.on('stream', serve);
    const listens = new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
    lines.on('line', (line) => listens.then(() => print(JSON.parse(line).get ? counts : { port: server.address().port })));
} else {
    const session = http2.connect('http://127.0.0.1:' + process.argv[3]);
    session.on('error', () => {});
    lines.on('line', (line) => {
        const order = JSON.parse(line);
        (order.paths ? callAll : call)(session, order, print);
    });
}
lines.on('close', () => process.exit(0));
