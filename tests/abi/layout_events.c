/* SPDX-License-Identifier: MIT */

/* Of events and the tools that want them. */

#include "layout.h"

#include <vmprof/event_recorder.h>
#include <vmprof/events.h>

struct event_1 {
    uint32_t kind;
    uint32_t line;
    uint64_t code;
    uint64_t offset;
    uint64_t target;
    uint64_t callee;
    void *object;
    void *frame;
};

SAME(vmprof_event, event_1, kind);
SAME(vmprof_event, event_1, line);
SAME(vmprof_event, event_1, code);
SAME(vmprof_event, event_1, offset);
SAME(vmprof_event, event_1, target);
SAME(vmprof_event, event_1, callee);
SAME(vmprof_event, event_1, object);
SAME(vmprof_event, event_1, frame);
SAME_SIZE(vmprof_event, event_1);

struct value_1 {
    uint32_t kind;
    uint32_t reserved;
    int64_t integer;
    double number;
    const void *bytes;
    uint64_t size;
    const char *type;
};

SAME(vmprof_value, value_1, kind);
SAME(vmprof_value, value_1, reserved);
SAME(vmprof_value, value_1, integer);
SAME(vmprof_value, value_1, number);
SAME(vmprof_value, value_1, bytes);
SAME(vmprof_value, value_1, size);
SAME(vmprof_value, value_1, type);
SAME_SIZE(vmprof_value, value_1);

struct tool_callbacks_0_1 {
    uint64_t size;
    void *user;
    vmprof_event_function event;
    int64_t priority;
    uint64_t allocation_period;
};

SAME(vmprof_tool_callbacks, tool_callbacks_0_1, size);
SAME(vmprof_tool_callbacks, tool_callbacks_0_1, user);
SAME(vmprof_tool_callbacks, tool_callbacks_0_1, event);
SAME(vmprof_tool_callbacks, tool_callbacks_0_1, priority);
SAME(vmprof_tool_callbacks, tool_callbacks_0_1, allocation_period);
STILL_FITS(vmprof_tool_callbacks, tool_callbacks_0_1);

struct tool_info_0_1 {
    uint64_t size;
    uint64_t tool;
    uint64_t events;
    int64_t priority;
    uint64_t errors;
    int32_t last_error;
    int32_t reserved;
    char name[64];
};

SAME(vmprof_tool_info, tool_info_0_1, size);
SAME(vmprof_tool_info, tool_info_0_1, tool);
SAME(vmprof_tool_info, tool_info_0_1, events);
SAME(vmprof_tool_info, tool_info_0_1, priority);
SAME(vmprof_tool_info, tool_info_0_1, errors);
SAME(vmprof_tool_info, tool_info_0_1, last_error);
SAME(vmprof_tool_info, tool_info_0_1, reserved);
SAME(vmprof_tool_info, tool_info_0_1, name);
STILL_FITS(vmprof_tool_info, tool_info_0_1);

struct event_recorder_options_0_1 {
    uint64_t size;
    uint64_t events;
    uint64_t period;
    uint64_t rate;
    uint64_t ring_size;
    uint64_t allocation_period;
};

SAME(vmprof_event_recorder_options, event_recorder_options_0_1, size);
SAME(vmprof_event_recorder_options, event_recorder_options_0_1, events);
SAME(vmprof_event_recorder_options, event_recorder_options_0_1, period);
SAME(vmprof_event_recorder_options, event_recorder_options_0_1, rate);
SAME(vmprof_event_recorder_options, event_recorder_options_0_1, ring_size);
SAME(vmprof_event_recorder_options, event_recorder_options_0_1,
     allocation_period);
STILL_FITS(vmprof_event_recorder_options, event_recorder_options_0_1);

struct recorded_events_0_1 {
    uint64_t size;
    uint64_t recorded;
    uint64_t left_out;
    uint64_t over_rate;
    uint64_t no_room;
};

SAME(vmprof_recorded_events, recorded_events_0_1, size);
SAME(vmprof_recorded_events, recorded_events_0_1, recorded);
SAME(vmprof_recorded_events, recorded_events_0_1, left_out);
SAME(vmprof_recorded_events, recorded_events_0_1, over_rate);
SAME(vmprof_recorded_events, recorded_events_0_1, no_room);
STILL_FITS(vmprof_recorded_events, recorded_events_0_1);

/* Values are compiled in too. */
static_assert(VMPROF_EVENT_CALL == 0 && VMPROF_EVENT_RESUME == 1 &&
                  VMPROF_EVENT_RETURN == 2 && VMPROF_EVENT_YIELD == 3 &&
                  VMPROF_EVENT_THROW_INTO == 4 && VMPROF_EVENT_UNWIND == 5 &&
                  VMPROF_EVENT_C_CALL == 8 && VMPROF_EVENT_C_RETURN == 9 &&
                  VMPROF_EVENT_C_RAISE == 10 && VMPROF_EVENT_RAISE == 12 &&
                  VMPROF_EVENT_RERAISE == 13 && VMPROF_EVENT_HANDLED == 14,
              "an event of calls or exceptions changed its value");
static_assert(VMPROF_EVENT_LINE == 16 && VMPROF_EVENT_INSTRUCTION == 17 &&
                  VMPROF_EVENT_BRANCH_TAKEN == 18 &&
                  VMPROF_EVENT_BRANCH_NOT_TAKEN == 19 &&
                  VMPROF_EVENT_JUMP == 20 && VMPROF_EVENT_BACK_EDGE == 21 &&
                  VMPROF_EVENT_CODE_CREATED == 24 &&
                  VMPROF_EVENT_CODE_DESTROYED == 25,
              "an event of code changed its value");
static_assert(VMPROF_EVENT_ALLOCATION == 28 && VMPROF_EVENT_FREE == 29 &&
                  VMPROF_EVENT_GC_START == 30 && VMPROF_EVENT_GC_END == 31 &&
                  VMPROF_EVENT_JIT_COMPILED == 34 &&
                  VMPROF_EVENT_JIT_ABORTED == 35 &&
                  VMPROF_EVENT_JIT_ENTERED == 36 &&
                  VMPROF_EVENT_JIT_LEFT == 37 &&
                  VMPROF_EVENT_JIT_INVALIDATED == 38 &&
                  VMPROF_EVENT_THREAD_STARTED == 40 &&
                  VMPROF_EVENT_THREAD_ENDED == 41 && VMPROF_EVENT_VM == 48,
              "an event of the VM's own changed its value");
static_assert(VMPROF_EVENT_KEEP == 0 && VMPROF_EVENT_DISABLE == 1,
              "what a callback returns changed its value");
static_assert(VMPROF_VALUE_NONE == 0 && VMPROF_VALUE_INTEGER == 1 &&
                  VMPROF_VALUE_NUMBER == 2 && VMPROF_VALUE_STRING == 3 &&
                  VMPROF_VALUE_OBJECT == 4 && VMPROF_VALUE_OF_OBJECT == 0 &&
                  VMPROF_VALUE_OF_ARGUMENT == 1 && VMPROF_VALUE_OF_LOCAL == 2 &&
                  VMPROF_VALUE_OF_EXCEPTION == 3,
              "a kind or a name of a value changed its value");
