/* SPDX-License-Identifier: MIT */

/* The writer's side of a ring. */

#include "ring.h"

#include <errno.h>
#include <sys/mman.h>

#include "../os/spare.h"

enum {
    LITTLE = 16 << 10, /* bytes: what held more is not left to the next ring */
};

/* Of one that starts over, the head is further than its size. */
static bool
held_little(const struct vmp_ring *ring)
{
    return atomic_load(&ring->head) <= LITTLE && ring->more <= LITTLE;
}

int
vmp_ring_new(struct vmp_ring *ring, size_t size, size_t more)
{
    void *data = vmp_spare_take(VMP_SPARE_RING, size + more);

    if (!data)
        data = vmp_spare_map(size + more);
    if (!data)
        return -ENOMEM;
    ring->data = data;
    ring->size = size;
    ring->more = more;
    atomic_init(&ring->head, 0);
    atomic_init(&ring->tail, 0);
    return 0;
}

void
vmp_ring_free(struct vmp_ring *ring)
{
    const size_t size = ring->size + ring->more;

    if (ring->data && !(held_little(ring) &&
                        vmp_spare_give(VMP_SPARE_RING, ring->data, size, 0)))
        munmap(ring->data, size);
    ring->data = NULL;
    ring->size = ring->more = 0;
}

void
vmp_rings_drop(void)
{
    vmp_spares_drop(VMP_SPARE_RING);
}

const struct vmp_record *
vmp_ring_peek(struct vmp_ring *ring)
{
    for (;;) {
        /* Pairs with the release in vmp_ring_reserve(), which may pass over an
         * empty rest itself: then the head is seen to have passed it, too. */
        size_t tail = atomic_load_explicit(&ring->tail, memory_order_acquire);
        /* Pairs with the release in vmp_ring_commit(). */
        const size_t head =
            atomic_load_explicit(&ring->head, memory_order_acquire);
        const struct vmp_record *const record =
            (const void *)(ring->data + (tail & (ring->size - 1)));
        uint32_t size;
        uint8_t type;

        if (head == tail)
            return NULL;
        type = __atomic_load_n(&record->type, __ATOMIC_RELAXED);
        size = __atomic_load_n(&record->size, __ATOMIC_RELAXED);
        atomic_thread_fence(memory_order_acquire);
        /* Where the producer was quicker, that was no record any more. */
        if (atomic_load_explicit(&ring->tail, memory_order_relaxed) != tail)
            continue;
        if (type != VMP_RECORD_SKIP)
            return record;
        atomic_compare_exchange_strong_explicit(&ring->tail, &tail, tail + size,
                                                memory_order_release,
                                                memory_order_relaxed);
    }
}

void
vmp_ring_consume(struct vmp_ring *ring, const struct vmp_record *record)
{
    const size_t tail = atomic_load_explicit(&ring->tail, memory_order_relaxed);

    /* Pairs with the acquire in vmp_ring_reserve(). */
    atomic_store_explicit(&ring->tail, tail + record->size,
                          memory_order_release);
}
