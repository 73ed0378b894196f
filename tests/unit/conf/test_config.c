#include "conf/load.h"

#include "base/clk.h"
#include "base/mem.h"
#include "conf/address.h"

#include "problems.h"

#include <sched.h>
#include <unistd.h>

/* What every small input would be warned of, and is not the point of a case. */
static const char *const standing[] = {"warning: admin: is not written", "warning: state: is not written",
                                       "warning: admin: has no tokenFile"};

#define LISTENERS "listeners: [ { address: \"127.0.0.1:0\" } ]\n"
#define TWO                                                                                                  \
    "targetGroups:\n  a: { targets: [ \"10.0.0.1:80\" ] }\n  b: { targets: [ \"10.0.0.2:80\" ] }\n" /* 3     \
                                                                                                       lines \
                                                                                                     */
#define HEAD   LISTENERS TWO
#define ROUTES "routes: [ { name: r, stable: a, canary: b } ]\n"
#define ALL    HEAD ROUTES

/* A route with one override. */
#define OVERRIDE(keys)                                                                                       \
    HEAD "routes:\n  - name: r\n    stable: a\n    canary: b\n    overrides: [ { " keys " } ]\n"
#define SECRET "secrets: [ 0123456789abcdef ]"
#define ALL_A  HEAD "routes: [ { name: r, stable: a, "
#define END_A  " }, { name: s, match: { pathPrefix: /s }, stable: b } ]\n"
/* A second route, without groups. */
#define ANSWER(keys)                                                                                         \
    "routes: [ { name: r, stable: a, canary: b }, { name: s, match: { pathPrefix: /s }, " keys " } ]\n"

/* A listener with TLS. */
#define CERT      "{ certFile: a.pem, keyFile: a.key }"
#define TLS(keys) TWO ROUTES "listeners: [ { address: \"127.0.0.1:80\", tls: { " keys " } } ]\n"

static const struct problems_case cases[] = {
    {ALL, ""},
    /* TLS with clients */
    {TLS("certificates: [ " CERT " ]"), ""},
    {TLS("certificates: [ " CERT " ], minVersion: \"1.3\", hsts: {}, clientCertificates: { caFile: ca.pem }"),
     ""},
    {TLS("certificates: [ " CERT " ], ktls: auto"), ""},
    {TLS("certificates: [ " CERT " ], ktls: \"on\""), "t:5:109: ktls: on is none of off, auto\n"},
    {TLS("certificates: [ " CERT " ], hsts: { preload: true }"),
     "t:5:120: preload: the lists take a host with includeSubdomains: true only\n"},
    {TLS("certificates: [ " CERT ", " CERT " ]"),
     "t:5:101: certificates: a.pem is there already, at line 5\n"},
    {TLS("certificates: [ " CERT " ], minVersion: \"1.1\""),
     "t:5:115: minVersion: 1.1 is none of 1.2, 1.3; did you mean \"1.2\"?\n"},
    {TLS("certificates: [ " CERT " ], protocols: [ h3 ]"),
     "t:5:116: protocols: h3 is none of http/1.1, h2\n"},
    {TLS("certificates: [ { certFile: a.pem } ]"),
     "t:5:64: keyFile: is missing; write it (path, such as logs/access.jsonl: relative to the folder of this "
     "file)\n"},
    {TLS("hsts: {}"), "t:5:46: certificates: is missing; write it (list, such as [a, b])\n"},
    {TLS("certificates: [ " CERT
         " ], clientCertificates: { caFile: ca.pem }") "tls: { clientSubjectHeader: x-platform }\n",
     "t:6:29: clientSubjectHeader: x-platform is labelHeader X-Platform; take another\n"},
    /* HTTP/2 to targets, and gRPC */
    {HEAD "routes: [ { name: r, stable: a, canary: b, grpcErrors: [ INTERNAL, unavailable ] } ]\n",
     "t:5:68: grpcErrors: unavailable is no status of gRPC; write one as its specification does, such as "
     "UNAVAILABLE\n"},
    {LISTENERS
     "targetGroups: { a: { targets: [ \"127.0.0.1:1\" ], protocol: h2c }, b: { targets: [ \"127.0.0.1:2\" ], "
     "protocol: auto, tls: {} } }\n" ROUTES,
     ""},
    {LISTENERS
     "targetGroups: { a: { targets: [ \"127.0.0.1:1\" ], protocol: h2 }, b: { targets: [ \"127.0.0.1:2\" ], "
     "protocol: h2c, tls: {} } }\n" ROUTES,
     "t:2:60: protocol: h2 and auto are agreed on within TLS; add tls, or write h2c or h1\n"
     "t:2:109: protocol: h2c is HTTP/2 in clear text; write h2, or leave tls out\n"},
    {LISTENERS
     "targetGroups: { a: { targets: [ \"127.0.0.1:1\" ] }, b: { targets: [ \"127.0.0.1:2\" ], "
     "protocol: h2c, proxyProtocol: 2 } }\nroutes: [ { name: r, stable: a, canary: b, mirror: 1 } ]\n",
     "t:2:95: protocol: with proxyProtocol a connection is about one client, and HTTP/2 carries many\n"
     "t:3:52: mirror: copies are sent in HTTP/1.1, which b does not take; write protocol: auto or h1 "
     "there\n"},
    /* the shape of the file */
    {"[1, 2]", "t:1:1: the file must be a map of `key: value`\n"},
    {"a", "t:1:1: the file must be a map of `key: value`\n"},
    {"{}", "t:1:1: listeners: is missing; write it (list, such as [a, b])\n"
           "t:1:1: targetGroups: is missing; write it (map by name, such as { name: { … } })\n"
           "t:1:1: routes: is missing; write it (list, such as [a, b])\n"},
    {ALL "workers: 2\nworkers: 3\n", "t:7:1: workers: is there already, at line 6; remove one of the two\n"},
    /* keys */
    {ALL "listener: []\n", "t:6:1: listener: unknown key; did you mean \"listeners\"?\n"},
    {ALL "time_outs: {}\n", "t:6:1: time_outs: unknown key; did you mean \"timeouts\"?\n"},
    {ALL "discovery: {}\n",
     "t:6:1: discovery: unknown key; known here: workers, service, env, version, "
     "labelHeader, viaName, ambiguousFields, halfClosed, forwarded, listeners, tls, admin, state, "
     "tracing, synthetic, accessLog, logRecord, metrics, notify, webhooks, metricSources, timeouts, limits, "
     "http2, "
     "targetGroups, "
     "routes\n"},
    {ALL "accessLog: [ stdout: { color: true } ]\n",
     "t:6:24: color: unknown key; there is none here: write {}\n"},
    {ALL "accessLog: [ { file: { path: a, maxSize: 2MiB, maxTotalSize: 3MiB } } ]\n",
     "t:6:62: maxTotalSize: is less than two files of maxSize; make it larger, or maxSize smaller\n"},
    {ALL "accessLog: [ { forward: { servers: [ \"a:1\", \"::1:5\", b, \"unix:x\", \"[::1]:5\" ], user: me } "
         "} ]\n",
     "t:6:25: forward: user, password and sharedKey belong together; write all three\n"
     "t:6:45: servers: ::1:5 is no address; write host:port, [IPv6]:port or unix:/path\n"
     "t:6:54: servers: b is no address; write host:port, [IPv6]:port or unix:/path\n"
     "t:6:57: servers: unix:x is no address; write host:port, [IPv6]:port or unix:/path\n"},
    {ALL "accessLog: [ { syslog: { address: \"tls:a:1\" } }, { syslog: { address: \"udp:a\" } } ]\n",
     "t:6:35: address: tls:a:1 is none of udp:HOST:PORT, tcp:HOST:PORT and unix:/path\n"
     "t:6:71: address: udp:a is none of udp:HOST:PORT, tcp:HOST:PORT and unix:/path\n"},
    {ALL "accessLog: [ { partitions: { directory: a }, format: ecs } ]\n",
     "t:6:54: format: partitions have the format json, in which the platform and the time are found\n"},
    {ALL "logRecord: { requestHeaders: [ X-A, Cookie ], responseHeaders: [ \"a b\" ] }\n",
     "t:6:37: warning: cookie: has what lets its reader act for the client; whoever reads the log has it "
     "too\n"
     "t:6:66: responseHeaders: \"a b\" is not a token; it may have letters, digits and !#$%&'*+-.^_`|~ "
     "only\n"},
    {ALL "accessLog: [ { stdout: {}, format: xml, sample: 0 } ]\n",
     "t:6:36: format: xml is none of json, ecs, otel, alb, combined, ltsv\n"
     "t:6:49: share: 0 is less than 0.01\n"},
    /* kinds of values */
    {ALL "ambiguousFields: kept\n", "t:6:18: ambiguousFields: kept is none of drop, reject, keep\n"},
    {HEAD "routes: [ { name: r, stable: a, canary: b, upgrades: [ tcp, H2C ] } ]\n",
     "t:5:61: upgrades: H2C would carry requests past this proxy; remove it\n"},
    {HEAD "routes: [ { name: r, stable: a, canary: b, upgrades: [ \"HTTP/2.0\" ] } ]\n",
     "t:5:56: upgrades: HTTP/2.0 is not a token; it may have letters, digits and !#$%&'*+-.^_`|~ only\n"},
    {HEAD "routes: [ { name: r, stable: a, canary: b, upgrades: [], timeouts: { tunnel: 0 } } ]\n",
     "t:5:78: warning: tunnel: 0 is no limit: whoever is silent holds a connection for ever\n"},
    {OVERRIDE("header: X-O, " SECRET), ""},
    {OVERRIDE("cookie: o, " SECRET ", networks: [ 192.0.2.1, 2001:db8::/32 ]"), ""},
    {OVERRIDE("header: X-O, value: x, networks: [ 192.0.2.0/24 ], to: canary"), ""},
    {OVERRIDE("networks: [ 192.0.2.0/24 ], to: stable"), ""},
    {OVERRIDE("header: X-O, cookie: o, " SECRET), "t:9:33: cookie: excludes header; write one of the two\n"},
    {OVERRIDE("header: X-O, value: x, to: canary"),
     "t:9:18: overrides: anybody could choose this; write secrets, or the networks of the testers\n"},
    {OVERRIDE("networks: [ 10.0.0.0/8, 0.0.0.0/0, \"::/0\" ], to: canary"),
     "t:9:44: networks: 0.0.0.0/0 is everybody; name the networks of the testers\n"
     "t:9:55: networks: ::/0 is everybody; name the networks of the testers\n"},
    {OVERRIDE("networks: [ 192.0.2.0/24 ]"), "t:9:18: to: is missing; write stable or canary\n"},
    {OVERRIDE("header: X-O, networks: [ 192.0.2.0/24 ], to: canary"),
     "t:9:18: value: is missing; write what the header or cookie has to say, or secrets\n"},
    {OVERRIDE("value: x, networks: [ 192.0.2.0/24 ], to: canary"),
     "t:9:27: value: of what? write a header or a cookie\n"},
    {OVERRIDE(SECRET),
     "t:9:29: secrets: are for a signed value; write the header or the cookie that it stands in\n"},
    {OVERRIDE("header: X-O, " SECRET ", value: x"),
     "t:9:71: value: a signed value is made with `penstock override sign`; remove this, or secrets\n"},
    {OVERRIDE("header: X-O, " SECRET ", to: canary"),
     "t:9:68: to: a signed value says itself which side it is for; remove this, or secrets\n"},
    {OVERRIDE("header: X-O, secrets: [ 0123456789abcdef, short ]"),
     "t:9:62: secrets: this one has fewer than 16 characters and can be found by trying; make one with "
     "openssl rand "
     "-hex 32\n"},
    {OVERRIDE("header: authorization, " SECRET),
     "t:9:28: header: authorization has a meaning of its own; take another, such as X-Penstock-Override\n"},
    {OVERRIDE("header: X-Platform, " SECRET),
     "t:9:28: header: X-Platform has a meaning of its own; take another, such as X-Penstock-Override\n"},
    {ALL_A "overrides: [ { header: X-O, " SECRET " } ]" END_A,
     "t:5:44: overrides: the route has no canary, so there is nothing to choose\n"},
    {HEAD
     "routes: [ { name: r, stable: a, canary: b, affinity: { cookie: c }, overrides: [ { cookie: c, " SECRET
     " } ] } ]\n",
     "t:5:82: cookie: c is the cookie of affinity; give the override another\n"},
    {HEAD "routes: [ { name: r, stable: a, canary: b, mirror: { methods: [ GET, get, CONNECT ] } } ]\n",
     "t:5:70: methods: get cannot be copied; those of RFC 9110 and PATCH can, in capitals\n"
     "t:5:75: methods: CONNECT cannot be copied; those of RFC 9110 and PATCH can, in capitals\n"},
    {HEAD "routes: [ { name: r, stable: a, mirror: 10 } ]\n",
     "t:5:41: mirror: copies go to the canary, but the route has none; name a group\n"},
    {HEAD "routes: [ { name: r, stable: a, mirror: { share: 10, group: a } } ]\n",
     "t:5:61: group: a serves all requests of this route itself; name another group\n"},
    {HEAD
     "routes: [ { name: r, stable: a, canary: b, mirror: { maxBody: 2MiB, methods: [], maxInFlight: 0 } } "
     "]\n",
     "t:5:63: maxBody: 2MiB is more than 1MiB\n"
     "t:5:78: methods: needs at least 1\n"
     "t:5:95: maxInFlight: 0 is less than 1\n"},
    {HEAD "routes: [ { name: r, redirect: https://a, mirror: 5 } ]\n",
     "t:5:51: mirror: is for routes with target groups, and this one answers by itself\n"},
    {LISTENERS "targetGroups: { a: { targets: [ \"10.0.0.1:80\" ], concurrency: { target: 0, wait: 2m } } }\n"
               "routes: [ { name: r, stable: a } ]\n",
     "t:2:73: target: 0 is less than 1\nt:2:82: wait: 2m is more than 1m\n"},
    {ALL "workers: many\n", "t:6:10: workers: many is not a whole number, such as 4, or auto\n"},
    {ALL "workers: 0\n", "t:6:10: workers: 0 is less than 1\n"},
    {ALL "workers: 65\n", "t:6:10: workers: 65 is more than 64\n"},
    {ALL "workers: [1]\n",
     "t:6:10: workers: is a list; write one value (whole number, such as 4, or auto)\n"},
    {ALL "workers:\n", "t:6:9: workers: has no value; write one, or remove the key\n"},
    {ALL "service: \"\"\n", "t:6:10: service: \"\" is empty; write something, or remove the key\n"},
    {ALL "service: \"a\\tb\"\n", "t:6:10: service: \"a?b\" has control characters; remove them\n"},
    {ALL "service: { a: b }\n",
     "t:6:10: service: is a map; write one value (text, such as \"some words\")\n"},
    {ALL "timeouts: { connect: 10 min }\n",
     "t:6:22: connect: \"10 min\" is not a duration, such as 250ms, 10s, 5m, 2h, 7d or 1h30m\n"},
    {ALL "timeouts: { connect: 10 }\n",
     "t:6:22: connect: 10 is not a duration, such as 250ms, 10s, 5m, 2h, 7d or 1h30m\n"},
    {ALL "timeouts: { connect: 6m }\n", "t:6:22: connect: 6m is more than 5m\n"},
    {ALL "timeouts: { keepAlive: 0 }\n", "t:6:24: keepAlive: 0 is less than 1ms\n"},
    {ALL "timeouts: 5s\n", "t:6:11: timeouts: 5s must be a map, such as { key: value }\n"},
    {ALL "timeouts: [5s]\n", "t:6:11: timeouts: must be a map, such as { key: value }\n"},
    {ALL "limits: { requestLine: 1kb }\n",
     "t:6:24: requestLine: 1kb is not a size, such as 64KiB, 2GiB or a number of bytes\n"},
    {ALL "limits: { requestLine: 100 }\n", "t:6:24: requestLine: 100 is less than 256B\n"},
    {ALL "limits: { requestHead: 2MiB }\n", "t:6:24: requestHead: 2MiB is more than 96KiB\n"},
    {ALL "limits: { requestHead: 4KiB }\n",
     "t:6:9: requestLine: is more than requestHead, which contains it\n"},
    {LISTENERS ROUTES "targetGroups: [ a ]\n",
     "t:2:30: stable: a is no target group; write one under targetGroups\n"
     "t:2:41: canary: b is no target group; write one under targetGroups\n"
     "t:3:15: targetGroups: must be a map, such as { name: { … } }\n"},
    {TWO ROUTES "listeners: \"127.0.0.1:80\"\n",
     "t:5:12: listeners: 127.0.0.1:80 must be a list, such as [a, b]\n"},
    /* names */
    {LISTENERS
     "targetGroups: { \"a b\": { targets: [ \"10.0.0.1:80\" ] } }\nroutes: [ { name: \"\", stable: c } ]\n",
     "t:2:17: targetGroups: \"a b\" is not a name; names have letters, digits, '.', '_' and '-'\n"
     "t:3:19: name: \"\" is not a name; names have letters, digits, '.', '_' and '-'\n"
     "t:3:31: stable: c is no target group; write one under targetGroups\n"},
    {HEAD "routes: [ { name: "
          "aaaaaaaaaabbbbbbbbbbaaaaaaaaaabbbbbbbbbbaaaaaaaaaabbbbbbbbbbabcd, stable: a, canary: b } ]\n",
     "t:5:19: name: aaaaaaaaaabbbbbbbbbbaaaaaaaaaabbbbbbbbbbaaaaaaaaaabbbbbbbbbb is longer than 63 bytes\n"},
    /* listeners and admin */
    {TWO ROUTES "listeners: []\n", "t:5:12: listeners: needs at least 1\n"},
    {TWO ROUTES "listeners: [ {} ]\n",
     "t:5:14: address: is missing; write it (address, such as 0.0.0.0:8080 or [::]:8080)\n"},
    {TWO ROUTES "listeners: [ { address: 8080 }, { address: \"unix:/x\" } ]\n",
     "t:5:25: address: 8080 is no address; write IP:port, [IPv6]:port or host:port, with a port up to 65535\n"
     "t:5:44: address: unix:/x is a unix socket, which only admin can have; write IP:port\n"},
    {TWO ROUTES "listeners:\n- address: 127.0.0.1:80\n- address: 127.0.0.1:80\n",
     "t:7:12: address: 127.0.0.1:80 is there already, at line 6\n"},
    {TWO ROUTES "listeners:\n- address: 127.0.0.1:0\n- address: 127.0.0.1:0\n", ""},
    {TWO ROUTES "listeners:\n- address: 127.0.0.1:80\nadmin: { address: \"127.0.0.1:80\" }\n",
     "t:7:19: address: 127.0.0.1:80 is a listener too, at line 6; give the admin another port\n"},
    {ALL "admin: { token: \"a b\" }\n",
     "t:6:17: token: the secret has blanks or other characters beyond printable ASCII\n"},
    {ALL "admin: { token: \"\" }\n", "t:6:17: token: the secret is empty\n"},
    {ALL "admin: { tokenFile: /no/such/file }\n",
     "t:6:21: tokenFile: /no/such/file: cannot be read: No such file or directory\n"},
    {ALL "admin: { token: \"file:/no/such/file\" }\n",
     "t:6:17: token: /no/such/file: cannot be read: No such file or directory\n"},
    {ALL "admin: { token: 0123456789abcdef, tokenFile: /no/such/file }\n",
     "t:6:35: tokenFile: excludes token; write one of the two\n"
     "t:6:46: tokenFile: /no/such/file: cannot be read: No such file or directory\n"},
    {ALL "admin: { token: short }\n",
     "t:6:8: warning: admin: the token has fewer than 16 characters and can be guessed\n"},
    {ALL "admin: { address: \"0.0.0.0:1\" }\n", "t:6:8: warning: admin: 0.0.0.0:1 can be reached from other "
                                                "machines and has no token: whoever reaches it can read "
                                                "it; use 127.0.0.1 or a unix socket\n"},
    {ALL "admin: { hosts: [ \"a.example:80\", \"b c\" ] }\n",
     "t:6:19: hosts: a.example:80 has a port; a route matches the host only, on every listener\n"
     "t:6:35: hosts: \"b c\" is no host name; it may have letters, digits, '.' and '-', and begin with "
     "\"*.\" (names "
     "beyond ASCII in their xn-- form)\n"},
    /* the log and the state */
    {ALL "state: {}\n", "t:6:8: directory: is missing; write it (path, such as logs/access.jsonl: relative "
                        "to the folder of this file)\n"},
    {ALL "accessLog: [ {} ]\n",
     "t:6:14: one of these keys is missing: file stdout partitions forward syslog otlp xray\n"},
    {ALL "accessLog: [ { file: { path: x }, stdout: {} } ]\n",
     "t:6:35: stdout: excludes file; write one of the two\n"},
    {ALL "accessLog: [ stdout: {}, file: { path: x }, stdout: {}, file: { path: x } ]\n",
     "t:6:45: accessLog: goes to the same place as the one at line 6; remove one of the two\n"
     "t:6:57: accessLog: goes to the same place as the one at line 6; remove one of the two\n"},
    {ALL
     "accessLog: [ partitions: { directory: a }, partitions: { directory: a/ }, partitions: { directory: b } "
     "]\n",
     "t:6:44: accessLog: goes to the same place as the one at line 6; remove one of the two\n"},
    {ALL "accessLog: [ forward: { servers: [ \"a:1\" ], spool: { directory: a } },\n"
         "             forward: { servers: [ \"b:1\" ], spool: { directory: a } },\n"
         "             forward: { servers: [ \"a:1\" ] }, forward: { servers: [ \"a:1\" ] } ]\n",
     "t:7:14: accessLog: has its spool in the same place as the one at line 6; give each its own "
     "directory\n"},
    {ALL "accessLog: [ stdout: ]\n", ""},
    {ALL "metrics: { emf: {} }\naccessLog: [ { stdout: {}, content: both }, { file: { path: x }, content: "
         "emf } ]\n",
     ""},
    {ALL "metrics: { emf: { dimensions: [ route, route ] } }\naccessLog: [ { stdout: {} } ]\n",
     "t:6:17: emf: nobody takes these lines; give one accessLog `content: both` or `content: emf`\n"
     "t:6:31: dimensions: one of them is there twice; remove it\n"},
    {ALL "accessLog: [ { stdout: {}, content: emf } ]\n",
     "t:6:37: content: there are no metrics as lines; write metrics: { emf: {} }\n"},
    {ALL "metrics: { emf: {} }\n"
         "accessLog: [ { stdout: {}, content: both, format: alb },\n"
         "             { partitions: { directory: a }, content: both },\n"
         "             { syslog: { address: \"udp:127.0.0.1:514\" }, content: emf } ]\n",
     "t:7:37: content: metrics are lines of JSON: write format json, ecs or otel, or give them an accessLog "
     "of "
     "their own with content emf\n"
     "t:8:55: content: partitions are made of lines of requests only\n"
     "t:9:67: content: nobody finds metrics behind the header of a syslog message; use stdout, file or "
     "forward\n"},
    {ALL "metrics: { dogstatsd: { address: \"unix:/run/dsd.sock\", tags: [ team:web ] } }\n", ""},
    {ALL "metrics: { dogstatsd: { address: \"127.0.0.1:0\", tags: [ \"a:1,b\" ] } }\n",
     "t:6:34: dogstatsd: nothing can be sent to port 0; agents listen on 8125\n"
     "t:6:55: dogstatsd: tag a:1,b: the format has no way to write a comma, | or #\n"},
    {ALL "metrics: { dogstatsd: { address: \"127.0.0.1:8125\", interval: 10ms } }\n",
     "t:6:62: interval: 10ms is less than 1s\n"},
    {ALL "notify: [ { name: hook, url: \"https://h.example/\", secret: whsec_MTIz, on: [ rollback ], routes: "
         "[ r ] "
         "} ]\n",
     ""},
    {ALL "notify: [ { name: pages, kind: pagerduty, routingKey: 0123 } ]\n", ""},
    {ALL "notify: [ { name: a, url: ftp://h/ }, { name: a, kind: slack } ]\n",
     "t:6:27: url: an http:// or https:// address is needed\n"
     "t:6:39: url: is missing; only pagerduty has one of its own\n"
     "t:6:47: name: a is there already; take another\n"},
    {ALL "notify: [ { name: a, url: \"http://h/\", kind: slack, secret: s, topic: t, routingKey: k } ]\n",
     "t:6:61: secret: is for kind generic or sns; remove it\n"
     "t:6:71: topic: is for kind sns; remove it\n"
     "t:6:86: routingKey: is for kind pagerduty; remove it\n"},
    {ALL "notify: [ { name: a, url: \"http://h/\", secret: whsec_abc, routes: [ no ] }, "
         "{ name: b, kind: pagerduty }, { name: c, kind: sns, url: \"http://h/\" } ]\n",
     "t:6:48: secret: what follows whsec_ is no base64, which the key has to be in then\n"
     "t:6:69: routes: no route is named no\n"
     "t:6:77: routingKey: is missing; PagerDuty asks for the service's\n"
     "t:6:107: topic: is missing; a notification of SNS names one\n"},
    {ALL "webhooks: { secret: whsec_MDEyMzQ1Njc4OQ== }\n", ""},
    {ALL "webhooks: { secret: whsec_abc }\n",
     "t:6:21: secret: what follows whsec_ is no base64, which the key has to be in then\n"},
    {ALL
     "metricSources: [ { name: a, url: \"https://p/x/\", token: t, caFile: ca.pem, timeout: 5s }, { name: b, "
     "type: prometheus, url: \"http://p\", user: u, password: p } ]\n",
     ""},
    {ALL "metricSources: [ { name: a, type: cloudwatch, region: r }, { name: b, type: cloudwatch, region: r, "
         "accessKeyId: i, secretAccessKey: s, sessionToken: t, url: \"http://p\", lookback: 10m }, { name: "
         "c, type: "
         "datadog, apiKey: a, applicationKey: b } ]\n",
     ""},
    {ALL "metricSources: [ { name: a, type: cloudwatch, accessKeyId: i, user: u }, { name: b, type: datadog, "
         "sessionToken: s } ]\n",
     "t:6:18: region: is missing; the type cloudwatch needs it\n"
     "t:6:18: accessKeyId: and secretAccessKey belong together; write both, or none\n"
     "t:6:69: user: is for the type prometheus; remove it\n"
     "t:6:74: apiKey: is missing; the type datadog needs it\n"
     "t:6:74: applicationKey: is missing; the type datadog needs it\n"
     "t:6:114: sessionToken: is for the type cloudwatch; remove it\n"},
    {ALL "metricSources: [ { name: a, type: cloudwatch, region: r, sessionToken: t } ]\n",
     "t:6:72: sessionToken: of which keys? write accessKeyId and secretAccessKey too\n"},
    {ALL "metricSources: [ { name: a, url: \"ftp://p\" }, { name: a, url: \"http://u@p\", password: p }, { "
         "name: c, "
         "user: u, token: t } ]\n",
     "t:6:34: url: an http:// or https:// address is needed\n"
     "t:6:55: name: a is there already; take another\n"
     "t:6:63: url: is taken without a user, a query or a fragment\n"
     "t:6:87: password: whose? write user too\n"
     "t:6:92: url: is missing; write where it is asked\n"
     "t:6:119: token: takes the place of user; remove one\n"},
    {ALL "tracing:\naccessLog: [ { otlp: { endpoint: \"https://c/\", headers: [ \"a: b\" ] } } ]\n", ""},
    {ALL "accessLog: [ { otlp: { endpoint: \"http://c/\" } } ]\n",
     "t:6:14: otlp: there are no spans without tracing; write it\n"},
    {ALL "tracing:\naccessLog: [ { otlp: { endpoint: \"c:4318\", headers: [ b ] }, format: ecs } ]\n",
     "t:7:14: otlp: spans have a form of their own, and tracing.sample; remove format, sample and content\n"
     "t:7:34: endpoint: an http:// or https:// address is needed, such as http://127.0.0.1:4318/v1/traces\n"
     "t:7:53: headers: a line is Name: value\n"},
    {ALL "tracing:\naccessLog: [ { xray: {} }, { xray: { address: \"[::1]:2000\" } } ]\n", ""},
    {ALL "accessLog: [ { xray: { address: \"udp:a:1\" }, format: ecs } ]\n",
     "t:6:14: xray: spans have a form of their own, and tracing.sample; remove format, sample and content\n"
     "t:6:14: xray: there are no spans without tracing; write it\n"
     "t:6:33: address: udp:a:1 is no address; write host:port or [IPv6]:port\n"},
    {ALL "tracing:\naccessLog: [ { otlp: { endpoint: \"http://a@c/\" } } ]\n",
     "t:7:34: endpoint: a user in the address would stand in logs and metrics; write headers\n"},
    {ALL "tracing:\n", ""},
    {ALL
     "tracing: { trusted: [ 10.0.0.0/8, \"::1\" ], read: [ xray, b3 ], send: [ b3multi ], sample: 0.5 }\n",
     ""},
    {ALL "tracing: { read: [ b3, w3c, b3 ], send: [ xray, xray ] }\n",
     "t:6:18: read: has a format twice\n"
     "t:6:18: warning: read: nobody is believed; write trusted, or trust: everybody\n"
     "t:6:24: read: w3c is none of tracecontext, datadog, xray, b3, b3multi\n"
     "t:6:41: send: has a format twice\n"},
    {ALL_A "requestHeaders: [ { set: x-b3-flags, value: a } ]" END_A, ""},
    {ALL_A "requestHeaders: [ { set: x-b3-flags, value: a }, { remove: B3 } ]" END_A "tracing: {}\n",
     "t:5:51: x-b3-flags: frames the message, concerns the connection, or is penstock's own; no rule may "
     "touch it\n"
     "t:5:82: B3: frames the message, concerns the connection, or is penstock's own; no rule may touch it\n"},
    {ALL "tracing: { trust: everybody, trusted: [ 10.0.0.0/8 ] }\n",
     "t:6:39: trusted: is for trust: listed; remove one of the two\n"},
    /* monitors and load tests */
    {ALL "synthetic:\n", ""},
    {ALL
     "synthetic: { trust: listed, trusted: [ 192.0.2.0/24 ], userAgents: [], headers: [ X-Load-Test ] }\n",
     ""},
    {ALL_A "synthetic: { trust: nobody }" END_A, ""},
    {ALL
     "synthetic: { userAgents: [ Mozilla/5.0, Moz, \"a b\", \"\" ], headers: [ { prefix: a }, \"b c\" ] }\n",
     "t:6:28: warning: userAgents: browsers say Mozilla/5.0: the judge would not see what people get\n"
     "t:6:41: warning: userAgents: browsers say Moz: the judge would not see what people get\n"
     "t:6:46: userAgents: \"a b\" is no beginning of a word; write one without blanks\n"
     "t:6:53: userAgents: \"\" is empty; write something, or remove the key\n"
     "t:6:70: name: is missing; write it (token, such as X-Platform: a header or cookie name)\n"
     "t:6:85: name: \"b c\" is not a token; it may have letters, digits and !#$%&'*+-.^_`|~ only\n"},
    {ALL "synthetic: { trust: listed }\n",
     "t:6:21: warning: trust: nobody is listed; write trusted, or trust: nobody\n"},
    {ALL_A "synthetic: { trust: listed }" END_A,
     "t:5:53: warning: trust: nobody is listed; write trusted, or trust: nobody\n"},
    {ALL_A "synthetic: { trust: listed }" END_A "synthetic: { trust: listed, trusted: [ 192.0.2.1 ] }\n", ""},
    {ALL "synthetic: { userAgents: [ Chrome-Lighthouse, Safari, Mozillion ] }\n",
     "t:6:47: warning: userAgents: browsers say Safari: the judge would not see what people get\n"},
    {ALL "synthetic: { trusted: [ 192.0.2.1 ] }\n",
     "t:6:23: trusted: is for trust: listed; write it, or remove trusted\n"},
    /* the label */
    {ALL "labelHeader: \"X Platform\"\n", "t:6:14: labelHeader: \"X Platform\" is not a token; it may have "
                                          "letters, digits and !#$%&'*+-.^_`|~ only\n"},
    {ALL "labelHeader: content-length\n", "t:6:14: labelHeader: content-length has a meaning of its own in "
                                          "every request; take another, such as X-Platform\n"},
    {ALL "labelHeader: x-forwarded-platform\n",
     "t:6:14: warning: labelHeader: names that begin with X-Forwarded- have a meaning of their own; "
     "X-Platform would be "
     "safe\n"},
    {ALL "forwarded: { trustedHops: 17 }\n", "t:6:27: trustedHops: 17 is more than 16\n"},
    /* no limit */
    {ALL "timeouts: { drain: 0, lameDuck: 0s, clientWrite: 0ms }\n",
     "t:6:20: warning: drain: 0 cuts whatever is under way\n"
     "t:6:33: warning: lameDuck: 0 lets load balancers send to a penstock that does not listen any more\n"
     "t:6:50: warning: clientWrite: 0 is no limit: whoever is silent holds a connection for ever\n"},
    {ALL "limits: { requestsPerAddress: 0, maxBody: 0KiB, chunkOverhead: 0, chunkExtension: 0 }\n",
     "t:6:31: warning: requestsPerAddress: 0 is no limit: one client can take everything\n"
     "t:6:43: warning: maxBody: 0 refuses every request that has a body\n"
     "t:6:64: warning: chunkOverhead: 0 is no limit: a client may send chunks of one byte each\n"
     "t:6:83: warning: chunkExtension: 0 refuses every body that has one\n"},
    {HEAD
     "routes: [ { name: r, stable: a, canary: b, maxBody: 0, timeouts: { clientWrite: 0, total: 0 } } ]\n",
     "t:5:53: warning: maxBody: 0 refuses every request that has a body\n"
     "t:5:81: warning: clientWrite: 0 is no limit: whoever is silent holds a connection for ever\n"
     "t:5:91: total: 0 is less than 10ms\n"},
    {ALL "limits: { requestLine: 2KiB, requestHead: 1KiB }\n",
     "t:6:9: requestLine: is more than requestHead, which contains it\n"},
    {ALL "limits: { trailers: 9KiB, trailerFields: 33 }\n",
     "t:6:21: trailers: 9KiB is more than 8KiB\nt:6:42: trailerFields: 33 is more than 32\n"},
    {ALL "timeouts: { connect: 0, firstByte: 0, drain: 0 }\n",
     "t:6:22: warning: connect: 0 is no limit: whoever is silent holds a connection for ever\n"
     "t:6:36: warning: firstByte: 0 is no limit: whoever is silent holds a connection for ever\n"
     "t:6:46: warning: drain: 0 cuts whatever is under way\n"},
    /* groups */
    {LISTENERS ROUTES "targetGroups: { a: {}, b: { targets: [] } }\n",
     "t:3:20: targets: is missing; write it (list, such as [a, b])\n"
     "t:3:38: targets: needs at least 1\n"},
    {LISTENERS ROUTES
     "targetGroups:\n  a: { targets: [ \"10.0.0.1:80\" ] }\n  b:\n    targets:\n    - 10.0.0.2:0\n    - { "
     "address: \"10.0.0.3:80\" }\n    - 10.0.0.3:80\n    - { adress: x }\n",
     "t:7:7: address: 10.0.0.2:0 has port 0; write the port on which the target listens\n"
     "t:9:7: targets: 10.0.0.3:80 is there already, at line 8\n"
     "t:10:7: address: is missing; write it (target address, such as 10.0.1.10:3000, [2001:db8::1]:80 or "
     "api.internal:3000)\n"
     "t:10:9: adress: unknown key; did you mean \"address\"?\n"},
    {LISTENERS ROUTES
     "targetGroups: { a: { targets: [ \"10.0.0.1:80\" ], tags: [] }, b: { targets: [ \"10.0.0.2:80\" ], "
     "tags: { \"x y\": 1, z: [] } } }\n",
     "t:3:56: tags: must be a map, such as { env: prd }\n"
     "t:3:103: tags: \"x y\" is not a name; names have letters, digits, '.', '_' and '-'\n"
     "t:3:116: tags: is a list; write one value (text, such as \"some words\")\n"},
    {ALL "targetGroup: {}\n", "t:6:1: targetGroup: unknown key; did you mean \"targetGroups\"?\n"},
    {LISTENERS TWO "  c: { targets: [ \"10.0.0.3:80\" ] }\n" ROUTES,
     "t:5:3: warning: c: no route uses this group\n"},
    /* routes */
    /* rules */
    {HEAD
     "routes: [ { name: r, stable: a, requestHeaders: [ { set: X-A, value: \"{platform}{{}}\" }, { remove: "
     "Server } ] }, { name: s, match: { pathPrefix: /s }, stable: b, rewrite: { pathPrefix: / } } ]\n",
     ""},
    {ALL_A "requestHeaders: [ { set: connection, value: x } ]" END_A,
     "t:5:51: connection: frames the message, concerns the connection, or is penstock's own; no rule may "
     "touch "
     "it\n"},
    {ALL_A "requestHeaders: [ { set: x-platform, value: x } ]" END_A,
     "t:5:51: x-platform: frames the message, concerns the connection, or is penstock's own; no rule may "
     "touch "
     "it\n"},
    {ALL_A "responseHeaders: [ { remove: Content-Length } ]" END_A,
     "t:5:52: Content-Length: frames the message, concerns the connection, or is penstock's own; no rule may "
     "touch it\n"},
    {ALL_A "responseHeaders: [ { add: X-A } ]" END_A,
     "t:5:52: value: is missing; write it, or remove the field instead\n"},
    {ALL_A "responseHeaders: [ { remove: X-A, value: x } ]" END_A,
     "t:5:74: value: is of no use to remove a field\n"},
    {ALL_A "requestHeaders: [ { set: X-A, value: \"a {user}\" } ]" END_A,
     "t:5:70: value: \"{user}\" is no value in braces; known are platform, group, side, target, route, "
     "requestId, "
     "traceId, clientAddress, clientPort, method, host, authority, path, query; a brace that is meant is "
     "doubled\n"},
    {ALL_A "rewrite: {}" END_A, "t:5:42: rewrite: is empty; write pathPrefix or host, or remove it\n"},
    {HEAD ANSWER("redirect: \"https://{host}{path}{query}\""), ""},
    {HEAD ANSWER(
         "answer: { status: 503, body: later }, responseHeaders: [ { set: Retry-After, value: 60 } ]"),
     ""},
    {HEAD ANSWER("redirect: \"{path}\""),
     "t:5:94: to: begins with http://, https://, or a path whose first segment is written, so that no client "
     "chooses where others are sent\n"},
    {HEAD ANSWER("redirect: \"/{path}\""),
     "t:5:94: to: begins with http://, https://, or a path whose first segment is written, so that no client "
     "chooses where others are sent\n"},
    {HEAD ANSWER("redirect: { to: /a, status: 304 }"),
     "t:5:112: status: is one of 301, 302, 303, 307, 308\n"},
    {HEAD ANSWER("answer: { status: 204, body: x }"), "t:5:113: body: an answer of status 204 has none\n"},
    {HEAD ANSWER("answer: { status: 200 }, weight: 0"),
     "t:5:117: weight: is for routes with target groups, and this one answers by itself\n"},
    {ALL_A "affinity: { cookie: c, path: /a, secure: true, sameSite: none }" END_A, ""},
    {ALL_A "affinity: { cookie: c, sameSite: none }" END_A,
     "t:5:66: sameSite: browsers drop a cookie with none unless secure is true\n"},
    {ALL_A "affinity: { cookie: c, path: \"/a;b\" }" END_A,
     "t:5:62: path: has ';' or ',', which no cookie's path has\n"},
    {ALL_A "affinity: { header: X-User, secure: true }" END_A,
     "t:5:69: secure: is for affinity by a cookie\n"},
    {ALL_A "redirect: /x" END_A, "t:5:33: redirect: excludes stable; write one of the two\n"},
    {HEAD "routes: [ { name: r, stable: aa } ]\n",
     "t:5:30: stable: aa is no target group; write one under targetGroups\n"},
    {LISTENERS
     "targetGroups: { ec2: { targets: [ \"10.0.0.1:80\" ] } }\nroutes: [ { name: r, stable: ec3 } ]\n",
     "t:3:30: stable: ec3 is no target group; did you mean \"ec2\"?\n"},
    {HEAD
     "routes: [ { name: r, stable: a, canary: a }, { name: s, match: { pathPrefix: /s }, stable: b } ]\n",
     "t:5:41: canary: a is the stable group too; name another group, or remove it\n"},
    {HEAD "routes: [ { name: r, stable: a, weight: 5 }, { name: s, match: { pathPrefix: /s }, stable: b, "
          "weight: 0 } ]\n",
     "t:5:41: weight: 5 goes to a canary, but the route has none; name one, or remove the weight\n"},
    {HEAD "routes: [ { name: r, stable: a, canary: b, weight: 101 } ]\n",
     "t:5:52: weight: 101 is more than 100\n"},
    {HEAD "routes: [ { name: r, stable: a, canary: b, weight: 100.01 } ]\n",
     "t:5:52: weight: 100.01 is more than 100\n"},
    {HEAD "routes: [ { name: r, stable: a, canary: b, weight: -1 } ]\n",
     "t:5:52: weight: -1 is less than 0\n"},
    {HEAD "routes: [ { name: r, stable: a, canary: b, weight: 0.005 } ]\n",
     "t:5:52: weight: 0.005 is not a percentage, such as 12.5: in steps of 0.01, without a percent sign\n"},
    {HEAD "routes: [ { name: r, stable: a, canary: b, weight: 5% } ]\n",
     "t:5:52: weight: 5% is not a percentage, such as 12.5: in steps of 0.01, without a percent sign\n"},
    {HEAD
     "routes:\n- { name: r, stable: a, canary: b }\n- { name: r, stable: a, match: { host: x.example } }\n"
     "- { name: s, stable: a, match: { host: X.Example, pathPrefix: / } }\n",
     "t:7:11: name: r is the name of the route at line 6 too\n"
     "t:8:32: match: the route at line 7 has the same host and path prefix; no request would come here\n"},
    {HEAD "routes:\n- { name: r, stable: a, canary: b, match: { pathPrefix: /api/ } }\n"
          "- { name: s, stable: a, match: { pathPrefix: /api } }\n",
     "t:7:32: match: the route at line 6 has the same host and path prefix; no request would come here\n"},
    {HEAD "routes:\n- { name: r, stable: a, canary: b, match: { pathPrefix: api } }\n"
          "- { name: s, stable: a, match: { pathPrefix: \"/a?b\" } }\n- { name: t, stable: a, match: { "
          "pathPrefix: /a/../b "
          "} }\n",
     "t:6:57: pathPrefix: api does not begin with '/'\n"
     "t:7:46: pathPrefix: \"/a?b\" has one of ?, #, \" and blank, which no path has; write them as %XX\n"
     "t:8:46: pathPrefix: /a/../b has an empty, '.' or '..' segment, which no request has in the end\n"},
    {HEAD "routes:\n- { name: r, stable: a, canary: b, match: { host: \"a.example:80\" } }\n"
          "- { name: s, stable: a, match: { host: \"*\" } }\n",
     "t:6:51: host: a.example:80 has a port; a route matches the host only, on every listener\n"
     "t:7:40: host: \"*\" is no host name; it may have letters, digits, '.' and '-', and begin with \"*.\" "
     "(names beyond "
     "ASCII in their xn-- form)\n"},
    {HEAD "routes: [ { name: r, stable: a, canary: b, affinity: { maxAge: 1h } } ]\n",
     "t:5:54: one of these keys is missing: cookie header clientAddress\n"},
    {HEAD
     "routes: [ { name: r, stable: a, canary: b, affinity: { cookie: \"a;b\", clientAddress: false } } ]\n",
     "t:5:64: cookie: \"a;b\" is not a token; it may have letters, digits and !#$%&'*+-.^_`|~ only\n"
     "t:5:71: clientAddress: excludes cookie; write one of the two\n"
     "t:5:86: clientAddress: false can only be true; remove the key otherwise\n"},
    {HEAD "routes: [ { name: r, stable: a, canary: b, slo: { objective: 1 }, maxBody: -1, timeouts: { body: "
          "0 } } ]\n",
     "t:5:49: threshold: is missing; write it (duration, such as 250ms, 10s, 5m, 2h, 7d or 1h30m)\n"
     "t:5:62: objective: 1 is more than 0.999999\n"
     "t:5:76: maxBody: -1 is not a size, such as 64KiB, 2GiB or a number of bytes\n"
     "t:5:98: warning: body: 0 is no limit: whoever is silent holds a connection for ever\n"},
};

static struct config *load(const char *text, struct conf_report *report)
{
    conf_report_init(report);
    return config_load_bytes("t", str_from(text), ".", false, report);
}

START_TEST(every_problem_is_told_at_its_place)
{
    struct conf_report report;
    struct config *config = load(cases[_i].input, &report);
    size_t errors = report.errors;
    char *text = problems_text(&report);

    problems_drop(text, standing, ARRAY_LEN(standing));
    ck_assert_str_eq(text, cases[_i].problems);
    ck_assert_int_eq(config == NULL, errors > 0);
    config_unref(config);
    free(text);
}
END_TEST

START_TEST(the_standing_warnings_say_what_is_missing)
{
    struct conf_report report;
    struct config *config = load(ALL, &report);
    char *text = problems_text(&report);

    ck_assert_str_eq(
        text, "t:1:1: warning: admin: is not written: there is no API, and so no rollout and no metrics\n"
              "t:1:1: warning: state: is not written: a restart forgets every rollout and weight\n");
    config_unref(config);
    free(text);
}
END_TEST

START_TEST(what_is_not_written_has_its_default)
{
    struct conf_report report;
    struct config *config = load(ALL, &report);
    const struct config_route *route;
    cpu_set_t set;

    ck_assert_ptr_nonnull(config);
    ck_assert_int_eq(sched_getaffinity(0, sizeof set, &set), 0);
    ck_assert_uint_eq(config->workers, (unsigned)CPU_COUNT(&set) > 64 ? 64 : (unsigned)CPU_COUNT(&set));
    ck_assert_str_eq(config->service, "penstock");
    ck_assert_ptr_null(config->env);
    ck_assert_str_eq(config->groups[0].service, "penstock");
    ck_assert_ptr_null(config->groups[0].version);
    ck_assert_str_eq(config->label_header, "X-Platform");
    ck_assert_str_eq(config->via_name, "penstock");
    ck_assert(!config->admin.enabled);
    ck_assert_ptr_null(config->state_directory);
    ck_assert_uint_eq(config->logs_len, 0);
    ck_assert_uint_eq(config->log_record.response_headers_len, 0);
    ck_assert_uint_gt(config->log_record.redacted_len, 10);
    ck_assert_int_eq(config->timeouts.head_ns, 10 * NS_PER_S);
    ck_assert_int_eq(config->timeouts.keep_alive_ns, 60 * NS_PER_S);
    ck_assert_int_eq(config->timeouts.linger_ns, 2 * NS_PER_S);
    ck_assert_int_eq(config->timeouts.lame_ns, 5 * NS_PER_S);
    ck_assert_int_eq(config->timeouts.pool_idle_ns, 4 * NS_PER_S);
    ck_assert_int_eq(config->timeouts.drain_ns, 30 * NS_PER_S);
    ck_assert_mem_eq(&config->limits.request, &h1_request_limits, sizeof h1_request_limits);
    ck_assert_mem_eq(&config->limits.response, &h1_response_limits, sizeof h1_response_limits);
    route = &config->routes[0];
    ck_assert_ptr_null(route->host);
    ck_assert_str_eq(route->path_prefix, "/");
    ck_assert_uint_eq(route->weight, 0);
    ck_assert_int_eq(route->affinity, CONFIG_AFFINITY_NONE);
    ck_assert_int_eq(route->timeouts.connect_ns, 3 * NS_PER_S);
    ck_assert_int_eq(route->timeouts.first_byte_ns, 30 * NS_PER_S);
    ck_assert_int_eq(route->timeouts.body_ns, 30 * NS_PER_S);
    ck_assert_int_eq(route->timeouts.write_ns, 30 * NS_PER_S);
    ck_assert_int_eq(route->timeouts.total_ns, 0);
    ck_assert_uint_eq(route->max_body, UINT64_C(1) << 30);
    ck_assert_mem_eq(&route->request, &h1_request_limits, sizeof h1_request_limits);
    ck_assert_mem_eq(&route->response, &h1_response_limits, sizeof h1_response_limits);
    ck_assert_int_eq(config->groups[0].pool_idle_ns, 4 * NS_PER_S);
    ck_assert_int_eq(route->slo_threshold_ns, 0);
    ck_assert_uint_eq(route->mirror.share, 0);
    ck_assert_int_eq(route->mirror.group, -1);
    ck_assert_uint_eq(route->mirror.methods_len, 2);
    ck_assert_str_eq(route->mirror.methods[0], "GET");
    ck_assert_str_eq(route->mirror.methods[1], "HEAD");
    ck_assert_uint_eq(route->mirror.max_body, 65536);
    ck_assert_uint_eq(route->mirror.max_answer, 1024 * 1024);
    ck_assert_uint_eq(route->mirror.max_in_flight, 100);
    ck_assert_int_eq(route->mirror.timeout_ns, 30 * NS_PER_S);
    ck_assert_str_eq(config->groups[0].platform, "a");
    ck_assert_uint_eq(config->groups[0].max_connections, 1024);
    ck_assert(!config_group_is_capped(&config->groups[0]));
    ck_assert_uint_eq(config->groups[0].concurrency.queue, 1024);
    ck_assert_int_eq(config->groups[0].concurrency.wait_ns, NS_PER_S);
    config_unref(config);
    conf_report_fini(&report);
}
END_TEST

static const char full[] =
    "routes:\n" /* before what it refers to */
    "  - name: web\n"
    "    match: { host: \"*.Example.COM\", pathPrefix: /api/ }\n"
    "    stable: one\n"
    "    canary: two\n"
    "    weight: 0.29\n"
    "    affinity: { header: X-User, maxAge: 30m }\n"
    "    timeouts: { body: 5s, clientWrite: 4s, total: 1m }\n"
    "    maxBody: 1KiB\n"
    "    limits: { responseHead: 2KiB, trailers: 1KiB, chunkExtension: 16B }\n"
    "    mirror: 12.5\n"
    "    slo: { threshold: 300ms, objective: 0.995 }\n"
    "  - { name: rest, stable: one, affinity: { clientAddress: true },\n"
    "      mirror: { share: 1, group: two, methods: [POST], maxInFlight: 5, timeout: 2s, maxAnswer: 1KiB } "
    "}\n"
    "targetGroups:\n"
    "  one: { targets: [ \"10.0.0.1:80\", { address: \"[2001:db8::1]:81\" } ] }\n"
    "  two: { platform: fargate, service: shop, version: 1.3, tags: { env: prd-fargate, n: 1 }, targets: [ "
    "\"10.0.0.3:80\" ], "
    "maxConnections: 7, concurrency: { group: 30, target: 20 }, poolIdle: 1s }\n"
    "timeouts: { connect: 1s, body: 7s, clientWrite: 9s, total: 1h, poolIdle: 2s }\n"
    "limits: { maxBody: 2KiB, responseHead: 4KiB, responseFields: 50, trailerFields: 3 }\n"
    "accessLog: [ { file: { path: logs/a.jsonl, maxTotalSize: 8MiB, maxAge: 1d, awaitShipper: true } },\n"
    "  { stdout: {}, format: ecs, sample: { share: 12.5, slow: 2s }, queue: 1MiB } ]\n"
    "logRecord: { requestHeaders: [ X-Tenant ], redactQuery: [] }\n"
    "metrics: { dogstatsd: { address: \"unix:/run/dsd.sock\", interval: 5s, tags: [ team:web ] } }\n"
    "tracing: { trusted: [ 10.0.0.0/8 ], read: [ xray, b3 ], send: [ b3multi, tracecontext ], sample: 0.5 }\n"
    "state: { directory: /var/lib/penstock }\n"
    "admin: { address: \"unix:/run/x.sock\", token: 0123456789abcdef0, hosts: [ Admin.Internal ] }\n"
    "listeners: [ { address: \"127.0.0.1:0\" } ]\n"
    "service: shop front\n"
    "env: prd\n"
    "version: 1.2\n"
    "workers: 3\n";

START_TEST(routes_take_over_how_monitors_are_known)
{
    static const char text[] =
        HEAD "synthetic: { trust: listed, trusted: [ 192.0.2.0/24, \"::1\" ], headers: [ X-Test ] }\n"
             "routes:\n  - { name: plain, stable: a, canary: b }\n"
             "  - { name: own, match: { pathPrefix: /o }, stable: a, synthetic: { userAgents: [ k6 ] } }\n"
             "  - { name: off, match: { pathPrefix: /x }, stable: a, synthetic: { trust: nobody, headers: [] "
             "} }\n";
    struct conf_report report;
    struct config *config;
    const struct config_synthetic *plain, *own, *off;

    conf_report_init(&report);
    config = config_load_bytes("t", str_from(text), ".", false, &report);
    ck_assert_uint_eq(report.errors, 0);
    plain = config_synthetic(config, &config->routes[0]);
    own = config_synthetic(config, &config->routes[1]);
    off = config_synthetic(config, &config->routes[2]);
    ck_assert_ptr_eq(plain, &config->synthetic);
    ck_assert_str_eq(plain->agents[0], "Amazon-Route53-Health-Check-Service");
    ck_assert_uint_gt(plain->agents_len, 5);
    ck_assert_uint_eq(plain->headers_len, 1);
    ck_assert_ptr_null(plain->headers[0].prefix);
    ck_assert_int_eq(own->trust, CONFIG_SYNTHETIC_LISTED);
    ck_assert_uint_eq(own->trusted_len, 2);
    ck_assert_uint_eq(own->agents_len, 1);
    ck_assert_str_eq(own->agents[0], "k6");
    ck_assert(config_synthetic_may_begin(own, 'k') && !config_synthetic_may_begin(own, 'A'));
    ck_assert(config_synthetic_may_begin(plain, 'A') && !config_synthetic_may_begin(plain, 'M'));
    ck_assert_str_eq(own->headers[0].name, "X-Test");
    ck_assert_int_eq(off->trust, CONFIG_SYNTHETIC_NOBODY);
    ck_assert_uint_eq(off->agents_len, plain->agents_len);
    ck_assert(config_synthetic_may_begin(off, 'A'));
    ck_assert_uint_eq(off->headers_len, 0);
    config_unref(config);
    conf_report_fini(&report);
}
END_TEST

START_TEST(what_is_written_arrives)
{
    struct conf_report report;
    struct config *config;
    const struct config_route *web, *rest;
    const struct config_group *two;

    conf_report_init(&report);
    config = config_load_bytes("t", str_from(full), "/etc/penstock", false, &report);
    ck_assert_uint_eq(report.len, 0);
    ck_assert_str_eq(config->dogstatsd.address.text, "unix:/run/dsd.sock");
    ck_assert_int_eq(config->dogstatsd.interval_ns, 5 * NS_PER_S);
    ck_assert_uint_eq(config->dogstatsd.tags_len, 1);
    ck_assert_str_eq(config->dogstatsd.tags[0], "team:web");
    ck_assert(config->tracing.on);
    ck_assert_int_eq(config->tracing.trust, CONFIG_TRACING_LISTED);
    ck_assert_uint_eq(config->tracing.trusted_len, 1);
    ck_assert_uint_eq(config->tracing.read_len, 2);
    ck_assert_int_eq(config->tracing.read[1], TRACEFORMAT_B3);
    ck_assert_uint_eq(config->tracing.send_bits,
                      TRACEFORMAT_BIT(TRACEFORMAT_B3MULTI) | TRACEFORMAT_BIT(TRACEFORMAT_W3C));
    ck_assert_uint_eq(config->tracing.sample, 50);
    web = &config->routes[0];
    rest = &config->routes[1];
    two = &config->groups[1];
    ck_assert_str_eq(web->host, "*.example.com");
    ck_assert_str_eq(web->path_prefix, "/api");
    ck_assert_uint_eq(web->stable, 0);
    ck_assert_int_eq(web->canary, 1);
    ck_assert_uint_eq(web->weight, 29);
    ck_assert_int_eq(web->affinity, CONFIG_AFFINITY_HEADER);
    ck_assert_str_eq(web->affinity_name, "X-User");
    ck_assert_int_eq(web->affinity_max_age_ns, 1800 * NS_PER_S);
    ck_assert_int_eq(web->timeouts.connect_ns, 1 * NS_PER_S); /* of the whole */
    ck_assert_int_eq(web->timeouts.body_ns, 5 * NS_PER_S);    /* its own */
    ck_assert_int_eq(web->timeouts.write_ns, 4 * NS_PER_S);
    ck_assert_int_eq(web->timeouts.total_ns, 60 * NS_PER_S);
    ck_assert_uint_eq(web->max_body, 1024);
    ck_assert_uint_eq(web->response.head, 2048);
    ck_assert_uint_eq(web->response.fields, 50);
    ck_assert_uint_eq(web->request.trailer, 1024);
    ck_assert_uint_eq(web->response.trailer, 1024);
    ck_assert_uint_eq(web->response.trailer_fields, 3);
    ck_assert_uint_eq(web->response.chunk_extension, 16);
    ck_assert(web->request.blank_line);
    ck_assert_int_eq(web->slo_threshold_ns, 300 * NS_PER_MS);
    ck_assert(web->slo_objective == 0.995);
    ck_assert_int_eq(rest->affinity, CONFIG_AFFINITY_CLIENT);
    ck_assert_int_eq(rest->canary, -1);
    ck_assert_int_eq(rest->timeouts.body_ns, 7 * NS_PER_S);
    ck_assert_int_eq(rest->timeouts.write_ns, 9 * NS_PER_S);
    ck_assert_int_eq(rest->timeouts.total_ns, 3600 * NS_PER_S);
    ck_assert_uint_eq(rest->max_body, 2048);
    ck_assert_uint_eq(rest->response.head, 4096);
    ck_assert_uint_eq(rest->response.trailer, 8192);
    ck_assert_uint_eq(rest->request.trailer_fields, 3);
    ck_assert_int_eq(config->groups[0].pool_idle_ns, 2 * NS_PER_S);
    ck_assert_int_eq(two->pool_idle_ns, 1 * NS_PER_S);
    ck_assert_uint_eq(rest->slot, 1);
    ck_assert_uint_eq(web->mirror.share, 1250);
    ck_assert_int_eq(web->mirror.group, -1);
    ck_assert_uint_eq(rest->mirror.share, 100);
    ck_assert_int_eq(rest->mirror.group, 1);
    ck_assert_uint_eq(rest->mirror.methods_len, 1);
    ck_assert_str_eq(rest->mirror.methods[0], "POST");
    ck_assert_uint_eq(rest->mirror.max_in_flight, 5);
    ck_assert_uint_eq(rest->mirror.max_answer, 1024);
    ck_assert_int_eq(rest->mirror.timeout_ns, 2 * NS_PER_S);
    ck_assert_str_eq(two->platform, "fargate");
    ck_assert_uint_eq(two->tags_len, 2);
    ck_assert_str_eq(two->tags[1].key, "n");
    ck_assert_str_eq(two->tags[1].value, "1");
    ck_assert_uint_eq(two->max_connections, 7);
    ck_assert(config_group_is_capped(two));
    ck_assert_uint_eq(two->concurrency.group, 30);
    ck_assert_uint_eq(two->concurrency.target, 20);
    ck_assert_uint_eq(two->concurrency.queue, 1024);
    ck_assert_int_eq(two->concurrency.wait_ns, NS_PER_S);
    ck_assert_uint_eq(two->slot, 1);
    ck_assert_uint_eq(two->targets[0].slot, 2);
    ck_assert_int_eq(config->groups[0].targets[1].address.addr.any.sa_family, AF_INET6);
    ck_assert_str_eq(config->logs[0].path, "/etc/penstock/logs/a.jsonl");
    ck_assert_int_eq(config->logs[0].format, CONFIG_LOG_JSON);
    ck_assert_uint_eq(config->logs[0].sample.share, CONFIG_WEIGHT_ONE);
    ck_assert_uint_eq(config->logs[0].max_size, 1 << 20); /* an eighth of all */
    ck_assert_uint_eq(config->logs[0].max_total, 8 << 20);
    ck_assert_int_eq(config->logs[0].max_age_ns, 24 * 3600 * NS_PER_S);
    ck_assert(config->logs[0].pack && config->logs[0].await_shipper);
    ck_assert_str_eq(config->log_record.request_headers[0], "x-tenant");
    ck_assert_uint_eq(config->log_record.redacted_len, 0);
    ck_assert_int_eq(config->logs[1].kind, CONFIG_LOG_STDOUT);
    ck_assert_int_eq(config->logs[1].format, CONFIG_LOG_ECS);
    ck_assert_uint_eq(config->logs[1].sample.share, 1250);
    ck_assert_int_eq(config->logs[1].sample.slow_ns, 2 * NS_PER_S);
    ck_assert_uint_eq(config->logs[1].queue, 1 << 20);
    ck_assert_uint_ne(config->logs[0].fingerprint, config->logs[1].fingerprint);
    ck_assert_str_eq(config->state_directory, "/var/lib/penstock");
    ck_assert(config->admin.enabled);
    ck_assert_str_eq(config->admin.token, "0123456789abcdef0");
    ck_assert_str_eq(config->admin.hosts[0], "admin.internal");
    ck_assert_str_eq(config->service, "shop front");
    ck_assert_str_eq(config->env, "prd");
    ck_assert_str_eq(config->groups[0].service, "shop front");
    ck_assert_str_eq(config->groups[0].env, "prd");
    ck_assert_str_eq(config->groups[0].version, "1.2");
    ck_assert_str_eq(two->service, "shop");
    ck_assert_str_eq(two->env, "prd-fargate"); /* by the tag */
    ck_assert_str_eq(two->version, "1.3");
    ck_assert_uint_eq(config->workers, 3);
    ck_assert_str_eq(config->path, "t");
    ck_assert_ptr_eq(config_ref(config), config);
    config_unref(config);
    ck_assert_uint_eq(config->refs, 1);
    config_unref(config);
    conf_report_fini(&report);
}
END_TEST

/* ---- files ---- */

static char folder[] = "/tmp/penstock-conf-XXXXXX";

static void make_folder(void)
{
    memcpy(folder + sizeof folder - 7, "XXXXXX", 6);
    ck_assert_ptr_nonnull(mkdtemp(folder));
}

static void remove_folder(void)
{
    static const char *const names[] = {"token", "conf.yaml"};

    for (size_t i = 0; i < ARRAY_LEN(names); i++) {
        char *path = mem_printf("%s/%s", folder, names[i]);

        unlink(path);
        free(path);
    }
    rmdir(folder);
}

static char *write_file(const char *name, const char *text)
{
    char *path = mem_printf("%s/%s", folder, name);
    FILE *file = fopen(path, "w");

    ck_assert_ptr_nonnull(file);
    ck_assert_int_ge(fputs(text, file), 0);
    ck_assert_int_eq(fclose(file), 0);
    return path;
}

START_TEST(a_secret_is_read_beside_the_file_that_names_it)
{
    static const char *const forms[] = {"tokenFile: token", "token: \"file:token\""};
    char *token = write_file("token", "s3cret-s3cret-s3cret\r\n");

    for (size_t i = 0; i < ARRAY_LEN(forms); i++) {
        char *text = mem_printf("%sadmin: { %s }\nstate: { directory: s }\n", ALL, forms[i]);
        char *path = write_file("conf.yaml", text), *expected = mem_printf("%s/s", folder);
        struct conf_report report;
        struct config *config;

        conf_report_init(&report);
        config = config_load(path, &report);
        ck_assert_uint_eq(report.len, 0);
        ck_assert_str_eq(config->admin.token, "s3cret-s3cret-s3cret");
        ck_assert_str_eq(config->state_directory, expected);
        ck_assert_str_eq(config->path, path);
        config_unref(config);
        conf_report_fini(&report);
        free(expected);
        free(text);
        free(path);
    }
    free(token);
}
END_TEST

START_TEST(an_empty_secret_and_a_large_one_are_refused)
{
    char *token = write_file("token", "\n"),
         *path = write_file("conf.yaml", ALL "admin: { tokenFile: token }\n");
    struct conf_report report;
    char large[5000], *text;

    conf_report_init(&report);
    ck_assert_ptr_null(config_load(path, &report));
    text = problems_text(&report);
    ck_assert_ptr_nonnull(strstr(text, "tokenFile: the secret is empty\n"));
    free(text);
    memset(large, 'a', sizeof large);
    large[sizeof large - 1] = '\0';
    free(token);
    token = write_file("token", large);
    ck_assert_ptr_null(config_load(path, &report));
    text = problems_text(&report);
    ck_assert_ptr_nonnull(strstr(text, "/token: is larger than 4096 bytes\n"));
    free(text);
    free(token);
    free(path);
}
END_TEST

START_TEST(a_secret_from_the_environment_is_never_shown)
{
    struct conf_report report;
    char *text;

    ck_assert_int_eq(setenv("PENSTOCK_TEST_TOKEN", "top secret", 1), 0);
    conf_report_init(&report);
    ck_assert_ptr_null(config_load_bytes("t", str_from(ALL "admin: { token: \"${PENSTOCK_TEST_TOKEN}\" }\n"),
                                         ".", false, &report));
    text = problems_text(&report);
    ck_assert_ptr_null(strstr(text, "top secret"));
    ck_assert_ptr_nonnull(strstr(text, "t:6:17: token: the secret has blanks"));
    free(text);
}
END_TEST

START_TEST(a_file_that_cannot_be_read_is_named)
{
    struct conf_report report;
    char *text;

    conf_report_init(&report);
    ck_assert_ptr_null(config_load("/no/such/file.yaml", &report));
    text = problems_text(&report);
    ck_assert_str_eq(text, "/no/such/file.yaml: cannot be read: No such file or directory\n");
    free(text);
    ck_assert_ptr_null(config_load("/tmp", &report));
    text = problems_text(&report);
    ck_assert_str_eq(text, "/tmp: cannot be read: Is a directory\n");
    free(text);
}
END_TEST

START_TEST(the_example_in_the_tree_loads_as_it_is)
{
    const char *top = getenv("top_srcdir");
    char *path = mem_printf("%s/conf/penstock.yaml", top ? top : "."), *text;
    struct conf_report report;
    struct config *config;

    conf_report_init(&report);
    config = config_load(path, &report);
    if (!config) {
        text = problems_text(&report);
        ck_abort_msg("%s", text);
    }
    ck_assert_uint_eq(config->groups_len, 2);
    ck_assert_uint_eq(config->routes_len, 5);
    ck_assert_str_eq(config->admin.address.text, "127.0.0.1:9901");
    config_unref(config);
    conf_report_fini(&report);
    free(path);
}
END_TEST

/* ---- limits ---- */

START_TEST(more_than_the_maximum_is_refused_where_it_begins)
{
    struct conf_report report;
    struct text input;
    char *text;

    text_init(&input, 1 << 20);
    text_printf(&input, "%slisteners:\n", TWO ROUTES);
    for (int i = 0; i < CONFIG_LISTENERS_MAX + 2; i++)
        text_printf(&input, "- address: 127.0.0.1:0\n");
    ck_assert_ptr_null(load(input.p, &report));
    text = problems_text(&report);
    problems_drop(text, standing, ARRAY_LEN(standing));
    ck_assert_str_eq(text, "t:38:3: listeners: has 34; at most 32 are taken\n");
    free(text);
    text_fini(&input);
}
END_TEST

START_TEST(targets_are_counted_over_all_groups)
{
    struct conf_report report;
    struct text input;
    char *text;

    text_init(&input, 1 << 20);
    text_printf(&input, "%s",
                LISTENERS ROUTES
                "targetGroups:\n  b: { targets: [ \"10.0.0.2:80\" ] }\n  a:\n    targets:\n");
    for (int i = 0; i < CONFIG_TARGETS_MAX; i++)
        text_printf(&input, "    - 10.%d.%d.1:80\n", i / 256, i % 256);
    ck_assert_ptr_null(load(input.p, &report));
    text = problems_text(&report);
    problems_drop(text, standing, ARRAY_LEN(standing));
    ck_assert_str_eq(text, "t:4:3: targetGroups: have 4097 targets in all; at most 4096 are taken\n");
    free(text);
    text_fini(&input);
}
END_TEST

START_TEST(a_file_cut_anywhere_loads_or_tells_why)
{
    for (size_t len = 0; len < sizeof full; len++) {
        struct conf_report report;
        struct config *config;

        conf_report_init(&report);
        config = config_load_bytes("t", (struct str){full, len}, ".", true, &report);
        ck_assert_int_eq(config == NULL, report.errors > 0);
        config_unref(config);
        conf_report_fini(&report);
    }
}
END_TEST

Suite *unit_suite(void)
{
    Suite *suite = suite_create("conf/config");
    TCase *tc = tcase_create("text"), *files = tcase_create("files");

    tcase_add_loop_test(tc, every_problem_is_told_at_its_place, 0, (int)ARRAY_LEN(cases));
    tcase_add_test(tc, the_standing_warnings_say_what_is_missing);
    tcase_add_test(tc, what_is_not_written_has_its_default);
    tcase_add_test(tc, routes_take_over_how_monitors_are_known);
    tcase_add_test(tc, what_is_written_arrives);
    tcase_add_test(tc, a_secret_from_the_environment_is_never_shown);
    tcase_add_test(tc, a_file_that_cannot_be_read_is_named);
    tcase_add_test(tc, the_example_in_the_tree_loads_as_it_is);
    tcase_add_test(tc, more_than_the_maximum_is_refused_where_it_begins);
    tcase_add_test(tc, targets_are_counted_over_all_groups);
    tcase_add_test(tc, a_file_cut_anywhere_loads_or_tells_why);
    suite_add_tcase(suite, tc);
    tcase_add_checked_fixture(files, make_folder, remove_folder);
    tcase_add_test(files, a_secret_is_read_beside_the_file_that_names_it);
    tcase_add_test(files, an_empty_secret_and_a_large_one_are_refused);
    suite_add_tcase(suite, files);
    return suite;
}
