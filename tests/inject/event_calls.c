/* SPDX-License-Identifier: MIT */

/* Tools, what they ask for, and what they are told. */

#include "operations.h"

#include "profiled.h"

VMPROF_API void
exported_callbacks_init(struct vmprof_tool_callbacks *callbacks)
    IN_LIBRARY(vmprof_tool_callbacks_init);
VMPROF_API void
exported_info_init(struct vmprof_tool_info *info)
    IN_LIBRARY(vmprof_tool_info_init);
VMPROF_API int
exported_wants_event(const struct vmprof_thread *thread, uint64_t events)
    IN_LIBRARY(vmprof_wants_event);
VMPROF_API int
exported_event_allocation(struct vmprof_thread *thread,
                          struct vmprof_event *event)
    IN_LIBRARY(vmprof_event_allocation);

enum {
    TOLD = 10,
    VALUE = 77,
};

#define CALLS       VMPROF_EVENT_BIT(VMPROF_EVENT_CALL)
#define ALLOCATIONS VMPROF_EVENT_BIT(VMPROF_EVENT_ALLOCATION)

static vmprof_tool tool;
static intptr_t told;

static int
note(void *user, struct vmprof_thread *thread, const struct vmprof_event *event)
{
    (void)user;
    (void)thread;
    told += TOLD + (intptr_t)event->target;
    return VMPROF_EVENT_DISABLE;
}

static int
get_value(void *user, struct vmprof_thread *thread,
          const struct vmprof_event *event, enum vmprof_value_name name,
          uint64_t index, struct vmprof_value *value)
{
    (void)user;
    (void)thread;
    (void)event;
    (void)name;
    value->integer = VALUE + (int64_t)index;
    return 0;
}

static void
changed(void *user, uint64_t epoch)
{
    (void)user;
    (void)epoch;
    told++;
}

static intptr_t
register_tool(struct world *w)
{
    struct vmprof_tool_callbacks callbacks;

    (void)w;
    exported_callbacks_init(&callbacks);
    callbacks.event = note;
    return vmprof_register_tool("tool", &callbacks, &tool);
}

static void
prepare_tool(struct world *w)
{
    require(register_tool(w) == 0);
}

static void
prepare_events(struct world *w)
{
    prepare_tool(w);
    require(vmprof_set_events(tool, CALLS | ALLOCATIONS) == 0);
}

static intptr_t
unregister_tool(struct world *w)
{
    const int r = vmprof_unregister_tool(tool);

    return r < 0 ? r : exported_wants_event(w->thread, CALLS);
}

static intptr_t
look_for_tool(struct world *w)
{
    struct vmprof_tool_info named, listed;

    (void)w;
    exported_info_init(&named);
    exported_info_init(&listed);
    return vmprof_get_tool("tool", &named) | vmprof_list_tool(0, &listed) |
           (named.tool != tool) | (listed.tool != tool);
}

static intptr_t
set_events(struct world *w)
{
    const uint64_t epoch = vmprof_events_epoch();
    const int r = vmprof_set_events(tool, CALLS) |
                  vmprof_set_thread_events(tool, w->thread, ALLOCATIONS);

    return r < 0 ? r : (intptr_t)(vmprof_events_epoch() - epoch);
}

static intptr_t
set_code_events(struct world *w)
{
    const int r = vmprof_set_code_events(tool, code(w, 'A'), ALLOCATIONS) |
                  vmprof_restart_events(tool);

    return r < 0 ? r : vmprof_wanted_events(code(w, 'A')) == ALLOCATIONS;
}

static intptr_t
ask_to_be_told(struct world *w)
{
    (void)w;
    vmprof_on_mask_change(changed, NULL);
    vmprof_set_value_function(get_value, NULL);
    return 0;
}

static void
prepare_values(struct world *w)
{
    ask_to_be_told(w);
    prepare_events(w);
}

static intptr_t
fire(struct world *w)
{
    const struct vmprof_event event = {
        .kind = VMPROF_EVENT_CALL,
        .code = code(w, 'B'),
    };

    return vmprof_fire_event(w->thread, &event) + told;
}

static intptr_t
allocate(struct world *w)
{
    struct vmprof_event event = {
        .kind = VMPROF_EVENT_ALLOCATION,
        .code = code(w, 'B'),
        .target = 1,
    };

    return exported_event_allocation(w->thread, &event) + told;
}

static intptr_t
fetch_value(struct world *w)
{
    const struct vmprof_event event = { .kind = VMPROF_EVENT_CALL };
    const uint64_t running = vmprof_running_callbacks(w->thread);
    struct vmprof_value value;
    const int r = vmprof_get_event_value(w->thread, &event,
                                         VMPROF_VALUE_OF_LOCAL, 1, &value);

    vmprof_event_abandoned(w->thread, running);
    return r < 0 ? r : (intptr_t)value.integer + (intptr_t)running;
}

static const struct operation list[] = {
    { "register a tool", "vmprof_register_tool vmprof_tool_callbacks_init",
      register_tool, PATH("AB"), 0, NULL },
    { "unregister a tool", "vmprof_unregister_tool vmprof_wants_event",
      unregister_tool, PATH("AB"), IS_LONG, prepare_events },
    { "look for a tool",
      "vmprof_get_tool vmprof_list_tool vmprof_tool_info_init", look_for_tool,
      PATH("AB"), 0, prepare_tool },
    { "ask for events",
      "vmprof_set_events vmprof_set_thread_events vmprof_events_epoch",
      set_events, PATH("AB"), IS_LONG, prepare_tool },
    { "ask for events of a code",
      "vmprof_set_code_events vmprof_restart_events vmprof_wanted_events",
      set_code_events, PATH("AB"), IS_LONG, prepare_tool },
    { "ask to be told of changes",
      "vmprof_on_mask_change vmprof_set_value_function", ask_to_be_told,
      PATH("AB"), 0, NULL },
    { "fire an event", "vmprof_fire_event", fire, PATH("AB"), IS_LONG,
      prepare_events },
    { "tell of an allocation",
      "vmprof_event_allocation vmprof_allocation_expired", allocate, PATH("AB"),
      IS_LONG, prepare_events },
    { "fetch a value",
      "vmprof_get_event_value vmprof_running_callbacks "
      "vmprof_event_abandoned",
      fetch_value, PATH("AB"), 0, prepare_values },
};

const struct operations event_operations = { list,
                                             sizeof(list) / sizeof(*list) };
