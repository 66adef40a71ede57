-- Compiled code that goes away: flushed as a whole, by function, by trace; with
-- the compiler switched off and on, for functions and for all.
local scale = tonumber(arg and arg[1]) or 1

local function work(n)
    local s = 0
    for i = 1, n do
        if i % 3 == 0 then s = s + 1
        elseif i % 5 == 0 then s = s + 2
        else s = s + i % 8 end
    end
    return s
end

local function outer(n)
    local t = 0
    for j = 1, n do t = (t + work(50 + j % 3)) % 1000003 end
    return t
end

local function never(n)
    local s = 0
    for i = 1, n do s = s + i % 3 end
    return s
end
jit.off(never)

for i = 1, 40 * scale do
    local sum = outer(1500) + never(20000)
    if i % 5 == 0 then jit.flush() end
    if i % 7 == 0 then jit.flush(work) end
    if i % 11 == 0 then for trace = 1, 20 do jit.flush(trace) end end
    if i % 13 == 0 then jit.off() elseif i % 13 == 1 then jit.on() end
    if i % 17 == 0 then jit.off(work) elseif i % 17 == 2 then jit.on(work) end
    if i % 8 == 0 then print(i, sum, work(100000)) end
end
jit.on()

-- So many traces that the limits of the compiler are reached again and again.
require("jit.opt").start("maxtrace=40", "hotloop=3", "hotexit=2")
local total = 0
for i = 1, 150 * scale do
    local f = assert(loadstring(([[
        local s, n = 0, ...
        for i = 1, n do
            if i %% %d == 0 then s = s + %d else s = s + i %% 4 end
        end
        return s]]):format(i % 9 + 2, i)))
    total = total + f(200)
end
print(total)
require("jit.opt").start("maxtrace=1000", "maxmcode=64", "sizemcode=16")
for i = 1, 300 * scale do
    local f = assert(loadstring(([==[
        local a, n = { 1, 2, 3, 4, 5 }, ...
        local s = 0
        for i = 1, n do
            local k = i %% 5 + 1
            a[k] = a[k] + i %% %d
            if a[k] > 1000 then a[k] = a[k] - 1000 s = s + 1 end
        end
        return s + a[1] + a[5]]==]):format(i % 7 + 2)))
    total = (total + f(300)) % 1000003
end
print(total)
