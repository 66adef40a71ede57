-- What the shim costs LuaJIT's tightest loop with an inner bridge, which a third
-- of its rounds goes through: as ratios to the same loop without the shim. It is
-- compiled anew each time, behind another amount of other code, and all take
-- turns in one process, so that neither the place of the code nor other load
-- decides.
local file, rounds = arg[1], tonumber(arg[2]) or 41
local long = (os.getenv("VMPROF_BENCH_LONG") or "") ~= ""
local vmprof = require "vmprof"
local iterations = long and 1e8 or 2e7
rounds = long and 2 * rounds or rounds

local source = [[
    local n = ...
    local s = 0
    for i = 1, n do
        if i % 3 == 0 then s = s + 1 else s = s + (i % 8) end
    end
    return s]]

local ways = {
    { "plain" },
    { "attached", attach = true },
    { "sampled at 1 kHz", attach = true,
      start = { file = file, interval = 0.001 } },
    { "counts", attach = true,
      start = { file = file, interval = 0.9, edges = "count" } },
    { "events, not of inner bridges", attach = true,
      start = { file = file, interval = 0.9, edges = "events",
                inner = "ignore" } },
}

-- Machine code of other loops comes first, of a size that changes.
local function move_code()
    for i = 1, math.random(1, 12) do
        assert(loadstring(("local s = 0 for i = 1, 200 do s = s + i %% %d end")
            :format(i + 1)))()
    end
end

local function clocked(way)
    if way.attach then vmprof.attach() end
    if way.start then vmprof.start(way.start) end
    move_code()
    local f = assert(loadstring(source))
    f(5000)
    local before = os.clock()
    f(iterations)
    local time = os.clock() - before
    if way.start then vmprof.stop() end
    if way.attach then vmprof.detach() end
    jit.flush()
    return time
end

local function quantile(values, q)
    table.sort(values)
    return values[math.floor((#values - 1) * q + 0.5) + 1]
end

-- A row of the table that run.py prints.
local function add_row(what, measured, spread, budget, met)
    local name = os.getenv("VMPROF_BENCH_ROWS")
    local rows = name and io.open(name, "a")
    if not rows then return end
    rows:write(('{"what": "LuaJIT\'s tightest loop with an inner bridge, %s", '
        .. '"measured": "%s", "spread": "%s", "budget": %s, '
        .. '"baseline": "the same without us", "met": %s}\n')
        :format(what, measured, spread, budget, met))
    rows:close()
end

local ratios, plain = {}, {}
for i = 1, #ways do ratios[i] = {} end
for round = 1, rounds do
    local times = {}
    for turn = 1, #ways do
        local i = (turn + round) % #ways + 1
        times[i] = clocked(ways[i])
    end
    plain[round] = times[1]
    for i = 1, #ways do ratios[i][round] = times[i] / times[1] end
end

-- Two of three rounds stay in the loop, one goes to the bridge and back.
local per_transition = quantile(plain, 0.5) / iterations * 1e9 * 3 / 2
print(("%.2f ns for each transition without the shim"):format(per_transition))
for i = 2, #ways do
    local ratio = quantile(ratios[i], 0.5)
    local spread = ("%.3f-%.3f"):format(quantile(ratios[i], 0.25),
                                        quantile(ratios[i], 0.75))
    local budget, met = "null", "null"
    if ways[i][1] == "attached" then
        budget, met = '"1.02 ×"', tostring(ratio < 1.02)
    end
    print(("%-30s %.3f x  (%s)"):format(ways[i][1], ratio, spread))
    add_row(ways[i][1], ("%.3f ×"):format(ratio), spread, budget, met)
end
