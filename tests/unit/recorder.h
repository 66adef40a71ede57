/* SPDX-License-Identifier: MIT */

/* Tools that note what they were told. */
#ifndef RECORDER_H
#define RECORDER_H

#include "suite.h"

#include <string.h>

#include <vmprof/events.h>

enum {
    CODE = 4,
    OTHER_CODE = 8,
    MOST_CALLS = 64,
};

#define BIT(name) VMPROF_EVENT_BIT(VMPROF_EVENT_##name)

/* A tool that notes what it was told, in one list with all others. */
struct recorder {
    char letter;
    vmprof_tool tool;
    int result;
    unsigned calls;
    struct vmprof_event last;
    void (*act)(struct recorder *recorder);
};

static struct vmprof_thread *self;
static char told[MOST_CALLS];
static size_t told_count;

static inline int
record(void *user, struct vmprof_thread *thread,
       const struct vmprof_event *event)
{
    struct recorder *const recorder = user;

    assert_ptr_equal(thread, self);
    recorder->calls++;
    recorder->last = *event;
    if (told_count < MOST_CALLS - 1)
        told[told_count++] = recorder->letter;
    if (recorder->act)
        recorder->act(recorder);
    return recorder->result;
}

static inline void
add_tool(struct recorder *recorder, char letter, int64_t priority)
{
    const char name[] = { 't', letter, 0 };
    struct vmprof_tool_callbacks callbacks;

    memset(recorder, 0, sizeof(*recorder));
    recorder->letter = letter;
    vmprof_tool_callbacks_init(&callbacks);
    callbacks.user = recorder;
    callbacks.event = record;
    callbacks.priority = priority;
    assert_int_equal(vmprof_register_tool(name, &callbacks, &recorder->tool),
                     0);
}

static inline int
fire_at(enum vmprof_event_kind kind, vmprof_code_id code, uint64_t offset)
{
    const struct vmprof_event event = {
        .kind = kind,
        .code = code,
        .offset = offset,
    };

    return vmprof_wants_event(self, VMPROF_EVENT_BIT(kind))
               ? vmprof_fire_event(self, &event)
               : 0;
}

static inline int
fire(enum vmprof_event_kind kind)
{
    return fire_at(kind, CODE, 1);
}

static inline const char *
take_told(void)
{
    static char taken[MOST_CALLS];

    memcpy(taken, told, told_count);
    taken[told_count] = 0;
    told_count = 0;
    return taken;
}

static inline int
attach(void **state)
{
    (void)state;
    told_count = 0;
    return vmprof_attach_thread(NULL, &self);
}

/* Whoever was registered by a test is gone after it. */
static inline int
detach(void **state)
{
    struct vmprof_tool_info info;

    (void)state;
    vmprof_tool_info_init(&info);
    while (vmprof_list_tool(0, &info) == 0)
        vmprof_unregister_tool(info.tool);
    return vmprof_detach_thread(self);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, attach, detach)

#endif
