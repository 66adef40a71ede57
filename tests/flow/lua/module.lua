-- require "vmprof" as a program uses it: lua5.4 module.lua FILE
local vmprof = require "vmprof"

local file = arg[1]
local number = 0

local function test(sentence, body)
    number = number + 1
    local good, message = pcall(body)
    print((good and "ok " or "not ok ") .. number .. " - " .. sentence)
    if not good then print("# " .. tostring(message)) end
end

local function fails(pattern, f, ...)
    local good, message = pcall(f, ...)
    assert(not good, "no error was raised")
    assert(tostring(message):find(pattern, 1, true),
           ("%q does not say %q"):format(tostring(message), pattern))
end

local function start(options) return vmprof.start(options) end

local function busy(seconds)
    local stop = os.clock() + seconds
    repeat until os.clock() > stop
end

test("requiring it changes nothing", function()
    assert(debug.getinfo(coroutine.wrap, "u").nups == 0)
    assert(rawget(_G, "vmprof") == nil)
    assert(not vmprof.stats().enabled)
end)

test("its version is told", function()
    assert(vmprof._VERSION:match("^%d+%.%d+%.%d+$"))
end)

test("start() wants a table", function()
    fails("bad argument #1 to 'start' (table expected, got no value)",
          function() vmprof.start() end)
end)

test("start() wants a file", function()
    fails("option 'file' must be the name of a file", start, {})
    fails("option 'file' must be the name of a file", start, { file = "" })
    fails("option 'file' must be the name of a file", start, { file = "a\0b" })
    fails("option 'file' must be the name of a file", start, { file = {} })
end)

test("start() refuses an interval that is none", function()
    for _, interval in ipairs { 0, -1, 1, 0 / 0, 1 / 0, "x", true, {} } do
        fails("option 'interval' must be seconds", start,
              { file = file, interval = interval })
    end
end)

test("start() refuses modes, clocks and depths that there are not", function()
    fails("option 'mode' cannot be 'cpuu'", start, { file = file, mode = "cpuu" })
    fails("option 'mode' cannot be 'table: ", start, { file = file, mode = {} })
    fails("option 'clock' cannot be '7'", start, { file = file, clock = 7 })
    for _, frames in ipairs { 0, -1, 65537, 1.5, "many" } do
        fails("option 'max_frames' must be an integer", start,
              { file = file, max_frames = frames })
    end
end)

test("start() refuses options that it does not know", function()
    fails("unknown option 'intervall'", start, { file = file, intervall = 1 })
    fails("unknown option '1'", start, { file })
end)

test("start() says why the file cannot be written", function()
    fails("cannot profile into '/nowhere/x': No such file or directory", start,
          { file = "/nowhere/x" })
    assert(not vmprof.stats().enabled)
end)

test("stop() before start() is an error", function()
    fails("profiling is not on", vmprof.stop)
end)

test("what start() began, stop() ends", function()
    vmprof.start { file = file, interval = 0.001 }
    assert(vmprof.stats().enabled)
    busy(0.1)
    vmprof.stop()
    local stats = vmprof.stats()
    assert(not stats.enabled)
    assert(stats.interval_ns == 1000000)
    assert(stats.samples > 10, stats.samples)
    assert(stats.samples_written == stats.samples)
    assert(stats.bytes_written > 100)
    assert(stats.write_error == nil)
end)

test("starting twice is an error, and the first goes on", function()
    vmprof.start { file = file }
    fails("profiling is already on", start, { file = file })
    assert(vmprof.stats().enabled)
    busy(0.05)
    vmprof.stop()
    fails("profiling is not on", vmprof.stop)
    assert(io.open(file):seek("end") > 100)
end)

test("a session follows another", function()
    for _ = 1, 5 do
        vmprof.start { file = file, interval = 0.0005 }
        busy(0.02)
        vmprof.stop()
        assert(vmprof.stats().samples > 0)
    end
end)

test("attach() twice does no harm", function()
    vmprof.attach()
    vmprof.attach()
    assert(vmprof.stats().threads == 1)
end)

test("a detached state is not sampled", function()
    vmprof.detach()
    fails("this Lua state is not attached", vmprof.detach)
    assert(vmprof.stats().threads == 0)
    vmprof.start { file = file }
    vmprof.detach()
    local before = vmprof.stats().samples
    busy(0.05)
    assert(vmprof.stats().samples == before)
    vmprof.attach()
    busy(0.05)
    assert(vmprof.stats().samples > before)
    vmprof.stop()
end)

test("coroutines are followed after detach() and attach() again", function()
    vmprof.start { file = file }
    for _ = 1, 3 do
        vmprof.detach()
        vmprof.attach()
        assert(coroutine.wrap(function()
            busy(0.02)
            return "done"
        end)() == "done")
    end
    vmprof.stop()
end)

test("deep recursion is cut and counted", function()
    local function deep(n)
        if n == 0 then busy(0.2) return 0 end
        return 1 + deep(n - 1)
    end
    vmprof.start { file = file, max_frames = 50 }
    assert(deep(100000) == 100000)
    vmprof.stop()
    local stats = vmprof.stats()
    assert(stats.stacks_cut > 0, "no stack was cut")
    assert(stats.frames_cut // stats.stacks_cut > 50000, stats.frames_cut)
end)

test("an overflow of Lua's stack is the program's error as ever", function()
    local function endless(n) return 1 + endless(n + 1) end
    vmprof.start { file = file, interval = 0.0005 }
    fails("stack overflow", endless, 1)
    vmprof.stop()
end)

-- Left on: closing the state ends it.
vmprof.start { file = file }
busy(0.05)
print("1.." .. number)
