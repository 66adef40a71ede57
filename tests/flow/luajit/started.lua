-- Runs a program with a session: options of start() as Lua code, the program,
-- and its arguments. The counters go to stderr when it has ended.
local vmprof = require "vmprof"
local options, program = assert(loadstring("return " .. arg[1]))(), arg[2]
arg = { [0] = program, unpack(arg, 3) }
vmprof.start(options)
local ok, message = pcall(dofile, program)
vmprof.stop()
local words = {}
for name, value in pairs(vmprof.stats()) do
    if type(value) == "number" then words[#words + 1] = name .. "=" .. value end
end
io.stderr:write(ok and "" or message, "\n", table.concat(words, " "), "\n")
os.exit(ok and 0 or 1, true)
