-- Building, searching and comparing strings, much of it in C functions that
-- call back.
local scale = tonumber(arg and arg[1]) or 1

-- Not compiled, as in tables.lua.
local function sorted_keys(t)
    local keys = {}
    for key in pairs(t) do keys[#keys + 1] = key end
    table.sort(keys)
    return keys
end
jit.off(sorted_keys)

for run = 1, 2 * scale do
    local parts = {}
    for i = 1, 30000 do
        parts[#parts + 1] = tostring(i % 97) .. (i % 2 == 0 and "a" or 1.5)
    end
    local text = table.concat(parts, ",")
    local digits, words = 0, {}
    for word in text:gmatch("%d+") do digits = digits + #word end
    local changed = text:gsub("%d+", function(n)
        local value = tonumber(n)
        return value % 3 == 0 and "<" .. n .. ">" or nil
    end)
    for i = 1, #text, 7 do
        local byte = text:byte(i)
        words[byte] = (words[byte] or 0) + 1
    end
    local sum = 0
    for _, byte in ipairs(sorted_keys(words)) do sum = sum * 31 % 1000003 + words[byte] end
    local s = ""
    for i = 1, 3000 do s = s .. string.char(65 + i % 26) end
    print(run, #text, digits, #changed, sum, #s, s:rep(3):find("XYZ", 5000, true),
          ("%5.2f|%s|%q|%x"):format(sum / 7, s:sub(5, 9), "a\n\"", sum))
end
