-- What the shim costs a Lua program, as ratios to the same work without it:
-- attached but not sampling, and sampling at 1 kHz. The three take turns in one
-- process, and CPU time is compared, so that other load matters little.
local file, rounds = arg[1], tonumber(arg[2]) or 15
local plain_wrap = coroutine.wrap
local vmprof = require "vmprof"

local function fib(n)
    if n < 2 then return n end
    return fib(n - 1) + fib(n - 2)
end

local function switch(wrap)
    local co = wrap(function() while true do coroutine.yield() end end)
    for _ = 1, 150000 do co() end
end

local function strings()
    local t = {}
    for i = 1, 40000 do t[i] = ("%d:%s"):format(i, "x"):upper() end
    return #table.concat(t)
end

local works = {
    { "calls", function() fib(24) end },
    { "strings", strings },
    { "coroutine switches", switch },
}

local function clocked(work, wrap)
    collectgarbage()
    local before = os.clock()
    work(wrap)
    return os.clock() - before
end

local function median(values)
    table.sort(values)
    return values[(#values + 1) // 2]
end

local function measure(work)
    local idle, sampling = {}, {}
    for round = 1, rounds do
        vmprof.detach()
        local plain = clocked(work, plain_wrap)
        vmprof.attach()
        idle[round] = clocked(work, coroutine.wrap) / plain
        vmprof.start { file = file, interval = 0.001 }
        sampling[round] = clocked(work, coroutine.wrap) / plain
        vmprof.stop()
    end
    return median(idle), median(sampling)
end

-- A row of the table that run.py prints.
local function add_row(what, ratio)
    local file = os.getenv("VMPROF_BENCH_ROWS")
    local rows = file and io.open(file, "a")
    if not rows then return end
    rows:write(('{"what": "Lua 5.4, %s", "measured": "%.3f ×", "spread": "", '
        .. '"budget": null, "baseline": "the same without us", '
        .. '"met": null}\n'):format(what, ratio))
    rows:close()
end

vmprof.attach()
print(("%-20s %10s %10s"):format("", "attached", "at 1 kHz"))
for _, work in ipairs(works) do
    local idle, sampling = measure(work[2])
    print(("%-20s %8.3f x %8.3f x"):format(work[1], idle, sampling))
    add_row(work[1] .. ", module loaded", idle)
    add_row(work[1] .. ", at 1 kHz", sampling)
end
