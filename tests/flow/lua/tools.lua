-- A tool that wants all events there are, before a program begins.
local count = 0
all_events = require "vmprof".register_tool {
    name = "all",
    events = { "call", "return", "unwind", "tail-call", "c-call", "c-return",
               "c-raise", "resume", "yield", "line", "instruction" },
    callback = function() count = count + 1 end,
}
