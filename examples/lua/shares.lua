-- Four functions that use 50, 30, 15 and 5 % of the time, for a profiler to
-- find out:
--
--     lua5.4 shares.lua [SECONDS]
--
-- At the end it prints the shares that the program's own clock saw. A host that
-- runs it in several threads gives it a clock of the thread, thread_clock().

local seconds = tonumber((...)) or 4
local clock = thread_clock or os.clock

-- Every function has its loop in itself, so that its time is no callee's.
local function half(rounds)
    local sum = 0
    for i = 1, rounds do sum = (sum * 31 + i) % 1000003 end
    return sum
end

local function third(rounds)
    local sum = 0
    for i = 1, rounds do sum = (sum * 31 + i) % 1000003 end
    return sum
end

local function sixth(rounds)
    local sum = 0
    for i = 1, rounds do sum = (sum * 31 + i) % 1000003 end
    return sum
end

local function twentieth(rounds)
    local sum = 0
    for i = 1, rounds do sum = (sum * 31 + i) % 1000003 end
    return sum
end

local parts = {
    { name = "half", run = half, rounds = 50000, used = 0 },
    { name = "third", run = third, rounds = 30000, used = 0 },
    { name = "sixth", run = sixth, rounds = 15000, used = 0 },
    { name = "twentieth", run = twentieth, rounds = 5000, used = 0 },
}

local function one_turn()
    for _, part in ipairs(parts) do
        local before = clock()
        part.run(part.rounds)
        part.used = part.used + clock() - before
    end
end

local start = clock()
repeat
    one_turn()
until clock() - start >= seconds

local total = clock() - start
print("what the program's own clock saw:")
for _, part in ipairs(parts) do
    print(("  %-10s %5.1f %%"):format(part.name, 100 * part.used / total))
end
