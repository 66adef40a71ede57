-- Coroutines of all shapes, and errors that leave them.
local scale = tonumber(arg and arg[1]) or 1

local function range(n)
    return coroutine.wrap(function()
        for i = 1, n do coroutine.yield(i) end
    end)
end

local function permutations(items, n)
    n = n or #items
    if n <= 1 then
        coroutine.yield(items)
    else
        for i = 1, n do
            items[n], items[i] = items[i], items[n]
            permutations(items, n - 1)
            items[n], items[i] = items[i], items[n]
        end
    end
end

for run = 1, scale do
    local sum = 0
    for i in range(200000) do sum = sum + i end
    print(run, sum)
    local count, hash = 0, 0
    for items in coroutine.wrap(function()
        permutations { 1, 2, 3, 4, 5, 6, 7, 8 }
    end) do
        count = count + 1
        hash = (hash * 31 + items[1] * 8 + items[8]) % 1000003
    end
    print(count, hash)
    -- A compiled loop in each, in turns.
    local threads, total = {}, 0
    for i = 1, 20 do
        threads[i] = coroutine.create(function(step)
            local s = 0
            while true do
                for k = 1, 200 do s = (s + k * step) % 65537 end
                step = coroutine.yield(s)
                if step == 99 then error("thread " .. i .. " ends", 0) end
            end
        end)
    end
    for round = 1, 300 do
        for i = 1, #threads do
            local ok, value = coroutine.resume(threads[i], round % 13)
            total = (total + (ok and value or -1)) % 1000003
        end
    end
    print(total)
    for i = 1, #threads do print(coroutine.resume(threads[i], 99)) end
    print(coroutine.resume(threads[1]))
end
