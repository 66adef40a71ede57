-- SPDX-License-Identifier: MIT

-- always_on.lua PROGRAM: run it beneath a hook that is always there, and say what
-- that has seen: each line that ran, calls by function, and by caller and function;
-- and the lines that these functions have, but for those of their ends.

local getinfo, sethook = debug.getinfo, debug.sethook
local create, wrap = coroutine.create, coroutine.wrap
local program = arg[1]
local lines, calls, edges, active = {}, {}, {}, {}

local function add(counts, key)
    counts[key] = (counts[key] or 0) + 1
end

local function is_of_program(info)
    return info and info.source == "@" .. program
end

local function look_at_lines(info)
    for line in pairs(info.activelines) do
        if line ~= info.lastlinedefined then
            active[line] = true
        end
    end
end

local function hook(event, line)
    local info = getinfo(2, "S")
    if not is_of_program(info) then
        return
    end
    if event == "line" then
        lines[line] = true
        return
    end
    add(calls, info.linedefined)
    look_at_lines(getinfo(2, "SL"))
    -- Of a tail call who called the function that is gone.
    local caller = getinfo(3, "S")
    if is_of_program(caller) then
        add(edges, caller.linedefined .. " " .. info.linedefined)
    end
end

local function with_hook(make)
    return function(body)
        return make(function(...)
            sethook(hook, "cl")
            return body(...)
        end)
    end
end

local main = assert(loadfile(program))
coroutine.create, coroutine.wrap = with_hook(create), with_hook(wrap)
sethook(hook, "cl")
main()
sethook()
for line in pairs(lines) do
    print("line", line)
end
for line in pairs(active) do
    print("active", line)
end
for line, count in pairs(calls) do
    print("calls", line, count)
end
for edge, count in pairs(edges) do
    print("edge", edge, count)
end
