"""Messages that break the rules, in both directions, as bytes: what the tests of framing send.

The ids are those of the cases and rules that the project is built to: C a request as it comes in, M a rule of RFC
9112 or 9110, A an attack.
"""

A = b"Host: a\r\n"


def post(fields, body=b"", version=b"1.1"):
    return b"POST / HTTP/%s\r\n%s%s\r\n%s" % (version, A, fields, body)


def te(fields, body=b"3\r\nabc\r\n0\r\n\r\n"):
    return post(b"Transfer-Encoding: " + fields + b"\r\n", body)


def chunk(body):
    return te(b"chunked", body)


def of(fields):
    return b"GET / HTTP/1.1\r\n%s%s\r\n" % (A, fields)


# (id and what, bytes, status): answered with that status, and closed; nothing complete reaches the target.
REFUSED_HEADS = [
    ("C1 Host twice, equal", b"GET / HTTP/1.1\r\nHost: a\r\nHost: a\r\n\r\n", 400),
    ("C2 Host twice, different", b"GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n", 400),
    ("C3 no Host", b"GET / HTTP/1.1\r\nX: a\r\n\r\n", 400),
    ("C4 Host with a slash", b"GET / HTTP/1.1\r\nHost: a/b\r\n\r\n", 400),
    ("C5 Host with a comma", b"GET / HTTP/1.1\r\nHost: a,b\r\n\r\n", 400),
    ("M6 Host with userinfo", b"GET / HTTP/1.1\r\nHost: u@a\r\n\r\n", 400),
    ("M6 Host with a bad port", b"GET / HTTP/1.1\r\nHost: a:8x\r\n\r\n", 400),
    ("M6 Host with a space", b"GET / HTTP/1.1\r\nHost: a b\r\n\r\n", 400),
    ("C6 lines that end in LF", b"GET / HTTP/1.1\nHost: a\n\n", 400),
    ("M2 one line that ends in LF", b"GET / HTTP/1.1\r\nHost: a\nX: b\r\n\r\n", 400),
    ("C7 M10 a folded line", of(b"X: a\r\n b\r\n"), 400),
    ("C7 a folded line with a tab", of(b"X: a\r\n\tb\r\n"), 400),
    ("C8 a space before the colon", of(b"X : a\r\n"), 400),
    ("M9 a tab before the colon", of(b"X\t: a\r\n"), 400),
    ("C9 M3 a space before the first field", b"GET / HTTP/1.1\r\n X: a\r\nHost: a\r\n\r\n", 400),
    ("C9 a bare CR in a value", of(b"X: a\rb\r\n"), 400),
    ("M1 a bare CR in the request line", b"GET /\r HTTP/1.1\r\nHost: a\r\n\r\n", 400),
    ("C10 M12 Content-Length and Transfer-Encoding",
     post(b"Content-Length: 5\r\nTransfer-Encoding: chunked\r\n", b"0\r\n\r\n"), 400),
    ("C10 the other way round", post(b"Transfer-Encoding: chunked\r\nContent-Length: 5\r\n", b"0\r\n\r\n"), 400),
    ("C11 Transfer-Encoding in HTTP/1.0", post(b"Transfer-Encoding: chunked\r\n", b"0\r\n\r\n", b"1.0"), 400),
    ("C12 coding gzip", te(b"gzip"), 501),
    ("C13 coding gzip, chunked", te(b"gzip, chunked"), 501),
    ("C14 an empty coding", te(b",chunked"), 400),
    ("C15 chunked twice in one line", te(b"chunked, chunked"), 400),
    ("C15 chunked in two lines", post(b"Transfer-Encoding: chunked\r\n" * 2, b"0\r\n\r\n"), 400),
    ("M11 chunked is not the last", te(b"chunked, gzip"), (400, 501)),
    ("M14 a parameter on chunked", te(b"chunked;a=b"), 400),
    ("C16 a control byte before chunked", te(b"\x0bchunked"), 400),
    ("C16 coding xchunked", te(b"xchunked"), 501),
    ("A8 coding identity", te(b"identity"), (400, 501)),
    ("A8 an empty Transfer-Encoding", te(b""), 400),
    ("A8 a quoted coding", te(b"\"chunked\""), (400, 501)),
    ("C17 a list of equal lengths", post(b"Content-Length: 3, 3\r\n", b"abc"), 400),
    ("C17 the length twice", post(b"Content-Length: 3\r\nContent-Length: 3\r\n", b"abc"), 400),
    ("C18 length +3", post(b"Content-Length: +3\r\n", b"abc"), 400),
    ("C18 an empty length", post(b"Content-Length:\r\n", b"abc"), 400),
    ("C18 two lengths", post(b"Content-Length: 3,4\r\n", b"abc"), 400),
    ("M15 length -1", post(b"Content-Length: -1\r\n", b"abc"), 400),
    ("M15 length 0x3", post(b"Content-Length: 0x3\r\n", b"abc"), 400),
    ("M15 length 3_0", post(b"Content-Length: 3_0\r\n", b"abc"), 400),
    ("M15 a length with a space inside", post(b"Content-Length: 3 0\r\n", b"abc"), 400),
    ("M15 a length beyond 64 bits", post(b"Content-Length: 18446744073709551619\r\n", b"abc"), (400, 413)),
    ("C25 NUL in a value", of(b"X: a\0b\r\n"), 400),
    ("A10 a control byte in a value", of(b"X: a\x01b\r\n"), 400),
    ("A10 DEL in a name", of(b"X\x7f: a\r\n"), 400),
    ("A10 a byte above 0x7f in a name", of(b"X\xe9: a\r\n"), 400),
    ("A10 an empty name", of(b": a\r\n"), 400),
    ("A10 a line without a colon", of(b"X\r\n"), 400),
    ("A10 a comma in a name", of(b"X,Y: a\r\n"), 400),
    ("C27 HTTP/2.0", b"GET / HTTP/2.0\r\nHost: a\r\n\r\n", 505),
    ("C27 HTTP/0.9 in words", b"GET / HTTP/0.9\r\nHost: a\r\n\r\n", (400, 505)),
    ("C29 no version", b"GET /\r\n\r\n", 400),
    ("A10 http/1.1 in lower case", b"GET / http/1.1\r\nHost: a\r\n\r\n", 400),
    ("A10 a version with a leading zero", b"GET / HTTP/01.1\r\nHost: a\r\n\r\n", (400, 505)),
    ("A10 two spaces in the request line", b"GET  / HTTP/1.1\r\nHost: a\r\n\r\n", 400),
    ("A10 a tab in the request line", b"GET\t/ HTTP/1.1\r\nHost: a\r\n\r\n", 400),
    ("A10 a space behind the version", b"GET / HTTP/1.1 \r\nHost: a\r\n\r\n", 400),
    ("A10 a method with a colon", b"GE:T / HTTP/1.1\r\nHost: a\r\n\r\n", 400),
    ("A10 no slash", b"GET a HTTP/1.1\r\nHost: a\r\n\r\n", 400),
    ("A10 * for GET", b"GET * HTTP/1.1\r\nHost: a\r\n\r\n", 400),
    ("C34 a fragment", b"GET /a#b HTTP/1.1\r\nHost: a\r\n\r\n", 400),
    ("C35 a byte above 0x7f in the path", b"GET /\x80 HTTP/1.1\r\nHost: a\r\n\r\n", 400),
    ("A10 NUL in the path", b"GET /\0 HTTP/1.1\r\nHost: a\r\n\r\n", 400),
    ("C36 CONNECT", b"CONNECT a:80 HTTP/1.1\r\nHost: a:80\r\n\r\n", 405),
    ("M45 CONNECT without a port", b"CONNECT a HTTP/1.1\r\nHost: a\r\n\r\n", (400, 405)),
    ("M39 another expectation", of(b"Expect: 200-maybe\r\n"), 417),
    ("A20 TLS on a clear port", b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + b"x" * 100 + b"\r\n\r\n", 400),
    ("A17 the preface of HTTP/2", b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", (400, 505)),
]

REFUSED_BODIES = [
    ("C20 a size line that ends in LF", chunk(b"3\nabc\r\n0\r\n\r\n"), 400),
    ("C20 LF after the data", chunk(b"3\r\nabc\n0\r\n\r\n"), 400),
    ("C20 LF after an extension", chunk(b"3;\nabc\r\n0\r\n\r\n"), 400),
    ("C22 size 0x3", chunk(b"0x3\r\nabc\r\n0\r\n\r\n"), 400),
    ("C23 a space behind the size", chunk(b"3 \r\nabc\r\n0\r\n\r\n"), 400),
    ("A9 a space before the size", chunk(b" 3\r\nabc\r\n0\r\n\r\n"), 400),
    ("A9 size +3", chunk(b"+3\r\nabc\r\n0\r\n\r\n"), 400),
    ("A9 size -3", chunk(b"-3\r\nabc\r\n0\r\n\r\n"), 400),
    ("A9 size 1_0", chunk(b"1_0\r\nabcdefghijklmnop\r\n0\r\n\r\n"), 400),
    ("C24 a size of 17 digits", chunk(b"10000000000000003\r\nabc\r\n0\r\n\r\n"), 400),
    ("M16 a size of 14 digits", chunk(b"00000000000003\r\nabc\r\n0\r\n\r\n"), 400),
    ("C24 five bytes in a chunk of three", chunk(b"3\r\nabcde\r\n0\r\n\r\n"), 400),
    ("A9 an empty size", chunk(b"\r\nabc\r\n0\r\n\r\n"), 400),
    ("A9 an extension of 300 bytes", chunk(b"3;" + b"a" * 300 + b"\r\nabc\r\n0\r\n\r\n"), 400),
    ("A9 a bare CR in an extension", chunk(b"3;a\rb\r\nabc\r\n0\r\n\r\n"), 400),
    ("A9 a bad trailer", chunk(b"3\r\nabc\r\n0\r\nX : y\r\n\r\n"), 400),
    ("A9 trailers without an end", chunk(b"0\r\n" + b"X: y\r\n" * 100), (400, 431)),
    ("A9 one long trailer", chunk(b"0\r\nX: " + b"y" * 10000), (400, 431)),
]

REFUSED_SIZES = [
    ("M5 a request line of 9 KiB", b"GET /" + b"a" * 9216 + b" HTTP/1.1\r\nHost: a\r\n\r\n", 414),
    ("M5 a request line without an end", b"GET /" + b"a" * 20000, 414),
    ("2.2 a head of 33 KiB", of(b"".join(b"X%d: %s\r\n" % (n, b"y" * 1000) for n in range(33))), 431),
    ("2.2 101 fields", of(b"X: y\r\n" * 100), 431),
    ("M5 a method of 100 letters", b"G" * 100 + b" / HTTP/1.1\r\nHost: a\r\n\r\n", (400, 501)),
]


# What a target may send, and the outcomes that may follow; the client sees 502.
BAD_ANSWERS = [
    ("M22 an invalid length", b"HTTP/1.1 200 OK\r\nContent-Length: x\r\n\r\n", ("bad_response",)),
    ("M22 two lengths", b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab", ("bad_response",)),
    ("M23 a folded line", b"HTTP/1.1 200 OK\r\nX: a\r\n b\r\nContent-Length: 0\r\n\r\n", ("bad_response",)),
    ("M31 NUL in a value", b"HTTP/1.1 200 OK\r\nX: a\0b\r\nContent-Length: 0\r\n\r\n", ("bad_response",)),
    ("M31 a bare CR in a value", b"HTTP/1.1 200 OK\r\nX: a\rb\r\nContent-Length: 0\r\n\r\n", ("bad_response",)),
    ("no HTTP at all", b"SSH-2.0-OpenSSH_9.2\r\n\r\n", ("bad_response",)),
    ("a status of two digits", b"HTTP/1.1 20 OK\r\nContent-Length: 0\r\n\r\n", ("bad_response",)),
    ("a status of 999", b"HTTP/1.1 999 Much\r\nContent-Length: 0\r\n\r\n", ("bad_response",)),
    ("length and coding", b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
     ("bad_response",)),
    ("an unknown coding", b"HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip\r\n\r\n", ("bad_response",)),
    ("2.2 a head of 70 KiB", b"HTTP/1.1 200 OK\r\n" + b"X: " + b"y" * 71680 + b"\r\n\r\n", ("bad_response",)),
    ("2.2 201 fields", b"HTTP/1.1 200 OK\r\n" + b"X: y\r\n" * 201 + b"\r\n", ("bad_response",)),
    ("M44 101 without being asked", b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\nConnection: Upgrade\r\n\r\n",
     ("bad_response",)),
    ("closed before the head is whole", b"HTTP/1.1 200 OK\r\nX: a\r\n",
     ("target_cut", "target_closed", "target_reset")),
]

CUT_ANSWERS = [
    ("by length", b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n12345"),
    ("between chunks", b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\n12345\r\n"),
    ("inside a chunk", b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nA\r\n12345"),
    ("before the last CRLF", b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\n12345\r\n0\r\n"),
    ("by a broken chunk", b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\n12345\r\nzz\r\n"),
]
