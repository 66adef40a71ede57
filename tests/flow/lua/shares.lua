-- Four functions that use 50, 30, 15 and 5 % of this thread's CPU time. Returns
-- what a clock saw. thread_clock() is the host's; os.clock() is the process's.
local seconds = ...
local clock = thread_clock or os.clock

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

local start = clock()
repeat
    for _, part in ipairs(parts) do
        local before = clock()
        part.run(part.rounds)
        part.used = part.used + clock() - before
    end
until clock() - start >= tonumber(seconds)

local used = {}
for _, part in ipairs(parts) do
    used[#used + 1] = ("%s %.4f"):format(part.name, part.used)
end
print(table.concat(used, " "))
