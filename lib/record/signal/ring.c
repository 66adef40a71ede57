/* SPDX-License-Identifier: MIT */

/* The producer's side of a ring. Signal context. */

#include "../ring.h"

struct vmp_record *
vmp_ring_reserve(struct vmp_ring *ring, size_t size)
{
    const size_t head = atomic_load_explicit(&ring->head, memory_order_relaxed);
    /* Pairs with the release in vmp_ring_consume(). */
    const size_t tail = atomic_load_explicit(&ring->tail, memory_order_acquire);
    const size_t at = head & (ring->size - 1);
    const size_t to_end = ring->size - at;
    const size_t skip = size > to_end ? to_end : 0;

    if (ring->size - (head - tail) < skip + size)
        return NULL;
    if (!skip)
        return (struct vmp_record *)(ring->data + at);

    /* A record is never split: what is left of the buffer is skipped. */
    ((struct vmp_record *)(ring->data + at))->size = (uint32_t)skip;
    ((struct vmp_record *)(ring->data + at))->type = VMP_RECORD_SKIP;
    atomic_store_explicit(&ring->head, head + skip, memory_order_release);
    return (struct vmp_record *)ring->data;
}

void
vmp_ring_commit(struct vmp_ring *ring, const struct vmp_record *record)
{
    const size_t head = atomic_load_explicit(&ring->head, memory_order_relaxed);

    /* Pairs with the acquire in vmp_ring_peek(). */
    atomic_store_explicit(&ring->head, head + record->size,
                          memory_order_release);
}
