-- Tables, metatables, sorting with comparison in Lua, garbage.
local scale = tonumber(arg and arg[1]) or 1

-- Not compiled: LuaJIT before August 2023 may leave a compiled loop over pairs()
-- only to enter it again, for ever (its issue 1000).
local function count_pairs(t)
    local n = 0
    for _ in pairs(t) do n = n + 1 end
    return n
end
jit.off(count_pairs)

local Point = {}
Point.__index = Point
Point.__add = function(a, b) return Point.new(a.x + b.x, a.y + b.y) end
Point.__eq = function(a, b) return a.x == b.x and a.y == b.y end
Point.__lt = function(a, b) return a.x < b.x end
Point.__call = function(self, k) return self.x * k end
Point.__tostring = function(self) return self.x .. "/" .. self.y end
function Point.new(x, y) return setmetatable({ x = x, y = y }, Point) end

for run = 1, scale do
    local sum = Point.new(0, 0)
    for i = 1, 300000 do sum = sum + Point.new(i % 3, 1) end
    print(run, tostring(sum), sum == Point.new(sum.x, sum.y), sum(2))

    local list = {}
    for i = 1, 20000 do list[i] = (i * 7919) % 10007 end
    table.sort(list)
    print(list[1], list[10000], list[20000])
    table.sort(list, function(a, b) return a > b end)
    print(list[1], list[10000], list[20000])

    local default = setmetatable({}, { __index = function(_, k) return k * 2 end })
    local found = 0
    for i = 1, 200000 do found = found + default[i % 100] end
    print(found)

    local queue, first, last = {}, 1, 0
    for i = 1, 200000 do
        last = last + 1
        queue[last] = { i, tostring(i % 10) }
        if i % 3 == 0 then
            queue[first] = nil
            first = first + 1
        end
    end
    print(count_pairs(queue), last - first + 1, #table.concat({ unpack(list, 1, 200) }, "-"))

    local kinds, poly, count = { 1, "2", 3.5, true, {}, print }, 0, {}
    for i = 1, 600000 do
        local v = kinds[i % 6 + 1]
        local kind = type(v)
        if kind == "number" then poly = poly + v
        elseif kind == "string" then poly = poly + #v
        elseif v == true then poly = poly + 0.25 end
        count[kind] = (count[kind] or 0) + 1
    end
    print(poly, count.number, count.string, count.table, count["function"])
    -- Values that nothing holds any more, and weak ones.
    local weak = setmetatable({}, { __mode = "v" })
    for i = 1, 1000 do weak[i] = { i } end
    collectgarbage()
    collectgarbage()
    print(next(weak))
end
local closed = 0
do
    for _ = 1, 100 do
        local p = newproxy(true)
        getmetatable(p).__gc = function()
            for i = 1, 100 do closed = closed + i % 2 end
        end
    end
end
collectgarbage()
collectgarbage()
print(closed)
