/* SPDX-License-Identifier: MIT */

/*
 * Room for a thread's next event. Called by the thread, also by its machine code
 * in the middle of whatever that computes: nothing here touches a floating-point
 * or vector register, which the compiler is told. Signal context.
 */

#include "../jit/ring.h"

#include <errno.h>
#include <sys/syscall.h>
#include <unistd.h>

enum {
    LOOKS = 4, /* so often the thread looks here while it fills a ring */
    NAP_NS = 100 * 1000,
    PATIENCE = 5000, /* naps without a sign of the writer */
};

/* Its first event in this session. */
static void
begin(struct vmp_jit *jit, unsigned session)
{
    struct vmprof_jit_ring *const ring = &jit->ring;
    const bool has_inner = vmp_jit_wants_inner(atomic_load(&jit->inner));
    /* Pairs with the release in give_memory(). */
    const uint64_t given =
        atomic_load_explicit(&jit->given_size, memory_order_acquire);

    if (given && given > ring->mask + 1) {
        ring->records = atomic_load(&jit->given);
        ring->mask = given - 1;
    }
    __atomic_store_n(&ring->inner, has_inner, __ATOMIC_RELAXED);
    jit->looked_index = ring->index;
    jit->looked_ticks = vmprof_jit_ticks();
    jit->gave_up = UINT64_MAX;
    atomic_store(&jit->tail, ring->index);
    atomic_store(&jit->first, ring->index);
    atomic_store(&jit->end, UINT64_MAX);
    atomic_store(&jit->untimely, 0);
    atomic_store(&jit->lost_before, ring->lost);
    atomic_store(&jit->inner_until, has_inner ? UINT64_MAX : ring->index);
    /* Pairs with the acquire in vmp_jit_drain() and vmp_jit_count(). */
    atomic_store(&jit->joined, session);
}

/* Whether segments are too short for the clock. Then it is the inner bridges
 * that are left out, as there are the most of them. */
static void
look_at_segments(struct vmp_jit *jit)
{
    const uint64_t ticks = vmprof_jit_ticks();
    const uint64_t events = jit->ring.index - jit->looked_index;

    if (events && jit->ring.inner &&
        atomic_load(&jit->inner) == VMPROF_JIT_INNER_AUTO &&
        (ticks - jit->looked_ticks) / events < atomic_load(&jit->too_short)) {
        __atomic_store_n(&jit->ring.inner, 0, __ATOMIC_RELAXED);
        /* The one that asks for room may be such an edge. */
        atomic_store(&jit->inner_until, jit->ring.index + 1);
    }
    jit->looked_index = jit->ring.index;
    jit->looked_ticks = ticks;
}

static void
nap(void)
{
    const long moment[2] = { 0, NAP_NS };

    syscall(SYS_nanosleep, moment, NULL);
}

/* Wait until the writer has taken something. False if it shows no sign, or the
 * session is over. */
static bool
wait_for_writer(struct vmp_jit *jit, unsigned session, uint64_t tail)
{
    const int saved_errno = errno;
    bool has_room = false;

    if (tail == jit->gave_up)
        return false;
    for (int i = 0; i < PATIENCE && !has_room; i++) {
        if (atomic_load(&jit->wanted) != session)
            return false;
        nap();
        has_room =
            atomic_load_explicit(&jit->tail, memory_order_acquire) != tail;
    }
    if (!has_room)
        jit->gave_up = tail;
    errno = saved_errno;
    return has_room;
}

static uint64_t
least(uint64_t a, uint64_t b)
{
    return a < b ? a : b;
}

/* The limit up to which there is room, or 0. */
static uint64_t
find_room(struct vmp_jit *jit, unsigned session)
{
    const uint64_t index = jit->ring.index;
    const uint64_t capacity = atomic_load(&jit->capacity);
    const uint32_t overflow = atomic_load(&jit->overflow);
    uint64_t tail;

    if (capacity > atomic_load(&jit->given_size))
        return 0;
    if (overflow == VMPROF_JIT_OVERFLOW_NEWEST)
        return index + capacity / LOOKS;
    /* Pairs with the release in the writer: it has read what is overwritten. */
    tail = atomic_load_explicit(&jit->tail, memory_order_acquire);
    if (index - tail >= capacity && overflow == VMPROF_JIT_OVERFLOW_BLOCK &&
        wait_for_writer(jit, session, tail))
        tail = atomic_load_explicit(&jit->tail, memory_order_acquire);
    if (index - tail >= capacity)
        return 0;
    return least(tail + capacity, index + capacity / LOOKS);
}

/* Move the limit up. False if there is no room. */
static bool
give(struct vmp_jit *jit, unsigned session)
{
    uint64_t limit;

    look_at_segments(jit);
    limit = find_room(jit, session);
    if (limit) {
        /* Either vmp_jit_part() comes after this, and has the last word, or this
         * sees that it was there. */
        __atomic_store_n(&jit->ring.limit, limit, __ATOMIC_SEQ_CST);
        if (atomic_load(&jit->wanted) == session)
            return true;
        __atomic_store_n(&jit->ring.limit, 0, __ATOMIC_RELAXED);
    }
    return false;
}

int
vmp_jit_make_room(struct vmprof_jit_ring *ring)
{
    struct vmp_jit *const jit = (struct vmp_jit *)ring;
    /* Pairs with vmp_jit_join(). */
    const unsigned session = atomic_load(&jit->wanted);
    bool has_room = false;

    if (!session)
        return 0;
    if (!jit->is_busy) {
        jit->is_busy = true;
        atomic_signal_fence(memory_order_seq_cst);
        if (atomic_load(&jit->joined) != session)
            begin(jit, session);
        has_room = give(jit, session);
        atomic_signal_fence(memory_order_seq_cst);
        jit->is_busy = false;
    }
    if (!has_room && atomic_load(&jit->wanted) == session)
        __atomic_store_n(&ring->lost, ring->lost + 1, __ATOMIC_RELAXED);
    return has_room;
}

int
vmprof_jit_make_room(struct vmprof_jit_ring *ring)
{
    return vmp_jit_make_room(ring);
}
