/* SPDX-License-Identifier: MIT */

/**
 * @file
 * Compiled loops and bridges: which one a thread runs, and when it went there.
 *
 * The idea is PyPy's plan for "A JIT-aware profiler": enter and exit of each
 * compiled loop, told by the machine code itself. New here: the usual price is
 * one store, which samples read; events with a time are for those who ask for
 * them; and bridges, calls between traces and lost events have a meaning.
 *
 * A VM says which traces there are with trace.h, and tells of the edges
 * between them: from the interpreter into a trace, from one trace into another,
 * back to the interpreter. Never of a label that a loop comes back to. A VM in
 * C calls the inline functions below; machine code has the same from emit.h,
 * which is written against struct vmprof_thread and struct vmprof_jit_ring.
 */
#ifndef VMPROF_JIT_H
#define VMPROF_JIT_H

#include <vmprof/stack.h>

#if !defined(__x86_64__) && !defined(__aarch64__)
#    include <time.h>
#endif

VMPROF_BEGIN_DECLS

/**
 * A trace, or a guard of one. Never used again for another; below
 * VMPROF_JIT_MAX_IDS. 0 is none: the interpreter. @since 0.1
 */
typedef uint32_t vmprof_jit_id;

/** How many ids there can be in a process, 2^24. @since 0.1 */
#define VMPROF_JIT_MAX_IDS ((uint32_t)1 << 24)

/** What an edge does, bits. @since 0.1 */
enum vmprof_emits {
    VMPROF_EMIT_CURRENT = 1, /**< store which trace runs: for samples */
    VMPROF_EMIT_COUNT = 2,   /**< count: exact entries and guard exits */
    VMPROF_EMIT_EVENT = 4,   /**< record an event with its time */
};

/** What an event says; of a record the low 3 bits. @since 0.1 */
enum vmprof_edge {
    VMPROF_EDGE_ENTER = 0, /**< the interpreter goes into this trace */
    VMPROF_EDGE_JUMP = 1,  /**< another trace does: by a jump, or as a guard
                                that has a bridge fails */
    VMPROF_EDGE_EXIT = 2,  /**< this trace, or the trace of this guard, goes
                                back to the interpreter */
    VMPROF_EDGE_CALL = 3,  /**< this trace calls another, or the interpreter,
                                and will go on */
    VMPROF_EDGE_RETURN = 4 /**< this trace goes on after a call */
};

enum {
    /** @private Of a record: where the id and the time begin. */
    VMPROF_RECORD_ID_SHIFT = 3,
    VMPROF_RECORD_TIME_SHIFT = 27,
};

/**
 * Where a thread's events go. Frozen: machine code has it compiled in.
 *
 * A record is a word: the edge in bits 0 to 2, the id in bits 3 to 26, in the
 * others the low 37 bits of vmprof_jit_ticks(). @since 0.1
 */
struct vmprof_jit_ring {
    uint64_t index;    /**< of the next event; it only grows */
    uint64_t limit;    /**< an event of this index or a higher one has no room;
                            0: none are wanted */
    uint64_t *records; /**< the event of an index is at index & mask */
    uint64_t mask;
    uint64_t inner; /**< 0: edges to and from inner bridges make no events */
    uint64_t lost;  /**< events that had no room */
    /** What is called for an event that has no room: either waits, or counts it
     * as lost and leaves index at or above limit. Keeps all registers but the
     * flags, also those that a call may change; machine code calls it with the
     * ring in its first argument's register. */
    void (*full)(struct vmprof_jit_ring *ring);
    uint64_t reserved[9]; /**< zero */
};

/**
 * The time as events have it: on x86-64 the time stamp counter, on aarch64 the
 * virtual counter, elsewhere nanoseconds.
 * @par Context
 * Any thread; async-signal-safe.
 * @since 0.1
 */
VMPROF_INLINE uint64_t
vmprof_jit_ticks(void)
{
#if defined(__x86_64__)
    uint32_t low, high;

    __asm__ volatile("rdtsc" : "=a"(low), "=d"(high));
    return (uint64_t)high << 32 | low;
#elif defined(__aarch64__)
    uint64_t ticks;

    __asm__ volatile("mrs %0, cntvct_el0" : "=r"(ticks));
    return ticks;
#else
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec;
#endif
}

/**
 * Make room for an event, as vmprof_jit_ring::full does.
 *
 * @return 1 if there is room now, 0: the event is counted as lost.
 * @par Context
 * The owning thread; async-signal-safe.
 * @since 0.1
 */
VMPROF_API int
vmprof_jit_make_room(struct vmprof_jit_ring *ring);

/**
 * Record an event. The functions below do it where emits ask for it.
 * @par Context
 * The owning thread.
 * @since 0.1
 */
VMPROF_INLINE void
vmprof_jit_event(struct vmprof_thread *thread, enum vmprof_edge edge,
                 vmprof_jit_id id)
{
    struct vmprof_jit_ring *const ring = thread->jit_ring;
    const uint64_t index = ring->index;

    if (VMPROF_EXPECT(index >= __atomic_load_n(&ring->limit, __ATOMIC_ACQUIRE),
                      0) &&
        !vmprof_jit_make_room(ring))
        return;
    /* Relaxed: a reader of records that are overwritten looks at the index
     * again afterwards. */
    __atomic_store_n(&ring->records[index & ring->mask],
                     vmprof_jit_ticks() << VMPROF_RECORD_TIME_SHIFT |
                         (uint64_t)id << VMPROF_RECORD_ID_SHIFT |
                         (uint64_t)edge,
                     __ATOMIC_RELAXED);
    __atomic_store_n(&ring->index, index + 1, __ATOMIC_RELEASE);
}

/** @private An edge, into or out of @p current. */
VMPROF_INLINE void
vmprof_jit_edge(struct vmprof_thread *thread, enum vmprof_edge edge,
                vmprof_jit_id id, vmprof_jit_id current, uint32_t emits)
{
    if (emits & VMPROF_EMIT_CURRENT)
        __atomic_store_n(&thread->trace, (uint64_t)current, __ATOMIC_RELAXED);
    if (emits & VMPROF_EMIT_EVENT)
        vmprof_jit_event(thread, edge, id);
}

/**
 * The thread goes from the interpreter into a trace. In another trace, this
 * ends it, as vmprof_jit_jump() does.
 *
 * @param emits  Bits of enum vmprof_emits; a constant costs nothing.
 *               VMPROF_EMIT_COUNT is the caller's: `++*counter`, see trace.h.
 * @par Context
 * The owning thread.
 * @since 0.1
 */
VMPROF_INLINE void
vmprof_jit_enter(struct vmprof_thread *thread, vmprof_jit_id trace,
                 uint32_t emits)
{
    vmprof_jit_edge(thread, VMPROF_EDGE_ENTER, trace, trace, emits);
}

/**
 * The thread goes from one trace into another, which may be a bridge.
 * @par Context
 * The owning thread.
 * @since 0.1
 */
VMPROF_INLINE void
vmprof_jit_jump(struct vmprof_thread *thread, vmprof_jit_id trace,
                uint32_t emits)
{
    vmprof_jit_edge(thread, VMPROF_EDGE_JUMP, trace, trace, emits);
}

/**
 * As vmprof_jit_jump(), on an edge from a loop to a bridge of its own that comes
 * back to it, or back: an event is recorded only where the policy for inner
 * bridges asks for it.
 * @par Context
 * The owning thread.
 * @since 0.1
 */
VMPROF_INLINE void
vmprof_jit_jump_inner(struct vmprof_thread *thread, vmprof_jit_id trace,
                      uint32_t emits)
{
    if (!__atomic_load_n(&thread->jit_ring->inner, __ATOMIC_RELAXED))
        emits &= ~(uint32_t)VMPROF_EMIT_EVENT;
    vmprof_jit_edge(thread, VMPROF_EDGE_JUMP, trace, trace, emits);
}

/**
 * The thread goes back to the interpreter.
 *
 * @param from  The guard that failed, or the trace where it is no guard's.
 * @par Context
 * The owning thread.
 * @since 0.1
 */
VMPROF_INLINE void
vmprof_jit_exit(struct vmprof_thread *thread, vmprof_jit_id from,
                uint32_t emits)
{
    vmprof_jit_edge(thread, VMPROF_EDGE_EXIT, from, 0, emits);
}

/**
 * A trace calls the interpreter, a function that may go into other traces, or
 * another trace directly, which then says that it is entered.
 * @par Context
 * The owning thread.
 * @since 0.1
 */
VMPROF_INLINE void
vmprof_jit_call(struct vmprof_thread *thread, vmprof_jit_id caller,
                uint32_t emits)
{
    vmprof_jit_edge(thread, VMPROF_EDGE_CALL, caller, 0, emits);
}

/**
 * And goes on after it; also if what it called was left by an exception.
 * @par Context
 * The owning thread.
 * @since 0.1
 */
VMPROF_INLINE void
vmprof_jit_return(struct vmprof_thread *thread, vmprof_jit_id caller,
                  uint32_t emits)
{
    vmprof_jit_edge(thread, VMPROF_EDGE_RETURN, caller, caller, emits);
}

VMPROF_END_DECLS

#endif
