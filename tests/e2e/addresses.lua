-- Gives each request a client address of its own, as a proxy in front would tell it; a connection takes 50 of them a second
-- at most.
function init(args)
    math.randomseed(os.time())
end

function delay()
    return 20
end

function request()
    local a = math.random(0, 16777215)
    wrk.headers["X-Forwarded-For"] = string.format("10.%d.%d.%d", math.floor(a / 65536), math.floor(a / 256) % 256, a % 256)
    return wrk.format(nil, nil)
end
