-- Tools and hooks in C beside a Lua program: lua5.4 c_tools.lua
local vmprof = require "vmprof"
local tool = require "lua_tool"

vmprof.attach()

local CALL, RETURN, YIELD, UNWIND, C_CALL, LINE = 0, 2, 3, 5, 8, 16
local MASK_CALL, MASK_RETURN, MASK_LINE, MASK_COUNT = 1, 2, 4, 8

local number = 0

local function test(sentence, body)
    number = number + 1
    local good, message = pcall(body)
    print((good and "ok " or "not ok ") .. number .. " - " .. sentence)
    if not good then print("# " .. tostring(message)) end
end

local function same(found, wanted)
    if found ~= wanted then
        error(("%s is not %s"):format(found, wanted), 2)
    end
end

local function nothing() end

local function fib(n)
    if n < 2 then return n end
    return fib(n - 1) + fib(n - 2)
end

test("nothing is set while nobody wants anything", function()
    assert(not tool.is_hooked())
    local counted = tool.add("count", CALL)
    assert(tool.is_hooked())
    tool.drop(counted)
    assert(not tool.is_hooked())
end)

test("calls are counted exactly", function()
    local calls = tool.add("count", CALL)
    fib(10)
    tool.drop(calls)
    same(tool.calls(calls), 177)
    local both = tool.add("count", CALL, RETURN)
    fib(10)
    tool.drop(both)
    same(tool.calls(both), 354)
end)

test("an error that a callback returns is raised, and the frames are left",
     function()
    local unwound = tool.add("count", UNWIND)
    local failing = tool.add("fail", CALL)
    local good, message = pcall(nothing)
    tool.drop(failing)
    tool.drop(unwound)
    same(good, false)
    assert(message:find("vmprof: a tool's callback failed: ", 1, true), message)
    same(tool.calls(unwound), 1)
end)

test("a callback may be left by an error of Lua's", function()
    local counted = tool.add("count", CALL)
    local throwing = tool.add("throw", CALL)
    local messages = {}
    for i = 1, 5 do
        local _, message = pcall(nothing)
        messages[i] = message:match "thrown$"
    end
    tool.drop(throwing)
    same(tool.calls(throwing), 5)
    same(table.concat(messages, " "), "thrown thrown thrown thrown thrown")
    tool.drop(counted)
    counted = tool.add("count", CALL)
    for _ = 1, 6 do nothing() end
    tool.drop(counted)
    same(tool.calls(counted), 6)
    same(tool.running(), 0)
end)

test("one that throws when a function returns is over too", function()
    local throwing = tool.add("throw", RETURN)
    local good = false
    for _ = 1, 5 do
        good = good or pcall(nothing)
    end
    tool.drop(throwing)
    same(good, false)
    same(tool.calls(throwing), 5)
    nothing()
end)

test("a callback may fork", function()
    local forking = tool.add("fork", CALL)
    nothing()
    nothing()
    tool.drop(forking)
    same(tool.calls(forking), 2)
end)

test("a callback may take its own tool away", function()
    local going = tool.add("unregister", CALL)
    nothing()
    nothing()
    same(tool.calls(going), 1)
    assert(not tool.is_hooked())
end)

test("values of calls are those of Lua", function()
    local looking = tool.add("look", CALL)
    local function takes(a, b, c) local d = 1 return a, b, c, d end
    takes(1, "two", 2.5)
    tool.drop(looking)
    same(tool.seen(looking),
         "object function;argument number 1;argument string two;" ..
         "argument number 2.5;local number 1;local string two;" ..
         "local number 2.5;")
end)

test("the value of a return is its first result", function()
    local looking = tool.add("look", RETURN)
    local function gives() return "given", 2 end
    gives()
    tool.drop(looking)
    same(tool.seen(looking):match "^[^;]*;", "object string given;")
    looking = tool.add("look", RETURN)
    nothing()
    tool.drop(looking)
    same(tool.seen(looking), "")
end)

test("a hook that C code sets is called beside ours", function()
    tool.sethook(MASK_CALL, 0)
    fib(10)
    tool.sethook(0, 0)
    local alone = tool.hook_calls()
    for _, is_before in ipairs { true, false } do
        local counted
        if is_before then tool.sethook(MASK_CALL, 0) end
        counted = tool.add("count", CALL, C_CALL)
        if not is_before then
            tool.sethook(MASK_CALL, 0)
            -- A switch of coroutines is where ours goes on.
            coroutine.wrap(nothing)()
        end
        tool.hook_calls()
        fib(10)
        tool.drop(counted)
        local beside = tool.hook_calls()
        tool.sethook(0, 0)
        -- Besides what fib() calls: who takes the counts.
        assert(beside - alone >= 0 and beside - alone < 3, beside)
        assert(tool.calls(counted) >= 177, tool.calls(counted))
        assert(not tool.is_hooked())
    end
end)

test("a hook of C code that calls the one before goes on with it", function()
    local counted = tool.add("count", CALL)
    tool.sethook(MASK_CALL, 0, true)
    coroutine.wrap(nothing)()
    local before = tool.calls(counted)
    tool.hook_calls()
    fib(10)
    same(tool.calls(counted) - before, 177)
    assert(tool.hook_calls() >= 177)
    tool.drop(counted)
    tool.sethook(0, 0)
    assert(not tool.is_hooked())
end)

test("coroutines that C code runs are told of", function()
    local counted = tool.add("count", CALL, RETURN)
    local status = tool.run_in_coroutine(nothing)
    tool.drop(counted)
    same(status, 0)
    same(tool.calls(counted), 2)
    -- Nobody says that it failed, and it does not run again.
    counted = tool.add("count", CALL, UNWIND)
    status = tool.run_in_coroutine(function() error("end") end)
    tool.drop(counted)
    same(status, 2)
    same(tool.calls(counted), 1)
end)

test("a deep stack of frames is left at once", function()
    local unwound = tool.add("count", UNWIND)
    local function deep(n)
        if n == 0 then error("end") end
        return 1 + deep(n - 1)
    end
    pcall(deep, 10000)
    local function endless(n) return 1 + endless(n + 1) end
    same(pcall(endless, 1), false)
    tool.drop(unwound)
    assert(tool.calls(unwound) > 100000, tool.calls(unwound))
end)

test("what ran before is not taken for what is called", function()
    local counted, unwound
    local function inner()
        counted = tool.add("count", CALL, RETURN)
        unwound = tool.add("count", UNWIND)
        nothing()
    end
    local function outer() inner() nothing() end
    outer()
    tool.drop(counted)
    tool.drop(unwound)
    -- Both of nothing() twice, and the returns of inner() and outer().
    same(tool.calls(counted), 6)
    same(tool.calls(unwound), 0)
end)

test("many coroutines come and go while they are told of", function()
    local counted = tool.add("count", CALL, RETURN, YIELD, LINE)
    for _ = 1, 20 do
        local all = {}
        for i = 1, 200 do
            all[i] = coroutine.wrap(function() coroutine.yield() nothing() end)
            all[i]()
        end
        for i = 1, 200, 2 do all[i]() end
    end
    collectgarbage()
    tool.drop(counted)
    assert(tool.calls(counted) > 20 * 200 * 3)
end)

print("1.." .. number)
