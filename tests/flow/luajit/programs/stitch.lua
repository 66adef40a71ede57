-- Loops that call what cannot be compiled, so that traces are stitched; side
-- traces of side traces; numbers that change their representation.
local scale = tonumber(arg and arg[1]) or 1

local function stitched(n)
    local s = 0
    for i = 1, n do
        local t = { i, i + 1 }
        local key = next(t)
        s = s + key + #string.format("%s", i % 10)
        s = s + select("#", unpack(t)) + #table.concat(t, ",") % 3
        if i % 64 == 0 then s = s + #os.date("%Y", 0) end
    end
    return s
end

local function branches(n)
    local a, b, c, d, e = 0, 0, 0, 0, 0
    for i = 1, n do
        if i % 2 == 0 then
            if i % 3 == 0 then
                if i % 5 == 0 then
                    if i % 7 == 0 then a = a + 1 else b = b + 1 end
                else
                    c = c + 1
                end
            else
                d = d + i % 11
            end
        else
            e = e + (i % 13 > 6 and 1 or 2)
        end
    end
    return a, b, c, d, e
end

local function widen(n)
    local x, y = 2147483000, 1
    for i = 1, n do
        x = x + 1
        y = y * 3 % 4294967291
        if x > 2147484000 then x = x - 2000 end
    end
    return x, y
end

local function nested(n)
    local s = 0
    for i = 1, n do
        for j = 1, i % 7 + 1 do
            for k = 1, j % 3 + 1 do s = s + (i * j + k) % 10 end
        end
        local k = i
        while k > 1 do k = k % 2 == 0 and k / 2 or k - 1 end
        repeat s = s + k; k = k + 1 until k > 3
    end
    return s
end

for run = 1, scale do
    print(run, stitched(40000))
    print(branches(1000000))
    print(widen(1000000))
    print(nested(50000))
end
local ffi = require("ffi")
local buffer, sum = ffi.new("double[?]", 1000), 0
for i = 0, 999 do buffer[i] = i * 0.5 end
ffi.cdef "int abs(int); double fmod(double, double);"
for run = 1, 300 * scale do
    for i = 0, 999 do sum = sum + buffer[i] + ffi.C.abs(-i % 5) end
end
print(sum, tostring(ffi.new("int64_t", 5) * 3ll))
