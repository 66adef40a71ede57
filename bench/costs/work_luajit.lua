-- The work of work.toy in LuaJIT under its own profiler; the protocol is that of
-- work.lua. Its signals are counted by real_rate.c.
local ffi = require("ffi")
ffi.cdef("unsigned long bench_signals(void);")
local profiler = require("jit.profile")

-- As jit.p does, which cannot be started twice: what it leaves to the garbage
-- collector ends the second session.
local seen = {}

local function take_sample(thread, samples)
    local place = profiler.dumpstack(thread, "lZ < ", 1)
    seen[place] = (seen[place] or 0) + samples
end

local variants = {
    idle = { start = function() end, stop = function() end },
    ["jit.profile"] = {
        start = function(rate)
            profiler.start(("li%d"):format(1000 / rate), take_sample)
        end,
        stop = profiler.stop,
    },
}

local function fibonacci(n)
    if n < 2 then return n end
    return fibonacci(n - 1) + fibonacci(n - 2)
end

local function add_up(n)
    local sum = 0
    for i = 0, n - 1 do sum = sum + i * 3 % 7 end
    return sum
end

local function make(n)
    local list = {}
    for i = 1, n do list[i] = { number = i, half = math.floor(i / 2) } end
    return list
end

local function total(list)
    local sum = 0
    for _, item in ipairs(list) do sum = sum + item.number + item.half end
    return sum
end

local function mixed(rounds)
    for _ = 1, rounds do
        fibonacci(12)
        add_up(6000)
        total(make(100))
    end
end

for line in io.lines() do
    local name, rate, rounds = line:match("^(%S+) (%S+) %S+ %S+ (%S+)")
    local variant = variants[name]
    local before = tonumber(ffi.C.bench_signals())
    variant.start(tonumber(rate))
    local start = os.clock()
    mixed(tonumber(rounds))
    local used = os.clock() - start
    variant.stop()
    print(("%.0f"):format(used * 1e9))
    print(('{"samples": %d}'):format(tonumber(ffi.C.bench_signals()) - before))
    io.flush()
end
