/* SPDX-License-Identifier: MIT */

/* What a thread keeps for counting bytecodes. */
#ifndef VMP_INTERP_HITS_H
#define VMP_INTERP_HITS_H

#include <stdatomic.h>

#include "hit_counters.h"
#include "hit_sites.h"
#include "table.h"

/* A thread's. What has no other word is its own. */
struct vmp_hits {
    struct vmprof_thread *head;
    int64_t loaded; /* the countdown that was given last, less what counted */
    int64_t left;   /* bytecodes up to the next hit, of them `ran` are done */
    uint64_t ran;   /* bytecodes since the last hit */
    bool on;
    bool each; /* every bytecode is a hit */
    bool jitter;
    bool is_planned; /* where the countdown ends is the next hit */
    uint32_t idle;   /* counts that ran out while it was off */
    uint64_t mark;   /* of a candidate's call that runs: all of it is hits, and
                       no others are counted; else 0 */
    uint64_t epoch, generation, restarts; /* vmp_interp's, last */
    uint64_t period;
    uint64_t random;
    struct vmp_table table;
    struct vmprof_hit_cell *cells; /* of others under the lock, to drop them */
    struct vmp_hit_sites sites;    /* likewise, when a code is forgotten */
    struct vmp_hit_counters counters;

    /* Under vmp_interp_lock(). */
    bool wanted;
    struct vmp_hits *next, **link;
};

/* A thread attaches or detaches. */
void
vmp_hits_attach(struct vmp_hits *hits, struct vmprof_thread *head);
void
vmp_hits_detach(struct vmp_hits *hits);

/* By the owner: what is set for all takes effect. Its countdown has to be loaded
 * anew. */
void
vmp_hits_look(struct vmp_hits *hits);

/* Nothing is counted in place until it has been hit again; by the owner, under
 * the lock. */
void
vmp_hits_drop_all(struct vmp_hits *hits);

/* Settle what the thread has run up to now, with its countdown in its record,
 * and have it look at what is set. By the owner. */
void
vmp_hits_sync(struct vmp_hits *hits);

/* The same of the calling thread, if it has a record: what is set takes effect
 * there at once. */
void
vmp_hits_sync_own(void);

/* By the owner: a call of this mark runs, or one of none. */
void
vmp_hits_set_mark(struct vmp_hits *hits, uint64_t mark);

/* Write what is wanted where the thread's loop sees it; under the lock. */
void
vmp_hits_show(struct vmp_hits *hits);

/* No bytecode of this code runs any more; under the lock. Its cells are only
 * there if it has rows. */
void
vmp_hits_drop_cells(struct vmp_hits *hits, uint64_t code);
void
vmp_hits_drop_sites(struct vmp_hits *hits, uint64_t code);

/* In the child of a fork(), under the lock: nothing is profiled, and what was
 * counted is the parent's. `own` is the calling thread's, or NULL. */
void
vmp_interp_leave_to_parent(struct vmp_hits *own);

#endif
