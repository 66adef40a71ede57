-- The work of work.toy in Lua 5.4, profiled as each line on stdin says: a
-- variant, a rate, threads (1), what, rounds. Prints the CPU time used, in
-- nanoseconds, and a line of JSON.
local has_shim, vmprof = pcall(require, "vmprof")

-- A profiler as it can be written without us: a hook that is always on looks
-- at the stack after so many instructions of the VM.
local hook = { seen = {}, samples = 0 }
local INSTRUCTIONS_A_SECOND = 75e6

local function take_sample()
    local info = debug.getinfo(2, "Sl")
    local place = info.short_src .. ":" .. info.currentline
    hook.seen[place] = (hook.seen[place] or 0) + 1
    hook.samples = hook.samples + 1
end

local variants = {
    idle = { start = function() end, stop = function() return 0 end },
    hook = {
        start = function(rate)
            hook.samples = 0
            debug.sethook(take_sample, "", INSTRUCTIONS_A_SECOND // rate)
        end,
        stop = function() debug.sethook() return hook.samples end,
    },
}
if has_shim then
    variants.attached = {
        start = function() vmprof.attach() end,
        stop = function() vmprof.detach() return 0 end,
    }
    variants.shim = {
        start = function(rate)
            vmprof.attach()
            vmprof.start { file = "/dev/null", interval = 1 / rate }
        end,
        stop = function()
            vmprof.stop()
            vmprof.detach()
            return vmprof.stats().samples
        end,
    }
end

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
    for i = 1, n do list[i] = { number = i, half = i // 2 } end
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
    if not variant then
        print('{"error": "no ' .. name .. '"}')
    else
        variant.start(tonumber(rate))
        local start = os.clock()
        mixed(tonumber(rounds))
        print(("%.0f"):format((os.clock() - start) * 1e9))
        print(('{"samples": %d}'):format(variant.stop()))
    end
    io.flush()
end
