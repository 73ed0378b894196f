// A target with faults that are set while it runs. Lines of JSON on stdin, each answered by one on stdout:
//   {}                                          -> {"port": N}, once it listens
//   {"set": {"errorRate": 0.05, "delayMs": 0}}  -> {"ok": true}
//   {"get": "counts"}                           -> {"requests": N, "errors": N, "open": N, "connections": N}
// It ends with its stdin.
'use strict';
const crypto = require('crypto');
const http = require('http');
const readline = require('readline');

const label = process.argv[2];
const faults = {
    errorRate: 0,      // share of the requests that are answered with 500
    spared: '',        // a URL that is not
    delayMs: 0,        // before the answer
    hang: false,       // never answers
    echo: false,       // answers with the request as it was read
    reset: false,      // breaks the connection instead of answering
    closeAfterMs: 3600000, // idle keep-alive connections
    capacity: 0,       // requests a second that are answered at once; 0: any number
    burstMs: 500,      // of so much time's worth of them at a time
    beyondMs: 1000,    // before the answer to those beyond
};
let busyUntil = 0; // by requests within the capacity
const counts = { requests: 0, errors: 0, open: 0, connections: 0 };

// Whether there is room for one more request within the capacity.
function takes() {
    const now = performance.now();
    if (busyUntil - now > faults.burstMs)
        return false;
    busyUntil = Math.max(busyUntil, now) + 1000 / faults.capacity;
    return true;
}

function answer(request, response) {
    if (faults.reset) {
        request.socket.resetAndDestroy();
        return;
    }
    if ((Math.random() < faults.errorRate && request.url !== faults.spared) || request.url.startsWith('/fail')) {
        counts.errors += 1;
        response.statusCode = 500;
    }
    if (faults.echo) {
        echo(request, response);
        return;
    }
    const url = new URL(request.url, 'http://node');
    if (url.pathname === '/hash') {
        hash(request, response);
    } else if (url.pathname === '/bytes') {
        bytes(Number(url.searchParams.get('n')), url.searchParams.has('chunked'), response);
    } else {
        response.setHeader('Content-Type', 'text/plain');
        response.end(label + '\n');
    }
}

// What was read of the request, each text in hex of its bytes.
function echo(request, response) {
    const pieces = [];
    const hex = (text) => Buffer.from(text, 'latin1').toString('hex');
    request.on('data', (piece) => pieces.push(piece));
    request.on('end', () => response.end(JSON.stringify([
        hex(request.method), hex(request.url), Buffer.concat(pieces).toString('hex'),
    ])));
}

// The SHA-256 and the length of the request body.
function hash(request, response) {
    const digest = crypto.createHash('sha256');
    let length = 0;
    request.on('data', (piece) => {
        digest.update(piece);
        length += piece.length;
    });
    request.on('end', () => response.end(JSON.stringify({
        length, sha256: digest.digest('hex'), framing: request.headers['transfer-encoding'] || 'length',
        trailers: request.trailers,
    })));
}

// n bytes, the same ones every time, at the pace at which they are taken.
function bytes(n, chunked, response) {
    const piece = Buffer.alloc(65536, '0123456789abcdef');
    if (!chunked)
        response.setHeader('Content-Length', n);
    const more = () => {
        while (n > 0) {
            const part = n < piece.length ? piece.subarray(0, n) : piece;
            n -= part.length;
            if (!response.write(part)) {
                response.once('drain', more);
                return;
            }
        }
        response.end();
    };
    more();
}

const server = http.createServer((request, response) => {
    counts.requests += 1;
    counts.open += 1;
    response.on('close', () => { counts.open -= 1; });
    if (faults.hang)
        return;
    const wait = faults.capacity > 0 && !takes() ? faults.beyondMs : faults.delayMs;
    if (wait > 0)
        setTimeout(answer, wait, request, response);
    else
        answer(request, response);
});
server.on('connection', () => { counts.connections += 1; });
server.keepAliveTimeout = faults.closeAfterMs;
server.requestTimeout = 0;
server.maxRequestsPerSocket = 0;

function command(line) {
    const message = JSON.parse(line);
    if (message.set) {
        Object.assign(faults, message.set);
        server.keepAliveTimeout = faults.closeAfterMs;
        return { ok: true };
    }
    return message.get === 'counts' ? counts : { port: server.address().port };
}

server.listen(0, '127.0.0.1', 4096, () => {
    const input = readline.createInterface({ input: process.stdin });
    input.on('line', (line) => process.stdout.write(JSON.stringify(command(line)) + '\n'));
    input.on('close', () => process.exit(0));
});
