/* SPDX-License-Identifier: MIT */

#include "ring.h"

#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "../../os/clock.h"

enum {
    PROBES = 64, /* a measurement of so many events */
    PROBE_TRIES = 16,
};

static atomic_uint_least32_t emits = VMPROF_EMIT_CURRENT;

void
vmp_jit_init(struct vmp_jit *jit)
{
    jit->ring.full = vmp_jit_full;
}

void
vmp_jit_recycle(struct vmp_jit *jit)
{
    vmp_jit_part(jit);
    atomic_store(&jit->joined, 0);
    jit->taken_session = 0;
    free(jit->marks);
    jit->marks = NULL;
    jit->mark_count = jit->mark_room = 0;
}

/* Memory for so many events, if it is not there. */
static void
give_memory(struct vmp_jit *jit, uint64_t capacity)
{
    void *data;

    if (atomic_load(&jit->given_size) >= capacity)
        return;
    data =
        mmap(NULL, (size_t)capacity * sizeof(uint64_t), PROT_READ | PROT_WRITE,
             MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (data == MAP_FAILED)
        return;
    atomic_store(&jit->given, data);
    /* Pairs with the acquire in begin(). */
    atomic_store_explicit(&jit->given_size, capacity, memory_order_release);
}

void
vmp_jit_join(struct vmp_jit *jit, unsigned session,
             const struct vmp_jit_wishes *wishes, uint64_t cpu_ns)
{
    if (!(wishes->emits & VMPROF_EMIT_EVENT))
        return;
    give_memory(jit, wishes->capacity);
    atomic_store(&jit->overflow, wishes->overflow);
    atomic_store(&jit->inner, wishes->inner);
    atomic_store(&jit->capacity, wishes->capacity);
    atomic_store(&jit->too_short, wishes->too_short);
    jit->start = (struct vmp_mark){
        .ticks = vmprof_jit_ticks(),
        .ns = vmp_now_ns(CLOCK_MONOTONIC),
        .cpu_ns = cpu_ns,
    };
    /* As it is. Pairs with the acquire in vmprof_jit_event(): who finds room has
     * memory for it. */
    __atomic_store_n(&jit->ring.limit, 0, __ATOMIC_RELEASE);
    /* Pairs with the load in vmp_jit_make_room(). */
    atomic_store(&jit->wanted, session);
    /* Or the first of these edges would not come to ask for room. */
    __atomic_store_n(&jit->ring.inner, vmp_jit_wants_inner(wishes->inner),
                     __ATOMIC_RELAXED);
}

/* One event may be under way, and be appended after this. */
void
vmp_jit_part(struct vmp_jit *jit)
{
    /* In this order: see give() for the other side. */
    atomic_store(&jit->wanted, 0);
    __atomic_store_n(&jit->ring.limit, 0, __ATOMIC_SEQ_CST);
    __atomic_store_n(&jit->ring.inner, 0, __ATOMIC_RELAXED);
}

void
vmp_jit_leave_to_parent(struct vmp_jit *jit)
{
    vmp_jit_part(jit);
    atomic_store(&jit->joined, 0);
    jit->taken_session = 0;
    /* Of the heap, which another thread may have been in the middle of using. */
    jit->marks = NULL;
    jit->mark_count = jit->mark_room = 0;
}

static uint64_t
end_of(const struct vmp_jit *jit)
{
    const uint64_t index = __atomic_load_n(&jit->ring.index, __ATOMIC_RELAXED);
    const uint64_t end = atomic_load(&jit->end);

    return index < end ? index : end;
}

/* Of those that are kept one less than there is room, since the next may be on
 * its way into the place of the oldest. */
uint64_t
vmp_jit_oldest(const struct vmp_jit *jit, uint64_t index)
{
    const uint64_t first = atomic_load(&jit->first);
    const uint64_t most = atomic_load(&jit->capacity) - 1;

    if (atomic_load(&jit->overflow) != VMPROF_JIT_OVERFLOW_NEWEST ||
        index - first < most)
        return first;
    return index - most;
}

uint64_t
vmp_jit_lost(const struct vmp_jit *jit)
{
    return vmp_jit_oldest(jit, end_of(jit)) - atomic_load(&jit->first) +
           __atomic_load_n(&jit->ring.lost, __ATOMIC_RELAXED) -
           atomic_load(&jit->lost_before) + atomic_load(&jit->untimely);
}

void
vmp_jit_count(const struct vmp_jit *jit, unsigned session, uint64_t *events,
              uint64_t *lost)
{
    const uint64_t end = end_of(jit);

    /* Pairs with the release in begin(). */
    if (!session || atomic_load(&jit->joined) != session)
        return;
    *events += end - vmp_jit_oldest(jit, end) - atomic_load(&jit->untimely);
    *lost += vmp_jit_lost(jit);
}

void
vmp_jit_set_emits(const struct vmp_jit_wishes *wishes)
{
    uint32_t wanted =
        wishes && wishes->emits ? wishes->emits : VMPROF_EMIT_CURRENT;

    if (wanted & VMPROF_EMIT_EVENT && wishes->inner == VMPROF_JIT_INNER_COUNT)
        wanted |= VMPROF_EMIT_COUNT;
    atomic_store(&emits, wanted);
}

uint32_t
vmp_jit_wanted_emits(void)
{
    return atomic_load(&emits);
}

/* The least of several tries: the others were interrupted. */
uint64_t
vmp_jit_probe_ticks(void)
{
    uint64_t records[PROBES], least = UINT64_MAX;
    struct vmprof_jit_ring ring = { .records = records, .mask = PROBES - 1 };
    struct vmprof_thread thread = { .jit_ring = &ring };

    ring.limit = PROBES * (PROBE_TRIES + 1);
    for (int i = 0; i < PROBE_TRIES; i++) {
        const uint64_t start = vmprof_jit_ticks();
        uint64_t ticks;

        for (int j = 0; j < PROBES; j++)
            vmprof_jit_event(&thread, VMPROF_EDGE_JUMP, 1);
        ticks = vmprof_jit_ticks() - start;
        least = ticks < least ? ticks : least;
    }
    return least / PROBES;
}
