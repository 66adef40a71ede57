-- Calls: recursion of several kinds, closures, variable arguments.
local scale = tonumber(arg and arg[1]) or 1

local function fib(n)
    if n < 2 then return n end
    return fib(n - 1) + fib(n - 2)
end

local function tak(x, y, z)
    if y >= x then return z end
    return tak(tak(x - 1, y, z), tak(y - 1, z, x), tak(z - 1, x, y))
end

local function ackermann(m, n)
    if m == 0 then return n + 1 end
    if n == 0 then return ackermann(m - 1, 1) end
    return ackermann(m - 1, ackermann(m, n - 1))
end

local function count_down(n, sum)
    if n == 0 then return sum end
    return count_down(n - 1, sum + n)
end

local function counter()
    local n = 0
    return function(by)
        n = n + by
        return n
    end
end

local function sum(...)
    local s = 0
    for i = 1, select("#", ...) do s = s + (select(i, ...)) end
    return s
end

print(fib(27))
print(tak(16, 8, 0))
print(ackermann(2, 300))
for _ = 1, scale do print(count_down(500000, 0)) end
local counters, total = {}, 0
for i = 1, 10 do counters[i] = counter() end
for i = 1, 1000000 * scale do total = total + counters[i % 10 + 1](i % 7) end
print(total)
total = 0
for i = 1, 150000 * scale do total = total + sum(i, 1, 2, sum(3, i % 5)) end
print(total)
