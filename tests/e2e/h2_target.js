// A target that speaks HTTP/2: in clear text, or over TLS when argv has a key and a certificate (then HTTP/1.1 too, unless
// argv[5] is "only"). Lines of JSON on stdin, each answered by one on stdout:
//   {}                             -> {"port": N}, once it listens
//   {"set": {"refuse": 1}}         -> {"ok": true}
//   {"get": "counts"}              -> {"sessions": N, "streams": N, "whole": N, "most": N, "refused": N, "aborted": N, "bytes": N}
// It ends with its stdin.
'use strict';
const crypto = require('crypto');
const fs = require('fs');
const http2 = require('http2');
const readline = require('readline');

const label = process.argv[2];
const options = {
    refuse: 0,     // so many streams are refused, unread
    goawayEach: 0, // after so many streams a session takes no more
    delayMs: 0,    // before the answer
};
const counts = { sessions: 0, streams: 0, whole: 0, most: 0, refused: 0, aborted: 0, bytes: 0 };
const settings = { maxConcurrentStreams: Number(process.env.MAX_STREAMS || 100) };

const answers = {
    '/echo': (stream, headers, body, trailers) => {
        stream.respond({ ':status': 200, 'content-type': 'application/json' });
        stream.end(JSON.stringify({ headers, trailers, bytes: body.bytes, hash: body.hash.digest('hex') }));
    },
    '/trailers': (stream) => {
        stream.respond({ ':status': 200, trailer: 'x-sum' }, { waitForTrailers: true });
        stream.on('wantTrailers', () => stream.sendTrailers({ 'x-sum': '42', 'x-other': 'a b' }));
        stream.end('body');
    },
    '/big': (stream) => {
        const piece = Buffer.alloc(65536, 'x');
        let left = 32;
        const more = () => {
            while (left-- > 0)
                if (!stream.write(piece)) {
                    stream.once('drain', more);
                    return;
                }
            stream.end();
        };
        stream.respond({ ':status': 200 });
        more();
    },
    '/hints': (stream) => {
        stream.additionalHeaders({ ':status': 103, link: '</a.css>' });
        stream.respond({ ':status': 200 });
        stream.end('hinted');
    },
    '/empty': (stream) => {
        stream.respond({ ':status': 204 }, { endStream: true });
    },
    '/cut': (stream) => {
        stream.respond({ ':status': 200 });
        stream.write('some');
        setTimeout(() => stream.destroy(new Error('cut')), 100);
    },
    '/reset': (stream) => stream.close(http2.constants.NGHTTP2_INTERNAL_ERROR),
    '/silent': () => {},
};

function answer(stream, headers, body, trailers) {
    const path = headers[':path'].split('?')[0];
    if (answers[path]) {
        answers[path](stream, headers, body, trailers);
        return;
    }
    stream.respond({ ':status': path === '/fail' ? 500 : 200, 'content-length': label.length + 1 });
    stream.end(headers[':method'] === 'HEAD' ? undefined : label + '\n');
}

function onStream(stream, headers) {
    const session = stream.session;
    const body = { bytes: 0, hash: crypto.createHash('sha256') };
    let trailers = null;
    stream.on('error', () => {});
    counts.streams += 1;
    session.streams = (session.streams || 0) + 1;
    session.open = (session.open || 0) + 1;
    counts.most = Math.max(counts.most, session.open);
    stream.on('close', () => { session.open -= 1; });
    if (options.refuse > 0) {
        options.refuse -= 1;
        counts.refused += 1;
        stream.close(http2.constants.NGHTTP2_REFUSED_STREAM);
        return;
    }
    if (options.goawayEach && session.streams === options.goawayEach)
        session.close(); // GOAWAY; what is under way ends well
    stream.on('aborted', () => { counts.aborted += 1; });
    stream.on('trailers', (fields) => { trailers = { ...fields }; });
    stream.on('data', (data) => {
        body.bytes += data.length;
        counts.bytes += data.length;
        body.hash.update(data);
    });
    stream.on('end', () => {
        counts.whole += stream.rstCode ? 0 : 1;
        setTimeout(() => {
            if (!stream.destroyed)
                answer(stream, headers, body, trailers);
        }, options.delayMs);
    });
}

let server;
if (process.argv[3])
    server = http2.createSecureServer({ key: fs.readFileSync(process.argv[3]), cert: fs.readFileSync(process.argv[4]),
                                        allowHTTP1: process.argv[5] !== 'only', settings });
else
    server = http2.createServer({ settings });
server.on('stream', onStream);
server.on('session', () => { counts.sessions += 1; });
server.on('sessionError', () => {});
// For HTTP/1.1. It would send trailers of its own in HTTP/2, where nobody asks for HTTP/1.1 without TLS.
if (process.argv[3])
    server.on('request', (request, response) => {
        if (request.httpVersionMajor === 1)
            response.end(label + ' in HTTP/1.1\n');
    });

server.listen(0, '127.0.0.1', () => {
    readline.createInterface({ input: process.stdin }).on('line', (line) => {
        const message = JSON.parse(line);
        let reply = { port: server.address().port };
        if (message.set) {
            Object.assign(options, message.set);
            reply = { ok: true };
        } else if (message.get) {
            reply = counts;
        }
        process.stdout.write(JSON.stringify(reply) + '\n');
    }).on('close', () => process.exit(0));
});
