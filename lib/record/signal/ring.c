/* SPDX-License-Identifier: MIT */

/* The producer's side of a ring. Signal context. */

#include "../ring.h"

/* A record is never split: what is left of the buffer is skipped. */
static void
skip_to_start(struct vmp_ring *ring, size_t head)
{
    const size_t at = head & (ring->size - 1);
    struct vmp_record *const record = (void *)(ring->data + at);

    record->size = (uint32_t)(ring->size - at);
    record->type = VMP_RECORD_SKIP;
    atomic_store_explicit(&ring->head, head + record->size,
                          memory_order_release);
}

struct vmp_record *
vmp_ring_reserve(struct vmp_ring *ring, size_t size)
{
    const size_t head = atomic_load_explicit(&ring->head, memory_order_relaxed);
    /* Pairs with the release in vmp_ring_consume(). */
    size_t tail = atomic_load_explicit(&ring->tail, memory_order_acquire);
    const size_t at = head & (ring->size - 1);
    const size_t to_end = ring->size - at;

    if (head == tail && at) {
        /* An empty ring starts over, so that no more memory is touched than the
         * writer lets pile up. Pairs with the acquire in vmp_ring_peek(). */
        skip_to_start(ring, head);
        atomic_compare_exchange_strong_explicit(
            &ring->tail, &tail, head + to_end, memory_order_release,
            memory_order_relaxed);
        /* The record may reach to where the reader saw the skip. Pairs with the
         * fence in vmp_ring_peek(): what it reads of the record there, it reads
         * after the new tail. */
        atomic_thread_fence(memory_order_release);
        return (struct vmp_record *)ring->data;
    }
    if (ring->size - (head - tail) < (size > to_end ? to_end : 0) + size)
        return NULL;
    if (size <= to_end)
        return (struct vmp_record *)(ring->data + at);
    skip_to_start(ring, head);
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
