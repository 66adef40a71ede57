/* SPDX-License-Identifier: MIT */

/*
 * The ring of a thread's events. Its thread appends, mostly in machine code, and
 * alone moves the limit up, in signal/jit_room.c; the writer takes, in drain.c.
 *
 * A session asks for events with `wanted`; the thread notices at its next one,
 * for which there is no room, and begins then: whatever it was in the middle of
 * belongs to the session before.
 */
#ifndef VMP_JIT_RING_H
#define VMP_JIT_RING_H

#include <stdatomic.h>
#include <stdbool.h>

#include <vmprof/jit.h>
#include <vmprof/sampler.h>

#include "../../format/events.h"

/* What a session wants of events. */
struct vmp_jit_wishes {
    uint32_t emits;     /* bits of enum vmprof_emits */
    uint32_t inner;     /* enum vmprof_jit_inner */
    uint32_t overflow;  /* enum vmprof_jit_overflow */
    uint64_t capacity;  /* of a ring, events */
    uint64_t too_short; /* ticks that a mean segment must take */
};

struct vmp_jit {
    struct vmprof_jit_ring ring; /* machine code writes here */

    /* Of whoever opens a session. */
    atomic_uint wanted; /* number of the session that wants events; 0: none */
    atomic_uint_least32_t overflow, inner;
    atomic_uint_least64_t capacity, too_short;
    /* The largest memory yet; what was given before stays mapped, since an
     * append may be under way in it. The size is set last, and read first. */
    uint64_t *_Atomic given;
    atomic_uint_least64_t given_size; /* events */
    struct vmp_mark start;            /* when the session began for it */

    /* Of the thread. */
    bool is_busy; /* a handler may come to want room, too */
    uint64_t looked_index, looked_ticks;
    uint64_t
        gave_up; /* the tail at which waiting for the writer was given up */
    atomic_uint_least64_t first;       /* index, in the session it has joined */
    atomic_uint_least64_t lost_before; /* that session */
    atomic_uint_least64_t inner_until; /* from here on no inner edges */
    atomic_uint joined; /* number of that session; set after these */

    /* Of the writer, but where the thread joins. */
    atomic_uint_least64_t tail;     /* what is below has been taken */
    atomic_uint_least64_t end;      /* the session's last event is below */
    atomic_uint_least64_t untimely; /* events whose time cannot be told */

    /* The writer's alone. */
    unsigned taken_session; /* whose the following are */
    uint64_t written;       /* events */
    struct vmp_mark *marks;
    size_t mark_count, mark_room;
};

/* Whether a policy begins with events of inner edges. */
static inline bool
vmp_jit_wants_inner(uint32_t inner)
{
    return inner == VMPROF_JIT_INNER_EACH || inner == VMPROF_JIT_INNER_AUTO;
}

/* Before the thread's record is anyone's, and when it is given to another: no
 * part of it that machine code may be using changes. */
void
vmp_jit_init(struct vmp_jit *jit);
void
vmp_jit_recycle(struct vmp_jit *jit);

/* A session begins for the thread, which has used `cpu_ns`, or ends. Under the
 * threads' lock. If there is no memory, the thread's events are lost. */
void
vmp_jit_join(struct vmp_jit *jit, unsigned session,
             const struct vmp_jit_wishes *wishes, uint64_t cpu_ns);
void
vmp_jit_part(struct vmp_jit *jit);

/* In the child of a fork(): as if there had been no session. */
void
vmp_jit_leave_to_parent(struct vmp_jit *jit);

/* Add what the thread recorded and lost in a session. Any thread. */
void
vmp_jit_count(const struct vmp_jit *jit, unsigned session, uint64_t *events,
              uint64_t *lost);

/* Of the session that the thread has joined: the first event that is not
 * overwritten when there are those up to `index`, and how many were lost. */
uint64_t
vmp_jit_oldest(const struct vmp_jit *jit, uint64_t index);
uint64_t
vmp_jit_lost(const struct vmp_jit *jit);

/* Set what compiled edges should emit from now on, by NULL for no session, and
 * get it. Any thread; the second from signals, too. */
void
vmp_jit_set_emits(const struct vmp_jit_wishes *wishes);
uint32_t
vmp_jit_wanted_emits(void);

/* Ticks that an event takes, measured now. */
uint64_t
vmp_jit_probe_ticks(void);

/* vmprof_jit_make_room(), touching no register but the general ones. Signal
 * context. */
int
vmp_jit_make_room(struct vmprof_jit_ring *ring);

/* The same as vmprof_jit_ring::full: one file each, jit/full_*.c. */
void
vmp_jit_full(struct vmprof_jit_ring *ring);

#endif
