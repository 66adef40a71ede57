/* SPDX-License-Identifier: MIT */

/* Recorded events of the VM's language, as chunks of the native format. */
#ifndef VMP_FORMAT_RECORDED_H
#define VMP_FORMAT_RECORDED_H

#include "encoder.h"

enum {
    VMP_RECORDED_MOST = 768, /* in a chunk */
    VMP_RECORDED_KINDS = 64,
};

/* One event. `missing` has a bit for each kind of which some came after the event
 * before it, on its thread, and are not there. */
struct vmp_recorded_event {
    uint64_t time_ns;
    uint64_t code, offset, target, callee;
    uint64_t missing;
    uint32_t kind, line;
};

/* Events of one thread, in their order. */
struct vmp_recorded_block {
    uint32_t thread;
    uint64_t first; /* number of the first, from 0 */
    const struct vmp_recorded_event *events;
    size_t count;      /* at most VMP_RECORDED_MOST */
    uint64_t start_ns; /* of the session, on the clock of the events */
};

/* What became of the events of one kind. */
struct vmp_recorded_counts {
    uint64_t recorded, left_out, over_rate, no_room;
};

/* What was to be recorded, and what became of it. */
struct vmp_recorded_totals {
    uint64_t events, period, rate;
    const struct vmp_recorded_counts *counts; /* VMP_RECORDED_KINDS of them */
};

/* Write one chunk, and before it the names that it needs; nothing if there are
 * no events. Both return 0, or what the sink or malloc said. */
int
vmp_encoder_recorded(struct vmp_encoder *encoder,
                     const struct vmp_recorded_block *block);
int
vmp_encoder_recorded_totals(struct vmp_encoder *encoder,
                            const struct vmp_recorded_totals *totals);

#endif
