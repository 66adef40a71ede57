/* SPDX-License-Identifier: MIT */

/* What a thread does, as far as its CPU clock and its naps tell. The observer's
 * alone. */
#ifndef VMP_ACTIVITY_H
#define VMP_ACTIVITY_H

#include "../os/naps.h"
#include "thread.h"

enum vmp_activity {
    VMP_SLEEPS,
    VMP_SLEPT, /* and sleeps again */
    VMP_UNSURE,
    VMP_WAITS, /* for a CPU, where it was at work */
    VMP_RUNS,  /* or would, if the observer had not taken the CPU from it just
                  now */
};

/* What the observer knows and may do; all zero: nothing. */
struct vmp_watch {
    uint64_t now_ns;  /* on CLOCK_MONOTONIC, not older than the round */
    bool can_ask;     /* it has a table of descriptors of its own */
    bool is_exact;    /* CPU clocks tell whether a thread has run at all */
    int64_t others;   /* naps of all others, when that was asked last */
    unsigned in_vain; /* in a row: it took long, or they had slept */
    unsigned spared;  /* questions to go without asking for them */
    struct vmp_status_files files;
};

/* When the calling thread begins to look. */
void
vmp_watch_begin(struct vmp_watch *watch, bool can_ask);

/* At a look that found its CPU time to be `cpu_ns`; under both locks.
 * A thread that may have lost its CPU or sleep is unsure, and wants another look
 * in a moment. */
enum vmp_activity
vmp_activity_of(struct vmp_watch *watch, struct vmp_thread *thread,
                uint64_t cpu_ns);

#endif
