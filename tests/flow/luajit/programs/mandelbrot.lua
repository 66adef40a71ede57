-- Nested loops whose inner one is left at any time.
local scale = tonumber(arg and arg[1]) or 1

local function inside(cr, ci, limit)
    local zr, zi = 0, 0
    for i = 1, limit do
        local rr, ii = zr * zr, zi * zi
        if rr + ii > 4 then return i end
        zr, zi = rr - ii + cr, 2 * zr * zi + ci
    end
    return 0
end

for run = 1, scale do
    local size, sum, rows = 400, 0, {}
    for y = 0, size - 1 do
        local row = 0
        for x = 0, size - 1 do
            row = row + inside(2 * x / size - 1.5, 2 * y / size - 1, 200)
        end
        sum = sum + row
        if y % 40 == 0 then rows[#rows + 1] = row end
    end
    print(run, sum, table.concat(rows, " "))
end
