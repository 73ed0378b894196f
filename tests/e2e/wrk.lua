-- Gives each request a client of its own (header X-User) and writes what wrk counted to $WRK_JSON.
local threads = {}

function setup(thread)
    thread:set("id", #threads)
    table.insert(threads, thread)
end

function init(args)
    math.randomseed(os.time() + id * 7919)
end

function request()
    wrk.headers["X-User"] = string.format("u%d-%d", id, math.random(1, 1000000000))
    return wrk.format(nil, nil)
end

function done(summary, latency, requests)
    local e = summary.errors
    local out = io.open(os.getenv("WRK_JSON"), "w")
    out:write(string.format('{"requests":%d,"bytes":%d,"duration_us":%d,"bad":%d,"connect":%d,"read":%d,' ..
        '"write":%d,"timeout":%d,"p50_us":%d,"p99_us":%d}\n', summary.requests, summary.bytes,
        summary.duration, e.status, e.connect, e.read, e.write, e.timeout, latency:percentile(50),
        latency:percentile(99)))
    out:close()
end
