// Calls of gRPC by the npm package @grpc/grpc-js, without files of protobuf: messages are texts. `serve` is a server, `call PORT`
// a client. Lines of JSON on stdin, each answered by one on stdout:
//   serve: {} -> {"port": N}
//   call:  {"messages": [...]} -> what came of a call of each kind, {"unary", "list", "collect", "chat", "error", "late", "cancelled"}
'use strict';
const grpc = require('@grpc/grpc-js');
const readline = require('readline');

function method(name, requestStream, responseStream) {
    const bytes = (text) => Buffer.from(text);
    const text = (buffer) => buffer.toString();
    return { path: '/test.Calls/' + name, requestStream, responseStream, requestSerialize: bytes, requestDeserialize: text,
             responseSerialize: bytes, responseDeserialize: text };
}

const service = { unary: method('Unary', false, false), list: method('List', false, true),
                  collect: method('Collect', true, false), chat: method('Chat', true, true) };

function trailer() {
    const fields = new grpc.Metadata();
    fields.set('x-sum', '42');
    return fields;
}

const calls = {
    unary: (call, done) => {
        if (call.request === 'fail')
            done({ code: grpc.status.NOT_FOUND, details: 'there is none: 100 %' });
        else if (call.request !== 'silent')
            done(null, call.request, trailer());
    },
    list: (call) => {
        for (let i = 0; i < 3; i++)
            call.write(call.request);
        call.end(trailer());
    },
    collect: (call, done) => {
        const texts = [];
        call.on('data', (message) => texts.push(message));
        call.on('end', () => done(null, texts.join(), trailer()));
    },
    chat: (call) => {
        call.on('data', (message) => call.write(message));
        call.on('end', () => call.end(trailer()));
        call.on('error', () => {});
    },
};

// How a call ends, with what was given of it: {"got", "code", "details", "trailer"}.
function ended(call, got) {
    return new Promise((resolve) => {
        call.on('error', () => {});
        call.on('status', (status) => resolve({ got: got(), code: status.code, details: status.details,
                                                trailer: status.metadata.get('x-sum') }));
    });
}

function single(begin) {
    let message = null;
    const call = begin((error, value) => { message = value ?? null; });
    return { call, end: () => ended(call, () => message) };
}

function stream(call) {
    const messages = [];
    call.on('data', (message) => messages.push(message));
    return ended(call, () => messages);
}

async function run(client, messages) {
    const out = {};
    out.unary = await single((done) => client.unary(messages[0], done)).end();
    out.list = await stream(client.list(messages[0]));
    const collect = single((done) => client.collect(done));
    messages.forEach((message) => collect.call.write(message));
    collect.call.end();
    out.collect = await collect.end();
    const chat = client.chat(), said = [...messages];
    const say = () => (said.length ? chat.write(said.shift()) : chat.end());
    chat.on('data', say); // each when the answer to the one before has come
    say();
    out.chat = await stream(chat);
    out.error = await single((done) => client.unary('fail', done)).end();
    out.late = await single((done) => client.unary('silent', { deadline: Date.now() + 300 }, done)).end();
    const cancelled = client.chat();
    cancelled.on('data', () => cancelled.cancel());
    cancelled.write('a');
    out.cancelled = await stream(cancelled);
    return out;
}

const lines = readline.createInterface({ input: process.stdin });
const print = (value) => process.stdout.write(JSON.stringify(value) + '\n');
if (process.argv[2] === 'serve') {
    const server = new grpc.Server();
    server.addService(service, calls);
    const bound = new Promise((resolve) => server.bindAsync('127.0.0.1:0', grpc.ServerCredentials.createInsecure(),
                                                            (error, port) => resolve(port)));
    lines.on('line', () => bound.then((port) => print({ port })));
} else {
    const Client = grpc.makeGenericClientConstructor(service, 'Calls');
    const client = new Client('127.0.0.1:' + process.argv[3], grpc.credentials.createInsecure());
    lines.on('line', (line) => run(client, JSON.parse(line).messages).then(print));
}
lines.on('close', () => process.exit(0));
