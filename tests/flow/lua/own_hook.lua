-- Every call of a hook of the program's own, in order: printed, so that it can
-- be compared with that beside tools.

local function fail(x) error(x, 0) end

local function tail(n)
    if n == 0 then return 0 end
    return tail(n - 1)
end

local function program()
    local sum = 0
    for i = 1, 5 do
        sum = sum + #tostring(i)
    end
    pcall(fail, "caught")
    tail(3)
    local co = coroutine.wrap(function(a)
        local b = coroutine.yield(a)
        return b
    end)
    co(1)
    co(2)
    table.sort({ 3, 1, 2 }, function(a, b) return a < b end)
    for _ = 1, 300 do sum = sum + 1 end
    return sum
end

local function print_hook(event, line)
    local activation = debug.getinfo(2, "nSlt")
    print(event, line, activation.what, activation.currentline,
          activation.name, activation.istailcall)
end

for _, set in ipairs { { "c", 0 }, { "r", 0 }, { "l", 0 }, { "crl", 0 },
                       { "", 1 }, { "", 7 }, { "", 100 }, { "l", 10 },
                       { "crl", 33 } } do
    print(set[1], set[2])
    debug.sethook(print_hook, set[1], set[2])
    program()
    -- What it sets itself is kept too.
    debug.sethook(print_hook, "c", 5)
    program()
    debug.sethook()
end

-- A hook that raises an error.
for count = 3, 9 do
    local function long() for _ = 1, 100 do end end
    local is_raised = false
    local function raise()
        if is_raised then return end
        is_raised = true
        error("hook " .. count, 0)
    end
    local good, message = pcall(function()
        debug.sethook(raise, "", count)
        long()
    end)
    debug.sethook()
    print(good, message)
end
