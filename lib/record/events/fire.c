/* SPDX-License-Identifier: MIT */

/* Telling tools of an event. */

#include <errno.h>

#include "../../os/barrier.h"
#include "../random.h"
#include "../thread.h"
#include "events.h"

enum {
    NOT_TOLD = 0x10000, /* no result of a callback */
};

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

/* Whether a tool may have disabled it anywhere. */
static bool
has_sites(const struct vmprof_event *event)
{
    return atomic_load_explicit(&vmp_wanted.disabled, memory_order_relaxed) >>
               event->kind &
           1;
}

static bool
is_disabled(const struct vmprof_event *event, uint64_t tools)
{
    return has_sites(event) && (vmp_places_get(&vmp_wanted.sites, event->code,
                                               event->offset, event->kind) &
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
        vmp_events_not_everywhere(tool, event->kind);
    vmp_events_unlock();
}

/* What a callback has answered that is not to keep the event. */
static __attribute__((noinline)) void
heed(struct vmp_tool *tool, const struct vmprof_event *event, uint64_t bit,
     int answer)
{
    if (answer == VMPROF_EVENT_DISABLE)
        disable(tool, event, bit);
    if (answer < 0) {
        atomic_fetch_add(&tool->errors, 1);
        atomic_store(&tool->last_error, answer);
    }
}

/* Whether a tool, which is there, wants an event at that place: what takes a look
 * into tables. */
static __attribute__((noinline)) bool
is_wanted_there(struct vmp_thread_events *own, unsigned slot,
                const struct vmprof_event *event)
{
    const uint64_t before = get_at(own);
    bool is_wanted;

    set_at(own, before | VMP_EVENTS_READING);
    vmp_barrier_own();
    is_wanted = vmp_events_is_wanted(slot, own, event->kind, event->code) &&
                !is_disabled(event, (uint64_t)1 << slot);
    set_at(own, before);
    return is_wanted;
}

/* Whether it is there and wants it everywhere, as most do. */
static bool
is_wanted_anyway(const struct vmp_tool *tool, const struct vmprof_event *event)
{
    return atomic_load_explicit(&tool->everywhere, memory_order_acquire) >>
               event->kind &
           1;
}

/* Tell one tool, if it is there and wants it; else NOT_TOLD. */
static int
tell(struct vmp_thread_events *own, struct vmprof_thread *thread, unsigned slot,
     const struct vmprof_event *event)
{
    struct vmp_tool *const tool = &vmp_wanted.tools[slot];
    const uint64_t bit = (uint64_t)1 << slot, before = get_at(own);
    int answer = NOT_TOLD;

    set_at(own, before | bit);
    vmp_barrier_own();
    if (is_wanted_anyway(tool, event) ||
        (atomic_load_explicit(&tool->alive, memory_order_acquire) &&
         tool->callbacks.event && is_wanted_there(own, slot, event))) {
        answer = tool->callbacks.event(tool->callbacks.user, thread, event);
        if (VMPROF_EXPECT(answer != VMPROF_EVENT_KEEP, 0))
            heed(tool, event, bit, answer);
    }
    set_at(own, before);
    return answer;
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

    if (atomic_load_explicit(&vmp_wanted.is_in_order, memory_order_relaxed))
        return first;
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

/* What the VM is told where no tool has kept the event. */
static int
conclude(struct vmp_thread_events *own, const struct vmprof_event *event,
         int first_error)
{
    if (first_error)
        return first_error;
    return has_sites(event) && is_dead(own, event);
}

static int
tell_all(struct vmp_thread_events *own, struct vmprof_thread *thread,
         const struct vmprof_event *event, uint32_t tools)
{
    bool is_kept = false;
    int first_error = 0;

    while (tools) {
        const unsigned slot = first_of(tools);
        const int answer = tell(own, thread, slot, event);

        tools &= ~((uint32_t)1 << slot);
        is_kept |= answer == VMPROF_EVENT_KEEP;
        if (answer < 0 && !first_error)
            first_error = answer;
    }
    return is_kept ? first_error : conclude(own, event, first_error);
}

static __attribute__((noinline)) int
fire_all(struct vmp_thread_events *own, struct vmprof_thread *thread,
         const struct vmprof_event *event, uint32_t tools)
{
    int *const own_errno = &errno; /* found by a call, so once */
    const int saved_errno = *own_errno;
    const int result = tell_all(own, thread, event, tools);

    *own_errno = saved_errno;
    return result;
}

/* The one callback has answered that is not to keep the event. */
static __attribute__((noinline)) int
end_alone(struct vmp_thread_events *own, const struct vmprof_event *event,
          uint32_t bit, int answer)
{
    heed(&vmp_wanted.tools[__builtin_ctz(bit)], event, bit, answer);
    set_at(own, 0);
    return conclude(own, event, answer < 0 ? answer : 0);
}

/* One tool, and the thread is in no callback: what most events are, so as brief
 * as can be. That it is in none is half of it: what is stored does not wait for
 * what the last event has stored. */
static inline __attribute__((always_inline)) int
fire_alone(struct vmp_thread_events *own, struct vmprof_thread *thread,
           const struct vmprof_event *event, uint32_t bit)
{
    struct vmp_tool *const tool = &vmp_wanted.tools[__builtin_ctz(bit)];
    int *own_errno;
    int saved_errno, result;

    set_at(own, bit);
    vmp_barrier_own();
    if (VMPROF_EXPECT(!is_wanted_anyway(tool, event), 0)) {
        set_at(own, 0);
        return fire_all(own, thread, event, bit);
    }
    own_errno = &errno;
    saved_errno = *own_errno;
    result = tool->callbacks.event(tool->callbacks.user, thread, event);
    if (VMPROF_EXPECT(result == VMPROF_EVENT_KEEP, 1))
        set_at(own, 0);
    else
        result = end_alone(own, event, bit, result);
    if (VMPROF_EXPECT(*own_errno != saved_errno, 0))
        *own_errno = saved_errno;
    return result;
}

int
vmprof_fire_event(struct vmprof_thread *thread,
                  const struct vmprof_event *event)
{
    struct vmp_thread_events *own;
    uint32_t tools;
    uint64_t at;

    if (!thread || event->kind >= VMP_EVENT_KINDS)
        return 0;
    own = &((struct vmp_thread *)thread)->events;
    at = get_at(own);
    tools = atomic_load_explicit(&vmp_wanted.by_kind[event->kind],
                                 memory_order_relaxed);
    if (VMPROF_EXPECT(!at && tools && !(tools & (tools - 1)), 1))
        return fire_alone(own, thread, event, tools);
    /* A tool that is in a callback of its own stays out of it. */
    return fire_all(own, thread, event, tools & ~(uint32_t)at);
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
    return period / 2 + vmp_draw(&own->random) % period;
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
