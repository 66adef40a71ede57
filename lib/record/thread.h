/* SPDX-License-Identifier: MIT */

/* The record of each attached thread, and the list of all. */
#ifndef VMP_THREAD_H
#define VMP_THREAD_H

#include <assert.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>

#include <vmprof/sampler.h>
#include <vmprof/stack.h>

#include "../format/encoder.h"
#include "../format/format.h"
#include "../os/barrier.h"
#include "../os/clock.h"
#include "../os/signal_stack.h"
#include "chain.h"
#include "events/events.h"
#include "events/recorded.h"
#include "interp/hits.h"
#include "jit/ring.h"
#include "poll.h"
#include "ring.h"
#include "signal/period.h"
#include "stack.h"

enum {
    VMP_MAX_SEGMENTS = 16, /* stacks of nested coroutines in one sample */
};

/* The frames of one stack, as a part of a thread's whole stack. */
struct vmp_segment {
    const struct vmprof_stack *stack;
    uint64_t id;                  /* the stack's */
    uint64_t runs;                /* the stack's then */
    struct vmp_stack_place place; /* likewise */
    size_t depth;
};

/* A part of a whole stack that is to be recorded. */
struct vmp_window {
    struct vmp_segment segments[VMP_MAX_SEGMENTS];
    unsigned segment_count;
    size_t skip;       /* outer frames of the segments that are left out */
    uint64_t cut;      /* outer frames left out in all */
    uint32_t count;    /* frames left in */
    uint32_t keep;     /* of these, the outer ones that the last record held */
    uint32_t lasting;  /* and those that were active ever since it */
    uint64_t jumps;    /* the thread's */
    bool leaf_missing; /* the innermost stack is overfull */
};

/* What the last record in the ring held: the next repeats no frame of it. */
struct vmp_last_sample {
    struct vmp_segment segments[VMP_MAX_SEGMENTS];
    unsigned segment_count;
    size_t skip; /* as in struct vmp_window */
    uint64_t cut;
    uint64_t jumps;         /* the thread's then */
    uint32_t count;         /* frames: links in use */
    uint64_t *links;        /* by frame, outermost first; max_frames of them */
    struct vmp_chain chain; /* of the last one that had frame pointers */
};

enum vmp_busy {
    VMP_IDLE,
    VMP_BUSY,      /* with a sample */
    VMP_REPLACED,  /* its clock is */
    VMP_LOOKED_AT, /* the observer is busy with a sample of it */
};

/* Looks of the observer at a thread that has a clock of its own. Whoever takes a
 * sample of it has to find it wanted, and says so while at it. */
enum vmp_looks {
    VMP_LOOKS_NONE,
    VMP_LOOKS_WANTED,
    VMP_LOOKS_HELD, /* the thread itself takes one */
    VMP_LOOKS_ON,   /* the observer does */
};

enum {
    VMP_NAPS_UNASKED = -1,
};

enum vmp_thread_state {
    VMP_THREAD_FREE,
    VMP_THREAD_ATTACHED,
    VMP_THREAD_ENDED, /* its ring is yet to be written out */
};

/* Of a thread's clock, when it was looked at last whether it goes on. */
struct vmp_clock_watch {
    uint64_t armed_ns, cpu_ns, count_ns;
};

/* What a struct vmprof_thread * really points at. Never unmapped: an ended
 * thread's record waits for the next one that attaches. */
struct vmp_thread {
    struct vmprof_thread head;

    /* Written by the owning thread, read by its handler and the observer. */
    struct vmprof_stack own;
    struct vmprof_stack *leaving; /* its stack while head.stack is NULL */
    uint64_t switches;            /* odd: between two stacks */
    uint64_t jumps; /* to stacks that do not stand on the one left */
    vmprof_request_function request;
    void *request_user;
    atomic_uint requested; /* a walker has been asked and has not answered */
    uint64_t asked_in;     /* what ran when it was, as in struct vmp_record */
    vmprof_read_function read;
    void *read_user;
    uint32_t frames_read; /* at the last sample */

    /* A walker's: what its last answer had, where links of a stack would be; and what
     * passed in the kernel since then, where perf does not tick, with the periods that
     * were due there. */
    uint32_t marked;
    uint64_t marked_cut, untold_ns, untold_ticks;

    /* Whether a handler, a poll or a walker's answer is at work, on the thread
     * itself; and whether another replaces its clock, which no tick may touch. */
    atomic_bool busy, is_replaced;
    atomic_uint looks; /* enum vmp_looks */
    bool was_observed; /* it took one since the thread's last sample */

    /* Under vmp_threads_lock(): it was busy to the end of the last session, and
     * may write to what that gave it. */
    bool is_stuck;
    void *context; /* what the tick in hand interrupted, or NULL */
    struct vmp_ring ring;
    struct vmp_last_sample last;
    struct vmp_window window; /* of a tick: a signal's stack may be small */
    uint64_t last_cpu_ns, last_time_ns; /* up to where samples have its time */
    uint64_t due_cpu_ns;                /* its CPU time when it was due last */
    uint64_t weighed_cpu_ns; /* and when its last sample was weighed */
    bool has_reserve;       /* that is further than samples are: see weight.h */
    uint64_t stands_for_ns; /* the tick or look in hand */
    uint64_t left_out_ns;   /* CPU time of pauses */
    uint64_t period_ns;     /* of CPU time, from then to the next sample */
    uint64_t inherited_ns;  /* from threads too brief for a sample: the first
                              sample here stands for theirs, too */
    struct vmp_periods periods;
    struct vmp_counters counters; /* written by one, read by all */
    struct vmp_clock clock;
    struct vmp_clock_watch watch;
    uintptr_t stack_low, stack_high;      /* of its own C stack; 0: unknown */
    struct vmp_signal_stack signal_stack; /* if it had none */

    struct vmp_poll poll;
    struct vmp_hits hits;
    struct vmp_thread_events events;
    struct vmp_recorded recorded;
    struct vmp_jit jit; /* stays when another thread gets the record */

    /* Under vmp_threads_lock(). */
    enum vmp_thread_state state;
    struct vmp_thread *next;
    struct vmp_thread *next_free; /* if it is */
    pid_t tid;

    /* The observer's: close to what it looks at of each thread. */
    bool is_unsure;                    /* whether it sleeps: it looks again */
    bool was_seen_asleep;              /* in this session */
    bool is_blocked;                   /* a tick was, at the last look */
    unsigned idle_looks;               /* in a row, that found it asleep */
    uint64_t looked_cpu_ns, looked_ns; /* at the last look */
    uint64_t unlooked_ns;              /* from the one before until then */
    int64_t naps;             /* when the thread was last asked for them */
    int64_t others_naps;      /* of all others, known before the last look */
    uint64_t recorded_cpu_ns; /* at its last record, if that was whole; or 0 */

    pthread_t handle;
    char name[32];
    bool is_ending;    /* without having been detached */
    uint64_t start_ns; /* of its attach; on CLOCK_MONOTONIC */
    uint64_t end_ns;   /* of its detach */
    uint64_t cpu_start_ns, cpu_end_ns;
    bool awaits_clock; /* the kernel had none left; it is asked again */

    /* The writer's alone. */
    struct vmp_thread *next_drained; /* in this round */
    bool is_drained, has_ended;      /* as its round found it */
    struct vmp_stream stream;
    bool announced; /* the stream has an index and a THREAD chunk */
    uint32_t *path; /* the node of each frame of the last sample */
    uint32_t path_count;
    uint64_t unsaid_ns;          /* of gaps, for the next sample */
    struct vmp_spliced *spliced; /* with native frames */
};

static_assert(offsetof(struct vmp_thread, head) == 0, "the VM writes here");

/* The calling thread's record. A handler reads this, so that its first touch
 * must not allocate. */
extern _Thread_local struct vmp_thread *vmp_current
    __attribute__((tls_model(VMP_TLS_MODEL)));

/* All records, the newest first. The list only grows. Under the lock. */
extern struct vmp_thread *vmp_threads;

/*
 * The lock over the list, the session, and starting and stopping clocks. Never
 * held while anything waits for a file. The second is held over each look of
 * the observer at another thread's stack, inside the first.
 */
void
vmp_threads_lock(void);
void
vmp_threads_unlock(void);
void
vmp_observe_lock(void);
void
vmp_observe_unlock(void);

/* Give a record whose ring has been written out to the next thread. */
void
vmp_thread_recycle(struct vmp_thread *thread);

/* Take the turn from WANTED to `turn`. False if somebody else has it, or nobody
 * wants looks. Any context. */
static inline bool
vmp_take_look(struct vmp_thread *thread, unsigned turn)
{
    unsigned wanted = VMP_LOOKS_WANTED;

    return atomic_compare_exchange_strong(&thread->looks, &wanted, turn);
}

/* Keep the observer away from the calling thread; false if it is there. */
static inline bool
vmp_hold_looks(struct vmp_thread *thread)
{
    return atomic_load_explicit(&thread->looks, memory_order_acquire) ==
               VMP_LOOKS_NONE ||
           vmp_take_look(thread, VMP_LOOKS_HELD) ||
           /* It has just given up. */
           atomic_load(&thread->looks) == VMP_LOOKS_NONE;
}

/*
 * Begin to work with the calling thread's sample. VMP_IDLE: until vmp_give_back()
 * it is the caller's; VMP_LOOKED_AT: only the clock is; VMP_BUSY: it is of what the
 * caller has interrupted. Any context.
 */
static inline enum vmp_busy
vmp_take(struct vmp_thread *thread)
{
    const bool was_busy =
        atomic_load_explicit(&thread->busy, memory_order_relaxed);

    /* No exchange, which takes longer than all of a short sample's frames: only
     * this thread writes it, and what interrupts it here leaves it as it was. */
    atomic_store_explicit(&thread->busy, true, memory_order_relaxed);
    /* Pairs with vmp_barrier_all(), after which another thread looks at this:
     * either it sees that we are busy, or we see what it has said before, that
     * sampling is off or the clock is replaced. */
    vmp_barrier_own();
    if (was_busy)
        return VMP_BUSY;
    if (!atomic_load_explicit(&thread->is_replaced, memory_order_acquire))
        return vmp_hold_looks(thread) ? VMP_IDLE : VMP_LOOKED_AT;
    atomic_store_explicit(&thread->busy, false, memory_order_release);
    return VMP_REPLACED;
}

static inline void
vmp_give_back(struct vmp_thread *thread)
{
    if (atomic_load_explicit(&thread->looks, memory_order_relaxed) ==
        VMP_LOOKS_HELD)
        atomic_store_explicit(&thread->looks, VMP_LOOKS_WANTED,
                              memory_order_release);
    atomic_store_explicit(&thread->busy, false, memory_order_release);
}

/* Whether the thread has frames of its own, which the observer cannot see. */
static inline bool
vmp_has_own_frames(const struct vmp_thread *thread)
{
    return thread->request || thread->read;
}

/* Whether it has a part in the session. Under the lock. */
static inline bool
vmp_is_sampled(const struct vmp_thread *thread)
{
    return thread->ring.data && !thread->is_stuck;
}

/* Add to a counter that others read meanwhile. Any context. */
static inline void
vmp_count(uint64_t *counter, uint64_t amount)
{
    __atomic_store_n(counter, *counter + amount, __ATOMIC_RELAXED);
}

#endif
