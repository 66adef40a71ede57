-- A count hook must come about as often with sampling as without. Its count is
-- longer than the time between two samples, so that one which begins anew at
-- each sample would never come.
local vmprof = require "vmprof"

local function work(rounds)
    local sum = 0
    for i = 1, rounds do sum = (sum * 31 + i) % 1000003 end
    return sum
end

-- `run` sets the hook it is given, for a coroutine has one of its own.
local function count_events(run)
    local events, hooks = 0, 0
    run(function()
        hooks = hooks + 1
        debug.sethook(function() events = events + 1 end, "", 300000)
    end)
    debug.sethook()
    return events, hooks
end

local function compare(title, run)
    vmprof.detach()
    local plain = count_events(run)
    vmprof.attach()
    local sampled, hooks = count_events(run)
    print(("%s: %d events, %d when sampled"):format(title, plain, sampled))
    assert(plain >= 20, "the work is too short for this test")
    -- What a hook has counted when it is first sampled is lost.
    assert(sampled >= plain * 0.95 - hooks and sampled <= plain + hooks,
           "the count hook does not come as often as without sampling")
end

local function in_one_function(set_hook)
    set_hook()
    work(2000000)
end

local function in_coroutines(set_hook)
    local all = {}
    for i = 1, 4 do
        all[i] = coroutine.wrap(function()
            set_hook()
            while true do work(400) coroutine.yield() end
        end)
    end
    for _ = 1, 1500 do
        for i = 1, #all do all[i]() end
    end
end

vmprof.start { file = arg[1], interval = 0.0005 }
compare("one function", in_one_function)
compare("coroutines", in_coroutines)
assert(vmprof.stats().samples > 20, "nothing was sampled")
vmprof.stop()
