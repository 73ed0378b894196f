/* The rules M1 to M15, M31 to M35, M39, M45 and the cases C1 to C39 that a request head decides. */
#include "proto/h1.h"

#include "../unit.h"
#include "heads.h"

enum { FIELDS = 100 };

struct row {
    const char *what;
    struct str text;
    enum h1_error error;
    const char *facts; /* of describe_request, where there is no error */
};

#define GET     "GET / HTTP/1.1\r\n"
#define POST    "POST / HTTP/1.1\r\n"
#define HOST    "Host: a\r\n"
#define END     "\r\n"
#define CHUNKED "Transfer-Encoding: chunked\r\n"
#define KEY     "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
#define V13     "Sec-WebSocket-Version: 13\r\n"

#define OK(what, bytes, facts)                                                                               \
    {                                                                                                        \
        what, {bytes, sizeof(bytes) - 1}, H1_OK, facts                                                       \
    }
#define BAD(what, bytes, error)                                                                              \
    {                                                                                                        \
        what, {bytes, sizeof(bytes) - 1}, H1_##error, NULL                                                   \
    }

static const struct row lines[] = {
    OK("a plain request", GET HOST END, "GET / - a none alive"),
    BAD("M1 a bare CR in a value", GET HOST "X: a\rb\r\n" END, BARE_CR),
    BAD("M1 a bare CR in the request line", "GET /\ra HTTP/1.1\r\n" HOST END, BARE_CR),
    BAD("M1 two CR before LF", "GET / HTTP/1.1\r\r\n" HOST END, BARE_CR),
    BAD("M2 C6 a lone LF ends the request line", "GET / HTTP/1.1\n" HOST END, BARE_LF),
    BAD("M2 a lone LF ends a field", GET "Host: a\n" END, BARE_LF),
    BAD("M2 a lone LF ends the head", GET HOST "\n", BARE_LF),
    BAD("M3 C9 white space before the first field", GET " X: a\r\n" HOST END, FOLDED),
    BAD("M3 a tab before the first field", GET "\tX: a\r\n" HOST END, FOLDED),
    OK("M4 an empty line before the request line", END GET HOST END, "GET / - a none alive"),
    BAD("two empty lines before the request line", END END GET HOST END, BLANK_LINES),
    BAD("an LF before the request line", "\n" GET HOST END, BARE_LF),
    BAD("M9 C8 white space before the colon", GET HOST "X : a\r\n" END, SPACE_BEFORE_COLON),
    BAD("a tab before the colon", GET "Host\t: a\r\n" END, SPACE_BEFORE_COLON),
    BAD("M10 C7 a folded field", GET HOST "X: a\r\n b\r\n" END, FOLDED),
    BAD("a folded field with a tab", GET HOST "X: a\r\n\tb: c\r\n" END, FOLDED),
    BAD("C25 M31 NUL in a value", GET HOST "X: a\0b\r\n" END, CONTROL),
    BAD("NUL in a name", GET HOST "X\0: b\r\n" END, CONTROL),
    BAD("NUL in the target", "GET /\0 HTTP/1.1\r\n" HOST END, CONTROL),
    BAD("C16 a control character in a value",
        POST HOST "Transfer-Encoding: \x0b"
                  "chunked\r\n" END,
        CONTROL),
    BAD("DEL in a value", GET HOST "X: \x7f\r\n" END, CONTROL),
    OK("bytes above 0x7f in a value", GET HOST "X: \xc3\xa9\xff\r\n" END, "GET / - a none alive"),
    OK("tabs inside and around a value", GET HOST "X:\t a\tb \t\r\n" END, "GET / - a none alive"),
    BAD("A10 an empty name", GET HOST ": a\r\n" END, FIELD_NAME),
    BAD("A10 no colon", GET HOST "X\r\n" END, NO_COLON),
    BAD("a blank and no colon", GET HOST "X a\r\n" END, FIELD_NAME),
    BAD("A10 a name with a byte above 0x7f", GET HOST "X\x80: a\r\n" END, FIELD_NAME),
    BAD("a name with a bracket", GET HOST "X(a): a\r\n" END, FIELD_NAME),
    BAD("a name in quotes", GET HOST "\"X\": a\r\n" END, FIELD_NAME),
    OK("an empty value", GET HOST "X:\r\nY: \r\n" END, "GET / - a none alive"),
    OK("C30 a name with an underscore", GET HOST "X_Y: 1\r\n" END, "GET / - a none alive"),
    OK("every mark of a token in a name", GET HOST "!#$%&'*+-.^_`|~: 1\r\n" END, "GET / - a none alive"),
};

static const struct row start_lines[] = {
    OK("an unknown method", "BREW / HTTP/1.1\r\n" HOST END, "BREW / - a none alive"),
    OK("methods are case-sensitive", "get / HTTP/1.1\r\n" HOST END, "get / - a none alive"),
    BAD("no method", " / HTTP/1.1\r\n" HOST END, METHOD),
    BAD("a method that is no token", "G@T / HTTP/1.1\r\n" HOST END, METHOD),
    BAD("M5 a method of 33 bytes", "ABCDEFGHIJKLMNOPQRSTUVWXYZABCDEFG / HTTP/1.1\r\n" HOST END,
        METHOD_TOO_LONG),
    BAD("a tab behind the method", "GET\t/ HTTP/1.1\r\n" HOST END, METHOD),
    BAD("two spaces behind the method", "GET  / HTTP/1.1\r\n" HOST END, TARGET),
    BAD("two spaces before the version", "GET /  HTTP/1.1\r\n" HOST END, TARGET),
    BAD("a space behind the version", "GET / HTTP/1.1 \r\n" HOST END, VERSION),
    BAD("a space in the target", "GET /a b HTTP/1.1\r\n" HOST END, TARGET),
    BAD("no target", "GET HTTP/1.1\r\n" HOST END, METHOD),
    BAD("an empty target", "GET  HTTP/1.1\r\n" HOST END, TARGET),
    BAD("C27 HTTP/2.0", "GET / HTTP/2.0\r\n" HOST END, VERSION_UNSUPPORTED),
    BAD("the preface of HTTP/2", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", VERSION_UNSUPPORTED),
    OK("C28 HTTP/1.2 counts as 1.1", "GET / HTTP/1.2\r\n" HOST END, "GET / - a none alive"),
    BAD("C29 no version", "GET /\r\n" HOST END, VERSION),
    BAD("one word", "GET\r\n" HOST END, METHOD),
    BAD("a version in lower case", "GET / http/1.1\r\n" HOST END, VERSION),
    BAD("a version with two digits", "GET / HTTP/1.10\r\n" HOST END, VERSION),
    BAD("a version without minor", "GET / HTTP/1\r\n" HOST END, VERSION),
    BAD("a version with a comma", "GET / HTTP/1,1\r\n" HOST END, VERSION),
    BAD("a version with a letter", "GET / HTTP/1.x\r\n" HOST END, VERSION),
    OK("M20 HTTP/1.0 is never kept alive", "GET / HTTP/1.0\r\nConnection: keep-alive\r\n" END,
       "GET / - - none hop:Connection"),
    BAD("C34 a fragment", "GET /a#b HTTP/1.1\r\n" HOST END, TARGET),
    BAD("C35 a byte above 0x7f in the path", "GET /\x80 HTTP/1.1\r\n" HOST END, TARGET),
    BAD("the same behind sixteen good bytes", "GET /0123456789abcdef\x80 HTTP/1.1\r\n" HOST END, TARGET),
    OK("a query", "GET /a?b?c=/d HTTP/1.1\r\n" HOST END, "GET /a ?b?c=/d a none alive"),
    OK("an empty query", "GET /? HTTP/1.1\r\n" HOST END, "GET / ? a none alive"),
    OK("M40 the path stays as it is", "GET //a/../%2e%2E/%00;x HTTP/1.1\r\n" HOST END,
       "GET //a/../%2e%2E/%00;x - a none alive"),
    OK("what browsers send bare", "GET /|?a[b]={c}^`\\<>\" HTTP/1.1\r\n" HOST END,
       "GET /| ?a[b]={c}^`\\<>\" a none alive"),
    BAD("a relative path", "GET a/b HTTP/1.1\r\n" HOST END, TARGET),
    OK("M7 C26 an absolute target overrules Host", "GET http://b:8080/x HTTP/1.1\r\n" HOST END,
       "GET /x - b:8080 none alive"),
    BAD("M6 an absolute target still needs Host", "GET http://b/ HTTP/1.1\r\n" END, HOST_MISSING),
    BAD("M6 and a valid one", "GET http://b/ HTTP/1.1\r\nHost: a/b\r\n" END, HOST),
    OK("an absolute target in HTTP/1.0", "GET http://b/ HTTP/1.0\r\n" END, "GET / - b none"),
    OK("an absolute target without path", "GET HTTPS://b HTTP/1.1\r\n" HOST END, "GET / - b none alive"),
    OK("an absolute target with query alone", "GET http://b?x HTTP/1.1\r\n" HOST END,
       "GET / ?x b none alive"),
    OK("M8 OPTIONS without path", "OPTIONS http://b HTTP/1.1\r\n" HOST END, "OPTIONS * - b none alive"),
    OK("OPTIONS with a path", "OPTIONS http://b/ HTTP/1.1\r\n" HOST END, "OPTIONS / - b none alive"),
    OK("OPTIONS with query alone", "OPTIONS http://b?x HTTP/1.1\r\n" HOST END, "OPTIONS / ?x b none alive"),
    OK("OPTIONS *", "OPTIONS * HTTP/1.1\r\n" HOST END, "OPTIONS * - a none alive"),
    BAD("GET *", "GET * HTTP/1.1\r\n" HOST END, TARGET),
    BAD("OPTIONS **", "OPTIONS ** HTTP/1.1\r\n" HOST END, TARGET),
    BAD("another scheme", "GET ftp://b/ HTTP/1.1\r\n" HOST END, TARGET),
    BAD("userinfo in the target", "GET http://u@b/ HTTP/1.1\r\n" HOST END, TARGET),
    BAD("an absolute target without host", "GET http:///x HTTP/1.1\r\n" HOST END, TARGET),
    BAD("authority form outside CONNECT", "GET a:80 HTTP/1.1\r\n" HOST END, TARGET),
    BAD("C36 CONNECT", "CONNECT a:80 HTTP/1.1\r\n" HOST END, METHOD_REFUSED),
    BAD("C36 TRACE", "TRACE / HTTP/1.1\r\n" HOST END, METHOD_REFUSED),
};

static const struct row hosts[] = {
    BAD("C1 Host twice, equal", GET HOST HOST END, HOST_REPEATED),
    BAD("C2 Host twice", GET HOST "Host: b\r\n" END, HOST_REPEATED),
    BAD("Host twice in HTTP/1.0", "GET / HTTP/1.0\r\n" HOST HOST END, HOST_REPEATED),
    BAD("C3 no Host", GET END, HOST_MISSING),
    OK("no Host in HTTP/1.0", "GET / HTTP/1.0\r\n" END, "GET / - - none"),
    BAD("an empty Host", GET "Host:\r\n" END, HOST),
    BAD("C4 Host with a path", GET "Host: a/b\r\n" END, HOST),
    BAD("C5 Host with a comma", GET "Host: a,b\r\n" END, HOST),
    BAD("A12 Host with userinfo", GET "Host: u@a\r\n" END, HOST),
    BAD("A12 Host with junk behind the port", GET "Host: a:80x\r\n" END, HOST),
    BAD("Host with two ports", GET "Host: a:80:80\r\n" END, HOST),
    BAD("Host with a space", GET "Host: a b\r\n" END, HOST),
    OK("Host with port", GET "Host: A.example:80\r\n" END, "GET / - A.example:80 none alive"),
    OK("Host with an empty port", GET "Host: a:\r\n" END, "GET / - a none alive"),
    OK("Host with an IPv6 address", GET "Host: [::1]:80\r\n" END, "GET / - [::1]:80 none alive"),
};

static const struct row framings[] = {
    OK("a length", POST HOST "Content-Length: 5\r\n" END, "POST / - a length=5 alive"),
    OK("a length of 0", POST HOST "Content-Length: 0\r\n" END, "POST / - a none=0 alive"),
    OK("C39 GET with a body", GET HOST "Content-Length: 5\r\n" END, "GET / - a length=5 alive"),
    OK("the greatest length", POST HOST "Content-Length: 18446744073709551615\r\n" END,
       "POST / - a length=18446744073709551615 alive"),
    BAD("one more", POST HOST "Content-Length: 18446744073709551616\r\n" END, LENGTH),
    OK("chunked", POST HOST CHUNKED END, "POST / - a chunked alive hop:Transfer-Encoding"),
    OK("chunked in capitals", POST HOST "Transfer-Encoding: CHUNKED\r\n" END,
       "POST / - a chunked alive hop:Transfer-Encoding"),
    BAD("M12 C10 both, length first", POST HOST "Content-Length: 5\r\n" CHUNKED END, LENGTH_AND_CODING),
    BAD("M12 C10 both, coding first", POST HOST CHUNKED "Content-Length: 5\r\n" END, LENGTH_AND_CODING),
    BAD("both, and the length is bad", POST HOST CHUNKED "Content-Length: x\r\n" END, LENGTH_AND_CODING),
    BAD("M13 C11 coding in HTTP/1.0", "POST / HTTP/1.0\r\n" HOST CHUNKED END, CODING_IN_1_0),
    BAD("M11 chunked not last", POST HOST "Transfer-Encoding: chunked, gzip\r\n" END, CODING),
    BAD("M11 chunked not last, two lines", POST HOST CHUNKED "Transfer-Encoding: gzip\r\n" END, CODING),
    BAD("C12 gzip", POST HOST "Transfer-Encoding: gzip\r\n" END, CODING_UNKNOWN),
    BAD("identity", POST HOST "Transfer-Encoding: identity\r\n" END, CODING_UNKNOWN),
    BAD("C13 gzip, chunked", POST HOST "Transfer-Encoding: gzip, chunked\r\n" END, CODING_UNKNOWN),
    BAD("gzip with parameter", POST HOST "Transfer-Encoding: gzip;q=1, chunked\r\n" END, CODING_UNKNOWN),
    BAD("C14 an empty element", POST HOST "Transfer-Encoding: ,chunked\r\n" END, CODING),
    BAD("an empty element behind", POST HOST "Transfer-Encoding: chunked,\r\n" END, CODING),
    BAD("an empty coding", POST HOST "Transfer-Encoding:\r\n" END, CODING),
    BAD("C15 chunked twice", POST HOST CHUNKED CHUNKED END, CODING),
    BAD("M14 chunked twice in one line", POST HOST "Transfer-Encoding: chunked, chunked\r\n" END, CODING),
    BAD("M14 chunked with a parameter", POST HOST "Transfer-Encoding: chunked;a=b\r\n" END, CODING),
    BAD("C16 xchunked", POST HOST "Transfer-Encoding: xchunked\r\n" END, CODING_UNKNOWN),
    BAD("chunked in quotes", POST HOST "Transfer-Encoding: \"chunked\"\r\n" END, CODING),
    BAD("chunked and another word", POST HOST "Transfer-Encoding: chunked foo\r\n" END, CODING),
    BAD("a byte above 0x7f behind chunked", POST HOST "Transfer-Encoding: chunked\xa0\r\n" END, CODING),
    BAD("C17 a list of equal lengths", POST HOST "Content-Length: 3, 3\r\n" END, LENGTH),
    BAD("C17 two equal lengths", POST HOST "Content-Length: 3\r\nContent-Length: 3\r\n" END, LENGTH_REPEATED),
    BAD("two different lengths", POST HOST "Content-Length: 3\r\nContent-Length: 4\r\n" END, LENGTH_REPEATED),
    BAD("C18 a plus sign", POST HOST "Content-Length: +3\r\n" END, LENGTH),
    BAD("a minus sign", POST HOST "Content-Length: -3\r\n" END, LENGTH),
    BAD("C18 an empty length", POST HOST "Content-Length:\r\n" END, LENGTH),
    BAD("C18 two lengths in a list", POST HOST "Content-Length: 3,4\r\n" END, LENGTH),
    BAD("C19 leading zeros", POST HOST "Content-Length: 003\r\n" END, LENGTH),
    BAD("a hexadecimal length", POST HOST "Content-Length: 0x3\r\n" END, LENGTH),
    BAD("a length with a space inside", POST HOST "Content-Length: 1 1\r\n" END, LENGTH),
};

static const struct row connections[] = {
    OK("M21 close", GET HOST "Connection: close\r\n" END, "GET / - a none hop:Connection"),
    OK("close wins", GET HOST "Connection: keep-alive\r\nConnection: foo , CLOSE\r\n" END,
       "GET / - a none hop:Connection,Connection"),
    OK("M33 C31 named fields", GET HOST "x-forwarded-for: 1\r\nConnection: close, X-Forwarded-For\r\n" END,
       "GET / - a none hop:x-forwarded-for,Connection"),
    OK("M33 every line of an unknown name",
       GET HOST "X-Mine: 1\r\nConnection: x-mine\r\nX-MINE: 2\r\nX-Mine2: 3\r\n" END,
       "GET / - a none alive hop:X-Mine,Connection,X-MINE"),
    OK("named fields that are not there", GET HOST "Connection: TE, x-nothing, not a token\r\n" END,
       "GET / - a none alive hop:Connection"),
    OK("empty elements are skipped", GET HOST "Connection: ,, close,\r\n" END,
       "GET / - a none hop:Connection"),
    OK("M34 fields of the hop without being named",
       GET HOST "Keep-Alive: 5\r\nProxy-Connection: x\r\nTE: gzip\r\nUpgrade: x\r\nHTTP2-Settings: x\r\n" END,
       "GET / - a none alive hop:Keep-Alive,Proxy-Connection,TE,Upgrade,HTTP2-Settings"),
    OK("M32 other fields stay", GET HOST "X: 1\r\nTrailer: X\r\nCookie: a\r\nCookie: b\r\n" END,
       "GET / - a none alive"),
    OK("M35 C33 TE: trailers", GET HOST "TE: deflate;q=0.5, trailers\r\nConnection: TE\r\n" END,
       "GET / - a none alive te hop:TE,Connection"),
    BAD("Connection names Host", GET HOST "Connection: host\r\n" END, CONNECTION_NAMES),
    BAD("Connection names Content-Length",
        POST HOST "Content-Length: 3\r\nConnection: Content-Length\r\n" END, CONNECTION_NAMES),
    OK("M39 C37 100-continue", POST HOST "Content-Length: 3\r\nExpect: 100-Continue\r\n" END,
       "POST / - a length=3 alive expect"),
    OK("nothing to wait for", GET HOST "Expect: 100-continue\r\n" END, "GET / - a none alive"),
    OK("M39 Expect in HTTP/1.0", "POST / HTTP/1.0\r\nContent-Length: 3\r\nExpect: 100-continue\r\n" END,
       "POST / - - length=3 hop:Expect"),
    BAD("M39 another expectation", GET HOST "Expect: 200-ok\r\n" END, EXPECTATION),
    BAD("a second expectation", GET HOST "Expect: 100-continue\r\nExpect: x\r\n" END, EXPECTATION),
    OK("a WebSocket", GET HOST "Connection: keep-alive, Upgrade\r\nUpgrade: WebSocket\r\n" KEY V13 END,
       "GET / - a none alive websocket hop:Connection,Upgrade"),
    OK("Upgrade without Connection", GET HOST "Upgrade: websocket\r\n" KEY V13 END,
       "GET / - a none alive hop:Upgrade"),
    OK("Connection without Upgrade", GET HOST "Connection: upgrade\r\n" KEY V13 END,
       "GET / - a none alive hop:Connection"),
    OK("C32 A15 h2c is not WebSocket, and stripped",
       GET HOST "Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABkAAQ\r\n" END,
       "GET / - a none alive upgrade hop:Connection,Upgrade,HTTP2-Settings"),
    OK("M44 another protocol", POST HOST "Connection: upgrade\r\nUpgrade: tcp\r\n" END,
       "POST / - a none alive upgrade hop:Connection,Upgrade"),
    OK("another protocol that no Connection names", GET HOST "Upgrade: tcp\r\n" END,
       "GET / - a none alive hop:Upgrade"),
    OK("another protocol beside content",
       POST HOST "Connection: upgrade\r\nUpgrade: tcp\r\nContent-Length: 1\r\n" END,
       "POST / - a length=1 alive hop:Connection,Upgrade"),
    OK("WebSocket among others", GET HOST "Connection: upgrade\r\nUpgrade: tcp, websocket\r\n" KEY V13 END,
       "GET / - a none alive websocket hop:Connection,Upgrade"),
    OK("WebSocket in a second line",
       GET HOST "Connection: upgrade\r\nUpgrade: tcp\r\nUpgrade: websocket\r\n" KEY V13 END,
       "GET / - a none alive websocket hop:Connection,Upgrade,Upgrade"),
    OK("a WebSocket in HTTP/1.0",
       "GET / HTTP/1.0\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n" KEY V13 END,
       "GET / - - none hop:Connection,Upgrade"),
    OK("a WebSocket by POST", POST HOST "Connection: Upgrade\r\nUpgrade: websocket\r\n" KEY V13 END,
       "POST / - a none alive hop:Connection,Upgrade"),
    OK("a WebSocket with content",
       GET HOST "Connection: Upgrade\r\nUpgrade: websocket\r\nContent-Length: 1\r\n" KEY V13 END,
       "GET / - a length=1 alive hop:Connection,Upgrade"),
    BAD("a WebSocket without key", GET HOST "Connection: Upgrade\r\nUpgrade: websocket\r\n" V13 END,
        WEBSOCKET),
    BAD("a WebSocket with two keys", GET HOST "Connection: Upgrade\r\nUpgrade: websocket\r\n" KEY KEY V13 END,
        WEBSOCKET),
    BAD("a WebSocket with a short key",
        GET HOST "Connection: Upgrade\r\nUpgrade: websocket\r\n" V13 "Sec-WebSocket-Key: abcd\r\n" END,
        WEBSOCKET),
    BAD("A16 a WebSocket of another version",
        GET HOST "Connection: Upgrade\r\nUpgrade: websocket\r\n" KEY "Sec-WebSocket-Version: 777\r\n" END,
        WEBSOCKET),
};

/* The parser's answer to one way of cutting, as text: the name of the error or the facts. */
static char *answer(struct str text, size_t cut, size_t step)
{
    struct field fields[FIELDS];
    struct h1_scan scan;
    struct head head;
    enum h1_error error;

    switch (scan_cut(&scan, &h1_request_limits, text, cut, step)) {
    case H1_SCAN_MORE:
        return mem_strdup("MORE");
    case H1_SCAN_BAD:
        return mem_strdup(h1_error_name(scan.error));
    case H1_SCAN_DONE:
        break;
    }
    head_init(&head, fields, FIELDS);
    error = h1_request_parse(&scan, &h1_request_limits, text.p, &head);
    return error ? mem_strdup(h1_error_name(error)) : describe_request(&head);
}

static void check_row(const struct row *row)
{
    const char *wanted = row->error ? h1_error_name(row->error) : row->facts;

    for (size_t cut = 0; cut <= row->text.len; cut++) {
        char *rest_at_once = answer(row->text, cut, row->text.len);
        char *rest_bytewise = answer(row->text, cut, 1);

        ck_assert_msg(strcmp(rest_at_once, wanted) == 0, "%s, cut at %zu: %s", row->what, cut, rest_at_once);
        ck_assert_msg(strcmp(rest_bytewise, wanted) == 0, "%s, bytewise from %zu: %s", row->what, cut,
                      rest_bytewise);
        free(rest_at_once);
        free(rest_bytewise);
    }
}

START_TEST(lines_of_a_request)
{
    check_row(&lines[_i]);
}
END_TEST

START_TEST(the_request_line)
{
    check_row(&start_lines[_i]);
}
END_TEST

START_TEST(the_host_of_a_request)
{
    check_row(&hosts[_i]);
}
END_TEST

START_TEST(the_framing_of_a_request)
{
    check_row(&framings[_i]);
}
END_TEST

START_TEST(the_connection_and_upgrade_of_a_request)
{
    check_row(&connections[_i]);
}
END_TEST

/* A request whose target, or whose only long field, is filled up to `len` bytes. */
static struct str padded(char *block, size_t cap, const char *before, size_t pad, const char *after)
{
    struct buf buf;

    buf_init(&buf, block, cap);
    buf_str_add(&buf, str_from(before));
    for (size_t i = 0; i < pad; i++)
        buf_char(&buf, 'x');
    buf_str_add(&buf, str_from(after));
    ck_assert(!buf.full);
    return buf_str(&buf);
}

static void check_answer(struct str text, size_t step, const char *wanted)
{
    char *got = answer(text, step < text.len ? step : text.len, step);

    ck_assert_str_eq(got, wanted);
    free(got);
}

START_TEST(a_request_line_has_8192_bytes_at_most)
{
    char block[16384];
    const size_t around = sizeof("GET / HTTP/1.1") - 1;
    struct str fits = padded(block, sizeof block, "GET /", 8192 - around, " HTTP/1.1\r\n" HOST END);
    char *got = answer(fits, 0, 1);

    ck_assert(str_starts_with(str_from(got), STR("GET /xxx")));
    free(got);
    for (size_t step = 1; step < 10000; step = step * 3 + 1)
        check_answer(padded(block, sizeof block, "GET /", 8193 - around, " HTTP/1.1\r\n" HOST END), step,
                     "START_LINE_TOO_LONG");
    check_answer(padded(block, sizeof block, "GET /", 9000, ""), 9000, "START_LINE_TOO_LONG");
    ck_assert_uint_eq(h1_error_status(H1_START_LINE_TOO_LONG), 414);
}
END_TEST

START_TEST(a_head_has_32_KiB_at_most)
{
    static char block[65536];
    const size_t around = sizeof(GET HOST "X: \r\n" END) - 1;

    check_answer(padded(block, sizeof block, GET HOST "X: ", 32768 - around, "\r\n" END), 1,
                 "GET / - a none alive");
    for (size_t step = 1; step < 40000; step = step * 3 + 1) {
        check_answer(padded(block, sizeof block, GET HOST "X: ", 32769 - around, "\r\n" END), step,
                     "HEAD_TOO_LARGE");
        check_answer(padded(block, sizeof block, GET HOST "X: ", 40000, ""), step, "HEAD_TOO_LARGE");
    }
    ck_assert_uint_eq(h1_error_status(H1_HEAD_TOO_LARGE), 431);
}
END_TEST

START_TEST(a_head_has_100_fields_at_most)
{
    char block[4096];

    for (size_t count = 99; count <= 100; count++) {
        struct buf buf;

        buf_init(&buf, block, sizeof block);
        buf_lit(&buf, GET HOST);
        for (size_t i = 0; i < count; i++)
            buf_lit(&buf, "Cookie: a\r\n");
        buf_lit(&buf, END);
        for (size_t step = 1; step < 4000; step = step * 3 + 1)
            check_answer(buf_str(&buf), step, count == 99 ? "GET / - a none alive" : "TOO_MANY_FIELDS");
    }
}
END_TEST

START_TEST(an_answer_comes_as_soon_as_a_byte_is_wrong)
{
    struct h1_scan scan;

    ck_assert_int_eq(scan_cut(&scan, &h1_request_limits, STR("GET /\n"), 0, 1), H1_SCAN_BAD);
    ck_assert_int_eq(scan.error, H1_BARE_LF);
    ck_assert_int_eq(h1_scan(&scan, &h1_request_limits, "GET /\n...", 9), H1_SCAN_BAD);
    ck_assert_int_eq(scan_cut(&scan, &h1_request_limits, STR("\x16\x03\x01"), 0, 1), H1_SCAN_BAD);
    ck_assert_int_eq(scan.error, H1_CONTROL);
}
END_TEST

START_TEST(a_pipelined_request_begins_behind_the_head)
{
    struct str text = STR(GET HOST END "GET /2 HTTP/1.1\r\n" HOST END);
    struct h1_scan scan;

    ck_assert_int_eq(scan_cut(&scan, &h1_request_limits, text, text.len, 1), H1_SCAN_DONE);
    ck_assert_uint_eq(scan.end, sizeof(GET HOST END) - 1);
    ck_assert_int_eq(h1_scan(&scan, &h1_request_limits, text.p, text.len), H1_SCAN_DONE);
}
END_TEST

START_TEST(an_empty_line_alone_does_not_begin_a_request)
{
    struct h1_scan scan;

    ck_assert_int_eq(scan_cut(&scan, &h1_request_limits, STR("\r\n"), 0, 1), H1_SCAN_MORE);
    ck_assert(!h1_scan_begun(&scan, 2));
    ck_assert_int_eq(h1_scan(&scan, &h1_request_limits, "\r\nG", 3), H1_SCAN_MORE);
    ck_assert(h1_scan_begun(&scan, 3));
}
END_TEST

START_TEST(connect_and_trace_pass_where_they_are_allowed)
{
    struct str connect = STR("CONNECT [::1]:443 HTTP/1.1\r\nHost: [::1]:443\r\n\r\n");
    struct str portless = STR("CONNECT a: HTTP/1.1\r\nHost: a\r\n\r\n");
    struct str trace = STR("TRACE / HTTP/1.1\r\n" HOST END);
    struct h1_limits limits = h1_request_limits;
    struct field fields[FIELDS];
    struct h1_scan scan;
    struct head head;

    limits.allow_connect = limits.allow_trace = true;
    ck_assert_int_eq(scan_cut(&scan, &limits, connect, connect.len, 1), H1_SCAN_DONE);
    head_init(&head, fields, FIELDS);
    ck_assert_int_eq(h1_request_parse(&scan, &limits, connect.p, &head), H1_OK);
    ck_assert_int_eq(head.form, TARGET_AUTHORITY);
    ck_assert_uint_eq(head.authority.port, 443);
    ck_assert_uint_eq(head.path.len, 0);

    ck_assert_int_eq(scan_cut(&scan, &limits, portless, portless.len, 1), H1_SCAN_DONE); /* M45 */
    head_init(&head, fields, FIELDS);
    ck_assert_int_eq(h1_request_parse(&scan, &limits, portless.p, &head), H1_TARGET);

    ck_assert_int_eq(scan_cut(&scan, &limits, trace, trace.len, 1), H1_SCAN_DONE);
    head_init(&head, fields, FIELDS);
    ck_assert_int_eq(h1_request_parse(&scan, &limits, trace.p, &head), H1_OK);
    ck_assert_int_eq(head.method, METHOD_TRACE);
}
END_TEST

START_TEST(a_flood_of_connection_options_is_refused)
{
    char block[256];
    struct buf buf;

    buf_init(&buf, block, sizeof block);
    buf_lit(&buf, GET HOST "Connection: a");
    for (int i = 0; i < 32; i++)
        buf_lit(&buf, ",a");
    buf_lit(&buf, "\r\n" END);
    check_answer(buf_str(&buf), 1, "CONNECTION_TOO_LONG");
}
END_TEST

Suite *unit_suite(void)
{
    Suite *suite = suite_create("h1_request");
    TCase *tc = tcase_create("h1_request");

    tcase_add_loop_test(tc, lines_of_a_request, 0, ARRAY_LEN(lines));
    tcase_add_loop_test(tc, the_request_line, 0, ARRAY_LEN(start_lines));
    tcase_add_loop_test(tc, the_host_of_a_request, 0, ARRAY_LEN(hosts));
    tcase_add_loop_test(tc, the_framing_of_a_request, 0, ARRAY_LEN(framings));
    tcase_add_loop_test(tc, the_connection_and_upgrade_of_a_request, 0, ARRAY_LEN(connections));
    tcase_add_test(tc, a_request_line_has_8192_bytes_at_most);
    tcase_add_test(tc, a_head_has_32_KiB_at_most);
    tcase_add_test(tc, a_head_has_100_fields_at_most);
    tcase_add_test(tc, an_answer_comes_as_soon_as_a_byte_is_wrong);
    tcase_add_test(tc, a_pipelined_request_begins_behind_the_head);
    tcase_add_test(tc, an_empty_line_alone_does_not_begin_a_request);
    tcase_add_test(tc, connect_and_trace_pass_where_they_are_allowed);
    tcase_add_test(tc, a_flood_of_connection_options_is_refused);
    suite_add_tcase(suite, tc);
    return suite;
}
