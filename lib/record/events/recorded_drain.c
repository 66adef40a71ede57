/* SPDX-License-Identifier: MIT */

#include "recorded_drain.h"

#include <string.h>

static bool
has_joined(const struct vmp_recorded_drain *drain,
           const struct vmp_recorded *recorded)
{
    /* Pairs with the release in join(). */
    return atomic_load_explicit(&recorded->joined, memory_order_acquire) ==
           drain->session;
}

enum vmp_flow
vmp_recorded_flow(const struct vmp_recorded_drain *drain,
                  const struct vmp_recorded *recorded)
{
    uint64_t waiting;

    if (!has_joined(drain, recorded))
        return VMP_FLOW_STILL;
    waiting = atomic_load(&recorded->head) - atomic_load(&recorded->tail);
    if (!waiting)
        return VMP_FLOW_STILL;
    return waiting > recorded->capacity / 8 ? VMP_FLOW_FILLS : VMP_FLOW_COMES;
}

/* The oldest events. Returns how many. */
static size_t
copy(struct vmp_recorded_drain *drain, const struct vmp_recorded *recorded,
     uint64_t from, uint64_t to)
{
    size_t count = 0;

    while (from + count < to && count < VMP_RECORDED_MOST) {
        drain->block[count] =
            recorded->events[(from + count) & (recorded->capacity - 1)];
        count++;
    }
    return count;
}

static void
count_block(const struct vmp_recorded_drain *drain, size_t count,
            struct vmp_recorded_counts *counts)
{
    for (size_t i = 0; i < count; i++) {
        uint64_t *const recorded = &counts[drain->block[i].kind].recorded;

        __atomic_store_n(recorded, *recorded + 1, __ATOMIC_RELAXED);
    }
}

void
vmp_recorded_drain(struct vmp_recorded_drain *drain,
                   struct vmp_recorded *recorded, uint32_t thread,
                   struct vmp_recorded_counts *counts)
{
    uint64_t head, tail;

    if (!has_joined(drain, recorded))
        return;
    /* Pairs with the release in append(). */
    head = atomic_load_explicit(&recorded->head, memory_order_acquire);
    tail = atomic_load_explicit(&recorded->tail, memory_order_relaxed);
    while (tail < head) {
        const size_t count = copy(drain, recorded, tail, head);
        const struct vmp_recorded_block block = {
            .thread = thread,
            .first = tail,
            .events = drain->block,
            .count = count,
            .start_ns = drain->start_ns,
        };

        vmp_encoder_recorded(drain->encoder, &block);
        count_block(drain, count, counts);
        tail += count;
        /* Pairs with the acquire in record(). */
        atomic_store_explicit(&recorded->tail, tail, memory_order_release);
    }
}

static bool
is_any(const struct vmp_recorded_counts *counts)
{
    static const struct vmp_recorded_counts none[VMP_RECORDED_KINDS];

    return memcmp(counts, none, sizeof(none)) != 0;
}

void
vmp_recorded_write_totals(struct vmp_recorded_drain *drain,
                          const struct vmp_recorded_counts *counts)
{
    const struct vmp_recorded_totals totals = {
        .events = atomic_load(&vmp_recorder.events),
        .period = atomic_load(&vmp_recorder.period),
        .rate = atomic_load(&vmp_recorder.rate),
        .counts = counts,
    };

    if (totals.events || is_any(counts))
        vmp_encoder_recorded_totals(drain->encoder, &totals);
}
