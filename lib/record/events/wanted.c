/* SPDX-License-Identifier: MIT */

/* From what each tool wants to what threads and the VM look at. */

#include <errno.h>
#include <time.h>

#include "../../os/barrier.h"
#include "../lock.h"
#include "events.h"

struct vmp_wanted vmp_wanted;

static struct vmp_lock lock = { .mutex = PTHREAD_MUTEX_INITIALIZER };

void
vmp_events_lock(void)
{
    vmp_lock(&lock);
}

void
vmp_events_unlock(void)
{
    vmp_unlock(&lock);
}

static uint64_t
load(const atomic_uint_least64_t *word)
{
    return atomic_load_explicit(word, memory_order_relaxed);
}

/* Of all threads, or of this one too. */
static uint64_t
wanted_by(const struct vmp_tool *tool, unsigned slot,
          const struct vmp_thread_events *thread)
{
    if (!atomic_load(&tool->alive) || !tool->callbacks.event)
        return 0;
    return load(&tool->events) | load(&tool->codes) |
           (thread ? load(&thread->own[slot]) : 0);
}

/* Of some thread at least. */
static uint64_t
wanted_anywhere(const struct vmp_tool *tool, unsigned slot)
{
    if (!atomic_load(&tool->alive) || !tool->callbacks.event)
        return 0;
    return wanted_by(tool, slot, NULL) | load(&tool->threads);
}

static void
show(struct vmp_thread_events *thread)
{
    uint64_t events = 0;

    for (unsigned i = 0; i < VMPROF_MAX_TOOLS; i++)
        events |= wanted_by(&vmp_wanted.tools[i], i, thread);
    __atomic_store_n(&thread->head->events, events, __ATOMIC_RELAXED);
}

static void
set_everywhere(struct vmp_tool *tool)
{
    const bool is_told = atomic_load(&tool->alive) && tool->callbacks.event;

    atomic_store_explicit(&tool->everywhere,
                          is_told ? load(&tool->events) & ~tool->disabled : 0,
                          memory_order_release);
}

/* Nobody has to look where nothing is disabled, or no more. */
static void
set_disabled(void)
{
    uint64_t events = 0;

    for (unsigned i = 0; i < VMPROF_MAX_TOOLS; i++)
        if (atomic_load(&vmp_wanted.tools[i].alive))
            events |= vmp_wanted.tools[i].disabled;
    atomic_store(&vmp_wanted.disabled, events);
}

void
vmp_events_not_everywhere(struct vmp_tool *tool, uint32_t kind)
{
    tool->disabled |= VMPROF_EVENT_BIT(kind);
    set_everywhere(tool);
    set_disabled();
}

static void
set_by_kind(void)
{
    uint32_t tools[VMP_EVENT_KINDS] = { 0 };

    for (unsigned i = 0; i < VMPROF_MAX_TOOLS; i++)
        for (uint64_t events = wanted_anywhere(&vmp_wanted.tools[i], i); events;
             events &= events - 1)
            tools[__builtin_ctzll(events)] |= (uint32_t)1 << i;
    for (unsigned kind = 0; kind < VMP_EVENT_KINDS; kind++)
        atomic_store_explicit(&vmp_wanted.by_kind[kind], tools[kind],
                              memory_order_relaxed);
}

/* What a tool wants of some thread at least. */
static void
sum_threads(void)
{
    for (unsigned i = 0; i < VMPROF_MAX_TOOLS; i++) {
        uint64_t events = 0;

        for (struct vmp_thread_events *t = vmp_wanted.threads; t; t = t->next)
            events |= load(&t->own[i]);
        atomic_store(&vmp_wanted.tools[i].threads, events);
    }
}

/* The least that is asked for. */
static void
set_allocation_period(void)
{
    uint64_t least = UINT64_MAX;

    for (unsigned i = 0; i < VMPROF_MAX_TOOLS; i++) {
        const struct vmp_tool *const tool = &vmp_wanted.tools[i];

        if (wanted_anywhere(tool, i) &
                VMPROF_EVENT_BIT(VMPROF_EVENT_ALLOCATION) &&
            tool->callbacks.allocation_period < least)
            least = tool->callbacks.allocation_period;
    }
    atomic_store(&vmp_wanted.allocation_period, least);
}

void
vmp_events_changed(void)
{
    sum_threads();
    set_by_kind();
    for (unsigned i = 0; i < VMPROF_MAX_TOOLS; i++)
        set_everywhere(&vmp_wanted.tools[i]);
    set_disabled();
    set_allocation_period();
    for (struct vmp_thread_events *t = vmp_wanted.threads; t; t = t->next)
        show(t);
    atomic_fetch_add(&vmp_wanted.epoch, 1);
    vmp_barrier_all();
}

void
vmp_events_tell(void)
{
    vmprof_mask_function function;
    void *user;

    vmp_events_lock();
    function = vmp_wanted.on_mask_change;
    user = vmp_wanted.on_mask_change_user;
    vmp_events_unlock();
    if (function)
        function(user, atomic_load(&vmp_wanted.epoch));
}

bool
vmp_events_is_wanted(unsigned slot, const struct vmp_thread_events *thread,
                     uint32_t kind, uint64_t code)
{
    const struct vmp_tool *const tool = &vmp_wanted.tools[slot];
    const uint64_t bit = VMPROF_EVENT_BIT(kind);
    uint64_t events = load(&tool->events);

    events |= load(thread ? &thread->own[slot] : &tool->threads);
    if (!(events & bit) && load(&tool->codes) & bit)
        events |= vmp_places_get(&vmp_wanted.codes, code, slot, VMP_OF_CODE);
    return events & bit;
}

uint64_t
vmp_events_wanted_of(unsigned slot, uint64_t code)
{
    const struct vmp_tool *const tool = &vmp_wanted.tools[slot];

    return tool->callbacks.event
               ? load(&tool->events) | load(&tool->threads) |
                     vmp_places_get(&vmp_wanted.codes, code, slot, VMP_OF_CODE)
               : 0;
}

bool
vmp_events_is_any_at(uint64_t bits, const struct vmprof_thread *but)
{
    for (struct vmp_thread_events *t = vmp_wanted.threads; t; t = t->next)
        if (t->head != but &&
            atomic_load_explicit(&t->at, memory_order_acquire) & bits)
            return true;
    return false;
}

void
vmp_events_await(uint64_t bits)
{
    static const struct timespec moment = { .tv_nsec = 50000 };
    const struct vmprof_thread *const own = vmprof_current_thread();
    const bool is_locked = bits == VMP_EVENTS_READING;
    bool is_at;

    vmp_barrier_all();
    for (;;) {
        if (!is_locked)
            vmp_events_lock();
        is_at = vmp_events_is_any_at(bits, own);
        if (!is_locked)
            vmp_events_unlock();
        if (!is_at)
            return;
        nanosleep(&moment, NULL);
    }
}

void
vmp_events_attach(struct vmp_thread_events *events, struct vmprof_thread *head)
{
    vmp_barrier_prepare();
    vmp_events_lock();
    events->head = head;
    for (unsigned i = 0; i < VMPROF_MAX_TOOLS; i++)
        atomic_store(&events->layers[i], NULL);
    events->random = (uintptr_t)events * 0x9e3779b97f4a7c15 | 1;
    events->next = vmp_wanted.threads;
    events->link = &vmp_wanted.threads;
    if (events->next)
        events->next->link = &events->next;
    vmp_wanted.threads = events;
    show(events);
    vmp_events_unlock();
}

void
vmp_events_detach(struct vmp_thread_events *events)
{
    vmp_events_lock();
    *events->link = events->next;
    if (events->next)
        events->next->link = events->link;
    atomic_store(&events->at, 0);
    for (unsigned i = 0; i < VMPROF_MAX_TOOLS; i++)
        atomic_store(&events->own[i], 0);
    __atomic_store_n(&events->head->events, 0, __ATOMIC_RELAXED);
    sum_threads();
    set_by_kind();
    vmp_events_unlock();
}

void
vmp_events_leave_to_parent(struct vmp_thread_events *own)
{
    /* The records of the others are for whoever attaches next. */
    vmp_wanted.threads = own;
    if (own) {
        own->next = NULL;
        own->link = &vmp_wanted.threads;
    }
    sum_threads();
    set_by_kind();
}
