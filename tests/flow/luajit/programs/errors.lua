-- Errors out of compiled code, through pcall and xpcall, and out of C functions
-- that it calls.
local scale = tonumber(arg and arg[1]) or 1

local function check(x)
    if x % 5 == 0 then error("five") end
    if x % 7 == 0 then error({ code = x }) end
    return x
end

local function deep(n)
    if n == 0 then error("bottom", 0) end
    return 1 + deep(n - 1)
end

local ok, tables, five = 0, 0, 0
for i = 1, 100000 * scale do
    local fine, e = pcall(check, i)
    if fine then ok = ok + e
    elseif type(e) == "table" then tables = tables + e.code
    else five = five + 1 end
end
print(ok, tables, five)

local caught = 0
for i = 1, 7000 * scale do
    local _, e = xpcall(deep, function(m) return m .. i % 3 end, i % 20)
    if e == "bottom1" then caught = caught + 1 end
end
print(caught)

-- Of C functions, in loops that are compiled.
local bad = 0
for i = 1, 7000 * scale do
    local value = i % 4 == 0 and {} or tostring(i)
    if not pcall(string.rep, value, 2) then bad = bad + 1 end
    if not pcall(function() return ("x" .. i):rep(i % 3) + 1 end) then
        bad = bad + 1
    end
    if not pcall(function() return nil .. value end) then bad = bad + 1 end
end
print(bad)

-- An index that is missing after many that are there.
local t = {}
for i = 1, 1000 do t[i] = { n = i } end
local function sum(n)
    local s = 0
    for i = 1, n do s = s + t[i].n end
    return s
end
for i = 1, 200 * scale do
    local fine, e = pcall(sum, i % 100 == 0 and 1001 or 1000)
    if i % 50 == 0 then print(fine, (tostring(e):gsub("^.-:%d+: ", ""))) end
end
print(select("#", pcall(error)))

-- A stack that is as large as it may be.
local function forever(n) return 1 + forever(n + 1) end
local overflows = 0
for _ = 1, 20 * scale do
    local fine, e = pcall(forever, 1)
    if not fine and e:find("stack overflow", 1, true) then
        overflows = overflows + 1
    end
end
print(overflows)
