-- What coroutines do, printed: it must read the same with and without a
-- profiler that has put functions of its own in place of Lua's.

local function show(title, ...)
    local values = table.pack(...)
    for i = 1, values.n do
        values[i] = type(values[i]) == "table" and "a table"
            or type(values[i]) == "thread" and "a thread"
            or type(values[i]) == "function" and "a function"
            or tostring(values[i])
    end
    print(title .. ":", table.concat(values, " "))
end

local function echo(...)
    local got = table.pack(...)
    while true do
        got = table.pack(coroutine.yield(got.n, table.unpack(got, 1, got.n)))
    end
end

-- Takes long enough to be sampled.
local function work(rounds)
    local sum = 0
    for i = 1, rounds or 20000 do sum = (sum * 31 + i) % 1000003 end
    return sum
end

do
    local co = coroutine.create(echo)
    show("values in and out", coroutine.resume(co, 1, nil, 3, nil))
    show("no values", coroutine.resume(co))
    show("status", coroutine.status(co), coroutine.status(coroutine.running()))
    show("close a suspended one", coroutine.close(co))
    show("resume a closed one", coroutine.resume(co))
    show("close a dead one", coroutine.close(co))
end

show("resume no coroutine", pcall(coroutine.resume, 5))
show("resume nothing", pcall(coroutine.resume))
show("resume by name", pcall(function() coroutine.resume("x") end))
show("wrap no function", pcall(coroutine.wrap, 5))
show("wrap nothing", pcall(function() coroutine.wrap() end))
show("create from nothing", pcall(coroutine.create))
show("close no coroutine", pcall(coroutine.close, {}))
show("close the running one", pcall(coroutine.close, coroutine.running()))
show("resume the running one", coroutine.resume(coroutine.running()))
show("yield outside", pcall(coroutine.yield))

do
    local co
    co = coroutine.create(function()
        show("resume a normal one", coroutine.resume(co))
        local inner = coroutine.create(function()
            show("resume the resumer", coroutine.resume(co))
            show("close the resumer", pcall(coroutine.close, co))
            return coroutine.status(co)
        end)
        return coroutine.resume(inner)
    end)
    show("nested", coroutine.resume(co))
end

do
    local co = coroutine.create(function() work() error("broken") end)
    show("an error", coroutine.resume(co))
    show("after it", coroutine.status(co), coroutine.resume(co))
    show("close after it", coroutine.close(co))
    co = coroutine.create(function() error({ code = 7 }) end)
    local _, value = coroutine.resume(co)
    show("an error that is a table", value.code)
    co = coroutine.create(function() local x = nil; return x.y end)
    show("an error of Lua's", coroutine.resume(co))
    print(debug.traceback(co))
end

do
    local f = coroutine.wrap(function(...)
        work()
        local more = coroutine.yield(select("#", ...), ...)
        error("wrapped " .. more)
    end)
    show("wrapped", f(1, nil))
    show("its error has a position", pcall(f, "up"))
    show("and then it is dead", pcall(f))
    f = coroutine.wrap(function() error({}) end)
    show("its error may be a table", pcall(f))
    f = coroutine.wrap(function() error("no position", 0) end)
    show("its error without one", pcall(function() f() end))
    f = coroutine.wrap(function() f() end)
    show("it calls itself", pcall(f))
end

do
    local function guard(name)
        return setmetatable({}, {
            __close = function(_, reason)
                work()
                show("closing " .. name, reason)
            end,
        })
    end
    local function guarded(fail)
        local first <close> = guard("first")
        local second <close> = guard("second")
        coroutine.yield("held")
        if fail then error("in a guarded one") end
    end

    local co = coroutine.create(guarded)
    show("to be closed", coroutine.resume(co))
    show("closed", coroutine.close(co))
    local f = coroutine.wrap(guarded)
    show("to be closed, wrapped", f(true))
    show("closed by an error", pcall(f))
    f = coroutine.wrap(function(fail)
        local first <close> = guard("first")
        local bad <close> = setmetatable({}, {
            __close = function() error("in close") end,
        })
        error("in the body")
    end)
    show("an error in closing", pcall(f))
    co = coroutine.create(function()
        local bad <close> = setmetatable({}, {
            __close = function() error("in close") end,
        })
        coroutine.yield()
    end)
    coroutine.resume(co)
    show("close with an error", coroutine.close(co))
end

do
    local co = coroutine.wrap(function()
        show("across pcall", pcall(function()
            work()
            coroutine.yield("from pcall")
            error("after it")
        end))
        local t = setmetatable({}, { __index = function(_, key)
            return coroutine.yield("from __index " .. key)
        end })
        show("across a metamethod", t.field)
        for i in coroutine.wrap(function()
            for i = 1, 3 do work() coroutine.yield(i) end
        end) do
            coroutine.yield(i)
        end
        show("across sort", pcall(table.sort, { 3, 2, 1 }, function(a, b)
            coroutine.yield("from sort")
            return a < b
        end))
        return "end"
    end)
    show("1", co()) show("2", co()) show("3", co("value"))
    show("4", co()) show("5", co()) show("6", co())
end

do
    local many = {}
    for i = 1, 1000 do
        many[i] = coroutine.create(function(n)
            for j = 1, 3 do n = n + coroutine.yield(n) + work(50) end
            return n
        end)
    end
    local sum = 0
    for round = 1, 4 do
        for i = 1, #many do
            local _, value = assert(coroutine.resume(many[i], i))
            sum = sum + value
        end
    end
    show("a thousand", sum, coroutine.status(many[1000]))
    many = nil
    collectgarbage()
end

do
    local function nest(depth)
        work(500)
        if depth == 0 then return "bottom" end
        return coroutine.wrap(nest)(depth - 1)
    end
    show("nested 100 deep", nest(100))
    show("nested too deep", (pcall(nest, 300)))
end

do
    local values = {}
    for i = 1, 200 do values[i] = i end
    local co = coroutine.create(echo)
    show("many values", select("#", coroutine.resume(co, table.unpack(values))))
    show("too many results", pcall(coroutine.wrap(function()
        return table.unpack({}, 1, 999990)
    end)))
end

show("isyieldable", coroutine.isyieldable(), coroutine.wrap(function()
    return coroutine.isyieldable()
end)())

local co = coroutine.create(function()
    local level = 0
    while debug.getinfo(level, "S") do level = level + 1 end
    return level
end)
show("levels seen inside", coroutine.resume(co))
show("what they are", debug.getinfo(coroutine.resume, "S").what,
     debug.getinfo(coroutine.wrap(function() end), "S").what)
