#!/usr/bin/env bash
# What the commands say, and how they end, as far as no running penstock is needed. Prints TAP.
set -u

program=${PENSTOCK:?the program to try}
folder=$(mktemp -d) || exit 1
trap 'rm -rf "$folder"' EXIT
cd "$folder" || exit 1
unset PENSTOCK_CONFIG PENSTOCK_ADMIN PENSTOCK_TOKEN PENSTOCK_TOKEN_FILE
number=0
status=0

cat >good.yaml <<'END'
listeners: [ { address: "127.0.0.1:0" } ]
admin: { address: "127.0.0.1:1", token: a-secret-of-enough-letters }
state: { directory: state }
targetGroups:
  ec2: { targets: [ "127.0.0.1:2" ] }
  fargate: { targets: [ "127.0.0.1:3" ], concurrency: { target: 20, group: 50 } }
routes:
  - { name: web, match: { pathPrefix: / }, stable: ec2, canary: fargate, weight: 12.5 }
  - { name: api, match: { host: api.example.com, pathPrefix: /v1 }, stable: ec2, canary: fargate, affinity: { cookie: who }, mirror: 10 }
  - { name: old, match: { pathPrefix: /old }, stable: ec2 }
END
printf 'listeners: [ { address: "127.0.0.1:99999" } ]\nworkrs: 1\n' >bad.yaml
printf 'name: p\nsteps: [ { setWeight: 5 }, { setWeight: 100 } ]\nanalysis: { metrics: [ { name: e, type: errorRate }, { name: l, type: latencySlo, threshold: 1s } ] }\n' >plan.yaml
printf 'name: p\nsteps: [ { setWeigth: 5 } ]\n' >bad-plan.yaml

# expect STATUS STDOUT STDERR WORD...: the exit status, and for each stream a pattern, or - for nothing at all.
expect()
{
    local wanted=$1 out=$2 err=$3 got text=

    shift 3
    "$program" "$@" >stdout 2>stderr </dev/null
    got=$?
    [ "$got" -eq "$wanted" ] || text="ended with $got, not $wanted"
    fits stdout "$out" || text="$text; standard output is not like $out"
    fits stderr "$err" || text="$text; standard error is not like $err"
    number=$((number + 1))
    if [ -z "$text" ]; then
        echo "ok $number - penstock $*"
        return
    fi
    echo "not ok $number - penstock $*"
    echo "# $text"
    sed 's/^/# out: /' stdout
    sed 's/^/# err: /' stderr
    status=1
}

fits()
{
    if [ "$2" = - ]; then
        [ ! -s "$1" ]
    else
        grep -qE -e "$2" "$1"
    fi
}

# holds PATTERN FILE: what a command has left.
holds()
{
    number=$((number + 1))
    if grep -qE -e "$1" "$2"; then
        echo "ok $number - $2 holds $1"
    else
        echo "not ok $number - $2 holds $1"
        status=1
    fi
}

# The program itself.
expect 2 - 'penstock COMMAND'
expect 0 'penstock COMMAND' - --help
expect 0 'penstock COMMAND' - help
expect 0 '^penstock [0-9.]+$' - --version
expect 2 - 'did you mean serve' serv
expect 2 - 'penstock help' frobnicate
expect 2 - 'before the command' --json status
expect 2 - 'did you mean status' help statsu

# Every command has help in three ways, on standard output.
for command in demo serve check explain status weight rollout decisions override report replay; do
    expect 0 "^penstock $command - " - help "$command"
    expect 0 "^penstock $command - " - "$command" --help
    expect 0 "^penstock $command - " - "$command" web -h
    expect 2 - 'did you mean --help' "$command" --hlep
done

# check
expect 2 - 'which configuration' check
expect 2 - 'too many' check extra
expect 0 '^good.yaml: ok, 1 listener, 3 routes, 2 target groups, 2 targets$' - check -c good.yaml
PENSTOCK_CONFIG=good.yaml expect 0 ', 1 plan with 2 steps$' - check --plan plan.yaml --route web
expect 1 - '^bad.yaml:2:1: .*workers' check -c bad.yaml
expect 1 - '^bad.yaml:1:.*99999' check -c bad.yaml
expect 1 '"line": 2' - check -c bad.yaml --json
expect 0 '"ok": true' - check -c good.yaml --json
expect 1 - '^bad-plan.yaml:2:.*setWeight' check -c good.yaml --plan bad-plan.yaml
expect 1 - '^bad-plan.yaml:2:' check -c bad.yaml --plan bad-plan.yaml
expect 1 - 'no route is named' check -c good.yaml --route nope --plan plan.yaml
expect 1 - 'missing.yaml' check -c missing.yaml

expect 0 '^ok, 1 plan with 2 steps$' - check --plan plan.yaml
expect 2 - 'needs a configuration' check --plan plan.yaml --route web
expect 0 '^5 %, 5 requests a second to the canary, 23m24s at least$' 'steps.1..bake: ' check --plan plan.yaml --rps 100 --errors 0.1% --slow 0.001
expect 0 '^To 100 % in 23m24s at least' 'steps\[1\].bake: ' check --plan plan.yaml --rps 100
expect 0 '"atRisk": ' - check --plan plan.yaml --rps 100 --json
printf 'judge: flagger\n' | cat plan.yaml - >flagger.yaml
expect 0 '^ok, 1 plan' 'nobody knows what .flagger. finds' check --plan flagger.yaml --rps 100
printf 'strategy: CANARY\nbakeTimeInMinutes: 30\n' >ecs.yaml
expect 0 '^  - { setWeight: 5, minDwell: 10m }$' - check --plan ecs.yaml --expand
expect 0 '^  - { setWeight: 100, bake: 30m }$' - check --plan ecs.yaml --expand
expect 2 - 'needs --plan' check --expand
printf 'strategy: CANRY\n' >ecs.yaml
expect 1 - '^ecs.yaml:1:11: strategy: is none of' check --plan ecs.yaml --expand
expect 2 - 'a number above 0' check --plan plan.yaml --rps 0
expect 2 - 'shares such as 0.1%' check --plan plan.yaml --rps 1 --errors 0.1x

# serve
expect 2 - 'which configuration' serve
expect 1 - '^bad.yaml:2:1: .*workers' serve -c bad.yaml

# report
own='{"timestamp":"2026-11-20T10:00:00.000Z","platform":"ec2","route":"web","group":"old","side":"stable","weight":100.00,"assignment":"sticky","outcome":"served","blame":"nobody","duration":41000000,"http":{"status_code":200},"network":{"client":{"ip":"192.0.2.7"}}}'
printf '%s\n' "$own" '{"cut":' "$own" >access.jsonl
mkdir -p logs/.hidden logs/platform=ec2
gzip -c access.jsonl >logs/platform=ec2/part.gz
cp access.jsonl logs/.hidden/
head -c 40 logs/platform=ec2/part.gz >cut.gz
expect 2 - 'too few' report
expect 2 - 'text, json or html' report --format pdf access.jsonl
expect 2 - 'text, json or html' report --format html --json access.jsonl
expect 2 - 'route or platform' report --by group access.jsonl
expect 2 - 'a time such as 300ms' report --slo soon access.jsonl
expect 2 - 'ec2=2026-11-25T10:00' report --retired ec2 access.jsonl
expect 2 - 'a time in UTC' report --from noon access.jsonl
expect 2 - 'combined' report --preset apache access.jsonl
expect 2 - 'once only' report - -
expect 1 'no request is in it' 'missing.jsonl: cannot be opened' report missing.jsonl
expect 1 - 'bad.yaml:2:1' report -c bad.yaml -o unmade.html access.jsonl
expect 1 'no request' 'unmade.html: cannot be opened' report unmade.html
expect 1 - 'none/report.html: cannot be opened' report -o none/report.html access.jsonl
expect 2 - 'by --slo, not by --config' report --by platform -c bad.yaml access.jsonl
expect 1 - 'bad.yaml:2:1' report --by platform --slo 1s -c bad.yaml access.jsonl
expect 2 - 'a time in UTC' report --to 2400-01-01 access.jsonl
expect 1 '3 are outside|2 are outside' 'no request is in the report' report --to 2020-01-01 access.jsonl
expect 0 'access.jsonl:2: it is no JSON object' - report access.jsonl
expect 0 'residual traffic:.* 2 requests still reached ec2 old' - report access.jsonl
expect 0 '192.0.2.7 +2 requests' - report access.jsonl
printf '%s\n' "$own" "${own/100.00/50.00}" >moved.jsonl
expect 0 '^  2026-11-20 10:00:00 +50 % +75 % +0 % ' - report moved.jsonl
expect 0 'residual traffic: 1 request still .* from 1 client$' - report moved.jsonl
expect 0 '^ +ec2 .* 100 % .* 4[0-9] ms .*2026-11-20 10:00:00$' - report --slo 40ms access.jsonl
expect 0 '"requests": 4,' - report --json access.jsonl logs
expect 1 '3 read from 2 files' 'cut.gz:[0-9]+: the gzip data ends in the middle' report access.jsonl cut.gz
printf '%0100000d' 0 >report.html
expect 0 - - report -o report.html access.jsonl
holds '^</html>$' report.html
expect 0 '^<!DOCTYPE html>$' - report -o /dev/stdout --format html access.jsonl
expect 0 '^<!DOCTYPE html>$' - report -o - --format html access.jsonl
printf '#!/bin/sh\ntrap "" XFSZ\nulimit -f 8\nexec "%s" "$@"\n' "$program" >narrow
chmod +x narrow
program=./narrow expect 1 - 'report.html: cannot be written: File too large' report -o report.html access.jsonl
holds '^</html>$' report.html
program=./narrow expect 1 - 'new.html: cannot be written: File too large' report -o new.html access.jsonl
echo ./*html* >left
holds '^./report.html$' left
expect 1 - 'logs: cannot be opened: Is a directory' report -o logs access.jsonl
expect 0 - - report --json -o report.html access.jsonl
holds '^ "report": 1,$' report.html
ln -s report.html link.html
expect 0 - - report -o link.html access.jsonl
holds '^<!DOCTYPE' report.html
expect 1 - 'access.jsonl: is a log that is to be read' report -o access.jsonl cut.gz logs/../access.jsonl
holds '"route":"web"' access.jsonl
mkdir -p kept
cp access.jsonl report.html kept/
expect 0 - - report -o kept/report.html kept
expect 0 - - report --format text -o kept/report.html kept
holds '3 read from 1 file$' kept/report.html
head -3 access.jsonl >mixed
printf '%s\n' '192.0.2.8 - - [20/Nov/2026:10:00:01 +0000] "GET / HTTP/1.1" 200 5 "-" "curl"' "$own" '{"cut":' >>mixed
expect 0 '"unreadable": 2,' - report --json mixed
expect 0 '"combined": 1' - report --json mixed
expect 0 '"unreadable": 3,' - report --preset json --json mixed
expect 0 '"timed": 2,' - report --json access.jsonl
printf '{"cut":\n' >"$(printf 'odd\033\377.jsonl')"
expect 1 '"odd\?\?.jsonl:1: ' 'no request' report --json odd*
mkdir -p linked
ln -s nowhere linked/lost.jsonl
ln -s . linked/again
ln access.jsonl linked/access.jsonl
ln -s access.jsonl linked/current
gzip -c access.jsonl >linked/access.jsonl.part
expect 1 '3 read from 1 file$' 'current: passed over: it was read before' report linked
expect 1 '3 read from 1 file' 'lost.jsonl: cannot be opened: the link leads nowhere' report linked
expect 1 '3 read from 1 file' 'again: passed over: it is the same folder' report linked
expect 0 '^<!DOCTYPE html>$' - report --format html access.jsonl

# replay
head='{"trace":1,"id":"x","slo_ms":500,"horizon":60,"stable":"ec2","canary":"fargate","route":"key","alt":null}'
line='{"t":1.5,"key":"c","ec2":{"status":200,"ms":1},"fargate":{"status":500,"ms":1}}'
printf '%s\n%s\n' "$head" "$line" >trace.jsonl
printf '%s\n%s\n%s\n' "$head" "$line" "${line/1.5/0.5}" >falls.jsonl
printf '%s\n%s\n' "$head" '{"t":1,"key":"c","ec2":{"status":200,"ms":"x"}}' >bad.jsonl
expect 2 - 'which plan' replay trace.jsonl
expect 2 - 'too few' replay --plan plan.yaml
expect 2 - 'penstock, threshold or flagger' replay --plan plan.yaml --judge nobody trace.jsonl
expect 2 - 'a time such as' replay --plan plan.yaml --start noon trace.jsonl
expect 2 - 'cannot be both' replay --plan - -
expect 0 '^\{"t":0,"weight":0.05,"action":"forward","reason":"start"' '^1 requests in 1m;' replay --plan plan.yaml trace.jsonl
expect 0 '"reason":"start"' 'nobody knows how often' replay --plan plan.yaml --judge threshold trace.jsonl
sed 's/type: errorRate/&, match: { pathPrefix: \/pay }/; s/name: e/name: pay/' plan.yaml >match.yaml
expect 0 '"reason":"start"' 'pay: is left out, because its match' replay --plan match.yaml trace.jsonl
expect 1 - 'missing.jsonl: cannot be opened' replay --plan plan.yaml missing.jsonl
expect 1 . '^penstock: falls.jsonl:3: t: it falls' replay --plan plan.yaml falls.jsonl
expect 1 - '^penstock: bad.jsonl:2: ec2: ms: a number is expected' replay --plan plan.yaml bad.jsonl
expect 1 - '^penstock: plan.yaml:1: column' replay --plan plan.yaml --format trace plan.yaml
expect 1 - '^bad-plan.yaml:2:' replay --plan bad-plan.yaml trace.jsonl

log='{"timestamp":"2026-11-20T10:00:00.000Z","route":"web","side":"canary","weight":5.00,"assignment":"random","blame":"nobody","duration":1,"http":{"target_status_code":200},"network":{"client":{"ip":"192.0.2.1","port":1}}}'
{
    echo "$log"
    echo "${log/random/override}"
    echo "${log/10:00:00/10:01:00}"
} >access.jsonl
clf='192.0.2.1 - - [20/Nov/2026:10:00:00 +0000] "GET / HTTP/1.1" 200 1 "-" "-" 0.1'
printf 'blue %s\n' "$clf" >combined.log
printf '0 5%%\n10 5\n' >weights.txt
expect 0 '"open":true,"state":"running"' '^2 requests in .*left out: 1 that nobody drew' replay --plan plan.yaml access.jsonl
expect 1 - 'no request could be judged' replay --plan plan.yaml access.jsonl --route api
echo '{"@timestamp":"2026-11-20T10:00:00.000Z","event":{"duration":1},"penstock":{"route":"web","side":"canary","weight":5.00,"assignment":"random","blame":"nobody","target_status_code":200},"client":{"ip":"192.0.2.1"},"trace":{"id":"0"}}' >ecs.jsonl
expect 0 '"open":true,"state":"running"' '^1 requests in' replay --plan plan.yaml ecs.jsonl
expect 1 - 'which lines are the canary' replay --plan plan.yaml combined.log
expect 0 '"weightIs":"estimated"' 'are estimates' replay --plan plan.yaml combined.log --canary blue
expect 1 - 'weights.txt:2: a rising time' replay --plan plan.yaml combined.log --canary blue --weights weights.txt
expect 1 - 'neither a trace nor a line of a known log' replay --plan plan.yaml good.yaml
expect 2 - '--format: ' replay --plan plan.yaml --format apache combined.log
expect 1 - 'one at a time' replay --plan plan.yaml trace.jsonl trace.jsonl

# override
printf 'a-secret-of-thirty-two-characters\n' >new.key
sed 's/weight: 12.5/weight: 12.5, overrides: [ { header: X-O, secrets: [ "file:new.key", an-old-secret-0123 ] }, { cookie: o, secrets: [ "file:new.key" ] }, { header: X-T, value: "yes", networks: [ 192.0.2.0\/24 ], to: canary } ]/' good.yaml >override.yaml
sed 's/"file:new.key"/another-secret-012/g; s/an-old-secret-0123/one-more-secret-01/' override.yaml >other.yaml
expect 2 - 'which configuration' override sign
expect 2 - 'what shall be done' override -c override.yaml
expect 2 - 'too few' override verify -c override.yaml
expect 1 - 'no route of good.yaml has an override' override sign -c good.yaml
expect 1 - 'route old has no override' override sign -c override.yaml --route old
expect 1 - 'no route is named nope' override sign -c override.yaml --route nope
expect 1 - 'neither stable nor canary' override sign -c override.yaml --group nope
expect 2 - 'no time from 1s to 366d' override sign -c override.yaml --expires 367d
expect 2 - 'no time from 1s to 366d' override sign -c override.yaml --expires soon
expect 0 '^canary\.[0-9]+\.web\.[0-9a-f]{64}$' - override sign -c override.yaml
expect 0 "^try +curl -H 'X-O: canary\." - override sign -c override.yaml
expect 0 "^try +curl -b 'o=stable\..*' http://localhost/$" - override sign -c override.yaml --group ec2
expect 0 '^canary\.[0-9]+\.\*\.' - override sign -c override.yaml --any-route --group fargate --expires 2d
expect 0 '"side": "stable"' - override sign -c override.yaml --group stable --json
value=$("$program" override sign -c override.yaml --expires 1h | head -n 1)
expect 0 '^good: to canary .fargate. of route web until 2' - override verify -c override.yaml "$value"
expect 0 '"good": true' - override verify -c override.yaml --json "$value"
expect 1 'no secret of the route has signed' - override verify -c other.yaml "$value"
expect 1 '"result": "bad_signature"' - override verify -c override.yaml --json "${value/canary/stable}"
expect 1 'none that penstock has signed' - override verify -c override.yaml "${value%?}"
expect 0 '^override +goes to canary, whatever the weight: a signed value' - explain -c override.yaml GET /x -H "X-O: $value"
expect 0 '^override +.*no secret of the route' - explain -c other.yaml GET /x -H "X-O: $value"
expect 0 '"result": "value"' - explain -c override.yaml --client 192.0.2.7 GET /x -H 'X-T: yes' --json
expect 0 '^override +.*in none of the networks' - explain -c override.yaml --client 203.0.113.7 GET /x -H 'X-T: yes'
expect 0 '^override +"yes" in header X-T, from the networks listed, goes to canary' - explain -c override.yaml GET /x
expect 1 - 'no address' explain -c override.yaml --client here GET /x
body=canary.1000000000.web
expect 1 'too old.*until 2001' - override verify -c override.yaml "$body.$(printf 'penstock-override:%s' $body | openssl dgst -sha256 -hmac a-secret-of-thirty-two-characters | sed 's/.*= //')"

# explain
expect 2 - 'too few' explain -c good.yaml GET
expect 0 '^route +web: ' - explain -c good.yaml GET http://example.com/x
expect 0 'fargate gets 12.5 %' - explain -c good.yaml GET /x
expect 0 '^places +fargate takes 20 requests at once at each target, 50 in all; 1024 more may wait, for 1s at most$' - \
    explain -c good.yaml GET /x
expect 0 'fargate gets 40 %' - explain -c good.yaml -w 40 GET /x
expect 0 '^route +api: .*of host api.example.com' - explain -c good.yaml GET http://API.example.com/v1/a?b
expect 0 '^route +api: ' - explain -c good.yaml GET /v1/a -H 'Host: api.example.com'
expect 0 '"zoe" stays' - explain -c good.yaml GET http://api.example.com/v1 -H 'Cookie: who=zoe'
expect 0 'gets one' - explain -c good.yaml GET http://api.example.com/v1
expect 0 '^mirror +fargate gets a copy of 10 %' - explain -c good.yaml GET http://api.example.com/v1
expect 0 '^mirror +none: this method' - explain -c good.yaml POST http://api.example.com/v1
expect 0 '"mirror": null' - explain -c good.yaml --json GET /
expect 0 'no canary' - explain -c good.yaml GET /x/../old
expect 0 '"share": 12.5' - explain -c good.yaml --json GET /
expect 0 '^retries +1 at most, on another target, when a target' - explain -c good.yaml GET /x
expect 0 '^retries +1 at most.*may not be repeated' - explain -c good.yaml POST /x
expect 0 '^ambiguous +X_A has .*it is dropped' - explain -c good.yaml GET /x -H 'X_A: b'
upgrade=(-H 'Connection: upgrade' -H 'Upgrade: websocket' -H 'Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==' -H 'Sec-WebSocket-Version: 13')
expect 0 '^upgrade +to websocket' - explain -c good.yaml GET /x "${upgrade[@]}"
expect 0 '"cookie": "who"' - explain -c good.yaml --json GET http://api.example.com/v1
expect 0 '"upgrade": "websocket"' - explain -c good.yaml --json GET /x "${upgrade[@]}"
sed 's/canary: fargate, weight: 12.5/canary: fargate, upgrades: [], retries: { shield: true }/; 1i ambiguousFields: reject' good.yaml >strict.yaml
expect 0 '^upgrade +none: ' - explain -c strict.yaml GET /x "${upgrade[@]}"
expect 0 '^shield +when the canary fails' - explain -c strict.yaml GET /x
expect 1 - 'with 400: .*' explain -c strict.yaml GET /x -H 'X_A: b'
expect 1 - 'with 400: ' explain -c good.yaml GET / -H 'Transfer-Encoding: chunked, chunked'
expect 1 - "no header field" explain -c good.yaml GET / -H nonsense
expect 1 - 'from 0 to 100' explain -c good.yaml -w 101 GET /
expect 1 - '^bad.yaml:2:1: ' explain -c bad.yaml GET /

# What speaks to a running penstock, when there is none.
expect 1 - '127.0.0.1:1: .*penstock serve' status -c good.yaml
expect 1 - '127.0.0.1:1: ' weight web --admin 127.0.0.1:1
PENSTOCK_ADMIN=127.0.0.1:1 expect 1 - '127.0.0.1:1: ' decisions
PENSTOCK_CONFIG=good.yaml expect 1 - '127.0.0.1:1: ' rollout pause web
expect 1 - 'no admin address' status -c bad.yaml
expect 1 - 'no-token: cannot read' status --token-file no-token --admin 127.0.0.1:1
expect 1 - 'ftp://x' status --admin ftp://x
expect 2 - 'no percentage' weight web ten
expect 2 - 'unknown option -5' weight web -5
expect 2 - 'exclude one another' weight web --lock --unlock
expect 2 - 'give --lock too' weight web 5 --no-rollback
expect 2 - 'ROUTE' weight
expect 2 - 'no number from 1 to' decisions -n 0
expect 2 - 'what shall be done' rollout
expect 2 - 'did you mean promote' rollout promte web
expect 2 - 'promote only' rollout abort web --full
expect 2 - 'update only' rollout start web plan.yaml --force
expect 2 - 'too few arguments: ROUTE PLAN' rollout update web
expect 1 - '127.0.0.1:1: ' rollout update web plan.yaml --force --admin 127.0.0.1:1
expect 2 - 'too few arguments: ROUTE PLAN' rollout start web
expect 1 - 'missing.yaml: cannot read the plan' rollout start web missing.yaml --admin 127.0.0.1:1
expect 1 - '^bad-plan.yaml:2:.*setWeight' rollout start web bad-plan.yaml --admin 127.0.0.1:1
expect 1 - '127.0.0.1:1: ' rollout start web plan.yaml --admin 127.0.0.1:1

# demo
expect 2 - 'none of none, errors' demo --fault error
expect 2 - 'from 0.01 to 100' demo --speed fast
expect 2 - 'from 20 to 2000' demo --rate 1

echo "1..$number"
exit $status
