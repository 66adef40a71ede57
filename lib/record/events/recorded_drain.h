/* SPDX-License-Identifier: MIT */

/* From the rings of recorded events to chunks of the format. The writer's. */
#ifndef VMP_EVENTS_RECORDED_DRAIN_H
#define VMP_EVENTS_RECORDED_DRAIN_H

#include "../flow.h"
#include "recorded.h"

struct vmp_recorded_drain {
    struct vmp_encoder *encoder;
    uint64_t start_ns; /* of the session */
    unsigned session;
    struct vmp_recorded_event block[VMP_RECORDED_MOST];
};

enum vmp_flow
vmp_recorded_flow(const struct vmp_recorded_drain *drain,
                  const struct vmp_recorded *recorded);

/* Write what is in the ring of a thread that the file has as number `thread`, and
 * add it to `counts`, by kind, which others may read. */
void
vmp_recorded_drain(struct vmp_recorded_drain *drain,
                   struct vmp_recorded *recorded, uint32_t thread,
                   struct vmp_recorded_counts *counts);

/* Write what became of all events, if there is anything to say. */
void
vmp_recorded_write_totals(struct vmp_recorded_drain *drain,
                          const struct vmp_recorded_counts *counts);

#endif
