-- Hooks of the program's own, and what they see: printed, so that it can be
-- compared with what they see while the program is being profiled.

local function work(rounds)
    local sum = 0
    for i = 1, rounds do
        sum = (sum * 31 + i) % 1000003
        if i % 100 == 0 then sum = sum + #tostring(i) end
    end
    return sum
end

local function with_hook(mask, run)
    local events = {}
    debug.sethook(function(event, line)
        local key = line and event .. " " .. line or event
        events[key] = (events[key] or 0) + 1
    end, mask)
    run()
    debug.sethook()
    local lines = {}
    for key, count in pairs(events) do
        lines[#lines + 1] = key .. " = " .. count
    end
    table.sort(lines)
    print(mask, table.concat(lines, ", "))
end

local function tail(n)
    if n == 0 then return 0 end
    return tail(n - 1)
end

for _, mask in ipairs { "c", "r", "l", "cr", "crl" } do
    with_hook(mask, function() work(30000) tail(1000) end)
    with_hook(mask, function()
        local co = coroutine.wrap(function()
            for _ = 1, 50 do work(100) coroutine.yield() end
        end)
        for _ = 1, 50 do co() end
    end)
end

-- A coroutine starts with the hook of its creator.
do
    local calls = 0
    debug.sethook(function() calls = calls + 1 end, "c")
    local all = {}
    for i = 1, 500 do all[i] = coroutine.create(work) end
    debug.sethook()
    local before = calls
    for i = 1, #all do coroutine.resume(all[i], 200) end
    print("inherited", before, calls)
end

-- debug.gethook() tells of the program's hook alone.
do
    local function mine() end
    local wrong = 0
    local function look(f, m, c)
        for _ = 1, 20000 do
            local hook, mask, count = debug.gethook()
            if hook ~= f or mask ~= m or count ~= c then wrong = wrong + 1 end
        end
    end
    -- A mask that is empty, as Lua itself tells it when there is none.
    look(debug.gethook())
    debug.sethook(mine, "c")
    look(mine, "c", 0)
    debug.sethook(mine, "", 100000)
    look(mine, "", 100000)
    debug.sethook(mine, "r", 777)
    look(mine, "r", 777)
    debug.sethook()
    look(debug.gethook())
    print("gethook", wrong)
end

-- A hook that is set and cleared all the time is the one that is there.
do
    local wrong = 0
    for i = 1, 20000 do
        local hit = 0
        debug.sethook(function() hit = hit + 1 end, "c")
        tail(0)
        debug.sethook()
        -- tail() and the sethook() that clears it.
        if hit ~= 2 then wrong = wrong + 1 end
    end
    print("set and cleared", wrong)
end

-- An error in a hook is the program's.
do
    debug.sethook(function() error("from a hook", 0) end, "", 5000)
    print("an error", pcall(work, 1000000))
    debug.sethook()
end
