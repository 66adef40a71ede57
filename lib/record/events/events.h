/* SPDX-License-Identifier: MIT */

/* Who wants which events. */
#ifndef VMP_RECORD_EVENTS_H
#define VMP_RECORD_EVENTS_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include <vmprof/events.h>

#include "places.h"

enum {
    VMP_EVENT_KINDS = 64,
    VMP_OF_CODE = 64, /* the kind of a place that says what is wanted of a code;
                         its offset is then the tool's slot */
};

/* In a thread's word of what it is at: a bit for each tool whose callback runs,
 * and that it reads tables which may be replaced. */
#define VMP_EVENTS_READING ((uint64_t)1 << 63)

struct vmp_layer_record;

/* A thread's. */
struct vmp_thread_events {
    struct vmprof_thread *head;
    atomic_uint_least64_t at; /* what it is at; written by itself */
    atomic_uint_least64_t own[VMPROF_MAX_TOOLS]; /* wanted of it alone */
    uint64_t allocation_loaded;                  /* into its countdown */
    uint64_t random;
    /* What a layer keeps of this thread, by its tool's slot; changed under
     * vmp_layers_lock(). */
    _Atomic(struct vmp_layer_record *) layers[VMPROF_MAX_TOOLS];

    /* Under the lock. */
    struct vmp_thread_events *next, **link;
};

/* A slot. What is not atomic is read only by who holds the lock, or has said in
 * vmp_thread_events::at that a callback runs and found it alive, or wanting
 * something everywhere, afterwards. */
struct vmp_tool {
    /* What each event looks at, in one line of the cache. */
    /* Of `events` what is disabled nowhere; 0 if it is not alive. */
    _Alignas(64) atomic_uint_least64_t everywhere;
    struct vmprof_tool_callbacks callbacks;
    atomic_bool alive;
    atomic_uint rank;              /* in the order of calls */
    atomic_uint_least64_t events;  /* of all threads and codes */
    uint64_t disabled;             /* somewhere at least; under the lock */
    atomic_uint_least64_t codes;   /* of some code at least */
    atomic_uint_least64_t threads; /* of some thread at least */
    vmprof_tool handle;
    char name[64];
    atomic_uint_least64_t errors;
    atomic_int last_error;
};

struct vmp_wanted {
    struct vmp_tool tools[VMPROF_MAX_TOOLS];
    atomic_uint_least32_t by_kind[VMP_EVENT_KINDS]; /* who may want one: bits */
    atomic_uint_least64_t epoch;
    atomic_bool is_in_order;        /* slots are, by rank */
    atomic_uint_least64_t disabled; /* somewhere, by some tool */
    atomic_uint_least64_t allocation_period;
    struct vmp_places sites; /* where who has disabled what */
    struct vmp_places codes; /* what is wanted of which */

    /* Under the lock. */
    struct vmp_thread_events *threads;
    vmprof_tool last; /* handle */
    vmprof_mask_function on_mask_change;
    void *on_mask_change_user;
};

extern struct vmp_wanted vmp_wanted;

/* The slot of a tool that is registered. */
unsigned
vmp_events_slot(vmprof_tool tool);

void
vmp_events_lock(void);
void
vmp_events_unlock(void);

/* What is wanted has changed: work out what follows, and have other threads see
 * it. Under the lock; vmp_events_tell() goes with it, without. */
void
vmp_events_changed(void);
void
vmp_events_tell(void);

/* As vmprof_set_events(), but for the telling. */
int
vmp_events_set(vmprof_tool tool, uint64_t events);

/* As vmprof_unregister_tool(), but for the waiting, for the bits that it sets, and
 * for the telling. */
int
vmp_events_forget(vmprof_tool tool, uint64_t *bits);

/* A tool has disabled an event somewhere. Under the lock. */
void
vmp_events_not_everywhere(struct vmp_tool *tool, uint32_t kind);

/* Wait until no other thread is at any of these: with VMP_EVENTS_READING alone,
 * which never lasts, under the lock; else without. */
void
vmp_events_await(uint64_t bits);

/* Whether a thread but one, which may be NULL, is at any of these; under the
 * lock. */
bool
vmp_events_is_any_at(uint64_t bits, const struct vmprof_thread *but);

/* Whether a tool wants an event of a code, on `thread` or, NULL, on any; reads
 * tables. */
bool
vmp_events_is_wanted(unsigned slot, const struct vmp_thread_events *thread,
                     uint32_t kind, uint64_t code);

/* All that a tool wants of a code, on any thread; under the lock. */
uint64_t
vmp_events_wanted_of(unsigned slot, uint64_t code);

/* A thread attaches or detaches. */
void
vmp_events_attach(struct vmp_thread_events *events, struct vmprof_thread *head);
void
vmp_events_detach(struct vmp_thread_events *events);

/* The child of a fork: there are no other threads, and none of their callbacks
 * will end. Under the lock, which is the caller's to let go. */
void
vmp_events_leave_to_parent(struct vmp_thread_events *own);

#endif
