-- What require "vmprof" gives a program, in the words of TAP.
local vmprof = require "vmprof"
local file = arg[1]
local tests = 0

local function check(ok, name)
    tests = tests + 1
    print((ok and "ok " or "not ok ") .. tests .. " - " .. name)
end

local function fails(f, what, name)
    local ok, message = pcall(f)
    check(not ok and tostring(message):find(what, 1, true) ~= nil,
          name .. (ok and "" or ": " .. tostring(message)))
end

check(vmprof._VERSION:match("^%d+%.%d+"), "it has a version")
fails(function() vmprof.start() end, "table expected", "start() wants a table")
fails(function() vmprof.start {} end, "'file' must be", "start() wants a file")
fails(function() vmprof.start { file = file, fiel = 1 } end,
      "unknown option 'fiel'", "start() knows its options")
fails(function() vmprof.start { file = file, interval = 0 } end,
      "more than 0", "no interval is refused")
fails(function() vmprof.start { file = file, interval = 0 / 0 } end,
      "more than 0", "an interval that is no number is refused")
fails(function() vmprof.start { file = file, edges = "all" } end,
      "option 'edges' cannot be 'all'", "unknown edges are refused")
fails(function() vmprof.start { file = file, max_frames = 1.5 } end,
      "must be an integer", "half a frame is refused")
fails(function() vmprof.start { file = "/no/such/file" } end,
      "cannot profile into '/no/such/file'", "a bad file is named")
fails(function() vmprof.stop() end, "profiling is not on", "stop() wants a start")

vmprof.start { file = file, interval = 0.0005 }
check(vmprof.stats().enabled, "it is on")
fails(function() vmprof.start { file = file } end, "already on",
      "start() does not nest")
fails(function() require("jit.profile").start("f", print) end,
      "in use by vmprof", "LuaJIT's own profiler is said to be in use")

-- Handlers of the program hear of traces as ever.
local heard = {}
local function handler(what) heard[what] = (heard[what] or 0) + 1 end
jit.attach(handler, "trace")
local function work(n)
    local s = 0
    for i = 1, n do s = s + i % 7 end
    return s
end
local deadline = os.clock() + 20
repeat work(1e6) until vmprof.stats().samples > 20 or os.clock() > deadline
local stats = vmprof.stats()
check(stats.samples > 20, "samples are taken")
check(stats.traces > 0 and heard.stop == stats.traces,
      "the program's own handler is called, too")
jit.attach(handler)
jit.flush()
work(1e4)
check(heard.flush == nil, "and not after it was detached")
vmprof.stop()
check(not vmprof.stats().enabled, "it is off")

vmprof.detach()
fails(vmprof.detach, "not attached", "what is detached is not attached")
local called = false
require("jit.profile").start("i1", function() called = true end)
deadline = os.clock() + 20
repeat work(1e5) next {} until called or os.clock() > deadline
check(called, "LuaJIT's own profiler can be used then")
fails(function() vmprof.attach() end, "own profiler is in use",
      "and says so where it is")
require("jit.profile").stop()
vmprof.attach()
vmprof.start { file = file, edges = "count" }
check(work(1e6) == work(1e6), "it can be attached again")
check(vmprof.stats().traces_told > 0, "and traces tell their edges")
vmprof.stop()
print("1.." .. tests)
