-- Events of Lua programs, against sequences written by hand, and what tools in
-- Lua may do: lua5.4 events.lua
local vmprof = require "vmprof"

local number = 0

local function test(sentence, body)
    number = number + 1
    local good, message = pcall(body)
    print((good and "ok " or "not ok ") .. number .. " - " .. sentence)
    if not good then
        print("# " .. tostring(message):gsub("\n", "\n# "))
    end
end

local function fails(pattern, f, ...)
    local good, message = pcall(f, ...)
    assert(not good, "no error was raised")
    assert(tostring(message):find(pattern, 1, true),
           ("%q does not say %q"):format(tostring(message), pattern))
end

local function same(found, wanted)
    if found ~= wanted then
        error("found  " .. found .. "\nwanted " .. wanted, 0)
    end
end

-- All events that `run` brings, by name and, where there is one, line after the
-- line that `run` is defined on; without those of the tool's own calls.
local function sequence(events, run, ...)
    local base = debug.getinfo(run, "S").linedefined
    local log, on = {}, false
    local tool <close> = vmprof.register_tool {
        name = "sequence",
        events = events,
        callback = function(event, line)
            if not on then return end
            log[#log + 1] = line and event .. " " .. line - base or event
        end,
    }
    on = true
    pcall(run, ...)
    on = false
    return table.concat(log, ", ")
end

local CALLS = { "call", "return", "unwind", "tail-call" }
local ALL = { "call", "return", "unwind", "tail-call", "c-call", "c-return",
              "c-raise", "resume", "yield" }

-- Around everything that sequence() finds there is its own pcall().
local function within(inner)
    return "c-call, " .. inner .. ", c-return"
end

test("calls and returns are pairs", function()
    same(sequence(CALLS, function()
        local function inner() return 1 end
        local function outer() return inner() + inner() end
        outer()
    end), "call 0, call 2, call 1, return, call 1, return, return, return")
end)

test("C functions are told apart", function()
    same(sequence(ALL, function()
        tostring(1)
        string.rep("x", 3)
    end), within "call 0, c-call, c-return, c-call, c-return, return")
end)

test("C functions that call Lua functions are around them", function()
    same(sequence(ALL, function()
        table.sort({ 2, 1 }, function(a, b) return a < b end)
    end), within "call 0, c-call, call 1, return, c-return, return")
end)

test("a tail call is a return and a call", function()
    same(sequence(CALLS, function()
        local function tail(n)
            if n == 0 then return 0 end
            return tail(n - 1)
        end
        local _ = tail(2) + 1
    end), "call 0, call 1, tail-call, return, call 1, tail-call, return, " ..
          "call 1, return, return")
end)

test("a tail call of a C function is a call", function()
    same(sequence(ALL, function()
        local function tail() return tostring(1) end
        local _ = tail() .. ""
    end), within "call 0, call 1, c-call, c-return, return, return")
end)

test("an error through several frames leaves each", function()
    same(sequence(ALL, function()
        local function deep(n)
            if n == 0 then error("end") end
            deep(n - 1)
            return n
        end
        pcall(deep, 2)
    end), within("call 0, c-call, call 1, call 1, call 1, c-call, c-raise, " ..
                 "unwind, unwind, unwind, c-return, return"))
end)

test("an error of the machine leaves its function", function()
    same(sequence(ALL, function()
        pcall(function() local x = nil + 1 return x end)
    end), within "call 0, c-call, call 1, unwind, c-return, return")
end)

test("an error that nobody catches before is told where it is", function()
    same(sequence(ALL, function() error("end") end),
         "c-call, call 0, c-call, c-raise, unwind, c-return")
end)

test("a handler of errors runs above what it handles", function()
    same(sequence(ALL, function()
        xpcall(function() error("end") end, function() return 1 end)
    end), within("call 0, c-call, call 1, c-call, call 1, return, c-raise, " ..
                 "unwind, c-return, return"))
end)

test("an error is caught within another that is caught", function()
    same(sequence(CALLS, function()
        local function again() pcall(error) error("out") end
        pcall(again)
        pcall(again)
    end), "call 0, call 1, unwind, call 1, unwind, return")
end)

test("coroutines are called, yield, go on, and return", function()
    same(sequence(CALLS, function()
        local co = coroutine.wrap(function()
            coroutine.yield()
            coroutine.yield()
        end)
        co() co() co()
    end), "call 0, call 1, return, return")
    same(sequence({ "call", "return", "resume", "yield" }, function()
        local co = coroutine.wrap(function()
            coroutine.yield()
            coroutine.yield()
        end)
        co() co() co()
    end), "call 0, call 1, yield, resume, yield, resume, return, return")
end)

test("a call of yield() is over when the coroutine is suspended", function()
    same(sequence(ALL, function()
        local co = coroutine.create(function() coroutine.yield() end)
        coroutine.resume(co)
        coroutine.resume(co)
    end), within("call 0, c-call, c-return, c-call, call 1, c-call, " ..
                 "c-return, yield, c-return, c-call, resume, return, " ..
                 "c-return, return"))
end)

test("an error that ends a coroutine leaves all of its frames", function()
    same(sequence(CALLS, function()
        local co = coroutine.create(function()
            local function inner() error("end") end
            inner()
        end)
        coroutine.resume(co)
        local function after() end
        after()
    end), "call 0, call 1, call 2, unwind, unwind, call 6, return, return")
    same(sequence(CALLS, function()
        local co = coroutine.wrap(function() error("end") end)
        pcall(co)
    end), "call 0, call 1, unwind, return")
end)

test("a coroutine that is closed early leaves all of its frames", function()
    same(sequence({ "call", "return", "unwind", "resume", "yield" }, function()
        local co = coroutine.create(function()
            local function inner() coroutine.yield() end
            inner()
        end)
        coroutine.resume(co)
        coroutine.close(co)
    end), "call 0, call 1, call 2, yield, unwind, unwind, return")
end)

test("what is closed in a coroutine runs after its frames are gone", function()
    same(sequence(CALLS, function()
        local co = coroutine.create(function()
            local closed <close> = setmetatable({}, {
                __close = function() end,
            })
            coroutine.yield()
        end)
        coroutine.resume(co)
        coroutine.close(co)
    end), "call 0, call 1, unwind, call 3, return, return")
end)

test("coroutines that resume each other are told apart", function()
    same(sequence({ "call", "return", "resume", "yield" }, function()
        local inner = coroutine.wrap(function()
            coroutine.yield()
        end)
        local outer = coroutine.wrap(function()
            inner()
            coroutine.yield()
            inner()
        end)
        outer() outer()
    end), "call 0, call 4, call 1, yield, yield, resume, resume, return, " ..
          "return, return")
end)

test("a yield across pcall() leaves that waiting", function()
    same(sequence(ALL, function()
        local co = coroutine.wrap(function()
            pcall(function() coroutine.yield() error("end") end)
        end)
        co() co()
    end), within("call 0, c-call, c-return, c-call, call 1, c-call, call 2, " ..
                 "c-call, c-return, yield, c-return, c-call, resume, " ..
                 "c-call, c-raise, unwind, c-return, return, c-return, return"))
end)

test("lines are those of Lua", function()
    local lines = {}
    local function program()
        local sum = 0
        for i = 1, 3 do
            sum = sum + i
        end
        return sum
    end
    debug.sethook(function(_, line) lines[#lines + 1] = "line " .. line end, "l")
    program()
    debug.sethook()
    local base = debug.getinfo(program, "S").linedefined
    local found = sequence({ "line" }, program)
    for i = #lines, 1, -1 do
        local line = tonumber(lines[i]:match "%d+") - base
        if line < 0 or line > 6 then table.remove(lines, i)
        else lines[i] = "line " .. line end
    end
    -- Around it there are those of sequence() itself.
    found = found:gsub("^line %-%d+, ", ""):gsub(", line %-%d+$", "")
    same(found, table.concat(lines, ", "))
    same(found, "line 1, line 2, line 3, line 2, line 3, line 2, line 3, " ..
                "line 2, line 5")
end)

test("lines and calls are as many as a hook of the program's counts", function()
    local ours, theirs = {}, {}
    local function add(counts, event, line)
        local key = event .. " " .. (line or "")
        counts[key] = (counts[key] or 0) + 1
    end
    local function program()
        local words = {}
        for i = 1, 200 do
            words[i] = ("%d"):format(i * 7919 % 1000)
        end
        table.sort(words, function(a, b) return a < b end)
        local co = coroutine.wrap(function()
            for _, word in ipairs(words) do coroutine.yield(word) end
        end)
        local seen = {}
        for word in co do
            seen[word] = select(2, pcall(function()
                if #word < 3 then error(word) end
                return #word
            end))
        end
    end
    local names = { call = "call", ["c-call"] = "call", line = "line" }
    names["return"], names["c-return"] = "return", "return"
    local tool <close> = vmprof.register_tool {
        name = "count", events = {},
        callback = function(event, line)
            add(ours, names[event], names[event] == "line" and line)
        end,
    }
    -- A coroutine starts with the hook of C code, not with that of a function.
    local function hook(event, line) add(theirs, event, line) end
    local wrap = coroutine.wrap
    coroutine.wrap = function(f)
        return wrap(function(...)
            debug.sethook(hook, "crl")
            return f(...)
        end)
    end
    debug.sethook(hook, "crl")
    tool:set_events { "call", "c-call", "return", "c-return", "line" }
    program()
    tool:set_events {}
    debug.sethook()
    coroutine.wrap = wrap
    local checked = 0
    local base = debug.getinfo(program, "S")
    for line = base.linedefined + 1, base.lastlinedefined do
        checked = checked + (theirs["line " .. line] or 0)
        same("line " .. line .. ": " .. (ours["line " .. line] or 0),
             "line " .. line .. ": " .. (theirs["line " .. line] or 0))
    end
    assert(checked > 3000, checked)
    -- What is between the two settings and around the coroutine's own.
    for _, event in ipairs { "call", "return" } do
        local difference = ours[event .. " "] - theirs[event .. " "]
        assert(math.abs(difference) < 8, event .. " " .. difference)
    end
end)

test("metamethods and iterators are calls", function()
    same(sequence(CALLS, function()
        local t = setmetatable({}, { __index = function() return 1 end })
        local _ = t.x
        for _ in function() end do end
    end), "call 0, call 1, return, call 3, return, return")
end)

test("instructions are sampled", function()
    local count = 0
    local tool <close> = vmprof.register_tool {
        name = "count",
        events = { "instruction" },
        callback = function() count = count + 1 end,
    }
    for _ = 1, 100000 do end
    tool:close()
    assert(count == 100, count)
end)

test("false disables a site, and restart() enables it again", function()
    local hits = {}
    local tool <close> = vmprof.register_tool {
        name = "coverage",
        events = { "line" },
        callback = function(_, line)
            hits[line] = (hits[line] or 0) + 1
            return false
        end,
    }
    local function program()
        local sum = 0
        for i = 1, 10 do
            sum = sum + i
        end
    end
    local line = debug.getinfo(program, "S").linedefined + 3
    program()
    program()
    assert(hits[line - 1] == 1 and hits[line] == 1)
    tool:restart()
    program()
    assert(hits[line - 1] == 2 and hits[line] == 2)
end)

test("an error in a callback is the program's", function()
    local tool <close> = vmprof.register_tool {
        name = "fails",
        events = {},
        callback = function() error("of a callback", 0) end,
    }
    local function program() return 1 end
    tool:set_events { "call" }
    local good, message = pcall(program)
    tool:set_events {}
    assert(not good and message == "of a callback", message)
    local co = coroutine.wrap(function() coroutine.yield(1) return 2 end)
    co()
    tool:set_events { "resume" }
    good, message = pcall(co)
    tool:set_events {}
    assert(not good and message == "of a callback", message)
    assert(co() == 2)
    tool:set_events { "yield" }
    good, message = pcall(coroutine.wrap(function() coroutine.yield(1) end))
    tool:set_events {}
    assert(not good and message == "of a callback", message)
end)

test("an error in a callback keeps no other tool from the event", function()
    local count = 0
    local first <close> = vmprof.register_tool {
        name = "first",
        events = {},
        priority = 1,
        callback = function() error("of a callback", 0) end,
    }
    local second <close> = vmprof.register_tool {
        name = "second",
        events = { "call" },
        callback = function() count = count + 1 end,
    }
    local function program() return 1 end
    first:set_events { "call" }
    pcall(program)
    first:set_events {}
    assert(count == 1, count)
end)

test("a callback has no events of its own", function()
    local count = 0
    local function helper() return 1 end
    local tool <close> = vmprof.register_tool {
        name = "recursive",
        events = { "call" },
        callback = function() helper() count = count + 1 end,
    }
    helper()
    tool:close()
    assert(count == 1, count)
end)

test("a callback can close its tool", function()
    local count, tool = 0, nil
    tool = vmprof.register_tool {
        name = "closes",
        events = { "call" },
        callback = function() count = count + 1 tool:close() end,
    }
    local function program() return 1 end
    program()
    program()
    assert(count == 1, count)
    fails("this tool is closed", tool.restart, tool)
    assert(debug.gethook() == nil)
end)

test("a callback looks at what runs", function()
    local found
    local tool <close> = vmprof.register_tool {
        name = "looks",
        events = { "call" },
        callback = function(_, _, runs)
            local _, value = debug.getlocal(runs, 0, 1)
            found = value
        end,
    }
    local function program(x) return x end
    program("seen")
    tool:close()
    assert(found == "seen", found)
end)

test("a tool that is wrong is refused", function()
    local function callback() end
    fails("table expected", vmprof.register_tool)
    fails("there is no event 'calls'", vmprof.register_tool,
          { name = "x", events = { "calls" }, callback = callback })
    fails("function expected", vmprof.register_tool,
          { name = "x", events = {} })
    fails("bad argument", vmprof.register_tool,
          { name = "", events = {}, callback = callback })
    local tool <close> = vmprof.register_tool {
        name = "x", events = {}, callback = callback }
    fails("a tool of this name is registered", vmprof.register_tool,
          { name = "x", events = {}, callback = callback })
    fails("there is no event 'x'", tool.set_events, tool, { "x" })
end)

test("no hook is set when nobody wants an event", function()
    local tool <close> = vmprof.register_tool {
        name = "off", events = { "call" }, callback = function() end }
    tool:set_events {}
    local co = coroutine.wrap(function() return debug.gethook() end)
    assert(debug.gethook() == nil and co() == nil)
end)

test("debug.gethook() tells of the program's hook alone", function()
    local tool <close> = vmprof.register_tool {
        name = "hidden", events = { "call", "line", "instruction" },
        callback = function() end }
    local function mine() end
    local function check(...)
        local found = table.pack(debug.gethook())
        local wanted = table.pack(...)
        for i = 1, 3 do
            assert(found[i] == wanted[i], tostring(found[i]))
        end
    end
    assert(debug.gethook() == nil)
    debug.sethook(mine, "crl", 7)
    check(mine, "crl", 7)
    local co = coroutine.create(mine)
    debug.sethook()
    assert(debug.gethook() == nil)
    debug.sethook(co, mine, "r")
    assert(debug.gethook() == nil)
    assert(debug.gethook(co) == mine)
    debug.sethook(co)
    assert(debug.gethook(co) == nil)
    fails("sethook' (string expected, got table)", debug.sethook, mine, {})
    debug.sethook(mine, "", 100000)
    tool:close()
    check(mine, "", 100000)
    debug.sethook()
end)

print("1.." .. number)
