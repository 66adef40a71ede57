/* SPDX-License-Identifier: MIT */

/* Edges between traces, as chunks of the native format. */
#ifndef VMP_EVENTS_H
#define VMP_EVENTS_H

#include "encoder.h"

enum {
    VMP_EVENTS_MOST = 4096, /* in a chunk */
    VMP_MARKS_MOST = 128,
};

struct vmp_event {
    uint64_t ticks;
    uint32_t word; /* the id << 3 and its edge */
};

/* What the ticks were at some time. Each member is at least what it was at the
 * mark before. */
struct vmp_mark {
    uint64_t index; /* events of a lower one came before; not written */
    uint64_t ticks, ns, cpu_ns;
};

/* Of one thread. */
struct vmp_events {
    uint32_t thread, bits;
    uint64_t lost, first;
    const struct vmp_mark *marks; /* at least 1 */
    size_t mark_count;
    const struct vmp_event *events;
    size_t event_count;
};

/* Write one chunk; nothing if there are no events. */
int
vmp_encoder_events(struct vmp_encoder *encoder,
                   const struct vmp_events *events);

#endif
