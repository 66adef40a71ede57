/* SPDX-License-Identifier: MIT */

/* From the VM's event to the ring of its thread. */

#include "recorded.h"

#include <string.h>
#include <sys/mman.h>
#include <time.h>

#include "../../os/clock.h"
#include "../pause.h"
#include "../random.h"
#include "../thread.h"

enum {
    NS_PER_SECOND = 1000 * 1000 * 1000,
    BURST_NS = NS_PER_SECOND / 10, /* so much of a rate may come at once */
};

struct vmp_recorder vmp_recorder;

static uint64_t
load(const atomic_uint_least64_t *word)
{
    return atomic_load_explicit(word, memory_order_relaxed);
}

static uint32_t
next_countdown(struct vmp_recorded *own)
{
    return (uint32_t)vmp_draw_countdown(&own->random, own->period);
}

static void
unmap(struct vmp_recorded *own)
{
    if (own->events)
        munmap(own->events, own->mapped);
    own->events = NULL;
    own->mapped = 0;
    own->capacity = 0;
}

static void
give_room(struct vmp_recorded *own, uint64_t capacity)
{
    const size_t size = (size_t)capacity * sizeof(*own->events);
    void *events;

    if (own->capacity == capacity)
        return;
    unmap(own);
    events = mmap(NULL, size, PROT_READ | PROT_WRITE,
                  MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (events == MAP_FAILED)
        return;
    own->events = events;
    own->mapped = size;
    own->capacity = capacity;
}

static void
clear_counts(struct vmp_recorded *own)
{
    for (unsigned kind = 0; kind < VMP_RECORDED_KINDS; kind++) {
        struct vmp_recorded_counts *const counts = &own->counts[kind];

        __atomic_store_n(&counts->left_out, 0, __ATOMIC_RELAXED);
        __atomic_store_n(&counts->over_rate, 0, __ATOMIC_RELAXED);
        __atomic_store_n(&counts->no_room, 0, __ATOMIC_RELAXED);
    }
}

/* Nobody looks at the ring: the writer of the session before is gone, and that of
 * this one waits for `joined`. */
static void
join(struct vmp_recorded *own, unsigned session)
{
    give_room(own, load(&vmp_recorder.capacity));
    clear_counts(own);
    own->missing = 0;
    atomic_store(&own->head, 0);
    atomic_store(&own->tail, 0);
    /* Pairs with the acquire of who looks from outside. */
    atomic_store_explicit(&own->joined, session, memory_order_release);
}

/* Something has changed since the last event. */
static void
begin(struct vmp_recorded *own, unsigned turn)
{
    const unsigned session = atomic_load(&vmp_recorder.session);

    own->turn = turn;
    own->is_on = session != 0;
    if (!session)
        return;
    /* While it was stopped there may have been any. */
    own->missing = load(&vmp_recorder.events);
    if (atomic_load(&own->joined) != session)
        join(own, session);
    own->period = load(&vmp_recorder.period);
    own->step_ns = load(&vmp_recorder.rate);
    if (own->step_ns)
        own->step_ns = (NS_PER_SECOND + own->step_ns - 1) / own->step_ns;
    own->due_ns = 0;
    own->random ^=
        ((uintptr_t)own ^ vmp_now_ns(CLOCK_MONOTONIC)) * 0x9e3779b97f4a7c15;
    if (!own->random)
        own->random = 1;
    for (unsigned kind = 0; kind < VMP_RECORDED_KINDS; kind++)
        own->countdown[kind] = next_countdown(own);
}

static bool
is_left_out(struct vmp_recorded *own, uint32_t kind)
{
    if (vmp_is_paused())
        return true;
    if (--own->countdown[kind])
        return true;
    own->countdown[kind] = next_countdown(own);
    return false;
}

static bool
is_over_rate(struct vmp_recorded *own, uint64_t now_ns)
{
    const uint64_t burst_ns = own->step_ns > BURST_NS ? 0 : BURST_NS;

    if (!own->step_ns)
        return false;
    if (own->due_ns > now_ns)
        return true;
    if (own->due_ns + burst_ns < now_ns)
        own->due_ns = now_ns - burst_ns;
    own->due_ns += own->step_ns;
    return false;
}

static void
append(struct vmp_recorded *own, uint64_t head, uint64_t now_ns,
       const struct vmprof_event *event)
{
    struct vmp_recorded_event *const to =
        &own->events[head & (own->capacity - 1)];

    to->time_ns = now_ns;
    to->code = event->code;
    to->offset = event->offset;
    to->target = event->target;
    to->callee = event->callee;
    to->missing = own->missing;
    to->kind = event->kind;
    to->line = event->line;
    own->missing = 0;
    /* Pairs with the acquire in vmp_recorded_drain(). */
    atomic_store_explicit(&own->head, head + 1, memory_order_release);
}

/* Where what became of an event is counted; NULL: it was recorded. */
static uint64_t *
record(struct vmp_recorded *own, const struct vmprof_event *event)
{
    struct vmp_recorded_counts *const counts = &own->counts[event->kind];
    const uint64_t head = load(&own->head);
    uint64_t now_ns;

    if (is_left_out(own, event->kind))
        return &counts->left_out;
    /* Pairs with the release in vmp_recorded_drain(). */
    if (head - atomic_load_explicit(&own->tail, memory_order_acquire) >=
        own->capacity)
        return &counts->no_room;
    now_ns = vmp_now_ns(CLOCK_MONOTONIC);
    if (is_over_rate(own, now_ns))
        return &counts->over_rate;
    append(own, head, now_ns, event);
    return NULL;
}

int
vmp_record_event(void *user, struct vmprof_thread *thread,
                 const struct vmprof_event *event)
{
    struct vmp_recorded *const own = &((struct vmp_thread *)thread)->recorded;
    /* Pairs with the release in change(). */
    const unsigned turn =
        atomic_load_explicit(&vmp_recorder.turn, memory_order_acquire);
    uint64_t *counter;

    (void)user;
    if (own->turn != turn)
        begin(own, turn);
    if (!own->is_on)
        return VMPROF_EVENT_KEEP;
    counter = record(own, event);
    if (counter) {
        vmp_count(counter, 1);
        own->missing |= VMPROF_EVENT_BIT(event->kind);
    }
    return VMPROF_EVENT_KEEP;
}

static uint64_t
count_of(const uint64_t *counter)
{
    return __atomic_load_n(counter, __ATOMIC_RELAXED);
}

void
vmp_recorded_count(const struct vmp_recorded *recorded, unsigned session,
                   struct vmp_recorded_counts *sums)
{
    /* Pairs with the release in join(). */
    if (!session || atomic_load_explicit(&recorded->joined,
                                         memory_order_acquire) != session)
        return;
    for (unsigned kind = 0; kind < VMP_RECORDED_KINDS; kind++) {
        const struct vmp_recorded_counts *const counts =
            &recorded->counts[kind];

        sums[kind].left_out += count_of(&counts->left_out);
        sums[kind].over_rate += count_of(&counts->over_rate);
        sums[kind].no_room += count_of(&counts->no_room);
    }
}

void
vmp_recorded_free(struct vmp_recorded *recorded)
{
    unmap(recorded);
}
