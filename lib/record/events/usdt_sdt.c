/* SPDX-License-Identifier: MIT */

/* Probes of <sys/sdt.h>, fired by a tool of the library's own. */

#include "usdt.h"

#include <errno.h>
#include <stdatomic.h>

#include <vmprof/events.h>

#include "../code.h"

/* The kernel and gdb count who is at a probe in a word beside it. */
#define _SDT_HAS_SEMAPHORES 1
#include <sys/sdt.h>

/* The header's macros leave the rest of their arguments out. */
#ifdef __clang__
#    pragma clang diagnostic ignored "-Wgnu-zero-variadic-macro-arguments"
#endif

#define SEMAPHORE(name)                                                        \
    __attribute__((section(".probes"), visibility("hidden"),                   \
                   used)) volatile unsigned short vmprof_##name##_semaphore

SEMAPHORE(call);
SEMAPHORE(return );
SEMAPHORE(unwind);
SEMAPHORE(gc__start);
SEMAPHORE(gc__end);
SEMAPHORE(jit__compiled);
SEMAPHORE(jit__entered);
SEMAPHORE(jit__left);

#define FIRE(name, event, text)                                                \
    STAP_PROBE4(vmprof, name, (event)->code, text, (event)->line,              \
                (event)->offset)
#define FIRE_TRACE(name, event, text)                                          \
    STAP_PROBE4(vmprof, name, (event)->code, text, (event)->line,              \
                (event)->target)

/* Tried alone: whoever has it sees to it, and a child of a fork that finds it
 * taken is not kept waiting. */
static atomic_flag is_checking = ATOMIC_FLAG_INIT;
static vmprof_tool tool;             /* of who has it; 0: none yet */
static atomic_uint_least64_t wanted; /* by the last check */

static int
fire(void *user, struct vmprof_thread *thread, const struct vmprof_event *event)
{
    char name[VMPROF_NAME_SIZE];

    (void)user;
    (void)thread;
    vmp_code_name(event->code, name);
    switch (event->kind) {
    case VMPROF_EVENT_CALL:
        FIRE(call, event, name);
        break;
    case VMPROF_EVENT_RETURN:
        FIRE(return, event, name);
        break;
    case VMPROF_EVENT_UNWIND:
        FIRE(unwind, event, name);
        break;
    case VMPROF_EVENT_GC_START:
        FIRE(gc__start, event, name);
        break;
    case VMPROF_EVENT_GC_END:
        FIRE(gc__end, event, name);
        break;
    case VMPROF_EVENT_JIT_COMPILED:
        FIRE_TRACE(jit__compiled, event, name);
        break;
    case VMPROF_EVENT_JIT_ENTERED:
        FIRE_TRACE(jit__entered, event, name);
        break;
    case VMPROF_EVENT_JIT_LEFT:
        FIRE_TRACE(jit__left, event, name);
        break;
    }
    return VMPROF_EVENT_KEEP;
}

static uint64_t
bit_if(unsigned short count, enum vmprof_event_kind kind)
{
    return count ? VMPROF_EVENT_BIT(kind) : 0;
}

static uint64_t
traced_events(void)
{
    return bit_if(vmprof_call_semaphore, VMPROF_EVENT_CALL) |
           bit_if(vmprof_return_semaphore, VMPROF_EVENT_RETURN) |
           bit_if(vmprof_unwind_semaphore, VMPROF_EVENT_UNWIND) |
           bit_if(vmprof_gc__start_semaphore, VMPROF_EVENT_GC_START) |
           bit_if(vmprof_gc__end_semaphore, VMPROF_EVENT_GC_END) |
           bit_if(vmprof_jit__compiled_semaphore, VMPROF_EVENT_JIT_COMPILED) |
           bit_if(vmprof_jit__entered_semaphore, VMPROF_EVENT_JIT_ENTERED) |
           bit_if(vmprof_jit__left_semaphore, VMPROF_EVENT_JIT_LEFT);
}

/* Who unregisters all tools there are has taken ours too. */
static int
want(uint64_t events)
{
    struct vmprof_tool_callbacks callbacks;
    int r = tool ? vmprof_set_events(tool, events) : -ENOENT;

    if (r != -ENOENT)
        return r;
    vmprof_tool_callbacks_init(&callbacks);
    callbacks.event = fire;
    r = vmprof_register_tool("vmprof usdt", &callbacks, &tool);
    return r ? r : vmprof_set_events(tool, events);
}

void
vmp_usdt_check(void)
{
    const uint64_t events = traced_events();

    if (events == atomic_load_explicit(&wanted, memory_order_relaxed))
        return;
    if (atomic_flag_test_and_set(&is_checking))
        return;
    /* Without a slot for a tool the next check tries again. */
    if (want(events) == 0)
        atomic_store_explicit(&wanted, events, memory_order_relaxed);
    atomic_flag_clear(&is_checking);
}
