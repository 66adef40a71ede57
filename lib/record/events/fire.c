/* SPDX-License-Identifier: MIT */

/* Telling tools of an event. */

#include <errno.h>

#include "../../os/barrier.h"
#include "../thread.h"
#include "events.h"

static void
set_at(struct vmp_thread_events *own, uint64_t at)
{
    atomic_store_explicit(&own->at, at, memory_order_release);
}

static uint64_t
get_at(const struct vmp_thread_events *own)
{
    return atomic_load_explicit(&own->at, memory_order_relaxed);
}

static bool
is_disabled(const struct vmprof_event *event, uint64_t tools)
{
    return atomic_load_explicit(&vmp_wanted.has_sites, memory_order_relaxed) &&
           (vmp_places_get(&vmp_wanted.sites, event->code, event->offset,
                           event->kind) &
            tools) == tools;
}

/* A tool wants no more of this. Without memory it gets more. */
static void
disable(struct vmp_tool *tool, const struct vmprof_event *event, uint64_t bit)
{
    vmp_events_lock();
    if (atomic_load(&tool->alive) && event->code &&
        vmp_places_change(&vmp_wanted.sites, event->code, event->offset,
                          event->kind, 0, bit) == 0)
        atomic_store(&vmp_wanted.has_sites, true);
    vmp_events_unlock();
}

static int
call(struct vmp_tool *tool, struct vmprof_thread *thread,
     const struct vmprof_event *event, uint64_t bit)
{
    const int result =
        tool->callbacks.event(tool->callbacks.user, thread, event);

    if (result == VMPROF_EVENT_DISABLE)
        disable(tool, event, bit);
    if (result < 0) {
        atomic_fetch_add(&tool->errors, 1);
        atomic_store(&tool->last_error, result);
    }
    return result;
}

/* Tell one tool, if it is there and wants it. */
static int
tell(struct vmp_thread_events *own, unsigned slot,
     const struct vmprof_event *event)
{
    struct vmp_tool *const tool = &vmp_wanted.tools[slot];
    const uint64_t bit = (uint64_t)1 << slot, before = get_at(own);
    int result = VMPROF_EVENT_KEEP;
    bool is_wanted;

    set_at(own, before | bit | VMP_EVENTS_READING);
    vmp_barrier_own();
    is_wanted = atomic_load_explicit(&tool->alive, memory_order_acquire) &&
                vmp_events_is_wanted(slot, own, event->kind, event->code) &&
                !is_disabled(event, bit);
    set_at(own, before | bit);
    if (is_wanted)
        result = call(tool, own->head, event, bit);
    set_at(own, before);
    return result;
}

/* Whether all who may want an event have disabled it there. */
static bool
is_dead(struct vmp_thread_events *own, const struct vmprof_event *event)
{
    const uint64_t before = get_at(own);
    uint32_t tools = atomic_load(&vmp_wanted.by_kind[event->kind]);
    bool dead;

    set_at(own, before | VMP_EVENTS_READING);
    vmp_barrier_own();
    for (unsigned slot = 0; slot < VMPROF_MAX_TOOLS; slot++)
        if (tools >> slot & 1 &&
            !vmp_events_is_wanted(slot, NULL, event->kind, event->code))
            tools &= ~((uint32_t)1 << slot);
    dead = tools && is_disabled(event, tools);
    set_at(own, before);
    return dead;
}

/* Of several tools the one to be called first. */
static unsigned
first_of(uint32_t tools)
{
    unsigned first = (unsigned)__builtin_ctz(tools);

    while (tools &= tools - 1) {
        const unsigned slot = (unsigned)__builtin_ctz(tools);

        if (atomic_load_explicit(&vmp_wanted.tools[slot].rank,
                                 memory_order_relaxed) <
            atomic_load_explicit(&vmp_wanted.tools[first].rank,
                                 memory_order_relaxed))
            first = slot;
    }
    return first;
}

int
vmprof_fire_event(struct vmprof_thread *thread,
                  const struct vmprof_event *event)
{
    struct vmp_thread_events *own;
    uint32_t tools;
    int first_error = 0;
    const int saved_errno = errno;

    if (!thread || event->kind >= VMP_EVENT_KINDS)
        return 0;
    own = &((struct vmp_thread *)thread)->events;
    /* A tool that is in a callback of its own stays out of it. */
    tools = atomic_load_explicit(&vmp_wanted.by_kind[event->kind],
                                 memory_order_relaxed) &
            ~(uint32_t)get_at(own);
    while (tools) {
        const unsigned slot = first_of(tools);
        const int result = tell(own, slot, event);

        tools &= ~((uint32_t)1 << slot);
        if (result < 0 && !first_error)
            first_error = result;
    }
    if (!first_error &&
        atomic_load_explicit(&vmp_wanted.has_sites, memory_order_relaxed))
        first_error = is_dead(own, event);
    errno = saved_errno;
    return first_error;
}

void
vmprof_event_abandoned(struct vmprof_thread *thread, uint64_t token)
{
    set_at(&((struct vmp_thread *)thread)->events, token & ~VMP_EVENTS_READING);
}

uint64_t
vmprof_running_callbacks(const struct vmprof_thread *thread)
{
    return get_at(&((const struct vmp_thread *)thread)->events);
}

/* Around the period, so that no loop that allocates is in step with it. */
static uint64_t
next_allocation(struct vmp_thread_events *own)
{
    const uint64_t period = atomic_load(&vmp_wanted.allocation_period);

    if (period <= 1 || period > INT64_MAX / 2)
        return 0;
    own->random ^= own->random << 13;
    own->random ^= own->random >> 7;
    own->random ^= own->random << 17;
    return period / 2 + own->random % period;
}

int
vmprof_allocation_expired(struct vmprof_thread *thread,
                          struct vmprof_event *event)
{
    struct vmp_thread_events *const own =
        &((struct vmp_thread *)thread)->events;

    event->target =
        own->allocation_loaded - (uint64_t)thread->allocation_countdown;
    own->allocation_loaded = next_allocation(own);
    thread->allocation_countdown = (int64_t)own->allocation_loaded;
    return vmprof_fire_event(thread, event);
}
