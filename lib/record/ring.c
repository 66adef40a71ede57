/* SPDX-License-Identifier: MIT */

/* The writer's side of a ring. */

#include "ring.h"

#include <errno.h>
#include <sys/mman.h>

int
vmp_ring_new(struct vmp_ring *ring, size_t size)
{
    void *const data = mmap(NULL, size, PROT_READ | PROT_WRITE,
                            MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

    if (data == MAP_FAILED)
        return -ENOMEM;
    ring->data = data;
    ring->size = size;
    atomic_init(&ring->head, 0);
    atomic_init(&ring->tail, 0);
    return 0;
}

void
vmp_ring_free(struct vmp_ring *ring)
{
    if (ring->data)
        munmap(ring->data, ring->size);
    ring->data = NULL;
    ring->size = 0;
}

const struct vmp_record *
vmp_ring_peek(struct vmp_ring *ring)
{
    for (;;) {
        const size_t tail =
            atomic_load_explicit(&ring->tail, memory_order_relaxed);
        /* Pairs with the release in vmp_ring_commit(). */
        const size_t head =
            atomic_load_explicit(&ring->head, memory_order_acquire);
        const struct vmp_record *record;

        if (head == tail)
            return NULL;
        record = (const void *)(ring->data + (tail & (ring->size - 1)));
        if (record->type != VMP_RECORD_SKIP)
            return record;
        vmp_ring_consume(ring, record);
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
